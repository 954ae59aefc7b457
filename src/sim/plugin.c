#include "sim/plugin.h"

#include <stdlib.h>

#include <cantProceed.h>
#include <epicsThread.h>

#include "sim/clock.h"
#include "sim/fault.h"

struct sim_queued {
    struct sim_queued *next;
    struct sim_frame *frame;
    struct sim_source *source;
};

/* With the port's lock. */
static void process(struct sim_plugin *p, struct sim_frame *frame)
{
    double start = sim_now();
    sim_frame_params_set(&p->frame, frame);
    if (p->ops->process(p->owner, frame))
        sim_set_int(p->frame.counter, sim_get_int(p->frame.counter) + 1);
    sim_frame_ref(frame);
    sim_frame_unref(p->last);
    p->last = frame;
    sim_set_double(p->execution_time, (sim_now() - start) * 1e3);
    sim_publish(p->port);
}

/* Without the port's lock: what is put to it still acts. */
static void stand_still(const struct sim_plugin *p)
{
    while (sim_fault_hits(SIM_FAULT_PLUGIN_STUCK, sim_port_name(p->port)))
        epicsThreadSleep(0.01);
}

static void *work(void *arg)
{
    struct sim_plugin *p = arg;
    for (;;) {
        pthread_mutex_lock(&p->lock);
        while (!p->first)
            pthread_cond_wait(&p->filled, &p->lock);
        struct sim_queued *q = p->first;
        p->first = q->next;
        if (!p->first) p->end = &p->first;
        p->count--;
        sim_set_int(p->queue_free, sim_get_int(p->queue_size) - p->count);
        pthread_mutex_unlock(&p->lock);
        stand_still(p);
        sim_port_lock(p->port);
        process(p, q->frame);
        sim_port_unlock(p->port);
        q->source->queued(q->source->owner, -1);
        sim_frame_unref(q->frame);
        free(q);
    }
    return NULL;
}

/* False when the queue is full. */
static bool enqueue(struct sim_plugin *p, struct sim_source *source, struct sim_frame *frame)
{
    struct sim_queued *q = mallocMustSucceed(sizeof *q, "sim_plugin_offer");
    *q = (struct sim_queued){NULL, sim_frame_ref(frame), source};
    pthread_mutex_lock(&p->lock);
    int size = sim_get_int(p->queue_size);
    bool room = p->count < size;
    if (room) {
        *p->end = q;
        p->end = &q->next;
        p->count++;
        sim_set_int(p->queue_free, size - p->count);
        pthread_cond_signal(&p->filled);
    }
    pthread_mutex_unlock(&p->lock);
    if (!room) {
        sim_frame_unref(frame);
        free(q);
    }
    return room;
}

void sim_plugin_offer(struct sim_plugin *p, struct sim_source *source, struct sim_frame *frame)
{
    double start = sim_now();
    if (!sim_get_int(p->enable)) return;
    pthread_mutex_lock(&p->lock);
    bool early = start - p->last_start < sim_get_double(p->min_time);
    if (!early) p->last_start = start;
    pthread_mutex_unlock(&p->lock);
    if (early) return; /* skipped, and not counted as dropped */
    if (sim_fault_hits(SIM_FAULT_DROP_ARRAYS, sim_port_name(p->port))) {
        sim_set_int(p->dropped, sim_get_int(p->dropped) + 1);
        sim_publish(p->port);
        return;
    }
    if (sim_get_int(p->blocking)) {
        stand_still(p);
        sim_port_lock(p->port);
        process(p, frame);
        sim_port_unlock(p->port);
        return;
    }
    /* Counted first: the plugin's thread may be done with it before we return. */
    source->queued(source->owner, 1);
    if (enqueue(p, source, frame)) {
        sim_publish(p->port);
        return;
    }
    source->queued(source->owner, -1);
    sim_set_int(p->dropped, sim_get_int(p->dropped) + 1);
    sim_publish(p->port);
}

void sim_plugin_send(struct sim_plugin *p, struct sim_frame *frame)
{
    if (!sim_get_int(p->array_callbacks)) return;
    sim_port_unlock(p->port);
    sim_source_offer(&p->output, frame);
    sim_port_lock(p->port);
}

static void queued(void *owner, int change)
{
    struct sim_plugin *p = owner;
    pthread_mutex_lock(&p->counting);
    p->waiting += change;
    sim_set_int(p->num_queued, p->waiting);
    sim_publish(p->port);
    pthread_mutex_unlock(&p->counting);
}

static void connect_source(struct sim_plugin *p)
{
    char name[40];
    sim_get_text(p->source_name, name, sizeof name);
    if (p->source) sim_source_detach(p->source, p);
    p->source = sim_source_find(name);
    /* As measured: no alarm tells that there is no such port. */
    if (p->source) sim_source_attach(p->source, p);
}

static void written(void *owner, struct sim_param *param)
{
    struct sim_plugin *p = owner;
    if (param == p->source_name)
        connect_source(p);
    else if (param == p->queue_size)
        sim_set_int(p->queue_free, sim_get_int(param) - p->count);
    else if (param == p->process_now && p->last && sim_port_is_live(p->port))
        process(p, p->last);
    else if (param == p->pre_alloc)
        sim_set_int(param, 0);
    if (p->ops->written) p->ops->written(p->owner, param);
}

void sim_plugin_init(struct sim_plugin *p, const char *port_name, const struct sim_plugin_ops *ops,
                     void *owner)
{
    pthread_t thread;
    *p = (struct sim_plugin){.ops = ops, .owner = owner, .last_start = -1e9};
    p->end = &p->first;
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->counting, NULL);
    pthread_cond_init(&p->filled, NULL);
    p->port = sim_port_new(port_name, written, p);
    sim_set_text(sim_port_param(p->port, "PORT_NAME_SELF", SIM_TEXT), port_name);
    p->enable = sim_port_param(p->port, "ENABLE_CALLBACKS", SIM_INT);
    p->blocking = sim_port_param(p->port, "BLOCKING_CALLBACKS", SIM_INT);
    p->min_time = sim_port_param(p->port, "MIN_CALLBACK_TIME", SIM_DOUBLE);
    p->dropped = sim_port_param(p->port, "DROPPED_ARRAYS", SIM_INT);
    p->queue_size = sim_port_param(p->port, "QUEUE_SIZE", SIM_INT);
    p->queue_free = sim_port_param(p->port, "QUEUE_FREE", SIM_INT);
    p->source_name = sim_port_param(p->port, "NDARRAY_PORT", SIM_TEXT);
    p->process_now = sim_port_param(p->port, "PROCESS_PLUGIN", SIM_INT);
    p->execution_time = sim_port_param(p->port, "EXECUTION_TIME", SIM_DOUBLE);
    p->pre_alloc = sim_port_param(p->port, "POOL_PRE_ALLOC_BUFFERS", SIM_INT);
    p->array_callbacks = sim_port_param(p->port, "ARRAY_CALLBACKS", SIM_INT);
    p->num_queued = sim_port_param(p->port, "NUM_QUEUED_ARRAYS", SIM_INT);
    sim_source_init(&p->output, sim_port_name(p->port), queued, p);
    sim_frame_params_init(&p->frame, p->port);
    sim_set_int(p->frame.size_x, 0);
    sim_set_int(p->frame.size_y, 0);
    if (pthread_create(&thread, NULL, work, p) != 0)
        cantProceed("no thread for plugin %s\n", port_name);
    pthread_detach(thread);
}
