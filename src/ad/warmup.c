/* One throw-away image, so that a file plugin knows what frames look like. */
#include "base/err.h"
#include "base/str.h"
#include "core/connect.h"
#include "core/stage.h"
#include "ad/file_store.h"
#include <cophyd/detector.h>

static const struct {
    const char *key;
    struct oph__literal value;
} shot[] = {
    {"cam.acquire", {.kind = OPH__LIT_INT, .i = 0, .text = "0"}},
    {"cam.array_callbacks", {.kind = OPH__LIT_INT, .i = 1, .text = "1"}},
    {"cam.image_mode", {.kind = OPH__LIT_INT, .i = 0, .text = "0"}},
    {"cam.trigger_mode", {.kind = OPH__LIT_INT, .i = 0, .text = "0"}},
    {"cam.num_images", {.kind = OPH__LIT_INT, .i = 1, .text = "1"}},
    {"cam.acquire_time", {.kind = OPH__LIT_FLOAT, .f = 0.1, .text = "0.1"}},
    {"cam.acquire_period", {.kind = OPH__LIT_FLOAT, .f = 0.2, .text = "0.2"}},
    {"cam.wait_for_plugins", {.kind = OPH__LIT_INT, .i = 1, .text = "1"}},
};

static const struct oph__literal enable = {.kind = OPH__LIT_INT, .i = 1, .text = "1"};

static int add_plugin(oph_device *dev, void *user, oph_error *err)
{
    struct oph__plan *plan = user;
    if (!oph__hook_data(dev, &oph__file_store)) return 0;
    return oph__plan_add(plan, dev, "enable", &enable, err);
}

/* Each plugin must have seen the frame, whatever WaitForPlugins did. */
static int check_plugin(oph_device *dev, void *user, oph_error *err)
{
    (void)user;
    oph_signal *sig;
    struct oph__wire zero = {.dtype = OPH_INT32, .count = 1};
    zero.data = zero.small;
    if (!oph__hook_data(dev, &oph__file_store)) return 0;
    int rc = oph_signal_find(dev, "array_size.width", &sig, err);
    return rc ? rc : oph__write_await(sig, &zero, true, dev->ctx->options.put_timeout, err);
}

static int fill(struct oph__plan *plan, oph_device *det, oph_device *dev, oph_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof shot / sizeof shot[0]; i++) {
        oph_signal *sig;
        if (oph_signal_find(det, shot[i].key, &sig, NULL) || sig->set->absent) continue;
        rc = oph__plan_add(plan, det, shot[i].key, &shot[i].value, err);
    }
    return rc ? rc : oph__device_each(dev, add_plugin, plan, err);
}

static int warm_up(oph_device *det, oph_device *dev, double timeout, oph_error *err)
{
    struct oph__plan *plan;
    int rc = oph__connect(det, OPH_DEFAULT, NULL, err);
    if (!rc) rc = oph__plan_new(det, &plan, err);
    if (rc) return rc;
    rc = fill(plan, det, dev, err);
    if (!rc) rc = oph__stage_plan(plan, NULL, err);
    bool half_written = rc != 0;
    if (!rc) rc = oph__trigger_and_wait(det, timeout, err);
    if (!rc) rc = oph__device_each(dev, check_plugin, NULL, err);
    oph_error late = OPH_ERROR_INIT;
    int restored = oph__plan_restore(plan, half_written, NULL, &late);
    oph__plan_free(plan);
    if (rc || !restored) return rc;
    if (err) *err = late;
    return restored;
}

int oph_warmup(oph_device *dev, double timeout, oph_error *err)
{
    oph_device *det = dev->trigger || !dev->parent ? dev : dev->parent;
    const struct oph__rule *rule;
    int rc = oph__context_may_block(dev->ctx, err);
    if (!rc && !det->trigger)
        rc = oph__fail(err, OPH_EINVAL, (struct oph__at){.device = dev->path}, "to warm up",
                       "class %s, which has no trigger (SingleTrigger)", det->cls->name);
    if (!rc) rc = oph__tree_enter(det, OPH__VERB_WARMUP, &rule, err);
    if (rc) return rc;
    struct oph__call call;
    oph__call_begin(&dev->ctx->waits, &call);
    rc = warm_up(det, dev, timeout, err);
    oph__call_end(&dev->ctx->waits, &call);
    oph__tree_set(det->tree, OPH_STATE_IDLE);
    return rc;
}
