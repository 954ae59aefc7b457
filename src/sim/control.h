/* The device sim1:, which no real IOC has: the detector's trigger input (Pulse, Gate) and the
 * faults. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include <stddef.h>

#include "sim/options.h"
#include "sim/trigger.h"

/* Before the database is complete: the port and its records. 0, or -1 with a sentence in why. */
int sim_control_load(const struct sim_options *options, char *why, size_t why_size);
/* Whose pulses and gates. */
void sim_control_trigger(struct sim_trigger *trigger);
/* Once the IOC is up: the faults of the command line begin. */
void sim_control_start(void);

/* Puts as a client would; name without the prefix. */
void sim_control_put(const char *name, double value);

#endif
