/* Plugins that the IOC has and the device does not declare. */
#include "base/err.h"
#include "base/str.h"
#include "core/write.h"
#include <cophyd/detector.h>
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

static oph_device *root_of(oph_device *dev)
{
    while (dev->parent)
        dev = dev->parent;
    return dev;
}

struct chain {
    oph_plugins *plugins;
    struct oph__vec ports;   /* char *: of devices that are declared */
    struct oph__vec sources; /* char *: that they take their arrays from */
};

static int keep(struct oph__vec *list, oph_device *dev, const char *attr, oph_error *err)
{
    oph_signal *sig;
    char text[64];
    if (oph_signal_find(dev, attr, &sig, NULL)) return 0; /* the class has no such row */
    int rc = oph_signal_get_text(sig, text, sizeof text, err);
    if (rc) return rc;
    char *copy = oph__dup(text);
    if (copy && oph__vec_add(list, copy)) return 0;
    free(copy);
    return oph__fail_memory(err, "ports");
}

static int note_ports(oph_device *dev, void *user, oph_error *err)
{
    struct chain *c = user;
    int rc = keep(&c->ports, dev, "port_name", err);
    return rc ? rc : keep(&c->sources, dev, "nd_array_port", err);
}

static bool has(const struct oph__vec *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (oph__equal(list->at[i], text)) return true;
    }
    return false;
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
    /* Most are not there: that is no error. */
    oph_error absent = OPH_ERROR_INIT;
    if (!rc) rc = oph__connect_signals(root->ctx, &signals, patience, NULL, &absent);
    if (rc == OPH_EDISCONN || rc == OPH_ETIMEOUT)
        rc = 0;
    else if (absent.code && err)
        *err = absent;
    for (size_t i = 0; !rc && i < n; i++) {
        char port[64], type[64];
        if (!oph__pv_is_up(probes[i].port->set) || !oph__pv_is_up(probes[i].type->set)) continue;
        rc = oph_signal_get_text(probes[i].port, port, sizeof port, err);
        if (!rc) rc = oph_signal_get_text(probes[i].type, type, sizeof type, err);
        oph_plugin *plugin = rc ? NULL : add(plugins, port);
        if (!rc && !plugin) rc = oph__fail_memory(err, "ports");
        if (rc) break;
        oph__copy(plugin->prefix, sizeof plugin->prefix, probes[i].dev->prefix);
        oph__copy(plugin->type, sizeof plugin->type, type);
        const struct oph__class *cls;
        if (!oph__classes_get(root->ctx->classes, probes[i].class_name, 0, &cls, NULL))
            oph__copy(plugin->class_name, sizeof plugin->class_name, probes[i].class_name);
    }
    for (size_t i = 0; i < n; i++)
        oph_device_free(probes[i].dev);
    oph__vec_free(&signals);
    return rc;
}

static void free_texts(struct oph__vec *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->at[i]);
    oph__vec_free(list);
}

int oph_missing_plugins(oph_device *dev, double timeout, oph_plugins **ret, oph_error *err)
{
    int rc = oph__context_may_block(dev->ctx, err);
    if (rc) return rc;
    oph_device *root = root_of(dev);
    struct chain c = {.plugins = calloc(1, sizeof *c.plugins)};
    if (!c.plugins) return oph__fail_memory(err, "ports");
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = oph__device_each(root, note_ports, &c, err);
    for (size_t i = 0; !rc && i < c.sources.count; i++) {
        const char *source = c.sources.at[i];
        if (!has(&c.ports, source) && !add(c.plugins, source)) rc = oph__fail_memory(err, "ports");
    }
    if (!rc) rc = ask_usual(root, c.plugins, oph__patience(timeout, SEARCH_TIME), err);
    oph__call_end(&dev->ctx->waits, &call);
    free_texts(&c.ports);
    free_texts(&c.sources);
    if (rc)
        oph_plugins_free(c.plugins);
    else
        *ret = c.plugins;
    return rc;
}
