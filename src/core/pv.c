#include "core/pv.h"
#include "base/err.h"
#include "base/str.h"
#include "core/cache.h"
#include "core/pv_ops.h"
#include "core/subscription.h"
#include <stdlib.h>

int oph__pv_new(oph_context *ctx, const char *name, const char *path, struct oph__pv **ret,
                oph_error *err)
{
    struct oph__pv *pv = calloc(1, sizeof *pv);
    if (pv) pv->name = oph__dup(name);
    if (!pv || !pv->name) {
        free(pv);
        return oph__fail_memory(err, "a PV");
    }
    pv->lock = oph__context_pv_lock(ctx);
    pv->ctx = ctx;
    pv->ops = ctx->ops;
    pv->path = path;
    pv->state = OPH__CHAN_DOWN;
    *ret = pv;
    return 0;
}

void oph__pv_free(struct oph__pv *pv)
{
    if (!pv) return;
    /* After chan_free no callback comes any more, so requests still under way are dropped here. One
     * that was never opened has none, and may be freed with ctx->lock held. */
    if (pv->chan) {
        pv->ops->chan_free(pv->chan);
        oph__ops_drop(pv);
    }
    oph__cache_free(pv); /* also where its channel could not be opened */
    oph__puts_forget(pv);
    free(pv->name);
    free(pv);
}

/* With ctx->lock held. It may come up before its opener knows the channel, and is of no use then.
 */
static bool look_up(struct oph__pv *pv)
{
    bool up = pv->state == OPH__CHAN_UP && pv->chan;
    pv->up = up;
    return up;
}

static void state_changed(void *user, int32_t state)
{
    struct oph__pv *pv = user;
    pthread_mutex_lock(&pv->ctx->lock);
    if (state == OPH__CHAN_UP && pv->state != OPH__CHAN_UP) pv->ups++;
    pv->state = state;
    if (state == OPH__CHAN_UP) pv->absent = false;
    if (state == OPH__CHAN_DOWN) oph__cache_forget(pv);
    oph__subscriptions_state(pv);
    bool up = look_up(pv);
    pthread_mutex_unlock(&pv->ctx->lock);
    if (up) oph__ops_connected(pv);
}

struct oph__chan *oph__pv_chan(struct oph__pv *pv)
{
    return pv->chan;
}

/* The link that it is on: the context's is opened if need be. */
static int link_of(struct oph__pv *pv, struct oph__link **ret, oph_error *err)
{
    if (!pv->link) return oph__context_link(pv->ctx, ret, err);
    *ret = pv->link;
    return 0;
}

/* The first thread to come opens it, which takes no answer of an IOC; the others wait for that. */
int oph__pv_open(struct oph__pv *pv, oph_error *err)
{
    pthread_mutex_lock(&pv->ctx->lock);
    while (pv->opened && !pv->chan)
        pthread_cond_wait(&pv->ctx->changed, &pv->ctx->lock);
    bool mine = !pv->opened;
    pv->opened = true;
    pthread_mutex_unlock(&pv->ctx->lock);
    if (!mine) return 0;
    struct oph__link *link;
    struct oph__chan *chan = NULL;
    int rc = link_of(pv, &link, err);
    if (!rc) rc = pv->ops->chan_new(link, pv->name, state_changed, pv, &chan, err);
    pthread_mutex_lock(&pv->ctx->lock);
    pv->opened = !rc;
    if (!rc) pv->chan = chan;
    pthread_cond_broadcast(&pv->ctx->changed);
    oph__subscriptions_state(pv); /* it may have come up before chan was known */
    bool up = look_up(pv);
    pthread_mutex_unlock(&pv->ctx->lock);
    if (up) oph__ops_connected(pv);
    return rc;
}

struct oph__at oph__pv_at(const struct oph__pv *pv)
{
    return (struct oph__at){.device = pv->path, .pv = pv->name};
}

bool oph__pv_is_up(struct oph__pv *pv)
{
    return pv->up;
}

unsigned oph__pv_ups(struct oph__pv *pv)
{
    return pv->ups;
}

bool oph__pv_info(struct oph__pv *pv, struct oph__chan_info *ret)
{
    struct oph__chan *chan = oph__pv_chan(pv);
    return chan && pv->ops->chan_info(chan, ret);
}

char *oph__pv_lacks(struct oph__pv *pv, char *dst, size_t size)
{
    struct oph__chan *chan = oph__pv_chan(pv);
    oph__copy(dst, size, "the PV is not connected");
    if (chan && pv->ops->chan_lacks) pv->ops->chan_lacks(chan, dst, size);
    return dst;
}

int oph__pv_subscribe_as(struct oph__pv *pv, int32_t dtype, oph__event_fn *fn, void *user,
                         struct oph__chanmon **ret, oph_error *err)
{
    int rc = oph__pv_open(pv, err);
    if (rc) return rc;
    return pv->ops->subscribe(oph__pv_chan(pv), dtype, 0, OPH__UPDATES, fn, user, ret, err);
}

int oph__pv_subscribe(struct oph__pv *pv, oph__event_fn *fn, void *user, struct oph__chanmon **ret,
                      oph_error *err)
{
    return oph__pv_subscribe_as(pv, OPH_NONE, fn, user, ret, err);
}
