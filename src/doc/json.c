#include "doc/json.h"

#include "base/err.h"
#include "base/str.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { AXES = 16 };

/* Each byte above 127 becomes two. */
static json_t *from_latin1(const char *bytes, size_t count)
{
    char *utf8 = malloc(2 * count + 1);
    size_t n = 0;
    for (size_t i = 0; utf8 && i < count; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x80) utf8[n++] = (char)(0xc0 | (c >> 6));
        utf8[n++] = c < 0x80 ? (char)c : (char)(0x80 | (c & 0x3f));
    }
    json_t *text = utf8 ? json_stringn(utf8, n) : NULL;
    free(utf8);
    return text;
}

static bool is_utf8(const char *bytes, size_t count)
{
    for (size_t at = 0, length; at < count; at += length) {
        length = oph__utf8_length(bytes + at, count - at);
        if (!length) return false;
    }
    return true;
}

json_t *oph__json_text(const char *bytes, size_t count)
{
    return is_utf8(bytes, count) ? json_stringn(bytes, count) : from_latin1(bytes, count);
}

json_t *oph__json_string(const char *text)
{
    return oph__json_text(text, strlen(text));
}

json_t *oph__json_number(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

json_t *oph__json_add(json_t *list, json_t *item)
{
    if (!json_array_append_new(list, item)) return list;
    json_decref(list);
    return NULL;
}

json_t *oph__json_with(json_t *object, const char *name, json_t *value)
{
    if (!json_object_set_new(object, name, value)) return object;
    json_decref(object);
    return NULL;
}

static json_t *element(const oph_value *value, size_t i)
{
    const void *data = oph_value_data(value);
    switch (oph_value_dtype(value)) {
    case OPH_INT8: return json_integer(((const int8_t *)data)[i]);
    case OPH_UINT8: return json_integer(((const uint8_t *)data)[i]);
    case OPH_INT16: return json_integer(((const int16_t *)data)[i]);
    case OPH_ENUM:
    case OPH_UINT16: return json_integer(((const uint16_t *)data)[i]);
    case OPH_INT32: return json_integer(((const int32_t *)data)[i]);
    case OPH_UINT32: return json_integer(((const uint32_t *)data)[i]);
    case OPH_INT64: return json_integer(((const int64_t *)data)[i]);
    case OPH_UINT64: return json_integer((json_int_t)((const uint64_t *)data)[i]);
    case OPH_FLOAT32: return oph__json_number((double)((const float *)data)[i]);
    case OPH_FLOAT64: return oph__json_number(((const double *)data)[i]);
    default: break;
    }
    size_t room = oph_dtype_size(OPH_TEXT);
    const char *text = (const char *)data + i * room;
    return oph__json_text(text, strnlen(text, room));
}

/* The elements from *at on, along the axes from `axis` on. */
static json_t *nested(const oph_value *value, const int64_t *shape, uint32_t axes, size_t *at)
{
    if (!axes) return element(value, (*at)++);
    json_t *list = json_array();
    for (int64_t i = 0; list && i < shape[0]; i++)
        list = oph__json_add(list, nested(value, shape + 1, axes - 1, at));
    return list;
}

static json_t *array(const oph_value *value)
{
    int64_t shape[AXES];
    size_t at = 0;
    uint32_t axes = oph_value_shape(value, shape, AXES);
    if (!axes) { /* an array that has one element now */
        axes = 1;
        shape[0] = (int64_t)oph_value_count(value);
    }
    return nested(value, shape, axes, &at);
}

static json_t *text(const oph_value *value)
{
    const char *bytes = oph_value_data(value);
    size_t room = oph_value_count(value);
    if (oph_value_dtype(value) == OPH_TEXT) room *= oph_dtype_size(OPH_TEXT);
    return room ? oph__json_text(bytes, strnlen(bytes, room)) : json_string("");
}

/* JSON's integers are those of int64_t to jansson, and to most others. */
static int check_range(const oph_value *value, const char *path, oph_error *err)
{
    if (oph_value_dtype(value) != OPH_UINT64) return 0;
    const uint64_t *numbers = oph_value_data(value);
    for (size_t i = 0; i < oph_value_count(value); i++)
        if (numbers[i] > INT64_MAX)
            return oph__fail(err, OPH_ERANGE, (struct oph__at){.device = path},
                             "an integer below 2^63, as documents can have", "%llu",
                             (unsigned long long)numbers[i]);
    return 0;
}

int oph__json_value(const oph_value *value, const char *dtype, const char *path, json_t **ret,
                    oph_error *err)
{
    int rc = check_range(value, path, err);
    if (rc) return rc;
    if (oph__equal(dtype, "array"))
        *ret = array(value);
    else if (oph__equal(dtype, "string"))
        *ret = text(value);
    else
        *ret = oph_value_count(value) ? element(value, 0) : json_null();
    return *ret ? 0 : oph__fail_memory(err, "a document");
}
