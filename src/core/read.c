#include "base/err.h"
#include "core/ops.h"
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

static void take(struct oph_value *to, struct oph__op *op, struct oph__read *read, double waited)
{
    if (!oph__op_error(op, "a value", waited, &read->error))
        oph__value_move(to, &op->value);
    else if (!read->rc)
        read->rc = read->error.code;
}

int oph__read_all(oph_context *ctx, struct oph__read *reads, size_t count, double timeout,
                  bool interruptible, oph_error *err)
{
    struct oph__ops *g;
    double started = oph__now();
    int rc = oph__ops_new(ctx, 2 * count, &g, err);
    if (rc) return rc;
    struct oph__op **ops = calloc(2 * count + 1, sizeof(struct oph__op *));
    if (!ops) {
        oph__ops_free(g);
        return oph__fail_memory(err, "requests");
    }
    for (size_t i = 0; i < count; i++) {
        oph_signal *sig = reads[i].sig;
        if (!sig) continue;
        ops[2 * i] = oph__ops_get(g, sig->set, NULL, NULL);
        if (sig->read != sig->set) ops[2 * i + 1] = oph__ops_get(g, sig->read, NULL, NULL);
    }
    double deadline = oph__deadline(timeout, ctx->options.get_timeout);
    int waited_rc = oph__ops_wait(g, deadline, interruptible, err);
    double waited = oph__now() - started;
    if (waited_rc != OPH_ETIMEOUT) rc = waited_rc; /* what ended all of it comes first */
    for (size_t i = 0; i < count; i++) {
        if (ops[2 * i]) take(&reads[i].set, ops[2 * i], &reads[i], waited);
        if (ops[2 * i + 1]) take(&reads[i].read, ops[2 * i + 1], &reads[i], waited);
        if (!reads[i].rc || rc) continue;
        rc = reads[i].rc;
        if (err) *err = reads[i].error;
    }
    free(ops);
    oph__ops_free(g);
    return rc;
}

void oph__reads_clear(struct oph__read *reads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        oph__value_clear(&reads[i].set);
        oph__value_clear(&reads[i].read);
    }
}
