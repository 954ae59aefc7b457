/* One status for several. The combined status owns the list of its parts; each part that is not
 * done refers to the combined status, so neither goes while the other may still call it. */
#include "base/err.h"
#include "core/status.h"
#include <stdlib.h>

struct combined {
    oph_status *status; /* it owns this struct */
    bool any;           /* one success is enough */
    pthread_mutex_t lock;
    size_t left;     /* parts that are not done */
    oph_error cause; /* the first failure */
    size_t count;
    oph_status *parts[];
};

static void destroy(void *action)
{
    struct combined *c = action;
    for (size_t i = 0; i < c->count; i++)
        oph_status_unref(c->parts[i]);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static void cancel(oph_status *status, void *action)
{
    (void)status;
    struct combined *c = action;
    for (size_t i = 0; i < c->count; i++)
        oph_status_cancel(c->parts[i], NULL);
}

static void part_done(oph_status *part, void *user)
{
    struct combined *c = user;
    oph_error error = OPH_ERROR_INIT;
    bool failed = oph_status_error(part, &error) != 0;
    pthread_mutex_lock(&c->lock);
    if (failed && !c->cause.code) c->cause = error;
    bool last = --c->left == 0;
    error = c->cause;
    pthread_mutex_unlock(&c->lock);
    oph_status *status = c->status;
    if (failed && (!c->any || last))
        oph__status_finish(status, &error);
    else if (!failed && (c->any || last))
        oph__status_finish(status, NULL);
    oph_status_unref(status); /* the part's */
}

static int combine(const char *kind, bool any, oph_status *const *parts, size_t count,
                   oph_status **ret_status, oph_error *err)
{
    if (!count || !parts)
        return oph__fail_text(err, OPH_EINVAL, "%s: wanted at least one status, found none", kind);
    struct combined *c = calloc(1, sizeof *c + count * sizeof(oph_status *));
    if (!c || pthread_mutex_init(&c->lock, NULL)) {
        free(c);
        return oph__fail_memory(err, "a status");
    }
    oph_context *ctx = oph__status_context(parts[0]);
    oph_status *status;
    int rc = oph__status_new(ctx, kind, "combined", (double)INFINITY, &status, err);
    if (rc) {
        pthread_mutex_destroy(&c->lock);
        free(c);
        return rc;
    }
    c->status = status;
    c->any = any;
    c->left = count;
    for (; c->count < count; c->count++)
        c->parts[c->count] = oph_status_ref(parts[c->count]);
    oph__status_own(status, c, cancel, destroy);
    for (size_t i = 0; !rc && i < count; i++) {
        oph_status_ref(status);
        rc = oph__status_listen(parts[i], part_done, c, err);
        if (rc) oph_status_unref(status);
    }
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
