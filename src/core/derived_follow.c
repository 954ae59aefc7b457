/* Subscriptions of a derived signal: each follows all sources, keeps their newest values and
 * computes at each update. */
#include "base/err.h"
#include "core/derived.h"
#include <stdlib.h>

struct slot {
    struct oph__dmon *mon;
    struct oph__chanmon *sub; /* to the source; of the thread that begins and ends it */
    bool known;               /* in turns, as the value */
    struct oph_value value;
};

struct oph__dmon {
    struct oph__dmon *next;
    struct oph__dchan *chan;
    oph__event_fn *fn;
    void *user;
    int32_t dtype;
    uint32_t count, mask;
    bool posted; /* something; in turns */
    bool gone;   /* not to be called again; under the channel's lock, as the next */
    bool ended;  /* nothing calls it any more */
    size_t sources;
    const oph_value **values; /* of the slots */
    struct slot slots[];
};

static struct oph__dmon *new_mon(struct oph__dchan *chan, uint32_t mask, oph_error *err)
{
    /* Properties are fixed, but for those of a shaped signal, which are its array's. */
    size_t n = mask != OPH_ON_PROPERTY ? chan->of->count : chan->of->shaped;
    struct oph__dmon *mon = calloc(1, sizeof *mon + n * sizeof mon->slots[0]);
    if (mon) mon->values = calloc(n + 1, sizeof(const oph_value *));
    if (!mon || !mon->values) {
        free(mon);
        oph__fail_memory(err, "a subscription");
        return NULL;
    }
    mon->chan = chan;
    mon->mask = mask;
    mon->sources = n;
    for (size_t i = 0; i < n; i++) {
        mon->slots[i].mon = mon;
        mon->values[i] = &mon->slots[i].value;
    }
    return mon;
}

void oph__dmons_free(struct oph__dmon *mon)
{
    while (mon) {
        struct oph__dmon *next = mon->next;
        for (size_t i = 0; i < mon->sources; i++)
            oph__value_clear(&mon->slots[i].value);
        free(mon->values);
        free(mon);
        mon = next;
    }
}

struct oph__dmon *oph__dmons_sweep(struct oph__dchan *chan)
{
    struct oph__dmon *ended = NULL;
    for (struct oph__dmon **at = &chan->mons; *at;) {
        struct oph__dmon *mon = *at;
        if (!mon->ended) {
            at = &mon->next;
            continue;
        }
        *at = mon->next;
        mon->next = ended;
        ended = mon;
    }
    return ended;
}

/* Telling, in turns */

static void tell(struct oph__dmon *mon, const struct oph__event *event)
{
    pthread_mutex_lock(&mon->chan->m.lock);
    bool gone = mon->gone;
    pthread_mutex_unlock(&mon->chan->m.lock);
    if (gone) return;
    mon->posted = true;
    mon->fn(mon->user, event);
}

static bool is_complete(const struct oph__dmon *mon)
{
    for (size_t i = 0; i < mon->sources; i++)
        if (!mon->slots[i].known) return false;
    return true;
}

/* `quiet`: a failure is no news. */
static void compute(struct oph__dmon *mon, bool quiet)
{
    struct oph__computed computed;
    if (!mon->chan->up || !is_complete(mon)) return;
    if (mon->mask == OPH_ON_PROPERTY) {
        tell(mon, &(struct oph__event){0});
        return;
    }
    oph__compute(mon->chan->of, mon->values, mon->dtype, mon->count, &computed);
    if (!computed.event.code || !quiet) tell(mon, &computed.event);
    oph__computed_clear(&computed);
}

void oph__dmons_come_up(struct oph__dchan *chan)
{
    for (struct oph__dmon *mon = chan->mons; mon; mon = mon->next)
        compute(mon, false);
}

void oph__dmons_forget(struct oph__dchan *chan, size_t source)
{
    for (struct oph__dmon *mon = chan->mons; mon; mon = mon->next)
        if (source < mon->sources) mon->slots[source].known = false;
}

static void fail(struct slot *slot, size_t source, int32_t code, const char *why)
{
    oph_error says = OPH_ERROR_INIT;
    slot->known = false;
    oph__derived_source_says(&slot->mon->chan->of->from[source], code, why, &says);
    tell(slot->mon, &(struct oph__event){.code = code, .why = says.text});
}

static void source_event(void *user, const struct oph__event *event)
{
    struct slot *slot = user;
    struct oph__dmon *mon = slot->mon;
    struct oph__dchan *chan = oph__dchan_ref(mon->chan);
    size_t source = (size_t)(slot - mon->slots);
    if (oph__dchan_begin(chan, &mon->gone)) {
        bool taken =
            !event->code && (mon->mask == OPH_ON_PROPERTY || oph__value_take(&slot->value, event));
        if (taken) {
            slot->known = true;
            /* The sizes of an array arrive one by one, and after it. */
            compute(mon, chan->of->shaped && source && mon->posted);
        } else {
            fail(slot, source, event->code ? event->code : OPH_ENOMEM, event->why);
        }
        oph__dchan_end(chan);
    }
    oph__dchan_unref(chan);
}

/* From start to end */

static int inside(const struct oph__dchan *chan, oph_error *err)
{
    return oph__fail(err, OPH_EDEADLK, (struct oph__at){.device = chan->of->name},
                     "a call from outside its callbacks", "one from inside");
}

static void end_sources(struct oph__dmon *mon)
{
    for (size_t i = 0; i < mon->sources; i++)
        if (mon->slots[i].sub) mon->chan->of->from[i].ops->unsubscribe(mon->slots[i].sub);
}

void oph__derived_unsubscribe(struct oph__chanmon *m)
{
    struct oph__dmon *mon = (struct oph__dmon *)m;
    struct oph__dchan *chan = mon->chan;
    pthread_mutex_lock(&chan->m.lock);
    mon->gone = true;
    pthread_cond_broadcast(&chan->m.changed);
    pthread_mutex_unlock(&chan->m.lock);
    end_sources(mon);
    pthread_mutex_lock(&chan->m.lock);
    mon->ended = true;
    bool inside_turn = oph__local_turn_is_mine(&chan->turn);
    while (!inside_turn && chan->turn.taken)
        pthread_cond_wait(&chan->m.changed, &chan->m.lock);
    struct oph__dmon *ended = inside_turn ? NULL : oph__dmons_sweep(chan);
    pthread_mutex_unlock(&chan->m.lock);
    oph__dmons_free(ended);
}

int oph__derived_subscribe(struct oph__chan *c, int32_t dtype, uint32_t count, uint32_t mask,
                           oph__event_fn *fn, void *user, struct oph__chanmon **ret, oph_error *err)
{
    struct oph__dchan *chan = oph__dchan_of(c);
    const struct oph__derived *d = chan->of;
    struct oph__dmon *mon = new_mon(chan, mask, err);
    if (!mon) return OPH_ENOMEM;
    mon->fn = fn;
    mon->user = user;
    mon->dtype = dtype;
    mon->count = count;
    if (!oph__dchan_begin(chan, NULL)) {
        oph__dmons_free(mon);
        return inside(chan, err);
    }
    mon->next = chan->mons;
    chan->mons = mon;
    compute(mon, false);
    oph__dchan_end(chan);
    int rc = 0;
    for (size_t i = 0; !rc && i < mon->sources; i++)
        rc = d->from[i].ops->subscribe(chan->legs[i].source, OPH_NONE, 0, mask, source_event,
                                       &mon->slots[i], &mon->slots[i].sub, err);
    if (rc)
        oph__derived_unsubscribe((struct oph__chanmon *)mon);
    else
        *ret = (struct oph__chanmon *)mon;
    return rc;
}
