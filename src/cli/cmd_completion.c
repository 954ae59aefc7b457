/* cophyd completion: for a shell, from the tables of commands and options. */
#include "cli/commands.h"
#include "cli/options.h"

#include <string.h>

static bool is_listed(const struct cli_command *command)
{
    return !(command->uses & CLI_HIDDEN);
}

/* Whether an option is one of the command's; `i` counts its own, then those that are shared. */
static const struct cli_option *option_at(const struct cli_command *command, size_t i)
{
    size_t own = 0;
    while (command->options && command->options[own].name)
        own++;
    if (i < own) return &command->options[i];
    for (size_t j = 0, at = own; cli_common[j].option.name; j++)
        if (cli_takes(command, &cli_common[j]) && at++ == i) return &cli_common[j].option;
    return NULL;
}

static bool takes_paths(const struct cli_command *command)
{
    return strstr(command->usage, "PATH") != NULL;
}

/* --- bash */

static void bash_command(struct cli *cli, const struct cli_command *command)
{
    const struct cli_option *option;
    cli_print(cli, "    %s)\n        options='", command->name);
    for (size_t i = 0; (option = option_at(command, i)); i++)
        cli_print(cli, "%s%s", i ? " " : "", option->name);
    cli_print(cli, "'\n        case $before in\n");
    for (size_t i = 0; (option = option_at(command, i)); i++) {
        if (!option->argument) continue;
        cli_print(cli, "        %s) values='", option->name);
        if (!strcmp(option->name, "--class"))
            cli_print(cli, "pilatus simdetector");
        else if (strchr(option->argument, '|') && !strstr(option->argument, "FILE"))
            for (const char *c = option->argument; *c; c++)
                cli_print(cli, "%c", *c == '|' ? ' ' : *c);
        cli_print(cli, "' value=1 ;;\n");
    }
    cli_print(cli, "        esac\n        paths=%d\n        ;;\n", takes_paths(command));
}

/* Options that take a value, whichever command has them: "--class|--timeout". One that several
 * commands have stands there more than once, as case patterns may. */
static void bash_with_value(struct cli *cli)
{
    const struct cli_option *option;
    const char *between = "";
    for (size_t i = 0; cli_commands[i]; i++)
        for (size_t j = 0; (option = option_at(cli_commands[i], j)); j++) {
            if (!option->argument) continue;
            cli_print(cli, "%s%s", between, option->name);
            between = "|";
        }
}

static void bash(struct cli *cli)
{
    cli_print(cli, "# Completion of cophyd for bash: source it, or let it lie where bash looks.\n"
                   "_cophyd() {\n"
                   "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                   "    local command='' operands=0 class=pilatus options='' values='' value=0 "
                   "paths=0 i\n"
                   "    COMPREPLY=()\n"
                   "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                   "        case ${COMP_WORDS[i]} in\n"
                   "        ");
    bash_with_value(cli);
    cli_print(cli, ")\n"
                   "            before=${COMP_WORDS[i]}; i=$((i + 1))\n"
                   "            [ \"${COMP_WORDS[i]}\" != = ] || i=$((i + 1))\n"
                   "            [ $before != --class ] || class=${COMP_WORDS[i]}\n"
                   "            before=${COMP_WORDS[COMP_CWORD-1]} ;;\n"
                   "        -*) ;;\n"
                   "        *) if [ -z \"$command\" ]; then command=${COMP_WORDS[i]}\n"
                   "           else operands=$((operands + 1)); fi ;;\n"
                   "        esac\n"
                   "    done\n"
                   "    case $command in\n"
                   "    '') values='");
    for (size_t i = 0; cli_commands[i]; i++)
        if (is_listed(cli_commands[i])) cli_print(cli, "%s ", cli_commands[i]->name);
    cli_print(cli, "--help --version' ;;\n");
    for (size_t i = 0; cli_commands[i]; i++)
        if (is_listed(cli_commands[i])) bash_command(cli, cli_commands[i]);
    cli_print(cli, "    esac\n"
                   "    if [ -z \"$command\" ] || [ -n \"$values\" ]; then\n"
                   "        COMPREPLY=($(compgen -W \"$values\" -- \"$word\"))\n"
                   "        [ \"$before\" != --class ] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
                   "    elif [ $value = 1 ]; then\n"
                   "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
                   "    elif [[ $word == -* ]]; then\n"
                   "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
                   "    elif [ $paths = 1 ] && [ $operands -gt 0 ]; then\n"
                   "        COMPREPLY=($(compgen -W \"$(\"${COMP_WORDS[0]}\" classes \"$class\" "
                   "--format csv 2>/dev/null |\n"
                   "            sed 1d | cut -d, -f1)\" -- \"$word\"))\n"
                   "    else\n"
                   "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
                   "    fi\n"
                   "}\n"
                   "complete -o filenames -F _cophyd cophyd\n");
}

/* --- zsh */

/* In single quotes, and a colon or a bracket has a meaning there. */
static void zsh_text(struct cli *cli, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            cli_print(cli, "'\\''");
        else if (strchr(":[]", *c))
            cli_print(cli, "\\%c", *c);
        else
            cli_print(cli, "%c", *c == '\n' ? ' ' : *c);
    }
}

static void zsh_command(struct cli *cli, const struct cli_command *command)
{
    const struct cli_option *option;
    cli_print(cli, "    %s)\n        _arguments", command->name);
    for (size_t i = 0; (option = option_at(command, i)); i++) {
        cli_print(cli, " \\\n            '%s[", option->name);
        zsh_text(cli, option->doc);
        cli_print(cli, "]");
        if (option->argument) {
            cli_print(cli, ":");
            zsh_text(cli, option->argument);
            cli_print(cli, ":_files");
        }
        cli_print(cli, "'");
    }
    cli_print(cli, " \\\n            %s ;;\n",
              takes_paths(command) ? "'1:PREFIX:' '*:PATH:_cophyd_paths'" : "'*:operand:_files'");
}

static void zsh(struct cli *cli)
{
    cli_print(cli, "#compdef cophyd\n"
                   "_cophyd_paths() {\n"
                   "    local -a paths\n"
                   "    paths=(${(f)\"$(cophyd classes pilatus --format csv 2>/dev/null | sed 1d | "
                   "cut -d, -f1)\"})\n"
                   "    compadd -a paths\n"
                   "}\n"
                   "_cophyd() {\n"
                   "    local -a commands\n"
                   "    commands=(\n");
    for (size_t i = 0; cli_commands[i]; i++) {
        if (!is_listed(cli_commands[i])) continue;
        cli_print(cli, "        '%s:", cli_commands[i]->name);
        zsh_text(cli, cli_commands[i]->line);
        cli_print(cli, "'\n");
    }
    cli_print(cli, "    )\n"
                   "    if (( CURRENT == 2 )); then\n"
                   "        _describe command commands\n"
                   "        return\n"
                   "    fi\n"
                   "    shift words\n"
                   "    (( CURRENT-- ))\n"
                   "    case $words[1] in\n");
    for (size_t i = 0; cli_commands[i]; i++)
        if (is_listed(cli_commands[i])) zsh_command(cli, cli_commands[i]);
    cli_print(cli, "    esac\n}\n_cophyd \"$@\"\n");
}

static int run(struct cli *cli, int argc, char **argv)
{
    (void)argc;
    if (!strcmp(argv[0], "bash"))
        bash(cli);
    else if (!strcmp(argv[0], "zsh"))
        zsh(cli);
    else
        return cli_usage("cophyd completion: wanted bash or zsh, found '%s'", argv[0]);
    return 0;
}

const struct cli_command cli_completion = {
    .name = "completion",
    .line = "prints the completion for bash or zsh",
    .usage = "bash|zsh",
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
    .text = "make install puts it where the shells look.",
    .examples = "source <(cophyd completion bash)",
};
