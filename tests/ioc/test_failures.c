/* Acquisitions that cannot work, or did not: each failure says why, and nothing stays changed. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <string.h>

static struct detector d;

static void put(const char *name, const char *value)
{
    testOk(probe_put_complete(d.probe, name, value, 5) == 0, "somebody sets %s to '%s'", name,
           value);
}

static void stage(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
}

static void unstage(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstage works");
}

/* Staging is refused, with one entry in the report, and everything is as before. */
static void stage_refused(int code, const char *device, const char *pv, const char *wanted,
                          const char *found, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    check_refused(oph_stage(d.det, &report, &err), &err, code, device, pv, wanted, found);
    const oph_error *first = oph_report_at(report, 0);
    testOk(oph_report_count(report) == 1 && first && strcmp(first->text, err.text) == 0,
           "the report has that and nothing more");
    oph_report_free(report);
    detector_unchanged(&d, what);
}

static void no_folder(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_files_set(d.hdf1, "/proc/none/%Y/", NULL, &err), &err, "a folder below /proc");
    stage_refused(OPH_EFILE, "det.hdf1.file_path_exists", "Pilatus:HDF1:FilePathExists_RBV",
                  "/proc/none/20", "no such folder", "a folder that cannot be made");
    detector_make(&d);
    detector_works(&d, "with the former folder");
}

/* Somebody else's capture is not ours to stop. */
static void capture_runs(void)
{
    put("HDF1:FileWriteMode", "Stream");
    put("HDF1:LazyOpen", "Yes");
    put("HDF1:EnableCallbacks", "Enable");
    put("HDF1:FileTemplate", "%s%s_%d.h5");
    testOk(probe_put(d.probe, "HDF1:Capture", "Capture") == 0 &&
               probe_until(d.probe, "HDF1:Capture_RBV", "Capturing", 5) == 0,
           "somebody captures");
    detector_remember(&d);
    stage_refused(OPH_EBUSY, "det.hdf1.capture", "Pilatus:HDF1:Capture_RBV", "Done", "runs already",
                  "a refused stage, and the capture still runs");
    testOk(probe_put(d.probe, "HDF1:Capture", "Done") == 0 &&
               probe_until(d.probe, "HDF1:Capture_RBV", "Done", 5) == 0,
           "it ends");
    detector_remember(&d);
    detector_works(&d, "after that");
}

/* The trigger is refused; unstage puts back all that nobody else changed. */
static void trigger_refused(int code, const char *device, const char *pv, const char *wanted,
                            const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    check_refused(oph_trigger(d.det, &st, &err), &err, code, device, pv, wanted, found);
    testOk(st == NULL && oph_device_state(d.det) == OPH_STATE_FAILED,
           "there is no status, and the device has failed");
    oph_status_unref(st);
}

static void changed_after_stage(const char *name, const char *value, const char *back, int code,
                                const char *attr, const char *pv, const char *wanted,
                                const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    char device[64], whole[64];
    snprintf(device, sizeof device, "det.%s", attr);
    snprintf(whole, sizeof whole, "Pilatus:%s", pv);
    stage();
    put(name, value);
    trigger_refused(code, device, whole, wanted, found);
    put(name, back);
    int rc = oph_trigger(d.det, &st, &err);
    if (!rc) rc = oph_status_wait(st, OPH_DEFAULT, &err);
    check_done(rc, &err, "with the former value it can be triggered");
    oph_status_unref(st);
    unstage();
    detector_unchanged(&d, "that");
}

static void camera_files(void)
{
    changed_after_stage("cam1:FilePath", "", DETECTOR_DISK "/raw/", OPH_EINVAL, "cam.file_path",
                        "cam1:FilePath_RBV", "a text", "empty");
    changed_after_stage("cam1:FileName", "", "raw", OPH_EINVAL, "cam.file_name",
                        "cam1:FileName_RBV", "a text", "empty");
    changed_after_stage("cam1:FileTemplate", "", "%s%s_%4.4d.tif", OPH_EINVAL, "cam.file_template",
                        "cam1:FileTemplate_RBV", "a text", "empty");
}

/* ADPilatus would expose and write until somebody stops it. */
static void endless(void)
{
    changed_after_stage("cam1:TriggerMode", "Alignment", "Internal", OPH_EINVAL, "cam.trigger_mode",
                        "cam1:TriggerMode_RBV", "Mult. Trigger", "Alignment, which never ends");
}

static void writer_changed(void)
{
    changed_after_stage("HDF1:EnableCallbacks", "Disable", "Enable", OPH_ESTATE, "hdf1.enable",
                        "HDF1:EnableCallbacks_RBV", "Enable", "Disable");
    changed_after_stage("HDF1:NDArrayPort", "OTHER", "PIL", OPH_ESTATE, "hdf1.nd_array_port",
                        "HDF1:NDArrayPort_RBV", "the camera's PIL", "OTHER");
    changed_after_stage("HDF1:MinCallbackTime", "0.5", "0", OPH_ESTATE, "hdf1.min_callback_time",
                        "HDF1:MinCallbackTime_RBV", "0", "0.5");
    changed_after_stage("cam1:ArrayCallbacks", "Disable", "Enable", OPH_ESTATE,
                        "cam.array_callbacks", "cam1:ArrayCallbacks_RBV", "Enable", "Disable");
}

/* Ports that lead to the camera, over a plugin that passes nothing on: no frame ever comes. */
static void chained(void)
{
    oph_error err = OPH_ERROR_INIT;
    put("HDF1:NDArrayPort", "Image1");
    put("image1:ArrayCallbacks", "Enable");
    detector_remember(&d);
    check_refused(oph_acquire(d.det, OPH_DEFAULT, NULL, &err), &err, OPH_EACQUIRE, "det",
                  "Pilatus:cam1:Acquire", "1 frame", "1 from the camera, 0 written by hdf1");
    detector_unchanged(&d, "that");
    put("image1:NDArrayPort", "OTHER");
    stage();
    trigger_refused(OPH_ESTATE, "det.hdf1.nd_array_port", "Pilatus:HDF1:NDArrayPort_RBV",
                    "the camera's PIL", "Image1");
    unstage();
    put("image1:NDArrayPort", "PIL");
    put("HDF1:NDArrayPort", "PIL");
    detector_remember(&d);
}

/* Capture that is stopped when it should write. */
static void capture_stopped(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    check_done(oph_settings_set(d.cam, "acquire_time", 0.5, &err), &err,
               "half a second is asked for");
    stage();
    check_done(oph_trigger(d.det, &st, &err), &err, "the exposure starts");
    testOk(probe_put(d.probe, "HDF1:Capture", "Done") == 0, "somebody stops the capture meanwhile");
    check_refused(oph_status_wait(st, OPH_DEFAULT, &err), &err, OPH_EACQUIRE, "det",
                  "Pilatus:cam1:Acquire", "1 frame", "0 written by hdf1 with Capture Done");
    oph_status_unref(st);
    check_refused(oph_file_name(d.hdf1, OPH_SIDE_IOC, (char[8]){0}, 8, &err), &err, OPH_ESTATE,
                  "det.hdf1", NULL, "the file", "none");
    unstage();
    detector_unchanged(&d, "that");
    detector_make(&d);
    detector_works(&d, "after that");
}

/* The put of Acquire completes here as if all were well. */
static void camserver_hangs(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_result *result = NULL;
    oph_status *st = NULL;
    const char *arguments[] = {"--fault=ExposureHangs", "--instant", NULL};
    detector_start(&d, arguments, NULL);
    stage();
    for (int i = 0; i < 2; i++) {
        check_done(oph_trigger(d.det, &st, &err), &err, i ? "it may be tried again" : "it starts");
        check_refused(oph_status_wait(st, OPH_DEFAULT, &err), &err, OPH_EACQUIRE, "det",
                      "Pilatus:cam1:Acquire", "1 frame", "DetectorState Error");
        testOk(oph_status_done(st) && !oph_status_success(st) &&
                   oph_device_state(d.det) == OPH_STATE_FAILED,
               "a failed status, and the device has failed");
        oph_status_unref(st);
    }
    unstage();
    detector_unchanged(&d, "an acquisition that failed");
    check_refused(oph_acquire(d.det, OPH_DEFAULT, &result, &err), &err, OPH_EACQUIRE, "det",
                  "Pilatus:cam1:Acquire", "1 frame", "DetectorState Error");
    testOk(oph_report_count(oph_result_report(result)) == 0, "and all was put back");
    oph_result_free(result);
    detector_unchanged(&d, "oph_acquire");
    detector_end(&d);
}

int main(void)
{
    testPlan(0);
    detector_start(&d, NULL, NULL);
    no_folder();
    capture_runs();
    camera_files();
    endless();
    writer_changed();
    chained();
    capture_stopped();
    detector_end(&d);
    camserver_hangs();
    return testDone();
}
