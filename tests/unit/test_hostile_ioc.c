/* What an IOC may say that is no Pilatus, or means harm: sizes that do not fit, types that were not
 * asked for, text that a terminal would obey. Nothing is believed beyond its bounds. */
#include "ad/image_key.h"
#include "core/behaviour.h"
#include "base/str.h"
#include "ca/client.h"
#include "core/value.h"
#include "lib/fake_link.h"

#include <cophyd/class.h>
#include <cophyd/detector.h>
#include <cophyd/graph.h>
#include <cophyd/plan.h>
#include <cophyd/reading.h>
#include <db_access.h>
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

static const char classes[] = "class Plugin\n"
                              "row unique_id UniqueId_RBV ro int omitted\n"
                              "row data_type DataType_RBV ro enum omitted\n"
                              "row ndimensions NDimensions_RBV ro int omitted\n"
                              "row array_size.width ArraySize0_RBV ro int omitted\n"
                              "row array_size.height ArraySize1_RBV ro int omitted\n"
                              "row array_size.depth ArraySize2_RBV ro int omitted\n"
                              "row array_data ArrayData ro array omitted\n"
                              "row num_capture NumCapture rw int omitted\n"
                              "class Keys : Plugin\n"
                              "hook images\n"
                              "row data_type DataTypeText_RBV ro text omitted\n"
                              "class Port\n"
                              "row port_name PortName_RBV ro text normal\n"
                              "row nd_array_port NDArrayPort rw text normal\n"
                              "row plugin_type PluginType_RBV ro text normal\n"
                              "class Det\n"
                              "dev port P: Port\n"
                              "class Text\n"
                              "row text Text rw text normal\n"
                              "row label Label rw enum normal\n"
                              "stage . text=ours label=Fine\n";

static void add_pvs(void)
{
    static const char *const ints[] = {"UniqueId_RBV",   "NDimensions_RBV", "ArraySize0_RBV",
                                       "ArraySize1_RBV", "ArraySize2_RBV",  "NumCapture"};
    static const char *const texts[] = {"PortName_RBV", "NDArrayPort", "PluginType_RBV"};
    char name[40];
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        fake_pv(oph__format(name, sizeof name, "X:%s", ints[i]), OPH_INT32, 1, "", "1");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        fake_pv(oph__format(name, sizeof name, "X:P:%s", texts[i]), OPH_TEXT, 1, "", "CAM");
    fake_pv("X:DataType_RBV", OPH_ENUM, 1, "Int8,UInt8,Int16,UInt16,Int32,Float64", "5");
    fake_pv("X:DataTypeText_RBV", OPH_TEXT, 1, "", "Float64"); /* it converts nothing */
    fake_pv("X:ArrayData", OPH_FLOAT64, 8, "", "1");
    fake_pv("X:Text", OPH_TEXT, 1, "", "theirs");
    fake_pv("X:Label", OPH_ENUM, 1, "Fine,Other", "0");
}

static oph_device *make(oph_context *ctx, const char *class_name)
{
    oph_device *dev = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_device_new(ctx, class_name, "X:", "det", &dev, &err)) testAbort("%s", err.text);
    return dev;
}

/* An image of such sizes is refused, by the read and by the description. */
static void refuses(oph_device *dev, oph_device *keys, const char *dims, const char *const sizes[3],
                    int code, const char *found)
{
    double pixels[8] = {77};
    oph_image_info info = {.size = sizeof info, .rank = 9};
    oph_descriptions *list = NULL;
    oph_error err = OPH_ERROR_INIT;
    char what[80];
    fake_set("X:NDimensions_RBV", dims);
    fake_set("X:ArraySize0_RBV", sizes[0]);
    fake_set("X:ArraySize1_RBV", sizes[1]);
    fake_set("X:ArraySize2_RBV", sizes[2]);
    oph__format(what, sizeof what, "%s x %s x %s in %s axes", sizes[0], sizes[1], sizes[2], dims);
    int rc = oph_image_read(dev, OPH_DEFAULT, pixels, sizeof pixels, &info, &err);
    fake_code(rc, code, &err, what);
    testOk(strstr(err.found, found) && info.rank == 9, "%s", err.text);
    bool is_too_large = code == OPH_ERANGE && !strchr(what, '-') && !oph__equal(sizes[2], "0");
    rc = oph_describe(keys, OPH_DEFAULT, &list, NULL, &err);
    testOk(is_too_large ? !rc : rc != 0 && !list, "it is %sdescribed", is_too_large ? "" : "not ");
    oph_descriptions_free(list);
}

static void test_sizes(oph_context *ctx)
{
    static const char *const huge[] = {"2097152", "2097152", "2097152"}; /* 2^66 bytes are 0 */
    static const char *const most[] = {"2147483647", "2147483647", "2147483647"};
    static const char *const wraps[] = {"1073741824", "1073741824", "2"}; /* 2^64 bytes are 0 */
    static const char *const negative[] = {"2", "-2", "1"};
    static const char *const negatives[] = {"2", "-1", "-2"}; /* their product is not */
    static const char *const none[] = {"2", "2", "0"};
    static const char *const less[] = {"-4", "1", "1"};
    static const char *const large[] = {"9", "1", "1"};
    oph_device *dev = make(ctx, "Plugin"), *keys = make(ctx, "Keys");
    refuses(dev, keys, "3", huge, OPH_ERANGE, "2097152 pixels");
    refuses(dev, keys, "3", most, OPH_ERANGE, "2147483647 pixels");
    refuses(dev, keys, "3", wraps, OPH_ERANGE, "1073741824 pixels");
    refuses(dev, keys, "2", negative, OPH_ERANGE, "-2 pixels");
    refuses(dev, keys, "3", negatives, OPH_ERANGE, "-1 pixels");
    refuses(dev, keys, "2147483647", huge, OPH_ETYPE, "2147483647 dimensions");
    refuses(dev, keys, "-3", less, OPH_ESTATE, "none");
    refuses(dev, keys, "1", less, OPH_ESTATE, "none");
    refuses(dev, keys, "1", large, OPH_ERANGE, "one of 64");
    refuses(dev, keys, "3", none, OPH_ERANGE, "0 pixels");
    oph_device_free(dev);
    oph_device_free(keys);
}

/* The text has been through: nothing in it moves a cursor, but its words are there. */
static void is_tame(const char *what, const char *text, const char *word)
{
    bool tame = strstr(text, word) != NULL;
    for (const char *c = text; *c; c++)
        if (*c != '\n' && ((unsigned char)*c < ' ' || *c == 0x7F || (unsigned char)*c == 0x9B))
            tame = false;
    testOk(tame, "%s is tame", what);
    if (!tame) testDiag("%s", text);
}

#define ATTACK "\33[2J\33]0;owned\a\x9B"

static void test_text(oph_context *ctx)
{
    char text[2000];
    oph_graph *graph = NULL;
    oph_plan *plan = NULL;
    oph_error err = OPH_ERROR_INIT;
    oph_device *det = make(ctx, "Det"), *dev = make(ctx, "Text");

    fake_set("X:P:PortName_RBV", "OWN" ATTACK);
    fake_set("X:P:NDArrayPort", "NONE" ATTACK);
    fake_set("X:P:PluginType_RBV", "TYPE" ATTACK);
    testOk1(!oph_graph_new(det, OPH_DEFAULT, &graph, &err));
    oph_graph_text(graph, text, sizeof text);
    is_tame("the graph", text, "OWN [2J ]0;owned");
    is_tame("its type", text, "(TYPE [2J ]0;owned");
    oph_graph_dot(graph, text, sizeof text);
    is_tame("the graph for Graphviz", text, "NONE [2J ]0;owned");
    oph_graph_free(graph);

    fake_set("X:Text", "OWN" ATTACK);
    fake_labels("X:Label", "Fine,Bad" ATTACK);
    fake_set("X:Label", "1");
    testOk1(!oph_plan_new(dev, NULL, &plan, NULL, &err));
    for (size_t i = 0; i < oph_plan_count(plan); i++) {
        const oph_plan_row *row = oph_plan_at(plan, i);
        is_tame("a row of a plan", row->setpoint_found, "[2J ]0;owned");
        is_tame("what comes back", row->restore, "[2J ]0;owned");
    }
    testOk1(oph_plan_count(plan) == 2);
    oph_plan_free(plan);
    testOk1(oph_put(dev, "label", "Missing", &err) == OPH_ERANGE);
    is_tame("a sentence", err.text, "Bad [2J ]0;owned");
    oph_device_free(det);
    oph_device_free(dev);
}

/* A server may answer with any type: libca hands it on. */
static void test_types(void)
{
    union db_access_val value = {0};
    struct event_handler_args args = {.dbr = &value, .count = 1, .status = ECA_NORMAL};
    struct oph__event event;
    int taken = 0;

    for (args.type = 0; args.type <= LAST_BUFFER_TYPE + 3; args.type++) {
        oph__ca_event(&event, &args);
        bool wanted = dbr_type_is_TIME(args.type);
        taken += wanted;
        testOk(event.code == (wanted ? 0 : OPH_ETYPE) && (wanted || !event.data),
               "an answer of type %ld is %s", args.type, wanted ? "taken" : "refused");
    }
    testOk1(taken == 7);
    args.type = DBR_TIME_DOUBLE;
    args.dbr = NULL;
    oph__ca_event(&event, &args);
    testOk1(event.code == OPH_ECA && !event.data);
}

/* Labels and units that do not end. */
static void test_unended(void)
{
    struct dbr_ctrl_enum labels;
    struct dbr_ctrl_double number;
    struct oph__description is;

    memset(&labels, 'x', sizeof labels);
    labels.no_str = 32767;
    oph__ca_describe(&is, DBR_CTRL_ENUM, &labels);
    testOk1(is.label_count == MAX_ENUM_STATES);
    for (int i = 0; i < is.label_count; i++)
        testOk(strnlen(is.labels[i], OPH__LABEL_BYTES) < OPH__LABEL_BYTES, "label %d ends", i);
    free(is.labels);
    labels.no_str = -1;
    oph__ca_describe(&is, DBR_CTRL_ENUM, &labels);
    testOk1(is.label_count == 0 && !is.labels);
    memset(&number, 'x', sizeof number);
    oph__ca_describe(&is, DBR_CTRL_DOUBLE, &number);
    testOk(strnlen(is.units, sizeof is.units) < sizeof is.units, "units end: %s", is.units);
}

/* A text of more than printf's int can say. */
static void test_long_text(void)
{
    static char byte = 'x';
    const char *text;
    size_t length = 1;
    struct oph_value v = {.dtype = OPH_UINT8, .count = 1, .data = &byte};

    oph__value_text(&v, &text, &length);
    testOk1(length == 1 && text == &byte);
    v.count = 0;
    oph__value_text(&v, &text, &length);
    testOk1(length == 0);
}

/* What a file store tells of its images, alone. */
static void *create(oph_device *dev, oph_error *err)
{
    (void)err;
    return dev;
}

static void destroy(void *data)
{
    (void)data;
}

static int needs(oph_device *dev, void *data, struct oph__needs *list, oph_error *err)
{
    (void)dev, (void)data, (void)list, (void)err;
    return 0;
}

static const struct oph__hook_ops images = {.name = "images",
                                            .create = create,
                                            .destroy = destroy,
                                            .needs = needs,
                                            .describe = oph__image_key};

int main(void)
{
    static const struct oph__trigger_ops *const triggers[] = {NULL};
    static const struct oph__hook_ops *const hooks[] = {&images, NULL};
    static const struct oph__behaviours behaviours = {.triggers = triggers, .hooks = hooks};

    testPlan(0);
    test_types();
    test_unended();
    test_long_text();
    fake_begin();
    add_pvs();
    oph_context *ctx = fake_context(classes, &behaviours);
    test_sizes(ctx);
    test_text(ctx);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
