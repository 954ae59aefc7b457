/* Lock order: waits->lock, then m->lock. A call may be cancelled under another lock, which comes
 * before both: nothing may wait with that one as its m->lock and with waits. */
#include "base/wait.h"

static const double ask_period = 0.1; /* seconds */

int oph__waits_init(struct oph__waits *waits)
{
    *waits = (struct oph__waits){0};
    return pthread_mutex_init(&waits->lock, NULL) ? OPH_ESYSTEM : 0;
}

void oph__waits_destroy(struct oph__waits *waits)
{
    pthread_mutex_destroy(&waits->lock);
}

void oph__waits_interrupt(struct oph__waits *waits)
{
    pthread_mutex_lock(&waits->lock);
    waits->interrupted = true;
    for (struct oph__call *call = waits->first; call; call = call->next) {
        if (call->m) pthread_mutex_lock(&call->m->lock);
        call->interrupted = true;
        if (!call->m) continue;
        pthread_cond_broadcast(&call->m->changed);
        pthread_mutex_unlock(&call->m->lock);
    }
    pthread_mutex_unlock(&waits->lock);
}

void oph__waits_ask(struct oph__waits *waits, int32_t (*fn)(void *user), void *user)
{
    pthread_mutex_lock(&waits->lock);
    waits->asked = (struct oph__on_wait){fn, user, pthread_self()};
    pthread_mutex_unlock(&waits->lock);
}

/* Calls. All of this with waits->lock held. */

static struct oph__call *call_of_this_thread(const struct oph__waits *waits)
{
    struct oph__call *call = waits->first;

    while (call && !pthread_equal(call->thread, pthread_self()))
        call = call->next;
    return call;
}

static void add(struct oph__waits *waits, struct oph__call *call)
{
    bool on_its_way = false;

    for (const struct oph__call *other = waits->first; other; other = other->next)
        on_its_way |= other->interrupted;
    *call = (struct oph__call){.next = waits->first,
                               .thread = pthread_self(),
                               .asks_at = waits->asked.fn ? oph__now() + ask_period : 0,
                               .interrupted = waits->interrupted && !on_its_way};
    waits->first = call;
}

static void take_out(struct oph__waits *waits, const struct oph__call *call)
{
    struct oph__call **link = &waits->first;

    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
}

void oph__call_begin(struct oph__waits *waits, struct oph__call *call)
{
    pthread_mutex_lock(&waits->lock);
    struct oph__call *outer = call_of_this_thread(waits);
    if (outer)
        *call = (struct oph__call){.outer = outer};
    else
        add(waits, call);
    pthread_mutex_unlock(&waits->lock);
}

void oph__call_end(struct oph__waits *waits, struct oph__call *call)
{
    if (call->outer) return;
    pthread_mutex_lock(&waits->lock);
    take_out(waits, call);
    pthread_mutex_unlock(&waits->lock);
}

static void set_cancelled(struct oph__call *call, bool cancelled)
{
    if (call->m) pthread_mutex_lock(&call->m->lock);
    call->cancelled = cancelled;
    if (!call->m) return;
    pthread_cond_broadcast(&call->m->changed);
    pthread_mutex_unlock(&call->m->lock);
}

void oph__call_cancel(struct oph__waits *waits, struct oph__call *call)
{
    pthread_mutex_lock(&waits->lock);
    set_cancelled(call->outer ? call->outer : call, true);
    pthread_mutex_unlock(&waits->lock);
}

bool oph__call_uncancel(struct oph__waits *waits, struct oph__call *call)
{
    struct oph__call *whole = call->outer ? call->outer : call;
    pthread_mutex_lock(&waits->lock);
    bool was = whole->cancelled;
    set_cancelled(whole, false);
    pthread_mutex_unlock(&waits->lock);
    return was;
}

bool oph__call_is_cancelled(struct oph__waits *waits)
{
    pthread_mutex_lock(&waits->lock);
    const struct oph__call *call = call_of_this_thread(waits);
    bool cancelled = call && call->cancelled;
    pthread_mutex_unlock(&waits->lock);
    return cancelled;
}

/* Waits */

/* From m->lock alone to both. What m protects may change meanwhile. */
static void lock_both(struct oph__waits *waits, struct oph__monitor *m)
{
    pthread_mutex_unlock(&m->lock);
    pthread_mutex_lock(&waits->lock);
    pthread_mutex_lock(&m->lock);
}

/* The call that the wait is part of: `own` where it is all of it; and who is asked about it. */
static struct oph__call *enter(struct oph__waits *waits, struct oph__monitor *m,
                               struct oph__call *own, struct oph__on_wait *ret_asked)
{
    lock_both(waits, m);
    struct oph__call *call = call_of_this_thread(waits);
    if (!call) add(waits, call = own);
    call->m = m;
    if (waits->asked.fn && pthread_equal(waits->asked.thread, pthread_self()))
        *ret_asked = waits->asked;
    pthread_mutex_unlock(&waits->lock);
    return call;
}

/* An interrupt that found no call to end is left for the next one. */
static void leave(struct oph__waits *waits, struct oph__call *call, const struct oph__call *own,
                  int code)
{
    call->m = NULL;
    if (call == own) take_out(waits, call);
    if (code == OPH_EINTR) waits->interrupted = call->interrupted = false;
}

enum { GO_ON = 1 };

static int outcome(const struct oph__call *call, double deadline, bool (*ready)(void *arg),
                   void *arg)
{
    if (ready(arg)) return 0;
    if (call && call->cancelled) return OPH_ECANCEL;
    if (call && call->interrupted) return OPH_EINTR;
    return oph__now() < deadline ? GO_ON : OPH_ETIMEOUT;
}

/* Until the deadline, or until it is time to ask; ends earlier, too. */
static void wait_some(struct oph__monitor *m, double deadline, const struct oph__call *call,
                      const struct oph__on_wait *asked)
{
    double until = asked->fn && call->asks_at < deadline ? call->asks_at : deadline;
    struct timespec when = oph__timespec(until);
    pthread_cond_timedwait(&m->changed, &m->lock, &when);
}

/* With no lock held while it asks: a call that begins then is part of this one. */
static bool is_to_end(struct oph__waits *waits, struct oph__monitor *m, struct oph__call *call,
                      const struct oph__on_wait *asked)
{
    if (!asked->fn || oph__now() < call->asks_at) return false;
    pthread_mutex_unlock(&m->lock);
    call->asks_at = oph__now() + ask_period; /* those asks, too */
    bool end = asked->fn(asked->user) != 0;
    call->asks_at = oph__now() + ask_period;
    pthread_mutex_lock(&waits->lock);
    pthread_mutex_lock(&m->lock);
    call->m = m;
    pthread_mutex_unlock(&waits->lock);
    return end;
}

int oph__wait(struct oph__waits *waits, struct oph__monitor *m, double deadline,
              bool (*ready)(void *arg), void *arg)
{
    struct oph__call own, *call = NULL;
    struct oph__on_wait asked = {0};
    bool end = false;
    int code;

    if (ready(arg)) return 0;
    if (waits) call = enter(waits, m, &own, &asked);
    for (;;) {
        while (!end && (code = outcome(call, deadline, ready, arg)) == GO_ON) {
            wait_some(m, deadline, call, &asked);
            end = is_to_end(waits, m, call, &asked);
        }
        if (!waits) return code;
        lock_both(waits, m);
        code = end ? OPH_EINTR : outcome(call, deadline, ready, arg); /* unlocked for a moment */
        if (code != GO_ON) leave(waits, call, &own, code);
        pthread_mutex_unlock(&waits->lock);
        if (code != GO_ON) return code;
    }
}
