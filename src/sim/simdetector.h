/* The cam1: driver of --class simdetector: what ADSimDetector does. It needs no files and no
 * camserver; its trigger, its shutter, binning, mirroring and colour do nothing. */
#ifndef SIM_SIMDETECTOR_H
#define SIM_SIMDETECTOR_H

#include "sim/options.h"

void sim_simdetector_new(const char *port_name, const struct sim_options *options);

#endif
