/* What all plans share: their options, what they read, and the loop over their points. */
#include "doc/plan.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include <cophyd/class.h>
#include <cophyd/status.h>
#include <stdlib.h>
#include <string.h>

int oph__doc_plan_wrong(const struct oph__doc_plan *plan, const char *wanted, const char *found,
                        oph_error *err)
{
    return oph__fail_text(err, OPH_EINVAL, "a %s: wanted %s, found %s", plan->name, wanted, found);
}

static int take_options(struct oph__doc_plan *plan, const oph_count_options *opt, oph_error *err)
{
    oph_count_options *o = &plan->run.options;
    if (!opt) return 0;
    if (opt->size < sizeof opt->size || opt->size > sizeof *opt)
        return oph__doc_plan_wrong(plan, "the size of oph_count_options", "another", err);
    memcpy(o, opt, opt->size);
    if (o->form != OPH_DOCUMENT_RESOURCE && o->form != OPH_DOCUMENT_STREAM)
        return oph__doc_plan_wrong(plan, "a form of documents", "another number", err);
    if (!(o->timeout >= 0) || !(o->move_timeout >= 0))
        return oph__doc_plan_wrong(plan, "a timeout of 0 or more", "less", err);
    if (!(o->delay >= 0) || isinf(o->delay))
        return oph__doc_plan_wrong(plan, "a delay of 0 or more", "another", err);
    if (o->root && o->root[0] != '/')
        return oph__doc_plan_wrong(plan, "an absolute root", o->root, err);
    return 0;
}

/* What is read */

/* Under a name as keys have it. */
int oph__doc_plan_add(struct oph__doc_plan *plan, struct oph__object object, oph_error *err)
{
    struct oph__doc_run *run = &plan->run;
    const char *name = object.dev ? oph_device_name(object.dev) : oph_signal_path(object.sig);
    object.name = oph__dup(name);
    if (!object.name) return oph__fail_memory(err, "a run");
    for (char *c = object.name; *c; c++)
        if (*c == '.') *c = '_';
    for (size_t i = 0; i < run->object_count; i++) {
        if (!oph__equal(run->objects[i].name, object.name)) continue;
        oph__fail(err, OPH_EINVAL, (struct oph__at){.device = name},
                  "a detector or a signal once in a run", "two of that name");
        free(object.name);
        return OPH_EINVAL;
    }
    run->objects[run->object_count++] = object;
    return 0;
}

/* Before anything is staged for it. */
static int check_trigger(oph_context *ctx, oph_device *dev, oph_error *err)
{
    oph_class_info info = {.size = sizeof info};
    int rc = oph_class_describe(ctx, oph_device_class(dev), &info, err);
    if (rc || info.trigger[0]) return rc;
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = oph_device_path(dev)},
                     "to trigger", "class %s, which has no trigger (SingleTrigger)", info.name);
}

static int add_objects(struct oph__doc_plan *plan, oph_error *err)
{
    const struct oph__crew *crew = &plan->crew;
    size_t signals = plan->run.options.signal_count, all = crew->count + signals + plan->axis_count;
    int rc = 0;
    if (!all) return oph__doc_plan_wrong(plan, "a detector or a signal", "neither", err);
    plan->run.objects = calloc(all, sizeof *plan->run.objects);
    if (!plan->run.objects) return oph__fail_memory(err, "a run");
    for (size_t i = 0; !rc && i < crew->count; i++) {
        rc = check_trigger(plan->run.ctx, crew->devices[i], err);
        if (!rc) rc = oph__doc_plan_add(plan, (struct oph__object){.dev = crew->devices[i]}, err);
    }
    for (size_t i = 0; !rc && i < signals; i++)
        rc =
            oph__doc_plan_add(plan, (struct oph__object){.sig = plan->run.options.signals[i]}, err);
    return rc;
}

/* Points */

static void tell_progress(const struct oph__doc_plan *plan, double begun)
{
    const struct oph__doc_run *run = &plan->run;
    oph_run_point at = {.size = sizeof at, .done = run->events, .points = plan->points};
    if (!run->options.progress) return;
    at.elapsed = oph__now() - begun;
    at.remaining =
        run->events ? at.elapsed / (double)at.done * (double)(at.points - at.done) : (double)NAN;
    for (size_t i = 0; !at.file && i < run->fields.count; i++) {
        const struct oph__field *field = run->fields.at[i];
        if (field->image) at.file = field->image->file;
    }
    run->options.progress(run->options.progress_user, &at);
}

/* Until a moment. Also where that is over it looks for an interrupt, which finds nothing else to
 * end where nothing at a point has to be waited for; a wait of no time at all would not. */
static int pause_until(const struct oph__doc_plan *plan, double when, oph_error *err)
{
    oph_error why = OPH_ERROR_INIT;
    int rc = oph_status_wait(plan->never, fmax(1e-9, when - oph__now()), &why);
    if (rc == OPH_ETIMEOUT) return 0;
    if (err) *err = why;
    return rc;
}

/* Which point it was, before what went wrong there. */
static void name_point(const struct oph__doc_plan *plan, int64_t index, oph_error *err)
{
    char where[160] = "", text[sizeof err->text];
    if (plan->where) plan->where(plan, index, where, sizeof where);
    oph__copy(text, sizeof text, err->text);
    oph__format(err->text, sizeof err->text, "point %lld of %lld%s: %s", (long long)index + 1,
                (long long)plan->points, where, text);
}

static int take_point(struct oph__doc_plan *plan, int64_t index, oph_error *err)
{
    struct oph__doc_run *run = &plan->run;
    int rc = plan->move ? plan->move(plan, index, err) : 0;
    if (!rc) rc = oph__crew_trigger(&plan->crew, run->options.timeout, err);
    run->triggered = oph__doc_time();
    if (!rc && !run->events) rc = oph__doc_describe(run, err);
    return rc ? rc : oph__doc_event(run, err);
}

static int take_points(struct oph__doc_plan *plan, oph_error *err)
{
    struct oph__doc_run *run = &plan->run;
    double begun = oph__now(), last = begun, delay = run->options.delay;
    int rc = 0;
    for (int64_t i = 0; !rc && i < plan->points; i++) {
        rc = pause_until(plan, i ? last + delay : begun, err);
        last = oph__now();
        if (!rc) rc = take_point(plan, i, err);
        if (!rc) tell_progress(plan, begun);
        if (rc && !run->broken) name_point(plan, i, err); /* the sink's own words stay */
    }
    return rc;
}

/* However it ends: the axes stand, then all is put back, then the stop document tells of it. What
 * is not as before is said in the error where no report can. */
static int run_staged(struct oph__doc_plan *plan, json_t *metadata, oph_error *err)
{
    oph_error cause = OPH_ERROR_INIT, moving = OPH_ERROR_INIT, left = OPH_ERROR_INIT;
    struct oph__doc_run *run = &plan->run;
    int rc = oph__doc_start(run, plan->name, plan->points, plan->start(plan), metadata, &cause);
    if (!rc) rc = take_points(plan, &cause);
    if (rc && plan->stop) plan->stop(plan, &moving);
    oph__doc_add(&cause, &moving);
    oph__crew_unstage(&plan->crew, &left);
    oph_error all = cause;
    oph__doc_add(&all, &left);
    rc = all.code;
    if (rc && err) *err = cause.code && plan->crew.reports ? cause : all;
    int stopped = oph__doc_stop(run, &all, rc ? NULL : err);
    return rc ? rc : stopped;
}

int oph__doc_plan_run(struct oph__doc_plan *plan, const oph_count_options *opt, oph_error *err)
{
    struct oph__doc_run *run = &plan->run;
    json_t *metadata = NULL;
    int rc = take_options(plan, opt, err);
    plan->crew.reports = run->options.reports;
    for (size_t i = 0; !rc && plan->crew.reports && i < plan->crew.count; i++)
        plan->crew.reports[i] = NULL;
    if (!rc && plan->points < 1) rc = oph__doc_plan_wrong(plan, "1 point or more", "less", err);
    if (!rc && !run->sink) rc = oph__doc_plan_wrong(plan, "a sink", "none", err);
    if (!rc && plan->move && !plan->axis_count)
        rc = oph__doc_plan_wrong(plan, "an axis", "none", err);
    if (!rc) rc = add_objects(plan, err);
    if (!rc) rc = oph_group_new(run->ctx, &run->group, err); /* OPH_EFORK before anything is done */
    if (!rc) rc = oph_status_new(run->ctx, "the pause before it", OPH_FOREVER, &plan->never, err);
    if (!rc) rc = oph__metadata_parse(run->options.metadata, &metadata, err);
    if (!rc && plan->prepare) rc = plan->prepare(plan, err);
    if (!rc) rc = oph__crew_stage(&plan->crew, err);
    if (!rc)
        rc = run_staged(plan, metadata, err);
    else
        json_decref(metadata);
    if (plan->never) oph_status_finish(plan->never, NULL);
    oph_status_unref(plan->never);
    oph__doc_clear(run);
    return rc;
}
