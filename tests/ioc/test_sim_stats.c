/* The simulator's Stats1: what it computes of the camera's frame, against sums made here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <epicsUnitTest.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { COLS = 40, ROWS = 30 };

static int id; /* of the latest frame */

static double pixel(int y, int x)
{
    return (7919 * id + 2500 * y + x) % 1048576;
}

static void is(struct probe *p, const char *name, double wanted)
{
    double found = probe_get_number(p, name);
    testOk(fabs(found - wanted) <= 1e-9 * fabs(wanted) + 1e-9, "%s is %.12g, wanted %.12g", name,
           found, wanted);
}

static void acquire(struct probe *p)
{
    char wanted[16];
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 10) == 0, "an acquisition completes");
    snprintf(wanted, sizeof wanted, "%d", ++id);
    testOk(probe_until(p, "Stats1:ArrayCounter_RBV", wanted, 10) == 0, "frame %d is computed", id);
}

static double sum(int first_y, int rows, int first_x, int cols)
{
    double total = 0;
    for (int y = first_y; y < first_y + rows; y++)
        for (int x = first_x; x < first_x + cols; x++)
            total += pixel(y, x);
    return total;
}

static void statistics(struct probe *p)
{
    acquire(p);
    double total = sum(0, ROWS, 0, COLS), mean = total / (COLS * ROWS), squares = 0;
    double border = 2;
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++)
            squares += (pixel(y, x) - mean) * (pixel(y, x) - mean);
    is(p, "Stats1:MinValue_RBV", pixel(0, 0)); /* so early no pixel is above 1048575 */
    is(p, "Stats1:MinX_RBV", 0);
    is(p, "Stats1:MinY_RBV", 0);
    is(p, "Stats1:MaxValue_RBV", pixel(ROWS - 1, COLS - 1));
    is(p, "Stats1:MaxX_RBV", COLS - 1);
    is(p, "Stats1:MaxY_RBV", ROWS - 1);
    is(p, "Stats1:Total_RBV", total);
    is(p, "Stats1:MeanValue_RBV", mean);
    is(p, "Stats1:Sigma_RBV", sqrt(squares / (COLS * ROWS)));
    double around = sum(0, ROWS, 0, 1) + sum(0, ROWS, COLS - 1, 1) + sum(0, 1, 0, COLS) +
                    sum(ROWS - 1, 1, 0, COLS);
    is(p, "Stats1:Net_RBV", total - around / (2.0 * (ROWS + COLS)) * COLS * ROWS);
    probe_set(p, "Stats1:BgdWidth", "0");
    acquire(p);
    is(p, "Stats1:Net_RBV", sum(0, ROWS, 0, COLS));
    probe_set(p, "Stats1:BgdWidth", "2");
    acquire(p);
    around = sum(0, ROWS, 0, 2) + sum(0, ROWS, COLS - 2, 2) + sum(0, 2, 0, COLS) +
             sum(ROWS - 2, 2, 0, COLS);
    is(p, "Stats1:Net_RBV",
       sum(0, ROWS, 0, COLS) - around / (2.0 * border * (ROWS + COLS)) * COLS * ROWS);
    probe_set(p, "Stats1:ComputeStatistics", "No");
    total = probe_get_number(p, "Stats1:Total_RBV");
    acquire(p);
    is(p, "Stats1:Total_RBV", total); /* that of the frame before */
    probe_set(p, "Stats1:ComputeStatistics", "Yes");
}

/* Of the columns, or of the rows, weighted with the pixels from the threshold on. */
static double moment(double threshold, int power, double centre, int along_y)
{
    double total = 0, weights = 0;
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++) {
            if (pixel(y, x) < threshold) continue;
            weights += pixel(y, x);
            total += pixel(y, x) * pow((along_y ? y : x) - centre, power);
        }
    return total / weights;
}

static void centroid(struct probe *p)
{
    char threshold[40];
    double cut = 7919 * 5 + 2500 * 11 + 17, both = 0, weights = 0;
    snprintf(threshold, sizeof threshold, "%.17g", cut);
    probe_set(p, "Stats1:CentroidThreshold", threshold);
    probe_set(p, "Stats1:ComputeCentroid", "Yes");
    acquire(p);
    double x = moment(cut, 1, 0, 0), y = moment(cut, 1, 0, 1);
    double var_x = moment(cut, 2, x, 0), var_y = moment(cut, 2, y, 1);
    for (int row = 0; row < ROWS; row++)
        for (int col = 0; col < COLS; col++) {
            if (pixel(row, col) < cut) continue;
            weights += pixel(row, col);
            both += pixel(row, col) * (row - y) * (col - x);
        }
    both /= weights;
    is(p, "Stats1:CentroidTotal_RBV", weights);
    is(p, "Stats1:CentroidX_RBV", x);
    is(p, "Stats1:CentroidY_RBV", y);
    is(p, "Stats1:SigmaX_RBV", sqrt(var_x));
    is(p, "Stats1:SigmaY_RBV", sqrt(var_y));
    is(p, "Stats1:SigmaXY_RBV", both / sqrt(var_x * var_y));
    is(p, "Stats1:SkewX_RBV", moment(cut, 3, x, 0) / pow(var_x, 1.5));
    is(p, "Stats1:SkewY_RBV", moment(cut, 3, y, 1) / pow(var_y, 1.5));
    is(p, "Stats1:KurtosisX_RBV", moment(cut, 4, x, 0) / (var_x * var_x) - 3);
    is(p, "Stats1:KurtosisY_RBV", moment(cut, 4, y, 1) / (var_y * var_y) - 3);
    is(p, "Stats1:Orientation_RBV", 0.5 * atan2(2 * both, var_x - var_y) * 180 / M_PI);
    is(p, "Stats1:Eccentricity_RBV",
       ((var_x - var_y) * (var_x - var_y) - 4 * both * both) / pow(var_x + var_y, 2));
}

/* The elements of an array of doubles, or an early end. */
static long get(struct probe *p, const char *name, double *ret, long count)
{
    struct probe_value value;
    if (probe_read(p, name, &value) != 0) return -1;
    long found = value.count;
    for (long i = 0; i < found && i < count; i++)
        memcpy(ret + i, (char *)value.data + (size_t)i * sizeof *ret, sizeof *ret);
    free(value.data);
    return found;
}

static void profile(struct probe *p, const char *name, int count, int along_y, int fixed)
{
    double found[COLS];
    int wrong = 0;
    testOk(get(p, name, found, COLS) == count, "%s has %d elements", name, count);
    for (int i = 0; i < count; i++) {
        double wanted = fixed < 0
                            ? (along_y ? sum(i, 1, 0, COLS) / COLS : sum(0, ROWS, i, 1) / ROWS)
                        : along_y ? pixel(i, fixed)
                                  : pixel(fixed, i);
        wrong += fabs(found[i] - wanted) > 1e-9 * wanted;
    }
    testOk(wrong == 0, "%s: %d are wrong", name, wrong);
}

static void profiles(struct probe *p)
{
    probe_set(p, "Stats1:CentroidThreshold", "0");
    probe_set(p, "Stats1:CursorX", "13");
    probe_set(p, "Stats1:CursorY", "9");
    probe_set(p, "Stats1:ComputeProfiles", "Yes");
    testOk(probe_put(p, "Stats1:ArrayCounter", "5") == 0, "the counter is set back");
    testOk(probe_until(p, "Stats1:ArrayCounter_RBV", "5", 5) == 0, "and is");
    acquire(p);
    is(p, "Stats1:ProfileSizeX_RBV", COLS);
    is(p, "Stats1:ProfileSizeY_RBV", ROWS);
    profile(p, "Stats1:ProfileAverageX_RBV", COLS, 0, -1);
    profile(p, "Stats1:ProfileAverageY_RBV", ROWS, 1, -1);
    profile(p, "Stats1:ProfileThresholdX_RBV", COLS, 0, -1);
    profile(p, "Stats1:ProfileCursorX_RBV", COLS, 0, 9);
    profile(p, "Stats1:ProfileCursorY_RBV", ROWS, 1, 13);
    profile(p, "Stats1:ProfileCentroidX_RBV", COLS, 0, (int)(moment(0, 1, 0, 1) + 0.5));
    profile(p, "Stats1:ProfileCentroidY_RBV", ROWS, 1, (int)(moment(0, 1, 0, 0) + 0.5));
    is(p, "Stats1:CursorVal", pixel(9, 13));
}

static void histogram(struct probe *p)
{
    enum { BINS = 11 };
    double found[BINS], wanted[BINS] = {0}, low = 60000, high = 110000, entropy = 0;
    int below = 0, above = 0, wrong = 0;
    probe_set(p, "Stats1:HistSize", "11");
    probe_set(p, "Stats1:HistMin", "60000");
    probe_set(p, "Stats1:HistMax", "110000");
    probe_set(p, "Stats1:ComputeHistogram", "Yes");
    acquire(p);
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLS; x++) {
            double value = pixel(y, x);
            if (value < low)
                below++;
            else if (value > high)
                above++;
            else
                wanted[(int)((value - low) / 5000 + 0.5)]++;
        }
    testOk(below > 0 && above > 0, "%d below, %d above", below, above);
    is(p, "Stats1:HistBelow_RBV", below);
    is(p, "Stats1:HistAbove_RBV", above);
    testOk(get(p, "Stats1:Histogram_RBV", found, BINS) == BINS, "all bins");
    for (int i = 0; i < BINS; i++) {
        wrong += found[i] != wanted[i];
        if (wanted[i] > 0) entropy -= wanted[i] * log(wanted[i]);
    }
    testOk(wrong == 0, "%d bins are wrong", wrong);
    is(p, "Stats1:HistEntropy_RBV", entropy / (COLS * ROWS));
    testOk(get(p, "Stats1:HistogramX_RBV", found, BINS) == BINS && found[0] == low &&
               found[5] == 85000 && found[10] == high,
           "and their axis");
}

static void resets(struct probe *p)
{
    probe_set(p, "Stats1:Reset", "1");
    testOk(probe_until(p, "Stats1:Total_RBV", "0", 5) == 0, "Reset clears Total");
    testOk(probe_until(p, "Stats1:HistEntropy_RBV", "0.000", 5) == 0, "and the last of its chain");
    int one;
    testOk(probe_get_longs(p, "Stats1:TSTotal", &one, 1) == 0, "time series are idle");
}

int main(void)
{
    char folder[] = "/tmp/cophyd-stats-XXXXXX", command[64];
    if (!mkdtemp(folder)) testAbort("no folder");
    testPlan(0);
    struct sim *sim =
        sim_start((const char *const[]){"--size", "40x30", "--instant", "--raw", folder, NULL});
    struct probe *p = probe_new("Pilatus:");
    probe_set(p, "cam1:AcquireTime", "0.001");
    probe_set(p, "Stats1:EnableCallbacks", "Enable");
    probe_set(p, "Stats1:NDArrayPort", "PIL");
    statistics(p);
    centroid(p);
    profiles(p);
    histogram(p);
    resets(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
