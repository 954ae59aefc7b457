#include "base/err.h"
#include "base/str.h"
#include "core/cache.h"
#include "core/group.h"
#include <stdlib.h>
#include <string.h>

/* What ended, with *m's lock: on any thread. */

static void end_directly(struct oph__entry *e, const struct oph__op *op)
{
    e->step = OPH__ENDED;
    e->code = op->code;
    e->group->left--;
    if (!e->group->left) oph__group_wake(e->group);
}

static void put_ended(struct oph__entry *e, struct oph__op *op)
{
    oph_group *g = e->group;
    g->puts--;
    if (op->code || (!e->want && !(e->put->settle > 0))) {
        end_directly(e, op);
    } else if (e->want && e->want->read_first) {
        e->step = OPH__IN_TURN;
        g->in_turn++;
    } else {
        oph__group_news(e);
    }
    if (!g->puts && g->in_turn) oph__group_wake(g);
}

static void connect_ended(struct oph__entry *e, struct oph__op *op)
{
    if (op->code && !e->op) e->op = op;
    if (--e->pending) return;
    if (e->kind == OPH__CONNECT)
        end_directly(e, e->op ? e->op : op);
    else
        oph__group_news(e);
}

void oph__entry_op_ended(struct oph__op *op)
{
    struct oph__entry *e = op->owner;
    if (e->step == OPH__CONNECTING && op->kind == OPH__OP_CONNECT) {
        connect_ended(e, op);
    } else if (e->step == OPH__ASKING && op->kind != OPH__OP_CONNECT) {
        e->op = op;
        if (op->kind == OPH__OP_PUT)
            put_ended(e, op);
        else
            end_directly(e, op);
    } else if (e->step == OPH__WATCHING && op->kind == OPH__OP_WATCH && op->code &&
               op->code != OPH_ECANCEL) {
        e->op = op; /* there can be no watch */
        end_directly(e, op);
    } else if ((e->step == OPH__READING_BACK && op->kind == OPH__OP_GET) ||
               e->step == OPH__DESCRIBING) {
        e->op = op;
        oph__group_news(e);
    }
}

/* The steps, on the runner's thread. */

static void enter(struct oph__entry *e, enum oph__entry_step step, double seconds)
{
    e->step = step; /* nothing of this entry is under way: nobody else looks */
    e->since = e->group->now;
    e->group->unsent = true;
    e->deadline = e->kind == OPH__WAIT ? e->group->begun + seconds : e->since + seconds;
    oph__group_due(e->group, e->deadline);
}

static double seconds(double asked, double fallback)
{
    return isnan(asked) ? fallback : asked;
}

void oph__entry_end(struct oph__entry *e, const oph_error *error)
{
    pthread_mutex_lock(&e->group->m->lock);
    bool mine = e->step != OPH__ENDED;
    if (mine) {
        e->step = OPH__ENDED;
        e->group->left--;
    }
    pthread_mutex_unlock(&e->group->m->lock);
    if (!mine) return;
    e->code = error ? error->code : e->op ? e->op->code : 0;
    if (error && e->code && (e->error = malloc(sizeof *error))) *e->error = *error;
    if (!e->want) return;
    if (e->want->watch) oph__group_unfollowed(e->group);
    oph__op_unwatch(e->want->watch);
    oph__op_unwatch(e->want->watch_start);
    e->want->watch = e->want->watch_start = NULL;
}

static void get(struct oph__entry *e)
{
    enter(e, OPH__ASKING, seconds(e->timeout, e->group->ctx->options.get_timeout));
    e->asked = oph__ops_get(e->group->ops, e->pv, &e->how, e);
}

static int encode(struct oph__entry *e, oph_error *err)
{
    struct oph__putting *p = e->put;
    const oph_signal *sig = e->sig;
    struct oph__chan_info info;
    if (p->wire) return 0;
    if (!oph__pv_info(sig->set, &info))
        return oph__fail(err, OPH_EDISCONN, (struct oph__at){sig->path, sig->set->name, 0},
                         p->literal ? p->literal->text : "to write", "the PV is not connected");
    struct oph__target target = oph__signal_target(sig, &info);
    target.within_limits = p->within_limits;
    target.nonfinite = p->nonfinite;
    oph__wire_clear(&p->own);
    return p->literal ? oph__encode(p->literal, &target, &p->own, err)
                      : oph__encode_data(p->given, &target, &p->own, err);
}

/* A plugin's driver is not the camera's: only what lies below one prefix may queue up. A signal
 * without a device has no driver. */
static bool may_share_driver(const oph_signal *a, const oph_signal *b)
{
    if (!a->dev || !b->dev) return a == b;
    const char *p = a->dev->prefix, *q = b->dev->prefix;
    while (*p && *p == *q)
        p++, q++;
    return !*p || !*q;
}

/* What the rows say that this driver takes for all these puts. */
static double slow(const struct oph__entry *e)
{
    double sum = 0;
    for (const struct oph__entry *other = e->group->slow; other; other = other->next_slow)
        if (may_share_driver(e->sig, other->sig)) sum += oph__signal_slow(other->sig);
    return sum;
}

static void put(struct oph__entry *e)
{
    oph_group *g = e->group;
    oph_error err; /* its texts are 2.5 KiB: who fails sets them */
    err.code = 0;
    if (encode(e, &err) || oph__want_check(e, &err)) {
        oph__entry_end(e, &err);
        return;
    }
    if (e->want && e->want->read_first && !e->put->wire) e->want->expect = &e->put->own;
    enter(e, OPH__ASKING, isnan(e->timeout) ? g->ctx->options.put_timeout + slow(e) : e->timeout);
    /* From here on its watch may look at the entry. */
    if (e->want && e->want->beforehand && oph__want_beforehand(e, &err)) {
        oph__entry_end(e, &err);
        return;
    }
    pthread_mutex_lock(&g->m->lock);
    bool ended = e->step == OPH__ENDED; /* there can be no watch */
    if (!ended) g->puts++;
    pthread_mutex_unlock(&g->m->lock);
    if (ended) return;
    const struct oph__wire *wire = e->put->wire ? e->put->wire : &e->put->own;
    e->asked = oph__ops_put(g->ops, e->sig->set, wire, e->put->completion, e);
}

static void describe(struct oph__entry *e, enum oph__entry_step step, struct oph__pv *pv)
{
    enter(e, step, seconds(e->timeout, e->group->ctx->options.get_timeout));
    e->asked = oph__ops_describe(e->group->ops, pv, e);
}

static void succeed(struct oph__entry *e)
{
    if (e->kind == OPH__PUT && e->put->settle > 0) {
        enter(e, OPH__SETTLING, (double)INFINITY);
        e->due = e->since + e->put->settle;
        oph__group_due(e->group, e->due);
    } else {
        e->op = NULL; /* a readback that could not be read once has come all the same */
        oph__entry_end(e, NULL);
    }
}

/* A read that is to show what the puts of the group have done. */
static void wait_for_turn(struct oph__entry *e)
{
    pthread_mutex_lock(&e->group->m->lock);
    e->step = OPH__IN_TURN;
    e->group->in_turn++;
    pthread_mutex_unlock(&e->group->m->lock);
}

void oph__entry_turn(struct oph__entry *e)
{
    if (e->kind == OPH__READ)
        get(e);
    else if (oph__want_turn(e))
        succeed(e);
}

/* Once its PVs are connected. */
static void go_on(struct oph__entry *e)
{
    if (e->kind == OPH__READ && e->in_turn)
        wait_for_turn(e);
    else if (e->kind == OPH__READ)
        get(e);
    else if (e->kind == OPH__DESCRIBE)
        describe(e, OPH__ASKING, e->pv);
    else if (e->kind == OPH__PUT && e->put->within_limits)
        describe(e, OPH__DESCRIBING, e->sig->set);
    else if (e->kind == OPH__PUT)
        put(e);
    else if (oph__want_begin(e))
        succeed(e);
}

static void connect(struct oph__entry *e)
{
    bool both = e->kind == OPH__CONNECT || e->kind == OPH__PUT;
    struct oph__pv *first = both ? e->sig->set : e->pv, *second = both ? e->sig->read : e->pv;
    double fallback = e->group->ctx->options.connect_timeout;
    if (e->kind == OPH__PUT)
        enter(e, OPH__CONNECTING, fallback);
    else
        enter(e, OPH__CONNECTING, seconds(e->timeout, fallback));
    e->pending = first == second ? 1 : 2;
    struct oph__ops *ops = e->group->ops;
    e->connects[0] = oph__ops_connect(ops, first, e);
    e->connects[1] = first == second ? NULL : oph__ops_connect(ops, second, e);
}

static bool is_up(const struct oph__entry *e)
{
    if (e->kind != OPH__PUT) return oph__pv_is_up(e->pv);
    return oph__pv_is_up(e->sig->set) &&
           (e->sig->read == e->sig->set || oph__pv_is_up(e->sig->read));
}

void oph__entry_begin(struct oph__entry *e)
{
    if (e->cached && oph__cache_take(e->pv, e->how.dtype, e->how.count, &e->value))
        oph__entry_end(e, NULL);
    else if (e->kind != OPH__CONNECT && is_up(e))
        go_on(e);
    else
        connect(e);
}

void oph__entry_step(struct oph__entry *e)
{
    e->due = (double)INFINITY;
    switch (e->step) {
    case OPH__CONNECTING:
        if (e->op)
            oph__entry_end(e, NULL);
        else
            go_on(e);
        break;
    case OPH__DESCRIBING:
        if (e->op->code)
            oph__entry_end(e, NULL);
        else
            put(e);
        break;
    case OPH__ASKING: /* a put that is done */
        if (!e->want || oph__want_begin(e)) succeed(e);
        break;
    case OPH__READING_BACK:
    case OPH__WATCHING:
        if (oph__want_step(e)) succeed(e);
        break;
    case OPH__SETTLING:
        e->op = NULL;
        oph__entry_end(e, NULL);
        break;
    default: break;
    }
}

/* Errors */

static char *show_wanted(const struct oph__entry *e, enum oph__entry_step step, char *dst,
                         size_t size)
{
    if (e->kind == OPH__CONNECT || step == OPH__CONNECTING)
        return oph__copy(dst, size, "a connection");
    if (e->kind == OPH__DESCRIBE) return oph__copy(dst, size, "its properties");
    if (step == OPH__DESCRIBING) return oph__copy(dst, size, "its limits");
    if (e->kind != OPH__PUT) return oph__copy(dst, size, "a value");
    const struct oph__wire *wire = e->put->wire ? e->put->wire : &e->put->own;
    const struct oph_value v = oph__wire_value(wire);
    struct oph__chan_info info = {.count = 2}; /* a CHAR array is text */
    oph__pv_info(e->sig->set, &info);
    return oph__value_show(&v, &info, dst, size);
}

enum oph__entry_step oph__entry_where(const struct oph__entry *e)
{
    pthread_mutex_lock(&e->group->m->lock);
    enum oph__entry_step step = e->step;
    pthread_mutex_unlock(&e->group->m->lock);
    return step;
}

/* The put's answer may come at this very moment: the first of the two counts. */
static bool give_up(struct oph__entry *e)
{
    oph_group *g = e->group;
    pthread_mutex_lock(&g->m->lock);
    bool mine = e->step != OPH__ENDED && e->step != OPH__IN_TURN && !e->has_news;
    if (mine) {
        if (e->step == OPH__ASKING && e->kind == OPH__PUT) g->puts--;
        e->step = OPH__ENDED;
        g->left--;
        if (!g->puts && g->in_turn) oph__group_wake(g);
    }
    pthread_mutex_unlock(&g->m->lock);
    return mine;
}

void oph__entry_late(struct oph__entry *e, double now)
{
    char wanted[320];
    oph_error err = OPH_ERROR_INIT;
    struct oph__op *op = e->asked;
    enum oph__entry_step step = oph__entry_where(e);
    if (step == OPH__READING_BACK || step == OPH__WATCHING) {
        oph__want_late(e, now);
        return;
    }
    if (step != OPH__CONNECTING && step != OPH__ASKING && step != OPH__DESCRIBING) return;
    show_wanted(e, step, wanted, sizeof wanted);
    if (step == OPH__CONNECTING) {
        op = e->connects[0];
        if (e->connects[1] && oph__pv_is_up(op->pv)) op = e->connects[1];
    }
    if (!op || !give_up(e)) return;
    e->code = oph__op_late(op, wanted, now - e->since, &err);
    if ((e->error = malloc(sizeof err))) *e->error = err;
    oph__op_give_up(op);
}

int oph__entry_error(const struct oph__entry *e, oph_error *err)
{
    char wanted[320];
    if (e->step != OPH__ENDED)
        return oph__fail(err, OPH_ESTATE, (struct oph__at){.device = e->sig->path},
                         "an entry of a group that has run", "one that has not");
    if (!e->code) return 0;
    if (e->error) {
        if (err) *err = *e->error;
        return e->code;
    }
    if (e->op) {
        struct oph__at at = oph__pv_at(e->op->pv);
        if (e->code == OPH_ERANGE && e->how.into) {
            oph__format(wanted, sizeof wanted, "%zu bytes of room",
                        e->op->value.count * oph_dtype_size(e->op->value.dtype));
            return oph__fail(err, OPH_ERANGE, at, wanted, "%zu", e->how.into_bytes);
        }
        return oph__op_error(e->op, show_wanted(e, e->step, wanted, sizeof wanted), 0, err);
    }
    return oph__fail_memory(err, "an error");
}

/* Life */

void oph__entry_reset(struct oph__entry *e)
{
    free(e->error);
    e->error = NULL;
    e->op = e->asked = NULL;
    e->step = OPH__NOT_BEGUN;
    e->code = 0;
    e->has_news = false;
    e->due = (double)INFINITY;
    if (e->cached) oph__value_clear(&e->value);
    if (!e->want) return;
    oph__aim_clear(&e->want->aim);
    e->want->aim.holds = e->want->aim.reached = e->want->rose = e->want->fell = false;
    e->want->watch = e->want->watch_start = NULL; /* what was left of them ended with the run */
    e->want->seen = 0;
    e->want->shown = false;
}

void oph__entry_free(struct oph__entry *e)
{
    oph__entry_reset(e);
    if (e->put) {
        oph__wire_clear(&e->put->own);
        free((void *)(uintptr_t)e->put->copy.data);
    }
    if (e->want) {
        oph__wire_clear(&e->want->own);
        free((void *)(uintptr_t)e->want->copy.data);
    }
    free(e->put);
    free(e->want);
    free(e);
}
