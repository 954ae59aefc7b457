/* Stands for the asyn record of a port: seen by clients, it does nothing. */
#define USE_TYPED_RSET
#include <dbAccess.h>
#include <dbBase.h>
#include <dbCommon.h>
#include <dbEvent.h>
#include <recGbl.h>
#include <recSup.h>

#include "sim/record_layout.h"

#include <epicsExport.h>

typedef struct asynRecord {
    struct dbCommon common;
    epicsInt32 val;
    char port[40];
} asynRecord;

static const struct sim_field fields[] = {
    SIM_FIELD(asynRecord, "VAL", val),
    SIM_FIELD(asynRecord, "PORT", port),
};

static int asynRecordSizeOffset(dbRecordType *type)
{
    return sim_record_layout(type, sizeof(asynRecord), fields, sizeof fields / sizeof *fields);
}

static long process(struct dbCommon *common)
{
    asynRecord *r = (asynRecord *)common;
    common->pact = TRUE;
    common->udf = FALSE;
    recGblGetTimeStamp(r);
    unsigned short mask = recGblResetAlarms(r);
    db_post_events(r, &r->val, mask | DBE_VALUE | DBE_LOG);
    recGblFwdLink(r);
    common->pact = FALSE;
    return 0;
}

static rset asynRSET = {.number = RSETNUMBER, .process = process};
epicsExportAddress(rset, asynRSET);
epicsExportRegistrar(asynRecordSizeOffset);
