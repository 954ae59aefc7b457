/* How far an acquisition is: the frames that its writers have counted, as they say so. */
#include "ad/shot.h"
#include "base/clock.h"
#include "base/err.h"
#include "core/status.h"
#include <stdlib.h>

/* Of a writer, or of the camera. */
struct count {
    struct oph__counts *all;
    struct oph__pv *pv;
    struct oph__chanmon *mon;
    double before, frames, most;
    bool told;      /* counts for the progress; else it only shows that something moves */
    bool restarted; /* fell below `before`: it counts from 0 again */
};

struct oph__counts {
    oph_status *status;
    int64_t frames, before, total;
    double moved_at;
    pthread_mutex_t lock; /* of the counts' frames and of moved_at; before the status's */
    size_t count;
    struct count at[];
};

static void tell(const struct oph__counts *counts, double frames)
{
    oph__status_report(counts->status, 0, (double)counts->before + frames, (double)counts->total,
                       "frames", 0);
}

static double least(const struct oph__counts *counts)
{
    double frames = (double)INFINITY; /* called for one that is told */
    for (size_t i = 0; i < counts->count; i++)
        if (counts->at[i].told) frames = fmin(frames, counts->at[i].frames);
    return frames;
}

static void moved(void *user, const struct oph__event *event)
{
    struct count *c = user;
    struct oph__counts *counts = c->all;
    const oph_value value = oph__event_value(event);
    double now;
    if (event->code || !oph__value_double(&value, &now)) return;
    pthread_mutex_lock(&counts->lock);
    if (now < c->before) {
        c->restarted = true;
        c->before = 0;
    }
    double frames = now - c->before;
    /* What comes beyond those that were asked for need never end. */
    if (frames > c->frames && frames <= c->most) counts->moved_at = oph__now();
    c->frames = frames;
    tell(counts, least(counts));
    pthread_mutex_unlock(&counts->lock);
}

static void add(struct oph__counts *counts, oph_signal *sig, double before, int64_t most, bool told)
{
    counts->at[counts->count++] = (struct count){
        .all = counts, .pv = sig->read, .before = before, .most = (double)most, .told = told};
}

/* The writers that count to what was asked for; the camera's count is told where there is none. */
static void choose(struct oph__counts *counts, const struct oph__shot *shot)
{
    for (size_t w = 0; w < shot->writer_count; w++)
        add(counts, shot->writers[w].rows[oph__writer_counts(shot, w)],
            shot->before.writers[w].number[oph__writer_counts(shot, w)], shot->frames, true);
    if (shot->buffer) return; /* a camera that never stops says nothing */
    add(counts, shot->cam_rows[OPH__CAM_COUNTER], shot->before.number[OPH__CAM_COUNTER],
        shot->images, !counts->count);
}

/* One frame of a writer needs no watch: it is there when the camera's put completes. */
static bool is_watched(const struct oph__shot *shot, const struct oph__counts *counts)
{
    return shot->frames > 1 || shot->images > 1 || counts->count == 1;
}

int oph__counts_begin(const struct oph__shot *shot, oph_status *status, int64_t before,
                      int64_t total, struct oph__counts **ret, oph_error *err)
{
    struct oph__counts *counts =
        calloc(1, sizeof *counts + (shot->writer_count + 1) * sizeof counts->at[0]);
    if (!counts || pthread_mutex_init(&counts->lock, NULL)) {
        free(counts);
        return oph__fail_memory(err, "an acquisition");
    }
    counts->status = status;
    counts->frames = shot->frames;
    counts->before = before;
    counts->total = total;
    counts->moved_at = oph__now();
    choose(counts, shot);
    *ret = counts;
    tell(counts, 0);
    int rc = 0;
    for (size_t i = 0; !rc && is_watched(shot, counts) && i < counts->count; i++)
        rc = oph__pv_subscribe(counts->at[i].pv, moved, &counts->at[i], &counts->at[i].mon, err);
    return rc;
}

double oph__counts_moved(struct oph__counts *counts)
{
    pthread_mutex_lock(&counts->lock);
    double at = counts->moved_at;
    pthread_mutex_unlock(&counts->lock);
    return at;
}

bool oph__counts_over(struct oph__counts *counts)
{
    bool over = false;
    pthread_mutex_lock(&counts->lock);
    for (size_t i = 0; i < counts->count; i++)
        over = over || counts->at[i].frames > counts->at[i].most;
    pthread_mutex_unlock(&counts->lock);
    return over;
}

/* The camera's is the last. */
bool oph__counts_restarted(struct oph__counts *counts)
{
    pthread_mutex_lock(&counts->lock);
    bool restarted = counts->count && counts->at[counts->count - 1].restarted;
    pthread_mutex_unlock(&counts->lock);
    return restarted;
}

void oph__counts_end(struct oph__counts *counts, bool complete)
{
    if (!counts) return;
    for (size_t i = 0; i < counts->count; i++)
        if (counts->at[i].mon) counts->at[i].pv->ops->unsubscribe(counts->at[i].mon);
    if (complete) tell(counts, (double)counts->frames);
    pthread_mutex_destroy(&counts->lock);
    free(counts);
}
