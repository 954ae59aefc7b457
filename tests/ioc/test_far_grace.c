/* The grace is for readbacks that follow their setpoints late, and not for an IOC that is far away:
 * a cycle succeeds although each answer takes longer than that. */
#include "lib/detector.h"
#include "lib/fault.h"

#include <epicsUnitTest.h>

static struct detector d;

static void test_slow_answers(void)
{
    fault_set(d.probe, "ReplyDelay", "0.2");
    detector_works(&d, "when each answer takes longer than the grace");
    fault_set(d.probe, "ReplyDelay", "0");
}

int main(void)
{
    const oph_context_options options = {.size = sizeof options,
                                         .get_timeout = 30,
                                         .put_timeout = 30,
                                         .grace = 0.05,
                                         .stop_timeout = 30};
    testPlan(0);
    detector_start(&d, (const char *const[]){"--instant", NULL}, &options);
    test_slow_answers();
    detector_end(&d);
    return testDone();
}
