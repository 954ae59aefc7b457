/* Device support: between the records' own fields and the parameters of a port. */
#define USE_TYPED_DSET
#include <math.h>
#include <string.h>

#include <aiRecord.h>
#include <alarm.h>
#include <aoRecord.h>
#include <biRecord.h>
#include <boRecord.h>
#include <dbAccess.h>
#include <dbCommon.h>
#include <longinRecord.h>
#include <longoutRecord.h>
#include <mbbiRecord.h>
#include <mbboRecord.h>
#include <menuFtype.h>
#include <recGbl.h>
#include <stringinRecord.h>
#include <stringoutRecord.h>
#include <waveformRecord.h>

#include "sim/binding.h"
#include "sim/busy_record.h"

#include <epicsExport.h>

enum { CONVERT = 0, DO_NOT_CONVERT = 2 };

/* Inputs */

static long read_number(struct dbCommon *record, struct sim_value *value)
{
    if (!sim_binding_read(record, value)) return -1;
    record->udf = FALSE;
    return 0;
}

static long read_bi(biRecord *r)
{
    struct sim_value value;
    if (read_number((struct dbCommon *)r, &value) != 0) return -1;
    r->rval = (epicsUInt32)value.i;
    return CONVERT;
}

static long read_mbbi(mbbiRecord *r)
{
    struct sim_value value;
    if (read_number((struct dbCommon *)r, &value) != 0) return -1;
    r->rval = (epicsUInt32)value.i;
    return CONVERT;
}

static long read_longin(longinRecord *r)
{
    struct sim_value value;
    if (read_number((struct dbCommon *)r, &value) != 0) return -1;
    r->val = value.i;
    return 0;
}

static long read_ai_int(aiRecord *r)
{
    struct sim_value value;
    if (read_number((struct dbCommon *)r, &value) != 0) return -1;
    r->rval = value.i;
    return CONVERT;
}

static long read_ai_double(aiRecord *r)
{
    struct sim_value value;
    if (read_number((struct dbCommon *)r, &value) != 0) return -1;
    r->val = value.d;
    r->udf = (epicsUInt8)(isnan(value.d) != 0);
    return DO_NOT_CONVERT;
}

static long read_stringin(stringinRecord *r)
{
    struct sim_value value;
    if (read_number((struct dbCommon *)r, &value) != 0) return -1;
    strncpy(r->val, value.text ? value.text : "", sizeof r->val - 1);
    r->val[sizeof r->val - 1] = '\0';
    sim_value_clear(&value);
    return 0;
}

static long read_text(waveformRecord *r)
{
    struct sim_value value;
    if (read_number((struct dbCommon *)r, &value) != 0) return -1;
    size_t length = value.text ? strlen(value.text) : 0;
    if (length >= r->nelm) length = r->nelm - 1;
    if (length) memcpy(r->bptr, value.text, length);
    ((char *)r->bptr)[length] = '\0';
    r->nord = (epicsUInt32)length + 1;
    sim_value_clear(&value);
    return 0;
}

static enum sim_element element_of(epicsEnum16 ftvl)
{
    static const enum sim_element types[] = {
        [menuFtypeCHAR] = SIM_INT8,     [menuFtypeUCHAR] = SIM_UINT8,
        [menuFtypeSHORT] = SIM_INT16,   [menuFtypeUSHORT] = SIM_UINT16,
        [menuFtypeLONG] = SIM_INT32,    [menuFtypeULONG] = SIM_UINT32,
        [menuFtypeINT64] = SIM_INT64,   [menuFtypeUINT64] = SIM_UINT64,
        [menuFtypeFLOAT] = SIM_FLOAT32, [menuFtypeDOUBLE] = SIM_FLOAT64,
    };
    return types[ftvl];
}

static long read_array(waveformRecord *r)
{
    struct sim_value value;
    if (read_number((struct dbCommon *)r, &value) != 0) return -1;
    size_t count = value.array ? value.array->count : 0;
    if (count > r->nelm) count = r->nelm;
    if (count)
        sim_element_convert(value.array->type, sim_array_data(value.array), element_of(r->ftvl),
                            r->bptr, count);
    r->nord = (epicsUInt32)count;
    sim_value_clear(&value);
    return 0;
}

/* Outputs */

static void write_int(struct dbCommon *record, epicsInt32 value)
{
    sim_binding_write(record, &(struct sim_value){.type = SIM_INT, .i = value});
}

static long write_bo(boRecord *r)
{
    struct sim_value value;
    switch (sim_binding_step((struct dbCommon *)r, &value)) {
    case SIM_TAKE:
        r->rval = (epicsUInt32)value.i;
        r->val = value.i != 0;
        r->udf = FALSE;
        break;
    case SIM_GIVE: write_int((struct dbCommon *)r, (epicsInt32)r->rval); break;
    case SIM_FINISH: break;
    }
    return 0;
}

static long write_busy(busyRecord *r)
{
    struct sim_value value;
    switch (sim_binding_step(&r->common, &value)) {
    case SIM_TAKE: r->val = value.i != 0; break;
    case SIM_GIVE: write_int(&r->common, r->val); break;
    case SIM_FINISH: break;
    }
    return 0;
}

static long write_mbbo(mbboRecord *r)
{
    struct sim_value value;
    const epicsUInt32 *state = &r->zrvl;
    switch (sim_binding_step((struct dbCommon *)r, &value)) {
    case SIM_TAKE:
        r->rval = (epicsUInt32)value.i;
        for (epicsEnum16 i = 0; i < 16; i++) {
            if (state[i] != r->rval) continue;
            r->val = i;
            break;
        }
        r->udf = FALSE;
        break;
    case SIM_GIVE: write_int((struct dbCommon *)r, (epicsInt32)r->rval); break;
    case SIM_FINISH: break;
    }
    return 0;
}

static long write_longout(longoutRecord *r)
{
    struct sim_value value;
    switch (sim_binding_step((struct dbCommon *)r, &value)) {
    case SIM_TAKE:
        r->val = value.i;
        r->udf = FALSE;
        break;
    case SIM_GIVE: write_int((struct dbCommon *)r, r->val); break;
    case SIM_FINISH: break;
    }
    return 0;
}

static long write_ao(aoRecord *r)
{
    struct sim_value value;
    switch (sim_binding_step((struct dbCommon *)r, &value)) {
    case SIM_TAKE:
        r->val = r->oval = r->pval = value.d;
        r->udf = (epicsUInt8)(isnan(value.d) != 0);
        break;
    case SIM_GIVE:
        sim_binding_write((struct dbCommon *)r,
                          &(struct sim_value){.type = SIM_DOUBLE, .d = r->oval});
        break;
    case SIM_FINISH: break;
    }
    return 0;
}

static long write_stringout(stringoutRecord *r)
{
    struct sim_value value;
    if (sim_binding_step((struct dbCommon *)r, &value) == SIM_GIVE)
        sim_binding_write((struct dbCommon *)r,
                          &(struct sim_value){.type = SIM_TEXT, .text = r->val});
    return 0;
}

static long write_text(waveformRecord *r)
{
    struct sim_value value;
    if (sim_binding_step((struct dbCommon *)r, &value) != SIM_GIVE) return 0;
    /* What a client sends need not end with a NUL. */
    size_t length = r->nord < r->nelm ? r->nord : r->nelm - 1;
    ((char *)r->bptr)[length] = '\0';
    sim_binding_write((struct dbCommon *)r, &(struct sim_value){.type = SIM_TEXT, .text = r->bptr});
    return 0;
}

static long write_array(waveformRecord *r)
{
    struct sim_value value;
    if (sim_binding_step((struct dbCommon *)r, &value) != SIM_GIVE) return 0;
    struct sim_array *array = sim_array_new(r->nord);
    if (!array) return -1;
    memcpy(array->value, r->bptr, r->nord * sizeof array->value[0]);
    sim_binding_write((struct dbCommon *)r, &(struct sim_value){.type = SIM_ARRAY, .array = array});
    sim_array_unref(array);
    return 0;
}

#define BIND(name, record, link, type, output)                                                     \
    static long init_##name(struct dbCommon *r)                                                    \
    {                                                                                              \
        return sim_bind(r, &((record *)r)->link, type, output);                                    \
    }

BIND(bi, biRecord, inp, SIM_INT, false)
BIND(mbbi, mbbiRecord, inp, SIM_INT, false)
BIND(longin, longinRecord, inp, SIM_INT, false)
BIND(ai_int, aiRecord, inp, SIM_INT, false)
BIND(ai_double, aiRecord, inp, SIM_DOUBLE, false)
BIND(stringin, stringinRecord, inp, SIM_TEXT, false)
BIND(text_in, waveformRecord, inp, SIM_TEXT, false)
BIND(array_in, waveformRecord, inp, SIM_ARRAY, false)
BIND(bo, boRecord, out, SIM_INT, true)
BIND(busy, busyRecord, out, SIM_INT, true)
BIND(mbbo, mbboRecord, out, SIM_INT, true)
BIND(longout, longoutRecord, out, SIM_INT, true)
BIND(ao_bound, aoRecord, out, SIM_DOUBLE, true)
BIND(stringout, stringoutRecord, out, SIM_TEXT, true)
BIND(text_out, waveformRecord, inp, SIM_TEXT, true)
BIND(array_out, waveformRecord, inp, SIM_ARRAY, true)

/* The record keeps its own first value: 0 would make it convert a raw value instead. */
static long init_ao(struct dbCommon *r)
{
    return init_ao_bound(r) == 0 ? DO_NOT_CONVERT : -1;
}

static long init_bo_kept(struct dbCommon *r)
{
    return init_bo(r) == 0 ? DO_NOT_CONVERT : -1;
}

static long init_mbbo_kept(struct dbCommon *r)
{
    return init_mbbo(r) == 0 ? DO_NOT_CONVERT : -1;
}

#define SUPPORT(set, name, init, ...)                                                              \
    static set name = {{6, NULL, NULL, init, sim_binding_scan}, __VA_ARGS__};                      \
    epicsExportAddress(dset, name)

SUPPORT(bidset, sim_bi_int, init_bi, read_bi);
SUPPORT(mbbidset, sim_mbbi_int, init_mbbi, read_mbbi);
SUPPORT(longindset, sim_longin_int, init_longin, read_longin);
SUPPORT(aidset, sim_ai_int, init_ai_int, read_ai_int, NULL);
SUPPORT(aidset, sim_ai_double, init_ai_double, read_ai_double, NULL);
SUPPORT(stringindset, sim_stringin_text, init_stringin, read_stringin);
SUPPORT(wfdset, sim_waveform_text_in, init_text_in, read_text);
SUPPORT(wfdset, sim_waveform_array_in, init_array_in, read_array);
SUPPORT(bodset, sim_bo_int, init_bo_kept, write_bo);
SUPPORT(busydset, sim_busy_int, init_busy, write_busy);
SUPPORT(mbbodset, sim_mbbo_int, init_mbbo_kept, write_mbbo);
SUPPORT(longoutdset, sim_longout_int, init_longout, write_longout);
SUPPORT(aodset, sim_ao_double, init_ao, write_ao, NULL);
SUPPORT(stringoutdset, sim_stringout_text, init_stringout, write_stringout);
SUPPORT(wfdset, sim_waveform_text_out, init_text_out, write_text);
SUPPORT(wfdset, sim_waveform_array_out, init_array_out, write_array);
