#include "ca/client.h"

#include "base/err.h"

#include <stdlib.h>

/* Call with m.lock held, on a list that is not walked. */
static void take_out(struct oph__chanmon *mon)
{
    struct oph__chanmon **link = &mon->chan->mons;

    while (*link != mon)
        link = &(*link)->next;
    *link = mon->next;
}

static void remove_mon(struct oph__chanmon *mon)
{
    struct oph__chan *chan = mon->chan;

    if (mon->id) ca_clear_subscription(mon->id);
    pthread_mutex_lock(&chan->m.lock);
    take_out(mon);
    pthread_mutex_unlock(&chan->m.lock);
    free(mon);
}

static void tell(struct oph__chanmon *mon, const struct oph__event *event)
{
    if (!atomic_load(&mon->silent) && !atomic_load(&mon->chan->silent)) mon->fn(mon->user, event);
}

/* After a reconnection libca may have a value before the route is described. Then the channel's
 * owner does not know yet that it is up: the subscription begins anew once he does. */
static bool is_early(struct oph__chanmon *mon, const struct oph__route *route)
{
    pthread_mutex_lock(&mon->chan->m.lock);
    bool up = route->up;
    pthread_mutex_unlock(&mon->chan->m.lock);
    if (!up) atomic_store(&mon->early, true);
    return !up;
}

static void changed(struct event_handler_args args)
{
    struct oph__chanmon *mon = args.usr;
    struct oph__link *link = mon->chan->link;
    pthread_t before = oph__ca_enter(link);
    struct oph__event event;

    oph__ca_event(&event, &args);
    if (event.code != OPH_EDISCONN && !is_early(mon, ca_puser(args.chid))) tell(mon, &event);
    oph__ca_leave(link, before);
}

static void properties_changed(struct event_handler_args args)
{
    struct oph__chanmon *mon = args.usr;
    struct oph__route *route = ca_puser(args.chid);
    struct oph__link *link = mon->chan->link;
    pthread_t before = oph__ca_enter(link);
    struct oph__event event = {0};

    if (args.status != ECA_NORMAL || !args.dbr)
        event = oph__ca_failure(args.status == ECA_NORMAL ? ECA_GETFAIL : args.status);
    if (event.code != OPH_EDISCONN && !is_early(mon, route)) {
        if (!event.code) oph__ca_describe_anew(route, args.type, args.dbr);
        tell(mon, &event);
    }
    oph__ca_leave(link, before);
}

static bool is_of_properties(const struct oph__chanmon *mon)
{
    return mon->mask == OPH_ON_PROPERTY;
}

/* Text has no description: its value comes instead. */
static chtype type_for(const struct oph__chanmon *mon, const struct oph__chan_info *info)
{
    chtype describing = is_of_properties(mon) ? oph__ca_describing_type(mon->chan->route->id) : -1;

    return describing >= 0 ? describing : oph__ca_time_type(mon->dtype ? mon->dtype : info->dtype);
}

static long dbe_mask(uint32_t mask)
{
    return (mask & OPH_ON_VALUE ? DBE_VALUE : 0) | (mask & OPH_ON_LOG ? DBE_LOG : 0) |
           (mask & OPH_ON_ALARM ? DBE_ALARM : 0) | (mask & OPH_ON_PROPERTY ? DBE_PROPERTY : 0);
}

/* With order held and the channel up. */
static int install(struct oph__chanmon *mon, chtype type)
{
    mon->type = type;
    int status =
        ca_create_subscription(type, mon->count, mon->chan->route->id, dbe_mask(mon->mask),
                               is_of_properties(mon) ? properties_changed : changed, mon, &mon->id);
    if (status != ECA_NORMAL) mon->id = NULL;
    return status;
}

void oph__ca_mons_install(struct oph__chan *chan)
{
    struct oph__chan_info info;

    if (!oph__ca_chan_info(chan, &info)) return;
    for (struct oph__chanmon *mon = chan->mons; mon; mon = mon->next) {
        chtype type = type_for(mon, &info); /* another one where the IOC came back changed */
        if (mon->id && (atomic_exchange(&mon->early, false) || mon->type != type)) {
            ca_clear_subscription(mon->id);
            mon->id = NULL;
        }
        int status = mon->id ? ECA_NORMAL : install(mon, type);
        if (status != ECA_NORMAL && status != ECA_DISCONN) {
            struct oph__event failure = oph__ca_failure(status);
            tell(mon, &failure);
        }
    }
}

void oph__ca_mons_sweep(struct oph__chan *chan)
{
    for (struct oph__chanmon *mon = chan->mons, *next; mon; mon = next) {
        next = mon->next;
        if (atomic_load(&mon->silent)) remove_mon(mon);
    }
}

int oph__ca_subscribe(struct oph__chan *chan, int32_t dtype, uint32_t count, uint32_t mask,
                      oph__event_fn *fn, void *user, struct oph__chanmon **ret, oph_error *err)
{
    struct oph__at at = {.pv = chan->name};
    struct oph__chan_info info;
    int status = ECA_NORMAL, code = oph__ca_may_call(chan->link, chan->name, err);

    if (code) return code;
    if (dtype && oph__ca_time_type(dtype) < 0)
        return oph__fail(err, OPH_ETYPE, at, "a type that Channel Access carries", "%s",
                         oph_dtype_name(dtype));
    struct oph__chanmon *mon = malloc(sizeof *mon);
    if (!mon) return oph__fail_memory(err, "a subscription");
    *mon = (struct oph__chanmon){
        .chan = chan, .dtype = dtype, .count = count, .mask = mask, .fn = fn, .user = user};
    if (is_of_properties(mon)) mon->count = 1; /* its value is not looked at */

    pthread_mutex_lock(&chan->order);
    pthread_mutex_lock(&chan->m.lock);
    mon->next = chan->mons;
    chan->mons = mon;
    pthread_mutex_unlock(&chan->m.lock);
    if (oph__ca_chan_info(chan, &info)) /* else when it comes up */
        status = install(mon, type_for(mon, &info));
    if (status == ECA_NORMAL || status == ECA_DISCONN) {
        *ret = mon;
    } else {
        code = oph__fail(err, oph__ca_code(status), at, "a subscription", "%s", ca_message(status));
        remove_mon(mon);
    }
    pthread_mutex_unlock(&chan->order);
    return code;
}

void oph__ca_unsubscribe(struct oph__chanmon *mon)
{
    struct oph__chan *chan = mon->chan;

    if (oph__ca_in_child(chan->link)) return;
    if (oph__ca_inside(chan->link)) {
        atomic_store(&mon->silent, true);
        oph__ca_post_settle(chan);
        return;
    }
    pthread_mutex_lock(&chan->order);
    remove_mon(mon);
    pthread_mutex_unlock(&chan->order);
}
