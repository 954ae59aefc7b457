/* Does a file plugin know the frames that the camera will send? */
#include "ad/priming.h"
#include "ad/file_store.h"
#include "base/err.h"
#include "base/str.h"
#include "core/connect.h"
#include "core/write.h"
#include <string.h>

enum row {
    CAM_PORT,
    CAM_DISABLED, /* the driver leaves the type, the colour and the region alone */
    CAM_X,        /* of the latest image */
    CAM_Y,
    CAM_MAX_X,
    CAM_MAX_Y,
    CAM_SIZE_X, /* of the region, in pixels of the sensor */
    CAM_SIZE_Y,
    CAM_BIN_X,
    CAM_BIN_Y,
    CAM_TYPE,
    CAM_COLOR,
    CAM_ROWS,
    SOURCE = CAM_ROWS,
    WIDTH, /* of the fastest dimension */
    HEIGHT,
    SIZE_X, /* of the image; not in old releases */
    SIZE_Y,
    TYPE,
    COLOR,
    ROWS
};

static const char *const paths[ROWS] = {
    [CAM_PORT] = "cam.port_name",
    [CAM_DISABLED] = "cam.data_type_disabled",
    [CAM_X] = "cam.array_size.array_size_x",
    [CAM_Y] = "cam.array_size.array_size_y",
    [CAM_MAX_X] = "cam.max_size.max_size_x",
    [CAM_MAX_Y] = "cam.max_size.max_size_y",
    [CAM_SIZE_X] = "cam.size.size_x",
    [CAM_SIZE_Y] = "cam.size.size_y",
    [CAM_BIN_X] = "cam.bin_x",
    [CAM_BIN_Y] = "cam.bin_y",
    [CAM_TYPE] = "cam.data_type",
    [CAM_COLOR] = "cam.color_mode",
    [SOURCE] = "nd_array_port",
    [WIDTH] = "array_size.width",
    [HEIGHT] = "array_size.height",
    [SIZE_X] = "array_size_xyz.array_size_x",
    [SIZE_Y] = "array_size_xyz.array_size_y",
    [TYPE] = "data_type",
    [COLOR] = "color_mode",
};

/* One plugin beside the camera, as read. */
struct facts {
    struct oph__read rows[ROWS];
    bool fresh;
    int32_t differs;
    oph_report *report;
};

bool oph__is_file_plugin(const oph_device *dev)
{
    return oph_device_is(dev, "FilePlugin") || oph__hook_data(dev, &oph__file_store);
}

static const oph_value *value_of(const struct facts *f, int row)
{
    return oph__read_value(&f->rows[row]);
}

/* -1: not known. */
static int64_t number(const struct facts *f, int row)
{
    int64_t n;
    return f->rows[row].sig && !f->rows[row].rc && oph__value_int(value_of(f, row), &n) ? n : -1;
}

static bool same_text(const struct facts *f, int a, int b)
{
    const char *x, *y;
    size_t nx, ny;
    oph__value_text(value_of(f, a), &x, &nx);
    oph__value_text(value_of(f, b), &y, &ny);
    return nx == ny && memcmp(x, y, nx) == 0;
}

static void differ(struct facts *f, int32_t what, int row, const char *wanted, const char *found)
{
    const oph_signal *sig = f->rows[row].sig;
    oph_error err = OPH_ERROR_INIT;
    f->differs |= what;
    oph__fail(&err, OPH_EUNPRIMED, oph__pv_at(sig->read), wanted, "%s", found);
    oph__report_add(f->report, &err);
}

static void label(const struct facts *f, int row, char *dst, size_t size)
{
    struct oph__chan_info info;
    bool known = oph__pv_info(f->rows[row].sig->read, &info);
    oph__value_show(value_of(f, row), known ? &info : NULL, dst, size);
}

static void compare_label(struct facts *f, int32_t what, int cam, int plugin)
{
    char wanted[64], found[64];
    int64_t a = number(f, cam), b = number(f, plugin);
    if (a < 0 || b < 0 || a == b || number(f, CAM_DISABLED) != 0) return;
    label(f, cam, wanted, sizeof wanted);
    label(f, plugin, found, sizeof found);
    differ(f, what, plugin, wanted, found);
}

/* What the camera will send along one axis; below 1: not known. */
static int64_t coming(const struct facts *f, int seen, int max, int size, int bin)
{
    if (f->fresh) return number(f, seen);
    if (number(f, CAM_DISABLED) != 0) return number(f, max);
    int64_t pixels = number(f, size), binned = number(f, bin);
    return binned > 1 ? pixels / binned : pixels;
}

static void compare_size(struct facts *f)
{
    bool image = number(f, SIZE_X) >= 0 && number(f, SIZE_Y) >= 0;
    int64_t x = number(f, image ? SIZE_X : WIDTH), y = number(f, image ? SIZE_Y : HEIGHT);
    int64_t cam_x = coming(f, CAM_X, CAM_MAX_X, CAM_SIZE_X, CAM_BIN_X);
    int64_t cam_y = coming(f, CAM_Y, CAM_MAX_Y, CAM_SIZE_Y, CAM_BIN_Y);
    char wanted[80], found[80];
    if (cam_x < 1 || cam_y < 1 || (x == cam_x && y == cam_y)) return;
    oph__format(wanted, sizeof wanted, "%lldx%lld, as the camera will send", (long long)cam_x,
                (long long)cam_y);
    oph__format(found, sizeof found, "%lldx%lld", (long long)x, (long long)y);
    differ(f, OPH_DIFFERS_SIZE, image ? SIZE_X : WIDTH, wanted, found);
}

static void compare(struct facts *f)
{
    if (number(f, WIDTH) < 1) {
        differ(f, OPH_DIFFERS_UNSEEN, WIDTH, "a plugin that has seen a frame",
               "none since the IOC started");
        return;
    }
    /* What another plugin makes of the camera's frames is its own affair. */
    if (!f->rows[CAM_PORT].sig || !same_text(f, CAM_PORT, SOURCE)) return;
    compare_size(f);
    compare_label(f, OPH_DIFFERS_TYPE, CAM_TYPE, TYPE);
    compare_label(f, OPH_DIFFERS_COLOR, CAM_COLOR, COLOR);
}

static bool is_up(const oph_signal *sig)
{
    return sig && oph__pv_is_up(sig->set) && oph__pv_is_up(sig->read);
}

/* Rows that this release or this IOC lacks are not compared; these two it must have. */
static bool is_needed(int row)
{
    return row == WIDTH || row == SOURCE;
}

static int find(struct facts *f, oph_device *det, oph_device *dev, struct oph__vec *signals,
                oph_error *err)
{
    for (int i = 0; i < ROWS; i++) {
        oph_signal *sig;
        oph_device *from = i < CAM_ROWS ? det : dev;
        int rc = oph_signal_find(from, paths[i], &sig, is_needed(i) ? err : NULL);
        if (rc && is_needed(i)) return rc;
        if (rc || sig->read->absent || sig->set->absent) continue;
        f->rows[i].sig = sig;
        if (!oph__vec_add(signals, sig)) return oph__fail_memory(err, "priming");
    }
    return 0;
}

static int connect_rows(struct facts *f, oph_device *det, oph_device *dev, oph_error *err)
{
    struct oph__vec signals = {0};
    oph_context *ctx = dev->ctx;
    oph_error why = OPH_ERROR_INIT;
    const struct oph__patience patience = oph__patience(OPH_DEFAULT, ctx->options.connect_timeout);
    int rc = find(f, det, dev, &signals, &why);
    if (!rc) rc = oph__connect_signals(ctx, &signals, patience, NULL, &why);
    oph__vec_free(&signals);
    if (rc == OPH_EDISCONN && is_up(f->rows[WIDTH].sig) && is_up(f->rows[SOURCE].sig)) rc = 0;
    if (rc && err) *err = why;
    for (int i = 0; i < ROWS; i++)
        if (!is_up(f->rows[i].sig)) f->rows[i].sig = NULL;
    return rc;
}

/* What the plugin says of an image it has just seen may come one by one. */
static void settle(struct facts *f, double patience)
{
    const struct {
        int row;
        int64_t value;
    } awaited[] = {{SIZE_X, number(f, CAM_X)},
                   {SIZE_Y, number(f, CAM_Y)},
                   {TYPE, number(f, CAM_TYPE)},
                   {COLOR, number(f, CAM_COLOR)}};
    for (size_t i = 0; i < sizeof awaited / sizeof awaited[0]; i++) {
        oph_signal *sig = f->rows[awaited[i].row].sig;
        struct oph__wire wire = {.dtype = OPH_INT32, .count = 1};
        if (!sig || awaited[i].value < 0 || awaited[i].value > INT32_MAX) continue;
        if (awaited[i].row >= TYPE && number(f, CAM_DISABLED) != 0) continue;
        wire.data = wire.small;
        *(int32_t *)wire.data = (int32_t)awaited[i].value;
        oph__write_await(sig, &wire, false, patience, false, NULL);
    }
}

static int read_rows(struct facts *f, oph_context *ctx, oph_error *err)
{
    oph__reads_clear(f->rows, ROWS);
    f->differs = 0;
    return oph__read_all(ctx, f->rows, ROWS, OPH_DEFAULT, true, err);
}

struct asking {
    oph_device *det;
    bool fresh;
    int32_t differs;
    size_t plugins;
    oph_report *report;
};

static int ask(oph_device *dev, void *user, oph_error *err)
{
    struct asking *a = user;
    if (!oph__is_file_plugin(dev)) return 0;
    struct facts f = {.fresh = a->fresh};
    int rc = connect_rows(&f, a->det, dev, err);
    if (!rc) rc = read_rows(&f, dev->ctx, err);
    if (!rc && a->fresh) compare(&f);
    if (!rc && f.differs) {
        settle(&f, dev->ctx->options.grace);
        rc = read_rows(&f, dev->ctx, err);
    }
    f.report = a->report;
    if (!rc) compare(&f);
    oph__reads_clear(f.rows, ROWS);
    a->differs |= f.differs;
    a->plugins++;
    return rc;
}

int oph__priming_compare(oph_device *det, oph_device *dev, bool fresh, int32_t *ret_differs,
                         oph_report *report, oph_error *err)
{
    struct asking a = {.det = det, .fresh = fresh, .report = report};
    int rc = oph__device_each(dev, ask, &a, err);
    if (!rc && !a.plugins)
        rc = oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                       "a file plugin, or a detector that has some", "class %s", dev->cls->name);
    if (!rc) *ret_differs = a.differs;
    return rc;
}

int oph_primed(oph_device *dev, int32_t *ret_differs, oph_report **ret_report, oph_error *err)
{
    oph_device *det = oph__device_detector(dev);
    const struct oph__rule *rule;
    int rc = oph__context_may_block(dev->ctx, err);
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_CONNECT, &rule, err);
    if (rc) return rc;
    oph_report *report = oph__report_new();
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = oph__connect(dev, OPH_DEFAULT, NULL, err);
    if (!rc) rc = oph__priming_compare(det, dev, false, ret_differs, report, err);
    oph__call_end(&dev->ctx->waits, &call);
    oph__report_give(report, ret_report);
    return rc;
}
