/* core/signal_io: policies of a put, its tolerances, and what is refused before it is sent. */
#include "lib/things.h"

#include <epicsUnitTest.h>
#include <string.h>

static int put(const char *attr, const oph_data *value, const oph_put_options *opt, oph_error *err)
{
    *err = (oph_error)OPH_ERROR_INIT;
    return oph_signal_put(thing(attr), value, opt, err);
}

static void connect(const char *attr)
{
    oph_properties p = {.size = sizeof p};
    oph_error err = OPH_ERROR_INIT;
    if (oph_signal_properties(thing(attr), OPH_PART_SETPOINT, OPH_DEFAULT, &p, &err) ||
        oph_signal_properties(thing(attr), OPH_PART_READBACK, OPH_DEFAULT, &p, &err))
        testAbort("%s", err.text);
}

/* Nothing is sent, and the sentence says why. */
static void refused(const char *attr, const oph_data *value, const oph_put_options *opt, int code,
                    const char *why)
{
    oph_error err;
    fake_forget_puts();
    fake_code(put(attr, value, opt, &err), code, &err, why);
    testOk(strstr(err.text, why) && !fake_puts()[0], "%s", err.text);
}

static void test_send(void)
{
    const oph_put_options send = {.size = sizeof send, .policy = OPH_PUT_SEND};
    oph_error err;
    connect("number");
    fake_forget_puts();
    int flushes = fake_flushes();
    fake_code(put("number", OPH_INT(1), &send, &err), 0, &err, "sent");
    testOk(fake_flushes() == flushes + 1, "one flush");
    fake_wait_put("X:Number");
    testOk(!strcmp(fake_puts(), "X:Number~1"), "without completion: %s", fake_puts());
    fake_rule("X:Number", FAKE_IGNORE);
    fake_code(put("number", OPH_INT(2), &send, &err), 0, &err, "nobody looks at the readback");
    fake_wait_put("X:Number");
    fake_rule("X:Number", FAKE_FOLLOW);
}

static void test_complete(void)
{
    const oph_put_options complete = {.size = sizeof complete, .policy = OPH_PUT_COMPLETE};
    oph_error err;
    fake_forget_puts();
    fake_rule("X:Number", FAKE_IGNORE);
    fake_code(put("number", OPH_INT(3), &complete, &err), 0, &err, "completed");
    testOk(!strcmp(fake_puts(), "X:Number=3"), "with completion: %s", fake_puts());
    fake_rule("X:Number", FAKE_REFUSE);
    fake_code(put("number", OPH_INT(4), &complete, &err), OPH_EPUT, &err, "refused by the IOC");
    fake_rule("X:Number", FAKE_WITHHOLD);
    const oph_put_options brief = {
        .size = sizeof brief, .policy = OPH_PUT_COMPLETE, .timeout = 0.05};
    int abandoned = fake_abandoned();
    fake_code(put("number", OPH_INT(5), &brief, &err), OPH_ETIMEOUT, &err, "never completed");
    testOk(fake_abandoned() == abandoned + 1 && err.waited >= 0.05, "%s", err.text);
    fake_rule("X:Number", FAKE_FOLLOW);
    fake_forget_puts();
    connect("go");
    fake_code(put("go", OPH_INT(1), &complete, &err), 0, &err, "a start row, as asked");
    testOk(!strcmp(fake_puts(), "X:Go=1"), "with completion: %s", fake_puts());
    fake_code(put("go", OPH_INT(0), NULL, &err), 0, &err, "and by default");
    testOk(!strcmp(fake_puts(), "X:Go=1 X:Go~0"), "without: %s", fake_puts());
}

static void test_verify(void)
{
    oph_error err;
    connect("real");
    int flushes = fake_flushes();
    fake_code(put("real", OPH_DOUBLE(1.5), NULL, &err), 0, &err, "verified");
    testOk(fake_flushes() == flushes + 2, "two round trips");
    fake_rule("X:Real", FAKE_CLAMP);
    fake_code(put("real", OPH_DOUBLE(11.5), NULL, &err), OPH_EMISMATCH, &err, "clamped");
    testOk(!strcmp(err.wanted, "11.5") && !strcmp(err.found, "10") && err.waited > 0, "%s",
           err.text);
    fake_code(put("real", OPH_DOUBLE(10.0009), NULL, &err), 0, &err, "within 10^-PREC");
    fake_code(put("real", OPH_DOUBLE(10.002), NULL, &err), OPH_EMISMATCH, &err, "beyond it");

    const oph_put_options absolute = {.size = sizeof absolute, .absolute = 0.5};
    const oph_put_options relative = {.size = sizeof relative, .relative = 0.1};
    const oph_put_options exact = {.size = sizeof exact, .absolute = 1e-12};
    fake_code(put("real", OPH_DOUBLE(10.5), &absolute, &err), 0, &err, "absolute");
    fake_code(put("real", OPH_DOUBLE(10.51), &absolute, &err), OPH_EMISMATCH, &err, "beyond");
    fake_code(put("real", OPH_DOUBLE(11.1), &relative, &err), 0, &err, "relative");
    fake_code(put("real", OPH_DOUBLE(11.2), &relative, &err), OPH_EMISMATCH, &err, "beyond");
    fake_code(put("real", OPH_DOUBLE(10.0001), &exact, &err), OPH_EMISMATCH, &err, "exactly");
    fake_rule("X:Real", FAKE_FOLLOW);

    fake_code(put("path", OPH_CSTR("/b"), NULL, &err), 0, &err, "a path, with the IOC's separator");
    fake_code(put("chars", OPH_CSTR("a text that is longer than a string of forty characters"),
                  NULL, &err),
              0, &err, "long text");
}

/* As the IOC says them at the time of the put. */
static void test_limits(void)
{
    oph_error err;
    const oph_put_options within = {.size = sizeof within, .flags = OPH_PUT_CHECK_LIMITS};
    const oph_put_options nan = {.size = sizeof nan,
                                 .flags = OPH_PUT_CHECK_LIMITS | OPH_PUT_NONFINITE};
    connect("real");
    fake_limits("X:Real", -1, 10);
    fake_code(put("real", OPH_DOUBLE(10), &within, &err), 0, &err, "within the limits");
    refused("real", OPH_DOUBLE(10.5), &within, OPH_ERANGE, "wanted 10.5, found limits -1 to 10");
    refused("real", OPH_INT(-2), &within, OPH_ERANGE, "limits -1 to 10");
    fake_limits("X:Real", 0, 11);
    fake_code(put("real", OPH_DOUBLE(10.5), &within, &err), 0, &err, "they have changed");
    refused("real", OPH_DOUBLE(-0.5), &within, OPH_ERANGE, "limits 0 to 11");
    fake_code(put("real", OPH_DOUBLE(-0.5), NULL, &err), 0, &err, "nobody asked for them");
    fake_code(put("real", OPH_DOUBLE((double)NAN), &nan, &err), 0, &err, "NaN is in no order");
    fake_limits("X:Real", 5, 5);
    fake_code(put("real", OPH_DOUBLE(7), &within, &err), 0, &err, "equal ones are none");
    fake_limits("X:Real", 5, -5);
    fake_code(put("real", OPH_DOUBLE(7), &within, &err), 0, &err, "nor are those the wrong way");
    fake_limits("X:Real", 0, 0);
}

/* A label that the IOC renames is the one that counts. */
static void test_renamed(void)
{
    oph_error err;
    connect("choice");
    fake_labels("X:Choice", "Zero,Uno,Two");
    refused("choice", OPH_CSTR("One"), NULL, OPH_ERANGE, "labels Zero, Uno, Two");
    fake_code(put("choice", OPH_CSTR("Uno"), NULL, &err), 0, &err, "its new name");
    fake_labels("X:Choice", "Zero,One,Two");
}

/* The readback comes late, by monitor. */
static void test_late(void)
{
    oph_error err;
    const oph_put_options patient = {.size = sizeof patient, .patience = 20};
    oph_status *status = NULL;
    fake_rule("X:Number", FAKE_IGNORE);
    fake_set("X:Number_RBV", "0");
    int flushes = fake_flushes();
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_signal_put_start(thing("number"), OPH_INT(9), &patient, &status, &err), 0, &err,
              "start");
    fake_wait_flushes(flushes + 3); /* it was put, read, and is watched */
    testOk(!oph_status_done(status), "it waits");
    fake_set("X:Number_RBV", "9");
    fake_code(oph_status_wait(status, 20, &err), 0, &err, "it has come");
    oph_status_unref(status);
    fake_rule("X:Number", FAKE_FOLLOW);
}

static int is_even(const oph_value *value, void *user)
{
    int64_t n = 1;
    ++*(int *)user;
    return oph__value_int(value, &n) && n % 2 == 0;
}

static void test_await(void)
{
    oph_error err;
    int calls = 0;
    const oph_condition even = {.size = sizeof even, .test = is_even, .user = &calls};
    const oph_condition ten = {.size = sizeof ten, .equals = OPH_INT(10)};
    const oph_condition label = {.size = sizeof label, .equals = OPH_CSTR("Three")};
    oph_put_options await = {.size = sizeof await, .policy = OPH_PUT_AWAIT, .until = &even};
    fake_code(put("number", OPH_INT(12), &await, &err), 0, &err, "put until it is even");
    testOk(calls > 0, "the test was asked");
    await.patience = 0.05;
    fake_code(put("number", OPH_INT(13), &await, &err), OPH_EMISMATCH, &err, "it is odd");
    testOk(strstr(err.text, "passes the test") && !strcmp(err.found, "13"), "%s", err.text);
    await.until = &ten;
    fake_rule("X:Number", FAKE_CLAMP);
    fake_code(put("number", OPH_INT(14), &await, &err), 0, &err, "until it is what it becomes");
    fake_rule("X:Number", FAKE_FOLLOW);
    await.until = &label;
    refused("choice", OPH_INT(0), &await, OPH_ERANGE, "wanted Three, found labels Zero, One, Two");
    await.until = NULL;
    refused("number", OPH_INT(1), &await, OPH_EINVAL, "a condition");
}

static void test_settle(void)
{
    oph_error err;
    const oph_put_options settle = {.size = sizeof settle, .settle = 0.05};
    double before = oph__now();
    fake_code(put("number", OPH_INT(1), &settle, &err), 0, &err, "put and let settle");
    testOk(oph__now() - before >= 0.05, "it took that time");
    fake_rule("X:Number", FAKE_REFUSE);
    fake_code(put("number", OPH_INT(2), &settle, &err), OPH_EPUT, &err, "a failure is told");
    fake_rule("X:Number", FAKE_FOLLOW);
}

static void test_refusals(void)
{
    const double nan = (double)NAN, inf = (double)INFINITY;
    const char *text40 = "0123456789012345678901234567890123456789";
    const char *const words[] = {"a", "b", "c", "d"};
    const double five[5] = {0};
    const uint64_t beyond = 1ULL << 63;
    const oph_data *huge = &(oph_data){OPH_UINT64, 0, 1, &beyond};
    oph_error err;
    connect("choice");
    connect("array");
    connect("words");
    connect("locked");
    refused("choice", OPH_CSTR("Three"), NULL, OPH_ERANGE, "labels Zero, One, Two");
    refused("choice", OPH_INT(3), NULL, OPH_ERANGE, "indices 0 to 2");
    refused("choice", OPH_INT(-1), NULL, OPH_ERANGE, "indices 0 to 2");
    refused("choice", OPH_DOUBLE(1.5), NULL, OPH_ETYPE, "whole numbers");
    refused("real", OPH_DOUBLE(nan), NULL, OPH_ERANGE, "not finite");
    refused("real", OPH_DOUBLE(-inf), NULL, OPH_ERANGE, "not finite");
    refused("real", OPH_INT((1LL << 53) + 1), NULL, OPH_ERANGE, "cannot hold this integer exactly");
    refused("real", OPH_CSTR("1"), NULL, OPH_ETYPE, "holds numbers");
    refused("number", OPH_DOUBLE(0.5), NULL, OPH_ETYPE, "whole numbers");
    refused("number", OPH_INT(1LL << 31), NULL, OPH_ERANGE, "-2147483648 to 2147483647");
    refused("number", OPH_DOUBLE(nan), NULL, OPH_ETYPE, "whole numbers");
    refused("text", OPH_CSTR(text40), NULL, OPH_ERANGE, "40 characters, where the PV holds 39");
    refused("locked", OPH_INT(1), NULL, OPH_EACCESS, "no write access");
    refused("locked", huge, NULL, OPH_EACCESS, "9223372036854775808, found no write access");
    refused("choice", huge, NULL, OPH_ERANGE, "9223372036854775808, found a PV of labels or text");
    refused("text", huge, NULL, OPH_ERANGE, "a PV of labels or text");
    refused("number", huge, NULL, OPH_ERANGE, "-2147483648 to 2147483647");
    refused("constant", OPH_INT(1), NULL, OPH_EACCESS, "read-only");
    refused("array", &(oph_data){OPH_FLOAT64, 0, 5, five}, NULL, OPH_ERANGE, "holds 1 to 4");
    refused("array", &(oph_data){OPH_FLOAT64, 0, 0, five}, NULL, OPH_ERANGE, "holds 1 to 4");
    refused("array", &(oph_data){OPH_STRING, 0, 2, words}, NULL, OPH_ETYPE, "array of numbers");
    refused("words", &(oph_data){OPH_FLOAT64, 0, 2, five}, NULL, OPH_ETYPE, "array of strings");
    refused("words", &(oph_data){OPH_STRING, 0, 4, words}, NULL, OPH_ERANGE, "holds 1 to 3");
    refused("words", &(oph_data){OPH_STRING, 0, 1, &text40}, NULL, OPH_ERANGE, "holds 39");
    refused("number", &(oph_data){0, 0, 1, five}, NULL, OPH_EINVAL, "enum oph_dtype");
    refused("number", &(oph_data){OPH_INT32, 0, 1, NULL}, NULL, OPH_EINVAL, "elements");
    refused("number", NULL, NULL, OPH_EINVAL, "NULL");
    refused("gone", OPH_INT(1), NULL, OPH_EDISCONN, "not connected");

    const oph_put_options nonfinite = {.size = sizeof nonfinite, .flags = OPH_PUT_NONFINITE};
    fake_code(put("real", OPH_DOUBLE(inf), &nonfinite, &err), 0, &err, "infinity, as asked");
    fake_code(put("real", OPH_DOUBLE(nan), &nonfinite, &err), 0, &err, "NaN, as asked");
    fake_code(put("real", OPH_INT(1LL << 60), NULL, &err), 0, &err, "2^60, which a double holds");
    fake_code(put("real", OPH_DOUBLE(1), NULL, &err), 0, &err, "and back");
}

static void test_options(void)
{
    refused("number", OPH_INT(1), &(oph_put_options){.size = 2}, OPH_EINVAL, "size");
    refused("number", OPH_INT(1), &(oph_put_options){.size = sizeof(oph_put_options), .policy = 4},
            OPH_EINVAL, "enum oph_policy");
    refused("number", OPH_INT(1), &(oph_put_options){.size = sizeof(oph_put_options), .flags = 4},
            OPH_EINVAL, "enum oph_put_flags");
    refused("number", OPH_INT(1),
            &(oph_put_options){.size = sizeof(oph_put_options), .timeout = -1}, OPH_EINVAL,
            "timeout -1");
    refused("number", OPH_INT(1),
            &(oph_put_options){.size = sizeof(oph_put_options), .absolute = (double)NAN},
            OPH_EINVAL, "absolute nan");
}

static void test_arrays(void)
{
    oph_error err;
    const int16_t shorts[4] = {-1, 2, 3, 4};
    const float floats[3] = {0.5F, 1.5F, (float)INFINITY};
    const uint8_t bytes[16] = {1, 0, 255, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    const int wide[2] = {1, 256};
    const char *const words[3] = {"one", "two", ""};
    double back[4] = {0};
    size_t count = 0;
    fake_code(put("array", &(oph_data){OPH_INT16, 0, 4, shorts}, NULL, &err), 0, &err,
              "int16 to float64");
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_signal_read_into(thing("array"), NULL, back, sizeof back, &count, &err), 0, &err,
              "read back");
    testOk1(count == 4 && back[0] == -1 && back[3] == 4);
    refused("array", &(oph_data){OPH_FLOAT32, 0, 3, floats}, NULL, OPH_ERANGE, "not finite");
    connect("bytes");
    fake_code(put("bytes", &(oph_data){OPH_UINT8, 0, 16, bytes}, NULL, &err), 0, &err,
              "bytes, of which some are 0");
    refused("bytes", &(oph_data){OPH_INT32, 0, 2, wide}, NULL, OPH_ERANGE, "holds 0 to 255");
    fake_code(put("words", &(oph_data){OPH_STRING, 0, 3, words}, NULL, &err), 0, &err, "strings");
}

/* A second put with completion is refused while one is under way, from any thread. */
static void test_one_at_a_time(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *status = NULL;
    const oph_put_options long_ = {.size = sizeof long_, .policy = OPH_PUT_COMPLETE, .timeout = 20};
    const oph_put_options send = {.size = sizeof send, .policy = OPH_PUT_SEND};
    fake_rule_nth(1, FAKE_WITHHOLD);
    fake_code(oph_signal_put_start(thing("number"), OPH_INT(20), &long_, &status, &err), 0, &err,
              "one under way");
    fake_wait_put("X:Number");
    refused("number", OPH_INT(21), NULL, OPH_EBUSY, "in flight");
    fake_code(put("number", OPH_INT(22), &send, &err), 0, &err, "a plain put goes out");
    fake_wait_put("X:Number");
    testOk1(!oph_status_done(status));
    fake_release("X:Number");
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_status_wait(status, 20, &err), 0, &err, "the first is done");
    oph_status_unref(status);
}

/* The put is lost on its way: it may be applied or not, so it is no success. */
static void test_lost(void)
{
    oph_error err;
    fake_rule("X:Number", FAKE_LOSE);
    fake_code(put("number", OPH_INT(30), NULL, &err), OPH_EDISCONN, &err, "lost");
    fake_rule("X:Number", FAKE_FOLLOW);
    fake_up("X:Number");
    fake_code(put("number", OPH_INT(31), NULL, &err), 0, &err, "and there again");
}

/* A record whose PREC was never set has 0: that is no tolerance of 1. */
static void test_no_precision(void)
{
    const struct oph__alike how = {.precision = 0};
    const double wanted = 0.1;
    float rounded = 0.1F;
    double other = 0.9;
    struct oph__wire wire = {.dtype = OPH_FLOAT64, .count = 1};
    wire.data = wire.small;
    memcpy(wire.data, &wanted, sizeof wanted);
    const struct oph_value near = {.dtype = OPH_FLOAT32, .count = 1, .data = &rounded};
    const struct oph_value far = {.dtype = OPH_FLOAT64, .count = 1, .data = &other};
    testOk(oph__matches(&near, &wire, &how), "0.1 of 32 bits is 0.1 where PREC is 0");
    testOk(!oph__matches(&far, &wire, &how), "0.9 is not");
}

int main(void)
{
    testPlan(0);
    test_no_precision();
    things_begin();
    test_send();
    test_complete();
    test_verify();
    test_limits();
    test_renamed();
    test_late();
    test_await();
    test_settle();
    test_refusals();
    test_options();
    test_arrays();
    test_one_at_a_time();
    test_lost();
    things_end();
    return testDone();
}
