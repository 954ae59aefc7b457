/* What a Pilatus reads and how it is described, beside what ophyd 1.11.2 says of the same IOC:
 * tests/data/ophyd_describe.csv, with the differences below. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static struct detector d;

enum { PATH, KEY, SOURCE, DTYPE, SHAPE, UNITS, PRECISION, LOW, HIGH, CHOICES, DEFAULT, FIELDS };

/* Takes a line apart at its commas, in place. */
static int split(char *line, const char **fields)
{
    int n = 0;
    line[strcspn(line, "\n")] = 0;
    for (char *at = line; at && n < FIELDS; n++) {
        fields[n] = at;
        at = strchr(at, ',');
        if (at) *at++ = 0;
    }
    return n;
}

/* Where ophyd is wrong, or this library means to differ. */
static const char *why_not(const char *const *f, const oph_description *r)
{
    int text = !strcmp(r->dtype, "string") && r->properties->dtype == OPH_UINT8;
    if (!strcmp(f[DTYPE], "string") && r->properties->dtype == OPH_ENUM)
        return "an enum is its index, and has choices: ophyd makes some of them text";
    if (!strcmp(f[DTYPE], "string") && !text && r->properties->dtype != OPH_TEXT)
        return "a number is a number: ophyd asks for three of them as text";
    if (!strcmp(f[DTYPE], "array") && text) return "text in a CHAR array is text";
    return NULL;
}

static void shape_of(const oph_description *r, char *dst, size_t size)
{
    size_t n = 0;
    dst[0] = 0;
    for (uint32_t i = 0; i < r->rank && n < size; i++)
        n += (size_t)snprintf(dst + n, size - n, "%s%lld", i ? "x" : "", (long long)r->shape[i]);
}

static void choices_of(const oph_description *r, char *dst, size_t size)
{
    size_t n = 0;
    dst[0] = 0;
    for (uint32_t i = 0; i < r->properties->label_count && n < size; i++)
        n += (size_t)snprintf(dst + n, size - n, "%s%s", i ? "|" : "", r->properties->labels[i]);
}

static int differs(const char *path, const char *what, const char *theirs, const char *ours)
{
    if (!strcmp(theirs, ours)) return 0;
    testDiag("%s: %s \"%s\" in ophyd, \"%s\" here", path, what, theirs, ours);
    return 1;
}

static int number_differs(const char *path, const char *what, const char *theirs, double ours)
{
    if (!*theirs || strtod(theirs, NULL) == ours) return 0;
    testDiag("%s: %s %s in ophyd, %g here", path, what, theirs, ours);
    return 1;
}

static const char queue_size[] = "PV:Pilatus:image1:QueueSize_RBV";

static int compare(const char *const *f, const oph_description *r)
{
    char shape[200], choices[600];
    const oph_properties *p = r->properties;
    int same_type = !why_not(f, r);
    shape_of(r, shape, sizeof shape);
    choices_of(r, choices, sizeof choices);
    int wrong = differs(f[PATH], "key", f[KEY], r->key);
    /* Its newest row has a readback, which ophyd's image plugin does not know. */
    const char *source = strcmp(f[PATH], "image.queue_size") ? f[SOURCE] : queue_size;
    wrong += differs(f[PATH], "source", source, r->source);
    if (same_type) wrong += differs(f[PATH], "dtype", f[DTYPE], r->dtype);
    if (same_type) wrong += differs(f[PATH], "shape", f[SHAPE], shape);
    wrong += differs(f[PATH], "choices", f[CHOICES], choices);
    wrong += differs(f[PATH], "units", f[UNITS], p->units);
    wrong += number_differs(f[PATH], "precision", f[PRECISION], p->precision);
    wrong += number_differs(f[PATH], "low", f[LOW], p->control_low);
    wrong += number_differs(f[PATH], "high", f[HIGH], p->control_high);
    return wrong;
}

static FILE *open_table(void)
{
    FILE *in = fopen("tests/data/ophyd_describe.csv", "r");
    if (!in) testAbort("no table");
    return in;
}

/* The next row about a PV; 0 at the end. */
static int next_row(FILE *in, char *line, int size, const char **f)
{
    while (fgets(line, size, in)) {
        if (line[0] != '#' && split(line, f) == FIELDS && !strncmp(f[SOURCE], "PV:", 3)) return 1;
    }
    return 0;
}

static const oph_description *find(const oph_descriptions *list, const char *key)
{
    for (size_t i = 0; i < oph_descriptions_count(list); i++) {
        const oph_description *r = oph_descriptions_at(list, i);
        if (!strcmp(r->key, key)) return r;
    }
    return NULL;
}

/* What ophyd's cam does not have, or leaves out: records of the driver's own files, and one whose
 * row says config. */
static const char *const more[] = {
    "det_cam_wait_for_plugins", "det_cam_file_path",      "det_cam_file_path_exists",
    "det_cam_create_directory", "det_cam_file_name",      "det_cam_file_template",
    "det_cam_full_file_name",   "det_cam_auto_increment", "det_cam_file_format",
    "det_cam_file_write_mode",  "det_cam_auto_save",      "det_cam_delete_driver_file",
    "det_cam_num_capture"};
enum { MORE = sizeof more / sizeof *more };

/* What a detector reads unasked. */
static void unasked(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_descriptions *list = NULL;
    oph_readings *readings = NULL;
    oph_keys *hints = NULL;
    char line[1000];
    const char *f[FIELDS];
    size_t theirs = 0, found = 0;
    check_done(oph_describe_configuration(d.det, OPH_DEFAULT, &list, NULL, &err), &err,
               "the configuration is described");
    check_done(oph_read_configuration(d.det, OPH_DEFAULT, &readings, NULL, &err), &err, "and read");
    FILE *in = open_table();
    while (next_row(in, line, sizeof line, f)) {
        if (strcmp(f[DEFAULT], "config") != 0) continue;
        theirs++;
        found += find(list, f[KEY]) != NULL;
    }
    fclose(in);
    testOk(theirs == 8 && found == theirs, "it has ophyd's %d keys: %d", (int)theirs, (int)found);
    for (found = 0; found < MORE && find(list, more[found]);)
        found++;
    testOk(found == MORE && oph_descriptions_count(list) == theirs + MORE, "and %d more",
           (int)found);
    for (size_t i = 0; i < oph_descriptions_count(list); i++)
        if (found != MORE) testDiag("%s", oph_descriptions_at(list, i)->key);
    size_t same = 0;
    for (size_t i = 0; i < oph_readings_count(readings); i++)
        same += !strcmp(oph_readings_at(readings, i)->key, oph_descriptions_at(list, i)->key);
    testOk(same == theirs + MORE && oph_readings_count(readings) == same,
           "each is read, in the same order");
    oph_descriptions_free(list);
    oph_readings_free(readings);
    check_done(oph_read(d.det, OPH_DEFAULT, &readings, NULL, &err), &err, "read works");
    testOk(oph_readings_count(readings) == 0, "and has nothing unasked");
    oph_readings_free(readings);
    check_done(oph_hints(d.det, &hints, &err), &err, "hints work");
    testOk(oph_keys_count(hints) == 0, "and there are none");
    oph_keys_free(hints);
}

static void choose_all(int32_t kind)
{
    oph_error err = OPH_ERROR_INIT;
    char line[1000];
    const char *f[FIELDS];
    int wrong = 0;
    FILE *in = open_table();
    while (next_row(in, line, sizeof line, f)) {
        oph_signal *sig;
        if (!oph_signal_find(d.det, f[PATH], &sig, &err) && !oph_signal_set_kind(sig, kind, &err))
            continue;
        testDiag("%s: %s", f[PATH], err.text);
        wrong++;
    }
    fclose(in);
    oph_device_set_kind(d.cam, OPH_KIND_NORMAL | OPH_KIND_CONFIG, &err);
    oph_device_set_kind(d.image, OPH_KIND_NORMAL, &err);
    testOk(wrong == 0, "every signal that ophyd has can be chosen");
}

static void each_signal(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_descriptions *list = NULL;
    oph_readings *readings = NULL;
    char line[1000];
    const char *f[FIELDS];
    int wrong = 0, compared = 0, explained = 0, n = 0;
    choose_all(OPH_KIND_NORMAL);
    check_done(oph_describe(d.det, OPH_DEFAULT, &list, NULL, &err), &err, "all are described");
    check_done(oph_read(d.det, OPH_DEFAULT, &readings, NULL, &err), &err, "and read");
    FILE *in = open_table();
    while (next_row(in, line, sizeof line, f)) {
        const oph_description *r = find(list, f[KEY]);
        n++;
        if (!r) testDiag("%s: is not there", f[KEY]);
        if (!r) continue;
        wrong += compare(f, r);
        compared++;
        explained += why_not(f, r) != NULL;
    }
    fclose(in);
    testOk(compared == n && n > 300, "%d of %d keys are there", compared, n);
    testOk(wrong == 0, "keys, sources, types, shapes and properties are ophyd's");
    testOk(explained == 33, "but for %d types, where ophyd is not to be followed", explained);
    testOk(oph_readings_count(readings) + 1 == oph_descriptions_count(list),
           "what is described is read, but for the image");
    oph_descriptions_free(list);
    oph_readings_free(readings);
    choose_all(OPH_KIND_OMITTED);
}

static void image_is(const char *what, int64_t frames)
{
    oph_error err = OPH_ERROR_INIT;
    oph_descriptions *list = NULL;
    check_done(oph_describe(d.det, OPH_DEFAULT, &list, NULL, &err), &err, what);
    const oph_description *r = oph_descriptions_at(list, 0);
    testOk(oph_descriptions_count(list) == 1 && !strcmp(r->key, "det_image"), "det_image alone");
    testOk(r && r->rank == 3 && r->shape[0] == frames && r->shape[1] == 48 && r->shape[2] == 64,
           "%d frames of 48 rows and 64 columns", (int)frames);
    testOk(r && !strcmp(r->dtype, "array") && !strcmp(r->dtype_numpy, "<i4"),
           "of Int32, whatever the cam says");
    testOk(r && !strcmp(r->external, "FILESTORE:") && !strcmp(r->source, "PV:Pilatus:") &&
               !strcmp(r->object_name, "det") && !r->signal && !r->properties,
           "in a file, from the detector");
    oph_descriptions_free(list);
}

static void before_the_first_frame(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_descriptions *list = NULL;
    oph_report *report = NULL;
    int rc = oph_describe(d.det, OPH_DEFAULT, &list, &report, &err);
    check_refused(rc, &err, OPH_EUNPRIMED, "det.hdf1.array_size.width",
                  "Pilatus:HDF1:ArraySize0_RBV", "the size of a frame", "oph_warmup");
    testOk(!list && oph_report_count(report) == 1, "there is no list, and one line of a report");
    oph_report_free(report);
}

static void images(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_descriptions *list = NULL;
    char text[8];
    oph_get_text(d.det, "cam.data_type", text, sizeof text, &err);
    testOk(!strcmp(text, "Int8"), "the cam says %s", text);
    image_is("described while idle", 1);
    check_done(oph_settings_set(d.cam, "num_images", 3, &err), &err, "three frames");
    check_done(oph_stage(d.det, NULL, &err), &err, "staged");
    image_is("described while staged", 3);
    oph_status *st = NULL;
    int rc = oph_trigger(d.det, &st, &err);
    if (!rc) rc = oph_status_wait(st, OPH_DEFAULT, &err);
    oph_status_unref(st);
    check_done(rc, &err, "acquired");
    image_is("described after the trigger", 3);
    check_done(oph_unstage(d.det, NULL, &err), &err, "unstaged");
    check_done(oph_put(d.det, "hdf1.num_capture", 2, &err), &err, "a file of two frames");
    check_done(oph_put(d.det, "cam.num_images", 4, &err), &err, "four images");
    image_is("no more frames than the file takes", 2);
    oph_put(d.det, "hdf1.num_capture", 0, &err);
    check_done(oph_describe(d.hdf1, OPH_DEFAULT, &list, NULL, &err), &err, "the plugin by itself");
    const oph_description *r = oph_descriptions_at(list, 0);
    testOk(r && !strcmp(r->key, "det_image") && !strcmp(r->object_name, "det_hdf1"),
           "has the same key");
    oph_descriptions_free(list);
    list = NULL;
    oph_device_set_kind(d.hdf1, OPH_KIND_OMITTED, &err);
    check_done(oph_describe(d.det, OPH_DEFAULT, &list, NULL, &err), &err, "without the plugin");
    testOk(list && !oph_descriptions_count(list), "there is no image");
    oph_descriptions_free(list);
}

/* Each file store has a key of its own. */
static void two_stores(void)
{
    static const char text[] = "class Two : SingleTrigger DetectorBase\n"
                               "dev cam  cam1: PilatusDetectorCam\n"
                               "dev hdf1 HDF1: HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n"
                               "dev hdf2 HDF1: HDF5Plugin@3.4 FileStoreHDF5IterativeWrite\n";
    oph_error err = OPH_ERROR_INIT;
    oph_device *two = NULL;
    oph_descriptions *list = NULL;
    check_done(oph_class_parse(d.ctx, text, "two", NULL, &err), &err, "a class with two stores");
    check_done(oph_device_new(d.ctx, "Two", "Pilatus:", "two", &two, &err), &err, "is made");
    check_done(oph_describe(two, OPH_DEFAULT, &list, NULL, &err), &err, "and described");
    testOk(oph_descriptions_count(list) == 2 && find(list, "two_image") &&
               find(list, "two_hdf2_image"),
           "each store has its key");
    oph_descriptions_free(list);
    oph_device_free(two);
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    detector_start(&d, NULL, NULL);
    unasked();
    before_the_first_frame();
    check_done(oph_warmup(d.det, OPH_DEFAULT, &err), &err, "warmed up");
    each_signal();
    images();
    two_stores();
    detector_end(&d);
    return testDone();
}
