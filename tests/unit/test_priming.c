/* ad/priming: what of a frame is compared, for cameras that tell more or less of it. */
#include "base/str.h"
#include "lib/fake_link.h"

#include <cophyd/class.h>
#include <cophyd/detector.h>
#include <epicsUnitTest.h>
#include <string.h>

static const char classes[] = "class FilePlugin\n"
                              "row nd_array_port NDArrayPort ro text normal\n"
                              "row array_size.width ArraySize0_RBV ro int normal\n"
                              "row array_size.height ArraySize1_RBV ro int normal\n"
                              "row data_type DataType_RBV ro enum normal\n"
                              "row color_mode ColorMode_RBV ro enum normal\n"
                              "class NewPlugin : FilePlugin\n"
                              "row array_size_xyz.array_size_x ArraySizeX_RBV ro int normal\n"
                              "row array_size_xyz.array_size_y ArraySizeY_RBV ro int normal\n"
                              "class Cam\n"
                              "row port_name PortName_RBV ro text normal\n"
                              "row data_type_disabled DISA ro int normal\n"
                              "row data_type DataType_RBV ro enum normal\n"
                              "row color_mode ColorMode_RBV ro enum normal\n"
                              "row max_size.max_size_x MaxSizeX_RBV ro int normal\n"
                              "row max_size.max_size_y MaxSizeY_RBV ro int normal\n"
                              "row size.size_x SizeX_RBV ro int normal\n"
                              "row size.size_y SizeY_RBV ro int normal\n"
                              "row bin_x BinX_RBV ro int normal\n"
                              "row bin_y BinY_RBV ro int normal\n"
                              "class Det\ndev cam c: Cam\ndev old p: FilePlugin\n"
                              "class NewDet\ndev cam c: Cam\ndev new p: NewPlugin\n";

static const char types[] = "Int8,UInt8,Int16,UInt16", colors[] = "Mono,Bayer,RGB1";
static const struct {
    const char *name;
    int32_t dtype;
    const char *labels, *value;
} pvs[] = {
    {"c:PortName_RBV", OPH_TEXT, "", "CAM"},    {"c:DISA", OPH_INT32, "", "0"},
    {"c:DataType_RBV", OPH_ENUM, types, "3"},   {"c:ColorMode_RBV", OPH_ENUM, colors, "0"},
    {"c:MaxSizeX_RBV", OPH_INT32, "", "100"},   {"c:MaxSizeY_RBV", OPH_INT32, "", "80"},
    {"c:SizeX_RBV", OPH_INT32, "", "100"},      {"c:SizeY_RBV", OPH_INT32, "", "80"},
    {"c:BinX_RBV", OPH_INT32, "", "1"},         {"c:BinY_RBV", OPH_INT32, "", "1"},
    {"p:NDArrayPort", OPH_TEXT, "", "CAM"},     {"p:ArraySize0_RBV", OPH_INT32, "", "100"},
    {"p:ArraySize1_RBV", OPH_INT32, "", "80"},  {"p:ArraySizeX_RBV", OPH_INT32, "", "100"},
    {"p:ArraySizeY_RBV", OPH_INT32, "", "80"},  {"p:DataType_RBV", OPH_ENUM, types, "3"},
    {"p:ColorMode_RBV", OPH_ENUM, colors, "0"},
};
enum { PVS = sizeof pvs / sizeof pvs[0] };

/* All as above but for "NAME=VALUE NAME=VALUE ...". */
static void have(const char *changes)
{
    char text[200], name[40];
    for (size_t i = 0; i < PVS; i++)
        fake_set(oph__format(name, sizeof name, "X:%s", pvs[i].name), pvs[i].value);
    oph__copy(text, sizeof text, changes);
    for (char *at = text; *at;) {
        char *end = at + strcspn(at, " ");
        char *next = *end ? end + 1 : end;
        *end = 0;
        char *eq = strchr(at, '=');
        *eq = 0;
        fake_set(oph__format(name, sizeof name, "X:%s", at), eq + 1);
        at = next;
    }
}

static void differs(oph_device *det, const char *changes, int32_t wanted, const char *sentences)
{
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    int32_t found = -1;
    struct oph__buf said = {0};
    have(changes);
    int rc = oph_primed(det, &found, &report, &err);
    oph__buf_add(&said, "");
    for (size_t i = 0; i < oph_report_count(report); i++)
        oph__buf_addf(&said, "%s%s/%s", i ? "; " : "", oph_report_at(report, i)->wanted,
                      oph_report_at(report, i)->found);
    bool coded = true;
    for (size_t i = 0; i < oph_report_count(report); i++)
        coded = coded && oph_report_at(report, i)->code == OPH_EUNPRIMED;
    testOk(!rc && found == wanted && !strcmp(said.text, sentences) && coded, "%s%s%s: %d, %s",
           oph_device_path(det), *changes ? " with " : "", changes, (int)found, said.text);
    if (rc) testDiag("%s", err.text);
    oph__buf_free(&said);
    oph_report_free(report);
}

#define SIZE OPH_DIFFERS_SIZE
#define TYPE OPH_DIFFERS_TYPE
#define COLOR OPH_DIFFERS_COLOR
#define SENT ", as the camera will send/"

static void of_both(oph_device *det)
{
    differs(det, "", 0, "");
    differs(det, "p:ArraySize0_RBV=0 p:ArraySizeX_RBV=0", OPH_DIFFERS_UNSEEN,
            "a plugin that has seen a frame/none since the IOC started");
    differs(det, "c:DataType_RBV=0", TYPE, "Int8/UInt16");
    differs(det, "c:ColorMode_RBV=2", COLOR, "RGB1/Mono");
    differs(det, "c:DataType_RBV=1 p:ColorMode_RBV=1", TYPE | COLOR, "UInt8/UInt16; Mono/Bayer");
    differs(det, "c:SizeX_RBV=50", SIZE, "50x80" SENT "100x80");
    differs(det, "c:SizeY_RBV=79 c:DataType_RBV=0 c:ColorMode_RBV=1", SIZE | TYPE | COLOR,
            "100x79" SENT "100x80; Int8/UInt16; Bayer/Mono");
    differs(det, "c:BinX_RBV=2 c:BinY_RBV=4", SIZE, "50x20" SENT "100x80");
    differs(det, "c:BinX_RBV=0 c:BinY_RBV=0", 0, "");
    differs(det, "c:SizeX_RBV=0", 0, ""); /* the driver does not tell */
    /* A driver that leaves all of it alone: the sensor's size is what counts. */
    differs(det, "c:DISA=1 c:DataType_RBV=0 c:ColorMode_RBV=1 c:SizeX_RBV=7 c:BinX_RBV=5", 0, "");
    differs(det, "c:DISA=1 c:MaxSizeX_RBV=90", SIZE, "90x80" SENT "100x80");
    /* Behind another plugin only whether it has seen any. */
    differs(det, "p:NDArrayPort=ROI1 c:SizeX_RBV=50 c:DataType_RBV=0", 0, "");
    differs(det, "p:NDArrayPort=ROI1 p:ArraySize0_RBV=0", OPH_DIFFERS_UNSEEN,
            "a plugin that has seen a frame/none since the IOC started");
}

static oph_device *make(oph_context *ctx, const char *class_name)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *det = NULL;
    if (oph_device_new(ctx, class_name, "X:", class_name, &det, &err)) testAbort("%s", err.text);
    return det;
}

int main(void)
{
    static const struct oph__trigger_ops *const triggers[] = {NULL};
    static const struct oph__hook_ops *const hooks[] = {NULL};
    static const struct oph__behaviours behaviours = {.triggers = triggers, .hooks = hooks};
    char name[40];
    testPlan(0);
    fake_begin();
    for (size_t i = 0; i < PVS; i++)
        fake_pv(oph__format(name, sizeof name, "X:%s", pvs[i].name), pvs[i].dtype, 1, pvs[i].labels,
                pvs[i].value);
    oph_context *ctx = fake_context(classes, &behaviours);
    oph_device *old = make(ctx, "Det"), *new = make(ctx, "NewDet");
    of_both(old);
    of_both(new);
    /* A colour image of three planes side by side has its own width. */
    differs(new, "p:ArraySize0_RBV=3 p:ArraySize1_RBV=100 c:ColorMode_RBV=2 p:ColorMode_RBV=2", 0,
            "");
    /* What an IOC lacks is not compared. */
    fake_down("X:c:ColorMode_RBV");
    differs(new, "c:SizeX_RBV=50", SIZE, "50x80" SENT "100x80");
    fake_up("X:c:ColorMode_RBV");
    oph_device_free(old);
    oph_device_free(new);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
