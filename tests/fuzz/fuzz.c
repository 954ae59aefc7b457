#include "fuzz/fuzz.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_claim(bool holds, const char *format, ...)
{
    va_list args;

    if (holds) return;
    va_start(args, format);
    fputs("\nThis does not hold: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    abort();
}

uint64_t fuzz_number(struct fuzz_in *in, int bytes)
{
    uint64_t number = 0;

    for (; bytes > 0; bytes--) {
        number = number << 8 | (in->left ? *in->at : 0);
        in->at += in->left > 0;
        in->left -= in->left > 0;
    }
    return number;
}

uint64_t fuzz_below(struct fuzz_in *in, uint64_t below)
{
    return fuzz_number(in, below <= 256 ? 1 : below <= 65536 ? 2 : 4) % below;
}

void *fuzz_bytes(struct fuzz_in *in, size_t size)
{
    size_t some = size < in->left ? size : in->left;
    unsigned char *bytes = calloc(1, size ? size : 1);

    fuzz_claim(bytes != NULL, "there is memory for %zu bytes", size);
    if (some) memcpy(bytes, in->at, some);
    in->at += some;
    in->left -= some;
    return bytes;
}

static char *text(struct fuzz_in *in, size_t length)
{
    char *copy = malloc(length + 1);

    fuzz_claim(copy != NULL, "there is memory for %zu bytes", length);
    if (length) memcpy(copy, in->at, length);
    copy[length] = '\0';
    in->at += length;
    in->left -= length;
    return copy;
}

char *fuzz_line(struct fuzz_in *in)
{
    const uint8_t *end = in->left ? memchr(in->at, '\n', in->left) : NULL;
    char *line = text(in, end ? (size_t)(end - in->at) : in->left);

    fuzz_number(in, end ? 1 : 0);
    return line;
}

char *fuzz_rest(struct fuzz_in *in)
{
    return text(in, in->left);
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static char path[40];
    static int fd = -1;

    if (fd < 0) fd = memfd_create("fuzz", MFD_CLOEXEC);
    fuzz_claim(fd >= 0 && !ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size,
               "there is a file of %zu bytes", size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return path;
}
