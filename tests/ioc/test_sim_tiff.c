/* The simulator's TIFF1: its write modes and counters, and the files, which are read here by the
 * TIFF specification alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"
#include "lib/tiff.h"

enum { COLS = 64, ROWS = 48 };

static char folder[] = "/tmp/cophyd-tiff-XXXXXX";
static int id; /* of the latest frame */

static const char *const watched[] = {"TIFF1:NumCaptured_RBV", "TIFF1:Capture_RBV", "TIFF1:Capture",
                                      "TIFF1:WriteFile_RBV"};

static void acquire(struct probe *p, int images)
{
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 20) == 0, "an acquisition completes");
    id += images;
}

/* --- Files */

/* Of this frame, which begins at x, y of the detector's. type: as DataType has it. */
static void holds(const char *name, int frame, int x, int y, int cols, int rows, int type)
{
    static const int bits[] = {8, 8, 16, 16, 32, 32, 64, 64, 32, 64};
    char path[100];
    int wrong = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const struct tiff *t = tiff_load(path);
    testOk(t != NULL, "%s is a TIFF", name);
    if (!t) return;
    testOk(t->tag[256] == cols && t->tag[257] == rows && t->tag[258] == bits[type] &&
               t->tag[259] == 1 && t->tag[262] == 1 && t->tag[278] == rows &&
               t->tag[339] == (type > 7   ? 3
                               : type % 2 ? 1
                                          : 2),
           "%gx%g, %g bits, format %g", t->tag[256], t->tag[257], t->tag[258], t->tag[339]);
    size_t size = (size_t)bits[type] / 8, at = (size_t)t->tag[273];
    testOk(t->tag[279] == (double)(size * (size_t)(cols * rows)) &&
               at + (size_t)t->tag[279] == t->size,
           "one strip, to the end");
    for (int i = 0; i < cols * rows; i++) {
        int whole = (7919 * frame + 2500 * (y + i / cols) + x + i % cols) % 1048576;
        double wanted = type == 0   ? (signed char)whole
                        : type == 1 ? (unsigned char)whole
                        : type == 2 ? (short)whole
                        : type == 3 ? (unsigned short)whole
                                    : whole;
        wrong += tiff_element(t, at + (size_t)i * size) != wanted;
    }
    testOk(wrong == 0, "%s: %d pixels are wrong", name, wrong);
    testOk(t->tag[65001] == frame && t->tag[65000] > 0 && t->tag[65002] > 0 && t->tag[65003] >= 0,
           "it names frame %g", t->tag[65001]);
}

static int is_there(const char *name)
{
    char path[100];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &st) == 0;
}

/* --- The plugin */

static void set_up(struct probe *p)
{
    probe_set(p, "cam1:AcquireTime", "0.001");
    probe_set(p, "cam1:AcquirePeriod", "0.002");
    probe_set(p, "cam1:AutoIncrement", "Yes");
    probe_set(p, "cam1:WaitForPlugins", "Yes");
    probe_set(p, "TIFF1:EnableCallbacks", "Enable");
    probe_set(p, "TIFF1:FilePath", folder);
    probe_set(p, "TIFF1:FileName", "t");
    probe_set(p, "TIFF1:FileTemplate", "%s%s_%3.3d.tif");
    probe_set(p, "TIFF1:AutoIncrement", "Yes");
}

static void single(struct probe *p)
{
    probe_set(p, "TIFF1:FileWriteMode", "Single");
    acquire(p, 1);
    testOk(!is_there("t_000.tif"), "AutoSave=No writes nothing");
    probe_is_number(p, "TIFF1:ArrayCounter_RBV", 0);
    testOk(probe_put_complete(p, "TIFF1:WriteFile", "1", 5) == 0, "WriteFile=1");
    holds("t_000.tif", 1, 0, 0, COLS, ROWS, 4);
    probe_is_number(p, "TIFF1:FileNumber_RBV", 1);
    probe_set(p, "TIFF1:AutoSave", "Yes");
    int mark = probe_mark(p);
    acquire(p, 1);
    PROBE_WENT(p, mark, "TIFF1:WriteFile_RBV", "Writing", "Done");
    probe_is_number(p, "TIFF1:NumCaptured_RBV", 1);
    probe_is_number(p, "TIFF1:ArrayCounter_RBV", 1);
    holds("t_001.tif", 2, 0, 0, COLS, ROWS, 4);
    probe_set(p, "TIFF1:AutoIncrement", "No");
    acquire(p, 1);
    acquire(p, 1);
    holds("t_002.tif", 4, 0, 0, COLS, ROWS, 4); /* the same name again */
    probe_is_number(p, "TIFF1:FileNumber_RBV", 2);
    probe_set(p, "TIFF1:AutoIncrement", "Yes");
    mark = probe_mark(p);
    testOk(probe_put(p, "TIFF1:Capture", "1") == 0, "Capture is sent");
    testOk(probe_wait(p, mark, "TIFF1:Capture", "Done", 5) >= 0, "and falls by itself");
    probe_is(p, "TIFF1:WriteMessage", "ERROR: capture not supported in Single mode");
}

static void stream(struct probe *p)
{
    probe_set(p, "cam1:NumImages", "3");
    probe_set(p, "TIFF1:FileWriteMode", "Stream");
    probe_set(p, "TIFF1:NumCapture", "3");
    probe_set(p, "TIFF1:FileNumber", "10");
    int mark = probe_mark(p);
    testOk(probe_put(p, "TIFF1:Capture", "1") == 0, "Capture is sent");
    probe_becomes(p, "TIFF1:Capture_RBV", "Capturing");
    testOk(!is_there("t_010.tif"), "nothing is opened before a frame comes");
    acquire(p, 3);
    probe_becomes(p, "TIFF1:Capture_RBV", "Done");
    PROBE_WENT(p, mark, "TIFF1:NumCaptured_RBV", "0", "1", "2", "3");
    PROBE_WENT(p, mark, "TIFF1:Capture", "Capture", "Done");
    probe_is_number(p, "TIFF1:FileNumber_RBV", 13);
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "t_%03d.tif", 10 + i);
        holds(name, id - 2 + i, 0, 0, COLS, ROWS, 4);
    }
    acquire(p, 3);
    testOk(!is_there("t_013.tif"), "nothing more is written");
}

static void capture(struct probe *p)
{
    probe_set(p, "TIFF1:FileWriteMode", "Capture");
    probe_set(p, "TIFF1:FileNumber", "20");
    int mark = probe_mark(p);
    testOk(probe_put(p, "TIFF1:Capture", "1") == 0, "Capture is sent");
    probe_becomes(p, "TIFF1:Capture_RBV", "Capturing");
    acquire(p, 3);
    PROBE_WENT(p, mark, "TIFF1:NumCaptured_RBV", "0", "1", "2", "3", "2", "1", "0");
    probe_becomes(p, "TIFF1:Capture_RBV", "Done");
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "t_%03d.tif", 20 + i);
        holds(name, id - 2 + i, 0, 0, COLS, ROWS, 4);
    }
    probe_set(p, "TIFF1:AutoSave", "No");
    testOk(probe_put(p, "TIFF1:Capture", "1") == 0, "Capture is sent");
    probe_becomes(p, "TIFF1:Capture_RBV", "Capturing");
    acquire(p, 3);
    probe_becomes(p, "TIFF1:Capture_RBV", "Done");
    probe_is_number(p, "TIFF1:NumCaptured_RBV", 3);
    testOk(!is_there("t_023.tif"), "AutoSave=No keeps them in memory");
    testOk(probe_put_complete(p, "TIFF1:WriteFile", "1", 10) == 0, "until WriteFile=1");
    probe_is_number(p, "TIFF1:NumCaptured_RBV", 0);
    holds("t_025.tif", id, 0, 0, COLS, ROWS, 4);
}

static void types(struct probe *p)
{
    static const char *const labels[] = {"Int8",   "UInt8", "Int16",  "UInt16",  "Int32",
                                         "UInt32", "Int64", "UInt64", "Float32", "Float64"};
    probe_set(p, "cam1:NumImages", "1");
    probe_set(p, "ROI1:EnableCallbacks", "Enable");
    probe_set(p, "ROI1:MinX", "3");
    probe_set(p, "ROI1:SizeX", "21");
    probe_set(p, "ROI1:MinY", "5");
    probe_set(p, "ROI1:SizeY", "17");
    probe_set(p, "TIFF1:NDArrayPort", "ROI1");
    probe_set(p, "TIFF1:FileWriteMode", "Single");
    probe_set(p, "TIFF1:AutoSave", "Yes");
    probe_set(p, "TIFF1:FileNumber", "30");
    for (int i = 0; i < 10; i++) {
        char name[20], wanted[20];
        probe_set(p, "ROI1:DataTypeOut", labels[i]);
        acquire(p, 1);
        snprintf(wanted, sizeof wanted, "%d", 31 + i);
        probe_becomes(p, "TIFF1:FileNumber_RBV", wanted);
        probe_becomes(p, "TIFF1:WriteFile_RBV", "Done");
        snprintf(name, sizeof name, "t_%03d.tif", 30 + i);
        holds(name, id, 3, 5, 21, 17, i);
    }
    probe_set(p, "TIFF1:NDArrayPort", "PIL");
}

/* What camserver wrote goes when the plugin has written the frame; a file has its suffix until it
 * is whole. */
static void other_files(struct probe *p)
{
    probe_set(p, "cam1:FileNumber", "700");
    probe_set(p, "TIFF1:FileNumber", "50");
    acquire(p, 1);
    testOk(is_there("raw_0700.tif"), "camserver's file stays");
    probe_set(p, "TIFF1:DeleteDriverFile", "Yes");
    acquire(p, 1);
    testOk(!is_there("raw_0701.tif"), "until DeleteDriverFile=Yes");
    holds("t_051.tif", id, 0, 0, COLS, ROWS, 4);
    probe_set(p, "TIFF1:TempSuffix", ".part");
    acquire(p, 1);
    testOk(!is_there("t_052.tif.part"), "no file has its suffix at the end");
    holds("t_052.tif", id, 0, 0, COLS, ROWS, 4);
}

/* A frame that cannot be written is told, and does not end the capture. */
static void bad_path(struct probe *p)
{
    probe_set(p, "TIFF1:FileWriteMode", "Stream");
    probe_set(p, "TIFF1:NumCapture", "0");
    probe_set(p, "TIFF1:FilePath", "/proc/nowhere/x");
    probe_is(p, "TIFF1:FilePathExists_RBV", "No");
    testOk(probe_put(p, "TIFF1:Capture", "1") == 0, "Capture is sent");
    probe_becomes(p, "TIFF1:Capture_RBV", "Capturing");
    acquire(p, 1);
    probe_is(p, "TIFF1:WriteStatus", "Write error");
    probe_is(p, "TIFF1:WriteMessage", "Error opening file /proc/nowhere/x/t_053.tif, status=3");
    probe_is_number(p, "TIFF1:NumCaptured_RBV", 0);
    probe_is(p, "TIFF1:Capture_RBV", "Capturing");
    probe_set(p, "TIFF1:FilePath", folder);
    acquire(p, 1);
    probe_is(p, "TIFF1:WriteStatus", "Write OK");
    probe_is_number(p, "TIFF1:NumCaptured_RBV", 1);
    holds("t_054.tif", id, 0, 0, COLS, ROWS, 4);
    testOk(probe_put(p, "TIFF1:Capture", "0") == 0, "Capture=0 is sent");
    probe_becomes(p, "TIFF1:Capture_RBV", "Done");
}

int main(void)
{
    char command[64];
    if (!mkdtemp(folder)) testAbort("no folder");
    testPlan(0);
    struct sim *sim =
        sim_start((const char *const[]){"--size", "64x48", "--instant", "--raw", folder, NULL});
    struct probe *p = probe_new("Pilatus:");
    testOk(probe_watch(p, watched, sizeof watched / sizeof *watched) == 0, "watched");
    set_up(p);
    single(p);
    stream(p);
    capture(p);
    types(p);
    other_files(p);
    bad_path(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
