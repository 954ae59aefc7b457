#include "sim/hdf5_plugin.h"

#include <stdint.h>
#include <stdio.h>

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

    struct sim_param *compression, *zlevel, *nbit_precision, *nbit_offset, *szip_pixels,
        *blosc_level, *blosc_shuffle, *blosc_compressor;
    struct sim_param *chunk_auto, *chunk_frames, *chunk_rows, *chunk_cols;
    struct sim_param *extra, *grid[1 + SIM_HDF5_EXTRA];
    struct sim_param *align, *align_threshold, *attribute_chunk, *fill;
    struct sim_param *swmr_mode, *swmr_running, *swmr_flushes, *flush_every, *flush_now;
    struct sim_param *store_attributes, *store_performance, *run_time, *io_speed;
};

/* A size that does not fit becomes the frame's. */
static int64_t chunk_of(struct sim_hdf5_plugin *h, struct sim_param *param, int whole)
{
    int size = sim_get_int(param);
    if (sim_get_int(h->chunk_auto)) return 0;
    if (size >= 1 && size <= whole) return size;
    sim_set_int(param, whole);
    return whole;
}

static void compression_of(const struct sim_hdf5_plugin *h, struct sim_hdf5_options *o)
{
    o->compression = sim_get_int(h->compression);
    o->zlevel = sim_get_int(h->zlevel);
    o->nbit_precision = sim_get_int(h->nbit_precision);
    o->nbit_offset = sim_get_int(h->nbit_offset);
    o->szip_pixels = sim_get_int(h->szip_pixels);
    o->blosc_level = sim_get_int(h->blosc_level);
    o->blosc_shuffle = sim_get_int(h->blosc_shuffle);
    o->blosc_compressor = sim_get_int(h->blosc_compressor);
}

static int open_hdf5(void *owner, const char *real_path, const struct sim_frame *like)
{
    struct sim_hdf5_plugin *h = owner;
    char why[256];
    h->swmr = sim_get_int(h->swmr_mode) != 0;
    double before = h->opened;
    h->opened = sim_now();
    h->bytes = 0;
    h->unflushed = 0;
    bool single = sim_get_int(h->file.mode) == SIM_FILE_SINGLE;
    if (single) sim_set_int(h->extra, 0);
    struct sim_hdf5_options options = {
        .dtype = (int)like->pixels->type,
        .rows = like->ndims > 1 ? like->rows : 0,
        .cols = like->cols,
        .chunk_frames = sim_get_int(h->chunk_frames),
        .chunk_rows = chunk_of(h, h->chunk_rows, like->rows),
        .chunk_cols = chunk_of(h, h->chunk_cols, like->cols),
        .single = single,
        .extra = sim_get_int(h->extra),
        .align = sim_get_int(h->align),
        .align_threshold = sim_get_int(h->align_threshold),
        .attribute_chunk = sim_get_int(h->attribute_chunk),
        .fill = sim_get_double(h->fill),
        .swmr = h->swmr,
        .store_attributes = sim_get_int(h->store_attributes) != 0,
        .store_performance = sim_get_int(h->store_performance) != 0,
    };
    compression_of(h, &options);
    for (int i = 0; i <= SIM_HDF5_EXTRA; i++)
        options.grid[i] = sim_get_int(h->grid[i]);
    for (int i = 0; i < 2; i++) {
        options.offset[i] = like->dim[i].offset;
        options.binning[i] = like->dim[i].binning;
        options.reverse[i] = like->dim[i].reverse;
    }
    if (sim_hdf5_create(real_path, &options, &h->hdf5, why, sizeof why) == 0) {
        sim_set_int(h->swmr_running, h->swmr);
        return 0;
    }
    errlogPrintf("%s: %s\n", real_path, why);
    if (h->file.lazy) return -1;
    sim_set_double(h->run_time, h->opened - before); /* since the last file, as measured */
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
    if (h->swmr) sim_set_int(h->swmr_flushes, sim_get_int(h->swmr_flushes) + 1);
    return 0;
}

/* After how many frames the file is flushed by itself; 0: never. A SWMR reader gets whole chunks.
 */
static int flush_interval(const struct sim_hdf5_plugin *h)
{
    int every = sim_get_int(h->flush_every), chunk = sim_get_int(h->chunk_frames);
    if (!h->swmr) return every > 0 ? every : 0;
    if (every < chunk) every = chunk;
    return every > 0 ? every : 1;
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
    int every = flush_interval(h);
    return every > 0 && h->unflushed >= every ? flush(h) : 0;
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

static bool is_of_grid(const struct sim_hdf5_plugin *h, const struct sim_param *param)
{
    for (int i = 0; i <= SIM_HDF5_EXTRA; i++)
        if (param == h->grid[i]) return true;
    return param == h->extra;
}

/* With extra dimensions a capture takes as many frames as they have places. */
static void count_places(struct sim_hdf5_plugin *h)
{
    int extra = sim_get_int(h->extra);
    double places = 1;
    if (extra <= 0 || !sim_port_is_live(h->file.plugin.port)) return;
    for (int i = 0; i <= extra && i <= SIM_HDF5_EXTRA; i++)
        places *= sim_get_int(h->grid[i]);
    if (places >= 1 && places <= INT32_MAX) sim_set_int(h->file.num_capture, (int32_t)places);
}

static void written(void *owner, struct sim_param *param)
{
    struct sim_hdf5_plugin *h = owner;
    if (param == h->compression && !sim_hdf5_can(sim_get_int(param))) {
        sim_set_int(param, SIM_NONE);
    } else if (param == h->flush_now) {
        if (h->hdf5 && h->swmr) flush(h);
        sim_set_int(param, 0);
    } else if (is_of_grid(h, param)) {
        count_places(h);
    }
}

static const struct sim_format_ops format = {
    .open = open_hdf5, .append = append, .close = close_hdf5, .written = written};

static void find_params(struct sim_hdf5_plugin *h, struct sim_port *port)
{
    static const char grid[] = "NXY3456789";
    const struct {
        struct sim_param **param;
        const char *name;
    } params[] = {
        {&h->compression, "HDF5_compressionType"},
        {&h->zlevel, "HDF5_zCompressLevel"},
        {&h->nbit_precision, "HDF5_nbitsPrecision"},
        {&h->nbit_offset, "HDF5_nbitsOffset"},
        {&h->szip_pixels, "HDF5_szipNumPixels"},
        {&h->blosc_level, "HDF5_bloscCompressLevel"},
        {&h->blosc_shuffle, "HDF5_bloscShuffleType"},
        {&h->blosc_compressor, "HDF5_bloscCompressor"},
        {&h->chunk_auto, "HDF5_chunkSizeAuto"},
        {&h->chunk_frames, "HDF5_nFramesChunks"},
        {&h->chunk_rows, "HDF5_nRowChunks"},
        {&h->chunk_cols, "HDF5_nColChunks"},
        {&h->extra, "HDF5_nExtraDims"},
        {&h->align, "HDF5_chunkBoundaryAlign"},
        {&h->align_threshold, "HDF5_chunkBoundaryThreshold"},
        {&h->attribute_chunk, "HDF5_NDAttributeChunk"},
        {&h->swmr_mode, "HDF5_SWMRMode"},
        {&h->swmr_running, "HDF5_SWMRRunning"},
        {&h->swmr_flushes, "HDF5_SWMRCbCounter"},
        {&h->flush_every, "HDF5_flushNthFrame"},
        {&h->flush_now, "HDF5_SWMRFlushNow"},
        {&h->store_attributes, "HDF5_storeAttributes"},
        {&h->store_performance, "HDF5_storePerformance"},
    };
    for (size_t i = 0; i < sizeof params / sizeof *params; i++)
        *params[i].param = sim_port_param(port, params[i].name, SIM_INT);
    for (int i = 0; i <= SIM_HDF5_EXTRA; i++) {
        char name[24];
        snprintf(name, sizeof name, "HDF5_extraDimSize%c", grid[i]);
        h->grid[i] = sim_port_param(port, name, SIM_INT);
    }
    h->fill = sim_port_param(port, "HDF5_fillValue", SIM_DOUBLE);
    h->run_time = sim_port_param(port, "HDF5_totalRuntime", SIM_DOUBLE);
    h->io_speed = sim_port_param(port, "HDF5_totalIoSpeed", SIM_DOUBLE);
}

struct sim_hdf5_plugin *sim_hdf5_plugin_new(const char *port_name)
{
    struct sim_hdf5_plugin *h = callocMustSucceed(1, sizeof *h, "sim_hdf5_plugin_new");
    sim_file_plugin_init(&h->file, port_name, &format, h);
    find_params(h, h->file.plugin.port);
    return h;
}

void sim_hdf5_plugin_stop(struct sim_hdf5_plugin *h)
{
    sim_file_plugin_stop(&h->file);
}
