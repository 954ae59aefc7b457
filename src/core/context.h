/* The context's inside, and the behaviours that a layer above adds to it. */
#ifndef CORE_CONTEXT_H
#define CORE_CONTEXT_H

#include "base/alive.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/wait.h"
#include "core/puts.h"
#include "ca/link.h"
#include "core/behaviour.h"
#include "core/classtext.h"
#include <cophyd/context.h>
#include <cophyd/group.h>
#include <sys/types.h>

enum { OPH__PV_LOCKS = 16 };

struct oph_context {
    atomic_int refs;         /* the user's, one a device, a status, a subscription, a queue */
    struct oph__alive alive; /* not in a forked child, which must not touch threads or libca */
    pid_t owner;             /* for the sentence that says so */
    oph_context_options options;
    struct oph__log log;
    struct oph__puts puts;
    struct oph__waits waits;
    struct oph__loop *engine;   /* deadlines, interrupts, the steps of running actions */
    struct oph__loop *dispatch; /* the user's callbacks */
    oph_queue *events;          /* of subscriptions, on their way there */
    struct oph__classes *classes;
    const struct oph__behaviours *behaviours;
    const struct oph__link_ops *ops;
    pthread_mutex_t lock;                    /* of what follows, and of every PV's state */
    struct oph__link *link;                  /* opened at the first channel */
    oph_group *running;                      /* groups that run on the engine */
    pthread_mutex_t pv_locks[OPH__PV_LOCKS]; /* each of some PVs' lists of requests */
    atomic_uint pvs;                         /* made so far */
    atomic_bool left;       /* an unstage could not end its journal: the next stage looks at it */
    pthread_cond_t changed; /* with the lock: a PV was opened, a subscription started or ended */
};

/* A context over any link; the public oph_context_new gives it libca and areaDetector. */
int oph__context_make(const oph_context_options *options, const struct oph__link_ops *ops,
                      const struct oph__behaviours *behaviours, oph_context **ret, oph_error *err);

oph_context *oph__context_ref(oph_context *ctx);

/* The link to the network, opened if need be. */
int oph__context_link(oph_context *ctx, struct oph__link **ret, oph_error *err);
/* The lock of the next PV's requests. */
pthread_mutex_t *oph__context_pv_lock(oph_context *ctx);
/* Sends what was asked for, on that link, where it is open. */
int oph__context_flush(oph_context *ctx, oph_error *err);

/* OPH_EFORK in a child of the context's process. Asked before any of its locks is taken: another
 * thread may have held it when the process forked, and does so in the child for ever. */
int oph__context_check(const oph_context *ctx, oph_error *err);
/* The same, and OPH_EDEADLK on the engine's own thread: the reasons why a call that blocks could
 * never return. */
int oph__context_may_block(oph_context *ctx, oph_error *err);

#endif
