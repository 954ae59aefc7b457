/* The camera's acquisition thread: it does what ADPilatus does between Acquire=1 and the end
 * (pilatusDetector::pilatusTask), in that order. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <epicsTime.h>

#include "sim/camera_state.h"
#include "sim/camserver.h"
#include "sim/clock.h"
#include "sim/fault.h"
#include "sim/tiff.h"

static const double CAMSERVER_TIMEOUT = 10.0; /* how long the driver waits behind an exposure */

enum outcome { DONE, ABORTED, FAILED };

struct run {
    struct sim_exposure exposure;
    epicsTimeStamp begin; /* of the acquisition: the TimeStamp of all its frames */
};

static enum outcome fail(struct sim_camera *c, const char *message)
{
    sim_set_text(c->message, message);
    return FAILED;
}

/* The settings and the exposure command, and camserver's answers to them. */
static enum outcome command_exposure(struct sim_camera *c)
{
    if (c->options->instant) return DONE;
    sim_port_unlock(c->port);
    enum sim_woken woken = sim_trigger_sleep(&c->trigger, sim_now() + 0.02);
    sim_port_lock(c->port);
    return woken == SIM_STOPPED ? ABORTED : DONE;
}

/* How long the driver waits for an image: for camserver's 7OK behind a single one, for the file of
 * one in a series. */
static double patience(const struct sim_camera *c, const struct sim_exposure *e)
{
    if (e->images == 1) return (e->exposures - 1) * e->period + e->time + CAMSERVER_TIMEOUT;
    if (sim_get_int(c->array_callbacks))
        return e->exposures * e->time + sim_get_double(c->image_timeout);
    return e->images * e->exposures * e->period + CAMSERVER_TIMEOUT;
}

static enum outcome lost(struct sim_camera *c, const struct sim_exposure *e)
{
    if (e->images > 1 && sim_get_int(c->array_callbacks))
        return fail(c, "Timeout waiting for file to be created");
    fail(c, "Timeout waiting for camserver response");
    sim_publish(c->port);
    sim_camserver(c, "camcmd k");
    return FAILED;
}

static enum outcome wait_for_image(struct sim_camera *c, struct sim_exposure *e, int i)
{
    enum sim_woken woken;
    double then = sim_now() + patience(c, e);
    sim_port_unlock(c->port);
    if (sim_fault_is(SIM_FAULT_EXPOSURE_HANGS))
        woken = sim_trigger_sleep(&c->trigger, c->options->instant ? e->start + e->time : then);
    else
        woken = sim_camserver_wait(e, &c->trigger, i, then);
    sim_port_lock(c->port);
    if (woken == SIM_STOPPED) return ABORTED;
    return woken == SIM_HAPPENED ? DONE : lost(c, e);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && strcasecmp(text + length - wanted, end) == 0;
}

/* Camserver's file, and what the driver finds in it. */
static enum outcome take_image(struct sim_camera *c, const struct run *run, const char *name,
                               struct sim_frame **ret)
{
    const struct sim_options *o = c->options;
    char real[SIM_PATH_SIZE];
    int id = sim_get_int(c->frame.counter) + 1;
    struct sim_frame *made = sim_frame_new(id, o->cols, o->rows);
    struct sim_frame *read = made ? sim_frame_new_empty(id, o->cols, o->rows) : NULL;
    enum outcome outcome = DONE;
    if (!read) {
        outcome = fail(c, "No memory for an image");
    } else if (sim_camserver_write(&run->exposure, name, made, o) != 0) {
        outcome = fail(c, "Timeout waiting for file to be created");
    } else if (sim_get_int(c->array_callbacks)) {
        if (!ends_with(name, ".tif") && !ends_with(name, ".tiff"))
            outcome = fail(c, "Unsupported file extension, expected .tif or .cbf");
        else if (sim_path_real(name, real, sizeof real) != 0 ||
                 sim_tiff_read(real, read->pixels->value, o->cols, o->rows) != 0)
            outcome = fail(c, "Timeout waiting for file to be created");
    }
    sim_frame_unref(made);
    if (outcome == DONE) {
        snprintf(read->driver_file, sizeof read->driver_file, "%s", name);
        *ret = read;
    } else {
        sim_frame_unref(read);
    }
    return outcome;
}

static void send_frame(struct sim_camera *c, const struct run *run, struct sim_frame *frame)
{
    epicsTimeStamp stamp;
    sim_wall_clock(&stamp);
    frame->epics_sec = stamp.secPastEpoch;
    frame->epics_nsec = stamp.nsec;
    frame->timestamp = run->begin.secPastEpoch + run->begin.nsec * 1e-9;
    sim_frame_params_set(&c->frame, frame);
    sim_set_int(c->frame.counter, frame->unique_id);
    sim_publish(c->port);
    /* Without the lock: plugins with BlockingCallbacks work in this thread. */
    sim_port_unlock(c->port);
    sim_source_offer(&c->source, frame);
    sim_port_lock(c->port);
}

static void say_reading(struct sim_camera *c, const char *name)
{
    char text[SIM_PATH_SIZE + 32];
    if (!sim_get_int(c->array_callbacks)) return;
    snprintf(text, sizeof text, "Reading image file %s", name);
    sim_set_text(c->message, text);
    sim_publish(c->port);
}

static enum outcome read_image(struct sim_camera *c, const struct run *run, const char *name)
{
    struct sim_frame *frame = NULL;
    enum outcome outcome = take_image(c, run, name, &frame);
    if (outcome == DONE && sim_get_int(c->array_callbacks)) send_frame(c, run, frame);
    sim_frame_unref(frame);
    return outcome;
}

static void expect_7ok(struct sim_camera *c)
{
    sim_set_text(c->message, "Waiting for 7OK response");
    sim_publish(c->port);
}

static enum outcome single(struct sim_camera *c, struct run *run)
{
    struct sim_exposure *e = &run->exposure;
    enum outcome outcome;
    do {
        expect_7ok(c);
        outcome = wait_for_image(c, e, 0);
        if (outcome != DONE) break;
        say_reading(c, e->name);
        outcome = read_image(c, run, e->name);
        e->start = sim_now();
    } while (outcome == DONE && e->mode == SIM_ALIGNMENT);
    return outcome;
}

static enum outcome series(struct sim_camera *c, struct run *run)
{
    char name[SIM_PATH_SIZE];
    enum outcome outcome = DONE;
    for (int i = 0; i < run->exposure.images && outcome == DONE; i++) {
        sim_camserver_name(&run->exposure, i, name, sizeof name);
        sim_set_text(c->files.full, name);
        say_reading(c, name);
        outcome = wait_for_image(c, &run->exposure, i);
        if (outcome == DONE) outcome = read_image(c, run, name);
    }
    if (outcome == DONE) expect_7ok(c);
    return outcome;
}

/* Empty when the three parameters make no name that camserver could use. */
static void name_file(struct sim_camera *c, struct sim_exposure *e)
{
    char path[256], name[256];
    sim_get_text(c->files.path, path, sizeof path);
    sim_get_text(c->files.name, name, sizeof name);
    e->name[0] = '\0';
    if (!*path || !*name || sim_files_format(&c->files, 0, e->name, sizeof e->name) != 0) return;
    if (e->mode == SIM_ALIGNMENT) snprintf(e->name, sizeof e->name, "%salignment.tif", path);
}

static enum outcome acquire(struct sim_camera *c)
{
    struct run run = {.exposure = {
                          .mode = (enum sim_trigger_mode)sim_get_int(c->trigger_mode),
                          .images = sim_get_int(c->num_images),
                          .exposures = sim_get_int(c->num_exposures),
                          .time = sim_get_double(c->acquire_time),
                          .period = sim_get_double(c->acquire_period),
                          .delay = sim_get_double(c->delay_time),
                      }};
    struct sim_exposure *e = &run.exposure;
    sim_wall_clock(&run.begin);
    name_file(c, e);
    if (c->somebody > 0) {
        e->time = c->somebody; /* theirs is one image */
        e->images = e->exposures = 1;
        e->mode = SIM_INTERNAL;
        c->somebody = 0;
    }
    if (sim_fault_is(SIM_FAULT_EXPOSURE_FAILS) || isnan(e->time) || isnan(e->period) ||
        sim_camserver_start(e) != 0)
        return fail(c, "Error from camserver");
    if (command_exposure(c) == ABORTED) return ABORTED;
    sim_trigger_arm(&c->trigger);
    e->start = e->ready = sim_now();
    sim_set_int(c->armed, 1);
    sim_files_took(&c->files, e->name);
    sim_publish(c->port);
    return e->images == 1 ? single(c, &run) : series(c, &run);
}

void *sim_camera_acquire(void *arg)
{
    struct sim_camera *c = arg;
    for (;;) {
        epicsEventMustWait(c->start);
        sim_port_lock(c->port);
        enum outcome outcome = acquire(c);
        callbackCancelDelayed(&c->abort);
        if (outcome == DONE)
            sim_set_int(c->state, SIM_IDLE);
        else if (sim_get_int(c->state) != SIM_ABORTED)
            sim_set_int(c->state, outcome == ABORTED ? SIM_ABORTED : SIM_ERROR);
        sim_publish(c->port);
        sim_completion_set(&c->completion, false);
        sim_set_int(c->armed, 0);
        if (outcome == DONE) sim_set_text(c->message, "Waiting for acquire command");
        sim_publish(c->port);
        sim_port_unlock(c->port);
    }
    return NULL;
}
