/* What staging the reference detector writes, by hand: originals read in one flush, settings
 * written in one, Capture once they are done; and all of it back. Nothing is checked. */
#include "bench/side.h"
#include "bench/libca.h"

#include <db_access.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *pv, *value;
} settings[] = {
    {"Pilatus:cam1:ImageMode", "Single"},
    {"Pilatus:cam1:NumImages", "1"},
    {"Pilatus:cam1:AcquireTime", "0.1"},
    {"Pilatus:cam1:AcquirePeriod", "0.105"},
    {"Pilatus:cam1:WaitForPlugins", "Yes"},
    {"Pilatus:image1:EnableCallbacks", "1"},
    {"Pilatus:image1:BlockingCallbacks", "No"},
    {"Pilatus:cam1:ArrayCallbacks", "1"},
    {"Pilatus:HDF1:EnableCallbacks", "1"},
    {"Pilatus:HDF1:BlockingCallbacks", "No"},
    {"Pilatus:HDF1:AutoIncrement", "Yes"},
    {"Pilatus:HDF1:ArrayCounter", "0"},
    {"Pilatus:HDF1:AutoSave", "Yes"},
    {"Pilatus:HDF1:NumCapture", "0"},
    {"Pilatus:HDF1:CreateDirectory", "-5"},
    {"Pilatus:HDF1:FilePath", "/bench/data/"},
    {"Pilatus:HDF1:FileName", "a1b2c3d4-e5f6-4a7b-8c9d"},
    {"Pilatus:HDF1:FileNumber", "0"},
    {"Pilatus:HDF1:LazyOpen", "1"},
    {"Pilatus:HDF1:Compression", "LZ4"},
    {"Pilatus:HDF1:FileTemplate", "%s%s_%3.3d.h5"},
    {"Pilatus:HDF1:FileWriteMode", "Stream"},
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
    chid acquire, capture;
};

void *stage_set_up(void)
{
    struct stage *s = calloc(1, sizeof *s);

    side_need(s != NULL, "no memory");
    tally_init(&s->tally);
    libca_start();
    tally_expect(&s->tally, SETTINGS + 2);
    for (int i = 0; i < SETTINGS; i++) {
        s->settings[i].stage = s;
        s->settings[i].channel = libca_open(settings[i].pv, &s->tally);
    }
    s->acquire = libca_open("Pilatus:cam1:Acquire", &s->tally);
    s->capture = libca_open("Pilatus:HDF1:Capture", &s->tally);
    tally_wait(&s->tally);
    return s;
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
    put_start(s->capture, 1);
}

static void unstage(struct stage *s)
{
    tally_expect(&s->tally, SETTINGS);
    put_start(s->capture, 0);
    for (int i = SETTINGS - 1; i >= 0; i--) {
        struct setting *one = &s->settings[i];
        put(one, ca_field_type(one->channel), one->count, &one->original);
    }
    tally_wait(&s->tally);
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
