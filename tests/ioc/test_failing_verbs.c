/* The library's own allocations failed in turn under what an areaDetector is asked beside a staged
 * acquisition: each is told of or makes no difference, and it works afterwards. */
#include "lib/detector.h"
#include "lib/failing.h"
#include "lib/state.h"

#include <epicsUnitTest.h>
#include <string.h>

static struct detector d;
static int32_t pixels[64 * 48];

static int validate(void *user, oph_error *err)
{
    oph_findings *findings = NULL;
    (void)user;
    int rc = oph_validate(d.det, OPH_DEFAULT, &findings, err);
    oph_findings_free(findings);
    return rc;
}

static int graph(void *user, oph_error *err)
{
    oph_graph *g = NULL;
    char text[4096];
    (void)user;
    int rc = oph_graph_new(d.det, OPH_DEFAULT, &g, err);
    if (!rc) oph_graph_text(g, text, sizeof text); /* "" without memory */
    if (!rc) oph_graph_dot(g, text, sizeof text);
    oph_graph_free(g);
    return rc;
}

static int missing(void *user, oph_error *err)
{
    oph_plugins *plugins = NULL;
    (void)user;
    int rc = oph_missing_plugins(d.det, OPH_DEFAULT, &plugins, err);
    oph_plugins_free(plugins);
    return rc;
}

static int primed(void *user, oph_error *err)
{
    oph_report *report = NULL;
    int32_t differs;
    (void)user;
    int rc = oph_primed(d.det, &differs, &report, err);
    oph_report_free(report);
    return rc;
}

static int warmup(void *user, oph_error *err)
{
    oph_error late = OPH_ERROR_INIT;
    (void)user;
    int rc = oph_warmup(d.hdf1, OPH_DEFAULT, err);
    failing_end();
    /* What could not be put back is, with the next one. */
    if (!state_journals() || !oph_warmup(d.hdf1, OPH_DEFAULT, &late)) return rc;
    testDiag("%d journals, %s; %s", state_journals(), err->text, late.text);
    return OPH_ESTATE;
}

static int image(void *user, oph_error *err)
{
    oph_image_info info = {.size = sizeof info};
    (void)user;
    return oph_image_read(d.image, OPH_DEFAULT, pixels, sizeof pixels, &info, err);
}

static int describe(void *user, oph_error *err)
{
    oph_descriptions *keys = NULL;
    oph_readings *values = NULL;
    (void)user;
    int rc = oph_describe(d.det, OPH_DEFAULT, &keys, NULL, err);
    if (!rc) rc = oph_read(d.det, OPH_DEFAULT, &values, NULL, err);
    oph_descriptions_free(keys);
    oph_readings_free(values);
    return rc;
}

static int files(void *user, oph_error *err)
{
    char text[512], read[512];
    oph_files_info info = {.size = sizeof info};
    (void)user;
    int rc = oph_files_get(d.hdf1, OPH_SIDE_LOCAL, read, sizeof read, err);
    if (!rc) rc = oph_files_get(d.hdf1, OPH_SIDE_IOC, text, sizeof text, err);
    if (!rc) rc = oph_files_set_write(d.hdf1, text, err);
    if (!rc) rc = oph_files_set_read(d.hdf1, read, err);
    if (!rc) rc = oph_files_set(d.hdf1, text, read, err);
    if (!rc) rc = oph_files_set_root(d.hdf1, d.disk, err);
    if (!rc) rc = oph_files_set_root(d.hdf1, NULL, err);
    if (!rc) rc = oph_files_set_name(d.hdf1, OPH_NAME_FIXED, "scan", err);
    if (!rc) rc = oph_files_set_name(d.hdf1, OPH_NAME_UUID, NULL, err);
    if (!rc) rc = oph_files_describe(d.hdf1, &info, err);
    return rc;
}

static int acquire(void *user, oph_error *err)
{
    oph_result *result = NULL;
    oph_error late = OPH_ERROR_INIT;
    (void)user;
    int rc = oph_acquire(d.det, OPH_DEFAULT, &result, err);
    oph_result_free(result);
    failing_end();
    if (!state_journals()) return rc;
    /* What could not be put back is, with the next stage. */
    result = NULL;
    int back = oph_acquire(d.det, OPH_DEFAULT, &result, &late);
    oph_result_free(result);
    if (!back && !state_journals()) return rc;
    testDiag("%d journals, %s; %s", state_journals(), err->text, late.text);
    return OPH_ESTATE;
}

static int kick_off(oph_error *err)
{
    oph_status *begun = NULL, *done = NULL;
    int rc = oph_kickoff(d.det, &begun, err);
    if (!rc) rc = oph_status_wait(begun, OPH_DEFAULT, err);
    if (!rc) rc = oph_complete(d.det, &done, err);
    if (!rc) rc = oph_status_wait(done, OPH_DEFAULT, err);
    oph_status_unref(begun);
    oph_status_unref(done);
    return rc;
}

static int series(void *user, oph_error *err)
{
    const oph_series three = {.size = sizeof three, .frames = 3, .exposure = 0.01};
    oph_error late = OPH_ERROR_INIT;
    int64_t kickoffs;
    (void)user;
    int rc = oph_stage(d.det, NULL, err);
    if (!rc) rc = oph_prepare(d.det, &three, &kickoffs, err);
    if (!rc) rc = kick_off(err);
    failing_end();
    int back = oph_unstage(d.det, NULL, &late);
    if (rc || !back) return rc;
    *err = late;
    return OPH_ESTATE;
}

static struct {
    const char *name;
    failing_fn *fn;
    long step;
} verbs[] = {
    {"findings", validate, 1},     {"a graph", graph, 1},     {"missing plugins", missing, 61},
    {"being primed", primed, 1},   {"a warm-up", warmup, 11}, {"an image", image, 1},
    {"descriptions", describe, 1}, {"files", files, 1},       {"an acquisition", acquire, 13},
    {"a series", series, 13},
};

int main(void)
{
    static const char *const arguments[] = {"--instant", NULL};
    testPlan(0);
    state_begin(NULL, 0);
    long before = failing_blocks();
    detector_start(&d, arguments, NULL);
    detector_works(&d, "before all");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        oph_error err = OPH_ERROR_INIT;
        if (verbs[i].fn(NULL, &err)) testAbort("%s: %s", verbs[i].name, err.text);
        failing_some_in_turn(verbs[i].name, verbs[i].step, verbs[i].fn, NULL);
    }
    detector_unchanged(&d, "all of that");
    detector_works(&d, "after it");
    detector_end(&d);
    testOk(failing_blocks() == before, "nothing is left");
    state_end();
    return testDone();
}
