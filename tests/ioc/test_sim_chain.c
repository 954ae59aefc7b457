/* Frames through chains of the simulator's plugins: any port behind any other, changed while it
 * runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epicsUnitTest.h>
#include <hdf5.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { COLS = 64, ROWS = 48 };

static char folder[] = "/tmp/cophyd-chain-XXXXXX";

static void acquire(struct probe *p)
{
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 10) == 0, "an acquisition completes");
}

static void set_up(struct probe *p)
{
    static const char *const plugins[] = {"image1", "HDF1",   "ROI1",  "Stats1",
                                          "Proc1",  "Trans1", "Over1", "Codec1"};
    char name[40];
    for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++) {
        snprintf(name, sizeof name, "%s:EnableCallbacks", plugins[i]);
        probe_set(p, name, "Enable");
    }
    probe_set(p, "cam1:AcquireTime", "0.001");
    probe_set(p, "cam1:WaitForPlugins", "Yes");
    probe_set(p, "HDF1:FilePath", folder);
    probe_set(p, "HDF1:FileName", "roi");
    probe_set(p, "HDF1:FileTemplate", "%s%s.h5");
    probe_set(p, "HDF1:FileWriteMode", "Stream");
    probe_set(p, "HDF1:LazyOpen", "Yes");
    probe_set(p, "HDF1:NumCapture", "3");
    probe_set(p, "ROI1:MinX", "5");
    probe_set(p, "ROI1:SizeX", "20");
    probe_set(p, "ROI1:MinY", "7");
    probe_set(p, "ROI1:SizeY", "10");
}

/* Every pixel of the file is that of the camera's frame, moved by the ROI's corner. */
static void file_holds_roi(int first_id)
{
    enum { W = 20, H = 10, N = 3 };
    static int pixels[N][H][W];
    char path[80];
    hsize_t dims[3] = {0};
    int wrong = 0;
    snprintf(path, sizeof path, "%s/roi.h5", folder);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t data = file < 0 ? -1 : H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    testOk(data >= 0, "%s has /entry/data/data", path);
    if (data < 0) return;
    hid_t space = H5Dget_space(data);
    H5Sget_simple_extent_dims(space, dims, NULL);
    testOk(dims[0] == N && dims[1] == H && dims[2] == W, "of the ROI's size");
    if (dims[0] == N && dims[1] == H && dims[2] == W)
        H5Dread(data, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, pixels);
    for (int i = 0; i < N; i++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                wrong +=
                    pixels[i][y][x] != (7919 * (first_id + i) + 2500 * (y + 7) + x + 5) % 1048576;
    testOk(wrong == 0, "%d pixels are wrong", wrong);
    H5Sclose(space);
    H5Dclose(data);
    H5Fclose(file);
}

static void roi_to_file(struct probe *p)
{
    probe_set(p, "HDF1:NDArrayPort", "ROI1");
    probe_is(p, "HDF1:NDArrayPort_RBV", "ROI1");
    testOk(probe_put(p, "HDF1:Capture", "1") == 0, "Capture is sent");
    probe_becomes(p, "HDF1:Capture_RBV", "Capturing");
    for (int i = 0; i < 3; i++)
        acquire(p);
    probe_becomes(p, "HDF1:Capture_RBV", "Done");
    probe_is_number(p, "HDF1:NumCaptured_RBV", 3);
    probe_is_number(p, "HDF1:ArraySizeX_RBV", 20);
    file_holds_roi(1);
}

static void long_chain(struct probe *p)
{
    probe_set(p, "Proc1:NDArrayPort", "ROI1");
    probe_set(p, "Trans1:NDArrayPort", "PROC1");
    probe_set(p, "Over1:NDArrayPort", "TRANS1");
    probe_set(p, "Codec1:NDArrayPort", "OVER1");
    probe_set(p, "Stats1:NDArrayPort", "CODEC1");
    probe_set(p, "image1:NDArrayPort", "STATS1");
    double before = probe_get_number(p, "image1:ArrayCounter_RBV");
    acquire(p);
    probe_becomes(p, "image1:UniqueId_RBV", "4");
    probe_becomes(p, "image1:ArrayCounter_RBV", before == 3 ? "4" : "1");
    probe_is_number(p, "image1:ArraySizeX_RBV", 20);
    probe_is_number(p, "image1:ArraySizeY_RBV", 10);
    probe_is_number(p, "Stats1:UniqueId_RBV", 4);
    probe_set(p, "Over1:ArrayCallbacks", "Disable");
    acquire(p);
    probe_becomes(p, "Over1:UniqueId_RBV", "5");
    probe_is_number(p, "Codec1:UniqueId_RBV", 4);
    probe_is_number(p, "image1:UniqueId_RBV", 4);
    probe_set(p, "Over1:ArrayCallbacks", "Enable");
}

/* While frames come: the next one comes by the new way. */
static void change_while_running(struct probe *p)
{
    probe_set(p, "cam1:NumImages", "100000");
    testOk(probe_put(p, "cam1:Acquire", "1") == 0, "a long series starts");
    probe_becomes(p, "image1:ArraySizeX_RBV", "20");
    probe_set(p, "image1:NDArrayPort", "PIL");
    probe_becomes(p, "image1:ArraySizeX_RBV", "64");
    probe_set(p, "image1:NDArrayPort", "ROI1");
    probe_becomes(p, "image1:ArraySizeX_RBV", "20");
    testOk(probe_put(p, "cam1:Acquire", "0") == 0, "and is stopped");
    probe_becomes(p, "cam1:AcquireBusy", "Done");
    probe_set(p, "cam1:NumImages", "1");
}

/* No frames, and no alarm: as measured on a real one. */
static void nowhere(struct probe *p)
{
    double before = probe_get_number(p, "image1:ArrayCounter_RBV");
    probe_set(p, "image1:NDArrayPort", "NOPORT");
    probe_is(p, "image1:NDArrayPort_RBV", "NOPORT");
    testOk(probe_get_severity(p, "image1:NDArrayPort") == 0, "an unknown port is no alarm");
    acquire(p);
    probe_is_number(p, "image1:ArrayCounter_RBV", before);
    probe_set(p, "image1:NDArrayPort", "FileHDF1"); /* which gives none on */
    acquire(p);
    probe_is_number(p, "image1:ArrayCounter_RBV", before);
}

/* ROI1 behind Stats1 behind ROI1: nothing comes in. */
static void loop(struct probe *p)
{
    probe_set(p, "Stats1:NDArrayPort", "ROI1");
    probe_set(p, "ROI1:NDArrayPort", "STATS1");
    double roi = probe_get_number(p, "ROI1:ArrayCounter_RBV");
    acquire(p);
    probe_is_number(p, "ROI1:ArrayCounter_RBV", roi);
    testOk(probe_get_severity(p, "ROI1:NDArrayPort") == 0, "a loop is no alarm");
    probe_set(p, "ROI1:NDArrayPort", "PIL");
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
    roi_to_file(p);
    long_chain(p);
    change_while_running(p);
    nowhere(p);
    loop(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
