/* cophyd view on HDF5 files of every element type, and of shapes that are no usual image: the
 * document that it prints, whole. */
#include "lib/h5_test.h"
#include "lib/h5_write.h"
#include "lib/program.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Runs cophyd view --json on the file, with up to two words more. */
static struct program_end view(const char *path, const char *first, const char *second)
{
    const char *const arguments[] = {"view", "--json", path, first, second, NULL};
    struct program program;
    struct program_end end;
    program_start(&program, "cophyd", arguments);
    program_wait(&program, 60, &end);
    return end;
}

/* The document has this between what comes of the file and its end. */
static void shows(const char *path, const char *wanted, const char *what)
{
    struct program_end end = view(path, NULL, NULL);
    testOk(end.code == 0 && end.err[0] == 0 && strstr(end.out, wanted), "%s", what);
    if (!strstr(end.out, wanted)) testDiag("wanted %s, found %s%s", wanted, end.out, end.err);
}

static void fails(struct program_end end, int code, const char *words, const char *what)
{
    testOk(end.code == code && !end.out[0] && strstr(end.err, words), "%s", what);
    if (!strstr(end.err, words)) testDiag("%d: %s%s", end.code, end.out, end.err);
}

static const char *file(const char *name, const struct h5_options *options, const void *pixels)
{
    const char *path = h5_test_path(name);
    if (!h5_write(path, options, pixels)) testAbort("%s cannot be written", path);
    return path;
}

static void test_types(void)
{
    static const int32_t pixels[6] = {1, 2, 3, 4, 5, 100};
    const struct {
        hid_t type;
        const char *name;
        double saturation;
    } types[] = {
        {H5T_STD_I8LE, "int8", 127},        {H5T_STD_U8LE, "uint8", 255},
        {H5T_STD_I16BE, "int16", 32767},    {H5T_STD_U16LE, "uint16", 65535},
        {H5T_STD_I32LE, "int32", 1048575},  {H5T_STD_U32BE, "uint32", HUGE_VAL},
        {H5T_STD_I64LE, "int64", HUGE_VAL}, {H5T_STD_U64LE, "uint64", HUGE_VAL},
    };
    char wanted[512];
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct h5_options options = {.type = types[i].type,
                                     .memory = H5T_NATIVE_INT32,
                                     .rank = 3,
                                     .dims = {1, 2, 3},
                                     .chunk = {1, 2, 3}};
        int length =
            snprintf(wanted, sizeof wanted,
                     "\"shape\":[2,3,1],\"dtype\":\"%s\",\"filters\":\"none\",\"min\":1,"
                     "\"max\":100,\"mean\":19.166666666666668,\"sum\":115,\"max_at\":[2,1],"
                     "\"percentiles\":{\"1\":1,\"50\":3,\"99\":5},\"valid\":6,\"masked\":0,"
                     "\"saturated\":0,\"saturation\":",
                     types[i].name);
        snprintf(wanted + length, sizeof wanted - (size_t)length,
                 isinf(types[i].saturation) ? "null" : "%.0f", types[i].saturation);
        shows(file("types.h5", &options, pixels), wanted, types[i].name);
    }
}

static void test_floats(void)
{
    static const double pixels[4] = {(double)NAN, 0.5, -2.25, HUGE_VAL};
    static const double equal[4] = {7, 7, 7, 7}, none[1] = {(double)NAN};
    struct h5_options options = {.type = H5T_IEEE_F64LE,
                                 .memory = H5T_NATIVE_DOUBLE,
                                 .rank = 2,
                                 .dims = {2, 2},
                                 .chunk = {2, 2}};
    shows(file("nan.h5", &options, pixels),
          "\"min\":-2.25,\"max\":0.5,\"mean\":-0.875,\"sum\":-1.75,\"max_at\":[1,0],"
          "\"percentiles\":{\"1\":-2.25,\"50\":-2.25,\"99\":-2.25},\"valid\":2,\"masked\":2,",
          "NaN and infinity are masked");
    shows(file("equal.h5", &options, equal), "\"range\":[7.0,7.0]", "all equal");
    options.dims[0] = options.dims[1] = options.chunk[0] = options.chunk[1] = 1;
    shows(file("one.h5", &options, equal), "\"shape\":[1,1,1]", "one pixel");
    shows(file("none.h5", &options, none),
          "\"min\":null,\"max\":null,\"mean\":null,\"sum\":null,\"max_at\":[null,null],"
          "\"percentiles\":{\"1\":null,\"50\":null,\"99\":null},\"valid\":0,\"masked\":1,"
          "\"saturated\":0,\"saturation\":null,\"range\":[null,null]",
          "no pixel that is valid");
    options.type = H5T_IEEE_F32BE;
    shows(file("float.h5", &options, equal), "\"dtype\":\"float32\"", "single precision");
}

static void test_shapes(void)
{
    static const int32_t pixels[24] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12,
                                       13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24};
    struct h5_options options = {.type = H5T_STD_I32LE, .memory = H5T_NATIVE_INT32};
    options.rank = 1, options.dims[0] = options.chunk[0] = 5;
    const char *path = file("line.h5", &options, pixels);
    fails(view(path, NULL, NULL), 1, "2 to 10 dimensions", "a dataset of one dimension");
    options.rank = 2, options.dims[0] = options.chunk[0] = 1;
    options.dims[1] = options.chunk[1] = 5;
    shows(file("wide.h5", &options, pixels), "\"shape\":[1,5,1]", "a frame of one line");
    options.rank = 4;
    options.dims[0] = 2, options.dims[1] = 2, options.dims[2] = 2, options.dims[3] = 3;
    memcpy(options.chunk, options.dims, sizeof options.chunk);
    path = file("color.h5", &options, pixels);
    shows(path, "\"shape\":[2,2,3]", "colours");
    struct program_end end = view(path, "--region", "1,0,1x2");
    testOk(strstr(end.out, "\"sum\":120,\"max_at\":[1,1]") != NULL, "a region of it: %s", end.out);
    options.dims[3] = 2, options.dims[2] = 3;
    memcpy(options.chunk, options.dims, sizeof options.chunk);
    path = file("rows.h5", &options, pixels);
    shows(path, "\"shape\":[2,2,3]", "colours, a row of each");
    end = view(path, "--region", "1,0,1x2");
    testOk(strstr(end.out, "\"sum\":114,\"max_at\":[1,1]") != NULL, "a region of it: %s", end.out);
    options.dims[1] = 2, options.dims[2] = 2;
    memcpy(options.chunk, options.dims, sizeof options.chunk);
    fails(view(file("cube.h5", &options, pixels), NULL, NULL), 1, "2 x 2 x 2 of int32",
          "a frame of three dimensions");
    options.rank = 3;
    options.dims[0] = 0, options.chunk[0] = 1;
    fails(view(file("empty.h5", &options, NULL), NULL, NULL), 1, "0 frames", "no frame");
}

/* A frame is not read whole where it would take more than a gigabyte; a part of it can be. */
static void test_huge(void)
{
    struct h5_options options = {.type = H5T_STD_I32LE,
                                 .memory = H5T_NATIVE_INT32,
                                 .rank = 3,
                                 .dims = {1, 100000, 100000},
                                 .chunk = {1, 100, 100}};
    const char *path = file("huge.h5", &options, NULL);
    fails(view(path, NULL, NULL), 1, "40000000000 bytes", "more than a gigabyte");
    fails(view(path, "--region", "0,0,20000x20000"), 1, "1600000000 bytes", "and a part that is");
    fails(view(path, "--region", "99990,99990,10x10"), 1, "huge.h5", "a part that nobody wrote");
    fails(view(path, "--region", "99990,99990,11x10"), 2, "100000 x 100000", "a part that is not");
}

int main(void)
{
    testPlan(0);
    test_types();
    test_floats();
    test_shapes();
    test_huge();
    h5_test_cleanup();
    return testDone();
}
