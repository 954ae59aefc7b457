/* Signals computed from those of the detector: its image with a shape, and a frame rate. */
#include "lib/derive.h"
#include "lib/detector.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>

enum { COLS = 487, ROWS = 195, PIXELS = COLS * ROWS, SIZES = 3 };

static struct detector d;
static int32_t pixels[PIXELS];
static oph_signal *frame;

static oph_signal *find(oph_device *dev, const char *path)
{
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_signal_find(dev, path, &sig, &err), &err);
    return sig;
}

static void make_frame(void)
{
    oph_signal *sizes[SIZES] = {find(d.image, "array_size_all.array_size0"),
                                find(d.image, "array_size_all.array_size1"),
                                find(d.image, "array_size_all.array_size2")};
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_shaped_new(d.ctx, "frame", find(d.image, "array_data"), sizes, SIZES,
                              find(d.image, "ndimensions"), &frame, &err),
               &err);
}

static void before_any_frame(void)
{
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    int64_t shape[SIZES] = {7, 7, 7};
    check_done(oph_signal_read(frame, NULL, &value, &err), &err, "read before any frame");
    testOk(value && oph_value_count(value) == 0 && oph_value_shape(value, shape, SIZES) == 1 &&
               shape[0] == 0,
           "nothing, of shape [0]");
    oph_value_free(value);
}

/* What oph_image_read gives, and what the camera makes. */
static void frame_is(const oph_value *value, int number, const char *what)
{
    oph_image_info info = {.size = sizeof info};
    oph_error err = OPH_ERROR_INIT;
    int64_t shape[SIZES] = {0};
    memset(pixels, 0xff, sizeof pixels);
    check_done(oph_image_read(d.image, OPH_DEFAULT, pixels, sizeof pixels, &info, &err), &err,
               "the live image");
    testOk(value && oph_value_dtype(value) == OPH_INT32 && oph_value_count(value) == PIXELS &&
               oph_value_shape(value, shape, SIZES) == 2 && shape[0] == ROWS && shape[1] == COLS &&
               shape[0] == info.shape[0] && shape[1] == info.shape[1],
           "%s: %d rows of %d", what, ROWS, COLS);
    testOk(value && info.unique_id == number &&
               !memcmp(oph_value_data(value), pixels, sizeof pixels) &&
               pixels[COLS + 1] == (7919 * number + 2500 + 1) % 1048576,
           "%s: every pixel is that of frame %d", what, number);
}

static void one_frame(int number)
{
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    check_done(oph_signal_read(frame, NULL, &value, &err), &err, "read");
    frame_is(value, number, "read");
    oph_value_free(value);
}

/* The next value that a queue gives, with as many elements. */
static oph_event *next_value(oph_queue *queue, size_t count)
{
    oph_event *event = NULL;
    while (oph_queue_next(queue, 20, &event, NULL) == 0) {
        const oph_value *value = oph_event_value(event);
        if (value && oph_value_count(value) == count) return event;
        oph_event_free(event);
    }
    testAbort("no value of %zu elements", count);
    return NULL;
}

static void updates(void)
{
    oph_queue *queue = NULL;
    oph_subscription *sub = NULL;
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_queue_new(d.ctx, &queue, &err), &err);
    derive_did(oph_subscribe_queue(frame, NULL, queue, NULL, &sub, &err), &err);
    oph_event *event = next_value(queue, PIXELS);
    frame_is(oph_event_value(event), 1, "the first update");
    oph_event_free(event);
    detector_works(&d, "again");
    event = next_value(queue, PIXELS);
    frame_is(oph_event_value(event), 2, "the next");
    oph_event_free(event);
    oph_subscription_free(sub);
    oph_queue_free(queue);
}

static void frame_rate(void)
{
    oph_signal *period = find(d.cam, "acquire_period");
    oph_signal *rate = derive(d.ctx, "frame_rate", &period, 1, derive_rate, derive_period);
    oph_error err = OPH_ERROR_INIT;
    double found = 0, before = 0;
    derive_did(oph_signal_put_double(period, 0.1, &err), &err);
    derive_did(oph_signal_get_double(period, &before, &err), &err);
    derive_is(rate, 1 / before);
    check_done(oph_signal_put_double(rate, 50, &err), &err, "50 frames a second");
    testOk1(oph_signal_get_double(period, &found, &err) == 0 && fabs(found - 0.02) < 1e-9);
    derive_is(rate, 50);
    check_refused(oph_signal_put_double(rate, 0, &err), &err, OPH_ERANGE, "frame_rate",
                  "frame_rate", "0", "a rate of 0 has no period");
    testOk1(oph_signal_get_double(period, &found, &err) == 0 && fabs(found - 0.02) < 1e-9);
    check_done(oph_signal_put_double(period, before, &err), &err, "put back");
    derive_is(rate, 1 / before);
    oph_signal_free(rate);
}

static void ioc_goes(void)
{
    const oph_read_options soon = {.size = sizeof soon, .timeout = 0.2};
    oph_queue *queue = NULL;
    oph_subscription *sub = NULL;
    oph_event *event = NULL;
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    int32_t kind = 0;
    derive_did(oph_queue_new(d.ctx, &queue, &err), &err);
    derive_did(oph_subscribe_queue(frame, NULL, queue, NULL, &sub, &err), &err);
    oph_event_free(next_value(queue, PIXELS));
    sim_kill(d.sim);
    while (kind != OPH_EVENT_DISCONNECTED && oph_queue_next(queue, 20, &event, NULL) == 0) {
        kind = oph_event_kind(event);
        oph_event_free(event);
    }
    testOk(kind == OPH_EVENT_DISCONNECTED, "the IOC is gone");
    check_refused(oph_signal_read(frame, &soon, &value, &err), &err, OPH_EDISCONN, "frame", "frame",
                  NULL, "det.image.");
    testOk1(!value);
    oph_subscription_free(sub);
    oph_queue_free(queue);
}

int main(void)
{
    testPlan(0);
    detector_start(&d, (const char *const[]){"--size", "487x195", NULL}, NULL);
    make_frame();
    before_any_frame();
    detector_works(&d, "once");
    one_frame(1);
    updates();
    frame_rate();
    one_frame(2);
    ioc_goes();
    oph_signal_free(frame);
    detector_end(&d);
    return testDone();
}
