#include "h5/h5.h"

#include <string.h>

uint64_t oph__region_items(const struct oph__image *image, const struct oph__region *region)
{
    uint64_t items = 1;

    for (int i = 0; i < image->rank; i++)
        items *= region->high[i] - region->low[i];
    return items;
}

static hsize_t chunk_start(const struct oph__image *image, const struct oph__region *region, int i)
{
    return region->low[i] - region->low[i] % image->chunk[i];
}

void oph__piece_start(const struct oph__image *image, const struct oph__region *region,
                      struct oph__piece *piece)
{
    memset(piece, 0, sizeof *piece);
    for (int i = 0; i < image->rank; i++)
        piece->at[i] = chunk_start(image, region, i);
}

bool oph__piece_advance(const struct oph__image *image, const struct oph__region *region,
                        struct oph__piece *piece)
{
    piece->number++;
    for (int i = image->rank - 1; i >= 0; i--) {
        piece->at[i] += image->chunk[i];
        if (piece->at[i] < region->high[i]) return true;
        piece->at[i] = chunk_start(image, region, i);
    }
    return false;
}

uint64_t oph__piece_count(const struct oph__image *image, const struct oph__region *region)
{
    uint64_t count = 1;

    for (int i = 0; i < image->rank; i++) {
        hsize_t along = region->high[i] - chunk_start(image, region, i);
        count *= along / image->chunk[i] + (along % image->chunk[i] != 0);
    }
    return count;
}

hsize_t oph__piece_frame(const struct oph__region *region, const struct oph__piece *piece)
{
    return piece->at[0] > region->low[0] ? piece->at[0] : region->low[0];
}

/* The part of an axis that is in both. */
static void overlap(const struct oph__image *image, const struct oph__region *region,
                    const struct oph__piece *piece, int i, hsize_t *ret_low, hsize_t *ret_high)
{
    hsize_t low = region->low[i], high = region->high[i], at = piece->at[i];

    *ret_low = at > low ? at : low;
    *ret_high = high - at < image->chunk[i] ? high : at + image->chunk[i];
}

bool oph__piece_is_whole(const struct oph__image *image, const struct oph__region *region,
                         const struct oph__piece *piece, uint64_t *ret_element)
{
    uint64_t element = piece->at[0] - region->low[0];
    bool is_thin = image->chunk[0] == 1; /* along all axes so far */

    if (piece->at[0] < region->low[0] || region->high[0] - piece->at[0] < image->chunk[0])
        return false;
    for (int i = 1; i < image->rank; i++) {
        hsize_t size = region->high[i] - region->low[i], chunk = image->chunk[i];
        if (piece->at[i] < region->low[i] || region->high[i] - piece->at[i] < chunk) return false;
        if (chunk != size && !is_thin) return false;
        is_thin = is_thin && chunk == 1;
        element = element * size + (piece->at[i] - region->low[i]);
    }
    *ret_element = element;
    return true;
}

void oph__piece_span(const struct oph__image *image, const struct oph__region *region,
                     const struct oph__piece *piece, uint64_t *ret_first, uint64_t *ret_end)
{
    uint64_t first = 0, last = 0;

    for (int i = 0; i < image->rank; i++) {
        hsize_t low, high;
        overlap(image, region, piece, i, &low, &high);
        first = first * image->chunk[i] + (low - piece->at[i]);
        last = last * image->chunk[i] + (high - 1 - piece->at[i]);
    }
    *ret_first = first;
    *ret_end = last + 1;
}

void oph__piece_copy(const struct oph__image *image, const struct oph__region *region,
                     const struct oph__piece *piece, const unsigned char *chunk, unsigned char *to)
{
    const int last = image->rank - 1;
    hsize_t low[OPH__H5_RANK], high[OPH__H5_RANK], now[OPH__H5_RANK];

    for (int i = 0; i <= last; i++) {
        overlap(image, region, piece, i, &low[i], &high[i]);
        now[i] = low[i];
    }
    size_t row = (high[last] - low[last]) * image->item_bytes;
    for (int axis = last; axis >= 0;) {
        uint64_t from = 0, at = 0;
        for (int i = 0; i <= last; i++) {
            from = from * image->chunk[i] + (now[i] - piece->at[i]);
            at = at * (region->high[i] - region->low[i]) + (now[i] - region->low[i]);
        }
        memcpy(to + at * image->item_bytes, chunk + from * image->item_bytes, row);
        for (axis = last - 1; axis >= 0; axis--) {
            if (++now[axis] < high[axis]) break;
            now[axis] = low[axis];
        }
    }
}
