/* How far an acquisition is: the frames that its writers have counted, as they say so. */
#include "ad/shot.h"
#include "base/err.h"
#include "core/status.h"
#include <stdlib.h>

/* Of a writer, or of the camera. */
struct count {
    struct oph__counts *all;
    struct oph__pv *pv;
    struct oph__chanmon *mon;
    double before, frames;
};

struct oph__counts {
    oph_status *status;
    int64_t frames;
    pthread_mutex_t lock; /* of the counts' frames; before the status's */
    size_t count;
    struct count at[];
};

static void tell(oph_status *status, double frames, int64_t wanted)
{
    oph__status_report(status, 0, frames, (double)wanted, "frames", 0);
}

static void moved(void *user, const struct oph__event *event)
{
    struct count *c = user;
    struct oph__counts *counts = c->all;
    const oph_value value = {
        .dtype = event->dtype, .count = event->count, .data = (void *)(uintptr_t)event->data};
    double now;
    if (event->code || !oph__value_double(&value, &now)) return;
    pthread_mutex_lock(&counts->lock);
    c->frames = now < c->before ? now : now - c->before; /* some count from 0 again */
    double least = c->frames;
    for (size_t i = 0; i < counts->count; i++)
        least = fmin(least, counts->at[i].frames);
    tell(counts->status, least, counts->frames);
    pthread_mutex_unlock(&counts->lock);
}

static void add(struct oph__counts *counts, oph_signal *sig, double before)
{
    counts->at[counts->count++] = (struct count){.all = counts, .pv = sig->read, .before = before};
}

/* The writers that count to what was asked for; the camera where there is none. */
static void choose(struct oph__counts *counts, const struct oph__shot *shot)
{
    for (size_t w = 0; w < shot->writer_count; w++)
        add(counts, shot->writers[w].rows[oph__writer_counts(shot, w)],
            shot->before.writers[w].number[oph__writer_counts(shot, w)]);
    if (!counts->count)
        add(counts, shot->cam_rows[OPH__CAM_COUNTER], shot->before.number[OPH__CAM_COUNTER]);
}

int oph__counts_begin(const struct oph__shot *shot, oph_status *status, struct oph__counts **ret,
                      oph_error *err)
{
    struct oph__counts *counts =
        calloc(1, sizeof *counts + (shot->writer_count + 1) * sizeof counts->at[0]);
    if (!counts || pthread_mutex_init(&counts->lock, NULL)) {
        free(counts);
        return oph__fail_memory(err, "an acquisition");
    }
    counts->status = status;
    counts->frames = shot->frames;
    choose(counts, shot);
    *ret = counts;
    tell(status, 0, shot->frames);
    int rc = 0;
    for (size_t i = 0; !rc && shot->frames > 1 && i < counts->count; i++)
        rc = oph__pv_subscribe(counts->at[i].pv, moved, &counts->at[i], &counts->at[i].mon, err);
    return rc;
}

void oph__counts_end(struct oph__counts *counts, bool complete)
{
    if (!counts) return;
    for (size_t i = 0; i < counts->count; i++)
        if (counts->at[i].mon) counts->at[i].pv->ops->unsubscribe(counts->at[i].mon);
    if (complete) tell(counts->status, (double)counts->frames, counts->frames);
    pthread_mutex_destroy(&counts->lock);
    free(counts);
}
