/* A plugin that gives every frame on as it came: Proc1:, Trans1:, Over1: and Codec1:, whose records
 * are there but do nothing. */
#ifndef SIM_PASSIVE_PLUGIN_H
#define SIM_PASSIVE_PLUGIN_H

void sim_passive_plugin_new(const char *port_name);

#endif
