#include "core/cache.h"
#include <stdlib.h>

struct oph__cache {
    pthread_mutex_t lock;
    struct oph_value value; /* without data: none */
    struct oph__chanmon *mon;
};

static void changed(void *user, const struct oph__event *event)
{
    struct oph__cache *cache = user;
    pthread_mutex_lock(&cache->lock);
    if (event->code || !oph__value_take(&cache->value, event)) oph__value_clear(&cache->value);
    pthread_mutex_unlock(&cache->lock);
}

/* The first to ask makes it. Without memory there is none, and every read asks the IOC. */
static struct oph__cache *make(struct oph__pv *pv, int32_t dtype)
{
    struct oph__cache *cache = calloc(1, sizeof *cache);
    if (!cache) return NULL;
    pthread_mutex_init(&cache->lock, NULL);
    pthread_mutex_lock(&pv->ctx->lock);
    bool mine = !pv->cache;
    if (mine) pv->cache = cache;
    pthread_mutex_unlock(&pv->ctx->lock);
    if (mine && !oph__pv_subscribe_as(pv, dtype, changed, cache, &cache->mon, NULL)) return cache;
    if (!mine) {
        pthread_mutex_destroy(&cache->lock);
        free(cache);
    }
    return NULL;
}

bool oph__cache_take(struct oph__pv *pv, int32_t dtype, uint32_t count, struct oph_value *ret)
{
    pthread_mutex_lock(&pv->ctx->lock);
    struct oph__cache *cache = pv->cache;
    pthread_mutex_unlock(&pv->ctx->lock);
    if (!cache) cache = make(pv, dtype);
    if (!cache) return false;
    pthread_mutex_lock(&cache->lock);
    bool any = cache->value.data != NULL && oph__value_copy(ret, &cache->value, count);
    pthread_mutex_unlock(&cache->lock);
    return any;
}

void oph__cache_forget(struct oph__pv *pv)
{
    if (!pv->cache) return;
    pthread_mutex_lock(&pv->cache->lock);
    oph__value_clear(&pv->cache->value);
    pthread_mutex_unlock(&pv->cache->lock);
}

void oph__cache_free(struct oph__pv *pv)
{
    if (!pv->cache) return;
    oph__value_clear(&pv->cache->value);
    pthread_mutex_destroy(&pv->cache->lock);
    free(pv->cache);
}
