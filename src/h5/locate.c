/* Where a chunk is in the file, at the same price in a file of ten frames and of fifty thousand. */
#include "h5/isolate.h"

/* Far more than any filter makes of pixels that it cannot shrink. */
static uint64_t most_stored(const struct oph__image *image)
{
    return 2 * (uint64_t)image->chunk_bytes + 1024;
}

static uint64_t file_size(const struct oph__source *source)
{
    struct stat now;

    return fstat(source->fd, &now) ? 0 : (uint64_t)now.st_size;
}

/* libhdf5 fails alike for a chunk that is not there and one that it cannot find; a walk through the
 * whole index tells. */
static bool is_hole(hid_t dataset, const hsize_t *at)
{
    unsigned mask;
    haddr_t address = 0;
    hsize_t size;

    return H5Dget_chunk_info_by_coord(dataset, at, &mask, &address, &size) >= 0 &&
           address == HADDR_UNDEF;
}

bool oph__hdf5_locate(oph_frames *frames, const hsize_t *at, struct oph__place *ret,
                      int32_t *ret_hole)
{
    struct oph__place place = {.address = HADDR_UNDEF};
    unsigned char nothing[1]; /* is read: the driver only notes where it would have been */
    uint32_t skipped = 0;

    frames->source.place = &place;
    herr_t failed = H5Dread_chunk(frames->dataset, H5P_DEFAULT, at, &skipped, nothing);
    frames->source.place = NULL;
    *ret_hole = failed < 0 && is_hole(frames->dataset, at);
    if (failed < 0) return false;
    place.skipped = skipped;
    *ret = place;
    return true;
}

static const char *ask_hdf5(oph_frames *frames, const struct oph__image *image, const hsize_t *at,
                            struct oph__place *ret)
{
    int32_t hole;
    bool there = frames->is_apart
                     ? oph__child_locate(frames, at, image->rank - image->lifted, ret, &hole)
                     : oph__hdf5_locate(frames, at, ret, &hole);

    if (there) return NULL;
    if (frames->is_apart && frames->child.line < 0) return frames->child.why;
    return hole ? "that it was never written" : "a chunk that cannot be found: a damaged file";
}

const char *oph__locate(oph_frames *frames, const struct oph__image *image,
                        const struct oph__piece *piece, struct oph__place *ret)
{
    const char *found = NULL;

    if (image->layout == H5D_CHUNKED)
        found = ask_hdf5(frames, image, piece->at + image->lifted, ret);
    else if (image->address == HADDR_UNDEF)
        found = "that it was never written";
    else
        *ret = (struct oph__place){image->address + piece->at[0] * image->stored_bytes,
                                   image->stored_bytes, 0};
    if (found) return found;
    uint64_t end;
    if (ret->size == 0 || ret->size > most_stored(image) ||
        __builtin_add_overflow(ret->address, ret->size, &end))
        return "a chunk of a wrong size: a damaged file";
    if (end > (uint64_t)frames->source.stat.st_size && end > file_size(&frames->source))
        return "a chunk that ends after the file: a damaged or cut file";
    return NULL;
}
