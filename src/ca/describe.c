#include "ca/client.h"

#include "base/str.h"

#include <db_access.h>
#include <stdlib.h>

chtype oph__ca_describing_type(int32_t dtype)
{
    chtype plain = oph__ca_plain_type(dtype);

    return plain < 0 || plain == DBR_STRING ? -1 : dbf_type_to_DBR_CTRL(plain);
}

/* Short of memory it has none, and a put by label is refused. */
static void describe_enum(struct oph__description *is, const struct dbr_ctrl_enum *ctrl)
{
    int count = ctrl->no_str;

    if (count > OPH__LABELS) count = OPH__LABELS;
    if (count <= 0 || !(is->labels = calloc((size_t)count, sizeof *is->labels))) return;
    is->label_count = (uint16_t)count;
    for (int i = 0; i < count; i++)
        oph__copy(is->labels[i], OPH__LABEL_BYTES, ctrl->strs[i]);
}

/* The numeric DBR_CTRL structs have the same fields, in other types. */
#define DESCRIBE_NUMBER(is, ctrl)                                                                  \
    do {                                                                                           \
        oph__copy((is)->units, sizeof(is)->units, (ctrl)->units);                                  \
        (is)->control_low = (double)(ctrl)->lower_ctrl_limit;                                      \
        (is)->control_high = (double)(ctrl)->upper_ctrl_limit;                                     \
        (is)->display_low = (double)(ctrl)->lower_disp_limit;                                      \
        (is)->display_high = (double)(ctrl)->upper_disp_limit;                                     \
        (is)->warning_low = (double)(ctrl)->lower_warning_limit;                                   \
        (is)->warning_high = (double)(ctrl)->upper_warning_limit;                                  \
        (is)->alarm_low = (double)(ctrl)->lower_alarm_limit;                                       \
        (is)->alarm_high = (double)(ctrl)->upper_alarm_limit;                                      \
    } while (0)

void oph__ca_describe(struct oph__description *is, chtype type, const void *dbr)
{
    *is = (struct oph__description){0};
    if (!dbr) return;
    switch (type) {
    case DBR_CTRL_ENUM: describe_enum(is, dbr); break;
    case DBR_CTRL_CHAR: DESCRIBE_NUMBER(is, (const struct dbr_ctrl_char *)dbr); break;
    case DBR_CTRL_SHORT: DESCRIBE_NUMBER(is, (const struct dbr_ctrl_short *)dbr); break;
    case DBR_CTRL_LONG: DESCRIBE_NUMBER(is, (const struct dbr_ctrl_long *)dbr); break;
    case DBR_CTRL_FLOAT:
        DESCRIBE_NUMBER(is, (const struct dbr_ctrl_float *)dbr);
        is->precision = ((const struct dbr_ctrl_float *)dbr)->precision;
        break;
    case DBR_CTRL_DOUBLE:
        DESCRIBE_NUMBER(is, (const struct dbr_ctrl_double *)dbr);
        is->precision = ((const struct dbr_ctrl_double *)dbr)->precision;
        break;
    }
}

bool oph__ca_describe_anew(struct oph__route *route, chtype type, const void *dbr)
{
    struct oph__description is = {0};
    bool describes = dbr && dbr_type_is_CTRL(type);

    if (describes) oph__ca_describe(&is, type, dbr);
    pthread_mutex_lock(&route->chan->lock);
    bool serves = route == route->chan->route;
    if (describes) {
        struct oph__description before = route->description;
        route->description = is;
        is = before;
    }
    pthread_mutex_unlock(&route->chan->lock);
    free(is.labels);
    return serves;
}
