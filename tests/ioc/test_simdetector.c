/* The class of ADSimDetector on the simulator: all its rows are there and are what they say, and it
 * works with the trigger and the file store that a Pilatus has. */
#include "core/device.h"
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

enum { COLS = 64, ROWS = 48, FRAMES = 3 };

static const char classes[] = "class TestDetector : SingleTrigger SimDetector\n"
                              "dev   image image1: ImagePlugin\n"
                              "dev   hdf1  HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "stage cam   image_mode=Multiple num_images=3 acquire_time=0.002\n"
                              "stage cam   acquire_period=0.004 wait_for_plugins=Yes\n"
                              "stage cam   sim_mode=LinearRamp gain_xy.gain_x=2 gain_xy.gain_y=3\n"
                              "stage hdf1  lazy_open=1 compression=LZ4\n";

static void make(struct detector *d)
{
    oph_error err = OPH_ERROR_INIT;
    char read[128];
    snprintf(read, sizeof read, "%s/sim/", d->disk);
    int rc = oph_context_new(NULL, &d->ctx, &err);
    if (!rc) rc = oph_class_parse(d->ctx, classes, "test", NULL, &err);
    if (!rc) rc = oph_device_new(d->ctx, "TestDetector", "Pilatus:", "det", &d->det, &err);
    if (!rc) rc = oph_device_child(d->det, "cam", &d->cam, &err);
    if (!rc) rc = oph_device_child(d->det, "hdf1", &d->hdf1, &err);
    if (!rc) rc = oph_files_set(d->hdf1, DETECTOR_DISK "/sim/", read, &err);
    if (!rc) rc = oph_connect(d->det, OPH_DEFAULT, NULL, &err);
    if (rc) testAbort("%s", err.text);
}

static void rows_connect(struct detector *d)
{
    oph_error err = OPH_ERROR_INIT;
    oph_group *group = NULL;
    oph_report *report = NULL;
    oph_signal *sig;
    const char *attr;
    int rc = oph_group_new(d->ctx, &group, &err);
    for (size_t i = 0; !rc && (attr = oph_device_attr_at(d->cam, i)); i++) {
        rc = oph_signal_find(d->cam, attr, &sig, &err);
        if (!rc) rc = oph_group_connect(group, sig, &err);
    }
    if (!rc) rc = oph_group_run(group, OPH_DEFAULT, &report, &err);
    check_done(rc, &err, "all rows connect");
    testOk(oph_group_count(group) == oph_device_attr_count(d->cam) && oph_report_count(report) == 0,
           "%zu of %zu, and nothing is absent", oph_group_count(group),
           oph_device_attr_count(d->cam));
    oph_report_print(report, stdout);
    oph_report_free(report);
    oph_group_free(group);
}

static int fits(enum oph__rowtype type, const oph_properties *p)
{
    switch (type) {
    case OPH__INT: /* int16 is a field of a record */
        return (p->dtype == OPH_INT32 || p->dtype == OPH_INT16) && p->count == 1;
    case OPH__FLOAT: return p->dtype == OPH_FLOAT64 && p->count == 1;
    case OPH__ENUM: return p->dtype == OPH_ENUM && p->label_count > 0;
    case OPH__TEXT: return p->dtype == OPH_TEXT || (oph_dtype_size(p->dtype) == 1 && p->count > 1);
    case OPH__ARRAY: return p->dtype == OPH_INT32;
    case OPH__ANY: return 1;
    }
    return 0;
}

static void rows_fit(struct detector *d)
{
    oph_error err = OPH_ERROR_INIT;
    const char *attr;
    int wrong = 0, checked = 0;
    for (size_t i = 0; (attr = oph_device_attr_at(d->cam, i)); i++) {
        for (int32_t part = OPH_PART_READBACK; part <= OPH_PART_SETPOINT; part++) {
            oph_properties p = {.size = sizeof p};
            oph_signal *sig;
            int rc = oph_signal_find(d->cam, attr, &sig, &err);
            if (!rc) rc = oph_signal_properties(sig, part, OPH_DEFAULT, &p, &err);
            checked++;
            if (rc == 0 && fits(sig->row->type, &p)) continue;
            testDiag("%s: %s, %u elements; %s", attr, oph_dtype_name(p.dtype), p.count, err.text);
            wrong++;
        }
    }
    testOk(wrong == 0 && checked > 0, "%d PVs are of the types that their rows say", checked);
}

/* A row of each type, written and read back. */
static void rows_work(struct detector *d)
{
    oph_error err = OPH_ERROR_INIT;
    char mode[40] = "";
    double gain = 0, noise = 0;
    int64_t peaks = 0;
    int rc = oph_put(d->cam, "sim_mode", "Offset&Noise", &err);
    if (!rc) rc = oph_get_text(d->cam, "sim_mode", mode, sizeof mode, &err);
    if (!rc) rc = oph_put(d->cam, "gain_rgb.gain_red", 2.25, &err);
    if (!rc) rc = oph_get_double(d->cam, "gain_rgb.gain_red", &gain, &err);
    if (!rc) rc = oph_put(d->cam, "peak_num.peak_num_x", 5, &err);
    if (!rc) rc = oph_get_int(d->cam, "peak_num.peak_num_x", &peaks, &err);
    if (!rc) rc = oph_put(d->cam, "noise", 1.5, &err);
    if (!rc) rc = oph_get_double(d->cam, "noise", &noise, &err);
    check_done(rc, &err, "rows are written");
    testOk(strcmp(mode, "Offset&Noise") == 0 && gain == 2.25 && peaks == 5 && noise == 1.5,
           "and read back: %s, %g, %d, %g", mode, gain, (int)peaks, noise);
    check_done(oph_put(d->cam, "noise", 0, &err), &err, "the noise ends");
    check_refused(oph_put(d->cam, "sim_mode", "Stripes", &err), &err, OPH_ERANGE,
                  "det.cam.sim_mode", "Pilatus:cam1:SimMode", "Stripes",
                  "labels LinearRamp, Peaks, Sine, Offset&Noise");
}

static void file_is_right(struct detector *d)
{
    oph_error err = OPH_ERROR_INIT;
    oph_frames *file = NULL;
    oph_frames_info info = {.size = sizeof info};
    static int32_t found[FRAMES][ROWS][COLS];
    char name[1024] = "";
    long wrong = 0;
    int rc = oph_file_name(d->hdf1, OPH_SIDE_LOCAL, name, sizeof name, &err);
    if (!rc) rc = oph_frames_open(name, NULL, OPH_DEFAULT, &file, &err);
    if (!rc) rc = oph_frames_describe(file, &info, &err);
    if (!rc) rc = oph_frames_read(file, 0, FRAMES, found, sizeof found, &err);
    check_done(rc, &err, "the file is read");
    testOk(info.shape[0] == FRAMES && info.shape[1] == ROWS && info.shape[2] == COLS,
           "it has the frames that were asked for");
    for (int n = 0; n < FRAMES; n++)
        for (int y = 0; y < ROWS; y++)
            for (int x = 0; x < COLS; x++)
                wrong += found[n][y][x] != 2 * (2 * x + 3 * y) + 2 * n;
    testOk(wrong == 0, "%ld pixels are wrong", wrong);
    oph_frames_free(file);
}

static void acquire(struct detector *d)
{
    oph_error err = OPH_ERROR_INIT;
    oph_result *left = NULL;
    check_done(oph_acquire(d->det, OPH_DEFAULT, &left, &err), &err, "three frames are acquired");
    testOk(oph_report_count(oph_result_report(left)) == 0, "all is put back");
    oph_report_print(oph_result_report(left), stdout);
    oph_result_free(left);
    probe_is(d->probe, "cam1:SimMode", "Offset&Noise");
    probe_is(d->probe, "cam1:GainX", "1.00");
    file_is_right(d);
}

int main(void)
{
    struct detector d;
    testPlan(0);
    detector_start_ioc(
        &d, (const char *const[]){"--class", "simdetector", "--prefix", "Pilatus:", NULL});
    make(&d);
    rows_connect(&d);
    rows_fit(&d);
    rows_work(&d);
    acquire(&d);
    detector_end(&d);
    return testDone();
}
