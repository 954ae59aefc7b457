/* cophyd manual: the man pages, from the tables of commands and options. make install runs it. */
#include "cli/commands.h"
#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char exit_status[] =
    ".SH EXIT STATUS\n"
    "0 done, 1 failed, 2 the command line is wrong, 3 the IOC does not answer, 130 interrupted.\n";

/* Text that roff takes as it is: no line of it is a request. */
static void roff(FILE *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if ((*c == '.' || *c == '\'') && (c == text || c[-1] == '\n')) fputs("\\&", out);
        if (*c == '\\')
            fputs("\\e", out);
        else if (*c == '-')
            fputs("\\-", out);
        else
            fputc(*c, out);
    }
}

static void head(FILE *out, const char *name, const char *line)
{
    fprintf(out, ".TH %s 1 \"\" \"cophyd %s\"\n.SH NAME\n", name, oph_version());
    roff(out, name);
    fputs(" \\- ", out);
    roff(out, line);
    fputs("\n.SH SYNOPSIS\n", out);
}

static void option(FILE *out, const struct cli_option *o)
{
    fputs(".TP\n.B ", out);
    roff(out, o->name);
    if (o->argument) {
        fputs(" \\fI", out);
        roff(out, o->argument);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    roff(out, o->doc);
    fputc('\n', out);
}

static void command_page(FILE *out, const struct cli_command *command)
{
    char name[64];
    snprintf(name, sizeof name, "cophyd-%s", command->name);
    head(out, name, command->line);
    fprintf(out, ".B cophyd %s\n[\\fIOPTION\\fR]... ", command->name);
    roff(out, command->usage);
    fputs("\n.SH DESCRIPTION\n", out);
    roff(out, command->text ? command->text : command->line);
    fputs("\n.SH OPTIONS\n", out);
    for (size_t i = 0; command->options && command->options[i].name; i++)
        option(out, &command->options[i]);
    for (size_t i = 0; cli_common[i].option.name; i++)
        if (cli_takes(command, &cli_common[i])) option(out, &cli_common[i].option);
    fputs(exit_status, out);
    if (command->examples) {
        fputs(".SH EXAMPLES\n.nf\n", out);
        roff(out, command->examples);
        fputs("\n.fi\n", out);
    }
    fputs(".SH SEE ALSO\n.BR cophyd (1)\n", out);
}

static void program_page(FILE *out)
{
    head(out, "cophyd", "EPICS areaDetector devices, from the shell");
    fputs(".B cophyd\n\\fICOMMAND\\fR [\\fIOPTION\\fR]... [\\fIOPERAND\\fR]...\n.SH COMMANDS\n",
          out);
    for (size_t i = 0; cli_commands[i]; i++) {
        if (cli_commands[i]->uses & CLI_HIDDEN) continue;
        fprintf(out, ".TP\n.BR cophyd\\-%s (1)\n", cli_commands[i]->name);
        roff(out, cli_commands[i]->line);
        fputc('\n', out);
    }
    fputs(".SH ENVIRONMENT\n"
          ".TP\n.B EPICS_CA_ADDR_LIST\n"
          "and the other variables of Channel Access say where the IOC is.\n"
          ".TP\n.B NO_COLOR\nNo colours, also on a terminal.\n"
          ".TP\n.B COPHYD_STATE_DIR\nWhere journals of what is staged lie.\n",
          out);
    fputs(exit_status, out);
}

/* Of the program where command is NULL. */
static int write_page(const char *folder, const struct cli_command *command)
{
    char name[4096];
    snprintf(name, sizeof name, "%s/cophyd%s%s.1", folder, command ? "-" : "",
             command ? command->name : "");
    FILE *out = fopen(name, "w");
    if (out && command)
        command_page(out, command);
    else if (out)
        program_page(out);
    bool whole = out && !ferror(out);
    if (out && fclose(out) == 0 && whole) return 0;
    cli_say("%s: %s", name, strerror(errno));
    return CLI_FAILED;
}

static int run(struct cli *cli, int argc, char **argv)
{
    int rc = write_page(argv[0], NULL);
    (void)cli, (void)argc;
    for (size_t i = 0; !rc && cli_commands[i]; i++)
        if (!(cli_commands[i]->uses & CLI_HIDDEN)) rc = write_page(argv[0], cli_commands[i]);
    return rc;
}

const struct cli_command cli_manual = {
    .name = "manual",
    .line = "writes the man pages into a folder",
    .usage = "FOLDER",
    .operands_min = 1,
    .operands_max = 1,
    .uses = CLI_HIDDEN,
    .run = run,
};
