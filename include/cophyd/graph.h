/* The ways that frames take: the ports of a detector and its plugins, as data, as text and as a
 * picture, and what is wrong with them. */
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

/* What is in a graph; NULL past the end. */
OPH_API size_t oph_graph_node_count(const oph_graph *graph);
/* NULL past the end. */
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

enum oph_severity {
    OPH_SEVERITY_ERROR = 0,   /* frames would be lost, or a program would be told wrongly */
    OPH_SEVERITY_WARNING = 1, /* slow, or soon to go wrong */
    OPH_SEVERITY_PIN_ = INT32_MIN
};

/* One thing that is wrong. */
typedef struct oph_finding {
    int32_t severity; /* enum oph_severity */
    int32_t reserved;
    oph_error error;  /* device, PV, wanted, found, as one sentence in `text` */
    char advice[256]; /* what to do, as another */
} oph_finding;

/* Yours; errors come before warnings. NULL is an empty list. */
typedef struct oph_findings oph_findings;

/* Looks for what keeps frames from a writer (a file plugin with a FileStore class, or one that the
 * settings start), and for what would mislead a program, in the whole tree that dev is in, with one
 * read like oph_graph_new: chains that end nowhere or in a circle, plugins on them that are
 * disabled, skip frames (MinCallbackTime) or make the driver wait (BlockingCallbacks), full queues,
 * a plugin of another type than its class, two with one port, a Pilatus without a place for its
 * images. Idle, what the settings will write counts for what is read: it tells what would be wrong
 * once staged. The list is yours. Returns 0 when it could look, also where it found something. */
OPH_API int oph_validate(oph_device *dev, double timeout, oph_findings **ret, oph_error *err);
OPH_API size_t oph_findings_count(const oph_findings *findings);
OPH_API const oph_finding *oph_findings_at(const oph_findings *findings,
                                           size_t index); /* or NULL */
/* One line each: "error: SENTENCE. ADVICE" or "warning: ...". */
OPH_API void oph_findings_print(const oph_findings *findings, FILE *out);
OPH_API void oph_findings_free(oph_findings *findings);

OPH_END_DECLS

#endif
