/* core/plan_rows: what a stage would write, seen before it, and that seeing it changes nothing. */
#include "base/str.h"
#include "core/plan.h"
#include "lib/fake_link.h"

#include <cophyd/plan.h>
#include <cophyd/settings.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static const char classes[] = "class Cam\n"
                              "row acquire    Acquire   start enum  normal\n"
                              "row image_mode ImageMode rbv   enum  config\n"
                              "row exposure   Exposure  rbv   float config\n"
                              "class Plugin\n"
                              "hook test\n"
                              "row capture Capture    start enum config\n"
                              "row path    FilePath   path  text config - after=levels\n"
                              "row levels  Levels     rw    int  config\n"
                              "row number  FileNumber rw    int  config - counter\n"
                              "class Det\n"
                              "dev cam cam1: Cam\n"
                              "dev hdf H:    Plugin\n"
                              "stage .   cam.acquire=0\n"
                              "stage cam image_mode=Single exposure=0.1\n"
                              "stage hdf capture=1 path=/data number=0\n";

static const struct {
    const char *name;
    int32_t dtype;
    uint32_t count;
    const char *labels, *value;
} pvs[] = {
    {"X:cam1:Acquire", OPH_ENUM, 1, "Done,Acquire", "0"},
    {"X:cam1:Acquire_RBV", OPH_ENUM, 1, "Done,Acquire", "0"},
    {"X:cam1:ImageMode", OPH_ENUM, 1, "Single,Multiple", "1"},
    {"X:cam1:ImageMode_RBV", OPH_ENUM, 1, "Single,Multiple", "1"},
    {"X:cam1:Exposure", OPH_FLOAT64, 1, "", "1.5"},
    {"X:cam1:Exposure_RBV", OPH_FLOAT64, 1, "", "1.25"},
    {"X:H:Capture", OPH_ENUM, 1, "Done,Capture", "0"},
    {"X:H:Capture_RBV", OPH_ENUM, 1, "Done,Capture", "0"},
    {"X:H:FilePath", OPH_UINT8, 256, "", "/data/"},
    {"X:H:FilePath_RBV", OPH_UINT8, 256, "", "/data/"},
    {"X:H:Levels", OPH_INT32, 1, "", "0"},
    {"X:H:FileNumber", OPH_INT32, 1, "", "12"},
};
enum { PV_COUNT = sizeof pvs / sizeof pvs[0] };

static void set_back(void)
{
    for (size_t i = 0; i < PV_COUNT; i++)
        fake_set(pvs[i].name, pvs[i].value);
    fake_forget_puts();
}

/* A hook with a setting of its own, which asks for two values and refuses one of them. */

static int64_t seen[2];

static void *create(oph_device *dev, oph_error *err)
{
    (void)dev, (void)err;
    return seen;
}

static void destroy(void *data)
{
    (void)data;
}

static int needs(oph_device *dev, void *data, struct oph__needs *list, oph_error *err)
{
    (void)data;
    return oph__need(list, dev, "levels", true, err);
}

static int plan(oph_device *dev, void *data, struct oph__plan *p, oph_error *err)
{
    static const struct oph__literal five = {.kind = OPH__LIT_INT, .i = -5, .text = "-5"};
    (void)data;
    int rc = oph__plan_add_where_zero(p, dev, "levels", &five, err);
    if (!rc) rc = oph__plan_ask(p, dev, "number", OPH__WITH_ORIGINALS, err);
    if (!rc) rc = oph__plan_ask(p, dev, "number", OPH__ONCE_WRITTEN, err);
    return rc;
}

static int take(oph_device *dev, const struct oph__plan *p, enum oph__when when, int64_t *ret)
{
    const struct oph__read *read = oph__plan_answer(p, dev, "number", when);
    if (read->rc || !oph__value_int(read->read.data ? &read->read : &read->set, ret))
        testAbort("no answer");
    return 0;
}

static int check(oph_device *dev, void *data, const struct oph__plan *p, oph_error *err)
{
    (void)data, (void)err;
    return take(dev, p, OPH__WITH_ORIGINALS, &seen[0]);
}

static int ready(oph_device *dev, void *data, const struct oph__plan *p, oph_error *err)
{
    (void)data, (void)err;
    return take(dev, p, OPH__ONCE_WRITTEN, &seen[1]);
}

static const struct oph__hook_ops hook = {.name = "test",
                                          .create = create,
                                          .destroy = destroy,
                                          .needs = needs,
                                          .plan = plan,
                                          .check = check,
                                          .ready = ready};

static oph_plan *make(oph_device *det, const oph_stage_options *opt)
{
    oph_error err = OPH_ERROR_INIT;
    oph_plan *p = NULL;
    if (oph_plan_new(det, opt, &p, NULL, &err)) testAbort("%s", err.text);
    return p;
}

static const oph_plan_row *row_of(const oph_plan *p, const char *device)
{
    for (size_t i = 0; i < oph_plan_count(p); i++)
        if (!strcmp(oph_plan_at(p, i)->device, device)) return oph_plan_at(p, i);
    testAbort("no row of %s", device);
    return NULL;
}

static void row_is(const oph_plan *p, size_t index, const oph_plan_row *wanted)
{
    const oph_plan_row *row = oph_plan_at(p, index);
    bool same = row && oph__equal(row->device, wanted->device) && oph__equal(row->pv, wanted->pv) &&
                oph__equal(row->readback_pv, wanted->readback_pv) &&
                oph__equal(row->setpoint_found, wanted->setpoint_found) &&
                oph__equal(row->readback_found, wanted->readback_found) &&
                oph__equal(row->value, wanted->value) &&
                oph__equal(row->restore, wanted->restore) && row->step == wanted->step &&
                row->flags == wanted->flags;
    testOk(same, "row %zu is that of %s", index, wanted->device);
    if (!same && row)
        testDiag("%s %s %s, was %s %s, gets %s, then %s, step %d, flags %u", row->device, row->pv,
                 row->readback_pv, row->setpoint_found, row->readback_found, row->value,
                 row->restore ? row->restore : "NULL", (int)row->step, (unsigned)row->flags);
}

static void test_rows(oph_device *det)
{
    static const oph_plan_row wanted[] = {
        {"det.cam.acquire", "X:cam1:Acquire", "X:cam1:Acquire_RBV", "Done", "Done", "Done", NULL, 1,
         0},
        {"det.cam.image_mode", "X:cam1:ImageMode", "X:cam1:ImageMode_RBV", "Multiple", "Multiple",
         "Single", "Multiple", 1, 0},
        {"det.cam.exposure", "X:cam1:Exposure", "X:cam1:Exposure_RBV", "1.5", "1.25", "0.1", "1.5",
         1, OPH_PLAN_DIFFERS},
        {"det.hdf.levels", "X:H:Levels", "X:H:Levels", "0", "0", "-5", "0", 1, 0},
        {"det.hdf.path", "X:H:FilePath", "X:H:FilePath_RBV", "\"/data/\"", "\"/data/\"",
         "\"/data\"", "\"/data/\"", 1, 0},
        {"det.hdf.number", "X:H:FileNumber", "X:H:FileNumber", "12", "12", "0", NULL, 1, 0},
        {"det.hdf.capture", "X:H:Capture", "X:H:Capture_RBV", "Done", "Done", "Capture", NULL, 2,
         OPH_PLAN_STARTS},
    };
    enum { ROWS = sizeof wanted / sizeof wanted[0] };
    oph_plan *p = make(det, NULL);
    testOk(oph_plan_count(p) == ROWS && !oph_plan_at(p, ROWS), "%zu rows", oph_plan_count(p));
    for (size_t i = 0; i < ROWS; i++)
        row_is(p, i, &wanted[i]);
    testOk(!*fake_puts() && oph_device_state(det) == OPH_STATE_IDLE, "nothing was written");
    testOk(seen[0] == 12, "a hook has its answer");
    oph_plan_free(p);
    oph_plan_free(NULL);
}

/* As the plan says, so it is done. */
static void test_order(oph_device *det)
{
    struct oph__buf planned = {0};
    oph_error err = OPH_ERROR_INIT;
    oph_plan *p = make(det, NULL);
    for (size_t i = 0; i < oph_plan_count(p); i++) {
        const oph_plan_row *row = oph_plan_at(p, i);
        const char *at = strstr(fake_puts(), row->pv);
        testOk1(!at);
        oph__buf_addf(&planned, "%s ", row->pv);
    }
    fake_code(oph_stage(det, NULL, &err), 0, &err, "stage");
    struct oph__buf done = {0};
    for (const char *put = fake_puts(); *put;) {
        oph__buf_add_n(&done, put, strcspn(put, "=~"));
        oph__buf_add(&done, " ");
        put += strcspn(put, " ");
        put += *put == ' ';
    }
    testOk(!strcmp(planned.text, done.text), "it is staged in the order of the plan");
    testOk(seen[0] == 12 && seen[1] == 0, "what a hook asks later is read once all is written");
    oph_plan *none = NULL;
    fake_code(oph_plan_new(det, NULL, &none, NULL, &err), OPH_ESTATE, &err, "of a staged device");
    testOk1(!none);
    fake_code(oph_unstage(det, NULL, NULL), 0, NULL, "unstage");
    oph_plan_free(p);
    oph__buf_free(&planned);
    oph__buf_free(&done);
    set_back();
}

static void test_skip(oph_device *det)
{
    static const oph_stage_options skip = {.size = sizeof skip, .skip_unchanged = 1};
    fake_set("X:cam1:ImageMode", "0");
    fake_set("X:cam1:ImageMode_RBV", "0");
    fake_set("X:cam1:Exposure", "0.1");
    oph_plan *p = make(det, &skip);
    const oph_plan_row *mode = row_of(p, "det.cam.image_mode");
    testOk(mode->step == 0 && mode->flags == OPH_PLAN_SKIPPED && !mode->restore,
           "what is as wanted is not written");
    testOk(row_of(p, "det.cam.exposure")->step == 1, "but for one whose readback is not");
    testOk(row_of(p, "det.hdf.path")->step == 1, "and a path");
    oph_plan_free(p);
    set_back();
    fake_set("X:cam1:Exposure_RBV", "0.1");
    p = make(det, &skip);
    testOk(row_of(p, "det.cam.exposure")->step == 1, "nor one whose setpoint is not");
    oph_plan_free(p);
    set_back();
    fake_set("X:H:Levels", "-2");
    p = make(det, &skip);
    for (size_t i = 0; i < oph_plan_count(p); i++)
        testOk1(strcmp(oph_plan_at(p, i)->device, "det.hdf.levels") != 0);
    oph_plan_free(p);
    set_back();
}

static void test_refused(oph_device *det)
{
    static const oph_stage_options takeover = {.size = sizeof takeover, .takeover = 1};
    static const oph_stage_options wrong = {.size = 2};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_plan *p = NULL;
    fake_set("X:cam1:Acquire_RBV", "1");
    fake_code(oph_plan_new(det, NULL, &p, &report, &err), OPH_EBUSY, &err, "while it acquires");
    testOk1(oph_report_count(report) == 1 && !p);
    oph_report_free(report);
    p = make(det, &takeover);
    testOk1(row_of(p, "det.cam.acquire")->flags == (OPH_PLAN_STOPPED | OPH_PLAN_DIFFERS));
    oph_plan_free(p);
    set_back();

    oph_device *cam = NULL;
    oph_device_child(det, "cam", &cam, NULL);
    oph_settings_set(cam, "image_mode", "Singel", NULL);
    oph_settings_set(cam, "exposure", "long", NULL);
    p = NULL;
    fake_code(oph_plan_new(det, NULL, &p, &report, &err), OPH_ERANGE, &err, "of wrong settings");
    testOk(oph_report_count(report) == 2 && !p, "all that is wrong is in the report");
    oph_report_free(report);
    oph_settings_set(cam, "image_mode", "Single", NULL);
    oph_settings_set(cam, "exposure", 0.1, NULL);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_plan_new(det, &wrong, &p, NULL, &err), OPH_EINVAL, &err, "with no options");
    fake_down("X:H:Levels");
    fake_code(oph_plan_new(det, NULL, &p, &report, &err), OPH_EDISCONN, &err,
              "of a PV that is down");
    testOk1(oph_report_count(report) == 1 && strstr(err.text, "X:H:Levels"));
    oph_report_free(report);
    fake_up("X:H:Levels");
    testOk(!*fake_puts() && oph_device_state(det) == OPH_STATE_IDLE, "nothing was written");
}

static void test_text(oph_device *det)
{
    static const char line[] =
        "\n1     X:cam1:Exposure   0.1      X:cam1:Exposure_RBV   1.5       1.25          1.5"
        "       readback differs\n";
    char whole[4096], cut[64];
    oph_plan *p = make(det, NULL);
    size_t length = oph_plan_text(p, whole, sizeof whole);
    testOk(length == strlen(whole) && strstr(whole, line), "the table is %zu long", length);
    if (!strstr(whole, line)) testDiag("%s", whole);
    testOk(strstr(whole, "  nothing   starts\n") != NULL, "nothing is put back of what is started");
    testOk1(!strncmp(whole, "step  PV  ", 10) && !strstr(whole, " \n"));
    testOk1(oph_plan_text(p, cut, sizeof cut) == length && strlen(cut) == sizeof cut - 1 &&
            !strcmp(cut + strlen(cut) - 5, "[cut]"));
    testOk1(oph_plan_text(p, NULL, 0) == length);
    oph_plan_free(p);
}

static void nothing(void)
{
    testOk1(oph_plan_count(NULL) == 0 && oph_plan_at(NULL, 0) == NULL);
    oph_plan_free(NULL);
}

int main(void)
{
    static const struct oph__trigger_ops *const triggers[] = {NULL};
    static const struct oph__hook_ops *const hooks[] = {&hook, NULL};
    static const struct oph__behaviours behaviours = {.triggers = triggers, .hooks = hooks};
    oph_error err = OPH_ERROR_INIT;
    oph_device *det = NULL;

    testPlan(0);
    nothing();
    fake_begin();
    for (size_t i = 0; i < PV_COUNT; i++)
        fake_pv(pvs[i].name, pvs[i].dtype, pvs[i].count, pvs[i].labels, pvs[i].value);
    fake_rule("X:H:FilePath", FAKE_PATH);
    oph_context *ctx = fake_context(classes, &behaviours);
    if (oph_device_new(ctx, "Det", "X:", "det", &det, &err)) testAbort("%s", err.text);
    test_rows(det);
    test_order(det);
    test_skip(det);
    test_refused(det);
    test_text(det);
    oph_device_free(det);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
