/* The port graph for people to read. */
#include "ad/graph.h"
#include "base/str.h"
#include <stdlib.h>

static size_t give(struct oph__buf *buf, char *buffer, size_t size)
{
    size_t length = buf->len;
    oph__copy(buffer, size, buf->failed || !buf->text ? "" : buf->text);
    oph__buf_free(buf);
    return length;
}

static void add_number(struct oph__buf *buf, const char *what, double number)
{
    char text[32];
    oph__buf_addf(buf, "%s %s", what, oph__from_double(text, sizeof text, number));
}

/* A tree of lines */

static void add_line(const oph_graph *graph, size_t index, size_t depth, struct oph__buf *buf)
{
    const oph_graph_node *n = graph->nodes.at[index];
    for (size_t i = 0; i < depth; i++)
        oph__buf_add(buf, "  ");
    if (!n->dev) {
        oph__buf_addf(buf, "%s, which no device here has\n", n->port);
        return;
    }
    oph__buf_add(buf, n->attr);
    if (n->port[0]) oph__buf_addf(buf, " %s", n->port);
    if (n->type[0]) oph__buf_addf(buf, " (%s)", n->type);
    if (!n->port[0]) oph__buf_add(buf, ", which the IOC does not have");
    if (n->address > 0) add_number(buf, ", from address", n->address);
    if (n->enabled == 0) oph__buf_add(buf, ", disabled");
    if (n->callbacks == 0) oph__buf_add(buf, ", hands no frames on");
    if (n->blocking == 1) oph__buf_add(buf, ", blocking");
    if (n->min_callback_time > 0) add_number(buf, ", MinCallbackTime", n->min_callback_time);
    if (n->queue_size > 0 && n->queue_free == 0) oph__buf_add(buf, ", its queue is full");
    if (n->queue_free > 0 && n->queue_free < n->queue_size)
        oph__buf_addf(buf, ", %d of %d frames in its queue", n->queue_size - n->queue_free,
                      n->queue_size);
    oph__buf_add(buf, "\n");
}

static long source_of(const oph_graph *graph, size_t index)
{
    for (size_t i = 0; i < graph->edges.count; i++) {
        const oph_graph_edge *edge = graph->edges.at[i];
        if (edge->to == index) return edge->from;
    }
    return -1;
}

/* Depth first, without recursion: each node has one source, so that its way up is known. */
static void add_tree(const oph_graph *graph, size_t top, bool *told, struct oph__buf *buf)
{
    size_t depth = 0, at = top;
    add_line(graph, top, 0, buf);
    told[top] = true;
    for (;;) {
        size_t next = graph->nodes.count;
        for (size_t i = 0; i < graph->edges.count && next == graph->nodes.count; i++) {
            const oph_graph_edge *edge = graph->edges.at[i];
            if (edge->from == at && !told[edge->to]) next = edge->to;
        }
        if (next < graph->nodes.count) {
            at = next;
            add_line(graph, at, ++depth, buf);
            told[at] = true;
        } else if (depth--) {
            at = (size_t)source_of(graph, at);
        } else {
            return;
        }
    }
}

size_t oph_graph_text(const oph_graph *graph, char *buffer, size_t size)
{
    struct oph__buf buf = {0};
    bool *told = calloc(graph->nodes.count + 1, sizeof *told);
    for (size_t i = 0; told && i < graph->nodes.count; i++) {
        if (source_of(graph, i) < 0) add_tree(graph, i, told, &buf);
    }
    for (size_t i = 0; told && i < graph->nodes.count; i++) {
        const oph_graph_node *n = graph->nodes.at[i];
        if (told[i]) continue; /* what is left goes round in circles */
        oph__buf_addf(&buf, "a circle: %s takes its frames from %s\n", n->attr, n->source);
        add_tree(graph, i, told, &buf);
    }
    if (!told) buf.failed = true;
    free(told);
    return give(&buf, buffer, size);
}

/* Graphviz */

static void add_quoted(struct oph__buf *buf, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') oph__buf_add(buf, "\\");
        oph__buf_add_n(buf, text, 1);
    }
}

static void add_words(struct oph__buf *buf, const char *text)
{
    if (!text[0]) return;
    oph__buf_add(buf, "\\n");
    add_quoted(buf, text);
}

static const char *node_color(const oph_graph_node *n)
{
    if (!n->is_camera && !n->has_camera) return "red";
    if (n->callbacks == 0 && n->is_camera) return "red";
    return n->queue_size > 0 && n->queue_free == 0 ? "orange" : "black";
}

static void add_dot_node(const oph_graph_node *n, size_t index, struct oph__buf *buf)
{
    oph__buf_addf(buf, "  n%zu [label=\"", index);
    add_quoted(buf, n->dev ? n->attr : n->port);
    if (n->dev) add_words(buf, n->port[0] ? n->port : "not at the IOC");
    add_words(buf, n->type);
    if (n->dev && n->is_camera && n->callbacks == 0) add_words(buf, "ArrayCallbacks Disable");
    if (n->queue_size > 0 && n->queue_free == 0) add_words(buf, "queue full");
    oph__buf_addf(buf, "\", color=%s%s];\n", node_color(n),
                  n->dev && n->port[0] ? "" : ", style=dashed");
}

/* A line of a label; `number` NAN: without one. */
static void add_note(struct oph__buf *buf, const char **between, const char *what, double number)
{
    oph__buf_add(buf, *between);
    *between = "\\n";
    if (isnan(number))
        oph__buf_add(buf, what);
    else
        add_number(buf, what, number);
}

static void add_dot_edge(const oph_graph *graph, const oph_graph_edge *e, struct oph__buf *buf)
{
    const oph_graph_node *from = graph->nodes.at[e->from], *to = graph->nodes.at[e->to];
    bool silent = e->enabled == 0 || from->callbacks == 0;
    bool skips = to->min_callback_time > 0;
    const char *color = skips ? "red" : silent || to->blocking == 1 ? "orange" : "black";
    oph__buf_addf(buf, "  n%u -> n%u [color=%s%s, label=\"", e->from, e->to, color,
                  silent ? ", style=dashed" : "");
    const char *between = "";
    if (e->address > 0) add_note(buf, &between, "address", e->address);
    if (e->enabled == 0) add_note(buf, &between, "disabled", (double)NAN);
    if (to->blocking == 1) add_note(buf, &between, "BlockingCallbacks", (double)NAN);
    if (skips) add_note(buf, &between, "MinCallbackTime", to->min_callback_time);
    oph__buf_add(buf, "\"];\n");
}

size_t oph_graph_dot(const oph_graph *graph, char *buffer, size_t size)
{
    struct oph__buf buf = {0};
    oph__buf_add(&buf, "digraph \"");
    add_quoted(&buf, graph->name);
    oph__buf_add(&buf, "\" {\n  rankdir=LR;\n  node [shape=box];\n");
    for (size_t i = 0; i < graph->nodes.count; i++)
        add_dot_node(graph->nodes.at[i], i, &buf);
    for (size_t i = 0; i < graph->edges.count; i++)
        add_dot_edge(graph, graph->edges.at[i], &buf);
    oph__buf_add(&buf, "}\n");
    return give(&buf, buffer, size);
}
