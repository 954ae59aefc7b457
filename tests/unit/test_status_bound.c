/* core/status_bound: a time limit and a time to settle around any status. */
#include "base/err.h"
#include "core/status_parts.h"
#include "lib/await.h"
#include "lib/fake_link.h"
#include "lib/process.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>

enum { MANY = 1000, ROUNDS = 2000, LONG = 1000 };

static oph_context *ctx;

static oph_status *own_status(double timeout)
{
    oph_status *st = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_status_new(ctx, "move", timeout, &st, &err)) testAbort("%s", err.text);
    return st;
}

static oph_status *bound(oph_status *st, double timeout, double settle)
{
    oph_status *around = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_status_bound(st, timeout, settle, &around, &err)) testAbort("%s", err.text);
    return around;
}

static void finish(oph_status *st, int code)
{
    oph_error err = OPH_ERROR_INIT;
    if (code) oph__fail_text(&err, code, "ended with %d", code);
    oph_status_finish(st, &err);
}

static void post_it(oph_status *st, void *user)
{
    (void)st;
    sem_post(user);
}

static void both_gone(oph_status *a, oph_status *b)
{
    oph_status_unref(a);
    oph_status_unref(b);
}

static void test_outcome(void)
{
    oph_error err = OPH_ERROR_INIT;
    char text[100];
    oph_status *st = own_status(OPH_FOREVER), *b = bound(st, OPH_DEFAULT, 0);
    testOk(!oph_status_done(b), "it runs as long as the other one");
    oph_status_text(b, text, sizeof text);
    testOk(!strcmp(text, "BoundStatus(device=move, done=False, success=False)"), "%s", text);
    testOk(oph_status_finish(b, NULL) == 0, "and nobody else finishes it");
    finish(st, 0);
    testOk(oph_status_success(b), "without a time to settle it succeeds at once");
    both_gone(st, b);

    st = own_status(OPH_FOREVER);
    b = bound(st, 60, LONG);
    finish(st, OPH_EACQUIRE);
    testOk(oph_status_error(b, &err) == OPH_EACQUIRE && !strcmp(err.text, "ended with -14"),
           "it fails with the other one's error, and does not settle then: %s", err.text);
    both_gone(st, b);

    static const double wrong[] = {-1, NAN, INFINITY};
    st = own_status(OPH_FOREVER);
    for (int i = 0; i < 3; i++)
        fake_code(oph_status_bound(st, 1, wrong[i], &b, &err), OPH_EINVAL, &err, err.text);
    both_gone(st, NULL);
}

static void test_settling(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = own_status(OPH_FOREVER), *b = bound(st, 60, 0.05);
    double start = oph__now();
    finish(st, 0);
    testOk1(oph_status_wait(b, 20, &err) == 0 && oph__now() - start >= 0.05);
    both_gone(st, b);

    st = own_status(OPH_FOREVER);
    b = bound(st, 0.02, 0.1); /* the limit ends while it settles */
    finish(st, 0);
    testOk(oph_status_wait(b, 20, &err) == 0, "the settling does not count for the limit");
    both_gone(st, b);

    st = own_status(OPH_FOREVER);
    finish(st, 0);
    b = bound(st, 0, 0);
    testOk(oph_status_success(b), "around one that is done");
    oph_status_unref(b);
    b = bound(st, 0, LONG);
    testOk(!oph_status_done(b), "it settles after one that has just ended");
    oph_status_unref(b);
    st->ended -= 2 * LONG;
    b = bound(st, 0, LONG);
    testOk(oph_status_wait(b, 20, &err) == 0, "but not after one that ended long ago");
    both_gone(st, b);
}

static void test_limit(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = own_status(OPH_FOREVER), *b = bound(st, 0.05, 0);
    fake_code(oph_status_wait(b, OPH_FOREVER, &err), OPH_ETIMEOUT, &err, "a limit");
    testOk1(!strcmp(err.text, "move: wanted done, found still running, after 0.05 s"));
    testOk(!oph_status_done(st), "the action goes on");
    oph_status_cancel(b, NULL);
    testOk(!oph_status_done(st), "and is not cancelled by what is done");
    finish(st, 0);
    testOk(oph_status_error(b, NULL) == OPH_ETIMEOUT, "its end changes nothing");
    both_gone(st, b);

    st = own_status(OPH_FOREVER);
    b = bound(st, 0, 0);
    fake_code(oph_status_wait(b, 20, &err), OPH_ETIMEOUT, &err, "a limit that has expired");
    both_gone(b, st);

    st = own_status(0.02); /* finished by the engine */
    b = bound(st, 60, 0.02);
    fake_code(oph_status_wait(b, 20, &err), OPH_ETIMEOUT, &err, "the other one's own limit");
    both_gone(b, st);
}

/* Cancelling */

struct race {
    pthread_barrier_t ready;
    oph_status *st, *b;
};

static void *cancel_it(void *arg)
{
    struct race *race = arg;
    pthread_barrier_wait(&race->ready);
    oph_status_cancel(race->b, NULL);
    return NULL;
}

static void test_cancel(void)
{
    struct race race;
    oph_error err = OPH_ERROR_INIT;
    int cancelled = 0, settled = 0;
    race.st = own_status(OPH_FOREVER);
    race.b = bound(race.st, 60, LONG);
    testOk1(oph_status_cancel(race.b, &err) == 0);
    testOk(oph_status_error(race.st, NULL) == OPH_ECANCEL &&
               oph_status_error(race.b, NULL) == OPH_ECANCEL,
           "cancelling it cancels the other one");
    both_gone(race.st, race.b);

    race.st = own_status(OPH_FOREVER);
    race.b = bound(race.st, 60, LONG);
    finish(race.st, 0);
    oph_status_cancel(race.b, NULL);
    testOk(oph_status_error(race.b, &err) == OPH_ECANCEL && oph_status_success(race.st),
           "or ends the settling: %s", err.text);
    both_gone(race.st, race.b);

    /* With a long time to settle success is none, whoever is quicker. */
    pthread_barrier_init(&race.ready, NULL, 2);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t thread;
        race.st = own_status(OPH_FOREVER);
        race.b = bound(race.st, 60, LONG);
        pthread_create(&thread, NULL, cancel_it, &race);
        pthread_barrier_wait(&race.ready);
        finish(race.st, 0);
        pthread_join(thread, NULL);
        cancelled += oph_status_error(race.b, NULL) == OPH_ECANCEL;
        settled += oph_status_success(race.st);
        both_gone(race.st, race.b);
    }
    testOk(cancelled == ROUNDS, "cancelled at the moment of the end: %d of %d, %d while it settled",
           cancelled, ROUNDS, settled);
    pthread_barrier_destroy(&race.ready);
}

/* Lives */

static void test_many(void)
{
    static oph_status *around[MANY];
    oph_status *st = own_status(OPH_FOREVER), *all = NULL;
    int threads = process_threads();
    for (int i = 0; i < MANY; i++)
        around[i] = bound(st, 60, i % 2 ? 0.01 : 0);
    testOk(process_threads() <= threads, "a thousand of them have no thread of their own");
    oph_status_all(around, MANY, &all, NULL);
    finish(st, 0);
    testOk1(oph_status_wait(all, 20, NULL) == 0);
    for (int i = 0; i < MANY; i++)
        oph_status_unref(around[i]);
    both_gone(st, all);
}

/* As one who looks every second whether it is done yet: what was late is not remembered. */
static void test_forgotten(void)
{
    oph_status *st = own_status(OPH_FOREVER);
    size_t before = 0;
    for (int i = 0; i < 2000; i++) {
        oph_status *b = bound(st, 0, LONG);
        oph_status_wait(b, 20, NULL);
        oph_status_unref(b);
        if (i == 1000) before = process_heap();
    }
    testOk(process_heap() < before + 100000, "%zd bytes more after 1,000 that were late",
           process_heap() - before);
    both_gone(st, NULL);
}

static void wait_inside(oph_status *st, void *user)
{
    oph_status *b = bound(st, 60, 0.02);
    *(int *)user = oph_status_wait(b, 20, NULL);
    oph_status_unref(b);
}

/* The library's own timers need no dispatcher. */
static void test_in_callback(void)
{
    int rc = 1;
    oph_status *st = own_status(OPH_FOREVER);
    oph_status_on_done(st, wait_inside, &rc, NULL);
    finish(st, 0);
    oph__loop_drain(ctx->dispatch);
    testOk(rc == 0, "in a callback a bound status can be waited for");
    both_gone(st, NULL);
}

/* The user drops the context, the status and the bound one in each order, with a callback left; it
 * ends by itself, or never. */
static void test_orders(void)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    int threads = process_threads(), called = 0;
    for (int i = 0; i < 24; i++) {
        bool ends = i / 6 % 2, limited = i / 12;
        oph_context *own = fake_context(NULL, NULL);
        oph_status *st = NULL, *b = NULL;
        sem_t done;
        sem_init(&done, 0, 0);
        oph_status_new(own, "move", ends ? 0.02 : OPH_FOREVER, &st, NULL);
        oph_status_bound(st, limited ? 0.03 : OPH_FOREVER, 0.01, &b, NULL);
        oph_status_on_done(b, post_it, &done, NULL);
        for (int n = 0; n < 3; n++) {
            switch (orders[i % 6][n]) {
            case 0: oph_context_free(own); break;
            case 1: oph_status_unref(st); break;
            case 2: oph_status_unref(b); break;
            }
        }
        if (ends || limited) {
            await(&done, "a callback");
            called++;
        } else if (!process_calms(threads)) {
            break;
        }
        sem_destroy(&done);
    }
    testOk(called == 18, "dropped in every order, those that end call back");
    testOk(process_calms(threads), "and nothing is left");
}

int main(void)
{
    testPlan(0);
    fake_begin();
    ctx = fake_context(NULL, NULL);
    test_outcome();
    test_settling();
    test_limit();
    test_cancel();
    test_many();
    test_forgotten();
    test_in_callback();
    test_orders();
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
