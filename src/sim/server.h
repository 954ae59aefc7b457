/* The Channel Access server: on 127.0.0.1 only. */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include <stddef.h>

/* Chooses the port (0: a free one, for TCP and UDP) and tells EPICS Base. Returns the port, or -1
 * with one sentence in why. */
int sim_server_prepare(int port, char *why, size_t why_size);

/* After iocInit: whether the server got that port. */
int sim_server_has_port(int port);

#endif
