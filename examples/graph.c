/* The ways that frames take from the camera to the files, and what is wrong with them.
 *
 *     graph [PREFIX [WHAT]]
 *
 * WHAT is text (as without it), or dot: a picture, by `graph Pilatus: dot | dot -Tsvg`. */
#include <cophyd/cophyd.h>
#include <stdlib.h>
#include <string.h>

/* Two mistakes: a plugin on the way to the file that skips frames, and one that gets none. */
static const char classes[] = "class MyPilatusDetector : SingleTrigger PilatusDetector\n"
                              "dev   roi1   ROI1:   ROIPlugin\n"
                              "dev   stats1 Stats1: StatsPlugin\n"
                              "dev   hdf1   HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "files hdf1   write=/mnt/fileserver/data\n"
                              "stage roi1   min_callback_time=0.5\n"
                              "stage stats1 nd_array_port=ROI2\n"
                              "stage hdf1   lazy_open=1 nd_array_port=ROI1\n";

static int draw(oph_device *det, int as_dot, oph_error *err)
{
    oph_graph *graph = NULL;
    int rc = oph_graph_new(det, OPH_DEFAULT, &graph, err);
    if (rc) return rc;
    size_t (*const to_text)(const oph_graph *, char *, size_t) =
        as_dot ? oph_graph_dot : oph_graph_text;
    size_t size = to_text(graph, NULL, 0) + 1;
    char *text = malloc(size);
    if (text) {
        to_text(graph, text, size);
        fputs(text, stdout);
    }
    free(text);
    oph_graph_free(graph);
    return 0;
}

static int find_faults(oph_device *det, oph_error *err)
{
    oph_findings *findings = NULL;
    int rc = oph_validate(det, OPH_DEFAULT, &findings, err);
    oph_findings_print(findings, stdout);
    oph_findings_free(findings);
    return rc;
}

int main(int argc, char **argv)
{
    const char *prefix = argc > 1 ? argv[1] : "Pilatus:";
    int as_dot = argc > 2 && strcmp(argv[2], "dot") == 0;
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "graph.c", NULL, &err);
    if (!rc) rc = oph_device_new(ctx, "MyPilatusDetector", prefix, "det", &det, &err);
    if (!rc) rc = draw(det, as_dot, &err);
    if (!rc && !as_dot) rc = find_faults(det, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
