#include "base/err.h"
#include "core/ops.h"
#include "core/write.h"

struct oph__patience oph__patience(double timeout, double fallback)
{
    return (struct oph__patience){.since = oph__now(), .until = oph__deadline(timeout, fallback)};
}

/* Several may need one PV, and it is reported once. */
static bool was_asked(const struct oph__ops *g, size_t index)
{
    const struct oph__pv *pv = oph__ops_at(g, index)->pv;
    size_t i = 0;
    while (oph__ops_at(g, i)->pv != pv)
        i++;
    return i < index;
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
    int first = ended ? rc : 0;
    if (ended && err) *err = why;
    double waited = oph__now() - patience.since;
    for (size_t i = 0; !ended && i < oph__ops_count(g); i++) {
        oph_error one;
        if (!oph__op_error(oph__ops_at(g, i), "a connection", waited, &one)) continue;
        if (was_asked(g, i)) continue;
        first = oph__report_note(report, &one, first, err);
    }
    oph__ops_free(g);
    return first;
}

int oph__read_all(oph_context *ctx, struct oph__read *reads, size_t count, double timeout,
                  bool interruptible, oph_error *err)
{
    const struct oph__exchange x = {.reads = reads, .read_count = count, .timeout = timeout};
    int rc = oph__exchange(ctx, &x, interruptible, err);
    for (size_t i = 0; !rc && i < count; i++) {
        if (reads[i].sig) rc = reads[i].rc;
        if (rc && err) *err = reads[i].error;
    }
    return rc;
}

void oph__reads_clear(struct oph__read *reads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        oph__value_clear(&reads[i].set);
        oph__value_clear(&reads[i].read);
    }
}
