/* How the library makes and finishes status objects.
 *
 * A status of several, or around another, is the outer one, and holds its parts; a part knows those
 * around it as long as it runs. So locks of statuses are taken from the part to the outer one. */
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
/* The limit does not count any more: what decides from here on has a time of its own. */
void oph__status_unlimit(oph_status *status);

/* How far the action is: tells those who watch. Quick, from any thread. False, and nothing, once
 * the status is done. `precision`: digits after the point; negative when not known. */
bool oph__status_report(oph_status *status, double initial, double current, double target,
                        const char *unit, int32_t precision);

/* Puts a status around others, new ones or the next after those that are done: it holds them until
 * it is done, and fn is called for each when that is done, on the thread that finishes it, or here;
 * with no lock held. fn must be quick, and may finish the outer one, after which it may still be
 * called. `follow`: what is reported to a part is reported to the outer one. On an error fn is not
 * called any more. */
int oph__status_around(oph_status *outer, oph_status *const *parts, size_t count, bool follow,
                       oph_status_fn *fn, void *user, oph_error *err);
void oph__status_cancel_parts(oph_status *outer);

oph_context *oph__status_context(const oph_status *status);
const char *oph__status_name(const oph_status *status);
/* Of a status that is done: why it failed, and when it was done. */
const oph_error *oph__status_cause(const oph_status *status);
double oph__status_ended(const oph_status *status);

/* Waits, not to be interrupted, until it is done or the deadline. */
void oph__status_settle(oph_status *status, double deadline);

#endif
