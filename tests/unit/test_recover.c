/* core/recover: what is put back, in which order, and what is left alone. Who was killed is this
 * program once more, with a fake IOC of its own; ours then has what that one staged. */
#include "lib/child.h"
#include "lib/fake_link.h"
#include "lib/state.h"

#include <cophyd/recover.h>
#include <cophyd/settings.h>
#include <cophyd/signal.h>
#include <cophyd/stage.h>
#include <epicsUnitTest.h>
#include <pthread.h>
#include <string.h>

static const char classes[] = "class Cam\n"
                              "row acquire Acquire    start enum  config\n"
                              "row acquire_busy AcquireBusy rw enum config\n"
                              "row mode    Mode       rbv   enum  config\n"
                              "row size.x  SizeX      rbv   int   config\n"
                              "row moving  Moving     rw    float config - moves\n"
                              "class Plugin\n"
                              "row capture Capture    start enum  config\n"
                              "row path    FilePath   path  text  config\n"
                              "row number  FileNumber rw    int   config - counter\n"
                              "row name    Name       rbv   int   config\n"
                              "class Det\n"
                              "dev cam cam1: Cam\n"
                              "dev hdf H:    Plugin\n"
                              "stage cam acquire=0 mode=Single size.x=5 moving=3.5\n"
                              "stage hdf path=/data number=0 name=1 capture=1\n";

/* Each PV: before, and as staged. */
static const struct {
    const char *name;
    int32_t dtype;
    uint32_t count;
    const char *labels, *before, *staged;
} pvs[] = {
    {"X:cam1:Acquire", OPH_ENUM, 1, "Done,Acquire", "0", "0"},
    {"X:cam1:Acquire_RBV", OPH_ENUM, 1, "Done,Acquire", "0", "0"},
    {"X:cam1:AcquireBusy", OPH_ENUM, 1, "Done,Busy", "0", "0"},
    {"X:cam1:Mode", OPH_ENUM, 1, "Single,Multiple,Continuous", "2", "0"},
    {"X:cam1:Mode_RBV", OPH_ENUM, 1, "Single,Multiple,Continuous", "2", "0"},
    {"X:cam1:SizeX", OPH_INT32, 1, "", "7", "5"},
    {"X:cam1:SizeX_RBV", OPH_INT32, 1, "", "7", "5"},
    {"X:cam1:Moving", OPH_FLOAT64, 1, "", "0.1", "3.5"},
    {"X:H:Capture", OPH_ENUM, 1, "Done,Capture", "0", "1"},
    {"X:H:Capture_RBV", OPH_ENUM, 1, "Done,Capture", "0", "1"},
    {"X:H:FilePath", OPH_UINT8, 256, "", "/old", "/data"},
    {"X:H:FilePath_RBV", OPH_UINT8, 256, "", "/old/", "/data/"},
    {"X:H:FileNumber", OPH_INT32, 1, "", "12", "0"},
    {"X:H:Name", OPH_INT32, 1, "", "0", "1"},
    {"X:H:Name_RBV", OPH_INT32, 1, "", "4", "1"},
};
enum { PV_COUNT = sizeof pvs / sizeof pvs[0] };

static char line[1024];
static oph_context *ctx;

static void add_pvs(void)
{
    for (size_t i = 0; i < PV_COUNT; i++)
        fake_pv(pvs[i].name, pvs[i].dtype, pvs[i].count, pvs[i].labels, pvs[i].before);
    fake_rule("X:H:FilePath", FAKE_PATH);
}

/* Was never written before: its readback is what is put back. */
static int be_client(void)
{
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    fake_begin();
    add_pvs();
    fake_undefined("X:H:Name");
    ctx = fake_context(classes, NULL);
    int rc = oph_device_new(ctx, "Det", "X:", "det", &det, &err);
    int64_t busy;
    if (!rc) rc = oph_get_int(det, "cam.acquire_busy", &busy, &err);
    if (!rc) rc = oph_stage(det, NULL, &err);
    child_say("%s", rc ? err.text : "staged");
    return 1;
}

static void kill_a_client(void)
{
    static const char *const arguments[] = {"client", NULL};
    struct child child;
    child_start(&child, arguments);
    if (!child_hear(&child, line, sizeof line) || strcmp(line, "staged") != 0)
        testAbort("the client: %s", line);
    child_kill(&child);
    for (size_t i = 0; i < PV_COUNT; i++)
        fake_set(pvs[i].name, pvs[i].staged);
    fake_forget_puts();
}

/* But for the counter, and for what was undefined. */
static bool as_before(void)
{
    bool same = true;
    for (size_t i = 0; i < PV_COUNT; i++) {
        const char *wanted = pvs[i].before;
        if (!strcmp(pvs[i].name, "X:H:FileNumber")) wanted = pvs[i].staged;
        if (!strcmp(pvs[i].name, "X:H:Name")) wanted = "4";
        same &= fake_is(pvs[i].name, wanted);
    }
    return same;
}

static bool as_staged(void)
{
    bool same = !*fake_puts();
    for (size_t i = 0; i < PV_COUNT; i++)
        same &= fake_is(pvs[i].name, pvs[i].staged);
    return same;
}

static bool is(const oph_recovery *recovery, size_t index, int32_t what, const char *device,
               const char *found, const char *now)
{
    const oph_recovered *one = oph_recovery_at(recovery, index);
    bool same = one && one->what == what && !strcmp(one->device, device) &&
                !strcmp(one->found, found) && !strcmp(one->now, now);
    if (!same && one)
        testDiag("%d %s (%s): %s, now %s", one->what, one->device, one->pv, one->found, one->now);
    return same;
}

static uint32_t settings_left(void)
{
    oph_journals *journals = NULL;
    if (oph_journals_find(&journals, NULL)) testAbort("no list");
    const oph_journal *j = oph_journals_at(journals, 0);
    uint32_t count = j ? j->count : 0;
    oph_journals_free(journals);
    return count;
}

static void finish(const char *when)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_recover(ctx, NULL, NULL, NULL, NULL, &err);
    testOk(!rc && as_before() && !state_journals(), "all is put back %s", when);
    if (rc) testDiag("%s", err.text);
}

static void test_all(void)
{
    oph_recovery *recovery = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    testOk(!oph_recover(ctx, NULL, NULL, &recovery, &report, &err) && recovery &&
               !oph_recovery_count(recovery) && !oph_report_count(report),
           "where nobody has ever staged there is nothing to do");
    oph_recovery_free(recovery);
    oph_report_free(report);
    kill_a_client();
    fake_code(oph_recover(ctx, "X:", NULL, &recovery, &report, &err), 0, &err, "recover");
    testOk1(as_before() && !state_journals() && !oph_report_count(report));
    testOk(!strcmp(fake_puts(), "X:H:Capture~0 X:H:Name=4 X:H:FilePath=/old X:cam1:Moving=0.1 "
                                "X:cam1:SizeX=7 X:cam1:Mode=2"),
           "in reverse: %s", fake_puts());
    testOk1(oph_recovery_count(recovery) == 8 && !oph_recovery_at(recovery, 8));
    testOk1(is(recovery, 0, OPH_RECOVERED_BACK, "det.hdf.capture", "Capture", "Done"));
    testOk1(is(recovery, 1, OPH_RECOVERED_BACK, "det.hdf.name", "1", "4"));
    testOk1(is(recovery, 2, OPH_RECOVERED_SAME, "det.hdf.number", "0", "0"));
    testOk1(is(recovery, 3, OPH_RECOVERED_BACK, "det.hdf.path", "\"/data\"", "\"/old\""));
    testOk1(is(recovery, 4, OPH_RECOVERED_BACK, "det.cam.moving", "3.5", "0.1"));
    testOk1(is(recovery, 5, OPH_RECOVERED_BACK, "det.cam.size.x", "5", "7"));
    testOk1(is(recovery, 6, OPH_RECOVERED_BACK, "det.cam.mode", "Single", "Continuous"));
    testOk1(is(recovery, 7, OPH_RECOVERED_SAME, "det.cam.acquire", "Done", "Done"));
    oph_recovery_free(recovery);
    oph_report_free(report);
}

static void test_meanwhile(void)
{
    oph_recovery *recovery = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    kill_a_client();
    fake_set("X:cam1:SizeX", "9");
    fake_set("X:cam1:Moving", "77");
    fake_set("X:cam1:Mode", "2");
    fake_set("X:cam1:Mode_RBV", "2");
    fake_set("X:H:Capture", "0");
    fake_set("X:H:Capture_RBV", "0");
    fake_code(oph_recover(ctx, NULL, NULL, &recovery, &report, &err), 0, &err,
              "recover what somebody changed");
    testOk(!strcmp(fake_puts(), "X:H:Name=4 X:H:FilePath=/old X:cam1:Moving=0.1"),
           "only where our values stood: %s", fake_puts());
    testOk1(is(recovery, 5, OPH_RECOVERED_KEPT, "det.cam.size.x", "9", "9"));
    testOk1(is(recovery, 6, OPH_RECOVERED_SAME, "det.cam.mode", "Continuous", "Continuous"));
    testOk1(is(recovery, 0, OPH_RECOVERED_SAME, "det.hdf.capture", "Done", "Done"));
    const oph_error *kept = oph_report_at(report, 0);
    testOk(oph_report_count(report) == 1 && kept && strstr(kept->text, "det.cam.size.x") &&
               strstr(kept->text, "wanted 5 as staged, found 9"),
           "%s", kept ? kept->text : "no report");
    testOk1(!state_journals());
    oph_recovery_free(recovery);
    oph_report_free(report);
}

/* The client was killed while it put back: its put has completed, and its readback not followed. */
static void test_stuck(void)
{
    oph_error err = OPH_ERROR_INIT;
    kill_a_client();
    fake_set("X:cam1:SizeX", "7");
    fake_set("X:cam1:Mode", "2");
    fake_set("X:cam1:Mode_RBV", "2");
    fake_code(oph_recover(ctx, NULL, NULL, NULL, NULL, &err), 0, &err, "recover what is half back");
    testOk(strstr(fake_puts(), " X:cam1:SizeX=7") && !strstr(fake_puts(), "Mode"),
           "it is put once more: %s", fake_puts());
    testOk1(as_before() && !state_journals());
}

static void *lose_one(void *user)
{
    fake_wait_put("X:cam1:Mode");
    fake_down("X:cam1:SizeX");
    fake_release("X:cam1:Mode");
    return user;
}

/* It is told by what was done, not by what can still be read. */
static void test_lost_at_last(void)
{
    oph_recovery *recovery = NULL;
    oph_error err = OPH_ERROR_INIT;
    pthread_t thread;
    kill_a_client();
    fake_set("X:cam1:SizeX", "9");
    fake_rule("X:cam1:Mode", FAKE_WITHHOLD);
    if (pthread_create(&thread, NULL, lose_one, NULL)) testAbort("no thread");
    fake_code(oph_recover(ctx, NULL, NULL, &recovery, NULL, &err), 0, &err,
              "recover while a PV goes down that somebody has changed");
    pthread_join(thread, NULL);
    testOk1(is(recovery, 5, OPH_RECOVERED_KEPT, "det.cam.size.x", "9", ""));
    testOk1(is(recovery, 6, OPH_RECOVERED_BACK, "det.cam.mode", "Single", "Continuous"));
    testOk1(!state_journals());
    fake_rule("X:cam1:Mode", FAKE_FOLLOW);
    fake_up("X:cam1:SizeX");
    oph_recovery_free(recovery);
}

/* PVs that are down or refuse: what is left stays in the journal, to be tried again. */
static void test_left(void)
{
    oph_recovery *recovery = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    kill_a_client();
    fake_down("X:cam1:SizeX");
    fake_rule("X:H:FilePath", FAKE_REFUSE);
    int rc = oph_recover(ctx, NULL, NULL, &recovery, &report, &err);
    testOk(rc == OPH_EDISCONN || rc == OPH_EPUT, "%s", err.text);
    testOk1(oph_report_count(report) == 2 && settings_left() == 2);
    testOk1(is(recovery, 3, OPH_RECOVERED_LEFT, "det.hdf.path", "\"/data\"", "\"/data\""));
    testOk1(is(recovery, 5, OPH_RECOVERED_LEFT, "det.cam.size.x", "", ""));
    testOk1(fake_is("X:cam1:Mode", "2") && fake_is("X:H:Name", "4"));
    oph_recovery_free(recovery);
    oph_report_free(report);
    fake_up("X:cam1:SizeX");
    testOk1(oph_recover(ctx, NULL, NULL, NULL, NULL, &err) == OPH_EPUT && settings_left() == 1);
    fake_rule("X:H:FilePath", FAKE_PATH);
    finish("but for what was refused");
    kill_a_client();
    fake_down("X:cam1:Acquire");
    fake_forget_puts();
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_recover(ctx, NULL, NULL, NULL, NULL, &err), OPH_EDISCONN, &err,
              "recover where nobody can see whether the camera runs");
    testOk(!*fake_puts() && settings_left() == 8, "it is left alone: %s", fake_puts());
    fake_up("X:cam1:Acquire");
    fake_rule("X:H:FilePath", FAKE_PATH);
    finish("at last");
    kill_a_client();
    fake_down(NULL);
    testOk1(oph_recover(ctx, NULL, NULL, NULL, &report, &err) == OPH_EDISCONN);
    testOk(settings_left() == 6 && oph_report_count(report) == 6, "nothing is lost: %u",
           settings_left());
    oph_report_free(report);
    fake_up(NULL);
    finish("when the IOC is there again");
}

static void test_refusals(void)
{
    const oph_recover_options bad = {.size = sizeof bad, .flags = 8},
                              worse = {.size = sizeof worse, .timeout = -1},
                              sizeless = {.flags = OPH_RECOVER_STOP},
                              soon = {.size = sizeof soon, .timeout = 0.05},
                              stop = {
                                  .size = sizeof stop, .timeout = 0.05, .flags = OPH_RECOVER_STOP};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    kill_a_client();
    testOk1(oph_recover(ctx, NULL, &bad, NULL, NULL, &err) == OPH_EINVAL);
    testOk1(oph_recover(ctx, NULL, &worse, NULL, NULL, &err) == OPH_EINVAL);
    testOk(oph_recover(ctx, NULL, &sizeless, NULL, NULL, &err) == OPH_EINVAL &&
               strstr(err.text, "the size of oph_recover_options, found 0"),
           "%s", err.text);
    fake_labels("X:cam1:Mode", "Single,Multiple,Endless");
    testOk(oph_recover(ctx, NULL, NULL, NULL, &report, &err) == OPH_EMISMATCH &&
               strstr(err.text, "label 2 to be \"Continuous\"") && strstr(err.text, "Endless") &&
               oph_report_count(report) == 1 && as_staged(),
           "%s", err.text);
    oph_report_free(report);
    fake_labels("X:cam1:Mode", "Single,Multiple,Continuous");
    fake_set("X:cam1:Acquire", "1");
    fake_set("X:cam1:Acquire_RBV", "1");
    testOk(oph_recover(ctx, NULL, &soon, NULL, NULL, &err) == OPH_EBUSY && !*fake_puts() &&
               settings_left() == 8,
           "%s", err.text);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_recover(ctx, NULL, &stop, NULL, NULL, &err), 0, &err, "stopped on demand");
    testOk1(as_before() && !strncmp(fake_puts(), "X:cam1:Acquire~0 X:H:Capture~0", 30));

    kill_a_client();
    fake_set("X:cam1:AcquireBusy", "1");
    testOk(oph_recover(ctx, NULL, &soon, NULL, NULL, &err) == OPH_EBUSY && !*fake_puts() &&
               strstr(err.text, "X:cam1:AcquireBusy"),
           "plugins still work: %s", err.text);
    fake_set("X:cam1:AcquireBusy", "0");
    finish("when they have ended");
    kill_a_client();
    fake_set("X:cam1:AcquireBusy", "1");
    testOk1(!oph_recover(ctx, NULL, &stop, NULL, NULL, NULL) && fake_is("X:cam1:SizeX", "7"));
    fake_set("X:cam1:AcquireBusy", "0");
    testOk(as_before(), "one that is stuck is not waited for, when asked to stop");

    kill_a_client();
    fake_set("X:cam1:Acquire", "1");
    fake_set("X:cam1:Acquire_RBV", "1");
    fake_rule("X:cam1:Acquire", FAKE_REFUSE);
    testOk1(oph_recover(ctx, NULL, &stop, NULL, NULL, &err) == OPH_EMISMATCH);
    testOk1(settings_left() == 8 && fake_is("X:cam1:SizeX", "5"));
    fake_rule("X:cam1:Acquire", FAKE_FOLLOW);
    fake_set("X:cam1:Acquire", "0");
    fake_set("X:cam1:Acquire_RBV", "0");
    finish("when it has ended by itself");
}

/* Two journals: each for itself. */
static void test_prefix(void)
{
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    kill_a_client();
    testOk1(!oph_recover(ctx, "Y:", NULL, NULL, NULL, NULL) && settings_left() == 8);
    testOk1(!oph_recover(ctx, "X:H:", NULL, NULL, NULL, NULL) && as_before());
    kill_a_client();
    if (oph_device_new(ctx, "Det", "X:", "other", &det, &err)) testAbort("%s", err.text);
    testOk(oph_stage(det, NULL, &err) == OPH_ESTATE && as_staged(), "%s", err.text);
    finish("before it is staged again");
    testOk1(!oph_stage(det, NULL, &err) && !oph_unstage(det, NULL, &err));
    oph_device_free(det);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) return be_client();
    testPlan(0);
    state_begin(NULL, 0);
    fake_begin();
    add_pvs();
    ctx = fake_context(classes, NULL);
    test_all();
    test_meanwhile();
    test_stuck();
    test_lost_at_last();
    test_left();
    test_refusals();
    test_prefix();
    oph_context_free(ctx);
    testOk(fake_end() == 0, "no channel is left");
    state_end();
    return testDone();
}
