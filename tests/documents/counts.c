/* A run for check.py, which follows its documents to the pixels: JSON lines on standard output.
 *
 *     counts STORE FORM FRAMES POINTS WRITE READ [MOTOR]
 *
 * STORE: Stream, Single or Tiff; FORM: resource or stream; WRITE, READ: the folder, as the IOC and
 * as this machine names it; MOTOR: scanned from -1 to 1. */
#include <cophyd/cophyd.h>
#include <cophyd/documents.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char classes[] = "class MyStatsPlugin : StatsPlugin\n"
                              "kind  normal\n"
                              "row   total Total_RBV ro float hinted\n"
                              "class Counter : SingleTrigger DetectorBase\n"
                              "dev   cam    cam1:   PilatusDetectorCam\n"
                              "dev   stats1 Stats1: MyStatsPlugin\n"
                              "stage cam    acquire_time=0.001 acquire_period=0.002\n"
                              "class Stream : Counter\n"
                              "dev   file   HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "stage file   lazy_open=1\n"
                              "class Single : Counter\n"
                              "dev   file   HDF1:   HDF5Plugin FileStoreHDF5SingleIterativeWrite\n"
                              "class Tiff : Counter\n"
                              "dev   file   TIFF1:  TIFFPlugin FileStoreTIFFIterativeWrite\n";

static oph_context *ctx;

static void on_signal(int number)
{
    (void)number;
    oph_interrupt(ctx);
}

static int run(oph_device *det, oph_signal *room, oph_device *motor, int64_t points, int32_t form,
               oph_error *err)
{
    oph_document_lines *lines = NULL;
    oph_count_options opt = {.size = sizeof opt, .form = form, .scan_id = 7};
    opt.signals = &room;
    opt.signal_count = 1;
    opt.metadata = "{\"sample\": {\"name\": \"a\", \"n\": 1}, \"owner\": \"me\"}";
    int rc = oph_document_lines_new(1, &lines, err);
    const oph_scan_axis axis = {.motor = motor, .start = -1, .stop = 1};
    if (!rc && motor)
        rc = oph_scan(ctx, &det, 1, &axis, 1, points, oph_document_lines_write, lines, &opt, err);
    else if (!rc)
        rc = oph_count(ctx, &det, 1, points, oph_document_lines_write, lines, &opt, err);
    oph_document_lines_free(lines);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 7) return 2;
    oph_error err = OPH_ERROR_INIT;
    oph_device *det = NULL, *file = NULL, *motor = NULL;
    char record[64] = "Pilatus:";
    oph_signal *room = NULL;
    int32_t form = strcmp(argv[2], "stream") ? OPH_DOCUMENT_RESOURCE : OPH_DOCUMENT_STREAM;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "counts.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, argv[1], "Pilatus:", "det", &det, &err);
    if (!rc) rc = oph_device_child(det, "file", &file, &err);
    if (!rc) rc = oph_files_set(file, argv[5], argv[6], &err);
    if (!rc) rc = oph_settings_set_int(det, "cam.num_images", strtol(argv[3], NULL, 10), &err);
    if (!rc) rc = oph_soft_new(ctx, "room", OPH_DOUBLE((double)NAN), NULL, &room, &err);
    if (!rc && argc > 7) {
        strncat(record, argv[7], 32);
        rc = oph_device_new(ctx, "EpicsMotor", record, argv[7], &motor, &err);
    }
    if (!rc) signal(SIGINT, on_signal);
    if (!rc) signal(SIGTERM, on_signal);
    if (!rc) rc = run(det, room, motor, strtol(argv[4], NULL, 10), form, &err);
    oph_error_print(&err, stderr);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    oph_signal_free(room);
    oph_device_free(motor);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
