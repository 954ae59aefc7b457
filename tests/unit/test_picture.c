/* Pictures: which level a number becomes, which colour a level, which pixels of a frame a smaller
 * picture shows, and what goes to a terminal. */
#include "cli/picture.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct picture_scale usual = {
    .low = (double)NAN, .high = (double)NAN, .percent_low = 1, .percent_high = 99};

static struct frame frame_of(const void *pixels, int32_t dtype, int64_t height, int64_t width)
{
    struct frame f = {0};
    const int64_t shape[2] = {height, width};
    if (!frame_make(&f, pixels, dtype, 2, shape)) testAbort("a frame that should be one");
    return f;
}

static bool ranges(const struct frame *frame, const struct picture_scale *scale, double low,
                   double high)
{
    struct picture_range range = {0};
    bool ok = picture_range(frame, scale, &range) && range.low == low && range.high == high;
    if (!ok) testDiag("found %g to %g", range.low, range.high);
    return ok;
}

static void test_range(void)
{
    enum { COUNT = 1000 };
    static int32_t pixels[COUNT];
    struct frame f = frame_of(pixels, OPH_INT32, 20, 50);
    struct picture_scale scale = usual;
    struct picture_range range;
    for (int i = 0; i < COUNT; i++)
        pixels[i] = (i * 7) % COUNT; /* each from 0 to 999 once */
    testOk1(ranges(&f, &scale, 9, 989));
    scale.percent_low = 0, scale.percent_high = 100;
    testOk1(ranges(&f, &scale, 0, 999));
    scale.low = -5;
    testOk1(ranges(&f, &scale, -5, 999));
    scale.low = 5, scale.high = 6;
    testOk1(ranges(&f, &scale, 5, 6));
    for (int i = 0; i < COUNT; i++)
        pixels[i] = i < 5 ? 100 + i : i < 900 ? 0 : -1;
    testOk(ranges(&f, &usual, 0, 103), "few counts: the high end is that of the counts alone");
    for (int i = 0; i < COUNT; i++)
        pixels[i] = i < 500 ? 7 : -2;
    testOk1(ranges(&f, &usual, 7, 7));
    testOk1(picture_range(&f, &usual, &range) && picture_level(&range, 7) == 0 &&
            picture_level(&range, NAN) == PICTURE_MASKED);
    for (int i = 0; i < COUNT; i++)
        pixels[i] = -1;
    testOk1(picture_range(&f, &usual, &range) &&
            picture_level(&range, (double)NAN) == PICTURE_MASKED);
}

static void test_levels(void)
{
    struct picture_range range = {.low = 0, .high = 254};
    int wrong = 0;
    for (int i = 0; i <= 254; i++)
        wrong += picture_level(&range, i) != i;
    testOk(wrong == 0, "%d of 255 levels are wrong", wrong);
    testOk1(picture_level(&range, -1) == 0 && picture_level(&range, 255) == 254);
    testOk1(picture_level(&range, 0.49) == 0 && picture_level(&range, 0.51) == 1);
    testOk1(picture_level(&range, HUGE_VAL) == 254 && picture_level(&range, -HUGE_VAL) == 0);
    range.high = 255;
    for (int i = wrong = 0; i <= 255; i++)
        wrong += picture_byte(&range, i) != i;
    testOk(wrong == 0 && picture_byte(&range, (double)NAN) == 0, "%d of 256 bytes are wrong",
           wrong);
    /* 254 * ln(1 + v) / ln(1001) */
    range = (struct picture_range){.low = 0, .high = 1000, .steep = 1000};
    testOk1(picture_level(&range, 0) == 0 && picture_level(&range, 1) == 25);
    testOk1(picture_level(&range, 9) == 85 && picture_level(&range, 99) == 169);
    testOk1(picture_level(&range, 1000) == 254 && picture_level(&range, 5000) == 254);
    static const uint16_t pixels[] = {10, 20, 30, 50010};
    struct frame f = frame_of(pixels, OPH_UINT16, 2, 2);
    struct picture_scale log = {true, 10, (double)NAN, 0, 100};
    testOk1(picture_range(&f, &log, &range) && range.high == 50010 && range.steep == 50000);
    log.high = 11;
    testOk1(picture_range(&f, &log, &range) && range.steep == 1);
    static const double parts[] = {0, 0.1, 0.2, 1};
    f = frame_of(parts, OPH_FLOAT64, 2, 2);
    log = (struct picture_scale){true, 0, 1, 0, 100};
    testOk1(picture_range(&f, &log, &range) && range.steep == 1000);
}

static int brightness(const uint8_t color[3])
{
    return 299 * color[0] + 587 * color[1] + 114 * color[2];
}

static void test_maps(void)
{
    uint8_t table[PICTURE_LEVELS + 1][3];
    for (const struct color_map *map = color_maps; map->name; map++) {
        int falls = 0, masked = 0, sign = strcmp(map->name, "inverted") == 0 ? -1 : 1;
        color_map_table(map, table);
        for (int i = 0; i < PICTURE_LEVELS; i++) {
            falls += i > 0 && sign * (brightness(table[i]) - brightness(table[i - 1])) < 0;
            masked += memcmp(table[i], map->masked, 3) == 0;
        }
        testOk(falls == 0, "%s: no level is darker than the one before", map->name);
        testOk(masked == 0 && memcmp(table[PICTURE_MASKED], map->masked, 3) == 0,
               "%s: masked pixels have a colour of their own", map->name);
        testOk(memcmp(table[0], map->points[0], 3) == 0 &&
                   memcmp(table[127], map->points[4], 3) == 0 &&
                   memcmp(table[254], map->points[8], 3) == 0,
               "%s: its points are where they should be", map->name);
        testOk1(color_map_find(map->name) == map);
    }
    testOk1(!color_map_find("rainbow") && !color_map_find(""));
}

static void test_fit(void)
{
    static const struct {
        int64_t height, width, room_width, room_height, fit_width, fit_height;
    } cases[] = {
        {195, 487, 80, 44, 80, 32},       {1679, 1475, 80, 44, 39, 44},
        {1024, 1024, 200, 100, 100, 100}, {10, 10, 80, 44, 40, 40},
        {2, 3, 80, 44, 24, 16},           {1, 1, 80, 44, 8, 8},
        {1, 4096, 80, 44, 80, 8},         {4096, 1, 80, 44, 1, 44},
        {1, 10000000, 80, 44, 80, 8},     {10000000, 1, 80, 44, 1, 44},
        {44, 80, 80, 44, 80, 44},         {195, 487, 1, 1, 1, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct frame f = {.height = cases[i].height, .width = cases[i].width, .colors = 1};
        int64_t width, height;
        picture_fit(&f, cases[i].room_width, cases[i].room_height, &width, &height);
        testOk(width == cases[i].fit_width && height == cases[i].fit_height,
               "%lldx%lld into %lldx%lld: %lldx%lld", (long long)f.width, (long long)f.height,
               (long long)cases[i].room_width, (long long)cases[i].room_height, (long long)width,
               (long long)height);
    }
}

/* One bright pixel, at each place of a frame: one pixel of the picture shows it, where it belongs.
 */
static void test_bright(void)
{
    enum { HEIGHT = 19, WIDTH = 31, SMALL_HEIGHT = 7, SMALL_WIDTH = 12 };
    static int32_t pixels[HEIGHT * WIDTH];
    struct frame f = frame_of(pixels, OPH_INT32, HEIGHT, WIDTH), small = {0};
    int wrong = 0;
    for (int at = 0; at < HEIGHT * WIDTH; at++) {
        int bright = 0, place = -1;
        pixels[at] = 9;
        if (!picture_shrink(&f, SMALL_WIDTH, SMALL_HEIGHT, &small)) testAbort("no memory");
        const double *got = small.pixels;
        for (int i = 0; i < SMALL_HEIGHT * SMALL_WIDTH; i++) {
            if (got[i] == 9) bright++, place = i;
            wrong += got[i] != 9 && got[i] != 0;
        }
        wrong += bright != 1;
        wrong += fabs((place % SMALL_WIDTH + 0.5) / SMALL_WIDTH - (at % WIDTH + 0.5) / WIDTH) >=
                 1.0 / SMALL_WIDTH;
        wrong += fabs((double)(place / SMALL_WIDTH + 0.5) / SMALL_HEIGHT -
                      (double)(at / WIDTH + 0.5) / HEIGHT) >= 1.0 / SMALL_HEIGHT;
        free((void *)(uintptr_t)small.pixels);
        pixels[at] = 0;
    }
    testOk(wrong == 0, "a bright pixel is seen wherever it is: %d are not", wrong);
}

static bool shows(const struct frame *frame, int64_t width, int64_t height, const double *wanted)
{
    struct frame small = {0};
    bool ok = picture_shrink(frame, width, height, &small);
    for (int64_t i = 0; ok && i < frame_count(&small); i++) {
        double got = ((const double *)small.pixels)[i];
        if (isnan(wanted[i]) ? isnan(got) : got == wanted[i]) continue;
        testDiag("number %lld: wanted %g, found %g", (long long)i, wanted[i], got);
        ok = false;
    }
    free((void *)(uintptr_t)small.pixels);
    return ok;
}

static void test_shrink(void)
{
    const double none = (double)NAN;
    static const int32_t pixels[] = {1,  2,  -1, -2, /* */ 3, 0, -1, -1,
                                     -1, 50, 6,  7,  /* */ 8, 9, 10, 11};
    static const uint8_t colors[] = {1, 200, 3, 4, 5, 6, 7, 8, 90, 10, 11, 12};
    struct frame f = frame_of(pixels, OPH_INT32, 4, 4);
    testOk(shows(&f, 2, 2, (const double[]){3, none, 50, 11}), "masked where all pixels are");
    testOk1(shows(&f, 1, 1, (const double[]){50}));
    testOk1(shows(&f, 4, 1, (const double[]){8, 50, 10, 11}));
    testOk1(shows(&f, 4, 2, (const double[]){3, 2, none, none, 8, 50, 10, 11}));
    f = frame_of(pixels, OPH_INT32, 1, 2);
    testOk1(shows(&f, 4, 2, (const double[]){1, 1, 2, 2, 1, 1, 2, 2}));
    f = frame_of(pixels, OPH_INT32, 4, 1);
    testOk(shows(&f, 2, 2, (const double[]){2, 2, none, none}), "smaller and larger at once");
    testOk1(frame_make(&f, colors, OPH_UINT8, 3, (const int64_t[]){2, 2, 3}));
    testOk(shows(&f, 1, 1, (const double[]){10, 200, 90}), "each colour by itself");
}

static void test_ink(void)
{
    testOk1(picture_ink("truecolor", "xterm") == PICTURE_TRUE_COLOR);
    testOk1(picture_ink("24bit", NULL) == PICTURE_TRUE_COLOR);
    testOk1(picture_ink(NULL, "xterm-direct") == PICTURE_TRUE_COLOR);
    testOk1(picture_ink(NULL, "screen-256color") == PICTURE_256);
    testOk1(picture_ink("yes", "xterm-256color") == PICTURE_256);
    testOk1(picture_ink(NULL, "vt100") == PICTURE_LETTERS);
    testOk1(picture_ink(NULL, NULL) == PICTURE_LETTERS && picture_ink("", "") == PICTURE_LETTERS);
    testOk1(picture_color_256((const uint8_t[]){0, 0, 0}) == 16);
    testOk1(picture_color_256((const uint8_t[]){255, 255, 255}) == 231);
    testOk1(picture_color_256((const uint8_t[]){255, 0, 0}) == 196);
    testOk1(picture_color_256((const uint8_t[]){95, 135, 175}) == 67);
    testOk1(picture_color_256((const uint8_t[]){8, 8, 8}) == 232);
    testOk1(picture_color_256((const uint8_t[]){238, 238, 238}) == 255);
    testOk1(picture_color_256((const uint8_t[]){128, 128, 128}) == 244);
    testOk1(picture_color_256((const uint8_t[]){129, 131, 130}) == 244);
}

static bool draws(const struct frame *frame, enum picture_ink ink, const char *const *notes,
                  bool below, const char *wanted)
{
    static const struct picture_range range = {.low = 0, .high = 254};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) testAbort("no memory");
    picture_draw(frame, &range, color_map_find("gray"), ink, notes, below, out);
    fclose(out);
    bool ok = strcmp(text, wanted) == 0;
    if (!ok) testDiag("wanted %s", wanted);
    if (!ok) testDiag("found %s", text);
    free(text);
    return ok;
}

#define HALF "\342\226\200"

static void test_draw(void)
{
    static const double pixels[] = {0, 0, 254, 127, 127, 127, 254, 254, 0, 9, 9, 9};
    static const double one[] = {(double)NAN};
    static const uint8_t colors[] = {0, 254, 127, 254, 254, 254};
    static const char *const notes[] = {"one", "two", "three", NULL}, *const nothing[] = {NULL};
    struct frame f = frame_of(pixels, OPH_FLOAT64, 2, 3);
    testOk(draws(&f, PICTURE_TRUE_COLOR, nothing, false,
                 "\033[38;2;0;0;0m\033[48;2;128;128;128m" HALF HALF "\033[38;2;255;255;255m" HALF
                 "\033[0m\n"),
           "a colour is sent where it changes");
    testOk1(draws(&f, PICTURE_256, nothing, false,
                  "\033[38;5;16m\033[48;5;244m" HALF HALF "\033[38;5;231m" HALF "\033[0m\n"));
    testOk(draws(&f, PICTURE_LETTERS, nothing, false, "==@\n"), "the brighter of two pixels");
    f = frame_of(pixels, OPH_FLOAT64, 3, 2);
    testOk1(draws(&f, PICTURE_LETTERS, nothing, false, "@=\n==\n"));
    f = frame_of(pixels + 6, OPH_FLOAT64, 3, 1);
    testOk(draws(&f, PICTURE_TRUE_COLOR, nothing, false,
                 "\033[38;2;255;255;255m\033[48;2;255;255;255m" HALF
                 "\033[0m\n\033[38;2;0;0;0m" HALF "\033[0m\n"),
           "nothing below the last row");
    testOk1(draws(&f, PICTURE_LETTERS, notes, false, "@  one\n   two\n   three\n"));
    testOk1(draws(&f, PICTURE_LETTERS, notes, true, "@\n \none\ntwo\nthree\n"));
    f = frame_of(one, OPH_FLOAT64, 1, 1);
    testOk1(draws(&f, PICTURE_LETTERS, nothing, true, "/\n"));
    testOk1(draws(&f, PICTURE_TRUE_COLOR, nothing, true, "\033[38;2;40;56;84m" HALF "\033[0m\n"));
    testOk1(frame_make(&f, colors, OPH_UINT8, 3, (const int64_t[]){2, 1, 3}));
    testOk1(draws(&f, PICTURE_TRUE_COLOR, nothing, true,
                  "\033[38;2;0;255;128m\033[48;2;255;255;255m" HALF "\033[0m\n"));
    testOk1(draws(&f, PICTURE_LETTERS, nothing, true, "@\n"));
}

int main(void)
{
    testPlan(0);
    test_range();
    test_levels();
    test_maps();
    test_fit();
    test_bright();
    test_shrink();
    test_ink();
    test_draw();
    return testDone();
}
