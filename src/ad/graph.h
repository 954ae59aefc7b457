/* The port graph, inside: made of what was read of the ports. */
#ifndef AD_GRAPH_H
#define AD_GRAPH_H

#include "ad/chain.h"
#include <cophyd/graph.h>

struct oph_graph {
    char name[64];
    struct oph__vec nodes; /* oph_graph_node */
    struct oph__vec edges; /* oph_graph_edge */
};

/* Needs no network. */
int oph__graph_make(const struct oph__ports *ports, oph_graph **ret, oph_error *err);

#endif
