/* What a killed client left changed: seeing it, and putting it back.
 *
 * Before a stage writes anything it notes originals and staged values in a file, its journal, which
 * goes when all is back. The folder is $COPHYD_STATE_DIR (an absolute path), else
 * $XDG_STATE_HOME/cophyd, else ~/.local/state/cophyd; a file is for one user, host, server and
 * prefix. While one is there, staging the same settings is refused: OPH_EBUSY names the client that
 * has them staged, OPH_ESTATE the killed one; also where the IOC came back on the same host with
 * another port. Removing the file by hand forgets what is in it. */
#ifndef COPHYD_RECOVER_H
#define COPHYD_RECOVER_H

#include <cophyd/context.h>

OPH_BEGIN_DECLS

enum oph_recover_flags {
    OPH_RECOVER_STOP = 1,       /* an acquisition that does not end by itself is stopped */
    OPH_RECOVER_ANY_SERVER = 2, /* the IOC has moved to another address or port */
    OPH_RECOVER_FLAGS_PIN_ = INT32_MIN
};

/* Set `size` to sizeof(oph_recover_options). */
typedef struct oph_recover_options {
    uint32_t size;
    uint32_t flags; /* of enum oph_recover_flags */
    double timeout; /* seconds for a running acquisition to end; 0: the context's stop_timeout */
} oph_recover_options;

enum oph_recovered_what {
    OPH_RECOVERED_BACK = 0, /* it had the staged value, and was put back */
    OPH_RECOVERED_SAME = 1, /* nothing was to be done: it was as before, or is never put back */
    OPH_RECOVERED_KEPT = 2, /* somebody changed it since, so it was left as it is */
    OPH_RECOVERED_LEFT = 3, /* it could not be put back; it stays in the journal */
    OPH_RECOVERED_PIN_ = INT32_MIN
};
/* One setting, as it was found and as it is now, read after all. */
typedef struct oph_recovered {
    int32_t what; /* enum oph_recovered_what */
    int32_t reserved;
    char device[128]; /* "det.cam.acquire_time" */
    char pv[128];     /* "Pilatus:cam1:AcquireTime" */
    char found[256];
    char now[256]; /* "" where it cannot be read */
} oph_recovered;
typedef struct oph_recovery oph_recovery;

/* Puts back, in reverse order and only where the staged values still stand, what clients of this
 * user and host left changed: those that would stand in the way of staging `prefix` ("Pilatus:"),
 * or, NULL, all. No class is needed. Captures that were started are stopped. Bounded by the
 * context's timeouts. What cannot be put back stays in the journal, to be tried again.
 *
 * Nothing is touched of what a living client holds or while an acquisition runs (OPH_EBUSY), where
 * the PV that tells of that is down and others are not (OPH_EDISCONN), where a PV is on another
 * server or its labels are others (OPH_EMISMATCH), and of a file that somebody
 * edited (OPH_EPARSE). The first error counts; of the rest each is in the report, as are settings
 * that somebody changed meanwhile. Nothing to do: 0, and an empty list.
 *
 * ret_recovery, ret_report: NULL, or yours, on success and on failure; not written with OPH_EFORK,
 * OPH_EDEADLK, OPH_ENOMEM, or OPH_EINVAL for opt. opt may be NULL. Any thread but the library's
 * own. */
OPH_API int oph_recover(oph_context *ctx, const char *prefix, const oph_recover_options *opt,
                        oph_recovery **ret_recovery, oph_report **ret_report, oph_error *err);

/* In the order in which they were put back; _at gives NULL past the end. NULL is an empty list. */
OPH_API size_t oph_recovery_count(const oph_recovery *recovery);
OPH_API const oph_recovered *oph_recovery_at(const oph_recovery *recovery, size_t index);
OPH_API void oph_recovery_free(oph_recovery *recovery); /* NULL allowed */

/* A journal that is there. */
typedef struct oph_journal {
    char file[512];
    char device[128]; /* "det" */
    char prefix[128]; /* "Pilatus:" */
    char server[64];  /* "127.0.0.1:5064" */
    char program[32];
    int32_t pid;     /* of the client that staged */
    int32_t alive;   /* 1: who holds it lives, and so it is no leftover; else 0 */
    int64_t since;   /* seconds since 1970 UTC */
    uint32_t count;  /* settings in it */
    uint32_t broken; /* 1: the file cannot be used, as `why` says, and only its name is known */
    char why[256];
} oph_journal;
typedef struct oph_journals oph_journals;

/* All journals of this user and host. Needs no network, and no context. None: an empty list. The
 * list is yours. OPH_EFILE when the folder cannot be read. */
OPH_API int oph_journals_find(oph_journals **ret, oph_error *err);
OPH_API size_t oph_journals_count(const oph_journals *journals);
OPH_API const oph_journal *oph_journals_at(const oph_journals *journals, size_t index);
OPH_API void oph_journals_free(oph_journals *journals); /* NULL allowed */

OPH_END_DECLS

#endif
