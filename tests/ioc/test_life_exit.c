/* A forked child ends by exit(), as any other process does: also where a CA repeater runs in its
 * parent, whose watchdog libCom's exit handlers wait for. */
#include "base/clock.h"
#include "lib/mini.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <epicsUnitTest.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT = 30, CODE = 7 };

static int *told; /* by the handler of a child */
static pid_t parent;

/* LeakSanitizer, where there is one, takes what the parent's threads hold for lost. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return getpid() != parent;
}

static void tell(void)
{
    *told = getpid();
}

/* No other program's repeater is at this port, and none can be started beside this program. */
static void want_own_repeater(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    char port[16];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) ||
        getsockname(fd, (struct sockaddr *)&at, &size))
        testAbort("no port");
    close(fd);
    snprintf(port, sizeof port, "%d", ntohs(at.sin_port));
    setenv("EPICS_CA_REPEATER_PORT", port, 1);
    setenv("PATH", "/nowhere", 1);
}

static bool has_thread(const char *wanted)
{
    DIR *dir = opendir("/proc/self/task");
    const struct dirent *entry;
    bool found = false;
    while (dir && !found && (entry = readdir(dir))) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *in = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (!in) continue;
        found = fgets(name, sizeof name, in) && !strncmp(name, wanted, strlen(wanted));
        fclose(in);
    }
    if (dir) closedir(dir);
    return found;
}

/* libCom starts it on a thread of its own, and tells nobody. */
static bool has_watchdog(void)
{
    double deadline = oph__now() + LIMIT;
    while (!has_thread("taskwd") && oph__now() < deadline)
        sched_yield();
    return has_thread("taskwd");
}

/* The exit code of a child that does this and exits; -1 when it was killed. */
static int in_child(int (*act)(void))
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(LIMIT);
        exit(act());
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int nothing(void)
{
    return CODE;
}

static int read_by(oph_context *ctx)
{
    oph_error err = OPH_ERROR_INIT;
    double value = 0;
    oph_device *dev = mini_device(ctx, "dev");
    if (oph_get_double(dev, "ai", &value, &err)) testDiag("%s", err.text);
    oph_device_free(dev);
    return value == 1.5 ? CODE : 1;
}

static int in_grandchild(void)
{
    return in_child(nothing);
}

int main(void)
{
    testPlan(7);
    parent = getpid();
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (told == MAP_FAILED || atexit(tell)) testAbort("no memory");
    struct sim *mini = mini_start();
    want_own_repeater();
    oph_context *ctx = mini_context(NULL);
    testOk(read_by(ctx) == CODE, "a program reads");
    testOk(has_watchdog(), "a CA repeater and its watchdog run in it");
    testOk(in_child(nothing) == CODE, "a forked child exits");
    testOk(*told > 0 && *told != parent, "and the program's own exit handlers are called");
    testOk(in_child(in_grandchild) == CODE, "so does a child of a child");
    testOk(read_by(ctx) == CODE, "the parent reads on");
    oph_context_free(ctx);
    testOk(in_child(nothing) == CODE, "a child exits that has no context");
    sim_stop(mini);
    return testDone();
}
