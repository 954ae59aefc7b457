/* core/soft: signals in memory: what they hold, what they refuse, what they tell. No link is opened
 * for them. */
#include "core/device.h"
#include "lib/check.h"
#include "lib/events.h"
#include "lib/fake_link.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

static oph_context *ctx;
static struct events said;

static oph_signal *make(const char *name, const oph_data *initial, const oph_properties *properties)
{
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_soft_new(ctx, name, initial, properties, &sig, &err)) testAbort("%s", err.text);
    return sig;
}

static oph_signal *make_one(const char *name, int32_t dtype, const void *value)
{
    const oph_data data = {.dtype = dtype, .count = 1, .data = value};
    return make(name, &data, NULL);
}

static int64_t int_of(oph_signal *sig)
{
    int64_t value = -1;
    oph_error err = OPH_ERROR_INIT;
    if (oph_signal_get_int(sig, &value, &err)) testDiag("%s", err.text);
    return value;
}

static bool text_is(oph_signal *sig, const char *wanted)
{
    char text[5000] = "";
    oph_error err = OPH_ERROR_INIT;
    if (oph_signal_get_text(sig, text, sizeof text, &err)) testDiag("%s", err.text);
    if (strcmp(text, wanted) != 0) testDiag("found \"%s\"", text);
    return !strcmp(text, wanted);
}

static void test_name(void)
{
    oph_signal *sig = make("energy", OPH_DOUBLE(12.5), NULL);
    double value = 0;
    oph_error err = OPH_ERROR_INIT;
    testOk1(!strcmp(oph_signal_path(sig), "energy") && !strcmp(oph_signal_pv(sig), "energy"));
    testOk1(!strcmp(oph_signal_readback_pv(sig), "energy") && !strcmp(oph_signal_doc(sig), ""));
    check_done(oph_signal_get_double(sig, &value, &err), &err, "read");
    testOk1(value == 12.5);
    check_done(oph_signal_put_double(sig, 7.25, &err), &err, "put");
    testOk1(oph_signal_get_double(sig, &value, &err) == 0 && value == 7.25);
    testOk1(fake_opened() == 0 && fake_flushes() == 0);
    oph_signal_free(sig);
}

/* Both ends of each type survive; what is beyond is refused. */

struct type {
    int32_t dtype;
    _Alignas(8) unsigned char low[8], high[8];
    const char *beyond; /* as a float; NULL: none */
};

static bool holds(oph_signal *sig, int32_t dtype, const void *element)
{
    const oph_data data = {.dtype = dtype, .count = 1, .data = element};
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    bool good = oph_signal_put(sig, &data, NULL, &err) == 0 &&
                oph_signal_read(sig, NULL, &value, &err) == 0 && oph_value_dtype(value) == dtype &&
                oph_value_count(value) == 1 &&
                !memcmp(oph_value_data(value), element, oph_dtype_size(dtype));
    if (!good) testDiag("%s", err.text);
    oph_value_free(value);
    return good;
}

#define TEST_INTEGER(dtype, type, low, high, below, above)                                         \
    do {                                                                                           \
        const type least = low, most = high;                                                       \
        oph_signal *sig = make_one(#type, dtype, &least);                                          \
        testOk(holds(sig, dtype, &most) && holds(sig, dtype, &least), "%s holds its ends", #type); \
        refuses(sig, below);                                                                       \
        refuses(sig, above);                                                                       \
        testOk(holds(sig, dtype, &most), "%s is as before", #type);                                \
        oph_signal_free(sig);                                                                      \
    } while (0)

static void refuses(oph_signal *sig, const oph_data *value)
{
    oph_error err = OPH_ERROR_INIT;
    check_refused(oph_signal_put(sig, value, NULL, &err), &err, OPH_ERANGE, oph_signal_path(sig),
                  oph_signal_path(sig), NULL, "a PV that holds");
}

#define BIG(value) (&(const oph_data){OPH_UINT64, 0, 1, &(const uint64_t){value}})

static void test_integers(void)
{
    TEST_INTEGER(OPH_INT8, int8_t, INT8_MIN, INT8_MAX, OPH_INT(-129), OPH_INT(128));
    TEST_INTEGER(OPH_UINT8, uint8_t, 0, UINT8_MAX, OPH_INT(-1), OPH_INT(256));
    TEST_INTEGER(OPH_INT16, int16_t, INT16_MIN, INT16_MAX, OPH_INT(-32769), OPH_INT(32768));
    TEST_INTEGER(OPH_UINT16, uint16_t, 0, UINT16_MAX, OPH_INT(-1), OPH_INT(65536));
    TEST_INTEGER(OPH_INT32, int32_t, INT32_MIN, INT32_MAX, OPH_DOUBLE(-0x1p31 - 1), BIG(1u << 31));
    TEST_INTEGER(OPH_UINT32, uint32_t, 0, UINT32_MAX, OPH_INT(-1), OPH_INT(0x100000000));
    TEST_INTEGER(OPH_INT64, int64_t, INT64_MIN, INT64_MAX, OPH_DOUBLE(-1e300), BIG(1ull << 63));
    TEST_INTEGER(OPH_UINT64, uint64_t, 0, UINT64_MAX, OPH_INT(-1), OPH_DOUBLE(0x1p64));
}

/* Neighbours that a double cannot tell apart. */
static void test_exact(void)
{
    const int64_t big = (1ll << 53) + 1;
    const uint64_t huge = UINT64_MAX - 1;
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = make("count", OPH_INT(big - 1), NULL);
    check_done(oph_signal_put_int(sig, big, &err), &err, "2^53 + 1 is put, and is the readback");
    testOk1(int_of(sig) == big && text_is(sig, "9007199254740993"));
    oph_condition until = {.size = sizeof until, .equals = OPH_INT(big - 1)};
    testOk(oph_signal_wait(sig, &until, 0.01, &err) == OPH_EMISMATCH, "it is not 2^53: %s",
           err.text);
    oph_signal_free(sig);
    sig = make_one("huge", OPH_UINT64, &huge);
    int64_t value = 5;
    testOk1(text_is(sig, "18446744073709551614"));
    testOk(oph_signal_get_int(sig, &value, &err) != 0 && value == 5, "no int64_t: %s", err.text);
    oph_signal_free(sig);
}

static void test_floats(void)
{
    const float third = 1.0f / 3;
    double value = 0;
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = make_one("ratio", OPH_FLOAT32, &third);
    check_refused(oph_signal_put_double(sig, 1e39, &err), &err, OPH_ERANGE, "ratio", "ratio",
                  "1e+39", "32-bit floats");
    check_refused(oph_signal_put_double(sig, (double)NAN, &err), &err, OPH_ERANGE, "ratio", "ratio",
                  "nan", "not finite");
    check_refused(oph_signal_put_text(sig, "low", &err), &err, OPH_ETYPE, "ratio", "ratio", "low",
                  "numbers");
    testOk1(!strcmp(err.text, "ratio: wanted low, found a PV that holds numbers"));
    testOk1(oph_signal_get_double(sig, &value, NULL) == 0 && value == (double)third);
    check_done(oph_soft_set(sig, OPH_DOUBLE((double)NAN), 3, 17, &err), &err, "its owner may");
    testOk1(oph_signal_get_double(sig, &value, NULL) == 0 && isnan(value));
    oph_signal_free(sig);
}

static void test_text(void)
{
    char wanted[4096];
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig =
        make("comment", OPH_CSTR("one that has more than the forty characters of CA"), NULL);
    testOk1(text_is(sig, "one that has more than the forty characters of CA"));
    testOk1(oph_signal_is_text(sig) == 1);
    memset(wanted, 'x', sizeof wanted);
    wanted[4095] = 0;
    check_done(oph_signal_put_text(sig, wanted, &err), &err, "4095 characters");
    testOk1(text_is(sig, wanted));
    check_done(oph_signal_put_text(sig, "", &err), &err, "no character");
    testOk1(text_is(sig, ""));
    check_done(oph_signal_put_int(sig, 5, &err), &err, "a number is text, too");
    testOk1(text_is(sig, "5"));
    oph_signal_free(sig);

    const oph_properties room = {.size = sizeof room, .count = 6, .writable = 1};
    sig = make("word", OPH_CSTR("hello"), &room);
    check_refused(oph_signal_put_text(sig, "hello!", &err), &err, OPH_ERANGE, "word", "word",
                  "hello!", "6 characters, where the PV holds 5");
    testOk1(text_is(sig, "hello"));
    testOk(oph_signal_is_text(sig) == 1, "a short one, too");
    oph_signal_free(sig);

    const char short_text[40] = "a text of Channel Access";
    sig = make_one("forty", OPH_TEXT, short_text);
    testOk1(text_is(sig, short_text));
    check_refused(oph_signal_put_text(sig, "0123456789012345678901234567890123456789", &err), &err,
                  OPH_ERANGE, "forty", "forty", "01234", "where the PV holds 39");
    oph_signal_free(sig);
}

static const oph_properties choice = {.size = sizeof choice,
                                      .dtype = OPH_ENUM,
                                      .writable = 1,
                                      .label_count = 3,
                                      .labels = {"Zero", "One", "Two"}};

static void test_labels(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = make("choice", OPH_CSTR("One"), &choice);
    testOk1(int_of(sig) == 1 && text_is(sig, "One"));
    testOk(oph_signal_is_text(sig) == 0, "an enum is none");
    check_done(oph_signal_put_text(sig, "Two", &err), &err, "by label");
    testOk1(int_of(sig) == 2);
    check_done(oph_signal_put_int(sig, 0, &err), &err, "by index");
    testOk1(text_is(sig, "Zero"));
    check_refused(oph_signal_put_text(sig, "Three", &err), &err, OPH_ERANGE, "choice", "choice",
                  "Three", "labels Zero, One, Two");
    check_refused(oph_signal_put_int(sig, 3, &err), &err, OPH_ERANGE, "choice", "choice", "3",
                  "indices 0 to 2");
    const oph_read_options label = {.size = sizeof label, .dtype = OPH_TEXT};
    oph_value *value = NULL;
    check_done(oph_signal_read(sig, &label, &value, &err), &err, "read as text");
    testOk1(value && !strcmp(oph_value_data(value), "Zero"));
    oph_value_free(value);
    oph_signal_free(sig);
    sig = NULL;
    check_refused(oph_soft_new(ctx, "choice", OPH_INT(3), &choice, &sig, &err), &err, OPH_ERANGE,
                  "choice", "choice", "3", "indices 0 to 2");
    testOk1(!sig);
}

/* Arrays */

static bool has_numbers(oph_signal *sig, const oph_read_options *opt, const double *wanted,
                        size_t count)
{
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    bool good = oph_signal_read(sig, opt, &value, &err) == 0;
    int64_t shape = -1;
    if (!good) testDiag("%s", err.text);
    good = good && oph_value_count(value) == count;
    for (size_t i = 0; good && i < count; i++) {
        double found;
        good = oph__value_double_at(value, (uint32_t)i, &found) && found == wanted[i];
    }
    good =
        good && (count == 1 || (oph_value_shape(value, &shape, 1) == 1 && shape == (int64_t)count));
    oph_value_free(value);
    return good;
}

static void test_arrays(void)
{
    const int32_t three[] = {1, -2, 3}, two[] = {70000, 5};
    const double as_doubles[] = {1, -2, 3}, second[] = {70000, 5};
    const oph_properties room = {.size = sizeof room, .count = 4, .writable = 1};
    const oph_data initial = {.dtype = OPH_INT32, .count = 3, .data = three};
    const oph_data next = {.dtype = OPH_INT32, .count = 2, .data = two};
    const oph_data none = {.dtype = OPH_INT32};
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = make("row", &initial, &room);
    testOk1(has_numbers(sig, NULL, as_doubles, 3));
    const oph_read_options doubles = {.size = sizeof doubles, .dtype = OPH_FLOAT64, .count = 2};
    testOk(has_numbers(sig, &doubles, as_doubles, 2), "two of them, as doubles");
    check_done(oph_signal_put(sig, &next, NULL, &err), &err, "a shorter one");
    testOk1(has_numbers(sig, NULL, second, 2));
    const oph_read_options narrow = {.size = sizeof narrow, .dtype = OPH_INT16};
    oph_value *value = NULL;
    check_refused(oph_signal_read(sig, &narrow, &value, &err), &err, OPH_ERANGE, "row", "row",
                  "a value", "70000");
    testOk1(!value);
    const double five[] = {1, 2, 3, 4, 5};
    const oph_data long_one = {.dtype = OPH_FLOAT64, .count = 5, .data = five};
    check_refused(oph_signal_put(sig, &long_one, NULL, &err), &err, OPH_ERANGE, "row", "row",
                  "5 elements", "a PV that holds 1 to 4");
    check_done(oph_soft_set(sig, &none, 0, 0, &err), &err, "its owner empties it");
    testOk1(has_numbers(sig, NULL, NULL, 0));
    oph_signal_free(sig);

    const char *const names[] = {"red", "green", "blue"};
    const oph_data texts = {.dtype = OPH_STRING, .count = 3, .data = names};
    sig = make("colours", &texts, NULL);
    check_done(oph_signal_read(sig, NULL, &value, &err), &err, "an array of texts");
    testOk1(value && oph_value_dtype(value) == OPH_TEXT && oph_value_count(value) == 3 &&
            !strcmp((const char *)oph_value_data(value) + 80, "blue"));
    oph_value_free(value);
    oph_signal_free(sig);
}

static void test_properties(void)
{
    const oph_properties given = {.size = sizeof given,
                                  .writable = 1,
                                  .precision = 2,
                                  .control_low = -1,
                                  .control_high = 10,
                                  .display_low = -2,
                                  .display_high = 12,
                                  .alarm_high = 11,
                                  .units = "keV"};
    const oph_put_options within = {.size = sizeof within, .flags = OPH_PUT_CHECK_LIMITS};
    oph_properties found = {.size = sizeof found};
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = make("energy", OPH_DOUBLE(1), &given);
    check_done(oph_signal_properties(sig, OPH_PART_READBACK, OPH_DEFAULT, &found, &err), &err,
               "properties");
    testOk1(found.dtype == OPH_FLOAT64 && found.count == 1 && found.readable && found.writable);
    testOk1(found.precision == 2 && !strcmp(found.units, "keV") && found.control_low == -1 &&
            found.control_high == 10 && !found.label_count && !found.host[0]);
    struct oph__chan_info info;
    testOk1(oph__pv_info(sig->read, &info) && info.display_low == -2 && info.display_high == 12 &&
            info.alarm_high == 11 && info.alarm_low == 0);
    check_refused(oph_signal_put(sig, OPH_DOUBLE(10.5), &within, &err), &err, OPH_ERANGE, "energy",
                  "energy", "10.5", "limits -1 to 10");
    check_done(oph_signal_put_double(sig, 10.5, &err), &err, "limits are kept when asked for");
    const oph_read_options text = {.size = sizeof text, .dtype = OPH_TEXT};
    oph_value *value = NULL;
    testOk1(oph_signal_read(sig, &text, &value, NULL) == 0 &&
            !strcmp(oph_value_data(value), "10.50"));
    oph_value_free(value);
    oph_signal_free(sig);
}

static void test_owner(void)
{
    const oph_properties locked = {.size = sizeof locked, .units = "C"};
    oph_error err = OPH_ERROR_INIT;
    oph_value *value = NULL;
    oph_signal *sig = make("temperature", OPH_DOUBLE(20), &locked);
    check_refused(oph_signal_put_double(sig, 21, &err), &err, OPH_EACCESS, "temperature",
                  "temperature", "21", "read-only");
    struct timespec before, after;
    clock_gettime(CLOCK_REALTIME, &before);
    check_done(oph_soft_set(sig, OPH_DOUBLE(90), 2, 3, &err), &err, "its owner may");
    clock_gettime(CLOCK_REALTIME, &after);
    testOk1(oph_signal_read(sig, NULL, &value, NULL) == 0 && oph_value_severity(value) == 2 &&
            oph_value_alarm(value) == 3);
    int64_t seconds = 0;
    int32_t nanoseconds = -1;
    oph_value_time(value, &seconds, &nanoseconds);
    bool late =
        seconds > before.tv_sec || (seconds == before.tv_sec && nanoseconds >= before.tv_nsec);
    bool early =
        seconds < after.tv_sec || (seconds == after.tv_sec && nanoseconds <= after.tv_nsec);
    testOk(late && early, "its time is that of the call");
    oph_value_free(value);
    check_refused(oph_soft_set(sig, OPH_CSTR("hot"), 0, 0, &err), &err, OPH_ETYPE, "temperature",
                  "temperature", "hot", "numbers");
    check_refused(oph_soft_set(sig, NULL, 0, 0, &err), &err, OPH_EINVAL, "temperature", NULL,
                  "a value", "NULL");
    oph_signal_free(sig);
}

static void test_wrong_calls(void)
{
    const oph_data no_type = {.dtype = 99, .count = 1, .data = "x"};
    const oph_data no_data = {.dtype = OPH_INT32, .count = 1};
    const oph_data none = {.dtype = OPH_INT32};
    oph_properties wide = {.size = sizeof wide, .units = "furlongs/day"};
    oph_properties unsized = {.writable = 0, .control_high = 5};
    oph_properties many = {.size = sizeof many, .label_count = 17, .dtype = OPH_ENUM};
    oph_properties long_label = {.size = sizeof long_label,
                                 .dtype = OPH_ENUM,
                                 .label_count = 1,
                                 .labels = {"a label of 26 characters.."}};
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = NULL;
    check_refused(oph_soft_new(ctx, NULL, OPH_INT(1), NULL, &sig, &err), &err, OPH_EINVAL, NULL,
                  NULL, NULL, NULL);
    check_refused(oph_soft_new(ctx, "", OPH_INT(1), NULL, &sig, &err), &err, OPH_EINVAL, NULL, NULL,
                  NULL, NULL);
    check_refused(oph_soft_new(ctx, "x", NULL, NULL, &sig, &err), &err, OPH_EINVAL, "x", NULL,
                  "an initial value", "NULL");
    check_refused(oph_soft_new(ctx, "x", &no_type, NULL, &sig, &err), &err, OPH_EINVAL, "x", NULL,
                  "enum oph_dtype", "99");
    check_refused(oph_soft_new(ctx, "x", &no_data, NULL, &sig, &err), &err, OPH_EINVAL, "x", NULL,
                  "elements", "NULL");
    check_refused(oph_soft_new(ctx, "x", &none, NULL, &sig, &err), &err, OPH_EINVAL, "x", NULL,
                  "room for 1", "count 0");
    check_refused(oph_soft_new(ctx, "x", OPH_INT(1), &unsized, &sig, &err), &err, OPH_EINVAL, "x",
                  NULL, "the size of oph_properties", "size 0");
    check_refused(oph_soft_new(ctx, "x", OPH_INT(1), &wide, &sig, &err), &err, OPH_ERANGE, "x",
                  NULL, "units of at most", "furlongs/day");
    check_refused(oph_soft_new(ctx, "x", OPH_INT(1), &many, &sig, &err), &err, OPH_ERANGE, "x",
                  NULL, "16 labels", "17");
    check_refused(oph_soft_new(ctx, "x", OPH_INT(0), &long_label, &sig, &err), &err, OPH_ERANGE,
                  "x", NULL, "25 characters", "a label of 26");
    testOk1(!sig);
}

/* Subscriptions */

static oph_subscription *follow(oph_signal *sig, const oph_subscribe_options *opt)
{
    oph_subscription *sub = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_subscribe(sig, opt, events_on, &said, &sub, &err)) testAbort("%s", err.text);
    return sub;
}

static void is_said(const char *text, const char *what)
{
    oph__loop_drain(ctx->dispatch);
    events_are(&said, text, what);
    events_forget(&said);
}

static void test_updates(void)
{
    oph_signal *sig = make("x", OPH_INT(1), NULL);
    oph_subscription *sub = follow(sig, NULL);
    is_said("connected:rw 1", "at once");
    oph_signal_put_int(sig, 2, NULL);
    oph_signal_put_int(sig, 2, NULL);
    oph_soft_set(sig, OPH_INT(3), 2, 3, NULL);
    is_said("2 2 3!2", "each put is an update");
    oph_subscription_free(sub);
    oph_signal_put_int(sig, 4, NULL);
    is_said("", "nothing after the end");

    const oph_subscribe_options alarms = {.size = sizeof alarms, .mask = OPH_ON_ALARM};
    sub = follow(sig, &alarms);
    oph_signal_put_int(sig, 5, NULL);
    oph_soft_set(sig, OPH_INT(6), 1, 3, NULL);
    oph_soft_set(sig, OPH_INT(7), 1, 3, NULL);
    oph_soft_set(sig, OPH_INT(8), 1, 4, NULL);
    is_said("connected:rw 4 6!1 8!1", "changes of the alarm alone");
    oph_subscription_free(sub);

    const oph_subscribe_options both = {.size = sizeof both,
                                        .mask = OPH_ON_PROPERTY | OPH_ON_VALUE};
    sub = follow(sig, &both);
    oph_signal_put_int(sig, 9, NULL);
    is_said("connected:rw metadata 8!1 9", "properties once, values as they come");
    oph_subscription_free(sub);
    oph_signal_free(sig);
}

static void test_queue(void)
{
    const oph_subscribe_options newest = {.size = sizeof newest, .delivery = OPH_DELIVER_NEWEST};
    const oph_subscribe_options deep = {.size = sizeof deep, .depth = 3};
    oph_queue *queue = NULL;
    oph_subscription *a = NULL, *b = NULL;
    oph_signal *sig = make("x", OPH_INT(0), NULL);
    oph_event *event = NULL;
    if (oph_queue_new(ctx, &queue, NULL) ||
        oph_subscribe_queue(sig, &newest, queue, &a, &a, NULL) ||
        oph_subscribe_queue(sig, &deep, queue, &b, &b, NULL))
        testAbort("no subscription");
    for (int i = 1; i <= 10; i++)
        oph_signal_put_int(sig, i, NULL);
    testOk1(oph_subscription_dropped(a) == 10 && oph_subscription_dropped(b) == 8);
    int64_t newest_of_a = -1, first_of_b = -1, last_of_b = -1;
    int events = 0;
    while (oph_queue_next(queue, 0, &event, NULL) == 0) {
        const oph_value *value = oph_event_value(event);
        if (value && oph_event_user(event) == &a) oph_value_get_int(value, &newest_of_a, NULL);
        if (value && oph_event_user(event) == &b) oph_value_get_int(value, &last_of_b, NULL);
        if (first_of_b < 0) first_of_b = last_of_b;
        oph_event_free(event);
        events++;
    }
    testOk(events == 6 && newest_of_a == 10 && first_of_b == 8 && last_of_b == 10,
           "the newest, and the last three; two connections");
    oph_subscription_free(a);
    oph_subscription_free(b);
    oph_queue_free(queue);
    oph_signal_free(sig);
}

static void test_group(void)
{
    oph_group *g = NULL;
    oph_status *status = NULL;
    oph_error err = OPH_ERROR_INIT;
    oph_signal *a = make("a", OPH_INT(1), NULL), *b = make("b", OPH_CSTR("x"), NULL);
    const oph_condition until = {.size = sizeof until, .equals = OPH_INT(3)};
    if (oph_group_new(ctx, &g, NULL)) testAbort("no group");
    oph_group_connect(g, a, NULL);
    oph_group_put(g, a, OPH_INT(2), NULL, NULL);
    oph_group_put(g, b, OPH_CSTR("y"), NULL, NULL);
    oph_group_read(g, a, NULL, NULL);
    check_done(oph_group_run(g, OPH_DEFAULT, NULL, &err), &err, "a group");
    int64_t value = 0;
    testOk1(oph_group_value(g, 3) && !oph_value_get_int(oph_group_value(g, 3), &value, NULL) &&
            value == 2 && text_is(b, "y"));
    oph_group_free(g);
    check_done(oph_signal_wait_start(a, &until, 20, &status, &err), &err, "a wait begins");
    oph_signal_put_int(a, 3, NULL);
    check_done(oph_status_wait(status, 20, &err), &err, "and ends with the put");
    oph_status_unref(status);
    oph_signal_free(a);
    oph_signal_free(b);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    ctx = fake_context(NULL, NULL);
    events_init(&said);
    test_name();
    test_integers();
    test_exact();
    test_floats();
    test_text();
    test_labels();
    test_arrays();
    test_properties();
    test_owner();
    test_wrong_calls();
    test_updates();
    test_queue();
    test_group();
    testOk(fake_opened() == 0, "no link was opened");
    oph_context_free(ctx);
    events_free(&said);
    testOk1(fake_end() == 0);
    return testDone();
}
