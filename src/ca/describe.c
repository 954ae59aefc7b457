#include "ca/client.h"

#include "base/str.h"

#include <db_access.h>
#include <string.h>

chtype oph__ca_describing_type(chid id)
{
    short plain = ca_field_type(id);

    return plain == DBR_STRING || plain == TYPENOTCONN ? -1 : dbf_type_to_DBR_CTRL(plain);
}

static void describe_enum(struct oph__chan_info *info, const struct dbr_ctrl_enum *ctrl)
{
    int count = ctrl->no_str;

    if (count < 0) count = 0;
    if (count > OPH__LABELS) count = OPH__LABELS;
    info->label_count = (uint16_t)count;
    for (int i = 0; i < count; i++)
        oph__copy(info->labels[i], OPH__LABEL_BYTES, ctrl->strs[i]);
}

/* The numeric DBR_CTRL structs have the same fields, in other types. */
#define DESCRIBE_NUMBER(info, ctrl)                                                                \
    do {                                                                                           \
        oph__copy((info)->units, sizeof(info)->units, (ctrl)->units);                              \
        (info)->control_low = (double)(ctrl)->lower_ctrl_limit;                                    \
        (info)->control_high = (double)(ctrl)->upper_ctrl_limit;                                   \
    } while (0)

void oph__ca_describe(struct oph__chan_info *info, chid id, chtype type, const void *dbr)
{
    *info = (struct oph__chan_info){
        .dtype = oph__ca_dtype(ca_field_type(id)),
        .count = (uint32_t)ca_element_count(id),
        .readable = ca_read_access(id),
        .writable = ca_write_access(id),
    };
    ca_get_host_name(id, info->host, sizeof info->host);
    if (!dbr) return;
    switch (type) {
    case DBR_CTRL_ENUM: describe_enum(info, dbr); break;
    case DBR_CTRL_CHAR: DESCRIBE_NUMBER(info, (const struct dbr_ctrl_char *)dbr); break;
    case DBR_CTRL_SHORT: DESCRIBE_NUMBER(info, (const struct dbr_ctrl_short *)dbr); break;
    case DBR_CTRL_LONG: DESCRIBE_NUMBER(info, (const struct dbr_ctrl_long *)dbr); break;
    case DBR_CTRL_FLOAT:
        DESCRIBE_NUMBER(info, (const struct dbr_ctrl_float *)dbr);
        info->precision = ((const struct dbr_ctrl_float *)dbr)->precision;
        break;
    case DBR_CTRL_DOUBLE:
        DESCRIBE_NUMBER(info, (const struct dbr_ctrl_double *)dbr);
        info->precision = ((const struct dbr_ctrl_double *)dbr)->precision;
        break;
    }
}
