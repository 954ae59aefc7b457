/* A run for check.py, which follows its documents to the pixels: JSON lines on standard output.
 *
 *     counts STORE FORM FRAMES POINTS WRITE READ [MOTOR | BROKERS TOPIC FOLDER]
 *
 * STORE: Stream, Single or Tiff; FORM: resource or stream; WRITE, READ: the folder, as the IOC and
 * as this machine names it; MOTOR: scanned from -1 to 1; BROKERS and TOPIC: it goes to Kafka, too,
 * or stays in FOLDER. */
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

struct sinks {
    oph_document_lines *lines;
    oph_document_kafka *kafka; /* may be NULL */
};

static int32_t write_both(void *user, const char *name, const char *json, size_t length,
                          oph_error *err)
{
    struct sinks *sinks = user;
    int32_t rc = oph_document_lines_write(sinks->lines, name, json, length, err);
    if (rc || !sinks->kafka) return rc;
    return oph_document_kafka_write(sinks->kafka, name, json, length, err);
}

static int run(oph_device *det, oph_signal *room, oph_device *motor, int64_t points, int32_t form,
               char **where, oph_error *err)
{
    struct sinks sinks = {0};
    oph_count_options opt = {.size = sizeof opt, .form = form, .scan_id = 7};
    opt.signals = &room;
    opt.signal_count = 1;
    opt.metadata = "{\"sample\": {\"name\": \"a\", \"n\": 1}, \"owner\": \"me\"}";
    const oph_scan_axis axis = {.motor = motor, .start = -1, .stop = 1};
    int rc = oph_document_lines_new(1, &sinks.lines, err);
    if (!rc && where)
        rc = oph_document_kafka_open(where[0], where[1], where[2], NULL, &sinks.kafka, err);
    if (!rc && motor)
        rc = oph_scan(ctx, &det, 1, &axis, 1, points, write_both, &sinks, &opt, err);
    else if (!rc)
        rc = oph_count(ctx, &det, 1, points, write_both, &sinks, &opt, err);
    oph_document_kafka_free(sinks.kafka);
    oph_document_lines_free(sinks.lines);
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
    if (!rc && argc == 8) {
        strncat(record, argv[7], 32);
        rc = oph_device_new(ctx, "EpicsMotor", record, argv[7], &motor, &err);
    }
    if (!rc) signal(SIGINT, on_signal);
    if (!rc) signal(SIGTERM, on_signal);
    char **kafka = argc > 9 ? argv + 7 : NULL;
    if (!rc) rc = run(det, room, motor, strtol(argv[4], NULL, 10), form, kafka, &err);
    oph_error_print(&err, stderr);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    oph_signal_free(room);
    oph_device_free(motor);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
