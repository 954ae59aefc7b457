#include "lib/h5_write.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef OPH_HAVE_LZ4
#include <lz4.h>
#endif

#ifdef OPH_HAVE_BLOSC
#include <blosc.h>
#endif

enum { FILTER_BLOSC = 32001, FILTER_LZ4 = 32004, FILTER_BITSHUFFLE = 32008 };

static void put_big_endian(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        at[i] = (unsigned char)value;
}

static size_t encode_block(const unsigned char *in, size_t size, unsigned char *out)
{
#ifdef OPH_HAVE_LZ4
    int packed = LZ4_compress_default((const char *)in, (char *)out, (int)size, (int)size - 1);
    if (packed > 0) return (size_t)packed;
#endif
    memcpy(out, in, size);
    return size;
}

unsigned char *h5_lz4_encode(const void *in, size_t size, unsigned block, size_t *ret_size)
{
    const unsigned char *from = in;
    unsigned char *chunk = malloc(12 + size + 4 * (size / block + 1));
    unsigned char *to = chunk;

    if (!chunk) return NULL;
    put_big_endian(to, size, 8);
    put_big_endian(to + 8, block, 4);
    to += 12;
    while (size > 0) {
        size_t part = size < block ? size : block;
        size_t packed = encode_block(from, part, to + 4);
        put_big_endian(to, packed, 4);
        to += 4 + packed;
        from += part;
        size -= part;
    }
    *ret_size = (size_t)(to - chunk);
    return chunk;
}

static void shuffle_bits(const unsigned char *in, unsigned char *out, size_t count, size_t item)
{
    memset(out, 0, count * item);
    for (size_t i = 0; i < count; i++)
        for (size_t bit = 0; bit < 8 * item; bit++)
            if (in[i * item + bit / 8] >> bit % 8 & 1)
                out[(bit * count + i) / 8] |= (unsigned char)(1 << i % 8);
}

unsigned char *h5_bitshuffle_encode(const void *in, size_t size, size_t item, unsigned block,
                                    bool lz4, size_t *ret_size)
{
    const unsigned char *from = in;
    size_t count = size / item, usual = 8192 / item / 8 * 8;
    if (block == 0) block = (unsigned)(usual < 128 ? 128 : usual);
    unsigned char *chunk = malloc(12 + 2 * size + 64 + 5 * (count / 8 + 1)), *to = chunk;
    unsigned char *shuffled = malloc(block * item);

    if (!chunk || !shuffled) abort();
    if (lz4) {
        put_big_endian(to, size, 8);
        put_big_endian(to + 8, block * item, 4);
        to += 12;
    }
    while (count >= 8) {
        size_t now = block < count ? block : count / 8 * 8;
        shuffle_bits(from, shuffled, now, item);
        if (lz4) {
            size_t packed = 0;
#ifdef OPH_HAVE_LZ4
            packed = (size_t)LZ4_compress_default((const char *)shuffled, (char *)to + 4,
                                                  (int)(now * item),
                                                  LZ4_COMPRESSBOUND((int)(now * item)));
#endif
            put_big_endian(to, packed, 4);
            to += 4 + packed;
        } else {
            memcpy(to, shuffled, now * item);
            to += now * item;
        }
        from += now * item;
        count -= now;
    }
    memcpy(to, from, count * item);
    free(shuffled);
    *ret_size = (size_t)(to - chunk) + count * item;
    return chunk;
}

static unsigned char *encode_blosc(const struct h5_options *o, const void *in, size_t size,
                                   size_t item, size_t *ret_size)
{
#ifdef OPH_HAVE_BLOSC
    unsigned char *chunk = malloc(size + BLOSC_MAX_OVERHEAD);
    int packed = chunk ? blosc_compress_ctx(5, o->blosc_shuffle, item, size, in, chunk,
                                            size + BLOSC_MAX_OVERHEAD, o->blosc, 0, 1)
                       : 0;
    if (packed > 0) {
        *ret_size = (size_t)packed;
        return chunk;
    }
    free(chunk);
#else
    (void)o, (void)in, (void)size, (void)item, (void)ret_size;
#endif
    return NULL;
}

static unsigned char *encode(const struct h5_options *o, const void *in, size_t size, size_t item,
                             size_t *ret_size)
{
    if (o->lz4) return h5_lz4_encode(in, size, o->lz4, ret_size);
    if (o->blosc) return encode_blosc(o, in, size, item, ret_size);
    return h5_bitshuffle_encode(in, size, item, o->block, o->bitshuffle > 1, ret_size);
}

/* The first bytes of all elements, then the second ones, ... */
static void shuffle(unsigned char *chunk, size_t bytes, size_t item)
{
    unsigned char *plain = malloc(bytes);

    if (!plain) return;
    memcpy(plain, chunk, bytes);
    for (size_t i = 0; i < bytes; i++)
        chunk[i % item * (bytes / item) + i / item] = plain[i];
    free(plain);
}

/* One chunk of the pixels; what lies outside of them stays as it is. */
static void cut_chunk(const struct h5_options *o, size_t item, const hsize_t *at,
                      const unsigned char *pixels, unsigned char *chunk)
{
    hsize_t now[4] = {0};

    for (int axis = 0; axis >= 0;) {
        hsize_t from = 0, to = 0;
        bool inside = true;
        for (int i = 0; i < o->rank; i++) {
            inside = inside && at[i] + now[i] < o->dims[i];
            from = from * o->dims[i] + at[i] + now[i];
            to = to * o->chunk[i] + now[i];
        }
        if (inside) memcpy(chunk + to * item, pixels + from * item, item);
        for (axis = o->rank - 1; axis >= 0; axis--) {
            if (++now[axis] < o->chunk[axis]) break;
            now[axis] = 0;
        }
    }
}

/* These filters need no plugin here: the chunks are written as they shall stand in the file. */
static bool write_packed(hid_t dataset, const struct h5_options *o, const unsigned char *pixels)
{
    const unsigned codec = o->shuffle ? 2 : 1;
    size_t item = H5Tget_size(o->type), bytes = item;
    hsize_t at[4] = {0};

    for (int i = 0; i < o->rank; i++)
        bytes *= o->chunk[i];
    for (int axis = 0; axis >= 0;) {
        size_t size = bytes;
        unsigned char *plain = calloc(1, bytes), *chunk = plain;
        if (!plain) return false;
        cut_chunk(o, item, at, pixels, plain);
        if (o->shuffle && !(o->left_out & 1)) shuffle(plain, bytes, item);
        if (!(o->left_out & codec)) chunk = encode(o, plain, bytes, item, &size);
        bool is_hole = o->hole && o->hole >= at[0] && o->hole < at[0] + o->chunk[0];
        bool ok = is_hole || (chunk && H5Dwrite_chunk(dataset, H5P_DEFAULT, o->left_out, at, size,
                                                      chunk) >= 0);
        if (chunk != plain) free(chunk);
        free(plain);
        if (!ok) return false;
        for (axis = o->rank - 1; axis >= 0; axis--) {
            at[axis] += o->chunk[axis];
            if (at[axis] < o->dims[axis]) break;
            at[axis] = 0;
        }
    }
    return true;
}

static void add_bitshuffle(hid_t plist, const struct h5_options *o)
{
    const unsigned values[] = {0, 4, (unsigned)H5Tget_size(o->type), o->block,
                               o->bitshuffle > 1 ? 2 : 0};

    H5Pset_filter(plist, FILTER_BITSHUFFLE, H5Z_FLAG_OPTIONAL, 5, values);
}

static hid_t make_plist(const struct h5_options *o)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);

    if (o->chunk[0]) H5Pset_chunk(plist, o->rank, o->chunk);
    if (o->plain_edges) H5Pset_chunk_opts(plist, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS);
    if (o->shuffle) H5Pset_shuffle(plist);
    if (o->deflate) H5Pset_deflate(plist, (unsigned)o->deflate);
    if (o->lz4) H5Pset_filter(plist, FILTER_LZ4, H5Z_FLAG_OPTIONAL, 0, NULL);
    if (o->bitshuffle) add_bitshuffle(plist, o);
    if (o->blosc) H5Pset_filter(plist, FILTER_BLOSC, H5Z_FLAG_OPTIONAL, 0, NULL);
    if (o->filter) H5Pset_filter(plist, o->filter, H5Z_FLAG_OPTIONAL, 0, NULL);
    return plist;
}

static bool write_dataset(hid_t file, const struct h5_options *o, const void *pixels)
{
    hsize_t max[4] = {H5S_UNLIMITED, o->dims[1], o->dims[2], o->dims[3]};
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    hid_t space = H5Screate_simple(o->rank, o->dims, o->chunk[0] && o->rank > 2 ? max : NULL);
    hid_t plist = make_plist(o);
    hid_t dataset;
    bool ok;

    H5Pset_create_intermediate_group(links, 1);
    dataset = H5Dcreate2(file, o->dataset ? o->dataset : "/entry/data/data", o->type, space, links,
                         plist, H5P_DEFAULT);
    ok = dataset >= 0;
    if (ok && pixels && (o->lz4 || o->bitshuffle || o->blosc))
        ok = write_packed(dataset, o, pixels);
    else if (ok && pixels)
        ok = H5Dwrite(dataset, o->memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, pixels) >= 0;
    if (dataset >= 0) H5Dclose(dataset);
    H5Pclose(plist);
    H5Sclose(space);
    H5Pclose(links);
    return ok;
}

hid_t h5_write_open(const char *path, const struct h5_options *o, const void *pixels)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE);
    hid_t file;

    if (o->swmr) H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    if (o->user_block) H5Pset_userblock(create, o->user_block);
    file = H5Fcreate(path, H5F_ACC_TRUNC, create, access);
    H5Pclose(access);
    H5Pclose(create);
    if (file >= 0 && !write_dataset(file, o, pixels)) {
        H5Fclose(file);
        return -1;
    }
    if (file >= 0 && o->swmr) H5Fstart_swmr_write(file);
    return file;
}

bool h5_write(const char *path, const struct h5_options *o, const void *pixels)
{
    hid_t file = h5_write_open(path, o, pixels);

    return file >= 0 && H5Fclose(file) >= 0;
}
