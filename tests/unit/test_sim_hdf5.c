/* The simulator's HDF5 files: what NDFileHDF5 would have written, and readable as they should be.
 */
#include "sim/hdf5_blosc.c"
#include "sim/hdf5_bslz4.c"
#include "sim/hdf5_file.c"
#include "sim/hdf5_filters.c"
#include "sim/hdf5_layout.c"
#include "sim/hdf5_lz4.c"

#include "lib/h5_test.h"

#include <epicsUnitTest.h>

enum { ROWS = 6, COLS = 10, PIXELS = ROWS * COLS };

static const struct sim_hdf5_options plain = {.dtype = 4, .rows = ROWS, .cols = COLS, .zlevel = 6};

static void make_pixels(int32_t *pixels, int frame)
{
    for (int i = 0; i < PIXELS; i++)
        pixels[i] = frame * 1000 + i;
}

static struct sim_hdf5 *start(const char *path, const struct sim_hdf5_options *options)
{
    char why[200] = "";
    struct sim_hdf5 *file = NULL;

    if (sim_hdf5_create(path, options, &file, why, sizeof why)) testDiag("%s", why);
    return file;
}

static bool add(struct sim_hdf5 *file, int frame)
{
    int32_t pixels[PIXELS];
    char why[200] = "";
    struct sim_hdf5_frame f = {.pixels = pixels,
                               .unique_id = 100 + frame,
                               .timestamp = 0.5 + frame,
                               .epics_sec = 4000000000u + (unsigned)frame,
                               .epics_nsec = 7u * (unsigned)frame};

    make_pixels(pixels, frame);
    bool ok = file && sim_hdf5_append(file, &f, why, sizeof why) == 0;
    if (!ok) testDiag("%s", why);
    return ok;
}

static bool end(struct sim_hdf5 *file)
{
    char why[200];

    return file && sim_hdf5_close(file, why, sizeof why) == 0;
}

/* The library's reader finds `count` frames, and these pixels. */
static bool reads(oph_frames *frames, int count)
{
    oph_frames_info info = {.size = sizeof info};
    int32_t want[PIXELS], got[PIXELS];
    oph_error err = OPH_ERROR_INIT;
    bool ok = frames && oph_frames_describe(frames, &info, &err) == 0 && info.rank == 3 &&
              info.shape[0] == count && info.shape[1] == ROWS && info.shape[2] == COLS;

    for (int i = 0; ok && i < count; i++) {
        make_pixels(want, i);
        ok = oph_frames_read(frames, i, 1, got, sizeof got, &err) == 0 &&
             memcmp(want, got, sizeof got) == 0;
    }
    if (!ok) testDiag("%lld frames: %s", (long long)info.shape[0], err.text);
    return ok;
}

static void test_compression(const char *name, struct sim_hdf5_options options, const char *filters)
{
    const char *path = h5_test_path("sim.h5");
    oph_frames_info info = {.size = sizeof info};
    struct sim_hdf5 *file = start(path, &options);

    bool written = add(file, 0) && add(file, 1) && add(file, 2) && end(file);
    oph_frames *frames = h5_test_open(path, NULL);
    testOk(written && reads(frames, 3) && oph_frames_describe(frames, &info, NULL) == 0 &&
               strcmp(info.filters, filters) == 0 && info.dtype == OPH_INT32,
           "%s", name);
    oph_frames_free(frames);
}

/* The text of an attribute, or what is wrong with it. Valid until the next. */
static const char *text_of(hid_t file, const char *object, const char *name)
{
    static char text[100];
    hid_t attribute = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;

    if (type < 0 || H5Tget_class(type) != H5T_STRING || H5Tget_size(type) >= sizeof text)
        return "no such text";
    memset(text, 0, sizeof text);
    H5Aread(attribute, type, text);
    H5Tclose(type);
    H5Aclose(attribute);
    return text;
}

static bool is_class(hid_t file, const char *group, const char *class)
{
    return strcmp(text_of(file, group, "NX_class"), class) == 0;
}

static void test_layout(void)
{
    const char *path = h5_test_path("layout.h5");
    struct sim_hdf5_options options = plain;
    int signal = 0;

    options.store_attributes = true;
    struct sim_hdf5 *written = start(path, &options);
    testOk1(add(written, 0) && add(written, 1) && end(written));
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    testOk1(is_class(file, "/entry", "NXentry"));
    testOk1(is_class(file, "/entry/data", "NXdata"));
    testOk1(is_class(file, "/entry/instrument", "NXinstrument"));
    testOk1(is_class(file, "/entry/instrument/detector", "NXdetector"));
    testOk1(is_class(file, "/entry/instrument/NDAttributes", "NXcollection"));
    testOk1(is_class(file, "/entry/instrument/detector/NDAttributes", "NXcollection"));

    H5L_info_t link;
    testOk(H5Lget_info(file, "/entry/data/data", &link, H5P_DEFAULT) >= 0 &&
               link.type == H5L_TYPE_HARD && is_class(file, "/entry/data/data", "SDS") &&
               is_class(file, "/entry/instrument/detector/data", "SDS"),
           "the data has two names");
    hid_t attribute = H5Aopen_by_name(file, "/entry/data/data", "signal", H5P_DEFAULT, H5P_DEFAULT);
    testOk1(H5Aread(attribute, H5T_NATIVE_INT, &signal) >= 0 && signal == 1);
    H5Aclose(attribute);

    hid_t data = H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    hid_t space = H5Dget_space(data), plist = H5Dget_create_plist(data);
    hsize_t dims[3], most[3], chunk[3];
    testOk1(H5Sget_simple_extent_dims(space, dims, most) == 3 && dims[0] == 2 && dims[1] == ROWS &&
            dims[2] == COLS && most[0] == H5S_UNLIMITED && most[1] == ROWS);
    testOk1(H5Pget_chunk(plist, 3, chunk) == 3 && chunk[0] == 1 && chunk[1] == ROWS &&
            chunk[2] == COLS);
    H5Pclose(plist);
    H5Sclose(space);
    H5Dclose(data);

    const char *const folder = "/entry/instrument/NDAttributes";
    double want[ATTRIBUTES][2] = {{100, 101}, {0.5, 1.5}, {4000000000., 4000000001.}, {0, 7}},
           got[2];
    for (int i = 0; i < ATTRIBUTES; i++) {
        hid_t group = H5Gopen2(file, folder, H5P_DEFAULT);
        hid_t values = H5Dopen2(group, attribute_names[i].name, H5P_DEFAULT);
        testOk(H5Dread(values, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0 &&
                   got[0] == want[i][0] && got[1] == want[i][1] &&
                   strcmp(text_of(values, ".", "NDAttrName"), attribute_names[i].name) == 0 &&
                   strcmp(text_of(values, ".", "NDAttrSourceType"), "NDAttrSourceDriver") == 0 &&
                   strcmp(text_of(values, ".", "NDAttrSource"), "Driver") == 0 &&
                   strlen(text_of(values, ".", "NDAttrDescription")) > 0,
               "%s", attribute_names[i].name);
        H5Dclose(values);
        H5Gclose(group);
    }
    H5Fclose(file);
}

static void test_busy(void)
{
    const char *path = h5_test_path("busy.h5");
    struct sim_hdf5 *file = start(path, &plain);
    oph_frames *frames = NULL;
    oph_error err;
    char why[200];

    testOk1(add(file, 0) && sim_hdf5_flush(file, why, sizeof why) == 0);
    testOk1(h5_test_says(oph_frames_open(path, NULL, 0, &frames, &err), OPH_EBUSY, &err,
                         "the IOC still writes this file"));
    testOk1(end(file));
    frames = h5_test_open(path, NULL);
    testOk1(reads(frames, 1));
    file = start(path, &plain);
    testOk(file != NULL, "a reader does not hinder the next file of that name");
    testOk1(add(file, 0) && end(file));
    oph_frames_free(frames);
}

static void test_swmr(int compression)
{
    const char *path = h5_test_path("swmr.h5");
    struct sim_hdf5_options options = plain;
    int32_t got[PIXELS];
    char why[200];
    oph_error err;

    options.swmr = options.store_attributes = true;
    options.compression = compression;
    struct sim_hdf5 *file = start(path, &options);
    oph_frames *frames = h5_test_open(path, NULL);
    testOk(frames && h5_test_says(oph_frames_read(frames, 0, 1, got, sizeof got, &err), OPH_EFILE,
                                  &err, "frame 0|never written"),
           "no frame before the first");
    testOk1(add(file, 0) && add(file, 1) && sim_hdf5_flush(file, why, sizeof why) == 0);
    testOk(reads(frames, 2), "frames appear to a reader");
    testOk1(add(file, 2) && sim_hdf5_flush(file, why, sizeof why) == 0 && reads(frames, 3));
    testOk1(add(file, 3) && end(file));
    testOk(reads(frames, 4), "and after the end");
    oph_frames_free(frames);
}

static void test_refusals(void)
{
    struct sim_hdf5_options options = plain;
    struct sim_hdf5 *file = NULL;
    char why[200] = "";

    testOk1(sim_hdf5_can(SIM_NONE) && !sim_hdf5_can(SIM_JPEG) && !sim_hdf5_can(99));
    options.compression = SIM_JPEG;
    testOk1(sim_hdf5_create(h5_test_path("no.h5"), &options, &file, why, sizeof why) == -1 &&
            strstr(why, "cannot write compression 7") && !file);
    options = plain;
    options.extra = 10;
    testOk1(sim_hdf5_create(h5_test_path("no.h5"), &options, &file, why, sizeof why) == -1 &&
            strstr(why, "at most 9 extra dimensions, found 10"));
    options.extra = 1;
    testOk1(sim_hdf5_create(h5_test_path("no.h5"), &options, &file, why, sizeof why) == -1 &&
            strstr(why, "from size 1 on, found 0"));
    options = plain;
    options.dtype = 10;
    testOk1(sim_hdf5_create(h5_test_path("no.h5"), &options, &file, why, sizeof why) == -1 &&
            strstr(why, "type 10"));
    testOk1(sim_hdf5_create("/nowhere/at/all.h5", &plain, &file, why, sizeof why) == -1 &&
            strstr(why, "/nowhere/at/all.h5"));
}

/* Frames in a grid of 2 x 3, each at its place; the grid grows and has an end. */
static void test_grid(void)
{
    const char *path = h5_test_path("grid.h5");
    struct sim_hdf5_options options = plain;
    static int32_t got[2][3][PIXELS], want[PIXELS];
    struct sim_hdf5_frame frame = {.pixels = want};
    char why[200] = "";
    hsize_t dims[5] = {0}, most[5];
    bool ok = true;

    options.extra = 1;
    options.grid[0] = 3;
    options.grid[1] = 2;
    struct sim_hdf5 *file = start(path, &options);
    for (int i = 0; i < 6; i++)
        ok = ok && add(file, i);
    testOk(ok, "six frames have a place");
    testOk(file && sim_hdf5_append(file, &frame, why, sizeof why) == -1 &&
               strstr(why, "no place for frame 7"),
           "a seventh has none: %s", why);
    testOk1(end(file));
    hid_t read = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t data = H5Dopen2(read, "/entry/data/data", H5P_DEFAULT), space = H5Dget_space(data);
    testOk1(H5Sget_simple_extent_dims(space, dims, most) == 4 && dims[0] == 2 && dims[1] == 3 &&
            dims[2] == ROWS && dims[3] == COLS && most[0] == H5S_UNLIMITED);
    ok = H5Dread(data, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0;
    for (int i = 0; ok && i < 6; i++) {
        make_pixels(want, i);
        ok = memcmp(got[i / 3][i % 3], want, sizeof want) == 0;
    }
    testOk(ok, "all where they belong");
    H5Sclose(space);
    H5Dclose(data);
    H5Fclose(read);
}

/* A frame of one dimension; a chunk that no frame filled; where things lie. */
static void test_shapes(void)
{
    const char *path = h5_test_path("shapes.h5");
    struct sim_hdf5_options options = {.dtype = 4,
                                       .cols = PIXELS,
                                       .chunk_frames = 4,
                                       .fill = 77,
                                       .align = 4096,
                                       .align_threshold = 100,
                                       .attribute_chunk = 5,
                                       .store_attributes = true,
                                       .store_performance = true};
    static int32_t got[3][PIXELS], want[PIXELS];
    double performance[3][PERFORMANCE];
    hsize_t dims[3] = {0}, chunk[3] = {0};
    struct sim_hdf5 *file = start(path, &options);

    testOk1(add(file, 0) && add(file, 1) && add(file, 2) && end(file));
    hid_t read = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t data = H5Dopen2(read, "/entry/data/data", H5P_DEFAULT), space = H5Dget_space(data);
    hid_t plist = H5Dget_create_plist(data);
    testOk1(H5Sget_simple_extent_dims(space, dims, NULL) == 2 && dims[0] == 3 && dims[1] == PIXELS);
    testOk1(H5Dread(data, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, got) >= 0);
    make_pixels(want, 2);
    testOk1(memcmp(got[2], want, sizeof want) == 0);
    testOk1(H5Pget_chunk(plist, 3, chunk) == 2 && chunk[0] == 4 && chunk[1] == PIXELS);
    testOk1(H5Pget_fill_value(plist, H5T_NATIVE_INT32, want) >= 0 && want[0] == 77);
    haddr_t address = HADDR_UNDEF;
    hsize_t bytes = 0;
    unsigned mask = 1;
    const hsize_t first[2] = {0, 0};
    testOk1(H5Dget_chunk_info_by_coord(data, first, &mask, &address, &bytes) >= 0 &&
            address % 4096 == 0);
    H5Pclose(plist);
    H5Sclose(space);
    H5Dclose(data);
    data = H5Dopen2(read, "/entry/instrument/NDAttributes/NDArrayUniqueId", H5P_DEFAULT);
    plist = H5Dget_create_plist(data);
    testOk1(H5Pget_chunk(plist, 3, chunk) == 1 && chunk[0] == 5);
    H5Pclose(plist);
    H5Dclose(data);
    data = H5Dopen2(read, "/entry/instrument/performance/timestamp", H5P_DEFAULT);
    testOk1(H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, performance) >= 0 &&
            performance[0][0] > 0 && performance[2][2] > performance[1][2] &&
            performance[1][3] > 0);
    H5Dclose(data);
    H5Fclose(read);
}

/* Every type of pixel, of a frame whose elements do not fill groups of eight. */
static void test_types(int compression)
{
    enum { COUNT = 13 * 11 };
    const char *path = h5_test_path("types.h5");
    bool ok = true;

    for (int type = 0; ok && type < 10; type++) {
        struct sim_hdf5_options options = {.dtype = type,
                                           .rows = 13,
                                           .cols = 11,
                                           .compression = compression,
                                           .zlevel = 1,
                                           .nbit_precision = 8,
                                           .szip_pixels = 8,
                                           .chunk_frames = 2};
        size_t size = H5Tget_size(pixel_type(type));
        unsigned char pixels[COUNT * 8];
        char why[200];
        if (compression == SIM_NBIT && type >= 8) break; /* whole numbers only */
        struct sim_hdf5 *file = start(path, &options);
        for (int i = 0; ok && i < 3; i++) {
            struct sim_hdf5_frame frame = {.pixels = pixels};
            memset(pixels, 0, sizeof pixels);
            for (size_t k = 0; k < COUNT; k++)
                pixels[k * size] = (unsigned char)((k * 7 + (size_t)i) % 127);
            ok = file && sim_hdf5_append(file, &frame, why, sizeof why) == 0;
        }
        ok = ok && end(file);
        hid_t access = H5Pcreate(H5P_FILE_ACCESS);
        allow_few_bits(access);
        hid_t read = H5Fopen(path, H5F_ACC_RDONLY, access);
        hid_t data = H5Dopen2(read, "/entry/data/data", H5P_DEFAULT);
        unsigned char *all = malloc(3 * COUNT * size);
        ok = ok && all &&
             H5Dread(data, pixel_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, all) >= 0 &&
             memcmp(all + 2 * COUNT * size, pixels, COUNT * size) == 0;
        free(all);
        H5Dclose(data);
        H5Fclose(read);
        H5Pclose(access);
    }
    testOk(ok, "all types of pixels, compression %d", compression);
}

/* Chunks larger than libhdf5's cache are read back for each frame that is added to them. */
static void test_large_chunks(int compression)
{
    enum { SIDE = 1024, COUNT = 3 };
    const char *path = h5_test_path("large.h5");
    struct sim_hdf5_options options = {.dtype = 1,
                                       .rows = SIDE,
                                       .cols = SIDE,
                                       .chunk_frames = 2,
                                       .compression = compression,
                                       .zlevel = 1};
    unsigned char *pixels = malloc(SIDE * SIDE), *got = malloc(SIDE * SIDE);
    struct sim_hdf5_frame frame = {.pixels = pixels};
    struct sim_hdf5 *file = start(path, &options);
    char why[200] = "";
    bool ok = file && pixels && got;

    for (int i = 0; ok && i < COUNT; i++) {
        memset(pixels, 'a' + i, SIDE * SIDE);
        ok = sim_hdf5_append(file, &frame, why, sizeof why) == 0;
    }
    ok = ok && end(file);
    oph_frames *frames = h5_test_open(path, NULL);
    for (int i = 0; ok && i < COUNT; i++) {
        memset(pixels, 'a' + i, SIDE * SIDE);
        ok = oph_frames_read(frames, i, 1, got, SIDE * SIDE, NULL) == 0 &&
             memcmp(got, pixels, SIDE * SIDE) == 0;
    }
    testOk(ok, "large chunks of two frames, compression %d %s", compression, why);
    oph_frames_free(frames);
    free(pixels);
    free(got);
}

int main(void)
{
    struct sim_hdf5_options o = plain;

    testPlan(0);
    test_compression("no compression", o, "none");
    o.chunk_frames = 2;
    test_compression("two frames a chunk", o, "none");
    o.compression = SIM_ZLIB;
    test_compression("zlib", o, "deflate");
    o.chunk_rows = 4;
    o.chunk_cols = 3;
    test_compression("zlib in tiles", o, "deflate");
    o = plain;
    o.compression = SIM_SZIP;
    o.szip_pixels = 16;
    test_compression("szip", o, "szip");
    o.compression = SIM_NBIT;
    o.nbit_precision = 16;
    test_compression("N-bit", o, "nbit");
    o.nbit_precision = 13; /* the fewest that these pixels need */
    test_compression("N-bit of fewer than half of the bits", o, "nbit");
    for (int c = SIM_NONE; c <= SIM_ZLIB; c++)
        test_types(c);
#ifdef OPH_HAVE_LZ4
    test_types(SIM_LZ4);
    test_types(SIM_BSLZ4);
    o.compression = SIM_BSLZ4;
    test_compression("bitshuffle", o, "bitshuffle");
    test_swmr(SIM_BSLZ4);
    o.chunk_rows = 4;
    o.chunk_cols = 3;
    o.compression = SIM_LZ4;
    test_compression("LZ4 in tiles", o, "LZ4");
    o = plain;
    o.compression = SIM_LZ4;
    test_compression("LZ4", o, "LZ4");
    test_swmr(SIM_LZ4);
    test_large_chunks(SIM_LZ4);
#endif
    test_layout();
    test_busy();
    test_swmr(SIM_NONE);
    test_swmr(SIM_ZLIB);
    test_large_chunks(SIM_NONE);
    test_large_chunks(SIM_ZLIB);
    test_grid();
    test_shapes();
    test_refusals();
    h5_test_cleanup();
    return testDone();
}
