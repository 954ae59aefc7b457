/* What file plugins know about frames, and warming them up: on everything that may stand in the
 * way, with every fault that concerns it, without writing a file, and leaving nothing changed. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <ftw.h>
#include <string.h>

static const char classes[] = "class PrimedDetector : SingleTrigger DetectorBase\n"
                              "dev cam  cam1:  CamBase\n"
                              "dev roi  ROI1:  PluginBase\n"
                              "dev hdf1 HDF1:  HDF5Plugin\n"
                              "dev tiff TIFF1: TIFFPlugin FileStoreTIFF\n"
                              "class PrimedPilatus : PrimedDetector\n"
                              "dev cam  cam1:  PilatusDetectorCam\n"
                              "class Endstation\n"
                              "dev det  \"\" PrimedDetector\n"
                              "class Bare : SingleTrigger DetectorBase\n"
                              "dev cam  cam1:  CamBase\n";

static struct detector d;
static oph_device *hdf1, *tiff;

static void start(const char *class_name, const char *const *arguments)
{
    const oph_context_options options = {
        .size = sizeof options, .put_timeout = 1.5, .grace = 0.5, .stop_timeout = 3};
    oph_error err = OPH_ERROR_INIT;
    detector_start_ioc(&d, arguments);
    int rc = oph_context_new(&options, &d.ctx, &err);
    if (!rc) rc = oph_class_parse(d.ctx, classes, "test", NULL, &err);
    if (!rc) rc = oph_device_new(d.ctx, class_name, "Pilatus:", "det", &d.det, &err);
    if (!rc) rc = oph_device_child(d.det, "hdf1", &hdf1, &err);
    if (!rc) rc = oph_device_child(d.det, "tiff", &tiff, &err);
    if (rc) testAbort("%s", err.text);
}

static void put(const char *name, const char *value)
{
    testOk(probe_put_complete(d.probe, name, value, 5) == 0, "somebody sets %s to '%s'", name,
           value);
}

static int found_files;

static int count_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)ftw;
    if (type == FTW_F && !strstr(path, "/raw/")) found_files++;
    return 0;
}

/* The camera's own raw image is no plugin's. */
static void no_file(void)
{
    found_files = 0;
    nftw(d.disk, count_file, 16, FTW_PHYS);
    testOk(found_files == 0, "no plugin has written a file: %d", found_files);
}

static void primed(oph_device *dev, int32_t wanted, size_t entries, const char *sentence)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    int32_t differs = -1;
    check_done(oph_primed(dev, &differs, &report, &err), &err, "it is asked whether it is primed");
    testOk(differs == wanted, "%s: %d differs, wanted %d", oph_device_path(dev), (int)differs,
           (int)wanted);
    size_t said = oph_report_count(report);
    const oph_error *last = said ? oph_report_at(report, said - 1) : NULL;
    testOk(said == entries && (!last || strstr(last->text, sentence)), "%s",
           last ? last->text : "nothing is said");
    oph_report_free(report);
}

static void warms(oph_device *dev, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_warmup(dev, OPH_DEFAULT, &err), &err, what);
    detector_unchanged(&d, what);
    no_file();
}

static void fails(oph_device *dev, int code, const char *device, const char *pv, const char *wanted,
                  const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    check_refused(oph_warmup(dev, OPH_DEFAULT, &err), &err, code, device, pv, wanted, found);
}

static void on_the_way(void)
{
    start("PrimedPilatus", (const char *const[]){"--instant", NULL});
    detector_remember(&d);
    primed(hdf1, OPH_DIFFERS_UNSEEN, 1, "none since the IOC started");
    primed(d.det, OPH_DIFFERS_UNSEEN, 2, "none since the IOC started");
    warms(hdf1, "a warm-up of one plugin, which was disabled and has no file store");
    primed(hdf1, 0, 0, NULL);
    primed(tiff, OPH_DIFFERS_UNSEEN, 1, "none since the IOC started");
    put("HDF1:MinCallbackTime", "3600");
    put("HDF1:EnableCallbacks", "Enable");
    put("TIFF1:EnableCallbacks", "Enable");
    put("TIFF1:AutoSave", "Yes");
    put("TIFF1:FileWriteMode", "Single");
    put("TIFF1:FilePath", DETECTOR_DISK);
    put("TIFF1:FileName", "t");
    put("TIFF1:FileTemplate", "%s%s_%d.tif");
    put("cam1:TriggerMode", "Ext. Trigger");
    put("cam1:ImageMode", "Multiple");
    put("cam1:NumImages", "7");
    put("cam1:ArrayCallbacks", "Disable");
    detector_remember(&d);
    warms(hdf1, "a warm-up beside a plugin that would write");
    primed(tiff, OPH_DIFFERS_UNSEEN, 1, "none since the IOC started");
    warms(d.det, "a warm-up of all");
    primed(d.det, 0, 0, NULL);
    warms(tiff, "a warm-up of what is warm");
}

/* Behind another plugin that is switched off. */
static void chained(void)
{
    put("HDF1:NDArrayPort", "ROI1");
    put("ROI1:EnableCallbacks", "Disable");
    put("ROI1:ArrayCallbacks", "Disable");
    put("ROI1:MinCallbackTime", "100");
    detector_remember(&d);
    double before = probe_get_number(d.probe, "HDF1:UniqueId_RBV");
    warms(hdf1, "a warm-up through a plugin");
    testOk(probe_get_number(d.probe, "HDF1:UniqueId_RBV") > before, "it has seen the image");
    probe_is(d.probe, "ROI1:EnableCallbacks", "Disable");
    probe_is(d.probe, "ROI1:ArrayCallbacks", "Disable");
    probe_is_number(d.probe, "ROI1:MinCallbackTime", 100);
    primed(hdf1, 0, 0, NULL);
    put("HDF1:NDArrayPort", "OTHER");
    detector_remember(&d);
    fails(hdf1, OPH_EUNPRIMED, "det.hdf1", "Pilatus:HDF1:TimeStamp_RBV", "the image",
          "from \"OTHER\", which is no port of a device here");
    detector_unchanged(&d, "a warm-up of a plugin that has no frames");
    put("HDF1:NDArrayPort", "ROI1");
    put("ROI1:NDArrayPort", "ROI1");
    detector_remember(&d);
    fails(hdf1, OPH_EUNPRIMED, "det.hdf1", "Pilatus:HDF1:TimeStamp_RBV", "the image",
          "from \"ROI1\"");
    detector_unchanged(&d, "a warm-up in a circle");
    put("ROI1:NDArrayPort", "PIL");
    put("HDF1:NDArrayPort", "PIL");
    detector_remember(&d);
}

/* Nothing is stopped for it, and nobody's file gets its image. */
static void busy(void)
{
    put("HDF1:FileWriteMode", "Stream");
    put("HDF1:LazyOpen", "Yes");
    testOk(probe_put(d.probe, "HDF1:Capture", "1") == 0 &&
               probe_until(d.probe, "HDF1:Capture_RBV", "Capturing", 5) == 0,
           "somebody captures");
    detector_remember(&d);
    fails(tiff, OPH_EBUSY, "det.hdf1.capture", "Pilatus:HDF1:Capture_RBV", "Done", "runs already");
    detector_unchanged(&d, "a warm-up while somebody captures");
    testOk(probe_put(d.probe, "HDF1:Capture", "0") == 0 &&
               probe_until(d.probe, "HDF1:Capture_RBV", "Done", 5) == 0,
           "it ends");
    put("cam1:TriggerMode", "Internal");
    put("cam1:NumImages", "1");
    put("cam1:AcquireTime", "60");
    testOk(probe_put(d.probe, "cam1:Acquire", "1") == 0 &&
               probe_until(d.probe, "cam1:DetectorState_RBV", "Acquire", 5) == 0,
           "somebody acquires");
    detector_remember(&d);
    fails(hdf1, OPH_ESTATE, "det.cam.acquire", "Pilatus:cam1:Acquire_RBV", "Done", "runs already");
    detector_unchanged(&d, "a warm-up while somebody acquires");
    probe_is(d.probe, "cam1:DetectorState_RBV", "Acquire");
    testOk(probe_put(d.probe, "cam1:Acquire", "0") == 0 &&
               probe_until(d.probe, "cam1:AcquireBusy", "Done", 10) == 0,
           "it ends");
    put("cam1:AcquireTime", "0.01");
    detector_remember(&d);
    warms(d.det, "a warm-up then");
}

/* A warm-up with a fault: why it failed, that all is put back, and that the next one works. */
static void with_fault(const char *name, const char *value, const char *end, int code,
                       const char *device, const char *pv, const char *wanted, const char *found)
{
    char record[64];
    testDiag("%s", name);
    snprintf(record, sizeof record, "sim1:%s", name);
    put(record, value);
    fails(d.det, code, device, pv, wanted, found);
    if (end) put(record, end);
    testOk(probe_until(d.probe, "cam1:AcquireBusy", "Done", 20) == 0, "the camera is idle");
    detector_unchanged(&d, name);
    no_file();
    warms(d.det, "a warm-up after that");
}

static void faults(void)
{
    static const char acquire[] = "Pilatus:cam1:Acquire";
    with_fault("ExposureFails", "1", "0", OPH_EACQUIRE, "det", acquire, "1 frame", "Error");
    with_fault("ExposureHangs", "1", "0", OPH_EACQUIRE, "det", acquire, "1 frame", "Error");
    with_fault("DropArrays", "2", "0", OPH_EUNPRIMED, "det.hdf1", "Pilatus:HDF1:TimeStamp_RBV",
               "the image", "none: its frames come from \"PIL\"");
    with_fault("ReadbackStays", "cam1:AcquireTime_RBV", "", OPH_EMISMATCH, "det.cam.acquire_time",
               "Pilatus:cam1:AcquireTime_RBV", "0.1", "0.01");
    with_fault("ReadOnly", "TIFF1:AutoSave", "", OPH_EACCESS, "det.tiff.auto_save",
               "Pilatus:TIFF1:AutoSave", NULL, NULL);
    /* What concerns files does not concern it. */
    put("sim1:OpenFails", "1");
    put("sim1:DiskFull", "1");
    put("sim1:SlowDisk", "1");
    warms(d.det, "a warm-up with no room for files");
    put("sim1:OpenFails", "0");
    put("sim1:DiskFull", "0");
    put("sim1:SlowDisk", "0");
}

/* A put that never completes may or may not have been carried out, when it is put back too: then
 * the error says what is not known to be as before. */
static void not_put_back(void)
{
    put("sim1:PutStuck", "HDF1:MinCallbackTime");
    fails(d.det, OPH_ETIMEOUT, "det.hdf1.min_callback_time", "Pilatus:HDF1:MinCallbackTime", "0",
          "besides: det.hdf1.min_callback_time (Pilatus:HDF1:MinCallbackTime): wanted 3600 put "
          "back");
    put("sim1:PutStuck", "");
    put("HDF1:MinCallbackTime", "3600");
    detector_unchanged(&d, "that, but for what was named");
    warms(d.det, "a warm-up after that");
}

/* A plugin that stands still: the acquisition does not end while the camera waits for it. */
static void stuck(void)
{
    oph_error err = OPH_ERROR_INIT;
    put("sim1:PluginStuck", "HDF1");
    check_refused(oph_warmup(d.det, 1, &err), &err, OPH_ETIMEOUT, "det", NULL, "done",
                  "still running");
    put("sim1:PluginStuck", "");
    testOk(probe_until(d.probe, "cam1:AcquireBusy", "Done", 20) == 0, "the camera is idle");
    detector_unchanged(&d, "a warm-up of a plugin that stands still");
    warms(d.det, "a warm-up after that");
}

static void refusals(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *bare = NULL, *cam = NULL, *alone = NULL;
    int32_t differs = -1;
    int rc = oph_device_child(d.det, "cam", &cam, &err);
    if (!rc) rc = oph_device_new(d.ctx, "Bare", "Pilatus:", "bare", &bare, &err);
    if (!rc) rc = oph_device_new(d.ctx, "HDF5Plugin", "Pilatus:HDF1:", "alone", &alone, &err);
    check_done(rc, &err, "devices without file plugins, or without a camera");
    fails(bare, OPH_EINVAL, "bare", NULL, "a file plugin", "class Bare");
    fails(cam, OPH_EINVAL, "det.cam", NULL, "a file plugin", "PilatusDetectorCam");
    fails(alone, OPH_EINVAL, "alone", NULL, "to warm up", "no trigger");
    check_refused(oph_primed(bare, &differs, NULL, &err), &err, OPH_EINVAL, "bare", NULL,
                  "a file plugin", "class Bare");
    testOk(differs == -1, "nothing is said");
    oph_device_free(bare);
    oph_device_free(alone);
    detector_unchanged(&d, "all that was refused");
}

static void end(void)
{
    no_file();
    detector_end(&d);
}

/* Before 3.3 nothing waits for plugins. */
static void old_release(void)
{
    start("PrimedPilatus", (const char *const[]){"--instant", "--ad", "3.2", NULL});
    primed(hdf1, OPH_DIFFERS_UNSEEN, 1, "none since the IOC started");
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_warmup(d.det, OPH_DEFAULT, &err), &err, "ADCore 3.2 is warmed up");
    primed(d.det, 0, 0, NULL);
    probe_is(d.probe, "HDF1:EnableCallbacks", "Disable");
    end();
}

/* The camera is that of the detector, wherever that is in a tree. */
static void within_a_larger_device(void)
{
    oph_device *whole = NULL, *plugin = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_device_new(d.ctx, "Endstation", "Pilatus:", "end", &whole, &err);
    if (!rc) rc = oph_device_child(whole, "det.hdf1", &plugin, &err);
    check_done(rc, &err, "a detector of a larger device");
    primed(plugin, OPH_DIFFERS_SIZE, 1, "wanted 32x48, as the camera will send, found 64x48");
    oph_device_free(whole);
}

/* A camera whose type and region can be set. */
static void differing(void)
{
    start("PrimedDetector",
          (const char *const[]){"--class", "simdetector", "--prefix", "Pilatus:", NULL});
    put("cam1:AcquireTime", "0.01");
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_warmup(hdf1, OPH_DEFAULT, &err), &err, "a warm-up");
    primed(hdf1, 0, 0, NULL);
    put("cam1:DataType", "UInt16");
    primed(hdf1, OPH_DIFFERS_TYPE, 1, "wanted UInt16, found Int32");
    put("cam1:SizeX", "32");
    primed(hdf1, OPH_DIFFERS_TYPE | OPH_DIFFERS_SIZE, 2, "wanted UInt16, found Int32");
    primed(d.det, OPH_DIFFERS_TYPE | OPH_DIFFERS_SIZE | OPH_DIFFERS_UNSEEN, 3, "none since");
    put("cam1:DataType", "Int32");
    primed(hdf1, OPH_DIFFERS_SIZE, 1, "wanted 32x48, as the camera will send, found 64x48");
    within_a_larger_device();
    check_done(oph_warmup(d.det, OPH_DEFAULT, &err), &err, "a warm-up of all");
    primed(d.det, 0, 0, NULL);
    probe_is_number(d.probe, "HDF1:ArraySize0_RBV", 32);
    put("HDF1:NDArrayPort", "ROI1");
    put("cam1:SizeX", "64");
    primed(hdf1, 0, 0, NULL); /* what ROI1 makes of it is its own affair */
    primed(tiff, OPH_DIFFERS_SIZE, 1, "wanted 64x48");
    end();
}

int main(void)
{
    testPlan(0);
    on_the_way();
    chained();
    busy();
    faults();
    not_put_back();
    stuck();
    refusals();
    end();
    old_release();
    differing();
    return testDone();
}
