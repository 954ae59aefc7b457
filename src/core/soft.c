/* A signal in memory. Its link is that memory.
 *
 * A value never changes once it is there: a get holds on to the one that it found. A new one comes
 * in a turn, in which its subscribers hear of it; a subscription begins in a turn, with its first
 * value. So each hears of all values in order, and the list of them changes in turns alone. */
#include "base/err.h"
#include "base/str.h"
#include "core/local.h"
#include <cophyd/soft.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct kept {
    atomic_int refs;
    struct oph_value value;
};

struct soft {
    struct oph__link link;
    struct oph__local what;
    char *name;
    struct oph__monitor m; /* of what follows */
    struct oph__local_turn turn;
    struct kept *now;
    struct mon *mons;
};

struct channel {
    struct soft *soft;
};

struct mon {
    struct mon *next;
    struct channel *chan;
    oph__event_fn *fn;
    void *user;
    int32_t dtype;
    uint32_t count, mask;
    bool gone; /* not to be called again; freed at the end of the turn */
};

static struct soft *soft_of(struct oph__link *link)
{
    return (struct soft *)link;
}

static struct channel *channel_of(const struct oph__chan *chan)
{
    return (struct channel *)(uintptr_t)chan;
}

/* Values */

static void release(struct kept *kept)
{
    if (!kept || atomic_fetch_sub(&kept->refs, 1) != 1) return;
    oph__value_clear(&kept->value);
    free(kept);
}

static struct kept *keep(struct oph__wire *wire, int32_t severity, int32_t alarm, oph_error *err)
{
    struct timespec now;
    struct kept *kept = malloc(sizeof *kept);
    if (!kept) {
        oph__wire_clear(wire);
        oph__fail_memory(err, "a value");
        return NULL;
    }
    atomic_init(&kept->refs, 1);
    oph__local_value(wire, &kept->value);
    clock_gettime(CLOCK_REALTIME, &now);
    kept->value.seconds = now.tv_sec;
    kept->value.nanoseconds = (int32_t)now.tv_nsec;
    kept->value.severity = (int16_t)severity;
    kept->value.status = (int16_t)alarm;
    return kept;
}

static struct kept *hold(struct soft *s)
{
    pthread_mutex_lock(&s->m.lock);
    struct kept *kept = s->now;
    atomic_fetch_add(&kept->refs, 1);
    pthread_mutex_unlock(&s->m.lock);
    return kept;
}

static void tell(const struct soft *s, const struct kept *kept, int32_t dtype, uint32_t count,
                 oph__event_fn *fn, void *user)
{
    const struct oph_value *v = &kept->value;
    struct oph__wire other = {0};
    oph_error why = OPH_ERROR_INIT;
    struct oph__event event = {.dtype = v->dtype,
                               .count = v->count,
                               .data = v->data,
                               .status = v->status,
                               .severity = v->severity,
                               .seconds = v->seconds,
                               .nanoseconds = v->nanoseconds};
    int rc = oph__local_convert(&event, &s->what.info, dtype, count, &other, &why);
    if (rc) event = (struct oph__event){.code = rc, .why = why.text};
    fn(user, &event);
    oph__wire_clear(&other);
}

/* Turns */

/* False from inside one of its callbacks: then the turn is this thread's already. */
static bool begin_turn(struct soft *s)
{
    pthread_mutex_lock(&s->m.lock);
    bool outside = !oph__local_turn_is_mine(&s->turn);
    while (outside && s->turn.taken)
        pthread_cond_wait(&s->m.changed, &s->m.lock);
    if (outside) oph__local_turn_take(&s->turn);
    pthread_mutex_unlock(&s->m.lock);
    if (outside) oph__local_ref(&s->link); /* a callback may free the last channel */
    return outside;
}

static int inside(const struct soft *s, oph_error *err)
{
    return oph__fail(err, OPH_EDEADLK, (struct oph__at){.device = s->name},
                     "a call from outside its callbacks", "one from inside");
}

static struct mon *sweep(struct soft *s)
{
    struct mon *gone = NULL;
    for (struct mon **at = &s->mons; *at;) {
        struct mon *mon = *at;
        if (!mon->gone) {
            at = &mon->next;
            continue;
        }
        *at = mon->next;
        mon->next = gone;
        gone = mon;
    }
    return gone;
}

static void end_turn(struct soft *s)
{
    pthread_mutex_lock(&s->m.lock);
    struct mon *gone = sweep(s);
    oph__local_turn_leave(&s->turn, &s->m);
    pthread_mutex_unlock(&s->m.lock);
    while (gone) {
        struct mon *next = gone->next;
        free(gone);
        gone = next;
    }
    oph__local_unref(&s->link);
}

static bool is_gone(struct soft *s, const struct mon *mon)
{
    pthread_mutex_lock(&s->m.lock);
    bool gone = mon->gone;
    pthread_mutex_unlock(&s->m.lock);
    return gone;
}

static int publish(struct soft *s, struct kept *kept, oph_error *err)
{
    if (!begin_turn(s)) {
        release(kept);
        return inside(s, err);
    }
    pthread_mutex_lock(&s->m.lock);
    struct kept *before = s->now;
    s->now = kept;
    atomic_fetch_add(&kept->refs, 1);
    pthread_mutex_unlock(&s->m.lock);
    uint32_t news = OPH_ON_VALUE | OPH_ON_LOG;
    if (kept->value.severity != before->value.severity ||
        kept->value.status != before->value.status)
        news |= OPH_ON_ALARM;
    for (const struct mon *mon = s->mons; mon; mon = mon->next)
        if ((mon->mask & news) && !is_gone(s, mon))
            tell(s, kept, mon->dtype, mon->count, mon->fn, mon->user);
    release(before);
    release(kept);
    end_turn(s);
    return 0;
}

/* The table of operations */

static int chan_new(struct oph__link *link, const char *pv, oph__state_fn *state, void *user,
                    struct oph__chan **ret, oph_error *err)
{
    (void)pv;
    struct channel *chan = malloc(sizeof *chan);
    if (!chan) return oph__fail_memory(err, "a channel");
    chan->soft = soft_of(oph__local_ref(link));
    *ret = (struct oph__chan *)chan;
    state(user, OPH__CHAN_UP);
    return 0;
}

/* Ends one subscription of the channel, or all (NULL). */
static void silence(struct channel *chan, const struct mon *one)
{
    struct soft *s = chan->soft;
    pthread_mutex_lock(&s->m.lock);
    for (struct mon *mon = s->mons; mon; mon = mon->next)
        if (mon->chan == chan && (!one || mon == one)) mon->gone = true;
    pthread_mutex_unlock(&s->m.lock);
    if (begin_turn(s)) end_turn(s); /* else at the end of this very turn */
}

static void chan_free(struct oph__chan *c)
{
    struct channel *chan = channel_of(c);
    silence(chan, NULL);
    oph__local_unref(&chan->soft->link);
    free(chan);
}

static const char *chan_name(const struct oph__chan *c)
{
    return channel_of(c)->soft->name;
}

static bool chan_info(struct oph__chan *c, struct oph__chan_info *ret)
{
    *ret = channel_of(c)->soft->what.info;
    return true;
}

static bool chan_type(struct oph__chan *c, int32_t *ret_dtype, uint32_t *ret_count)
{
    const struct oph__chan_info *info = &channel_of(c)->soft->what.info;
    *ret_dtype = info->dtype;
    *ret_count = info->count;
    return true;
}

static int describe(struct oph__chan *c, oph__described_fn *fn, void *user, oph_error *err)
{
    (void)c, (void)err;
    fn(user, 0, NULL); /* it never changes */
    return 0;
}

static int get(struct oph__chan *c, int32_t dtype, uint32_t count, oph__event_fn *fn, void *user,
               oph_error *err)
{
    (void)err;
    struct soft *s = channel_of(c)->soft;
    struct kept *kept = hold(s);
    tell(s, kept, dtype, count, fn, user);
    release(kept);
    return 0;
}

static int set(struct soft *s, const oph_data *data, int32_t severity, int32_t alarm,
               oph_error *err)
{
    struct oph__wire wire;
    int rc = oph__local_take(&s->what, data, &wire, err);
    if (rc) return rc;
    struct kept *kept = keep(&wire, severity, alarm, err);
    return kept ? publish(s, kept, err) : OPH_ENOMEM;
}

static int put(struct oph__chan *c, int32_t dtype, uint32_t count, const void *data,
               oph__put_fn *fn, void *user, oph_error *err)
{
    struct soft *s = channel_of(c)->soft;
    const oph_data what = {.dtype = dtype, .count = count, .data = data};
    if (!s->what.info.writable)
        return oph__fail(err, OPH_EACCESS, (struct oph__at){.device = s->name}, "to write",
                         "no write access");
    int rc = set(s, &what, 0, 0, err);
    if (!rc && fn) fn(user, 0, NULL);
    return rc;
}

static void put_abandon(struct oph__chan *c, const void *user)
{
    (void)c, (void)user; /* a put is over when it returns */
}

static int subscribe(struct oph__chan *c, int32_t dtype, uint32_t count, uint32_t mask,
                     oph__event_fn *fn, void *user, struct oph__chanmon **ret, oph_error *err)
{
    struct channel *chan = channel_of(c);
    struct soft *s = chan->soft;
    struct mon *mon = malloc(sizeof *mon);
    if (!mon) return oph__fail_memory(err, "a subscription");
    *mon = (struct mon){
        .chan = chan, .fn = fn, .user = user, .dtype = dtype, .count = count, .mask = mask};
    if (!begin_turn(s)) {
        free(mon);
        return inside(s, err);
    }
    pthread_mutex_lock(&s->m.lock);
    mon->next = s->mons;
    s->mons = mon;
    pthread_mutex_unlock(&s->m.lock);
    *ret = (struct oph__chanmon *)mon;
    struct kept *kept = hold(s);
    if (mask == OPH_ON_PROPERTY)
        fn(user, &(struct oph__event){0});
    else
        tell(s, kept, dtype, count, fn, user);
    release(kept);
    end_turn(s);
    return 0;
}

static void unsubscribe(struct oph__chanmon *m)
{
    struct mon *mon = (struct mon *)m;
    silence(mon->chan, mon);
}

static int flush(struct oph__link *link, oph_error *err)
{
    (void)link, (void)err;
    return 0;
}

static const struct oph__link_ops soft_ops = {.open = oph__local_open,
                                              .close = oph__local_unref,
                                              .chan_new = chan_new,
                                              .chan_free = chan_free,
                                              .chan_name = chan_name,
                                              .chan_info = chan_info,
                                              .chan_type = chan_type,
                                              .describe = describe,
                                              .get = get,
                                              .put = put,
                                              .put_abandon = put_abandon,
                                              .subscribe = subscribe,
                                              .unsubscribe = unsubscribe,
                                              .flush = flush};

/* The signal */

static void destroy(struct oph__link *link)
{
    struct soft *s = soft_of(link);
    release(s->now);
    free(s->name);
    oph__monitor_destroy(&s->m);
    free(s);
}

static int make(const struct oph__local *what, struct kept *first, struct soft **ret,
                oph_error *err)
{
    struct soft *s = calloc(1, sizeof *s);
    if (s) s->name = oph__dup(what->name);
    if (!s || !s->name || oph__monitor_init(&s->m)) {
        if (s) free(s->name);
        free(s);
        return oph__fail_memory(err, "a signal");
    }
    atomic_init(&s->link.refs, 1);
    s->link.destroy = destroy;
    s->what = *what;
    s->what.name = s->name;
    s->now = first;
    *ret = s;
    return 0;
}

static int first_value(const struct oph__local *what, const oph_data *initial, struct kept **ret,
                       oph_error *err)
{
    struct oph__wire wire;
    int rc = oph__local_take(what, initial, &wire, err);
    if (rc) return rc;
    *ret = keep(&wire, 0, 0, err);
    return *ret ? 0 : OPH_ENOMEM;
}

int oph_soft_new(oph_context *ctx, const char *name, const oph_data *initial,
                 const oph_properties *properties, oph_signal **ret, oph_error *err)
{
    struct oph__local what;
    struct kept *first = NULL;
    struct soft *s = NULL;
    int rc = oph__context_check(ctx, err);
    if (rc) return rc;
    if (!initial)
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = name}, "an initial value",
                         "NULL");
    rc = oph__local_describe(name, initial->dtype, initial->count, properties, &what, err);
    if (!rc) rc = first_value(&what, initial, &first, err);
    if (!rc && (rc = make(&what, first, &s, err))) release(first);
    return rc ? rc : oph__local_signal(ctx, &what, &soft_ops, &s->link, &s->link, ret, err);
}

int oph_soft_set(oph_signal *sig, const oph_data *data, int32_t severity, int32_t alarm,
                 oph_error *err)
{
    const struct oph__at at = {.device = sig->path};
    int rc = oph__context_check(sig->ctx, err);
    if (rc) return rc;
    if (sig->set->ops != &soft_ops)
        return oph__fail(err, OPH_EINVAL, at, "a signal of oph_soft_new", "another one");
    return set(soft_of(sig->set->link), data, severity, alarm, err);
}
