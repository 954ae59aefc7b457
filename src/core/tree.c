/* The state that a tree of devices shares. */
#include "base/err.h"
#include "base/str.h"
#include "core/device.h"

/* Verbs for which it makes no difference which device of the tree was staged. */
static bool is_for_any(enum oph__verb verb)
{
    return verb == OPH__VERB_FILES || verb == OPH__VERB_CONNECT || verb == OPH__VERB_STOP;
}

/* Ending what a call lower down on this thread does would wait for that for ever: a function that a
 * call asks while it waits (oph_context_on_wait) may try to. With the lock held. */
static bool is_end_of_own(const struct oph__tree *tree, enum oph__verb verb)
{
    bool held = tree->state == OPH_STATE_STAGING || tree->starting;
    return held && pthread_equal(tree->holder, pthread_self()) &&
           (verb == OPH__VERB_STOP || verb == OPH__VERB_UNSTAGE);
}

/* A verb concerns the whole tree: staging one branch while another is staged would mix two
 * restores. */
int oph__tree_enter(oph_device *dev, enum oph__verb verb, const struct oph__rule **ret,
                    oph_error *err)
{
    struct oph__tree *tree = dev->tree;
    int rc = oph__context_check(dev->ctx, err);
    if (rc) return rc;
    pthread_mutex_lock(&tree->m.lock);
    int32_t state = tree->state;
    const struct oph__rule *rule = oph__rule_for(verb, state);
    oph_device *staged = tree->staged;
    bool other = staged && staged != dev && !is_for_any(verb) && rule->answer != OPH__NOTHING;
    bool own = is_end_of_own(tree, verb), goes = rule->answer != OPH__REFUSE && !other && !own;
    if (goes) {
        tree->state = rule->next;
        bool stages = rule->next == OPH_STATE_STAGING && state == OPH_STATE_IDLE;
        bool starts = rule->next == OPH_STATE_TRIGGERING && state != OPH_STATE_TRIGGERING;
        if (stages) tree->staged = dev;
        if (starts) tree->starting = true;
        if (stages || starts) tree->holder = pthread_self();
    }
    pthread_mutex_unlock(&tree->m.lock);
    *ret = rule;
    if (goes) return 0;
    char wanted[32], found[256];
    oph__format(wanted, sizeof wanted, "to %s", oph__verb_name(verb));
    if (own)
        return oph__fail(err, OPH_EDEADLK, (struct oph__at){.device = dev->path}, wanted,
                         "state %s: a call of this thread, which ends first",
                         oph_state_name(state));
    if (rule->answer == OPH__REFUSE)
        oph__format(found, sizeof found, "state %s: %s", oph_state_name(state), rule->why);
    else
        oph__format(found, sizeof found, "state %s: %s is the device that was staged",
                    oph_state_name(state), staged->path);
    return oph__fail(err, OPH_ESTATE, (struct oph__at){.device = dev->path}, wanted, "%s", found);
}

void oph__tree_set(struct oph__tree *tree, int32_t state)
{
    oph_status *series = NULL;
    pthread_mutex_lock(&tree->m.lock);
    tree->state = state;
    if (state == OPH_STATE_IDLE) {
        tree->staged = NULL;
        series = tree->series.status;
        tree->series = (struct oph__series){0};
    }
    pthread_cond_broadcast(&tree->m.changed);
    pthread_mutex_unlock(&tree->m.lock);
    oph_status_unref(series);
}

int32_t oph_device_state(oph_device *dev)
{
    if (oph__context_check(dev->ctx, NULL)) return OPH_STATE_IDLE; /* here nothing is staged */
    pthread_mutex_lock(&dev->tree->m.lock);
    int32_t state = dev->tree->state;
    pthread_mutex_unlock(&dev->tree->m.lock);
    return state;
}
