/* core/status: one completion, whoever races; the same answer for everybody; callbacks. */
#include "base/err.h"
#include "core/status.h"
#include "lib/fake_link.h"

#include <epicsUnitTest.h>
#include <semaphore.h>
#include <string.h>

static oph_context *ctx;

static oph_status *new_status(double limit)
{
    oph_status *st = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph__status_new(ctx, "ADTriggerStatus", "det", limit, &st, &err)) testAbort("%s", err.text);
    return st;
}

static void finish(oph_status *st, int code)
{
    oph_error err = OPH_ERROR_INIT;
    if (code) oph__fail_text(&err, code, "ended with %d", code);
    oph__status_finish(st, &err);
}

static void text_is(oph_status *st, const char *wanted)
{
    char text[100];
    testOk(!strcmp(oph_status_text(st, text, sizeof text), wanted), "%s", wanted);
    if (strcmp(text, wanted) != 0) testDiag("found %s", text);
}

static void test_once(void)
{
    oph_error err = OPH_ERROR_INIT;
    char small[16];
    oph_status *st = new_status(INFINITY);
    text_is(st, "ADTriggerStatus(device=det, done=False, success=False)");
    testOk1(!oph_status_done(st) && !oph_status_success(st));
    testOk1(oph_status_error(st, &err) == 0 && err.code == 0);
    testOk1(oph__status_finish(st, NULL));
    finish(st, OPH_EACQUIRE);
    testOk1(oph_status_cancel(st, &err) == 0);
    testOk1(oph_status_done(st) && oph_status_success(st) && oph_status_error(st, NULL) == 0);
    fake_code(oph_status_wait(st, 0, &err), 0, &err, "a wait for what is done");
    text_is(st, "ADTriggerStatus(device=det, done=True, success=True)");
    testOk1(!strcmp(oph_status_text(st, small, sizeof small), "ADTriggerS[cut]"));
    oph_status_unref(st);

    st = new_status(INFINITY);
    finish(st, OPH_EACQUIRE);
    testOk1(!oph__status_finish(st, NULL) && oph_status_done(st) && !oph_status_success(st));
    testOk1(oph_status_error(st, &err) == OPH_EACQUIRE && !strcmp(err.text, "ended with -14"));
    fake_code(oph_status_wait(st, OPH_DEFAULT, &err), OPH_EACQUIRE, &err, "a wait");
    text_is(st, "ADTriggerStatus(device=det, done=True, success=False)");
    oph_status_unref(st);
    oph_status_unref(NULL);
}

static void test_times(void)
{
    oph_error err = OPH_ERROR_INIT;
    double start = oph__now();
    oph_status *st = new_status(0.05);
    fake_code(oph_status_wait(st, 0, &err), OPH_ETIMEOUT, &err, "a wait that has expired");
    testOk(!oph_status_done(st), "the action goes on");
    fake_code(oph_status_wait(st, OPH_FOREVER, &err), OPH_ETIMEOUT, &err,
              "the limit of the action");
    testOk1(oph__now() - start >= 0.05 && oph_status_done(st));
    testOk1(!strcmp(err.text, "det: wanted done, found still running, after 0.05 s"));
    finish(st, 0);
    testOk(!oph_status_success(st), "what comes after the timeout changes nothing");
    oph_status_unref(st);

    st = new_status(30);
    fake_code(oph_status_wait(st, 0.02, &err), OPH_ETIMEOUT, &err, "a wait's own timeout");
    testOk1(!oph_status_done(st) && strstr(err.text, "still running") != NULL);
    finish(st, 0);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_status_wait(st, OPH_DEFAULT, &err), 0, &err, "then it is done");
    oph_status_unref(st);

    /* Its timer holds the status: dropping the last reference before is no leak and no crash. */
    oph_status_unref(new_status(0.01));
    oph_status_unref(new_status(0));
}

/* Callbacks */

struct seen {
    sem_t ran;
    int order[8];
    int count;
    bool elsewhere; /* not on the dispatcher's thread */
    int codes;      /* the sum of what the calls in the callback returned */
};

struct one {
    struct seen *seen;
    int number;
};

static void note_call(oph_status *st, void *user)
{
    struct one *one = user;
    struct seen *seen = one->seen;
    char text[100];
    oph_error err = OPH_ERROR_INIT;
    if (!oph__loop_is_self(ctx->dispatch)) seen->elsewhere = true;
    /* Every function may be called in here. */
    seen->codes += oph_status_wait(st, OPH_FOREVER, &err) + oph_status_error(st, NULL);
    seen->codes += oph_status_cancel(st, &err) + !oph_status_done(st);
    oph_status_text(oph_status_ref(st), text, sizeof text);
    oph_status_unref(st);
    seen->order[seen->count++] = one->number;
    if (one->number == 1) {
        static struct one again;
        again = (struct one){seen, 7};
        oph_status_on_done(st, note_call, &again, &err);
    }
    sem_post(&seen->ran);
}

static void await(struct seen *seen, int times)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    for (int i = 0; i < times; i++)
        if (sem_timedwait(&seen->ran, &until)) testAbort("a callback did not run");
}

static void test_callbacks(void)
{
    struct seen seen = {.count = 0};
    struct one ones[4] = {{&seen, 1}, {&seen, 2}, {&seen, 3}, {&seen, 4}};
    oph_error err = OPH_ERROR_INIT;
    sem_init(&seen.ran, 0, 0);
    oph_status *st = new_status(INFINITY);
    for (int i = 0; i < 3; i++)
        fake_code(oph_status_on_done(st, note_call, &ones[i], &err), 0, &err, "a callback");
    oph__loop_drain(ctx->dispatch);
    testOk(seen.count == 0, "none runs before it is done");
    finish(st, 0);
    await(&seen, 4);
    testOk(seen.count == 4 && seen.order[0] == 1 && seen.order[1] == 2 && seen.order[2] == 3 &&
               seen.order[3] == 7,
           "each runs once, in the order in which they were added");
    oph_status_on_done(st, note_call, &ones[3], &err);
    oph_status_unref(st); /* the callback has its own reference */
    await(&seen, 1);
    testOk(seen.count == 5 && seen.order[4] == 4, "one that was added afterwards runs too");
    testOk(!seen.elsewhere, "all on the dispatcher's thread");
    testOk(seen.codes == 0, "in a callback all functions work");

    st = new_status(INFINITY);
    oph_status_on_done(st, note_call, &ones[1], &err);
    oph_status_unref(st);
    oph__loop_drain(ctx->dispatch);
    testOk(seen.count == 5, "a status that nobody will finish calls nobody");
    sem_destroy(&seen.ran);
}

/* Races */

enum { RACERS = 4, WAITERS = 4, ROUNDS = 500 };

struct race {
    oph_status *st;
    pthread_barrier_t ready;
    atomic_int winners, calls;
    int answers[WAITERS];
};

struct racer {
    struct race *race;
    int number;
};

static void *race_to_finish(void *arg)
{
    struct racer *me = arg;
    oph_error err = OPH_ERROR_INIT;
    if (me->number) oph__fail_text(&err, -me->number, "racer %d", me->number);
    pthread_barrier_wait(&me->race->ready);
    if (me->number == RACERS - 1)
        oph_status_cancel(me->race->st, NULL);
    else if (oph__status_finish(me->race->st, &err))
        atomic_fetch_add(&me->race->winners, 1);
    return NULL;
}

static void *race_to_wait(void *arg)
{
    struct racer *me = arg;
    pthread_barrier_wait(&me->race->ready);
    me->race->answers[me->number] = oph_status_wait(me->race->st, 20, NULL);
    return NULL;
}

static void count_call(oph_status *st, void *user)
{
    (void)st;
    atomic_fetch_add(&((struct race *)user)->calls, 1);
}

static bool race_once(struct race *race)
{
    pthread_t threads[RACERS + WAITERS];
    struct racer racers[RACERS + WAITERS];
    /* In every other round the status's own timer races too. */
    race->st = new_status(atomic_load(&race->calls) % 2 ? 0 : 60);
    atomic_store(&race->winners, 0);
    int calls = atomic_load(&race->calls);
    oph_status_on_done(race->st, count_call, race, NULL);
    for (int i = 0; i < RACERS + WAITERS; i++) {
        racers[i] = (struct racer){race, i < RACERS ? i : i - RACERS};
        pthread_create(&threads[i], NULL, i < RACERS ? race_to_finish : race_to_wait, &racers[i]);
    }
    for (int i = 0; i < RACERS + WAITERS; i++)
        pthread_join(threads[i], NULL);
    oph__loop_drain(ctx->dispatch);
    int code = oph_status_error(race->st, NULL), winners = atomic_load(&race->winners);
    bool other = code == OPH_ECANCEL || code == OPH_ETIMEOUT; /* the canceller, or the timer */
    bool good = winners == !other && atomic_load(&race->calls) == calls + 1;
    for (int i = 0; i < WAITERS; i++)
        good = good && race->answers[i] == code;
    if (!good) testDiag("code %d, %d winners, %d calls", code, winners, race->calls - calls);
    oph_status_unref(race->st);
    return good;
}

static void test_race(void)
{
    struct race race = {.winners = 0};
    int good = 0;
    pthread_barrier_init(&race.ready, NULL, RACERS + WAITERS);
    for (int i = 0; i < ROUNDS; i++)
        good += race_once(&race);
    testOk(good == ROUNDS, "four threads race to end it: one wins, all four waiters see the same");
    pthread_barrier_destroy(&race.ready);
}

/* Cancelling and interrupting */

static void ask_to_end(oph_status *st, void *action)
{
    (void)st;
    ++*(int *)action;
}

static void forget(void *action)
{
    *(int *)action = -1;
}

static void test_cancel(void)
{
    oph_error err = OPH_ERROR_INIT;
    int asked = 0;
    oph_status *st = new_status(INFINITY);
    fake_code(oph_status_cancel(st, &err), 0, &err, "cancel");
    fake_code(oph_status_wait(st, 0, &err), OPH_ECANCEL, &err, "then a wait");
    testOk1(strstr(err.text, "det") && strstr(err.text, "cancelled"));
    oph_status_unref(st);

    err = (oph_error)OPH_ERROR_INIT;
    st = new_status(INFINITY);
    oph__status_own(st, &asked, ask_to_end, forget);
    oph_status_cancel(st, &err);
    oph_status_cancel(st, &err);
    testOk(asked == 1 && !oph_status_done(st),
           "the action is asked once, and ends in its own time");
    finish(st, OPH_ECANCEL);
    fake_code(oph_status_wait(st, 0, &err), OPH_ECANCEL, &err, "when it has ended");
    testOk1(asked == 1);
    oph_status_unref(st);
    testOk(asked == -1, "the last reference frees the action");
}

static void *interrupt_soon(void *arg)
{
    (void)arg;
    oph_interrupt(ctx);
    return NULL;
}

static void test_interrupt(void)
{
    pthread_t thread;
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = new_status(INFINITY);
    pthread_create(&thread, NULL, interrupt_soon, NULL);
    fake_code(oph_status_wait(st, 20, &err), OPH_EINTR, &err, "an interrupted wait");
    pthread_join(thread, NULL);
    testOk(!oph_status_done(st), "the action goes on");
    fake_code(oph_status_wait(st, 0, &err), OPH_ETIMEOUT, &err, "the next wait");
    finish(st, 0);
    oph_status_unref(st);
}

static void on_engine(struct oph__timer *timer)
{
    struct seen *seen = *(struct seen **)(timer + 1);
    oph_status *st = new_status(INFINITY);
    seen->codes = oph_status_wait(st, OPH_FOREVER, NULL);
    oph_status_unref(st);
    sem_post(&seen->ran);
}

static void test_own_thread(void)
{
    struct seen seen = {.codes = 0};
    struct {
        struct oph__timer timer;
        struct seen *seen;
    } call = {{.run = on_engine}, &seen};
    sem_init(&seen.ran, 0, 0);
    oph__timer_start(ctx->engine, &call.timer, 0);
    await(&seen, 1);
    testOk(seen.codes == OPH_EDEADLK, "a wait on the library's own thread is refused");
    oph__timer_stop(ctx->engine, &call.timer);
    sem_destroy(&seen.ran);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    ctx = fake_context(NULL, NULL);
    test_once();
    test_times();
    test_callbacks();
    test_race();
    test_cancel();
    test_interrupt();
    test_own_thread();
    oph_status *last = new_status(INFINITY);
    oph_context_free(ctx); /* the status holds it */
    testOk1(!oph_status_done(last));
    finish(last, 0);
    oph_status_unref(last);
    testOk1(fake_end() == 0);
    return testDone();
}
