/* Pictures as PNG files. */
#include "cli/picture.h"
#include "cli/replace.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef OPH_HAVE_PNG
#include <png.h>

struct png_writer {
    const struct frame *frame;
    const struct picture_range *range;
    const struct color_map *map;
    FILE *out;
    char *why;
    size_t why_size;
    uint8_t *row;
    double *values;
};

static void on_error(png_structp png, png_const_charp text)
{
    struct png_writer *w = png_get_error_ptr(png);
    snprintf(w->why, w->why_size, "%s", ferror(w->out) ? strerror(errno) : text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void write_header(const struct png_writer *w, png_structp png, png_infop info)
{
    bool gray = w->frame->colors == 1;
    png_set_IHDR(png, info, (png_uint_32)w->frame->width, (png_uint_32)w->frame->height, 8,
                 gray ? PNG_COLOR_TYPE_PALETTE : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (gray) {
        uint8_t table[PICTURE_LEVELS + 1][3];
        png_color palette[PICTURE_LEVELS + 1];
        color_map_table(w->map, table);
        for (int i = 0; i <= PICTURE_LEVELS; i++)
            palette[i] = (png_color){table[i][0], table[i][1], table[i][2]};
        png_set_PLTE(png, info, palette, PICTURE_LEVELS + 1);
    }
    png_write_info(png, info);
}

/* libpng comes back by longjmp: nothing that is local here changes after setjmp. */
static bool write_pixels(struct png_writer *w, png_structp png, png_infop info)
{
    int64_t length = w->frame->width * w->frame->colors;
    if (setjmp(png_jmpbuf(png))) return false;
    png_init_io(png, w->out);
    write_header(w, png, info);
    for (int64_t y = 0; y < w->frame->height; y++) {
        frame_values(w->frame, y * length, (size_t)length, w->values);
        for (int64_t i = 0; i < length; i++)
            w->row[i] = w->frame->colors == 1 ? picture_level(w->range, w->values[i])
                                              : picture_byte(w->range, w->values[i]);
        png_write_row(png, w->row);
    }
    png_write_end(png, info);
    return true;
}

static bool write_to(FILE *out, const struct frame *frame, const struct picture_range *range,
                     const struct color_map *map, char *why, size_t why_size)
{
    size_t length = (size_t)(frame->width * frame->colors);
    struct png_writer w = {frame, range, map, out, why, why_size, NULL, NULL};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &w, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    w.row = malloc(length);
    w.values = malloc(length * sizeof *w.values);
    snprintf(why, why_size, "no memory");
    bool ok = info && w.row && w.values && write_pixels(&w, png, info);
    png_destroy_write_struct(&png, &info);
    free(w.values);
    free(w.row);
    return ok;
}

#else

static bool write_to(FILE *out, const struct frame *frame, const struct picture_range *range,
                     const struct color_map *map, char *why, size_t why_size)
{
    (void)out;
    (void)frame;
    (void)range;
    (void)map;
    snprintf(
        why, why_size,
        "this program was built without libpng (apt-get install -y libpng-dev, then ./configure)");
    return false;
}

#endif

/* Nobody sees half a picture. */
static bool replace(const char *file, const struct frame *frame, const struct picture_range *range,
                    const struct color_map *map, char *why, size_t why_size)
{
    struct replacement r;
    bool begun = replace_begin(&r, file);
    bool ok = begun && write_to(r.out, frame, range, map, why, why_size);
    bool good = begun && replace_end(&r, ok);
    if (!good && (ok || !begun)) snprintf(why, why_size, "%s", strerror(errno));
    return good;
}

bool picture_write_png(const struct frame *frame, const struct picture_range *range,
                       const struct color_map *map, const char *file, char *why, size_t why_size)
{
    if (frame_count(frame) == 0) return snprintf(why, why_size, "the frame is empty"), false;
    if (strcmp(file, "-") != 0) return replace(file, frame, range, map, why, why_size);
    return write_to(stdout, frame, range, map, why, why_size);
}
