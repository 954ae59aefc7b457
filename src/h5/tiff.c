/* TIFF: a header, and one directory of tags that says where the strips of one image are. Read are
 * plain images whose strips follow each other, as camserver and areaDetector write them. */
#include "h5/flat.h"

#include <string.h>

enum { HEADER = 8, ENTRY = 12, MOST_ENTRIES = 1024 };
enum { TYPE_SHORT = 3, TYPE_LONG = 4 };
enum {
    TAG_WIDTH = 256,
    TAG_HEIGHT = 257,
    TAG_BITS = 258,
    TAG_COMPRESSION = 259,
    TAG_OFFSETS = 273,
    TAG_SAMPLES = 277,
    TAG_COUNTS = 279,
    TAG_FORMAT = 339
};

struct reader {
    const struct oph__source *source;
    bool big; /* the file's byte order */
};

/* Values of one tag. */
struct values {
    uint32_t count;
    int bytes;   /* of one */
    uint64_t at; /* in the file */
};

struct tiff {
    uint32_t width, height, bits, compression, samples, format;
    struct values offsets, counts;
    bool has_next;
};

static bool number(const struct reader *r, uint64_t at, int bytes, uint32_t *ret)
{
    unsigned char raw[4];
    uint32_t value = 0;

    if (oph__source_fetch(r->source, at, raw, (size_t)bytes) != (size_t)bytes) return false;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | raw[r->big ? i : bytes - 1 - i];
    *ret = value;
    return true;
}

static bool value_of(const struct reader *r, const struct values *values, uint32_t i, uint32_t *ret)
{
    return i < values->count &&
           number(r, values->at + (uint64_t)i * (unsigned)values->bytes, values->bytes, ret);
}

/* False: it does not say, or the file ends. */
static bool read_entry(const struct reader *r, uint64_t at, uint32_t *ret_tag, struct values *ret)
{
    uint32_t type, count, where;

    if (!number(r, at, 2, ret_tag) || !number(r, at + 2, 2, &type) || !number(r, at + 4, 4, &count))
        return false;
    *ret = (struct values){.count = count, .bytes = type == TYPE_SHORT ? 2 : 4, .at = at + 8};
    if (type != TYPE_SHORT && type != TYPE_LONG) ret->count = 0; /* not one that matters */
    if ((uint64_t)ret->count * (unsigned)ret->bytes <= 4) return true;
    if (!number(r, at + 8, 4, &where)) return false;
    ret->at = where;
    return true;
}

static bool take_entry(const struct reader *r, uint32_t tag, const struct values *values,
                       struct tiff *tiff)
{
    switch (tag) {
    case TAG_WIDTH: return value_of(r, values, 0, &tiff->width);
    case TAG_HEIGHT: return value_of(r, values, 0, &tiff->height);
    case TAG_BITS: return value_of(r, values, 0, &tiff->bits);
    case TAG_COMPRESSION: return value_of(r, values, 0, &tiff->compression);
    case TAG_SAMPLES: return value_of(r, values, 0, &tiff->samples);
    case TAG_FORMAT: return value_of(r, values, 0, &tiff->format);
    case TAG_OFFSETS: tiff->offsets = *values; return true;
    case TAG_COUNTS: tiff->counts = *values; return true;
    default: return true;
    }
}

/* False: the file ends within it. */
static bool read_directory(const struct reader *r, struct tiff *tiff)
{
    uint32_t at, count, tag, next;
    struct values values;

    if (!number(r, 4, 4, &at) || at < HEADER || !number(r, at, 2, &count) || count > MOST_ENTRIES)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!read_entry(r, at + 2 + (uint64_t)i * ENTRY, &tag, &values) ||
            !take_entry(r, tag, &values, tiff))
            return false;
    if (!number(r, at + 2 + (uint64_t)count * ENTRY, 4, &next)) return false;
    tiff->has_next = next != 0;
    return true;
}

static enum oph_dtype dtype_of(const struct tiff *tiff)
{
    enum { UNSIGNED = 1, SIGNED = 2, FLOAT = 3 };
    static const struct {
        uint32_t bits, format;
        enum oph_dtype dtype;
    } types[] = {
        {8, UNSIGNED, OPH_UINT8},   {8, SIGNED, OPH_INT8},      {16, UNSIGNED, OPH_UINT16},
        {16, SIGNED, OPH_INT16},    {32, UNSIGNED, OPH_UINT32}, {32, SIGNED, OPH_INT32},
        {64, UNSIGNED, OPH_UINT64}, {64, SIGNED, OPH_INT64},    {32, FLOAT, OPH_FLOAT32},
        {64, FLOAT, OPH_FLOAT64},
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].bits == tiff->bits && types[i].format == tiff->format) return types[i].dtype;
    return OPH_NONE;
}

/* Where the strips begin; false: they do not follow each other, or are not that many bytes. */
static bool find_pixels(const struct reader *r, const struct tiff *tiff, uint64_t bytes,
                        uint64_t *ret)
{
    uint32_t first = 0, at, count;
    uint64_t total = 0;

    if (tiff->offsets.count == 0 || tiff->offsets.count != tiff->counts.count ||
        tiff->offsets.count > tiff->height)
        return false;
    for (uint32_t i = 0; i < tiff->offsets.count; i++) {
        if (!value_of(r, &tiff->offsets, i, &at) || !value_of(r, &tiff->counts, i, &count))
            return false;
        if (i == 0) first = at;
        if (!count || at != first + total || count > bytes - total) return false;
        total += count;
    }
    *ret = first;
    return total == bytes;
}

enum oph__h5_seen oph__tiff_look(const struct oph__source *source, struct oph__image *ret,
                                 char *found, size_t size)
{
    unsigned char head[2] = {0};
    struct reader r = {.source = source};
    struct tiff tiff = {.bits = 1, .compression = 1, .samples = 1, .format = 1};
    struct oph__image image;
    uint64_t address;

    oph__source_fetch(source, 0, head, sizeof head);
    r.big = head[0] == 'M';
    if (!read_directory(&r, &tiff)) return oph__flat_busy(found, size);
    if (tiff.has_next) return oph__flat_broken(found, size, "a TIFF file of several images");
    if (tiff.compression != 1 || tiff.samples != 1)
        return oph__flat_broken(found, size,
                                "a TIFF file of %u colours, compression %u: only plain ones of one "
                                "are read",
                                tiff.samples, tiff.compression);
    enum oph_dtype dtype = dtype_of(&tiff);
    if (dtype == OPH_NONE)
        return oph__flat_broken(found, size, "a TIFF file with pixels of %u bits, format %u",
                                tiff.bits, tiff.format);
    if (!oph__flat_image(dtype, tiff.height, tiff.width, 0, 0, &image))
        return oph__flat_broken(found, size, "a damaged TIFF file: %u rows of %u pixels",
                                tiff.height, tiff.width);
    if (image.frame_bytes > (uint64_t)source->stat.st_size) return oph__flat_busy(found, size);
    if (!find_pixels(&r, &tiff, image.frame_bytes, &address))
        return oph__flat_broken(found, size,
                                "a TIFF file whose strips are damaged or do not follow each other");
    if (address + image.frame_bytes > (uint64_t)source->stat.st_size)
        return oph__flat_busy(found, size);
    image.address = address;
    image.stored_bytes = image.frame_bytes;
    image.swapped = r.big != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) && image.item_bytes > 1;
    *ret = image;
    return OPH__H5_READY;
}
