#include "ca/client.h"

#include "base/err.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_NAME = 1007 }; /* that a search has room for: MAX_UDP_SEND, header and NUL */

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

/* Channels are made at a flush, all of them in one go: libca begins to search some moments after
 * the first, and every call that comes while the answers do has to wait for its other threads. */
static void add_new(struct oph__chan *chan)
{
    struct oph__link *link = chan->link;

    atomic_fetch_add(&chan->refs, 1);
    pthread_mutex_lock(&link->m.lock);
    chan->next_new = NULL;
    *link->new_end = chan;
    link->new_end = &chan->next_new;
    atomic_store(&link->any_new, true);
    pthread_mutex_unlock(&link->m.lock);
}

static struct oph__chan *take_new(struct oph__link *link)
{
    pthread_mutex_lock(&link->m.lock);
    struct oph__chan *first = link->new_ones;
    link->new_ones = NULL;
    link->new_end = &link->new_ones;
    atomic_store(&link->any_new, false);
    pthread_mutex_unlock(&link->m.lock);
    return first;
}

static int search(struct oph__chan *chan)
{
    pthread_mutex_lock(&chan->order);
    int status = chan->route ? oph__ca_route_search(chan->route) : ECA_NORMAL; /* or it was freed */
    pthread_mutex_unlock(&chan->order);
    return status;
}

int oph__ca_chans_search(struct oph__link *link, char *ret_failed, size_t size)
{
    int status = ECA_NORMAL;

    for (struct oph__chan *chan = take_new(link), *next; chan; chan = next) {
        next = chan->next_new;
        int one = search(chan);
        if (one != ECA_NORMAL) {
            add_new(chan);
            status = one;
            oph__copy(ret_failed, size, chan->name);
        }
        oph__ca_chan_unref(chan);
    }
    return status;
}

void oph__ca_chans_forget(struct oph__link *link)
{
    for (struct oph__chan *chan = take_new(link), *next; chan; chan = next) {
        next = chan->next_new;
        oph__ca_chan_unref(chan);
    }
}

static int make(struct oph__link *link, const char *pv, struct oph__chan **ret, oph_error *err)
{
    size_t bytes = strlen(pv) + 1;
    struct oph__chan *chan = calloc(1, sizeof *chan + bytes);

    if (!chan) return oph__fail_memory(err, "a channel");
    memcpy(chan->name, pv, bytes);
    chan->link = link;
    atomic_init(&chan->refs, 1);
    chan->followed = OPH__NOT_YET;
    if (pthread_mutex_init(&chan->order, NULL)) {
        free(chan);
        return oph__fail_text(err, OPH_ESYSTEM, "%s: the system refused a lock", pv);
    }
    if (pthread_mutex_init(&chan->lock, NULL)) {
        pthread_mutex_destroy(&chan->order);
        free(chan);
        return oph__fail_text(err, OPH_ESYSTEM, "%s: the system refused a lock", pv);
    }
    *ret = chan;
    return 0;
}

static void destroy(struct oph__chan *chan)
{
    free(chan->spare_request);
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
    while (chan->wishes) {
        struct oph__wish *wish = chan->wishes;
        chan->wishes = wish->next;
        free(wish);
    }
    free(chan->put.data);
    pthread_mutex_destroy(&chan->order);
    pthread_mutex_destroy(&chan->lock);
    free(chan);
}

void oph__ca_chan_unref(struct oph__chan *chan)
{
    if (atomic_fetch_sub(&chan->refs, 1) == 1) destroy(chan);
}

static int check_name(const char *pv, oph_error *err)
{
    size_t length = strlen(pv);

    if (length > 0 && length <= LONGEST_NAME) return 0;
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.pv = pv}, NULL,
                     "wanted a PV name of 1 to %d characters, found %zu", LONGEST_NAME, length);
}

int oph__ca_chan_new(struct oph__link *link, const char *pv, oph__state_fn *state, void *user,
                     struct oph__chan **ret, oph_error *err)
{
    struct oph__chan *chan = NULL;
    int code = oph__ca_may_call(link, pv, err);

    if (!code) code = check_name(pv, err);
    if (!code) code = make(link, pv, &chan, err);
    if (code) return code;
    chan->state = state;
    chan->user = user;
    chan->route = oph__ca_route_new(chan);
    if (!chan->route) {
        destroy(chan);
        return oph__fail_memory(err, "a channel");
    }
    add_to_link(chan);
    add_new(chan);
    *ret = chan;
    return 0;
}

/* Its callbacks say nothing more. */
static void silence(struct oph__chan *chan, bool in_callback)
{
    atomic_store(&chan->silent, true);
    pthread_mutex_lock(&chan->lock);
    oph__ca_mons_silence(chan);
    chan->freed_in_callback = in_callback;
    pthread_mutex_unlock(&chan->lock);
}

/* Once: a callback may free the channel while the link is closed. */
void oph__ca_chan_end(struct oph__chan *chan)
{
    pthread_mutex_lock(&chan->order);
    pthread_mutex_lock(&chan->lock);
    struct oph__route *route = chan->route, *spare = chan->spare;
    pthread_mutex_unlock(&chan->lock);
    if (!route) {
        pthread_mutex_unlock(&chan->order);
        return;
    }
    oph__ca_route_free(route);
    oph__ca_route_free(spare);
    pthread_mutex_lock(&chan->lock);
    chan->route = chan->spare = NULL;
    pthread_mutex_unlock(&chan->lock);
    pthread_mutex_unlock(&chan->order);
    oph__ca_gets_end(chan);
    remove_from_link(chan);
    oph__ca_chan_unref(chan);
}

static struct oph__chan *hold_first(struct oph__link *link)
{
    pthread_mutex_lock(&link->m.lock);
    struct oph__chan *chan = link->first;
    if (chan) atomic_fetch_add(&chan->refs, 1);
    pthread_mutex_unlock(&link->m.lock);
    return chan;
}

void oph__ca_chans_end(struct oph__link *link)
{
    for (struct oph__chan *chan; (chan = hold_first(link));) {
        silence(chan, false);
        oph__ca_chan_end(chan);
        oph__ca_chan_unref(chan);
    }
}

void oph__ca_chan_free(struct oph__chan *chan)
{
    if (oph__ca_in_child(chan->link)) return;
    bool inside = oph__ca_inside(chan->link);
    silence(chan, inside);
    if (inside)
        oph__ca_post_settle(chan);
    else
        oph__ca_chan_end(chan);
}

const char *oph__ca_chan_name(const struct oph__chan *chan)
{
    return chan->name;
}

bool oph__ca_chan_type(struct oph__chan *chan, int32_t *ret_dtype, uint32_t *ret_count)
{
    pthread_mutex_lock(&chan->lock);
    const struct oph__route *route = chan->route;
    bool up = route && route->up;
    if (up) {
        *ret_dtype = route->dtype;
        *ret_count = route->count;
    }
    pthread_mutex_unlock(&chan->lock);
    return up;
}

static void fill(struct oph__chan_info *info, const struct oph__route *route)
{
    const struct oph__description *is = &route->description;

    *info = (struct oph__chan_info){
        .dtype = route->dtype,
        .count = route->count,
        .readable = route->readable,
        .writable = route->writable,
        .precision = is->precision,
        .label_count = is->label_count,
        .control_low = is->control_low,
        .control_high = is->control_high,
        .display_low = is->display_low,
        .display_high = is->display_high,
        .warning_low = is->warning_low,
        .warning_high = is->warning_high,
        .alarm_low = is->alarm_low,
        .alarm_high = is->alarm_high,
    };
    if (is->labels) memcpy(info->labels, is->labels, is->label_count * sizeof *is->labels);
    memcpy(info->units, is->units, sizeof info->units);
    if (route->host) memcpy(info->host, route->host->name, sizeof info->host);
}

bool oph__ca_chan_info(struct oph__chan *chan, struct oph__chan_info *ret)
{
    pthread_mutex_lock(&chan->lock);
    bool up = chan->route && chan->route->up;
    if (up) fill(ret, chan->route);
    pthread_mutex_unlock(&chan->lock);
    return up;
}

void oph__ca_tell_state(struct oph__chan *chan, int32_t state)
{
    if (chan->state && !atomic_load(&chan->silent)) chan->state(chan->user, state);
}
