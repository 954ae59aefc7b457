#include "lib/link_pv.h"
#include "lib/plain.h"

#include <epicsUnitTest.h>
#include <stdio.h>
#include <string.h>

enum { SECONDS = 10 };

struct sim *mini_start_with(const char *const *arguments)
{
    return plain_start_with(arguments);
}

struct sim *mini_start(void)
{
    return plain_start();
}

void pv_on_state(void *user, int32_t state)
{
    struct pv *pv = user;

    pthread_mutex_lock(&pv->m.lock);
    if (state == OPH__CHAN_UP)
        pv->ups++;
    else
        pv->downs++;
    pthread_cond_broadcast(&pv->m.changed);
    pthread_mutex_unlock(&pv->m.lock);
}

static void keep(struct pv *pv, const struct oph__event *event)
{
    size_t bytes = event->count * oph_dtype_size(event->dtype);

    pv->got = *event;
    pv->got.data = pv->bytes;
    if (event->data)
        memcpy(pv->bytes, event->data, bytes < sizeof pv->bytes ? bytes : sizeof pv->bytes);
}

void pv_on_get(void *user, const struct oph__event *event)
{
    struct pv *pv = user;

    pthread_mutex_lock(&pv->m.lock);
    keep(pv, event);
    pv->gets++;
    pthread_cond_broadcast(&pv->m.changed);
    pthread_mutex_unlock(&pv->m.lock);
}

void pv_on_event(void *user, const struct oph__event *event)
{
    struct pv *pv = user;

    pthread_mutex_lock(&pv->m.lock);
    keep(pv, event);
    if (event->dtype == OPH_INT32 && pv->events < PV_LOG)
        pv->log[pv->events] = *(const int32_t *)event->data;
    pv->events++;
    pthread_cond_broadcast(&pv->m.changed);
    pthread_mutex_unlock(&pv->m.lock);
}

void pv_on_put(void *user, int32_t code, const char *why)
{
    struct pv *pv = user;

    pthread_mutex_lock(&pv->m.lock);
    pv->put_code = (code == 0) == (why == NULL) ? code : 1; /* words belong to failures */
    pv->puts++;
    pthread_cond_broadcast(&pv->m.changed);
    pthread_mutex_unlock(&pv->m.lock);
}

void pv_init(struct pv *pv, struct oph__link *link, const char *name)
{
    oph_error err = OPH_ERROR_INIT;

    *pv = (struct pv){.ops = oph__ca_ops(), .link = link};
    if (oph__monitor_init(&pv->m) ||
        pv->ops->chan_new(link, name, pv_on_state, pv, &pv->chan, &err))
        testAbort("%s", err.text);
}

void pv_free(struct pv *pv)
{
    pv->ops->chan_free(pv->chan);
    oph__monitor_destroy(&pv->m);
}

struct goal {
    const int *counter;
    int wanted;
};

static bool reached(void *arg)
{
    const struct goal *goal = arg;

    return *goal->counter >= goal->wanted;
}

bool pv_wait(struct pv *pv, const int *counter, int wanted, double seconds)
{
    struct goal goal = {counter, wanted};

    pthread_mutex_lock(&pv->m.lock);
    int code = oph__wait(NULL, &pv->m, oph__now() + seconds, reached, &goal);
    pthread_mutex_unlock(&pv->m.lock);
    return code == 0;
}

int pv_count(struct pv *pv, const int *counter)
{
    pthread_mutex_lock(&pv->m.lock);
    int count = *counter;
    pthread_mutex_unlock(&pv->m.lock);
    return count;
}

bool pv_open(struct pv *pv, struct oph__link *link, const char *name)
{
    pv_init(pv, link, name);
    pv->ops->flush(link, NULL);
    return pv_wait(pv, &pv->ups, 1, SECONDS);
}

int pv_get(struct pv *pv, int32_t dtype, uint32_t count)
{
    int before = pv_count(pv, &pv->gets);
    int code = pv->ops->get(pv->chan, dtype, count, pv_on_get, pv, NULL);

    if (code) return code;
    pv->ops->flush(pv->link, NULL);
    if (!pv_wait(pv, &pv->gets, before + 1, SECONDS)) return OPH_ETIMEOUT;
    return pv->got.code;
}

int pv_put(struct pv *pv, int32_t dtype, uint32_t count, const void *data)
{
    int before = pv_count(pv, &pv->puts);
    int code = pv->ops->put(pv->chan, dtype, count, data, pv_on_put, pv, NULL);

    if (code) return code;
    pv->ops->flush(pv->link, NULL);
    if (!pv_wait(pv, &pv->puts, before + 1, SECONDS)) return OPH_ETIMEOUT;
    return pv->put_code;
}

int pv_put_double(struct pv *pv, double value)
{
    return pv_put(pv, OPH_FLOAT64, 1, &value);
}

int pv_put_text(struct pv *pv, const char *text)
{
    char value[OPH__STRING_BYTES] = "";

    snprintf(value, sizeof value, "%s", text);
    return pv_put(pv, OPH_TEXT, 1, value);
}
