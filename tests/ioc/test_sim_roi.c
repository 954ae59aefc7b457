/* The simulator's ROI1 against what ADCore's NDPluginROI makes of a frame, pixel by pixel. */
#include <stdio.h>
#include <stdlib.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { COLS = 64, ROWS = 48, PIXELS = COLS * ROWS };

static int id; /* of the latest frame */

static int pixel(int y, int x)
{
    return (7919 * id + 2500 * y + x) % 1048576;
}

static void acquire(struct probe *p)
{
    char wanted[16];
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 10) == 0, "an acquisition completes");
    snprintf(wanted, sizeof wanted, "%d", ++id);
    testOk(probe_until(p, "image1:UniqueId_RBV", wanted, 10) == 0, "frame %d comes through", id);
}

/* What image1 shows is a part of the camera's frame, each pixel a sum, and that divided. */
struct wanted {
    int x, y, width, height, bin_x, bin_y, reverse_x, reverse_y;
    double divisor;
};

static int wanted_pixel(const struct wanted *w, int row, int col)
{
    double sum = 0;
    if (w->reverse_y) row = w->height - 1 - row;
    if (w->reverse_x) col = w->width - 1 - col;
    for (int y = 0; y < w->bin_y; y++)
        for (int x = 0; x < w->bin_x; x++)
            sum += pixel(w->y + row * w->bin_y + y, w->x + col * w->bin_x + x);
    return (int)(sum / w->divisor);
}

static void shows(struct probe *p, const char *what, struct wanted w)
{
    static int found[PIXELS];
    int wrong = 0;
    acquire(p);
    long count = probe_get_longs(p, "image1:ArrayData", found, PIXELS);
    testOk(count == w.width * w.height, "%s: %ld pixels, wanted %d", what, count,
           w.width * w.height);
    if (count != w.width * w.height) return;
    for (int i = 0; i < count; i++)
        wrong += found[i] != wanted_pixel(&w, i / w.width, i % w.width);
    testOk(wrong == 0, "%s: %d of them are wrong", what, wrong);
}

static void parts(struct probe *p)
{
    shows(p, "after boot", (struct wanted){0, 0, COLS, ROWS, 1, 1, 0, 0, 1});
    probe_is_number(p, "ROI1:SizeX_RBV", COLS); /* it was 1000000 */
    probe_is_number(p, "ROI1:SizeY_RBV", ROWS);
    probe_is_number(p, "ROI1:SizeX", 1000000);
    probe_is_number(p, "ROI1:MaxSizeX_RBV", COLS);
    probe_is_number(p, "ROI1:MaxSizeY_RBV", ROWS);
    probe_is_number(p, "ROI1:MaxSizeZ_RBV", 0);
    probe_is_number(p, "ROI1:MaxX", COLS);
    probe_is_number(p, "ROI1:MinX.HOPR", COLS);
    probe_is_number(p, "ROI1:SizeY.HOPR", ROWS);
    probe_set(p, "ROI1:MinX", "10");
    probe_set(p, "ROI1:SizeX", "21");
    probe_set(p, "ROI1:MinY", "4");
    probe_set(p, "ROI1:SizeY", "13");
    shows(p, "a part", (struct wanted){10, 4, 21, 13, 1, 1, 0, 0, 1});
    probe_is_number(p, "ROI1:ArraySizeX_RBV", 21);
    probe_is_number(p, "ROI1:ArraySizeY_RBV", 13);
    probe_set(p, "ROI1:BinX", "2");
    probe_set(p, "ROI1:BinY", "3");
    shows(p, "binned", (struct wanted){10, 4, 10, 4, 2, 3, 0, 0, 1});
    probe_is_number(p, "ROI1:ArraySizeX_RBV", 10);
    probe_set(p, "ROI1:ReverseX", "Yes");
    shows(p, "reversed in X", (struct wanted){10, 4, 10, 4, 2, 3, 1, 0, 1});
    probe_set(p, "ROI1:ReverseY", "Yes");
    shows(p, "and in Y", (struct wanted){10, 4, 10, 4, 2, 3, 1, 1, 1});
    probe_set(p, "ROI1:Scale", "7");
    shows(p, "a scale that is off", (struct wanted){10, 4, 10, 4, 2, 3, 1, 1, 1});
    probe_set(p, "ROI1:EnableScale", "Enable");
    shows(p, "scaled", (struct wanted){10, 4, 10, 4, 2, 3, 1, 1, 7});
    probe_set(p, "ROI1:Scale", "0");
    shows(p, "by 0: not scaled", (struct wanted){10, 4, 10, 4, 2, 3, 1, 1, 1});
    probe_set(p, "ROI1:EnableScale", "Disable");
    probe_set(p, "ROI1:EnableX", "Disable");
    shows(p, "X is off", (struct wanted){0, 4, COLS, 4, 1, 3, 1, 1, 1});
    probe_is_number(p, "ROI1:MinX_RBV", 10); /* stays for when it is on again */
    probe_set(p, "ROI1:EnableX", "Enable");
    probe_set(p, "ROI1:ReverseX", "No");
    probe_set(p, "ROI1:ReverseY", "No");
}

static void made_to_fit(struct probe *p)
{
    probe_set(p, "ROI1:BinX", "1");
    probe_set(p, "ROI1:BinY", "0");
    probe_set(p, "ROI1:MinX", "60");
    probe_set(p, "ROI1:SizeX", "50");
    probe_set(p, "ROI1:MinY", "-3");
    probe_set(p, "ROI1:SizeY", "0");
    shows(p, "out of range", (struct wanted){60, 0, 4, 1, 1, 1, 0, 0, 1});
    probe_is_number(p, "ROI1:SizeX_RBV", 4);
    probe_is_number(p, "ROI1:MinY_RBV", 0);
    probe_is_number(p, "ROI1:SizeY_RBV", 1);
    probe_is_number(p, "ROI1:BinY_RBV", 1);
    probe_set(p, "ROI1:MinX", "1000");
    shows(p, "behind the end", (struct wanted){63, 0, 1, 1, 1, 1, 0, 0, 1});
    probe_is_number(p, "ROI1:MinX_RBV", 63);
    probe_set(p, "ROI1:MinX", "8");
    probe_set(p, "ROI1:AutoSizeX", "Yes");
    shows(p, "automatic size", (struct wanted){8, 0, COLS - 8, 1, 1, 1, 0, 0, 1});
    probe_set(p, "ROI1:AutoSizeX", "No");
}

static void dimensions(struct probe *p)
{
    int found[10];
    probe_is_number(p, "image1:NDimensions_RBV", 2);
    probe_set(p, "ROI1:CollapseDims", "Enable");
    shows(p, "one row, collapsed", (struct wanted){8, 0, COLS - 8, 1, 1, 1, 0, 0, 1});
    probe_is_number(p, "image1:NDimensions_RBV", 1);
    probe_is_number(p, "ROI1:ArraySizeY_RBV", 0);
    testOk(probe_get_longs(p, "image1:Dimensions_RBV", found, 10) == 10 && found[0] == COLS - 8 &&
               found[1] == 0,
           "Dimensions tell one");
    probe_is_number(p, "image1:ArraySize1_RBV", 0);
    probe_set(p, "ROI1:SizeX", "1");
    probe_set(p, "ROI1:SizeY", "20");
    shows(p, "one column, collapsed", (struct wanted){8, 0, 1, 20, 1, 1, 0, 0, 1});
    probe_is_number(p, "image1:ArraySizeX_RBV", 20);
    probe_is_number(p, "image1:NDimensions_RBV", 1);
    probe_set(p, "ROI1:CollapseDims", "Disable");
}

static void types(struct probe *p)
{
    static const struct {
        const char *label;
        int size;
    } types[] = {{"Int8", 1},   {"UInt8", 1}, {"Int16", 2},  {"UInt16", 2},  {"Int32", 4},
                 {"UInt32", 4}, {"Int64", 8}, {"UInt64", 8}, {"Float32", 4}, {"Float64", 8}};
    probe_set(p, "ROI1:MinX", "0");
    probe_set(p, "ROI1:SizeX", "9");
    probe_set(p, "ROI1:SizeY", "5");
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        int found[45], wrong = 0;
        probe_set(p, "ROI1:DataTypeOut", types[t].label);
        acquire(p);
        probe_is(p, "image1:DataType_RBV", types[t].label);
        probe_is_number(p, "image1:ArraySize_RBV", 45 * types[t].size);
        testOk(probe_get_longs(p, "image1:ArrayData", found, 45) == 45, "all come");
        for (int i = 0; i < 45; i++) {
            int whole = pixel(i / 9, i % 9);
            int cut = t == 0   ? (signed char)whole
                      : t == 1 ? (unsigned char)whole
                      : t == 2 ? (short)whole
                      : t == 3 ? (unsigned short)whole
                               : whole;
            wrong += found[i] != cut;
        }
        testOk(wrong == 0, "%d of %s are wrong", wrong, types[t].label);
    }
    probe_set(p, "ROI1:DataTypeOut", "Automatic");
    acquire(p);
    probe_is(p, "image1:DataType_RBV", "Int32");
    probe_is(p, "ROI1:DataType_RBV", "Int32");
}

/* A file has frames of one size: others are refused, as by NDPluginFile, and counted by nobody. */
static void one_size(struct probe *p, const char *folder)
{
    probe_set(p, "ROI1:SizeX", "20");
    probe_set(p, "HDF1:EnableCallbacks", "Enable");
    probe_set(p, "HDF1:NDArrayPort", "ROI1");
    probe_set(p, "HDF1:FilePath", folder);
    probe_set(p, "HDF1:FileName", "sizes");
    probe_set(p, "HDF1:FileTemplate", "%s%s.h5");
    probe_set(p, "HDF1:FileWriteMode", "Stream");
    probe_set(p, "HDF1:NumCapture", "0");
    probe_set(p, "HDF1:LazyOpen", "Yes");
    probe_put(p, "HDF1:Capture", "1");
    probe_until(p, "HDF1:Capture_RBV", "Capturing", 10);
    acquire(p);
    testOk(probe_until(p, "HDF1:NumCaptured_RBV", "1", 10) == 0, "a frame is written");
    probe_set(p, "ROI1:SizeX", "10");
    acquire(p);
    testOk(probe_until(p, "HDF1:WriteMessage", "Invalid frame. Ignoring.", 10) == 0,
           "one of another size is refused");
    probe_is(p, "HDF1:WriteStatus", "Write error");
    probe_is_number(p, "HDF1:NumCaptured_RBV", 1);
    probe_set(p, "ROI1:SizeX", "20");
    acquire(p);
    testOk(probe_until(p, "HDF1:NumCaptured_RBV", "2", 10) == 0,
           "the next of that size is written");
    probe_is(p, "HDF1:WriteStatus", "Write OK");
    probe_put(p, "HDF1:Capture", "0");
    testOk(probe_until(p, "HDF1:Capture_RBV", "Done", 10) == 0, "the file is closed");
}

int main(void)
{
    char folder[] = "/tmp/cophyd-roi-XXXXXX", command[64];
    if (!mkdtemp(folder)) testAbort("no folder");
    testPlan(0);
    struct sim *sim =
        sim_start((const char *const[]){"--size", "64x48", "--instant", "--raw", folder, NULL});
    struct probe *p = probe_new("Pilatus:");
    probe_set(p, "cam1:AcquireTime", "0.001");
    probe_set(p, "ROI1:EnableCallbacks", "Enable");
    probe_set(p, "image1:EnableCallbacks", "Enable");
    probe_set(p, "image1:NDArrayPort", "ROI1");
    parts(p);
    made_to_fit(p);
    dimensions(p);
    types(p);
    one_size(p, folder);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
