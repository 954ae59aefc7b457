/* Scans of motors with a detector: their documents, and what is left when one ends early. */
#include "lib/check.h"
#include "lib/detector.h"
#include "lib/documents.h"

#include <epicsUnitTest.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *const watched[] = {"m1.MOVN", "m1.VAL", "m2.VAL", "cam1:Acquire"};
enum { WATCHED = sizeof watched / sizeof *watched };

static struct detector d;
static oph_device *m1, *m2;
static struct documents docs;

static int scan(const oph_scan_axis *axes, size_t count, int64_t points,
                const oph_count_options *opt, oph_error *err)
{
    *err = (oph_error)OPH_ERROR_INIT;
    return oph_scan(d.ctx, &d.det, 1, axes, count, points, documents_take, &docs, opt, err);
}

static oph_scan_axis along_m1(double start, double stop)
{
    return (oph_scan_axis){.motor = m1, .start = start, .stop = stop};
}

static const char *stop_says(const char *member)
{
    const char *text = json_string_value(documents_at(documents_nth(&docs, "stop", 0), member));
    return text ? text : "";
}

/* All is as before, and nothing moves. */
static void all_is_over(const char *after)
{
    probe_is(d.probe, "m1.DMOV", "1");
    probe_is(d.probe, "m2.DMOV", "1");
    detector_unchanged(&d, after);
    documents_clear(&docs);
}

static void back_to(double position)
{
    oph_error err = OPH_ERROR_INIT;
    if (oph_move(m1, position, NULL, &err)) testAbort("%s", err.text);
}

/* What documents say */

static void tells_of_a_motor(void)
{
    oph_error err;
    const oph_scan_axis axis = along_m1(-1, 1);
    check_done(scan(&axis, 1, 3, NULL, &err), &err, "a scan of three points works");
    documents_are(&docs, "start descriptor resource datum event datum event datum event stop");
    const json_t *start = documents_nth(&docs, "start", 0);
    const json_t *descriptor = documents_nth(&docs, "descriptor", 0);
    documents_say(start, "detectors", "[\"det\"]");
    documents_say(start, "motors", "[\"m1\"]");
    documents_say(start, "hints", "{\"dimensions\":[[[\"m1\"],\"primary\"]]}");
    documents_say(start, "plan_args/args", "[\"m1\",-1.0,1.0]");
    documents_say(descriptor, "object_keys",
                  "{\"det\":[\"det_image\"],\"m1\":[\"m1\",\"m1_user_setpoint\"]}");
    documents_say(descriptor, "data_keys/m1/source", "\"PV:Pilatus:m1.RBV\"");
    documents_say(descriptor, "data_keys/m1/units", "\"mm\"");
    documents_say(descriptor, "data_keys/m1/precision", "4");
    documents_say(descriptor, "data_keys/m1_user_setpoint/limits/control",
                  "{\"low\":-100.0,\"high\":100.0}");
    documents_say(descriptor, "hints/m1", "{\"fields\":[\"m1\"]}");
    documents_say(descriptor, "configuration/m1/data",
                  "{\"m1_user_offset\":0.0,\"m1_user_offset_dir\":0,\"m1_velocity\":100.0,"
                  "\"m1_acceleration\":0.25,\"m1_motor_egu\":\"mm\"}");
    for (int i = 0; i < 3; i++) {
        char wanted[24];
        snprintf(wanted, sizeof wanted, "%.1f", i - 1.0);
        documents_say(documents_nth(&docs, "event", i), "data/m1", wanted);
        documents_say(documents_nth(&docs, "event", i), "data/m1_user_setpoint", wanted);
    }
    testOk(!strcmp(stop_says("exit_status"), "success"), "the stop says success");
    detector_file_is(&d, 3, 1, 64, 48);
    all_is_over("a scan");
}

static void moves_axes_together(void)
{
    oph_error err;
    oph_signal *room = NULL, *gain = NULL;
    if (oph_soft_new(d.ctx, "room", OPH_DOUBLE(20), NULL, &room, &err) ||
        oph_signal_find(d.cam, "delay_time", &gain, &err))
        testAbort("%s", err.text);
    const oph_scan_axis axes[] = {along_m1(0, 3),
                                  {.motor = m2, .start = 10, .stop = -20},
                                  {.signal = room, .start = 20, .stop = 23},
                                  {.signal = gain, .start = 0, .stop = 0.003}};
    check_done(scan(axes, 4, 4, NULL, &err), &err, "a scan of four axes works");
    documents_say(documents_nth(&docs, "start", 0), "hints/dimensions",
                  "[[[\"m1\",\"m2\",\"room\",\"det_cam_delay_time\"],\"primary\"]]");
    const json_t *event = documents_nth(&docs, "event", 1);
    documents_say(event, "data/m1", "1.0");
    documents_say(event, "data/m2", "0.0");
    documents_say(event, "data/room", "21.0");
    documents_say(event, "data/det_cam_delay_time", "0.001");
    documents_say(documents_nth(&docs, "event", 3), "data/m2_user_setpoint", "-20.0");
    oph_signal_free(room);
    check_done(oph_signal_put_double(gain, 0, &err), &err, "a signal stays where it went");
    all_is_over("a scan of four axes");
}

struct seen {
    int64_t done;
    char file[256];
};

static void see(void *user, const oph_run_point *at)
{
    struct seen *seen = user;
    seen->done = at->done;
    snprintf(seen->file, sizeof seen->file, "%s", at->file ? at->file : "");
}

static void tells_the_file(void)
{
    oph_error err;
    struct seen seen = {0};
    const oph_scan_axis axis = along_m1(0, 1);
    oph_count_options opt = {.size = sizeof opt, .progress = see, .progress_user = &seen};
    check_done(scan(&axis, 1, 2, &opt, &err), &err, "a scan that is watched");
    size_t n = strlen(d.disk);
    testOk(seen.done == 2 && !strncmp(seen.file, d.disk, n) && strstr(seen.file, "_000.h5"),
           "the progress tells the file: %s", seen.file);
    all_is_over("a scan that is watched");
}

/* Refused, before anything is staged or moved */

static void refuses(const oph_scan_axis *axes, size_t count, int code, const char *found)
{
    oph_error err;
    struct probe_event e;
    int mark = probe_mark(d.probe), puts = 0;
    int rc = scan(axes, count, 3, NULL, &err);
    testOk(rc == code && strstr(err.text, found) && !docs.count, "%s", err.text);
    probe_get_number(d.probe, "m1.VAL"); /* what was put before is here now */
    for (; probe_event(d.probe, mark, &e); mark++)
        puts++;
    testOk(puts == 0, "nothing moved");
    detector_unchanged(&d, "a scan that is refused");
}

static void refuses_signal(const char *path, int code)
{
    oph_error err = OPH_ERROR_INIT;
    oph_scan_axis axis = {.start = 0, .stop = 1};
    if (oph_signal_find(d.det, path, &axis.signal, &err)) testAbort("%s", err.text);
    refuses(&axis, 1, code, oph_signal_pv(axis.signal));
}

static void refuses_what_cannot_work(void)
{
    const oph_scan_axis good = along_m1(0, 1);
    const oph_scan_axis beyond = along_m1(99, 101), no_motor = {.motor = d.cam, .stop = 1};
    const oph_scan_axis angle = {.motor = m2, .start = -181, .stop = 0};
    refuses(&beyond, 1, OPH_ERANGE,
            "m1.user_setpoint (Pilatus:m1.VAL): wanted a position from -100 to 100 mm, found 101");
    refuses((const oph_scan_axis[]){good, angle}, 2, OPH_ERANGE, "Pilatus:m2.VAL");
    refuses(&no_motor, 1, OPH_EINVAL, "EpicsMotor");
    refuses_signal("cam.detector_state", OPH_EACCESS);
    refuses_signal("cam.image_mode", OPH_ETYPE);
    refuses_signal("cam.file_path", OPH_ETYPE);
    refuses((const oph_scan_axis[]){good, good}, 2, OPH_EINVAL, "two of that name");
    probe_set(d.probe, "m1.SPMG", "Pause");
    refuses(&good, 1, OPH_ESTATE, "wanted Go, found Pause");
    probe_set(d.probe, "m1.SPMG", "Go");
}

/* Ends early */

static void ends(int rc, int code, const oph_error *err, const char *status, const char *with,
                 int events)
{
    testOk(rc == code && strstr(err->text, with), "%s: %s", oph_code_name(rc), err->text);
    testOk(!strcmp(stop_says("exit_status"), status) && strstr(stop_says("reason"), err->text),
           "the stop says %s: %s", stop_says("exit_status"), stop_says("reason"));
    testOk(json_integer_value(
               documents_at(documents_nth(&docs, "stop", 0), "num_events/primary")) == events,
           "after %d events", events);
}

/* The second move of both; m2 has far to go, and is stopped since m1 fails. */
static void fail_from_here(struct documents *documents, void *fault)
{
    if (!strcmp(documents->names[documents->count - 1], "event")) probe_set(d.probe, fault, "m1");
}

static void ends_with_a_motor(void)
{
    oph_error err;
    static char stuck[] = "sim1:MotorStuck", misses[] = "sim1:MotorMisses";
    const oph_scan_axis axes[] = {along_m1(0, 1), {.motor = m2, .start = 0, .stop = 170}};
    oph_count_options opt = {.size = sizeof opt, .move_timeout = 30};
    probe_set(d.probe, "m2.VELO", "170");
    docs.on = fail_from_here;
    docs.user = misses;
    int rc = scan(axes, 2, 2, &opt, &err);
    probe_set(d.probe, misses, "");
    ends(rc, OPH_EMISMATCH, &err, "fail", "Pilatus:m1.MISS", 1);
    double at = probe_get_number(d.probe, "m2.RBV");
    testOk(at < 170, "the other motor was stopped at %g", at);
    all_is_over("a motor that misses");

    docs.on = fail_from_here;
    docs.user = stuck;
    opt.move_timeout = 2;
    rc = scan(axes, 1, 2, &opt, &err);
    probe_set(d.probe, stuck, "");
    ends(rc, OPH_ETIMEOUT, &err, "fail", "m1.user_setpoint (Pilatus:m1.VAL): wanted 1 mm", 1);
    all_is_over("a motor that is stuck");
}

static void *stop_soon(void *by)
{
    int from = probe_mark(d.probe);
    oph_error err = OPH_ERROR_INIT;
    probe_attach(d.probe);
    if (probe_wait(d.probe, from, "m1.MOVN", "1", 20) < 0) return NULL;
    if (!strcmp(by, "STOP"))
        probe_put(d.probe, "m1.STOP", "1");
    else if (!strcmp(by, "oph_stop"))
        oph_stop(m1, &err);
    else
        oph_interrupt(d.ctx);
    return NULL;
}

/* On its way to the first point. */
static void ends_on_the_way(const char *by, int code, const char *status, const char *with)
{
    oph_error err;
    pthread_t thread;
    const oph_scan_axis axis = along_m1(95, 96);
    back_to(-95);
    if (pthread_create(&thread, NULL, stop_soon, (void *)(uintptr_t)by)) testAbort("no thread");
    int rc = scan(&axis, 1, 3, NULL, &err);
    pthread_join(thread, NULL);
    ends(rc, code, &err, status, with, 0);
    double at = probe_get_number(d.probe, "m1.RBV");
    testOk(at < 95, "%s: it stands at %g", by, at);
    documents_are(&docs, "start stop");
    all_is_over(by);
}

static void ends_when_stopped(void)
{
    ends_on_the_way("STOP", OPH_EMISMATCH, "fail", "somebody stopped it");
    ends_on_the_way("oph_stop", OPH_ECANCEL, "abort", "stopped");
    ends_on_the_way("oph_interrupt", OPH_EINTR, "abort", "interrupted");
    back_to(0);
}

struct when {
    int document;
};

static void interrupt_at(struct documents *documents, void *user)
{
    if (documents->count == ((struct when *)user)->document) oph_interrupt(d.ctx);
}

/* At each document but those of the last point. */
static void ends_at_interrupts(void)
{
    for (int i = 1; i <= 7; i++) {
        oph_error err;
        struct when when = {i};
        const oph_scan_axis axis = along_m1(0, 1);
        docs.on = interrupt_at;
        docs.user = &when;
        int rc = scan(&axis, 1, 3, NULL, &err);
        testOk(rc == OPH_EINTR && docs.count >= 2 && !strcmp(stop_says("exit_status"), "abort"),
               "an interrupt at the document %s: %s", docs.count >= i ? docs.names[i - 1] : "?",
               err.text);
        all_is_over("an interrupt");
    }
}

static void fails_with_the_detector(void)
{
    oph_error err;
    const oph_scan_axis axis = along_m1(2, 3);
    probe_set(d.probe, "sim1:ExposureFails", "1");
    int rc = scan(&axis, 1, 3, NULL, &err);
    probe_set(d.probe, "sim1:ExposureFails", "0");
    ends(rc, OPH_EACQUIRE, &err, "fail", "point 1 of 3, m1 at 2: det", 0);
    probe_is_number(d.probe, "m1.RBV", 2);
    all_is_over("a detector that fails");
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    detector_start(&d, (const char *const[]){NULL}, NULL);
    if (oph_device_new(d.ctx, "EpicsMotor", "Pilatus:m1", "m1", &m1, &err) ||
        oph_device_new(d.ctx, "EpicsMotor", "Pilatus:m2", "m2", &m2, &err) ||
        probe_watch(d.probe, watched, WATCHED))
        testAbort("%s", err.text);
    probe_set(d.probe, "m1.VELO", "100");
    probe_set(d.probe, "m1.ACCL", "0.25");
    tells_of_a_motor();
    moves_axes_together();
    tells_the_file();
    refuses_what_cannot_work();
    ends_with_a_motor();
    ends_when_stopped();
    ends_at_interrupts();
    fails_with_the_detector();
    oph_device_free(m1);
    oph_device_free(m2);
    detector_end(&d);
    return testDone();
}
