#include "sim/passive_plugin.h"

#include <cantProceed.h>

#include "sim/plugin.h"

static bool process(void *owner, struct sim_frame *frame)
{
    sim_plugin_send(owner, frame);
    return true;
}

static const struct sim_plugin_ops ops = {.process = process};

void sim_passive_plugin_new(const char *port_name)
{
    struct sim_plugin *p = callocMustSucceed(1, sizeof *p, "sim_passive_plugin_new");
    sim_plugin_init(p, port_name, &ops, p);
}
