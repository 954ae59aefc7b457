/* An IOC that stands still, for a moment or for long, and one that dies. */
#include "lib/check.h"
#include "lib/events.h"
#include "lib/plain.h"

#include "base/clock.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static struct sim *plain;

enum { BIG = 4194304 };

static const char device_text[] = "row ao ao rw any config\n"
                                  "row big big:LONG rw array config\n"
                                  "row ticks ticks ro any config\n"
                                  "row endless endless.A rw any config\n";

/* A read that has no answer within so many seconds. */
static void no_answer(oph_device *dev, double seconds)
{
    const oph_read_options opt = {.size = sizeof opt, .timeout = seconds};
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_signal_read(plain_signal(dev, "ao"), &opt, &value, &err);

    check_refused(rc, &err, OPH_ETIMEOUT, "dev.ao", "p:ao", "a value", "no answer");
}

static oph_status *put(oph_device *dev, const char *attr, double value)
{
    const oph_put_options opt = {.size = sizeof opt, .policy = OPH_PUT_COMPLETE, .timeout = 60};
    oph_status *status = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph_signal_put_start(plain_signal(dev, attr), OPH_DOUBLE(value), &opt, &status, &err))
        testAbort("%s", err.text);
    return status;
}

/* Nobody notices: what was asked for meanwhile is done afterwards. */
static void test_moment(void)
{
    oph_context *ctx = plain_context(0, 0, 0);
    oph_device *dev = plain_device(ctx, device_text);
    struct events said;
    oph_error err = OPH_ERROR_INIT;
    double value = 0;

    plain_connect(ctx, dev);
    events_init(&said);
    oph_subscription *sub = events_follow(&said, dev, "ticks", NULL);
    events_wait(&said, 3, 10);
    sim_pause(plain);
    oph_status *status = put(dev, "ao", 1.25);
    no_answer(dev, 2);
    testOk(!oph_status_done(status), "the put is under way");
    sim_resume(plain);
    check_done(oph_status_wait(status, 10, &err), &err, "and ends well when the IOC goes on");
    check_done(oph_get_double(dev, "ao", &value, &err), &err, "it is read back");
    testOk(value == 1.25, "as it was put");
    events_forget(&said);
    events_wait(&said, 3, 10);
    testOk(!strstr(said.text.text, "connected"), "updates go on, no connection was lost");
    oph_status_unref(status);
    oph_subscription_free(sub);
    events_free(&said);
    oph_device_free(dev);
    oph_context_free(ctx);
}

/* libca gives up: what was asked for is said to be lost, not to be undone, and it is done. */
static void test_long(void)
{
    oph_context *ctx = plain_context(0, 0, 0);
    oph_device *dev = plain_device(ctx, device_text);
    oph_signal *sig = plain_signal(dev, "ao");
    oph_properties p = {.size = sizeof p};
    struct events said;
    oph_error err = OPH_ERROR_INIT;
    double value = 0;

    plain_connect(ctx, dev);
    events_init(&said);
    oph_subscription *sub = events_follow(&said, dev, "ao", NULL);
    events_wait(&said, 2, 10);
    sim_pause(plain);
    oph_status *status = put(dev, "ao", -2.25);
    check_refused(oph_status_wait(status, 50, &err), &err, OPH_EDISCONN, "dev.ao", "p:ao", "-2.25",
                  NULL);
    testOk1(events_have(&said, "disconnected", 10));
    const oph_read_options brief = {.size = sizeof brief, .timeout = 0.2};
    oph_value *none = NULL;
    check_refused(oph_signal_read(sig, &brief, &none, &err), &err, OPH_EDISCONN, "dev.ao", "p:ao",
                  NULL, NULL);
    check_refused(oph_signal_properties(sig, OPH_PART_READBACK, 0.2, &p, &err), &err, OPH_EDISCONN,
                  "dev.ao", "p:ao", NULL, NULL);
    events_forget(&said);
    sim_resume(plain);
    testOk(events_have(&said, "-2.25", 30), "what was said to be lost was done");
    testOk(strncmp(said.text.text, "connected:rw ", 13) == 0, "and it can be read and written");
    check_done(oph_signal_properties(sig, OPH_PART_READBACK, OPH_DEFAULT, &p, &err), &err,
               "as its properties say");
    testOk(p.readable && p.writable, "readable %d, writable %d", p.readable, p.writable);
    check_done(oph_put(dev, "ao", 0.5, &err), &err, "it is written");
    check_done(oph_get_double(dev, "ao", &value, &err), &err, "and read");
    oph_status_unref(status);
    oph_subscription_free(sub);
    events_free(&said);
    oph_device_free(dev);
    oph_context_free(ctx);
}

/* libca would take half a minute to leave an IOC that does not read. */
static void test_leaving(void)
{
    oph_context *ctx = plain_context(0, 0.5, 0);
    oph_device *dev = plain_device(ctx, device_text);

    plain_connect(ctx, dev);
    sim_pause(plain);
    oph_status *status = put(dev, "ao", 1);
    no_answer(dev, 0.5);
    double start = oph__now();
    oph_device_free(dev);
    oph_context_free(ctx);
    testOk(oph__now() - start < 20, "left in %.1f s", oph__now() - start);
    sim_resume(plain);
    testOk(oph_status_done(status) && !oph_status_success(status), "what was under way has ended");
    oph_status_unref(status);
}

/* libca itself waits when it cannot send, at most until it gives up. */
static void test_full(void)
{
    const oph_put_options opt = {.size = sizeof opt, .policy = OPH_PUT_COMPLETE};
    oph_context *ctx = plain_context(30, 0, 60);
    oph_device *dev = plain_device(ctx, device_text);
    const oph_data data = {OPH_INT32, 0, BIG, calloc(BIG, sizeof(int32_t))};
    oph_group *group = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (!data.data) testAbort("no memory");
    plain_connect(ctx, dev);
    check_done(oph_signal_put(plain_signal(dev, "big"), &data, &opt, &err), &err, "16 MiB");
    sim_pause(plain);
    oph_group_new(ctx, &group, &err);
    for (int i = 0; i < 2; i++)
        oph_group_put(group, plain_signal(dev, i ? "ao" : "big"), i ? OPH_INT(1) : &data, &opt,
                      &err);
    check_refused(oph_group_run(group, OPH_DEFAULT, NULL, &err), &err, OPH_EDISCONN, "dev.big",
                  "p:big:LONG", NULL, NULL);
    sim_resume(plain);
    oph_group_free(group);
    check_done(oph_put(dev, "ao", 2, &err), &err, "a put when the IOC goes on");
    free((void *)(uintptr_t)data.data);
    oph_device_free(dev);
    oph_context_free(ctx);
}

/* A connection that breaks ends all that waits for it. */
static void test_death(void)
{
    oph_context *ctx = plain_context(0.5, 30, 0);
    oph_device *dev = plain_device(ctx, device_text);
    const oph_condition never = {.size = sizeof never, .equals = OPH_DOUBLE(77)};
    oph_group *group = NULL;
    oph_status *waits = NULL, *reads = NULL;
    oph_error err = OPH_ERROR_INIT;

    plain_connect(ctx, dev);
    oph_status *status = put(dev, "endless", 1);
    oph_signal_wait_start(plain_signal(dev, "ao"), &never, 60, &waits, &err);
    sim_pause(plain);
    oph_group_new(ctx, &group, &err);
    oph_group_read(group, plain_signal(dev, "ao"), NULL, &err);
    oph_group_start(group, OPH_DEFAULT, &reads, &err);
    sim_kill(plain);
    check_refused(oph_status_wait(status, 10, &err), &err, OPH_EDISCONN, "dev.endless",
                  "p:endless.A", "1", NULL);
    check_refused(oph_status_wait(reads, 10, &err), &err, OPH_EDISCONN, "dev.ao", "p:ao", "a value",
                  NULL);
    int rc = oph_put(dev, "ao", 1, &err);
    check_refused(rc, &err, OPH_EDISCONN, "dev.ao", "p:ao", NULL, NULL);
    oph_status_unref(status);
    oph_status_cancel(waits, NULL);
    oph_status_unref(waits);
    oph_status_unref(reads);
    oph_group_free(group);
    oph_device_free(dev);
    oph_context_free(ctx);
}

int main(void)
{
    testPlan(0);
    quiet_begin();
    plain = plain_start();
    test_moment();
    test_leaving();
    setenv("EPICS_CA_CONN_TMO", "2", 1);
    test_long();
    test_full();
    test_death();
    sim_stop(plain);
    quiet_end();
    return testDone();
}
