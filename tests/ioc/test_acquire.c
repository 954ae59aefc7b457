/* The reference acquisition, from stage to pixels, and its variants. */
#include "lib/detector.h"
#include "lib/fault.h"

#include "base/clock.h"
#include <epicsUnitTest.h>
#include <string.h>
#include <unistd.h>

static struct detector d;

static void state_is(int32_t wanted)
{
    int32_t state = oph_device_state(d.det);
    testOk(state == wanted, "the device is %s", oph_state_name(wanted));
    if (state != wanted) testDiag("it is %s", oph_state_name(state));
}

static void is(const char *name, const char *wanted)
{
    char found[600] = "(unread)";
    int rc = probe_get(d.probe, name, found, sizeof found);
    testOk(rc == 0 && strcmp(found, wanted) == 0, "%s is '%s', wanted '%s'", name, found, wanted);
}

static void text_is(oph_status *st, const char *wanted)
{
    char text[160];
    testOk(strcmp(oph_status_text(st, text, sizeof text), wanted) == 0, "%s", text);
}

/* What a callback saw; the test waits for it. */
struct seen {
    struct oph__monitor m;
    int calls, done, success;
    double frames, wanted; /* as told, before the end */
    int wrong;
};

static void on_progress(oph_status *st, const oph_progress *p, void *user)
{
    struct seen *s = user;
    (void)st;
    pthread_mutex_lock(&s->m.lock);
    s->wrong += s->calls > 0 || p->current < s->frames || strcmp(p->unit, "frames") != 0;
    s->frames = p->current;
    s->wanted = p->target;
    pthread_mutex_unlock(&s->m.lock);
}

static void on_done(oph_status *st, void *user)
{
    struct seen *s = user;
    int done = oph_status_done(st), success = oph_status_success(st);
    pthread_mutex_lock(&s->m.lock);
    s->calls++;
    s->done = done;
    s->success = success;
    pthread_cond_broadcast(&s->m.changed);
    pthread_mutex_unlock(&s->m.lock);
}

static void was_called(struct seen *s, const char *when)
{
    struct timespec until = oph__timespec(oph__now() + 5);
    int late = 0;
    pthread_mutex_lock(&s->m.lock);
    while (!s->calls && !late)
        late = pthread_cond_timedwait(&s->m.changed, &s->m.lock, &until);
    testOk(s->calls == 1 && s->done && s->success, "a callback that was added %s is called once",
           when);
    pthread_mutex_unlock(&s->m.lock);
}

static void trigger_once(int frames, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    struct seen early = {.calls = 0}, late = {.calls = 0};
    oph__monitor_init(&early.m);
    oph__monitor_init(&late.m);
    check_done(oph_trigger(d.det, &st, &err), &err, what);
    state_is(OPH_STATE_TRIGGERING);
    text_is(st, "ADTriggerStatus(device=det, done=False, success=False)");
    check_done(oph_status_watch(st, on_progress, &early, NULL, &err), &err, "it is watched");
    check_done(oph_status_on_done(st, on_done, &early, &err), &err, "a callback is added");
    check_done(oph_status_wait(st, OPH_DEFAULT, &err), &err, "it succeeds");
    state_is(OPH_STATE_STAGED);
    text_is(st, "ADTriggerStatus(device=det, done=True, success=True)");
    was_called(&early, "before the end");
    testOk(early.frames == frames && early.wanted == frames && !early.wrong,
           "%g of %g frames were written, as was told before", early.frames, early.wanted);
    check_done(oph_status_on_done(st, on_done, &late, &err), &err, "a callback is added");
    was_called(&late, "after it");
    testOk(oph_status_error(st, &err) == 0 && err.code == 0, "there is no error");
    oph_status_unref(st);
    oph__monitor_destroy(&early.m);
    oph__monitor_destroy(&late.m);
}

static void no_name(const char *when)
{
    oph_error err = OPH_ERROR_INIT;
    char name[1024] = "untouched";
    testDiag("%s", when);
    check_refused(oph_file_name(d.hdf1, OPH_SIDE_IOC, name, sizeof name, &err), &err, OPH_ESTATE,
                  "det.hdf1", NULL, "the file of an acquisition", "none");
    testOk(strcmp(name, "untouched") == 0, "the buffer stays as it was");
}

/* The IOC's name, which FullFileName_RBV gave, and ours, which is there. */
static void names_are(const char *below)
{
    oph_error err = OPH_ERROR_INIT;
    char ioc[1024] = "", local[1024] = "", full[1024] = "", small[16];
    size_t disk = strlen(DETECTOR_DISK), read = strlen(d.disk);
    int rc = oph_file_name(d.hdf1, OPH_SIDE_IOC, ioc, sizeof ioc, &err);
    if (!rc) rc = oph_file_name(d.hdf1, OPH_SIDE_LOCAL, local, sizeof local, &err);
    check_done(rc, &err, "the file has a name");
    probe_get(d.probe, "HDF1:FullFileName_RBV", full, sizeof full);
    testOk(strcmp(ioc, full) == 0, "the IOC calls it %s", ioc);
    testOk(!strncmp(ioc, DETECTOR_DISK, disk) && !strncmp(local, d.disk, read) &&
               !strcmp(ioc + disk, local + read),
           "here it is %s", local);
    testOk(strstr(ioc, below) != NULL && access(local, R_OK) == 0, "it is below %s", below);
    check_refused(oph_file_name(d.hdf1, OPH_SIDE_IOC, small, sizeof small, &err), &err, OPH_ERANGE,
                  "det.hdf1", NULL, "shorter", "buffer holds 15");
}

static void stage(const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    check_done(oph_stage(d.det, &report, &err), &err, what);
    testOk(oph_report_count(report) == 0, "its report is empty");
    oph_report_free(report);
    state_is(OPH_STATE_STAGED);
}

static void unstage(const char *after)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage works");
    testOk(oph_report_count(report) == 0, "its report is empty");
    oph_report_print(report, stdout);
    oph_report_free(report);
    detector_unchanged(&d, after);
}

static void reference(void)
{
    state_is(OPH_STATE_IDLE);
    no_name("before any stage");
    stage("the first stage works");
    is("HDF1:CreateDirectory_RBV", "-5");
    is("HDF1:FileNumber_RBV", "0");
    is("HDF1:Capture_RBV", "Capturing");
    no_name("before any acquisition");
    trigger_once(1, "the first acquisition starts");
    trigger_once(1, "the second one of the same stage starts");
    names_are("/test/pilatus/20");
    unstage("two acquisitions in one stage");
    detector_file_is(&d, 2, 1, 64, 48);
    names_are("_000.h5");
    stage("the second stage works");
    no_name("staged again");
    trigger_once(1, "a third acquisition starts");
    unstage("a third acquisition");
    detector_file_is(&d, 1, 3, 64, 48);
}

static void result_is(const oph_result *result)
{
    oph_times times = {.size = sizeof times};
    const oph_result_file *file = oph_result_file_at(result, 0);
    char ioc[1024] = "", local[1024] = "";
    oph_result_times(result, &times);
    oph_file_name(d.hdf1, OPH_SIDE_IOC, ioc, sizeof ioc, NULL);
    oph_file_name(d.hdf1, OPH_SIDE_LOCAL, local, sizeof local, NULL);
    testOk(oph_result_error(result, NULL) == 0 && oph_result_frames(result) == 1,
           "%lld frame is written", (long long)oph_result_frames(result));
    testOk(oph_result_file_count(result) == 1 && !oph_result_file_at(result, 1) && file &&
               !strcmp(file->device, "det.hdf1") && !strcmp(file->ioc, ioc) &&
               !strcmp(file->local, local) && ioc[0] && local[0],
           "its file is %s", file ? file->local : "none");
    testOk(times.begun > 1.7e9 && times.staging > 0 && times.acquiring > 0 && times.unstaging > 0,
           "its times are known");
    testOk(oph_report_count(oph_result_report(result)) == 0, "its report is empty");
}

/* What failed has a result too. */
static void failed_in_one_call(void)
{
    oph_error err = OPH_ERROR_INIT, kept = OPH_ERROR_INIT;
    oph_times times = {.size = sizeof times};
    oph_result *result = NULL;
    oph_settings_set(d.cam, "acquire_time", "much", NULL);
    check_refused(oph_acquire(d.det, OPH_DEFAULT, &result, &err), &err, OPH_ETYPE,
                  "det.cam.acquire_time", "Pilatus:cam1:AcquireTime", "much", NULL);
    oph_result_times(result, &times);
    testOk(oph_result_error(result, &kept) == err.code && !strcmp(kept.text, err.text),
           "its result has the error");
    testOk(oph_report_count(oph_result_report(result)) == 1 && oph_result_frames(result) == 0 &&
               oph_result_file_count(result) == 0,
           "one line in its report, no frame and no file");
    testOk(times.staging > 0 && isnan(times.acquiring) && isnan(times.unstaging),
           "it got as far as staging");
    oph_result_free(result);
    testOk(!oph_result_frames(NULL) && !oph_result_report(NULL) && !oph_result_error(NULL, NULL),
           "no result is an empty one");
    oph_settings_set(d.cam, "acquire_time", 0.01, NULL);
    detector_unchanged(&d, "that");
}

static void in_one_call(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_result *result = NULL;
    check_done(oph_acquire(d.det, OPH_DEFAULT, &result, &err), &err, "oph_acquire does all");
    result_is(result);
    oph_result_free(result);
    detector_unchanged(&d, "oph_acquire");
    detector_file_is(&d, 1, 4, 64, 48);
}

/* Capture falls by itself when NumCapture is reached: that is success. */
static void several(int num_capture, int first)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_settings_set(d.cam, "image_mode", "Multiple", &err);
    if (!rc) rc = oph_settings_set(d.cam, "num_images", 5, &err);
    if (!rc) rc = oph_settings_set(d.hdf1, "num_capture", num_capture, &err);
    check_done(rc, &err, "five images are asked for");
    stage("the stage works");
    trigger_once(5, "it starts");
    is("HDF1:Capture_RBV", num_capture ? "Done" : "Capturing");
    is("HDF1:NumCaptured_RBV", "5");
    unstage("five images");
    detector_file_is(&d, 5, first, 64, 48);
    rc = oph_settings_set(d.cam, "image_mode", "Single", &err);
    if (!rc) rc = oph_settings_set(d.cam, "num_images", 1, &err);
    if (!rc) rc = oph_settings_set(d.hdf1, "num_capture", 0, &err);
    check_done(rc, &err, "one image is asked for again");
}

/* Capture's readback may come before the count's that made it fall. */
static void count_late(void)
{
    fault_set(d.probe, "ReadbackLate", "HDF1:NumCaptured_RBV,0.3");
    several(5, 15);
    fault_set(d.probe, "ReadbackLate", "");
}

/* Refused before the beam is spent, also when the file has some frames already. */
static void no_room(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    int rc = oph_settings_set(d.hdf1, "num_capture", 1, &err);
    if (!rc) rc = oph_settings_set(d.cam, "num_images", 2, &err);
    check_done(rc, &err, "two images are asked for, and a file of one");
    stage("the stage works");
    check_refused(oph_trigger(d.det, &st, &err), &err, OPH_EINVAL, "det.hdf1.num_capture",
                  "Pilatus:HDF1:NumCapture_RBV", "0, or at least 2 frames more",
                  "1, of which 0 are taken");
    unstage("a file that is too short");
    check_done(oph_settings_set(d.cam, "num_images", 1, &err), &err, "one image is asked for");
    stage("the stage works");
    trigger_once(1, "it starts");
    check_refused(oph_trigger(d.det, &st, &err), &err, OPH_ESTATE, "det.hdf1.capture",
                  "Pilatus:HDF1:Capture_RBV", "Capturing, as staged",
                  "Done: all 1 frames of NumCapture are taken");
    unstage("a file that was full");
    check_done(oph_settings_set(d.hdf1, "num_capture", 0, &err), &err, "a file without end again");
}

/* A user's own number of folders stands; and templates can be set later, also while staged. */
static void folders(void)
{
    oph_error err = OPH_ERROR_INIT;
    char read[128];
    check_done(oph_put(d.det, "hdf1.create_directory", -3, &err), &err, "CreateDirectory is put");
    detector_remember(&d);
    snprintf(read, sizeof read, "%s/other/%%Y", d.disk);
    check_done(oph_files_set(d.hdf1, DETECTOR_DISK "/other/%Y", read, &err), &err,
               "another folder is set");
    stage("the stage works");
    is("HDF1:CreateDirectory_RBV", "-3");
    snprintf(read, sizeof read, "%s/third/", d.disk);
    check_done(oph_files_set(d.hdf1, DETECTOR_DISK "/third/", read, &err), &err,
               "a third one is set while staged");
    trigger_once(1, "it starts");
    names_are("/other/20");
    unstage("another folder");
    detector_file_is(&d, 1, 21, 64, 48);
    detector_works(&d, "in the third folder");
    names_are("/third/");
    testOk(oph_files_set(d.hdf1, "no/root/", NULL, &err) == OPH_EPARSE, "%s", err.text);
    testOk(oph_files_set(d.hdf1, "/data/%Q/", NULL, &err) == OPH_EPARSE, "%s", err.text);
    testOk(oph_files_set(d.cam, "/data/", NULL, &err) == OPH_EINVAL, "%s", err.text);
}

/* An image of many exposures takes as long as they do, whatever may pass between two images. */
static void exposures(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_result *result = NULL;
    detector_make(&d);
    int rc = oph_settings_set(d.cam, "num_images", 2, &err);
    if (!rc) rc = oph_settings_set(d.cam, "image_mode", "Multiple", &err);
    if (!rc) rc = oph_settings_set(d.cam, "num_exposures", 20, &err);
    if (!rc) rc = oph_settings_set(d.cam, "acquire_time", 0.05, &err);
    if (!rc) rc = oph_settings_set(d.cam, "acquire_period", 0.053, &err);
    if (!rc) rc = oph_settings_set(d.cam, "image_file_tmot", 0.3, &err);
    check_done(rc, &err, "two images of 20 exposures");
    check_done(oph_acquire(d.det, OPH_DEFAULT, &result, &err), &err, "both come");
    oph_result_free(result);
    detector_unchanged(&d, "that");
}

int main(void)
{
    testPlan(0);
    detector_start(&d, NULL, NULL);
    is("HDF1:CreateDirectory", "0");
    reference();
    in_one_call();
    failed_in_one_call();
    several(5, 5);
    several(0, 10);
    count_late();
    no_room();
    folders();
    exposures();
    detector_end(&d);
    return testDone();
}
