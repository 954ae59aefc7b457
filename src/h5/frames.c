/* The public calls on an open file. */
#include "h5/isolate.h"

#include "base/err.h"
#include "base/str.h"

#include <string.h>

int oph__frames_usable(const oph_frames *frames, const char *call, oph_error *err)
{
    if (!frames) return oph__fail_text(err, OPH_EINVAL, "%s: wanted frames, found NULL", call);
    if (!oph__is_alive(&frames->pool.alive))
        return oph__fail_text(err, OPH_EFORK,
                              "%s: wanted the process that opened %s, found a child of it", call,
                              frames->file);
    return 0;
}

int oph__frames_look(oph_frames *frames, oph_error *err)
{
    if (frames->source.swmr && frames->is_apart) return oph__child_update(frames, err);
    if (frames->source.swmr)
        return oph__image_update(frames->dataset, &frames->source, frames->name, &frames->image,
                                 err);
    if (!oph__source_is_steady(&frames->source))
        return oph__h5_fail(err, OPH_EFILE, frames->file, "the frames",
                            "that the file was written to after it was opened: open it again");
    return 0;
}

int oph__frames_now(oph_frames *frames, struct oph__image *ret, oph_error *err)
{
    int rc;

    oph__h5_lock();
    H5E_BEGIN_TRY
    {
        rc = oph__frames_look(frames, err);
    }
    H5E_END_TRY;
    *ret = frames->image;
    oph__h5_unlock();
    return rc;
}

static int check_range(const oph_frames *frames, const struct oph__image *image, int64_t first,
                       int64_t count, oph_error *err)
{
    int64_t total = (int64_t)image->dims[0];
    char wanted[96];

    if (first >= 0 && count >= 0 && first <= total && count <= total - first) return 0;
    oph__format(wanted, sizeof wanted, "%lld frames from number %lld on", (long long)count,
                (long long)first);
    return oph__h5_fail(err, OPH_ERANGE, frames->file, wanted, "%lld frames", (long long)total);
}

/* `from` and `size`: of each axis after the frames', or NULL: all. */
static int take_region(const oph_frames *frames, const struct oph__image *image,
                       const int64_t *from, const int64_t *size, struct oph__region *region,
                       oph_error *err)
{
    char wanted[96], axis[48];

    for (int i = 1; i < image->rank; i++) {
        int64_t all = (int64_t)image->dims[i], low = from ? from[i - 1] : 0;
        int64_t length = size ? size[i - 1] : all - low;
        if (low < 0 || length < 1 || low > all || length > all - low) {
            oph__format(wanted, sizeof wanted, "%lld pixels from number %lld on", (long long)length,
                        (long long)low);
            oph__format(axis, sizeof axis, "axis %d of each frame", i);
            return oph__h5_fail(err, OPH_ERANGE, frames->file, wanted, "%lld along %s",
                                (long long)all, axis);
        }
        region->low[i] = (hsize_t)low;
        region->high[i] = (hsize_t)(low + length);
    }
    return 0;
}

static int check_buffer(const oph_frames *frames, uint64_t bytes, int64_t count,
                        size_t buffer_bytes, oph_error *err)
{
    char wanted[96];

    if (bytes <= buffer_bytes) return 0;
    oph__format(wanted, sizeof wanted, "a buffer of %llu bytes for %lld frames",
                (unsigned long long)bytes, (long long)count);
    return oph__h5_fail(err, OPH_ERANGE, frames->file, wanted, "one of %zu bytes", buffer_bytes);
}

int oph__frames_region(oph_frames *frames, int64_t first, int64_t count, const int64_t *from,
                       const int64_t *size, struct oph__image *ret_image,
                       struct oph__region *ret_region, oph_error *err)
{
    struct oph__region region = {.low = {(hsize_t)first},
                                 .high = {(hsize_t)first + (hsize_t)count}};
    int rc = oph__frames_now(frames, ret_image, err);

    if (rc == 0) rc = check_range(frames, ret_image, first, count, err);
    if (rc == 0) rc = take_region(frames, ret_image, from, size, &region, err);
    if (rc == 0) *ret_region = region;
    return rc;
}

int oph_frames_read_region(oph_frames *frames, int64_t first, int64_t count, const int64_t *from,
                           const int64_t *size, void *buffer, size_t buffer_bytes, oph_error *err)
{
    struct oph__image image;
    struct oph__region region;
    struct oph__read read;
    int rc = oph__frames_usable(frames, "oph_frames_read", err);

    if (rc) return rc;
    if (!buffer && buffer_bytes > 0)
        return oph__fail_text(err, OPH_EINVAL, "oph_frames_read: wanted a buffer, found NULL");
    rc = oph__frames_region(frames, first, count, from, size, &image, &region, err);
    if (rc == 0) {
        uint64_t bytes = oph__region_items(&image, &region) * image.item_bytes;
        rc = check_buffer(frames, bytes, count, buffer_bytes, err);
    }
    if (rc || count == 0) return rc;
    oph__read_begin(&read, frames, &image, &region, buffer, false);
    return oph__read_finish(&read, err);
}

int oph_frames_read(oph_frames *frames, int64_t first, int64_t count, void *buffer,
                    size_t buffer_bytes, oph_error *err)
{
    return oph_frames_read_region(frames, first, count, NULL, NULL, buffer, buffer_bytes, err);
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
    struct oph__image image;
    int rc = oph__frames_usable(frames, "oph_frames_describe", err);

    if (rc) return rc;
    if (!ret)
        return oph__fail_text(err, OPH_EINVAL,
                              "oph_frames_describe: wanted a place for the answer, found NULL");
    if (ret->size < sizeof *ret)
        return oph__fail_text(err, OPH_EINVAL,
                              "oph_frames_describe: wanted size %zu, found %u: set it to "
                              "sizeof(oph_frames_info)",
                              sizeof *ret, ret->size);
    oph__h5_lock();
    H5E_BEGIN_TRY
    {
        if (frames->source.swmr) rc = oph__frames_look(frames, err);
    }
    H5E_END_TRY;
    image = frames->image;
    oph__h5_unlock();
    if (rc == 0) describe(&image, ret->size, ret);
    return rc;
}

int oph_frames_set_threads(oph_frames *frames, int32_t count, oph_error *err)
{
    int rc = oph__frames_usable(frames, "oph_frames_set_threads", err);

    if (rc) return rc;
    if (count < 0 || count > OPH__POOL_MOST)
        return oph__fail_text(err, OPH_ERANGE,
                              "oph_frames_set_threads: wanted 0 to %d threads, found %d",
                              OPH__POOL_MOST, count);
    oph__pool_limit(&frames->pool, count);
    return 0;
}
