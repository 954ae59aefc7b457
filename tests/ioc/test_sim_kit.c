/* include/cophyd/simulator.h: simulators that a program starts, breaks and stops. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cophyd/simulator.h>
#include <epicsUnitTest.h>

#include "lib/check.h"
#include "lib/probe.h"

static const char *const first[] = {"--prefix", "One:", "--size", "64x48", "--verbose", NULL};
static const char *const second[] = {"--prefix", "Two:",        "--size", "64x48",
                                     "--class",  "simdetector", NULL};

/* Both are found at once, each on its port. */
static void two(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_simulator *sims[2] = {NULL, NULL};
    char text[64], said[2048];
    check_done(oph_simulator_start(first, &sims[0], &err), &err, "one starts");
    check_done(oph_simulator_start(second, &sims[1], &err), &err, "another starts");
    testOk(oph_simulator_port(sims[0]) != oph_simulator_port(sims[1]), "they have ports %d and %d",
           oph_simulator_port(sims[0]), oph_simulator_port(sims[1]));
    snprintf(text, sizeof text, "127.0.0.1:%d", oph_simulator_port(sims[1]));
    testOk(strcmp(oph_simulator_address(sims[1]), text) == 0, "the address is %s", text);
    check_done(oph_simulator_use(sims, 2, &err), &err, "both are used");
    struct probe *p = probe_new("");
    probe_is(p, "One:cam1:Model_RBV", "Pilatus");
    probe_is(p, "Two:cam1:Model_RBV", "Basic simulator");
    probe_free(p);
    testOk(strstr(oph_simulator_log(sims[0], said, sizeof said), "iocRun") != NULL,
           "with --verbose the IOC's own words are in the log");
    testOk(strlen(oph_simulator_log(sims[0], said, 8)) < 8, "a small buffer takes what fits");
    check_done(oph_simulator_stop(sims[0], &err), &err, "one stops");
    check_done(oph_simulator_stop(sims[1], &err), &err, "the other stops");
    check_done(oph_simulator_stop(NULL, &err), &err, "none is stopped");
}

static void life(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_simulator *sim = NULL;
    check_done(oph_simulator_start(first, &sim, &err), &err, "it starts");
    int port = oph_simulator_port(sim);
    long pid = oph_simulator_pid(sim);
    testOk(pid > 0 && kill((pid_t)pid, 0) == 0, "it is process %ld", pid);
    check_done(oph_simulator_use(&sim, 1, &err), &err, "it is used");
    struct probe *p = probe_new("One:");
    probe_set(p, "cam1:NumImages", "7");
    check_done(oph_simulator_pause(sim, &err), &err, "it pauses");
    testOk(probe_put_start(p, "cam1:NumImages", "8") == 0 &&
               probe_completed(p, "cam1:NumImages", 0.2) != 0,
           "a put is not answered");
    check_done(oph_simulator_pause(sim, &err), &err, "pausing twice does no harm");
    check_done(oph_simulator_resume(sim, &err), &err, "it goes on");
    testOk(probe_completed(p, "cam1:NumImages", 5) == 0, "the put is answered");
    check_done(oph_simulator_kill(sim, &err), &err, "it is killed");
    testOk(kill((pid_t)pid, 0) != 0 && oph_simulator_pid(sim) == 0, "it is gone");
    testOk(oph_simulator_kill(sim, &err) == OPH_ESTATE, "again: %s", err.text);
    testOk(oph_simulator_pause(sim, &err) == OPH_ESTATE, "pause: %s", err.text);
    testOk(oph_simulator_resume(sim, &err) == OPH_ESTATE, "resume: %s", err.text);
    probe_free(p);
    check_done(oph_simulator_restart(sim, &err), &err, "it restarts");
    testOk(oph_simulator_port(sim) == port, "on the same port");
    p = probe_new("One:");
    probe_is(p, "cam1:NumImages", "1");
    probe_set(p, "cam1:NumImages", "7");
    probe_free(p);
    check_done(oph_simulator_restart(sim, &err), &err, "it restarts while it runs");
    p = probe_new("One:");
    probe_is(p, "cam1:NumImages", "1");
    probe_free(p);
    check_done(oph_simulator_pause(sim, &err), &err, "it pauses");
    check_done(oph_simulator_stop(sim, &err), &err, "it stops all the same");
}

/* One that somebody else ended. */
static void ended(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_simulator *sim = NULL;
    check_done(oph_simulator_start(first, &sim, &err), &err, "it starts");
    kill((pid_t)oph_simulator_pid(sim), SIGKILL);
    testOk(oph_simulator_stop(sim, &err) == OPH_ESTATE, "%s", err.text);
}

static void refusals(void)
{
    static const char *const wrong[] = {"--size", "10", NULL};
    oph_error err = OPH_ERROR_INIT;
    oph_simulator *sim = NULL;
    char *program = strdup(getenv("COPHYD_SIM"));
    int rc = oph_simulator_start(wrong, &sim, &err);
    testOk(rc == OPH_EINVAL && err.code == rc && !sim && strstr(err.text, "--size wants WIDTHx"),
           "%s", err.text);
    testOk(oph_simulator_start(wrong, &sim, NULL) == OPH_EINVAL, "without an error too");
    setenv("COPHYD_SIM", "/no/such/program", 1);
    rc = oph_simulator_start(NULL, &sim, &err);
    testOk(rc == OPH_ESYSTEM && strstr(err.text, "/no/such/program: No such file"), "%s", err.text);
    setenv("COPHYD_SIM", "/bin/true", 1);
    rc = oph_simulator_start(NULL, &sim, &err);
    testOk(rc == OPH_ESYSTEM && strstr(err.text, "ended before it was ready"), "%s", err.text);
    unsetenv("COPHYD_SIM");
    setenv("PATH", "/no/such/folder", 1);
    rc = oph_simulator_start(NULL, &sim, &err);
    testOk(rc == OPH_ESYSTEM && strstr(err.text, "cophyd-sim: No such file"), "%s", err.text);
    if (!program) testAbort("no memory");
    setenv("COPHYD_SIM", program, 1);
    free(program);
}

int main(void)
{
    testPlan(0);
    setenv("COPHYD_SIM", "build/bin/cophyd-sim", 0);
    two();
    life();
    ended();
    refusals();
    return testDone();
}
