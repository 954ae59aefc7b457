/* Frames of every element type, byte order, filter and shape come back as they were written. */
#include "lib/h5_test.h"
#include "lib/h5_write.h"

#include <epicsUnitTest.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 5, ROWS = 7, COLS = 9, PIXELS = FRAMES * ROWS * COLS };

static hid_t native(int dtype)
{
    const hid_t types[] = {
        H5T_NATIVE_INT8,  H5T_NATIVE_UINT8,  H5T_NATIVE_INT16, H5T_NATIVE_UINT16,
        H5T_NATIVE_INT32, H5T_NATIVE_UINT32, H5T_NATIVE_INT64, H5T_NATIVE_UINT64,
        H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE,
    };

    return types[dtype - OPH_INT8];
}

static hid_t in_order(hid_t type, H5T_order_t order)
{
    hid_t copy = H5Tcopy(type);

    H5Tset_order(copy, order);
    return copy;
}

/* Bytes that any element type may have: no NaN, which a conversion might change. */
static void fill(unsigned char *pixels, size_t items, int dtype, bool noisy)
{
    size_t size = oph_dtype_size(dtype);
    uint32_t seed = 1;

    for (size_t i = 0; i < items; i++) {
        seed = seed * 1664525 + 1013904223;
        int64_t whole =
            noisy ? (int64_t)((uint64_t)seed << 32 | (seed ^ 0x5A5A)) : (int64_t)i % 50 - 9;
        float single = (float)(int32_t)seed / 3;
        double wide = (double)(int32_t)seed / 7;
        const void *from = dtype == OPH_FLOAT32   ? (const void *)&single
                           : dtype == OPH_FLOAT64 ? (const void *)&wide
                                                  : (const void *)&whole;
        memcpy(pixels + i * size, from, size); /* little-endian: the low bytes */
    }
}

static void reverse(unsigned char *pixels, size_t items, size_t size)
{
    for (size_t i = 0; i < items; i++)
        for (size_t a = 0, b = size - 1; a < b; a++, b--) {
            unsigned char kept = pixels[i * size + a];
            pixels[i * size + a] = pixels[i * size + b];
            pixels[i * size + b] = kept;
        }
}

/* Whether `count` frames from `first` on are those of `pixels`. */
static bool same(oph_frames *frames, int64_t first, int64_t count, const void *pixels)
{
    oph_frames_info info = {.size = sizeof info};
    oph_error err = OPH_ERROR_INIT;
    bool ok = false;

    if (oph_frames_describe(frames, &info, &err) == 0) {
        size_t bytes = (size_t)(count * info.frame_bytes);
        unsigned char *got = malloc(bytes + 1);
        got[bytes] = 0xA5;
        ok = oph_frames_read(frames, first, count, got, bytes, &err) == 0 && got[bytes] == 0xA5 &&
             memcmp(got, (const char *)pixels + first * info.frame_bytes, bytes) == 0;
        free(got);
    }
    if (err.code) testDiag("%s", err.text);
    return ok;
}

static bool same_in_all_ranges(oph_frames *frames, int64_t total, const void *pixels)
{
    for (int64_t first = 0; first <= total; first++)
        for (int64_t count = 0; count <= total - first; count++)
            if (!same(frames, first, count, pixels)) {
                testDiag("%lld frames from %lld on", (long long)count, (long long)first);
                return false;
            }
    return true;
}

static const struct way {
    const char *name;
    const char *filters;
    bool chunked, shuffle, noisy;
    unsigned left_out;
    int deflate;
    unsigned lz4;
    int bitshuffle;
    unsigned block;
    const char *blosc;
    int blosc_shuffle;
} ways[] = {
    {.name = "contiguous", .filters = "none"},
    {.name = "chunks", .filters = "none", .chunked = true},
    {.name = "deflate", .filters = "deflate", .chunked = true, .deflate = 1},
    {.name = "shuffle",
     .filters = "shuffle+deflate",
     .chunked = true,
     .shuffle = true,
     .deflate = 6},
#ifdef OPH_HAVE_LZ4
    {.name = "LZ4", .filters = "LZ4", .chunked = true, .lz4 = 1 << 30},
    {.name = "LZ4 in blocks", .filters = "LZ4", .chunked = true, .lz4 = 60},
    {.name = "LZ4 of noise", .filters = "LZ4", .chunked = true, .lz4 = 64, .noisy = true},
    {.name = "LZ4 left out", .filters = "LZ4", .chunked = true, .lz4 = 64, .left_out = 1},
    {.name = "shuffle and LZ4",
     .filters = "shuffle+LZ4",
     .chunked = true,
     .shuffle = true,
     .lz4 = 64},
    {.name = "LZ4 without shuffle",
     .filters = "shuffle+LZ4",
     .chunked = true,
     .shuffle = true,
     .lz4 = 64,
     .left_out = 1},
    {.name = "shuffle without LZ4",
     .filters = "shuffle+LZ4",
     .chunked = true,
     .shuffle = true,
     .lz4 = 64,
     .left_out = 2},
    {.name = "both left out",
     .filters = "shuffle+LZ4",
     .chunked = true,
     .shuffle = true,
     .lz4 = 64,
     .left_out = 3},
    {.name = "bitshuffle and LZ4", .filters = "bitshuffle", .chunked = true, .bitshuffle = 2},
    {.name = "bitshuffle and LZ4 of noise, in blocks",
     .filters = "bitshuffle",
     .chunked = true,
     .bitshuffle = 2,
     .block = 16,
     .noisy = true},
    {.name = "bitshuffle left out",
     .filters = "bitshuffle",
     .chunked = true,
     .bitshuffle = 2,
     .left_out = 1},
#endif
    {.name = "shuffle alone", .filters = "shuffle", .chunked = true, .shuffle = true},
    {.name = "bitshuffle alone", .filters = "bitshuffle", .chunked = true, .bitshuffle = 1},
    {.name = "bitshuffle in blocks",
     .filters = "bitshuffle",
     .chunked = true,
     .bitshuffle = 1,
     .block = 24},
#ifdef OPH_HAVE_BLOSC
    {.name = "Blosc of LZ4",
     .filters = "Blosc",
     .chunked = true,
     .blosc = "lz4",
     .blosc_shuffle = 1},
    {.name = "Blosc of BloscLZ", .filters = "Blosc", .chunked = true, .blosc = "blosclz"},
    {.name = "Blosc of zlib, bits",
     .filters = "Blosc",
     .chunked = true,
     .blosc = "zlib",
     .blosc_shuffle = 2},
    {.name = "Blosc of noise", .filters = "Blosc", .chunked = true, .blosc = "lz4", .noisy = true},
#endif
};

static bool is_packed(const struct h5_options *o)
{
    return o->lz4 || o->bitshuffle || o->blosc;
}

static void test_type(int dtype, H5T_order_t order, const struct way *way)
{
    size_t size = oph_dtype_size(dtype);
    unsigned char pixels[PIXELS * 8], given[PIXELS * 8];
    struct h5_options o = {
        .type = in_order(native(dtype), order),
        .memory = native(dtype),
        .rank = 3,
        .dims = {FRAMES, ROWS, COLS},
        .chunk = {way->chunked, way->chunked ? ROWS : 0, way->chunked ? COLS : 0},
        .shuffle = way->shuffle,
        .deflate = way->deflate,
        .lz4 = way->lz4,
        .bitshuffle = way->bitshuffle,
        .block = way->block,
        .blosc = way->blosc,
        .blosc_shuffle = way->blosc_shuffle,
        .left_out = way->left_out,
    };
    const char *path = h5_test_path("types.h5");
    oph_frames_info info = {.size = sizeof info};
    oph_error err = OPH_ERROR_INIT;

    fill(pixels, PIXELS, dtype, way->noisy);
    memcpy(given, pixels, sizeof given);
    if (is_packed(&o) && order == H5T_ORDER_BE) /* these chunks are written as they are */
        reverse(given, PIXELS, size);
    bool written = h5_write(path, &o, given);
    oph_frames *frames = h5_test_open(path, NULL);
    testOk(written && frames && oph_frames_describe(frames, &info, &err) == 0 &&
               info.dtype == dtype && info.item_bytes == size && info.rank == 3 &&
               info.shape[0] == FRAMES && info.shape[1] == ROWS && info.shape[2] == COLS &&
               info.shape[3] == 1 && info.shape[9] == 1 &&
               info.frame_bytes == (int64_t)(ROWS * COLS * size) &&
               strcmp(info.filters, way->filters) == 0 && same(frames, 0, FRAMES, pixels) &&
               same(frames, 3, 1, pixels),
           "%s, %s-endian, %s", oph_dtype_name(dtype), order == H5T_ORDER_LE ? "little" : "big",
           way->name);
    oph_frames_free(frames);
    H5Tclose(o.type);
}

static const struct shape {
    const char *name;
    struct h5_options o;
} shapes[] = {
    {"whole frames", {.rank = 3, .dims = {5, 7, 9}, .chunk = {1, 7, 9}}},
    {"three frames a chunk", {.rank = 3, .dims = {5, 7, 9}, .chunk = {3, 7, 9}}},
    {"more a chunk than there are", {.rank = 3, .dims = {2, 7, 9}, .chunk = {4, 7, 9}}},
    {"rows", {.rank = 3, .dims = {5, 7, 9}, .chunk = {1, 1, 9}}},
    {"tiles that do not fit", {.rank = 3, .dims = {5, 7, 9}, .chunk = {2, 4, 5}}},
    {"columns", {.rank = 3, .dims = {5, 7, 9}, .chunk = {5, 7, 2}}},
    {"one image, in tiles", {.rank = 2, .dims = {7, 9}, .chunk = {4, 4}}},
    {"one image, contiguous", {.rank = 2, .dims = {7, 9}}},
    {"four axes", {.rank = 4, .dims = {3, 2, 5, 6}, .chunk = {2, 1, 3, 4}}},
    {"four axes, contiguous", {.rank = 4, .dims = {3, 2, 5, 6}}},
    {"contiguous", {.rank = 3, .dims = {5, 7, 9}}},
    {"contiguous, after a user block", {.rank = 3, .dims = {5, 7, 9}, .user_block = 2048}},
    {"after a user block", {.rank = 3, .dims = {5, 7, 9}, .chunk = {1, 7, 9}, .user_block = 4096}},
    {"after a user block, newest format",
     {.rank = 3, .dims = {5, 7, 9}, .chunk = {2, 7, 5}, .user_block = 512, .swmr = true}},
    {"tiles, those at the edges without filters",
     {.rank = 3,
      .dims = {5, 7, 9},
      .chunk = {2, 4, 5},
      .shuffle = true,
      .swmr = true,
      .plain_edges = true}},
    {"newest format", {.rank = 3, .dims = {5, 7, 9}, .chunk = {1, 7, 9}, .swmr = true}},
#ifdef OPH_HAVE_LZ4
    {"LZ4, two frames a chunk", {.rank = 3, .dims = {5, 7, 9}, .chunk = {2, 7, 9}, .lz4 = 100}},
    {"LZ4, tiles", {.rank = 3, .dims = {5, 7, 9}, .chunk = {2, 4, 5}, .lz4 = 100}},
    {"bitshuffle, tiles", {.rank = 3, .dims = {5, 7, 9}, .chunk = {1, 4, 5}, .bitshuffle = 2}},
    {"bitshuffle, one image", {.rank = 2, .dims = {7, 9}, .chunk = {3, 9}, .bitshuffle = 2}},
#endif
};

/* Every part of each frame, against the same cut out of the pixels. */
static bool same_parts(oph_frames *frames, const struct h5_options *o, const uint16_t *pixels)
{
    const int rank = o->rank == 2 ? 3 : o->rank;
    const hsize_t *dims = o->dims + (o->rank != 2);
    uint16_t got[PIXELS], wanted[PIXELS];
    int64_t total = o->rank == 2 ? 1 : (int64_t)o->dims[0];
    uint32_t seed = 7;
    oph_error err = OPH_ERROR_INIT;

    for (int turn = 0; turn < 300; turn++) {
        int64_t from[3], size[3], first, count, items = 1, n = 0;
        for (int i = 0; i < rank - 1; i++) {
            seed = seed * 1664525 + 1013904223;
            from[i] = (int64_t)((seed >> 8) % dims[i]);
            size[i] = 1 + (int64_t)((seed >> 16) % (dims[i] - (hsize_t)from[i]));
            items *= size[i];
        }
        first = turn % total;
        count = 1 + turn / 7 % (total - first);
        for (int64_t f = first; f < first + count; f++)
            for (int64_t i = 0; i < items; i++) {
                int64_t at = 0, rest = i, stride = 1;
                for (int axis = rank - 2; axis >= 0; axis--) {
                    at += (from[axis] + rest % size[axis]) * stride;
                    rest /= size[axis];
                    stride *= (int64_t)dims[axis];
                }
                wanted[n++] = pixels[f * stride + at];
            }
        if (oph_frames_read_region(frames, first, count, from, size, got, (size_t)(2 * n), &err) ||
            memcmp(got, wanted, (size_t)(2 * n)) != 0) {
            testDiag("turn %d: %s", turn, err.text);
            return false;
        }
    }
    return true;
}

static void test_shape(const struct shape *shape, H5T_order_t order, int deflate)
{
    uint16_t pixels[PIXELS], given[PIXELS];
    struct h5_options o = shape->o;
    const char *path = h5_test_path("shapes.h5");
    int64_t total = o.rank == 2 ? 1 : (int64_t)o.dims[0];

    if (deflate && (is_packed(&o) || !o.chunk[0])) return;
    o.type = in_order(H5T_NATIVE_UINT16, order);
    o.memory = H5T_NATIVE_UINT16;
    o.deflate = deflate;
    for (int i = 0; i < PIXELS; i++)
        pixels[i] = (uint16_t)(i * 257 + 1);
    memcpy(given, pixels, sizeof given);
    if (is_packed(&o) && order == H5T_ORDER_BE) reverse((unsigned char *)given, PIXELS, 2);
    bool written = h5_write(path, &o, given);
    oph_frames *frames = h5_test_open(path, NULL);
    testOk(written && frames && same_in_all_ranges(frames, total, pixels) &&
               same_parts(frames, &shape->o, pixels),
           "%s, %s-endian%s", shape->name, order == H5T_ORDER_LE ? "little" : "big",
           deflate ? ", deflate" : "");
    oph_frames_free(frames);
    H5Tclose(o.type);
}

static void test_one_image(void)
{
    int32_t pixels[6] = {1, -2, 3, -4, 5, -6};
    struct h5_options o = {.type = H5T_NATIVE_INT32,
                           .memory = H5T_NATIVE_INT32,
                           .rank = 2,
                           .dims = {2, 3},
                           .user_block = 1024,
                           .dataset = "/exchange/data"};
    const char *path = h5_test_path("image.h5");
    oph_frames_info info = {.size = sizeof info};
    oph_error err;

    testOk1(h5_write(path, &o, pixels));
    oph_frames *frames = h5_test_open(path, "/exchange/data");
    testOk(frames && oph_frames_describe(frames, &info, &err) == 0 && info.rank == 3 &&
               info.shape[0] == 1 && info.shape[1] == 2 && info.shape[2] == 3 &&
               same(frames, 0, 1, pixels),
           "[y, x] is one frame [1, y, x], after a user block");
    oph_frames_free(frames);
}

/* libhdf5 gives an address, that of the user block's end, for what has none. */
static void test_never_written(void)
{
    int16_t pixels[12];
    const struct h5_options o = {.type = H5T_NATIVE_INT16,
                                 .memory = H5T_NATIVE_INT16,
                                 .rank = 3,
                                 .dims = {3, 2, 2},
                                 .user_block = 512};
    const char *path = h5_test_path("unwritten.h5");
    oph_error err = OPH_ERROR_INIT;

    testOk1(h5_write(path, &o, NULL));
    oph_frames *frames = h5_test_open(path, NULL);
    int rc = frames ? oph_frames_read(frames, 0, 1, pixels, sizeof pixels, &err) : 0;
    testOk(h5_test_says(rc, OPH_EFILE, &err, "never written"), "%s", err.text);
    oph_frames_free(frames);
}

/* Elements of 12 bits in 16, as N-bit files have them: libhdf5 converts. */
static void test_packed(void)
{
    int16_t pixels[12];
    struct h5_options o = {.type = H5Tcopy(H5T_NATIVE_INT16),
                           .memory = H5T_NATIVE_INT16,
                           .rank = 3,
                           .dims = {3, 2, 2},
                           .chunk = {1, 2, 2}};
    const char *path = h5_test_path("packed.h5");

    H5Tset_precision(o.type, 12);
    for (int i = 0; i < 12; i++)
        pixels[i] = (int16_t)(i * 300 - 2000);
    testOk1(h5_write(path, &o, pixels));
    oph_frames *frames = h5_test_open(path, NULL);
    testOk(frames && same_in_all_ranges(frames, 3, pixels), "12 bits in 16");
    oph_frames_free(frames);
    H5Tclose(o.type);
}

static void test_regions(void)
{
    int32_t pixels[12] = {0}, out[12];
    struct h5_options o = {.type = H5T_NATIVE_INT32,
                           .memory = H5T_NATIVE_INT32,
                           .rank = 3,
                           .dims = {3, 2, 2},
                           .chunk = {1, 2, 2}};
    const char *path = h5_test_path("regions.h5");
    const int64_t from[] = {1, 0}, none[] = {1, 0}, much[] = {2, 1}, huge[] = {INT64_MAX, 1};
    oph_error err;

    testOk1(h5_write(path, &o, pixels));
    oph_frames *f = h5_test_open(path, NULL);
    if (!f) testAbort("no file");
    testOk1(h5_test_says(oph_frames_read_region(f, 0, 1, from, none, out, sizeof out, &err),
                         OPH_ERANGE, &err,
                         "0 pixels from number 0 on|2 along axis 2 of each frame|regions.h5"));
    testOk1(h5_test_says(oph_frames_read_region(f, 0, 1, from, much, out, sizeof out, &err),
                         OPH_ERANGE, &err, "2 pixels from number 1 on|2 along axis 1"));
    testOk1(h5_test_says(oph_frames_read_region(f, 0, 1, from, huge, out, sizeof out, &err),
                         OPH_ERANGE, &err, "2 along axis 1"));
    testOk1(h5_test_says(oph_frames_read_region(f, 0, 1, huge, NULL, out, sizeof out, &err),
                         OPH_ERANGE, &err, "2 along axis 1"));
    testOk1(h5_test_says(oph_frames_read_region(f, 0, 3, from, NULL, out, 23, &err), OPH_ERANGE,
                         &err, "24 bytes for 3 frames"));
    testOk1(oph_frames_read_region(f, 0, 3, from, NULL, out, 24, &err) == 0);
    oph_frames_free(f);
}

static void test_ranges(void)
{
    int32_t pixels[12] = {0}, out[12];
    struct h5_options o = {.type = H5T_NATIVE_INT32,
                           .memory = H5T_NATIVE_INT32,
                           .rank = 3,
                           .dims = {3, 2, 2},
                           .chunk = {1, 2, 2}};
    const char *path = h5_test_path("ranges.h5");
    oph_frames_info info = {.size = 8};
    oph_error err;

    testOk1(h5_write(path, &o, pixels));
    oph_frames *f = h5_test_open(path, NULL);
    if (!f) testAbort("no file");
    testOk1(h5_test_says(oph_frames_read(f, 2, 2, out, sizeof out, &err), OPH_ERANGE, &err,
                         "2 frames from number 2 on|3 frames|ranges.h5"));
    testOk1(h5_test_says(oph_frames_read(f, -1, 1, out, sizeof out, &err), OPH_ERANGE, &err,
                         "from number -1"));
    testOk1(h5_test_says(oph_frames_read(f, 0, -1, out, sizeof out, &err), OPH_ERANGE, &err,
                         "-1 frames"));
    testOk1(h5_test_says(oph_frames_read(f, 4, 0, out, sizeof out, &err), OPH_ERANGE, &err,
                         "from number 4"));
    testOk1(h5_test_says(oph_frames_read(f, INT64_MAX, INT64_MAX, out, sizeof out, &err),
                         OPH_ERANGE, &err, "3 frames"));
    testOk1(h5_test_says(oph_frames_read(f, 1, INT64_MAX, out, sizeof out, &err), OPH_ERANGE, &err,
                         "3 frames"));
    testOk1(h5_test_says(oph_frames_read(f, 0, 2, out, 31, &err), OPH_ERANGE, &err,
                         "32 bytes for 2 frames|31 bytes"));
    testOk1(h5_test_says(oph_frames_read(f, 0, 1, NULL, 16, &err), OPH_EINVAL, &err, "NULL"));
    testOk1(h5_test_says(oph_frames_read(NULL, 0, 1, out, 16, &err), OPH_EINVAL, &err, "NULL"));
    testOk1(oph_frames_read(f, 0, 0, NULL, 0, NULL) == 0);
    testOk1(oph_frames_read(f, 0, 4, out, sizeof out, NULL) == OPH_ERANGE);
    testOk1(h5_test_says(oph_frames_describe(f, &info, &err), OPH_EINVAL, &err, "size|found 8"));
    testOk1(h5_test_says(oph_frames_describe(f, NULL, &err), OPH_EINVAL, &err, "NULL"));
    oph_frames_free(f);
    oph_frames_free(NULL);
}

struct reader {
    pthread_t thread;
    oph_frames *frames;
    const void *pixels;
    bool ok;
};

static void *read_often(void *arg)
{
    struct reader *reader = arg;

    reader->ok = true;
    for (int i = 0; i < 200 && reader->ok; i++)
        reader->ok = same(reader->frames, i % FRAMES, FRAMES - i % FRAMES, reader->pixels);
    return NULL;
}

static void test_threads(void)
{
    uint32_t pixels[PIXELS];
    struct h5_options o = {.type = H5T_NATIVE_UINT32,
                           .memory = H5T_NATIVE_UINT32,
                           .rank = 3,
                           .dims = {FRAMES, ROWS, COLS},
                           .chunk = {2, ROWS, COLS},
                           .deflate = 1};
    const char *path = h5_test_path("threads.h5");
    struct reader readers[4];
    bool ok = true;

    fill((unsigned char *)pixels, PIXELS, OPH_UINT32, true);
    testOk1(h5_write(path, &o, pixels));
    oph_frames *one = h5_test_open(path, NULL), *two = h5_test_open(path, NULL);
    if (!one || !two) testAbort("no file");
    for (int i = 0; i < 4; i++) {
        readers[i] = (struct reader){.frames = i % 2 ? one : two, .pixels = pixels};
        pthread_create(&readers[i].thread, NULL, read_often, &readers[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(readers[i].thread, NULL);
        ok = ok && readers[i].ok;
    }
    testOk(ok, "four threads, two handles");
    oph_frames_free(one);
    oph_frames_free(two);
}

/* What is built in, what libhdf5 has, and what neither has. */
static void test_can_read(void)
{
    static const char *const here[] = {
        "deflate", "shuffle", "nbit",
#ifdef OPH_HAVE_LZ4
        "LZ4",     "lz4",     "bitshuffle",
#endif
#ifdef OPH_HAVE_BLOSC
        "Blosc",
#endif
    };
    oph_error err = OPH_ERROR_INIT;

    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        testOk(oph_frames_can_read(here[i], &err) == 0, "%s: %s", here[i], err.text);
    testOk1(h5_test_says(oph_frames_can_read("JPEG", &err), OPH_EFILE, &err,
                         "filter 32019 (JPEG)|HDF5_PLUGIN_PATH|HDF5_jpeg_plugin"));
    testOk1(h5_test_says(oph_frames_can_read("LZF", &err), OPH_EFILE, &err,
                         "filter 32000 (LZF)|h5py alone has it"));
    testOk1(h5_test_says(oph_frames_can_read(NULL, &err), OPH_EINVAL, &err, "found NULL"));
    testOk1(h5_test_says(oph_frames_can_read("ZIP", &err), OPH_ENOTFOUND, &err, "found ZIP"));
}

int main(void)
{
    const H5T_order_t orders[] = {H5T_ORDER_LE, H5T_ORDER_BE};

    testPlan(0);
    for (int dtype = OPH_INT8; dtype <= OPH_FLOAT64; dtype++)
        for (int order = 0; order < 2; order++)
            for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
                test_type(dtype, orders[order], &ways[i]);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int order = 0; order < 2; order++)
            for (int deflate = 0; deflate < 2; deflate++)
                test_shape(&shapes[i], orders[order], deflate);
    test_one_image();
    test_packed();
    test_never_written();
    test_regions();
    test_ranges();
    test_threads();
    test_can_read();
    h5_test_cleanup();
    return testDone();
}
