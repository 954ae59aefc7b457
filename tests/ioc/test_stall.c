/* Acquisitions whose frames do not come: noticed while the camera still runs, with who holds them
 * back; and how many frames are expected. */
#include "lib/detector.h"
#include "lib/fault.h"

#include <epicsUnitTest.h>
#include <string.h>

static struct detector d;

static void set_up(void)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_settings_set(d.cam, "image_mode", "Multiple", &err);
    if (!rc) rc = oph_settings_set(d.cam, "num_images", 5, &err);
    if (!rc) rc = oph_settings_set(d.cam, "image_file_tmot", 0.5, &err);
    if (!rc) rc = oph_settings_set(d.image, "queue_size", 2, &err);
    check_done(rc, &err, "five images, and half a second of patience");
}

static void unstage(const char *after)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstage works");
    detector_unchanged(&d, after);
}

static oph_status *start(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    int rc = oph_stage(d.det, NULL, &err);
    if (!rc) rc = oph_trigger(d.det, &st, &err);
    if (rc) testAbort("%s", err.text);
    return st;
}

static void says(const oph_error *err, const char *text)
{
    testOk(strstr(err->text, text) != NULL, "it says: %s", text);
}

/* The camera has all its frames and waits for the plugins for ever. */
static void plugin_stuck(void)
{
    oph_error err = OPH_ERROR_INIT;
    fault_set(d.probe, "PluginStuck", "image1");
    oph_status *st = start();
    check_refused(oph_status_wait(st, 60, &err), &err, OPH_ETIMEOUT, "det", "Pilatus:cam1:Acquire",
                  "5 frames", "no frame came for");
    says(&err, "5 from the camera, 5 written by hdf1");
    says(&err, "the queue of image is full: 2 arrays");
    says(&err, "plugins work on 3 of the camera's arrays");
    testOk(!strstr(err.text, "queue of hdf1"), "and nothing of others");
    oph_status_unref(st);
    testOk(oph_device_state(d.det) == OPH_STATE_FAILED, "the device has failed");
    fault_set(d.probe, "PluginStuck", "");
    testOk(probe_until(d.probe, "cam1:AcquireBusy", "Done", 10) == 0, "the camera comes to an end");
    check_done(oph_trigger(d.det, &st, &err), &err, "it can be triggered again");
    check_done(oph_status_wait(st, OPH_DEFAULT, &err), &err, "and succeeds");
    oph_status_unref(st);
    unstage("a plugin that was stuck");
}

/* Without WaitForPlugins the camera ends; its writer does not. What it still has then is not taken
 * for the frames of the next acquisition. */
static void writer_stuck(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_settings_set(d.cam, "wait_for_plugins", "No", NULL);
    fault_set(d.probe, "PluginStuck", "HDF1");
    oph_status *st = start();
    check_refused(oph_status_wait(st, 60, &err), &err, OPH_EACQUIRE, "det", "Pilatus:cam1:Acquire",
                  "5 frames", "was not written");
    says(&err, "0 written by hdf1 with Capture Capturing");
    says(&err, "the queue of hdf1 holds 4 of 20 arrays");
    oph_status_unref(st);
    check_refused(oph_trigger(d.det, &st, &err), &err, OPH_ESTATE, "det.cam.num_queued_arrays",
                  "Pilatus:cam1:NumQueuedArrays", "0 arrays in plugins",
                  "would be counted for this one");
    fault_set(d.probe, "PluginStuck", "");
    check_done(oph_trigger(d.det, &st, &err), &err, "it is triggered again once they are written");
    check_done(oph_status_wait(st, 60, &err), &err, "and succeeds");
    probe_is_number(d.probe, "HDF1:NumCaptured_RBV", 10); /* by frames of its own */
    oph_status_unref(st);
    unstage("a writer that was stuck");
    oph_settings_set(d.cam, "wait_for_plugins", "Yes", NULL);
}

/* Half a second for each frame, where none in half a second more than three periods is a stall. */
static void slow_disk(void)
{
    oph_error err = OPH_ERROR_INIT;
    fault_set(d.probe, "SlowDisk", "0.2");
    oph_status *st = start();
    check_done(oph_status_wait(st, 60, &err), &err, "a slow writer is waited for");
    oph_status_unref(st);
    fault_set(d.probe, "SlowDisk", "0");
    unstage("a slow writer");
}

static void number_of_frames(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_trigger_set_frames(d.det, 4, &err), &err, "four of five frames are expected");
    oph_status *st = start();
    oph_progress p = {.size = sizeof p};
    oph_status_progress(st, &p, NULL);
    testOk(p.target == 4, "its progress goes to %g", p.target);
    check_refused(oph_status_wait(st, 60, &err), &err, OPH_EACQUIRE, "det", "Pilatus:cam1:Acquire",
                  "4 frames", "more than was asked for");
    oph_status_unref(st);
    unstage("too many frames");
    check_done(oph_trigger_set_frames(d.det, 5, &err), &err, "all are expected");
    st = start();
    check_done(oph_status_wait(st, 60, &err), &err, "they come");
    oph_status_unref(st);
    unstage("as many frames as expected");
    oph_trigger_set_frames(d.det, 0, NULL);
}

/* A plugin on the way that skips frames, which are counted nowhere. */
static void skips(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    probe_set(d.probe, "HDF1:NDArrayPort", "Image1");
    probe_set(d.probe, "image1:MinCallbackTime", "0.2");
    detector_remember(&d);
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    check_done(oph_trigger_set_frames(d.det, 1, &err), &err, "one is expected");
    check_refused(oph_trigger(d.det, &st, &err), &err, OPH_ESTATE, "det.image.min_callback_time",
                  "Pilatus:image1:MinCallbackTime_RBV", "0", "0.2");
    unstage("that");
    oph_trigger_set_frames(d.det, 0, NULL);
    probe_set(d.probe, "HDF1:NDArrayPort", "PIL");
    probe_set(d.probe, "image1:MinCallbackTime", "0");
    detector_remember(&d);
}

/* The same detector with its circular buffer. */
static oph_device *buffered(void)
{
    static const char text[] = "class Buffered : MyPilatusDetector\n"
                               "dev cb1 CB1: CircularBuffPlugin\n";
    oph_error err = OPH_ERROR_INIT;
    oph_device *dev = NULL, *hdf1 = NULL, *cam = NULL;
    int rc = oph_class_parse(d.ctx, text, "test_stall.c", NULL, &err);
    if (!rc) rc = oph_device_new(d.ctx, "Buffered", "Pilatus:", "det", &dev, &err);
    if (!rc) rc = oph_device_child(dev, "hdf1", &hdf1, &err);
    if (!rc) rc = oph_device_child(dev, "cam", &cam, &err);
    if (!rc) rc = oph_settings_copy(hdf1, d.hdf1, NULL, &err);
    if (!rc) rc = oph_settings_copy(cam, d.cam, NULL, &err);
    if (!rc) rc = oph_files_set(hdf1, DETECTOR_DISK "/buffered/", NULL, &err);
    if (rc) testAbort("%s", err.text);
    return dev;
}

/* A plugin on the way that passes on another number of frames: nobody knows how many come. */
static void not_derived(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    oph_device *dev = buffered();
    char port[64];
    probe_get(d.probe, "CB1:PortName_RBV", port, sizeof port);
    probe_set(d.probe, "HDF1:NDArrayPort", port);
    probe_set(d.probe, "CB1:ArrayCallbacks", "Enable");
    detector_remember(&d);
    check_done(oph_stage(dev, NULL, &err), &err, "stage works");
    check_refused(oph_trigger(dev, &st, &err), &err, OPH_EINVAL, "det.hdf1.nd_array_port",
                  "Pilatus:HDF1:NDArrayPort_RBV", "oph_trigger_set_frames", "cb1 on the way");
    check_done(oph_trigger_set_frames(dev, 1, &err), &err, "one is expected");
    check_done(oph_trigger(dev, &st, &err), &err, "then it starts");
    check_done(oph_stop(dev, &err), &err, "and is stopped");
    oph_status_unref(st);
    check_done(oph_unstage(dev, NULL, &err), &err, "unstage works");
    oph_device_free(dev);
    detector_unchanged(&d, "that");
    probe_set(d.probe, "HDF1:NDArrayPort", "PIL");
    detector_remember(&d);
}

/* The device that failed in this way has a camera that still runs. */
static void stopped_after(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_settings_set(d.cam, "acquire_time", 20, NULL);
    oph_settings_set(d.cam, "num_images", 1, NULL);
    oph_status *st = start();
    check_done(oph_stop(d.det, &err), &err, "an exposure of 20 s is stopped");
    testOk(oph_status_done(st) && oph_status_error(st, &err) == OPH_ECANCEL, "%s", err.text);
    oph_status_unref(st);
    probe_is(d.probe, "cam1:DetectorState_RBV", "Aborted");
    testOk(probe_put(d.probe, "cam1:Acquire", "Acquire") == 0 &&
               probe_until(d.probe, "cam1:Armed", "Armed", 5) == 0,
           "somebody acquires with the staged camera");
    check_done(oph_stop(d.det, &err), &err, "that is stopped too");
    probe_is(d.probe, "cam1:Acquire_RBV", "Done");
    check_done(oph_stop(d.det, &err), &err, "once more, when nothing runs");
    unstage("a stop");
    check_done(oph_stop(d.det, &err), &err, "and when it is idle");
    oph_settings_set(d.cam, "acquire_time", 0.01, NULL);
    detector_works(&d, "after that");
}

int main(void)
{
    testPlan(0);
    detector_start(&d, (const char *const[]){"--instant", NULL}, NULL);
    set_up();
    plugin_stuck();
    writer_stuck();
    slow_disk();
    number_of_frames();
    skips();
    not_derived();
    stopped_after();
    detector_end(&d);
    return testDone();
}
