/* A plan to be looked at: made like that of a stage, prepared and checked, and never applied. */
#include "base/err.h"
#include "base/str.h"
#include "core/connect.h"
#include "core/stage.h"
#include <cophyd/plan.h>
#include <stdlib.h>
#include <string.h>

struct oph_plan {
    size_t count;
    struct oph__vec texts; /* that the rows are made of */
    oph_plan_row rows[];
};

void oph_plan_free(oph_plan *plan)
{
    if (!plan) return;
    for (size_t i = 0; i < plan->texts.count; i++)
        free(plan->texts.at[i]);
    oph__vec_free(&plan->texts);
    free(plan);
}

size_t oph_plan_count(const oph_plan *plan)
{
    return plan ? plan->count : 0;
}

const oph_plan_row *oph_plan_at(const oph_plan *plan, size_t index)
{
    return index < oph_plan_count(plan) ? &plan->rows[index] : NULL;
}

/* NULL when memory is short. */
static const char *keep(oph_plan *plan, const char *text)
{
    char *copy = oph__dup(text);
    if (copy && oph__vec_add(&plan->texts, copy)) return copy;
    free(copy);
    return NULL;
}

enum { SHOWN = 600 }; /* a path has 512 at most */

static const char *keep_value(oph_plan *plan, const struct oph__item *item,
                              const struct oph_value *value)
{
    char shown[SHOWN];
    return keep(plan, oph__value_show(value, &item->info, shown, sizeof shown));
}

static const struct oph_value *readback(const struct oph__item *item)
{
    return item->sig->read == item->sig->set ? &item->set : &item->read;
}

/* As the readback has it, a value that is put. */
static bool differs(const struct oph__item *item)
{
    const struct oph__wire set = {
        .dtype = item->set.dtype, .count = item->set.count, .data = item->set.data};
    return !oph__item_is(item, readback(item), item->sig->read, &set);
}

static uint32_t flags_of(const struct oph__item *item)
{
    uint32_t flags = 0;
    if (oph__item_starts(item)) flags |= OPH_PLAN_STARTS;
    if (item->skipped) flags |= OPH_PLAN_SKIPPED;
    if (differs(item)) flags |= OPH_PLAN_DIFFERS;
    if (oph__item_ran(item)) flags |= OPH_PLAN_STOPPED;
    return flags;
}

enum { SETTINGS = 1, STARTS = 2 }; /* steps */

static int fill_row(oph_plan *plan, oph_plan_row *row, const struct oph__item *item, oph_error *err)
{
    const struct oph_value wanted = oph__wire_value(&item->wire);
    bool back = oph__item_comes_back(item) && !item->skipped;
    *row = (oph_plan_row){.device = keep(plan, item->sig->path),
                          .pv = keep(plan, item->sig->set->name),
                          .readback_pv = keep(plan, item->sig->read->name),
                          .setpoint_found = keep_value(plan, item, &item->set),
                          .readback_found = keep_value(plan, item, readback(item)),
                          .value = keep_value(plan, item, &wanted),
                          .restore = back ? keep_value(plan, item, oph__item_former(item)) : NULL,
                          .step = item->skipped            ? 0
                                  : oph__item_starts(item) ? STARTS
                                                           : SETTINGS,
                          .flags = flags_of(item)};
    bool whole = row->device && row->pv && row->readback_pv && row->setpoint_found &&
                 row->readback_found && row->value && (row->restore || !back);
    return whole ? 0 : oph__fail_memory(err, "a plan");
}

static int picture(const struct oph__plan *of, oph_plan **ret, oph_error *err)
{
    oph_plan *plan = calloc(1, sizeof *plan + of->items.count * sizeof plan->rows[0]);
    if (!plan) return oph__fail_memory(err, "a plan");
    int rc = 0;
    for (; !rc && plan->count < of->items.count; plan->count++)
        rc = fill_row(plan, &plan->rows[plan->count], of->items.at[plan->count], err);
    if (rc)
        oph_plan_free(plan);
    else
        *ret = plan;
    return rc;
}

static int make(oph_device *dev, const oph_stage_options *opt, oph_plan **ret, oph_report *report,
                oph_error *err)
{
    struct oph__plan *plan = NULL;
    int rc = oph__connect(dev, OPH_DEFAULT, report, err);
    if (!rc) rc = oph__plan_new(dev, &plan, err);
    if (rc) return rc;
    plan->options = *opt;
    plan->dry = true;
    rc = oph__plan_fill(plan, err);
    if (!rc) rc = oph__plan_check(plan, report, err);
    if (!rc) rc = picture(plan, ret, err);
    oph__plan_free(plan);
    return rc;
}

int oph_plan_new(oph_device *dev, const oph_stage_options *opt, oph_plan **ret,
                 oph_report **ret_report, oph_error *err)
{
    const struct oph__rule *rule;
    oph_stage_options options;
    int rc = oph__stage_options(dev, opt, &options, err);
    if (!rc) rc = oph__tree_enter(dev, OPH__VERB_PLAN, &rule, err);
    if (rc) return rc;
    oph_error cause = OPH_ERROR_INIT;
    oph_report *report = oph__report_new();
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    oph__staging_begin(dev->tree, &call);
    rc = make(dev, &options, ret, report, &cause);
    oph__staging_end(dev->tree);
    oph__call_end(&dev->ctx->waits, &call);
    if (rc && !oph_report_count(report)) oph__report_add(report, &cause);
    oph__report_give(report, ret_report);
    if (rc && err) *err = cause;
    return rc;
}

/* The table */

static void add_notes(struct oph__buf *buf, const oph_plan_row *row)
{
    static const struct {
        uint32_t flag;
        const char *note;
    } notes[] = {{OPH_PLAN_STOPPED, "stopped first"},
                 {OPH_PLAN_SKIPPED, "not written"},
                 {OPH_PLAN_STARTS, "starts"},
                 {OPH_PLAN_DIFFERS, "readback differs"}};
    const char *between = "  ";
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        if (!(row->flags & notes[i].flag)) continue;
        oph__buf_addf(buf, "%s%s", between, notes[i].note);
        between = ", ";
    }
}

enum { COLUMNS = 7 };

static void texts_of(const oph_plan_row *row, char step[12], const char *ret[COLUMNS])
{
    oph__format(step, 12, "%d", (int)row->step);
    if (!row->step) oph__copy(step, 12, "-");
    const char *texts[COLUMNS] = {step,
                                  row->pv,
                                  row->value,
                                  strcmp(row->readback_pv, row->pv) ? row->readback_pv : "",
                                  row->setpoint_found,
                                  row->readback_found,
                                  row->restore ? row->restore : "nothing"};
    memcpy(ret, texts, sizeof texts);
}

/* What a line ends with is not filled up. */
static void add_line(struct oph__buf *buf, const char *const texts[COLUMNS],
                     const size_t widths[COLUMNS], bool goes_on)
{
    for (int i = 0; i < COLUMNS; i++) {
        int width = i + 1 < COLUMNS || goes_on ? (int)widths[i] : 0;
        oph__buf_addf(buf, "%s%-*s", i ? "  " : "", width, texts[i]);
    }
}

size_t oph_plan_text(const oph_plan *plan, char *buffer, size_t size)
{
    static const char *const heads[COLUMNS] = {"step",   "PV",           "value",   "readback",
                                               "PV was", "readback was", "put back"};
    struct oph__buf buf = {0};
    size_t widths[COLUMNS];
    const char *texts[COLUMNS];
    char step[12];
    for (int c = 0; c < COLUMNS; c++) {
        widths[c] = strlen(heads[c]);
        for (size_t i = 0; i < plan->count; i++) {
            texts_of(&plan->rows[i], step, texts);
            if (strlen(texts[c]) > widths[c]) widths[c] = strlen(texts[c]);
        }
    }
    add_line(&buf, heads, widths, false);
    oph__buf_add(&buf, "\n");
    for (size_t i = 0; i < plan->count; i++) {
        texts_of(&plan->rows[i], step, texts);
        add_line(&buf, texts, widths, plan->rows[i].flags != 0);
        add_notes(&buf, &plan->rows[i]);
        oph__buf_add(&buf, "\n");
    }
    oph__copy(buffer, size, buf.failed ? "" : buf.text);
    size_t length = buf.len;
    oph__buf_free(&buf);
    return length;
}
