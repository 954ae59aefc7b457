#include "sim/std_arrays.h"

#include <cantProceed.h>

#include "sim/plugin.h"

struct std_arrays {
    struct sim_plugin plugin;
    struct sim_param *data;
};

static bool process(void *owner, struct sim_frame *frame)
{
    struct std_arrays *s = owner;
    sim_set_array(s->data, frame->pixels);
    return true;
}

static const struct sim_plugin_ops ops = {.process = process};

void sim_std_arrays_new(const char *port_name)
{
    struct std_arrays *s = callocMustSucceed(1, sizeof *s, "sim_std_arrays_new");
    sim_plugin_init(&s->plugin, port_name, &ops, s);
    s->data = sim_port_param(s->plugin.port, "STD_ARRAY_DATA", SIM_ARRAY);
}
