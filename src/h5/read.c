/* One request: its chunks are found inside the lock around libhdf5, and read and decoded outside it
 * by all threads of the pool, each into its own place of the buffer. What this library does not
 * decode goes through libhdf5, as one step. */
#include "h5/isolate.h"

#include "base/err.h"
#include "base/str.h"

#include <string.h>

/* A thread takes so many chunks, or bytes of them, at a time: the locks cost as little as that. */
enum { BATCH = 16, BATCH_BYTES = 1 << 18 };

struct batch {
    int count;
    struct oph__piece pieces[BATCH];
    struct oph__place places[BATCH];
    const char *found[BATCH]; /* NULL, or what is the matter */
};

/* The error that stays is that of the first frame, whichever thread comes first: chunks are begun
 * in their order, so those before it were begun, too. */
static void fail_at(struct oph__read *read, uint64_t number, hsize_t frame, const char *found)
{
    char wanted[64];

    pthread_mutex_lock(&read->lock);
    read->more = false;
    if (number < read->failed) {
        read->failed = number;
        oph__format(wanted, sizeof wanted, "frame %llu", (unsigned long long)frame);
        int code = found == oph__no_room ? OPH_ENOMEM : OPH_EFILE;
        read->rc = oph__h5_fail(&read->err, code, read->frames->file, wanted, "%s", found);
    }
    pthread_mutex_unlock(&read->lock);
}

static void take_batch(struct oph__read *read, struct batch *batch)
{
    size_t bytes = 0;

    pthread_mutex_lock(&read->lock);
    for (batch->count = 0; read->more && batch->count < BATCH && bytes < BATCH_BYTES;) {
        batch->pieces[batch->count++] = read->next;
        bytes += read->image.chunk_bytes;
        read->more = oph__piece_advance(&read->image, &read->region, &read->next);
    }
    pthread_mutex_unlock(&read->lock);
    if (batch->count == 0) return;
    oph__h5_lock();
    H5E_BEGIN_TRY
    {
        for (int i = 0; i < batch->count; i++)
            batch->found[i] =
                oph__locate(read->frames, &read->image, &batch->pieces[i], &batch->places[i]);
    }
    H5E_END_TRY;
    oph__h5_unlock();
}

#define SWAP_ALL(type, swap)                                                                       \
    for (uint64_t i = 0; i < items; i++, at += sizeof(type)) {                                     \
        type v;                                                                                    \
        memcpy(&v, at, sizeof v);                                                                  \
        v = swap(v);                                                                               \
        memcpy(at, &v, sizeof v);                                                                  \
    }

static void swap_bytes(unsigned char *at, uint64_t items, size_t size)
{
    if (size == 2)
        SWAP_ALL(uint16_t, __builtin_bswap16)
    else if (size == 4)
        SWAP_ALL(uint32_t, __builtin_bswap32)
    else
        SWAP_ALL(uint64_t, __builtin_bswap64)
}

static const char cut[] = "a chunk that cannot be read: a damaged or cut file";

/* Stored as it is: the bytes from first to end of the chunk go to the same place of `to`. */
static const char *fetch_plain(const struct oph__read *read, const struct oph__place *place,
                               uint64_t first, uint64_t end, unsigned char *to)
{
    if (place->size != read->image.chunk_bytes) return "a chunk of a wrong size: a damaged file";
    return oph__source_fetch(&read->frames->source, place->address + first, to + first,
                             end - first) == end - first
               ? NULL
               : cut;
}

static const char *fetch_packed(const struct oph__read *read, const struct oph__place *place,
                                struct oph__lane *lane, unsigned char *to)
{
    const struct oph__image *image = &read->image;
    unsigned char *stored = oph__room(&lane->stored, place->size);

    if (!stored) return oph__no_room;
    if (oph__source_fetch(&read->frames->source, place->address, stored, place->size) !=
        place->size)
        return cut;
    return oph__undo(&image->filters, place->skipped, image->item_bytes, lane, stored, place->size,
                     to, image->chunk_bytes);
}

/* NULL, or what is the matter. */
static const char *do_piece(const struct oph__read *read, const struct oph__piece *piece,
                            const struct oph__place *place, struct oph__lane *lane)
{
    const struct oph__image *image = &read->image;
    const uint32_t all = (1U << image->filters.count) - 1; /* of at most 32 */
    const bool is_plain = (place->skipped & all) == all;
    const size_t item = image->item_bytes;
    uint64_t element, first, end;
    bool is_whole = oph__piece_is_whole(image, &read->region, piece, &element);
    unsigned char *to =
        is_whole ? read->buffer + element * item : oph__room(&lane->plain, image->chunk_bytes);

    if (!to) return oph__no_room;
    oph__piece_span(image, &read->region, piece, &first, &end);
    const char *found = is_plain ? fetch_plain(read, place, first * item, end * item, to)
                                 : fetch_packed(read, place, lane, to);
    if (found) return found;
    if (image->swapped) swap_bytes(to + first * item, end - first, item);
    if (!is_whole) oph__piece_copy(image, &read->region, piece, to, read->buffer);
    return NULL;
}

static bool step_of_chunks(struct oph__work *work, struct oph__lane *lane)
{
    struct oph__read *read = (struct oph__read *)work;
    struct batch batch;

    take_batch(read, &batch);
    for (int i = 0; i < batch.count; i++) {
        const struct oph__piece *piece = &batch.pieces[i];
        const char *found = batch.found[i];
        if (!found) found = do_piece(read, piece, &batch.places[i], lane);
        if (!found) continue;
        fail_at(read, piece->number, oph__piece_frame(&read->region, piece), found);
        return false;
    }
    pthread_mutex_lock(&read->lock);
    bool more = read->more;
    pthread_mutex_unlock(&read->lock);
    return more;
}

/* libhdf5 would give the fill value for what was never written. */
static bool has_hole(struct oph__read *read)
{
    struct oph__piece piece;
    struct oph__place place;
    const char *found;

    if (read->image.layout != H5D_CHUNKED && read->image.layout != H5D_CONTIGUOUS) return false;
    oph__piece_start(&read->image, &read->region, &piece);
    do {
        found = oph__locate(read->frames, &read->image, &piece, &place);
        if (!found) continue;
        fail_at(read, piece.number, oph__piece_frame(&read->region, &piece), found);
        return true;
    } while (oph__piece_advance(&read->image, &read->region, &piece));
    return false;
}

bool oph__hdf5_read(oph_frames *frames, const struct oph__image *image,
                    const struct oph__region *region, void *to, struct oph__h5_why *why)
{
    hsize_t from[OPH__H5_RANK], size[OPH__H5_RANK];
    const int skip = image->lifted;

    for (int i = 0; i < image->rank; i++) {
        from[i] = region->low[i];
        size[i] = region->high[i] - from[i];
    }
    hid_t in_memory = H5Screate_simple(image->rank - skip, size + skip, NULL);
    hid_t in_file = H5Dget_space(frames->dataset);
    bool ok =
        in_memory >= 0 && in_file >= 0 &&
        H5Sselect_hyperslab(in_file, H5S_SELECT_SET, from + skip, NULL, size + skip, NULL) >= 0 &&
        H5Dread(frames->dataset, image->type, in_memory, in_file, H5P_DEFAULT, to) >= 0;
    if (!ok) *why = oph__h5_why(); /* before the next call, which forgets it */
    if (in_memory >= 0) H5Sclose(in_memory);
    if (in_file >= 0) H5Sclose(in_file);
    return ok;
}

static bool read_by_hdf5(struct oph__read *read, hsize_t first, hsize_t end, unsigned char *to,
                         struct oph__h5_why *why)
{
    const struct oph__image *image = &read->image;
    struct oph__region region = read->region;

    region.low[0] = first;
    region.high[0] = end;
    if (!read->frames->is_apart) return oph__hdf5_read(read->frames, image, &region, to, why);
    uint64_t bytes = oph__region_items(image, &region) * image->item_bytes;
    return oph__child_read(read->frames, &region, bytes, to, why);
}

static void step_in_lock(struct oph__read *read)
{
    const hsize_t first = read->region.low[0], end = read->region.high[0];
    const size_t frame =
        oph__region_items(&read->image, &read->region) / (end - first) * read->image.item_bytes;
    struct oph__h5_why why = {""};
    char name[32], found[256];

    H5Z_filter_t lack = oph__filters_lack(&read->image.filters, name);
    if (lack) {
        read->rc = oph__fail_text(
            &read->err, OPH_EFILE, "%s: wanted filter %d (%s) to read frame %llu, found none: %s",
            read->frames->file, lack, name, (unsigned long long)first, oph__filter_remedy(lack));
        return;
    }
    if (has_hole(read) || read_by_hdf5(read, first, end, read->buffer, &why)) return;
    for (hsize_t i = first; i < end; i++) {
        if (end - first > 1 &&
            read_by_hdf5(read, i, i + 1, read->buffer + (i - first) * frame, &why))
            continue; /* it is another one */
        oph__format(found, sizeof found, "a damaged or cut file%s", why.text);
        fail_at(read, 0, i, found);
        return;
    }
}

static bool step_of_hdf5(struct oph__work *work, struct oph__lane *lane)
{
    struct oph__read *read = (struct oph__read *)work;

    (void)lane;
    pthread_mutex_lock(&read->lock);
    bool is_mine = read->more;
    read->more = false;
    pthread_mutex_unlock(&read->lock);
    if (!is_mine) return false;
    oph__h5_lock();
    H5E_BEGIN_TRY
    {
        step_in_lock(read);
    }
    H5E_END_TRY;
    oph__h5_unlock();
    return false;
}

void oph__read_begin(struct oph__read *read, oph_frames *frames, const struct oph__image *image,
                     const struct oph__region *region, void *buffer, bool ahead)
{
    *read = (struct oph__read){
        .work.step = image->is_ours ? step_of_chunks : step_of_hdf5,
        .frames = frames,
        .image = *image,
        .region = *region,
        .buffer = buffer,
        .failed = UINT64_MAX,
    };
    pthread_mutex_init(&read->lock, NULL);
    read->more = oph__region_items(image, region) > 0;
    if (read->more && image->is_ours) oph__piece_start(image, region, &read->next);
    bool is_much = read->more && image->is_ours && oph__piece_count(image, region) > 1 &&
                   oph__region_items(image, region) * image->item_bytes >= 2 * BATCH_BYTES;
    read->posted = ahead || is_much;
    if (read->posted) oph__pool_post(&frames->pool, &read->work);
}

int oph__read_finish(struct oph__read *read, oph_error *err)
{
    int rc;

    if (read->posted)
        oph__pool_finish(&read->frames->pool, &read->work);
    else
        oph__pool_alone(&read->frames->pool, &read->work);
    rc = read->rc;
    if (rc && err) *err = read->err;
    pthread_mutex_destroy(&read->lock);
    /* What was read while somebody wrote may be anything. */
    if (rc == 0 && !read->frames->source.swmr) rc = oph__frames_look(read->frames, err);
    return rc;
}

void oph__read_cancel(struct oph__read *read)
{
    pthread_mutex_lock(&read->lock);
    read->more = false;
    pthread_mutex_unlock(&read->lock);
    oph__read_finish(read, NULL);
}
