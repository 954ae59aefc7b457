/* The built-in classes on the simulator's camera and plugins: a device that has learnt the IOC's
 * release has what its class has at that release, every record of it is there, and what is put
 * arrives. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <string.h>

static const struct {
    const char *attr, *suffix, *class_name;
} plugins[] = {
    {"cam", "cam1:", "PilatusDetectorCam"}, {"image1", "image1:", "ImagePlugin"},
    {"hdf1", "HDF1:", "HDF5Plugin"},        {"tiff1", "TIFF1:", "TIFFPlugin"},
    {"roi1", "ROI1:", "ROIPlugin"},         {"stats1", "Stats1:", "StatsPlugin"},
    {"proc1", "Proc1:", "ProcessPlugin"},   {"trans1", "Trans1:", "TransformPlugin"},
    {"over1", "Over1:", "OverlayPlugin"},   {"codec1", "Codec1:", "CodecPlugin"},
    {"cb1", "CB1:", "CircularBuffPlugin"},
};
enum { PLUGINS = sizeof plugins / sizeof *plugins };

/* Codec1: is there from 3.4 on. */
static int is_there(int i, int minor)
{
    return strcmp(plugins[i].attr, "codec1") != 0 || minor >= 4;
}

static void add_class(oph_context *ctx, int minor)
{
    char text[2000] = "class Chain : DetectorBase\n";
    oph_error err = OPH_ERROR_INIT;

    for (int i = 0; i < PLUGINS; i++) {
        size_t len = strlen(text);
        if (!is_there(i, minor)) continue;
        snprintf(text + len, sizeof text - len, "dev %s %s %s\n", plugins[i].attr,
                 plugins[i].suffix, plugins[i].class_name);
    }
    check_done(oph_class_parse(ctx, text, "chain", NULL, &err), &err, "the class is read");
}

/* Attribute by attribute, in order. */
static void is_of_release(oph_context *ctx, oph_device *dev, const char *class_name, const char *ad)
{
    char versioned[64];
    oph_error err = OPH_ERROR_INIT;
    oph_rows *rows = NULL;

    snprintf(versioned, sizeof versioned, "%s@%s", class_name, ad);
    check_done(oph_class_rows(ctx, versioned, 0, &rows, &err), &err, versioned);
    size_t count = oph_rows_count(rows), other = 0;
    for (size_t i = 0; i < count; i++) {
        const char *attr = oph_device_attr_at(dev, i);
        other += !attr || strcmp(attr, oph_rows_at(rows, i)->attr) != 0;
    }
    testOk(other == 0 && oph_device_attr_count(dev) == count, "%s has the %zu rows of %s",
           oph_device_path(dev), count, versioned);
    oph_rows_free(rows);
}

static void connects(oph_context *ctx, oph_device *dev)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_group *group = NULL;
    size_t count = oph_device_attr_count(dev);

    if (oph_group_new(ctx, &group, &err)) testAbort("%s", err.text);
    for (size_t i = 0; i < count; i++) {
        oph_signal *sig = NULL;
        if (oph_signal_find(dev, oph_device_attr_at(dev, i), &sig, &err) ||
            oph_group_connect(group, sig, &err))
            testAbort("%s", err.text);
    }
    int rc = oph_group_run(group, OPH_DEFAULT, &report, &err);
    testOk(rc == 0 && count > 80, "%s: all %zu attributes connect", oph_device_path(dev), count);
    for (size_t i = 0; i < oph_report_count(report); i++)
        testDiag("%s", oph_report_at(report, i)->text);
    oph_report_free(report);
    oph_group_free(group);
}

/* By number and by label; with a readback to follow, and without. */
static void puts_arrive(struct detector *d)
{
    oph_error err = OPH_ERROR_INIT;

    check_done(oph_put(d->det, "roi1.min_xyz.min_x", 3, &err), &err, "a part of a row");
    probe_is(d->probe, "ROI1:MinX_RBV", "3");
    check_done(oph_put(d->det, "trans1.type_", "Rot90", &err), &err, "a label");
    probe_is(d->probe, "Trans1:Type", "Rot90");
    check_done(oph_put(d->det, "codec1.compressor", "LZ4", &err), &err, "a choice of 3.5");
    probe_is(d->probe, "Codec1:Compressor_RBV", "LZ4");
    check_done(oph_put(d->det, "proc1.low_clip_thresh", 4, &err), &err, "a row of 3.13");
    probe_is(d->probe, "Proc1:LowClipThresh_RBV", "4");
    check_done(oph_put(d->det, "stats1.compute_centroid", 1, &err), &err, "an index");
    probe_is(d->probe, "Stats1:ComputeCentroid_RBV", "Yes");
    check_done(oph_put(d->det, "cb1.trigger_calc", "A>0", &err), &err, "a formula");
    probe_is(d->probe, "CB1:TriggerCalc_RBV", "A>0");
    check_done(oph_put(d->det, "over1.nd_array_port", "PIL", &err), &err, "a port");
    probe_is(d->probe, "Over1:NDArrayPort_RBV", "PIL");
}

static void release(const char *ad, int minor)
{
    struct detector d;
    char version[16];
    oph_error err = OPH_ERROR_INIT;

    testDiag("ADCore %s", ad);
    detector_start_ioc(&d, (const char *const[]){"--ad", ad, "--size", "64x48", NULL});
    snprintf(version, sizeof version, "%s.0", ad);
    probe_is(d.probe, "cam1:ADCoreVersion_RBV", version);
    check_done(oph_context_new(NULL, &d.ctx, &err), &err, "a context");
    add_class(d.ctx, minor);
    check_done(oph_device_new(d.ctx, "Chain", "Pilatus:", "det", &d.det, &err), &err,
               "the device is made");
    oph_report *report = NULL;
    check_done(oph_connect(d.det, OPH_DEFAULT, &report, &err), &err, "it learns the release");
    testOk(oph_report_count(report) == 0, "and lacks nothing");
    oph_report_print(report, stdout);
    oph_report_free(report);
    for (int i = 0; i < PLUGINS; i++) {
        oph_device *dev = NULL;
        if (!is_there(i, minor)) continue;
        if (oph_device_child(d.det, plugins[i].attr, &dev, &err)) testAbort("%s", err.text);
        is_of_release(d.ctx, dev, plugins[i].class_name, ad);
        connects(d.ctx, dev);
    }
    if (minor == 14) puts_arrive(&d);
    detector_end(&d);
}

int main(void)
{
    testPlan(0);
    release("3.0", 0);
    release("3.3", 3);
    release("3.4", 4);
    release("3.7", 7);
    release("3.14", 14);
    return testDone();
}
