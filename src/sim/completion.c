#include "sim/completion.h"

void sim_completion_init(struct sim_completion *c, struct sim_port *port)
{
    c->port = port;
    c->acquire = sim_port_param(port, "ACQUIRE", SIM_INT);
    c->acquire_busy = sim_port_param(port, "ACQUIRE_BUSY", SIM_INT);
    c->wait_for_plugins = sim_port_param(port, "WAIT_FOR_PLUGINS", SIM_INT);
    c->num_queued = sim_port_param(port, "NUM_QUEUED_ARRAYS", SIM_INT);
    c->queued = 0;
    c->waits = false;
    pthread_mutex_init(&c->lock, NULL);
}

void sim_completion_set(struct sim_completion *c, bool on)
{
    pthread_mutex_lock(&c->lock);
    sim_set_int(c->acquire, on);
    c->waits = !on && sim_get_int(c->wait_for_plugins) && c->queued > 0;
    if (!c->waits) sim_set_int(c->acquire_busy, on);
    pthread_mutex_unlock(&c->lock);
}

void sim_completion_queued(void *completion, int change)
{
    struct sim_completion *c = completion;
    pthread_mutex_lock(&c->lock);
    c->queued += change;
    sim_set_int(c->num_queued, c->queued);
    if (c->waits && c->queued == 0) {
        c->waits = false;
        sim_set_int(c->acquire_busy, 0);
    }
    /* Inside the lock, so that the counts come out in the order in which they were. */
    sim_publish(c->port);
    pthread_mutex_unlock(&c->lock);
}
