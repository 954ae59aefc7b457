#include <cophyd/stage.h>

#include "base/err.h"
#include "core/connect.h"
#include "core/journal.h"
#include "core/recover.h"
#include "core/stage.h"
#include "core/status.h"
#include <string.h>

static int call_check(oph_device *dev, void *user, oph_error *err)
{
    struct oph__plan *plan = user;
    bool triggers = dev == plan->dev && dev->trigger && dev->trigger->check;
    int rc = triggers ? dev->trigger->check(dev, plan, err) : 0;
    for (size_t i = 0; !rc && i < dev->hooks.count; i++) {
        const struct oph__hook *hook = dev->hooks.at[i];
        if (hook->ops->check) rc = hook->ops->check(dev, hook->data, plan, err);
    }
    return rc;
}

static bool has_claims(const struct oph__plan *plan)
{
    for (size_t i = 0; i < plan->items.count; i++)
        if (((const struct oph__item *)plan->items.at[i])->later.count) return true;
    return false;
}

/* Originals are read before anybody is kept from staging. Who had it staged then, and has unstaged
 * since, is seen by the journal that is gone; now that nobody else can, they are read again. */
static int prepare(struct oph__plan *plan, oph_report *report, oph_error *err)
{
    plan->gone = oph__journal_gone();
    int rc = oph__plan_prepare(plan, report, err);
    /* Who has it staged is told first: hooks would find what that one did. */
    if (!rc) rc = oph__journal_begin(plan, err);
    if (rc || !plan->overtaken) return rc;
    rc = oph__plan_prepare(plan, report, err);
    return rc ? rc : oph__journal_renew(plan, err);
}

int oph__plan_check(struct oph__plan *plan, oph_report *report, oph_error *err)
{
    if (!plan->dry) oph__recover_own(plan->dev);
    int rc = prepare(plan, report, err);
    size_t noted = plan->items.count;
    if (!rc) rc = oph__plan_refuse_running(plan, report, err);
    if (!rc && plan->whole) rc = oph__device_each(plan->dev, call_check, plan, err);
    if (!rc && !plan->dry && (has_claims(plan) || plan->items.count > noted))
        rc = oph__journal_renew(plan, err);
    return rc;
}

int oph__stage_plan(struct oph__plan *plan, oph_report *report, oph_error *err)
{
    int rc = oph__plan_check(plan, report, err);
    if (!rc) rc = oph__plan_apply(plan, err);
    if (!rc) plan->ups = oph__plan_ups(plan);
    return rc;
}

static int failed(oph_device *dev, int code, const char *found, oph_error *cause)
{
    return oph__fail(cause, code, (struct oph__at){.device = dev->path}, "to stage", "%s", found);
}

/* From here on the tree is staged; unless it was cancelled while nobody waited. */
static int be_staged(oph_device *dev, struct oph__call *call, struct oph__plan *plan,
                     oph_error *err)
{
    struct oph__tree *tree = dev->tree;
    pthread_mutex_lock(&tree->m.lock);
    bool cancelled = oph__call_uncancel(&dev->ctx->waits, call);
    if (!cancelled) {
        tree->staging = NULL;
        tree->plan = plan;
        tree->state = OPH_STATE_STAGED;
        pthread_cond_broadcast(&tree->m.changed);
    }
    pthread_mutex_unlock(&tree->m.lock);
    return cancelled ? failed(dev, OPH_ECANCEL, "cancelled", err) : 0;
}

void oph__staging_begin(struct oph__tree *tree, struct oph__call *call)
{
    pthread_mutex_lock(&tree->m.lock);
    tree->staging = call;
    pthread_cond_broadcast(&tree->m.changed); /* who wants it to end may wait for this */
    pthread_mutex_unlock(&tree->m.lock);
}

/* What the thread does next is not cancelled. */
void oph__staging_end(struct oph__tree *tree)
{
    pthread_mutex_lock(&tree->m.lock);
    oph__call_uncancel(&tree->staged->ctx->waits, tree->staging);
    tree->staging = NULL;
    tree->state = OPH_STATE_IDLE;
    tree->staged = NULL;
    tree->unfinished = false;
    pthread_cond_broadcast(&tree->m.changed);
    pthread_mutex_unlock(&tree->m.lock);
}

/* The cause comes first in the report, unless preparing has listed it already. */
static int stage(oph_device *dev, const oph_stage_options *opt, struct oph__call *call,
                 oph_report *report, oph_error *err)
{
    oph_error cause = OPH_ERROR_INIT;
    struct oph__plan *plan = NULL;
    int rc = oph__connect(dev, OPH_DEFAULT, report, &cause);
    if (!rc) rc = oph__plan_new(dev, &plan, &cause);
    if (!rc) {
        plan->options = *opt;
        rc = oph__plan_fill(plan, &cause);
    }
    if (!rc) rc = oph__stage_plan(plan, report, &cause);
    if (rc == OPH_EINTR || (rc == OPH_ECANCEL && oph__call_is_cancelled(&dev->ctx->waits))) {
        char found[sizeof cause.text];
        memcpy(found, cause.text, sizeof found);
        failed(dev, rc, found, &cause);
    }
    if (!rc) rc = be_staged(dev, call, plan, &cause);
    if (!rc) return 0;
    if (!oph_report_count(report)) oph__report_add(report, &cause);
    if (plan) oph__plan_restore(plan, true, report, NULL);
    oph__plan_free(plan);
    oph__staging_end(dev->tree);
    if (err) *err = cause;
    return rc;
}

int oph__stage_options(const oph_device *dev, const oph_stage_options *opt, oph_stage_options *o,
                       oph_error *err)
{
    *o = (oph_stage_options){0};
    if (!opt) return 0;
    if (opt->size < sizeof opt->size)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                         "the size of oph_stage_options", "%u", opt->size);
    memcpy(o, opt, opt->size < sizeof *o ? opt->size : sizeof *o);
    return 0;
}

int oph_stage_with(oph_device *dev, const oph_stage_options *opt, oph_report **ret_report,
                   oph_error *err)
{
    const struct oph__rule *rule;
    oph_stage_options options;
    int rc = oph__stage_options(dev, opt, &options, err);
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_STAGE, &rule, err);
    if (rc) return rc;
    oph_report *report = oph__report_new();
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    oph__staging_begin(dev->tree, &call);
    rc = stage(dev, &options, &call, report, err);
    oph__call_end(&dev->ctx->waits, &call);
    oph__report_give(report, ret_report);
    return rc;
}

int oph_stage(oph_device *dev, oph_report **ret_report, oph_error *err)
{
    return oph_stage_with(dev, NULL, ret_report, err);
}

bool oph__staging_cancel(struct oph__tree *tree)
{
    pthread_mutex_lock(&tree->m.lock);
    struct oph__call *call = tree->staging;
    if (call) oph__call_cancel(&tree->staged->ctx->waits, call);
    pthread_mutex_unlock(&tree->m.lock);
    return call != NULL;
}

static bool has_started(void *arg)
{
    const struct oph__tree *tree = arg;
    return !tree->starting;
}

/* What another thread is starting can be stopped only when it has started; that call has timeouts.
 */
static oph_status *running_status(struct oph__tree *tree)
{
    pthread_mutex_lock(&tree->m.lock);
    oph__wait(NULL, &tree->m, (double)INFINITY, has_started, tree);
    oph_status *st = tree->status ? oph_status_ref(tree->status) : NULL;
    pthread_mutex_unlock(&tree->m.lock);
    return st;
}

static bool is_unfinished(struct oph__tree *tree)
{
    pthread_mutex_lock(&tree->m.lock);
    bool unfinished = tree->unfinished;
    pthread_mutex_unlock(&tree->m.lock);
    return unfinished;
}

int oph__trigger_stop(oph_device *dev, bool anybodys, oph_error *err)
{
    oph_status *st = running_status(dev->tree);
    if (st && !oph_status_done(st)) {
        oph_status_cancel(st, NULL);
        /* The action itself ends within the stop timeout and a last look at the IOC. */
        oph__status_settle(st, oph__now() + dev->ctx->options.stop_timeout +
                                   2 * dev->ctx->options.get_timeout);
    }
    oph_status_unref(st);
    bool stops = dev->trigger && (anybodys || is_unfinished(dev->tree));
    return stops ? dev->trigger->stop(dev, err) : 0;
}

static int unstage(oph_device *dev, bool force, oph_report **ret_report, oph_error *err)
{
    const struct oph__rule *rule;
    int rc = oph__context_may_block(dev->ctx, err);
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_UNSTAGE, &rule, err);
    if (rc) return rc;
    if (rule->answer == OPH__NOTHING) {
        if (ret_report) *ret_report = NULL;
        return 0;
    }
    struct oph__tree *tree = dev->tree;
    oph_report *report = oph__report_new();
    oph_error not_stopped = OPH_ERROR_INIT;
    if (rule->answer == OPH__STOP && oph__trigger_stop(dev, false, &not_stopped))
        oph__report_add(report, &not_stopped);
    rc = oph__plan_restore(tree->plan, force, report, err);
    if (!rc && not_stopped.code) {
        rc = not_stopped.code;
        if (err) *err = not_stopped;
    }
    oph__plan_free(tree->plan);
    tree->plan = NULL;
    tree->unfinished = false;
    oph__tree_set(tree, OPH_STATE_IDLE);
    oph__report_give(report, ret_report);
    return rc;
}

int oph_unstage_with(oph_device *dev, const oph_unstage_options *opt, oph_report **ret_report,
                     oph_error *err)
{
    oph_unstage_options o = {0};
    if (opt && opt->size < sizeof opt->size)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                         "the size of oph_unstage_options", "%u", opt->size);
    if (opt) memcpy(&o, opt, opt->size < sizeof o ? opt->size : sizeof o);
    return unstage(dev, o.force, ret_report, err);
}

int oph_unstage(oph_device *dev, oph_report **ret_report, oph_error *err)
{
    return unstage(dev, false, ret_report, err);
}
