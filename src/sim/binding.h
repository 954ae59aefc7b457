/* Binds a record to a parameter of a port: "@asyn(PORT,0,1)NAME". A changed parameter processes
 * its input records, and those output records that carry the info asyn:READBACK; a processed
 * output record is written on the port's thread and finished there. */
#ifndef SIM_BINDING_H
#define SIM_BINDING_H

#include <dbCommon.h>
#include <dbScan.h>

#include "sim/port.h"

struct sim_binding;

/* For init_record: sets record->dpvt. Returns 0 or -1 after telling why on the IOC's log. */
int sim_bind(struct dbCommon *record, const struct link *link, enum sim_type type, bool output);

/* For get_ioint_info. */
long sim_binding_scan(int detach, struct dbCommon *record, IOSCANPVT *ret);

/* The value for an input record that is being processed: the oldest change not yet seen, else the
 * parameter's value. False, and the record in alarm, when it is undefined. */
bool sim_binding_read(struct dbCommon *record, struct sim_value *ret);

/* For an output record that is being processed: */
enum sim_step {
    SIM_TAKE,  /* it follows its parameter: put ret into the record */
    SIM_GIVE,  /* give the record's value to sim_binding_write */
    SIM_FINISH /* the write is done */
};
enum sim_step sim_binding_step(struct dbCommon *record, struct sim_value *ret);
void sim_binding_write(struct dbCommon *record, const struct sim_value *value);

/* What can be wrong with the records of one name; "" ends it. From any thread. */
enum sim_trouble {
    SIM_TROUBLE_STUCK, /* a put never completes */
    SIM_TROUBLE_STAYS, /* a readback keeps its value */
    SIM_TROUBLE_LATE,  /* a readback takes a value that many seconds later */
    SIM_TROUBLE_NAN,
    SIM_TROUBLE_WILD,
    SIM_TROUBLES
};
void sim_binding_trouble(const char *record_name, enum sim_trouble trouble, double seconds);

#endif
