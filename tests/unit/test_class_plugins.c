/* The built-in plugins: what they are called, how their rows behave, and the set of them all. That
 * they have the records of each release is for test_class_builtin. */
#include "ad/builtin_classes.h"
#include "base/str.h"
#include "core/classtext.h"
#include <epicsUnitTest.h>
#include <string.h>

static const struct oph__class *get(struct oph__classes *reg, const char *name, int version)
{
    const struct oph__class *cls = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph__classes_get(reg, name, version, &cls, &err)) testAbort("%s", err.text);
    return cls;
}

static const struct oph__devrow *find_dev(const struct oph__class *cls, const char *attr)
{
    for (size_t i = 0; i < cls->devs.count; i++) {
        const struct oph__devrow *dev = cls->devs.at[i];
        if (strcmp(dev->attr, attr) == 0) return dev;
    }
    return NULL;
}

/* How the plugins say what they are, where that is not what ophyd expects. */
static void check_types(struct oph__classes *reg)
{
    testOk1(oph__equal(get(reg, "TIFFPlugin", 0)->plugin_type, "NDFileTIFF"));
    testOk1(oph__equal(get(reg, "StatsPlugin", 0)->plugin_type, "NDPluginStats"));
    testOk1(oph__equal(get(reg, "CommonOverlayPlugin", 0)->plugin_type, "NDPluginOverlay"));
    testOk1(oph__equal(get(reg, "BadPixelPlugin", 0)->plugin_type, "NDPluginBadPixel"));
    testOk1(oph__equal(get(reg, "PosPlugin", 0)->plugin_type, "NDPositionPlugin"));
    testOk1(oph__equal(get(reg, "KafkaPlugin", 0)->plugin_type, "KafkaPlugin"));
    testOk1(get(reg, "NexusPlugin", 0)->plugin_type == NULL);
    testOk1(get(reg, "Overlay", 0)->plugin_type == NULL);
}

/* The set needs a camera for its settings, and takes any. */
static void check_common(struct oph__classes *reg)
{
    static const char text[] = "class Full : SingleTrigger CommonPlugins\n"
                               "dev   cam   cam1:  PilatusDetectorCam\n"
                               "dev   hdf1  HDF1:  HDF5Plugin FileStoreHDF5IterativeWrite\n";
    oph_error err = OPH_ERROR_INIT;

    testOk(oph__classes_parse(reg, text, "full", NULL, &err) == 0, "a full detector %s", err.text);
    const struct oph__class *cls = get(reg, "Full", 0);
    const struct oph__class *set = get(reg, "CommonPlugins", 0);
    const struct oph__devrow *cam = find_dev(cls, "cam"), *hdf = find_dev(cls, "hdf1");
    testOk(cls->devs.count == set->devs.count, "no device twice, none lost");
    testOk(cam && strcmp(cam->classes, "PilatusDetectorCam") == 0, "its own camera");
    testOk(hdf && strcmp(hdf->classes, "HDF5Plugin FileStoreHDF5IterativeWrite") == 0,
           "its own file plugin");
    testOk(oph__equal(cls->trigger, "single"), "its trigger");
    for (size_t i = 0; i < set->devs.count; i++) {
        const struct oph__devrow *dev = set->devs.at[i];
        bool plugin = oph__class_is(get(reg, dev->classes, 0), "PluginBase");
        testOk(plugin || strcmp(dev->attr, "cam") == 0, "%s is a plugin", dev->attr);
    }
}

static void check_options(struct oph__classes *reg)
{
    const struct oph__class *stats = get(reg, "StatsPlugin", 0);
    const struct oph__class *circular = get(reg, "CircularBuffPlugin", 0);
    const struct oph__class *process = get(reg, "ProcessPlugin", 0);

    testOk(oph__class_row(stats, "total")->counter, "results are never put back");
    testOk(oph__class_row(stats, "sigma") == NULL, "sigma is no row since it has parts");
    testOk(oph__equal(oph__class_row(get(reg, "StatsPlugin", 2001), "sigma")->suffix, "Sigma_RBV"),
           "it was one");
    testOk1(oph__class_row(circular, "capture")->how == OPH__START);
    testOk1(oph__class_row(circular, "trigger_")->how == OPH__START);
    testOk1(oph__class_row(circular, "trigger_")->busy);
    testOk1(oph__class_row(get(reg, "PosPlugin", 0), "running")->how == OPH__START);
    testOk1(oph__class_row(get(reg, "TimeSeriesPlugin", 0), "ts_acquire")->busy);
    testOk1(oph__class_row(process, "save_background")->how == OPH__RW);
    testOk1(oph__class_row(process, "low_clip") == NULL);
    testOk1(oph__class_row(get(reg, "ProcessPlugin", 3012), "low_clip")->kind == OPH__CONFIG);
}

static size_t without_doc(const struct oph__class *cls)
{
    size_t count = !cls->doc || !*cls->doc;

    for (size_t i = 0; i < cls->rows.count; i++)
        count += !*((const struct oph__row *)cls->rows.at[i])->doc;
    return count;
}

/* All devices of the set and theirs: each row, and each device, says what it is for. */
static void check_docs(struct oph__classes *reg, const char *name)
{
    const struct oph__class *cls = get(reg, name, 0);

    testOk(without_doc(cls) == 0, "%s has docs", name);
    for (size_t i = 0; i < cls->devs.count; i++) {
        const struct oph__devrow *dev = cls->devs.at[i];
        testOk(*dev->doc, "%s.%s has a doc", name, dev->attr);
        check_docs(reg, dev->classes);
    }
}

int main(void)
{
    static const char *const outside[] = {
        "MagickPlugin", "KafkaPlugin",       "PvaPlugin",     "CommonAttrPlotPlugin",
        "PosPlugin",    "TimeSeriesNPlugin", "CCDMultiTrack", "ADPrefixes"};
    struct oph__classes *reg = NULL;
    oph_error err = OPH_ERROR_INIT;

    testPlan(0);
    if (oph__classes_new(NULL, NULL, &reg, &err)) testAbort("%s", err.text);
    for (const struct oph__class_text *c = oph__builtin_classes; c->name; c++)
        if (oph__classes_parse(reg, c->text, c->name, NULL, &err)) testAbort("%s", err.text);
    check_types(reg);
    check_options(reg);
    check_docs(reg, "CommonPlugins");
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        check_docs(reg, outside[i]);
    check_common(reg);
    oph__classes_free(reg);
    return testDone();
}
