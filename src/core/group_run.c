/* Running a group: on the caller's thread, or on the engine. */
#include "base/err.h"
#include "core/group.h"
#include "core/status.h"
#include <stdlib.h>

void oph__group_due(oph_group *g, double when)
{
    if (when < g->next) g->next = when;
}

/* Wakes the runner. */
void oph__group_wake(oph_group *g)
{
    if (!g->on_engine) {
        pthread_cond_broadcast(&g->m->changed);
    } else if (!g->posted) {
        g->posted = true;
        oph__loop_post(g->ctx->engine, &g->job);
    }
}

void oph__group_news(struct oph__entry *e)
{
    oph_group *g = e->group;
    if (e->has_news) return;
    e->has_news = true;
    e->next_news = g->news;
    g->news = e;
    if (!e->next_news) oph__group_wake(g);
}

static struct oph__entry *take_news(oph_group *g, bool *ret_turn)
{
    struct oph__entry *in_order = NULL;
    pthread_mutex_lock(&g->m->lock);
    for (struct oph__entry *e = g->news, *next; e; e = next) {
        next = e->next_news;
        e->next_news = in_order;
        in_order = e;
    }
    g->news = NULL;
    *ret_turn = !g->puts && g->in_turn;
    if (*ret_turn) g->in_turn = 0;
    pthread_mutex_unlock(&g->m->lock);
    return in_order;
}

/* Nobody waits for it: it leaves with what is sent next, or as one message for all that end within
 * this time. */
static const double TELL_WITHIN = 0.01;

void oph__group_unfollowed(oph_group *g)
{
    if (!isinf(g->tell_by)) return;
    g->tell_by = g->now + TELL_WITHIN;
    oph__group_due(g, g->tell_by);
}

static void send(oph_group *g)
{
    if (!g->unsent && g->now < g->tell_by) return;
    oph__context_flush(g->ctx, NULL);
    g->unsent = false;
    g->tell_by = (double)INFINITY;
}

/* Entries whose time has come; and when the next one's will. */
static void look_at_clock(oph_group *g)
{
    double now = g->now;
    if (now < g->next) return;
    for (size_t i = 0; i < g->entries.count; i++) {
        struct oph__entry *e = g->entries.at[i];
        if (e->due <= now) oph__entry_step(e);
    }
    g->next = (double)INFINITY;
    for (size_t i = 0; i < g->entries.count; i++) {
        struct oph__entry *e = g->entries.at[i];
        enum oph__entry_step step = oph__entry_where(e);
        if (step == OPH__ENDED || step == OPH__IN_TURN) continue;
        if (e->deadline <= now)
            oph__entry_late(e, now);
        else
            oph__group_due(g, e->deadline < e->due ? e->deadline : e->due);
    }
    if (g->tell_by > now) oph__group_due(g, g->tell_by);
}

/* All steps that are due, then one flush. */
static void advance(oph_group *g)
{
    bool turn;
    struct oph__entry *e = take_news(g, &turn), *next;
    g->now = oph__now();
    for (; e; e = next) {
        next = e->next_news;
        pthread_mutex_lock(&g->m->lock);
        e->has_news = false; /* what comes from here on is news again */
        pthread_mutex_unlock(&g->m->lock);
        oph__entry_step(e);
    }
    for (size_t i = 0; turn && i < g->entries.count; i++) {
        struct oph__entry *each = g->entries.at[i];
        if (oph__entry_where(each) == OPH__IN_TURN) oph__entry_turn(each);
    }
    look_at_clock(g);
    send(g);
}

/* Operations that an entry needs at most. */
static size_t needs(const struct oph__entry *e)
{
    switch (e->kind) {
    case OPH__PUT: return 8;
    default: return 2;
    }
}

static int begin(oph_group *g, oph_error *err)
{
    size_t room = 0;
    for (size_t i = 0; i < g->entries.count; i++) {
        oph__entry_reset(g->entries.at[i]); /* nothing of a former run, whatever comes now */
        room += needs(g->entries.at[i]);
    }
    if (!g->ops || !oph__ops_renew(g->ops, room)) {
        oph__ops_free(g->ops);
        g->ops = NULL;
        int rc = oph__ops_new(g->ctx, room, &g->ops, err);
        if (rc) return rc;
    }
    oph__ops_on_each(g->ops, oph__entry_op_ended);
    g->m = oph__ops_monitor(g->ops);
    g->begun = g->now = oph__now();
    g->next = g->tell_by = (double)INFINITY;
    g->left = g->entries.count;
    g->puts = g->in_turn = 0;
    g->news = NULL;
    g->slow = NULL;
    for (size_t i = 0; i < g->entries.count; i++) {
        struct oph__entry *e = g->entries.at[i];
        if (e->kind != OPH__PUT || oph__signal_slow(e->sig) <= 0) continue;
        e->next_slow = g->slow;
        g->slow = e;
    }
    for (size_t i = 0; i < g->entries.count; i++)
        oph__entry_begin(g->entries.at[i]);
    send(g);
    return 0;
}

/* Those that are not done end with this error, or as being late where it is NULL. */
static void end_all(oph_group *g, const oph_error *error)
{
    for (size_t i = 0; i < g->entries.count; i++) {
        struct oph__entry *e = g->entries.at[i];
        if (error)
            oph__entry_end(e, error);
        else
            oph__entry_late(e, oph__now());
    }
    oph_error late = OPH_ERROR_INIT;
    oph__fail_text(&late, OPH_ETIMEOUT, "not done after %.1f s", oph__now() - g->begun);
    for (size_t i = 0; !error && i < g->entries.count; i++)
        oph__entry_end(g->entries.at[i], &late);
}

/* Puts that were given up make their channels anew, and readers' memory is theirs again. */
static void release(oph_group *g)
{
    oph__ops_give_up(g->ops);
    if (!isinf(g->tell_by)) g->unsent = true;
    send(g);
}

static bool has_work(void *arg)
{
    const oph_group *g = arg;
    return !g->left || g->news || (!g->puts && g->in_turn);
}

static bool was_ended(int rc)
{
    return rc == OPH_EINTR || rc == OPH_ECANCEL;
}

/* Until all have ended: 0; or OPH_ETIMEOUT, OPH_EINTR, OPH_ECANCEL. */
static int run(oph_group *g, double deadline, bool interruptible)
{
    int rc = 0;
    for (size_t left = 1; left;) {
        double until = g->next < deadline ? g->next : deadline;
        pthread_mutex_lock(&g->m->lock);
        rc = oph__wait(interruptible ? &g->ctx->waits : NULL, g->m, until, has_work, g);
        left = g->left;
        pthread_mutex_unlock(&g->m->lock);
        if (was_ended(rc) || !left) break;
        if (rc && oph__now() >= deadline) break;
        advance(g);
        rc = 0;
    }
    return rc;
}

/* Named after the first entry that waits for the IOC; others wait for those. */
static void say_who_waited(const oph_group *g, int code, oph_error *why)
{
    struct oph__at at = {.waited = oph__now() - g->begun};
    pthread_mutex_lock(&g->m->lock);
    bool putting = g->puts > 0;
    pthread_mutex_unlock(&g->m->lock);
    for (size_t i = 0; i < g->entries.count && !at.device; i++) {
        const struct oph__entry *e = g->entries.at[i];
        enum oph__entry_step step = oph__entry_where(e);
        if (step == OPH__ENDED || (step == OPH__IN_TURN && putting)) continue;
        at.device = e->sig->path;
        at.pv = e->pv->name;
    }
    oph__fail(why, code, at, NULL, code == OPH_EINTR ? "interrupted" : "cancelled");
}

int oph__group_run(oph_group *g, double deadline, bool interruptible, oph_error *err)
{
    int rc = oph__context_may_block(g->ctx, err);
    g->on_engine = g->posted = false;
    if (!rc) rc = begin(g, err);
    if (rc) return rc;
    struct oph__call call;
    if (interruptible) oph__call_begin(&g->ctx->waits, &call);
    rc = run(g, deadline, interruptible);
    if (interruptible) oph__call_end(&g->ctx->waits, &call);
    oph_error why = OPH_ERROR_INIT;
    if (was_ended(rc)) say_who_waited(g, rc, &why);
    if (rc) end_all(g, was_ended(rc) ? &why : NULL);
    release(g);
    if (!was_ended(rc)) return 0;
    if (err) *err = why;
    return rc;
}

/* On the engine */

static void first_error(oph_group *g, oph_error *ret)
{
    for (size_t i = 0; i < g->entries.count; i++)
        if (oph__entry_error(g->entries.at[i], ret)) return;
}

/* With the group's lock, which comes before the context's here. */
static void list(oph_group *g)
{
    pthread_mutex_lock(&g->ctx->lock);
    g->next_running = g->ctx->running;
    g->ctx->running = g;
    pthread_mutex_unlock(&g->ctx->lock);
}

static void unlist(oph_group *g)
{
    pthread_mutex_lock(&g->ctx->lock);
    oph_group **at = &g->ctx->running;
    while (*at != g)
        at = &(*at)->next_running;
    *at = g->next_running;
    pthread_mutex_unlock(&g->ctx->lock);
}

/* False when a cancel has just posted the job: that run of it will do. */
static bool stand_still(oph_group *g, oph_status **ret_status)
{
    pthread_mutex_lock(&g->lock);
    pthread_mutex_lock(&g->m->lock);
    bool still = !g->posted;
    pthread_mutex_unlock(&g->m->lock);
    if (still) {
        *ret_status = g->status;
        g->status = NULL;
        unlist(g);
        g->running = false; /* who waits for the status may run it again */
        g->ending++;
    }
    pthread_mutex_unlock(&g->lock);
    return still;
}

static void complete(oph_group *g)
{
    oph_error error = OPH_ERROR_INIT;
    oph_status *status;
    oph__timer_stop(g->ctx->engine, &g->timer);
    release(g);
    first_error(g, &error);
    if (!stand_still(g, &status)) return;
    oph__status_finish(status, &error);
    oph_status_unref(status);
    pthread_mutex_lock(&g->lock);
    g->ending--;
    pthread_cond_broadcast(&g->idle);
    pthread_mutex_unlock(&g->lock);
    oph__group_unref(g);
}

static void run_on_engine(oph_group *g)
{
    pthread_mutex_lock(&g->m->lock);
    bool cancelled = g->cancelled;
    pthread_mutex_unlock(&g->m->lock);
    if (!cancelled) advance(g);
    if (cancelled || oph__now() >= g->until) {
        oph_error why = OPH_ERROR_INIT;
        oph__fail_text(&why, OPH_ECANCEL, "cancelled after %.1f s", oph__now() - g->begun);
        end_all(g, cancelled ? &why : NULL);
    }
    pthread_mutex_lock(&g->m->lock);
    bool done = !g->left, again = g->posted;
    pthread_mutex_unlock(&g->m->lock);
    double when = g->next < g->until ? g->next : g->until;
    if (!done && !isinf(when) && !oph__timer_start(g->ctx->engine, &g->timer, when)) {
        oph_error why = OPH_ERROR_INIT;
        oph__fail_memory(&why, "a deadline");
        end_all(g, &why);
        done = true;
    }
    if (done && !again) complete(g);
}

/* It is posted until it runs, whatever the timer does meanwhile: so nobody posts it twice, and the
 * group waits for it. */
static void run_job(struct oph__job *job)
{
    oph_group *g = OPH__AROUND(oph_group, job, job);
    pthread_mutex_lock(&g->m->lock);
    g->posted = false;
    pthread_mutex_unlock(&g->m->lock);
    run_on_engine(g);
}

static void run_timer(struct oph__timer *timer)
{
    run_on_engine(OPH__AROUND(oph_group, timer, timer));
}

static void cancel(oph_group *g)
{
    pthread_mutex_lock(&g->lock);
    if (g->running) {
        pthread_mutex_lock(&g->m->lock);
        g->cancelled = true;
        oph__group_wake(g);
        pthread_mutex_unlock(&g->m->lock);
    }
    pthread_mutex_unlock(&g->lock);
}

void oph__group_stop(oph_group *g)
{
    cancel(g);
    if (oph__loop_is_self(g->ctx->engine)) return;
    pthread_mutex_lock(&g->lock);
    while (g->running || g->ending)
        pthread_cond_wait(&g->idle, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void cancel_status(oph_status *status, void *action)
{
    (void)status;
    cancel(action);
}

static void drop_action(void *action)
{
    oph__group_unref(action);
}

int oph__group_start(oph_group *g, const char *kind, const char *name, double deadline,
                     oph_status **ret_status, oph_error *err)
{
    oph_status *status;
    int rc = oph__status_new(g->ctx, kind, name, (double)INFINITY, &status, err);
    if (rc) return rc;
    oph__status_own(status, oph__group_ref(g), cancel_status, drop_action);
    g->job.run = run_job;
    g->timer.run = run_timer;
    g->until = deadline;
    g->on_engine = g->posted = true; /* until all have begun nobody else takes steps */
    g->cancelled = false;
    rc = begin(g, err);
    if (rc) {
        g->on_engine = g->posted = false;
        oph_status_unref(status);
        return rc;
    }
    oph__group_ref(g);
    pthread_mutex_lock(&g->lock);
    g->running = true;
    g->status = oph_status_ref(status);
    list(g);
    pthread_mutex_unlock(&g->lock);
    oph__loop_post(g->ctx->engine, &g->job);
    *ret_status = status;
    return 0;
}

static bool is_of(const oph_signal *sig, const oph_device *dev)
{
    const oph_device *at = sig->dev;
    while (at && at != dev)
        at = at->parent;
    return at != NULL;
}

/* A group that runs with this signal, or one of this device or of one below it; referenced. */
static oph_group *one_that_uses(oph_context *ctx, const oph_device *dev, const oph_signal *sig)
{
    oph_group *found = NULL;
    pthread_mutex_lock(&ctx->lock);
    for (oph_group *g = ctx->running; g && !found; g = g->next_running) {
        for (size_t i = 0; i < g->entries.count && !found; i++) {
            const struct oph__entry *e = g->entries.at[i];
            if (dev ? is_of(e->sig, dev) : e->sig == sig) found = oph__group_ref(g);
        }
    }
    pthread_mutex_unlock(&ctx->lock);
    return found;
}

static void end_those_with(oph_context *ctx, const oph_device *dev, const oph_signal *sig)
{
    for (oph_group *g; (g = one_that_uses(ctx, dev, sig));) {
        oph__group_stop(g);
        oph__group_unref(g);
    }
}

void oph__groups_end(oph_device *dev)
{
    end_those_with(dev->ctx, dev, NULL);
}

void oph__groups_end_signal(const oph_signal *sig)
{
    end_those_with(sig->ctx, NULL, sig);
}
