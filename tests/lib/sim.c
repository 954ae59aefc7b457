#include "lib/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <epicsUnitTest.h>

enum { ARGUMENTS = 32, READY_SECONDS = 30, END_SECONDS = 5 };

struct sim {
    pid_t pid;
    int port, log; /* log: its standard error, an unlinked file */
    char port_text[16];
    const char *arguments[ARGUMENTS];
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void give_up(const struct sim *sim, const char *what)
{
    sim_tell(sim);
    if (sim->pid > 0) kill(sim->pid, SIGKILL);
    testAbort("the simulator %s", what);
}

static void run_child(struct sim *sim, int out)
{
    const char *program = getenv("COPHYD_SIM");
    dup2(out, STDOUT_FILENO);
    dup2(sim->log, STDERR_FILENO);
    execv(program ? program : "build/bin/cophyd-sim", (char *const *)sim->arguments);
    dprintf(STDERR_FILENO, "%s: %s\n", program ? program : "build/bin/cophyd-sim", strerror(errno));
    _exit(127);
}

/* Reads until two lines are there; the first ends with the port. */
static void read_ready(struct sim *sim, int in)
{
    char text[512] = "";
    size_t used = 0;
    double deadline = now() + READY_SECONDS;
    const char *first_end = NULL;
    while (!(first_end = strchr(text, '\n')) || !strchr(first_end + 1, '\n')) {
        struct pollfd fd = {.fd = in, .events = POLLIN};
        int left = (int)((deadline - now()) * 1e3);
        if (left <= 0 || poll(&fd, 1, left) == 0) give_up(sim, "was not ready in time");
        ssize_t got = read(in, text + used, sizeof text - 1 - used);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) give_up(sim, "ended before it was ready");
        used += (size_t)got;
        text[used] = '\0';
    }
    const char *ready = strstr(text, " ready on 127.0.0.1:");
    sim->port = ready ? (int)strtol(ready + strlen(" ready on 127.0.0.1:"), NULL, 10) : 0;
    if (sim->port <= 0) give_up(sim, "printed no port");
}

static void launch(struct sim *sim)
{
    int out[2];
    fflush(NULL);
    if (pipe2(out, O_CLOEXEC) != 0) testAbort("no pipe");
    sim->pid = fork();
    if (sim->pid < 0) testAbort("no process");
    if (sim->pid == 0) run_child(sim, out[1]);
    close(out[1]);
    read_ready(sim, out[0]);
    close(out[0]);
}

struct sim *sim_start(const char *const *arguments)
{
    struct sim *sim = calloc(1, sizeof *sim);
    char name[] = "/tmp/cophyd-sim-log-XXXXXX", address[32];
    int n = 0;
    if (!sim) testAbort("no memory");
    sim->log = mkostemp(name, O_CLOEXEC | O_APPEND);
    if (sim->log < 0) testAbort("no file for the simulator's log");
    unlink(name);
    sim->arguments[n++] = "cophyd-sim";
    sim->arguments[n++] = "--port";
    snprintf(sim->port_text, sizeof sim->port_text, "auto");
    sim->arguments[n++] = sim->port_text;
    sim->arguments[n++] = "--verbose";
    sim->arguments[n++] = "--raw-files"; /* a long test would fill the disk */
    sim->arguments[n++] = "8";
    while (arguments && *arguments) {
        if (n + 1 >= ARGUMENTS) testAbort("too many arguments for the simulator");
        sim->arguments[n++] = *arguments++;
    }
    launch(sim);
    snprintf(sim->port_text, sizeof sim->port_text, "%d", sim->port);
    snprintf(address, sizeof address, "127.0.0.1:%d", sim->port);
    setenv("EPICS_CA_NAME_SERVERS", address, 1);
    setenv("EPICS_CA_ADDR_LIST", "", 1);
    setenv("EPICS_CA_AUTO_ADDR_LIST", "NO", 1);
    return sim;
}

int sim_port(const struct sim *sim)
{
    return sim->port;
}

long sim_pid(const struct sim *sim)
{
    return sim->pid;
}

/* Whether it ended on SIGTERM in time. */
static int ended(struct sim *sim)
{
    struct pollfd fd = {.fd = pidfd_open(sim->pid, 0), .events = POLLIN};
    if (fd.fd < 0) testAbort("no descriptor for the simulator's process");
    kill(sim->pid, SIGCONT);
    kill(sim->pid, SIGTERM);
    int there = poll(&fd, 1, END_SECONDS * 1000);
    close(fd.fd);
    return there == 1;
}

int sim_stop(struct sim *sim)
{
    int status = 0;
    if (sim->pid > 0) {
        if (!ended(sim)) {
            testDiag("the simulator did not end on SIGTERM");
            sim_tell(sim);
            kill(sim->pid, SIGKILL);
        }
        waitpid(sim->pid, &status, 0);
    }
    close(sim->log);
    free(sim);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void sim_kill(struct sim *sim)
{
    int status;
    kill(sim->pid, SIGKILL);
    waitpid(sim->pid, &status, 0);
    sim->pid = 0;
}

void sim_pause(struct sim *sim)
{
    siginfo_t stopped;
    kill(sim->pid, SIGSTOP);
    if (waitid(P_PID, (id_t)sim->pid, &stopped, WSTOPPED)) testAbort("the simulator does not stop");
}

void sim_resume(struct sim *sim)
{
    kill(sim->pid, SIGCONT);
}

void sim_restart(struct sim *sim)
{
    launch(sim);
}

void sim_tell(const struct sim *sim)
{
    char text[2048];
    off_t end = lseek(sim->log, 0, SEEK_END);
    off_t from = end > (off_t)sizeof text - 1 ? end - ((off_t)sizeof text - 1) : 0;
    ssize_t got = pread(sim->log, text, sizeof text - 1, from);
    if (got <= 0) return;
    text[got] = '\0';
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")))
        if (*line) testDiag("simulator: %s", line);
}
