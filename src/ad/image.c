/* The live image of an image plugin, over Channel Access. */
#include "ad/image.h"
#include "base/err.h"
#include "base/str.h"
#include "core/ops.h"
#include "core/write.h"
#include <cophyd/detector.h>
#include <string.h>

/* What is asked for, in this order, in one flush. The unique id comes twice: a new frame that
 * arrives between would give sizes of one and pixels of another. */
enum { ID_BEFORE, DATA_TYPE, NDIMS, WIDTH, HEIGHT, DEPTH, PIXELS, ID_AFTER, ROWS };
static const char *const paths[ROWS] = {"unique_id",        "data_type",         "ndimensions",
                                        "array_size.width", "array_size.height", "array_size.depth",
                                        "array_data",       "unique_id"};

int32_t oph__ndarray_dtype(const char *label)
{
    static const char *const labels[] = {"Int8",   "UInt8", "Int16",  "UInt16",  "Int32",
                                         "UInt32", "Int64", "UInt64", "Float32", "Float64"};
    for (int i = 0; i < (int)(sizeof labels / sizeof labels[0]); i++) {
        if (oph__equal(labels[i], label)) return OPH_INT8 + i;
    }
    return OPH_NONE;
}

struct asking {
    oph_device *dev;
    oph_signal *sigs[ROWS];
    struct oph__ops *group;
};

static int find(struct asking *a, struct oph__patience patience, oph_error *err)
{
    struct oph__vec all = {.at = (void **)a->sigs, .count = ROWS};
    for (int i = 0; i < ROWS; i++) {
        int rc = oph_signal_find(a->dev, paths[i], &a->sigs[i], err);
        if (rc) return rc;
    }
    return oph__connect_signals(a->dev->ctx, &all, patience, NULL, err);
}

static int ask(struct asking *a, double deadline, void *buffer, size_t bytes, oph_error *err)
{
    int rc = oph__ops_new(a->dev->ctx, ROWS, &a->group, err);
    for (int i = 0; !rc && i < ROWS; i++) {
        if (i == PIXELS)
            oph__ops_get(
                a->group, a->sigs[i]->read,
                &(struct oph__how_to_get){.dtype = OPH_NONE, .into = buffer, .into_bytes = bytes},
                NULL);
        else
            oph__ops_get(a->group, a->sigs[i]->read, NULL, NULL);
    }
    if (!rc) rc = oph__ops_wait(a->group, deadline, true, err);
    for (int i = 0; i < ROWS && (!rc || rc == OPH_ETIMEOUT); i++) {
        const struct oph__op *op = oph__ops_at(a->group, (size_t)i);
        if (i == PIXELS && op->done && op->code == OPH_ERANGE) continue; /* said better below */
        int one = oph__op_error(op, "a value", 0, err);
        if (one) return one;
    }
    return rc;
}

static int64_t number(const struct asking *a, int row)
{
    int64_t n = 0;
    oph__value_int(&oph__ops_at(a->group, (size_t)row)->value, &n);
    return n;
}

static struct oph__at place(const struct asking *a, int row)
{
    return oph__pv_at(a->sigs[row]->read);
}

/* Shape and type as the plugin gives them: X is its first dimension and our last. */
static int describe(const struct asking *a, oph_image_info *info, oph_error *err)
{
    struct oph__chan_info chan = {0};
    char label[32];
    oph__pv_info(a->sigs[DATA_TYPE]->read, &chan);
    oph__value_show(&oph__ops_at(a->group, DATA_TYPE)->value, &chan, label, sizeof label);
    info->dtype = oph__ndarray_dtype(label);
    info->unique_id = (int32_t)number(a, ID_AFTER);
    int64_t dims = number(a, NDIMS);
    if (dims < 1 || number(a, WIDTH) < 1)
        return oph__fail(err, OPH_ESTATE, place(a, PIXELS), "an image",
                         "none: no frame has reached the plugin yet");
    if (dims > OPH__IMAGE_AXES || info->dtype == OPH_NONE)
        return oph__fail(err, OPH_ETYPE, place(a, dims > OPH__IMAGE_AXES ? NDIMS : DATA_TYPE),
                         "an array of at most 3 dimensions and a known type",
                         "%lld dimensions of %s", (long long)dims, label);
    info->rank = (uint32_t)dims;
    info->bytes = (int64_t)oph_dtype_size(info->dtype);
    for (size_t i = 0; i < sizeof info->shape / sizeof info->shape[0]; i++)
        info->shape[i] = 1;
    for (int i = 0; i < dims; i++) {
        int64_t size = number(a, WIDTH + i);
        if (size < 1 || __builtin_mul_overflow(info->bytes, size, &info->bytes))
            return oph__fail(err, OPH_ERANGE, place(a, WIDTH + i), "the size of an image",
                             "%lld pixels", (long long)size);
        info->shape[dims - 1 - i] = size;
    }
    return 0;
}

static int check_pixels(const struct asking *a, const oph_image_info *info, size_t bytes,
                        oph_error *err)
{
    const struct oph__op *op = oph__ops_at(a->group, PIXELS);
    int64_t sent = (int64_t)op->value.count * (int64_t)oph_dtype_size(op->value.dtype);
    char wanted[64];
    if ((uint64_t)info->bytes > bytes || op->code == OPH_ERANGE) {
        oph__format(wanted, sizeof wanted, "a buffer of %lld bytes",
                    (long long)(info->bytes > sent ? info->bytes : sent));
        return oph__fail(err, OPH_ERANGE, place(a, PIXELS), wanted, "one of %zu", bytes);
    }
    /* NDStdArrays: a waveform whose NELM or FTVL is too small for the frame. */
    oph__format(wanted, sizeof wanted, "%lld bytes of %s", (long long)info->bytes,
                oph_dtype_name(info->dtype));
    if (sent < info->bytes || oph_dtype_size(op->value.dtype) != oph_dtype_size(info->dtype))
        return oph__fail(err, OPH_ETYPE, place(a, PIXELS), wanted, "%lld bytes of %s",
                         (long long)sent, oph_dtype_name(op->value.dtype));
    return 0;
}

/* Anew as long as the sizes are of one frame and the pixels of another. */
static int ask_for_whole(struct asking *a, struct oph__patience patience, void *buffer,
                         size_t bytes, oph_error *err)
{
    int rc = find(a, patience, err);
    bool torn = true;
    while (!rc && torn) {
        oph__ops_free(a->group);
        a->group = NULL;
        rc = ask(a, patience.until, buffer, bytes, err);
        torn = !rc && number(a, ID_BEFORE) != number(a, ID_AFTER);
        if (torn && oph__now() >= patience.until)
            rc = oph__fail(err, OPH_ETIMEOUT, place(a, PIXELS), "one whole frame",
                           "that each was followed by the next while it was read");
    }
    return rc;
}

int oph_image_read(oph_device *dev, double timeout, void *buffer, size_t buffer_bytes,
                   oph_image_info *ret, oph_error *err)
{
    struct asking a = {.dev = dev};
    oph_image_info info = {.size = sizeof info};
    const struct oph__patience patience = oph__patience(timeout, dev->ctx->options.get_timeout);
    if (ret->size < sizeof ret->size)
        return oph__fail_text(err, OPH_EINVAL, "oph_image_read: wanted the info's size, found %u",
                              (unsigned)ret->size);
    int rc = oph__context_may_block(dev->ctx, err);
    if (rc) return rc;
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = ask_for_whole(&a, patience, buffer, buffer_bytes, err);
    oph__call_end(&dev->ctx->waits, &call);
    if (!rc) rc = describe(&a, &info, err);
    if (!rc) rc = check_pixels(&a, &info, buffer_bytes, err);
    oph__ops_free(a.group);
    if (rc) return rc;
    uint32_t size = ret->size;
    memcpy(ret, &info, size < sizeof info ? size : sizeof info);
    ret->size = size;
    return 0;
}
