/* One lock a status. `done` changes once, under the lock; whoever changes it wakes the waiters and
 * posts the callbacks, so losers of a race have nothing to undo. The dispatcher runs the callbacks
 * with no lock held; each then holds a reference. */
#include "base/err.h"
#include "base/str.h"
#include "core/status_parts.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void run_callback(struct oph__job *job)
{
    struct oph__callback *cb = (struct oph__callback *)job;
    cb->fn(cb->status, cb->user);
    if (cb->outer) oph__status_release(cb->outer);
    oph_status_unref(cb->status);
    free(cb);
}

static void expire(struct oph__timer *timer)
{
    oph_status *st = OPH__AROUND(oph_status, timer, timer);
    oph_error err = OPH_ERROR_INIT;
    oph__fail(&err, OPH_ETIMEOUT, (struct oph__at){.device = st->name, .waited = st->limit}, "done",
              "still running");
    oph__status_finish(st, &err);
    oph_status_unref(st); /* the timer's */
}

int oph__status_new(oph_context *ctx, const char *kind, const char *name, double limit,
                    oph_status **ret, oph_error *err)
{
    oph_status *st = calloc(1, sizeof *st);
    if (!st) return oph__fail_memory(err, "a status");
    st->name = oph__dup(name);
    if (!st->name || oph__monitor_init(&st->m)) {
        free(st->name);
        free(st);
        return oph__fail_memory(err, "a status");
    }
    atomic_init(&st->refs, 1);
    st->ctx = oph__context_ref(ctx);
    st->kind = kind;
    st->limit = limit;
    st->steps.since = oph__now();
    st->timer.run = expire;
    st->fd = -1;
    if (limit < (double)INFINITY) {
        oph_status_ref(st);
        if (!oph__timer_start(ctx->engine, &st->timer, st->steps.since + limit)) {
            oph_status_unref(st);
            oph_status_unref(st);
            return oph__fail_memory(err, "a status");
        }
    }
    *ret = st;
    return 0;
}

void oph__status_own(oph_status *st, void *action, oph__cancel_fn *cancel,
                     void (*destroy)(void *action))
{
    st->action = action;
    st->cancel = cancel;
    st->destroy = destroy;
}

/* Oldest first. */
static struct oph__callback *reversed(struct oph__callback *cb)
{
    struct oph__callback *out = NULL;
    while (cb) {
        struct oph__callback *next = cb->next;
        cb->next = out;
        out = cb;
        cb = next;
    }
    return out;
}

/* A timer that has not run gives back its reference here. */
void oph__status_unlimit(oph_status *st)
{
    if (st->limit < (double)INFINITY && oph__timer_stop(st->ctx->engine, &st->timer))
        oph_status_unref(st);
}

/* Posts the user's callbacks and returns those of outer statuses. Called with the lock, so that a
 * callback which is added meanwhile comes after these. */
static struct oph__callback *post(oph_status *st, struct oph__callback *cb)
{
    struct oph__callback *direct = NULL;
    while (cb) {
        struct oph__callback *next = cb->next;
        oph_status_ref(st);
        if (cb->outer) {
            cb->next = direct;
            direct = cb;
        } else {
            oph__loop_post(st->ctx->dispatch, &cb->job);
        }
        cb = next;
    }
    return reversed(direct);
}

static void make_readable(const oph_status *st)
{
    const uint64_t one = 1;
    if (st->fd >= 0 && write(st->fd, &one, sizeof one) < 0) {
        /* it is readable already: nobody else writes to it */
    }
}

bool oph__status_finish(oph_status *st, const oph_error *error)
{
    pthread_mutex_lock(&st->m.lock);
    if (st->done) {
        pthread_mutex_unlock(&st->m.lock);
        return false;
    }
    oph_status_ref(st); /* a waiter that wakes up may drop the last one */
    if (error) st->error = *error;
    st->ended = oph__now();
    st->done = true;
    struct oph__callback *cb = reversed(st->callbacks);
    st->callbacks = NULL;
    pthread_cond_broadcast(&st->m.changed);
    make_readable(st);
    cb = post(st, cb);
    pthread_mutex_unlock(&st->m.lock);
    while (cb) {
        struct oph__callback *next = cb->next;
        run_callback(&cb->job);
        cb = next;
    }
    oph__status_let_go(st);
    oph__status_unlimit(st);
    oph_status_unref(st);
    return true;
}

int oph_status_new(oph_context *ctx, const char *name, double timeout, oph_status **ret_status,
                   oph_error *err)
{
    int rc = oph__context_check(ctx, err);
    if (rc) return rc;
    if (!name || isnan(timeout))
        return oph__fail_text(err, OPH_EINVAL,
                              "oph_status_new: wanted a name and a timeout, found %s",
                              name ? "no timeout" : "no name");
    return oph__status_new(ctx, "Status", name, timeout, ret_status, err);
}

/* Only a status without an action of the library: that one ends by itself. */
int oph_status_finish(oph_status *st, const oph_error *error)
{
    return !st->action && !oph__context_check(st->ctx, NULL) && oph__status_finish(st, error);
}

oph_status *oph_status_ref(oph_status *st)
{
    atomic_fetch_add(&st->refs, 1);
    return st;
}

static void destroy(oph_status *st)
{
    while (st->callbacks) { /* nobody will ever finish it */
        struct oph__callback *cb = st->callbacks;
        st->callbacks = cb->next;
        if (cb->outer) oph__status_release(cb->outer);
        free(cb);
    }
    oph__watches_free(st);
    if (st->destroy) st->destroy(st->action);
    if (st->fd >= 0) close(st->fd);
    oph__monitor_destroy(&st->m);
    oph_context_free(st->ctx);
    free(st->name);
    free(st);
}

void oph_status_unref(oph_status *st)
{
    if (!st) return;
    int refs;
    do {
        refs = atomic_load(&st->refs);
        int held = atomic_load(&st->held); /* in this order: see oph__status_release */
        if (held && refs == held + 1) {
            oph__status_abandon(st);
            refs = atomic_load(&st->refs);
        }
    } while (!atomic_compare_exchange_weak(&st->refs, &refs, refs - 1));
    /* In a forked child a thread that is no more may be waiting in it for ever: leave it alone. */
    if (refs == 1 && !oph__context_check(st->ctx, NULL)) destroy(st);
}

static bool is_done(void *arg)
{
    const oph_status *st = arg;
    return st->done;
}

void oph__status_settle(oph_status *st, double deadline)
{
    pthread_mutex_lock(&st->m.lock);
    oph__wait(NULL, &st->m, deadline, is_done, st);
    pthread_mutex_unlock(&st->m.lock);
}

/* How far it is belongs to it: who waited no longer wants to know what for. */
static int out_of_patience(oph_status *st, double waited, oph_error *err)
{
    const struct oph__at at = {.device = st->name, .waited = waited};
    oph_progress p = {.size = sizeof p};
    if (oph_status_progress(st, &p, NULL) || !isfinite(p.current) || !isfinite(p.target))
        return oph__fail(err, OPH_ETIMEOUT, at, "done", "still running");
    return oph__fail(err, OPH_ETIMEOUT, at, "done", "still running, at %g of %g%s%s", p.current,
                     p.target, *p.unit ? " " : "", p.unit);
}

/* A look that may not wait takes no interrupt away from a call that does. */
static int await(oph_status *st, double timeout, oph_error *err)
{
    double started = oph__now();
    int rc = oph__context_may_block(st->ctx, err);
    if (rc) return rc;
    if (timeout <= 0) {
        rc = OPH_ETIMEOUT;
    } else {
        double deadline = oph__deadline(timeout, (double)INFINITY);
        pthread_mutex_lock(&st->m.lock);
        rc = oph__wait(&st->ctx->waits, &st->m, deadline, is_done, st);
        pthread_mutex_unlock(&st->m.lock);
    }
    if (!rc) return 0;
    double waited = oph__now() - started;
    if (rc == OPH_ETIMEOUT) return out_of_patience(st, waited, err);
    return oph__fail(err, rc, (struct oph__at){.device = st->name, .waited = waited}, "done",
                     rc == OPH_EINTR ? "interrupted" : "cancelled");
}

int oph_status_wait(oph_status *st, double timeout, oph_error *err)
{
    int rc = st->done ? 0 : await(st, timeout, err);
    if (rc) return rc;
    rc = st->error.code;
    if (rc && err) *err = st->error;
    return rc;
}

int oph_status_done(oph_status *st)
{
    return st->done;
}

int oph_status_success(oph_status *st)
{
    return st->done && !st->error.code;
}

int oph_status_error(oph_status *st, oph_error *ret)
{
    bool done = st->done;
    if (ret) *ret = done ? st->error : (oph_error)OPH_ERROR_INIT;
    return done ? st->error.code : 0;
}

const oph_error *oph__status_cause(const oph_status *st)
{
    return &st->error;
}

double oph__status_ended(const oph_status *st)
{
    return st->ended;
}

/* Callbacks */

int oph__status_add_callback(oph_status *st, struct oph__callback what, oph_error *err)
{
    struct oph__callback *cb = malloc(sizeof *cb);
    if (!cb) return oph__fail_memory(err, "a status callback");
    *cb = what;
    cb->job.run = run_callback;
    cb->status = st;
    pthread_mutex_lock(&st->m.lock);
    if (cb->follow) oph__status_pass_on(st, cb->outer);
    bool done = st->done;
    if (!done) {
        cb->next = st->callbacks;
        st->callbacks = cb;
    }
    pthread_mutex_unlock(&st->m.lock);
    if (!done) return 0;
    oph_status_ref(st);
    if (cb->outer)
        run_callback(&cb->job);
    else
        oph__loop_post(st->ctx->dispatch, &cb->job);
    return 0;
}

int oph_status_on_done(oph_status *st, oph_status_fn *fn, void *user, oph_error *err)
{
    int rc = oph__context_check(st->ctx, err);
    if (rc) return rc;
    if (!fn)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = st->name}, "a callback",
                         "NULL");
    return oph__status_add_callback(st, (struct oph__callback){.fn = fn, .user = user}, err);
}

oph_context *oph__status_context(const oph_status *st)
{
    return st->ctx;
}

const char *oph__status_name(const oph_status *st)
{
    return st->name;
}

int oph_status_fd(oph_status *st, int *ret, oph_error *err)
{
    int rc = oph__context_check(st->ctx, err);
    if (rc) return rc;
    pthread_mutex_lock(&st->m.lock);
    if (st->fd < 0) {
        st->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (st->done) make_readable(st);
    }
    int fd = st->fd;
    pthread_mutex_unlock(&st->m.lock);
    if (fd < 0)
        return oph__fail(err, OPH_ESYSTEM, (struct oph__at){.device = st->name}, "a descriptor",
                         "%s", strerror(errno));
    *ret = fd;
    return 0;
}

int oph_status_cancel(oph_status *st, oph_error *err)
{
    int rc = oph__context_check(st->ctx, err);
    if (rc) return rc;
    pthread_mutex_lock(&st->m.lock);
    bool mine = !st->done && !st->cancelled;
    if (mine) st->cancelled = true;
    pthread_mutex_unlock(&st->m.lock);
    if (!mine) return 0;
    if (st->cancel) {
        st->cancel(st, st->action);
        return 0;
    }
    oph_error why = OPH_ERROR_INIT;
    oph__fail(&why, OPH_ECANCEL, (struct oph__at){.device = st->name}, "done", "cancelled");
    oph__status_finish(st, &why);
    return 0;
}

const char *oph_status_text(oph_status *st, char *buffer, size_t size)
{
    bool done = st->done, success = done && !st->error.code;
    return oph__format(buffer, size, "%s(device=%s, done=%s, success=%s)", st->kind, st->name,
                       done ? "True" : "False", success ? "True" : "False");
}
