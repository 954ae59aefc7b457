/* Acquisitions of the staged detector, by hand and with care: a read shows that the camera is
 * idle, Acquire is put with completion, and another read shows that its frame was written. */
#include "bench/side.h"
#include "bench/libca.h"

#include <db_access.h>
#include <stdlib.h>

enum { ACQUIRE, BUSY, STATE, CAPTURED, ROWS };
static const char *const names[ROWS] = {
    [ACQUIRE] = "Pilatus:cam1:Acquire",
    [BUSY] = "Pilatus:cam1:AcquireBusy",
    [STATE] = "Pilatus:cam1:DetectorState_RBV",
    [CAPTURED] = "Pilatus:HDF1:NumCaptured_RBV",
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

void *trigger_set_up(void)
{
    struct trigger *t = calloc(1, sizeof *t);

    side_need(t != NULL, "no memory");
    t->stage = stage_set_up();
    tally_init(&t->tally);
    tally_expect(&t->tally, ROWS);
    for (int i = 0; i < ROWS; i++) {
        t->rows[i].trigger = t;
        t->rows[i].channel = libca_open(names[i], &t->tally);
    }
    tally_wait(&t->tally);
    return t;
}

static void acquire(struct trigger *t, int count)
{
    for (int i = 0; i < count; i++) {
        dbr_enum_t one = 1;
        look(t);
        tally_expect(&t->tally, 1);
        libca_need(
            ca_array_put_callback(DBR_ENUM, 1, t->rows[ACQUIRE].channel, &one, acquired, &t->tally),
            "a put");
        tally_wait(&t->tally);
        look(t);
        side_need(t->rows[CAPTURED].value == i + 1, "libca: no frame was written");
    }
}

void trigger_round(void *state, struct measure *ret)
{
    struct trigger *t = state;
    stage_on(t->stage);
    double started = side_now();
    acquire(t, TRIGGERS);
    ret->value = (side_now() - started) / TRIGGERS;
    stage_off(t->stage);
}

/* The triggers of a count, without any document. */
void count_round(void *state, struct measure *ret)
{
    struct trigger *t = state;
    double started = side_now();
    stage_on(t->stage);
    stage_set(t->stage, "Pilatus:cam1:AcquireTime", "0.001");
    stage_set(t->stage, "Pilatus:cam1:AcquirePeriod", "0.002");
    acquire(t, POINTS);
    stage_off(t->stage);
    ret->value = (side_now() - started) / POINTS;
}
