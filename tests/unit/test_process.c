/* base/process: who is alive, and who only has the pid of somebody that was. */
#include "base/process.h"

#include <epicsUnitTest.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct oph__process self;

static bool is(const struct oph__process *process, enum oph__process_state state)
{
    return oph__process_state(process, &self) == state;
}

static void test_self(void)
{
    struct oph__process other;
    oph__process_self(&self);
    testOk(self.pid == getpid() && self.start > 0 && self.space > 0 && strlen(self.boot) == 36,
           "/proc tells who this is");
    testOk(!strcmp(self.program, "test_process"), "%s", self.program);
    testOk1(is(&self, OPH__PROCESS_LIVES));
    other = self;
    other.start++;
    testOk(is(&other, OPH__PROCESS_DEAD), "the pid of one that started at another time");
    other = self;
    other.boot[0] ^= 1;
    testOk(is(&other, OPH__PROCESS_DEAD), "one of before the machine was started");
    other = self;
    other.space++;
    testOk(is(&other, OPH__PROCESS_UNKNOWN), "one of another pid namespace");
    other = self;
    other.pid = 1;
    testOk(is(&other, OPH__PROCESS_DEAD), "the pid of another");
}

/* A name with what the format of /proc has around names. */
static void test_child(void)
{
    struct oph__process child;
    int out[2];
    if (pipe(out)) testAbort("no pipe");
    pid_t pid = fork();
    if (!pid) {
        int name = 0;
        FILE *comm = fopen("/proc/self/comm", "w");
        if (comm) name = fputs("a) S (b", comm) >= 0 && !fclose(comm);
        oph__process_self(&child);
        if (name && write(out[1], &child, sizeof child) > 0) pause();
        _exit(1);
    }
    if (read(out[0], &child, sizeof child) != sizeof child) testAbort("the child says nothing");
    testOk(child.pid == pid && child.start >= self.start, "a child tells who it is");
    testOk(!strcmp(child.program, "a) S (b"), "%s", child.program);
    testOk1(is(&child, OPH__PROCESS_LIVES));
    siginfo_t info;
    kill(pid, SIGKILL);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    testOk(is(&child, OPH__PROCESS_DEAD), "killed it is dead, before its parent has noticed");
    waitpid(pid, NULL, 0);
    testOk(is(&child, OPH__PROCESS_DEAD), "and after that");
    close(out[0]);
    close(out[1]);
}

/* A process goes on when its first thread has ended, and /proc calls it a zombie. */

static int threads_out;
static pthread_t first;

static void *outlive(void *arg)
{
    struct oph__process child;
    (void)arg;
    pthread_join(first, NULL);
    oph__process_self(&child);
    if (write(threads_out, &child, sizeof child) > 0) pause();
    _exit(1);
}

static bool is_called_zombie(pid_t pid)
{
    char path[48], stat[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file) return false;
    bool read = fgets(stat, sizeof stat, file) != NULL;
    fclose(file);
    return read && strstr(stat, ") Z ");
}

static void test_first_thread(void)
{
    struct oph__process child;
    int out[2];
    if (pipe(out)) testAbort("no pipe");
    pid_t pid = fork();
    if (!pid) {
        pthread_t other;
        threads_out = out[1];
        first = pthread_self();
        if (!pthread_create(&other, NULL, outlive, NULL)) pthread_exit(NULL);
        _exit(1);
    }
    if (read(out[0], &child, sizeof child) != sizeof child) testAbort("the child says nothing");
    bool ended = false;
    while (!ended)
        ended = is_called_zombie(pid);
    testOk(child.pid == pid && is(&child, OPH__PROCESS_LIVES), "without its first thread it lives");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    testOk1(is(&child, OPH__PROCESS_DEAD));
    close(out[0]);
    close(out[1]);
}

int main(void)
{
    testPlan(0);
    test_self();
    test_child();
    test_first_thread();
    return testDone();
}
