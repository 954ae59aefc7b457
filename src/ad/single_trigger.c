/* One acquisition, from Acquire=1 to its status. Nothing here blocks after the start: libca's
 * callbacks, a timer and the user's cancel only leave a note and post a job, and the job, on the
 * engine's thread, takes the next step. So the steps never overlap. */
#include "ad/single_trigger.h"
#include "ad/file_store.h"
#include "ad/shot.h"
#include "base/err.h"
#include "core/plan.h"
#include "core/status.h"
#include <stdlib.h>

enum phase {
    ACQUIRING,  /* waiting for the put's completion */
    CANCELLING, /* Acquire=0 was put; still waiting for the completion */
    LOOKING,    /* reading what became of it */
    SETTLING,   /* a writer has still to catch up: its monitors say when to look again */
};

struct run {
    struct oph__job job; /* first: the loop gives it back */
    oph_context *ctx;
    oph_device *dev;
    /* Owns the run; a posted job has a reference to it, and so has a run under way. */
    oph_status *status;
    struct oph__shot shot;
    enum phase phase;
    double started, progress_at, written;
    int ending; /* why the next look is the last: OPH_ETIMEOUT, OPH_ECANCEL, OPH_EDISCONN, or 0 */
    struct oph__ops *put, *stop, *look;
    struct oph__chanmon **mons;
    size_t mon_count;
    struct oph__counts *counts;
    struct oph__timer timer;
    pthread_mutex_t lock; /* of the notes */
    bool posted, put_done, look_done, late, cancelled, moved, ended;
};

/* Notes */

static void note(struct run *r, bool *what)
{
    pthread_mutex_lock(&r->lock);
    *what = true;
    bool post = !r->posted && !r->ended;
    if (post) r->posted = true;
    pthread_mutex_unlock(&r->lock);
    if (!post) return;
    oph_status_ref(r->status);
    oph__loop_post(r->ctx->engine, &r->job);
}

static bool noted(struct run *r, bool *what)
{
    pthread_mutex_lock(&r->lock);
    bool was = *what;
    *what = false;
    pthread_mutex_unlock(&r->lock);
    return was;
}

static void on_put_done(struct oph__ops *group, void *user)
{
    (void)group;
    struct run *r = user;
    note(r, &r->put_done);
}

static void on_look_done(struct oph__ops *group, void *user)
{
    (void)group;
    struct run *r = user;
    note(r, &r->look_done);
}

static void on_moved(void *user, const struct oph__event *event)
{
    (void)event;
    struct run *r = user;
    note(r, &r->moved);
}

static void on_late(struct oph__timer *timer)
{
    struct run *r = (struct run *)((char *)timer - offsetof(struct run, timer));
    note(r, &r->late);
}

static void on_cancel(oph_status *status, void *action)
{
    (void)status;
    struct run *r = action;
    note(r, &r->cancelled);
}

/* Ending */

static void destroy_run(void *action)
{
    struct run *r = action;
    oph__shot_clear(&r->shot);
    pthread_mutex_destroy(&r->lock);
    free(r->mons);
    free(r);
}

/* Nothing calls back any more after it, but for a cancel, whose caller holds the status. */
static void release(struct run *r, bool complete)
{
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    pthread_mutex_unlock(&r->lock);
    oph__timer_stop(r->ctx->engine, &r->timer);
    for (size_t i = 0; i < r->mon_count; i++)
        r->ctx->ops->unsubscribe(r->mons[i]);
    r->mon_count = 0;
    oph__writers_unwatch(&r->shot);
    oph__counts_end(r->counts, complete);
    r->counts = NULL;
    oph__ops_free(r->put);
    oph__ops_free(r->stop);
    oph__ops_free(r->look);
    r->put = r->stop = r->look = NULL;
}

static void end(struct run *r, const oph_error *error)
{
    release(r, !error);
    for (size_t w = 0; !error && w < r->shot.writer_count; w++) {
        oph__store_note_file(r->shot.writers[w].dev, r->shot.now.writers[w].file);
        oph__store_note_point(r->shot.writers[w].dev, r->shot.frames,
                              (int64_t)r->shot.before.writers[w].number[OPH__W_NUMBER]);
    }
    oph__trigger_finish(r->dev, r->status, error);
    oph_status_unref(r->status); /* the run is under way no more */
}

/* Steps, on the engine's thread */

static bool set_timer(struct run *r, double seconds)
{
    if (oph__timer_start(r->ctx->engine, &r->timer, oph__now() + seconds)) return true;
    oph_error err = OPH_ERROR_INIT;
    oph__fail_memory(&err, "an acquisition");
    end(r, &err);
    return false;
}

static void look(struct run *r)
{
    oph_error err = OPH_ERROR_INIT;
    oph__ops_free(r->look);
    r->look = NULL;
    r->phase = LOOKING;
    int rc = oph__look_ask(&r->shot, &r->look, &err);
    if (!rc) {
        oph__ops_on_done(r->look, on_look_done, r);
        rc = oph__ops_send(r->look, &err);
    }
    if (rc)
        end(r, &err);
    else
        set_timer(r, r->ctx->options.get_timeout);
}

static int add_monitor(struct run *r, oph_signal *sig, oph_error *err)
{
    if (!sig) return 0;
    int rc = oph__pv_subscribe(sig->read, on_moved, r, &r->mons[r->mon_count], err);
    if (!rc) r->mon_count++;
    return rc;
}

/* What still moves after the completion: all that the verdict waits for. */
static int subscribe(struct run *r, oph_error *err)
{
    static const int cam_rows[] = {OPH__CAM_STATE, OPH__CAM_COUNTER, OPH__CAM_ACQUIRE,
                                   OPH__CAM_BUSY};
    static const int writer_rows[] = {OPH__W_CAPTURED, OPH__W_CAPTURE, OPH__W_FILE, OPH__W_COUNTER,
                                      OPH__W_NUMBER};
    enum { CAM = sizeof cam_rows / sizeof *cam_rows };
    enum { WRITER = sizeof writer_rows / sizeof *writer_rows };
    if (r->mon_count) return 0;
    r->mons = calloc(CAM + WRITER * r->shot.writer_count, sizeof(struct oph__chanmon *));
    if (!r->mons) return oph__fail_memory(err, "an acquisition");
    int rc = 0;
    for (size_t i = 0; !rc && i < CAM; i++)
        rc = add_monitor(r, r->shot.cam_rows[cam_rows[i]], err);
    for (size_t i = 0; !rc && i < WRITER * r->shot.writer_count; i++)
        rc = add_monitor(r, r->shot.writers[i / WRITER].rows[writer_rows[i % WRITER]], err);
    struct oph__link *link;
    if (!rc) rc = oph__context_link(r->ctx, &link, err);
    return rc ? rc : r->ctx->ops->flush(link, err);
}

/* Until a monitor moves, or nothing has moved for too long. */
static void settle(struct run *r)
{
    oph_error err = OPH_ERROR_INIT;
    double written = oph__shot_written(&r->shot);
    if (!r->mon_count || written > r->written) r->progress_at = oph__now();
    r->written = written;
    r->phase = SETTLING;
    if (subscribe(r, &err)) {
        end(r, &err);
        return;
    }
    if (noted(r, &r->moved)) /* while we looked: some answers may be older than that */
        look(r);
    else
        set_timer(r, r->progress_at + r->shot.stall - oph__now());
}

static void judge(struct run *r)
{
    oph_error err = OPH_ERROR_INIT;
    double waited = oph__now() - r->started;
    oph__ops_freeze(r->look);
    oph__look_take(&r->shot, r->look, &r->shot.now);
    if (r->ending) {
        const char *why = r->ending == OPH_ECANCEL    ? "cancelled"
                          : r->ending == OPH_EDISCONN ? "the IOC was lost"
                          : r->ending == OPH_EPUT     ? "the IOC refused to start"
                                                      : "it has not ended";
        oph__shot_fail(&r->shot, r->ending, why, waited, &err);
        end(r, &err);
        return;
    }
    bool stalled = r->mon_count && oph__now() >= r->progress_at + r->shot.stall;
    switch (oph__shot_judge(&r->shot, stalled, waited, &err)) {
    case OPH__GOOD: end(r, NULL); break;
    case OPH__BAD: end(r, &err); break;
    case OPH__NOT_YET: settle(r); break;
    }
}

/* A plain put: a second one with completion would stop the server's reading for a minute. */
static void stop_camera(struct run *r)
{
    struct oph__wire zero = {.dtype = OPH_ENUM, .count = 1};
    zero.data = zero.small;
    r->phase = CANCELLING;
    r->ending = OPH_ECANCEL;
    if (!oph__ops_new(r->ctx, 1, &r->stop, NULL)) {
        oph__ops_put(r->stop, r->shot.cam_rows[OPH__CAM_ACQUIRE]->set, &zero, false, NULL);
        oph__ops_send(r->stop, NULL);
    }
    set_timer(r, r->ctx->options.stop_timeout);
}

static void put_ended(struct run *r)
{
    const struct oph__op *op = oph__ops_at(r->put, 0);
    if (op->code && !r->ending) r->ending = op->code;
    look(r);
}

static void step(struct oph__job *job)
{
    struct run *r = (struct run *)job;
    oph_status *status = r->status; /* the job's reference */
    pthread_mutex_lock(&r->lock);
    r->posted = false;
    bool ended = r->ended;
    pthread_mutex_unlock(&r->lock);
    if (ended) {
        oph_status_unref(status);
        return;
    }
    bool put_done = noted(r, &r->put_done), look_done = noted(r, &r->look_done);
    bool late = noted(r, &r->late), cancelled = noted(r, &r->cancelled);
    bool moved = r->phase == SETTLING && noted(r, &r->moved);
    if (cancelled && r->phase == ACQUIRING && !put_done) {
        stop_camera(r);
    } else if (cancelled) {
        r->ending = OPH_ECANCEL;
        look(r);
    } else if (put_done && (r->phase == ACQUIRING || r->phase == CANCELLING)) {
        put_ended(r);
    } else if (late && (r->phase == ACQUIRING || r->phase == CANCELLING)) {
        if (!r->ending) r->ending = OPH_ETIMEOUT;
        look(r);
    } else if (r->phase == LOOKING && (look_done || late)) {
        judge(r); /* late: the answers that are missing say so */
    } else if (r->phase == SETTLING && (moved || late)) {
        look(r);
    }
    oph_status_unref(status);
}

/* Starting and stopping */

/* Capture sets NumCaptured to 0, but its readback may come later: counting from the former value
 * would be wrong. */
static int await_reset(struct run *r, oph_error *err)
{
    struct oph__wire zero = {.dtype = OPH_INT32, .count = 1};
    zero.data = zero.small;
    int rc = 0;
    for (size_t w = 0; !rc && w < r->shot.writer_count; w++) {
        const struct oph__shot_writer *writer = &r->shot.writers[w];
        double *captured = &r->shot.before.writers[w].number[OPH__W_CAPTURED];
        if (*captured == 0 || !oph__store_is_fresh(writer->dev)) continue;
        if (writer->writing != OPH__WRITES_STREAM) continue;
        rc = oph__write_await(writer->rows[OPH__W_CAPTURED], &zero, false, r->ctx->options.grace,
                              err);
        *captured = 0;
    }
    for (size_t w = 0; !rc && w < r->shot.writer_count; w++)
        oph__store_begin(r->shot.writers[w].dev);
    return rc;
}

static int look_before(struct run *r, oph_error *err)
{
    struct oph__ops *g;
    int rc = oph__look_ask(&r->shot, &g, err);
    if (rc) return rc;
    rc = oph__ops_wait(g, oph__now() + r->ctx->options.get_timeout, true, err);
    if (rc == OPH_ETIMEOUT) rc = 0; /* the look says which PV did not answer */
    if (!rc) oph__look_take(&r->shot, g, &r->shot.before);
    oph__ops_free(g);
    if (!rc) rc = oph__shot_check(&r->shot, err);
    return rc ? rc : await_reset(r, err);
}

static int put_acquire(struct run *r, oph_error *err)
{
    struct oph__wire one = {.dtype = OPH_ENUM, .count = 1};
    one.data = one.small;
    *(uint16_t *)one.data = 1;
    int rc = oph__ops_new(r->ctx, 1, &r->put, err);
    if (!rc) rc = oph__counts_begin(&r->shot, r->status, &r->counts, err);
    if (!rc) rc = oph__writers_watch(&r->shot, err);
    if (rc) return rc;
    r->started = oph__now();
    if (!oph__timer_start(r->ctx->engine, &r->timer, r->started + r->shot.limit))
        return oph__fail_memory(err, "an acquisition");
    oph__ops_on_done(r->put, on_put_done, r);
    oph__ops_put(r->put, r->shot.cam_rows[OPH__CAM_ACQUIRE]->set, &one, true, NULL);
    return oph__ops_send(r->put, err);
}

static int start(oph_device *dev, oph_status *status, oph_error *err)
{
    struct run *r = calloc(1, sizeof *r);
    if (!r || pthread_mutex_init(&r->lock, NULL)) {
        free(r);
        return oph__fail_memory(err, "an acquisition");
    }
    r->ctx = dev->ctx;
    r->dev = dev;
    r->status = status;
    r->job.run = step;
    r->timer.run = on_late;
    oph__status_own(status, r, on_cancel, destroy_run);
    int rc = oph__shot_init(&r->shot, dev, err);
    if (!rc) rc = look_before(r, err);
    oph_status_ref(status); /* the run is under way */
    if (!rc) rc = put_acquire(r, err);
    if (!rc) return 0;
    release(r, false);
    oph_status_unref(status);
    return rc;
}

/* Acquire=0, then Acquire_RBV 0, and AcquireBusy where there is one. */
static int stop(oph_device *dev, oph_error *err)
{
    struct oph__read reads[2] = {{0}};
    int64_t runs = 0, works = 0;
    int rc = oph_signal_find(dev, "cam.acquire", &reads[0].sig, err);
    if (rc) return rc;
    if (oph_signal_find(dev, "cam.acquire_busy", &reads[1].sig, NULL) || reads[1].sig->set->absent)
        reads[1].sig = NULL;
    rc = oph__read_all(dev->ctx, reads, 2, OPH_DEFAULT, false, err);
    if (!rc) {
        oph__value_int(&reads[0].set, &runs);
        oph__value_int(&reads[1].set, &works);
    }
    oph__reads_clear(reads, 2);
    if (rc || (!runs && !works)) return rc;
    struct oph__wire zero = {.dtype = OPH_ENUM, .count = 1};
    zero.data = zero.small;
    double patience = dev->ctx->options.stop_timeout;
    struct oph__write write = {
        .sig = reads[0].sig, .wire = &zero, .expect = &zero, .patience = patience};
    rc = oph__write_all(dev->ctx, &write, 1, false, err);
    if (!rc && reads[1].sig) rc = oph__write_await(reads[1].sig, &zero, false, patience, err);
    return rc;
}

const struct oph__trigger_ops oph__single_trigger = {
    .name = "single",
    .needs = oph__shot_needs,
    .start = start,
    .stop = stop,
};
