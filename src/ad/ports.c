/* Plugins that the IOC has and the device does not declare. */
#include "base/err.h"
#include "base/str.h"
#include "core/write.h"
#include <cophyd/detector.h>
#include <cophyd/graph.h>
#include <stdlib.h>

/* Where plugins usually are, and the class for each. */
static const struct {
    const char *suffix, *class_name;
} usual[] = {
    {"image1:", "ImagePlugin"},     {"image2:", "ImagePlugin"},     {"HDF1:", "HDF5Plugin"},
    {"HDF2:", "HDF5Plugin"},        {"TIFF1:", "TIFFPlugin"},       {"JPEG1:", "JPEGPlugin"},
    {"netCDF1:", "NetCDFPlugin"},   {"Nexus1:", "NexusPlugin"},     {"Magick1:", "MagickPlugin"},
    {"ROI1:", "ROIPlugin"},         {"ROI2:", "ROIPlugin"},         {"ROI3:", "ROIPlugin"},
    {"ROI4:", "ROIPlugin"},         {"Stats1:", "StatsPlugin"},     {"Stats2:", "StatsPlugin"},
    {"Stats3:", "StatsPlugin"},     {"Stats4:", "StatsPlugin"},     {"Stats5:", "StatsPlugin"},
    {"ROIStat1:", "ROIStatPlugin"}, {"Proc1:", "ProcessPlugin"},    {"Trans1:", "TransformPlugin"},
    {"Over1:", "OverlayPlugin"},    {"CC1:", "ColorConvPlugin"},    {"CC2:", "ColorConvPlugin"},
    {"CB1:", "CircularBuffPlugin"}, {"Attr1:", "AttributePlugin"},  {"Pva1:", "PvaPlugin"},
    {"FFT1:", "FFTPlugin"},         {"Scatter1:", "ScatterPlugin"}, {"Gather1:", "GatherPlugin"},
    {"Codec1:", "CodecPlugin"},     {"Codec2:", "CodecPlugin"},     {"BadPix1:", "BadPixelPlugin"},
    {"Pos1:", "PosPlugin"},         {"KAFKA1:", "KafkaPlugin"},
};
enum { USUAL = sizeof usual / sizeof usual[0] };

/* A name that nobody has by then will not answer later; seconds. */
static const double SEARCH_TIME = 1.0;

struct oph_plugins {
    struct oph__vec list; /* oph_plugin */
};

size_t oph_plugins_count(const oph_plugins *plugins)
{
    return plugins ? plugins->list.count : 0;
}

const oph_plugin *oph_plugins_at(const oph_plugins *plugins, size_t index)
{
    return index < oph_plugins_count(plugins) ? plugins->list.at[index] : NULL;
}

void oph_plugins_free(oph_plugins *plugins)
{
    if (!plugins) return;
    for (size_t i = 0; i < plugins->list.count; i++)
        free(plugins->list.at[i]);
    oph__vec_free(&plugins->list);
    free(plugins);
}

static oph_plugin *add(oph_plugins *plugins, const char *port)
{
    for (size_t i = 0; i < plugins->list.count; i++) {
        oph_plugin *known = plugins->list.at[i];
        if (port[0] && oph__equal(known->port, port)) return known;
    }
    oph_plugin *plugin = calloc(1, sizeof *plugin);
    if (!plugin || !oph__vec_add(&plugins->list, plugin)) {
        free(plugin);
        return NULL;
    }
    oph__copy(plugin->port, sizeof plugin->port, port);
    return plugin;
}

static bool is_declared(oph_device *dev, const char *prefix)
{
    for (size_t i = 0; i < dev->children.count; i++) {
        const oph_device *child = dev->children.at[i];
        if (oph__equal(child->prefix, prefix)) return true;
    }
    return false;
}

/* Devices of the usual classes' common base, made for a moment, at each usual suffix not declared.
 */
struct probe {
    oph_device *dev;
    oph_signal *port, *type;
    const char *class_name;
};

static int make_probes(oph_device *root, struct probe *probes, size_t *ret_count, oph_error *err)
{
    size_t n = 0;
    int rc = 0;
    for (int i = 0; !rc && i < USUAL; i++) {
        char prefix[128];
        oph__format(prefix, sizeof prefix, "%s%s", root->prefix, usual[i].suffix);
        if (is_declared(root, prefix)) continue;
        struct probe *p = &probes[n];
        rc = oph_device_new(root->ctx, "PluginBase", prefix, usual[i].suffix, &p->dev, err);
        if (rc) break;
        n++;
        p->class_name = usual[i].class_name;
        rc = oph_signal_find(p->dev, "port_name", &p->port, err);
        if (!rc) rc = oph_signal_find(p->dev, "plugin_type", &p->type, err);
    }
    *ret_count = n;
    return rc;
}

/* Most are not there: that is no error. */
static int await_probes(oph_context *ctx, const struct oph__vec *signals,
                        struct oph__patience patience, oph_error *err)
{
    oph_error absent = OPH_ERROR_INIT;
    int rc = oph__connect_signals(ctx, signals, patience, NULL, &absent);
    if (rc == OPH_EDISCONN || rc == OPH_ETIMEOUT) return 0;
    if (rc && err) *err = absent;
    return rc;
}

static void read_text(const struct oph__read *read, char *dst, size_t size)
{
    const char *text;
    size_t length;
    oph__value_text(&read->set, &text, &length);
    oph__clean(oph__format(dst, size, "%.*s", (int)length, text));
}

static int take_probe(oph_context *ctx, const struct probe *probe, const struct oph__read *reads,
                      oph_plugins *plugins, oph_error *err)
{
    const struct oph__class *cls;
    char port[64];
    read_text(&reads[0], port, sizeof port);
    oph_plugin *plugin = add(plugins, port);
    if (!plugin) return oph__fail_memory(err, "ports");
    read_text(&reads[1], plugin->type, sizeof plugin->type);
    oph__copy(plugin->prefix, sizeof plugin->prefix, probe->dev->prefix);
    if (!oph__classes_get(ctx->classes, probe->class_name, 0, &cls, NULL))
        oph__copy(plugin->class_name, sizeof plugin->class_name, probe->class_name);
    return 0;
}

/* Those that are there, read at once. */
static int read_probes(oph_context *ctx, const struct probe *probes, size_t count,
                       oph_plugins *plugins, oph_error *err)
{
    struct oph__read reads[2 * USUAL] = {{0}};
    for (size_t i = 0; i < count; i++) {
        const struct probe *p = &probes[i];
        if (!oph__pv_is_up(p->port->set) || !oph__pv_is_up(p->type->set)) continue;
        reads[2 * i].sig = p->port;
        reads[2 * i + 1].sig = p->type;
    }
    int rc = oph__read_all(ctx, reads, 2 * count, OPH_DEFAULT, true, err);
    for (size_t i = 0; !rc && i < count; i++) {
        if (reads[2 * i].sig) rc = take_probe(ctx, &probes[i], &reads[2 * i], plugins, err);
    }
    oph__reads_clear(reads, 2 * count);
    return rc;
}

static int ask_usual(oph_device *root, oph_plugins *plugins, struct oph__patience patience,
                     oph_error *err)
{
    struct probe probes[USUAL] = {{0}};
    struct oph__vec signals = {0};
    size_t n;
    int rc = make_probes(root, probes, &n, err);
    for (size_t i = 0; !rc && i < n; i++) {
        if (!oph__vec_add(&signals, probes[i].port) || !oph__vec_add(&signals, probes[i].type))
            rc = oph__fail_memory(err, "ports");
    }
    if (!rc) rc = await_probes(root->ctx, &signals, patience, err);
    if (!rc) rc = read_probes(root->ctx, probes, n, plugins, err);
    for (size_t i = 0; i < n; i++)
        oph_device_free(probes[i].dev);
    oph__vec_free(&signals);
    return rc;
}

int oph_missing_plugins(oph_device *dev, double timeout, oph_plugins **ret, oph_error *err)
{
    oph_device *root = oph__device_root(dev);
    oph_graph *graph = NULL;
    oph_plugins *plugins = NULL;
    struct oph__call call;
    int rc = oph__context_may_block(dev->ctx, err);
    if (rc) return rc;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = oph_graph_new(root, timeout, &graph, err);
    if (!rc && !(plugins = calloc(1, sizeof *plugins))) rc = oph__fail_memory(err, "ports");
    for (size_t i = 0; !rc && i < oph_graph_node_count(graph); i++) {
        const oph_graph_node *node = oph_graph_node_at(graph, i);
        if (!node->dev && !add(plugins, node->port)) rc = oph__fail_memory(err, "ports");
    }
    oph_graph_free(graph);
    if (!rc) rc = ask_usual(root, plugins, oph__patience(timeout, SEARCH_TIME), err);
    oph__call_end(&dev->ctx->waits, &call);
    if (rc)
        oph_plugins_free(plugins);
    else
        *ret = plugins;
    return rc;
}
