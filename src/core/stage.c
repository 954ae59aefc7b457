#include <cophyd/stage.h>

#include "base/err.h"
#include "core/connect.h"
#include "core/journal.h"
#include "core/recover.h"
#include "core/stage.h"
#include "core/status.h"

static int call_check(oph_device *dev, void *user, oph_error *err)
{
    const struct oph__plan *plan = user;
    int rc = 0;
    for (size_t i = 0; !rc && i < dev->hooks.count; i++) {
        const struct oph__hook *hook = dev->hooks.at[i];
        if (hook->ops->check) rc = hook->ops->check(dev, hook->data, plan, err);
    }
    return rc;
}

int oph__stage_plan(struct oph__plan *plan, oph_report *report, oph_error *err)
{
    oph__recover_own(plan->dev);
    int rc = oph__plan_prepare(plan, report, err);
    /* Who has it staged is told first: hooks would find what that one did. */
    if (!rc) rc = oph__journal_begin(plan, err);
    if (!rc && plan->whole) rc = oph__device_each(plan->dev, call_check, plan, err);
    if (!rc) rc = oph__plan_apply(plan, err);
    if (!rc) plan->ups = oph__plan_ups(plan);
    return rc;
}

/* The cause comes first in the report, unless preparing has listed it already. */
static int stage(oph_device *dev, oph_report *report, struct oph__plan **ret, oph_error *err)
{
    oph_error cause = OPH_ERROR_INIT;
    struct oph__plan *plan = NULL;
    int rc = oph__connect(dev, OPH_DEFAULT, report, &cause);
    if (!rc) rc = oph__plan_new(dev, &plan, &cause);
    if (!rc) rc = oph__plan_fill(plan, &cause);
    if (!rc) rc = oph__stage_plan(plan, report, &cause);
    if (!rc) {
        *ret = plan;
        return 0;
    }
    if (rc == OPH_EINTR)
        oph__fail(&cause, rc, (struct oph__at){.device = dev->path}, "to stage", "%s", cause.text);
    if (!oph_report_count(report)) oph__report_add(report, &cause);
    if (plan) oph__plan_restore(plan, true, report, NULL);
    oph__plan_free(plan);
    if (err) *err = cause;
    return rc;
}

int oph_stage(oph_device *dev, oph_report **ret_report, oph_error *err)
{
    const struct oph__rule *rule;
    int rc = oph__tree_enter(dev, OPH__VERB_STAGE, &rule, err);
    if (rc) return rc;
    oph_report *report = oph__report_new();
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = stage(dev, report, &dev->tree->plan, err);
    oph__call_end(&dev->ctx->waits, &call);
    oph__tree_set(dev->tree, rc ? OPH_STATE_IDLE : OPH_STATE_STAGED);
    oph__report_give(report, ret_report);
    return rc;
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

int oph__trigger_stop(oph_device *dev, oph_error *err)
{
    oph_status *st = running_status(dev->tree);
    if (st && !oph_status_done(st)) {
        oph_status_cancel(st, NULL);
        /* The action itself ends within the stop timeout and a last look at the IOC. */
        oph__status_settle(st, oph__now() + dev->ctx->options.stop_timeout +
                                   2 * dev->ctx->options.get_timeout);
    }
    oph_status_unref(st);
    return dev->trigger ? dev->trigger->stop(dev, err) : 0;
}

int oph_unstage(oph_device *dev, oph_report **ret_report, oph_error *err)
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
    if (rule->answer == OPH__STOP && oph__trigger_stop(dev, &not_stopped))
        oph__report_add(report, &not_stopped);
    rc = oph__plan_restore(tree->plan, false, report, err);
    if (!rc && not_stopped.code) {
        rc = not_stopped.code;
        if (err) *err = not_stopped;
    }
    oph__plan_free(tree->plan);
    tree->plan = NULL;
    oph__tree_set(tree, OPH_STATE_IDLE);
    oph__report_give(report, ret_report);
    return rc;
}
