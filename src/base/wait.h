/* How a call blocks: until its data changed, its deadline, oph_interrupt, or until it is cancelled.
 */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include "base/clock.h"
#include <cophyd/error.h>

/* A call under way that waits, once or several times: an interrupt that comes between two waits of
 * it ends it at the next. Lives on its stack. */
struct oph__call {
    struct oph__call *next;
    pthread_t thread;
    struct oph__monitor *m;  /* what it waits for now, or NULL */
    bool interrupted;        /* written under both locks, read under either */
    bool cancelled;          /* likewise; it stays until it is taken back */
    double asks_at;          /* when it is asked next whether it is to end, by oph__now() */
    struct oph__call *outer; /* this is part of that one, which the same thread is in already */
};

/* Who is asked now and then, while calls of one thread wait, whether they are to end. */
struct oph__on_wait {
    int32_t (*fn)(void *user); /* or NULL */
    void *user;
    pthread_t thread;
};

/* The calls of one context. */
struct oph__waits {
    pthread_mutex_t lock;
    struct oph__call *first;
    struct oph__on_wait asked;
    bool interrupted; /* asked for and not yet delivered */
};
int oph__waits_init(struct oph__waits *waits); /* 0 or OPH_ESYSTEM */
void oph__waits_destroy(struct oph__waits *waits);

/* Delivers an interrupt to all calls under way, or keeps it for the next. On the loop's thread. */
void oph__waits_interrupt(struct oph__waits *waits);

/* Has the calls of this thread ask. */
void oph__waits_ask(struct oph__waits *waits, int32_t (*fn)(void *user), void *user);

/* Around the waits of a call that has several. Calls inside it are part of it. */
void oph__call_begin(struct oph__waits *waits, struct oph__call *call);
void oph__call_end(struct oph__waits *waits, struct oph__call *call);

/* From any thread, while the call is under way: every wait of the call around it ends with
 * OPH_ECANCEL, the one that it is in and all to come, until that is taken back. Taking back says
 * whether it was cancelled. */
void oph__call_cancel(struct oph__waits *waits, struct oph__call *call);
bool oph__call_uncancel(struct oph__waits *waits, struct oph__call *call);
/* Whether the call that this thread is in was: it should begin nothing more. */
bool oph__call_is_cancelled(struct oph__waits *waits);

/* Call with m->lock held; it is held again on return. Waits until ready(arg), which is asked with
 * the lock held. Returns 0, OPH_ECANCEL, OPH_EINTR or OPH_ETIMEOUT: the first of these that holds;
 * and OPH_EINTR where the one who is asked wants that, with the lock let go meanwhile.
 * `waits` NULL: not interruptible, nor cancelled. */
int oph__wait(struct oph__waits *waits, struct oph__monitor *m, double deadline,
              bool (*ready)(void *arg), void *arg);

#endif
