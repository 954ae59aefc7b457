/* A port of a simulated driver: named parameters, whose changes are published to listeners, and
 * one thread that carries out what clients write, in order. Knows no records.
 *
 * Two locks. sim_port_lock is held while a driver acts on a write or on a frame; it can be held
 * for seconds. Values have a lock of their own inside the set, get and publish functions, which
 * may be called with or without the port's lock, from any thread. */
#ifndef SIM_PORT_H
#define SIM_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/array.h"

enum sim_type { SIM_INT, SIM_DOUBLE, SIM_TEXT, SIM_ARRAY };

struct sim_value {
    enum sim_type type;
    int32_t i;
    double d;
    char *text; /* owned; NULL reads as "" */
    struct sim_array *array;
};

void sim_value_copy(struct sim_value *to, const struct sim_value *from);
void sim_value_clear(struct sim_value *value);

struct sim_port;
struct sim_param;

/* Called on the port's thread, with its lock, after param took the value that a client wrote. */
typedef void sim_written(void *owner, struct sim_param *param);

struct sim_port *sim_port_new(const char *name, sim_written *written, void *owner);
struct sim_port *sim_port_find(const char *name);
const char *sim_port_name(const struct sim_port *port);
void sim_port_lock(struct sim_port *port);
void sim_port_unlock(struct sim_port *port);

/* The parameter of that name, made when it is new. Until it is set it is undefined. */
struct sim_param *sim_port_param(struct sim_port *port, const char *name, enum sim_type type);
const char *sim_param_name(const struct sim_param *param);
struct sim_port *sim_param_port(const struct sim_param *param);

/* What was set comes to the listeners with the next publish. Undefined reads as 0 or "". */
void sim_set_int(struct sim_param *param, int32_t value);
void sim_set_double(struct sim_param *param, double value);
void sim_set_text(struct sim_param *param, const char *value);
void sim_set_array(struct sim_param *param, struct sim_array *value);
void sim_set_parsed(struct sim_param *param, const char *text); /* as the parameter's type wants */
int32_t sim_get_int(const struct sim_param *param);
double sim_get_double(const struct sim_param *param);
void sim_get_text(const struct sim_param *param, char *ret, size_t size);
/* False when undefined. */
bool sim_get(const struct sim_param *param, struct sim_value *ret);
void sim_publish(struct sim_port *port);

/* A listener is called with the lock of the values held: it takes its copy and returns. */
struct sim_listener {
    struct sim_listener *next;
    void (*changed)(struct sim_listener *self, const struct sim_value *value);
};
void sim_param_listen(struct sim_param *param, struct sim_listener *listener);
void sim_values_lock(struct sim_port *port);
void sim_values_unlock(struct sim_port *port);

/* Work for the port's thread, run with the port's lock. */
struct sim_job {
    struct sim_job *next;
    void (*run)(struct sim_job *self);
};
void sim_port_queue(struct sim_port *port, struct sim_job *job);
/* Takes a client's value, lets the driver act and publishes. Only from a job. */
void sim_port_write(struct sim_param *param, const struct sim_value *value);

/* Until then nothing is published. Waits for the writes that were queued before. */
void sim_port_drain(struct sim_port *port);
void sim_port_go_live(struct sim_port *port);
bool sim_port_is_live(struct sim_port *port);

#endif
