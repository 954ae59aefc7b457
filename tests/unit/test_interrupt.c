/* oph_interrupt from a signal handler: storms of it, several calls at once, waits of every kind. */
#include "core/context.h"
#include "lib/await.h"
#include "lib/fake_link.h"
#include "lib/process.h"

#include <cophyd/cophyd.h>
#include <dirent.h>
#include <epicsUnitTest.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { LONG = 60, ROUNDS = 3000, STORM_US = 300 };

static const char classes[] = "class Dev\n"
                              "row a A rw int config\n"
                              "row b B rbv int config\n"
                              "row gone GONE rw int config\n";

static oph_context *ctx;
static oph_device *dev;
static oph_status *own;
static oph_queue *queue;
static atomic_int handled;

static void on_signal(int number)
{
    (void)number;
    atomic_fetch_add(&handled, 1);
    oph_interrupt(ctx);
}

static void make(void)
{
    const oph_context_options slow = {.size = sizeof slow,
                                      .connect_timeout = LONG,
                                      .get_timeout = LONG,
                                      .put_timeout = LONG,
                                      .grace = LONG,
                                      .stop_timeout = LONG};
    oph_error err = OPH_ERROR_INIT;
    fake_pv("X:A", OPH_INT32, 1, "", "1");
    fake_pv("X:B", OPH_INT32, 1, "", "2");
    fake_pv("X:B_RBV", OPH_INT32, 1, "", "2");
    ctx = fake_context_with(&slow, classes, NULL);
    if (oph_device_new(ctx, "Dev", "X:", "dev", &dev, &err) ||
        oph_status_new(ctx, "own", OPH_FOREVER, &own, &err) || oph_queue_new(ctx, &queue, &err))
        testAbort("%s", err.text);
}

/* An interrupt that found no call to end is left for the next one: until there is none. */
static void drain(void)
{
    while (oph_status_wait(own, 0.02, NULL) == OPH_EINTR) {
    }
}

/* Calls that would last a minute */

static int call_status(oph_error *err)
{
    return oph_status_wait(own, LONG, err);
}

static int call_queue(oph_error *err)
{
    oph_event *event = NULL;
    return oph_queue_next(queue, LONG, &event, err);
}

static int call_connect(oph_error *err)
{
    int64_t value;
    return oph_get_int(dev, "gone", &value, err);
}

static int call_completion(oph_error *err)
{
    fake_rule("X:A", FAKE_WITHHOLD);
    int rc = oph_put_int(dev, "a", 5, err);
    fake_rule("X:A", FAKE_FOLLOW);
    return rc;
}

static int call_readback(oph_error *err)
{
    fake_rule("X:B", FAKE_IGNORE);
    int rc = oph_put_int(dev, "b", 5, err);
    fake_rule("X:B", FAKE_FOLLOW);
    return rc;
}

static const struct row {
    const char *name;
    int (*call)(oph_error *err);
} rows[] = {
    {"a status", call_status},
    {"an event", call_queue},
    {"a connection", call_connect},
    {"a put's completion", call_completion},
    {"a readback that does not follow", call_readback},
};
enum { ROWS = sizeof rows / sizeof rows[0], SINGLE = ROWS - 1 }; /* the last one waits thrice */

static void test_rows(void)
{
    const struct itimerval soon = {.it_value.tv_usec = 20000};
    for (int i = 0; i < 2 * ROWS; i++) {
        oph_error err = OPH_ERROR_INIT;
        if (i % 2)
            raise(SIGALRM);
        else
            setitimer(ITIMER_REAL, &soon, NULL);
        fake_code(rows[i / 2].call(&err), OPH_EINTR, &err, rows[i / 2].name);
        testOk(oph_status_wait(own, 0.01, NULL) == OPH_ETIMEOUT, "and no other call after it");
    }
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_put(dev, "a", 6, &err), 0, &err, "the PV of an interrupted put can be put to");
    fake_code(oph_put(dev, "b", 6, &err), 0, &err, "and the other one");
}

/* Calls that do not wait, and work that is not to be broken off, leave it to the next. */
static void test_left(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_event *event = NULL;
    raise(SIGALRM);
    oph__loop_drain(ctx->engine);
    fake_code(oph_status_wait(own, 0, &err), OPH_ETIMEOUT, &err, "a look at a status");
    fake_code(oph_queue_next(queue, 0, &event, &err), OPH_ETIMEOUT, &err, "a look for an event");
    fake_code(oph_unstage(dev, NULL, &err), 0, (err = (oph_error)OPH_ERROR_INIT, &err), "unstage");
    fake_code(oph_status_wait(own, LONG, &err), OPH_EINTR, &err, "the next call that waits");
}

/* Several calls at once */

struct caller {
    pthread_t thread;
    const struct row *row;
    int rc;
};

static void *call(void *arg)
{
    struct caller *me = arg;
    me->rc = me->row->call(NULL);
    return NULL;
}

/* A wait begins with a pointer to the next. */
static int blocked(void)
{
    int count = 0;
    pthread_mutex_lock(&ctx->waits.lock);
    for (void *at = ctx->waits.first; at; at = *(void **)at)
        count++;
    pthread_mutex_unlock(&ctx->waits.lock);
    return count;
}

static void test_several(void)
{
    struct caller callers[SINGLE];
    int ended = 0;
    for (int i = 0; i < SINGLE; i++) {
        callers[i] = (struct caller){.row = &rows[i]};
        pthread_create(&callers[i].thread, NULL, call, &callers[i]);
    }
    while (blocked() < SINGLE)
        sched_yield();
    raise(SIGALRM);
    for (int i = 0; i < SINGLE; i++) {
        pthread_join(callers[i].thread, NULL);
        ended += callers[i].rc == OPH_EINTR;
    }
    testOk(ended == SINGLE, "one interrupt ends %d of %d calls of as many threads", ended, SINGLE);
    testOk(oph_status_wait(own, 0.01, NULL) == OPH_ETIMEOUT, "and no other call after it");
}

/* Who is asked */

struct asked {
    int count, end_at; /* the question that is answered by an end */
    int64_t value;
};

/* May call the library: that is part of the call which asks. */
static int32_t on_wait(void *user)
{
    struct asked *asked = user;
    if (oph_get_int(dev, "b", &asked->value, NULL)) return -1;
    return ++asked->count == asked->end_at;
}

/* Waits itself, and is asked about that. */
static int32_t wait_inside(void *user)
{
    struct asked *asked = user;
    if (asked->count++ == 0) asked->value = oph_status_wait(own, LONG, NULL);
    return asked->count == asked->end_at;
}

static int32_t finish(void *user)
{
    return oph_status_finish(user, NULL) && oph_get_int(dev, "a", &(int64_t){0}, NULL);
}

static void test_asked(void)
{
    struct asked asked = {.end_at = 1};
    struct caller other = {.row = &rows[0]};
    oph_status *st = NULL;
    oph_error err = OPH_ERROR_INIT;
    pthread_create(&other.thread, NULL, call, &other);
    while (blocked() < 1)
        sched_yield();
    int64_t value = -1;
    oph_get_int(dev, "b", &value, NULL);
    oph_context_on_wait(ctx, on_wait, &asked);
    for (int i = 0; i < ROWS; i++) {
        asked = (struct asked){.end_at = 1};
        err = (oph_error)OPH_ERROR_INIT;
        fake_code(rows[i].call(&err), OPH_EINTR, &err, rows[i].name);
        testOk(asked.count == 1 && asked.value == value, "asked %d times", asked.count);
    }
    asked = (struct asked){.end_at = 3};
    testOk(oph_status_wait(own, LONG, NULL) == OPH_EINTR && asked.count == 3, "asked again");
    asked = (struct asked){.end_at = 2};
    oph_context_on_wait(ctx, wait_inside, &asked);
    testOk(oph_status_wait(own, LONG, NULL) == OPH_EINTR && asked.count == 2 &&
               asked.value == OPH_EINTR,
           "a wait in the answer ends, too");
    testOk1(blocked() == 1);
    if (oph_status_new(ctx, "asked", OPH_FOREVER, &st, &err)) testAbort("%s", err.text);
    oph_context_on_wait(ctx, finish, st);
    testOk(oph_status_wait(st, LONG, NULL) == 0, "what became true while it asked is told");
    oph_status_unref(st);
    oph_context_on_wait(ctx, NULL, NULL);
    testOk(oph_status_wait(own, 0.3, NULL) == OPH_ETIMEOUT, "nobody is asked");
    oph_interrupt(ctx);
    pthread_join(other.thread, NULL);
    testOk(other.rc == OPH_EINTR, "another thread's call was not ended by that");
}

/* A storm: signals that come all the time, calls that would all work. */

static void *finish_all(void *arg)
{
    _Atomic(oph_status *) *next = arg;
    for (oph_status *st; (st = atomic_load(next)) != own;) {
        if (st && oph_status_finish(st, NULL)) atomic_store(next, NULL);
        sched_yield();
    }
    return NULL;
}

/* Its status is finished by another thread; who is interrupted waits again. */
static int wait_for_other(_Atomic(oph_status *) *next, int *interrupts)
{
    oph_status *st = NULL;
    int rc = oph_status_new(ctx, "short", OPH_FOREVER, &st, NULL);
    if (rc) return rc;
    atomic_store(next, st);
    while ((rc = oph_status_wait(st, LONG, NULL)) == OPH_EINTR)
        ++*interrupts;
    while (atomic_load(next))
        sched_yield();
    oph_status_unref(st);
    return rc;
}

static void test_storm(void)
{
    const struct itimerval storm = {{0, STORM_US}, {0, STORM_US}}, calm = {.it_value.tv_usec = 0};
    _Atomic(oph_status *) next = NULL;
    pthread_t finisher;
    int interrupts = 0, worked = 0, wrong = 0;
    pthread_create(&finisher, NULL, finish_all, &next);
    atomic_store(&handled, 0);
    setitimer(ITIMER_REAL, &storm, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        int64_t value = 0;
        int rc = i % 3 == 0   ? oph_get_int(dev, "a", &value, NULL)
                 : i % 3 == 1 ? oph_put_int(dev, "b", i, NULL)
                              : wait_for_other(&next, &interrupts);
        interrupts += rc == OPH_EINTR;
        worked += rc == 0;
        wrong += rc != 0 && rc != OPH_EINTR;
    }
    setitimer(ITIMER_REAL, &calm, NULL);
    atomic_store(&next, own);
    pthread_join(finisher, NULL);
    testOk(!wrong && interrupts && worked && interrupts <= atomic_load(&handled),
           "%d calls worked and %d were interrupted, by %d signals", worked, interrupts,
           atomic_load(&handled));
    drain();
    int64_t value = 0;
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_put(dev, "b", 77, &err), 0, &err, "after the storm a put works");
    testOk(oph_get_int(dev, "b", &value, &err) == 0 && value == 77, "and a get: %" PRId64, value);
}

/* A program's handlers run on the program's threads. */
static void test_masks(void)
{
    DIR *dir = opendir("/proc/self/task");
    const struct dirent *entry;
    int ours = 0, blocking = 0;
    while (dir && (entry = readdir(dir))) {
        char path[300], line[200];
        bool is_ours = false;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", entry->d_name);
        FILE *in = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        while (in && fgets(line, sizeof line, in)) {
            if (strncmp(line, "Name:\toph-", 10) == 0) is_ours = true;
            if (!is_ours || strncmp(line, "SigBlk:\t", 8) != 0) continue;
            uint64_t mask = strtoull(line + 8, NULL, 16);
            ours++;
            blocking += (mask >> (SIGINT - 1) & 1) && (mask >> (SIGALRM - 1) & 1);
        }
        if (in) fclose(in);
    }
    if (dir) closedir(dir);
    testOk(ours == 2 && blocking == ours, "%d threads of the library, %d block signals", ours,
           blocking);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    make();
    signal(SIGALRM, on_signal);
    test_rows();
    test_left();
    test_several();
    test_asked();
    test_storm();
    test_masks();
    signal(SIGALRM, SIG_IGN);
    oph_queue_free(queue);
    oph_status_unref(own);
    oph_device_free(dev);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
