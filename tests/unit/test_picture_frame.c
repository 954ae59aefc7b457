/* Frames as numbers: of every type and shape, what is counted of them, percentiles. */
#include "cli/frame.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GRAY(pixels, dtype, height, width)                                                         \
    gray(pixels, sizeof(pixels) / sizeof *(pixels), dtype, height, width)

static struct frame gray(const void *pixels, size_t count, int32_t dtype, int64_t height,
                         int64_t width)
{
    struct frame f = {0};
    const int64_t shape[2] = {height, width};
    if ((int64_t)count != height * width || !frame_make(&f, pixels, dtype, 2, shape))
        testAbort("a frame that should be one");
    return f;
}

static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b;
}

/* The values of the frame are these. */
static bool gives(const struct frame *frame, const double *wanted, size_t count)
{
    double got[32];
    bool ok = frame_count(frame) == (int64_t)count;
    frame_values(frame, 0, count, got);
    for (size_t i = 0; i < count; i++) {
        if (same(got[i], wanted[i])) continue;
        testDiag("number %zu: wanted %.17g, found %.17g", i, wanted[i], got[i]);
        ok = false;
    }
    return ok;
}

static bool made(uint32_t rank, const int64_t *shape, int64_t height, int64_t width, int64_t colors)
{
    static const uint8_t pixels[1];
    struct frame f = {0};
    return frame_make(&f, pixels, OPH_UINT8, rank, shape) && f.height == height &&
           f.width == width && f.colors == colors && (height == 1 || shape[f.row_axis] == height) &&
           shape[f.column_axis] == width;
}

static void test_shapes(void)
{
    struct frame f = {0};
    testOk1(made(1, (const int64_t[]){7}, 1, 7, 1));
    testOk1(made(2, (const int64_t[]){5, 7}, 5, 7, 1));
    testOk1(made(2, (const int64_t[]){0, 7}, 0, 7, 1));
    testOk1(made(3, (const int64_t[]){1, 5, 7}, 5, 7, 1));
    testOk1(made(4, (const int64_t[]){1, 1, 5, 7}, 5, 7, 1));
    testOk1(made(3, (const int64_t[]){5, 7, 3}, 5, 7, 3));
    testOk1(made(3, (const int64_t[]){5, 3, 7}, 5, 7, 3));
    testOk1(made(3, (const int64_t[]){3, 5, 7}, 5, 7, 3));
    testOk1(!frame_make(&f, "", OPH_UINT8, 3, (const int64_t[]){5, 6, 7}));
    testOk1(!frame_make(&f, "", OPH_UINT8, 4, (const int64_t[]){2, 5, 6, 3}));
    testOk1(!frame_make(&f, "", OPH_UINT8, 0, (const int64_t[]){1}));
    testOk1(!frame_make(&f, "", OPH_TEXT, 1, (const int64_t[]){1}));
    testOk1(!frame_make(&f, "", OPH_NONE, 1, (const int64_t[]){1}));
}

/* What each type has at its ends, and which of it is masked. */
static void test_types(void)
{
    const double none = (double)NAN;
    static const int8_t i8[] = {INT8_MIN, -1, 0, INT8_MAX};
    static const uint8_t u8[] = {0, 1, 254, UINT8_MAX};
    static const int16_t i16[] = {INT16_MIN, -1, 0, INT16_MAX};
    static const uint16_t u16[] = {0, 1, 65534, UINT16_MAX};
    static const int32_t i32[] = {-2, -1, 0, INT32_MAX};
    static const uint32_t u32[] = {0, UINT32_MAX - 2, UINT32_MAX - 1, UINT32_MAX};
    static const int64_t i64[] = {INT64_MIN, -1, 0, INT64_C(1) << 60};
    static const uint64_t u64[] = {0, UINT64_C(1) << 63, UINT64_MAX - 1, UINT64_MAX};
    static const float f32[] = {-1.5F, 0.25F, NAN, -INFINITY};
    static const double f64[] = {-1e300, 0.1, HUGE_VAL, 1e300};
    struct frame f = GRAY(i8, OPH_INT8, 2, 2);
    testOk1(gives(&f, (const double[]){none, none, 0, 127}, 4));
    f.all = true;
    testOk1(gives(&f, (const double[]){-128, -1, 0, 127}, 4));
    f = GRAY(u8, OPH_UINT8, 2, 2);
    testOk1(gives(&f, (const double[]){0, 1, 254, 255}, 4));
    f = GRAY(i16, OPH_INT16, 2, 2);
    testOk1(gives(&f, (const double[]){none, none, 0, 32767}, 4));
    f = GRAY(u16, OPH_UINT16, 2, 2);
    testOk1(gives(&f, (const double[]){0, 1, 65534, 65535}, 4));
    f = GRAY(i32, OPH_INT32, 2, 2);
    testOk1(gives(&f, (const double[]){none, none, 0, 2147483647}, 4));
    f = GRAY(u32, OPH_UINT32, 2, 2);
    testOk1(gives(&f, (const double[]){0, 4294967293.0, none, none}, 4));
    f.all = true;
    testOk1(gives(&f, (const double[]){0, 4294967293.0, 4294967294.0, 4294967295.0}, 4));
    f = GRAY(i64, OPH_INT64, 2, 2);
    testOk1(gives(&f, (const double[]){none, none, 0, 1152921504606846976.0}, 4));
    f = GRAY(u64, OPH_UINT64, 2, 2);
    testOk1(f.counts && gives(&f, (const double[]){0, 9223372036854775808.0, none, none}, 4));
    f = GRAY(f32, OPH_FLOAT32, 2, 2);
    testOk1(!f.counts && gives(&f, (const double[]){-1.5, 0.25, none, none}, 4));
    f = GRAY(f64, OPH_FLOAT64, 2, 2);
    testOk1(gives(&f, (const double[]){-1e300, 0.1, none, 1e300}, 4));
    testOk1(frame_saturation(OPH_UINT8) == 255 && frame_saturation(OPH_INT8) == 127);
    testOk1(frame_saturation(OPH_UINT16) == 65535 && frame_saturation(OPH_INT16) == 32767);
    testOk1(frame_saturation(OPH_INT32) == 1048575 && isinf(frame_saturation(OPH_FLOAT32)));
}

/* One picture, its colours stored in three ways. */
static void test_colors(void)
{
    static const uint8_t by_pixel[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const uint8_t by_row[] = {1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12};
    static const uint8_t by_plane[] = {1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12};
    static const double wanted[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct frame f = {0};
    testOk1(frame_make(&f, by_pixel, OPH_UINT8, 3, (const int64_t[]){2, 2, 3}) &&
            gives(&f, wanted, 12));
    testOk1(frame_make(&f, by_row, OPH_UINT8, 3, (const int64_t[]){2, 3, 2}) &&
            gives(&f, wanted, 12));
    testOk1(frame_make(&f, by_plane, OPH_UINT8, 3, (const int64_t[]){3, 2, 2}) &&
            gives(&f, wanted, 12));
}

/* A part of a frame whose axes look like others. */
static void test_part(void)
{
    static const uint8_t by_pixel[] = {1, 2, 3, 4, 5, 6}, by_plane[] = {1, 4, 2, 5, 3, 6};
    static const double wanted[] = {1, 2, 3, 4, 5, 6};
    struct frame f = {0};
    testOk1(frame_find(&f, OPH_UINT8, 3, (const int64_t[]){20, 30, 3}));
    frame_lay(&f, by_pixel, 3, (const int64_t[]){1, 2, 3});
    testOk1(f.height == 1 && f.width == 2 && f.colors == 3 && gives(&f, wanted, 6));
    testOk1(frame_find(&f, OPH_UINT8, 4, (const int64_t[]){1, 3, 20, 30}));
    frame_lay(&f, by_plane, 4, (const int64_t[]){1, 3, 2, 1});
    testOk1(f.height == 2 && f.width == 1 && f.colors == 3 && gives(&f, wanted, 6));
    testOk1(frame_find(&f, OPH_UINT8, 2, (const int64_t[]){5, 7}));
    frame_lay(&f, by_pixel, 2, (const int64_t[]){1, 6});
    testOk1(f.height == 1 && f.colors == 1 && gives(&f, wanted, 6));
    testOk1(frame_find(&f, OPH_UINT8, 1, (const int64_t[]){7}));
    frame_lay(&f, by_pixel, 1, (const int64_t[]){6});
    testOk1(f.height == 1 && f.width == 6 && gives(&f, wanted, 6));
}

static void test_crop(void)
{
    static const int16_t pixels[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    struct frame whole = GRAY(pixels, OPH_INT16, 3, 4), f = whole;
    testOk1(frame_crop(&f, 1, 1, 2, 2) && gives(&f, (const double[]){5, 6, 9, 10}, 4));
    testOk1(frame_crop(&f, 1, 0, 1, 2) && gives(&f, (const double[]){6, 10}, 2));
    f = whole;
    testOk1(frame_crop(&f, 3, 2, 1, 1) && gives(&f, (const double[]){11}, 1));
    static const int64_t wrong[][4] = {
        {0, 0, 5, 1},  {0, 0, 1, 4}, {4, 0, 1, 1}, {0, 3, 1, 1},         {-1, 0, 1, 1},
        {0, -1, 1, 1}, {0, 0, 0, 1}, {0, 0, 1, 0}, {INT64_MAX, 0, 1, 1}, {1, 0, INT64_MAX, 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        f = whole;
        testOk(!frame_crop(&f, wrong[i][0], wrong[i][1], wrong[i][2], wrong[i][3]),
               "part %zu is not there", i);
    }
    testOk1(frame_make(&f, pixels, OPH_INT16, 3, (const int64_t[]){3, 2, 2}) &&
            frame_crop(&f, 1, 0, 1, 2) && gives(&f, (const double[]){1, 5, 9, 3, 7, 11}, 6));
}

static void test_stats(void)
{
    static const int32_t pixels[] = {3, -1, 0, 1048575, 7, 1048575, -2, 2};
    static const double far_apart[] = {1e16, 1, 1, -1e16};
    static const int32_t masked[] = {-1, -2, -1, -1};
    static const uint16_t one[] = {65535};
    struct frame_stats s;
    struct frame f = GRAY(pixels, OPH_INT32, 2, 4);
    frame_stats(&f, frame_saturation(f.dtype), &s);
    testOk1(s.valid == 6 && s.masked == 2 && s.saturated == 2);
    testOk1(s.min == 0 && s.max == 1048575 && s.sum == 2097162 && s.mean == 349527);
    testOk(s.max_x == 3 && s.max_y == 0, "of two that are as bright the first is told");
    f = GRAY(far_apart, OPH_FLOAT64, 2, 2);
    frame_stats(&f, frame_saturation(f.dtype), &s);
    testOk(s.sum == 2 && s.mean == 0.5, "the sum loses nothing to rounding");
    testOk1(s.saturated == 0 && s.min == -1e16 && s.max_x == 0 && s.max_y == 0);
    f = GRAY(masked, OPH_INT32, 2, 2);
    frame_stats(&f, frame_saturation(f.dtype), &s);
    testOk1(s.valid == 0 && s.masked == 4 && isnan(s.min) && isnan(s.max) && isnan(s.mean));
    testOk1(s.max_x == -1 && s.max_y == -1 && isnan(s.sum));
    f = GRAY(one, OPH_UINT16, 1, 1);
    frame_stats(&f, frame_saturation(f.dtype), &s);
    testOk1(s.valid == 1 && s.saturated == 1 && s.min == 65535 && s.max == 65535 &&
            s.mean == 65535);
    f.height = 0;
    frame_stats(&f, frame_saturation(f.dtype), &s);
    testOk1(s.valid == 0 && s.masked == 0 && isnan(s.max) && s.max_x == -1);
    f = (struct frame){0};
    testOk1(frame_make(&f, pixels, OPH_INT32, 2, (const int64_t[]){4, 2}));
    frame_stats(&f, HUGE_VAL, &s);
    testOk1(s.max_x == 1 && s.max_y == 1 && s.saturated == 0);
}

static int in_order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Beside sorting, with numbers of all sizes and both signs, and more of them than are walked at
 * once. */
static void test_percentiles(void)
{
    enum { COUNT = 20011, PERCENTS = 6 };
    static const double percents[PERCENTS] = {0, 1, 50, 99, 99.9, 100};
    double *pixels = malloc(COUNT * sizeof *pixels), *sorted = malloc(COUNT * sizeof *sorted);
    double found[PERCENTS];
    uint64_t random = 88172645463325252U;
    if (!pixels || !sorted) testAbort("no memory");
    for (size_t i = 0; i < COUNT; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        pixels[i] = ldexp((double)(int64_t)random, (int)(random % 200) - 150);
    }
    pixels[5] = 4.9e-324, pixels[6] = -0.0, pixels[7] = -4.9e-324, pixels[8] = 0;
    memcpy(sorted, pixels, COUNT * sizeof *sorted);
    qsort(sorted, COUNT, sizeof *sorted, in_order);
    struct frame f = gray(pixels, COUNT, OPH_FLOAT64, 1, COUNT);
    testOk1(frame_percentiles(&f, -HUGE_VAL, percents, PERCENTS, found));
    for (int i = 0; i < PERCENTS; i++) {
        double wanted = sorted[(size_t)(percents[i] / 100 * (COUNT - 1))];
        testOk(found[i] == wanted, "%g percent: wanted %.17g, found %.17g", percents[i], wanted,
               found[i]);
    }
    testOk1(frame_percentiles(&f, sorted[COUNT - 4], percents, PERCENTS, found));
    testOk(found[0] == sorted[COUNT - 3] && found[2] == sorted[COUNT - 2] &&
               found[5] == sorted[COUNT - 1],
           "of the three highest alone");
    testOk1(frame_percentiles(&f, sorted[COUNT - 1], percents, 1, found) && isnan(found[0]));
    free(pixels);
    free(sorted);
    static const int32_t some[] = {-1, 5, -2, 1, 9, 0};
    f = GRAY(some, OPH_INT32, 2, 3);
    testOk1(frame_percentiles(&f, -HUGE_VAL, (const double[]){0, 33, 34, 100}, 4, found));
    testOk(found[0] == 0 && found[1] == 0 && found[2] == 1 && found[3] == 9,
           "masked pixels do not count");
    f.height = 0;
    testOk1(frame_percentiles(&f, -HUGE_VAL, percents, 1, found) && isnan(found[0]));
}

int main(void)
{
    testPlan(0);
    test_shapes();
    test_types();
    test_colors();
    test_part();
    test_crop();
    test_stats();
    test_percentiles();
    return testDone();
}
