/* Give up an acquisition that takes too long, and take another: the device stays staged.
 *
 *     stop [PREFIX] */
#include <cophyd/cophyd.h>

static const char classes[] = "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
                              "dev   hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "files hdf1 write=/mnt/fileserver/data/\n"
                              "stage cam  num_images=1 acquire_time=1 wait_for_plugins=Yes\n"
                              "stage hdf1 lazy_open=1\n";

static int expose(oph_device *det, double exposure, double patience, oph_error *err)
{
    oph_status *st;
    oph_error cause = OPH_ERROR_INIT;
    int rc = oph_put(det, "cam.acquire_time", exposure, err);
    if (!rc) rc = oph_trigger(det, &st, err);
    if (rc) return rc;
    if (oph_status_wait(st, patience, NULL) == OPH_ETIMEOUT) rc = oph_stop(det, err);
    printf("%s, and the device is %s\n", oph_code_name(oph_status_error(st, &cause)),
           oph_state_name(oph_device_state(det)));
    oph_status_unref(st);
    return rc;
}

/* Also what was put while it was staged is put back: without force it would be taken for another
 * client's, and kept. */
static int unstage(oph_device *det, oph_error *err)
{
    const oph_unstage_options options = {.size = sizeof options, .force = 1};
    return oph_unstage_with(det, &options, NULL, err);
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "stop.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = oph_stage(det, NULL, &err);
    if (!rc) {
        rc = expose(det, 600, 0.2, &err);
        if (!rc) rc = expose(det, 0.01, 30, &err);
        int unstaged = unstage(det, rc ? NULL : &err);
        if (!rc) rc = unstaged;
    }
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
