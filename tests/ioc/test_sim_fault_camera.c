/* The faults of the camera: each has the symptom on the channels that a real IOC shows. */
#include <stdio.h>
#include <string.h>

#include <epicsUnitTest.h>

#include "lib/fault.h"
#include "lib/probe.h"

static void set_up(struct probe *p)
{
    static const char *const watched[] = {"cam1:Acquire", "cam1:AcquireBusy",
                                          "cam1:ArrayCounter_RBV", "cam1:DetectorState_RBV",
                                          "cam1:Acquire_RBV"};
    testOk(probe_watch(p, watched, sizeof watched / sizeof *watched) == 0, "watched");
    probe_set(p, "cam1:WaitForPlugins", "Yes");
}

static void acquire(struct probe *p)
{
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 20) == 0, "the put of Acquire completes OK");
    probe_is(p, "cam1:Acquire_RBV", "Done");
    probe_is(p, "cam1:AcquireBusy", "Done");
}

static void ends(struct probe *p, const char *state, const char *message, int images)
{
    int before = (int)probe_get_number(p, "cam1:ArrayCounter_RBV");
    acquire(p);
    probe_is(p, "cam1:DetectorState_RBV", state);
    testOk(probe_until(p, "cam1:StatusMessage_RBV", message, 5) == 0, "it says \"%s\"", message);
    int came = (int)probe_get_number(p, "cam1:ArrayCounter_RBV") - before;
    testOk(came == images, "%d frames came, wanted %d", came, images);
}

static void well(struct probe *p)
{
    ends(p, "Idle", "Waiting for acquire command", 1);
}

static void hangs(struct probe *p)
{
    ends(p, "Error", "Camserver returned OK", 0);
    probe_set(p, "cam1:NumImages", "2");
    ends(p, "Error", "Timeout waiting for file to be created", 0);
    probe_set(p, "cam1:NumImages", "1");
}

static void fails(struct probe *p)
{
    ends(p, "Error", "Error from camserver", 0);
}

static void aborted(struct probe *p)
{
    probe_set(p, "cam1:AcquireTime", "30");
    ends(p, "Aborted", "Acquisition aborted", 0);
    probe_set(p, "cam1:AcquireTime", "0.01");
}

/* While somebody else exposes, ADPilatus takes Acquire=1 and never starts for it: the put ends with
 * their exposure, or with ours, if ours ever came. */
static void busy(struct probe *p)
{
    testOk(probe_until(p, "cam1:AcquireBusy", "Acquiring", 5) == 0, "somebody's exposure runs");
    probe_is(p, "cam1:DetectorState_RBV", "Acquire");
    probe_is(p, "cam1:Acquire", "Acquire");
    int before = (int)probe_get_number(p, "cam1:ArrayCounter_RBV"), mark = probe_mark(p);
    testOk(probe_put_start(p, "cam1:Acquire", "1") == 0, "Acquire=1 is put in its midst");
    testOk(probe_put(p, "sim1:SomebodyElse", "0") == 0, "they stop");
    testOk(probe_completed(p, "cam1:Acquire", 20) == 0, "our put completes with theirs");
    testOk(probe_wait(p, mark, "cam1:DetectorState_RBV", "Aborted", 5) >= 0, "theirs was stopped");
    testOk((int)probe_get_number(p, "cam1:ArrayCounter_RBV") == before, "without a frame");
    testOk(probe_until(p, "cam1:AcquireBusy", "Done", 5) == 0, "the camera is free again");
    mark = probe_mark(p);
    testOk(probe_put(p, "sim1:SomebodyElse", "0.05") == 0, "they expose once more");
    testOk(probe_wait(p, mark, "cam1:DetectorState_RBV", "Idle", 10) >= 0, "to the end");
    testOk((int)probe_get_number(p, "cam1:ArrayCounter_RBV") == before + 1, "and get their frame");
}

static void slow_threshold(struct probe *p)
{
    probe_set(p, "cam1:ThresholdAutoApply", "No");
    int mark = probe_mark(p);
    testOk(probe_put_start(p, "cam1:ThresholdApply", "1") == 0, "a threshold is applied");
    testOk(probe_wait(p, mark, "cam1:DetectorState_RBV", "Waiting", 10) >= 0, "the state tells");
    probe_set(p, "cam1:ImageMode", "Single");
    /* What is put to this port waits behind the command: it is over when this put completes. */
    testOk(probe_completed(p, "cam1:ThresholdApply", 10) == 0, "it completes");
    testOk(probe_wait(p, mark, "cam1:DetectorState_RBV", "Idle", 10) >= 0, "and is idle");
}

int main(void)
{
    static const struct fault faults[] = {
        {"ExposureHangs", "1", hangs, well, 0},
        {"ExposureFails", "1", fails, well, 0},
        {"AbortAfter", "0.2", aborted, well, 0},
        {"SomebodyElse", "600", busy, well, 0},
        {"ThresholdTime", "0.3", slow_threshold, well, 0},
    };
    testPlan(0);
    fault_try(faults, sizeof faults / sizeof *faults, set_up);
    return testDone();
}
