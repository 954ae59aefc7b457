/* base/process: who is alive, and who only has the pid of somebody that was. */
#include "base/process.h"

#include <epicsUnitTest.h>
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

int main(void)
{
    testPlan(0);
    test_self();
    test_child();
    return testDone();
}
