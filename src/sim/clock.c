#include "sim/clock.h"

#include <epicsTime.h>

double sim_now(void)
{
    return (double)epicsMonotonicGet() * 1e-9;
}
