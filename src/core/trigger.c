/* The verbs that make a staged device acquire, and the one that ends it. */
#include "base/err.h"
#include "base/str.h"
#include "core/plan.h"
#include "core/stage.h"
#include "core/status.h"
#include <cophyd/acquire.h>
#include <string.h>

void oph__trigger_finish(oph_device *dev, oph_status *status, const oph_error *error)
{
    struct oph__tree *tree = dev->tree;
    bool failed = error && error->code;
    /* First the state, then the status: who was waiting may trigger again at once. An unstage that
     * is under way keeps its own state. */
    pthread_mutex_lock(&tree->m.lock);
    if (tree->status == status && !failed) tree->unfinished = false;
    if (tree->status == status && tree->state == OPH_STATE_TRIGGERING) {
        tree->state = failed ? OPH_STATE_FAILED : OPH_STATE_STAGED;
        pthread_cond_broadcast(&tree->m.changed);
    }
    pthread_mutex_unlock(&tree->m.lock);
    oph__status_finish(status, error);
}

static int no_trigger(const oph_device *dev, const char *wanted, oph_error *err)
{
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path}, wanted,
                     "class %s, which has no trigger (SingleTrigger)", dev->cls->name);
}

/* `begun` NULL: a trigger, else a kickoff. */
static int start(oph_device *dev, oph_status *begun, oph_status **ret, oph_error *err)
{
    if (!dev->trigger) return no_trigger(dev, "to trigger", err);
    oph_status *st;
    int rc = oph__status_new(dev->ctx, "ADTriggerStatus", dev->name, (double)INFINITY, &st, err);
    if (rc) return rc;
    struct oph__tree *tree = dev->tree;
    pthread_mutex_lock(&tree->m.lock);
    oph_status *former = tree->status;
    bool unfinished = tree->unfinished;
    tree->status = oph_status_ref(st);
    tree->unfinished = true;
    pthread_mutex_unlock(&tree->m.lock);
    oph_status_unref(former);
    oph_error why = OPH_ERROR_INIT;
    rc = begun ? dev->trigger->kickoff(dev, st, begun, &why) : dev->trigger->start(dev, st, &why);
    if (!rc) {
        *ret = st;
        return 0;
    }
    pthread_mutex_lock(&tree->m.lock);
    tree->unfinished = unfinished;
    pthread_mutex_unlock(&tree->m.lock);
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
static void end_of_start(struct oph__tree *tree, int32_t state)
{
    pthread_mutex_lock(&tree->m.lock);
    tree->starting = false;
    if (tree->state == OPH_STATE_TRIGGERING) tree->state = state;
    pthread_cond_broadcast(&tree->m.changed);
    pthread_mutex_unlock(&tree->m.lock);
}

static int32_t started(int rc)
{
    return rc ? OPH_STATE_FAILED : OPH_STATE_TRIGGERING;
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
    if (!rc) rc = start(dev, NULL, ret_status, err);
    oph__call_end(&dev->ctx->waits, &call);
    end_of_start(dev->tree, started(rc));
    return rc;
}

int oph__trigger_and_wait(oph_device *dev, double timeout, oph_error *err)
{
    oph_status *st;
    int rc = start(dev, NULL, &st, err);
    if (rc) return rc;
    rc = oph_status_wait(st, timeout, err);
    if (rc) oph__trigger_stop(dev, false, NULL); /* its settings go back now */
    oph_status_unref(st);
    return rc;
}

int oph_trigger_set_frames(oph_device *dev, int64_t frames, oph_error *err)
{
    int rc = oph__context_check(dev->ctx, err);
    if (rc) return rc;
    if (!dev->trigger) return no_trigger(dev, "a number of frames for its trigger", err);
    if (frames < 0)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path},
                         "a number of frames, or 0", "%lld", (long long)frames);
    atomic_store(&dev->frames, frames);
    return 0;
}

static bool is_not_staging(void *arg)
{
    const struct oph__tree *tree = arg;
    return tree->state != OPH_STATE_STAGING;
}

static bool can_be_cancelled(void *arg)
{
    const struct oph__tree *tree = arg;
    return tree->staging || is_not_staging(arg);
}

/* What was staged is put back, which takes as long as the IOC takes. The waits are none that an
 * interrupt ends: those have their lock before this one. */
static int stop_staging(oph_device *dev, oph_error *err)
{
    struct oph__tree *tree = dev->tree;
    double since = oph__now(), until = since + dev->ctx->options.stop_timeout;
    pthread_mutex_lock(&tree->m.lock);
    oph__wait(NULL, &tree->m, until, can_be_cancelled, tree); /* it may be about to begin */
    pthread_mutex_unlock(&tree->m.lock);
    oph__staging_cancel(tree);
    pthread_mutex_lock(&tree->m.lock);
    int rc = oph__wait(NULL, &tree->m, until, is_not_staging, tree);
    pthread_mutex_unlock(&tree->m.lock);
    if (!rc) return 0;
    return oph__fail(err, rc, (struct oph__at){.device = dev->path, .waited = oph__now() - since},
                     "the end of its staging, which is cancelled", "settings still going back");
}

/* All are stopped, also after one that could not be. */
static int stop_hooks(oph_device *dev, void *first, oph_error *err)
{
    (void)err;
    for (size_t i = 0; i < dev->hooks.count; i++) {
        const struct oph__hook *hook = dev->hooks.at[i];
        oph_error one = OPH_ERROR_INIT, *to = first;
        if (hook->ops->stop && hook->ops->stop(dev, hook->data, &one) && !to->code) *to = one;
    }
    return 0;
}

static int stop_tree(oph_device *dev, oph_error *err)
{
    const struct oph__rule *rule;
    int rc = oph__tree_enter(dev, OPH__VERB_STOP, &rule, err);
    if (rc || rule->answer == OPH__NOTHING) return rc;
    if (rule->next == OPH_STATE_STAGING) return stop_staging(dev, err);
    pthread_mutex_lock(&dev->tree->m.lock);
    oph_device *staged = dev->tree->staged;
    pthread_mutex_unlock(&dev->tree->m.lock);
    return staged ? oph__trigger_stop(staged, true, err) : 0;
}

int oph_stop(oph_device *dev, oph_error *err)
{
    oph_error moving = OPH_ERROR_INIT;
    int rc = oph__context_may_block(dev->ctx, err);
    if (rc) return rc;
    oph__device_each(dev, stop_hooks, &moving, NULL);
    rc = stop_tree(dev, err);
    if (!rc && moving.code && err) *err = moving;
    return rc ? rc : moving.code;
}

/* Series */

static int refuse_series(const oph_device *dev, int code, const char *wanted, const char *found,
                         oph_error *err)
{
    return oph__fail(err, code, (struct oph__at){.device = dev->path}, wanted, "%s", found);
}

static int prepare(oph_device *dev, const oph_series *series, oph_error *err)
{
    struct oph__series *s = &dev->tree->series;
    oph_series want = {.size = sizeof want};
    size_t size = series->size < sizeof want ? series->size : sizeof want;
    int64_t kickoffs = 0;
    memcpy(&want, series, size);
    int rc = still_staged(dev->tree->plan, err);
    if (!rc) rc = dev->trigger->prepare(dev, &want, &kickoffs, err);
    pthread_mutex_lock(&dev->tree->m.lock);
    oph_status *former = s->status;
    *s = (struct oph__series){.prepared = !rc, .want = want, .kickoffs = kickoffs};
    pthread_mutex_unlock(&dev->tree->m.lock);
    oph_status_unref(former);
    return rc;
}

int oph_prepare(oph_device *dev, const oph_series *series, int64_t *ret_kickoffs, oph_error *err)
{
    const struct oph__rule *rule;
    int rc = oph__context_may_block(dev->ctx, err);
    if (!rc && !dev->trigger) rc = no_trigger(dev, "to prepare a series", err);
    if (!rc && !dev->trigger->prepare)
        rc = refuse_series(dev, OPH_EINVAL, "a trigger that takes series (SingleTrigger)",
                           dev->trigger->name, err);
    if (!rc && (!series || !series->size))
        rc = refuse_series(dev, OPH_EINVAL, "a series with its size",
                           series ? "a size of 0" : "NULL", err);
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_PREPARE, &rule, err);
    if (rc) return rc;
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = prepare(dev, series, err);
    int64_t kickoffs = dev->tree->series.kickoffs;
    oph__call_end(&dev->ctx->waits, &call);
    end_of_start(dev->tree, rc ? OPH_STATE_FAILED : OPH_STATE_STAGED);
    if (!rc && ret_kickoffs) *ret_kickoffs = kickoffs;
    return rc;
}

static int check_kickoff(oph_device *dev, oph_error *err)
{
    const struct oph__series *s = &dev->tree->series;
    char found[64];
    if (!s->prepared)
        return refuse_series(dev, OPH_ESTATE, "a series that was prepared",
                             "none: call oph_prepare first", err);
    if (s->done < s->kickoffs) return 0;
    oph__format(found, sizeof found, "all %lld of its series were made", (long long)s->kickoffs);
    return refuse_series(dev, OPH_ESTATE, "one kickoff more", found, err);
}

/* Whoever cancels the beginning means all of it. */
static void cancel_all(oph_status *begun, void *all)
{
    (void)begun;
    oph_status_cancel(all, NULL);
}

static void drop_all(void *all)
{
    oph_status_unref(all);
}

static int kickoff(oph_device *dev, oph_status **ret, oph_error *err)
{
    struct oph__series *s = &dev->tree->series;
    oph_status *begun = NULL, *st = NULL;
    int rc = check_kickoff(dev, err);
    if (!rc) rc = still_staged(dev->tree->plan, err);
    if (!rc)
        rc = oph__status_new(dev->ctx, "KickoffStatus", dev->name, (double)INFINITY, &begun, err);
    if (!rc) rc = start(dev, begun, &st, err);
    if (rc) {
        oph_status_unref(begun);
        return rc;
    }
    oph__status_own(begun, oph_status_ref(st), cancel_all, drop_all);
    pthread_mutex_lock(&dev->tree->m.lock);
    oph_status *former = s->status;
    s->status = st;
    s->done++;
    pthread_mutex_unlock(&dev->tree->m.lock);
    oph_status_unref(former);
    *ret = begun;
    return 0;
}

int oph_kickoff(oph_device *dev, oph_status **ret_status, oph_error *err)
{
    const struct oph__rule *rule;
    int rc = oph__context_may_block(dev->ctx, err);
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_KICKOFF, &rule, err);
    if (rc) return rc;
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = kickoff(dev, ret_status, err);
    oph__call_end(&dev->ctx->waits, &call);
    end_of_start(dev->tree, started(rc));
    return rc;
}

/* The newest kickoff's status, referenced, and whether a series was prepared. */
static oph_status *newest(struct oph__tree *tree, bool *ret_prepared)
{
    pthread_mutex_lock(&tree->m.lock);
    oph_status *st = tree->series.status ? oph_status_ref(tree->series.status) : NULL;
    *ret_prepared = tree->series.prepared;
    pthread_mutex_unlock(&tree->m.lock);
    return st;
}

int oph_complete(oph_device *dev, oph_status **ret_status, oph_error *err)
{
    const struct oph__rule *rule;
    bool prepared;
    int rc = oph__tree_enter(dev, OPH__VERB_COMPLETE, &rule, err);
    if (rc) return rc;
    oph_status *st = newest(dev->tree, &prepared);
    if (!st)
        return refuse_series(dev, OPH_ESTATE, "a series that was kicked off",
                             prepared ? "none: call oph_kickoff first"
                                      : "none: call oph_prepare and oph_kickoff first",
                             err);
    *ret_status = st;
    return 0;
}

int oph_series_index(oph_device *dev, int64_t *ret, oph_error *err)
{
    bool prepared;
    int rc = oph__context_check(dev->ctx, err);
    if (rc) return rc;
    oph_status *st = newest(dev->tree, &prepared);
    oph_progress p = {.size = sizeof p};
    if (!prepared)
        rc = refuse_series(dev, OPH_ESTATE, "a series that was prepared",
                           "none: call oph_prepare first", err);
    if (!rc && st) rc = oph_status_progress(st, &p, err);
    oph_status_unref(st);
    if (!rc) *ret = st && !isnan(p.current) ? (int64_t)p.current : 0;
    return rc;
}
