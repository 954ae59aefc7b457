/* Frames that several threads read and decode together: the same pixels and the same error. */
#include "lib/h5_test.h"
#include "lib/h5_write.h"

#include <epicsUnitTest.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FRAMES = 48, ROWS = 96, COLS = 128, FRAME = ROWS * COLS, FRAME_BYTES = 4 * FRAME };

static int32_t pixels[FRAMES * FRAME];

static struct h5_options options(void)
{
    return (struct h5_options){.type = H5T_STD_I32LE,
                               .memory = H5T_NATIVE_INT32,
                               .rank = 3,
                               .dims = {FRAMES, ROWS, COLS},
                               .chunk = {1, ROWS, COLS}};
}

static void fill(void)
{
    uint32_t seed = 3;

    for (int i = 0; i < FRAMES * FRAME; i++) {
        seed = seed * 1664525 + 1013904223;
        pixels[i] = seed >> 30 ? (int32_t)(seed >> 26) : (int32_t)(seed >> 4);
    }
}

static bool reads(oph_frames *frames, int64_t first, int64_t count)
{
    size_t bytes = (size_t)count * FRAME_BYTES;
    unsigned char *got = malloc(bytes);
    oph_error err = OPH_ERROR_INIT;
    bool ok = oph_frames_read(frames, first, count, got, bytes, &err) == 0 &&
              memcmp(got, pixels + first * FRAME, bytes) == 0;

    if (err.code) testDiag("%s", err.text);
    free(got);
    return ok;
}

static void test_counts(const char *name, struct h5_options o)
{
    const char *path = h5_test_path("counts.h5");
    bool ok = h5_write(path, &o, pixels);

    for (int32_t threads = 0; threads <= 5 && ok; threads++) {
        oph_frames *frames = h5_test_open(path, NULL);
        ok = frames && oph_frames_set_threads(frames, threads, NULL) == 0 &&
             reads(frames, 0, FRAMES) && reads(frames, 7, 20) && reads(frames, 3, 1);
        oph_frames_free(frames);
    }
    testOk(ok, "%s: by 0 to 5 threads", name);
}

static void test_limits(void)
{
    const char *path = h5_test_path("limits.h5");
    struct h5_options o = options();
    oph_error err;

    testOk1(h5_write(path, &o, pixels));
    oph_frames *frames = h5_test_open(path, NULL);
    testOk1(h5_test_says(oph_frames_set_threads(frames, -1, &err), OPH_ERANGE, &err,
                         "0 to 64 threads|found -1"));
    testOk1(h5_test_says(oph_frames_set_threads(frames, 65, &err), OPH_ERANGE, &err, "found 65"));
    testOk1(h5_test_says(oph_frames_set_threads(NULL, 1, &err), OPH_EINVAL, &err, "NULL"));
    testOk(oph_frames_set_threads(frames, 4, NULL) == 0 && reads(frames, 0, FRAMES) &&
               oph_frames_set_threads(frames, 1, NULL) == 0 && reads(frames, 0, FRAMES) &&
               oph_frames_set_threads(frames, 3, NULL) == 0 && reads(frames, 0, FRAMES),
           "the count may change between reads");
    oph_frames_free(frames);
}

struct reader {
    pthread_t thread;
    oph_frames *frames;
    int seed;
    bool ok;
};

static void *read_often(void *arg)
{
    struct reader *reader = arg;

    reader->ok = true;
    for (int i = 0; i < 20 && reader->ok; i++) {
        int first = (i * 7 + reader->seed) % FRAMES;
        reader->ok = reads(reader->frames, first, 1 + i * 5 % (FRAMES - first));
    }
    return NULL;
}

static void test_together(struct h5_options o)
{
    const char *path = h5_test_path("together.h5");
    struct reader readers[4];
    bool ok = h5_write(path, &o, pixels);
    oph_frames *one = h5_test_open(path, NULL), *two = h5_test_open(path, NULL);

    if (!one || !two) testAbort("no file");
    oph_frames_set_threads(one, 3, NULL);
    oph_frames_set_threads(two, 2, NULL);
    for (int i = 0; i < 4; i++) {
        readers[i] = (struct reader){.frames = i % 2 ? one : two, .seed = i};
        pthread_create(&readers[i].thread, NULL, read_often, &readers[i]);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(readers[i].thread, NULL);
        ok = ok && readers[i].ok;
    }
    testOk(ok, "four readers, two handles, five threads");
    oph_frames_free(one);
    oph_frames_free(two);
}

/* Overwrites the middle of a frame's chunk in the file. */
static void damage(const char *path, int frame)
{
    hsize_t at[3] = {(hsize_t)frame}, size = 0;
    static const unsigned char noise[64] = {0xFF, 0xFE, 0xFD, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF};
    haddr_t address;
    unsigned mask;
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);

    if (H5Dget_chunk_info_by_coord(dataset, at, &mask, &address, &size) < 0) testAbort("no chunk");
    H5Dclose(dataset);
    H5Fclose(file);
    int fd = open(path, O_WRONLY);
    if (pwrite(fd, noise, sizeof noise, (off_t)address) != sizeof noise) testAbort("no write");
    close(fd);
}

static void test_damage(const char *name, struct h5_options o, const char *word)
{
    const char *path = h5_test_path("damaged.h5");
    static int32_t got[FRAMES * FRAME];
    bool ok = h5_write(path, &o, pixels);
    char words[100];
    oph_error err;

    damage(path, 11);
    damage(path, 31);
    snprintf(words, sizeof words, "damaged.h5|frame 11|%s", word);
    oph_frames *frames = h5_test_open(path, NULL);
    oph_frames_set_threads(frames, 4, NULL);
    for (int turn = 0; turn < 20 && ok; turn++)
        ok = h5_test_says(oph_frames_read(frames, 0, FRAMES, got, sizeof got, &err), OPH_EFILE,
                          &err, words);
    testOk(ok, "%s: the error is the first damaged frame's, whoever meets it", name);
    testOk(reads(frames, 0, 11) && reads(frames, 12, 19) && reads(frames, 32, FRAMES - 32),
           "%s: the others are read", name);
    testOk(h5_test_says(oph_frames_read(frames, 20, 20, got, sizeof got, &err), OPH_EFILE, &err,
                        "frame 31"),
           "%s: and the next error is named", name);
    oph_frames_free(frames);
}

static void test_hole(void)
{
    const char *path = h5_test_path("hole.h5");
    struct h5_options o = options();
    static int32_t got[FRAMES * FRAME];
    oph_error err;

    o.bitshuffle = 1;
    o.hole = 20;
    testOk1(h5_write(path, &o, pixels));
    oph_frames *frames = h5_test_open(path, NULL);
    testOk1(h5_test_says(oph_frames_read(frames, 0, FRAMES, got, sizeof got, &err), OPH_EFILE, &err,
                         "frame 20|hole.h5|it was never written"));
    testOk1(reads(frames, 0, 20) && reads(frames, 21, FRAMES - 21));
    oph_frames_free(frames);
}

static void test_fork(void)
{
    const char *path = h5_test_path("fork.h5");
    struct h5_options o = options();
    oph_error err;
    int status = -1;

    testOk1(h5_write(path, &o, pixels));
    oph_frames *frames = h5_test_open(path, NULL);
    oph_frames_set_threads(frames, 3, NULL);
    testOk1(reads(frames, 0, FRAMES));
    pid_t pid = fork();
    if (pid == 0) {
        int rc = oph_frames_read(frames, 0, 1, pixels, sizeof pixels, &err);
        oph_frames_free(frames);
        _exit(rc == OPH_EFORK && strstr(err.text, "fork.h5") ? 0 : 1);
    }
    testOk(waitpid(pid, &status, 0) == pid && status == 0, "a forked child is refused");
    testOk1(reads(frames, 0, FRAMES));
    oph_frames_free(frames);
}

int main(void)
{
    struct h5_options o = options();

    testPlan(0);
    fill();
    test_counts("none", o);
    o.chunk[0] = 5;
    o.chunk[1] = 40;
    test_counts("tiles", o);
    o.chunk[0] = o.chunk[1] = o.chunk[2] = 0;
    test_counts("contiguous", o);
    o = options();
    o.shuffle = true;
    o.deflate = 1;
    test_counts("deflate", o);
    test_together(o);
#ifdef OPH_HAVE_LIBDEFLATE
    test_damage("deflate", o, "damaged deflate data");
#else
    test_damage("deflate", o, "damaged or cut file (HDF5");
#endif
    o = options();
    o.bitshuffle = 1;
    test_counts("bitshuffle", o);
#ifdef OPH_HAVE_LZ4
    o.bitshuffle = 2;
    test_counts("bitshuffle and LZ4", o);
    test_together(o);
    test_damage("bitshuffle and LZ4", o, "damaged bitshuffle data");
    o = options();
    o.lz4 = 1 << 30;
    test_counts("LZ4", o);
    test_damage("LZ4", o, "damaged LZ4 data");
#endif
#ifdef OPH_HAVE_BLOSC
    o = options();
    o.blosc = "lz4";
    o.blosc_shuffle = 1;
    test_counts("Blosc", o);
    test_together(o);
    test_damage("Blosc", o, "damaged Blosc data");
#endif
    test_limits();
    test_hole();
    test_fork();
    h5_test_cleanup();
    return testDone();
}
