/* Seconds on the monotonic clock, and the time of day as the IOC sees it. */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <epicsTime.h>

double sim_now(void);

/* The time of day plus an offset, 0 at first. From any thread. */
void sim_wall_clock(epicsTimeStamp *ret);
void sim_wall_clock_offset(double seconds);

#endif
