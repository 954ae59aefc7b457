/* core/restore and prepare: a setting that differs from the former one by less than its PREC (3
 * digits here, as AcquireTime has at an IOC) is another one all the same. */
#include "lib/fake_link.h"

#include <cophyd/settings.h>
#include <cophyd/stage.h>
#include <epicsUnitTest.h>
#include <string.h>

static const char classes[] = "class Cam\n"
                              "row time   AcquireTime   rbv float config\n"
                              "row period AcquirePeriod rbv float config\n"
                              "row energy Energy        rbv float config\n"
                              "stage . time=0.0005 period=0.1 energy=8000001\n";

static void stage(oph_device *dev, int skip)
{
    const oph_stage_options options = {.size = sizeof options, .skip_unchanged = skip};
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_stage_with(dev, &options, NULL, &err), 0, &err, "stage");
}

static void unstage(oph_device *dev)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    fake_code(oph_unstage(dev, &report, &err), 0, &err, "unstage");
    testOk1(oph_report_count(report) == 0);
    oph_report_free(report);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    fake_pv("X:AcquireTime", OPH_FLOAT64, 1, "", "0.001");
    fake_pv("X:AcquireTime_RBV", OPH_FLOAT64, 1, "", "0.001");
    fake_pv("X:AcquirePeriod", OPH_FLOAT64, 1, "", "0.1005");
    fake_pv("X:AcquirePeriod_RBV", OPH_FLOAT64, 1, "", "0.1005");
    fake_pv("X:Energy", OPH_FLOAT64, 1, "", "8000000");
    fake_pv("X:Energy_RBV", OPH_FLOAT64, 1, "", "8000000");
    oph_context *ctx = fake_context(classes, NULL);
    oph_device *dev = NULL;
    if (oph_device_new(ctx, "Cam", "X:", "cam", &dev, NULL)) testAbort("no device");

    stage(dev, 1);
    fake_puts_are("X:AcquireTime=0.0005 X:AcquirePeriod=0.1 X:Energy=8000001",
                  "it is not taken for unchanged");
    unstage(dev);
    fake_puts_are("X:Energy=8000000 X:AcquirePeriod=0.1005 X:AcquireTime=0.001", "it goes back");

    stage(dev, 0);
    fake_forget_puts();
    fake_set("X:AcquirePeriod", "0.1000004"); /* what the driver made of it */
    unstage(dev);
    fake_puts_are("X:Energy=8000000 X:AcquirePeriod=0.1005 X:AcquireTime=0.001",
                  "so it does where it was rounded");

    oph_device_free(dev);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
