#include "cli/frame.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4096 }; /* numbers that are looked at together */

bool frame_find(struct frame *ret, int32_t dtype, uint32_t rank, const int64_t *shape)
{
    int32_t before = 0;
    while (rank > 2 && shape[0] == 1)
        rank--, shape++, before++;
    if (dtype < OPH_INT8 || dtype > OPH_FLOAT64 || rank < 1 || rank > 3) return false;
    struct frame f = {.dtype = dtype, .counts = dtype <= OPH_UINT64, .height = 1, .colors = 1};
    int y = rank == 1 ? -1 : 0, x = rank == 1 ? 0 : 1, color = -1;
    if (rank == 3) {
        color = shape[2] == 3 ? 2 : shape[0] == 3 ? 0 : shape[1] == 3 ? 1 : -1;
        if (color < 0) return false;
        y = color == 0;
        x = color == 2 ? 1 : 2;
        f.colors = 3;
    }
    if (y >= 0) f.height = shape[y];
    f.width = shape[x];
    f.row_axis = y < 0 ? -1 : before + y;
    f.column_axis = before + x;
    f.color_axis = color < 0 ? -1 : before + color;
    *ret = f;
    return true;
}

/* From one place on an axis to the next, in elements; -1, no axis: none. */
static int64_t step(int32_t axis, uint32_t rank, const int64_t *shape)
{
    int64_t ret = axis >= 0;
    for (uint32_t i = (uint32_t)axis + 1; axis >= 0 && i < rank; i++)
        ret *= shape[i];
    return ret;
}

void frame_lay(struct frame *frame, const void *pixels, uint32_t rank, const int64_t *shape)
{
    frame->pixels = pixels;
    frame->height = frame->row_axis < 0 ? 1 : shape[frame->row_axis];
    frame->width = shape[frame->column_axis];
    frame->row_step = frame->row_axis < 0 ? frame->width : step(frame->row_axis, rank, shape);
    frame->column_step = step(frame->column_axis, rank, shape);
    frame->color_step = step(frame->color_axis, rank, shape);
}

bool frame_make(struct frame *ret, const void *pixels, int32_t dtype, uint32_t rank,
                const int64_t *shape)
{
    if (!frame_find(ret, dtype, rank, shape)) return false;
    frame_lay(ret, pixels, rank, shape);
    return true;
}

bool frame_has(const struct frame *frame, int64_t x, int64_t y, int64_t width, int64_t height)
{
    return x >= 0 && y >= 0 && width > 0 && height > 0 && x <= frame->width && y <= frame->height &&
           width <= frame->width - x && height <= frame->height - y;
}

bool frame_crop(struct frame *frame, int64_t x, int64_t y, int64_t width, int64_t height)
{
    if (!frame_has(frame, x, y, width, height)) return false;
    frame->pixels = (const char *)frame->pixels + (y * frame->row_step + x * frame->column_step) *
                                                      (int64_t)oph_dtype_size(frame->dtype);
    frame->width = width;
    frame->height = height;
    return true;
}

int64_t frame_count(const struct frame *frame)
{
    return frame->height * frame->width * frame->colors;
}

/* Numbers that lie one after the other, as they are. */
static void convert(const void *from, int32_t dtype, int64_t first, size_t count, double *ret)
{
#define AS(dtype_, type)                                                                           \
    case dtype_:                                                                                   \
        for (size_t i = 0; i < count; i++)                                                         \
            ret[i] = (double)((const type *)from)[first + (int64_t)i];                             \
        break
    switch (dtype) {
        AS(OPH_INT8, int8_t);
        AS(OPH_UINT8, uint8_t);
        AS(OPH_INT16, int16_t);
        AS(OPH_UINT16, uint16_t);
        AS(OPH_INT32, int32_t);
        AS(OPH_UINT32, uint32_t);
        AS(OPH_INT64, int64_t);
        AS(OPH_UINT64, uint64_t);
        AS(OPH_FLOAT32, float);
        AS(OPH_FLOAT64, double);
    default: break;
    }
#undef AS
}

/* Values from `low` to below `high` are good. */
static void mask(int32_t dtype, size_t count, double *values)
{
    double low = -HUGE_VAL, high = HUGE_VAL;
    if (dtype == OPH_INT8 || dtype == OPH_INT16 || dtype == OPH_INT32 || dtype == OPH_INT64)
        low = 0;
    if (dtype == OPH_UINT32) high = 4294967294.0;
    if (dtype == OPH_UINT64) high = 18446744073709551616.0; /* as the two highest are rounded */
    for (size_t i = 0; i < count; i++) {
        if (!(values[i] >= low && values[i] < high) || values[i] == -HUGE_VAL)
            values[i] = (double)NAN;
    }
}

void frame_values(const struct frame *frame, int64_t first, size_t count, double *ret)
{
    bool together = frame->column_step == frame->colors &&
                    frame->row_step == frame->width * frame->colors &&
                    (frame->colors == 1 || frame->color_step == 1);
    if (together) {
        convert(frame->pixels, frame->dtype, first, count, ret);
    } else {
        for (size_t i = 0; i < count; i++) {
            int64_t n = first + (int64_t)i, pixel = n / frame->colors;
            convert(frame->pixels, frame->dtype,
                    pixel / frame->width * frame->row_step +
                        pixel % frame->width * frame->column_step +
                        n % frame->colors * frame->color_step,
                    1, ret + i);
        }
    }
    if (!frame->all) mask(frame->dtype, count, ret);
}

double frame_saturation(int32_t dtype)
{
    switch (dtype) {
    case OPH_INT8: return INT8_MAX;
    case OPH_UINT8: return UINT8_MAX;
    case OPH_INT16: return INT16_MAX;
    case OPH_UINT16: return UINT16_MAX;
    case OPH_INT32: return 1048575; /* 20 bits */
    default: return HUGE_VAL;
    }
}

/* Takes the numbers of a frame block by block. */
struct walk {
    const struct frame *frame;
    int64_t at; /* the number of values[0] */
    size_t count;
    double values[BLOCK];
};

static bool walk_next(struct walk *w)
{
    int64_t left = frame_count(w->frame) - (w->at += (int64_t)w->count);
    w->count = left < BLOCK ? (size_t)left : BLOCK;
    frame_values(w->frame, w->at, w->count, w->values);
    return w->count > 0;
}

void frame_stats(const struct frame *frame, double saturation, struct frame_stats *ret)
{
    struct walk w = {.frame = frame};
    struct frame_stats s = {.min = HUGE_VAL, .max = -HUGE_VAL};
    int64_t brightest = -1;
    double lost = 0; /* what rounding took from the sum (Neumaier) */
    while (walk_next(&w)) {
        for (size_t i = 0; i < w.count; i++) {
            double v = w.values[i], sum = s.sum + v;
            if (isnan(v)) continue;
            s.valid++;
            if (v >= saturation) s.saturated++;
            if (v < s.min) s.min = v;
            if (v > s.max) {
                s.max = v;
                brightest = (w.at + (int64_t)i) / frame->colors;
            }
            lost += fabs(s.sum) >= fabs(v) ? (s.sum - sum) + v : (v - sum) + s.sum;
            s.sum = sum;
        }
    }
    if (isfinite(lost)) s.sum += lost;
    s.masked = frame_count(frame) - s.valid;
    s.mean = s.sum / (double)s.valid;
    if (!s.valid) s.min = s.max = s.mean = s.sum = (double)NAN;
    s.max_x = brightest < 0 ? -1 : brightest % frame->width;
    s.max_y = brightest < 0 ? -1 : brightest / frame->width;
    *ret = s;
}

/* --- Percentiles: the digits of a number are found one after the other, each by counting how many
 * numbers with the digits before it have which digit next */

enum { DIGIT_BITS = 16, DIGITS = 1 << DIGIT_BITS };

/* An integer that is in the same order as the number. */
static uint64_t to_key(double value)
{
    uint64_t bits;
    value += 0.0; /* -0 is 0 */
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double from_key(uint64_t key)
{
    double value;
    uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
    memcpy(&value, &bits, sizeof value);
    return value;
}

struct wanted {
    uint64_t rank; /* among the numbers that have these digits */
    uint64_t digits;
};

static void count_digits(const struct frame *frame, double above, int shift,
                         const struct wanted *wanted, size_t count, uint64_t (*tally)[DIGITS])
{
    struct walk w = {.frame = frame};
    memset(tally, 0, count * sizeof *tally);
    while (walk_next(&w)) {
        for (size_t i = 0; i < w.count; i++) {
            if (!(w.values[i] > above)) continue;
            uint64_t key = to_key(w.values[i]) >> shift;
            for (size_t j = 0; j < count; j++) {
                if (key >> DIGIT_BITS == wanted[j].digits) tally[j][key & (DIGITS - 1)]++;
            }
        }
    }
}

bool frame_percentiles(const struct frame *frame, double above, const double *percents,
                       size_t count, double *ret)
{
    struct wanted wanted[FRAME_MOST_PERCENTS] = {{0}};
    uint64_t(*tally)[DIGITS] = malloc(count * sizeof *tally);
    if (!tally) return false;
    for (int shift = 64 - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
        count_digits(frame, above, shift, wanted, count, tally);
        for (size_t j = 0; j < count; j++) {
            uint64_t total = 0, digit = 0;
            for (size_t d = 0; d < DIGITS; d++)
                total += tally[j][d];
            if (shift == 64 - DIGIT_BITS) {
                ret[j] = total ? 0 : (double)NAN;
                wanted[j].rank = total ? (uint64_t)(percents[j] / 100 * (double)(total - 1)) : 0;
            }
            while (digit < DIGITS - 1 && tally[j][digit] <= wanted[j].rank)
                wanted[j].rank -= tally[j][digit++];
            wanted[j].digits = wanted[j].digits << DIGIT_BITS | digit;
        }
    }
    for (size_t j = 0; j < count; j++) {
        if (!isnan(ret[j])) ret[j] = from_key(wanted[j].digits);
    }
    free(tally);
    return true;
}
