/* Faults: what the simulator does wrong when asked, by --fault NAME[=VALUE] and, while it runs, by
 * the record $(P)sim1:NAME. The table in fault.c tells all of them, as --help does. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "sim/port.h"

enum sim_fault {
    SIM_FAULT_EXPOSURE_HANGS,
    SIM_FAULT_EXPOSURE_FAILS,
    SIM_FAULT_ABORT_AFTER,
    SIM_FAULT_SOMEBODY_ELSE,
    SIM_FAULT_THRESHOLD_TIME,
    SIM_FAULT_DISK_FULL,
    SIM_FAULT_OPEN_FAILS,
    SIM_FAULT_PATH_VANISHES,
    SIM_FAULT_SLOW_DISK,
    SIM_FAULT_DROP_ARRAYS,
    SIM_FAULT_PLUGIN_STUCK,
    SIM_FAULT_PUT_STUCK,
    SIM_FAULT_READBACK_STAYS,
    SIM_FAULT_READBACK_LATE,
    SIM_FAULT_NAN,
    SIM_FAULT_WILD,
    SIM_FAULT_MISSING,
    SIM_FAULT_READ_ONLY,
    SIM_FAULT_MOTOR_STUCK,
    SIM_FAULT_MOTOR_MISSES,
    SIM_FAULT_MOTOR_SWITCH,
    SIM_FAULT_REPLY_DELAY,
    SIM_FAULT_DISCONNECT,
    SIM_FAULT_CRASH,
    SIM_FAULT_RESTART,
    SIM_FAULT_RESTART_SAVED,
    SIM_FAULT_CLOCK_OFFSET,
    SIM_FAULTS
};

enum { SIM_FAULT_TEXT = 40 };

/* For the command line: NAME[=VALUE], before the port is made. False: no such fault or value. */
bool sim_fault_parse(const char *text);
void sim_fault_help(FILE *out);

/* For the device sim1: (control.c): makes the parameters, and writes their records. */
void sim_fault_params(struct sim_port *port);
void sim_fault_records(FILE *db);
/* A record was written: calls who listens, if param is a fault's. */
void sim_fault_written(const struct sim_param *param);
/* Calls who listens to faults that the command line gave. */
void sim_fault_begin(void);

/* Whether it is on, and its value: from any thread. */
bool sim_fault_is(enum sim_fault fault);
double sim_fault_value(enum sim_fault fault);
/* The text of a fault that names a record, a plugin; what follows a comma goes into ret_seconds. */
bool sim_fault_target(enum sim_fault fault, char ret[SIM_FAULT_TEXT], double *ret_seconds);
/* Whether it is on for the plugin with this port, and if so, one less of a number that counts. */
bool sim_fault_hits(enum sim_fault fault, const char *port_name);
/* Ends it, as a client would. */
void sim_fault_end(enum sim_fault fault);

/* Called on the port's thread when it was written, or by sim_fault_begin. One for each fault. */
void sim_fault_on(enum sim_fault fault, void (*changed)(void *user), void *user);

#endif
