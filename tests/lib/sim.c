#include "lib/sim.h"

#include "base/clock.h"
#include "lib/far.h"
#include "lib/state.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cophyd/simulator.h>
#include <epicsUnitTest.h>

enum { ARGUMENTS = 32 };

struct sim {
    oph_simulator *simulator;
    pid_t link;
};

static void need(int rc, const oph_error *err)
{
    if (rc) testAbort("%s", err->text);
}

/* Line by line. */
static void tell(char *text)
{
    char *line;
    while ((line = strsep(&text, "\n")))
        if (*line) testDiag("simulator: %s", line);
}

struct sim *sim_start(const char *const *arguments)
{
    /* Of the images of a long test, few: they would fill the disk. */
    const char *all[ARGUMENTS] = {"--verbose", "--raw-files", "8"};
    int n = 3;
    oph_error err = OPH_ERROR_INIT;
    struct sim *sim = calloc(1, sizeof *sim);
    if (!sim) testAbort("no memory");
    while (arguments && *arguments) {
        if (n + 1 >= ARGUMENTS) testAbort("too many arguments for the simulator");
        all[n++] = *arguments++;
    }
    fflush(NULL);
    setenv("COPHYD_SIM", "build/bin/cophyd-sim", 0);
    state_default();
    need(oph_simulator_start(all, &sim->simulator, &err), &err);
    need(oph_simulator_use(&sim->simulator, 1, &err), &err);
    sim->link = far_start(oph_simulator_port(sim->simulator));
    return sim;
}

int sim_port(const struct sim *sim)
{
    return oph_simulator_port(sim->simulator);
}

long sim_pid(const struct sim *sim)
{
    return oph_simulator_pid(sim->simulator);
}

int sim_stop(struct sim *sim)
{
    oph_error err = OPH_ERROR_INIT;
    char said[2048] = "";
    oph_simulator_log(sim->simulator, said, sizeof said);
    int rc = oph_simulator_stop(sim->simulator, &err);
    if (rc) testDiag("%s", err.text);
    if (rc) tell(said);
    far_stop(sim->link);
    free(sim);
    return rc;
}

void sim_kill(struct sim *sim)
{
    oph_error err = OPH_ERROR_INIT;
    need(oph_simulator_kill(sim->simulator, &err), &err);
}

void sim_pause(struct sim *sim)
{
    oph_error err = OPH_ERROR_INIT;
    need(oph_simulator_pause(sim->simulator, &err), &err);
}

void sim_resume(struct sim *sim)
{
    oph_error err = OPH_ERROR_INIT;
    need(oph_simulator_resume(sim->simulator, &err), &err);
}

/* Of those that tell of a socket at this port: one that does not only listen. */
static bool is_circuit(const char *line, int at)
{
    enum { ESTABLISHED = 0x01, CLOSE_WAIT = 0x08 };
    unsigned port, state;
    return sscanf(line, " %*u: %*8x:%4x %*8x:%*4x %2x", &port, &state) == 2 &&
           port == (unsigned)at && (state == ESTABLISHED || state == CLOSE_WAIT);
}

static bool has_circuits(int port)
{
    char line[256];
    bool found = false;
    FILE *sockets = fopen("/proc/net/tcp", "r");
    if (!sockets) testAbort("/proc/net/tcp cannot be read");
    while (!found && fgets(line, sizeof line, sockets))
        found = is_circuit(line, port);
    fclose(sockets);
    return found;
}

void sim_await_left(const struct sim *sim)
{
    double deadline = oph__now() + 60;
    while (has_circuits(sim_port(sim))) {
        if (oph__now() > deadline) testAbort("the simulator does not end its circuits");
        sched_yield();
    }
}

void sim_restart(struct sim *sim)
{
    oph_error err = OPH_ERROR_INIT;
    need(oph_simulator_restart(sim->simulator, &err), &err);
}

void sim_tell(const struct sim *sim)
{
    char text[2048];
    oph_simulator_log(sim->simulator, text, sizeof text);
    tell(text);
}
