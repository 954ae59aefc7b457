/* The graph of a real chain, and each thing that can be wrong with it: found before a stage, and by
 * name. */
#include "lib/count.h"
#include "lib/detector.h"
#include "lib/fault.h"

#include <epicsUnitTest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct detector d;

static const char classes[] = "class ChainDetector : SingleTrigger DetectorBase\n"
                              "dev   cam    cam1:   PilatusDetectorCam\n"
                              "dev   image  image1: ImagePlugin\n"
                              "dev   roi1   ROI1:   PluginBase\n"
                              "dev   stats1 Stats1: PluginBase\n"
                              "dev   hdf1   HDF1:   HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n"
                              "stage cam    image_mode=Single num_images=1\n"
                              "stage cam    acquire_time=0.01 acquire_period=0.015\n"
                              "stage roi1   array_callbacks=1\n"
                              "stage hdf1   lazy_open=1\n"
                              "files hdf1   write=" DETECTOR_DISK "/chain/\n";

static oph_device *det;

static void put(const char *name, const char *value)
{
    testOk(probe_put_complete(d.probe, name, value, 5) == 0, "somebody sets %s to '%s'", name,
           value);
}

static oph_findings *findings_of(oph_device *dev)
{
    oph_error err = OPH_ERROR_INIT;
    oph_findings *findings = NULL;
    check_done(oph_validate(dev, OPH_DEFAULT, &findings, &err), &err, "it is looked over");
    return findings;
}

static void tell(const oph_findings *findings)
{
    for (size_t i = 0; i < oph_findings_count(findings); i++) {
        const oph_finding *f = oph_findings_at(findings, i);
        testDiag("%s: %s. %s", f->severity == OPH_SEVERITY_ERROR ? "error" : "warning",
                 f->error.text, f->advice);
    }
}

static void all_well(oph_device *dev, const char *when)
{
    oph_findings *findings = findings_of(dev);
    testOk(oph_findings_count(findings) == 0, "nothing is wrong %s", when);
    tell(findings);
    oph_findings_free(findings);
}

struct wrong {
    int severity, code;
    const char *device, *pv, *wanted, *found, *advice;
};

/* Just this is wrong. */
static void finds(oph_device *dev, const struct wrong *w)
{
    oph_findings *findings = findings_of(dev);
    const oph_finding *f = oph_findings_at(findings, 0);
    testOk(oph_findings_count(findings) == 1, "one thing is wrong");
    if (f) {
        testOk(f->severity == w->severity && strstr(f->advice, w->advice) != NULL, "%s: %s",
               f->severity == OPH_SEVERITY_ERROR ? "an error" : "a warning", f->advice);
        check_refused(f->error.code, &f->error, w->code, w->device, w->pv, w->wanted, w->found);
    }
    if (oph_findings_count(findings) != 1) tell(findings);
    oph_findings_free(findings);
}

/* Through the region, and the statistics behind it too. */
static void test_chain(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_graph *graph = NULL;
    char text[1000];
    put("HDF1:NDArrayPort", "ROI1");
    check_done(oph_graph_new(det, OPH_DEFAULT, &graph, &err), &err, "the ports are read");
    struct counts before = count_now();
    oph_graph_free(graph);
    check_done(oph_graph_new(det, OPH_DEFAULT, &graph, &err), &err, "and again");
    struct counts costs = count_since(&before);
    /* libca has something to say for itself now and then. */
    testOk(costs.sends >= 1 && costs.sends <= 2, "which is one message: %ld", costs.sends);
    oph_graph_text(graph, text, sizeof text);
    static const char wanted[] =
        "cam PIL\n"
        "  image Image1 (NDPluginStdArrays), disabled, hands no frames on\n"
        "  roi1 ROI1 (NDPluginROI), disabled\n"
        "    stats1 STATS1 (NDPluginStats), disabled\n"
        "    hdf1 FileHDF1 (NDFileHDF5 ver1.10.8), disabled, hands no frames on\n";
    testOk(strcmp(text, wanted) == 0, "it is as the IOC booted");
    if (strcmp(text, wanted) != 0) testDiag("found\n%s", text);
    oph_graph_free(graph);
    all_well(det, "since staging enables all");
}

static const struct {
    const char *name, *value, *back;
    struct wrong wrong;
} cases[] = {
    {"HDF1:NDArrayPort",
     "CC7",
     "ROI1",
     {OPH_SEVERITY_ERROR, OPH_ESTATE, "det.hdf1.nd_array_port", "Pilatus:HDF1:NDArrayPort_RBV",
      "the port of a device of this detector", "CC7, which none of them has",
      "oph_missing_plugins"}},
    {"ROI1:NDArrayPort",
     "CC7",
     "PIL",
     {OPH_SEVERITY_ERROR, OPH_ESTATE, "det.roi1.nd_array_port", "Pilatus:ROI1:NDArrayPort_RBV",
      "the port of a device of this detector", "CC7", "oph_missing_plugins"}},
    {"Stats1:NDArrayPort",
     "CC7",
     "ROI1",
     {OPH_SEVERITY_WARNING, OPH_ESTATE, "det.stats1.nd_array_port",
      "Pilatus:Stats1:NDArrayPort_RBV", "the port of a device of this detector", "CC7",
      "oph_missing_plugins"}},
    {"ROI1:NDArrayPort",
     "FileHDF1",
     "PIL",
     {OPH_SEVERITY_ERROR, OPH_ESTATE, "det.roi1.nd_array_port", "Pilatus:ROI1:NDArrayPort_RBV",
      "a chain of ports to a camera", "FileHDF1, which takes its frames from ROI1 in the end",
      "Set NDArrayPort of one of them"}},
    {"Stats1:NDArrayPort",
     "STATS1",
     "ROI1",
     {OPH_SEVERITY_WARNING, OPH_ESTATE, "det.stats1.nd_array_port",
      "Pilatus:Stats1:NDArrayPort_RBV", "a chain of ports to a camera",
      "STATS1, which takes its frames from STATS1 in the end", "Set NDArrayPort of one of them"}},
    {"ROI1:MinCallbackTime",
     "0.5",
     "0",
     {OPH_SEVERITY_ERROR, OPH_ESTATE, "det.roi1.min_callback_time",
      "Pilatus:ROI1:MinCallbackTime_RBV", "0", "0.5", "counted nowhere"}},
    {"HDF1:MinCallbackTime",
     "0.5",
     "0",
     {OPH_SEVERITY_ERROR, OPH_ESTATE, "det.hdf1.min_callback_time",
      "Pilatus:HDF1:MinCallbackTime_RBV", "0", "0.5", "counted nowhere"}},
    {"cam1:FilePath",
     "",
     DETECTOR_DISK "/raw/",
     {OPH_SEVERITY_ERROR, OPH_EINVAL, "det.cam.file_path", "Pilatus:cam1:FilePath_RBV", "a text",
      "an empty one", "writes each image to a file first"}},
    {"cam1:FileTemplate",
     "",
     "%s%s_%4.4d.tif",
     {OPH_SEVERITY_ERROR, OPH_EINVAL, "det.cam.file_template", "Pilatus:cam1:FileTemplate_RBV",
      "a text", "an empty one", "writes each image to a file first"}},
    {"cam1:FilePath",
     "/proc/none/",
     DETECTOR_DISK "/raw/",
     {OPH_SEVERITY_ERROR, OPH_EFILE, "det.cam.file_path_exists", "Pilatus:cam1:FilePathExists_RBV",
      "the folder /proc/none/", "no such folder at the IOC", "mount it at the IOC"}},
};

static void test_cases(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(cases[i].name, cases[i].value);
        finds(det, &cases[i].wrong);
        put(cases[i].name, cases[i].back);
    }
    all_well(det, "with the former values");
}

/* What the settings will write counts for what the IOC has now. */
static const struct {
    const char *device, *key, *value, *back;
    struct wrong wrong;
} settings[] = {
    {"hdf1",
     "enable",
     "Disable",
     "Enable",
     {OPH_SEVERITY_ERROR, OPH_ESTATE, "det.hdf1.enable", "Pilatus:HDF1:EnableCallbacks_RBV",
      "Enable, since it is to write", "Disable, by the settings", "enable=1"}},
    {"roi1",
     "enable",
     "Disable",
     "Enable",
     {OPH_SEVERITY_ERROR, OPH_ESTATE, "det.roi1.enable", "Pilatus:ROI1:EnableCallbacks_RBV",
      "the frames of hdf1 come through it", "Disable, by the settings", "enable=1"}},
    {"roi1",
     "array_callbacks",
     "Disable",
     "Enable",
     {OPH_SEVERITY_ERROR, OPH_ESTATE, "det.roi1.array_callbacks", "Pilatus:ROI1:ArrayCallbacks_RBV",
      "the frames of hdf1 come through it", "Disable, by the settings", "array_callbacks=1"}},
    {"hdf1",
     "parent.cam.array_callbacks",
     "Disable",
     "Enable",
     {OPH_SEVERITY_ERROR, OPH_ESTATE, "det.cam.array_callbacks", "Pilatus:cam1:ArrayCallbacks_RBV",
      "the frames of hdf1 come through it", "Disable, by the settings", "array_callbacks=1"}},
    {"roi1",
     "blocking_callbacks",
     "Yes",
     "No",
     {OPH_SEVERITY_WARNING, OPH_ESTATE, "det.roi1.blocking_callbacks",
      "Pilatus:ROI1:BlockingCallbacks_RBV", "No", "Yes, by the settings",
      "the driver waits for this plugin"}},
    {"hdf1",
     "nd_array_port",
     "CC7",
     "ROI1",
     {OPH_SEVERITY_ERROR, OPH_ESTATE, "det.hdf1.nd_array_port", "Pilatus:HDF1:NDArrayPort_RBV",
      "the port of a device of this detector", "CC7, which none of them has, by the settings",
      "oph_missing_plugins"}},
};

static void set(oph_device *dev, const char *key, const char *value)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_settings_set(dev, key, value, &err), &err, key);
}

static void test_settings(void)
{
    oph_error err = OPH_ERROR_INIT;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        oph_device *dev = NULL;
        check_done(oph_device_child(det, settings[i].device, &dev, &err), &err, "its device");
        set(dev, settings[i].key, settings[i].value);
        finds(det, &settings[i].wrong);
        set(dev, settings[i].key, settings[i].back);
    }
    all_well(det, "with the former settings");
}

/* Staged, what the IOC has is what counts. */
static void test_staged(void)
{
    static const struct wrong disabled = {
        OPH_SEVERITY_ERROR, OPH_ESTATE, "det.roi1.enable", "Pilatus:ROI1:EnableCallbacks_RBV",
        "Enable",           "Disable",  "enable=1"};
    static const struct wrong vanished = {OPH_SEVERITY_ERROR,
                                          OPH_EFILE,
                                          "det.hdf1.file_path_exists",
                                          "Pilatus:HDF1:FilePathExists_RBV",
                                          "the folder /proc/none/",
                                          "no such folder at the IOC",
                                          "mount it"};
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_stage(det, NULL, &err), &err, "it is staged");
    all_well(det, "while it is staged");
    put("ROI1:EnableCallbacks", "Disable");
    finds(det, &disabled);
    put("ROI1:EnableCallbacks", "Enable");
    put("HDF1:FilePath", "/proc/none/");
    finds(det, &vanished);
    put("HDF1:FilePath", DETECTOR_DISK "/chain/");
    check_done(oph_unstage(det, NULL, &err), &err, "it is unstaged");
}

/* Frames that a plugin cannot take. */
static void test_queue(void)
{
    static const struct wrong full = {
        OPH_SEVERITY_WARNING, OPH_ESTATE, "det.image.queue_free", "Pilatus:image1:QueueFree",
        "room in the queue",  "0",        "stands still"};
    fault_set(d.probe, "PluginStuck", "image1");
    put("image1:QueueSize", "1");
    put("image1:EnableCallbacks", "Enable");
    put("image1:BlockingCallbacks", "No");
    put("cam1:ArrayCallbacks", "Enable");
    put("cam1:WaitForPlugins", "No");
    put("cam1:AcquireTime", "0.01");
    put("cam1:AcquirePeriod", "0.015");
    put("cam1:NumImages", "3");
    testOk(probe_put_complete(d.probe, "cam1:Acquire", "1", 10) == 0, "three frames are taken");
    testOk(probe_until(d.probe, "image1:QueueFree", "0", 5) == 0, "the queue is full");
    finds(det, &full);
    fault_set(d.probe, "PluginStuck", "");
    testOk(probe_until(d.probe, "image1:QueueFree", "1", 5) == 0, "the queue empties");
    all_well(det, "then");
}

static oph_device *new_device(const char *text, const char *name)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *dev = NULL;
    check_done(oph_class_parse(d.ctx, text, "validate.c", NULL, &err), &err, "the class is good");
    check_done(oph_device_new(d.ctx, name, "Pilatus:", "det", &dev, &err), &err, name);
    return dev;
}

/* Classes that do not fit the IOC. */
static void test_classes(void)
{
    static const struct wrong type = {OPH_SEVERITY_ERROR,     OPH_EMISMATCH,
                                      "det.hdf1.plugin_type", "Pilatus:Stats1:PluginType_RBV",
                                      "NDFileHDF5",           "NDPluginStats",
                                      "not with HDF5Plugin"};
    static const struct wrong absent = {
        OPH_SEVERITY_ERROR, OPH_EDISCONN,    "det.nexus1.port_name",  "Pilatus:Nexus1:PortName_RBV",
        "a connection",     "not connected", "nothing at this prefix"};
    static const struct wrong twice = {
        OPH_SEVERITY_ERROR,          OPH_EMISMATCH,       "det.again.port_name",
        "Pilatus:HDF1:PortName_RBV", "a port of its own", "FileHDF1, which is the port of hdf1 too",
        "Declare each plugin once"};
    oph_device *dev = new_device("class WrongType : DetectorBase\n"
                                 "dev cam  cam1:   PilatusDetectorCam\n"
                                 "dev roi1 ROI1:   PluginBase\n"
                                 "dev hdf1 Stats1: HDF5Plugin\n",
                                 "WrongType");
    finds(dev, &type);
    oph_device_free(dev);
    dev = new_device("class Absent : DetectorBase\n"
                     "dev cam    cam1:   PilatusDetectorCam\n"
                     "dev nexus1 Nexus1: PluginBase\n",
                     "Absent");
    finds(dev, &absent);
    oph_device_free(dev);
    dev = new_device("class Twice : DetectorBase\n"
                     "dev cam   cam1: PilatusDetectorCam\n"
                     "dev roi1  ROI1: PluginBase\n"
                     "dev hdf1  HDF1: HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n"
                     "dev again HDF1: PluginBase\n"
                     "stage roi1 array_callbacks=1\n",
                     "Twice");
    finds(dev, &twice);
    oph_device_free(dev);
}

/* A chain over a plugin that passes on what it likes. */
static void test_changer(void)
{
    static const struct wrong changer = {OPH_SEVERITY_WARNING,
                                         OPH_ESTATE,
                                         "det.cb1.plugin_type",
                                         "Pilatus:CB1:PluginType_RBV",
                                         "passes on one frame for each",
                                         "NDPluginCircularBuff",
                                         "how many frames the writer will get"};
    oph_device *dev = new_device("class Changer : SingleTrigger DetectorBase\n"
                                 "dev cam  cam1: PilatusDetectorCam\n"
                                 "dev cb1  CB1:  PluginBase\n"
                                 "dev hdf1 HDF1: HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n"
                                 "stage cb1  array_callbacks=1\n"
                                 "stage hdf1 nd_array_port=CB1\n",
                                 "Changer");
    finds(dev, &changer);
    oph_device_free(dev);
}

/* One that a trigger takes its frames out of is as it should be. */
static void test_buffer(void)
{
    oph_device *dev = new_device("class Buffered : ContinuousAcquisitionTrigger DetectorBase\n"
                                 "dev cam  cam1: PilatusDetectorCam\n"
                                 "dev cb   CB1:  CircularBuffPlugin\n"
                                 "dev hdf1 HDF1: HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n"
                                 "stage hdf1 nd_array_port=CB1\n",
                                 "Buffered");
    all_well(dev, "with a buffer");
    oph_device_free(dev);
}

/* Errors come first, and each is a line. */
static void test_several(void)
{
    oph_device *roi1 = NULL;
    oph_error err = OPH_ERROR_INIT;
    char *text = NULL;
    size_t size = 0;
    check_done(oph_device_child(det, "roi1", &roi1, &err), &err, "the region");
    set(roi1, "blocking_callbacks", "Yes");
    put("HDF1:MinCallbackTime", "0.5");
    oph_findings *findings = findings_of(roi1);
    testOk(oph_findings_count(findings) == 2 && !oph_findings_at(findings, 2) &&
               oph_findings_at(findings, 0)->severity == OPH_SEVERITY_ERROR &&
               oph_findings_at(findings, 1)->severity == OPH_SEVERITY_WARNING,
           "an error, and a warning of what comes before it");
    FILE *out = open_memstream(&text, &size);
    if (!out) testAbort("no memory");
    oph_findings_print(findings, out);
    fclose(out);
    const char *warning = strstr(text, "\nwarning: det.roi1.blocking_callbacks (Pilatus:");
    testOk(strncmp(text, "error: det.hdf1.min_callback_time (Pilatus:", 43) == 0 && warning &&
               strstr(warning, "wanted No, found Yes, by the settings. Stage it with") != NULL,
           "they are printed");
    testDiag("%s", text);
    free(text);
    oph_findings_free(findings);
    oph_findings_free(NULL);
    testOk(oph_findings_count(NULL) == 0 && !oph_findings_at(NULL, 0), "no list is an empty one");
    put("HDF1:MinCallbackTime", "0");
    set(roi1, "blocking_callbacks", "No");
}

/* A camera without files of its own. */
static void test_simdetector(void)
{
    static const char *const arguments[] = {"--class", "simdetector", "--prefix", "Pilatus:", NULL};
    oph_error err = OPH_ERROR_INIT;
    oph_device *dev = NULL;
    oph_graph *graph = NULL;
    char text[500];
    detector_start_ioc(&d, arguments);
    probe_is(d.probe, "cam1:PortName_RBV", "SIM1");
    check_done(oph_context_new(NULL, &d.ctx, &err), &err, "a context");
    int rc = oph_class_parse(d.ctx,
                             "class MySimDetector : SingleTrigger DetectorBase\n"
                             "dev cam   cam1:   CamBase\n"
                             "dev image image1: ImagePlugin\n"
                             "dev hdf1  HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n",
                             "validate.c", NULL, &err);
    if (!rc) rc = oph_device_new(d.ctx, "MySimDetector", "Pilatus:", "det", &dev, &err);
    check_done(rc, &err, "a simulated detector");
    all_well(dev, "with it");
    check_done(oph_graph_new(dev, OPH_DEFAULT, &graph, &err), &err, "its graph");
    oph_graph_text(graph, text, sizeof text);
    testOk(strncmp(text, "cam SIM1\n  image Image1", 23) == 0, "begins at its camera");
    oph_graph_free(graph);
    oph_device_free(dev);
    detector_end(&d);
}

int main(void)
{
    testPlan(0);
    detector_start(&d, NULL, NULL);
    all_well(d.cam, "with the reference detector");
    det = new_device(classes, "ChainDetector");
    test_chain();
    test_cases();
    test_settings();
    test_staged();
    test_classes();
    test_changer();
    test_buffer();
    test_several();
    test_queue();
    oph_device_free(det);
    detector_end(&d);
    test_simdetector();
    return testDone();
}
