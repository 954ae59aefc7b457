#include "base/err.h"
#include "base/str.h"
#include "core/write.h"
#include <stdlib.h>
#include <string.h>

enum { PV_NAME_MAX = 60 }; /* EPICS Base records; a field name may follow */

void oph__signal_free(oph_signal *sig)
{
    if (!sig) return;
    if (sig->read != sig->set) oph__pv_free(sig->read);
    oph__pv_free(sig->set);
    free(sig->path);
    free(sig);
}

static bool has_readback(const struct oph__row *row)
{
    return row->how == OPH__RBV || row->how == OPH__PATH || row->how == OPH__START;
}

static int make_pv(oph_signal *sig, const char *tail, struct oph__pv **ret, oph_error *err)
{
    char *name = oph__dupf("%s%s%s", sig->dev->prefix, sig->row->suffix, tail);
    if (!name) return oph__fail_memory(err, "a signal");
    int rc = 0;
    if (strcspn(name, ".") > PV_NAME_MAX)
        rc = oph__fail(err, OPH_ERANGE, (struct oph__at){.device = sig->path, .pv = name},
                       "a PV name of at most 60 characters", "%zu", strcspn(name, "."));
    if (!rc) rc = oph__pv_new(sig->ctx, name, sig->path, ret, err);
    free(name);
    return rc;
}

int oph__signal_new(oph_device *dev, const struct oph__row *row, oph_signal **ret, oph_error *err)
{
    oph_signal *sig = calloc(1, sizeof *sig);
    if (sig) sig->path = oph__dupf("%s.%s", dev->path, row->attr);
    if (!sig || !sig->path) {
        oph__signal_free(sig);
        return oph__fail_memory(err, "a signal");
    }
    sig->ctx = dev->ctx;
    sig->dev = dev;
    sig->row = row;
    int rc = make_pv(sig, "", &sig->set, err);
    sig->read = sig->set;
    if (!rc && has_readback(row)) rc = make_pv(sig, "_RBV", &sig->read, err);
    if (rc) {
        sig->read = sig->set;
        oph__signal_free(sig);
        return rc;
    }
    *ret = sig;
    return 0;
}

/* Another release has the attribute: say so rather than "no such attribute". */
static int not_there(oph_device *dev, const char *attr, oph_error *err)
{
    for (size_t i = 0; i < dev->cls->others.count; i++) {
        const struct oph__row *row = dev->cls->others.at[i];
        if (!oph__equal(row->attr, attr)) continue;
        char version[32] = "this release";
        int v = dev->cls->version;
        if (v) oph__format(version, sizeof version, "release %d.%d", v / 1000, v % 1000);
        return oph__fail(err, OPH_EABSENT, (struct oph__at){.device = dev->path}, attr,
                         "%s of areaDetector, which %s %d.%d", version,
                         row->how == OPH__GONE ? "lacks it: it is gone since"
                                               : "lacks it: it exists since",
                         row->since / 1000, row->since % 1000);
    }
    return oph__fail(err, OPH_ENOTFOUND, (struct oph__at){.device = dev->path}, attr,
                     "no such attribute in class %s", dev->cls->name);
}

int oph__device_signal(oph_device *dev, const char *attr, oph_signal **ret, oph_error *err)
{
    int rc = oph__context_check(dev->ctx, err);
    if (rc) return rc;
    pthread_mutex_lock(&dev->ctx->lock);
    const struct oph__row *row = oph__class_row(dev->cls, attr);
    oph_signal *sig = oph__map_get(&dev->by_attr, attr);
    if (!row) {
        rc = not_there(dev, attr, err);
    } else if (!sig) {
        rc = oph__signal_new(dev, row, &sig, err);
        if (!rc && (!oph__vec_add(&dev->signals, sig) || !oph__map_set(&dev->by_attr, attr, sig))) {
            oph__vec_drop(&dev->signals, sig);
            oph__signal_free(sig);
            rc = oph__fail_memory(err, "a signal");
        }
    }
    pthread_mutex_unlock(&dev->ctx->lock);
    if (!rc) *ret = sig;
    return rc;
}

int oph_signal_find(oph_device *dev, const char *path, oph_signal **ret, oph_error *err)
{
    const char *attr;
    oph_device *at = oph__device_walk(dev, path, &attr);
    if (!*attr)
        return oph__fail(err, OPH_ENOTFOUND, (struct oph__at){.device = dev->path}, path,
                         "the device %s, which is no attribute", at->path);
    return oph__device_signal(at, attr, ret, err);
}

const char *oph_signal_path(const oph_signal *sig)
{
    return sig->path;
}

const char *oph_signal_doc(const oph_signal *sig)
{
    return sig->row->doc;
}

const char *oph_signal_pv(const oph_signal *sig)
{
    return sig->set->name;
}

const char *oph_signal_readback_pv(const oph_signal *sig)
{
    return sig->read->name;
}

struct oph__target oph__signal_target(const oph_signal *sig, const struct oph__chan_info *info)
{
    return (struct oph__target){.path = sig->path,
                                .pv = sig->set->name,
                                .info = info,
                                .type = sig->row->type,
                                .is_path = sig->row->how == OPH__PATH};
}

static int connect_one(oph_signal *sig, double timeout, oph_error *err)
{
    oph_context *ctx = sig->ctx;
    int rc = oph__context_may_block(ctx, err);
    if (rc || (oph__pv_is_up(sig->set) && oph__pv_is_up(sig->read))) return rc;
    void *item = sig;
    const struct oph__vec one = {.at = &item, .count = 1};
    const struct oph__patience patience = oph__patience(timeout, ctx->options.connect_timeout);
    return oph__connect_signals(ctx, &one, patience, NULL, err);
}

/* Reads both PVs: they are in one flush, and the caller chooses. */
static int read_one(oph_signal *sig, double timeout, struct oph__read *ret, oph_error *err)
{
    *ret = (struct oph__read){.sig = sig};
    int rc = connect_one(sig, timeout, err);
    if (!rc) rc = oph__read_all(sig->ctx, ret, 1, timeout, true, err);
    if (rc) oph__reads_clear(ret, 1);
    return rc;
}

static int read_value(oph_signal *sig, double timeout, bool setpoint, oph_value **ret,
                      oph_error *err)
{
    struct oph__read read;
    int rc = read_one(sig, timeout, &read, err);
    if (rc) return rc;
    oph_value *value = calloc(1, sizeof *value);
    if (value) {
        oph__value_move(value, setpoint || sig->read == sig->set ? &read.set : &read.read);
        *ret = value;
    } else {
        rc = oph__fail_memory(err, "a value");
    }
    oph__reads_clear(&read, 1);
    return rc;
}

int oph_signal_read(oph_signal *sig, double timeout, oph_value **ret, oph_error *err)
{
    return read_value(sig, timeout, false, ret, err);
}

int oph_signal_read_setpoint(oph_signal *sig, double timeout, oph_value **ret, oph_error *err)
{
    return read_value(sig, timeout, true, ret, err);
}

static int not_a(oph_signal *sig, const oph_value *value, const char *wanted, oph_error *err)
{
    char found[320];
    struct oph__chan_info info = {0};
    oph__pv_info(sig->read, &info);
    return oph__fail(err, OPH_ETYPE, (struct oph__at){.device = sig->path, .pv = sig->read->name},
                     wanted, "%s", oph__value_show(value, &info, found, sizeof found));
}

int oph_signal_get_int(oph_signal *sig, int64_t *ret, oph_error *err)
{
    oph_value *value;
    int rc = oph_signal_read(sig, OPH_DEFAULT, &value, err);
    if (rc) return rc;
    if (value->count != 1 || !oph__value_int(value, ret))
        rc = not_a(sig, value, "a whole number", err);
    oph_value_free(value);
    return rc;
}

int oph_signal_get_double(oph_signal *sig, double *ret, oph_error *err)
{
    oph_value *value;
    int rc = oph_signal_read(sig, OPH_DEFAULT, &value, err);
    if (rc) return rc;
    if (value->count != 1 || !oph__value_double(value, ret))
        rc = not_a(sig, value, "a number", err);
    oph_value_free(value);
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
    oph__pv_info(sig->read, &info);
    if (oph__value_is_text(value) || (value->dtype == OPH_UINT8 && info.count > 1)) {
        oph__value_text(value, &text, &length);
    } else {
        oph__value_show(value, &info, shown, sizeof shown);
        length = strlen(shown);
    }
    if (length >= size) {
        char wanted[64];
        oph__format(wanted, sizeof wanted, "a text of at most %zu characters", size ? size - 1 : 0);
        return oph__fail(err, OPH_ERANGE,
                         (struct oph__at){.device = sig->path, .pv = sig->read->name}, wanted,
                         "%zu", length);
    }
    memcpy(buffer, text, length);
    buffer[length] = 0;
    return 0;
}

int oph_signal_get_text(oph_signal *sig, char *buffer, size_t size, oph_error *err)
{
    oph_value *value;
    int rc = oph_signal_read(sig, OPH_DEFAULT, &value, err);
    if (rc) return rc;
    rc = as_text(sig, value, buffer, size, err);
    oph_value_free(value);
    return rc;
}

static int put(oph_signal *sig, const struct oph__literal *literal, oph_error *err)
{
    if (sig->row->how == OPH__RO)
        return oph__fail(err, OPH_EACCESS,
                         (struct oph__at){.device = sig->path, .pv = sig->set->name}, literal->text,
                         "an attribute that is read-only");
    int rc = connect_one(sig, OPH_DEFAULT, err);
    if (rc) return rc;
    struct oph__chan_info info;
    if (!oph__pv_info(sig->set, &info))
        return oph__fail(err, OPH_EDISCONN,
                         (struct oph__at){.device = sig->path, .pv = sig->set->name}, literal->text,
                         "the PV is not connected");
    struct oph__wire wire = {0};
    struct oph__target target = oph__signal_target(sig, &info);
    rc = oph__encode(literal, &target, &wire, err);
    if (rc) return rc;
    struct oph__write write = {.sig = sig, .wire = &wire, .expect = &wire};
    if (oph__signal_is_start(sig)) write.patience = sig->ctx->options.stop_timeout;
    rc = oph__write_all(sig->ctx, &write, 1, true, err);
    oph__wire_clear(&wire);
    return rc;
}

int oph_signal_put_int(oph_signal *sig, int64_t value, oph_error *err)
{
    char text[32];
    oph__format(text, sizeof text, "%lld", (long long)value);
    return put(sig, &(struct oph__literal){.kind = OPH__LIT_INT, .i = value, .text = text}, err);
}

int oph_signal_put_double(oph_signal *sig, double value, oph_error *err)
{
    char text[32];
    oph__from_double(text, sizeof text, value);
    return put(sig, &(struct oph__literal){.kind = OPH__LIT_FLOAT, .f = value, .text = text}, err);
}

int oph_signal_put_text(oph_signal *sig, const char *value, oph_error *err)
{
    if (!value)
        return oph__fail(err, OPH_EINVAL,
                         (struct oph__at){.device = sig->path, .pv = sig->set->name}, "a text",
                         "NULL");
    return put(sig, &(struct oph__literal){.kind = OPH__LIT_TEXT, .text = value}, err);
}

#define BY_PATH(name, type)                                                                        \
    int oph_put_##name(oph_device *dev, const char *path, type value, oph_error *err)              \
    {                                                                                              \
        oph_signal *sig;                                                                           \
        int rc = oph_signal_find(dev, path, &sig, err);                                            \
        return rc ? rc : oph_signal_put_##name(sig, value, err);                                   \
    }
BY_PATH(int, int64_t)
BY_PATH(double, double)
BY_PATH(text, const char *)

int oph_get_int(oph_device *dev, const char *path, int64_t *ret, oph_error *err)
{
    oph_signal *sig;
    int rc = oph_signal_find(dev, path, &sig, err);
    return rc ? rc : oph_signal_get_int(sig, ret, err);
}

int oph_get_double(oph_device *dev, const char *path, double *ret, oph_error *err)
{
    oph_signal *sig;
    int rc = oph_signal_find(dev, path, &sig, err);
    return rc ? rc : oph_signal_get_double(sig, ret, err);
}

int oph_get_text(oph_device *dev, const char *path, char *buffer, size_t size, oph_error *err)
{
    oph_signal *sig;
    int rc = oph_signal_find(dev, path, &sig, err);
    return rc ? rc : oph_signal_get_text(sig, buffer, size, err);
}
