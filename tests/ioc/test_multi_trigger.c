/* The trigger with a cycle: one status for all its steps, one file, and every setting put back. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <string.h>

static struct detector d;

static const char classes[] =
    "class MultiDetector : MultiTrigger DetectorBase\n"
    "dev   cam   cam1:   MyPilatusDetectorCam\n"
    "dev   image image1: ImagePlugin\n"
    "dev   hdf1  HDF1:   MyHDF5Plugin\n"
    "cycle short cam.acquire_time=0.01 cam.num_images=2 cam.gap_fill=\"0\"\n"
    "cycle long  cam.acquire_time=0.02 cam.num_images=3 cam.gap_fill=\"-1\"\n"
    "cycle last  cam.acquire_time=0.03\n"
    "cycle long  cam.acquire_period=0.025\n"
    "cycle last  cam.acquire_period=0.035\n"
    "class Files : MultiTrigger DetectorBase\n"
    "dev   cam   cam1:   MyPilatusDetectorCam\n"
    "dev   tiff1 TIFF1:  TIFFPlugin FileStoreTIFF\n"
    "cycle short cam.acquire_time=0.01 cam.num_images=2\n"
    "cycle long  cam.acquire_time=0.05 cam.num_images=2\n"
    "class NoCycle : MultiTrigger DetectorBase\n"
    "dev   cam   cam1:   MyPilatusDetectorCam\n"
    "class StartsInCycle : MultiTrigger DetectorBase\n"
    "dev   cam   cam1:   MyPilatusDetectorCam\n"
    "cycle one   cam.acquire=1\n"
    "class BadLabel : MultiTrigger DetectorBase\n"
    "dev   cam   cam1:   MyPilatusDetectorCam\n"
    "cycle one   cam.num_images=1\n"
    "cycle two   cam.trigger_mode=Never\n";

static void make(const char *name)
{
    oph_error err = OPH_ERROR_INIT;
    char read[128];
    oph_device_free(d.det);
    d.det = NULL;
    int rc = oph_device_new(d.ctx, name, "Pilatus:", "det", &d.det, &err);
    if (!rc) rc = oph_device_child(d.det, "cam", &d.cam, &err);
    if (rc) testAbort("%s", err.text);
    if (oph_device_child(d.det, "hdf1", &d.hdf1, NULL)) return;
    snprintf(read, sizeof read, "%s/multi/", d.disk);
    rc = oph_files_set(d.hdf1, DETECTOR_DISK "/multi/", read, &err);
    if (!rc) rc = oph_settings_set(d.cam, "wait_for_plugins", "Yes", &err);
    if (!rc) rc = oph_settings_set(d.hdf1, "lazy_open", 1, &err);
    if (!rc) rc = oph_settings_set(d.hdf1, "compression", "LZ4", &err);
    if (!rc) rc = oph_settings_move(d.hdf1, "capture", NULL, &err);
    if (rc) testAbort("%s", err.text);
}

static void stage(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
}

static void unstage(const char *after)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage works");
    testOk(oph_report_count(report) == 0, "its report is empty");
    oph_report_print(report, stdout);
    oph_report_free(report);
    detector_unchanged(&d, after);
}

static void goes_through(int times, int first)
{
    static const char *const watched[] = {"cam1:NumImages_RBV", "cam1:AcquireTime_RBV"};
    oph_error err = OPH_ERROR_INIT;
    make("MultiDetector");
    stage();
    testOk(probe_watch(d.probe, watched, 2) == 0, "a witness watches");
    for (int i = 0; i < times; i++) {
        oph_status *st = NULL;
        oph_progress p = {.size = sizeof p};
        int mark = probe_mark(d.probe);
        check_done(oph_trigger(d.det, &st, &err), &err, "it starts");
        oph_status_progress(st, &p, NULL);
        testOk(p.target == 8, "2, 3 and 3 frames are expected: %g", p.target);
        check_done(oph_status_wait(st, OPH_DEFAULT, &err), &err, "all steps are taken");
        oph_status_progress(st, &p, NULL);
        testOk(p.current == 8 && p.fraction == 1, "%g frames are written", p.current);
        testOk(oph_device_state(d.det) == OPH_STATE_STAGED, "it can be triggered again");
        if (i)
            PROBE_WENT(d.probe, mark, "cam1:AcquireTime_RBV", "0.010", "0.020", "0.030");
        else
            PROBE_WENT(d.probe, mark, "cam1:AcquireTime_RBV", "0.020", "0.030");
        oph_status_unref(st);
    }
    unstage("the cycle");
    detector_file_is(&d, 8 * times, first, 64, 48);
}

/* The values of the last step stand: they are ours. Another is not. */
static void somebody_changes(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_status *st = NULL;
    stage();
    check_done(oph_trigger(d.det, &st, &err), &err, "it starts");
    check_done(oph_status_wait(st, OPH_DEFAULT, &err), &err, "all steps are taken");
    oph_status_unref(st);
    testOk(probe_put_complete(d.probe, "cam1:NumImages", "44", 5) == 0, "somebody changes one");
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage works");
    testOk(oph_report_count(report) == 1, "its report has one entry");
    const oph_error *kept = oph_report_at(report, 0);
    if (kept)
        check_refused(OPH_EMISMATCH, kept, OPH_EMISMATCH, "det.cam.num_images",
                      "Pilatus:cam1:NumImages", "as staged", "44: somebody changed it");
    oph_report_free(report);
    testOk(probe_put_complete(d.probe, "cam1:NumImages", "1", 5) == 0, "they set it back");
    detector_unchanged(&d, "that");
}

static void a_step_fails(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    stage();
    testOk(probe_put_complete(d.probe, "sim1:ReadbackStays", "cam1:GapFill_RBV", 5) == 0,
           "a readback stays as it is");
    check_done(oph_trigger(d.det, &st, &err), &err, "the first step starts");
    check_refused(oph_status_wait(st, OPH_DEFAULT, &err), &err, OPH_EMISMATCH, "det.cam.gap_fill",
                  "Pilatus:cam1:GapFill_RBV", "-1", "in long: ");
    testOk(oph_device_state(d.det) == OPH_STATE_FAILED, "the device has failed");
    oph_status_unref(st);
    testOk(probe_put_complete(d.probe, "sim1:ReadbackStays", "", 5) == 0, "it moves again");
    st = NULL;
    check_done(oph_trigger(d.det, &st, &err), &err, "it can be triggered again");
    check_done(oph_status_wait(st, OPH_DEFAULT, &err), &err, "all steps are taken");
    oph_status_unref(st);
    unstage("a step that failed");
}

/* Another client moves a counter between two steps: where the frames of the first are nobody could
 * say any more. */
static void somebody_counts(const char *name, const char *second, const char *counter,
                            const char *device, void (*change)(void))
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    oph_device *tiff1 = NULL;
    char read[128], pv[64];
    make(name);
    snprintf(read, sizeof read, "%s/multi/", d.disk);
    if (!oph_device_child(d.det, "tiff1", &tiff1, NULL))
        check_done(oph_files_set(tiff1, DETECTOR_DISK "/multi/", read, &err), &err, "a folder");
    stage();
    probe_set(d.probe, "sim1:ReadbackLate", "cam1:AcquireTime_RBV,0.5");
    check_done(oph_trigger(d.det, &st, &err), &err, "it starts");
    testOk(probe_until(d.probe, "cam1:AcquireTime", second, 10) == 0, "the second step is begun");
    change();
    snprintf(pv, sizeof pv, "Pilatus:%s", counter);
    check_refused(oph_status_wait(st, 20, &err), &err, OPH_EMISMATCH, device, pv,
                  "2, as the acquisition before it left it", "");
    oph_status_unref(st);
    probe_set(d.probe, "sim1:ReadbackLate", "");
    unstage("a counter that somebody moved");
}

static void renumber(void)
{
    probe_set(d.probe, "TIFF1:FileNumber", "77");
}

static void capture_anew(void)
{
    probe_put(d.probe, "HDF1:Capture", "Done");
    testOk(probe_until(d.probe, "HDF1:Capture_RBV", "Done", 10) == 0, "the capture is stopped");
    probe_put(d.probe, "HDF1:Capture", "Capture");
    testOk(probe_until(d.probe, "HDF1:Capture_RBV", "Capturing", 10) == 0, "and begins anew");
}

static void cancelled(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    static const char *const watched[] = {"HDF1:NumCaptured_RBV"};
    stage();
    testOk(probe_watch(d.probe, watched, 1) == 0, "a witness watches");
    int mark = probe_mark(d.probe);
    check_done(oph_trigger(d.det, &st, &err), &err, "it starts");
    testOk(probe_wait(d.probe, mark, "HDF1:NumCaptured_RBV", "3", 10) >= 0,
           "the second step is under way");
    check_done(oph_stop(d.det, &err), &err, "it is stopped");
    testOk(oph_status_done(st) && oph_status_error(st, &err) == OPH_ECANCEL, "%s", err.text);
    testOk(probe_get_number(d.probe, "cam1:Acquire") == 0, "nothing runs");
    oph_status_unref(st);
    unstage("a cycle that was stopped");
}

/* Whatever a cancel meets, settings that are put or frames that come: the status ends. */
static void cancelled_at(int moments)
{
    oph_error err = OPH_ERROR_INIT;
    int ended = 0, others = 0;
    stage();
    for (int i = 0; i < moments; i++) {
        oph_status *st = NULL;
        if (oph_trigger(d.det, &st, &err)) testAbort("%s", err.text);
        oph_status_wait(st, i * 0.02, NULL); /* some moment, or its end */
        oph_status_cancel(st, NULL);
        int rc = oph_status_wait(st, 20, &err);
        oph_status_unref(st);
        ended += rc == OPH_ECANCEL;
        if (rc == 0 || rc == OPH_ECANCEL) continue;
        testDiag("cancelled after %d ms: %s", i * 20, err.text);
        others++;
    }
    testOk(ended > moments / 2 && !others, "%d of %d cycles were cancelled", ended, moments);
    unstage("cycles that were cancelled at some moment");
}

static void refused(const char *name, int code, const char *device, const char *pv,
                    const char *wanted, const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    make(name);
    check_refused(oph_stage(d.det, NULL, &err), &err, code, device, pv, wanted, found);
    detector_unchanged(&d, "a stage that was refused");
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    detector_start(&d, NULL, NULL);
    check_done(oph_class_parse(d.ctx, classes, "multi", NULL, &err), &err, "classes with a cycle");
    goes_through(2, 1);
    somebody_changes();
    a_step_fails();
    cancelled();
    cancelled_at(24);
    check_done(oph_warmup(d.det, OPH_DEFAULT, &err), &err, "a warm-up takes one plain image");
    detector_unchanged(&d, "that");
    somebody_counts("Files", "0.050", "TIFF1:FileNumber_RBV", "det.tiff1.file_number", renumber);
    somebody_counts("MultiDetector", "0.020", "HDF1:NumCaptured_RBV", "det.hdf1.num_captured",
                    capture_anew);
    refused("NoCycle", OPH_EINVAL, "det", NULL, "a cycle", "none in class NoCycle");
    refused("StartsInCycle", OPH_EINVAL, "det.cam.acquire", "Pilatus:cam1:Acquire",
            "a setting in a cycle", "started and stopped");
    refused("BadLabel", OPH_ERANGE, "det.cam.trigger_mode", "Pilatus:cam1:TriggerMode", "Never",
            "labels");
    detector_end(&d);
    return testDone();
}
