/* From what the user wrote to what the channel takes, with every refusal made before anything is
 * sent. */
#include "core/encode.h"
#include "base/err.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

void oph__wire_clear(struct oph__wire *wire)
{
    if (wire->data && wire->data != wire->small) free(wire->data);
    wire->data = NULL;
    wire->count = 0;
}

int oph__wire_reserve(struct oph__wire *w, int32_t dtype, uint32_t count, oph_error *err)
{
    size_t bytes = count * oph_dtype_size(dtype);
    w->data = bytes <= sizeof w->small ? w->small : calloc(1, bytes);
    if (!w->data) return oph__fail_memory(err, "a value to put");
    if (w->data == w->small) memset(w->small, 0, sizeof w->small);
    w->dtype = dtype;
    w->count = count;
    return 0;
}

static int text_too_long(const struct oph__target *t, const char *text, size_t length, size_t room,
                         oph_error *err)
{
    char wanted[320], found[96];
    oph__format(wanted, sizeof wanted, "%.*s", (int)(length < 400 ? length : 400), text);
    oph__format(found, sizeof found, "%zu characters, where the PV holds %zu%s", length, room,
                t->is_path ? " and a separator" : "");
    return oph__encode_refuse(t, OPH_ERANGE, wanted, found, err);
}

/* Text of `length` characters into element `index` of a wire of 40-byte strings. */
static int store_text(const char *text, size_t length, const struct oph__target *t,
                      struct oph__wire *w, uint32_t index, oph_error *err)
{
    size_t room = OPH__STRING_BYTES - 1 - t->is_path;
    if (length > room) return text_too_long(t, text, length, room, err);
    memcpy((char *)w->data + (size_t)index * OPH__STRING_BYTES, text, length);
    return 0;
}

static int encode_text(const struct oph__literal *l, const struct oph__target *t,
                       struct oph__wire *w, oph_error *err)
{
    size_t length = strlen(l->text);
    if (t->info->dtype == OPH_TEXT) {
        int rc = oph__wire_reserve(w, OPH_TEXT, 1, err);
        return rc ? rc : store_text(l->text, length, t, w, 0, err);
    }
    size_t room = t->info->count - 1 - (t->is_path && t->info->count > 1);
    if (length > room) return text_too_long(t, l->text, length, room, err);
    int rc = oph__wire_reserve(w, OPH_UINT8, (uint32_t)length + 1, err);
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

static int encode_label(const char *label, const struct oph__target *t, struct oph__wire *w,
                        uint32_t at, oph_error *err)
{
    char labels[512];
    for (unsigned i = 0; i < t->info->label_count; i++) {
        if (strcmp(t->info->labels[i], label) != 0) continue;
        ((uint16_t *)w->data)[at] = (uint16_t)i;
        return 0;
    }
    return oph__encode_refuse(t, OPH_ERANGE, label, list_labels(t->info, labels, sizeof labels),
                              err);
}

static int encode_index(int64_t index, const char *text, const struct oph__target *t,
                        struct oph__wire *w, uint32_t at, oph_error *err)
{
    /* A record without labels still has its indices. */
    unsigned count = t->info->label_count ? t->info->label_count : OPH__LABELS;
    if (index < 0 || index >= count) {
        char found[64];
        oph__format(found, sizeof found, "indices 0 to %u", count - 1);
        return oph__encode_refuse(t, OPH_ERANGE, text, found, err);
    }
    ((uint16_t *)w->data)[at] = (uint16_t)index;
    return 0;
}

static int encode_enum(const struct oph__literal *l, const struct oph__target *t,
                       struct oph__wire *w, oph_error *err)
{
    int rc = oph__wire_reserve(w, OPH_ENUM, 1, err);
    if (rc) return rc;
    if (l->kind == OPH__LIT_INT) return encode_index(l->i, l->text, t, w, 0, err);
    oph_error why = OPH_ERROR_INIT;
    rc = encode_label(l->text, t, w, 0, &why); /* "1.5" may be a label */
    if (rc && l->kind == OPH__LIT_FLOAT)
        return oph__encode_refuse(t, OPH_ETYPE, l->text, "a PV that holds labels and whole numbers",
                                  err);
    if (rc && err) *err = why;
    return rc;
}

static int encode_number(const struct oph__number *n, const struct oph__target *t,
                         struct oph__wire *w, oph_error *err)
{
    int rc = oph__wire_reserve(w, t->info->dtype, 1, err);
    return rc ? rc : oph__encode_number(n, t, w, 0, err);
}

static int encode_literal_number(const struct oph__literal *l, const struct oph__target *t,
                                 struct oph__wire *w, oph_error *err)
{
    bool is_float = oph__is_float(t->info->dtype);
    if (l->kind == OPH__LIT_TEXT)
        return oph__encode_refuse(
            t, OPH_ETYPE, l->text,
            is_float ? "a PV that holds numbers" : "a PV that holds whole numbers", err);
    const struct oph__number n = {.is = l->kind == OPH__LIT_INT ? OPH__IS_INT : OPH__IS_FLOAT,
                                  .i = l->i,
                                  .f = l->f,
                                  .text = l->text};
    return encode_number(&n, t, w, err);
}

static bool takes_chars_as_text(const struct oph__target *t)
{
    return t->info->dtype == OPH_UINT8 && t->info->count > 1 && t->type != OPH__ARRAY;
}

static int no_access(const char *text, const struct oph__target *t, oph_error *err)
{
    return oph__encode_refuse(t, OPH_EACCESS, text, "no write access to the PV", err);
}

static int encode(const struct oph__literal *l, const struct oph__target *t, struct oph__wire *w,
                  oph_error *err)
{
    if (!t->info->writable) return no_access(l->text, t, err);
    if (t->info->dtype == OPH_TEXT || takes_chars_as_text(t)) return encode_text(l, t, w, err);
    if (t->info->dtype == OPH_ENUM) return encode_enum(l, t, w, err);
    if (t->info->count > 1) return oph__encode_refuse(t, OPH_ETYPE, l->text, "an array PV", err);
    return encode_literal_number(l, t, w, err);
}

/* A refusal leaves nothing behind. */
static int cleared(int rc, struct oph__wire *w)
{
    if (rc) oph__wire_clear(w);
    return rc;
}

int oph__encode(const struct oph__literal *l, const struct oph__target *t, struct oph__wire *w,
                oph_error *err)
{
    *w = (struct oph__wire){0};
    return cleared(encode(l, t, w, err), w);
}

/* What a program gives */

static bool is_text(const oph_data *d)
{
    return d->dtype == OPH_STRING || d->dtype == OPH_TEXT;
}

static const char *text_at(const oph_data *d, uint64_t i, size_t *ret_length)
{
    const char *text = d->dtype == OPH_STRING
                           ? ((const char *const *)d->data)[i]
                           : (const char *)d->data + (size_t)i * OPH__STRING_BYTES;
    *ret_length = d->dtype == OPH_STRING ? strlen(text) : strnlen(text, OPH__STRING_BYTES);
    return text;
}

static bool takes_a_number(const struct oph__target *t)
{
    return t->info->writable && t->info->count == 1 && t->info->dtype != OPH_TEXT &&
           t->info->dtype != OPH_ENUM;
}

/* One element is what a person could have written; which a number is only turned into where it has
 * to be, for that takes longer than the rest of a put. */
static int encode_one(const oph_data *d, const struct oph__target *t, struct oph__wire *w,
                      oph_error *err)
{
    struct oph__literal l = {.kind = OPH__LIT_TEXT};
    char text[OPH__STRING_BYTES + 1];
    size_t length;
    if (d->dtype == OPH_STRING) {
        l.text = text_at(d, 0, &length);
    } else if (d->dtype == OPH_TEXT) {
        const char *from = text_at(d, 0, &length);
        l.text = oph__format(text, sizeof text, "%.*s", (int)length, from);
    } else {
        const struct oph__number n = oph__number_at(d, 0);
        if (takes_a_number(t)) return encode_number(&n, t, w, err);
        if (n.is == OPH__IS_UINT) { /* no literal holds it */
            oph__format(text, sizeof text, "%llu", (unsigned long long)n.u);
            if (!t->info->writable) return no_access(text, t, err);
            if (t->info->dtype == OPH_TEXT || t->info->dtype == OPH_ENUM || takes_chars_as_text(t))
                return oph__encode_refuse(t, OPH_ERANGE, text, "a PV of labels or text", err);
            return oph__encode_refuse(t, OPH_ETYPE, text, "an array PV", err);
        }
        l.kind = n.is == OPH__IS_INT ? OPH__LIT_INT : OPH__LIT_FLOAT;
        l.i = n.i;
        l.f = n.f;
        l.text = n.is == OPH__IS_INT ? oph__format(text, sizeof text, "%lld", (long long)n.i)
                                     : oph__from_double(text, sizeof text, n.f);
    }
    return encode(&l, t, w, err);
}

static int encode_element(const oph_data *d, uint32_t i, const struct oph__target *t,
                          struct oph__wire *w, oph_error *err)
{
    size_t length;
    if (is_text(d)) {
        const char *text = text_at(d, i, &length);
        if (w->dtype == OPH_TEXT) return store_text(text, length, t, w, i, err);
        if (w->dtype == OPH_ENUM) return encode_label(text, t, w, i, err);
        return oph__encode_refuse(t, OPH_ETYPE, text, "an array of numbers", err);
    }
    const struct oph__number n = oph__number_at(d, i);
    if (w->dtype == OPH_TEXT)
        return oph__encode_refuse(t, OPH_ETYPE, "numbers", "an array of strings", err);
    return oph__encode_number(&n, t, w, i, err);
}

static int encode_array(const oph_data *d, const struct oph__target *t, struct oph__wire *w,
                        oph_error *err)
{
    char wanted[64], found[64];
    oph__format(wanted, sizeof wanted, "%llu elements", (unsigned long long)d->count);
    if (!t->info->writable) return no_access(wanted, t, err);
    if (!d->count || d->count > t->info->count) {
        oph__format(found, sizeof found, "a PV that holds 1 to %u", t->info->count);
        return oph__encode_refuse(t, OPH_ERANGE, wanted, found, err);
    }
    int rc = oph__wire_reserve(w, t->info->dtype, (uint32_t)d->count, err);
    for (uint32_t i = 0; !rc && i < w->count; i++)
        rc = encode_element(d, i, t, w, err);
    return rc;
}

int oph__encode_data(const oph_data *d, const struct oph__target *t, struct oph__wire *w,
                     oph_error *err)
{
    bool bytes = d->dtype == OPH_UINT8 || d->dtype == OPH_INT8;
    bool one = d->count == 1 && (t->info->count == 1 || (takes_chars_as_text(t) && !bytes));
    *w = (struct oph__wire){0};
    return cleared(one ? encode_one(d, t, w, err) : encode_array(d, t, w, err), w);
}

int oph__encode_value(const struct oph_value *v, const struct oph__target *t, struct oph__wire *w,
                      oph_error *err)
{
    *w = (struct oph__wire){0};
    if (!t->info->writable) return no_access("its former value", t, err);
    /* An empty CHAR array is written as one NUL: a put has at least one element. */
    uint32_t count = v->count ? v->count : 1;
    int rc = oph__wire_reserve(w, v->dtype, count, err);
    if (!rc && v->count) memcpy(w->data, v->data, v->count * oph_dtype_size(v->dtype));
    return rc;
}
