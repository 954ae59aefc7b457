/* Counts into Kafka; and sends what did not arrive there again.
 *
 *     kafka PREFIX BROKERS TOPIC FOLDER [POINTS]
 *     kafka replay BROKERS TOPIC FILE */
#include <cophyd/cophyd.h>
#include <cophyd/documents.h>

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char classes[] = "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
                              "dev   hdf1 HDF1: HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "files hdf1 write=/mnt/fileserver/data/test/pilatus/%Y/%m/%d/ "
                              "read=/export/raid5/fileshare/data/test/pilatus/%Y/%m/%d/\n"
                              "stage cam  image_mode=Single num_images=1 acquire_time=0.1\n"
                              "stage hdf1 lazy_open=1\n";

static oph_context *ctx;

static void on_signal(int number)
{
    (void)number;
    oph_interrupt(ctx);
}

/* Brokers that are away are no reason not to measure: the run is kept in a file then. */
static void check(oph_document_kafka *kafka)
{
    oph_error err = OPH_ERROR_INIT;
    if (oph_document_kafka_check(kafka, 1, &err)) fprintf(stderr, "warning: %s\n", err.text);
}

static int count(oph_device *det, char **where, int64_t points, oph_error *err)
{
    oph_error lost = OPH_ERROR_INIT;
    oph_document_kafka *kafka = NULL;
    oph_document_kafka_options options = {.size = sizeof options};
    options.flush_timeout = 3; /* seconds that the end of a run waits for brokers at most */
    int rc = oph_document_kafka_open(where[0], where[1], where[2], &options, &kafka, err);
    if (rc) return rc;
    check(kafka);
    rc = oph_count(ctx, &det, 1, points, oph_document_kafka_write, kafka, NULL, err);
    if (!rc) printf("%" PRId64 " points arrived at %s\n", points, where[1]);
    /* A run that failed has told of that alone. */
    if (rc && oph_document_kafka_flush(kafka, OPH_DEFAULT, &lost) != rc)
        oph_error_print(&lost, stderr);
    oph_document_kafka_free(kafka);
    return rc;
}

/* There is a file of it already. */
static int replay(char **where, oph_error *err)
{
    oph_replayed done;
    oph_report *report = NULL;
    oph_document_kafka *kafka = NULL;
    int rc = oph_document_kafka_open(where[0], where[1], NULL, NULL, &kafka, err);
    if (!rc)
        rc = oph_documents_replay(where[2], oph_document_kafka_write, kafka, &done, &report, err);
    if (!rc) rc = oph_document_kafka_flush(kafka, OPH_DEFAULT, err); /* of a run without an end */
    oph_report_print(report, stderr);
    if (!rc) printf("%" PRIu64 " documents arrived at %s\n", done.documents, where[1]);
    oph_report_free(report);
    oph_document_kafka_free(kafka);
    return rc;
}

static int acquire(char **argv, int64_t points, oph_error *err)
{
    oph_device *det = NULL;
    int rc = oph_context_new(NULL, &ctx, err);
    if (!rc) rc = oph_class_parse(ctx, classes, "kafka.c", NULL, err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", argv[1], "det", &det, err);
    if (!rc) signal(SIGINT, on_signal);
    if (!rc) signal(SIGTERM, on_signal);
    if (!rc) rc = count(det, argv + 2, points, err);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 5) return 2;
    oph_error err = OPH_ERROR_INIT;
    int64_t points = argc > 5 ? strtol(argv[5], NULL, 10) : 1;
    int rc = strcmp(argv[1], "replay") ? acquire(argv, points, &err) : replay(argv + 2, &err);
    oph_error_print(&err, stderr);
    return rc != 0;
}
