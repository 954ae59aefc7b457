#define USE_TYPED_RSET
#define USE_TYPED_DSET
#include "sim/busy_record.h"

#include <string.h>

#include <alarm.h>
#include <dbAccess.h>
#include <dbBase.h>
#include <dbEvent.h>
#include <dbLink.h>
#include <recGbl.h>
#include <recSup.h>

#include "sim/record_layout.h"

#include <epicsExport.h>

static const struct sim_field fields[] = {
    SIM_FIELD(busyRecord, "VAL", val),   SIM_FIELD(busyRecord, "MLST", mlst),
    SIM_FIELD(busyRecord, "OUT", out),   SIM_FIELD(busyRecord, "ZNAM", znam),
    SIM_FIELD(busyRecord, "ONAM", onam), SIM_FIELD(busyRecord, "ZSV", zsv),
    SIM_FIELD(busyRecord, "OSV", osv),
};

static int busyRecordSizeOffset(dbRecordType *type)
{
    return sim_record_layout(type, sizeof(busyRecord), fields, sizeof fields / sizeof *fields);
}

static long init_record(struct dbCommon *common, int pass)
{
    busyRecord *r = (busyRecord *)common;
    if (pass == 0) return 0;
    if (!common->dset) {
        recGblRecordError(S_dev_noDSET, r, "busy: no device support");
        return S_dev_noDSET;
    }
    r->mlst = r->val;
    return common->dset->init_record ? common->dset->init_record(common) : 0;
}

static void check_alarms(busyRecord *r)
{
    if (r->common.udf) recGblSetSevr(r, UDF_ALARM, r->common.udfs);
    recGblSetSevr(r, STATE_ALARM, r->val ? r->osv : r->zsv);
}

static void post(busyRecord *r)
{
    unsigned short mask = recGblResetAlarms(r);
    if (r->mlst != r->val) {
        mask |= DBE_VALUE | DBE_LOG;
        r->mlst = r->val;
    }
    if (mask) db_post_events(r, &r->val, mask);
}

static long process(struct dbCommon *common)
{
    busyRecord *r = (busyRecord *)common;
    busydset *device = (busydset *)common->dset;
    int second = common->pact;
    long status = device->write_busy(r);
    if (!second && common->pact) return 0;
    common->pact = TRUE;
    common->udf = FALSE;
    recGblGetTimeStamp(r);
    check_alarms(r);
    post(r);
    /* A put with completion ends with the forward link: held back for as long as this is 1. */
    if (r->val == 0) recGblFwdLink(r);
    common->pact = FALSE;
    return status;
}

static long get_enum_str(const struct dbAddr *address, char *ret)
{
    const busyRecord *r = (const busyRecord *)address->precord;
    const char *text = r->val == 0 ? r->znam : r->val == 1 ? r->onam : "Illegal_Value";
    strncpy(ret, text, MAX_STRING_SIZE - 1);
    ret[MAX_STRING_SIZE - 1] = '\0';
    return 0;
}

static long get_enum_strs(const struct dbAddr *address, struct dbr_enumStrs *ret)
{
    const busyRecord *r = (const busyRecord *)address->precord;
    memset(ret->strs, 0, sizeof ret->strs);
    memcpy(ret->strs[0], r->znam, sizeof r->znam);
    memcpy(ret->strs[1], r->onam, sizeof r->onam);
    ret->no_str = 2;
    return 0;
}

static long put_enum_str(const struct dbAddr *address, const char *text)
{
    busyRecord *r = (busyRecord *)address->precord;
    if (strncmp(text, r->znam, sizeof r->znam) == 0)
        r->val = 0;
    else if (strncmp(text, r->onam, sizeof r->onam) == 0)
        r->val = 1;
    else
        return S_db_badChoice;
    return 0;
}

static rset busyRSET = {
    .number = RSETNUMBER,
    .init_record = init_record,
    .process = process,
    .get_enum_str = get_enum_str,
    .get_enum_strs = get_enum_strs,
    .put_enum_str = put_enum_str,
};
epicsExportAddress(rset, busyRSET);
epicsExportRegistrar(busyRecordSizeOffset);

/* An AcquireBusy: set and cleared by other records, it drives nothing itself. */
static long write_soft(busyRecord *r)
{
    return dbLinkIsDefined(&r->out) ? dbPutLink(&r->out, DBR_USHORT, &r->val, 1) : 0;
}

static busydset sim_busy_soft = {{5, NULL, NULL, NULL, NULL}, write_soft};
epicsExportAddress(dset, sim_busy_soft);
