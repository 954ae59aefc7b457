/* CBF as camserver writes it: a text that says what follows, a mark, and the image, compressed by
 * byte offset: each pixel is the difference to the one before it, in as few bytes as hold it. */
#include "h5/flat.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_HEADER = 1 << 16 };

static const unsigned char mark[] = {0x0C, 0x1A, 0x04, 0xD5};

/* The text after `key`, up to the end of its line, without blanks around it. NULL: there is none.
 */
static const char *field(const char *header, const char *key, char *value, size_t size)
{
    const char *at = strstr(header, key);

    if (!at) return NULL;
    at += strlen(key);
    at += strspn(at, " \t:");
    size_t len = strcspn(at, "\r\n;");
    while (len > 0 && at[len - 1] == ' ')
        len--;
    oph__format(value, size, "%.*s", (int)(len < size ? len : size - 1), at);
    return value;
}

static bool number(const char *header, const char *key, uint64_t *ret)
{
    char text[40];
    int64_t value;

    if (!field(header, key, text, sizeof text) || !oph__to_int(text, &value) || value <= 0)
        return false;
    *ret = (uint64_t)value;
    return true;
}

static enum oph__h5_seen take_header(const struct oph__source *source, const char *header,
                                     uint64_t address, struct oph__image *ret, char *found,
                                     size_t size)
{
    const uint64_t file_size = (uint64_t)source->stat.st_size;
    uint64_t stored, elements, rows, cols;
    char text[80];

    if (!strstr(header, "x-CBF_BYTE_OFFSET"))
        return oph__flat_broken(found, size, "a CBF file that is not compressed by byte offset");
    if (!field(header, "X-Binary-Element-Type", text, sizeof text) ||
        !strstr(text, "signed 32-bit integer") || strstr(text, "unsigned"))
        return oph__flat_broken(found, size,
                                "a CBF file whose pixels are not signed 32-bit integers");
    if (!number(header, "X-Binary-Size:", &stored) ||
        !number(header, "X-Binary-Number-of-Elements:", &elements) ||
        !number(header, "X-Binary-Size-Fastest-Dimension:", &cols) ||
        !number(header, "X-Binary-Size-Second-Dimension:", &rows))
        return oph__flat_broken(found, size, "a CBF file that does not tell its size");
    /* A pixel takes a byte or more. */
    if (!oph__flat_image(OPH_INT32, rows, cols, address, stored, ret) || rows * cols != elements ||
        elements > stored)
        return oph__flat_broken(found, size, "a damaged CBF file: %llu rows of %llu pixels",
                                (unsigned long long)rows, (unsigned long long)cols);
    if (stored > file_size || address > file_size - stored) return oph__flat_busy(found, size);
    ret->filters.count = 1;
    ret->filters.at[0].id = OPH__BYTE_OFFSET;
    oph__copy(ret->filters.text, sizeof ret->filters.text, "byte offset");
    return OPH__H5_READY;
}

enum oph__h5_seen oph__cbf_look(const struct oph__source *source, struct oph__image *ret,
                                char *found, size_t size)
{
    char *header = malloc(LONGEST_HEADER + 1);
    enum oph__h5_seen seen;

    if (!header) return oph__flat_broken(found, size, "no memory for its header");
    size_t got = oph__source_fetch(source, 0, header, LONGEST_HEADER);
    const char *end = memmem(header, got, mark, sizeof mark);
    header[end ? (size_t)(end - header) : got] = '\0';
    if (end)
        seen =
            take_header(source, header, (uint64_t)(end - header) + sizeof mark, ret, found, size);
    else if (got < LONGEST_HEADER)
        seen = oph__flat_busy(found, size);
    else
        seen = oph__flat_broken(found, size, "a CBF file without an image");
    free(header);
    return seen;
}

static int64_t little_endian(const unsigned char *at, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return (int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes);
}

bool oph__undo_byte_offset(const void *in, size_t in_size, void *out, size_t out_size)
{
    const unsigned char *from = in, *end = from + in_size;
    unsigned char *to = out;
    int64_t value = 0;

    for (size_t left = out_size / sizeof(int32_t); left > 0; left--, to += sizeof(int32_t)) {
        int64_t step = 0;
        int bytes = 0;
        do { /* the most negative number of a width says that a wider one follows */
            bytes = bytes ? 2 * bytes : 1;
            if (bytes > 8 || end - from < bytes) return false;
            step = little_endian(from, bytes);
            from += bytes;
        } while (bytes < 8 && step == -((int64_t)1 << (8 * bytes - 1)));
        if (__builtin_add_overflow(value, step, &value) || value != (int32_t)value) return false;
        const int32_t pixel = (int32_t)value;
        memcpy(to, &pixel, sizeof pixel);
    }
    return from == end;
}
