/* The event of a point. */
#include "base/err.h"
#include "doc/json.h"
#include "doc/run.h"

struct event {
    json_t *data, *timestamps, *filled;
};

static int set(struct event *e, const char *key, json_t *value, double time, oph_error *err)
{
    bool failed = json_object_set_new(e->data, key, value);
    failed |= json_object_set_new(e->timestamps, key, json_real(time)) != 0;
    return failed ? oph__fail_memory(err, "a document") : 0;
}

static double time_of(const oph_value *value)
{
    int64_t seconds;
    int32_t nanoseconds;
    oph_value_time(value, &seconds, &nanoseconds);
    return (double)seconds + nanoseconds * 1e-9;
}

static int add_value(const struct oph__doc_run *run, const struct oph__field *field,
                     struct event *e, oph_error *err)
{
    json_t *json;
    const oph_description *told = field->told;
    const oph_value *value = oph_group_value(run->group, field->entry);
    int rc = oph__json_value(value, told->dtype, oph_signal_path(told->signal), &json, err);
    return rc ? rc : set(e, told->key, json, time_of(value), err);
}

/* Streams are told of by their own documents alone. */
static int add_image(const struct oph__doc_run *run, const struct oph__field *field,
                     struct event *e, oph_error *err)
{
    if (run->options.form == OPH_DOCUMENT_STREAM) return 0;
    const char *key = field->told->key;
    int rc = set(e, key, json_string(field->image->datum), run->triggered, err);
    if (!rc && json_object_set_new(e->filled, key, json_false()))
        rc = oph__fail_memory(err, "a document");
    return rc;
}

static int tell_of_images(struct oph__doc_run *run, bool first, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < run->fields.count; i++) {
        struct oph__field *field = run->fields.at[i];
        if (!field->image) continue;
        if (!first) rc = oph__image_look(run, field->image, err);
        if (!rc) rc = oph__image_tell(run, field->image, err);
    }
    return rc;
}

static int fill(const struct oph__doc_run *run, struct event *e, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < run->fields.count; i++) {
        const struct oph__field *field = run->fields.at[i];
        rc = field->image ? add_image(run, field, e, err) : add_value(run, field, e, err);
    }
    return rc;
}

int oph__doc_event(struct oph__doc_run *run, oph_error *err)
{
    struct event e;
    char uid[OPH__UID];
    int rc = oph_group_count(run->group) ? oph_group_run(run->group, OPH_DEFAULT, NULL, err) : 0;
    if (!rc) rc = tell_of_images(run, !run->events, err);
    if (rc) return rc;
    e.data = json_object();
    e.timestamps = json_object();
    e.filled = json_object();
    rc = fill(run, &e, err);
    oph__doc_uid(uid);
    json_t *event =
        json_pack("{s:s, s:f, s:s, s:I, s:o, s:o, s:o}", "uid", uid, "time", oph__doc_time(),
                  "descriptor", run->descriptor, "seq_num", (json_int_t)run->events + 1, "data",
                  e.data, "timestamps", e.timestamps, "filled", e.filled);
    if (rc) {
        json_decref(event);
        return rc;
    }
    rc = oph__doc_emit(run, "event", event, err);
    if (!rc) run->events++;
    return rc;
}
