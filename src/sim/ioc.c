#include "sim/ioc.h"

#include <stdio.h>
#include <string.h>

#include <callback.h>
#include <dbAccess.h>
#include <epicsEvent.h>
#include <iocInit.h>

#include "sim/camera.h"
#include "sim/circular.h"
#include "sim/control.h"
#include "sim/data.h"
#include "sim/database.h"
#include "sim/hdf5_plugin.h"
#include "sim/motor_record.h"
#include "sim/passive_plugin.h"
#include "sim/path.h"
#include "sim/port.h"
#include "sim/release.h"
#include "sim/roi.h"
#include "sim/simdetector.h"
#include "sim/stats.h"
#include "sim/std_arrays.h"
#include "sim/table.h"
#include "sim/tiff_plugin.h"

enum { QUEUED_CALLBACKS = 20000 }; /* a full queue would lose the end of a put */

/* Of EPICS Base, whose headers have it not. */
extern int dbThreadRealtimeLock;

static struct sim_hdf5_plugin *hdf5;

static void new_hdf5(const char *port_name)
{
    hdf5 = sim_hdf5_plugin_new(port_name);
}

/* Without a source a plugin takes the camera's frames. */
struct device {
    const char *name, *template_name, *port;
    int queue;
    const char *source;
    void (*new)(const char *port_name);
};

static const struct device cameras[] = {
    [SIM_PILATUS] = {.name = "cam1:", .template_name = "pilatus", .port = "PIL"},
    [SIM_SIMDETECTOR] = {.name = "cam1:", .template_name = "simDetector", .port = "SIM1"},
};

static const struct device plugins[] = {
    {"image1:", "NDStdArrays", "Image1", 5, NULL, sim_std_arrays_new},
    {"HDF1:", "NDFileHDF5", "FileHDF1", 20, NULL, new_hdf5},
    {"TIFF1:", "NDFileTIFF", "FileTIFF1", 20, NULL, sim_tiff_plugin_new},
    {"ROI1:", "NDROI", "ROI1", 20, NULL, sim_roi_new},
    {"Stats1:", "NDStats", "STATS1", 20, "ROI1", sim_stats_new},
    {"Proc1:", "NDProcess", "PROC1", 20, NULL, sim_passive_plugin_new},
    {"Trans1:", "NDTransform", "TRANS1", 20, NULL, sim_passive_plugin_new},
    {"Over1:", "NDOverlay", "OVER1", 20, NULL, sim_passive_plugin_new},
    {"Codec1:", "NDCodec", "CODEC1", 20, NULL, sim_passive_plugin_new},
    {"CB1:", "NDCircularBuff", "CB1", 20, NULL, sim_circular_new},
};
enum { PLUGINS = sizeof plugins / sizeof *plugins };

/* Those of one run, the camera first. */
struct devices {
    int count;
    const struct device *list[1 + PLUGINS];
};

static void choose(struct devices *ret, const struct sim_options *o,
                   const struct sim_release *release)
{
    ret->count = 0;
    ret->list[ret->count++] = &cameras[o->class];
    for (int i = 0; i < PLUGINS; i++)
        if (sim_release_has_template(release, plugins[i].template_name))
            ret->list[ret->count++] = &plugins[i];
}

static int load(const struct device *device, const char *source, const struct sim_options *o,
                const struct sim_release *release, char *why, size_t why_size)
{
    char macros[512];
    snprintf(macros, sizeof macros,
             "P=%s,R=%s,PORT=%s,NDARRAY_PORT=%s,QUEUE=%d,COLS=%d,ROWS=%d,NELEMENTS=%d,"
             "TYPE=Int32,FTVL=LONG,EXPOSURE=%.9g,XSIZE=%d,YSIZE=%d,HIST_SIZE=256,NCHANS=2048",
             o->prefix, device->name, device->port, source, device->queue, o->cols, o->rows,
             o->cols * o->rows, o->exposure, o->cols, o->rows);
    return sim_database_load(device->template_name, macros, release, why, why_size);
}

struct report {
    struct sim_port *port;
    char version[8]; /* of ADCore */
};

/* One template's part of what a driver reports after boot. */
static void report(const char *template_name, void *user)
{
    const struct report *r = user;
    struct sim_row row;
    const char *next = sim_table_rows(sim_data_boot);
    while ((next = sim_table_next(next, &row)))
        if (strcmp(row.cell[0], template_name) == 0)
            sim_set_parsed(sim_port_param(r->port, row.cell[1], SIM_TEXT),
                           strcmp(row.cell[2], "$(AD)") == 0 ? r->version : row.cell[2]);
}

static void signal_event(epicsCallback *callback)
{
    epicsEventId event = NULL;
    callbackGetUser(event, callback);
    epicsEventSignal(event);
}

/* Until the records have processed all that was published before. */
static void wait_for_records(void)
{
    epicsEventId event = epicsEventMustCreate(epicsEventEmpty);
    epicsCallback callback;
    memset(&callback, 0, sizeof callback);
    callbackSetCallback(signal_event, &callback);
    callbackSetPriority(priorityLow, &callback);
    callbackSetUser(event, &callback);
    callbackRequest(&callback);
    epicsEventMustWait(event);
    epicsEventDestroy(event);
}

static void put_text(const char *prefix, const char *name, const char *text)
{
    char full[64];
    struct dbAddr address;
    snprintf(full, sizeof full, "%scam1:%s", prefix, name);
    if (dbNameToAddr(full, &address) == 0)
        dbPutField(&address, DBR_CHAR, text, (long)strlen(text) + 1);
}

static void set_raw(const struct sim_options *o)
{
    sim_path_create(o->raw, 1);
    put_text(o->prefix, "FilePath", o->raw);
    put_text(o->prefix, "FileName", "raw");
    put_text(o->prefix, "FileTemplate", "%s%s_%4.4d.tif");
    sim_port_drain(sim_port_find(cameras[SIM_PILATUS].port));
}

/* Makes the drivers and loads their records. */
static int make(struct devices *ret, const struct sim_options *o, char *why, size_t why_size)
{
    struct sim_release *release = sim_release_new(o->ad);
    const char *camera = cameras[o->class].port;
    int rc = 0;
    choose(ret, o, release);
    if (o->class == SIM_SIMDETECTOR)
        sim_simdetector_new(camera, o);
    else
        sim_camera_new(camera, o);
    for (int i = 1; i < ret->count; i++)
        ret->list[i]->new (ret->list[i]->port);
    for (int i = 0; i < ret->count && rc == 0; i++) {
        const char *source = ret->list[i]->source;
        rc = load(ret->list[i], source ? source : camera, o, release, why, why_size);
    }
    sim_release_free(release);
    return rc;
}

int sim_ioc_start(const struct sim_options *o, char *why, size_t why_size)
{
    struct devices devices;
    if (sim_database_start(why, why_size) != 0 || make(&devices, o, why, why_size) != 0 ||
        sim_motor_load(o, why, why_size) != 0 || sim_control_load(o, why, why_size) != 0)
        return -1;
    callbackSetQueueSize(QUEUED_CALLBACKS);
    dbThreadRealtimeLock = 0; /* with each thread's whole stack in memory it takes 270 MB, not 20 */
    if (iocInit() != 0) {
        snprintf(why, why_size, "EPICS Base did not start the IOC (see --verbose)");
        return -1;
    }
    /* First the records' own values go out, then come the drivers' reports, as on a real IOC. */
    for (int i = 0; i < devices.count; i++)
        sim_port_drain(sim_port_find(devices.list[i]->port));
    for (int i = 0; i < devices.count; i++) {
        struct report r = {.port = sim_port_find(devices.list[i]->port)};
        snprintf(r.version, sizeof r.version, "3.%d.0", o->ad);
        sim_template_walk(devices.list[i]->template_name, report, &r);
        sim_port_go_live(r.port);
    }
    if (o->raw[0] && o->class == SIM_PILATUS) set_raw(o);
    sim_control_start();
    wait_for_records();
    return 0;
}

void sim_ioc_stop(void)
{
    sim_hdf5_plugin_stop(hdf5);
}
