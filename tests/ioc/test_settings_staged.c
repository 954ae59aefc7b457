/* A list that is changed while its device is staged: the stage stands, and the next one has it. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <string.h>

static struct detector d;

static void change(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_settings_set(d.cam, "acquire_time", 0.02, &err), &err, "another value");
    check_done(oph_settings_delete(d.cam, "num_images", &err), &err, "one less");
    check_done(oph_settings_set(d.cam, "num_exposures", 2, &err), &err, "one more");
    check_done(oph_settings_parse(d.image, "", "none", OPH_SETTINGS_REPLACE, NULL, &err), &err,
               "a list emptied");
    check_done(oph_settings_pop(d.hdf1, "compression", NULL, &err), &err, "one popped");
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    double time = 0;
    int64_t exposures = 0;
    testPlan(0);
    detector_start(&d, NULL, NULL);
    check_done(oph_stage(d.det, NULL, &err), &err, "staged");
    change();
    check_done(oph_get_double(d.det, "cam.acquire_time", &time, &err), &err, "read");
    testOk(time == 0.01, "nothing of it is written while it is staged: %g", time);
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstaged");
    detector_unchanged(&d, "a stage whose lists were changed meanwhile");
    check_done(oph_stage(d.det, NULL, &err), &err, "staged again");
    check_done(oph_get_double(d.det, "cam.acquire_time", &time, &err), &err, "read");
    check_done(oph_get_int(d.det, "cam.num_exposures", &exposures, &err), &err, "read");
    testOk(time == 0.02 && exposures == 2, "the next stage has the new lists");
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstaged");
    detector_unchanged(&d, "that one");
    detector_end(&d);
    return testDone();
}
