/* The ways that frames take: the ports of a detector and its plugins, as data, as text and as a
 * picture. */
#ifndef COPHYD_GRAPH_H
#define COPHYD_GRAPH_H

#include <cophyd/device.h>

OPH_BEGIN_DECLS

/* A port, of a device or only named by one. Numbers are -1, texts empty, where the IOC has no such
 * record. */
typedef struct oph_graph_node {
    oph_device *dev;          /* borrowed; NULL: no device of the tree has this port */
    char attr[64];            /* "hdf1", as oph_device_attr; empty where there is no device */
    char port[64];            /* PortName_RBV: "FileHDF1"; empty where the IOC lacks the device */
    char type[64];            /* PluginType_RBV: "NDFileHDF5 ver1.10.8"; empty for a camera */
    char source[64];          /* NDArrayPort_RBV: the port that its frames come from */
    int32_t address;          /* NDArrayAddress_RBV: on that port */
    int32_t is_camera;        /* 1 or 0: it takes frames from no port */
    int32_t enabled;          /* EnableCallbacks_RBV: whether it takes frames; 1 for a camera */
    int32_t callbacks;        /* ArrayCallbacks_RBV: whether it hands frames on */
    int32_t blocking;         /* BlockingCallbacks_RBV: whether its source waits for it */
    int32_t has_camera;       /* 1 or 0: the chain from it against the frames ends at a camera */
    int32_t queue_size;       /* frames that its queue holds */
    int32_t queue_free;       /* and how many more it can take */
    double min_callback_time; /* seconds between frames that it takes; others are skipped */
} oph_graph_node;

/* Frames that go from one node to another. */
typedef struct oph_graph_edge {
    uint32_t from, to; /* indices of nodes */
    int32_t address;   /* as the node's at `to` */
    int32_t enabled;   /* likewise */
} oph_graph_edge;

/* Yours; immutable. Not to be used after the devices were freed. */
typedef struct oph_graph oph_graph;

/* Reads the ports of the whole tree that dev is in, at once: one message where all is connected.
 * Nodes are the devices, in their order, then the ports that they name and none of them has.
 * timeout: to connect, OPH_DEFAULT is the context's connect_timeout; once the first device is
 * there, one second at most for the others. OPH_EDISCONN when it is not. In any state. */
OPH_API int oph_graph_new(oph_device *dev, double timeout, oph_graph **ret, oph_error *err);
OPH_API void oph_graph_free(oph_graph *graph); /* NULL allowed */

OPH_API size_t oph_graph_node_count(const oph_graph *graph);
OPH_API const oph_graph_node *oph_graph_node_at(const oph_graph *graph, size_t index);
OPH_API size_t oph_graph_edge_count(const oph_graph *graph);
OPH_API const oph_graph_edge *oph_graph_edge_at(const oph_graph *graph, size_t index);

/* The graph as a tree of lines, a port under the one that its frames come from. Returns the length
 * that the whole text has, as snprintf does; one that was cut ends in "[cut]". */
OPH_API size_t oph_graph_text(const oph_graph *graph, char *buffer, size_t size);
/* The same for Graphviz: `dot -Tsvg`. Dashed: ports that nobody declares, and plugins that take no
 * frames. Orange: where frames wait (BlockingCallbacks) or may not come. Red: where they are lost.
 */
OPH_API size_t oph_graph_dot(const oph_graph *graph, char *buffer, size_t size);

OPH_END_DECLS

#endif
