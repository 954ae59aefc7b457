/* Random runs: classes, settings, faults, their times, other clients, stops and kills, all drawn
 * from a seed. After each step every setpoint is as before, or named by a report or in a journal;
 * oph_recover brings the rest back; what was called a success has its files, with the right pixels;
 * nothing is held that was not held before.
 *
 *     random SEED STEPS        random SEED STEP STEP
 *
 * The second form repeats one step, of a run that failed. */
#include "lib/child.h"
#include "lib/detector.h"
#include "lib/process.h"
#include "lib/repeater.h"
#include "lib/state.h"
#include "lib/strike.h"
#include "lib/trouble.h"
#include "random/draw.h"

#include <epicsUnitTest.h>
#include <errlog.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "Pilatus:";

static struct detector d; /* d.hdf1: the writer, whichever it is */
static struct draw step;
static struct trouble trouble;

/* What came of one cycle. */
static struct {
    oph_report *reports[2]; /* of a stage that failed, and of unstage */
    int staged;
    long frames; /* of triggers that were called a success */
    char files[8][512];
    int file_count;
    char said[1300]; /* the first error */
} found;

static struct {
    int threads, descriptors;
} held;

static struct {
    long steps, succeeded, failed, killed, put_back, frames;
} total;

static void note(int rc, const oph_error *err)
{
    if (rc && !found.said[0]) snprintf(found.said, sizeof found.said, "%s", err->text);
}

/* The detector that was drawn */

/* As a stage line has it. */
static int set(oph_device *dev, const char *attr, const char *value, oph_error *err)
{
    char text[200];
    snprintf(text, sizeof text, "%s=%s", attr, value);
    return oph_settings_parse(dev, text, "draw.c", OPH_SETTINGS_UPDATE, NULL, err);
}

static int apply_settings(oph_error *err)
{
    char usual[300];
    snprintf(usual, sizeof usual,
             "image_mode=%s num_images=%d acquire_time=%g acquire_period=%g wait_for_plugins=Yes",
             step.images > 1 ? "Multiple" : "Single", step.images, step.exposure,
             step.exposure + 0.005);
    int rc = oph_settings_parse(d.cam, usual, "usual", OPH_SETTINGS_UPDATE, NULL, err);
    if (!rc && strstr(step.store, "HDF5")) rc = set(d.hdf1, "lazy_open", "1", err);
    for (int i = 0; !rc && i < step.setting_count; i++)
        rc = set(strcmp(step.settings[i].device, "cam") ? d.hdf1 : d.cam, step.settings[i].attr,
                 step.settings[i].value, err);
    return rc;
}

static void open_detector(void)
{
    const oph_context_options quick = {.size = sizeof quick,
                                       .connect_timeout = 3,
                                       .get_timeout = 1,
                                       .put_timeout = 2,
                                       .stop_timeout = 2};
    oph_error err = OPH_ERROR_INIT;
    char read[128];
    d.ctx = strike_context(&quick);
    snprintf(read, sizeof read, "%s/%%Y/%%m/%%d/", d.disk);
    int rc = oph_class_parse(d.ctx, step.classes, "draw.c", NULL, &err);
    if (!rc) rc = oph_device_new(d.ctx, "Drawn", prefix, "det", &d.det, &err);
    if (!rc) rc = oph_device_child(d.det, "cam", &d.cam, &err);
    if (!rc) rc = oph_device_child(d.det, "file", &d.hdf1, &err);
    if (!rc) rc = oph_files_set(d.hdf1, DETECTOR_DISK "/%Y/%m/%d/", read, &err);
    if (rc) testAbort("%s", err.text);
}

static void close_detector(void)
{
    oph_device_free(d.det);
    oph_context_free(d.ctx);
    d.det = NULL;
    d.ctx = NULL;
}

/* How it ends before its time */

static void *stop(void *user)
{
    oph_error err = OPH_ERROR_INIT;
    (void)user;
    oph_stop(d.det, &err);
    return NULL;
}

static pthread_t stopper;
static int stopping;

/* The library stands still while this runs, so that stopping waits on a thread of its own. */
static void end_early(void *user)
{
    (void)user;
    if (step.end == DRAW_KILL) child_say("here");
    if (step.end == DRAW_INTERRUPT) oph_interrupt(d.ctx);
    if (step.end != DRAW_STOP) return;
    stopping = pthread_create(&stopper, NULL, stop, NULL) == 0;
}

static void end_in_exposure(void *user)
{
    probe_attach(d.probe);
    probe_until(d.probe, "cam1:DetectorState_RBV", "Acquire", 10);
    end_early(user);
}

/* Staging puts cam1:Acquire, too, so that a trap in the exposure is set when it is over. */
static void set_trap(int staged)
{
    int exposing = strcmp(step.phase, "exposure") == 0;
    if (exposing != staged) return;
    if (step.end != DRAW_WHOLE)
        strike_at(step.pv, step.after, exposing ? end_in_exposure : end_early, NULL);
    else if (step.trouble && strcmp(step.phase, "before") == 0)
        trouble_begin(&trouble);
    else if (step.trouble)
        strike_at(step.pv, step.after, exposing ? trouble_begin_in_exposure : trouble_begin,
                  &trouble);
}

/* One cycle */

static void note_files(void)
{
    oph_error err = OPH_ERROR_INIT;
    int count = (int)oph_file_count(d.hdf1);
    for (int i = 0; i < count && i < 8; i++)
        if (!oph_file_name_at(d.hdf1, (size_t)i, OPH_SIDE_LOCAL, found.files[found.file_count],
                              sizeof found.files[0], &err))
            found.file_count++;
}

static int trigger(oph_error *err)
{
    oph_status *st = NULL;
    int rc = oph_trigger(d.det, &st, err);
    if (!rc) rc = oph_status_wait(st, 60, err);
    oph_status_unref(st);
    if (!rc) found.frames += step.images;
    return rc;
}

static void cycle(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_readings *readings = NULL;
    int rc = apply_settings(&err);
    if (!rc) rc = oph_stage(d.det, &found.reports[0], &err);
    found.staged = !rc;
    if (!rc) set_trap(1);
    for (int i = 0; !rc && i < step.triggers; i++)
        rc = trigger(&err);
    if (!rc) rc = oph_read_configuration(d.det, OPH_DEFAULT, &readings, NULL, &err);
    oph_readings_free(readings);
    note(rc, &err);
    if (!found.staged) return;
    if (!rc) note_files();
    note(oph_unstage(d.det, &found.reports[1], &err), &err);
    if (rc) found.frames = 0; /* what a file has then is not said */
}

static void run_here(void)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_connect(d.det, OPH_DEFAULT, NULL, &err);
    if (rc) testAbort("%s", err.text);
    set_trap(0);
    cycle();
    strike_done();
    if (stopping) pthread_join(stopper, NULL);
    stopping = 0;
}

/* The client is this program once more; it says a word where it is to be killed. */
static void run_killed(void)
{
    struct child child;
    char line[1024], seed[24], number[24];
    const char *const arguments[] = {"client", d.disk, seed, number, NULL};
    snprintf(seed, sizeof seed, "%ld", step.seed);
    snprintf(number, sizeof number, "%ld", step.step);
    child_start(&child, arguments);
    int came = child_hear(&child, line, sizeof line) && strcmp(line, "here") == 0;
    if (came) child_kill(&child);
    total.killed += came;
    if (!came) child_end(&child);
}

static int be_client(char **arguments)
{
    snprintf(d.disk, sizeof d.disk, "%s", arguments[0]);
    draw_step(&step, strtol(arguments[1], NULL, 10), strtol(arguments[2], NULL, 10));
    d.probe = probe_new(prefix);
    open_detector();
    run_here();
    child_mention("done");
    close_detector();
    return 0;
}

/* Afterwards */

static int is_reported(const char *pv)
{
    for (int n = 0; n < 2; n++)
        for (size_t i = 0; i < oph_report_count(found.reports[n]); i++)
            if (strcmp(oph_report_at(found.reports[n], i)->pv, pv) == 0) return 1;
    return 0;
}

/* Whether the text of a journal names the PV. */
static int is_in_journal(const char *pv)
{
    oph_error err = OPH_ERROR_INIT;
    oph_journals *journals = NULL;
    char line[2048];
    int there = 0;
    if (oph_journals_find(&journals, &err)) return 0;
    for (size_t i = 0; i < oph_journals_count(journals); i++) {
        FILE *in = fopen(oph_journals_at(journals, i)->file, "r");
        while (in && fgets(line, sizeof line, in))
            there |= strstr(line, pv) != NULL;
        if (in) fclose(in);
    }
    oph_journals_free(journals);
    return there;
}

/* Another client's doing, or what the IOC makes of a setting: not ours to tell of. */
static int is_others(const char *pv)
{
    static const char *const follow[] = {"QueueFreeLow", "QueueUseHIGH", "QueueUseHIHI",
                                         "WriteFile"};
    for (size_t i = 0; i < sizeof follow / sizeof *follow; i++)
        if (strcmp(strrchr(pv, ':') + 1, follow[i]) == 0) return 1;
    return step.trouble && trouble.is_client && strcmp(pv + strlen(prefix), trouble.name) == 0;
}

static int is_known(const char *name, void *user)
{
    char pv[128];
    (void)user;
    snprintf(pv, sizeof pv, "%s%s", prefix, name);
    return is_reported(pv) || is_in_journal(pv) || is_others(pv);
}

/* libca takes its time to look again where nobody listened; a new probe does not. */
static void find_again(void)
{
    for (int tries = 0; tries < 20; tries++) {
        probe_free(d.probe);
        d.probe = probe_new(prefix);
        if (probe_until_up(d.probe, "cam1:ImageFileTmot", 1, 3) == 0) return;
    }
    testAbort("the IOC does not come back");
}

static void calm_ioc(void)
{
    trouble_end(&trouble);
    find_again();
    probe_put_complete(d.probe, "cam1:ImageFileTmot", "1", 10);
    if (strncmp(step.trouble, "PutStuck", 8) != 0) return;
    probe_put(d.probe, "cam1:Acquire", "Done");
    probe_put_complete(d.probe, "cam1:AcquireBusy", "Done", 10);
}

static int all_is_known(void)
{
    struct setpoints *now = setpoints_read(d.probe, prefix);
    int lost = now ? setpoints_unknown(d.before, now, is_known, NULL) : -1;
    setpoints_free(now);
    return lost == 0;
}

static int all_is_back(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_recovery *recovery = NULL;
    const oph_recover_options stop_it = {.size = sizeof stop_it, .flags = OPH_RECOVER_STOP};
    int rc = oph_recover(d.ctx, prefix, &stop_it, &recovery, NULL, &err);
    for (size_t i = 0; i < oph_recovery_count(recovery); i++)
        total.put_back += oph_recovery_at(recovery, i)->what == OPH_RECOVERED_BACK;
    oph_recovery_free(recovery);
    struct setpoints *now = setpoints_read(d.probe, prefix);
    int differ = now ? setpoints_differ(d.before, now) : -1;
    setpoints_free(now);
    if (rc) testDiag("oph_recover: %s: %s", oph_code_name(rc), err.text);
    return !rc && !differ && state_journals() == 0;
}

/* A frame of the simulator's is told by its first pixel. */
static long wrong_pixels(const int32_t *pixels)
{
    long wrong = 0;
    for (int y = 0; y < 48; y++)
        for (int x = 0; x < 64; x++)
            wrong += pixels[y * 64 + x] != (pixels[0] + 2500 * y + x) % 1048576;
    return wrong;
}

static long right_frames(const char *name)
{
    static int32_t pixels[64 * 48];
    oph_error err = OPH_ERROR_INIT;
    oph_frames *file = NULL;
    oph_frames_info info = {.size = sizeof info};
    long right = 0;
    int rc = oph_frames_open(name, NULL, OPH_DEFAULT, &file, &err);
    if (!rc) rc = oph_frames_describe(file, &info, &err);
    for (int64_t i = 0; !rc && i < (info.rank > 2 ? info.shape[0] : 1); i++) {
        rc = oph_frames_read(file, i, 1, pixels, sizeof pixels, &err);
        right += !rc && wrong_pixels(pixels) == 0;
    }
    if (rc) testDiag("%s: %s", name, err.text);
    oph_frames_free(file);
    unlink(name);
    return right;
}

static int files_are_right(void)
{
    long right = 0;
    for (int i = 0; i < found.file_count; i++)
        right += right_frames(found.files[i]);
    if (found.frames && right != found.frames)
        testDiag("%ld frames were called written, %ld are right in %d files", found.frames, right,
                 found.file_count);
    total.frames += found.frames;
    return !found.frames || right == found.frames;
}

static int device_is_idle(void)
{
    int32_t state = oph_device_state(d.det);
    if (state != OPH_STATE_IDLE) testDiag("the device is %s", oph_state_name(state));
    return state == OPH_STATE_IDLE;
}

static int try_step(void)
{
    char what[1000];
    memset(&found, 0, sizeof found);
    draw_tell(&step, what, sizeof what);
    if (step.trouble) trouble_plan(&trouble, &d, step.trouble);
    open_detector();
    if (step.end == DRAW_KILL)
        run_killed();
    else
        run_here();
    int idle = device_is_idle();
    close_detector();
    if (step.trouble) calm_ioc();
    int known = all_is_known();
    open_detector();
    int back = all_is_back();
    int right = files_are_right(); /* of a capture that was stuck only now */
    close_detector();
    /* The first step makes what stays: one thread of libca's. */
    int calm =
        !total.steps || (process_calms(held.threads) && process_descriptors() <= held.descriptors);
    if (!total.steps) held.threads = process_threads(), held.descriptors = process_descriptors();
    if (!calm) process_tell_descriptors();
    oph_report_free(found.reports[0]);
    oph_report_free(found.reports[1]);
    total.steps++;
    total.succeeded += found.frames > 0;
    total.failed += found.said[0] != '\0';
    int good = idle && right && known && back && calm;
    testOk(good, "%s: %s", what, found.said[0] ? found.said : "well");
    if (!good)
        testDiag("idle %d, files %d, known %d, back %d, nothing held %d: random %ld %ld %ld", idle,
                 right, known, back, calm, step.seed, step.step, step.step);
    return good;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "client") == 0) return be_client(argv + 2);
    long seed = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    long last = argc > 2 ? strtol(argv[2], NULL, 10) : 20;
    long first = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
    testPlan(0);
    errlogInit(0); /* has a thread from its first message on */
    repeater_start();
    state_begin(NULL, 0);
    detector_start_ioc(&d, (const char *const[]){"--instant", NULL});
    probe_put_complete(d.probe, "cam1:ImageFileTmot", "1", 10);
    detector_remember(&d);
    size_t heap = 0;
    for (long n = first; n <= last; n++) {
        draw_step(&step, seed, n);
        if (!try_step()) detector_remember(&d); /* one failure is told once */
        if (n == first) heap = process_heap();
    }
    testOk(process_heap() <= heap + (1 << 20), "no memory is left behind: %zu KiB, then %zu",
           heap / 1024, process_heap() / 1024);
    testDiag("seed %ld: %ld steps, %ld succeeded, %ld failed, %ld killed; %ld settings recovered; "
             "%ld frames right",
             seed, total.steps, total.succeeded, total.failed, total.killed, total.put_back,
             total.frames);
    detector_end(&d);
    state_end();
    return testDone();
}
