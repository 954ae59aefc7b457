#include "ca/client.h"

/* Serves from the spare route once that is up. Clearing the old one makes the server forget the
 * stuck put, and drops the old subscriptions. */
static void take_spare(struct oph__chan *chan)
{
    struct oph__route *old = chan->route;

    /* First the old one stops serving, so that what it may still say is no news; and while it may,
     * its put counts as stuck. */
    pthread_mutex_lock(&chan->lock);
    bool was_up = old->up, take = chan->spare->up;
    if (take) {
        chan->route = chan->spare;
        chan->route->up = was_up;
        chan->spare = NULL;
        oph__ca_follow_anew(chan);
        for (struct oph__chanmon *mon = chan->mons; mon; mon = mon->next)
            mon->id = NULL;
    }
    pthread_mutex_unlock(&chan->lock);
    if (!take) return; /* until it comes up */
    oph__ca_route_free(old);
    pthread_mutex_lock(&chan->lock);
    chan->put.stuck = false;
    pthread_mutex_unlock(&chan->lock);
    oph__ca_get_again(chan);
    /* That the channel is up is told by libca's threads alone, in one order with that it is down.
     */
    if (!was_up) oph__ca_route_ask(chan->route);
}

static void drop_spare(struct oph__chan *chan)
{
    struct oph__route *spare = chan->spare;

    pthread_mutex_lock(&chan->lock);
    chan->spare = NULL;
    pthread_mutex_unlock(&chan->lock);
    oph__ca_route_free(spare);
}

static void make_spare(struct oph__chan *chan)
{
    struct oph__route *spare = oph__ca_route_new(chan);

    if (!spare || oph__ca_route_search(spare) != ECA_NORMAL) {
        oph__ca_route_free(spare);
        oph__ca_put_fail_held(chan, ECA_ALLOCMEM); /* it would wait for ever */
        return;
    }
    pthread_mutex_lock(&chan->lock);
    chan->spare = spare;
    pthread_mutex_unlock(&chan->lock);
}

static void answered(struct event_handler_args args)
{
    struct oph__chan *chan = args.usr;
    const struct oph__link *before = oph__ca_enter(chan->link);

    pthread_mutex_lock(&chan->lock);
    chan->asked = OPH__ANSWERED;
    pthread_mutex_unlock(&chan->lock);
    oph__ca_post_settle(chan);
    oph__ca_leave(before);
}

/* Asks, before another route is searched for: libca takes what a search lasts for the time of a
 * round trip, and after one that lasted as long as a server hung it would search for new channels
 * only every so many seconds. */
static bool server_answers(struct oph__chan *chan)
{
    pthread_mutex_lock(&chan->lock);
    enum oph__asked asked = chan->asked;
    bool up = chan->route->up;
    if (up && asked == OPH__NOT_ASKED) chan->asked = OPH__ASKED;
    pthread_mutex_unlock(&chan->lock);
    if (!up || asked == OPH__ANSWERED) return true;
    if (asked == OPH__ASKED) return false;
    return ca_array_get_callback(DBR_STS_STRING, 1, chan->route->id, answered, chan) != ECA_NORMAL;
}

static void mend(struct oph__chan *chan)
{
    pthread_mutex_lock(&chan->lock);
    bool stuck = chan->put.stuck;
    if (!stuck || chan->spare) chan->asked = OPH__NOT_ASKED;
    pthread_mutex_unlock(&chan->lock);

    if (stuck && chan->spare)
        take_spare(chan);
    else if (stuck && server_answers(chan))
        make_spare(chan);
    else if (chan->spare)
        drop_spare(chan);
}

static void settle(struct oph__job *job)
{
    struct oph__chan *chan = OPH__AROUND(struct oph__chan, settle, job);

    pthread_mutex_lock(&chan->lock);
    chan->settle_posted = false;
    bool freed = chan->freed_in_callback;
    chan->freed_in_callback = false;
    pthread_mutex_unlock(&chan->lock);

    if (freed) {
        oph__ca_chan_end(chan);
    } else {
        pthread_mutex_lock(&chan->order);
        if (chan->route) {
            oph__ca_mons_sweep(chan);
            mend(chan);
            oph__ca_follow_labels(chan);
            oph__ca_mons_install(chan);
            oph__ca_put_send_held(chan);
        }
        pthread_mutex_unlock(&chan->order);
        oph__ca_flush_soon(chan->link);
    }
    oph__ca_chan_unref(chan);
}

void oph__ca_post_settle(struct oph__chan *chan)
{
    pthread_mutex_lock(&chan->lock);
    bool post = !chan->settle_posted;
    chan->settle_posted = true;
    if (post) atomic_fetch_add(&chan->refs, 1);
    pthread_mutex_unlock(&chan->lock);
    if (!post) return;
    chan->settle.run = settle;
    oph__loop_post(chan->link->own, &chan->settle);
}
