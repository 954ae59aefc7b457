#include "ca/client.h"

#include <stdlib.h>

/* Is there work for the own thread now that this route is up? */
static bool has_work(const struct oph__chan *chan, const struct oph__route *route)
{
    return route != chan->route || chan->mons || chan->put.stuck || oph__ca_wants_labels(chan);
}

/* In a burst of connections each call to libca waits for its other thread: few are made. */
static void came_up(struct oph__route *route, chtype type, const void *dbr)
{
    struct oph__chan *chan = route->chan;
    uint32_t count = (uint32_t)ca_element_count(route->id);
    struct oph__host *host = oph__ca_host_of(chan->link, route->id);
    struct oph__description description, before;

    oph__ca_describe(&description, type, dbr);
    pthread_mutex_lock(&chan->lock);
    before = route->description;
    route->description = description;
    route->count = count;
    route->host = host;
    route->described = dbr || type < 0;
    route->up = true;
    bool serves = route == chan->route;
    if (serves) oph__ca_mons_open(chan);
    bool work = has_work(chan, route);
    pthread_mutex_unlock(&chan->lock);
    free(before.labels);
    if (serves) oph__ca_tell_state(chan, OPH__CHAN_UP);
    if (work) oph__ca_post_settle(chan);
}

static void described(struct event_handler_args args)
{
    struct oph__route *route = args.usr;
    const struct oph__link *before = oph__ca_enter(route->chan->link);

    if (args.status != ECA_DISCONN) /* else the connection handler has the word */
        came_up(route, args.type, args.status == ECA_NORMAL ? args.dbr : NULL);
    oph__ca_leave(before);
}

/* Without read access only libca's knowledge is left. */
void oph__ca_route_ask(struct oph__route *route)
{
    pthread_mutex_lock(&route->chan->lock);
    chtype type = oph__ca_describing_type(route->dtype);
    pthread_mutex_unlock(&route->chan->lock);
    int status =
        type < 0 ? ECA_BADTYPE : ca_array_get_callback(type, 1, route->id, described, route);

    if (status != ECA_NORMAL && status != ECA_DISCONN) came_up(route, type, NULL);
}

static void arrived(struct oph__route *route)
{
    int32_t dtype = oph__ca_dtype(ca_field_type(route->id));

    if (!dtype) return; /* it went down again, of which libca's thread tells */
    pthread_mutex_lock(&route->chan->lock);
    route->dtype = dtype;
    pthread_mutex_unlock(&route->chan->lock);
    bool ask = oph__ca_describing_type(dtype) >= 0;
    if (!ask) came_up(route, -1, NULL);
    oph__ca_ask_arrived(route, ask);
}

static void went_down(struct oph__route *route)
{
    struct oph__chan *chan = route->chan;
    struct oph__wish *wishes = NULL;

    oph__ca_ask_await(route);
    pthread_mutex_lock(&chan->lock);
    bool was_up = route->up, serves = route == chan->route;
    route->up = false;
    if (serves) {
        oph__ca_mons_shut(chan);
        wishes = oph__ca_follow_lost(chan);
    }
    pthread_mutex_unlock(&chan->lock);
    if (!serves) return;
    oph__ca_put_fail_held(chan, ECA_DISCONN);
    oph__ca_tell_wishes(chan, wishes, OPH_EDISCONN, ca_message(ECA_DISCONN));
    if (was_up) oph__ca_tell_state(chan, OPH__CHAN_DOWN);
}

static void set_rights(struct oph__route *route, bool readable, bool writable)
{
    struct oph__chan *chan = route->chan;

    pthread_mutex_lock(&chan->lock);
    bool up = route->up, serves = route == chan->route;
    bool unknown = up && !route->described && readable;
    if (up && serves && readable && !route->readable) oph__ca_follow_anew(chan);
    route->readable = readable;
    route->writable = writable;
    pthread_mutex_unlock(&chan->lock);
    if (unknown) {
        oph__ca_route_ask(route);
        oph__ca_flush_soon(chan->link);
    } else if (up && serves) {
        oph__ca_tell_state(chan, OPH__CHAN_UP);
    }
    if (up) oph__ca_post_settle(chan);
}

/* Before each connection too, and after each; none where a server answers again. */
static void rights_changed(struct access_rights_handler_args args)
{
    struct oph__route *route = ca_puser(args.chid);
    const struct oph__link *before = oph__ca_enter(route->chan->link);

    set_rights(route, args.ar.read_access, args.ar.write_access);
    oph__ca_leave(before);
}

static void connection_changed(struct connection_handler_args args)
{
    struct oph__route *route = ca_puser(args.chid);
    const struct oph__link *before = oph__ca_enter(route->chan->link);

    if (args.op == CA_OP_CONN_UP) {
        if (!route->readable || !route->writable)
            set_rights(route, ca_read_access(args.chid), ca_write_access(args.chid));
        arrived(route);
    } else {
        went_down(route);
    }
    oph__ca_leave(before);
}

struct oph__route *oph__ca_route_new(struct oph__chan *chan)
{
    struct oph__route *route = calloc(1, sizeof *route);

    if (route) route->chan = chan;
    return route;
}

int oph__ca_route_search(struct oph__route *route)
{
    const struct oph__chan *chan = route->chan;

    oph__ca_ask_await(route);
    int status =
        ca_create_channel(chan->name, connection_changed, route, CA_PRIORITY_DEFAULT, &route->id);
    if (status != ECA_NORMAL) {
        route->id = NULL;
        return status;
    }
    ca_replace_access_rights_event(route->id, rights_changed);
    atomic_store(&chan->link->had_channel, true);
    return ECA_NORMAL;
}

void oph__ca_route_free(struct oph__route *route)
{
    if (!route) return;
    oph__ca_ask_forget(route);
    if (route->id) ca_clear_channel(route->id);
    free(route->description.labels);
    free(route);
}
