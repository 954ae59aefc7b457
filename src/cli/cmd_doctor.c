/* cophyd doctor: what is there, what is wrong with it, and what to do. */
#include "cli/commands.h"
#include "cli/doctor.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* --- Results */

__attribute__((format(printf, 1, 0))) static char *sentence(const char *format, va_list args)
{
    char *text = NULL;
    return vasprintf(&text, format, args) < 0 ? NULL : text;
}

void doctor_add(struct doctor *d, enum doctor_grade grade, const char *advice, const char *format,
                ...)
{
    va_list args;
    struct doctor_result *more = realloc(d->results, (d->count + 1) * sizeof *more);
    if (more) d->results = more;
    va_start(args, format);
    char *found = more ? sentence(format, args) : NULL;
    va_end(args);
    char *copy = advice ? strdup(advice) : NULL;
    if (!found || (advice && !copy)) {
        d->failed = true;
        free(found);
        free(copy);
        return;
    }
    d->results[d->count++] = (struct doctor_result){d->check, grade, found, copy};
}

size_t doctor_count(const struct doctor *d)
{
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++)
        count += d->results[i].check == d->check;
    return count;
}

size_t doctor_most(const struct doctor *d, size_t count)
{
    enum { MOST = 6 };
    return d->all || count <= MOST ? count : MOST - 1;
}

void doctor_error(struct doctor *d, const oph_error *err)
{
    doctor_add(d, DOCTOR_FAILED, NULL, "%s", err->text);
}

/* --- What checks ask */

bool doctor_text(oph_device *dev, const char *path, char *text, size_t size)
{
    if (oph_get_text(dev, path, text, size, NULL) == 0) return true;
    text[0] = 0;
    return false;
}

bool doctor_number(oph_device *dev, const char *path, double *ret)
{
    return oph_get_double(dev, path, ret, NULL) == 0;
}

void doctor_each(struct doctor *d, oph_device *dev, const char *class_name,
                 void (*fn)(struct doctor *d, oph_device *dev))
{
    if (oph_device_is(dev, class_name)) fn(d, dev);
    for (size_t i = 0; i < oph_device_child_count(dev); i++)
        doctor_each(d, oph_device_child_at(dev, i), class_name, fn);
}

/* --- The table */

static const struct {
    const char *name;
    doctor_fn *fn;
} checks[] = {
    {"connection", doctor_connection}, {"version", doctor_version},
    {"server", doctor_server},         {"records", doctor_records},
    {"plugins", doctor_plugins},       {"chain", doctor_chain},
    {"callbacks", doctor_callbacks},   {"blocking", doctor_blocking},
    {"queues", doctor_queues},         {"camera-files", doctor_camera_files},
    {"folder", doctor_folder},         {"here", doctor_here},
    {"priming", doctor_priming},       {"filters", doctor_filters},
    {"setpoints", doctor_setpoints},   {"clock", doctor_clock},
    {"journal", doctor_journal},
};

/* --- Telling */

static const char *const grades[] = {"ok", "warning", "failed"};

/* Words in lines that end before `columns`; the first line has begun at column `indent`. */
static void print_wrapped(struct cli *cli, const char *text, int indent, int columns)
{
    int at = indent;
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (at > indent && at + 1 + length > columns) {
            cli_print(cli, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            cli_print(cli, " ");
            at++;
        }
        cli_print(cli, "%.*s", length, text);
        at += length;
        text += length;
        while (*text == ' ')
            text++;
    }
    cli_print(cli, "\n");
}

static void print_result(struct cli *cli, const struct doctor_result *r, bool again)
{
    enum { GRADE = 9, NAME = 14, INDENT = GRADE + NAME };
    static const enum cli_color colors[] = {CLI_GREEN, CLI_YELLOW, CLI_RED};
    int columns = cli->terminal ? cli_columns() : 1000000;
    cli_print(cli, "%s%-*s%s%-*s", cli_color(cli, colors[r->grade]), GRADE, grades[r->grade],
              cli_color(cli, CLI_PLAIN), NAME, again ? "" : r->check);
    print_wrapped(cli, r->found, INDENT, columns);
    if (!r->advice) return;
    cli_print(cli, "%*s", INDENT, "");
    cli_print(cli, "%s", cli_color(cli, CLI_BOLD));
    print_wrapped(cli, r->advice, INDENT, columns);
    cli_print(cli, "%s", cli_color(cli, CLI_PLAIN));
}

static int print_json(struct cli *cli, const struct doctor_result *r)
{
    return cli_json(cli, json_pack("{s:s, s:s, s:o, s:o}", "check", r->check, "grade",
                                   grades[r->grade], "found", cli_json_text(r->found), "advice",
                                   r->advice ? cli_json_text(r->advice) : json_null()));
}

/* Runs one check, and tells at once what it found. */
static int run_check(struct doctor *d, const char *name, doctor_fn *fn)
{
    size_t before = d->count;
    int rc = 0;
    d->check = name;
    fn(d);
    for (size_t i = before; i < d->count && !rc; i++) {
        if (d->cli->json)
            rc = print_json(d->cli, &d->results[i]);
        else
            print_result(d->cli, &d->results[i],
                         i > before && d->results[i].check == d->results[i - 1].check);
    }
    if (!rc && !d->cli->closed) cli_flush(d->cli);
    if (d->failed) {
        rc = cli_no_memory();
    }
    return cli_interrupted() ? CLI_INTERRUPTED : rc;
}

static size_t of_grade(const struct doctor *d, enum doctor_grade grade)
{
    size_t count = 0;
    for (size_t i = 0; i < d->count; i++)
        count += d->results[i].grade == grade;
    return count;
}

static int sum_up(struct doctor *d)
{
    size_t failed = of_grade(d, DOCTOR_FAILED), warnings = of_grade(d, DOCTOR_WARNING);
    if (!d->cli->json && !failed && !warnings)
        cli_print(d->cli, "all is well\n");
    else if (!d->cli->json)
        cli_print(d->cli, "%zu failed, %zu warning%s\n", failed, warnings,
                  warnings == 1 ? "" : "s");
    if (d->alone) return CLI_NOT_CONNECTED;
    return failed ? CLI_FAILED : CLI_DONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct doctor d = {.cli = cli};
    bool acquire = cli_option(cli, "--acquire") != NULL;
    (void)argc;
    d.all = cli_option(cli, "--all") != NULL || cli->json;
    int rc = acquire ? cli_may_write(cli) : 0;
    if (!rc) rc = cli_device(cli, argv[0], &d.det);
    if (rc) return rc;
    d.cam = cli_first(d.det, "CamBase");
    for (size_t i = 0; !rc && !d.alone && i < sizeof checks / sizeof *checks; i++)
        rc = run_check(&d, checks[i].name, checks[i].fn);
    if (!rc && acquire && !d.alone) rc = run_check(&d, "acquire", doctor_acquire);
    if (!rc) rc = sum_up(&d);
    for (size_t i = 0; i < d.count; i++) {
        free(d.results[i].found);
        free(d.results[i].advice);
    }
    free(d.results);
    oph_findings_free(d.findings);
    return rc;
}

static const struct cli_option options[] = {
    {"--acquire", NULL, "takes a test image, and looks whether all settings are put back"},
    {"--all", NULL, "lists all that a check found, not only the first"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_doctor = {
    .name = "doctor",
    .line = "finds out what is wrong",
    .usage = "PREFIX",
    .operands_min = 1,
    .operands_max = 1,
    .uses = CLI_USES_DEVICE | CLI_USES_FILES | CLI_USES_JSON,
    .run = run,
    .options = options,
    .text = "Looks at the IOC, its plugins, folders and settings, and writes nothing. Each line\n"
            "is a check, what was found, and what to do. Ends with 0 when none failed;\n"
            "warnings do not count.\n"
            "\n"
            "With --acquire it takes one image as cophyd count does, and checks the file,\n"
            "its frame, and that every setting is as before.",
    .examples = "cophyd doctor Pilatus:\n"
                "cophyd doctor Pilatus: --acquire --write-root /data --read-root /mnt/data\n"
                "cophyd doctor --json Pilatus: | jq -r 'select(.grade==\"failed\").advice'",
};
