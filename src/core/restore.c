/* Putting back what a stage changed. Never interrupted, and no error ends it. */
#include "base/err.h"
#include "base/str.h"
#include "core/plan.h"
#include <stdlib.h>

enum { ALARM_UDF = 17 }; /* EPICS alarm status of a record that was never written */

struct restoring {
    oph_context *ctx;
    bool force;
    oph_report *report;
    oph_error first; /* the first setting that could not be put back */
};

static struct oph__at place(const struct oph__item *item)
{
    return (struct oph__at){.device = item->sig->path, .pv = item->sig->set->name};
}

static char *show(const struct oph__item *item, const struct oph_value *value, char *dst,
                  size_t size)
{
    return oph__value_show(value, &item->info, dst, size);
}

/* The setpoint is what is put back; the readback where the setpoint was never defined. */
static const struct oph_value *former(const struct oph__item *item)
{
    bool undefined = item->set.severity == 3 && item->set.status == ALARM_UDF;
    bool known = item->read.data && !(item->read.severity == 3 && item->read.status == ALARM_UDF);
    return undefined && known ? &item->read : &item->set;
}

/* A setting that could not be put back. */
static void lost(struct restoring *r, const struct oph__item *item, int code, const char *why)
{
    char shown[256], wanted[320];
    oph_error err = OPH_ERROR_INIT;
    show(item, former(item), shown, sizeof shown);
    oph__format(wanted, sizeof wanted, "%s put back", shown);
    oph__fail(&err, code, place(item), wanted, "%s", why);
    oph__report_add(r->report, &err);
    if (!r->first.code) r->first = err;
}

/* A setting that was left alone on purpose: in the report, and no error. */
static void kept(struct restoring *r, const struct oph__item *item, const char *wanted,
                 const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    oph__fail(&err, OPH_EMISMATCH, place(item), wanted, "%s", found);
    oph__report_add(r->report, &err);
}

/* One setting on its way back. */
struct back {
    struct oph__item *item;
    struct oph__wire put, expect;
    bool skip;
};

static int encode_zero(const struct oph__item *item, struct oph__wire *wire, oph_error *err)
{
    struct oph__chan_info info;
    const struct oph__literal zero = {.kind = OPH__LIT_INT, .text = "0"};
    if (!oph__pv_info(item->sig->set, &info))
        return oph__fail(err, OPH_EDISCONN, place(item), "0", "the PV is not connected");
    struct oph__target target = oph__signal_target(item->sig, &info);
    return oph__encode(&zero, &target, wire, err);
}

static bool matches(const struct oph__item *item, const struct oph_value *value,
                    const struct oph__chan_info *info, const struct oph__wire *wire)
{
    const struct oph__alike how =
        oph__alike(info, item->sig->row->type, item->sig->row->how == OPH__PATH);
    return oph__matches(value, wire, &how);
}

static int encode_former(const struct oph__item *item, struct oph__wire *put,
                         struct oph__wire *expect, oph_error *err)
{
    struct oph__chan_info info;
    if (!oph__pv_info(item->sig->set, &info))
        return oph__fail(err, OPH_EDISCONN, place(item), "its former value",
                         "the PV is not connected");
    struct oph__target target = oph__signal_target(item->sig, &info);
    int rc = oph__encode_value(former(item), &target, put, err);
    if (rc) return rc;
    /* A readback that stood apart from its setpoint before says nothing now. */
    struct oph__chan_info read_info;
    bool agreed =
        item->sig->read == item->sig->set ||
        (oph__pv_info(item->sig->read, &read_info) && matches(item, &item->read, &read_info, put));
    return agreed ? oph__encode_value(former(item), &target, expect, err) : 0;
}

static bool is_same(const struct oph__item *item, const struct oph_value *now,
                    const struct oph__wire *wire)
{
    struct oph__chan_info info;
    return oph__pv_info(item->sig->set, &info) && matches(item, now, &info, wire);
}

/* As staged, or as the trigger has written it since. */
static bool is_ours(const struct oph__item *item, const struct oph_value *now)
{
    bool ours = is_same(item, now, &item->wire);
    for (size_t i = 0; !ours && i < item->later.count; i++)
        ours = is_same(item, now, item->later.at[i]);
    return ours;
}

/* Leaves alone what somebody else changed since, and what is back already. */
static bool is_theirs(struct restoring *r, const struct back *b, const struct oph__read *now)
{
    const struct oph__item *item = b->item;
    if (r->force) return false;
    if (is_same(item, &now->set, &b->put)) return true; /* nothing to do */
    if (item->sig->row->moves || is_ours(item, &now->set)) return false;
    char value[256], found[320], wanted[320];
    show(item, &now->set, value, sizeof value);
    oph__format(wanted, sizeof wanted, "%s as staged", item->value.text);
    oph__format(found, sizeof found, "%s: somebody changed it meanwhile, so it is kept", value);
    kept(r, item, wanted, found);
    return true;
}

/* What an item needs: nothing for counters and for what was only stopped. */
static void choose(struct restoring *r, struct back *b, struct oph__item *item)
{
    oph_error err = OPH_ERROR_INIT;
    int64_t before = 0;
    b->item = item;
    b->skip = true;
    if (!item->touched || item->sig->row->counter) return;
    if (oph__signal_is_start(item->sig)) {
        if (oph__value_int(&item->set, &before) && before)
            kept(r, item, "1 as before staging", "0: what was running is not started again");
        if (!oph__item_starts(item)) return;
        b->skip = encode_zero(item, &b->put, &err) || encode_zero(item, &b->expect, &err);
    } else {
        b->skip = encode_former(item, &b->put, &b->expect, &err) != 0;
    }
    if (b->skip) lost(r, item, err.code, err.found);
}

/* One flush for all: an IOC that stands still costs one timeout, not one a port. */
static void ask_now(struct restoring *r, struct back *backs, size_t count)
{
    struct oph__read *reads = calloc(count ? count : 1, sizeof *reads);
    if (!reads) return; /* then all is put back as it was, asking nobody */
    for (size_t i = 0; i < count; i++) {
        const struct back *b = &backs[i];
        if (!b->skip && !oph__signal_is_start(b->item->sig)) reads[i].sig = b->item->sig;
    }
    oph__read_all(r->ctx, reads, count, OPH_DEFAULT, false, NULL);
    for (size_t i = 0; i < count; i++) {
        if (!reads[i].sig) continue;
        if (reads[i].rc) lost(r, backs[i].item, reads[i].rc, reads[i].error.found);
        if (reads[i].rc || is_theirs(r, &backs[i], &reads[i])) backs[i].skip = true;
    }
    oph__reads_clear(reads, count);
    free(reads);
}

static void write_back(struct restoring *r, struct back *backs, size_t count)
{
    struct oph__write *writes = calloc(count, sizeof *writes);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct back *b = &backs[i];
        if (b->skip) continue;
        if (!writes) {
            lost(r, b->item, OPH_ENOMEM, "no memory for it");
            continue;
        }
        bool start = oph__signal_is_start(b->item->sig);
        writes[n++] = (struct oph__write){.sig = b->item->sig,
                                          .wire = &b->put,
                                          .expect = b->expect.data ? &b->expect : NULL,
                                          .patience = start ? r->ctx->options.stop_timeout : 0};
    }
    if (!writes) return;
    oph__write_all(r->ctx, writes, n, false, NULL);
    n = 0;
    for (size_t i = 0; i < count; i++) {
        if (backs[i].skip) continue;
        const struct oph__write *w = &writes[n++];
        if (w->rc) lost(r, backs[i].item, w->rc, w->error.found);
    }
    free(writes);
}

/* Backs that may go out together: one port, and what was started apart from what was set. */
static size_t run_end(const struct back *backs, size_t first, size_t count)
{
    size_t end = first + 1;
    while (end < count && backs[end].item->sig->dev == backs[first].item->sig->dev &&
           oph__item_starts(backs[end].item) == oph__item_starts(backs[first].item))
        end++;
    return end;
}

int oph__plan_restore(struct oph__plan *plan, bool force, oph_report *report, oph_error *err)
{
    struct restoring r = {.ctx = plan->dev->ctx, .force = force, .report = report};
    size_t count = plan->items.count;
    struct back *backs = calloc(count ? count : 1, sizeof *backs);
    if (!backs) {
        oph__fail_memory(&r.first, "putting settings back");
        oph__report_add(report, &r.first);
        if (err) *err = r.first;
        return r.first.code;
    }
    for (size_t i = 0; i < count; i++) /* in reverse */
        choose(&r, &backs[i], plan->items.at[count - 1 - i]);
    ask_now(&r, backs, count);
    for (size_t first = 0; first < count;) {
        size_t end = run_end(backs, first, count);
        write_back(&r, &backs[first], end - first);
        first = end;
    }
    for (size_t i = 0; i < count; i++) {
        oph__wire_clear(&backs[i].put);
        oph__wire_clear(&backs[i].expect);
    }
    free(backs);
    if (r.first.code && err) *err = r.first;
    return r.first.code;
}
