/* What --help says: from the tables of commands and options. */
#include "cli/options.h"

#include <string.h>

/* How many letters differ, when one word is typed for the other: few enough to be a slip? */
static size_t distance(const char *a, const char *b)
{
    size_t row[32];
    size_t m = strlen(b);
    if (m + 1 > sizeof row / sizeof row[0]) return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j];
            size_t best = corner + (a[i - 1] != b[j - 1]);
            if (above + 1 < best) best = above + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            corner = above;
            row[j] = best;
        }
    }
    return row[m];
}

const struct cli_command *cli_command_find(const char *name)
{
    const struct cli_command *near = NULL;
    size_t least = 3;
    for (size_t i = 0; cli_commands[i]; i++) {
        const struct cli_command *command = cli_commands[i];
        if (!strcmp(command->name, name)) return command;
        size_t d = distance(name, command->name);
        if (d < least && !(command->uses & CLI_HIDDEN)) {
            least = d;
            near = command;
        }
    }
    cli_say("there is no command '%s'%s%s; see cophyd --help", name,
            near ? "; the nearest is " : "", near ? near->name : "");
    return NULL;
}

/* An option and its doc, whose further lines are indented like the first. */
static void help_option(const struct cli_option *option, FILE *out)
{
    const char *doc = option->doc;
    int width = fprintf(out, "  %s%s%s", option->name, option->argument ? " " : "",
                        option->argument ? option->argument : "");
    if (width > 24) {
        fputc('\n', out);
        width = 0;
    }
    for (const char *end; doc; doc = end ? end + 1 : NULL) {
        end = strchr(doc, '\n');
        fprintf(out, "%*s%.*s\n", 26 - width, "", (int)(end ? end - doc : (long)strlen(doc)), doc);
        width = 0;
    }
}

static void help_lines(const char *text, FILE *out)
{
    for (const char *end; text && *text; text = end ? end + 1 : NULL) {
        end = strchr(text, '\n');
        fprintf(out, "  %.*s\n", (int)(end ? end - text : (long)strlen(text)), text);
    }
}

static void help_command(const struct cli_command *command, FILE *out)
{
    fprintf(out, "cophyd %s: %s\n\nUsage: cophyd %s [OPTION]... %s\n", command->name, command->line,
            command->name, command->usage);
    if (command->text) fprintf(out, "\n%s\n", command->text);
    fprintf(out, "\nOptions:\n");
    for (size_t i = 0; command->options && command->options[i].name; i++)
        help_option(&command->options[i], out);
    for (size_t i = 0; cli_common[i].option.name; i++)
        if (cli_takes(command, &cli_common[i])) help_option(&cli_common[i].option, out);
    if (command->examples) {
        fprintf(out, "\nExamples:\n");
        help_lines(command->examples, out);
    }
}

static void help_program(FILE *out)
{
    fprintf(out, "cophyd: EPICS areaDetector devices, from the shell\n\n"
                 "Usage: cophyd COMMAND [OPTION]... [OPERAND]...\n\nCommands:\n");
    for (size_t i = 0; cli_commands[i]; i++)
        if (!(cli_commands[i]->uses & CLI_HIDDEN))
            fprintf(out, "  %-10s %s\n", cli_commands[i]->name, cli_commands[i]->line);
    fprintf(
        out,
        "\nThe first operand of most is PREFIX, what the PVs of the detector begin with, as\n"
        "Pilatus:. Its IOC is found by the EPICS_CA_ variables. cophyd COMMAND --help tells\n"
        "more, with examples.\n\n"
        "Exit status: 0 done, 1 failed, 2 the command line is wrong, 3 the IOC does not answer,\n"
        "130 interrupted.\n");
}

void cli_help(const struct cli_command *command, FILE *out)
{
    if (command)
        help_command(command, out);
    else
        help_program(out);
}
