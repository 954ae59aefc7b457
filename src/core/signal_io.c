/* What a program does with one signal: reads, puts, waits. Each is a group of one entry. */
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int run_one(oph_group *g, oph_error *err)
{
    int rc = oph__group_run(g, (double)INFINITY, true, err);
    return rc ? rc : oph__entry_error(g->entries.at[0], err);
}

static int read_one(oph_signal *sig, const oph_read_options *opt, void *into, size_t bytes,
                    oph_group **ret, oph_error *err)
{
    oph_error why = OPH_ERROR_INIT;
    oph_group *g;
    int rc = oph_group_new(sig->ctx, &g, err);
    if (rc) return rc;
    struct oph__entry *e = oph__group_add_read(g, sig, opt, &why);
    if (e) {
        e->how.into = into;
        e->how.into_bytes = bytes;
        rc = run_one(g, err);
    } else {
        rc = why.code;
        if (err) *err = why;
    }
    if (rc)
        oph__group_unref(g);
    else
        *ret = g;
    return rc;
}

static struct oph_value *value_of(oph_group *g)
{
    struct oph__entry *e = g->entries.at[0];
    return e->op ? &e->op->value : &e->value;
}

int oph_signal_read(oph_signal *sig, const oph_read_options *opt, oph_value **ret, oph_error *err)
{
    oph_group *g;
    int rc = read_one(sig, opt, NULL, 0, &g, err);
    if (rc) return rc;
    oph_value *value = calloc(1, sizeof *value);
    if (value) {
        oph__value_move(value, value_of(g));
        *ret = value;
    } else {
        rc = oph__fail_memory(err, "a value");
    }
    oph__group_unref(g);
    return rc;
}

static int no_room(const oph_signal *sig, size_t wanted, size_t found, oph_error *err)
{
    char text[64];
    oph__format(text, sizeof text, "%zu bytes of room", wanted);
    return oph__fail(err, OPH_ERANGE, oph__pv_at(sig->read), text, "%zu", found);
}

int oph_signal_read_into(oph_signal *sig, const oph_read_options *opt, void *buffer, size_t bytes,
                         size_t *ret_count, oph_error *err)
{
    static char nowhere; /* so that a NULL of no bytes is a buffer too small */
    oph_group *g;
    int rc = read_one(sig, opt, buffer ? buffer : &nowhere, buffer ? bytes : 0, &g, err);
    if (rc) return rc;
    const struct oph_value *v = value_of(g);
    size_t size = v->count * oph_dtype_size(v->dtype);
    if (!v->data) { /* it went there straight away */
        *ret_count = v->count;
    } else if (size > bytes) {
        rc = no_room(sig, size, bytes, err);
    } else {
        memcpy(buffer, v->data, size);
        *ret_count = v->count;
    }
    oph__group_unref(g);
    return rc;
}

static int not_a(oph_signal *sig, const oph_value *value, int code, const char *wanted,
                 oph_error *err)
{
    char found[320];
    struct oph__chan_info info = {0};
    oph__pv_info(sig->read, &info);
    return oph__fail(err, code, oph__pv_at(sig->read), wanted, "%s",
                     oph__value_show(value, &info, found, sizeof found));
}

/* An empty text in a CHAR waveform comes as one element, its NUL, which is no number. */
static bool is_single(oph_signal *sig, const oph_value *value)
{
    struct oph__chan_info info = {0};
    const struct oph__row *row = sig->row;
    if (value->count != 1) return false;
    if (value->dtype != OPH_UINT8 || (row && row->type == OPH__ARRAY)) return true;
    oph__pv_info(sig->read, &info);
    return info.count <= 1;
}

static int to_int(oph_signal *sig, const oph_value *value, int64_t *ret, oph_error *err)
{
    double d;
    if (!is_single(sig, value)) return not_a(sig, value, OPH_ETYPE, "a whole number", err);
    if (oph__value_int(value, ret)) return 0;
    if (value->dtype == OPH_UINT64)
        return not_a(sig, value, OPH_ERANGE, "a whole number below 2^63", err);
    if (oph__value_double(value, &d) && d == floor(d) && isfinite(d))
        return not_a(sig, value, OPH_ERANGE,
                     "a whole number that Channel Access carries as it is, below 2^53", err);
    return not_a(sig, value, OPH_ETYPE, "a whole number", err);
}

int oph_signal_get_int(oph_signal *sig, int64_t *ret, oph_error *err)
{
    oph_group *g;
    int rc = read_one(sig, NULL, NULL, 0, &g, err);
    if (rc) return rc;
    rc = to_int(sig, value_of(g), ret, err);
    oph__group_unref(g);
    return rc;
}

int oph_signal_get_double(oph_signal *sig, double *ret, oph_error *err)
{
    oph_group *g;
    int rc = read_one(sig, NULL, NULL, 0, &g, err);
    if (rc) return rc;
    const struct oph_value *value = value_of(g);
    if (!is_single(sig, value) || !oph__value_double(value, ret))
        rc = not_a(sig, value, OPH_ETYPE, "a number", err);
    oph__group_unref(g);
    return rc;
}

/* Text is given as it is; labels and numbers as a person reads them. */
static int as_text(oph_signal *sig, const oph_value *value, char *buffer, size_t size,
                   oph_error *err)
{
    struct oph__chan_info info = {0};
    char shown[64];
    const char *text = shown;
    size_t length;
    bool known = oph__pv_info(sig->read, &info);
    if (!known && (value->dtype == OPH_ENUM || value->dtype == OPH_UINT8)) /* a label, or text */
        return oph__fail(err, OPH_EDISCONN, oph__pv_at(sig->read), "what its value stands for",
                         "the PV is not connected");
    bool is_text = oph__value_is_text(value) || (value->dtype == OPH_UINT8 && info.count > 1);
    if (value->count != 1 && (!is_text || value->dtype == OPH_TEXT))
        return not_a(sig, value, OPH_ETYPE, "one text, label or number", err);
    if (is_text) {
        oph__value_text(value, &text, &length);
    } else {
        oph__value_show(value, &info, shown, sizeof shown);
        length = strlen(shown);
    }
    if (length >= size) {
        char wanted[64];
        oph__format(wanted, sizeof wanted, "a text of at most %zu characters", size ? size - 1 : 0);
        return oph__fail(err, OPH_ERANGE, oph__pv_at(sig->read), wanted, "%zu", length);
    }
    memcpy(buffer, text, length);
    buffer[length] = 0;
    return 0;
}

int oph_signal_get_text(oph_signal *sig, char *buffer, size_t size, oph_error *err)
{
    oph_group *g;
    int rc = read_one(sig, NULL, NULL, 0, &g, err);
    if (rc) return rc;
    rc = as_text(sig, value_of(g), buffer, size, err);
    oph__group_unref(g);
    return rc;
}

/* Putting */

static int put_group(oph_signal *sig, const oph_data *value, const struct oph__literal *literal,
                     const oph_put_options *opt, bool copy, oph_group **ret, oph_error *err)
{
    oph_group *g;
    int rc = oph_group_new(sig->ctx, &g, err);
    if (rc) return rc;
    rc = oph__group_add_put(g, sig, value, literal, opt, copy, err);
    if (rc)
        oph__group_unref(g);
    else
        *ret = g;
    return rc;
}

static int put(oph_signal *sig, const oph_data *value, const struct oph__literal *literal,
               const oph_put_options *opt, oph_error *err)
{
    oph_group *g;
    int rc = put_group(sig, value, literal, opt, false, &g, err);
    if (rc) return rc;
    rc = run_one(g, err);
    oph__group_unref(g);
    return rc;
}

int oph_signal_put(oph_signal *sig, const oph_data *value, const oph_put_options *opt,
                   oph_error *err)
{
    return put(sig, value, NULL, opt, err);
}

/* The status keeps the group. */
static int start(oph_signal *sig, oph_group *g, const char *kind, oph_status **ret_status,
                 oph_error *err)
{
    int rc = oph__group_start(g, kind, sig->path, (double)INFINITY, ret_status, err);
    oph__group_unref(g);
    return rc;
}

int oph_signal_put_start(oph_signal *sig, const oph_data *value, const oph_put_options *opt,
                         oph_status **ret_status, oph_error *err)
{
    oph_group *g;
    int rc = put_group(sig, value, NULL, opt, true, &g, err);
    return rc ? rc : start(sig, g, "PutStatus", ret_status, err);
}

int oph_signal_put_int(oph_signal *sig, int64_t value, oph_error *err)
{
    char text[32];
    oph__format(text, sizeof text, "%lld", (long long)value);
    const struct oph__literal literal = {.kind = OPH__LIT_INT, .i = value, .text = text};
    return put(sig, NULL, &literal, NULL, err);
}

int oph_signal_put_double(oph_signal *sig, double value, oph_error *err)
{
    char text[32];
    oph__from_double(text, sizeof text, value);
    const struct oph__literal literal = {.kind = OPH__LIT_FLOAT, .f = value, .text = text};
    return put(sig, NULL, &literal, NULL, err);
}

int oph_signal_put_text(oph_signal *sig, const char *value, oph_error *err)
{
    if (!value) return oph__fail(err, OPH_EINVAL, oph__pv_at(sig->set), "a text", "NULL");
    const struct oph__literal literal = {.kind = OPH__LIT_TEXT, .text = value};
    return put(sig, NULL, &literal, NULL, err);
}

/* Waiting */

static int wait_group(oph_signal *sig, const oph_condition *until, double timeout, bool copy,
                      oph_group **ret, oph_error *err)
{
    oph_group *g;
    int rc = oph_group_new(sig->ctx, &g, err);
    if (rc) return rc;
    rc = oph__group_add_wait(g, sig, until, timeout, copy, err);
    if (rc)
        oph__group_unref(g);
    else
        *ret = g;
    return rc;
}

int oph_signal_wait(oph_signal *sig, const oph_condition *until, double timeout, oph_error *err)
{
    oph_group *g;
    int rc = wait_group(sig, until, timeout, false, &g, err);
    if (rc) return rc;
    rc = run_one(g, err);
    oph__group_unref(g);
    return rc;
}

int oph_signal_wait_start(oph_signal *sig, const oph_condition *until, double timeout,
                          oph_status **ret_status, oph_error *err)
{
    oph_group *g;
    int rc = wait_group(sig, until, timeout, true, &g, err);
    return rc ? rc : start(sig, g, "WaitStatus", ret_status, err);
}
