/* Runs of more kinds of detectors than counts.c has, for the replays: JSON lines on standard
 * output.
 *
 *     runs CLASS FORM POINTS WRITE READ [paced]
 *
 * CLASS: one of those below, or Two, which is two detectors; FORM: resource or stream; WRITE, READ:
 * the folder, as the IOC and as this machine names it, which is the root of resources. paced: after
 * each event it waits for a line on standard input. */
#include <cophyd/cophyd.h>
#include <cophyd/documents.h>

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char classes[] = "class MyStatsPlugin : StatsPlugin\n"
                              "kind  normal\n"
                              "row   total Total_RBV ro float hinted\n"
                              "class Pilatus : DetectorBase\n"
                              "dev   cam    cam1:   PilatusDetectorCam\n"
                              "dev   stats1 Stats1: MyStatsPlugin\n"
                              "dev   file   HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "stage cam    acquire_time=0.001 acquire_period=0.002\n"
                              "stage file   lazy_open=1 chunk_size_auto=No num_frames_chunks=1\n"
                              "class Swmr : SingleTrigger Pilatus\n"
                              "stage file   swmr_mode=On\n"
                              "class Tiles : SingleTrigger Pilatus\n"
                              "stage cam    num_images=4\n"
                              "stage file   num_frames_chunks=2 num_row_chunks=16\n"
                              "stage file   num_col_chunks=30 compression=LZ4\n"
                              "class Deep : SingleTrigger Pilatus\n"
                              "stage cam    num_images=2\n"
                              "stage file   num_frames_chunks=4\n"
                              "class Cycle : MultiTrigger Pilatus\n"
                              "cycle short  cam.num_images=2 cam.acquire_time=0.001\n"
                              "cycle long   cam.num_images=1 cam.acquire_time=0.002\n"
                              "class Stores : SingleTrigger Pilatus\n"
                              "dev   tiff   TIFF1:  TIFFPlugin FileStoreTIFFIterativeWrite\n"
                              "stage cam    num_images=2\n"
                              "class Words : SingleTrigger DetectorBase\n"
                              "dev   cam    cam1:   SimDetectorCam\n"
                              "dev   stats1 Stats1: MyStatsPlugin\n"
                              "dev   file   HDF1:   HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "stage cam    data_type=UInt16 acquire_time=0.001 num_images=1\n"
                              "stage file   lazy_open=1\n";

static oph_context *ctx;

static void on_signal(int number)
{
    (void)number;
    oph_interrupt(ctx);
}

static int make(const char *name, const char *class_name, const char *prefix, char **paths,
                oph_device **ret, oph_error *err)
{
    oph_device *file = NULL, *tiff = NULL;
    int rc = oph_device_new(ctx, class_name, prefix, name, ret, err);
    if (!rc) rc = oph_device_child(*ret, "file", &file, err);
    if (!rc) rc = oph_files_set(file, paths[0], paths[1], err);
    if (!rc && !oph_device_child(*ret, "tiff", &tiff, NULL))
        rc = oph_files_set(tiff, paths[0], paths[1], err);
    return rc;
}

static int32_t write_paced(void *lines, const char *name, const char *json, size_t length,
                           oph_error *err)
{
    int32_t rc = oph_document_lines_write(lines, name, json, length, err);
    if (!rc && !strcmp(name, "event"))
        for (int c = getchar(); c != '\n' && c != EOF; c = getchar())
            ;
    return rc;
}

static int run(oph_device *const *detectors, size_t count, int64_t points,
               const oph_count_options *opt, bool paced, oph_error *err)
{
    oph_document_lines *lines = NULL;
    oph_document_fn *sink = paced ? write_paced : oph_document_lines_write;
    int rc = oph_document_lines_new(1, &lines, err);
    if (!rc) rc = oph_count(ctx, detectors, count, points, sink, lines, opt, err);
    oph_document_lines_free(lines);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc < 6) return 2;
    oph_error err = OPH_ERROR_INIT;
    oph_device *detectors[2] = {NULL};
    bool two = !strcmp(argv[1], "Two"), words = !strcmp(argv[1], "Words");
    oph_count_options opt = {.size = sizeof opt, .root = argv[5], .metadata = "{\"plan\": [1, 2]}"};
    if (!strcmp(argv[2], "stream")) opt.form = OPH_DOCUMENT_STREAM;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_class_parse(ctx, classes, "runs.c", NULL, &err);
    if (!rc)
        rc = make("det", two ? "Swmr" : argv[1], words ? "13SIM1:" : "Pilatus:", argv + 4,
                  &detectors[0], &err);
    if (!rc && two) rc = make("words", "Words", "13SIM1:", argv + 4, &detectors[1], &err);
    if (!rc) signal(SIGINT, on_signal);
    if (!rc) rc = run(detectors, two ? 2 : 1, strtol(argv[3], NULL, 10), &opt, argc > 6, &err);
    oph_error_print(&err, stderr);
    signal(SIGINT, SIG_DFL);
    oph_device_free(detectors[0]);
    oph_device_free(detectors[1]);
    oph_context_free(ctx);
    return rc != 0;
}
