/* Scans: images along the way of a motor, told of as Bluesky's scan does; and a move by itself.
 *
 *     scan PREFIX MOTOR FILE [POINTS] */
#include <cophyd/cophyd.h>
#include <cophyd/documents.h>

#include <signal.h>
#include <stdlib.h>

static const char classes[] = "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
                              "dev   hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "files hdf1 write=/mnt/fileserver/data/test/pilatus/%Y/%m/%d/ "
                              "read=/export/raid5/fileshare/data/test/pilatus/%Y/%m/%d/\n"
                              "stage cam  image_mode=Single num_images=1 acquire_time=0.1\n"
                              "stage hdf1 lazy_open=1\n";

static oph_context *ctx;

/* The motor stops, the run puts everything back, and its stop document says "abort". */
static void on_signal(int number)
{
    (void)number;
    oph_interrupt(ctx);
}

static void show(void *user, const oph_run_point *point)
{
    double at = 0;
    oph_get_double(user, "user_readback", &at, NULL);
    printf("point %d of %d, at %g\n", (int)point->done, (int)point->points, at);
}

static int scan(oph_device *det, oph_device *motor, const char *file, int64_t points,
                oph_error *err)
{
    oph_document_lines *lines = NULL;
    oph_scan_axis axis = {.motor = motor, .start = -1, .stop = 1};
    oph_count_options options = {.size = sizeof options, .progress = show, .progress_user = motor};
    int rc = oph_document_lines_open(file, &lines, err);
    if (!rc)
        rc = oph_scan(ctx, &det, 1, &axis, 1, points, oph_document_lines_write, lines, &options,
                      err);
    oph_document_lines_free(lines);
    return rc;
}

/* Back to where it was; and to where it cannot go. */
static int come_back(oph_device *motor, double position, oph_error *err)
{
    oph_error refused = OPH_ERROR_INIT;
    int rc = oph_move(motor, position, NULL, err);
    if (!rc && oph_move_check(motor, 1000, &refused)) printf("%s\n", refused.text);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 4) return 2;
    int64_t points = argc > 4 ? strtol(argv[4], NULL, 10) : 3;
    double before = 0;
    oph_device *det = NULL, *motor = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "scan.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", argv[1], "det", &det, &err);
    if (!rc) rc = oph_device_new(ctx, "EpicsMotor", argv[2], "m1", &motor, &err);
    if (!rc) rc = oph_get_double(motor, "user_readback", &before, &err);
    if (!rc) signal(SIGINT, on_signal);
    if (!rc) signal(SIGTERM, on_signal);
    if (!rc) rc = scan(det, motor, argv[3], points, &err);
    if (!rc) rc = come_back(motor, before, &err);
    oph_error_print(&err, stderr);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    oph_device_free(motor);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
