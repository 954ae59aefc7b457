/* Stage a file plugin with LazyOpen off. One that has seen no frame since its IOC started is primed
 * first.
 *
 *     warmup [PREFIX [WRITE_ROOT]] */
#include <cophyd/cophyd.h>

static const char classes[] = "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
                              "dev   hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "stage hdf1 lazy_open=0\n";

static int stage_primed(oph_device *det, oph_error *err)
{
    int rc = oph_stage(det, NULL, err);
    if (rc != OPH_EUNPRIMED) return rc;
    oph_error_print(err, stdout);
    *err = (oph_error)OPH_ERROR_INIT;
    rc = oph_warmup(det, OPH_DEFAULT, err);
    return rc ? rc : oph_stage(det, NULL, err);
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    const char *write_root = argc > 2 ? argv[2] : "/mnt/fileserver/data";
    oph_context *ctx = NULL;
    oph_device *det = NULL, *hdf1 = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "warmup.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = oph_device_child(det, "hdf1", &hdf1, &err);
    if (!rc) rc = oph_files_set(hdf1, write_root, NULL, &err);
    if (!rc) rc = stage_primed(det, &err);
    if (!rc) printf("%s is %s\n", oph_device_name(det), oph_state_name(oph_device_state(det)));
    if (!rc) rc = oph_unstage(det, NULL, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
