/* What a new device would stage, as the reference page shows it; and that making one needs no IOC.
 */
#include "lib/detector.h"

#include <dirent.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static void list_is(oph_device *dev, const char *child, const char *wanted)
{
    oph_error err = OPH_ERROR_INIT;
    char text[2048] = "";
    int rc = child ? oph_device_child(dev, child, &dev, &err) : 0;
    if (!rc) oph_settings_text(dev, text, sizeof text);
    testOk(!rc && strcmp(text, wanted) == 0, "%s: %s", rc ? child : oph_device_path(dev), text);
    if (strcmp(text, wanted) != 0) testDiag("wanted %s", wanted);
}

static oph_device *make(oph_context *ctx, const char *classes)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *det = NULL;
    check_done(oph_device_new(ctx, classes, "Pilatus:", "det", &det, &err), &err, classes);
    if (!det) testAbort("no device");
    return det;
}

static void detectors(oph_context *ctx)
{
    oph_device *alone = make(ctx, "PilatusDetector");
    list_is(alone, NULL, "OrderedDict()");
    list_is(alone, "cam", "OrderedDict()");
    oph_device_free(alone);
    oph_device *single = make(ctx, "SingleTrigger PilatusDetector");
    list_is(single, NULL, "OrderedDict([('cam.acquire', 0), ('cam.image_mode', 1)])");
    list_is(single, "cam", "OrderedDict()");
    oph_device_free(single);
    oph_device *turned = make(ctx, "PilatusDetector SingleTrigger");
    list_is(turned, NULL, "OrderedDict([('cam.acquire', 0), ('cam.image_mode', 1)])");
    oph_device_free(turned);
}

static void plugins(oph_context *ctx)
{
    oph_device *det = make(ctx, "MyPilatusDetector");
    list_is(det, NULL, "OrderedDict([('cam.acquire', 0), ('cam.image_mode', 1)])");
    list_is(det, "cam", "OrderedDict()");
    list_is(det, "image",
            "OrderedDict([('enable', 1), "
            "('blocking_callbacks', 'No'), "
            "('parent.cam.array_callbacks', 1)])");
    list_is(det, "hdf1",
            "OrderedDict([('enable', 1), "
            "('blocking_callbacks', 'No'), "
            "('parent.cam.array_callbacks', 1), "
            "('auto_increment', 'Yes'), "
            "('array_counter', 0), "
            "('auto_save', 'Yes'), "
            "('num_capture', 0), "
            "('file_template', '%s%s_%6.6d.h5'), "
            "('file_write_mode', 'Stream'), "
            "('capture', 1)])");
    oph_device_free(det);
    oph_device *image = make(ctx, "ImagePlugin");
    list_is(image, NULL,
            "OrderedDict([('enable', 1), "
            "('blocking_callbacks', 'No'), "
            "('parent.cam.array_callbacks', 1)])");
    oph_device_free(image);
}

/* The reference page's own settings, and what becomes of the order. */
static void users_settings(oph_context *ctx)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *det = make(ctx, "MyPilatusDetector"), *hdf1 = NULL, *cam = NULL;
    int rc = oph_device_child(det, "hdf1", &hdf1, &err);
    if (!rc) rc = oph_device_child(det, "cam", &cam, &err);
    if (!rc) rc = oph_settings_set(cam, "image_mode", "Single", &err);
    if (!rc) rc = oph_settings_set(cam, "num_images", 1, &err);
    if (!rc) rc = oph_settings_set(cam, "acquire_time", 0.1, &err);
    if (!rc) rc = oph_settings_set(cam, "acquire_period", 0.105, &err);
    if (!rc) rc = oph_settings_set(cam, "wait_for_plugins", "Yes", &err);
    if (!rc) rc = oph_settings_set(hdf1, "lazy_open", 1, &err);
    if (!rc) rc = oph_settings_set(hdf1, "compression", "LZ4", &err);
    if (!rc) rc = oph_settings_set(hdf1, "file_template", "%s%s_%3.3d.h5", &err);
    if (!rc) rc = oph_settings_move(hdf1, "capture", NULL, &err);
    check_done(rc, &err, "the page's settings are taken");
    list_is(det, "cam",
            "OrderedDict([('image_mode', 'Single'), "
            "('num_images', 1), "
            "('acquire_time', 0.1), "
            "('acquire_period', 0.105), "
            "('wait_for_plugins', 'Yes')])");
    list_is(det, "hdf1",
            "OrderedDict([('enable', 1), "
            "('blocking_callbacks', 'No'), "
            "('parent.cam.array_callbacks', 1), "
            "('auto_increment', 'Yes'), "
            "('array_counter', 0), "
            "('auto_save', 'Yes'), "
            "('num_capture', 0), "
            "('file_template', '%s%s_%3.3d.h5'), "
            "('file_write_mode', 'Stream'), "
            "('lazy_open', 1), "
            "('compression', 'LZ4'), "
            "('capture', 1)])");
    oph_device_free(det);
}

/* Sockets and all other descriptors of this process. */
static int descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    if (!dir) testAbort("no /proc");
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void refused_options(void)
{
    const oph_context_options negative = {.size = sizeof negative, .grace = -1};
    const oph_context_options unsized = {.put_timeout = 1};
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = NULL;
    testOk(oph_context_new(&negative, &ctx, &err) == OPH_EINVAL && !ctx, "%s", err.text);
    testOk(oph_context_new(&unsized, &ctx, &err) == OPH_EINVAL && !ctx, "%s", err.text);
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = NULL;
    testPlan(0);
    setenv("EPICS_CA_NAME_SERVERS", "127.0.0.1:9", 1);
    setenv("EPICS_CA_ADDR_LIST", "", 1);
    setenv("EPICS_CA_AUTO_ADDR_LIST", "NO", 1);
    refused_options();
    check_done(oph_context_new(NULL, &ctx, &err), &err, "a context is made without an IOC");
    detector_add_class(ctx);
    int before = descriptors();
    detectors(ctx);
    plugins(ctx);
    users_settings(ctx);
    testOk(descriptors() == before, "making devices opened no socket");
    oph_context_free(ctx);
    return testDone();
}
