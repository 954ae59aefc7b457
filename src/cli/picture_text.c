/* Pictures in a terminal. */
#include "cli/picture.h"
#include <stdlib.h>
#include <string.h>

enum picture_ink picture_ink(const char *colorterm, const char *term)
{
    if (colorterm && (strcmp(colorterm, "truecolor") == 0 || strcmp(colorterm, "24bit") == 0))
        return PICTURE_TRUE_COLOR;
    if (term && strstr(term, "direct")) return PICTURE_TRUE_COLOR;
    return term && strstr(term, "256color") ? PICTURE_256 : PICTURE_LETTERS;
}

static int distance(const uint8_t a[3], int red, int green, int blue)
{
    return (a[0] - red) * (a[0] - red) + (a[1] - green) * (a[1] - green) +
           (a[2] - blue) * (a[2] - blue);
}

/* Its colours 16 to 231 are a cube of 6 x 6 x 6, those from 232 on are grays. */
int picture_color_256(const uint8_t color[3])
{
    static const int steps[6] = {0, 95, 135, 175, 215, 255};
    int nearest[3] = {0};
    for (int c = 0; c < 3; c++) {
        for (int i = 1; i < 6; i++) {
            if (abs(steps[i] - color[c]) < abs(steps[nearest[c]] - color[c])) nearest[c] = i;
        }
    }
    int gray = (color[0] + color[1] + color[2]) / 3;
    int shade = gray < 8 ? 0 : gray > 238 ? 23 : (gray - 8 + 5) / 10;
    int in_cube = distance(color, steps[nearest[0]], steps[nearest[1]], steps[nearest[2]]);
    if (distance(color, 8 + 10 * shade, 8 + 10 * shade, 8 + 10 * shade) < in_cube)
        return 232 + shade;
    return 16 + 36 * nearest[0] + 6 * nearest[1] + nearest[2];
}

struct painter {
    const struct frame *frame;
    const struct picture_range *range;
    uint8_t table[PICTURE_LEVELS + 1][3];
    enum picture_ink ink;
    FILE *out;
};

/* False: below the last row. */
static bool pixel(const struct painter *p, int64_t y, int64_t x, uint8_t ret[3], uint8_t *ret_level)
{
    double values[3];
    size_t colors = (size_t)p->frame->colors;
    if (y >= p->frame->height) return false;
    frame_values(p->frame, (y * p->frame->width + x) * p->frame->colors, colors, values);
    uint8_t level = picture_level(p->range, values[0]);
    memcpy(ret, p->table[level], 3);
    for (size_t c = 0; colors == 3 && c < 3; c++) {
        uint8_t one = picture_level(p->range, values[c]);
        ret[c] = picture_byte(p->range, values[c]);
        if (one != PICTURE_MASKED && (level == PICTURE_MASKED || one > level)) level = one;
    }
    *ret_level = level;
    return true;
}

static void put_letter(const struct painter *p, int64_t y, int64_t x)
{
    static const char letters[] = " .:-=+*#%@";
    enum { COUNT = sizeof letters - 1 };
    uint8_t color[3], level = PICTURE_MASKED, below;
    pixel(p, y, x, color, &level);
    if (pixel(p, y + 1, x, color, &below) && below != PICTURE_MASKED &&
        (level == PICTURE_MASKED || below > level))
        level = below;
    fputc(level == PICTURE_MASKED ? '/' : letters[level * COUNT / PICTURE_LEVELS], p->out);
}

/* `what`: 38 for the letter's colour, 48 for what is behind it. */
static void put_color(const struct painter *p, int what, const uint8_t color[3])
{
    if (p->ink == PICTURE_TRUE_COLOR)
        fprintf(p->out, "\033[%d;2;%d;%d;%dm", what, color[0], color[1], color[2]);
    else
        fprintf(p->out, "\033[%d;5;%dm", what, picture_color_256(color));
}

static void put_blocks(const struct painter *p, int64_t y)
{
    uint8_t before[2][3] = {{0}}, now[2][3] = {{0}}, level;
    for (int64_t x = 0; x < p->frame->width; x++) {
        pixel(p, y, x, now[0], &level);
        bool both = pixel(p, y + 1, x, now[1], &level);
        if (x == 0 || memcmp(before[0], now[0], 3) != 0) put_color(p, 38, now[0]);
        if (both && (x == 0 || memcmp(before[1], now[1], 3) != 0)) put_color(p, 48, now[1]);
        fputs("\342\226\200", p->out); /* U+2580, the upper half */
        memcpy(before, now, sizeof before);
    }
    fputs("\033[0m", p->out);
}

void picture_draw(const struct frame *frame, const struct picture_range *range,
                  const struct color_map *map, enum picture_ink ink, const char *const *notes,
                  bool below, FILE *out)
{
    struct painter p = {.frame = frame, .range = range, .ink = ink, .out = out};
    color_map_table(map, p.table);
    for (int64_t y = 0; y < frame->height || (!below && *notes); y += 2) {
        if (y >= frame->height)
            fprintf(out, "%*s", (int)frame->width, "");
        else if (ink != PICTURE_LETTERS)
            put_blocks(&p, y);
        else
            for (int64_t x = 0; x < frame->width; x++)
                put_letter(&p, y, x);
        if (!below && *notes) fprintf(out, "  %s", *notes++);
        fputc('\n', out);
    }
    while (*notes)
        fprintf(out, "%s\n", *notes++);
}
