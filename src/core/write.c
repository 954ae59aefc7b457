#include "core/write.h"
#include "core/group.h"

static int add_read(oph_group *g, const struct oph__exchange *x, oph_signal *sig,
                    struct oph__pv *pv, oph_error *err)
{
    struct oph__entry *e = oph__group_add(g, OPH__READ, sig, pv, err);
    if (!e) return OPH_ENOMEM;
    e->timeout = x->timeout;
    e->in_turn = x->reads_last;
    return 0;
}

static bool reads_both(const struct oph__read *read)
{
    return read->sig->read != read->sig->set && !read->setpoint_only;
}

/* The entries: the writes, then one or two a read. */
static int add_all(oph_group *g, const struct oph__exchange *x, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < x->write_count; i++)
        rc = oph__group_add_write(g, &x->writes[i], err);
    for (size_t i = 0; !rc && i < x->read_count; i++) {
        oph_signal *sig = x->reads[i].sig;
        if (!sig) continue;
        rc = add_read(g, x, sig, sig->set, err);
        if (!rc && reads_both(&x->reads[i])) rc = add_read(g, x, sig, sig->read, err);
    }
    return rc;
}

static void take_value(struct oph__read *read, struct oph_value *to, struct oph__entry *e)
{
    oph_error one = OPH_ERROR_INIT;
    int rc = oph__entry_error(e, &one);
    if (!rc)
        oph__value_move(to, &e->op->value);
    else if (!read->rc)
        read->error = one;
    if (!read->rc) read->rc = rc;
}

static void take_results(const oph_group *g, const struct oph__exchange *x)
{
    size_t at = 0;
    for (size_t i = 0; i < x->write_count; i++) {
        struct oph__write *w = &x->writes[i];
        w->error.code = 0;
        w->rc = oph__entry_error(g->entries.at[at++], &w->error);
    }
    for (size_t i = 0; i < x->read_count; i++) {
        struct oph__read *r = &x->reads[i];
        if (!r->sig) continue;
        r->rc = 0;
        take_value(r, &r->set, g->entries.at[at++]);
        if (reads_both(r)) take_value(r, &r->read, g->entries.at[at++]);
    }
}

static void fail_all(const struct oph__exchange *x, const oph_error *why)
{
    for (size_t i = 0; i < x->write_count; i++) {
        x->writes[i].rc = why->code;
        x->writes[i].error = *why;
    }
    for (size_t i = 0; i < x->read_count; i++) {
        x->reads[i].rc = why->code;
        x->reads[i].error = *why;
    }
}

int oph__exchange(oph_context *ctx, const struct oph__exchange *x, bool interruptible,
                  oph_error *err)
{
    oph_group *g = NULL;
    oph_error whole = OPH_ERROR_INIT; /* what ended all of it */
    int rc = oph_group_new(ctx, &g, &whole);
    if (!rc) rc = add_all(g, x, &whole);
    if (!rc) rc = oph__group_run(g, (double)INFINITY, interruptible, &whole);
    if (g && g->ops)
        take_results(g, x); /* each knows what became of it, also where the whole was ended */
    else
        fail_all(x, &whole);
    if (g) oph__group_unref(g);
    if (rc && err) *err = whole;
    return rc;
}

int oph__write_all(oph_context *ctx, struct oph__write *writes, size_t count, bool interruptible,
                   oph_error *err)
{
    if (!count) return 0;
    const struct oph__exchange x = {.writes = writes, .write_count = count};
    int rc = oph__exchange(ctx, &x, interruptible, err);
    for (size_t i = 0; !rc && i < count; i++) {
        rc = writes[i].rc;
        if (rc && err) *err = writes[i].error;
    }
    return rc;
}

int oph__write_await(oph_signal *sig, const struct oph__wire *expect, bool differ, double patience,
                     bool interruptible, oph_error *err)
{
    const struct oph__write w = {
        .sig = sig, .expect = expect, .differ = differ, .patience = patience};
    oph_group *g;
    int rc = oph_group_new(sig->ctx, &g, err);
    if (rc) return rc;
    rc = oph__group_add_await(g, &w, err);
    if (!rc) rc = oph__group_run(g, (double)INFINITY, interruptible, err);
    if (!rc) rc = oph__entry_error(g->entries.at[0], err);
    oph__group_unref(g);
    return rc;
}
