#include "base/err.h"
#include "base/vec.h"

#include <stdlib.h>

struct oph_report {
    struct oph__vec entries; /* of oph_error, each for itself: they stay where they are */
    oph_error last;          /* where memory was short: says how many are missing */
    size_t missing;
};

oph_report *oph__report_new(void)
{
    return calloc(1, sizeof(oph_report));
}

static void count_missing(oph_report *report)
{
    report->missing++;
    oph__fail_text(&report->last, OPH_ENOMEM,
                   "no memory for the report: %zu of its lines are missing", report->missing);
}

void oph__report_add(oph_report *report, const oph_error *err)
{
    if (!report || !err->code) return;
    oph_error *copy = malloc(sizeof *copy);
    if (copy) *copy = *err;
    if (!copy || !oph__vec_add(&report->entries, copy)) {
        free(copy);
        count_missing(report);
    }
}

int oph__report_note(oph_report *report, const oph_error *one, int rc, oph_error *err)
{
    oph__report_add(report, one);
    if (rc) return rc;
    if (err) *err = *one;
    return one->code;
}

void oph__report_give(oph_report *report, oph_report **ret)
{
    if (ret)
        *ret = report;
    else
        oph_report_free(report);
}

size_t oph_report_count(const oph_report *report)
{
    return report ? report->entries.count + (report->missing > 0) : 0;
}

const oph_error *oph_report_at(const oph_report *report, size_t index)
{
    if (index >= oph_report_count(report)) return NULL;
    return index < report->entries.count ? report->entries.at[index] : &report->last;
}

void oph_report_print(const oph_report *report, FILE *out)
{
    for (size_t i = 0; i < oph_report_count(report); i++)
        oph_error_print(oph_report_at(report, i), out);
}

void oph_report_free(oph_report *report)
{
    if (!report) return;
    for (size_t i = 0; i < report->entries.count; i++)
        free(report->entries.at[i]);
    oph__vec_free(&report->entries);
    free(report);
}
