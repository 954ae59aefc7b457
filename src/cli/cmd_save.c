/* cophyd save and diff: the settings of a detector as text. */
#include "cli/commands.h"
#include "cli/replace.h"
#include "cli/saved.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- save */

/* Puts one into the detector's list of settings, from which the library makes the text. */
static int list_one(oph_device *det, const struct saved *s, oph_error *err)
{
    int64_t integer;
    double number;
    const char *key = cli_path(s->sig);
    if (saved_chars(s)) return oph_settings_set_text(det, key, saved_chars(s), err);
    if (cli_is_float(s->value)) {
        int rc = oph_value_get_double(s->value, &number, err);
        return rc ? rc : oph_settings_set_double(det, key, number, err);
    }
    int rc = oph_value_get_int(s->value, &integer, err);
    return rc ? rc : oph_settings_set_int(det, key, integer, err);
}

/* Text that a settings file cannot have is left out, and said. */
static bool has_form(const struct saved *s)
{
    const char *chars = saved_chars(s);
    double number;
    if (!chars) return oph_value_get_double(s->value, &number, NULL) || isfinite(number);
    json_t *utf8 = json_string(chars);
    char *clean = strdup(chars);
    bool good = utf8 && clean && !strcmp(oph_text_clean(clean), chars);
    json_decref(utf8);
    free(clean);
    return good;
}

static int write_text(FILE *to, oph_device *det, size_t count)
{
    size_t length = 0;
    oph_error err = OPH_ERROR_INIT;
    time_t now = time(NULL);
    struct tm local;
    char when[64] = "";
    if (localtime_r(&now, &local)) strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local);
    if (oph_settings_print(det, NULL, 0, &length, &err)) return cli_fail(&err);
    char *text = malloc(length + 1);
    if (!text) return cli_no_memory();
    int rc = oph_settings_print(det, text, length + 1, &length, &err);
    if (!rc)
        fprintf(to, "# %zu settings of %s, %s; cophyd apply brings them back\n%s", count,
                oph_device_prefix(det), when, text);
    free(text);
    return rc ? cli_fail(&err) : 0;
}

static int write_file(const char *name, oph_device *det, size_t count)
{
    struct replacement r;
    bool begun = replace_begin(&r, name);
    int rc = begun ? write_text(r.out, det, count) : 0;
    if (begun && replace_end(&r, !rc)) return 0;
    if (rc) return rc;
    cli_say("%s: %s", name, strerror(errno));
    return CLI_FAILED;
}

/* Nobody has set it since the IOC started; or its record is disabled, as a Pilatus disables what
 * its driver does not have: then no readback would follow a put. */
static bool is_no_setting(const struct saved *s)
{
    return s->unset || oph_value_alarm(s->value) == CLI_DISABLE;
}

static int save(struct cli *cli, int argc, char **argv)
{
    struct saved_list list = {0};
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    size_t count = 0, unset = 0;
    (void)argc;
    bool to_stdout = !strcmp(argv[1], "-");
    if (to_stdout && cli->json) return cli_usage("--json tells of a file, and - is none");
    int rc = cli_device(cli, argv[0], &det);
    if (!rc) rc = cli_connect(cli, det);
    if (!rc) rc = saved_read_all(cli, det, &list);
    if (!rc) oph_settings_clear(det);
    for (size_t i = 0; !rc && i < list.count; i++) {
        const struct saved *s = &list.at[i];
        if (is_no_setting(s)) {
            unset++;
            continue;
        }
        if (!has_form(s)) {
            cli_say("%s: left out: its value has no form in a file", cli_path(s->sig));
            continue;
        }
        if (list_one(det, s, &err)) rc = cli_fail(&err);
        count++;
    }
    saved_free(&list);
    if (rc) return rc;
    if (to_stdout) return write_text(stdout, det, count);
    rc = write_file(argv[1], det, count);
    if (!rc && cli->json)
        return cli_json(cli, json_pack("{s:o, s:I, s:I}", "file", cli_json_text(argv[1]),
                                       "settings", (json_int_t)count, "unset", (json_int_t)unset));
    if (!rc)
        cli_say("%s: %zu settings%s", argv[1], count,
                unset
                    ? "; those that nobody has set since the IOC started, or that it has disabled, "
                      "are left out"
                    : "");
    return rc;
}

const struct cli_command cli_save = {
    .name = "save",
    .line = "writes all settings of a detector to a file",
    .usage = "PREFIX FILE|-",
    .operands_min = 2,
    .operands_max = 2,
    .uses = CLI_USES_DEVICE | CLI_USES_JSON,
    .run = save,
    .text = "A line each, PATH=VALUE, as a stage line of a class has them. Actions as acquire,\n"
            "counters and arrays are no settings. Left out is what nobody has set since the\n"
            "IOC started, and what it has disabled.",
    .examples = "cophyd save Pilatus: monday.settings",
};

/* --- diff */

static int show_difference(struct cli *cli, const struct saved *s)
{
    char text[4096];
    if (cli->json)
        return cli_json(cli, json_pack("{s:s, s:s, s:o, s:o}", "path", cli_path(s->sig), "pv",
                                       oph_signal_pv(s->sig), "file", cli_json_text(s->wanted.text),
                                       "ioc", saved_json(s)));
    cli_print(cli, "%-30s file %s%s%s, IOC %s%s%s\n", cli_path(s->sig), cli_color(cli, CLI_GREEN),
              *s->wanted.text ? s->wanted.text : "\"\"", cli_color(cli, CLI_PLAIN),
              cli_color(cli, CLI_RED), saved_text(s, text, sizeof text), cli_color(cli, CLI_PLAIN));
    return 0;
}

static int diff(struct cli *cli, int argc, char **argv)
{
    struct saved_list list = {0};
    oph_device *det = NULL;
    size_t count = 0;
    (void)argc;
    int rc = cli_device(cli, argv[0], &det);
    if (!rc) rc = cli_connect(cli, det);
    if (!rc) rc = saved_read_file(cli, det, argv[1], &list);
    for (size_t i = 0; !rc && i < list.count; i++) {
        if (!list.at[i].differs) continue;
        rc = show_difference(cli, &list.at[i]);
        count++;
    }
    saved_free(&list);
    return rc ? rc : count ? CLI_FAILED : 0;
}

const struct cli_command cli_diff = {
    .name = "diff",
    .line = "compares the settings of a file with the IOC's",
    .usage = "PREFIX FILE",
    .operands_min = 2,
    .operands_max = 2,
    .uses = CLI_USES_DEVICE | CLI_USES_JSON,
    .run = diff,
    .text = "Prints nothing, and exits with 0, where all are the same; with 1 where some differ.\n"
            "Setpoints are compared. A file may have any of the detector's settings.",
    .examples = "cophyd diff Pilatus: monday.settings",
};
