/* core/settings: each device's ordered list, and what may be in it. */
#include "core/device.h"
#include "lib/fake_link.h"

#include <cophyd/settings.h>
#include <epicsUnitTest.h>
#include <string.h>

static const char classes[] = "class Cam\n"
                              "row acquire      Acquire     start enum  normal\n"
                              "row image_mode   ImageMode   rbv   enum  config\n"
                              "row num_images   NumImages   rbv   int   config\n"
                              "row acquire_time AcquireTime rbv   float config\n"
                              "row name         Name        rw    text  config\n"
                              "row size.x       SizeX       rw    int   config\n"
                              "row counter      Counter_RBV ro    int   normal\n"
                              "class Plugin\n"
                              "row enable       Enable      rbv   enum  config\n"
                              "class Det\n"
                              "dev cam cam1: Cam\n"
                              "dev hdf1 HDF1: Plugin\n"
                              "stage . cam.acquire=0 cam.image_mode=1\n"
                              "stage cam num_images=2\n"
                              "stage hdf1 enable=1 parent.cam.name=\"a b\"\n";

static int order_is(oph_device *dev, const char *wanted)
{
    char keys[400] = "";
    for (size_t i = 0; i < oph_settings_count(dev); i++) {
        size_t n = strlen(keys);
        snprintf(keys + n, sizeof keys - n, "%s%s", i ? " " : "", oph_settings_key_at(dev, i));
    }
    int same = !strcmp(keys, wanted);
    testOk(same, "order: %s", wanted);
    if (!same) testDiag("found %s", keys);
    return same;
}

static void text_is(oph_device *dev, const char *wanted)
{
    char text[400];
    size_t length = oph_settings_text(dev, text, sizeof text);
    testOk(!strcmp(text, wanted) && length == strlen(wanted), "%s", wanted);
    if (strcmp(text, wanted) != 0) testDiag("found %s", text);
}

static void test_defaults(oph_device *det)
{
    oph_device *cam = NULL, *hdf = NULL;
    oph_device_child(det, "cam", &cam, NULL);
    oph_device_child(det, "hdf1", &hdf, NULL);
    text_is(det, "OrderedDict([('cam.acquire', 0), ('cam.image_mode', 1)])");
    text_is(cam, "OrderedDict([('num_images', 2)])");
    text_is(hdf, "OrderedDict([('enable', 1), ('parent.cam.name', 'a b')])");
    testOk1(!strcmp(oph_settings_value(cam, "num_images"), "2"));
    testOk1(!oph_settings_value(cam, "acquire_time") && !oph_settings_key_at(cam, 1));
}

static void test_order(oph_device *cam)
{
    oph_error err = OPH_ERROR_INIT;
    oph_settings_clear(cam);
    text_is(cam, "OrderedDict()");
    fake_code(oph_settings_set(cam, "image_mode", 1, &err), 0, &err, "set");
    oph_settings_set(cam, "acquire_time", 0.1, &err);
    oph_settings_set(cam, "name", "x", &err);
    oph_settings_set(cam, "size.x", (unsigned short)7, &err);
    order_is(cam, "image_mode acquire_time name size.x");
    fake_code(oph_settings_set(cam, "acquire_time", 1, &err), 0, &err, "a known key");
    order_is(cam, "image_mode acquire_time name size.x");
    testOk1(!strcmp(oph_settings_value(cam, "acquire_time"), "1"));
    fake_code(oph_settings_delete(cam, "acquire_time", &err), 0, &err, "delete");
    order_is(cam, "image_mode name size.x");
    oph_settings_set(cam, "acquire_time", 1e-9, &err);
    order_is(cam, "image_mode name size.x acquire_time");
    fake_code(oph_settings_move(cam, "acquire_time", "name", &err), 0, &err, "move back");
    order_is(cam, "image_mode acquire_time name size.x");
    oph_settings_move(cam, "image_mode", "size.x", &err);
    order_is(cam, "acquire_time name image_mode size.x");
    oph_settings_move(cam, "name", NULL, &err);
    order_is(cam, "acquire_time image_mode size.x name");
    oph_settings_move(cam, "name", "name", &err);
    order_is(cam, "acquire_time image_mode size.x name");
    oph_settings_move(cam, "acquire_time", "acquire_time", &err);
    order_is(cam, "acquire_time image_mode size.x name");
    text_is(cam, "OrderedDict([('acquire_time', 1e-09), ('image_mode', 1), ('size.x', 7), "
                 "('name', 'x')])");
}

static void test_refusals(oph_device *det, oph_device *cam)
{
    oph_error err = OPH_ERROR_INIT;
    char before[400], after[400];
    oph_settings_text(cam, before, sizeof before);
    fake_code(oph_settings_set(cam, "acquire_tme", 1, &err), OPH_ENOTFOUND, &err, "a mistyped key");
    testOk1(strstr(err.text, "det.cam") && strstr(err.text, "acquire_tme"));
    fake_code(oph_settings_set(cam, "", 1, &err), OPH_ENOTFOUND, &err, "no key");
    fake_code(oph_settings_set(det, "cam", 1, &err), OPH_ENOTFOUND, &err, "a device");
    fake_code(oph_settings_set(cam, "counter", 1, &err), OPH_EACCESS, &err, "a read-only one");
    testOk1(strstr(err.text, "X:cam1:Counter_RBV") != NULL);
    fake_code(oph_settings_set(cam, "name", (const char *)NULL, &err), OPH_EINVAL, &err, "NULL");
    fake_code(oph_settings_delete(cam, "num_images", &err), OPH_ENOTFOUND, &err,
              "delete what is not");
    fake_code(oph_settings_move(cam, "num_images", NULL, &err), OPH_ENOTFOUND, &err, "move it");
    fake_code(oph_settings_move(cam, "name", "num_images", &err), OPH_ENOTFOUND, &err, "before it");
    oph_settings_text(cam, after, sizeof after);
    testOk(!strcmp(before, after), "nothing of it changed the list");
}

static void test_paths(oph_device *det, oph_device *cam)
{
    oph_error err = OPH_ERROR_INIT;
    oph_settings_clear(cam);
    fake_code(oph_settings_set(cam, "parent.hdf1.enable", 0, &err), 0, &err, "through the parent");
    fake_code(oph_settings_set(det, "hdf1.parent.cam.num_images", 3, &err), 0, &err, "down and up");
    fake_code(oph_settings_set(det, "parent.cam.num_images", 3, &err), OPH_ENOTFOUND, &err,
              "above the root");
    testOk(fake_opened() == 0, "no link was opened for any of it");
}

static void test_text_room(oph_device *cam)
{
    char small[20] = "";
    oph_settings_clear(cam);
    oph_settings_set(cam, "name", "a name of some length", NULL);
    size_t length = oph_settings_text(cam, NULL, 0);
    testOk1(length == strlen("OrderedDict([('name', 'a name of some length')])"));
    testOk1(oph_settings_text(cam, small, sizeof small) == length);
    testOk(!strcmp(small, "OrderedDict([([cut]"), "a text that was cut says so: %s", small);
    oph_settings_set(cam, "name", "it's \\", NULL);
    text_is(cam, "OrderedDict([('name', \"it's \\\\\")])");
}

int main(void)
{
    testPlan(0);
    fake_begin();
    oph_context *ctx = fake_context(classes, NULL);
    oph_device *det = NULL, *cam = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_device_new(ctx, "Det", "X:", "det", &det, &err) ||
        oph_device_child(det, "cam", &cam, &err))
        testAbort("%s", err.text);
    test_defaults(det);
    test_order(cam);
    test_refusals(det, cam);
    test_paths(det, cam);
    test_text_room(cam);
    oph_device_free(det);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
