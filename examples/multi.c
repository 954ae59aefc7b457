/* A trigger that is several acquisitions: a short and a long exposure, in one file.
 *
 *     multi [PREFIX] */
#include <cophyd/cophyd.h>

static const char classes[] =
    "class MyPilatusDetector : MultiTrigger PilatusDetector\n"
    "dev   hdf1  HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
    "files hdf1  write=/mnt/fileserver/data/multi\n"
    "stage cam   wait_for_plugins=Yes\n"
    "stage hdf1  lazy_open=1\n"
    "cycle short cam.num_images=2 cam.acquire_time=0.01 cam.acquire_period=0.02\n"
    "cycle long  cam.num_images=1 cam.acquire_time=0.1\n";

static int trigger(oph_device *det, oph_error *err)
{
    oph_status *st;
    oph_progress progress = {.size = sizeof progress};
    int rc = oph_trigger(det, &st, err);
    if (rc) return rc;
    rc = oph_status_wait(st, OPH_DEFAULT, err);
    if (!rc) rc = oph_status_progress(st, &progress, err);
    if (!rc) printf("%g of %g %s\n", progress.current, progress.target, progress.unit);
    oph_status_unref(st);
    return rc;
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "multi.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = oph_stage(det, NULL, &err);
    if (!rc) {
        rc = trigger(det, &err);
        if (!rc) rc = trigger(det, &err);
        int unstaged = oph_unstage(det, NULL, rc ? NULL : &err);
        if (!rc) rc = unstaged;
    }
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
