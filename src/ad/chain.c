#include "ad/chain.h"
#include "base/err.h"
#include "base/str.h"

static const char *name_of(const struct oph__port *port)
{
    return port->values[OPH__PORT_NAME].text;
}

bool oph__port_same_ioc(const struct oph__port *a, const struct oph__port *b)
{
    return !a->server[0] || !b->server[0] || oph__equal(a->server, b->server);
}

const struct oph__port *oph__port_source(const struct oph__ports *ports,
                                         const struct oph__port *port)
{
    const char *source = port->values[OPH__PORT_SOURCE].text;
    const struct oph__port *other = NULL; /* an IOC may answer at several addresses */
    if (!source[0]) return NULL;
    for (size_t i = 0; i < ports->count; i++) {
        const struct oph__port *p = &ports->at[i];
        if (!oph__equal(name_of(p), source)) continue;
        if (oph__port_same_ioc(p, port)) return p;
        if (!other) other = p;
    }
    return other;
}

const struct oph__port *oph__port_of(const struct oph__ports *ports, const oph_device *dev)
{
    for (size_t i = 0; i < ports->count; i++) {
        if (ports->at[i].dev == dev) return &ports->at[i];
    }
    return NULL;
}

enum oph__way oph__port_way(const struct oph__ports *ports, const struct oph__port *port,
                            const struct oph__port **ret_last)
{
    /* Of more steps than there are ports one is taken twice. */
    for (size_t steps = 0; steps <= ports->count; steps++) {
        *ret_last = port;
        if (oph__port_is_camera(port)) return OPH__WAY_GOOD;
        port = oph__port_source(ports, port);
        if (!port) return OPH__WAY_ENDS;
    }
    return OPH__WAY_CIRCLES;
}

/* One writer's */

static int refuse(const struct oph__port *port, int row, const char *wanted, const char *found,
                  oph_error *err)
{
    const oph_signal *sig = port->rows[row];
    return oph__fail(err, OPH_ESTATE, oph__pv_at(sig->read), wanted, "%s", found);
}

static int check_way(const struct oph__ports *ports, const struct oph__port *writer,
                     const struct oph__port *camera, oph_error *err)
{
    const struct oph__port *last;
    const char *source = writer->values[OPH__PORT_SOURCE].text;
    char wanted[128], found[300];
    enum oph__way way = oph__port_way(ports, writer, &last);
    if (way == OPH__WAY_GOOD && last == camera) return 0;
    oph__format(wanted, sizeof wanted, "a chain of ports to the camera's %s", name_of(camera));
    if (way == OPH__WAY_GOOD)
        oph__format(found, sizeof found, "%s, which comes from the camera %s", source,
                    last->dev->attr);
    else if (way == OPH__WAY_CIRCLES)
        oph__format(found, sizeof found, "%s, which takes its frames from itself in the end",
                    source);
    else if (last == writer)
        oph__format(found, sizeof found, "%s, which no device here has", source);
    else
        oph__format(found, sizeof found, "%s, behind which %s takes frames from %s", source,
                    last->dev->attr, last->values[OPH__PORT_SOURCE].text);
    return refuse(writer, OPH__PORT_SOURCE, wanted, found, err);
}

/* Frames that are skipped for MinCallbackTime are counted nowhere. */
static int check_link(const struct oph__port *port, const struct oph__port *writer, oph_error *err)
{
    const struct oph__port_value *v = port->values;
    char wanted[160];
    bool between = port != writer;
    if (v[OPH__PORT_MIN_TIME].number > 0) {
        oph__format(wanted, sizeof wanted, "0, since %s would skip frames%s%s",
                    between ? "it" : "the writer", between ? " of " : "",
                    between ? writer->dev->attr : "");
        return refuse(port, OPH__PORT_MIN_TIME, wanted, v[OPH__PORT_MIN_TIME].text, err);
    }
    oph__format(wanted, sizeof wanted, "Enable, since the frames of %s come through it",
                writer->dev->attr);
    for (int row = OPH__PORT_ENABLE; between && row <= OPH__PORT_CALLBACKS; row++) {
        if (v[row].known && v[row].number == 0) return refuse(port, row, wanted, v[row].text, err);
    }
    return 0;
}

int oph__chain_check(const struct oph__ports *ports, const oph_device *writer,
                     const oph_device *camera, oph_error *err)
{
    const struct oph__port *start = oph__port_of(ports, writer);
    const struct oph__port *end = oph__port_of(ports, camera);
    if (!start) return 0;
    if (!end || !name_of(end)[0]) return check_link(start, start, err); /* the IOC does not tell */
    int rc = check_way(ports, start, end, err);
    for (const struct oph__port *p = start; !rc && p && p != end; p = oph__port_source(ports, p))
        rc = check_link(p, start, err);
    return rc;
}

bool oph__chain_passes(const struct oph__ports *ports, const oph_device *writer,
                       const oph_device *plugin)
{
    const struct oph__port *p = oph__port_of(ports, writer);
    for (size_t steps = 0; p && steps <= ports->count; steps++) {
        if (p->dev == plugin) return true;
        p = oph__port_source(ports, p);
    }
    return false;
}

static bool changes_count(const struct oph__port *port)
{
    static const char *const types[] = {"NDPluginCircularBuff", "NDPluginScatter", "NDPluginGather",
                                        "NDPluginTimeSeries"};
    const char *type = port->values[OPH__PORT_TYPE].text;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (oph__starts(type, types[i])) return true;
    return oph__starts(type, "NDPluginProcess") && port->values[OPH__PORT_FILTER].number > 0;
}

const oph_device *oph__chain_changer(const struct oph__ports *ports, const oph_device *writer)
{
    const struct oph__port *p = oph__port_of(ports, writer);
    p = p ? oph__port_source(ports, p) : NULL;
    for (size_t steps = 0; p && steps < ports->count; steps++) {
        if (changes_count(p)) return p->dev;
        p = oph__port_source(ports, p);
    }
    return NULL;
}

void oph__chain_warn(const struct oph__ports *ports, const oph_device *writer)
{
    const struct oph__port *p = oph__port_of(ports, writer);
    for (size_t steps = 0; p && steps < ports->count; steps++) {
        if (p->values[OPH__PORT_BLOCKING].number == 1) {
            const oph_signal *sig = p->rows[OPH__PORT_BLOCKING];
            oph__log(&writer->ctx->log, OPH_LOG_WARNING,
                     "%s (%s): wanted No, found Yes: the driver waits for this plugin at each "
                     "frame on its way to %s",
                     sig->path, sig->read->name, writer->attr);
        }
        p = oph__port_source(ports, p);
    }
}
