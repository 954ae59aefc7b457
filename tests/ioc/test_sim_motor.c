/* The simulator's motors: what clients of a motor record rely on, and the faults. */
#include "lib/probe.h"
#include "lib/sim.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>

static const char *const watched[] = {"m1.DMOV", "m1.MOVN", "m1.RBV", "m1.VAL", "m1.LVIO"};
enum { WATCHED = sizeof watched / sizeof *watched };

static int events_of(struct probe *p, int mark, const char *name)
{
    struct probe_event e;
    int count = 0;
    for (; probe_event(p, mark, &e); mark++)
        count += strcmp(e.name, name) == 0;
    return count;
}

static void stands(struct probe *p, double at)
{
    probe_is_number(p, "m1.VAL", at);
    probe_is_number(p, "m1.RBV", at);
    probe_is_number(p, "m1.DMOV", 1);
    probe_is_number(p, "m1.MOVN", 0);
}

static void moves(struct probe *p)
{
    int mark = probe_mark(p);
    testOk(probe_put_complete(p, "m1.VAL", "2.5", 20) == 0, "a put to VAL completes");
    stands(p, 2.5);
    PROBE_WENT(p, mark, "m1.DMOV", "0", "1");
    PROBE_WENT(p, mark, "m1.MOVN", "1", "0");
    testOk(events_of(p, mark, "m1.RBV") > 3, "the readback shows the way");
    mark = probe_mark(p);
    testOk(probe_put_complete(p, "m1.VAL", "2.5", 20) == 0, "to where it is, too");
    PROBE_WENT(p, mark, "m1.DMOV", "0", "1");
    testOk(events_of(p, mark, "m1.MOVN") == 0, "it does not move for that");
}

/* What is put while it moves is where it goes next, and both puts end there. */
static void takes_another_target(struct probe *p)
{
    int mark = probe_mark(p);
    testOk1(probe_put_start(p, "m1.VAL", "6") == 0);
    testOk1(probe_wait(p, mark, "m1.MOVN", "1", 10) >= 0);
    testOk1(probe_put(p, "m1.VAL", "3") == 0);
    testOk(probe_completed(p, "m1.VAL", 20) == 0, "the first put completes");
    stands(p, 3);
    PROBE_WENT(p, mark, "m1.DMOV", "0", "1");
}

static void stops(struct probe *p)
{
    int mark = probe_mark(p);
    testOk1(probe_put_start(p, "m1.VAL", "90") == 0);
    testOk1(probe_wait(p, mark, "m1.MOVN", "1", 10) >= 0);
    testOk1(probe_put(p, "m1.STOP", "1") == 0);
    testOk(probe_completed(p, "m1.VAL", 20) == 0, "the put completes as if it had arrived");
    double at = probe_get_number(p, "m1.RBV");
    testOk(at >= 3 && at < 90, "but it stands at %g", at);
    stands(p, at);
    probe_is(p, "m1.STOP", "0");
}

static void pauses(struct probe *p)
{
    testOk1(probe_put_complete(p, "m1.VAL", "0", 20) == 0);
    int mark = probe_mark(p);
    testOk1(probe_put_start(p, "m1.VAL", "4") == 0);
    testOk1(probe_wait(p, mark, "m1.MOVN", "1", 10) >= 0);
    testOk1(probe_put(p, "m1.SPMG", "Pause") == 0); /* with completion it would wait its turn */
    probe_becomes(p, "m1.MOVN", "0");
    probe_is_number(p, "m1.DMOV", 0);
    probe_is_number(p, "m1.VAL", 4);
    testOk1(probe_put(p, "m1.SPMG", "Go") == 0);
    testOk(probe_completed(p, "m1.VAL", 20) == 0, "Go ends the way");
    stands(p, 4);
}

static void keeps_its_limits(struct probe *p)
{
    struct probe_facts facts;
    int mark = probe_mark(p);
    testOk(probe_put_complete(p, "m1.VAL", "100.5", 20) == 0, "a put beyond the limits completes");
    probe_is_number(p, "m1.LVIO", 1);
    stands(p, 4);
    PROBE_WENT(p, mark, "m1.DMOV", "0", "1");
    testOk1(events_of(p, mark, "m1.MOVN") == 0);
    probe_set(p, "m1.HLM", "50");
    probe_is_number(p, "m1.DHLM", 50);
    testOk(probe_describe(p, "m1.VAL", &facts) == 0 && facts.high == 50 && facts.low == -100 &&
               strcmp(facts.units, "mm") == 0 && facts.precision == 4,
           "VAL's properties have them");
    testOk1(probe_put_complete(p, "m1.VAL", "5", 20) == 0);
    probe_is_number(p, "m1.LVIO", 0);
    probe_set(p, "m1.HLM", "100");
}

static void is_calibrated(struct probe *p)
{
    int mark = probe_mark(p);
    probe_set(p, "m1.SET", "Set");
    testOk1(probe_put_complete(p, "m1.VAL", "8", 20) == 0);
    probe_set(p, "m1.SET", "Use");
    stands(p, 8);
    probe_is_number(p, "m1.OFF", 3);
    probe_is_number(p, "m1.DRBV", 5);
    probe_is_number(p, "m1.HLM", 103);
    testOk(events_of(p, mark, "m1.MOVN") == 0, "it does not move for that");
    probe_set(p, "m1.DIR", "Neg");
    stands(p, 8);
    probe_is_number(p, "m1.OFF", 13);
    testOk1(probe_put_complete(p, "m1.VAL", "9", 20) == 0);
    probe_is_number(p, "m1.DVAL", 4);
    probe_is_number(p, "m1.DRBV", 4);
    probe_set(p, "m1.DIR", "Pos");
    probe_set(p, "m1.OFF", "0");
    stands(p, 4);
}

static void tweaks(struct probe *p)
{
    testOk1(probe_put_complete(p, "m1.TWF", "1", 20) == 0);
    stands(p, 5);
    testOk1(probe_put_complete(p, "m1.TWR", "1", 20) == 0);
    testOk1(probe_put_complete(p, "m1.RLV", "-2", 20) == 0);
    stands(p, 2);
    testOk1(probe_put_complete(p, "m1.DVAL", "3", 20) == 0);
    stands(p, 3);
    testOk1(probe_put_complete(p, "m1.HOMF", "1", 20) == 0);
    stands(p, 0);
}

static void has_faults(struct probe *p)
{
    int mark = probe_mark(p);
    probe_set(p, "sim1:MotorStuck", "m1");
    testOk1(probe_put_start(p, "m1.VAL", "1") == 0);
    testOk1(probe_wait(p, mark, "m1.MOVN", "1", 10) >= 0);
    probe_is_number(p, "m1.DMOV", 0);
    testOk1(probe_put(p, "m1.STOP", "1") == 0);
    testOk(probe_completed(p, "m1.VAL", 20) == 0, "STOP ends a move that is stuck");
    stands(p, 0);
    probe_set(p, "sim1:MotorStuck", "");

    probe_set(p, "sim1:MotorMisses", "m1");
    testOk1(probe_put_complete(p, "m1.VAL", "2", 20) == 0);
    probe_is_number(p, "m1.RBV", 1);
    probe_is_number(p, "m1.MISS", 1);
    probe_set(p, "sim1:MotorMisses", "");

    probe_set(p, "sim1:MotorSwitch", "m1");
    testOk1(probe_put_complete(p, "m1.VAL", "5", 20) == 0);
    probe_is_number(p, "m1.RBV", 3);
    probe_is_number(p, "m1.HLS", 1);
    probe_is_number(p, "m1.LLS", 0);
    testOk(probe_get_severity(p, "m1.RBV") == 2, "the readback has an alarm");
    probe_set(p, "sim1:MotorSwitch", "");
    testOk1(probe_put_complete(p, "m1.VAL", "0", 20) == 0);
    probe_is_number(p, "m1.HLS", 0);
    testOk1(probe_get_severity(p, "m1.RBV") == 0);
}

int main(void)
{
    static const char *const arguments[] = {NULL};
    testPlan(0);
    struct sim *sim = sim_start(arguments);
    struct probe *p = probe_new("Pilatus:");
    if (probe_watch(p, watched, WATCHED)) testAbort("no motor");
    moves(p);
    takes_another_target(p);
    stops(p);
    pauses(p);
    keeps_its_limits(p);
    is_calibrated(p);
    tweaks(p);
    has_faults(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "the simulator ends");
    return testDone();
}
