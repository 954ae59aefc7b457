/* TIFF and CBF frames, by the same calls; built here byte by byte, cut and damaged. */
#include "h5/h5.h"
#include "lib/h5_test.h"

#include <epicsUnitTest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 13, COLS = 17, PIXELS = ROWS * COLS, ROOM = 1 << 16 };

struct bytes {
    unsigned char at[ROOM];
    size_t size;
};

static int32_t pixels[PIXELS];

static void put(struct bytes *b, const void *from, size_t size)
{
    if (b->size + size > ROOM) testAbort("no room");
    memcpy(b->at + b->size, from, size);
    b->size += size;
}

static void put_number(struct bytes *b, uint64_t value, int bytes, bool big)
{
    for (int i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)(value >> 8 * (big ? bytes - 1 - i : i));
        put(b, &byte, 1);
    }
}

static void put_entry(struct bytes *b, int tag, int type, uint32_t count, uint32_t value, bool big)
{
    put_number(b, (uint64_t)tag, 2, big);
    put_number(b, (uint64_t)type, 2, big);
    put_number(b, count, 4, big);
    if (type == 3 && count == 1) { /* it stands at the left */
        put_number(b, value, 2, big);
        put_number(b, 0, 2, big);
    } else {
        put_number(b, value, 4, big);
    }
}

struct tiff {
    bool big, at_end; /* byte order; the directory after the pixels */
    uint32_t strips, bits, format, compression, samples, next;
};

enum { ENTRIES = 8, DIRECTORY = 2 + 12 * ENTRIES + 4 };

/* Header, directory, lists of strips, pixels; or the pixels before the directory. */
static struct bytes make_tiff(struct tiff t)
{
    static struct bytes b;
    const uint32_t rows = (ROWS + t.strips - 1) / t.strips, bytes = t.bits / 8;
    const uint32_t lists = t.strips > 1 ? 8 * t.strips : 0, all = PIXELS * bytes;
    const uint32_t directory = t.at_end ? 8 + all : 8, list = directory + DIRECTORY;
    const uint32_t first = t.at_end ? 8 : list + lists;

    b.size = 0;
    put(&b, t.big ? "MM\0*" : "II*\0", 4);
    put_number(&b, directory, 4, t.big);
    for (int turn = 0; turn < 2; turn++) {
        if ((turn == 0) == t.at_end) {
            for (int i = 0; i < PIXELS; i++)
                put_number(&b, (uint64_t)pixels[i], (int)bytes, t.big);
            continue;
        }
        put_number(&b, ENTRIES, 2, t.big);
        put_entry(&b, 256, 3, 1, COLS, t.big);
        put_entry(&b, 257, 4, 1, ROWS, t.big);
        put_entry(&b, 258, 3, 1, t.bits, t.big);
        put_entry(&b, 259, 3, 1, t.compression, t.big);
        put_entry(&b, 273, 4, t.strips, t.strips > 1 ? list : first, t.big);
        put_entry(&b, 277, 3, 1, t.samples, t.big);
        put_entry(&b, 279, 4, t.strips, t.strips > 1 ? list + 4 * t.strips : all, t.big);
        put_entry(&b, 339, 3, 1, t.format, t.big);
        put_number(&b, t.next, 4, t.big);
        for (uint32_t i = 0; lists && i < t.strips; i++)
            put_number(&b, first + i * rows * COLS * bytes, 4, t.big);
        for (uint32_t i = 0; lists && i < t.strips; i++)
            put_number(&b, (i + 1 < t.strips ? rows : ROWS - rows * (t.strips - 1)) * COLS * bytes,
                       4, t.big);
    }
    return b;
}

static size_t encode(const int32_t *values, int count, struct bytes *b)
{
    size_t before = b->size;
    int64_t last = 0;

    for (int i = 0; i < count; i++) {
        int64_t step = values[i] - last;
        last = values[i];
        if (step > -128 && step < 128) {
            put_number(b, (uint64_t)step, 1, false);
            continue;
        }
        put_number(b, 0x80, 1, false);
        if (step > -32768 && step < 32768) {
            put_number(b, (uint64_t)step, 2, false);
            continue;
        }
        put_number(b, 0x8000, 2, false);
        if (step > INT32_MIN && step <= INT32_MAX) {
            put_number(b, (uint64_t)step, 4, false);
            continue;
        }
        put_number(b, 0x80000000, 4, false);
        put_number(b, (uint64_t)step, 8, false);
    }
    return b->size - before;
}

static struct bytes make_cbf(const char *conversion, const char *type, int rows)
{
    static struct bytes b, data;
    char header[1024];

    data.size = 0;
    size_t size = encode(pixels, PIXELS, &data);
    b.size = 0;
    snprintf(header, sizeof header,
             "###CBF: VERSION 1.5, CBFlib v0.7.8 - SLS/DECTRIS PILATUS detectors\r\n\r\n"
             "data_raw_0001\r\n\r\n_array_data.header_convention \"SLS_1.0\"\r\n"
             "_array_data.header_contents\r\n;\r\n# Detector: PILATUS 300K\r\n;\r\n\r\n"
             "_array_data.data\r\n;\r\n--CIF-BINARY-FORMAT-SECTION--\r\n"
             "Content-Type: application/octet-stream;\r\n     conversions=\"%s\"\r\n"
             "Content-Transfer-Encoding: BINARY\r\nX-Binary-Size: %zu\r\nX-Binary-ID: 1\r\n"
             "X-Binary-Element-Type: \"%s\"\r\nX-Binary-Element-Byte-Order: LITTLE_ENDIAN\r\n"
             "X-Binary-Number-of-Elements: %d\r\nX-Binary-Size-Fastest-Dimension: %d\r\n"
             "X-Binary-Size-Second-Dimension: %d\r\nX-Binary-Size-Padding: 4095\r\n\r\n",
             conversion, size, type, PIXELS, COLS, rows);
    put(&b, header, strlen(header));
    put(&b, "\x0C\x1A\x04\xD5", 4);
    put(&b, data.at, data.size);
    put(&b, "\r\n--CIF-BINARY-FORMAT-SECTION----\r\n;\r\n", 39);
    return b;
}

static const char *store(const char *name, const struct bytes *b, size_t size)
{
    const char *path = h5_test_path(name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    if (fd < 0 || write(fd, b->at, size) != (ssize_t)size) testAbort("cannot write %s", path);
    close(fd);
    return path;
}

/* One frame of this type, whose pixels are ours. */
static bool is_frame(const char *path, enum oph_dtype dtype, const char *filters)
{
    oph_frames_info info = {.size = sizeof info};
    oph_frames *frames = h5_test_open(path, NULL);
    unsigned char got[PIXELS * 8];
    const int64_t from[] = {2, 3}, extent[] = {5, 7};
    int32_t part[35];
    oph_error err = OPH_ERROR_INIT;
    size_t size = oph_dtype_size(dtype);

    if (!frames) return false;
    bool ok = oph_frames_describe(frames, &info, &err) == 0 && info.dtype == (int32_t)dtype &&
              info.rank == 3 && info.shape[0] == 1 && info.shape[1] == ROWS &&
              info.shape[2] == COLS && strcmp(info.filters, filters) == 0 &&
              oph_frames_read(frames, 0, 1, got, size * PIXELS, &err) == 0;
    for (int i = 0; i < PIXELS && ok; i++) {
        uint64_t wanted = (uint64_t)pixels[i];
        ok = memcmp(got + (size_t)i * size, &wanted, size) == 0;
    }
    if (ok && dtype == OPH_INT32)
        ok = oph_frames_read_region(frames, 0, 1, from, extent, part, sizeof part, &err) == 0 &&
             part[0] == pixels[2 * COLS + 3] && part[34] == pixels[6 * COLS + 9];
    if (err.code) testDiag("%s", err.text);
    oph_frame_stamp stamp;
    ok = ok && oph_frames_stamps(frames, 0, 1, &stamp, &err) == 0 && stamp.unique_id == -1;
    oph_frames_free(frames);
    return ok;
}

static bool refused(const char *path, int code, const char *words)
{
    oph_frames *frames = NULL;
    oph_error err = OPH_ERROR_INIT;
    bool ok = h5_test_says(oph_frames_open(path, NULL, 0, &frames, &err), code, &err, words);

    oph_frames_free(frames);
    return ok;
}

static const struct tiff plain = {
    .strips = 1, .bits = 32, .format = 2, .compression = 1, .samples = 1};

static void test_tiff(void)
{
    static const struct {
        uint32_t bits, format;
        enum oph_dtype dtype;
    } types[] = {
        {8, 1, OPH_UINT8},    {8, 2, OPH_INT8},     {16, 1, OPH_UINT16}, {16, 2, OPH_INT16},
        {32, 1, OPH_UINT32},  {32, 2, OPH_INT32},   {64, 1, OPH_UINT64}, {64, 2, OPH_INT64},
        {32, 3, OPH_FLOAT32}, {64, 3, OPH_FLOAT64},
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (int way = 0; way < 8; way++) {
            struct tiff t = plain;
            t.bits = types[i].bits;
            t.format = types[i].format;
            t.big = way & 1;
            t.at_end = way & 2;
            t.strips = way & 4 ? 4 : 1;
            struct bytes b = make_tiff(t);
            testOk(is_frame(store("frame.tif", &b, b.size), types[i].dtype, "none"),
                   "TIFF of %s, %s-endian, %u strips%s", oph_dtype_name(types[i].dtype),
                   t.big ? "big" : "little", t.strips, t.at_end ? ", pixels first" : "");
        }
}

static void test_other_tiff(void)
{
    static const struct {
        struct tiff t;
        const char *words;
    } others[] = {
        {{.strips = 1, .bits = 32, .format = 2, .compression = 5, .samples = 1}, "compression 5"},
        {{.strips = 1, .bits = 8, .format = 1, .compression = 1, .samples = 3}, "3 colours"},
        {{.strips = 1, .bits = 32, .format = 2, .compression = 1, .samples = 1, .next = 8},
         "several images"},
        {{.strips = 1, .bits = 24, .format = 2, .compression = 1, .samples = 1},
         "24 bits, format 2"},
    };

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct bytes b = make_tiff(others[i].t);
        testOk(refused(store("other.tif", &b, b.size), OPH_EFILE, others[i].words), "TIFF: %s",
               others[i].words);
    }
}

/* As many strips as fit in a file of holes, all of them empty: nobody goes through them all. */
static void test_hollow_tiff(void)
{
    enum { STRIPS = 200000000 };
    static struct bytes b;

    b.size = 0;
    put(&b, "II*\0", 4);
    put_number(&b, 8, 4, false);
    put_number(&b, ENTRIES, 2, false);
    put_entry(&b, 256, 3, 1, 1, false);
    put_entry(&b, 257, 4, 1, STRIPS, false);
    put_entry(&b, 258, 3, 1, 8, false);
    put_entry(&b, 259, 3, 1, 1, false);
    put_entry(&b, 273, 4, STRIPS, 4096, false);
    put_entry(&b, 277, 3, 1, 1, false);
    put_entry(&b, 279, 4, STRIPS, 4096, false);
    put_entry(&b, 339, 3, 1, 1, false);
    put_number(&b, 0, 4, false);
    const char *path = store("hollow.tif", &b, b.size);
    if (truncate(path, 4096 + 4 * (off_t)STRIPS)) testAbort("cannot lengthen %s", path);
    testOk1(refused(path, OPH_EFILE, "strips are damaged"));
}

static void test_cbf(void)
{
    struct bytes b = make_cbf("x-CBF_BYTE_OFFSET", "signed 32-bit integer", ROWS);

    testOk1(is_frame(store("frame.cbf", &b, b.size), OPH_INT32, "byte offset"));
    b = make_cbf("x-CBF_PACKED", "signed 32-bit integer", ROWS);
    testOk1(refused(store("other.cbf", &b, b.size), OPH_EFILE, "not compressed by byte offset"));
    b = make_cbf("x-CBF_BYTE_OFFSET", "unsigned 32-bit integer", ROWS);
    testOk1(refused(store("other.cbf", &b, b.size), OPH_EFILE, "not signed 32-bit integers"));
    b = make_cbf("x-CBF_BYTE_OFFSET", "signed 32-bit integer", ROWS + 1);
    testOk1(refused(store("other.cbf", &b, b.size), OPH_EFILE, "damaged CBF file: 14 rows of 17"));
    b = make_cbf("x-CBF_BYTE_OFFSET", "signed 32-bit integer", 0);
    testOk1(refused(store("other.cbf", &b, b.size), OPH_EFILE, "does not tell its size"));
}

/* A file that is cut is one that is still being written. */
static void test_cut(const char *name, const struct bytes *b, size_t end)
{
    size_t wrong = 0, less;

    for (less = 16; less < end && !wrong; less += 7)
        if (!refused(store("cut", b, less), OPH_EBUSY, "the IOC still writes this file"))
            wrong = less;
    testOk(wrong == 0 && less > 200, "%s: cut anywhere, it is waited for", name);
}

static void test_mutants(const char *name, const struct bytes *whole, size_t header)
{
    static struct bytes b;
    unsigned char got[2 * PIXELS * 8];
    uint32_t seed = 11;
    int refused_ones = 0, strange = 0;

    for (int i = 0; i < 4000; i++) {
        b = *whole;
        for (int n = 0; n < 3; n++) {
            seed = seed * 1664525 + 1013904223;
            b.at[(seed >> 8) % (n ? header : b.size)] ^= (unsigned char)(1 << (seed >> 28) % 8);
        }
        oph_frames *frames = NULL;
        oph_error err;
        int rc = oph_frames_open(store("mutant", &b, b.size), NULL, 0, &frames, &err);
        if (rc == 0) rc = oph_frames_read(frames, 0, 1, got, sizeof got, &err);
        refused_ones += rc != 0;
        strange += rc && rc != OPH_EFILE && rc != OPH_EBUSY && rc != OPH_ERANGE;
        oph_frames_free(frames);
    }
    testOk(refused_ones > 400 && strange == 0, "%s: of 4000 mutants %d are refused", name,
           refused_ones);
}

static void test_byte_offset(void)
{
    const int32_t values[] = {0,         1,         -127,   128,       -32767,    32768,
                              INT32_MAX, INT32_MIN, 100000, INT32_MAX, INT32_MAX, INT32_MIN + 1,
                              0};
    enum { COUNT = sizeof values / sizeof *values };
    static struct bytes b;
    int32_t got[COUNT + 1];
    size_t size = encode(values, COUNT, &b);
    bool ok = true;

    got[COUNT] = 4711;
    testOk(oph__undo_byte_offset(b.at, size, got, sizeof values) &&
               memcmp(got, values, sizeof values) == 0 && got[COUNT] == 4711,
           "steps of all widths");
    for (size_t less = 0; less < size; less++) {
        unsigned char *part = malloc(less + 1);
        memcpy(part, b.at, less);
        ok = ok && !oph__undo_byte_offset(part, less, got, sizeof values);
        free(part);
    }
    testOk(ok, "and no part of them");
    testOk(!oph__undo_byte_offset(b.at, size, got, sizeof values - 4), "nor more than there are");
    b.size = 0;
    put(&b, "\x80\x00\x80\x00\x00\x00\x80\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", 15);
    testOk(!oph__undo_byte_offset(b.at, b.size, got, 4), "a pixel beyond 32 bits is damage");
}

int main(void)
{
    static struct bytes b;

    testPlan(0);
    for (int i = 0; i < PIXELS; i++)
        pixels[i] = i % 19 ? i % 23 - 2 : i * 1000003;
    test_tiff();
    test_other_tiff();
    test_hollow_tiff();
    test_cbf();
    b = make_tiff(plain);
    test_cut("TIFF", &b, b.size);
    test_mutants("TIFF", &b, 8 + DIRECTORY);
    b = make_cbf("x-CBF_BYTE_OFFSET", "signed 32-bit integer", ROWS);
    test_cut("CBF", &b, b.size - 39);
    test_mutants("CBF", &b, b.size);
    test_byte_offset();
    h5_test_cleanup();
    return testDone();
}
