/* A status with a time limit and a time to settle around another. The limit is that of any status;
 * once the other one has succeeded it gives way to a timer of our own. */
#include "base/err.h"
#include "core/status.h"
#include <stdlib.h>

struct bound {
    oph_status *status; /* it owns this struct */
    double settle;
    struct oph__timer timer; /* has a reference to the status while it is started */
    atomic_bool settling, cancelled;
};

static struct oph__loop *engine(const struct bound *b)
{
    return oph__status_context(b->status)->engine;
}

static void settled(struct oph__timer *timer)
{
    struct bound *b = OPH__AROUND(struct bound, timer, timer);
    oph_status *status = b->status;
    oph__status_finish(status, NULL);
    oph_status_unref(status); /* the timer's */
}

static void end_settling(struct bound *b)
{
    oph_error why = OPH_ERROR_INIT;
    oph__fail(&why, OPH_ECANCEL, (struct oph__at){.device = oph__status_name(b->status)},
              "to settle", "cancelled");
    oph__status_finish(b->status, &why);
    if (oph__timer_stop(engine(b), &b->timer)) oph_status_unref(b->status);
}

/* Who cancels at the same time sees that it settles, or we see that it is cancelled. */
static void settle(struct bound *b, double until)
{
    oph__status_unlimit(b->status);
    if (oph_status_done(b->status)) return; /* the limit was quicker */
    oph_status_ref(b->status);
    if (!oph__timer_start(engine(b), &b->timer, until)) {
        oph_error why = OPH_ERROR_INIT;
        oph__fail_memory(&why, "a status");
        oph__status_finish(b->status, &why);
        oph_status_unref(b->status);
        return;
    }
    atomic_store(&b->settling, true);
    if (atomic_load(&b->cancelled)) end_settling(b);
}

static void inner_done(oph_status *inner, void *user)
{
    struct bound *b = user;
    const oph_error *cause = oph__status_cause(inner);
    if (!cause->code && b->settle > 0)
        settle(b, oph__status_ended(inner) + b->settle);
    else
        oph__status_finish(b->status, cause);
}

static void cancel(oph_status *status, void *action)
{
    struct bound *b = action;
    atomic_store(&b->cancelled, true);
    oph__status_cancel_parts(status);
    if (atomic_load(&b->settling)) end_settling(b);
}

int oph_status_bound(oph_status *inner, double timeout, double settle, oph_status **ret_status,
                     oph_error *err)
{
    oph_context *ctx = oph__status_context(inner);
    int rc = oph__context_check(ctx, err);
    if (rc) return rc;
    const char *name = oph__status_name(inner);
    if (!(settle >= 0) || isinf(settle))
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = name},
                         "a time to settle of zero or more seconds", "%g", settle);
    if (isnan(timeout) || oph_status_done(inner)) timeout = (double)INFINITY;
    struct bound *b = calloc(1, sizeof *b);
    if (!b) return oph__fail_memory(err, "a status");
    b->settle = settle;
    b->timer.run = settled;
    rc = oph__status_new(ctx, "BoundStatus", name, timeout, &b->status, err);
    if (rc) {
        free(b);
        return rc;
    }
    oph_status *status = b->status;
    oph__status_own(status, b, cancel, free);
    rc = oph__status_around(status, &inner, 1, true, inner_done, b, err);
    if (!rc) {
        *ret_status = status;
        return 0;
    }
    oph__status_unlimit(status); /* or the timer holds it, and so the context, until then */
    oph_status_unref(status);
    return rc;
}
