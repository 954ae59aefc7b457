/* cophyd-sim --class simdetector: its records, its acquisition without any file of a camera, its
 * images by every pixel, through the library into a file too. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epicsUnitTest.h>

#include "lib/detector.h"

static const char classes[] = "class SimHDF5Plugin : HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "class MySimDetector : SingleTrigger SimDetector\n"
                              "dev   image image1: ImagePlugin\n"
                              "dev   hdf1  HDF1:   SimHDF5Plugin\n";

enum { COLS = 64, ROWS = 48, PIXELS = COLS * ROWS };

static void records(struct probe *p)
{
    static const char *const names[] = {
        "cam1:SimMode",        "cam1:Gain",        "cam1:GainX",       "cam1:PeakStartX",
        "cam1:PeakWidthY",     "cam1:PeakStepX",   "cam1:PeakNumX",    "cam1:PeakVariation",
        "cam1:Noise",          "cam1:Offset",      "cam1:Reset",       "cam1:XSine1Amplitude",
        "cam1:YSine2Phase",    "cam1:GainRed_RBV", "cam1:AcquireBusy", "cam1:DetectorState_RBV",
        "image1:UniqueId_RBV", "HDF1:Capture",     "cam1:SizeX",
    };
    static const char *const pilatus[] = {"cam1:FilePath", "cam1:Armed", "cam1:ThresholdEnergy"};
    enum { NAMES = sizeof names / sizeof *names, PILATUS = sizeof pilatus / sizeof *pilatus };
    struct probe_facts facts;
    int found = 0;
    probe_search(p, pilatus, PILATUS);
    testOk(probe_connect(p, names, NAMES) == 0, "the records of ADSimDetector are there");
    for (int i = 0; i < PILATUS; i++)
        found += probe_found(p, pilatus[i]);
    testOk(found == 0, "those of a Pilatus are not");
    testOk(probe_describe(p, "cam1:SimMode", &facts) == 0 &&
               strcmp(facts.labels, "LinearRamp|Peaks|Sine|Offset&Noise") == 0,
           "SimMode has its labels");
    testOk(probe_describe(p, "cam1:ColorMode", &facts) == 0 &&
               strcmp(facts.labels, "Mono|RGB1|RGB2|RGB3") == 0,
           "ColorMode has those of this driver: %s", facts.labels);
    probe_is(p, "cam1:Manufacturer_RBV", "Simulated detector");
    probe_is(p, "cam1:PortName_RBV", "SIM1");
    probe_is(p, "image1:NDArrayPort_RBV", "SIM1");
    probe_is(p, "Stats1:NDArrayPort_RBV", "ROI1");
    probe_is(p, "cam1:MaxSizeX_RBV", "64");
    probe_is(p, "cam1:SizeY_RBV", "48");
    probe_is(p, "cam1:DataType_RBV", "Int32");
    probe_is(p, "cam1:DetectorState_RBV", "Idle");
    probe_is(p, "cam1:PeakWidthX_RBV", "10");
}

/* How many of the image's pixels are not what formula says of column x, row y and frame n. */
static int wrong(struct probe *p, int cols, int rows, int n, double (*formula)(int x, int y, int n))
{
    static int found[PIXELS];
    int bad = 0;
    if (probe_get_longs(p, "image1:ArrayData", found, PIXELS) != (long)cols * rows) return -1;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < cols; x++)
            bad += found[y * cols + x] != (int)formula(x, y, n);
    return bad;
}

static void take(struct probe *p, const char *images)
{
    probe_set(p, "cam1:NumImages", images);
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 5) == 0, "%s images are taken", images);
    probe_is(p, "cam1:NumImagesCounter_RBV", images);
    probe_is(p, "cam1:DetectorState_RBV", "Idle");
    probe_is(p, "cam1:StatusMessage_RBV", "Waiting for acquisition");
}

/* Gain 1, AcquireTime 0.002: i = 2. */
static double ramp(int x, int y, int n)
{
    return 2 * (x + 3 * y) + 2 * n;
}

static double ramp_in_bytes(int x, int y, int n)
{
    return (2 * (x + 3 * y) + 2 * n) % 256;
}

static double part_of_ramp(int x, int y, int n)
{
    return 2 * (x + 10 + 3 * (y + 20)) + 2 * n;
}

static double peaks(int x, int y, int n)
{
    double sum = 0;
    (void)n;
    for (int j = 0; j < 2; j++) {
        double dx = (x - 10 - j * 30) / 3.0, dy = (y - 20) / 4.0;
        if (fabs(dx) <= 4 && fabs(dy) <= 4)
            sum += trunc(1000 * exp(-dx * dx / 2) * (3 * exp(-dy * dy / 2)));
    }
    return sum;
}

static double offset(int x, int y, int n)
{
    (void)x, (void)y, (void)n;
    return 7;
}

static void images(struct probe *p)
{
    probe_set(p, "image1:EnableCallbacks", "1");
    probe_set(p, "cam1:WaitForPlugins", "Yes");
    probe_set(p, "cam1:ImageMode", "Multiple");
    probe_set(p, "cam1:AcquireTime", "0.002");
    probe_set(p, "cam1:AcquirePeriod", "0.004");
    probe_set(p, "cam1:GainY", "3");
    probe_set(p, "cam1:DataType", "UInt8");
    take(p, "1");
    probe_is(p, "image1:DataType_RBV", "UInt8");
    testOk(wrong(p, COLS, ROWS, 0, ramp_in_bytes) == 0, "a ramp, cut to bytes");
    probe_set(p, "cam1:DataType", "Int32");
    take(p, "3");
    probe_is(p, "image1:DataType_RBV", "Int32");
    testOk(wrong(p, COLS, ROWS, 2, ramp) == 0, "a ramp, the third since DataType was set");
    take(p, "2");
    testOk(wrong(p, COLS, ROWS, 4, ramp) == 0, "another acquisition goes on with it");
    probe_set(p, "cam1:MinX", "10");
    probe_set(p, "cam1:MinY", "20");
    probe_set(p, "cam1:SizeX", "500");
    probe_set(p, "cam1:SizeY", "5");
    take(p, "1");
    probe_is(p, "cam1:SizeX_RBV", "54");
    testOk(wrong(p, 54, 5, 5, part_of_ramp) == 0, "a part of the sensor");
    probe_set(p, "cam1:MinX", "0");
    probe_set(p, "cam1:MinY", "0");
    probe_set(p, "cam1:SizeX", "64");
    probe_set(p, "cam1:SizeY", "48");
}

static void other_modes(struct probe *p)
{
    probe_set(p, "cam1:PeakStartX", "10");
    probe_set(p, "cam1:PeakStartY", "20");
    probe_set(p, "cam1:PeakStepX", "30");
    probe_set(p, "cam1:PeakNumX", "2");
    probe_set(p, "cam1:PeakWidthX", "3");
    probe_set(p, "cam1:PeakWidthY", "4");
    probe_set(p, "cam1:PeakVariation", "0");
    probe_set(p, "cam1:SimMode", "Peaks");
    probe_set(p, "cam1:Gain", "1000");
    take(p, "1");
    testOk(wrong(p, COLS, ROWS, 0, peaks) == 0, "two peaks");
    probe_set(p, "cam1:SimMode", "Offset&Noise");
    probe_set(p, "cam1:Offset", "7");
    take(p, "1");
    testOk(wrong(p, COLS, ROWS, 0, offset) == 0, "an offset");
    probe_set(p, "cam1:Gain", "1");
    probe_set(p, "cam1:BinX", "2");
    probe_is(p, "cam1:BinX_RBV", "1");
}

static void stop(struct probe *p)
{
    const char *const watched[] = {"cam1:DetectorState_RBV"};
    probe_watch(p, watched, 1);
    probe_set(p, "cam1:ImageMode", "Continuous");
    int mark = probe_mark(p);
    testOk(probe_put_start(p, "cam1:Acquire", "1") == 0 &&
               probe_wait(p, mark, "cam1:DetectorState_RBV", "Waiting", 5) >= 0,
           "Continuous goes on");
    testOk(probe_put(p, "cam1:Acquire", "0") == 0 && probe_completed(p, "cam1:Acquire", 5) == 0,
           "it stops, and the put completes");
    probe_is(p, "cam1:DetectorState_RBV", "Idle");
    probe_set(p, "cam1:ImageMode", "Single");
    probe_set(p, "cam1:AcquireTime", "30");
    mark = probe_mark(p);
    testOk(probe_put_start(p, "cam1:Acquire", "1") == 0 &&
               probe_wait(p, mark, "cam1:DetectorState_RBV", "Acquire", 5) >= 0,
           "a long exposure");
    testOk(probe_put(p, "cam1:Acquire", "0") == 0 && probe_completed(p, "cam1:Acquire", 5) == 0,
           "is stopped");
    probe_is(p, "cam1:DetectorState_RBV", "Aborted");
    probe_is(p, "cam1:StatusMessage_RBV", "Acquisition stopped");
}

static int set_up(struct detector *d, oph_error *err)
{
    char read[128];
    snprintf(read, sizeof read, "%s/simdetector/", d->disk);
    int rc = oph_files_set(d->hdf1, DETECTOR_DISK "/simdetector/", read, err);
    if (!rc) rc = oph_settings_set(d->cam, "image_mode", "Multiple", err);
    if (!rc) rc = oph_settings_set(d->cam, "num_images", 3, err);
    if (!rc) rc = oph_settings_set(d->cam, "acquire_time", 0.002, err);
    if (!rc) rc = oph_settings_set(d->cam, "acquire_period", 0.004, err);
    if (!rc) rc = oph_settings_set(d->cam, "data_type", "Int32", err);
    if (!rc) rc = oph_settings_set(d->cam, "sim_mode", "LinearRamp", err);
    if (!rc) rc = oph_settings_set(d->cam, "wait_for_plugins", "Yes", err);
    if (!rc) rc = oph_settings_set(d->hdf1, "lazy_open", 1, err);
    if (!rc) rc = oph_settings_set(d->hdf1, "compression", "LZ4", err);
    if (!rc) rc = oph_settings_move(d->hdf1, "capture", NULL, err);
    return rc;
}

static void file(struct detector *d, int cols, int rows, int gain_y)
{
    oph_error err = OPH_ERROR_INIT;
    oph_frames *file = NULL;
    char name[1024] = "";
    size_t bytes = (size_t)cols * (size_t)rows * sizeof(int32_t);
    int32_t *found = malloc(bytes);
    long bad = 0;
    if (!found) testAbort("no memory");
    int rc = oph_file_name(d->hdf1, OPH_SIDE_LOCAL, name, sizeof name, &err);
    if (!rc) rc = oph_frames_open(name, NULL, OPH_DEFAULT, &file, &err);
    for (int n = 0; n < 3 && !rc; n++) {
        rc = oph_frames_read(file, n, 1, found, bytes, &err);
        for (int y = 0; y < rows && !rc; y++)
            for (int x = 0; x < cols; x++)
                bad += found[(size_t)y * (size_t)cols + (size_t)x] != 2 * (x + gain_y * y) + 2 * n;
    }
    check_done(rc, &err, "three frames are in its file");
    testOk(bad == 0, "%ld pixels are wrong", bad);
    oph_frames_free(file);
    free(found);
}

/* Stage, trigger, wait, unstage, and the file. */
static void acquire(struct detector *d, int cols, int rows, int gain_y)
{
    oph_error err = OPH_ERROR_INIT;
    oph_result *left = NULL;
    oph_context_new(NULL, &d->ctx, &err);
    check_done(oph_class_parse(d->ctx, classes, "test", NULL, &err), &err, "the class is read");
    check_done(oph_device_new(d->ctx, "MySimDetector", "Pilatus:", "det", &d->det, &err), &err,
               "the device is made");
    check_done(oph_device_child(d->det, "cam", &d->cam, &err), &err, "cam");
    check_done(oph_device_child(d->det, "hdf1", &d->hdf1, &err), &err, "hdf1");
    check_done(set_up(d, &err), &err, "it is set up");
    check_done(oph_connect(d->det, OPH_DEFAULT, NULL, &err), &err, "it connects");
    check_done(oph_acquire(d->det, OPH_DEFAULT, &left, &err), &err, "it acquires");
    testOk(oph_report_count(oph_result_report(left)) == 0, "all is put back");
    oph_result_free(left);
    file(d, cols, rows, gain_y);
}

int main(void)
{
    struct detector d;
    testPlan(0);
    detector_start_ioc(
        &d, (const char *const[]){"--class", "simdetector", "--prefix", "Pilatus:", NULL});
    records(d.probe);
    images(d.probe);
    other_modes(d.probe);
    stop(d.probe);
    acquire(&d, COLS, ROWS, 3);
    detector_end(&d);
    detector_start_ioc(&d, (const char *const[]){"--class", "simdetector", "--prefix",
                                                 "Pilatus:", "--size", "2463x2527", NULL});
    probe_is(d.probe, "cam1:MaxSizeX_RBV", "2463");
    acquire(&d, 2463, 2527, 1);
    detector_end(&d);
    return testDone();
}
