/* The faults of the whole IOC: its server, its life and its clock. */
#ifndef SIM_FAULT_SERVER_H
#define SIM_FAULT_SERVER_H

/* Before anything else: how this program was started, and where it listens, for a restart. */
void sim_fault_server_prepare(char **argv, int port);
/* Once the IOC is up: what a restart kept is put back. */
void sim_fault_server_start(const char *prefix);

void sim_fault_drop_circuits(void);

#endif
