/* How the library makes and finishes status objects. */
#ifndef CORE_STATUS_H
#define CORE_STATUS_H

#include "core/context.h"
#include <cophyd/status.h>

/* Called at most once, on the caller's thread, when the user cancels a status that is not done. It
 * sees to it that the action ends and the status is finished. */
typedef void oph__cancel_fn(oph_status *status, void *action);

/* A running status. `kind` is static, as "ADTriggerStatus"; `name` is the device's. `limit`: how
 * long the action may take, in seconds, after which it fails with OPH_ETIMEOUT; infinity when the
 * action watches its own time. The caller has one reference. */
int oph__status_new(oph_context *ctx, const char *kind, const char *name, double limit,
                    oph_status **ret, oph_error *err);
/* Gives the status its action, which it keeps, and destroys when nobody refers to the status any
 * more. Without an action cancelling finishes the status at once. */
void oph__status_own(oph_status *status, void *action, oph__cancel_fn *cancel,
                     void (*destroy)(void *action));

/* Completes it: success when error is NULL or its code 0. The first call decides and returns true;
 * the others change nothing. */
bool oph__status_finish(oph_status *status, const oph_error *error);

/* As oph_status_on_done, but on the thread that finishes the status, or on the caller's when it is
 * done already; with no lock held. fn must be quick. */
int oph__status_listen(oph_status *status, oph_status_fn *fn, void *user, oph_error *err);

oph_context *oph__status_context(const oph_status *status);

/* Waits, not to be interrupted, until it is done or the deadline. */
void oph__status_settle(oph_status *status, double deadline);

#endif
