/* Streams of images in documents: what they say of chunks, names and templates. */
#include "lib/check.h"
#include "lib/detector.h"
#include "lib/documents.h"

#include <epicsUnitTest.h>
#include <string.h>

static const char classes[] = "class Chunks : SingleTrigger DetectorBase\n"
                              "dev cam  cam1:  MyPilatusDetectorCam\n"
                              "dev file HDF1:  HDF5Plugin FileStoreHDF5IterativeWrite\n"
                              "stage cam acquire_time=0.001 wait_for_plugins=Yes\n"
                              "stage file lazy_open=1\n"
                              "class Tiff : SingleTrigger DetectorBase\n"
                              "dev cam  cam1:  MyPilatusDetectorCam\n"
                              "dev file TIFF1: TIFFPlugin FileStoreTIFFIterativeWrite\n"
                              "stage cam acquire_time=0.001 num_images=2 wait_for_plugins=Yes\n";

static struct detector d;
static struct documents docs;

static void need(int rc, const oph_error *err)
{
    if (rc) testAbort("%s: %s", oph_code_name(rc), err->text);
}

static int count(oph_device *dev, int64_t points, const oph_count_options *opt, oph_error *err)
{
    *err = (oph_error)OPH_ERROR_INIT;
    return oph_count(d.ctx, &dev, 1, points, documents_take, &docs, opt, err);
}

static oph_device *make(const char *class_name, const char *write, const char *read)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *dev = NULL, *file = NULL;
    int rc = oph_device_new(d.ctx, class_name, "Pilatus:", "other", &dev, &err);
    if (!rc) rc = oph_device_child(dev, "file", &file, &err);
    if (!rc) rc = oph_files_set(file, write, read, &err);
    need(rc, &err);
    return dev;
}

/* Points and frames of a point, as readers put a file together, in its chunks. */
static void tells_of_chunks(void)
{
    static const struct {
        int whole, frames, rows, columns, swmr, images;
        const char *parameters;
    } all[] = {{0, 1, 16, 32, 0, 1, "false,\"join_method\":\"stack\",\"chunk_shape\":[1,1,16,32]"},
               {0, 2, 48, 64, 0, 1, "false,\"join_method\":\"stack\",\"chunk_shape\":[2,1,48,64]"},
               {0, 2, 0, 0, 1, 4, "true,\"join_method\":\"stack\",\"chunk_shape\":[1,2,48,64]"},
               {1, 8, 7, 7, 0, 4, "false,\"join_method\":\"stack\",\"chunk_shape\":[2,4,48,64]"},
               {1, 3, 0, 0, 1, 2, "true,\"join_method\":\"stack\",\"chunk_shape\":[1,2,48,64]"}};
    char read[128];
    snprintf(read, sizeof read, "%s/doc/", d.disk);
    oph_device *dev = make("Chunks", DETECTOR_DISK "/doc/", read);
    oph_count_options opt = {.size = sizeof opt, .form = OPH_DOCUMENT_STREAM};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        oph_error err = OPH_ERROR_INIT;
        char wanted[200];
        int rc = oph_settings_set_int(dev, "cam.num_images", all[i].images, &err);
        if (!rc) rc = oph_settings_set_int(dev, "file.chunk_size_auto", all[i].whole, &err);
        if (!rc) rc = oph_settings_set_int(dev, "file.num_frames_chunks", all[i].frames, &err);
        if (!rc) rc = oph_settings_set_int(dev, "file.num_row_chunks", all[i].rows, &err);
        if (!rc) rc = oph_settings_set_int(dev, "file.num_col_chunks", all[i].columns, &err);
        if (!rc) rc = oph_settings_set_int(dev, "file.swmr_mode", all[i].swmr, &err);
        need(rc, &err);
        check_done(count(dev, 1, &opt, &err), &err, "a count into chunks works");
        snprintf(wanted, sizeof wanted,
                 "{\"dataset\":\"/entry/data/data\",\"swmr\":%s,\"multiplier\":%d}",
                 all[i].parameters, all[i].images);
        documents_say(documents_nth(&docs, "stream_resource", 0), "parameters", wanted);
        documents_clear(&docs);
    }
    oph_device_free(dev);
    detector_unchanged(&d, "counts into chunks");
}

/* Names that mean something in a URI or in Python's format. */
static void tells_of_odd_names(void)
{
    static const struct {
        const char *file_template, *wanted; /* NULL: refused */
    } all[] = {{"%s%s_%6.6d.tiff", "\"_{:06d}.tiff\""},
               {"%s%s%d.tif", "\"{:d}.tif\""},
               {"%s%s{%04d}#.tif", "\"{{{:04d}}}%23.tif\""},
               {"%s%s_%3.3d%%.tif", NULL}};
    oph_count_options opt = {.size = sizeof opt, .form = OPH_DOCUMENT_STREAM};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        oph_error err = OPH_ERROR_INIT;
        char read[128], wanted[160];
        snprintf(read, sizeof read, "%s/a%%%%20 b#c?d;e/", d.disk);
        snprintf(wanted, sizeof wanted, "file://localhost%.60s/a%%20 b%%23c%%3Fd%%3Be/", d.disk);
        oph_device *dev = make("Tiff", DETECTOR_DISK "/a%%20 b#c?d;e/", read), *file;
        int rc = oph_device_child(dev, "file", &file, &err);
        if (!rc) rc = oph_settings_set_text(file, "file_template", all[i].file_template, &err);
        need(rc, &err);
        rc = count(dev, 2, &opt, &err);
        if (all[i].wanted) {
            testOk(!rc, "%s: %s", all[i].file_template, err.text);
            const json_t *resource = documents_nth(&docs, "stream_resource", 0);
            const char *uri = json_string_value(documents_at(resource, "uri"));
            testOk(uri && !strncmp(uri, wanted, strlen(wanted)), "at %s", uri ? uri : "no URI");
            documents_say(resource, "parameters/template", all[i].wanted);
        } else {
            testOk(rc == OPH_EINVAL && strstr(err.text, "FileTemplate"), "%s", err.text);
            documents_say(documents_nth(&docs, "stop", 0), "exit_status", "\"fail\"");
        }
        documents_clear(&docs);
        oph_device_free(dev);
    }
    detector_unchanged(&d, "counts into odd names");
}

/* Between two points somebody takes a frame, which is in the file too. */
static void acquire(void *det, const oph_run_point *at)
{
    const oph_put_options how = {.size = sizeof how, .policy = OPH_PUT_COMPLETE};
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = NULL;
    if (at->done != 1) return;
    int rc = oph_signal_find(det, "cam.acquire", &sig, &err);
    if (!rc) rc = oph_signal_put(sig, OPH_INT(1), &how, &err);
    need(rc, &err);
}

static void tells_of_no_other_frames(void)
{
    for (int32_t form = OPH_DOCUMENT_RESOURCE; form <= OPH_DOCUMENT_STREAM; form++) {
        oph_error err;
        oph_count_options opt = {
            .size = sizeof opt, .form = form, .progress = acquire, .progress_user = d.det};
        int rc = count(d.det, 2, &opt, &err);
        testOk(rc == OPH_EMISMATCH &&
                   strstr(err.text, "point 2 of 2: det.hdf1: wanted 2 frames in the file, as "
                                    "documents count them, found 3"),
               "%s", err.text);
        documents_say(documents_nth(&docs, "stop", 0), "num_events", "{\"primary\":1}");
        documents_say(documents_nth(&docs, "stop", 0), "exit_status", "\"fail\"");
        documents_clear(&docs);
        detector_unchanged(&d, "a count with somebody else's frame");
    }
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    detector_start(&d, NULL, NULL);
    need(oph_class_parse(d.ctx, classes, "test_doc_stream.c", NULL, &err), &err);
    tells_of_chunks();
    tells_of_odd_names();
    tells_of_no_other_frames();
    detector_end(&d);
    return testDone();
}
