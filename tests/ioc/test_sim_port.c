/* A port that another process takes between the simulator's look and its server's start: with a
 * port that it was given it ends and says so. */
#include <arpa/inet.h>
#include <dirent.h>
#include <epicsUnitTest.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRIES = 50, MANY_THREADS = 8 };

extern char **environ;

struct simulator {
    pid_t pid;
    int says; /* its output and its errors */
};

static struct sockaddr_in at(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* -1: somebody has it. */
static int take(int type, int port)
{
    struct sockaddr_in address = at(port);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static int free_port(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int fd = take(SOCK_DGRAM, 0);
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&address, &size)) testAbort("no port");
    close(fd);
    return ntohs(address.sin_port);
}

static struct simulator begin(const char *port)
{
    const char *program = getenv("COPHYD_SIM") ? getenv("COPHYD_SIM") : "build/bin/cophyd-sim";
    char *const arguments[] = {"cophyd-sim", "--port", (char *)port, NULL};
    struct simulator sim;
    posix_spawn_file_actions_t actions;
    int ends[2];
    if (pipe(ends)) testAbort("no pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    if (posix_spawn(&sim.pid, program, &actions, NULL, arguments, environ))
        testAbort("%s does not start", program);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    sim.says = ends[0];
    return sim;
}

/* It has looked at the ports, and makes its drivers and records. */
static void await_threads(pid_t pid)
{
    char path[40];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    while (count < MANY_THREADS) {
        DIR *dir = opendir(path);
        if (!dir) testAbort("the simulator is gone");
        for (count = 0; readdir(dir);)
            count++;
        closedir(dir);
        if (kill(pid, 0)) testAbort("the simulator is gone");
    }
}

/* Up to the end, or a line. */
static void read_line(const struct simulator *sim, char *dst, size_t size)
{
    size_t used = 0;
    alarm(60); /* it neither starts nor ends */
    while (used + 1 < size && read(sim->says, dst + used, 1) == 1 && dst[used] != '\n')
        used++;
    alarm(0);
    dst[used] = '\0';
}

static void own_port(void)
{
    char port[16], line[256], wanted[128];
    int status, taken = -1;
    struct simulator sim;
    for (int i = 0; taken < 0 && i < TRIES; i++) {
        snprintf(port, sizeof port, "%d", free_port());
        sim = begin(port);
        await_threads(sim.pid);
        taken = take(SOCK_DGRAM, (int)strtol(port, NULL, 10));
        if (taken >= 0) break;
        kill(sim.pid, SIGKILL); /* it was quicker */
        waitpid(sim.pid, &status, 0);
        close(sim.says);
    }
    testOk(taken >= 0, "port %s is taken while the IOC starts", port);
    read_line(&sim, line, sizeof line);
    snprintf(wanted, sizeof wanted,
             "cophyd-sim: port %s on 127.0.0.1 was taken while the IOC started", port);
    testOk(strcmp(line, wanted) == 0, "it says: %s", line);
    waitpid(sim.pid, &status, 0);
    testOk(WIFEXITED(status) && WEXITSTATUS(status) == 1, "it ends with 1");
    close(sim.says);
    close(taken);
}

int main(void)
{
    testPlan(3);
    own_port();
    return testDone();
}
