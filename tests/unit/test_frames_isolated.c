/* Files that are read with libhdf5 in a process of its own are read as all others; and where that
 * process crashes, hangs or is killed, it is an error. */
#include "h5/h5.h"
#include "lib/h5_test.h"
#include "lib/h5_write.h"

#include <dirent.h>
#include <dlfcn.h>
#include <epicsUnitTest.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FRAMES = 7, ROWS = 24, COLS = 20, FRAME = ROWS * COLS };

/* What libhdf5 does when a chunk is looked for in the other process. */
static enum { IS_SOUND, CRASHES, HANGS } libhdf5;
static pid_t here;

herr_t H5Dread_chunk(hid_t dataset, hid_t plist, const hsize_t *at, uint32_t *skipped, void *to)
{
    herr_t (*real)(hid_t, hid_t, const hsize_t *, uint32_t *, void *);
    void *symbol = dlsym(RTLD_NEXT, "H5Dread_chunk");

    if (!symbol) abort();
    memcpy(&real, &symbol, sizeof real);
    if (getpid() != here && libhdf5 == CRASHES) raise(SIGKILL);
    while (getpid() != here && libhdf5 == HANGS)
        pause();
    return real(dataset, plist, at, skipped, to);
}

static int32_t pixels[FRAMES * FRAME];

static oph_frames *open_isolated(const char *path)
{
    oph_frames *frames = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph_frames_open_isolated(path, NULL, 0, 0, &frames, &err)) testAbort("%s", err.text);
    return frames;
}

/* All that can be read of a file, by either way: what came of it, as text. */
static void read_all(oph_frames *frames, char *ret, size_t size)
{
    static int32_t found[FRAMES * FRAME];
    const int64_t from[] = {3, 5}, some[] = {9, 11};
    oph_frames_info info = {.size = sizeof info};
    oph_frame_stamp stamps[FRAMES];
    double numbers[FRAMES] = {0};
    oph_frames_iter *iter;
    const void *one;
    uint64_t sum = 0;
    size_t n = 0;
    oph_error err = OPH_ERROR_INIT;

#define TELL(call)                                                                                 \
    do {                                                                                           \
        int rc = call;                                                                             \
        n +=                                                                                       \
            (size_t)snprintf(ret + n, size - n, "%s %s; ", oph_code_name(rc), rc ? err.text : ""); \
    } while (0)
    TELL(oph_frames_describe(frames, &info, &err));
    n += (size_t)snprintf(ret + n, size - n, "%s %lld of %lld bytes; ", info.filters,
                          (long long)info.shape[0], (long long)info.frame_bytes);
    TELL(oph_frames_read(frames, 0, FRAMES, found, sizeof found, &err));
    for (size_t i = 0; i < FRAMES * FRAME; i++)
        sum = sum * 31 + (uint32_t)found[i];
    TELL(oph_frames_read_region(frames, 1, 3, from, some, found, sizeof found, &err));
    for (size_t i = 0; i < 3 * 9 * 11; i++)
        sum = sum * 31 + (uint32_t)found[i];
    TELL(oph_frames_iter_new(frames, NULL, &iter, &err));
    for (int i = 0; i < FRAMES; i++)
        TELL(oph_frames_iter_next(iter, &one, NULL, &err));
    oph_frames_iter_free(iter);
    TELL(oph_frames_stamps(frames, 0, FRAMES, stamps, &err));
    sum = sum * 31 + (uint64_t)stamps[FRAMES - 1].unique_id;
    TELL(oph_frames_attribute(frames, "Temperature", 0, FRAMES, numbers, &err));
    sum = sum * 31 + (uint64_t)(1000 * numbers[2]);
    TELL(oph_frames_attribute(frames, "Missing", 0, FRAMES, numbers, &err));
    TELL(oph_frames_check(frames, 0, FRAMES, 1, NULL, &err));
    snprintf(ret + n, size - n, "sum %llu", (unsigned long long)sum);
#undef TELL
}

static void add_list(hid_t file, const char *name, hid_t type, const void *values)
{
    const hsize_t count = FRAMES;
    char path[80];
    hid_t links = H5Pcreate(H5P_LINK_CREATE), space = H5Screate_simple(1, &count, NULL);

    H5Pset_create_intermediate_group(links, 1);
    snprintf(path, sizeof path, "/entry/instrument/NDAttributes/%s", name);
    hid_t list = H5Dcreate2(file, path, type, space, links, H5P_DEFAULT, H5P_DEFAULT);
    if (H5Dwrite(list, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) testAbort("no list");
    H5Dclose(list);
    H5Sclose(space);
    H5Pclose(links);
}

static const char *write_file(struct h5_options o)
{
    const int32_t ids[FRAMES] = {1, 2, 3, 5, 6, 7, 8};
    const double temperatures[FRAMES] = {20.5, 20.25, 21.125};
    const char *path = h5_test_path("isolated.h5");

    o.type = o.type ? o.type : H5T_STD_I32LE;
    o.memory = H5T_NATIVE_INT32;
    o.rank = 3;
    memcpy(o.dims, (hsize_t[]){FRAMES, ROWS, COLS}, 3 * sizeof(hsize_t));
    hid_t file = h5_write_open(path, &o, pixels);
    if (file < 0) testAbort("no file");
    add_list(file, "NDArrayUniqueId", H5T_NATIVE_INT32, ids);
    add_list(file, "Temperature", H5T_NATIVE_DOUBLE, temperatures);
    H5Fclose(file);
    return path;
}

static void test_same(const char *what, struct h5_options o)
{
    char wanted[3000], found[3000];
    const char *path = write_file(o);
    oph_frames *plain = h5_test_open(path, NULL), *isolated = open_isolated(path);

    read_all(plain, wanted, sizeof wanted);
    read_all(isolated, found, sizeof found);
    testOk(strcmp(wanted, found) == 0, "%s: %.60s...", what, found);
    if (strcmp(wanted, found) != 0) testDiag("wanted %s\nfound %s", wanted, found);
    oph_frames_free(plain);
    oph_frames_free(isolated);
}

static const struct h5_options chunks = {.chunk = {1, ROWS, COLS}};

static void test_ways(void)
{
    struct h5_options o = chunks;
    hid_t odd = H5Tcopy(H5T_STD_I32LE);

    H5Tset_precision(odd, 24);
    test_same("one after the other", (struct h5_options){.rank = 3});
    test_same("chunks", o);
    o.type = H5T_STD_I32BE;
    o.deflate = 3;
    o.shuffle = true;
    test_same("deflate", o);
    test_same("filters that libhdf5 undoes",
              (struct h5_options){.chunk = {2, 7, 9}, .type = odd, .deflate = 1});
    H5Tclose(odd);
    o = chunks;
    o.bitshuffle = 1;
    o.hole = 4;
    test_same("a hole", o);
}

/* The first error, and what comes after it. */
static void ends(const char *what, const char *words, void (*fn)(oph_frames *frames))
{
    static int32_t found[FRAME];
    oph_frames *frames = open_isolated(write_file(chunks));
    oph_frame_stamp stamp;
    oph_error err = OPH_ERROR_INIT;

    frames->child.patience = 0.2;
    fn(frames);
    testOk(h5_test_says(oph_frames_read(frames, 2, 1, found, sizeof found, &err), OPH_EFILE, &err,
                        words),
           "%s: %s", what, err.text);
    libhdf5 = IS_SOUND;
    testOk1(h5_test_says(oph_frames_read(frames, 0, 1, found, sizeof found, &err), OPH_EFILE, &err,
                         words));
    testOk1(h5_test_says(oph_frames_stamps(frames, 0, 1, &stamp, &err), OPH_EFILE, &err, words));
    oph_frames_free(frames);
    testOk(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "no process is left");
}

/* These are known to the process only if it begins after them. */
static void crash(oph_frames *frames)
{
    (void)frames;
}

static void stop(oph_frames *frames)
{
    kill(frames->child.pid, SIGSTOP);
}

static void end(oph_frames *frames)
{
    kill(frames->child.pid, SIGKILL);
}

static void test_ends(void)
{
    libhdf5 = CRASHES;
    ends("a crash", "isolated.h5|libhdf5 crashed on it (Killed)", crash);
    libhdf5 = HANGS;
    ends("no end", "isolated.h5|libhdf5 does not come to an end", crash);
    ends("a process that is stopped", "isolated.h5|does not come to an end", stop);
    ends("a process that is killed", "isolated.h5|crashed on it (Killed)", end);
}

static int count_descriptors(pid_t pid)
{
    char path[64];
    int count = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        count++;
    if (dir) closedir(dir);
    return count - 2; /* . and .. */
}

static void test_descriptors(void)
{
    int ends_of[2];
    oph_error err = OPH_ERROR_INIT;
    oph_frames *frames = NULL;

    if (pipe(ends_of)) testAbort("no pipe");
    frames = open_isolated(write_file(chunks));
    testOk(count_descriptors(frames->child.pid) == 6,
           "it has a line, the data, the file and 0 to 2");
    oph_frames_free(frames);
    close(ends_of[0]);
    close(ends_of[1]);
    int before = count_descriptors(getpid());
    for (int i = 0; i < 20; i++)
        oph_frames_free(open_isolated(h5_test_path("isolated.h5")));
    testOk(count_descriptors(getpid()) == before, "descriptors are given back");
    testOk1(h5_test_says(oph_frames_open_isolated("/nowhere.h5", NULL, 0, 0, &frames, &err),
                         OPH_EFILE, &err, "/nowhere.h5|no such file"));
    testOk1(h5_test_says(
        oph_frames_open_isolated(h5_test_path("isolated.h5"), "/no/data", 0, 0, &frames, &err),
        OPH_EFILE, &err, "/no/data|no such dataset"));
    testOk(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "no process is left");
}

int main(void)
{
    here = getpid();
    for (int i = 0; i < FRAMES * FRAME; i++)
        pixels[i] = i % 3 ? i % 100 : 1000 * i;
    testPlan(0);
    test_ways();
    test_ends();
    test_descriptors();
    h5_test_cleanup();
    return testDone();
}
