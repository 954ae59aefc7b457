/* A channel of a derived signal: it is up while those to all sources are.
 *
 * What it tells of its state and of updates it tells in a turn, which the callback of a source
 * takes: sources may call back at the same time. A value is computed in the turn as well, so that
 * none is overtaken. Who ends the channel or a subscription makes those that wait for the turn give
 * up, for he waits for them in turn. */
#include "base/err.h"
#include "base/str.h"
#include "core/derived.h"
#include <stdlib.h>

struct oph__dchan *oph__dchan_ref(struct oph__dchan *chan)
{
    atomic_fetch_add(&chan->refs, 1);
    return chan;
}

void oph__dchan_unref(struct oph__dchan *chan)
{
    if (atomic_fetch_sub(&chan->refs, 1) != 1) return;
    oph__dmons_free(chan->mons);
    oph__local_unref(&chan->of->base);
    oph__monitor_destroy(&chan->m);
    free(chan);
}

bool oph__dchan_begin(struct oph__dchan *chan, const bool *gone)
{
    static const bool never;
    if (!gone) gone = &never;
    pthread_mutex_lock(&chan->m.lock);
    bool mine = oph__local_turn_is_mine(&chan->turn);
    while (!mine && chan->turn.taken && !chan->closed && !*gone)
        pthread_cond_wait(&chan->m.changed, &chan->m.lock);
    bool may = !mine && !chan->closed && !*gone;
    if (may) oph__local_turn_take(&chan->turn);
    pthread_mutex_unlock(&chan->m.lock);
    return may;
}

void oph__dchan_end(struct oph__dchan *chan)
{
    pthread_mutex_lock(&chan->m.lock);
    struct oph__dmon *ended = oph__dmons_sweep(chan);
    oph__local_turn_leave(&chan->turn, &chan->m);
    pthread_mutex_unlock(&chan->m.lock);
    oph__dmons_free(ended);
}

/* State */

static struct oph__chan *source_of(struct oph__dchan *chan, size_t i)
{
    pthread_mutex_lock(&chan->m.lock);
    struct oph__chan *source = chan->legs[i].source;
    pthread_mutex_unlock(&chan->m.lock);
    return source;
}

struct state {
    bool up, readable, writable;
};

/* Some of the sources may be for reading only: it is up to the inverse function. */
static struct state find_state(struct oph__dchan *chan)
{
    const struct oph__derived *d = chan->of;
    struct state s = {.up = true, .readable = true};
    for (size_t i = 0; s.up && i < d->count; i++) {
        struct oph__chan_info info = {0};
        struct oph__chan *source = source_of(chan, i);
        s.up = chan->legs[i].up && source && d->from[i].ops->chan_info(source, &info);
        s.readable = s.readable && info.readable;
        s.writable = s.writable || (info.writable && d->from[i].row->how != OPH__RO);
    }
    s.readable = s.up && s.readable;
    s.writable = s.up && s.writable && d->inverse;
    return s;
}

/* In a turn. */
static void tell_state(struct oph__dchan *chan)
{
    const struct state s = find_state(chan);
    pthread_mutex_lock(&chan->m.lock);
    bool turned = s.up != chan->up;
    bool news = turned || s.readable != chan->readable || s.writable != chan->writable;
    chan->up = s.up;
    chan->readable = s.readable;
    chan->writable = s.writable;
    pthread_mutex_unlock(&chan->m.lock);
    if (news) chan->state(chan->user, s.up ? OPH__CHAN_UP : OPH__CHAN_DOWN);
    if (turned && s.up) oph__dmons_come_up(chan);
}

static void source_state(void *user, int32_t state)
{
    struct oph__leg *leg = user;
    struct oph__dchan *chan = oph__dchan_ref(leg->chan);
    if (oph__dchan_begin(chan, NULL)) {
        leg->up = state == OPH__CHAN_UP;
        if (!leg->up) oph__dmons_forget(chan, (size_t)(leg - chan->legs));
        tell_state(chan);
        oph__dchan_end(chan);
    }
    oph__dchan_unref(chan);
}

static bool is_up(struct oph__dchan *chan)
{
    pthread_mutex_lock(&chan->m.lock);
    bool up = chan->up;
    pthread_mutex_unlock(&chan->m.lock);
    return up;
}

static bool info_of(struct oph__dchan *chan, struct oph__chan_info *ret)
{
    const struct oph__derived *d = chan->of;
    pthread_mutex_lock(&chan->m.lock);
    const struct state s = {chan->up, chan->readable, chan->writable};
    pthread_mutex_unlock(&chan->m.lock);
    if (!s.up) return false;
    if (!d->shaped)
        *ret = d->what.info;
    else if (!d->from[0].ops->chan_info(chan->legs[0].source, ret))
        return false;
    ret->readable = s.readable;
    ret->writable = s.writable;
    return true;
}

void oph__derived_source_says(const struct oph__derived_source *source, int code, const char *why,
                              oph_error *err)
{
    oph__fail(err, code, (struct oph__at){.device = source->path, .pv = source->pv}, NULL, "%s",
              why && *why ? why : oph_code_name(code));
}

int oph__dchan_lacks(struct oph__dchan *chan, oph_error *err)
{
    const struct oph__derived *d = chan->of;
    for (size_t i = 0; i < d->count; i++) {
        struct oph__chan_info info;
        char deeper[640] = "";
        const struct oph__link_ops *ops = d->from[i].ops;
        struct oph__chan *source = source_of(chan, i);
        if (source && ops->chan_info(source, &info)) continue;
        if (source && ops->chan_lacks) {
            ops->chan_lacks(source, deeper, sizeof deeper);
            return oph__fail_text(err, OPH_EDISCONN, "%s", deeper);
        }
        oph__derived_source_says(&d->from[i], OPH_EDISCONN, "the PV is not connected", err);
        return OPH_EDISCONN;
    }
    return oph__fail_text(err, OPH_EDISCONN, "it is just connecting");
}

static void lacks(struct oph__chan *c, char *dst, size_t size)
{
    oph_error why = OPH_ERROR_INIT;
    oph__dchan_lacks(oph__dchan_of(c), &why);
    oph__copy(dst, size, why.text);
}

/* From start to end */

static void free_sources(struct oph__dchan *chan)
{
    for (size_t i = 0; i < chan->of->count; i++)
        if (chan->legs[i].source) chan->of->from[i].ops->chan_free(chan->legs[i].source);
}

static void close_chan(struct oph__dchan *chan)
{
    pthread_mutex_lock(&chan->m.lock);
    chan->closed = true;
    pthread_cond_broadcast(&chan->m.changed);
    pthread_mutex_unlock(&chan->m.lock);
    free_sources(chan);
    oph__dreqs_drop(chan);
    oph__dchan_unref(chan);
}

static int open_sources(struct oph__dchan *chan, oph_error *err)
{
    struct oph__derived *d = chan->of;
    int rc = 0;
    for (size_t i = 0; !rc && i < d->count; i++) {
        struct oph__link *link = d->from[i].link;
        struct oph__chan *source;
        if (!link) rc = oph__context_link(d->ctx, &link, err);
        if (!rc)
            rc = d->from[i].ops->chan_new(link, d->from[i].pv, source_state, &chan->legs[i],
                                          &source, err);
        if (rc) break;
        pthread_mutex_lock(&chan->m.lock);
        chan->legs[i].source = source;
        pthread_mutex_unlock(&chan->m.lock);
    }
    return rc;
}

static int chan_new(struct oph__link *link, const char *pv, oph__state_fn *state, void *user,
                    struct oph__chan **ret, oph_error *err)
{
    (void)pv;
    struct oph__derived *d = (struct oph__derived *)link;
    struct oph__dchan *chan = calloc(1, sizeof *chan + d->count * sizeof chan->legs[0]);
    if (!chan || oph__monitor_init(&chan->m)) {
        free(chan);
        return oph__fail_memory(err, "a channel");
    }
    atomic_init(&chan->refs, 1);
    chan->of = d;
    oph__local_ref(link);
    chan->state = state;
    chan->user = user;
    for (size_t i = 0; i < d->count; i++)
        chan->legs[i].chan = chan;
    int rc = open_sources(chan, err);
    if (rc) {
        close_chan(chan);
        return rc;
    }
    *ret = (struct oph__chan *)chan;
    if (oph__dchan_begin(chan, NULL)) { /* some were up before they were known here */
        tell_state(chan);
        oph__dchan_end(chan);
    }
    return 0;
}

static void chan_free(struct oph__chan *chan)
{
    close_chan(oph__dchan_of(chan));
}

static const char *chan_name(const struct oph__chan *chan)
{
    return oph__dchan_of(chan)->of->name;
}

static bool chan_info(struct oph__chan *chan, struct oph__chan_info *ret)
{
    return info_of(oph__dchan_of(chan), ret);
}

static bool chan_type(struct oph__chan *c, int32_t *ret_dtype, uint32_t *ret_count)
{
    struct oph__dchan *chan = oph__dchan_of(c);
    const struct oph__derived *d = chan->of;
    if (!is_up(chan)) return false;
    if (d->shaped) return d->from[0].ops->chan_type(chan->legs[0].source, ret_dtype, ret_count);
    *ret_dtype = d->what.info.dtype;
    *ret_count = d->what.info.count;
    return true;
}

static int describe(struct oph__chan *c, oph__described_fn *fn, void *user, oph_error *err)
{
    struct oph__dchan *chan = oph__dchan_of(c);
    const struct oph__derived *d = chan->of;
    if (!is_up(chan)) return oph__dchan_lacks(chan, err);
    if (d->shaped) return d->from[0].ops->describe(chan->legs[0].source, fn, user, err);
    fn(user, 0, NULL); /* it never changes */
    return 0;
}

static int flush(struct oph__link *link, oph_error *err)
{
    return oph__context_flush(((struct oph__derived *)link)->ctx, err);
}

const struct oph__link_ops *oph__derived_ops(void)
{
    static const struct oph__link_ops ops = {.open = oph__local_open,
                                             .close = oph__local_unref,
                                             .chan_new = chan_new,
                                             .chan_free = chan_free,
                                             .chan_name = chan_name,
                                             .chan_lacks = lacks,
                                             .chan_info = chan_info,
                                             .chan_type = chan_type,
                                             .describe = describe,
                                             .get = oph__derived_get,
                                             .put = oph__derived_put,
                                             .put_abandon = oph__derived_put_abandon,
                                             .subscribe = oph__derived_subscribe,
                                             .unsubscribe = oph__derived_unsubscribe,
                                             .flush = flush};
    return &ops;
}
