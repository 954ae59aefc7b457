/* The port graph, inside. */
#ifndef AD_GRAPH_H
#define AD_GRAPH_H

#include "base/vec.h"
#include <cophyd/graph.h>

struct oph_graph {
    char name[64];
    struct oph__vec nodes; /* oph_graph_node */
    struct oph__vec edges; /* oph_graph_edge */
};

#endif
