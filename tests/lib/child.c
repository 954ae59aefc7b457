#include "lib/child.h"

#include <epicsUnitTest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 8, LINE = 10, SECONDS = 30 };

void child_start(struct child *child, const char *const *arguments)
{
    const char *all[ARGUMENTS] = {"child"};
    char program[512] = "";
    int ends[2];
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0) testAbort("no program");
    for (int n = 1; *arguments && n < ARGUMENTS - 1; n++)
        all[n] = *arguments++;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) testAbort("no socket");
    fflush(NULL);
    child->pid = fork();
    if (child->pid < 0) testAbort("no process");
    if (!child->pid) {
        dup2(STDERR_FILENO, STDOUT_FILENO); /* its results are its own */
        dup2(ends[1], LINE);
        execv(program, (char *const *)all);
        _exit(127);
    }
    close(ends[1]);
    child->line = ends[0];
}

int child_hear(struct child *child, char *line, size_t size)
{
    size_t used = 0;
    while (used + 1 < size) {
        struct pollfd fd = {.fd = child->line, .events = POLLIN};
        if (poll(&fd, 1, SECONDS * 1000) != 1) testAbort("the child says nothing");
        if (read(child->line, &line[used], 1) != 1) return 0;
        if (line[used] == '\n') break;
        used++;
    }
    line[used] = '\0';
    return 1;
}

void child_go(struct child *child)
{
    if (send(child->line, "g", 1, MSG_NOSIGNAL) != 1) testDiag("the child has ended");
}

int child_end(struct child *child)
{
    int status = 0;
    waitpid(child->pid, &status, 0);
    close(child->line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void child_kill(struct child *child)
{
    kill(child->pid, SIGKILL);
    child_end(child);
}

static void say(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
static void say(const char *format, va_list args)
{
    char line[1024];
    int length = vsnprintf(line, sizeof line - 1, format, args);
    if (length < 0 || length > (int)sizeof line - 2) length = (int)sizeof line - 2;
    line[length] = '\n';
    if (write(LINE, line, (size_t)length + 1) < 0) _exit(1);
}

void child_mention(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void child_say(const char *format, ...)
{
    va_list args;
    char go;
    va_start(args, format);
    say(format, args);
    va_end(args);
    if (read(LINE, &go, 1) != 1) _exit(1); /* the parent has ended */
}
