/* How the simulator's plugins take frames: queues, drops, blocking, WaitForPlugins; with the
 * largest detector, whose frames take the HDF5 plugin long enough to see all that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { COLS = 2463, ROWS = 2527, PIXELS = COLS * ROWS };

static void put(struct probe *p, const char *name, const char *value)
{
    testOk(probe_put_complete(p, name, value, 20) == 0, "%s = %s completes", name, value);
}

static int updates(struct probe *p, int mark, const char *name)
{
    struct probe_event e;
    int count = 0;
    for (int at = mark; probe_event(p, at, &e); at++)
        count += strcmp(e.name, name) == 0;
    return count;
}

static void set_up(struct probe *p, const char *folder)
{
    put(p, "cam1:AcquireTime", "0.001");
    put(p, "cam1:WaitForPlugins", "Yes");
    put(p, "HDF1:FilePath", folder);
    put(p, "HDF1:FileName", "x");
    put(p, "HDF1:FileTemplate", "%s%s_%d.h5");
    put(p, "HDF1:AutoIncrement", "Yes");
    put(p, "HDF1:FileWriteMode", "Stream");
    put(p, "HDF1:NumCapture", "0");
    put(p, "HDF1:LazyOpen", "Yes");
    put(p, "HDF1:Compression", "zlib");
    put(p, "HDF1:ZLevel", "1");
}

static void image(struct probe *p)
{
    static int found[PIXELS];
    int wrong = 0;
    put(p, "cam1:Acquire", "1");
    probe_is_number(p, "image1:ArrayCounter_RBV", 0); /* not enabled */
    put(p, "image1:EnableCallbacks", "1");
    put(p, "cam1:Acquire", "1");
    probe_is_number(p, "image1:ArrayCounter_RBV", 1);
    testOk(probe_get_longs(p, "image1:ArrayData", found, PIXELS) == PIXELS, "all pixels come");
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++)
            wrong += found[y * COLS + x] != (7919 * 2 + 2500 * y + x) % 1048576;
    testOk(wrong == 0, "%d of them are wrong", wrong);
    put(p, "image1:ProcessPlugin", "1");
    probe_is_number(p, "image1:ArrayCounter_RBV", 2);
}

static void too_early(struct probe *p)
{
    put(p, "image1:MinCallbackTime", "1000");
    put(p, "cam1:Acquire", "1");
    probe_is_number(p, "image1:ArrayCounter_RBV", 2);
    probe_is_number(p, "image1:DroppedArrays_RBV", 0); /* skipped, not dropped */
    probe_is_number(p, "image1:MaxArrayRate_RBV", 0.001);
    put(p, "image1:MinCallbackTime", "0");
}

static void blocking(struct probe *p)
{
    put(p, "image1:BlockingCallbacks", "Yes");
    int mark = probe_mark(p);
    put(p, "cam1:Acquire", "1");
    probe_is_number(p, "image1:ArrayCounter_RBV", 3);
    testOk(updates(p, mark, "cam1:NumQueuedArrays") == 0, "nothing was queued");
    put(p, "image1:EnableCallbacks", "0");
}

/* Completion tells that the frame is written only with WaitForPlugins=Yes. */
static void waits(struct probe *p)
{
    put(p, "HDF1:EnableCallbacks", "1");
    testOk(probe_put(p, "HDF1:Capture", "1") == 0, "Capture is sent");
    testOk(probe_until(p, "HDF1:Capture_RBV", "Capturing", 5) == 0, "and on");
    put(p, "cam1:Acquire", "1");
    probe_is_number(p, "HDF1:NumCaptured_RBV", 1);
    probe_is_number(p, "cam1:NumQueuedArrays", 0);
    put(p, "cam1:WaitForPlugins", "No");
    put(p, "cam1:Acquire", "1");
    probe_is_number(p, "HDF1:NumCaptured_RBV", 1); /* still at work on the second */
    testOk(probe_until(p, "HDF1:NumCaptured_RBV", "2", 20) == 0, "it comes later");
    put(p, "cam1:WaitForPlugins", "Yes");
}

static void drops(struct probe *p)
{
    put(p, "HDF1:QueueSize", "1");
    probe_is_number(p, "HDF1:QueueSize_RBV", 1);
    probe_is_number(p, "HDF1:QueueFree", 1);
    put(p, "cam1:NumImages", "6");
    put(p, "cam1:Acquire", "1");
    double captured = probe_get_number(p, "HDF1:NumCaptured_RBV") - 2;
    double dropped = probe_get_number(p, "HDF1:DroppedArrays_RBV");
    testOk(dropped > 0 && captured > 0, "%g captured, %g dropped", captured, dropped);
    testOk(captured + dropped == 6, "which makes all");
    probe_is_number(p, "cam1:NumQueuedArrays", 0);
    probe_is_number(p, "HDF1:QueueFree", 1);
    probe_is_number(p, "HDF1:QueueUse", 0);
    testOk(probe_put(p, "HDF1:Capture", "0") == 0, "Capture=0 is sent");
    testOk(probe_until(p, "HDF1:Capture_RBV", "Done", 20) == 0, "and done");
}

int main(void)
{
    char folder[] = "/tmp/cophyd-plugins-XXXXXX", command[64];
    if (!mkdtemp(folder)) testAbort("no folder");
    testPlan(0);
    struct sim *sim =
        sim_start((const char *const[]){"--size", "2463x2527", "--instant", "--raw", folder, NULL});
    struct probe *p = probe_new("Pilatus:");
    testOk(probe_watch(p, (const char *const[]){"cam1:NumQueuedArrays"}, 1) == 0, "watched");
    set_up(p, folder);
    image(p);
    too_early(p);
    blocking(p);
    waits(p);
    drops(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
