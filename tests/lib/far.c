#include "lib/far.h"

#include <epicsUnitTest.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 8, TEXT = 100 };

static char ioc[TEXT], way[TEXT]; /* the IOC's address, and where it is to be had */

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
    snprintf(ioc, TEXT, "127.0.0.1:%d", port);
    snprintf(way, TEXT, "%s", ioc);
    if (!given) return 0;
    fflush(NULL);
    pid_t link = pipe(line) ? -1 : fork();
    if (link < 0) testAbort("no process for the link");
    if (!link) run(port, given, line[1]);
    close(line[1]);
    FILE *in = fdopen(line[0], "r");
    if (!in || !fgets(said, sizeof said, in) || sscanf(said, "far ready on %99s", way) != 1)
        testAbort("the link did not start: %s", said);
    fclose(in);
    far_stand(0);
    return link;
}

void far_stand(int near)
{
    setenv("EPICS_CA_ADDR_LIST", near ? ioc : "", 1);
    setenv("EPICS_CA_NAME_SERVERS", near ? "" : way, 1);
}

void far_stop(pid_t link)
{
    if (!link) return;
    kill(link, SIGKILL);
    waitpid(link, NULL, 0);
}
