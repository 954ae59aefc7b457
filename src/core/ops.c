#include "core/ops.h"
#include "base/err.h"
#include "base/str.h"
#include "core/pv_ops.h"
#include <stdlib.h>
#include <string.h>

/* Requests begin on the maker's thread while others end on libca's: what the one writes is kept off
 * the cache lines of the other. */
struct oph__ops {
    oph_context *ctx;
    oph__ops_fn *on_done;
    void *user;
    oph__op_fn *on_each;
    size_t count, room;
    size_t begun;  /* requests; read by others once the maker begins no more */
    size_t filled; /* of ops, ever */
    _Alignas(OPH__CACHE_LINE) struct oph__monitor m; /* of the results and what follows */
    size_t ended;
    bool given_up; /* results stand as they are, and `into` may be gone */
    bool sent;     /* no more begin */
    bool freed;    /* the last to end frees it */
    bool calling;  /* on_done */
    _Alignas(OPH__CACHE_LINE) struct oph__op ops[];
};

int oph__ops_new(oph_context *ctx, size_t count, struct oph__ops **ret, oph_error *err)
{
    struct oph__ops *g = aligned_alloc(OPH__CACHE_LINE, sizeof *g + count * sizeof g->ops[0]);
    if (!g) return oph__fail_memory(err, "requests");
    *g = (struct oph__ops){.ctx = ctx, .room = count};
    if (oph__monitor_init(&g->m)) {
        free(g);
        return oph__fail_memory(err, "requests");
    }
    *ret = g;
    return 0;
}

static void destroy(struct oph__ops *g)
{
    for (size_t i = 0; i < g->filled; i++) {
        oph__value_clear(&g->ops[i].value);
        free(g->ops[i].why);
    }
    oph__monitor_destroy(&g->m);
    free(g);
}

static bool all_done(void *arg)
{
    const struct oph__ops *g = arg;
    return g->ended == g->begun;
}

bool oph__ops_renew(struct oph__ops *g, size_t count)
{
    pthread_mutex_lock(&g->m.lock);
    bool good = all_done(g) && count <= g->room;
    if (good) {
        g->count = g->begun = g->ended = 0;
        g->sent = g->given_up = false;
    }
    pthread_mutex_unlock(&g->m.lock);
    return good;
}

size_t oph__ops_count(const struct oph__ops *g)
{
    return g->count;
}

const struct oph__op *oph__ops_at(const struct oph__ops *g, size_t index)
{
    return &g->ops[index];
}

void oph__ops_on_done(struct oph__ops *g, oph__ops_fn *fn, void *user)
{
    g->on_done = fn;
    g->user = user;
}

void oph__ops_on_each(struct oph__ops *g, oph__op_fn *fn)
{
    g->on_each = fn;
}

struct oph__monitor *oph__ops_monitor(struct oph__ops *g)
{
    return &g->m;
}

/* With the PV's lock held. */
static bool unlink_op(struct oph__op *op)
{
    struct oph__op **at = &op->pv->requests;
    while (*at && *at != op)
        at = &(*at)->next;
    if (!*at) return false;
    *at = op->next;
    op->next = NULL;
    return true;
}

static void record(struct oph__op *op, int32_t code, const char *why,
                   const struct oph__event *event)
{
    op->code = code;
    if (why) op->why = oph__dup(why);
    if (event && op->into) {
        size_t bytes = event->count * oph_dtype_size(event->dtype);
        op->value.dtype = event->dtype;
        op->value.count = event->count;
        if (bytes > op->into_bytes)
            op->code = OPH_ERANGE;
        else
            memcpy(op->into, event->data, bytes);
    } else if (event && !oph__value_take(&op->value, event)) {
        op->code = OPH_ENOMEM;
    }
    op->done = true;
}

static void call_back(struct oph__ops *g)
{
    g->on_done(g, g->user);
    pthread_mutex_lock(&g->m.lock);
    g->calling = false;
    pthread_cond_broadcast(&g->m.changed);
    pthread_mutex_unlock(&g->m.lock);
}

/* The one way for a request to end; whoever unlinked it from its PV comes here. */
static void finish(struct oph__op *op, int32_t code, const char *why,
                   const struct oph__event *event)
{
    struct oph__ops *g = op->group;
    pthread_mutex_lock(&g->m.lock);
    op->ended = true;
    if (!g->given_up) record(op, code, why, event);
    if (!g->given_up && g->on_each) g->on_each(op);
    g->ended++;
    bool last = g->sent && all_done(g), gone = last && g->freed;
    g->calling = last && !g->given_up && g->on_done;
    bool call = g->calling;
    if (last) pthread_cond_broadcast(&g->m.changed);
    pthread_mutex_unlock(&g->m.lock);
    if (call) call_back(g);
    if (gone) destroy(g);
}

static bool claim(struct oph__op *op)
{
    pthread_mutex_lock(op->pv->lock);
    bool mine = unlink_op(op);
    pthread_mutex_unlock(op->pv->lock);
    return mine;
}

static void got(void *user, const struct oph__event *event)
{
    struct oph__op *op = user;
    if (!event->code) oph__puts_saw(op->pv, event);
    finish(op, event->code, event->why, event->code ? NULL : event);
}

/* A put, or a description. */
static void ended(void *user, int32_t code, const char *why)
{
    struct oph__op *op = user;
    if (code && op->kind == OPH__OP_PUT) oph__puts_unsure(op->pv);
    if (claim(op)) finish(op, code, why, NULL);
}

/* The requests of a kind (or all) that are under way on a PV, taken from it, oldest first. */
static struct oph__op *take_ops(struct oph__pv *pv, enum oph__op_kind kind)
{
    struct oph__op *taken = NULL;
    pthread_mutex_lock(pv->lock);
    for (struct oph__op **at = &pv->requests; *at;) {
        struct oph__op *op = *at;
        if (kind != OPH__OP_NONE && op->kind != kind) {
            at = &op->next;
            continue;
        }
        *at = op->next;
        op->next = taken;
        taken = op;
    }
    pthread_mutex_unlock(pv->lock);
    return taken;
}

static void finish_all(struct oph__op *op, int32_t code, const char *why)
{
    while (op) {
        struct oph__op *next = op->next; /* finish may free it */
        finish(op, code, why, NULL);
        op = next;
    }
}

void oph__ops_connected(struct oph__pv *pv)
{
    finish_all(take_ops(pv, OPH__OP_CONNECT), 0, NULL);
}

void oph__ops_drop(struct oph__pv *pv)
{
    finish_all(take_ops(pv, OPH__OP_NONE), OPH_ECANCEL, "the device was freed");
}

static struct oph__op *add(struct oph__ops *g, struct oph__pv *pv, enum oph__op_kind kind,
                           void *owner)
{
    if (!pv || g->count == g->room) return NULL;
    struct oph__op *op = &g->ops[g->count++];
    if (g->count > g->filled) {
        g->filled = g->count;
        op->value.data = op->why = NULL;
    }
    oph__value_clear(&op->value);
    free(op->why);
    op->why = NULL;
    op->group = g;
    op->pv = pv;
    op->kind = kind;
    op->ended = op->done = false;
    op->code = 0;
    op->into = NULL;
    op->owner = owner;
    op->mon = NULL;
    g->begun++;
    if (kind == OPH__OP_GET) return op; /* the link ends it, whatever becomes of the PV */
    pthread_mutex_lock(pv->lock);
    op->next = pv->requests;
    pv->requests = op;
    pthread_mutex_unlock(pv->lock);
    return op;
}

/* A request that could not be made ends here with the reason, unless its callback was quicker. The
 * link's sentence names the PV, as will the one that is made of this; or a variable of the
 * environment, which must not get lost. */
static struct oph__op *checked(struct oph__op *op, int rc, const oph_error *why)
{
    if (rc && (op->kind == OPH__OP_GET || claim(op)))
        finish(op, rc, why->pv[0] && why->found[0] ? why->found : why->text, NULL);
    return op;
}

struct oph__op *oph__ops_connect(struct oph__ops *g, struct oph__pv *pv, void *owner)
{
    struct oph__op *op = add(g, pv, OPH__OP_CONNECT, owner);
    if (!op) return NULL;
    oph_error why;
    why.code = 0;
    int rc = oph__pv_open(pv, &why);
    if (!rc && oph__pv_is_up(pv) && claim(op)) finish(op, 0, NULL, NULL);
    return checked(op, rc, &why);
}

static int not_open(oph_error *why)
{
    why->pv[0] = why->found[0] = why->text[0] = 0;
    return OPH_EDISCONN;
}

struct oph__op *oph__ops_get(struct oph__ops *g, struct oph__pv *pv,
                             const struct oph__how_to_get *how, void *owner)
{
    static const struct oph__how_to_get plainly;
    struct oph__op *op = add(g, pv, OPH__OP_GET, owner);
    if (!op) return NULL;
    if (!how) how = &plainly;
    op->into = how->into;
    op->into_bytes = how->into_bytes;
    oph_error why;
    struct oph__chan *chan = oph__pv_chan(pv);
    int rc = chan ? pv->ops->get(chan, how->dtype, how->count, got, op, &why) : not_open(&why);
    return checked(op, rc, &why);
}

struct oph__op *oph__ops_put(struct oph__ops *g, struct oph__pv *pv, const struct oph__wire *wire,
                             bool completion, void *owner)
{
    struct oph__op *op = add(g, pv, OPH__OP_PUT, owner);
    if (!op) return NULL;
    oph_error why;
    struct oph__chan *chan = oph__pv_chan(pv);
    int rc = chan ? oph__puts_tell(pv, wire, &why) : not_open(&why);
    if (!rc) {
        rc = pv->ops->put(chan, wire->dtype, wire->count, wire->data, completion ? ended : NULL, op,
                          &why);
        if (rc) oph__puts_unsure(pv);
    }
    if (!rc && !completion && claim(op)) finish(op, 0, NULL, NULL);
    return checked(op, rc, &why);
}

struct oph__op *oph__ops_describe(struct oph__ops *g, struct oph__pv *pv, void *owner)
{
    struct oph__op *op = add(g, pv, OPH__OP_DESCRIBE, owner);
    if (!op) return NULL;
    oph_error why;
    struct oph__chan *chan = oph__pv_chan(pv);
    int rc = chan ? pv->ops->describe(chan, ended, op, &why) : not_open(&why);
    return checked(op, rc, &why);
}

struct oph__op *oph__ops_watch(struct oph__ops *g, struct oph__pv *pv, oph__event_fn *fn,
                               void *owner)
{
    struct oph__op *op = add(g, pv, OPH__OP_WATCH, owner);
    if (!op) return NULL;
    oph_error why;
    struct oph__chan *chan = oph__pv_chan(pv);
    int rc = chan ? pv->ops->subscribe(chan, OPH_NONE, 0, OPH__UPDATES, fn, owner, &op->mon, &why)
                  : not_open(&why);
    return checked(op, rc, &why);
}

void oph__op_unwatch(struct oph__op *op)
{
    if (!op || !claim(op)) return;
    if (op->mon) op->pv->ops->unsubscribe(op->mon);
    finish(op, OPH_ECANCEL, NULL, NULL);
}

int oph__ops_send(struct oph__ops *g, oph_error *err)
{
    pthread_mutex_lock(&g->m.lock);
    g->sent = true;
    g->calling = all_done(g) && g->on_done;
    bool call = g->calling;
    pthread_mutex_unlock(&g->m.lock);
    int rc = g->count ? oph__context_flush(g->ctx, err) : 0;
    if (call) call_back(g);
    return rc;
}

/* The first of those that are not done. */
static int fail_undone(const struct oph__ops *g, int code, double waited, oph_error *err)
{
    struct oph__at at = {.waited = waited};
    size_t i = 0;
    while (i < g->count && g->ops[i].done)
        i++;
    if (i < g->count) at.device = g->ops[i].pv->path;
    if (i < g->count) at.pv = g->ops[i].pv->name;
    return oph__fail(err, code, at, NULL,
                     code == OPH_EINTR     ? "interrupted"
                     : code == OPH_ECANCEL ? "cancelled"
                                           : "no answer");
}

int oph__ops_wait(struct oph__ops *g, double deadline, bool interruptible, oph_error *err)
{
    int rc = oph__context_may_block(g->ctx, err);
    if (!rc) rc = oph__ops_send(g, err);
    if (rc) return rc;
    double started = oph__now();
    pthread_mutex_lock(&g->m.lock);
    rc = oph__wait(interruptible ? &g->ctx->waits : NULL, &g->m, deadline, all_done, g);
    if (rc) g->given_up = true;
    if (rc) fail_undone(g, rc, oph__now() - started, err);
    pthread_mutex_unlock(&g->m.lock);
    return rc;
}

void oph__ops_freeze(struct oph__ops *g)
{
    pthread_mutex_lock(&g->m.lock);
    g->given_up = true;
    pthread_mutex_unlock(&g->m.lock);
}

/* A put whose completion may still come blocks its channel for the next one: make it anew. A get
 * or a description ends by itself. */
void oph__op_give_up(struct oph__op *op)
{
    pthread_mutex_lock(&op->group->m.lock);
    bool ended = op->ended;
    pthread_mutex_unlock(&op->group->m.lock);
    if (ended || op->kind == OPH__OP_GET || op->kind == OPH__OP_DESCRIBE) return;
    if (op->kind == OPH__OP_WATCH) {
        oph__op_unwatch(op);
        return;
    }
    if (!claim(op)) return;
    if (op->kind == OPH__OP_PUT) {
        op->pv->ops->put_abandon(op->pv->chan, op);
        oph__puts_unsure(op->pv);
    }
    finish(op, OPH_ETIMEOUT, NULL, NULL);
}

void oph__ops_give_up(struct oph__ops *g)
{
    pthread_mutex_lock(&g->m.lock);
    g->given_up = true;
    while (g->calling)
        pthread_cond_wait(&g->m.changed, &g->m.lock);
    bool done = all_done(g);
    pthread_mutex_unlock(&g->m.lock);
    for (size_t i = 0; !done && i < g->count; i++)
        oph__op_give_up(&g->ops[i]);
}

void oph__ops_free(struct oph__ops *g)
{
    if (!g) return;
    oph__ops_give_up(g);
    pthread_mutex_lock(&g->m.lock);
    g->sent = g->freed = true;
    bool mine = all_done(g);
    pthread_mutex_unlock(&g->m.lock);
    if (mine) destroy(g);
}

int oph__op_late(const struct oph__op *op, const char *wanted, double waited, oph_error *err)
{
    struct oph__at at = {.device = op->pv->path, .pv = op->pv->name, .waited = waited};
    char lacks[640];
    if (oph__pv_is_up(op->pv))
        return oph__fail(err, OPH_ETIMEOUT, at, wanted, "no answer from the IOC");
    return oph__fail(err, OPH_EDISCONN, at, wanted, "%s",
                     oph__pv_lacks(op->pv, lacks, sizeof lacks));
}

int oph__op_error(const struct oph__op *op, const char *wanted, double waited, oph_error *err)
{
    struct oph__at at = oph__pv_at(op->pv);
    if (!op->done) return oph__op_late(op, wanted, waited, err);
    if (!op->code) return 0;
    bool told = op->why && op->why[0];
    const char *found = told ? op->why : oph_code_name(op->code);
    if (op->code == OPH_EDISCONN && !told) found = "the PV is not connected";
    return oph__fail(err, op->code, at, wanted, "%s", found);
}
