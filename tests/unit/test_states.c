/* core/states: each verb in each state; the table, and the real verbs on a device over a fake link.
 */
#include "core/states.h"
#include "base/err.h"
#include "base/str.h"
#include "core/status.h"
#include "core/device.h"
#include "lib/fake_link.h"

#include <cophyd/detector.h>
#include <cophyd/plan.h>
#include <epicsUnitTest.h>
#include <string.h>

enum { IDLE, STAGING, STAGED, TRIGGERING, FAILED, UNSTAGING };

#define NO 0
#define LOOSE "it is not staged"
#define STAGES "another thread is staging it"
#define UNSTAGES "another thread is unstaging it"
#define ALREADY "it is already staged"
#define ACQUIRES "it is acquiring"
#define FIRST "it is staged, and its acquisition failed: unstage it first"

/* Why it is refused, or the state that the verb leads to at once; `ends` is the state afterwards.
 */
static const struct cell {
    const char *why;
    int next, ends;
} cells[OPH__VERB_COUNT][OPH__STATE_COUNT] = {
    [OPH__VERB_CONNECT] = {{NULL, IDLE, IDLE},
                           {STAGES, NO, NO},
                           {NULL, STAGED, STAGED},
                           {NULL, TRIGGERING, TRIGGERING},
                           {NULL, FAILED, FAILED},
                           {UNSTAGES, NO, NO}},
    [OPH__VERB_STAGE] = {{NULL, STAGING, STAGED},
                         {STAGES, NO, NO},
                         {ALREADY, NO, NO},
                         {ACQUIRES, NO, NO},
                         {FIRST, NO, NO},
                         {UNSTAGES, NO, NO}},
    [OPH__VERB_TRIGGER] = {{"it is not staged", NO, NO},
                           {STAGES, NO, NO},
                           {NULL, TRIGGERING, TRIGGERING},
                           {ACQUIRES, NO, NO},
                           {NULL, TRIGGERING, TRIGGERING},
                           {UNSTAGES, NO, NO}},
    [OPH__VERB_UNSTAGE] = {{NULL, IDLE, IDLE},
                           {STAGES, NO, NO},
                           {NULL, UNSTAGING, IDLE},
                           {NULL, UNSTAGING, IDLE},
                           {NULL, UNSTAGING, IDLE},
                           {UNSTAGES, NO, NO}},
    [OPH__VERB_FILES] = {{NULL, IDLE, IDLE},
                         {STAGES, NO, NO},
                         {NULL, STAGED, STAGED},
                         {NULL, TRIGGERING, TRIGGERING},
                         {NULL, FAILED, FAILED},
                         {NULL, UNSTAGING, UNSTAGING}},
    [OPH__VERB_WARMUP] = {{NULL, STAGING, IDLE},
                          {STAGES, NO, NO},
                          {ALREADY, NO, NO},
                          {ACQUIRES, NO, NO},
                          {FIRST, NO, NO},
                          {UNSTAGES, NO, NO}},
    [OPH__VERB_STOP] = {{NULL, IDLE, IDLE},
                        {NULL, STAGING, IDLE},
                        {NULL, STAGED, STAGED},
                        {NULL, TRIGGERING, FAILED},
                        {NULL, FAILED, FAILED},
                        {UNSTAGES, NO, NO}},
    [OPH__VERB_PREPARE] = {{LOOSE, NO, NO},
                           {STAGES, NO, NO},
                           {NULL, TRIGGERING, STAGED},
                           {ACQUIRES, NO, NO},
                           {NULL, TRIGGERING, STAGED},
                           {UNSTAGES, NO, NO}},
    [OPH__VERB_KICKOFF] = {{LOOSE, NO, NO},
                           {STAGES, NO, NO},
                           {NULL, TRIGGERING, TRIGGERING},
                           {ACQUIRES, NO, NO},
                           {NULL, TRIGGERING, TRIGGERING},
                           {UNSTAGES, NO, NO}},
    [OPH__VERB_COMPLETE] = {{LOOSE, NO, NO},
                            {STAGES, NO, NO},
                            {NULL, STAGED, STAGED},
                            {NULL, TRIGGERING, TRIGGERING},
                            {NULL, FAILED, FAILED},
                            {UNSTAGES, NO, NO}},
    [OPH__VERB_PLAN] = {{NULL, STAGING, IDLE},
                        {STAGES, NO, NO},
                        {ALREADY, NO, NO},
                        {ACQUIRES, NO, NO},
                        {FIRST, NO, NO},
                        {UNSTAGES, NO, NO}},
};
static const char *const verbs[] = {"connect",       "stage",    "trigger", "unstage",
                                    "set templates", "warm up",  "stop",    "prepare",
                                    "kick off",      "complete", "plan"};
static const char *const states[] = {"idle",       "staging", "staged",
                                     "triggering", "failed",  "unstaging"};

static void test_table(void)
{
    for (int v = 0; v < OPH__VERB_COUNT; v++) {
        for (int s = 0; s < OPH__STATE_COUNT; s++) {
            const struct oph__rule *rule = oph__rule_for((enum oph__verb)v, s);
            const struct cell *cell = &cells[v][s];
            bool refused = rule->answer == OPH__REFUSE;
            testOk(refused == (cell->why != NULL) && oph__equal(rule->why, cell->why) &&
                       rule->next == (refused ? s : cell->next),
                   "%s while %s: %s", verbs[v], states[s], cell->why ? cell->why : "allowed");
        }
        testOk1(oph__equal(oph__verb_name((enum oph__verb)v), verbs[v]));
    }
    for (int s = 0; s < OPH__STATE_COUNT; s++)
        testOk1(oph__equal(oph_state_name(s), states[s]));
    testOk1(oph__equal(oph_state_name(OPH__STATE_COUNT), "unknown"));
    testOk1(oph__equal(oph_state_name(-1), "unknown"));
    testOk1(oph__rule_for(OPH__VERB_UNSTAGE, IDLE)->answer == OPH__NOTHING);
    testOk1(oph__rule_for(OPH__VERB_UNSTAGE, TRIGGERING)->answer == OPH__STOP);
    testOk1(oph__rule_for(OPH__VERB_UNSTAGE, FAILED)->answer == OPH__STOP);
}

/* A trigger without hardware. */

static struct {
    oph_device *dev;
    oph_status *status; /* of the acquisition under way */
    int cancels, stops, kickoffs;
    bool at_once, refuse;
} camera;

static int needs(oph_device *dev, struct oph__needs *list, oph_error *err)
{
    return oph__need(list, dev, "a", true, err);
}

static void end(int code)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = camera.status;
    camera.status = NULL;
    if (code) oph__fail_text(&err, code, "the acquisition ended with %d", code);
    oph__trigger_finish(camera.dev, st, &err);
    oph_status_unref(st);
}

static void on_cancel(oph_status *status, void *action)
{
    (void)status, (void)action;
    camera.cancels++;
    if (camera.status) end(OPH_ECANCEL);
}

static int start(oph_device *dev, oph_status *status, oph_error *err)
{
    oph__status_own(status, NULL, on_cancel, NULL);
    if (camera.refuse) return oph__fail_text(err, OPH_EACQUIRE, "the camera is not ready");
    camera.dev = dev;
    camera.status = oph_status_ref(status);
    if (camera.at_once) end(0);
    return 0;
}

/* A series of three, of which each kickoff takes five frames. */
static int prepare_series(oph_device *dev, oph_series *want, int64_t *ret_kickoffs, oph_error *err)
{
    (void)dev;
    if (want->mode != OPH_SERIES_INTERNAL)
        return oph__fail_text(err, OPH_EINVAL, "the camera has a clock of its own");
    *ret_kickoffs = 3;
    return 0;
}

static int kick_off(oph_device *dev, oph_status *status, oph_status *begun, oph_error *err)
{
    int rc = start(dev, status, err);
    if (rc) return rc;
    camera.kickoffs++;
    oph__status_report(status, 0, 5 * camera.kickoffs - 3, 5 * camera.kickoffs, "frames", 0);
    oph__status_finish(begun, NULL);
    return 0;
}

static int stop(oph_device *dev, oph_error *err)
{
    (void)dev, (void)err;
    camera.stops++;
    return 0;
}

static const struct oph__trigger_ops trigger = {
    .name = "test",
    .needs = needs,
    .start = start,
    .prepare = prepare_series,
    .kickoff = kick_off,
    .stop = stop,
};

static const char classes[] = "class Part\n"
                              "row b B rw int normal\n"
                              "class Det\n"
                              "trigger test\n"
                              "row a A rw int normal\n"
                              "dev part P: Part\n"
                              "stage . a=1\n"
                              "stage part b=1\n";

/* Verbs */

static int call(enum oph__verb verb, oph_device *dev, oph_error *err)
{
    const oph_series series = {.size = sizeof series};
    oph_status *st = NULL;
    const struct oph__rule *rule;
    oph_plan *plan = NULL;
    int rc;
    switch (verb) {
    case OPH__VERB_CONNECT: return oph_connect(dev, OPH_DEFAULT, NULL, err);
    case OPH__VERB_STAGE: return oph_stage(dev, NULL, err);
    case OPH__VERB_TRIGGER:
        rc = oph_trigger(dev, &st, err);
        oph_status_unref(st);
        return rc;
    case OPH__VERB_UNSTAGE: return oph_unstage(dev, NULL, err);
    case OPH__VERB_STOP: return oph_stop(dev, err);
    case OPH__VERB_PREPARE: return oph_prepare(dev, &series, NULL, err);
    case OPH__VERB_KICKOFF:
        rc = oph_kickoff(dev, &st, err);
        oph_status_unref(st);
        return rc;
    case OPH__VERB_COMPLETE:
        rc = oph_complete(dev, &st, err);
        oph_status_unref(st);
        return rc;
    case OPH__VERB_WARMUP:
        rc = oph_warmup(dev, 5, err);
        if (rc != OPH_ENOTFOUND) return rc;
        *err = (oph_error)OPH_ERROR_INIT; /* it was let in, but this device has no camera */
        return 0;
    case OPH__VERB_PLAN:
        rc = oph_plan_new(dev, NULL, &plan, NULL, err);
        oph_plan_free(plan);
        return rc;
    default: return oph__tree_enter(dev, verb, &rule, err); /* all that oph_files_set does of it */
    }
}

static int stage_ends; /* the code of the other thread's stage */

static void *stage_thread(void *dev)
{
    testOk(oph_stage(dev, NULL, NULL) == stage_ends, "the other thread's stage: %s",
           oph_code_name(stage_ends));
    return NULL;
}

static void *unstage_thread(void *dev)
{
    testOk(oph_unstage(dev, NULL, NULL) == 0, "the other thread has unstaged it");
    return NULL;
}

static void be_staged(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    if (oph_device_state(det) == STAGED) return;
    if (oph_device_state(det) != IDLE) oph_unstage(det, NULL, NULL);
    if (oph_stage(det, NULL, &err)) testAbort("%s", err.text);
}

static void be_triggered(oph_device *det)
{
    oph_status *st = NULL;
    be_staged(det);
    if (oph_trigger(det, &st, NULL)) testAbort("not triggered");
    oph_status_unref(st);
}

/* Brings the device into a state; in two of them the thread holds it until release(). */
static void be(oph_device *det, int state, pthread_t *thread)
{
    if (oph_device_state(det) == state) return;
    switch (state) {
    case IDLE: oph_unstage(det, NULL, NULL); break;
    case STAGED: be_staged(det); break;
    case TRIGGERING: be_triggered(det); break;
    case FAILED:
        be_triggered(det);
        end(OPH_EACQUIRE);
        break;
    case STAGING: be(det, IDLE, thread); break;
    default: be_staged(det);
    }
    if (state != STAGING && state != UNSTAGING) return;
    fake_forget_puts();
    fake_rule_nth(1, FAKE_WITHHOLD);
    pthread_create(thread, NULL, state == STAGING ? stage_thread : unstage_thread, det);
    fake_wait_put(state == STAGING ? "X:A" : "X:P:B");
}

/* The same state, with a series that was prepared, and for `complete` one kickoff of it. */
static void be_kicked_off(oph_device *det, enum oph__verb verb, int state)
{
    oph_unstage(det, NULL, NULL);
    be_staged(det);
    if (call(OPH__VERB_PREPARE, det, NULL)) testAbort("not prepared");
    if (verb == OPH__VERB_COMPLETE || state == FAILED) {
        if (call(OPH__VERB_KICKOFF, det, NULL)) testAbort("not kicked off");
        if (state != TRIGGERING) end(state == FAILED ? OPH_EACQUIRE : 0);
    }
    testOk1(oph_device_state(det) == state);
}

static void release(int state, pthread_t thread)
{
    if (state != STAGING && state != UNSTAGING) return;
    fake_release(state == STAGING ? "X:A" : "X:P:B");
    pthread_join(thread, NULL);
}

static void test_cell(oph_device *det, enum oph__verb verb, int state)
{
    const struct cell *cell = &cells[verb][state];
    pthread_t thread;
    oph_error err = OPH_ERROR_INIT;
    char wanted[200];
    stage_ends = verb == OPH__VERB_STOP ? OPH_ECANCEL : 0;
    be(det, state, &thread);
    testOk1(oph_device_state(det) == state);
    if (!cell->why && (verb == OPH__VERB_KICKOFF || verb == OPH__VERB_COMPLETE))
        be_kicked_off(det, verb, state);
    int rc = call(verb, det, &err);
    int after = oph_device_state(det);
    if (cell->why) {
        oph__format(wanted, sizeof wanted, "det: wanted to %s, found state %s: %s", verbs[verb],
                    states[state], cell->why);
        testOk(rc == OPH_ESTATE && err.code == rc && after == state && oph__equal(err.text, wanted),
               "%s", wanted);
        if (!oph__equal(err.text, wanted)) testDiag("found %s", err.text);
    } else {
        testOk(!rc && !err.code && after == cell->ends, "%s while %s, then it is %s", verbs[verb],
               states[state], states[after]);
        if (rc || err.code) testDiag("%s", err.text);
    }
    release(state, thread);
}

static void test_verbs(oph_device *det)
{
    for (int state = 0; state < OPH__STATE_COUNT; state++)
        for (int verb = 0; verb < OPH__VERB_COUNT; verb++)
            test_cell(det, (enum oph__verb)verb, state);
    be(det, IDLE, NULL);
}

/* One device of a tree is staged at a time. */
static void test_tree(oph_device *det)
{
    oph_device *part = NULL;
    oph_error err = OPH_ERROR_INIT;
    oph_device_child(det, "part", &part, NULL);
    oph_stage(part, NULL, NULL);
    testOk1(fake_is("X:P:B", "1") && fake_is("X:A", "0"));
    testOk1(oph_device_state(det) == STAGED && oph_device_state(part) == STAGED);
    fake_code(call(OPH__VERB_UNSTAGE, det, &err), OPH_ESTATE, &err, "unstage the parent of it");
    testOk(strstr(err.text, "det.part is the device that was staged") != NULL, "%s", err.text);
    fake_code(call(OPH__VERB_TRIGGER, det, &err), OPH_ESTATE, &err, "trigger the parent of it");
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(call(OPH__VERB_CONNECT, det, &err), 0, &err, "connect the parent of it");
    fake_code(call(OPH__VERB_TRIGGER, part, &err), OPH_EINVAL, &err, "a device without a trigger");
    testOk1(oph_unstage(part, NULL, NULL) == 0 && oph_device_state(det) == IDLE);
    testOk1(oph_unstage(det, NULL, NULL) == 0);
}

static void test_trigger(oph_device *det)
{
    oph_status *st = NULL;
    oph_error err = OPH_ERROR_INIT;
    camera.refuse = true;
    oph_stage(det, NULL, NULL);
    fake_code(oph_trigger(det, &st, &err), OPH_EACQUIRE, &err, "a trigger that is refused");
    testOk1(!st && oph_device_state(det) == FAILED);
    double started = oph__now();
    testOk1(oph_unstage(det, NULL, NULL) == 0 && oph_device_state(det) == IDLE);
    testOk(oph__now() - started < 5, "unstage does not wait for what never started");
    camera.refuse = false;

    oph_stage(det, NULL, NULL);
    camera.cancels = camera.stops = 0;
    testOk1(oph_trigger(det, &st, NULL) == 0 && oph_device_state(det) == TRIGGERING);
    testOk1(oph_unstage(det, NULL, NULL) == 0);
    testOk(camera.cancels == 1 && camera.stops == 1, "unstage ends what runs");
    testOk1(oph_status_error(st, NULL) == OPH_ECANCEL && oph_device_state(det) == IDLE);
    oph_status_unref(st);

    oph_stage(det, NULL, NULL);
    testOk1(oph_trigger(det, &st, NULL) == 0);
    end(0);
    testOk1(oph_device_state(det) == STAGED && oph_status_success(st));
    oph_status_unref(st);
    testOk1(oph_unstage(det, NULL, NULL) == 0);
}

static void test_acquire(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    camera.at_once = true;
    fake_code(oph_acquire(det, 5, NULL, &err), 0, &err, "acquire");
    testOk1(oph_device_state(det) == IDLE && fake_is("X:A", "0") && fake_is("X:P:B", "0"));
    camera.at_once = false;
    fake_code(oph_acquire(det, 0.05, NULL, &err), OPH_ETIMEOUT, &err, "acquire, but nothing comes");
    testOk1(oph_device_state(det) == IDLE && fake_is("X:A", "0") && fake_is("X:P:B", "0"));
    camera.refuse = true;
    fake_code(oph_acquire(det, 5, NULL, &err), OPH_EACQUIRE, &err, "acquire, but it cannot start");
    testOk1(oph_device_state(det) == IDLE && fake_is("X:A", "0") && fake_is("X:P:B", "0"));
    camera.refuse = false;
}

static void index_is(oph_device *det, int64_t wanted)
{
    int64_t found = -1;
    int rc = oph_series_index(det, &found, NULL);
    testOk(!rc && found == wanted, "%lld frames of the series are written", (long long)found);
}

static void test_series(oph_device *det)
{
    oph_series series = {.size = sizeof series};
    oph_status *begun = NULL, *all = NULL;
    oph_error err = OPH_ERROR_INIT;
    int64_t kickoffs = 0, index = 77;
    oph_stage(det, NULL, NULL);
    fake_code(oph_kickoff(det, &begun, &err), OPH_ESTATE, &err, "a kickoff without a series");
    testOk(!begun && strstr(err.text, "call oph_prepare first") != NULL, "%s", err.text);
    fake_code(oph_complete(det, &all, &err), OPH_ESTATE, &err, "nothing to complete");
    fake_code(oph_series_index(det, &index, &err), OPH_ESTATE, &err, "and no index");
    testOk1(!all && index == 77);
    fake_code(oph_prepare(det, NULL, NULL, &err), OPH_EINVAL, &err, "no series");
    series.mode = OPH_SERIES_GATE;
    fake_code(oph_prepare(det, &series, &kickoffs, &err), OPH_EINVAL, &err, "a refused series");
    testOk1(kickoffs == 0 && oph_device_state(det) == FAILED);
    series.mode = OPH_SERIES_INTERNAL;
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_prepare(det, &series, &kickoffs, &err), 0, &err, "a series");
    testOk1(kickoffs == 3 && oph_device_state(det) == STAGED);
    index_is(det, 0);
    fake_code(oph_complete(det, &all, &err), OPH_ESTATE, &err, "nothing was kicked off yet");
    camera.kickoffs = 0;
    for (int i = 1; i <= 3; i++) {
        err = (oph_error)OPH_ERROR_INIT;
        fake_code(oph_kickoff(det, &begun, &err), 0, &err, "a kickoff");
        fake_code(oph_status_wait(begun, 5, &err), 0, &err, "the camera has begun");
        fake_code(oph_complete(det, &all, &err), 0, &err, "its status");
        testOk1(!oph_status_done(all));
        index_is(det, 5 * i - 3);
        end(0);
        testOk1(oph_status_success(all) && oph_device_state(det) == STAGED);
        oph_status_unref(begun);
        oph_status_unref(all);
    }
    begun = NULL;
    fake_code(oph_kickoff(det, &begun, &err), OPH_ESTATE, &err, "one too many");
    testOk(!begun && strstr(err.text, "all 3 of its series") != NULL, "%s", err.text);
    oph_unstage(det, NULL, NULL);
    fake_code(oph_series_index(det, &index, &err), OPH_ESTATE, &err, "unstage ends the series");
}

static void test_stop(oph_device *det)
{
    oph_status *st = NULL;
    oph_device *part = NULL;
    oph_error err = OPH_ERROR_INIT;
    camera.cancels = camera.stops = 0;
    fake_code(oph_stop(det, &err), 0, &err, "stop what is idle");
    testOk1(camera.stops == 0);
    oph_stage(det, NULL, NULL);
    fake_code(oph_stop(det, &err), 0, &err, "stop what is staged");
    testOk(camera.stops == 1 && camera.cancels == 0, "its camera is brought to a halt");
    testOk1(oph_trigger(det, &st, NULL) == 0);
    oph_device_child(det, "part", &part, NULL);
    fake_code(oph_stop(part, &err), 0, &err, "stop by a device of the tree");
    testOk(camera.stops == 2 && camera.cancels == 1, "the acquisition is cancelled");
    testOk1(oph_status_error(st, NULL) == OPH_ECANCEL && oph_device_state(det) == FAILED);
    oph_status_unref(st);
    camera.at_once = true;
    fake_code(oph_trigger(det, &st, &err), 0, &err, "it can be triggered again");
    camera.at_once = false;
    testOk1(oph_status_success(st) && oph_device_state(det) == STAGED);
    oph_status_unref(st);
    oph_unstage(det, NULL, NULL);
}

static void test_frames(oph_device *det)
{
    oph_device *part = NULL;
    oph_error err = OPH_ERROR_INIT;
    oph_device_child(det, "part", &part, NULL);
    fake_code(oph_trigger_set_frames(det, -1, &err), OPH_EINVAL, &err, "fewer than no frames");
    fake_code(oph_trigger_set_frames(part, 1, &err), OPH_EINVAL, &err, "of what has no trigger");
    testOk1(oph_trigger_set_frames(det, 7, NULL) == 0 && oph_trigger_set_frames(det, 0, NULL) == 0);
}

int main(void)
{
    static const struct oph__trigger_ops *const triggers[] = {&trigger, NULL};
    static const struct oph__hook_ops *const hooks[] = {NULL};
    static const struct oph__behaviours behaviours = {.triggers = triggers, .hooks = hooks};
    const oph_context_options options = {.size = sizeof options, .put_timeout = 30};
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;

    testPlan(0);
    test_table();
    fake_begin();
    fake_pv("X:A", OPH_INT32, 1, "", "0");
    fake_pv("X:P:B", OPH_INT32, 1, "", "0");
    oph_context *ctx = fake_context_with(&options, classes, &behaviours);
    if (oph_device_new(ctx, "Det", "X:", "det", &det, &err)) testAbort("%s", err.text);
    test_verbs(det);
    test_tree(det);
    test_trigger(det);
    test_acquire(det);
    test_series(det);
    test_stop(det);
    test_frames(det);
    oph_device_free(det);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
