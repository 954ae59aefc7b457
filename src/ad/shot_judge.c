/* Was it done, and was it done well? A put that completed proves neither. */
#include "ad/buffer.h"
#include "ad/shot.h"
#include "base/err.h"
#include "base/str.h"
#include <math.h>

/* Some drivers count from 0 again at each start, and may have passed their former count since. */
double oph__shot_taken(const struct oph__shot *shot)
{
    double before = shot->before.number[OPH__CAM_COUNTER];
    double now = shot->now.number[OPH__CAM_COUNTER];
    return shot->restarted || now < before ? now : now - before;
}

static double dropped(const struct oph__shot *shot, size_t w)
{
    return shot->now.writers[w].number[OPH__W_DROPPED] -
           shot->before.writers[w].number[OPH__W_DROPPED];
}

/* Without a writer the frames that the buffer still waits for show that something moves. */
static double passed(const struct oph__shot *shot)
{
    double frames =
        shot->now.buffer.number[OPH__B_COUNTER] - shot->before.buffer.number[OPH__B_COUNTER];
    return shot->writer_count ? 0 : fmin(frames, shot->before.buffer.number[OPH__B_POST]);
}

double oph__shot_written(const struct oph__shot *shot)
{
    double sum = shot->buffer ? passed(shot) : oph__shot_taken(shot);
    for (size_t w = 0; w < shot->writer_count; w++)
        sum += oph__writer_written(shot, w);
    return sum;
}

/* Who keeps a camera that waits for its plugins from its end. */
static void describe_queues(const struct oph__shot *shot, struct oph__buf *buf)
{
    for (size_t p = 0; p < shot->plugin_count; p++) {
        const struct oph__shot_plugin *plugin = &shot->plugins[p];
        if (!(plugin->held > 0)) continue;
        if (plugin->held >= plugin->room)
            oph__buf_addf(buf, "; the queue of %s is full: %.0f arrays", plugin->dev->attr,
                          plugin->room);
        else
            oph__buf_addf(buf, "; the queue of %s holds %.0f of %.0f arrays", plugin->dev->attr,
                          plugin->held, plugin->room);
    }
    double queued = shot->now.number[OPH__CAM_QUEUED];
    if (queued > 0) oph__buf_addf(buf, "; plugins work on %.0f of the camera's arrays", queued);
}

/* States and counts first; messages last, since they can mislead. */
static void describe(const struct oph__shot *shot, struct oph__buf *buf)
{
    const struct oph__look *l = &shot->now;
    oph__buf_addf(buf, "DetectorState %s", l->state);
    if (!shot->buffer) oph__buf_addf(buf, ", %.0f from the camera", oph__shot_taken(shot));
    for (size_t w = 0; w < shot->writer_count; w++) {
        const struct oph__writer_look *wl = &l->writers[w];
        oph__buf_addf(buf, ", %.0f written by %s with Capture %s", oph__writer_written(shot, w),
                      shot->writers[w].dev->attr, wl->capture);
        if (dropped(shot, w) > 0) oph__buf_addf(buf, " and %.0f dropped", dropped(shot, w));
        if (wl->number[OPH__W_QUEUED] > 0)
            oph__buf_addf(buf, " and %.0f still queued", wl->number[OPH__W_QUEUED]);
    }
    describe_queues(shot, buf);
    if (l->message[0]) oph__buf_addf(buf, "; StatusMessage \"%s\"", l->message);
    for (size_t w = 0; w < shot->writer_count; w++) {
        if (l->writers[w].message[0])
            oph__buf_addf(buf, "; WriteMessage \"%s\"", l->writers[w].message);
    }
}

int oph__shot_fail(struct oph__shot *shot, int code, const char *why, double waited, oph_error *err)
{
    const oph_signal *acquire = shot->cam_rows[OPH__CAM_ACQUIRE];
    const struct oph__at at = {
        .device = shot->dev->path, .pv = acquire->set->name, .waited = waited};
    char wanted[64];
    struct oph__buf found = {0};
    oph__format(wanted, sizeof wanted, "%lld frame%s", (long long)shot->frames,
                shot->frames == 1 ? "" : "s");
    oph__buf_addf(&found, "%s", why);
    if (shot->now.code) { /* then some of the rest is not known */
        oph__buf_addf(&found, ": %s", shot->now.error.text);
    } else if (shot->now.state[0]) {
        oph__buf_add(&found, ": ");
        describe(shot, &found);
    }
    int rc = oph__fail(err, code, at, wanted, "%s", found.text ? found.text : why);
    oph__buf_free(&found);
    return rc;
}

/* Whether arrays tell: without callbacks none is counted, and a writer's count says more. */
static bool is_camera_count_needed(const struct oph__shot *shot)
{
    return shot->before.number[OPH__CAM_CALLBACKS] == 1 && !shot->writer_count;
}

static enum oph__verdict judge_cam(const struct oph__shot *shot, const char **why)
{
    const struct oph__look *l = &shot->now;
    double state = l->number[OPH__CAM_STATE];
    *why = "the detector failed";
    if (state == OPH__CAM_FAILED || state == OPH__CAM_IS_DISCONNECTED) return OPH__BAD;
    *why = "somebody stopped it";
    if (state == OPH__CAM_WAS_ABORTED) return OPH__BAD;
    *why = "somebody else acquires too";
    if (oph__shot_taken(shot) > (double)shot->images) return OPH__BAD;
    *why = "the camera did not end in state Idle";
    if (state != OPH__CAM_IS_IDLE || l->number[OPH__CAM_ACQUIRE] != 0 ||
        l->number[OPH__CAM_BUSY] > 0)
        return OPH__NOT_YET;
    *why = "frames are missing";
    if (is_camera_count_needed(shot) && oph__shot_taken(shot) < (double)shot->images)
        return OPH__NOT_YET;
    return OPH__GOOD;
}

enum oph__verdict oph__shot_judge(struct oph__shot *shot, bool last, double waited, oph_error *err)
{
    const char *why = "", *pending = NULL;
    if (shot->now.code) {
        oph__shot_fail(shot, shot->now.code, "the IOC was lost", waited, err);
        return OPH__BAD;
    }
    enum oph__verdict verdict =
        shot->buffer ? oph__buffer_judge(shot, &why) : judge_cam(shot, &why);
    if (verdict == OPH__NOT_YET) pending = why;
    for (size_t w = 0; verdict != OPH__BAD && w < shot->writer_count; w++) {
        verdict = oph__writer_judge(shot, w, &why);
        if (verdict == OPH__NOT_YET && !pending) pending = why;
    }
    if (verdict != OPH__BAD && !pending) return OPH__GOOD;
    if (verdict != OPH__BAD && !last) return OPH__NOT_YET;
    oph__shot_fail(shot, OPH_EACQUIRE, verdict == OPH__BAD ? why : pending, waited, err);
    return OPH__BAD;
}
