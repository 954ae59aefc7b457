/* The queues of the simulator's plugins, with a plugin that stands still: what is queued, what is
 * dropped, and who waits. */
#include <stdio.h>
#include <stdlib.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

static void stick(struct probe *p, const char *plugin)
{
    testOk(probe_put_complete(p, "sim1:PluginStuck", plugin, 5) == 0, "PluginStuck is '%s'",
           plugin);
}

/* Each is sent before the next is taken. */
static void acquire(struct probe *p, int times)
{
    int failed = 0;
    for (int i = 0; i < times; i++)
        failed += probe_put_complete(p, "cam1:Acquire", "1", 10) != 0;
    testOk(failed == 0, "%d of %d acquisitions do not complete", failed, times);
}

/* The plugin holds one frame and its queue three; or, before it took the first, only the three. */
static void drops(struct probe *p)
{
    probe_set(p, "cam1:WaitForPlugins", "No");
    probe_set(p, "ROI1:QueueSize", "3");
    stick(p, "ROI1");
    acquire(p, 6);
    double queued = probe_get_number(p, "cam1:NumQueuedArrays");
    double dropped = probe_get_number(p, "ROI1:DroppedArrays_RBV");
    testOk(queued == 3 || queued == 4, "%g are queued", queued);
    testOk(queued + dropped == 6, "%g are dropped", dropped);
    probe_is_number(p, "ROI1:ArrayCounter_RBV", 0);
    probe_set(p, "ROI1:QueueSize", "10"); /* there is room again */
    probe_is_number(p, "ROI1:QueueSize_RBV", 10);
    acquire(p, 4);
    probe_is_number(p, "ROI1:DroppedArrays_RBV", dropped);
    probe_is_number(p, "cam1:NumQueuedArrays", queued + 4);
    probe_set(p, "ROI1:QueueSize", "1"); /* what is queued stays, but nothing is added */
    acquire(p, 2);
    probe_is_number(p, "ROI1:DroppedArrays_RBV", dropped + 2);
    stick(p, "");
    probe_becomes(p, "cam1:NumQueuedArrays", "0");
    probe_is_number(p, "ROI1:ArrayCounter_RBV", queued + 4);
    probe_is_number(p, "ROI1:QueueFree", 1);
    probe_set(p, "ROI1:DroppedArrays", "0");
    probe_is_number(p, "ROI1:DroppedArrays_RBV", 0);
    probe_set(p, "ROI1:QueueSize", "20");
}

/* Only AcquireBusy tells that the frame is not through. */
static void waits(struct probe *p)
{
    probe_set(p, "cam1:WaitForPlugins", "Yes");
    stick(p, "ROI1");
    testOk(probe_put_start(p, "cam1:Acquire", "1") == 0, "Acquire=1 with completion");
    probe_becomes(p, "cam1:NumQueuedArrays", "1");
    probe_becomes(p, "cam1:Acquire_RBV", "Done");
    probe_becomes(p, "cam1:DetectorState_RBV", "Idle");
    probe_is(p, "cam1:AcquireBusy", "Acquiring");
    testOk(probe_completed(p, "cam1:Acquire", 0.2) != 0, "does not complete");
    stick(p, "");
    testOk(probe_completed(p, "cam1:Acquire", 5) == 0, "until the plugin moves again");
    probe_is(p, "cam1:AcquireBusy", "Done");
}

/* Frames that wait behind another plugin are that one's: the camera does not wait for them. */
static void behind_another(struct probe *p)
{
    probe_set(p, "Stats1:EnableCallbacks", "Enable"); /* behind ROI1 */
    stick(p, "Stats1");
    acquire(p, 1);
    probe_becomes(p, "ROI1:NumQueuedArrays", "1");
    probe_is_number(p, "cam1:NumQueuedArrays", 0);
    probe_is_number(p, "Stats1:ArrayCounter_RBV", 0);
    stick(p, "");
    probe_becomes(p, "ROI1:NumQueuedArrays", "0");
    probe_becomes(p, "Stats1:ArrayCounter_RBV", "1");
}

/* The camera itself stands still, and no frame is dropped. */
static void blocks(struct probe *p)
{
    probe_set(p, "ROI1:QueueSize", "1");
    probe_set(p, "ROI1:BlockingCallbacks", "Yes");
    probe_set(p, "cam1:NumImages", "3");
    double before = probe_get_number(p, "ROI1:ArrayCounter_RBV");
    double counted = probe_get_number(p, "cam1:ArrayCounter_RBV");
    char next[16];
    snprintf(next, sizeof next, "%.0f", counted + 1);
    stick(p, "ROI1");
    testOk(probe_put_start(p, "cam1:Acquire", "1") == 0, "Acquire=1 with completion");
    probe_becomes(p, "cam1:ArrayCounter_RBV", next);
    testOk(probe_completed(p, "cam1:Acquire", 0.2) != 0, "does not complete");
    probe_is(p, "cam1:ArrayCounter_RBV", next);
    probe_is(p, "cam1:Acquire_RBV", "Acquiring");
    probe_is_number(p, "cam1:NumQueuedArrays", 0);
    stick(p, "");
    testOk(probe_completed(p, "cam1:Acquire", 10) == 0, "until the plugin moves again");
    probe_is_number(p, "ROI1:ArrayCounter_RBV", before + 3);
    probe_is_number(p, "ROI1:DroppedArrays_RBV", 0);
}

int main(void)
{
    char folder[] = "/tmp/cophyd-queue-XXXXXX", command[64];
    if (!mkdtemp(folder)) testAbort("no folder");
    testPlan(0);
    struct sim *sim =
        sim_start((const char *const[]){"--size", "64x48", "--instant", "--raw", folder, NULL});
    struct probe *p = probe_new("Pilatus:");
    probe_set(p, "cam1:AcquireTime", "0.001");
    probe_set(p, "cam1:AcquirePeriod", "0.002");
    probe_set(p, "ROI1:EnableCallbacks", "Enable");
    drops(p);
    waits(p);
    behind_another(p);
    blocks(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
