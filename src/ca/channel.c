#include "ca/client.h"

#include "base/err.h"
#include "base/str.h"

#include <stdlib.h>

static void add_to_link(struct oph__chan *chan)
{
    struct oph__link *link = chan->link;

    pthread_mutex_lock(&link->m.lock);
    chan->next = link->first;
    chan->in_link = &link->first;
    if (chan->next) chan->next->in_link = &chan->next;
    link->first = chan;
    pthread_mutex_unlock(&link->m.lock);
}

static void remove_from_link(struct oph__chan *chan)
{
    struct oph__link *link = chan->link;

    pthread_mutex_lock(&link->m.lock);
    *chan->in_link = chan->next;
    if (chan->next) chan->next->in_link = chan->in_link;
    pthread_mutex_unlock(&link->m.lock);
}

static int make(struct oph__link *link, const char *pv, struct oph__chan **ret, oph_error *err)
{
    struct oph__chan *chan = calloc(1, sizeof *chan);

    if (!chan || !(chan->name = oph__dup(pv))) {
        free(chan);
        return oph__fail_memory(err, "a channel");
    }
    if (oph__monitor_init(&chan->m)) {
        free(chan->name);
        free(chan);
        return oph__fail_text(err, OPH_ESYSTEM, "%s: the system refused a lock", pv);
    }
    pthread_mutex_init(&chan->order, NULL);
    chan->link = link;
    chan->refs = 1;
    *ret = chan;
    return 0;
}

static void destroy(struct oph__chan *chan)
{
    while (chan->requests) {
        struct oph__request *request = chan->requests;
        chan->requests = request->next;
        free(request);
    }
    while (chan->mons) {
        struct oph__chanmon *mon = chan->mons;
        chan->mons = mon->next;
        free(mon);
    }
    free(chan->put.data);
    pthread_mutex_destroy(&chan->order);
    oph__monitor_destroy(&chan->m);
    free(chan->name);
    free(chan);
}

void oph__ca_chan_unref(struct oph__chan *chan)
{
    pthread_mutex_lock(&chan->m.lock);
    bool last = --chan->refs == 0;
    pthread_mutex_unlock(&chan->m.lock);
    if (last) destroy(chan);
}

int oph__ca_chan_new(struct oph__link *link, const char *pv, oph__state_fn *state, void *user,
                     struct oph__chan **ret, oph_error *err)
{
    struct oph__chan *chan = NULL;
    int code = oph__ca_may_call(link, pv, err);

    if (!code) code = make(link, pv, &chan, err);
    if (code) return code;
    chan->state = state;
    chan->user = user;
    code = oph__ca_route_new(chan, &chan->route, err);
    if (code) {
        destroy(chan);
        return code;
    }
    add_to_link(chan);
    *ret = chan;
    return 0;
}

void oph__ca_chan_end(struct oph__chan *chan)
{
    atomic_store(&chan->silent, true);
    pthread_mutex_lock(&chan->order);
    pthread_mutex_lock(&chan->m.lock);
    struct oph__route *route = chan->route, *spare = chan->spare;
    pthread_mutex_unlock(&chan->m.lock);
    oph__ca_route_free(route);
    oph__ca_route_free(spare);
    pthread_mutex_lock(&chan->m.lock);
    chan->route = chan->spare = NULL;
    pthread_mutex_unlock(&chan->m.lock);
    pthread_mutex_unlock(&chan->order);
    remove_from_link(chan);
    oph__ca_chan_unref(chan);
}

void oph__ca_chan_free(struct oph__chan *chan)
{
    if (oph__ca_in_child(chan->link)) return;
    if (!oph__ca_inside(chan->link)) {
        oph__ca_chan_end(chan);
        return;
    }
    atomic_store(&chan->silent, true);
    pthread_mutex_lock(&chan->m.lock);
    chan->freed_in_callback = true;
    pthread_mutex_unlock(&chan->m.lock);
    oph__ca_post_settle(chan);
}

const char *oph__ca_chan_name(const struct oph__chan *chan)
{
    return chan->name;
}

bool oph__ca_chan_info(struct oph__chan *chan, struct oph__chan_info *ret)
{
    pthread_mutex_lock(&chan->m.lock);
    bool up = chan->route && chan->route->up;
    if (up) *ret = chan->route->info;
    pthread_mutex_unlock(&chan->m.lock);
    return up;
}

void oph__ca_tell_state(struct oph__chan *chan, int32_t state)
{
    if (chan->state && !atomic_load(&chan->silent)) chan->state(chan->user, state);
}
