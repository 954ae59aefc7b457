/* Putting back what a killed client left changed. */
#include <cophyd/recover.h>

#include "base/err.h"
#include "core/recover.h"
#include <stdlib.h>
#include <string.h>

struct oph_recovery {
    struct oph__vec list; /* oph_recovered */
};

/* One journal that was taken over. */
struct claimed {
    struct oph__journal_content content;
    struct oph__journal *journal;
    char file[OPH__JOURNAL_PATH];
};

struct recovering {
    oph_context *ctx;
    const char *prefix; /* NULL: all */
    bool own;           /* only what this process left */
    oph_recover_options options;
    const struct oph__journal_folder *folder;
    struct oph__process self;
    struct oph__vec claimed; /* struct claimed */
    oph_recovery *recovery;
    oph_report *report;
    oph_error first;
};

static void failed(struct recovering *r, const oph_error *why)
{
    oph__report_add(r->report, why);
    if (!r->first.code) r->first = *why;
}

/* Taking over, with the folder entered */

static void free_claimed(struct claimed *c)
{
    oph__journal_content_clear(&c->content);
    oph__journal_close(c->journal);
    free(c);
}

static bool is_wanted(const struct recovering *r, const struct oph__journal_found *found)
{
    const struct oph__journal_head *head = &found->content.head;
    if (found->rc) return !r->own && (!r->prefix || oph__journal_is_of(found->name, r->prefix));
    if (r->own &&
        (found->lives || head->held_by.pid != r->self.pid || head->held_by.start != r->self.start))
        return false;
    return !r->prefix || oph__equal(head->prefix, r->prefix) ||
           oph__journal_overlaps(head->prefix, r->prefix);
}

static int claim(struct oph__journal_found *found, void *user, oph_error *err)
{
    struct recovering *r = user;
    oph_error why = found->why;
    char who[512];
    if (!is_wanted(r, found)) return 0;
    if (!found->rc && found->lives) {
        oph__journal_who(&found->content.head, who, sizeof who);
        oph__fail(&why, OPH_EBUSY, (struct oph__at){.device = found->content.head.device},
                  "to recover", "that it is held by %s (%s)", who, found->file);
    }
    struct claimed *c = why.code ? NULL : calloc(1, sizeof *c);
    if (!why.code && !c) return oph__fail_memory(err, "a journal");
    if (c && oph__journal_claim(r->folder, found, &c->journal, &why)) free_claimed(c);
    if (why.code) {
        failed(r, &why);
        return 0;
    }
    c->content = found->content;
    found->content = (struct oph__journal_content){0};
    oph__copy(c->file, sizeof c->file, found->file);
    if (oph__vec_add(&r->claimed, c)) return 0;
    free_claimed(c);
    return oph__fail_memory(err, "a list of journals");
}

static int claim_all(struct recovering *r, oph_error *err)
{
    struct oph__journal_folder folder;
    int rc = oph__journal_folder_enter(&folder, false, err);
    if (rc == OPH_ENOTFOUND) { /* nobody has staged yet */
        if (err) *err = (oph_error)OPH_ERROR_INIT;
        return 0;
    }
    if (rc) return rc;
    oph__process_self(&r->self);
    r->folder = &folder;
    rc = oph__journal_each(&folder, NULL, claim, r, err);
    r->folder = NULL;
    oph__journal_folder_leave(&folder);
    return rc;
}

/* Is it the IOC of the journal, and at rest? */

static int check_label(const struct oph__item *item, const struct oph__chan_info *info,
                       const struct oph_value *value, const char *file, oph_error *err)
{
    if (value->dtype != OPH_ENUM || !value->count) return 0;
    unsigned index = *(const uint16_t *)value->data;
    if (index >= item->info.label_count || !*item->info.labels[index]) return 0;
    const char *now = index < info->label_count ? info->labels[index] : "no such index";
    if (oph__equal(now, item->info.labels[index])) return 0;
    char wanted[128];
    oph__format(wanted, sizeof wanted, "label %u to be \"%s\", as in %s", index,
                item->info.labels[index], file);
    return oph__fail(err, OPH_EMISMATCH, oph__pv_at(item->sig->set), wanted, "\"%s\"", now);
}

/* To this process's own an IOC may have come back with another port. */
static bool is_same_ioc(const struct recovering *r, struct oph__hosts *asked, const char *now,
                        const char *then)
{
    if (r->options.flags & OPH_RECOVER_ANY_SERVER) return true;
    return r->own ? oph__journal_same_host(asked, now, then)
                  : oph__journal_same_server(asked, now, then);
}

static int check_ioc(const struct recovering *r, const struct oph__plan *plan, const char *file,
                     oph_error *err)
{
    struct oph__hosts asked = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < plan->items.count; i++) {
        const struct oph__item *item = plan->items.at[i];
        struct oph__chan_info info;
        if (!oph__pv_info(item->sig->set, &info)) continue; /* restoring says so */
        char wanted[320];
        oph__format(wanted, sizeof wanted, "the server %s, as in %s", item->info.host, file);
        if (!is_same_ioc(r, &asked, info.host, item->info.host))
            return oph__fail(err, OPH_EMISMATCH, oph__pv_at(item->sig->set), wanted, "%s",
                             info.host);
        rc = check_label(item, &info, &item->set, file, err);
        if (!rc) rc = check_label(item, &info, &item->read, file, err);
    }
    return rc;
}

static bool is_on(const struct oph__read *now)
{
    double set = 0, read = 0;
    oph__value_double(&now->set, &set);
    oph__value_double(&now->read, &read);
    return set != 0 || read != 0;
}

static int read_one(oph_signal *sig, bool *ret_on, oph_error *err)
{
    struct oph__read now = {.sig = sig};
    int rc = oph__read_all(sig->ctx, &now, 1, OPH_DEFAULT, true, err);
    if (!rc) *ret_on = is_on(&now);
    oph__reads_clear(&now, 1);
    return rc;
}

static int still_runs(const oph_signal *sig, double patience, oph_error *err)
{
    return oph__fail(
        err, OPH_EBUSY,
        (struct oph__at){.device = sig->path, .pv = sig->set->name, .waited = patience}, "Done",
        "that it still runs: OPH_RECOVER_STOP stops it");
}

/* Until it is 0 by itself, or is not in time. */
static int await_end(const struct recovering *r, oph_signal *sig, oph_error *err)
{
    bool on = false;
    struct oph__wire zero = {.dtype = OPH_ENUM, .count = 1};
    zero.data = zero.small;
    int rc = read_one(sig, &on, err);
    if (rc || !on) return rc;
    rc = oph__write_await(sig, &zero, false, r->options.timeout, true, err);
    return rc == OPH_EMISMATCH ? still_runs(sig, r->options.timeout, err) : rc;
}

static int stop_it(const struct recovering *r, oph_signal *sig, oph_error *err)
{
    struct oph__wire zero = {.dtype = OPH_ENUM, .count = 1};
    zero.data = zero.small;
    struct oph__write stop = {
        .sig = sig, .wire = &zero, .expect = &zero, .patience = r->ctx->options.stop_timeout};
    return oph__write_all(r->ctx, &stop, 1, true, err);
}

/* An acquisition that runs was started by the killed client, or by somebody else since: settings
 * are not changed under it, and it is not stopped unasked. What its plugins have still to write
 * would be lost with the capture. */
static int let_end(const struct recovering *r, const struct oph__plan *plan, oph_signal *sig,
                   const char *busy_pv, oph_error *err)
{
    bool stop = r->options.flags & OPH_RECOVER_STOP;
    oph_signal *busy = NULL;
    int rc = await_end(r, sig, err);
    if (rc == OPH_EBUSY && stop) rc = stop_it(r, sig, err);
    if (rc || !*busy_pv) return rc;
    /* From now on: what was waited for may have taken longer than connecting may. */
    const struct oph__patience patience =
        oph__patience(OPH_DEFAULT, r->ctx->options.connect_timeout);
    rc = oph__recover_signal(plan, busy_pv, &busy, err);
    const struct oph__vec one = {.at = (void **)&busy, .count = 1};
    if (!rc) rc = oph__connect_signals(r->ctx, &one, patience, NULL, err);
    if (!rc) rc = await_end(r, busy, err);
    oph__recover_signal_free(busy);
    return rc == OPH_EBUSY && stop ? 0 : rc; /* a plugin that is stuck would be so for ever */
}

static bool is_there(const struct oph__plan *plan)
{
    bool there = false;
    for (size_t i = 0; i < plan->items.count && !there; i++)
        there = oph__pv_is_up(((const struct oph__item *)plan->items.at[i])->sig->set);
    return there;
}

/* Start rows: what was only to be stopped must be at rest; what was started and has ended needs
 * nothing. The plan's items are as the journal's records. */
static int settle_starts(const struct recovering *r, struct oph__plan *plan,
                         const struct oph__vec *records, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < plan->items.count; i++) {
        struct oph__item *item = plan->items.at[i];
        const struct oph__record *record = records->at[i];
        bool on = true;
        bool up = oph__pv_is_up(item->sig->set);
        if (!oph__signal_is_start(item->sig)) continue;
        if (oph__item_starts(item))
            item->touched = !up || read_one(item->sig, &on, NULL) || on;
        else if (up)
            rc = let_end(r, plan, item->sig, record->busy, err);
        else if (is_there(plan)) /* it may run, and the rest be put back under it */
            rc = oph__fail(err, OPH_EDISCONN, oph__pv_at(item->sig->set), "Done",
                           "the PV is not connected");
    }
    return rc;
}

/* What came of each */

static void show(const struct oph__item *item, const struct oph_value *value, char *dst,
                 size_t size)
{
    struct oph__chan_info info;
    bool known = oph__pv_info(item->sig->set, &info);
    if (value->data) oph__value_show(value, known ? &info : &item->info, dst, size);
}

static struct oph__read *read_settings(const struct oph__plan *plan)
{
    size_t n = plan->items.count;
    struct oph__read *reads = calloc(n ? n : 1, sizeof *reads);
    for (size_t i = 0; reads && i < n; i++) {
        oph_signal *sig = ((const struct oph__item *)plan->items.at[i])->sig;
        if (oph__pv_is_up(sig->set)) reads[i].sig = sig;
    }
    if (reads) oph__read_all(plan->dev->ctx, reads, n, OPH_DEFAULT, false, NULL);
    return reads;
}

static bool same(const struct oph__item *item, const struct oph_value *a, const struct oph_value *b)
{
    const struct oph__wire wire = {.dtype = b->dtype, .count = b->count, .data = b->data};
    if (!a->data || !b->data) return false;
    if (!a->count || !b->count) return a->count == b->count;
    return oph__item_is_set(item, a, &wire);
}

static int32_t outcome(const struct oph__item *item, const struct oph__read *found,
                       const struct oph__read *now)
{
    switch (item->fate) {
    case OPH__STAYED: break;
    case OPH__KEPT: return OPH_RECOVERED_KEPT;
    case OPH__LEFT: return OPH_RECOVERED_LEFT;
    case OPH__WENT_BACK:
        if (!same(item, &found->set, &now->set)) return OPH_RECOVERED_BACK;
        if (found->read.data && !same(item, &found->read, &now->read)) return OPH_RECOVERED_BACK;
    }
    return OPH_RECOVERED_SAME;
}

static void add_outcome(struct recovering *r, const struct oph__item *item,
                        const struct oph__read *found, const struct oph__read *now)
{
    oph_recovered *entry = calloc(1, sizeof *entry);
    if (!entry || !oph__vec_add(&r->recovery->list, entry)) {
        oph_error err = OPH_ERROR_INIT;
        free(entry);
        oph__fail_memory(&err, "a list of what was recovered");
        failed(r, &err);
        return;
    }
    entry->what = outcome(item, found, now);
    oph__copy(entry->device, sizeof entry->device, item->sig->path);
    oph__copy(entry->pv, sizeof entry->pv, item->sig->set->name);
    show(item, &found->set, entry->found, sizeof entry->found);
    show(item, &now->set, entry->now, sizeof entry->now);
}

static void add_outcomes(struct recovering *r, const struct oph__plan *plan,
                         struct oph__read *found, struct oph__read *now)
{
    for (size_t i = plan->items.count; found && now && i-- > 0;)
        add_outcome(r, plan->items.at[i], &found[i], &now[i]);
}

static void free_reads(struct oph__read *reads, size_t count)
{
    if (reads) oph__reads_clear(reads, count);
    free(reads);
}

/* One journal */

/* Those that are down are told one by one. */
static int connect(const struct oph__plan *plan, oph_error *err)
{
    int rc = oph__plan_connect(plan, NULL, err);
    return rc == OPH_EDISCONN || rc == OPH_ETIMEOUT || rc == OPH_EACCESS ? 0 : rc;
}

static void restore(struct recovering *r, struct oph__plan *plan)
{
    oph_error err = OPH_ERROR_INIT;
    struct oph__read *found = read_settings(plan);
    int rc = oph__plan_restore(plan, false, r->report, &err); /* its errors are in the report */
    if (rc && !r->first.code) r->first = err;
    struct oph__read *now = read_settings(plan);
    add_outcomes(r, plan, found, now);
    free_reads(found, plan->items.count);
    free_reads(now, plan->items.count);
}

static void recover_one(struct recovering *r, struct claimed *c)
{
    oph_error err = OPH_ERROR_INIT;
    struct oph__plan *plan = NULL;
    int rc = oph__recover_plan(r->ctx, &c->content, &plan, &err);
    if (!rc) {
        plan->journal = c->journal;
        c->journal = NULL;
        rc = connect(plan, &err);
    }
    if (!rc) rc = check_ioc(r, plan, c->file, &err);
    if (!rc) rc = settle_starts(r, plan, &c->content.records, &err);
    if (rc)
        failed(r, &err);
    else
        restore(r, plan);
    if (plan) oph__recover_plan_free(plan);
}

static void recover(struct recovering *r)
{
    oph_error err = OPH_ERROR_INIT;
    if (claim_all(r, &err)) failed(r, &err);
    for (size_t i = 0; i < r->claimed.count; i++) {
        recover_one(r, r->claimed.at[i]);
        free_claimed(r->claimed.at[i]);
    }
    oph__vec_free(&r->claimed);
}

static int use_options(struct recovering *r, const oph_recover_options *opt, oph_error *err)
{
    oph_recover_options *o = &r->options;
    if (opt && opt->size < sizeof opt->size)
        return oph__fail_text(err, OPH_EINVAL,
                              "oph_recover: wanted the size of oph_recover_options, found %u",
                              (unsigned)opt->size);
    if (opt) memcpy(o, opt, opt->size < sizeof *o ? opt->size : sizeof *o);
    if (!(o->timeout >= 0) || o->flags & ~(uint32_t)(OPH_RECOVER_STOP | OPH_RECOVER_ANY_SERVER))
        return oph__fail_text(err, OPH_EINVAL,
                              "oph_recover: wanted known flags and a timeout of zero or more "
                              "seconds, found flags %#x and %g s",
                              o->flags, o->timeout);
    if (o->timeout == 0) o->timeout = r->ctx->options.stop_timeout;
    return 0;
}

int oph_recover(oph_context *ctx, const char *prefix, const oph_recover_options *opt,
                oph_recovery **ret_recovery, oph_report **ret_report, oph_error *err)
{
    struct recovering r = {.ctx = ctx, .prefix = prefix};
    int rc = oph__context_may_block(ctx, err);
    if (!rc) rc = use_options(&r, opt, err);
    if (!rc && !(r.recovery = calloc(1, sizeof *r.recovery)))
        rc = oph__fail_memory(err, "a list of what was recovered");
    if (rc) return rc;
    struct oph__call call;
    r.report = oph__report_new();
    oph__call_begin(&ctx->waits, &call);
    recover(&r);
    oph__call_end(&ctx->waits, &call);
    if (r.first.code && err) *err = r.first;
    oph__report_give(r.report, ret_report);
    if (ret_recovery)
        *ret_recovery = r.recovery;
    else
        oph_recovery_free(r.recovery);
    return r.first.code;
}

void oph__recover_own(oph_device *dev)
{
    oph_context *ctx = dev->ctx;
    struct recovering r = {.ctx = ctx,
                           .prefix = dev->prefix,
                           .own = true,
                           .options.timeout = ctx->options.stop_timeout};
    if (!atomic_load(&ctx->left) || !(r.recovery = calloc(1, sizeof *r.recovery))) return;
    r.report = oph__report_new();
    recover(&r);
    for (size_t i = 0; i < oph_report_count(r.report); i++)
        oph__log(&ctx->log, OPH_LOG_WARNING, "before staging %s: %s", dev->path,
                 oph_report_at(r.report, i)->text);
    oph_report_free(r.report);
    oph_recovery_free(r.recovery);
}

size_t oph_recovery_count(const oph_recovery *recovery)
{
    return recovery ? recovery->list.count : 0;
}

const oph_recovered *oph_recovery_at(const oph_recovery *recovery, size_t index)
{
    return index < oph_recovery_count(recovery) ? recovery->list.at[index] : NULL;
}

void oph_recovery_free(oph_recovery *recovery)
{
    if (!recovery) return;
    for (size_t i = 0; i < recovery->list.count; i++)
        free(recovery->list.at[i]);
    oph__vec_free(&recovery->list);
    free(recovery);
}
