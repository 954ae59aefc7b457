/* The simulator's HDF5 plugin against what was measured on the real IOC, and the files it makes. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <epicsUnitTest.h>
#include <hdf5.h>
#include <lz4.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { COLS = 64, ROWS = 48, PIXELS = COLS * ROWS };

/* What the IOC sees under SEEN is under real. */
#define SEEN "/data/trace"
static char real_root[] = "/tmp/cophyd-hdf5-XXXXXX";

static const char *const watched[] = {
    "HDF1:Capture",
    "HDF1:Capture_RBV",
    "HDF1:WriteFile",
    "HDF1:WriteFile_RBV",
    "HDF1:WriteMessage",
    "HDF1:WriteStatus",
    "HDF1:FullFileName_RBV",
    "HDF1:NumCaptured_RBV",
    "HDF1:FileNumber",
    "HDF1:ArrayCounter_RBV",
    "HDF1:UniqueId_RBV",
    "cam1:AcquireBusy",
    "HDF1:FilePathExists_RBV",
};
enum { WATCHED = sizeof watched / sizeof *watched };

static void becomes(struct probe *p, const char *name, const char *wanted)
{
    testOk(probe_until(p, name, wanted, 5) == 0, "%s becomes '%s'", name, wanted);
}

static void send(struct probe *p, const char *name, const char *value)
{
    testOk(probe_put(p, name, value) == 0, "%s = %s is sent", name, value);
}

static void acquire(struct probe *p)
{
    int mark = probe_mark(p);
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 10) == 0, "an acquisition completes");
    testOk(probe_wait(p, mark, "cam1:AcquireBusy", "Done", 5) >= 0, "AcquireBusy falls");
}

/* --- Files */

/* The LZ4 filter's chunk: 8 bytes of size, 4 of block size, then blocks with 4 bytes of length. */
static int unpack_lz4(const unsigned char *in, size_t size, int *pixels)
{
    char *out = (char *)pixels;
    size_t block = (size_t)in[8] << 24 | (size_t)in[9] << 16 | (size_t)in[10] << 8 | in[11];
    size_t left = PIXELS * sizeof *pixels, at = 12;
    while (left > 0 && at + 4 <= size) {
        size_t length =
            (size_t)in[at] << 24 | (size_t)in[at + 1] << 16 | (size_t)in[at + 2] << 8 | in[at + 3];
        size_t raw = left < block ? left : block;
        at += 4;
        if (at + length > size) return -1;
        if (length == raw)
            memcpy(out, in + at, raw);
        else if (LZ4_decompress_safe((const char *)in + at, out, (int)length, (int)raw) != (int)raw)
            return -1;
        out += raw;
        at += length;
        left -= raw;
    }
    return left == 0 ? 0 : -1;
}

static int read_frame(hid_t data, hsize_t frame, int lz4, int *pixels)
{
    hsize_t at[3] = {frame, 0, 0}, count[3] = {1, ROWS, COLS}, size = 0;
    if (lz4) {
        static unsigned char chunk[2 * PIXELS * sizeof(int)];
        uint32_t filters = 0;
        if (H5Dget_chunk_storage_size(data, at, &size) < 0 || size > sizeof chunk) return -1;
        if (H5Dread_chunk(data, H5P_DEFAULT, at, &filters, chunk) < 0) return -1;
        return unpack_lz4(chunk, size, pixels);
    }
    hid_t space = H5Dget_space(data), memory = H5Screate_simple(3, count, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, at, NULL, count, NULL);
    herr_t rc = H5Dread(data, H5T_NATIVE_INT, memory, space, H5P_DEFAULT, pixels);
    H5Sclose(space);
    H5Sclose(memory);
    return rc < 0 ? -1 : 0;
}

static int wrong_pixels(const int *pixels, int id)
{
    int wrong = 0;
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++)
            wrong += pixels[y * COLS + x] != (7919 * id + 2500 * y + x) % 1048576;
    return wrong;
}

/* The file under the real root holds the frames first_id, first_id + 1, ... */
static void holds(const char *name, int frames, int first_id, int lz4)
{
    char path[300];
    hsize_t dims[3] = {0, 0, 0};
    static int pixels[PIXELS];
    int wrong = 0;
    snprintf(path, sizeof path, "%s%s", real_root, name);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t data = file < 0 ? -1 : H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    testOk(data >= 0, "%s is an HDF5 file with /entry/data/data", path);
    if (data < 0) return;
    hid_t space = H5Dget_space(data);
    H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    testOk(dims[0] == (hsize_t)frames && dims[1] == ROWS && dims[2] == COLS,
           "it holds %llu frames, wanted %d", (unsigned long long)dims[0], frames);
    for (int i = 0; i < frames && i < (int)dims[0]; i++)
        wrong += read_frame(data, (hsize_t)i, lz4, pixels) != 0 ||
                 wrong_pixels(pixels, first_id + i) != 0;
    testOk(wrong == 0, "%d of its frames are wrong", wrong);
    H5Dclose(data);
    H5Fclose(file);
}

/* One frame, in a file of Single mode: there is no dimension of frames. */
static void holds_alone(const char *name, int id)
{
    char path[300];
    hsize_t dims[3] = {0, 0, 0};
    static int pixels[PIXELS];
    snprintf(path, sizeof path, "%s%s", real_root, name);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t data = file < 0 ? -1 : H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    hid_t space = data < 0 ? -1 : H5Dget_space(data);
    int rank = space < 0 ? 0 : H5Sget_simple_extent_ndims(space);
    if (rank == 2) H5Sget_simple_extent_dims(space, dims, NULL);
    testOk(dims[0] == ROWS && dims[1] == COLS, "%s: %d dimensions of %llu and %llu", name, rank,
           (unsigned long long)dims[0], (unsigned long long)dims[1]);
    testOk(dims[1] == COLS &&
               H5Dread(data, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, pixels) >= 0 &&
               !wrong_pixels(pixels, id),
           "and its pixels are right");
    if (space >= 0) H5Sclose(space);
    if (data >= 0) H5Dclose(data);
    if (file >= 0) H5Fclose(file);
}

static int is_there(const char *name)
{
    char path[300];
    struct stat st;
    snprintf(path, sizeof path, "%s%s", real_root, name);
    return stat(path, &st) == 0;
}

/* --- The plugin */

static void set_up(struct probe *p)
{
    probe_set(p, "cam1:AcquireTime", "0.01");
    probe_set(p, "cam1:AutoIncrement", "Yes");
    probe_set(p, "cam1:WaitForPlugins", "Yes");
    probe_set(p, "HDF1:EnableCallbacks", "1");
    probe_set(p, "HDF1:AutoIncrement", "Yes");
    probe_set(p, "HDF1:FileName", "4e26f601-df6d-4848-bf3f");
    probe_set(p, "HDF1:FileTemplate", "%s%s_%3.3d.h5");
    probe_set(p, "HDF1:FileWriteMode", "Stream");
    probe_set(p, "HDF1:NumCapture", "0");
}

static void paths(struct probe *p)
{
    probe_is(p, "HDF1:FilePathExists_RBV", "No");
    testOk(probe_get_severity(p, "HDF1:FilePathExists_RBV") == 3, "before the first path: INVALID");
    probe_set(p, "HDF1:FilePath", SEEN "/a/b/");
    probe_is(p, "HDF1:FilePathExists_RBV", "No");
    testOk(probe_get_severity(p, "HDF1:FilePathExists_RBV") == 2, "a missing folder: MAJOR");
    probe_set(p, "HDF1:CreateDirectory", "-1");
    probe_set(p, "HDF1:FilePath", SEEN "/a/b");
    probe_is(p, "HDF1:FilePathExists_RBV", "No");
    testOk(!is_there("/a"), "CreateDirectory=-1 makes one level only");
    probe_set(p, "HDF1:CreateDirectory", "-5");
    probe_set(p, "HDF1:FilePath", SEEN "/a/b");
    probe_is(p, "HDF1:FilePath", SEEN "/a/b");
    probe_is(p, "HDF1:FilePath_RBV", SEEN "/a/b/");
    probe_is(p, "HDF1:FilePathExists_RBV", "Yes");
    testOk(is_there("/a/b"), "CreateDirectory=-5 makes the folders, under the real root");
    probe_set(p, "HDF1:CreateDirectory", "0");
}

static void unprimed(struct probe *p)
{
    probe_set(p, "HDF1:LazyOpen", "No");
    int mark = probe_mark(p);
    send(p, "HDF1:Capture", "1");
    testOk(probe_wait(p, mark, "HDF1:Capture", "Done", 5) >= 0, "Capture falls by itself");
    PROBE_WENT(p, mark, "HDF1:Capture", "Capture", "Done");
    probe_is(p, "HDF1:Capture_RBV", "Done");
    probe_is(p, "HDF1:WriteMessage", "");
    probe_is(p, "HDF1:WriteStatus", "Write OK");
    probe_is(p, "HDF1:FullFileName_RBV", "");
}

static void lazy_stream(struct probe *p)
{
    const char *name = SEEN "/a/b/4e26f601-df6d-4848-bf3f_000.h5";
    probe_set(p, "HDF1:LazyOpen", "Yes");
    probe_set(p, "HDF1:Compression", "LZ4");
    probe_is(p, "HDF1:Compression_RBV", "LZ4");
    int mark = probe_mark(p);
    send(p, "HDF1:Capture", "1");
    testOk(probe_wait(p, mark, "HDF1:Capture_RBV", "Capturing", 5) >= 0, "Capture stays");
    probe_is(p, "HDF1:WriteMessage", "Lazy Open...");
    probe_is(p, "HDF1:FullFileName_RBV", "");
    probe_is(p, "HDF1:WriteFile_RBV", "Writing");
    acquire(p);
    probe_is(p, "HDF1:FullFileName_RBV", name);
    probe_is(p, "HDF1:NumCaptured_RBV", "1");
    probe_is(p, "HDF1:FileNumber", "1");
    probe_is(p, "HDF1:WriteMessage", "");
    acquire(p);
    probe_is(p, "HDF1:NumCaptured_RBV", "2");
    mark = probe_mark(p);
    send(p, "HDF1:Capture", "0");
    testOk(probe_wait(p, mark, "HDF1:Capture_RBV", "Done", 5) >= 0, "Capture=0 ends it");
    PROBE_WENT(p, mark, "HDF1:WriteFile", "Done");
    probe_is(p, "HDF1:WriteMessage", "Lazy Open...");
    holds("/a/b/4e26f601-df6d-4848-bf3f_000.h5", 2, 1, 1);
}

static void counted_stream(struct probe *p)
{
    probe_set(p, "HDF1:LazyOpen", "No");
    probe_set(p, "HDF1:Compression", "None");
    probe_set(p, "HDF1:NumCapture", "5");
    probe_set(p, "cam1:NumImages", "5");
    int mark = probe_mark(p);
    send(p, "HDF1:Capture", "1");
    becomes(p, "HDF1:Capture_RBV", "Capturing");
    probe_is(p, "HDF1:FullFileName_RBV", SEEN "/a/b/4e26f601-df6d-4848-bf3f_001.h5");
    acquire(p);
    PROBE_WENT(p, mark, "HDF1:NumCaptured_RBV", "0", "1", "2", "3", "4", "5");
    PROBE_WENT(p, mark, "HDF1:Capture_RBV", "Capturing", "Done");
    PROBE_WENT(p, mark, "HDF1:Capture", "Capture", "Done");
    holds("/a/b/4e26f601-df6d-4848-bf3f_001.h5", 5, 3, 0);
}

static void capture_mode(struct probe *p)
{
    probe_set(p, "HDF1:FileWriteMode", "Capture");
    probe_set(p, "HDF1:Compression", "zlib");
    probe_set(p, "HDF1:AutoSave", "Yes");
    int mark = probe_mark(p);
    send(p, "HDF1:Capture", "1");
    becomes(p, "HDF1:Capture_RBV", "Capturing");
    acquire(p);
    PROBE_WENT(p, mark, "HDF1:NumCaptured_RBV", "0", "1", "2", "3", "4", "5", "4", "3", "2", "1",
               "0");
    probe_is(p, "HDF1:Capture_RBV", "Done");
    holds("/a/b/4e26f601-df6d-4848-bf3f_002.h5", 5, 8, 0);
}

static void single_mode(struct probe *p)
{
    probe_set(p, "cam1:NumImages", "1");
    probe_set(p, "HDF1:FileWriteMode", "Single");
    int mark = probe_mark(p);
    send(p, "HDF1:Capture", "1");
    testOk(probe_wait(p, mark, "HDF1:Capture", "Done", 5) >= 0, "no Capture in Single mode");
    probe_is(p, "HDF1:WriteMessage", "ERROR: capture not supported in Single mode");
    probe_is(p, "HDF1:WriteStatus", "Write OK");
    mark = probe_mark(p);
    acquire(p);
    PROBE_WENT(p, mark, "HDF1:WriteFile", "Write", "Done");
    PROBE_WENT(p, mark, "HDF1:WriteFile_RBV", "Writing", "Done");
    probe_is(p, "HDF1:NumCaptured_RBV", "1");
    holds_alone("/a/b/4e26f601-df6d-4848-bf3f_003.h5", 13);
    probe_set(p, "HDF1:AutoSave", "No");
    probe_set(p, "HDF1:WriteFile", "1");
    holds_alone("/a/b/4e26f601-df6d-4848-bf3f_004.h5", 13);
}

/* The path that CreateDirectory cannot make. */
static void bad_path(struct probe *p)
{
    probe_set(p, "HDF1:FileWriteMode", "Stream");
    probe_set(p, "HDF1:FilePath", "/proc/nowhere/x/");
    probe_is(p, "HDF1:FilePathExists_RBV", "No");
    int mark = probe_mark(p);
    send(p, "HDF1:Capture", "1");
    testOk(probe_wait(p, mark, "HDF1:Capture", "Done", 5) >= 0, "Capture falls by itself");
    becomes(p, "HDF1:WriteStatus", "Write error");
    probe_is(p, "HDF1:WriteMessage",
             "Error opening file /proc/nowhere/x/4e26f601-df6d-4848-bf3f_005.h5, status=3");
    probe_is(p, "HDF1:FileNumber_RBV", "6");
    probe_set(p, "HDF1:LazyOpen", "Yes");
    send(p, "HDF1:Capture", "1");
    becomes(p, "HDF1:Capture_RBV", "Capturing");
    probe_is(p, "HDF1:WriteStatus", "Write OK");
    double counted = probe_get_number(p, "HDF1:ArrayCounter_RBV");
    acquire(p);
    probe_is(p, "HDF1:Capture_RBV", "Done");
    probe_is(p, "HDF1:WriteStatus", "Write OK");
    probe_is(p, "HDF1:WriteMessage", "");
    probe_is(p, "HDF1:FullFileName_RBV", "/proc/nowhere/x/4e26f601-df6d-4848-bf3f_006.h5");
    probe_is(p, "HDF1:NumCaptured_RBV", "0");
    testOk(probe_get_number(p, "HDF1:ArrayCounter_RBV") == counted + 1, "the frame was counted");
}

/* The put of a busy record completes when the capture ends; a second one waits with it. */
static void busy(struct probe *p)
{
    probe_set(p, "HDF1:FilePath", SEEN "/a/b/");
    testOk(probe_put_start(p, "HDF1:Capture", "1") == 0, "Capture=1 with completion");
    becomes(p, "HDF1:Capture_RBV", "Capturing");
    testOk(probe_completed(p, "HDF1:Capture", 0.3) != 0, "does not complete");
    send(p, "HDF1:Capture", "0");
    testOk(probe_completed(p, "HDF1:Capture", 5) == 0, "until it ends");
}

/* A stream that is open when the simulator ends is a whole file. */
static void closes_at_end(struct probe *p, struct sim *sim)
{
    send(p, "HDF1:Capture", "1");
    becomes(p, "HDF1:Capture_RBV", "Capturing");
    acquire(p);
    probe_is(p, "HDF1:NumCaptured_RBV", "1");
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    holds("/a/b/4e26f601-df6d-4848-bf3f_007.h5", 1, 15, 0);
}

int main(void)
{
    char root[100], raw[100], command[100];
    if (!mkdtemp(real_root)) testAbort("no folder");
    snprintf(root, sizeof root, SEEN "=%s", real_root);
    snprintf(raw, sizeof raw, SEEN "/raw");
    testPlan(0);
    struct sim *sim = sim_start(
        (const char *const[]){"--size", "64x48", "--write-root", root, "--raw", raw, NULL});
    struct probe *p = probe_new("Pilatus:");
    testOk(is_there("/raw"), "--raw makes the folder, under the real root");
    testOk(probe_watch(p, watched, WATCHED) == 0, "the channels are watched");
    set_up(p);
    paths(p);
    unprimed(p);
    lazy_stream(p);
    counted_stream(p);
    capture_mode(p);
    single_mode(p);
    bad_path(p);
    busy(p);
    closes_at_end(p, sim);
    snprintf(command, sizeof command, "rm -r %s", real_root);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
