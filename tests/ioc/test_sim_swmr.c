/* The simulator's HDF1 while a file is open: SWMR with its flushes, values for each frame, extra
 * dimensions, and what ends a capture. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epicsUnitTest.h>
#include <hdf5.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { COLS = 64, ROWS = 48, PIXELS = COLS * ROWS };

static char folder[] = "/tmp/cophyd-swmr-XXXXXX";

static void acquire(struct probe *p)
{
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 10) == 0, "an acquisition completes");
}

static void start(struct probe *p)
{
    testOk(probe_put(p, "HDF1:Capture", "1") == 0, "Capture is sent");
    probe_becomes(p, "HDF1:Capture_RBV", "Capturing");
}

static void stop(struct probe *p)
{
    testOk(probe_put(p, "HDF1:Capture", "0") == 0, "Capture=0 is sent");
    probe_becomes(p, "HDF1:Capture_RBV", "Done");
}

static void set_up(struct probe *p)
{
    probe_set(p, "cam1:AcquireTime", "0.001");
    probe_set(p, "cam1:WaitForPlugins", "Yes");
    probe_set(p, "HDF1:EnableCallbacks", "Enable");
    probe_set(p, "HDF1:FilePath", folder);
    probe_set(p, "HDF1:FileName", "s");
    probe_set(p, "HDF1:FileTemplate", "%s%s_%d.h5");
    probe_set(p, "HDF1:AutoIncrement", "Yes");
    probe_set(p, "HDF1:FileWriteMode", "Stream");
    probe_set(p, "HDF1:LazyOpen", "Yes");
    probe_set(p, "HDF1:NumCapture", "0");
}

static hid_t open_file(int number, unsigned flags)
{
    char path[80];
    hid_t file;
    snprintf(path, sizeof path, "%s/s_%d.h5", folder, number);
    H5E_BEGIN_TRY
    {
        file = H5Fopen(path, flags, H5P_DEFAULT);
    }
    H5E_END_TRY;
    return file;
}

/* The frames that a reader sees now, and whether the last has the pixels of this frame. */
static void sees(hid_t data, int frames, int id)
{
    static int pixels[PIXELS];
    hsize_t dims[3] = {0}, from[3] = {0}, one[3] = {1, ROWS, COLS};
    int wrong = 0;
    H5Drefresh(data);
    hid_t space = H5Dget_space(data), memory = H5Screate_simple(3, one, NULL);
    H5Sget_simple_extent_dims(space, dims, NULL);
    testOk(dims[0] == (hsize_t)frames, "a reader sees %d frames, wanted %d", (int)dims[0], frames);
    from[0] = dims[0] - 1;
    H5Sselect_hyperslab(space, H5S_SELECT_SET, from, NULL, one, NULL);
    if (H5Dread(data, H5T_NATIVE_INT, memory, space, H5P_DEFAULT, pixels) < 0) wrong = -1;
    for (int i = 0; wrong >= 0 && i < PIXELS; i++)
        wrong += pixels[i] != (7919 * id + 2500 * (i / COLS) + i % COLS) % 1048576;
    testOk(wrong == 0, "frame %d: %d pixels are wrong", id, wrong);
    H5Sclose(memory);
    H5Sclose(space);
}

static void swmr(struct probe *p)
{
    probe_set(p, "HDF1:SWMRMode", "On");
    start(p);
    acquire(p);
    probe_is(p, "HDF1:SWMRActive_RBV", "Active");
    probe_is_number(p, "HDF1:SWMRCbCounter_RBV", 1);
    testOk(open_file(0, H5F_ACC_RDONLY) < 0, "the file cannot be opened plainly");
    hid_t file = open_file(0, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ);
    hid_t data = file < 0 ? -1 : H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    testOk(data >= 0, "but by a SWMR reader");
    sees(data, 1, 1);
    acquire(p);
    sees(data, 2, 2);
    probe_set(p, "HDF1:NumFramesFlush", "100");
    acquire(p);
    acquire(p);
    sees(data, 2, 2);
    probe_is_number(p, "HDF1:NumCaptured_RBV", 4);
    testOk(probe_put_complete(p, "HDF1:FlushNow", "1", 5) == 0, "FlushNow completes");
    probe_is(p, "HDF1:FlushNow", "Done");
    probe_is_number(p, "HDF1:SWMRCbCounter_RBV", 3);
    sees(data, 4, 4);
    probe_set(p, "HDF1:NumFramesFlush", "3");
    acquire(p);
    acquire(p);
    sees(data, 4, 4);
    acquire(p);
    sees(data, 7, 7);
    acquire(p);
    stop(p);
    probe_is(p, "HDF1:SWMRActive_RBV", "Off");
    sees(data, 8, 8);
    H5Dclose(data);
    H5Fclose(file);
    probe_set(p, "HDF1:SWMRMode", "Off");
    probe_set(p, "HDF1:NumFramesFlush", "0");
}

/* Without SWMR nothing flushes but the end, and NumFramesFlush. */
static void plain(struct probe *p)
{
    double flushes = probe_get_number(p, "HDF1:SWMRCbCounter_RBV");
    start(p);
    acquire(p);
    testOk(open_file(1, H5F_ACC_RDONLY) < 0, "a file that is being written cannot be opened");
    testOk(probe_put_complete(p, "HDF1:FlushNow", "1", 5) == 0, "FlushNow completes");
    probe_is_number(p, "HDF1:SWMRCbCounter_RBV", flushes);
    stop(p);
    hid_t file = open_file(1, H5F_ACC_RDONLY), data;
    testOk(file >= 0, "a closed one can");
    data = H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    sees(data, 1, 9);
    H5Dclose(data);
    H5Fclose(file);
}

static void read_values(hid_t file, const char *name, double *ret, int count)
{
    char path[100];
    hsize_t dims[1] = {0};
    snprintf(path, sizeof path, "/entry/instrument/NDAttributes/%s", name);
    hid_t data = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(data);
    H5Sget_simple_extent_dims(space, dims, NULL);
    testOk(dims[0] == (hsize_t)count, "%s has %d values", name, (int)dims[0]);
    if (dims[0] == (hsize_t)count)
        H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, ret);
    H5Sclose(space);
    H5Dclose(data);
}

/* What the records tell about each frame is in the file too. */
static void values(struct probe *p)
{
    double ids[3], stamps[3], seconds[3], nanoseconds[3], told[3][4];
    start(p);
    for (int i = 0; i < 3; i++) {
        acquire(p);
        told[i][0] = probe_get_number(p, "HDF1:UniqueId_RBV");
        told[i][1] = probe_get_number(p, "HDF1:TimeStamp_RBV");
        told[i][2] = probe_get_number(p, "HDF1:EpicsTSSec_RBV");
        told[i][3] = probe_get_number(p, "HDF1:EpicsTSNsec_RBV");
    }
    stop(p);
    hid_t file = open_file(2, H5F_ACC_RDONLY);
    read_values(file, "NDArrayUniqueId", ids, 3);
    read_values(file, "NDArrayTimeStamp", stamps, 3);
    read_values(file, "NDArrayEpicsTSSec", seconds, 3);
    read_values(file, "NDArrayEpicsTSnSec", nanoseconds, 3);
    for (int i = 0; i < 3; i++)
        testOk(ids[i] == told[i][0] && stamps[i] == told[i][1] && seconds[i] == told[i][2] &&
                   nanoseconds[i] == told[i][3],
               "frame %d is told alike", 10 + i);
    testOk(ids[0] == 10 && ids[2] == 12 && seconds[0] > 1e9 && stamps[0] > 1e9,
           "and they are right");
    H5Fclose(file);
    probe_set(p, "HDF1:StoreAttr", "No");
    probe_set(p, "HDF1:StorePerform", "No");
    start(p);
    acquire(p);
    stop(p);
    file = open_file(3, H5F_ACC_RDONLY);
    testOk(H5Lexists(file, "/entry/instrument/NDAttributes/NDArrayUniqueId", H5P_DEFAULT) == 0,
           "StoreAttr=No leaves them out");
    testOk(H5Lexists(file, "/entry/instrument/performance/timestamp", H5P_DEFAULT) == 0,
           "StorePerform=No the performance");
    H5Fclose(file);
}

static void extra_dimensions(struct probe *p)
{
    static int pixels[6 * PIXELS];
    hsize_t dims[5] = {0};
    int wrong = 0;
    probe_set(p, "HDF1:ExtraDimSizeN", "2");
    probe_set(p, "HDF1:ExtraDimSizeX", "3");
    probe_set(p, "HDF1:NumExtraDims", "1");
    probe_is(p, "HDF1:NumCapture_RBV", "6");
    start(p);
    for (int i = 0; i < 6; i++)
        acquire(p);
    probe_becomes(p, "HDF1:Capture_RBV", "Done");
    hid_t file = open_file(4, H5F_ACC_RDONLY);
    hid_t data = H5Dopen2(file, "/entry/data/data", H5P_DEFAULT), space = H5Dget_space(data);
    testOk(H5Sget_simple_extent_dims(space, dims, NULL) == 4 && dims[0] == 3 && dims[1] == 2 &&
               dims[2] == ROWS && dims[3] == COLS,
           "a grid of 3 x 2 frames");
    if (dims[0] == 3) H5Dread(data, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, pixels);
    for (int i = 0; i < 6 * PIXELS; i++)
        wrong += pixels[i] !=
                 (7919 * (14 + i / PIXELS) + 2500 * (i % PIXELS / COLS) + i % COLS) % 1048576;
    testOk(wrong == 0, "%d pixels are wrong", wrong);
    H5Sclose(space);
    H5Dclose(data);
    H5Fclose(file);
}

int main(void)
{
    char command[64];
    if (!mkdtemp(folder)) testAbort("no folder");
    testPlan(0);
    struct sim *sim =
        sim_start((const char *const[]){"--size", "64x48", "--instant", "--raw", folder, NULL});
    struct probe *p = probe_new("Pilatus:");
    set_up(p);
    swmr(p);
    plain(p);
    values(p);
    extra_dimensions(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
