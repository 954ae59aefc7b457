#include "ad/continuous_trigger.h"
#include "ad/run.h"

/* A warm-up, for which nothing is staged, takes one plain acquisition. */
static int start(oph_device *dev, oph_status *status, oph_error *err)
{
    const struct oph__course course = {.count = 1, .buffered = dev->tree->plan != NULL};
    return oph__run_start(dev, status, &course, err);
}

/* A trigger under way ends when the buffer is made to begin anew; the camera goes on. */
static int stop(oph_device *dev, oph_error *err)
{
    oph_signal *trigger, *capture;
    int64_t runs = 0;
    if (!dev->tree->plan) return oph__camera_stop(dev, err);
    int rc = oph_signal_find(dev, "cb.trigger_", &trigger, err);
    if (!rc) rc = oph_signal_find(dev, "cb.capture", &capture, err);
    struct oph__read read = {.sig = trigger};
    if (!rc) rc = oph__read_all(dev->ctx, &read, 1, OPH_DEFAULT, false, err);
    if (!rc) oph__value_int(&read.read, &runs);
    oph__reads_clear(&read, 1);
    if (rc || !runs) return rc;
    for (uint16_t on = 0; !rc && on <= 1; on++) {
        struct oph__wire wire;
        oph__switch_wire(&wire, on);
        struct oph__write write = {.sig = capture,
                                   .wire = &wire,
                                   .expect = &wire,
                                   .patience = dev->ctx->options.stop_timeout};
        rc = oph__write_all(dev->ctx, &write, 1, false, err);
    }
    return rc;
}

const struct oph__trigger_ops oph__continuous_trigger = {
    .name = "continuous",
    .needs = oph__shot_needs,
    .start = start,
    .stop = stop,
};
