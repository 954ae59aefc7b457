/* A shuffled block is a matrix that was transposed: of bytes, or of bits. It goes back 8 x 8 bits
 * or a vector of bytes at a time; what is less than a vector, or on other machines, by 64-bit
 * words. */
#include "h5/bits.h"

#include <stdint.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("sse2")))
#define INLINE TARGET static inline __attribute__((always_inline))
#define NAME(x) x##_sse2
#define VECTOR __m128i
#define WIDTH 16
#define LOAD(at) _mm_loadu_si128((const __m128i *)(const void *)(at))
#define STORE(at, apart, v) ((void)(apart), _mm_storeu_si128((__m128i *)(void *)(at), v))
#define ALL(byte) _mm_set1_epi8(byte)
#define AND _mm_and_si128
#define XOR _mm_xor_si128
#define LEFT _mm_slli_epi16
#define RIGHT _mm_srli_epi16
#define ZIP_LOW _mm_unpacklo_epi8
#define ZIP_HIGH _mm_unpackhi_epi8
#include "h5/bits_simd.h"
#undef TARGET
#undef NAME
#undef VECTOR
#undef WIDTH
#undef LOAD
#undef STORE
#undef ALL
#undef AND
#undef XOR
#undef LEFT
#undef RIGHT
#undef ZIP_LOW
#undef ZIP_HIGH

#define TARGET __attribute__((target("avx2")))
#define NAME(x) x##_avx2
#define VECTOR __m256i
#define WIDTH 32
#define LOAD(at) _mm256_loadu_si256((const __m256i *)(const void *)(at))
#define STORE(at, apart, v)                                                                        \
    do {                                                                                           \
        unsigned char *low = (at);                                                                 \
        _mm_storeu_si128((__m128i *)(void *)low, _mm256_castsi256_si128(v));                       \
        _mm_storeu_si128((__m128i *)(void *)(low + (apart)), _mm256_extracti128_si256(v, 1));      \
    } while (0)
#define ALL(byte) _mm256_set1_epi8(byte)
#define AND _mm256_and_si256
#define XOR _mm256_xor_si256
#define LEFT _mm256_slli_epi16
#define RIGHT _mm256_srli_epi16
#define ZIP_LOW _mm256_unpacklo_epi8
#define ZIP_HIGH _mm256_unpackhi_epi8
#include "h5/bits_simd.h"
#undef TARGET
#undef NAME

#define TARGET __attribute__((target("avx2,gfni")))
#define NAME(x) x##_gfni
#define TRANSPOSED(v) _mm256_gf2p8affine_epi64_epi8(_mm256_set1_epi64x(ONE_BIT_EACH), v, 0)
/* Byte i has bit i. */
static const long long ONE_BIT_EACH = INT64_MIN + 0x0040201008040201;
#include "h5/bits_simd.h"

enum oph__simd oph__simd_best(void)
{
    if (!__builtin_cpu_supports("avx2")) return OPH__SSE2;
    return __builtin_cpu_supports("gfni") ? OPH__GFNI : OPH__AVX2;
}

static size_t vectors_of_bytes(enum oph__simd simd, const void *in, void *out, size_t count,
                               size_t item)
{
    return simd == OPH__GFNI   ? bytes_gfni(in, out, count, item)
           : simd == OPH__AVX2 ? bytes_avx2(in, out, count, item)
           : simd == OPH__SSE2 ? bytes_sse2(in, out, count, item)
                               : 0;
}

static size_t vectors_of_bits(enum oph__simd simd, const void *in, void *out, size_t count,
                              size_t item)
{
    return simd == OPH__GFNI   ? bits_gfni(in, out, count, item)
           : simd == OPH__AVX2 ? bits_avx2(in, out, count, item)
           : simd == OPH__SSE2 ? bits_sse2(in, out, count, item)
                               : 0;
}

#else

enum oph__simd oph__simd_best(void)
{
    return OPH__SCALAR;
}

static size_t vectors_of_bytes(enum oph__simd simd, const void *in, void *out, size_t count,
                               size_t item)
{
    (void)simd, (void)in, (void)out, (void)count, (void)item;
    return 0;
}

static size_t vectors_of_bits(enum oph__simd simd, const void *in, void *out, size_t count,
                              size_t item)
{
    return vectors_of_bytes(simd, in, out, count, item);
}

#endif

void oph__unshuffle(enum oph__simd simd, const void *in, void *out, size_t count, size_t item)
{
    const unsigned char *from = in;
    unsigned char *to = out;

    if (item == 1) {
        memcpy(out, in, count);
        return;
    }
    for (size_t i = vectors_of_bytes(simd, in, out, count, item); i < count; i++)
        for (size_t k = 0; k < item; k++)
            to[item * i + k] = from[count * k + i];
}

/* Byte b of the word, bit j becomes byte j, bit b. */
static uint64_t transpose(uint64_t word)
{
    uint64_t swap = (word ^ word >> 7) & 0x00AA00AA00AA00AA;
    word ^= swap ^ swap << 7;
    swap = (word ^ word >> 14) & 0x0000CCCC0000CCCC;
    word ^= swap ^ swap << 14;
    swap = (word ^ word >> 28) & 0x00000000F0F0F0F0;
    return word ^ swap ^ swap << 28;
}

void oph__bitunshuffle(enum oph__simd simd, const void *in, void *out, size_t count, size_t item)
{
    const unsigned char *from = in;
    unsigned char *to = out;
    const size_t row = count / 8;

    for (size_t i = vectors_of_bits(simd, in, out, count, item); i < count; i += 8)
        for (size_t k = 0; k < item; k++) {
            uint64_t word = 0;
            for (size_t b = 0; b < 8; b++)
                word |= (uint64_t)from[(8 * k + b) * row + i / 8] << 8 * b;
            word = transpose(word);
            for (size_t j = 0; j < 8; j++)
                to[(i + j) * item + k] = (unsigned char)(word >> 8 * j);
        }
}
