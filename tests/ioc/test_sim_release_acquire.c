/* Acquisitions through the library on releases of ADCore: the reference detector where it has what
 * the reference settings ask for, else without WaitForPlugins or without compression. */
#include <stdio.h>
#include <string.h>

#include <epicsUnitTest.h>

#include "lib/detector.h"

/* Before 3.3 there is no WaitForPlugins. */
static const char classes[] = "class OldHDF5Plugin : HDF5Plugin@3.0 FileStoreHDF5IterativeWrite\n"
                              "class OldDetector : SingleTrigger DetectorBase\n"
                              "dev   cam   cam1:   PilatusDetectorCam@3.0\n"
                              "dev   image image1: ImagePlugin@3.0\n"
                              "dev   hdf1  HDF1:   OldHDF5Plugin\n";

static int set_up(struct detector *d, oph_error *err)
{
    char read[128];
    snprintf(read, sizeof read, "%s/old/", d->disk);
    int rc = oph_files_set(d->hdf1, DETECTOR_DISK "/old/", read, err);
    if (!rc) rc = oph_settings_set(d->cam, "image_mode", "Multiple", err);
    if (!rc) rc = oph_settings_set(d->cam, "num_images", 3, err);
    if (!rc) rc = oph_settings_set(d->cam, "acquire_time", 0.01, err);
    if (!rc) rc = oph_settings_set(d->cam, "acquire_period", 0.015, err);
    if (!rc) rc = oph_settings_set(d->hdf1, "lazy_open", 1, err);
    if (!rc) rc = oph_settings_set(d->hdf1, "compression", "None", err);
    if (!rc) rc = oph_settings_move(d->hdf1, "capture", NULL, err);
    return rc;
}

/* A simulator of that release, and a context. */
static void start(struct detector *d, const char *ad)
{
    oph_error err = OPH_ERROR_INIT;
    char version[16];
    snprintf(version, sizeof version, "%s.0", ad);
    detector_start_ioc(d, (const char *const[]){"--ad", ad, NULL});
    probe_is(d->probe, "HDF1:ADCoreVersion_RBV", version);
    check_done(oph_context_new(NULL, &d->ctx, &err), &err, ad);
}

/* Frames come from the camera as its numbers first, first + 1 and so on. */
static void pixels(struct detector *d, int frames, int first)
{
    static int32_t found[48][64];
    oph_error err = OPH_ERROR_INIT;
    oph_frames_info info = {.size = sizeof info};
    oph_frames *file = NULL;
    char name[1024] = "";
    int wrong = 0;
    int rc = oph_file_name(d->hdf1, OPH_SIDE_LOCAL, name, sizeof name, &err);
    if (!rc) rc = oph_frames_open(name, NULL, OPH_DEFAULT, &file, &err);
    if (!rc) rc = oph_frames_describe(file, &info, &err);
    check_done(rc, &err, "its file opens");
    testOk(info.shape[0] == frames && strcmp(info.filters, "none") == 0,
           "it has %lld frames, filters: %s", (long long)info.shape[0], info.filters);
    for (int i = 0; i < frames && !rc; i++) {
        rc = oph_frames_read(file, i, 1, found, sizeof found, &err);
        for (int y = 0; y < 48; y++)
            for (int x = 0; x < 64; x++)
                wrong += found[y][x] != (7919 * (first + i) + 2500 * y + x) % 1048576;
    }
    check_done(rc, &err, "all are read");
    testOk(wrong == 0, "%d pixels are wrong", wrong);
    oph_frames_free(file);
}

static void old(const char *ad)
{
    struct detector d;
    oph_error err = OPH_ERROR_INIT;
    oph_result *left = NULL;
    start(&d, ad);
    check_done(oph_class_parse(d.ctx, classes, "old", NULL, &err), &err, "its class is read");
    check_done(oph_device_new(d.ctx, "OldDetector", "Pilatus:", "det", &d.det, &err), &err, "new");
    check_done(oph_device_child(d.det, "cam", &d.cam, &err), &err, "cam");
    check_done(oph_device_child(d.det, "hdf1", &d.hdf1, &err), &err, "hdf1");
    check_done(set_up(&d, &err), &err, "its settings are set");
    check_done(oph_connect(d.det, OPH_DEFAULT, NULL, &err), &err, "it connects");
    for (int shot = 0; shot < 2; shot++) {
        check_done(oph_acquire(d.det, OPH_DEFAULT, &left, &err), &err, "three frames are taken");
        testOk(oph_report_count(oph_result_report(left)) == 0, "and all is put back");
        oph_result_free(left);
        left = NULL;
        pixels(&d, 3, 1 + 3 * shot);
    }
    detector_end(&d);
}

/* From 3.5 on, all that the reference settings ask for. */
static void reference(const char *ad)
{
    struct detector d;
    oph_error err = OPH_ERROR_INIT;
    oph_result *left = NULL;
    start(&d, ad);
    detector_add_class(d.ctx);
    detector_make(&d);
    check_done(oph_connect(d.det, OPH_DEFAULT, NULL, &err), &err, "the reference connects");
    check_done(oph_acquire(d.det, OPH_DEFAULT, &left, &err), &err, "a frame is taken");
    testOk(oph_report_count(oph_result_report(left)) == 0, "and all is put back");
    oph_result_free(left);
    detector_file_is(&d, 1, 1, 64, 48);
    detector_end(&d);
}

/* LZ4 is refused where the release lacks it, by name. */
static void without_lz4(void)
{
    struct detector d;
    oph_error err = OPH_ERROR_INIT;
    start(&d, "3.4");
    detector_add_class(d.ctx);
    detector_make(&d);
    check_done(oph_connect(d.det, OPH_DEFAULT, NULL, &err), &err, "it connects");
    testOk(oph_stage(d.det, NULL, &err) != 0 && strstr(err.text, "LZ4"), "%s", err.text);
    detector_end(&d);
}

int main(void)
{
    testPlan(0);
    old("3.0");
    old("3.2");
    old("3.3");
    old("3.4");
    without_lz4();
    reference("3.5");
    reference("3.7");
    reference("3.10");
    return testDone();
}
