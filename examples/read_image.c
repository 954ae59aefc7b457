/* Read the frames of an HDF5 file that areaDetector wrote. Needs no IOC.
 *
 *     read_image FILE */
#include <cophyd/frames.h>
#include <inttypes.h>
#include <stdlib.h>

static int show_frame(oph_frames *frames, int64_t number, int32_t *pixels, size_t bytes,
                      oph_error *err)
{
    int rc = oph_frames_read(frames, number, 1, pixels, bytes, err);
    if (rc) return rc;
    int32_t low = pixels[0], high = pixels[0];
    for (size_t i = 1; i < bytes / sizeof *pixels; i++) {
        if (pixels[i] < low) low = pixels[i];
        if (pixels[i] > high) high = pixels[i];
    }
    printf("frame %" PRId64 ": %" PRId32 " to %" PRId32 "\n", number, low, high);
    return 0;
}

static int show_frames(oph_frames *frames, oph_error *err)
{
    oph_frames_info info = {.size = sizeof info};
    int rc = oph_frames_describe(frames, &info, err);
    if (rc) return rc;
    printf("frames: %" PRId64 ", each %" PRId64 " x %" PRId64 " %s; filters: %s\n", info.shape[0],
           info.shape[1], info.shape[2], oph_dtype_name(info.dtype), info.filters);
    int32_t *pixels = malloc((size_t)info.frame_bytes);
    if (!pixels || info.dtype != OPH_INT32) {
        fprintf(stderr, "read_image: wanted int32 pixels and memory for a frame of them\n");
        rc = -1;
    }
    for (int64_t n = 0; !rc && n < info.shape[0]; n++)
        rc = show_frame(frames, n, pixels, (size_t)info.frame_bytes, err);
    free(pixels);
    return rc;
}

int main(int argc, char **argv)
{
    oph_frames *frames = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (argc != 2) {
        fprintf(stderr, "usage: read_image FILE\n");
        return 2;
    }
    int rc = oph_frames_open(argv[1], NULL, OPH_DEFAULT, &frames, &err);
    if (!rc) rc = show_frames(frames, &err);
    oph_frames_free(frames);
    oph_error_print(&err, stderr);
    return rc != 0;
}
