/* From what the user wrote to what the channel takes, with every refusal made before anything is
 * sent. */
#include "base/err.h"
#include "base/str.h"
#include "core/value.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int refuse(const struct oph__target *t, int code, const char *wanted, const char *found,
                  oph_error *err)
{
    return oph__fail(err, code, (struct oph__at){.device = t->path, .pv = t->pv},
                     *wanted ? wanted : "\"\"", "%s", found);
}

void oph__wire_clear(struct oph__wire *wire)
{
    if (wire->data && wire->data != wire->small) free(wire->data);
    wire->data = NULL;
    wire->count = 0;
}

static int reserve(struct oph__wire *w, int32_t dtype, uint32_t count, oph_error *err)
{
    size_t bytes = count * oph_dtype_size(dtype);
    w->data = bytes <= sizeof w->small ? w->small : malloc(bytes);
    if (!w->data) return oph__fail_memory(err, "a value to put");
    memset(w->data, 0, bytes);
    w->dtype = dtype;
    w->count = count;
    return 0;
}

static int text_too_long(const struct oph__target *t, const char *text, size_t room, oph_error *err)
{
    char found[96];
    oph__format(found, sizeof found, "%zu characters, where the PV holds %zu%s", strlen(text), room,
                t->is_path ? " and a separator" : "");
    return refuse(t, OPH_ERANGE, text, found, err);
}

static int encode_text(const struct oph__literal *l, const struct oph__target *t,
                       struct oph__wire *w, oph_error *err)
{
    size_t length = strlen(l->text);
    if (t->info->dtype == OPH_TEXT) {
        size_t room = OPH__STRING_BYTES - 1 - t->is_path;
        if (length > room) return text_too_long(t, l->text, room, err);
        int rc = reserve(w, OPH_TEXT, 1, err);
        if (!rc) memcpy(w->data, l->text, length);
        return rc;
    }
    size_t room = t->info->count - 1 - (t->is_path && t->info->count > 1);
    if (length > room) return text_too_long(t, l->text, room, err);
    int rc = reserve(w, OPH_UINT8, (uint32_t)length + 1, err);
    if (!rc) memcpy(w->data, l->text, length);
    return rc;
}

static char *list_labels(const struct oph__chan_info *info, char *dst, size_t size)
{
    struct oph__buf buf = {0};
    for (unsigned i = 0; i < info->label_count; i++) {
        if (i) oph__buf_add(&buf, ", ");
        oph__buf_add(&buf, info->labels[i]);
    }
    oph__format(dst, size, "labels %s", buf.text ? buf.text : "none");
    oph__buf_free(&buf);
    return dst;
}

static int encode_enum(const struct oph__literal *l, const struct oph__target *t,
                       struct oph__wire *w, oph_error *err)
{
    int64_t index = -1;
    char labels[512];
    if (l->kind == OPH__LIT_INT) {
        index = l->i;
        /* A record without labels still has its indices. */
        unsigned count = t->info->label_count ? t->info->label_count : OPH__LABELS;
        if (index < 0 || index >= count) {
            oph__format(labels, sizeof labels, "indices 0 to %u", count - 1);
            return refuse(t, OPH_ERANGE, l->text, labels, err);
        }
    } else {
        for (unsigned i = 0; i < t->info->label_count && index < 0; i++) {
            if (!strcmp(t->info->labels[i], l->text)) index = i;
        }
        if (index < 0 && l->kind == OPH__LIT_FLOAT)
            return refuse(t, OPH_ETYPE, l->text, "a PV that holds labels and whole numbers", err);
        if (index < 0)
            return refuse(t, OPH_ERANGE, l->text, list_labels(t->info, labels, sizeof labels), err);
    }
    int rc = reserve(w, OPH_ENUM, 1, err);
    if (!rc) *(uint16_t *)w->data = (uint16_t)index;
    return rc;
}

static int encode_int(const struct oph__literal *l, const struct oph__target *t,
                      struct oph__wire *w, oph_error *err)
{
    static const struct {
        int64_t low, high;
    } range[] = {[OPH_UINT8] = {0, UINT8_MAX},
                 [OPH_INT16] = {INT16_MIN, INT16_MAX},
                 [OPH_INT32] = {INT32_MIN, INT32_MAX}};
    int32_t dtype = t->info->dtype;
    int64_t value = l->i;
    if (l->kind == OPH__LIT_TEXT || (l->kind == OPH__LIT_FLOAT && l->f != floor(l->f)))
        return refuse(t, OPH_ETYPE, l->text, "a PV that holds whole numbers", err);
    if (l->kind == OPH__LIT_FLOAT) /* what is too large for int64_t is so for any PV */
        value = fabs(l->f) < 0x1p53 ? (int64_t)l->f : l->f > 0 ? INT64_MAX : INT64_MIN;
    if (value < range[dtype].low || value > range[dtype].high) {
        char found[96];
        oph__format(found, sizeof found, "a PV that holds %lld to %lld",
                    (long long)range[dtype].low, (long long)range[dtype].high);
        return refuse(t, OPH_ERANGE, l->text, found, err);
    }
    int rc = reserve(w, dtype, 1, err);
    if (rc) return rc;
    if (dtype == OPH_UINT8) *(uint8_t *)w->data = (uint8_t)value;
    if (dtype == OPH_INT16) *(int16_t *)w->data = (int16_t)value;
    if (dtype == OPH_INT32) *(int32_t *)w->data = (int32_t)value;
    return 0;
}

static bool holds(int32_t dtype, int64_t i)
{
    double value = dtype == OPH_FLOAT32 ? (double)(float)i : (double)i;
    return value < 0x1p63 && (int64_t)value == i;
}

static int encode_float(const struct oph__literal *l, const struct oph__target *t,
                        struct oph__wire *w, oph_error *err)
{
    if (l->kind == OPH__LIT_TEXT)
        return refuse(t, OPH_ETYPE, l->text, "a PV that holds numbers", err);
    double value = l->kind == OPH__LIT_INT ? (double)l->i : l->f;
    if (l->kind == OPH__LIT_INT && !holds(t->info->dtype, l->i))
        return refuse(t, OPH_ERANGE, l->text,
                      "a floating-point PV, which cannot hold this integer exactly", err);
    if (!isfinite(value)) return refuse(t, OPH_ERANGE, l->text, "a number that is not finite", err);
    if (t->info->dtype == OPH_FLOAT32 && fabs(value) > (double)FLT_MAX)
        return refuse(t, OPH_ERANGE, l->text, "a PV of 32-bit floats", err);
    int rc = reserve(w, t->info->dtype, 1, err);
    if (rc) return rc;
    if (w->dtype == OPH_FLOAT32) *(float *)w->data = (float)value;
    if (w->dtype == OPH_FLOAT64) *(double *)w->data = value;
    return 0;
}

int oph__encode(const struct oph__literal *l, const struct oph__target *t, struct oph__wire *w,
                oph_error *err)
{
    if (!t->info->writable)
        return refuse(t, OPH_EACCESS, l->text, "no write access to the PV", err);
    switch (t->info->dtype) {
    case OPH_TEXT: return encode_text(l, t, w, err);
    case OPH_ENUM: return encode_enum(l, t, w, err);
    case OPH_UINT8:
        if (t->info->count > 1 && t->type != OPH__ARRAY) return encode_text(l, t, w, err);
        break;
    default: break;
    }
    if (t->info->count > 1) return refuse(t, OPH_ETYPE, l->text, "an array PV", err);
    if (t->info->dtype == OPH_FLOAT32 || t->info->dtype == OPH_FLOAT64)
        return encode_float(l, t, w, err);
    return encode_int(l, t, w, err);
}

int oph__encode_value(const struct oph_value *v, const struct oph__target *t, struct oph__wire *w,
                      oph_error *err)
{
    if (!t->info->writable)
        return refuse(t, OPH_EACCESS, "its former value", "no write access to the PV", err);
    /* An empty CHAR array is written as one NUL: a put has at least one element. */
    uint32_t count = v->count ? v->count : 1;
    int rc = reserve(w, v->dtype, count, err);
    if (!rc && v->count) memcpy(w->data, v->data, v->count * oph_dtype_size(v->dtype));
    return rc;
}
