/* The commands, in the order in which --help lists them. */
#include "cli/commands.h"

const struct cli_command *const cli_commands[] = {
    &cli_sim,     &cli_plan,    &cli_count,  &cli_view,       &cli_get,    &cli_put,
    &cli_watch,   &cli_save,    &cli_diff,   &cli_apply,      &cli_doctor, &cli_graph,
    &cli_classes, &cli_recover, &cli_replay, &cli_completion, &cli_manual, NULL,
};
