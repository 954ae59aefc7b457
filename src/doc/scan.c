/* The plan that moves axes together, in equal steps. */
#include "base/err.h"
#include "base/str.h"
#include "doc/json.h"
#include "doc/plan.h"
#include <cophyd/acquire.h>
#include <cophyd/class.h>
#include <cophyd/motor.h>
#include <cophyd/status.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Axes */

static struct oph__object *object_of(const struct oph__doc_plan *plan, size_t axis)
{
    return &plan->run.objects[plan->run.object_count - plan->axis_count + axis];
}

/* As its row says, and as the limits of its record stand now. An IOC lets clients write readbacks,
 * too. */
static int check_signal(oph_signal *sig, double position, oph_error *err)
{
    oph_properties is = {.size = sizeof is};
    oph_row row;
    int rc = oph_signal_properties(sig, OPH_PART_SETPOINT, OPH_DEFAULT, &is, err);
    const struct oph__at at = {.device = oph_signal_path(sig), .pv = oph_signal_pv(sig)};
    if (rc) return rc;
    oph_signal_row(sig, &row);
    if (!is.writable) return oph__fail(err, OPH_EACCESS, at, "to write it", "no write access");
    if (row.how == OPH_HOW_RO)
        return oph__fail(err, OPH_EACCESS, at, "to write it", "an attribute that is read-only");
    if (is.dtype == OPH_TEXT || is.dtype == OPH_ENUM || is.count != 1)
        return oph__fail(err, OPH_ETYPE, at, "a number to scan", "%s, %u element%s",
                         oph_dtype_name(is.dtype), (unsigned)is.count, is.count == 1 ? "" : "s");
    bool limited = is.control_low < is.control_high;
    if (isfinite(position) &&
        (!limited || (position >= is.control_low && position <= is.control_high)))
        return 0;
    char wanted[120] = "a finite number";
    if (limited)
        oph__format(wanted, sizeof wanted, "a number from %g to %g", is.control_low,
                    is.control_high);
    return oph__fail(err, OPH_ERANGE, at, wanted, "%g", position);
}

/* What lies between two places that are allowed is allowed. */
static int check_axis(const oph_scan_axis *axis, oph_error *err)
{
    const double ends[] = {axis->start, axis->stop};
    int rc = 0;
    for (int i = 0; !rc && i < 2; i++)
        rc = axis->motor ? oph_move_check(axis->motor, ends[i], err)
                         : check_signal(axis->signal, ends[i], err);
    return rc;
}

static int prepare(struct oph__doc_plan *plan, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < plan->axis_count; i++) {
        const oph_scan_axis *axis = &plan->axes[i];
        struct oph__object object = {.dev = axis->motor, .sig = axis->signal, .is_axis = true};
        if (!axis->motor == !axis->signal)
            rc = oph__doc_plan_wrong(plan, "a motor or a signal in each axis",
                                     axis->motor ? "both" : "neither", err);
        if (!rc) rc = oph__doc_plan_add(plan, object, err);
    }
    for (size_t i = 0; !rc && i < plan->axis_count; i++)
        rc = check_axis(&plan->axes[i], err);
    return rc;
}

/* Moving */

static double place(const struct oph__doc_plan *plan, const oph_scan_axis *axis, int64_t index)
{
    if (index == plan->points - 1 && index > 0) return axis->stop;
    double step = plan->points > 1 ? (axis->stop - axis->start) / (double)(plan->points - 1) : 0;
    return axis->start + step * (double)index;
}

static int start_axis(const struct oph__doc_plan *plan, const oph_scan_axis *axis, double position,
                      oph_status **ret, oph_error *err)
{
    double timeout = plan->run.options.move_timeout;
    const oph_move_options how = {.size = sizeof how, .timeout = timeout};
    const oph_put_options put = {
        .size = sizeof put, .flags = OPH_PUT_CHECK_LIMITS, .timeout = timeout, .patience = timeout};
    if (axis->motor) return oph_move_start(axis->motor, position, &how, ret, err);
    return oph_signal_put_start(axis->signal, OPH_DOUBLE(position), &put, ret, err);
}

static int move(struct oph__doc_plan *plan, int64_t index, oph_error *err)
{
    oph_status **parts = calloc(plan->axis_count, sizeof(oph_status *));
    size_t begun = 0;
    int rc = parts ? 0 : oph__fail_memory(err, "a run");
    for (; !rc && begun < plan->axis_count; begun++) {
        const oph_scan_axis *axis = &plan->axes[begun];
        rc = start_axis(plan, axis, place(plan, axis, index), &parts[begun], err);
    }
    if (!rc) rc = oph__doc_wait(parts, plan->axis_count, 0, err);
    for (size_t i = 0; parts && i < plan->axis_count; i++) {
        if (rc && parts[i]) oph_status_cancel(parts[i], NULL);
        oph_status_unref(parts[i]);
    }
    free(parts);
    return rc;
}

/* Waits until each stands, also the one that had failed. */
static void stop(struct oph__doc_plan *plan, oph_error *err)
{
    for (size_t i = 0; i < plan->axis_count; i++)
        if (plan->axes[i].motor) oph_stop(plan->axes[i].motor, err->code ? NULL : err);
}

static void where(const struct oph__doc_plan *plan, int64_t index, char *text, size_t size)
{
    char number[40];
    size_t used = 0;
    for (size_t i = 0; i < plan->axis_count && used + 1 < size; i++) {
        double at = place(plan, &plan->axes[i], index);
        oph__format(text + used, size - used, ", %s at %s", object_of(plan, i)->name,
                    oph__from_double(number, sizeof number, at));
        used += strlen(text + used);
    }
}

/* The start document */

static json_t *axis_names(const struct oph__doc_plan *plan)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plan->axis_count; i++)
        list = oph__json_add(list, oph__json_string(object_of(plan, i)->name));
    return list;
}

static json_t *axis_arguments(const struct oph__doc_plan *plan)
{
    json_t *list = axis_names(plan), *all = json_array();
    for (size_t i = 0; i < plan->axis_count; i++) {
        all = oph__json_add(all, json_incref(json_array_get(list, i)));
        all = oph__json_add(all, json_real(plan->axes[i].start));
        all = oph__json_add(all, json_real(plan->axes[i].stop));
    }
    json_decref(list);
    return all;
}

/* All axes are one dimension: they move together. */
static json_t *dimensions(const struct oph__doc_plan *plan)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < plan->axis_count; i++) {
        const struct oph__object *object = object_of(plan, i);
        oph_keys *keys = NULL;
        if (object->sig) fields = oph__json_add(fields, oph__json_string(object->name));
        if (object->dev && oph_hints(object->dev, &keys, NULL))
            fields = oph__json_add(fields, NULL);
        for (size_t k = 0; k < oph_keys_count(keys); k++)
            fields = oph__json_add(fields, json_string(oph_keys_at(keys, k)));
        oph_keys_free(keys);
    }
    return json_pack("{s:[[o, s]]}", "dimensions", fields, "primary");
}

static json_t *start(const struct oph__doc_plan *plan)
{
    json_int_t points = plan->points;
    json_t *detectors = oph__doc_names(&plan->run);
    return json_pack("{s:o, s:{s:o, s:I, s:o, s:s}, s:s, s:s, s:{s:I, s:o}, s:o}", "motors",
                     axis_names(plan), "plan_args", "detectors", detectors, "num", points, "args",
                     axis_arguments(plan), "per_step", "None", "plan_pattern", "inner_product",
                     "plan_pattern_module", "bluesky.plan_patterns", "plan_pattern_args", "num",
                     points, "args", axis_arguments(plan), "hints", dimensions(plan));
}

int oph_scan(oph_context *ctx, oph_device *const *detectors, size_t detector_count,
             const oph_scan_axis *axes, size_t axis_count, int64_t points, oph_document_fn *sink,
             void *user, const oph_count_options *opt, oph_error *err)
{
    struct oph__doc_plan plan = {.name = "scan",
                                 .run = {.ctx = ctx, .sink = sink, .user = user},
                                 .crew = {.devices = detectors, .count = detector_count},
                                 .points = points,
                                 .axes = axes,
                                 .axis_count = axis_count,
                                 .prepare = prepare,
                                 .start = start,
                                 .move = move,
                                 .stop = stop,
                                 .where = where};
    return oph__doc_plan_run(&plan, opt, err);
}
