#include "sim/source.h"

#include <string.h>

#include "sim/plugin.h"

static struct sim_source *sources;

void sim_source_init(struct sim_source *source, const char *port_name,
                     void (*queued)(void *owner, int change), void *owner)
{
    source->port_name = port_name;
    source->queued = queued;
    source->owner = owner;
    source->count = 0;
    pthread_mutex_init(&source->lock, NULL);
    source->next = sources;
    sources = source;
}

struct sim_source *sim_source_find(const char *port_name)
{
    for (struct sim_source *s = sources; s; s = s->next)
        if (strcmp(s->port_name, port_name) == 0) return s;
    return NULL;
}

void sim_source_attach(struct sim_source *source, struct sim_plugin *plugin)
{
    pthread_mutex_lock(&source->lock);
    if (source->count < SIM_SOURCE_PLUGINS) source->plugins[source->count++] = plugin;
    pthread_mutex_unlock(&source->lock);
}

void sim_source_detach(struct sim_source *source, struct sim_plugin *plugin)
{
    pthread_mutex_lock(&source->lock);
    for (int i = 0; i < source->count; i++) {
        if (source->plugins[i] != plugin) continue;
        source->plugins[i] = source->plugins[--source->count];
        break;
    }
    pthread_mutex_unlock(&source->lock);
}

void sim_source_offer(struct sim_source *source, struct sim_frame *frame)
{
    struct sim_plugin *plugins[SIM_SOURCE_PLUGINS];
    pthread_mutex_lock(&source->lock);
    int count = source->count;
    memcpy(plugins, source->plugins, sizeof plugins);
    pthread_mutex_unlock(&source->lock);
    for (int i = 0; i < count; i++)
        sim_plugin_offer(plugins[i], source, frame);
}
