/* How long after its writer has flushed it a frame of a growing file is seen, woken by a descriptor
 * as by a monitor of NumCaptured.
 *
 *     seen frame_seen        our side
 *     seen write PATH        the writer, of h5py's side too: writes and flushes a frame for each
 * byte that it reads, and answers with when that was done, as a double */
#include "bench/side.h"
#include "lib/h5_write.h"

#include <cophyd/frames.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 512, COLS = 512, FRAMES = 100 };

static void need(int rc, const oph_error *err)
{
    side_need(rc == 0, err->text);
}

static int32_t pixels[ROWS * COLS];

static bool write_frame(hid_t dataset, hsize_t frame)
{
    hsize_t dims[3] = {frame + 1, ROWS, COLS}, at[3] = {frame};
    pixels[0] = (int32_t)frame;
    return H5Dset_extent(dataset, dims) >= 0 &&
           H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, at, sizeof pixels, pixels) >= 0 &&
           H5Dflush(dataset) >= 0;
}

static int be_writer(const char *path, int in, int out)
{
    const struct h5_options options = {.type = H5T_STD_I32LE,
                                       .memory = H5T_NATIVE_INT32,
                                       .rank = 3,
                                       .dims = {0, ROWS, COLS},
                                       .chunk = {1, ROWS, COLS},
                                       .swmr = true};
    hid_t file = h5_write_open(path, &options, NULL);
    hid_t dataset = H5Dopen2(file, "/entry/data/data", H5P_DEFAULT);
    double when = side_now();
    char order;
    bool ok = dataset >= 0 && write(out, &when, sizeof when) == sizeof when;
    for (hsize_t frame = 0; ok && read(in, &order, 1) == 1; frame++) {
        ok = write_frame(dataset, frame);
        when = side_now();
        ok = ok && write(out, &when, sizeof when) == sizeof when;
    }
    return !ok;
}

struct seen {
    int to, from;
    oph_frames *frames;
    int64_t known;
};

static double hear(const struct seen *s)
{
    double when;
    side_need(read(s->from, &when, sizeof when) == sizeof when, "the writer is gone");
    return when;
}

static void *set_up(void)
{
    static struct seen s;
    const char *folder = getenv("FRAMES");
    char path[400];
    int to[2], from[2];
    oph_error err;
    side_need(folder && !pipe(to) && !pipe(from),
              "wanted FRAMES, the folder of the files, and pipes");
    snprintf(path, sizeof path, "%s/seen.h5", folder);
    if (fork() == 0) {
        close(to[1]);
        _exit(be_writer(path, to[0], from[1]));
    }
    close(to[0]);
    close(from[1]);
    s = (struct seen){.to = to[1], .from = from[0]};
    hear(&s);
    need(oph_frames_open_whole(path, NULL, 0, PATIENCE, &s.frames, &err), &err);
    return &s;
}

static void round_of_frames(void *state, struct measure *ret)
{
    struct seen *s = state;
    double sum = 0;
    for (int i = 0; i < FRAMES; i++) {
        double written = 0, now = 0;
        int64_t count = s->known;
        int32_t ended;
        oph_error err;
        side_need(write(s->to, "w", 1) == 1, "the writer is gone");
        while (count == s->known || written == 0) {
            int fd = written > 0 ? -1 : s->from;
            need(oph_frames_follow(s->frames, s->known, fd, PATIENCE, &count, &ended, &err), &err);
            if (count > s->known) now = side_now();
            if (written == 0) written = hear(s);
        }
        s->known = count;
        sum += now > written ? now - written : 0; /* seen before the flush has returned */
    }
    ret->value = sum / FRAMES;
}

int main(int argc, char **argv)
{
    static const struct bench benches[] = {{"frame_seen", set_up, round_of_frames},
                                           {NULL, NULL, NULL}};
    if (argc == 3 && strcmp(argv[1], "write") == 0) return be_writer(argv[2], 0, 1);
    return side_run(argc, argv, benches);
}
