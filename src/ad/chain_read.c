/* Reading the ports of a tree of devices. */
#include "ad/chain.h"
#include "base/err.h"
#include "base/str.h"
#include "core/connect.h"
#include "core/write.h"
#include <stdlib.h>

/* Once the IOC is there: what has not answered a search by then will not; seconds. */
static const double SEARCH_TIME = 1.0;

static const char *const attrs[OPH__PORT_ROWS] = {
    [OPH__PORT_NAME] = "port_name",
    [OPH__PORT_SOURCE] = "nd_array_port",
    [OPH__PORT_ENABLE] = "enable",
    [OPH__PORT_CALLBACKS] = "array_callbacks",
    [OPH__PORT_MIN_TIME] = "min_callback_time",
    [OPH__PORT_BLOCKING] = "blocking_callbacks",
    [OPH__PORT_TYPE] = "plugin_type",
    [OPH__PORT_FILTER] = "filter_callbacks",
    [OPH__PORT_ADDRESS] = "nd_array_address",
    [OPH__PORT_QUEUE_SIZE] = "queue_size",
    [OPH__PORT_QUEUE_FREE] = "queue_free",
    [OPH__PORT_PATH] = "file_path",
    [OPH__PORT_FILE] = "file_name",
    [OPH__PORT_TEMPLATE] = "file_template",
    [OPH__PORT_PATH_EXISTS] = "file_path_exists",
};

static int add_port(oph_device *dev, void *user, oph_error *err)
{
    struct oph__ports *ports = user;
    if (!oph__class_row(dev->cls, attrs[OPH__PORT_NAME])) return 0;
    struct oph__port *at = realloc(ports->at, (ports->count + 1) * sizeof *at);
    if (!at) return oph__fail_memory(err, "ports");
    ports->at = at;
    struct oph__port *port = &at[ports->count++];
    *port = (struct oph__port){.dev = dev};
    for (int i = 0; i < ports->rows; i++) {
        if (!oph__class_row(dev->cls, attrs[i])) continue;
        int rc = oph__device_signal(dev, attrs[i], &port->rows[i], err);
        if (rc) return rc;
    }
    return 0;
}

int oph__ports_find(struct oph__ports *ports, oph_device *dev, int rows, oph_error *err)
{
    *ports = (struct oph__ports){.rows = rows};
    int rc = oph__device_each(dev, add_port, ports, err);
    if (rc) oph__ports_clear(ports);
    return rc;
}

void oph__ports_clear(struct oph__ports *ports)
{
    free(ports->at);
    *ports = (struct oph__ports){0};
}

static int add_needs(oph_device *dev, void *user, oph_error *err)
{
    int rc = 0;
    if (!oph__class_row(dev->cls, attrs[OPH__PORT_NAME])) return 0;
    for (int i = 0; !rc && i < OPH__PORT_CHAIN; i++)
        rc = oph__need(user, dev, attrs[i], false, err);
    return rc;
}

int oph__ports_needs(oph_device *dev, struct oph__needs *needs, oph_error *err)
{
    return oph__device_each(dev, add_needs, needs, err);
}

size_t oph__ports_room(const struct oph__ports *ports)
{
    return ports->count * OPH__PORT_ROWS;
}

void oph__ports_ask(const struct oph__ports *ports, struct oph__ops *group)
{
    for (size_t i = 0; i < ports->count; i++) {
        for (int row = 0; row < ports->rows; row++) {
            oph_signal *sig = ports->at[i].rows[row];
            if (sig && oph__pv_is_up(sig->read))
                oph__ops_get(group, sig->read, NULL, &ports->at[i].values[row]);
        }
    }
}

static void set_value(struct oph__port_value *value, const struct oph_value *from,
                      const struct oph__chan_info *info)
{
    const char *text;
    size_t length;
    *value = (struct oph__port_value){
        .known = true, .invalid = from->severity >= OPH__SEVERITY_INVALID, .number = (double)NAN};
    oph__value_double(from, &value->number);
    oph__value_text(from, &text, &length);
    if (oph__value_is_text(from) || info->count > 1)
        oph__clean(oph__format(value->text, sizeof value->text, "%.*s", (int)length, text));
    else
        oph__value_show(from, info, value->text, sizeof value->text);
}

static void take(struct oph__port *port, struct oph__port_value *value, const struct oph__op *op)
{
    struct oph__chan_info info = {0};
    oph__pv_info(op->pv, &info);
    if (!op->done || op->code) return;
    set_value(value, &op->value, &info);
    oph__copy(port->server, sizeof port->server, info.host);
}

void oph__ports_take(struct oph__ports *ports, const struct oph__ops *group, size_t *at)
{
    for (size_t i = 0; i < ports->count; i++) {
        for (int row = 0; row < ports->rows; row++) {
            struct oph__port_value *value = &ports->at[i].values[row];
            *value = (struct oph__port_value){.number = (double)NAN};
            if (*at == oph__ops_count(group)) continue;
            const struct oph__op *op = oph__ops_at(group, *at);
            if (op->owner != value) continue; /* was not asked for */
            take(&ports->at[i], value, op);
            (*at)++;
        }
    }
}

/* All that is to be searched for: what is connected is not, nor what the IOC was found to lack. */
static int list_missing(const struct oph__ports *ports, struct oph__vec *ret, oph_error *err)
{
    for (size_t i = 0; i < ports->count; i++) {
        for (int row = 0; row < ports->rows; row++) {
            oph_signal *sig = ports->at[i].rows[row];
            if (!sig || sig->read->absent || oph__pv_is_up(sig->read)) continue;
            if (!oph__vec_add(ret, sig)) return oph__fail_memory(err, "ports");
        }
    }
    return 0;
}

/* The first device tells that the IOC is there. */
static int connect_all(const struct oph__ports *ports, oph_context *ctx, double timeout,
                       oph_error *err)
{
    struct oph__vec missing = {0};
    const struct oph__port *port = &ports->at[0];
    const struct oph__vec first = {.at = (void **)port->rows, .count = 1};
    const struct oph__patience patience = oph__patience(timeout, ctx->options.connect_timeout);
    int rc = list_missing(ports, &missing, err);
    if (!rc && missing.count) rc = oph__connect_search(ctx, &missing, err);
    if (!rc && !oph__pv_is_up(port->rows[OPH__PORT_NAME]->read))
        rc = oph__connect_signals(ctx, &first, patience, NULL, err);
    if (!rc && missing.count)
        rc = oph__connect_optional(ctx, &missing, fmin(patience.until, oph__now() + SEARCH_TIME),
                                   err);
    oph__vec_free(&missing);
    return rc;
}

/* Each that was asked for has answered, or the first that did not is the error. */
static int await_answers(struct oph__ops *group, double deadline, oph_error *err)
{
    int rc = oph__ops_wait(group, deadline, true, err);
    for (size_t i = 0; rc == OPH_ETIMEOUT && i < oph__ops_count(group); i++) {
        if (oph__op_error(oph__ops_at(group, i), "a value", 0, err)) break;
    }
    return rc;
}

int oph__ports_read(struct oph__ports *ports, double timeout, oph_error *err)
{
    if (!ports->count) return 0;
    oph_context *ctx = ports->at[0].dev->ctx;
    struct oph__ops *group = NULL;
    size_t at = 0;
    int rc = connect_all(ports, ctx, timeout, err);
    if (!rc) rc = oph__ops_new(ctx, oph__ports_room(ports), &group, err);
    if (rc) return rc;
    oph__ports_ask(ports, group);
    rc = await_answers(group, oph__now() + ctx->options.get_timeout, err);
    if (!rc) oph__ports_take(ports, group, &at);
    oph__ops_free(group);
    return rc;
}

/* As the settings will make it */

static void stage_value(struct oph__ports *ports, const oph_signal *sig,
                        const struct oph__literal *literal)
{
    struct oph__chan_info info;
    struct oph__wire wire = {0};
    if (!oph__pv_info(sig->set, &info)) return;
    const struct oph__target target = oph__signal_target(sig, &info);
    if (oph__encode(literal, &target, &wire, NULL)) return; /* staging will say so */
    const oph_value value = oph__wire_value(&wire);
    for (size_t i = 0; i < ports->count; i++) {
        for (int row = 0; row < ports->rows; row++) {
            if (ports->at[i].rows[row] != sig) continue;
            set_value(&ports->at[i].values[row], &value, &info);
            ports->at[i].values[row].staged = true;
        }
    }
    oph__wire_clear(&wire);
}

static int stage_list(oph_device *dev, void *user, oph_error *err)
{
    for (size_t i = 0; i < dev->settings.list.count; i++) {
        const struct oph__setting *s = oph__settings_at(&dev->settings, i);
        oph_signal *sig;
        int rc = oph_signal_find(dev, s->key, &sig, err);
        if (rc == OPH_ENOMEM) return rc;
        if (!rc) stage_value(user, sig, &s->value);
    }
    return 0;
}

int oph__ports_stage(struct oph__ports *ports, oph_device *dev, oph_error *err)
{
    return oph__device_each(dev, stage_list, ports, err);
}
