/* Shuffled bytes and bits come back, whatever the instructions. */
#include "h5/bits.h"

#include <epicsUnitTest.h>
#include <stdint.h>
#include <string.h>

enum { MOST = 2100, ROOM = 8 * MOST };

/* As the formats define it, a bit at a time. */
static void shuffle_bits(const unsigned char *in, unsigned char *out, size_t count, size_t item)
{
    memset(out, 0, count * item);
    for (size_t i = 0; i < count; i++)
        for (size_t bit = 0; bit < 8 * item; bit++)
            if (in[i * item + bit / 8] >> bit % 8 & 1)
                out[(bit * count + i) / 8] |= (unsigned char)(1 << i % 8);
}

static void shuffle_bytes(const unsigned char *in, unsigned char *out, size_t count, size_t item)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < item; k++)
            out[k * count + i] = in[i * item + k];
}

static bool comes_back(enum oph__simd simd, size_t count, size_t item, bool bits)
{
    static unsigned char plain[ROOM], shuffled[ROOM], got[ROOM + 1];
    uint32_t seed = (uint32_t)(count * item);

    for (size_t i = 0; i < count * item; i++) {
        seed = seed * 1664525 + 1013904223;
        plain[i] = (unsigned char)(seed >> 24);
    }
    memset(got, 0xA5, sizeof got);
    if (bits) {
        shuffle_bits(plain, shuffled, count, item);
        oph__bitunshuffle(simd, shuffled, got, count, item);
    } else {
        shuffle_bytes(plain, shuffled, count, item);
        oph__unshuffle(simd, shuffled, got, count, item);
    }
    return memcmp(plain, got, count * item) == 0 && got[count * item] == 0xA5;
}

static void test_simd(enum oph__simd simd, const char *name)
{
    for (size_t item = 1; item <= 8; item *= 2)
        for (int bits = 0; bits < 2; bits++) {
            size_t step = bits ? 8 : 1, wrong = 0;
            for (size_t count = 0; count <= MOST && !wrong; count += step)
                if (!comes_back(simd, count, item, bits)) wrong = count;
            testOk(wrong == 0, "%s of elements of %zu, %s: wrong for %zu", bits ? "bits" : "bytes",
                   item, name, wrong);
        }
}

int main(void)
{
    testPlan(0);
    test_simd(OPH__SCALAR, "by words");
    if (oph__simd_best() >= OPH__SSE2) test_simd(OPH__SSE2, "SSE2");
    if (oph__simd_best() >= OPH__AVX2) test_simd(OPH__AVX2, "AVX2");
    if (oph__simd_best() >= OPH__GFNI) test_simd(OPH__GFNI, "AVX2 and GFNI");
    return testDone();
}
