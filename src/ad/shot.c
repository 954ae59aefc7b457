#include "ad/shot.h"
#include "ad/buffer.h"
#include "ad/file_store.h"
#include "base/err.h"
#include "base/str.h"
#include "core/plan.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What says whether it may start is of no use after it, nor the IOC's messages before. */
struct row {
    const char *path;
    enum oph__look_when when;
};

static const struct row cam_table[OPH__CAM_ROWS] = {
    [OPH__CAM_ACQUIRE] = {"cam.acquire", OPH__BOTH},
    [OPH__CAM_STATE] = {"cam.detector_state", OPH__BOTH},
    [OPH__CAM_COUNTER] = {"cam.array_counter", OPH__BOTH},
    [OPH__CAM_IMAGES] = {"cam.num_images", OPH__BEFORE},
    [OPH__CAM_MODE] = {"cam.image_mode", OPH__BEFORE},
    [OPH__CAM_CALLBACKS] = {"cam.array_callbacks", OPH__BOTH},
    [OPH__CAM_BUSY] = {"cam.acquire_busy", OPH__BOTH},
    [OPH__CAM_MESSAGE] = {"cam.status_message", OPH__AFTER},
    [OPH__CAM_TIME] = {"cam.acquire_time", OPH__BEFORE},
    [OPH__CAM_PERIOD] = {"cam.acquire_period", OPH__BEFORE},
    [OPH__CAM_EXPOSURES] = {"cam.num_exposures", OPH__BEFORE},
    [OPH__CAM_FILE_TIMEOUT] = {"cam.image_file_tmot", OPH__BEFORE},
    [OPH__CAM_TRIGGER] = {"cam.trigger_mode", OPH__BEFORE},
    [OPH__CAM_WAITS] = {"cam.wait_for_plugins", OPH__BEFORE},
    [OPH__CAM_QUEUED] = {"cam.num_queued_arrays", OPH__AFTER},
    [OPH__CAM_PATH] = {"cam.file_path", OPH__BEFORE},
    [OPH__CAM_NAME] = {"cam.file_name", OPH__BEFORE},
    [OPH__CAM_TEMPLATE] = {"cam.file_template", OPH__BEFORE},
};

static const struct row writer_table[OPH__W_ROWS] = {
    [OPH__W_ENABLE] = {"enable", OPH__BOTH},
    [OPH__W_CAPTURE] = {"capture", OPH__BOTH},
    [OPH__W_CAPTURED] = {"num_captured", OPH__BOTH},
    [OPH__W_MODE] = {"file_write_mode", OPH__BOTH},
    [OPH__W_DROPPED] = {"dropped_arrays", OPH__BOTH},
    [OPH__W_STATUS] = {"write_status", OPH__BOTH},
    [OPH__W_MESSAGE] = {"write_message", OPH__AFTER},
    [OPH__W_FILE] = {"full_file_name", OPH__AFTER},
    [OPH__W_COUNTER] = {"array_counter", OPH__BOTH},
    [OPH__W_NUMBER] = {"file_number", OPH__BOTH},
    [OPH__W_MOST] = {"num_capture", OPH__BOTH},
    [OPH__W_QUEUED] = {"num_queued_arrays", OPH__AFTER},
};

static int need_queue(oph_device *dev, void *user, oph_error *err)
{
    struct oph__needs *needs = user;
    if (!oph_device_is(dev, "PluginBase")) return 0;
    int rc = oph__need(needs, dev, "queue_size", false, err);
    return rc ? rc : oph__need(needs, dev, "queue_free", false, err);
}

int oph__shot_needs(oph_device *dev, struct oph__needs *needs, oph_error *err)
{
    int rc = 0;
    for (int i = 0; !rc && i < OPH__CAM_ROWS; i++)
        rc = oph__need(needs, dev, cam_table[i].path, i < OPH__CAM_REQUIRED, err);
    if (!rc) rc = oph__device_each(dev, need_queue, needs, err);
    return rc ? rc : oph__ports_needs(dev, needs, err);
}

/* A signal that is usable; a row that the class or the IOC lacks is passed over. */
static oph_signal *present(oph_device *dev, const char *path)
{
    oph_signal *sig;
    if (oph_signal_find(dev, path, &sig, NULL)) return NULL;
    return oph__pv_is_up(sig->read) ? sig : NULL;
}

/* The rows from the first on; those from `required` on may be lacking. */
static int find_rows(oph_device *dev, const struct row *table, int required, int count,
                     oph_signal **rows, oph_error *err)
{
    int rc = 0;
    for (int i = 0; !rc && i < count; i++) {
        oph_signal *sig;
        rows[i] = present(dev, table[i].path);
        if (rows[i] || i >= required) continue;
        rc = oph_signal_find(dev, table[i].path, &sig, err);
        if (!rc)
            rc = oph__fail(err, OPH_EDISCONN, oph__pv_at(sig->read), "a connection",
                           "the PV is not connected");
    }
    return rc;
}

struct finding {
    struct oph__shot *shot;
    const struct oph__plan *plan;
};

/* Only what this stage told to write counts: during a warm-up nothing does. */
static int add_writer(oph_device *dev, void *user, oph_error *err)
{
    struct finding *f = user;
    struct oph__shot *shot = f->shot;
    enum oph__writing writing = oph__store_writing(dev, f->plan);
    if (writing == OPH__WRITES_NOTHING) return 0;
    size_t n = shot->writer_count + 1;
    struct oph__shot_writer *writers = realloc(shot->writers, n * sizeof *writers);
    if (!writers) return oph__fail_memory(err, "an acquisition");
    shot->writers = writers;
    shot->writer_count = n;
    writers[n - 1] = (struct oph__shot_writer){.dev = dev, .writing = writing};
    return find_rows(dev, writer_table, OPH__W_REQUIRED, OPH__W_ROWS, writers[n - 1].rows, err);
}

static int add_plugin(oph_device *dev, void *user, oph_error *err)
{
    struct oph__shot *shot = user;
    struct oph__shot_plugin plugin = {.dev = dev, .room = (double)NAN, .held = (double)NAN};
    if (!oph_device_is(dev, "PluginBase")) return 0;
    plugin.size = present(dev, "queue_size");
    plugin.free = present(dev, "queue_free");
    if (!plugin.size || !plugin.free) return 0;
    size_t n = shot->plugin_count + 1;
    struct oph__shot_plugin *plugins = realloc(shot->plugins, n * sizeof *plugins);
    if (!plugins) return oph__fail_memory(err, "an acquisition");
    plugins[n - 1] = plugin;
    shot->plugins = plugins;
    shot->plugin_count = n;
    return 0;
}

int oph__shot_init(struct oph__shot *shot, oph_device *dev, bool buffered, oph_error *err)
{
    *shot = (struct oph__shot){.dev = dev};
    int rc = oph_device_child(dev, "cam", &shot->cam, err);
    if (!rc) rc = find_rows(dev, cam_table, OPH__CAM_REQUIRED, OPH__CAM_ROWS, shot->cam_rows, err);
    if (!rc && buffered) rc = oph__buffer_init(shot, err);
    struct finding f = {.shot = shot, .plan = dev->tree->plan};
    if (!rc) rc = oph__device_each(dev, add_writer, &f, err);
    if (!rc && shot->writer_count) rc = oph__ports_find(&shot->ports, dev, OPH__PORT_CHAIN, err);
    if (!rc) rc = oph__device_each(dev, add_plugin, shot, err);
    size_t n = shot->writer_count ? shot->writer_count : 1;
    shot->before.writers = calloc(n, sizeof *shot->before.writers);
    shot->now.writers = calloc(n, sizeof *shot->now.writers);
    if (!rc && (!shot->before.writers || !shot->now.writers))
        rc = oph__fail_memory(err, "an acquisition");
    if (rc) oph__shot_clear(shot);
    return rc;
}

void oph__shot_clear(struct oph__shot *shot)
{
    oph__ports_clear(&shot->ports);
    free(shot->writers);
    free(shot->plugins);
    free(shot->before.writers);
    free(shot->now.writers);
    *shot = (struct oph__shot){0};
}

static bool is_looked_at(oph_signal *const *rows, const struct row *table, int row,
                         enum oph__look_when when)
{
    return rows[row] && table[row].when & when;
}

int oph__look_ask(struct oph__shot *shot, enum oph__look_when when, bool queues,
                  struct oph__ops **ret, oph_error *err)
{
    size_t count = OPH__CAM_ROWS + OPH__B_ROWS + shot->writer_count * OPH__W_ROWS +
                   2 * shot->plugin_count + oph__ports_room(&shot->ports);
    int rc = oph__ops_new(shot->dev->ctx, count, ret, err);
    if (rc) return rc;
    for (int i = 0; i < OPH__CAM_ROWS; i++) {
        if (is_looked_at(shot->cam_rows, cam_table, i, when))
            oph__ops_get(*ret, shot->cam_rows[i]->read, NULL, NULL);
    }
    oph__buffer_ask(shot, *ret);
    for (size_t w = 0; w < shot->writer_count; w++) {
        for (int i = 0; i < OPH__W_ROWS; i++) {
            if (is_looked_at(shot->writers[w].rows, writer_table, i, when))
                oph__ops_get(*ret, shot->writers[w].rows[i]->read, NULL, NULL);
        }
    }
    if (!shot->ports_known) oph__ports_ask(&shot->ports, *ret);
    for (size_t p = 0; queues && p < shot->plugin_count; p++) {
        oph__ops_get(*ret, shot->plugins[p].size->read, NULL, NULL);
        oph__ops_get(*ret, shot->plugins[p].free->read, NULL, NULL);
    }
    return 0;
}

static void take_text(const struct oph__op *op, char *dst, size_t size)
{
    const char *text;
    size_t length;
    oph__value_text(&op->value, &text, &length);
    oph__format(dst, size, "%.*s", (int)length, text);
}

static void take_label(const struct oph__op *op, char *dst, size_t size)
{
    struct oph__chan_info info = {0};
    oph__pv_info(op->pv, &info);
    oph__value_show(&op->value, &info, dst, size);
}

static void take_cam(const struct oph__op *op, int row, struct oph__look *look)
{
    double d;
    if (oph__value_double(&op->value, &d)) look->number[row] = d;
    const char *text;
    size_t length;
    oph__value_text(&op->value, &text, &length);
    look->empty[row] = length == 0;
    if (row == OPH__CAM_STATE) take_label(op, look->state, sizeof look->state);
    if (row == OPH__CAM_TRIGGER) take_label(op, look->trigger, sizeof look->trigger);
    if (row == OPH__CAM_MESSAGE) take_text(op, look->message, sizeof look->message);
}

static void take_writer(const struct oph__op *op, int row, struct oph__writer_look *look)
{
    double d;
    if (oph__value_double(&op->value, &d)) look->number[row] = d;
    if (row == OPH__W_FILE) take_text(op, look->file, sizeof look->file);
    if (row == OPH__W_MESSAGE) take_text(op, look->message, sizeof look->message);
    if (row == OPH__W_CAPTURE) take_label(op, look->capture, sizeof look->capture);
}

/* The next answer, in the order of asking; NULL, and the look says why, when it is no value. */
static const struct oph__op *next(struct oph__ops *group, size_t *at, struct oph__look *look)
{
    const struct oph__op *op = oph__ops_at(group, (*at)++);
    if (!oph__op_error(op, "a value", 0, look->code ? NULL : &look->error)) return op;
    if (!look->code) look->code = look->error.code;
    return NULL;
}

static void take_queue(struct oph__shot_plugin *plugin, const struct oph__op *size,
                       const struct oph__op *free)
{
    double left;
    plugin->room = plugin->held = (double)NAN;
    if (!size || !free || !oph__value_double(&free->value, &left)) return;
    if (oph__value_double(&size->value, &plugin->room)) plugin->held = plugin->room - left;
}

void oph__look_take(struct oph__shot *shot, enum oph__look_when when, bool queues,
                    struct oph__ops *group)
{
    struct oph__look *look = when == OPH__BEFORE ? &shot->before : &shot->now;
    struct oph__writer_look *writers = look->writers;
    size_t at = 0;
    *look = (struct oph__look){.writers = writers};
    for (int i = 0; i < OPH__CAM_ROWS; i++) {
        look->number[i] = (double)NAN;
        if (!is_looked_at(shot->cam_rows, cam_table, i, when)) continue;
        const struct oph__op *op = next(group, &at, look);
        if (op) take_cam(op, i, look);
    }
    for (int i = 0; shot->buffer && i < OPH__B_ROWS; i++) {
        const struct oph__op *op = next(group, &at, look);
        if (op) oph__buffer_take(op, i, &look->buffer);
    }
    for (size_t w = 0; w < shot->writer_count; w++) {
        writers[w] = (struct oph__writer_look){0};
        for (int i = 0; i < OPH__W_ROWS; i++) {
            writers[w].number[i] = (double)NAN;
            if (!is_looked_at(shot->writers[w].rows, writer_table, i, when)) continue;
            const struct oph__op *op = next(group, &at, look);
            if (op) take_writer(op, i, &writers[w]);
        }
    }
    if (!shot->ports_known) oph__ports_take(&shot->ports, group, &at);
    shot->ports_known = true;
    for (size_t p = 0; queues && p < shot->plugin_count; p++) {
        const struct oph__op *size = next(group, &at, look), *free = next(group, &at, look);
        take_queue(&shot->plugins[p], size, free);
    }
}
