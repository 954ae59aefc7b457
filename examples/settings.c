/* Print what staging would set, change it, and print it again. Needs no IOC.
 *
 *     settings */
#include <cophyd/cophyd.h>

static const char classes[] = "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
                              "dev   image image1: ImagePlugin\n"
                              "dev   hdf1  HDF1:   HDF5Plugin_V34 FileStoreHDF5IterativeWrite\n";

static void show(oph_device *dev)
{
    char text[1024];
    oph_settings_text(dev, text, sizeof text);
    printf("%s: %s\n", oph_device_path(dev), text);
}

/* The same, one setting a line. */
static void list(oph_device *dev)
{
    const char *key;
    printf("%s:\n", oph_device_path(dev));
    for (size_t i = 0; (key = oph_settings_key_at(dev, i)); i++)
        printf("    %s = %s\n", key, oph_settings_value(dev, key));
}

/* Without SingleTrigger nothing is staged. */
static int show_plain(oph_context *ctx, oph_error *err)
{
    oph_device *det;
    int rc = oph_device_new(ctx, "PilatusDetector", "Pilatus:", "plain", &det, err);
    if (rc) return rc;
    show(det);
    oph_device_free(det);
    return 0;
}

static int set_cam(oph_device *cam, oph_error *err)
{
    int rc = oph_settings_set(cam, "image_mode", "Single", err);
    if (!rc) rc = oph_settings_set(cam, "num_images", 1, err);
    if (!rc) rc = oph_settings_set(cam, "acquire_time", 0.1, err);
    if (!rc) rc = oph_settings_set(cam, "acquire_period", 0.105, err);
    if (!rc) rc = oph_settings_set(cam, "wait_for_plugins", "Yes", err);
    return rc;
}

static int set_hdf1(oph_device *hdf1, oph_error *err)
{
    int rc = oph_settings_set(hdf1, "lazy_open", 1, err);
    if (!rc) rc = oph_settings_set(hdf1, "compression", "LZ4", err);
    if (!rc) rc = oph_settings_set(hdf1, "file_template", "%s%s_%3.3d.h5", err);
    if (!rc) rc = oph_settings_move(hdf1, "capture", NULL, err); /* capture must always be last */
    return rc;
}

static int show_detector(oph_device *det, oph_error *err)
{
    oph_device *cam, *hdf1;
    int rc = oph_device_child(det, "cam", &cam, err);
    if (!rc) rc = oph_device_child(det, "hdf1", &hdf1, err);
    if (rc) return rc;
    show(det);
    list(hdf1);
    rc = set_cam(cam, err);
    if (!rc) rc = set_hdf1(hdf1, err);
    list(cam);
    list(hdf1);
    return rc;
}

int main(void)
{
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "settings.c", NULL, &err);
    if (!rc) rc = show_plain(ctx, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", "Pilatus:", "det", &det, &err);
    if (!rc) rc = show_detector(det, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
