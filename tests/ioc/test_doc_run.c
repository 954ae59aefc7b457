/* Runs of detectors: their documents in both forms, and what is left when a run ends early. */
#include "lib/check.h"
#include "lib/detector.h"
#include "lib/documents.h"

#include <cophyd/simulator.h>
#include <epicsUnitTest.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char classes[] = "class TiffDetector : SingleTrigger DetectorBase\n"
                              "dev cam  cam1:  MyPilatusDetectorCam\n"
                              "dev tiff TIFF1: TIFFPlugin FileStoreTIFFIterativeWrite\n"
                              "stage cam acquire_time=0.001 acquire_period=0.002 num_images=2 "
                              "wait_for_plugins=Yes\n"
                              "class TwoStores : SingleTrigger DetectorBase\n"
                              "dev cam  cam1:  MyPilatusDetectorCam\n"
                              "dev hdf1 HDF1:  MyHDF5Plugin\n"
                              "dev tiff TIFF1: TIFFPlugin FileStoreTIFFIterativeWrite\n"
                              "stage cam acquire_time=0.001 wait_for_plugins=Yes\n"
                              "stage hdf1 lazy_open=1\n"
                              "class Faults\n"
                              "row path_vanishes sim1:PathVanishes rw int omitted\n";

static struct detector d;
static oph_device *two;    /* another one, of another IOC */
static oph_device *faults; /* of that one */
static struct documents docs;

static void need(int rc, const oph_error *err)
{
    if (rc) testAbort("%s: %s", oph_code_name(rc), err->text);
}

static int count(oph_device *const *detectors, size_t n, int64_t points,
                 const oph_count_options *opt, oph_error *err)
{
    *err = (oph_error)OPH_ERROR_INIT;
    return oph_count(d.ctx, detectors, n, points, documents_take, &docs, opt, err);
}

static int count_one(int64_t points, const oph_count_options *opt, oph_error *err)
{
    return count(&d.det, 1, points, opt, err);
}

static const char *text_at(const char *name, const char *path)
{
    const char *text = json_string_value(documents_at(documents_nth(&docs, name, 0), path));
    return text ? text : "";
}

/* Documents with random parts. */
static void says_file(const char *name, const char *path, const char *begin, const char *end)
{
    const char *text = text_at(name, path);
    size_t n = strlen(text), tail = strlen(end);
    testOk(!strncmp(text, begin, strlen(begin)) && n > tail && !strcmp(text + n - tail, end),
           "%s of the %s: %s", path, name, text);
}

static void stopped(const char *status, const char *reason, int events)
{
    char wanted[40];
    const json_t *stop = documents_nth(&docs, "stop", 0);
    testOk(!strcmp(text_at("stop", "exit_status"), status) &&
               strstr(text_at("stop", "reason"), reason),
           "the stop says %s: %s", text_at("stop", "exit_status"), text_at("stop", "reason"));
    snprintf(wanted, sizeof wanted, "{\"primary\":%d}", events);
    documents_say(stop, "num_events", wanted);
}

/* What documents say */

static void tells_of_resources(void)
{
    oph_error err;
    oph_count_options opt = {.size = sizeof opt, .root = d.disk};
    check_done(count_one(2, &opt, &err), &err, "a count of two points works");
    documents_are(&docs, "start descriptor resource datum event datum event stop");
    const json_t *descriptor = documents_nth(&docs, "descriptor", 0);
    documents_say(documents_nth(&docs, "start", 0), "detectors", "[\"det\"]");
    documents_say(descriptor, "data_keys",
                  "{\"det_image\":{\"source\":\"PV:Pilatus:\",\"dtype\":\"array\","
                  "\"dtype_numpy\":\"<i4\",\"shape\":[1,48,64],\"object_name\":\"det\","
                  "\"external\":\"FILESTORE:\"}}");
    documents_say(descriptor, "object_keys", "{\"det\":[\"det_image\"]}");
    documents_say(descriptor, "hints", "{\"det\":{\"fields\":[]}}");
    documents_say(descriptor, "configuration/det/data/det_cam_acquire_time", "0.01");
    documents_say(descriptor, "configuration/det/data/det_cam_image_mode", "0");
    documents_say(descriptor, "configuration/det/data/det_cam_model", "\"Pilatus\"");
    testOk(json_real_value(
               documents_at(descriptor, "configuration/det/timestamps/det_cam_acquire_time")) > 1e9,
           "a setting has the IOC's time");
    documents_say(descriptor, "configuration/det/data_keys/det_cam_image_mode/choices",
                  "[\"Single\",\"Multiple\",\"Continuous\"]");
    const json_t *resource = documents_nth(&docs, "resource", 0);
    documents_say(resource, "spec", "\"AD_HDF5\"");
    testOk(!strcmp(text_at("resource", "root"), d.disk), "the root is %s", d.disk);
    says_file("resource", "resource_path", "test/pilatus/2", "_000.h5");
    documents_say(resource, "path_semantics", "\"posix\"");
    documents_say(resource, "resource_kwargs", "{\"frame_per_point\":1}");
    documents_say(documents_nth(&docs, "datum", 0), "datum_kwargs", "{\"point_number\":0}");
    documents_say(documents_nth(&docs, "datum", 1), "datum_kwargs", "{\"point_number\":1}");
    testOk(json_equal(documents_at(documents_nth(&docs, "datum", 1), "datum_id"),
                      documents_at(documents_nth(&docs, "event", 1), "data/det_image")),
           "the second event has the second datum");
    documents_say(documents_nth(&docs, "event", 1), "filled", "{\"det_image\":false}");
    stopped("success", "", 2);
    detector_file_is(&d, 2, 1, 64, 48);
    detector_unchanged(&d, "a count");
    documents_clear(&docs);
}

static void tells_of_streams(void)
{
    oph_error err;
    oph_count_options opt = {.size = sizeof opt, .form = OPH_DOCUMENT_STREAM};
    char begin[128];
    snprintf(begin, sizeof begin, "file://localhost%s/test/pilatus/2", d.disk);
    check_done(count_one(2, &opt, &err), &err, "a count of two points works");
    documents_are(&docs, "start descriptor stream_resource stream_datum event stream_datum event "
                         "stop");
    documents_say(documents_nth(&docs, "descriptor", 0), "data_keys/det_image/external",
                  "\"STREAM:\"");
    const json_t *resource = documents_nth(&docs, "stream_resource", 0);
    documents_say(resource, "data_key", "\"det_image\"");
    documents_say(resource, "mimetype", "\"application/x-hdf5\"");
    documents_say(resource, "parameters",
                  "{\"dataset\":\"/entry/data/data\",\"swmr\":false,\"join_method\":\"stack\","
                  "\"chunk_shape\":[1,1,48,64],\"multiplier\":1}");
    says_file("stream_resource", "uri", begin, "_000.h5");
    const json_t *datum = documents_nth(&docs, "stream_datum", 1);
    documents_say(datum, "indices", "{\"start\":1,\"stop\":2}");
    documents_say(datum, "seq_nums", "{\"start\":2,\"stop\":3}");
    testOk(json_equal(json_object_get(datum, "descriptor"),
                      documents_at(documents_nth(&docs, "event", 1), "descriptor")),
           "the datum is of the event's stream");
    documents_say(documents_nth(&docs, "event", 0), "data", "{}");
    documents_say(documents_nth(&docs, "event", 0), "filled", "{}");
    detector_unchanged(&d, "a count with streams");
    documents_clear(&docs);
}

static oph_device *make(const char *class_name)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *dev = NULL, *tiff = NULL, *hdf1 = NULL;
    char read[128];
    snprintf(read, sizeof read, "%s/doc/", d.disk);
    int rc = oph_device_new(d.ctx, class_name, "Pilatus:", "other", &dev, &err);
    if (!rc) rc = oph_device_child(dev, "tiff", &tiff, &err);
    if (!rc) rc = oph_files_set(tiff, DETECTOR_DISK "/doc/", read, &err);
    if (!rc && !oph_device_child(dev, "hdf1", &hdf1, NULL))
        rc = oph_files_set(hdf1, DETECTOR_DISK "/doc/", read, &err);
    need(rc, &err);
    return dev;
}

static void tells_of_files_a_frame(void)
{
    oph_error err;
    oph_count_options opt = {.size = sizeof opt};
    oph_device *dev = make("TiffDetector");
    check_done(count(&dev, 1, 2, &opt, &err), &err, "a count into TIFF files works");
    const json_t *resource = documents_nth(&docs, "resource", 0);
    char name[80], wanted[200];
    documents_say(resource, "spec", "\"AD_TIFF\"");
    documents_say(resource, "root", "\"/\"");
    snprintf(wanted, sizeof wanted, "\"%.60s/doc/\"", d.disk + 1);
    documents_say(resource, "resource_path", wanted);
    snprintf(name, sizeof name, "%s", text_at("resource", "resource_kwargs/filename"));
    snprintf(wanted, sizeof wanted,
             "{\"template\":\"%%s%%s_%%6.6d.tiff\",\"filename\":\"%s\",\"frame_per_point\":2}",
             name);
    documents_say(resource, "resource_kwargs", wanted);
    documents_say(documents_nth(&docs, "descriptor", 0), "data_keys/other_image/shape",
                  "[2,48,64]");
    documents_clear(&docs);
    opt.form = OPH_DOCUMENT_STREAM;
    check_done(count(&dev, 1, 2, &opt, &err), &err, "and so does one with streams");
    resource = documents_nth(&docs, "stream_resource", 0);
    documents_say(resource, "mimetype", "\"multipart/related;type=image/tiff\"");
    snprintf(wanted, sizeof wanted, "file://localhost%.60s/doc/", d.disk);
    says_file("stream_resource", "uri", wanted, "");
    documents_say(resource, "parameters",
                  "{\"chunk_shape\":[1],\"multiplier\":2,\"files_per_datum\":2,"
                  "\"template\":\"_{:06d}.tiff\"}");
    documents_say(documents_nth(&docs, "stream_datum", 1), "indices", "{\"start\":1,\"stop\":2}");
    documents_clear(&docs);
    oph_device_free(dev);
    detector_unchanged(&d, "counts into TIFF files");
}

static void tells_of_two_stores(void)
{
    oph_error err;
    oph_device *dev = make("TwoStores");
    check_done(count(&dev, 1, 1, NULL, &err), &err, "a count into two stores works");
    documents_are(&docs, "start descriptor resource datum resource datum event stop");
    documents_say(documents_nth(&docs, "descriptor", 0), "object_keys",
                  "{\"other\":[\"other_image\",\"other_tiff_image\"]}");
    documents_say(documents_nth(&docs, "resource", 0), "spec", "\"AD_HDF5\"");
    documents_say(documents_nth(&docs, "resource", 1), "spec", "\"AD_TIFF\"");
    documents_say(documents_nth(&docs, "event", 0), "filled",
                  "{\"other_image\":false,\"other_tiff_image\":false}");
    documents_clear(&docs);
    oph_device_free(dev);
    detector_unchanged(&d, "a count into two stores");
}

/* Several detectors */

static void tells_of_several(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *both[] = {d.det, two};
    oph_signal *signals[2] = {NULL};
    oph_report *reports[2];
    need(oph_soft_new(d.ctx, "soft", OPH_DOUBLE(1.5), NULL, &signals[0], &err), &err);
    need(oph_signal_find(d.det, "cam.num_images", &signals[1], &err), &err);
    oph_count_options opt = {
        .size = sizeof opt, .signals = signals, .signal_count = 2, .reports = reports};
    check_done(count(both, 2, 2, &opt, &err), &err, "two detectors count together");
    documents_are(&docs, "start descriptor resource datum resource datum event "
                         "datum datum event stop");
    documents_say(documents_nth(&docs, "start", 0), "detectors",
                  "[\"det\",\"two\",\"soft\",\"det_cam_num_images\"]");
    documents_say(documents_nth(&docs, "descriptor", 0), "object_keys",
                  "{\"det\":[\"det_image\"],\"two\":[\"two_image\"],\"soft\":[\"soft\"],"
                  "\"det_cam_num_images\":[\"det_cam_num_images\"]}");
    const json_t *event = documents_nth(&docs, "event", 1);
    documents_say(event, "data/soft", "1.5");
    documents_say(event, "data/det_cam_num_images", "1");
    testOk1(json_object_size(json_object_get(event, "data")) == 4);
    for (int i = 0; i < 2; i++) {
        testOk(oph_report_count(reports[i]) == 0, "detector %d has nothing to report", i);
        oph_report_free(reports[i]);
    }
    testOk1(oph_device_state(two) == OPH_STATE_IDLE);
    documents_clear(&docs);
    detector_unchanged(&d, "a count of two detectors");
    oph_signal_free(signals[0]);
}

/* With one that cannot be staged nothing begins, and nothing stays. */
static void begins_with_all_or_none(void)
{
    oph_error err;
    oph_device *both[] = {d.det, two}, *twice[] = {d.det, d.det};
    oph_report *reports[2];
    oph_count_options opt = {.size = sizeof opt, .reports = reports};
    need(oph_put(faults, "path_vanishes", 1, &err), &err);
    int rc = count(both, 2, 1, &opt, &err);
    check_refused(rc, &err, OPH_EFILE, "two.hdf1.file_path_exists",
                  "Second:HDF1:FilePathExists_RBV", "/data/", "no such folder");
    testOk(!docs.count, "there is no document of it");
    testOk(!oph_report_count(reports[0]) && oph_report_count(reports[1]),
           "the detector that failed has a report");
    for (int i = 0; i < 2; i++)
        oph_report_free(reports[i]);
    need(oph_put(faults, "path_vanishes", 0, &err), &err);
    detector_unchanged(&d, "a stage of which one failed");
    testOk1(oph_device_state(two) == OPH_STATE_IDLE);
    rc = count(twice, 2, 1, NULL, &err);
    testOk(rc == OPH_EINVAL && !docs.count, "twice: %s", err.text);
}

/* Ends of runs */

static void fails_with_the_detector(void)
{
    oph_error err;
    probe_set(d.probe, "sim1:ExposureFails", "1");
    int rc = count_one(3, NULL, &err);
    probe_set(d.probe, "sim1:ExposureFails", "0");
    testOk(rc == OPH_EACQUIRE, "%s: %s", oph_code_name(rc), err.text);
    documents_are(&docs, "start stop");
    stopped("fail", err.text, 0);
    documents_clear(&docs);
    detector_unchanged(&d, "a run that failed");
}

/* The detector fails after the first point. */
static void fail_from_here(struct documents *documents, void *user)
{
    (void)user;
    if (!strcmp(documents->names[documents->count - 1], "event"))
        probe_set(d.probe, "sim1:ExposureFails", "1");
}

static void keeps_what_was_taken(void)
{
    oph_error err;
    docs.on = fail_from_here;
    int rc = count_one(3, NULL, &err);
    probe_set(d.probe, "sim1:ExposureFails", "0");
    testOk(rc == OPH_EACQUIRE && !strncmp(err.text, "point 2 of 3: det", 17), "%s: %s",
           oph_code_name(rc), err.text);
    documents_are(&docs, "start descriptor resource datum event stop");
    stopped("fail", err.text, 1);
    documents_clear(&docs);
    detector_unchanged(&d, "a run that failed at its second point");
}

static void restores_when_the_sink_fails(void)
{
    for (int i = 1; i <= 6; i++) {
        oph_error err;
        docs.refuse = i;
        int rc = count_one(1, NULL, &err);
        testOk(rc == OPH_EFILE && docs.count == i - 1, "%s", err.text);
        documents_clear(&docs);
        detector_unchanged(&d, "a sink that refuses");
    }
}

static void stay_from_here(struct documents *documents, void *user)
{
    (void)user;
    if (!strcmp(documents->names[documents->count - 1], "datum"))
        probe_set(d.probe, "sim1:ReadbackStays", "cam1:AcquireTime_RBV");
}

/* With or without a report of the unstage, and with a run that went well until then. */
static void tells_what_is_left(const char *refused, int refuse, int reported)
{
    static const char left[] = "det.cam.acquire_time (Pilatus:cam1:AcquireTime): wanted ";
    oph_error err;
    oph_report *report = NULL;
    oph_count_options opt = {.size = sizeof opt, .reports = reported ? &report : NULL};
    docs.on = stay_from_here;
    docs.refuse = refuse;
    int rc = count_one(1, &opt, &err);
    const char *found = strstr(err.text, left);
    testOk(rc == (refuse ? OPH_EFILE : OPH_EMISMATCH) &&
               !strncmp(err.text, refused, strlen(refused)),
           "%s: %s", oph_code_name(rc), err.text);
    testOk(!found == (refuse && reported), "what is left is told in the error where it has to be");
    testOk(oph_report_count(report) == (reported ? 1 : 0), "and in the report");
    if (!refuse) stopped("fail", left, 1);
    oph_report_free(report);
    documents_clear(&docs);
    probe_set(d.probe, "sim1:ReadbackStays", "");
    check_done(oph_unstage(d.det, NULL, &err), &err, "it is put back later");
    detector_unchanged(&d, "an unstage that failed");
}

/* A point that is unlike the first */

static void put_images(const char *images)
{
    probe_set(d.probe, "cam1:NumImages", images);
}

static void more_images(struct documents *documents, void *user)
{
    (void)user;
    if (!strcmp(documents->names[documents->count - 1], "event")) put_images("2");
}

static void wants_points_alike(void)
{
    oph_error err;
    char before[40];
    probe_get(d.probe, "cam1:NumImages", before, sizeof before);
    docs.on = more_images;
    int rc = count_one(2, NULL, &err);
    put_images(before); /* the unstage kept what somebody else had changed */
    check_refused(rc, &err, OPH_EMISMATCH, "det.hdf1", NULL, "1 frames, as at the first point",
                  "2");
    stopped("fail", "1 frames, as at the first point", 1);
    documents_clear(&docs);
    detector_unchanged(&d, "a point with more frames");
}

/* AD_TIFF counts from 0: what a file number of the IOC's begins with cannot be told. */
static void wants_numbers_from_zero(void)
{
    oph_error err;
    char before[40];
    oph_device *dev = make("TiffDetector"), *tiff = NULL;
    need(oph_device_child(dev, "tiff", &tiff, &err), &err);
    need(oph_files_set_name(tiff, OPH_NAME_COUNTER, "counted", &err), &err);
    probe_get(d.probe, "TIFF1:FileNumber", before, sizeof before);
    probe_set(d.probe, "TIFF1:FileNumber", "5");
    int rc = count(&dev, 1, 1, NULL, &err);
    probe_set(d.probe, "TIFF1:FileNumber", before);
    check_refused(rc, &err, OPH_EMISMATCH, "other.tiff", NULL,
                  "the number 0 of the point's first file", "5");
    documents_are(&docs, "start stop");
    documents_clear(&docs);
    oph_device_free(dev);
    detector_unchanged(&d, "files with numbers from 5");
}

static void wants_files_below_the_root(void)
{
    oph_error err;
    const oph_count_options opt = {.size = sizeof opt, .root = "/tm"};
    int rc = count_one(1, &opt, &err);
    check_refused(rc, &err, OPH_EINVAL, "det.hdf1", NULL, "a file below the documents' root",
                  ", where that is /tm");
    documents_are(&docs, "start descriptor stop");
    documents_clear(&docs);
    detector_unchanged(&d, "a root elsewhere");
}

/* Interrupts */

static void on_signal(int number)
{
    (void)number;
    oph_interrupt(d.ctx);
}

struct when {
    int document, number;
};

static void raise_at(struct documents *documents, void *user)
{
    const struct when *when = user;
    if (documents->count == when->document) raise(when->number);
}

static int is_in_order(void)
{
    int last = docs.count - 1;
    return docs.count >= 2 && !strcmp(docs.names[0], "start") && !strcmp(docs.names[last], "stop");
}

/* At each document but the last two: after those no point is left. */
static void aborts_at_signals(void)
{
    static const int events[] = {0, 0, 0, 0, 0, 1, 1, 2};
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    for (int i = 1; i <= 7; i++) {
        oph_error err;
        struct when when = {i, i % 2 ? SIGINT : SIGTERM};
        docs.on = raise_at;
        docs.user = &when;
        int rc = count_one(3, NULL, &err);
        testOk(rc == OPH_EINTR && is_in_order(), "a signal at the document %s: %s",
               docs.count >= i ? docs.names[i - 1] : "?", err.text);
        testOk(!strcmp(text_at("stop", "exit_status"), "abort") &&
                   json_integer_value(documents_at(documents_nth(&docs, "stop", 0),
                                                   "num_events/primary")) >= events[i],
               "it was aborted");
        documents_clear(&docs);
        detector_unchanged(&d, "a signal");
    }
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

/* What is done, on the dispatcher's thread, when a record becomes 1. */
static void (*act)(void);

static void on_event(const oph_event *event, void *user)
{
    const oph_value *value = oph_event_value(event);
    int64_t number = 0;
    (void)user;
    if (value && !oph_value_get_int(value, &number, NULL) && number == 1 && act) {
        void (*once)(void) = act;
        act = NULL;
        once();
    }
}

static void interrupt(void)
{
    oph_interrupt(d.ctx);
}

static void stop(void)
{
    oph_error err = OPH_ERROR_INIT;
    if (oph_stop(d.det, &err)) testDiag("%s", err.text);
}

/* Of the detector that hangs, alone or with another one. */
static void when_it_becomes_one(const char *path, void (*what)(void), int code, size_t detectors)
{
    oph_device *both[] = {two, d.det};
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = NULL;
    oph_subscription *sub = NULL;
    need(oph_signal_find(d.det, path, &sig, &err), &err);
    probe_set(d.probe, "sim1:ExposureHangs", "1");
    act = what;
    need(oph_subscribe(sig, NULL, on_event, NULL, &sub, &err), &err);
    int rc = count(both + 2 - detectors, detectors, 1, NULL, &err);
    oph_subscription_free(sub);
    probe_set(d.probe, "sim1:ExposureHangs", "0");
    testOk(rc == code && err.code == code, "%s becomes 1: %s", path, err.text);
    testOk(!docs.count || (is_in_order() && !strcmp(text_at("stop", "exit_status"), "abort")),
           "documents tell that it was aborted, or nothing");
    documents_clear(&docs);
    testOk1(oph_device_state(two) == OPH_STATE_IDLE);
    detector_unchanged(&d, "a run that was ended");
}

/* Counts that go wrong leave a detector that counts. */
static void still_counts(void)
{
    oph_error err;
    check_done(count_one(1, NULL, &err), &err, "the detector still counts");
    documents_are(&docs, "start descriptor resource datum event stop");
    documents_clear(&docs);
}

static void start_second(oph_simulator **sim)
{
    char both[128];
    oph_error err = OPH_ERROR_INIT;
    static const char *const arguments[] = {"--prefix", "Second:",      "--size",
                                            "32x16",    "--write-root", NULL,
                                            "--raw",    "/data/raw2",   NULL};
    const char *all[9];
    char root[80];
    memcpy(all, arguments, sizeof all);
    snprintf(root, sizeof root, "/data=%s", d.disk);
    all[5] = root;
    need(oph_simulator_start(all, sim, &err), &err);
    snprintf(both, sizeof both, "%s %s", getenv("EPICS_CA_NAME_SERVERS"),
             oph_simulator_address(*sim));
    setenv("EPICS_CA_NAME_SERVERS", both, 1);
}

static void make_second(void)
{
    oph_device *hdf1 = NULL;
    oph_error err = OPH_ERROR_INIT;
    char read[80];
    snprintf(read, sizeof read, "%s/two/", d.disk);
    int rc = oph_device_new(d.ctx, "MyPilatusDetector", "Second:", "two", &two, &err);
    if (!rc) rc = oph_device_new(d.ctx, "Faults", "Second:", "faults", &faults, &err);
    if (!rc) rc = oph_device_child(two, "hdf1", &hdf1, &err);
    if (!rc) rc = oph_files_set(hdf1, "/data/two/", read, &err);
    if (!rc) rc = oph_settings_set(two, "cam.acquire_time", 0.01, &err);
    if (!rc) rc = oph_settings_set(two, "cam.wait_for_plugins", "Yes", &err);
    if (!rc) rc = oph_settings_set(two, "hdf1.lazy_open", 1, &err);
    need(rc, &err);
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_simulator *sim = NULL;
    testPlan(0);
    detector_start_ioc(&d, NULL);
    start_second(&sim);
    need(oph_context_new(NULL, &d.ctx, &err), &err);
    detector_add_class(d.ctx);
    need(oph_class_parse(d.ctx, classes, "test_doc_run.c", NULL, &err), &err);
    detector_make(&d);
    make_second();
    need(oph_connect(d.det, OPH_DEFAULT, NULL, &err), &err);
    detector_remember(&d);
    tells_of_resources();
    tells_of_streams();
    tells_of_files_a_frame();
    tells_of_two_stores();
    tells_of_several();
    begins_with_all_or_none();
    fails_with_the_detector();
    keeps_what_was_taken();
    restores_when_the_sink_fails();
    tells_what_is_left("the sink refused the document \"event\" (7); and not all is as before: ", 5,
                       0);
    tells_what_is_left("the sink refused the document \"event\" (7)", 5, 1);
    tells_what_is_left("det.cam", 0, 0);
    tells_what_is_left("det.cam", 0, 1);
    wants_points_alike();
    wants_numbers_from_zero();
    wants_files_below_the_root();
    aborts_at_signals();
    when_it_becomes_one("cam.acquire", interrupt, OPH_EINTR, 1);
    when_it_becomes_one("hdf1.capture", interrupt, OPH_EINTR, 1);
    when_it_becomes_one("cam.acquire", stop, OPH_ECANCEL, 1);
    when_it_becomes_one("cam.acquire", interrupt, OPH_EINTR, 2);
    when_it_becomes_one("hdf1.capture", interrupt, OPH_EINTR, 2);
    still_counts();
    oph_device_free(two);
    oph_device_free(faults);
    detector_end(&d);
    testOk(oph_simulator_stop(sim, &err) == 0, "the second simulator ends");
    return testDone();
}
