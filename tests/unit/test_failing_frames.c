/* What frames take of memory: no more than the frames in flight, however many there are; and each
 * allocation failed in turn. */
#include "lib/failing.h"
#include "lib/h5_test.h"
#include "lib/h5_write.h"

#include <epicsUnitTest.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 10000, ROWS = 64, COLS = 64, FRAME_BYTES = ROWS * COLS * 4, FEW = 6 };

static bool write_file(const char *path, hsize_t frames, bool deflate)
{
    struct h5_options o = {.type = H5T_STD_I32BE,
                           .memory = H5T_NATIVE_INT32,
                           .rank = 3,
                           .dims = {frames, ROWS, COLS},
                           .chunk = {1, ROWS, COLS},
                           .shuffle = deflate,
                           .deflate = deflate};
    int32_t *pixels = calloc(frames, FRAME_BYTES);
    if (!pixels) testAbort("no memory");
    for (hsize_t i = 0; i < frames; i++)
        pixels[i * ROWS * COLS] = (int32_t)i;
    bool ok = h5_write(path, &o, pixels);
    free(pixels);
    return ok;
}

/* The most that the library has while frames go by, above what it has before. */
static long most_of(const char *path, int32_t ahead, int32_t threads, int64_t count,
                    int64_t *ret_frames)
{
    const oph_frames_iter_options options = {
        .size = sizeof options, .ahead = ahead, .count = count};
    oph_frames_iter *iter = NULL;
    oph_error err = OPH_ERROR_INIT;
    const int32_t *pixels;
    oph_frames *frames = h5_test_open(path, NULL);
    oph_frames_set_threads(frames, threads, NULL);
    long before = failing_bytes();
    *ret_frames = 0;
    failing_mark();
    if (oph_frames_iter_new(frames, &options, &iter, &err)) testAbort("%s", err.text);
    while (!oph_frames_iter_next(iter, (const void **)&pixels, NULL, &err) && pixels &&
           *pixels == *ret_frames)
        ++*ret_frames;
    long most = failing_most() - before;
    oph_frames_iter_free(iter);
    oph_frames_free(frames);
    return most;
}

/* The frames ahead, that which is looked at, and what a thread works with: a chunk as it is in the
 * file, one between two filters. */
static void test_flight(const char *path)
{
    static const struct {
        int32_t ahead;
        int count;
    } ways[] = {{1, 500}, {4, MANY}, {16, 500}};
    for (int32_t threads = 1; threads <= 2; threads++)
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
            int64_t frames;
            const int32_t ahead = ways[i].ahead;
            long most = most_of(path, ahead, threads, ways[i].count, &frames);
            long bound = (ahead + 1 + 2 * threads) * FRAME_BYTES + (64 << 10);
            testOk(frames == ways[i].count && most >= ahead * FRAME_BYTES && most < bound,
                   "%d frames, %d ahead, %d threads: %ld bytes, less than %ld", ways[i].count,
                   ahead, threads, most, bound);
        }
}

static int iterate(oph_frames *frames, oph_error *err)
{
    oph_frames_iter *iter = NULL;
    const int32_t *pixels;
    int64_t number;
    int rc = oph_frames_iter_new(frames, NULL, &iter, err);
    for (int64_t i = 0; !rc && i < FEW; i++) {
        rc = oph_frames_iter_next(iter, (const void **)&pixels, &number, err);
        if (!rc && (!pixels || *pixels != i || number != i)) rc = OPH_ESTATE;
    }
    oph_frames_iter_free(iter);
    return rc;
}

static int use(void *user, oph_error *err)
{
    static int32_t pixels[FEW * ROWS * COLS];
    const int64_t from[] = {0, 0}, size[] = {ROWS / 2, COLS / 2};
    oph_frames *frames = NULL;
    oph_frame_stamp stamps[FEW];
    oph_report *report = NULL;
    int rc = oph_frames_open(user, NULL, 0, &frames, err);
    if (!rc) rc = oph_frames_read(frames, 0, FEW, pixels, sizeof pixels, err);
    if (!rc) rc = oph_frames_read_region(frames, 0, FEW, from, size, pixels, sizeof pixels, err);
    if (!rc) rc = iterate(frames, err);
    if (!rc) rc = oph_frames_stamps(frames, 0, FEW, stamps, err);
    if (!rc) rc = oph_frames_check(frames, 0, FEW, 1, &report, err);
    oph_report_free(report);
    oph_frames_free(frames);
    return rc;
}

int main(void)
{
    const char *many = h5_test_path("many.h5"), *few = h5_test_path("few.h5"),
               *plain = h5_test_path("plain.h5");
    testPlan(0);
    if (!write_file(many, MANY, true) || !write_file(few, FEW, true) ||
        !write_file(plain, FEW, false))
        testAbort("no files");
    test_flight(many);
    failing_in_turn("frames with filters", use, (void *)(uintptr_t)few);
    failing_in_turn("plain frames", use, (void *)(uintptr_t)plain);
    failing_calls_in_turn("pthread_create", EAGAIN, use, (void *)(uintptr_t)few);
    failing_calls_in_turn("fstat", EIO, use, (void *)(uintptr_t)few);
    failing_calls_in_turn("open", EMFILE, use, (void *)(uintptr_t)few);
    failing_calls_in_turn("pread", EIO, use, (void *)(uintptr_t)few);
    failing_calls_in_turn("pread", EINTR, use, (void *)(uintptr_t)few);
    h5_test_cleanup();
    return testDone();
}
