/* The trigger of a camera that never stops: frames out of a circular buffer go to the file, those
 * from before the trigger too, and just as many as expected. */
#include "lib/detector.h"
#include "lib/fault.h"

#include <epicsUnitTest.h>
#include <string.h>

static struct detector d;
static oph_device *cb;

static const char classes[] =
    "class ContinuousDetector : ContinuousAcquisitionTrigger DetectorBase\n"
    "dev   cam  cam1: AreaDetectorCam\n"
    "dev   cb   CB1:  CircularBuffPlugin\n"
    "dev   hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
    "stage cam  acquire_time=0.002 acquire_period=0.005 data_type=Int32\n"
    "stage cb   post_count=4\n"
    "stage hdf1 nd_array_port=CB1 lazy_open=1 compression=LZ4\n"
    "class UnwrittenDetector : ContinuousAcquisitionTrigger DetectorBase\n"
    "dev   cam  cam1: AreaDetectorCam\n"
    "dev   cb   CB1:  CircularBuffPlugin\n"
    "stage cam  acquire_time=0.002 acquire_period=0.005\n"
    "stage cb   post_count=40\n";

static const char *const settings[] = {
    "cam1:ImageMode",         "cam1:AcquireTime",   "cam1:AcquirePeriod",  "CB1:PreCount",
    "CB1:PostCount",          "CB1:FlushOnSoftTrg", "CB1:EnableCallbacks", "CB1:ArrayCallbacks",
    "CB1:PresetTriggerCount", "HDF1:NDArrayPort",   "HDF1:FileWriteMode",  "HDF1:LazyOpen"};
enum { SETTINGS = sizeof settings / sizeof *settings };
static char before[SETTINGS][64];

static void remember(void)
{
    for (int i = 0; i < SETTINGS; i++)
        if (probe_get(d.probe, settings[i], before[i], sizeof before[i])) testAbort("no setpoints");
}

static void unchanged(const char *after)
{
    int differ = 0;
    for (int i = 0; i < SETTINGS; i++) {
        char now[64] = "";
        if (!probe_get(d.probe, settings[i], now, sizeof now) && !strcmp(now, before[i])) continue;
        testDiag("%s was %s, is %s", settings[i], before[i], now);
        differ++;
    }
    testOk(!differ && oph_device_state(d.det) == OPH_STATE_IDLE, "nothing stays changed after %s",
           after);
}

static void make(void)
{
    oph_error err = OPH_ERROR_INIT;
    char read[128];
    int rc = oph_context_new(NULL, &d.ctx, &err);
    if (!rc) rc = oph_class_parse(d.ctx, classes, "test", NULL, &err);
    if (!rc) rc = oph_device_new(d.ctx, "ContinuousDetector", "Pilatus:", "det", &d.det, &err);
    if (!rc) rc = oph_device_child(d.det, "cam", &d.cam, &err);
    if (!rc) rc = oph_device_child(d.det, "cb", &cb, &err);
    if (!rc) rc = oph_device_child(d.det, "hdf1", &d.hdf1, &err);
    snprintf(read, sizeof read, "%s/continuous/", d.disk);
    if (!rc) rc = oph_files_set(d.hdf1, DETECTOR_DISK "/continuous/", read, &err);
    if (!rc) rc = oph_settings_move(d.hdf1, "capture", NULL, &err);
    if (!rc) rc = oph_connect(d.det, OPH_DEFAULT, NULL, &err);
    if (rc) testAbort("%s", err.text);
    remember();
}

static void stage(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    probe_is(d.probe, "cam1:Acquire_RBV", "Acquiring");
    probe_is(d.probe, "CB1:Capture_RBV", "Capturing");
}

static void unstage(const char *after)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage works");
    testOk(oph_report_count(report) == 0, "its report is empty");
    oph_report_print(report, stdout);
    oph_report_free(report);
    probe_is(d.probe, "cam1:Acquire_RBV", "Done");
    probe_is(d.probe, "CB1:Capture_RBV", "Done");
    unchanged(after);
}

static void trigger(int frames)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    oph_progress p = {.size = sizeof p};
    check_done(oph_trigger(d.det, &st, &err), &err, "it is triggered");
    if (!st) return;
    oph_status_progress(st, &p, NULL);
    testOk(p.target == frames, "%g frames are expected", p.target);
    check_done(oph_status_wait(st, 20, &err), &err, "they are written");
    oph_status_progress(st, &p, NULL);
    testOk(p.current == frames, "%g frames are written", p.current);
    probe_is(d.probe, "cam1:Acquire_RBV", "Acquiring");
    oph_status_unref(st);
}

/* Consecutive frames: within each trigger the IOC's numbers of frames have no gap. */
static void file_has(int frames)
{
    oph_error err = OPH_ERROR_INIT;
    oph_frames *file = NULL;
    oph_frames_info info = {.size = sizeof info};
    char name[1024] = "";
    int rc = oph_file_name(d.hdf1, OPH_SIDE_LOCAL, name, sizeof name, &err);
    if (!rc) rc = oph_frames_open(name, NULL, OPH_DEFAULT, &file, &err);
    if (!rc) rc = oph_frames_describe(file, &info, &err);
    check_done(rc, &err, "the file can be read");
    testOk(info.shape[0] == frames, "it has %lld frames", (long long)info.shape[0]);
    oph_frames_free(file);
}

static void after_the_trigger(void)
{
    stage();
    trigger(4);
    trigger(4);
    unstage("two triggers");
    file_has(8);
}

static void before_it_too(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_settings_set(d.det, "cb.pre_count", 3, &err), &err, "three from before");
    stage();
    for (int i = 0; i < 4; i++)
        trigger(7);
    unstage("triggers with frames from before");
    file_has(28);
}

static void refused(const char *name, const char *value, const char *back, int code,
                    const char *device, const char *pv, const char *wanted, const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    char whole[64], readback[64];
    snprintf(whole, sizeof whole, "Pilatus:%s", pv);
    snprintf(readback, sizeof readback, "%s_RBV", name);
    testOk(probe_put(d.probe, name, value) == 0 && probe_until(d.probe, readback, value, 5) == 0,
           "somebody sets %s to %s", name, value);
    check_refused(oph_trigger(d.det, &st, &err), &err, code, device, whole, wanted, found);
    testOk(probe_put(d.probe, name, back) == 0 && probe_until(d.probe, readback, back, 5) == 0,
           "and back");
}

static void refusals(void)
{
    stage();
    refused("CB1:NDArrayPort", "OTHER", "SIM1", OPH_ESTATE, "det.hdf1.nd_array_port",
            "HDF1:NDArrayPort_RBV", "the camera's SIM1", "cb takes frames from OTHER");
    refused("HDF1:NDArrayPort", "OTHER", "CB1", OPH_ESTATE, "det.hdf1.nd_array_port",
            "HDF1:NDArrayPort_RBV", "the camera's SIM1", "OTHER");
    refused("CB1:EnableCallbacks", "Disable", "Enable", OPH_ESTATE, "det.cb.enable",
            "CB1:EnableCallbacks_RBV", "Enable", "Disable");
    refused("CB1:ArrayCallbacks", "Disable", "Enable", OPH_ESTATE, "det.cb.array_callbacks",
            "CB1:ArrayCallbacks_RBV", "Enable", "Disable");
    refused("CB1:PostCount", "0", "4", OPH_EINVAL, "det.cb.post_count", "CB1:PostCount_RBV",
            "at least 1", "none");
    trigger(7);
    unstage("triggers that were refused");
    /* The camera runs, and what comes past the buffer is written: no trigger works after this. */
    stage();
    refused("HDF1:NDArrayPort", "SIM1", "CB1", OPH_ESTATE, "det.hdf1.nd_array_port",
            "HDF1:NDArrayPort_RBV", "the buffer's CB1", "SIM1");
    unstage("frames that came past the buffer");
}

/* Somebody has stopped the buffer, or triggers it already. */
static void buffer_is_not_ours(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    stage();
    testOk(probe_put(d.probe, "CB1:Capture", "Done") == 0 &&
               probe_until(d.probe, "CB1:Capture_RBV", "Done", 5) == 0,
           "somebody ends the capture");
    check_refused(oph_trigger(d.det, &st, &err), &err, OPH_ESTATE, "det.cb.capture",
                  "Pilatus:CB1:Capture_RBV", "Capturing, as staged", "Done");
    unstage("that");
    check_done(oph_settings_set(cb, "post_count", 100000, &err), &err, "many frames are asked for");
    stage();
    testOk(probe_put(d.probe, "CB1:Trigger", "1") == 0 &&
               probe_until(d.probe, "CB1:Trigger_RBV", "Triggered", 5) == 0,
           "somebody triggers");
    check_refused(oph_trigger(d.det, &st, &err), &err, OPH_ESTATE, "det.cb.trigger_",
                  "Pilatus:CB1:Trigger_RBV", "Done", "a trigger that runs already");
    unstage("that");
    check_done(oph_settings_set(cb, "post_count", 4, &err), &err, "4 again");
}

/* A buffer that gets no frames: a stop ends the trigger, and the next one works. */
static void stopped(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    check_done(oph_settings_set(d.cam, "acquire_period", 5, &err), &err, "a frame in five seconds");
    check_done(oph_settings_set(d.det, "cb.pre_count", 0, &err), &err, "none from before");
    stage();
    check_done(oph_trigger(d.det, &st, &err), &err, "it is triggered");
    if (!st) testAbort("nothing to stop");
    check_done(oph_stop(d.det, &err), &err, "it is stopped");
    testOk(oph_status_done(st) && oph_status_error(st, &err) == OPH_ECANCEL, "%s", err.text);
    oph_status_unref(st);
    probe_is(d.probe, "cam1:Acquire_RBV", "Acquiring");
    probe_is(d.probe, "CB1:Trigger_RBV", "Done");
    check_done(oph_settings_set(d.det, "cb.pre_count", 2, &err), &err, "two from before");
    unstage("a trigger that was stopped");
    stage();
    check_done(oph_trigger(d.det, &st, &err), &err, "triggered while the buffer fills");
    check_done(oph_status_cancel(st, &err), &err, "it is cancelled");
    testOk(oph_status_wait(st, 20, &err) == OPH_ECANCEL, "%s", err.text);
    oph_status_unref(st);
    testOk(probe_put_complete(d.probe, "cam1:AcquirePeriod", "0.005", 5) == 0, "frames come again");
    unstage("a buffer that filled slowly");
}

static void camera_stops(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    stage();
    check_done(oph_trigger(d.det, &st, &err), &err, "triggered while the buffer fills");
    testOk(probe_put(d.probe, "cam1:Acquire", "Done") == 0, "somebody stops the camera");
    check_refused(oph_status_wait(st, 20, &err), &err, OPH_ESTATE, "det.cam.acquire",
                  "Pilatus:cam1:Acquire_RBV", "Acquiring, as staged", "Done");
    oph_status_unref(st);
    unstage("that");
    int rc = oph_settings_set(d.cam, "acquire_period", 0.005, &err);
    if (!rc) rc = oph_settings_set(d.det, "cb.pre_count", 0, &err);
    if (!rc) rc = oph_settings_set(cb, "post_count", 100000, &err);
    check_done(rc, &err, "many frames are asked for");
    stage();
    check_done(oph_trigger(d.det, &st, &err), &err, "it is triggered");
    testOk(probe_put(d.probe, "cam1:Acquire", "Done") == 0, "somebody stops the camera");
    check_refused(oph_status_wait(st, 20, &err), &err, OPH_EACQUIRE, "det", "Pilatus:cam1:Acquire",
                  "100000 frames", "somebody stopped the camera");
    oph_status_unref(st);
    unstage("that");
}

/* Frames that the writer still has when a trigger is cancelled are not taken for the next one's. */
static void left_behind(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    static const char *const watched[] = {"HDF1:NumCaptured_RBV"};
    int rc = oph_settings_set(cb, "post_count", 8, &err);
    check_done(rc, &err, "eight frames are asked for");
    fault_set(d.probe, "SlowDisk", "0.1");
    stage();
    testOk(probe_watch(d.probe, watched, 1) == 0, "a witness watches");
    int mark = probe_mark(d.probe);
    check_done(oph_trigger(d.det, &st, &err), &err, "it is triggered");
    testOk(probe_wait(d.probe, mark, "HDF1:NumCaptured_RBV", "2", 10) >= 0, "two are written");
    oph_status_cancel(st, NULL);
    testOk(oph_status_wait(st, 20, &err) == OPH_ECANCEL, "%s", err.text);
    oph_status_unref(st);
    trigger(8);
    probe_is_number(d.probe, "HDF1:NumCaptured_RBV", 16);
    fault_set(d.probe, "SlowDisk", "0");
    unstage("a writer that was behind");
    check_done(oph_settings_set(cb, "post_count", 100000, &err), &err, "as before");
}

/* Without a writer the frames that the buffer passes on are those that count. */
static void no_writer(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device_free(d.det);
    d.det = NULL;
    int rc = oph_device_new(d.ctx, "UnwrittenDetector", "Pilatus:", "det", &d.det, &err);
    if (!rc) rc = oph_device_child(d.det, "cb", &cb, &err);
    if (!rc) rc = oph_connect(d.det, OPH_DEFAULT, NULL, &err);
    check_done(rc, &err, "a detector without a writer");
    stage();
    trigger(40);
    trigger(40);
    unstage("frames that nobody wrote");
}

int main(void)
{
    testPlan(0);
    detector_start_ioc(
        &d, (const char *const[]){"--class", "simdetector", "--prefix", "Pilatus:", NULL});
    make();
    after_the_trigger();
    before_it_too();
    refusals();
    buffer_is_not_ours();
    stopped();
    camera_stops();
    left_behind();
    no_writer();
    detector_end(&d);
    return testDone();
}
