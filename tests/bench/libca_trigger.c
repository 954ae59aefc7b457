/* Acquisitions of the staged detector, by hand and with care: a read shows that the camera is
 * idle, Acquire is put with completion, and another read shows that its frame was written. */
#include "bench/side.h"
#include "bench/libca.h"

#include <db_access.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DETECTORS = 8 };
enum { ACQUIRE, BUSY, STATE, CAPTURED, ROWS };
static const char *const names[ROWS] = {
    [ACQUIRE] = "cam1:Acquire",
    [BUSY] = "cam1:AcquireBusy",
    [STATE] = "cam1:DetectorState_RBV",
    [CAPTURED] = "HDF1:NumCaptured_RBV",
};

struct row {
    struct trigger *trigger;
    chid channel;
    dbr_long_t value;
};

struct trigger {
    void *stage;
    struct tally tally;
    struct row rows[ROWS];
    chid file;
    char file_name[256]; /* as the IOC has it */
};

static void got_row(struct event_handler_args args)
{
    struct row *row = args.usr;
    libca_need(args.status, "a value");
    row->value = *(const dbr_long_t *)args.dbr;
    tally_one(&row->trigger->tally);
}

static void look(struct trigger *t)
{
    tally_expect(&t->tally, ROWS);
    for (int i = 0; i < ROWS; i++)
        libca_need(ca_array_get_callback(DBR_LONG, 1, t->rows[i].channel, got_row, &t->rows[i]),
                   "a get");
    tally_wait(&t->tally);
    side_need(!t->rows[ACQUIRE].value && !t->rows[BUSY].value && !t->rows[STATE].value,
              "libca: the camera is not idle");
}

static void acquired(struct event_handler_args args)
{
    libca_need(args.status, "an acquisition");
    tally_one(args.usr);
}

static struct trigger *trigger_new(const char *prefix)
{
    struct trigger *t = calloc(1, sizeof *t);
    char pv[64];

    side_need(t != NULL, "no memory");
    t->stage = stage_new(prefix);
    tally_init(&t->tally);
    tally_expect(&t->tally, ROWS + 1);
    for (int i = 0; i < ROWS; i++) {
        t->rows[i].trigger = t;
        snprintf(pv, sizeof pv, "%s%s", prefix, names[i]);
        t->rows[i].channel = libca_open(pv, &t->tally);
    }
    snprintf(pv, sizeof pv, "%sHDF1:FullFileName_RBV", prefix);
    t->file = libca_open(pv, &t->tally);
    tally_wait(&t->tally);
    return t;
}

void *trigger_set_up(void)
{
    libca_start();
    return trigger_new("Pilatus:");
}

void trigger_stage(void *state)
{
    const struct trigger *t = state;

    stage_on(t->stage);
    stage_set(t->stage, "cam1:AcquireTime", "0.001");
    stage_set(t->stage, "cam1:AcquirePeriod", "0.002");
}

void trigger_unstage(void *state)
{
    stage_off(((const struct trigger *)state)->stage);
}

void trigger_acquire(void *state, int count)
{
    struct trigger *t = state;

    for (int i = 0; i < count; i++) {
        dbr_enum_t one = 1;
        look(t);
        dbr_long_t before = t->rows[CAPTURED].value;
        tally_expect(&t->tally, 1);
        libca_need(
            ca_array_put_callback(DBR_ENUM, 1, t->rows[ACQUIRE].channel, &one, acquired, &t->tally),
            "a put");
        tally_wait(&t->tally);
        look(t);
        side_need(t->rows[CAPTURED].value == before + 1, "libca: no frame was written");
    }
}

void trigger_round(void *state, struct measure *ret)
{
    struct trigger *t = state;
    stage_on(t->stage);
    double started = side_now();
    trigger_acquire(t, TRIGGERS);
    ret->value = (side_now() - started) / TRIGGERS;
    stage_off(t->stage);
}

/* The triggers of a count, without any document. */
void count_round(void *state, struct measure *ret)
{
    struct trigger *t = state;
    double started = side_now();
    trigger_stage(t);
    trigger_acquire(t, POINTS);
    trigger_unstage(t);
    ret->value = (side_now() - started) / POINTS;
}

static void got_name(struct event_handler_args args)
{
    struct trigger *t = args.usr;
    libca_need(args.status, "a file's name");
    side_need(args.count < (long)sizeof t->file_name, "libca: a long file name");
    memcpy(t->file_name, args.dbr, (size_t)args.count);
    t->file_name[args.count] = '\0';
    tally_one(&t->tally);
}

static void ask_name(struct trigger *t)
{
    tally_expect(&t->tally, 1);
    libca_need(ca_array_get_callback(DBR_CHAR, 0, t->file, got_name, t), "a get");
    tally_wait(&t->tally);
}

void acquire_round(void *state, struct measure *ret)
{
    struct trigger *t = state;
    double started = side_now();
    for (int i = 0; i < ACQUISITIONS; i++) {
        stage_on(t->stage);
        trigger_acquire(t, 1);
        ask_name(t);
        stage_off(t->stage);
        file_read(t->file_name);
    }
    ret->value = (side_now() - started) / ACQUISITIONS;
}

/* --- Several detectors, a thread each */

struct detectors {
    struct ca_client_context *context;
    int count;
    struct trigger *at[MOST_DETECTORS];
    pthread_t threads[MOST_DETECTORS];
};

struct one {
    struct ca_client_context *context;
    struct trigger *trigger;
};

void *detectors_set_up(void)
{
    struct detectors *d = calloc(1, sizeof *d);
    char prefix[32];

    side_need(d && side_size() <= MOST_DETECTORS, "too many detectors");
    libca_start();
    d->context = ca_current_context();
    d->count = side_size();
    for (int i = 0; i < d->count; i++) {
        snprintf(prefix, sizeof prefix, i ? "Pilatus%d:" : "Pilatus:", i + 1);
        d->at[i] = trigger_new(prefix);
    }
    return d;
}

static void *acquire_one(void *arg)
{
    struct one *one = arg;
    libca_need(ca_attach_context(one->context), "the context");
    stage_on(one->trigger->stage);
    trigger_acquire(one->trigger, 1);
    stage_off(one->trigger->stage);
    ca_detach_context();
    return NULL;
}

void detectors_round(void *state, struct measure *ret)
{
    struct detectors *d = state;
    struct one all[MOST_DETECTORS];
    double started = side_now();

    for (int i = 0; i < d->count; i++) {
        all[i] = (struct one){d->context, d->at[i]};
        side_need(!pthread_create(&d->threads[i], NULL, acquire_one, &all[i]), "no thread");
    }
    for (int i = 0; i < d->count; i++)
        pthread_join(d->threads[i], NULL);
    ret->value = side_now() - started;
}
