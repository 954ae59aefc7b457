/* cophyd put: signals, one after the other. */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

/* What a person typed: a number where it is one. The library looks what the PV can hold. */
static int put_text(oph_signal *sig, const char *text, const oph_put_options *options,
                    oph_error *err)
{
    int64_t integer;
    double number;
    oph_data data = {.dtype = OPH_STRING, .count = 1, .data = &text};
    oph_row row;
    oph_signal_row(sig, &row);
    if (row.type == OPH_ROW_TEXT)
        ;
    else if (cli_to_int(text, &integer))
        data = (oph_data){.dtype = OPH_INT64, .count = 1, .data = &integer};
    else if (cli_to_double(text, &number))
        data = (oph_data){.dtype = OPH_FLOAT64, .count = 1, .data = &number};
    return oph_signal_put(sig, &data, options, err);
}

static int read_setpoint(oph_signal *sig, oph_value **ret, oph_error *err)
{
    const oph_read_options setpoint = {.size = sizeof setpoint, .part = OPH_PART_SETPOINT};
    return oph_signal_read(sig, &setpoint, ret, err);
}

static int show(struct cli *cli, oph_signal *sig, const oph_value *before, const oph_value *after,
                const oph_description *told)
{
    char was[512], is[512];
    if (cli->json)
        return cli_json(cli, json_pack("{s:s, s:s, s:o, s:o}", "path", cli_path(sig), "pv",
                                       oph_signal_pv(sig), "before", cli_value_json(before, told),
                                       "value", cli_value_json(after, told)));
    cli_value_text(after, told, is, sizeof is);
    cli_value_text(before, told, was, sizeof was);
    cli_print(cli, "%-26s %s, was %s\n", cli_path(sig), *is ? is : "\"\"", *was ? was : "\"\"");
    return 0;
}

static int put_one(struct cli *cli, oph_signal *sig, const char *text)
{
    const oph_put_options options = {.size = sizeof options,
                                     .policy =
                                         cli_option(cli, "--send") ? OPH_PUT_SEND : OPH_PUT_VERIFY};
    oph_value *before = NULL, *after = NULL;
    oph_descriptions *told = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = read_setpoint(sig, &before, &err);
    if (!rc) rc = oph_signal_describe(sig, OPH_DEFAULT, &told, &err);
    if (!rc) rc = put_text(sig, text, &options, &err);
    if (!rc) rc = read_setpoint(sig, &after, &err);
    rc = rc ? cli_fail(&err) : show(cli, sig, before, after, oph_descriptions_at(told, 0));
    oph_descriptions_free(told);
    oph_value_free(before);
    oph_value_free(after);
    return rc;
}

/* PATH=VALUE, cut at the sign. */
static int split(char *word, const char **ret_value)
{
    char *eq = strchr(word, '=');
    if (!eq || eq == word) return cli_usage("wanted PATH=VALUE, found '%s'", word);
    *eq = 0;
    *ret_value = eq + 1;
    return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    oph_device *det = NULL;
    int rc = cli_may_write(cli);
    size_t count = (size_t)argc - 1;
    oph_signal **signals = calloc(count, sizeof(oph_signal *));
    const char **values = calloc(count, sizeof(char *));
    if (!signals || !values) rc = cli_no_memory();
    if (!rc) rc = cli_device(cli, argv[0], &det);
    for (size_t i = 0; !rc && i < count; i++) { /* all are right before one is put */
        rc = split(argv[1 + i], &values[i]);
        if (!rc) rc = cli_signal(det, argv[1 + i], &signals[i]);
    }
    for (size_t i = 0; !rc && i < count; i++)
        rc = put_one(cli, signals[i], values[i]);
    free(signals);
    free(values);
    return rc;
}

static const struct cli_option options[] = {
    {"--send", NULL, "does not wait until the IOC has done it, nor for the readback"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_put = {
    .name = "put",
    .line = "writes signals, and sees each readback follow",
    .usage = "PREFIX PATH=VALUE...",
    .operands_min = 2,
    .operands_max = -1,
    .uses = CLI_USES_DEVICE | CLI_USES_JSON,
    .run = run,
    .options = options,
    .text = "In the order in which they are given; the first that fails ends it. A label or its\n"
            "index will do for an enum. What is written stays: cophyd count puts back what it\n"
            "sets, this does not.",
    .examples = "cophyd put Pilatus: cam.acquire_time=0.1 cam.image_mode=Single\n"
                "cophyd put Pilatus: hdf1.create_directory=-5",
};
