/* The decoders of one chunk, with any filters in front of any bytes: nothing is read or written
 * outside of the two buffers, and what is decoded is decoded again, as the same. */
#include "fuzz/fuzz.h"
#include "h5/h5.h"

#include <stdlib.h>
#include <string.h>

/* What comes first in an input. */
static void take_filters(struct fuzz_in *in, size_t item, struct oph__filters *filters)
{
    static const H5Z_filter_t ids[] = {H5Z_FILTER_DEFLATE, OPH__BLOSC, OPH__LZ4, OPH__BITSHUFFLE,
                                       OPH__BYTE_OFFSET};

    *filters = (struct oph__filters){0};
    if (fuzz_number(in, 1) & 1)
        filters->at[filters->count++] =
            (struct oph__filter){.id = H5Z_FILTER_SHUFFLE, .values = {(unsigned)item}};
    struct oph__filter *codec = &filters->at[filters->count++];
    codec->id = ids[fuzz_below(in, sizeof ids / sizeof ids[0])];
    unsigned block = (unsigned)fuzz_number(in, 2);
    if (codec->id != OPH__BITSHUFFLE) return;
    codec->values[OPH__BITSHUFFLE_ITEM] = (unsigned)item;
    codec->values[OPH__BITSHUFFLE_BLOCK] = block >> 1;
    codec->values[OPH__BITSHUFFLE_CODEC] = block & 1 ? OPH__BITSHUFFLE_LZ4 : 0;
}

/* No filter of HDF5; its pixels are int32. */
static bool is_cbf(const struct oph__filters *filters, size_t item)
{
    return filters->count == 1 && filters->at[0].id == OPH__BYTE_OFFSET && item == sizeof(int32_t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct oph__lane lane;
    struct fuzz_in in = {data, size};
    struct oph__filters filters;

    const size_t item = (size_t)1 << fuzz_below(&in, 4);
    take_filters(&in, item, &filters);
    const uint32_t skipped = (uint32_t)fuzz_number(&in, 1) & 3;
    const size_t out_size = fuzz_number(&in, 2) / item * item;
    const size_t in_size = in.left;
    unsigned char *chunk = fuzz_bytes(&in, in_size);
    unsigned char *out = malloc(out_size + 1), *again = malloc(out_size + 1);

    if (out_size && (oph__filters_are_ours(&filters, item) || is_cbf(&filters, item))) {
        /* Exact sizes: the sanitizer sees a byte too many. */
        out = realloc(out, out_size);
        again = realloc(again, out_size);
        memset(out, 0x55, out_size);
        memset(again, 0xAA, out_size);
        const char *found =
            oph__undo(&filters, skipped, item, &lane, chunk, in_size, out, out_size);
        const char *twice =
            oph__undo(&filters, skipped, item, &lane, chunk, in_size, again, out_size);
        fuzz_claim(found == twice, "twice the same: %s, %s", found ? found : "decoded",
                   twice ? twice : "decoded");
        fuzz_claim(found || memcmp(out, again, out_size) == 0, "all of the chunk is filled");
    }
    free(again);
    free(out);
    free(chunk);
    return 0;
}
