/* The signals that a reading takes, found by their kinds and connected. */
#include "base/err.h"
#include "base/str.h"
#include "core/connect.h"
#include "core/reading.h"
#include <string.h>

char *oph__signal_key(const oph_signal *sig)
{
    if (!sig->dev) return oph__dup(sig->path);
    if (sig->row->main) return oph__dup(sig->dev->name);
    char *key = oph__dupf("%s_%s", sig->dev->name, sig->row->attr);
    for (char *c = key ? key + strlen(sig->dev->name) : NULL; c && *c; c++)
        if (*c == '.') *c = '_';
    return key;
}

bool oph__signal_has_text(const oph_signal *sig, const struct oph__chan_info *info)
{
    return info->dtype == OPH_UINT8 && info->count > 1 && sig->row->type != OPH__ARRAY;
}

bool oph__signal_has_array(const oph_signal *sig, const struct oph__chan_info *info)
{
    return (info->count > 1 || sig->row->type == OPH__ARRAY) && !oph__signal_has_text(sig, info);
}

bool oph__signal_has_label(const oph_signal *sig, const struct oph__chan_info *info)
{
    return info->dtype == OPH_ENUM && sig->row->type == OPH__TEXT;
}

int32_t oph__signal_dtype(const oph_signal *sig)
{
    return sig->row->type == OPH__TEXT ? OPH__OR_LABEL : OPH_NONE;
}

/* False as long as it has not connected. */
static bool is_known(oph_signal *sig, struct oph__chan_info *info)
{
    return !oph__context_check(sig->ctx, NULL) &&
           (oph__pv_info(sig->read, info) || oph__pv_info(sig->set, info));
}

int oph_signal_is_text(oph_signal *sig)
{
    struct oph__chan_info info;
    return is_known(sig, &info) && oph__signal_has_text(sig, &info);
}

int oph_signal_is_array(oph_signal *sig)
{
    struct oph__chan_info info;
    return is_known(sig, &info) && oph__signal_has_array(sig, &info);
}

void oph__walk_free(struct oph__walk *w)
{
    oph__vec_free(&w->devices);
    oph__vec_free(&w->signals);
}

static int add_devices(struct oph__walk *w, oph_device *dev, int32_t kind, oph_error *err)
{
    if (!oph__vec_add(&w->devices, dev)) return oph__fail_memory(err, "a reading");
    int rc = 0;
    for (size_t i = 0; !rc && i < dev->children.count; i++) {
        oph_device *child = dev->children.at[i];
        if (oph_device_kind(child) & kind) rc = add_devices(w, child, kind, err);
    }
    return rc;
}

/* The attributes first: the lock is not held while signals are made. */
static int add_signals(struct oph__walk *w, oph_device *dev, int32_t kind, oph_error *err)
{
    struct oph__vec attrs = {0};
    bool ok = true, chosen = atomic_load(&dev->kinds_chosen);
    int rc = 0;
    pthread_mutex_lock(&dev->ctx->lock);
    for (size_t i = 0; ok && i < dev->cls->rows.count; i++) {
        const struct oph__row *row = dev->cls->rows.at[i];
        oph_signal *sig = chosen ? oph__map_get(&dev->by_attr, row->attr) : NULL;
        int32_t flags = sig ? oph_signal_kind(sig) : oph__kind_flags(row->kind);
        if (flags & kind) ok = oph__vec_add(&attrs, (void *)(uintptr_t)row->attr);
    }
    pthread_mutex_unlock(&dev->ctx->lock);
    if (!ok) rc = oph__fail_memory(err, "a reading");
    for (size_t i = 0; !rc && i < attrs.count; i++) {
        oph_signal *sig;
        rc = oph__device_signal(dev, attrs.at[i], &sig, err);
        if (!rc && !oph__vec_add(&w->signals, sig)) rc = oph__fail_memory(err, "a reading");
    }
    oph__vec_free(&attrs);
    return rc;
}

int oph__walk(struct oph__walk *w, oph_device *dev, int32_t kind, oph_error *err)
{
    int rc = add_devices(w, dev, kind, err);
    for (size_t i = 0; !rc && i < w->devices.count; i++)
        rc = add_signals(w, w->devices.at[i], kind, err);
    return rc;
}

/* A PV that has never come up, while another of the IOC did, is a record that the IOC lacks. */
static bool find_absent(struct oph__pv *pv, bool ioc_is_there)
{
    pthread_mutex_lock(&pv->ctx->lock);
    bool absent = pv->state != OPH__CHAN_UP && !pv->ups && ioc_is_there;
    if (absent) pv->absent = true;
    pthread_mutex_unlock(&pv->ctx->lock);
    return absent;
}

static void report_absent(const oph_signal *sig, oph_report *report)
{
    oph_error one = OPH_ERROR_INIT;
    oph__fail(&one, OPH_EABSENT, oph__pv_at(sig->read), "a value",
              "no such record in the IOC: it is left out");
    oph__report_add(report, &one);
}

static int connect(oph_context *ctx, struct oph__walk *w, struct oph__patience patience,
                   oph_report *report, oph_error *err)
{
    struct oph__vec lost = {0};
    bool there = false;
    int rc = oph__connect_readbacks(ctx, &w->signals, patience, err);
    for (size_t i = 0; !rc && i < w->signals.count; i++)
        there = there || oph__pv_is_up(((oph_signal *)w->signals.at[i])->read);
    for (size_t i = 0; !rc && i < w->signals.count;) {
        oph_signal *sig = w->signals.at[i];
        if (oph__pv_is_up(sig->read)) {
            i++;
        } else if (find_absent(sig->read, there)) {
            report_absent(sig, report);
            oph__vec_remove(&w->signals, i);
        } else if (!oph__vec_add(&lost, w->signals.at[i++])) {
            rc = oph__fail_memory(err, "a reading");
        }
    }
    if (!rc && lost.count) rc = oph__connect_signals(ctx, &lost, patience, report, err);
    oph__vec_free(&lost);
    return rc;
}

int oph__walk_connected(struct oph__walk *w, oph_device *dev, int32_t kind, double timeout,
                        oph_report *report, oph_error *err)
{
    oph_context *ctx = dev->ctx;
    struct oph__patience patience = oph__patience(timeout, ctx->options.connect_timeout);
    int rc = oph__walk(w, dev, kind, err);
    if (rc || !w->signals.count) return rc;
    rc = oph__connect_releases(ctx, &w->devices, patience, err);
    oph__walk_free(w); /* the release may have other rows */
    *w = (struct oph__walk){0};
    if (!rc) rc = oph__walk(w, dev, kind, err);
    return rc ? rc : connect(ctx, w, patience, report, err);
}
