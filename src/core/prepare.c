/* What must be known before anything is written: originals, answers to hooks, and whether each
 * setting can be written at all. */
#include "base/err.h"
#include "core/plan_parts.h"
#include <stdlib.h>

int oph__plan_connect(const struct oph__plan *plan, oph_report *report, oph_error *err)
{
    struct oph__vec signals = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < plan->items.count; i++) {
        const struct oph__item *item = plan->items.at[i];
        if (!oph__vec_add(&signals, item->sig)) rc = oph__fail_memory(err, "a plan");
    }
    oph_context *ctx = plan->dev->ctx;
    const struct oph__patience patience = oph__patience(OPH_DEFAULT, ctx->options.connect_timeout);
    if (!rc) rc = oph__connect_signals(ctx, &signals, patience, report, err);
    oph__vec_free(&signals);
    return rc;
}

/* An answer that a hook does not get is an error only when it wants to take it. */
static int read_originals(struct oph__plan *plan, oph_error *err)
{
    size_t n = plan->items.count, asked = oph__asked_count(plan, OPH__WITH_ORIGINALS);
    struct oph__read *reads = calloc(n + asked + 1, sizeof *reads);
    if (!reads) return oph__fail_memory(err, "a plan");
    for (size_t i = 0; i < n; i++)
        reads[i].sig = ((struct oph__item *)plan->items.at[i])->sig;
    oph__asked_list(plan, OPH__WITH_ORIGINALS, reads + n);
    const struct oph__exchange x = {
        .reads = reads, .read_count = n + asked, .timeout = OPH_DEFAULT};
    int rc = oph__exchange(plan->dev->ctx, &x, true, err);
    for (size_t i = 0; !rc && i < n; i++) {
        struct oph__item *item = plan->items.at[i];
        rc = reads[i].rc;
        if (rc && err) *err = reads[i].error;
        oph__value_move(&item->set, &reads[i].set);
        oph__value_move(&item->read, &reads[i].read);
    }
    oph__asked_take(plan, OPH__WITH_ORIGINALS, reads + n);
    oph__reads_clear(reads, n + asked);
    free(reads);
    return rc;
}

/* What somebody has set already stands. */
static int set_aside(struct oph__plan *plan, oph_error *err)
{
    for (size_t i = plan->items.count; i-- > 0;) {
        struct oph__item *item = plan->items.at[i];
        int64_t original = 0;
        if (!item->where_zero || !oph__value_int(&item->set, &original) || !original) continue;
        if (!oph__vec_add(&plan->unneeded, item)) return oph__fail_memory(err, "a plan");
        item->place = i;
        oph__vec_remove(&plan->items, i);
        oph__map_set(&plan->by_pv, item->sig->set->name,
                     NULL); /* the key is there, here and below */
    }
    return 0;
}

/* As if it had not been prepared yet. */
static int begin_anew(struct oph__plan *plan, oph_error *err)
{
    for (size_t i = plan->unneeded.count; i-- > 0;) {
        struct oph__item *item = plan->unneeded.at[i];
        if (!oph__vec_insert(&plan->items, item->place, item))
            return oph__fail_memory(err, "a plan");
        oph__map_set(&plan->by_pv, item->sig->set->name, item);
        oph__vec_remove(&plan->unneeded, i);
    }
    for (size_t i = 0; i < plan->items.count; i++) {
        struct oph__item *item = plan->items.at[i];
        oph__wire_clear(&item->wire);
        item->skipped = false;
    }
    return 0;
}

/* A path is written all the same: the IOC looks for the folder, or makes it, when it is. So is what
 * the IOC moves, since only what was written goes back. */
static bool is_unchanged(const struct oph__item *item)
{
    const oph_signal *sig = item->sig;
    if (sig->row->how == OPH__PATH || sig->row->moves || oph__item_starts(item)) return false;
    if (oph__item_former(item) != &item->set) return false;
    return oph__item_is_set(item, &item->set, &item->wire) &&
           (sig->read == sig->set || oph__item_is(item, &item->read, sig->read, &item->wire));
}

/* Somebody else's acquisition: neither stopped nor made use of unasked. */
static int refuse_running(const struct oph__item *item, oph_error *err)
{
    /* The readback, unless only the setpoint says so: as when it ends just now. */
    int64_t reads = 0;
    if (item->read.data) oph__value_int(&item->read, &reads);
    const struct oph_value *now = reads ? &item->read : &item->set;
    struct oph__pv *pv = reads ? item->sig->read : item->sig->set;
    struct oph__chan_info info = item->info; /* of the readback: its labels may be others */
    oph__pv_info(pv, &info);
    struct oph__wire zero = {0};
    char wanted[64], found[64];
    int rc = oph__item_zero(item, &zero, err);
    if (rc) return rc;
    const struct oph_value off = oph__wire_value(&zero);
    oph__value_show(&off, &item->info, wanted, sizeof wanted);
    oph__value_show(now, &info, found, sizeof found);
    oph__wire_clear(&zero);
    return oph__fail(err, OPH_EBUSY, oph__pv_at(pv), wanted,
                     "%s: it runs already, and not for us: stop it first (put 0 to it), or stage "
                     "with takeover",
                     found);
}

int oph__plan_prepare(struct oph__plan *plan, oph_report *report, oph_error *err)
{
    int rc = begin_anew(plan, err);
    if (!rc) rc = oph__plan_connect(plan, report, err);
    if (!rc) rc = read_originals(plan, err);
    if (!rc) rc = set_aside(plan, err);
    if (rc) return rc;
    /* All that is wrong, not only the first. */
    for (size_t i = 0; i < plan->items.count; i++) {
        struct oph__item *item = plan->items.at[i];
        oph_error one = OPH_ERROR_INIT;
        if (oph__signal_encode(item->sig, &item->value, &item->info, &item->wire, &one))
            rc = oph__report_note(report, &one, rc, err);
        else if (plan->options.skip_unchanged)
            item->skipped = is_unchanged(item);
    }
    return rc;
}

int oph__plan_refuse_running(const struct oph__plan *plan, oph_report *report, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < plan->items.count && !plan->options.takeover; i++) {
        oph_error one = OPH_ERROR_INIT;
        if (!oph__item_ran(plan->items.at[i])) continue;
        refuse_running(plan->items.at[i], &one);
        rc = oph__report_note(report, &one, rc, err);
    }
    return rc;
}
