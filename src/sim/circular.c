#include "sim/circular.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cantProceed.h>
#include <errlog.h>
#include <postfix.h>

#include "sim/plugin.h"

enum { BUFFERS = 500, INFIX = 256 }; /* of the plugin's pool; of TriggerCalc */

/* The arguments of TriggerCalc. */
enum { ATTRIBUTE_A, ATTRIBUTE_B, PRE, POST, CURRENT, TRIGGERED };

struct circular {
    struct sim_plugin plugin;
    struct sim_frame **ring; /* the oldest first, from first on */
    int room, first, count;
    int pre_count; /* that was last accepted */
    bool flushed;  /* since the trigger */
    char postfix[INFIX_TO_POSTFIX_SIZE(INFIX)];
    struct sim_param *control, *status, *a_value, *b_value, *calc, *calc_value, *preset, *actual,
        *pre, *post, *current, *post_done, *soft, *triggered, *flush_now;
};

static void forget_ring(struct circular *c)
{
    for (int i = 0; i < c->count; i++)
        sim_frame_unref(c->ring[(c->first + i) % c->room]);
    free(c->ring);
    c->ring = NULL;
    c->room = c->first = c->count = 0;
}

static void new_ring(struct circular *c)
{
    int room = sim_get_int(c->pre);
    forget_ring(c);
    if (room > 0) c->ring = calloc((size_t)room, sizeof(struct sim_frame *));
    if (c->ring) c->room = room;
}

static void keep(struct circular *c, struct sim_frame *frame)
{
    if (c->room > 0) {
        if (c->count == c->room) {
            sim_frame_unref(c->ring[c->first]);
            c->first = (c->first + 1) % c->room;
            c->count--;
        }
        c->ring[(c->first + c->count++) % c->room] = sim_frame_ref(frame);
    }
    sim_set_int(c->current, c->count);
    if (c->count == c->room)
        sim_set_text(c->status, c->room ? "Buffer Wrapping" : "Dropping frames");
}

/* One by one, since others may act while a frame goes on. */
static void flush_ring(struct circular *c)
{
    while (c->count > 0) {
        struct sim_frame *frame = c->ring[c->first];
        c->first = (c->first + 1) % c->room;
        c->count--;
        sim_plugin_send(&c->plugin, frame);
        sim_frame_unref(frame);
    }
}

/* The simulator's frames carry no attributes, so that A and B have no value. */
static bool calculates_trigger(struct circular *c)
{
    double result = 0, arguments[CALCPERFORM_NARGS] = {0};
    arguments[ATTRIBUTE_A] = arguments[ATTRIBUTE_B] = NAN;
    arguments[PRE] = sim_get_int(c->pre);
    arguments[POST] = sim_get_int(c->post);
    arguments[CURRENT] = sim_get_int(c->current);
    arguments[TRIGGERED] = sim_get_int(c->triggered);
    sim_set_double(c->a_value, NAN);
    sim_set_double(c->b_value, NAN);
    if (calcPerform(arguments, &result, c->postfix) != 0) return false;
    sim_set_double(c->calc_value, result);
    return isfinite(result) && result != 0;
}

static const char *filling(const struct circular *c)
{
    return sim_get_int(c->pre) ? "Buffer filling" : "Dropping frames";
}

static void end_of_trigger(struct circular *c)
{
    int actual = sim_get_int(c->actual) + 1, preset = sim_get_int(c->preset);
    bool again = preset == 0 || actual < preset;
    sim_set_int(c->actual, actual);
    sim_set_int(c->triggered, 0);
    if (!again) {
        sim_set_int(c->control, 0);
        sim_set_text(c->status, "Acquisition Completed");
        return;
    }
    c->flushed = false;
    sim_set_int(c->soft, 0);
    sim_set_int(c->post_done, 0);
    sim_set_text(c->status, filling(c));
}

static bool process(void *owner, struct sim_frame *frame)
{
    struct circular *c = owner;
    int post_done = sim_get_int(c->post_done);
    if (!sim_get_int(c->control)) return true;
    bool triggered = sim_get_int(c->soft) || sim_get_int(c->triggered) || calculates_trigger(c);
    sim_set_int(c->triggered, triggered);
    if (!triggered) {
        keep(c, frame);
    } else {
        sim_set_text(c->status, "Flushing");
        if (!c->flushed) {
            c->flushed = true;
            flush_ring(c);
        }
        sim_set_int(c->post_done, ++post_done);
        sim_plugin_send(&c->plugin, frame);
    }
    if (post_done >= sim_get_int(c->post)) end_of_trigger(c);
    return true;
}

static void write_control(struct circular *c)
{
    sim_set_int(c->soft, 0);
    sim_set_int(c->triggered, 0);
    if (!sim_get_int(c->control)) {
        sim_set_int(c->current, 0);
        sim_set_text(c->status, "Acquisition Stopped");
        return;
    }
    new_ring(c);
    c->flushed = false;
    sim_set_int(c->post_done, 0);
    sim_set_int(c->actual, 0);
    sim_set_text(c->status, filling(c));
}

static void write_pre_count(struct circular *c)
{
    int count = sim_get_int(c->pre);
    const char *wrong = sim_get_int(c->control) ? "Stop acquisition to set pre-count"
                        : count > BUFFERS - 1   ? "Pre-count too high"
                        : count < 0             ? "Invalid pre-count value"
                                                : NULL;
    if (wrong) {
        sim_set_text(c->status, wrong);
        sim_set_int(c->pre, c->pre_count);
    }
    c->pre_count = sim_get_int(c->pre);
}

static void write_calc(struct circular *c)
{
    char infix[INFIX];
    short why = 0;
    sim_get_text(c->calc, infix, sizeof infix);
    if (!*infix) {
        infix[0] = '0';
        infix[1] = '\0';
        sim_set_text(c->calc, infix);
    }
    if (postfix(infix, c->postfix, &why) != 0)
        errlogPrintf("TriggerCalc %s: %s\n", infix, calcErrorStr(why));
}

static void written(void *owner, struct sim_param *param)
{
    struct circular *c = owner;
    if (param == c->control) {
        write_control(c);
    } else if (param == c->soft) {
        sim_set_int(c->triggered, 1);
        if (sim_get_int(c->flush_now)) flush_ring(c);
    } else if (param == c->pre) {
        write_pre_count(c);
    } else if (param == c->calc) {
        write_calc(c);
    }
}

static const struct sim_plugin_ops ops = {.process = process, .written = written};

void sim_circular_new(const char *port_name)
{
    struct circular *c = callocMustSucceed(1, sizeof *c, "sim_circular_new");
    const struct {
        struct sim_param **param;
        const char *name;
        enum sim_type type;
    } params[] = {
        {&c->control, "CIRC_BUFF_CONTROL", SIM_INT},
        {&c->status, "CIRC_BUFF_STATUS", SIM_TEXT},
        {&c->a_value, "CIRC_BUFF_TRIGGER_A_VAL", SIM_DOUBLE},
        {&c->b_value, "CIRC_BUFF_TRIGGER_B_VAL", SIM_DOUBLE},
        {&c->calc, "CIRC_BUFF_TRIGGER_CALC", SIM_TEXT},
        {&c->calc_value, "CIRC_BUFF_TRIGGER_CALC_VAL", SIM_DOUBLE},
        {&c->preset, "CIRC_BUFF_PRESET_TRIGGER_COUNT", SIM_INT},
        {&c->actual, "CIRC_BUFF_ACTUAL_TRIGGER_COUNT", SIM_INT},
        {&c->pre, "CIRC_BUFF_PRE_TRIGGER", SIM_INT},
        {&c->post, "CIRC_BUFF_POST_TRIGGER", SIM_INT},
        {&c->current, "CIRC_BUFF_CURRENT_IMAGE", SIM_INT},
        {&c->post_done, "CIRC_BUFF_POST_COUNT", SIM_INT},
        {&c->soft, "CIRC_BUFF_SOFT_TRIGGER", SIM_INT},
        {&c->triggered, "CIRC_BUFF_TRIGGERED", SIM_INT},
        {&c->flush_now, "CIRC_BUFF_FLUSH_ON_SOFTTRIGGER", SIM_INT},
    };
    sim_plugin_init(&c->plugin, port_name, &ops, c);
    for (size_t i = 0; i < sizeof params / sizeof *params; i++)
        *params[i].param = sim_port_param(c->plugin.port, params[i].name, params[i].type);
    write_calc(c);
}
