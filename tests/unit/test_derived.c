/* core/derived: what is computed from PVs and from signals in memory, and put back through them. */
#include "lib/check.h"
#include "lib/derive.h"
#include "lib/events.h"
#include "lib/things.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>

static oph_context *ctx;
static struct events said;

static oph_signal *derive_one(const char *name, const char *attr, oph_forward_fn *forward,
                              oph_inverse_fn *inverse)
{
    oph_signal *from = thing(attr);
    return derive(ctx, name, &from, 1, forward, inverse);
}

static oph_subscription *follow(oph_signal *sig, const oph_subscribe_options *opt)
{
    oph_subscription *sub = NULL;
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_subscribe(sig, opt, events_on, &said, &sub, &err), &err);
    return sub;
}

static void is_said(const char *text, const char *what)
{
    oph__loop_drain(ctx->dispatch);
    events_are(&said, text, what);
    events_forget(&said);
}

/* From PVs */

static void test_get(void)
{
    oph_signal *two[] = {thing("number"), thing("real")};
    oph_signal *sum = derive(ctx, "sum", two, 2, derive_sum, NULL);
    derive_is(sum, 7.5);
    testOk1(!strcmp(oph_signal_path(sum), "sum") && !strcmp(oph_signal_pv(sum), "sum"));
    fake_set("X:Number_RBV", "8");
    fake_set("X:Real", "100");
    int flushes = fake_flushes();
    derive_is(sum, 8.5);
    testOk(fake_flushes() == flushes + 1, "both are read in one flush");

    oph_properties p = {.size = sizeof p};
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_signal_properties(sum, OPH_PART_READBACK, OPH_DEFAULT, &p, &err), &err);
    testOk1(p.dtype == OPH_FLOAT64 && p.count == 1 && p.precision == 6 && p.readable &&
            !p.writable && !strcmp(p.units, "Hz"));
    check_refused(oph_signal_put_double(sum, 1, &err), &err, OPH_EACCESS, "sum", "sum", "1",
                  "read-only");
    oph_signal_free(sum);
    fake_set("X:Number_RBV", "7");
    fake_set("X:Real", "0.5");
}

static void test_one_flush_for_all(void)
{
    oph_signal *two[] = {thing("number"), thing("real")};
    oph_signal *sum = derive(ctx, "sum", two, 2, derive_sum, NULL),
               *more[] = {sum, thing("number")};
    oph_signal *twice = derive(ctx, "twice", more, 2, derive_sum, NULL);
    oph_group *g = NULL;
    oph_error err = OPH_ERROR_INIT;
    derive_is(twice, 14.5);
    derive_did(oph_group_new(ctx, &g, &err), &err);
    oph_group_read(g, sum, NULL, NULL);
    oph_group_read(g, twice, NULL, NULL);
    oph_group_read(g, thing("real"), NULL, NULL);
    derive_did(oph_group_run(g, OPH_DEFAULT, NULL, &err), &err);
    int flushes = fake_flushes();
    derive_did(oph_group_run(g, OPH_DEFAULT, NULL, &err), &err);
    testOk(fake_flushes() == flushes + 1, "a group with signals derived from others: one flush");
    double value = 0;
    testOk1(!oph_value_get_double(oph_group_value(g, 1), &value, NULL) && value == 14.5);
    oph_group_free(g);
    oph_signal_free(twice);
    oph_signal_free(sum);
}

static void test_put(void)
{
    oph_signal *rate = derive_one("rate", "real", derive_rate, derive_period);
    oph_error err = OPH_ERROR_INIT;
    oph_value *value = NULL;
    double setpoint = 0;
    derive_is(rate, 2);
    fake_forget_puts();
    check_done(oph_signal_put_double(rate, 10, &err), &err, "put");
    testOk(!strcmp(fake_puts(), "X:Real=0.1"), "puts: %s", fake_puts());
    derive_is(rate, 10);
    fake_set("X:Real", "0.25");
    const oph_read_options part = {.size = sizeof part, .part = OPH_PART_SETPOINT};
    check_done(oph_signal_read(rate, &part, &value, &err), &err, "the setpoint's part");
    testOk1(value && !oph_value_get_double(value, &setpoint, NULL) && setpoint == 4);
    derive_is(rate, 10);
    oph_value_free(value);

    fake_rule("X:Real", FAKE_IGNORE);
    int rc = oph_signal_put_double(rate, 100, &err);
    fake_rule("X:Real", FAKE_FOLLOW);
    check_refused(rc, &err, OPH_EMISMATCH, "rate", "rate", "100", "10");
    check_done(oph_signal_put_double(rate, 2, &err), &err, "put back");
    oph_signal_free(rate);
}

static int32_t spare_number(void *user, const oph_put_notice *put)
{
    char *told = user;
    snprintf(told + strlen(told), 64, " %s=%s", put->pv, put->value);
    return strcmp(put->pv, "X:Number") == 0;
}

/* Who is asked about each put is asked about those of a derived one's sources, before the first. */
static void test_asked(void)
{
    oph_signal *two[] = {thing("real"), thing("number")};
    oph_signal *sum = derive(ctx, "sum", two, 2, derive_sum, derive_shares);
    oph_error err = OPH_ERROR_INIT;
    char told[512] = "";
    fake_forget_puts();
    oph_context_on_put(ctx, spare_number, told);
    check_refused(oph_signal_put_double(sum, 10, &err), &err, OPH_EACCESS, "sum", "sum", "10",
                  "X:Number");
    oph_context_on_put(ctx, NULL, NULL);
    testOk(!strcmp(told, " sum=10 X:Real=1 X:Number=9"), "told:%s", told);
    fake_puts_are("", "nothing is put");
    oph_signal_free(sum);
}

static void test_refusals_before(void)
{
    oph_signal *two[] = {thing("real"), thing("number")};
    oph_signal *sum = derive(ctx, "sum", two, 2, derive_sum, derive_shares);
    oph_signal *locked[] = {thing("real"), thing("locked")};
    oph_signal *half = derive(ctx, "half", locked, 2, derive_sum, derive_shares);
    oph_signal *fixed[] = {thing("real"), thing("constant")};
    oph_signal *third = derive(ctx, "third", fixed, 2, derive_sum, derive_shares);
    oph_signal *rate = derive_one("rate", "real", derive_rate, derive_period);
    oph_error err = OPH_ERROR_INIT;
    derive_is(sum, 7.5);
    derive_is(half, 8.5);
    derive_is(third, 3.5);
    derive_is(rate, 2);
    fake_forget_puts();
    check_refused(oph_signal_put_double(sum, 11, &err), &err, OPH_ETYPE, "sum", "sum", "11",
                  "dev.number (X:Number): wanted 9.9, found a PV that holds whole numbers");
    check_refused(oph_signal_put_double(sum, 1e12, &err), &err, OPH_ERANGE, "sum", "sum",
                  "1000000000000",
                  "dev.number (X:Number): wanted 900000000000, found a PV that holds -2147483648");
    check_refused(oph_signal_put_double(half, 10, &err), &err, OPH_EACCESS, "half", "half", "10",
                  "dev.locked (X:Locked): wanted 9, found no write access");
    check_refused(
        oph_signal_put_double(third, 10, &err), &err, OPH_EACCESS, "third", "third", "10",
        "dev.constant (X:Constant): wanted to write, found an attribute that is read-only");
    check_refused(oph_signal_put_double(rate, 0, &err), &err, OPH_ERANGE, "rate", "rate", "0",
                  "its inverse function failed: a rate of 0 has no period");
    testOk(!*fake_puts(), "nothing was sent");
    check_done(oph_signal_put_double(sum, 10, &err), &err, "both in order");
    testOk(!strcmp(fake_puts(), "X:Real=1 X:Number=9"), "puts: %s", fake_puts());
    derive_is(sum, 10);
    oph_signal_put_int(thing("number"), 7, NULL);
    oph_signal_put_double(thing("real"), 0.5, NULL);
    oph_signal_free(sum);
    oph_signal_free(half);
    oph_signal_free(third);
    oph_signal_free(rate);
}

static void test_failures_after(void)
{
    oph_signal *two[] = {thing("real"), thing("number")};
    oph_signal *sum = derive(ctx, "sum", two, 2, derive_sum, derive_shares);
    oph_error err = OPH_ERROR_INIT;
    derive_is(sum, 7.5);
    fake_rule("X:Real", FAKE_REFUSE);
    check_refused(oph_signal_put_double(sum, 10, &err), &err, OPH_EPUT, "sum", "sum", "10",
                  "dev.real (X:Real): the fake IOC refused it");
    testOk(fake_is("X:Number", "9"), "the other was done");
    fake_rule("X:Real", FAKE_WITHHOLD);
    int abandoned = fake_abandoned();
    check_refused(oph_signal_put_double(sum, 20, &err), &err, OPH_ETIMEOUT, "sum", "sum", "20",
                  "no answer");
    testOk(fake_abandoned() == abandoned + 1, "only the put that has no answer is given up");
    fake_rule("X:Real", FAKE_FOLLOW);
    check_done(oph_signal_put_double(sum, 30, &err), &err, "and the next may come");
    derive_is(sum, 30);

    oph_status *first = NULL;
    fake_rule("X:Real", FAKE_WITHHOLD);
    const oph_put_options patient = {
        .size = sizeof patient, .policy = OPH_PUT_COMPLETE, .timeout = 20};
    fake_forget_puts();
    derive_did(oph_signal_put_start(sum, OPH_DOUBLE(40), &patient, &first, &err), &err);
    fake_wait_put("X:Real");
    check_refused(oph_signal_put(sum, OPH_DOUBLE(50), &patient, &err), &err, OPH_EBUSY, "sum",
                  "sum", "50", "another one under way");
    testOk1(!oph_status_done(first) && fake_is("X:Number", "36"));
    fake_release("X:Real");
    check_done(oph_status_wait(first, 20, &err), &err, "complete when all are");
    oph_status_unref(first);
    fake_rule("X:Real", FAKE_FOLLOW);
    oph_signal_put_int(thing("number"), 7, NULL);
    oph_signal_put_double(thing("real"), 0.5, NULL);
    oph_signal_free(sum);
}

static void test_disconnection(void)
{
    oph_signal *two[] = {thing("number"), thing("away")};
    oph_signal *sum = derive(ctx, "sum", two, 2, derive_sum, NULL),
               *more[] = {sum, thing("number")};
    oph_signal *twice = derive(ctx, "twice", more, 2, derive_sum, NULL);
    const oph_read_options soon = {.size = sizeof soon, .timeout = 0.05};
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    check_refused(oph_signal_read(sum, &soon, &value, &err), &err, OPH_EDISCONN, "sum", "sum",
                  "a connection", "dev.away (X:Away): the PV is not connected");
    check_refused(oph_signal_read(twice, &soon, &value, &err), &err, OPH_EDISCONN, "twice", "twice",
                  "a connection", "dev.away (X:Away): the PV is not connected");
    oph_subscription *sub = follow(twice, NULL);
    is_said("", "not there yet");
    fake_set("X:Away", "1");
    fake_up("X:Away");
    is_said("connected:r 15", "once all have a value");
    derive_is(sum, 8);
    fake_down("X:Away");
    fake_set("X:Number_RBV", "9");
    is_said("disconnected", "one of them is gone");
    check_refused(oph_signal_read(sum, &soon, &value, &err), &err, OPH_EDISCONN, "sum", "sum",
                  "a connection", "dev.away (X:Away)");
    fake_set("X:Away", "2");
    fake_up("X:Away");
    is_said("connected:r 20", "with its new value, and no other");
    fake_down(NULL);
    is_said("disconnected", "all gone");
    fake_up(NULL);
    oph__loop_drain(ctx->dispatch);
    events_have(&said, "20", 10);
    events_forget(&said);
    oph_subscription_free(sub);
    oph_signal_free(twice);
    oph_signal_free(sum);
    fake_set("X:Number_RBV", "7");
    testOk1(!value);
}

static void test_updates(void)
{
    oph_signal *two[] = {thing("number"), thing("real")};
    oph_signal *sum = derive(ctx, "sum", two, 2, derive_sum, derive_shares);
    oph_subscription *sub = follow(sum, NULL);
    events_have(&said, "7.5", 10);
    is_said("connected:rw 7.5", "once, when both are known");
    fake_set("X:Number_RBV", "8");
    fake_set("X:Real_RBV", "1.5");
    fake_set("X:Real", "3");
    is_said("8.5 9.5", "at each update of a readback");
    oph_subscription_free(sub);

    const oph_subscribe_options setpoints = {.size = sizeof setpoints, .part = OPH_PART_SETPOINT};
    sub = follow(sum, &setpoints);
    events_have(&said, "10", 10);
    fake_set("X:Number", "9");
    is_said("connected:rw 10 12", "of the setpoints");
    oph_subscription_free(sub);

    const oph_subscribe_options property = {.size = sizeof property, .mask = OPH_ON_PROPERTY};
    sub = follow(sum, &property);
    events_have(&said, "metadata", 10);
    fake_set("X:Number_RBV", "7");
    is_said("connected:rw metadata", "properties once");
    fake_down("X:Real_RBV");
    fake_up("X:Real_RBV");
    is_said("disconnected connected:rw metadata", "and again with each connection");
    oph_subscription_free(sub);
    fake_set("X:Real_RBV", "0.5");
    fake_set("X:Real", "0.5");
    fake_set("X:Number", "7");
    oph_signal_free(sum);
}

static void failed_event(const oph_event *event, void *user)
{
    oph_error *err = user;
    if (oph_event_error(event)) *err = *oph_event_error(event);
}

static void test_failing(void)
{
    oph_signal *rate = derive_one("rate", "real", derive_rate, derive_period);
    oph_subscription *sub = follow(rate, NULL), *why = NULL;
    oph_error err = OPH_ERROR_INIT, told = OPH_ERROR_INIT;
    double value = 5;
    events_have(&said, "2", 10);
    derive_did(oph_subscribe(rate, NULL, failed_event, &told, &why, &err), &err);
    fake_set("X:Real_RBV", "0");
    fake_set("X:Real_RBV", "0.25");
    is_said("connected:rw 2 failed 4", "a failure is told, and the next value comes");
    check_refused(told.code, &told, OPH_ERANGE, "rate", "rate", "an update",
                  "its forward function failed: a period of 0 has no rate");
    fake_set("X:Real_RBV", "0");
    check_refused(oph_signal_get_double(rate, &value, &err), &err, OPH_ERANGE, "rate", "rate",
                  "a value", "its forward function failed: a period of 0 has no rate");
    testOk(!strcmp(err.text, "rate: wanted a value, found its forward function failed: a period of "
                             "0 has no rate"),
           "%s", err.text);
    testOk1(value == 5);
    oph_subscription_free(sub);
    oph_subscription_free(why);
    fake_set("X:Real_RBV", "0.5");
    events_forget(&said);
    oph_signal_free(rate);
}

/* Of signals in memory: no network, in the thread that puts. */

static int lower(const oph_value *wanted, oph_output *to, void *user)
{
    (void)user;
    return oph_output_set(to, 1, OPH_FLOAT64, 1, oph_value_data(wanted));
}

static int second(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    (void)count, (void)user;
    return oph_output_set(to, 0, OPH_FLOAT64, 1, oph_value_data(from[1]));
}

static void test_limits(void)
{
    const oph_properties limits = {
        .size = sizeof limits, .writable = 1, .control_low = 0, .control_high = 10};
    oph_signal *from = NULL;
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_soft_new(ctx, "period", OPH_DOUBLE(1), &limits, &from, &err), &err);
    oph_signal *rate = derive(ctx, "rate", &from, 1, derive_rate, derive_period);
    check_refused(oph_signal_put_double(rate, 0.05, &err), &err, OPH_ERANGE, "rate", "rate", "0.05",
                  "period: wanted 20, found limits 0 to 10");
    derive_is(rate, 1);
    oph_signal_free(rate);
    oph_signal_free(from);
}

static void test_in_memory(void)
{
    oph_context *net = ctx;
    ctx = fake_context(NULL, NULL);
    int opened = fake_opened();
    oph_signal *two[] = {derive_soft(ctx, "a", OPH_DOUBLE(1)),
                         derive_soft(ctx, "b", OPH_DOUBLE(2))};
    oph_signal *sum = derive(ctx, "sum", two, 2, derive_sum, derive_shares);
    oph_signal *b = derive(ctx, "also_b", two, 2, second, lower);
    oph_error err = OPH_ERROR_INIT;
    derive_is(sum, 3);
    oph_subscription *sub = follow(sum, NULL);
    oph_signal_put_double(two[0], 4, NULL);
    check_done(oph_signal_put_double(b, 5, &err), &err, "a put to one source alone");
    check_done(oph_signal_put_double(sum, 100, &err), &err, "and to both");
    is_said("connected:rw 3 6 9 15 100", "each change is an update");
    derive_is(two[0], 10);
    oph_soft_set(two[1], OPH_DOUBLE(1), 1, 5, NULL);
    oph_soft_set(two[0], OPH_DOUBLE(1), 2, 7, NULL);
    is_said("11!1 2!2", "the worst alarm");
    oph_value *value = NULL, *newest = NULL;
    int64_t s[2] = {0}, dummy[1];
    int32_t ns[2] = {0};
    testOk1(oph_signal_read(sum, NULL, &value, NULL) == 0 && oph_value_alarm(value) == 7);
    testOk1(oph_signal_read(two[0], NULL, &newest, NULL) == 0);
    oph_value_time(value, &s[0], &ns[0]);
    oph_value_time(newest, &s[1], &ns[1]);
    testOk(s[0] == s[1] && ns[0] == ns[1] && s[0], "the newest time");
    testOk1(oph_value_shape(value, dummy, 1) == 0);
    oph_value_free(value);
    oph_value_free(newest);
    testOk(fake_opened() == opened, "no link was opened");
    oph_subscription_free(sub);
    oph_signal_free(sum);
    oph_signal_free(b);
    oph_signal_free(two[0]);
    oph_signal_free(two[1]);
    oph_context_free(ctx);
    ctx = net;
}

int main(void)
{
    testPlan(0);
    things_begin();
    ctx = things_context();
    events_init(&said);
    test_get();
    test_one_flush_for_all();
    test_put();
    test_asked();
    test_refusals_before();
    test_failures_after();
    test_disconnection();
    test_updates();
    test_failing();
    test_limits();
    test_in_memory();
    events_free(&said);
    things_end();
    return testDone();
}
