/* What keeps frames from a writer, and what would mislead a program. Each rule is areaDetector's or
 * ADPilatus's own. */
#include "ad/chain.h"
#include "base/err.h"
#include "base/str.h"
#include <cophyd/graph.h>
#include <stdlib.h>

struct oph_findings {
    struct oph__vec list; /* oph_finding: errors, then warnings */
    size_t errors;
};

struct check {
    struct oph__ports ports;
    const struct oph__port **writers; /* whose frames come through each port; NULL: nobody's */
    bool idle;
    oph_findings *found;
    bool failed; /* no memory */
};

void oph_findings_free(oph_findings *findings)
{
    if (!findings) return;
    for (size_t i = 0; i < findings->list.count; i++)
        free(findings->list.at[i]);
    oph__vec_free(&findings->list);
    free(findings);
}

size_t oph_findings_count(const oph_findings *findings)
{
    return findings ? findings->list.count : 0;
}

const oph_finding *oph_findings_at(const oph_findings *findings, size_t index)
{
    return index < oph_findings_count(findings) ? findings->list.at[index] : NULL;
}

void oph_findings_print(const oph_findings *findings, FILE *out)
{
    for (size_t i = 0; i < oph_findings_count(findings); i++) {
        const oph_finding *f = findings->list.at[i];
        fprintf(out, "%s: %s. %s\n", f->severity == OPH_SEVERITY_ERROR ? "error" : "warning",
                f->error.text, f->advice);
    }
}

/* Adding */

struct what {
    const struct oph__port *port;
    int row;
    int code;
    bool warning;
    const char *wanted, *found; /* found NULL: the row's value */
    const char *advice;
};

static void add(struct check *c, struct what w)
{
    const oph_signal *sig = w.port->rows[w.row];
    const struct oph__port_value *value = &w.port->values[w.row];
    oph_finding *f = calloc(1, sizeof *f);
    size_t at = w.warning ? c->found->list.count : c->found->errors;
    if (!f || !oph__vec_insert(&c->found->list, at, f)) {
        free(f);
        c->failed = true;
        return;
    }
    if (!w.warning) c->found->errors++;
    f->severity = w.warning ? OPH_SEVERITY_WARNING : OPH_SEVERITY_ERROR;
    oph__copy(f->advice, sizeof f->advice, w.advice);
    oph__fail(&f->error, w.code, oph__pv_at(sig->read), w.wanted, "%s%s",
              w.found ? w.found : value->text, value->staged ? ", by the settings" : "");
}

static bool is_zero(const struct oph__port *port, int row)
{
    return port->values[row].known && port->values[row].number == 0;
}

static const char *name_of(const struct oph__port *port)
{
    return port->values[OPH__PORT_NAME].text;
}

static const struct oph__port *writer_behind(const struct check *c, const struct oph__port *port)
{
    return c->writers[port - c->ports.at];
}

/* A file store, or a file plugin that the settings start. */
static bool is_writer(const oph_device *dev)
{
    return oph_device_is(dev, "FilePlugin") &&
           (dev->hooks.count || oph_settings_value(dev, "capture"));
}

/* The circular buffer out of which a trigger takes its frames: what it passes on is counted. */
static bool is_buffer(const oph_device *dev)
{
    return dev->parent && oph_device_is(dev->parent, "ContinuousAcquisitionTrigger") &&
           oph__equal(dev->attr, "cb");
}

/* The first writer that takes frames from each port. */
static void mark_ways(struct check *c)
{
    for (size_t i = 0; i < c->ports.count; i++) {
        const struct oph__port *port = &c->ports.at[i];
        if (!is_writer(port->dev)) continue;
        for (const struct oph__port *p = port; p && !writer_behind(c, p);
             p = oph__port_source(&c->ports, p))
            c->writers[p - c->ports.at] = port;
    }
}

/* The rules */

/* What the device says that it is. False: it is not there, and nothing else is known of it. */
static bool check_identity(struct check *c, const struct oph__port *port)
{
    const char *type = port->dev->cls->plugin_type;
    const struct oph__port_value *v = port->values;
    char advice[200];
    if (!v[OPH__PORT_NAME].known) {
        add(c, (struct what){.port = port,
                             .row = OPH__PORT_NAME,
                             .code = OPH_EDISCONN,
                             .wanted = "a connection",
                             .found = "the PV is not connected",
                             .advice = "The IOC has nothing at this prefix: correct it in the "
                                       "class, or leave the device out."});
        return false;
    }
    if (!type || !v[OPH__PORT_TYPE].known || oph__starts(v[OPH__PORT_TYPE].text, type)) return true;
    oph__format(advice, sizeof advice, "Declare it with the class of that plugin, not with %s.",
                port->dev->cls->name);
    add(c, (struct what){.port = port,
                         .row = OPH__PORT_TYPE,
                         .code = OPH_EMISMATCH,
                         .wanted = type,
                         .advice = advice});
    return true;
}

static void check_name(struct check *c, const struct oph__port *port)
{
    for (const struct oph__port *other = c->ports.at; other < port; other++) {
        char found[200];
        if (!oph__equal(name_of(other), name_of(port)) || !oph__port_same_ioc(other, port))
            continue;
        oph__format(found, sizeof found, "%s, which is the port of %s too", name_of(port),
                    other->dev->attr);
        add(c, (struct what){.port = port,
                             .row = OPH__PORT_NAME,
                             .code = OPH_EMISMATCH,
                             .warning = !writer_behind(c, port) && !writer_behind(c, other),
                             .wanted = "a port of its own",
                             .found = found,
                             .advice = "Declare each plugin once: whoever takes frames from this "
                                       "port could mean either."});
        return;
    }
}

/* One of a circle tells of it: the first. */
static bool leads_circle(const struct oph__ports *ports, const struct oph__port *port)
{
    const struct oph__port *p = port;
    for (size_t steps = 0; p && steps < ports->count; steps++) {
        p = oph__port_source(ports, p);
        if (p == port) return true;
        if (p && p < port) return false;
    }
    return false;
}

static void check_source(struct check *c, const struct oph__port *port)
{
    struct what w = {.port = port,
                     .row = OPH__PORT_SOURCE,
                     .code = OPH_ESTATE,
                     .warning = !writer_behind(c, port)};
    char found[200];
    if (!port->values[OPH__PORT_SOURCE].known) return; /* a camera, for one */
    if (!oph__port_source(&c->ports, port)) {
        oph__format(found, sizeof found, "%s, which none of them has",
                    port->values[OPH__PORT_SOURCE].text);
        w.wanted = "the port of a device of this detector";
        w.advice = "Set NDArrayPort to the camera's port, or declare the plugin that has this "
                   "one: oph_missing_plugins looks for it.";
    } else if (leads_circle(&c->ports, port)) {
        oph__format(found, sizeof found, "%s, which takes its frames from %s in the end",
                    port->values[OPH__PORT_SOURCE].text, name_of(port));
        w.wanted = "a chain of ports to a camera";
        w.advice = "Set NDArrayPort of one of them to the camera's port.";
    } else {
        return;
    }
    w.found = found;
    add(c, w);
}

/* Who hands frames on to a writer, or is one. */
static void check_flow(struct check *c, const struct oph__port *port)
{
    const struct oph__port *writer = writer_behind(c, port);
    if (!writer) return;
    struct what w = {.port = port, .code = OPH_ESTATE};
    char wanted[200];
    oph__format(wanted, sizeof wanted, "Enable, since the frames of %s come through it",
                writer->dev->attr);
    w.wanted = port == writer ? "Enable, since it is to write" : wanted;
    w.row = OPH__PORT_ENABLE;
    w.advice = "Stage it with enable=1, as plugins are by default.";
    if (is_zero(port, w.row)) add(c, w);
    w.wanted = wanted;
    w.row = OPH__PORT_CALLBACKS;
    w.advice = "Stage it with array_callbacks=1.";
    if (port != writer && is_zero(port, w.row)) add(c, w);
    w.wanted = "0";
    w.row = OPH__PORT_MIN_TIME;
    w.advice = "Set MinCallbackTime to 0: frames that come sooner are skipped, and counted "
               "nowhere.";
    if (port->values[w.row].number > 0) add(c, w);
    w.warning = true;
    w.wanted = "a plugin that passes on one frame for each";
    w.row = OPH__PORT_TYPE;
    w.advice = "Say how many frames the writer will get, or take its frames from elsewhere: an "
               "acquisition could not tell whether any were lost.";
    if (port->dev == oph__chain_changer(&c->ports, writer->dev) && !is_buffer(port->dev)) add(c, w);
    w.wanted = "No";
    w.row = OPH__PORT_BLOCKING;
    w.advice = "Stage it with blocking_callbacks=No: the driver waits for this plugin at each "
               "frame.";
    if (port->values[w.row].number == 1) add(c, w);
}

static void check_queue(struct check *c, const struct oph__port *port)
{
    if (!is_zero(port, OPH__PORT_QUEUE_FREE) || !(port->values[OPH__PORT_QUEUE_SIZE].number > 0))
        return;
    add(c, (struct what){.port = port,
                         .row = OPH__PORT_QUEUE_FREE,
                         .code = OPH_ESTATE,
                         .warning = true,
                         .wanted = "room in the queue",
                         .advice = "The plugin stands still or is too slow: it drops frames, and "
                                   "with WaitForPlugins the acquisition does not end."});
}

/* camserver's images reach the IOC only as files, also when only HDF5 is wanted. */
static void check_files(struct check *c, const struct oph__port *port)
{
    struct what w = {.port = port, .code = OPH_EINVAL, .wanted = "a text", .found = "an empty one"};
    bool pilatus = oph_device_is(port->dev, "PilatusDetectorCam");
    w.advice = "Set it: the camera writes each image to a file first, which the IOC reads.";
    for (w.row = OPH__PORT_PATH; pilatus && w.row <= OPH__PORT_TEMPLATE; w.row++) {
        if (port->values[w.row].known && !port->values[w.row].text[0]) add(c, w);
    }
    /* Until FilePath is written the record is invalid and says No. A store's folder is checked by
     * staging, and known only then. */
    const struct oph__port_value *exists = &port->values[OPH__PORT_PATH_EXISTS];
    bool ours = pilatus ? port->values[OPH__PORT_PATH].text[0] != 0
                        : !c->idle && writer_behind(c, port) == port;
    if (!ours || !is_zero(port, OPH__PORT_PATH_EXISTS) || exists->invalid) return;
    char wanted[128];
    oph__format(wanted, sizeof wanted, "the folder %s", port->values[OPH__PORT_PATH].text);
    add(c, (struct what){.port = port,
                         .row = OPH__PORT_PATH_EXISTS,
                         .code = OPH_EFILE,
                         .wanted = wanted,
                         .found = "no such folder at the IOC",
                         .advice = "Make it, mount it at the IOC, or set another FilePath."});
}

static int look(struct check *c, oph_device *root, double timeout, oph_error *err)
{
    int rc = oph__ports_read(&c->ports, timeout, err);
    c->idle = oph_device_state(root) == OPH_STATE_IDLE;
    if (!rc && c->idle) rc = oph__ports_stage(&c->ports, root, err);
    if (rc) return rc;
    mark_ways(c);
    for (size_t i = 0; i < c->ports.count; i++) {
        const struct oph__port *port = &c->ports.at[i];
        if (!check_identity(c, port)) continue;
        check_name(c, port);
        check_source(c, port);
        check_flow(c, port);
        check_queue(c, port);
        check_files(c, port);
    }
    return c->failed ? oph__fail_memory(err, "findings") : 0;
}

int oph_validate(oph_device *dev, double timeout, oph_findings **ret, oph_error *err)
{
    struct check c = {0};
    struct oph__call call;
    oph_device *root = oph__device_root(dev);
    int rc = oph__context_may_block(dev->ctx, err);
    if (!rc) rc = oph__ports_find(&c.ports, root, OPH__PORT_ROWS, err);
    if (rc) return rc;
    c.found = calloc(1, sizeof *c.found);
    c.writers = calloc(c.ports.count + 1, sizeof(struct oph__port *));
    if (!c.found || !c.writers) rc = oph__fail_memory(err, "findings");
    oph__call_begin(&dev->ctx->waits, &call);
    if (!rc) rc = look(&c, root, timeout, err);
    oph__call_end(&dev->ctx->waits, &call);
    oph__ports_clear(&c.ports);
    free(c.writers);
    if (rc)
        oph_findings_free(c.found);
    else
        *ret = c.found;
    return rc;
}
