/* Test a program without a beamline: start two simulated detectors on ports of their own, take an
 * image on each, stop them. In a test of yours, one is enough.
 *
 *     simulated [FOLDER]
 *
 * A simulated Pilatus writes its raw images into that folder. */
#include <cophyd/cophyd.h>
#include <cophyd/simulator.h>

static const char classes[] = "class Camera : SingleTrigger DetectorBase\n"
                              "dev   cam   cam1:   CamBase\n"
                              "dev   image image1: ImagePlugin\n"
                              "stage cam   image_mode=Single acquire_time=0.01\n";

static int take_image(oph_context *ctx, const char *prefix, oph_error *err)
{
    static unsigned char pixels[487 * 195 * 4];
    oph_image_info info = {.size = sizeof info};
    oph_device *det = NULL, *image = NULL;
    int rc = oph_device_new(ctx, "Camera", prefix, "det", &det, err);
    if (!rc) rc = oph_device_child(det, "image", &image, err);
    if (!rc) rc = oph_acquire(det, OPH_DEFAULT, NULL, err);
    if (!rc) rc = oph_image_read(image, OPH_DEFAULT, pixels, sizeof pixels, &info, err);
    if (!rc)
        printf("%s %lld x %lld %s\n", prefix, (long long)info.shape[1], (long long)info.shape[0],
               oph_dtype_name(info.dtype));
    oph_device_free(det);
    return rc;
}

/* A context looks where its process was told to when it was made. */
static int take_images(oph_simulator *const sims[2], oph_error *err)
{
    oph_context *ctx = NULL;
    int rc = oph_simulator_use(sims, 2, err);
    if (!rc) rc = oph_context_new(NULL, &ctx, err);
    if (!rc) rc = oph_class_parse(ctx, classes, "simulated.c", NULL, err);
    if (!rc) rc = take_image(ctx, "A:", err);
    if (!rc) rc = take_image(ctx, "B:", err);
    oph_context_free(ctx);
    return rc;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "/tmp/cophyd-simulated";
    const char *const pilatus[] = {"--prefix", "A:", "--size", "487x195", "--raw", folder, NULL};
    const char *const other[] = {"--prefix", "B:",    "--class", "simdetector",
                                 "--size",   "64x48", NULL};
    oph_simulator *sims[2] = {NULL, NULL};
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_simulator_start(pilatus, &sims[0], &err);
    if (!rc) rc = oph_simulator_start(other, &sims[1], &err);
    if (!rc) rc = take_images(sims, &err);
    for (int i = 0; i < 2; i++) {
        int stopped = oph_simulator_stop(sims[i], rc ? NULL : &err);
        if (!rc) rc = stopped;
    }
    oph_error_print(&err, stderr);
    return rc != 0;
}
