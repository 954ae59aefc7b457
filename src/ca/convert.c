#include "ca/client.h"

#include <db_access.h>

chtype oph__ca_plain_type(int32_t dtype)
{
    switch (dtype) {
    case OPH_INT8: /* the same eight bits */
    case OPH_UINT8: return DBR_CHAR;
    case OPH_INT16: return DBR_SHORT;
    case OPH_INT32: return DBR_LONG;
    case OPH_FLOAT32: return DBR_FLOAT;
    case OPH_FLOAT64: return DBR_DOUBLE;
    case OPH_TEXT: return DBR_STRING;
    case OPH_ENUM: return DBR_ENUM;
    default: return -1;
    }
}

chtype oph__ca_time_type(int32_t dtype)
{
    chtype plain = oph__ca_plain_type(dtype);

    return plain < 0 ? -1 : dbf_type_to_DBR_TIME(plain);
}

int32_t oph__ca_dtype(chtype plain)
{
    switch (plain) {
    case DBR_CHAR: return OPH_UINT8;
    case DBR_SHORT: return OPH_INT16;
    case DBR_LONG: return OPH_INT32;
    case DBR_FLOAT: return OPH_FLOAT32;
    case DBR_DOUBLE: return OPH_FLOAT64;
    case DBR_STRING: return OPH_TEXT;
    case DBR_ENUM: return OPH_ENUM;
    default: return OPH_NONE;
    }
}

unsigned long oph__ca_count(chid id, uint32_t wanted)
{
    return wanted && wanted < ca_element_count(id) ? wanted : 0;
}

int oph__ca_code(int status)
{
    switch (status) {
    case ECA_NORMAL: return 0;
    case ECA_DISCONN: return OPH_EDISCONN;
    case ECA_NORDACCESS:
    case ECA_NOWTACCESS: return OPH_EACCESS;
    case ECA_BADTYPE:
    case ECA_NOCONVERT: return OPH_ETYPE;
    case ECA_BADCOUNT:
    case ECA_STRTOBIG:
    case ECA_TOLARGE: return OPH_ERANGE;
    case ECA_ALLOCMEM: return OPH_ENOMEM;
    case ECA_PUTFAIL:
    case ECA_PUTCBINPROG: return OPH_EPUT;
    default: return OPH_ECA;
    }
}

struct oph__event oph__ca_failure(int status)
{
    return (struct oph__event){.code = oph__ca_code(status), .why = ca_message(status)};
}

void oph__ca_event(struct oph__event *event, const struct event_handler_args *args)
{
    int status = args->status;

    if (status == ECA_NORMAL && !args->dbr) status = ECA_GETFAIL;
    /* The type is the server's word, not what was asked for. */
    if (status == ECA_NORMAL && !dbr_type_is_TIME(args->type)) status = ECA_BADTYPE;
    if (status != ECA_NORMAL) {
        *event = oph__ca_failure(status);
        return;
    }
    /* All DBR_TIME_ structs begin with status, severity and stamp. */
    const struct dbr_time_string *head = args->dbr;
    *event = (struct oph__event){
        .dtype = oph__ca_dtype(args->type % (LAST_TYPE + 1)),
        .count = (uint32_t)args->count,
        .data = dbr_value_ptr(args->dbr, args->type),
        .status = head->status,
        .severity = head->severity,
        .seconds = (int64_t)head->stamp.secPastEpoch + POSIX_TIME_AT_EPICS_EPOCH,
        .nanoseconds = (int32_t)head->stamp.nsec,
    };
}
