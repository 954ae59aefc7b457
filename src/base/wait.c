#include "base/wait.h"

/* One call that blocks; lives on its stack. Lock order: waits->lock, then m->lock. */
struct oph__waiting {
    struct oph__waiting *next;
    struct oph__monitor *m;
    bool interrupted; /* written under both locks, read under either */
};

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
    for (struct oph__waiting *w = waits->first; w; w = w->next) {
        pthread_mutex_lock(&w->m->lock);
        w->interrupted = true;
        pthread_cond_broadcast(&w->m->changed);
        pthread_mutex_unlock(&w->m->lock);
    }
    pthread_mutex_unlock(&waits->lock);
}

/* From m->lock alone to both. What m protects may change meanwhile. */
static void lock_both(struct oph__waits *waits, struct oph__monitor *m)
{
    pthread_mutex_unlock(&m->lock);
    pthread_mutex_lock(&waits->lock);
    pthread_mutex_lock(&m->lock);
}

static void enter(struct oph__waits *waits, struct oph__waiting *self)
{
    bool on_its_way = false;

    lock_both(waits, self->m);
    for (const struct oph__waiting *w = waits->first; w; w = w->next)
        on_its_way |= w->interrupted;
    self->interrupted = waits->interrupted && !on_its_way;
    self->next = waits->first;
    waits->first = self;
    pthread_mutex_unlock(&waits->lock);
}

/* An interrupt that found no call to end is left for the next one. */
static void leave(struct oph__waits *waits, const struct oph__waiting *self, int code)
{
    struct oph__waiting **link = &waits->first;

    while (*link != self)
        link = &(*link)->next;
    *link = self->next;
    if (code == OPH_EINTR) waits->interrupted = false;
}

enum { GO_ON = 1 };

static int outcome(const struct oph__waiting *self, double deadline, bool (*ready)(void *arg),
                   void *arg)
{
    if (ready(arg)) return 0;
    if (self->interrupted) return OPH_EINTR;
    return oph__now() < deadline ? GO_ON : OPH_ETIMEOUT;
}

int oph__wait(struct oph__waits *waits, struct oph__monitor *m, double deadline,
              bool (*ready)(void *arg), void *arg)
{
    struct oph__waiting self = {.m = m};
    struct timespec until = oph__timespec(deadline);
    int code;

    if (ready(arg)) return 0;
    if (waits) enter(waits, &self);
    for (;;) {
        while ((code = outcome(&self, deadline, ready, arg)) == GO_ON)
            pthread_cond_timedwait(&m->changed, &m->lock, &until);
        if (!waits) return code;
        lock_both(waits, m);
        code = outcome(&self, deadline, ready, arg); /* m was unlocked for a moment */
        if (code != GO_ON) leave(waits, &self, code);
        pthread_mutex_unlock(&waits->lock);
        if (code != GO_ON) return code;
    }
}
