#include "ca/client.h"

/* A question in the midst of a burst of connections makes libca's threads wait for each other. So
 * all are put once nothing is searched for any more; where something is, when nothing came for this
 * long, and at the latest then, seconds. */
static const double QUIET = 0.02, LONGEST = 0.5;

/* With link->m.lock held, as the next two. */
static void unlist(struct oph__asking *a, struct oph__route *route)
{
    if (!route->in_due) return;
    *route->in_due = route->next_due;
    *(route->next_due ? &route->next_due->in_due : &a->end) = route->in_due;
    route->in_due = NULL;
}

static void list(struct oph__asking *a, struct oph__route *route)
{
    unlist(a, route);
    route->next_due = NULL;
    route->in_due = a->end;
    *a->end = route;
    a->end = &route->next_due;
    a->listed++;
}

static void await(struct oph__asking *a, struct oph__route *route, bool awaited)
{
    a->awaited += (unsigned)awaited - (unsigned)route->awaited;
    route->awaited = awaited;
}

/* The first, and a reference to its channel. */
static struct oph__route *take_first(struct oph__link *link, struct oph__chan **ret)
{
    pthread_mutex_lock(&link->m.lock);
    struct oph__route *route = link->asking.first;
    if (route) {
        unlist(&link->asking, route);
        *ret = route->chan;
        atomic_fetch_add(&route->chan->refs, 1);
    }
    pthread_mutex_unlock(&link->m.lock);
    return route;
}

/* In a callback: libca clears no channel meanwhile. */
static void ask_in_callback(struct oph__link *link)
{
    struct oph__chan *chan;

    for (struct oph__route *route; (route = take_first(link, &chan));) {
        oph__ca_route_ask(route);
        oph__ca_chan_unref(chan);
    }
    ca_flush_io();
}

static void ask_on_own(struct oph__link *link)
{
    struct oph__chan *chan;

    for (struct oph__route *route; (route = take_first(link, &chan));) {
        pthread_mutex_lock(&chan->order);
        if (route == chan->route || route == chan->spare) oph__ca_route_ask(route);
        pthread_mutex_unlock(&chan->order);
        oph__ca_chan_unref(chan);
    }
    ca_flush_io();
}

static void look(struct oph__timer *timer)
{
    struct oph__link *link = OPH__AROUND(struct oph__link, asking.timer, timer);
    struct oph__asking *a = &link->asking;

    pthread_mutex_lock(&link->m.lock);
    bool wait = a->first && a->listed != a->listed_before && oph__now() < a->by;
    a->listed_before = a->listed;
    a->timed = wait && oph__timer_start(link->own, timer, oph__now() + QUIET);
    wait = a->timed;
    pthread_mutex_unlock(&link->m.lock);
    if (!wait) ask_on_own(link);
}

/* Whether somebody will look. With link->m.lock held. */
static bool start_timer(struct oph__link *link)
{
    struct oph__asking *a = &link->asking;

    if (a->timed) return true;
    a->listed_before = a->listed;
    a->by = oph__now() + LONGEST;
    a->timed = oph__timer_start(link->own, &a->timer, oph__now() + QUIET);
    return a->timed;
}

void oph__ca_ask_await(struct oph__route *route)
{
    struct oph__link *link = route->chan->link;

    pthread_mutex_lock(&link->m.lock);
    if (!route->forgotten) await(&link->asking, route, true);
    unlist(&link->asking, route);
    pthread_mutex_unlock(&link->m.lock);
}

void oph__ca_ask_arrived(struct oph__route *route, bool ask)
{
    struct oph__link *link = route->chan->link;
    struct oph__asking *a = &link->asking;

    pthread_mutex_lock(&link->m.lock);
    await(a, route, false);
    if (ask && !route->forgotten) list(a, route);
    bool now = a->first && (!a->awaited || !start_timer(link));
    pthread_mutex_unlock(&link->m.lock);
    if (now) ask_in_callback(link);
}

void oph__ca_ask_forget(struct oph__route *route)
{
    struct oph__link *link = route->chan->link;

    pthread_mutex_lock(&link->m.lock);
    await(&link->asking, route, false);
    unlist(&link->asking, route);
    route->forgotten = true;
    pthread_mutex_unlock(&link->m.lock);
}

void oph__ca_ask_init(struct oph__link *link)
{
    link->asking.end = &link->asking.first;
    link->asking.timer.run = look;
}

void oph__ca_ask_end(struct oph__link *link)
{
    oph__timer_stop(link->own, &link->asking.timer);
}
