/* The busy record type: a bo whose put completion waits until it is 0 again. */
#ifndef SIM_BUSY_RECORD_H
#define SIM_BUSY_RECORD_H

#include <dbCommon.h>
#include <devSup.h>
#include <epicsTypes.h>
#include <link.h>

typedef struct busyRecord {
    struct dbCommon common;
    epicsEnum16 val;
    epicsEnum16 mlst;
    DBLINK out;
    char znam[26], onam[26];
    epicsEnum16 zsv, osv;
} busyRecord;

typedef struct busydset {
    dset common;
    long (*write_busy)(busyRecord *record);
} busydset;

#endif
