/* Seconds on the monotonic clock. */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

double sim_now(void);

#endif
