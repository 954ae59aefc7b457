#include "sim/hdf5_plugin.h"

#include <cantProceed.h>
#include <errlog.h>

#include "sim/clock.h"
#include "sim/file_plugin.h"
#include "sim/hdf5_file.h"

struct sim_hdf5_plugin {
    struct sim_file_plugin file;
    struct sim_hdf5 *hdf5;
    bool swmr;
    double opened, bytes;
    int unflushed;

    struct sim_param *compression, *zlevel, *chunk_auto, *chunk_frames, *chunk_rows, *chunk_cols,
        *swmr_mode, *swmr_running, *swmr_flushes, *flush_every, *flush_now, *store_attributes,
        *run_time, *io_speed;
};

static int open_hdf5(void *owner, const char *real_path, const struct sim_frame *like)
{
    struct sim_hdf5_plugin *h = owner;
    char why[256];
    bool auto_chunk = sim_get_int(h->chunk_auto) != 0;
    h->swmr = sim_get_int(h->swmr_mode) != 0;
    h->opened = sim_now();
    h->bytes = 0;
    h->unflushed = 0;
    const struct sim_hdf5_options options = {
        .dtype = (int)like->pixels->type,
        .rows = like->rows,
        .cols = like->cols,
        .chunk_frames = sim_get_int(h->chunk_frames),
        .chunk_rows = auto_chunk ? 0 : sim_get_int(h->chunk_rows),
        .chunk_cols = auto_chunk ? 0 : sim_get_int(h->chunk_cols),
        .compression = sim_get_int(h->compression),
        .zlevel = sim_get_int(h->zlevel),
        .swmr = h->swmr,
        .store_attributes = sim_get_int(h->store_attributes) != 0,
    };
    if (sim_hdf5_create(real_path, &options, &h->hdf5, why, sizeof why) == 0) {
        sim_set_int(h->swmr_running, h->swmr);
        return 0;
    }
    errlogPrintf("%s: %s\n", real_path, why);
    sim_set_double(h->io_speed, 0);
    return -1;
}

static int flush(struct sim_hdf5_plugin *h)
{
    char why[256];
    h->unflushed = 0;
    if (sim_hdf5_flush(h->hdf5, why, sizeof why) != 0) {
        errlogPrintf("%s: %s\n", h->file.full, why);
        return -1;
    }
    sim_set_int(h->swmr_flushes, sim_get_int(h->swmr_flushes) + 1);
    return 0;
}

static int append(void *owner, const struct sim_frame *frame)
{
    struct sim_hdf5_plugin *h = owner;
    char why[256];
    const struct sim_hdf5_frame given = {
        .pixels = sim_array_data(frame->pixels),
        .unique_id = frame->unique_id,
        .timestamp = frame->timestamp,
        .epics_sec = frame->epics_sec,
        .epics_nsec = frame->epics_nsec,
    };
    if (sim_hdf5_append(h->hdf5, &given, why, sizeof why) != 0) {
        errlogPrintf("%s: %s\n", h->file.full, why);
        return -1;
    }
    h->bytes += (double)sim_array_bytes(frame->pixels);
    h->unflushed++;
    if (!h->swmr || h->unflushed < sim_get_int(h->flush_every)) return 0;
    return flush(h);
}

static int close_hdf5(void *owner)
{
    struct sim_hdf5_plugin *h = owner;
    char why[256];
    int rc = sim_hdf5_close(h->hdf5, why, sizeof why);
    double seconds = sim_now() - h->opened;
    h->hdf5 = NULL;
    if (rc != 0) errlogPrintf("%s: %s\n", h->file.full, why);
    sim_set_int(h->swmr_running, 0);
    sim_set_double(h->run_time, seconds);
    sim_set_double(h->io_speed, seconds > 0 ? h->bytes * 8e-6 / seconds : 0);
    return rc;
}

static void written(void *owner, struct sim_param *param)
{
    struct sim_hdf5_plugin *h = owner;
    if (param == h->compression && !sim_hdf5_can(sim_get_int(param))) {
        sim_set_int(param, SIM_NONE);
    } else if (param == h->flush_now) {
        if (h->hdf5) flush(h);
        sim_set_int(param, 0);
    }
}

static const struct sim_format_ops format = {
    .open = open_hdf5, .append = append, .close = close_hdf5, .written = written};

struct sim_hdf5_plugin *sim_hdf5_plugin_new(const char *port_name)
{
    struct sim_hdf5_plugin *h = callocMustSucceed(1, sizeof *h, "sim_hdf5_plugin_new");
    sim_file_plugin_init(&h->file, port_name, &format, h);
    struct sim_port *port = h->file.plugin.port;
    h->compression = sim_port_param(port, "HDF5_compressionType", SIM_INT);
    h->zlevel = sim_port_param(port, "HDF5_zCompressLevel", SIM_INT);
    h->chunk_auto = sim_port_param(port, "HDF5_chunkSizeAuto", SIM_INT);
    h->chunk_frames = sim_port_param(port, "HDF5_nFramesChunks", SIM_INT);
    h->chunk_rows = sim_port_param(port, "HDF5_nRowChunks", SIM_INT);
    h->chunk_cols = sim_port_param(port, "HDF5_nColChunks", SIM_INT);
    h->swmr_mode = sim_port_param(port, "HDF5_SWMRMode", SIM_INT);
    h->swmr_running = sim_port_param(port, "HDF5_SWMRRunning", SIM_INT);
    h->swmr_flushes = sim_port_param(port, "HDF5_SWMRCbCounter", SIM_INT);
    h->flush_every = sim_port_param(port, "HDF5_flushNthFrame", SIM_INT);
    h->flush_now = sim_port_param(port, "HDF5_SWMRFlushNow", SIM_INT);
    h->store_attributes = sim_port_param(port, "HDF5_storeAttributes", SIM_INT);
    h->run_time = sim_port_param(port, "HDF5_totalRuntime", SIM_DOUBLE);
    h->io_speed = sim_port_param(port, "HDF5_totalIoSpeed", SIM_DOUBLE);
    return h;
}

void sim_hdf5_plugin_stop(struct sim_hdf5_plugin *h)
{
    sim_file_plugin_stop(&h->file);
}
