/* Motors: moves that end well, what is refused before anything is put, and every way in which a
 * move can end badly. */
#include "lib/await.h"
#include "lib/check.h"
#include "lib/probe.h"
#include "lib/sim.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const char *const watched[] = {"m1.DMOV", "m1.MOVN", "m1.VAL", "m1.STOP", "m2.DESC"};
enum { WATCHED = sizeof watched / sizeof *watched };

static struct sim *sim;
static struct probe *probe;
static oph_context *ctx;
static oph_device *m1;

static int fails(int rc, int code, const oph_error *err, const char *with, const char *what)
{
    int ok = rc == code && err->code == code && strstr(err->text, with);
    testOk(ok, "%s: %s", what, err->text);
    if (!ok) testDiag("wanted %s and \"%s\"", oph_code_name(code), with);
    return ok;
}

static int went(int mark, const char *name)
{
    struct probe_event e;
    int count = 0;
    for (; probe_event(probe, mark, &e); mark++)
        count += strcmp(e.name, name) == 0;
    return count;
}

/* Updates and answers come by two threads of the IOC: after an update of its own all that were made
 * before are here. */
static int settled_mark(void)
{
    static int times;
    char text[24];
    int mark = probe_mark(probe);
    snprintf(text, sizeof text, "look %d", ++times);
    if (probe_put(probe, "m2.DESC", text) || probe_wait(probe, mark, "m2.DESC", text, 10) < 0)
        testAbort("no update of m2.DESC");
    return probe_mark(probe);
}

static void stands(const char *what)
{
    testOk(probe_until(probe, "m1.DMOV", "1", 10) == 0, "%s: it stands", what);
}

static oph_status *start(double position, const oph_move_options *opt)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *status = NULL;
    int mark = probe_mark(probe);
    if (oph_move_start(m1, position, opt, &status, &err)) testAbort("%s", err.text);
    if (probe_wait(probe, mark, "m1.MOVN", "1", 10) < 0) testAbort("it does not move");
    return status;
}

/* Ends well */

static void moves(void)
{
    oph_error err = OPH_ERROR_INIT;
    double at = (double)NAN;
    check_done(oph_move(m1, 3.25, NULL, &err), &err, "a move");
    probe_is_number(probe, "m1.RBV", 3.25);
    probe_is_number(probe, "m1.DMOV", 1);
    int mark = probe_mark(probe);
    check_done(oph_move(m1, 3.25, NULL, &err), &err, "one to where it is");
    PROBE_WENT(probe, mark, "m1.DMOV", "0", "1");
    testOk(oph_get_double(m1, "user_readback", &at, &err) == 0 && at == 3.25, "it is at %g", at);
    check_done(oph_move(m1, 100, NULL, &err), &err, "to its very limit");
    check_done(oph_move(m1, 0, NULL, &err), &err, "and back");
}

struct way {
    sem_t sem;
    int reports;
    double least, most;
    oph_progress last;
};

static void on_progress(oph_status *status, const oph_progress *p, void *user)
{
    struct way *way = user;
    (void)status;
    way->reports++;
    way->least = fmin(way->least, p->current);
    way->most = fmax(way->most, p->current);
    way->last = *p;
}

static void on_done(oph_status *status, void *user)
{
    (void)status;
    sem_post(&((struct way *)user)->sem);
}

static void tells_the_way(void)
{
    oph_error err = OPH_ERROR_INIT;
    struct way way = {.least = 1e9, .most = -1e9};
    oph_watch *watch;
    char text[128];
    sem_init(&way.sem, 0, 0);
    oph_status *status = start(5, NULL);
    testOk1(oph_status_watch(status, on_progress, &way, &watch, &err) == 0);
    testOk1(oph_status_on_done(status, on_done, &way, &err) == 0);
    check_done(oph_status_wait(status, OPH_DEFAULT, &err), &err, "a move that is watched");
    await(&way.sem, "the end of a move");
    testOk(way.reports > 2 && way.least >= 0 && way.most <= 5, "%d reports from %g to %g",
           way.reports, way.least, way.most);
    testOk(way.last.initial == 0 && way.last.target == 5 && strcmp(way.last.unit, "mm") == 0 &&
               way.last.precision == 4,
           "from %g to %g %s", way.last.initial, way.last.target, way.last.unit);
    oph_status_text(status, text, sizeof text);
    testOk(strstr(text, "MoveStatus(device=m1, done=True, success=True)") != NULL, "%s", text);
    oph_watch_free(watch);
    oph_status_unref(status);
    sem_destroy(&way.sem);
}

static void two_at_once(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *m2 = NULL;
    oph_status *parts[2], *all;
    if (oph_device_new(ctx, "EpicsMotor", "Pilatus:m2", "m2", &m2, &err)) testAbort("%s", err.text);
    check_done(oph_connect(m2, OPH_DEFAULT, NULL, &err), &err, "a motor connects");
    parts[0] = start(0, NULL);
    testOk1(oph_move_start(m2, -20, NULL, &parts[1], &err) == 0);
    testOk1(oph_status_all(parts, 2, &all, &err) == 0);
    check_done(oph_status_wait(all, OPH_DEFAULT, &err), &err, "two motors move together");
    probe_is_number(probe, "m2.RBV", -20);
    oph_status_unref(all);
    oph_status_unref(parts[0]);
    oph_status_unref(parts[1]);
    oph_device_free(m2);
}

/* Refused */

static void refuses(double position, int code, const char *with, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *status = NULL;
    int mark = settled_mark();
    fails(oph_move(m1, position, NULL, &err), code, &err, with, what);
    fails(oph_move_start(m1, position, NULL, &status, &err), code, &err, with, what);
    fails(oph_move_check(m1, position, &err), code, &err, with, what);
    settled_mark();
    testOk(!status && !went(mark, "m1.DMOV") && !went(mark, "m1.VAL"), "nothing was put");
}

static void refuses_what_cannot_work(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *cam = NULL;
    oph_move_options opt = {.size = sizeof opt, .tolerance = -1};
    refuses(100.0001, OPH_ERANGE,
            "m1.user_setpoint (Pilatus:m1.VAL): wanted a position from -100 to 100 mm, found "
            "100.0001",
            "above the limit");
    refuses(-101, OPH_ERANGE, "found -101", "below the limit");
    refuses((double)NAN, OPH_ERANGE, "found nan", "no number");
    probe_set(probe, "m1.SPMG", "Stop");
    refuses(1, OPH_ESTATE, "m1.run_switch (Pilatus:m1.SPMG): wanted Go, found Stop", "stopped");
    probe_set(probe, "m1.SPMG", "Go");
    probe_set(probe, "m1.SET", "Set");
    refuses(1, OPH_ESTATE, "wanted Use, found Set", "being calibrated");
    probe_set(probe, "m1.SET", "Use");
    oph_status *status = start(50, NULL);
    fails(oph_move(m1, 1, NULL, &err), OPH_EBUSY, &err, "Pilatus:m1.DMOV", "while it moves");
    check_done(oph_stop(m1, &err), &err, "it stops");
    oph_status_unref(status);
    fails(oph_move(m1, 1, &opt, &err), OPH_EINVAL, &err, "0 or more", "a negative tolerance");
    opt.size = 1;
    fails(oph_move(m1, 1, &opt, &err), OPH_EINVAL, &err, "oph_move_options", "a size");
    if (oph_device_new(ctx, "PilatusDetectorCam", "Pilatus:cam1:", "cam", &cam, &err))
        testAbort("%s", err.text);
    fails(oph_move(cam, 1, NULL, &err), OPH_EINVAL, &err, "EpicsMotor", "another class");
    oph_device_free(cam);
    check_done(oph_move(m1, 0, NULL, &err), &err, "it still moves");
}

static void moves_without_limits(void)
{
    oph_error err = OPH_ERROR_INIT;
    probe_set(probe, "m1.DHLM", "0");
    probe_set(probe, "m1.DLLM", "0");
    check_done(oph_move(m1, 101, NULL, &err), &err, "limits that are equal are none");
    check_done(oph_move(m1, 0, NULL, &err), &err, "nor for the way back");
    probe_set(probe, "m1.DHLM", "100");
    probe_set(probe, "m1.DLLM", "-100");
}

/* Ends badly */

static void ends(oph_status *status, int code, const char *with, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    fails(oph_status_wait(status, 30, &err), code, &err, with, what);
    stands(what);
    oph_status_unref(status);
}

static void stuck(void)
{
    oph_error err = OPH_ERROR_INIT;
    const oph_move_options opt = {.size = sizeof opt, .timeout = 0.3};
    probe_set(probe, "sim1:MotorStuck", "m1");
    int mark = probe_mark(probe);
    fails(oph_move(m1, 1, &opt, &err), OPH_ETIMEOUT, &err,
          "m1.user_setpoint (Pilatus:m1.VAL): wanted 1 mm, found that it still moves: it was told "
          "to stop, at 0, after ",
          "a motor that is stuck");
    stands("a motor that is stuck");
    PROBE_WENT(probe, mark, "m1.DMOV", "0", "1");
    probe_set(probe, "sim1:MotorStuck", "");
    check_done(oph_move(m1, 1, NULL, &err), &err, "it moves again");
    check_done(oph_move(m1, 0, NULL, &err), &err, "and again");
}

static void stopped_by_others(void)
{
    oph_status *status = start(90, NULL);
    probe_put(probe, "m1.STOP", "1");
    ends(status, OPH_EMISMATCH,
         "m1.user_setpoint (Pilatus:m1.VAL): wanted 90 within 0.001 mm, found that somebody "
         "stopped it",
         "stopped by another client");
    status = start(-90, NULL);
    probe_put(probe, "m1.VAL", "0");
    ends(status, OPH_EMISMATCH, "or sent it elsewhere, at 0", "sent elsewhere by another client");
}

static void bad_motor(void)
{
    probe_set(probe, "sim1:MotorMisses", "m1");
    ends(start(2, NULL), OPH_EMISMATCH,
         "m1.missed (Pilatus:m1.MISS): wanted 2 within 0.001 mm, found that it ran out of retries, "
         "at 1",
         "out of retries");
    probe_set(probe, "sim1:MotorMisses", "");
    probe_set(probe, "sim1:MotorSwitch", "m1");
    ends(start(3, NULL), OPH_EMISMATCH,
         "m1.high_limit_switch (Pilatus:m1.HLS): wanted 3 within 0.001 mm, found its limit switch",
         "the high switch");
    ends(start(-2, NULL), OPH_EMISMATCH, "Pilatus:m1.LLS", "the low switch");
    probe_set(probe, "sim1:MotorSwitch", "");
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_move(m1, 1, NULL, &err), &err, "it moves away from there");
    check_done(oph_move(m1, 0, NULL, &err), &err, "in both directions");
}

/* Ended by us */

static void cancelled(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *status = start(90, NULL);
    testOk1(oph_status_cancel(status, &err) == 0);
    ends(status, OPH_ECANCEL, "m1.user_setpoint (Pilatus:m1.VAL): wanted 90 mm, found stopped, at",
         "a cancel");
    status = start(-90, NULL);
    check_done(oph_stop(m1, &err), &err, "oph_stop");
    testOk(oph_status_done(status), "and the move is over then");
    ends(status, OPH_ECANCEL, "stopped", "a move that is stopped");
    int mark = probe_mark(probe);
    testOk1(probe_put(probe, "m1.VAL", "60") == 0);
    testOk1(probe_wait(probe, mark, "m1.MOVN", "1", 10) >= 0);
    check_done(oph_stop(m1, &err), &err, "oph_stop of another client's move");
    probe_is_number(probe, "m1.DMOV", 1);
    mark = settled_mark();
    check_done(oph_stop(m1, &err), &err, "oph_stop of a motor that stands");
    settled_mark();
    testOk1(went(mark, "m1.STOP") == 0);
}

static void *interrupt(void *mark)
{
    probe_attach(probe);
    testOk1(probe_wait(probe, *(int *)mark, "m1.MOVN", "1", 10) >= 0);
    oph_interrupt(ctx);
    return NULL;
}

static void interrupted(void)
{
    oph_error err = OPH_ERROR_INIT;
    pthread_t thread;
    check_done(oph_move(m1, 0, NULL, &err), &err, "at 0");
    int mark = probe_mark(probe);
    if (pthread_create(&thread, NULL, interrupt, &mark)) testAbort("no thread");
    fails(oph_move(m1, 90, NULL, &err), OPH_EINTR, &err, "", "an interrupt");
    probe_is_number(probe, "m1.DMOV", 1);
    pthread_join(thread, NULL);
    oph_interrupt(ctx);
    mark = settled_mark();
    fails(oph_move(m1, 90, NULL, &err), OPH_EINTR, &err, "", "one that came before");
    settled_mark();
    testOk(went(mark, "m1.VAL") == 0, "nothing was put");
}

static void freed(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *status = start(-90, NULL);
    oph_device_free(m1);
    testOk(oph_status_done(status), "a device that is freed has no move under way");
    ends(status, OPH_ECANCEL, "m1.user_setpoint (Pilatus:m1.VAL): wanted -90 mm",
         "a device that is freed");
    testOk(probe_get_number(probe, "m1.RBV") > -90, "its motor was stopped");
    if (oph_device_new(ctx, "EpicsMotor", "Pilatus:m1", "m1", &m1, &err)) testAbort("%s", err.text);
}

static void lost(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *status = start(90, NULL);
    sim_kill(sim);
    testOk1(oph_status_wait(status, 30, &err) == OPH_EDISCONN);
    testOk(strstr(err.text, "Pilatus:m1.VAL") != NULL, "a lost IOC: %s", err.text);
    oph_status_unref(status);
}

static void move_in_a_callback(oph_status *status, void *user)
{
    oph_error err = OPH_ERROR_INIT;
    struct way *way = user;
    (void)status;
    way->reports = oph_move(m1, 1, NULL, &err);
    sem_post(&way->sem);
}

/* A move may be waited for in a callback: it does not need the dispatcher. */
static void in_a_callback(void)
{
    oph_error err = OPH_ERROR_INIT;
    struct way way = {.reports = 1};
    oph_status *status;
    sem_init(&way.sem, 0, 0);
    testOk1(oph_status_new(ctx, "test", 20, &status, &err) == 0);
    testOk1(oph_status_on_done(status, move_in_a_callback, &way, &err) == 0);
    oph_status_finish(status, NULL);
    await(&way.sem, "a move in a callback");
    testOk(way.reports == 0, "a move in a callback works");
    probe_is_number(probe, "m1.RBV", 1);
    oph_status_unref(status);
    sem_destroy(&way.sem);
    check_done(oph_move(m1, 0, NULL, &err), &err, "and back");
}

int main(void)
{
    static const char *const arguments[] = {NULL};
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    sim = sim_start(arguments);
    probe = probe_new("Pilatus:");
    if (probe_watch(probe, watched, WATCHED)) testAbort("no motor");
    probe_set(probe, "m1.VELO", "100");
    if (oph_context_new(NULL, &ctx, &err) ||
        oph_device_new(ctx, "EpicsMotor", "Pilatus:m1", "m1", &m1, &err))
        testAbort("%s", err.text);
    moves();
    tells_the_way();
    two_at_once();
    in_a_callback();
    refuses_what_cannot_work();
    moves_without_limits();
    stuck();
    stopped_by_others();
    bad_motor();
    cancelled();
    interrupted();
    freed();
    lost();
    probe_free(probe);
    oph_device_free(m1);
    oph_context_free(ctx);
    sim_stop(sim);
    return testDone();
}
