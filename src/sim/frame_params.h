/* The parameters in which a camera and each plugin tell about their latest frame. */
#ifndef SIM_FRAME_PARAMS_H
#define SIM_FRAME_PARAMS_H

#include "sim/array.h"
#include "sim/port.h"

struct sim_frame_params {
    struct sim_param *counter, *ndims, *dims, *data_type, *size_x, *size_y, *size, *unique_id,
        *timestamp, *epics_sec, *epics_nsec;
    int cols, rows, told_ndims; /* as dims was last set */
};

void sim_frame_params_init(struct sim_frame_params *params, struct sim_port *port);
void sim_frame_params_set(struct sim_frame_params *params, const struct sim_frame *frame);

#endif
