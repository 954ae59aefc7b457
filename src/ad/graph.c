#include "ad/graph.h"
#include "ad/chain.h"
#include "base/err.h"
#include "base/str.h"
#include <stdlib.h>

void oph_graph_free(oph_graph *graph)
{
    if (!graph) return;
    for (size_t i = 0; i < graph->nodes.count; i++)
        free(graph->nodes.at[i]);
    for (size_t i = 0; i < graph->edges.count; i++)
        free(graph->edges.at[i]);
    oph__vec_free(&graph->nodes);
    oph__vec_free(&graph->edges);
    free(graph);
}

size_t oph_graph_node_count(const oph_graph *graph)
{
    return graph ? graph->nodes.count : 0;
}

const oph_graph_node *oph_graph_node_at(const oph_graph *graph, size_t index)
{
    return index < oph_graph_node_count(graph) ? graph->nodes.at[index] : NULL;
}

size_t oph_graph_edge_count(const oph_graph *graph)
{
    return graph ? graph->edges.count : 0;
}

const oph_graph_edge *oph_graph_edge_at(const oph_graph *graph, size_t index)
{
    return index < oph_graph_edge_count(graph) ? graph->edges.at[index] : NULL;
}

static bool add(struct oph__vec *list, void *item)
{
    if (item && oph__vec_add(list, item)) return true;
    free(item);
    return false;
}

static int32_t whole(const struct oph__port *port, int row)
{
    double d = port->values[row].number;
    return d >= INT32_MIN && d <= INT32_MAX ? (int32_t)d : -1;
}

static oph_graph_node *node_of(const struct oph__ports *ports, const struct oph__port *port)
{
    const struct oph__port *last;
    oph_graph_node *node = calloc(1, sizeof *node);
    if (!node) return NULL;
    node->dev = port->dev;
    node->is_camera = oph__port_is_camera(port);
    oph__copy(node->attr, sizeof node->attr, port->dev->attr);
    oph__copy(node->port, sizeof node->port, port->values[OPH__PORT_NAME].text);
    oph__copy(node->type, sizeof node->type, port->values[OPH__PORT_TYPE].text);
    oph__copy(node->source, sizeof node->source, port->values[OPH__PORT_SOURCE].text);
    node->address = whole(port, OPH__PORT_ADDRESS);
    node->enabled = node->is_camera ? 1 : whole(port, OPH__PORT_ENABLE);
    node->callbacks = whole(port, OPH__PORT_CALLBACKS);
    node->blocking = whole(port, OPH__PORT_BLOCKING);
    node->queue_size = whole(port, OPH__PORT_QUEUE_SIZE);
    node->queue_free = whole(port, OPH__PORT_QUEUE_FREE);
    node->min_callback_time = port->values[OPH__PORT_MIN_TIME].number;
    if (!port->values[OPH__PORT_MIN_TIME].known) node->min_callback_time = -1;
    node->has_camera = oph__port_way(ports, port, &last) == OPH__WAY_GOOD;
    return node;
}

/* The index of the node of a port's source, made where no device has that port; -1 without memory.
 */
static long find_source(oph_graph *graph, const struct oph__ports *ports,
                        const struct oph__port *of)
{
    const char *port = of->values[OPH__PORT_SOURCE].text;
    const struct oph__port *source = oph__port_source(ports, of);
    if (source) return source - ports->at;
    for (size_t i = ports->count; i < graph->nodes.count; i++) {
        const oph_graph_node *node = graph->nodes.at[i];
        if (oph__equal(node->port, port)) return (long)i;
    }
    oph_graph_node *node = calloc(1, sizeof *node);
    if (node) {
        oph__copy(node->port, sizeof node->port, port);
        node->address = node->enabled = node->callbacks = node->blocking = -1;
        node->queue_size = node->queue_free = -1;
        node->min_callback_time = -1;
    }
    return add(&graph->nodes, node) ? (long)graph->nodes.count - 1 : -1;
}

static int add_edges(oph_graph *graph, const struct oph__ports *ports, oph_error *err)
{
    for (size_t i = 0; i < ports->count; i++) {
        const oph_graph_node *node = graph->nodes.at[i];
        if (!node->source[0]) continue;
        long from = find_source(graph, ports, &ports->at[i]);
        oph_graph_edge *edge = from < 0 ? NULL : calloc(1, sizeof *edge);
        if (edge)
            *edge = (oph_graph_edge){.from = (uint32_t)from,
                                     .to = (uint32_t)i,
                                     .address = node->address,
                                     .enabled = node->enabled};
        if (!add(&graph->edges, edge)) return oph__fail_memory(err, "a graph");
    }
    return 0;
}

/* Needs no network. */
static int make(const struct oph__ports *ports, oph_graph **ret, oph_error *err)
{
    oph_graph *graph = calloc(1, sizeof *graph);
    int rc = graph ? 0 : oph__fail_memory(err, "a graph");
    for (size_t i = 0; !rc && i < ports->count; i++) {
        if (!add(&graph->nodes, node_of(ports, &ports->at[i])))
            rc = oph__fail_memory(err, "a graph");
    }
    if (!rc) rc = add_edges(graph, ports, err);
    if (!rc && ports->count)
        oph__copy(graph->name, sizeof graph->name, oph__device_root(ports->at[0].dev)->name);
    if (rc)
        oph_graph_free(graph);
    else
        *ret = graph;
    return rc;
}

int oph_graph_new(oph_device *dev, double timeout, oph_graph **ret, oph_error *err)
{
    struct oph__ports ports;
    struct oph__call call;
    int rc = oph__context_may_block(dev->ctx, err);
    if (!rc) rc = oph__ports_find(&ports, oph__device_root(dev), OPH__PORT_GRAPH, err);
    if (rc) return rc;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = oph__ports_read(&ports, timeout, err);
    oph__call_end(&dev->ctx->waits, &call);
    if (!rc) rc = make(&ports, ret, err);
    oph__ports_clear(&ports);
    return rc;
}
