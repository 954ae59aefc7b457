/* The filters that a chunk went through, and undoing the ones that this library knows. */
#include "h5/h5.h"

#include "base/str.h"

#include <limits.h>
#include <string.h>

#ifdef OPH_HAVE_LZ4
#include <lz4.h>
#endif

enum { FILTER_LZ4 = 32004 };

static const struct {
    H5Z_filter_t id;
    const char *name;
} names[] = {
    {H5Z_FILTER_DEFLATE, "deflate"},
    {H5Z_FILTER_SHUFFLE, "shuffle"},
    {H5Z_FILTER_FLETCHER32, "fletcher32"},
    {H5Z_FILTER_SZIP, "szip"},
    {H5Z_FILTER_NBIT, "nbit"},
    {H5Z_FILTER_SCALEOFFSET, "scaleoffset"},
    {32000, "LZF"},
    {32001, "Blosc"},
    {FILTER_LZ4, "LZ4"},
    {32008, "bitshuffle"},
    {32015, "Zstandard"},
    {32019, "JPEG"},
    {32026, "Blosc2"},
};

static const char *name_of(H5Z_filter_t id)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].id == id) return names[i].name;
    return NULL;
}

void oph__filters_read(hid_t create_plist, struct oph__filters *ret)
{
    struct oph__filters filters = {0};
    size_t len = 0;
    int count = H5Pget_nfilters(create_plist);

    for (int i = 0; i < count && i < H5Z_MAX_NFILTERS; i++) {
        unsigned flags, config;
        size_t no_values = 0;
        H5Z_filter_t id =
            H5Pget_filter2(create_plist, (unsigned)i, &flags, &no_values, NULL, 0, NULL, &config);
        char number[32];
        const char *name = name_of(id);
        if (!name) name = oph__format(number, sizeof number, "filter %d", id);
        filters.id[filters.count++] = id;
        oph__format(filters.text + len, sizeof filters.text - len, "%s%s", len ? "+" : "", name);
        len += strlen(filters.text + len);
    }
    if (filters.count == 0) oph__copy(filters.text, sizeof filters.text, "none");
    *ret = filters;
}

bool oph__filters_are_ours(const struct oph__filters *filters)
{
#ifdef OPH_HAVE_LZ4
    if (filters->count == 1 && filters->id[0] == FILTER_LZ4) return true;
#endif
    return filters->count == 0;
}

H5Z_filter_t oph__filters_lack(const struct oph__filters *filters, char name[static 32])
{
    for (int i = 0; i < filters->count; i++) {
        H5Z_filter_t id = filters->id[i];
        const char *known = name_of(id);
        unsigned config = 0;
        if (H5Zfilter_avail(id) > 0 && H5Zget_filter_info(id, &config) >= 0 &&
            (config & H5Z_FILTER_CONFIG_DECODE_ENABLED))
            continue;
        oph__copy(name, 32, known ? known : "of no known name");
        return id;
    }
    return 0;
}

static uint64_t big_endian(const unsigned char *at, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static bool decode_block(const unsigned char *in, size_t in_size, unsigned char *out,
                         size_t out_size)
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
bool oph__lz4_decode(const void *in, size_t in_size, void *out, size_t out_size)
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
        else if (!decode_block(from, stored, to, size))
            return false;
        from += stored;
        to += size;
        out_size -= size;
    }
    return true;
}
