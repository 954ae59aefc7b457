/* The part of the calc module's sseq record that ADCore's templates use: numbers that go out to
 * links, one after the other. */
#define USE_TYPED_RSET
#include <dbAccess.h>
#include <dbBase.h>
#include <dbCommon.h>
#include <dbEvent.h>
#include <dbLink.h>
#include <link.h>
#include <recGbl.h>
#include <recSup.h>

#include "sim/record_layout.h"

#include <epicsExport.h>

enum { STEPS = 10 };

typedef struct sseqRecord {
    struct dbCommon common;
    epicsInt32 val;
    epicsFloat64 number[STEPS];
    DBLINK out[STEPS];
} sseqRecord;

#define STEP(letter, i)                                                                            \
    SIM_FIELD(sseqRecord, "DO" letter, number[i]), SIM_FIELD(sseqRecord, "LNK" letter, out[i])

static const struct sim_field fields[] = {
    SIM_FIELD(sseqRecord, "VAL", val),
    STEP("1", 0),
    STEP("2", 1),
    STEP("3", 2),
    STEP("4", 3),
    STEP("5", 4),
    STEP("6", 5),
    STEP("7", 6),
    STEP("8", 7),
    STEP("9", 8),
    STEP("A", 9),
};

static int sseqRecordSizeOffset(dbRecordType *type)
{
    return sim_record_layout(type, sizeof(sseqRecord), fields, sizeof fields / sizeof *fields);
}

static long process(struct dbCommon *common)
{
    sseqRecord *r = (sseqRecord *)common;
    common->pact = TRUE;
    common->udf = FALSE;
    for (int i = 0; i < STEPS; i++)
        if (dbLinkIsDefined(&r->out[i])) dbPutLink(&r->out[i], DBR_DOUBLE, &r->number[i], 1);
    recGblGetTimeStamp(r);
    unsigned short mask = recGblResetAlarms(r);
    db_post_events(r, &r->val, mask | DBE_VALUE | DBE_LOG);
    recGblFwdLink(r);
    common->pact = FALSE;
    return 0;
}

static rset sseqRSET = {.number = RSETNUMBER, .process = process};
epicsExportAddress(rset, sseqRSET);
epicsExportRegistrar(sseqRecordSizeOffset);
