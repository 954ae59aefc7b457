/* One status for several. The verdict is found under one lock, so that it does not depend on which
 * of the parts' threads comes first to finish the whole. */
#include "base/err.h"
#include "core/status.h"
#include <stdlib.h>

struct combined {
    oph_status *status; /* it owns this struct */
    bool any;           /* one success is enough */
    pthread_mutex_t lock;
    size_t left;     /* parts that are not done */
    bool decided;    /* the verdict is out; then cause stands */
    oph_error cause; /* the first failure */
};

static void destroy(void *action)
{
    struct combined *c = action;
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void cancel(oph_status *status, void *action)
{
    (void)action;
    oph__status_cancel_parts(status);
}

static void part_done(oph_status *part, void *user)
{
    struct combined *c = user;
    const oph_error *error = oph__status_cause(part);
    bool failed = error->code != 0;
    pthread_mutex_lock(&c->lock);
    if (failed && !c->cause.code && !c->decided) c->cause = *error;
    bool last = --c->left == 0;
    bool mine = !c->decided && (last || failed != c->any);
    if (mine) c->decided = true;
    pthread_mutex_unlock(&c->lock);
    if (mine) oph__status_finish(c->status, failed ? &c->cause : NULL);
}

static int check(const char *kind, oph_status *const *parts, size_t count, oph_error *err)
{
    size_t good = 0;
    while (parts && good < count && parts[good])
        good++;
    if (good && good == count) return oph__context_check(oph__status_context(parts[0]), err);
    return oph__fail_text(err, OPH_EINVAL, "%s: wanted at least one status, found %s", kind,
                          good < count && parts ? "NULL" : "none");
}

static int combine(const char *kind, bool any, oph_status *const *parts, size_t count,
                   oph_status **ret_status, oph_error *err)
{
    int rc = check(kind, parts, count, err);
    if (rc) return rc;
    struct combined *c = calloc(1, sizeof *c);
    if (!c || pthread_mutex_init(&c->lock, NULL)) {
        free(c);
        return oph__fail_memory(err, "a status");
    }
    c->any = any;
    c->left = count;
    rc = oph__status_new(oph__status_context(parts[0]), kind, "combined", (double)INFINITY,
                         &c->status, err);
    if (rc) {
        destroy(c);
        return rc;
    }
    oph_status *status = c->status;
    oph__status_own(status, c, cancel, destroy);
    rc = oph__status_around(status, parts, count, false, part_done, c, err);
    if (rc)
        oph_status_unref(status);
    else
        *ret_status = status;
    return rc;
}

int oph_status_all(oph_status *const *parts, size_t count, oph_status **ret_status, oph_error *err)
{
    return combine("AndStatus", false, parts, count, ret_status, err);
}

int oph_status_any(oph_status *const *parts, size_t count, oph_status **ret_status, oph_error *err)
{
    return combine("OrStatus", true, parts, count, ret_status, err);
}
