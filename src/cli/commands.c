/* The commands, in the order in which --help lists them. */
#include "cli/commands.h"

const struct cli_command *const cli_commands[] = {
    &cli_get,    &cli_put,     &cli_watch,   &cli_plan, &cli_view, &cli_graph,
    &cli_doctor, &cli_classes, &cli_recover, &cli_sim,  NULL,
};
