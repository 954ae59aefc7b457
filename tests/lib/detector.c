#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "Pilatus:";

static const char classes[] = "class MyPilatusDetectorCam : PilatusDetectorCam\n"
                              "row   wait_for_plugins WaitForPlugins rw enum config\n"
                              "class MyHDF5Plugin : HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n"
                              "class MyPilatusDetector : SingleTrigger DetectorBase\n"
                              "dev   cam   cam1:   MyPilatusDetectorCam\n"
                              "dev   image image1: ImagePlugin\n"
                              "dev   hdf1  HDF1:   MyHDF5Plugin\n";

static void need(int rc, const oph_error *err)
{
    if (rc) testAbort("%s: %s", oph_code_name(rc), err->text);
}

void detector_add_class(oph_context *ctx)
{
    oph_error err = OPH_ERROR_INIT;
    need(oph_class_parse(ctx, classes, "detector.c", NULL, &err), &err);
}

void detector_start_ioc(struct detector *d, const char *const *arguments)
{
    const char *all[24] = {"--size", "64x48", "--raw", DETECTOR_DISK "/raw", "--write-root"};
    int n = 5;
    *d = (struct detector){0};
    snprintf(d->disk, sizeof d->disk, "/tmp/cophyd-disk-XXXXXX");
    if (!mkdtemp(d->disk)) testAbort("no folder");
    snprintf(d->root, sizeof d->root, "%s=%s", DETECTOR_DISK, d->disk);
    all[n++] = d->root;
    while (arguments && *arguments && n < 23)
        all[n++] = *arguments++;
    d->sim = sim_start(all);
    d->probe = probe_new(prefix);
}

static int set_up(struct detector *d, oph_error *err)
{
    char read[128];
    snprintf(read, sizeof read, "%s/test/pilatus/%%Y/%%m/%%d/", d->disk);
    int rc = oph_files_set(d->hdf1, DETECTOR_DISK "/test/pilatus/%Y/%m/%d/", read, err);
    if (!rc) rc = oph_settings_set(d->cam, "image_mode", "Single", err);
    if (!rc) rc = oph_settings_set(d->cam, "num_images", 1, err);
    if (!rc) rc = oph_settings_set(d->cam, "acquire_time", 0.01, err);
    if (!rc) rc = oph_settings_set(d->cam, "acquire_period", 0.015, err);
    if (!rc) rc = oph_settings_set(d->cam, "wait_for_plugins", "Yes", err);
    if (!rc) rc = oph_settings_set(d->hdf1, "lazy_open", 1, err);
    if (!rc) rc = oph_settings_set(d->hdf1, "compression", "LZ4", err);
    if (!rc) rc = oph_settings_set(d->hdf1, "file_template", "%s%s_%3.3d.h5", err);
    if (!rc) rc = oph_settings_move(d->hdf1, "capture", NULL, err);
    return rc;
}

void detector_make(struct detector *d)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device_free(d->det);
    d->det = NULL;
    need(oph_device_new(d->ctx, "MyPilatusDetector", prefix, "det", &d->det, &err), &err);
    need(oph_device_child(d->det, "cam", &d->cam, &err), &err);
    need(oph_device_child(d->det, "image", &d->image, &err), &err);
    need(oph_device_child(d->det, "hdf1", &d->hdf1, &err), &err);
    need(set_up(d, &err), &err);
}

void detector_start(struct detector *d, const char *const *arguments,
                    const oph_context_options *options)
{
    oph_error err = OPH_ERROR_INIT;
    detector_start_ioc(d, arguments);
    need(oph_context_new(options, &d->ctx, &err), &err);
    detector_add_class(d->ctx);
    detector_make(d);
    need(oph_connect(d->det, OPH_DEFAULT, NULL, &err), &err);
    detector_remember(d);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void detector_end(struct detector *d)
{
    oph_device_free(d->det);
    oph_context_free(d->ctx);
    setpoints_free(d->before);
    probe_free(d->probe);
    testOk(sim_stop(d->sim) == 0, "the simulator ends");
    nftw(d->disk, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void detector_remember(struct detector *d)
{
    setpoints_free(d->before);
    d->before = setpoints_read(d->probe, prefix);
    if (!d->before) testAbort("the setpoints cannot be read");
}

int detector_unchanged(struct detector *d, const char *after)
{
    struct setpoints *now = setpoints_read(d->probe, prefix);
    int32_t state = d->det ? oph_device_state(d->det) : OPH_STATE_IDLE;
    int ok = now && setpoints_differ(d->before, now) == 0 && state == OPH_STATE_IDLE;
    testOk(ok, "nothing stays changed after %s", after);
    if (state != OPH_STATE_IDLE) testDiag("the device is %s", oph_state_name(state));
    setpoints_free(now);
    return ok;
}

int detector_works(struct detector *d, const char *when)
{
    oph_error err = OPH_ERROR_INIT;
    oph_result *left = NULL;
    int rc = oph_acquire(d->det, OPH_DEFAULT, &left, &err);
    struct setpoints *now = setpoints_read(d->probe, prefix);
    int ok = rc == 0 && !oph_report_count(oph_result_report(left)) && now &&
             setpoints_differ(d->before, now) == 0;
    testOk(ok, "the detector works %s", when);
    if (rc) testDiag("%s: %s", oph_code_name(rc), err.text);
    for (size_t i = 0; i < oph_report_count(oph_result_report(left)); i++)
        testDiag("left: %s", oph_report_at(oph_result_report(left), i)->text);
    oph_result_free(left);
    setpoints_free(now);
    return ok;
}

static long wrong_pixels(const int32_t *pixels, int frame, int cols, int rows)
{
    long wrong = 0;
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < cols; x++)
            wrong += pixels[y * cols + x] != (7919 * frame + 2500 * y + x) % 1048576;
    return wrong;
}

static int compare(oph_frames *file, int frames, int first, int cols, int rows, oph_error *err)
{
    oph_frames_info info = {.size = sizeof info};
    size_t bytes = (size_t)cols * (size_t)rows * sizeof(int32_t);
    int32_t *pixels = malloc(bytes);
    long wrong = 0;
    if (!pixels) testAbort("no memory");
    int rc = oph_frames_describe(file, &info, err);
    int ok = !rc && info.rank == 3 && info.shape[0] == frames && info.shape[1] == rows &&
             info.shape[2] == cols && info.dtype == OPH_INT32 && strcmp(info.filters, "LZ4") == 0;
    if (!rc && !ok)
        testDiag("rank %u, shape %lld %lld %lld, %s, %s", info.rank, (long long)info.shape[0],
                 (long long)info.shape[1], (long long)info.shape[2], oph_dtype_name(info.dtype),
                 info.filters);
    for (int i = 0; ok && i < frames; i++) {
        rc = oph_frames_read(file, i, 1, pixels, bytes, err);
        wrong += rc ? 0 : wrong_pixels(pixels, first + i, cols, rows);
        ok = rc == 0 && wrong == 0;
        if (wrong) testDiag("%ld pixels of frame %d are wrong", wrong, i);
    }
    free(pixels);
    return ok;
}

int detector_file_is(struct detector *d, int frames, int first, int cols, int rows)
{
    oph_error err = OPH_ERROR_INIT;
    oph_frames *file = NULL;
    char name[1024] = "";
    int rc = oph_file_name(d->hdf1, OPH_SIDE_LOCAL, name, sizeof name, &err);
    if (!rc) rc = oph_frames_open(name, NULL, OPH_DEFAULT, &file, &err);
    int ok = !rc && compare(file, frames, first, cols, rows, &err);
    testOk(ok, "%d frames of %dx%d are in the file, every pixel right", frames, cols, rows);
    if (err.code) testDiag("%s: %s", name, err.text);
    oph_frames_free(file);
    return ok;
}
