/* cophyd get: signals, once. */
#include "cli/commands.h"

/* One whose record the IOC lacks counts only where it was asked for by its own path. */
static int get_one(struct cli *cli, oph_signal *sig, bool named, int32_t part)
{
    oph_value *value = NULL;
    oph_descriptions *all = NULL;
    oph_error err = OPH_ERROR_INIT;
    const oph_read_options options = {.size = sizeof options, .part = part};
    int rc = oph_signal_read(sig, &options, &value, &err);
    if (!rc) rc = oph_signal_describe(sig, OPH_DEFAULT, &all, &err);
    if (!rc)
        rc = cli_show(cli, sig, value, oph_descriptions_at(all, 0));
    else if (named || (rc != OPH_EDISCONN && rc != OPH_EABSENT))
        rc = cli_fail(&err);
    else
        rc = 0;
    oph_descriptions_free(all);
    oph_value_free(value);
    return rc;
}

/* All at once: who is not there costs the time of one. Whether anybody is there. */
static int connect_all(struct cli *cli, const struct cli_signals *signals)
{
    oph_group *group = NULL;
    oph_error err = OPH_ERROR_INIT;
    size_t there = 0;
    int rc = oph_group_new(cli->ctx, &group, &err);
    for (size_t i = 0; !rc && i < signals->count; i++)
        rc = oph_group_connect(group, signals->at[i], &err);
    if (!rc) rc = oph_group_run(group, OPH_DEFAULT, NULL, &err);
    for (size_t i = 0; rc == OPH_EDISCONN && i < signals->count; i++)
        there += oph_group_result(group, i, NULL) == 0;
    oph_group_free(group);
    return !rc || there ? 0 : cli_fail(&err);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct cli_signals signals = {0};
    oph_device *det = NULL;
    int32_t part = cli_option(cli, "--setpoint") ? OPH_PART_SETPOINT : OPH_PART_READBACK;
    int rc = cli_device(cli, argv[0], &det);
    if (!rc) rc = cli_signals(det, argc - 1, argv + 1, &signals);
    if (!rc) rc = connect_all(cli, &signals);
    bool connected = !rc;
    for (size_t i = 0; connected && rc != CLI_INTERRUPTED && !cli->closed && i < signals.count;
         i++) {
        int one = get_one(cli, signals.at[i], signals.named[i], part);
        if (!rc || one == CLI_INTERRUPTED) rc = one;
    }
    cli_signals_free(&signals);
    return rc;
}

static const struct cli_option options[] = {
    {"--setpoint", NULL, "what was asked for, in place of the readback"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_get = {
    .name = "get",
    .line = "reads signals",
    .usage = "PREFIX PATH...",
    .operands_min = 2,
    .operands_max = -1,
    .uses = CLI_USES_DEVICE | CLI_USES_JSON,
    .run = run,
    .options = options,
    .text = "Prints value, units, the IOC's time and an alarm where there is one. The path of\n"
            "a device, as cam, means all its signals, and a dot all of the detector.",
    .examples = "cophyd get Pilatus: cam.acquire_time hdf1.full_file_name\n"
                "cophyd get --json Pilatus: cam | jq -r '[.path, .value] | @tsv'",
};
