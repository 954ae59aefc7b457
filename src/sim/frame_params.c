#include "sim/frame_params.h"

enum { DIMENSIONS = 10 }; /* of the Dimensions record */

void sim_frame_params_init(struct sim_frame_params *f, struct sim_port *port)
{
    f->counter = sim_port_param(port, "ARRAY_COUNTER", SIM_INT);
    f->ndims = sim_port_param(port, "ARRAY_NDIMENSIONS", SIM_INT);
    f->dims = sim_port_param(port, "ARRAY_DIMENSIONS", SIM_ARRAY);
    f->data_type = sim_port_param(port, "DATA_TYPE", SIM_INT);
    f->size_x = sim_port_param(port, "ARRAY_SIZE_X", SIM_INT);
    f->size_y = sim_port_param(port, "ARRAY_SIZE_Y", SIM_INT);
    f->size = sim_port_param(port, "ARRAY_SIZE", SIM_INT);
    f->unique_id = sim_port_param(port, "UNIQUE_ID", SIM_INT);
    f->timestamp = sim_port_param(port, "TIME_STAMP", SIM_DOUBLE);
    f->epics_sec = sim_port_param(port, "EPICS_TS_SEC", SIM_INT);
    f->epics_nsec = sim_port_param(port, "EPICS_TS_NSEC", SIM_INT);
    f->cols = f->rows = f->told_ndims = 0;
}

static void set_dims(struct sim_frame_params *f, const struct sim_frame *frame)
{
    struct sim_array *dims = sim_array_new(DIMENSIONS);
    if (!dims) return;
    for (int i = 0; i < DIMENSIONS; i++)
        dims->value[i] = i >= frame->ndims ? 0 : i == 0 ? frame->cols : frame->rows;
    sim_set_array(f->dims, dims);
    sim_array_unref(dims);
    f->cols = frame->cols;
    f->rows = frame->rows;
    f->told_ndims = frame->ndims;
}

void sim_frame_params_set(struct sim_frame_params *f, const struct sim_frame *frame)
{
    if (f->cols != frame->cols || f->rows != frame->rows || f->told_ndims != frame->ndims)
        set_dims(f, frame);
    sim_set_int(f->ndims, frame->ndims);
    sim_set_int(f->data_type, (int32_t)frame->pixels->type);
    sim_set_int(f->size_x, frame->cols);
    sim_set_int(f->size_y, frame->rows);
    sim_set_int(f->size, (int32_t)sim_array_bytes(frame->pixels));
    sim_set_int(f->unique_id, frame->unique_id);
    sim_set_double(f->timestamp, frame->timestamp);
    sim_set_int(f->epics_sec, (int32_t)frame->epics_sec);
    sim_set_int(f->epics_nsec, (int32_t)frame->epics_nsec);
}
