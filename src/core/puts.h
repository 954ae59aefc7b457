/* Who is told of each put before it is sent (oph_context_on_put). */
#ifndef CORE_PUTS_H
#define CORE_PUTS_H

#include "core/value.h"
#include <cophyd/context.h>
#include <pthread.h>
#include <stdatomic.h>

struct oph__pv;

struct oph__puts {
    pthread_mutex_t lock;
    oph_put_fn *fn;
    void *user;
    atomic_int on; /* all of it costs one load where nobody wants to be told */
};
int oph__puts_init(struct oph__puts *puts); /* 0 or OPH_ESYSTEM */
void oph__puts_destroy(struct oph__puts *puts);
void oph__puts_set(struct oph__puts *puts, oph_put_fn *fn, void *user);

/* A PV was read: what is told as `before`. On any thread. */
void oph__puts_saw(struct oph__pv *pv, const struct oph__event *event);
/* A put is about to be sent. OPH_EACCESS when it is not to be. */
int oph__puts_tell(struct oph__pv *pv, const struct oph__wire *wire, oph_error *why);
/* The same of a channel without a PV of ours; `to` without the value. */
int oph__puts_tell_of(struct oph__puts *puts, const oph_put_notice *to,
                      const struct oph__chan_info *info, const struct oph__wire *wire,
                      oph_error *why);
/* A put has failed, or was given up: what is there now is not known. */
void oph__puts_unsure(struct oph__pv *pv);
void oph__puts_forget(struct oph__pv *pv); /* frees what was seen */

#endif
