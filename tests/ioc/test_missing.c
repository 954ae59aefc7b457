/* Plugins that the IOC has and the device does not declare. */
#include "lib/detector.h"

#include "base/clock.h"
#include <epicsUnitTest.h>
#include <string.h>

static struct detector d;

static oph_plugins *missing(oph_device *dev, size_t wanted)
{
    oph_error err = OPH_ERROR_INIT;
    oph_plugins *plugins = NULL;
    double start = oph__now();
    check_done(oph_missing_plugins(dev, OPH_DEFAULT, &plugins, &err), &err,
               "the plugins are asked");
    size_t count = oph_plugins_count(plugins);
    testOk(count == wanted, "%zu are missing, wanted %zu", count, wanted);
    for (size_t i = 0; i < count; i++) {
        const oph_plugin *p = oph_plugins_at(plugins, i);
        testDiag("port '%s', prefix '%s', type '%s', class '%s'", p->port, p->prefix, p->type,
                 p->class_name);
    }
    testOk(oph_plugins_at(plugins, count) == NULL, "there is nothing behind the last");
    testOk(oph__now() - start < 3, "it took %.2f s", oph__now() - start);
    return plugins;
}

static void listed(const oph_plugins *plugins, const char *port, const char *prefix,
                   const char *type, const char *class_name)
{
    int found = 0;
    for (size_t i = 0; i < oph_plugins_count(plugins); i++) {
        const oph_plugin *p = oph_plugins_at(plugins, i);
        found += strcmp(p->port, port) == 0 && strcmp(p->prefix, prefix) == 0 &&
                 strncmp(p->type, type, strlen(type)) == 0 && (*type || !p->type[0]) &&
                 strcmp(p->class_name, class_name) == 0;
    }
    testOk(found == 1, "port %s at '%s' of type %s is to be declared as '%s'", port, prefix, type,
           class_name);
}

/* Those that no device here declares. For all but one no class is built in. */
enum { OTHERS = 8 };

static void others_listed(const oph_plugins *plugins)
{
    listed(plugins, "FileTIFF1", "Pilatus:TIFF1:", "NDFileTIFF", "");
    listed(plugins, "ROI1", "Pilatus:ROI1:", "NDPluginROI", "");
    listed(plugins, "STATS1", "Pilatus:Stats1:", "NDPluginStats", "");
    listed(plugins, "PROC1", "Pilatus:Proc1:", "NDPluginProcess", "");
    listed(plugins, "TRANS1", "Pilatus:Trans1:", "NDPluginTransform", "");
    listed(plugins, "OVER1", "Pilatus:Over1:", "NDPluginOverlay", "");
    listed(plugins, "CODEC1", "Pilatus:Codec1:", "NDPluginCodec", "");
    listed(plugins, "CB1", "Pilatus:CB1:", "NDPluginCircularBuff", "CircularBuffPlugin");
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_device *alone = NULL;
    testPlan(0);
    detector_start(&d, NULL, NULL);
    oph_plugins *plugins = missing(d.det, OTHERS);
    others_listed(plugins);
    oph_plugins_free(plugins);
    oph_plugins_free(missing(d.cam, OTHERS));
    check_done(oph_device_new(d.ctx, "PilatusDetector", "Pilatus:", "alone", &alone, &err), &err,
               "a camera alone");
    plugins = missing(alone, 2 + OTHERS);
    listed(plugins, "Image1", "Pilatus:image1:", "NDPluginStdArrays", "ImagePlugin");
    listed(plugins, "FileHDF1", "Pilatus:HDF1:", "NDFileHDF5", "HDF5Plugin");
    oph_plugins_free(plugins);
    oph_device_free(alone);
    testOk(probe_put_complete(d.probe, "HDF1:NDArrayPort", "CC7", 5) == 0,
           "the writer takes its frames from a port that nobody knows");
    plugins = missing(d.det, 1 + OTHERS);
    listed(plugins, "CC7", "", "", "");
    oph_plugins_free(plugins);
    testOk(oph_plugins_count(NULL) == 0, "no list is an empty one");
    detector_end(&d);
    return testDone();
}
