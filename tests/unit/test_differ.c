/* Comparing a device with an IOC whose records come and go meanwhile. */
#include "lib/fake_link.h"

#include <cophyd/class.h>
#include <cophyd/device.h>
#include <epicsUnitTest.h>
#include <pthread.h>
#include <string.h>

static const char classes[] = "class Cam\n"
                              "row size  Size  rbv int config\n"
                              "row gain  Gain  rbv int config\n"
                              "row never Never rbv int config\n";

static void *lose_one(void *user)
{
    fake_wait_flushes(1);
    fake_down("X:Size_RBV"); /* while X:Never is searched for */
    return user;
}

static int is(const oph_report *report, size_t index, int code, const char *pv)
{
    const oph_error *e = oph_report_at(report, index);
    if (e) testDiag("%s", e->text);
    return e && e->code == code && strcmp(e->pv, pv) == 0;
}

int main(void)
{
    oph_context *ctx;
    oph_device *cam = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    pthread_t thread;

    testPlan(0);
    fake_begin();
    fake_pv("X:Size", OPH_INT32, 1, "", "5");
    fake_pv("X:Size_RBV", OPH_INT32, 1, "", "5");
    fake_pv("X:Gain", OPH_FLOAT64, 1, "", "1");
    fake_pv("X:Gain_RBV", OPH_INT32, 1, "", "1");
    ctx = fake_context(classes, NULL);
    if (oph_device_new(ctx, "Cam", "X:", "cam", &cam, &err)) testAbort("%s", err.text);
    if (pthread_create(&thread, NULL, lose_one, NULL)) testAbort("no thread");
    testOk(!oph_differences(cam, OPH_DEFAULT, &report, &err), "it is compared: %s", err.text);
    pthread_join(thread, NULL);
    testOk1(oph_report_count(report) == 4);
    testOk(is(report, 0, OPH_EDISCONN, "X:Size_RBV"), "what has gone down is not called absent");
    testOk1(is(report, 1, OPH_EMISMATCH, "X:Gain"));
    testOk1(is(report, 2, OPH_EABSENT, "X:Never"));
    testOk1(is(report, 3, OPH_EABSENT, "X:Never_RBV"));
    oph_report_free(report);
    oph_device_free(cam);
    oph_context_free(ctx);
    testOk(fake_end() == 0, "no channel is left");
    return testDone();
}
