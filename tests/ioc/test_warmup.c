/* A file plugin that has never seen a frame: what needs warming up, and what does not. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <stdio.h>

static struct detector d;

static void lazy_open(int on)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_settings_set(d.hdf1, "lazy_open", on, &err), &err,
               on ? "LazyOpen is staged as 1" : "LazyOpen is staged as 0");
}

static void unprimed(const char *when)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    int mark = probe_mark(d.probe);
    testDiag("%s", when);
    check_refused(oph_stage(d.det, &report, &err), &err, OPH_EUNPRIMED, "det.hdf1.capture",
                  "Pilatus:HDF1:Capture_RBV", "seen a frame", "call oph_warmup");
    testOk(oph_report_count(report) == 1, "the report has that and nothing more");
    oph_report_free(report);
    detector_unchanged(&d, "that");
    testOk(probe_mark(d.probe) == mark, "and nothing was sent");
}

static void width_is(double wanted)
{
    double found = probe_get_number(d.probe, "HDF1:ArraySize0_RBV");
    testOk(found == wanted, "the writer has seen frames %g wide, wanted %g", found, wanted);
}

/* LazyOpen=1 needs no warm-up, ever. */
static void lazy_unprimed(void)
{
    detector_start(&d, NULL, NULL);
    width_is(0);
    detector_works(&d, "unprimed with LazyOpen=1");
    detector_file_is(&d, 1, 1, 64, 48);
    lazy_open(0);
    detector_works(&d, "with LazyOpen=0 after a frame");
    detector_file_is(&d, 1, 2, 64, 48);
    detector_end(&d);
}

static void needs_warmup(int whole)
{
    static const char *const watched[] = {"cam1:ImageMode", "HDF1:LazyOpen", "HDF1:FilePath",
                                          "HDF1:Capture", "HDF1:EnableCallbacks"};
    oph_error err = OPH_ERROR_INIT;
    detector_start(&d, NULL, NULL);
    testOk(probe_watch(d.probe, watched, 5) == 0, "a witness watches");
    lazy_open(0);
    unprimed("LazyOpen is off");
    check_done(oph_settings_delete(d.hdf1, "lazy_open", &err), &err, "LazyOpen is left alone");
    unprimed("LazyOpen is off at the IOC");
    check_done(oph_warmup(whole ? d.det : d.hdf1, OPH_DEFAULT, &err), &err,
               whole ? "oph_warmup of the detector works" : "oph_warmup of the plugin works");
    detector_unchanged(&d, "the warm-up");
    width_is(64);
    lazy_open(0);
    detector_works(&d, "with LazyOpen=0 then");
    detector_file_is(&d, 1, 2, 64, 48);
    check_done(oph_warmup(d.det, OPH_DEFAULT, &err), &err, "another warm-up does no harm");
    detector_unchanged(&d, "it");
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    check_refused(oph_warmup(d.det, OPH_DEFAULT, &err), &err, OPH_ESTATE, "det", NULL, "warm up",
                  "already staged");
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstage works");
    detector_unchanged(&d, "a warm-up was refused");
    check_refused(oph_warmup(d.det, 0.01, &err), &err, OPH_ETIMEOUT, "det", NULL, "done",
                  "still running");
    detector_unchanged(&d, "a warm-up ran out of time");
    detector_end(&d);
}

static void would_write(const char *plugin)
{
    static const char *const rows[][2] = {{"EnableCallbacks", "Enable"},
                                          {"FilePath", DETECTOR_DISK "/"},
                                          {"FileName", "warm"},
                                          {"FileNumber", "5"},
                                          {"AutoIncrement", "Yes"},
                                          {"FileWriteMode", "Single"},
                                          {"AutoSave", "Yes"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s:%s", plugin, rows[i][0]);
        testOk(probe_put_complete(d.probe, name, rows[i][1], 10) == 0, "%s", name);
    }
}

/* Neither of the plugin that is warmed up nor of another. */
static void makes_no_file(void)
{
    static const char text[] = "class Two : MyPilatusDetector\ndev tiff1 TIFF1: TIFFPlugin\n";
    oph_error err = OPH_ERROR_INIT;
    oph_device *two = NULL, *hdf1 = NULL;
    detector_start(&d, NULL, NULL);
    int rc = oph_class_parse(d.ctx, text, "test_warmup.c", NULL, &err);
    if (!rc) rc = oph_device_new(d.ctx, "Two", "Pilatus:", "two", &two, &err);
    if (!rc) rc = oph_device_child(two, "hdf1", &hdf1, &err);
    check_done(rc, &err, "a detector with two file plugins");
    would_write("HDF1");
    would_write("TIFF1");
    detector_remember(&d);
    check_done(oph_warmup(hdf1, OPH_DEFAULT, &err), &err, "oph_warmup of one of them works");
    width_is(64);
    testOk(probe_get_number(d.probe, "HDF1:FileNumber_RBV") == 5 &&
               probe_get_number(d.probe, "TIFF1:FileNumber_RBV") == 5,
           "no file is made of its image");
    detector_unchanged(&d, "it");
    oph_device_free(two);
    detector_end(&d);
}

/* One whose time is over before its exposure leaves no camera that runs. */
static void is_stopped(void)
{
    oph_error err = OPH_ERROR_INIT;
    detector_start(&d, (const char *const[]){"--fault=ExposureHangs", NULL}, NULL);
    check_refused(oph_warmup(d.det, 0.3, &err), &err, OPH_ETIMEOUT, "det", NULL, "done",
                  "still running");
    testOk(probe_get_number(d.probe, "cam1:Acquire_RBV") == 0, "the camera is stopped");
    detector_unchanged(&d, "a warm-up in an exposure");
    detector_end(&d);
}

/* A warm-up that fails puts back too. */
static void fails(void)
{
    oph_error err = OPH_ERROR_INIT;
    detector_start(&d, (const char *const[]){"--fault=ExposureHangs", "--instant", NULL}, NULL);
    check_refused(oph_warmup(d.det, OPH_DEFAULT, &err), &err, OPH_EACQUIRE, "det",
                  "Pilatus:cam1:Acquire", "1 frame", "DetectorState Error");
    detector_unchanged(&d, "a warm-up that failed");
    oph_device *plain = NULL;
    check_done(oph_device_new(d.ctx, "PilatusDetector", "Pilatus:", "plain", &plain, &err), &err,
               "a detector without a trigger");
    check_refused(oph_warmup(plain, OPH_DEFAULT, &err), &err, OPH_EINVAL, "plain", NULL,
                  "to warm up", "no trigger");
    oph_device_free(plain);
    detector_end(&d);
}

int main(void)
{
    testPlan(0);
    lazy_unprimed();
    needs_warmup(1);
    needs_warmup(0);
    makes_no_file();
    is_stopped();
    fails();
    return testDone();
}
