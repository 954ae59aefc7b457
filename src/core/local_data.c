/* From what a program gives to what a local signal holds, and from that to what a reader asks for.
 */
#include "base/str.h"
#include "core/data.h"
#include "core/encode.h"
#include "core/local.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_plain_copy(const oph_data *data, const struct oph__chan_info *info)
{
    if (info->count < 2 || data->count > info->count) return false;
    bool numbers = data->dtype != OPH_TEXT && data->dtype != OPH_ENUM;
    return !data->count || (data->dtype == info->dtype && numbers);
}

int oph__local_take(const struct oph__local *what, const oph_data *data, struct oph__wire *w,
                    oph_error *err)
{
    struct oph__chan_info info = what->info;
    const struct oph__target target = {
        .path = what->name, .pv = what->name, .info = &info, .type = what->type, .nonfinite = true};
    info.writable = true;
    *w = (struct oph__wire){0};
    int rc = oph__data_check(data, what->name, err);
    if (rc) return rc;
    if (!is_plain_copy(data, &info)) return oph__encode_data(data, &target, w, err);
    rc = oph__wire_reserve(w, info.dtype, (uint32_t)data->count, err);
    if (!rc && data->count) memcpy(w->data, data->data, data->count * oph_dtype_size(w->dtype));
    return rc;
}

void oph__local_value(struct oph__wire *from, struct oph_value *to)
{
    *to = (struct oph_value){.dtype = from->dtype, .count = from->count, .data = from->data};
    if (from->data == from->small) {
        memcpy(to->small, from->small, sizeof to->small);
        to->data = to->small;
    }
    from->data = NULL;
    oph__wire_clear(from);
}

/* As an IOC does it: a label, or as many digits as the precision says. */
static void as_text(const oph_data *data, uint32_t i, const struct oph__chan_info *info, char *dst)
{
    const struct oph__number n = oph__number_at(data, i);
    if (data->dtype == OPH_ENUM && n.i < info->label_count)
        oph__copy(dst, OPH__STRING_BYTES, info->labels[n.i]);
    else if (n.is == OPH__IS_FLOAT)
        oph__format(dst, OPH__STRING_BYTES, "%.*f", info->precision, n.f);
    else if (n.is == OPH__IS_UINT)
        oph__format(dst, OPH__STRING_BYTES, "%" PRIu64, n.u);
    else
        oph__format(dst, OPH__STRING_BYTES, "%" PRId64, n.i);
}

static int convert(const oph_data *data, int32_t dtype, const struct oph__chan_info *info,
                   struct oph__wire *into, oph_error *err)
{
    const struct oph__chan_info wanted = {
        .dtype = dtype, .count = (uint32_t)data->count, .writable = true};
    const struct oph__target target = {.info = &wanted, .type = OPH__ARRAY, .nonfinite = true};
    if (dtype != OPH_TEXT && data->count) return oph__encode_data(data, &target, into, err);
    int rc = oph__wire_reserve(into, dtype, (uint32_t)data->count, err);
    for (uint32_t i = 0; !rc && i < data->count; i++)
        as_text(data, i, info, (char *)into->data + (size_t)i * OPH__STRING_BYTES);
    return rc;
}

int oph__local_convert(struct oph__event *event, const struct oph__chan_info *info, int32_t dtype,
                       uint32_t count, struct oph__wire *into, oph_error *err)
{
    if (count && count < event->count) {
        event->count = count;
        event->rank = 0;
    }
    dtype = oph__dtype_to_ask(dtype, event->dtype);
    if (dtype == event->dtype) return 0;
    const oph_data data = {.dtype = event->dtype, .count = event->count, .data = event->data};
    int rc = convert(&data, dtype, info, into, err);
    if (rc) return rc;
    event->dtype = dtype;
    event->data = into->data;
    return 0;
}
