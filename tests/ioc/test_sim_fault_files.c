/* The faults of disk and plugins, as areadetector.md's section on files has their symptoms: often
 * no error at all but counts that stand still. */
#include <stdio.h>
#include <string.h>

#include <epicsUnitTest.h>

#include "lib/fault.h"
#include "lib/probe.h"

static void set_up(struct probe *p)
{
    static const char *const settings[][2] = {
        {"cam1:WaitForPlugins", "Yes"},
        {"HDF1:CreateDirectory", "-5"},
        {"HDF1:FilePath", "/data/h5/"},
        {"HDF1:FileName", "f"},
        {"HDF1:AutoIncrement", "Yes"},
        {"HDF1:FileTemplate", "%s%s_%3.3d.h5"},
        {"HDF1:FileWriteMode", "Stream"},
        {"HDF1:NumCapture", "0"},
        {"HDF1:EnableCallbacks", "Enable"},
        {"HDF1:LazyOpen", "Yes"},
        {"HDF1:QueueSize", "3"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        probe_set(p, settings[i][0], settings[i][1]);
    static const char *const watched[] = {"HDF1:Capture_RBV", "HDF1:NumCaptured_RBV",
                                          "HDF1:WriteStatus", "cam1:NumQueuedArrays"};
    testOk(probe_watch(p, watched, sizeof watched / sizeof *watched) == 0, "watched");
}

static void capture(struct probe *p)
{
    testOk(probe_put(p, "HDF1:Capture", "1") == 0, "Capture=1");
    testOk(probe_until(p, "HDF1:Capture_RBV", "Capturing", 5) == 0, "it captures");
}

static void end_capture(struct probe *p)
{
    testOk(probe_put(p, "HDF1:Capture", "0") == 0, "Capture=0");
    testOk(probe_until(p, "HDF1:Capture_RBV", "Done", 5) == 0, "it ends");
}

static void acquire(struct probe *p)
{
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 20) == 0, "an acquisition completes OK");
    probe_is(p, "cam1:DetectorState_RBV", "Idle");
}

static void counts(struct probe *p, const char *captured)
{
    probe_is(p, "HDF1:NumCaptured_RBV", captured);
}

static void begins_with(struct probe *p, const char *name, const char *wanted)
{
    char found[600] = "";
    probe_get(p, name, found, sizeof found);
    testOk(strncmp(found, wanted, strlen(wanted)) == 0, "%s is '%s'", name, found);
}

static void well(struct probe *p)
{
    probe_set(p, "HDF1:FilePath", "/data/h5/");
    probe_is(p, "HDF1:FilePathExists_RBV", "Yes");
    capture(p);
    acquire(p);
    acquire(p);
    counts(p, "2");
    probe_is(p, "HDF1:WriteStatus", "Write OK");
    end_capture(p);
    probe_is(p, "cam1:NumQueuedArrays", "0");
}

/* Each frame sets WriteStatus to OK and fails again; the count stands still. */
static void disk_full(struct probe *p)
{
    capture(p);
    probe_set(p, "HDF1:ArrayCounter", "0");
    acquire(p);
    counts(p, "0");
    probe_is(p, "HDF1:ArrayCounter_RBV", "1");
    probe_is(p, "HDF1:WriteStatus", "Write error");
    begins_with(p, "HDF1:WriteMessage", "Error writing file /data/h5/f_");
    end_capture(p);
}

/* With LazyOpen nothing tells but Capture that falls and the count; without, Capture falls back. */
static void open_fails(struct probe *p)
{
    capture(p);
    int mark = probe_mark(p);
    acquire(p);
    testOk(probe_wait(p, mark, "HDF1:Capture_RBV", "Done", 5) >= 0, "Capture falls by itself");
    counts(p, "0");
    probe_is(p, "HDF1:WriteStatus", "Write OK");
    probe_is(p, "HDF1:WriteMessage", "");
    begins_with(p, "HDF1:FullFileName_RBV", "/data/h5/f_");
    probe_set(p, "HDF1:LazyOpen", "No");
    testOk(probe_put(p, "HDF1:Capture", "1") == 0, "Capture=1");
    testOk(probe_until(p, "HDF1:WriteStatus", "Write error", 5) == 0, "an error shows");
    testOk(probe_until(p, "HDF1:Capture", "Done", 5) == 0, "Capture falls back");
    probe_is(p, "HDF1:Capture_RBV", "Done");
    begins_with(p, "HDF1:WriteMessage", "Error opening file /data/h5/f_");
    probe_set(p, "HDF1:LazyOpen", "Yes");
}

static void vanishes(struct probe *p)
{
    capture(p);
    int mark = probe_mark(p);
    acquire(p);
    testOk(probe_wait(p, mark, "HDF1:Capture_RBV", "Done", 5) >= 0, "Capture falls by itself");
    counts(p, "0");
    probe_is(p, "HDF1:FilePathExists_RBV", "No");
    testOk(probe_get_severity(p, "HDF1:FilePathExists_RBV") == 2, "with severity 2");
    probe_set(p, "HDF1:FilePath", "/data/h5/");
    probe_is(p, "HDF1:FilePathExists_RBV", "No");
}

/* The queue is short: what a slow disk cannot take in time is dropped, and counted. */
static void slow_disk(struct probe *p)
{
    double before = probe_get_number(p, "HDF1:DroppedArrays_RBV");
    probe_set(p, "cam1:NumImages", "10");
    probe_set(p, "cam1:AcquireTime", "0.001");
    probe_set(p, "cam1:AcquirePeriod", "0.002");
    capture(p);
    acquire(p);
    double dropped = probe_get_number(p, "HDF1:DroppedArrays_RBV") - before;
    double captured = probe_get_number(p, "HDF1:NumCaptured_RBV");
    testOk(dropped > 0 && captured > 0 && dropped + captured == 10, "%g written, %g dropped",
           captured, dropped);
    end_capture(p);
    probe_set(p, "cam1:NumImages", "1");
}

static void drops(struct probe *p)
{
    double before = probe_get_number(p, "HDF1:DroppedArrays_RBV");
    capture(p);
    acquire(p);
    acquire(p);
    acquire(p);
    counts(p, "1");
    testOk(probe_get_number(p, "HDF1:DroppedArrays_RBV") == before + 2, "two were dropped");
    probe_is(p, "HDF1:WriteStatus", "Write OK");
    testOk(probe_get_number(p, "sim1:DropArrays") == 0, "none is left to drop");
    end_capture(p);
}

/* With WaitForPlugins Acquire falls and AcquireBusy stays; the queue names the plugin. */
static void stuck(struct probe *p)
{
    capture(p);
    int mark = probe_mark(p);
    testOk(probe_put_start(p, "cam1:Acquire", "1") == 0, "an acquisition is started");
    testOk(probe_wait(p, mark, "cam1:NumQueuedArrays", "1", 5) >= 0, "its frame is queued");
    testOk(probe_until(p, "cam1:Acquire_RBV", "Done", 5) == 0, "Acquire falls");
    probe_is(p, "cam1:DetectorState_RBV", "Idle");
    probe_is(p, "cam1:AcquireBusy", "Acquiring");
    counts(p, "0");
    probe_is(p, "HDF1:LazyOpen_RBV", "Yes"); /* its channels answer */
    testOk(probe_put(p, "sim1:PluginStuck", "") == 0, "the plugin moves again");
    testOk(probe_completed(p, "cam1:Acquire", 5) == 0, "then the put completes");
    counts(p, "1");
    end_capture(p);
}

int main(void)
{
    static const struct fault faults[] = {
        {"DiskFull", "1", disk_full, well, 0},    {"OpenFails", "1", open_fails, well, 0},
        {"PathVanishes", "1", vanishes, well, 0}, {"SlowDisk", "0.1", slow_disk, well, 0},
        {"DropArrays", "2", drops, well, 0},      {"PluginStuck", "HDF1", stuck, well, 0},
    };
    testPlan(0);
    fault_try(faults, sizeof faults / sizeof *faults, set_up);
    return testDone();
}
