/* The whole IOC: the devices, their records, and their state after boot. */
#ifndef SIM_IOC_H
#define SIM_IOC_H

#include "sim/options.h"

/* Returns when every record has its first value. 0, or -1 with one sentence in why. */
int sim_ioc_start(const struct sim_options *options, char *why, size_t why_size);

/* Closes what is open. The process ends next. */
void sim_ioc_stop(void);

#endif
