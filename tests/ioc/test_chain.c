/* A writer behind another plugin: what keeps frames from it is found before an acquisition starts,
 * in the same read as all else. */
#include "lib/count.h"
#include "lib/detector.h"

#include "base/str.h"

#include <epicsUnitTest.h>
#include <stdatomic.h>
#include <string.h>

static struct detector d;

static const char classes[] = "class ChainDetector : SingleTrigger DetectorBase\n"
                              "dev   cam   cam1: PilatusDetectorCam\n"
                              "dev   roi1  ROI1: PluginBase\n"
                              "dev   hdf1  HDF1: HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n"
                              "stage cam   image_mode=Single num_images=1\n"
                              "stage cam   acquire_time=0.01 acquire_period=0.015\n"
                              "stage cam   wait_for_plugins=Yes\n"
                              "stage hdf1  lazy_open=1\n"
                              "files hdf1  write=" DETECTOR_DISK "/chain/\n";

static oph_device *det;

static void put(const char *name, const char *value)
{
    testOk(probe_put_complete(d.probe, name, value, 5) == 0, "somebody sets %s to '%s'", name,
           value);
}

static void stage(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_stage(det, NULL, &err), &err, "stage works");
}

static void unstage(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_unstage(det, NULL, &err), &err, "unstage works");
}

static void trigger(const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    int rc = oph_trigger(det, &st, &err);
    if (!rc) rc = oph_status_wait(st, OPH_DEFAULT, &err);
    check_done(rc, &err, what);
    oph_status_unref(st);
}

static const struct {
    const char *name, *value, *back;
    const char *device, *pv, *wanted, *found;
} broken[] = {
    {"ROI1:EnableCallbacks", "Disable", "Enable", "det.roi1.enable",
     "Pilatus:ROI1:EnableCallbacks_RBV", "Enable, since the frames of hdf1 come through it",
     "Disable"},
    {"ROI1:ArrayCallbacks", "Disable", "Enable", "det.roi1.array_callbacks",
     "Pilatus:ROI1:ArrayCallbacks_RBV", "Enable, since the frames of hdf1 come through it",
     "Disable"},
    {"ROI1:MinCallbackTime", "0.5", "0", "det.roi1.min_callback_time",
     "Pilatus:ROI1:MinCallbackTime_RBV", "0, since it would skip frames of hdf1", "0.5"},
    {"HDF1:MinCallbackTime", "0.25", "0", "det.hdf1.min_callback_time",
     "Pilatus:HDF1:MinCallbackTime_RBV", "0, since the writer would skip frames", "0.25"},
    {"ROI1:NDArrayPort", "OTHER", "PIL", "det.hdf1.nd_array_port", "Pilatus:HDF1:NDArrayPort_RBV",
     "the camera's PIL", "ROI1, behind which roi1 takes frames from OTHER"},
    {"HDF1:NDArrayPort", "OTHER", "ROI1", "det.hdf1.nd_array_port", "Pilatus:HDF1:NDArrayPort_RBV",
     "the camera's PIL", "OTHER, which no device here has"},
    {"ROI1:NDArrayPort", "ROI1", "PIL", "det.hdf1.nd_array_port", "Pilatus:HDF1:NDArrayPort_RBV",
     "the camera's PIL", "ROI1, which takes its frames from itself in the end"},
    {"ROI1:NDArrayPort", "FileHDF1", "PIL", "det.hdf1.nd_array_port",
     "Pilatus:HDF1:NDArrayPort_RBV", "the camera's PIL",
     "ROI1, which takes its frames from itself in the end"},
};

static void test_broken(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    stage();
    trigger("the writer takes its frames from the region");
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        put(broken[i].name, broken[i].value);
        check_refused(oph_trigger(det, &st, &err), &err, OPH_ESTATE, broken[i].device, broken[i].pv,
                      broken[i].wanted, broken[i].found);
        testOk(st == NULL && oph_device_state(det) == OPH_STATE_FAILED, "the device has failed");
        put(broken[i].name, broken[i].back);
    }
    trigger("with the former values it works again");
    unstage();
}

static atomic_int warnings;
static char warning[1400];

static void keep(void *user, int32_t level, const char *line)
{
    (void)user;
    if (level != OPH_LOG_WARNING || !strstr(line, "BlockingCallbacks")) return;
    warnings++;
    oph__copy(warning, sizeof warning, line);
}

/* It acquires rightly, only more slowly: told once a stage. */
static void test_blocking(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *roi1 = NULL;
    check_done(oph_device_child(det, "roi1", &roi1, &err), &err, "there is a region");
    oph_context_log(d.ctx, keep, NULL);
    for (int stages = 1; stages <= 2; stages++) {
        check_done(oph_settings_set(roi1, "blocking_callbacks", "Yes", &err), &err,
                   "the region is to block");
        stage();
        trigger("it works with that");
        trigger("once more");
        unstage();
        testOk(warnings == stages, "%d warnings after %d stages", warnings, stages);
    }
    testOk(strstr(warning, "det.roi1.blocking_callbacks (Pilatus:ROI1:BlockingCallbacks_RBV)") &&
               strstr(warning, "on its way to hdf1"),
           "%s", warning);
    check_done(oph_settings_set(roi1, "blocking_callbacks", "No", &err), &err, "no more");
    stage();
    trigger("it works without");
    unstage();
    testOk(warnings == 2, "there is no warning without");
    oph_context_log(d.ctx, NULL, NULL);
}

/* What a trigger sends until it has started. */
static long sends_of_trigger(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    stage();
    trigger("the first one");
    struct counts before = count_now();
    int rc = oph_trigger(det, &st, &err);
    long sends = count_since(&before).sends;
    if (!rc) rc = oph_status_wait(st, OPH_DEFAULT, &err);
    check_done(rc, &err, "the second one is counted");
    oph_status_unref(st);
    unstage();
    return sends;
}

static void test_cost(void)
{
    long chained = sends_of_trigger();
    put("HDF1:NDArrayPort", "PIL");
    long direct = sends_of_trigger();
    /* libca has something to say for itself now and then. */
    testOk(chained <= direct + 2, "a chain costs no messages: %ld, without %ld", chained, direct);
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    detector_start(&d, NULL, NULL);
    check_done(oph_class_parse(d.ctx, classes, "chain.c", NULL, &err), &err, "the class is good");
    check_done(oph_device_new(d.ctx, "ChainDetector", "Pilatus:", "det", &det, &err), &err,
               "a detector with a region");
    put("HDF1:NDArrayPort", "ROI1");
    put("ROI1:ArrayCallbacks", "Enable");
    test_broken();
    test_blocking();
    test_cost();
    oph_device_free(det);
    detector_end(&d);
    return testDone();
}
