/* Pictures of frames: each number becomes one of 255 levels, each level a colour. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include "cli/frame.h"
#include <stdio.h>

/* --- Colours */

enum { PICTURE_LEVELS = 255, PICTURE_MASKED = PICTURE_LEVELS }; /* levels 0 to 254, and one more */

struct color_map {
    const char *name;
    uint8_t points[9][3]; /* from dark to bright, or the other way round, evenly spaced */
    uint8_t masked[3];    /* a colour that is none of the map's */
};
extern const struct color_map color_maps[]; /* ended by a name of NULL; the first is the default */
const struct color_map *color_map_find(const char *name); /* NULL: there is none */
/* The colour of each level, straight between the points, and of masked pixels. */
void color_map_table(const struct color_map *map, uint8_t ret[PICTURE_LEVELS + 1][3]);

/* --- Levels */

struct picture_scale {
    bool log;
    double low, high;                 /* NaN: by these percents */
    double percent_low, percent_high; /* 0 to 100 */
};

/* What is dark and what is bright; `steep` of a logarithmic scale, 0 of a linear one. */
struct picture_range {
    double low, high, steep;
};
/* Percents are of the pixels that are not masked. Where most pixels have the same value, as in an
 * image with few counts, the high percent would be that value, too: then it is of the pixels above
 * it. False: no memory. */
bool picture_range(const struct frame *frame, const struct picture_scale *scale,
                   struct picture_range *ret);

/* 0 for `low` and below, 254 for `high` and above, PICTURE_MASKED for NaN. Where all is equal: 0.
 * Logarithmic: by log(1 + value - low) of counts; of other numbers over three decades. */
uint8_t picture_level(const struct picture_range *range, double value);

/* Of a colour: 0 to 255; 0 for NaN. */
uint8_t picture_byte(const struct picture_range *range, double value);

/* --- Sizes */

/* The largest size with the frame's aspect that fits into room_width x room_height; a small frame
 * is enlarged by a whole number, at most 8. At least 1 x 1; a frame of one line becomes a stripe, 8
 * high. The frame has pixels. */
void picture_fit(const struct frame *frame, int64_t room_width, int64_t room_height,
                 int64_t *ret_width, int64_t *ret_height);

/* The frame as width x height pixels. Each is the brightest of those that it covers, so that no
 * single bright pixel gets lost; masked where all of them are. The frame is of double, and its
 * pixels are yours to free. False: no memory. */
bool picture_shrink(const struct frame *frame, int64_t width, int64_t height, struct frame *ret);

/* --- PNG */

/* Writes one pixel for each of the frame's: 8 bits with a palette of the map, or RGB of a frame
 * with colours, to each of which the range applies. The file is replaced when all is written; "-"
 * is stdout. False: `why` is a sentence. */
bool picture_write_png(const struct frame *frame, const struct picture_range *range,
                       const struct color_map *map, const char *file, char *why, size_t why_size);

/* --- Terminal */

enum picture_ink {
    PICTURE_TRUE_COLOR, /* half blocks in 24-bit colours: two pixels a character */
    PICTURE_256,        /* in the 256 colours that xterm has */
    PICTURE_LETTERS     /* characters from dark to bright, the brighter of the two pixels */
};
/* By COLORTERM and TERM, as a user of this terminal has them; NULL: not set. */
enum picture_ink picture_ink(const char *colorterm, const char *term);
/* The nearest of xterm's colours 16 to 255. */
int picture_color_256(const uint8_t color[3]);
/* A line of the terminal for every two of the picture's. Beside them, or below where `below`, are
 * the notes, a line each; ended by NULL. */
void picture_draw(const struct frame *frame, const struct picture_range *range,
                  const struct color_map *map, enum picture_ink ink, const char *const *notes,
                  bool below, FILE *out);

#endif
