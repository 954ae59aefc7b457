/* Acquisitions under one status, from the first Acquire=1 to its end. Nothing here blocks after the
 * start: libca's callbacks, a timer and the user's cancel only leave a note and post a job, and the
 * job, on the engine's thread, takes the next step. So the steps never overlap. */
#include "ad/run.h"
#include "ad/buffer.h"
#include "ad/file_store.h"
#include "ad/shot.h"
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include "core/status.h"
#include <stdlib.h>

enum phase {
    WRITING,    /* the settings of the next acquisition */
    CHECKING,   /* whether that may start */
    FILLING,    /* waiting for a circular buffer to hold the frames from before the trigger */
    ACQUIRING,  /* waiting for the put's completion */
    CANCELLING, /* Acquire=0 was put; still waiting for the completion */
    LOOKING,    /* reading what became of it */
    SETTLING,   /* something has still to catch up: its monitors say when to look again */
};

enum { MOST_STOPS = 4 };

struct run {
    struct oph__job job; /* first: the loop gives it back */
    oph_context *ctx;
    oph_device *dev;
    /* Owns the run; a posted job has a reference to it, and so has a run under way. */
    oph_status *status;
    struct oph__course course;
    size_t acquisition;  /* the present one of the course's */
    int64_t done, total; /* frames of those before it, and of all */
    struct oph__shot shot;
    enum phase phase;
    double started, progress_at, written;
    double fill_by; /* a circular buffer is waited for until then */
    double halt_by; /* a cancelled camera is waited for until then */
    int ending;   /* why the next look is the last: OPH_ETIMEOUT, OPH_ECANCEL, OPH_EDISCONN, or 0 */
    bool queues;  /* the look is to say who is stuck */
    int stops;    /* puts of Acquire=0 */
    bool emptied; /* a circular buffer was seen stopped, to be begun anew */
    bool put_over; /* the put of Acquire has ended */
    struct oph__ops *put, *stop, *look;
    struct oph__shot_watch watch; /* of what has still to move */
    struct oph__chanmon *start_mon;
    struct oph__counts *counts;
    struct oph__settings_write *settings; /* of the present acquisition; or NULL */
    oph_status *writing;
    struct oph__timer timer;
    pthread_mutex_t lock; /* of the notes */
    bool posted, put_done, look_done, late, cancelled, moved, wrote, ended;
    bool was_low; /* what shows the start was seen to stand low */
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
    struct run *r = OPH__AROUND(struct run, timer, timer);
    note(r, &r->late);
}

static void on_wrote(oph_status *writing, void *user)
{
    (void)writing;
    struct run *r = user;
    note(r, &r->wrote);
}

static void on_cancel(oph_status *status, void *action)
{
    (void)status;
    struct run *r = action;
    note(r, &r->cancelled);
}

/* Armed is a level, and may stand from a former run: only its rise says that this one has begun. */
static void on_start(void *user, const struct oph__event *event)
{
    struct run *r = user;
    const oph_value value = oph__event_value(event);
    int64_t level;
    if (event->code || !oph__value_int(&value, &level)) return;
    pthread_mutex_lock(&r->lock);
    bool rose = r->was_low && level;
    if (!level) r->was_low = true;
    pthread_mutex_unlock(&r->lock);
    if (rose) oph__status_finish(r->course.begun, NULL);
}

/* Ending */

static void destroy_run(void *action)
{
    struct run *r = action;
    oph__shot_clear(&r->shot);
    oph__settings_write_free(r->settings);
    oph_status_unref(r->course.begun);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* What one acquisition of the course needed. */
static void end_acquisition(struct run *r, bool complete)
{
    oph__timer_stop(r->ctx->engine, &r->timer);
    oph__shot_watch_end(&r->shot, &r->watch);
    if (r->start_mon) r->ctx->ops->unsubscribe(r->start_mon);
    r->start_mon = NULL;
    oph__writers_unwatch(&r->shot);
    oph__counts_end(r->counts, complete);
    r->counts = NULL;
    oph__ops_free(r->put);
    oph__ops_free(r->stop);
    oph__ops_free(r->look);
    r->put = r->stop = r->look = NULL;
}

/* Nothing calls back any more after it, but for a cancel, whose caller holds the status. */
static void release(struct run *r, bool complete)
{
    pthread_mutex_lock(&r->lock);
    r->ended = true;
    pthread_mutex_unlock(&r->lock);
    end_acquisition(r, complete);
    oph_status_unref(r->writing);
    r->writing = NULL;
}

static void end(struct run *r, oph_error *error)
{
    release(r, !error);
    if (r->shot.buffer) oph__buffer_ended(&r->shot, !error);
    int64_t earlier = r->done - r->course.before; /* frames of this trigger's former acquisitions */
    for (size_t w = 0; w < r->shot.writer_count; w++) {
        oph_device *writer = r->shot.writers[w].dev;
        oph__store_note_left(writer, error != NULL);
        if (error) continue;
        oph__store_note_file(writer, r->shot.now.writers[w].file);
        oph__store_note_point(writer, earlier + r->shot.frames,
                              (int64_t)r->shot.before.writers[w].number[OPH__W_NUMBER] - earlier,
                              (int64_t)r->shot.now.writers[w].number[OPH__W_CAPTURED]);
    }
    if (error) oph__course_name(&r->course, r->dev, r->acquisition, error);
    if (r->course.begun) oph__status_finish(r->course.begun, error);
    oph_status_unref(r->course.begun); /* it has us */
    r->course.begun = NULL;
    oph__trigger_finish(r->dev, r->status, error);
    oph_status_unref(r->status); /* the run is under way no more */
}

/* Steps, on the engine's thread */

static bool set_timer(struct run *r, double when)
{
    if (oph__timer_start(r->ctx->engine, &r->timer, when)) return true;
    oph_error err = OPH_ERROR_INIT;
    oph__fail_memory(&err, "an acquisition");
    end(r, &err);
    return false;
}

static void ask(struct run *r, enum phase phase)
{
    oph_error err = OPH_ERROR_INIT;
    oph__ops_free(r->look);
    r->look = NULL;
    noted(r, &r->look_done); /* of that one */
    r->phase = phase;
    int rc = oph__look_ask(&r->shot, phase == CHECKING ? OPH__BEFORE : OPH__AFTER, r->queues,
                           &r->look, &err);
    if (!rc) {
        oph__ops_on_done(r->look, on_look_done, r);
        rc = oph__ops_send(r->look, &err);
    }
    if (rc)
        end(r, &err);
    else
        set_timer(r, oph__now() + r->ctx->options.get_timeout);
}

/* Until a monitor moves, or nothing has moved for too long. */
static void settle(struct run *r)
{
    oph_error err = OPH_ERROR_INIT;
    double written = oph__shot_written(&r->shot);
    if (!r->watch.count || written > r->written) r->progress_at = oph__now();
    r->written = written;
    r->phase = SETTLING;
    if (!r->watch.count && oph__shot_watch_all(&r->shot, on_moved, r, &r->watch, &err)) {
        end(r, &err);
        return;
    }
    if (noted(r, &r->moved)) /* while we looked: some answers may be older than that */
        ask(r, LOOKING);
    else
        set_timer(r, r->ending ? r->halt_by : r->progress_at + r->shot.settle);
}

static void next_acquisition(struct run *r);

static void end_well(struct run *r)
{
    if (r->acquisition + 1 < r->course.count)
        next_acquisition(r);
    else
        end(r, NULL);
}

static bool has_halted(const struct run *r)
{
    return oph__shot_is_idle(&r->shot) && (!r->shot.buffer || r->emptied);
}

static void end_early(struct run *r)
{
    oph_error err = OPH_ERROR_INIT;
    char why[64] = "";
    double now = oph__now(), moved = r->counts ? oph__counts_moved(r->counts) : r->started;
    if (r->ending == OPH_ETIMEOUT && r->counts && oph__counts_over(r->counts))
        oph__copy(why, sizeof why, "it goes on after the frames that were asked for");
    else if (r->ending == OPH_ETIMEOUT && moved > r->started)
        oph__format(why, sizeof why, "no frame came for %.1f s", now - moved);
    else if (r->ending == OPH_ETIMEOUT && r->course.begun && !oph_status_done(r->course.begun))
        oph__format(why, sizeof why, "%s did not rise", r->course.shows_start->row->suffix);
    else if (r->ending == OPH_ECANCEL && !has_halted(r))
        oph__copy(why, sizeof why, "cancelled, but it has not come to a halt");
    const char *plain = r->ending == OPH_ECANCEL    ? "cancelled"
                        : r->ending == OPH_EDISCONN ? "the IOC was lost"
                        : r->ending == OPH_ETIMEOUT ? "it has not ended"
                                                    : "the IOC refused to start";
    oph__shot_fail(&r->shot, r->ending, why[0] ? why : plain, now - r->started, &err);
    end(r, &err);
}

static void put_stop(struct run *r)
{
    r->stops++;
    oph__switch_put(&r->stop, r->shot.cam_rows[OPH__CAM_ACQUIRE], 0);
}

static void stop_camera(struct run *r)
{
    r->phase = CANCELLING;
    put_stop(r);
    set_timer(r, r->halt_by);
}

/* ADPilatus hears a stop only in state Acquire: one that came just before that is lost. A buffer is
 * stopped and begins anew, one after the other: its record would take two puts at once for one. */
static void halt(struct run *r)
{
    const double *now = r->shot.now.number;
    bool runs = now[OPH__CAM_STATE] == OPH__CAM_ACQUIRES || now[OPH__CAM_ACQUIRE] == 1;
    if (r->shot.buffer && r->shot.now.buffer.number[OPH__B_CAPTURE] == 0) {
        r->emptied = true;
        oph__switch_put(&r->stop, r->shot.buffer_rows[OPH__B_CAPTURE], 1);
    } else if (!r->shot.buffer && runs && r->stops < MOST_STOPS) {
        put_stop(r);
    }
    settle(r);
}

static void judge(struct run *r)
{
    oph_error err = OPH_ERROR_INIT;
    double now = oph__now(), waited = now - r->started;
    oph__ops_freeze(r->look);
    oph__look_take(&r->shot, OPH__AFTER, r->queues, r->look);
    r->shot.restarted = oph__counts_restarted(r->counts);
    if (r->ending) {
        bool halting = r->ending == OPH_ECANCEL && now < r->halt_by && !r->shot.now.code;
        if (halting && !has_halted(r))
            halt(r);
        else
            end_early(r);
        return;
    }
    bool stalled = r->watch.count && now >= r->progress_at + r->shot.settle;
    bool last = stalled && r->queues;
    switch (oph__shot_judge(&r->shot, last, waited, &err)) {
    case OPH__GOOD: end_well(r); break;
    case OPH__BAD: end(r, &err); break;
    case OPH__NOT_YET:
        if (stalled) { /* once more, with who is stuck */
            r->queues = true;
            ask(r, LOOKING);
        } else {
            settle(r);
        }
        break;
    }
}

static void cancel(struct run *r, bool put_done)
{
    r->ending = OPH_ECANCEL;
    r->halt_by = oph__now() + r->ctx->options.stop_timeout;
    if (r->phase == WRITING) {
        oph_status_cancel(r->writing, NULL);
    } else if (r->phase == CHECKING || r->phase == FILLING) { /* nothing runs */
        oph_error err = OPH_ERROR_INIT;
        oph__fail(&err, OPH_ECANCEL, (struct oph__at){.device = r->dev->path},
                  "the next acquisition", "cancelled");
        end(r, &err);
    } else if (r->shot.buffer) {
        oph__switch_put(&r->stop, r->shot.buffer_rows[OPH__B_CAPTURE], 0);
        ask(r, LOOKING);
    } else if (!put_done && !r->put_over) {
        stop_camera(r);
    } else {
        ask(r, LOOKING);
    }
}

static void put_ended(struct run *r)
{
    const struct oph__op *op = oph__ops_at(r->put, 0);
    if (op->code && !r->ending) r->ending = op->code;
    r->put_over = true;
    ask(r, LOOKING);
}

static bool awaits_begin(const struct run *r)
{
    return r->course.begun && !oph_status_done(r->course.begun);
}

static double first_limit(const struct run *r)
{
    return awaits_begin(r) ? fmin(r->shot.begin, r->shot.limit) : r->shot.limit;
}

/* Without a first frame it fails at the limit; once they come, when none comes any more. Looked at
 * anew whenever that may have passed. */
static void too_late(struct run *r)
{
    double moved = oph__counts_moved(r->counts);
    double due = moved > r->started ? moved + r->shot.stall : r->started + first_limit(r);
    if (!r->ending && oph__now() < due) {
        set_timer(r, due);
        return;
    }
    if (!r->ending) {
        r->ending = OPH_ETIMEOUT;
        r->queues = true;
    }
    ask(r, LOOKING);
}

static int watch_start(struct run *r, oph_error *err)
{
    if (!r->course.begun || r->acquisition) return 0;
    return oph__pv_subscribe(r->course.shows_start->read, on_start, r, &r->start_mon, err);
}

static int put_acquire(struct run *r, oph_error *err)
{
    struct oph__wire one;
    oph__switch_wire(&one, 1);
    bool buffered = r->shot.buffer != NULL;
    oph_signal *put =
        buffered ? r->shot.buffer_rows[OPH__B_TRIGGER] : r->shot.cam_rows[OPH__CAM_ACQUIRE];
    int rc = oph__ops_new(r->ctx, 1, &r->put, err);
    if (!rc) rc = oph__counts_begin(&r->shot, r->status, r->done, r->total, &r->counts, err);
    if (!rc) rc = oph__writers_watch(&r->shot, err);
    if (!rc) rc = watch_start(r, err);
    if (rc) return rc;
    r->phase = ACQUIRING;
    r->started = oph__now();
    if (!oph__timer_start(r->ctx->engine, &r->timer,
                          r->started + fmin(first_limit(r), r->shot.stall)))
        return oph__fail_memory(err, "an acquisition");
    oph__ops_on_done(r->put, on_put_done, r);
    oph__ops_put(r->put, put->set, &one, !buffered, NULL);
    return oph__ops_send(r->put, err);
}

/* The counter's monitor says when to look again. */
static int await_filling(struct run *r, oph_error *err)
{
    int rc = 0;
    if (!r->watch.count) {
        r->started = oph__now();
        r->fill_by = r->started + r->shot.before.buffer.number[OPH__B_PRE] * r->shot.stall;
        rc = oph__shot_watch_filling(&r->shot, on_moved, r, &r->watch, err);
    }
    r->phase = FILLING;
    if (!rc && !oph__timer_start(r->ctx->engine, &r->timer, r->fill_by))
        rc = oph__fail_memory(err, "an acquisition");
    return rc;
}

static int begin(struct run *r, oph_error *err)
{
    if (!r->shot.buffer) return put_acquire(r, err);
    oph__status_report(r->status, 0, (double)r->done, (double)r->total, "frames", 0);
    if (!oph__buffer_is_full(&r->shot, &r->shot.before.buffer)) {
        if (!r->watch.count || oph__now() < r->fill_by) return await_filling(r, err);
        const oph_signal *counter = r->shot.buffer_rows[OPH__B_COUNTER];
        const struct oph__at at = {
            .device = counter->path, .pv = counter->read->name, .waited = oph__now() - r->started};
        return oph__fail(err, OPH_ETIMEOUT, at, "PreCount frames since the last trigger",
                         "fewer: the camera sends none, or they do not reach the buffer");
    }
    oph__shot_watch_end(&r->shot, &r->watch);
    return put_acquire(r, err);
}

/* Puts of the settings run on the engine too, as a group with a status of its own. */
static int write_settings(struct run *r, oph_error *err)
{
    oph_group *g;
    int rc = oph_group_new(r->ctx, &g, err);
    if (rc) return rc;
    for (size_t i = 0; !rc && i < r->settings->count; i++)
        rc = oph__group_add_write(g, &r->settings->at[i], err);
    oph_status_unref(r->writing);
    r->writing = NULL;
    if (!rc)
        rc =
            oph__group_start(g, "SettingsStatus", r->dev->name, (double)INFINITY, &r->writing, err);
    if (!rc) rc = oph__status_around(r->status, &r->writing, 1, false, on_wrote, r, err);
    oph__group_unref(g);
    return rc;
}

static void next_acquisition(struct run *r)
{
    oph_error err = OPH_ERROR_INIT;
    end_acquisition(r, true);
    r->done += r->shot.frames;
    r->acquisition++;
    r->queues = r->put_over = r->shot.restarted = false;
    r->written = 0;
    r->phase = WRITING;
    noted(r, &r->put_done);
    noted(r, &r->moved);
    int rc = oph__course_settings(&r->course, r->dev, r->acquisition, &r->settings, &err);
    if (!rc && r->settings) rc = write_settings(r, &err);
    if (rc)
        end(r, &err);
    else if (!r->settings)
        ask(r, CHECKING);
}

static void wrote(struct run *r)
{
    oph_error err = *oph__status_cause(r->writing);
    if (r->ending == OPH_ECANCEL)
        oph__fail(&err, OPH_ECANCEL, (struct oph__at){.device = r->dev->path},
                  "to write the settings", "cancelled");
    if (err.code)
        end(r, &err);
    else
        ask(r, CHECKING);
}

static void checked(struct run *r)
{
    oph_error err = OPH_ERROR_INIT;
    oph__ops_freeze(r->look);
    oph__look_take(&r->shot, OPH__BEFORE, false, r->look);
    int rc = oph__shot_check(&r->shot, false, &err);
    if (!rc && r->acquisition) rc = oph__writers_follow(&r->shot, &err);
    if (!rc) rc = begin(r, &err);
    if (rc) end(r, &err);
}

static void take_step(struct run *r)
{
    bool put_done = noted(r, &r->put_done), look_done = noted(r, &r->look_done);
    bool late = noted(r, &r->late), cancelled = noted(r, &r->cancelled);
    bool written = noted(r, &r->wrote);
    bool waits = r->phase == SETTLING || r->phase == FILLING;
    bool moved = waits && noted(r, &r->moved);
    if (r->phase == WRITING && written) {
        if (cancelled) r->ending = OPH_ECANCEL;
        wrote(r);
    } else if (cancelled) {
        cancel(r, put_done);
    } else if (r->phase == FILLING && (moved || late)) {
        ask(r, CHECKING);
    } else if (r->phase == CHECKING && (look_done || late)) {
        checked(r);
    } else if (put_done && (r->phase == ACQUIRING || r->phase == CANCELLING)) {
        put_ended(r);
    } else if (late && (r->phase == ACQUIRING || r->phase == CANCELLING)) {
        too_late(r);
    } else if (r->phase == LOOKING && (look_done || late)) {
        judge(r); /* late: the answers that are missing say so */
    } else if (r->phase == SETTLING && (moved || late)) {
        ask(r, LOOKING);
    }
}

static void step(struct oph__job *job)
{
    struct run *r = (struct run *)job;
    oph_status *status = r->status; /* the job's reference */
    pthread_mutex_lock(&r->lock);
    r->posted = false;
    bool ended = r->ended;
    pthread_mutex_unlock(&r->lock);
    if (!ended) take_step(r);
    oph_status_unref(status);
}

/* Starting */

/* All that may block, for all acquisitions. */
static int prepare(struct run *r, oph_error *err)
{
    int rc = oph__shot_init(&r->shot, r->dev, r->course.buffered, err);
    if (!rc) rc = oph__course_settings(&r->course, r->dev, 0, &r->settings, err);
    if (!rc && r->settings)
        rc = oph__write_all(r->ctx, r->settings->at, r->settings->count, true, err);
    if (!rc) rc = oph__shot_look_before(&r->shot, &r->course.prepared, err);
    if (rc) return rc;
    r->total = r->done + oph__course_frames(&r->course, &r->shot);
    return oph__writers_room(&r->shot, r->total - r->done, err);
}

int oph__run_start(oph_device *dev, oph_status *status, const struct oph__course *course,
                   oph_error *err)
{
    struct run *r = calloc(1, sizeof *r);
    if (!r || pthread_mutex_init(&r->lock, NULL)) {
        free(r);
        return oph__fail_memory(err, "an acquisition");
    }
    r->ctx = dev->ctx;
    r->dev = dev;
    r->status = status;
    r->course = *course;
    r->done = course->before;
    if (r->course.begun) oph_status_ref(r->course.begun);
    r->job.run = step;
    r->timer.run = on_late;
    r->posted = true; /* as good as: what is noted while it starts waits for the end of that */
    oph__status_own(status, r, on_cancel, destroy_run);
    oph_error why = OPH_ERROR_INIT;
    int rc = prepare(r, &why);
    oph_status_ref(status); /* the run is under way */
    if (!rc) rc = begin(r, &why);
    if (!rc) {
        oph_status_ref(status);
        oph__loop_post(r->ctx->engine, &r->job);
        return 0;
    }
    oph__course_name(&r->course, dev, 0, &why);
    if (err) *err = why;
    release(r, false);
    oph_status_unref(status);
    return rc;
}
