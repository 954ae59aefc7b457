#define USE_TYPED_RSET
#define USE_TYPED_DSET
#include "sim/binding.h"

#include <stdio.h>
#include <string.h>

#include <alarm.h>
#include <callback.h>
#include <cantProceed.h>
#include <dbAccess.h>
#include <dbStaticLib.h>
#include <errlog.h>
#include <recGbl.h>

/* Changes that a slow record can lag behind before the oldest is lost: asyn's own default. */
enum { RING = 10 };

struct sim_binding {
    struct sim_listener listener; /* first: a listener is its binding */
    struct sim_job job;
    struct dbCommon *record;
    struct sim_param *param;
    IOSCANPVT scan;
    epicsCallback finish, follow;
    struct sim_value ring[RING]; /* under the lock of the port's values */
    unsigned first, count;
    struct sim_value outgoing;
    bool taking; /* this and the next under the record's lock */
    unsigned deferred;
};

static struct sim_binding *of_job(struct sim_job *job)
{
    return (struct sim_binding *)((char *)job - offsetof(struct sim_binding, job));
}

/* Of arrays only the newest waits: they are large, and asyn keeps no more either. */
static void push(struct sim_binding *b, const struct sim_value *value)
{
    if (b->count == (value->type == SIM_ARRAY ? 1 : RING)) {
        sim_value_clear(&b->ring[b->first]);
        b->first = (b->first + 1) % RING;
        b->count--;
    }
    sim_value_copy(&b->ring[(b->first + b->count++) % RING], value);
}

/* With the record's lock held. */
static bool pop(struct sim_binding *b, struct sim_value *ret)
{
    struct sim_port *port = sim_param_port(b->param);
    sim_values_lock(port);
    bool found = b->count > 0;
    if (found) {
        *ret = b->ring[b->first];
        memset(&b->ring[b->first], 0, sizeof b->ring[b->first]);
        b->first = (b->first + 1) % RING;
        b->count--;
    }
    sim_values_unlock(port);
    return found;
}

static void input_changed(struct sim_listener *listener, const struct sim_value *value)
{
    struct sim_binding *b = (struct sim_binding *)listener;
    push(b, value);
    scanIoRequest(b->scan);
}

static void output_changed(struct sim_listener *listener, const struct sim_value *value)
{
    struct sim_binding *b = (struct sim_binding *)listener;
    push(b, value);
    callbackRequest(&b->follow);
}

static void take(struct sim_binding *b)
{
    b->taking = true;
    dbProcess(b->record);
    b->taking = false;
}

/* A record whose write is under way follows its parameter when the write has finished. */
static void follow(epicsCallback *callback)
{
    struct sim_binding *b = NULL;
    callbackGetUser(b, callback);
    dbScanLock(b->record);
    if (b->record->pact)
        b->deferred++;
    else
        take(b);
    dbScanUnlock(b->record);
}

static void finish(epicsCallback *callback)
{
    struct sim_binding *b = NULL;
    callbackGetUser(b, callback);
    dbScanLock(b->record);
    b->record->rset->process(b->record);
    for (; b->deferred && !b->record->pact; b->deferred--)
        take(b);
    dbScanUnlock(b->record);
}

static void run(struct sim_job *job)
{
    struct sim_binding *b = of_job(job);
    sim_port_write(b->param, &b->outgoing);
    sim_value_clear(&b->outgoing);
    /* Before the port's lock is free: so what another thread makes of this write comes later. */
    callbackRequest(&b->finish);
}

static bool has_readback(struct dbCommon *record)
{
    DBENTRY entry;
    dbInitEntryFromRecord(record, &entry);
    bool found = dbFindInfo(&entry, "asyn:READBACK") == 0;
    dbFinishEntry(&entry);
    return found;
}

int sim_bind(struct dbCommon *record, const struct link *link, enum sim_type type, bool output)
{
    char port_name[40] = "", name[40] = "";
    if (link->type != INST_IO ||
        sscanf(link->value.instio.string, "asyn(%39[^,],0,1)%39s", port_name, name) != 2 ||
        !sim_port_find(port_name)) {
        errlogPrintf("%s: no parameter behind its link\n", record->name);
        return -1;
    }
    struct sim_binding *b = callocMustSucceed(1, sizeof *b, "sim_bind");
    b->record = record;
    b->param = sim_port_param(sim_port_find(port_name), name, type);
    b->job.run = run;
    b->listener.changed = output ? output_changed : input_changed;
    scanIoInit(&b->scan);
    callbackSetCallback(finish, &b->finish);
    callbackSetCallback(follow, &b->follow);
    callbackSetUser(b, &b->finish);
    callbackSetUser(b, &b->follow);
    /* One priority, so that what is published is processed in that order. */
    callbackSetPriority(priorityLow, &b->finish);
    callbackSetPriority(priorityLow, &b->follow);
    record->dpvt = b;
    if (output ? has_readback(record) : record->scan == SCAN_IO_EVENT)
        sim_param_listen(b->param, &b->listener);
    return 0;
}

long sim_binding_scan(int detach, struct dbCommon *record, IOSCANPVT *ret)
{
    const struct sim_binding *b = record->dpvt;
    (void)detach;
    if (!b) return -1;
    *ret = b->scan;
    return 0;
}

bool sim_binding_read(struct dbCommon *record, struct sim_value *ret)
{
    struct sim_binding *b = record->dpvt;
    if (b && (pop(b, ret) || sim_get(b->param, ret))) return true;
    recGblSetSevr(record, READ_ALARM, INVALID_ALARM);
    return false;
}

enum sim_step sim_binding_step(struct dbCommon *record, struct sim_value *ret)
{
    struct sim_binding *b = record->dpvt;
    if (b && b->taking && (pop(b, ret) || sim_get(b->param, ret))) return SIM_TAKE;
    if (!b || record->pact) return SIM_FINISH;
    return SIM_GIVE;
}

void sim_binding_write(struct dbCommon *record, const struct sim_value *value)
{
    struct sim_binding *b = record->dpvt;
    sim_value_copy(&b->outgoing, value);
    record->pact = TRUE;
    sim_port_queue(sim_param_port(b->param), &b->job);
}
