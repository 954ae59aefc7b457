#include "core/pv.h"
#include "base/err.h"
#include "base/str.h"
#include "core/group.h"
#include "core/group_ops.h"
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
    pv->ctx = ctx;
    pv->path = path;
    pv->state = OPH__CHAN_DOWN;
    *ret = pv;
    return 0;
}

void oph__pv_free(struct oph__pv *pv)
{
    if (!pv) return;
    /* After chan_free no callback comes any more, so requests still under way are dropped here. */
    if (pv->chan) pv->ctx->ops->chan_free(pv->chan);
    oph__ops_drop(pv);
    free(pv->name);
    free(pv);
}

static void state_changed(void *user, int32_t state)
{
    struct oph__pv *pv = user;
    pthread_mutex_lock(&pv->ctx->lock);
    if (state == OPH__CHAN_UP && pv->state != OPH__CHAN_UP) pv->ups++;
    pv->state = state;
    if (state == OPH__CHAN_UP) pv->absent = false;
    pthread_mutex_unlock(&pv->ctx->lock);
    if (state == OPH__CHAN_UP) oph__ops_connected(pv);
}

struct oph__chan *oph__pv_chan(struct oph__pv *pv)
{
    pthread_mutex_lock(&pv->ctx->lock);
    struct oph__chan *chan = pv->chan;
    pthread_mutex_unlock(&pv->ctx->lock);
    return chan;
}

/* Two threads may both find the channel missing: the loser's is freed. */
int oph__pv_open(struct oph__pv *pv, oph_error *err)
{
    if (oph__pv_chan(pv)) return 0;
    struct oph__link *link;
    struct oph__chan *chan;
    int rc = oph__context_link(pv->ctx, &link, err);
    if (!rc) rc = pv->ctx->ops->chan_new(link, pv->name, state_changed, pv, &chan, err);
    if (rc) return rc;
    pthread_mutex_lock(&pv->ctx->lock);
    bool mine = !pv->chan;
    if (mine) pv->chan = chan;
    pthread_mutex_unlock(&pv->ctx->lock);
    if (!mine) pv->ctx->ops->chan_free(chan);
    return 0;
}

bool oph__pv_is_up(struct oph__pv *pv)
{
    pthread_mutex_lock(&pv->ctx->lock);
    bool up = pv->state == OPH__CHAN_UP;
    pthread_mutex_unlock(&pv->ctx->lock);
    return up;
}

unsigned oph__pv_ups(struct oph__pv *pv)
{
    pthread_mutex_lock(&pv->ctx->lock);
    unsigned ups = pv->ups;
    pthread_mutex_unlock(&pv->ctx->lock);
    return ups;
}

bool oph__pv_info(struct oph__pv *pv, struct oph__chan_info *ret)
{
    struct oph__chan *chan = oph__pv_chan(pv);
    return chan && pv->ctx->ops->chan_info(chan, ret);
}

int oph__pv_subscribe(struct oph__pv *pv, oph__event_fn *fn, void *user, struct oph__chanmon **ret,
                      oph_error *err)
{
    struct oph__link *link;
    int rc = oph__pv_open(pv, err);
    if (!rc) rc = oph__context_link(pv->ctx, &link, err);
    if (!rc) rc = pv->ctx->ops->subscribe(oph__pv_chan(pv), OPH_NONE, 0, fn, user, ret, err);
    return rc;
}
