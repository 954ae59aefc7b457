/* Monitors of what an acquisition waits for once nothing else tells that it has moved. */
#include "ad/shot.h"
#include "base/err.h"
#include <stdlib.h>

static int reserve(struct oph__shot_watch *watch, size_t count, oph_error *err)
{
    watch->mons = calloc(count, sizeof(struct oph__chanmon *));
    return watch->mons ? 0 : oph__fail_memory(err, "an acquisition");
}

static int add(struct oph__shot_watch *watch, oph_signal *sig, oph__event_fn *fn, void *user,
               oph_error *err)
{
    if (!sig) return 0;
    int rc = oph__pv_subscribe(sig->read, fn, user, &watch->mons[watch->count], err);
    if (!rc) watch->count++;
    return rc;
}

int oph__shot_watch_all(const struct oph__shot *shot, oph__event_fn *fn, void *user,
                        struct oph__shot_watch *ret, oph_error *err)
{
    static const int cam_rows[] = {OPH__CAM_STATE, OPH__CAM_COUNTER, OPH__CAM_ACQUIRE,
                                   OPH__CAM_BUSY};
    static const int writer_rows[] = {OPH__W_CAPTURED, OPH__W_CAPTURE, OPH__W_FILE, OPH__W_COUNTER,
                                      OPH__W_NUMBER};
    static const int buffer_rows[] = {OPH__B_CAPTURE, OPH__B_TRIGGER, OPH__B_DONE};
    enum { CAM = sizeof cam_rows / sizeof *cam_rows };
    enum { WRITER = sizeof writer_rows / sizeof *writer_rows };
    enum { BUFFER = sizeof buffer_rows / sizeof *buffer_rows };
    int rc = reserve(ret, CAM + BUFFER + 1 + WRITER * shot->writer_count, err);
    for (size_t i = 0; !rc && !shot->buffer && i < CAM; i++)
        rc = add(ret, shot->cam_rows[cam_rows[i]], fn, user, err);
    if (!rc && shot->buffer) rc = add(ret, shot->cam_rows[OPH__CAM_ACQUIRE], fn, user, err);
    for (size_t i = 0; !rc && shot->buffer && i < BUFFER; i++)
        rc = add(ret, shot->buffer_rows[buffer_rows[i]], fn, user, err);
    if (!rc && shot->buffer && !shot->writer_count)
        rc = add(ret, shot->buffer_rows[OPH__B_COUNTER], fn, user, err);
    for (size_t i = 0; !rc && i < WRITER * shot->writer_count; i++)
        rc = add(ret, shot->writers[i / WRITER].rows[writer_rows[i % WRITER]], fn, user, err);
    return rc ? rc : oph__context_flush(shot->dev->ctx, err);
}

int oph__shot_watch_filling(const struct oph__shot *shot, oph__event_fn *fn, void *user,
                            struct oph__shot_watch *ret, oph_error *err)
{
    int rc = reserve(ret, 3, err);
    if (!rc) rc = add(ret, shot->buffer_rows[OPH__B_COUNTER], fn, user, err);
    if (!rc) rc = add(ret, shot->buffer_rows[OPH__B_CAPTURE], fn, user, err);
    if (!rc) rc = add(ret, shot->cam_rows[OPH__CAM_ACQUIRE], fn, user, err);
    return rc ? rc : oph__context_flush(shot->dev->ctx, err);
}

void oph__shot_watch_end(const struct oph__shot *shot, struct oph__shot_watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        shot->dev->ctx->ops->unsubscribe(watch->mons[i]);
    free(watch->mons);
    *watch = (struct oph__shot_watch){0};
}
