/* The library's own allocations failed in turn under each verb: each is told of, and nothing is
 * left behind. */
#include "lib/failing.h"
#include "lib/failing_verbs.h"

#include <epicsUnitTest.h>

int main(void)
{
    testPlan(FAILING_VERBS + 1);
    failing_device_begin();
    for (size_t i = 0; i < FAILING_VERBS; i++) {
        struct failing_verb *verb = &failing_verbs[i];
        oph_error err = OPH_ERROR_INIT;
        if (failing_with_device(verb->fn, &err)) testAbort("%s: %s", verb->name, err.text);
        failing_in_turn(verb->name, failing_verb_run, verb);
    }
    failing_device_end();
    return testDone();
}
