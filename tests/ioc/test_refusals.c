/* What the PV cannot take is refused with a sentence, before anything is sent: by a put and by
 * stage. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>

static struct detector d;
static char long_path[301], long_text[41];

enum kind { INT, DOUBLE, TEXT };

/* Attributes of cam and hdf1 and what they refuse; `pv` is the PV that is named. */
static const struct {
    const char *device, *attr, *pv;
    enum kind kind;
    int64_t i;
    double f;
    const char *text;
    int code;
    const char *wanted, *found;
} cases[] = {
    {.device = "cam",
     .attr = "image_mode",
     .pv = "cam1:ImageMode",
     .kind = TEXT,
     .text = "Singel",
     .code = OPH_ERANGE,
     .wanted = "Singel",
     .found = "Single, Multiple, Continuous"},
    {.device = "cam",
     .attr = "image_mode",
     .pv = "cam1:ImageMode",
     .kind = INT,
     .i = 99,
     .code = OPH_ERANGE,
     .wanted = "99",
     .found = "indices 0 to 2"},
    {.device = "cam",
     .attr = "image_mode",
     .pv = "cam1:ImageMode",
     .kind = INT,
     .i = -1,
     .code = OPH_ERANGE,
     .wanted = "-1",
     .found = "indices 0 to 2"},
    {.device = "cam",
     .attr = "image_mode",
     .pv = "cam1:ImageMode",
     .kind = DOUBLE,
     .f = 1.0,
     .code = OPH_ETYPE,
     .wanted = "1",
     .found = "holds labels and whole numbers"},
    {.device = "hdf1",
     .attr = "file_path",
     .pv = "HDF1:FilePath",
     .kind = TEXT,
     .text = long_path,
     .code = OPH_ERANGE,
     .wanted = "/aaaa",
     .found = "300 characters, where the PV holds 254"},
    {.device = "hdf1",
     .attr = "file_name",
     .pv = "HDF1:FileName",
     .kind = TEXT,
     .text = long_path,
     .code = OPH_ERANGE,
     .wanted = "/aaaa",
     .found = "300 characters, where the PV holds 255"},
    {.device = "hdf1",
     .attr = "nd_array_port",
     .pv = "HDF1:NDArrayPort",
     .kind = TEXT,
     .text = long_text,
     .code = OPH_ERANGE,
     .wanted = "tttt",
     .found = "40 characters, where the PV holds 39"},
    {.device = "cam",
     .attr = "acquire_time",
     .pv = "cam1:AcquireTime",
     .kind = DOUBLE,
     .f = NAN,
     .code = OPH_ERANGE,
     .wanted = "nan",
     .found = "not finite"},
    {.device = "cam",
     .attr = "acquire_time",
     .pv = "cam1:AcquireTime",
     .kind = DOUBLE,
     .f = INFINITY,
     .code = OPH_ERANGE,
     .wanted = "inf",
     .found = "not finite"},
    {.device = "cam",
     .attr = "acquire_time",
     .pv = "cam1:AcquireTime",
     .kind = TEXT,
     .text = "0.1",
     .code = OPH_ETYPE,
     .wanted = "0.1",
     .found = "holds numbers"},
    {.device = "cam",
     .attr = "num_images",
     .pv = "cam1:NumImages",
     .kind = DOUBLE,
     .f = 1.5,
     .code = OPH_ETYPE,
     .wanted = "1.5",
     .found = "whole numbers"},
    {.device = "cam",
     .attr = "num_images",
     .pv = "cam1:NumImages",
     .kind = INT,
     .i = 3000000000,
     .code = OPH_ERANGE,
     .wanted = "3000000000",
     .found = "2147483647"},
    {.device = "cam",
     .attr = "num_images",
     .pv = "cam1:NumImages",
     .kind = TEXT,
     .text = "five",
     .code = OPH_ETYPE,
     .wanted = "five",
     .found = "whole numbers"},
    {.device = "hdf1",
     .attr = "num_captured",
     .pv = "HDF1:NumCaptured_RBV",
     .kind = INT,
     .i = 1,
     .code = OPH_EACCESS,
     .wanted = "1",
     .found = "read-only"},
    {.device = "cam",
     .attr = "acquire_tmie",
     .pv = NULL,
     .kind = DOUBLE,
     .f = 0.1,
     .code = OPH_ENOTFOUND,
     .wanted = "acquire_tmie",
     .found = "no such attribute"},
};
enum { CASES = sizeof cases / sizeof *cases };

static int put(oph_device *dev, int n, oph_error *err)
{
    if (cases[n].kind == INT) return oph_put(dev, cases[n].attr, cases[n].i, err);
    if (cases[n].kind == DOUBLE) return oph_put(dev, cases[n].attr, cases[n].f, err);
    return oph_put(dev, cases[n].attr, cases[n].text, err);
}

static int set(oph_device *dev, int n, oph_error *err)
{
    if (cases[n].kind == INT) return oph_settings_set(dev, cases[n].attr, cases[n].i, err);
    if (cases[n].kind == DOUBLE) return oph_settings_set(dev, cases[n].attr, cases[n].f, err);
    return oph_settings_set(dev, cases[n].attr, cases[n].text, err);
}

static void refused(int n, int rc, const oph_error *err)
{
    char device[64], pv[64] = "";
    if (cases[n].pv)
        snprintf(device, sizeof device, "det.%s.%s", cases[n].device, cases[n].attr);
    else
        snprintf(device, sizeof device, "det.%s", cases[n].device);
    if (cases[n].pv) snprintf(pv, sizeof pv, "Pilatus:%s", cases[n].pv);
    check_refused(rc, err, cases[n].code, device, pv, cases[n].wanted, cases[n].found);
}

/* A setting is refused when it is set, or else when it is staged; the list is as before after it.
 */
static void stage_with(oph_device *dev, int n)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    char before[2048], after[2048];
    oph_settings_text(dev, before, sizeof before);
    int rc = set(dev, n, &err);
    if (rc) {
        refused(n, rc, &err);
        oph_settings_text(dev, after, sizeof after);
        testOk(strcmp(before, after) == 0, "the list of settings is as before");
        return;
    }
    refused(n, oph_stage(d.det, &report, &err), &err);
    const oph_error *first = oph_report_at(report, 0);
    testOk(oph_report_count(report) == 1 && strcmp(first->text, err.text) == 0,
           "the report has that, and nothing more");
    oph_report_free(report);
}

/* Each with a device of its own, whose lists are as new. */
static void one_case(int n)
{
    oph_error err = OPH_ERROR_INIT;
    detector_make(&d);
    oph_device *dev = strcmp(cases[n].device, "cam") == 0 ? d.cam : d.hdf1;
    refused(n, put(dev, n, &err), &err);
    stage_with(dev, n);
}

/* All that is wrong, not only the first. */
static void several_at_once(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    detector_make(&d);
    int rc = oph_settings_set(d.cam, "image_mode", "Singel", &err);
    if (!rc) rc = oph_settings_set(d.cam, "acquire_time", NAN, &err);
    if (!rc) rc = oph_settings_set(d.hdf1, "file_name", long_path, &err);
    check_done(rc, &err, "three wrong settings are in the lists");
    check_refused(oph_stage(d.det, &report, &err), &err, OPH_ERANGE, "det.cam.image_mode",
                  "Pilatus:cam1:ImageMode", "Singel", "labels");
    testOk(oph_report_count(report) == 3, "three mistakes, three in the report: %zu",
           oph_report_count(report));
    oph_report_free(report);
    detector_make(&d);
}

/* A row whose record this IOC does not have. */
static void absent(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *dev = NULL;
    const char *text = "class OddCam : PilatusDetectorCam\nrow odd Odd rbv int config\n"
                       "class OddDetector : SingleTrigger DetectorBase\ndev cam cam1: OddCam\n";
    int rc = oph_class_parse(d.ctx, text, "odd.c", NULL, &err);
    if (!rc) rc = oph_device_new(d.ctx, "OddDetector", "Pilatus:", "odd", &dev, &err);
    check_done(rc, &err, "a class with a record that the IOC lacks");
    rc = oph_put(dev, "cam.odd", 1, &err);
    check_refused(rc, &err, OPH_EDISCONN, "odd.cam.odd", "Pilatus:cam1:Odd", "a connection",
                  "not connected");
    testOk(err.waited > 1.9 && err.waited < 3.5, "it waited %.2f s", err.waited);
    check_done(oph_settings_set(dev, "cam.odd", 1, &err), &err, "it can be in a list");
    oph_report *report = NULL;
    rc = oph_stage(dev, &report, &err);
    check_refused(rc, &err, OPH_EDISCONN, "odd.cam.odd", "Pilatus:cam1:Odd", "a connection",
                  "not connected");
    testOk(oph_report_count(report) == 2, "the report has setpoint and readback: %zu",
           oph_report_count(report));
    oph_report_free(report);
    oph_device_free(dev);
}

/* A plugin alone has no camera whose callbacks it could stage. */
static void without_parent(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *image = NULL;
    check_done(oph_device_new(d.ctx, "ImagePlugin", "Pilatus:image1:", "image", &image, &err), &err,
               "an image plugin alone");
    check_refused(oph_stage(image, NULL, &err), &err, OPH_ENOTFOUND, "image", NULL,
                  "parent.cam.array_callbacks", "no such attribute");
    check_done(oph_settings_delete(image, "parent.cam.array_callbacks", &err), &err,
               "it is told to leave the camera alone");
    check_done(oph_stage(image, NULL, &err), &err, "then it can be staged");
    check_refused(oph_trigger(image, NULL, &err), &err, OPH_EINVAL, "image", NULL, "to trigger",
                  "no trigger");
    check_done(oph_unstage(image, NULL, &err), &err, "and unstaged");
    oph_device_free(image);
}

static const char *const watched[] = {
    "cam1:ImageMode",      "cam1:AcquireTime", "cam1:NumImages",         "cam1:AcquirePeriod",
    "cam1:Acquire",        "HDF1:FilePath",    "HDF1:FileName",          "HDF1:NDArrayPort",
    "HDF1:Capture",        "HDF1:FileNumber",  "HDF1:EnableCallbacks",   "HDF1:CreateDirectory",
    "cam1:WaitForPlugins", "HDF1:Compression", "image1:EnableCallbacks",
};

int main(void)
{
    const oph_context_options quick = {.size = sizeof quick, .connect_timeout = 2};
    testPlan(0);
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[0] = '/';
    memset(long_text, 't', sizeof long_text - 1);
    detector_start(&d, NULL, &quick);
    testOk(probe_watch(d.probe, watched, sizeof watched / sizeof *watched) == 0,
           "a witness watches");
    int mark = probe_mark(d.probe);
    for (int n = 0; n < CASES; n++)
        one_case(n);
    several_at_once();
    absent();
    detector_unchanged(&d, "all these refusals");
    testOk(probe_mark(d.probe) == mark, "and nothing was sent");
    probe_tell(d.probe, mark);
    without_parent();
    detector_works(&d, "after them");
    detector_end(&d);
    return testDone();
}
