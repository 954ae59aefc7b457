/* Many channels, puts with completion, and images of 24 MiB. */
#include "bench/side.h"
#include "bench/libca.h"

#include <db_access.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct many {
    struct tally tally;
    int count;
    chid *channels;
};

static struct many *new_many(int count)
{
    struct many *m = calloc(1, sizeof *m);
    side_need(m != NULL, "no memory");
    tally_init(&m->tally);
    m->count = count;
    m->channels = calloc((size_t)count, sizeof(chid));
    side_need(m->channels != NULL, "no memory");
    libca_start();
    return m;
}

static void connect_all(struct many *m, int first)
{
    char name[32];

    tally_expect(&m->tally, m->count);
    for (int i = 0; i < m->count; i++) {
        snprintf(name, sizeof name, "b:s%d", first + i);
        m->channels[i] = libca_open(name, &m->tally);
    }
    tally_wait(&m->tally);
}

void *many_set_up(void)
{
    return new_many(side_size());
}

void many_round(void *state, struct measure *ret)
{
    double started = side_now();
    connect_all(state, 0);
    ret->value = side_now() - started;
}

/* The context, its circuit and its threads are there before it is measured. */
void *some_set_up(void)
{
    struct many *m = new_many(500);
    tally_expect(&m->tally, 1);
    libca_open("b:s0", &m->tally);
    tally_wait(&m->tally);
    return m;
}

void memory_500_round(void *state, struct measure *ret)
{
    double before = side_memory();
    connect_all(state, 1);
    ret->value = side_memory() - before;
}

/* --- Puts */

void *put_set_up(void)
{
    struct many *m = new_many(SIGNALS);
    connect_all(m, 0);
    return m;
}

static void was_put(struct event_handler_args args)
{
    struct many *m = args.usr;
    libca_need(args.status, "a put");
    tally_one(&m->tally);
}

static void put(struct many *m, int i)
{
    const dbr_double_t value = i;
    libca_need(ca_array_put_callback(DBR_DOUBLE, 1, m->channels[i], &value, was_put, m), "a put");
}

void put_one_round(void *state, struct measure *ret)
{
    struct many *m = state;
    double started = side_now();
    for (int i = 0; i < SIGNALS; i++) {
        tally_expect(&m->tally, 1);
        put(m, i);
        tally_wait(&m->tally);
    }
    ret->value = (side_now() - started) / SIGNALS;
}

void put_all_round(void *state, struct measure *ret)
{
    struct many *m = state;
    double started = side_now();
    for (int round = 0; round < READS; round++) {
        tally_expect(&m->tally, SIGNALS);
        for (int i = 0; i < SIGNALS; i++)
            put(m, i);
        tally_wait(&m->tally);
    }
    ret->value = (side_now() - started) / READS;
}

/* --- Images */

struct image {
    struct tally tally;
    chid channel, next;
    evid monitor;
    epicsInt32 pixels[IMAGE];
};

void *image_set_up(void)
{
    struct image *image = calloc(1, sizeof *image);
    side_need(image != NULL, "no memory");
    tally_init(&image->tally);
    libca_start();
    tally_expect(&image->tally, 2);
    image->channel = libca_open("b:array", &image->tally);
    image->next = libca_open("b:array.PROC", &image->tally);
    tally_wait(&image->tally);
    return image;
}

static void got_image(struct event_handler_args args)
{
    struct image *image = args.usr;
    libca_need(args.status, "an image");
    side_need(args.count == IMAGE, "libca: an image of another size");
    memcpy(image->pixels, dbr_value_ptr(args.dbr, args.type), sizeof image->pixels);
    tally_one(&image->tally);
}

void image_get_round(void *state, struct measure *ret)
{
    struct image *image = state;
    double started = side_now();
    for (int i = 0; i < IMAGES; i++) {
        tally_expect(&image->tally, 1);
        libca_need(ca_array_get_callback(DBR_TIME_LONG, 0, image->channel, got_image, image),
                   "a get");
        tally_wait(&image->tally);
    }
    ret->value = (side_now() - started) / IMAGES;
    side_need(image->pixels[IMAGE - 1] == IMAGE - 1, "libca: a wrong image");
}

/* From the wish for a new image until it is here. Only who has its turn follows the image: the IOC
 * sends it to all who do. */
void image_monitor_round(void *state, struct measure *ret)
{
    struct image *image = state;
    const dbr_long_t one = 1;
    tally_expect(&image->tally, 1);
    libca_need(ca_create_subscription(DBR_TIME_LONG, 0, image->channel, DBE_VALUE | DBE_ALARM,
                                      got_image, image, &image->monitor),
               "a subscription");
    tally_wait(&image->tally);
    double started = side_now();
    for (int i = 0; i < IMAGES; i++) {
        tally_expect(&image->tally, 1);
        libca_need(ca_array_put(DBR_LONG, 1, image->next, &one), "a put");
        tally_wait(&image->tally);
    }
    ret->value = (side_now() - started) / IMAGES;
    libca_need(ca_clear_subscription(image->monitor), "the end of a subscription");
    libca_need(ca_flush_io(), "a flush");
}
