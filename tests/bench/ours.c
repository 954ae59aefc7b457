/* The same with the public functions of cophyd. */
#include "bench/ours.h"

#include <stdlib.h>

struct client {
    oph_context *ctx;
    oph_device *dev;
    oph_signal *signals[SIGNALS];
    oph_group *group; /* of reads of them all */
    int32_t array[ARRAY];
    oph_subscription *subscriptions[SIGNALS];
    struct count count;
};

static void *new_client(void)
{
    struct client *c = calloc(1, sizeof *c);
    side_need(c != NULL, "no memory");
    c->ctx = ours_context();
    count_init(&c->count);
    return c;
}

static void *unconnected(void)
{
    struct client *c = new_client();
    c->dev = ours_device(c->ctx, "Many", 0, SIGNALS);
    return c;
}

static void connect_round(void *state, struct measure *ret)
{
    struct client *c = state;
    double started = side_now();
    ours_connect(c->dev);
    ret->value = side_now() - started;
}

static void *many(void)
{
    struct client *c = new_client();
    c->dev = ours_device(c->ctx, "Many", 0, side_size());
    return c;
}

static void *one_signal(void)
{
    struct client *c = new_client();
    ours_connect(ours_device(c->ctx, "One", 0, 1));
    return c;
}

static void memory_round(void *state, struct measure *ret)
{
    struct client *c = state;
    double before = side_memory();
    ours_connect(ours_device(c->ctx, "Many", 1, SIGNALS));
    ret->value = (side_memory() - before) / (SIGNALS - 1);
}

/* All that a device takes: its class, its settings and its channels. */
static void memory_500_round(void *state, struct measure *ret)
{
    struct client *c = state;
    double before = side_memory();
    ours_connect(ours_device(c->ctx, "Some", 1, 501));
    ret->value = side_memory() - before;
}

static void *all_signals(void)
{
    struct client *c = unconnected();
    ours_connect(c->dev);
    ours_find(c->dev, c->signals);
    return c;
}

static void get_one_round(void *state, struct measure *ret)
{
    struct client *c = state;
    double started = side_now(), value = 0;
    oph_error err = OPH_ERROR_INIT;

    for (int i = 0; i < SIGNALS; i++) {
        ours_need(oph_signal_get_double(c->signals[i], &value, &err), &err);
        side_need(value == i + 0.5, "ours: a wrong value");
    }
    ret->value = (side_now() - started) / SIGNALS;
}

static void *all_in_a_group(void)
{
    struct client *c = all_signals();
    oph_error err = OPH_ERROR_INIT;

    ours_need(oph_group_new(c->ctx, &c->group, &err), &err);
    for (int i = 0; i < SIGNALS; i++)
        ours_need(oph_group_read(c->group, c->signals[i], NULL, &err), &err);
    return c;
}

static void read_all_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;
    double started = side_now();

    for (int i = 0; i < READS; i++)
        ours_need(oph_group_run(c->group, PATIENCE, NULL, &err), &err);
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

    ours_parse(c->ctx, "class Array\nrow array array ro array config\n");
    ours_need(oph_device_new(c->ctx, "Array", "b:", "array", &c->dev, &err), &err);
    ours_find(c->dev, c->signals);
    return c;
}

static void array_get_round(void *state, struct measure *ret)
{
    struct client *c = state;
    ret->value = ours_gets(c->signals[0], c->array, ARRAY, ARRAYS);
}

static void changed(const oph_event *event, void *user)
{
    struct client *c = user;
    side_need(oph_event_dropped(event) == 0, "ours: events were dropped");
    if (oph_event_kind(event) != OPH_EVENT_VALUE) return;
    count_one(&c->count);
}

static void monitor_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;

    count_expect(&c->count, SIGNALS);
    for (int i = 0; i < SIGNALS; i++)
        ours_need(oph_subscribe(c->signals[i], NULL, changed, c, &c->subscriptions[i], &err), &err);
    count_wait(&c->count);
    double started = side_now(), computed = side_cpu();
    count_expect(&c->count, EVENTS);
    count_wait(&c->count);
    ret->value = (side_cpu() - computed) / EVENTS;
    ret->rate = EVENTS / (side_now() - started);
    for (int i = 0; i < SIGNALS; i++)
        oph_subscription_free(c->subscriptions[i]);
}

int main(int argc, char **argv)
{
    static const struct bench benches[] = {
        {"connect", unconnected, connect_round},
        {"connect_many", many, connect_round},
        {"memory", one_signal, memory_round},
        {"memory_500", one_signal, memory_500_round},
        {"get_one", all_signals, get_one_round},
        {"read_all", all_in_a_group, read_all_round},
        {"array_get", the_array, array_get_round},
        {"monitor", all_signals, monitor_round},
        {"put_one", put_set_up, put_one_round},
        {"put_all", put_set_up, put_all_round},
        {"image_get", image_set_up, image_get_round},
        {"image_monitor", image_set_up, image_monitor_round},
        {"stage", detector_set_up, stage_round},
        {"trigger", detector_set_up, trigger_round},
        {"acquire", detector_set_up, acquire_round},
        {"detectors", detectors_set_up, detectors_round},
        {"construct_first", construct_set_up, construct_first_round},
        {"construct", construct_again_set_up, construct_round},
        {NULL, NULL, NULL},
    };
    return side_run(argc, argv, benches);
}
