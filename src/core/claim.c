/* Values that a trigger writes while the device is staged. */
#include "base/err.h"
#include "core/plan_parts.h"
#include <stdlib.h>
#include <string.h>

/* As if it had been staged with the others: it goes back before them. */
static int add_item(struct oph__plan *plan, oph_signal *sig, const struct oph__literal *value,
                    oph_error *err)
{
    struct oph__read read = {.sig = sig};
    int rc = oph__read_all(plan->dev->ctx, &read, 1, OPH_DEFAULT, true, err);
    if (!rc) rc = oph__plan_add(plan, sig->dev, sig->row->attr, value, err);
    if (!rc) {
        struct oph__item *item = plan->items.at[plan->items.count - 1];
        oph__value_move(&item->set, &read.set);
        oph__value_move(&item->read, &read.read);
        item->touched = true;
        rc = oph__signal_encode(sig, value, &item->info, &item->wire, err);
        if (rc)
            oph__plan_drop(plan, plan->items.count - 1);
        else
            plan->ups += oph__pv_ups(sig->set) + oph__pv_ups(sig->read);
    }
    oph__reads_clear(&read, 1);
    return rc;
}

static bool is_same(const struct oph__wire *a, const struct oph__wire *b)
{
    return a->dtype == b->dtype && a->count == b->count &&
           !memcmp(a->data, b->data, a->count * oph_dtype_size(a->dtype));
}

static bool is_known(const struct oph__item *item, const struct oph__wire *wire)
{
    bool known = is_same(&item->wire, wire);
    for (size_t i = 0; !known && i < item->later.count; i++)
        known = is_same(item->later.at[i], wire);
    return known;
}

static int add_value(struct oph__item *item, const struct oph__literal *value, oph_error *err)
{
    struct oph__chan_info info;
    struct oph__wire *wire = calloc(1, sizeof *wire);
    if (!wire) return oph__fail_memory(err, "a plan");
    int rc = oph__signal_encode(item->sig, value, &info, wire, err);
    bool known = !rc && is_known(item, wire);
    if (!rc && !known && !oph__vec_add(&item->later, wire)) rc = oph__fail_memory(err, "a plan");
    if (!rc && !known) {
        item->touched |= item->skipped; /* what stood as wanted was left alone until now */
        item->skipped = false;
        return 0;
    }
    oph__wire_clear(wire);
    free(wire);
    return rc;
}

int oph__plan_claim(struct oph__plan *plan, oph_signal *sig, const struct oph__literal *value,
                    oph_error *err)
{
    struct oph__item *item = oph__plan_item(plan, sig);
    return item ? add_value(item, value, err) : add_item(plan, sig, value, err);
}
