/* Files of the simulator's HDF1 with each compression and chunking, pixel by pixel. What is packed
 * by filters that HDF5 itself lacks is unpacked here, by the format's description alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef OPH_HAVE_BLOSC
#include <blosc.h>
#endif
#include <epicsUnitTest.h>
#include <hdf5.h>
#include <lz4.h>

#include "lib/probe.h"
#include "lib/sim.h"

enum { COLS = 61, ROWS = 47, PIXELS = COLS * ROWS, FRAMES = 3 }; /* not whole groups of eight */
enum { BLOSC = 32001, LZ4 = 32004, BSLZ4 = 32008 };

static char folder[] = "/tmp/cophyd-compression-XXXXXX";
static int id; /* of the latest frame */

static unsigned long big(const unsigned char *at, int bytes)
{
    unsigned long value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* Blocks of LZ4, or as they are where they did not shrink. */
static int unpack_lz4(const unsigned char *in, size_t in_size, unsigned char *out, size_t size)
{
    const unsigned char *end = in + in_size;
    size_t block = big(in + 8, 4);
    if (big(in, 8) != size) return -1;
    for (in += 12; size > 0;) {
        size_t packed = big(in, 4), raw = size < block ? size : block;
        in += 4;
        if (packed > (size_t)(end - in)) return -1;
        if (packed == raw)
            memcpy(out, in, raw);
        else if (LZ4_decompress_safe((const char *)in, (char *)out, (int)packed, (int)raw) !=
                 (int)raw)
            return -1;
        in += packed;
        out += raw;
        size -= raw;
    }
    return in == end ? 0 : -1;
}

/* Bit b of element i is bit i of row b. */
static void unshuffle(const unsigned char *in, size_t count, size_t element, unsigned char *out)
{
    memset(out, 0, count * element);
    for (size_t bit = 0; bit < 8 * element; bit++)
        for (size_t i = 0; i < count; i++)
            if (in[bit * count / 8 + i / 8] >> (i % 8) & 1)
                out[i * element + bit / 8] |= (unsigned char)(1u << (bit % 8));
}

static int unpack_bslz4(const unsigned char *in, size_t in_size, size_t element, unsigned char *out,
                        size_t size)
{
    const unsigned char *end = in + in_size;
    static unsigned char bits[1 << 16];
    size_t block = big(in + 8, 4) / element, left = size / element;
    if (big(in, 8) != size || block * element > sizeof bits || block % 8 != 0) return -1;
    for (in += 12; left >= 8;) {
        size_t packed = big(in, 4), count = left < block ? left / 8 * 8 : block;
        in += 4;
        if (packed > (size_t)(end - in) ||
            LZ4_decompress_safe((const char *)in, (char *)bits, (int)packed,
                                (int)(count * element)) != (int)(count * element))
            return -1;
        unshuffle(bits, count, element, out);
        in += packed;
        out += count * element;
        left -= count;
    }
    memcpy(out, in, left * element);
    return in + left * element == end ? 0 : -1;
}

static int unpack_blosc(const unsigned char *in, size_t in_size, unsigned char *out, size_t size)
{
#ifdef OPH_HAVE_BLOSC
    size_t found = 0;
    if (blosc_cbuffer_validate(in, in_size, &found) != 0 || found != size) return -1;
    return blosc_decompress_ctx(in, out, size, 1) == (int)size ? 0 : -1;
#else
    (void)in, (void)in_size, (void)out, (void)size;
    return -1;
#endif
}

static int filter_of(hid_t data, unsigned values[8])
{
    unsigned flags = 0, config = 0;
    size_t count = 8;
    hid_t plist = H5Dget_create_plist(data);
    int filter = H5Pget_nfilters(plist) == 0
                     ? 0
                     : H5Pget_filter2(plist, 0, &flags, &count, values, 0, NULL, &config);
    H5Pclose(plist);
    return filter;
}

/* The chunk at this place, whole. */
static int read_chunk(hid_t data, const hsize_t at[3], const hsize_t chunk[3], int *pixels)
{
    unsigned values[8] = {0};
    unsigned mask = 0;
    hsize_t stored = 0;
    size_t size = chunk[0] * chunk[1] * chunk[2] * sizeof *pixels;
    int filter = filter_of(data, values), rc = -1;
    if (H5Dget_chunk_storage_size(data, at, &stored) < 0 || stored == 0) return -1;
    unsigned char *packed = malloc(stored);
    if (packed && H5Dread_chunk(data, H5P_DEFAULT, at, &mask, packed) >= 0 && mask == 0)
        rc = filter == LZ4 ? unpack_lz4(packed, stored, (unsigned char *)pixels, size)
             : filter == BSLZ4
                 ? unpack_bslz4(packed, stored, values[2], (unsigned char *)pixels, size)
             : filter == BLOSC ? unpack_blosc(packed, stored, (unsigned char *)pixels, size)
                               : -1;
    free(packed);
    return rc;
}

static int read_by_chunks(hid_t data, int *pixels)
{
    hsize_t chunk[3], at[3];
    hid_t plist = H5Dget_create_plist(data);
    int rank = H5Pget_chunk(plist, 3, chunk);
    H5Pclose(plist);
    int *one = rank == 3 ? malloc(chunk[0] * chunk[1] * chunk[2] * sizeof *one) : NULL;
    int rc = one ? 0 : -1;
    for (at[0] = 0; at[0] < FRAMES; at[0] += chunk[0])
        for (at[1] = 0; at[1] < ROWS; at[1] += chunk[1])
            for (at[2] = 0; at[2] < COLS && rc == 0; at[2] += chunk[2]) {
                rc = read_chunk(data, at, chunk, one);
                for (hsize_t i = 0; rc == 0 && i < chunk[0] * chunk[1] * chunk[2]; i++) {
                    hsize_t f = at[0] + i / chunk[2] / chunk[1],
                            y = at[1] + i / chunk[2] % chunk[1], x = at[2] + i % chunk[2];
                    if (f < FRAMES && y < ROWS && x < COLS)
                        pixels[(f * ROWS + y) * COLS + x] = one[i];
                }
            }
    free(one);
    return rc;
}

/* The latest FRAMES frames are in the file, and it was packed so. */
static void holds(const char *what, const char *name, int filter)
{
    static int pixels[FRAMES * PIXELS];
    char path[100];
    unsigned values[8];
    int wrong = 0, first = id - FRAMES + 1;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t data = file < 0 ? -1 : H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    testOk(data >= 0, "%s: there is data", what);
    if (data < 0) return;
    testOk(filter_of(data, values) == filter, "%s: filter %d", what, filter);
    memset(pixels, 0, sizeof pixels);
    int rc = filter > 256 ? read_by_chunks(data, pixels)
                          : H5Dread(data, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, pixels);
    for (int i = 0; i < FRAMES * PIXELS; i++)
        wrong += pixels[i] !=
                 (7919 * (first + i / PIXELS) + 2500 * (i % PIXELS / COLS) + i % COLS) % 1048576;
    testOk(rc >= 0 && wrong == 0, "%s: %d pixels are wrong", what, wrong);
    H5Dclose(data);
    H5Fclose(file);
}

static int file_number;

static void capture(struct probe *p, const char *what, int filter)
{
    char name[40];
    snprintf(name, sizeof name, "c_%03d.h5", file_number++);
    testOk(probe_put(p, "HDF1:Capture", "1") == 0, "%s: Capture is sent", what);
    testOk(probe_until(p, "HDF1:Capture_RBV", "Capturing", 5) == 0, "%s: and on", what);
    testOk(probe_put_complete(p, "cam1:Acquire", "1", 20) == 0, "%s: acquired", what);
    id += FRAMES;
    testOk(probe_until(p, "HDF1:Capture_RBV", "Done", 10) == 0, "%s: captured", what);
    probe_is(p, "HDF1:WriteStatus", "Write OK");
    holds(what, name, filter);
}

static void set_up(struct probe *p)
{
    probe_set(p, "cam1:AcquireTime", "0.001");
    probe_set(p, "cam1:AcquirePeriod", "0.002");
    probe_set(p, "cam1:NumImages", "3");
    probe_set(p, "cam1:WaitForPlugins", "Yes");
    probe_set(p, "HDF1:EnableCallbacks", "Enable");
    probe_set(p, "HDF1:FilePath", folder);
    probe_set(p, "HDF1:FileName", "c");
    probe_set(p, "HDF1:FileTemplate", "%s%s_%3.3d.h5");
    probe_set(p, "HDF1:AutoIncrement", "Yes");
    probe_set(p, "HDF1:AutoSave", "Yes");
    probe_set(p, "HDF1:FileWriteMode", "Stream");
    probe_set(p, "HDF1:LazyOpen", "Yes");
    probe_set(p, "HDF1:NumCapture", "3");
    probe_set(p, "HDF1:NumDataBits", "21");
}

static void compression(struct probe *p, const char *label, int filter)
{
    probe_set(p, "HDF1:Compression", label);
    testOk(probe_until(p, "HDF1:Compression_RBV", label, 5) == 0, "%s is taken", label);
    capture(p, label, filter);
}

static void all(struct probe *p)
{
    compression(p, "None", 0);
    compression(p, "zlib", H5Z_FILTER_DEFLATE);
    compression(p, "szip", H5Z_FILTER_SZIP);
    compression(p, "N-bit", H5Z_FILTER_NBIT);
    compression(p, "LZ4", LZ4);
    compression(p, "BSLZ4", BSLZ4);
    probe_set(p, "HDF1:Compression", "JPEG");
    testOk(probe_until(p, "HDF1:Compression_RBV", "None", 5) == 0, "JPEG falls back");
}

#ifdef OPH_HAVE_BLOSC
static void blosc(struct probe *p)
{
    static const char *const compressors[] = {"BloscLZ", "LZ4", "LZ4HC", "ZLIB", "ZSTD"};
    static const char *const shuffles[] = {"None", "Byte", "Bit"};
    for (int i = 0; i < 5; i++) {
        probe_set(p, "HDF1:BloscCompressor", compressors[i]);
        compression(p, "Blosc", BLOSC);
    }
    for (int i = 0; i < 3; i++) {
        probe_set(p, "HDF1:BloscShuffle", shuffles[i]);
        compression(p, "Blosc", BLOSC);
    }
}
#endif

static void chunks(struct probe *p)
{
    probe_set(p, "HDF1:NumFramesChunks", "2");
    compression(p, "LZ4", LZ4);
    compression(p, "BSLZ4", BSLZ4);
    probe_set(p, "HDF1:ChunkSizeAuto", "No");
    probe_set(p, "HDF1:NumRowChunks", "10");
    probe_set(p, "HDF1:NumColChunks", "1000");
    compression(p, "BSLZ4", BSLZ4);
    probe_is(p, "HDF1:NumRowChunks_RBV", "10");
    probe_is(p, "HDF1:NumColChunks_RBV", "61"); /* made to fit */
    probe_set(p, "HDF1:NumColChunks", "9");
    compression(p, "LZ4", LZ4);
    compression(p, "zlib", H5Z_FILTER_DEFLATE);
}

static void modes(struct probe *p)
{
    probe_set(p, "HDF1:FileWriteMode", "Capture");
    compression(p, "BSLZ4", BSLZ4);
    probe_set(p, "HDF1:FileWriteMode", "Stream");
    probe_set(p, "HDF1:SWMRMode", "On");
    compression(p, "LZ4", LZ4);
    probe_is(p, "HDF1:SWMRActive_RBV", "Off");
}

int main(void)
{
    char command[64];
    if (!mkdtemp(folder)) testAbort("no folder");
    testPlan(0);
    struct sim *sim =
        sim_start((const char *const[]){"--size", "61x47", "--instant", "--raw", folder, NULL});
    struct probe *p = probe_new("Pilatus:");
    set_up(p);
    all(p);
#ifdef OPH_HAVE_BLOSC
    blosc(p);
#endif
    chunks(p);
    modes(p);
    probe_free(p);
    testOk(sim_stop(sim) == 0, "it ends");
    snprintf(command, sizeof command, "rm -r %s", folder);
    testOk(system(command) == 0, "the files are removed");
    return testDone();
}
