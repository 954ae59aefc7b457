/* The CB1: plugin (the NDCircularBuff template): keeps the latest frames until a trigger, then
 * gives them and those that follow on. */
#ifndef SIM_CIRCULAR_H
#define SIM_CIRCULAR_H

void sim_circular_new(const char *port_name);

#endif
