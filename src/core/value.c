#include "core/value.h"
#include "base/err.h"
#include "base/str.h"
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct oph_value *v, size_t bytes)
{
    oph__value_clear(v);
    v->data = bytes <= sizeof v->small ? v->small : malloc(bytes);
    return v->data != NULL;
}

bool oph__value_take(struct oph_value *v, const struct oph__event *e)
{
    size_t bytes = e->count * oph_dtype_size(e->dtype);
    if (!reserve(v, bytes)) return false;
    v->dtype = e->dtype;
    v->count = e->count;
    v->status = e->status;
    v->severity = e->severity;
    v->seconds = e->seconds;
    v->nanoseconds = e->nanoseconds;
    v->rank = e->rank < OPH__AXES ? e->rank : OPH__AXES;
    for (uint32_t i = 0; i < v->rank; i++)
        v->shape[i] = e->shape[i];
    if (bytes) memcpy(v->data, e->data, bytes);
    return true;
}

bool oph__value_copy(struct oph_value *v, const struct oph_value *from, uint32_t count)
{
    bool all = !count || count >= from->count;
    const struct oph__event e = {
        .dtype = from->dtype,
        .count = all ? from->count : count,
        .data = from->data,
        .status = from->status,
        .severity = from->severity,
        .seconds = from->seconds,
        .nanoseconds = from->nanoseconds,
        .rank = all ? from->rank : 0,
        .shape = from->shape,
    };
    return oph__value_take(v, &e);
}

void oph__value_move(struct oph_value *v, struct oph_value *from)
{
    oph__value_clear(v);
    *v = *from;
    if (from->data == from->small) v->data = v->small;
    from->data = NULL;
    oph__value_clear(from);
}

void oph__value_clear(struct oph_value *v)
{
    if (v->data && v->data != v->small) free(v->data);
    v->data = NULL;
    v->count = v->rank = 0;
    v->dtype = OPH_NONE;
}

struct oph_value oph__wire_value(const struct oph__wire *wire)
{
    return (struct oph_value){.dtype = wire->dtype, .count = wire->count, .data = wire->data};
}

struct oph_value oph__event_value(const struct oph__event *event)
{
    return (struct oph_value){.dtype = event->dtype,
                              .count = event->count,
                              .status = event->status,
                              .severity = event->severity,
                              .seconds = event->seconds,
                              .nanoseconds = event->nanoseconds,
                              .data = (void *)(uintptr_t)event->data};
}

bool oph__value_is_text(const struct oph_value *v)
{
    return v->dtype == OPH_TEXT;
}

void oph__value_text(const struct oph_value *v, const char **ret_text, size_t *ret_length)
{
    size_t room = v->dtype == OPH_TEXT ? OPH__STRING_BYTES : v->count;
    if (!v->count || (v->dtype != OPH_TEXT && v->dtype != OPH_UINT8)) room = 0;
    *ret_text = v->data ? v->data : "";
    if (room > INT_MAX) room = INT_MAX; /* printf's precision is an int */
    *ret_length = room ? strnlen(v->data, room) : 0;
}

static bool text_to_double(const struct oph_value *v, uint32_t index, double *ret)
{
    char text[OPH__STRING_BYTES + 1];
    const char *at = (const char *)v->data + (size_t)index * OPH__STRING_BYTES;
    oph__format(text, sizeof text, "%.*s", (int)strnlen(at, OPH__STRING_BYTES), at);
    return oph__to_double(text, ret);
}

bool oph__value_double_at(const struct oph_value *v, uint32_t i, double *ret)
{
    if (i >= v->count) return false;
    switch (v->dtype) {
    case OPH_INT8: *ret = ((const int8_t *)v->data)[i]; return true;
    case OPH_UINT8: *ret = ((const uint8_t *)v->data)[i]; return true;
    case OPH_INT16: *ret = ((const int16_t *)v->data)[i]; return true;
    case OPH_ENUM:
    case OPH_UINT16: *ret = ((const uint16_t *)v->data)[i]; return true;
    case OPH_INT32: *ret = ((const int32_t *)v->data)[i]; return true;
    case OPH_UINT32: *ret = ((const uint32_t *)v->data)[i]; return true;
    case OPH_INT64: *ret = (double)((const int64_t *)v->data)[i]; return true;
    case OPH_UINT64: *ret = (double)((const uint64_t *)v->data)[i]; return true;
    case OPH_FLOAT32: *ret = (double)((const float *)v->data)[i]; return true;
    case OPH_FLOAT64: *ret = ((const double *)v->data)[i]; return true;
    case OPH_TEXT: return text_to_double(v, i, ret);
    default: return false;
    }
}

bool oph__value_double(const struct oph_value *v, double *ret)
{
    return oph__value_double_at(v, 0, ret);
}

bool oph__value_int(const struct oph_value *v, int64_t *ret)
{
    double d;
    if (v->count && v->dtype == OPH_INT64) {
        *ret = *(const int64_t *)v->data;
        return true;
    }
    if (v->count && v->dtype == OPH_UINT64) {
        uint64_t u = *(const uint64_t *)v->data;
        if (u <= INT64_MAX) *ret = (int64_t)u;
        return u <= INT64_MAX;
    }
    if (!oph__value_double(v, &d) || !(fabs(d) < 0x1p53) || d != floor(d)) return false;
    *ret = (int64_t)d;
    return true;
}

char *oph__value_show(const struct oph_value *v, const struct oph__chan_info *info, char *dst,
                      size_t size)
{
    const char *text;
    size_t length;
    double d;
    if (oph__value_is_text(v) || (v->dtype == OPH_UINT8 && info && info->count > 1)) {
        oph__value_text(v, &text, &length);
        return oph__clean(oph__format(dst, size, "\"%.*s\"", (int)length, text));
    }
    if (v->count != 1) return oph__format(dst, size, "[%u values]", v->count);
    if (v->dtype == OPH_ENUM) {
        unsigned index = *(const uint16_t *)v->data;
        if (info && index < info->label_count)
            return oph__clean(oph__copy(dst, size, info->labels[index]));
        return oph__format(dst, size, "index %u", index);
    }
    if (v->dtype == OPH_UINT64) return oph__format(dst, size, "%" PRIu64, *(uint64_t *)v->data);
    if (v->dtype == OPH_INT64) return oph__format(dst, size, "%" PRId64, *(int64_t *)v->data);
    if (!oph__value_double(v, &d)) return oph__copy(dst, size, "no value");
    return oph__from_double(dst, size, d);
}

char *oph_text_clean(char *text)
{
    return oph__clean(text);
}

void oph_value_free(oph_value *v)
{
    if (!v) return;
    oph__value_clear(v);
    free(v);
}

int32_t oph_value_dtype(const oph_value *v)
{
    return v->dtype;
}

size_t oph_value_count(const oph_value *v)
{
    return v->count;
}

const void *oph_value_data(const oph_value *v)
{
    return v->data;
}

uint32_t oph_value_shape(const oph_value *v, int64_t *ret_shape, uint32_t room)
{
    if (!v->rank) {
        if (v->count != 1 && room) ret_shape[0] = v->count;
        return v->count != 1;
    }
    for (uint32_t i = 0; i < v->rank && i < room; i++)
        ret_shape[i] = v->shape[i];
    return v->rank;
}

static int no_number(const oph_value *v, const char *wanted, oph_error *err)
{
    char found[80];
    oph__value_show(v, NULL, found, sizeof found);
    return oph__fail(err, OPH_ETYPE, (struct oph__at){0}, wanted, "%s", found);
}

int oph_value_get_double(const oph_value *v, double *ret, oph_error *err)
{
    if (v->count == 1 && oph__value_double(v, ret)) return 0;
    return no_number(v, "a number", err);
}

int oph_value_get_int(const oph_value *v, int64_t *ret, oph_error *err)
{
    if (v->count == 1 && oph__value_int(v, ret)) return 0;
    return no_number(v, "a whole number", err);
}

int32_t oph_value_severity(const oph_value *v)
{
    return v->severity;
}

int32_t oph_value_alarm(const oph_value *v)
{
    return v->status;
}

void oph_value_time(const oph_value *v, int64_t *ret_seconds, int32_t *ret_nanoseconds)
{
    *ret_seconds = v->seconds;
    *ret_nanoseconds = v->nanoseconds;
}
