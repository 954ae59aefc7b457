/* cophyd sim: the simulated IOC, a program of its own beside this one. */
#include "cli/commands.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run(struct cli *cli, int argc, char **argv)
{
    static char name[] = "cophyd-sim";
    char path[PATH_MAX + sizeof name];
    (void)cli;
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    if (length <= 0) return cli_say("/proc/self/exe: %s", strerror(errno)), CLI_FAILED;
    path[length] = 0;
    char *slash = strrchr(path, '/');
    memcpy(slash ? slash + 1 : path, name, sizeof name);
    char **words = calloc((size_t)argc + 2, sizeof *words);
    if (!words) return cli_no_memory();
    words[0] = name;
    memcpy(words + 1, argv, (size_t)argc * sizeof *words);
    signal(SIGPIPE, SIG_DFL);
    execv(path, words);
    cli_say("%s: %s", path, strerror(errno));
    free(words);
    return CLI_FAILED;
}

const struct cli_command cli_sim = {
    .name = "sim",
    .line = "starts a simulated Pilatus IOC",
    .usage = "[OPTION]...",
    .operands_min = 0,
    .operands_max = -1,
    .uses = CLI_RAW,
    .run = run,
    .text = "The options are those of cophyd-sim, which stands beside this program; cophyd sim\n"
            "--help tells them.",
    .examples = "cophyd sim --raw /tmp/raw\ncophyd sim --port auto --class simdetector",
};
