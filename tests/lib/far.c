#include "lib/far.h"

#include <epicsUnitTest.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 8, TEXT = 100 };

static char addresses[2][TEXT]; /* of the link, and of the IOC */

static void run(int port, const char *given, int out)
{
    const char *build = getenv("BUILD");
    char path[300], words[TEXT], at[16], *rest = words;
    char *all[ARGUMENTS] = {path, at};
    snprintf(path, sizeof path, "%s/tests/link/far", build ? build : "build");
    snprintf(at, sizeof at, "%d", port);
    snprintf(words, sizeof words, "%s", given);
    for (int n = 2; n < ARGUMENTS - 1 && (all[n] = strsep(&rest, " ")); n++)
        continue;
    dup2(out, STDOUT_FILENO);
    execv(path, all);
    _exit(127);
}

pid_t far_start(int port)
{
    const char *given = getenv("COPHYD_LINK");
    char said[TEXT] = "";
    int line[2];
    if (!given) return 0;
    fflush(NULL);
    pid_t link = pipe(line) ? -1 : fork();
    if (link < 0) testAbort("no process for the link");
    if (!link) run(port, given, line[1]);
    close(line[1]);
    FILE *in = fdopen(line[0], "r");
    if (!in || !fgets(said, sizeof said, in) ||
        sscanf(said, "far ready on %99s", addresses[0]) != 1)
        testAbort("the link did not start: %s", said);
    fclose(in);
    snprintf(addresses[1], TEXT, "127.0.0.1:%d", port);
    far_stand(0);
    return link;
}

void far_stand(int near)
{
    if (getenv("COPHYD_LINK")) setenv("EPICS_CA_NAME_SERVERS", addresses[near], 1);
}

void far_stop(pid_t link)
{
    if (!link) return;
    kill(link, SIGKILL);
    waitpid(link, NULL, 0);
}
