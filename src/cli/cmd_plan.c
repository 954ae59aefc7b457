/* cophyd plan: what a stage would write. */
#include "cli/commands.h"

#include <stdlib.h>

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

static int show(struct cli *cli, const oph_plan *plan)
{
    int rc = 0;
    if (cli->json) {
        for (size_t i = 0; !rc && i < oph_plan_count(plan); i++)
            rc = cli_json(cli, row_json(oph_plan_at(plan, i)));
        return rc;
    }
    size_t length = oph_plan_text(plan, NULL, 0);
    char *text = malloc(length + 1);
    if (!text) return cli_usage("no memory");
    oph_plan_text(plan, text, length + 1);
    cli_print(cli, "%s", text);
    free(text);
    return 0;
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
