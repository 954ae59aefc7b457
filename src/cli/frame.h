/* One frame in memory: its pixels as numbers, and what can be counted of them. */
#ifndef CLI_FRAME_H
#define CLI_FRAME_H

#include <cophyd/dtype.h>
#include <stdbool.h>

/* Pixels are borrowed. They are numbered row by row, the colours of one after each other. */
struct frame {
    const void *pixels;
    int32_t dtype;                             /* enum oph_dtype: a type of numbers */
    bool all;                                  /* no value means that a pixel is masked */
    bool counts;                               /* its numbers are integers, whatever the type */
    int64_t height, width, colors;             /* colors: 1, or 3 */
    int64_t row_step, column_step, color_step; /* in elements */
    int32_t row_axis, column_axis, color_axis; /* of the shape that it was made of; -1: none */
};

/* A frame of this shape, slowest axis first: [x], [y, x], or with an axis of 3 colours anywhere in
 * three. Axes of 1 before these do not count. False: it is nothing that can be looked at. */
bool frame_make(struct frame *ret, const void *pixels, int32_t dtype, uint32_t rank,
                const int64_t *shape);
/* The same in two steps: which axis is what, and the size; then the pixels of it, or of a part,
 * whose shape does not tell which axis is what. */
bool frame_find(struct frame *ret, int32_t dtype, uint32_t rank, const int64_t *shape);
void frame_lay(struct frame *frame, const void *pixels, uint32_t rank, const int64_t *shape);

/* Whether it has a part of this size that begins at (x, y). */
bool frame_has(const struct frame *frame, int64_t x, int64_t y, int64_t width, int64_t height);
/* Leaves of it that part. False: it has no such. */
bool frame_crop(struct frame *frame, int64_t x, int64_t y, int64_t width, int64_t height);

/* How many numbers it has. */
int64_t frame_count(const struct frame *frame);

/* `count` of them from number `first` on. NaN stands for those that are masked: below 0 in a signed
 * integer type (a Pilatus has -1 in the gaps between its modules and -2 in bad pixels), the two
 * highest of unsigned ones of 32 and 64 bits (an Eiger has those), what is not finite. */
void frame_values(const struct frame *frame, int64_t first, size_t count, double *ret);

/* From which value on a pixel is saturated: the highest of a type of 8 or 16 bits, 1048575 in
 * int32, since a Pilatus counts to there. Infinity for other types. */
double frame_saturation(int32_t dtype);

struct frame_stats {
    int64_t valid, masked, saturated; /* numbers */
    double min, max, mean, sum;       /* of the valid ones; NaN where there is none */
    int64_t max_x, max_y;             /* the first of the brightest; -1: none */
};
void frame_stats(const struct frame *frame, double saturation, struct frame_stats *ret);

enum { FRAME_MOST_PERCENTS = 8 };
/* For each of `count` percents p the valid number above `above` that stands at floor(p/100 * (n-1))
 * of n in order: exact, and with memory that does not grow with the frame. NaN where there is none.
 * False: no memory. */
bool frame_percentiles(const struct frame *frame, double above, const double *percents,
                       size_t count, double *ret);

#endif
