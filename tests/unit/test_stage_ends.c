/* core/stage, apply and restore: however a stage ends, at whatever put, the IOC is as before, the
 * report says what is not, and the next stage works. */
#include "base/err.h"
#include "base/str.h"
#include "core/stage.h"
#include "lib/fake_link.h"

#include <cophyd/plan.h>
#include <cophyd/settings.h>
#include <epicsUnitTest.h>
#include <sched.h>
#include <string.h>

static const char classes[] = "class Cam\n"
                              "row acquire Acquire start enum normal\n"
                              "row images  Images  rbv   int  config\n"
                              "row time    Time    rbv   float config\n"
                              "class Plugin\n"
                              "row capture Capture start enum config\n"
                              "row name    Name    rw    text config\n"
                              "row queue   Queue   rbv   int  config\n"
                              "class Det\n"
                              "hook test\n"
                              "dev cam C: Cam\n"
                              "dev hdf H: Plugin\n"
                              "stage .   cam.acquire=0\n"
                              "stage cam images=5 time=0.5\n"
                              "stage hdf capture=1 name=x queue=3\n"
                              "class Few\n" /* nothing is started */
                              "hook test\n"
                              "dev cam C: Cam\n"
                              "stage cam images=5\n";

static const struct {
    const char *name;
    int32_t dtype;
    const char *labels, *value;
} pvs[] = {
    {"X:C:Acquire", OPH_ENUM, "Done,Acquire", "0"},
    {"X:C:Acquire_RBV", OPH_ENUM, "Done,Acquire", "0"},
    {"X:C:Images", OPH_INT32, "", "7"},
    {"X:C:Images_RBV", OPH_INT32, "", "7"},
    {"X:C:Time", OPH_FLOAT64, "", "1.5"},
    {"X:C:Time_RBV", OPH_FLOAT64, "", "1.5"},
    {"X:H:Capture", OPH_ENUM, "Done,Capture", "0"},
    {"X:H:Capture_RBV", OPH_ENUM, "Done,Capture", "0"},
    {"X:H:Name", OPH_TEXT, "", "old"},
    {"X:H:Queue", OPH_INT32, "", "20"},
    {"X:H:Queue_RBV", OPH_INT32, "", "20"},
};
enum { PV_COUNT = sizeof pvs / sizeof pvs[0] };

/* The puts of a stage that can be held up, in their order, and those that undo them all. */
static const char *const puts_of_stage[] = {"X:C:Images", "X:C:Time", "X:H:Name", "X:H:Queue",
                                            "X:H:Capture"};
enum { PUTS = sizeof puts_of_stage / sizeof puts_of_stage[0] };
#define STAGE "X:C:Acquire~0 X:C:Images=5 X:C:Time=0.5 X:H:Name=x X:H:Queue=3"
#define UNDO "X:H:Queue=20 X:H:Name=old X:C:Time=1.5 X:C:Images=7"

static bool as_before(void)
{
    bool same = true;
    for (size_t i = 0; i < PV_COUNT; i++)
        same &= fake_is(pvs[i].name, pvs[i].value);
    return same;
}

static void set_back(void)
{
    fake_rule_nth(0, FAKE_FOLLOW);
    for (size_t i = 0; i < PV_COUNT; i++)
        fake_set(pvs[i].name, pvs[i].value);
    fake_forget_puts();
}

/* A hook that cancels the staging which calls it. */

static bool cancels_itself, was_cancelled;

static void *create(oph_device *dev, oph_error *err)
{
    (void)dev, (void)err;
    return &cancels_itself;
}

static void destroy(void *data)
{
    (void)data;
}

static int needs(oph_device *dev, void *data, struct oph__needs *list, oph_error *err)
{
    (void)dev, (void)data, (void)list, (void)err;
    return 0;
}

static int plan(oph_device *dev, void *data, struct oph__plan *p, oph_error *err)
{
    (void)dev, (void)data, (void)p, (void)err;
    return 0;
}

static int ready(oph_device *dev, void *data, const struct oph__plan *p, oph_error *err)
{
    (void)data, (void)p, (void)err;
    if (cancels_itself) was_cancelled = oph__staging_cancel(dev->tree);
    return 0;
}

static const struct oph__hook_ops hook = {.name = "test",
                                          .create = create,
                                          .destroy = destroy,
                                          .needs = needs,
                                          .plan = plan,
                                          .ready = ready};
static const struct oph__trigger_ops *const no_triggers[] = {NULL};
static const struct oph__hook_ops *const hooks[] = {&hook, NULL};
static const struct oph__behaviours behaviours = {.triggers = no_triggers, .hooks = hooks};

static oph_device *new_device(oph_context *ctx, const char *class_name)
{
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_device_new(ctx, class_name, "X:", "det", &det, &err)) testAbort("%s", err.text);
    return det;
}

static bool has(const oph_report *report, const char *part)
{
    for (size_t i = 0; i < oph_report_count(report); i++)
        if (strstr(oph_report_at(report, i)->text, part)) return true;
    return false;
}

static void good_round(oph_device *det, const char *when)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    fake_forget_puts();
    int staged = oph_stage(det, NULL, &err);
    int unstaged = staged ? 0 : oph_unstage(det, &report, &err);
    bool order = !strcmp(fake_puts(), STAGE " X:H:Capture~1 X:H:Capture~0 " UNDO);
    testOk(!staged && !unstaged && !oph_report_count(report) && order && as_before(),
           "stage and unstage %s", when);
    if (staged || unstaged) testDiag("%s", err.text);
    if (!order) testDiag("%s", fake_puts());
    oph_report_free(report);
    set_back();
}

/* Ends while put `at` is held up: the others are out, their completions are there. */

static struct {
    oph_device *det;
    int at;
    bool cancel, early;
} end;

/* Capture that nobody saw to run is not stopped before it does: the stop would get lost. */
static void start_late(int flushes)
{
    fake_wait_flushes(flushes + 2); /* of what is given up, and of the look whether it runs */
    end.early = strstr(fake_puts(), "Capture~0") != NULL;
    fake_set("X:H:Capture_RBV", "1");
}

static void *end_it(void *arg)
{
    (void)arg;
    fake_wait_put(puts_of_stage[end.at]);
    int flushes = fake_flushes();
    if (end.cancel)
        was_cancelled = oph__staging_cancel(end.det->tree);
    else
        oph_interrupt(end.det->ctx);
    if (end.at == PUTS - 1) start_late(flushes);
    return NULL;
}

static void ended_at(oph_device *det, int at, bool cancel)
{
    static const char undo[] = STAGE " " UNDO;
    static const char undo_all[] = STAGE " X:H:Capture~1 X:H:Capture~0 " UNDO;
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    pthread_t thread;
    bool last = at == PUTS - 1;
    int wanted = cancel ? OPH_ECANCEL : OPH_EINTR;
    end.det = det;
    end.at = at;
    end.cancel = cancel;
    end.early = was_cancelled = false;
    fake_rule_nth(at + 2, last ? FAKE_IGNORE : FAKE_WITHHOLD); /* the first is Acquire~0 */
    pthread_create(&thread, NULL, end_it, NULL);
    int rc = oph_stage(det, &report, &err);
    pthread_join(thread, NULL);
    bool back = !strcmp(fake_puts(), last ? undo_all : undo) && !end.early;
    bool told = oph_report_count(report) == 1 && oph_report_at(report, 0)->code == wanted &&
                has(report, "det: wanted to stage") && was_cancelled == cancel;
    testOk(rc == wanted && err.code == wanted && told && back && as_before() &&
               oph_device_state(det) == OPH_STATE_IDLE,
           "%s at %s: %s", cancel ? "cancelled" : "interrupted", puts_of_stage[at], err.text);
    if (!back) testDiag("%s", fake_puts());
    if (!told) oph_report_print(report, stdout);
    oph_report_free(report);
    set_back();
    good_round(det, "after it");
}

/* Somebody who has the whole tree: not lost, whichever wait it falls between. */
static void test_cancel_between(oph_context *ctx)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *det = new_device(ctx, "Det"), *few = new_device(ctx, "Few");
    testOk(!oph__staging_cancel(det->tree), "nothing to cancel while it is idle");
    cancels_itself = true;
    fake_code(oph_stage(det, NULL, &err), OPH_ECANCEL, &err, "cancelled before the last wait");
    testOk1(was_cancelled && as_before() && !strstr(fake_puts(), "Capture"));
    set_back();
    fake_code(oph_stage(few, NULL, &err), OPH_ECANCEL, &err, "cancelled after the last wait");
    testOk(was_cancelled && as_before() && oph_device_state(few) == OPH_STATE_IDLE,
           "what was all written is put back");
    set_back();
    fake_code(oph_acquire(det, 1, NULL, &err), OPH_ECANCEL, &err, "cancelled as a part of another");
    testOk1(as_before());
    cancels_itself = false;
    set_back();
    good_round(det, "by the thread whose call was cancelled");
    testOk1(oph_stage(det, NULL, NULL) == 0);
    testOk(!oph__staging_cancel(det->tree), "nothing to cancel once it is staged");
    testOk1(oph_unstage(det, NULL, NULL) == 0 && as_before());
    set_back();
    oph_device_free(few);
    oph_device_free(det);
}

/* A value that the trigger cannot write makes nothing ours. */
static void test_claim_refused(oph_context *ctx)
{
    static const struct oph__literal word = {.kind = OPH__LIT_TEXT, .text = "soon"};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_signal *time = NULL;
    double was = 0;
    oph_device *few = new_device(ctx, "Few");
    testOk1(oph_signal_find(few, "cam.time", &time, NULL) == 0);
    testOk1(oph_signal_get_double(time, &was, NULL) == 0); /* so it is connected */
    testOk1(oph_stage(few, NULL, NULL) == 0);
    fake_code(oph__plan_claim(few->tree->plan, time, &word, &err), OPH_ETYPE, &err, "a word");
    fake_set("X:C:Time", "9");
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_unstage(few, &report, &err), 0, &err, "unstage");
    testOk(oph_report_count(report) == 0 && fake_is("X:C:Time", "9"), "is somebody else's");
    oph_report_free(report);
    set_back();
    oph_device_free(few);
}

/* Stops that come at any moment, each of which may be the first or the last of a stage. */

static struct {
    oph_device *det;
    atomic_bool over;
    int failed; /* read when it is over */
} stops;

static void *stop_all_the_time(void *arg)
{
    (void)arg;
    while (!atomic_load(&stops.over))
        stops.failed += oph_stop(stops.det, NULL) != 0;
    return NULL;
}

static pthread_t begin_stops(oph_device *det)
{
    pthread_t thread;
    stops.det = det;
    stops.failed = 0;
    atomic_store(&stops.over, false);
    pthread_create(&thread, NULL, stop_all_the_time, NULL);
    return thread;
}

static void end_stops(pthread_t thread)
{
    atomic_store(&stops.over, true);
    pthread_join(thread, NULL);
}

static void test_stops(void)
{
    enum { ROUNDS = 2000 };
    const oph_context_options options = {
        .size = sizeof options, .put_timeout = 30, .grace = 30, .stop_timeout = 30};
    int staged = 0, cancelled = 0;
    oph_context *ctx = fake_context_with(&options, classes, &behaviours);
    oph_device *few = new_device(ctx, "Few");
    pthread_t thread = begin_stops(few);
    for (int i = 0; i < ROUNDS; i++) {
        int rc = oph_stage(few, NULL, NULL);
        cancelled += rc == OPH_ECANCEL;
        staged += !rc && !oph_unstage(few, NULL, NULL);
    }
    end_stops(thread);
    testDiag("%d staged, %d cancelled", staged, cancelled);
    testOk(staged + cancelled == ROUNDS && as_before(), "a stop at any moment of a stage");
    set_back();
    oph_device_free(few);
    oph_context_free(ctx);
}

/* The verb has the tree, and its call is about to begin. */
static void test_stop_early(oph_context *ctx)
{
    const struct oph__rule *rule;
    struct oph__call call;
    oph_device *few = new_device(ctx, "Few");
    testOk1(oph__tree_enter(few, OPH__VERB_STAGE, &rule, NULL) == 0);
    pthread_t thread = begin_stops(few);
    oph__call_begin(&ctx->waits, &call);
    oph__staging_begin(few->tree, &call);
    while (!oph__call_is_cancelled(&ctx->waits))
        sched_yield();
    oph__staging_end(few->tree);
    oph__call_end(&ctx->waits, &call);
    end_stops(thread);
    testOk(stops.failed == 0, "a stop before its first wait ends it");
    oph_device_free(few);
}

static void test_stop_plan(void)
{
    const oph_context_options options = {.size = sizeof options, .connect_timeout = 30};
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = fake_context_with(&options, classes, &behaviours);
    oph_device *few = new_device(ctx, "Few");
    oph_plan *shown = NULL;
    fake_down("X:C:Images");
    pthread_t thread = begin_stops(few);
    fake_code(oph_plan_new(few, NULL, &shown, NULL, &err), OPH_ECANCEL, &err, "a plan, stopped");
    end_stops(thread);
    fake_up("X:C:Images");
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_plan_new(few, NULL, &shown, NULL, &err), 0, &err, "the next one");
    oph_plan_free(shown);
    oph_device_free(few);
    oph_context_free(ctx);
}

/* A PV that goes down for good with its put: it is named twice, once as the cause. */
static void lost_at(oph_device *det, int at)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    const char *name = puts_of_stage[at];
    fake_rule_nth(at + 2, FAKE_LOSE);
    int rc = oph_stage(det, &report, &err);
    int wanted = at == PUTS - 1 ? OPH_EMISMATCH : OPH_EDISCONN; /* its completion is not awaited */
    const oph_error *first = oph_report_at(report, 0), *second = oph_report_at(report, 1);
    testOk(rc == wanted && oph_report_count(report) == 2 && !strcmp(first->text, err.text) &&
               strstr(first->text, name) && !strcmp(second->pv, name) &&
               second->code == OPH_EDISCONN && strstr(second->wanted, "put back"),
           "%s goes down: %s", name, err.text);
    if (rc != wanted || oph_report_count(report) != 2) oph_report_print(report, stdout);
    testOk(as_before() && oph_device_state(det) == OPH_STATE_IDLE, "the others are put back");
    oph_report_free(report);
    report = NULL;
    testOk(oph_unstage(det, &report, &err) == 0 && !report, "unstage has nothing to do");
    fake_up(name);
    set_back();
    good_round(det, "when it is up again");
}

/* What cannot be put back does not keep the others from it, and is named. */
static void stays_at(oph_device *det, int at)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    const char *name = puts_of_stage[at];
    testOk1(oph_stage(det, NULL, NULL) == 0);
    fake_rule(name, FAKE_REFUSE);
    bool plain = at == PUTS - 1;
    int wanted = plain ? OPH_EMISMATCH : OPH_EPUT;
    fake_code(oph_unstage(det, &report, &err), wanted, &err, name);
    testOk1(oph_report_count(report) == 1 && !strcmp(oph_report_at(report, 0)->pv, name));
    oph_report_free(report);
    fake_rule(name, FAKE_FOLLOW);
    for (size_t i = 0; i < PV_COUNT; i++)
        if (strncmp(pvs[i].name, name, strlen(name)) != 0)
            testOk1(fake_is(pvs[i].name, pvs[i].value));
    set_back();
    good_round(det, "after that");
}

static void test_stop_lost(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    testOk1(oph_stage(det, NULL, NULL) == 0);
    fake_forget_puts();
    fake_rule_nth(1, FAKE_IGNORE);
    fake_code(oph_unstage(det, NULL, &err), 0, &err, "a stop that gets lost");
    testOk(!strcmp(fake_puts(), "X:H:Capture~0 X:H:Capture~0 " UNDO), "is put once more");
    testOk1(as_before());
    set_back();
}

static void test_skip(oph_device *det)
{
    static const oph_stage_options skip = {.size = sizeof skip, .skip_unchanged = 1};
    static const oph_stage_options wrong = {.size = 3};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    fake_code(oph_stage_with(det, &wrong, &report, &err), OPH_EINVAL, &err, "a size of 3");
    err = (oph_error)OPH_ERROR_INIT;
    fake_set("X:C:Images", "5");
    fake_set("X:C:Images_RBV", "5");
    fake_set("X:C:Time_RBV", "0.5");
    fake_set("X:H:Queue", "3");
    fake_forget_puts();
    fake_code(oph_stage_with(det, &skip, NULL, &err), 0, &err, "stage without what is unchanged");
    testOk(!strcmp(fake_puts(), "X:C:Time=0.5 X:H:Name=x X:H:Queue=3 X:H:Capture~1"),
           "one that is half as wanted is written");
    fake_set("X:C:Images", "8");
    fake_forget_puts();
    fake_code(oph_unstage(det, &report, &err), 0, &err, "unstage");
    testOk(!strcmp(fake_puts(), "X:H:Capture~0 X:H:Name=old X:C:Time=1.5"), "likewise");
    testOk(oph_report_count(report) == 0, "what was not ours is nobody's business");
    oph_report_free(report);
    set_back();
}

static void test_force(oph_device *det)
{
    static const oph_unstage_options force = {.size = sizeof force, .force = 1};
    static const oph_unstage_options wrong = {.size = 3};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    testOk1(oph_stage(det, NULL, NULL) == 0);
    fake_set("X:C:Images", "9");
    fake_set("X:C:Images_RBV", "9");
    fake_code(oph_unstage_with(det, &wrong, &report, &err), OPH_EINVAL, &err, "a size of 3");
    testOk1(oph_device_state(det) == OPH_STATE_STAGED);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_unstage_with(det, &force, &report, &err), 0, &err, "unstage by force");
    testOk(as_before() && oph_report_count(report) == 0, "what somebody changed is put back");
    oph_report_free(report);
    set_back();
    good_round(det, "after that");
}

/* A watched readback: what it showed before the put is no proof, nor what it showed since and then
 * left. */
static int watched(oph_signal *sig, int32_t value, oph_error *err)
{
    struct oph__wire wire = {.dtype = OPH_INT32, .count = 1};
    wire.data = wire.small;
    memcpy(wire.data, &value, sizeof value);
    struct oph__write write = {.sig = sig, .wire = &wire, .expect = &wire, .watched = true};
    return oph__write_all(sig->ctx, &write, 1, false, err);
}

static void test_pushed_away(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = NULL;
    testOk1(oph_signal_find(det, "hdf.queue", &sig, NULL) == 0);
    fake_then("X:H:Queue_RBV", "12"); /* tells that it was read */
    fake_code(watched(sig, 50, &err), 0, &err, "a readback that moves to the value");
    fake_puts();
    testOk(fake_is("X:H:Queue_RBV", "50"), "is not read");
    fake_rule("X:H:Queue", FAKE_IGNORE); /* an IOC tells of changes only */
    fake_code(watched(sig, 50, &err), 0, &err, "one that stands there already");
    fake_puts(); /* waits until the read is over */
    testOk(fake_is("X:H:Queue_RBV", "12"), "is read");
    fake_set("X:H:Queue_RBV", "50");
    fake_rule("X:H:Queue", FAKE_CLAMP);
    fake_code(watched(sig, 50, &err), OPH_EMISMATCH, &err, "one that is pushed away");
    testOk(strstr(err.text, "wanted 50, found 10") != NULL, "%s", err.text);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(watched(sig, 8, &err), 0, &err, "one that follows");
    fake_rule("X:H:Queue", FAKE_IGNORE);
    fake_code(watched(sig, 9, &err), OPH_EMISMATCH, &err, "one that never moves");
    fake_rule("X:H:Queue", FAKE_FOLLOW);
    set_back();
}

/* Many settings on several ports. */

enum { MOST = 40, PORTS = 4 };

static int flushes_of(oph_device *many, int settings)
{
    char key[16];
    for (size_t p = 0; p < oph_device_child_count(many); p++)
        oph_settings_clear(oph_device_child_at(many, p));
    for (int i = 0; i < settings; i++)
        oph_settings_set(oph_device_child_at(many, (size_t)(i % PORTS)),
                         oph__format(key, sizeof key, "s%d", i / PORTS), i + 1, NULL);
    int before = fake_flushes();
    if (oph_stage(many, NULL, NULL)) return -1;
    int staged = fake_flushes() - before;
    if (oph_unstage(many, NULL, NULL)) return -1;
    testDiag("%d settings: %d flushes to stage, %d to unstage", settings, staged,
             fake_flushes() - before - staged);
    return fake_flushes() - before;
}

static void test_round_trips(void)
{
    struct oph__buf text = {0};
    char name[20];
    oph_device *many = NULL;
    oph__buf_add(&text, "class Port\n");
    for (int i = 0; i < MOST / PORTS; i++)
        oph__buf_addf(&text, "row s%d S%d rbv int normal\n", i, i);
    oph__buf_add(&text, "class Many\n");
    for (int p = 0; p < PORTS; p++) {
        oph__buf_addf(&text, "dev p%d %d: Port\n", p, p);
        for (int i = 0; i < MOST / PORTS; i++) {
            fake_pv(oph__format(name, sizeof name, "M:%d:S%d", p, i), OPH_INT32, 1, "", "0");
            fake_pv(oph__format(name, sizeof name, "M:%d:S%d_RBV", p, i), OPH_INT32, 1, "", "0");
        }
    }
    oph_context *ctx = fake_context(text.text, NULL);
    if (oph_device_new(ctx, "Many", "M:", "many", &many, NULL)) testAbort("no device");
    flushes_of(many, MOST);
    int five = flushes_of(many, 5), forty = flushes_of(many, MOST);
    testOk(five > 0 && forty == five, "40 settings of 4 ports cost as many round trips as 5");
    oph_device_free(many);
    oph_context_free(ctx);
    oph__buf_free(&text);
}

static void test_ended(void)
{
    const oph_context_options options = {
        .size = sizeof options, .put_timeout = 30, .grace = 30, .stop_timeout = 30};
    oph_context *ctx = fake_context_with(&options, classes, &behaviours);
    oph_device *det = new_device(ctx, "Det");
    for (int at = 0; at < PUTS; at++) {
        ended_at(det, at, false);
        ended_at(det, at, true);
    }
    oph_device_free(det);
    oph_context_free(ctx);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    for (size_t i = 0; i < PV_COUNT; i++)
        fake_pv(pvs[i].name, pvs[i].dtype, 1, pvs[i].labels, pvs[i].value);
    test_ended();
    oph_context *ctx = fake_context(classes, &behaviours);
    oph_device *det = new_device(ctx, "Det");
    test_cancel_between(ctx);
    test_claim_refused(ctx);
    test_stops();
    test_stop_early(ctx);
    test_stop_plan();
    for (int at = 0; at < PUTS; at++) {
        lost_at(det, at);
        stays_at(det, at);
    }
    test_stop_lost(det);
    test_skip(det);
    test_force(det);
    test_pushed_away(det);
    oph_device_free(det);
    oph_context_free(ctx);
    test_round_trips();
    testOk1(fake_end() == 0);
    return testDone();
}
