#include "sim/simdetector.h"

#include <pthread.h>
#include <stdbool.h>

#include <cantProceed.h>
#include <epicsEvent.h>
#include <epicsTime.h>

#include "sim/camera_state.h"
#include "sim/clock.h"
#include "sim/completion.h"
#include "sim/frame_params.h"
#include "sim/port.h"
#include "sim/simdetector_image.h"
#include "sim/source.h"

enum { MODE_SINGLE, MODE_MULTIPLE, MODE_CONTINUOUS };
enum { READOUT = 2 }; /* a state */

struct detector {
    struct sim_port *port;
    struct sim_source source;
    struct sim_completion completion;
    struct sim_image image;
    struct sim_frame_params frame;
    epicsEventId start, stop;
    bool acquiring;
    struct sim_param *state, *message, *time, *period, *mode, *num_images, *images_counter,
        *array_callbacks, *fixed[5]; /* 0, or 1 for the binning */
};

static void finish(struct detector *d)
{
    d->acquiring = false;
    sim_completion_set(&d->completion, false);
}

static void write_acquire(struct detector *d)
{
    bool on = sim_get_int(d->completion.acquire) != 0;
    if (on && !d->acquiring) {
        sim_set_text(d->message, "Acquiring data");
        d->acquiring = true;
        epicsEventTryWait(d->stop); /* one left from a stop that came too late */
        sim_completion_set(&d->completion, true);
        epicsEventSignal(d->start);
    } else if (!on && d->acquiring) {
        sim_set_text(d->message, "Acquisition stopped");
        sim_set_int(d->state, sim_get_int(d->mode) == MODE_CONTINUOUS ? SIM_IDLE : SIM_ABORTED);
        finish(d);
        epicsEventSignal(d->stop);
    }
}

static void written(void *owner, struct sim_param *param)
{
    struct detector *d = owner;
    if (param == d->completion.acquire) write_acquire(d);
    if (sim_image_resets(&d->image, param)) sim_set_int(d->image.reset, 1);
    for (int i = 0; i < 5; i++)
        if (param == d->fixed[i]) sim_set_int(param, i < 2);
}

/* Without the port's lock for so long, or until the acquisition is stopped: then false. */
static bool wait_for(struct detector *d, double seconds)
{
    sim_port_unlock(d->port);
    epicsEventStatus status =
        seconds > 0 ? epicsEventWaitWithTimeout(d->stop, seconds) : epicsEventTryWait(d->stop);
    sim_port_lock(d->port);
    return status != epicsEventOK && d->acquiring;
}

static bool send_frame(struct detector *d, const epicsTimeStamp *start)
{
    epicsTimeStamp now;
    struct sim_frame *frame = sim_image_next(&d->image, sim_get_int(d->frame.counter) + 1);
    if (!frame) {
        sim_set_text(d->message, "No memory for an image");
        sim_set_int(d->state, SIM_ERROR);
        return false;
    }
    sim_wall_clock(&now);
    frame->epics_sec = now.secPastEpoch;
    frame->epics_nsec = now.nsec;
    frame->timestamp = start->secPastEpoch + start->nsec * 1e-9;
    sim_set_int(d->frame.counter, frame->unique_id);
    sim_set_int(d->images_counter, sim_get_int(d->images_counter) + 1);
    sim_frame_params_set(&d->frame, frame);
    sim_publish(d->port);
    if (sim_get_int(d->array_callbacks)) {
        /* Without the lock: plugins with BlockingCallbacks work in this thread. */
        sim_port_unlock(d->port);
        sim_source_offer(&d->source, frame);
        sim_port_lock(d->port);
    }
    sim_frame_unref(frame);
    return true;
}

static bool is_last(const struct detector *d)
{
    int mode = sim_get_int(d->mode);
    return mode == MODE_SINGLE ||
           (mode == MODE_MULTIPLE && sim_get_int(d->images_counter) >= sim_get_int(d->num_images));
}

/* One frame. Returns whether there is another. */
static bool expose(struct detector *d)
{
    epicsTimeStamp start;
    double begin = sim_now();
    sim_wall_clock(&start);
    sim_set_int(d->state, SIM_ACQUIRING);
    sim_publish(d->port);
    if (!wait_for(d, sim_get_double(d->time))) return false;
    sim_set_int(d->state, READOUT);
    sim_publish(d->port);
    if (!send_frame(d, &start)) {
        finish(d);
        return false;
    }
    if (!d->acquiring) return false;
    if (is_last(d)) {
        sim_set_text(d->message, "Waiting for acquisition");
        sim_set_int(d->state, SIM_IDLE);
        sim_publish(d->port);
        finish(d);
        return false;
    }
    double left = sim_get_double(d->period) - (sim_now() - begin);
    if (left < 0) return true;
    sim_set_int(d->state, SIM_WAITING);
    sim_publish(d->port);
    return wait_for(d, left);
}

static void *acquire(void *arg)
{
    struct detector *d = arg;
    for (;;) {
        epicsEventMustWait(d->start);
        sim_port_lock(d->port);
        sim_set_int(d->images_counter, 0);
        while (d->acquiring && expose(d))
            continue;
        sim_publish(d->port);
        sim_port_unlock(d->port);
    }
    return NULL;
}

static void find_params(struct detector *d, const struct sim_options *options)
{
    const char *const fixed[] = {"BIN_X", "BIN_Y", "REVERSE_X", "REVERSE_Y", "COLOR_MODE"};
    d->state = sim_port_param(d->port, "STATUS", SIM_INT);
    d->message = sim_port_param(d->port, "STATUS_MESSAGE", SIM_TEXT);
    d->time = sim_port_param(d->port, "ACQ_TIME", SIM_DOUBLE);
    d->period = sim_port_param(d->port, "ACQ_PERIOD", SIM_DOUBLE);
    d->mode = sim_port_param(d->port, "IMAGE_MODE", SIM_INT);
    d->num_images = sim_port_param(d->port, "NIMAGES", SIM_INT);
    d->images_counter = sim_port_param(d->port, "NIMAGES_COUNTER", SIM_INT);
    d->array_callbacks = sim_port_param(d->port, "ARRAY_CALLBACKS", SIM_INT);
    for (int i = 0; i < 5; i++)
        d->fixed[i] = sim_port_param(d->port, fixed[i], SIM_INT);
    sim_set_text(sim_port_param(d->port, "PORT_NAME_SELF", SIM_TEXT), sim_port_name(d->port));
    sim_set_int(sim_port_param(d->port, "MAX_SIZE_X", SIM_INT), options->cols);
    sim_set_int(sim_port_param(d->port, "MAX_SIZE_Y", SIM_INT), options->rows);
    sim_set_int(d->frame.size_x, options->cols);
    sim_set_int(d->frame.size_y, options->rows);
}

void sim_simdetector_new(const char *port_name, const struct sim_options *options)
{
    struct detector *d = callocMustSucceed(1, sizeof *d, "sim_simdetector_new");
    pthread_t thread;
    d->start = epicsEventMustCreate(epicsEventEmpty);
    d->stop = epicsEventMustCreate(epicsEventEmpty);
    d->port = sim_port_new(port_name, written, d);
    sim_frame_params_init(&d->frame, d->port);
    find_params(d, options);
    sim_completion_init(&d->completion, d->port);
    sim_image_init(&d->image, d->port, options->cols, options->rows);
    sim_source_init(&d->source, port_name, sim_completion_queued, &d->completion);
    if (pthread_create(&thread, NULL, acquire, d) != 0)
        cantProceed("no thread for port %s\n", port_name);
    pthread_detach(thread);
}
