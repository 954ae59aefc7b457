/* The command line: options may stand anywhere, before and after the command's name. */
#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct cli_common cli_common[] = {
    {{"--json", NULL, "one JSON document a line in place of text"}, CLI_USES_JSON},
    {{"--class", "NAME|FILE",
      "the detector: pilatus (at first), simdetector, a class of the library,\n"
      "or a file of class text, whose last class it is; FILE:CLASS names one"},
     CLI_USES_DEVICE},
    {{"--timeout", "SECONDS", "how long each step may take: to connect, to be answered"},
     CLI_USES_DEVICE},
    {{"--log", "FILE", "appends every put to FILE: who, old and new value"}, CLI_USES_DEVICE},
    {{"--read-only", NULL, "nothing is written to the IOC; what would be is refused"},
     CLI_USES_DEVICE},
    {{"--set", "PATH=VALUE", "a setting of the stage, as cam.acquire_time=0.1; may be repeated"},
     CLI_USES_FILES},
    {{"--write-root", "DIR", "where the IOC writes, as it names the folder"}, CLI_USES_FILES},
    {{"--read-root", "DIR", "the same folder, as this machine names it"}, CLI_USES_FILES},
    {{"--dir", "DIR", "below the two, with strftime's % fields (%Y/%m/%d)"}, CLI_USES_FILES},
    {{"--help", NULL, "tells this"}, 0},
    {{NULL, NULL, NULL}, 0},
};

bool cli_takes(const struct cli_command *command, const struct cli_common *common)
{
    return !common->uses || (common->uses & command->uses);
}

bool cli_to_int(const char *text, int64_t *ret)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end || errno) return false;
    *ret = value;
    return true;
}

bool cli_to_double(const char *text, double *ret)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end || errno) return false;
    *ret = value;
    return true;
}

const char *cli_option(const struct cli *cli, const char *name)
{
    const struct cli_option *options = cli->command->options;
    for (size_t i = 0; options && options[i].name; i++)
        if (!strcmp(options[i].name, name)) return cli->values[i];
    return NULL;
}

int cli_option_int(const struct cli *cli, const char *name, int64_t least, int64_t otherwise,
                   int64_t *ret)
{
    const char *text = cli_option(cli, name);
    int64_t value = otherwise;
    if (text && (!cli_to_int(text, &value) || value < least))
        return cli_usage("%s: wanted an integer of at least %lld, found '%s'", name,
                         (long long)least, text);
    *ret = value;
    return 0;
}

/* --- Which option a word is */

/* "--name", "--name=value", "-n", "-nVALUE". *ret_value is what stands in the same word, or NULL.
 */
static bool is_option(const struct cli_option *option, char *word, char **ret_value)
{
    size_t length = strlen(option->name);
    if (strncmp(word, option->name, length) != 0) return false;
    bool lengthy = word[1] == '-';
    char *rest = word + length;
    *ret_value = !*rest ? NULL : lengthy ? rest + 1 : rest;
    return !*rest || (lengthy ? *rest == '=' : option->argument != NULL);
}

static const struct cli_option *find_common(char *word, char **ret_value, unsigned *ret_uses)
{
    for (size_t i = 0; cli_common[i].option.name; i++) {
        *ret_uses = cli_common[i].uses;
        if (is_option(&cli_common[i].option, word, ret_value)) return &cli_common[i].option;
    }
    return NULL;
}

static const struct cli_option *find_own(const struct cli_command *command, char *word,
                                         char **ret_value)
{
    for (size_t i = 0; command && command->options && command->options[i].name; i++)
        if (is_option(&command->options[i], word, ret_value)) return &command->options[i];
    return NULL;
}

/* --- What it means */

static int take_set(struct cli *cli, const char *value)
{
    if (!strchr(value, '=') || *value == '=')
        return cli_usage("--set: wanted PATH=VALUE, found '%s'", value);
    const char **sets = realloc(cli->sets, (cli->set_count + 1) * sizeof *sets);
    if (!sets) return cli_no_memory();
    cli->sets = sets;
    sets[cli->set_count++] = value;
    return 0;
}

static int take_common(struct cli *cli, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **to;
    } texts[] = {{"--log", &cli->log_file},
                 {"--class", &cli->class_name},
                 {"--write-root", &cli->write_root},
                 {"--read-root", &cli->read_root},
                 {"--dir", &cli->dir}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (!strcmp(name, texts[i].name)) *texts[i].to = value;
    if (!strcmp(name, "--json")) cli->json = true;
    if (!strcmp(name, "--read-only")) cli->read_only = true;
    if (!strcmp(name, "--set")) return take_set(cli, value);
    if (!strcmp(name, "--timeout") &&
        !(cli_to_double(value, &cli->timeout) && cli->timeout > 0 && isfinite(cli->timeout)))
        return cli_usage("--timeout: wanted seconds above 0, found '%s'", value);
    return 0;
}

/* One word that begins with a dash. *ret_next: the word after it is its value. The command may not
 * be known yet; then only options that all have are. */
static int take_option(struct cli *cli, char *word, char *next, bool *ret_next,
                       enum cli_wish *ret_wish)
{
    const struct cli_command *command = cli->command;
    char *value = NULL;
    unsigned uses = 0;
    const struct cli_option *own = find_own(command, word, &value);
    const struct cli_option *option = own ? own : find_common(word, &value, &uses);
    if (!option || (uses && command && !(uses & command->uses)))
        return cli_usage("%s%s has no option '%s'; see cophyd %s%s--help",
                         command ? "cophyd " : "cophyd", command ? command->name : "", word,
                         command ? command->name : "", command ? " " : "");
    if (!option->argument && value)
        return cli_usage("%s takes no value, found '%s'", option->name, value);
    *ret_next = option->argument && !value;
    if (*ret_next) value = next;
    if (option->argument && !value)
        return cli_usage("%s: wanted %s after it, found nothing", option->name, option->argument);
    if (own)
        cli->values[own - command->options] = value ? value : "";
    else if (!strcmp(option->name, "--help"))
        *ret_wish = CLI_WISH_HELP;
    else
        return take_common(cli, option->name, value);
    return 0;
}

/* Options before the command's name may be of a command that uses none of them. */
static int check_common(const struct cli *cli)
{
    const struct cli_command *command = cli->command;
    bool device = cli->class_name || cli->log_file || cli->read_only || !isnan(cli->timeout);
    bool files = cli->set_count || cli->write_root || cli->read_root || cli->dir;
    if ((cli->json && !(command->uses & CLI_USES_JSON)) ||
        (device && !(command->uses & CLI_USES_DEVICE)) ||
        (files && !(command->uses & CLI_USES_FILES)))
        return cli_usage("cophyd %s does not take one of the options before it; see cophyd %s "
                         "--help",
                         command->name, command->name);
    return 0;
}

static int check_operands(const struct cli_command *command, int count)
{
    if (count < command->operands_min)
        return cli_usage("cophyd %s: wanted %s, found %d operand%s; see cophyd %s --help",
                         command->name, command->usage, count, count == 1 ? "" : "s",
                         command->name);
    if (command->operands_max >= 0 && count > command->operands_max)
        return cli_usage("cophyd %s: wanted %s, found %d operands; see cophyd %s --help",
                         command->name, *command->usage ? command->usage : "no operands", count,
                         command->name);
    return 0;
}

int cli_parse(struct cli *cli, int *argc, char **argv, enum cli_wish *ret)
{
    int count = 0, rc = 0;
    bool only_operands = false;
    *ret = CLI_WISH_RUN;
    for (int i = 1; i < *argc; i++) {
        char *word = argv[i];
        bool next = false;
        if (!only_operands && !strcmp(word, "--")) {
            only_operands = true;
        } else if (!only_operands && !cli->command && !strcmp(word, "--version")) {
            *ret = CLI_WISH_VERSION;
            return 0;
        } else if (!only_operands && word[0] == '-' && word[1]) {
            rc = take_option(cli, word, argv[i + 1], &next, ret);
            if (rc) return rc;
            i += next;
        } else if (!cli->command) {
            cli->command = cli_command_find(word);
            if (!cli->command) return CLI_USAGE;
            only_operands = (cli->command->uses & CLI_RAW) != 0;
        } else {
            argv[count++] = word;
        }
    }
    *argc = count;
    argv[count] = NULL;
    if (*ret == CLI_WISH_HELP) return 0;
    if (!cli->command) return cli_usage("wanted a command; see cophyd --help");
    rc = check_common(cli);
    return rc ? rc : check_operands(cli->command, count);
}

void cli_parse_free(struct cli *cli)
{
    free(cli->sets);
}
