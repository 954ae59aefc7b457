/* When a put with completion on Acquire ends: what ADDriver does with ACQUIRE_BUSY. */
#ifndef SIM_COMPLETION_H
#define SIM_COMPLETION_H

#include <pthread.h>
#include <stdbool.h>

#include "sim/port.h"

struct sim_completion {
    struct sim_port *port;
    struct sim_param *acquire, *acquire_busy, *wait_for_plugins, *num_queued;
    pthread_mutex_t lock; /* of the next two and of ACQUIRE_BUSY */
    int queued;
    bool waits; /* AcquireBusy falls when queued is 0 */
};

void sim_completion_init(struct sim_completion *completion, struct sim_port *port);

/* Sets ACQUIRE and what follows for ACQUIRE_BUSY. */
void sim_completion_set(struct sim_completion *completion, bool on);

/* For sim_source_init: that many more frames, or fewer, wait in plugins. */
void sim_completion_queued(void *completion, int change);

#endif
