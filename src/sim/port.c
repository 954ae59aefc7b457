#include "sim/port.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <cantProceed.h>
#include <epicsString.h>

struct sim_param {
    struct sim_param *next, *next_dirty;
    struct sim_port *port;
    char *name;
    bool defined, dirty;
    struct sim_value value;
    struct sim_listener *listeners;
};

struct sim_port {
    struct sim_port *next;
    char *name;
    sim_written *written;
    void *owner;
    pthread_mutex_t lock, values, queue;
    pthread_cond_t queued, idle;
    struct sim_param *params, *dirty, **dirty_end;
    struct sim_job *jobs, **jobs_end;
    bool busy, live;
};

/* Ports are made once, before the database, and live as long as the program. */
static struct sim_port *ports;

static void *serve(void *arg)
{
    struct sim_port *port = arg;
    pthread_mutex_lock(&port->queue);
    for (;;) {
        while (!port->jobs) {
            port->busy = false;
            pthread_cond_broadcast(&port->idle);
            pthread_cond_wait(&port->queued, &port->queue);
        }
        struct sim_job *job = port->jobs;
        port->jobs = job->next;
        if (!port->jobs) port->jobs_end = &port->jobs;
        port->busy = true;
        pthread_mutex_unlock(&port->queue);
        pthread_mutex_lock(&port->lock);
        job->run(job);
        pthread_mutex_unlock(&port->lock);
        pthread_mutex_lock(&port->queue);
    }
    return NULL;
}

struct sim_port *sim_port_new(const char *name, sim_written *written, void *owner)
{
    struct sim_port *port = callocMustSucceed(1, sizeof *port, "sim_port_new");
    pthread_t thread;
    port->name = epicsStrDup(name);
    port->written = written;
    port->owner = owner;
    port->dirty_end = &port->dirty;
    port->jobs_end = &port->jobs;
    pthread_mutex_init(&port->lock, NULL);
    pthread_mutex_init(&port->values, NULL);
    pthread_mutex_init(&port->queue, NULL);
    pthread_cond_init(&port->queued, NULL);
    pthread_cond_init(&port->idle, NULL);
    if (pthread_create(&thread, NULL, serve, port) != 0)
        cantProceed("no thread for port %s\n", name);
    pthread_detach(thread);
    port->next = ports;
    ports = port;
    return port;
}

struct sim_port *sim_port_find(const char *name)
{
    for (struct sim_port *port = ports; port; port = port->next)
        if (strcmp(port->name, name) == 0) return port;
    return NULL;
}

const char *sim_port_name(const struct sim_port *port)
{
    return port->name;
}

void sim_port_lock(struct sim_port *port)
{
    pthread_mutex_lock(&port->lock);
}

void sim_port_unlock(struct sim_port *port)
{
    pthread_mutex_unlock(&port->lock);
}

void sim_values_lock(struct sim_port *port)
{
    pthread_mutex_lock(&port->values);
}

void sim_values_unlock(struct sim_port *port)
{
    pthread_mutex_unlock(&port->values);
}

struct sim_param *sim_port_param(struct sim_port *port, const char *name, enum sim_type type)
{
    sim_values_lock(port);
    struct sim_param *param = port->params;
    while (param && strcmp(param->name, name) != 0)
        param = param->next;
    if (!param) {
        param = callocMustSucceed(1, sizeof *param, "sim_port_param");
        param->port = port;
        param->name = epicsStrDup(name);
        param->value.type = type;
        param->next = port->params;
        port->params = param;
    }
    sim_values_unlock(port);
    return param;
}

const char *sim_param_name(const struct sim_param *param)
{
    return param->name;
}

struct sim_port *sim_param_port(const struct sim_param *param)
{
    return param->port;
}

static bool same(const struct sim_value *a, const struct sim_value *b)
{
    switch (a->type) {
    case SIM_INT: return a->i == b->i;
    case SIM_DOUBLE: return a->d == b->d;
    case SIM_TEXT: return strcmp(a->text ? a->text : "", b->text ? b->text : "") == 0;
    case SIM_ARRAY: break; /* a new array is news, even with the same content */
    }
    return false;
}

static void set(struct sim_param *param, const struct sim_value *given)
{
    struct sim_port *port = param->port;
    struct sim_value value = *given;
    value.type = param->value.type;
    if (given->type == SIM_INT && value.type == SIM_DOUBLE) value.d = given->i;
    if (given->type == SIM_DOUBLE && value.type == SIM_INT) value.i = (int32_t)given->d;
    sim_values_lock(port);
    if (!param->defined || !same(&param->value, &value)) {
        struct sim_value old = param->value;
        sim_value_copy(&param->value, &value);
        sim_value_clear(&old);
        param->defined = true;
        if (!param->dirty) {
            param->dirty = true;
            param->next_dirty = NULL;
            *port->dirty_end = param;
            port->dirty_end = &param->next_dirty;
        }
    }
    sim_values_unlock(port);
}

void sim_set_int(struct sim_param *param, int32_t value)
{
    set(param, &(struct sim_value){.type = SIM_INT, .i = value});
}

void sim_set_double(struct sim_param *param, double value)
{
    set(param, &(struct sim_value){.type = SIM_DOUBLE, .d = value});
}

void sim_set_text(struct sim_param *param, const char *value)
{
    set(param, &(struct sim_value){.type = SIM_TEXT, .text = (char *)value});
}

void sim_set_array(struct sim_param *param, struct sim_array *value)
{
    set(param, &(struct sim_value){.type = SIM_ARRAY, .array = value});
}

void sim_set_parsed(struct sim_param *param, const char *text)
{
    if (param->value.type == SIM_TEXT)
        sim_set_text(param, text);
    else
        sim_set_double(param, strtod(text, NULL));
}

bool sim_get(const struct sim_param *param, struct sim_value *ret)
{
    sim_values_lock(param->port);
    bool defined = param->defined;
    sim_value_copy(ret, &param->value);
    sim_values_unlock(param->port);
    return defined;
}

int32_t sim_get_int(const struct sim_param *param)
{
    sim_values_lock(param->port);
    int32_t value = param->value.i;
    sim_values_unlock(param->port);
    return value;
}

double sim_get_double(const struct sim_param *param)
{
    sim_values_lock(param->port);
    double value = param->value.d;
    sim_values_unlock(param->port);
    return value;
}

void sim_get_text(const struct sim_param *param, char *ret, size_t size)
{
    sim_values_lock(param->port);
    strncpy(ret, param->value.text ? param->value.text : "", size - 1);
    ret[size - 1] = '\0';
    sim_values_unlock(param->port);
}

void sim_publish(struct sim_port *port)
{
    sim_values_lock(port);
    while (port->live && port->dirty) {
        struct sim_param *param = port->dirty;
        port->dirty = param->next_dirty;
        if (!port->dirty) port->dirty_end = &port->dirty;
        param->dirty = false;
        for (struct sim_listener *l = param->listeners; l; l = l->next)
            l->changed(l, &param->value);
    }
    sim_values_unlock(port);
}

void sim_param_listen(struct sim_param *param, struct sim_listener *listener)
{
    sim_values_lock(param->port);
    listener->next = param->listeners;
    param->listeners = listener;
    sim_values_unlock(param->port);
}

void sim_port_queue(struct sim_port *port, struct sim_job *job)
{
    pthread_mutex_lock(&port->queue);
    job->next = NULL;
    *port->jobs_end = job;
    port->jobs_end = &job->next;
    port->busy = true;
    pthread_cond_signal(&port->queued);
    pthread_mutex_unlock(&port->queue);
}

void sim_port_write(struct sim_param *param, const struct sim_value *value)
{
    set(param, value);
    param->port->written(param->port->owner, param);
    sim_publish(param->port);
}

void sim_port_drain(struct sim_port *port)
{
    pthread_mutex_lock(&port->queue);
    while (port->busy)
        pthread_cond_wait(&port->idle, &port->queue);
    pthread_mutex_unlock(&port->queue);
}

void sim_port_go_live(struct sim_port *port)
{
    sim_values_lock(port);
    port->live = true;
    sim_values_unlock(port);
    sim_publish(port);
}

bool sim_port_is_live(struct sim_port *port)
{
    sim_values_lock(port);
    bool live = port->live;
    sim_values_unlock(port);
    return live;
}
