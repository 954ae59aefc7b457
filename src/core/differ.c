/* Where an IOC is not as the class text says. */
#include "base/err.h"
#include "base/str.h"
#include "core/connect.h"
#include "core/group.h"
#include <cophyd/class.h>
#include <string.h>

/* A record that is not there by then, when others are, is none; seconds. */
static const double SEARCH_TIME = 1.0;

static void add_line(oph_report *report, int code, struct oph__at at, const char *wanted,
                     const char *found)
{
    oph_error one = OPH_ERROR_INIT;
    oph__fail(&one, code, at, wanted, "%s", found);
    oph__report_add(report, &one);
}

/* What connecting found */

static int report_identity(oph_device *dev, void *user, oph_error *err)
{
    const struct oph__class *cls = dev->cls;
    char pv[128], wanted[200], found[32], other[sizeof dev->other_type];
    (void)err;
    if (dev->version && cls->version > dev->version) {
        oph__format(pv, sizeof pv, "%sADCoreVersion_RBV", dev->prefix);
        oph__format(wanted, sizeof wanted, "release %d.%d, as class %s asks for",
                    cls->version / 1000, cls->version % 1000, cls->name);
        oph__format(found, sizeof found, "%d.%d", dev->version / 1000, dev->version % 1000);
        add_line(user, OPH_EMISMATCH, (struct oph__at){.device = dev->path, .pv = pv}, wanted,
                 found);
    }
    pthread_mutex_lock(&dev->ctx->lock);
    oph__copy(other, sizeof other, dev->other_type);
    pthread_mutex_unlock(&dev->ctx->lock);
    if (other[0]) {
        oph__format(pv, sizeof pv, "%sPluginType_RBV", dev->prefix);
        oph__format(wanted, sizeof wanted, "%s, as class %s is", cls->plugin_type, cls->name);
        add_line(user, OPH_EMISMATCH, (struct oph__at){.device = dev->path, .pv = pv}, wanted,
                 other);
    }
    return 0;
}

static bool is_among(const struct oph__vec *signals, size_t count, const oph_signal *sig)
{
    for (size_t i = 0; i < count; i++)
        if (signals->at[i] == sig) return true;
    return false;
}

int oph__report_found(oph_device *dev, oph_report *report, oph_error *err)
{
    struct oph__needs needs = {0};
    int rc = oph__device_each(dev, report_identity, report, err);
    if (!rc) rc = oph__device_each(dev, oph__device_needs, &needs, err);
    for (size_t i = 0; !rc && i < needs.optional.count; i++) {
        const oph_signal *sig = needs.optional.at[i];
        const struct oph__pv *pv = sig->set->absent ? sig->set : sig->read;
        if (!pv->absent || is_among(&needs.optional, i, sig)) continue;
        add_line(report, OPH_EABSENT, oph__pv_at(pv), "the record",
                 "the IOC lacks it: it is done without");
    }
    oph__needs_free(&needs);
    return rc;
}

/* Comparing all of it */

struct comparing {
    oph_device *dev; /* made for this, of the same class */
    struct oph__vec devices;
    struct oph__vec signals;
    oph_group *labels; /* asks for them */
    oph_report *report;
};

static bool is_number(int32_t dtype)
{
    return dtype >= OPH_INT8 && dtype <= OPH_FLOAT64;
}

static bool fits_type(const struct oph__row *row, int32_t dtype)
{
    switch (row->type) {
    case OPH__ANY: return true;
    case OPH__INT: return is_number(dtype) && !oph__is_float(dtype);
    case OPH__FLOAT: return oph__is_float(dtype);
    case OPH__ENUM: return dtype == OPH_ENUM;
    case OPH__TEXT: return dtype == OPH_TEXT || dtype == OPH_UINT8 || dtype == OPH_ENUM;
    case OPH__ARRAY: break;
    }
    return is_number(dtype) &&
           (row->of == OPH__ANY || oph__is_float(dtype) == (row->of == OPH__FLOAT));
}

static void type_words(const struct oph__row *row, char *dst, size_t size)
{
    const char *of = row->of == OPH__INT ? " of int" : row->of == OPH__FLOAT ? " of float" : "";
    oph__format(dst, size, "%s%s", oph_row_type_name((int32_t)row->type), of);
}

/* Type and length: what a channel tells by itself. */
static void compare_type(struct comparing *c, const oph_signal *sig, struct oph__pv *pv)
{
    const struct oph__row *row = sig->row;
    struct oph__chan_info info = {0};
    char wanted[64], found[64];
    bool text = row->type == OPH__TEXT;
    if (!oph__pv_info(pv, &info)) {
        if (oph__pv_ups(pv))
            add_line(c->report, OPH_EDISCONN, oph__pv_at(pv), "its type", "it has gone down");
        else
            add_line(c->report, OPH_EABSENT, oph__pv_at(pv), "the record", "the IOC lacks it");
        return;
    }
    if (!fits_type(row, info.dtype)) {
        type_words(row, wanted, sizeof wanted);
        add_line(c->report, OPH_EMISMATCH, oph__pv_at(pv), wanted, oph_dtype_name(info.dtype));
        return;
    }
    uint32_t capacity = oph__row_capacity(row);
    uint32_t has = info.dtype == OPH_TEXT ? (uint32_t)oph_dtype_size(OPH_TEXT) : info.count;
    if (!capacity || capacity == has || (text && info.dtype == OPH_ENUM)) return;
    oph__format(wanted, sizeof wanted, "%u %s", capacity, text ? "bytes of text" : "elements");
    oph__format(found, sizeof found, "%u", has);
    add_line(c->report, OPH_EMISMATCH, oph__pv_at(pv), wanted, found);
}

static int ask_labels(struct comparing *c, oph_signal *sig, struct oph__pv *pv, oph_error *err)
{
    struct oph__chan_info info = {0};
    if (!sig->row->labels.count || !oph__pv_info(pv, &info) || info.dtype != OPH_ENUM) return 0;
    return oph__group_add(c->labels, OPH__DESCRIBE, sig, pv, err) ? 0 : OPH_ENOMEM;
}

static void compare_labels(struct comparing *c, const struct oph__entry *e)
{
    const struct oph__row *row = e->sig->row;
    bool own = e->pv == e->sig->read && row->readback.count;
    const struct oph__labels *labels = own ? &row->readback : &row->labels;
    struct oph__chan_info info = {0};
    struct oph__buf wanted = {0}, found = {0};
    oph_error one = OPH_ERROR_INIT;
    if (!oph__entry_error(e, &one) && !oph__pv_info(e->pv, &info))
        oph__fail(&one, OPH_EDISCONN, oph__pv_at(e->pv), "its labels", "the PV is not connected");
    if (one.code) {
        oph__report_add(c->report, &one);
        return;
    }
    oph__buf_add(&found, "");
    for (uint32_t i = 0; i < labels->count; i++)
        oph__buf_addf(&wanted, "%s%s", i ? "|" : "", labels->at[i]);
    for (uint32_t i = 0; i < info.label_count; i++)
        oph__buf_addf(&found, "%s%s", i ? "|" : "", info.labels[i]);
    if (wanted.failed || found.failed)
        oph__fail_memory(&one, "labels");
    else if (!oph__equal(wanted.text, found.text))
        oph__fail(&one, OPH_EMISMATCH, oph__pv_at(e->pv), wanted.text, "%s",
                  *found.text ? found.text : "no labels");
    if (one.code) oph__report_add(c->report, &one);
    oph__buf_free(&wanted);
    oph__buf_free(&found);
}

static int add_device(oph_device *dev, void *user, oph_error *err)
{
    return oph__vec_add(user, dev) ? 0 : oph__fail_memory(err, "comparing");
}

/* The rows of the release that the IOC has. */
static int add_signals(struct comparing *c, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < c->devices.count; i++) {
        oph_device *dev = c->devices.at[i];
        const struct oph__class *cls = dev->cls;
        for (size_t j = 0; !rc && j < cls->rows.count; j++) {
            const struct oph__row *row = cls->rows.at[j];
            oph_signal *sig;
            rc = oph__device_signal(dev, row->attr, &sig, err);
            if (!rc && !oph__vec_add(&c->signals, sig)) rc = oph__fail_memory(err, "comparing");
        }
    }
    return rc;
}

static int connect(struct comparing *c, double timeout, oph_error *err)
{
    oph_context *ctx = c->dev->ctx;
    const struct oph__patience patience = oph__patience(timeout, ctx->options.connect_timeout);
    bool there = false;
    int rc = oph__device_each(c->dev, add_device, &c->devices, err);
    if (!rc) rc = oph__connect_releases(ctx, &c->devices, patience, err);
    if (!rc) rc = add_signals(c, err);
    if (!rc) rc = oph__connect_search(ctx, &c->signals, err);
    if (!rc) rc = oph__connect_readbacks(ctx, &c->signals, patience, err);
    for (size_t i = 0; i < c->signals.count; i++)
        there = there || oph__pv_is_up(((oph_signal *)c->signals.at[i])->read);
    if (!rc && !there && c->signals.count)
        rc = oph__fail(
            err, OPH_EDISCONN,
            (struct oph__at){.device = c->dev->path, .waited = oph__now() - patience.since},
            "a connection", "none of its records");
    return rc ? rc : oph__connect_optional(ctx, &c->signals, oph__now() + SEARCH_TIME, err);
}

/* Of a device that is not there at all, one line says so. */
static bool is_there(struct comparing *c, const oph_device *dev)
{
    bool any = false, there = false;
    for (size_t i = 0; i < c->signals.count && !there; i++) {
        const oph_signal *sig = c->signals.at[i];
        any = any || sig->dev == dev;
        there = sig->dev == dev && (oph__pv_ups(sig->set) || oph__pv_ups(sig->read));
    }
    if (any && !there)
        add_line(c->report, OPH_EABSENT, (struct oph__at){.device = dev->path, .pv = dev->prefix},
                 "its records", "the IOC has none of them");
    return there;
}

static int compare_device(struct comparing *c, const oph_device *dev, oph_error *err)
{
    int rc = 0;
    if (!is_there(c, dev)) return 0;
    for (size_t i = 0; !rc && i < c->signals.count; i++) {
        oph_signal *sig = c->signals.at[i];
        bool two = sig->read != sig->set;
        if (sig->dev != dev) continue;
        compare_type(c, sig, sig->set);
        if (two) compare_type(c, sig, sig->read);
        rc = ask_labels(c, sig, sig->set, err);
        if (!rc && two) rc = ask_labels(c, sig, sig->read, err);
    }
    return rc;
}

static int compare(struct comparing *c, oph_error *err)
{
    int rc = oph_group_new(c->dev->ctx, &c->labels, err);
    if (!rc) rc = oph__device_each(c->dev, report_identity, c->report, err);
    for (size_t i = 0; !rc && i < c->devices.count; i++)
        rc = compare_device(c, c->devices.at[i], err);
    if (!rc) rc = oph__group_run(c->labels, (double)INFINITY, true, err);
    for (size_t i = 0; !rc && i < c->labels->entries.count; i++)
        compare_labels(c, c->labels->entries.at[i]);
    return rc;
}

int oph_differences(oph_device *dev, double timeout, oph_report **ret, oph_error *err)
{
    oph_context *ctx = dev->ctx;
    struct comparing c = {0};
    struct oph__call call;
    int rc = oph__context_may_block(ctx, err);
    if (rc) return rc;
    rc = oph_device_new(ctx, dev->expression, dev->prefix, dev->path, &c.dev, err);
    if (rc) return rc;
    c.report = oph__report_new();
    oph__call_begin(&ctx->waits, &call);
    rc = connect(&c, timeout, err);
    if (!rc) rc = compare(&c, err);
    oph__call_end(&ctx->waits, &call);
    if (c.labels) oph__group_unref(c.labels);
    oph__vec_free(&c.signals);
    oph__vec_free(&c.devices);
    oph_device_free(c.dev);
    if (rc)
        oph_report_free(c.report);
    else
        *ret = c.report;
    return rc;
}
