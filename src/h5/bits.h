/* Undoing shuffles: of the bytes of elements, and of their bits. */
#ifndef H5_BITS_H
#define H5_BITS_H

#include <stdbool.h>
#include <stddef.h>

/* Which instructions; all give the same. */
enum oph__simd { OPH__SCALAR, OPH__SSE2, OPH__AVX2, OPH__GFNI };
enum oph__simd oph__simd_best(void); /* of this machine */

/* Elements of 1, 2, 4 or 8 bytes. `in` and `out` have count * item bytes and do not overlap. */

/* In: all first bytes, then all second bytes, and so on. */
void oph__unshuffle(enum oph__simd simd, const void *in, void *out, size_t count, size_t item);
/* In: all lowest bits of first bytes, then the next higher bits, and so on. `count` is a multiple
 * of 8. */
void oph__bitunshuffle(enum oph__simd simd, const void *in, void *out, size_t count, size_t item);

#endif
