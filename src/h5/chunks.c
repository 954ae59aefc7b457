/* Frames out of chunks: read as the file has them, decoded here, copied to where they belong. */
#include "h5/h5.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

/* One chunk of a request: frames first to end of the dataset, into the buffer. */
struct piece {
    hsize_t first, end;
    hsize_t at[OPH__H5_RANK]; /* the chunk's first element */
    unsigned char *buffer;
};

/* The first chunk of the request, or of an empty one (then false). */
static bool start(const struct oph__image *image, struct piece *piece)
{
    memset(piece->at, 0, sizeof piece->at);
    piece->at[0] = piece->first - piece->first % image->chunk[0];
    return piece->first < piece->end;
}

static bool advance(const struct oph__image *image, struct piece *piece)
{
    for (int i = image->rank - 1; i > 0; i--) {
        piece->at[i] += image->chunk[i];
        if (piece->at[i] < image->dims[i]) return true;
        piece->at[i] = 0;
    }
    piece->at[0] += image->chunk[0];
    return piece->at[0] < piece->end;
}

static hsize_t frame_of(const struct piece *piece)
{
    return piece->at[0] > piece->first ? piece->at[0] : piece->first;
}

static int damaged(const oph_frames *frames, const struct piece *piece, const char *found,
                   oph_error *err)
{
    char wanted[64];

    snprintf(wanted, sizeof wanted, "frame %llu", (unsigned long long)frame_of(piece));
    return oph__h5_fail(err, OPH_EFILE, frames->file, wanted, "%s", found);
}

/* The bytes of a chunk in the file. */
static int stored_size(const oph_frames *frames, const struct piece *piece, hsize_t *ret,
                       oph_error *err)
{
    hsize_t size = 0;

    if (H5Dget_chunk_storage_size(frames->dataset, piece->at + frames->image.lifted, &size) < 0 ||
        size == 0)
        return damaged(frames, piece, "that it was never written", err);
    if (size > (hsize_t)frames->source.stat.st_size && !frames->source.swmr)
        return damaged(frames, piece, "a damaged file: a chunk larger than all of it", err);
    *ret = size;
    return 0;
}

int oph__chunks_check(oph_frames *frames, hsize_t first, hsize_t count, oph_error *err)
{
    struct piece piece = {.first = first, .end = first + count};
    hsize_t size;
    int rc = 0;

    for (bool more = start(&frames->image, &piece); more && rc == 0;
         more = advance(&frames->image, &piece))
        rc = stored_size(frames, &piece, &size, err);
    return rc;
}

static unsigned char *make_room(struct oph__room *room, size_t size)
{
    if (room->size < size) {
        free(room->at);
        room->at = malloc(size);
        room->size = room->at ? size : 0;
    }
    return room->at;
}

/* Reads a chunk of `size` bytes as it is in the file. */
static int fetch(oph_frames *frames, const struct piece *piece, hsize_t size, void *to,
                 uint32_t *ret_mask, oph_error *err)
{
    frames->source.limit = size;
    herr_t failed =
        H5Dread_chunk(frames->dataset, H5P_DEFAULT, piece->at + frames->image.lifted, ret_mask, to);
    frames->source.limit = UINT64_MAX;
    if (failed < 0)
        return damaged(frames, piece, "a chunk that cannot be read: a damaged or cut file", err);
    return 0;
}

/* Fills to[chunk_bytes]. */
static int decode(oph_frames *frames, const struct piece *piece, unsigned char *to, oph_error *err)
{
    const struct oph__image *image = &frames->image;
    bool is_plain = image->filters.count == 0;
    hsize_t size;
    uint32_t skipped = 0; /* a bit for each filter that was left out for this chunk */
    int rc = stored_size(frames, piece, &size, err);

    if (rc) return rc;
    if (is_plain && size == image->chunk_bytes)
        return fetch(frames, piece, size, to, &skipped, err);
    unsigned char *stored = is_plain ? NULL : make_room(&frames->stored, size);
    if (!is_plain && !stored) return oph__fail_memory(err, "a compressed frame");
    if (stored && (rc = fetch(frames, piece, size, stored, &skipped, err))) return rc;
    if (stored && !(skipped & 1)) {
        if (oph__lz4_decode(stored, size, to, image->chunk_bytes)) return 0;
        return damaged(frames, piece, "damaged LZ4 data", err);
    }
    if (size != image->chunk_bytes)
        return damaged(frames, piece, "a chunk of a wrong size: a damaged file", err);
    memcpy(to, stored, size);
    return 0;
}

/* Copies the part of a decoded chunk that lies in the request, row by row. */
static void copy_part(const struct oph__image *image, const struct piece *piece,
                      const unsigned char *chunk)
{
    const int last = image->rank - 1;
    hsize_t low[OPH__H5_RANK], high[OPH__H5_RANK], now[OPH__H5_RANK];

    for (int i = 0; i <= last; i++) {
        hsize_t end = i ? image->dims[i] : piece->end;
        low[i] = i ? piece->at[i] : frame_of(piece);
        high[i] = end - piece->at[i] < image->chunk[i] ? end : piece->at[i] + image->chunk[i];
        now[i] = low[i];
    }
    size_t row = (high[last] - low[last]) * image->item_bytes;
    for (int axis = last; axis >= 0;) {
        hsize_t from = 0, to = 0;
        for (int i = 0; i <= last; i++) {
            from = from * image->chunk[i] + (now[i] - piece->at[i]);
            to = to * (i ? image->dims[i] : 1) + (i ? now[i] : now[i] - piece->first);
        }
        memcpy(piece->buffer + to * image->item_bytes, chunk + from * image->item_bytes, row);
        for (axis = last - 1; axis >= 0; axis--) {
            if (++now[axis] < high[axis]) break;
            now[axis] = low[axis];
        }
    }
}

/* Whether the chunk is made of whole frames that are all wanted. */
static bool is_whole(const struct oph__image *image, const struct piece *piece)
{
    for (int i = 1; i < image->rank; i++)
        if (image->chunk[i] != image->dims[i]) return false;
    return piece->at[0] >= piece->first && piece->end - piece->at[0] >= image->chunk[0];
}

int oph__chunks_read(oph_frames *frames, hsize_t first, hsize_t count, unsigned char *buffer,
                     oph_error *err)
{
    const struct oph__image *image = &frames->image;
    struct piece piece = {.first = first, .end = first + count, .buffer = buffer};
    int rc = 0;

    for (bool more = start(image, &piece); more && rc == 0; more = advance(image, &piece)) {
        if (is_whole(image, &piece)) {
            rc = decode(frames, &piece, buffer + (piece.at[0] - first) * image->frame_bytes, err);
            continue;
        }
        unsigned char *chunk = make_room(&frames->plain, image->chunk_bytes);
        if (!chunk) return oph__fail_memory(err, "a chunk of frames");
        rc = decode(frames, &piece, chunk, err);
        if (rc == 0) copy_part(image, &piece, chunk);
    }
    return rc;
}
