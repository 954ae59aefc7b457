/* Connecting what a device needs: one round of searches for all, then the IOC's release, then a
 * second look at what that release has. */
#include "core/connect.h"
#include "base/err.h"
#include "base/str.h"
#include "core/ops.h"
#include <stdlib.h>

/* PVs that an IOC may lack get this much longer than those that it has, seconds. */
static const double OPTIONAL_GRACE = 0.5;

void oph__needs_free(struct oph__needs *needs)
{
    oph__vec_free(&needs->required);
    oph__vec_free(&needs->optional);
}

int oph__device_needs(oph_device *dev, void *user, oph_error *err)
{
    struct oph__needs *needs = user;
    int rc = 0;
    for (size_t i = 0; !rc && i < dev->settings.list.count; i++)
        rc = oph__need(needs, dev, oph__settings_at(&dev->settings, i)->key, true, err);
    if (!rc && dev->trigger) rc = dev->trigger->needs(dev, needs, err);
    for (size_t i = 0; !rc && i < dev->hooks.count; i++) {
        const struct oph__hook *hook = dev->hooks.at[i];
        rc = hook->ops->needs(dev, hook->data, needs, err);
    }
    return rc;
}

static int add_attr(oph_device *dev, const char *attr, struct oph__vec *signals, oph_error *err)
{
    oph_signal *sig;
    if (!oph__class_row(dev->cls, attr)) return 0;
    int rc = oph__device_signal(dev, attr, &sig, err);
    if (!rc && !oph__vec_add(signals, sig)) rc = oph__fail_memory(err, "connecting");
    return rc;
}

/* The release, and the plugin's type where the class says one. */
static int add_version(oph_device *dev, void *user, oph_error *err)
{
    if (dev->version) return 0;
    int rc = add_attr(dev, OPH__VERSION_ATTR, user, err);
    return rc || !dev->cls->plugin_type ? rc : add_attr(dev, OPH__TYPE_ATTR, user, err);
}

static bool is_absent(const oph_signal *sig)
{
    return sig->set->absent || sig->read->absent;
}

/* What was found absent once is not waited for again; libca goes on searching by itself. */
static void search(struct oph__ops *g, const struct oph__vec *signals)
{
    for (size_t i = 0; i < signals->count; i++) {
        oph_signal *sig = signals->at[i];
        if (is_absent(sig)) continue;
        oph__ops_connect(g, sig->set, NULL);
        if (sig->read != sig->set) oph__ops_connect(g, sig->read, NULL);
    }
}

static bool is_up(const oph_signal *sig)
{
    return oph__pv_is_up(sig->set) && oph__pv_is_up(sig->read);
}

/* In the place of a signal that another release has otherwise; with the context's lock. A kind that
 * was chosen is for the attribute. */
static int replace(oph_device *dev, oph_signal *old, const struct oph__row *row, oph_error *err)
{
    oph_signal *sig = NULL;
    int kind = atomic_load(&old->kind);
    int rc = row && kind ? oph__signal_new(dev, row, &sig, err) : 0;
    if (!rc && sig && !oph__vec_add(&dev->signals, sig)) {
        oph__signal_free(sig);
        rc = oph__fail_memory(err, "a signal");
    }
    if (rc) return rc;
    if (sig) atomic_store(&sig->kind, kind);
    oph__map_set(&dev->by_attr, old->row->attr, sig); /* the key is there */
    return 0;
}

/* Signals that somebody has stay as they are where the release's row is the same; where it is
 * another, the next to ask gets a new one. */
static int use_release(oph_device *dev, int version, oph_error *err)
{
    oph_context *ctx = dev->ctx;
    const struct oph__class *cls;
    int rc = oph__classes_get(ctx->classes, dev->expression, version, &cls, err);
    if (rc) return rc;
    pthread_mutex_lock(&ctx->lock);
    dev->version = version;
    dev->cls = cls;
    for (size_t i = 0, n = dev->signals.count; !rc && i < n; i++) {
        oph_signal *sig = dev->signals.at[i];
        const struct oph__row *row = oph__class_row(cls, sig->row->attr);
        bool same = row && row->how == sig->row->how && oph__equal(row->suffix, sig->row->suffix);
        if (same)
            sig->row = row;
        else if (oph__map_get(&dev->by_attr, sig->row->attr) == sig)
            rc = replace(dev, sig, row, err);
    }
    pthread_mutex_unlock(&ctx->lock);
    return rc;
}

static int learn_version(oph_signal *sig, const char *text, oph_error *err)
{
    int version = oph__version_parse(text);
    if (version > 0) return use_release(sig->dev, version, err);
    oph__log(&sig->ctx->log, OPH_LOG_WARNING, "%s: \"%s\" is no release of areaDetector", sig->path,
             text);
    return 0;
}

/* Whether it is no answer of the IOC's, and so ends all. */
static bool is_ours(int rc)
{
    return rc == OPH_EINTR || rc == OPH_EFORK || rc == OPH_EDEADLK || rc == OPH_ENOMEM;
}

static void learn_type(oph_signal *sig, const char *text)
{
    oph_device *dev = sig->dev;
    bool right = oph__starts(text, dev->cls->plugin_type);
    pthread_mutex_lock(&dev->ctx->lock);
    oph__copy(dev->other_type, sizeof dev->other_type, right ? "" : text);
    pthread_mutex_unlock(&dev->ctx->lock);
    if (!right)
        oph__log(&sig->ctx->log, OPH_LOG_WARNING, "%s: \"%s\" is another plugin than %s", sig->path,
                 text, dev->cls->plugin_type);
}

/* What each device's own ADCoreVersion_RBV and PluginType_RBV say, where they answer. */
static int learn_versions(oph_context *ctx, const struct oph__vec *signals, oph_error *err)
{
    size_t n = signals->count;
    if (!n) return 0;
    struct oph__read *reads = calloc(n, sizeof *reads);
    if (!reads) return oph__fail_memory(err, "connecting");
    for (size_t i = 0; i < n; i++)
        reads[i].sig = is_up(signals->at[i]) ? signals->at[i] : NULL;
    oph_error why = OPH_ERROR_INIT;
    int rc = oph__read_all(ctx, reads, n, OPH_DEFAULT, true, &why);
    if (!is_ours(rc))
        rc = 0;
    else if (err)
        *err = why;
    for (size_t i = 0; !rc && i < n; i++) {
        char text[64];
        const char *start;
        size_t length;
        if (!reads[i].sig) continue;
        if (reads[i].rc) {
            oph__log(&ctx->log, OPH_LOG_WARNING, "%s", reads[i].error.text);
            continue;
        }
        oph__value_text(&reads[i].set, &start, &length);
        oph__format(text, sizeof text, "%.*s", (int)length, start);
        if (oph__equal(reads[i].sig->row->attr, OPH__TYPE_ATTR))
            learn_type(reads[i].sig, text);
        else
            rc = learn_version(reads[i].sig, text, err);
    }
    oph__reads_clear(reads, n);
    free(reads);
    return rc;
}

int oph__connect_optional(oph_context *ctx, const struct oph__vec *signals, double deadline,
                          oph_error *err)
{
    struct oph__ops *g;
    int rc = oph__ops_new(ctx, 2 * signals->count, &g, err);
    if (rc) return rc;
    search(g, signals);
    oph_error why = OPH_ERROR_INIT;
    rc = oph__ops_wait(g, deadline, true, &why);
    oph__ops_free(g);
    for (size_t i = 0; i < signals->count; i++) {
        oph_signal *sig = signals->at[i];
        pthread_mutex_lock(&ctx->lock);
        sig->set->absent = sig->set->state != OPH__CHAN_UP;
        sig->read->absent = sig->read->state != OPH__CHAN_UP;
        pthread_mutex_unlock(&ctx->lock);
    }
    if (!rc || rc == OPH_ETIMEOUT) return 0;
    if (err) *err = why;
    return rc;
}

static int settle_optional(oph_context *ctx, const struct oph__vec *signals, oph_error *err)
{
    return oph__connect_optional(ctx, signals, oph__now() + OPTIONAL_GRACE, err);
}

int oph__connect_search(oph_context *ctx, const struct oph__vec *signals, oph_error *err)
{
    struct oph__ops *g;
    int rc = oph__ops_new(ctx, 2 * signals->count, &g, err);
    if (rc) return rc;
    search(g, signals);
    rc = oph__ops_send(g, err);
    oph__ops_free(g);
    return rc;
}

/* All searches leave in one flush; nothing is waited for here. */
static int start_searches(oph_context *ctx, const struct oph__needs *needs,
                          const struct oph__vec *versions, oph_error *err)
{
    struct oph__ops *g;
    size_t count = needs->required.count + needs->optional.count + versions->count;
    int rc = oph__ops_new(ctx, 2 * count, &g, err);
    if (rc) return rc;
    search(g, versions);
    search(g, &needs->required);
    search(g, &needs->optional);
    rc = oph__ops_send(g, err);
    oph__ops_free(g);
    return rc;
}

/* The first PV to be there says that the IOC is. Without it there is nothing more to learn. */
static int await_ioc(oph_context *ctx, const struct oph__needs *needs,
                     struct oph__patience patience, bool *ret_there, oph_error *err)
{
    *ret_there = true;
    if (!needs->required.count) return 0;
    const struct oph__vec one = {.at = needs->required.at, .count = 1};
    oph_error why = OPH_ERROR_INIT;
    int rc = oph__connect_signals(ctx, &one, patience, NULL, &why);
    *ret_there = rc == 0;
    if (!is_ours(rc)) return 0;
    if (err) *err = why;
    return rc;
}

/* Releases before 2.2 have no ADCoreVersion_RBV: then the newest rows stand. */
static int learn(oph_context *ctx, const struct oph__vec *versions, oph_error *err)
{
    int rc = settle_optional(ctx, versions, err);
    return rc ? rc : learn_versions(ctx, versions, err);
}

static size_t count_up(const struct oph__vec *signals)
{
    size_t up = 0;
    for (size_t i = 0; i < signals->count; i++)
        up += oph__pv_is_up(((oph_signal *)signals->at[i])->read);
    return up;
}

static int await_readbacks(oph_context *ctx, const struct oph__vec *signals, double until,
                           oph_error *err)
{
    struct oph__ops *g;
    if (count_up(signals) == signals->count) return 0;
    int rc = oph__ops_new(ctx, signals->count, &g, err);
    if (rc) return rc;
    for (size_t i = 0; i < signals->count; i++) {
        oph_signal *sig = signals->at[i];
        if (!sig->read->absent) oph__ops_connect(g, sig->read, NULL);
    }
    rc = oph__ops_wait(g, until, true, err);
    oph__ops_free(g);
    return rc;
}

/* The first to be there says that the IOC is. */
int oph__connect_readbacks(oph_context *ctx, const struct oph__vec *signals,
                           struct oph__patience patience, oph_error *err)
{
    oph_error why = OPH_ERROR_INIT;
    double until;
    int rc;
    do {
        until = oph__now() + OPTIONAL_GRACE;
        if (until > patience.until) until = patience.until;
        rc = await_readbacks(ctx, signals, until, &why);
    } while (rc == OPH_ETIMEOUT && !count_up(signals) && until < patience.until);
    if (!rc || rc == OPH_ETIMEOUT) return 0;
    if (err) *err = why;
    return rc;
}

int oph__connect_releases(oph_context *ctx, const struct oph__vec *devices,
                          struct oph__patience patience, oph_error *err)
{
    struct oph__vec versions = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < devices->count; i++)
        rc = add_version(devices->at[i], &versions, err);
    if (!rc) rc = oph__connect_readbacks(ctx, &versions, patience, err);
    if (!rc && count_up(&versions)) rc = learn(ctx, &versions, err);
    oph__vec_free(&versions);
    return rc;
}

int oph__connect(oph_device *dev, double timeout, oph_report *report, oph_error *err)
{
    oph_context *ctx = dev->ctx;
    const struct oph__patience patience = oph__patience(timeout, ctx->options.connect_timeout);
    struct oph__needs needs = {0};
    struct oph__vec versions = {0};
    bool there = false;
    int rc = oph__device_each(dev, oph__device_needs, &needs, err);
    if (!rc) rc = oph__device_each(dev, add_version, &versions, err);
    if (!rc) rc = start_searches(ctx, &needs, &versions, err);
    if (!rc) rc = await_ioc(ctx, &needs, patience, &there, err);
    if (!rc && there) rc = learn(ctx, &versions, err);
    if (!rc && versions.count) { /* a release may have other rows */
        oph__needs_free(&needs);
        needs = (struct oph__needs){0};
        rc = oph__device_each(dev, oph__device_needs, &needs, err);
    }
    if (!rc) rc = oph__connect_signals(ctx, &needs.required, patience, report, err);
    if (!rc) rc = settle_optional(ctx, &needs.optional, err);
    oph__needs_free(&needs);
    oph__vec_free(&versions);
    return rc;
}

int oph_connect(oph_device *dev, double timeout, oph_report **ret_report, oph_error *err)
{
    const struct oph__rule *rule;
    int rc = oph__tree_enter(dev, OPH__VERB_CONNECT, &rule, err);
    if (rc) return rc;
    oph_report *found = ret_report ? oph__report_new() : NULL;
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = oph__connect(dev, timeout, found, err);
    oph__call_end(&dev->ctx->waits, &call);
    if (!rc && ret_report) rc = oph__report_found(dev, found, err);
    oph__report_give(found, ret_report);
    return rc;
}
