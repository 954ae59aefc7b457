/* The same with the public functions of cophyd. */
#include "bench/side.h"

#include <cophyd/cophyd.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct client {
    oph_context *ctx;
    oph_device *dev;
    oph_signal *signals[SIGNALS];
    oph_group *group; /* of reads of them all */
    int32_t array[ARRAY];
    oph_subscription *subscriptions[SIGNALS];
    atomic_int left; /* events to come */
    sem_t zero;
};

static void need(int rc, const oph_error *err)
{
    side_need(rc == 0, err->text);
}

static oph_context *new_context(void)
{
    const oph_context_options patient = {.size = sizeof patient, .connect_timeout = PATIENCE};
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = NULL;
    need(oph_context_new(&patient, &ctx, &err), &err);
    return ctx;
}

/* A device with an attribute for each record b:sN from `first` on. Each is a setting too, since
 * connecting is for what staging needs. */
static oph_device *new_device(oph_context *ctx, const char *name, int first, int end)
{
    char *text = NULL, key[32];
    size_t size = 0;
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;
    FILE *out = open_memstream(&text, &size);

    side_need(out != NULL, "no memory");
    fprintf(out, "class %s\n", name);
    for (int i = first; i < end; i++)
        fprintf(out, "row s%d s%d rw float config\n", i, i);
    side_need(fclose(out) == 0, "no memory");
    need(oph_class_parse(ctx, text, "ours.c", NULL, &err), &err);
    free(text);
    need(oph_device_new(ctx, name, "b:", name, &dev, &err), &err);
    for (int i = first; i < end; i++) {
        snprintf(key, sizeof key, "s%d", i);
        need(oph_settings_set(dev, key, 0, &err), &err);
    }
    return dev;
}

static void *new_client(void)
{
    struct client *c = calloc(1, sizeof *c);
    side_need(c != NULL, "no memory");
    c->ctx = new_context();
    sem_init(&c->zero, 0, 0);
    return c;
}

static void connect_device(oph_device *dev)
{
    oph_error err = OPH_ERROR_INIT;
    need(oph_connect(dev, PATIENCE, NULL, &err), &err);
}

static void *unconnected(void)
{
    struct client *c = new_client();
    c->dev = new_device(c->ctx, "Many", 0, SIGNALS);
    return c;
}

static void connect_round(void *state, struct measure *ret)
{
    struct client *c = state;
    double started = side_now();
    connect_device(c->dev);
    ret->value = side_now() - started;
}

static void *one_signal(void)
{
    struct client *c = new_client();
    connect_device(new_device(c->ctx, "One", 0, 1));
    return c;
}

static void memory_round(void *state, struct measure *ret)
{
    struct client *c = state;
    double before = side_memory();
    connect_device(new_device(c->ctx, "Many", 1, SIGNALS));
    ret->value = (side_memory() - before) / (SIGNALS - 1);
}

static void find_signals(struct client *c)
{
    oph_error err = OPH_ERROR_INIT;

    connect_device(c->dev);
    for (size_t i = 0; i < oph_device_attr_count(c->dev); i++)
        need(oph_signal_find(c->dev, oph_device_attr_at(c->dev, i), &c->signals[i], &err), &err);
}

static void *all_signals(void)
{
    struct client *c = unconnected();
    find_signals(c);
    return c;
}

static void get_one_round(void *state, struct measure *ret)
{
    struct client *c = state;
    double started = side_now(), value = 0;
    oph_error err = OPH_ERROR_INIT;

    for (int i = 0; i < SIGNALS; i++) {
        need(oph_signal_get_double(c->signals[i], &value, &err), &err);
        side_need(value == i + 0.5, "ours: a wrong value");
    }
    ret->value = (side_now() - started) / SIGNALS;
}

static void *all_in_a_group(void)
{
    struct client *c = all_signals();
    oph_error err = OPH_ERROR_INIT;

    need(oph_group_new(c->ctx, &c->group, &err), &err);
    for (int i = 0; i < SIGNALS; i++)
        need(oph_group_read(c->group, c->signals[i], NULL, &err), &err);
    return c;
}

static void read_all_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;
    double started = side_now();

    for (int i = 0; i < READS; i++)
        need(oph_group_run(c->group, PATIENCE, NULL, &err), &err);
    ret->value = (side_now() - started) / READS;
    for (int i = 0; i < SIGNALS; i++) {
        const oph_value *value = oph_group_value(c->group, (size_t)i);
        side_need(value && *(const double *)oph_value_data(value) == i + 0.5,
                  "ours: a wrong value");
    }
}

static void *the_array(void)
{
    struct client *c = new_client();
    oph_error err = OPH_ERROR_INIT;

    need(oph_class_parse(c->ctx, "class Array\nrow array array ro array config\n", "ours.c", NULL,
                         &err),
         &err);
    need(oph_device_new(c->ctx, "Array", "b:", "array", &c->dev, &err), &err);
    need(oph_signal_find(c->dev, "array", &c->signals[0], &err), &err);
    return c;
}

static void array_get_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;
    double started = side_now();

    for (int i = 0; i < ARRAYS; i++) {
        size_t count = 0;
        need(oph_signal_read_into(c->signals[0], NULL, c->array, sizeof c->array, &count, &err),
             &err);
        side_need(count == ARRAY && c->array[ARRAY - 1] == ARRAY - 1, "ours: a wrong array");
    }
    ret->value = (side_now() - started) / ARRAYS;
}

static void changed(const oph_event *event, void *user)
{
    struct client *c = user;
    side_need(oph_event_dropped(event) == 0, "ours: events were dropped");
    if (oph_event_kind(event) != OPH_EVENT_VALUE) return;
    if (atomic_fetch_sub(&c->left, 1) == 1) sem_post(&c->zero);
}

static void wait_for_events(struct client *c, int count)
{
    struct timespec until;
    int rc;

    atomic_store(&c->left, count);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)PATIENCE;
    while ((rc = sem_timedwait(&c->zero, &until)) && errno == EINTR) {
    }
    side_need(rc == 0, "ours: no events");
}

static void monitor_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;

    for (int i = 0; i < SIGNALS; i++)
        need(oph_subscribe(c->signals[i], NULL, changed, c, &c->subscriptions[i], &err), &err);
    wait_for_events(c, SIGNALS);
    double started = side_now(), computed = side_cpu();
    wait_for_events(c, EVENTS);
    ret->value = (side_cpu() - computed) / EVENTS;
    ret->rate = EVENTS / (side_now() - started);
    for (int i = 0; i < SIGNALS; i++)
        oph_subscription_free(c->subscriptions[i]);
}

static const char detector[] =
    "class BenchCam : PilatusDetectorCam\n"
    "row   wait_for_plugins WaitForPlugins rw enum config\n"
    "class BenchHDF5 : HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n"
    "class BenchDetector : SingleTrigger DetectorBase\n"
    "dev   cam   cam1:   BenchCam\n"
    "dev   image image1: ImagePlugin\n"
    "dev   hdf1  HDF1:   BenchHDF5\n"
    "files hdf1  write=/bench/data/ read=/bench/data/\n"
    "stage cam   image_mode=Single num_images=1 acquire_time=0.1 acquire_period=0.105\n"
    "stage cam   wait_for_plugins=Yes\n"
    "stage hdf1  lazy_open=1 compression=LZ4 file_template=\"%s%s_%3.3d.h5\"\n";

static void *the_detector(void)
{
    struct client *c = new_client();
    oph_error err = OPH_ERROR_INIT;

    need(oph_class_parse(c->ctx, detector, "ours.c", NULL, &err), &err);
    need(oph_device_new(c->ctx, "BenchDetector", "Pilatus:", "det", &c->dev, &err), &err);
    connect_device(c->dev);
    return c;
}

static void stage_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;
    double started = side_now();

    for (int i = 0; i < STAGES; i++) {
        need(oph_stage(c->dev, NULL, &err), &err);
        need(oph_unstage(c->dev, NULL, &err), &err);
    }
    ret->value = (side_now() - started) / STAGES;
}

/* Staged for a round alone: the other sides have the same detector. */
static void trigger_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;

    need(oph_stage(c->dev, NULL, &err), &err);
    double started = side_now();
    for (int i = 0; i < TRIGGERS; i++) {
        oph_status *status;
        need(oph_trigger(c->dev, &status, &err), &err);
        need(oph_status_wait(status, OPH_DEFAULT, &err), &err);
        oph_status_unref(status);
    }
    ret->value = (side_now() - started) / TRIGGERS;
    need(oph_unstage(c->dev, NULL, &err), &err);
}

int main(int argc, char **argv)
{
    static const struct bench benches[] = {
        {"connect", unconnected, connect_round},
        {"memory", one_signal, memory_round},
        {"get_one", all_signals, get_one_round},
        {"read_all", all_in_a_group, read_all_round},
        {"array_get", the_array, array_get_round},
        {"monitor", all_signals, monitor_round},
        {"stage", the_detector, stage_round},
        {"trigger", the_detector, trigger_round},
        {NULL, NULL, NULL},
    };
    return side_run(argc, argv, benches);
}
