/* An IOC that was started anew while the device was staged has forgotten what was staged. */
#include "lib/detector.h"

#include "base/clock.h"
#include <epicsUnitTest.h>
#include <stdlib.h>

static struct detector d;

/* libca searches for lost channels every 10 s. */
static void start_anew(void)
{
    oph_error err = OPH_ERROR_INIT;
    double start = oph__now();
    sim_kill(d.sim);
    sim_restart(d.sim);
    check_done(oph_connect(d.det, 30, NULL, &err), &err, "the IOC is found again");
    testDiag("after %.1f s", oph__now() - start);
}

static void while_staged(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_status *st = NULL;
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    start_anew();
    check_refused(oph_trigger(d.det, &st, &err), &err, OPH_EDISCONN, "det", NULL,
                  "connected since staging", "stage again");
    testOk(oph_device_state(d.det) == OPH_STATE_FAILED, "the device has failed");
    check_refused(oph_stage(d.det, NULL, &err), &err, OPH_ESTATE, "det", NULL, "stage", "unstage");
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage works");
    testOk(oph_report_count(report) == 0, "what the IOC put back by itself is not told");
    oph_report_print(report, stdout);
    oph_report_free(report);
    detector_unchanged(&d, "the IOC was started anew");
    detector_works(&d, "staged anew");
}

/* As after a reboot with autosave: our values, and nothing captures. */
static void with_autosave(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    start_anew();
    testOk(probe_put_complete(d.probe, "cam1:AcquireTime", "0.01", 5) == 0 &&
               probe_put_complete(d.probe, "HDF1:LazyOpen", "Yes", 5) == 0,
           "the IOC has two of our values again");
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage works");
    testOk(oph_report_count(report) == 0, "and has nothing to say");
    oph_report_print(report, stdout);
    oph_report_free(report);
    detector_unchanged(&d, "both were put back");
}

int main(void)
{
    testPlan(0);
    /* libca looks for a lost name server this often: every 30 s by itself. */
    setenv("EPICS_CA_CONN_TMO", "1", 1);
    detector_start(&d, NULL, NULL);
    while_staged();
    with_autosave();
    detector_end(&d);
    return testDone();
}
