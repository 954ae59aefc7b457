/* A client that is killed at every put between stage and the end of unstage, and what oph_recover
 * makes of it: all that can be written is as it was before. The client is this program once more;
 * its link stops it at a put or a flush, and there it is killed. */
#include "core/context.h"
#include "lib/child.h"
#include "lib/detector.h"
#include "lib/state.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct detector d;
static char line[1024];

/* The client's link */

static struct {
    struct oph__link *link;
    int puts, flushes;        /* so far; flushes since the last put */
    int stop_put, stop_flush; /* where it stops: before that put; before that flush after it */
} hook;

static void stop_here(const char *what, int number)
{
    oph__ca_ops()->flush(hook.link, NULL);
    child_say("%s %d", what, number);
}

static int put(struct oph__chan *chan, int32_t dtype, uint32_t count, const void *data,
               oph__put_fn *fn, void *user, oph_error *err)
{
    hook.flushes = 0;
    if (++hook.puts == hook.stop_put) stop_here("put", hook.puts);
    return oph__ca_ops()->put(chan, dtype, count, data, fn, user, err);
}

static int flush(struct oph__link *link, oph_error *err)
{
    if (hook.puts + 1 == hook.stop_put && ++hook.flushes == hook.stop_flush)
        stop_here("flush", hook.flushes);
    return oph__ca_ops()->flush(link, err);
}

static int open_link(struct oph__log *log, struct oph__link **ret, oph_error *err)
{
    int rc = oph__ca_ops()->open(log, ret, err);
    hook.link = *ret;
    return rc;
}

static void hook_into(oph_context *ctx)
{
    static struct oph__link_ops ops;
    ops = *oph__ca_ops();
    ops.open = open_link;
    ops.put = put;
    ops.flush = flush;
    ctx->ops = &ops; /* before the link is opened */
}

/* Once the IOC has begun: a request that was only sent may be lost with its sender. */
static int say_triggered(oph_error *err)
{
    const oph_condition busy = {.size = sizeof busy, .equals = OPH_INT(1)};
    oph_signal *sig = NULL;
    int rc = oph_signal_find(d.cam, "acquire_busy", &sig, err);
    if (!rc) rc = oph_signal_wait(sig, &busy, OPH_DEFAULT, err);
    if (!rc) child_say("triggered");
    return rc;
}

/* A series writes other values over those that were staged, and one that was not. */
static int say_prepared(oph_error *err)
{
    const oph_series series = {
        .size = sizeof series, .mode = OPH_SERIES_EDGE, .triggers = 2, .exposure = 0.07};
    int rc = oph_prepare(d.det, &series, NULL, err);
    if (!rc) child_say("prepared");
    return rc;
}

static int run_client(const char *what, oph_error *err)
{
    oph_status *st = NULL;
    int rc = oph_context_new(NULL, &d.ctx, err);
    if (rc) return rc;
    hook_into(d.ctx);
    if (!strcmp(what, "recover")) return oph_recover(d.ctx, "Pilatus:", NULL, NULL, NULL, err);
    detector_add_class(d.ctx);
    detector_make(&d);
    rc = oph_stage(d.det, NULL, err);
    if (!rc && !strcmp(what, "staged")) child_say("staged");
    if (!rc && !strcmp(what, "prepared")) rc = say_prepared(err);
    if (!rc) rc = oph_trigger(d.det, &st, err);
    if (!rc && !strcmp(what, "triggered")) rc = say_triggered(err);
    if (!rc) rc = oph_status_wait(st, OPH_DEFAULT, err);
    oph_status_unref(st);
    oph_error late = OPH_ERROR_INIT;
    int unstaged = oph_unstage(d.det, NULL, &late);
    if (rc || !unstaged) return rc;
    *err = late;
    return unstaged;
}

/* WHAT DISK PUT FLUSH */
static int be_client(char **arguments)
{
    oph_error err = OPH_ERROR_INIT;
    snprintf(d.disk, sizeof d.disk, "%s", arguments[1]);
    hook.stop_put = (int)strtol(arguments[2], NULL, 10);
    hook.stop_flush = (int)strtol(arguments[3], NULL, 10);
    if (hook.stop_flush > 0) hook.stop_put++; /* after that put, not before it */
    int rc = run_client(arguments[0], &err);
    child_mention("%s %d", rc ? err.text : "done", hook.puts);
    oph_device_free(d.det);
    oph_context_free(d.ctx);
    return rc != 0;
}

/* The parent's side */

static void start(struct child *child, const char *what, int at_put, int at_flush)
{
    char put_text[16], flush_text[16];
    const char *const arguments[] = {what, d.disk, put_text, flush_text, NULL};
    snprintf(put_text, sizeof put_text, "%d", at_put);
    snprintf(flush_text, sizeof flush_text, "%d", at_flush);
    child_start(child, arguments);
    if (!child_hear(child, line, sizeof line)) testAbort("the client ended without a word");
}

static void start_staged(struct child *child)
{
    start(child, "staged", 0, 0);
    if (strcmp(line, "staged") != 0) testAbort("the client: %s", line);
}

/* What staging writes, with values before it that are others than those staged. */
static void make_odd(void)
{
    static const char *const odd[][2] = {
        {"cam1:ImageMode", "Continuous"},
        {"cam1:NumImages", "3"},
        {"cam1:AcquireTime", "0.2"},
        {"cam1:AcquirePeriod", "0.3"},
        {"cam1:WaitForPlugins", "No"},
        {"cam1:ArrayCallbacks", "Disable"},
        {"image1:EnableCallbacks", "Disable"},
        {"image1:BlockingCallbacks", "Yes"},
        {"HDF1:EnableCallbacks", "Disable"},
        {"HDF1:BlockingCallbacks", "Yes"},
        {"HDF1:AutoIncrement", "No"},
        {"HDF1:ArrayCounter", "5"},
        {"HDF1:AutoSave", "No"},
        {"HDF1:NumCapture", "7"},
        {"HDF1:FileTemplate", "%s%s_%d.odd"},
        {"HDF1:FileWriteMode", "Single"},
        {"HDF1:LazyOpen", "No"},
        {"HDF1:Compression", "zlib"},
        {"HDF1:CreateDirectory", "0"},
        {"HDF1:FilePath", "/tmp/"},
        {"HDF1:FileName", "odd"},
        {"HDF1:FileNumber", "9"},
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof odd / sizeof odd[0] && rc == 0; i++)
        rc = probe_put_complete(d.probe, odd[i][0], odd[i][1], 5);
    testOk(rc == 0, "all settings have odd values");
    detector_remember(&d);
}

static void tell_left(const oph_recovery *recovery, const oph_report *report)
{
    for (size_t i = 0; i < oph_report_count(report); i++)
        testDiag("%s", oph_report_at(report, i)->text);
    for (size_t i = 0; i < oph_recovery_count(recovery); i++) {
        const oph_recovered *one = oph_recovery_at(recovery, i);
        testDiag("%d %s: %s, now %s", one->what, one->pv, one->found, one->now);
    }
}

/* One testOk: it recovers all, its report is empty, the journal goes, and every setpoint is as
 * remembered. Returns how many settings were put back. */
static int recovers(const char *when)
{
    oph_error err = OPH_ERROR_INIT;
    oph_recovery *recovery = NULL;
    oph_report *report = NULL;
    int rc = oph_recover(d.ctx, "Pilatus:", NULL, &recovery, &report, &err), back = 0, other = 0;
    for (size_t i = 0; i < oph_recovery_count(recovery); i++) {
        int32_t what = oph_recovery_at(recovery, i)->what;
        back += what == OPH_RECOVERED_BACK;
        other += what == OPH_RECOVERED_KEPT || what == OPH_RECOVERED_LEFT;
    }
    struct setpoints *now = setpoints_read(d.probe, "Pilatus:");
    int ok = !rc && !oph_report_count(report) && !other && state_journals() == 0 && now &&
             setpoints_differ(d.before, now) == 0;
    testOk(ok, "%s: %d of %zu settings are put back, and all is as before", when, back,
           oph_recovery_count(recovery));
    if (!ok) testDiag("%s: %s", oph_code_name(rc), err.text);
    if (!ok) tell_left(recovery, report);
    setpoints_free(now);
    oph_recovery_free(recovery);
    oph_report_free(report);
    return back;
}

/* How many puts a stage, a trigger and an unstage are. */
static int count_puts(void)
{
    struct child child;
    int puts = 0;
    start(&child, "whole", 0, 0);
    int done = sscanf(line, "done %d", &puts);
    testOk(done == 1 && puts > 30 && child_end(&child) == 0, "a whole round: %s", line);
    testOk(state_journals() == 0, "it leaves no journal");
    detector_unchanged(&d, "it");
    return puts;
}

static void killed_at_each_put(int puts)
{
    int most = 0;
    for (int n = 1; n <= puts; n++) {
        struct child child;
        char when[64];
        start(&child, "whole", n, 0);
        snprintf(when, sizeof when, "killed before put %d", n);
        if (strncmp(line, "put ", 4) != 0 || state_journals() != 1) testAbort("%s: %s", when, line);
        child_kill(&child);
        int back = recovers(when);
        if (back > most) most = back;
    }
    testOk(most >= 20, "as many as %d were to be put back", most);
}

/* The last put is sent, and is looked at; then the journal goes. */
static void killed_after_the_last(int puts)
{
    for (int n = 1; n < 10; n++) {
        struct child child;
        char when[64];
        start(&child, "whole", puts, n);
        snprintf(when, sizeof when, "killed before flush %d after the last put", n);
        int stopped = strncmp(line, "flush ", 6) == 0;
        if (stopped) {
            child_kill(&child);
            recovers(when);
            continue;
        }
        testOk(n > 1 && child_end(&child) == 0, "no more than %d flushes follow: %s", n - 1, line);
        return;
    }
    testFail("flushes without end");
}

static void recover_killed(int at_put)
{
    struct child child;
    char when[64];
    start_staged(&child);
    child_kill(&child);
    start(&child, "recover", at_put, 0);
    snprintf(when, sizeof when, "killed again before put %d of recovering", at_put);
    if (strncmp(line, "put ", 4) != 0) testAbort("%s: %s", when, line);
    oph_error err = OPH_ERROR_INIT;
    testOk(oph_recover(d.ctx, NULL, NULL, NULL, NULL, &err) == OPH_EBUSY, "%s", err.text);
    child_kill(&child);
    recovers(when);
}

static void owner_lives(void)
{
    struct child child;
    oph_error err = OPH_ERROR_INIT;
    char pid[32];
    start_staged(&child);
    snprintf(pid, sizeof pid, "process %d ", (int)child.pid);
    struct setpoints *staged = setpoints_read(d.probe, "Pilatus:");
    testOk(oph_recover(d.ctx, NULL, NULL, NULL, NULL, &err) == OPH_EBUSY && strstr(err.text, pid),
           "it refuses while the owner lives: %s", err.text);
    check_refused(oph_stage(d.det, NULL, &err), &err, OPH_EBUSY, "det", NULL, "to stage", pid);
    oph_plan *plan = NULL;
    check_refused(oph_plan_new(d.det, NULL, &plan, NULL, &err), &err, OPH_EBUSY, "det", NULL,
                  "to stage", pid);
    check_refused(oph_warmup(d.det, OPH_DEFAULT, &err), &err, OPH_EBUSY, "det.hdf1.capture",
                  "Pilatus:HDF1:Capture_RBV", "Done", "a capture that runs already");
    struct setpoints *now = setpoints_read(d.probe, "Pilatus:");
    testOk(staged && now && setpoints_differ(staged, now) == 0, "nothing of the owner's changed");
    setpoints_free(staged);
    setpoints_free(now);
    child_go(&child);
    testOk(child_hear(&child, line, sizeof line) && child_end(&child) == 0, "the owner goes on: %s",
           line);
    detector_unchanged(&d, "that");
}

static const oph_recovered *entry_of(const oph_recovery *recovery, const char *pv)
{
    for (size_t i = 0; i < oph_recovery_count(recovery); i++)
        if (!strcmp(oph_recovery_at(recovery, i)->pv, pv)) return oph_recovery_at(recovery, i);
    testAbort("%s is not in the list", pv);
    return NULL;
}

static void somebody_changed(void)
{
    struct child child;
    oph_error err = OPH_ERROR_INIT;
    oph_recovery *recovery = NULL;
    oph_report *report = NULL;
    start_staged(&child);
    child_kill(&child);
    check_refused(oph_stage(d.det, NULL, &err), &err, OPH_ESTATE, "det", NULL, "to stage",
                  "oph_recover");
    testOk1(probe_put_complete(d.probe, "cam1:AcquireTime", "0.7", 5) == 0);
    testOk1(probe_put_complete(d.probe, "HDF1:Compression", "szip", 5) == 0);
    check_done(oph_recover(d.ctx, NULL, NULL, &recovery, &report, &err), &err,
               "it recovers what somebody changed two of");
    testOk1(oph_report_count(report) == 2 && state_journals() == 0);
    for (size_t i = 0; i < oph_report_count(report); i++) {
        const oph_error *kept = oph_report_at(report, i);
        if (strstr(kept->device, "acquire_time"))
            check_refused(OPH_EMISMATCH, kept, OPH_EMISMATCH, "det.cam.acquire_time",
                          "Pilatus:cam1:AcquireTime", "0.01 as staged", "0.7");
        else
            check_refused(OPH_EMISMATCH, kept, OPH_EMISMATCH, "det.hdf1.compression",
                          "Pilatus:HDF1:Compression", "LZ4 as staged", "szip: somebody");
    }
    const oph_recovered *time = entry_of(recovery, "Pilatus:cam1:AcquireTime");
    testOk(time->what == OPH_RECOVERED_KEPT && !strcmp(time->found, "0.7") &&
               !strcmp(time->now, "0.7") && !strcmp(time->device, "det.cam.acquire_time"),
           "that one is kept");
    const oph_recovered *mode = entry_of(recovery, "Pilatus:cam1:ImageMode");
    testOk(mode->what == OPH_RECOVERED_BACK && !strcmp(mode->found, "Single") &&
               !strcmp(mode->now, "Continuous"),
           "the others are put back");
    const oph_recovered *last = oph_recovery_at(recovery, 0);
    testOk(!strcmp(last->pv, "Pilatus:HDF1:Capture") && last->what == OPH_RECOVERED_BACK &&
               !strcmp(last->now, "Done"),
           "the last that was staged first");
    oph_recovery_free(recovery);
    oph_report_free(report);
    testOk1(probe_put_complete(d.probe, "cam1:AcquireTime", "0.2", 5) == 0);
    testOk1(probe_put_complete(d.probe, "HDF1:Compression", "zlib", 5) == 0);
    detector_unchanged(&d, "they put it back");
    testOk1(!oph_recover(d.ctx, NULL, NULL, &recovery, NULL, NULL));
    testOk1(oph_recovery_count(recovery) == 0);
    oph_recovery_free(recovery);
}

/* An acquisition that runs is neither disturbed nor, unasked, stopped. */
static void still_running(void)
{
    const oph_recover_options soon = {.size = sizeof soon, .timeout = 0.2};
    /* It is waited for longer than connecting may take, of which AcquireBusy has all its time. */
    const oph_context_options hasty = {.size = sizeof hasty, .connect_timeout = 1};
    const oph_recover_options stop = {
        .size = sizeof stop, .timeout = 1.5, .flags = OPH_RECOVER_STOP};
    oph_context *ctx = NULL;
    struct child child;
    oph_error err = OPH_ERROR_INIT;
    start_staged(&child);
    child_kill(&child);
    testOk1(probe_put_complete(d.probe, "sim1:SomebodyElse", "60", 5) == 0 &&
            probe_until(d.probe, "cam1:Acquire_RBV", "Acquiring", 5) == 0);
    struct setpoints *before = setpoints_read(d.probe, "Pilatus:");
    int rc = oph_recover(d.ctx, NULL, &soon, NULL, NULL, &err);
    check_refused(rc, &err, OPH_EBUSY, "det.cam.acquire", "Pilatus:cam1:Acquire", "Done",
                  "OPH_RECOVER_STOP");
    struct setpoints *after = setpoints_read(d.probe, "Pilatus:");
    testOk(before && after && setpoints_differ(before, after) == 0 && state_journals() == 1,
           "nothing was changed under it");
    setpoints_free(before);
    setpoints_free(after);
    if (oph_context_new(&hasty, &ctx, &err)) testAbort("%s", err.text);
    check_done(oph_recover(ctx, NULL, &stop, NULL, NULL, &err), &err, "it is stopped when asked");
    oph_context_free(ctx);
    testOk1(probe_until(d.probe, "cam1:Acquire_RBV", "Done", 5) == 0);
    detector_unchanged(&d, "that");
}

/* The frame of a killed client that is still on its way to the file gets there. */
static void still_writing(void)
{
    const oph_recover_options soon = {.size = sizeof soon, .timeout = 1};
    struct child child;
    oph_error err = OPH_ERROR_INIT;
    testOk1(probe_put_complete(d.probe, "sim1:PluginStuck", "HDF1", 5) == 0);
    start(&child, "triggered", 0, 0);
    if (strcmp(line, "triggered") != 0) testAbort("the client: %s", line);
    child_kill(&child);
    check_refused(oph_recover(d.ctx, NULL, &soon, NULL, NULL, &err), &err, OPH_EBUSY,
                  "Pilatus:cam1:AcquireBusy", "Pilatus:cam1:AcquireBusy", "Done", "still runs");
    testOk1(probe_put_complete(d.probe, "sim1:PluginStuck", "", 5) == 0);
    recovers("when it is written");
    testOk(probe_get_number(d.probe, "HDF1:NumCaptured_RBV") == 1, "the frame is in the file");
}

static void prepared(void)
{
    struct child child;
    start(&child, "prepared", 0, 0);
    if (strcmp(line, "prepared") != 0) testAbort("the client: %s", line);
    probe_is_number(d.probe, "cam1:AcquireTime", 0.07);
    probe_is(d.probe, "cam1:TriggerMode", "Mult. Trigger");
    child_kill(&child);
    recovers("what a series has written");
}

/* A probe is its thread's only one. */
static void *read_elsewhere(void *ret)
{
    struct probe *probe = probe_new("Pilatus:");
    *(struct setpoints **)ret = setpoints_read(probe, "Pilatus:");
    probe_free(probe);
    return NULL;
}

/* Of the simulator that the environment names. */
static struct setpoints *setpoints_of_other(void)
{
    struct setpoints *setpoints = NULL;
    pthread_t thread;
    pthread_create(&thread, NULL, read_elsewhere, &setpoints);
    pthread_join(thread, NULL);
    return setpoints;
}

/* A file that says the same of another IOC. */
static void other_server(void)
{
    const char *const arguments[] = {
        "--size",       "64x48", "--instant", "--raw", DETECTOR_DISK "/raw",
        "--write-root", d.root,  NULL};
    struct child child;
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = NULL;
    char port[16], port_of_other[16];
    start_staged(&child);
    child_kill(&child);
    struct sim *other = sim_start(arguments);
    snprintf(port, sizeof port, ":%d", sim_port(d.sim));
    snprintf(port_of_other, sizeof port_of_other, ":%d", sim_port(other));
    struct setpoints *before = setpoints_of_other();
    if (oph_context_new(NULL, &ctx, &err)) testAbort("%s", err.text);
    int rc = oph_recover(ctx, NULL, NULL, NULL, NULL, &err);
    testOk(rc == OPH_EMISMATCH && strstr(err.wanted, port) && strstr(err.found, port_of_other),
           "%s", err.text);
    struct setpoints *after = setpoints_of_other();
    testOk(before && after && setpoints_differ(before, after) == 0 && state_journals() == 1,
           "it is left alone");
    setpoints_free(before);
    setpoints_free(after);
    recovers("on its own server");
    oph_context_free(ctx);
    testOk1(sim_stop(other) == 0);
}

/* A driver that takes no value: the setpoint is back, and nothing else. */
static void not_taken(void)
{
    struct child child;
    oph_error err = OPH_ERROR_INIT;
    double time = 0;
    start_staged(&child);
    child_kill(&child);
    probe_put_complete(d.probe, "sim1:ReadbackStays", "cam1:AcquireTime_RBV", 5);
    for (int i = 0; i < 2; i++)
        check_refused(oph_recover(d.ctx, NULL, NULL, NULL, NULL, &err), &err, OPH_EMISMATCH,
                      "det.cam.acquire_time", "Pilatus:cam1:AcquireTime", "0.2 put back", "0.01");
    testOk(state_journals() == 1, "it stays in the journal");
    probe_put_complete(d.probe, "sim1:ReadbackStays", "", 5);
    check_done(oph_recover(d.ctx, NULL, NULL, NULL, NULL, &err), &err, "until it is taken");
    int rc = oph_get_double(d.det, "cam.acquire_time", &time, &err);
    testOk(!rc && time == 0.2 && state_journals() == 0, "AcquireTime_RBV is %g", time);
    detector_unchanged(&d, "that");
}

int main(int argc, char **argv)
{
    static const char *const arguments[] = {"--instant", NULL};
    if (argc > 4) return be_client(&argv[1]);
    testPlan(0);
    state_begin(NULL, 0);
    detector_start(&d, arguments, NULL);
    make_odd();
    int puts = count_puts();
    killed_at_each_put(puts);
    killed_after_the_last(puts);
    recover_killed(1);
    recover_killed(2);
    recover_killed(12);
    recover_killed(19);
    owner_lives();
    somebody_changed();
    still_running();
    still_writing();
    prepared();
    detector_works(&d, "after all that");
    not_taken();
    other_server();
    detector_end(&d);
    state_end();
    return testDone();
}
