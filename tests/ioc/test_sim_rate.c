/* 500 frames a second of 487 x 195 for three seconds: none is lost, of those asked for each comes
 * to image1 and into HDF1's file. The time that it takes is told, not tested. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { FRAMES = 1500 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void set_up(struct probe *p, const char *folder)
{
    const char *const settings[][2] = {
        {"HDF1:FilePath", folder},          {"HDF1:FileName", "rate"},
        {"HDF1:FileTemplate", "%s%s.h5"},   {"HDF1:FileWriteMode", "Stream"},
        {"HDF1:LazyOpen", "Yes"},           {"HDF1:NumCapture", "0"},
        {"HDF1:QueueSize", "1500"},         {"image1:QueueSize", "1500"}, /* on a busy machine */
        {"HDF1:EnableCallbacks", "Enable"}, {"image1:EnableCallbacks", "Enable"},
        {"cam1:NumImages", "1500"},         {"cam1:AcquireTime", "0.001"},
        {"cam1:AcquirePeriod", "0.002"},    {"cam1:WaitForPlugins", "Yes"},
    };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        probe_set(p, settings[i][0], settings[i][1]);
}

static void is_all(struct probe *p, const char *name)
{
    double found = probe_get_number(p, name);
    testOk(found == FRAMES, "%s is %g, wanted %d", name, found, FRAMES);
}

int main(void)
{
    char folder[] = "/tmp/cophyd-rate-XXXXXX", command[64];
    if (!mkdtemp(folder)) testAbort("no folder");
    testPlan(0);
    struct sim *sim = sim_start((const char *const[]){"--size", "487x195", "--raw", folder, NULL});
    struct probe *p = probe_new("Pilatus:");
    set_up(p, folder);
    testOk(probe_put(p, "HDF1:Capture", "1") == 0, "Capture=1 is sent");
    testOk(probe_until(p, "HDF1:Capture_RBV", "Capturing", 10) == 0, "and on");
    double start = now();
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 120) == 0, "they complete");
    testDiag("%d frames in %.2f s", FRAMES, now() - start);
    probe_is(p, "cam1:DetectorState_RBV", "Idle");
    is_all(p, "cam1:ArrayCounter_RBV");
    is_all(p, "image1:ArrayCounter_RBV");
    is_all(p, "image1:UniqueId_RBV");
    is_all(p, "HDF1:ArrayCounter_RBV");
    is_all(p, "HDF1:NumCaptured_RBV");
    probe_is(p, "image1:DroppedArrays_RBV", "0");
    probe_is(p, "HDF1:DroppedArrays_RBV", "0");
    testOk(probe_put(p, "HDF1:Capture", "0") == 0, "Capture=0 is sent");
    testOk(probe_until(p, "HDF1:Capture_RBV", "Done", 60) == 0, "and done");
    probe_is(p, "HDF1:WriteStatus", "Write OK");
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
