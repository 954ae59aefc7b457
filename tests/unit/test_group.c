/* core/group: entries of all kinds in one flush, each with a result of its own; on the engine;
 * given up, cancelled, and overtaken by the end of their device. */
#include "lib/await.h"
#include "lib/things.h"

#include <cophyd/group.h>
#include <epicsUnitTest.h>
#include <string.h>

static oph_group *new_group(void)
{
    oph_group *g = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_group_new(things_context(), &g, &err)) testAbort("%s", err.text);
    return g;
}

static void did(int rc, const oph_error *err)
{
    if (rc) testAbort("%s", err->text);
}

static int is_number(oph_group *g, size_t index, double wanted)
{
    double found = 0;
    const oph_value *value = oph_group_value(g, index);
    return value && oph__value_double(value, &found) && found == wanted;
}

static void add_read(oph_group *g, const char *attr)
{
    oph_error err = OPH_ERROR_INIT;
    did(oph_group_read(g, thing(attr), NULL, &err), &err);
}

static void add_put(oph_group *g, const char *attr, const oph_data *value)
{
    oph_error err = OPH_ERROR_INIT;
    did(oph_group_put(g, thing(attr), value, NULL, &err), &err);
}

static void connect_all(void)
{
    static const char *const attrs[] = {"number", "real", "choice", "text", "path", "locked"};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_group *g = new_group();
    int flushes = fake_flushes();
    for (size_t i = 0; i < sizeof attrs / sizeof attrs[0]; i++)
        did(oph_group_connect(g, thing(attrs[i]), &err), &err);
    fake_code(oph_group_run(g, OPH_DEFAULT, &report, &err), 0, &err, "connect");
    testOk(fake_flushes() == flushes + 1, "six signals of eleven PVs leave in one flush");
    testOk1(oph_report_count(report) == 0 && oph_group_count(g) == 6);
    oph_report_free(report);
    oph_group_free(g);
}

static void test_reads(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_group *g = new_group();
    add_read(g, "number");
    add_read(g, "real");
    add_read(g, "number");
    fake_code(oph_group_result(g, 0, &err), OPH_ESTATE, &err, "the result of what has not run");
    testOk1(!oph_group_value(g, 0));
    int flushes = fake_flushes();
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_group_run(g, OPH_DEFAULT, NULL, &err), 0, &err, "read");
    testOk(fake_flushes() == flushes + 1, "one flush");
    testOk1(is_number(g, 0, 7) && is_number(g, 1, 0.5) && is_number(g, 2, 7));
    fake_set("X:Number_RBV", "8");
    flushes = fake_flushes();
    fake_code(oph_group_run(g, OPH_DEFAULT, NULL, &err), 0, &err, "once more");
    testOk(fake_flushes() == flushes + 1 && is_number(g, 0, 8), "it may be run again");
    fake_set("X:Number_RBV", "7");
    fake_code(oph_group_result(g, 3, &err), OPH_EINVAL, &err, "there is no fourth");
    testOk1(!oph_group_value(g, 3));
    oph_group_free(g);
    oph_group_free(NULL);
    g = new_group();
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_group_run(g, 0, NULL, &err), 0, &err, "an empty one is done at once");
    oph_group_free(g);
}

/* Whatever their number: the puts leave together, and the readbacks are read together. */
static void test_puts(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_group *g = new_group();
    add_put(g, "number", OPH_INT(1));
    add_put(g, "real", OPH_DOUBLE(2.5));
    add_put(g, "choice", OPH_CSTR("Two"));
    add_put(g, "text", OPH_CSTR("there"));
    add_put(g, "path", OPH_CSTR("/b/c"));
    fake_forget_puts();
    int flushes = fake_flushes();
    fake_code(oph_group_run(g, OPH_DEFAULT, NULL, &err), 0, &err, "put");
    testOk(!strcmp(fake_puts(), "X:Number=1 X:Real=2.5 X:Choice=2 X:Text=there X:Path=/b/c"),
           "in order, with completion: %s", fake_puts());
    testOk(fake_flushes() == flushes + 2, "two flushes: %d", fake_flushes() - flushes);
    testOk1(fake_is("X:Choice_RBV", "2") && fake_is("X:Path_RBV", "/b/c/"));
    oph_group_free(g);
}

/* What one entry lacks is its own matter. */
static void test_report(void)
{
    oph_error err = OPH_ERROR_INIT, one = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_group *g = new_group();
    add_read(g, "away");
    add_put(g, "number", OPH_INT(3));
    add_put(g, "choice", OPH_CSTR("Three"));
    add_put(g, "locked", OPH_INT(1));
    add_read(g, "real");
    fake_rule("X:Number", FAKE_IGNORE);
    fake_forget_puts();
    fake_code(oph_group_run(g, OPH_DEFAULT, &report, &err), OPH_EDISCONN, &err, "the first error");
    testOk1(strstr(err.text, "dev.away (X:Away)") != NULL);
    testOk(!strcmp(fake_puts(), "X:Number=3"), "only what may be is sent: %s", fake_puts());
    testOk1(oph_report_count(report) == 4 && is_number(g, 4, 2.5));
    fake_code(oph_group_result(g, 1, &one), OPH_EMISMATCH, &one, "the readback stays");
    testOk(!strcmp(one.wanted, "3") && !strcmp(one.found, "1"), "%s", one.text);
    one = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_group_result(g, 2, &one), OPH_ERANGE, &one, "no such label");
    testOk1(strstr(one.text, "labels Zero, One, Two") != NULL);
    one = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_group_result(g, 3, &one), OPH_EACCESS, &one, "no access");
    one = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_group_result(g, 4, &one), 0, &one, "a read that worked");
    fake_rule("X:Number", FAKE_FOLLOW);
    oph_report_free(report);
    oph_group_free(g);
}

/* The entry for a PV that is not there waits by itself: the others are done before it is late. */
static void test_missing(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *status = NULL;
    oph_group *g = new_group();
    add_put(g, "away", OPH_INT(1));
    add_put(g, "number", OPH_INT(4));
    fake_forget_puts();
    fake_code(oph_group_start(g, OPH_DEFAULT, &status, &err), 0, &err, "start");
    fake_wait_put("X:Number");
    testOk(!oph_status_done(status), "while the other is still searched for");
    fake_code(oph_group_read(g, thing("real"), NULL, &err), OPH_ESTATE, &err, "add to what runs");
    fake_code(oph_group_run(g, 0, NULL, &err), OPH_ESTATE, &err, "run what runs");
    testOk1(!oph_group_value(g, 0));
    fake_up("X:Away");
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_status_wait(status, 20, &err), 0, &err, "it is there");
    testOk(fake_is("X:Away", "1"), "and was put to");
    oph_status_unref(status);
    oph_group_free(g);
    fake_down("X:Away");
}

static void test_overall_timeout(void)
{
    oph_error err = OPH_ERROR_INIT, one = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_group *g = new_group();
    add_put(g, "number", OPH_INT(5));
    add_read(g, "gone");
    int abandoned = fake_abandoned();
    fake_rule("X:Number", FAKE_WITHHOLD);
    fake_code(oph_group_run(g, 0.05, &report, &err), OPH_ETIMEOUT, &err, "all of it is late");
    testOk(strstr(err.text, "no answer from the IOC") != NULL, "%s", err.text);
    fake_code(oph_group_result(g, 1, &one), OPH_EDISCONN, &one, "one was not found");
    testOk1(oph_report_count(report) == 2 && one.waited > 0);
    testOk(fake_abandoned() == abandoned + 1, "the channel of the put is made anew");
    fake_rule("X:Number", FAKE_FOLLOW);
    oph_report_free(report);
    oph_group_free(g);
}

static void test_cancel(void)
{
    oph_error err = OPH_ERROR_INIT, one = OPH_ERROR_INIT;
    oph_status *status = NULL;
    oph_group *g = new_group();
    add_read(g, "number");
    add_put(g, "real", OPH_DOUBLE(1));
    fake_rule("X:Real", FAKE_WITHHOLD);
    fake_code(oph_group_start(g, OPH_DEFAULT, &status, &err), 0, &err, "start");
    fake_wait_put("X:Real");
    oph_status_cancel(status, NULL);
    fake_code(oph_status_wait(status, 20, &err), OPH_ECANCEL, &err, "cancelled");
    fake_code(oph_group_result(g, 1, &one), OPH_ECANCEL, &one, "the put");
    testOk(is_number(g, 0, 5), "what was done before stands");
    oph_status_unref(status);

    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_group_start(g, OPH_DEFAULT, &status, &err), 0, &err, "start again");
    oph_group_free(g);
    testOk(oph_status_done(status), "freeing it ends it");
    fake_code(oph_status_error(status, &err), OPH_ECANCEL, &err, "as cancelled");
    oph_status_unref(status);
    fake_rule("X:Real", FAKE_FOLLOW);
}

struct done {
    int good;
    sem_t told;
};

static void count_done(oph_status *status, void *user)
{
    struct done *done = user;
    done->good += oph_status_success(status);
    sem_post(&done->told);
}

/* A device that goes takes its signals' requests with it, and no others. */
static void test_device_goes(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *other = NULL;
    oph_signal *sig = NULL;
    oph_status *theirs = NULL, *ours = NULL;
    const oph_condition hundred = {.size = sizeof hundred, .equals = OPH_INT(100)};
    did(oph_device_new(things_context(), "Things", "X:", "other", &other, &err), &err);
    did(oph_signal_find(other, "number", &sig, &err), &err);
    did(oph_signal_wait_start(sig, &hundred, OPH_FOREVER, &theirs, &err), &err);
    did(oph_signal_wait_start(thing("number"), &hundred, OPH_FOREVER, &ours, &err), &err);
    oph_device_free(other);
    testOk(oph_status_done(theirs), "its wait is over");
    fake_code(oph_status_error(theirs, &err), OPH_ECANCEL, &err, "as cancelled");
    testOk(!oph_status_done(ours), "the other one goes on");
    struct done done = {0};
    sem_init(&done.told, 0, 0);
    did(oph_status_on_done(ours, count_done, &done, &err), &err);
    fake_set("X:Number_RBV", "100");
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_status_wait(ours, 20, &err), 0, &err, "and comes true");
    await(&done.told, "the word of it");
    oph__loop_drain(things_context()->dispatch);
    testOk1(done.good == 1);
    sem_destroy(&done.told);
    oph_status_unref(theirs);
    oph_status_unref(ours);
}

/* A group sends for one context. */
static void test_strangers(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_context *other = fake_context(NULL, NULL);
    oph_group *g = NULL;
    did(oph_group_new(other, &g, &err), &err);
    fake_code(oph_group_connect(g, thing("number"), &err), OPH_EINVAL, &err, "connect");
    fake_code(oph_group_read(g, thing("number"), NULL, &err), OPH_EINVAL, &err, "read");
    fake_code(oph_group_put(g, thing("number"), OPH_INT(1), NULL, &err), OPH_EINVAL, &err, "put");
    testOk(strstr(err.text, "dev.number: wanted a signal of the group's context") != NULL, "%s",
           err.text);
    testOk1(oph_group_count(g) == 0);
    oph_group_free(g);
    oph_context_free(other);
}

static void test_text(void)
{
    char text[100];
    oph_error err = OPH_ERROR_INIT;
    oph_status *status = NULL;
    did(oph_signal_put_start(thing("number"), OPH_INT(6), NULL, &status, &err), &err);
    fake_code(oph_status_wait(status, 20, &err), 0, &err, "a put that is not waited for");
    testOk(!strcmp(oph_status_text(status, text, sizeof text),
                   "PutStatus(device=dev.number, done=True, success=True)"),
           "%s", text);
    oph_status_unref(status);
}

int main(void)
{
    testPlan(0);
    things_begin();
    connect_all();
    test_reads();
    test_puts();
    test_report();
    test_missing();
    test_overall_timeout();
    test_cancel();
    test_device_goes();
    test_strangers();
    test_text();
    things_end();
    return testDone();
}
