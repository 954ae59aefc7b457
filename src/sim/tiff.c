#include "sim/tiff.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* A tag's text, and a number of 8 bytes, stand behind the tags. */
enum { HEADER = 4096, FIRST_TAG = 10, TAG_SIZE = 12, NUMBERS = 248, TEXTS = 256 };

enum {
    WIDTH = 256,
    LENGTH = 257,
    BITS = 258,
    COMPRESSION = 259,
    PHOTOMETRIC = 262,
    DESCRIPTION = 270,
    STRIP_OFFSETS = 273,
    ROWS_PER_STRIP = 278,
    STRIP_BYTES = 279,
    SAMPLE_FORMAT = 339,
    ND_TIME_STAMP = 65000, /* from here on NDFileTIFF's own */
    ND_UNIQUE_ID,
    ND_EPICS_SEC,
    ND_EPICS_NSEC
};
enum { ASCII = 2, LONG = 4, DOUBLE = 12, NONE = 1, BLACK_IS_ZERO = 1 };
enum { UNSIGNED = 1, SIGNED, FLOATING };

struct tag {
    int tag, type;
    uint32_t count, value;
};

static void put(unsigned char *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static uint32_t get(const unsigned char *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)at[i] << (8 * i);
    return value;
}

static uint32_t format_of(enum sim_element type)
{
    if (type >= SIM_FLOAT32) return FLOATING;
    return type % 2 == 0 ? SIGNED : UNSIGNED;
}

struct image {
    enum sim_element type;
    const void *pixels;
    int cols, rows;
    const char *description;
    const struct sim_frame *frame; /* NULL: no tags of NDFileTIFF */
};

static size_t bytes_of(const struct image *image)
{
    return (size_t)image->cols * (size_t)image->rows * sim_element_size(image->type);
}

static void make_header(unsigned char header[HEADER], const struct image *image)
{
    size_t length = strnlen(image->description, HEADER - TEXTS - 1);
    const struct sim_frame none = {0}, *frame = image->frame ? image->frame : &none;
    const struct tag tags[] = {
        {WIDTH, LONG, 1, (uint32_t)image->cols},
        {LENGTH, LONG, 1, (uint32_t)image->rows},
        {BITS, LONG, 1, 8 * (uint32_t)sim_element_size(image->type)},
        {COMPRESSION, LONG, 1, NONE},
        {PHOTOMETRIC, LONG, 1, BLACK_IS_ZERO},
        {DESCRIPTION, ASCII, (uint32_t)length + 1, TEXTS},
        {STRIP_OFFSETS, LONG, 1, HEADER},
        {ROWS_PER_STRIP, LONG, 1, (uint32_t)image->rows},
        {STRIP_BYTES, LONG, 1, (uint32_t)bytes_of(image)},
        {SAMPLE_FORMAT, LONG, 1, format_of(image->type)},
        {ND_TIME_STAMP, DOUBLE, 1, NUMBERS},
        {ND_UNIQUE_ID, LONG, 1, (uint32_t)frame->unique_id},
        {ND_EPICS_SEC, LONG, 1, frame->epics_sec},
        {ND_EPICS_NSEC, LONG, 1, frame->epics_nsec},
    };
    enum { TAGS = sizeof tags / sizeof *tags, OWN = 4 };
    int count = image->frame ? TAGS : TAGS - OWN;
    memset(header, 0, HEADER);
    memcpy(header, "II*", 3);
    put(header + 4, FIRST_TAG - 2, 4);
    put(header + FIRST_TAG - 2, (uint32_t)count, 2);
    for (int i = 0; i < count; i++) {
        unsigned char *at = header + FIRST_TAG + i * TAG_SIZE;
        put(at, (uint32_t)tags[i].tag, 2);
        put(at + 2, (uint32_t)tags[i].type, 2);
        put(at + 4, tags[i].count, 4);
        put(at + 8, tags[i].value, 4);
    }
    memcpy(header + NUMBERS, &frame->timestamp, sizeof frame->timestamp);
    memcpy(header + TEXTS, image->description, length);
}

static bool write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t done = write(fd, at, size);
        if (done <= 0) return false;
        at += done;
        size -= (size_t)done;
    }
    return true;
}

static bool read_all(int fd, void *bytes, size_t size)
{
    char *at = bytes;
    while (size > 0) {
        ssize_t done = read(fd, at, size);
        if (done <= 0) return false;
        at += done;
        size -= (size_t)done;
    }
    return true;
}

/* The pixels are in memory as in the file: this machine is little-endian too. */
static int write_image(const char *real_path, const struct image *image)
{
    unsigned char header[HEADER];
    int fd = open(real_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return -1;
    make_header(header, image);
    bool ok = write_all(fd, header, sizeof header) && write_all(fd, image->pixels, bytes_of(image));
    return close(fd) == 0 && ok ? 0 : -1;
}

int sim_tiff_write(const char *real_path, const int32_t *pixels, int cols, int rows,
                   const char *description)
{
    const struct image image = {SIM_INT32, pixels, cols, rows, description, NULL};
    return write_image(real_path, &image);
}

int sim_tiff_write_frame(const char *real_path, const struct sim_frame *frame)
{
    const struct image image = {
        frame->pixels->type, sim_array_data(frame->pixels), frame->cols, frame->rows, "", frame};
    return write_image(real_path, &image);
}

static bool is_ours(const unsigned char header[HEADER], int cols, int rows)
{
    const struct tag wanted[] = {{.tag = WIDTH, .value = (uint32_t)cols},
                                 {.tag = LENGTH, .value = (uint32_t)rows},
                                 {.tag = BITS, .value = 32},
                                 {.tag = COMPRESSION, .value = NONE},
                                 {.tag = STRIP_OFFSETS, .value = HEADER},
                                 {.tag = SAMPLE_FORMAT, .value = SIGNED}};
    uint32_t tags = get(header + FIRST_TAG - 2, 2), found = 0;
    if (memcmp(header, "II*", 4) != 0 || get(header + 4, 4) != FIRST_TAG - 2) return false;
    for (uint32_t i = 0; i < tags && i < 32; i++) {
        const unsigned char *at = header + FIRST_TAG + i * TAG_SIZE;
        for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++)
            if ((int)get(at, 2) == wanted[k].tag) found += get(at + 8, 4) == wanted[k].value;
    }
    return found == sizeof wanted / sizeof *wanted;
}

int sim_tiff_read(const char *real_path, int32_t *pixels, int cols, int rows)
{
    unsigned char header[HEADER];
    int fd = open(real_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    bool ok = read_all(fd, header, sizeof header) && is_ours(header, cols, rows) &&
              read_all(fd, pixels, (size_t)cols * (size_t)rows * sizeof *pixels);
    close(fd);
    return ok ? 0 : -1;
}
