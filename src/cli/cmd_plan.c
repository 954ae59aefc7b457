/* cophyd plan: what a stage would write. */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

static json_t *text_or_null(const char *text)
{
    return text ? cli_json_text(text) : json_null();
}

static json_t *row_json(const oph_plan_row *row)
{
    return json_pack(
        "{s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:b}", "step", (int)row->step,
        "device", row->device, "pv", row->pv, "readback_pv", row->readback_pv, "setpoint_found",
        text_or_null(row->setpoint_found), "readback_found", text_or_null(row->readback_found),
        "value", text_or_null(row->value), "restore", text_or_null(row->restore), "starts",
        row->flags & OPH_PLAN_STARTS, "skipped", row->flags & OPH_PLAN_SKIPPED, "differs",
        row->flags & OPH_PLAN_DIFFERS, "stopped", row->flags & OPH_PLAN_STOPPED);
}

/* The longest line of a text. */
static size_t width_of(const char *text)
{
    size_t widest = 0;
    for (const char *end; *text; text = *end ? end + 1 : end) {
        end = strchrnul(text, '\n');
        if ((size_t)(end - text) > widest) widest = (size_t)(end - text);
    }
    return widest;
}

/* For terminals that are narrower than the library's table: without PVs. */
static void show_narrow(struct cli *cli, const oph_plan_row *row)
{
    const char *path = strchr(row->device, '.');
    cli_print(cli, "%d  %-26s %s%s%s", (int)row->step, path ? path + 1 : row->device,
              cli_color(cli, CLI_BOLD), row->value, cli_color(cli, CLI_PLAIN));
    cli_print(cli, ", is %s", row->setpoint_found);
    if (row->flags & OPH_PLAN_DIFFERS) cli_print(cli, " (readback %s)", row->readback_found);
    if (!row->restore) cli_print(cli, ", not put back");
    if (row->flags & OPH_PLAN_STARTS) cli_print(cli, ", starts");
    if (row->flags & OPH_PLAN_STOPPED) cli_print(cli, ", is stopped first");
    if (row->flags & OPH_PLAN_SKIPPED) cli_print(cli, ", skipped");
    cli_print(cli, "\n");
}

static int show(struct cli *cli, const oph_plan *plan)
{
    int rc = 0;
    size_t length = oph_plan_text(plan, NULL, 0);
    char *text = malloc(length + 1);
    if (!text) return cli_no_memory();
    oph_plan_text(plan, text, length + 1);
    bool narrow = cli->terminal && width_of(text) > (size_t)cli_columns();
    for (size_t i = 0; !rc && (cli->json || narrow) && i < oph_plan_count(plan); i++) {
        if (cli->json)
            rc = cli_json(cli, row_json(oph_plan_at(plan, i)));
        else
            show_narrow(cli, oph_plan_at(plan, i));
    }
    if (!cli->json && !narrow) cli_print(cli, "%s", text);
    free(text);
    return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
    (void)argc;
    const oph_stage_options options = {.size = sizeof options,
                                       .skip_unchanged =
                                           cli_option(cli, "--skip-unchanged") != NULL,
                                       .takeover = cli_option(cli, "--takeover") != NULL};
    oph_device *det = NULL;
    oph_plan *plan = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = cli_device(cli, argv[0], &det);
    if (!rc) rc = cli_need_folders(det);
    if (!rc) rc = cli_connect(cli, det);
    if (rc) return rc;
    if (oph_plan_new(det, &options, &plan, &report, &err)) return cli_fail_report(&err, report);
    cli_warn_report(report);
    rc = show(cli, plan);
    oph_plan_free(plan);
    return rc;
}

static const struct cli_option options[] = {
    {"--skip-unchanged", NULL, "as a stage that does not write what is as wanted already"},
    {"--takeover", NULL, "as one that stops what runs"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_plan = {
    .name = "plan",
    .line = "shows what a stage would write, without writing it",
    .usage = "PREFIX",
    .operands_min = 1,
    .operands_max = 1,
    .uses = CLI_USES_DEVICE | CLI_USES_FILES | CLI_USES_JSON,
    .run = run,
    .options = options,
    .text = "In the order of writing, with what is there now and what is put back at the end.\n"
            "It fails with all that the stage would be refused for.",
    .examples = "cophyd plan Pilatus: --set cam.acquire_time=0.1 --write-root /data\n"
                "cophyd plan beam: --class beamline.class",
};
