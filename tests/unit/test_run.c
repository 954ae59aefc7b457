/* ad/run without files: cameras that count from 0 at each start, a level that stands from a former
 * run, a stop that is lost. The release of the put is its completion. */
#include "ad/builtin_classes.h"
#include "core/device.h"
#include "lib/fake_link.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <semaphore.h>
#include <string.h>

static const char classes[] = "class Cam : CamBase\n"
                              "row armed           Armed       ro enum  omitted\n"
                              "row image_file_tmot ImageFileTmot rw float omitted\n"
                              "class Det : SingleTrigger DetectorBase\n"
                              "dev cam cam1: Cam\n"
                              "class Cycle : MultiTrigger DetectorBase\n"
                              "dev cam cam1: Cam\n"
                              "cycle one cam.num_images=4\n"
                              "cycle two cam.num_images=6\n";

static const double PATIENCE = 20; /* for a status that should end by itself */

static const struct {
    const char *name;
    int32_t dtype;
    const char *labels, *value;
    int readback;
} pvs[] = {
    {"ADCoreVersion_RBV", OPH_TEXT, "", "3.12.1", 0},
    {"Acquire", OPH_ENUM, "Done,Acquire", "0", 1},
    {"AcquireBusy", OPH_ENUM, "Done,Acquiring", "0", 0},
    {"WaitForPlugins", OPH_ENUM, "No,Yes", "1", 0},
    {"DetectorState_RBV", OPH_ENUM,
     "Idle,Acquire,Readout,Correct,Saving,Aborting,Error,Waiting,Initializing,Disconnected,Aborted",
     "0", 0},
    {"ArrayCounter", OPH_INT32, "", "3", 1},
    {"NumImages", OPH_INT32, "", "5", 1},
    {"ImageMode", OPH_ENUM, "Single,Multiple", "1", 1},
    {"TriggerMode", OPH_ENUM, "Internal,Ext. Enable,Ext. Trigger,Mult. Trigger", "0", 1},
    {"AcquireTime", OPH_FLOAT64, "", "0.01", 1},
    {"AcquirePeriod", OPH_FLOAT64, "", "0.02", 1},
    {"ImageFileTmot", OPH_FLOAT64, "", "0.1", 0},
    {"ArrayCallbacks", OPH_ENUM, "Disable,Enable", "1", 1},
    {"Armed", OPH_ENUM, "Unarmed,Armed", "0", 0},
};
enum { PV_COUNT = sizeof pvs / sizeof *pvs };

static void each_pv(void (*fn)(const char *name, size_t i))
{
    for (size_t i = 0; i < PV_COUNT; i++) {
        char name[80];
        for (int rbv = 0; rbv <= pvs[i].readback; rbv++) {
            snprintf(name, sizeof name, "X:cam1:%s%s", pvs[i].name, rbv ? "_RBV" : "");
            fn(name, i);
        }
    }
}

static void add_pv(const char *name, size_t i)
{
    fake_pv(name, pvs[i].dtype, 1, pvs[i].labels, pvs[i].value);
}

static void set_back(const char *name, size_t i)
{
    fake_set(name, pvs[i].value);
}

static oph_device *new_detector(void)
{
    const oph_context_options options = {
        .size = sizeof options, .put_timeout = 0.3, .grace = 0.1, .stop_timeout = 5};
    oph_context *ctx = fake_context_with(&options, NULL, &oph__builtin_behaviours);
    oph_error err = OPH_ERROR_INIT;
    oph_device *det = NULL;
    int rc = 0;
    for (const struct oph__class_text *b = oph__builtin_classes; !rc && b->name; b++)
        rc = oph_class_parse(ctx, b->text, b->name, NULL, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "test", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "Det", "X:", "det", &det, &err);
    if (rc) testAbort("%s", err.text);
    oph_context_free(ctx);
    return det;
}

static void stage(oph_device *det, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    testDiag("%s", what);
    each_pv(set_back);
    fake_code(oph_stage(det, NULL, &err), 0, &err, "stage");
    fake_rule("X:cam1:Acquire", FAKE_WITHHOLD);
    fake_forget_puts();
}

static void unstage(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    fake_rule("X:cam1:Acquire", FAKE_FOLLOW);
    fake_code(oph_unstage(det, NULL, &err), 0, &err, "unstage");
}

static oph_status *trigger(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    if (!fake_code(oph_trigger(det, &st, &err), 0, &err, "trigger"))
        testAbort("nothing to wait for");
    fake_wait_put("X:cam1:Acquire");
    return st;
}

static void complete(void)
{
    fake_set("X:cam1:Acquire_RBV", "0");
    fake_release("X:cam1:Acquire");
}

static void says(oph_status *st, int code, const char *text)
{
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_status_wait(st, PATIENCE, &err), code, &err, "it ends");
    testOk(strstr(err.text, text) != NULL, "%s", err.text);
    oph_status_unref(st);
}

/* From 3 it falls to 0, and passes 3 again on its way to 5. */
static void test_restarted(oph_device *det)
{
    static const char *const counts[] = {"0", "1", "2", "3", "4", "5"};
    oph_error err = OPH_ERROR_INIT;
    stage(det, "a count that begins anew and passes its former value");
    oph_status *st = trigger(det);
    for (int i = 0; i < 6; i++)
        fake_set("X:cam1:ArrayCounter_RBV", counts[i]);
    complete();
    fake_code(oph_status_wait(st, PATIENCE, &err), 0, &err, "all five are there");
    oph_status_unref(st);
    unstage(det);

    stage(det, "a count that goes on, and lacks three");
    st = trigger(det);
    fake_set("X:cam1:ArrayCounter_RBV", "4");
    fake_set("X:cam1:ArrayCounter_RBV", "5");
    complete();
    says(st, OPH_EACQUIRE, "frames are missing: DetectorState Idle, 2 from the camera");
    unstage(det);
}

static oph_status *kick_off(oph_device *det, oph_status **ret_all)
{
    const oph_series edges = {.size = sizeof edges,
                              .mode = OPH_SERIES_EDGE,
                              .frames = 1,
                              .triggers = 5,
                              .exposure = 0.01};
    oph_error err = OPH_ERROR_INIT;
    oph_status *begun = NULL;
    fake_code(oph_prepare(det, &edges, NULL, &err), 0, &err, "prepare");
    fake_forget_puts();
    if (!fake_code(oph_kickoff(det, &begun, &err), 0, &err, "kick off"))
        testAbort("nothing to wait for");
    fake_code(oph_complete(det, ret_all, &err), 0, &err, "complete");
    fake_wait_put("X:cam1:Acquire");
    return begun;
}

static void test_armed(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *all = NULL;
    stage(det, "Armed stands from a former run");
    fake_set("X:cam1:Armed", "1");
    oph_status *begun = kick_off(det, &all);
    testOk(!oph_status_finish(begun, NULL), "nobody else can finish it");
    fake_set("X:cam1:DetectorState_RBV", "1");
    testOk(!oph_status_done(begun), "that level says nothing");
    fake_set("X:cam1:Armed", "0");
    testOk(!oph_status_done(begun), "nor does its fall");
    fake_set("X:cam1:Armed", "1");
    fake_code(oph_status_wait(begun, PATIENCE, &err), 0, &err, "its rise does");
    testOk(!oph_status_done(all), "the frames are still to come");
    oph_status_unref(begun);
    fake_set("X:cam1:ArrayCounter_RBV", "8");
    fake_set("X:cam1:DetectorState_RBV", "0");
    complete();
    fake_code(oph_status_wait(all, PATIENCE, &err), 0, &err, "they have come");
    oph_status_unref(all);
    unstage(det);

    stage(det, "Armed does not rise");
    begun = kick_off(det, &all);
    says(begun, OPH_ETIMEOUT, "Armed did not rise");
    says(all, OPH_ETIMEOUT, "Armed did not rise");
    unstage(det);

    stage(det, "cancelled before Armed rises");
    begun = kick_off(det, &all);
    fake_rule("X:cam1:Acquire", FAKE_FOLLOW);
    fake_forget_puts();
    oph_status_cancel(begun, NULL);
    fake_wait_put("X:cam1:Acquire");
    fake_release("X:cam1:Acquire");
    says(begun, OPH_ECANCEL, "cancelled");
    says(all, OPH_ECANCEL, "cancelled");
    unstage(det);
}

static int times(const char *what)
{
    int n = 0;
    for (const char *at = fake_puts(); (at = strstr(at, what)); at++)
        n++;
    return n;
}

/* The camera takes the first stop for nothing, completes its put, and goes on. */
static void test_stop_lost(oph_device *det)
{
    stage(det, "a stop that came too early");
    oph_status *st = trigger(det);
    fake_rule("X:cam1:Acquire", FAKE_FOLLOW);
    fake_set("X:cam1:DetectorState_RBV", "1");
    fake_forget_puts();
    oph_status_cancel(st, NULL);
    fake_wait_put("X:cam1:Acquire");
    int before = fake_flushes();
    fake_release("X:cam1:Acquire");
    fake_wait_flushes(before + 3);
    testOk(!oph_status_done(st), "it waits until the camera has come to a halt");
    testOk(times("X:cam1:Acquire~0") >= 2, "and stops it again: %s", fake_puts());
    fake_set("X:cam1:DetectorState_RBV", "10");
    says(st, OPH_ECANCEL, "cancelled: DetectorState Aborted");
    unstage(det);
}

static void index_is(oph_device *det, int64_t wanted)
{
    oph_error err = OPH_ERROR_INIT;
    int64_t found = -1;
    fake_code(oph_series_index(det, &found, &err), 0, &err, "an index");
    testOk(found == wanted, "%lld frames are told of", (long long)found);
}

static const oph_series five_twice = {
    .size = sizeof five_twice, .frames = 5, .triggers = 2, .exposure = 0.01, .period = 0.02};

/* A kickoff that fails after two of its five frames: the next one's come after those. */
static void test_index(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    stage(det, "a series of which one kickoff fails");
    fake_code(oph_prepare(det, &five_twice, NULL, &err), 0, &err, "prepare");
    for (int i = 0; i < 2; i++) {
        oph_status *begun = NULL, *all = NULL;
        err.code = 0;
        fake_forget_puts();
        fake_code(oph_kickoff(det, &begun, &err), 0, &err, "kick off");
        fake_code(oph_complete(det, &all, &err), 0, &err, "complete");
        fake_wait_put("X:cam1:Acquire");
        if (i) index_is(det, 2);
        fake_set("X:cam1:ArrayCounter_RBV", i ? "10" : "5");
        complete();
        if (i)
            fake_code(oph_status_wait(all, PATIENCE, &err), 0, &err, "all five are there");
        else
            fake_code(oph_status_wait(all, PATIENCE, &err), OPH_EACQUIRE, &err, "three lack");
        index_is(det, i ? 7 : 2);
        oph_status_unref(begun);
        oph_status_unref(all);
    }
    unstage(det);
}

/* After a failure the camera may still run: nothing is changed under it, and unstage stops it. */
static void test_still_runs(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    stage(det, "a camera that goes on after a failure");
    oph_status *st = trigger(det);
    fake_set("X:cam1:ArrayCounter_RBV", "4");
    says(st, OPH_ETIMEOUT, "no frame came");
    fake_forget_puts();
    fake_code(oph_prepare(det, &five_twice, NULL, &err), OPH_ESTATE, &err, "prepare while it runs");
    fake_puts_are("", "nothing is put");
    fake_set("X:cam1:Acquire_RBV", "0");
    err.code = 0;
    fake_code(oph_prepare(det, &five_twice, NULL, &err), 0, &err, "prepare once it stands");
    testOk1(oph_device_state(det) == OPH_STATE_STAGED);
    fake_set("X:cam1:Acquire_RBV", "1");
    fake_set("X:cam1:DetectorState_RBV", "1");
    fake_forget_puts();
    fake_rule("X:cam1:Acquire", FAKE_FOLLOW);
    oph_report *report = NULL;
    oph_unstage(det, &report, &err);
    testOk(strncmp(fake_puts(), "X:cam1:Acquire", 14) == 0, "it is stopped first: %s", fake_puts());
    oph_report_free(report);
    fake_set("X:cam1:DetectorState_RBV", "0");
    fake_release("X:cam1:Acquire");
}

/* Somebody makes it go on for ever. */
static void test_endless(oph_device *det)
{
    stage(det, "frames without end");
    oph_status *st = trigger(det);
    int frames = 3;
    for (; frames < 1000 && !oph_status_done(st); frames++) {
        char text[16];
        snprintf(text, sizeof text, "%d", frames + 1);
        fake_set("X:cam1:ArrayCounter_RBV", text);
        oph_status_wait(st, 0.01, NULL);
    }
    testOk(frames < 1000, "it ends after %d frames", frames - 3);
    says(st, OPH_ETIMEOUT, "it goes on after the frames that were asked for");
    complete();
    unstage(det);
}

/* Keeps the engine from its jobs, so that some come together. */
struct hold {
    struct oph__job job;
    sem_t held, go;
};

static void run_hold(struct oph__job *job)
{
    struct hold *hold = (struct hold *)job;
    sem_post(&hold->held);
    sem_wait(&hold->go);
}

static void post_hold(struct hold *hold, const oph_device *dev)
{
    hold->job.run = run_hold;
    sem_init(&hold->held, 0, 0);
    sem_init(&hold->go, 0, 0);
    oph__loop_post(dev->ctx->engine, &hold->job);
}

static void end_hold(struct hold *hold)
{
    sem_post(&hold->go);
}

/* The run hears in one step that the settings are put, and that it is cancelled. */
static void test_cancel_meets_settings(const oph_device *det)
{
    struct hold completion, readback;
    oph_error err = OPH_ERROR_INIT;
    oph_device *cycle = NULL;
    fake_code(oph_device_new(det->ctx, "Cycle", "X:", "cycle", &cycle, &err), 0, &err, "a cycle");
    stage(cycle, "a cancel that meets the end of the settings");
    oph_status *st = trigger(cycle);
    fake_rule("X:cam1:NumImages", FAKE_WITHHOLD);
    fake_forget_puts();
    fake_set("X:cam1:ArrayCounter_RBV", "7");
    complete();
    fake_wait_put("X:cam1:NumImages");
    post_hold(&completion, det);
    sem_wait(&completion.held);
    fake_release("X:cam1:NumImages"); /* then the readback is asked for */
    post_hold(&readback, det);
    int flushes = fake_flushes();
    end_hold(&completion);
    sem_wait(&readback.held);
    fake_wait_flushes(flushes + 1);
    oph_status_cancel(st, NULL);
    end_hold(&readback);
    says(st, OPH_ECANCEL, "cancelled");
    fake_puts_are("X:cam1:NumImages=6", "the second step is not started");
    fake_rule("X:cam1:NumImages", FAKE_FOLLOW);
    unstage(cycle);
    oph_device_free(cycle);
}

/* It may all be over before the call that starts it has returned. */
static void test_over_at_once(oph_device *det)
{
    enum { ROUNDS = 200 };
    int refused = 0;
    oph_error err = OPH_ERROR_INIT;
    stage(det, "a start that is refused at once");
    fake_rule("X:cam1:Acquire", FAKE_REFUSE);
    for (int i = 0; i < ROUNDS; i++) {
        oph_status *st = NULL;
        if (oph_trigger(det, &st, &err)) break;
        refused += oph_status_wait(st, PATIENCE, &err) == OPH_EPUT;
        oph_status_unref(st);
    }
    testOk(refused == ROUNDS, "%d times: %s", refused, err.text);
    unstage(det);
}

/* The camera would never start, or somebody else's completion would end ours. */
static void test_not_at_rest(oph_device *det)
{
    static const struct {
        const char *pv, *value, *found;
    } rows[] = {
        {"X:cam1:Acquire_RBV", "1", "an acquisition that runs already"},
        {"X:cam1:AcquireBusy", "1", "Acquiring: plugins still work on the last one"},
        {"X:cam1:DetectorState_RBV", "1", "found Acquire"},
        {"X:cam1:DetectorState_RBV", "2", "found Readout"},
        {"X:cam1:DetectorState_RBV", "4", "found Saving"},
        {"X:cam1:DetectorState_RBV", "5", "found Aborting"},
        {"X:cam1:DetectorState_RBV", "7", "found Waiting"},
        {"X:cam1:DetectorState_RBV", "9", "found Disconnected"},
    };
    stage(det, "a camera that is not at rest");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        oph_error err = OPH_ERROR_INIT;
        oph_status *st = NULL;
        fake_set(rows[i].pv, rows[i].value);
        fake_code(oph_trigger(det, &st, &err), OPH_ESTATE, &err, "trigger is refused");
        testOk(strstr(err.text, rows[i].found) && !*fake_puts(), "%s", err.text);
        fake_set(rows[i].pv, "0");
        oph_status_unref(st);
    }
    unstage(det);

    static const char *const rests[] = {"6", "10"}; /* Error, Aborted */
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        stage(det, "one whose last acquisition was none");
        fake_set("X:cam1:DetectorState_RBV", rests[i]);
        oph_status *st = trigger(det);
        fake_set("X:cam1:DetectorState_RBV", "0");
        fake_set("X:cam1:ArrayCounter_RBV", "8");
        complete();
        says(st, 0, "");
        unstage(det);
    }
}

/* A put that completed proves nothing. */
static void test_bad_ends(oph_device *det)
{
    static const struct {
        const char *state, *counter, *found;
    } rows[] = {
        {"6", "8", "the detector failed: DetectorState Error"},
        {"9", "8", "the detector failed: DetectorState Disconnected"},
        {"10", "8", "somebody stopped it: DetectorState Aborted"},
        {"0", "9", "somebody else acquires too: DetectorState Idle, 6 from the camera"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        stage(det, rows[i].found);
        oph_status *st = trigger(det);
        fake_set("X:cam1:ArrayCounter_RBV", rows[i].counter);
        fake_set("X:cam1:DetectorState_RBV", rows[i].state);
        complete();
        says(st, OPH_EACQUIRE, rows[i].found);
        unstage(det);
    }
}

/* What stood as wanted was not staged; a series changes it all the same. */
static void test_unchanged(oph_device *det)
{
    static const oph_stage_options skip = {.size = sizeof skip, .skip_unchanged = 1};
    static const oph_series three = {
        .size = sizeof three, .frames = 3, .exposure = 0.01, .period = 0.02};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_device *cam = NULL;
    each_pv(set_back);
    testOk1(oph_device_child(det, "cam", &cam, NULL) == 0);
    oph_settings_set(cam, "num_images", 5, NULL);
    fake_code(oph_stage_with(det, &skip, NULL, &err), 0, &err, "stage what is unchanged");
    fake_code(oph_prepare(det, &three, NULL, &err), 0, &err, "prepare another number of images");
    testOk1(fake_is("X:cam1:NumImages", "3"));
    fake_code(oph_unstage(det, &report, &err), 0, &err, "unstage");
    testOk(fake_is("X:cam1:NumImages", "5") && oph_report_count(report) == 0, "it is put back");
    oph_report_free(report);
    oph_settings_clear(cam);
}

/* Of a device that stages nothing there is a journal from the first value of a series on. */
static void test_nothing_staged(oph_device *det)
{
    static const oph_series three = {
        .size = sizeof three, .frames = 3, .exposure = 0.01, .period = 0.02};
    oph_error err = OPH_ERROR_INIT;
    oph_journals *journals = NULL;
    each_pv(set_back);
    oph_settings_clear(det);
    fake_code(oph_stage(det, NULL, &err), 0, &err, "stage nothing");
    fake_code(oph_prepare(det, &three, NULL, &err), 0, &err, "prepare");
    testOk1(oph_journals_find(&journals, NULL) == 0);
    testOk(oph_journals_count(journals) == 1, "what it changes is in a journal");
    oph_journals_free(journals);
    fake_code(oph_unstage(det, NULL, &err), 0, &err, "unstage");
    testOk1(fake_is("X:cam1:NumImages", "5"));
}

int main(void)
{
    testPlan(0);
    fake_begin();
    each_pv(add_pv);
    oph_device *det = new_detector();
    test_restarted(det);
    test_armed(det);
    test_stop_lost(det);
    test_index(det);
    test_still_runs(det);
    test_endless(det);
    test_cancel_meets_settings(det);
    test_over_at_once(det);
    test_not_at_rest(det);
    test_bad_ends(det);
    test_unchanged(det);
    test_nothing_staged(det);
    oph_device_free(det);
    testOk(fake_end() == 0, "no channel is left");
    return testDone();
}
