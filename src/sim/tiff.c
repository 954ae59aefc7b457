#include "sim/tiff.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { HEADER = 4096, FIRST_TAG = 10, TAG_SIZE = 12, TEXTS = 256 };

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
    SAMPLE_FORMAT = 339
};
enum { ASCII = 2, LONG = 4, NONE = 1, BLACK_IS_ZERO = 1, SIGNED = 2 };

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

static void make_header(unsigned char header[HEADER], int cols, int rows, const char *description)
{
    size_t length = strnlen(description, HEADER - TEXTS - 1);
    const struct tag tags[] = {
        {WIDTH, LONG, 1, (uint32_t)cols},
        {LENGTH, LONG, 1, (uint32_t)rows},
        {BITS, LONG, 1, 32},
        {COMPRESSION, LONG, 1, NONE},
        {PHOTOMETRIC, LONG, 1, BLACK_IS_ZERO},
        {DESCRIPTION, ASCII, (uint32_t)length + 1, TEXTS},
        {STRIP_OFFSETS, LONG, 1, HEADER},
        {ROWS_PER_STRIP, LONG, 1, (uint32_t)rows},
        {STRIP_BYTES, LONG, 1, (uint32_t)cols * (uint32_t)rows * 4},
        {SAMPLE_FORMAT, LONG, 1, SIGNED},
    };
    enum { TAGS = sizeof tags / sizeof *tags };
    memset(header, 0, HEADER);
    memcpy(header, "II*", 3);
    put(header + 4, FIRST_TAG - 2, 4);
    put(header + FIRST_TAG - 2, TAGS, 2);
    for (int i = 0; i < TAGS; i++) {
        unsigned char *at = header + FIRST_TAG + i * TAG_SIZE;
        put(at, (uint32_t)tags[i].tag, 2);
        put(at + 2, (uint32_t)tags[i].type, 2);
        put(at + 4, tags[i].count, 4);
        put(at + 8, tags[i].value, 4);
    }
    memcpy(header + TEXTS, description, length);
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
static size_t bytes_of(int cols, int rows)
{
    return (size_t)cols * (size_t)rows * sizeof(int32_t);
}

int sim_tiff_write(const char *real_path, const int32_t *pixels, int cols, int rows,
                   const char *description)
{
    unsigned char header[HEADER];
    int fd = open(real_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) return -1;
    make_header(header, cols, rows, description);
    bool ok = write_all(fd, header, sizeof header) && write_all(fd, pixels, bytes_of(cols, rows));
    return close(fd) == 0 && ok ? 0 : -1;
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
              read_all(fd, pixels, bytes_of(cols, rows));
    close(fd);
    return ok ? 0 : -1;
}
