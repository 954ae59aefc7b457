/* core/derived: what is computed from PVs and from signals in memory, and put back through them. */
#include "lib/check.h"
#include "lib/events.h"
#include "lib/things.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>

static oph_context *ctx;
static struct events said;

static void did(int rc, const oph_error *err)
{
    if (rc) testAbort("%s", err->text);
}

/* 1/x and back, as a frame rate is of a period. */

static int to_rate(const oph_value *const *from, size_t count, oph_result *to, void *user)
{
    double period;
    (void)count, (void)user;
    int rc = oph_value_get_double(from[0], &period, NULL);
    if (rc) return rc;
    if (period == 0) return oph_result_fail(to, OPH_ERANGE, "a period of 0 has no rate");
    double rate = 1 / period;
    return oph_result_set(to, 0, OPH_FLOAT64, 1, &rate);
}

static int to_period(const oph_value *wanted, oph_result *to, void *user)
{
    double rate;
    (void)user;
    int rc = oph_value_get_double(wanted, &rate, NULL);
    if (rc) return rc;
    if (rate == 0) return oph_result_fail(to, OPH_ERANGE, "a rate of 0 has no period");
    double period = 1 / rate;
    return oph_result_set(to, 0, OPH_FLOAT64, 1, &period);
}

/* The sum of all; put, it is shared out: the first gets a tenth, the second the rest. */

static int to_sum(const oph_value *const *from, size_t count, oph_result *to, void *user)
{
    double sum = 0;
    (void)user;
    for (size_t i = 0; i < count; i++) {
        double one;
        int rc = oph_value_get_double(from[i], &one, NULL);
        if (rc) return rc;
        sum += one;
    }
    return oph_result_set(to, 0, OPH_FLOAT64, 1, &sum);
}

static int share_out(const oph_value *wanted, oph_result *to, void *user)
{
    double sum;
    (void)user;
    int rc = oph_value_get_double(wanted, &sum, NULL);
    double tenth = sum / 10, rest = sum - tenth;
    if (!rc) rc = oph_result_set(to, 0, OPH_FLOAT64, 1, &tenth);
    return rc ? rc : oph_result_set(to, 1, OPH_FLOAT64, 1, &rest);
}

static oph_signal *derive(const char *name, oph_signal *const *from, size_t count,
                          oph_forward_fn *forward, oph_inverse_fn *inverse)
{
    const oph_properties precise = {.size = sizeof precise, .precision = 6, .units = "Hz"};
    const oph_derived what = {.size = sizeof what,
                              .dtype = OPH_FLOAT64,
                              .name = name,
                              .properties = &precise,
                              .from = from,
                              .count = count,
                              .forward = forward,
                              .inverse = inverse};
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    did(oph_derived_new(ctx, &what, &sig, &err), &err);
    return sig;
}

static oph_signal *derive_one(const char *name, const char *attr, oph_forward_fn *forward,
                              oph_inverse_fn *inverse)
{
    oph_signal *from = thing(attr);
    return derive(name, &from, 1, forward, inverse);
}

static oph_signal *soft(const char *name, const oph_data *initial)
{
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    did(oph_soft_new(ctx, name, initial, NULL, &sig, &err), &err);
    return sig;
}

static int is_value(oph_signal *sig, double wanted)
{
    double found = (double)NAN;
    oph_error err = OPH_ERROR_INIT;
    int good = oph_signal_get_double(sig, &found, &err) == 0 && fabs(found - wanted) < 1e-9;
    testOk(good, "%s is %g", oph_signal_path(sig), wanted);
    if (!good) testDiag("found %g %s", found, err.text);
    return good;
}

static oph_subscription *follow(oph_signal *sig, const oph_subscribe_options *opt)
{
    oph_subscription *sub = NULL;
    oph_error err = OPH_ERROR_INIT;
    did(oph_subscribe(sig, opt, events_on, &said, &sub, &err), &err);
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
    oph_signal *sum = derive("sum", two, 2, to_sum, NULL);
    is_value(sum, 7.5);
    testOk1(!strcmp(oph_signal_path(sum), "sum") && !strcmp(oph_signal_pv(sum), "sum"));
    fake_set("X:Number_RBV", "8");
    fake_set("X:Real", "100");
    int flushes = fake_flushes();
    is_value(sum, 8.5);
    testOk(fake_flushes() == flushes + 1, "both are read in one flush");

    oph_properties p = {.size = sizeof p};
    oph_error err = OPH_ERROR_INIT;
    did(oph_signal_properties(sum, OPH_PART_READBACK, OPH_DEFAULT, &p, &err), &err);
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
    oph_signal *sum = derive("sum", two, 2, to_sum, NULL), *more[] = {sum, thing("number")};
    oph_signal *twice = derive("twice", more, 2, to_sum, NULL);
    oph_group *g = NULL;
    oph_error err = OPH_ERROR_INIT;
    is_value(twice, 14.5);
    did(oph_group_new(ctx, &g, &err), &err);
    oph_group_read(g, sum, NULL, NULL);
    oph_group_read(g, twice, NULL, NULL);
    oph_group_read(g, thing("real"), NULL, NULL);
    did(oph_group_run(g, OPH_DEFAULT, NULL, &err), &err);
    int flushes = fake_flushes();
    did(oph_group_run(g, OPH_DEFAULT, NULL, &err), &err);
    testOk(fake_flushes() == flushes + 1, "a group with signals derived from others: one flush");
    double value = 0;
    testOk1(!oph_value_get_double(oph_group_value(g, 1), &value, NULL) && value == 14.5);
    oph_group_free(g);
    oph_signal_free(twice);
    oph_signal_free(sum);
}

static void test_put(void)
{
    oph_signal *rate = derive_one("rate", "real", to_rate, to_period);
    oph_error err = OPH_ERROR_INIT;
    oph_value *value = NULL;
    double setpoint = 0;
    is_value(rate, 2);
    fake_forget_puts();
    check_done(oph_signal_put_double(rate, 10, &err), &err, "put");
    testOk(!strcmp(fake_puts(), "X:Real=0.1"), "puts: %s", fake_puts());
    is_value(rate, 10);
    fake_set("X:Real", "0.25");
    const oph_read_options part = {.size = sizeof part, .part = OPH_PART_SETPOINT};
    check_done(oph_signal_read(rate, &part, &value, &err), &err, "the setpoint's part");
    testOk1(value && !oph_value_get_double(value, &setpoint, NULL) && setpoint == 4);
    is_value(rate, 10);
    oph_value_free(value);

    fake_rule("X:Real", FAKE_IGNORE);
    int rc = oph_signal_put_double(rate, 100, &err);
    fake_rule("X:Real", FAKE_FOLLOW);
    check_refused(rc, &err, OPH_EMISMATCH, "rate", "rate", "100", "10");
    check_done(oph_signal_put_double(rate, 2, &err), &err, "put back");
    oph_signal_free(rate);
}

static void test_refusals_before(void)
{
    oph_signal *two[] = {thing("real"), thing("number")};
    oph_signal *sum = derive("sum", two, 2, to_sum, share_out);
    oph_signal *locked[] = {thing("real"), thing("locked")};
    oph_signal *half = derive("half", locked, 2, to_sum, share_out);
    oph_signal *fixed[] = {thing("real"), thing("constant")};
    oph_signal *third = derive("third", fixed, 2, to_sum, share_out);
    oph_signal *rate = derive_one("rate", "real", to_rate, to_period);
    oph_error err = OPH_ERROR_INIT;
    is_value(sum, 7.5);
    is_value(half, 8.5);
    is_value(third, 3.5);
    is_value(rate, 2);
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
    is_value(sum, 10);
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
    oph_signal *sum = derive("sum", two, 2, to_sum, share_out);
    oph_error err = OPH_ERROR_INIT;
    is_value(sum, 7.5);
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
    is_value(sum, 30);

    oph_status *first = NULL;
    fake_rule("X:Real", FAKE_WITHHOLD);
    const oph_put_options patient = {
        .size = sizeof patient, .policy = OPH_PUT_COMPLETE, .timeout = 20};
    fake_forget_puts();
    did(oph_signal_put_start(sum, OPH_DOUBLE(40), &patient, &first, &err), &err);
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
    oph_signal *sum = derive("sum", two, 2, to_sum, NULL), *more[] = {sum, thing("number")};
    oph_signal *twice = derive("twice", more, 2, to_sum, NULL);
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
    is_value(sum, 8);
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
    oph_signal *sum = derive("sum", two, 2, to_sum, share_out);
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
    oph_signal *rate = derive_one("rate", "real", to_rate, to_period);
    oph_subscription *sub = follow(rate, NULL), *why = NULL;
    oph_error err = OPH_ERROR_INIT, told = OPH_ERROR_INIT;
    double value = 5;
    events_have(&said, "2", 10);
    did(oph_subscribe(rate, NULL, failed_event, &told, &why, &err), &err);
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

/* What a function may do wrong. */

static int wrong(const oph_value *const *from, size_t count, oph_result *to, void *user)
{
    static const int32_t numbers[] = {1, 2, 3};
    static const int64_t square[] = {2, 2}, deep[11] = {1};
    const double half = 0.5;
    (void)from, (void)count;
    switch (*(const int *)user) {
    case 0: return 0;
    case 1: return oph_result_set(to, 1, OPH_INT32, 1, numbers);
    case 2: return oph_result_set(to, 0, 77, 1, numbers);
    case 3: return oph_result_set(to, 0, OPH_INT32, 1, NULL);
    case 4: return oph_result_set(to, 0, OPH_INT32, 3, numbers);
    case 5: return oph_result_set(to, 0, OPH_FLOAT64, 1, &half);
    case 6: oph_result_set(to, 0, OPH_INT32, 3, numbers); return oph_result_shape(to, 0, 2, square);
    case 7: oph_result_set(to, 0, OPH_INT32, 1, numbers); return oph_result_shape(to, 0, 11, deep);
    case 8: return oph_result_shape(to, 0, 1, square);
    case 9: return 12345;
    case 10: return OPH_EFILE;
    default:
        oph_result_set(to, 0, OPH_INT32, 3, numbers);
        return oph_result_set(to, 0, OPH_INT8, 1, "x");
    }
}

static void test_wrong_functions(void)
{
    static const struct {
        int code;
        const char *found;
    } rows[] = {{OPH_EINVAL, "its forward function set nothing"},
                {OPH_EINVAL, "it set a result too many"},
                {OPH_EINVAL, "found 77"},
                {OPH_EINVAL, "wanted elements, found NULL"},
                {OPH_ERANGE, "3 elements does not fit: a PV that holds 1 to 1"},
                {OPH_ETYPE, "0.5 does not fit: a PV that holds whole numbers"},
                {OPH_EINVAL, "a shape that is not its result's"},
                {OPH_EINVAL, "more than 10 axes"},
                {OPH_EINVAL, "a shape to what it has not set"},
                {OPH_EINVAL, "its forward function failed: it returned 12345"},
                {OPH_EFILE, "its forward function failed: OPH_EFILE"}};
    int which;
    oph_signal *from = thing("number"), *sig = NULL;
    const oph_derived what = {.size = sizeof what,
                              .dtype = OPH_INT32,
                              .name = "x",
                              .from = &from,
                              .count = 1,
                              .forward = wrong,
                              .user = &which};
    oph_error err = OPH_ERROR_INIT;
    int64_t value = 5;
    did(oph_derived_new(ctx, &what, &sig, &err), &err);
    for (which = 0; which < (int)(sizeof rows / sizeof rows[0]); which++)
        check_refused(oph_signal_get_int(sig, &value, &err), &err, rows[which].code, "x", "x",
                      "a value", rows[which].found);
    testOk1(value == 5);
    testOk(oph_signal_get_int(sig, &value, &err) == 0 && value == 'x', "the last result counts");
    oph_signal_free(sig);
}

/* Of signals in memory: no network, in the thread that puts. */

static int to_text(const oph_value *const *from, size_t count, oph_result *to, void *user)
{
    char text[80];
    const char *at = text;
    int64_t n;
    (void)count, (void)user;
    int rc = oph_value_get_int(from[0], &n, NULL);
    oph__format(text, sizeof text, "this is number %lld of a great many numbers", (long long)n);
    return rc ? rc : oph_result_set(to, 0, OPH_STRING, 1, &at);
}

static int halves(const oph_value *const *from, size_t count, oph_result *to, void *user)
{
    int64_t n;
    (void)count, (void)user;
    int rc = oph_value_get_int(from[0], &n, NULL);
    const int64_t grid[6] = {n, n + 1, n + 2, n + 3, n + 4, n + 5}, axes[] = {2, 3};
    if (!rc) rc = oph_result_set(to, 0, OPH_INT64, 6, grid);
    return rc ? rc : oph_result_shape(to, 0, 2, axes);
}

static void test_types(void)
{
    const oph_properties labels = {
        .size = sizeof labels, .label_count = 2, .labels = {"Even", "Odd"}};
    const oph_properties room = {.size = sizeof room, .count = 10};
    oph_signal *number = soft("number", OPH_INT(5)), *text = NULL, *grid = NULL, *bad = NULL;
    oph_derived what = {.size = sizeof what,
                        .dtype = OPH_STRING,
                        .name = "text",
                        .from = &number,
                        .count = 1,
                        .forward = to_text};
    oph_error err = OPH_ERROR_INIT;
    char buffer[100] = "";
    did(oph_derived_new(ctx, &what, &text, &err), &err);
    check_done(oph_signal_get_text(text, buffer, sizeof buffer, &err), &err, "a long text");
    testOk1(!strcmp(buffer, "this is number 5 of a great many numbers"));
    oph_signal_free(text);

    what.name = "grid";
    what.dtype = OPH_INT32;
    what.properties = &room;
    what.forward = halves;
    did(oph_derived_new(ctx, &what, &grid, &err), &err);
    oph_value *value = NULL;
    int64_t shape[3] = {0};
    check_done(oph_signal_read(grid, NULL, &value, &err), &err, "an array with axes");
    testOk1(value && oph_value_dtype(value) == OPH_INT32 && oph_value_count(value) == 6 &&
            ((const int32_t *)oph_value_data(value))[5] == 10);
    testOk1(value && oph_value_shape(value, shape, 3) == 2 && shape[0] == 2 && shape[1] == 3);
    testOk1(value && oph_value_shape(value, shape, 0) == 2);
    oph_value_free(value);
    value = NULL;
    const oph_read_options four = {.size = sizeof four, .count = 4};
    check_done(oph_signal_read(grid, &four, &value, &err), &err, "four of its elements");
    testOk1(value && oph_value_shape(value, shape, 3) == 1 && shape[0] == 4);
    oph_value_free(value);
    oph_signal_free(grid);

    what.name = "bad";
    what.dtype = OPH_ENUM;
    what.properties = &labels;
    what.forward = to_sum;
    did(oph_derived_new(ctx, &what, &bad, &err), &err);
    check_refused(oph_signal_get_text(bad, buffer, sizeof buffer, &err), &err, OPH_ETYPE, "bad",
                  "bad", "a value", "5 does not fit");
    oph_signal_free(bad);
    oph_signal_free(number);
}

static int lower(const oph_value *wanted, oph_result *to, void *user)
{
    (void)user;
    return oph_result_set(to, 1, OPH_FLOAT64, 1, oph_value_data(wanted));
}

static int second(const oph_value *const *from, size_t count, oph_result *to, void *user)
{
    (void)count, (void)user;
    return oph_result_set(to, 0, OPH_FLOAT64, 1, oph_value_data(from[1]));
}

static void test_in_memory(void)
{
    oph_context *net = ctx;
    ctx = fake_context(NULL, NULL);
    int opened = fake_opened();
    oph_signal *two[] = {soft("a", OPH_DOUBLE(1)), soft("b", OPH_DOUBLE(2))};
    oph_signal *sum = derive("sum", two, 2, to_sum, share_out);
    oph_signal *b = derive("also_b", two, 2, second, lower);
    oph_error err = OPH_ERROR_INIT;
    is_value(sum, 3);
    oph_subscription *sub = follow(sum, NULL);
    oph_signal_put_double(two[0], 4, NULL);
    check_done(oph_signal_put_double(b, 5, &err), &err, "a put to one source alone");
    check_done(oph_signal_put_double(sum, 100, &err), &err, "and to both");
    is_said("connected:rw 3 6 9 15 100", "each change is an update");
    is_value(two[0], 10);
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

static void test_wrong_calls(void)
{
    oph_context *other = fake_context(NULL, NULL);
    oph_signal *here = soft("here", OPH_INT(1)), *none = NULL, *sig = NULL;
    oph_derived what = {.size = sizeof what,
                        .dtype = OPH_INT32,
                        .name = "x",
                        .from = &here,
                        .count = 1,
                        .forward = to_sum};
    oph_error err = OPH_ERROR_INIT;
    check_refused(oph_derived_new(other, &what, &sig, &err), &err, OPH_EINVAL, "x", NULL,
                  "the same context", "here");
    what.from = &none;
    check_refused(oph_derived_new(ctx, &what, &sig, &err), &err, OPH_EINVAL, "x", NULL, "signals",
                  "NULL");
    what.from = NULL;
    check_refused(oph_derived_new(ctx, &what, &sig, &err), &err, OPH_EINVAL, "x", NULL, "signals",
                  "no signals");
    what.from = &here;
    what.forward = NULL;
    check_refused(oph_derived_new(ctx, &what, &sig, &err), &err, OPH_EINVAL, "x", NULL, "function",
                  "no function");
    what.forward = to_sum;
    what.dtype = OPH_NONE;
    check_refused(oph_derived_new(ctx, &what, &sig, &err), &err, OPH_EINVAL, "x", NULL,
                  "enum oph_dtype", "0");
    what.name = NULL;
    check_refused(oph_derived_new(ctx, &what, &sig, &err), &err, OPH_EINVAL, NULL, NULL, NULL,
                  NULL);
    check_refused(oph_soft_set(thing("number"), OPH_INT(1), 0, 0, &err), &err, OPH_EINVAL,
                  "dev.number", NULL, "oph_soft_new", "another");
    testOk1(!sig);
    oph_signal_free(here);
    oph_context_free(other);
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
    test_refusals_before();
    test_failures_after();
    test_disconnection();
    test_updates();
    test_failing();
    test_wrong_functions();
    test_types();
    test_in_memory();
    test_wrong_calls();
    events_free(&said);
    things_end();
    return testDone();
}
