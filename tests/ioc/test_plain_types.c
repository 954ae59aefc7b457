/* Every record type of Base, and fields of each kind: connected, read, written. What is read is
 * compared with what an independent client reads. */
#include "lib/check.h"
#include "lib/plain.h"
#include "lib/probe.h"

#include "base/str.h"

#include <epicsUnitTest.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EPICS_EPOCH = 631152000 }; /* 1990-01-01 UTC as Unix time */

/* The record types of base.dbd: for each there is a record of its name. */
static const char *const types[] = {
    "aai",        "aao",      "ai",         "ao",         "aSub",     "bi",      "bo",
    "calc",       "calcout",  "compress",   "dfanout",    "event",    "fanout",  "histogram",
    "int64in",    "int64out", "longin",     "longout",    "lsi",      "lso",     "mbbi",
    "mbbiDirect", "mbbo",     "mbboDirect", "permissive", "printf",   "sel",     "seq",
    "state",      "stringin", "stringout",  "sub",        "subArray", "waveform"};
enum { TYPES = sizeof types / sizeof *types };

/* Values as text: numbers, the index of an enumeration, a text, arrays in brackets. */
struct row {
    const char *suffix; /* of the PV, behind p: */
    int32_t dtype;
    const char *value; /* as the IOC starts; NULL: what the probe reads */
    const char *put;   /* NULL: not to be written */
    const char *after; /* what is read then; NULL: what was put */
};

static const struct row values[] = {
    {"aai", OPH_FLOAT64, "[1.5 2.5 3.5]", NULL, NULL},
    {"aao", OPH_INT16, "[]", NULL, NULL},
    {"ai", OPH_FLOAT64, "1.5", "2.25", NULL},
    {"ao", OPH_FLOAT64, "2.5", "-1.5", NULL},
    {"aSub", OPH_INT32, "0", NULL, NULL},
    {"bi", OPH_ENUM, "1", "Out", "0"},
    {"bo", OPH_ENUM, "0", "Open", "1"},
    {"calc", OPH_FLOAT64, "12", NULL, NULL},
    {"calcout", OPH_FLOAT64, "11", NULL, NULL},
    {"compress", OPH_FLOAT64, "[]", NULL, NULL},
    {"dfanout", OPH_FLOAT64, "0.25", "0.5", NULL},
    {"event", OPH_TEXT, "event name", "another event", NULL},
    {"fanout", OPH_INT32, "0", "3", NULL},
    {"histogram", OPH_FLOAT64, "[0 0 0 0 0 0 0 0 0 0]", NULL, NULL},
    {"int64in", OPH_FLOAT64, "1234567890123", "-9007199254740991", NULL},
    {"int64out", OPH_FLOAT64, "-5000000000", "8000000000", NULL},
    {"longin", OPH_INT32, "42", "-2147483648", NULL},
    {"longout", OPH_INT32, "-7", "9", NULL},
    {"lsi", OPH_TEXT, "a long string which is an input and has", NULL, NULL},
    {"lso", OPH_TEXT, "/a/path/of/the/ioc/which/has/more/than/", NULL, NULL},
    {"mbbi", OPH_ENUM, "3", "Acquire", "1"},
    {"mbbiDirect", OPH_INT32, "165", NULL, NULL},
    {"mbbo", OPH_ENUM, "1", "2", NULL},
    {"mbboDirect", OPH_INT32, "513", "1025", NULL},
    {"permissive", OPH_INT32, "1", "0", NULL},
    {"printf", OPH_TEXT, "42 frames of Waiting for the trigger, 1", NULL, NULL},
    {"sel", OPH_FLOAT64, "8.5", NULL, NULL},
    {"seq", OPH_INT32, "0", "2", NULL},
    {"state", OPH_TEXT, "moving", "idle", NULL},
    {"stringin", OPH_TEXT, "a string", "a string of thirty-nine characters....!", NULL},
    {"stringout", OPH_TEXT, "another string", "", NULL},
    {"sub", OPH_FLOAT64, "42", NULL, NULL},
    {"subArray", OPH_FLOAT64, "[2.5 3.5]", NULL, NULL},
    {"waveform", OPH_FLOAT32, "[]", NULL, NULL},
};

/* Fields of every kind that dbd files know, at one record or another. */
static const struct row fields[] = {
    {"ai.EGU", OPH_TEXT, "mm", "furlongs", NULL},
    {"ai.PREC", OPH_INT16, "3", "-2", NULL},
    {"ai.HIHI", OPH_FLOAT64, "8", "1e+100", NULL},
    {"ai.HHSV", OPH_ENUM, "2", "MINOR", "1"},
    {"ai.INP", OPH_TEXT, "1.5", NULL, NULL},
    {"ai.DTYP", OPH_ENUM, "0", NULL, NULL},
    {"ai.PINI", OPH_ENUM, "1", "NO", "0"},
    {"ai.STAT", OPH_ENUM, "0", NULL, NULL},
    {"ai.SEVR", OPH_ENUM, "0", NULL, NULL},
    {"ai.TPRO", OPH_UINT8, "0", "255", NULL},
    {"ai.DISV", OPH_INT16, "1", "-32768", NULL},
    {"ai.PHAS", OPH_INT16, "0", "32767", NULL},
    {"ai.ASG", OPH_TEXT, "", "DEFAULT", NULL},
    {"ai.FLNK", OPH_TEXT, "", "p:calc.PROC", NULL},
    {"ao.DRVH", OPH_FLOAT64, "5", "4.75", NULL},
    {"ao.OIF", OPH_ENUM, "0", "Incremental", "1"},
    {"aai.NORD", OPH_FLOAT64, "3", NULL, NULL},
    {"aao.NELM", OPH_FLOAT64, "6", NULL, NULL},
    {"aSub.A", OPH_FLOAT64, "[0 0 0 0]", NULL, NULL},
    {"aSub.FTA", OPH_ENUM, "10", NULL, NULL},
    {"bi.ZNAM", OPH_TEXT, "Out", "Outside", NULL},
    {"calc.CALC", OPH_TEXT, "A*B", "A+B", NULL},
    {"calc.A", OPH_FLOAT64, "3", "30", NULL},
    {"calcout.OOPT", OPH_ENUM, "0", "When Zero", "2"},
    {"compress.ALG", OPH_ENUM, "4", NULL, NULL},
    {"dfanout.OUTA", OPH_TEXT, "p:ao.A PP NMS", NULL, NULL},
    {"histogram.ULIM", OPH_FLOAT64, "10", "100", NULL},
    {"int64in.HOPR", OPH_FLOAT64, "4000000000000", NULL, NULL},
    {"longin.HIGH", OPH_INT32, "40", "-40", NULL},
    {"mbbi.THST", OPH_TEXT, "Waiting for the trigger", "Waiting", NULL},
    {"mbbi.THVL", OPH_FLOAT64, "0", "4294967295", NULL},
    {"mbboDirect.BA", OPH_UINT8, "1", "0", NULL},
    {"printf.FMT", OPH_TEXT, "%d frames of %s, %.3f s", NULL, NULL},
    {"sel.SELM", OPH_ENUM, "1", "Low Signal", "2"},
    {"seq.DLY1", OPH_FLOAT64, "0", "0.125", NULL},
    {"stringin.SIMM", OPH_ENUM, "0", NULL, NULL},
    {"subArray.INP", OPH_TEXT, "p:aai NPP NMS", NULL, NULL},
    {"subArray.INDX", OPH_FLOAT64, "1", "0", NULL},
    {"sub.SNAM", OPH_TEXT, "plain_sum", NULL, NULL},
    {"waveform.FTVL", OPH_ENUM, "9", NULL, NULL},
};

/* Texts of more than 40 bytes: arrays of characters, by a $ behind the field's name. */
static const struct row long_texts[] = {
    {"lsi.VAL$", OPH_UINT8, "a long string which is an input and has more than forty characters",
     "another long string, which has more than those forty characters that a string has", NULL},
    {"lso.VAL$", OPH_UINT8, "/a/path/of/the/ioc/which/has/more/than/forty/characters/in/it",
     "/b/path/of/the/ioc/which/has/more/than/forty/characters/in/it", NULL},
    {"lso.$", OPH_UINT8, "/a/path/of/the/ioc/which/has/more/than/forty/characters/in/it", "short",
     NULL},
    {"printf.VAL$", OPH_UINT8, "42 frames of Waiting for the trigger, 1.500 s", NULL, NULL},
    {"stringout.VAL$", OPH_UINT8, "", "thirty-nine characters, which is all...", NULL},
    {"stringin.$", OPH_UINT8, "a string of thirty-nine characters....!", "", NULL},
    {"waveform.DESC$", OPH_UINT8, "waveform", "forty characters, which is what it takes", NULL},
    {"subArray.INP$", OPH_UINT8, "p:aai NPP NMS", NULL, NULL},
    {"mbbo.ZRST$", OPH_UINT8, "Single", "All but one of them, only", NULL},
    {"of:UCHAR", OPH_UINT8, "", "fifteen of them", NULL},
    {"of:CHAR", OPH_UINT8, "", "a", NULL},
};

static struct probe *probe;
static oph_context *ctx;

static bool same_data(const struct probe_value *seen, const oph_value *value)
{
    const char *ours = oph_value_data(value), *theirs = seen->data;
    bool same = (size_t)seen->count == oph_value_count(value);

    if (oph_value_dtype(value) != OPH_TEXT)
        return same && (!seen->bytes || !memcmp(ours, theirs, seen->bytes));
    for (size_t i = 0; same && i < oph_value_count(value); i++)
        same = !strncmp(ours + 40 * i, theirs + 40 * i, 40); /* what follows the NUL is noise */
    return same;
}

/* What the independent client reads is the same: type, elements, bytes, alarm and time. */
static bool is_what_the_probe_reads(const oph_value *value, const char *name)
{
    struct probe_value seen;
    int64_t seconds;
    int32_t nanoseconds;

    if (probe_read(probe, name, &seen)) return false;
    oph_value_time(value, &seconds, &nanoseconds);
    bool same =
        plain_dtype(seen.type) == oph_value_dtype(value) && same_data(&seen, value) &&
        seen.severity == oph_value_severity(value) && seen.status == oph_value_alarm(value) &&
        seconds == (int64_t)seen.seconds + EPICS_EPOCH && nanoseconds == (int32_t)seen.nanoseconds;
    if (!same)
        testDiag("the probe: %s[%ld], alarm %d, severity %d, time %u.%09u", seen.type, seen.count,
                 seen.status, seen.severity, seen.seconds, seen.nanoseconds);
    free(seen.data);
    return same;
}

/* One testOk. */
static void reads(oph_signal *sig, const struct row *row, const char *wanted, bool as_text)
{
    char found[300] = "nothing";
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_signal_read(sig, NULL, &value, &err);

    if (!rc && as_text)
        rc = oph_signal_get_text(sig, found, sizeof found, &err);
    else if (!rc)
        plain_show(value, found, sizeof found);
    testOk(!rc && oph_value_dtype(value) == row->dtype && (!wanted || strcmp(found, wanted) == 0) &&
               is_what_the_probe_reads(value, row->suffix),
           "%s is %s", row->suffix, found);
    if (rc)
        testDiag("%s", err.text);
    else if (wanted && strcmp(found, wanted) != 0)
        testDiag("wanted %s", wanted);
    oph_value_free(value);
}

static int put(oph_signal *sig, const struct row *row, bool as_text, oph_error *err)
{
    int64_t integer;
    double number;

    if (!as_text && row->dtype != OPH_TEXT && oph__to_int(row->put, &integer))
        return oph_signal_put_int(sig, integer, err);
    if (!as_text && row->dtype != OPH_TEXT && oph__to_double(row->put, &number))
        return oph_signal_put_double(sig, number, err);
    return oph_signal_put_text(sig, row->put, err);
}

static void test_rows(const struct row *all, size_t count, bool as_text)
{
    struct oph__buf text = {0};
    const char *names[TYPES * 8];
    char attr[16], what[200];
    oph_error err = OPH_ERROR_INIT;

    for (size_t i = 0; i < count; i++)
        names[i] = all[i].suffix;
    probe_connect(probe, names, (int)count);
    for (size_t i = 0; i < count; i++)
        oph__buf_addf(&text, "row r%zu %s rw %s config\n", i, all[i].suffix,
                      as_text ? "text" : "any");
    oph_device *dev = plain_device(ctx, text.text);
    oph__buf_free(&text);
    plain_connect(ctx, dev);
    for (size_t i = 0; i < count; i++) {
        snprintf(attr, sizeof attr, "r%zu", i);
        reads(plain_signal(dev, attr), &all[i], all[i].value, as_text);
    }
    for (size_t i = 0; i < count; i++) {
        if (!all[i].put) continue;
        snprintf(attr, sizeof attr, "r%zu", i);
        oph_signal *sig = plain_signal(dev, attr);
        snprintf(what, sizeof what, "%s = %s", all[i].suffix, all[i].put);
        check_done(put(sig, &all[i], as_text, &err), &err, what);
        reads(sig, &all[i], all[i].after ? all[i].after : all[i].put, as_text);
    }
    oph_device_free(dev);
}

/* What base.dbd has is what is tested here: a new release with another type fails. */
static void test_types(void)
{
    oph_device *dev = plain_device(ctx, "row types types ro array config\n");
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_signal_read(plain_signal(dev, "types"), NULL, &value, &err);

    testOk(!rc && oph_value_dtype(value) == OPH_TEXT && oph_value_count(value) == TYPES,
           "Base has %d record types", TYPES);
    for (size_t i = 0; !rc && i < oph_value_count(value); i++) {
        const char *name = (const char *)oph_value_data(value) + 40 * i;
        bool known = false;
        for (size_t k = 0; k < TYPES; k++)
            known |= strcmp(types[k], name) == 0;
        testOk(known, "%s is among those that are tested", name);
    }
    oph_value_free(value);
    oph_device_free(dev);
}

/* What every record has. */
static void test_common(void)
{
    static const struct row of_each[] = {
        {"RTYP", OPH_TEXT, NULL, NULL, NULL}, /* its type's name */
        {"DESC", OPH_TEXT, NULL, "a description of the record", NULL},
        {"SCAN", OPH_ENUM, "0", "10 second", "3"},
        {"DISA", OPH_INT16, "0", "2", NULL},
        {"LCNT", OPH_UINT8, "0", NULL, NULL},
    };
    enum { EACH = sizeof of_each / sizeof *of_each };
    static char suffixes[TYPES * EACH][24];
    static struct row all[TYPES * EACH];

    for (size_t i = 0; i < TYPES * EACH; i++) {
        const char *type = types[i / EACH];
        all[i] = of_each[i % EACH];
        snprintf(suffixes[i], sizeof suffixes[i], "%s.%s", type, all[i].suffix);
        all[i].suffix = suffixes[i];
        if (i % EACH == 0) all[i].value = type;
    }
    test_rows(all, TYPES * EACH, false);
}

/* The first update of each is what is read. */
static void test_updates(const struct row *all, size_t count)
{
    struct oph__buf text = {0};
    oph_subscription *subs[TYPES];
    oph_queue *queue = NULL;
    char attr[24], found[300];
    oph_error err = OPH_ERROR_INIT;
    size_t came = 0;
    int rc = oph_queue_new(ctx, &queue, &err);

    for (size_t i = 0; i < count; i++)
        oph__buf_addf(&text, "row r%zu %s ro any config\n", i, all[i].suffix);
    oph_device *dev = plain_device(ctx, text.text);
    oph__buf_free(&text);
    for (size_t i = 0; i < count && !rc; i++) {
        snprintf(attr, sizeof attr, "r%zu", i);
        rc = oph_subscribe_queue(plain_signal(dev, attr), NULL, queue, (void *)(uintptr_t)&all[i],
                                 &subs[i], &err);
    }
    for (oph_event *event = NULL; came < count && !rc; oph_event_free(event)) {
        rc = oph_queue_next(queue, 10, &event, &err);
        const oph_value *value = rc ? NULL : oph_event_value(event);
        if (!value) continue;
        const struct row *row = oph_event_user(event);
        plain_show(value, found, sizeof found);
        testOk(oph_value_dtype(value) == row->dtype && strcmp(found, row->value) == 0,
               "an update of %s: %s", row->suffix, found);
        came++;
    }
    testOk(came == count, "%zu of %zu", came, count);
    for (size_t i = 0; i < came; i++)
        oph_subscription_free(subs[i]);
    oph_queue_free(queue);
    oph_device_free(dev);
}

static void test_alarms(void)
{
    static const struct {
        const char *attr;
        int severity, alarm; /* 3 HIHI, 4 HIGH, 7 STATE, 17 UDF */
    } rows[] = {{"ai", 0, 0}, {"longin", 1, 4}, {"bo", 0, 0}, {"bi", 0, 0}, {"untouched", 3, 17}};
    oph_device *dev = plain_device(ctx, "row ai ai rw any config\n"
                                        "row longin longin rw any config\n"
                                        "row bo bo rw any config\n"
                                        "row bi bi rw any config\n"
                                        "row untouched untouched ro any config\n");
    oph_error err = OPH_ERROR_INIT;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        oph_value *value = NULL;
        int rc = oph_signal_read(plain_signal(dev, rows[i].attr), NULL, &value, &err);
        testOk(!rc && oph_value_severity(value) == rows[i].severity &&
                   oph_value_alarm(value) == rows[i].alarm,
               "%s: severity %d, alarm %d", rows[i].attr, rows[i].severity, rows[i].alarm);
        oph_value_free(value);
    }
    oph_device_free(dev);
}

static void test_time(void)
{
    oph_device *dev = plain_device(ctx, "row ticks ticks ro any config\n"
                                        "row untouched untouched ro any config\n");
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    struct timespec before, after;
    int64_t seconds = 0;
    int32_t nanoseconds = -1;

    check_done(oph_signal_read(plain_signal(dev, "untouched"), NULL, &value, &err), &err,
               "a record that was never processed");
    oph_value_time(value, &seconds, &nanoseconds);
    testOk(seconds == EPICS_EPOCH && nanoseconds == 0, "is of 1990: %" PRId64 ".%09d", seconds,
           (int)nanoseconds);
    testOk(oph_value_severity(value) == 3 && oph_value_alarm(value) == 17, "invalid, since UDF");
    oph_value_free(value);
    clock_gettime(CLOCK_REALTIME, &before);
    int rc = oph_signal_read(plain_signal(dev, "ticks"), NULL, &value, &err);
    clock_gettime(CLOCK_REALTIME, &after);
    check_done(rc, &err, "one that is processed ten times a second");
    oph_value_time(value, &seconds, &nanoseconds);
    testOk(seconds >= before.tv_sec - 60 && seconds <= after.tv_sec + 1, "is of now");
    oph_value_free(value);
    oph_device_free(dev);
}

#define TEST_ROWS(rows, as_text) test_rows(rows, sizeof(rows) / sizeof *(rows), as_text)

int main(void)
{
    oph_error err = OPH_ERROR_INIT;

    testPlan(0);
    struct sim *plain = plain_start();
    probe = probe_new("p:");
    if (oph_context_new(NULL, &ctx, &err)) testAbort("%s", err.text);
    test_types();
    test_alarms();
    test_updates(values, sizeof values / sizeof *values);
    TEST_ROWS(values, false);
    TEST_ROWS(fields, false);
    TEST_ROWS(long_texts, true);
    test_common();
    test_time();
    oph_context_free(ctx);
    probe_free(probe);
    sim_stop(plain);
    return testDone();
}
