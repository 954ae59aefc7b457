/* core/stage, plan, write and restore: what is sent, in which order, and that every failure leaves
 * the IOC as it was. */
#include "base/err.h"
#include "base/str.h"
#include "core/plan.h"
#include "core/status.h"
#include "lib/fake_link.h"

#include <cophyd/settings.h>
#include <cophyd/stage.h>
#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>

static const char classes[] =
    "class Cam\n"
    "row acquire      Acquire     start enum  normal\n"
    "row image_mode   ImageMode   rbv   enum  config\n"
    "row same_mode    ImageMode   rbv   enum  config\n"
    "row num_images   NumImages   rbv   int   config\n"
    "row acquire_time AcquireTime rbv   float config\n"
    "row moving       Moving      rw    int   config - moves\n"
    "row lacking      Lacking_RBV ro    int   config\n"
    "class Plugin\n"
    "row capture          Capture         start enum config\n"
    "row file_path        FilePath        path  text config - after=create_directory\n"
    "row create_directory CreateDirectory rw    int  config\n"
    "row number           FileNumber      rw    int  config - counter\n"
    "row name             Name            rw    text config\n"
    "class Det\n"
    "trigger test\n"
    "hook test\n"
    "dev cam cam1: Cam\n"
    "dev hdf H:    Plugin\n"
    "stage .   cam.acquire=0 cam.image_mode=Multiple\n"
    "stage cam num_images=5 acquire_time=0.1 image_mode=Single\n"
    "stage hdf capture=1 file_path=/data create_directory=-5 number=0 parent.cam.moving=3 name=x\n";

/* The puts of a stage, and of the unstage after it. */
#define STAGE_PUTS                                                                                 \
    "X:cam1:Acquire~0 X:cam1:NumImages=5 X:cam1:AcquireTime=0.1 X:cam1:ImageMode=0 "               \
    "X:H:CreateDirectory=-5 X:H:FilePath=/data X:H:FileNumber=0 X:cam1:Moving=3 X:H:Name=x "       \
    "X:H:Capture~1"
#define UNSTAGE_PUTS                                                                               \
    "X:H:Capture~0 X:H:Name=old X:cam1:Moving=42 X:H:FilePath=/old/ "                              \
    "X:H:CreateDirectory=0 X:cam1:ImageMode=2 X:cam1:AcquireTime=1.5 X:cam1:NumImages=7"
enum { PUTS = 10 };

/* Each PV but the counter, and its value before all. */
static const struct {
    const char *name;
    int32_t dtype;
    uint32_t count;
    const char *labels, *value;
} pvs[] = {
    {"X:cam1:Acquire", OPH_ENUM, 1, "Done,Acquire", "0"},
    {"X:cam1:Acquire_RBV", OPH_ENUM, 1, "Done,Acquire", "0"},
    {"X:cam1:ImageMode", OPH_ENUM, 1, "Single,Multiple,Continuous", "2"},
    {"X:cam1:ImageMode_RBV", OPH_ENUM, 1, "Single,Multiple,Continuous", "2"},
    {"X:cam1:NumImages", OPH_INT32, 1, "", "7"},
    {"X:cam1:NumImages_RBV", OPH_INT32, 1, "", "7"},
    {"X:cam1:AcquireTime", OPH_FLOAT64, 1, "", "1.5"},
    {"X:cam1:AcquireTime_RBV", OPH_FLOAT64, 1, "", "1.5"},
    {"X:cam1:Moving", OPH_INT32, 1, "", "42"},
    {"X:H:Capture", OPH_ENUM, 1, "Done,Capture", "0"},
    {"X:H:Capture_RBV", OPH_ENUM, 1, "Done,Capture", "0"},
    {"X:H:FilePath", OPH_UINT8, 256, "", "/old/"},
    {"X:H:FilePath_RBV", OPH_UINT8, 256, "", "/old/"},
    {"X:H:CreateDirectory", OPH_INT32, 1, "", "0"},
    {"X:H:Name", OPH_TEXT, 1, "", "old"},
};
enum { PV_COUNT = sizeof pvs / sizeof pvs[0] };

static void add_pvs(void)
{
    for (size_t i = 0; i < PV_COUNT; i++)
        fake_pv(pvs[i].name, pvs[i].dtype, pvs[i].count, pvs[i].labels, pvs[i].value);
    fake_pv("X:H:FileNumber", OPH_INT32, 1, "", "12");
    fake_rule("X:H:FilePath", FAKE_PATH);
}

static bool as_before(void)
{
    bool same = true;
    for (size_t i = 0; i < PV_COUNT; i++)
        same &= fake_is(pvs[i].name, pvs[i].value);
    return same;
}

static void set_back(void)
{
    for (size_t i = 0; i < PV_COUNT; i++)
        fake_set(pvs[i].name, pvs[i].value);
    fake_set("X:H:FileNumber", "12");
    fake_forget_puts();
}

/* A trigger that never gets to its end, and a hook that can refuse. */

static struct {
    char calls[80];
    const char *refuses; /* the step in which the hook refuses */
} hook;

static int hook_step(oph_device *dev, const char *step, oph_error *err)
{
    size_t n = strlen(hook.calls);
    oph__format(hook.calls + n, sizeof hook.calls - n, "%s ", step);
    if (!oph__equal(hook.refuses, step)) return 0;
    return oph__fail(err, OPH_EFILE, (struct oph__at){.device = dev->path}, "nothing", "a refusal");
}

static void *hook_create(oph_device *dev, oph_error *err)
{
    (void)dev, (void)err;
    return &hook;
}

static void hook_destroy(void *data)
{
    (void)data;
}

static int hook_needs(oph_device *dev, void *data, struct oph__needs *needs, oph_error *err)
{
    (void)data;
    return oph__need(needs, dev, "cam.lacking", false, err);
}

static int hook_plan(oph_device *dev, void *data, struct oph__plan *plan, oph_error *err)
{
    (void)data, (void)plan;
    return hook_step(dev, "plan", err);
}

static int hook_check(oph_device *dev, void *data, const struct oph__plan *plan, oph_error *err)
{
    (void)data, (void)plan;
    return hook_step(dev, "check", err);
}

static int hook_ready(oph_device *dev, void *data, const struct oph__plan *plan, oph_error *err)
{
    (void)data, (void)plan;
    return hook_step(dev, strstr(fake_puts(), "Capture~1") ? "too late" : "ready", err);
}

static const struct oph__hook_ops test_hook = {.name = "test",
                                               .create = hook_create,
                                               .destroy = hook_destroy,
                                               .needs = hook_needs,
                                               .plan = hook_plan,
                                               .check = hook_check,
                                               .ready = hook_ready};

static int no_needs(oph_device *dev, struct oph__needs *needs, oph_error *err)
{
    (void)dev, (void)needs, (void)err;
    return 0;
}

static int start(oph_device *dev, oph_status *status, oph_error *err)
{
    (void)dev, (void)status, (void)err;
    return 0;
}

static int stop(oph_device *dev, oph_error *err)
{
    (void)dev, (void)err;
    return 0;
}

static const struct oph__trigger_ops test_trigger = {
    .name = "test", .needs = no_needs, .start = start, .stop = stop};
static const struct oph__trigger_ops *const triggers[] = {&test_trigger, NULL};
static const struct oph__hook_ops *const hooks[] = {&test_hook, NULL};
static const struct oph__behaviours behaviours = {.triggers = triggers, .hooks = hooks};

static oph_device *new_device(oph_context *ctx)
{
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_device_new(ctx, "Det", "X:", "det", &det, &err)) testAbort("%s", err.text);
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
    int staged = oph_stage(det, NULL, &err);
    int unstaged = staged ? 0 : oph_unstage(det, NULL, &err);
    testOk(!staged && !unstaged && as_before(), "stage and unstage %s", when);
    if (staged || unstaged) testDiag("%s", err.text);
    set_back();
}

static void test_order(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    hook.calls[0] = '\0';
    fake_code(oph_connect(det, OPH_DEFAULT, &report, &err), 0, &err,
              "connect, without what is optional");
    const oph_error *lacking = oph_report_at(report, 0);
    testOk1(oph_report_count(report) == 1 && lacking->code == OPH_EABSENT);
    testOk(strcmp(lacking->text,
                  "det.cam.lacking (X:cam1:Lacking_RBV): wanted the record, found the IOC "
                  "lacks it: it is done without") == 0,
           "%s", lacking->text);
    oph_report_free(report);
    fake_code(oph_stage(det, &report, &err), 0, &err, "stage");
    testOk1(oph_report_count(report) == 0 && oph_device_state(det) == OPH_STATE_STAGED);
    oph_report_free(report);
    fake_puts_are(STAGE_PUTS, "each PV is written once, in the order that the IOC needs");
    testOk(!strcmp(hook.calls, "plan check ready "), "hooks: %s", hook.calls);
    testOk1(fake_is("X:H:FilePath_RBV", "/data/") && fake_is("X:H:Capture_RBV", "1"));
    fake_code(oph_unstage(det, &report, &err), 0, &err, "unstage");
    testOk1(oph_report_count(report) == 0);
    oph_report_free(report);
    fake_puts_are(UNSTAGE_PUTS, "they are put back in reverse, but for the counter");
    testOk1(as_before() && fake_is("X:H:FileNumber", "0"));
    testOk1(oph_unstage(det, &report, &err) == 0 && !report);
    fake_puts_are("", "a second unstage sends nothing");
    set_back();
}

static void test_same_pv(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_settings_set(det, "cam.same_mode", "Continuous", NULL);
    oph_settings_move(det, "cam.same_mode", "cam.acquire", NULL);
    fake_code(oph_stage(det, NULL, &err), 0, &err, "one PV by two attributes");
    testOk1(!strstr(fake_puts(), "ImageMode=2") && fake_is("X:cam1:ImageMode", "0"));
    oph_settings_delete(det, "cam.same_mode", NULL);
    testOk1(oph_unstage(det, NULL, NULL) == 0 && as_before());
    set_back();
}

/* Failures */

static const struct {
    enum fake_rule rule;
    const char *what;
    int code, code_of_start;
} kinds[] = {
    {FAKE_REFUSE, "refused", OPH_EPUT, OPH_EMISMATCH},
    {FAKE_IGNORE, "ignored", OPH_EMISMATCH, OPH_EMISMATCH},
    {FAKE_WITHHOLD, "never completed", OPH_ETIMEOUT, 0},
    {FAKE_BLIP, "lost in a disconnection", OPH_EDISCONN, OPH_EMISMATCH},
};

/* Acquire=0 changes nothing, so what becomes of it does not matter. */
static void fail_at(oph_device *det, int nth, size_t kind)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    int wanted = nth == 1 ? 0 : nth == PUTS ? kinds[kind].code_of_start : kinds[kind].code;
    fake_rule_nth(nth, kinds[kind].rule);
    int rc = oph_stage(det, &report, &err);
    fake_rule_nth(0, FAKE_FOLLOW);
    bool told = rc ? oph_report_count(report) == 1 && err.code == rc &&
                         oph__equal(oph_report_at(report, 0)->text, err.text)
                   : err.code == 0 && !oph_unstage(det, NULL, NULL);
    testOk(rc == wanted && told && as_before() && oph_device_state(det) == OPH_STATE_IDLE,
           "put %d is %s: %s", nth, kinds[kind].what, rc ? err.text : "no harm");
    if (rc != wanted || !told)
        testDiag("%s, %zu in the report", oph_code_name(rc), oph_report_count(report));
    for (size_t i = 1; i < oph_report_count(report); i++)
        testDiag("%s", oph_report_at(report, i)->text);
    oph_report_free(report);
    set_back();
}

static void test_failures(oph_device *det)
{
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        for (int nth = 1; nth <= PUTS; nth++)
            fail_at(det, nth, kind);
        good_round(det, "after such failures");
    }
    oph_error err = OPH_ERROR_INIT;
    fake_rule("X:cam1:NumImages", FAKE_CLAMP);
    oph_settings_set(det, "cam.num_images", 50, NULL);
    oph_settings_move(det, "cam.num_images", NULL, NULL);
    oph_device *cam = NULL;
    oph_device_child(det, "cam", &cam, NULL);
    oph_settings_delete(cam, "num_images", NULL);
    fake_code(oph_stage(det, NULL, &err), OPH_EMISMATCH, &err, "a value that the IOC clamps");
    testOk(strstr(err.text, "wanted 50, found 10") && as_before(), "%s", err.text);
    fake_rule("X:cam1:NumImages", FAKE_FOLLOW);
    oph_settings_delete(det, "cam.num_images", NULL);
    oph_settings_set(cam, "num_images", 5, NULL);
    oph_settings_move(cam, "num_images", "acquire_time", NULL);
    fake_rule("X:H:Capture", FAKE_FALL_BACK);
    fake_code(oph_stage(det, NULL, &err), OPH_EMISMATCH, &err, "a capture that does not start");
    testOk1(as_before() && strstr(err.text, "det.hdf.capture") != NULL);
    fake_rule("X:H:Capture", FAKE_FOLLOW);
    set_back();
}

/* A PV that is lost for good: the others are put back, and the report names it. */
static void test_lost(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    fake_rule_nth(5, FAKE_LOSE);
    fake_code(oph_stage(det, &report, &err), OPH_EDISCONN, &err, "a PV that goes down for good");
    testOk(oph_report_count(report) == 2 && has(report, "det.hdf.create_directory") &&
               has(report, "0 put back"),
           "the cause, and what could not be put back");
    testOk(as_before(), "all is as before (it was never written)");
    oph_report_free(report);
    fake_up("X:H:CreateDirectory");
    good_round(det, "once it is up again");
}

static void test_refused(oph_device *det)
{
    oph_device *cam = NULL, *hdf = NULL;
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_device_child(det, "cam", &cam, NULL);
    oph_device_child(det, "hdf", &hdf, NULL);
    oph_settings_set(hdf, "name", "0123456789012345678901234567890123456789", NULL);
    fake_code(oph_stage(det, NULL, &err), OPH_ERANGE, &err, "a text that is too long");
    oph_settings_set(cam, "image_mode", "Singel", NULL);
    fake_code(oph_stage(det, &report, &err), OPH_ERANGE, &err, "an unknown label");
    testOk(oph_report_count(report) == 2 && has(report, "Single, Multiple, Continuous"),
           "all that is wrong is in the report, once");
    oph_report_free(report);
    oph_settings_set(cam, "image_mode", "Single", NULL);
    oph_settings_set(hdf, "name", "x", NULL);
    oph_settings_set(cam, "acquire_time", NAN, NULL);
    fake_code(oph_stage(det, NULL, &err), OPH_ERANGE, &err, "NaN");
    oph_settings_set(cam, "acquire_time", 0.1, NULL);
    oph_settings_set(cam, "num_images", "many", NULL);
    fake_code(oph_stage(det, NULL, &err), OPH_ETYPE, &err, "a text for a number");
    oph_settings_set(cam, "num_images", 5, NULL);
    hook.refuses = "check";
    fake_code(oph_stage(det, NULL, &err), OPH_EFILE, &err, "a hook that refuses when it checks");
    hook.refuses = "plan";
    fake_code(oph_stage(det, NULL, &err), OPH_EFILE, &err, "a hook that refuses when it plans");
    hook.refuses = NULL;
    fake_puts_are("", "nothing was sent for any of it");
    hook.refuses = "ready";
    fake_code(oph_stage(det, NULL, &err), OPH_EFILE, &err, "a hook that refuses before the start");
    hook.refuses = NULL;
    testOk1(!strstr(fake_puts(), "Capture") && as_before());
    set_back();
    good_round(det, "after such refusals");
}

static void test_meanwhile(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_stage(det, NULL, NULL);
    fake_set("X:cam1:NumImages", "9");
    fake_set("X:cam1:Moving", "77");
    fake_set("X:H:Name", "old");
    fake_forget_puts();
    fake_code(oph_unstage(det, &report, &err), 0, &err, "unstage what somebody changed");
    testOk1(fake_is("X:cam1:NumImages", "9") && fake_is("X:cam1:Moving", "42"));
    testOk(oph_report_count(report) == 1 && has(report, "det.cam.num_images") &&
               has(report, "wanted 5 as staged, found 9: somebody changed it meanwhile"),
           "%s", oph_report_count(report) ? oph_report_at(report, 0)->text : "no report");
    testOk(!strstr(fake_puts(), "Name"), "what is back already is not written");
    oph_report_free(report);
    set_back();

    oph_stage(det, NULL, NULL);
    fake_rule("X:cam1:ImageMode", FAKE_REFUSE);
    fake_code(oph_unstage(det, &report, &err), OPH_EPUT, &err, "a setting that is not taken back");
    fake_rule("X:cam1:ImageMode", FAKE_FOLLOW);
    testOk1(oph_report_count(report) == 1 && has(report, "Continuous put back"));
    testOk1(oph_device_state(det) == OPH_STATE_IDLE && fake_is("X:cam1:NumImages", "7"));
    oph_report_free(report);
    set_back();
}

static void test_originals(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    fake_set("X:cam1:NumImages", "0");
    fake_undefined("X:cam1:NumImages");
    testOk1(oph_stage(det, NULL, NULL) == 0 && oph_unstage(det, NULL, NULL) == 0);
    testOk(as_before(), "an undefined setpoint gets the readback");
    fake_rule("X:cam1:NumImages", FAKE_CLAMP);
    fake_set("X:cam1:NumImages", "50");
    fake_set("X:cam1:NumImages_RBV", "10");
    testOk1(oph_stage(det, NULL, NULL) == 0);
    fake_code(oph_unstage(det, NULL, &err), 0, &err, "a readback that was not the setpoint");
    testOk1(fake_is("X:cam1:NumImages", "50") && fake_is("X:cam1:NumImages_RBV", "10"));
    fake_rule("X:cam1:NumImages", FAKE_FOLLOW);
    set_back();
}

/* What runs already, and for somebody else. */
static void test_takeover(oph_device *det)
{
    static const oph_stage_options takeover = {.size = sizeof takeover, .takeover = 1};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    fake_set("X:cam1:Acquire", "1");
    fake_set("X:cam1:Acquire_RBV", "1");
    fake_set("X:H:Capture", "1");
    fake_set("X:H:Capture_RBV", "1");
    fake_forget_puts();
    hook.calls[0] = '\0';
    fake_code(oph_stage(det, &report, &err), OPH_EBUSY, &err, "a camera that acquires already");
    testOk(oph_report_count(report) == 2 && has(report, "det.hdf.capture"),
           "the report names the capture too");
    testOk(strstr(err.text, "det.cam.acquire (X:cam1:Acquire_RBV): wanted Done, found Acquire") !=
               NULL,
           "%s", err.text);
    oph_report_free(report);
    testOk1(!strcmp(hook.calls, "plan "));
    fake_puts_are("", "nothing was written");

    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_stage_with(det, &takeover, NULL, &err), 0, &err, "with takeover");
    fake_puts_are("X:cam1:Acquire~0 X:H:Capture~0 " STAGE_PUTS, "both are stopped before all else");
    fake_code(oph_unstage(det, &report, &err), 0, &err, "what was stopped is not started again");
    testOk1(fake_is("X:cam1:Acquire", "0") && fake_is("X:H:Capture", "0"));
    testOk1(oph_report_count(report) == 2 && has(report, "det.cam.acquire") &&
            has(report, "det.hdf.capture"));
    oph_report_free(report);
    set_back();

    fake_set("X:H:Capture_RBV", "1");
    fake_rule("X:H:Capture", FAKE_IGNORE);
    fake_code(oph_stage_with(det, &takeover, &report, &err), OPH_EMISMATCH, &err,
              "what does not stop");
    testOk(strstr(err.text, "X:H:Capture_RBV") && !strstr(fake_puts(), "NumImages"), "%s",
           err.text);
    oph_report_free(report);
    fake_rule("X:H:Capture", FAKE_FOLLOW);
    set_back();
    good_round(det, "after that");
}

static void test_away(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_status *st = NULL;
    oph_stage(det, NULL, NULL);
    fake_down(NULL);
    fake_code(oph_trigger(det, &st, &err), OPH_EDISCONN, &err, "trigger while the IOC is away");
    fake_up(NULL);
    fake_code(oph_trigger(det, &st, &err), OPH_EDISCONN, &err, "trigger after it came back");
    testOk1(strstr(err.text, "stage again") && oph_device_state(det) == OPH_STATE_FAILED && !st);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_unstage(det, NULL, &err), 0, &err, "unstage");
    testOk1(as_before());
    set_back();
    good_round(det, "when it is back");

    oph_stage(det, NULL, NULL);
    fake_down(NULL);
    double started = oph__now();
    fake_code(oph_unstage(det, &report, &err), OPH_EDISCONN, &err, "unstage while it is away");
    testOk1(oph_device_state(det) == OPH_STATE_IDLE && oph__now() - started < 10);
    testOk(oph_report_count(report) == 8, "each that is not put back is named: %zu",
           oph_report_count(report));
    oph_report_free(report);
    fake_up(NULL);
    set_back();
}

static void test_read_only(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    fake_read_only("X:H:Name");
    fake_forget_puts();
    fake_code(oph_stage(det, NULL, &err), OPH_EACCESS, &err, "a PV without write access");
    testOk1(strstr(err.text, "X:H:Name") != NULL);
    fake_puts_are("", "nothing was sent for it");
}

static void test_freed(oph_context *ctx)
{
    oph_device *det = new_device(ctx), *hdf = NULL;
    testOk1(oph_stage(det, NULL, NULL) == 0 && fake_is("X:H:Capture_RBV", "1"));
    oph_device_free(det);
    testOk(as_before(), "a device that is freed while staged is unstaged");
    set_back();
    det = new_device(ctx);
    oph_device_child(det, "hdf", &hdf, NULL);
    testOk1(oph_stage(hdf, NULL, NULL) == 0 && fake_is("X:H:Capture_RBV", "1"));
    oph_device_free(det);
    testOk(as_before(), "so is a child of it that was staged alone");
    set_back();
}

static void *interrupt(void *ctx)
{
    fake_wait_put("X:cam1:AcquireTime");
    oph_interrupt(ctx);
    return NULL;
}

static void test_interrupt(void)
{
    const oph_context_options options = {.size = sizeof options, .put_timeout = 30, .grace = 0.1};
    oph_context *ctx = fake_context_with(&options, classes, &behaviours);
    oph_device *det = new_device(ctx);
    oph_error err = OPH_ERROR_INIT;
    pthread_t thread;
    set_back();
    fake_rule_nth(3, FAKE_WITHHOLD);
    pthread_create(&thread, NULL, interrupt, ctx);
    fake_code(oph_stage(det, NULL, &err), OPH_EINTR, &err, "an interrupt while staging");
    pthread_join(thread, NULL);
    testOk(as_before() && oph_device_state(det) == OPH_STATE_IDLE, "all is put back");
    good_round(det, "after an interrupt");
    oph_device_free(det);
    oph_context_free(ctx);
}

/* Many settings on one port. */

static int flushes_of(oph_device *dev, int settings)
{
    char key[8];
    oph_settings_clear(dev);
    for (int i = 1; i <= settings; i++)
        oph_settings_set(dev, oph__format(key, sizeof key, "p%d", i), i, NULL);
    int before = fake_flushes();
    if (oph_stage(dev, NULL, NULL)) return -1;
    int staged = fake_flushes() - before;
    if (oph_unstage(dev, NULL, NULL)) return -1;
    testDiag("%d settings: %d flushes to stage, %d to unstage", settings, staged,
             fake_flushes() - before - staged);
    return fake_flushes() - before;
}

static void test_round_trips(void)
{
    struct oph__buf text = {0};
    char name[20];
    oph_device *dev = NULL;
    oph__buf_add(&text, "class Many\n");
    for (int i = 1; i <= 16; i++) {
        oph__buf_addf(&text, "row p%d P%d rbv int normal\n", i, i);
        fake_pv(oph__format(name, sizeof name, "M:P%d", i), OPH_INT32, 1, "", "0");
        fake_pv(oph__format(name, sizeof name, "M:P%d_RBV", i), OPH_INT32, 1, "", "0");
    }
    oph_context *ctx = fake_context(text.text, NULL);
    if (oph_device_new(ctx, "Many", "M:", "many", &dev, NULL)) testAbort("no device");
    flushes_of(dev, 16);
    int one = flushes_of(dev, 1), sixteen = flushes_of(dev, 16);
    testOk(one > 0 && sixteen == one, "16 settings of one port cost as many round trips as one");
    oph_device_free(dev);
    oph_context_free(ctx);
    oph__buf_free(&text);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    add_pvs();
    oph_context *ctx = fake_context(classes, &behaviours);
    oph_device *det = new_device(ctx);
    test_order(det);
    test_same_pv(det);
    test_failures(det);
    test_lost(det);
    test_refused(det);
    test_meanwhile(det);
    test_originals(det);
    test_takeover(det);
    test_away(det);
    test_freed(ctx);
    test_interrupt();
    test_round_trips();
    test_read_only(det);
    oph_device_free(det);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
