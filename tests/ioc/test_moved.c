/* An IOC that comes back with another port, and with what was staged there: as several on one host
 * do, with autosave. */
#include "lib/check.h"
#include "lib/events.h"
#include "lib/state.h"

#include <cophyd/cophyd.h>
#include <cophyd/simulator.h>
#include <epicsUnitTest.h>
#include <stdlib.h>

enum { FORMER, LATER, BOTH };

static oph_simulator *iocs[BOTH];
static oph_context *ctx;
static oph_device *det;

static void need(int rc, const oph_error *err)
{
    if (rc) testAbort("%s", err->text);
}

static void set_up(void)
{
    static const char classes[] = "class Moved : SingleTrigger PilatusDetector\n"
                                  "stage cam acquire_time=0.02\n";
    const oph_context_options options = {.size = sizeof options, .put_timeout = 2};
    oph_error err = OPH_ERROR_INIT;
    for (int i = 0; i < BOTH; i++)
        need(oph_simulator_start((const char *const[]){"--instant", NULL}, &iocs[i], &err), &err);
    need(oph_simulator_use(iocs, BOTH, &err), &err);
    need(oph_simulator_kill(iocs[LATER], &err), &err);
    need(oph_context_new(&options, &ctx, &err), &err);
    need(oph_class_parse(ctx, classes, "test", NULL, &err), &err);
    need(oph_device_new(ctx, "Moved", "Pilatus:", "det", &det, &err), &err);
}

static void kill_ioc(void *ioc)
{
    oph_error err = OPH_ERROR_INIT;
    need(oph_simulator_kill(ioc, &err), &err);
}

/* With our values from its autosave. */
static void moves(int from, int to)
{
    oph_error err = OPH_ERROR_INIT;
    /* While the library notices it, which of the lost PVs is the first may differ. */
    events_lose(det, "cam.acquire_time", kill_ioc, iocs[from]);
    check_refused(oph_unstage(det, NULL, &err), &err, OPH_EDISCONN, "det.cam.acquire_time",
                  "Pilatus:cam1:AcquireTime", "1 put back", "not connected");
    testOk(state_journals() == 1, "what was not put back is noted");
    need(oph_simulator_restart(iocs[to], &err), &err);
    check_done(oph_connect(det, 60, NULL, &err), &err, "the IOC is found with another port");
    check_done(oph_put(det, "cam.acquire_time", 0.02, &err), &err, "with the staged value");
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    double time = 0;
    testPlan(0);
    /* libca looks for a lost name server this often: every 30 s by itself. */
    setenv("EPICS_CA_CONN_TMO", "1", 1);
    state_begin(NULL, 0);
    set_up();
    check_done(oph_stage(det, NULL, &err), &err, "stage works");
    moves(FORMER, LATER);
    check_done(oph_stage(det, NULL, &err), &err, "the next stage puts back first, and works");
    check_done(oph_unstage(det, NULL, &err), &err, "unstage works");
    testOk(!oph_get_double(det, "cam.acquire_time", &time, &err) && time == 1,
           "the former value is there: %g", time);
    testOk(state_journals() == 0, "and nothing is noted");
    oph_device_free(det);
    oph_context_free(ctx);
    for (int i = 0; i < BOTH; i++)
        oph_simulator_stop(iocs[i], &err);
    state_end();
    return testDone();
}
