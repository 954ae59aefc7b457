/* core/status_progress: what is reported, who is told, in which order, and until when. */
#include "base/err.h"
#include "core/status_parts.h"
#include "lib/await.h"
#include "lib/fake_link.h"
#include "lib/process.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>

enum { REPORTS = 20000, ROUNDS = 300 };

static oph_context *ctx;

static oph_status *own_status(void)
{
    oph_status *st = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_status_new(ctx, "scan", OPH_FOREVER, &st, &err)) testAbort("%s", err.text);
    return st;
}

/* Numbers */

static bool same(double a, double b)
{
    return isnan(b) ? isnan(a) : a == b;
}

static void test_fractions(void)
{
    static const struct {
        double initial, current, target, fraction;
        int remaining; /* 1: known, -1: not, 0: none */
    } rows[] = {{0, 0, 10, 0, -1},      {0, 5, 10, 0.5, 1},   {0, 10, 10, 1, 0},
                {0, 12, 10, 1, 0},      {0, -1, 10, 0, -1},   {5, 3, 1, 0.5, 1},
                {-1, 0, 1, 0.5, 1},     {3, 3, 3, 1, 0},      {3, 4, 3, NAN, -1},
                {NAN, 3, 4, NAN, -1},   {0, NAN, 4, NAN, -1}, {0, 3, NAN, NAN, -1},
                {0, 3, INFINITY, 0, -1}};
    oph_status *st = own_status();
    oph_progress p = {.size = sizeof p};
    oph_error err = OPH_ERROR_INIT;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        oph_status_report(st, rows[i].initial, rows[i].current, rows[i].target, "mm");
        int rc = oph_status_progress(st, &p, &err);
        bool good =
            rc == 0 && same(p.initial, rows[i].initial) && same(p.fraction, rows[i].fraction);
        good = good && same(p.current, rows[i].current) && same(p.target, rows[i].target);
        good = good && (rows[i].remaining < 0 ? isnan(p.remaining) : p.remaining >= 0);
        if (rows[i].remaining == 0) good = good && p.remaining == 0;
        testOk(good, "%g from %g to %g is %g", rows[i].current, rows[i].initial, rows[i].target,
               rows[i].fraction);
        if (!good) testDiag("found %g, %g s left", p.fraction, p.remaining);
    }
    oph_status_unref(st);
}

static void test_snapshots(void)
{
    oph_status *st = own_status(), *library = NULL;
    oph_progress p = {.size = sizeof p}, later = {.size = sizeof later};
    oph_error err = OPH_ERROR_INIT;
    testOk(oph_status_progress(st, &p, &err) == 0 && isnan(p.initial) && isnan(p.current) &&
               isnan(p.target) && isnan(p.fraction) && isnan(p.remaining) && p.elapsed >= 0 &&
               p.precision < 0 && !strcmp(p.name, "scan") && !p.unit[0],
           "before the first report there are a name and the time");
    testOk(oph_status_report(st, 0, 1, 4, NULL) == 1 && !oph_status_progress(st, &p, &err) &&
               p.fraction == 0.25 && !p.unit[0] && p.size == sizeof p,
           "a report without a unit");
    oph_status_report(st, 0, 3, 4, "a unit that is too long");
    oph_status_progress(st, &p, &err);
    testOk(!strcmp(p.unit, "a unit tha[cut]"), "%s", p.unit);
    p = (oph_progress){.size = offsetof(oph_progress, fraction), .fraction = 77};
    testOk(oph_status_progress(st, &p, &err) == 0 && p.current == 3 && p.fraction == 77 &&
               p.size == offsetof(oph_progress, fraction),
           "a program that was built with a smaller struct");
    p.size = 0;
    fake_code(oph_status_progress(st, &p, &err), OPH_EINVAL, &err, "no size");
    testOk1(strstr(err.text, "scan: wanted the size of an oph_progress, found 0") != NULL);

    oph_status_finish(st, NULL);
    p.size = sizeof p;
    oph_status_progress(st, &p, NULL);
    oph_status_progress(st, &later, NULL);
    testOk(p.fraction == 0.75 && p.remaining == 0 && p.elapsed == later.elapsed,
           "at the end the clock stops, and what was reported stands");
    testOk(oph_status_report(st, 0, 4, 4, "mm") == 0 && !oph_status_progress(st, &p, NULL) &&
               p.current == 3,
           "a report after the end is not taken");
    oph_status_unref(st);

    int action = 0;
    oph__status_new(ctx, "ADTriggerStatus", "det", OPH_FOREVER, &library, NULL);
    oph__status_own(library, &action, NULL, NULL);
    testOk(oph_status_report(library, 0, 1, 2, "frames") == 0 &&
               oph__status_report(library, 0, 1, 2, "frames", 0) &&
               !oph_status_progress(library, &p, NULL) && p.precision == 0 && p.fraction == 0.5,
           "a status of the library is reported by the library");
    testOk(oph_status_wait(library, 0, &err) == OPH_ETIMEOUT &&
               !strcmp(err.found, "still running, at 1 of 2 frames"),
           "a wait that ends first tells how far it was: %s", err.text);
    oph__status_finish(library, NULL);
    oph_status_unref(library);
}

/* Watching */

struct seen {
    sem_t told, may_go, done;
    atomic_int count, late, elsewhere, wrong;
    double last;
    atomic_bool stop; /* wait for may_go */
    oph_watch *watch;
    oph_status *status; /* to be reported to from inside */
};

static void seen_init(struct seen *seen)
{
    memset(seen, 0, sizeof *seen);
    sem_init(&seen->told, 0, 0);
    sem_init(&seen->may_go, 0, 0);
    sem_init(&seen->done, 0, 0);
}

static void on_progress(oph_status *st, const oph_progress *p, void *user)
{
    struct seen *seen = user;
    bool stop = seen->stop;
    (void)st;
    seen->elsewhere += !oph__loop_is_self(ctx->dispatch);
    seen->wrong += p->size != sizeof *p || strcmp(p->name, "scan") != 0 || p->current < seen->last;
    seen->last = p->current;
    seen->count++;
    sem_post(&seen->told);
    if (stop) await(&seen->may_go, "a callback");
}

static void on_end(oph_status *st, void *user)
{
    struct seen *seen = user;
    (void)st;
    seen->late = seen->count;
    sem_post(&seen->done);
}

static void test_order(void)
{
    struct seen seen;
    seen_init(&seen);
    oph_status *st = own_status();
    oph_status_watch(st, on_progress, &seen, NULL, NULL);
    oph_status_on_done(st, on_end, &seen, NULL);
    oph__loop_drain(ctx->dispatch);
    testOk(seen.count == 0, "nothing is told before the first report");
    seen.stop = true;
    oph_status_report(st, 0, 1, 9, "mm");
    await(&seen.told, "a callback");
    seen.stop = false;
    for (int i = 2; i <= 8; i++)
        oph_status_report(st, 0, i, 9, "mm");
    sem_post(&seen.may_go);
    await(&seen.told, "a callback");
    oph__loop_drain(ctx->dispatch);
    testOk(seen.count == 2 && seen.last == 8, "what comes while fn runs is told once, the newest");
    oph_status_report(st, 0, 9, 9, "mm");
    oph_status_finish(st, NULL);
    oph_status_report(st, 0, 10, 9, "mm");
    await(&seen.done, "a callback");
    oph__loop_drain(ctx->dispatch);
    testOk(seen.last == 9 && seen.late == 3 && seen.count == 3,
           "the last report comes before the end, and nothing after it");
    testOk(!seen.elsewhere && !seen.wrong, "on the dispatcher's thread, in order");
    oph_status_watch(st, on_progress, &seen, &seen.watch, NULL);
    oph_status_unref(st); /* the watch holds it */
    oph__loop_drain(ctx->dispatch);
    testOk(seen.count == 4 && seen.last == 9, "who comes after the end is told the last report");
    oph_watch_free(seen.watch);

    st = own_status();
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_status_watch(st, NULL, &seen, NULL, &err), OPH_EINVAL, &err, "no callback");
    oph_status_watch(st, on_progress, &seen, NULL, NULL);
    oph_status_finish(st, NULL);
    oph_status_unref(st);
    oph__loop_drain(ctx->dispatch);
    testOk(seen.count == 4, "a status that reports nothing tells nothing");
    oph_watch_free(NULL);
}

/* Ending a watch */

static void *free_watch(void *arg)
{
    struct seen *seen = arg;
    oph_watch_free(seen->watch);
    sem_post(&seen->done);
    return NULL;
}

static bool is_watched(oph_status *st)
{
    pthread_mutex_lock(&st->m.lock);
    bool watched = st->watches != NULL;
    pthread_mutex_unlock(&st->m.lock);
    return watched;
}

static void free_inside(oph_status *st, const oph_progress *p, void *user)
{
    struct seen *seen = user;
    (void)p;
    oph_status_report(st, 0, 2, 2, NULL); /* to be told, were it not for the next line */
    oph_watch_free(seen->watch);
    seen->count++;
    sem_post(&seen->told);
}

static void free_other(oph_status *st, void *user)
{
    (void)st;
    oph_watch_free(((struct seen *)user)->watch);
    sem_post(&((struct seen *)user)->done);
}

static void test_end(void)
{
    struct seen seen;
    pthread_t thread;
    seen_init(&seen);
    oph_status *st = own_status();
    oph_status_watch(st, on_progress, &seen, &seen.watch, NULL);
    seen.stop = true;
    oph_status_report(st, 0, 1, 2, NULL);
    await(&seen.told, "a callback");
    pthread_create(&thread, NULL, free_watch, &seen);
    while (is_watched(st))
        sched_yield();
    testOk(sem_trywait(&seen.done) != 0, "ending a watch waits for a running fn");
    sem_post(&seen.may_go);
    await(&seen.done, "a callback");
    pthread_join(thread, NULL);
    oph_status_report(st, 0, 2, 2, NULL);
    oph__loop_drain(ctx->dispatch);
    testOk(seen.count == 1, "after it fn does not run any more");

    seen.count = 0;
    oph_status_watch(st, free_inside, &seen, &seen.watch, NULL);
    await(&seen.told, "a callback");
    oph__loop_drain(ctx->dispatch);
    testOk(seen.count == 1, "fn may end its own watch: it knows it at its first call");

    seen_init(&seen);
    oph_status_watch(st, on_progress, &seen, &seen.watch, NULL);
    await(&seen.told, "a callback");
    oph_status_on_done(st, free_other, &seen, NULL);
    oph_status_finish(st, NULL);
    await(&seen.done, "a callback");
    oph_status_unref(st);
    testOk(seen.count == 1, "another callback may end it");
}

/* A reporter, and watchers that come and go. */

static void *report_all(void *arg)
{
    oph_status *st = arg;
    for (int i = 1; i <= REPORTS; i++)
        oph_status_report(st, 0, i, REPORTS, "frames");
    oph_status_finish(st, NULL);
    return NULL;
}

static void test_traffic(void)
{
    struct seen whole, brief;
    pthread_t thread;
    int begun = 0;
    seen_init(&whole);
    oph_status *st = own_status();
    oph_status_watch(st, on_progress, &whole, NULL, NULL);
    oph_status_on_done(st, on_end, &whole, NULL);
    pthread_create(&thread, NULL, report_all, st);
    for (; begun < ROUNDS || !oph_status_done(st); begun++) {
        seen_init(&brief);
        oph_status_watch(st, on_progress, &brief, &brief.watch, NULL);
        if (begun % 2) await(&brief.told, "a callback");
        oph_watch_free(brief.watch);
        memset(&brief, 0x55, sizeof brief); /* whoever still looks at it is in trouble */
    }
    pthread_join(thread, NULL);
    await(&whole.done, "a callback");
    testOk(!whole.wrong && whole.last == REPORTS && whole.late == whole.count,
           "%d reports were told in %d calls, %d watches came and went", REPORTS, whole.count,
           begun);
    oph_status_unref(st);
}

/* Bound statuses */

static void test_bound(void)
{
    struct seen seen;
    oph_progress p = {.size = sizeof p};
    seen_init(&seen);
    oph_status *st = own_status(), *bound = NULL, *twice = NULL;
    oph_status_report(st, 0, 1, 4, "mm");
    oph_status_bound(st, OPH_FOREVER, 0, &bound, NULL);
    oph_status_bound(bound, OPH_FOREVER, 0, &twice, NULL);
    testOk(!oph_status_progress(twice, &p, NULL) && p.fraction == 0.25 && !strcmp(p.unit, "mm") &&
               !strcmp(p.name, "scan"),
           "a bound status has the progress of the other one");
    oph_status_watch(twice, on_progress, &seen, NULL, NULL);
    oph_status_on_done(twice, on_end, &seen, NULL);
    await(&seen.told, "a callback");
    oph_status_report(st, 0, 2, 4, "mm");
    await(&seen.told, "a callback");
    oph_status_report(st, 0, 4, 4, "mm");
    oph_status_finish(st, NULL);
    await(&seen.done, "a callback");
    testOk(seen.last == 4 && seen.late == 3 && !seen.wrong, "and tells it on, the last one too");
    testOk(oph_status_report(bound, 0, 5, 5, NULL) == 0, "it has no other of its own");
    oph_status_unref(bound);
    oph_status_bound(st, OPH_FOREVER, 0, &bound, NULL);
    testOk(!oph_status_progress(bound, &p, NULL) && p.current == 4, "also of one that was done");
    oph_status_unref(bound);
    oph_status_unref(twice);
    oph_status_unref(st);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    int threads = process_threads();
    ctx = fake_context(NULL, NULL);
    test_fractions();
    test_snapshots();
    test_order();
    test_end();
    test_traffic();
    test_bound();
    oph_context_free(ctx);
    testOk(process_calms(threads), "no status and no watch is left");
    testOk1(fake_end() == 0);
    return testDone();
}
