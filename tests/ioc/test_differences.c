/* What the class texts say of each release, against the simulator's records of it; and a device
 * whose classes ask for what its IOC is not. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static const char chain[] = "class Chain : DetectorBase\n"
                            "dev cam    cam1:   PilatusDetectorCam\n"
                            "dev image1 image1: ImagePlugin\n"
                            "dev hdf1   HDF1:   HDF5Plugin FileStoreHDF5\n"
                            "dev tiff1  TIFF1:  TIFFPlugin\n"
                            "dev roi1   ROI1:   ROIPlugin\n"
                            "dev stats1 Stats1: StatsPlugin\n"
                            "dev proc1  Proc1:  ProcessPlugin\n"
                            "dev trans1 Trans1: TransformPlugin\n"
                            "dev cb1    CB1:    CircularBuffPlugin\n"
                            "class Codecs : Chain\n"
                            "dev codec1 Codec1: CodecPlugin\n";
static const char other[] = "class Other : SingleTrigger DetectorBase\n"
                            "dev cam    cam1:   PilatusDetectorCam\n"
                            "dev hdf1   HDF1:   HDF5Plugin@3.14 FileStoreHDF5\n"
                            "dev roi1   TIFF1:  ROIPlugin\n"
                            "dev image  image1: ImagePlugin@3.0\n"
                            "class Mine : PilatusDetectorCam\n"
                            "row image_mode ImageMode rbv enum  config - labels=One|Many\n"
                            "row acquire_time AcquireTime rbv int config\n"
                            "row file_path FilePath path text config - length=128\n"
                            "row model Model_RBV ro text config - length=10\n"
                            "row nowhere Nowhere rbv int config\n";

static oph_report *differences(oph_device *dev)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    check_done(oph_differences(dev, OPH_DEFAULT, &report, &err), &err, "it is compared");
    return report;
}

static void start(struct detector *d, const char *ad, const char *text)
{
    char version[16];
    oph_error err = OPH_ERROR_INIT;

    detector_start_ioc(d, (const char *const[]){"--ad", ad, "--size", "64x48", NULL});
    snprintf(version, sizeof version, "%s.0", ad);
    probe_is(d->probe, "cam1:ADCoreVersion_RBV", version);
    check_done(oph_context_new(NULL, &d->ctx, &err), &err, "a context");
    check_done(oph_class_parse(d->ctx, text, "differences", NULL, &err), &err, "the classes");
}

/* What the simulated IOC, as the real one that it is made after, has otherwise than the templates.
 */
static int is_known(const oph_error *e)
{
    static const char *const known[] = {
        "det.hdf1.nd_attributes_file", /* its startup makes it 2048 bytes long */
        "det.codec1.compressor"};      /* and it has two compressors more */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (e->code == OPH_EMISMATCH && strcmp(e->device, known[i]) == 0) return 1;
    return 0;
}

static void release(const char *ad, const char *class_name, int known)
{
    struct detector d;
    oph_error err = OPH_ERROR_INIT;

    testDiag("ADCore %s", ad);
    start(&d, ad, chain);
    check_done(oph_device_new(d.ctx, class_name, "Pilatus:", "det", &d.det, &err), &err,
               "the device is made");
    oph_report *report = differences(d.det);
    size_t others = 0;
    for (size_t i = 0; i < oph_report_count(report); i++) {
        const oph_error *e = oph_report_at(report, i);
        if (is_known(e)) continue;
        testDiag("%s", e->text);
        others++;
    }
    testOk(others == 0 && oph_report_count(report) == (size_t)known,
           "%s: the records of %s are as the text says, but for %d", ad, class_name, known);
    oph_report_free(report);
    detector_end(&d);
}

/* One line of the report is this sentence. */
static void tells(const oph_report *report, int code, const char *text)
{
    int found = 0;
    for (size_t i = 0; i < oph_report_count(report); i++) {
        const oph_error *e = oph_report_at(report, i);
        found += e->code == code && strcmp(e->text, text) == 0;
    }
    testOk(found == 1, "%s", text);
}

static const char asked[] = "det.hdf1 (Pilatus:HDF1:ADCoreVersion_RBV): wanted release 3.14, as "
                            "class HDF5Plugin@3.14 FileStoreHDF5 asks for, found 3.4";
static const char type[] = "det.roi1 (Pilatus:TIFF1:PluginType_RBV): wanted NDPluginROI, as class "
                           "ROIPlugin is, found NDFileTIFF";

/* Connecting does without, and says so: again, too, when nothing more is asked of the IOC. */
static void test_connect(oph_device *det)
{
    for (int i = 0; i < 2; i++) {
        oph_error err = OPH_ERROR_INIT;
        oph_report *report = NULL;
        check_done(oph_connect(det, OPH_DEFAULT, &report, &err), &err, "it connects");
        tells(report, OPH_EMISMATCH, asked);
        tells(report, OPH_EMISMATCH, type);
        for (size_t j = 0; j < oph_report_count(report); j++)
            testDiag("%s", oph_report_at(report, j)->text);
        testOk1(oph_report_count(report) == 2);
        oph_report_free(report);
    }
}

static void test_other(oph_device *det)
{
    oph_report *report = differences(det);
    tells(report, OPH_EMISMATCH, asked);
    tells(report, OPH_EMISMATCH, type);
    tells(report, OPH_EMISMATCH,
          "det.hdf1.compression (Pilatus:HDF1:Compression): wanted "
          "None|N-bit|szip|zlib|Blosc|BSLZ4|LZ4|JPEG, found None|N-bit|szip|zlib|blosc");
    tells(report, OPH_EABSENT,
          "det.hdf1.flush_now (Pilatus:HDF1:FlushNow): wanted the record, found the IOC lacks it");
    tells(report, OPH_EABSENT,
          "det.roi1.bin_.x (Pilatus:TIFF1:BinX): wanted the record, found the IOC lacks it");
    oph_report_free(report);
}

static void test_own(oph_context *ctx)
{
    static const char *const lines[] = {
        "cam.image_mode (Pilatus:cam1:ImageMode): wanted One|Many, found "
        "Single|Multiple|Continuous",
        "cam.image_mode (Pilatus:cam1:ImageMode_RBV): wanted One|Many, found "
        "Single|Multiple|Continuous",
        "cam.acquire_time (Pilatus:cam1:AcquireTime): wanted int, found float64",
        "cam.acquire_time (Pilatus:cam1:AcquireTime_RBV): wanted int, found float64",
        "cam.file_path (Pilatus:cam1:FilePath): wanted 128 bytes of text, found 256",
        "cam.file_path (Pilatus:cam1:FilePath_RBV): wanted 128 bytes of text, found 256",
        "cam.model (Pilatus:cam1:Model_RBV): wanted 10 bytes of text, found 40",
    };
    static const char *const lacking[] = {
        "cam.nowhere (Pilatus:cam1:Nowhere): wanted the record, found the IOC lacks it",
        "cam.nowhere (Pilatus:cam1:Nowhere_RBV): wanted the record, found the IOC lacks it",
    };
    enum { LINES = sizeof lines / sizeof *lines, LACKING = sizeof lacking / sizeof *lacking };
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;

    check_done(oph_device_new(ctx, "Mine", "Pilatus:cam1:", "cam", &dev, &err), &err, "a cam");
    oph_report *report = differences(dev);
    for (size_t i = 0; i < LINES; i++)
        tells(report, OPH_EMISMATCH, lines[i]);
    for (size_t i = 0; i < LACKING; i++)
        tells(report, OPH_EABSENT, lacking[i]);
    testOk(oph_report_count(report) == LINES + LACKING, "and nothing else");
    for (size_t i = 0; i < oph_report_count(report); i++)
        testDiag("%s", oph_report_at(report, i)->text);
    oph_report_free(report);
    oph_device_free(dev);
}

/* The simulator has the plugin, and none of its overlays. */
static void test_missing(oph_context *ctx)
{
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;

    check_done(oph_device_new(ctx, "OverlayPlugin", "Pilatus:Over1:", "over", &dev, &err), &err,
               "a plugin with overlays");
    oph_report *report = differences(dev);
    testOk1(oph_report_count(report) == oph_device_child_count(dev));
    tells(report, OPH_EABSENT,
          "over.overlay_8 (Pilatus:Over1:8:): wanted its records, found the IOC has none of them");
    oph_report_free(report);
    oph_device_free(dev);
}

static void test_nobody(oph_context *ctx)
{
    oph_device *dev = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;

    check_done(oph_device_new(ctx, "CamBase", "Nobody:", "dev", &dev, &err), &err, "a cam");
    check_refused(oph_differences(dev, 0.2, &report, &err), &err, OPH_EDISCONN, "dev", NULL,
                  "a connection", "none of its records");
    testOk1(!report);
    oph_device_free(dev);
}

static void mistaken(void)
{
    struct detector d;
    oph_error err = OPH_ERROR_INIT;

    start(&d, "3.4", other);
    check_done(oph_device_new(d.ctx, "Other", "Pilatus:", "det", &d.det, &err), &err,
               "the device is made");
    test_connect(d.det);
    test_other(d.det);
    test_own(d.ctx);
    test_missing(d.ctx);
    test_nobody(d.ctx);
    detector_end(&d);
}

int main(void)
{
    testPlan(0);
    mistaken();
    release("3.0", "Chain", 1);
    release("3.2", "Chain", 1);
    release("3.4", "Codecs", 1);
    release("3.5", "Codecs", 3);
    release("3.8", "Codecs", 3);
    release("3.14", "Codecs", 3);
    return testDone();
}
