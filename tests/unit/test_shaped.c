/* core/shaped: an array and its sizes, as an areaDetector plugin has them. */
#include "lib/check.h"
#include "lib/derive.h"
#include "lib/fake_link.h"

#include "base/str.h"
#include "core/device.h"
#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <string.h>

enum { ELEMENTS = 24, SIZES = 3 };

/* An array of 0, 1, 2 ... with its sizes. */
struct plugin {
    oph_context *ctx;
    oph_signal *array, *sizes[SIZES], *rank;
    oph_signal *by_rank, *by_sizes; /* the shaped ones */
};
static struct plugin plugin;

static oph_signal *soft(const char *name, const oph_data *initial, const oph_properties *properties)
{
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_soft_new(plugin.ctx, name, initial, properties, &sig, &err), &err);
    return sig;
}

static void make(struct plugin *p)
{
    static const char *const names[SIZES] = {"size0", "size1", "size2"};
    static const int16_t none[1];
    const oph_data empty = {.dtype = OPH_INT16, .count = 0, .data = none};
    const oph_properties room = {
        .size = sizeof room, .count = ELEMENTS, .writable = 1, .units = "counts"};
    oph_error err = OPH_ERROR_INIT;
    p->ctx = fake_context(NULL, NULL);
    p->array = soft("array", &empty, &room);
    for (int i = 0; i < SIZES; i++)
        p->sizes[i] = soft(names[i], OPH_INT(0), NULL);
    p->rank = soft("rank", OPH_INT(0), NULL);
    derive_did(
        oph_shaped_new(p->ctx, "by_rank", p->array, p->sizes, SIZES, p->rank, &p->by_rank, &err),
        &err);
    derive_did(
        oph_shaped_new(p->ctx, "by_sizes", p->array, p->sizes, SIZES, NULL, &p->by_sizes, &err),
        &err);
}

static void set_sizes(int64_t a, int64_t b, int64_t c, int64_t rank)
{
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_soft_set(plugin.sizes[0], OPH_INT(a), 0, 0, &err), &err);
    derive_did(oph_soft_set(plugin.sizes[1], OPH_INT(b), 0, 0, &err), &err);
    derive_did(oph_soft_set(plugin.sizes[2], OPH_INT(c), 0, 0, &err), &err);
    derive_did(oph_soft_set(plugin.rank, OPH_INT(rank), 0, 0, &err), &err);
}

static void set_array(uint32_t count)
{
    static int16_t elements[ELEMENTS];
    const oph_data data = {.dtype = OPH_INT16, .count = count, .data = elements};
    oph_error err = OPH_ERROR_INIT;
    for (int i = 0; i < ELEMENTS; i++)
        elements[i] = (int16_t)i;
    derive_did(oph_soft_set(plugin.array, &data, 0, 0, &err), &err);
}

/* "4x5:20", slowest axis first, and whether the elements are the array's. */
static const char *shape_of(const oph_value *value, char *dst, size_t size)
{
    int64_t shape[10];
    struct oph__buf buf = {0};
    uint32_t rank = oph_value_shape(value, shape, 10);
    size_t count = oph_value_count(value), right = 0;
    for (uint32_t i = 0; i < rank; i++)
        oph__buf_addf(&buf, "%s%lld", i ? "x" : "", (long long)shape[i]);
    for (size_t i = 0; i < count; i++)
        right += ((const int16_t *)oph_value_data(value))[i] == (int16_t)i;
    oph__buf_addf(&buf, ":%zu%s", count, right == count ? "" : " wrong elements");
    oph__copy(dst, size, buf.text);
    oph__buf_free(&buf);
    return dst;
}

static void is_shape(oph_signal *sig, const char *wanted, const char *what)
{
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    char found[80] = "nothing";
    if (oph_signal_read(sig, NULL, &value, &err) == 0) shape_of(value, found, sizeof found);
    bool good = value && !strcmp(found, wanted) && oph_value_dtype(value) == OPH_INT16;
    testOk(good, "%s: %s is %s", what, oph_signal_path(sig), wanted);
    if (!good) testDiag("found %s %s", found, err.text);
    oph_value_free(value);
}

static void test_shapes(void)
{
    static const struct {
        int64_t size[SIZES], rank;
        uint32_t elements;
        const char *shape, *what;
    } rows[] = {
        {{0, 0, 0}, 0, 0, "0:0", "before the first frame"},
        {{7, 0, 0}, 1, 7, "7:7", "a row"},
        {{1, 0, 0}, 1, 1, "1:1", "a row of one"},
        {{4, 5, 0}, 2, 20, "5x4:20", "mono, 4 wide and 5 high"},
        {{1, 1, 0}, 2, 1, "1x1:1", "mono, of one pixel"},
        {{4, 3, 2}, 3, 24, "2x3x4:24", "a stack of 2"},
        {{3, 4, 2}, 3, 24, "2x4x3:24", "RGB1, 4 wide and 2 high"},
        {{4, 3, 2}, 3, 24, "2x3x4:24", "RGB2, 4 wide and 2 high"},
        {{4, 2, 3}, 3, 24, "3x2x4:24", "RGB3, 4 wide and 2 high"},
        {{4, 5, 0}, 2, 24, "5x4:20", "an array with more elements"},
        {{4, 0, 2}, 3, 24, "2x0x4:0", "no row"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set_sizes(rows[i].size[0], rows[i].size[1], rows[i].size[2], rows[i].rank);
        set_array(rows[i].elements);
        is_shape(plugin.by_rank, rows[i].shape, rows[i].what);
        is_shape(plugin.by_sizes, rows[i].shape, rows[i].what);
    }
    /* Sizes of a former frame stay behind NDimensions. */
    set_sizes(4, 5, 3, 2);
    is_shape(plugin.by_rank, "5x4:20", "the rank counts");
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    const oph_read_options doubles = {.size = sizeof doubles, .dtype = OPH_FLOAT64};
    check_done(oph_signal_read(plugin.by_rank, &doubles, &value, &err), &err, "as doubles");
    int64_t shape[3];
    testOk1(value && oph_value_dtype(value) == OPH_FLOAT64 &&
            oph_value_shape(value, shape, 3) == 2 && shape[0] == 5 && shape[1] == 4 &&
            ((const double *)oph_value_data(value))[19] == 19);
    oph_value_free(value);
    const oph_read_options cached = {.size = sizeof cached, .source = OPH_SOURCE_CACHE};
    for (int i = 0; i < 2; i++) { /* which begins to follow, and then need not ask */
        check_done(oph_signal_read(plugin.by_rank, &cached, &value, &err), &err, "from the cache");
        testOk1(oph_value_shape(value, shape, 3) == 2 && shape[0] == 5 && shape[1] == 4);
        oph_value_free(value);
    }
}

static void test_refusals(void)
{
    static const struct {
        int64_t size[SIZES], rank;
        bool by_rank;
        const char *found;
    } rows[] = {
        {{5, 4, 0}, 2, true, "12 elements for an array of 4x5"},
        {{5, 4, 0}, 2, false, "12 elements for an array of 4x5"},
        {{2000000, 2000000, 2000000}, 3, true, "for an array of 2000000x2000000x2000000"},
        {{-5, 4, 0}, 2, true, "size 0 is -5"},
        {{5, 4, 0}, 4, true, "4 axes for 3 sizes"},
        {{5, 4, 0}, -1, true, "-1 axes for 3 sizes"},
    };
    oph_error err = OPH_ERROR_INIT;
    oph_value *value = NULL;
    set_array(12);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        oph_signal *sig = rows[i].by_rank ? plugin.by_rank : plugin.by_sizes;
        const char *name = oph_signal_path(sig);
        set_sizes(rows[i].size[0], rows[i].size[1], rows[i].size[2], rows[i].rank);
        check_refused(oph_signal_read(sig, NULL, &value, &err), &err, OPH_ERANGE, name, name,
                      "a value", rows[i].found);
    }
    testOk1(!value);
    set_sizes(0, 0, 0, 0);
    check_refused(oph_signal_put_int(plugin.by_rank, 1, &err), &err, OPH_EACCESS, "by_rank",
                  "by_rank", "1", "read-only");
}

static void test_properties(void)
{
    oph_properties p = {.size = sizeof p};
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_signal_properties(plugin.by_rank, OPH_PART_READBACK, OPH_DEFAULT, &p, &err),
               &err);
    testOk1(p.dtype == OPH_INT16 && p.count == ELEMENTS && p.readable && !p.writable &&
            !strcmp(p.units, "counts"));
}

static void shaped_event(const oph_event *event, void *user)
{
    struct oph__buf *buf = user;
    char shape[80];
    if (oph_event_value(event))
        oph__buf_addf(buf, " %s", shape_of(oph_event_value(event), shape, sizeof shape));
    if (oph_event_kind(event) == OPH_EVENT_FAILED) oph__buf_addf(buf, " failed");
    if (oph_event_kind(event) == OPH_EVENT_METADATA) oph__buf_addf(buf, " metadata");
}

/* Array first, then its sizes one by one, as the IOC posts them. */
static void test_updates(void)
{
    struct oph__buf heard = {0};
    oph_subscription *sub = NULL;
    oph_error err = OPH_ERROR_INIT;
    const oph_subscribe_options both = {.size = sizeof both,
                                        .mask = OPH_ON_PROPERTY | OPH_ON_VALUE};
    set_sizes(4, 5, 0, 2);
    set_array(20);
    derive_did(oph_subscribe(plugin.by_rank, &both, shaped_event, &heard, &sub, &err), &err);
    set_array(20);
    oph__loop_drain(plugin.ctx->dispatch);
    testOk(!strcmp(heard.text, " metadata 5x4:20 5x4:20"), "each array:%s", heard.text);
    heard.len = 0;
    set_array(12);
    set_sizes(4, 3, 0, 2); /* of which two make it fit, and so does the rank */
    oph__loop_drain(plugin.ctx->dispatch);
    testOk(!strcmp(heard.text, " failed 3x4:12 3x4:12 3x4:12"), "a smaller one:%s", heard.text);
    heard.len = 0;
    set_sizes(100, 3, 0, 2);
    set_sizes(4, 3, 0, 2);
    oph__loop_drain(plugin.ctx->dispatch);
    testOk(!strstr(heard.text, "failed"), "sizes alone are no failure:%s", heard.text);
    oph_subscription_free(sub);
    oph__buf_free(&heard);
}

static void test_wrong_calls(void)
{
    oph_signal *many[11], *sig = NULL, *none = NULL;
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = plugin.ctx;
    oph_signal *array = plugin.array, *const *sizes = plugin.sizes;
    for (int i = 0; i < 11; i++)
        many[i] = plugin.sizes[0];
    check_refused(oph_shaped_new(ctx, "", array, sizes, 2, NULL, &sig, &err), &err, OPH_EINVAL,
                  NULL, NULL, NULL, NULL);
    check_refused(oph_shaped_new(ctx, "x", NULL, sizes, 2, NULL, &sig, &err), &err, OPH_EINVAL, "x",
                  NULL, "an array and its sizes", "NULL");
    check_refused(oph_shaped_new(ctx, "x", array, &none, 1, NULL, &sig, &err), &err, OPH_EINVAL,
                  "x", NULL, "signals", "NULL");
    check_refused(oph_shaped_new(ctx, "x", array, sizes, 0, NULL, &sig, &err), &err, OPH_EINVAL,
                  "x", NULL, "1 to 10 sizes", "0");
    check_refused(oph_shaped_new(ctx, "x", array, many, 11, NULL, &sig, &err), &err, OPH_EINVAL,
                  "x", NULL, "1 to 10 sizes", "11");
    testOk1(!sig);
}

static void on_described(void *user, int32_t code, const char *why)
{
    (void)why;
    *(int32_t *)user = code;
}

/* Over the link: one flush, and no more than the array and the sizes. */
static void test_one_flush(void)
{
    static const char classes[] = "class Image\n"
                                  "row array ArrayData      ro array omitted\n"
                                  "row size0 ArraySize0_RBV ro int   normal\n"
                                  "row size1 ArraySize1_RBV ro int   normal\n";
    oph_context *ctx = fake_context(classes, NULL);
    oph_device *dev = NULL;
    oph_signal *array = NULL, *sizes[2] = {NULL}, *sig = NULL;
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    int64_t shape[2];
    fake_pv("P:ArrayData", OPH_INT32, 12, "", "5");
    fake_pv("P:ArraySize0_RBV", OPH_INT32, 1, "", "4");
    fake_pv("P:ArraySize1_RBV", OPH_INT32, 1, "", "3");
    derive_did(oph_device_new(ctx, "Image", "P:", "image", &dev, &err), &err);
    derive_did(oph_signal_find(dev, "array", &array, &err), &err);
    derive_did(oph_signal_find(dev, "size0", &sizes[0], &err), &err);
    derive_did(oph_signal_find(dev, "size1", &sizes[1], &err), &err);
    derive_did(oph_shaped_new(ctx, "frame", array, sizes, 2, NULL, &sig, &err), &err);
    check_done(oph_signal_read(sig, NULL, &value, &err), &err, "an image");
    const struct oph__link_ops *ops = sig->read->ops;
    int32_t dtype = 0, described = -1;
    uint32_t count = 0;
    testOk1(ops->chan_type(sig->read->chan, &dtype, &count) && dtype == OPH_INT32 && count == 12);
    derive_did(ops->describe(sig->read->chan, on_described, &described, &err), &err);
    oph__context_flush(ctx, NULL);
    fake_wait_flushes(fake_flushes());
    testOk(described == 0, "the array's description is the image's");
    testOk1(value && oph_value_shape(value, shape, 2) == 2 && shape[0] == 3 && shape[1] == 4);
    oph_value_free(value);
    value = NULL;
    fake_set("P:ArraySize1_RBV", "4");
    int flushes = fake_flushes();
    check_refused(oph_signal_read(sig, NULL, &value, &err), &err, OPH_ERANGE, "frame", "frame",
                  "a value", "12 elements for an array of 4x4");
    testOk(fake_flushes() == flushes + 1, "one flush");
    fake_down("P:ArraySize0_RBV");
    const oph_read_options soon = {.size = sizeof soon, .timeout = 0.05};
    check_refused(oph_signal_read(sig, &soon, &value, &err), &err, OPH_EDISCONN, "frame", "frame",
                  "a connection", "image.size0 (P:ArraySize0_RBV): the PV is not connected");
    oph_signal_free(sig);
    oph_device_free(dev);
    oph_context_free(ctx);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    make(&plugin);
    test_shapes();
    test_refusals();
    test_properties();
    test_updates();
    test_wrong_calls();
    testOk(fake_opened() == 0, "no link was opened");
    test_one_flush();
    oph_signal_free(plugin.by_rank);
    oph_signal_free(plugin.by_sizes);
    oph_signal_free(plugin.array);
    oph_signal_free(plugin.rank);
    for (int i = 0; i < SIZES; i++)
        oph_signal_free(plugin.sizes[i]);
    oph_context_free(plugin.ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
