#include "core/plan.h"
#include "base/err.h"
#include "base/str.h"
#include <stdlib.h>
#include <string.h>

static void free_item(struct oph__item *item)
{
    if (!item) return;
    free((char *)(uintptr_t)item->value.text);
    oph__wire_clear(&item->wire);
    for (size_t i = 0; i < item->later.count; i++) {
        oph__wire_clear(item->later.at[i]);
        free(item->later.at[i]);
    }
    oph__vec_free(&item->later);
    oph__value_clear(&item->set);
    oph__value_clear(&item->read);
    free(item);
}

int oph__plan_new(oph_device *dev, struct oph__plan **ret, oph_error *err)
{
    struct oph__plan *plan = calloc(1, sizeof *plan);
    if (!plan) return oph__fail_memory(err, "a plan");
    plan->dev = dev;
    *ret = plan;
    return 0;
}

void oph__plan_free(struct oph__plan *plan)
{
    if (!plan) return;
    for (size_t i = 0; i < plan->items.count; i++)
        free_item(plan->items.at[i]);
    oph__vec_free(&plan->items);
    free(plan);
}

int oph__plan_add(struct oph__plan *plan, oph_device *list, const char *key,
                  const struct oph__literal *value, oph_error *err)
{
    oph_signal *sig;
    int rc = oph_signal_find(list, key, &sig, err);
    if (rc) return rc;
    struct oph__item *item = calloc(1, sizeof *item);
    char *text = oph__dup(value->text);
    if (item && text && oph__vec_add(&plan->items, item)) {
        item->sig = sig;
        item->list = list;
        item->value = *value;
        item->value.text = text;
        /* A PV that several lists set is written once, with its last value in its last place. */
        for (size_t i = 0; i + 1 < plan->items.count; i++) {
            struct oph__item *old = plan->items.at[i];
            if (!oph__equal(old->sig->set->name, sig->set->name)) continue;
            free_item(oph__vec_remove(&plan->items, i));
            break;
        }
        return 0;
    }
    free(item);
    free(text);
    return oph__fail_memory(err, "a plan");
}

const struct oph__item *oph__plan_find(const struct oph__plan *plan, const oph_device *dev,
                                       const char *attr)
{
    for (size_t i = 0; i < plan->items.count; i++) {
        const struct oph__item *item = plan->items.at[i];
        if (item->sig->dev == dev && oph__equal(item->sig->row->attr, attr)) return item;
    }
    return NULL;
}

bool oph__item_starts(const struct oph__item *item)
{
    const struct oph__literal *v = &item->value;
    return oph__signal_is_start(item->sig) && !(v->kind == OPH__LIT_INT && v->i == 0) &&
           !oph__equal(v->text, "Done");
}

/* True when `attr` is among the comma-separated names of an `after` option. */
static bool names(const char *list, const char *attr)
{
    size_t length = strlen(attr);
    while (list && *list) {
        size_t n = strcspn(list, ",");
        if (n == length && !memcmp(list, attr, n)) return true;
        list += n + (list[n] == ',');
    }
    return false;
}

static bool must_follow(const struct oph__item *item, const struct oph__item *other)
{
    if (oph__item_starts(item) != oph__item_starts(other)) return oph__item_starts(item);
    return item->sig->dev == other->sig->dev && names(item->sig->row->after, other->sig->row->attr);
}

/* Stable: takes, again and again, the first item that need not wait for another. `after` rows of a
 * class form no cycle (its text was checked), so there always is one; were there none, order is
 * kept. */
static int sort(struct oph__plan *plan, oph_error *err)
{
    struct oph__vec sorted = {0};
    struct oph__vec *left = &plan->items;
    while (left->count) {
        size_t pick = 0;
        for (size_t i = 0; i < left->count; i++) {
            bool waits = false;
            for (size_t j = 0; j < left->count && !waits; j++)
                waits = i != j && must_follow(left->at[i], left->at[j]);
            if (waits) continue;
            pick = i;
            break;
        }
        if (!oph__vec_add(&sorted, left->at[pick])) {
            for (size_t i = 0; i < sorted.count; i++)
                free_item(sorted.at[i]);
            oph__vec_free(&sorted);
            return oph__fail_memory(err, "a plan");
        }
        oph__vec_remove(left, pick);
    }
    oph__vec_free(left);
    plan->items = sorted;
    return 0;
}

static int add_lists(oph_device *dev, void *user, oph_error *err)
{
    struct oph__plan *plan = user;
    int rc = 0;
    for (size_t i = 0; !rc && i < dev->hooks.count; i++) {
        const struct oph__hook *hook = dev->hooks.at[i];
        rc = hook->ops->plan(dev, hook->data, plan, err);
    }
    bool triggers = dev == plan->dev && dev->trigger && dev->trigger->plan;
    if (!rc && triggers) rc = dev->trigger->plan(dev, plan, err);
    for (size_t i = 0; !rc && i < dev->settings.list.count; i++) {
        const struct oph__setting *s = oph__settings_at(&dev->settings, i);
        rc = oph__plan_add(plan, dev, s->key, &s->value, err);
    }
    return rc;
}

int oph__plan_fill(struct oph__plan *plan, oph_error *err)
{
    plan->whole = true;
    int rc = oph__device_each(plan->dev, add_lists, plan, err);
    return rc ? rc : sort(plan, err);
}

unsigned oph__plan_ups(const struct oph__plan *plan)
{
    unsigned ups = 0;
    for (size_t i = 0; i < plan->items.count; i++) {
        const struct oph__item *item = plan->items.at[i];
        ups += oph__pv_ups(item->sig->set) + oph__pv_ups(item->sig->read);
    }
    return ups;
}

int oph__plan_connected(const struct oph__plan *plan, oph_error *err)
{
    for (size_t i = 0; i < plan->items.count; i++) {
        const struct oph__item *item = plan->items.at[i];
        const struct oph__pv *pv = oph__pv_is_up(item->sig->set) ? item->sig->read : item->sig->set;
        if (oph__pv_is_up(item->sig->set) && oph__pv_is_up(item->sig->read)) continue;
        return oph__fail(err, OPH_EDISCONN,
                         (struct oph__at){.device = item->sig->path, .pv = pv->name},
                         "a connection", "the PV is not connected");
    }
    return 0;
}

static int encode(struct oph__item *item, oph_error *err)
{
    if (!oph__pv_info(item->sig->set, &item->info))
        return oph__fail(err, OPH_EDISCONN,
                         (struct oph__at){.device = item->sig->path, .pv = item->sig->set->name},
                         item->value.text, "the PV is not connected");
    struct oph__target target = oph__signal_target(item->sig, &item->info);
    return oph__encode(&item->value, &target, &item->wire, err);
}

static int read_originals(struct oph__plan *plan, oph_error *err)
{
    size_t n = plan->items.count;
    struct oph__read *reads = calloc(n ? n : 1, sizeof *reads);
    if (!reads) return oph__fail_memory(err, "a plan");
    for (size_t i = 0; i < n; i++)
        reads[i].sig = ((struct oph__item *)plan->items.at[i])->sig;
    int rc = oph__read_all(plan->dev->ctx, reads, n, OPH_DEFAULT, true, err);
    for (size_t i = 0; !rc && i < n; i++) {
        struct oph__item *item = plan->items.at[i];
        oph__value_move(&item->set, &reads[i].set);
        oph__value_move(&item->read, &reads[i].read);
    }
    oph__reads_clear(reads, n);
    free(reads);
    return rc;
}

int oph__plan_prepare(struct oph__plan *plan, oph_report *report, oph_error *err)
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
    if (!rc) rc = read_originals(plan, err);
    if (rc) return rc;
    /* All that is wrong, not only the first. */
    for (size_t i = 0; i < plan->items.count; i++) {
        oph_error one = OPH_ERROR_INIT;
        if (!encode(plan->items.at[i], &one)) continue;
        oph__report_add(report, &one);
        if (rc) continue;
        rc = one.code;
        if (err) *err = one;
    }
    return rc;
}

/* Where the run of items that may go out together, from `first` on, ends. */
static size_t batch_end(const struct oph__plan *plan, size_t first)
{
    const struct oph__item *head = plan->items.at[first];
    size_t end = first + 1;
    while (end < plan->items.count) {
        const struct oph__item *item = plan->items.at[end];
        if (item->sig->dev != head->sig->dev || oph__item_starts(item) != oph__item_starts(head))
            break;
        end++;
    }
    return end;
}

/* The IOC seldom says in the start row itself why it did not start. */
static void explain(oph_device *dev, oph_error *err)
{
    for (size_t i = 0; i < dev->hooks.count; i++) {
        const struct oph__hook *hook = dev->hooks.at[i];
        if (hook->ops->explain) hook->ops->explain(dev, hook->data, err);
    }
}

static int write_batch(struct oph__plan *plan, size_t first, size_t end, oph_error *err)
{
    struct oph__write *writes = calloc(end - first, sizeof *writes);
    if (!writes) return oph__fail_memory(err, "a plan");
    oph_context *ctx = plan->dev->ctx;
    for (size_t i = first; i < end; i++) {
        struct oph__item *item = plan->items.at[i];
        item->touched = true;
        writes[i - first] =
            (struct oph__write){.sig = item->sig, .wire = &item->wire, .expect = &item->wire};
        if (oph__signal_is_start(item->sig) && !oph__item_starts(item))
            writes[i - first].patience = ctx->options.stop_timeout;
    }
    int rc = oph__write_all(ctx, writes, end - first, true, err);
    for (size_t i = 0; rc == OPH_EMISMATCH && err && i < end - first; i++) {
        if (writes[i].rc && oph__signal_is_start(writes[i].sig)) explain(writes[i].sig->dev, err);
    }
    free(writes);
    return rc;
}

static int call_ready(oph_device *dev, void *user, oph_error *err)
{
    (void)user;
    int rc = 0;
    for (size_t i = 0; !rc && i < dev->hooks.count; i++) {
        const struct oph__hook *hook = dev->hooks.at[i];
        if (hook->ops->ready) rc = hook->ops->ready(dev, hook->data, err);
    }
    return rc;
}

int oph__plan_apply(struct oph__plan *plan, oph_error *err)
{
    int rc = 0;
    bool ready = !plan->whole;
    for (size_t first = 0; !rc && first < plan->items.count;) {
        size_t end = batch_end(plan, first);
        if (!ready && oph__item_starts(plan->items.at[first])) {
            ready = true;
            rc = oph__device_each(plan->dev, call_ready, NULL, err);
        }
        if (!rc) rc = write_batch(plan, first, end, err);
        first = end;
    }
    if (!rc && !ready) rc = oph__device_each(plan->dev, call_ready, NULL, err);
    return rc;
}
