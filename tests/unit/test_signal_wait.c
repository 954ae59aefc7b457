/* core/aim, core/entry_want: waiting for a value, for what passes a test, for one that stays. */
#include "lib/things.h"

#include <cophyd/group.h>
#include <epicsUnitTest.h>
#include <semaphore.h>
#include <string.h>

static int await(const char *attr, const oph_condition *until, double timeout, oph_error *err)
{
    *err = (oph_error)OPH_ERROR_INIT;
    return oph_signal_wait(thing(attr), until, timeout, err);
}

/* For a short time, but long enough for the PV to tell what it holds. */
static int await_in_vain(const char *attr, const oph_condition *until, oph_error *err)
{
    int rc = OPH_ETIMEOUT;
    for (double timeout = 0.05; rc == OPH_ETIMEOUT && timeout < 60; timeout *= 4)
        rc = await(attr, until, timeout, err);
    return rc;
}

/* A wait that is under way: its monitor is there. */
static oph_status *start(const char *attr, const oph_condition *until)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *status = NULL;
    if (oph_signal_wait_start(thing(attr), until, 20, &status, &err)) testAbort("%s", err.text);
    return status;
}

static void ends(oph_status *status, int code, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_status_wait(status, 20, &err), code, &err, what);
    oph_status_unref(status);
}

static void test_equals(void)
{
    oph_error err;
    const oph_condition seven = {.size = sizeof seven, .equals = OPH_INT(7)};
    const oph_condition eight = {.size = sizeof eight, .equals = OPH_INT(8)};
    const oph_condition two = {.size = sizeof two, .equals = OPH_CSTR("Two")};
    const oph_condition half = {.size = sizeof half, .equals = OPH_DOUBLE(0.5004)};
    const oph_condition near = {.size = sizeof near, .equals = OPH_DOUBLE(0.6), .absolute = 0.2};
    fake_code(await("number", &seven, 5, &err), 0, &err, "it is there");
    fake_code(await_in_vain("number", &eight, &err), OPH_EMISMATCH, &err, "it does not come");
    testOk(!strcmp(err.wanted, "8") && !strcmp(err.found, "7") && err.waited > 0, "%s", err.text);
    int rc = await("number", &eight, 0, &err);
    testOk(rc == OPH_ETIMEOUT || rc == OPH_EMISMATCH, "no time at all: %s", err.text);
    fake_code(await("real", &half, 5, &err), 0, &err, "within 10^-PREC");
    fake_code(await("real", &near, 5, &err), 0, &err, "within what was said");
    fake_code(await("gone", &seven, 0.05, &err), OPH_EDISCONN, &err, "a PV that is not there");
    fake_code(await("number", NULL, 5, &err), OPH_EINVAL, &err, "no condition");

    oph_status *status = start("choice", &two);
    testOk1(!oph_status_done(status));
    fake_set("X:Choice_RBV", "2");
    ends(status, 0, "a label, when it comes");
    fake_set("X:Choice_RBV", "1");
}

static void test_setpoint(void)
{
    oph_error err;
    const oph_condition there = {
        .size = sizeof there, .part = OPH_PART_SETPOINT, .equals = OPH_INT(70)};
    fake_set("X:Number", "70");
    fake_code(await("number", &there, 5, &err), 0, &err, "the setpoint");
    fake_set("X:Number", "7");
}

/* A value that passes by is not missed. */
static void test_passing(void)
{
    const oph_condition one = {.size = sizeof one, .equals = OPH_INT(1)};
    const oph_condition zero = {.size = sizeof zero, .equals = OPH_CSTR("Done")};
    oph_error err;
    fake_code(await("go", &zero, 20, &err), 0, &err, "connected");
    oph_status *status = start("go", &one);
    fake_set("X:Go_RBV", "1");
    fake_set("X:Go_RBV", "0");
    ends(status, 0, "a pulse");
}

static int counts(const oph_value *value, void *user)
{
    double d = 0;
    return oph__value_double(value, &d) && d > *(const double *)user;
}

static void test_tests(void)
{
    oph_error err;
    double limit = 100;
    const oph_condition above = {.size = sizeof above, .test = counts, .user = &limit};
    fake_code(await_in_vain("number", &above, &err), OPH_EMISMATCH, &err, "not above");
    testOk(strstr(err.text, "a value that passes the test") != NULL, "%s", err.text);
    oph_status *status = start("number", &above);
    fake_set("X:Number_RBV", "99");
    fake_set("X:Number_RBV", "101");
    ends(status, 0, "above");
    fake_set("X:Number_RBV", "7");
}

static void test_stable(void)
{
    oph_error err;
    const oph_condition stays = {.size = sizeof stays, .stable = 0.05};
    const oph_condition longer = {.size = sizeof longer, .stable = 1000};
    const oph_condition seven = {.size = sizeof seven, .equals = OPH_INT(7), .stable = 1000};
    double before = oph__now();
    fake_code(await("real", &stays, 20, &err), 0, &err, "it stays");
    testOk(oph__now() - before >= 0.05, "it was looked at so long");
    fake_code(await_in_vain("real", &longer, &err), OPH_EMISMATCH, &err, "not long enough");
    testOk(strstr(err.text, "a value that stays for 1000 s, found 0.5, which has stood for") !=
               NULL,
           "%s", err.text);
    fake_code(await_in_vain("number", &seven, &err), OPH_EMISMATCH, &err, "nor this");
    testOk(strstr(err.text, "wanted 7 for 1000 s, found 7, which has stood for") != NULL, "%s",
           err.text);
    fake_set("X:Number_RBV", "6");
    fake_code(await_in_vain("number", &seven, &err), OPH_EMISMATCH, &err, "and not at all");
    testOk(strstr(err.text, "found 6, after") != NULL, "%s", err.text);
    fake_set("X:Number_RBV", "7");
}

/* Each move begins the time anew; a flutter within the tolerance does not. */
static void test_moves(void)
{
    const oph_condition still = {.size = sizeof still, .absolute = 0.1, .stable = 0.2};
    double began = oph__now();
    oph_status *status = start("real", &still);
    double moved = began;
    for (int i = 1; i <= 20; i++) {
        fake_set("X:Real_RBV", i % 2 ? "1.05" : "1.1");
        if (i == 1) moved = oph__now();
    }
    ends(status, 0, "it has come to rest");
    testOk(oph__now() - moved >= 0.2 - 0.01, "after its last move");
    fake_set("X:Real_RBV", "0.5");
}

/* The engine, kept from all else until it is let go. */
struct hold {
    struct oph__job job;
    sem_t held, go;
};

static void hold(struct oph__job *job)
{
    struct hold *h = (struct hold *)job;
    sem_post(&h->held);
    while (sem_wait(&h->go)) {
    }
}

/* News of the last moment, which are on their way to the engine when the time is over. */
static void test_same_moment(void)
{
    const oph_condition half = {.size = sizeof half, .equals = OPH_DOUBLE(0.5), .stable = 0.1};
    struct hold h = {.job.run = hold};
    oph_error err;
    sem_init(&h.held, 0, 0);
    sem_init(&h.go, 0, 0);
    fake_code(await("real", &(const oph_condition){.size = sizeof half}, 20, &err), 0, &err,
              "connected");
    int flushes = fake_flushes();
    oph_status *status = start("real", &half);
    fake_wait_flushes(flushes + 1); /* it is watched */
    oph__loop_drain(things_context()->engine);
    oph__loop_post(things_context()->engine, &h.job);
    while (sem_wait(&h.held)) {
    }
    fake_set("X:Real_RBV", "0.5004"); /* near enough */
    double over = oph__now() + 0.2;
    while (oph__now() < over) {
    }
    sem_post(&h.go);
    ends(status, 0, "it ends once");
    oph__loop_drain(things_context()->engine);
    fake_set("X:Real_RBV", "0.5");
    sem_destroy(&h.held);
    sem_destroy(&h.go);
}

static void test_loss(void)
{
    const oph_condition eight = {.size = sizeof eight, .equals = OPH_INT(8)};
    oph_error err;
    oph_status *status = start("number", &eight);
    fake_down("X:Number_RBV");
    testOk(!oph_status_done(status), "a disconnection is a state");
    fake_set("X:Number_RBV", "8");
    fake_up("X:Number_RBV");
    ends(status, 0, "it goes on when the PV is back");
    fake_down("X:Number_RBV");
    fake_code(await("number", &eight, 0.05, &err), OPH_EDISCONN, &err, "lost for all the time");
    fake_up("X:Number_RBV");
    fake_set("X:Number_RBV", "7");
}

/* What is away does not stand as wanted, whatever it was before. */
static void test_loss_of_what_stands(void)
{
    const oph_condition stays = {.size = sizeof stays, .equals = OPH_INT(7), .stable = 0.2};
    oph_error err;
    fake_code(await("number", &(const oph_condition){.size = sizeof stays}, 20, &err), 0, &err,
              "connected");
    oph_status *status = start("number", &stays);
    fake_down("X:Number_RBV");
    fake_code(oph_status_wait(status, 0.4, &err), OPH_ETIMEOUT, &err, "it is away");
    double back = oph__now();
    fake_up("X:Number_RBV");
    ends(status, 0, "it is back");
    testOk(oph__now() - back >= 0.2 - 0.01, "and has stood for the time since");
    fake_down("X:Number_RBV");
    fake_code(await("number", &stays, 0.3, &err), OPH_EDISCONN, &err, "it stays away");
    fake_up("X:Number_RBV");
}

/* Many in one group: none delays the others, and one flush begins them. */
static void test_group(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_group *g = NULL;
    const oph_condition seven = {.size = sizeof seven, .equals = OPH_INT(7)};
    const oph_condition eight = {.size = sizeof eight, .equals = OPH_INT(8)};
    int rc = OPH_ETIMEOUT;
    for (double timeout = 0.05; rc == OPH_ETIMEOUT && timeout < 60; timeout *= 4) {
        oph_report_free(report);
        oph_group_free(g);
        report = NULL, err = (oph_error)OPH_ERROR_INIT;
        if (oph_group_new(things_context(), &g, &err) ||
            oph_group_wait(g, thing("number"), &seven, OPH_DEFAULT, &err) ||
            oph_group_wait(g, thing("number"), &eight, timeout, &err) ||
            oph_group_wait(g, thing("gone"), &eight, 0.05, &err))
            testAbort("%s", err.text);
        rc = oph_group_run(g, OPH_DEFAULT, &report, &err);
    }
    fake_code(rc, OPH_EMISMATCH, &err, "the first error");
    testOk1(oph_report_count(report) == 2 && oph_group_result(g, 0, NULL) == 0);
    oph_report_free(report);
    oph_group_free(g);
}

int main(void)
{
    testPlan(0);
    things_begin();
    test_equals();
    test_setpoint();
    test_passing();
    test_tests();
    test_stable();
    test_moves();
    test_same_moment();
    test_loss();
    test_loss_of_what_stands();
    test_group();
    things_end();
    return testDone();
}
