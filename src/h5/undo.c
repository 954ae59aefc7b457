/* Undoing the filters that this library knows, for one chunk, in any thread. Nothing here trusts a
 * number of the file, and nothing is written outside of the chunk's pixels. */
#include "h5/bits.h"
#include "h5/h5.h"

#include <limits.h>
#include <string.h>

#ifdef OPH_HAVE_BLOSC
#include <blosc.h>
#endif
#ifdef OPH_HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#ifdef OPH_HAVE_LZ4
#include <lz4.h>
#endif

const char oph__no_room[] = "no memory for it";

static uint64_t big_endian(const unsigned char *at, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static bool undo_block(const unsigned char *in, size_t in_size, unsigned char *out, size_t out_size)
{
#ifdef OPH_HAVE_LZ4
    return in_size <= INT_MAX && out_size <= INT_MAX &&
           LZ4_decompress_safe((const char *)in, (char *)out, (int)in_size, (int)out_size) ==
               (int)out_size;
#else
    (void)in, (void)in_size, (void)out, (void)out_size;
    return false; /* not reached: LZ4 is not ours then */
#endif
}

/* The chunk: 8 bytes of size, 4 of block size; then for each block 4 of length, and the block. All
 * numbers are big-endian, and a block that would not shrink is stored as it is. */
bool oph__undo_lz4(const void *in, size_t in_size, void *out, size_t out_size)
{
    const unsigned char *from = in, *end = from + in_size;
    unsigned char *to = out;

    if (in_size < 12 || big_endian(from, 8) != out_size) return false;
    size_t block_size = big_endian(from + 8, 4);
    if (block_size == 0) return false;
    from += 12;
    while (out_size > 0) {
        size_t size = block_size < out_size ? block_size : out_size;
        if (end - from < 4) return false;
        size_t stored = big_endian(from, 4);
        from += 4;
        if (stored > (size_t)(end - from) || stored > size) return false;
        if (stored == size)
            memcpy(to, from, size);
        else if (!undo_block(from, stored, to, size))
            return false;
        from += stored;
        to += size;
        out_size -= size;
    }
    return true;
}

/* Bitshuffle's own choice: some 8 KB, in whole groups of 8 elements. */
static size_t usual_block(size_t item)
{
    size_t count = 8192 / item / 8 * 8;

    return count < 128 ? 128 : count;
}

/* Blocks of whole groups of 8 elements, the last one shorter; up to 7 elements after them are as
 * they were. */
bool oph__undo_bitshuffle(size_t item, size_t block, const void *in, size_t in_size, void *out,
                          size_t out_size)
{
    const enum oph__simd simd = oph__simd_best();
    const unsigned char *from = in;
    unsigned char *to = out;
    size_t count = out_size / item;

    if (block == 0) block = usual_block(item);
    if (in_size != out_size || block % 8 != 0) return false;
    while (count >= 8) {
        size_t now = block < count ? block : count / 8 * 8;
        oph__bitunshuffle(simd, from, to, now, item);
        from += now * item;
        to += now * item;
        count -= now;
    }
    memcpy(to, from, count * item);
    return true;
}

/* The same, each block compressed: 8 bytes of size, 4 of bytes a block; then for each block 4 of
 * length, and the block. All numbers are big-endian. */
const char *oph__undo_bitshuffle_lz4(size_t item, struct oph__room *room, const void *in,
                                     size_t in_size, void *out, size_t out_size)
{
    static const char damaged[] = "damaged bitshuffle data";

    const enum oph__simd simd = oph__simd_best();
    const unsigned char *from = in, *end = from + in_size;
    unsigned char *to = out;
    size_t count = out_size / item;

    if (in_size < 12 || big_endian(from, 8) != out_size) return damaged;
    size_t block = big_endian(from + 8, 4);
    if (block % (8 * item) != 0) return damaged;
    block = block ? block / item : usual_block(item);
    if (block > count) block = count;
    unsigned char *shuffled = oph__room(room, block * item);
    if (!shuffled) return oph__no_room;
    for (from += 12; count >= 8;) {
        size_t now = block < count ? block : count / 8 * 8;
        if (end - from < 4) return damaged;
        size_t stored = big_endian(from, 4);
        from += 4;
        if (stored > (size_t)(end - from)) return damaged;
        if (!undo_block(from, stored, shuffled, now * item)) return damaged;
        oph__bitunshuffle(simd, shuffled, to, now, item);
        from += stored;
        to += now * item;
        count -= now;
    }
    if ((size_t)(end - from) < count * item) return damaged;
    memcpy(to, from, count * item);
    return NULL;
}

static bool undo_blosc(const void *in, size_t in_size, void *out, size_t out_size)
{
#ifdef OPH_HAVE_BLOSC
    size_t size;

    /* It trusts the header, so that is compared with what is really there. */
    return out_size <= INT_MAX && in_size >= BLOSC_MIN_HEADER_LENGTH &&
           blosc_cbuffer_validate(in, in_size, &size) == 0 && size == out_size &&
           blosc_decompress_ctx(in, out, out_size, 1) == (int)out_size;
#else
    (void)in, (void)in_size, (void)out, (void)out_size;
    return false;
#endif
}

static const char *undo_deflate(struct oph__lane *lane, const void *in, size_t in_size, void *out,
                                size_t out_size)
{
#ifdef OPH_HAVE_LIBDEFLATE
    if (!lane->inflater) lane->inflater = libdeflate_alloc_decompressor();
    if (!lane->inflater) return oph__no_room;
    if (libdeflate_zlib_decompress(lane->inflater, in, in_size, out, out_size, NULL) ==
        LIBDEFLATE_SUCCESS)
        return NULL;
#else
    (void)lane, (void)in, (void)in_size, (void)out, (void)out_size;
#endif
    return "damaged deflate data";
}

static const char *undo_codec(const struct oph__filter *filter, size_t item, struct oph__lane *lane,
                              const void *in, size_t in_size, void *out, size_t out_size)
{
    switch (filter->id) {
    case H5Z_FILTER_DEFLATE: return undo_deflate(lane, in, in_size, out, out_size);
    case OPH__BLOSC: return undo_blosc(in, in_size, out, out_size) ? NULL : "damaged Blosc data";
    case OPH__LZ4: return oph__undo_lz4(in, in_size, out, out_size) ? NULL : "damaged LZ4 data";
    case OPH__BYTE_OFFSET:
        return oph__undo_byte_offset(in, in_size, out, out_size) ? NULL : "damaged CBF data";
    default: break;
    }
    if (filter->values[OPH__BITSHUFFLE_CODEC] == OPH__BITSHUFFLE_LZ4)
        return oph__undo_bitshuffle_lz4(item, &lane->block, in, in_size, out, out_size);
    bool ok = oph__undo_bitshuffle(item, filter->values[OPH__BITSHUFFLE_BLOCK], in, in_size, out,
                                   out_size);
    return ok ? NULL : "damaged bitshuffle data";
}

const char *oph__undo(const struct oph__filters *filters, uint32_t skipped, size_t item,
                      struct oph__lane *lane, const void *in, size_t in_size, void *out,
                      size_t out_size)
{
    const int last = filters->count - 1;
    const bool shuffles = last >= 0 && filters->at[0].id == H5Z_FILTER_SHUFFLE;
    const bool is_shuffled = shuffles && !(skipped & 1);
    const void *plain = in;

    if (last >= shuffles && !(skipped >> last & 1)) {
        void *to = is_shuffled ? oph__room(&lane->middle, out_size) : out;
        if (!to) return oph__no_room;
        const char *found = undo_codec(&filters->at[last], item, lane, in, in_size, to, out_size);
        if (found) return found;
        plain = to;
    } else if (in_size != out_size) {
        return "a chunk of a wrong size: a damaged file";
    }
    if (is_shuffled)
        oph__unshuffle(oph__simd_best(), plain, out, out_size / item, item);
    else if (plain != out)
        memcpy(out, plain, out_size);
    return NULL;
}
