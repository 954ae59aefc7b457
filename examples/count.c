/* Counts: images, and the documents that tell of them, as Bluesky's programs read them.
 *
 *     count PREFIX FILE [POINTS] */
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

/* The run ends, puts everything back, and its stop document says "abort". */
static void on_signal(int number)
{
    (void)number;
    oph_interrupt(ctx);
}

/* Shows the name of each document, and hands it on. */
static int32_t show(void *lines, const char *name, const char *json, size_t length, oph_error *err)
{
    puts(name);
    return oph_document_lines_write(lines, name, json, length, err);
}

static int count(oph_device *det, const char *file, int64_t points, oph_error *err)
{
    oph_document_lines *lines = NULL;
    oph_count_options options = {.size = sizeof options};
    options.metadata = "{\"sample\": \"lysozyme\", \"owner\": \"rv\"}";
    int rc = oph_document_lines_open(file, &lines, err);
    if (!rc) rc = oph_count(ctx, &det, 1, points, show, lines, &options, err);
    oph_document_lines_free(lines);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    int64_t points = argc > 3 ? strtol(argv[3], NULL, 10) : 1;
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "count.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", argv[1], "det", &det, &err);
    if (!rc) signal(SIGINT, on_signal);
    if (!rc) signal(SIGTERM, on_signal);
    if (!rc) rc = count(det, argv[2], points, &err);
    oph_error_print(&err, stderr);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
