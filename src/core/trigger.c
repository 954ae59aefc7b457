#include "base/err.h"
#include "core/plan.h"
#include "core/stage.h"
#include "core/status.h"
#include <cophyd/stage.h>

void oph__trigger_finish(oph_device *dev, oph_status *status, const oph_error *error)
{
    struct oph__tree *tree = dev->tree;
    bool failed = error && error->code;
    /* First the state, then the status: who was waiting may trigger again at once. An unstage that
     * is under way keeps its own state. */
    pthread_mutex_lock(&tree->m.lock);
    if (tree->status == status && tree->state == OPH_STATE_TRIGGERING) {
        tree->state = failed ? OPH_STATE_FAILED : OPH_STATE_STAGED;
        pthread_cond_broadcast(&tree->m.changed);
    }
    pthread_mutex_unlock(&tree->m.lock);
    oph__status_finish(status, error);
}

static int start(oph_device *dev, oph_status **ret, oph_error *err)
{
    if (!dev->trigger)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path}, "to trigger",
                         "class %s, which has no trigger (SingleTrigger)", dev->cls->name);
    oph_status *st;
    int rc = oph__status_new(dev->ctx, "ADTriggerStatus", dev->name, (double)INFINITY, &st, err);
    if (rc) return rc;
    struct oph__tree *tree = dev->tree;
    pthread_mutex_lock(&tree->m.lock);
    oph_status *former = tree->status;
    tree->status = oph_status_ref(st);
    pthread_mutex_unlock(&tree->m.lock);
    oph_status_unref(former);
    oph_error why = OPH_ERROR_INIT;
    rc = dev->trigger->start(dev, st, &why);
    if (!rc) {
        *ret = st;
        return 0;
    }
    oph__status_finish(st, &why); /* nothing runs that would: an unstage need not wait for it */
    oph_status_unref(st);
    if (err) *err = why;
    return rc;
}

/* An IOC that was away since staging has forgotten, or half forgotten, what was staged. */
static int still_staged(const struct oph__plan *plan, oph_error *err)
{
    int rc = oph__plan_connected(plan, err);
    if (rc || oph__plan_ups(plan) == plan->ups) return rc;
    return oph__fail(err, OPH_EDISCONN, (struct oph__at){.device = plan->dev->path},
                     "the IOC connected since staging",
                     "that it was away in between: unstage and stage again");
}

/* An unstage that waits for this has its own state already. */
static void end_of_start(struct oph__tree *tree, bool failed)
{
    pthread_mutex_lock(&tree->m.lock);
    tree->starting = false;
    if (failed && tree->state == OPH_STATE_TRIGGERING) tree->state = OPH_STATE_FAILED;
    pthread_cond_broadcast(&tree->m.changed);
    pthread_mutex_unlock(&tree->m.lock);
}

int oph_trigger(oph_device *dev, oph_status **ret_status, oph_error *err)
{
    const struct oph__rule *rule;
    int rc = oph__context_may_block(dev->ctx, err);
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_TRIGGER, &rule, err);
    if (rc) return rc;
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = still_staged(dev->tree->plan, err);
    if (!rc) rc = start(dev, ret_status, err);
    oph__call_end(&dev->ctx->waits, &call);
    end_of_start(dev->tree, rc != 0);
    return rc;
}

int oph__trigger_and_wait(oph_device *dev, double timeout, oph_error *err)
{
    oph_status *st;
    int rc = start(dev, &st, err);
    if (rc) return rc;
    rc = oph_status_wait(st, timeout, err);
    if (!oph_status_done(st)) oph__trigger_stop(dev, NULL);
    oph_status_unref(st);
    return rc;
}

static int acquire(oph_device *dev, double timeout, oph_report **ret_report, oph_error *err)
{
    oph_report *report = NULL;
    oph_status *st = NULL;
    int rc = oph_stage(dev, &report, err);
    if (rc) {
        oph__report_give(report, ret_report);
        return rc;
    }
    rc = oph_trigger(dev, &st, err);
    if (!rc) rc = oph_status_wait(st, timeout, err);
    oph_status_unref(st);
    oph_report_free(report);
    oph_error late = OPH_ERROR_INIT;
    int unstaged = oph_unstage(dev, &report, &late);
    oph__report_give(report, ret_report);
    if (rc || !unstaged) return rc;
    if (err) *err = late;
    return unstaged;
}

int oph_acquire(oph_device *dev, double timeout, oph_report **ret_report, oph_error *err)
{
    int rc = oph__context_may_block(dev->ctx, err);
    if (rc) return rc;
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = acquire(dev, timeout, ret_report, err);
    oph__call_end(&dev->ctx->waits, &call);
    return rc;
}
