/* The library's own allocations failed in turn under each verb: each is told of, and nothing is
 * left behind. */
#include "base/clock.h"
#include "lib/failing.h"
#include "lib/failing_verbs.h"

#include <epicsUnitTest.h>
#include <sched.h>

/* A thread that has just told of an end may still hold the context when it is no more needed. */
static int with_device(void *user, oph_error *err)
{
    const struct failing_verb *verb = user;
    long before = failing_blocks();
    int rc = failing_with_device(verb->fn, err);
    for (double until = oph__now() + 20; failing_blocks() != before && oph__now() < until;)
        sched_yield();
    return rc;
}

int main(void)
{
    testPlan(FAILING_VERBS + 1);
    failing_device_begin();
    for (size_t i = 0; i < FAILING_VERBS; i++) {
        struct failing_verb verb = failing_verbs[i];
        oph_error err = OPH_ERROR_INIT;
        if (failing_with_device(verb.fn, &err)) testAbort("%s: %s", verb.name, err.text);
        failing_in_turn(verb.name, with_device, &verb);
    }
    failing_device_end();
    return testDone();
}
