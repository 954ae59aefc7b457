/* core/device and core/signal: names, paths, what is found and what is not, and who lives how long.
 */
#include "core/device.h"
#include "base/str.h"
#include "lib/fake_link.h"

#include <epicsUnitTest.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char classes[] = "class Cam\n"
                              "row acquire      Acquire     start enum  normal\n"
                              "row acquire_time AcquireTime rbv   float config - \"Exposure\"\n"
                              "row size.x       SizeX       rw    int   config\n"
                              "row counter      Counter_RBV ro    int   normal\n"
                              "row model        Model_RBV   ro    text  config\n"
                              "row path         Path        path  text  config\n"
                              "class Roi\n"
                              "row x0 X0 rw int normal\n"
                              "class Stack\n"
                              "dev roi1 1: Roi\n"
                              "class Det\n"
                              "dev cam  cam1: Cam\n"
                              "dev rois ROI:  Stack\n"
                              "row total Total rw int normal\n"
                              "class Long\n"
                              "row a A_suffix_of_some_length_that_fits rbv int normal\n"
                              "class Releases\n"
                              "row ad_core_version ADCoreVersion_RBV ro text config\n"
                              "row mode OldMode rw int normal\n"
                              "row mode NewMode rw int normal 3.4\n"
                              "row same Same rw int normal\n"
                              "row fresh Fresh rw int normal 3.4\n"
                              "row stale Stale rw int normal\n"
                              "row stale - gone 3.4\n"
                              "stage . mode=2 same=3\n";

static oph_device *new_device(oph_context *ctx, const char *class_name, const char *prefix)
{
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_device_new(ctx, class_name, prefix, "det", &dev, &err)) testAbort("%s", err.text);
    return dev;
}

static void is(const char *found, const char *wanted)
{
    testOk(oph__equal(found, wanted), "%s", wanted ? wanted : "NULL");
    if (!oph__equal(found, wanted)) testDiag("found %s", found ? found : "NULL");
}

static void test_names(oph_device *det)
{
    oph_device *cam = NULL, *roi = NULL, *up = NULL;
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_device_child(det, "cam", &cam, &err), 0, &err, "a child");
    fake_code(oph_device_child(det, "rois.roi1", &roi, &err), 0, &err, "a child's child");
    is(oph_device_name(det), "det");
    is(oph_device_path(det), "det");
    is(oph_device_attr(det), "det");
    is(oph_device_prefix(det), "X:");
    is(oph_device_name(roi), "det_rois_roi1");
    is(oph_device_path(roi), "det.rois.roi1");
    is(oph_device_attr(roi), "roi1");
    is(oph_device_prefix(roi), "X:ROI:1:");
    is(oph_device_class(det), "Det");
    is(oph_device_class(roi), "Roi");
    testOk1(oph_device_parent(cam) == det && !oph_device_parent(det));
    testOk1(oph_device_child_count(det) == 2 && oph_device_child_at(det, 0) == cam &&
            !oph_device_child_at(det, 2));
    testOk1(oph_device_child(roi, "parent.parent.cam", &up, NULL) == 0 && up == cam);
    testOk1(oph_device_is(cam, "Cam") == 1 && oph_device_is(cam, "Roi") == 0);
    testOk1(oph_device_attr_count(cam) == 6);
    is(oph_device_attr_at(cam, 2), "size.x");
    testOk1(!oph_device_attr_at(cam, 6));
    fake_code(oph_device_child(det, "cam2", &up, &err), OPH_ENOTFOUND, &err, "no such child");
    fake_code(oph_device_child(det, "cam.acquire", &up, &err), OPH_ENOTFOUND, &err, "an attribute");
    fake_code(oph_device_child(det, "", &up, &err), OPH_ENOTFOUND, &err, "no path");
    fake_code(oph_device_child(det, "parent", &up, &err), OPH_ENOTFOUND, &err, "above the root");
    oph_device_free(cam);
    testOk(oph_device_state(cam) == OPH_STATE_IDLE, "a child is not freed");
}

static void test_signals(oph_device *det)
{
    oph_signal *sig = NULL, *same = NULL;
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_signal_find(det, "cam.acquire_time", &sig, &err), 0, &err, "a signal");
    is(oph_signal_path(sig), "det.cam.acquire_time");
    is(oph_signal_pv(sig), "X:cam1:AcquireTime");
    is(oph_signal_readback_pv(sig), "X:cam1:AcquireTime_RBV");
    is(oph_signal_doc(sig), "Exposure");
    oph_row row;
    oph_signal_row(sig, &row);
    is(row.attr, "acquire_time");
    testOk1(row.how == OPH_HOW_RBV && row.type == OPH_ROW_FLOAT);
    testOk1(oph_signal_find(det, "rois.roi1.parent.parent.cam.acquire_time", &same, NULL) == 0 &&
            same == sig);
    testOk1(oph_signal_find(det, "cam.size.x", &sig, NULL) == 0);
    is(oph_signal_readback_pv(sig), "X:cam1:SizeX");
    testOk1(oph_signal_find(det, "cam.counter", &sig, NULL) == 0);
    is(oph_signal_pv(sig), "X:cam1:Counter_RBV");
    fake_code(oph_signal_find(det, "cam.size", &sig, &err), OPH_ENOTFOUND, &err, "half a name");
    fake_code(oph_signal_find(det, "cam", &sig, &err), OPH_ENOTFOUND, &err, "a device");
    testOk1(strstr(err.text, "det.cam") && strstr(err.text, "no attribute"));
    fake_code(oph_signal_find(det, "cam.aquire_time", &sig, &err), OPH_ENOTFOUND, &err, "a slip");
    testOk(strstr(err.text, "; the nearest is acquire_time") != NULL, "%s", err.text);
    fake_code(oph_signal_find(det, "cm.acquire_time", &sig, &err), OPH_ENOTFOUND, &err, "a slip");
    testOk(strstr(err.text, "; the nearest is cam.acquire_time") != NULL, "%s", err.text);
    fake_code(oph_signal_find(det, "cam.", &sig, &err), OPH_ENOTFOUND, &err, "a dot too many");
    fake_code(oph_signal_find(det, "parent.x", &sig, &err), OPH_ENOTFOUND, &err, "above the root");
}

static void test_refusals(oph_context *ctx)
{
    oph_device *dev = NULL;
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    char prefix[61] = "P123456789012345678901234:";
    fake_code(oph_device_new(ctx, "Dett", "X:", "det", &dev, &err), OPH_ENOTFOUND, &err, "a class");
    testOk1(strstr(err.text, "Det") != NULL);
    fake_code(oph_device_new(ctx, "Det", "X:", "", &dev, &err), OPH_EINVAL, &err, "no name");
    fake_code(oph_device_new(ctx, NULL, "X:", "det", &dev, &err), OPH_EINVAL, &err, "no class");
    fake_code(oph_device_new(ctx, "Det", NULL, "det", &dev, &err), OPH_EINVAL, &err, "no prefix");
    testOk(!dev, "what is returned is untouched");
    dev = new_device(ctx, "Long", prefix);
    fake_code(oph_signal_find(dev, "a", &sig, &err), OPH_ERANGE, &err,
              "a PV name that is too long");
    testOk(strstr(err.text, "60 characters") && strstr(err.text, "_RBV"), "%s", err.text);
    oph_device_free(dev);
    prefix[strlen(prefix) - 3] = '\0';
    dev = new_device(ctx, "Long", prefix);
    testOk1(oph_signal_find(dev, "a", &sig, NULL) == 0 &&
            strlen(oph_signal_readback_pv(sig)) <= 60);
    oph_device_free(dev);
}

static void add_pvs(void)
{
    fake_pv("X:cam1:AcquireTime", OPH_FLOAT64, 1, "", "0.5");
    fake_pv("X:cam1:AcquireTime_RBV", OPH_FLOAT64, 1, "", "0.5");
    fake_pv("X:cam1:Acquire", OPH_ENUM, 1, "Done,Acquire", "0");
    fake_pv("X:cam1:Acquire_RBV", OPH_ENUM, 1, "Done,Acquire", "0");
    fake_pv("X:cam1:SizeX", OPH_INT32, 1, "", "487");
    fake_pv("X:cam1:Model_RBV", OPH_TEXT, 1, "", "Pilatus");
    fake_pv("X:cam1:Path", OPH_UINT8, 256, "", "/tmp");
    fake_pv("X:cam1:Path_RBV", OPH_UINT8, 256, "", "/tmp/");
    fake_rule("X:cam1:Path", FAKE_PATH);
}

static void test_get(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    int64_t i = 0;
    double d = 0;
    char text[20], five[5] = "kept";
    testOk1(oph_get_double(det, "cam.acquire_time", &d, NULL) == 0 && d == 0.5);
    testOk1(oph_get_int(det, "cam.size.x", &i, NULL) == 0 && i == 487);
    testOk1(oph_get_text(det, "cam.model", text, sizeof text, NULL) == 0);
    is(text, "Pilatus");
    oph_get_text(det, "cam.acquire", text, sizeof text, NULL);
    is(text, "Done");
    oph_get_text(det, "cam.acquire_time", text, sizeof text, NULL);
    is(text, "0.5");
    oph_get_text(det, "cam.path", text, sizeof text, NULL);
    is(text, "/tmp/");
    fake_code(oph_get_int(det, "cam.acquire_time", &i, &err), OPH_ETYPE, &err, "0.5 as an integer");
    fake_code(oph_get_double(det, "cam.model", &d, &err), OPH_ETYPE, &err, "text as a number");
    fake_code(oph_get_int(det, "cam.path", &i, &err), OPH_ETYPE, &err, "a path as a number");
    fake_code(oph_get_text(det, "cam.model", five, sizeof five, &err), OPH_ERANGE, &err, "5 bytes");
    is(five, "kept");
    fake_code(oph_get_int(det, "rois.roi1.x0", &i, &err), OPH_EDISCONN, &err, "a PV that is not");
    testOk1(strstr(err.text, "det.rois.roi1.x0 (X:ROI:1:X0)") && err.waited > 0.1);
    testOk(i == 487 && d == 0.5, "what failed changed nothing");
}

static void test_put(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    fake_forget_puts();
    fake_code(oph_put(det, "cam.acquire_time", 0.1, &err), 0, &err, "a float");
    fake_code(oph_put(det, "cam.acquire", "Acquire", &err), 0, &err, "a label");
    fake_code(oph_put(det, "cam.path", "/data", &err), 0, &err, "a path");
    is(fake_puts(), "X:cam1:AcquireTime=0.1 X:cam1:Acquire~1 X:cam1:Path=/data");
    fake_forget_puts();
    fake_code(oph_put(det, "cam.counter", 1, &err), OPH_EACCESS, &err, "a read-only attribute");
    fake_code(oph_put(det, "cam.acquire", "Go", &err), OPH_ERANGE, &err, "an unknown label");
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_put(det, "cam.path", (const char *)NULL, &err), OPH_EINVAL, &err, "NULL");
    is(fake_puts(), "");
    fake_rule("X:cam1:AcquireTime", FAKE_IGNORE);
    fake_code(oph_put(det, "cam.acquire_time", 0.2, &err), OPH_EMISMATCH, &err,
              "a readback that stays");
    testOk(strstr(err.text, "wanted 0.2, found 0.1") != NULL, "%s", err.text);
    fake_rule("X:cam1:AcquireTime", FAKE_REFUSE);
    fake_code(oph_put(det, "cam.acquire_time", 0.3, &err), OPH_EPUT, &err, "a refusal");
    fake_rule("X:cam1:AcquireTime", FAKE_WITHHOLD);
    fake_code(oph_put(det, "cam.acquire_time", 0.3, &err), OPH_ETIMEOUT, &err, "no completion");
    fake_rule("X:cam1:AcquireTime", FAKE_FOLLOW);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_put(det, "cam.acquire_time", 0.4, &err), 0, &err, "the channel still works");
    fake_down("X:cam1:AcquireTime");
    fake_code(oph_put(det, "cam.acquire_time", 0.5, &err), OPH_EDISCONN, &err, "a PV that is down");
    fake_up("X:cam1:AcquireTime");
}

/* The first to open a PV may be several threads at once. */
static void *get_first(void *arg)
{
    int64_t i;
    oph_error err = OPH_ERROR_INIT;
    if (oph_get_int(arg, "cam.size.x", &i, &err)) testDiag("%s", err.text);
    return err.code ? arg : NULL;
}

static void test_first_use(oph_context *ctx)
{
    int failed = 0, ups = 0;
    for (int round = 0; round < 200; round++) {
        oph_device *det = new_device(ctx, "Det", "X:");
        pthread_t threads[4];
        oph_signal *sig;
        for (int i = 0; i < 4; i++)
            pthread_create(&threads[i], NULL, get_first, det);
        for (int i = 0; i < 4; i++) {
            void *bad = NULL;
            pthread_join(threads[i], &bad);
            failed += bad != NULL;
        }
        ups += oph_signal_find(det, "cam.size.x", &sig, NULL) == 0 ? (int)oph__pv_ups(sig->set) : 0;
        oph_device_free(det);
    }
    testOk(failed == 0, "four threads use a PV for the first time: %d of 800 failed", failed);
    testOk(ups == 200, "it has come up once: %d of 200", ups);
}

/* An IOC of another release than the newest. */
static void test_releases(oph_context *ctx)
{
    static const char *const names[] = {"R:OldMode", "R:NewMode", "R:Same", "R:Fresh", "R:Stale"};
    for (size_t i = 0; i < 5; i++)
        fake_pv(names[i], OPH_INT32, 1, "", "0");
    fake_pv("R:ADCoreVersion_RBV", OPH_TEXT, 1, "", "3.3.2");
    oph_device *dev = new_device(ctx, "Releases", "R:");
    oph_signal *sig = NULL, *before = NULL;
    oph_error err = OPH_ERROR_INIT;
    testOk1(oph_signal_find(dev, "mode", &sig, NULL) == 0);
    testOk1(oph_signal_find(dev, "same", &before, NULL) == 0);
    is(oph_signal_pv(sig), "R:NewMode");
    fake_code(oph_signal_find(dev, "stale", &sig, &err), OPH_EABSENT, &err,
              "what the newest lacks");
    testOk(strstr(err.text, "gone since 3.4") != NULL, "%s", err.text);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_connect(dev, OPH_DEFAULT, NULL, &err), 0, &err, "connect to release 3.3");
    testOk1(oph_signal_find(dev, "mode", &sig, NULL) == 0);
    is(oph_signal_pv(sig), "R:OldMode");
    testOk1(oph_signal_find(dev, "same", &sig, NULL) == 0 && sig == before);
    testOk1(oph_signal_find(dev, "stale", &sig, NULL) == 0);
    fake_code(oph_signal_find(dev, "fresh", &sig, &err), OPH_EABSENT, &err, "what 3.3 lacks");
    testOk(strstr(err.text, "exists since 3.4") != NULL, "%s", err.text);
    oph_device_free(dev);
}

static void test_fork(oph_context *ctx, oph_device *det)
{
    pid_t child = fork();
    if (child == 0) {
        int64_t i;
        oph_error err = OPH_ERROR_INIT;
        alarm(10);
        int bad = oph_get_int(det, "cam.size.x", &i, &err) != OPH_EFORK;
        bad |= (oph_connect(det, OPH_DEFAULT, NULL, &err) != OPH_EFORK) << 1;
        bad |= (oph_device_state(det) != OPH_STATE_IDLE) << 2;
        oph_device_free(det);
        oph_context_free(ctx);
        _exit(bad);
    }
    int status = -1;
    waitpid(child, &status, 0);
    testOk(status == 0, "a forked child gets OPH_EFORK, and frees without hanging: status %d",
           status);
    int64_t i = 0;
    testOk(oph_get_int(det, "cam.size.x", &i, NULL) == 0 && i == 487, "the parent goes on");
}

int main(void)
{
    testPlan(0);
    fake_begin();
    add_pvs();
    oph_context *ctx = fake_context(classes, NULL);
    oph_device *det = new_device(ctx, "Det", "X:"), *other = new_device(ctx, "Det", "X:");
    test_names(det);
    test_signals(det);
    test_refusals(ctx);
    testOk(fake_opened() == 0, "none of it opened a link");
    test_get(det);
    test_put(det);
    test_first_use(ctx);
    test_releases(ctx);
    test_fork(ctx, det);
    testOk(fake_opened() == 1, "one link a context");
    oph_context_free(ctx);
    oph_device_free(other); /* never used; the context goes with the last device */
    oph_device_free(NULL);
    oph_device_free(det);
    testOk1(fake_end() == 0);
    return testDone();
}
