#include "ca/client.h"

#include "base/err.h"

#include <stdlib.h>

/* Is there work for the own thread now that this route is up? */
static bool has_work(const struct oph__chan *chan, const struct oph__route *route)
{
    return route != chan->route || chan->mons || chan->put.stuck;
}

static void came_up(struct oph__route *route, chtype type, const void *dbr)
{
    struct oph__chan *chan = route->chan;
    struct oph__chan_info info;

    oph__ca_describe(&info, route->id, type, dbr);
    pthread_mutex_lock(&chan->m.lock);
    route->info = info;
    route->described = dbr || type < 0;
    route->up = true;
    bool serves = route == chan->route;
    bool work = has_work(chan, route);
    pthread_mutex_unlock(&chan->m.lock);
    if (serves) oph__ca_tell_state(chan, OPH__CHAN_UP);
    if (work) oph__ca_post_settle(chan);
}

void oph__ca_describe_anew(struct oph__route *route, chtype type, const void *dbr)
{
    struct oph__chan_info info;

    oph__ca_describe(&info, route->id, type, dbr);
    pthread_mutex_lock(&route->chan->m.lock);
    route->info = info;
    pthread_mutex_unlock(&route->chan->m.lock);
}

static void described(struct event_handler_args args)
{
    struct oph__route *route = args.usr;
    struct oph__link *link = route->chan->link;
    pthread_t before = oph__ca_enter(link);

    if (args.status != ECA_DISCONN) /* else the connection handler has the word */
        came_up(route, args.type, args.status == ECA_NORMAL ? args.dbr : NULL);
    oph__ca_leave(link, before);
}

/* Asks the IOC what the channel is. Without read access only libca's knowledge is left. */
static void ask(struct oph__route *route)
{
    chtype type = oph__ca_describing_type(route->id);

    if (type >= 0 && ca_array_get_callback(type, 1, route->id, described, route) == ECA_NORMAL)
        oph__ca_flush_soon(route->chan->link);
    else
        came_up(route, type, NULL);
}

static void went_down(struct oph__route *route)
{
    struct oph__chan *chan = route->chan;

    pthread_mutex_lock(&chan->m.lock);
    bool was_up = route->up, serves = route == chan->route;
    route->up = false;
    pthread_mutex_unlock(&chan->m.lock);
    if (!serves) return;
    oph__ca_put_fail_held(chan, ECA_DISCONN);
    if (was_up) oph__ca_tell_state(chan, OPH__CHAN_DOWN);
}

static void rights_changed(struct access_rights_handler_args args)
{
    struct oph__route *route = ca_puser(args.chid);
    struct oph__chan *chan = route->chan;
    struct oph__link *link = chan->link;

    if (ca_state(args.chid) != cs_conn) return;
    pthread_t before = oph__ca_enter(link);
    pthread_mutex_lock(&chan->m.lock);
    bool up = route->up, serves = route == chan->route;
    bool unknown = up && !route->described && args.ar.read_access;
    route->info.readable = args.ar.read_access;
    route->info.writable = args.ar.write_access;
    pthread_mutex_unlock(&chan->m.lock);
    if (unknown)
        ask(route);
    else if (up && serves)
        oph__ca_tell_state(chan, OPH__CHAN_UP);
    if (up) oph__ca_post_settle(chan);
    oph__ca_leave(link, before);
}

static void connection_changed(struct connection_handler_args args)
{
    struct oph__route *route = ca_puser(args.chid);
    struct oph__link *link = route->chan->link;
    pthread_t before = oph__ca_enter(link);

    if (args.op == CA_OP_CONN_UP) {
        ca_replace_access_rights_event(args.chid, rights_changed);
        ask(route);
    } else {
        went_down(route);
    }
    oph__ca_leave(link, before);
}

struct creation {
    struct oph__route *route;
    int status;
};

static void create(void *arg)
{
    struct creation *c = arg;

    c->status = ca_create_channel(c->route->chan->name, connection_changed, c->route,
                                  CA_PRIORITY_DEFAULT, &c->route->id);
}

int oph__ca_route_new(struct oph__chan *chan, struct oph__route **ret, oph_error *err)
{
    struct creation creation = {.route = calloc(1, sizeof *creation.route)};

    if (!creation.route) return oph__fail_memory(err, "a channel");
    creation.route->chan = chan;
    *ret = creation.route; /* before a callback looks for it */
    oph__ca_run(chan->link, create, &creation);
    if (creation.status == ECA_NORMAL) return 0;
    *ret = NULL;
    free(creation.route);
    int code = creation.status == ECA_ALLOCMEM ? OPH_ENOMEM : OPH_EINVAL;
    return oph__fail(err, code, (struct oph__at){.pv = chan->name}, "a PV name", "%s",
                     ca_message(creation.status));
}

void oph__ca_route_free(struct oph__route *route)
{
    if (route) ca_clear_channel(route->id);
    free(route);
}
