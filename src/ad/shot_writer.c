/* A writer's part in an acquisition: may it write, and has it written? Frames of one file are
 * counted by NumCaptured. Of a file a frame NumCaptured says no more than 1, FileNumber advances
 * for files that could not be written too, and WriteStatus is forgotten at the next frame: there
 * ArrayCounter, FileNumber, every change of WriteStatus and the last file's name prove it together.
 */
#include "ad/shot.h"
#include "base/err.h"
#include "base/str.h"

static bool makes_files(const struct oph__shot *shot, size_t w)
{
    return shot->writers[w].writing == OPH__WRITES_FILES;
}

static double risen(const struct oph__shot *shot, size_t w, int row)
{
    return shot->now.writers[w].number[row] - shot->before.writers[w].number[row];
}

enum oph__writer_row oph__writer_counts(const struct oph__shot *shot, size_t w)
{
    return makes_files(shot, w) ? OPH__W_COUNTER : OPH__W_CAPTURED;
}

double oph__writer_written(const struct oph__shot *shot, size_t w)
{
    return risen(shot, w, oph__writer_counts(shot, w));
}

int oph__writer_check(const struct oph__shot *shot, size_t w, oph_error *err)
{
    const struct oph__shot_writer *writer = &shot->writers[w];
    const struct oph__writer_look *l = &shot->before.writers[w];
    bool files = makes_files(shot, w);
    int row = l->number[OPH__W_MODE] != (files ? OPH__FILE_SINGLE : OPH__FILE_STREAM) ? OPH__W_MODE
              : !files && l->number[OPH__W_CAPTURE] != 1 ? OPH__W_CAPTURE
                                                         : OPH__W_ROWS;
    if (row == OPH__W_ROWS) return 0;
    const oph_signal *sig = writer->rows[row];
    const struct oph__at at = oph__pv_at(sig->read);
    bool full = l->number[OPH__W_MOST] > 0 && l->number[OPH__W_CAPTURED] >= l->number[OPH__W_MOST];
    if (row == OPH__W_CAPTURE && full)
        return oph__fail(err, OPH_ESTATE, at, "Capturing, as staged",
                         "%s: all %.0f frames of NumCapture are taken", l->capture,
                         l->number[OPH__W_MOST]);
    if (row == OPH__W_CAPTURE)
        return oph__fail(err, OPH_ESTATE, at, "Capturing, as staged", "%s", l->capture);
    return oph__fail(err, OPH_ESTATE, at, files ? "Single, as staged" : "Stream, as staged",
                     "mode %.0f", l->number[OPH__W_MODE]);
}

/* A capture that ends by itself would lose what comes after. */
static int check_most(const struct oph__shot *shot, size_t w, int64_t frames, oph_error *err)
{
    const struct oph__writer_look *l = &shot->before.writers[w];
    const oph_signal *sig = shot->writers[w].rows[OPH__W_MOST];
    double most = l->number[OPH__W_MOST], captured = l->number[OPH__W_CAPTURED];
    char wanted[64];
    if (!(most > 0) || most - captured >= (double)frames) return 0;
    oph__format(wanted, sizeof wanted, "0, or at least %lld frames more", (long long)frames);
    return oph__fail(err, OPH_EINVAL, oph__pv_at(sig->read), wanted,
                     "%.0f, of which %.0f are taken", most, captured);
}

int oph__writers_room(const struct oph__shot *shot, int64_t frames, oph_error *err)
{
    int rc = 0;
    for (size_t w = 0; !rc && w < shot->writer_count; w++) {
        if (!makes_files(shot, w)) { /* the only file was looked for when staging */
            rc = check_most(shot, w, frames, err);
            continue;
        }
        rc = oph__store_room(shot->writers[w].dev,
                             (int64_t)shot->before.writers[w].number[OPH__W_NUMBER], frames, err);
    }
    return rc;
}

int oph__writers_follow(const struct oph__shot *shot, oph_error *err)
{
    for (size_t w = 0; w < shot->writer_count; w++) {
        int row = makes_files(shot, w) ? OPH__W_NUMBER : OPH__W_CAPTURED;
        double left = shot->now.writers[w].number[row];
        double found = shot->before.writers[w].number[row];
        const oph_signal *sig = shot->writers[w].rows[row];
        char wanted[64];
        if (row == OPH__W_NUMBER ? found == left : found >= left) continue;
        oph__format(wanted, sizeof wanted, "%.0f, as the acquisition before it left it", left);
        return oph__fail(err, OPH_EMISMATCH, oph__pv_at(sig->read), wanted, "%.0f", found);
    }
    return 0;
}

static bool event_number(const struct oph__event *event, double *ret)
{
    const oph_value value = oph__event_value(event);
    return !event->code && oph__value_double(&value, ret);
}

/* A bad one from before stands until the first frame comes. */
static void on_status(void *user, const struct oph__event *event)
{
    struct oph__shot_writer *writer = user;
    double status;
    if (!event_number(event, &status)) return;
    if (status == 0)
        atomic_store(&writer->sound, true);
    else if (atomic_load(&writer->sound))
        atomic_store(&writer->failed, true);
}

static void on_counter(void *user, const struct oph__event *event)
{
    struct oph__shot_writer *writer = user;
    double counter;
    if (event_number(event, &counter)) atomic_store(&writer->counted, counter);
}

int oph__writers_watch(struct oph__shot *shot, oph_error *err)
{
    int rc = 0;
    for (size_t w = 0; !rc && shot->frames > 1 && w < shot->writer_count; w++) {
        struct oph__shot_writer *writer = &shot->writers[w];
        if (!makes_files(shot, w)) continue;
        atomic_store(&writer->failed, false);
        atomic_store(&writer->sound, shot->before.writers[w].number[OPH__W_STATUS] == 0);
        rc = oph__pv_subscribe(writer->rows[OPH__W_STATUS]->read, on_status, writer,
                               &writer->mons[0], err);
        if (!rc)
            rc = oph__pv_subscribe(writer->rows[OPH__W_COUNTER]->read, on_counter, writer,
                                   &writer->mons[1], err);
    }
    return rc;
}

void oph__writers_unwatch(struct oph__shot *shot)
{
    for (size_t w = 0; w < shot->writer_count; w++) {
        for (int i = 0; i < 2; i++) {
            if (shot->writers[w].mons[i])
                shot->dev->ctx->ops->unsubscribe(shot->writers[w].mons[i]);
            shot->writers[w].mons[i] = NULL;
        }
    }
}

/* Whether all that was said of the frames before has come. */
static bool is_told(const struct oph__shot *shot, size_t w)
{
    const struct oph__shot_writer *writer = &shot->writers[w];
    return !writer->mons[1] ||
           atomic_load(&writer->counted) >= shot->now.writers[w].number[OPH__W_COUNTER];
}

/* Why a writer that waits has not all frames, where that shows: nobody else lets it have more. */
static const char *why_lacking(const struct oph__shot *shot, size_t w, const char *otherwise)
{
    const struct oph__look *now = &shot->now;
    if (now->writers[w].number[OPH__W_ENABLE] == 0) return "somebody disabled the writer";
    if (now->number[OPH__CAM_CALLBACKS] == 0) return "somebody disabled the camera's callbacks";
    if (!shot->buffer && oph__shot_taken(shot) < (double)shot->images)
        return "the camera sent fewer frames than it was set to";
    return otherwise;
}

static enum oph__verdict judge_stream(const struct oph__shot *shot, size_t w, const char **why)
{
    const struct oph__writer_look *l = &shot->now.writers[w];
    double n = oph__writer_written(shot, w);
    *why = "the writer dropped frames";
    if (risen(shot, w, OPH__W_DROPPED) > 0) return OPH__BAD;
    /* A WriteStatus from before stands until the first frame comes. */
    *why = "the writer failed";
    if (risen(shot, w, OPH__W_COUNTER) > 0 && l->number[OPH__W_STATUS] != 0) return OPH__BAD;
    *why = "somebody changed the writer's mode";
    if (l->number[OPH__W_MODE] != OPH__FILE_STREAM) return OPH__BAD;
    *why = "the writer wrote more than was asked for";
    if (n > (double)shot->frames) return OPH__BAD;
    *why = "the IOC did not name the file as staged";
    if (n == (double)shot->frames)
        return l->file[0] && oph__store_is_ours(shot->writers[w].dev, l->file) ? OPH__GOOD
                                                                               : OPH__NOT_YET;
    *why = l->number[OPH__W_CAPTURE] == 1 ? why_lacking(shot, w, "the file was not written")
                                          : "the file was not written";
    /* Capture that fell by itself before the count was reached: nothing more will come, unless this
     * acquisition reaches NumCapture, and the count's readback is the later one. */
    double most = shot->before.writers[w].number[OPH__W_CAPTURED] + (double)shot->frames;
    bool full = l->number[OPH__W_MOST] == most;
    return l->number[OPH__W_CAPTURE] == 1 || full ? OPH__NOT_YET : OPH__BAD;
}

/* A failure is told when the writer has dealt with all frames: what it still worked on would be
 * counted for the next acquisition. */
static enum oph__verdict judge_files(const struct oph__shot *shot, size_t w, const char **why)
{
    const struct oph__writer_look *l = &shot->now.writers[w];
    double n = oph__writer_written(shot, w), files = risen(shot, w, OPH__W_NUMBER);
    double last = l->number[OPH__W_NUMBER] - 1, dropped = risen(shot, w, OPH__W_DROPPED);
    enum oph__verdict bad = n + dropped < (double)shot->frames ? OPH__NOT_YET : OPH__BAD;
    *why = "the writer dropped frames";
    if (dropped > 0) return bad;
    /* A WriteStatus from before stands until the first frame comes. */
    *why = "the writer failed";
    if (atomic_load(&shot->writers[w].failed) || (n > 0 && l->number[OPH__W_STATUS] != 0))
        return bad;
    *why = "somebody changed the writer's mode";
    if (l->number[OPH__W_MODE] != OPH__FILE_SINGLE) return OPH__BAD;
    *why = "the writer made more files than were asked for";
    if (n > (double)shot->frames || files > (double)shot->frames) return OPH__BAD;
    *why = why_lacking(shot, w, "files were not written");
    if (n < (double)shot->frames || files < (double)shot->frames) return OPH__NOT_YET;
    *why = "the IOC did not name the last file as staged";
    return is_told(shot, w) && oph__store_is_numbered(shot->writers[w].dev, l->file, (int64_t)last)
               ? OPH__GOOD
               : OPH__NOT_YET;
}

enum oph__verdict oph__writer_judge(const struct oph__shot *shot, size_t w, const char **why)
{
    return makes_files(shot, w) ? judge_files(shot, w, why) : judge_stream(shot, w, why);
}
