/* Counts with documents, by the public functions of cophyd and libcophyd-doc: to a function that
 * does nothing with them, and as JSON lines to a file. */
#include "bench/side.h"

#include <cophyd/cophyd.h>
#include <cophyd/documents.h>
#include <stdlib.h>

struct client {
    oph_context *ctx;
    oph_device *dev;
};

static const char detector[] =
    "class BenchCam : PilatusDetectorCam\n"
    "row   wait_for_plugins WaitForPlugins rw enum config\n"
    "class BenchHDF5 : HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n"
    "class BenchDetector : SingleTrigger DetectorBase\n"
    "dev   cam   cam1:   BenchCam\n"
    "dev   image image1: ImagePlugin\n"
    "dev   hdf1  HDF1:   BenchHDF5\n"
    "files hdf1  write=/bench/data/ read=/bench/data/\n"
    "stage cam   image_mode=Single num_images=1 acquire_time=0.001 acquire_period=0.002\n"
    "stage cam   wait_for_plugins=Yes\n"
    "stage hdf1  lazy_open=1 compression=LZ4 file_template=\"%s%s_%3.3d.h5\"\n";

static void need(int rc, const oph_error *err)
{
    side_need(rc == 0, err->text);
}

static void *the_detector(void)
{
    const oph_context_options patient = {.size = sizeof patient, .connect_timeout = PATIENCE};
    struct client *c = calloc(1, sizeof *c);
    oph_error err = OPH_ERROR_INIT;

    side_need(c != NULL, "no memory");
    need(oph_context_new(&patient, &c->ctx, &err), &err);
    need(oph_class_parse(c->ctx, detector, "ours_count.c", NULL, &err), &err);
    need(oph_device_new(c->ctx, "BenchDetector", "Pilatus:", "det", &c->dev, &err), &err);
    need(oph_connect(c->dev, PATIENCE, NULL, &err), &err);
    return c;
}

static int32_t look_at(void *bytes, const char *name, const char *json, size_t length,
                       oph_error *err)
{
    (void)name, (void)json, (void)err;
    *(size_t *)bytes += length;
    return 0;
}

static void count_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_error err = OPH_ERROR_INIT;
    size_t bytes = 0;
    double started = side_now();

    need(oph_count(c->ctx, &c->dev, 1, POINTS, look_at, &bytes, NULL, &err), &err);
    ret->value = (side_now() - started) / POINTS;
    side_need(bytes > POINTS, "ours: no documents");
}

static void lines_round(void *state, struct measure *ret)
{
    struct client *c = state;
    oph_document_lines *lines = NULL;
    oph_error err = OPH_ERROR_INIT;
    FILE *file = tmpfile();
    double started = side_now();

    side_need(file != NULL, "no file");
    need(oph_document_lines_new(fileno(file), &lines, &err), &err);
    need(oph_count(c->ctx, &c->dev, 1, POINTS, oph_document_lines_write, lines, NULL, &err), &err);
    oph_document_lines_free(lines);
    ret->value = (side_now() - started) / POINTS;
    fclose(file);
}

int main(int argc, char **argv)
{
    static const struct bench benches[] = {
        {"count", the_detector, count_round},
        {"count_lines", the_detector, lines_round},
        {NULL, NULL, NULL},
    };
    return side_run(argc, argv, benches);
}
