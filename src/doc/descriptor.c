/* The descriptor: what the keys of the event stream are, and how the detectors were set. */
#include "base/err.h"
#include "base/str.h"
#include "doc/json.h"
#include "doc/run.h"
#include <stdlib.h>
#include <string.h>

/* Data keys */

/* A pair of limits that are none is left out; one of them may be missing. Records say 1e300, or
 * 1e30, of a field that has none: readers that keep 53 bits would make limits of that. */
static bool are_limits(double low, double high)
{
    bool endless = low <= -1e30 && high >= 1e30;
    return !(low >= high) && !endless && !(isnan(low) && isnan(high));
}

static json_t *add_limits(json_t *all, const char *name, double low, double high)
{
    if (!are_limits(low, high)) return all;
    return oph__json_with(
        all, name,
        json_pack("{s:o, s:o}", "low", oph__json_number(low), "high", oph__json_number(high)));
}

static bool has_limits(const oph_properties *p)
{
    return are_limits(p->control_low, p->control_high) ||
           are_limits(p->display_low, p->display_high) ||
           are_limits(p->warning_low, p->warning_high) || are_limits(p->alarm_low, p->alarm_high);
}

static json_t *limits(const oph_properties *p)
{
    json_t *all = add_limits(json_object(), "control", p->control_low, p->control_high);
    all = add_limits(all, "display", p->display_low, p->display_high);
    all = add_limits(all, "warning", p->warning_low, p->warning_high);
    return add_limits(all, "alarm", p->alarm_low, p->alarm_high);
}

static json_t *choices(const oph_properties *p)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->label_count; i++)
        list = oph__json_add(list, oph__json_string(p->labels[i]));
    return list;
}

/* What is not known is null. The trigger has shown how many frames there are in a point. */
static json_t *shape(const oph_description *told, const struct oph__image *image)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < told->rank; i++) {
        int64_t n = image && !i ? image->files.frame_per_point : told->shape[i];
        list = oph__json_add(list, n < 0 ? json_null() : json_integer(n));
    }
    return list;
}

/* `image` NULL: a value. NULL when memory is short. */
static json_t *data_key(const oph_description *told, const struct oph__image *image, int32_t form)
{
    const oph_properties *p = told->properties;
    const char *external = form == OPH_DOCUMENT_STREAM ? "STREAM:" : told->external;
    bool real = p && (p->dtype == OPH_FLOAT32 || p->dtype == OPH_FLOAT64);
    json_t *key =
        json_pack("{s:o, s:s}", "source", oph__json_string(told->source), "dtype", told->dtype);
    if (told->dtype_numpy) key = oph__json_with(key, "dtype_numpy", json_string(told->dtype_numpy));
    key = oph__json_with(key, "shape", shape(told, image));
    key = oph__json_with(key, "object_name", oph__json_string(told->object_name));
    if (image) key = oph__json_with(key, "external", json_string(external));
    if (p && p->units[0]) key = oph__json_with(key, "units", oph__json_string(p->units));
    if (real) key = oph__json_with(key, "precision", json_integer(p->precision));
    if (p && has_limits(p)) key = oph__json_with(key, "limits", limits(p));
    if (p && p->label_count) key = oph__json_with(key, "choices", choices(p));
    return key;
}

/* Fields */

static int add_field(struct oph__doc_run *run, const oph_description *told,
                     struct oph__image **ret_image, oph_error *err)
{
    struct oph__field *field = calloc(1, sizeof *field);
    if (!field || !oph__vec_add(&run->fields, field)) {
        free(field);
        return oph__fail_memory(err, "a run");
    }
    field->told = told;
    field->entry = oph_group_count(run->group);
    *ret_image = NULL;
    if (!told->store) return oph_group_read(run->group, told->signal, NULL, err);
    struct oph__image *image = calloc(1, sizeof *image);
    if (!image) return oph__fail_memory(err, "a run");
    image->told = told;
    *ret_image = field->image = image;
    return oph__image_look(run, image, err);
}

static int add_key(struct oph__doc_run *run, const struct oph__object *object,
                   const oph_description *told, json_t *keys, oph_error *err)
{
    struct oph__image *image = NULL;
    if (json_object_get(keys, told->key))
        return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = object->name},
                         "keys that nothing else in the run has", "%s", told->key);
    int rc = add_field(run, told, &image, err);
    if (rc) return rc;
    json_t *key = data_key(told, image, run->options.form);
    return json_object_set_new(keys, told->key, key) ? oph__fail_memory(err, "a document") : 0;
}

static int add_object(struct oph__doc_run *run, struct oph__object *object, json_t *keys,
                      oph_error *err)
{
    int rc = object->dev ? oph_describe(object->dev, OPH_DEFAULT, &object->described, NULL, err)
                         : oph_signal_describe(object->sig, OPH_DEFAULT, &object->described, err);
    for (size_t i = 0; !rc && i < oph_descriptions_count(object->described); i++)
        rc = add_key(run, object, oph_descriptions_at(object->described, i), keys, err);
    return rc;
}

static json_t *keys_of(const struct oph__object *object)
{
    json_t *list = json_array();
    for (size_t i = 0; i < oph_descriptions_count(object->described); i++)
        list = oph__json_add(list, json_string(oph_descriptions_at(object->described, i)->key));
    return list;
}

/* Hints */

static int hints_of(const struct oph__object *object, json_t **ret, oph_error *err)
{
    json_t *list = json_array();
    oph_keys *keys = NULL;
    int rc = object->dev ? oph_hints(object->dev, &keys, err) : 0;
    for (size_t i = 0; i < oph_keys_count(keys); i++)
        list = oph__json_add(list, json_string(oph_keys_at(keys, i)));
    bool hinted =
        object->sig && (oph_signal_kind(object->sig) & OPH_KIND_HINTED) == OPH_KIND_HINTED;
    if (hinted || (object->sig && object->is_axis))
        list = oph__json_add(list, json_string(oph_descriptions_at(object->described, 0)->key));
    oph_keys_free(keys);
    *ret = json_pack("{s:o}", "fields", list);
    return rc;
}

/* Configuration */

static const oph_reading *reading_of(const oph_readings *readings, size_t index, const char *key)
{
    const oph_reading *r = oph_readings_at(readings, index);
    if (r && oph__equal(r->key, key)) return r;
    for (size_t i = 0; i < oph_readings_count(readings); i++)
        if (oph__equal(oph_readings_at(readings, i)->key, key)) return oph_readings_at(readings, i);
    return NULL;
}

struct configuration {
    json_t *data, *timestamps, *data_keys;
};

static int add_setting(struct configuration *to, const oph_description *told,
                       const oph_reading *reading, oph_error *err)
{
    json_t *value;
    int rc =
        oph__json_value(reading->value, told->dtype, oph_signal_path(told->signal), &value, err);
    if (rc) return rc;
    if (!json_object_set_new(to->data, told->key, value) &&
        !json_object_set_new(to->timestamps, told->key, json_real(reading->time)) &&
        !json_object_set_new(to->data_keys, told->key, data_key(told, NULL, 0)))
        return 0;
    return oph__fail_memory(err, "a document");
}

/* A signal alone has none. */
static int configuration_of(const struct oph__object *object, json_t **ret, oph_error *err)
{
    struct configuration c = {json_object(), json_object(), json_object()};
    oph_descriptions *told = NULL;
    oph_readings *readings = NULL;
    int rc = 0;
    if (object->dev) rc = oph_describe_configuration(object->dev, OPH_DEFAULT, &told, NULL, err);
    if (object->dev && !rc)
        rc = oph_read_configuration(object->dev, OPH_DEFAULT, &readings, NULL, err);
    for (size_t i = 0; !rc && i < oph_descriptions_count(told); i++) {
        const oph_description *one = oph_descriptions_at(told, i);
        const oph_reading *reading = reading_of(readings, i, one->key);
        if (reading) rc = add_setting(&c, one, reading, err);
    }
    oph_readings_free(readings);
    oph_descriptions_free(told);
    *ret = json_pack("{s:o, s:o, s:o}", "data", c.data, "timestamps", c.timestamps, "data_keys",
                     c.data_keys);
    return rc;
}

/* The document */

int oph__doc_describe(struct oph__doc_run *run, oph_error *err)
{
    json_t *keys = json_object(), *object_keys = json_object(), *configuration = json_object(),
           *hints = json_object();
    bool ok = keys && object_keys && configuration && hints;
    int rc = 0;
    for (size_t i = 0; !rc && ok && i < run->object_count; i++) {
        struct oph__object *object = &run->objects[i];
        json_t *settings = NULL, *hinted = NULL;
        rc = add_object(run, object, keys, err);
        if (!rc) rc = configuration_of(object, &settings, err);
        if (!rc) rc = hints_of(object, &hinted, err);
        ok = !json_object_set_new(object_keys, object->name, keys_of(object));
        ok = !json_object_set_new(configuration, object->name, settings) && ok;
        ok = !json_object_set_new(hints, object->name, hinted) && ok;
    }
    oph__doc_uid(run->descriptor);
    json_t *descriptor =
        json_pack("{s:s, s:f, s:s, s:s, s:o, s:o, s:o, s:o}", "uid", run->descriptor, "time",
                  oph__doc_time(), "name", "primary", "run_start", run->uid, "data_keys", keys,
                  "object_keys", object_keys, "configuration", configuration, "hints", hints);
    if (rc || !ok) {
        json_decref(descriptor);
        return rc ? rc : oph__fail_memory(err, "a document");
    }
    return oph__doc_emit(run, "descriptor", descriptor, err);
}
