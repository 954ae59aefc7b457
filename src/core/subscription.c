/* A subscription is in its PV's list from start to end, where it learns of connections, and has one
 * or two monitors of the link. What arrives goes to a queue at once.
 *
 * Its user and its device may both end it, at the same time and from a callback. So it ends in two
 * steps: leaving the PV, which one of them does and the other waits for, as that is short; and
 * waiting for a running callback, which both do. */
#include "core/subscription.h"
#include "base/err.h"
#include "core/options.h"
#include "core/pv_ops.h"
#include "core/queue.h"
#include "core/reading.h"
#include <stdlib.h>
#include <string.h>

enum {
    ALL_MASKS = OPH_ON_VALUE | OPH_ON_LOG | OPH_ON_ALARM | OPH_ON_PROPERTY,
    DEFAULT_DEPTH = 1000
};

enum stage { STARTING, LIVE, LEAVING, LEFT };

struct oph_subscription {
    atomic_int refs;      /* the user's, and that of a device that ends it */
    atomic_bool given_up; /* the user's, which a callback may do before it has it */
    oph_context *ctx;
    struct oph__source source;
    struct oph__pv *pv;                          /* may be gone once it has left */
    struct oph__chanmon *on_value, *on_property; /* made while STARTING, gone once LEAVING */
    struct oph_subscription *next, **at;         /* of the PV; under ctx->lock, as all below */
    enum stage stage;
    bool up, readable, writable; /* as told */
};

/* With ctx->lock held. Tells how things stand, where that is news. */
static void tell_state(oph_subscription *sub, bool up, const struct oph__chan_info *info)
{
    int32_t kind = 0;

    if (!up && sub->up)
        kind = OPH_EVENT_DISCONNECTED;
    else if (up && !sub->up)
        kind = OPH_EVENT_CONNECTED;
    else if (up && (sub->readable != info->readable || sub->writable != info->writable))
        kind = OPH_EVENT_ACCESS;
    if (!kind) return;
    sub->up = up;
    sub->readable = up && info->readable;
    sub->writable = up && info->writable;
    oph__source_tell(&sub->source, kind, sub->readable, sub->writable);
}

static bool look(struct oph__pv *pv, struct oph__chan_info *ret)
{
    return pv->state == OPH__CHAN_UP && pv->chan && pv->ops->chan_info(pv->chan, ret);
}

void oph__subscriptions_state(struct oph__pv *pv)
{
    struct oph__chan_info info;
    if (!pv->subs) return;
    bool up = look(pv, &info);
    for (oph_subscription *sub = pv->subs; sub; sub = sub->next)
        if (sub->stage == STARTING || sub->stage == LIVE) tell_state(sub, up, &info);
}

static void fail(oph_subscription *sub, const struct oph__event *event)
{
    oph_error why = OPH_ERROR_INIT;
    if (event->code == OPH_EACCESS) return; /* told as OPH_EVENT_ACCESS */
    oph__fail(&why, event->code, oph__pv_at(sub->pv), "an update", "%s",
              event->why ? event->why : oph_code_name(event->code));
    oph__source_fail(&sub->source, &why);
}

static void got_value(void *user, const struct oph__event *event)
{
    oph_subscription *sub = user;
    if (event->code)
        fail(sub, event);
    else
        oph__source_value(&sub->source, event);
}

static void got_property(void *user, const struct oph__event *event)
{
    oph_subscription *sub = user;
    if (event->code)
        fail(sub, event);
    else
        oph__source_tell(&sub->source, OPH_EVENT_METADATA, false, false);
}

/* Starting */

/* The others know how things stand. */
static void join(oph_subscription *sub)
{
    struct oph__chan_info info;
    pthread_mutex_lock(&sub->ctx->lock);
    sub->next = sub->pv->subs;
    sub->at = &sub->pv->subs;
    if (sub->next) sub->next->at = &sub->next;
    sub->pv->subs = sub;
    tell_state(sub, look(sub->pv, &info), &info);
    pthread_mutex_unlock(&sub->ctx->lock);
}

/* Joined first: being connected is told before the first value. */
static int start(oph_subscription *sub, const oph_signal *sig, uint32_t mask, uint32_t count,
                 oph_error *err)
{
    const struct oph__link_ops *ops = sub->pv->ops;
    int rc = oph__pv_open(sub->pv, err);
    join(sub);
    struct oph__chan *chan = oph__pv_chan(sub->pv);
    if (!rc && (mask & OPH_ON_PROPERTY))
        rc = ops->subscribe(chan, OPH_NONE, 0, OPH_ON_PROPERTY, got_property, sub,
                            &sub->on_property, err);
    mask &= ~(uint32_t)OPH_ON_PROPERTY;
    if (!rc && mask)
        rc = ops->subscribe(chan, oph__signal_dtype(sig), count, mask, got_value, sub,
                            &sub->on_value, err);
    if (!rc) rc = oph__context_flush(sub->ctx, err);
    pthread_mutex_lock(&sub->ctx->lock);
    sub->stage = LIVE;
    pthread_cond_broadcast(&sub->ctx->changed);
    pthread_mutex_unlock(&sub->ctx->lock);
    return rc;
}

/* Ending */

static void unref(oph_subscription *sub)
{
    if (atomic_fetch_sub(&sub->refs, 1) != 1) return;
    oph__source_release(&sub->source);
    oph_context_free(sub->ctx);
    free(sub);
}

static void leave(oph_subscription *sub)
{
    oph_context *ctx = sub->ctx;
    pthread_mutex_lock(&ctx->lock);
    while (sub->stage == STARTING || sub->stage == LEAVING)
        pthread_cond_wait(&ctx->changed, &ctx->lock);
    bool mine = sub->stage == LIVE;
    if (mine) sub->stage = LEAVING;
    pthread_mutex_unlock(&ctx->lock);
    if (!mine) return;
    if (sub->on_value) sub->pv->ops->unsubscribe(sub->on_value);
    if (sub->on_property) sub->pv->ops->unsubscribe(sub->on_property);
    pthread_mutex_lock(&ctx->lock);
    *sub->at = sub->next;
    if (sub->next) sub->next->at = sub->at;
    sub->stage = LEFT;
    pthread_cond_broadcast(&ctx->changed);
    pthread_mutex_unlock(&ctx->lock);
}

/* Gives up one reference. */
static void end(oph_subscription *sub)
{
    leave(sub);
    oph__source_end(&sub->source);
    unref(sub);
}

static void end_those_of(struct oph__pv *pv)
{
    pthread_mutex_lock(&pv->ctx->lock);
    while (pv->subs) {
        oph_subscription *sub = pv->subs;
        atomic_fetch_add(&sub->refs, 1); /* it has one as long as it is in the list */
        pthread_mutex_unlock(&pv->ctx->lock);
        end(sub);
        pthread_mutex_lock(&pv->ctx->lock);
    }
    pthread_mutex_unlock(&pv->ctx->lock);
}

void oph__subscriptions_end_signal(const oph_signal *sig)
{
    end_those_of(sig->set);
    if (sig->read != sig->set) end_those_of(sig->read);
}

static int end_those_of_device(oph_device *dev, void *user, oph_error *err)
{
    (void)user, (void)err;
    for (size_t i = 0; i < dev->signals.count; i++)
        oph__subscriptions_end_signal(dev->signals.at[i]);
    return 0;
}

void oph__subscriptions_end(oph_device *dev)
{
    oph__device_each(dev, end_those_of_device, NULL, NULL);
}

/* The calls */

static int refuse(const oph_signal *sig, const char *wanted, const char *what, long long found,
                  oph_error *err)
{
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = sig->path}, wanted, "%s %lld",
                     what, found);
}

static int check(const oph_signal *sig, oph_subscribe_options *o, oph_error *err)
{
    if (o->mask & ~(uint32_t)ALL_MASKS)
        return refuse(sig, "a mask of OPH_ON_...", "mask", o->mask, err);
    int rc = oph__check_part(sig, o->part, err);
    if (rc) return rc;
    if (o->delivery != OPH_DELIVER_EVERY && o->delivery != OPH_DELIVER_NEWEST)
        return refuse(sig, "one of enum oph_delivery", "delivery", o->delivery, err);
    bool newest = o->delivery == OPH_DELIVER_NEWEST;
    if (newest && o->depth > 1)
        return refuse(sig, "depth 0 or 1 for the newest only", "depth", o->depth, err);
    if (!o->mask) o->mask = OPH__UPDATES;
    if (!o->depth) o->depth = newest ? 1 : DEFAULT_DEPTH;
    return 0;
}

static int subscribe(oph_signal *sig, const oph_subscribe_options *opt, oph_event_fn *fn,
                     oph_queue *queue, void *user, oph_subscription **ret, oph_error *err)
{
    oph_context *ctx = sig->ctx;
    oph_subscribe_options o = {0};
    int rc = oph__context_check(ctx, err);
    if (rc) return rc;
    if (opt && opt->size < sizeof opt->size)
        return refuse(sig, "the size of oph_subscribe_options", "size", opt->size, err);
    if (opt) memcpy(&o, opt, opt->size < sizeof o ? opt->size : sizeof o);
    rc = check(sig, &o, err);
    if (rc) return rc;
    oph_subscription *sub = calloc(1, sizeof *sub);
    if (!sub) return oph__fail_memory(err, "a subscription");
    atomic_init(&sub->refs, 2); /* one for here: a callback may free it meanwhile */
    sub->ctx = oph__context_ref(ctx);
    sub->pv = o.part == OPH_PART_SETPOINT ? sig->set : sig->read;
    const struct oph__origin from = {.sub = sub, .sig = sig, .user = user};
    oph__source_init(&sub->source, queue, from, fn, o.depth);
    rc = start(sub, sig, o.mask, o.count, err);
    if (!rc)
        *ret = sub;
    else if (!atomic_exchange(&sub->given_up, true)) /* its own callback may have freed it */
        end(sub);
    unref(sub);
    return rc;
}

int oph_subscribe(oph_signal *sig, const oph_subscribe_options *opt, oph_event_fn *fn, void *user,
                  oph_subscription **ret, oph_error *err)
{
    if (!fn)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = sig->path}, "a callback",
                         "NULL");
    return subscribe(sig, opt, fn, sig->ctx->events, user, ret, err);
}

int oph_subscribe_queue(oph_signal *sig, const oph_subscribe_options *opt, oph_queue *queue,
                        void *user, oph_subscription **ret, oph_error *err)
{
    if (!queue)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = sig->path}, "a queue", "NULL");
    return subscribe(sig, opt, NULL, queue, user, ret, err);
}

void oph_subscription_free(oph_subscription *sub)
{
    if (!sub || !oph__is_alive(&sub->ctx->alive))
        return; /* a child has neither its threads nor its locks */
    if (!atomic_exchange(&sub->given_up, true)) end(sub);
}

uint64_t oph_subscription_dropped(oph_subscription *sub)
{
    if (!oph__is_alive(&sub->ctx->alive)) return 0;
    return oph__source_dropped(&sub->source);
}
