/* The motor record type: the fields that clients use, moving a motor that is simulated. */
#ifndef SIM_MOTOR_RECORD_H
#define SIM_MOTOR_RECORD_H

#include <stdbool.h>

#include <dbCommon.h>
#include <epicsTypes.h>

typedef struct motorRecord {
    struct dbCommon common;
    epicsFloat64 val, rbv, dval, drbv, rlv, diff, off;
    epicsInt32 rval, rrbv;
    epicsEnum16 foff, dir, set, spmg;
    epicsInt16 stop, homf, homr, twf, twr;
    epicsFloat64 twv, velo, vbas, vmax, accl, bdst, bvel, bacc, dly, mres, rdbd;
    epicsInt16 rtry, rcnt, miss;
    epicsFloat64 hlm, llm, dhlm, dllm;
    epicsInt16 lvio, hls, lls;
    epicsEnum16 hlsv;
    epicsInt16 dmov, movn, tdir, cdir;
    epicsUInt32 msta;
    epicsFloat64 hopr, lopr;
    epicsInt16 prec;
    char egu[16];
} motorRecord;

struct sim_options;

/* Before iocInit: the motors m1 and m2. 0, or -1 with a sentence in why. */
int sim_motor_load(const struct sim_options *options, char *why, size_t why_size);

#endif
