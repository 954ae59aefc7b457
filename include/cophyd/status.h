/* Status objects: when an action is done, whether it worked, and how far it is. */
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

/* Holds it once more, until one more oph_status_unref; returns status. */
OPH_API oph_status *oph_status_ref(oph_status *status);
OPH_API void oph_status_unref(oph_status *status); /* NULL allowed */

/* Waits until it is done. Returns 0 when the action succeeded, else the action's error. When
 * `timeout` (OPH_DEFAULT: as long as the action itself may take) ends first: OPH_ETIMEOUT, and the
 * action goes on; with 0 it does not wait.
 * In a callback: the library's statuses get done while you wait. One of your own that only another
 * callback finishes does not, which nobody can know: the wait then lasts until its timeout. */
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
 * then fails with OPH_ECANCEL, unless it was done before. Always returns 0, but for OPH_EFORK. */
OPH_API int oph_status_cancel(oph_status *status, oph_error *err);

/* A descriptor that poll(2) and epoll(7), by level or by edge, find readable once the status is
 * done. It is the status's own: do not read or close it. */
OPH_API int oph_status_fd(oph_status *status, int *ret_fd, oph_error *err);

/* One status for several: `all` succeeds when each has, and fails with the first that fails; `any`
 * succeeds with the first that does, and fails, with the first cause, when all have failed. At
 * least one part; they may come from several contexts, and be made of others. Cancelling it cancels
 * the parts. It holds them until it is done, and says nothing of their progress. */
OPH_API int oph_status_all(oph_status *const *parts, size_t count, oph_status **ret_status,
                           oph_error *err);
OPH_API int oph_status_any(oph_status *const *parts, size_t count, oph_status **ret_status,
                           oph_error *err);

/* The same status with a time limit and a time to settle. It succeeds `settle` seconds after
 * `status` has succeeded (0: at once), fails when that fails, with its error, and fails with
 * OPH_ETIMEOUT when `status` is not done `timeout` seconds from now (OPH_DEFAULT, OPH_FOREVER: no
 * limit); then the action itself goes on. The settling does not count for the timeout. Cancelling
 * it cancels `status`, or ends the settling. It holds `status` until it is done, and has its
 * progress. */
OPH_API int oph_status_bound(oph_status *status, double timeout, double settle,
                             oph_status **ret_status, oph_error *err);

/* How far an action is. Numbers that are not known are NAN. */
typedef struct oph_progress {
    uint32_t size;     /* sizeof(oph_progress) */
    int32_t precision; /* digits after the point of the next three; negative when not known */
    double initial, current, target;
    double fraction;  /* of the way from initial to target, 0 to 1 */
    double elapsed;   /* seconds since the action began, until it ended */
    double remaining; /* seconds, at the pace so far; 0 once the action has ended */
    char unit[16];    /* "frames" */
    char name[128];   /* of what acts: "det" */
} oph_progress;

/* The newest report, as it stands now. Set ret->size before the call. As long as nothing was
 * reported only name and elapsed are known. */
OPH_API int oph_status_progress(oph_status *status, oph_progress *ret, oph_error *err);

/* Calls fn, as all callbacks on the dispatcher thread, with what is reported: soon with the newest
 * report if there was one, then with each that comes.
 * - In order. When reports come faster than fn returns it is told the newest only.
 * - The last one before the end is told, and before the callbacks of oph_status_on_done run. The
 *   end itself is not told here, and nothing comes after it; a watch that begins when the status is
 *   done is told the last report once.
 * The watch is yours, and holds the status; it is written to *ret_watch before fn runs. With NULL
 * for it fn is called as long as the status lives. */
typedef struct oph_watch oph_watch;
typedef void oph_progress_fn(oph_status *status, const oph_progress *progress, void *user);
OPH_API int oph_status_watch(oph_status *status, oph_progress_fn *fn, void *user,
                             oph_watch **ret_watch, oph_error *err);
/* After it fn does not run any more: a running fn is waited for, but not from inside a callback.
 * From any thread, before or after the end. NULL allowed. */
OPH_API void oph_watch_free(oph_watch *watch);

/* Reports how far the action of a status of your own is; `unit` may be NULL. Returns 1, or 0 when
 * the status is done or not your own: then nobody is told. */
OPH_API int oph_status_report(oph_status *status, double initial, double current, double target,
                              const char *unit);

/* "ADTriggerStatus(device=det, done=False, success=False)" into buffer[size]; returns buffer. */
OPH_API const char *oph_status_text(oph_status *status, char *buffer, size_t size);

OPH_END_DECLS

#endif
