/* The commands, in the order in which --help lists them. */
#include "cli/commands.h"

const struct cli_command *const cli_commands[] = {
    &cli_get, &cli_doctor, &cli_graph, &cli_view, NULL,
};
