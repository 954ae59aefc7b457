#include "lib/h5_write.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef OPH_HAVE_LZ4
#include <lz4.h>
#endif

enum { FILTER_LZ4 = 32004 };

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

/* LZ4 needs no plugin here: the chunks are written as they shall stand in the file. */
static bool write_lz4(hid_t dataset, const struct h5_options *o, const unsigned char *pixels)
{
    size_t frame = H5Tget_size(o->type), bytes;

    for (int i = 1; i < o->rank; i++)
        frame *= o->dims[i];
    bytes = frame * o->chunk[0];
    for (hsize_t at = 0; at < o->dims[0]; at += o->chunk[0]) {
        hsize_t offset[4] = {at};
        size_t size = bytes;
        unsigned char *plain = calloc(1, bytes), *chunk = plain;
        if (!plain) return false;
        hsize_t frames = o->dims[0] - at < o->chunk[0] ? o->dims[0] - at : o->chunk[0];
        memcpy(plain, pixels + at * frame, frames * frame);
        if (!o->skip) chunk = h5_lz4_encode(plain, bytes, o->lz4, &size);
        bool ok = chunk &&
                  H5Dwrite_chunk(dataset, H5P_DEFAULT, o->skip ? 1 : 0, offset, size, chunk) >= 0;
        if (chunk != plain) free(chunk);
        free(plain);
        if (!ok) return false;
    }
    return true;
}

static hid_t make_plist(const struct h5_options *o)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);

    if (o->chunk[0]) H5Pset_chunk(plist, o->rank, o->chunk);
    if (o->shuffle) H5Pset_shuffle(plist);
    if (o->deflate) H5Pset_deflate(plist, (unsigned)o->deflate);
    if (o->lz4) H5Pset_filter(plist, FILTER_LZ4, H5Z_FLAG_OPTIONAL, 0, NULL);
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
    if (ok && pixels && o->lz4)
        ok = write_lz4(dataset, o, pixels);
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
