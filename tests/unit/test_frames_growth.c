/* What opening and finding the chunks costs grows with their number, and not faster: counted in
 * reads of the file and calls of libhdf5. Its calls that walk through the whole index are made for
 * chunks alone that are not there. */
#include "lib/h5_test.h"
#include "lib/h5_write.h"

#include <dlfcn.h>
#include <epicsUnitTest.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIXELS = 16 };

static atomic_long reads, lookups, walks;

/* What `name` hides. */
static void find(const char *name, void *real, size_t size)
{
    void *symbol = dlsym(RTLD_NEXT, name);

    if (!symbol) abort();
    memcpy(real, &symbol, size);
}

ssize_t pread(int fd, void *data, size_t size, off_t at)
{
    ssize_t (*real)(int, void *, size_t, off_t);

    find("pread", &real, sizeof real);
    atomic_fetch_add(&reads, 1);
    return real(fd, data, size, at);
}

herr_t H5Dread_chunk(hid_t dataset, hid_t plist, const hsize_t *at, uint32_t *skipped, void *to)
{
    herr_t (*real)(hid_t, hid_t, const hsize_t *, uint32_t *, void *);

    find("H5Dread_chunk", &real, sizeof real);
    atomic_fetch_add(&lookups, 1);
    return real(dataset, plist, at, skipped, to);
}

herr_t H5Dget_chunk_info_by_coord(hid_t dataset, const hsize_t *at, unsigned *mask,
                                  haddr_t *address, hsize_t *size)
{
    herr_t (*real)(hid_t, const hsize_t *, unsigned *, haddr_t *, hsize_t *);

    find("H5Dget_chunk_info_by_coord", &real, sizeof real);
    atomic_fetch_add(&walks, 1);
    return real(dataset, at, mask, address, size);
}

herr_t H5Dget_chunk_info(hid_t dataset, hid_t space, hsize_t index, hsize_t *at, unsigned *mask,
                         haddr_t *address, hsize_t *size)
{
    (void)dataset, (void)space, (void)index, (void)at, (void)mask, (void)address, (void)size;
    atomic_fetch_add(&walks, 1);
    return -1;
}

struct cost {
    long opening, reads, lookups, walks;
};

static struct cost cost_of(hsize_t frames, hsize_t hole, bool swmr)
{
    const char *path = h5_test_path("growth.h5");
    struct h5_options o = {.type = H5T_STD_U8LE,
                           .memory = H5T_NATIVE_UINT8,
                           .rank = 3,
                           .dims = {frames, 4, 4},
                           .chunk = {1, 4, 4},
                           .lz4 = PIXELS,
                           .hole = hole,
                           .swmr = swmr};
    unsigned char *pixels = calloc(frames, PIXELS);
    oph_error err = OPH_ERROR_INIT;

    if (!pixels || !h5_write(path, &o, pixels)) testAbort("no file");
    reads = lookups = walks = 0;
    oph_frames *frames_of = h5_test_open(path, NULL);
    struct cost cost = {.opening = reads};
    int rc = oph_frames_check(frames_of, 0, (int64_t)frames, 0, NULL, &err);
    testOk(rc == (hole ? OPH_EFILE : 0), "%llu chunks are found%s", (unsigned long long)frames,
           hole ? ", but for one" : "");
    oph_frames_free(frames_of);
    free(pixels);
    cost.reads = reads;
    cost.lookups = lookups;
    cost.walks = walks;
    return cost;
}

static void test_growth(bool swmr)
{
    const struct cost ten = cost_of(10000, 0, swmr), fifty = cost_of(50000, 0, swmr);
    const struct cost hole = cost_of(10000, 4711, swmr);

    testOk(fifty.opening <= ten.opening + 2, "opening: %ld reads, of five times the chunks %ld",
           ten.opening, fifty.opening);
    testOk(fifty.reads <= 6 * ten.reads, "finding all: %ld reads, and %ld", ten.reads, fifty.reads);
    testOk(ten.lookups == 10000 && fifty.lookups == 50000, "one call for each: %ld, and %ld",
           ten.lookups, fifty.lookups);
    testOk(ten.walks == 0 && fifty.walks == 0 && hole.walks == 1,
           "walks through the index: %ld, %ld, and %ld for one that is not there", ten.walks,
           fifty.walks, hole.walks);
}

int main(void)
{
    testPlan(0);
    test_growth(false);
    test_growth(true);
    h5_test_cleanup();
    return testDone();
}
