/* The simulator's HDF5 files, as NDFileHDF5 lays them out by default.
 *
 * /entry                                   NXentry
 *   instrument                             NXinstrument
 *     detector                             NXdetector
 *       data                               [frame, y, x]
 *       NDAttributes                       NXcollection
 *     NDAttributes                         NXcollection: one value a frame
 *   data                                   NXdata
 *     data                                 the same dataset, by a hard link
 */
#include "sim/hdf5_file.h"

#include "sim/hdf5_lz4.h"

#include <hdf5.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ATTRIBUTES = 4, ATTRIBUTE_CHUNK = 16 };

struct sim_hdf5 {
    hid_t file;
    hid_t type; /* predefined */
    hid_t data;
    hid_t attributes[ATTRIBUTES]; /* 0 where they are not stored */
    hsize_t rows, cols;
    hsize_t frames;
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

/* --- What the file has besides pixels */

static bool add_text(hid_t object, const char *name, const char *text)
{
    hid_t space = H5Screate(H5S_SCALAR), type = H5Tcopy(H5T_C_S1);
    hid_t attribute;
    bool ok;

    H5Tset_size(type, strlen(text) + 1);
    attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    ok = attribute >= 0 && H5Awrite(attribute, type, text) >= 0;
    if (attribute >= 0) H5Aclose(attribute);
    H5Tclose(type);
    H5Sclose(space);
    return ok;
}

static bool add_ints(hid_t object, const char *name, hsize_t count, const int *values)
{
    hid_t space = H5Screate_simple(1, &count, NULL);
    hid_t attribute = H5Acreate2(object, name, H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT, values) >= 0;

    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    return ok;
}

static bool add_group(hid_t file, const char *path, const char *nx_class)
{
    hid_t group = H5Gcreate2(file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = group >= 0 && add_text(group, "NX_class", nx_class);

    if (group >= 0) H5Gclose(group);
    return ok;
}

static bool add_groups(hid_t file)
{
    return add_group(file, "/entry", "NXentry") &&
           add_group(file, "/entry/instrument", "NXinstrument") &&
           add_group(file, "/entry/instrument/detector", "NXdetector") &&
           add_group(file, "/entry/instrument/detector/NDAttributes", "NXcollection") &&
           add_group(file, "/entry/instrument/NDAttributes", "NXcollection") &&
           add_group(file, "/entry/data", "NXdata");
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

static hid_t add_attribute(hid_t file, int which)
{
    hsize_t size = 1, most = H5S_UNLIMITED, chunk = ATTRIBUTE_CHUNK;
    hid_t group = H5Gopen2(file, "/entry/instrument/NDAttributes", H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, &size, &most);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset;

    H5Pset_chunk(plist, 1, &chunk);
    dataset = H5Dcreate2(group, attribute_names[which].name, attribute_type(which), space,
                         H5P_DEFAULT, plist, H5P_DEFAULT);
    if (dataset >= 0 &&
        !(add_text(dataset, "NDAttrName", attribute_names[which].name) &&
          add_text(dataset, "NDAttrDescription", attribute_names[which].description) &&
          add_text(dataset, "NDAttrSourceType", "NDAttrSourceDriver") &&
          add_text(dataset, "NDAttrSource", "Driver"))) {
        H5Dclose(dataset);
        dataset = -1;
    }
    H5Pclose(plist);
    H5Sclose(space);
    H5Gclose(group);
    return dataset;
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

static hid_t data_plist(const struct sim_hdf5_options *o, hid_t type)
{
    const int64_t zero = 0; /* in any element type */
    hsize_t chunk[3] = {(hsize_t)(o->chunk_frames > 0 ? o->chunk_frames : 1),
                        (hsize_t)(o->chunk_rows > 0 ? o->chunk_rows : o->rows),
                        (hsize_t)(o->chunk_cols > 0 ? o->chunk_cols : o->cols)};
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    herr_t failed = H5Pset_chunk(plist, 3, chunk);

    if (failed >= 0) failed = H5Pset_fill_value(plist, type, &zero);
    if (failed >= 0 && o->compression == SIM_ZLIB)
        failed = H5Pset_deflate(plist, (unsigned)o->zlevel);
    if (failed >= 0 && o->compression == SIM_LZ4)
        failed = H5Pset_filter(plist, SIM_FILTER_LZ4, H5Z_FLAG_MANDATORY, 0, NULL);
    if (failed >= 0) return plist;
    H5Pclose(plist);
    return -1;
}

static bool describe_data(hid_t data)
{
    static const int one = 1, two = 2, ones[2] = {1, 1}, zeros[2];

    return add_text(data, "NX_class", "SDS") && add_ints(data, "signal", 1, &one) &&
           add_ints(data, "NDArrayNumDims", 1, &two) &&
           add_ints(data, "NDArrayDimOffset", 2, zeros) &&
           add_ints(data, "NDArrayDimBinning", 2, ones) &&
           add_ints(data, "NDArrayDimReverse", 2, zeros);
}

static bool add_data(struct sim_hdf5 *f, const struct sim_hdf5_options *o)
{
    const char *path = "/entry/instrument/detector/data";
    /* As NDFileHDF5: one frame, which is never written when the capture ends without any. */
    hsize_t dims[3] = {1, f->rows, f->cols}, most[3] = {H5S_UNLIMITED, f->rows, f->cols};
    hid_t space = H5Screate_simple(3, dims, most);
    hid_t plist = data_plist(o, f->type);

    if (space >= 0 && plist >= 0)
        f->data = H5Dcreate2(f->file, path, f->type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (space >= 0) H5Sclose(space);
    if (plist >= 0) H5Pclose(plist);
    return f->data > 0 && describe_data(f->data) &&
           H5Lcreate_hard(f->file, path, f->file, "/entry/data/data", H5P_DEFAULT, H5P_DEFAULT) >=
               0;
}

/* --- Create */

static hid_t create_file(const char *path, bool swmr)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    hid_t file;

    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    if (swmr) H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    return file;
}

static int create(struct sim_hdf5 *f, const char *path, const struct sim_hdf5_options *o, char *why,
                  size_t why_size)
{
    f->type = pixel_type(o->dtype);
    if (f->type < 0 || o->rows <= 0 || o->cols <= 0)
        return fail(why, why_size, "wanted frames of NDDataType 0 to 9, found type %d, %lld x %lld",
                    o->dtype, (long long)o->rows, (long long)o->cols);
    if (o->compression == SIM_LZ4 && !sim_hdf5_lz4_register())
        return fail(why, why_size, "HDF5 refuses the LZ4 filter");
    f->file = create_file(path, o->swmr);
    if (f->file < 0) return fail(why, why_size, "cannot create %s", path);
    if (!add_groups(f->file) || !add_data(f, o))
        return fail(why, why_size, "cannot create the dataset in %s", path);
    for (int i = 0; o->store_attributes && i < ATTRIBUTES; i++) {
        f->attributes[i] = add_attribute(f->file, i);
        if (f->attributes[i] < 0)
            return fail(why, why_size, "cannot create %s in %s", attribute_names[i].name, path);
    }
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
    f->rows = (hsize_t)options->rows;
    f->cols = (hsize_t)options->cols;
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

/* Puts one element of `size` at the end of a dataset that had frames - 1 of them. */
static bool append_to(hid_t dataset, int rank, const hsize_t *size, hsize_t frames, hid_t type,
                      const void *value)
{
    hsize_t all[3] = {frames, size[1], size[2]}, from[3] = {frames - 1};
    bool ok = H5Dset_extent(dataset, all) >= 0;
    hid_t in_memory = H5Screate_simple(rank, size, NULL), in_file = H5Dget_space(dataset);

    ok = ok && H5Sselect_hyperslab(in_file, H5S_SELECT_SET, from, NULL, size, NULL) >= 0 &&
         H5Dwrite(dataset, type, in_memory, in_file, H5P_DEFAULT, value) >= 0;
    H5Sclose(in_memory);
    H5Sclose(in_file);
    return ok;
}

static int append(struct sim_hdf5 *f, const struct sim_hdf5_frame *frame, char *why,
                  size_t why_size)
{
    const void *values[ATTRIBUTES] = {&frame->unique_id, &frame->timestamp, &frame->epics_sec,
                                      &frame->epics_nsec};
    const hsize_t size[3] = {1, f->rows, f->cols};
    hsize_t frames = f->frames + 1;

    if (!append_to(f->data, 3, size, frames, f->type, frame->pixels))
        return fail(why, why_size, "cannot write frame %llu", (unsigned long long)frames);
    for (int i = 0; i < ATTRIBUTES; i++)
        if (f->attributes[i] &&
            !append_to(f->attributes[i], 1, size, frames, attribute_type(i), values[i]))
            return fail(why, why_size, "cannot write %s of frame %llu", attribute_names[i].name,
                        (unsigned long long)frames);
    f->frames = frames;
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
#ifdef OPH_HAVE_LZ4
    if (compression == SIM_LZ4) return true;
#endif
    return compression == SIM_NONE ||
           (compression == SIM_ZLIB && H5Zfilter_avail(H5Z_FILTER_DEFLATE) > 0);
}
