/* From numbers to levels and colours. */
#include "cli/picture.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct color_map color_maps[] = {
    {"dusk",
     {{0, 0, 10},
      {34, 10, 72},
      {60, 30, 122},
      {62, 66, 148},
      {48, 108, 154},
      {36, 146, 148},
      {70, 184, 122},
      {160, 214, 84},
      {252, 240, 150}},
     {74, 66, 62}},
    {"heat",
     {{0, 0, 0},
      {62, 0, 6},
      {124, 4, 8},
      {182, 28, 4},
      {228, 70, 0},
      {250, 122, 6},
      {255, 176, 40},
      {255, 224, 118},
      {255, 255, 255}},
     {40, 56, 84}},
    {"gray",
     {{0, 0, 0},
      {32, 32, 32},
      {64, 64, 64},
      {96, 96, 96},
      {128, 128, 128},
      {159, 159, 159},
      {191, 191, 191},
      {223, 223, 223},
      {255, 255, 255}},
     {40, 56, 84}},
    {"inverted",
     {{255, 255, 255},
      {223, 223, 223},
      {191, 191, 191},
      {159, 159, 159},
      {128, 128, 128},
      {96, 96, 96},
      {64, 64, 64},
      {32, 32, 32},
      {0, 0, 0}},
     {176, 196, 222}},
    {0},
};

const struct color_map *color_map_find(const char *name)
{
    for (const struct color_map *map = color_maps; map->name; map++) {
        if (strcmp(map->name, name) == 0) return map;
    }
    return NULL;
}

void color_map_table(const struct color_map *map, uint8_t ret[PICTURE_LEVELS + 1][3])
{
    enum { STRETCHES = sizeof map->points / sizeof map->points[0] - 1, LAST = PICTURE_LEVELS - 1 };
    for (int level = 0; level <= LAST; level++) {
        int place = level * STRETCHES, i = place == LAST * STRETCHES ? STRETCHES - 1 : place / LAST;
        int part = place - i * LAST;
        for (int c = 0; c < 3; c++) {
            int from = map->points[i][c], to = map->points[i + 1][c];
            ret[level][c] = (uint8_t)((from * (LAST - part) + to * part + LAST / 2) / LAST);
        }
    }
    memcpy(ret[PICTURE_MASKED], map->masked, 3);
}

static const double THREE_DECADES = 1000;

bool picture_range(const struct frame *frame, const struct picture_scale *scale,
                   struct picture_range *ret)
{
    const double percents[2] = {scale->percent_low, scale->percent_high};
    double found[2] = {scale->low, scale->high};
    if (isnan(scale->low) || isnan(scale->high)) {
        if (!frame_percentiles(frame, -HUGE_VAL, percents, 2, found)) return false;
        if (!isnan(scale->low)) found[0] = scale->low;
        if (!(found[1] > found[0]) && isnan(scale->high) &&
            !frame_percentiles(frame, found[0], percents + 1, 1, found + 1))
            return false;
        if (!isnan(scale->high)) found[1] = scale->high;
        if (isnan(found[1])) found[1] = found[0];
    }
    *ret = (struct picture_range){.low = found[0], .high = found[1]};
    if (scale->log && found[1] > found[0])
        ret->steep = frame->counts ? found[1] - found[0] : THREE_DECADES;
    return true;
}

/* Where a number is in the range: 0 to 1. */
static double part(const struct picture_range *range, double value)
{
    double p = (value - range->low) / (range->high - range->low);
    if (!(p > 0)) return 0;
    if (p >= 1) return 1;
    return range->steep > 0 ? log1p(range->steep * p) / log1p(range->steep) : p;
}

uint8_t picture_level(const struct picture_range *range, double value)
{
    if (isnan(value)) return PICTURE_MASKED;
    return (uint8_t)(part(range, value) * (PICTURE_LEVELS - 1) + 0.5);
}

uint8_t picture_byte(const struct picture_range *range, double value)
{
    return isnan(value) ? 0 : (uint8_t)(part(range, value) * 255 + 0.5);
}

void picture_fit(const struct frame *frame, int64_t room_width, int64_t room_height,
                 int64_t *ret_width, int64_t *ret_height)
{
    enum { MOST = 8 };
    double width = (double)frame->width, height = (double)frame->height;
    double by = fmin((double)room_width / width, (double)room_height / height);
    if (by >= 1) by = fmin(floor(by), MOST);
    if (frame->height == 1) height = MOST / by;
    *ret_width = (int64_t)fmax(1, fmin((double)room_width, floor(width * by + 0.5)));
    *ret_height = (int64_t)fmax(1, fmin((double)room_height, floor(height * by + 0.5)));
}

/* Pixels `begin` to before `end` of the picture, which has `to`, show pixel i of the `from`. */
static void places(int64_t i, int64_t from, int64_t to, int64_t *begin, int64_t *end)
{
    *begin = i * to / from;
    *end = (i + 1) * to / from;
    if (*end == *begin) ++*end;
}

static void brighten(double *pixel, double value)
{
    if (!(*pixel >= value)) *pixel = value;
}

static void shrink_row(const struct frame *frame, int64_t y, double *row, int64_t width)
{
    enum { BLOCK = 4096 };
    double values[BLOCK];
    int64_t length = frame->width * frame->colors;
    for (int64_t at = 0; at < length; at += BLOCK) {
        size_t count = length - at < BLOCK ? (size_t)(length - at) : BLOCK;
        frame_values(frame, y * length + at, count, values);
        for (size_t i = 0; i < count; i++) {
            int64_t n = at + (int64_t)i, x, end;
            if (isnan(values[i])) continue;
            places(n / frame->colors, frame->width, width, &x, &end);
            for (; x < end; x++)
                brighten(&row[x * frame->colors + n % frame->colors], values[i]);
        }
    }
}

bool picture_shrink(const struct frame *frame, int64_t width, int64_t height, struct frame *ret)
{
    size_t row = (size_t)(width * frame->colors), count = row * (size_t)height;
    double *pixels = malloc((count ? count : 1) * sizeof *pixels);
    if (!pixels) return false;
    for (size_t i = 0; i < count; i++)
        pixels[i] = (double)NAN;
    for (int64_t y = 0; y < frame->height; y++) {
        int64_t to, end;
        places(y, frame->height, height, &to, &end);
        for (; to < end; to++)
            shrink_row(frame, y, pixels + (size_t)to * row, width);
    }
    *ret = (struct frame){.pixels = pixels,
                          .dtype = OPH_FLOAT64,
                          .counts = frame->counts,
                          .height = height,
                          .width = width,
                          .colors = frame->colors,
                          .row_step = (int64_t)row,
                          .column_step = frame->colors,
                          .color_step = 1};
    return true;
}
