/* Three detectors of one process, on three IOCs, are staged, triggered and unstaged at the same
 * time from three threads, again and again; each is as before, and each has its own files. */
#include "lib/detector.h"

#include <cophyd/simulator.h>
#include <epicsUnitTest.h>
#include <ftw.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DETECTORS = 3, ROUNDS = 5 };

static const char *const prefixes[DETECTORS] = {"P1:", "P2:", "P3:"};

struct one {
    int number;
    oph_device *det, *hdf1;
    struct setpoints *before;
    char disk[64], files[ROUNDS][1024];
    int done;
    oph_error err;
    pthread_t thread;
};

static struct one all[DETECTORS];
static oph_simulator *sims[DETECTORS];
static pthread_barrier_t together;

static void need(int rc, const oph_error *err)
{
    if (rc) testAbort("%s: %s", oph_code_name(rc), err->text);
}

static void start_simulator(int i)
{
    oph_error err = OPH_ERROR_INIT;
    char root[128];
    snprintf(all[i].disk, sizeof all[i].disk, "/tmp/cophyd-disk-XXXXXX");
    if (!mkdtemp(all[i].disk)) testAbort("no folder");
    snprintf(root, sizeof root, "%s=%s", DETECTOR_DISK, all[i].disk);
    const char *const arguments[] = {
        "--prefix",     prefixes[i], "--size",      "64x48", "--raw", DETECTOR_DISK "/raw",
        "--write-root", root,        "--raw-files", "8",     NULL};
    setenv("COPHYD_SIM", "build/bin/cophyd-sim", 0);
    need(oph_simulator_start(arguments, &sims[i], &err), &err);
}

/* One probe at a time: a thread has one client of libca. */
static struct setpoints *look(int i)
{
    struct probe *probe = probe_new(prefixes[i]);
    struct setpoints *now = setpoints_read(probe, prefixes[i]);
    probe_free(probe);
    if (!now) testAbort("the setpoints cannot be read");
    return now;
}

static void make_device(oph_context *ctx, int i)
{
    struct one *one = &all[i];
    oph_error err = OPH_ERROR_INIT;
    one->number = i;
    need(oph_device_new(ctx, "MyPilatusDetector", prefixes[i], "det", &one->det, &err), &err);
    need(oph_device_child(one->det, "hdf1", &one->hdf1, &err), &err);
    need(oph_files_set(one->hdf1, DETECTOR_DISK "/", one->disk, &err), &err);
    oph_device *cam = NULL;
    need(oph_device_child(one->det, "cam", &cam, &err), &err);
    int rc = oph_settings_set(cam, "image_mode", "Single", &err);
    if (!rc) rc = oph_settings_set(cam, "num_images", 1, &err);
    if (!rc) rc = oph_settings_set(cam, "acquire_time", 0.01, &err);
    if (!rc) rc = oph_settings_set(cam, "acquire_period", 0.015, &err);
    if (!rc) rc = oph_settings_set(cam, "wait_for_plugins", "Yes", &err);
    if (!rc) rc = oph_settings_set(one->hdf1, "lazy_open", 1, &err);
    if (!rc) rc = oph_settings_set(one->hdf1, "file_template", "%s%s_%3.3d.h5", &err);
    need(rc, &err);
    one->before = look(i);
}

static int one_round(struct one *one, char *file, size_t size)
{
    oph_status *st = NULL;
    pthread_barrier_wait(&together);
    int rc = oph_stage(one->det, NULL, &one->err);
    pthread_barrier_wait(&together); /* all are staged at this moment */
    if (!rc) rc = oph_trigger(one->det, &st, &one->err);
    if (!rc) rc = oph_status_wait(st, OPH_DEFAULT, &one->err);
    oph_status_unref(st);
    if (!rc) rc = oph_file_name(one->hdf1, OPH_SIDE_LOCAL, file, size, &one->err);
    oph_error late = OPH_ERROR_INIT;
    int unstaged = oph_unstage(one->det, NULL, &late);
    if (!rc && unstaged) one->err = late;
    return rc ? rc : unstaged;
}

static void *rounds(void *arg)
{
    struct one *one = arg;
    for (int i = 0; i < ROUNDS; i++)
        one->done += one_round(one, one->files[i], sizeof one->files[i]) == 0;
    return NULL;
}

static void check(const struct one *one)
{
    int there = 0;
    testOk(one->done == ROUNDS, "detector %d: %d of %d rounds", one->number, one->done,
           (int)ROUNDS);
    if (one->err.code) testDiag("%s", one->err.text);
    for (int i = 0; i < ROUNDS; i++)
        there += strncmp(one->files[i], one->disk, strlen(one->disk)) == 0 &&
                 access(one->files[i], R_OK) == 0;
    testOk(there == ROUNDS, "each has a file on its own disk");
    struct setpoints *now = look(one->number);
    testOk(setpoints_differ(one->before, now) == 0, "nothing stays changed");
    setpoints_free(now);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void end_one(int i)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device_free(all[i].det);
    setpoints_free(all[i].before);
    testOk(oph_simulator_stop(sims[i], &err) == 0, "the simulator ends");
    nftw(all[i].disk, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = NULL;
    testPlan(0);
    for (int i = 0; i < DETECTORS; i++)
        start_simulator(i);
    need(oph_simulator_use(sims, DETECTORS, &err), &err);
    need(oph_context_new(NULL, &ctx, &err), &err);
    detector_add_class(ctx);
    for (int i = 0; i < DETECTORS; i++)
        make_device(ctx, i);
    if (pthread_barrier_init(&together, NULL, DETECTORS)) testAbort("no barrier");
    for (int i = 0; i < DETECTORS; i++)
        if (pthread_create(&all[i].thread, NULL, rounds, &all[i])) testAbort("no thread");
    for (int i = 0; i < DETECTORS; i++)
        pthread_join(all[i].thread, NULL);
    pthread_barrier_destroy(&together);
    for (int i = 0; i < DETECTORS; i++)
        check(&all[i]);
    for (int i = 0; i < DETECTORS; i++)
        end_one(i);
    oph_context_free(ctx);
    return testDone();
}
