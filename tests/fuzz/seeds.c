/* Writes the seeds that are no text: seeds FOLDER makes FOLDER/TARGET/NAME. They are what the
 * project's own writers make, of few pixels. */
#include "core/journal_text.h"
#include "fuzz/fuzz.h"
#include "h5/h5.h"
#include "lib/h5_write.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef OPH_HAVE_BLOSC
#include <blosc.h>
#endif
#ifdef OPH_HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

enum { BYTES = 512 };

static const char *folder;

static void save(const char *target, const char *name, const void *head, size_t head_size,
                 const void *bytes, size_t size)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    fuzz_claim(fd >= 0 && write(fd, head, head_size) == (ssize_t)head_size &&
                   write(fd, bytes, size) == (ssize_t)size,
               "%s can be written", path);
    close(fd);
}

static void fill(unsigned char *pixels)
{
    for (size_t i = 0; i < BYTES; i++)
        pixels[i] = (unsigned char)(i % 4 ? i / 100 : i % 23);
}

/* codecs.c: item, shuffle, codec, block, skipped, size; then the chunk. */
static void save_chunk(const char *name, unsigned char shuffle, unsigned char codec, unsigned block,
                       const void *chunk, size_t size)
{
    const unsigned char head[] = {
        2, shuffle,    codec,      (unsigned char)(block >> 8), (unsigned char)block,
        0, BYTES >> 8, BYTES & 255};

    save("codecs", name, head, sizeof head, chunk, size);
}

static void save_codecs(void)
{
    unsigned char pixels[BYTES];
    size_t size;

    fill(pixels);
    for (unsigned block = 64; block <= 1024; block *= 4) {
        char name[32];
        unsigned char *chunk = h5_lz4_encode(pixels, BYTES, block, &size);
        snprintf(name, sizeof name, "lz4_%u", block);
        save_chunk(name, block == 64, 2, 0, chunk, size);
        free(chunk);
        for (unsigned lz4 = 0; lz4 < 2; lz4++) {
            chunk = h5_bitshuffle_encode(pixels, BYTES, 4, block / 4, lz4, &size);
            snprintf(name, sizeof name, "bitshuffle_%u_%u", block, lz4);
            save_chunk(name, 0, 3, (block / 4) << 1 | lz4, chunk, size);
            free(chunk);
        }
    }
#ifdef OPH_HAVE_BLOSC
    static const char *const codecs[] = {"blosclz", "lz4", "lz4hc", "zlib", "zstd", "snappy"};
    for (size_t i = 0; i < 3 * sizeof codecs / sizeof codecs[0]; i++) {
        unsigned char chunk[BYTES + BLOSC_MAX_OVERHEAD];
        char name[32];
        int packed = blosc_compress_ctx(5, (int)i % 3, 4, BYTES, pixels, chunk, sizeof chunk,
                                        codecs[i / 3], i % 2 ? 128 : 0, 1);
        snprintf(name, sizeof name, "blosc_%s_%zu", codecs[i / 3], i % 3);
        if (packed > 0) save_chunk(name, 0, 1, 0, chunk, (size_t)packed);
    }
#endif
#ifdef OPH_HAVE_LIBDEFLATE
    unsigned char chunk[2 * BYTES];
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
    size = libdeflate_zlib_compress(compressor, pixels, BYTES, chunk, sizeof chunk);
    save_chunk("deflate", 0, 0, 0, chunk, size);
    save_chunk("deflate_shuffled", 1, 0, 0, chunk, size);
    libdeflate_free_compressor(compressor);
#endif
    unsigned char steps[BYTES / 4 + 8] = {1, 2, 0x80, 0, 1, 0x80, 0, 0x80, 0, 0, 1, 0, 0xFF, 3};
    save_chunk("cbf", 0, 4, 0, steps, sizeof steps);
}

/* A little-endian TIFF of 4 x 3 int32 in one strip, and the other byte order with two. */
static void save_tiff(bool big)
{
    struct tag {
        unsigned tag, type, count, value;
    };
    const struct tag one[] = {{256, 4, 1, 4},   {257, 4, 1, 3}, {258, 3, 1, 32}, {259, 3, 1, 1},
                              {273, 4, 1, 150}, {277, 3, 1, 1}, {279, 4, 1, 48}, {339, 3, 1, 2}};
    const struct tag two[] = {{256, 3, 1, 4},   {257, 3, 1, 2}, {258, 3, 1, 16},  {259, 3, 1, 1},
                              {273, 4, 2, 110}, {278, 3, 1, 1}, {279, 4, 2, 118}, {339, 3, 1, 1}};
    const struct tag *tags = big ? two : one;
    unsigned char file[256] = {0};

#define PUT(at, value, bytes)                                                                      \
    for (unsigned k = 0; k < (bytes); k++)                                                         \
    file[(at) + (big ? (bytes)-1 - k : k)] = (unsigned char)((unsigned)(value) >> 8 * k)
    memcpy(file, big ? "MM" : "II", 2);
    PUT(2, 42, 2);
    PUT(4, 8, 4);
    PUT(8, 8, 2);
    for (unsigned i = 0; i < 8; i++) {
        PUT(10 + 12 * i, tags[i].tag, 2);
        PUT(12 + 12 * i, tags[i].type, 2);
        PUT(14 + 12 * i, tags[i].count, 4);
        PUT(18 + 12 * i, tags[i].value, (tags[i].type == 3 ? 2 : 4));
    }
    if (big) {
        PUT(110, 150, 4);
        PUT(114, 158, 4);
        PUT(118, 8, 4);
        PUT(122, 8, 4);
    }
#undef PUT
    for (unsigned i = 150; i < 198; i++)
        file[i] = (unsigned char)i;
    save("flat", big ? "big.tiff" : "little.tiff", "", 0, file, big ? 166 : 198);
}

static void save_cbf(void)
{
    static const char header[] = "###CBF: VERSION 1.5\r\n"
                                 "_array_data.data\r\n;\r\n"
                                 "--CIF-BINARY-FORMAT-SECTION--\r\n"
                                 "Content-Type: application/octet-stream;\r\n"
                                 "     conversions=\"x-CBF_BYTE_OFFSET\"\r\n"
                                 "Content-Transfer-Encoding: BINARY\r\n"
                                 "X-Binary-Size: 16\r\n"
                                 "X-Binary-ID: 1\r\n"
                                 "X-Binary-Element-Type: \"signed 32-bit integer\"\r\n"
                                 "X-Binary-Element-Byte-Order: LITTLE_ENDIAN\r\n"
                                 "X-Binary-Number-of-Elements: 6\r\n"
                                 "X-Binary-Size-Fastest-Dimension: 3\r\n"
                                 "X-Binary-Size-Second-Dimension: 2\r\n"
                                 "X-Binary-Size-Padding: 0\r\n\r\n\x0C\x1A\x04\xD5";
    static const unsigned char steps[] = {5, 0x80, 0, 1, 0x80, 0, 0x80, 0, 0, 1, 0, 0xFF, 3, 1};

    save("flat", "image.cbf", header, sizeof header - 1, steps, sizeof steps);
}

static void save_journal(void)
{
    static const struct oph__process process = {
        .pid = 4711, .start = 99, .space = 4026531836, .boot = "4f1c-22", .program = "a \"b\""};
    const struct oph__journal_head head = {.uid = 1000,
                                           .host = "bl7",
                                           .staged_by = process,
                                           .held_by = process,
                                           .since = 1700000000,
                                           .device = "det",
                                           .prefix = "Pilatus:",
                                           .server = "127.0.0.1:5064"};
    static const struct oph__chan_info info = {.label_count = 2, .labels = {"Single", "\"Multi\""}};
    struct oph__buf text = {0};
    unsigned char data[4 * OPH__STRING_BYTES] = "ab\"\\\n";
    size_t count = 0;

    oph__journal_text_begin(&text, &head);
    for (int32_t dtype = OPH_INT8; dtype <= OPH_ENUM; dtype++, count++) {
        struct oph_value value = {.dtype = dtype, .count = 1 + count % 3, .data = data};
        struct oph__record record = {.device = "det.cam",
                                     .attr = "size.size_x",
                                     .pv = "Pilatus:cam1:SizeX",
                                     .readback = count % 2 ? "Pilatus:cam1:SizeX_RBV" : "",
                                     .busy = "",
                                     .server = "127.0.0.1:5064",
                                     .how = (enum oph__how)(count % 5),
                                     .type = (enum oph__rowtype)(count % 6),
                                     .counter = count & 1,
                                     .moves = count & 2,
                                     .starts = count & 4,
                                     .slow = 96.5,
                                     .text = "1",
                                     .staged = value,
                                     .set = value,
                                     .read = value,
                                     .later = &value,
                                     .later_count = count % 2,
                                     .info = &info};
        oph__journal_text_add(&text, &record);
    }
    oph__journal_text_end(&text, count);
    save("journal", "all_types", "", 0, text.text, text.len);
    oph__buf_free(&text);
}

int main(int argc, char **argv)
{
    fuzz_claim(argc == 2, "one argument, a folder");
    folder = argv[1];
    mkdir(folder, 0777);
    save_codecs();
    save_tiff(false);
    save_tiff(true);
    save_cbf();
    save_journal();
    return 0;
}
