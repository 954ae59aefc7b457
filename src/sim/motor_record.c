/* The motor record, as clients see it: what is put to VAL sets DMOV to 0 before the record looks at
 * it, and a put with completion ends when DMOV is 1 again, for whatever reason. Backlash, jogging
 * and encoders are left out. */
#define USE_TYPED_RSET
#include "sim/motor_record.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <alarm.h>
#include <callback.h>
#include <cantProceed.h>
#include <dbAccess.h>
#include <dbBase.h>
#include <dbEvent.h>
#include <recGbl.h>
#include <recSup.h>

#include "sim/clock.h"
#include "sim/database.h"
#include "sim/fault.h"
#include "sim/options.h"
#include "sim/record_layout.h"

#include <epicsExport.h>

enum { STOP, PAUSE, MOVE, GO }; /* SPMG */
enum { MSTA_UP = 1, MSTA_DONE = 2, MSTA_HIGH = 4, MSTA_MOVING = 0x400, MSTA_LOW = 0x2000 };

static const double POLL_SECONDS = 0.02;

static const char *prefix = "";
static bool instant;

static const struct sim_field fields[] = {
    SIM_FIELD(motorRecord, "VAL", val),   SIM_FIELD(motorRecord, "RBV", rbv),
    SIM_FIELD(motorRecord, "DVAL", dval), SIM_FIELD(motorRecord, "DRBV", drbv),
    SIM_FIELD(motorRecord, "RVAL", rval), SIM_FIELD(motorRecord, "RRBV", rrbv),
    SIM_FIELD(motorRecord, "RLV", rlv),   SIM_FIELD(motorRecord, "DIFF", diff),
    SIM_FIELD(motorRecord, "OFF", off),   SIM_FIELD(motorRecord, "FOFF", foff),
    SIM_FIELD(motorRecord, "DIR", dir),   SIM_FIELD(motorRecord, "SET", set),
    SIM_FIELD(motorRecord, "SPMG", spmg), SIM_FIELD(motorRecord, "STOP", stop),
    SIM_FIELD(motorRecord, "HOMF", homf), SIM_FIELD(motorRecord, "HOMR", homr),
    SIM_FIELD(motorRecord, "TWF", twf),   SIM_FIELD(motorRecord, "TWR", twr),
    SIM_FIELD(motorRecord, "TWV", twv),   SIM_FIELD(motorRecord, "VELO", velo),
    SIM_FIELD(motorRecord, "VBAS", vbas), SIM_FIELD(motorRecord, "VMAX", vmax),
    SIM_FIELD(motorRecord, "ACCL", accl), SIM_FIELD(motorRecord, "BDST", bdst),
    SIM_FIELD(motorRecord, "BVEL", bvel), SIM_FIELD(motorRecord, "BACC", bacc),
    SIM_FIELD(motorRecord, "DLY", dly),   SIM_FIELD(motorRecord, "MRES", mres),
    SIM_FIELD(motorRecord, "RDBD", rdbd), SIM_FIELD(motorRecord, "RTRY", rtry),
    SIM_FIELD(motorRecord, "RCNT", rcnt), SIM_FIELD(motorRecord, "MISS", miss),
    SIM_FIELD(motorRecord, "HLM", hlm),   SIM_FIELD(motorRecord, "LLM", llm),
    SIM_FIELD(motorRecord, "DHLM", dhlm), SIM_FIELD(motorRecord, "DLLM", dllm),
    SIM_FIELD(motorRecord, "LVIO", lvio), SIM_FIELD(motorRecord, "HLS", hls),
    SIM_FIELD(motorRecord, "LLS", lls),   SIM_FIELD(motorRecord, "HLSV", hlsv),
    SIM_FIELD(motorRecord, "DMOV", dmov), SIM_FIELD(motorRecord, "MOVN", movn),
    SIM_FIELD(motorRecord, "TDIR", tdir), SIM_FIELD(motorRecord, "CDIR", cdir),
    SIM_FIELD(motorRecord, "MSTA", msta), SIM_FIELD(motorRecord, "HOPR", hopr),
    SIM_FIELD(motorRecord, "LOPR", lopr), SIM_FIELD(motorRecord, "PREC", prec),
    SIM_FIELD(motorRecord, "EGU", egu),
};
enum { FIELDS = sizeof fields / sizeof *fields };

/* What a record has beside its fields: its motor. */
struct motor {
    epicsCallback poll;
    bool polled;                          /* this processing is the poll's */
    double from, to;                      /* of the move, on the dial */
    double began, seconds;                /* infinite: it goes nowhere */
    enum { WELL, MISSES, AT_SWITCH } end; /* how it will end */
    double last;                          /* the DVAL that was acted upon */
    motorRecord posted;
};

static int motorRecordSizeOffset(dbRecordType *type)
{
    return sim_record_layout(type, sizeof(motorRecord), fields, FIELDS);
}

/* Coordinates */

static double sign(const motorRecord *r)
{
    return r->dir ? -1 : 1;
}

static void set_readbacks(motorRecord *r)
{
    r->rbv = r->drbv * sign(r) + r->off;
    r->rrbv = (epicsInt32)lround(r->drbv / r->mres);
    r->diff = r->dval - r->drbv;
}

static void set_user_limits(motorRecord *r)
{
    r->hlm = (r->dir ? -r->dllm : r->dhlm) + r->off;
    r->llm = (r->dir ? -r->dhlm : r->dllm) + r->off;
}

static void set_targets(motorRecord *r, double dial)
{
    r->dval = dial;
    r->val = dial * sign(r) + r->off;
    r->rval = (epicsInt32)lround(dial / r->mres);
}

/* Motion */

/* A ramp up, a way at full speed, a ramp down; short ways do not reach full speed. */
static double seconds_for(const motorRecord *r, double way)
{
    if (instant || r->velo <= 0) return 0;
    return way >= r->velo * r->accl ? way / r->velo + r->accl : 2 * sqrt(way * r->accl / r->velo);
}

static double travelled(const motorRecord *r, double way, double whole, double since)
{
    double slope = r->velo / r->accl, ramp = fmin(r->accl, whole / 2), left = whole - since;
    if (since >= whole) return way;
    if (since < ramp) return slope * since * since / 2;
    if (left < ramp) return way - slope * left * left / 2;
    return slope * ramp * ramp / 2 + slope * ramp * (since - ramp);
}

static bool has_fault(const motorRecord *r, enum sim_fault fault)
{
    char name[SIM_FAULT_TEXT];
    return sim_fault_target(fault, name, NULL) &&
           strcmp(r->common.name + strlen(prefix), name) == 0;
}

static void poll_again(struct motor *m)
{
    double left = m->began + m->seconds - sim_now();
    callbackRequestDelayed(&m->poll, fmax(fmin(left, POLL_SECONDS), 0));
}

static void start(motorRecord *r, double dial)
{
    struct motor *m = r->common.dpvt;
    double to = (double)lround(dial / r->mres) * r->mres;
    m->last = dial;
    m->from = r->drbv;
    m->to = to;
    m->end = has_fault(r, SIM_FAULT_MOTOR_MISSES)   ? MISSES
             : has_fault(r, SIM_FAULT_MOTOR_SWITCH) ? AT_SWITCH
                                                    : WELL;
    if (m->end != WELL) m->to = m->from + (to - m->from) / 2;
    m->began = sim_now();
    m->seconds = has_fault(r, SIM_FAULT_MOTOR_STUCK) ? (double)INFINITY
                                                     : seconds_for(r, fabs(m->to - m->from));
    r->dmov = 0;
    r->movn = 1;
    r->miss = r->rcnt = r->hls = r->lls = 0;
    r->cdir = to > m->from;
    r->tdir = r->cdir;
    r->msta = MSTA_MOVING | (r->tdir ? (unsigned)MSTA_UP : 0u);
    poll_again(m);
}

static void halt(motorRecord *r)
{
    r->movn = 0;
    r->msta = (r->msta & MSTA_UP) | MSTA_DONE;
}

static bool at_switch(motorRecord *r)
{
    bool high = (r->tdir != 0) != (r->dir != 0);
    if (high)
        r->hls = 1;
    else
        r->lls = 1;
    r->msta |= r->tdir ? MSTA_HIGH : MSTA_LOW;
    return true;
}

static void arrive(motorRecord *r)
{
    struct motor *m = r->common.dpvt;
    halt(r);
    if (m->end == MISSES) r->rcnt = r->rtry;
    r->miss = m->end == MISSES;
    if (m->end == AT_SWITCH) at_switch(r);
    if (r->dval != m->last && r->spmg >= MOVE) /* it was told another place meanwhile */
        start(r, r->dval);
    else
        r->dmov = 1;
}

static void follow(motorRecord *r)
{
    struct motor *m = r->common.dpvt;
    double since = sim_now() - m->began, way = fabs(m->to - m->from);
    if (!r->movn) return;
    bool arrived = since >= m->seconds;
    if (!isinf(m->seconds)) {
        double gone = arrived ? way : travelled(r, way, m->seconds, since);
        r->drbv = arrived ? m->to : m->from + (m->to > m->from ? gone : -gone);
    }
    set_readbacks(r);
    if (arrived)
        arrive(r);
    else
        poll_again(m);
}

/* What was put */

/* Pause keeps the way that is left, for Go; the others take the place where it stands. */
static void stop(motorRecord *r, bool pause)
{
    struct motor *m = r->common.dpvt;
    bool moves = r->movn;
    r->stop = 0;
    if (moves) halt(r);
    if (moves && pause) return;
    if (!moves && r->dmov) return;
    set_targets(r, r->drbv);
    m->last = r->dval;
    r->dmov = 1;
}

static bool has_limits(const motorRecord *r)
{
    return r->dhlm != r->dllm || r->dllm != 0;
}

static void take_relative(motorRecord *r)
{
    r->val += r->rlv + (r->twf ? r->twv : 0) - (r->twr ? r->twv : 0);
    r->rlv = 0;
    r->twf = r->twr = 0;
}

/* Calibrates: the motor stays where it is, and is somewhere else from now on. */
static void redefine(motorRecord *r, bool user_alone)
{
    struct motor *m = r->common.dpvt;
    if (user_alone && !r->foff)
        r->off = r->val - r->drbv * sign(r);
    else
        r->drbv = r->dval;
    set_user_limits(r);
    set_targets(r, r->drbv);
    m->last = r->dval;
    r->dmov = 1;
}

static void go(motorRecord *r)
{
    struct motor *m = r->common.dpvt;
    if (r->homf || r->homr) { /* the switch is at 0 of the dial */
        r->homf = r->homr = 0;
        set_targets(r, 0);
    }
    r->lvio = has_limits(r) && (r->dval > r->dhlm || r->dval < r->dllm) && r->dval != m->last;
    if (r->lvio) {
        set_targets(r, m->last);
        r->dmov = !r->movn;
    } else if (r->movn) {
        return;
    } else if (lround(r->dval / r->mres) != lround(r->drbv / r->mres)) {
        start(r, r->dval);
    } else {
        m->last = r->dval;
        r->dmov = 1;
    }
}

static void obey(motorRecord *r)
{
    const motorRecord *was = &((struct motor *)r->common.dpvt)->posted;
    if (r->stop || (r->spmg == STOP && was->spmg != STOP)) {
        stop(r, false);
        return;
    }
    if (r->spmg == PAUSE && was->spmg != PAUSE) stop(r, true);
    take_relative(r);
    bool user = r->val != was->val;
    if (user)
        r->dval = (r->val - r->off) / sign(r);
    else if (r->rval != was->rval)
        r->dval = r->rval * r->mres;
    if (r->set && !r->dmov && !r->movn) {
        redefine(r, user);
        return;
    }
    r->val = r->dval * sign(r) + r->off;
    r->rval = (epicsInt32)lround(r->dval / r->mres);
    if (r->spmg >= MOVE && (!r->dmov || r->homf || r->homr)) go(r);
}

/* Processing */

static void post(motorRecord *r)
{
    motorRecord *was = &((struct motor *)r->common.dpvt)->posted;
    unsigned short alarms = recGblResetAlarms(r);
    for (size_t i = 0; i < FIELDS; i++) {
        char *now = (char *)r + fields[i].offset, *then = (char *)was + fields[i].offset;
        bool shows_alarms = now == (char *)&r->val || now == (char *)&r->rbv;
        unsigned short mask = shows_alarms ? alarms : 0;
        if (memcmp(now, then, fields[i].size) != 0) mask |= DBE_VALUE | DBE_LOG;
        if (mask) db_post_events(r, now, mask);
        memcpy(then, now, fields[i].size);
    }
}

static long process(struct dbCommon *common)
{
    motorRecord *r = (motorRecord *)common;
    struct motor *m = common->dpvt;
    common->pact = TRUE;
    common->udf = FALSE;
    if (m->polled)
        follow(r);
    else
        obey(r);
    m->polled = false;
    set_readbacks(r);
    recGblGetTimeStamp(r);
    if (r->hls || r->lls) recGblSetSevr(r, r->hls ? HIGH_ALARM : LOW_ALARM, r->hlsv);
    post(r);
    /* A put with completion ends with the forward link, so not as long as it moves. */
    if (r->dmov) recGblFwdLink(r);
    common->pact = FALSE;
    return 0;
}

static void on_poll(epicsCallback *callback)
{
    motorRecord *r = NULL;
    callbackGetUser(r, callback);
    dbScanLock(&r->common);
    ((struct motor *)r->common.dpvt)->polled = true;
    dbProcess(&r->common);
    dbScanUnlock(&r->common);
}

static long init_record(struct dbCommon *common, int pass)
{
    motorRecord *r = (motorRecord *)common;
    if (pass == 0) return 0;
    struct motor *m = callocMustSucceed(1, sizeof *m, "motor");
    callbackSetCallback(on_poll, &m->poll);
    callbackSetUser(r, &m->poll);
    callbackSetPriority(priorityMedium, &m->poll);
    common->dpvt = m;
    common->udf = FALSE;
    if (r->mres == 0) r->mres = 1;
    if (r->rdbd < fabs(r->mres)) r->rdbd = fabs(r->mres);
    r->dmov = 1;
    r->msta = MSTA_DONE;
    r->drbv = r->dval;
    set_user_limits(r);
    set_targets(r, r->dval);
    set_readbacks(r);
    m->last = r->dval;
    m->posted = *r;
    return 0;
}

/* Fields that others follow */

static bool drives(const motorRecord *r, const void *field)
{
    return field == &r->val || field == &r->dval || field == &r->rval || field == &r->rlv ||
           field == &r->twf || field == &r->twr;
}

/* Before the value is there DMOV falls, so that no client finds it 1 after its put. */
static long before_put(motorRecord *r, const void *field)
{
    if (!drives(r, field) || r->common.disa == r->common.disv || !r->dmov) return 0;
    r->dmov = 0;
    ((struct motor *)r->common.dpvt)->posted.dmov = 0;
    db_post_events(r, &r->dmov, DBE_VALUE | DBE_LOG);
    return 0;
}

static long special(struct dbAddr *address, int after)
{
    motorRecord *r = (motorRecord *)address->precord;
    const void *field = address->pfield;
    if (!after) return before_put(r, field);
    struct motor *m = r->common.dpvt;
    if (field == &r->hlm || field == &r->llm) {
        r->dhlm = r->dir ? -(r->llm - r->off) : r->hlm - r->off;
        r->dllm = r->dir ? -(r->hlm - r->off) : r->llm - r->off;
    } else if (field == &r->dhlm || field == &r->dllm) {
        set_user_limits(r);
    } else if (field == &r->off || field == &r->dir) {
        if (field == &r->dir && !r->foff) r->off = r->val - r->dval * sign(r);
        set_user_limits(r);
        set_targets(r, r->dval);
        m->posted.val = r->val; /* no target of a client's */
        db_post_events(r, &r->val, DBE_VALUE | DBE_LOG);
    }
    return 0;
}

static long get_units(struct dbAddr *address, char *units)
{
    const motorRecord *r = (const motorRecord *)address->precord;
    const void *field = address->pfield;
    bool speed = field == &r->velo || field == &r->vbas || field == &r->vmax || field == &r->bvel;
    bool time = field == &r->accl || field == &r->bacc || field == &r->dly;
    snprintf(units, DB_UNITS_SIZE, "%.10s%s", time ? "sec" : r->egu, speed ? "/sec" : "");
    return 0;
}

static long get_precision(const struct dbAddr *address, long *precision)
{
    *precision = ((const motorRecord *)address->precord)->prec;
    return 0;
}

static long get_graphic_double(struct dbAddr *address, struct dbr_grDouble *ret)
{
    const motorRecord *r = (const motorRecord *)address->precord;
    const void *field = address->pfield;
    if (field == &r->val || field == &r->rbv) {
        ret->upper_disp_limit = r->hlm;
        ret->lower_disp_limit = r->llm;
    } else if (field == &r->dval || field == &r->drbv) {
        ret->upper_disp_limit = r->dhlm;
        ret->lower_disp_limit = r->dllm;
    } else {
        recGblGetGraphicDouble(address, ret);
    }
    return 0;
}

static long get_control_double(struct dbAddr *address, struct dbr_ctrlDouble *ret)
{
    const motorRecord *r = (const motorRecord *)address->precord;
    const void *field = address->pfield;
    if (field == &r->val || field == &r->rbv) {
        ret->upper_ctrl_limit = r->hlm;
        ret->lower_ctrl_limit = r->llm;
    } else if (field == &r->dval || field == &r->drbv) {
        ret->upper_ctrl_limit = r->dhlm;
        ret->lower_ctrl_limit = r->dllm;
    } else {
        recGblGetControlDouble(address, ret);
    }
    return 0;
}

static rset motorRSET = {
    .number = RSETNUMBER,
    .init_record = init_record,
    .process = process,
    .special = special,
    .get_units = get_units,
    .get_precision = get_precision,
    .get_graphic_double = get_graphic_double,
    .get_control_double = get_control_double,
};
epicsExportAddress(rset, motorRSET);
epicsExportRegistrar(motorRecordSizeOffset);

/* The simulator's own */

static const char records[] =
    "record(motor, \"$(P)m1\") { field(DESC, \"sample x\") field(EGU, \"mm\") field(PREC, \"4\")\n"
    "field(MRES, \"0.0001\") field(RDBD, \"0.001\") field(VELO, \"20\") field(ACCL, \"0.1\")\n"
    "field(DHLM, \"100\") field(DLLM, \"-100\") field(TWV, \"1\") field(HLSV, \"MAJOR\") }\n"
    "record(motor, \"$(P)m2\") { field(DESC, \"sample angle\") field(EGU, \"deg\")\n"
    "field(PREC, \"3\") field(MRES, \"0.001\") field(RDBD, \"0.005\") field(VELO, \"90\")\n"
    "field(ACCL, \"0.1\") field(DHLM, \"180\") field(DLLM, \"-180\") field(TWV, \"5\")\n"
    "field(HLSV, \"MAJOR\") }\n";

int sim_motor_load(const struct sim_options *options, char *why, size_t why_size)
{
    char macros[64];
    prefix = options->prefix;
    instant = options->instant;
    snprintf(macros, sizeof macros, "P=%s", options->prefix);
    return sim_database_text("the motors", records, macros, why, why_size);
}
