/* The kernels of bits.c for one set of vector instructions; included once for each. Wanted: VECTOR,
 * its bytes WIDTH, NAME(x), INLINE and what is used below.
 *
 * ZIP_LOW and ZIP_HIGH interleave the bytes of two vectors. Those of AVX2 do so in each half of 16
 * bytes by itself, so a vector there carries two streams: STORE puts their parts, which are `apart`
 * bytes from each other, where they belong. TRANSPOSED(v), where there is such an instruction, is
 * a matrix of bits in each 8 bytes of v with its rows upside down and then transposed. */

#ifndef TRANSPOSED
/* Bits `shift` higher in a against those `shift` lower in b. */
#define SWAP(a, b, shift, mask)                                                                    \
    do {                                                                                           \
        VECTOR both = AND(XOR(RIGHT(a, shift), b), mask);                                          \
        (b) = XOR(b, both);                                                                        \
        (a) = XOR(a, LEFT(both, shift));                                                           \
    } while (0)

/* r[row] bit column becomes r[column] bit row, in each byte by itself. */
INLINE void NAME(transpose)(VECTOR r[8])
{
    const VECTOR four = ALL(0x0F), two = ALL(0x33), one = ALL(0x55);

    SWAP(r[0], r[4], 4, four);
    SWAP(r[1], r[5], 4, four);
    SWAP(r[2], r[6], 4, four);
    SWAP(r[3], r[7], 4, four);
    SWAP(r[0], r[2], 2, two);
    SWAP(r[1], r[3], 2, two);
    SWAP(r[4], r[6], 2, two);
    SWAP(r[5], r[7], 2, two);
    SWAP(r[0], r[1], 1, one);
    SWAP(r[2], r[3], 1, one);
    SWAP(r[4], r[5], 1, one);
    SWAP(r[6], r[7], 1, one);
}
#undef SWAP
#endif

INLINE void NAME(zip2)(const VECTOR in[2], VECTOR out[2])
{
    out[0] = ZIP_LOW(in[0], in[1]);
    out[1] = ZIP_HIGH(in[0], in[1]);
}

INLINE void NAME(zip4)(const VECTOR in[4], VECTOR out[4])
{
    VECTOR even[2] = {ZIP_LOW(in[0], in[2]), ZIP_HIGH(in[0], in[2])};
    VECTOR odd[2] = {ZIP_LOW(in[1], in[3]), ZIP_HIGH(in[1], in[3])};

    out[0] = ZIP_LOW(even[0], odd[0]);
    out[1] = ZIP_HIGH(even[0], odd[0]);
    out[2] = ZIP_LOW(even[1], odd[1]);
    out[3] = ZIP_HIGH(even[1], odd[1]);
}

INLINE void NAME(zip8)(const VECTOR in[8], VECTOR out[8])
{
    const VECTOR evens[4] = {in[0], in[2], in[4], in[6]}, odds[4] = {in[1], in[3], in[5], in[7]};
    VECTOR even[4], odd[4];

    NAME(zip4)(evens, even);
    NAME(zip4)(odds, odd);
    out[0] = ZIP_LOW(even[0], odd[0]);
    out[1] = ZIP_HIGH(even[0], odd[0]);
    out[2] = ZIP_LOW(even[1], odd[1]);
    out[3] = ZIP_HIGH(even[1], odd[1]);
    out[4] = ZIP_LOW(even[2], odd[2]);
    out[5] = ZIP_HIGH(even[2], odd[2]);
    out[6] = ZIP_LOW(even[3], odd[3]);
    out[7] = ZIP_HIGH(even[3], odd[3]);
}

INLINE void NAME(zip)(const VECTOR *in, VECTOR *out, size_t item)
{
    if (item == 8)
        NAME(zip8)(in, out);
    else if (item == 4)
        NAME(zip4)(in, out);
    else if (item == 2)
        NAME(zip2)(in, out);
    else
        out[0] = in[0];
}

/* Elements WIDTH at a time; returns how many. `item` is a constant in each call. */
INLINE size_t NAME(bytes_of)(const unsigned char *in, unsigned char *out, size_t count, size_t item)
{
    size_t done = 0;

    for (; count - done >= WIDTH; done += WIDTH) {
        VECTOR planes[8], zipped[8];
        for (size_t k = 0; k < item; k++)
            planes[k] = LOAD(in + k * count + done);
        NAME(zip)(planes, zipped, item);
        for (size_t k = 0; k < item; k++)
            STORE(out + done * item + 16 * k, 16 * item, zipped[k]);
    }
    return done;
}

/* One byte each of 8 * WIDTH elements, out of its 8 rows of bits. */
INLINE void NAME(plane)(const unsigned char *in, size_t row, VECTOR out[8])
{
#ifdef TRANSPOSED
    const VECTOR r[8] = {
        LOAD(in + 7 * row), LOAD(in + 6 * row), LOAD(in + 5 * row), LOAD(in + 4 * row),
        LOAD(in + 3 * row), LOAD(in + 2 * row), LOAD(in + row),     LOAD(in)};
    NAME(zip8)(r, out);
    for (size_t i = 0; i < 8; i++)
        out[i] = TRANSPOSED(out[i]);
#else
    VECTOR r[8] = {LOAD(in),           LOAD(in + row),     LOAD(in + 2 * row), LOAD(in + 3 * row),
                   LOAD(in + 4 * row), LOAD(in + 5 * row), LOAD(in + 6 * row), LOAD(in + 7 * row)};
    NAME(transpose)(r);
    NAME(zip8)(r, out);
#endif
}

/* Elements 8 * WIDTH at a time; returns how many. */
INLINE size_t NAME(bits_of)(const unsigned char *in, unsigned char *out, size_t count, size_t item)
{
    const size_t row = count / 8;
    size_t done = 0;

    for (; row - done >= WIDTH; done += WIDTH) {
        VECTOR planes[8][8];
        for (size_t k = 0; k < item; k++)
            NAME(plane)(in + 8 * k * row + done, row, planes[k]);
        for (size_t i = 0; i < 8; i++) {
            VECTOR column[8], zipped[8];
            for (size_t k = 0; k < item; k++)
                column[k] = planes[k][i];
            NAME(zip)(column, zipped, item);
            for (size_t k = 0; k < item; k++)
                STORE(out + 8 * done * item + 16 * (item * i + k), 128 * item, zipped[k]);
        }
    }
    return 8 * done;
}

TARGET static size_t NAME(bytes)(const unsigned char *in, unsigned char *out, size_t count,
                                 size_t item)
{
    switch (item) {
    case 2: return NAME(bytes_of)(in, out, count, 2);
    case 4: return NAME(bytes_of)(in, out, count, 4);
    default: return NAME(bytes_of)(in, out, count, 8);
    }
}

TARGET static size_t NAME(bits)(const unsigned char *in, unsigned char *out, size_t count,
                                size_t item)
{
    switch (item) {
    case 1: return NAME(bits_of)(in, out, count, 1);
    case 2: return NAME(bits_of)(in, out, count, 2);
    case 4: return NAME(bits_of)(in, out, count, 4);
    default: return NAME(bits_of)(in, out, count, 8);
    }
}
