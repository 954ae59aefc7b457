/* The chain of ports: what is read of each device that has one, and which way frames take. */
#ifndef AD_CHAIN_H
#define AD_CHAIN_H

#include "core/device.h"
#include "core/ops.h"

/* What is read of a camera or plugin. */
enum oph__port_row {
    OPH__PORT_NAME,
    OPH__PORT_SOURCE, /* a camera has none */
    OPH__PORT_ENABLE,
    OPH__PORT_CALLBACKS,
    OPH__PORT_MIN_TIME,
    OPH__PORT_BLOCKING,
    OPH__PORT_TYPE,
    OPH__PORT_FILTER, /* of NDPluginProcess: 1 passes on only what it has added up */
    OPH__PORT_CHAIN,  /* those above are looked at before each acquisition */
    OPH__PORT_ADDRESS = OPH__PORT_CHAIN,
    OPH__PORT_QUEUE_SIZE,
    OPH__PORT_QUEUE_FREE,
    OPH__PORT_GRAPH, /* those above make the graph; those below only what writes files has */
    OPH__PORT_PATH = OPH__PORT_GRAPH,
    OPH__PORT_FILE,
    OPH__PORT_TEMPLATE,
    OPH__PORT_PATH_EXISTS,
    OPH__PORT_ROWS
};

/* One answer; not known where the class or the IOC has no such row, or it did not answer. */
struct oph__port_value {
    bool known;
    bool invalid;  /* its alarm says so */
    bool staged;   /* not as it is, but as the settings will make it */
    double number; /* NAN where it is no number */
    char text[64]; /* text, or a label */
};

struct oph__port {
    oph_device *dev;
    oph_signal *rows[OPH__PORT_ROWS]; /* NULL: the class has none */
    struct oph__port_value values[OPH__PORT_ROWS];
    char server[64]; /* the IOC that the port is in, as "127.0.0.1:5064"; empty: not known */
};

struct oph__ports {
    struct oph__port *at;
    size_t count;
    int rows; /* how many of each are read */
};

/* Finds the devices from `dev` on down that have a port, and the first `rows` of their signals. */
int oph__ports_find(struct oph__ports *ports, oph_device *dev, int rows, oph_error *err);
void oph__ports_clear(struct oph__ports *ports);
/* Adds them to what connecting waits for; the IOC may lack any. */
int oph__ports_needs(oph_device *dev, struct oph__needs *needs, oph_error *err);

/* At most so many requests; adds one for each PV that is connected. */
size_t oph__ports_room(const struct oph__ports *ports);
void oph__ports_ask(const struct oph__ports *ports, struct oph__ops *group);
/* The answers to those, which begin at *at in the group; moves it on. */
void oph__ports_take(struct oph__ports *ports, const struct oph__ops *group, size_t *at);

/* Connects what is not, asks, and takes the answers: one flush where all is connected. What the IOC
 * does not have is looked for once. OPH_EDISCONN when not even the first device is there. */
int oph__ports_read(struct oph__ports *ports, double timeout, oph_error *err);
/* Puts what the settings of the devices from `dev` on down will write in place of what was read. */
int oph__ports_stage(struct oph__ports *ports, oph_device *dev, oph_error *err);

static inline bool oph__port_is_camera(const struct oph__port *port)
{
    return !port->rows[OPH__PORT_SOURCE];
}

/* Ports have names in an IOC: of several IOCs each may have a PIL. Not so only where both are
 * known.
 */
bool oph__port_same_ioc(const struct oph__port *a, const struct oph__port *b);
/* The port that another takes its frames from, the one of its own IOC where several have that name;
 * NULL where no device has it. */
const struct oph__port *oph__port_source(const struct oph__ports *ports,
                                         const struct oph__port *port);
const struct oph__port *oph__port_of(const struct oph__ports *ports, const oph_device *dev);

/* Why frames do not come from a camera to a port, or how they do. */
enum oph__way { OPH__WAY_GOOD, OPH__WAY_ENDS, OPH__WAY_CIRCLES };
/* *ret_last: the port at which the way from `port` against the frames ends: a camera, or the one
 * whose source nobody has. On a circle: one that is on it. */
enum oph__way oph__port_way(const struct oph__ports *ports, const struct oph__port *port,
                            const struct oph__port **ret_last);

/* Whether every frame of the camera reaches a writer: refuses a chain that is broken, and plugins
 * on it that are switched off or skip frames. What the writer itself says must be known. */
int oph__chain_check(const struct oph__ports *ports, const oph_device *writer,
                     const oph_device *camera, oph_error *err);
/* Whether a writer's frames come through a plugin. */
bool oph__chain_passes(const struct oph__ports *ports, const oph_device *writer,
                       const oph_device *plugin);
/* The plugin nearest to a writer that does not pass on one frame for each that it takes; NULL:
 * none, as far as it is known. */
const oph_device *oph__chain_changer(const struct oph__ports *ports, const oph_device *writer);
/* Tells the log of plugins on it for which the driver has to wait. */
void oph__chain_warn(const struct oph__ports *ports, const oph_device *writer);

#endif
