/* Acquisitions that end before their time: cancelled, stopped, interrupted, timed out. */
#include "lib/detector.h"

#include "base/clock.h"
#include <epicsUnitTest.h>
#include <string.h>

static struct detector d;

/* Staged, and in the middle of an exposure of 20 s. */
static oph_status *expose(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    int mark = probe_mark(d.probe);
    int rc = oph_settings_set(d.cam, "acquire_time", 20, &err);
    if (!rc) rc = oph_stage(d.det, NULL, &err);
    if (!rc) rc = oph_trigger(d.det, &st, &err);
    if (rc) testAbort("%s", err.text);
    testOk(probe_wait(d.probe, mark, "cam1:Armed", "Armed", 5) >= 0, "an exposure is under way");
    return st;
}

static void took(double since, double most, const char *what)
{
    testOk(oph__now() - since <= most, "%s took %.2f s, at most %g", what, oph__now() - since,
           most);
}

/* The status failed so; all is put back; and the next acquisition works. */
static void ended(oph_status *st, int code, const char *found, const char *after)
{
    oph_error err = OPH_ERROR_INIT;
    check_refused(oph_status_wait(st, 10, &err), &err, code, "det", "Pilatus:cam1:Acquire",
                  "1 frame", found);
    testOk(oph_status_done(st) && !oph_status_success(st), "the status has failed");
    oph_status_unref(st);
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstage works");
    detector_unchanged(&d, after);
    detector_make(&d);
    detector_works(&d, "after that");
}

static void somebody_stops(void)
{
    oph_status *st = expose();
    double start = oph__now();
    testOk(probe_put(d.probe, "cam1:Acquire", "Done") == 0, "somebody stops it");
    ended(st, OPH_EACQUIRE, "DetectorState Aborted", "somebody stopped it");
    took(start, 5, "all that");
}

static void cancelled(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = expose();
    double start = oph__now();
    check_done(oph_status_cancel(st, &err), &err, "it is cancelled");
    check_done(oph_status_cancel(st, &err), &err, "and once more");
    ended(st, OPH_ECANCEL, "cancelled", "it was cancelled");
    took(start, 5, "all that");
}

static void *wait_for_status(void *arg)
{
    static oph_error err;
    oph_status_wait(arg, 20, &err);
    return &err;
}

static pthread_t start(void *(*run)(void *), void *arg)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, arg) != 0) testAbort("no thread");
    return thread;
}

static void unstaged_by_another(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    void *seen = NULL;
    oph_status *st = expose();
    pthread_t waiter = start(wait_for_status, st);
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage works while it acquires");
    testOk(oph_report_count(report) == 0, "its report is empty");
    oph_report_print(report, stdout);
    oph_report_free(report);
    pthread_join(waiter, &seen);
    check_refused(((oph_error *)seen)->code, seen, OPH_ECANCEL, "det", "Pilatus:cam1:Acquire",
                  "1 frame", "cancelled");
    ended(st, OPH_ECANCEL, "cancelled", "unstaging while it acquired");
}

struct triggering {
    pthread_barrier_t together;
    int rc;
    oph_status *st;
};

static void *trigger(void *arg)
{
    struct triggering *t = arg;
    pthread_barrier_wait(&t->together);
    t->rc = oph_trigger(d.det, &t->st, NULL);
    return NULL;
}

/* Whoever comes first: when both calls have returned nothing runs, and nothing is staged. */
static void unstaged_while_it_starts(void)
{
    oph_error err = OPH_ERROR_INIT;
    int bad = 0, started = 0;
    for (int i = 0; i < 20 && !bad; i++) {
        struct triggering t = {.rc = 0};
        pthread_barrier_init(&t.together, NULL, 2);
        if (oph_stage(d.det, NULL, &err)) testAbort("%s", err.text);
        pthread_t other = start(trigger, &t);
        pthread_barrier_wait(&t.together);
        int rc = oph_unstage(d.det, NULL, &err);
        pthread_join(other, NULL);
        pthread_barrier_destroy(&t.together);
        started += t.rc == 0;
        bad = rc || (t.rc && t.rc != OPH_ESTATE) || (t.st && !oph_status_done(t.st)) ||
              oph_device_state(d.det) != OPH_STATE_IDLE ||
              probe_get_number(d.probe, "cam1:Acquire") != 0;
        oph_status_unref(t.st);
    }
    testOk(!bad, "unstage while another thread triggers: %d of them had started", started);
    detector_unchanged(&d, "that");
    detector_works(&d, "after that");
}

/* An interrupt that comes before the call that blocks is kept for it. */
static void interrupted_waiting(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = expose();
    oph_interrupt(d.ctx);
    check_refused(oph_status_wait(st, 10, &err), &err, OPH_EINTR, "det", NULL, "done",
                  "interrupted");
    testOk(!oph_status_done(st), "the acquisition goes on");
    check_refused(oph_status_wait(st, 0.1, &err), &err, OPH_ETIMEOUT, "det", NULL, "done",
                  "still running");
    oph_status_cancel(st, NULL);
    ended(st, OPH_ECANCEL, "cancelled", "an interrupt");
}

struct staging {
    int rc;
    oph_error err;
    oph_report *report;
};

static void *stage(void *arg)
{
    struct staging *s = arg;
    s->rc = oph_stage(d.det, &s->report, &s->err);
    return NULL;
}

/* While the first settings are there and the IOC stands still, so that the others cannot be. */
static void interrupted_staging(void)
{
    struct staging s = {.report = NULL};
    int mark = probe_mark(d.probe);
    pthread_t stager = start(stage, &s);
    testOk(probe_wait(d.probe, mark, "cam1:ImageMode", "Single", 5) >= 0, "staging has begun");
    sim_pause(d.sim);
    oph_interrupt(d.ctx);
    sim_resume(d.sim);
    pthread_join(stager, NULL);
    check_refused(s.rc, &s.err, OPH_EINTR, "det", NULL, "to stage", "interrupted");
    testOk(oph_report_count(s.report) == 1, "the report has that, and nothing more");
    oph_report_print(s.report, stdout);
    oph_report_free(s.report);
    detector_unchanged(&d, "an interrupted stage");
    detector_works(&d, "after that");
    oph_interrupt(d.ctx);
    s = (struct staging){.report = NULL};
    stage(&s);
    check_refused(s.rc, &s.err, OPH_EINTR, "det", NULL, "to stage", "interrupted");
    oph_report_free(s.report);
    detector_unchanged(&d, "a stage that did not begin");
}

static void timed_out(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_result *result = NULL;
    check_done(oph_settings_set(d.cam, "acquire_time", 20, &err), &err, "20 s are asked for");
    double began = oph__now();
    check_refused(oph_acquire(d.det, 0.3, &result, &err), &err, OPH_ETIMEOUT, "det", NULL, "done",
                  "still running");
    took(began, 5, "oph_acquire for 0.3 s");
    testOk(oph_report_count(oph_result_report(result)) == 0, "its report is empty");
    oph_report_print(oph_result_report(result), stdout);
    oph_result_free(result);
    detector_unchanged(&d, "oph_acquire ran out of time");
    detector_make(&d);
    detector_works(&d, "after that");
}

/* Somebody else's acquisition is left alone, unless it is to be taken over: then stage stops it
 * before all else, and unstage tells that it stays stopped. */
static void running_before(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    const oph_stage_options takeover = {.size = sizeof takeover, .takeover = 1};
    int mark = probe_mark(d.probe);
    testOk(probe_put_complete(d.probe, "cam1:AcquireTime", "20", 5) == 0 &&
               probe_put(d.probe, "cam1:Acquire", "Acquire") == 0 &&
               probe_wait(d.probe, mark, "cam1:Armed", "Armed", 5) >= 0,
           "somebody acquires");
    mark = probe_mark(d.probe);
    check_refused(oph_stage(d.det, NULL, &err), &err, OPH_EBUSY, "det.cam.acquire",
                  "Pilatus:cam1:Acquire_RBV", "Done", "runs already");
    testOk(probe_get_number(d.probe, "cam1:DetectorState_RBV") == 1 && probe_mark(d.probe) == mark,
           "theirs goes on, and nothing was written");
    err = (oph_error)OPH_ERROR_INIT;
    check_done(oph_stage_with(d.det, &takeover, NULL, &err), &err, "stage works with takeover");
    testOk(probe_get_number(d.probe, "cam1:DetectorState_RBV") == 10, "theirs was aborted");
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage works");
    testOk(oph_report_count(report) == 1, "its report has one entry");
    const oph_error *first = oph_report_at(report, 0);
    if (first)
        check_refused(OPH_EMISMATCH, first, OPH_EMISMATCH, "det.cam.acquire",
                      "Pilatus:cam1:Acquire", "before staging", "not started again");
    oph_report_free(report);
    testOk(probe_put_complete(d.probe, "cam1:AcquireTime", "1", 5) == 0, "they set it back");
    detector_unchanged(&d, "that");
    detector_works(&d, "after that");
}

int main(void)
{
    static const char *const watched[] = {"cam1:Armed", "cam1:ImageMode"};
    testPlan(0);
    detector_start(&d, NULL, NULL);
    testOk(probe_put_complete(d.probe, "cam1:ImageMode", "Continuous", 5) == 0 &&
               probe_watch(d.probe, watched, 2) == 0,
           "a witness watches");
    detector_remember(&d);
    somebody_stops();
    cancelled();
    unstaged_by_another();
    unstaged_while_it_starts();
    interrupted_waiting();
    interrupted_staging();
    timed_out();
    running_before();
    detector_end(&d);
    return testDone();
}
