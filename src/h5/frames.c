/* The public calls on an open file. */
#include "h5/h5.h"

#include "base/err.h"
#include "base/str.h"

#include <string.h>

/* A file with a SWMR writer grows; any other must be as it was when it was opened. */
static int look_again(oph_frames *frames, oph_error *err)
{
    if (frames->source.swmr)
        return oph__image_update(frames->dataset, &frames->source, frames->name, &frames->image,
                                 err);
    if (!oph__source_is_steady(&frames->source))
        return oph__h5_fail(err, OPH_EFILE, frames->file, "the frames",
                            "that the file was written to after it was opened: open it again");
    return 0;
}

static int check_range(const oph_frames *frames, int64_t first, int64_t count, size_t buffer_bytes,
                       oph_error *err)
{
    int64_t total = (int64_t)frames->image.dims[0];
    char wanted[96];

    oph__format(wanted, sizeof wanted, "%lld frames from number %lld on", (long long)count,
                (long long)first);
    if (first < 0 || count < 0 || first > total || count > total - first)
        return oph__h5_fail(err, OPH_ERANGE, frames->file, wanted, "%lld frames", (long long)total);
    uint64_t bytes = (uint64_t)count * frames->image.frame_bytes; /* no more than of the dataset */
    if (bytes > buffer_bytes) {
        oph__format(wanted, sizeof wanted, "a buffer of %llu bytes for %lld frames",
                    (unsigned long long)bytes, (long long)count);
        return oph__h5_fail(err, OPH_ERANGE, frames->file, wanted, "one of %zu bytes",
                            buffer_bytes);
    }
    return 0;
}

static void swap_bytes(unsigned char *at, uint64_t items, size_t size)
{
    if (size == 2) {
        for (uint64_t i = 0; i < items; i++, at += 2) {
            uint16_t v;
            memcpy(&v, at, sizeof v);
            v = __builtin_bswap16(v);
            memcpy(at, &v, sizeof v);
        }
    } else if (size == 4) {
        for (uint64_t i = 0; i < items; i++, at += 4) {
            uint32_t v;
            memcpy(&v, at, sizeof v);
            v = __builtin_bswap32(v);
            memcpy(at, &v, sizeof v);
        }
    } else {
        for (uint64_t i = 0; i < items; i++, at += 8) {
            uint64_t v;
            memcpy(&v, at, sizeof v);
            v = __builtin_bswap64(v);
            memcpy(at, &v, sizeof v);
        }
    }
}

/* libhdf5 reads, decodes and converts. It would give the fill value for what was never written. */
static int read_by_hdf5(oph_frames *frames, hsize_t first, hsize_t count, unsigned char *buffer,
                        oph_error *err)
{
    const struct oph__image *image = &frames->image;
    hsize_t from[OPH__H5_RANK] = {first}, size[OPH__H5_RANK] = {count};
    char name[32];
    int rc = 0;

    H5Z_filter_t lack = oph__filters_lack(&image->filters, name);
    if (lack)
        return oph__fail_text(err, OPH_EFILE,
                              "%s: this HDF5 has no filter %d (%s): set HDF5_PLUGIN_PATH to the "
                              "folder of its plugin",
                              frames->file, lack, name);
    if (image->layout == H5D_CHUNKED)
        rc = oph__chunks_check(frames, first, count, err);
    else if (image->layout == H5D_CONTIGUOUS && H5Dget_offset(frames->dataset) == HADDR_UNDEF)
        rc = oph__h5_fail(err, OPH_EFILE, frames->file, "the frames",
                          "that they were never written");
    if (rc) return rc;
    memcpy(size + 1, image->dims + 1, sizeof size - sizeof *size);
    int skip = image->lifted;
    hid_t in_memory = H5Screate_simple(image->rank - skip, size + skip, NULL);
    hid_t in_file = H5Dget_space(frames->dataset);
    if (in_memory < 0 || in_file < 0 ||
        H5Sselect_hyperslab(in_file, H5S_SELECT_SET, from + skip, NULL, size + skip, NULL) < 0 ||
        H5Dread(frames->dataset, image->type, in_memory, in_file, H5P_DEFAULT, buffer) < 0)
        rc = oph__h5_fail(err, OPH_EFILE, frames->file, "the frames", "a damaged or cut file%s",
                          oph__h5_why().text);
    if (in_memory >= 0) H5Sclose(in_memory);
    if (in_file >= 0) H5Sclose(in_file);
    return rc;
}

static int read_frames(oph_frames *frames, int64_t first, int64_t count, void *buffer,
                       size_t buffer_bytes, oph_error *err)
{
    const struct oph__image *image = &frames->image;
    int rc = look_again(frames, err);

    if (rc == 0) rc = check_range(frames, first, count, buffer_bytes, err);
    if (rc || count == 0) return rc;
    bool is_ours =
        image->layout == H5D_CHUNKED && !image->packed && oph__filters_are_ours(&image->filters);
    rc = (is_ours ? oph__chunks_read : read_by_hdf5)(frames, (hsize_t)first, (hsize_t)count, buffer,
                                                     err);
    if (rc == 0 && is_ours && image->swapped)
        swap_bytes(buffer, (uint64_t)count * (image->frame_bytes / image->item_bytes),
                   image->item_bytes);
    /* What was read while somebody wrote may be anything. */
    if (rc == 0 && !frames->source.swmr) rc = look_again(frames, err);
    return rc;
}

int oph_frames_read(oph_frames *frames, int64_t first, int64_t count, void *buffer,
                    size_t buffer_bytes, oph_error *err)
{
    int rc;

    if (!frames || (!buffer && buffer_bytes > 0))
        return oph__fail_text(err, OPH_EINVAL, "oph_frames_read: wanted %s, found NULL",
                              frames ? "a buffer" : "frames");
    oph__h5_lock();
    H5E_BEGIN_TRY
    {
        rc = read_frames(frames, first, count, buffer, buffer_bytes, err);
    }
    H5E_END_TRY;
    oph__h5_unlock();
    return rc;
}

static void describe(const struct oph__image *image, uint32_t size, oph_frames_info *ret)
{
    oph_frames_info info = {
        .size = size,
        .dtype = image->dtype,
        .item_bytes = (uint32_t)image->item_bytes,
        .rank = (uint32_t)image->rank,
        .frame_bytes = (int64_t)image->frame_bytes,
    };

    for (int i = 0; i < OPH__H5_RANK; i++)
        info.shape[i] = i < image->rank ? (int64_t)image->dims[i] : 1;
    oph__copy(info.filters, sizeof info.filters, image->filters.text);
    memcpy(ret, &info, sizeof info);
}

int oph_frames_describe(oph_frames *frames, oph_frames_info *ret, oph_error *err)
{
    int rc = 0;

    if (!frames || !ret)
        return oph__fail_text(err, OPH_EINVAL, "oph_frames_describe: wanted %s, found NULL",
                              frames ? "a place for the answer" : "frames");
    if (ret->size < sizeof *ret)
        return oph__fail_text(err, OPH_EINVAL,
                              "oph_frames_describe: wanted size %zu, found %u: set it to "
                              "sizeof(oph_frames_info)",
                              sizeof *ret, ret->size);
    oph__h5_lock();
    H5E_BEGIN_TRY
    {
        if (frames->source.swmr) rc = look_again(frames, err);
    }
    H5E_END_TRY;
    if (rc == 0) describe(&frames->image, ret->size, ret);
    oph__h5_unlock();
    return rc;
}
