/* The live image over Channel Access, into the caller's buffer. */
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <string.h>

enum { COLS = 487, ROWS = 195, PIXELS = COLS * ROWS };

static struct detector d;
static int32_t pixels[PIXELS];

static void before_any_frame(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_image_info info = {.size = sizeof info, .unique_id = 77};
    check_refused(oph_image_read(d.image, OPH_DEFAULT, pixels, sizeof pixels, &info, &err), &err,
                  OPH_ESTATE, "det.image.array_data", "Pilatus:image1:ArrayData", "an image",
                  "no frame");
    testOk(info.unique_id == 77, "the answer is untouched");
}

static void image_is(int frame)
{
    oph_error err = OPH_ERROR_INIT;
    oph_image_info info = {.size = sizeof info};
    long wrong = 0;
    memset(pixels, 0xff, sizeof pixels);
    check_done(oph_image_read(d.image, OPH_DEFAULT, pixels, sizeof pixels, &info, &err), &err,
               "the image is read");
    testOk(info.size == sizeof info && info.dtype == OPH_INT32 && info.rank == 2 &&
               info.shape[0] == ROWS && info.shape[1] == COLS &&
               info.bytes == (int64_t)sizeof pixels,
           "it is int32, %d rows of %d", ROWS, COLS);
    testOk(info.unique_id == frame, "it is frame %d", frame);
    for (int i = 0; i < PIXELS; i++)
        wrong += pixels[i] != (7919 * frame + 2500 * (i / COLS) + i % COLS) % 1048576;
    testOk(wrong == 0, "every pixel is right: %ld wrong", wrong);
}

static void wrong_calls(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_image_info info = {.size = sizeof info};
    char bytes[32];
    snprintf(bytes, sizeof bytes, "%zu", sizeof pixels);
    check_refused(oph_image_read(d.image, OPH_DEFAULT, pixels, sizeof pixels - 1, &info, &err),
                  &err, OPH_ERANGE, "det.image.array_data", "Pilatus:image1:ArrayData", bytes,
                  NULL);
    check_refused(oph_image_read(d.image, OPH_DEFAULT, NULL, 0, &info, &err), &err, OPH_ERANGE,
                  "det.image.array_data", "Pilatus:image1:ArrayData", bytes, NULL);
    check_refused(oph_image_read(d.cam, OPH_DEFAULT, pixels, sizeof pixels, &info, &err), &err,
                  OPH_ENOTFOUND, "det.cam", NULL, NULL, "no such attribute");
}

int main(void)
{
    testPlan(0);
    detector_start(&d, (const char *const[]){"--size", "487x195", NULL}, NULL);
    before_any_frame();
    detector_works(&d, "once");
    image_is(1);
    wrong_calls();
    detector_works(&d, "again");
    image_is(2);
    detector_file_is(&d, 1, 2, COLS, ROWS);
    detector_end(&d);
    return testDone();
}
