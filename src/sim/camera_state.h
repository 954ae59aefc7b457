/* Inside the camera: shared by its writes (camera.c) and its acquisition thread (acquire.c). */
#ifndef SIM_CAMERA_STATE_H
#define SIM_CAMERA_STATE_H

#include <callback.h>
#include <epicsEvent.h>
#include <stdbool.h>

#include "sim/completion.h"
#include "sim/files.h"
#include "sim/frame_params.h"
#include "sim/options.h"
#include "sim/port.h"
#include "sim/source.h"
#include "sim/trigger.h"

/* DetectorState_RBV */
enum { SIM_IDLE = 0, SIM_ACQUIRING = 1, SIM_ERROR = 6, SIM_WAITING = 7, SIM_ABORTED = 10 };

struct sim_camera {
    struct sim_port *port;
    const struct sim_options *options;
    struct sim_files files;
    struct sim_source source;
    epicsEventId start;
    struct sim_trigger trigger;
    double somebody; /* the exposure that somebody else begins, in seconds */
    epicsCallback abort, expose;

    struct sim_completion completion;
    struct sim_param *state, *message, *to_server, *from_server, *acquire_time, *acquire_period,
        *num_images, *num_exposures, *trigger_mode, *delay_time, *image_timeout, *array_callbacks,
        *armed, *gap_fill, *threshold, *energy, *threshold_apply, *threshold_auto, *gain,
        *reset_power, *pre_alloc;
    struct sim_frame_params frame;
    double demanded_threshold, demanded_energy, applied_threshold, applied_energy;
};

/* Talks to camserver: what it was told and answered becomes visible. Takes 10 ms. */
void sim_camserver(struct sim_camera *camera, const char *command);

/* The acquisition thread; arg is the camera. */
void *sim_camera_acquire(void *arg);

#endif
