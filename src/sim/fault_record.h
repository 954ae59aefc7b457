/* The faults of single records. */
#ifndef SIM_FAULT_RECORD_H
#define SIM_FAULT_RECORD_H

/* Before iocInit: loads the rules of access that ReadOnly needs, and listens to the faults. */
void sim_fault_record_prepare(const char *prefix);

#endif
