/* What a file store says of the images that it writes. */
#include "ad/image_key.h"
#include "ad/image.h"
#include "ad/shot.h"
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include "core/reading.h"
#include <stdlib.h>

/* What is asked for, in one flush: of the plugin, since a Pilatus cam's own type and sizes are
 * disabled records, and of the cam. */
enum { DATA_TYPE, NDIMS, WIDTH, HEIGHT, DEPTH, CAPTURE, IMAGES, MODE, ROWS };
static const char *const paths[ROWS] = {"data_type",         "ndimensions",      "array_size.width",
                                        "array_size.height", "array_size.depth", "num_capture",
                                        "cam.num_images",    "cam.image_mode"};

struct asking {
    oph_device *dev, *det;
    oph_group *group;
    struct oph__entry *rows[ROWS]; /* NULL: the detector has none */
};

static int ask(struct asking *a, double timeout, oph_error *err)
{
    int rc = oph_group_new(a->dev->ctx, &a->group, err);
    for (int i = 0; !rc && i < ROWS; i++) {
        bool of_cam = i >= IMAGES;
        oph_signal *sig;
        int found = oph_signal_find(of_cam ? a->det : a->dev, paths[i], &sig, of_cam ? NULL : err);
        if (found && of_cam) continue;
        rc = found;
        if (rc) break;
        a->rows[i] = oph__group_add(a->group, OPH__READ, sig, sig->read, err);
        if (!a->rows[i]) return OPH_ENOMEM;
        a->rows[i]->timeout = timeout;
        if (i == DATA_TYPE) a->rows[i]->how.dtype = OPH_TEXT; /* its label */
    }
    if (!rc) rc = oph__group_run(a->group, (double)INFINITY, true, err);
    for (int i = 0; !rc && i < ROWS; i++)
        if (a->rows[i]) rc = oph__entry_error(a->rows[i], err);
    return rc;
}

static int64_t number(const struct asking *a, int row, int64_t otherwise)
{
    int64_t n = otherwise;
    if (a->rows[row]) oph__value_int(&a->rows[row]->op->value, &n);
    return n;
}

static struct oph__at place(const struct asking *a, int row)
{
    return oph__pv_at(a->rows[row]->sig->read);
}

/* What the user said, or the camera's; a file takes no more than NumCapture. -1: not known, or
 * without end. */
static int64_t frames_of(const struct asking *a)
{
    int64_t said = atomic_load(&a->det->frames);
    if (said > 0) return said;
    int64_t frames = number(a, IMAGES, -1), most = number(a, CAPTURE, 0);
    oph_device *cam;
    bool known = a->rows[MODE] && !oph_device_child(a->det, "cam", &cam, NULL);
    if (known) frames = (int64_t)oph__cam_images(cam, (double)frames, (double)number(a, MODE, 0));
    return most > 0 && (frames < 0 || frames > most) ? most : frames;
}

/* Its first dimension is the fastest, and our last. */
static int describe(const struct asking *a, oph_description *told, oph_error *err)
{
    const char *label;
    size_t length;
    char text[OPH__STRING_BYTES + 1];
    oph__value_text(&a->rows[DATA_TYPE]->op->value, &label, &length);
    oph__format(text, sizeof text, "%.*s", (int)length, label);
    told->dtype_numpy = oph__numpy_type(oph__ndarray_dtype(text));
    int64_t dims = number(a, NDIMS, 0);
    if (dims < 1 || number(a, WIDTH, 0) < 1)
        return oph__fail(err, OPH_EUNPRIMED, place(a, WIDTH), "the size of a frame",
                         "none: no frame has reached the plugin since the IOC started; call "
                         "oph_warmup, or describe after the first trigger");
    if (dims > OPH__IMAGE_AXES || !told->dtype_numpy)
        return oph__fail(err, OPH_ETYPE, place(a, dims > OPH__IMAGE_AXES ? NDIMS : DATA_TYPE),
                         "an array of at most 3 dimensions and a known type",
                         "%lld dimensions of %s", (long long)dims, text);
    told->rank = (uint32_t)dims + 1;
    told->shape[0] = frames_of(a);
    for (int i = 0; i < dims; i++) {
        int64_t size = number(a, WIDTH + i, 0);
        if (size < 1)
            return oph__fail(err, OPH_ERANGE, place(a, WIDTH + i), "the size of a frame",
                             "%lld pixels", (long long)size);
        told->shape[dims - i] = size;
    }
    return 0;
}

static int add(const struct asking *a, struct oph__describing *to, oph_error *err)
{
    char *key = oph__dupf("%s_image", a->det->name), *source = oph__dupf("PV:%s", a->det->prefix);
    oph_description told = {
        .source = source, .dtype = "array", .external = "FILESTORE:", .store = a->dev};
    int rc = key && source ? describe(a, &told, err) : oph__fail_memory(err, "a key");
    if (!rc && oph__describe_has(to, key)) {
        free(key);
        key = oph__dupf("%s_image", a->dev->name);
        if (!key) rc = oph__fail_memory(err, "a key");
    }
    told.key = key;
    if (!rc) rc = oph__describe_add(to, &told, err);
    free(key);
    free(source);
    return rc;
}

int oph__image_key(oph_device *dev, void *data, struct oph__describing *to, oph_error *err)
{
    (void)data;
    struct asking a = {.dev = dev, .det = oph__device_detector(dev)};
    int rc = ask(&a, to->timeout, err);
    if (!rc) rc = add(&a, to, err);
    if (a.group) oph__group_unref(a.group);
    return rc;
}
