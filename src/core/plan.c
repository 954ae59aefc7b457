#include "core/plan_parts.h"
#include "base/err.h"
#include "base/str.h"
#include "core/journal.h"
#include <stdlib.h>
#include <string.h>

enum { ALARM_UDF = 17 }; /* EPICS alarm status of a record that was never written */

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
    oph__map_free(&plan->by_pv);
    for (size_t i = 0; i < plan->unneeded.count; i++)
        free_item(plan->unneeded.at[i]);
    oph__vec_free(&plan->unneeded);
    for (size_t i = 0; i < plan->asked.count; i++) {
        struct oph__asked *asked = plan->asked.at[i];
        oph__reads_clear(&asked->read, 1);
        free(asked);
    }
    oph__vec_free(&plan->asked);
    oph__journal_close(plan->journal);
    free(plan);
}

struct oph__item *oph__plan_item(const struct oph__plan *plan, const oph_signal *sig)
{
    return oph__map_get(&plan->by_pv, sig->set->name);
}

/* A PV that several lists set is written once, with its last value in its last place. */
static bool keep_item(struct oph__plan *plan, struct oph__item *item)
{
    struct oph__item *old = oph__plan_item(plan, item->sig);
    if (!oph__vec_add(&plan->items, item)) return false;
    if (!oph__map_set(&plan->by_pv, item->sig->set->name, item)) {
        oph__vec_drop(&plan->items, item);
        return false;
    }
    if (old && oph__vec_drop(&plan->items, old)) free_item(old);
    return true;
}

static int add(struct oph__plan *plan, oph_device *list, const char *key,
               const struct oph__literal *value, bool where_zero, oph_error *err)
{
    oph_signal *sig;
    int rc = oph_signal_find(list, key, &sig, err);
    if (rc) return rc;
    struct oph__item *item = calloc(1, sizeof *item);
    char *text = oph__dup(value->text);
    if (item && text) {
        item->sig = sig;
        item->list = list;
        item->value = *value;
        item->value.text = text;
        item->where_zero = where_zero;
        if (keep_item(plan, item)) return 0;
    }
    free(item);
    free(text);
    return oph__fail_memory(err, "a plan");
}

int oph__plan_add(struct oph__plan *plan, oph_device *list, const char *key,
                  const struct oph__literal *value, oph_error *err)
{
    return add(plan, list, key, value, false, err);
}

int oph__plan_add_where_zero(struct oph__plan *plan, oph_device *list, const char *key,
                             const struct oph__literal *value, oph_error *err)
{
    return add(plan, list, key, value, true, err);
}

void oph__plan_drop(struct oph__plan *plan, size_t index)
{
    struct oph__item *item = oph__vec_remove(&plan->items, index);
    oph__map_set(&plan->by_pv, item->sig->set->name, NULL); /* the key is there */
    free_item(item);
}

static struct oph__asked *find_asked(const struct oph__plan *plan, const oph_device *dev,
                                     const char *key, enum oph__when when)
{
    for (size_t i = 0; i < plan->asked.count; i++) {
        struct oph__asked *asked = plan->asked.at[i];
        if (asked->dev == dev && asked->when == when && oph__equal(asked->key, key)) return asked;
    }
    return NULL;
}

int oph__plan_ask(struct oph__plan *plan, oph_device *dev, const char *key, enum oph__when when,
                  oph_error *err)
{
    oph_signal *sig;
    int rc = oph_signal_find(dev, key, &sig, err);
    if (rc || find_asked(plan, dev, key, when)) return rc;
    struct oph__asked *asked = calloc(1, sizeof *asked);
    if (!asked || !oph__vec_add(&plan->asked, asked)) {
        free(asked);
        return oph__fail_memory(err, "a plan");
    }
    asked->dev = dev;
    asked->key = key;
    asked->when = when;
    asked->read.sig = sig;
    return 0;
}

size_t oph__asked_count(const struct oph__plan *plan, enum oph__when when)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->asked.count; i++)
        count += ((const struct oph__asked *)plan->asked.at[i])->when == when;
    return count;
}

void oph__asked_list(const struct oph__plan *plan, enum oph__when when, struct oph__read *reads)
{
    for (size_t i = 0; i < plan->asked.count; i++) {
        const struct oph__asked *asked = plan->asked.at[i];
        if (asked->when == when) *reads++ = (struct oph__read){.sig = asked->read.sig};
    }
}

void oph__asked_take(const struct oph__plan *plan, enum oph__when when, struct oph__read *reads)
{
    for (size_t i = 0; i < plan->asked.count; i++) {
        struct oph__asked *asked = plan->asked.at[i];
        if (asked->when != when) continue;
        oph__value_move(&asked->read.set, &reads->set);
        oph__value_move(&asked->read.read, &reads->read);
        asked->read.rc = reads->rc;
        asked->read.error = reads->error;
        reads++;
    }
}

const struct oph__read *oph__plan_answer(const struct oph__plan *plan, const oph_device *dev,
                                         const char *key, enum oph__when when)
{
    const struct oph__asked *asked = find_asked(plan, dev, key, when);
    return asked ? &asked->read : NULL;
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

bool oph__item_ran(const struct oph__item *item)
{
    int64_t set = 0, read = 0;
    if (!oph__signal_is_start(item->sig)) return false;
    oph__value_int(&item->set, &set);
    if (item->read.data) oph__value_int(&item->read, &read);
    return set != 0 || read != 0;
}

static bool is_undefined(const struct oph_value *value)
{
    return value->severity == OPH__SEVERITY_INVALID && value->status == ALARM_UDF;
}

const struct oph_value *oph__item_former(const struct oph__item *item)
{
    bool known = item->read.data && !is_undefined(&item->read);
    return is_undefined(&item->set) && known ? &item->read : &item->set;
}

bool oph__item_comes_back(const struct oph__item *item)
{
    return !item->sig->row->counter && !oph__signal_is_start(item->sig);
}

int oph__item_zero(const struct oph__item *item, struct oph__wire *wire, oph_error *err)
{
    struct oph__chan_info info;
    const struct oph__literal zero = {.kind = OPH__LIT_INT, .text = "0"};
    return oph__signal_encode(item->sig, &zero, &info, wire, err);
}

static bool is(const struct oph__item *item, const struct oph_value *value, struct oph__pv *pv,
               const struct oph__wire *wire, bool whole)
{
    struct oph__chan_info info;
    if (!oph__pv_info(pv, &info)) return false;
    struct oph__alike how =
        oph__alike(&info, item->sig->row->type, item->sig->row->how == OPH__PATH);
    if (whole) how = oph__alike_whole(how);
    return oph__matches(value, wire, &how);
}

bool oph__item_is(const struct oph__item *item, const struct oph_value *value, struct oph__pv *pv,
                  const struct oph__wire *wire)
{
    return is(item, value, pv, wire, false);
}

bool oph__item_is_set(const struct oph__item *item, const struct oph_value *value,
                      const struct oph__wire *wire)
{
    return is(item, value, item->sig->set, wire, true);
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
    return item != other && item->sig->dev == other->sig->dev &&
           oph__item_starts(item) == oph__item_starts(other) &&
           names(item->sig->row->after, other->sig->row->attr);
}

/* Few items have an `after`: time is in proportion to all the others. */
struct order {
    struct oph__vec sorted;
    struct oph__vec followers; /* those with an `after` */
    struct oph__vec held;      /* those of them that were come to, and still wait */
    bool failed;
};

static void find_followers(struct order *order, const struct oph__vec *items)
{
    for (size_t i = 0; i < items->count; i++) {
        struct oph__item *item = items->at[i];
        item->waits = 0;
        if (!item->sig->row->after) continue;
        for (size_t j = 0; j < items->count; j++)
            item->waits += must_follow(item, items->at[j]);
        order->failed |= !oph__vec_add(&order->followers, item);
    }
}

static void take(struct order *order, struct oph__item *item)
{
    order->failed |= !oph__vec_add(&order->sorted, item);
    for (size_t i = 0; i < order->followers.count; i++) {
        struct oph__item *follower = order->followers.at[i];
        if (follower->waits && must_follow(follower, item)) follower->waits--;
    }
}

/* The first that waits no more, if any; with `any` the first. */
static bool take_held(struct order *order, bool any)
{
    for (size_t i = 0; i < order->held.count; i++) {
        struct oph__item *item = order->held.at[i];
        if (item->waits && !any) continue;
        oph__vec_remove(&order->held, i);
        take(order, item);
        return true;
    }
    return false;
}

static void sort_some(struct order *order, const struct oph__vec *items, bool starts)
{
    for (size_t i = 0; i < items->count; i++) {
        struct oph__item *item = items->at[i];
        if (oph__item_starts(item) != starts) continue;
        if (item->waits)
            order->failed |= !oph__vec_add(&order->held, item);
        else
            take(order, item);
        while (take_held(order, false)) {
        }
    }
    while (take_held(order, true)) {
    }
}

/* Stable, start rows last: takes, again and again, the first item that need not wait for another.
 * `after` rows of a class form no cycle (its text was checked), so there always is one; were there
 * none, order is kept. */
static int sort(struct oph__plan *plan, oph_error *err)
{
    struct order order = {0};
    find_followers(&order, &plan->items);
    sort_some(&order, &plan->items, false);
    sort_some(&order, &plan->items, true);
    oph__vec_free(&order.followers);
    oph__vec_free(&order.held);
    if (order.failed) {
        oph__vec_free(&order.sorted);
        return oph__fail_memory(err, "a plan");
    }
    oph__vec_free(&plan->items);
    plan->items = order.sorted;
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
    plan->when = time(NULL);
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
        return oph__fail(err, OPH_EDISCONN, oph__pv_at(pv), "a connection",
                         "the PV is not connected");
    }
    return 0;
}
