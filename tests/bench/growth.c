/* How our cost grows: one round of a number of things, BENCH_SIZE, in seconds of this process's
 * CPU. Setting up is done before, so that a round has only what the growth is named after. */
#include "bench/ours.h"

#include <stdlib.h>

enum { PUTS = 20 };

struct client {
    oph_context *ctx;
    int size;
    char *text; /* of the class Many */
    oph_device *dev;
    oph_signal **signals;
    oph_group *group;
    oph_subscription **subscriptions;
    struct count count;
    oph_device **dets;
    oph_status **statuses;
};

static void *new_client(void)
{
    struct client *c = calloc(1, sizeof *c);
    side_need(c != NULL, "no memory");
    c->size = side_size();
    c->ctx = ours_context();
    c->signals = calloc((size_t)c->size, sizeof(oph_signal *));
    c->subscriptions = calloc((size_t)c->size, sizeof(oph_subscription *));
    c->dets = calloc((size_t)c->size, sizeof(oph_device *));
    c->statuses = calloc((size_t)c->size, sizeof(oph_status *));
    side_need(c->signals && c->subscriptions && c->dets && c->statuses, "no memory");
    count_init(&c->count);
    return c;
}

static void *with_text(void)
{
    struct client *c = new_client();
    c->text = ours_class_text("Many", 0, c->size);
    return c;
}

/* Each round has a context of its own, since a class cannot be forgotten. */
static void grow_construct(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_context *ctx = ours_context();
    oph_error err = OPH_ERROR_INIT;
    double started = side_cpu();

    ours_parse(ctx, c->text);
    ours_need(oph_device_new(ctx, "Many", "b:", "many", &c->dev, &err), &err);
    ours_find(c->dev, c->signals);
    oph_device_free(c->dev);
    ret->value = side_cpu() - started;
    oph_context_free(ctx);
}

static void grow_connect(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_context *ctx = ours_context();
    oph_device *dev = ours_device(ctx, "Many", 0, c->size);
    double started = side_cpu();

    ours_connect(dev);
    oph_device_free(dev);
    ret->value = side_cpu() - started;
    oph_context_free(ctx);
}

static void *connected(void)
{
    struct client *c = new_client();
    c->dev = ours_device(c->ctx, "Many", 0, c->size);
    ours_connect(c->dev);
    ours_find(c->dev, c->signals);
    return c;
}

static void *one_signal(void)
{
    struct client *c = new_client();
    c->dev = ours_device(c->ctx, "One", 0, 1);
    ours_connect(c->dev);
    ours_find(c->dev, c->signals);
    return c;
}

static void grow_read(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;
    double started = side_cpu();

    ours_need(oph_group_new(c->ctx, &c->group, &err), &err);
    for (int i = 0; i < c->size; i++)
        ours_need(oph_group_read(c->group, c->signals[i], NULL, &err), &err);
    ours_need(oph_group_run(c->group, PATIENCE, NULL, &err), &err);
    oph_group_free(c->group);
    ret->value = side_cpu() - started;
}

static void grow_describe(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_readings *readings = NULL;
    oph_descriptions *descriptions = NULL;
    oph_error err = OPH_ERROR_INIT;
    double started = side_cpu();

    ours_need(oph_read_configuration(c->dev, PATIENCE, &readings, NULL, &err), &err);
    ours_need(oph_describe_configuration(c->dev, PATIENCE, &descriptions, NULL, &err), &err);
    ret->value = side_cpu() - started;
    side_need(oph_readings_count(readings) == (size_t)c->size, "ours: other readings");
    oph_readings_free(readings);
    oph_descriptions_free(descriptions);
}

static void grow_stage(void *state, struct measure *ret)
{
    struct client *c = state;
    double started = side_cpu();
    ours_stage(c->dev);
    ours_unstage(c->dev);
    ret->value = side_cpu() - started;
}

static void came(const oph_event *event, void *user)
{
    struct client *c = user;
    if (oph_event_kind(event) == OPH_EVENT_VALUE) count_one(&c->count);
}

/* Their first values, and the end of the subscriptions. */
static void grow_monitors(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;
    double started = side_cpu();

    count_expect(&c->count, c->size);
    for (int i = 0; i < c->size; i++)
        ours_need(oph_subscribe(c->signals[i], NULL, came, c, &c->subscriptions[i], &err), &err);
    count_wait(&c->count);
    for (int i = 0; i < c->size; i++)
        oph_subscription_free(c->subscriptions[i]);
    ret->value = side_cpu() - started;
}

/* Their first values, PUTS others, and the end of the subscriptions. */
static void grow_subscribers(void *state, struct measure *ret)
{
    const oph_put_options send = {.size = sizeof send, .policy = OPH_PUT_SEND};
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;
    double started = side_cpu();

    count_expect(&c->count, c->size);
    for (int i = 0; i < c->size; i++)
        ours_need(oph_subscribe(c->signals[0], NULL, came, c, &c->subscriptions[i], &err), &err);
    count_wait(&c->count);
    for (int i = 0; i < PUTS; i++) {
        count_expect(&c->count, c->size);
        ours_need(oph_signal_put(c->signals[0], OPH_DOUBLE(side_now()), &send, &err), &err);
        count_wait(&c->count);
    }
    for (int i = 0; i < c->size; i++)
        oph_subscription_free(c->subscriptions[i]);
    ret->value = side_cpu() - started;
}

static void *with_detectors(void)
{
    struct client *c = new_client();
    ours_parse(c->ctx, ours_detector_text);
    for (int i = 0; i < c->size; i++) {
        c->dets[i] = ours_detector(c->ctx, i + 1);
        ours_connect(c->dets[i]);
    }
    return c;
}

/* All staged, then all triggered, then all unstaged. */
static void grow_detectors(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;
    double started = side_cpu();

    for (int i = 0; i < c->size; i++)
        ours_stage(c->dets[i]);
    for (int i = 0; i < c->size; i++)
        ours_need(oph_trigger(c->dets[i], &c->statuses[i], &err), &err);
    for (int i = 0; i < c->size; i++) {
        ours_need(oph_status_wait(c->statuses[i], OPH_DEFAULT, &err), &err);
        oph_status_unref(c->statuses[i]);
    }
    for (int i = 0; i < c->size; i++)
        ours_unstage(c->dets[i]);
    ret->value = side_cpu() - started;
}

int main(int argc, char **argv)
{
    static const struct bench benches[] = {
        {"grow_construct", with_text, grow_construct},
        {"grow_connect", new_client, grow_connect},
        {"grow_read", connected, grow_read},
        {"grow_describe", connected, grow_describe},
        {"grow_stage", connected, grow_stage},
        {"grow_monitors", connected, grow_monitors},
        {"grow_subscribers", one_signal, grow_subscribers},
        {"grow_detectors", with_detectors, grow_detectors},
        {NULL, NULL, NULL},
    };
    return side_run(argc, argv, benches);
}
