/* Read the newest image of the image plugin over Channel Access: to look at, not to keep.
 *
 *     live_image [PREFIX] */
#include <cophyd/cophyd.h>
#include <inttypes.h>
#include <stdlib.h>

/* Enough for a Pilatus 6M: 2527 x 2463 pixels of 4 bytes. */
enum { MOST_BYTES = 2527 * 2463 * 4 };

static int show_image(oph_device *image, void *pixels, oph_error *err)
{
    oph_image_info info = {.size = sizeof info};
    int rc = oph_image_read(image, OPH_DEFAULT, pixels, MOST_BYTES, &info, err);
    if (rc) return rc;
    printf("image %" PRId32 ": %" PRId64 " x %" PRId64 " %s\n", info.unique_id, info.shape[0],
           info.shape[1], oph_dtype_name(info.dtype));
    if (info.dtype == OPH_INT32) printf("first pixel: %" PRId32 "\n", *(const int32_t *)pixels);
    return 0;
}

int main(int argc, char **argv)
{
    char prefix[128];
    oph_context *ctx = NULL;
    oph_device *image = NULL;
    oph_error err = OPH_ERROR_INIT;
    void *pixels = malloc(MOST_BYTES);
    if (!pixels) {
        perror("live_image");
        return 1;
    }
    snprintf(prefix, sizeof prefix, "%simage1:", argc > 1 ? argv[1] : "Pilatus:");
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc) rc = oph_device_new(ctx, "ImagePlugin", prefix, "image", &image, &err);
    if (!rc) rc = show_image(image, pixels, &err);
    oph_error_print(&err, stderr);
    oph_device_free(image);
    oph_context_free(ctx);
    free(pixels);
    return rc != 0;
}
