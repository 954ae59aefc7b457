/* What PVs take and give: refusals before anything is sent, integers that no double holds, limits,
 * conversions, waits. */
#include "lib/check.h"
#include "lib/plain.h"
#include "lib/probe.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static oph_context *ctx;
static struct probe *probe;

/* Integers of 64 bits come as doubles: what no double holds is never taken for another one. */
static void test_integers(void)
{
    oph_device *dev = plain_device(ctx, "row large large rw any config\n"
                                        "row out int64out rw any config\n");
    oph_error err = OPH_ERROR_INIT;
    const int64_t most = (1LL << 53) - 1;
    int64_t value = 0;
    double number = 0;

    plain_settle(ctx, dev);
    check_refused(oph_get_int(dev, "large", &value, &err), &err, OPH_ERANGE, "dev.large", "p:large",
                  NULL, NULL);
    check_done(oph_get_double(dev, "large", &number, &err), &err, "as a double");
    testOk(number == 0x1p53, "the nearest one");
    for (int sign = -1; sign <= 1; sign += 2) {
        check_done(oph_put(dev, "out", sign * most, &err), &err, "the largest that a double holds");
        check_done(oph_get_int(dev, "out", &value, &err), &err, "is read");
        testOk(value == sign * most, "as it was put: %lld", (long long)value);
        plain_refused(plain_signal(dev, "out"), OPH_INT(sign * (most + 2)), NULL, OPH_ERANGE,
                      "p:int64out", "exactly");
    }
    check_done(oph_put(dev, "out", 1LL << 60, &err), &err, "one beyond, that a double holds");
    check_refused(oph_get_int(dev, "out", &value, &err), &err, OPH_ERANGE, "dev.out", "p:int64out",
                  NULL, NULL);
    check_done(oph_get_double(dev, "out", &number, &err), &err, "it is read as a double");
    testOk(number == 0x1p60, "as it was put");
    oph_device_free(dev);
}

/* Each way to put refuses. */
static void refused(oph_device *dev, const char *attr, const char *pv, const oph_data *data,
                    uint32_t flags, int code, const char *found)
{
    const oph_put_options opt = {.size = sizeof opt, .flags = flags};
    oph_signal *sig = plain_signal(dev, attr);
    oph_group *group = NULL;
    oph_status *status = NULL;

    plain_refused(sig, data, &opt, code, pv, found);
    oph_group_new(ctx, &group, NULL);
    int rc = oph_group_put(group, sig, data, &opt, NULL);
    if (!rc) rc = oph_group_run(group, OPH_DEFAULT, NULL, NULL);
    oph_group_free(group);
    int started = oph_signal_put_start(sig, data, &opt, &status, NULL);
    if (!started) started = oph_status_wait(status, 5, NULL);
    oph_status_unref(status);
    testOk(rc == code && started == code, "by a group and by a status too");
}

static const char long_text[] = "forty characters, which are one too many";

#define STRING(text)                                                                               \
    {                                                                                              \
        OPH_STRING, 0, 1, &(const char *const)                                                     \
        {                                                                                          \
            text                                                                                   \
        }                                                                                          \
    }
#define INT(i)                                                                                     \
    {                                                                                              \
        OPH_INT64, 0, 1, &(const int64_t)                                                          \
        {                                                                                          \
            i                                                                                      \
        }                                                                                          \
    }
#define DOUBLE(f)                                                                                  \
    {                                                                                              \
        OPH_FLOAT64, 0, 1, &(const double)                                                         \
        {                                                                                          \
            f                                                                                      \
        }                                                                                          \
    }

static void test_refusals(void)
{
    oph_device *dev = plain_device(ctx, "row ao ao rw any config\n"
                                        "row ai ai rw any config\n"
                                        "row longout longout rw any config\n"
                                        "row mbbo mbbo rw any config\n"
                                        "row scan ai.SCAN rw any config\n"
                                        "row prec ai.PREC rw any config\n"
                                        "row disp ai.DISP rw any config\n"
                                        "row stringout stringout rw any config\n"
                                        "row desc ai.DESC$ rw text config\n"
                                        "row sel sel rw any config\n"
                                        "row permissive permissive rw any config\n"
                                        "row only ai ro any config\n");
    const struct {
        const char *attr, *pv;
        oph_data data;
        uint32_t flags;
        int code;
        const char *found;
    } rows[] = {
        {"mbbo", "p:mbbo", STRING("Never"), 0, OPH_ERANGE, "labels Single, Multiple, Continuous"},
        {"mbbo", "p:mbbo", STRING("single"), 0, OPH_ERANGE, "labels Single, Multiple, Continuous"},
        {"mbbo", "p:mbbo", INT(3), 0, OPH_ERANGE, "indices 0 to 2"},
        {"mbbo", "p:mbbo", INT(-1), 0, OPH_ERANGE, "indices 0 to 2"},
        {"mbbo", "p:mbbo", DOUBLE(1.5), 0, OPH_ETYPE, "whole numbers"},
        {"scan", "p:ai.SCAN", STRING("3 second"), 0, OPH_ERANGE, "labels Passive, Event"},
        {"ao", "p:ao", DOUBLE((double)NAN), 0, OPH_ERANGE, "not finite"},
        {"ao", "p:ao", DOUBLE(-(double)INFINITY), 0, OPH_ERANGE, "not finite"},
        {"ao", "p:ao", STRING("1.5"), 0, OPH_ETYPE, "holds numbers"},
        {"ao", "p:ao", DOUBLE(5.25), OPH_PUT_CHECK_LIMITS, OPH_ERANGE, "limits -5 to 5"},
        {"ai", "p:ai", DOUBLE(-1.25), OPH_PUT_CHECK_LIMITS, OPH_ERANGE, "limits -1 to 9"},
        {"longout", "p:longout", INT(11), OPH_PUT_CHECK_LIMITS, OPH_ERANGE, "limits -10 to 10"},
        {"longout", "p:longout", INT(1LL << 31), 0, OPH_ERANGE, "-2147483648 to 2147483647"},
        {"longout", "p:longout", DOUBLE(0.5), 0, OPH_ETYPE, "whole numbers"},
        {"longout", "p:longout", DOUBLE((double)NAN), OPH_PUT_NONFINITE, OPH_ETYPE,
         "whole numbers"},
        {"longout", "p:longout", STRING("many"), 0, OPH_ETYPE, "whole numbers"},
        {"prec", "p:ai.PREC", INT(32768), 0, OPH_ERANGE, "-32768 to 32767"},
        {"disp", "p:ai.DISP", INT(256), 0, OPH_ERANGE, "0 to 255"},
        {"disp", "p:ai.DISP", INT(-1), 0, OPH_ERANGE, "0 to 255"},
        {"stringout", "p:stringout", STRING(long_text), 0, OPH_ERANGE, "40 characters"},
        {"desc", "p:ai.DESC$", STRING("forty-one characters, which is one too ma"), 0, OPH_ERANGE,
         "41 characters"},
        {"sel", "p:sel", DOUBLE(1), 0, OPH_EACCESS, "no write access"},
        {"only", "p:ai", DOUBLE(1), 0, OPH_EACCESS, "read-only"},
    };

    plain_settle(ctx, dev);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        refused(dev, rows[i].attr, rows[i].pv, &rows[i].data, rows[i].flags, rows[i].code,
                rows[i].found);
    probe_is(probe, "ao", "2.50");
    probe_is(probe, "ai", "1.500");
    probe_is(probe, "longout", "-7");
    probe_is(probe, "mbbo", "Multiple");
    probe_is(probe, "stringout", "another string");
    probe_is(probe, "ai.DESC", "analogue input");
    oph_device_free(dev);
}

/* Limits count on request alone; what the IOC makes of it without is told. */
static void test_limits(void)
{
    oph_device *dev = plain_device(ctx, "row ao ao rw any config\n"
                                        "row ai ai rw any config\n"
                                        "row free untouched rw any config\n");
    const oph_put_options within = {.size = sizeof within, .flags = OPH_PUT_CHECK_LIMITS};
    oph_error err = OPH_ERROR_INIT;
    double value = 0;

    check_refused(oph_signal_put(plain_signal(dev, "ao"), OPH_DOUBLE(5.5), &within, &err), &err,
                  OPH_ERANGE, "dev.ao", "p:ao", "5.5", "limits -5 to 5");
    probe_is(probe, "ao", "2.50");
    check_done(oph_signal_put(plain_signal(dev, "ao"), OPH_DOUBLE(5), &within, &err), &err,
               "a limit itself");
    check_done(oph_signal_put(plain_signal(dev, "ao"), OPH_DOUBLE(-5), &within, &err), &err,
               "and the other");
    check_refused(oph_put(dev, "ao", 5.25, &err), &err, OPH_EMISMATCH, "dev.ao", "p:ao", "5.25",
                  "5");
    oph_get_double(dev, "ao", &value, NULL);
    testOk(value == 5, "which the IOC made of it");
    check_done(oph_put(dev, "ai", 9.5, &err), &err, "beyond limits that the IOC does not keep");
    check_done(oph_signal_put(plain_signal(dev, "free"), OPH_DOUBLE(1e9), &within, &err), &err,
               "no limits");
    oph_device_free(dev);
}

static void reads_as(oph_device *dev, const char *attr, int32_t dtype, const char *wanted)
{
    const oph_read_options opt = {.size = sizeof opt, .dtype = dtype};
    char found[100] = "nothing";
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_signal_read(plain_signal(dev, attr), &opt, &value, &err);

    if (!rc) plain_show(value, found, sizeof found);
    testOk(!rc && oph_value_dtype(value) == dtype && strcmp(found, wanted) == 0, "%s as %s is %s",
           attr, oph_dtype_name(dtype), wanted);
    if (rc || strcmp(found, wanted) != 0) testDiag("found %s%s", found, err.text);
    oph_value_free(value);
}

/* The IOC converts. */
static void test_conversions(void)
{
    oph_device *dev = plain_device(ctx, "row mbbi mbbi ro any config\n"
                                        "row calc calc ro any config\n"
                                        "row calcout calcout ro any config\n"
                                        "row longin longin ro any config\n"
                                        "row state state ro any config\n"
                                        "row stat undefined.STAT ro any config\n");
    char text[64] = "";
    oph_error err = OPH_ERROR_INIT;

    reads_as(dev, "mbbi", OPH_TEXT, "Waiting for the trigger");
    reads_as(dev, "mbbi", OPH_INT16, "3");
    reads_as(dev, "mbbi", OPH_FLOAT64, "3");
    reads_as(dev, "calc", OPH_TEXT, "12.0");
    reads_as(dev, "calcout", OPH_TEXT, "11.00000");
    reads_as(dev, "calcout", OPH_INT32, "11");
    reads_as(dev, "longin", OPH_TEXT, "42");
    reads_as(dev, "longin", OPH_FLOAT64, "42");
    reads_as(dev, "longin", OPH_UINT8, "42");
    reads_as(dev, "state", OPH_TEXT, "moving");
    reads_as(dev, "stat", OPH_TEXT, "UDF");
    check_done(oph_get_text(dev, "mbbi", text, sizeof text, &err), &err, "a label");
    testOk(strcmp(text, "Waiting for the trigger") == 0, "%s", text);
    check_done(oph_get_text(dev, "calc", text, sizeof text, &err), &err, "a number as text");
    testOk(strcmp(text, "12") == 0, "%s", text);
    check_refused(oph_get_text(dev, "mbbi", text, 23, &err), &err, OPH_ERANGE, "dev.mbbi", "p:mbbi",
                  "22", "23");
    oph_device_free(dev);
}

/* An enum whose row says text is read as its label. */
static void test_labels(void)
{
    oph_device *dev = plain_device(ctx, "row choice mbbo rw text normal\n");
    oph_signal *choice = plain_signal(dev, "choice");
    const oph_read_options cached = {.size = sizeof cached, .source = OPH_SOURCE_CACHE};
    const oph_read_options index = {.size = sizeof index, .dtype = OPH_ENUM};
    char text[64], name[32];
    int64_t number;
    oph_readings *readings = NULL;
    oph_descriptions *told = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;

    check_done(oph_signal_put_text(choice, "Multiple", &err), &err, "is put by its label");
    reads_as(dev, "choice", OPH_TEXT, "Multiple");
    check_done(oph_signal_put_int(choice, 2, &err), &err, "or its index");
    for (int i = 0; i < 2; i++) {
        oph_value *value = NULL;
        check_done(oph_signal_read(choice, i ? &index : &cached, &value, &err), &err,
                   i ? "the index on demand" : "from the cache");
        testOk(!strcmp(plain_show(value, name, sizeof name), i ? "2" : "Continuous"), "%s", name);
        oph_value_free(value);
    }
    check_done(oph_signal_get_text(choice, text, sizeof text, &err), &err, "as text");
    testOk(!strcmp(text, "Continuous"), "%s", text);
    check_refused(oph_signal_get_int(choice, &number, &err), &err, OPH_ETYPE, "dev.choice",
                  "p:mbbo", "a whole number", "Continuous");
    check_done(oph_read(dev, 10, &readings, NULL, &err), &err, "a reading");
    const oph_reading *reading = oph_readings_at(readings, 0);
    testOk(reading && !strcmp(reading->text, "Continuous") &&
               oph_value_dtype(reading->value) == OPH_TEXT,
           "has the label");
    check_done(oph_describe(dev, 10, &told, NULL, &err), &err, "its description");
    const oph_description *one = oph_descriptions_at(told, 0);
    testOk(one && !strcmp(one->dtype, "string") && !strcmp(one->dtype_numpy, "<U25") &&
               one->properties->label_count == 3,
           "a string with choices");
    check_done(oph_differences(dev, 10, &report, &err), &err, "compared with the IOC");
    testOk(oph_report_count(report) == 0, "there is nothing else than the class says");
    oph_report_free(report);
    oph_descriptions_free(told);
    oph_readings_free(readings);
    oph_device_free(dev);
}

static int is_later(const oph_value *value, void *user)
{
    return *(const double *)oph_value_data(value) > *(const double *)user;
}

/* Values that come by themselves, and that somebody else puts. */
static void test_waits(void)
{
    oph_device *dev = plain_device(ctx, "row ticks ticks ro any config\n"
                                        "row state bo ro any config\n"
                                        "row text stringout ro any config\n");
    const oph_read_options cached = {.size = sizeof cached, .source = OPH_SOURCE_CACHE};
    oph_signal *ticks = plain_signal(dev, "ticks"), *state = plain_signal(dev, "state");
    oph_value *value = NULL;
    oph_status *status = NULL;
    oph_error err = OPH_ERROR_INIT;
    double now = 0, later;

    check_done(oph_get_double(dev, "ticks", &now, &err), &err, "what it is now");
    later = now + 3;
    const oph_condition passed = {.size = sizeof passed, .test = is_later, .user = &later};
    check_done(oph_signal_wait(ticks, &passed, 10, &err), &err, "it goes on");
    check_done(oph_signal_read(ticks, &cached, &value, &err), &err, "the newest that came");
    testOk(value && is_later(value, &later), "is as new");
    oph_value_free(value);

    const oph_condition open = {.size = sizeof open, .equals = OPH_CSTR("Open")};
    check_done(oph_signal_wait_start(state, &open, 10, &status, &err), &err, "a wait for a label");
    probe_set(probe, "bo", "Open");
    check_done(oph_status_wait(status, 10, &err), &err, "ends when another client puts it");
    oph_status_unref(status);
    const oph_condition closed = {.size = sizeof closed, .equals = OPH_INT(0)};
    int rc = oph_signal_wait(state, &closed, 0.2, &err);
    check_refused(rc, &err, OPH_EMISMATCH, "dev.state", "p:bo", "Closed", "Open");
    const oph_condition text = {.size = sizeof text, .equals = OPH_CSTR("another string")};
    check_done(oph_signal_wait(plain_signal(dev, "text"), &text, 10, &err), &err,
               "what it is already");
    oph_device_free(dev);
}

int main(void)
{
    testPlan(0);
    struct sim *plain = plain_start();
    probe = probe_new("p:");
    ctx = plain_context(0, 0, 0);
    test_integers();
    test_refusals();
    test_limits();
    test_conversions();
    test_labels();
    test_waits();
    oph_context_free(ctx);
    probe_free(probe);
    sim_stop(plain);
    return testDone();
}
