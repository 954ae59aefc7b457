/* How files are named, and that none is overwritten unless that was asked for. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static const char classes[] =
    "class NameDetector : SingleTrigger DetectorBase\n"
    "dev cam cam1: PilatusDetectorCam\n"
    "stage cam acquire_time=0.001 acquire_period=0.002 num_images=1\n"
    "class Stream : NameDetector\n"
    "dev file HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
    "stage file lazy_open=1 file_template=\"%s%s_%3.3d.h5\"\n"
    "class Tiff : NameDetector\n"
    "dev file TIFF1: TIFFPlugin FileStoreTIFFIterativeWrite\n"
    "stage file file_template=\"%s%s_%3.3d.tif\"\n"
    "class Steps : MultiTrigger DetectorBase\n"
    "dev cam  cam1: PilatusDetectorCam\n"
    "dev file TIFF1: TIFFPlugin FileStoreTIFFIterativeWrite\n"
    "cycle one cam.num_images=1\n"
    "cycle two cam.num_images=2\n"
    "stage cam  acquire_time=0.001 acquire_period=0.002\n"
    "stage file file_template=\"%s%s_%3.3d.tif\"\n"
    "class Counted : Stream\n"
    "files file write=" DETECTOR_DISK "/names/ read=/none/ name=counter overwrite=yes\n"
    "class Fixed : Stream\n"
    "files file write=" DETECTOR_DISK "/names/ read=/none/ name=\"my scan\"\n";

static struct detector d;
static oph_device *file;

static void make(const char *class_name)
{
    oph_error err = OPH_ERROR_INIT;
    char read[128];
    oph_device_free(d.det);
    d.det = NULL;
    snprintf(read, sizeof read, "%s/names/", d.disk);
    int rc = oph_device_new(d.ctx, class_name, "Pilatus:", "det", &d.det, &err);
    if (!rc) rc = oph_device_child(d.det, "cam", &d.cam, &err);
    if (!rc) rc = oph_device_child(d.det, "file", &file, &err);
    if (!rc) rc = oph_files_set(file, DETECTOR_DISK "/names/", read, &err);
    if (!rc) rc = oph_connect(d.det, OPH_DEFAULT, NULL, &err);
    if (rc) testAbort("%s", err.text);
}

static void naming(int32_t policy, const char *text, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_files_set_name(file, policy, text, &err), &err, what);
}

static void is_there(const char *name)
{
    char local[200];
    snprintf(local, sizeof local, "%s/names/%s", d.disk, name);
    testOk(access(local, F_OK) == 0, "%s is there", local);
}

/* One acquisition in one stage, whose file is called so; all but FileNumber is put back. */
static void makes(const char *wanted)
{
    oph_error err = OPH_ERROR_INIT;
    oph_result *result = NULL;
    char name[1024] = "";
    int rc = oph_acquire(d.det, OPH_DEFAULT, &result, &err);
    const oph_report *left = oph_result_report(result);
    if (!rc) rc = oph_file_name(file, OPH_SIDE_LOCAL, name, sizeof name, &err);
    const char *base = strrchr(name, '/');
    testOk(!rc && base && strcmp(base + 1, wanted) == 0, "%s is written", name);
    if (rc) testDiag("%s: %s", oph_code_name(rc), err.text);
    testOk(oph_report_count(left) == 0, "all is put back");
    oph_report_print(left, stdout);
    oph_result_free(result);
    is_there(wanted);
}

/* Staging is refused for that file, before anything is sent. */
static void exists(const char *name)
{
    oph_error err = OPH_ERROR_INIT;
    static const char *const watched[] = {"HDF1:FileName", "HDF1:FilePath", "HDF1:EnableCallbacks",
                                          "TIFF1:FileName", "TIFF1:FilePath"};
    testOk(probe_watch(d.probe, watched, 5) == 0, "a witness watches");
    int mark = probe_mark(d.probe);
    check_refused(oph_stage(d.det, NULL, &err), &err, OPH_EFILE, "det.file", NULL,
                  "does not exist yet", name);
    testOk(strstr(err.found, "oph_files_set_overwrite") != NULL, "it says what to do");
    testOk(probe_mark(d.probe) == mark, "nothing was sent");
    detector_unchanged(&d, "that");
}

static void overwrite(int32_t on)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_files_set_overwrite(file, on, &err), &err,
               on ? "overwriting is allowed" : "overwriting is forbidden");
}

static void touch(const char *name)
{
    char local[200];
    snprintf(local, sizeof local, "%s/names/%s", d.disk, name);
    FILE *f = fopen(local, "w");
    testOk(f && fclose(f) == 0, "somebody has written %s", name);
}

static void fixed(void)
{
    make("Stream");
    naming(OPH_NAME_FIXED, "scan", "a fixed name");
    makes("scan_000.h5");
    detector_unchanged(&d, "a fixed name");
    exists("names/scan_000.h5");
    overwrite(1);
    makes("scan_000.h5");
    detector_unchanged(&d, "overwriting");
    overwrite(0);
    exists("names/scan_000.h5");
    naming(OPH_NAME_FIXED, "other 100% %s", "another name");
    makes("other 100% %s_000.h5");
    naming(OPH_NAME_UUID, NULL, "UUIDs again");
    detector_works(&d, "with UUIDs");
    detector_unchanged(&d, "UUIDs");
}

/* FileNumber goes on from stage to stage, and is not put back. */
static void counter(void)
{
    make("Stream");
    testOk(probe_put_complete(d.probe, "HDF1:FileNumber", "41", 5) == 0 &&
               probe_put_complete(d.probe, "HDF1:FileName", "run", 5) == 0,
           "the IOC counts from 41");
    detector_remember(&d);
    naming(OPH_NAME_COUNTER, NULL, "the IOC's own counter");
    makes("run_041.h5");
    probe_is(d.probe, "HDF1:FileName", "run");
    probe_is(d.probe, "HDF1:FileNumber_RBV", "42");
    makes("run_042.h5");
    probe_is(d.probe, "HDF1:FileNumber_RBV", "43");
    naming(OPH_NAME_COUNTER, "mine", "the same with a name");
    makes("mine_043.h5");
    probe_is(d.probe, "HDF1:FileName", "run");
    probe_is(d.probe, "HDF1:FileNumber_RBV", "44");
    testOk(probe_put_complete(d.probe, "HDF1:FileNumber", "41", 5) == 0, "it counts from 41 again");
    detector_unchanged(&d, "the counter's stages, but for the counter");
    touch("mine_041.h5");
    exists("names/mine_041.h5");
    /* Settings have the last word. */
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_settings_set(file, "file_name", "set", &err), &err, "a setting");
    makes("set_041.h5");
    check_done(oph_settings_set(file, "file_number", 7, &err), &err, "and another");
    makes("set_007.h5");
    probe_is(d.probe, "HDF1:FileNumber_RBV", "42");
    testOk(probe_put_complete(d.probe, "HDF1:FileNumber", "0", 5) == 0, "it counts from 0");
    detector_remember(&d);
}

/* A file a frame: those of each point are looked for when it is triggered. */
static void counted_tiff(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    char name[1024] = "";
    make("Tiff");
    testOk(probe_put_complete(d.probe, "TIFF1:FileNumber", "10", 5) == 0, "it counts from 10");
    detector_remember(&d);
    check_done(oph_settings_set(d.cam, "num_images", 3, &err), &err, "three images");
    naming(OPH_NAME_COUNTER, "t", "the IOC's own counter");
    touch("t_015.tif");
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    int rc = oph_trigger(d.det, &st, &err);
    if (!rc) rc = oph_status_wait(st, OPH_DEFAULT, &err);
    check_done(rc, &err, "a point is taken");
    oph_status_unref(st);
    oph_files_info info = {.size = sizeof info};
    check_done(oph_files_describe(file, &info, &err), &err, "it is described");
    testOk(info.first_number == 10 && info.naming == OPH_NAME_COUNTER &&
               strcmp(info.file_name, "t") == 0 &&
               strcmp(info.file_template, "%s%s_%3.3d.tif") == 0,
           "its first number is %lld", (long long)info.first_number);
    for (size_t i = 0; i < 3; i++) {
        char wanted[40];
        snprintf(wanted, sizeof wanted, "/names/t_%03zu.tif", 10 + i);
        rc = oph_file_name_at(file, i, OPH_SIDE_LOCAL, name, sizeof name, &err);
        testOk(!rc && strstr(name, wanted) && access(name, R_OK) == 0, "%s", name);
    }
    st = NULL;
    check_refused(oph_trigger(d.det, &st, &err), &err, OPH_EFILE, "det.file", NULL,
                  "does not exist yet", "t_015.tif");
    testOk(!st, "there is no status");
    probe_is(d.probe, "TIFF1:FileNumber_RBV", "13");
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstage works");
    overwrite(1);
    makes("t_015.tif");
    testOk(probe_put_complete(d.probe, "TIFF1:FileNumber", "10", 5) == 0, "it counts from 10");
    detector_unchanged(&d, "the counter's stages, but for the counter");
}

/* Those of all steps are looked for before the first. */
static void counted_steps(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *st = NULL;
    make("Steps");
    testOk(probe_put_complete(d.probe, "TIFF1:FileNumber", "20", 5) == 0, "it counts from 20");
    detector_remember(&d);
    naming(OPH_NAME_COUNTER, "s", "the IOC's own counter");
    touch("s_022.tif");
    check_done(oph_stage(d.det, NULL, &err), &err, "stage works");
    check_refused(oph_trigger(d.det, &st, &err), &err, OPH_EFILE, "det.file", NULL,
                  "does not exist yet", "s_022.tif");
    probe_is(d.probe, "TIFF1:FileNumber_RBV", "20");
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstage works");
    detector_unchanged(&d, "the steps that were refused");
}

struct namer {
    int calls, says;
    const char *name;
    int32_t state;
    pthread_t thread;
};

static int32_t name_it(void *user, oph_device *dev, char *buffer, size_t size)
{
    struct namer *n = user;
    char text[64];
    n->calls++;
    n->thread = pthread_self();
    n->state = oph_device_state(dev); /* no lock is held: these calls return */
    oph_files_get(dev, OPH_SIDE_IOC, text, sizeof text, NULL);
    if (n->name) snprintf(buffer, size, "%s", n->name);
    return n->says;
}

static void not_named(struct namer *n, int code, const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    check_refused(oph_stage(d.det, NULL, &err), &err, code, "det.file", NULL, "file name", found);
    testOk(n->calls == 1, "the function was called once");
    n->calls = 0;
    detector_unchanged(&d, "that");
}

static void function(void)
{
    oph_error err = OPH_ERROR_INIT;
    struct namer n = {.name = "by_function"};
    make("Stream");
    check_done(oph_files_set_name_function(file, name_it, &n, &err), &err, "a function names it");
    makes("by_function_000.h5");
    testOk(n.calls == 1 && n.state == OPH_STATE_STAGING && pthread_equal(n.thread, pthread_self()),
           "it was called once, while staging, by this thread");
    exists("names/by_function_000.h5");
    n = (struct namer){.says = 3, .name = "x"};
    not_named(&n, OPH_ECANCEL, "3 from the function");
    n = (struct namer){.name = NULL};
    not_named(&n, OPH_EINVAL, "an empty text");
    n = (struct namer){.name = "a/b"};
    not_named(&n, OPH_EINVAL, "\"a/b\"");
    n = (struct namer){.name = "a\nb"};
    not_named(&n, OPH_EINVAL, "a control character");
}

/* Class text, and what the calls refuse. */
static void choices(void)
{
    oph_error err = OPH_ERROR_INIT;
    char name[64] = "";
    make("Fixed");
    makes("my scan_000.h5");
    exists("names/my scan_000.h5");
    make("Counted");
    testOk(probe_put_complete(d.probe, "HDF1:FileName", "my scan", 5) == 0, "a name stands");
    makes("my scan_000.h5");
    makes("my scan_001.h5");
    check_refused(oph_files_set_name(file, OPH_NAME_FIXED, NULL, &err), &err, OPH_EINVAL,
                  "det.file", NULL, "a file name", "NULL");
    check_refused(oph_files_set_name(file, OPH_NAME_FIXED, "", &err), &err, OPH_EINVAL, "det.file",
                  NULL, "a file name", "an empty text");
    check_refused(oph_files_set_name(file, OPH_NAME_FIXED, "../x", &err), &err, OPH_EINVAL,
                  "det.file", NULL, "without folders", "../x");
    check_refused(oph_files_set_name(file, OPH_NAME_UUID, "x", &err), &err, OPH_EINVAL, "det.file",
                  NULL, "NULL", "x");
    check_refused(oph_files_set_name(file, OPH_NAME_FUNCTION, "x", &err), &err, OPH_EINVAL,
                  "det.file", NULL, "OPH_NAME_UUID", "3");
    check_refused(oph_files_set_name(d.cam, OPH_NAME_UUID, NULL, &err), &err, OPH_EINVAL, "det.cam",
                  NULL, "FileStore", "PilatusDetectorCam");
    check_refused(oph_files_set_name_function(file, NULL, NULL, &err), &err, OPH_EINVAL, "det.file",
                  NULL, "a function", "NULL");
    check_refused(oph_files_set_overwrite(file, 2, &err), &err, OPH_EINVAL, "det.file", NULL,
                  "1 or 0", "2");
    oph_files_info info = {.size = 8};
    check_refused(oph_files_describe(file, &info, &err), &err, OPH_EINVAL, "det.file", NULL,
                  "sizeof(oph_files_info)", "8");
    make("Stream");
    info.size = sizeof info;
    check_refused(oph_files_describe(file, &info, &err), &err, OPH_ESTATE, "det.file", NULL,
                  "files of a stage", "not staged");
    check_done(oph_settings_set(file, "capture", 0, &err), &err, "a stage that writes nothing");
    check_done(oph_stage(d.det, NULL, &err), &err, "works");
    check_refused(oph_files_describe(file, &info, &err), &err, OPH_ESTATE, "det.file", NULL,
                  "files of a stage", "or its settings do not start Capture");
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstage");
    check_refused(oph_file_name_at(file, 0, OPH_SIDE_IOC, name, sizeof name, &err), &err,
                  OPH_ESTATE, "det.file", NULL, "the file of an acquisition", "none");
    testOk(oph_file_count(file) == 0 && oph_file_count(d.cam) == 0, "and there are no files");
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    detector_start(&d, (const char *const[]){"--instant", NULL}, NULL);
    if (oph_class_parse(d.ctx, classes, "test", NULL, &err)) testAbort("%s", err.text);
    fixed();
    counter();
    counted_tiff();
    counted_steps();
    function();
    choices();
    detector_end(&d);
    return testDone();
}
