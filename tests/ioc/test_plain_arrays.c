/* Arrays of every element type: put from every C type, read back, limits of length, 16 MiB. */
#include "lib/check.h"
#include "lib/plain.h"
#include "lib/probe.h"

#include <epicsUnitTest.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static oph_context *ctx;
static oph_device *dev;
static struct probe *probe;

static const char device_text[] = "row string of:STRING rw array config\n"
                                  "row char of:CHAR rw array config\n"
                                  "row uchar of:UCHAR rw array config\n"
                                  "row short of:SHORT rw array config\n"
                                  "row ushort of:USHORT rw array config\n"
                                  "row long of:LONG rw array config\n"
                                  "row ulong of:ULONG rw array config\n"
                                  "row int64 of:INT64 rw array config\n"
                                  "row uint64 of:UINT64 rw array config\n"
                                  "row float of:FLOAT rw array config\n"
                                  "row double of:DOUBLE rw array config\n"
                                  "row enum of:ENUM rw array config\n"
                                  "row aao aao rw array config\n"
                                  "row compress compress rw array config\n"
                                  "row histogram histogram rw array config\n"
                                  "row asub aSub.A rw array config\n"
                                  "row big big:LONG rw array config\n"
                                  "row text big:UCHAR rw text config\n"
                                  "row bytes big:UCHAR rw array config\n";

typedef char cell[40]; /* an element of OPH_TEXT */

struct row {
    const char *attr, *pv;
    oph_data data;
    int32_t dtype;     /* as Channel Access has it */
    const char *shown; /* what is read back */
};

#define ROW(attr, pv, from, type, dtype, shown, ...)                                               \
    {                                                                                              \
        attr, pv,                                                                                  \
            {from, 0, sizeof((const type[]){__VA_ARGS__}) / sizeof(type),                          \
             (const type[]){__VA_ARGS__}},                                                         \
            dtype, shown                                                                           \
    }

static void reads(const struct row *row)
{
    char found[300] = "nothing";
    oph_value *value = NULL;
    struct probe_value seen = {.data = NULL};
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_signal_read(plain_signal(dev, row->attr), NULL, &value, &err);
    bool same = !rc && probe_read(probe, row->pv, &seen) == 0 &&
                (size_t)seen.count == oph_value_count(value) &&
                (row->dtype == OPH_TEXT || !memcmp(seen.data, oph_value_data(value), seen.bytes));

    if (!rc) plain_show(value, found, sizeof found);
    testOk(same && oph_value_dtype(value) == row->dtype && strcmp(found, row->shown) == 0,
           "%s is %s, of %s", row->pv, row->shown, oph_dtype_name(row->dtype));
    if (strcmp(found, row->shown) != 0) testDiag("found %s%s", found, rc ? err.text : "");
    free(seen.data);
    oph_value_free(value);
}

static void test_types(void)
{
    const struct row rows[] = {
        ROW("string", "of:STRING", OPH_STRING, char *, OPH_TEXT,
            "[one|two three||thirty-nine characters, all there are..]", "one", "two three", "",
            "thirty-nine characters, all there are.."),
        ROW("string", "of:STRING", OPH_TEXT, cell, OPH_TEXT, "[a cell|of 40 bytes]", "a cell",
            "of 40 bytes"),
        ROW("char", "of:CHAR", OPH_UINT8, uint8_t, OPH_UINT8, "[0 1 127]", 0, 1, 127),
        ROW("char", "of:CHAR", OPH_INT8, int8_t, OPH_UINT8, "[127 0]", 127, 0),
        ROW("uchar", "of:UCHAR", OPH_UINT8, uint8_t, OPH_UINT8, "[255 0 128]", 255, 0, 128),
        ROW("uchar", "of:UCHAR", OPH_INT32, int32_t, OPH_UINT8, "[200 100]", 200, 100),
        ROW("short", "of:SHORT", OPH_INT16, int16_t, OPH_INT16, "[-32768 0 32767]", INT16_MIN, 0,
            INT16_MAX),
        ROW("short", "of:SHORT", OPH_INT64, int64_t, OPH_INT16, "[-1 1]", -1, 1),
        ROW("ushort", "of:USHORT", OPH_UINT16, uint16_t, OPH_INT32, "[0 65535]", 0, UINT16_MAX),
        ROW("long", "of:LONG", OPH_INT32, int32_t, OPH_INT32, "[-2147483648 2147483647]", INT32_MIN,
            INT32_MAX),
        ROW("long", "of:LONG", OPH_FLOAT64, double, OPH_INT32, "[-5 12345678]", -5, 12345678),
        ROW("ulong", "of:ULONG", OPH_UINT32, uint32_t, OPH_FLOAT64, "[0 4294967295]", 0,
            UINT32_MAX),
        ROW("int64", "of:INT64", OPH_INT64, int64_t, OPH_FLOAT64, "[-9007199254740992 -1]",
            -(1LL << 53), -1),
        ROW("uint64", "of:UINT64", OPH_UINT64, uint64_t, OPH_FLOAT64,
            "[9007199254740992 9.223372036854776e+18]", 1ULL << 53, 1ULL << 63),
        ROW("float", "of:FLOAT", OPH_FLOAT32, float, OPH_FLOAT32,
            "[0.5 -1.25 3.4028234663852886e+38]", 0.5F, -1.25F, FLT_MAX),
        ROW("float", "of:FLOAT", OPH_FLOAT64, double, OPH_FLOAT32, "[0.10000000149011612 2]", 0.1,
            2),
        ROW("double", "of:DOUBLE", OPH_FLOAT64, double, OPH_FLOAT64,
            "[1e+300 -0.1 2.2250738585072014e-308]", 1e300, -0.1, DBL_MIN),
        ROW("double", "of:DOUBLE", OPH_FLOAT32, float, OPH_FLOAT64, "[0.10000000149011612 3]", 0.1F,
            3),
        ROW("double", "of:DOUBLE", OPH_INT64, int64_t, OPH_FLOAT64, "[4.611686018427388e+18 -7]",
            1LL << 62, -7),
        ROW("enum", "of:ENUM", OPH_ENUM, uint16_t, OPH_ENUM, "[0 1 65535]", 0, 1, UINT16_MAX),
        ROW("enum", "of:ENUM", OPH_INT32, int32_t, OPH_ENUM, "[2 3]", 2, 3),
        ROW("aao", "aao", OPH_INT16, int16_t, OPH_INT16, "[1 2 3 4 5 6]", 1, 2, 3, 4, 5, 6),
        ROW("asub", "aSub.A", OPH_FLOAT64, double, OPH_FLOAT64, "[1 2 3 4.5]", 1, 2, 3, 4.5),
        ROW("histogram", "histogram", OPH_INT32, int32_t, OPH_FLOAT64, "[0 9 8 7 6 5 4 3 2 1]", 0,
            9, 8, 7, 6, 5, 4, 3, 2, 1),
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char what[100];
        oph_error err = OPH_ERROR_INIT;
        int rc = oph_signal_put(plain_signal(dev, rows[i].attr), &rows[i].data, NULL, &err);
        snprintf(what, sizeof what, "%llu of %s to %s", (unsigned long long)rows[i].data.count,
                 oph_dtype_name(rows[i].data.dtype), rows[i].pv);
        check_done(rc, &err, what);
        reads(&rows[i]);
    }
}

/* Refused before anything is sent. */
static void refused(const char *attr, const char *pv, const oph_data *data, int code,
                    const char *found)
{
    plain_refused(plain_signal(dev, attr), data, NULL, code, pv, found);
}

static void test_refusals(void)
{
    static const double many[17], odd[] = {1, 2, (double)NAN, 4}, infinite[] = {(double)INFINITY};
    static const int32_t numbers[] = {1, 70000}, bytes[] = {1, 256};
    static const int64_t large[] = {0, (1LL << 53) + 1};
    static const double half[] = {1, 0.5}, huge[] = {1, 1e39};
    static const char *const texts[] = {"short", "forty characters are one more than a PV,"};
    const struct {
        const char *attr, *pv;
        oph_data data;
        int code;
        const char *found;
    } rows[] = {
        {"double", "p:of:DOUBLE", {OPH_FLOAT64, 0, 17, many}, OPH_ERANGE, "1 to 16"},
        {"double", "p:of:DOUBLE", {OPH_FLOAT64, 0, 0, many}, OPH_ERANGE, "1 to 16"},
        {"double", "p:of:DOUBLE", {OPH_FLOAT64, 0, 4, odd}, OPH_ERANGE, "not finite"},
        {"double", "p:of:DOUBLE", {OPH_FLOAT64, 0, 1, infinite}, OPH_ERANGE, "not finite"},
        {"double", "p:of:DOUBLE", {OPH_INT64, 0, 2, large}, OPH_ERANGE, "exactly"},
        {"double", "p:of:DOUBLE", {OPH_STRING, 0, 2, texts}, OPH_ETYPE, "numbers"},
        {"float", "p:of:FLOAT", {OPH_FLOAT64, 0, 2, huge}, OPH_ERANGE, "32-bit"},
        {"short", "p:of:SHORT", {OPH_INT32, 0, 2, numbers}, OPH_ERANGE, "-32768 to 32767"},
        {"uchar", "p:of:UCHAR", {OPH_INT32, 0, 2, bytes}, OPH_ERANGE, "0 to 255"},
        {"long", "p:of:LONG", {OPH_FLOAT64, 0, 2, half}, OPH_ETYPE, "whole numbers"},
        {"int64", "p:of:INT64", {OPH_INT64, 0, 2, large}, OPH_ERANGE, "exactly"},
        {"string", "p:of:STRING", {OPH_STRING, 0, 2, texts}, OPH_ERANGE, "40 characters"},
        {"string", "p:of:STRING", {OPH_INT32, 0, 2, numbers}, OPH_ETYPE, "strings"},
        {"compress", "p:compress", {OPH_FLOAT64, 0, 9, many}, OPH_ERANGE, "1 to 8"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        refused(rows[i].attr, rows[i].pv, &rows[i].data, rows[i].code, rows[i].found);
}

static oph_value *read_some(const char *attr, uint32_t count, int32_t dtype)
{
    const oph_read_options opt = {.size = sizeof opt, .count = count, .dtype = dtype};
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph_signal_read(plain_signal(dev, attr), &opt, &value, &err)) testDiag("%s", err.text);
    return value;
}

static void shows(oph_value *value, const char *wanted, const char *what)
{
    char found[300] = "nothing";

    if (value) plain_show(value, found, sizeof found);
    testOk(value && strcmp(found, wanted) == 0, "%s: %s", what, wanted);
    if (strcmp(found, wanted) != 0) testDiag("found %s", found);
    oph_value_free(value);
}

/* The elements of the first update of a subscription to at most so many; -1: none came. */
static long first_update(oph_signal *sig, uint32_t count)
{
    const oph_subscribe_options opt = {.size = sizeof opt, .count = count};
    oph_queue *queue = NULL;
    oph_subscription *sub = NULL;
    long found = -1;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_queue_new(ctx, &queue, &err);

    if (!rc) rc = oph_subscribe_queue(sig, &opt, queue, NULL, &sub, &err);
    while (!rc && found < 0) {
        oph_event *event = NULL;
        rc = oph_queue_next(queue, 10, &event, &err);
        if (rc) break;
        if (oph_event_error(event)) rc = oph_event_error(event)->code;
        if (oph_event_value(event)) found = (long)oph_value_count(oph_event_value(event));
        oph_event_free(event);
    }
    oph_subscription_free(sub);
    oph_queue_free(queue);
    return found;
}

/* The current length is what the last put had. */
static void test_lengths(void)
{
    static const double numbers[16] = {0.5, 1.5, 2.25, 3.75};
    const oph_data four = {OPH_FLOAT64, 0, 4, numbers}, all = {OPH_FLOAT64, 0, 16, numbers};
    oph_signal *sig = plain_signal(dev, "double");
    oph_error err = OPH_ERROR_INIT;
    double into[16];
    size_t count = 0;

    check_done(oph_signal_put(sig, &four, NULL, &err), &err, "four elements");
    shows(read_some("double", 0, OPH_NONE), "[0.5 1.5 2.25 3.75]", "all there are");
    shows(read_some("double", 1000, OPH_NONE), "[0.5 1.5 2.25 3.75]", "at most a thousand");
    shows(read_some("double", 16, OPH_NONE), "[0.5 1.5 2.25 3.75]", "at most what it can hold");
    shows(read_some("double", 2, OPH_NONE), "[0.5 1.5]", "at most two");
    shows(read_some("double", 1, OPH_NONE), "0.5", "at most one");
    testOk(first_update(sig, 0) == 4 && first_update(sig, 2) == 2 && first_update(sig, 1000) == 4,
           "of an update as well");
    shows(read_some("double", 3, OPH_FLOAT32), "[0.5 1.5 2.25]", "as floats");
    shows(read_some("double", 0, OPH_INT32), "[0 1 2 3]", "as integers");
    shows(read_some("double", 0, OPH_TEXT), "[0.50|1.50|2.25|3.75]", "as text, by PREC");
    check_done(oph_signal_read_into(sig, NULL, into, sizeof into, &count, &err), &err,
               "into memory");
    testOk(count == 4 && !memcmp(into, numbers, 4 * sizeof *into), "%zu elements", count);
    int rc = oph_signal_read_into(sig, NULL, into, 31, &count, &err);
    check_refused(rc, &err, OPH_ERANGE, "dev.double", "p:of:DOUBLE", "32 bytes", "31");
    check_done(oph_signal_put(sig, &all, NULL, &err), &err, "as many as it can hold");
    rc = oph_signal_read_into(sig, NULL, into, sizeof into, &count, &err);
    testOk(rc == 0 && count == 16, "are %zu", count);
    check_done(oph_signal_put(sig, OPH_DOUBLE(7), NULL, &err), &err, "a single one");
    shows(read_some("double", 0, OPH_NONE), "7", "is the array");

    const oph_put_options odd = {.size = sizeof odd, .flags = OPH_PUT_NONFINITE};
    const double what[] = {(double)NAN, (double)INFINITY};
    const oph_data nonfinite = {OPH_FLOAT64, 0, 2, what};
    check_done(oph_signal_put(sig, &nonfinite, &odd, &err), &err, "NaN, on request");
    shows(read_some("double", 0, OPH_NONE), "[nan inf]", "as it was put");
}

static void test_empty(void)
{
    oph_value *value = read_some("compress", 0, OPH_NONE);

    testOk(value && oph_value_count(value) == 0 && oph_value_dtype(value) == OPH_FLOAT64,
           "an array may be empty");
    oph_value_free(value);
}

enum { BIG = 4194304, TEXT = 1 << 20 };

static void test_big(void)
{
    int32_t *values = malloc(BIG * sizeof *values), *back = malloc(BIG * sizeof *back);
    uint8_t *bytes = (uint8_t *)values;
    oph_signal *sig = plain_signal(dev, "big");
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    size_t count = 0;

    if (!values || !back) testAbort("no memory");
    for (int32_t i = 0; i < BIG; i++)
        values[i] = (int32_t)((uint32_t)i * 2654435761U);
    const oph_data data = {OPH_INT32, 0, BIG, values};
    check_done(oph_signal_put(sig, &data, NULL, &err), &err, "16 MiB are put and read back");
    check_done(oph_signal_read_into(sig, NULL, back, BIG * sizeof *back, &count, &err), &err,
               "read into memory");
    testOk(count == BIG && !memcmp(values, back, BIG * sizeof *back), "every element is right");
    back[BIG - 1] = 0;
    values[BIG / 2]++;
    check_done(oph_signal_put(sig, &data, NULL, &err), &err, "put again, with one changed");
    check_done(oph_signal_read(sig, NULL, &value, &err), &err, "read");
    testOk(value && oph_value_count(value) == BIG &&
               !memcmp(values, oph_value_data(value), BIG * sizeof *values),
           "every element is right");
    oph_value_free(value);
    shows(read_some("big", 3, OPH_NONE), "[0 -1640531535 1013904226]", "the first three of them");

    const oph_data all = {OPH_UINT8, 0, BIG * sizeof *values, bytes};
    sig = plain_signal(dev, "bytes");
    check_done(oph_signal_put(sig, &all, NULL, &err), &err, "16 MiB of bytes");
    check_done(oph_signal_read_into(sig, NULL, back, BIG * sizeof *back, &count, &err), &err,
               "read into memory");
    testOk(count == BIG * sizeof *back && !memcmp(bytes, back, count), "every byte is right");
    free(values);
    free(back);
}

/* It comes as one element, its NUL; one number of an array is a number. */
static void test_empty_text(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *text = plain_signal(dev, "text"), *bytes = plain_signal(dev, "bytes");
    int64_t whole = -1;
    double number = -1;

    check_done(oph_signal_put_text(text, "", &err), &err, "an empty text");
    check_refused(oph_signal_get_int(text, &whole, &err), &err, OPH_ETYPE, "dev.text",
                  "p:big:UCHAR", "a whole number", "\"\"");
    check_refused(oph_signal_get_double(text, &number, &err), &err, OPH_ETYPE, "dev.text",
                  "p:big:UCHAR", "a number", "\"\"");
    testOk(whole == -1 && number == -1, "is no number");
    check_done(oph_signal_get_int(bytes, &whole, &err), &err, "an array's only element");
    testOk1(whole == 0);
}

static void test_long_text(void)
{
    char *text = malloc(TEXT), *back = malloc(TEXT);
    oph_signal *sig = plain_signal(dev, "text");
    oph_error err = OPH_ERROR_INIT;

    if (!text || !back) testAbort("no memory");
    for (int i = 0; i < TEXT - 1; i++)
        text[i] = (char)(' ' + i % 94);
    text[TEXT - 1] = '\0';
    check_done(oph_signal_put_text(sig, text, &err), &err, "a text of a million characters");
    check_done(oph_signal_get_text(sig, back, TEXT, &err), &err, "is read");
    testOk(strcmp(text, back) == 0, "as it was put");
    int rc = oph_signal_get_text(sig, back, TEXT - 1, &err);
    check_refused(rc, &err, OPH_ERANGE, "dev.text", "p:big:UCHAR", NULL, NULL);
    free(text);
    free(back);
}

int main(void)
{
    testPlan(0);
    struct sim *plain = plain_start();
    probe = probe_new("p:");
    ctx = plain_context(20, 60, 60); /* 16 MiB take a while on a busy machine */
    dev = plain_device(ctx, device_text);
    plain_settle(ctx, dev);
    test_types();
    test_refusals();
    test_lengths();
    test_empty();
    test_big();
    test_long_text();
    test_empty_text();
    oph_device_free(dev);
    oph_context_free(ctx);
    probe_free(probe);
    sim_stop(plain);
    return testDone();
}
