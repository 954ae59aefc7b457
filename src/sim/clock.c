#include "sim/clock.h"

#include <stdatomic.h>

static _Atomic double offset;

double sim_now(void)
{
    return (double)epicsMonotonicGet() * 1e-9;
}

void sim_wall_clock(epicsTimeStamp *ret)
{
    epicsTimeGetCurrent(ret);
    epicsTimeAddSeconds(ret, atomic_load(&offset));
}

void sim_wall_clock_offset(double seconds)
{
    atomic_store(&offset, seconds);
}
