/* A file that another process makes longer, in SWMR mode, is followed to its end. */
#include "lib/h5_test.h"
#include "lib/h5_write.h"

#include <dlfcn.h>
#include <epicsUnitTest.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 8, COLS = 8, FRAME = ROWS * COLS };

/* A writer that does as it is told: 'w' writes and flushes a frame, 'c' closes the file. It answers
 * each with the same letter. */
struct writer {
    pid_t pid;
    int to, from;
};

static int32_t pixel(int64_t frame, int i)
{
    return (int32_t)(frame * 1000 + i);
}

static bool write_frame(hid_t dataset, hsize_t frame)
{
    int32_t pixels[FRAME];
    hsize_t dims[3] = {frame + 1, ROWS, COLS}, at[3] = {frame};

    for (int i = 0; i < FRAME; i++)
        pixels[i] = pixel((int64_t)frame, i);
    return H5Dset_extent(dataset, dims) >= 0 &&
           H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, at, sizeof pixels, pixels) >= 0 &&
           H5Dflush(dataset) >= 0;
}

static void obey(const char *path, int in, int out)
{
    struct h5_options o = {.type = H5T_STD_I32LE,
                           .memory = H5T_NATIVE_INT32,
                           .rank = 3,
                           .dims = {0, ROWS, COLS},
                           .chunk = {1, ROWS, COLS},
                           .swmr = true};
    hid_t file = h5_write_open(path, &o, NULL);
    hid_t dataset = H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    hsize_t frame = 0;
    char order = 'o';
    bool ok = dataset >= 0;

    while (ok && write(out, &order, 1) == 1 && read(in, &order, 1) == 1) {
        if (order == 'w') ok = write_frame(dataset, frame++);
        if (order == 'c') ok = H5Dclose(dataset) >= 0 && H5Fclose(file) >= 0;
    }
    _exit(ok ? 0 : 1);
}

static void hear(const struct writer *w, char wanted)
{
    char answer = 0;

    if (read(w->from, &answer, 1) != 1 || answer != wanted)
        testAbort("wanted the writer's '%c', found '%c'", wanted, answer);
}

static void tell(const struct writer *w, char order)
{
    if (write(w->to, &order, 1) != 1) testAbort("the writer is gone");
}

static void order(const struct writer *w, char order)
{
    tell(w, order);
    hear(w, order);
}

static struct writer start(const char *path)
{
    int to[2], from[2];

    if (pipe(to) || pipe(from)) testAbort("no pipe");
    struct writer w = {.pid = fork(), .to = to[1], .from = from[0]};
    if (w.pid == 0) {
        close(to[1]);
        close(from[0]);
        obey(path, to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    hear(&w, 'o');
    return w;
}

static void end(const struct writer *w, int wanted)
{
    int status = 0;

    close(w->to);
    close(w->from);
    waitpid(w->pid, &status, 0);
    if (status != wanted) testAbort("the writer ended with %d", status);
}

static const struct writer *finisher; /* writes its last frame and closes, after the next look */

herr_t H5Drefresh(hid_t dataset)
{
    herr_t (*real)(hid_t);
    void *symbol = dlsym(RTLD_NEXT, "H5Drefresh");

    memcpy(&real, &symbol, sizeof real);
    herr_t rc = real(dataset);
    if (!finisher) return rc;
    order(finisher, 'w');
    order(finisher, 'c');
    finisher = NULL;
    return rc;
}

static oph_frames *open_file(const char *path, int64_t count)
{
    oph_frames *frames = NULL;
    oph_error err;

    if (oph_frames_open_whole(path, NULL, count, 20, &frames, &err)) testAbort("%s", err.text);
    return frames;
}

static bool is_right(oph_frames *frames, int64_t frame)
{
    int32_t got[FRAME];
    oph_error err;

    if (oph_frames_read(frames, frame, 1, got, sizeof got, &err)) {
        testDiag("%s", err.text);
        return false;
    }
    for (int i = 0; i < FRAME; i++)
        if (got[i] != pixel(frame, i)) return false;
    return true;
}

static bool grows(oph_frames *frames, int64_t known, int64_t count, int32_t ended)
{
    int64_t got = -1;
    int32_t end = -1;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_frames_follow(frames, known, -1, 20, &got, &end, &err);

    if (rc || got != count || end != ended)
        testDiag("wanted %lld %d, found %lld %d %s", (long long)count, ended, (long long)got, end,
                 err.text);
    return rc == 0 && got == count && end == ended;
}

static void test_growth(void)
{
    const char *path = h5_test_path("growth.h5");
    struct writer w = start(path);
    oph_frames *frames = open_file(path, 0);
    int64_t got;
    int32_t ended;
    oph_error err;
    bool ok = true;

    testOk(h5_test_says(oph_frames_follow(frames, 0, -1, 0, &got, &ended, &err), OPH_ETIMEOUT, &err,
                        "more than 0 frames in|growth.h5|found 0|killed"),
           "there is none yet");
    for (int64_t i = 0; i < 200 && ok; i++) {
        tell(&w, 'w'); /* while we wait */
        ok = grows(frames, i, i + 1, 0) && is_right(frames, i);
        hear(&w, 'w');
    }
    testOk(ok, "200 frames, each while it is written");
    for (int i = 0; i < 5; i++)
        order(&w, 'w');
    testOk(grows(frames, 200, 205, 0), "several at once");
    oph_frames *late = open_file(path, 205);
    testOk(is_right(late, 204), "who comes later sees them all");
    tell(&w, 'w');
    tell(&w, 'c');
    hear(&w, 'w');
    hear(&w, 'c');
    testOk(grows(frames, 205, 206, 1) && is_right(frames, 205), "the last one, and the end");
    testOk(grows(frames, 206, 206, 1) && is_right(frames, 0), "an end that stays");
    oph_frames_free(late);
    oph_frames_free(frames);
    end(&w, 0);
    frames = open_file(path, 206);
    testOk(grows(frames, 206, 206, 1), "a closed file has ended");
    oph_frames_free(frames);
    frames = NULL;
    testOk(h5_test_says(oph_frames_open_whole(path, NULL, 300, 0.1, &frames, &err), OPH_EBUSY, &err,
                        "growth.h5|206 frames of 300|the IOC still writes this file|after 0.") &&
               !frames,
           "a file that lacks frames");
}

static void test_descriptor(void)
{
    const char *path = h5_test_path("descriptor.h5");
    struct writer w = start(path);
    oph_frames *frames = open_file(path, 0);
    int64_t got = -1;
    int32_t ended = -1;
    int fds[2];
    oph_error err;

    if (pipe(fds) || write(fds[1], "", 1) != 1) testAbort("no pipe");
    testOk(oph_frames_follow(frames, 0, fds[0], OPH_FOREVER, &got, &ended, &err) == 0 && got == 0 &&
               ended == 0,
           "the caller's descriptor ends the wait");
    order(&w, 'w');
    testOk1(oph_frames_follow(frames, 0, fds[0], OPH_FOREVER, &got, &ended, &err) == 0 && got == 1);
    testOk1(h5_test_says(oph_frames_follow(frames, -1, -1, 0, &got, &ended, &err), OPH_ERANGE, &err,
                         "found -1"));
    testOk1(h5_test_says(oph_frames_follow(frames, 0, -1, 0, NULL, &ended, &err), OPH_EINVAL, &err,
                         "NULL"));
    testOk1(h5_test_says(oph_frames_follow(NULL, 0, -1, 0, &got, &ended, &err), OPH_EINVAL, &err,
                         "NULL"));
    oph_frames_free(frames);
    end(&w, 0);
    close(fds[0]);
    close(fds[1]);
}

static void *wait_for_more(void *arg)
{
    return (void *)(intptr_t)grows(arg, 0, 1, 0);
}

static void test_wake(void)
{
    const char *path = h5_test_path("wake.h5");
    struct writer w = start(path);
    oph_frames *frames = open_file(path, 0);
    pthread_t thread;
    void *ok;

    for (int i = 0; i < 1000; i++)
        oph_frames_wake(frames);
    oph_frames_wake(NULL);
    pthread_create(&thread, NULL, wait_for_more, frames);
    for (int i = 0; i < 1000; i++)
        oph_frames_wake(frames);
    order(&w, 'w');
    oph_frames_wake(frames);
    pthread_join(thread, &ok);
    testOk(ok != NULL, "woken for nothing, it goes on waiting");
    oph_frames_free(frames);
    end(&w, 0);
}

static void test_end_behind_a_look(void)
{
    const char *path = h5_test_path("end.h5");
    struct writer w = start(path);

    order(&w, 'w');
    oph_frames *frames = open_file(path, 1);
    finisher = &w;
    testOk(grows(frames, 1, 2, 1) && is_right(frames, 1), "a file that ends has all its frames");
    oph_frames_free(frames);
    end(&w, 0);
}

static void test_killed(void)
{
    const char *path = h5_test_path("killed.h5");
    struct writer w = start(path);
    int64_t got;
    int32_t ended;
    oph_error err;

    order(&w, 'w');
    oph_frames *frames = open_file(path, 1);
    kill(w.pid, SIGKILL);
    end(&w, SIGKILL);
    testOk(grows(frames, 0, 1, 0) && is_right(frames, 0), "what a killed writer flushed");
    testOk1(h5_test_says(oph_frames_follow(frames, 1, -1, 0.1, &got, &ended, &err), OPH_ETIMEOUT,
                         &err, "more than 1 frames in|found 1|killed|after 0."));
    oph_frames_free(frames);
}

int main(void)
{
    testPlan(0);
    test_growth();
    test_descriptor();
    test_wake();
    test_end_behind_a_look();
    test_killed();
    h5_test_cleanup();
    return testDone();
}
