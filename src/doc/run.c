#include "doc/run.h"

#include "base/err.h"
#include "base/str.h"
#include "doc/json.h"
#include <cophyd/version.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uuid.h>

double oph__doc_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void oph__doc_uid(char *ret)
{
    uuid_t uid;
    uuid_generate_random(uid);
    uuid_unparse_lower(uid, ret);
}

/* What the sink says is not to be trusted to be an error. */
static int refused(struct oph__doc_run *run, const char *name, int32_t said, const oph_error *one,
                   oph_error *err)
{
    run->broken = true;
    if (one->code >= 0)
        return oph__fail_text(err, OPH_EFILE, "the sink refused the document \"%s\" (%d)", name,
                              (int)said);
    if (err) *err = *one;
    return one->code;
}

static int add_text(const char *text, size_t length, void *buf)
{
    oph__buf_add_n(buf, text, length);
    return 0;
}

int oph__doc_emit(struct oph__doc_run *run, const char *name, json_t *document, oph_error *err)
{
    struct oph__buf text = {0};
    /* json_dumps leaves a name out that it has no memory for, and goes on. */
    bool ok =
        document && !json_dump_callback(document, add_text, &text, JSON_COMPACT) && !text.failed;
    json_decref(document);
    if (!ok) {
        oph__buf_free(&text);
        return oph__fail_memory(err, "a document");
    }
    oph_error one = OPH_ERROR_INIT;
    int32_t said = run->sink(run->user, name, text.text, text.len, &one);
    oph__buf_free(&text);
    return said ? refused(run, name, said, &one, err) : 0;
}

/* The start document */

static bool all(const json_t *list, bool (*is)(const json_t *one))
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!is(json_array_get(list, i))) return false;
    return json_is_array(list);
}

static bool is_integer(const json_t *value)
{
    return json_is_integer(value);
}

static bool is_text(const json_t *value)
{
    return json_is_string(value);
}

static bool is_object(const json_t *value)
{
    return json_is_object(value);
}

static bool is_text_or_object(const json_t *value)
{
    return json_is_string(value) || json_is_object(value);
}

static bool are_texts(const json_t *value)
{
    return all(value, is_text);
}

static bool are_objects(const json_t *value)
{
    return all(value, is_object);
}

static bool is_text_or_texts(const json_t *value)
{
    return is_text(value) || are_texts(value);
}

/* [["x", "y"], "primary"] */
static bool is_dimension(const json_t *value)
{
    return all(value, is_text_or_texts);
}

static bool are_hints(const json_t *value)
{
    const json_t *dimensions = json_object_get(value, "dimensions");
    return is_object(value) && (!dimensions || all(dimensions, is_dimension));
}

/* Members that event-model knows must be what it wants. */
static int check_member(const char *key, const json_t *value, oph_error *err)
{
    static const struct {
        const char *key;
        bool (*is)(const json_t *value);
        const char *wanted;
    } known[] = {
        {"scan_id", is_integer, "an integer"},
        {"owner", is_text, "a string"},
        {"project", is_text, "a string"},
        {"group", is_text, "a string"},
        {"data_session", is_text, "a string"},
        {"data_groups", are_texts, "an array of strings"},
        {"sample", is_text_or_object, "a string or an object"},
        {"projections", are_objects, "an array of objects"},
        {"hints", are_hints, "an object, with dimensions as [[[\"x\"], \"primary\"]]"},
    };
    if (oph__equal(key, "uid") || oph__equal(key, "time"))
        return oph__fail_text(err, OPH_EINVAL,
                              "metadata: wanted no member \"%s\", which the run makes itself", key);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (oph__equal(known[i].key, key) && !known[i].is(value))
            return oph__fail_text(err, OPH_EINVAL, "metadata: wanted \"%s\" to be %s", key,
                                  known[i].wanted);
    return 0;
}

/* Names that MongoDB and Tiled could not take, at any depth. */
static int check_names(json_t *value, oph_error *err)
{
    const char *key;
    json_t *part;
    size_t i;
    int rc = 0;
    json_object_foreach(value, key, part)
    {
        if (!*key || strpbrk(key, "./"))
            return oph__fail_text(err, OPH_EINVAL,
                                  "metadata: wanted names without a dot and a slash, found \"%s\"",
                                  key);
        if (!rc) rc = check_names(part, err);
    }
    json_array_foreach(value, i, part)
    {
        if (!rc) rc = check_names(part, err);
    }
    return rc;
}

int oph__metadata_parse(const char *text, json_t **ret, oph_error *err)
{
    json_error_t why;
    const char *key;
    json_t *value;
    *ret = NULL;
    if (!text) return 0;
    json_t *metadata = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!metadata && why.line < 0) return oph__fail_memory(err, "metadata");
    if (!metadata)
        return oph__fail_text(err, OPH_EPARSE, "metadata:%d:%d: %s", why.line, why.column,
                              why.text);
    int rc = json_is_object(metadata)
                 ? check_names(metadata, err)
                 : oph__fail_text(err, OPH_EPARSE, "metadata: wanted a JSON object");
    json_object_foreach(metadata, key, value)
    {
        if (!rc) rc = check_member(key, value, err);
    }
    if (!rc)
        *ret = metadata;
    else
        json_decref(metadata);
    return rc;
}

json_t *oph__doc_names(const struct oph__doc_run *run)
{
    json_t *list = json_array();
    for (size_t i = 0; i < run->object_count; i++)
        if (!run->objects[i].is_axis)
            list = oph__json_add(list, oph__json_string(run->objects[i].name));
    return list;
}

int oph__doc_start(struct oph__doc_run *run, const char *plan, int64_t points, json_t *more,
                   json_t *metadata, oph_error *err)
{
    oph__doc_uid(run->uid);
    json_int_t count = points;
    json_t *start =
        json_pack("{s:s, s:f, s:s, s:o, s:I, s:I, s:{s:[[[s], s]]}, s:{s:s}}", "uid", run->uid,
                  "time", oph__doc_time(), "plan_name", plan, "detectors", oph__doc_names(run),
                  "num_points", count, "num_intervals", count - 1, "hints", "dimensions", "time",
                  "primary", "versions", "cophyd", oph_version());
    if (run->options.scan_id)
        start = oph__json_with(start, "scan_id", json_integer(run->options.scan_id));
    bool failed = !start || !more || json_object_update(start, more) ||
                  (metadata && json_object_update(start, metadata));
    json_decref(more);
    json_decref(metadata);
    if (failed) {
        json_decref(start);
        start = NULL;
    }
    int rc = oph__doc_emit(run, "start", start, err);
    run->begun = !rc;
    return rc;
}

/* The stop document */

void oph__doc_add(oph_error *cause, const oph_error *left)
{
    char text[sizeof cause->text];
    if (!left->code || strstr(cause->text, left->text)) return;
    if (!cause->code) {
        *cause = *left;
        return;
    }
    oph__copy(text, sizeof text, cause->text);
    oph__format(cause->text, sizeof cause->text, "%s; and not all is as before: %s", text,
                left->text);
}

int oph__doc_stop(struct oph__doc_run *run, const oph_error *cause, oph_error *err)
{
    if (!run->begun || run->broken) return 0;
    char uid[OPH__UID];
    bool aborted = cause->code == OPH_EINTR || cause->code == OPH_ECANCEL;
    const char *status = aborted ? "abort" : cause->code ? "fail" : "success";
    oph__doc_uid(uid);
    json_t *stop =
        json_pack("{s:s, s:f, s:s, s:s, s:o, s:{s:I}}", "uid", uid, "time", oph__doc_time(),
                  "run_start", run->uid, "exit_status", status, "reason",
                  oph__json_string(cause->text), "num_events", "primary", (json_int_t)run->events);
    return oph__doc_emit(run, "stop", stop, err);
}

void oph__doc_clear(struct oph__doc_run *run)
{
    for (size_t i = 0; i < run->fields.count; i++) {
        struct oph__field *field = run->fields.at[i];
        free(field->image);
        free(field);
    }
    oph__vec_free(&run->fields);
    for (size_t i = 0; i < run->object_count; i++) {
        oph_descriptions_free(run->objects[i].described);
        free(run->objects[i].name);
    }
    free(run->objects);
    oph_group_free(run->group);
}
