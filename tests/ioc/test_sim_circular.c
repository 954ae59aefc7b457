/* The simulator's circular buffer: what it keeps, what a trigger lets through, in which order. */
#include <stdio.h>
#include <stdlib.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

static const char *const watched[] = {"image1:UniqueId_RBV", "CB1:Capture_RBV",
                                      "CB1:StatusMessage"};
static int id; /* of the latest frame */

/* That many frames, each through the buffer before the next. */
static void acquire(struct probe *p, int times)
{
    char wanted[16];
    int failed = 0;
    for (int i = 0; i < times; i++) {
        snprintf(wanted, sizeof wanted, "%d", ++id);
        failed += probe_put_complete(p, "cam1:Acquire", "1", 10) != 0;
        failed += probe_until(p, "CB1:UniqueId_RBV", wanted, 10) != 0;
    }
    testOk(failed == 0, "%d frames, up to %d", times, id);
}

static void start(struct probe *p)
{
    testOk(probe_put(p, "CB1:Capture", "1") == 0, "Capture is sent");
    probe_becomes(p, "CB1:Capture_RBV", "Capturing");
}

static void trigger(struct probe *p)
{
    testOk(probe_put(p, "CB1:Trigger", "1") == 0, "Trigger is sent");
    probe_becomes(p, "CB1:Trigger_RBV", "Triggered");
}

static void after_boot(struct probe *p)
{
    probe_is(p, "CB1:PluginType_RBV", "NDPluginCircularBuff");
    probe_is(p, "CB1:StatusMessage", "Idle");
    probe_is(p, "CB1:Capture_RBV", "Done");
    probe_is_number(p, "CB1:PreCount_RBV", 100);
    probe_is_number(p, "CB1:PostCount_RBV", 100);
    probe_is_number(p, "CB1:PresetTriggerCount_RBV", 1);
    probe_is(p, "CB1:FlushOnSoftTrg_RBV", "OnNewImage");
    probe_is(p, "CB1:TriggerCalc_RBV", "0");
    acquire(p, 1);
    probe_is_number(p, "CB1:ArrayCounter_RBV", 1);
    probe_is_number(p, "image1:ArrayCounter_RBV", 0); /* nothing goes on before Capture */
}

static void soft_trigger(struct probe *p)
{
    probe_set(p, "CB1:PreCount", "3");
    probe_set(p, "CB1:PostCount", "2");
    start(p);
    probe_is(p, "CB1:StatusMessage", "Buffer filling");
    acquire(p, 2);
    probe_is_number(p, "CB1:CurrentQty_RBV", 2);
    acquire(p, 3);
    probe_is_number(p, "CB1:CurrentQty_RBV", 3);
    probe_becomes(p, "CB1:StatusMessage", "Buffer Wrapping");
    probe_set(p, "CB1:PreCount", "4");
    probe_is_number(p, "CB1:PreCount_RBV", 3);
    probe_is(p, "CB1:StatusMessage", "Stop acquisition to set pre-count");
    int mark = probe_mark(p);
    trigger(p);
    probe_is_number(p, "image1:ArrayCounter_RBV", 0); /* until the next frame comes */
    acquire(p, 1);
    probe_becomes(p, "CB1:StatusMessage", "Flushing");
    probe_is_number(p, "CB1:PostTriggerQty_RBV", 1);
    acquire(p, 1);
    probe_becomes(p, "CB1:Capture_RBV", "Done");
    PROBE_WENT(p, mark, "image1:UniqueId_RBV", "4", "5", "6", "7", "8");
    probe_becomes(p, "CB1:StatusMessage", "Acquisition Completed");
    probe_is_number(p, "CB1:ActualTriggerCount_RBV", 1);
    acquire(p, 1);
    probe_is_number(p, "image1:ArrayCounter_RBV", 5);
}

static void at_once(struct probe *p)
{
    probe_set(p, "CB1:FlushOnSoftTrg", "Immediately");
    start(p);
    acquire(p, 2);
    int mark = probe_mark(p);
    trigger(p);
    PROBE_WENT(p, mark, "image1:UniqueId_RBV", "10", "11");
    acquire(p, 2);
    PROBE_WENT(p, mark, "image1:UniqueId_RBV", "10", "11", "12", "13");
    probe_becomes(p, "CB1:Capture_RBV", "Done");
    probe_set(p, "CB1:FlushOnSoftTrg", "OnNewImage");
}

/* E is CurrentQty, which only a stop clears and only a frame that is kept sets. */
static void by_calculation(struct probe *p)
{
    probe_set(p, "CB1:PostCount", "1");
    probe_set(p, "CB1:PresetTriggerCount", "2");
    probe_set(p, "CB1:TriggerCalc", "E>=2");
    probe_is(p, "CB1:TriggerCalc_RBV", "E>=2");
    testOk(probe_put_complete(p, "CB1:Capture", "0", 5) == 0, "Capture=0 completes");
    probe_is_number(p, "CB1:CurrentQty_RBV", 0);
    start(p);
    int mark = probe_mark(p);
    acquire(p, 2);
    probe_is_number(p, "CB1:TriggerCalcVal", 0);
    acquire(p, 1);
    PROBE_WENT(p, mark, "image1:UniqueId_RBV", "14", "15", "16");
    probe_becomes(p, "CB1:ActualTriggerCount_RBV", "1");
    probe_is(p, "CB1:Capture_RBV", "Capturing");
    acquire(p, 1);
    probe_becomes(p, "CB1:Capture_RBV", "Done");
    PROBE_WENT(p, mark, "image1:UniqueId_RBV", "14", "15", "16", "17");
    probe_is_number(p, "CB1:ActualTriggerCount_RBV", 2);
    probe_set(p, "CB1:TriggerCalc", "");
    probe_is(p, "CB1:TriggerCalc_RBV", "0");
}

static void stopped(struct probe *p)
{
    probe_set(p, "CB1:PreCount", "500");
    probe_is(p, "CB1:StatusMessage", "Pre-count too high");
    probe_set(p, "CB1:PreCount", "-1");
    probe_is(p, "CB1:StatusMessage", "Invalid pre-count value");
    probe_is_number(p, "CB1:PreCount_RBV", 3);
    probe_set(p, "CB1:PreCount", "0");
    start(p);
    probe_is(p, "CB1:StatusMessage", "Dropping frames");
    acquire(p, 2);
    probe_is_number(p, "CB1:CurrentQty_RBV", 0);
    testOk(probe_put(p, "CB1:Capture", "0") == 0, "Capture=0 is sent");
    probe_becomes(p, "CB1:Capture_RBV", "Done");
    probe_becomes(p, "CB1:StatusMessage", "Acquisition Stopped");
}

int main(void)
{
    char folder[] = "/tmp/cophyd-circular-XXXXXX", command[64];
    if (!mkdtemp(folder)) testAbort("no folder");
    testPlan(0);
    struct sim *sim =
        sim_start((const char *const[]){"--size", "64x48", "--instant", "--raw", folder, NULL});
    struct probe *p = probe_new("Pilatus:");
    testOk(probe_watch(p, watched, sizeof watched / sizeof *watched) == 0, "watched");
    probe_set(p, "cam1:AcquireTime", "0.001");
    probe_set(p, "cam1:WaitForPlugins", "Yes");
    probe_set(p, "CB1:EnableCallbacks", "Enable");
    probe_set(p, "image1:EnableCallbacks", "Enable");
    probe_set(p, "image1:NDArrayPort", "CB1");
    after_boot(p);
    soft_trigger(p);
    at_once(p);
    by_calculation(p);
    stopped(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
