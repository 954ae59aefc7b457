/* The look at the IOC before an acquisition, on the thread of the call that starts it. */
#include "ad/file_store.h"
#include "ad/shot.h"
#include "base/err.h"
#include "base/str.h"
#include "core/write.h"
#include <string.h>

/* Capture sets NumCaptured to 0, but its readback may come later: counting from the former value
 * would be wrong. */
static int await_reset(struct oph__shot *shot, oph_error *err)
{
    struct oph__wire zero = {.dtype = OPH_INT32, .count = 1};
    double patience = shot->dev->ctx->options.grace;
    int rc = 0;
    zero.data = zero.small;
    for (size_t w = 0; !rc && w < shot->writer_count; w++) {
        const struct oph__shot_writer *writer = &shot->writers[w];
        double *captured = &shot->before.writers[w].number[OPH__W_CAPTURED];
        if (*captured == 0 || !oph__store_is_fresh(writer->dev)) continue;
        if (writer->writing != OPH__WRITES_STREAM) continue;
        rc = oph__write_await(writer->rows[OPH__W_CAPTURED], &zero, false, patience, true, err);
        *captured = 0;
    }
    for (size_t w = 0; !rc && w < shot->writer_count; w++)
        oph__store_begin(shot->writers[w].dev);
    return rc;
}

static bool has_left(const struct oph__shot *shot)
{
    bool left = false;
    for (size_t w = 0; w < shot->writer_count; w++)
        left = left || oph__store_has_left(shot->writers[w].dev);
    return left;
}

static int await_empty(struct oph__shot *shot, oph_signal *sig, int64_t empty, const char *wanted,
                       oph_error *err)
{
    struct oph__wire wire = {.dtype = OPH_INT32, .count = 1};
    const int32_t number = (int32_t)empty;
    memcpy(wire.small, &number, sizeof number);
    wire.data = wire.small;
    oph_error why = OPH_ERROR_INIT;
    int rc = oph__write_await(sig, &wire, false, shot->settle, true, &why);
    if (rc == OPH_EMISMATCH)
        rc = oph__fail(
            err, OPH_ESTATE,
            (struct oph__at){.device = sig->path, .pv = sig->read->name, .waited = shot->settle},
            wanted, "%s: those of an acquisition that failed would be counted for this one",
            why.found);
    else if (rc && err)
        *err = why;
    return rc;
}

/* The camera counts those that any plugin has, since ADCore 3.3; before that, and where it never
 * stops, a writer's queue says how much of it is free. */
static int await_queues(struct oph__shot *shot, oph_error *err)
{
    int rc = 0;
    oph_signal *queued = shot->cam_rows[OPH__CAM_QUEUED];
    if (queued && !shot->buffer) return await_empty(shot, queued, 0, "0 arrays in plugins", err);
    for (size_t p = 0; !rc && p < shot->plugin_count; p++) {
        const struct oph__shot_plugin *plugin = &shot->plugins[p];
        bool writes = false;
        for (size_t w = 0; w < shot->writer_count; w++)
            writes = writes || shot->writers[w].dev == plugin->dev;
        if (writes && plugin->held > 0)
            rc = await_empty(shot, plugin->free, (int64_t)plugin->room, "an empty queue", err);
    }
    return rc;
}

/* Somebody may have changed it since it was prepared: then pulses from outside are waited for in
 * vain, or frames taken without them. */
static int check_prepared(const struct oph__shot *shot, const struct oph__prepared *p,
                          oph_error *err)
{
    const oph_signal *images = shot->cam_rows[OPH__CAM_IMAGES];
    const oph_signal *trigger = shot->cam_rows[OPH__CAM_TRIGGER];
    char wanted[64];
    if (p->images && p->images != shot->images) {
        oph__format(wanted, sizeof wanted, "%lld as prepared", (long long)p->images);
        return oph__fail(err, OPH_EMISMATCH, oph__pv_at(images->read), wanted, "%lld",
                         (long long)shot->images);
    }
    if (!p->trigger || !trigger || p->trigger_is == shot->before.number[OPH__CAM_TRIGGER]) return 0;
    oph__format(wanted, sizeof wanted, "%s as prepared", p->trigger);
    return oph__fail(err, OPH_EMISMATCH, oph__pv_at(trigger->read), wanted, "%s",
                     shot->before.trigger);
}

static int look(struct oph__shot *shot, bool queues, oph_error *err)
{
    struct oph__ops *g;
    int rc = oph__look_ask(shot, OPH__BEFORE, queues, &g, err);
    if (rc) return rc;
    rc = oph__ops_wait(g, oph__now() + shot->dev->ctx->options.get_timeout, true, err);
    if (rc == OPH_ETIMEOUT) rc = 0; /* the look says which PV did not answer */
    if (!rc) oph__look_take(shot, OPH__BEFORE, queues, g);
    oph__ops_free(g);
    return rc ? rc : oph__shot_check(shot, true, err);
}

int oph__shot_look_before(struct oph__shot *shot, const struct oph__prepared *prepared,
                          oph_error *err)
{
    bool left = has_left(shot);
    int rc = look(shot, left, err);
    if (!rc && left) rc = await_queues(shot, err);
    if (!rc && left) rc = look(shot, false, err); /* what they have counted since is not ours */
    if (!rc) rc = check_prepared(shot, prepared, err);
    return rc ? rc : await_reset(shot, err);
}
