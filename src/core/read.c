#include "base/err.h"
#include "core/group.h"
#include "core/write.h"
#include <stdlib.h>

struct oph__patience oph__patience(double timeout, double fallback)
{
    return (struct oph__patience){.since = oph__now(), .until = oph__deadline(timeout, fallback)};
}

int oph__connect_signals(oph_context *ctx, const struct oph__vec *signals,
                         struct oph__patience patience, oph_report *report, oph_error *err)
{
    struct oph__ops *g;
    int rc = oph__ops_new(ctx, 2 * signals->count, &g, err);
    if (rc) return rc;
    for (size_t i = 0; i < signals->count; i++) {
        oph_signal *sig = signals->at[i];
        oph__ops_connect(g, sig->set, NULL);
        if (sig->read != sig->set) oph__ops_connect(g, sig->read, NULL);
    }
    oph_error why = OPH_ERROR_INIT;
    rc = oph__ops_wait(g, patience.until, true, &why);
    bool ended = rc && rc != OPH_ETIMEOUT; /* then each says for itself what it lacks */
    int first = ended ? oph__fail_text(err, rc, "%s", why.text) : 0;
    for (size_t i = 0; !ended && i < oph__ops_count(g); i++) {
        oph_error one = OPH_ERROR_INIT;
        double waited = oph__now() - patience.since;
        if (!oph__op_error(oph__ops_at(g, i), "a connection", waited, &one)) continue;
        oph__report_add(report, &one);
        if (first) continue;
        first = one.code;
        if (err) *err = one;
    }
    oph__ops_free(g);
    return first;
}

static int add_read(oph_group *g, oph_signal *sig, struct oph__pv *pv, double timeout,
                    oph_error *err)
{
    struct oph__entry *e = oph__group_add(g, OPH__READ, sig, pv, err);
    if (e) e->timeout = timeout;
    return e ? 0 : OPH_ENOMEM;
}

static void take(struct oph__read *read, struct oph_value *to, struct oph__entry *e)
{
    oph_error one = OPH_ERROR_INIT;
    int rc = oph__entry_error(e, &one);
    if (!rc)
        oph__value_move(to, &e->op->value);
    else if (!read->rc)
        read->error = one;
    if (!read->rc) read->rc = rc;
}

int oph__read_all(oph_context *ctx, struct oph__read *reads, size_t count, double timeout,
                  bool interruptible, oph_error *err)
{
    oph_group *g;
    int rc = oph_group_new(ctx, &g, err);
    if (rc) return rc;
    for (size_t i = 0; !rc && i < count; i++) {
        oph_signal *sig = reads[i].sig;
        if (!sig) continue;
        rc = add_read(g, sig, sig->set, timeout, err);
        if (!rc && sig->read != sig->set) rc = add_read(g, sig, sig->read, timeout, err);
    }
    if (!rc) rc = oph__group_run(g, (double)INFINITY, interruptible, err);
    for (size_t i = 0, at = 0; g->ops && i < count; i++) {
        const oph_signal *sig = reads[i].sig;
        if (!sig) continue;
        take(&reads[i], &reads[i].set, g->entries.at[at++]);
        if (sig->read != sig->set) take(&reads[i], &reads[i].read, g->entries.at[at++]);
        if (!reads[i].rc || rc) continue;
        rc = reads[i].rc;
        if (err) *err = reads[i].error;
    }
    oph__group_unref(g);
    return rc;
}

void oph__reads_clear(struct oph__read *reads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        oph__value_clear(&reads[i].set);
        oph__value_clear(&reads[i].read);
    }
}
