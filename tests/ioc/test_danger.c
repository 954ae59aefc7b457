#include "lib/check.h"
#include "lib/count.h"
#include "lib/events.h"
#include "lib/plain.h"
#include "lib/probe.h"

#include "base/clock.h"

#include <epicsUnitTest.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct probe *probe;

/* Another PV of the same IOC, on the same circuit: it answers, well within a get's timeout. */
static void others_answer(oph_device *dev, const char *when)
{
    oph_error err = OPH_ERROR_INIT;
    double value = 0;
    int rc = oph_get_double(dev, "other", &value, &err);

    testOk(rc == 0 && value == 42, "another PV answers %s", when);
    if (rc) testDiag("%s", err.text);
}

/* The server would stop reading this client for a minute if it got a second put with completion on
 * a channel: neither after our own timeout ... */
static void test_again_after_timeout(void)
{
    oph_context *ctx = plain_context(3, 0.3);
    oph_device *dev = plain_device(ctx, "row endless endless.A rw any config\n"
                                        "row other sub ro any config\n");
    oph_error err = OPH_ERROR_INIT;

    for (int i = 1; i <= 3; i++) {
        int rc = oph_put(dev, "endless", i, &err);
        check_refused(rc, &err, OPH_ETIMEOUT, "dev.endless", "p:endless.A", NULL, NULL);
        others_answer(dev, "after a put that did not end");
    }
    oph_device_free(dev);
    oph_context_free(ctx);
}

struct putter {
    oph_device *dev;
    atomic_int *stop;
    int timeouts, refused, wrong;
};

static void *put_on_and_on(void *arg)
{
    struct putter *p = arg;

    for (int i = 0; !atomic_load(p->stop); i++) {
        int rc = oph_put(p->dev, "endless", i, NULL);
        p->timeouts += rc == OPH_ETIMEOUT;
        p->refused += rc == OPH_EBUSY;
        p->wrong += rc != OPH_ETIMEOUT && rc != OPH_EBUSY;
    }
    return NULL;
}

/* ... nor from two threads. */
static void test_two_threads(void)
{
    enum { PUTTERS = 2, READS = 2000 };
    oph_context *ctx = plain_context(3, 0.05);
    oph_device *dev = plain_device(ctx, "row endless endless.A rw any config\n"
                                        "row other sub ro any config\n");
    oph_error err = OPH_ERROR_INIT;
    struct putter putters[PUTTERS];
    pthread_t threads[PUTTERS];
    atomic_int stop = 0;
    double value;
    int rc = 0, wrong = 0;

    plain_connect(ctx, dev);
    for (int i = 0; i < PUTTERS; i++) {
        putters[i] = (struct putter){.dev = dev, .stop = &stop};
        pthread_create(&threads[i], NULL, put_on_and_on, &putters[i]);
    }
    for (int i = 0; i < READS && !rc; i++)
        rc = oph_get_double(dev, "other", &value, &err);
    check_done(rc, &err, "another PV answers all the while");
    atomic_store(&stop, 1);
    for (int i = 0; i < PUTTERS; i++) {
        pthread_join(threads[i], NULL);
        wrong += putters[i].wrong;
        testDiag("%d timeouts, %d refused", putters[i].timeouts, putters[i].refused);
    }
    testOk(wrong == 0, "a put times out, or another one is under way");
    oph_device_free(dev);
    oph_context_free(ctx);
}

struct first {
    oph_device *dev;
    int rc;
};

static void *put_first(void *arg)
{
    struct first *first = arg;

    first->rc = oph_put(first->dev, "slower", 1, NULL);
    return NULL;
}

/* On another channel to the same record a second put with completion freezes nothing: the record
 * takes it when the first has ended. */
static void test_other_channel(void)
{
    static const char rows[] = "row slower slower.A rw any config\nrow other sub ro any config\n";
    oph_context *ctx = plain_context(3, 0);
    oph_device *one = plain_device(ctx, rows), *two = plain_device(ctx, rows);
    struct first first = {.dev = one, .rc = 1};
    struct events said;
    pthread_t thread;
    oph_error err = OPH_ERROR_INIT;

    events_init(&said);
    oph_subscription *sub = events_follow(&said, two, "slower", NULL);
    events_wait(&said, 2, 10);
    pthread_create(&thread, NULL, put_first, &first);
    testOk(events_have(&said, "1", 10), "a put is under way");
    int started = probe_put_start(probe, "ai.PROC", "1");
    others_answer(two, "while a put is under way");
    check_done(oph_put(two, "slower", 2, &err), &err, "a second put, on another channel");
    pthread_join(thread, NULL);
    testOk(first.rc == 0 && started == 0, "the first has ended as well");
    events_are(&said, "connected:rw 0 1 2", "one after the other");
    oph_subscription_free(sub);
    events_free(&said);
    oph_device_free(one);
    oph_device_free(two);
    oph_context_free(ctx);
}

/* The put is refused before anything is sent. */
static void refused_unsent(oph_device *dev, const char *attr, int rc, oph_error *err, int code,
                           const char *pv, const struct counts *before)
{
    struct counts counts = count_since(before);
    char path[32];

    (void)dev;
    snprintf(path, sizeof path, "dev.%s", attr);
    check_refused(rc, err, code, path, pv, NULL, NULL);
    testOk(counts.sends == 0, "and nothing is sent");
}

static void test_write_access(void)
{
    oph_context *ctx = plain_context(3, 0);
    oph_device *dev = plain_device(ctx, "row guarded guarded rw any config\n"
                                        "row sel sel rw any config\n"
                                        "row type waveform.FTVL rw any config\n"
                                        "row name ai.NAME rw any config\n"
                                        "row disabled disabled rw any config\n"
                                        "row disp disabled.DISP rw any config\n");
    oph_error err = OPH_ERROR_INIT;
    double value = 0;

    plain_connect(ctx, dev);
    struct counts before = count_now();
    refused_unsent(dev, "sel", oph_put(dev, "sel", 1, &err), &err, OPH_EACCESS, "p:sel", &before);
    refused_unsent(dev, "type", oph_put(dev, "type", "LONG", &err), &err, OPH_EACCESS,
                   "p:waveform.FTVL", &before);
    refused_unsent(dev, "name", oph_put(dev, "name", "x", &err), &err, OPH_EACCESS, "p:ai.NAME",
                   &before);

    /* What is disabled may be written, as its access rights say; the IOC refuses it. */
    int rc = oph_put(dev, "disabled", 5, &err);
    check_refused(rc, &err, OPH_EPUT, "dev.disabled", "p:disabled", "5", NULL);
    check_done(oph_get_double(dev, "disabled", &value, &err), &err, "it can be read");
    testOk(value == 1, "and is what it was");
    check_done(oph_put(dev, "disp", 0, &err), &err, "enabled");
    check_done(oph_put(dev, "disabled", 5, &err), &err, "it can be written");
    check_done(oph_put(dev, "disp", 1, &err), &err, "disabled again");
    oph_device_free(dev);
    oph_context_free(ctx);
}

static void test_changing_access(void)
{
    oph_context *ctx = plain_context(3, 0);
    oph_device *dev = plain_device(ctx, "row guarded guarded rw any config\n"
                                        "row closed closed rw any config\n");
    struct events said;
    oph_error err = OPH_ERROR_INIT;
    double value = 0;

    events_init(&said);
    oph_subscription *sub = events_follow(&said, dev, "guarded", NULL);
    events_have(&said, "1", 10);
    probe_set(probe, "guard", "RO");
    testOk1(events_have(&said, "access:r", 10));
    struct counts before = count_now();
    refused_unsent(dev, "guarded", oph_put(dev, "guarded", 2, &err), &err, OPH_EACCESS, "p:guarded",
                   &before);
    check_done(oph_get_double(dev, "guarded", &value, &err), &err, "it can be read");
    events_forget(&said);
    probe_set(probe, "guard", "NONE");
    testOk1(events_have(&said, "access:", 10));
    int rc = oph_get_double(dev, "guarded", &value, &err);
    check_refused(rc, &err, OPH_EACCESS, "dev.guarded", "p:guarded", NULL, NULL);
    events_forget(&said);
    probe_set(probe, "guard", "DEFAULT");
    testOk1(events_have(&said, "access:rw", 10));
    check_done(oph_put(dev, "guarded", 3, &err), &err, "it can be written again");
    oph_subscription_free(sub);
    events_free(&said);

    /* One that never could be read says so at once, not after a timeout. */
    rc = oph_get_double(dev, "closed", &value, &err);
    check_refused(rc, &err, OPH_EACCESS, "dev.closed", "p:closed", NULL, NULL);
    oph_device_free(dev);
    oph_context_free(ctx);
}

int main(void)
{
    testPlan(0);
    quiet_begin();
    struct sim *plain = plain_start();
    probe = probe_new("p:");
    test_again_after_timeout();
    test_two_threads();
    test_other_channel();
    test_write_access();
    test_changing_access();
    probe_free(probe);
    sim_stop(plain);
    quiet_end();
    return testDone();
}
