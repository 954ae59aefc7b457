/* Status objects: when an action is done, and whether it worked. */
#ifndef COPHYD_STATUS_H
#define COPHYD_STATUS_H

#include <cophyd/context.h>

OPH_BEGIN_DECLS

/* Completes exactly once: success, failure, timeout or cancel. Any thread may use it; what a
 * function returns through `ret_status` is yours to unref. */
typedef struct oph_status oph_status;

/* A status of your own, for an action that your program runs: `name` says of what, and after
 * `timeout` seconds (OPH_FOREVER: never) it fails with OPH_ETIMEOUT. */
OPH_API int oph_status_new(oph_context *ctx, const char *name, double timeout,
                           oph_status **ret_status, oph_error *err);
/* Completes a status of your own: success when error is NULL or its code 0. Returns 1 when this
 * call decided, 0 when the status was done before. */
OPH_API int oph_status_finish(oph_status *status, const oph_error *error);

OPH_API oph_status *oph_status_ref(oph_status *status);
OPH_API void oph_status_unref(oph_status *status); /* NULL allowed */

/* Waits until it is done. Returns 0 when the action succeeded, else the action's error. When
 * `timeout` (OPH_DEFAULT: as long as the action itself may take) ends first: OPH_ETIMEOUT, and the
 * action goes on. */
OPH_API int oph_status_wait(oph_status *status, double timeout, oph_error *err);

OPH_API int oph_status_done(oph_status *status);    /* 1 or 0 */
OPH_API int oph_status_success(oph_status *status); /* 1 when done without error */
/* The action's error: code 0 while it runs and after success. Returns that code. */
OPH_API int oph_status_error(oph_status *status, oph_error *ret);

/* Calls fn on the context's dispatcher thread once the status is done; soon when it is already.
 * Callbacks run one at a time, with no lock held: fn may call the library, but while it does the
 * others wait. */
typedef void oph_status_fn(oph_status *status, void *user);
OPH_API int oph_status_on_done(oph_status *status, oph_status_fn *fn, void *user, oph_error *err);

/* Asks the action to end, as an acquisition by stopping the camera, and does not wait. The status
 * then fails with OPH_ECANCEL, unless it was done before. Always returns 0. */
OPH_API int oph_status_cancel(oph_status *status, oph_error *err);

/* A descriptor that poll(2) finds readable once the status is done. It is the status's own: do not
 * read or close it. */
OPH_API int oph_status_fd(oph_status *status, int *ret_fd, oph_error *err);

/* One status for several: `all` succeeds when each has, and fails with the first that fails; `any`
 * succeeds with the first that does, and fails, with the first cause, when all have failed. At
 * least one part; they may come from several contexts. Cancelling it cancels the parts. It holds
 * them until each is done. */
OPH_API int oph_status_all(oph_status *const *parts, size_t count, oph_status **ret_status,
                           oph_error *err);
OPH_API int oph_status_any(oph_status *const *parts, size_t count, oph_status **ret_status,
                           oph_error *err);

/* "ADTriggerStatus(device=det, done=False, success=False)" into buffer[size]; returns buffer. */
OPH_API const char *oph_status_text(oph_status *status, char *buffer, size_t size);

OPH_END_DECLS

#endif
