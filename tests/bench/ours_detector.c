/* The reference detector: constructed, staged, triggered, and read. */
#include "bench/ours.h"

#include <pthread.h>
#include <stdlib.h>

enum { MOST_DETECTORS = 8 };

struct client {
    oph_context *ctx;
    int count;
    oph_device *dets[MOST_DETECTORS];
};

static struct client *with_detectors(int count)
{
    struct client *c = calloc(1, sizeof *c);
    side_need(c && count <= MOST_DETECTORS, "too many detectors");
    c->ctx = ours_context();
    ours_parse(c->ctx, ours_detector_text);
    c->count = count;
    for (int i = 0; i < count; i++) {
        c->dets[i] = ours_detector(c->ctx, i + 1);
        ours_connect(c->dets[i]);
    }
    return c;
}

void *detector_set_up(void)
{
    return with_detectors(1);
}

void *detectors_set_up(void)
{
    return with_detectors(side_size());
}

void stage_round(void *state, struct measure *ret)
{
    struct client *c = state;
    double started = side_now();

    for (int i = 0; i < STAGES; i++) {
        ours_stage(c->dets[0]);
        ours_unstage(c->dets[0]);
    }
    ret->value = (side_now() - started) / STAGES;
}

/* Staged for a round alone: the other sides have the same detector. */
void trigger_round(void *state, struct measure *ret)
{
    struct client *c = state;

    ours_stage(c->dets[0]);
    double started = side_now();
    for (int i = 0; i < TRIGGERS; i++)
        ours_trigger(c->dets[0]);
    ret->value = (side_now() - started) / TRIGGERS;
    ours_unstage(c->dets[0]);
}

static void read_file(const char *name)
{
    static int32_t pixels[FRAME];
    oph_frames *frames;
    oph_error err = OPH_ERROR_INIT;

    ours_need(oph_frames_open(name, NULL, OPH_DEFAULT, &frames, &err), &err);
    ours_need(oph_frames_read(frames, 0, 1, pixels, sizeof pixels, &err), &err);
    side_need(pixels[1] == (pixels[0] + 1) % (1 << 20), "ours: a wrong frame");
    oph_frames_free(frames);
}

void acquire_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_device *hdf1 = NULL;
    oph_error err = OPH_ERROR_INIT;
    char name[1024];

    ours_need(oph_device_child(c->dets[0], "hdf1", &hdf1, &err), &err);
    double started = side_now();
    for (int i = 0; i < ACQUISITIONS; i++) {
        oph_readings *readings = NULL;
        ours_stage(c->dets[0]);
        ours_trigger(c->dets[0]);
        ours_need(oph_read(c->dets[0], OPH_DEFAULT, &readings, NULL, &err), &err);
        oph_readings_free(readings);
        ours_need(oph_file_name(hdf1, OPH_SIDE_LOCAL, name, sizeof name, &err), &err);
        ours_unstage(c->dets[0]);
        read_file(name);
    }
    ret->value = (side_now() - started) / ACQUISITIONS;
}

static void *acquire_one(void *det)
{
    ours_stage(det);
    ours_trigger(det);
    ours_unstage(det);
    return NULL;
}

/* A thread each. */
void detectors_round(void *state, struct measure *ret)
{
    struct client *c = state;
    pthread_t threads[MOST_DETECTORS];
    double started = side_now();

    for (int i = 0; i < c->count; i++)
        side_need(!pthread_create(&threads[i], NULL, acquire_one, c->dets[i]), "no thread");
    for (int i = 0; i < c->count; i++)
        pthread_join(threads[i], NULL);
    ret->value = side_now() - started;
}

void *construct_set_up(void)
{
    struct client *c = calloc(1, sizeof *c);
    side_need(c != NULL, "no memory");
    c->ctx = ours_context();
    return c;
}

/* The library's classes are parsed, too, as far as this one is made of them. */
void construct_first_round(void *state, struct measure *ret)
{
    struct client *c = state;
    double started = side_now();
    ours_parse(c->ctx, ours_detector_text);
    oph_device *det = ours_detector(c->ctx, 1);
    ret->value = side_now() - started;
    oph_device_free(det);
}

void *construct_again_set_up(void)
{
    struct client *c = construct_set_up();
    ours_parse(c->ctx, ours_detector_text);
    oph_device_free(ours_detector(c->ctx, 1));
    return c;
}

void construct_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_device *dets[DEVICES];
    double started = side_now();

    for (int i = 0; i < DEVICES; i++)
        dets[i] = ours_detector(c->ctx, 1);
    ret->value = (side_now() - started) / DEVICES;
    for (int i = 0; i < DEVICES; i++)
        oph_device_free(dets[i]);
}
