/* PNG files, read back by libpng: each pixel is the colour that the map has for the frame's. */
#include "cli/picture.h"

#include <dirent.h>
#include <epicsUnitTest.h>
#include <math.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const char *path(const char *name)
{
    static char text[128];
    snprintf(text, sizeof text, "%s/%s", folder, name);
    return text;
}

static struct frame frame_of(const void *pixels, int32_t dtype, uint32_t rank, const int64_t *shape)
{
    struct frame f = {0};
    if (!frame_make(&f, pixels, dtype, rank, shape)) testAbort("a frame that should be one");
    return f;
}

/* The file's pixels as RGB; NULL: it is not that large, or no PNG. */
static uint8_t *load(const char *file, int64_t height, int64_t width, bool palette)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_file(&image, file)) {
        testDiag("%s: %s", file, image.message);
        return NULL;
    }
    bool right = image.width == width && image.height == height &&
                 !(image.format & PNG_FORMAT_FLAG_COLORMAP) == !palette;
    image.format = PNG_FORMAT_RGB;
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    if (!pixels || !right || !png_image_finish_read(&image, NULL, pixels, 0, NULL)) {
        testDiag("%s: %u x %u, %s", file, image.width, image.height, image.message);
        png_image_free(&image);
        free(pixels);
        return NULL;
    }
    return pixels;
}

static bool written(const struct frame *frame, const struct picture_range *range,
                    const struct color_map *map, const char *file)
{
    char why[256] = "";
    bool ok = picture_write_png(frame, range, map, file, why, sizeof why);
    if (!ok) testDiag("%s", why);
    return ok;
}

/* Writes a frame whose pixels have these levels, and counts the pixels that have another colour. */
static int wrong_pixels(const struct frame *frame, const struct picture_range *range,
                        const struct color_map *map, const int *levels)
{
    uint8_t table[PICTURE_LEVELS + 1][3];
    int64_t count = frame->height * frame->width;
    color_map_table(map, table);
    if (!written(frame, range, map, path("gray.png"))) return -1;
    uint8_t *pixels = load(path("gray.png"), frame->height, frame->width, true);
    int wrong = pixels ? 0 : -1;
    for (int64_t i = 0; pixels && i < count; i++)
        wrong += memcmp(pixels + 3 * i, table[levels[i]], 3) != 0;
    free(pixels);
    return wrong;
}

/* Each map, all levels, and two sorts of masked pixels. */
static void test_maps(void)
{
    enum { HEIGHT = 16, WIDTH = 17, COUNT = HEIGHT * WIDTH };
    static int32_t pixels[COUNT];
    static int levels[COUNT];
    const struct picture_range range = {.low = 1000, .high = 1254};
    struct frame f = frame_of(pixels, OPH_INT32, 2, (const int64_t[]){HEIGHT, WIDTH});
    for (int i = 0; i < COUNT; i++) {
        levels[i] = i < 10 ? PICTURE_MASKED : i % 255;
        pixels[i] = i < 10 ? -1 - i % 2 : 1000 + i % 255;
    }
    for (const struct color_map *map = color_maps; map->name; map++) {
        int wrong = wrong_pixels(&f, &range, map, levels);
        testOk(wrong == 0, "%s: %d pixels are wrong", map->name, wrong);
    }
}

static void test_types(void)
{
    static const int levels[] = {0, 5, 100, 127, 3, 1};
    static const int8_t i8[] = {0, 5, 100, 127, 3, 1};
    static const uint8_t u8[] = {0, 5, 100, 127, 3, 1};
    static const int16_t i16[] = {0, 5, 100, 127, 3, 1};
    static const uint16_t u16[] = {0, 5, 100, 127, 3, 1};
    static const int32_t i32[] = {0, 5, 100, 127, 3, 1};
    static const uint32_t u32[] = {0, 5, 100, 127, 3, 1};
    static const int64_t i64[] = {0, 5, 100, 127, 3, 1};
    static const uint64_t u64[] = {0, 5, 100, 127, 3, 1};
    static const float f32[] = {0, 5, 100, 127, 3, 1};
    static const double f64[] = {-7, 5.4, 100, 126.6, 3, 1};
    static const void *const all[] = {i8, u8, i16, u16, i32, u32, i64, u64, f32, f64};
    const struct picture_range range = {.low = 0, .high = 254};
    for (int i = 0; i < 10; i++) {
        struct frame f = frame_of(all[i], OPH_INT8 + i, 2, (const int64_t[]){3, 2});
        testOk(wrong_pixels(&f, &range, color_maps, levels) == 0, "%s", oph_dtype_name(f.dtype));
        f = frame_of(all[i], OPH_INT8 + i, 1, (const int64_t[]){6});
        testOk(wrong_pixels(&f, &range, color_maps, levels) == 0, "%s, 1-D",
               oph_dtype_name(f.dtype));
    }
    static const double special[] = {(double)NAN, HUGE_VAL, -HUGE_VAL, 254};
    static const int special_levels[] = {255, 255, 255, 254};
    struct frame f = frame_of(special, OPH_FLOAT64, 2, (const int64_t[]){2, 2});
    testOk1(wrong_pixels(&f, &range, color_maps, special_levels) == 0);
    f.height = f.width = 1;
    testOk1(wrong_pixels(&f, &range, color_maps, special_levels) == 0);
}

static void test_colors(void)
{
    static const uint8_t wanted[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 255, 254, 0};
    static const uint8_t by_plane[] = {1, 4, 7, 255, 2, 5, 8, 254, 3, 6, 9, 0};
    static const uint8_t by_row[] = {1, 4, 2, 5, 3, 6, 7, 255, 8, 254, 9, 0};
    const struct picture_range range = {.low = 0, .high = 255};
    static const struct {
        const uint8_t *pixels;
        int64_t shape[3];
    } cases[] = {{wanted, {2, 2, 3}}, {by_row, {2, 3, 2}}, {by_plane, {3, 2, 2}}};
    for (size_t i = 0; i < 3; i++) {
        struct frame f = frame_of(cases[i].pixels, OPH_UINT8, 3, cases[i].shape);
        bool ok = written(&f, &range, color_maps, path("rgb.png"));
        uint8_t *got = ok ? load(path("rgb.png"), 2, 2, false) : NULL;
        testOk(got && memcmp(got, wanted, sizeof wanted) == 0, "colours in order %zu", i + 1);
        free(got);
    }
}

static int files_in_folder(void)
{
    int count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    if (dir) closedir(dir);
    return count;
}

/* A file is replaced by a whole picture, or not at all. */
static void test_file(void)
{
    static uint8_t pixels[3000000];
    const struct picture_range range = {.low = 0, .high = 254};
    struct frame f = frame_of(pixels, OPH_UINT8, 2, (const int64_t[]){1, 1});
    struct stat before, after;
    char why[256] = "";
    mode_t mask = umask(027);
    int files = files_in_folder();
    testOk1(written(&f, &range, color_maps, path("file.png")) &&
            stat(path("file.png"), &before) == 0);
    umask(mask);
    testOk((before.st_mode & 07777) == 0640, "as the umask says: %o", before.st_mode & 07777);
    testOk1(written(&f, &range, color_maps, path("file.png")) &&
            stat(path("file.png"), &after) == 0);
    testOk1(before.st_ino != after.st_ino && files_in_folder() == files + 1);
    f.height = 0;
    testOk1(!picture_write_png(&f, &range, color_maps, path("file.png"), why, sizeof why));
    testOk(strstr(why, "empty") != NULL, "%s", why);
    f.height = 1;
    testOk1(mkdir(path("dir.png"), 0700) == 0 &&
            !picture_write_png(&f, &range, color_maps, path("dir.png"), why, sizeof why));
    testOk(strcmp(why, "Is a directory") == 0, "%s", why);
    testOk1(!picture_write_png(&f, &range, color_maps, path("none/file.png"), why, sizeof why));
    testOk(strcmp(why, "No such file or directory") == 0, "%s", why);
    testOk(files_in_folder() == files + 2, "nothing else is left in the folder");
    struct frame wide = frame_of(pixels, OPH_UINT8, 2, (const int64_t[]){1, 3000000});
    testOk1(!picture_write_png(&wide, &range, color_maps, path("file.png"), why, sizeof why));
    testOk(why[0] && files_in_folder() == files + 2, "wider than libpng takes: %s", why);
    rmdir(path("dir.png"));
}

int main(void)
{
    testPlan(0);
    snprintf(folder, sizeof folder, "/tmp/cophyd-png-XXXXXX");
    if (!mkdtemp(folder)) testAbort("no folder");
    test_maps();
    test_types();
    test_colors();
    test_file();
    unlink(path("gray.png"));
    unlink(path("rgb.png"));
    unlink(path("file.png"));
    testOk(rmdir(folder) == 0, "the folder is empty");
    return testDone();
}
