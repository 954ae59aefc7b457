#include "core/puts.h"
#include "base/err.h"
#include "core/pv.h"
#include <stdlib.h>

enum { MOST_BYTES = 1024 }; /* larger arrays are not kept: nobody reads them in a log */

int oph__puts_init(struct oph__puts *puts)
{
    *puts = (struct oph__puts){0};
    return pthread_mutex_init(&puts->lock, NULL) ? OPH_ESYSTEM : 0;
}

void oph__puts_destroy(struct oph__puts *puts)
{
    pthread_mutex_destroy(&puts->lock);
}

void oph__puts_set(struct oph__puts *puts, oph_put_fn *fn, void *user)
{
    pthread_mutex_lock(&puts->lock);
    puts->fn = fn;
    puts->user = user;
    atomic_store(&puts->on, fn != NULL);
    pthread_mutex_unlock(&puts->lock);
}

static bool is_on(const struct oph__pv *pv)
{
    return atomic_load_explicit(&pv->ctx->puts.on, memory_order_relaxed);
}

/* With the PV's lock held. */
static void keep(struct oph__pv *pv, const struct oph__event *event)
{
    if (!pv->seen) pv->seen = calloc(1, sizeof *pv->seen);
    if (!pv->seen) return;
    if (event->count * oph_dtype_size(event->dtype) > MOST_BYTES ||
        !oph__value_take(pv->seen, event))
        oph__puts_forget(pv);
}

void oph__puts_saw(struct oph__pv *pv, const struct oph__event *event)
{
    if (!is_on(pv)) return;
    pthread_mutex_lock(pv->lock);
    keep(pv, event);
    pthread_mutex_unlock(pv->lock);
}

void oph__puts_unsure(struct oph__pv *pv)
{
    pthread_mutex_lock(pv->lock);
    oph__puts_forget(pv);
    pthread_mutex_unlock(pv->lock);
}

void oph__puts_forget(struct oph__pv *pv)
{
    oph_value_free(pv->seen);
    pv->seen = NULL;
}

int oph__puts_tell_of(struct oph__puts *puts, const oph_put_notice *to,
                      const struct oph__chan_info *info, const struct oph__wire *wire,
                      oph_error *why)
{
    const struct oph_value value = oph__wire_value(wire);
    char text[1024];
    oph_put_notice notice = *to;
    if (!atomic_load_explicit(&puts->on, memory_order_relaxed)) return 0;
    notice.value = oph__value_show(&value, info, text, sizeof text);
    pthread_mutex_lock(&puts->lock);
    int32_t refused = puts->fn ? puts->fn(puts->user, &notice) : 0;
    pthread_mutex_unlock(&puts->lock);
    if (!refused) return 0;
    return oph__fail_text(why, OPH_EACCESS, "this program lets nothing be written to it");
}

static int tell(struct oph__pv *pv, const struct oph__wire *wire, oph_error *why)
{
    struct oph__chan_info info = {.count = 1};
    struct oph__event event = {.dtype = wire->dtype, .count = wire->count, .data = wire->data};
    char before[1024];
    oph__pv_info(pv, &info);
    pthread_mutex_lock(pv->lock);
    bool seen = pv->seen != NULL;
    if (seen) oph__value_show(pv->seen, &info, before, sizeof before);
    pthread_mutex_unlock(pv->lock);
    const oph_put_notice to = {.device = pv->path, .pv = pv->name, .before = seen ? before : NULL};
    int rc = oph__puts_tell_of(&pv->ctx->puts, &to, &info, wire, why);
    if (!rc) oph__puts_saw(pv, &event);
    return rc;
}

int oph__puts_tell(struct oph__pv *pv, const struct oph__wire *wire, oph_error *why)
{
    return is_on(pv) ? tell(pv, wire, why) : 0;
}
