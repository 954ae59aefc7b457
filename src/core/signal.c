#include "base/err.h"
#include "base/str.h"
#include "core/device.h"
#include <stdlib.h>
#include <string.h>

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
    if (strcspn(name, ".") > OPH__LONGEST_PV)
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

/* "; the nearest is cam.acquire_time": of the device and its children. */
static char *near_text(oph_device *dev, const char *attr, char *dst, size_t size)
{
    struct oph__near near = {.word = attr};
    char best[256], path[256];
    const struct oph__class *cls = dev->cls;
    for (size_t i = 0; i < cls->rows.count; i++)
        oph__near_try(&near, ((const struct oph__row *)cls->rows.at[i])->attr);
    for (size_t c = 0; c < dev->children.count; c++) {
        const oph_device *child = dev->children.at[c];
        cls = child->cls;
        for (size_t i = 0; i < cls->rows.count; i++) {
            const struct oph__row *row = cls->rows.at[i];
            oph__format(path, sizeof path, "%s.%s", oph_device_attr(child), row->attr);
            oph__near_try(&near, path);
            if (near.best == path) near.best = oph__copy(best, sizeof best, path);
        }
    }
    return oph__near_text(&near, dst, size);
}

/* Another release has the attribute: say so rather than "no such attribute". */
static int not_there(oph_device *dev, const char *attr, oph_error *err)
{
    const struct oph__class *cls = dev->cls;
    for (size_t i = 0; i < cls->others.count; i++) {
        const struct oph__row *row = cls->others.at[i];
        if (!oph__equal(row->attr, attr)) continue;
        char version[32] = "this release";
        int v = cls->version;
        if (v) oph__format(version, sizeof version, "release %d.%d", v / 1000, v % 1000);
        return oph__fail(err, OPH_EABSENT, (struct oph__at){.device = dev->path}, attr,
                         "%s of areaDetector, which %s %d.%d", version,
                         row->how == OPH__GONE ? "lacks it: it is gone since"
                                               : "lacks it: it exists since",
                         row->since / 1000, row->since % 1000);
    }
    if (!err) return OPH_ENOTFOUND; /* all names are looked through for the nearest */
    char nearest[300];
    return oph__fail(err, OPH_ENOTFOUND, (struct oph__at){.device = dev->path}, attr,
                     "no such attribute in class %s%s", cls->name,
                     near_text(dev, attr, nearest, sizeof nearest));
}

int oph__device_signal(oph_device *dev, const char *attr, oph_signal **ret, oph_error *err)
{
    int rc = oph__context_check(dev->ctx, err);
    if (rc) return rc;
    pthread_mutex_lock(&dev->ctx->lock);
    oph_signal *sig = oph__map_get(&dev->by_attr, attr);
    const struct oph__row *row = sig ? sig->row : oph__class_row(dev->cls, attr);
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

void oph_signal_row(const oph_signal *sig, oph_row *ret)
{
    *ret = oph__row_public(sig->row, sig->row->since, 0);
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

int oph__signal_encode(const oph_signal *sig, const struct oph__literal *value,
                       struct oph__chan_info *ret_info, struct oph__wire *ret, oph_error *err)
{
    if (!oph__pv_info(sig->set, ret_info))
        return oph__fail(err, OPH_EDISCONN, oph__pv_at(sig->set), value->text,
                         "the PV is not connected");
    const struct oph__target target = oph__signal_target(sig, ret_info);
    return oph__encode(value, &target, ret, err);
}

/* By path */

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
