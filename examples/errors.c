/* Do three things wrong, and print what the library says of each.
 *
 *     errors [PREFIX] */
#include <cophyd/cophyd.h>

static const char classes[] = "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
                              "dev   hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "stage hdf1 lazy_open=1\n"
                              "files hdf1 write=/mnt/fileserver/data/\n";

/* The code is for the program, the report for people. */
static void tell(const char *what, int rc, const oph_report *report)
{
    printf("%s: %s\n", what, oph_code_name(rc));
    oph_report_print(report, stdout);
}

static int use_wrong_prefix(oph_context *ctx, oph_error *err)
{
    oph_device *det;
    oph_report *report = NULL;
    int rc = oph_device_new(ctx, "MyPilatusDetector", "NoSuch:", "det", &det, err);
    if (rc) return rc;
    rc = oph_connect(det, 1.0, &report, NULL);
    printf("oph_connect: %s, and the first of the PVs:\n", oph_code_name(rc));
    if (oph_report_count(report)) oph_error_print(oph_report_at(report, 0), stdout);
    oph_report_free(report);
    oph_device_free(det);
    return 0;
}

static int stage_wrong_labels(oph_device *det, oph_error *err)
{
    oph_report *report = NULL;
    int rc = oph_settings_set(det, "cam.image_mode", "Sinlge", err);
    if (!rc) rc = oph_settings_set(det, "hdf1.compression", "LZ5", err);
    if (rc) return rc;
    rc = oph_stage(det, &report, NULL);
    tell("oph_stage", rc, report);
    oph_report_free(report);
    rc = oph_settings_set(det, "cam.image_mode", "Single", err);
    return rc ? rc : oph_settings_delete(det, "hdf1.compression", err);
}

static int write_to_no_folder(oph_device *det, oph_error *err)
{
    oph_device *hdf1;
    oph_result *result = NULL;
    int rc = oph_device_child(det, "hdf1", &hdf1, err);
    if (!rc) rc = oph_files_set(hdf1, "/proc/no/such/folder", NULL, err);
    if (rc) return rc;
    rc = oph_acquire(det, OPH_DEFAULT, &result, NULL);
    tell("oph_acquire", rc, oph_result_report(result));
    oph_result_free(result);
    printf("the device is %s\n", oph_state_name(oph_device_state(det)));
    return 0;
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "errors.c", NULL, &err);
    if (!rc) rc = use_wrong_prefix(ctx, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = stage_wrong_labels(det, &err);
    if (!rc) rc = write_to_no_folder(det, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
