/* Opening frames: what is there, what is not, and files that somebody writes at that moment. */
#include "lib/h5_test.h"
#include "lib/h5_write.h"

#include <epicsUnitTest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FRAMES = 3, PIXELS = FRAMES * 4 };

static const int32_t pixels[PIXELS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

static struct h5_options options(void)
{
    return (struct h5_options){.type = H5T_STD_I32LE,
                               .memory = H5T_NATIVE_INT32,
                               .rank = 3,
                               .dims = {FRAMES, 2, 2},
                               .chunk = {1, 2, 2}};
}

/* Opening fails at once with this code and these words. */
static bool refused(const char *path, const char *dataset, int code, const char *words)
{
    oph_frames *frames = NULL;
    oph_error err = OPH_ERROR_INIT;
    bool ok = h5_test_says(oph_frames_open(path, dataset, 0, &frames, &err), code, &err, words);

    oph_frames_free(frames);
    return ok;
}

static bool readable(oph_frames *frames)
{
    int32_t got[PIXELS];
    oph_error err = OPH_ERROR_INIT;
    bool ok = frames && oph_frames_read(frames, 0, FRAMES, got, sizeof got, &err) == 0 &&
              memcmp(got, pixels, sizeof got) == 0;

    if (err.code) testDiag("%s", err.text);
    return ok;
}

static bool opens(const char *path)
{
    oph_frames *frames = h5_test_open(path, NULL);
    bool ok = readable(frames);

    oph_frames_free(frames);
    return ok;
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) testAbort("cannot write %s", path);
    close(fd);
}

static void test_no_such(void)
{
    const char *path = h5_test_path("sound.h5");
    struct h5_options o = options();
    oph_frames *frames = NULL;
    oph_error err;

    testOk1(refused("/nowhere/at/all.h5", NULL, OPH_EFILE, "/nowhere/at/all.h5|no such file"));
    testOk1(refused("/tmp", NULL, OPH_EFILE, "/tmp|a folder"));
    testOk1(refused("", NULL, OPH_EINVAL, "name of a file"));
    testOk1(refused(NULL, NULL, OPH_EINVAL, "name of a file"));
    testOk1(h5_test_says(oph_frames_open(path, NULL, 0, NULL, &err), OPH_EINVAL, &err, "a place"));
    testOk1(oph_frames_open(path, NULL, 0, &frames, NULL) == OPH_EFILE && !frames);
    testOk(h5_test_says(oph_frames_open(path, NULL, 0.1, &frames, &err), OPH_EFILE, &err,
                        "no such file|after 0.") &&
               err.waited >= 0.1 && err.waited < 5,
           "an absent file is waited for");

    testOk1(h5_write(path, &o, pixels) && opens(path));
    testOk1(
        refused(path, "/entry/data/nothing", OPH_EFILE, "/entry/data/nothing|sound.h5|no such"));
    testOk1(refused(path, "/entry/data", OPH_EFILE, "no such dataset"));

    const char *fifo = h5_test_path("fifo");
    testOk1(mkfifo(fifo, 0600) == 0 && refused(fifo, NULL, OPH_EFILE, "no regular file"));
}

static void test_no_image(void)
{
    const char *path = h5_test_path("other.h5");
    struct h5_options o = options();
    hid_t text = H5Tcopy(H5T_C_S1), half = H5Tcopy(H5T_IEEE_F32LE);

    o.rank = 1;
    testOk1(h5_write(path, &o, NULL) &&
            refused(path, NULL, OPH_EFILE, "2 to 10 dimensions|found 1"));
    o = options();
    H5Tset_size(text, 8);
    o.type = text;
    testOk1(h5_write(path, &o, NULL) && refused(path, NULL, OPH_EFILE, "strings of 8 bytes"));
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    o.type = half;
    testOk1(h5_write(path, &o, NULL) &&
            refused(path, NULL, OPH_EFILE, "floating-point numbers of 2 bytes"));
    o = options();
    o.dims[2] = o.chunk[0] = 0;
    testOk1(h5_write(path, &o, NULL) && refused(path, NULL, OPH_EFILE, "shape|rows have 0 pixels"));
    H5Tclose(text);
    H5Tclose(half);
}

/* What is in other files is not read: those would be opened, and locked, by HDF5's own driver. */
static void test_other_files(void)
{
    const char *path = h5_test_path("links.h5"), *target = h5_test_path("target.h5");
    struct h5_options o = options();
    hsize_t size[3] = {FRAMES, 2, 2};

    testOk1(h5_write(target, &o, pixels));
    hid_t file = h5_write_open(path, &o, pixels);
    H5Lcreate_external(target, "/entry/data/data", file, "/outside", H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(3, size, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_virtual(plist, space, target, "/entry/data/data", space);
    H5Dclose(H5Dcreate2(file, "/virtual", o.type, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Pclose(plist);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(plist, target, 0, sizeof pixels);
    H5Dclose(H5Dcreate2(file, "/raw", o.type, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Pclose(plist);
    H5Sclose(space);
    H5Fclose(file);
    testOk1(refused(path, "/outside", OPH_EFILE, "/outside|no such dataset"));
    testOk1(refused(path, "/virtual", OPH_EFILE, "/virtual|a virtual dataset"));
    testOk1(refused(path, "/raw", OPH_EFILE, "/raw|in other files"));
    testOk1(opens(path));
}

static void test_missing(void)
{
    const char *path = h5_test_path("missing.h5");
    struct h5_options o = options();
    int32_t got[PIXELS];
    oph_error err;

    testOk1(h5_write(path, &o, NULL));
    oph_frames *frames = h5_test_open(path, NULL);
    testOk(h5_test_says(oph_frames_read(frames, 1, 2, got, sizeof got, &err), OPH_EFILE, &err,
                        "frame 1|never written"),
           "a chunk that was never written is not taken for zeros");
    oph_frames_free(frames);
    o.deflate = 1;
    testOk1(h5_write(path, &o, NULL));
    frames = h5_test_open(path, NULL);
    testOk1(h5_test_says(oph_frames_read(frames, 1, 2, got, sizeof got, &err), OPH_EFILE, &err,
                         "frame 1|never written"));
    oph_frames_free(frames);
    o = options();
    o.filter = 32026;
    testOk1(h5_write(path, &o, pixels));
    frames = h5_test_open(path, NULL);
    oph_frames_info info = {.size = sizeof info};
    testOk1(oph_frames_describe(frames, &info, &err) == 0 && strcmp(info.filters, "Blosc2") == 0);
    testOk1(h5_test_says(
        oph_frames_read(frames, 0, 1, got, sizeof got, &err), OPH_EFILE, &err,
        "missing.h5|filter 32026 (Blosc2)|frame 0|pip install hdf5plugin|HDF5_PLUGIN_PATH"));
    oph_frames_free(frames);
    o.filter = 300;
    testOk1(h5_write(path, &o, pixels));
    frames = h5_test_open(path, NULL);
    testOk1(oph_frames_describe(frames, &info, &err) == 0 &&
            strcmp(info.filters, "filter 300") == 0);
    oph_frames_free(frames);
}

/* A process that holds a file open for writing, and does `end` with it when told to. */
struct writer {
    pid_t pid;
    int go;
};

enum end { CLOSE, KILL, SWMR_CLOSE };

static struct writer start_writer(const char *path, const struct h5_options *o, enum end end)
{
    int go[2], there[2];
    char byte = 0;

    if (pipe(go) || pipe(there)) testAbort("no pipe");
    struct writer writer = {.pid = fork(), .go = go[1]};
    if (writer.pid == 0) {
        hid_t file = h5_write_open(path, o, pixels);
        if (end == KILL) H5Fflush(file, H5F_SCOPE_LOCAL);
        ssize_t told = write(there[1], &byte, 1) == 1 ? read(go[0], &byte, 1) : -1;
        if (end != KILL) H5Fclose(file);
        _exit(told == 1 && file >= 0 ? 0 : 1);
    }
    close(go[0]);
    close(there[1]);
    if (read(there[0], &byte, 1) != 1) testAbort("the writer of %s failed", path);
    close(there[0]);
    return writer;
}

static void tell(const struct writer *writer)
{
    if (write(writer->go, "", 1) != 1) testAbort("the writer is gone");
}

static bool reap(const struct writer *writer)
{
    int status;

    close(writer->go);
    return waitpid(writer->pid, &status, 0) == writer->pid && status == 0;
}

static void test_busy(void)
{
    const char *path = h5_test_path("busy.h5");
    struct h5_options o = options();
    oph_frames *frames = NULL;
    oph_error err;
    struct writer writer = start_writer(path, &o, CLOSE);

    testOk1(h5_test_says(oph_frames_open(path, NULL, 0.1, &frames, &err), OPH_EBUSY, &err,
                         "busy.h5|the IOC still writes this file|after 0."));
    testOk1(!frames);
    tell(&writer);
    testOk(oph_frames_open(path, NULL, 10, &frames, &err) == 0 && readable(frames),
           "it opens when the writer closes it");
    oph_frames_free(frames);
    testOk1(reap(&writer));

    /* A file that comes into being while it is waited for. */
    const char *later = h5_test_path("later.h5"), *hidden = h5_test_path("hidden.h5");
    testOk1(h5_write(hidden, &o, pixels));
    pid_t pid = fork();
    if (pid == 0) _exit(rename(hidden, later) != 0);
    testOk1(oph_frames_open(later, NULL, 10, &frames, &err) == 0 && readable(frames));
    oph_frames_free(frames);
    waitpid(pid, NULL, 0);
}

static void test_killed(void)
{
    const char *path = h5_test_path("killed.h5");
    struct h5_options o = options();
    struct writer writer = start_writer(path, &o, KILL);

    tell(&writer);
    testOk(reap(&writer) && opens(path), "a killed writer's old format, after its flush");

    /* The new format keeps a mark that says open for writing: set it, as a killed writer leaves it.
     */
    const unsigned char mark = 1;
    o.swmr = true;
    testOk1(h5_write(path, &o, pixels) && opens(path));
    int fd = open(path, O_WRONLY);
    testOk1(pwrite(fd, &mark, 1, 11) == 1);
    close(fd);
    testOk1(refused(path, NULL, OPH_EBUSY, "the IOC still writes this file|killed|h5clear -s"));
}

static void test_swmr(void)
{
    const char *path = h5_test_path("swmr.h5");
    struct h5_options o = options();
    o.swmr = true;
    struct writer writer = start_writer(path, &o, SWMR_CLOSE);
    oph_frames *frames = h5_test_open(path, NULL);

    testOk(readable(frames), "a SWMR writer's frames, while it writes");
    tell(&writer);
    testOk1(reap(&writer));
    testOk(readable(frames), "and after it closed the file");
    oph_frames_free(frames);
    testOk1(opens(path));
}

/* The writer may make the file anew whatever readers do, and they notice. */
static void test_made_anew(void)
{
    const char *path = h5_test_path("anew.h5");
    struct h5_options o = options();
    int32_t got[PIXELS];
    oph_error err;

    testOk1(h5_write(path, &o, pixels));
    oph_frames *frames = h5_test_open(path, NULL);
    int fd = open(path, O_RDONLY);
    testOk(readable(frames) && flock(fd, LOCK_EX | LOCK_NB) == 0, "an open reader holds no lock");
    close(fd);
    o.dims[0] = 1;
    testOk(h5_write(path, &o, pixels), "a file is made anew while somebody reads it");
    testOk1(h5_test_says(oph_frames_read(frames, 0, 1, got, sizeof got, &err), OPH_EFILE, &err,
                         "written to after it was opened"));
    oph_frames *other = h5_test_open(path, NULL);
    oph_frames_info info = {.size = sizeof info};
    testOk(other && oph_frames_describe(other, &info, &err) == 0 && info.shape[0] == 1,
           "who opens it then sees the new one");
    oph_frames_free(other);
    oph_frames_free(frames);
}

static void test_environment(void)
{
    const char *path = h5_test_path("locked.h5");
    struct h5_options o = options();

    testOk1(h5_write(path, &o, pixels));
    setenv("HDF5_USE_FILE_LOCKING", "TRUE", 1);
    oph_frames *frames = h5_test_open(path, NULL);
    int fd = open(path, O_RDONLY);
    testOk(readable(frames) && flock(fd, LOCK_EX | LOCK_NB) == 0,
           "no lock, even where the environment asks for one");
    close(fd);
    oph_frames_free(frames);
    unsetenv("HDF5_USE_FILE_LOCKING");
}

static herr_t count_error(hid_t stack, void *arg)
{
    (void)stack;
    ++*(int *)arg;
    return 0;
}

static void test_host(void)
{
    H5E_auto2_t handler;
    void *arg;
    int count = 0;

    H5Eget_auto2(H5E_DEFAULT, &handler, &arg);
    H5Eset_auto2(H5E_DEFAULT, count_error, &count);
    const char *path = h5_test_path("host.h5");
    struct h5_options o = options();
    testOk1(h5_write(path, &o, pixels) && refused(path, "/nothing", OPH_EFILE, "no such"));
    testOk(count == 0, "the program's own error handler is not called");
    H5E_auto2_t now;
    H5Eget_auto2(H5E_DEFAULT, &now, NULL);
    testOk(now == count_error && H5Gopen2(-1, "x", H5P_DEFAULT) < 0 && count == 1, "and is back");
    H5Eset_auto2(H5E_DEFAULT, handler, arg);
}

static void test_unfinished(void)
{
    const char *path = h5_test_path("unfinished.h5");
    static const char zeros[4096], noise[4096] = "no HDF5 file at all";

    write_bytes(path, "", 0);
    testOk1(refused(path, NULL, OPH_EBUSY, "the IOC still writes this file: it is empty"));
    write_bytes(path, zeros, sizeof zeros);
    testOk1(refused(path, NULL, OPH_EBUSY, "the IOC still writes this file: it has no header yet"));
    write_bytes(path, noise, sizeof noise);
    testOk1(refused(path, NULL, OPH_EFILE,
                    "unfinished.h5|4096 bytes that are no HDF5, TIFF or CBF file"));
    write_bytes(path, noise, 5);
    testOk1(refused(path, NULL, OPH_EFILE, "5 bytes that are no HDF5, TIFF or CBF file"));
    write_bytes(path, "\211HDF\r\n\032\n", 8);
    testOk1(refused(path, NULL, OPH_EFILE, "8 bytes that are no HDF5, TIFF or CBF file"));
}

int main(void)
{
    testPlan(0);
    test_no_such();
    test_no_image();
    test_other_files();
    test_missing();
    test_busy();
    test_killed();
    test_swmr();
    test_made_anew();
    test_environment();
    test_host();
    test_unfinished();
    h5_test_cleanup();
    return testDone();
}
