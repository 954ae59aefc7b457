/* How a call blocks: until its data changed, its deadline, or oph_interrupt. */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include "base/clock.h"
#include <cophyd/error.h>

/* The calls of one context that are blocking now. */
struct oph__waits {
    pthread_mutex_t lock;
    struct oph__waiting *first;
    bool interrupted; /* asked for and not yet delivered */
};
int oph__waits_init(struct oph__waits *waits); /* 0 or OPH_ESYSTEM */
void oph__waits_destroy(struct oph__waits *waits);

/* Delivers an interrupt to all that block now, or keeps it for the next. On the loop's thread. */
void oph__waits_interrupt(struct oph__waits *waits);

/* Call with m->lock held; it is held again on return. Waits until ready(arg), which is asked with
 * the lock held. Returns 0, OPH_EINTR or OPH_ETIMEOUT: the first of these that holds. `waits` NULL:
 * not interruptible. */
int oph__wait(struct oph__waits *waits, struct oph__monitor *m, double deadline,
              bool (*ready)(void *arg), void *arg);

#endif
