/* Take one image with a Pilatus, find the HDF5 file that the IOC wrote, and read it back.
 *
 *     pilatus [PREFIX [WRITE_ROOT [READ_ROOT]]]
 *
 * WRITE_ROOT is the data disk as the IOC names it, READ_ROOT the same disk as this machine does. */
#include <cophyd/cophyd.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char device_text[] =
    "class MyPilatusDetectorCam : PilatusDetectorCam\n"
    "doc   Pilatus camera, with the PV that makes it wait for its plugins\n"
    "row   wait_for_plugins WaitForPlugins rw enum config\n"
    "\n"
    "class MyHDF5Plugin : HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n"
    "\n"
    "class MyPilatusDetector : SingleTrigger DetectorBase\n"
    "doc   Pilatus detector\n"
    "dev   cam   cam1:   MyPilatusDetectorCam\n"
    "dev   image image1: ImagePlugin\n"
    "dev   hdf1  HDF1:   MyHDF5Plugin\n";

static oph_context *ctx; /* for the signal handler */

static void on_signal(int number)
{
    (void)number;
    oph_interrupt(ctx);
}

/* A folder a day, below each root. */
static int set_folders(oph_device *hdf1, const char *write_root, const char *read_root,
                       oph_error *err)
{
    const char *const below = "test/pilatus/%Y/%m/%d/";
    char write[512], read[512];
    snprintf(write, sizeof write, "%s/%s", write_root, below);
    snprintf(read, sizeof read, "%s/%s", read_root, below);
    return oph_files_set(hdf1, write, read, err);
}

static int set_up(oph_device *det, oph_device *hdf1, oph_error *err)
{
    oph_device *cam;
    int rc = oph_device_child(det, "cam", &cam, err);
    if (!rc) rc = oph_settings_set(cam, "image_mode", "Single", err);
    if (!rc) rc = oph_settings_set(cam, "num_images", 1, err);
    if (!rc) rc = oph_settings_set(cam, "acquire_time", 0.1, err);
    if (!rc) rc = oph_settings_set(cam, "acquire_period", 0.105, err);
    if (!rc) rc = oph_settings_set(cam, "wait_for_plugins", "Yes", err);
    if (!rc) rc = oph_settings_set(hdf1, "lazy_open", 1, err);
    if (!rc) rc = oph_settings_set(hdf1, "compression", "LZ4", err);
    if (!rc) rc = oph_settings_set(hdf1, "file_template", "%s%s_%3.3d.h5", err);
    if (!rc) rc = oph_settings_move(hdf1, "capture", NULL, err); /* capture must always be last */
    return rc;
}

/* Between stage and unstage; the names are those of the file that was written. */
static int take_image(oph_device *det, oph_device *hdf1, char *ioc, char *local, size_t size,
                      oph_error *err)
{
    oph_status *st;
    char text[160];
    int rc = oph_trigger(det, &st, err);
    if (rc) return rc;
    puts(oph_status_text(st, text, sizeof text));
    rc = oph_status_wait(st, OPH_DEFAULT, err);
    puts(oph_status_text(st, text, sizeof text));
    oph_status_unref(st);
    if (!rc) rc = oph_file_name(hdf1, OPH_SIDE_IOC, ioc, size, err);
    if (!rc) rc = oph_file_name(hdf1, OPH_SIDE_LOCAL, local, size, err);
    return rc;
}

static int show_pixels(oph_frames *frames, const oph_frames_info *info, oph_error *err)
{
    int32_t *pixels = malloc((size_t)info->frame_bytes);
    if (!pixels || info->dtype != OPH_INT32) {
        free(pixels);
        fprintf(stderr, "pilatus: wanted int32 pixels, found %s\n", oph_dtype_name(info->dtype));
        return -1;
    }
    int64_t sum = 0;
    int rc = oph_frames_read(frames, 0, 1, pixels, (size_t)info->frame_bytes, err);
    for (int64_t i = 0; !rc && i < info->frame_bytes / 4; i++)
        sum += pixels[i];
    if (!rc) printf("sum: %" PRId64 "\n", sum);
    free(pixels);
    return rc;
}

static int show_file(const char *ioc, const char *local, oph_error *err)
{
    printf("IOC file: %s\nlocal file: %s\n", ioc, local);
    oph_frames *frames;
    oph_frames_info info = {.size = sizeof info};
    int rc = oph_frames_open(local, NULL, OPH_DEFAULT, &frames, err);
    printf("exists: %s\n", access(local, R_OK) ? "False" : "True");
    if (rc) return rc;
    rc = oph_frames_describe(frames, &info, err);
    if (!rc) {
        printf("shape: (");
        for (uint32_t i = 0; i < info.rank; i++)
            printf("%s%" PRId64, i ? ", " : "", info.shape[i]);
        printf(")\ndtype: %s\n", oph_dtype_name(info.dtype));
        rc = show_pixels(frames, &info, err);
    }
    oph_frames_free(frames);
    return rc;
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    const char *write_root = argc > 2 ? argv[2] : "/mnt/fileserver/data";
    const char *read_root = argc > 3 ? argv[3] : "/export/raid5/fileshare/data";
    char ioc[1024] = "", local[1024] = "";
    oph_device *det = NULL, *hdf1 = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (argc > 4 || (argc > 1 && argv[1][0] == '-')) {
        fprintf(stderr, "usage: pilatus [PREFIX [WRITE_ROOT [READ_ROOT]]]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) signal(SIGINT, on_signal);
    if (!rc) signal(SIGTERM, on_signal);
    if (!rc) rc = oph_class_parse(ctx, device_text, "pilatus.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = oph_device_child(det, "hdf1", &hdf1, &err);
    if (!rc) rc = set_folders(hdf1, write_root, read_root, &err);
    if (!rc) rc = set_up(det, hdf1, &err);
    if (!rc) rc = oph_connect(det, OPH_DEFAULT, NULL, &err);
    if (!rc) rc = oph_put(det, "hdf1.create_directory", -5, &err);
    if (!rc) rc = oph_stage(det, NULL, &err);
    if (!rc) {
        oph_report *left = NULL;
        rc = take_image(det, hdf1, ioc, local, sizeof ioc, &err);
        int unstaged = oph_unstage(det, &left, rc ? NULL : &err); /* always */
        oph_report_print(left, stderr);                           /* what could not be put back */
        oph_report_free(left);
        if (!rc) rc = unstaged;
    }
    if (!rc) rc = show_file(ioc, local, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    oph_context_free(ctx);
    return rc != 0;
}
