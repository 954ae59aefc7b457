#define USE_TYPED_RSET
#define USE_TYPED_DSET
#include "sim/binding.h"

#include <math.h>
#include <stdatomic.h>
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
    struct sim_binding *next;
    epicsCallback late;
    atomic_bool trouble[SIM_TROUBLES], stuck; /* stuck: finish is held back */
    _Atomic double lateness;
};

static struct sim_binding *bindings; /* made before the IOC runs */

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
    if (atomic_load(&b->trouble[SIM_TROUBLE_STAYS])) return;
    if (atomic_load(&b->trouble[SIM_TROUBLE_LATE])) {
        callbackRequestDelayed(&b->late, atomic_load(&b->lateness));
        return;
    }
    push(b, value);
    scanIoRequest(b->scan);
}

/* It has passed over the values between. */
static void late(epicsCallback *callback)
{
    struct sim_binding *b = NULL;
    callbackGetUser(b, callback);
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
    if (atomic_load(&b->trouble[SIM_TROUBLE_STUCK]))
        atomic_store(&b->stuck, true);
    else
        callbackRequest(&b->finish);
}

/* A fault was written by a put, on the control port's thread: no port's lock but that is held. */
void sim_binding_trouble(const char *record_name, enum sim_trouble trouble, double seconds)
{
    for (struct sim_binding *b = bindings; b; b = b->next) {
        bool on = strcmp(b->record->name, record_name) == 0;
        if (on && trouble == SIM_TROUBLE_LATE) atomic_store(&b->lateness, seconds);
        if (atomic_exchange(&b->trouble[trouble], on) == on) continue;
        if (trouble == SIM_TROUBLE_STUCK) {
            if (!on && atomic_exchange(&b->stuck, false)) callbackRequest(&b->finish);
        } else if (trouble != SIM_TROUBLE_LATE && (!on || trouble != SIM_TROUBLE_STAYS)) {
            scanIoRequest(b->scan);
        }
    }
}

static void disturb(const struct sim_binding *b, struct sim_value *value)
{
    bool nan = atomic_load(&b->trouble[SIM_TROUBLE_NAN]);
    if (!nan && !atomic_load(&b->trouble[SIM_TROUBLE_WILD])) return;
    value->i = INT32_MAX;
    value->d = nan ? NAN : 1e300;
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
    callbackSetCallback(late, &b->late);
    callbackSetUser(b, &b->late);
    callbackSetPriority(priorityLow, &b->late);
    /* One priority, so that what is published is processed in that order. */
    callbackSetPriority(priorityLow, &b->finish);
    callbackSetPriority(priorityLow, &b->follow);
    record->dpvt = b;
    b->next = bindings;
    bindings = b;
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
    if (b && (pop(b, ret) || sim_get(b->param, ret))) {
        disturb(b, ret);
        return true;
    }
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
