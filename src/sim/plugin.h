/* The base of plugins (the NDPluginBase template): a queue of frames and a thread that takes them
 * off, or the source's own thread where BlockingCallbacks is on. */
#ifndef SIM_PLUGIN_H
#define SIM_PLUGIN_H

#include <pthread.h>
#include <stdbool.h>

#include "sim/array.h"
#include "sim/frame_params.h"
#include "sim/port.h"
#include "sim/source.h"

struct sim_plugin;
struct sim_queued;

struct sim_plugin_ops {
    /* Called with the port's lock. Returns whether the frame counts for ArrayCounter. What the
     * plugin makes of it goes on by sim_plugin_send. */
    bool (*process)(void *owner, struct sim_frame *frame);
    void (*written)(void *owner, struct sim_param *param);
};

struct sim_plugin {
    struct sim_port *port;
    const struct sim_plugin_ops *ops;
    void *owner;
    struct sim_source *source; /* where its frames come from */
    struct sim_source output;  /* what other plugins attach to */
    struct sim_frame *last;

    pthread_mutex_t lock; /* of the queue and of last_start */
    pthread_cond_t filled;
    struct sim_queued *first, **end;
    int count;
    double last_start;
    pthread_mutex_t counting; /* of how many of its own frames wait in plugins behind it */
    int waiting;

    struct sim_param *enable, *blocking, *min_time, *dropped, *queue_size, *queue_free,
        *source_name, *process_now, *execution_time, *pre_alloc, *array_callbacks, *num_queued;
    struct sim_frame_params frame;
};

void sim_plugin_init(struct sim_plugin *plugin, const char *port_name,
                     const struct sim_plugin_ops *ops, void *owner);
void sim_plugin_offer(struct sim_plugin *plugin, struct sim_source *source,
                      struct sim_frame *frame);

/* Gives a frame to the plugins behind this one, if ArrayCallbacks is on. From process, or from
 * written, with the port's lock: it is let go meanwhile. */
void sim_plugin_send(struct sim_plugin *plugin, struct sim_frame *frame);

#endif
