/* core/signal_io, core/cache: fresh and cached reads, into memory of one's own, and properties. */
#include "lib/things.h"

#include <epicsUnitTest.h>
#include <string.h>

static oph_value *read_with(const char *attr, const oph_read_options *opt, int code,
                            const char *what)
{
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_signal_read(thing(attr), opt, &value, &err), code, &err, what);
    return value;
}

static double number(const oph_value *value)
{
    double d = (double)NAN;
    if (value) oph__value_double(value, &d);
    return d;
}

static void is_number(const char *attr, const oph_read_options *opt, double wanted,
                      const char *what)
{
    oph_value *value = read_with(attr, opt, 0, what);
    testOk(number(value) == wanted, "it is %g", number(value));
    oph_value_free(value);
}

static void test_fresh(void)
{
    const oph_read_options setpoint = {.size = sizeof setpoint, .part = OPH_PART_SETPOINT};
    is_number("number", NULL, 7, "a read connects first");
    int flushes = fake_flushes();
    is_number("number", NULL, 7, "a read");
    testOk(fake_flushes() == flushes + 1, "is one flush");
    fake_set("X:Number", "6");
    is_number("number", &setpoint, 6, "the setpoint");
    fake_set("X:Number", "7");
    const oph_read_options brief = {.size = sizeof brief, .timeout = 0.05};
    read_with("gone", &brief, OPH_EDISCONN, "a PV that is not there");
    read_with("number", &(oph_read_options){.size = 1}, OPH_EINVAL, "a size of no options");
    read_with("number", &(oph_read_options){.size = sizeof brief, .part = 2}, OPH_EINVAL, "a part");
    read_with("number", &(oph_read_options){.size = sizeof brief, .source = 2}, OPH_EINVAL,
              "a source");
    read_with("number", &(oph_read_options){.size = sizeof brief, .dtype = OPH_STRING}, OPH_EINVAL,
              "a type that is none of a value");
    read_with("number", &(oph_read_options){.size = sizeof brief, .timeout = -1}, OPH_EINVAL,
              "a timeout below 0");
}

/* The first read asks and subscribes; from then on nothing goes out. */
static void test_cached(void)
{
    const oph_read_options cached = {.size = sizeof cached, .source = OPH_SOURCE_CACHE};
    const oph_read_options setpoint = {
        .size = sizeof setpoint, .source = OPH_SOURCE_CACHE, .part = OPH_PART_SETPOINT};
    is_number("real", &cached, 0.5, "the first");
    fake_set("X:Real_RBV", "0.75"); /* returns when it was reported */
    int flushes = fake_flushes();
    is_number("real", &cached, 0.75, "what was reported last");
    is_number("real", &cached, 0.75, "again");
    testOk(fake_flushes() == flushes, "the IOC was not asked");
    is_number("real", &setpoint, 0.5, "the setpoint has a cache of its own");
    fake_set("X:Real", "0.25");
    is_number("real", &setpoint, 0.25, "which follows it");

    const oph_read_options brief = {
        .size = sizeof brief, .source = OPH_SOURCE_CACHE, .timeout = 0.05};
    fake_down("X:Real_RBV");
    read_with("real", &brief, OPH_EDISCONN, "what was lost is not read from the cache");
    fake_set("X:Real_RBV", "1");
    fake_up("X:Real_RBV");
    is_number("real", &cached, 1, "and is fresh when it is back");
    const oph_read_options converted = {
        .size = sizeof converted, .source = OPH_SOURCE_CACHE, .dtype = OPH_TEXT};
    read_with("real", &converted, OPH_EINVAL, "the cache converts nothing");
    fake_set("X:Real_RBV", "0.5");
    fake_set("X:Real", "0.5");

    const oph_read_options two = {.size = sizeof two, .source = OPH_SOURCE_CACHE, .count = 2};
    oph_value_free(read_with("array", &cached, 0, "an array"));
    fake_set("X:Array", "5");
    oph_value *value = read_with("array", &two, 0, "some of it");
    testOk1(value && oph_value_count(value) == 2 && number(value) == 5);
    oph_value_free(value);
}

static void test_into(void)
{
    double numbers[4] = {0};
    char text[256] = "";
    size_t count = 0;
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_signal_read_into(thing("array"), NULL, numbers, sizeof numbers, &count, &err), 0,
              &err, "into memory of one's own");
    testOk1(count == 4 && numbers[0] == 5);
    fake_code(oph_signal_read_into(thing("chars"), NULL, text, sizeof text, &count, &err), 0, &err,
              "text");
    testOk1(count == 256 && !strcmp(text, "a text"));
    count = 99;
    fake_code(oph_signal_read_into(thing("array"), NULL, numbers, 31, &count, &err), OPH_ERANGE,
              &err, "no room");
    testOk(count == 99 && strstr(err.text, "wanted 32 bytes of room, found 31") != NULL, "%s",
           err.text);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_signal_read_into(thing("array"), NULL, NULL, 0, &count, &err), OPH_ERANGE, &err,
              "none at all");
    const oph_read_options cached = {.size = sizeof cached, .source = OPH_SOURCE_CACHE};
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_signal_read_into(thing("array"), &cached, numbers, sizeof numbers, &count, &err),
              0, &err, "from the cache");
    testOk1(count == 4);
    fake_code(oph_signal_read_into(thing("array"), &cached, numbers, 31, &count, &err), OPH_ERANGE,
              &err, "without room");
}

static void test_conversions(void)
{
    int64_t i = 0;
    double d = 0;
    char text[50];
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_signal_get_int(thing("number"), &i, &err), 0, &err, "an integer");
    testOk1(i == 7);
    fake_code(oph_signal_get_int(thing("real"), &i, &err), OPH_ETYPE, &err, "a fraction");
    err = (oph_error)OPH_ERROR_INIT;
    fake_set("X:Real_RBV", "9007199254740991");
    fake_code(oph_signal_get_int(thing("real"), &i, &err), 0, &err, "2^53 - 1");
    testOk1(i == (1LL << 53) - 1);
    fake_set("X:Real_RBV", "9007199254740992");
    i = 1;
    fake_code(oph_signal_get_int(thing("real"), &i, &err), OPH_ERANGE, &err, "2^53");
    testOk(i == 1 && strstr(err.text, "below 2^53, found 9007199254740992") != NULL, "%s",
           err.text);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_signal_get_double(thing("real"), &d, &err), 0, &err, "as a double it is good");
    fake_set("X:Real_RBV", "0.5");
    fake_code(oph_signal_get_text(thing("array"), text, sizeof text, &err), OPH_ETYPE, &err,
              "the text of several numbers");
    err.code = 0;
    fake_code(oph_signal_get_text(thing("choice"), text, sizeof text, &err), 0, &err, "a label");
    testOk1(!strcmp(text, "One"));
    fake_code(oph_signal_get_int(thing("array"), &i, &err), OPH_ETYPE, &err, "no array");
}

static void test_properties(void)
{
    oph_properties p = {.size = sizeof p};
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_signal_properties(thing("choice"), OPH_PART_READBACK, OPH_DEFAULT, &p, &err), 0,
              &err, "what an enum is");
    testOk1(p.dtype == OPH_ENUM && p.count == 1 && p.label_count == 3 &&
            !strcmp(p.labels[2], "Two") && p.readable && p.writable);
    fake_code(oph_signal_properties(thing("locked"), OPH_PART_READBACK, OPH_DEFAULT, &p, &err), 0,
              &err, "what a locked one is");
    testOk1(p.dtype == OPH_INT32 && p.readable && !p.writable && p.label_count == 0);
    oph_properties old = {.size = 12, .precision = 77};
    fake_code(oph_signal_properties(thing("choice"), OPH_PART_READBACK, OPH_DEFAULT, &old, &err), 0,
              &err, "for a caller who knows less");
    testOk1(old.size == 12 && old.dtype == OPH_ENUM && old.count == 1 && old.precision == 77);
    p.size = sizeof p;
    fake_code(oph_signal_properties(thing("gone"), OPH_PART_READBACK, 0.05, &p, &err), OPH_EDISCONN,
              &err, "of what is not there");
    fake_code(oph_signal_properties(thing("number"), 5, 0.05, &p, &err), OPH_EINVAL, &err,
              "of no part");
    p.size = 0;
    fake_code(oph_signal_properties(thing("number"), OPH_PART_READBACK, 0.05, &p, &err), OPH_EINVAL,
              &err, "into a struct that does not say its size");
}

int main(void)
{
    testPlan(0);
    things_begin();
    test_fresh();
    test_cached();
    test_into();
    test_conversions();
    test_properties();
    things_end();
    return testDone();
}
