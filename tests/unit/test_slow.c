/* core/entry: what a put may take. Rows that are slow give time to all puts of their driver, which
 * queue up there, and none to those of another. */
#include "core/device.h"
#include "lib/fake_link.h"

#include <cophyd/group.h>
#include <cophyd/settings.h>
#include <cophyd/soft.h>
#include <cophyd/stage.h>
#include <epicsUnitTest.h>
#include <pthread.h>
#include <string.h>

static const char classes[] = "class Cam\n"
                              "row threshold Threshold rw int config - slow=60\n"
                              "row mode      Mode      rw int config\n"
                              "class Plugin\n"
                              "row number    Number    rw int config\n"
                              "class Det\n"
                              "dev cam cam1: Cam\n"
                              "dev hdf HDF1: Plugin\n"
                              "stage cam threshold=9 mode=9\n"
                              "stage hdf number=9\n";

static void *release(void *pv)
{
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = fake_context(NULL, NULL);
    fake_wait_put(pv);
    /* Longer than a put that is not slow may take: as another context sees it. */
    oph_device *dev = NULL;
    fake_pv("Y:P", OPH_INT32, 1, "", "0");
    fake_rule("Y:P", FAKE_WITHHOLD);
    if (oph_class_parse(ctx, "class One\nrow p P rw int config\n", "test", NULL, &err) ||
        oph_device_new(ctx, "One", "Y:", "one", &dev, &err))
        testAbort("%s", err.text);
    fake_code(oph_put(dev, "p", 1, &err), OPH_ETIMEOUT, &err, "a put that is not slow, meanwhile");
    oph_device_free(dev);
    oph_context_free(ctx);
    fake_release(pv);
    return NULL;
}

/* What has no device has no driver to wait for. */
static void test_without_device(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *slow = NULL, *soft = NULL;
    oph_group *g = NULL;
    if (oph_signal_find(det, "cam.threshold", &slow, &err) ||
        oph_soft_new(slow->ctx, "point", OPH_INT(1), NULL, &soft, &err) ||
        oph_group_new(slow->ctx, &g, &err) || oph_group_put(g, soft, OPH_INT(2), NULL, &err) ||
        oph_group_put(g, slow, OPH_INT(2), NULL, &err))
        testAbort("%s", err.text);
    fake_code(oph_group_run(g, OPH_DEFAULT, NULL, &err), 0, &err, "beside a signal in memory");
    oph_group_free(g);
    oph_signal_free(soft);
}

static int forward(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    (void)count, (void)user;
    return oph_output_set(to, 0, OPH_INT32, 1, oph_value_data(from[0]));
}

static int inverse(const oph_value *wanted, oph_output *to, void *user)
{
    (void)user;
    return oph_output_set(to, 0, OPH_INT32, 1, oph_value_data(wanted));
}

/* What is computed from what is slow has its time. */
static void test_derived(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *slow = NULL, *same = NULL;
    pthread_t thread;
    if (oph_signal_find(det, "cam.threshold", &slow, &err)) testAbort("%s", err.text);
    const oph_derived what = {.size = sizeof what,
                              .dtype = OPH_INT32,
                              .name = "same",
                              .from = &slow,
                              .count = 1,
                              .forward = forward,
                              .inverse = inverse};
    if (oph_derived_new(slow->ctx, &what, &same, &err)) testAbort("%s", err.text);
    fake_rule("X:cam1:Threshold", FAKE_WITHHOLD);
    pthread_create(&thread, NULL, release, "X:cam1:Threshold");
    fake_code(oph_signal_put_int(same, 3, &err), 0, &err, "a signal that is derived from it");
    pthread_join(thread, NULL);
    fake_rule("X:cam1:Threshold", FAKE_FOLLOW);
    oph_signal_free(same);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    fake_pv("X:cam1:Threshold", OPH_INT32, 1, "", "0");
    fake_pv("X:cam1:Mode", OPH_INT32, 1, "", "0");
    fake_pv("X:HDF1:Number", OPH_INT32, 1, "", "0");
    oph_context *ctx = fake_context(classes, NULL);
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    pthread_t thread;
    if (oph_device_new(ctx, "Det", "X:", "det", &det, &err)) testAbort("%s", err.text);

    fake_rule("X:cam1:Mode", FAKE_WITHHOLD);
    pthread_create(&thread, NULL, release, "X:cam1:Mode");
    fake_code(oph_stage(det, NULL, &err), 0, &err, "the camera may be busy with what is slow");
    pthread_join(thread, NULL);
    fake_rule("X:cam1:Mode", FAKE_FOLLOW);
    fake_code(oph_unstage(det, NULL, &err), 0, &err, "unstage");

    test_without_device(det);
    test_derived(det);

    fake_rule("X:HDF1:Number", FAKE_WITHHOLD);
    fake_code(oph_stage(det, NULL, &err), OPH_ETIMEOUT, &err, "a plugin is not, and is given up");
    testOk(strstr(err.text, "det.hdf.number") && err.waited < 30, "%s", err.text);

    const oph_put_options soon = {.size = sizeof soon, .timeout = 0.2};
    const int32_t eight = 8;
    const oph_data value = {.dtype = OPH_INT32, .count = 1, .data = &eight};
    oph_signal *threshold = NULL;
    if (oph_signal_find(det, "cam.threshold", &threshold, &err)) testAbort("%s", err.text);
    fake_rule("X:cam1:Threshold", FAKE_WITHHOLD);
    fake_code(oph_signal_put(threshold, &value, &soon, &err), OPH_ETIMEOUT, &err,
              "what is slow, too, by the caller's own time");
    testOk(err.waited < 30, "%s", err.text);

    oph_device_free(det);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
