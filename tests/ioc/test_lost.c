/* The IOC is not there, goes away, or stands still: nothing hangs, and all is told. */
#include "lib/detector.h"
#include "lib/state.h"

#include "base/clock.h"
#include <arpa/inet.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void took(double since, double low, double high, const char *what)
{
    double seconds = oph__now() - since;
    testOk(seconds >= low && seconds <= high, "%s took %.2f s: %g to %g", what, seconds, low, high);
}

/* Each entry names a device and a PV. */
static int names_pvs(const oph_report *report)
{
    int named = 0;
    for (size_t i = 0; i < oph_report_count(report); i++) {
        const oph_error *e = oph_report_at(report, i);
        named += strncmp(e->device, "det.", 4) == 0 && strncmp(e->pv, "Pilatus:", 8) == 0;
    }
    return named;
}

/* How many of its lines name a PV that one before has named. */
static int repeats(const oph_report *report)
{
    int n = 0;
    for (size_t i = 0; i < oph_report_count(report); i++)
        for (size_t j = 0; j < i; j++)
            n += !strcmp(oph_report_at(report, i)->pv, oph_report_at(report, j)->pv);
    return n;
}

static int has_pv(const oph_report *report, const char *pv)
{
    for (size_t i = 0; i < oph_report_count(report); i++)
        if (strcmp(oph_report_at(report, i)->pv, pv) == 0) return 1;
    return 0;
}

/* A port of this machine: where nobody answers, or where connections are taken and nobody speaks.
 */
static int silent_port(int listening, char *address, size_t size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        (listening && listen(fd, 4) != 0) || getsockname(fd, (struct sockaddr *)&at, &length) != 0)
        testAbort("no socket");
    snprintf(address, size, "127.0.0.1:%d", ntohs(at.sin_port));
    return fd;
}

static void no_ioc(int listening)
{
    const oph_context_options quick = {.size = sizeof quick, .connect_timeout = 0.7};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    char address[32];
    int fd = silent_port(listening, address, sizeof address);
    testDiag("no IOC, %s", listening ? "but somebody who does not speak" : "and nobody else");
    setenv("EPICS_CA_NAME_SERVERS", address, 1);
    setenv("EPICS_CA_ADDR_LIST", "", 1);
    setenv("EPICS_CA_AUTO_ADDR_LIST", "NO", 1);
    int rc = oph_context_new(&quick, &ctx, &err);
    if (rc) testAbort("%s", err.text);
    detector_add_class(ctx);
    rc = oph_device_new(ctx, "MyPilatusDetector", "Pilatus:", "det", &det, &err);
    check_done(rc, &err, "the device is made");
    double start = oph__now();
    rc = oph_connect(det, OPH_DEFAULT, &report, &err);
    took(start, 0.6, 2.0, "oph_connect");
    check_refused(rc, &err, OPH_EDISCONN, "det.cam.acquire", "Pilatus:cam1:Acquire", "a connection",
                  "not connected");
    testOk(oph_report_count(report) > 40 && names_pvs(report) == (int)oph_report_count(report),
           "the report names %d PVs", names_pvs(report));
    testOk(repeats(report) == 0, "each of them once: %d are repeated", repeats(report));
    testOk(has_pv(report, "Pilatus:HDF1:Capture") &&
               has_pv(report, "Pilatus:image1:EnableCallbacks"),
           "also those of plugins");
    oph_report_free(report);
    start = oph__now();
    rc = oph_files_set(det, "/data/", NULL, &err);
    testOk(rc == OPH_EINVAL, "%s", err.text);
    rc = oph_stage(det, &report, &err);
    took(start, 0.6, 2.0, "oph_stage");
    testOk(rc == OPH_EDISCONN && oph_report_count(report) > 40, "%s", err.text);
    oph_report_free(report);
    start = oph__now();
    testOk(oph_get_int(det, "cam.num_images", &(int64_t){0}, &err) == OPH_EDISCONN, "%s", err.text);
    took(start, 0.6, 2.0, "oph_get_int");
    testOk(oph_device_state(det) == OPH_STATE_IDLE, "the device is idle");
    oph_device_free(det);
    oph_context_free(ctx);
    close(fd);
}

/* Staged, and in the middle of an exposure of 5 s. */
static oph_status *expose(struct detector *d)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    int rc = oph_settings_set(d->cam, "acquire_time", 5, &err);
    if (!rc) rc = oph_stage(d->det, NULL, &err);
    if (!rc) rc = oph_trigger(d->det, &st, &err);
    if (rc) testAbort("%s", err.text);
    rc = probe_until(d->probe, "cam1:DetectorState_RBV", "Acquire", 5);
    testOk(rc == 0, "an exposure of 5 s is under way");
    return st;
}

/* Each setting that was staged and not put back has its entry. */
static void reported(const oph_report *report)
{
    static const char *const pvs[] = {
        "Pilatus:cam1:AcquireTime",    "Pilatus:cam1:WaitForPlugins",
        "Pilatus:cam1:ArrayCallbacks", "Pilatus:image1:EnableCallbacks",
        "Pilatus:HDF1:FilePath",       "Pilatus:HDF1:FileName",
        "Pilatus:HDF1:FileTemplate",   "Pilatus:HDF1:LazyOpen",
        "Pilatus:HDF1:Compression",    "Pilatus:HDF1:Capture",
    };
    int missing = 0;
    for (size_t i = 0; i < sizeof pvs / sizeof *pvs; i++) {
        if (has_pv(report, pvs[i])) continue;
        testDiag("%s is not in the report", pvs[i]);
        missing++;
    }
    testOk(missing == 0, "the report of %zu lines names what was not put back",
           oph_report_count(report));
    for (size_t i = 0; i < oph_report_count(report) && i < 3; i++)
        testDiag("%s", oph_report_at(report, i)->text);
}

static void killed(struct detector *d)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_status *st = expose(d);
    double start = oph__now();
    sim_kill(d->sim);
    int rc = oph_status_wait(st, 10, &err);
    took(start, 0, 2, "the end of the status");
    check_refused(rc, &err, OPH_EDISCONN, "det", "Pilatus:cam1:Acquire", "1 frame",
                  "the IOC was lost");
    testOk(oph_status_done(st) && !oph_status_success(st), "the status has failed");
    oph_status_unref(st);
    testOk(oph_device_state(d->det) == OPH_STATE_FAILED, "and so has the device");
    check_refused(oph_trigger(d->det, &st, &err), &err, OPH_EDISCONN, "det.cam.acquire",
                  "Pilatus:cam1:Acquire", "a connection", "not connected");
    start = oph__now();
    rc = oph_unstage(d->det, &report, &err);
    took(start, 0, 3, "oph_unstage");
    testOk(rc == OPH_EDISCONN, "%s", err.text);
    reported(report);
    oph_report_free(report);
    testOk(oph_device_state(d->det) == OPH_STATE_IDLE, "the device is idle");
    start = oph__now();
    testOk(oph_stage(d->det, NULL, &err) == OPH_EDISCONN, "%s", err.text);
    took(start, 0, 3, "the next stage");
}

/* It does not answer, and no connection breaks. */
static void paused(struct detector *d)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_status *st = expose(d);
    sim_pause(d->sim);
    double start = oph__now();
    int rc = oph_status_wait(st, 0.5, &err);
    took(start, 0.5, 1.0, "waiting for half a second");
    check_refused(rc, &err, OPH_ETIMEOUT, "det", NULL, "done", "still running");
    start = oph__now();
    rc = oph_unstage(d->det, &report, &err);
    took(start, 0.3, 7, "oph_unstage");
    testOk(rc == OPH_ETIMEOUT, "%s", err.text);
    reported(report);
    oph_report_free(report);
    testOk(oph_status_done(st) && oph_status_error(st, &err) == OPH_ECANCEL, "%s", err.text);
    oph_status_unref(st);
    testOk(oph_device_state(d->det) == OPH_STATE_IDLE, "the device is idle");
    start = oph__now();
    testOk(oph_stage(d->det, &report, &err) == OPH_ETIMEOUT, "%s", err.text);
    took(start, 0.3, 5, "the next stage");
    oph_report_free(report);
    sim_resume(d->sim);
    testOk(probe_until(d->probe, "cam1:AcquireBusy", "Done", 10) == 0,
           "it was stopped all the same");
    sim_kill(d->sim);
}

int main(void)
{
    static struct detector d;
    const oph_context_options quick = {.size = sizeof quick,
                                       .connect_timeout = 1,
                                       .get_timeout = 0.3,
                                       .put_timeout = 0.5,
                                       .grace = 0.3,
                                       .stop_timeout = 4};
    testPlan(0);
    no_ioc(0);
    no_ioc(1);
    /* What is left at an IOC that is gone stands in the way at the next one of its names. */
    state_begin(NULL, 0);
    detector_start(&d, NULL, &quick);
    paused(&d);
    detector_end(&d);
    state_end();
    state_begin(NULL, 0);
    detector_start(&d, NULL, &quick);
    killed(&d);
    detector_end(&d);
    state_end();
    return testDone();
}
