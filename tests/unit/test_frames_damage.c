/* Damaged files give an error or wrong pixels, and nothing worse. */
#include "h5/h5.h"
#include "lib/h5_test.h"
#include "lib/h5_write.h"

#include <epicsUnitTest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FRAMES = 4, ROWS = 16, COLS = 16, FRAME_BYTES = ROWS * COLS * 4 };

#ifdef OPH_HAVE_LZ4
enum { HAVE_LZ4 = 1 };
#else
enum { HAVE_LZ4 = 0 };
#endif

static uint32_t seed = 20240229;

static uint32_t any(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* Memory that ends at a page which nobody may touch. */
struct fence {
    unsigned char *page, *at;
    size_t total;
};

static struct fence make_fence(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (size + page - 1) / page * page;
    struct fence fence = {.total = room + page};

    fence.page =
        mmap(NULL, fence.total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fence.page == MAP_FAILED || mprotect(fence.page + room, page, PROT_NONE))
        testAbort("no memory");
    fence.at = fence.page + room - size;
    return fence;
}

static void fill(int32_t *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pixels[i] = any(4) ? (int32_t)(i % 7) : (int32_t)any(1 << 20);
}

/* Changes one to four things: a bit, a byte, a run, a number in a header. */
static void mutate(unsigned char *at, size_t size)
{
    for (uint32_t n = 1 + any(4); n > 0; n--) {
        size_t where = any(3) ? any((uint32_t)size) : any(size < 16 ? (uint32_t)size : 16);
        switch (any(3)) {
        case 0: at[where] ^= (unsigned char)(1 << any(8)); break;
        case 1: at[where] = (unsigned char)any(256); break;
        default:
            memset(at + where, any(2) ? 0xFF : 0,
                   any(8) < size - where ? any(4) % (size - where) : 1);
        }
    }
}

enum { BITSHUFFLE = -1, BITSHUFFLE_LZ4 = -2 }; /* instead of a block size of LZ4 */

static struct oph__room room;

static bool undo(int way, const void *in, size_t size, void *out)
{
    if (way == BITSHUFFLE) return oph__undo_bitshuffle(4, 64, in, size, out, FRAME_BYTES);
    if (way == BITSHUFFLE_LZ4)
        return !oph__undo_bitshuffle_lz4(4, &room, in, size, out, FRAME_BYTES);
    return oph__undo_lz4(in, size, out, FRAME_BYTES);
}

static void test_decoder(const char *name, int way)
{
    int32_t pixels[ROWS * COLS];
    struct fence out = make_fence(FRAME_BYTES);
    size_t size;
    int refused = 0, mutants = 20000;

    fill(pixels, ROWS * COLS);
    unsigned char *chunk =
        way < 0 ? h5_bitshuffle_encode(pixels, FRAME_BYTES, 4, 64, way == BITSHUFFLE_LZ4, &size)
                : h5_lz4_encode(pixels, FRAME_BYTES, (unsigned)way, &size);
    struct fence in = make_fence(size);
    memcpy(in.at, chunk, size);
    testOk(undo(way, in.at, size, out.at) && memcmp(out.at, pixels, FRAME_BYTES) == 0,
           "%s: decoded", name);
    bool short_ok = true;
    for (size_t less = 0; less < size; less++) {
        memcpy(in.at + size - less, chunk, less);
        short_ok = short_ok && !undo(way, in.at + size - less, less, out.at);
    }
    testOk(short_ok, "%s: and no part of it", name);
    for (int i = 0; i < mutants; i++) {
        memcpy(in.at, chunk, size);
        mutate(in.at, size);
        refused += !undo(way, in.at, size, out.at);
    }
    testDiag("%d of %d mutants were refused", refused, mutants);
    testOk(way == BITSHUFFLE ? refused == 0 : refused > mutants / 10,
           "%s: mutants stay within their buffers", name);
    free(chunk);
    munmap(in.page, in.total);
    munmap(out.page, out.total);
}

static size_t load(const char *path, unsigned char **ret)
{
    int fd = open(path, O_RDONLY);
    off_t size = lseek(fd, 0, SEEK_END);

    *ret = malloc((size_t)size);
    if (pread(fd, *ret, (size_t)size, 0) != size) testAbort("cannot read %s", path);
    close(fd);
    return (size_t)size;
}

static void store(const char *path, const unsigned char *bytes, size_t size)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    if (write(fd, bytes, size) != (ssize_t)size) testAbort("cannot write %s", path);
    close(fd);
}

/* Reads all that the file has: the code of what failed, or 0. The sentence is never empty. */
static int read_all(const char *path)
{
    oph_frames *frames;
    oph_frames_info info = {.size = sizeof info};
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_frames_open(path, NULL, 0, &frames, &err);

    if (rc == 0) {
        rc = oph_frames_describe(frames, &info, &err);
        for (int64_t i = 0; rc == 0 && i < info.shape[0] && i < FRAMES; i++) {
            /* A damaged shape can ask for much: the size is the caller's to judge. */
            void *buffer = info.frame_bytes <= 1 << 20 ? malloc((size_t)info.frame_bytes) : NULL;
            if (buffer) rc = oph_frames_read(frames, i, 1, buffer, (size_t)info.frame_bytes, &err);
            free(buffer);
        }
        oph_frames_free(frames);
    }
    if (rc && (rc != err.code || !*err.text)) testAbort("an error without a sentence");
    return rc;
}

static struct h5_options options(bool chunked, int deflate, unsigned lz4, bool newest)
{
    return (struct h5_options){
        .type = H5T_STD_I32LE,
        .memory = H5T_NATIVE_INT32,
        .rank = 3,
        .dims = {FRAMES, ROWS, COLS},
        .chunk = {chunked, chunked ? ROWS : 0, chunked ? COLS : 0},
        .deflate = deflate,
        .lz4 = lz4,
        .swmr = newest,
    };
}

static void test_truncated(const char *name, struct h5_options o)
{
    const char *path = h5_test_path("whole.h5"), *cut = h5_test_path("cut.h5");
    int32_t pixels[FRAMES * ROWS * COLS];
    unsigned char *bytes;
    int good = 0;

    fill(pixels, FRAMES * ROWS * COLS);
    testOk(h5_write(path, &o, pixels) && read_all(path) == 0, "%s: whole", name);
    size_t size = load(path, &bytes);
    for (size_t less = 0; less < size; less += 1 + size / 300) {
        store(cut, bytes, less);
        int rc = read_all(cut);
        good += rc != OPH_EFILE && rc != OPH_EBUSY;
    }
    testOk(good == 0, "%s: cut anywhere is an error", name);
    free(bytes);
}

/* The bytes of the pixels, as they stand in the file, are clobbered; the rest is sound. */
static void test_payload(const char *name, struct h5_options o)
{
    const char *path = h5_test_path("whole.h5"), *bad = h5_test_path("bad.h5");
    int32_t pixels[FRAMES * ROWS * COLS];
    hsize_t origin[3] = {0}, size = FRAME_BYTES;
    unsigned char *bytes, chunk[2 * FRAME_BYTES];
    uint32_t mask;
    int refused = 0, other = 0;

    fill(pixels, FRAMES * ROWS * COLS);
    testOk1(h5_write(path, &o, pixels));
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    H5Dget_chunk_storage_size(dataset, origin, &size);
    H5Dread_chunk(dataset, H5P_DEFAULT, origin, &mask, chunk);
    H5Dclose(dataset);
    H5Fclose(file);
    size_t total = load(path, &bytes);
    unsigned char *at = memmem(bytes, total, chunk, size);
    for (int i = 0; at && i < 500; i++) {
        memcpy(at, chunk, size);
        mutate(at, size);
        store(bad, bytes, total);
        int rc = read_all(bad);
        refused += rc == OPH_EFILE;
        other += rc != OPH_EFILE && rc != 0;
    }
    testOk(at && refused > 0 && other == 0, "%s: damaged pixels, %d of 500 noticed", name, refused);
    free(bytes);
}

/* One number of the chunk index says that a chunk without filters is longer than it is. */
static void test_long_chunk(void)
{
    const char *path = h5_test_path("index.h5");
    struct h5_options o = options(true, 0, 0, false);
    int32_t pixels[FRAMES * ROWS * COLS], got[ROWS * COLS + 1];
    unsigned char *bytes;
    oph_error err;
    /* In the index: the size of the chunk, no filters, and where it starts, of frame 1. */
    const uint32_t entry[] = {FRAME_BYTES, 0, 1, 0, 0, 0, 0, 0};

    fill(pixels, FRAMES * ROWS * COLS);
    testOk1(h5_write(path, &o, pixels));
    size_t size = load(path, &bytes);
    unsigned char *at = memmem(bytes, size, entry, sizeof entry);
    if (!at) testAbort("no index");
    const uint32_t more = 3 * FRAME_BYTES;
    memcpy(at, &more, sizeof more);
    store(path, bytes, size);
    oph_frames *frames = h5_test_open(path, NULL);
    got[ROWS * COLS] = 4711;
    testOk1(h5_test_says(oph_frames_read(frames, 1, 1, got, FRAME_BYTES, &err), OPH_EFILE, &err,
                         "frame 1|a chunk of a wrong size"));
    testOk(got[ROWS * COLS] == 4711, "nothing is written after the buffer");
    testOk1(oph_frames_read(frames, 2, 1, got, FRAME_BYTES, NULL) == 0 &&
            memcmp(got, pixels + 2 * ROWS * COLS, FRAME_BYTES) == 0);
    oph_frames_free(frames);
    free(bytes);
}

/* The index says that a compressed chunk is longer than any can be: no memory is asked for that. */
static void test_huge_chunk(void)
{
    const char *path = h5_test_path("huge.h5");
    struct h5_options o = options(true, 1, 0, false);
    int32_t pixels[FRAMES * ROWS * COLS], got[ROWS * COLS];
    hsize_t origin[3] = {1}, stored = 0;
    unsigned char *bytes;
    oph_error err;

    fill(pixels, FRAMES * ROWS * COLS);
    testOk1(h5_write(path, &o, pixels));
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    H5Dget_chunk_storage_size(dataset, origin, &stored);
    H5Dclose(dataset);
    H5Fclose(file);
    const uint32_t entry[] = {(uint32_t)stored, 0, 1, 0, 0, 0, 0, 0};
    const uint32_t sizes[] = {UINT32_MAX, 0, 2 * FRAME_BYTES + 1025};
    size_t size = load(path, &bytes);
    unsigned char *at = memmem(bytes, size, entry, sizeof entry);
    if (!at) testAbort("no index");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memcpy(at, &sizes[i], sizeof sizes[i]);
        store(path, bytes, size);
        oph_frames *frames = h5_test_open(path, NULL);
        testOk(oph_frames_read(frames, 1, 1, got, FRAME_BYTES, &err) == OPH_EFILE &&
                   strstr(err.text, "frame 1") && strstr(err.text, "huge.h5"),
               "%u bytes: %s", sizes[i], err.text);
        testOk1(oph_frames_read(frames, 2, 1, got, FRAME_BYTES, NULL) == 0 &&
                memcmp(got, pixels + 2 * ROWS * COLS, FRAME_BYTES) == 0);
        oph_frames_free(frames);
    }
    free(bytes);
}

/* A header of a file with a SWMR writer whose checksum is wrong is tried again and again: libhdf5's
 * own number of times takes for ever, inside its lock. */
static void test_swmr_headers(void)
{
    const char *path = h5_test_path("swmr.h5"), *bad = h5_test_path("bad.h5");
    struct h5_options o = options(true, 0, 0, true);
    int32_t pixels[FRAMES * ROWS * COLS];
    unsigned char *bytes;
    int status, refused = 0, other = 0;

    fill(pixels, FRAMES * ROWS * COLS);
    pid_t pid = fork();
    if (pid == 0) { /* a writer that is killed leaves the mark of SWMR */
        hid_t file = h5_write_open(path, &o, pixels);
        _exit(file < 0 || H5Fflush(file, H5F_SCOPE_LOCAL) < 0);
    }
    testOk1(waitpid(pid, &status, 0) == pid && status == 0 && read_all(path) == 0);
    size_t size = load(path, &bytes);
    testOk(bytes[11] == 5, "it still says that a SWMR writer has it");
    pid = fork();
    if (pid == 0) { /* what libhdf5 leaves behind of such files it complains about at exit */
        for (int i = 0; i < 150; i++) {
            size_t where = i < 30 ? 12 + any(36) : 48 + any((uint32_t)(size - 48));
            unsigned char before = bytes[where];
            bytes[where] ^= (unsigned char)(1 << any(8));
            store(bad, bytes, size);
            int rc = read_all(bad);
            refused += rc == OPH_EFILE;
            other += rc != 0 && rc != OPH_EFILE;
            bytes[where] = before;
        }
        _exit(other > 0 ? 255 : refused);
    }
    waitpid(pid, &status, 0);
    refused = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
    testOk(refused > 20 && refused < 255,
           "of 150 mutants %d are refused in time, the others are not noticed", refused);
    free(bytes);
}

/* The shape of the chunks says that they are wider than the image. */
static void test_wide_chunk(void)
{
    const char *path = h5_test_path("layout.h5");
    struct h5_options o = options(true, 1, 0, false);
    int32_t pixels[FRAMES * ROWS * COLS];
    unsigned char *bytes;
    oph_frames *frames;
    oph_error err;
    const uint32_t layout[] = {1, ROWS, COLS, 4}, wide[] = {1, ROWS, 64 * COLS, 4};

    fill(pixels, FRAMES * ROWS * COLS);
    testOk1(h5_write(path, &o, pixels));
    size_t size = load(path, &bytes);
    unsigned char *at = memmem(bytes, size, layout, sizeof layout);
    if (!at) testAbort("no layout");
    memcpy(at, wide, sizeof wide);
    store(path, bytes, size);
    testOk1(h5_test_says(oph_frames_open(path, NULL, 0, &frames, &err), OPH_EFILE, &err,
                         "damaged chunks, 1024 long where the shape has 16"));
    free(bytes);
}

int main(void)
{
    struct h5_options o = options(true, 0, 0, false);

    testPlan(0);
    test_truncated("contiguous", options(false, 0, 0, false));
    test_truncated("chunks", options(true, 0, 0, false));
    test_truncated("deflate", options(true, 1, 0, false));
    test_truncated("chunks, new format", options(true, 0, 0, true));
    test_payload("deflate", options(true, 1, 0, false));
    test_decoder("bitshuffle", BITSHUFFLE);
    test_long_chunk();
    test_huge_chunk();
    test_swmr_headers();
    test_wide_chunk();
    if (HAVE_LZ4) {
        test_decoder("one block of LZ4", 1 << 30);
        test_decoder("blocks of LZ4", 100);
        test_decoder("bitshuffle and LZ4", BITSHUFFLE_LZ4);
        test_truncated("LZ4", options(true, 0, 256, false));
        test_payload("LZ4", options(true, 0, 256, false));
        o.bitshuffle = 2;
        test_truncated("bitshuffle and LZ4", o);
        test_payload("bitshuffle and LZ4", o);
    }
#ifdef OPH_HAVE_BLOSC
    o.bitshuffle = 0;
    for (int shuffle = 0; shuffle < 3; shuffle++) {
        static const char *const codecs[] = {"lz4", "blosclz", "zlib"};
        o.blosc = codecs[shuffle];
        o.blosc_shuffle = shuffle;
        test_truncated(o.blosc, o);
        test_payload(o.blosc, o);
    }
#endif
    free(room.at);
    h5_test_cleanup();
    return testDone();
}
