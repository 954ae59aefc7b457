/* The plan that takes points, one like the other. */
#include "base/err.h"
#include "base/str.h"
#include "doc/run.h"
#include <stdlib.h>
#include <string.h>

static int wrong(const char *wanted, const char *found, oph_error *err)
{
    return oph__fail_text(err, OPH_EINVAL, "a count: wanted %s, found %s", wanted, found);
}

static int take_options(struct oph__doc_run *run, const oph_count_options *opt, oph_error *err)
{
    oph_count_options *o = &run->options;
    if (!opt) return 0;
    if (opt->size < sizeof opt->size || opt->size > sizeof *opt)
        return wrong("the size of oph_count_options", "another", err);
    memcpy(o, opt, opt->size);
    if (o->form != OPH_DOCUMENT_RESOURCE && o->form != OPH_DOCUMENT_STREAM)
        return wrong("a form of documents", "another number", err);
    if (o->timeout < 0) return wrong("a timeout of 0 or more", "less", err);
    if (o->root && o->root[0] != '/') return wrong("an absolute root", o->root, err);
    return 0;
}

/* Under a name as keys have it. */
static int add(struct oph__doc_run *run, struct oph__object object, const char *name,
               oph_error *err)
{
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

static int add_objects(struct oph__doc_run *run, oph_device *const *detectors, size_t count,
                       oph_error *err)
{
    size_t signals = run->options.signal_count;
    if (!count && !signals) return wrong("a detector or a signal", "neither", err);
    int rc = 0;
    run->objects = calloc(count + signals, sizeof *run->objects);
    if (!run->objects) return oph__fail_memory(err, "a run");
    for (size_t i = 0; !rc && i < count; i++)
        rc =
            add(run, (struct oph__object){.dev = detectors[i]}, oph_device_name(detectors[i]), err);
    for (size_t i = 0; !rc && i < signals; i++) {
        oph_signal *sig = run->options.signals[i];
        rc = add(run, (struct oph__object){.sig = sig}, oph_signal_path(sig), err);
    }
    return rc;
}

static int take_point(struct oph__doc_run *run, const struct oph__crew *crew, oph_error *err)
{
    int rc = oph__crew_trigger(crew, run->options.timeout, err);
    run->triggered = oph__doc_time();
    if (!rc && !run->events) rc = oph__doc_describe(run, err);
    return rc ? rc : oph__doc_event(run, err);
}

static int count_staged(struct oph__doc_run *run, const struct oph__crew *crew, int64_t points,
                        json_t *metadata, oph_error *err)
{
    oph_error cause = OPH_ERROR_INIT, left = OPH_ERROR_INIT;
    int rc = oph__doc_start(run, "count", points, metadata, &cause);
    for (int64_t i = 0; !rc && i < points; i++)
        rc = take_point(run, crew, &cause);
    oph__crew_unstage(crew, &left);
    if (!rc) cause = left;
    rc = cause.code;
    if (rc && err) *err = cause;
    int stopped = oph__doc_stop(run, &cause, &left, rc ? NULL : err);
    return rc ? rc : stopped;
}

int oph_count(oph_context *ctx, oph_device *const *detectors, size_t detector_count, int64_t points,
              oph_document_fn *sink, void *user, const oph_count_options *opt, oph_error *err)
{
    struct oph__doc_run run = {.ctx = ctx, .sink = sink, .user = user};
    struct oph__crew crew = {.devices = detectors, .count = detector_count};
    json_t *metadata = NULL;
    int rc = take_options(&run, opt, err);
    crew.reports = run.options.reports;
    for (size_t i = 0; !rc && crew.reports && i < detector_count; i++)
        crew.reports[i] = NULL;
    if (!rc && points < 1) rc = wrong("1 point or more", "less", err);
    if (!rc && !sink) rc = wrong("a sink", "none", err);
    if (!rc) rc = add_objects(&run, detectors, detector_count, err);
    if (!rc) rc = oph_group_new(ctx, &run.group, err); /* OPH_EFORK before anything is done */
    if (!rc) rc = oph__metadata_parse(run.options.metadata, &metadata, err);
    if (!rc) rc = oph__crew_stage(&crew, err);
    if (!rc)
        rc = count_staged(&run, &crew, points, metadata, err);
    else
        json_decref(metadata);
    oph__doc_clear(&run);
    return rc;
}
