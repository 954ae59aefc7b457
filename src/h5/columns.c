/* What the IOC noted of each frame, a number a frame: areaDetector's NDAttributes. */
#include "h5/isolate.h"

#include "base/err.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static const int64_t epics_epoch = 631152000; /* 1990, in seconds since 1970 */
static const uint64_t largest_chunk = 1 << 30;

/* A list of numbers whose sizes are plausible: libhdf5 trusts them. */
static bool is_sound(hid_t dataset, hsize_t *ret_rows)
{
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    hid_t plist = H5Dget_create_plist(dataset);
    hsize_t rows = 0, chunk = 0;
    bool ok = type >= 0 && space >= 0 && plist >= 0 &&
              (H5Tget_class(type) == H5T_INTEGER || H5Tget_class(type) == H5T_FLOAT) &&
              H5Tget_size(type) <= 8 && H5Sget_simple_extent_ndims(space) == 1 &&
              H5Sget_simple_extent_dims(space, &rows, NULL) == 1 && rows <= INT64_MAX;

    if (ok && H5Pget_layout(plist) == H5D_CHUNKED)
        ok = H5Pget_chunk(plist, 1, &chunk) == 1 && chunk <= largest_chunk;
    else if (ok)
        ok = H5Pget_layout(plist) != H5D_VIRTUAL && H5Pget_external_count(plist) == 0;
    if (plist >= 0) H5Pclose(plist);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    *ret_rows = rows;
    return ok;
}

static bool read_rows(hid_t dataset, hid_t type, hsize_t first, hsize_t count, void *to,
                      struct oph__h5_why *why)
{
    hid_t in_memory = H5Screate_simple(1, &count, NULL), in_file = H5Dget_space(dataset);
    bool ok = in_memory >= 0 && in_file >= 0 &&
              H5Sselect_hyperslab(in_file, H5S_SELECT_SET, &first, NULL, &count, NULL) >= 0 &&
              H5Dread(dataset, type, in_memory, in_file, H5P_DEFAULT, to) >= 0;

    if (!ok) *why = oph__h5_why(); /* before the next call, which forgets it */
    if (in_memory >= 0) H5Sclose(in_memory);
    if (in_file >= 0) H5Sclose(in_file);
    return ok;
}

static int not_read(const oph_frames *frames, hid_t dataset, const char *path,
                    const struct oph__h5_why *why, oph_error *err)
{
    struct oph__filters filters;
    char name[32];
    hid_t create = H5Dget_create_plist(dataset);
    oph__filters_read(create, &filters);
    if (create >= 0) H5Pclose(create);
    H5Z_filter_t lack = oph__filters_lack(&filters, name);
    if (!lack)
        return oph__h5_fail(err, OPH_EFILE, frames->file, path, "a damaged or cut file%s",
                            why->text);
    return oph__fail_text(err, OPH_EFILE, "%s: wanted filter %d (%s) to read %s, found none: %s",
                          frames->file, lack, name, path, oph__filter_remedy(lack));
}

/* Reads what there is of it: *ret_count from `first` on, fewer than `count` where the list is
 * shorter. OPH_ENOTFOUND: there is no such list. */
int oph__column_read(oph_frames *frames, const char *name, hid_t type, int64_t first, int64_t count,
                     void *to, int64_t *ret_count, oph_error *err)
{
    struct oph__h5_why why = {""};
    char path[300];
    hsize_t rows;
    int rc = 0;

    oph__format(path, sizeof path, "/entry/instrument/NDAttributes/%s", name);
    hid_t dataset =
        frames->h5 >= 0 && !strchr(name, '/') ? H5Dopen2(frames->h5, path, H5P_DEFAULT) : -1;
    if (dataset < 0)
        return oph__h5_fail(err, OPH_ENOTFOUND, frames->file, path, "no such list of numbers");
    if (frames->source.swmr) H5Drefresh(dataset);
    if (!is_sound(dataset, &rows)) {
        rc = oph__h5_fail(err, OPH_EFILE, frames->file, path, "no plain list of numbers");
    } else {
        int64_t there = (int64_t)rows > first ? (int64_t)rows - first : 0;
        *ret_count = there < count ? there : count;
        if (*ret_count > 0 &&
            !read_rows(dataset, type, (hsize_t)first, (hsize_t)*ret_count, to, &why))
            rc = not_read(frames, dataset, path, &why, err);
    }
    H5Dclose(dataset);
    return rc;
}

/* In the lock. */
static int read_column(oph_frames *frames, const char *name, hid_t type, int64_t first,
                       int64_t count, void *to, int64_t *ret_count, oph_error *err)
{
    return frames->is_apart
               ? oph__child_column(frames, name, type == H5T_NATIVE_INT64, first, count, to,
                                   ret_count, err)
               : oph__column_read(frames, name, type, first, count, to, ret_count, err);
}

static int usable_range(oph_frames *frames, const char *call, int64_t first, int64_t count,
                        const void *ret, oph_error *err)
{
    struct oph__image image;
    struct oph__region region;
    int rc = oph__frames_usable(frames, call, err);

    if (rc == 0 && !ret && count > 0)
        rc =
            oph__fail_text(err, OPH_EINVAL, "%s: wanted a place for the numbers, found NULL", call);
    if (rc == 0) rc = oph__frames_region(frames, first, count, NULL, NULL, &image, &region, err);
    return rc;
}

int oph_frames_attribute(oph_frames *frames, const char *name, int64_t first, int64_t count,
                         double *ret, oph_error *err)
{
    int64_t there = 0;
    int rc = usable_range(frames, "oph_frames_attribute", first, count, ret, err);

    if (rc == 0 && (!name || !*name))
        rc = oph__fail_text(err, OPH_EINVAL,
                            "oph_frames_attribute: wanted the name of an attribute, found none");
    if (rc) return rc;
    double *read = calloc((size_t)count + 1, sizeof *read);
    if (!read) return oph__fail_memory(err, name);
    oph__h5_lock();
    H5E_BEGIN_TRY
    {
        rc = read_column(frames, name, H5T_NATIVE_DOUBLE, first, count, read, &there, err);
    }
    H5E_END_TRY;
    oph__h5_unlock();
    for (int64_t i = 0; rc == 0 && i < count; i++)
        ret[i] = i < there ? read[i] : NAN;
    free(read);
    return rc;
}

/* A column that is not there is none; one that cannot be read is an error. */
static int optional_column(oph_frames *frames, const char *name, hid_t type, int64_t first,
                           int64_t count, void *to, int64_t *ret_count, oph_error *err)
{
    oph_error why;
    int rc = read_column(frames, name, type, first, count, to, ret_count, &why);

    if (rc == OPH_ENOTFOUND) {
        *ret_count = 0;
        return 0;
    }
    if (rc && err) *err = why;
    return rc;
}

struct columns {
    int64_t *id, *seconds, *nanoseconds;
    double *timestamp;
    int64_t ids, timestamps, times, parts; /* how many there are of each */
};

static int read_columns(oph_frames *frames, int64_t first, int64_t count, struct columns *c,
                        oph_error *err)
{
    const hid_t whole = H5T_NATIVE_INT64;
    int rc = optional_column(frames, "NDArrayUniqueId", whole, first, count, c->id, &c->ids, err);

    if (rc == 0)
        rc = optional_column(frames, "NDArrayTimeStamp", H5T_NATIVE_DOUBLE, first, count,
                             c->timestamp, &c->timestamps, err);
    if (rc == 0)
        rc = optional_column(frames, "NDArrayEpicsTSSec", whole, first, count, c->seconds,
                             &c->times, err);
    if (rc == 0)
        rc = optional_column(frames, "NDArrayEpicsTSnSec", whole, first, count, c->nanoseconds,
                             &c->parts, err);
    return rc;
}

int oph__stamps_read(oph_frames *frames, int64_t first, int64_t count, oph_frame_stamp *ret,
                     oph_error *err)
{
    size_t room = (size_t)count + 1;
    int64_t *whole = calloc(room, 3 * sizeof *whole);
    double *timestamp = calloc(room, sizeof *timestamp);
    struct columns c = {.id = whole, .timestamp = timestamp};
    int rc = 0;

    if (!whole || !timestamp) rc = oph__fail_memory(err, "the stamps of frames");
    if (rc == 0) {
        c.seconds = whole + room;
        c.nanoseconds = whole + 2 * room;
        oph__h5_lock();
        H5E_BEGIN_TRY
        {
            rc = read_columns(frames, first, count, &c, err);
        }
        H5E_END_TRY;
        oph__h5_unlock();
    }
    for (int64_t i = 0; rc == 0 && i < count; i++) {
        bool is_timed = i < c.times && i < c.parts && c.seconds[i] >= 0 &&
                        c.seconds[i] <= UINT32_MAX && c.nanoseconds[i] >= 0 &&
                        c.nanoseconds[i] < 1000000000;
        ret[i].unique_id = i < c.ids ? c.id[i] : -1;
        ret[i].timestamp = i < c.timestamps ? timestamp[i] : NAN;
        ret[i].time_ns =
            is_timed ? (c.seconds[i] + epics_epoch) * 1000000000 + c.nanoseconds[i] : -1;
    }
    free(whole);
    free(timestamp);
    return rc;
}

int oph_frames_stamps(oph_frames *frames, int64_t first, int64_t count, oph_frame_stamp *ret,
                      oph_error *err)
{
    int rc = usable_range(frames, "oph_frames_stamps", first, count, ret, err);

    return rc ? rc : oph__stamps_read(frames, first, count, ret, err);
}
