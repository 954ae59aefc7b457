#include "core/watch.h"
#include "base/err.h"

static void saw_readback(void *user, const struct oph__event *event)
{
    struct oph__watch *w = user;
    struct oph__chan_info info;
    if (event->code || !oph__pv_info(w->sig->read, &info)) return;
    bool is_path = w->sig->row->how == OPH__PATH;
    pthread_mutex_lock(&w->m->lock);
    if (!w->reached && oph__value_take(&w->last, event)) {
        w->reached = oph__matches(&w->last, &info, w->expect, is_path) != w->differ;
        pthread_cond_broadcast(&w->m->changed);
    }
    pthread_mutex_unlock(&w->m->lock);
}

/* Capture refused: its setpoint is posted as 1 and then as 0, while the readback never moves. */
static void saw_setpoint(void *user, const struct oph__event *event)
{
    struct oph__watch *w = user;
    if (event->code || event->dtype != OPH_ENUM || !event->count) return;
    bool on = *(const uint16_t *)event->data != 0;
    pthread_mutex_lock(&w->m->lock);
    if (on) w->rose = true;
    if (w->rose && !on) w->fell = true;
    pthread_cond_broadcast(&w->m->changed);
    pthread_mutex_unlock(&w->m->lock);
}

static bool starts(const struct oph__watch *w)
{
    return oph__signal_is_start(w->sig) && w->expect->dtype == OPH_ENUM &&
           *(const uint16_t *)w->expect->data != 0;
}

int oph__watch_begin(oph_context *ctx, struct oph__monitor *m, struct oph__watch *watches,
                     size_t count, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        struct oph__watch *w = &watches[i];
        w->m = m;
        rc = oph__pv_subscribe(w->sig->read, saw_readback, w, &w->on_read, err);
        if (!rc && starts(w)) rc = oph__pv_subscribe(w->sig->set, saw_setpoint, w, &w->on_set, err);
    }
    return rc ? rc : oph__context_flush(ctx, err);
}

struct pending {
    struct oph__watch *watches;
    size_t count;
    double now; /* those that are late at this moment are not waited for */
};

static bool settled(void *arg)
{
    const struct pending *p = arg;
    for (size_t i = 0; i < p->count; i++) {
        const struct oph__watch *w = &p->watches[i];
        if (!w->reached && !w->fell && w->deadline > p->now) return false;
    }
    return true;
}

int oph__watch_wait(oph_context *ctx, struct oph__monitor *m, struct oph__watch *watches,
                    size_t count, bool interruptible)
{
    struct pending p = {.watches = watches, .count = count, .now = oph__now()};
    int rc = 0;
    pthread_mutex_lock(&m->lock);
    while (!settled(&p) && rc != OPH_EINTR) {
        double next = INFINITY; /* the first deadline of those that still wait */
        for (size_t i = 0; i < count; i++) {
            const struct oph__watch *w = &watches[i];
            if (!w->reached && !w->fell && w->deadline > p.now && w->deadline < next)
                next = w->deadline;
        }
        rc = oph__wait(interruptible ? &ctx->waits : NULL, m, next, settled, &p);
        p.now = oph__now();
    }
    pthread_mutex_unlock(&m->lock);
    return rc == OPH_EINTR ? rc : 0;
}

void oph__watch_end(struct oph__watch *watches, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (watches[i].on_read) watches[i].sig->read->ops->unsubscribe(watches[i].on_read);
        if (watches[i].on_set) watches[i].sig->set->ops->unsubscribe(watches[i].on_set);
        oph__value_clear(&watches[i].last);
    }
}
