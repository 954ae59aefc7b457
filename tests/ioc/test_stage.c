/* The options of staging, and its plan, as a witness on the IOC sees them. */
#include "lib/detector.h"
#include "lib/fault.h"

#include <epicsUnitTest.h>
#include <string.h>

static struct detector d;

static const char *const watched[] = {
    "cam1:Acquire",       "cam1:ImageMode",    "cam1:NumImages",     "cam1:AcquireTime",
    "cam1:AcquirePeriod", "HDF1:Capture",      "HDF1:AutoSave",      "HDF1:FilePath",
    "HDF1:FileName",      "HDF1:FileTemplate", "HDF1:FileWriteMode", "HDF1:CreateDirectory",
};

static void put(const char *name, const char *value)
{
    testOk(probe_put_complete(d.probe, name, value, 5) == 0, "somebody sets %s to '%s'", name,
           value);
}

static const oph_plan_row *row_of(const oph_plan *plan, const char *device)
{
    for (size_t i = 0; i < oph_plan_count(plan); i++)
        if (strcmp(oph_plan_at(plan, i)->device, device) == 0) return oph_plan_at(plan, i);
    testAbort("the plan has no row of %s", device);
    return NULL;
}

static void planned(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_plan *plan = NULL;
    char before[1024] = "", after[1024] = "", text[8192];
    check_done(oph_acquire(d.det, OPH_DEFAULT, NULL, &err), &err, "an acquisition works");
    check_done(oph_file_name(d.hdf1, OPH_SIDE_IOC, before, sizeof before, &err), &err,
               "it has a file");
    put("cam1:AcquireTime", "0.2");
    detector_remember(&d);
    int mark = probe_mark(d.probe);
    check_done(oph_plan_new(d.det, NULL, &plan, NULL, &err), &err, "a plan is made");
    const oph_plan_row *time = row_of(plan, "det.cam.acquire_time"),
                       *capture = row_of(plan, "det.hdf1.capture"),
                       *counter = row_of(plan, "det.hdf1.array_counter");
    testOk(strcmp(time->setpoint_found, "0.2") == 0 && strcmp(time->readback_found, "0.2") == 0 &&
               strcmp(time->value, "0.01") == 0 && strcmp(time->restore, "0.2") == 0 &&
               strcmp(time->pv, "Pilatus:cam1:AcquireTime") == 0 &&
               strcmp(time->readback_pv, "Pilatus:cam1:AcquireTime_RBV") == 0,
           "it has what is there, what will be, and what is put back");
    testOk(capture == oph_plan_at(plan, oph_plan_count(plan) - 1) &&
               capture->flags == OPH_PLAN_STARTS && capture->step == 2 && !capture->restore &&
               !counter->restore,
           "capture is last, in a step of its own; that and counters are not put back");
    testOk(oph_plan_text(plan, text, sizeof text) < sizeof text &&
               strstr(text, "Pilatus:HDF1:FileName") != NULL,
           "it is a text too");
    oph_plan_free(plan);
    testOk(probe_until(d.probe, "HDF1:Capture", "Done", 5) == 0 && probe_mark(d.probe) == mark,
           "nothing was written");
    check_done(oph_file_name(d.hdf1, OPH_SIDE_IOC, after, sizeof after, &err), &err,
               "the file is still known");
    testOk(strcmp(before, after) == 0, "and is the same");
    detector_unchanged(&d, "a plan");
    detector_works(&d, "as planned");
}

/* Written are only those that differ, in setpoint or readback. */
static void skipped(void)
{
    static const oph_stage_options skip = {.size = sizeof skip, .skip_unchanged = 1};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_plan *plan = NULL;
    put("cam1:AcquireTime", "0.01");
    put("cam1:NumImages", "1");
    put("cam1:AcquirePeriod", "0.5");
    detector_remember(&d);
    check_done(oph_plan_new(d.det, &skip, &plan, NULL, &err), &err, "a plan is made");
    testOk(row_of(plan, "det.cam.acquire_time")->step == 0 &&
               row_of(plan, "det.cam.num_images")->flags == OPH_PLAN_SKIPPED &&
               row_of(plan, "det.cam.acquire_period")->step == 1 &&
               row_of(plan, "det.hdf1.file_path")->step == 1,
           "it skips what is as wanted, but for the path");
    oph_plan_free(plan);
    check_done(oph_stage_with(d.det, &skip, NULL, &err), &err, "stage works");
    put("cam1:NumImages", "4"); /* somebody's business: we never set it */
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage works");
    testOk(oph_report_count(report) == 0, "and has nothing to say");
    oph_report_free(report);
    testOk(probe_get_number(d.probe, "cam1:NumImages") == 4, "what was skipped is not put back");
    put("cam1:NumImages", "1");
    detector_unchanged(&d, "all that");
}

static void forced(void)
{
    static const oph_unstage_options force = {.size = sizeof force, .force = 1};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    put("cam1:AcquirePeriod", "0.7");
    put("HDF1:FileName", "theirs");
    check_done(oph_unstage_with(d.det, &force, &report, &err), &err, "unstage by force works");
    testOk(oph_report_count(report) == 0, "and has nothing to say");
    oph_report_free(report);
    detector_unchanged(&d, "somebody changed two settings, and force");
    detector_works(&d, "after that");
}

/* A capture that runs: left alone, or taken over. */
static void taken_over(void)
{
    static const oph_stage_options takeover = {.size = sizeof takeover, .takeover = 1};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    detector_remember(&d);
    put("HDF1:FileWriteMode", "Stream");
    put("HDF1:LazyOpen", "Yes");
    testOk(probe_put(d.probe, "HDF1:Capture", "Capture") == 0 &&
               probe_until(d.probe, "HDF1:Capture_RBV", "Capturing", 5) == 0,
           "somebody captures");
    check_refused(oph_stage(d.det, NULL, &err), &err, OPH_EBUSY, "det.hdf1.capture",
                  "Pilatus:HDF1:Capture_RBV", "Done", "takeover");
    err = (oph_error)OPH_ERROR_INIT;
    check_done(oph_stage_with(d.det, &takeover, NULL, &err), &err, "stage works with takeover");
    testOk(probe_until(d.probe, "HDF1:Capture_RBV", "Capturing", 5) == 0, "now it is ours");
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage works");
    const oph_error *first = oph_report_at(report, 0);
    testOk(oph_report_count(report) == 1 && strcmp(first->device, "det.hdf1.capture") == 0 &&
               strstr(first->text, "not started again"),
           "%s", first ? first->text : "no report");
    oph_report_free(report);
    testOk(probe_until(d.probe, "HDF1:Capture_RBV", "Done", 5) == 0, "it has ended");
    put("HDF1:FileWriteMode", "Single");
    put("HDF1:LazyOpen", "No");
    detector_unchanged(&d, "that");
    detector_works(&d, "after that");
}

/* A failed stage has put back all; unstage has nothing to do, however often. */
static void after_failure(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    put("HDF1:NumCapture", "9");
    detector_remember(&d);
    fault_set(d.probe, "ReadbackStays", "HDF1:NumCapture_RBV");
    put("HDF1:NumCapture", "9");
    check_refused(oph_stage(d.det, &report, &err), &err, OPH_EMISMATCH, "det.hdf1.num_capture",
                  "Pilatus:HDF1:NumCapture_RBV", "0", "9");
    testOk(oph_report_count(report) == 1, "the report has that alone");
    oph_report_print(report, stdout);
    oph_report_free(report);
    for (int i = 0; i < 2; i++) {
        report = NULL;
        check_done(oph_unstage(d.det, &report, &err), &err, "unstage works");
        testOk(!report, "and has nothing to do");
    }
    fault_set(d.probe, "ReadbackStays", "");
    put("HDF1:NumCapture", "9");
    detector_unchanged(&d, "a stage that failed");
    put("HDF1:NumCapture", "1");
    detector_remember(&d);
    detector_works(&d, "after that");
}

int main(void)
{
    testPlan(0);
    detector_start(&d, NULL, NULL);
    if (probe_watch(d.probe, watched, sizeof watched / sizeof *watched))
        testAbort("nothing can be watched");
    planned();
    skipped();
    forced();
    taken_over();
    after_failure();
    detector_end(&d);
    return testDone();
}
