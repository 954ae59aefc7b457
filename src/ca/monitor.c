#include "ca/client.h"

#include "base/err.h"

#include <stdlib.h>

static void move_gate(struct oph__chanmon *mon, int from, int to)
{
    atomic_compare_exchange_strong(&mon->gate, &from, to);
}

void oph__ca_mons_open(struct oph__chan *chan)
{
    for (struct oph__chanmon *mon = chan->mons; mon; mon = mon->next)
        move_gate(mon, OPH__GATE_SHUT, OPH__GATE_OPEN);
}

void oph__ca_mons_shut(struct oph__chan *chan)
{
    for (struct oph__chanmon *mon = chan->mons; mon; mon = mon->next)
        move_gate(mon, OPH__GATE_OPEN, OPH__GATE_SHUT);
}

void oph__ca_mons_silence(struct oph__chan *chan)
{
    for (struct oph__chanmon *mon = chan->mons; mon; mon = mon->next)
        atomic_store(&mon->gate, OPH__GATE_GONE);
}

void oph__ca_mon_anew(struct oph__chanmon *mon)
{
    move_gate(mon, OPH__GATE_OPEN, OPH__GATE_EARLY);
}

/* Call with lock held, on a list that is not walked. */
static void take_out(struct oph__chanmon *mon)
{
    *mon->at = mon->next;
    if (mon->next) mon->next->at = mon->at;
}

static void remove_mon(struct oph__chanmon *mon)
{
    struct oph__chan *chan = mon->chan;

    if (mon->id) ca_clear_subscription(mon->id);
    pthread_mutex_lock(&chan->lock);
    take_out(mon);
    if (chan->follower == mon) chan->follower = NULL;
    pthread_mutex_unlock(&chan->lock);
    free(mon);
}

static void tell(struct oph__chanmon *mon, const struct oph__event *event)
{
    if (atomic_load(&mon->gate) != OPH__GATE_GONE) mon->fn(mon->user, event);
}

static bool admits(struct oph__chanmon *mon, int status)
{
    if (status == ECA_DISCONN) return false; /* the connection handler has the word */
    if (atomic_load(&mon->gate) == OPH__GATE_OPEN) return true;
    move_gate(mon, OPH__GATE_SHUT, OPH__GATE_EARLY);
    return false;
}

static void changed(struct event_handler_args args)
{
    struct oph__chanmon *mon = args.usr;
    const struct oph__link *before = oph__ca_enter(mon->link);
    struct oph__event event;

    if (admits(mon, args.status)) {
        oph__ca_event(&event, &args);
        /* A channel that had no more was asked for all, and may have come back with more. */
        if (mon->count && event.count > mon->count) event.count = mon->count;
        mon->fn(mon->user, &event);
    }
    oph__ca_leave(before);
}

static void properties_changed(struct event_handler_args args)
{
    struct oph__chanmon *mon = args.usr;
    const struct oph__link *before = oph__ca_enter(mon->link);
    struct oph__event event = {0};
    bool good = args.status == ECA_NORMAL && args.dbr;

    if (!good) event = oph__ca_failure(args.status == ECA_NORMAL ? ECA_GETFAIL : args.status);
    if (admits(mon, args.status) &&
        oph__ca_describe_anew(ca_puser(args.chid), args.type, good ? args.dbr : NULL))
        tell(mon, &event);
    oph__ca_leave(before);
}

static bool is_of_properties(const struct oph__chanmon *mon)
{
    return mon->mask == OPH_ON_PROPERTY;
}

static long dbe_mask(uint32_t mask)
{
    return (mask & OPH_ON_VALUE ? DBE_VALUE : 0) | (mask & OPH_ON_LOG ? DBE_LOG : 0) |
           (mask & OPH_ON_ALARM ? DBE_ALARM : 0) | (mask & OPH_ON_PROPERTY ? DBE_PROPERTY : 0);
}

/* Text has no description: its value comes instead. */
static chtype type_for(const struct oph__chanmon *mon, int32_t native)
{
    chtype describing = is_of_properties(mon) ? oph__ca_describing_type(native) : -1;

    return describing >= 0 ? describing : oph__ca_time_type(oph__dtype_to_ask(mon->dtype, native));
}

/* False while the channel is down. */
static bool look(struct oph__chanmon *mon, chtype *ret_type, bool *ret_early)
{
    struct oph__chan *chan = mon->chan;

    pthread_mutex_lock(&chan->lock);
    bool up = chan->route->up;
    *ret_type = type_for(mon, chan->route->dtype);
    *ret_early = up && atomic_load(&mon->gate) == OPH__GATE_EARLY;
    if (*ret_early) move_gate(mon, OPH__GATE_EARLY, OPH__GATE_OPEN);
    pthread_mutex_unlock(&chan->lock);
    return up;
}

int oph__ca_mon_install(struct oph__chanmon *mon)
{
    chtype type;
    bool early;

    if (!look(mon, &type, &early)) return ECA_NORMAL; /* when it comes up */
    if (mon->id && (early || mon->type != type)) {    /* the IOC may come back changed */
        ca_clear_subscription(mon->id);
        mon->id = NULL;
    }
    if (mon->id) return ECA_NORMAL;
    mon->type = type;
    chid id = mon->chan->route->id;
    int status =
        ca_create_subscription(type, oph__ca_count(id, mon->count), id, dbe_mask(mon->mask),
                               is_of_properties(mon) ? properties_changed : changed, mon, &mon->id);
    if (status != ECA_NORMAL) mon->id = NULL;
    return status == ECA_DISCONN ? ECA_NORMAL : status;
}

void oph__ca_mons_install(struct oph__chan *chan)
{
    for (struct oph__chanmon *mon = chan->mons; mon; mon = mon->next) {
        int status = oph__ca_mon_install(mon);
        if (status == ECA_NORMAL) continue;
        struct oph__event failure = oph__ca_failure(status);
        tell(mon, &failure);
    }
}

void oph__ca_mons_sweep(struct oph__chan *chan)
{
    for (struct oph__chanmon *mon = chan->mons, *next; mon; mon = next) {
        next = mon->next;
        if (atomic_load(&mon->gate) == OPH__GATE_GONE) remove_mon(mon);
    }
}

struct oph__chanmon *oph__ca_mon_new(struct oph__chan *chan, int32_t dtype, uint32_t count,
                                     uint32_t mask, oph__event_fn *fn, void *user)
{
    struct oph__chanmon *mon = malloc(sizeof *mon);

    if (!mon) return NULL;
    *mon = (struct oph__chanmon){.link = chan->link,
                                 .chan = chan,
                                 .dtype = dtype,
                                 .count = count,
                                 .mask = mask,
                                 .fn = fn,
                                 .user = user};
    if (is_of_properties(mon)) mon->count = 1; /* its value is not looked at */
    pthread_mutex_lock(&chan->lock);
    atomic_init(&mon->gate, chan->route->up ? OPH__GATE_OPEN : OPH__GATE_SHUT);
    mon->next = chan->mons;
    mon->at = &chan->mons;
    if (mon->next) mon->next->at = &mon->next;
    chan->mons = mon;
    pthread_mutex_unlock(&chan->lock);
    return mon;
}

int oph__ca_subscribe(struct oph__chan *chan, int32_t dtype, uint32_t count, uint32_t mask,
                      oph__event_fn *fn, void *user, struct oph__chanmon **ret, oph_error *err)
{
    struct oph__at at = {.pv = chan->name};
    int status = ECA_NORMAL, code = oph__ca_may_call(chan->link, chan->name, err);

    if (code) return code;
    if (dtype > 0 && oph__ca_time_type(dtype) < 0)
        return oph__fail(err, OPH_ETYPE, at, "a type that Channel Access carries", "%s",
                         oph_dtype_name(dtype));

    pthread_mutex_lock(&chan->order);
    struct oph__chanmon *mon = oph__ca_mon_new(chan, dtype, count, mask, fn, user);
    if (mon) status = oph__ca_mon_install(mon);
    if (mon && status != ECA_NORMAL) remove_mon(mon);
    pthread_mutex_unlock(&chan->order);
    if (!mon) return oph__fail_memory(err, "a subscription");
    if (status != ECA_NORMAL)
        return oph__fail(err, oph__ca_code(status), at, "a subscription", "%s", ca_message(status));
    *ret = mon;
    return 0;
}

void oph__ca_unsubscribe(struct oph__chanmon *mon)
{
    struct oph__chan *chan = mon->chan;

    if (oph__ca_in_child(chan->link)) return;
    if (oph__ca_inside(chan->link)) {
        atomic_store(&mon->gate, OPH__GATE_GONE);
        oph__ca_post_settle(chan);
        return;
    }
    pthread_mutex_lock(&chan->order);
    remove_mon(mon);
    pthread_mutex_unlock(&chan->order);
}
