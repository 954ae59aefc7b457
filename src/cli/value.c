/* Values as text and as JSON. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* EPICS' own words, in its order. */
const char *cli_severity_name(int32_t severity)
{
    static const char *const names[] = {"NO_ALARM", "MINOR", "MAJOR", "INVALID"};
    return severity >= 0 && severity < 4 ? names[severity] : "?";
}

const char *cli_alarm_name(int32_t alarm)
{
    static const char *const names[] = {
        "NO_ALARM", "READ", "WRITE",   "HIHI",    "HIGH",        "LOLO",        "LOW",  "STATE",
        "COS",      "COMM", "TIMEOUT", "HWLIMIT", "CALC",        "SCAN",        "LINK", "SOFT",
        "BAD_SUB",  "UDF",  "DISABLE", "SIMM",    "READ_ACCESS", "WRITE_ACCESS"};
    return alarm >= 0 && (size_t)alarm < sizeof names / sizeof names[0] ? names[alarm] : "?";
}

enum cli_color cli_severity_color(int32_t severity)
{
    static const enum cli_color colors[] = {CLI_PLAIN, CLI_YELLOW, CLI_RED, CLI_MAGENTA};
    return severity >= 0 && severity < 4 ? colors[severity] : CLI_MAGENTA;
}

double cli_time(const oph_value *value)
{
    int64_t seconds;
    int32_t nanoseconds;
    oph_value_time(value, &seconds, &nanoseconds);
    return (double)seconds + 1e-9 * nanoseconds;
}

const char *cli_time_text(const oph_value *value, char *text, size_t size)
{
    int64_t seconds;
    int32_t nanoseconds;
    struct tm local;
    oph_value_time(value, &seconds, &nanoseconds);
    time_t clock = (time_t)seconds;
    if (!localtime_r(&clock, &local)) return "?";
    size_t length = strftime(text, size, "%Y-%m-%d %H:%M:%S", &local);
    snprintf(text + length, size - length, ".%03d", nanoseconds / 1000000);
    return text;
}

enum { TEXT_BYTES = 40, MOST_ELEMENTS = 8 }; /* of a string; that are told of an array */

/* --- One element */

static int64_t integer_at(const oph_value *value, size_t i)
{
    const void *data = oph_value_data(value);
    switch (oph_value_dtype(value)) {
    case OPH_INT8: return ((const int8_t *)data)[i];
    case OPH_UINT8: return ((const uint8_t *)data)[i];
    case OPH_INT16: return ((const int16_t *)data)[i];
    case OPH_UINT16:
    case OPH_ENUM: return ((const uint16_t *)data)[i];
    case OPH_INT32: return ((const int32_t *)data)[i];
    case OPH_UINT32: return ((const uint32_t *)data)[i];
    case OPH_INT64: return ((const int64_t *)data)[i];
    default: return 0;
    }
}

static double number_at(const oph_value *value, size_t i)
{
    const void *data = oph_value_data(value);
    return oph_value_dtype(value) == OPH_FLOAT32 ? (double)((const float *)data)[i]
                                                 : ((const double *)data)[i];
}

bool cli_is_float(const oph_value *value)
{
    int32_t dtype = oph_value_dtype(value);
    return dtype == OPH_FLOAT32 || dtype == OPH_FLOAT64;
}

/* The shortest text that reads back as the same number. */
static void shortest(double value, bool single, char *text, size_t size)
{
    for (int digits = single ? 6 : 15; digits <= 17; digits++) {
        double back;
        snprintf(text, size, "%.*g", digits, value);
        if (cli_to_double(text, &back) && (single ? (float)back == (float)value : back == value))
            return;
    }
}

static void element_text(const oph_value *value, const oph_properties *p, size_t i, char *text,
                         size_t size)
{
    int32_t dtype = oph_value_dtype(value);
    if (dtype == OPH_TEXT) {
        const char *chars = (const char *)oph_value_data(value) + TEXT_BYTES * i;
        snprintf(text, size, "%.*s", (int)strnlen(chars, TEXT_BYTES), chars);
    } else if (cli_is_float(value)) {
        shortest(number_at(value, i), dtype == OPH_FLOAT32, text, size);
    } else if (dtype == OPH_UINT64) {
        snprintf(text, size, "%llu",
                 (unsigned long long)((const uint64_t *)oph_value_data(value))[i]);
    } else {
        int64_t integer = integer_at(value, i);
        if (dtype == OPH_ENUM && p && integer < (int64_t)p->label_count)
            snprintf(text, size, "%s", p->labels[integer]);
        else
            snprintf(text, size, "%lld", (long long)integer);
    }
}

static json_t *element_json(const oph_value *value, size_t i)
{
    int32_t dtype = oph_value_dtype(value);
    if (cli_is_float(value)) return cli_json_double(number_at(value, i));
    if (dtype == OPH_UINT64)
        return json_integer((json_int_t)((const uint64_t *)oph_value_data(value))[i]);
    if (dtype != OPH_TEXT) return json_integer(integer_at(value, i));
    char text[TEXT_BYTES + 1];
    element_text(value, NULL, i, text, sizeof text);
    return cli_json_text(text);
}

/* --- All of it */

/* A CHAR waveform that is text, as the description says. */
static bool is_long_text(const oph_value *value, const oph_description *told)
{
    int32_t dtype = oph_value_dtype(value);
    return (dtype == OPH_INT8 || dtype == OPH_UINT8) && told && !strcmp(told->dtype, "string");
}

const char *cli_value_text(const oph_value *value, const oph_description *told, char *text,
                           size_t size)
{
    const oph_properties *p = told ? told->properties : NULL;
    size_t count = oph_value_count(value), used = 0;
    if (is_long_text(value, told)) {
        const char *chars = oph_value_data(value);
        size_t length = strnlen(chars, count);
        snprintf(text, size, "%.*s", (int)(length < size ? length : size), chars);
        return oph_text_clean(text);
    }
    if (count == 1) {
        element_text(value, p, 0, text, size);
        return oph_text_clean(text);
    }
    used = (size_t)snprintf(text, size, "%zu %s", count, oph_dtype_name(oph_value_dtype(value)));
    for (size_t i = 0; i < count && i < MOST_ELEMENTS; i++) {
        char one[64];
        element_text(value, p, i, one, sizeof one);
        if (used + strlen(one) + 8 > size) break;
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " " : ": ", one);
    }
    if (count > MOST_ELEMENTS && used + 5 < size) snprintf(text + used, size - used, " ...");
    return oph_text_clean(text);
}

json_t *cli_value_json(const oph_value *value, const oph_description *told)
{
    const oph_properties *p = told ? told->properties : NULL;
    size_t count = oph_value_count(value);
    if (is_long_text(value, told)) {
        const char *chars = oph_value_data(value);
        char *copy = strndup(chars, count);
        json_t *json = copy ? cli_json_text(copy) : NULL;
        free(copy);
        return json;
    }
    if (count == 1 && oph_value_dtype(value) == OPH_ENUM) {
        char label[64];
        element_text(value, p, 0, label, sizeof label);
        return cli_json_text(label);
    }
    if (count == 1) return element_json(value, 0);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(list, element_json(value, i))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

/* --- A line of a signal */

static json_t *show_json(const oph_signal *sig, const oph_value *value, const oph_description *told)
{
    bool is_enum = oph_value_dtype(value) == OPH_ENUM && oph_value_count(value) == 1;
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:f}", "path", cli_path(sig), "pv",
                     oph_signal_readback_pv(sig), "value", cli_value_json(value, told), "index",
                     is_enum ? json_integer(integer_at(value, 0)) : json_null(), "units",
                     cli_json_text(told && told->properties ? told->properties->units : ""),
                     "severity", cli_severity_name(oph_value_severity(value)), "alarm",
                     cli_alarm_name(oph_value_alarm(value)), "time", cli_time(value));
}

int cli_show(struct cli *cli, const oph_signal *sig, const oph_value *value,
             const oph_description *told)
{
    char text[512], when[64];
    const char *units = told && told->properties ? told->properties->units : "";
    const char *plain = cli_color(cli, CLI_PLAIN);
    int32_t severity = oph_value_severity(value);
    if (cli->json) return cli_json(cli, show_json(sig, value, told));
    cli_value_text(value, told, text, sizeof text);
    int pad = (int)(30 - strlen(text) - (*units ? 1 + strlen(units) : 0));
    cli_print(cli, "%-26s %s%s%s%s%s%*s %s%s%s", cli_path(sig), cli_color(cli, CLI_BOLD), text,
              plain, *units ? " " : "", units, pad > 0 ? pad : 0, "", cli_color(cli, CLI_DIM),
              cli_time_text(value, when, sizeof when), plain);
    if (severity)
        cli_print(cli, "  %s%s %s%s", cli_color(cli, cli_severity_color(severity)),
                  cli_severity_name(severity), cli_alarm_name(oph_value_alarm(value)), plain);
    cli_print(cli, "\n");
    return 0;
}
