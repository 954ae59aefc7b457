/* HDF5 files with bits flipped, cut, and spliced from others, opened and read twice: in a process
 * that is given up when it crashes, where the place of the crash tells whose fault it is; and here,
 * with libhdf5 apart, where nothing may crash. What libhdf5 itself does wrong is counted and told.
 * MUTANTS=N and SEED=N in the environment: so many, and others. */
#include "h5/h5.h"
#include "lib/h5_test.h"
#include "lib/h5_write.h"

#include <dlfcn.h>
#include <epicsUnitTest.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FRAMES = 5, ROWS = 16, COLS = 16, LONGEST = 1 << 16 };
enum { SECONDS = 20 }; /* for one mutant; it takes milliseconds */
enum { OURS = 1, LIBHDF5 = 2, UNKNOWN = 3 };

static uint64_t state;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(state >> 33) % below;
}

struct file {
    unsigned char bytes[LONGEST];
    size_t size;
};

/* --- Sound files */

static void load(const char *path, struct file *file)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, file->bytes, LONGEST);

    if (size <= 0 || size == LONGEST) testAbort("cannot read %s", path);
    file->size = (size_t)size;
    close(fd);
}

static void store(const char *path, const struct file *file)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

    if (write(fd, file->bytes, file->size) != (ssize_t)file->size) testAbort("no %s", path);
    close(fd);
}

static void add_ids(hid_t file)
{
    const int32_t ids[FRAMES] = {1, 2, 3, 4, 5};
    const hsize_t count = FRAMES, most = H5S_UNLIMITED, chunk = 4;
    hid_t links = H5Pcreate(H5P_LINK_CREATE), plist = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(1, &count, &most);

    H5Pset_create_intermediate_group(links, 1);
    H5Pset_chunk(plist, 1, &chunk);
    hid_t list = H5Dcreate2(file, "/entry/instrument/NDAttributes/NDArrayUniqueId",
                            H5T_NATIVE_INT32, space, links, plist, H5P_DEFAULT);
    if (H5Dwrite(list, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, ids) < 0)
        testAbort("no list");
    H5Dclose(list);
    H5Sclose(space);
    H5Pclose(plist);
    H5Pclose(links);
}

static void write_file(struct h5_options o, struct file *ret)
{
    static int32_t pixels[FRAMES * ROWS * COLS];
    const char *path = h5_test_path("sound.h5");

    for (int i = 0; i < FRAMES * ROWS * COLS; i++)
        pixels[i] = i % 5 ? i % 30 : 77 * i;
    o.type = H5T_STD_I32LE;
    o.memory = H5T_NATIVE_INT32;
    o.rank = 3;
    memcpy(o.dims, (hsize_t[]){FRAMES, ROWS, COLS}, 3 * sizeof(hsize_t));
    hid_t file = h5_write_open(path, &o, pixels);
    if (file < 0) testAbort("no file");
    if (!o.swmr) add_ids(file); /* the others are of the newest form, which has checksums */
    H5Fclose(file);
    load(path, ret);
}

/* --- Mutants */

/* Where a byte is changed: most often among what is not pixels. */
static uint32_t somewhere(const struct file *file)
{
    const size_t head = 4096 < file->size ? 4096 : file->size;

    return any((uint32_t)(any(4) ? head : file->size));
}

static void flip(struct file *file)
{
    for (uint32_t n = 1 + any(6); n > 0; n--)
        file->bytes[somewhere(file)] ^= (unsigned char)(1 << any(8));
}

static void clobber(struct file *file)
{
    static const unsigned char values[] = {0, 1, 0x7F, 0x80, 0xFF};
    uint32_t at = somewhere(file), run = 1 + any(8);

    for (uint32_t i = at; i < at + run && i < file->size; i++)
        file->bytes[i] = any(2) ? values[any(sizeof values)] : (unsigned char)any(256);
}

static void transplant(struct file *file, const struct file *other)
{
    uint32_t run = 1 + any(512), from = somewhere(other), to = somewhere(file);

    for (uint32_t i = 0; i < run && from + i < other->size && to + i < file->size; i++)
        file->bytes[to + i] = other->bytes[from + i];
}

static void mutate(struct file *file, const struct file *other)
{
    switch (any(8)) {
    case 0: file->size = 1 + any((uint32_t)file->size); break;
    case 1:
    case 2: transplant(file, other); break;
    case 3:
    case 4: clobber(file); break;
    default: flip(file);
    }
}

/* --- Reading one */

static bool read_all(oph_frames *frames)
{
    static int32_t pixels[FRAMES * ROWS * COLS];
    oph_frames_info info = {.size = sizeof info};
    oph_frame_stamp stamps[FRAMES];
    oph_error err = OPH_ERROR_INIT;
    bool good = oph_frames_describe(frames, &info, &err) == 0;

    for (int64_t i = 0; good && i < info.shape[0] && i < FRAMES; i++) {
        /* A damaged shape may have large frames; those are the caller's to refuse. */
        if (info.frame_bytes > (int64_t)sizeof pixels) break;
        int rc = oph_frames_read(frames, i, 1, pixels, sizeof pixels, &err);
        good = rc == 0 || (rc == err.code && *err.text);
    }
    if (good && info.shape[0] >= FRAMES) {
        int rc = oph_frames_stamps(frames, 0, FRAMES, stamps, &err);
        good = rc == 0 || (rc == err.code && *err.text);
    }
    return good;
}

static bool read_file(const char *path, bool isolated, bool *ret_crashed)
{
    oph_frames *frames = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = isolated ? oph_frames_open_isolated(path, NULL, 0, 0, &frames, &err)
                      : oph_frames_open(path, NULL, 0, &frames, &err);

    if (ret_crashed) *ret_crashed = rc && strstr(err.text, "libhdf5 ");
    if (rc) return rc == err.code && *err.text;
    oph_frames_set_threads(frames, 1, NULL);
    bool good = read_all(frames);
    if (ret_crashed) *ret_crashed = isolated && frames->is_apart && frames->child.line < 0;
    oph_frames_free(frames);
    return good;
}

/* Whose code it is that went wrong: the innermost that is not the C library's, below the handler's
 * own frame and that of the C library which called it. */
static int whose(void *const *places, int count)
{
    Dl_info here, info;
    bool in_handler = false, below = false;

    if (!dladdr((const void *)(uintptr_t)&read_file, &here)) return UNKNOWN;
    for (int i = 0; i < count; i++) {
        if (!dladdr(places[i], &info) || !info.dli_fname) continue;
        bool is_ours = info.dli_fbase == here.dli_fbase;
        if (below && strstr(info.dli_fname, "libhdf5")) return LIBHDF5;
        if (below && is_ours) return OURS;
        below = below || (in_handler && !is_ours);
        in_handler = in_handler || is_ours;
    }
    return UNKNOWN;
}

static void on_crash(int number)
{
    void *places[64];

    (void)number;
    _exit(100 + whose(places, backtrace(places, sizeof places / sizeof places[0])));
}

/* In a process of its own: how that ended. */
static int outcome(bool (*fn)(const char *path), const char *path)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
            signal(crashes[i], on_crash);
        alarm(SECONDS);
        _exit(fn(path) ? 0 : 1);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGALRM ? SIGALRM : 100 + UNKNOWN;
    return WEXITSTATUS(status);
}

static bool read_plainly(const char *path)
{
    return read_file(path, false, NULL);
}

/* That crashes are told apart. */

static bool crash_here(const char *path)
{
    if (path) abort();
    return true;
}

static bool crash_libhdf5(const char *path)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t list = H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);

    return H5Dread(list, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, (void *)16) >= 0;
}

static void test_outcomes(const struct file *sound)
{
    const char *path = h5_test_path("mutant.h5");

    store(path, sound);
    testOk1(outcome(read_plainly, path) == 0);
    testOk1(outcome(crash_here, path) == 100 + OURS);
    int crashed = outcome(crash_libhdf5, path);
    testOk(crashed == 100 + LIBHDF5, "a crash in libhdf5 is told as such (%d)", crashed);
}

struct tally {
    int mutants, crashes, hangs, isolated, wrong;
};

static void keep(const char *what, const struct file *file, int number)
{
    char path[200];

    snprintf(path, sizeof path, "/tmp/cophyd-mutant-%d-%s.h5", number, what);
    store(path, file);
    testDiag("%s: see %s", what, path);
}

static void try_one(const struct file *mutant, int number, struct tally *tally)
{
    const char *path = h5_test_path("mutant.h5");
    bool crashed = false;

    store(path, mutant);
    int ended = outcome(read_plainly, path);
    tally->mutants++;
    tally->crashes += ended == 100 + LIBHDF5;
    tally->hangs += ended == SIGALRM;
    bool good = ended == 0 || ended == SIGALRM || ended == 100 + LIBHDF5;
    if (!good) keep(ended == 1 ? "no-sentence" : "crash", mutant, number);
    if (!read_file(path, true, &crashed)) {
        good = false;
        keep("isolated", mutant, number);
    }
    tally->isolated += crashed;
    tally->wrong += !good;
}

static int from_environment(const char *name, int usual)
{
    const char *text = getenv(name);

    return text ? (int)strtol(text, NULL, 10) : usual;
}

int main(void)
{
    static const struct h5_options kinds[] = {
        {.rank = 3},
        {.chunk = {1, ROWS, COLS}},
        {.chunk = {2, 8, 8}, .deflate = 1, .shuffle = true},
        {.chunk = {1, ROWS, COLS}, .bitshuffle = 1},
        {.chunk = {1, ROWS, COLS}, .swmr = true},
        {.chunk = {1, ROWS, COLS}, .deflate = 1, .swmr = true},
    };
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    static struct file sound[KINDS], mutant;
    struct tally tally = {0};
    void *place;

    testPlan(0);
    state = (uint64_t)from_environment("SEED", 1);
    backtrace(&place, 1); /* loads what it needs */
    for (int i = 0; i < KINDS; i++)
        write_file(kinds[i], &sound[i]);
    test_outcomes(&sound[1]);
    for (int i = 0; i < from_environment("MUTANTS", 300); i++) {
        mutant = sound[i % KINDS];
        mutate(&mutant, &sound[any(KINDS)]);
        try_one(&mutant, i, &tally);
    }
    testDiag(
        "%d mutants: libhdf5 crashed on %d and did not end on %d; apart from the program, on %d",
        tally.mutants, tally.crashes, tally.hangs, tally.isolated);
    testOk(tally.wrong == 0, "of %d mutants none breaks this library", tally.mutants);
    h5_test_cleanup();
    return testDone();
}
