/* The camera's acquisition thread: it does what ADPilatus and camserver do between Acquire=1 and
 * the end, in that order. */
#include <math.h>
#include <stdio.h>

#include <epicsTime.h>

#include "sim/camera_state.h"
#include "sim/clock.h"

static const double READOUT = 0.00095;        /* of a Pilatus3 */
static const double CAMSERVER_TIMEOUT = 10.0; /* how long the driver waits behind an exposure */

enum { TRIGGER_INTERNAL = 0, TRIGGER_ALIGNMENT = 4 };
enum outcome { DONE, ABORTED, FAILED };

struct run {
    int images, exposures, trigger;
    double time, period, start;
    char file[SIM_PATH_SIZE];
};

/* Waits without the port's lock until then, or until the acquisition is stopped. */
static enum outcome wait_until(struct sim_camera *c, double then)
{
    double left = then - sim_now();
    sim_port_unlock(c->port);
    epicsEventStatus status =
        left > 0 ? epicsEventWaitWithTimeout(c->stop, left) : epicsEventTryWait(c->stop);
    sim_port_lock(c->port);
    return status == epicsEventOK ? ABORTED : DONE;
}

/* The settings and the exposure command, and camserver's answers to them. */
static enum outcome command_exposure(struct sim_camera *c)
{
    return c->options->instant ? DONE : wait_until(c, sim_now() + 0.02);
}

/* When camserver has written image i, counted from 0. */
static double end_of(const struct run *run, int i)
{
    double exposure = run->exposures * run->time;
    return run->start + exposure + i * fmax(run->period * run->exposures, exposure + READOUT);
}

/* Camserver does not come back: because it hangs, or waits for a trigger that never comes. */
static bool never_ends(const struct sim_camera *c, const struct run *run)
{
    return c->options->hangs ||
           (run->trigger != TRIGGER_INTERNAL && run->trigger != TRIGGER_ALIGNMENT);
}

static enum outcome wait_for_image(struct sim_camera *c, const struct run *run, int i)
{
    if (!never_ends(c, run)) return wait_until(c, end_of(run, i));
    double patience = c->options->instant ? 0
                      : run->images == 1  ? CAMSERVER_TIMEOUT
                                          : sim_get_double(c->image_timeout);
    if (wait_until(c, run->start + run->exposures * run->time + patience) == ABORTED)
        return ABORTED;
    sim_set_text(c->message, "Timeout waiting for camserver response");
    sim_publish(c->port);
    sim_camserver(c, "camcmd k");
    return FAILED;
}

static enum outcome send_frame(struct sim_camera *c)
{
    epicsTimeStamp stamp;
    int id = sim_get_int(c->frame.counter) + 1;
    struct sim_frame *frame = sim_frame_new(id, c->options->cols, c->options->rows);
    if (!frame) {
        sim_set_text(c->message, "No memory for an image");
        return FAILED;
    }
    epicsTimeGetCurrent(&stamp);
    frame->epics_sec = stamp.secPastEpoch;
    frame->epics_nsec = stamp.nsec;
    frame->timestamp = stamp.secPastEpoch + stamp.nsec * 1e-9;
    sim_frame_params_set(&c->frame, frame);
    sim_set_int(c->frame.counter, id);
    sim_publish(c->port);
    /* Without the lock: plugins with BlockingCallbacks work in this thread. */
    sim_port_unlock(c->port);
    sim_source_offer(&c->source, frame);
    sim_port_lock(c->port);
    sim_frame_unref(frame);
    return DONE;
}

static void say_reading(struct sim_camera *c, const struct run *run)
{
    char text[SIM_PATH_SIZE + 32];
    if (!sim_get_int(c->array_callbacks)) return;
    snprintf(text, sizeof text, "Reading image file %s", run->file);
    sim_set_text(c->message, text);
    sim_publish(c->port);
}

static enum outcome read_image(struct sim_camera *c)
{
    return sim_get_int(c->array_callbacks) ? send_frame(c) : DONE;
}

static void expect_7ok(struct sim_camera *c)
{
    sim_set_text(c->message, "Waiting for 7OK response");
    sim_publish(c->port);
}

static enum outcome single(struct sim_camera *c, struct run *run)
{
    enum outcome outcome;
    do {
        expect_7ok(c);
        outcome = wait_for_image(c, run, 0);
        if (outcome != DONE) break;
        say_reading(c, run);
        outcome = read_image(c);
        run->start = sim_now();
    } while (outcome == DONE && run->trigger == TRIGGER_ALIGNMENT);
    return outcome;
}

static enum outcome series(struct sim_camera *c, struct run *run, int first_number)
{
    enum outcome outcome = DONE;
    for (int i = 0; i < run->images && outcome == DONE; i++) {
        int ahead = first_number + i - sim_get_int(c->files.number);
        sim_files_format(&c->files, ahead, run->file, sizeof run->file);
        sim_set_text(c->files.full, run->file);
        say_reading(c, run);
        outcome = wait_for_image(c, run, i);
        if (outcome != DONE) break;
        sim_set_int(c->images_counter, i + 1);
        outcome = read_image(c);
    }
    if (outcome == DONE) expect_7ok(c);
    return outcome;
}

/* Camserver takes an exposure only with a name for its file in a folder that is there. */
static bool name_file(struct sim_camera *c, struct run *run)
{
    char path[256], name[256];
    sim_get_text(c->files.path, path, sizeof path);
    sim_get_text(c->files.name, name, sizeof name);
    if (!*path || !*name || !sim_path_is_folder(path)) return false;
    if (sim_files_format(&c->files, 0, run->file, sizeof run->file) != 0) return false;
    if (!run->file[0]) return false;
    if (run->trigger == TRIGGER_ALIGNMENT)
        snprintf(run->file, sizeof run->file, "%salignment.tif", path);
    return true;
}

static enum outcome acquire(struct sim_camera *c)
{
    struct run run = {
        .images = sim_get_int(c->num_images),
        .exposures = sim_get_int(c->num_exposures),
        .trigger = sim_get_int(c->trigger_mode),
        .time = sim_get_double(c->acquire_time),
        .period = sim_get_double(c->acquire_period),
    };
    int first_number = sim_get_int(c->files.number);
    if (isnan(run.time) || isnan(run.period) || !name_file(c, &run)) {
        sim_set_text(c->message, "Error from camserver");
        return FAILED;
    }
    if (command_exposure(c) == ABORTED) return ABORTED;
    sim_set_int(c->images_counter, 0);
    sim_set_int(c->armed, 1);
    sim_files_took(&c->files, run.file);
    sim_publish(c->port);
    run.start = sim_now();
    return run.images == 1 ? single(c, &run) : series(c, &run, first_number);
}

void *sim_camera_acquire(void *arg)
{
    struct sim_camera *c = arg;
    for (;;) {
        epicsEventMustWait(c->start);
        sim_port_lock(c->port);
        enum outcome outcome = acquire(c);
        if (outcome == DONE)
            sim_set_int(c->state, SIM_IDLE);
        else if (sim_get_int(c->state) != SIM_ABORTED)
            sim_set_int(c->state, outcome == ABORTED ? SIM_ABORTED : SIM_ERROR);
        sim_publish(c->port);
        sim_camera_set_acquire(c, false);
        sim_set_int(c->armed, 0);
        if (outcome == DONE) sim_set_text(c->message, "Waiting for acquire command");
        sim_publish(c->port);
        sim_port_unlock(c->port);
    }
    return NULL;
}
