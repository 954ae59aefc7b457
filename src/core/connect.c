/* Connecting what a device needs: one round of searches for all, then the IOC's release, then a second
 * look at what that release has. */
#include "core/connect.h"
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include "core/write.h"

/* PVs that an IOC may lack get this much longer than those that it has, seconds. */
static const double OPTIONAL_GRACE = 0.5;

static void needs_free(struct oph__needs *needs)
{
    oph__vec_free(&needs->required);
    oph__vec_free(&needs->optional);
}

static int add_needs(oph_device *dev, void *user, oph_error *err)
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

static int add_version(oph_device *dev, void *user, oph_error *err)
{
    struct oph__vec *signals = user;
    oph_signal *sig;
    if (dev->version || !oph__class_row(dev->cls, OPH__VERSION_ATTR)) return 0;
    int rc = oph__device_signal(dev, OPH__VERSION_ATTR, &sig, err);
    if (!rc && !oph__vec_add(signals, sig)) rc = oph__fail_memory(err, "connecting");
    return rc;
}

static int search(struct oph__group *g, const struct oph__vec *signals)
{
    for (size_t i = 0; i < signals->count; i++) {
        oph_signal *sig = signals->at[i];
        oph__group_connect(g, sig->set);
        if (sig->read != sig->set) oph__group_connect(g, sig->read);
    }
    return 0;
}

static bool is_up(const oph_signal *sig)
{
    return oph__pv_is_up(sig->set) && oph__pv_is_up(sig->read);
}

/* The release that each device's own ADCoreVersion_RBV names, where it answers. */
static int learn_versions(oph_context *ctx, const struct oph__vec *signals, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < signals->count; i++) {
        oph_signal *sig = signals->at[i];
        char text[64];
        oph_error why = OPH_ERROR_INIT;
        if (!is_up(sig)) continue;
        if (oph_signal_get_text(sig, text, sizeof text, &why)) {
            oph__log(&ctx->log, OPH_LOG_WARNING, "the IOC's release is not known: %s", why.text);
            continue;
        }
        int version = oph__version_parse(text);
        if (version <= 0) continue;
        const struct oph__class *cls;
        rc = oph__classes_get(ctx->classes, sig->dev->expression, version, &cls, err);
        if (rc) break;
        pthread_mutex_lock(&ctx->lock);
        sig->dev->version = version;
        sig->dev->cls = cls;
        pthread_mutex_unlock(&ctx->lock);
    }
    return rc;
}

/* Waits for signals that the IOC may lack, and marks those that it does. */
static int settle_optional(oph_context *ctx, const struct oph__vec *signals, oph_error *err)
{
    struct oph__group *g;
    int rc = oph__group_new(ctx, 2 * signals->count, &g, err);
    if (rc) return rc;
    search(g, signals);
    rc = oph__group_wait(g, oph__now() + OPTIONAL_GRACE, true, err);
    oph__group_free(g);
    for (size_t i = 0; i < signals->count; i++) {
        oph_signal *sig = signals->at[i];
        pthread_mutex_lock(&ctx->lock);
        sig->set->absent = sig->set->state != OPH__CHAN_UP;
        sig->read->absent = sig->read->state != OPH__CHAN_UP;
        pthread_mutex_unlock(&ctx->lock);
    }
    return rc == OPH_ETIMEOUT ? 0 : rc;
}

/* All searches leave in one flush; nothing is waited for here. */
static int start_searches(oph_context *ctx, const struct oph__needs *needs,
                          const struct oph__vec *versions, oph_error *err)
{
    struct oph__group *g;
    size_t count = needs->required.count + needs->optional.count + versions->count;
    int rc = oph__group_new(ctx, 2 * count, &g, err);
    if (rc) return rc;
    search(g, versions);
    search(g, &needs->required);
    search(g, &needs->optional);
    rc = oph__group_send(g, err);
    oph__group_free(g);
    return rc;
}

static int connect_tree(oph_device *dev, double timeout, oph_report *report, oph_error *err)
{
    oph_context *ctx = dev->ctx;
    double deadline = oph__deadline(timeout, ctx->options.connect_timeout);
    struct oph__needs needs = {0};
    struct oph__vec versions = {0};
    int rc = oph__device_each(dev, add_needs, &needs, err);
    if (!rc) rc = oph__device_each(dev, add_version, &versions, err);
    if (!rc) rc = start_searches(ctx, &needs, &versions, err);
    /* The first PV to be there says that the IOC is; releases before 2.2 have no ADCoreVersion_RBV. */
    if (!rc && needs.required.count) {
        const struct oph__vec one = {.at = needs.required.at, .count = 1};
        rc = oph__connect_signals(ctx, &one, deadline - oph__now(), NULL, NULL);
        if (rc != OPH_EINTR && rc != OPH_EFORK && rc != OPH_EDEADLK) rc = 0;
    }
    if (!rc) rc = settle_optional(ctx, &versions, err);
    if (!rc) rc = learn_versions(ctx, &versions, err);
    needs_free(&needs);
    needs = (struct oph__needs){0};
    if (!rc) rc = oph__device_each(dev, add_needs, &needs, err);
    if (!rc) rc = oph__connect_signals(ctx, &needs.required, deadline - oph__now(), report, err);
    if (!rc) rc = settle_optional(ctx, &needs.optional, err);
    needs_free(&needs);
    oph__vec_free(&versions);
    return rc;
}

int oph__connect(oph_device *dev, double timeout, oph_report *report, oph_error *err)
{
    return connect_tree(dev, timeout, report, err);
}

int oph_connect(oph_device *dev, double timeout, oph_report **ret_report, oph_error *err)
{
    const struct oph__rule *rule;
    int rc = oph__tree_enter(dev, OPH__VERB_CONNECT, &rule, err);
    if (rc) return rc;
    oph_report *report = oph__report_new();
    rc = connect_tree(dev, timeout, report, err);
    oph__report_give(report, ret_report);
    return rc;
}
