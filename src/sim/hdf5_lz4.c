#include "sim/hdf5_lz4.h"

#ifdef OPH_HAVE_LZ4

#include <hdf5.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include "sim/hdf5_bytes.h"

/* A chunk starts with its size and its block size; a block starts with its length in the file. */
enum { LZ4_HEADER = 12, LZ4_BLOCK_HEADER = 4 };

static const size_t default_block = (size_t)1 << 30;

static size_t lz4_encode(const unsigned char *in, size_t size, size_t block, unsigned char *out)
{
    unsigned char *to = out + LZ4_HEADER;

    sim_put_big_endian(out, size, 8);
    sim_put_big_endian(out + 8, block, 4);
    while (size > 0) {
        size_t part = size < block ? size : block;
        int packed = LZ4_compress_default((const char *)in, (char *)to + LZ4_BLOCK_HEADER,
                                          (int)part, (int)part - 1);
        if (packed == 0) { /* it would not shrink */
            memcpy(to + LZ4_BLOCK_HEADER, in, part);
            packed = (int)part;
        }
        sim_put_big_endian(to, (uint64_t)packed, LZ4_BLOCK_HEADER);
        to += LZ4_BLOCK_HEADER + packed;
        in += part;
        size -= part;
    }
    return (size_t)(to - out);
}

static bool lz4_decode(const unsigned char *in, size_t in_size, unsigned char *out, size_t size)
{
    const unsigned char *end = in + in_size;
    size_t block = sim_get_big_endian(in + 8, 4);

    in += LZ4_HEADER;
    while (size > 0) {
        size_t part = size < block ? size : block;
        if (end - in < LZ4_BLOCK_HEADER || part == 0) return false;
        size_t packed = sim_get_big_endian(in, LZ4_BLOCK_HEADER);
        in += LZ4_BLOCK_HEADER;
        if (packed > (size_t)(end - in) || packed > part) return false;
        if (packed == part)
            memcpy(out, in, part);
        else if (LZ4_decompress_safe((const char *)in, (char *)out, (int)packed, (int)part) !=
                 (int)part)
            return false;
        in += packed;
        out += part;
        size -= part;
    }
    return true;
}

static size_t lz4_pack(const unsigned char *in, size_t size, size_t block, size_t *room,
                       unsigned char **ret)
{
    if (block > LZ4_MAX_INPUT_SIZE) block = LZ4_MAX_INPUT_SIZE;
    if (block > size) block = size;
    *room = LZ4_HEADER + size + LZ4_BLOCK_HEADER * ((size - 1) / block + 1);
    *ret = malloc(*room);
    return *ret ? lz4_encode(in, size, block, *ret) : 0;
}

/* libhdf5 reads a chunk of several frames back to add one to it. */
static size_t lz4_unpack(const unsigned char *in, size_t in_size, size_t *room, unsigned char **ret)
{
    size_t size = in_size < LZ4_HEADER ? 0 : sim_get_big_endian(in, 8);

    *ret = size > 0 && size <= UINT32_MAX ? malloc(size) : NULL;
    *room = size;
    return *ret && lz4_decode(in, in_size, *ret, size) ? size : 0;
}

/* H5Z_func_t: 0 says that it failed. */
static size_t lz4_filter(unsigned flags, size_t values, const unsigned value[], size_t bytes,
                         size_t *room, void **buffer)
{
    size_t block = values > 0 && value[0] > 0 ? value[0] : default_block;
    unsigned char *made = NULL;
    size_t more = 0, size = 0;

    if (flags & H5Z_FLAG_REVERSE)
        size = lz4_unpack(*buffer, bytes, &more, &made);
    else if (bytes > 0)
        size = lz4_pack(*buffer, bytes, block, &more, &made);
    if (size == 0) {
        free(made);
        return 0;
    }
    free(*buffer);
    *buffer = made;
    *room = more;
    return size;
}

bool sim_hdf5_lz4_register(void)
{
    static const H5Z_class2_t lz4 = {
        .version = H5Z_CLASS_T_VERS,
        .id = SIM_FILTER_LZ4,
        .encoder_present = 1,
        .decoder_present = 1,
        .name = "LZ4",
        .filter = lz4_filter,
    };

    return H5Zregister(&lz4) >= 0;
}

#else

bool sim_hdf5_lz4_register(void)
{
    return false;
}

#endif
