/* Reports and those who watch them. A watch is posted to the dispatcher when something was reported
 * and it is not posted yet; when its turn comes it takes what is newest then. The callbacks of the
 * end are posted later, so they come after it. */
#include "base/err.h"
#include "base/str.h"
#include "core/status_parts.h"
#include <stdlib.h>
#include <string.h>

struct oph_watch {
    struct oph__job job; /* first: the loop gives it back */
    oph_status *status;  /* referred to by a posted watch, and by the user's */
    oph_progress_fn *fn;
    void *user;
    /* Under the status's lock. */
    unsigned refs; /* one as long as it is in the status's list, or is being ended; one if posted */
    bool posted, running, ended;
    oph_watch *next;
};

static double fraction_of(const struct oph__steps *s)
{
    double way = s->target - s->initial;
    if (way == 0) return s->current == s->target ? 1 : (double)NAN;
    double fraction = (s->current - s->initial) / way;
    if (isnan(fraction)) return fraction;
    return fmin(fmax(fraction, 0), 1);
}

/* With the lock held. */
static void describe(const oph_status *st, oph_progress *p)
{
    const struct oph__steps *s = &st->steps;
    bool done = st->done;
    double now = done ? st->ended : oph__now();
    *p = (oph_progress){.size = sizeof *p, .precision = -1, .elapsed = now - s->since};
    oph__copy(p->name, sizeof p->name, st->name);
    p->initial = p->current = p->target = p->fraction = p->remaining = (double)NAN;
    if (st->reported) {
        p->precision = s->precision;
        p->initial = s->initial;
        p->current = s->current;
        p->target = s->target;
        p->fraction = fraction_of(s);
        oph__copy(p->unit, sizeof p->unit, s->unit);
    }
    if (p->fraction > 0) {
        double whole = (s->at - s->since) / p->fraction;
        p->remaining = fmax(whole - p->elapsed, 0);
    }
    if (done) p->remaining = 0;
}

/* Watches. All but the calls with the lock held. */

static void post(oph_watch *w)
{
    if (w->posted || w->ended) return;
    w->posted = true;
    w->refs++;
    oph_status_ref(w->status);
    oph__loop_post(w->status->ctx->dispatch, &w->job);
}

static bool last_ref(oph_watch *w)
{
    return --w->refs == 0;
}

static void run_watch(struct oph__job *job)
{
    oph_watch *w = (oph_watch *)job;
    oph_status *st = w->status;
    oph_progress progress;
    pthread_mutex_lock(&st->m.lock);
    w->posted = false;
    w->running = !w->ended;
    if (w->running) {
        describe(st, &progress);
        pthread_mutex_unlock(&st->m.lock);
        w->fn(st, &progress, w->user);
        pthread_mutex_lock(&st->m.lock);
        w->running = false;
        pthread_cond_broadcast(&st->m.changed);
    }
    bool last = last_ref(w);
    pthread_mutex_unlock(&st->m.lock);
    if (last) free(w);
    oph_status_unref(st); /* the posted watch's */
}

int oph_status_watch(oph_status *st, oph_progress_fn *fn, void *user, oph_watch **ret_watch,
                     oph_error *err)
{
    int rc = oph__context_check(st->ctx, err);
    if (rc) return rc;
    if (!fn)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = st->name}, "a callback",
                         "NULL");
    oph_watch *w = malloc(sizeof *w);
    if (!w) return oph__fail_memory(err, "a watch");
    *w = (oph_watch){.job.run = run_watch, .status = st, .fn = fn, .user = user, .refs = 1};
    if (ret_watch) {
        oph_status_ref(st);
        *ret_watch = w;
    }
    pthread_mutex_lock(&st->m.lock);
    oph_watch **last = &st->watches;
    while (*last)
        last = &(*last)->next;
    *last = w;
    if (st->reported) post(w);
    pthread_mutex_unlock(&st->m.lock);
    return 0;
}

void oph_watch_free(oph_watch *w)
{
    if (!w || oph__context_check(w->status->ctx, NULL)) return;
    oph_status *st = w->status;
    pthread_mutex_lock(&st->m.lock);
    w->ended = true;
    oph_watch **at = &st->watches;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    while (w->running && !oph__loop_is_self(st->ctx->dispatch))
        pthread_cond_wait(&st->m.changed, &st->m.lock);
    bool last = last_ref(w);
    pthread_mutex_unlock(&st->m.lock);
    if (last) free(w);
    oph_status_unref(st); /* the user's watch's */
}

void oph__watches_free(oph_status *st)
{
    while (st->watches) {
        oph_watch *next = st->watches->next;
        free(st->watches);
        st->watches = next;
    }
}

/* Reports */

static void tell(const oph_status *st)
{
    for (oph_watch *w = st->watches; w; w = w->next)
        post(w);
    for (const struct oph__callback *cb = st->callbacks; cb; cb = cb->next)
        if (cb->follow) oph__status_pass_on(st, cb->outer);
}

void oph__status_pass_on(const oph_status *st, oph_status *outer)
{
    pthread_mutex_lock(&outer->m.lock);
    if (!outer->done) {
        outer->steps = st->steps;
        outer->reported = st->reported;
        if (outer->reported) tell(outer);
    }
    pthread_mutex_unlock(&outer->m.lock);
}

bool oph__status_report(oph_status *st, double initial, double current, double target,
                        const char *unit, int32_t precision)
{
    struct oph__steps steps = {.at = oph__now(),
                               .initial = initial,
                               .current = current,
                               .target = target,
                               .precision = precision};
    oph__copy(steps.unit, sizeof steps.unit, unit ? unit : "");
    pthread_mutex_lock(&st->m.lock);
    bool runs = !st->done;
    if (runs) {
        steps.since = st->steps.since;
        st->steps = steps;
        st->reported = true;
        tell(st);
    }
    pthread_mutex_unlock(&st->m.lock);
    return runs;
}

int oph_status_report(oph_status *st, double initial, double current, double target,
                      const char *unit)
{
    return !st->action && !oph__context_check(st->ctx, NULL) &&
           oph__status_report(st, initial, current, target, unit, -1);
}

int oph_status_progress(oph_status *st, oph_progress *ret, oph_error *err)
{
    int rc = oph__context_check(st->ctx, err);
    if (rc) return rc;
    uint32_t size = ret->size;
    if (size < sizeof size)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = st->name},
                         "the size of an oph_progress", "%u", (unsigned)size);
    oph_progress progress;
    pthread_mutex_lock(&st->m.lock);
    describe(st, &progress);
    pthread_mutex_unlock(&st->m.lock);
    memcpy(ret, &progress, size < sizeof progress ? size : sizeof progress);
    ret->size = size;
    return 0;
}
