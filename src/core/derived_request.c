/* Gets and puts of a derived signal: each is a request to every source, and ends with the last
 * answer. The thread that makes it has a share in it too, so that it does not end while it is being
 * made. */
#include "base/err.h"
#include "base/str.h"
#include "core/derived.h"
#include <stdlib.h>

struct part {
    struct oph__dreq *req;
    bool pending;
    struct oph_value value; /* of a get */
};

struct oph__dreq {
    struct oph__dreq *next; /* of the channel; under its lock, as all below but the values */
    struct oph__dchan *chan;
    size_t left;  /* answers, and the maker's share */
    bool making;  /* the maker still has his share */
    bool dropped; /* nobody waits for it any more: the last to use it frees it */
    int32_t code; /* the first failure */
    char *why;
    int32_t dtype;
    uint32_t count;
    oph__event_fn *got; /* of a get */
    oph__put_fn *done;  /* of a put */
    void *user;
    const oph_value **values; /* of the parts */
    struct part parts[];
};

static void destroy(struct oph__dreq *req)
{
    for (size_t i = 0; i < req->chan->of->count; i++)
        oph__value_clear(&req->parts[i].value);
    free(req->values);
    free(req->why);
    free(req);
}

static struct oph__dreq *new_request(struct oph__dchan *chan, oph_error *err)
{
    size_t count = chan->of->count;
    struct oph__dreq *req = calloc(1, sizeof *req + count * sizeof req->parts[0]);
    if (req) req->values = calloc(count, sizeof(const oph_value *));
    if (!req || !req->values) {
        free(req);
        oph__fail_memory(err, "a request");
        return NULL;
    }
    req->chan = chan;
    req->left = 1;
    req->making = true;
    for (size_t i = 0; i < count; i++) {
        req->parts[i].req = req;
        req->values[i] = &req->parts[i].value;
    }
    return req;
}

static void take_out(struct oph__dreq *req)
{
    struct oph__dreq **at = &req->chan->requests;
    while (*at != req)
        at = &(*at)->next;
    *at = req->next;
    if (req->chan->putting == req) req->chan->putting = NULL;
}

/* While it runs, abandoning the put waits for it, but on its own thread. */
static void tell_done(struct oph__dreq *req)
{
    struct oph__dchan *chan = req->chan;
    struct oph__teller me = {.by = pthread_self()}, **at = &chan->tellers;
    pthread_mutex_lock(&chan->m.lock);
    me.next = chan->tellers;
    chan->tellers = &me;
    pthread_mutex_unlock(&chan->m.lock);
    req->done(req->user, req->code, req->why);
    pthread_mutex_lock(&chan->m.lock);
    while (*at != &me)
        at = &(*at)->next;
    *at = me.next;
    pthread_cond_broadcast(&chan->m.changed);
    pthread_mutex_unlock(&chan->m.lock);
}

static void finish(struct oph__dreq *req)
{
    struct oph__computed computed;
    if (req->done) {
        tell_done(req);
    } else if (req->code) {
        req->got(req->user, &(struct oph__event){.code = req->code, .why = req->why});
    } else {
        oph__compute(req->chan->of, req->values, req->dtype, req->count, &computed);
        req->got(req->user, &computed.event);
        oph__computed_clear(&computed);
    }
    destroy(req);
}

/* One answer less to wait for. Nothing of the request may be used after it. */
static void answered(struct oph__dreq *req, struct part *part)
{
    struct oph__dchan *chan = req->chan;
    pthread_mutex_lock(&chan->m.lock);
    if (part)
        part->pending = false;
    else
        req->making = false;
    bool last = --req->left == 0 && !req->dropped;
    bool orphan = req->dropped && !part;
    if (last) take_out(req);
    if (!part) pthread_cond_broadcast(&chan->m.changed);
    pthread_mutex_unlock(&chan->m.lock);
    if (last) finish(req);
    if (orphan) destroy(req);
}

static void failed(struct part *part, int32_t code, const char *why)
{
    struct oph__dreq *req = part->req;
    struct oph__dchan *chan = req->chan;
    oph_error says = OPH_ERROR_INIT;
    oph__derived_source_says(&chan->of->from[part - req->parts], code, why, &says);
    pthread_mutex_lock(&chan->m.lock);
    if (!req->code) {
        req->code = code;
        req->why = oph__dup(says.text);
    }
    pthread_mutex_unlock(&chan->m.lock);
}

/* Before it is asked. */
static void expect(struct part *part)
{
    struct oph__dchan *chan = part->req->chan;
    pthread_mutex_lock(&chan->m.lock);
    part->req->left++;
    part->pending = true;
    pthread_mutex_unlock(&chan->m.lock);
}

/* It could not be asked; its callback does not come. */
static void refused(struct part *part, int rc, const oph_error *why)
{
    failed(part, rc, oph__error_found(why));
    answered(part->req, part);
}

/* False while it is down. */
static int begin(struct oph__dchan *chan, struct oph__dreq *req, bool is_put, oph_error *err)
{
    pthread_mutex_lock(&chan->m.lock);
    bool up = chan->up;
    bool busy = is_put && chan->putting;
    if (up && !busy) {
        req->next = chan->requests;
        chan->requests = req;
        if (is_put) chan->putting = req;
    }
    pthread_mutex_unlock(&chan->m.lock);
    if (!up) return oph__dchan_lacks(chan, err);
    if (!busy) return 0;
    return oph__fail(err, OPH_EBUSY, (struct oph__at){.device = chan->of->name},
                     "one put with completion at a time", "another one under way");
}

/* Gets */

static void got(void *user, const struct oph__event *event)
{
    struct part *part = user;
    struct oph__dchan *chan = oph__dchan_ref(part->req->chan);
    if (event->code)
        failed(part, event->code, event->why);
    else if (!oph__value_take(&part->value, event))
        failed(part, OPH_ENOMEM, NULL);
    answered(part->req, part);
    oph__dchan_unref(chan);
}

int oph__derived_get(struct oph__chan *c, int32_t dtype, uint32_t count, oph__event_fn *fn,
                     void *user, oph_error *err)
{
    struct oph__dchan *chan = oph__dchan_of(c);
    const struct oph__derived *d = chan->of;
    struct oph__dreq *req = new_request(chan, err);
    if (!req) return OPH_ENOMEM;
    req->dtype = dtype;
    req->count = count;
    req->got = fn;
    req->user = user;
    int rc = begin(chan, req, false, err);
    if (rc) {
        destroy(req);
        return rc;
    }
    oph__dchan_ref(chan);
    for (size_t i = 0; i < d->count; i++) {
        oph_error why = OPH_ERROR_INIT;
        expect(&req->parts[i]);
        rc = d->from[i].ops->get(chan->legs[i].source, OPH_NONE, 0, got, &req->parts[i], &why);
        if (rc) refused(&req->parts[i], rc, &why);
    }
    answered(req, NULL);
    oph__dchan_unref(chan);
    return 0;
}

/* Puts */

static void put_done(void *user, int32_t code, const char *why)
{
    struct part *part = user;
    struct oph__dchan *chan = oph__dchan_ref(part->req->chan);
    if (code) failed(part, code, why);
    answered(part->req, part);
    oph__dchan_unref(chan);
}

/* Acquire and such complete only when the action ends: they are put plainly, as by any put. */
static void put_one(struct oph__dchan *chan, size_t i, const struct oph__wire *wire,
                    struct oph__dreq *req)
{
    const struct oph__derived_source *from = &chan->of->from[i];
    struct part *part = &req->parts[i];
    bool completion = from->row->how != OPH__START;
    oph_error why = OPH_ERROR_INIT;
    expect(part);
    int rc = from->ops->put(chan->legs[i].source, wire->dtype, wire->count, wire->data,
                            completion ? put_done : NULL, part, &why);
    if (rc)
        refused(part, rc, &why);
    else if (!completion)
        answered(req, part);
}

static int put_plainly(struct oph__dchan *chan, const struct oph__wire *wires, oph_error *err)
{
    const struct oph__derived *d = chan->of;
    int first = 0;
    for (size_t i = 0; i < d->count; i++) {
        oph_error why = OPH_ERROR_INIT;
        if (!wires[i].data) continue;
        int rc = d->from[i].ops->put(chan->legs[i].source, wires[i].dtype, wires[i].count,
                                     wires[i].data, NULL, NULL, &why);
        if (!rc || first) continue;
        first = rc;
        oph__derived_source_says(&d->from[i], rc, oph__error_found(&why), err);
    }
    return first;
}

/* All, before the first is sent. */
static int tell_all(const struct oph__dchan *chan, const struct oph__wire *wires, oph_error *err)
{
    const struct oph__derived *d = chan->of;
    int rc = 0;
    for (size_t i = 0; !rc && atomic_load(&d->ctx->puts.on) && i < d->count; i++) {
        struct oph__chan_info info = {.count = 1};
        const oph_put_notice to = {.device = d->from[i].path, .pv = d->from[i].pv};
        oph_error why = OPH_ERROR_INIT;
        if (!wires[i].data) continue;
        d->from[i].ops->chan_info(chan->legs[i].source, &info);
        rc = oph__puts_tell_of(&d->ctx->puts, &to, &info, &wires[i], &why);
        if (rc) oph__fail_text(err, rc, "%s: %s", d->from[i].pv, why.text);
    }
    return rc;
}

static int put_all(struct oph__dchan *chan, const struct oph__wire *wires, oph__put_fn *fn,
                   void *user, oph_error *err)
{
    if (!fn) return put_plainly(chan, wires, err);
    struct oph__dreq *req = new_request(chan, err);
    if (!req) return OPH_ENOMEM;
    req->done = fn;
    req->user = user;
    int rc = begin(chan, req, true, err);
    if (rc) {
        destroy(req);
        return rc;
    }
    oph__dchan_ref(chan);
    for (size_t i = 0; i < chan->of->count; i++)
        if (wires[i].data) put_one(chan, i, &wires[i], req);
    answered(req, NULL);
    oph__dchan_unref(chan);
    return 0;
}

static int compute(struct oph__dchan *chan, const struct oph__wire *wanted, struct oph__wire *ret,
                   oph_error *err)
{
    size_t count = chan->of->count;
    struct oph__chan **sources = calloc(count, sizeof(struct oph__chan *));
    if (!sources) return oph__fail_memory(err, "a put");
    for (size_t i = 0; i < count; i++)
        sources[i] = chan->legs[i].source;
    int rc = oph__compute_inverse(chan->of, wanted, sources, ret, err);
    free(sources);
    return rc;
}

int oph__derived_put(struct oph__chan *c, int32_t dtype, uint32_t count, const void *data,
                     oph__put_fn *fn, void *user, oph_error *err)
{
    struct oph__dchan *chan = oph__dchan_of(c);
    size_t n = chan->of->count;
    const struct oph__wire wanted = {
        .dtype = dtype, .count = count, .data = (void *)(uintptr_t)data};
    if (!chan->of->inverse)
        return oph__fail(err, OPH_EACCESS, (struct oph__at){.device = chan->of->name}, "to write",
                         "a signal without an inverse function");
    struct oph__wire *wires = calloc(n, sizeof *wires);
    if (!wires) return oph__fail_memory(err, "a put");
    int rc = compute(chan, &wanted, wires, err);
    if (!rc) rc = tell_all(chan, wires, err);
    if (!rc) rc = put_all(chan, wires, fn, user, err);
    for (size_t i = 0; i < n; i++)
        oph__wire_clear(&wires[i]);
    free(wires);
    return rc;
}

/* Ending */

/* Takes it from the channel. Returns whether it is the caller's to free. */
static bool drop(struct oph__dreq *req)
{
    take_out(req);
    req->dropped = true;
    return !req->making;
}

static bool is_busy(const struct oph__dchan *chan)
{
    const struct oph__teller *t = chan->tellers;
    while (t && pthread_equal(t->by, pthread_self()))
        t = t->next;
    return t || (chan->putting && chan->putting->making);
}

void oph__derived_put_abandon(struct oph__chan *c, const void *user)
{
    struct oph__dchan *chan = oph__dchan_of(c);
    pthread_mutex_lock(&chan->m.lock);
    while (is_busy(chan))
        pthread_cond_wait(&chan->m.changed, &chan->m.lock);
    struct oph__dreq *req = chan->putting;
    if (req && req->user != user) req = NULL;
    if (req) drop(req);
    pthread_mutex_unlock(&chan->m.lock);
    for (size_t i = 0; req && i < chan->of->count; i++) {
        pthread_mutex_lock(&chan->m.lock);
        bool pending = req->parts[i].pending;
        pthread_mutex_unlock(&chan->m.lock);
        if (pending) chan->of->from[i].ops->put_abandon(chan->legs[i].source, &req->parts[i]);
    }
    if (req) destroy(req);
}

void oph__dreqs_drop(struct oph__dchan *chan)
{
    for (;;) {
        pthread_mutex_lock(&chan->m.lock);
        struct oph__dreq *req = chan->requests;
        bool mine = req && drop(req);
        pthread_mutex_unlock(&chan->m.lock);
        if (!req) return;
        if (mine) destroy(req);
    }
}
