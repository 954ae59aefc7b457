#include "ad/single_trigger.h"
#include "ad/run.h"
#include "ad/series.h"

static int needs(oph_device *dev, struct oph__needs *list, oph_error *err)
{
    int rc = oph__shot_needs(dev, list, err);
    return rc ? rc : oph__need(list, dev, "cam.armed", false, err); /* for series */
}

static int start(oph_device *dev, oph_status *status, oph_error *err)
{
    const struct oph__course one = {.count = 1};
    return oph__run_start(dev, status, &one, err);
}

const struct oph__trigger_ops oph__single_trigger = {
    .name = "single",
    .needs = needs,
    .start = start,
    .prepare = oph__series_prepare,
    .kickoff = oph__series_kickoff,
    .stop = oph__camera_stop,
};
