/* What staging the reference detector writes, by hand, as a careful program does with pipelined
 * libca: originals read in one flush; settings written in one and waited for; Capture started and
 * waited for, since a detector that does not capture is not staged; Capture stopped and waited for;
 * the originals written back in one flush and waited for. It reads no readback, verifies nothing,
 * and keeps nobody's changes. */
#include "bench/side.h"
#include "bench/libca.h"

#include <db_access.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *pv, *value;
} settings[] = {
    {"cam1:ImageMode", "Single"},
    {"cam1:NumImages", "1"},
    {"cam1:AcquireTime", "0.1"},
    {"cam1:AcquirePeriod", "0.105"},
    {"cam1:WaitForPlugins", "Yes"},
    {"image1:EnableCallbacks", "1"},
    {"image1:BlockingCallbacks", "No"},
    {"cam1:ArrayCallbacks", "1"},
    {"HDF1:EnableCallbacks", "1"},
    {"HDF1:BlockingCallbacks", "No"},
    {"HDF1:AutoIncrement", "Yes"},
    {"HDF1:ArrayCounter", "0"},
    {"HDF1:AutoSave", "Yes"},
    {"HDF1:NumCapture", "0"},
    {"HDF1:CreateDirectory", "-5"},
    {"HDF1:FilePath", "/bench/data/"},
    {"HDF1:FileName", "a1b2c3d4-e5f6-4a7b-8c9d"},
    {"HDF1:FileNumber", "0"},
    {"HDF1:LazyOpen", "1"},
    {"HDF1:Compression", "LZ4"},
    {"HDF1:FileTemplate", "%s%s_%3.3d.h5"},
    {"HDF1:FileWriteMode", "Stream"},
};

enum { SETTINGS = sizeof settings / sizeof settings[0], ORIGINAL_BYTES = 4096 };

struct setting {
    struct stage *stage;
    chid channel;
    unsigned long count;
    union {
        dbr_double_t align;
        char bytes[ORIGINAL_BYTES];
    } original;
};

struct stage {
    struct tally tally;
    struct setting settings[SETTINGS];
    chid acquire, capture, captures;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int capturing; /* Capture_RBV; under lock */
};

static void saw_capturing(struct event_handler_args args)
{
    struct stage *s = args.usr;

    libca_need(args.status, "an event");
    pthread_mutex_lock(&s->lock);
    s->capturing = *(const dbr_enum_t *)args.dbr != 0;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static int wait_capturing(struct stage *s, int on)
{
    struct timespec until;
    int rc = 0;

    libca_need(ca_flush_io(), "a flush");
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 1;
    pthread_mutex_lock(&s->lock);
    while (s->capturing != on && !rc)
        rc = pthread_cond_timedwait(&s->changed, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
    return rc == 0;
}

static chid open_below(const char *prefix, const char *suffix, struct tally *t)
{
    char pv[64];
    snprintf(pv, sizeof pv, "%s%s", prefix, suffix);
    return libca_open(pv, t);
}

void *stage_new(const char *prefix)
{
    struct stage *s = calloc(1, sizeof *s);

    side_need(s != NULL, "no memory");
    tally_init(&s->tally);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    tally_expect(&s->tally, SETTINGS + 3);
    for (int i = 0; i < SETTINGS; i++) {
        s->settings[i].stage = s;
        s->settings[i].channel = open_below(prefix, settings[i].pv, &s->tally);
    }
    s->acquire = open_below(prefix, "cam1:Acquire", &s->tally);
    s->capture = open_below(prefix, "HDF1:Capture", &s->tally);
    s->captures = open_below(prefix, "HDF1:Capture_RBV", &s->tally);
    tally_wait(&s->tally);
    libca_need(ca_create_subscription(DBR_ENUM, 1, s->captures, DBE_VALUE, saw_capturing, s, NULL),
               "a subscription");
    side_need(wait_capturing(s, 0), "libca: it captures already");
    return s;
}

void *stage_set_up(void)
{
    libca_start();
    return stage_new("Pilatus:");
}

static void got_original(struct event_handler_args args)
{
    struct setting *s = args.usr;
    size_t bytes = dbr_size_n(args.type, args.count);

    libca_need(args.status, "an original");
    side_need(bytes <= sizeof s->original, "libca: a long original");
    s->count = (unsigned long)args.count;
    memcpy(&s->original, args.dbr, bytes);
    tally_one(&s->stage->tally);
}

static void was_put(struct event_handler_args args)
{
    libca_need(args.status, "a put");
    tally_one(&((struct setting *)args.usr)->stage->tally);
}

static void put(struct setting *s, chtype type, unsigned long count, const void *value)
{
    libca_need(ca_array_put_callback(type, count, s->channel, value, was_put, s), "a put");
}

static void put_text(struct setting *s, const char *text)
{
    dbr_string_t value = "";

    if (ca_field_type(s->channel) == DBF_CHAR) {
        put(s, DBR_CHAR, strlen(text) + 1, text);
    } else {
        snprintf(value, sizeof value, "%s", text);
        put(s, DBR_STRING, 1, value);
    }
}

static void put_start(chid channel, dbr_enum_t on)
{
    libca_need(ca_put(DBR_ENUM, channel, &on), "a put");
}

/* A stop on the heels of its start can get lost: then once more. */
static void capture(struct stage *s, dbr_enum_t on)
{
    int done = 0;

    for (int i = 0; !done && i < (int)PATIENCE; i++) {
        put_start(s->capture, on);
        done = wait_capturing(s, on);
    }
    side_need(done, "libca: capture did not start or stop");
}

static void read_originals(struct stage *s)
{
    tally_expect(&s->tally, SETTINGS);
    for (int i = 0; i < SETTINGS; i++) {
        chid channel = s->settings[i].channel;
        libca_need(ca_array_get_callback(ca_field_type(channel), 0, channel, got_original,
                                         &s->settings[i]),
                   "a get");
    }
    tally_wait(&s->tally);
}

static void stage(struct stage *s)
{
    tally_expect(&s->tally, SETTINGS);
    put_start(s->acquire, 0);
    for (int i = 0; i < SETTINGS; i++)
        put_text(&s->settings[i], settings[i].value);
    tally_wait(&s->tally);
    capture(s, 1);
}

static void unstage(struct stage *s)
{
    capture(s, 0);
    tally_expect(&s->tally, SETTINGS);
    for (int i = SETTINGS - 1; i >= 0; i--) {
        struct setting *one = &s->settings[i];
        put(one, ca_field_type(one->channel), one->count, &one->original);
    }
    tally_wait(&s->tally);
}

void stage_set(void *state, const char *pv, const char *value)
{
    struct stage *s = state;

    for (int i = 0; i < SETTINGS; i++) {
        if (strcmp(settings[i].pv, pv)) continue;
        tally_expect(&s->tally, 1);
        put_text(&s->settings[i], value);
        tally_wait(&s->tally);
    }
}

void stage_on(void *state)
{
    read_originals(state);
    stage(state);
}

void stage_off(void *state)
{
    unstage(state);
}

void stage_round(void *state, struct measure *ret)
{
    double started = side_now();
    for (int i = 0; i < STAGES; i++) {
        read_originals(state);
        stage(state);
        unstage(state);
    }
    ret->value = (side_now() - started) / STAGES;
}
