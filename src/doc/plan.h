/* Plans: what a run does at each point. */
#ifndef DOC_PLAN_H
#define DOC_PLAN_H

#include "doc/run.h"

struct oph__doc_plan {
    const char *name; /* "count" */
    struct oph__doc_run run;
    struct oph__crew crew;
    int64_t points;
    const oph_scan_axis *axes;
    size_t axis_count;
    json_t *(*start)(const struct oph__doc_plan *plan); /* more members of the start document */
    /* Each may be NULL. Before anything is staged: refuses, and adds what else is read. */
    int (*prepare)(struct oph__doc_plan *plan, oph_error *err);
    int (*move)(struct oph__doc_plan *plan, int64_t index, oph_error *err); /* before a trigger */
    void (*stop)(struct oph__doc_plan *plan, oph_error *err);               /* after a failure */
    /* Where a point is, for errors: ", x at 2.5". */
    void (*where)(const struct oph__doc_plan *plan, int64_t index, char *text, size_t size);
    oph_status *never; /* is not done while the run lasts: what pauses wait for */
};

/* Runs a plan whose name, detectors, points, context and sink are filled in, and clears it. */
int oph__doc_plan_run(struct oph__doc_plan *plan, const oph_count_options *opt, oph_error *err);

/* Reads it at each point, too; there is room for the axes. */
int oph__doc_plan_add(struct oph__doc_plan *plan, struct oph__object object, oph_error *err);
/* OPH_EINVAL: "a count: wanted ..., found ...". */
int oph__doc_plan_wrong(const struct oph__doc_plan *plan, const char *wanted, const char *found,
                        oph_error *err);

#endif
