#include "lib/fake_ioc.h"
#include "lib/state.h"

#include "base/err.h"
#include <cophyd/class.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static bool inside(void)
{
    return pthread_equal(pthread_self(), fake_ioc.thread);
}

/* Tasks: with the lock held, which is let go of around callbacks. */

static struct task *push(struct queue *q, enum kind kind, struct oph__chan *chan)
{
    struct task *t = calloc(1, sizeof *t), **last = &q->first;
    if (!t) testAbort("no memory");
    while (*last)
        last = &(*last)->next;
    t->kind = kind;
    t->chan = chan;
    *last = t;
    return t;
}

/* Drops what a channel, or one of its subscriptions, waits for. */
static void drop(struct queue *q, const struct oph__chan *chan, const struct oph__chanmon *mon)
{
    for (struct task **at = &q->first; *at;) {
        struct task *t = *at;
        if (mon ? t->mon != mon : t->chan != chan) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        free(t);
    }
}

/* A get that its channel leaves behind ends. */
static void cancel_gets(struct queue *q, const struct oph__chan *chan)
{
    static const struct oph__event freed = {.code = OPH_ECANCEL, .why = "the channel was freed"};
    for (struct task **at = &q->first; *at;) {
        struct task *t = *at;
        if (t->chan != chan || t->kind != GET) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        fake_unlock();
        t->event(t->user, &freed);
        fake_lock();
        free(t);
        at = &q->first; /* it may have changed meanwhile */
    }
}

static void push_state(struct oph__chan *chan, int32_t state)
{
    push(&fake_ioc.sent, STATE, chan)->code = state;
}

void fake_complete(struct oph__chan *chan, oph__put_fn *fn, void *user, int32_t code)
{
    if (!fn) return;
    struct task *t = push(&fake_ioc.sent, DONE, chan);
    t->done = fn;
    t->user = user;
    t->code = code;
}

void fake_post(const struct pv *pv)
{
    for (struct oph__chan *c = fake_ioc.chans; c; c = c->next) {
        for (struct oph__chanmon *m = c->pv == pv && c->up ? c->mons : NULL; m; m = m->next) {
            if (!m->on || m->mask == OPH_ON_PROPERTY) continue;
            struct task *t = push(&fake_ioc.sent, EVENT, c);
            t->mon = m;
            t->value = pv->value;
        }
    }
}

void fake_post_properties(const struct pv *pv)
{
    for (struct oph__chan *c = fake_ioc.chans; c; c = c->next) {
        bool up = c->pv == pv && c->up;
        if (up && c->follows) push(&fake_ioc.sent, PROPERTY, c);
        for (struct oph__chanmon *m = up ? c->mons : NULL; m; m = m->next)
            if (m->on && m->mask == OPH_ON_PROPERTY) push(&fake_ioc.sent, PROPERTY, c)->mon = m;
    }
}

void fake_change_state(const struct pv *pv, int32_t state)
{
    for (struct oph__chan *c = fake_ioc.chans; c; c = c->next)
        if (c->pv == pv) push_state(c, state);
}

static void call(struct task *t, const struct pv *pv, const struct value *value)
{
    struct oph__event e = {.code = t->code, .dtype = pv->info.dtype};
    if (value) {
        e.count = value->count;
        e.data = value->data;
    }
    if (pv->undefined) {
        e.severity = 3;
        e.status = ALARM_UDF;
    }
    oph__event_fn *fn = t->mon ? t->mon->fn : t->event;
    void *user = t->mon ? t->mon->user : t->user;
    fake_unlock();
    fn(user, &e);
    fake_lock();
}

void fake_take_next(struct pv *pv)
{
    pv->value = pv->next;
    pv->has_next = false;
    for (struct oph__chan *c = fake_ioc.chans; c; c = c->next) {
        for (struct oph__chanmon *m = c->pv == pv && c->up ? c->mons : NULL; m; m = m->next) {
            struct task event = {.kind = EVENT, .chan = c, .mon = m};
            if (m->on && m->mask != OPH_ON_PROPERTY) call(&event, pv, &pv->value);
        }
    }
}

static void run_put(struct task *t)
{
    struct oph__chan *chan = t->chan;
    struct pv *pv = chan->pv;
    char shown[BYTES];
    fake_show(&t->value, &pv->info, shown, sizeof shown);
    oph__buf_addf(&fake_ioc.puts, "%s%s%c%s", fake_ioc.puts.len ? " " : "", pv->name,
                  t->done ? '=' : '~', shown);
    enum fake_rule rule = fake_ioc.nth > 0 && --fake_ioc.nth == 0 ? fake_ioc.nth_rule : pv->rule;
    if (rule == FAKE_BLIP || rule == FAKE_LOSE) {
        pv->up = rule == FAKE_BLIP;
        fake_change_state(pv, OPH__CHAN_DOWN);
        if (pv->up) fake_change_state(pv, OPH__CHAN_UP);
    } else if (rule != FAKE_REFUSE) {
        fake_apply(pv, &t->value, rule);
    }
    if (rule == FAKE_WITHHOLD) {
        chan->held = t->done;
        chan->held_user = t->user;
        return;
    }
    fake_complete(chan, t->done, t->user,
                  rule == FAKE_REFUSE                      ? OPH_EPUT
                  : rule == FAKE_BLIP || rule == FAKE_LOSE ? OPH_EDISCONN
                                                           : 0);
}

/* Who waits for a description that was not asked for yet is told that there will be none. */
static void send_describes(struct oph__chan *chan)
{
    for (struct task **at = &fake_ioc.unsent.first; *at;) {
        struct task *t = *at;
        if (t->chan != chan || t->kind != DESCRIBE) {
            at = &t->next;
            continue;
        }
        struct task *sent = push(&fake_ioc.sent, DESCRIBE, chan);
        sent->done = t->done;
        sent->user = t->user;
        *at = t->next;
        free(t);
    }
}

static void run_state(struct oph__chan *chan, int32_t state)
{
    bool was_up = chan->up;
    chan->up = state == OPH__CHAN_UP;
    chan->info = chan->pv->info;
    chan->follows |= chan->info.dtype == OPH_ENUM;
    chan->described = chan->up && chan->follows;
    if (!chan->up) {
        fake_complete(chan, chan->held, chan->held_user, OPH_EDISCONN);
        chan->held = NULL;
        send_describes(chan);
    }
    for (struct oph__chanmon *m = was_up ? NULL : chan->mons; m; m = m->next) {
        m->on = false;
        push(&fake_ioc.sent, FIRST, chan)->mon = m;
    }
    oph__state_fn *fn = chan->state;
    void *user = chan->user;
    fake_unlock();
    fn(user, state);
    fake_lock();
}

static void run(struct task *t)
{
    struct oph__chan *chan = t->chan;
    switch (t->kind) {
    case STATE: run_state(chan, t->code); break;
    case GET:
        t->code = chan->up ? 0 : OPH_EDISCONN;
        t->value = chan->pv->value;
        call(t, chan->pv, t->code ? NULL : &t->value);
        if (chan->pv->has_next) fake_take_next(chan->pv);
        break;
    case PUT:
        if (chan->up)
            run_put(t);
        else
            fake_complete(chan, t->done, t->user, OPH_EDISCONN);
        break;
    case DONE:
        chan->busy = false;
        fake_unlock();
        t->done(t->user, t->code, t->code == OPH_EPUT ? "the fake IOC refused it" : NULL);
        fake_lock();
        break;
    case PROPERTY:
        if (!chan->up) break;
        chan->info = chan->pv->info;
        if (t->mon) call(t, chan->pv, NULL);
        break;
    case DESCRIBE:
        t->code = chan->up ? 0 : OPH_EDISCONN;
        chan->described = chan->up;
        if (chan->up) chan->info = chan->pv->info;
        fake_unlock();
        t->done(t->user, t->code, t->code ? "disconnected" : NULL);
        fake_lock();
        break;
    case FIRST:
        if (!chan->up || t->mon->on) break;
        t->mon->on = true;
        if (t->mon->mask == OPH_ON_PROPERTY) chan->info = chan->pv->info;
        t->value = chan->pv->value;
        call(t, chan->pv, t->mon->mask == OPH_ON_PROPERTY ? NULL : &t->value);
        break;
    case EVENT: call(t, chan->pv, &t->value); break;
    }
}

static void *serve(void *arg)
{
    (void)arg;
    fake_lock();
    while (!fake_ioc.ending || fake_ioc.sent.first) {
        struct task *t = fake_ioc.sent.first;
        if (!t) {
            pthread_cond_wait(&fake_ioc.m.changed, &fake_ioc.m.lock);
            continue;
        }
        fake_ioc.sent.first = t->next;
        fake_ioc.calling = true;
        run(t);
        fake_ioc.calling = false;
        free(t);
        pthread_cond_broadcast(&fake_ioc.m.changed);
    }
    fake_unlock();
    return NULL;
}

/* The table of operations */

static int may_call(const char *name, oph_error *err)
{
    if (!inside()) return 0;
    return oph__fail(err, OPH_EDEADLK, (struct oph__at){.pv = name},
                     "a call from outside callbacks", "one from inside");
}

static int open_link(struct oph__log *log, struct oph__link **ret, oph_error *err)
{
    (void)log, (void)err;
    fake_lock();
    fake_ioc.opened++;
    fake_unlock();
    *ret = &fake_ioc;
    return 0;
}

/* Until no callback runs: after it those that were dropped will not. */
static void let_finish(void)
{
    while (fake_ioc.calling && !inside())
        pthread_cond_wait(&fake_ioc.m.changed, &fake_ioc.m.lock);
}

static void chan_free(struct oph__chan *chan)
{
    fake_lock();
    struct oph__chan **at = &fake_ioc.chans;
    while (*at != chan)
        at = &(*at)->next;
    *at = chan->next;
    for (;;) {
        cancel_gets(&fake_ioc.unsent, chan);
        cancel_gets(&fake_ioc.sent, chan);
        drop(&fake_ioc.unsent, chan, NULL);
        drop(&fake_ioc.sent, chan, NULL);
        if (!fake_ioc.calling || inside()) break;
        let_finish();
    }
    for (struct oph__chanmon *m = chan->mons, *next; m; m = next) {
        next = m->next;
        free(m);
    }
    free(chan);
    fake_unlock();
}

/* The IOC stays for other contexts. */
static void close_link(struct oph__link *link)
{
    (void)link;
    fake_lock();
    let_finish();
    fake_unlock();
}

static int chan_new(struct oph__link *link, const char *pv, oph__state_fn *state, void *user,
                    struct oph__chan **ret, oph_error *err)
{
    int rc = may_call(pv, err);
    if (rc) return rc;
    struct oph__chan *chan = calloc(1, sizeof *chan);
    if (!chan) testAbort("no memory");
    oph__copy(chan->name, sizeof chan->name, pv);
    chan->state = state;
    chan->user = user;
    fake_lock();
    chan->pv = fake_find(pv);
    chan->next = link->chans;
    link->chans = chan;
    if (chan->pv && chan->pv->up) push(&fake_ioc.unsent, STATE, chan)->code = OPH__CHAN_UP;
    fake_unlock();
    *ret = chan;
    return 0;
}

static const char *chan_name(const struct oph__chan *chan)
{
    return chan->name;
}

static bool chan_info(struct oph__chan *chan, struct oph__chan_info *ret)
{
    fake_lock();
    bool up = chan->up;
    if (up) {
        *ret = chan->info;
        ret->readable = chan->pv->info.readable;
        ret->writable = chan->pv->info.writable;
    }
    fake_unlock();
    return up;
}

static bool chan_type(struct oph__chan *chan, int32_t *ret_dtype, uint32_t *ret_count)
{
    struct oph__chan_info info;
    bool up = chan_info(chan, &info);
    if (up) *ret_dtype = info.dtype;
    if (up) *ret_count = info.count;
    return up;
}

static int not_up(const struct oph__chan *chan, oph_error *err)
{
    return oph__fail(err, OPH_EDISCONN, (struct oph__at){.pv = chan->name}, NULL,
                     "the PV is not connected");
}

static int describe(struct oph__chan *chan, oph__described_fn *fn, void *user, oph_error *err)
{
    int rc = may_call(chan->name, err);
    if (rc) return rc;
    fake_lock();
    bool at_once = chan->up && (chan->described || chan->info.dtype == OPH_TEXT);
    if (!chan->up) {
        rc = not_up(chan, err);
    } else if (!at_once) {
        struct task *t = push(&fake_ioc.unsent, DESCRIBE, chan);
        t->done = fn;
        t->user = user;
        chan->follows = true;
    }
    fake_unlock();
    if (at_once) fn(user, 0, NULL);
    return rc;
}

static int get(struct oph__chan *chan, int32_t dtype, uint32_t count, oph__event_fn *fn, void *user,
               oph_error *err)
{
    int rc = may_call(chan->name, err);
    if (rc) return rc;
    fake_lock();
    if (!chan->up) {
        rc = not_up(chan, err);
    } else if ((dtype > 0 && dtype != chan->pv->info.dtype) || count) {
        rc = oph__fail_text(err, OPH_ETYPE, "the fake IOC converts nothing");
    } else {
        struct task *t = push(&fake_ioc.unsent, GET, chan);
        t->event = fn;
        t->user = user;
        fake_ioc.gets++;
    }
    fake_unlock();
    return rc;
}

static int put(struct oph__chan *chan, int32_t dtype, uint32_t count, const void *data,
               oph__put_fn *fn, void *user, oph_error *err)
{
    int rc = may_call(chan->name, err);
    if (rc) return rc;
    size_t bytes = count * oph_dtype_size(dtype);
    fake_lock();
    if (!chan->up) {
        rc = not_up(chan, err);
    } else if (!chan->pv->info.writable) {
        rc = oph__fail_text(err, OPH_EACCESS, "the fake IOC allows no write");
    } else if (dtype != chan->pv->info.dtype || !count || count > chan->pv->info.count) {
        rc = oph__fail_text(err, OPH_ETYPE, "the fake IOC converts nothing");
    } else if (fn && chan->busy) {
        rc = oph__fail_text(err, OPH_EBUSY, "a put with completion is in flight");
    } else {
        struct task *t = push(&fake_ioc.unsent, PUT, chan);
        t->done = fn;
        t->user = user;
        t->value.count = count;
        memcpy(t->value.data, data, bytes);
        if (fn) {
            chan->busy = true;
            chan->busy_user = user;
        }
    }
    fake_unlock();
    return rc;
}

static void put_abandon(struct oph__chan *chan, const void *user)
{
    fake_lock();
    bool ours = chan->busy && chan->busy_user == user;
    fake_ioc.abandoned += ours;
    struct queue *queues[] = {&fake_ioc.unsent, &fake_ioc.sent};
    for (int i = 0; ours && i < 2; i++) {
        for (struct task **at = &queues[i]->first; *at;) {
            struct task *t = *at;
            if (t->chan == chan && t->kind == PUT) t->done = NULL;
            if (t->chan != chan || t->kind != DONE) {
                at = &t->next;
                continue;
            }
            *at = t->next;
            free(t);
        }
    }
    if (ours) {
        chan->held = NULL;
        chan->busy = false;
    }
    let_finish();
    fake_unlock();
}

static int subscribe(struct oph__chan *chan, int32_t dtype, uint32_t count, uint32_t mask,
                     oph__event_fn *fn, void *user, struct oph__chanmon **ret, oph_error *err)
{
    (void)dtype, (void)count;
    int rc = may_call(chan->name, err);
    if (rc) return rc;
    struct oph__chanmon *mon = calloc(1, sizeof *mon);
    if (!mon) testAbort("no memory");
    mon->chan = chan;
    mon->mask = mask;
    mon->fn = fn;
    mon->user = user;
    fake_lock();
    mon->next = chan->mons;
    chan->mons = mon;
    push(&fake_ioc.unsent, FIRST, chan)->mon = mon;
    fake_unlock();
    *ret = mon;
    return 0;
}

static void unsubscribe(struct oph__chanmon *mon)
{
    fake_lock();
    struct oph__chanmon **at = &mon->chan->mons;
    while (*at != mon)
        at = &(*at)->next;
    *at = mon->next;
    for (;;) {
        drop(&fake_ioc.unsent, NULL, mon);
        drop(&fake_ioc.sent, NULL, mon);
        if (!fake_ioc.calling || inside()) break;
        let_finish();
    }
    free(mon);
    fake_unlock();
}

static int flush(struct oph__link *link, oph_error *err)
{
    (void)err;
    fake_lock();
    link->flushes++;
    struct task **last = &link->sent.first;
    while (*last)
        last = &(*last)->next;
    *last = link->unsent.first;
    link->unsent.first = NULL;
    fake_unlock();
    return 0;
}

/* What tests call */

void fake_begin(void)
{
    state_default();
    memset(&fake_ioc, 0, sizeof fake_ioc);
    if (oph__monitor_init(&fake_ioc.m) || pthread_create(&fake_ioc.thread, NULL, serve, NULL))
        testAbort("no thread");
}

int fake_end(void)
{
    fake_lock();
    fake_ioc.ending = true;
    fake_unlock();
    pthread_join(fake_ioc.thread, NULL);
    int left = 0;
    for (const struct oph__chan *c = fake_ioc.chans; c; c = c->next)
        left++;
    oph__buf_free(&fake_ioc.puts);
    oph__monitor_destroy(&fake_ioc.m);
    return left;
}

oph_context *fake_context_with(const oph_context_options *options, const char *classes,
                               const struct oph__behaviours *behaviours)
{
    static const struct oph__link_ops ops = {.open = open_link,
                                             .close = close_link,
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
    static const struct oph__trigger_ops *const no_triggers[] = {NULL};
    static const struct oph__hook_ops *const no_hooks[] = {NULL};
    static const struct oph__behaviours none = {.triggers = no_triggers, .hooks = no_hooks};
    oph_context *ctx = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph__context_make(options, &ops, behaviours ? behaviours : &none, &ctx, &err) ||
        (classes && oph_class_parse(ctx, classes, "test", &report, &err)))
        testAbort("%s", err.text);
    oph_report_free(report);
    return ctx;
}

oph_context *fake_context(const char *classes, const struct oph__behaviours *behaviours)
{
    const oph_context_options options = {.size = sizeof options,
                                         .connect_timeout = 2,
                                         .get_timeout = 2,
                                         .put_timeout = 0.2,
                                         .grace = 0.1,
                                         .stop_timeout = 0.2};
    return fake_context_with(&options, classes, behaviours);
}

int fake_code(int rc, int wanted, const oph_error *err, const char *what)
{
    int ok = rc == wanted && (!err || (rc ? err->code == rc && err->text[0] : err->code == 0));
    testOk(ok, "%s: %s", what, oph_code_name(wanted));
    if (!ok)
        testDiag("found %s, error %s: %s", oph_code_name(rc),
                 err ? oph_code_name(err->code) : "none", err ? err->text : "");
    return ok;
}
