#include "core/group.h"
#include "base/err.h"
#include "core/data.h"
#include "core/options.h"
#include "core/reading.h"
#include <stdlib.h>
#include <string.h>

int oph_group_new(oph_context *ctx, oph_group **ret, oph_error *err)
{
    int rc = oph__context_check(ctx, err);
    if (rc) return rc;
    oph_group *g = calloc(1, sizeof *g);
    if (!g) return oph__fail_memory(err, "a group");
    if (pthread_mutex_init(&g->lock, NULL) || pthread_cond_init(&g->idle, NULL)) {
        free(g);
        return oph__fail_text(err, OPH_ESYSTEM, "a group: the system refused a lock");
    }
    atomic_init(&g->refs, 1);
    g->ctx = oph__context_ref(ctx);
    *ret = g;
    return 0;
}

oph_group *oph__group_ref(oph_group *g)
{
    atomic_fetch_add(&g->refs, 1);
    return g;
}

void oph__group_unref(oph_group *g)
{
    if (atomic_fetch_sub(&g->refs, 1) != 1) return;
    oph__ops_free(g->ops);
    for (size_t i = 0; i < g->entries.count; i++)
        oph__entry_free(g->entries.at[i]);
    oph__vec_free(&g->entries);
    pthread_cond_destroy(&g->idle);
    pthread_mutex_destroy(&g->lock);
    oph_context_free(g->ctx);
    free(g);
}

void oph_group_free(oph_group *g)
{
    if (!g || oph__context_check(g->ctx, NULL)) return;
    oph__group_stop(g);
    oph__group_unref(g);
}

static bool is_running(oph_group *g)
{
    pthread_mutex_lock(&g->lock);
    bool running = g->running;
    pthread_mutex_unlock(&g->lock);
    return running;
}

/* Its requests would wait for a flush of another context. */
static int check_signal(const oph_group *g, const oph_signal *sig, oph_error *err)
{
    if (sig->ctx == g->ctx) return 0;
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = sig->path},
                     "a signal of the group's context", "one of another");
}

static int check_idle(oph_group *g, oph_error *err)
{
    int rc = oph__context_check(g->ctx, err);
    if (rc || !is_running(g)) return rc;
    return oph__fail_text(err, OPH_ESTATE,
                          "a group: wanted one that does not run, found it running");
}

/* Adding */

struct oph__entry *oph__group_add(oph_group *g, enum oph__entry_kind kind, oph_signal *sig,
                                  struct oph__pv *pv, oph_error *err)
{
    struct oph__entry *e = calloc(1, sizeof *e);
    if (!e || !oph__vec_add(&g->entries, e)) {
        free(e);
        oph__fail_memory(err, "a group");
        return NULL;
    }
    e->group = g;
    e->kind = kind;
    e->sig = sig;
    e->pv = pv;
    e->timeout = (double)NAN;
    e->due = (double)INFINITY;
    return e;
}

static void drop_last(oph_group *g)
{
    oph__entry_free(g->entries.at[--g->entries.count]);
}

struct oph__entry *oph__group_add_read(oph_group *g, oph_signal *sig, const oph_read_options *opt,
                                       oph_error *err)
{
    oph_read_options o;
    if (oph__read_options(sig, opt, &o, err)) return NULL;
    struct oph__entry *e =
        oph__group_add(g, OPH__READ, sig, o.part == OPH_PART_SETPOINT ? sig->set : sig->read, err);
    if (!e) return NULL;
    e->how.dtype = o.dtype ? o.dtype : oph__signal_dtype(sig);
    e->how.count = o.count;
    e->cached = o.source == OPH_SOURCE_CACHE;
    if (o.timeout > 0) e->timeout = o.timeout;
    return e;
}

static struct oph__wanting *add_wanting(struct oph__entry *e, oph_error *err)
{
    e->want = calloc(1, sizeof *e->want);
    if (!e->want) oph__fail_memory(err, "a group");
    return e->want;
}

static int want(struct oph__entry *e, const oph_condition *until, bool copy, oph_error *err)
{
    oph_condition c;
    int rc = oph__condition(e->sig, until, &c, err);
    if (rc) return rc;
    struct oph__wanting *w = add_wanting(e, err);
    if (!w) return OPH_ENOMEM;
    e->pv = c.part == OPH_PART_SETPOINT ? e->sig->set : e->sig->read;
    w->aim.test = c.test;
    w->aim.user = c.user;
    w->aim.stable = c.stable;
    w->aim.how.absolute = c.absolute;
    w->aim.how.relative = c.relative;
    if (!c.equals) return 0;
    w->given = c.equals;
    if (copy) rc = oph__data_copy(c.equals, &w->copy, err);
    if (copy) w->given = &w->copy;
    return rc;
}

int oph__group_add_wait(oph_group *g, oph_signal *sig, const oph_condition *until, double timeout,
                        bool copy, oph_error *err)
{
    struct oph__entry *e = oph__group_add(g, OPH__WAIT, sig, sig->read, err);
    if (!e) return OPH_ENOMEM;
    int rc = want(e, until, copy, err);
    if (rc) {
        drop_last(g);
        return rc;
    }
    e->timeout = isnan(timeout) ? g->ctx->options.put_timeout : timeout;
    e->want->patience = e->timeout;
    return 0;
}

static int verify(struct oph__entry *e, const oph_put_options *o, oph_error *err)
{
    struct oph__wanting *w = add_wanting(e, err);
    if (!w) return OPH_ENOMEM;
    const oph_context_options *ctx = &e->group->ctx->options;
    bool start = oph__signal_is_start(e->sig);
    w->read_first = w->from_first = true;
    w->patience = o->patience > 0 ? o->patience : start ? ctx->stop_timeout : ctx->grace;
    w->aim.how.absolute = o->absolute;
    w->aim.how.relative = o->relative;
    return 0;
}

static int want_after(struct oph__entry *e, const oph_put_options *o, bool copy, oph_error *err)
{
    if (o->policy == OPH_PUT_VERIFY) return verify(e, o, err);
    if (o->policy != OPH_PUT_AWAIT) return 0;
    int rc = want(e, o->until, copy, err);
    if (!rc) e->want->patience = o->patience > 0 ? o->patience : e->group->ctx->options.put_timeout;
    return rc;
}

static int add_put(oph_group *g, oph_signal *sig, const oph_put_options *o, bool copy,
                   struct oph__entry **ret, oph_error *err)
{
    struct oph__entry *e = oph__group_add(g, OPH__PUT, sig, sig->read, err);
    if (!e) return OPH_ENOMEM;
    e->put = calloc(1, sizeof *e->put);
    int rc = e->put ? want_after(e, o, copy, err) : oph__fail_memory(err, "a group");
    if (rc) {
        drop_last(g);
        return rc;
    }
    /* The completion of a start row comes when the action ends. */
    e->put->completion =
        o->policy != OPH_PUT_SEND && !(o->policy == OPH_PUT_VERIFY && oph__signal_is_start(sig));
    e->put->within_limits = o->flags & OPH_PUT_CHECK_LIMITS;
    e->put->nonfinite = o->flags & OPH_PUT_NONFINITE;
    e->put->settle = o->settle;
    if (o->timeout > 0) e->timeout = o->timeout;
    *ret = e;
    return 0;
}

int oph__group_add_put(oph_group *g, oph_signal *sig, const oph_data *value,
                       const struct oph__literal *literal, const oph_put_options *opt, bool copy,
                       oph_error *err)
{
    oph_put_options o;
    if (sig->row->how == OPH__RO)
        return oph__fail(err, OPH_EACCESS, oph__pv_at(sig->set),
                         literal ? literal->text : "to write", "an attribute that is read-only");
    int rc = oph__put_options(sig, opt, &o, err);
    if (!rc && !literal) rc = oph__data_check(value, sig->path, err);
    if (rc) return rc;
    struct oph__entry *e;
    rc = add_put(g, sig, &o, copy, &e, err);
    if (rc) return rc;
    e->put->literal = literal;
    e->put->given = value;
    if (!copy || literal) return 0;
    rc = oph__data_copy(value, &e->put->copy, err);
    e->put->given = &e->put->copy;
    if (rc) drop_last(g);
    return rc;
}

int oph__group_add_write(oph_group *g, const struct oph__write *w, oph_error *err)
{
    const oph_put_options plain = {.size = sizeof plain, .patience = w->patience};
    struct oph__entry *e;
    int rc = add_put(g, w->sig, &plain, false, &e, err);
    if (rc) return rc;
    e->put->wire = w->wire;
    e->want->expect = w->expect;
    e->want->aim.differ = w->differ;
    if (w->patience <= 0) e->want->patience = g->ctx->options.grace;
    e->want->read_first = !oph__signal_is_start(w->sig);
    e->want->beforehand = w->watched || !e->want->read_first;
    if (w->expect) return 0;
    free(e->want);
    e->want = NULL;
    return 0;
}

int oph__group_add_await(oph_group *g, const struct oph__write *w, oph_error *err)
{
    struct oph__entry *e = oph__group_add(g, OPH__WAIT, w->sig, w->sig->read, err);
    if (!e || !add_wanting(e, err)) return OPH_ENOMEM;
    e->timeout = w->patience;
    e->want->patience = w->patience;
    e->want->from_first = true;
    e->want->expect = w->expect;
    e->want->aim.differ = w->differ;
    return 0;
}

/* The calls */

int oph_group_connect(oph_group *g, oph_signal *sig, oph_error *err)
{
    int rc = check_idle(g, err);
    if (!rc) rc = check_signal(g, sig, err);
    if (rc) return rc;
    return oph__group_add(g, OPH__CONNECT, sig, sig->set, err) ? 0 : OPH_ENOMEM;
}

int oph_group_read(oph_group *g, oph_signal *sig, const oph_read_options *opt, oph_error *err)
{
    int rc = check_idle(g, err);
    if (!rc) rc = check_signal(g, sig, err);
    oph_error why = OPH_ERROR_INIT;
    if (rc || oph__group_add_read(g, sig, opt, &why)) return rc;
    if (err) *err = why;
    return why.code;
}

int oph_group_put(oph_group *g, oph_signal *sig, const oph_data *value, const oph_put_options *opt,
                  oph_error *err)
{
    int rc = check_idle(g, err);
    if (!rc) rc = check_signal(g, sig, err);
    return rc ? rc : oph__group_add_put(g, sig, value, NULL, opt, true, err);
}

int oph_group_wait(oph_group *g, oph_signal *sig, const oph_condition *until, double timeout,
                   oph_error *err)
{
    int rc = check_idle(g, err);
    if (!rc) rc = check_signal(g, sig, err);
    return rc ? rc : oph__group_add_wait(g, sig, until, timeout, true, err);
}

static void report_entry(const struct oph__entry *e, oph_report *report)
{
    oph_error one = OPH_ERROR_INIT;
    oph__entry_error(e, &one);
    oph__report_add(report, &one);
}

int oph_group_run(oph_group *g, double timeout, oph_report **ret_report, oph_error *err)
{
    int rc = check_idle(g, err);
    if (rc) return rc;
    oph_report *report = oph__report_new();
    g->on_engine = false;
    rc = oph__group_run(g, oph__deadline(timeout, (double)INFINITY), true, err);
    for (size_t i = 0; i < g->entries.count; i++) {
        const struct oph__entry *e = g->entries.at[i];
        if (e->step != OPH__ENDED || !e->code) continue;
        report_entry(e, report);
        if (!rc) rc = oph__entry_error(e, err);
    }
    oph__report_give(report, ret_report);
    return rc;
}

int oph_group_start(oph_group *g, double timeout, oph_status **ret_status, oph_error *err)
{
    int rc = check_idle(g, err);
    if (rc) return rc;
    const struct oph__entry *first = g->entries.count ? g->entries.at[0] : NULL;
    return oph__group_start(g, "GroupStatus", first ? first->sig->path : "",
                            oph__deadline(timeout, (double)INFINITY), ret_status, err);
}

size_t oph_group_count(const oph_group *g)
{
    return g->entries.count;
}

int oph_group_result(oph_group *g, size_t index, oph_error *err)
{
    int rc = check_idle(g, err);
    if (rc) return rc;
    if (index >= g->entries.count)
        return oph__fail_text(err, OPH_EINVAL, "a group: wanted an entry below %zu, found %zu",
                              g->entries.count, index);
    return oph__entry_error(g->entries.at[index], err);
}

const oph_value *oph_group_value(oph_group *g, size_t index)
{
    if (check_idle(g, NULL) || index >= g->entries.count) return NULL;
    const struct oph__entry *e = g->entries.at[index];
    if (e->kind != OPH__READ || e->step != OPH__ENDED || e->code) return NULL;
    return e->op ? &e->op->value : &e->value;
}
