#include "ad/buffer.h"
#include "base/err.h"
#include "base/str.h"
#include <math.h>
#include <stdlib.h>

static const char *const paths[OPH__B_ROWS] = {
    [OPH__B_CAPTURE] = "capture",
    [OPH__B_TRIGGER] = "trigger_",
    [OPH__B_DONE] = "actual_trigger_count",
    [OPH__B_PRE] = "pre_count",
    [OPH__B_POST] = "post_count",
    [OPH__B_COUNTER] = "array_counter",
    [OPH__B_ENABLE] = "enable",
    [OPH__B_CALLBACKS] = "array_callbacks",
    [OPH__B_PORT] = "port_name",
};

/* The buffer's count of arrays when the last trigger had ended: it is empty then, whatever
 * CurrentQty says. NAN: not known yet. */
struct filling {
    pthread_mutex_t lock;
    double since;
};

static void *create(oph_device *dev, oph_error *err)
{
    (void)dev;
    struct filling *f = calloc(1, sizeof *f);
    if (f && !pthread_mutex_init(&f->lock, NULL)) {
        f->since = (double)NAN;
        return f;
    }
    free(f);
    oph__fail_memory(err, "a circular buffer");
    return NULL;
}

static void destroy(void *data)
{
    struct filling *f = data;
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static int needs(oph_device *dev, void *data, struct oph__needs *list, oph_error *err)
{
    (void)data;
    oph_device *buffer;
    int rc = oph_device_child(dev, "cb", &buffer, err);
    for (int i = 0; !rc && i < OPH__B_ROWS; i++)
        rc = oph__need(list, buffer, paths[i], true, err);
    return rc;
}

static void set_since(oph_device *dev, double since)
{
    struct filling *f = oph__hook_data(dev, &oph__circular_buffer);
    if (!f) return;
    pthread_mutex_lock(&f->lock);
    f->since = since;
    pthread_mutex_unlock(&f->lock);
}

/* Capture, which is staged, empties it. */
static int plan(oph_device *dev, void *data, struct oph__plan *plan, oph_error *err)
{
    (void)data, (void)plan, (void)err;
    set_since(dev, (double)NAN);
    return 0;
}

const struct oph__hook_ops oph__circular_buffer = {
    .name = "circular_buffer",
    .create = create,
    .destroy = destroy,
    .needs = needs,
    .plan = plan,
};

int oph__buffer_init(struct oph__shot *shot, oph_error *err)
{
    int rc = oph_device_child(shot->dev, "cb", &shot->buffer, err);
    for (int i = 0; !rc && i < OPH__B_ROWS; i++)
        rc = oph_signal_find(shot->buffer, paths[i], &shot->buffer_rows[i], err);
    return rc;
}

void oph__buffer_ask(const struct oph__shot *shot, struct oph__ops *group)
{
    for (int i = 0; shot->buffer && i < OPH__B_ROWS; i++)
        oph__ops_get(group, shot->buffer_rows[i]->read, NULL, NULL);
}

void oph__buffer_take(const struct oph__op *op, int row, struct oph__buffer_look *look)
{
    const char *text;
    size_t length;
    if (!oph__value_double(&op->value, &look->number[row])) look->number[row] = (double)NAN;
    if (row != OPH__B_PORT) return;
    oph__value_text(&op->value, &text, &length);
    oph__format(look->port, sizeof look->port, "%.*s", (int)length, text);
}

static int refuse(const struct oph__shot *shot, int row, int code, const char *wanted,
                  const char *found, oph_error *err)
{
    const oph_signal *sig = shot->buffer_rows[row];
    return oph__fail(err, code, oph__pv_at(sig->read), wanted, "%s", found);
}

int oph__buffer_check(struct oph__shot *shot, oph_error *err)
{
    const struct oph__buffer_look *l = &shot->before.buffer;
    const oph_signal *acquire = shot->cam_rows[OPH__CAM_ACQUIRE];
    int64_t told = atomic_load(&shot->dev->frames);
    if (shot->before.number[OPH__CAM_ACQUIRE] != 1)
        return oph__fail(err, OPH_ESTATE, oph__pv_at(acquire->read), "Acquiring, as staged",
                         "Done");
    if (l->number[OPH__B_ENABLE] != 1)
        return refuse(shot, OPH__B_ENABLE, OPH_ESTATE, "Enable", "Disable", err);
    if (l->number[OPH__B_CALLBACKS] != 1)
        return refuse(shot, OPH__B_CALLBACKS, OPH_ESTATE, "Enable", "Disable", err);
    if (l->number[OPH__B_CAPTURE] != 1)
        return refuse(shot, OPH__B_CAPTURE, OPH_ESTATE, "Capturing, as staged", "Done", err);
    if (l->number[OPH__B_TRIGGER] != 0)
        return refuse(shot, OPH__B_TRIGGER, OPH_ESTATE, "Done", "a trigger that runs already", err);
    if (!(l->number[OPH__B_POST] >= 1))
        return refuse(shot, OPH__B_POST, OPH_EINVAL, "at least 1", "none", err);
    shot->images = (int64_t)(fmax(l->number[OPH__B_PRE], 0) + l->number[OPH__B_POST]);
    shot->frames = told > 0 ? told : shot->images;
    return 0;
}

bool oph__buffer_is_full(const struct oph__shot *shot, const struct oph__buffer_look *look)
{
    struct filling *f = oph__hook_data(shot->dev, &oph__circular_buffer);
    double pre = look->number[OPH__B_PRE], now = look->number[OPH__B_COUNTER];
    if (!(pre > 0)) return true;
    pthread_mutex_lock(&f->lock);
    if (!(now >= f->since)) f->since = now; /* not known, or counted anew */
    bool full = now - f->since >= pre;
    pthread_mutex_unlock(&f->lock);
    return full;
}

void oph__buffer_ended(const struct oph__shot *shot, bool well)
{
    set_since(shot->dev, well ? shot->now.buffer.number[OPH__B_COUNTER] : (double)NAN);
}

enum oph__verdict oph__buffer_judge(const struct oph__shot *shot, const char **ret_why)
{
    const struct oph__look *l = &shot->now;
    double state = l->number[OPH__CAM_STATE];
    double done = l->buffer.number[OPH__B_DONE] - shot->before.buffer.number[OPH__B_DONE];
    *ret_why = "the detector failed";
    if (state == OPH__CAM_FAILED || state == OPH__CAM_IS_DISCONNECTED ||
        state == OPH__CAM_WAS_ABORTED)
        return OPH__BAD;
    *ret_why = "somebody stopped the camera";
    if (l->number[OPH__CAM_ACQUIRE] != 1) return OPH__BAD;
    *ret_why = "somebody stopped the buffer";
    if (l->buffer.number[OPH__B_CAPTURE] != 1) return OPH__BAD;
    *ret_why = "somebody else triggers too";
    if (done > 1) return OPH__BAD;
    *ret_why = "the buffer still waits for frames";
    return done == 1 && l->buffer.number[OPH__B_TRIGGER] == 0 ? OPH__GOOD : OPH__NOT_YET;
}
