/* What plugins attach to: a port that makes frames. It counts the arrays that wait in plugins. */
#ifndef SIM_SOURCE_H
#define SIM_SOURCE_H

#include <pthread.h>

#include "sim/array.h"

enum { SIM_SOURCE_PLUGINS = 32 };

struct sim_plugin;

struct sim_source {
    struct sim_source *next;
    const char *port_name;
    void (*queued)(void *owner, int change); /* may be called by any plugin's thread */
    void *owner;
    pthread_mutex_t lock;
    struct sim_plugin *plugins[SIM_SOURCE_PLUGINS];
    int count;
};

void sim_source_init(struct sim_source *source, const char *port_name,
                     void (*queued)(void *owner, int change), void *owner);
struct sim_source *sim_source_find(const char *port_name);
void sim_source_attach(struct sim_source *source, struct sim_plugin *plugin);
void sim_source_detach(struct sim_source *source, struct sim_plugin *plugin);

/* Gives a frame to every attached plugin. Called with no lock held. */
void sim_source_offer(struct sim_source *source, struct sim_frame *frame);

#endif
