/* What the calls of files, images and warm-ups refuse of their arguments, and what they say when
 * the IOC's answers fit no frame. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct detector d;
static int32_t pixels[64 * 48];
static char text[1024];

static void names(void)
{
    oph_error err = OPH_ERROR_INIT;
    char name[300];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    check_refused(oph_files_set_name(d.hdf1, OPH_NAME_FIXED, name, &err), &err, OPH_ERANGE,
                  "det.hdf1", NULL, "255 bytes", "299 of them");
    check_refused(oph_file_name(d.hdf1, 7, text, sizeof text, &err), &err, OPH_EINVAL, "det.hdf1",
                  NULL, "OPH_SIDE_IOC", "7");
    check_refused(oph_file_name(d.hdf1, OPH_SIDE_IOC, text, 10, &err), &err, OPH_ERANGE, "det.hdf1",
                  NULL, "a shorter name", "the buffer holds 9");
    check_refused(oph_files_get(d.hdf1, OPH_SIDE_IOC, text, 10, &err), &err, OPH_ERANGE, "det.hdf1",
                  NULL, "a shorter template", "the buffer holds 9");
}

/* A folder that was there when it was set. */
static void root(void)
{
    oph_error err = OPH_ERROR_INIT;
    char folder[] = "/tmp/cophyd-root-XXXXXX";
    if (!mkdtemp(folder)) testAbort("no folder");
    check_done(oph_files_set_root(d.hdf1, folder, &err), &err, "a root is set");
    if (rmdir(folder)) testAbort("no way to remove %s", folder);
    check_refused(oph_file_name(d.hdf1, OPH_SIDE_LOCAL, text, sizeof text, &err), &err, OPH_EFILE,
                  "det.hdf1", NULL, folder, "No such file");
    check_done(oph_files_set_root(d.hdf1, NULL, &err), &err, "none is set");
    check_done(oph_file_name(d.hdf1, OPH_SIDE_LOCAL, text, sizeof text, &err), &err, "the name");
}

static void cameras(void)
{
    static const char wanted[] = "a file plugin, or a detector that has some";
    oph_error err = OPH_ERROR_INIT;
    int32_t differs = 77;
    check_refused(oph_primed(d.cam, &differs, NULL, &err), &err, OPH_EINVAL, "det.cam", NULL,
                  wanted, "class MyPilatusDetectorCam");
    testOk(differs == 77, "the answer is untouched");
    check_refused(oph_warmup(d.cam, OPH_DEFAULT, &err), &err, OPH_EINVAL, "det.cam", NULL, wanted,
                  "class MyPilatusDetectorCam");
}

static int read_image(oph_error *err)
{
    oph_image_info info = {.size = sizeof info};
    return oph_image_read(d.image, OPH_DEFAULT, pixels, sizeof pixels, &info, err);
}

static void images(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_image_info none = {.size = 0};
    int rc = oph_image_read(d.image, OPH_DEFAULT, pixels, sizeof pixels, &none, &err);
    testOk(rc == OPH_EINVAL && strstr(err.text, "the info's size, found 0"), "%s", err.text);
    check_done(read_image(&err), &err, "an image");
    probe_set(d.probe, "sim1:Wild", "image1:NDimensions_RBV");
    check_refused(read_image(&err), &err, OPH_ETYPE, "det.image.ndimensions",
                  "Pilatus:image1:NDimensions_RBV", "at most 3 dimensions", "2147483647");
    probe_set(d.probe, "sim1:Wild", "");
    check_done(read_image(&err), &err, "and the image again");
}

/* A warm-up whose image the plugin does not show. */
static void warmups(void)
{
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_warmup(d.hdf1, OPH_DEFAULT, &err), &err, "a warm-up");
    probe_set(d.probe, "sim1:ReadbackStays", "HDF1:TimeStamp_RBV");
    check_refused(oph_warmup(d.hdf1, OPH_DEFAULT, &err), &err, OPH_EUNPRIMED, "det.hdf1",
                  "Pilatus:HDF1:TimeStamp_RBV", "the image of the warm-up",
                  "its frames come from \"PIL\"");
    probe_set(d.probe, "sim1:ReadbackStays", "");
    detector_unchanged(&d, "that");
    probe_set(d.probe, "sim1:Wild", "HDF1:ArraySizeX_RBV");
    check_refused(oph_warmup(d.hdf1, OPH_DEFAULT, &err), &err, OPH_EUNPRIMED,
                  "det.hdf1.array_size_xyz.array_size_x", "Pilatus:HDF1:ArraySizeX_RBV", "64x48",
                  "2147483647x48");
    probe_set(d.probe, "sim1:Wild", "");
    detector_unchanged(&d, "that");
    check_done(oph_warmup(d.hdf1, OPH_DEFAULT, &err), &err, "a warm-up again");
}

/* What the plugin says of the image comes one by one, and late. */
static void late(void)
{
    oph_error err = OPH_ERROR_INIT;
    probe_set(d.probe, "sim1:ReadbackLate", "HDF1:ArraySizeX_RBV,0.2");
    probe_set(d.probe, "cam1:SizeX", "32");
    check_done(oph_warmup(d.hdf1, OPH_DEFAULT, &err), &err, "a late width is waited for");
    probe_set(d.probe, "cam1:SizeX", "64");
    probe_set(d.probe, "sim1:ReadbackLate", "");
}

/* As the exposure is about to start: it fails, and what was written stays written. */
static int32_t break_it(void *user, const oph_put_notice *notice)
{
    (void)user;
    if (strcmp(notice->pv, "Pilatus:cam1:Acquire") != 0 || strcmp(notice->value, "Acquire") != 0)
        return 0;
    probe_attach(d.probe);
    probe_set(d.probe, "sim1:ExposureFails", "1");
    probe_set(d.probe, "sim1:ReadOnly", "cam1:NumImages");
    return 0;
}

static void besides(void)
{
    oph_error err = OPH_ERROR_INIT;
    probe_set(d.probe, "cam1:NumImages", "3");
    oph_context_on_put(d.ctx, break_it, NULL);
    int rc = oph_warmup(d.hdf1, OPH_DEFAULT, &err);
    oph_context_on_put(d.ctx, NULL, NULL);
    testOk(rc == OPH_EACQUIRE && strstr(err.text, "; besides: ") && strstr(err.text, "NumImages"),
           "%s", err.text);
    probe_set(d.probe, "sim1:ExposureFails", "0");
    probe_set(d.probe, "sim1:ReadOnly", "");
    probe_is(d.probe, "cam1:NumImages", "1");
    check_done(oph_recover(d.ctx, NULL, NULL, NULL, NULL, &err), &err, "it is put back later");
    probe_is(d.probe, "cam1:NumImages", "3");
    probe_set(d.probe, "cam1:NumImages", "1");
}

int main(void)
{
    const oph_context_options options = {.size = sizeof options, .put_timeout = 2};
    static const char *const arguments[] = {"--instant", NULL};
    testPlan(0);
    detector_start(&d, arguments, &options);
    detector_works(&d, "once");
    names();
    root();
    cameras();
    images();
    warmups();
    late();
    besides();
    detector_works(&d, "after all");
    detector_end(&d);
    return testDone();
}
