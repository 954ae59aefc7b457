#include "sim/hdf5_lz4.h"

#ifdef OPH_HAVE_LZ4

#include <hdf5.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

/* A chunk starts with its size and its block size; a block starts with its length in the file. */
enum { HEADER = 12, BLOCK_HEADER = 4 };

static const size_t default_block = (size_t)1 << 30;

static void put_big_endian(unsigned char *at, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        at[i] = (unsigned char)value;
}

static size_t encode(const unsigned char *in, size_t size, size_t block, unsigned char *out)
{
    unsigned char *to = out + HEADER;

    put_big_endian(out, size, 8);
    put_big_endian(out + 8, block, 4);
    while (size > 0) {
        size_t part = size < block ? size : block;
        int packed = LZ4_compress_default((const char *)in, (char *)to + BLOCK_HEADER, (int)part,
                                          (int)part - 1);
        if (packed == 0) { /* it would not shrink */
            memcpy(to + BLOCK_HEADER, in, part);
            packed = (int)part;
        }
        put_big_endian(to, (uint64_t)packed, BLOCK_HEADER);
        to += BLOCK_HEADER + packed;
        in += part;
        size -= part;
    }
    return (size_t)(to - out);
}

static uint64_t get_big_endian(const unsigned char *at, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static bool decode(const unsigned char *in, size_t in_size, unsigned char *out, size_t size)
{
    const unsigned char *end = in + in_size;
    size_t block = get_big_endian(in + 8, 4);

    in += HEADER;
    while (size > 0) {
        size_t part = size < block ? size : block;
        if (end - in < BLOCK_HEADER || part == 0) return false;
        size_t packed = get_big_endian(in, BLOCK_HEADER);
        in += BLOCK_HEADER;
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

static size_t pack(const unsigned char *in, size_t size, size_t block, size_t *room,
                   unsigned char **ret)
{
    if (block > LZ4_MAX_INPUT_SIZE) block = LZ4_MAX_INPUT_SIZE;
    if (block > size) block = size;
    *room = HEADER + size + BLOCK_HEADER * ((size - 1) / block + 1);
    *ret = malloc(*room);
    return *ret ? encode(in, size, block, *ret) : 0;
}

/* libhdf5 reads a chunk of several frames back to add one to it. */
static size_t unpack(const unsigned char *in, size_t in_size, size_t *room, unsigned char **ret)
{
    size_t size = in_size < HEADER ? 0 : get_big_endian(in, 8);

    *ret = size > 0 && size <= UINT32_MAX ? malloc(size) : NULL;
    *room = size;
    return *ret && decode(in, in_size, *ret, size) ? size : 0;
}

/* H5Z_func_t: 0 says that it failed. */
static size_t filter(unsigned flags, size_t values, const unsigned value[], size_t bytes,
                     size_t *room, void **buffer)
{
    size_t block = values > 0 && value[0] > 0 ? value[0] : default_block;
    unsigned char *made = NULL;
    size_t more = 0, size = 0;

    if (flags & H5Z_FLAG_REVERSE)
        size = unpack(*buffer, bytes, &more, &made);
    else if (bytes > 0)
        size = pack(*buffer, bytes, block, &more, &made);
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
        .filter = filter,
    };

    return H5Zregister(&lz4) >= 0;
}

#else

bool sim_hdf5_lz4_register(void)
{
    return false;
}

#endif
