/* cophyd apply: the settings of a file, all or none. */
#include "cli/commands.h"
#include "cli/saved.h"

#include <stdlib.h>
#include <string.h>

/* --- The order: as the IOC needs it, else the file's */

/* Whether `list`, "a,b", has the attribute. */
static bool names(const char *list, const char *attr)
{
    size_t length = strlen(attr);
    for (const char *at = list; *at; at += strspn(at, ",")) {
        size_t one = strcspn(at, ",");
        if (one == length && !memcmp(at, attr, one)) return true;
        at += one;
    }
    return false;
}

/* Whether `s` has to wait for `other`, of the same device. */
static bool waits_for(const struct saved *s, const struct saved *other)
{
    oph_row row, others;
    const char *path = oph_signal_path(s->sig), *path2 = oph_signal_path(other->sig);
    oph_signal_row(s->sig, &row);
    oph_signal_row(other->sig, &others);
    size_t device = strlen(path) - strlen(row.attr);
    return device == strlen(path2) - strlen(others.attr) && !memcmp(path, path2, device) &&
           names(row.after, others.attr);
}

/* Those that differ, in order; the caller's. */
static struct saved **in_order(const struct saved_list *list, size_t *ret_count)
{
    struct saved **order = calloc(list->count + 1, sizeof *order);
    size_t count = 0;
    for (size_t i = 0; order && i < list->count; i++) {
        struct saved *s = &list->at[i];
        size_t at = count;
        if (!s->differs) continue;
        for (size_t j = 0; j < count && at == count; j++)
            if (waits_for(order[j], s)) at = j; /* goes before the first that waits for it */
        memmove(order + at + 1, order + at, (count - at) * sizeof *order);
        order[at] = s;
        count++;
    }
    *ret_count = count;
    return order;
}

/* --- Putting */

static int add_wanted(oph_group *group, const struct saved *s, oph_error *err)
{
    oph_data data = {.dtype = s->wanted.dtype, .count = 1, .data = &s->wanted.text};
    if (s->wanted.dtype == OPH_INT64) data.data = &s->wanted.integer;
    if (s->wanted.dtype == OPH_FLOAT64) data.data = &s->wanted.number;
    oph_row row;
    oph_signal_row(s->sig, &row);
    if (row.type == OPH_ROW_TEXT) data = (oph_data){OPH_STRING, 0, 1, &s->wanted.text};
    return oph_group_put(group, s->sig, &data, NULL, err);
}

static int add_original(oph_group *group, const struct saved *s, oph_error *err)
{
    const char *chars = saved_chars(s);
    const oph_data as_text = {OPH_STRING, 0, 1, &chars};
    const oph_data as_is = {oph_value_dtype(s->former), 0, oph_value_count(s->former),
                            oph_value_data(s->former)};
    return oph_group_put(group, s->sig, chars ? &as_text : &as_is, NULL, err);
}

/* In reverse, and past what fails: the failing one, too, may have changed something. A signal ends
 * a wait for it, not it. */
static void put_back(struct cli *cli, struct saved **order, size_t count)
{
    oph_group *group = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    char was[4096];
    int rc = oph_group_new(cli->ctx, &group, &err);
    for (size_t i = count; !rc && i-- > 0;)
        rc = add_original(group, order[i], &err);
    for (bool again = !rc; again; again = rc == OPH_EINTR) {
        oph_report_free(report);
        report = NULL;
        rc = oph_group_run(group, OPH_DEFAULT, &report, &err);
    }
    if (rc) {
        cli_fail_report(&err, report);
    } else {
        oph_report_free(report);
        cli_say("nothing was applied: all settings are as before");
    }
    for (size_t i = count, at = 0; rc && i-- > 0;)
        if (!group || oph_group_result(group, at++, NULL))
            cli_say("%s may be changed still, it was %s", cli_path(order[i]->sig),
                    saved_text(order[i], was, sizeof was));
    oph_group_free(group);
}

static int put_all(struct cli *cli, struct saved **order, size_t count)
{
    oph_group *group = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_group_new(cli->ctx, &group, &err);
    for (size_t i = 0; !rc && i < count; i++)
        rc = add_wanted(group, order[i], &err);
    bool began = !rc;
    if (!rc) rc = oph_group_run(group, OPH_DEFAULT, &report, &err);
    if (rc)
        rc = cli_fail_report(&err, report);
    else
        oph_report_free(report);
    if (rc && began) put_back(cli, order, count);
    oph_group_free(group);
    return rc;
}

static int show(struct cli *cli, const struct saved *s)
{
    char text[4096];
    if (cli->json)
        return cli_json(cli, json_pack("{s:s, s:s, s:o, s:o}", "path", cli_path(s->sig), "pv",
                                       oph_signal_pv(s->sig), "before", saved_json(s), "value",
                                       cli_json_text(s->wanted.text)));
    cli_print(cli, "%-26s %s, was %s\n", cli_path(s->sig),
              *s->wanted.text ? s->wanted.text : "\"\"", saved_text(s, text, sizeof text));
    return 0;
}

/* --- When not to */

/* What is staged would be put back later over what is applied now. */
static int check_journals(const char *prefix)
{
    oph_journals *journals = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_journals_find(&journals, &err) ? cli_fail(&err) : 0;
    for (size_t i = 0; !rc && i < oph_journals_count(journals); i++) {
        const oph_journal *j = oph_journals_at(journals, i);
        if (strcmp(j->prefix, prefix) != 0) continue;
        cli_say(j->alive ? "%s is staged by %s (%d): what is applied now would not stay"
                         : "%s was left changed by %s (%d): cophyd recover puts it back first",
                prefix, j->program, (int)j->pid);
        rc = CLI_FAILED;
    }
    oph_journals_free(journals);
    return rc;
}

static int check_idle(oph_device *det)
{
    int64_t acquires = 0;
    oph_error err = OPH_ERROR_INIT;
    if (oph_get_int(det, "cam.acquire", &acquires, &err) && err.code != OPH_ENOTFOUND)
        return cli_fail(&err);
    if (!acquires) return 0;
    cli_say("%s acquires: stop it first", oph_device_prefix(det));
    return CLI_FAILED;
}

static int apply(struct cli *cli, const struct saved_list *list)
{
    size_t count;
    struct saved **order = in_order(list, &count);
    int rc = !order ? cli_no_memory() : count ? put_all(cli, order, count) : 0;
    for (size_t i = 0; !rc && i < count; i++)
        rc = show(cli, order[i]);
    if (!rc && !cli->json) cli_print(cli, "%zu of %zu settings were changed\n", count, list->count);
    free(order);
    return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct saved_list list = {0};
    oph_device *det = NULL;
    (void)argc;
    int rc = cli_may_write(cli);
    if (!rc) rc = cli_device(cli, argv[0], &det);
    if (!rc) rc = check_journals(argv[0]);
    if (!rc) rc = cli_connect(cli, det);
    if (!rc) rc = saved_read_file(cli, det, argv[1], &list);
    if (!rc) rc = check_idle(det);
    if (!rc) rc = apply(cli, &list);
    saved_free(&list);
    return rc;
}

const struct cli_command cli_apply = {
    .name = "apply",
    .line = "makes the settings of a detector those of a file",
    .usage = "PREFIX FILE",
    .operands_min = 2,
    .operands_max = 2,
    .uses = CLI_USES_DEVICE | CLI_USES_JSON,
    .run = run,
    .text = "Only what differs is written, in the order that the IOC needs, and each readback\n"
            "must follow. If one fails all are put back. Refused while somebody has the\n"
            "detector staged, or it acquires.",
    .examples = "cophyd apply Pilatus: monday.settings",
};
