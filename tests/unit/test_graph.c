/* ad/graph: ports read at once, as data, as lines and for Graphviz. */
#include "ad/builtin_classes.h"
#include "base/str.h"
#include "lib/fake_link.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static const char classes[] = "class Det : DetectorBase\n"
                              "dev cam    cam1:   CamBase\n"
                              "dev roi1   ROI1:   PluginBase\n"
                              "dev stats1 Stats1: PluginBase\n"
                              "dev hdf1   HDF1:   PluginBase\n";

static oph_context *ctx;
static oph_device *det;

static void add_pv(const char *device, const char *row, int32_t dtype, const char *labels,
                   const char *value)
{
    char name[80];
    snprintf(name, sizeof name, "X:%s%s", device, row);
    fake_pv(name, dtype, 1, labels, value);
}

static void add_plugin(const char *device, const char *port, const char *source, const char *type)
{
    add_pv(device, "PortName_RBV", OPH_TEXT, "", port);
    add_pv(device, "NDArrayPort_RBV", OPH_TEXT, "", source);
    add_pv(device, "NDArrayPort", OPH_TEXT, "", source);
    add_pv(device, "PluginType_RBV", OPH_TEXT, "", type);
    add_pv(device, "NDArrayAddress_RBV", OPH_INT32, "", "0");
    add_pv(device, "NDArrayAddress", OPH_INT32, "", "0");
    add_pv(device, "EnableCallbacks_RBV", OPH_ENUM, "Disable,Enable", "1");
    add_pv(device, "EnableCallbacks", OPH_ENUM, "Disable,Enable", "1");
    add_pv(device, "ArrayCallbacks_RBV", OPH_ENUM, "Disable,Enable", "1");
    add_pv(device, "ArrayCallbacks", OPH_ENUM, "Disable,Enable", "1");
    add_pv(device, "BlockingCallbacks_RBV", OPH_ENUM, "No,Yes", "0");
    add_pv(device, "BlockingCallbacks", OPH_ENUM, "No,Yes", "0");
    add_pv(device, "MinCallbackTime_RBV", OPH_FLOAT64, "", "0");
    add_pv(device, "MinCallbackTime", OPH_FLOAT64, "", "0");
    add_pv(device, "QueueSize_RBV", OPH_INT32, "", "20");
    add_pv(device, "QueueSize", OPH_INT32, "", "20");
    add_pv(device, "QueueFree", OPH_INT32, "", "20");
}

static void add_ioc(void)
{
    add_pv("cam1:", "PortName_RBV", OPH_TEXT, "", "PIL");
    add_pv("cam1:", "ArrayCallbacks_RBV", OPH_ENUM, "Disable,Enable", "1");
    add_pv("cam1:", "ArrayCallbacks", OPH_ENUM, "Disable,Enable", "1");
    add_plugin("ROI1:", "ROI1", "PIL", "NDPluginROI");
    add_plugin("Stats1:", "STATS1", "ROI1", "NDPluginStats");
    add_plugin("HDF1:", "FileHDF1", "ROI1", "NDFileHDF5 ver1.10.8");
}

static void need(int rc, const oph_error *err)
{
    if (rc) testAbort("%s", err->text);
}

static oph_device *new_device(const char *text, const char *name)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *dev = NULL;
    need(oph_class_parse(ctx, text, "test", NULL, &err), &err);
    need(oph_device_new(ctx, name, "X:", "det", &dev, &err), &err);
    return dev;
}

static oph_graph *graph_of(oph_device *dev)
{
    oph_error err = OPH_ERROR_INIT;
    oph_graph *graph = NULL;
    fake_code(oph_graph_new(dev, OPH_DEFAULT, &graph, &err), 0, &err, "the ports are read");
    if (!graph) testAbort("no graph");
    return graph;
}

static void edge_is(const oph_graph *graph, size_t index, const char *from, const char *to,
                    int enabled)
{
    const oph_graph_edge *edge = oph_graph_edge_at(graph, index);
    const char *found_from = edge ? oph_graph_node_at(graph, edge->from)->port : "none";
    const char *found_to = edge ? oph_graph_node_at(graph, edge->to)->port : "none";
    testOk(edge && !strcmp(found_from, from) && !strcmp(found_to, to) && edge->enabled == enabled,
           "edge %zu: %s to %s, %s", index, from, to, enabled ? "enabled" : "disabled");
    if (edge && (strcmp(found_from, from) != 0 || strcmp(found_to, to) != 0))
        testDiag("found %s to %s", found_from, found_to);
}

static void text_is(const oph_graph *graph, const char *wanted)
{
    char text[1000], cut[12];
    size_t length = oph_graph_text(graph, text, sizeof text);
    testOk(strcmp(text, wanted) == 0 && length == strlen(wanted), "its lines are right");
    if (strcmp(text, wanted) != 0) testDiag("found\n%s", text);
    testOk(oph_graph_text(graph, cut, sizeof cut) == length && oph__ends(cut, "[cut]") &&
               oph_graph_text(graph, NULL, 0) == length,
           "a small buffer is filled, and told the length");
}

static void test_data(void)
{
    oph_graph *graph = graph_of(det);
    testOk(oph_graph_node_count(graph) == 4 && oph_graph_edge_count(graph) == 3,
           "a node a device, an edge a plugin");
    edge_is(graph, 0, "PIL", "ROI1", 1);
    edge_is(graph, 1, "ROI1", "STATS1", 1);
    edge_is(graph, 2, "ROI1", "FileHDF1", 1);
    const oph_graph_node *cam = oph_graph_node_at(graph, 0);
    testOk(cam->is_camera && cam->has_camera && cam->enabled == 1 && cam->callbacks == 1 &&
               cam->blocking == -1 && cam->address == -1 && cam->queue_size == -1 &&
               cam->min_callback_time == -1 && !strcmp(cam->attr, "cam") && !cam->source[0],
           "the camera has no source, and what is special to plugins is not known of it");
    const oph_graph_node *hdf1 = oph_graph_node_at(graph, 3);
    testOk(!hdf1->is_camera && hdf1->has_camera && hdf1->enabled == 1 && hdf1->blocking == 0 &&
               hdf1->address == 0 && hdf1->queue_size == 20 && hdf1->queue_free == 20 &&
               hdf1->min_callback_time == 0 && !strcmp(hdf1->attr, "hdf1") &&
               !strcmp(oph_device_path(hdf1->dev), "det.hdf1") && !strcmp(hdf1->source, "ROI1") &&
               !strcmp(hdf1->type, "NDFileHDF5 ver1.10.8"),
           "of a plugin all is known");
    testOk(!oph_graph_node_at(graph, 4) && !oph_graph_edge_at(graph, 3),
           "there is nothing behind the last");
    text_is(graph, "cam PIL\n"
                   "  roi1 ROI1 (NDPluginROI)\n"
                   "    stats1 STATS1 (NDPluginStats)\n"
                   "    hdf1 FileHDF1 (NDFileHDF5 ver1.10.8)\n");
    oph_graph_free(graph);
    oph_graph_free(NULL);
}

static void dot_has(const oph_graph *graph, const char *line)
{
    char text[4000];
    oph_graph_dot(graph, text, sizeof text);
    testOk(strstr(text, line) != NULL, "dot: %s", line);
    if (!strstr(text, line)) testDiag("found\n%s", text);
}

static void test_marks(void)
{
    fake_set("X:HDF1:EnableCallbacks_RBV", "0");
    fake_set("X:HDF1:NDArrayAddress_RBV", "2");
    fake_set("X:ROI1:MinCallbackTime_RBV", "0.5");
    fake_set("X:ROI1:BlockingCallbacks_RBV", "1");
    fake_set("X:Stats1:NDArrayPort_RBV", "a\"b\\");
    fake_set("X:Stats1:QueueFree", "0");
    fake_set("X:cam1:ArrayCallbacks_RBV", "0");
    oph_graph *graph = graph_of(det);
    edge_is(graph, 2, "ROI1", "FileHDF1", 0);
    testOk(oph_graph_edge_at(graph, 2)->address == 2, "from the other address");
    edge_is(graph, 1, "a\"b\\", "STATS1", 1);
    const oph_graph_node *other = oph_graph_node_at(graph, 4);
    testOk(other && !other->dev && !other->has_camera && !other->attr[0] && other->enabled == -1,
           "a port that no device has");
    text_is(graph, "cam PIL, hands no frames on\n"
                   "  roi1 ROI1 (NDPluginROI), blocking, MinCallbackTime 0.5\n"
                   "    hdf1 FileHDF1 (NDFileHDF5 ver1.10.8), from address 2, disabled\n"
                   "a\"b\\, which no device here has\n"
                   "  stats1 STATS1 (NDPluginStats), its queue is full\n");
    dot_has(graph, "digraph \"det\" {\n");
    dot_has(graph, "n0 [label=\"cam\\nPIL\\nArrayCallbacks Disable\", color=red];\n");
    dot_has(graph, "n2 [label=\"stats1\\nSTATS1\\nNDPluginStats\\nqueue full\", color=red];\n");
    dot_has(graph, "n4 [label=\"a\\\"b\\\\\", color=red, style=dashed];\n");
    dot_has(graph, "n0 -> n1 [color=red, style=dashed, "
                   "label=\"BlockingCallbacks\\nMinCallbackTime 0.5\"];\n");
    dot_has(graph, "n1 -> n3 [color=orange, style=dashed, label=\"address 2\\ndisabled\"];\n");
    dot_has(graph, "n4 -> n2 [color=black, label=\"\"];\n");
    oph_graph_free(graph);
    fake_set("X:HDF1:EnableCallbacks_RBV", "1");
    fake_set("X:HDF1:NDArrayAddress_RBV", "0");
    fake_set("X:ROI1:MinCallbackTime_RBV", "0");
    fake_set("X:ROI1:BlockingCallbacks_RBV", "0");
    fake_set("X:Stats1:QueueFree", "20");
    fake_set("X:cam1:ArrayCallbacks_RBV", "1");
}

static void test_circles(void)
{
    fake_set("X:ROI1:NDArrayPort_RBV", "FileHDF1");
    fake_set("X:Stats1:NDArrayPort_RBV", "STATS1");
    oph_graph *graph = graph_of(det);
    edge_is(graph, 0, "FileHDF1", "ROI1", 1);
    edge_is(graph, 1, "STATS1", "STATS1", 1);
    testOk(!oph_graph_node_at(graph, 1)->has_camera && !oph_graph_node_at(graph, 2)->has_camera &&
               !oph_graph_node_at(graph, 3)->has_camera,
           "a circle has no camera");
    text_is(graph, "cam PIL\n"
                   "a circle: roi1 takes its frames from FileHDF1\n"
                   "roi1 ROI1 (NDPluginROI)\n"
                   "  hdf1 FileHDF1 (NDFileHDF5 ver1.10.8)\n"
                   "a circle: stats1 takes its frames from STATS1\n"
                   "stats1 STATS1 (NDPluginStats)\n");
    dot_has(graph, "n2 -> n2 ");
    oph_graph_free(graph);
    fake_set("X:ROI1:NDArrayPort_RBV", "PIL");
    fake_set("X:Stats1:NDArrayPort_RBV", "ROI1");
}

/* A row, and a whole plugin, that the IOC lacks. */
static void test_absent(void)
{
    add_pv("CC1:", "PortName_RBV", OPH_TEXT, "", "CC1");
    add_pv("CC1:", "NDArrayPort_RBV", OPH_TEXT, "", "PIL");
    add_pv("CC1:", "NDArrayPort", OPH_TEXT, "", "PIL");
    oph_device *few = new_device("class Few : DetectorBase\n"
                                 "dev cam   cam1:  CamBase\n"
                                 "dev cc1   CC1:   PluginBase\n"
                                 "dev tiff1 TIFF1: PluginBase\n",
                                 "Few");
    oph_graph *graph = graph_of(few);
    const oph_graph_node *cc1 = oph_graph_node_at(graph, 1);
    testOk(cc1->has_camera && cc1->enabled == -1 && cc1->queue_free == -1 && !cc1->type[0] &&
               cc1->min_callback_time == -1,
           "what the IOC lacks is not known");
    text_is(graph, "cam PIL\n  cc1 CC1\ntiff1, which the IOC does not have\n");
    dot_has(graph, "n2 [label=\"tiff1\\nnot at the IOC\", color=red, style=dashed];\n");
    oph_graph_free(graph);
    int flushes = fake_flushes();
    oph_graph_free(graph_of(few));
    testOk(fake_flushes() == flushes + 1, "it is not searched for again");
    oph_device_free(few);
}

static void test_no_ioc(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_graph *graph = NULL;
    oph_device *none = new_device("class None : DetectorBase\ndev cam cam9: CamBase\n", "None");
    fake_code(oph_graph_new(none, 0.1, &graph, &err), OPH_EDISCONN, &err, "no IOC");
    testOk(!graph && !strcmp(err.pv, "X:cam9:PortName_RBV"), "%s", err.text);
    oph_device_free(none);
    oph_device *empty = new_device("class Empty : DetectorBase\n", "Empty");
    graph = graph_of(empty);
    testOk(oph_graph_node_count(graph) == 0 && oph_graph_text(graph, NULL, 0) == 0,
           "a device without ports has an empty graph");
    dot_has(graph, "digraph \"\" {\n  rankdir=LR;\n  node [shape=box];\n}\n");
    oph_graph_free(graph);
    oph_device_free(empty);
}

enum { MANY = 100 };

static void test_many(void)
{
    struct oph__buf text = {0};
    oph__buf_add(&text, "class Many : DetectorBase\ndev cam cam1: CamBase\n");
    for (int i = 0; i < MANY; i++) {
        char device[16], port[16];
        snprintf(device, sizeof device, "P%d:", i);
        snprintf(port, sizeof port, "PORT%d", i);
        add_pv(device, "PortName_RBV", OPH_TEXT, "", port);
        add_pv(device, "NDArrayPort_RBV", OPH_TEXT, "", "PIL");
        add_pv(device, "NDArrayPort", OPH_TEXT, "", "PIL");
        oph__buf_addf(&text, "dev p%d P%d: PluginBase\n", i, i);
    }
    oph_device *many = new_device(text.text, "Many");
    oph__buf_free(&text);
    oph_graph_free(graph_of(many)); /* connects */
    oph_graph_free(graph_of(det));
    int flushes = fake_flushes();
    oph_graph_free(graph_of(det));
    testOk(fake_flushes() == flushes + 1, "three plugins are read in one flush");
    flushes = fake_flushes();
    oph_graph *graph = graph_of(many);
    testOk(fake_flushes() == flushes + 1, "%d as well", MANY);
    testOk(oph_graph_edge_count(graph) == MANY, "%d edges", MANY);
    oph_graph_free(graph);
    oph_device_free(many);
}

static void nothing(void)
{
    testOk1(oph_graph_node_count(NULL) == 0 && oph_graph_node_at(NULL, 0) == NULL);
    testOk1(oph_graph_edge_count(NULL) == 0 && oph_graph_edge_at(NULL, 0) == NULL);
    oph_graph_free(NULL);
}

int main(void)
{
    const oph_context_options options = {.size = sizeof options, .connect_timeout = 5};
    testPlan(0);
    nothing();
    fake_begin();
    add_ioc();
    ctx = fake_context_with(&options, NULL, NULL);
    oph_error err = OPH_ERROR_INIT;
    for (const struct oph__class_text *b = oph__builtin_classes; b->name; b++) {
        if (strcmp(b->name, "camera.class") && strcmp(b->name, "plugin.class") &&
            strcmp(b->name, "ndarray.class"))
            continue;
        need(oph_class_parse(ctx, b->text, b->name, NULL, &err), &err);
    }
    need(oph_class_parse(ctx, "class DetectorBase : ADBase\n", "test", NULL, &err), &err);
    det = new_device(classes, "Det");
    test_data();
    test_marks();
    test_circles();
    test_absent();
    test_no_ioc();
    test_many();
    oph_device_free(det);
    oph_context_free(ctx);
    testOk(fake_end() == 0, "no channel is left");
    return testDone();
}
