/* A thousand contexts, and a thousand devices of one context, are made, connected, used and freed,
 * by several threads at once: nothing is left of them. */
#include "lib/await.h"
#include "lib/mini.h"
#include "lib/process.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 4, WARM_UP = 20, CYCLES = 250, SMALLEST = 32 };

struct worker {
    pthread_t thread;
    oph_context *ctx; /* of the devices; NULL: one for each */
    int cycles, good;
    atomic_int *events;
};

struct seen {
    atomic_int *events;
    sem_t any;
};

static void on_event(const oph_event *event, void *user)
{
    struct seen *seen = user;
    (void)event;
    atomic_fetch_add(seen->events, 1);
    sem_post(&seen->any);
}

static bool use_device(oph_context *ctx, atomic_int *events)
{
    oph_device *dev = mini_device(ctx, "dev");
    oph_subscription *sub = NULL;
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    double value = 0;
    struct seen seen = {.events = events};
    sem_init(&seen.any, 0, 0);
    int rc = oph_signal_find(dev, "ao", &sig, &err);
    if (!rc) rc = oph_subscribe(sig, NULL, on_event, &seen, &sub, &err);
    if (!rc) rc = oph_connect(dev, 20, NULL, &err);
    if (!rc) rc = oph_signal_get_double(sig, &value, &err);
    if (rc)
        testDiag("%s", err.text);
    else
        await(&seen.any, "an event"); /* the end may drop those that come later */
    oph_device_free(dev);
    oph_subscription_free(sub);
    sem_destroy(&seen.any);
    return !rc && value == 2.5;
}

static void *work(void *arg)
{
    struct worker *me = arg;
    for (int i = 0; i < me->cycles; i++) {
        oph_context *ctx = me->ctx ? me->ctx : mini_context(NULL);
        me->good += use_device(ctx, me->events);
        if (!me->ctx) oph_context_free(ctx);
    }
    return NULL;
}

static int run(oph_context *ctx, int cycles, atomic_int *events)
{
    struct worker workers[THREADS];
    int good = 0;
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.ctx = ctx, .cycles = cycles, .events = events};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        good += workers[i].good;
    }
    return good;
}

/* What leaks in each cycle is at least the smallest block that malloc gives; half of that is far
 * from nothing, which it is but for a block or two of a libca that grows its tables. */
static void test(oph_context *ctx, const char *what)
{
    atomic_int events = 0;
    if (run(ctx, WARM_UP, &events) != THREADS * WARM_UP) testAbort("the warm-up failed");
    int threads = process_threads(), descriptors = process_descriptors();
    size_t heap = process_heap();
    int good = run(ctx, CYCLES, &events);
    testOk(good == THREADS * CYCLES, "%d of %d %s worked", good, THREADS * CYCLES, what);
    testOk(atomic_load(&events) >= THREADS * (WARM_UP + CYCLES), "with %d events",
           atomic_load(&events));
    testOk(process_calms(threads), "no thread is left");
    testOk(process_descriptors() <= descriptors, "no descriptor is left: %d, and %d before",
           process_descriptors(), descriptors);
    long more = (long)process_heap() - (long)heap;
    testOk(more < THREADS * CYCLES * SMALLEST / 2, "no memory is left: %ld bytes more", more);
}

/* malloc's own cache of each thread counts as memory that is in use: without it the numbers are
 * exact. It has to be told before the program starts. */
static void run_without_cache(char **argv)
{
    if (getenv("GLIBC_TUNABLES")) return;
    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
    execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
    (void)argc;
    run_without_cache(argv);
    testPlan(0);
    mini_hold_repeater_port();
    struct sim *mini = mini_start();
    test(NULL, "contexts with a device");
    oph_context *ctx = mini_context(NULL);
    test(ctx, "devices of one context");
    oph_context_free(ctx);
    sim_stop(mini);
    return testDone();
}
