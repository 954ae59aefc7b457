/* The file stores: each stages, acquires one frame and five, knows its files, whose pixels are
 * right, and leaves nothing changed. */
#include "lib/detector.h"
#include "lib/tiff.h"

#include <epicsUnitTest.h>
#include <string.h>
#include <unistd.h>

static const char classes[] = "class StoreDetector : SingleTrigger DetectorBase\n"
                              "dev cam cam1: PilatusDetectorCam\n"
                              "stage cam acquire_time=0.001 acquire_period=0.002\n"
                              "class Stream : StoreDetector\n"
                              "dev file HDF1: HDF5Plugin FileStoreHDF5\n"
                              "stage file lazy_open=1\n"
                              "class StreamPoints : StoreDetector\n"
                              "dev file HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "stage file lazy_open=1\n"
                              "class Single : StoreDetector\n"
                              "dev file HDF1: HDF5Plugin FileStoreHDF5Single\n"
                              "class SinglePoints : StoreDetector\n"
                              "dev file HDF1: HDF5Plugin FileStoreHDF5SingleIterativeWrite\n"
                              "class Tiff : StoreDetector\n"
                              "dev file TIFF1: TIFFPlugin FileStoreTIFF\n"
                              "class TiffPoints : StoreDetector\n"
                              "dev file TIFF1: TIFFPlugin FileStoreTIFFIterativeWrite\n"
                              "class TiffStream : StoreDetector\n"
                              "dev file TIFF1: TIFFPlugin FileStoreTIFF\n"
                              "stage file file_write_mode=Stream capture=1\n"
                              "class Cycle : MultiTrigger DetectorBase\n"
                              "dev cam cam1: PilatusDetectorCam\n"
                              "dev file TIFF1: TIFFPlugin FileStoreTIFFIterativeWrite\n"
                              "stage cam acquire_time=0.001 acquire_period=0.002\n"
                              "cycle short cam.num_images=2\n"
                              "cycle long  cam.num_images=3\n"
                              "class Both : StoreDetector\n"
                              "dev file HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "stage file lazy_open=1\n"
                              "dev tiff TIFF1: TIFFPlugin FileStoreTIFFIterativeWrite\n";

enum { COLS = 64, ROWS = 48, PIXELS = COLS * ROWS };

static struct detector d;
static oph_device *file;
static int taken; /* frames so far; the camera's number of the latest */

static void make(const char *class_name)
{
    oph_error err = OPH_ERROR_INIT;
    char read[128];
    oph_device_free(d.det);
    d.det = NULL;
    snprintf(read, sizeof read, "%s/stores/%%Y/", d.disk);
    int rc = oph_device_new(d.ctx, class_name, "Pilatus:", "det", &d.det, &err);
    if (!rc) rc = oph_device_child(d.det, "cam", &d.cam, &err);
    if (!rc) rc = oph_device_child(d.det, "file", &file, &err);
    if (!rc) rc = oph_files_set(file, DETECTOR_DISK "/stores/%Y/", read, &err);
    if (!rc) rc = oph_connect(d.det, OPH_DEFAULT, NULL, &err);
    if (rc) testAbort("%s", err.text);
}

static void images(int n)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_settings_set(d.cam, "num_images", n, &err);
    if (!rc) rc = oph_settings_set(d.cam, "image_mode", "Multiple", &err);
    check_done(rc, &err, n == 1 ? "one image is asked for" : "several are asked for");
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

static int acquire(oph_error *err)
{
    oph_status *st = NULL;
    int rc = oph_trigger(d.det, &st, err);
    if (!rc) rc = oph_status_wait(st, OPH_DEFAULT, err);
    oph_status_unref(st);
    return rc;
}

static void point(int n)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(acquire(&err), &err, "a point is taken");
    taken += n;
}

static long wrong_hdf5(const char *name, int frames, int first)
{
    static int32_t pixels[PIXELS];
    oph_error err = OPH_ERROR_INIT;
    oph_frames *frame_file = NULL;
    oph_frames_info info = {.size = sizeof info};
    long wrong = 0;
    int rc = oph_frames_open(name, NULL, OPH_DEFAULT, &frame_file, &err);
    if (!rc) rc = oph_frames_describe(frame_file, &info, &err);
    for (int f = 0; !rc && f < frames; f++) {
        rc = oph_frames_read(frame_file, f, 1, pixels, sizeof pixels, &err);
        for (int i = 0; !rc && i < PIXELS; i++)
            wrong += pixels[i] != (7919 * (first + f) + 2500 * (i / COLS) + i % COLS) % 1048576;
    }
    oph_frames_free(frame_file);
    if (rc) testDiag("%s", err.text);
    return rc || info.shape[0] != frames ? -1 : wrong;
}

static void file_at(oph_device *dev, size_t index, char *local, size_t size)
{
    oph_error err = OPH_ERROR_INIT;
    char ioc[1024] = "";
    int rc = oph_file_name_at(dev, index, OPH_SIDE_IOC, ioc, sizeof ioc, &err);
    if (!rc) rc = oph_file_name_at(dev, index, OPH_SIDE_LOCAL, local, size, &err);
    testOk(!rc && !strncmp(ioc, DETECTOR_DISK, strlen(DETECTOR_DISK)) &&
               !strcmp(ioc + strlen(DETECTOR_DISK), local + strlen(d.disk)),
           "file %zu is %s", index, local);
    if (rc) testDiag("%s", err.text);
}

/* The latest of `point` points, of n frames each. */
static void describes(oph_device *dev, const char *spec, int numbered, int files, int points, int n)
{
    oph_error err = OPH_ERROR_INIT;
    oph_files_info info = {.size = sizeof info};
    check_done(oph_files_describe(dev, &info, &err), &err, "its files are described");
    testOk(strcmp(info.spec, spec) == 0 && info.numbered == numbered, "as %s, %snumbered",
           info.spec, info.numbered ? "" : "not ");
    testOk(info.points == points && info.frame_per_point == n && info.file_per_frame == files,
           "%lld points, the latest of %lld frames", (long long)info.points,
           (long long)info.frame_per_point);
    testOk(info.naming == OPH_NAME_UUID && strlen(info.file_name) == 23 &&
               !strncmp(info.local_folder, d.disk, strlen(d.disk)) &&
               !strncmp(info.ioc_folder, DETECTOR_DISK "/stores/20",
                        strlen(DETECTOR_DISK "/stores/20")),
           "%s in %s", info.file_name, info.local_folder);
    testOk(info.captured == (files ? 0 : points * n), "%lld frames in the file",
           (long long)info.captured);
    testOk(info.first_number == (files && points > 1 ? (points - 1) * n : 0),
           "the first number is %lld", (long long)info.first_number);
}

/* One file of all frames, after unstaging. */
static void stream(const char *class_name, int numbered)
{
    char name[1024] = "";
    testDiag("%s", class_name);
    make(class_name);
    images(1);
    stage();
    point(1);
    describes(file, "AD_HDF5", numbered, 0, 1, 1);
    unstage("one frame");
    testOk(oph_file_count(file) == 1, "there is one file");
    file_at(file, 0, name, sizeof name);
    testOk(wrong_hdf5(name, 1, taken) == 0, "its frame is right");
    images(5);
    stage();
    testOk(oph_file_count(file) == 0, "staged anew there is none");
    point(5);
    point(5);
    describes(file, "AD_HDF5", numbered, 0, 2, 5);
    unstage("ten frames");
    testOk(oph_file_count(file) == 1, "there is one file");
    file_at(file, 0, name, sizeof name);
    testOk(wrong_hdf5(name, 10, taken - 9) == 0, "all frames are right");
}

static void files_are(int n, int tiff)
{
    oph_error err = OPH_ERROR_INIT;
    char name[1024] = "", last[1024] = "", full[1024] = "";
    testOk(oph_file_count(file) == (size_t)n, "there are %d files", n);
    for (int i = 0; i < n; i++) {
        int frame = taken - n + 1 + i;
        file_at(file, (size_t)i, name, sizeof name);
        long wrong = tiff ? tiff_wrong_pixels(name, frame, COLS, ROWS) : wrong_hdf5(name, 1, frame);
        testOk(wrong == 0, "frame %d is right in it: %ld pixels are wrong", frame, wrong);
    }
    check_done(oph_file_name(file, OPH_SIDE_LOCAL, last, sizeof last, &err), &err,
               "the file has a name");
    probe_get(d.probe, tiff ? "TIFF1:FullFileName_RBV" : "HDF1:FullFileName_RBV", full,
              sizeof full);
    testOk(strcmp(last, name) == 0 &&
               strcmp(full + strlen(DETECTOR_DISK), name + strlen(d.disk)) == 0,
           "which is the last one's, as the IOC says");
    check_refused(oph_file_name_at(file, (size_t)n, OPH_SIDE_IOC, full, sizeof full, &err), &err,
                  OPH_ERANGE, "det.file", NULL, "a file of the acquisition", "number");
}

/* NumCapture says nothing of a file a frame, and so does not keep a series from its own. */
static void in_series(int frames)
{
    oph_error err = OPH_ERROR_INIT;
    const oph_series s = {
        .size = sizeof s, .frames = frames, .triggers = 2, .exposure = 0.001, .period = 0.004};
    check_done(oph_settings_set(file, "num_capture", 1, &err), &err, "NumCapture is 1");
    stage();
    check_done(oph_prepare(d.det, &s, NULL, &err), &err, "a series is prepared");
    unstage("a series of a file a frame");
}

/* A file a frame, which can be read at once. */
static void single(const char *class_name, const char *spec, int numbered)
{
    int tiff = strcmp(spec, "AD_TIFF") == 0;
    testDiag("%s", class_name);
    make(class_name);
    images(1);
    stage();
    probe_is(d.probe, tiff ? "TIFF1:Capture_RBV" : "HDF1:Capture_RBV", "Done");
    point(1);
    describes(file, spec, numbered, 1, 1, 1);
    files_are(1, tiff);
    point(1);
    describes(file, spec, numbered, 1, 2, 1);
    files_are(1, tiff);
    unstage("two points of a frame");
    files_are(1, tiff);
    images(5);
    stage();
    point(5);
    point(5);
    describes(file, spec, numbered, 1, 2, 5);
    files_are(5, tiff);
    unstage("two points of five frames");
    in_series(5);
}

static int32_t give_up(void *user)
{
    (void)user;
    return 1;
}

/* All their names are looked for before the first is written. */
static void too_many_files(void)
{
    oph_error err = OPH_ERROR_INIT;
    make("TiffPoints");
    int rc = oph_files_set_name(file, OPH_NAME_FIXED, "many", &err);
    images(INT32_MAX);
    stage();
    oph_context_on_wait(d.ctx, give_up, NULL);
    if (!rc) rc = acquire(&err);
    oph_context_on_wait(d.ctx, NULL, NULL);
    testOk(rc == OPH_EINTR, "a look for 2147483647 files ends when it is to: %s", err.text);
    unstage("it");
}

/* TIFF in Stream mode counts as HDF5 does. */
static void tiff_stream(void)
{
    oph_error err = OPH_ERROR_INIT;
    char name[1024] = "";
    make("TiffStream");
    images(3);
    stage();
    point(3);
    check_done(oph_file_name(file, OPH_SIDE_LOCAL, name, sizeof name, &err), &err,
               "the last file has a name");
    testOk(strstr(name, "_000002.tiff") && tiff_wrong_pixels(name, taken, COLS, ROWS) == 0,
           "%s is right", name);
    unstage("TIFF in Stream mode");
}

/* A user's own FilePath, without the separator that the IOC ends it with. */
static void own_path(void)
{
    oph_error err = OPH_ERROR_INIT;
    make("TiffPoints");
    images(2);
    check_done(oph_settings_set(file, "file_path", DETECTOR_DISK "/own", &err), &err, "a path");
    check_done(oph_settings_set(file, "create_directory", -5, &err), &err, "which is made");
    stage();
    point(2);
    unstage("a path without its separator");
}

/* Two writers of one acquisition, of which each proves its own. */
static void both(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *tiff = NULL;
    char name[1024] = "", read[128];
    make("Both");
    images(3);
    snprintf(read, sizeof read, "%s/tiffs/", d.disk);
    int rc = oph_device_child(d.det, "tiff", &tiff, &err);
    if (!rc) rc = oph_files_set(tiff, DETECTOR_DISK "/tiffs/", read, &err);
    check_done(rc, &err, "a second store");
    stage();
    point(3);
    unstage("two stores");
    file_at(file, 0, name, sizeof name);
    testOk(wrong_hdf5(name, 3, taken - 2) == 0, "the HDF5 file is right");
    testOk(oph_file_count(tiff) == 3, "there are three TIFFs");
    for (int i = 0; i < 3; i++) {
        snprintf(read, sizeof read, "%s/tiffs/", d.disk);
        rc = oph_file_name_at(tiff, (size_t)i, OPH_SIDE_LOCAL, name, sizeof name, &err);
        testOk(!rc && !strncmp(name, read, strlen(read)) &&
                   tiff_wrong_pixels(name, taken - 2 + i, COLS, ROWS) == 0,
               "%s is right", name);
    }
}

static void fault(const char *name, const char *value)
{
    char record[64];
    snprintf(record, sizeof record, "sim1:%s", name);
    testOk(probe_put_complete(d.probe, record, value, 5) == 0, "%s=%s", name, value);
}

static void fails(const char *name, const char *value, const char *end, int n, const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    testDiag("%s", name);
    images(n);
    stage();
    fault(name, value);
    check_refused(acquire(&err), &err, OPH_EACQUIRE, "det", "Pilatus:cam1:Acquire", NULL, found);
    taken += n;
    testOk(oph_file_count(file) == 0, "no file is reported");
    if (end) fault(name, end);
    point(n); /* the device recovers */
    unstage(name);
}

/* What one frame's file lacks the next one's status takes back: seen all the same. */
static void one_of_many(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    static const char *const watched[] = {"TIFF1:ArrayCounter_RBV"};
    images(6);
    check_done(oph_settings_set(d.cam, "acquire_period", 0.15, &err), &err, "slowly");
    testOk(probe_watch(d.probe, watched, 1) == 0, "a witness watches");
    stage();
    int mark = probe_mark(d.probe);
    check_done(oph_trigger(d.det, &st, &err), &err, "it starts");
    testOk(probe_wait(d.probe, mark, "TIFF1:ArrayCounter_RBV", "1", 10) >= 0, "a frame is written");
    fault("OpenFails", "1");
    testOk(probe_wait(d.probe, mark, "TIFF1:ArrayCounter_RBV", "3", 10) >= 0, "some are not");
    fault("OpenFails", "0");
    check_refused(oph_status_wait(st, OPH_DEFAULT, &err), &err, OPH_EACQUIRE, "det",
                  "Pilatus:cam1:Acquire", "6 frames", "the writer failed");
    taken += 6;
    oph_status_unref(st);
    unstage("a frame that could not be written");
    check_done(oph_settings_set(d.cam, "acquire_period", 0.002, &err), &err, "fast");
}

/* The files of a trigger are those of all its acquisitions. */
static void cycle(void)
{
    make("Cycle");
    stage();
    point(5);
    files_are(5, 1);
    describes(file, "AD_TIFF", 1, 1, 1, 5);
    point(5);
    files_are(5, 1);
    describes(file, "AD_TIFF", 1, 1, 2, 5);
    unstage("a cycle");
}

/* The camera does not wait, and the files come after it has ended. */
static void late(void)
{
    oph_error err = OPH_ERROR_INIT;
    make("TiffPoints");
    images(4);
    check_done(oph_settings_set(d.cam, "wait_for_plugins", "No", &err), &err,
               "the camera does not wait");
    stage();
    fault("SlowDisk", "0.2");
    point(4);
    files_are(4, 1);
    fault("SlowDisk", "0");
    unstage("a slow disk");
}

static void tiff_fails(void)
{
    oph_error err = OPH_ERROR_INIT;
    make("TiffPoints");
    fails("OpenFails", "1", "0", 1, "the writer failed");
    fails("DiskFull", "1", "0", 5, "the writer failed");
    fails("DropArrays", "1", NULL, 5, "the writer dropped frames");
    one_of_many();
    images(1);
    stage();
    point(1);
    testOk(probe_put_complete(d.probe, "TIFF1:FileWriteMode", "Stream", 5) == 0,
           "somebody changes the mode");
    check_refused(acquire(&err), &err, OPH_ESTATE, "det.file.file_write_mode",
                  "Pilatus:TIFF1:FileWriteMode_RBV", "Single", "mode 2");
    testOk(probe_put_complete(d.probe, "TIFF1:FileWriteMode", "Single", 5) == 0, "and back");
    unstage("that");
}

static void refused(const char *key, const char *value, const char *attr, const char *pv,
                    const char *wanted, const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    int mark = probe_mark(d.probe);
    check_done(oph_settings_set(file, key, value, &err), &err, "it is asked for");
    check_refused(oph_stage(d.det, NULL, &err), &err, OPH_EINVAL, attr, pv, wanted, found);
    testOk(probe_mark(d.probe) == mark, "nothing was sent");
    detector_unchanged(&d, "that");
}

static void refusals(void)
{
    static const char *const watched[] = {"TIFF1:FilePath", "TIFF1:FileTemplate",
                                          "TIFF1:AutoIncrement", "HDF1:FilePath"};
    make("Tiff");
    testOk(probe_watch(d.probe, watched, 4) == 0, "a witness watches");
    refused("file_template", "%s%s.tiff", "det.file.file_template", "Pilatus:TIFF1:FileTemplate",
            "one %d", "%s%s.tiff");
    make("Tiff");
    refused("auto_increment", "No", "det.file.auto_increment", "Pilatus:TIFF1:AutoIncrement", "Yes",
            "No");
    make("Stream");
    refused("file_write_mode", "Capture", "det.file.file_write_mode", "Pilatus:HDF1:FileWriteMode",
            "Stream or Single", "Capture");
    /* A capture in Single mode is what the IOC refuses, and says why. */
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_settings_set(file, "file_write_mode", "Single", &err), &err,
               "Single with Capture");
    check_refused(oph_stage(d.det, NULL, &err), &err, OPH_EMISMATCH, "det.file.capture",
                  "Pilatus:HDF1:Capture_RBV", NULL, "capture not supported in Single mode");
    detector_unchanged(&d, "that");
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    detector_start(&d, (const char *const[]){"--instant", NULL}, NULL);
    if (oph_class_parse(d.ctx, classes, "test", NULL, &err)) testAbort("%s", err.text);
    stream("Stream", 0);
    stream("StreamPoints", 1);
    single("Single", "AD_HDF5_SINGLE", 0);
    single("SinglePoints", "AD_HDF5_SINGLE", 1);
    single("Tiff", "AD_TIFF", 0);
    single("TiffPoints", "AD_TIFF", 1);
    too_many_files();
    tiff_stream();
    own_path();
    both();
    cycle();
    late();
    tiff_fails();
    refusals();
    detector_end(&d);
    return testDone();
}
