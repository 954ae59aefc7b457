/* core/restore and prepare: a setting that the IOC moves by itself, as the number of the next file,
 * goes back whatever it is found at. */
#include "lib/fake_link.h"

#include <cophyd/settings.h>
#include <cophyd/stage.h>
#include <epicsUnitTest.h>
#include <string.h>

static const char classes[] = "class File\n"
                              "row number FileNumber rbv int config - moves\n"
                              "row save   AutoSave   rw int config\n"
                              "stage . number=0 save=1\n";

static void stage(oph_device *dev, int skip)
{
    const oph_stage_options options = {.size = sizeof options, .skip_unchanged = skip};
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_stage_with(dev, &options, NULL, &err), 0, &err, "stage");
}

static void unstage(oph_device *dev, int wanted_gets)
{
    int gets = fake_gets();
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    fake_code(oph_unstage(dev, &report, &err), 0, &err, "unstage");
    testOk(oph_report_count(report) == 0, "nobody is said to have moved it");
    gets = fake_gets() - gets;
    testOk(gets == wanted_gets, "%d gets", gets);
    oph_report_free(report);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    fake_pv("X:FileNumber", OPH_INT32, 1, "", "7");
    fake_pv("X:FileNumber_RBV", OPH_INT32, 1, "", "7");
    fake_pv("X:AutoSave", OPH_INT32, 1, "", "0");
    oph_context *ctx = fake_context(classes, NULL);
    oph_device *dev = NULL;
    if (oph_device_new(ctx, "File", "X:", "file", &dev, NULL)) testAbort("no device");

    stage(dev, 0);
    fake_set("X:FileNumber", "3");
    fake_forget_puts();
    unstage(dev, 2); /* of what stands */
    fake_puts_are("X:AutoSave=0 X:FileNumber=7", "it goes back when what moves it is off");

    stage(dev, 0);
    fake_set("X:FileNumber", "7");
    fake_set("X:FileNumber_RBV", "7");
    fake_forget_puts();
    unstage(dev, 2); /* as well: not its readback */
    fake_puts_are("X:AutoSave=0 X:FileNumber=7",
                  "also where it is as before, since it may move until then");

    fake_set("X:FileNumber", "0");
    fake_set("X:AutoSave", "1");
    fake_forget_puts();
    stage(dev, 1);
    fake_puts_are("X:FileNumber=0", "of what is as wanted already it alone is written");
    fake_set("X:FileNumber", "1");
    unstage(dev, 1);
    fake_puts_are("X:FileNumber=0", "and so it goes back");

    oph_device_free(dev);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
