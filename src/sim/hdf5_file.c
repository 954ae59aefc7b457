#include "sim/hdf5_file.h"

#include "sim/hdf5_filters.h"
#include "sim/hdf5_layout.h"

#include <hdf5.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ATTRIBUTES = 4, ATTRIBUTE_CHUNK = 16, PERFORMANCE = 5 };

struct sim_hdf5 {
    hid_t file;
    hid_t type; /* of pixels in memory; predefined */
    hid_t data;
    hid_t attributes[ATTRIBUTES]; /* 0 where they are not stored */
    hid_t performance;            /* 0 where it is not stored */
    int rank, grid_rank;          /* of data, and of the dimensions that are not a frame's own */
    hsize_t size[SIM_HDF5_DIMS];  /* of one frame in it: 1 in each dimension of the grid */
    hsize_t grid[SIM_HDF5_DIMS];  /* slowest first; 0: without end */
    hsize_t extent[SIM_HDF5_DIMS];
    hsize_t frames;
    double opened, last; /* seconds of the monotonic clock */
};

/* libhdf5 need not be thread-safe. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int fail(char *why, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(char *why, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, size, format, args);
    va_end(args);
    return -1;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* --- One value a frame */

static const struct {
    const char *name;
    const char *description;
} attribute_names[ATTRIBUTES] = {
    {"NDArrayUniqueId", "The unique ID of the NDArray"},
    {"NDArrayTimeStamp", "The timestamp of the NDArray as float64"},
    {"NDArrayEpicsTSSec", "The NDArray EPICS timestamp seconds past epoch"},
    {"NDArrayEpicsTSnSec", "The NDArray EPICS timestamp nanoseconds"},
};

static hid_t attribute_type(int which)
{
    return which == 0 ? H5T_NATIVE_INT32 : which == 1 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_UINT32;
}

static hid_t add_attribute(hid_t file, int which, int chunk)
{
    const char *name = attribute_names[which].name;
    hid_t dataset =
        sim_hdf5_add_rows(file, "/entry/instrument/NDAttributes", name, attribute_type(which), 0,
                          chunk > 0 ? (hsize_t)chunk : ATTRIBUTE_CHUNK);

    if (dataset < 0) return -1;
    if (sim_hdf5_add_text(dataset, "NDAttrName", name) &&
        sim_hdf5_add_text(dataset, "NDAttrDescription", attribute_names[which].description) &&
        sim_hdf5_add_text(dataset, "NDAttrSourceType", "NDAttrSourceDriver") &&
        sim_hdf5_add_text(dataset, "NDAttrSource", "Driver"))
        return dataset;
    H5Dclose(dataset);
    return -1;
}

/* --- Pixels */

static hid_t pixel_type(int dtype)
{
    switch (dtype) {
    case 0: return H5T_NATIVE_INT8;
    case 1: return H5T_NATIVE_UINT8;
    case 2: return H5T_NATIVE_INT16;
    case 3: return H5T_NATIVE_UINT16;
    case 4: return H5T_NATIVE_INT32;
    case 5: return H5T_NATIVE_UINT32;
    case 6: return H5T_NATIVE_INT64;
    case 7: return H5T_NATIVE_UINT64;
    case 8: return H5T_NATIVE_FLOAT;
    case 9: return H5T_NATIVE_DOUBLE;
    default: return -1;
    }
}

static hsize_t chunk_of(int64_t wanted, hsize_t whole)
{
    return wanted > 0 ? (hsize_t)wanted : whole;
}

static hid_t data_plist(const struct sim_hdf5 *f, const struct sim_hdf5_options *o, hid_t type)
{
    hsize_t chunk[SIM_HDF5_DIMS];
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);

    for (int i = 0; i < f->grid_rank; i++)
        chunk[i] = 1;
    if (!o->single) chunk[f->grid_rank - 1] = chunk_of(o->chunk_frames, 1);
    if (o->rows > 0) chunk[f->rank - 2] = chunk_of(o->chunk_rows, f->size[f->rank - 2]);
    chunk[f->rank - 1] = chunk_of(o->chunk_cols, f->size[f->rank - 1]);
    if (H5Pset_chunk(plist, f->rank, chunk) >= 0 && sim_hdf5_add_filter(o, type, plist) &&
        H5Pset_fill_value(plist, H5T_NATIVE_DOUBLE, &o->fill) >= 0)
        return plist;
    H5Pclose(plist);
    return -1;
}

static bool describe_data(hid_t data, const struct sim_hdf5_options *o)
{
    static const int one = 1;
    const int dims = o->rows > 0 ? 2 : 1;

    return sim_hdf5_add_text(data, "NX_class", "SDS") &&
           sim_hdf5_add_ints(data, "signal", 1, &one) &&
           sim_hdf5_add_ints(data, "NDArrayNumDims", 1, &dims) &&
           sim_hdf5_add_ints(data, "NDArrayDimOffset", (hsize_t)dims, o->offset) &&
           sim_hdf5_add_ints(data, "NDArrayDimBinning", (hsize_t)dims, o->binning) &&
           sim_hdf5_add_ints(data, "NDArrayDimReverse", (hsize_t)dims, o->reverse);
}

/* The sizes of the dataset. As NDFileHDF5: it begins with one frame, which is never written when
 * the capture ends without any. */
static hid_t data_space(struct sim_hdf5 *f, const struct sim_hdf5_options *o)
{
    hsize_t most[SIM_HDF5_DIMS];

    f->grid_rank = o->single ? 0 : 1 + (o->extra > 0 ? o->extra : 0);
    for (int i = 0; i < f->grid_rank; i++) {
        f->size[i] = f->extent[i] = 1;
        f->grid[i] = o->extra > 0 ? (hsize_t)o->grid[f->grid_rank - 1 - i] : 0;
        most[i] = H5S_UNLIMITED;
    }
    f->rank = f->grid_rank;
    if (o->rows > 0) f->size[f->rank++] = (hsize_t)o->rows;
    f->size[f->rank++] = (hsize_t)o->cols;
    for (int i = f->grid_rank; i < f->rank; i++)
        most[i] = f->extent[i] = f->size[i];
    return H5Screate_simple(f->rank, f->extent, most);
}

static bool add_data(struct sim_hdf5 *f, const struct sim_hdf5_options *o)
{
    const char *path = "/entry/instrument/detector/data";
    hid_t space = data_space(f, o), type = H5Tcopy(f->type);
    hid_t plist = space < 0 ? -1 : data_plist(f, o, type);

    if (plist >= 0)
        f->data = H5Dcreate2(f->file, path, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (space >= 0) H5Sclose(space);
    if (plist >= 0) H5Pclose(plist);
    H5Tclose(type);
    return f->data > 0 && describe_data(f->data, o) &&
           H5Lcreate_hard(f->file, path, f->file, "/entry/data/data", H5P_DEFAULT, H5P_DEFAULT) >=
               0;
}

/* --- Create */

/* From 1.14.4 on libhdf5 wants to be asked for types that use fewer than half of their bits. */
static void allow_few_bits(hid_t access)
{
#if H5_VERSION_GE(1, 14, 4)
    H5Pset_relax_file_integrity_checks(access, H5F_RFIC_UNUSUAL_NUM_UNUSED_NUMERIC_BITS);
#else
    (void)access;
#endif
}

static hid_t create_file(const char *path, const struct sim_hdf5_options *o)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file;

    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    allow_few_bits(access);
    if (o->swmr) H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    if (o->align > 0)
        H5Pset_alignment(access, (hsize_t)(o->align_threshold > 0 ? o->align_threshold : 0),
                         (hsize_t)o->align);
    file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    return file;
}

static int create(struct sim_hdf5 *f, const char *path, const struct sim_hdf5_options *o, char *why,
                  size_t why_size)
{
    f->type = pixel_type(o->dtype);
    if (f->type < 0 || o->rows < 0 || o->cols <= 0)
        return fail(why, why_size, "wanted frames of NDDataType 0 to 9, found type %d, %lld x %lld",
                    o->dtype, (long long)o->rows, (long long)o->cols);
    if (o->extra > SIM_HDF5_EXTRA)
        return fail(why, why_size, "wanted at most %d extra dimensions, found %d", SIM_HDF5_EXTRA,
                    o->extra);
    for (int i = 0; o->extra > 0 && i <= o->extra; i++)
        if (o->grid[i] <= 0)
            return fail(why, why_size, "wanted extra dimensions from size 1 on, found %lld",
                        (long long)o->grid[i]);
    f->file = create_file(path, o);
    if (f->file < 0) return fail(why, why_size, "cannot create %s", path);
    if (!sim_hdf5_add_groups(f->file) || !add_data(f, o))
        return fail(why, why_size, "cannot create the dataset in %s", path);
    for (int i = 0; o->store_attributes && i < ATTRIBUTES; i++) {
        f->attributes[i] = add_attribute(f->file, i, o->attribute_chunk);
        if (f->attributes[i] < 0)
            return fail(why, why_size, "cannot create %s in %s", attribute_names[i].name, path);
    }
    if (o->store_performance) {
        f->performance = sim_hdf5_add_rows(f->file, "/entry/instrument/performance", "timestamp",
                                           H5T_NATIVE_DOUBLE, PERFORMANCE, ATTRIBUTE_CHUNK);
        if (f->performance < 0)
            return fail(why, why_size, "cannot create the performance dataset in %s", path);
    }
    f->opened = f->last = now();
    if (o->swmr && H5Fstart_swmr_write(f->file) < 0)
        return fail(why, why_size, "cannot start SWMR in %s", path);
    return 0;
}

int sim_hdf5_create(const char *path, const struct sim_hdf5_options *options, struct sim_hdf5 **ret,
                    char *why, size_t why_size)
{
    int rc;

    if (!sim_hdf5_can(options->compression))
        return fail(why, why_size, "this simulator cannot write compression %d",
                    options->compression);
    struct sim_hdf5 *f = calloc(1, sizeof *f);
    if (!f) return fail(why, why_size, "no memory for %s", path);
    pthread_mutex_lock(&lock);
    H5E_BEGIN_TRY
    {
        rc = create(f, path, options, why, why_size);
        if (rc && f->file > 0) H5Fclose(f->file);
    }
    H5E_END_TRY;
    pthread_mutex_unlock(&lock);
    if (rc)
        free(f);
    else
        *ret = f;
    return rc;
}

/* --- Append, flush, close */

/* Puts one element of `size` at `from` into a dataset, which then has `all`. */
static bool put_at(hid_t dataset, int rank, const hsize_t *size, const hsize_t *from,
                   const hsize_t *all, hid_t type, const void *value)
{
    bool ok = H5Dset_extent(dataset, all) >= 0;
    hid_t in_memory = H5Screate_simple(rank, size, NULL), in_file = H5Dget_space(dataset);

    ok = ok && H5Sselect_hyperslab(in_file, H5S_SELECT_SET, from, NULL, size, NULL) >= 0 &&
         H5Dwrite(dataset, type, in_memory, in_file, H5P_DEFAULT, value) >= 0;
    H5Sclose(in_memory);
    H5Sclose(in_file);
    return ok;
}

/* One more row behind the `frames` that there are. */
static bool put_row(hid_t dataset, hsize_t columns, hsize_t frames, hid_t type, const void *value)
{
    const hsize_t size[2] = {1, columns}, from[2] = {frames, 0}, all[2] = {frames + 1, columns};

    return put_at(dataset, columns ? 2 : 1, size, from, all, type, value);
}

/* Where the next frame belongs. False: the grid is full. */
static bool next_place(const struct sim_hdf5 *f, hsize_t from[SIM_HDF5_DIMS])
{
    hsize_t rest = f->frames;

    for (int i = 0; i < f->rank; i++)
        from[i] = 0;
    for (int i = f->grid_rank - 1; i >= 0; i--) {
        from[i] = f->grid[i] ? rest % f->grid[i] : rest;
        rest = f->grid[i] ? rest / f->grid[i] : 0;
    }
    return rest == 0;
}

/* As NDFileHDF5 notes it: how long this frame took, the time since the last, the time since the
 * file was opened, and Mbit/s of this frame and of all. */
static bool put_performance(struct sim_hdf5 *f, double start)
{
    double end = now(), bits = 8 * (double)H5Tget_size(f->type);
    for (int i = f->grid_rank; i < f->rank; i++)
        bits *= (double)f->size[i];
    double took = end - start, since = end - f->last, all = end - f->opened;
    const double row[PERFORMANCE] = {took, since, all, took > 0 ? bits * 1e-6 / took : 0,
                                     all > 0 ? (double)(f->frames + 1) * bits * 1e-6 / all : 0};

    f->last = end;
    return put_row(f->performance, PERFORMANCE, f->frames, H5T_NATIVE_DOUBLE, row);
}

static int append(struct sim_hdf5 *f, const struct sim_hdf5_frame *frame, char *why,
                  size_t why_size)
{
    const void *values[ATTRIBUTES] = {&frame->unique_id, &frame->timestamp, &frame->epics_sec,
                                      &frame->epics_nsec};
    unsigned long long number = f->frames + 1;
    hsize_t from[SIM_HDF5_DIMS];
    double start = now();

    if (!next_place(f, from))
        return fail(why, why_size, "there is no place for frame %llu in the extra dimensions",
                    number);
    for (int i = 0; i < f->grid_rank; i++)
        if (from[i] >= f->extent[i]) f->extent[i] = from[i] + 1;
    if (!put_at(f->data, f->rank, f->size, from, f->extent, f->type, frame->pixels))
        return fail(why, why_size, "cannot write frame %llu", number);
    for (int i = 0; i < ATTRIBUTES; i++)
        if (f->attributes[i] &&
            !put_row(f->attributes[i], 0, f->frames, attribute_type(i), values[i]))
            return fail(why, why_size, "cannot write %s of frame %llu", attribute_names[i].name,
                        number);
    if (f->performance && !put_performance(f, start))
        return fail(why, why_size, "cannot write the performance of frame %llu", number);
    f->frames++;
    return 0;
}

int sim_hdf5_append(struct sim_hdf5 *file, const struct sim_hdf5_frame *frame, char *why,
                    size_t why_size)
{
    int rc;

    pthread_mutex_lock(&lock);
    H5E_BEGIN_TRY
    {
        rc = append(file, frame, why, why_size);
    }
    H5E_END_TRY;
    pthread_mutex_unlock(&lock);
    return rc;
}

int sim_hdf5_flush(struct sim_hdf5 *file, char *why, size_t why_size)
{
    herr_t failed;

    pthread_mutex_lock(&lock);
    H5E_BEGIN_TRY
    {
        failed = H5Fflush(file->file, H5F_SCOPE_LOCAL);
    }
    H5E_END_TRY;
    pthread_mutex_unlock(&lock);
    return failed < 0 ? fail(why, why_size, "cannot flush the file") : 0;
}

int sim_hdf5_close(struct sim_hdf5 *file, char *why, size_t why_size)
{
    herr_t failed;

    pthread_mutex_lock(&lock);
    H5E_BEGIN_TRY
    {
        /* With the datasets: the file was opened with strong closing. */
        failed = H5Fclose(file->file);
    }
    H5E_END_TRY;
    pthread_mutex_unlock(&lock);
    free(file);
    return failed < 0 ? fail(why, why_size, "cannot close the file") : 0;
}

bool sim_hdf5_can(int compression)
{
    pthread_mutex_lock(&lock);
    bool can = sim_hdf5_has_filter(compression);
    pthread_mutex_unlock(&lock);
    return can;
}
