#include "lib/check.h"
#include "lib/count.h"
#include "lib/events.h"
#include "lib/plain.h"
#include "lib/probe.h"

#include "base/str.h"

#include <epicsUnitTest.h>
#include <pthread.h>
#include <sched.h>
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
    oph_context *ctx = plain_context(0, 3, 0.3);
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
    atomic_int timeouts;
    int refused, wrong;
};

static void *put_on_and_on(void *arg)
{
    struct putter *p = arg;

    for (int i = 0; !atomic_load(p->stop); i++) {
        int rc = oph_put(p->dev, "endless", i, NULL);
        p->timeouts += rc == OPH_ETIMEOUT;
        p->refused += rc == OPH_EBUSY;
        p->wrong += rc != OPH_ETIMEOUT && rc != OPH_EBUSY;
        if (rc == OPH_EBUSY) sched_yield();
    }
    return NULL;
}

static int timeouts_of(const struct putter *putters, int count)
{
    int timeouts = 0;

    for (int i = 0; i < count; i++)
        timeouts += atomic_load(&putters[i].timeouts);
    return timeouts;
}

/* ... nor from two threads. */
static void test_two_threads(void)
{
    enum { PUTTERS = 2, TIMEOUTS = 10, READS = 1000000 };
    oph_context *ctx = plain_context(0, 3, 0.05);
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
    for (int i = 0; i < READS && !rc && timeouts_of(putters, PUTTERS) < TIMEOUTS; i++)
        rc = oph_get_double(dev, "other", &value, &err);
    check_done(rc, &err, "another PV answers all the while");
    atomic_store(&stop, 1);
    for (int i = 0; i < PUTTERS; i++) {
        pthread_join(threads[i], NULL);
        wrong += putters[i].wrong;
    }
    testOk(timeouts_of(putters, PUTTERS) >= TIMEOUTS, "meanwhile %d puts timed out",
           timeouts_of(putters, PUTTERS));
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

/* Whether each value of one digit came before any of the other; alarms do not count. */
static bool is_before(struct events *said, char first, char second)
{
    const char *at = strchr(said->text.text, ' '), *last = NULL, *next = NULL;

    for (; at; at = strchr(at + 1, ' ')) {
        if (at[1] == first) last = at;
        if (at[1] == second && !next) next = at;
    }
    return last && next && last < next;
}

/* On another channel to the same record a second put with completion freezes nothing: the record
 * takes it when the first has ended. */
static void test_other_channel(void)
{
    static const char rows[] = "row slower slower.A rw any config\nrow other sub ro any config\n";
    oph_context *ctx = plain_context(0, 3, 0);
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
    others_answer(two, "while a put is under way");
    check_done(oph_put(two, "slower", 2, &err), &err, "a second put, on another channel");
    pthread_join(thread, NULL);
    testOk(first.rc == 0, "the first has ended as well");
    events_have(&said, "2", 10);
    testOk(is_before(&said, '1', '2'), "one after the other");
    oph_subscription_free(sub);
    events_free(&said);
    oph_device_free(one);
    oph_device_free(two);
    oph_context_free(ctx);
}

/* The put is refused before anything is sent. */
static void refused_unsent(const char *attr, int rc, oph_error *err, int code, const char *pv,
                           const struct counts *before)
{
    struct counts counts = count_since(before);
    char path[32];

    snprintf(path, sizeof path, "dev.%s", attr);
    check_refused(rc, err, code, path, pv, NULL, NULL);
    testOk(counts.sends == 0, "and nothing is sent");
}

static void test_write_access(void)
{
    oph_context *ctx = plain_context(0, 3, 0);
    oph_device *dev = plain_device(ctx, "row guarded guarded rw any config\n"
                                        "row sel sel rw any config\n"
                                        "row type waveform.FTVL rw any config\n"
                                        "row name ai.NAME rw any config\n"
                                        "row disabled disabled rw any config\n"
                                        "row disp disabled.DISP rw any config\n");
    oph_error err = OPH_ERROR_INIT;
    double value = 0;

    plain_settle(ctx, dev);
    struct counts before = count_now();
    refused_unsent("sel", oph_put(dev, "sel", 1, &err), &err, OPH_EACCESS, "p:sel", &before);
    refused_unsent("type", oph_put(dev, "type", "LONG", &err), &err, OPH_EACCESS, "p:waveform.FTVL",
                   &before);
    refused_unsent("name", oph_put(dev, "name", "x", &err), &err, OPH_EACCESS, "p:ai.NAME",
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
    oph_context *ctx = plain_context(0, 3, 0);
    oph_device *dev = plain_device(ctx, "row guarded guarded rw any config\n"
                                        "row closed closed rw any config\n");
    struct events said;
    oph_error err = OPH_ERROR_INIT;
    double value = 0;

    plain_settle(ctx, dev);
    events_init(&said);
    oph_subscription *sub = events_follow(&said, dev, "guarded", NULL);
    events_have(&said, "1", 10);
    probe_set(probe, "guard", "RO");
    testOk1(events_have(&said, "access:r", 10));
    struct counts before = count_now();
    refused_unsent("guarded", oph_put(dev, "guarded", 2, &err), &err, OPH_EACCESS, "p:guarded",
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

/* Puts to one IOC go out, and are carried out, in the order in which they were asked for; a slow
 * one among them does not delay the rest. */
static void test_order(void)
{
    enum { MANY = 100, PUTS = 50 };
    const oph_put_options plain = {.size = sizeof plain, .policy = OPH_PUT_SEND},
                          completed = {.size = sizeof completed, .policy = OPH_PUT_COMPLETE};
    oph_context *ctx = plain_context(0, 3, 0);
    struct oph__buf text = {0};
    oph_group *puts = NULL, *turns = NULL;
    char attr[16];
    oph_error err = OPH_ERROR_INIT;
    int rc = 0, wrong = 0;

    oph__buf_add(&text, "row slow slow.A rw any config\n");
    for (int i = 0; i < MANY; i++)
        oph__buf_addf(&text, "row many%d many:%d rw any config\nrow turn%d turn:%d ro any config\n",
                      i, i, i, i);
    oph_device *dev = plain_device(ctx, text.text);
    oph__buf_free(&text);
    plain_connect(ctx, dev);
    oph_group_new(ctx, &puts, &err);
    oph_group_new(ctx, &turns, &err);
    for (int i = 0; i < PUTS && !rc; i++) {
        snprintf(attr, sizeof attr, "many%d", i * 37 % MANY);
        rc = oph_group_put(puts, plain_signal(dev, attr), OPH_INT(i), i % 2 ? &plain : &completed,
                           &err);
        snprintf(attr, sizeof attr, "turn%d", i * 37 % MANY);
        if (!rc) rc = oph_group_read(turns, plain_signal(dev, attr), NULL, &err);
        if (!rc && i == PUTS / 4)
            rc = oph_group_put(puts, plain_signal(dev, "slow"), OPH_INT(i), &completed, &err);
    }
    if (!rc) rc = oph_group_run(puts, OPH_DEFAULT, NULL, &err);
    if (!rc) rc = oph_group_run(turns, OPH_DEFAULT, NULL, &err);
    check_done(rc, &err, "puts in permuted order, and the turns in which they came");
    for (int i = 0; i < PUTS; i++) {
        const oph_value *turn = oph_group_value(turns, (size_t)i);
        const oph_value *last = i ? oph_group_value(turns, (size_t)i - 1) : NULL;
        wrong += !turn || (last && *(const double *)oph_value_data(turn) !=
                                       *(const double *)oph_value_data(last) + 1);
    }
    testOk(wrong == 0, "each comes right after the one before");
    oph_group_free(puts);
    oph_group_free(turns);
    oph_device_free(dev);
    oph_context_free(ctx);
}

/* A $ makes a text long, but only behind a dot. */
static void test_dollar(void)
{
    oph_context *ctx = plain_context(0, 0, 0);
    oph_device *dev = plain_device(ctx, "row good stringout.$ ro text config\n"
                                        "row wrong stringout$ ro text config\n");
    const oph_read_options brief = {.size = sizeof brief, .timeout = 0.5};
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    char text[64];

    check_done(oph_get_text(dev, "good", text, sizeof text, &err), &err, "with a dot");
    int rc = oph_signal_read(plain_signal(dev, "wrong"), &brief, &value, &err);
    check_refused(rc, &err, OPH_EDISCONN, "dev.wrong", "p:stringout$", NULL, NULL);
    oph_device_free(dev);
    oph_context_free(ctx);
}

/* The current length is what a get of no particular count returns, not the padded one. */
static void test_length(void)
{
    oph_context *ctx = plain_context(0, 0, 0);
    oph_device *dev = plain_device(ctx, "row text of:UCHAR rw text config\n");
    static const char *const texts[] = {"fifteen of them", "a", "", "four"};
    oph_error err = OPH_ERROR_INIT;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        oph_value *value = NULL;
        int rc = oph_put(dev, "text", texts[i], &err);
        if (!rc) rc = oph_signal_read(plain_signal(dev, "text"), NULL, &value, &err);
        testOk(!rc && oph_value_count(value) == strlen(texts[i]) + 1 &&
                   strcmp(oph_value_data(value), texts[i]) == 0,
               "'%s' and its NUL are read", texts[i]);
        oph_value_free(value);
    }
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
    test_order();
    test_dollar();
    test_length();
    probe_free(probe);
    sim_stop(plain);
    quiet_end();
    return testDone();
}
