/* core/kind, walk, reading, describe: which signals, under which keys, in how many flushes. */
#include "core/device.h"
#include "core/reading.h"
#include "lib/fake_link.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <string.h>

static const char classes[] = "class Base\n"
                              "row ad_core_version ADCoreVersion_RBV ro text omitted\n"
                              "class Cam : Base\n"
                              "kind config\n"
                              "row time     Time         rbv  float config\n"
                              "row mode     Mode         rbv  enum  config\n"
                              "row missing  Missing_RBV  ro   int   config\n"
                              "row name     Name_RBV     ro   text  normal\n"
                              "row path     Path         path text  normal\n"
                              "row array    Array        rw   array hinted\n"
                              "row size.x   SizeX_RBV    ro   int   normal\n"
                              "row count    Count_RBV    ro   int   hinted\n"
                              "row late     Late_RBV     ro   int   omitted\n"
                              "row late     Late         rbv  int   omitted 3.0\n"
                              "class Plain\n"
                              "row value    Value_RBV    ro   float normal\n"
                              "class Hidden\n"
                              "kind omitted\n"
                              "row value    Value_RBV    ro   float hinted\n"
                              "class Mixin\n"
                              "kind normal config\n"
                              "class Det\n"
                              "dev cam    cam1:  Cam\n"
                              "dev plain  plain: Plain\n"
                              "dev hidden hide:  Hidden\n"
                              "dev mixed  mix:   Hidden Mixin\n";

static oph_context *ctx;
static oph_device *det, *cam, *hidden;

static void add_pvs(void)
{
    fake_pv("X:cam1:ADCoreVersion_RBV", OPH_TEXT, 1, "", "2.6.0");
    fake_pv("X:cam1:Time_RBV", OPH_FLOAT64, 1, "", "0.5");
    fake_pv("X:cam1:Mode_RBV", OPH_ENUM, 1, "Single,Multiple", "1");
    fake_pv("X:cam1:Name_RBV", OPH_TEXT, 1, "", "a name");
    fake_pv("X:cam1:Path_RBV", OPH_UINT8, 256, "", "/a/");
    fake_pv("X:cam1:Array", OPH_FLOAT64, 4, "", "0");
    fake_pv("X:cam1:SizeX_RBV", OPH_INT32, 1, "", "487");
    fake_pv("X:cam1:Count_RBV", OPH_INT32, 1, "", "12");
    fake_pv("X:cam1:Late_RBV", OPH_INT32, 1, "", "3");
    fake_pv("X:plain:Value_RBV", OPH_FLOAT64, 1, "", "1.5");
    fake_pv("X:hide:Value_RBV", OPH_FLOAT32, 1, "", "2.5");
    fake_pv("X:mix:Value_RBV", OPH_FLOAT64, 1, "", "3.5");
}

static void none_failed(int rc, const oph_error *err, const char *what)
{
    const oph_error none = OPH_ERROR_INIT;
    fake_code(rc, 0, rc ? err : &none, what);
}

/* The keys of a reading, and that a description has the same. */
static void keys_are(oph_device *dev, int32_t kind, const char *wanted)
{
    char keys[400] = "", described[400] = "";
    oph_error err = OPH_ERROR_INIT;
    oph_readings *r = NULL;
    oph_descriptions *d = NULL;
    bool config = kind == OPH_KIND_CONFIG;
    int rc = config ? oph_read_configuration(dev, OPH_DEFAULT, &r, NULL, &err)
                    : oph_read(dev, OPH_DEFAULT, &r, NULL, &err);
    if (!rc)
        rc = config ? oph_describe_configuration(dev, OPH_DEFAULT, &d, NULL, &err)
                    : oph_describe(dev, OPH_DEFAULT, &d, NULL, &err);
    for (size_t i = 0; i < oph_readings_count(r); i++)
        snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "%s%s", i ? " " : "",
                 oph_readings_at(r, i)->key);
    for (size_t i = 0; i < oph_descriptions_count(d); i++)
        snprintf(described + strlen(described), sizeof described - strlen(described), "%s%s",
                 i ? " " : "", oph_descriptions_at(d, i)->key);
    testOk(!rc && !strcmp(keys, wanted) && !strcmp(described, wanted), "%s %s: %s",
           oph_device_path(dev), config ? "config" : "normal", wanted);
    if (rc || strcmp(keys, wanted) != 0 || strcmp(described, wanted) != 0)
        testDiag("read %s, described %s %s", keys, described, err.text);
    oph_readings_free(r);
    oph_descriptions_free(d);
}

static void hints_are(oph_device *dev, const char *wanted)
{
    char keys[400] = "";
    oph_keys *k = NULL;
    oph_error err = OPH_ERROR_INIT;
    none_failed(oph_hints(dev, &k, &err), &err, "hints");
    for (size_t i = 0; i < oph_keys_count(k); i++)
        snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "%s%s", i ? " " : "",
                 oph_keys_at(k, i));
    testOk(!strcmp(keys, wanted) && !oph_keys_at(k, oph_keys_count(k)), "hints: %s", wanted);
    oph_keys_free(k);
}

static void test_before(void)
{
    testOk1(oph_device_kind(cam) == OPH_KIND_CONFIG && oph_device_kind(hidden) == 0);
    oph_device *child;
    oph_device_child(det, "plain", &child, NULL);
    testOk1(oph_device_kind(child) == (OPH_KIND_NORMAL | OPH_KIND_CONFIG));
    oph_device_child(det, "mixed", &child, NULL);
    testOk(oph_device_kind(child) == (OPH_KIND_NORMAL | OPH_KIND_CONFIG), "a mixin's word counts");
    hints_are(cam, "det_cam_array det_cam_count");
    hints_are(hidden, "det_hidden_value");
    hints_are(det, "det_mixed_value");
    testOk(fake_opened() == 0, "no link was opened for any of it");
}

static void test_words(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    int rc = oph_class_parse(ctx, "class Bad\nkind nrmal\nclass Worse\nkind config\nkind normal\n",
                             "bad", &report, &err);
    fake_code(rc, OPH_EPARSE, &err, "a kind that there is not");
    testOk1(strstr(err.text, "bad:2: unknown kind 'nrmal'; the nearest is normal") != NULL);
    testOk(oph_report_count(report) == 2 && strstr(oph_report_at(report, 1)->text, "'kind' twice"),
           "and one twice");
    oph_report_free(report);
}

static void test_absent(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_readings *r = NULL;
    oph_report *report = NULL;
    none_failed(oph_read_configuration(det, OPH_DEFAULT, &r, &report, &err), &err,
                "an absent record is no error");
    testOk1(oph_readings_count(r) == 2 && oph_report_count(report) == 1);
    const oph_error *line = oph_report_at(report, 0);
    testOk(line && line->code == OPH_EABSENT && !strcmp(line->pv, "X:cam1:Missing_RBV") &&
               !strcmp(line->device, "det.cam.missing"),
           "it is named: %s", line ? line->text : "");
    oph_readings_free(r);
    oph_report_free(report);
    oph_signal *sig;
    oph_signal_find(cam, "missing", &sig, NULL);
    r = NULL;
    fake_code(oph_signal_reading(sig, 0.2, &r, &err), OPH_EDISCONN, &err, "by itself it is one");
    testOk1(!r);
    keys_are(det, OPH_KIND_CONFIG, "det_cam_time det_cam_mode");
    keys_are(cam, OPH_KIND_CONFIG, "det_cam_time det_cam_mode");
    keys_are(cam, OPH_KIND_NORMAL,
             "det_cam_name det_cam_path det_cam_array det_cam_size_x det_cam_count");
    keys_are(det, OPH_KIND_NORMAL, "det_plain_value det_mixed_value");
    keys_are(hidden, OPH_KIND_NORMAL, "det_hidden_value");
}

static const oph_reading *reading_of(const oph_readings *r, const char *key)
{
    for (size_t i = 0; i < oph_readings_count(r); i++)
        if (!strcmp(oph_readings_at(r, i)->key, key)) return oph_readings_at(r, i);
    return NULL;
}

static void test_values(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_readings *r = NULL, *c = NULL;
    double number = 0;
    int64_t seconds = 0;
    int32_t nanoseconds = 0;
    none_failed(oph_read(cam, OPH_DEFAULT, &r, NULL, &err), &err, "read");
    none_failed(oph_read_configuration(cam, OPH_DEFAULT, &c, NULL, &err), &err, "read");
    const oph_reading *mode = reading_of(c, "det_cam_mode"), *time = reading_of(c, "det_cam_time");
    const oph_reading *path = reading_of(r, "det_cam_path"), *name = reading_of(r, "det_cam_name");
    const oph_reading *array = reading_of(r, "det_cam_array");
    if (!mode || !time || !path || !name || !array) testAbort("keys are missing");
    oph_value_get_double(mode->value, &number, NULL);
    testOk(number == 1 && mode->text && !strcmp(mode->text, "Multiple"), "an enum and its label");
    testOk1(oph_value_dtype(mode->value) == OPH_ENUM);
    oph_value_get_double(time->value, &number, NULL);
    testOk(number == 0.5 && !time->text, "a number, the readback's");
    testOk(path->text && !strcmp(path->text, "/a/"), "a long text");
    testOk(name->text && !strcmp(name->text, "a name"), "a short text");
    testOk(oph_value_count(array->value) == 4 && !array->text, "an array, as long as it is");
    oph_value_time(time->value, &seconds, &nanoseconds);
    testOk(time->time == (double)seconds + nanoseconds * 1e-9, "the IOC's time");
    testOk1(time->severity == oph_value_severity(time->value));
    oph_signal *sig = NULL;
    oph_signal_find(cam, "time", &sig, NULL);
    testOk1(time->signal == sig && !oph_readings_at(c, 2));
    fake_undefined("X:cam1:Time_RBV");
    oph_readings *one = NULL;
    none_failed(oph_signal_reading(sig, OPH_DEFAULT, &one, &err), &err, "one signal");
    const oph_reading *bad = oph_readings_at(one, 0);
    testOk(bad && bad->severity == 3 && bad->alarm == 17 && oph_readings_count(one) == 1,
           "an alarm is told");
    testOk1(bad && !strcmp(bad->key, "det_cam_time"));
    oph_readings_free(one);
    oph_readings_free(r);
    oph_readings_free(c);
}

static void row_is(const oph_description *r, const char *key, const char *source, const char *dtype,
                   const char *numpy)
{
    bool same = r && !strcmp(r->key, key) && !strcmp(r->source, source) &&
                !strcmp(r->dtype, dtype) && !strcmp(r->dtype_numpy, numpy) && !r->external &&
                !strcmp(r->object_name, "det_cam") && r->properties && r->signal;
    testOk(same, "%s is %s, %s", key, dtype, numpy);
    if (!same && r) testDiag("%s %s %s %s", r->key, r->source, r->dtype, r->dtype_numpy);
}

static void test_descriptions(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_descriptions *d = NULL, *c = NULL;
    fake_limits("X:cam1:Time_RBV", 0, 60);
    none_failed(oph_describe(cam, OPH_DEFAULT, &d, NULL, &err), &err, "describe");
    none_failed(oph_describe_configuration(cam, OPH_DEFAULT, &c, NULL, &err), &err, "describe");
    const oph_description *time = oph_descriptions_at(c, 0), *mode = oph_descriptions_at(c, 1);
    row_is(time, "det_cam_time", "PV:X:cam1:Time_RBV", "number", "<f8");
    row_is(mode, "det_cam_mode", "PV:X:cam1:Mode_RBV", "integer", "<u2");
    row_is(oph_descriptions_at(d, 0), "det_cam_name", "PV:X:cam1:Name_RBV", "string", "<U39");
    row_is(oph_descriptions_at(d, 1), "det_cam_path", "PV:X:cam1:Path_RBV", "string", "<U255");
    const oph_description *array = oph_descriptions_at(d, 2);
    row_is(array, "det_cam_array", "PV:X:cam1:Array", "array", "<f8");
    row_is(oph_descriptions_at(d, 3), "det_cam_size_x", "PV:X:cam1:SizeX_RBV", "integer", "<i4");
    testOk1(time && time->rank == 0 && array && array->rank == 1 && array->shape[0] == 4);
    testOk1(time && time->properties->control_high == 60);
    testOk1(mode && mode->properties->label_count == 2);
    testOk1(mode && !strcmp(mode->properties->labels[1], "Multiple"));
    oph_descriptions_free(c);
    oph_descriptions_free(d);
}

static void test_kinds(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *time = NULL, *late = NULL;
    oph_signal_find(cam, "time", &time, NULL);
    testOk1(oph_signal_kind(time) == OPH_KIND_CONFIG);
    none_failed(oph_signal_set_kind(time, OPH_KIND_HINTED | OPH_KIND_CONFIG, &err), &err, "hinted");
    testOk1(oph_signal_kind(time) == 7);
    keys_are(cam, OPH_KIND_CONFIG, "det_cam_time det_cam_mode");
    hints_are(cam, "det_cam_time det_cam_array det_cam_count");
    none_failed(oph_device_set_kind(cam, OPH_KIND_NORMAL, &err), &err, "the camera is read");
    keys_are(det, OPH_KIND_CONFIG, "");
    keys_are(det, OPH_KIND_NORMAL,
             "det_cam_time det_cam_name det_cam_path det_cam_array det_cam_size_x det_cam_count "
             "det_plain_value det_mixed_value");
    none_failed(oph_signal_set_kind(time, OPH_KIND_OMITTED, &err), &err, "omitted");
    hints_are(det, "det_cam_array det_cam_count det_mixed_value");
    static const int32_t bad[] = {-1, 4, 8, 6};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fake_code(oph_signal_set_kind(time, bad[i], &err), OPH_EINVAL, &err, "no kind");
        fake_code(oph_device_set_kind(cam, bad[i], &err), OPH_EINVAL, &err, "no kind");
    }
    testOk1(oph_signal_kind(time) == 0 && oph_device_kind(cam) == OPH_KIND_NORMAL);
    oph_signal_find(cam, "late", &late, NULL);
    testOk(!strcmp(oph_signal_readback_pv(late), "X:cam1:Late_RBV") && oph_signal_kind(late) == 0,
           "the release is known by now");
}

/* The newest rows stand until the release is known; a kind is the attribute's. */
static void test_release(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *other = NULL;
    oph_signal *before = NULL, *after = NULL;
    oph_readings *r = NULL;
    none_failed(oph_device_new(ctx, "Cam", "X:cam1:", "other", &other, &err), &err, "anew");
    oph_signal_find(other, "late", &before, NULL);
    testOk1(!strcmp(oph_signal_pv(before), "X:cam1:Late"));
    oph_signal_set_kind(before, OPH_KIND_HINTED, NULL);
    none_failed(oph_read(other, OPH_DEFAULT, &r, NULL, &err), &err, "read");
    testOk1(reading_of(r, "other_late") != NULL);
    oph_signal_find(other, "late", &after, NULL);
    testOk(after != before && !strcmp(oph_signal_pv(after), "X:cam1:Late_RBV"), "another row");
    testOk1(oph_signal_kind(after) == OPH_KIND_HINTED);
    hints_are(other, "other_array other_count other_late");
    oph_readings_free(r);
    oph_device_free(other);
}

static void test_flushes(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_readings *r = NULL;
    oph_descriptions *d = NULL;
    int before = fake_flushes();
    oph_read(hidden, OPH_DEFAULT, &r, NULL, &err);
    int one = fake_flushes() - before;
    oph_readings_free(r);
    before = fake_flushes();
    oph_read(det, OPH_DEFAULT, &r, NULL, &err);
    testOk(one == 1 && fake_flushes() - before == one && oph_readings_count(r) > 5,
           "one flush, for however many");
    oph_readings_free(r);
    oph_describe(det, OPH_DEFAULT, &d, NULL, &err);
    oph_descriptions_free(d);
    before = fake_flushes();
    oph_describe(det, OPH_DEFAULT, &d, NULL, &err);
    testOk(fake_flushes() - before == 1, "and for descriptions, of arrays too: %d",
           fake_flushes() - before);
    oph_descriptions_free(d);
}

static void test_lost(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_readings *r = NULL;
    oph_descriptions *d = NULL;
    oph_report *report = NULL;
    fake_down("X:cam1:Count_RBV");
    fake_down("X:cam1:SizeX_RBV");
    fake_code(oph_read(det, 0.1, &r, &report, &err), OPH_EDISCONN, &err, "PVs that were lost");
    testOk(!r && oph_report_count(report) == 2, "fail, and each is named");
    testOk1(!strcmp(err.pv, "X:cam1:SizeX_RBV"));
    oph_report_free(report);
    fake_code(oph_describe(det, 0.1, &d, &report, &err), OPH_EDISCONN, &err, "describing too");
    testOk1(!d && oph_report_count(report) == 2);
    oph_report_free(report);
    fake_up("X:cam1:Count_RBV");
    fake_up("X:cam1:SizeX_RBV");
    none_failed(oph_read(det, OPH_DEFAULT, &r, NULL, &err), &err, "until they are back");
    oph_readings_free(r);
    oph_device *nowhere = NULL;
    fake_pv("Y:Value_RBV", OPH_FLOAT64, 1, "", "7");
    fake_down("Y:Value_RBV");
    oph_device_new(ctx, "Plain", "Y:", "nowhere", &nowhere, &err);
    r = NULL;
    fake_code(oph_read(nowhere, 0.1, &r, NULL, &err), OPH_EDISCONN, &err,
              "an IOC that is not there");
    testOk1(!r);
    fake_up("Y:Value_RBV");
    none_failed(oph_read(nowhere, OPH_DEFAULT, &r, NULL, &err), &err, "until it is");
    testOk1(oph_readings_count(r) == 1);
    oph_readings_free(r);
    oph_device_free(nowhere);
}

static void test_soft(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = NULL;
    oph_readings *r = NULL;
    oph_descriptions *d = NULL;
    none_failed(oph_soft_new(ctx, "note", OPH_CSTR("some text"), NULL, &sig, &err), &err, "soft");
    none_failed(oph_signal_reading(sig, OPH_DEFAULT, &r, &err), &err, "read");
    const oph_reading *one = oph_readings_at(r, 0);
    testOk1(one && !strcmp(one->key, "note") && one->text && !strcmp(one->text, "some text"));
    none_failed(oph_signal_describe(sig, OPH_DEFAULT, &d, &err), &err, "described");
    const oph_description *told = oph_descriptions_at(d, 0);
    testOk1(told && !strcmp(told->key, "note") && !strcmp(told->source, "SIM:note"));
    testOk1(told && !strcmp(told->dtype, "string") && !strcmp(told->object_name, "note"));
    testOk1(oph_signal_kind(sig) == (OPH_KIND_NORMAL | OPH_KIND_CONFIG));
    oph_readings_free(r);
    oph_descriptions_free(d);
    oph_signal_free(sig);
    const oph_properties room = {.size = sizeof room, .count = 4, .writable = 1};
    none_failed(oph_soft_new(ctx, "list", OPH_INT(9), &room, &sig, &err), &err, "an array");
    none_failed(oph_signal_describe(sig, OPH_DEFAULT, &d, &err), &err, "described");
    told = oph_descriptions_at(d, 0);
    testOk(told && !strcmp(told->dtype, "array") && told->rank == 1 && told->shape[0] == 1,
           "an array of one element is an array");
    testOk1(told && !strcmp(told->dtype_numpy, "<i8"));
    oph_descriptions_free(d);
    oph_signal_free(sig);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    add_pvs();
    ctx = fake_context(classes, NULL);
    oph_error err = OPH_ERROR_INIT;
    if (oph_device_new(ctx, "Det", "X:", "det", &det, &err) ||
        oph_device_child(det, "cam", &cam, &err) || oph_device_child(det, "hidden", &hidden, &err))
        testAbort("%s", err.text);
    test_before();
    test_words();
    test_absent();
    test_values();
    test_descriptions();
    test_kinds();
    test_release();
    test_flushes();
    test_lost();
    test_soft();
    oph_device_free(det);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
