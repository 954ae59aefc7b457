/* Old releases of areaDetector: all of an acquisition, for one file and for a file a frame, a
 * series, and what a device tells of itself, where some records are lacking. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static const char classes[] = "class Old : SingleTrigger DetectorBase\n"
                              "dev cam  cam1:  PilatusDetectorCam\n"
                              "dev hdf1 HDF1:  HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "dev tiff TIFF1: TIFFPlugin FileStoreTIFFIterativeWrite\n"
                              "stage cam  acquire_time=0.001 acquire_period=0.004 num_images=2\n"
                              "stage hdf1 file_template=\"%s%s_%3.3d.h5\"\n"
                              "stage tiff file_template=\"%s%s_%3.3d.tif\"\n";

static struct detector d;

static void make(void)
{
    static const char *const stores[] = {"hdf1", "tiff"};
    oph_error err = OPH_ERROR_INIT;
    char read[128];
    snprintf(read, sizeof read, "%s/old/", d.disk);
    oph_device_free(d.det);
    d.det = NULL;
    int rc = oph_class_parse(d.ctx, classes, "test", NULL, &err);
    if (!rc) rc = oph_device_new(d.ctx, "Old", "Pilatus:", "det", &d.det, &err);
    for (size_t i = 0; !rc && i < 2; i++) {
        oph_device *store;
        rc = oph_device_child(d.det, stores[i], &store, &err);
        if (!rc) rc = oph_files_set(store, DETECTOR_DISK "/old/", read, &err);
    }
    if (rc) testAbort("%s", err.text);
}

static void acquires(const char *release)
{
    oph_error err = OPH_ERROR_INIT;
    oph_result *result = NULL;
    oph_acquire(d.det, OPH_DEFAULT, &result, &err);
    check_done(oph_result_error(result, NULL), &err, "an acquisition");
    testOk(oph_result_frames(result) == 2 && oph_result_file_count(result) == 2 &&
               oph_report_count(oph_result_report(result)) == 0,
           "%s: two frames in %d files", release, (int)oph_result_file_count(result));
    oph_report_print(oph_result_report(result), stdout);
    oph_result_free(result);
}

static void takes_a_series(void)
{
    static const oph_series two = {
        .size = sizeof two, .frames = 2, .triggers = 2, .exposure = 0.001};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    int64_t kickoffs = 0;
    int rc = oph_stage(d.det, NULL, &err);
    if (!rc) rc = oph_prepare(d.det, &two, &kickoffs, &err);
    for (int64_t i = 0; !rc && i < kickoffs; i++) {
        oph_status *begun = NULL, *all = NULL;
        rc = oph_kickoff(d.det, &begun, &err);
        if (!rc) rc = oph_complete(d.det, &all, &err);
        if (!rc) rc = oph_status_wait(all, OPH_DEFAULT, &err);
        oph_status_unref(begun);
        oph_status_unref(all);
    }
    check_done(rc, &err, "a series");
    testOk1(kickoffs == 2);
    check_done(oph_unstage(d.det, &report, &err), &err, "unstage");
    testOk1(oph_report_count(report) == 0);
    oph_report_print(report, stdout);
    oph_report_free(report);
}

static void tells(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_plan *plan = NULL;
    oph_findings *findings = NULL;
    oph_readings *values = NULL;
    oph_descriptions *described = NULL;
    check_done(oph_plan_new(d.det, NULL, &plan, NULL, &err), &err, "a plan");
    check_done(oph_validate(d.det, OPH_DEFAULT, &findings, &err), &err, "a validation");
    for (size_t i = 0; i < oph_findings_count(findings); i++)
        testOk(oph_findings_at(findings, i)->severity != OPH_SEVERITY_ERROR, "%s",
               oph_findings_at(findings, i)->error.text);
    check_done(oph_read(d.det, OPH_DEFAULT, &values, NULL, &err), &err, "a reading");
    check_done(oph_describe(d.det, OPH_DEFAULT, &described, NULL, &err), &err, "a description");
    testOk1(oph_descriptions_count(described) >= oph_readings_count(values));
    oph_descriptions_free(described);
    oph_readings_free(values);
    oph_findings_free(findings);
    oph_plan_free(plan);
}

/* Another thread looks at a device while connecting learns the release, whose rows are fewer: all
 * that it finds is of the one release or of the other. `make tsan` sees more. */
static oph_device *_Atomic looked_at;
static atomic_int enough;

static void *look(void *user)
{
    long *wrong = user;
    while (!atomic_load(&enough)) {
        oph_device *dev = atomic_load(&looked_at);
        oph_signal *sig;
        for (size_t i = oph_device_attr_count(dev); i-- > 0;) {
            const char *attr = oph_device_attr_at(dev, i);
            *wrong += attr && !attr[0];
        }
        *wrong += !oph_device_is(dev, "HDF5Plugin") || oph_device_kind(dev) <= 0;
        *wrong += oph_signal_find(dev, "no_such_attribute", &sig, NULL) != OPH_ENOTFOUND;
    }
    return NULL;
}

static void is_looked_at(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *all[10];
    size_t newest = 0, found = 0;
    pthread_t thread;
    long wrong = 0;
    int rc = 0;
    for (int i = 0; !rc && i < 10; i++) {
        oph_device *hdf1;
        rc = oph_device_new(d.ctx, "Old", "Pilatus:", "det", &all[i], &err);
        if (!rc) rc = oph_device_child(all[i], "hdf1", &hdf1, &err);
        if (rc) testAbort("%s", err.text);
        newest = oph_device_attr_count(hdf1);
        atomic_store(&looked_at, hdf1);
        if (i == 0 && pthread_create(&thread, NULL, look, &wrong)) testAbort("no thread");
        rc = oph_connect(all[i], OPH_DEFAULT, NULL, &err);
        found = oph_device_attr_count(hdf1);
    }
    check_done(rc, &err, "connecting while somebody looks");
    atomic_store(&enough, 1);
    pthread_join(thread, NULL);
    testOk(found < newest && wrong == 0, "%d of %d attributes are there, %ld were wrong",
           (int)found, (int)newest, wrong);
    for (int i = 0; i < 10; i++)
        oph_device_free(all[i]);
}

int main(void)
{
    static const char *const releases[] = {"3.0", "3.2", "3.5", "3.12"};
    testPlan(0);
    for (size_t i = 0; i < sizeof releases / sizeof *releases; i++) {
        oph_error err = OPH_ERROR_INIT;
        const char *const arguments[] = {"--instant", "--ad", releases[i], NULL};
        detector_start_ioc(&d, arguments);
        if (oph_context_new(NULL, &d.ctx, &err)) testAbort("%s", err.text);
        make();
        check_done(oph_warmup(d.det, OPH_DEFAULT, &err), &err, releases[i]);
        acquires(releases[i]);
        takes_a_series();
        tells();
        if (i == 0) is_looked_at();
        probe_is(d.probe, "HDF1:EnableCallbacks", "Disable");
        probe_is(d.probe, "cam1:NumImages", "1");
        detector_end(&d);
    }
    return testDone();
}
