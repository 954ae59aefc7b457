#include "lib/facts.h"

#include "base/str.h"
#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

const char *const facts_releases[FACTS_RELEASES] = {
    "2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6",  "3.0",  "3.1",  "3.2",  "3.3",
    "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"};

const struct facts_source facts_classes[FACTS_CLASSES] = {
    {"CamBase", {"ADBase"}},
    {"PluginBase", {"NDPluginBase"}},
    {"ImagePlugin", {"NDStdArrays", "NDPluginBase"}},
    {"FileBase", {"NDFile"}},
    {"FilePlugin", {"NDFile", "NDPluginBase"}},
    {"HDF5Plugin", {"NDFileHDF5", "NDFile", "NDPluginBase"}},
    {"TIFFPlugin", {"NDFileTIFF", "NDFile", "NDPluginBase"}},
    {"CircularBuffPlugin", {"NDCircularBuff", "NDPluginBase"}},
    {"PilatusDetectorCam", {"pilatus", "ADBase", "NDFile"}},
    {"SimDetectorCam", {"simDetector", "ADBase"}},
    {"PvaDetectorCam", {"pvaDriver", "ADBase"}},
    {"JPEGPlugin", {"NDFileJPEG", "NDFile", "NDPluginBase"}},
    {"NetCDFPlugin", {"NDFileNetCDF", "NDFile", "NDPluginBase"}},
    {"NexusPlugin", {"NDFileNexus", "NDFile", "NDPluginBase"}},
    {"MagickPlugin", {"NDFileMagick", "NDFile", "NDPluginBase"}},
    {"ROIPlugin", {"NDROI", "NDPluginBase"}},
    {"ProcessPlugin", {"NDProcess", "NDPluginBase"}},
    {"TransformPlugin", {"NDTransform", "NDPluginBase"}},
    {"Overlay", {"NDOverlayN"}},
    {"OverlayPlugin", {"NDOverlay", "NDPluginBase"}},
    {"ColorConvPlugin", {"NDColorConvert", "NDPluginBase"}},
    {"BadPixelPlugin", {"NDBadPixel", "NDPluginBase"}},
    {"CodecPlugin", {"NDCodec", "NDPluginBase"}},
    {"StatsPlugin", {"NDStats", "NDPluginBase"}},
    {"ROIStatPlugin", {"NDROIStat", "NDPluginBase"}},
    {"ROIStatNPlugin", {"NDROIStatN"}},
    {"AttributePlugin", {"NDAttribute", "NDPluginBase"}},
    {"AttributeNPlugin", {"NDAttributeN"}},
    {"TimeSeriesPlugin", {"NDTimeSeries", "NDPluginBase"}},
    {"TimeSeriesNPlugin", {"NDTimeSeriesN"}},
    {"FFTPlugin", {"NDFFT", "NDPluginBase"}},
    {"AttrPlotPlugin", {"NDAttrPlot", "NDPluginBase"}},
    {"AttrPlotX", {"NDAttrPlotDataX"}},
    {"AttrPlotY", {"NDAttrPlotDataY"}},
    {"CommonAttrPlotPlugin", {"NDAttrPlotAttr", "NDAttrPlot", "NDPluginBase"}},
    {"ScatterPlugin", {"NDScatter", "NDPluginBase"}},
    {"GatherPlugin", {"NDPluginBase"}}, /* NDGather adds no record */
    {"CommonGatherPlugin", {"NDGatherN", "NDPluginBase"}},
    {"PosPlugin", {"NDPosPlugin", "NDPluginBase"}},
    {"PvaPlugin", {"NDPva", "NDPluginBase"}},
    {"CCDMultiTrack", {"CCDMultiTrack"}},
    {"ADPrefixes", {"ADPrefixes"}},
};

struct facts facts_load(const char *path)
{
    struct facts t = {0};
    char text[400];
    FILE *in = fopen(path, "r");

    if (!in) testAbort("cannot open %s", path);
    while (fgets(text, sizeof text, in)) {
        text[strcspn(text, "\r\n")] = '\0';
        if (*text == '#') continue;
        t.lines = realloc(t.lines, (t.count + 1) * sizeof *t.lines);
        char *copy = oph__dup(text);
        if (!t.lines || !copy) testAbort("no memory");
        struct fact *line = &t.lines[t.count++];
        for (int i = 0; i < FACTS_FIELDS; i++) {
            line->field[i] = copy;
            copy += strcspn(copy, ",");
            if (*copy) *copy++ = '\0';
        }
    }
    fclose(in);
    return t;
}

void facts_unload(struct facts *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->lines[i].field[0]);
    free(t->lines);
}

bool facts_in_release(const struct fact *line, int version)
{
    return oph__version_parse(line->field[3]) <= version &&
           version <= oph__version_parse(line->field[4]);
}

int facts_newest(const struct facts *records, size_t cls, int version)
{
    int newest = 0;

    for (size_t i = 0; i < records->count; i++) {
        const struct fact *line = &records->lines[i];
        int last = oph__version_parse(line->field[4]);
        if (strcmp(line->field[0], facts_classes[cls].templates[0]) != 0) continue;
        if (facts_in_release(line, version)) return version;
        if (last < version && last > newest) newest = last;
    }
    return newest;
}

const struct oph__class *facts_get(struct oph__classes *reg, const char *name, int version)
{
    const struct oph__class *cls = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph__classes_get(reg, name, version, &cls, &err)) testAbort("%s", err.text);
    return cls;
}

bool facts_has_readback(const struct oph__row *row)
{
    return row->how == OPH__RBV || row->how == OPH__PATH || row->how == OPH__START;
}
