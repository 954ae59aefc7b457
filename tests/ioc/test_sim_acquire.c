/* The simulator's camera and image plugin against what was measured on the real IOC. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { COLS = 64, ROWS = 48, PIXELS = COLS * ROWS };

static const char *const watched[] = {
    "cam1:Acquire",
    "cam1:Acquire_RBV",
    "cam1:AcquireBusy",
    "cam1:AcquireBusyCB",
    "cam1:Armed",
    "cam1:DetectorState_RBV",
    "cam1:StatusMessage_RBV",
    "cam1:ArrayCounter_RBV",
    "cam1:FileNumber",
    "cam1:FileNumber_RBV",
    "cam1:FullFileName_RBV",
    "cam1:NumQueuedArrays",
    "cam1:SetAcquireBusy",
    "cam1:ClearAcquireBusy",
    "image1:UniqueId_RBV",
};
enum { WATCHED = sizeof watched / sizeof *watched };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Where camserver can write and without that: the driver gets images through files only. */
static void without_raw(struct probe *p)
{
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 5) == 0,
           "without a file name an acquisition completes all the same");
    probe_is(p, "cam1:DetectorState_RBV", "Error");
    probe_is(p, "cam1:StatusMessage_RBV", "Error from camserver");
    probe_is(p, "cam1:Acquire_RBV", "Done");
}

static void set_up(struct probe *p, const char *raw)
{
    probe_set(p, "cam1:FilePath", raw);
    probe_is(p, "cam1:FilePathExists_RBV", "Yes");
    probe_set(p, "cam1:FileName", "raw");
    probe_set(p, "cam1:FileTemplate", "%s%s_%4.4d.tif");
    probe_set(p, "cam1:AutoIncrement", "1");
    probe_set(p, "cam1:FileNumber", "6");
    probe_set(p, "cam1:ImageMode", "Single");
    probe_set(p, "cam1:AcquireTime", "0.1");
    probe_set(p, "cam1:AcquirePeriod", "0.105");
    probe_set(p, "cam1:WaitForPlugins", "Yes");
    probe_set(p, "image1:EnableCallbacks", "1");
}

static void single(struct probe *p, const char *raw)
{
    char name[300];
    snprintf(name, sizeof name, "%sraw_0006.tif", raw);
    int mark = probe_mark(p);
    double start = now();
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 5) == 0, "an acquisition completes");
    double took = now() - start;
    testOk(took >= 0.1 && took < 3, "it took %.3f s, the exposure at least", took);
    testOk(probe_wait(p, mark, "cam1:ClearAcquireBusy", "0", 5) >= 0, "AcquireBusy was cleared");
    testOk(probe_wait(p, mark, "cam1:StatusMessage_RBV", "Waiting for acquire command", 5) >= 0,
           "the camera waits again");
    PROBE_WENT(p, mark, "cam1:Acquire", "Acquire", "Done");
    PROBE_WENT(p, mark, "cam1:Acquire_RBV", "Acquiring", "Done");
    PROBE_WENT(p, mark, "cam1:AcquireBusyCB", "Acquiring", "Done");
    PROBE_WENT(p, mark, "cam1:AcquireBusy", "Acquiring", "Done");
    PROBE_WENT(p, mark, "cam1:SetAcquireBusy", "1", "0");
    PROBE_WENT(p, mark, "cam1:ClearAcquireBusy", "1", "0");
    PROBE_WENT(p, mark, "cam1:Armed", "Armed", "Unarmed");
    PROBE_WENT(p, mark, "cam1:DetectorState_RBV", "Acquire", "Idle");
    PROBE_WENT(p, mark, "cam1:FullFileName_RBV", name);
    PROBE_WENT(p, mark, "cam1:FileNumber", "7");
    PROBE_WENT(p, mark, "cam1:ArrayCounter_RBV", "1");
    PROBE_WENT(p, mark, "cam1:NumQueuedArrays", "1", "0");
    PROBE_WENT(p, mark, "image1:UniqueId_RBV", "1");
}

static void pixels(struct probe *p, int frame)
{
    static int found[PIXELS];
    int wrong = 0;
    testOk(probe_get_longs(p, "image1:ArrayData", found, PIXELS) == PIXELS, "all pixels come");
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++)
            wrong += found[y * COLS + x] != (7919 * frame + 2500 * y + x) % 1048576;
    testOk(wrong == 0, "%d of frame %d's pixels are wrong", wrong, frame);
    probe_is(p, "image1:DataType_RBV", "Int32");
    probe_is(p, "image1:ArraySize0_RBV", "64");
    probe_is(p, "image1:ArraySize1_RBV", "48");
    probe_is(p, "image1:ArraySizeX_RBV", "64");
    probe_is(p, "cam1:DataType_RBV", "Int8"); /* disabled, as on the real one */
}

static void series(struct probe *p)
{
    probe_set(p, "cam1:NumImages", "5");
    probe_set(p, "cam1:AcquireTime", "0.02");
    probe_set(p, "cam1:AcquirePeriod", "0.05");
    int mark = probe_mark(p);
    double start = now();
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 10) == 0, "five images complete");
    double took = now() - start;
    testOk(took >= 0.22, "they took %.3f s: four periods and an exposure at least", took);
    testOk(probe_wait(p, mark, "image1:UniqueId_RBV", "6", 5) >= 0, "the last arrived");
    PROBE_WENT(p, mark, "cam1:ArrayCounter_RBV", "2", "3", "4", "5", "6");
    PROBE_WENT(p, mark, "image1:UniqueId_RBV", "2", "3", "4", "5", "6");
    PROBE_WENT(p, mark, "cam1:FileNumber_RBV", "8");
    probe_is(p, "image1:ArrayCounter_RBV", "6");
    probe_is(p, "cam1:NumImagesCounter_RBV", "0"); /* the driver does not count there */
    probe_set(p, "cam1:NumImages", "1");
}

static void stop(struct probe *p)
{
    probe_set(p, "cam1:AcquireTime", "3");
    int mark = probe_mark(p);
    testOk(probe_put_start(p, "cam1:Acquire", "1") == 0, "an exposure of 3 s is started");
    testOk(probe_wait(p, mark, "cam1:Armed", "Armed", 5) >= 0, "it is under way");
    double start = now();
    testOk(probe_put(p, "cam1:Acquire", "0") == 0, "it is stopped by a plain put");
    testOk(probe_completed(p, "cam1:Acquire", 5) == 0, "the first put completes");
    double took = now() - start;
    testOk(took > 1.9 && took < 2.9, "that took %.2f s, about 2", took);
    probe_is(p, "cam1:DetectorState_RBV", "Aborted");
    probe_is(p, "cam1:StatusMessage_RBV", "Acquisition aborted");
    PROBE_WENT(p, mark, "cam1:DetectorState_RBV", "Acquire", "Aborted");
    testOk(probe_wait(p, mark, "cam1:ClearAcquireBusy", "0", 5) >= 0, "AcquireBusy was cleared");
    probe_set(p, "cam1:AcquireTime", "0.01");
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 5) == 0, "the next one runs");
    probe_is(p, "cam1:DetectorState_RBV", "Idle");
}

/* Refused, or taken and changed, as measured. */
static void bad_values(struct probe *p)
{
    testOk(probe_put_complete(p, "cam1:ImageMode", "NoSuchMode", 5) != 0, "an unknown label fails");
    testOk(probe_put_complete(p, "cam1:ImageMode", "99", 5) != 0 ||
               probe_get_severity(p, "cam1:ImageMode") == 3,
           "an unknown index is refused or shows as INVALID");
    probe_set(p, "cam1:ImageMode", "Single");
    probe_set(p, "cam1:NumImages", "-3");
    probe_is(p, "cam1:NumImages", "-3");
    probe_is(p, "cam1:NumImages_RBV", "1");
    probe_set(p, "cam1:NumImages", "1");
    probe_set(p, "cam1:AcquireTime", "-1");
    probe_is(p, "cam1:AcquireTime_RBV", "1.000");
    probe_set(p, "cam1:AcquireTime", "nan");
    testOk(isnan(probe_get_number(p, "cam1:AcquireTime_RBV")), "NaN is taken");
    testOk(probe_get_severity(p, "cam1:AcquireTime_RBV") == 3, "and INVALID");
    testOk(probe_put_complete(p, "cam1:AcquireTime", "abc", 5) != 0, "text is no number");
    probe_set(p, "cam1:AcquireTime", "0.1");
    probe_set(p, "cam1:Acquire_RBV", "1");
    probe_set(p, "image1:NDArrayPort", "NOPORT");
    probe_is(p, "image1:NDArrayPort_RBV", "NOPORT");
    int mark = probe_mark(p);
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 5) == 0, "nobody gets this image");
    probe_set(p, "image1:NDArrayPort", "PIL");
    PROBE_WENT(p, mark, "cam1:NumQueuedArrays", NULL);
}

static void hung(const char *raw)
{
    const char *arguments[] = {"--size",    "64x48",      "--raw", raw, "--fault=ExposureHangs",
                               "--instant", "--exposure", "0.1",   NULL};
    struct sim *sim = sim_start(arguments);
    struct probe *p = probe_new("Pilatus:");
    char path[300];
    snprintf(path, sizeof path, "%s/", raw);
    probe_is(p, "cam1:FilePath_RBV", path);
    probe_is(p, "cam1:AcquireTime_RBV", "0.100");
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 5) == 0,
           "a hung camserver lets the put complete");
    probe_is(p, "cam1:DetectorState_RBV", "Error");
    probe_is(p, "cam1:StatusMessage_RBV", "Camserver returned OK");
    probe_is(p, "cam1:Acquire_RBV", "Done");
    probe_is(p, "cam1:ArrayCounter_RBV", "0");
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
}

int main(void)
{
    char raw[] = "/tmp/cophyd-raw-XXXXXX", slash[64], command[64];
    if (!mkdtemp(raw)) testAbort("no folder");
    snprintf(slash, sizeof slash, "%s/", raw);
    testPlan(0);
    struct sim *sim = sim_start((const char *const[]){"--size", "64x48", NULL});
    struct probe *p = probe_new("Pilatus:");
    testOk(probe_watch(p, watched, WATCHED) == 0, "the channels are watched");
    without_raw(p);
    set_up(p, slash);
    single(p, slash);
    pixels(p, 1);
    series(p);
    pixels(p, 6);
    stop(p);
    bad_values(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    hung(raw);
    snprintf(command, sizeof command, "rm -r %s", raw);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
