/* Settings: all at once, setpoints beside readbacks, and before beside after. */
#include "cli/doctor.h"

#include <stdlib.h>
#include <string.h>

struct setting {
    oph_signal *sig;
    bool path, start;
    size_t setpoint, readback; /* entries of the group; the same where there is one PV */
};

struct doctor_settings {
    oph_group *group;
    struct setting *list;
    size_t count;
};

void doctor_settings_free(struct doctor_settings *settings)
{
    if (!settings) return;
    oph_group_free(settings->group);
    free(settings->list);
    free(settings);
}

size_t doctor_settings_count(const struct doctor_settings *settings)
{
    return settings->count;
}

/* --- Collecting */

static bool is_setting(const oph_row *row)
{
    static const char *const of_frames[] = {"data_type", "color_mode"};
    for (size_t i = 0; i < 2; i++) {
        if (strcmp(row->class_name, "PluginBase") == 0 && strcmp(row->attr, of_frames[i]) == 0)
            return false;
    }
    return row->how != OPH_HOW_RO && row->type != OPH_ROW_ANY &&
           !(row->flags & (OPH_ROW_COUNTER | OPH_ROW_MOVES));
}

static int add_part(struct doctor_settings *s, oph_signal *sig, int32_t part, size_t *ret,
                    oph_error *err)
{
    const oph_read_options options = {.size = sizeof options, .part = part};
    *ret = oph_group_count(s->group);
    return oph_group_read(s->group, sig, &options, err);
}

static int add(struct doctor_settings *s, oph_signal *sig, oph_error *err)
{
    oph_row row;
    oph_signal_row(sig, &row);
    if (!is_setting(&row)) return 0;
    struct setting one = {
        .sig = sig, .path = row.how == OPH_HOW_PATH, .start = row.how == OPH_HOW_START};
    struct setting *more = realloc(s->list, (s->count + 1) * sizeof *more);
    if (!more) return snprintf(err->text, sizeof err->text, "no memory"), OPH_ENOMEM;
    s->list = more;
    int rc = add_part(s, sig, OPH_PART_SETPOINT, &one.setpoint, err);
    one.readback = one.setpoint;
    if (!rc && strcmp(oph_signal_pv(sig), oph_signal_readback_pv(sig)) != 0)
        rc = add_part(s, sig, OPH_PART_READBACK, &one.readback, err);
    if (!rc) s->list[s->count++] = one;
    return rc;
}

struct doctor_settings *doctor_settings_read(struct doctor *d)
{
    struct doctor_settings *s = calloc(1, sizeof *s);
    struct cli_signals all = {0};
    char dot[] = ".", *paths[] = {dot};
    oph_error err = OPH_ERROR_INIT;
    if (!s) {
        d->failed = true;
        return NULL;
    }
    int rc = oph_group_new(d->cli->ctx, &s->group, &err);
    if (!rc && cli_signals(d->det, 1, paths, &all)) rc = OPH_ENOMEM;
    for (size_t i = 0; !rc && i < all.count; i++)
        rc = add(s, all.at[i], &err);
    cli_signals_free(&all);
    /* One that the IOC lacks has no value, which is for another check to tell. */
    if (!rc && oph_group_run(s->group, d->cli->timeout, NULL, &err) == OPH_EINTR) rc = OPH_EINTR;
    if (!rc) return s;
    doctor_error(d, &err);
    doctor_settings_free(s);
    return NULL;
}

/* --- Comparing */

/* Text as 40 bytes or as an array of bytes; false: it is none. */
static bool text_of(const oph_value *value, char *text, size_t size)
{
    int32_t dtype = oph_value_dtype(value);
    size_t count = oph_value_count(value) * oph_dtype_size(dtype);
    if (dtype != OPH_TEXT && dtype != OPH_INT8 && dtype != OPH_UINT8) return false;
    if (count > size - 1) count = size - 1;
    memcpy(text, oph_value_data(value), count);
    text[count] = 0;
    return true;
}

static void end_without_separator(char *path)
{
    size_t length = strlen(path);
    while (length > 1 && (path[length - 1] == '/' || path[length - 1] == '\\'))
        path[--length] = 0;
}

static bool same(const oph_value *a, const oph_value *b, bool path)
{
    double x, y;
    char one[1024], other[1024];
    bool array = oph_value_count(a) != 1 || oph_value_count(b) != 1;
    if (!array && oph_value_get_double(a, &x, NULL) == 0 && oph_value_get_double(b, &y, NULL) == 0)
        return x == y || (isnan(x) && isnan(y)) ||
               ((cli_is_float(a) || cli_is_float(b)) &&
                fabs(x - y) <= 1e-6 * fmax(fabs(x), fabs(y)));
    if (text_of(a, one, sizeof one) && text_of(b, other, sizeof other)) {
        if (path) end_without_separator(one);
        if (path) end_without_separator(other);
        return strcmp(one, other) == 0;
    }
    size_t bytes = oph_value_count(a) * oph_dtype_size(oph_value_dtype(a));
    return oph_value_dtype(a) == oph_value_dtype(b) && oph_value_count(a) == oph_value_count(b) &&
           memcmp(oph_value_data(a), oph_value_data(b), bytes) == 0;
}

struct two_texts {
    char first[160], second[160];
};

static struct two_texts show(oph_signal *sig, const oph_value *first, const oph_value *second)
{
    struct two_texts texts;
    oph_descriptions *all = NULL;
    oph_signal_describe(sig, OPH_DEFAULT, &all, NULL);
    cli_value_text(first, oph_descriptions_at(all, 0), texts.first, sizeof texts.first);
    cli_value_text(second, oph_descriptions_at(all, 0), texts.second, sizeof texts.second);
    oph_descriptions_free(all);
    return texts;
}

/* Never processed since the IOC started, or disabled: then it says nothing. A Pilatus disables what
 * its driver does not have. */
static bool says_nothing(const oph_value *value)
{
    const double epoch = 631152000; /* 1990, where EPICS begins to count */
    return oph_value_alarm(value) == CLI_UDF || oph_value_alarm(value) == CLI_DISABLE ||
           cli_time(value) <= epoch;
}

static bool differs(const struct doctor_settings *s, const struct setting *one)
{
    const oph_value *setpoint = oph_group_value(s->group, one->setpoint);
    const oph_value *readback = oph_group_value(s->group, one->readback);
    return setpoint && readback && setpoint != readback && !one->start && !says_nothing(setpoint) &&
           !says_nothing(readback) && !same(setpoint, readback, one->path);
}

void doctor_setpoints(struct doctor *d)
{
    struct doctor_settings *s = doctor_settings_read(d);
    size_t count = 0, told = 0;
    if (!s) return;
    for (size_t i = 0; i < s->count; i++)
        count += differs(s, &s->list[i]);
    size_t most = doctor_most(d, count);
    for (size_t i = 0; i < s->count && told < most; i++) {
        const struct setting *one = &s->list[i];
        if (!differs(s, one)) continue;
        struct two_texts texts = show(one->sig, oph_group_value(s->group, one->setpoint),
                                      oph_group_value(s->group, one->readback));
        doctor_add(d, DOCTOR_WARNING,
                   ++told == count ? "The detector did not take what was set, or has changed it: "
                                     "set it again, or leave it and know it."
                                   : NULL,
                   "%s is set to %s and reads back %s", cli_path(one->sig), texts.first,
                   texts.second);
    }
    if (told < count)
        doctor_add(d, DOCTOR_WARNING, NULL, "and %zu more (--all lists them)", count - told);
    if (!count)
        doctor_add(d, DOCTOR_OK, NULL, "of %zu settings none reads back something else", s->count);
    doctor_settings_free(s);
}

void doctor_settings_compare(struct doctor *d, const struct doctor_settings *before,
                             const struct doctor_settings *after)
{
    for (size_t i = 0; i < before->count && i < after->count; i++) {
        const struct setting *one = &before->list[i];
        const oph_value *was = oph_group_value(before->group, one->setpoint);
        const oph_value *is = oph_group_value(after->group, after->list[i].setpoint);
        if (!was && !is) continue;
        if (!was || !is) {
            doctor_add(d, DOCTOR_FAILED, NULL, "%s could be read only %s", cli_path(one->sig),
                       was ? "before" : "after");
        } else if (!same(was, is, one->path)) {
            struct two_texts texts = show(one->sig, was, is);
            doctor_add(d, DOCTOR_FAILED, "Did somebody else set it meanwhile?",
                       "%s was %s and is %s", cli_path(one->sig), texts.first, texts.second);
        }
    }
}
