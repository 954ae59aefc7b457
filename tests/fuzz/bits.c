/* The shuffles, by each set of instructions that this machine has, beside a bit at a time. */
#include "fuzz/fuzz.h"
#include "h5/bits.h"

#include <stdlib.h>
#include <string.h>

static void one_byte_each(const unsigned char *in, unsigned char *out, size_t count, size_t item)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < item; k++)
            out[i * item + k] = in[k * count + i];
}

static void one_bit_each(const unsigned char *in, unsigned char *out, size_t count, size_t item)
{
    memset(out, 0, count * item);
    for (size_t bit = 0; bit < 8 * item; bit++)
        for (size_t i = 0; i < count; i++) {
            size_t from = bit * count + i;
            int value = in[from / 8] >> from % 8 & 1;
            out[i * item + bit / 8] |= (unsigned char)(value << bit % 8);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    const size_t item = (size_t)1 << fuzz_below(&in, 4);
    const bool bits = fuzz_number(&in, 1) & 1;
    /* A little data fills many elements, so that whole vectors are. */
    const size_t count = (fuzz_number(&in, 2) % 4096) / (bits ? 8 : 1) * (bits ? 8 : 1);
    const size_t bytes = count * item;
    unsigned char *shuffled = malloc(bytes + 1), *wanted = malloc(bytes + 1);

    fuzz_claim(shuffled && wanted, "there is memory");
    for (size_t i = 0; i < bytes; i++)
        shuffled[i] = in.left ? in.at[i % in.left] ^ (unsigned char)(i / in.left) : 0;
    (bits ? one_bit_each : one_byte_each)(shuffled, wanted, count, item);
    unsigned char *exact = malloc(bytes ? bytes : 1), *from = malloc(bytes ? bytes : 1);
    fuzz_claim(exact && from, "there is memory");
    memcpy(from, shuffled, bytes);
    for (int simd = OPH__SCALAR; simd <= (int)oph__simd_best(); simd++) {
        memset(exact, 0xAA, bytes);
        if (bits)
            oph__bitunshuffle((enum oph__simd)simd, from, exact, count, item);
        else
            oph__unshuffle((enum oph__simd)simd, from, exact, count, item);
        fuzz_claim(memcmp(exact, wanted, bytes) == 0, "%zu %ss of %zu bytes, by instructions %d",
                   count, bits ? "bit" : "byte", item, simd);
    }
    free(from);
    free(exact);
    free(wanted);
    free(shuffled);
    return 0;
}
