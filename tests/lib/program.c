#include "lib/program.h"

#include "base/clock.h"
#include <epicsUnitTest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 16 };

static int unnamed_file(void)
{
    char name[] = "/tmp/cophyd-program-XXXXXX";
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0) testAbort("no file for a program's output");
    unlink(name);
    return fd;
}

void program_start(struct program *p, const char *name, const char *const *arguments)
{
    const char *all[ARGUMENTS] = {name}, *build = getenv("BUILD");
    char path[300];
    for (int n = 1; arguments && *arguments && n < ARGUMENTS - 1; n++)
        all[n] = *arguments++;
    snprintf(path, sizeof path, "%s/bin/%s", build ? build : "build", name);
    *p = (struct program){.out = unnamed_file(), .err = unnamed_file(), .started = oph__now()};
    fflush(NULL);
    p->pid = fork();
    if (p->pid < 0) testAbort("no process");
    if (p->pid) return;
    dup2(p->out, STDOUT_FILENO);
    dup2(p->err, STDERR_FILENO);
    execv(path, (char *const *)all);
    _exit(127);
}

static void take(int fd, char *text, size_t size)
{
    ssize_t got = pread(fd, text, size - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    close(fd);
}

void program_wait(struct program *p, double seconds, struct program_end *ret)
{
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, p->pid, 0), .events = POLLIN};
    int status;
    if (end.fd < 0) testAbort("no descriptor for a process");
    if (poll(&end, 1, (int)(seconds * 1000)) != 1) {
        testDiag("the program did not end within %g s", seconds);
        kill(p->pid, SIGKILL);
    }
    close(end.fd);
    waitpid(p->pid, &status, 0);
    *ret = (struct program_end){.seconds = oph__now() - p->started};
    ret->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    take(p->out, ret->out, sizeof ret->out);
    take(p->err, ret->err, sizeof ret->err);
}
