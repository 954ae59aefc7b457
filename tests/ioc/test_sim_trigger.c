/* The simulator's trigger modes: what each waits for once Armed is 1, and what a pulse or a gate
 * before or at the wrong time does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

static const char *const watched[] = {"cam1:Armed", "cam1:ArrayCounter_RBV",
                                      "cam1:DetectorState_RBV", "cam1:FullFileName_RBV",
                                      "cam1:StatusMessage_RBV"};
enum { WATCHED = sizeof watched / sizeof *watched };

static int frames(struct probe *p)
{
    return (int)probe_get_number(p, "cam1:ArrayCounter_RBV");
}

/* Starts an acquisition and waits until it is armed; returns where the log was before. */
static int arm(struct probe *p, const char *mode, const char *images)
{
    probe_set(p, "cam1:TriggerMode", mode);
    probe_set(p, "cam1:NumImages", images);
    int mark = probe_mark(p);
    testOk(probe_put_start(p, "cam1:Acquire", "1") == 0, "%s, %s images", mode, images);
    testOk(probe_wait(p, mark, "cam1:Armed", "Armed", 10) >= 0, "the detector is armed");
    return mark;
}

static void frame_comes(struct probe *p, int mark, int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    testOk(probe_wait(p, mark, "cam1:ArrayCounter_RBV", text, 10) >= 0, "frame %d comes", number);
}

/* The acquisition is over, and what it did from mark on is just that many frames. */
static void over(struct probe *p, int mark, int images)
{
    struct probe_event e;
    int seen = 0;
    testOk(probe_completed(p, "cam1:Acquire", 20) == 0, "it completes");
    probe_is(p, "cam1:DetectorState_RBV", "Idle");
    probe_is(p, "cam1:Armed", "Unarmed");
    testOk(probe_wait(p, mark, "cam1:DetectorState_RBV", "Idle", 10) >= 0, "it is over");
    for (; probe_event(p, mark, &e); mark++)
        seen += strcmp(e.name, "cam1:ArrayCounter_RBV") == 0;
    testOk(seen == images, "%d frames came, wanted %d", seen, images);
}

static void no_frame_since(struct probe *p, int mark)
{
    struct probe_event e;
    int seen = 0;
    for (; probe_event(p, mark, &e); mark++)
        seen += strcmp(e.name, "cam1:ArrayCounter_RBV") == 0;
    testOk(seen == 0, "no frame came before");
}

static void ext_trigger(struct probe *p)
{
    int before = frames(p), mark = arm(p, "Ext. Trigger", "3");
    no_frame_since(p, mark);
    probe_set(p, "sim1:Pulse", "1");
    over(p, mark, 3);
    testOk(frames(p) == before + 3, "one pulse starts the series");
    probe_is(p, "sim1:Pulse", "0");
    mark = arm(p, "Ext. Trigger", "1");
    probe_set(p, "sim1:Pulse", "1");
    over(p, mark, 1);
}

/* Pulses before Armed count for nothing: that is why a client waits for it. */
static void too_early(struct probe *p)
{
    probe_set(p, "sim1:Pulse", "5");
    int before = frames(p), mark = arm(p, "Mult. Trigger", "2");
    no_frame_since(p, mark);
    probe_set(p, "sim1:Pulse", "1");
    frame_comes(p, mark, before + 1);
    probe_set(p, "sim1:Pulse", "1");
    over(p, mark, 2);
}

/* A pulse during an exposure is lost. */
static void too_many(struct probe *p)
{
    int before = frames(p), mark = arm(p, "Mult. Trigger", "3");
    probe_set(p, "sim1:Pulse", "2");
    frame_comes(p, mark, before + 1);
    int after = probe_mark(p);
    probe_set(p, "sim1:Pulse", "2");
    frame_comes(p, after, before + 2);
    probe_set(p, "sim1:Pulse", "1");
    over(p, mark, 3);
}

static void ext_enable(struct probe *p)
{
    int before = frames(p), mark = arm(p, "Ext. Enable", "2");
    for (int i = 1; i <= 2; i++) {
        int high = probe_mark(p);
        probe_set(p, "sim1:Gate", "High");
        probe_is(p, "cam1:Armed", "Armed");
        no_frame_since(p, high);
        probe_set(p, "sim1:Gate", "Low");
        frame_comes(p, mark, before + i);
    }
    over(p, mark, 2);
    probe_set(p, "sim1:Gate", "High");
    before = frames(p);
    mark = arm(p, "Ext. Enable", "1");
    no_frame_since(p, mark);
    probe_set(p, "sim1:Gate", "Low");
    over(p, mark, 1);
    testOk(frames(p) == before + 1, "a gate that was high already counts");
}

static void alignment(struct probe *p)
{
    int before = frames(p), mark = arm(p, "Alignment", "7");
    frame_comes(p, mark, before + 3);
    probe_is(p, "cam1:NumImages_RBV", "1");
    testOk(probe_put(p, "cam1:Acquire", "0") == 0, "only a stop ends it");
    testOk(probe_completed(p, "cam1:Acquire", 20) == 0, "then it completes");
    probe_is(p, "cam1:DetectorState_RBV", "Aborted");
    char name[64];
    testOk(probe_get(p, "cam1:FullFileName_RBV", name, sizeof name) == 0 &&
               strstr(name, "/alignment.tif"),
           "into one file, %s", name);
}

/* The driver's patience: for an image of a series the exposure and ImageFileTmot. */
static void no_pulse(struct probe *p)
{
    probe_set(p, "cam1:ImageFileTmot", "0.3");
    int mark = arm(p, "Ext. Trigger", "2");
    testOk(probe_completed(p, "cam1:Acquire", 20) == 0, "without a pulse it completes too");
    probe_is(p, "cam1:DetectorState_RBV", "Error");
    probe_is(p, "cam1:StatusMessage_RBV", "Timeout waiting for file to be created");
    no_frame_since(p, mark);
    probe_set(p, "cam1:ImageFileTmot", "20");
    mark = arm(p, "Mult. Trigger", "2");
    testOk(probe_put(p, "cam1:Acquire", "0") == 0, "one that waits can be stopped");
    testOk(probe_completed(p, "cam1:Acquire", 20) == 0, "it completes");
    probe_is(p, "cam1:DetectorState_RBV", "Aborted");
    no_frame_since(p, mark);
}

int main(void)
{
    char folder[] = "/tmp/cophyd-trigger-XXXXXX", command[64];
    if (!mkdtemp(folder)) testAbort("no folder");
    testPlan(0);
    struct sim *sim = sim_start((const char *const[]){"--size", "32x24", "--instant", "--exposure",
                                                      "0.01", "--raw", folder, NULL});
    struct probe *p = probe_new("Pilatus:");
    testOk(probe_watch(p, watched, WATCHED) == 0, "the channels are watched");
    probe_set(p, "cam1:AcquirePeriod", "0.011");
    ext_trigger(p);
    too_early(p);
    too_many(p);
    ext_enable(p);
    alignment(p);
    no_pulse(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
