/* The command line, and the words that tell of it. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/cli.h"

/* The options that commands share. */
struct cli_common {
    struct cli_option option;
    unsigned uses; /* it is there for commands that use one of these; 0: for all */
};
extern const struct cli_common cli_common[]; /* ended by a name of NULL */

/* Whether the command takes that one. */
bool cli_takes(const struct cli_command *command, const struct cli_common *common);

/* What the command line asks for. */
enum cli_wish { CLI_WISH_RUN, CLI_WISH_HELP, CLI_WISH_VERSION };

/* Reads argv in place: the operands are left in argv[0] to argv[*argc - 1]. */
int cli_parse(struct cli *cli, int *argc, char **argv, enum cli_wish *ret);
void cli_parse_free(struct cli *cli);

/* The command of that name, or NULL after saying which is near. */
const struct cli_command *cli_command_find(const char *name);

/* Of a command; of the program where that is NULL. */
void cli_help(const struct cli_command *command, FILE *out);

#endif
