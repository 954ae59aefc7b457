/* The library's own allocations failed in turn over the reference acquisition: each is told of or
 * makes no difference; settings are put back, then or by the next stage; and nothing is left.
 * FAILING_STEP=1 in the environment tries each, and not some only. */
#include "lib/detector.h"
#include "lib/failing.h"
#include "lib/state.h"

#include <epicsUnitTest.h>
#include <stdlib.h>

static struct detector d;

static int acquire(oph_error *err)
{
    oph_status *status = NULL;
    oph_error late = OPH_ERROR_INIT;
    int rc = oph_stage(d.det, NULL, err);
    if (rc) return rc;
    rc = oph_trigger(d.det, &status, err);
    if (!rc) rc = oph_status_wait(status, OPH_DEFAULT, err);
    oph_status_unref(status);
    int back = oph_unstage(d.det, NULL, &late);
    if (!rc && back) *err = late;
    return rc ? rc : back;
}

static int run(void *user, oph_error *err)
{
    oph_error late = OPH_ERROR_INIT;
    (void)user;
    int rc = acquire(err);
    bool failed = failing_end();
    /* What could not be put back is, with the next stage. */
    int back = failed && state_journals() ? acquire(&late) : 0;
    if (!back && !state_journals() && oph_device_state(d.det) == OPH_STATE_IDLE) return rc;
    testDiag("%s, %d journals, %s; %s", oph_state_name(oph_device_state(d.det)), state_journals(),
             err->text, late.text);
    return OPH_ESTATE;
}

int main(void)
{
    static const char *const arguments[] = {"--instant", NULL};
    oph_error err = OPH_ERROR_INIT;
    const char *step = getenv("FAILING_STEP");
    testPlan(0);
    state_begin(NULL, 0);
    long before = failing_blocks();
    detector_start(&d, arguments, NULL);
    if (run(NULL, &err)) testAbort("%s", err.text);
    failing_some_in_turn("the reference acquisition", step ? strtol(step, NULL, 10) : 7, run, NULL);
    detector_unchanged(&d, "all of that");
    detector_works(&d, "after it");
    detector_end(&d);
    testOk(failing_blocks() == before, "nothing is left");
    state_end();
    return testDone();
}
