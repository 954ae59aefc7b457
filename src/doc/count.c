/* The plan that takes points, one like the other. */
#include "doc/plan.h"

static json_t *start(const struct oph__doc_plan *plan)
{
    json_int_t points = plan->points;
    return json_pack("{s:{s:o, s:I, s:f}}", "plan_args", "detectors", oph__doc_names(&plan->run),
                     "num", points, "delay", plan->run.options.delay);
}

int oph_count(oph_context *ctx, oph_device *const *detectors, size_t detector_count, int64_t points,
              oph_document_fn *sink, void *user, const oph_count_options *opt, oph_error *err)
{
    struct oph__doc_plan plan = {.name = "count",
                                 .run = {.ctx = ctx, .sink = sink, .user = user},
                                 .crew = {.devices = detectors, .count = detector_count},
                                 .points = points,
                                 .start = start};
    return oph__doc_plan_run(&plan, opt, err);
}
