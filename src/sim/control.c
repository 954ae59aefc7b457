#include "sim/control.h"

#include <stdio.h>
#include <stdlib.h>

#include <dbAccess.h>

#include "sim/database.h"
#include "sim/fault.h"
#include "sim/fault_record.h"
#include "sim/fault_server.h"
#include "sim/port.h"

enum { PULSES_AT_ONCE = 1000 };

static struct {
    const struct sim_options *options;
    struct sim_port *port;
    struct sim_param *pulse, *gate;
    struct sim_trigger *trigger;
} control;

static const char records[] =
    "record(longout, \"$(P)sim1:Pulse\") { field(DTYP, \"asynInt32\") "
    "field(OUT, \"@asyn(SIM,0,1)Pulse\") info(\"asyn:READBACK\", \"1\") }\n"
    "record(bo, \"$(P)sim1:Gate\") { field(DTYP, \"asynInt32\") field(ZNAM, \"Low\") "
    "field(ONAM, \"High\") field(OUT, \"@asyn(SIM,0,1)Gate\") }\n";

static void written(void *owner, struct sim_param *param)
{
    (void)owner;
    if (param == control.pulse) {
        int count = sim_get_int(param);
        for (int i = 0; i < count && i < PULSES_AT_ONCE && control.trigger; i++)
            sim_trigger_pulse(control.trigger);
        sim_set_int(param, 0);
    } else if (param == control.gate) {
        if (control.trigger) sim_trigger_gate(control.trigger, sim_get_int(param) != 0);
    } else {
        sim_fault_written(param);
    }
}

int sim_control_load(const struct sim_options *o, char *why, size_t why_size)
{
    char macros[64], *text = NULL;
    size_t size = 0;
    control.options = o;
    control.port = sim_port_new("SIM", written, NULL);
    control.pulse = sim_port_param(control.port, "Pulse", SIM_INT);
    control.gate = sim_port_param(control.port, "Gate", SIM_INT);
    sim_fault_params(control.port);
    FILE *db = open_memstream(&text, &size);
    if (!db) {
        snprintf(why, why_size, "there is no memory for the records of sim1:");
        return -1;
    }
    fputs(records, db);
    sim_fault_records(db);
    fclose(db);
    snprintf(macros, sizeof macros, "P=%s", o->prefix);
    int rc = sim_database_text("sim1:", text, macros, why, why_size);
    free(text);
    sim_fault_record_prepare(o->prefix);
    return rc;
}

void sim_control_trigger(struct sim_trigger *trigger)
{
    control.trigger = trigger;
}

void sim_control_start(void)
{
    sim_port_go_live(control.port);
    sim_fault_server_start(control.options->prefix);
    sim_fault_begin();
}

void sim_control_put(const char *name, double value)
{
    char full[80];
    struct dbAddr address;
    snprintf(full, sizeof full, "%s%s", control.options->prefix, name);
    if (dbNameToAddr(full, &address) == 0) dbPutField(&address, DBR_DOUBLE, &value, 1);
}
