/* Take two images, the second in another folder, and name both files as the IOC and as this machine
 * do.
 *
 *     folders [PREFIX [WRITE_ROOT [READ_ROOT]]] */
#include <cophyd/cophyd.h>

static const char classes[] =
    "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
    "dev   hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
    "stage cam  num_images=1 acquire_time=0.1 acquire_period=0.105 wait_for_plugins=Yes\n"
    "stage hdf1 lazy_open=1\n";

/* Both templates at once: the same folder as the IOC and as this machine mount it. */
static int set_folder(oph_device *hdf1, const char *write_root, const char *read_root,
                      const char *folder, oph_error *err)
{
    char write[512], read[512];
    snprintf(write, sizeof write, "%s/%s", write_root, folder);
    snprintf(read, sizeof read, "%s/%s", read_root, folder);
    return oph_files_set(hdf1, write, read, err);
}

static int take_image(oph_device *det, oph_device *hdf1, oph_error *err)
{
    char ioc[1024], local[1024];
    oph_result *result = NULL;
    int rc = oph_acquire(det, OPH_DEFAULT, &result, err);
    oph_report_print(oph_result_report(result), stderr);
    oph_result_free(result);
    if (!rc) rc = oph_file_name(hdf1, OPH_SIDE_IOC, ioc, sizeof ioc, err);
    if (!rc) rc = oph_file_name(hdf1, OPH_SIDE_LOCAL, local, sizeof local, err);
    if (!rc) printf("IOC:   %s\nlocal: %s\n", ioc, local);
    return rc;
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    const char *write_root = argc > 2 ? argv[2] : "/mnt/fileserver/data";
    const char *read_root = argc > 3 ? argv[3] : "/export/raid5/fileshare/data";
    oph_context *ctx = NULL;
    oph_device *det = NULL, *hdf1 = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "folders.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = oph_device_child(det, "hdf1", &hdf1, &err);
    if (!rc) rc = set_folder(hdf1, write_root, read_root, "test/pilatus/%Y/%m/%d", &err);
    if (!rc) rc = take_image(det, hdf1, &err);
    if (!rc) rc = set_folder(hdf1, write_root, read_root, "user_name/experiment", &err);
    if (!rc) rc = take_image(det, hdf1, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
