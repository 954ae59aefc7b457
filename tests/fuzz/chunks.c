/* Frames of files whose index of chunks says anything: where chunks are, how long they are, and
 * which filters they passed. The calls of libhdf5 that tell it are this file's own. */
#include "fuzz/fuzz.h"
#include "h5/h5.h"
#include "lib/h5_test.h"
#include "lib/h5_write.h"

#include <stdlib.h>
#include <string.h>

enum { FRAMES = 6, ROWS = 16, COLS = 20, ITEMS = FRAMES * ROWS * COLS, CHUNKS = 12 };

/* What the index says of a chunk. */
struct entry {
    enum { IS_THERE, IS_HOLE, IS_LOST } is;
    uint64_t address, size;
    uint32_t skipped;
};
static struct entry entries[CHUNKS];
static oph_frames *asked; /* whose */

static const struct entry *entry_at(const hsize_t *at)
{
    return &entries[(at[0] * 2 + at[1] / (ROWS / 2)) % CHUNKS];
}

herr_t H5Dread_chunk(hid_t dataset, hid_t plist, const hsize_t *at, uint32_t *skipped, void *to)
{
    const struct entry *entry = entry_at(at);

    (void)dataset, (void)plist, (void)to;
    if (entry->is != IS_THERE) return -1;
    *skipped = entry->skipped;
    asked->source.place->address = entry->address;
    asked->source.place->size = entry->size;
    return 0;
}

herr_t H5Dget_chunk_info_by_coord(hid_t dataset, const hsize_t *at, unsigned *mask,
                                  haddr_t *address, hsize_t *size)
{
    const struct entry *entry = entry_at(at);

    (void)dataset, (void)mask, (void)size;
    *address = HADDR_UNDEF;
    return entry->is == IS_HOLE ? 0 : -1;
}

enum { FILES = 5 };
static oph_frames *files[FILES];
static uint64_t sizes[FILES];

static void make_files(void)
{
    struct h5_options options[FILES] = {{.deflate = 1, .shuffle = true},
                                        {.lz4 = 256},
                                        {.bitshuffle = 2, .block = 64},
                                        {.blosc = "lz4", .blosc_shuffle = 1},
                                        {0}};
    int32_t pixels[ITEMS];
    oph_error err = OPH_ERROR_INIT;

    for (int i = 0; i < ITEMS; i++)
        pixels[i] = i % 7 ? i % 50 : i * 12345;
    for (int i = 0; i < FILES; i++) {
        const char name[] = {(char)('a' + i), '\0'}, *path = h5_test_path(name);
        struct h5_options *o = &options[i];
        o->type = o->memory = H5T_NATIVE_INT32;
        o->rank = 3;
        memcpy(o->dims, (hsize_t[]){FRAMES, ROWS, COLS}, 3 * sizeof(hsize_t));
        memcpy(o->chunk, (hsize_t[]){1, ROWS / 2, COLS}, 3 * sizeof(hsize_t));
        fuzz_claim(h5_write(path, o, pixels), "file %d is written", i);
        fuzz_claim(oph_frames_open(path, NULL, 0, &files[i], &err) == 0, "it is open: %s",
                   err.text);
        oph_frames_set_threads(files[i], 1, NULL);
        sizes[i] = (uint64_t)files[i]->source.stat.st_size;
    }
    h5_test_cleanup();
}

/* Mostly what might be. */
static void take_index(struct fuzz_in *in, uint64_t file_size)
{
    for (int i = 0; i < CHUNKS; i++) {
        uint8_t how = (uint8_t)fuzz_number(in, 1);
        struct entry *entry = &entries[i];
        *entry = (struct entry){.is = how & 0x80 ? how & 0x40 ? IS_HOLE : IS_LOST : IS_THERE};
        entry->address = how & 0x20 ? fuzz_number(in, 8) : fuzz_below(in, file_size);
        entry->size = how & 0x10 ? fuzz_number(in, 8) : fuzz_below(in, 2048);
        entry->skipped = how & 0x08 ? (uint32_t)fuzz_number(in, 4) : 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int32_t frame[ROWS * COLS], part[ROWS * COLS];
    struct fuzz_in in = {data, size};

    if (!files[0]) make_files();
    const int which = (int)fuzz_below(&in, FILES);
    const int64_t from[] = {(int64_t)fuzz_below(&in, ROWS), (int64_t)fuzz_below(&in, COLS)};
    asked = files[which];
    take_index(&in, sizes[which]);
    for (int64_t i = 0; i < FRAMES; i++) {
        const int64_t some[] = {ROWS - from[0], COLS - from[1]};
        oph_error err = OPH_ERROR_INIT;
        int rc = oph_frames_read(asked, i, 1, frame, sizeof frame, &err);
        fuzz_claim(rc == 0 || (rc == OPH_EFILE && strstr(err.text, "frame ")),
                   "an error has a sentence: %s", err.text);
        int other = oph_frames_read_region(asked, i, 1, from, some, part, sizeof part, NULL);
        fuzz_claim(rc || !other, "a part of a frame that is read is read");
        for (int64_t y = 0; rc == 0 && y < some[0]; y++)
            fuzz_claim(memcmp(&part[y * some[1]], &frame[(y + from[0]) * COLS + from[1]],
                              (size_t)some[1] * sizeof *part) == 0,
                       "row %lld of the part is the frame's", (long long)y);
    }
    return 0;
}
