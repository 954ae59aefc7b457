/* Compares each pixel of a simulated Pilatus's file with what it must be (cophyd-sim --help):
 * (7919 * frame + 2500 * y + x) mod 1048576. */
#include <cophyd/frames.h>
#include <inttypes.h>
#include <stdlib.h>

static int32_t pixel(int64_t frame, int64_t y, int64_t x)
{
    return (int32_t)((7919 * frame + 2500 * y + x) % 1048576);
}

/* The array's number, from its first pixel; -1 when there is none. */
static int64_t frame_of(int32_t first)
{
    for (int64_t n = 0; n < 100000; n++) {
        if (pixel(n, 0, 0) == first) return n;
    }
    return -1;
}

static int64_t count_wrong(const int32_t *pixels, int64_t rows, int64_t cols, int64_t frame)
{
    int64_t wrong = 0;
    for (int64_t y = 0; y < rows; y++) {
        for (int64_t x = 0; x < cols; x++)
            wrong += pixels[y * cols + x] != pixel(frame, y, x);
    }
    return wrong;
}

static int check(oph_frames *frames, oph_error *err)
{
    oph_frames_info info = {.size = sizeof info};
    int rc = oph_frames_describe(frames, &info, err);
    if (rc) return rc;
    int32_t *pixels = malloc((size_t)info.frame_bytes);
    if (!pixels || info.rank != 3 || info.dtype != OPH_INT32) {
        free(pixels);
        return -1;
    }
    for (int64_t n = 0; !rc && n < info.shape[0]; n++) {
        rc = oph_frames_read(frames, n, 1, pixels, (size_t)info.frame_bytes, err);
        if (rc) break;
        int64_t frame = frame_of(pixels[0]);
        int64_t wrong = count_wrong(pixels, info.shape[1], info.shape[2], frame);
        printf("frame %" PRId64 " (array %" PRId64 ", %s): %" PRId64 " pixels compared, %" PRId64
               " wrong\n",
               n, frame, info.filters, info.shape[1] * info.shape[2], wrong);
        if (frame < 0 || wrong) rc = -1;
    }
    free(pixels);
    return rc;
}

int main(int argc, char **argv)
{
    oph_error err = OPH_ERROR_INIT;
    oph_frames *frames = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: check_pixels FILE\n");
        return 2;
    }
    int rc = oph_frames_open(argv[1], NULL, OPH_DEFAULT, &frames, &err);
    if (!rc) rc = check(frames, &err);
    oph_frames_free(frames);
    oph_error_print(&err, stderr);
    return rc != 0;
}
