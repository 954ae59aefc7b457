/* A context: one Channel Access client, the classes it knows, and its threads. */
#ifndef COPHYD_CONTEXT_H
#define COPHYD_CONTEXT_H

#include <cophyd/error.h>

OPH_BEGIN_DECLS

typedef struct oph_context oph_context;

/* Set `size` to sizeof(oph_context_options). A timeout of 0 means the value named here; a negative
 * one is OPH_EINVAL. */
typedef struct oph_context_options {
    uint32_t size;
    uint32_t reserved;
    double connect_timeout; /* 5 s: to find a PV and learn what it is */
    double get_timeout;     /* 3 s: for the IOC to answer a read */
    double put_timeout;     /* 10 s, for a put's completion; a row's `slow=` lengthens it; and for
                               what a stage starts (Capture) to show that it runs */
    double grace;           /* 1 s: for a readback to follow a completed put; what it is first has
                               get_timeout, however far away the IOC is */
    double stop_timeout;    /* 15 s: for an acquisition or a capture to stop */
} oph_context_options;

/* Makes a context. opt may be NULL. It is yours; devices hold it, so it may be freed before them.
 * On each IOC where it has had a PV it keeps one open until it ends. */
OPH_API int oph_context_new(const oph_context_options *opt, oph_context **ret, oph_error *err);
OPH_API void oph_context_free(oph_context *ctx);

/* Makes every call that is blocking now return OPH_EINTR, or else the next one that blocks.
 * Putting settings back (oph_unstage, a failed oph_stage) is not interrupted.
 * The only call that a signal handler may make. */
OPH_API void oph_interrupt(oph_context *ctx);

/* For hosts that handle signals between calls, as interpreters do: asks fn ten times a second while
 * a call of this very thread, which sets it, blocks. Anything but 0 ends that call as oph_interrupt
 * does, and no other thread's. What oph_interrupt does not end is not asked about. fn may call the
 * library, as part of that call: to stop or to unstage what this stages or starts is OPH_EDEADLK,
 * and nothing that it uses may be freed. NULL: nobody is asked, as at first; to be set again before
 * the thread ends. */
typedef int32_t oph_wait_fn(void *user);
OPH_API void oph_context_on_wait(oph_context *ctx, oph_wait_fn *fn, void *user);

enum oph_log_level {
    OPH_LOG_ERROR = 0,
    OPH_LOG_WARNING = 1,
    OPH_LOG_INFO = 2,
    OPH_LOG_DEBUG = 3,
    OPH_LOG_PIN_ = INT32_MIN
};

/* Tells fn what the library and libca have to say; off by default, NULL switches it off. Called
 * from any thread, one call at a time; it must not call the library. */
typedef void oph_log_fn(void *user, int32_t level, const char *line);
OPH_API void oph_context_log(oph_context *ctx, oph_log_fn *fn, void *user);

/* A put that is about to be sent. Texts are as a person reads values, labels for enums, text in
 * quotes; they live until fn returns. */
typedef struct oph_put_notice {
    const char *device; /* "det.cam.acquire_time" */
    const char *pv;     /* "Pilatus:cam1:AcquireTime" */
    const char *value;  /* "0.1" */
    const char *before; /* what this context last read there, or wrote; NULL: not known */
} oph_put_notice;

/* Tells fn of every put before it is sent: those of signals, of staging and of putting back, of
 * triggers and of stops; of a derived signal what is put to it, and what it puts. It
 * returns 0; with anything else the put is not sent, and fails with OPH_EACCESS. NULL: nobody is
 * told, as at first. Called from any thread, one call at a time; it must be quick, and must not
 * call the library. */
typedef int32_t oph_put_fn(void *user, const oph_put_notice *put);
OPH_API void oph_context_on_put(oph_context *ctx, oph_put_fn *fn, void *user);

OPH_END_DECLS

#endif
