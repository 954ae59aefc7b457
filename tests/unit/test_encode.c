/* core/encode and core/compare: what is sent for each literal and channel type, what is refused,
 * and which readbacks count as arrived. */
#include "core/value.h"
#include "lib/fake_link.h"

#include <epicsUnitTest.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct oph__literal integer(int64_t i)
{
    return (struct oph__literal){.kind = OPH__LIT_INT, .i = i, .text = "an integer"};
}

static struct oph__literal real(double f)
{
    return (struct oph__literal){.kind = OPH__LIT_FLOAT, .f = f, .text = "a float"};
}

static struct oph__literal text(const char *t)
{
    return (struct oph__literal){.kind = OPH__LIT_TEXT, .text = t};
}

static struct oph__chan_info channel(int32_t dtype, uint32_t count)
{
    return (struct oph__chan_info){
        .dtype = dtype, .count = count, .readable = true, .writable = true, .precision = 3};
}

static struct oph__chan_info labelled(void)
{
    struct oph__chan_info info = channel(OPH_ENUM, 1);
    const char *const labels[] = {"None", "N-bit", "szip"};
    for (size_t i = 0; i < 3; i++)
        memcpy(info.labels[i], labels[i], strlen(labels[i]));
    info.label_count = 3;
    return info;
}

static struct oph__target target(const struct oph__chan_info *info)
{
    return (struct oph__target){.path = "det.x", .pv = "X:x", .info = info};
}

/* What is sent is `count` elements with these bytes. */
static void sends(struct oph__literal literal, const struct oph__chan_info *info, bool is_path,
                  const void *data, uint32_t count, const char *what)
{
    struct oph__wire wire = {0};
    oph_error err = OPH_ERROR_INIT;
    struct oph__target t = target(info);
    t.is_path = is_path;
    int rc = oph__encode(&literal, &t, &wire, &err);
    testOk(!rc && !err.code && wire.dtype == info->dtype && wire.count == count &&
               !memcmp(wire.data, data, count * oph_dtype_size(info->dtype)),
           "%s to %s[%u] is sent", what, oph_dtype_name(info->dtype), info->count);
    if (rc) testDiag("%s", err.text);
    oph__wire_clear(&wire);
}

static void refuses(struct oph__literal literal, const struct oph__chan_info *info, int code,
                    const char *what)
{
    struct oph__wire wire = {0};
    oph_error err = OPH_ERROR_INIT;
    struct oph__target t = target(info);
    int rc = oph__encode(&literal, &t, &wire, &err);
    testOk(rc == code && err.code == code && !wire.data && strstr(err.text, "det.x (X:x): wanted "),
           "%s to %s[%u]: %s", what, oph_dtype_name(info->dtype), info->count, oph_code_name(code));
    if (rc != code) testDiag("%s, %s", oph_code_name(rc), err.text);
    oph__wire_clear(&wire);
}

static void test_integers(void)
{
    const struct oph__chan_info byte = channel(OPH_UINT8, 1), shrt = channel(OPH_INT16, 1);
    const struct oph__chan_info lng = channel(OPH_INT32, 1);
    sends(integer(255), &byte, false, &(uint8_t){255}, 1, "255");
    sends(integer(-32768), &shrt, false, &(int16_t){-32768}, 1, "-32768");
    sends(integer(INT32_MIN), &lng, false, &(int32_t){INT32_MIN}, 1, "the smallest");
    sends(integer(INT32_MAX), &lng, false, &(int32_t){INT32_MAX}, 1, "the largest");
    sends(real(-7.0), &lng, false, &(int32_t){-7}, 1, "-7.0");
    refuses(integer(256), &byte, OPH_ERANGE, "256");
    refuses(integer(-1), &byte, OPH_ERANGE, "-1");
    refuses(integer(32768), &shrt, OPH_ERANGE, "32768");
    refuses(integer((int64_t)INT32_MAX + 1), &lng, OPH_ERANGE, "one more");
    refuses(integer(INT64_MIN), &lng, OPH_ERANGE, "the smallest of 64 bits");
    refuses(real(1e15), &lng, OPH_ERANGE, "1e15");
    refuses(real(1e300), &lng, OPH_ERANGE, "1e300");
    refuses(real(0.5), &lng, OPH_ETYPE, "0.5");
    refuses(real(NAN), &lng, OPH_ETYPE, "NaN");
    refuses(real(INFINITY), &lng, OPH_ERANGE, "infinity");
    refuses(text("7"), &lng, OPH_ETYPE, "text");
    refuses(text(""), &byte, OPH_ETYPE, "no text");
}

static void test_floats(void)
{
    const struct oph__chan_info one = channel(OPH_FLOAT32, 1), two = channel(OPH_FLOAT64, 1);
    sends(real(0.1), &two, false, &(double){0.1}, 1, "0.1");
    sends(real(0.1), &one, false, &(float){0.1f}, 1, "0.1");
    sends(integer(-3), &two, false, &(double){-3}, 1, "-3");
    sends(integer(1LL << 53), &two, false, &(double){0x1p53}, 1, "2^53");
    sends(integer(1LL << 60), &two, false, &(double){0x1p60}, 1, "2^60");
    sends(integer(1LL << 24), &one, false, &(float){0x1p24f}, 1, "2^24");
    sends(real(DBL_MAX), &two, false, &(double){DBL_MAX}, 1, "the largest");
    refuses(integer((1LL << 53) + 1), &two, OPH_ERANGE, "2^53 + 1");
    refuses(integer(INT64_MAX), &two, OPH_ERANGE, "2^63 - 1");
    refuses(integer((1LL << 24) + 1), &one, OPH_ERANGE, "2^24 + 1");
    refuses(real(1e39), &one, OPH_ERANGE, "1e39");
    refuses(real(NAN), &two, OPH_ERANGE, "NaN");
    refuses(real(-INFINITY), &one, OPH_ERANGE, "-infinity");
    refuses(text("0.1"), &two, OPH_ETYPE, "text");
}

static void test_enums(void)
{
    const struct oph__chan_info info = labelled(), bare = channel(OPH_ENUM, 1);
    oph_error err = OPH_ERROR_INIT;
    struct oph__wire wire = {0};
    struct oph__target t = target(&info);
    struct oph__literal wrong = text("Szip");
    sends(text("N-bit"), &info, false, &(uint16_t){1}, 1, "a label");
    sends(integer(2), &info, false, &(uint16_t){2}, 1, "an index");
    sends(integer(15), &bare, false, &(uint16_t){15}, 1, "an index without labels");
    refuses(integer(3), &info, OPH_ERANGE, "an index too far");
    refuses(integer(-1), &info, OPH_ERANGE, "-1");
    refuses(integer(16), &bare, OPH_ERANGE, "16 without labels");
    refuses(text("1"), &info, OPH_ERANGE, "a text that is an index");
    refuses(text(""), &info, OPH_ERANGE, "no text");
    refuses(real(1), &info, OPH_ETYPE, "a float");
    refuses(text("Yes"), &bare, OPH_ERANGE, "a label where there are none");
    oph__encode(&wrong, &t, &wire, &err);
    testOk(strstr(err.text, "Szip") && strstr(err.text, "None, N-bit, szip"), "%s", err.text);
}

static void test_texts(void)
{
    const struct oph__chan_info string = channel(OPH_TEXT, 1), array = channel(OPH_UINT8, 8);
    char forty[41] = "0123456789012345678901234567890123456789", padded[40] = "";
    refuses(text(forty), &string, OPH_ERANGE, "40 characters");
    forty[39] = '\0';
    sends(text(forty), &string, false, forty, 1, "39 characters");
    sends(text(""), &string, false, padded, 1, "no text");
    memcpy(padded, "an integer", 10);
    sends(integer(7), &string, false, padded, 1, "an integer, as it is written,");
    sends(text("1234567"), &array, false, "1234567", 8, "7 characters");
    sends(text(""), &array, false, "", 1, "no text");
    sends(text("123456"), &array, true, "123456", 7, "a path of 6");
    refuses(text("12345678"), &array, OPH_ERANGE, "8 characters");
}

static void test_path_room(void)
{
    const struct oph__chan_info infos[] = {channel(OPH_UINT8, 8), channel(OPH_TEXT, 1)};
    const char *const paths[] = {"/345678", "/34567890123456789012345678901234567890"};
    for (size_t i = 0; i < 2; i++) {
        struct oph__target t = target(&infos[i]);
        struct oph__wire wire = {0};
        struct oph__literal l = text(paths[i]);
        oph_error err = OPH_ERROR_INIT;
        t.is_path = true;
        int rc = oph__encode(&l, &t, &wire, &err);
        fake_code(rc, OPH_ERANGE, &err, "a path without room for its separator");
        testOk1(strstr(err.text, "and a separator") != NULL);
        oph__wire_clear(&wire);
    }
}

static void test_others(void)
{
    struct oph__chan_info locked = channel(OPH_INT32, 1), array = channel(OPH_FLOAT64, 4);
    struct oph__chan_info bytes = channel(OPH_UINT8, 4);
    struct oph__wire wire = {0};
    struct oph__literal one = integer(1);
    oph_error err = OPH_ERROR_INIT;
    locked.writable = false;
    refuses(integer(1), &locked, OPH_EACCESS, "anything without write access");
    refuses(integer(1), &array, OPH_ETYPE, "a number");
    struct oph__target t = target(&bytes);
    t.type = OPH__ARRAY;
    fake_code(oph__encode(&one, &t, &wire, &err), OPH_ETYPE, &err, "a number to an array of bytes");
}

/* A value that was read is written back as it was. */
static void test_values(void)
{
    struct oph__chan_info info = channel(OPH_UINT8, 256);
    char path[256] = "/a/path/that/is/longer/than/what/fits/into/the/value/itself/";
    const struct oph__event event = {.dtype = OPH_UINT8, .count = 256, .data = path};
    const struct oph__event nothing = {.dtype = OPH_UINT8, .data = path};
    const struct oph__event one = {.dtype = OPH_UINT8, .count = 1, .data = path};
    struct oph_value value = {0}, copy = {0};
    struct oph__wire wire = {0};
    struct oph__target t = target(&info);
    testOk1(oph__value_take(&copy, &nothing) && oph__value_take(&value, &event));
    oph__value_move(&copy, &value);
    testOk(value.data == NULL && value.count == 0, "a value that was handed over is empty");
    testOk1(oph__encode_value(&copy, &t, &wire, NULL) == 0 && wire.count == 256 &&
            !memcmp(wire.data, path, 256));
    const struct oph__alike how = oph__alike(&info, OPH__TEXT, false);
    testOk1(oph__matches(&copy, &wire, &how));
    oph__wire_clear(&wire);
    testOk1(oph__value_take(&value, &nothing) && oph__encode_value(&value, &t, &wire, NULL) == 0);
    testOk(wire.count == 1 && *(char *)wire.data == 0, "no elements are written as one NUL");
    testOk1(oph__value_take(&value, &one));
    oph__value_move(&copy, &value);
    testOk(copy.count == 1 && copy.data == copy.small && *(char *)copy.data == '/',
           "so is a short one, which lives inside");
    info.writable = false;
    oph_error err = OPH_ERROR_INIT;
    oph__wire_clear(&wire);
    fake_code(oph__encode_value(&value, &t, &wire, &err), OPH_EACCESS, &err, "no write access");
    oph__value_clear(&value);
    oph__value_clear(&copy);
}

/* Whether `found` in a channel of `info` is what literal `wanted` asked a channel of `set` for. */
static bool match(const struct oph__chan_info *info, const void *found, uint32_t count,
                  const struct oph__chan_info *set, struct oph__literal wanted, bool is_path)
{
    const struct oph__event event = {.dtype = info->dtype, .count = count, .data = found};
    struct oph_value value = {0};
    struct oph__wire wire = {0};
    struct oph__target t = target(set);
    if (!oph__value_take(&value, &event) || oph__encode(&wanted, &t, &wire, NULL))
        testAbort("cannot be compared");
    const struct oph__alike how = oph__alike(info, OPH__ANY, is_path);
    bool same = oph__matches(&value, &wire, &how);
    oph__value_clear(&value);
    oph__wire_clear(&wire);
    return same;
}

static void test_number_matches(void)
{
    struct oph__chan_info d = channel(OPH_FLOAT64, 1), f = channel(OPH_FLOAT32, 1);
    struct oph__chan_info l = channel(OPH_INT32, 1), e = labelled();
    testOk1(match(&d, &(double){0.1}, 1, &d, real(0.1), false));
    testOk1(match(&d, &(double){0.1009}, 1, &d, real(0.1), false));
    testOk1(match(&d, &(double){0.101}, 1, &d, real(0.1), false));
    testOk1(!match(&d, &(double){0.1011}, 1, &d, real(0.1), false));
    testOk1(match(&f, &(float){0.1f}, 1, &d, real(0.1), false));
    testOk1(!match(&d, &(double){NAN}, 1, &d, real(0.1), false));
    testOk1(match(&l, &(int32_t){5}, 1, &l, integer(5), false));
    testOk(!match(&l, &(int32_t){6}, 1, &l, integer(5), false), "integers have no tolerance");
    testOk1(match(&l, &(int32_t){1}, 1, &e, text("N-bit"), false));
    testOk1(match(&e, &(uint16_t){1}, 1, &e, integer(1), false));
    testOk1(!match(&e, &(uint16_t){1}, 1, &e, text("szip"), false));
    testOk1(!match(&d, &(double){0}, 0, &d, real(0), false));
    d.precision = 0;
    testOk(!match(&d, &(double){0}, 1, &d, real(0.1), false),
           "without a precision 0 is not taken for 0.1");
    testOk1(!match(&d, &(double){2}, 1, &d, real(1), false));
    testOk1(match(&d, &(double){(double)0.1f}, 1, &d, real(0.1), false));
}

static void test_text_matches(void)
{
    struct oph__chan_info s = channel(OPH_TEXT, 1), a = channel(OPH_UINT8, 16);
    char path[16] = "/data/", string[40] = "name";
    testOk1(match(&s, string, 1, &s, text("name"), false));
    testOk1(!match(&s, string, 1, &s, text("nam"), false));
    testOk1(match(&s, string, 1, &a, text("name"), false));
    testOk1(match(&a, path, 16, &a, text("/data/"), false));
    testOk1(!match(&a, path, 16, &a, text("/data"), false));
    testOk1(match(&a, path, 16, &a, text("/data"), true));
    testOk1(match(&a, path, 6, &a, text("/data"), true));
    testOk1(match(&a, "/data", 5, &a, text("/data/"), true));
    testOk1(match(&a, "C:\\data\\", 8, &a, text("C:\\data"), true));
    testOk1(!match(&a, path, 16, &a, text("/dat"), true));
    testOk1(!match(&a, path, 0, &a, text("/data"), true));
    testOk1(match(&a, "", 1, &a, text(""), false));
    testOk1(match(&a, path, 0, &a, text(""), false));
}

static void test_shown(void)
{
    const struct oph__chan_info info = labelled(), array = channel(OPH_UINT8, 8);
    const struct {
        struct oph__event event;
        const struct oph__chan_info *info;
        const char *shown;
    } cases[] = {
        {{.dtype = OPH_ENUM, .count = 1, .data = &(uint16_t){2}}, &info, "szip"},
        {{.dtype = OPH_ENUM, .count = 1, .data = &(uint16_t){9}}, &info, "index 9"},
        {{.dtype = OPH_FLOAT64, .count = 1, .data = &(double){0.1}}, NULL, "0.1"},
        {{.dtype = OPH_INT32, .count = 1, .data = &(int32_t){-7}}, NULL, "-7"},
        {{.dtype = OPH_INT32, .count = 3, .data = (int32_t[3]){1, 2, 3}}, NULL, "[3 values]"},
        {{.dtype = OPH_UINT8, .count = 8, .data = "/data/\0x"}, &array, "\"/data/\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct oph_value value = {0};
        char shown[40];
        oph__value_take(&value, &cases[i].event);
        oph__value_show(&value, cases[i].info, shown, sizeof shown);
        testOk(!strcmp(shown, cases[i].shown), "shown as %s", cases[i].shown);
        oph__value_clear(&value);
    }
}

int main(void)
{
    testPlan(0);
    test_integers();
    test_floats();
    test_enums();
    test_texts();
    test_path_room();
    test_others();
    test_values();
    test_number_matches();
    test_text_matches();
    test_shown();
    return testDone();
}
