/* The cam1: driver: what ADPilatus does with its parameters, and the frames it makes. */
#ifndef SIM_CAMERA_H
#define SIM_CAMERA_H

#include "sim/options.h"

void sim_camera_new(const char *port_name, const struct sim_options *options);

#endif
