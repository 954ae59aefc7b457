/* Frames one after the other are those that a read gives, also around damaged ones. */
#include "lib/h5_test.h"
#include "lib/h5_write.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMES = 37, ROWS = 40, COLS = 48, FRAME = ROWS * COLS };

static uint16_t pixels[FRAMES * FRAME];

static struct h5_options options(hsize_t frames, hsize_t rows)
{
    return (struct h5_options){.type = H5T_STD_U16LE,
                               .memory = H5T_NATIVE_UINT16,
                               .rank = 3,
                               .dims = {FRAMES, ROWS, COLS},
                               .chunk = {frames, rows, frames ? COLS : 0},
                               .bitshuffle = frames ? 1 : 0};
}

static oph_frames_iter *begin(oph_frames *frames, const oph_frames_iter_options *o)
{
    oph_frames_iter *iter = NULL;
    oph_error err;

    if (oph_frames_iter_new(frames, o, &iter, &err)) testDiag("%s", err.text);
    return iter;
}

/* Frames from `first` on, `count` of them and then none; `bad` fails, -1: none does. */
static bool gives(oph_frames_iter *iter, int64_t first, int64_t count, int64_t bad)
{
    oph_error err = OPH_ERROR_INIT;

    for (int64_t i = first; i < first + count; i++) {
        const void *got = NULL;
        int64_t number = -1;
        int rc = oph_frames_iter_next(iter, &got, &number, &err);
        char words[64];
        snprintf(words, sizeof words, "frame %lld|never written", (long long)i);
        bool ok = i == bad ? h5_test_says(rc, OPH_EFILE, &err, words)
                           : rc == 0 && got && !memcmp(got, pixels + i * FRAME, 2 * FRAME);
        if (!ok || number != i) {
            testDiag("frame %lld: number %lld, %s", (long long)i, (long long)number, err.text);
            return false;
        }
    }
    for (int i = 0; i < 2; i++) {
        const void *got = iter;
        if (oph_frames_iter_next(iter, &got, NULL, &err) || got) return false;
    }
    return true;
}

static void test_all(const char *name, struct h5_options o)
{
    const char *path = h5_test_path("all.h5");
    bool ok = h5_write(path, &o, pixels);

    for (int32_t threads = 1; threads <= 4 && ok; threads++)
        for (int32_t ahead = 0; ahead < 60 && ok; ahead += 11) {
            oph_frames_iter_options some = {.size = sizeof some, .ahead = ahead};
            oph_frames *frames = h5_test_open(path, NULL);
            oph_frames_set_threads(frames, threads, NULL);
            oph_frames_iter *iter = begin(frames, &some);
            oph_frames_free(frames); /* it is held */
            ok = iter && gives(iter, 0, FRAMES, -1);
            oph_frames_iter_free(iter);
        }
    testOk(ok, "%s: all frames, by 1 to 4 threads", name);

    oph_frames *frames = h5_test_open(path, NULL);
    for (int64_t first = 0; first <= FRAMES && ok; first += 3)
        for (int64_t count = 1; count <= FRAMES - first && ok; count += 4) {
            oph_frames_iter_options some = {.size = sizeof some, .first = first, .count = count};
            oph_frames_iter *iter = begin(frames, &some);
            ok = iter && gives(iter, first, count, -1);
            oph_frames_iter_free(iter);
        }
    testOk(ok, "%s: any range", name);
    oph_frames_free(frames);
}

static void test_left(void)
{
    const char *path = h5_test_path("left.h5");
    struct h5_options o = options(1, ROWS);
    const void *got;
    bool ok = h5_write(path, &o, pixels);
    oph_frames *frames = h5_test_open(path, NULL);

    oph_frames_set_threads(frames, 3, NULL);
    for (int begun = 0; begun < 20 && ok; begun++) {
        oph_frames_iter *one = begin(frames, NULL), *two = begin(frames, NULL);
        for (int i = 0; i < begun && ok; i++)
            ok = oph_frames_iter_next(one, &got, NULL, NULL) == 0 &&
                 memcmp(got, pixels + i * FRAME, 2 * FRAME) == 0 &&
                 oph_frames_iter_next(two, &got, NULL, NULL) == 0 &&
                 memcmp(got, pixels + i * FRAME, 2 * FRAME) == 0;
        oph_frames_iter_free(one);
        oph_frames_iter_free(two);
    }
    testOk(ok, "two at once, left anywhere");
    oph_frames_free(frames);
    oph_frames_iter_free(NULL);
}

static void test_bad(hsize_t run)
{
    const char *path = h5_test_path("bad.h5");
    struct h5_options o = options(run, ROWS);

    o.hole = 17;
    if (run > 1) o.chunk[1] = ROWS;
    bool ok = h5_write(path, &o, pixels);
    oph_frames *frames = h5_test_open(path, NULL);
    oph_frames_iter *iter = begin(frames, NULL);
    if (run == 1) {
        testOk(ok && gives(iter, 0, FRAMES, 17), "a frame that fails, and all others");
    } else {
        const void *got;
        int64_t number;
        int bad = 0, good = 0;
        for (int i = 0; i < FRAMES; i++)
            if (oph_frames_iter_next(iter, &got, &number, NULL))
                bad += number / (int64_t)run == 17 / (int64_t)run;
            else
                good += number == i && memcmp(got, pixels + i * FRAME, 2 * FRAME) == 0;
        testOk(ok && bad == (int)run && good == FRAMES - (int)run,
               "a chunk of %d frames that fails", (int)run);
    }
    oph_frames_iter_free(iter);
    oph_frames_free(frames);
}

static void test_part(void)
{
    const char *path = h5_test_path("part.h5");
    struct h5_options o = options(2, 7);
    const int64_t from[] = {5, 9}, extent[] = {20, 11};
    oph_frames_iter_options some = {.size = sizeof some, .from = from, .extent = extent};
    bool ok = h5_write(path, &o, pixels);
    oph_frames *frames = h5_test_open(path, NULL);
    oph_frames_iter *iter = begin(frames, &some);

    for (int i = 0; i < FRAMES && ok; i++) {
        const void *got;
        const uint16_t *row;
        ok = oph_frames_iter_next(iter, &got, NULL, NULL) == 0 && (row = got);
        for (int y = 0; y < 20 && ok; y++)
            ok = memcmp(row + y * 11, pixels + i * FRAME + (y + 5) * COLS + 9, 22) == 0;
    }
    testOk(ok, "a part of each frame");
    oph_frames_iter_free(iter);
    oph_frames_free(frames);
}

static void test_arguments(void)
{
    const char *path = h5_test_path("arguments.h5");
    struct h5_options o = options(1, ROWS);
    oph_frames_iter_options some = {.size = sizeof some, .first = 30, .count = 8},
                            old = {.size = 4}, much = {.size = sizeof much, .ahead = 2000};
    oph_frames_iter *iter = NULL;
    const void *got;
    oph_error err;
    bool ok = h5_write(path, &o, pixels);
    oph_frames *f = h5_test_open(path, NULL);

    testOk1(ok && h5_test_says(oph_frames_iter_new(f, &some, &iter, &err), OPH_ERANGE, &err,
                               "8 frames from number 30 on|37 frames"));
    testOk1(h5_test_says(oph_frames_iter_new(f, &old, &iter, &err), OPH_EINVAL, &err, "found 4"));
    testOk1(
        h5_test_says(oph_frames_iter_new(f, &much, &iter, &err), OPH_ERANGE, &err, "found 2000"));
    testOk1(h5_test_says(oph_frames_iter_new(f, NULL, NULL, &err), OPH_EINVAL, &err, "NULL"));
    testOk1(h5_test_says(oph_frames_iter_new(NULL, NULL, &iter, &err), OPH_EINVAL, &err, "NULL"));
    testOk1(h5_test_says(oph_frames_iter_next(NULL, &got, NULL, &err), OPH_EINVAL, &err, "NULL"));
    testOk1(!iter);
    oph_frames_free(f);
    o.dims[0] = 0;
    o.bitshuffle = 0;
    ok = h5_write(path, &o, NULL);
    f = h5_test_open(path, NULL);
    iter = begin(f, NULL);
    testOk(ok && iter && gives(iter, 0, 0, -1), "no frames at all");
    oph_frames_iter_free(iter);
    oph_frames_free(f);
}

static void test_buffer(void)
{
    const size_t sizes[] = {0, 1, 4096, 8 << 20, (8 << 20) + 1, 40 << 20};
    void *buffer = NULL;
    oph_error err;
    bool ok = true;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && ok; i++) {
        ok = oph_frames_buffer_new(sizes[i], &buffer, &err) == 0 && buffer &&
             (sizes[i] < 8 << 20 || (uintptr_t)buffer % (2 << 20) == 0);
        if (ok) memset(buffer, 1, sizes[i]);
        oph_frames_buffer_free(buffer);
    }
    testOk(ok, "buffers, the large ones at the start of a huge page");
    testOk1(h5_test_says(oph_frames_buffer_new(SIZE_MAX, &buffer, &err), OPH_ENOMEM, &err,
                         "no memory|a buffer of frames"));
    testOk1(h5_test_says(oph_frames_buffer_new(1, NULL, &err), OPH_EINVAL, &err, "a place"));
    oph_frames_buffer_free(NULL);
}

int main(void)
{
    struct h5_options deflate = options(3, ROWS), plain = options(0, 0), packed = options(1, ROWS);

    testPlan(0);
    for (int i = 0; i < FRAMES * FRAME; i++)
        pixels[i] = (uint16_t)(i * 40503U >> 3);
    test_all("a frame a chunk", options(1, ROWS));
    test_all("five frames a chunk", options(5, ROWS));
    test_all("tiles", options(2, 7));
    test_all("contiguous", plain);
    deflate.bitshuffle = 0;
    deflate.deflate = 1;
    test_all("deflate", deflate);
    packed.bitshuffle = 0;
    packed.type = H5Tcopy(H5T_STD_U16LE); /* libhdf5 converts it */
    H5Tset_precision(packed.type, 15);
    for (int i = 0; i < FRAMES * FRAME; i++)
        pixels[i] &= 0x7FFF;
    test_all("15 bits in 16", packed);
    H5Tclose(packed.type);
    test_left();
    test_bad(1);
    test_bad(4);
    test_part();
    test_arguments();
    test_buffer();
    h5_test_cleanup();
    return testDone();
}
