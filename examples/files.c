/* Names of files, in an HDF5 file a stage and a TIFF file a frame.
 *
 *     files [PREFIX [WRITE_ROOT [READ_ROOT]]] */
#include <cophyd/cophyd.h>
#include <inttypes.h>

static const char classes[] =
    "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
    "dev   hdf1  HDF1:  HDF5Plugin FileStoreHDF5IterativeWrite\n"
    "dev   tiff1 TIFF1: TIFFPlugin FileStoreTIFF\n"
    "stage cam   num_images=2 acquire_time=0.01 acquire_period=0.02 wait_for_plugins=Yes\n"
    "stage hdf1  lazy_open=1\n";

/* A name of your own for each stage; anything but 0 makes the stage fail. */
static int32_t scan_name(void *user, oph_device *dev, char *buffer, size_t size)
{
    int *scan = user;
    int length = snprintf(buffer, size, "scan%d_%s", ++*scan, oph_device_attr(dev));
    return length < 0 || (size_t)length >= size;
}

/* One acquisition, and what the result tells: of several files of a plugin the last. */
static int take_images(oph_device *det, const char *naming, oph_error *err)
{
    oph_result *result = NULL;
    oph_times times = {.size = sizeof times};
    int rc = oph_acquire(det, OPH_DEFAULT, &result, err);
    oph_report_print(oph_result_report(result), stderr); /* what could not be put back */
    oph_result_times(result, &times);
    printf("%s: %" PRId64 " frames, after %.1f s\n", naming, oph_result_frames(result),
           times.acquiring);
    for (size_t i = 0; i < oph_result_file_count(result); i++) {
        const oph_result_file *file = oph_result_file_at(result, i);
        printf("  %s %s\n", file->device, file->local);
    }
    oph_result_free(result);
    return rc;
}

/* All files of a plugin. */
static int list(oph_device *plugin, oph_error *err)
{
    char local[1024];
    int rc = 0;
    for (size_t i = 0; !rc && i < oph_file_count(plugin); i++) {
        rc = oph_file_name_at(plugin, i, OPH_SIDE_LOCAL, local, sizeof local, err);
        if (!rc) printf("  %zu: %s\n", i, local);
    }
    return rc;
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    const char *write_root = argc > 2 ? argv[2] : "/mnt/fileserver/data";
    const char *read_root = argc > 3 ? argv[3] : "/export/raid5/fileshare/data";
    int scan = 40;
    oph_context *ctx = NULL;
    oph_device *det = NULL, *hdf1 = NULL, *tiff1 = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "files.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = oph_device_child(det, "hdf1", &hdf1, &err);
    if (!rc) rc = oph_device_child(det, "tiff1", &tiff1, &err);
    if (!rc) rc = oph_files_set(hdf1, write_root, read_root, &err);
    if (!rc) rc = oph_files_set(tiff1, write_root, read_root, &err);
    if (!rc) rc = take_images(det, "UUID", &err);
    if (!rc) rc = oph_files_set_name(hdf1, OPH_NAME_FIXED, "lysozyme", &err);
    if (!rc) rc = oph_files_set_name(tiff1, OPH_NAME_COUNTER, "lysozyme", &err);
    if (!rc) rc = take_images(det, "fixed, counter", &err);
    if (!rc) rc = oph_files_set_name_function(hdf1, scan_name, &scan, &err);
    if (!rc) rc = take_images(det, "function, counter", &err);
    if (!rc) rc = list(tiff1, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
