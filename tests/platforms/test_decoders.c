/* h5's own decoders and the forms TIFF and CBF, from bytes that are given one by one: so a machine
 * of another byte order, or of 32 bits, has to come to the same pixels. */
#include "h5/bits.h"
#include "h5/flat.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct oph__source source_of(const void *bytes, size_t size)
{
    char name[] = "/tmp/cophyd-decoders-XXXXXX";
    struct oph__source source = {.path = "decoders", .fd = mkstemp(name)};
    if (source.fd < 0 || unlink(name) || write(source.fd, bytes, size) != (ssize_t)size ||
        fstat(source.fd, &source.stat))
        testAbort("no file");
    source.form = oph__flat_form(bytes, size);
    return source;
}

static void put(unsigned char *at, bool big, int bytes, uint32_t value)
{
    for (int i = 0; i < bytes; i++)
        at[big ? bytes - 1 - i : i] = (unsigned char)(value >> 8 * i);
}

/* Of 2 rows of 3 pixels of 16 bits, as camserver lays it out. */
static size_t make_tiff(unsigned char *at, bool big)
{
    static const struct {
        uint16_t tag, type;
        uint32_t value;
    } entries[] = {{256, 4, 3}, {257, 4, 2}, {258, 3, 16}, {259, 3, 1}, {273, 4, 8},
                   {277, 3, 1}, {278, 4, 2}, {279, 4, 12}, {339, 3, 1}};
    enum { COUNT = sizeof entries / sizeof *entries, PIXELS = 8, DIRECTORY = 20 };

    memset(at, 0, 200);
    memcpy(at, big ? "MM" : "II", 2);
    put(at + 2, big, 2, 42);
    put(at + 4, big, 4, DIRECTORY);
    for (int i = 0; i < 6; i++)
        put(at + PIXELS + 2 * i, big, 2, 0x0102u + 0x1111u * (unsigned)i);
    put(at + DIRECTORY, big, 2, COUNT);
    for (int i = 0; i < COUNT; i++) {
        unsigned char *entry = at + DIRECTORY + 2 + 12 * i;
        put(entry, big, 2, entries[i].tag);
        put(entry + 2, big, 2, entries[i].type);
        put(entry + 4, big, 4, 1);
        put(entry + 8, big, entries[i].type == 3 ? 2 : 4, entries[i].value);
    }
    return DIRECTORY + 2 + 12 * COUNT + 4;
}

static void test_tiff(bool big)
{
    unsigned char bytes[200];
    struct oph__image image;
    char found[200] = "";
    uint16_t pixels[6];
    struct oph__source source = source_of(bytes, make_tiff(bytes, big));

    testOk1(source.form == OPH__FORM_TIFF);
    testOk(oph__flat_look(&source, &image, found, sizeof found) == OPH__H5_READY, "%s-endian %s",
           big ? "big" : "little", found);
    testOk1(image.dims[1] == 2 && image.dims[2] == 3 && image.dtype == OPH_UINT16 &&
            image.frame_bytes == sizeof pixels);
    testOk1(oph__source_fetch(&source, image.address, pixels, sizeof pixels) == sizeof pixels);
    for (int i = 0; i < 6; i++) {
        if (image.swapped) pixels[i] = (uint16_t)(pixels[i] << 8 | pixels[i] >> 8);
        testOk(pixels[i] == 0x0102 + 0x1111 * i, "pixel %d is %#x", i, pixels[i]);
    }
    close(source.fd);
}

static void test_cbf(void)
{
    static const char header[] = "###CBF: VERSION 1.5\r\nconversions=\"x-CBF_BYTE_OFFSET\"\r\n"
                                 "X-Binary-Size: 16\r\n"
                                 "X-Binary-Element-Type: \"signed 32-bit integer\"\r\n"
                                 "X-Binary-Number-of-Elements: 6\r\n"
                                 "X-Binary-Size-Fastest-Dimension: 3\r\n"
                                 "X-Binary-Size-Second-Dimension: 2\r\n\r\n";
    /* 5, -1; +300 in two bytes, +100000 in four; -3; and 10000 in two. */
    static const unsigned char steps[] = {5,    0xFA, 0x80, 0x2C, 0x01, 0x80, 0x00, 0x80,
                                          0xA0, 0x86, 0x01, 0x00, 0xFD, 0x80, 0x10, 0x27};
    static const int32_t wanted[] = {5, -1, 299, 100299, 100296, 110296};
    static const unsigned char mark[] = {0x0C, 0x1A, 0x04, 0xD5};
    unsigned char bytes[sizeof header + 100];
    size_t size = sizeof header - 1;
    struct oph__image image;
    char found[200] = "";
    int32_t pixels[6] = {0};

    memcpy(bytes, header, size);
    memcpy(bytes + size, mark, sizeof mark);
    memcpy(bytes + size + sizeof mark, steps, sizeof steps);
    size += sizeof mark + sizeof steps;
    struct oph__source source = source_of(bytes, size);
    testOk1(source.form == OPH__FORM_CBF);
    testOk(oph__flat_look(&source, &image, found, sizeof found) == OPH__H5_READY, "CBF %s", found);
    testOk1(image.address == size - sizeof steps && image.stored_bytes == sizeof steps);
    testOk1(oph__undo_byte_offset(steps, sizeof steps, pixels, sizeof pixels));
    testOk1(memcmp(pixels, wanted, sizeof wanted) == 0);
    testOk1(!oph__undo_byte_offset(steps, sizeof steps - 1, pixels, sizeof pixels));
    close(source.fd);
}

/* Shuffled bytes: all first ones, then all second ones; bits the same. The best way of the machine
 * comes to what the plain one does. */
static void test_shuffles(void)
{
    enum { COUNT = 1000 / 8 * 8 };
    static unsigned char in[COUNT * 8], plain[COUNT * 8], best[COUNT * 8];
    static const unsigned char bytes[] = {1, 2, 3, 4, 11, 12, 13, 14};
    unsigned char out[8];

    oph__unshuffle(OPH__SCALAR, bytes, out, 4, 2);
    testOk1(memcmp(out, "\1\13\2\14\3\15\4\16", 8) == 0);
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)(i * 167 + (i >> 5));
    /* The first bit of eight elements, then the second: element 0 has those of weight 1. */
    static const unsigned char bits[] = {1, 0, 0, 0, 0, 0, 0, 0x80};
    oph__bitunshuffle(OPH__SCALAR, bits, out, 8, 1);
    testOk1(out[0] == 1 && out[7] == 0x80 && !out[1] && !out[6]);
    for (size_t item = 1; item <= 8; item *= 2) {
        oph__unshuffle(OPH__SCALAR, in, plain, COUNT, item);
        oph__unshuffle(oph__simd_best(), in, best, COUNT, item);
        testOk(memcmp(plain, best, COUNT * item) == 0, "bytes of %zu", item);
        oph__bitunshuffle(OPH__SCALAR, in, plain, COUNT, item);
        oph__bitunshuffle(oph__simd_best(), in, best, COUNT, item);
        testOk(memcmp(plain, best, COUNT * item) == 0, "bits of %zu", item);
    }
}

int main(void)
{
    testPlan(0);
    test_tiff(false);
    test_tiff(true);
    test_cbf();
    test_shuffles();
    return testDone();
}
