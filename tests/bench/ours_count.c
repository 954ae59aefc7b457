/* Counts with documents, by the public functions of cophyd and libcophyd-doc: to a function that
 * does nothing with them, and as JSON lines to a file. */
#include "bench/ours.h"

#include <cophyd/documents.h>
#include <stdlib.h>

struct client {
    oph_context *ctx;
    oph_device *dev;
};

static void *the_detector(void)
{
    struct client *c = calloc(1, sizeof *c);
    oph_error err = OPH_ERROR_INIT;
    oph_device *cam = NULL;

    side_need(c != NULL, "no memory");
    c->ctx = ours_context();
    ours_parse(c->ctx, ours_detector_text);
    c->dev = ours_detector(c->ctx, 1);
    ours_need(oph_device_child(c->dev, "cam", &cam, &err), &err);
    ours_need(oph_settings_set(cam, "acquire_time", 0.001, &err), &err);
    ours_need(oph_settings_set(cam, "acquire_period", 0.002, &err), &err);
    ours_connect(c->dev);
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

    ours_need(oph_count(c->ctx, &c->dev, 1, POINTS, look_at, &bytes, NULL, &err), &err);
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
    ours_need(oph_document_lines_new(fileno(file), &lines, &err), &err);
    ours_need(oph_count(c->ctx, &c->dev, 1, POINTS, oph_document_lines_write, lines, NULL, &err),
              &err);
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
