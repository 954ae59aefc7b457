/* Every command has a file cmd_NAME.c; cli.h says how it is written. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command cli_apply;
extern const struct cli_command cli_classes;
extern const struct cli_command cli_completion;
extern const struct cli_command cli_count;
extern const struct cli_command cli_diff;
extern const struct cli_command cli_doctor;
extern const struct cli_command cli_get;
extern const struct cli_command cli_graph;
extern const struct cli_command cli_manual;
extern const struct cli_command cli_plan;
extern const struct cli_command cli_put;
extern const struct cli_command cli_recover;
extern const struct cli_command cli_replay;
extern const struct cli_command cli_save;
extern const struct cli_command cli_sim;
extern const struct cli_command cli_view;
extern const struct cli_command cli_watch;

#endif
