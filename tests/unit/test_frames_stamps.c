/* What the IOC noted of frames, and what is missing among them. */
#include "lib/h5_test.h"
#include "lib/h5_write.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>

enum { FRAMES = 12, FRAME = 64 };

static int32_t pixels[FRAMES * FRAME];

static struct h5_options options(void)
{
    return (struct h5_options){.type = H5T_STD_I32LE,
                               .memory = H5T_NATIVE_INT32,
                               .rank = 3,
                               .dims = {FRAMES, 8, 8},
                               .chunk = {1, 8, 8},
                               .bitshuffle = 1};
}

static void add(hid_t file, const char *name, hid_t type, hsize_t count, const void *values)
{
    char path[100];
    hid_t links = H5Pcreate(H5P_LINK_CREATE), plist = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t most = H5S_UNLIMITED, chunk = 5;
    hid_t space = H5Screate_simple(1, &count, &most);

    H5Pset_create_intermediate_group(links, 1);
    H5Pset_chunk(plist, 1, &chunk);
    snprintf(path, sizeof path, "/entry/instrument/NDAttributes/%s", name);
    hid_t dataset = H5Dcreate2(file, path, type, space, links, plist, H5P_DEFAULT);
    if (dataset < 0 || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        testAbort("cannot write %s", path);
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(plist);
    H5Pclose(links);
}

static const char *write_file(const char *name, struct h5_options o, const int32_t *ids, hsize_t n)
{
    const char *path = h5_test_path(name);
    const uint32_t seconds[FRAMES] = {1000000000, 1000000001, 1000000002, 1000000003},
                   parts[FRAMES] = {5, 999999999, 1000000000};
    const double stamps[FRAMES] = {1.5, 2.5, 3.5};

    hid_t file = h5_write_open(path, &o, pixels);
    if (ids) {
        add(file, "NDArrayUniqueId", H5T_NATIVE_INT32, n, ids);
        add(file, "NDArrayEpicsTSSec", H5T_NATIVE_UINT32, n, seconds);
        add(file, "NDArrayEpicsTSnSec", H5T_NATIVE_UINT32, n, parts);
        add(file, "NDArrayTimeStamp", H5T_NATIVE_DOUBLE, n, stamps);
    }
    H5Fclose(file);
    return path;
}

static void test_stamps(void)
{
    const int32_t ids[FRAMES] = {7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    oph_frames *f = h5_test_open(write_file("stamps.h5", options(), ids, 10), NULL);
    oph_frame_stamp got[FRAMES];
    double numbers[FRAMES];
    oph_error err;

    testOk1(oph_frames_stamps(f, 0, FRAMES, got, &err) == 0);
    testOk(got[0].unique_id == 7 && got[9].unique_id == 16 && got[10].unique_id == -1,
           "unique ids, as far as there are any");
    testOk(got[0].time_ns == 1631152000000000005 && got[1].time_ns == 1631152001999999999 &&
               got[2].time_ns == -1 && got[11].time_ns == -1,
           "times since 1970, and none where the file has nonsense");
    testOk(got[2].timestamp == 3.5 && isnan(got[10].timestamp), "the driver's clock");
    testOk1(oph_frames_stamps(f, 3, 2, got, &err) == 0 && got[0].unique_id == 10 &&
            got[1].unique_id == 11);
    testOk1(oph_frames_attribute(f, "NDArrayTimeStamp", 1, FRAMES - 1, numbers, &err) == 0 &&
            numbers[0] == 2.5 && isnan(numbers[FRAMES - 2]));
    testOk1(h5_test_says(oph_frames_attribute(f, "Ring", 0, 1, numbers, &err), OPH_ENOTFOUND, &err,
                         "NDAttributes/Ring in|stamps.h5|no such list"));
    testOk1(h5_test_says(oph_frames_attribute(f, "../../data/data", 0, 1, numbers, &err),
                         OPH_ENOTFOUND, &err, "no such list"));
    testOk1(
        h5_test_says(oph_frames_attribute(f, "", 0, 1, numbers, &err), OPH_EINVAL, &err, "name"));
    testOk1(h5_test_says(oph_frames_stamps(f, 10, 3, got, &err), OPH_ERANGE, &err, "12 frames"));
    testOk1(h5_test_says(oph_frames_stamps(f, 0, 3, NULL, &err), OPH_EINVAL, &err, "NULL"));
    oph_frames_free(f);
    f = h5_test_open(write_file("none.h5", options(), NULL, 0), NULL);
    testOk(oph_frames_stamps(f, 0, 2, got, &err) == 0 && got[1].unique_id == -1 &&
               got[1].time_ns == -1 && isnan(got[1].timestamp),
           "a file without attributes");
    oph_frames_free(f);
}

static size_t as_it_is(unsigned flags, size_t count, const unsigned values[], size_t bytes,
                       size_t *size, void **buffer)
{
    (void)flags, (void)count, (void)values, (void)size, (void)buffer;
    return bytes;
}

/* Written by a program that has the filter, and read by one that has not. */
static void test_filter_that_is_not_here(void)
{
    enum { LZF = 32000 };
    const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, LZF, 1, 1, "fake", NULL, NULL, as_it_is};
    const char *path = write_file("filtered.h5", options(), NULL, 0);
    const double values[5] = {1};
    hsize_t count = 5;
    double numbers[1];
    oph_error err;
    H5Zregister(&filter);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t links = H5Pcreate(H5P_LINK_CREATE), plist = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(1, &count, NULL);
    H5Pset_create_intermediate_group(links, 1);
    H5Pset_chunk(plist, 1, &count);
    H5Pset_filter(plist, LZF, H5Z_FLAG_MANDATORY, 0, NULL);
    hid_t dataset = H5Dcreate2(file, "/entry/instrument/NDAttributes/Ring", H5T_NATIVE_DOUBLE,
                               space, links, plist, H5P_DEFAULT);
    if (H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        testAbort("cannot write");
    H5Dclose(dataset);
    H5Sclose(space);
    H5Pclose(plist);
    H5Pclose(links);
    H5Fclose(file);
    H5Zunregister(LZF);
    oph_frames *f = h5_test_open(path, NULL);
    testOk1(h5_test_says(oph_frames_attribute(f, "Ring", 0, 1, numbers, &err), OPH_EFILE, &err,
                         "wanted filter 32000 (LZF) to read /entry/instrument/NDAttributes/Ring"));
    oph_frames_free(f);
}

/* A check that finds these sentences, one after the other, which "/" separates. */
static bool finds(const char *path, int32_t deep, const char *sentences)
{
    oph_frames *frames = h5_test_open(path, NULL);
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_frames_check(frames, 0, FRAMES, deep, &report, &err);
    size_t count = 0;
    bool ok = true;

    for (const char *at = sentences; *at; count++) {
        size_t len = strcspn(at, "/");
        const oph_error *found = oph_report_at(report, count);
        if (!found || !memmem(found->text, strlen(found->text), at, len)) {
            testDiag("wanted '%.*s', found '%s'", (int)len, at, found ? found->text : "");
            ok = false;
        }
        at += len + (at[len] == '/');
    }
    if (oph_report_count(report) != count) {
        testDiag("%zu lines more", oph_report_count(report) - count);
        ok = false;
    }
    if (rc != (count ? OPH_EFILE : 0) ||
        (count && strcmp(err.text, oph_report_at(report, 0)->text) != 0))
        ok = false;
    oph_report_free(report);
    oph_frames_free(frames);
    return ok;
}

static void test_check(void)
{
    const int32_t good[FRAMES] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    const int32_t bad[FRAMES] = {3, 4, 7, 8, 8, 9, 2, 3, 4, 5, 6, 7};
    struct h5_options o = options();

    testOk(finds(write_file("good.h5", o, good, FRAMES), 0, ""), "nothing to find");
    testOk(finds(write_file("good.h5", o, good, FRAMES), 1, ""), "nor in the pixels");
    testOk(finds(write_file("bad.h5", o, bad, FRAMES), 0,
                 "wanted NDArrayUniqueId 5 of frame 2 in/"
                 "NDArrayUniqueId 9 of frame 4 in/"
                 "NDArrayUniqueId 10 of frame 6 in"),
           "a gap, a repeat, a step back");
    testOk(finds(write_file("bad.h5", o, bad, FRAMES), 1, "7: 2 arrays were lost/again/before it"),
           "and what they are");
    testOk(finds(write_file("short.h5", o, good, 9), 0, "frame 9 in"), "ids that end early");
    o.chunk[0] = 3;
    o.hole = 7;
    testOk(finds(write_file("hole.h5", o, good, FRAMES), 0, "wanted frames 6 to 8 in"),
           "frames that were never written");
    testOk(finds(write_file("hole.h5", o, good, FRAMES), 1, "wanted frames 6 to 8 in"),
           "and by their pixels");
    o.bitshuffle = 0;
    o.deflate = 1;
    o.chunk[0] = 1;
    testOk(finds(write_file("deflate.h5", o, good, FRAMES), 1, ""), "deflate");
}

int main(void)
{
    testPlan(0);
    for (int i = 0; i < FRAMES * FRAME; i++)
        pixels[i] = i * 3;
    test_stamps();
    test_filter_that_is_not_here();
    test_check();
    h5_test_cleanup();
    return testDone();
}
