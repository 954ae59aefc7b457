/* Putting back what a stage changed. Never interrupted, and no error ends it. */
#include "base/err.h"
#include "base/str.h"
#include "core/journal.h"
#include "core/plan.h"
#include <stdlib.h>

struct restoring {
    oph_context *ctx;
    bool force;
    bool recovered; /* readbacks are looked at, too */
    oph_report *report;
    oph_error first; /* the first setting that could not be put back */
};

static char *show(const struct oph__item *item, const struct oph_value *value, char *dst,
                  size_t size)
{
    struct oph__chan_info info; /* that of a journal's item knows no labels, and no text of bytes */
    bool known = oph__pv_info(item->sig->set, &info);
    return oph__value_show(value, known ? &info : &item->info, dst, size);
}

/* A setting that could not be put back. */
static void lost(struct restoring *r, struct oph__item *item, const oph_error *why)
{
    char shown[256], wanted[320];
    oph_error err = OPH_ERROR_INIT;
    item->fate = OPH__LEFT;
    show(item, oph__item_former(item), shown, sizeof shown);
    oph__format(wanted, sizeof wanted, "%s put back", shown);
    const char *found = oph__error_found(why);
    if (why->code == OPH_EDISCONN) found = "the PV is not connected"; /* whoever noticed it first */
    oph__fail(&err, why->code, oph__pv_at(item->sig->set), wanted, "%s", found);
    oph__report_add(r->report, &err);
    if (!r->first.code) r->first = err;
}

/* A setting that was left alone on purpose: in the report, and no error. */
static void kept(struct restoring *r, const struct oph__item *item, const char *wanted,
                 const char *found)
{
    oph_error err = OPH_ERROR_INIT;
    oph__fail(&err, OPH_EMISMATCH, oph__pv_at(item->sig->set), wanted, "%s", found);
    oph__report_add(r->report, &err);
}

/* One setting on its way back. */
struct back {
    struct oph__item *item;
    struct oph__wire put, expect;
    double patience; /* for the readback, seconds; 0: the context's grace */
    bool skip;
};

static int not_connected(const struct oph__item *item, oph_error *err)
{
    return oph__fail(err, OPH_EDISCONN, oph__pv_at(item->sig->set), "its former value",
                     "the PV is not connected");
}

static int encode_former(const struct oph__item *item, struct oph__wire *put,
                         struct oph__wire *expect, oph_error *err)
{
    struct oph__chan_info info;
    if (!oph__pv_info(item->sig->set, &info)) return not_connected(item, err);
    struct oph__target target = oph__signal_target(item->sig, &info);
    int rc = oph__encode_value(oph__item_former(item), &target, put, err);
    if (rc) return rc;
    /* A readback that stood apart from its setpoint before says nothing now. */
    bool agreed =
        item->sig->read == item->sig->set || oph__item_is(item, &item->read, item->sig->read, put);
    return agreed ? oph__encode_value(oph__item_former(item), &target, expect, err) : 0;
}

/* As staged, or as the trigger has written it since; within its PREC, since some drivers write back
 * what they made of it. */
static bool is_ours(const struct oph__item *item, const struct oph_value *now,
                    const struct oph__alike *how)
{
    bool ours = oph__matches(now, &item->wire, how);
    for (size_t i = 0; !ours && i < item->later.count; i++)
        ours = oph__matches(now, item->later.at[i], how);
    return ours;
}

/* A put that came back completed, and has not reached the device: its setpoint is as before, and
 * its readback as staged. It may still be on its way. */
static bool is_stuck(const struct back *b, const struct oph__read *now)
{
    const struct oph__item *item = b->item;
    struct oph__chan_info info;
    if (!now->read.data || !b->expect.data || !oph__pv_info(item->sig->read, &info)) return false;
    const struct oph__alike how =
        oph__alike(&info, item->sig->row->type, item->sig->row->how == OPH__PATH);
    return !oph__matches(&now->read, &b->expect, &how) && is_ours(item, &now->read, &how);
}

/* Leaves alone what somebody else changed since, and what is back already. What went down after it
 * was read cannot be told from either. */
static bool is_theirs(struct restoring *r, struct back *b, const struct oph__read *now)
{
    struct oph__item *item = b->item;
    struct oph__chan_info info;
    if (r->force) return false;
    if (!oph__pv_info(item->sig->set, &info)) {
        oph_error err = OPH_ERROR_INIT;
        not_connected(item, &err);
        lost(r, item, &err);
        return true;
    }
    const struct oph__alike how =
        oph__alike(&info, item->sig->row->type, item->sig->row->how == OPH__PATH);
    const struct oph__alike whole = oph__alike_whole(how);
    bool is_back = oph__matches(&now->set, &b->put, &whole);
    if (item->sig->row->moves) {
        /* It goes back even then: the IOC may move it until all that goes before it is done. Its
         * readback would show no change, and cost a round trip to be read. */
        if (is_back) oph__wire_clear(&b->expect);
        return false;
    }
    if (is_back) { /* a readback on its way gets the time that coming to rest may take */
        b->patience = r->ctx->options.stop_timeout;
        return !is_stuck(b, now); /* then there is nothing to do */
    }
    if (is_ours(item, &now->set, &how)) return false;
    char value[256], found[320], wanted[320];
    show(item, &now->set, value, sizeof value);
    oph__format(wanted, sizeof wanted, "%s as staged", item->value.text);
    oph__format(found, sizeof found, "%s: somebody changed it meanwhile, so it is kept", value);
    kept(r, item, wanted, found);
    item->fate = OPH__KEPT;
    return true;
}

/* What an item needs: nothing for counters and for what was only stopped. */
static void choose(struct restoring *r, struct back *b, struct oph__item *item)
{
    oph_error err = OPH_ERROR_INIT;
    b->item = item;
    b->skip = true;
    item->fate = OPH__STAYED;
    if (!item->touched || item->sig->row->counter) return;
    if (oph__signal_is_start(item->sig)) {
        if (oph__item_ran(item))
            kept(r, item, "1 as before staging", "0: what was running is not started again");
        if (!oph__item_starts(item)) return;
        b->skip = oph__item_zero(item, &b->put, &err) || oph__item_zero(item, &b->expect, &err);
    } else {
        b->skip = encode_former(item, &b->put, &b->expect, &err) != 0;
    }
    if (b->skip) lost(r, item, &err);
}

static void no_memory(struct restoring *r, struct back *backs, size_t count)
{
    oph_error why = OPH_ERROR_INIT;
    oph__fail_memory(&why, "it");
    for (size_t i = 0; i < count; i++) {
        if (!backs[i].skip) lost(r, backs[i].item, &why);
        backs[i].skip = true;
    }
}

static struct oph__write write_of(const struct back *b)
{
    return (struct oph__write){.sig = b->item->sig,
                               .wire = &b->put,
                               .expect = b->expect.data ? &b->expect : NULL,
                               .patience = b->patience,
                               .watched = true};
}

/* A stop that comes on the heels of its start can get lost: the IOC still has to tell the busy
 * record that it is on, which takes the 0 away again. So those that were not seen to stop soon are
 * put once more, with all the time that stopping may take. */
static void stop_again(struct restoring *r, struct oph__write *writes, size_t count)
{
    struct oph__write *late = calloc(count + 1, sizeof *late);
    size_t n = 0;
    for (size_t i = 0; late && i < count; i++) {
        if (writes[i].rc != OPH_EMISMATCH) continue;
        late[n] = writes[i];
        late[n++].patience = r->ctx->options.stop_timeout;
    }
    if (n) oph__write_all(r->ctx, late, n, false, NULL);
    for (size_t i = 0, at = 0; at < n; i++)
        if (writes[i].rc == OPH_EMISMATCH) writes[i] = late[at++];
    free(late);
}

static void take_write(struct restoring *r, struct back *b, const struct oph__write *w)
{
    if (w->rc)
        lost(r, b->item, &w->error);
    else
        b->item->fate = OPH__WENT_BACK;
    b->skip = true;
}

/* A start of which nobody saw that it runs may still be on its way through the IOC: then its
 * readback is as if it were stopped already, and the stop gets lost. Where it was never sent, or
 * was refused, this takes the grace. */
static void await_start(struct restoring *r, const struct back *b)
{
    if (b->skip || !b->item->unseen) return;
    oph__write_await(b->item->sig, &b->item->wire, false, r->ctx->options.grace, false, NULL);
}

/* What was started is stopped, and waited for, before any setting goes back; what stands now is
 * read along with that. */
static void stop_and_look(struct restoring *r, struct back *backs, size_t count)
{
    struct oph__write *writes = calloc(count + 1, sizeof *writes);
    struct oph__read *reads = calloc(count + 1, sizeof *reads);
    struct oph__exchange x = {.writes = writes, .reads = reads, .timeout = OPH_DEFAULT};
    if (!writes || !reads) {
        no_memory(r, backs, count);
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (backs[i].skip) continue;
        if (oph__signal_is_start(backs[i].item->sig))
            writes[x.write_count++] = write_of(&backs[i]);
        else
            reads[x.read_count++] =
                (struct oph__read){.sig = backs[i].item->sig, .setpoint_only = !r->recovered};
    }
    if (x.write_count + x.read_count) oph__exchange(r->ctx, &x, false, NULL);
    if (x.write_count) stop_again(r, writes, x.write_count);
    const struct oph__write *w = writes;
    const struct oph__read *now = reads;
    for (size_t i = 0; i < count; i++) {
        struct back *b = &backs[i];
        if (b->skip) continue;
        if (oph__signal_is_start(b->item->sig)) {
            take_write(r, b, w++);
            continue;
        }
        if (now->rc) lost(r, b->item, &now->error);
        b->skip = now->rc || is_theirs(r, b, now);
        now++;
    }
    if (reads) oph__reads_clear(reads, x.read_count);
    free(reads);
    free(writes);
}

static void write_back(struct restoring *r, struct back *backs, size_t count)
{
    struct oph__write *writes = calloc(count + 1, sizeof *writes);
    size_t n = 0;
    if (!writes) no_memory(r, backs, count);
    for (size_t i = 0; writes && i < count; i++)
        if (!backs[i].skip) writes[n++] = write_of(&backs[i]);
    if (n) oph__write_all(r->ctx, writes, n, false, NULL);
    const struct oph__write *w = writes;
    for (size_t i = 0; i < count; i++)
        if (!backs[i].skip) take_write(r, &backs[i], w++);
    free(writes);
}

int oph__plan_restore(struct oph__plan *plan, bool force, oph_report *report, oph_error *err)
{
    struct restoring r = {
        .ctx = plan->dev->ctx, .force = force, .recovered = plan->recovered, .report = report};
    size_t count = plan->items.count;
    struct back *backs = calloc(count ? count : 1, sizeof *backs);
    if (!backs) { /* the journal stays as it is */
        oph__fail_memory(&r.first, "putting settings back");
        oph__report_add(report, &r.first);
        atomic_store(&r.ctx->left, true);
        if (err) *err = r.first;
        return r.first.code;
    }
    for (size_t i = 0; i < count; i++) /* in reverse */
        choose(&r, &backs[i], plan->items.at[count - 1 - i]);
    for (size_t i = 0; i < count; i++)
        await_start(&r, &backs[i]);
    stop_and_look(&r, backs, count);
    write_back(&r, backs, count);
    for (size_t i = 0; i < count; i++) {
        oph__wire_clear(&backs[i].put);
        oph__wire_clear(&backs[i].expect);
    }
    free(backs);
    oph_error not_settled = OPH_ERROR_INIT;
    if (oph__journal_settle(plan, &not_settled)) {
        oph__report_add(report, &not_settled);
        if (!r.first.code) r.first = not_settled;
    }
    if (r.first.code && err) *err = r.first;
    return r.first.code;
}
