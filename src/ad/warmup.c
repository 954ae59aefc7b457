/* One throw-away image, so that file plugins know what frames look like. */
#include "ad/priming.h"
#include "base/err.h"
#include "core/connect.h"
#include "core/stage.h"
#include <cophyd/detector.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *key;
    struct oph__literal value;
} shot[] = {
    {"cam.array_callbacks", {.kind = OPH__LIT_INT, .i = 1, .text = "1"}},
    {"cam.image_mode", {.kind = OPH__LIT_INT, .i = 0, .text = "0"}},
    {"cam.trigger_mode", {.kind = OPH__LIT_INT, .i = 0, .text = "0"}},
    {"cam.num_images", {.kind = OPH__LIT_INT, .i = 1, .text = "1"}},
    {"cam.acquire_time", {.kind = OPH__LIT_FLOAT, .f = 0.1, .text = "0.1"}},
    {"cam.acquire_period", {.kind = OPH__LIT_FLOAT, .f = 0.2, .text = "0.2"}},
    {"cam.wait_for_plugins", {.kind = OPH__LIT_INT, .i = 1, .text = "1"}},
};

/* What is asked of each device on the way of the frames, and of the camera. */
enum row { PORT, SOURCE, STAMP, CAPTURE, ACQUIRE, BUSY, ROWS };
static const char *const attrs[ROWS] = {
    [PORT] = "port_name",  [SOURCE] = "nd_array_port", [STAMP] = "time_stamp",
    [CAPTURE] = "capture", [ACQUIRE] = "acquire",      [BUSY] = "acquire_busy",
};

struct stop {
    oph_device *dev;
    bool target;            /* it is to be warmed up */
    bool upstream;          /* frames come through it */
    struct oph__read *rows; /* ROWS of the warming's */
};

struct warming {
    oph_device *det, *cam;
    struct stop *stops; /* all devices of the detector */
    struct oph__read *reads;
    size_t count;
    struct oph__plan *plan;
};

static int count_one(oph_device *dev, void *user, oph_error *err)
{
    (void)dev, (void)err;
    ++*(size_t *)user;
    return 0;
}

static int add_stop(oph_device *dev, void *user, oph_error *err)
{
    struct warming *w = user;
    struct stop *s = &w->stops[w->count++];
    (void)err;
    s->dev = dev;
    s->rows = &w->reads[(w->count - 1) * ROWS];
    for (int i = 0; i < ROWS; i++) {
        oph_signal *sig;
        bool of_cam = i == ACQUIRE || i == BUSY; /* plugins have them too, and use them not */
        if (of_cam ? dev != w->cam : i == CAPTURE && !oph__is_file_plugin(dev)) continue;
        if (!oph_signal_find(dev, attrs[i], &sig, NULL) && !sig->set->absent && !sig->read->absent)
            s->rows[i].sig = sig;
    }
    return 0;
}

static int mark_target(oph_device *dev, void *user, oph_error *err)
{
    struct warming *w = user;
    (void)err;
    for (size_t i = 0; i < w->count; i++)
        if (w->stops[i].dev == dev) w->stops[i].target = oph__is_file_plugin(dev);
    return 0;
}

static int find_stops(struct warming *w, oph_device *dev, oph_error *err)
{
    size_t devices = 0, targets = 0;
    int rc = oph_device_child(w->det, "cam", &w->cam, err);
    if (!rc) rc = oph__device_each(w->det, count_one, &devices, err);
    if (rc) return rc;
    w->stops = calloc(devices, sizeof *w->stops);
    w->reads = calloc(devices * ROWS, sizeof *w->reads);
    if (!w->stops || !w->reads) return oph__fail_memory(err, "a warm-up");
    rc = oph__device_each(w->det, add_stop, w, err);
    if (!rc) rc = oph__device_each(dev, mark_target, w, err);
    for (size_t i = 0; i < w->count; i++)
        targets += w->stops[i].target;
    if (rc || targets) return rc;
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                     "a file plugin, or a detector that has some", "class %s", dev->cls->name);
}

/* What the IOC lacks is passed over; the rest is read in one flush. */
static int read_stops(struct warming *w, oph_error *err)
{
    oph_context *ctx = w->det->ctx;
    struct oph__vec signals = {0};
    oph_error why = OPH_ERROR_INIT;
    size_t n = w->count * ROWS;
    const struct oph__patience patience = oph__patience(OPH_DEFAULT, ctx->options.connect_timeout);
    int rc = 0;
    for (size_t i = 0; !rc && i < n; i++)
        if (w->reads[i].sig && !oph__vec_add(&signals, w->reads[i].sig))
            rc = oph__fail_memory(&why, "a warm-up");
    if (!rc) rc = oph__connect_signals(ctx, &signals, patience, NULL, &why);
    oph__vec_free(&signals);
    for (size_t i = 0; i < n; i++) {
        const oph_signal *sig = w->reads[i].sig;
        if (sig && (!oph__pv_is_up(sig->set) || !oph__pv_is_up(sig->read))) w->reads[i].sig = NULL;
    }
    if (!rc || rc == OPH_EDISCONN) return oph__read_all(ctx, w->reads, n, OPH_DEFAULT, true, err);
    if (err) *err = why;
    return rc;
}

static int refuse_running(const struct oph__read *r, int code, const char *found, oph_error *err)
{
    int64_t on = 0;
    if (!r->sig || !oph__value_int(oph__read_value(r), &on) || !on) return 0;
    return oph__fail(err, code, oph__pv_at(r->sig->read), "Done", "%s", found);
}

/* Nothing is stopped for a warm-up, and nobody's file gets its image. */
static int check_idle(const struct warming *w, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < w->count; i++) {
        const struct oph__read *rows = w->stops[i].rows;
        rc = refuse_running(&rows[ACQUIRE], OPH_ESTATE, "an acquisition that runs already", err);
        if (!rc)
            rc = refuse_running(&rows[BUSY], OPH_ESTATE, "plugins that still work on the last one",
                                err);
        if (!rc)
            rc = refuse_running(&rows[CAPTURE], OPH_EBUSY,
                                "a capture that runs already, which would write the image", err);
    }
    return rc;
}

static bool same_port(const struct oph__read *a, const struct oph__read *b)
{
    const char *x, *y;
    size_t nx, ny;
    if (!a->sig || !b->sig) return false;
    oph__value_text(oph__read_value(a), &x, &nx);
    oph__value_text(oph__read_value(b), &y, &ny);
    return nx && nx == ny && !memcmp(x, y, nx);
}

/* The device whose frames it takes; NULL for none that is declared. */
static struct stop *source_of(const struct warming *w, const struct stop *s)
{
    for (size_t i = 0; i < w->count; i++)
        if (same_port(&s->rows[SOURCE], &w->stops[i].rows[PORT])) return &w->stops[i];
    return NULL;
}

static void mark_upstream(struct warming *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct stop *s = w->stops[i].target ? source_of(w, &w->stops[i]) : NULL;
        for (; s && s->dev != w->cam && !s->upstream; s = source_of(w, s))
            s->upstream = true;
    }
}

static int add(struct warming *w, oph_device *dev, const char *key, const struct oph__literal *to,
               oph_error *err)
{
    oph_signal *sig;
    if (oph_signal_find(dev, key, &sig, NULL) || sig->set->absent) return 0;
    return oph__plan_add(w->plan, dev, key, to, err);
}

/* Frames pass, and no file is made of them. Other file plugins are left out: they might write it.
 */
static int add_plugin(struct warming *w, const struct stop *s, oph_error *err)
{
    static const struct oph__literal on = {.kind = OPH__LIT_INT, .i = 1, .text = "1"};
    static const struct oph__literal off = {.kind = OPH__LIT_INT, .i = 0, .text = "0"};
    bool file = oph__is_file_plugin(s->dev), way = s->target || s->upstream;
    if (!way) return file ? add(w, s->dev, "enable", &off, err) : 0;
    int rc = file ? add(w, s->dev, "auto_save", &off, err) : 0;
    if (!rc) rc = add(w, s->dev, "min_callback_time", &off, err);
    if (!rc && s->upstream) rc = add(w, s->dev, "array_callbacks", &on, err);
    return rc ? rc : add(w, s->dev, "enable", &on, err);
}

static int fill(struct warming *w, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof shot / sizeof shot[0]; i++)
        rc = add(w, w->det, shot[i].key, &shot[i].value, err);
    for (size_t i = 0; !rc && i < w->count; i++)
        rc = add_plugin(w, &w->stops[i], err);
    return rc;
}

static int no_image(const struct warming *w, const struct stop *s, const oph_signal *sig,
                    double waited, oph_error *err)
{
    char from[128] = "nowhere";
    bool known = source_of(w, s) != NULL;
    if (s->rows[SOURCE].sig)
        oph__value_show(oph__read_value(&s->rows[SOURCE]), NULL, from, sizeof from);
    return oph__fail(
        err, OPH_EUNPRIMED,
        (struct oph__at){.device = s->dev->path, .pv = sig->read->name, .waited = waited},
        "the image of the warm-up", "none: its frames come from %s%s", from,
        known ? "" : ", which is no port of a device here");
}

/* Each plugin must have seen this very image, whatever WaitForPlugins did. Releases without time
 * stamps tell only that it has seen any. */
static int await_image(const struct warming *w, const struct stop *s, oph_error *err)
{
    oph_signal *sig = s->rows[STAMP].sig;
    struct oph__wire before = {.dtype = OPH_FLOAT64, .count = 1};
    double patience = s->dev->ctx->options.put_timeout;
    int rc = 0;
    before.data = before.small;
    if (!sig || !oph__value_double(oph__read_value(&s->rows[STAMP]), before.data)) {
        before.dtype = OPH_INT32;
        *(int32_t *)before.data = 0;
        rc = oph_signal_find(s->dev, "array_size.width", &sig, err);
    }
    if (!rc) rc = oph__write_await(sig, &before, true, patience, false, err);
    return rc == OPH_EMISMATCH ? no_image(w, s, sig, patience, err) : rc;
}

static int verify(const struct warming *w, oph_device *dev, oph_error *err)
{
    int rc = 0;
    int32_t differs = 0;
    oph_report *report = oph__report_new();
    for (size_t i = 0; !rc && i < w->count; i++)
        if (w->stops[i].target) rc = await_image(w, &w->stops[i], err);
    if (!rc) rc = oph__priming_compare(w->det, dev, true, &differs, report, err);
    if (!rc && differs) {
        const oph_error *first = oph_report_at(report, 0);
        rc = OPH_EUNPRIMED;
        if (first && err) *err = *first;
    }
    oph_report_free(report);
    return rc;
}

/* Why it failed, and that the IOC is not as before. */
static int also_changed(int rc, const oph_error *late, oph_error *err)
{
    if (!err) return rc;
    return oph__fail(err, rc, oph__error_at(err), err->wanted, "%s; besides: %s",
                     oph__error_found(err), late->text);
}

static int warm_up(struct warming *w, oph_device *dev, double timeout, oph_error *err)
{
    int rc = oph__connect(w->det, OPH_DEFAULT, NULL, err);
    if (!rc) rc = find_stops(w, dev, err);
    if (!rc) rc = read_stops(w, err);
    if (!rc) rc = check_idle(w, err);
    if (rc) return rc;
    mark_upstream(w);
    rc = oph__plan_new(w->det, &w->plan, err);
    if (rc) return rc;
    rc = fill(w, err);
    if (!rc) rc = oph__stage_plan(w->plan, NULL, err);
    bool half_written = rc != 0;
    if (!rc) rc = oph__trigger_and_wait(w->det, timeout, err);
    if (!rc) rc = verify(w, dev, err);
    oph_error late = OPH_ERROR_INIT;
    int restored = oph__plan_restore(w->plan, half_written, NULL, &late);
    if (rc && restored) return also_changed(rc, &late, err);
    if (rc || !restored) return rc;
    if (err) *err = late;
    return restored;
}

static void clear(struct warming *w)
{
    if (w->reads) oph__reads_clear(w->reads, w->count * ROWS);
    free(w->reads);
    free(w->stops);
    oph__plan_free(w->plan);
}

int oph_warmup(oph_device *dev, double timeout, oph_error *err)
{
    oph_device *det = oph__device_detector(dev);
    const struct oph__rule *rule;
    int rc = oph__context_may_block(dev->ctx, err);
    if (!rc && !det->trigger)
        rc = oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path}, "to warm up",
                       "class %s, which has no trigger (SingleTrigger)", det->cls->name);
    if (!rc) rc = oph__tree_enter(det, OPH__VERB_WARMUP, &rule, err);
    if (rc) return rc;
    struct warming w = {.det = det};
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    oph__staging_begin(det->tree, &call);
    rc = warm_up(&w, dev, timeout, err);
    clear(&w);
    oph__staging_end(det->tree);
    oph__call_end(&dev->ctx->waits, &call);
    return rc;
}
