/* cophyd get: signals, once. */
#include "cli/commands.h"

static int get_one(struct cli *cli, oph_signal *sig, int32_t part)
{
    oph_value *value = NULL;
    oph_descriptions *all = NULL;
    oph_error err = OPH_ERROR_INIT;
    const oph_read_options options = {.size = sizeof options, .part = part};
    int rc = oph_signal_read(sig, &options, &value, &err);
    if (!rc) rc = oph_signal_describe(sig, OPH_DEFAULT, &all, &err);
    rc = rc ? cli_fail(&err) : cli_show(cli, sig, value, oph_descriptions_at(all, 0));
    oph_descriptions_free(all);
    oph_value_free(value);
    return rc;
}

/* A signal that its class has, and the IOC not. Where the device is there its release may be the
 * reason, which connecting the device tells. */
static int tell_absent(struct cli *cli, oph_signal *sig, bool device_there, const oph_error *why)
{
    const char *attr;
    oph_device *dev = cli_owner(cli->det, cli_path(sig), &attr);
    oph_error err = OPH_ERROR_INIT;
    if (!device_there) return cli_fail(why);
    oph_connect(dev, OPH_DEFAULT, NULL, NULL);
    return cli_fail(oph_signal_find(dev, attr, &sig, &err) == OPH_EABSENT ? &err : why);
}

/* All at once: who is not there costs the time of one. The signal at 2 * i is followed by one that
 * every device of areaDetector has. Whether anybody is there. */
static int connect_all(struct cli *cli, const struct cli_signals *signals, oph_group **ret)
{
    oph_error err = OPH_ERROR_INIT;
    size_t there = 0;
    int rc = oph_group_new(cli->ctx, ret, &err);
    for (size_t i = 0; !rc && i < signals->count; i++) {
        const char *attr;
        oph_signal *sig = signals->at[i], *port = sig;
        oph_signal_find(cli_owner(cli->det, cli_path(sig), &attr), "port_name", &port, NULL);
        rc = oph_group_connect(*ret, sig, &err);
        if (!rc) rc = oph_group_connect(*ret, port, &err);
    }
    if (!rc) rc = oph_group_run(*ret, OPH_DEFAULT, NULL, &err);
    for (size_t i = 0; rc == OPH_EDISCONN && i < 2 * signals->count; i++)
        there += oph_group_result(*ret, i, NULL) == 0;
    return !rc || there ? 0 : cli_fail(&err);
}

/* One whose record the IOC lacks counts only where it was asked for by its own path. */
static int get_all(struct cli *cli, const struct cli_signals *signals, oph_group *group)
{
    int32_t part = cli_option(cli, "--setpoint") ? OPH_PART_SETPOINT : OPH_PART_READBACK;
    int rc = 0;
    for (size_t i = 0; rc != CLI_INTERRUPTED && !cli->closed && i < signals->count; i++) {
        oph_error why = OPH_ERROR_INIT;
        int one = 0;
        if (!oph_group_result(group, 2 * i, &why))
            one = get_one(cli, signals->at[i], part);
        else if (signals->named[i])
            one = tell_absent(cli, signals->at[i], !oph_group_result(group, 2 * i + 1, NULL), &why);
        if (!rc || one == CLI_INTERRUPTED) rc = one;
    }
    return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct cli_signals signals = {0};
    oph_device *det = NULL;
    oph_group *group = NULL;
    int rc = cli_device(cli, argv[0], &det);
    if (!rc) rc = cli_signals(det, argc - 1, argv + 1, &signals);
    if (!rc) rc = connect_all(cli, &signals, &group);
    if (!rc) rc = get_all(cli, &signals, group);
    oph_group_free(group);
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
                "cophyd get --json Pilatus: cam | jq -c '[.path, .value]'",
};
