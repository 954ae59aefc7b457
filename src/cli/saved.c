/* The settings of a detector, as they are and as a file has them. */
#include "cli/saved.h"

#include <stdlib.h>
#include <string.h>

/* --- What the IOC has */

static bool is_enum(const struct saved *s)
{
    return oph_value_dtype(s->former) == OPH_ENUM;
}

static bool is_unset(const oph_value *value)
{
    return oph_value_severity(value) == CLI_INVALID && oph_value_alarm(value) == CLI_UDF;
}

/* The readbacks of what is unset. */
static int read_group(struct cli *cli, struct saved_list *list)
{
    const oph_read_options options = {.size = sizeof options, .part = OPH_PART_READBACK};
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_group_new(cli->ctx, &list->readbacks, &err);
    for (size_t i = 0; !rc && i < list->count; i++)
        if (list->at[i].unset)
            rc = oph_group_read(list->readbacks, list->at[i].sig, &options, &err);
    if (!rc) rc = oph_group_run(list->readbacks, OPH_DEFAULT, &report, &err);
    if (rc) return cli_fail_report(&err, report);
    oph_report_free(report);
    return 0;
}

/* The list's values; `lenient` drops what the IOC lacks. */
static int read_values(struct cli *cli, struct saved_list *list, bool lenient)
{
    const oph_read_options options = {.size = sizeof options, .part = OPH_PART_SETPOINT};
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    size_t kept = 0;
    int rc = oph_group_new(cli->ctx, &list->values, &err);
    for (size_t i = 0; !rc && i < list->count; i++)
        rc = oph_group_read(list->values, list->at[i].sig, &options, &err);
    if (!rc) rc = oph_group_run(list->values, OPH_DEFAULT, &report, &err);
    if (rc && !(lenient && rc == OPH_EDISCONN)) return cli_fail_report(&err, report);
    oph_report_free(report);
    for (size_t i = 0; i < list->count; i++) {
        struct saved *s = &list->at[i];
        s->value = oph_group_value(list->values, i);
        if (!s->value) continue;
        s->former = s->value;
        s->unset = is_unset(s->value);
        list->at[kept++] = *s;
    }
    if (!kept && list->count) return cli_fail(&err);
    list->count = kept;
    return 0;
}

/* A setpoint that nobody has set goes back to what its readback was. */
static int read_readbacks(struct cli *cli, struct saved_list *list)
{
    int rc = read_group(cli, list);
    for (size_t i = 0, at = 0; !rc && i < list->count; i++) {
        if (!list->at[i].unset) continue;
        const oph_value *readback = oph_group_value(list->readbacks, at++);
        if (!is_unset(readback)) list->at[i].former = readback;
    }
    return rc;
}

/* The label of an enum's value, unless that leads to another value: an index without a label has
 * none, and of equal labels a put takes the first. */
static int take_label(struct saved *s)
{
    int32_t part = s->former == s->value ? OPH_PART_SETPOINT : OPH_PART_READBACK;
    oph_properties is = {.size = sizeof is};
    oph_error err = OPH_ERROR_INIT;
    int64_t index;
    uint32_t i = 0;
    int rc = oph_value_get_int(s->former, &index, &err);
    if (!rc) rc = oph_signal_properties(s->sig, part, OPH_DEFAULT, &is, &err);
    if (rc) return cli_fail(&err);
    if (index >= (int64_t)is.label_count) return 0;
    while (strcmp(is.labels[i], is.labels[index]) != 0)
        i++;
    if (i < index) return 0;
    s->label = strdup(is.labels[index]);
    return s->label ? 0 : cli_no_memory();
}

/* Labels: what an enum's value is for a person, whatever order a release has them in. */
static int read_labels(struct saved_list *list)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < list->count; i++)
        if (is_enum(&list->at[i])) rc = take_label(&list->at[i]);
    return rc;
}

static int take_text(struct saved *s)
{
    int32_t dtype = oph_value_dtype(s->former);
    size_t bytes = oph_value_count(s->former) * oph_dtype_size(dtype);
    oph_row row;
    oph_signal_row(s->sig, &row);
    if (dtype != OPH_TEXT && (dtype != OPH_UINT8 || row.type != OPH_ROW_TEXT)) return 0;
    s->text = bytes ? strndup(oph_value_data(s->former), bytes) : strdup("");
    return s->text ? 0 : cli_no_memory();
}

static int read_list(struct cli *cli, struct saved_list *list, bool lenient)
{
    int rc = read_values(cli, list, lenient);
    if (!rc && !lenient) rc = read_readbacks(cli, list);
    if (!rc) rc = read_labels(list);
    for (size_t i = 0; !rc && i < list->count; i++)
        rc = take_text(&list->at[i]);
    return rc;
}

void saved_free(struct saved_list *list)
{
    oph_group_free(list->values);
    oph_group_free(list->readbacks);
    for (size_t i = 0; i < list->count; i++) {
        free(list->at[i].text);
        free(list->at[i].label);
    }
    free(list->at);
}

static bool is_setting(oph_signal *sig)
{
    oph_row row;
    oph_signal_row(sig, &row);
    bool stays = row.how == OPH_HOW_RW || row.how == OPH_HOW_RBV || row.how == OPH_HOW_PATH;
    return stays && row.flags == 0 && row.type != OPH_ROW_ARRAY && row.type != OPH_ROW_ANY;
}

int saved_read_all(struct cli *cli, oph_device *det, struct saved_list *ret)
{
    struct cli_signals signals = {0};
    char dot[] = ".", *all = dot;
    int rc = cli_signals(det, 1, &all, &signals);
    if (!rc && !(ret->at = calloc(signals.count + 1, sizeof *ret->at))) rc = cli_no_memory();
    for (size_t i = 0; !rc && i < signals.count; i++)
        if (is_setting(signals.at[i])) ret->at[ret->count++].sig = signals.at[i];
    cli_signals_free(&signals);
    return rc ? rc : read_list(cli, ret, true);
}

/* --- What a file has */

static int parse_file(oph_device *det, const char *file)
{
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    char *text = cli_read_file(file);
    if (!text) return CLI_FAILED;
    int rc = oph_settings_parse(det, text, file, OPH_SETTINGS_REPLACE, &report, &err);
    free(text);
    if (!rc) {
        oph_report_free(report);
        return 0;
    }
    cli_fail_report(&err, report);
    return CLI_USAGE;
}

/* Folders are the same with and without a separator at the end. */
static bool same_text(const char *a, const char *b, bool folder)
{
    size_t m = strlen(a), n = strlen(b);
    while (folder && m > 1 && strchr("/\\", a[m - 1]))
        m--;
    while (folder && n > 1 && strchr("/\\", b[n - 1]))
        n--;
    return m == n && !memcmp(a, b, m);
}

static bool is_same(const struct saved *s)
{
    const oph_setting *wanted = &s->wanted;
    char text[4096];
    double number;
    oph_row row;
    if (s->unset) return false;
    if (wanted->dtype == OPH_STRING && s->label) return !strcmp(s->label, wanted->text);
    if (oph_value_dtype(s->value) == OPH_FLOAT32 && !oph_value_get_double(s->value, &number, NULL))
        return (float)number == (float)wanted->number;
    oph_signal_row(s->sig, &row);
    if (row.type != OPH_ROW_TEXT && !oph_value_get_double(s->value, &number, NULL))
        return wanted->dtype != OPH_STRING && number == wanted->number;
    const char *chars = saved_chars(s);
    if (!chars) chars = saved_text(s, text, sizeof text);
    return same_text(chars, wanted->text, row.how == OPH_HOW_PATH);
}

/* A file that somebody wrote may have what starts something, as a class's list of settings may. */
static int check_no_action(oph_signal *sig, const char *file)
{
    oph_row row;
    oph_signal_row(sig, &row);
    if (row.how != OPH_HOW_START) return 0;
    return cli_usage("%s: wanted settings, found %s, which is an action", file, cli_path(sig));
}

int saved_read_file(struct cli *cli, oph_device *det, const char *file, struct saved_list *ret)
{
    int rc = parse_file(det, file);
    size_t count = oph_settings_count(det);
    if (!rc && !(ret->at = calloc(count + 1, sizeof *ret->at))) rc = cli_no_memory();
    for (size_t i = 0; !rc && i < count; i++) {
        struct saved *s = &ret->at[ret->count++];
        const char *key = oph_settings_key_at(det, i);
        s->wanted.size = sizeof s->wanted;
        oph_settings_get(det, key, &s->wanted, NULL);
        rc = cli_signal(det, key, &s->sig);
        if (!rc) rc = check_no_action(s->sig, file);
    }
    if (!rc) rc = read_list(cli, ret, false);
    for (size_t i = 0; !rc && i < ret->count; i++)
        ret->at[i].differs = !is_same(&ret->at[i]);
    return rc;
}

const char *saved_chars(const struct saved *s)
{
    return s->label ? s->label : s->text;
}

const char *saved_text(const struct saved *s, char *text, size_t size)
{
    static const oph_description number = {.dtype = "number"};
    static const char cut[] = " ...";
    const char *chars = saved_chars(s);
    if (s->unset) chars = "never set";
    if (!chars) return cli_value_text(s->value, &number, text, size);
    snprintf(text, size, "%s", *chars ? chars : "\"\"");
    oph_text_clean(text);
    if (strlen(chars) >= size) memcpy(text + size - sizeof cut, cut, sizeof cut);
    return text;
}

json_t *saved_json(const struct saved *s)
{
    char text[4096];
    const char *chars = saved_chars(s);
    if (s->unset) return json_null();
    return cli_json_text(chars ? chars : saved_text(s, text, sizeof text));
}
