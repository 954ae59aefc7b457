#include "sim/hdf5_bslz4.h"

/* Where the values of the filter are, and what they say: LZ4, blocks of the default size. */
enum { MAJOR, MINOR, ELEMENT, BLOCK, CODEC };
enum { CODEC_LZ4 = 2, VERSION_MAJOR = 0, VERSION_MINOR = 4 };

void sim_hdf5_bslz4_values(size_t element, unsigned values[SIM_BSLZ4_VALUES])
{
    values[MAJOR] = VERSION_MAJOR;
    values[MINOR] = VERSION_MINOR;
    values[ELEMENT] = (unsigned)element;
    values[BLOCK] = 0;
    values[CODEC] = CODEC_LZ4;
}

#ifdef OPH_HAVE_LZ4

#include <hdf5.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>

#include "sim/hdf5_bytes.h"

/* A chunk starts with its size and its block size in bytes; a block with its length in the file.
 * The elements that do not fill a group of eight follow the last block as they are. */
enum { BS_HEADER = 12, BS_BLOCK_HEADER = 4, GROUP = 8, BLOCK_BYTES = 8192, SMALLEST_BLOCK = 128 };

/* As bitshuffle chooses it, in elements. */
static size_t block_elements(size_t element)
{
    size_t count = BLOCK_BYTES / element / GROUP * GROUP;
    return count > SMALLEST_BLOCK ? count : SMALLEST_BLOCK;
}

/* Eight bytes as rows of bits, turned into columns. */
static uint64_t transpose(uint64_t x)
{
    uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAu;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCu;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0u;
    return x ^ t ^ (t << 28);
}

/* All first bits, then all second bits, and so on. */
static void shuffle(const unsigned char *in, size_t count, size_t element, unsigned char *out)
{
    size_t row = count / GROUP;
    for (size_t byte = 0; byte < element; byte++) {
        for (size_t group = 0; group < row; group++) {
            const unsigned char *from = in + group * GROUP * element + byte;
            uint64_t bits = 0;
            for (size_t i = 0; i < GROUP; i++)
                bits |= (uint64_t)from[i * element] << (8 * i);
            bits = transpose(bits);
            for (size_t i = 0; i < GROUP; i++)
                out[(byte * 8 + i) * row + group] = (unsigned char)(bits >> (8 * i));
        }
    }
}

static void unshuffle(const unsigned char *in, size_t count, size_t element, unsigned char *out)
{
    size_t row = count / GROUP;
    for (size_t byte = 0; byte < element; byte++) {
        for (size_t group = 0; group < row; group++) {
            unsigned char *to = out + group * GROUP * element + byte;
            uint64_t bits = 0;
            for (size_t i = 0; i < GROUP; i++)
                bits |= (uint64_t)in[(byte * 8 + i) * row + group] << (8 * i);
            bits = transpose(bits);
            for (size_t i = 0; i < GROUP; i++)
                to[i * element] = (unsigned char)(bits >> (8 * i));
        }
    }
}

static size_t bs_pack(const unsigned char *in, size_t size, size_t element, size_t *room,
                      unsigned char **ret)
{
    size_t left = size / element, block = block_elements(element);
    unsigned char *shuffled = malloc(block * element), *to;
    *room = BS_HEADER + size + (left / block + 1) * (BS_BLOCK_HEADER + block * element / 64 + 32);
    *ret = to = malloc(*room);
    if (!shuffled || !to) {
        free(shuffled);
        return 0;
    }
    sim_put_big_endian(to, size, 8);
    sim_put_big_endian(to + 8, block * element, 4);
    to += BS_HEADER;
    while (left >= GROUP) {
        size_t some = left < block ? left / GROUP * GROUP : block;
        int bytes = (int)(some * element), most = LZ4_compressBound(bytes);
        shuffle(in, some, element, shuffled);
        int packed =
            LZ4_compress_default((const char *)shuffled, (char *)to + BS_BLOCK_HEADER, bytes, most);
        sim_put_big_endian(to, (uint64_t)packed, BS_BLOCK_HEADER);
        to += BS_BLOCK_HEADER + packed;
        in += bytes;
        left -= some;
    }
    memcpy(to, in, left * element);
    to += left * element;
    free(shuffled);
    return (size_t)(to - *ret);
}

/* libhdf5 reads a chunk of several frames back to add one to it: what this filter has written. */
static size_t bs_unpack(const unsigned char *in, size_t in_size, size_t element, size_t *room,
                        unsigned char **ret)
{
    const unsigned char *end = in + in_size;
    size_t size = in_size < BS_HEADER ? 0 : sim_get_big_endian(in, 8);
    size_t block = size ? sim_get_big_endian(in + 8, 4) / element : 0, left = size / element;
    if (block < GROUP || size > UINT32_MAX) return 0;
    unsigned char *shuffled = malloc(block * element), *out = *ret = malloc(size);
    bool ok = shuffled && out;
    *room = size;
    in += BS_HEADER;
    while (ok && left >= GROUP) {
        size_t some = left < block ? left / GROUP * GROUP : block;
        int bytes = (int)(some * element);
        size_t packed = end - in < BS_BLOCK_HEADER ? SIZE_MAX : sim_get_big_endian(in, 4);
        ok = packed < (size_t)(end - in) - BS_BLOCK_HEADER + 1 &&
             LZ4_decompress_safe((const char *)in + BS_BLOCK_HEADER, (char *)shuffled, (int)packed,
                                 bytes) == bytes;
        if (!ok) break;
        unshuffle(shuffled, some, element, out);
        in += BS_BLOCK_HEADER + packed;
        out += bytes;
        left -= some;
    }
    ok = ok && (size_t)(end - in) == left * element;
    if (ok) memcpy(out, in, left * element);
    free(shuffled);
    return ok ? size : 0;
}

/* H5Z_func_t: 0 says that it failed. */
static size_t bs_filter(unsigned flags, size_t values, const unsigned value[], size_t bytes,
                        size_t *room, void **buffer)
{
    unsigned char *made = NULL;
    size_t more = 0, size = 0;
    if (values <= CODEC || value[ELEMENT] == 0 || value[CODEC] != CODEC_LZ4) return 0;
    if (flags & H5Z_FLAG_REVERSE)
        size = bs_unpack(*buffer, bytes, value[ELEMENT], &more, &made);
    else if (bytes > 0)
        size = bs_pack(*buffer, bytes, value[ELEMENT], &more, &made);
    if (size == 0) {
        free(made);
        return 0;
    }
    free(*buffer);
    *buffer = made;
    *room = more;
    return size;
}

bool sim_hdf5_bslz4_register(void)
{
    static const H5Z_class2_t bslz4 = {
        .version = H5Z_CLASS_T_VERS,
        .id = SIM_FILTER_BSLZ4,
        .encoder_present = 1,
        .decoder_present = 1,
        .name = "bitshuffle; see https://github.com/kiyo-masui/bitshuffle",
        .filter = bs_filter,
    };
    return H5Zregister(&bslz4) >= 0;
}

#else

bool sim_hdf5_bslz4_register(void)
{
    return false;
}

#endif
