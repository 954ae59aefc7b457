#include "bench/side.h"
#include "bench/libca.h"

#include <db_access.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct signal {
    struct client *client;
    chid channel;
    evid monitor;
    double value;
};

struct client {
    struct tally tally;
    struct signal signals[SIGNALS];
    epicsInt32 array[ARRAY];
};

static void connect_signals(struct client *c, int first, int end)
{
    char name[32];

    tally_expect(&c->tally, end - first);
    for (int i = first; i < end; i++) {
        snprintf(name, sizeof name, "b:s%d", i);
        c->signals[i].client = c;
        c->signals[i].channel = libca_open(name, &c->tally);
    }
    tally_wait(&c->tally);
}

static void *new_client(void)
{
    struct client *c = calloc(1, sizeof *c);
    side_need(c != NULL, "no memory");
    tally_init(&c->tally);
    return c;
}

static void connect_round(void *state, struct measure *ret)
{
    double started = side_now();
    libca_start();
    connect_signals(state, 0, SIGNALS);
    ret->value = side_now() - started;
}

/* The context, its circuit and its threads are there before it is measured. */
static void *one_signal(void)
{
    struct client *c = new_client();
    libca_start();
    connect_signals(c, 0, 1);
    return c;
}

static void memory_round(void *state, struct measure *ret)
{
    double before = side_memory();
    connect_signals(state, 1, SIGNALS);
    ret->value = (side_memory() - before) / (SIGNALS - 1);
}

static void *all_signals(void)
{
    struct client *c = new_client();
    libca_start();
    connect_signals(c, 0, SIGNALS);
    return c;
}

static void got_double(struct event_handler_args args)
{
    struct signal *s = args.usr;
    libca_need(args.status, "a value");
    s->value = ((const struct dbr_time_double *)args.dbr)->value;
    tally_one(&s->client->tally);
}

static void ask(struct signal *s)
{
    libca_need(ca_array_get_callback(DBR_TIME_DOUBLE, 1, s->channel, got_double, s), "a get");
}

/* The IOC gave record i the value i + 0.5. */
static void check(const struct client *c)
{
    for (int i = 0; i < SIGNALS; i++)
        side_need(c->signals[i].value == i + 0.5, "libca: a wrong value");
}

static void get_one_round(void *state, struct measure *ret)
{
    struct client *c = state;
    double started = side_now();
    for (int i = 0; i < SIGNALS; i++) {
        tally_expect(&c->tally, 1);
        ask(&c->signals[i]);
        tally_wait(&c->tally);
    }
    ret->value = (side_now() - started) / SIGNALS;
    check(c);
}

static void read_all_round(void *state, struct measure *ret)
{
    struct client *c = state;
    double started = side_now();
    for (int round = 0; round < READS; round++) {
        tally_expect(&c->tally, SIGNALS);
        for (int i = 0; i < SIGNALS; i++)
            ask(&c->signals[i]);
        tally_wait(&c->tally);
    }
    ret->value = (side_now() - started) / READS;
    check(c);
}

static void *the_array(void)
{
    struct client *c = new_client();
    libca_start();
    tally_expect(&c->tally, 1);
    c->signals[0].client = c;
    c->signals[0].channel = libca_open("b:array", &c->tally);
    tally_wait(&c->tally);
    return c;
}

static void got_array(struct event_handler_args args)
{
    struct client *c = ((struct signal *)args.usr)->client;
    libca_need(args.status, "an array");
    side_need(args.count == ARRAY, "libca: an array of another length");
    memcpy(c->array, dbr_value_ptr(args.dbr, args.type), sizeof c->array);
    tally_one(&c->tally);
}

static void array_get_round(void *state, struct measure *ret)
{
    struct client *c = state;
    struct signal *s = &c->signals[0];
    double started = side_now();
    for (int i = 0; i < ARRAYS; i++) {
        tally_expect(&c->tally, 1);
        libca_need(ca_array_get_callback(DBR_TIME_LONG, 0, s->channel, got_array, s), "a get");
        tally_wait(&c->tally);
    }
    ret->value = (side_now() - started) / ARRAYS;
    side_need(c->array[ARRAY - 1] == ARRAY - 1, "libca: a wrong array");
}

static void changed(struct event_handler_args args)
{
    struct signal *s = args.usr;
    libca_need(args.status, "an event");
    s->value = ((const struct dbr_time_double *)args.dbr)->value;
    tally_one(&s->client->tally);
}

static void monitor_round(void *state, struct measure *ret)
{
    struct client *c = state;
    tally_expect(&c->tally, SIGNALS);
    for (int i = 0; i < SIGNALS; i++) {
        struct signal *s = &c->signals[i];
        libca_need(ca_create_subscription(DBR_TIME_DOUBLE, 1, s->channel, DBE_VALUE | DBE_ALARM,
                                          changed, s, &s->monitor),
                   "a subscription");
    }
    tally_wait(&c->tally);
    double started = side_now(), computed = side_cpu();
    tally_expect(&c->tally, EVENTS);
    tally_wait(&c->tally);
    ret->value = (side_cpu() - computed) / EVENTS;
    ret->rate = EVENTS / (side_now() - started);
    for (int i = 0; i < SIGNALS; i++)
        libca_need(ca_clear_subscription(c->signals[i].monitor), "the end of a subscription");
    ca_flush_io();
}

int main(int argc, char **argv)
{
    static const struct bench benches[] = {
        {"connect", new_client, connect_round},
        {"connect_many", many_set_up, many_round},
        {"memory", one_signal, memory_round},
        {"memory_500", some_set_up, memory_500_round},
        {"get_one", all_signals, get_one_round},
        {"read_all", all_signals, read_all_round},
        {"array_get", the_array, array_get_round},
        {"monitor", all_signals, monitor_round},
        {"put_one", put_set_up, put_one_round},
        {"put_all", put_set_up, put_all_round},
        {"image_get", image_set_up, image_get_round},
        {"image_monitor", image_set_up, image_monitor_round},
        {"stage", stage_set_up, stage_round},
        {"trigger", trigger_set_up, trigger_round},
        {"acquire", trigger_set_up, acquire_round},
        {"detectors", detectors_set_up, detectors_round},
        {"count", trigger_set_up, count_round},
        {"count_lines", trigger_set_up, count_round},
        {NULL, NULL, NULL},
    };
    return side_run(argc, argv, benches);
}
