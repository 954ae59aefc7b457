/* Camserver's image files: where they are, how a series is named, and every pixel in them; what
 * the driver does without them. The TIFF is read here by its tags, not with the simulator's code.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { COLS = 48, ROWS = 36, PIXELS = COLS * ROWS, FILE_MAX = 65536 };

static char folder[] = "/tmp/cophyd-camserver-XXXXXX";

static void path_of(const char *name, char *ret, size_t size)
{
    snprintf(ret, size, "%s/raw/%s", folder, name);
}

static int is_there(const char *name)
{
    char path[128];
    path_of(name, path, sizeof path);
    return access(path, F_OK) == 0;
}

static uint32_t number(const unsigned char *at, int bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
}

/* The value of a tag with one number; 0 if there is none. */
static uint32_t tag(const unsigned char *file, uint32_t wanted)
{
    const unsigned char *directory = file + number(file + 4, 4);
    for (uint32_t i = 0; i < number(directory, 2); i++) {
        const unsigned char *at = directory + 2 + 12 * i;
        if (number(at, 2) == wanted) return number(at + 8, number(at + 2, 2) == 3 ? 2 : 4);
    }
    return 0;
}

static void check_file(const char *name, int frame)
{
    static unsigned char file[FILE_MAX];
    char path[128];
    int wrong = 0;
    path_of(name, path, sizeof path);
    FILE *in = fopen(path, "rb");
    size_t size = in ? fread(file, 1, sizeof file, in) : 0;
    if (in) fclose(in);
    testOk(size == 4096 + 4 * PIXELS && memcmp(file, "II*", 4) == 0, "%s is a TIFF", name);
    if (size != 4096 + 4 * PIXELS) return;
    testOk(tag(file, 256) == COLS && tag(file, 257) == ROWS, "its size");
    testOk(tag(file, 258) == 32 && tag(file, 339) == 2 && tag(file, 259) == 1,
           "signed 32-bit integers, not compressed");
    const unsigned char *pixels = file + tag(file, 273);
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++)
            wrong += (int32_t)number(pixels + 4 * (y * COLS + x), 4) !=
                     (7919 * frame + 2500 * y + x) % 1048576;
    testOk(wrong == 0, "%d of frame %d's pixels are wrong", wrong, frame);
}

static void acquire(struct probe *p, const char *state)
{
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 20) == 0, "an acquisition completes");
    probe_is(p, "cam1:DetectorState_RBV", state);
}

static void set_up(struct probe *p)
{
    probe_set(p, "cam1:FileTemplate", "%s%s_%4.4d.tif");
    probe_set(p, "cam1:FileNumber", "7");
    probe_set(p, "cam1:AutoIncrement", "1");
    probe_set(p, "cam1:AcquireTime", "0.001");
    probe_set(p, "cam1:AcquirePeriod", "0.003");
    probe_set(p, "cam1:WaitForPlugins", "Yes");
}

static void single(struct probe *p)
{
    acquire(p, "Idle");
    probe_is(p, "cam1:FullFileName_RBV", "/data/raw/raw_0007.tif");
    probe_is(p, "cam1:FileNumber_RBV", "8");
    check_file("raw_0007.tif", 1);
    probe_set(p, "cam1:AutoIncrement", "0");
    acquire(p, "Idle");
    acquire(p, "Idle");
    probe_is(p, "cam1:FileNumber_RBV", "8");
    check_file("raw_0008.tif", 3);
}

/* Without callbacks there is a file, and nobody reads it. */
static void without_callbacks(struct probe *p)
{
    probe_set(p, "cam1:ArrayCallbacks", "0");
    probe_set(p, "cam1:FileNumber", "20");
    acquire(p, "Idle");
    probe_is(p, "cam1:ArrayCounter_RBV", "3");
    testOk(is_there("raw_0020.tif"), "the file is there all the same");
    probe_set(p, "cam1:ArrayCallbacks", "1");
}

/* The names of two images, for a template, a file name and a number of images. */
static void series(struct probe *p)
{
    static const struct {
        const char *name, *format, *first, *last;
    } table[] = {
        {"raw", "%s%s_%4.4d.tif", "raw_0030.tif", "raw_0031.tif"},
        {"raw", "%s%s_%3.3d.tif", "raw_030.tif", "raw_031.tif"},
        {"raw", "%s%s_%6.6d.tiff", "raw_000030.tiff", "raw_000031.tiff"},
        {"two", "%s%s_%d.tif", "two_30_00000.tif", "two_30_00001.tif"},
        {"none", "%s%s.tif", "none_00000.tif", "none_00001.tif"},
        {"under_", "%s%s.tif", "under_00000.tif", "under_00001.tif"},
    };
    char full[64];
    probe_set(p, "cam1:NumImages", "2");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int before = (int)probe_get_number(p, "cam1:ArrayCounter_RBV");
        probe_set(p, "cam1:FileName", table[i].name);
        probe_set(p, "cam1:FileTemplate", table[i].format);
        probe_set(p, "cam1:FileNumber", "30");
        acquire(p, "Idle");
        check_file(table[i].first, before + 1);
        check_file(table[i].last, before + 2);
        snprintf(full, sizeof full, "/data/raw/%s", table[i].last);
        probe_is(p, "cam1:FullFileName_RBV", full);
    }
    probe_set(p, "cam1:NumImages", "1");
    probe_set(p, "cam1:FileName", "raw");
    probe_set(p, "cam1:FileTemplate", "%s%s_%4.4d.tif");
}

static void oldest_go(struct probe *p)
{
    probe_set(p, "cam1:AutoIncrement", "1");
    probe_set(p, "cam1:FileNumber", "40");
    for (int i = 0; i < 5; i++)
        acquire(p, "Idle");
    testOk(is_there("raw_0044.tif") && is_there("raw_0042.tif"), "the newest three stay");
    testOk(!is_there("raw_0041.tif") && !is_there("raw_0040.tif"), "the others are removed");
}

/* Each of the three, and the folder, is needed; a failure completes, and only the state tells. */
static void without(struct probe *p)
{
    static const struct {
        const char *record, *bad, *good, *message;
    } table[] = {
        {"cam1:FilePath", "/data/nowhere/", "/data/raw/", "Error from camserver"},
        {"cam1:FileName", "", "raw", "Error from camserver"},
        {"cam1:FileTemplate", "", "%s%s_%4.4d.tif", "Error from camserver"},
        {"cam1:FileTemplate", "%s%s_%4.4d.raw", "%s%s_%4.4d.tif",
         "Unsupported file extension, expected .tif or .cbf"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int before = (int)probe_get_number(p, "cam1:ArrayCounter_RBV");
        probe_set(p, table[i].record, table[i].bad);
        acquire(p, "Error");
        probe_is(p, "cam1:StatusMessage_RBV", table[i].message);
        testOk((int)probe_get_number(p, "cam1:ArrayCounter_RBV") == before, "no frame came");
        probe_set(p, table[i].record, table[i].good);
    }
    acquire(p, "Idle");
}

int main(void)
{
    char root[80], command[80];
    if (!mkdtemp(folder)) testAbort("no folder");
    snprintf(root, sizeof root, "/data=%s", folder);
    testPlan(0);
    struct sim *sim =
        sim_start((const char *const[]){"--size", "48x36", "--instant", "--write-root", root,
                                        "--raw", "/data/raw", "--raw-files", "3", NULL});
    struct probe *p = probe_new("Pilatus:");
    set_up(p);
    single(p);
    without_callbacks(p);
    series(p);
    oldest_go(p);
    without(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
