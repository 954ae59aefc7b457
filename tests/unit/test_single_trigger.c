/* ad/single_trigger: readbacks that come in another order than a quick IOC's. Each case was seen on
 * an IOC that is not the simulator. The release of the put is its completion. */
#include "ad/builtin_classes.h"
#include "lib/fake_link.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <string.h>

static const char classes[] = "class Det : SingleTrigger DetectorBase\n"
                              "dev cam  cam1: CamBase\n"
                              "dev hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "stage .    cam.image_mode=Single\n"
                              "stage hdf1 file_name=scan\n"
                              "files hdf1 write=/new/\n"
                              "class Twins : Det\n"
                              "dev hdf2 HDF2: HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "stage hdf2 file_name=scan\n"
                              "files hdf2 write=/new/\n";

#define NEW_FILE "/new/scan_000000.h5"
static const double PATIENCE = 5; /* for a status that should end by itself */

enum { PAIR = 1 }; /* with a readback */
static const struct {
    const char *name;
    int32_t dtype;
    uint32_t count;
    const char *labels, *value;
    int how;
} pvs[] = {
    {"cam1:ADCoreVersion_RBV", OPH_TEXT, 1, "", "3.12.1", 0},
    {"cam1:Acquire", OPH_ENUM, 1, "Done,Acquire", "0", PAIR},
    {"cam1:AcquireBusy", OPH_ENUM, 1, "Done,Acquiring", "0", 0},
    {"cam1:WaitForPlugins", OPH_ENUM, 1, "No,Yes", "1", 0},
    {"cam1:DetectorState_RBV", OPH_ENUM, 1, "Idle,Acquire", "0", 0},
    {"cam1:ArrayCounter", OPH_INT32, 1, "", "17", PAIR},
    {"cam1:NumImages", OPH_INT32, 1, "", "5", PAIR},
    {"cam1:ImageMode", OPH_ENUM, 1, "Single,Multiple", "1", PAIR},
    {"cam1:ArrayCallbacks", OPH_ENUM, 1, "Disable,Enable", "1", PAIR},
    {"HDF1:ADCoreVersion_RBV", OPH_TEXT, 1, "", "3.12.1", 0},
    {"HDF1:PortName_RBV", OPH_TEXT, 1, "", "H5", 0},
    {"HDF1:NDArrayPort", OPH_TEXT, 1, "", "PIL", PAIR},
    {"HDF1:EnableCallbacks", OPH_ENUM, 1, "Disable,Enable", "0", PAIR},
    {"HDF1:BlockingCallbacks", OPH_ENUM, 1, "No,Yes", "1", PAIR},
    {"HDF1:MinCallbackTime", OPH_FLOAT64, 1, "", "0", PAIR},
    {"HDF1:DroppedArrays", OPH_INT32, 1, "", "2", PAIR},
    {"HDF1:ArrayCounter", OPH_INT32, 1, "", "9", PAIR},
    {"HDF1:ArraySize0_RBV", OPH_INT32, 1, "", "64", 0},
    {"HDF1:FilePath", OPH_UINT8, 256, "", "/old/", PAIR},
    {"HDF1:FilePathExists_RBV", OPH_ENUM, 1, "No,Yes", "1", 0},
    {"HDF1:FileName", OPH_UINT8, 256, "", "old", PAIR},
    {"HDF1:FileNumber", OPH_INT32, 1, "", "4", PAIR},
    {"HDF1:FileTemplate", OPH_UINT8, 256, "", "%s%s.h5", PAIR},
    {"HDF1:FullFileName_RBV", OPH_UINT8, 256, "", "/old/old.h5", 0},
    {"HDF1:AutoIncrement", OPH_ENUM, 1, "No,Yes", "0", PAIR},
    {"HDF1:AutoSave", OPH_ENUM, 1, "No,Yes", "0", PAIR},
    {"HDF1:FileWriteMode", OPH_ENUM, 1, "Single,Capture,Stream", "0", PAIR},
    {"HDF1:NumCapture", OPH_INT32, 1, "", "1", PAIR},
    {"HDF1:NumCaptured_RBV", OPH_INT32, 1, "", "0", 0},
    {"HDF1:Capture", OPH_ENUM, 1, "Done,Capture", "0", PAIR},
    {"HDF1:WriteStatus", OPH_ENUM, 1, "Write OK,Write error", "0", 0},
    {"HDF1:WriteMessage", OPH_UINT8, 256, "", "", 0},
};
enum { PV_COUNT = sizeof pvs / sizeof *pvs };

static void each_pv(void (*fn)(const char *name, size_t i))
{
    for (size_t i = 0; i < PV_COUNT; i++) {
        char name[80];
        for (int rbv = 0; rbv <= pvs[i].how; rbv++) {
            snprintf(name, sizeof name, "X:%s%s", pvs[i].name, rbv ? "_RBV" : "");
            fn(name, i);
            if (strncmp(name, "X:HDF1:", 7) != 0) continue;
            name[5] = '2';
            fn(name, i);
        }
    }
}

static void add_pv(const char *name, size_t i)
{
    fake_pv(name, pvs[i].dtype, pvs[i].count, pvs[i].labels, pvs[i].value);
}

static void set_back(const char *name, size_t i)
{
    fake_set(name, pvs[i].value);
}

/* A detector whose context waits `grace` seconds for readbacks. */
static oph_device *new_detector(const char *class_name, double grace)
{
    const oph_context_options options = {
        .size = sizeof options, .get_timeout = 2, .grace = grace, .stop_timeout = 1};
    oph_context *ctx = fake_context_with(&options, NULL, &oph__builtin_behaviours);
    oph_error err = OPH_ERROR_INIT;
    oph_device *det = NULL;
    int rc = 0;
    for (const struct oph__class_text *b = oph__builtin_classes; !rc && b->name; b++)
        rc = oph_class_parse(ctx, b->text, b->name, NULL, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "test", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, class_name, "X:", "det", &det, &err);
    if (rc) testAbort("%s", err.text);
    oph_context_free(ctx);
    return det;
}

static void stage(oph_device *det, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    testDiag("%s", what);
    each_pv(set_back);
    fake_code(oph_stage(det, NULL, &err), 0, &err, "stage");
    fake_rule("X:cam1:Acquire", FAKE_WITHHOLD);
    fake_forget_puts();
}

static void unstage(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    fake_rule("X:cam1:Acquire", FAKE_FOLLOW);
    fake_code(oph_unstage(det, NULL, &err), 0, &err, "unstage");
}

static oph_status *trigger(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    if (fake_code(oph_trigger(det, &st, &err), 0, &err, "trigger"))
        fake_wait_put("X:cam1:Acquire");
    else
        testAbort("nothing to wait for");
    return st;
}

/* What the IOC shows in the end. */
static void show_camera(const char *counter)
{
    fake_set("X:cam1:ArrayCounter_RBV", counter);
    fake_set("X:cam1:Acquire_RBV", "0");
}

static void show_file(const char *captured)
{
    fake_set("X:HDF1:NumCaptured_RBV", captured);
    fake_set("X:HDF1:FullFileName_RBV", NEW_FILE);
}

/* The completion, a look that finds too little, subscriptions, and a look for their first values.
 */
static void complete_and_look(void)
{
    int before = fake_flushes();
    fake_release("X:cam1:Acquire");
    fake_wait_flushes(before + 3);
}

static void ends(oph_device *det, oph_status *st, const char *what)
{
    char file[64] = "";
    oph_error err = OPH_ERROR_INIT;
    oph_device *hdf1 = NULL;
    fake_code(oph_status_wait(st, PATIENCE, &err), 0, &err, what);
    oph_status_unref(st);
    oph_device_child(det, "hdf1", &hdf1, NULL);
    oph_file_name(hdf1, OPH_SIDE_IOC, file, sizeof file, NULL);
    testOk(strcmp(file, NEW_FILE) == 0, "the file is '%s'", file);
}

static void fails(oph_status *st, const char *why)
{
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_status_wait(st, PATIENCE, &err), OPH_EACQUIRE, &err, "it fails");
    testOk(strstr(err.text, why) != NULL, "%s", err.text);
    oph_status_unref(st);
}

static void test_quick(oph_device *det)
{
    stage(det, "all is there before the completion");
    for (int i = 1; i <= 2; i++) {
        oph_status *st = trigger(det);
        show_camera(i == 1 ? "18" : "19");
        show_file(i == 1 ? "1" : "2");
        fake_release("X:cam1:Acquire");
        ends(det, st, "it succeeds");
        fake_set("X:cam1:Acquire", "0");
        fake_forget_puts();
    }
    unstage(det);
}

static void progress_is(oph_status *st, double current, double fraction)
{
    oph_progress p = {.size = sizeof p};
    oph_status_progress(st, &p, NULL);
    testOk(p.initial == 0 && p.current == current && p.target == 5 && p.fraction == fraction &&
               p.precision == 0 && !strcmp(p.unit, "frames") && !strcmp(p.name, "det"),
           "%g of 5 frames are written", current);
    if (p.current != current) testDiag("found %g of %g %s", p.current, p.target, p.unit);
}

/* The second acquisition counts from what the first has left. */
static void test_progress(oph_device *det)
{
    static const char *const counts[2][2] = {{"2", "5"}, {"7", "10"}};
    oph_settings_set(det, "cam.image_mode", "Multiple", NULL);
    stage(det, "frames are counted as they are written");
    for (int i = 0; i < 2; i++) {
        oph_status *st = oph_status_ref(trigger(det));
        progress_is(st, 0, 0);
        fake_set("X:HDF1:NumCaptured_RBV", counts[i][0]);
        progress_is(st, 2, 0.4);
        show_camera(i ? "27" : "22");
        show_file(counts[i][1]);
        fake_release("X:cam1:Acquire");
        ends(det, st, "it succeeds");
        progress_is(st, 5, 1);
        oph_status_unref(st);
        fake_set("X:cam1:Acquire", "0");
    }
    unstage(det);
    oph_settings_set(det, "cam.image_mode", "Single", NULL);
}

/* Nothing here may last until the camera's or the writer's patience ends. */
static void test_late(oph_device *det)
{
    static const struct {
        const char *name, *busy, *done;
    } last[] = {
        {"X:cam1:Acquire_RBV", "1", "0"},
        {"X:cam1:AcquireBusy", "1", "0"},
        {"X:cam1:DetectorState_RBV", "1", "0"},
        {"X:HDF1:NumCaptured_RBV", "0", "1"},
        {"X:HDF1:FullFileName_RBV", "/old/old.h5", NEW_FILE},
    };
    for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
        stage(det, last[i].name);
        oph_status *st = trigger(det);
        show_camera("18");
        show_file("1");
        fake_set(last[i].name, last[i].busy);
        complete_and_look();
        testOk(!oph_status_done(st), "it is not done with the completion alone");
        fake_set(last[i].name, last[i].done);
        ends(det, st, "it succeeds with the last readback");
        unstage(det);
    }
}

/* A readback that moves after it was read, while other PVs are still being read. */
static void test_during_look(oph_device *det)
{
    stage(det, "NumCaptured moves during a look");
    oph_status *st = trigger(det);
    show_camera("17");
    show_file("0");
    complete_and_look();
    fake_then("X:HDF1:NumCaptured_RBV", "1");
    fake_set("X:cam1:ArrayCounter_RBV", "18");
    ends(det, st, "it succeeds");
    unstage(det);
}

/* A WriteStatus from before stands until the first frame comes; that of ours says what became of
 * it.
 */
static void test_former_status(oph_device *det)
{
    for (int i = 0; i < 2; i++) {
        oph_error err = OPH_ERROR_INIT;
        stage(det, "the last frame of the former file was not written");
        fake_set("X:HDF1:WriteStatus", "1");
        oph_status *st = trigger(det);
        show_camera("18");
        complete_and_look();
        testOk(!oph_status_done(st), "that says nothing of this one");
        if (i) { /* nor was this one */
            fake_set("X:HDF1:ArrayCounter_RBV", "10");
            fake_code(oph_status_wait(st, PATIENCE, &err), OPH_EACQUIRE, &err, "it fails");
            testOk(strstr(err.text, "the writer failed") != NULL, "%s", err.text);
            oph_status_unref(st);
        } else {
            fake_set("X:HDF1:WriteStatus", "0");
            fake_set("X:HDF1:ArrayCounter_RBV", "10");
            show_file("1");
            ends(det, st, "it succeeds");
        }
        unstage(det);
    }
}

static void test_late_reset(oph_device *det)
{
    stage(det, "NumCaptured of the former file");
    fake_set("X:HDF1:NumCaptured_RBV", "3");
    fake_then("X:HDF1:NumCaptured_RBV", "0");
    oph_status *st = trigger(det);
    show_camera("18");
    show_file("1");
    fake_release("X:cam1:Acquire");
    ends(det, st, "it succeeds");
    unstage(det);
}

static void test_counter(oph_device *det, const char *before, const char *after)
{
    stage(det, "a driver that counts from 0 at each start");
    fake_set("X:cam1:ArrayCounter_RBV", before);
    oph_status *st = trigger(det);
    show_camera(after);
    show_file("1");
    fake_release("X:cam1:Acquire");
    ends(det, st, "it succeeds");
    unstage(det);
}

/* Its completion says nothing of the plugins then, which have the time that a file may take. */
static void test_not_waiting(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    stage(det, "a camera that does not wait for its plugins");
    fake_set("X:cam1:WaitForPlugins", "0");
    oph_status *st = trigger(det);
    show_camera("18");
    fake_release("X:cam1:Acquire");
    fake_code(oph_status_wait(st, 0.5, &err), OPH_ETIMEOUT, &err, "long after the grace");
    testOk(!oph_status_done(st), "it waits for the file");
    show_file("1");
    ends(det, st, "it succeeds");
    unstage(det);
}

static void test_never(oph_device *det)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    stage(det, "NumCaptured is never reset");
    fake_set("X:HDF1:NumCaptured_RBV", "3");
    fake_code(oph_trigger(det, &st, &err), OPH_EMISMATCH, &err, "trigger is refused");
    testOk(strstr(err.text, "det.hdf1.num_captured") && strstr(err.text, "wanted 0, found 3"), "%s",
           err.text);
    testOk(fake_puts()[0] == '\0', "nothing was put");
    fake_set("X:HDF1:NumCaptured_RBV", "0");
    st = trigger(det);
    show_camera("18");
    show_file("1");
    fake_release("X:cam1:Acquire");
    ends(det, st, "triggered once more, it succeeds");
    unstage(det);

    stage(det, "the former file's name stays");
    st = trigger(det);
    show_camera("18");
    fake_set("X:HDF1:NumCaptured_RBV", "1");
    fake_release("X:cam1:Acquire");
    fails(st, "the IOC did not name the file as staged");
    unstage(det);

    stage(det, "its file is in another folder");
    st = trigger(det);
    show_camera("18");
    fake_set("X:HDF1:NumCaptured_RBV", "1");
    fake_set("X:HDF1:FullFileName_RBV", "/other" NEW_FILE);
    fake_release("X:cam1:Acquire");
    fails(st, "the IOC did not name the file as staged");
    unstage(det);

    stage(det, "the camera takes fewer");
    st = trigger(det);
    fake_set("X:cam1:Acquire_RBV", "0");
    fake_release("X:cam1:Acquire");
    fails(st, "the camera sent fewer frames than it was set to: ");
    unstage(det);

    stage(det, "one of the writer's PVs went away");
    fake_down("X:HDF1:DroppedArrays_RBV");
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_trigger(det, &st, &err), OPH_EDISCONN, &err, "trigger is refused");
    testOk(strstr(err.text, "det.hdf1.dropped_arrays") != NULL, "%s", err.text);
    fake_down("X:HDF1:EnableCallbacks_RBV");
    fake_up("X:HDF1:DroppedArrays_RBV");
    fake_code(oph_trigger(det, &st, &err), OPH_EDISCONN, &err, "or another");
    fake_up(NULL);
    unstage(det);

    stage(det, "the writer's PVs go away");
    st = trigger(det);
    show_camera("18");
    show_file("1");
    fake_down("X:HDF1:NumCaptured_RBV");
    fake_release("X:cam1:Acquire");
    oph_error lost = OPH_ERROR_INIT;
    fake_code(oph_status_wait(st, PATIENCE, &lost), OPH_EDISCONN, &lost, "it fails");
    testOk(strstr(lost.text, "the IOC was lost: det.hdf1.num_captured") != NULL, "%s", lost.text);
    oph_status_unref(st);
    fake_up(NULL);
    unstage(det);
}

/* Two plugins that would write one file. */
static void test_twins(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *det = new_detector("Twins", 30), *hdf2 = NULL;
    each_pv(set_back);
    fake_forget_puts();
    fake_code(oph_stage(det, NULL, &err), OPH_EINVAL, &err, "two of one name are refused");
    testOk(strstr(err.text, "det.hdf2: wanted a file of its own, found " NEW_FILE) &&
               strstr(err.text, "det.hdf1") && !*fake_puts(),
           "%s", err.text);
    testOk1(oph_device_child(det, "hdf2", &hdf2, NULL) == 0);
    testOk1(oph_settings_set(hdf2, "file_name", "other", NULL) == 0);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_stage(det, NULL, &err), 0, &err, "with another name it is staged");
    unstage(det);
    oph_device_free(det);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    each_pv(add_pv);
    oph_device *det = new_detector("Det", 30);
    test_quick(det);
    test_progress(det);
    test_late(det);
    test_during_look(det);
    test_former_status(det);
    test_late_reset(det);
    test_counter(det, "17", "1");
    test_counter(det, "1", "1");
    oph_device_free(det);
    det = new_detector("Det", 0.1);
    test_never(det);
    test_not_waiting(det);
    oph_device_free(det);
    test_twins();
    testOk(fake_end() == 0, "no channel is left");
    return testDone();
}
