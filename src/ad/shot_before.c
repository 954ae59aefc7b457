/* The look at the IOC before an acquisition, on the thread of the call that starts it. */
#include "ad/file_store.h"
#include "ad/shot.h"
#include "base/err.h"
#include "base/str.h"
#include "core/write.h"

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

/* Somebody may have changed it since it was prepared. */
static int check_images(const struct oph__shot *shot, int64_t images, oph_error *err)
{
    const oph_signal *sig = shot->cam_rows[OPH__CAM_IMAGES];
    char wanted[32];
    if (!images || images == shot->images) return 0;
    oph__format(wanted, sizeof wanted, "%lld as prepared", (long long)images);
    return oph__fail(err, OPH_EMISMATCH,
                     (struct oph__at){.device = sig->path, .pv = sig->read->name}, wanted, "%lld",
                     (long long)shot->images);
}

int oph__shot_look_before(struct oph__shot *shot, int64_t images, oph_error *err)
{
    struct oph__ops *g;
    int rc = oph__look_ask(shot, false, &g, err);
    if (rc) return rc;
    rc = oph__ops_wait(g, oph__now() + shot->dev->ctx->options.get_timeout, true, err);
    if (rc == OPH_ETIMEOUT) rc = 0; /* the look says which PV did not answer */
    if (!rc) oph__look_take(shot, false, g, &shot->before);
    oph__ops_free(g);
    if (!rc) rc = oph__shot_check(shot, true, err);
    if (!rc) rc = check_images(shot, images, err);
    return rc ? rc : await_reset(shot, err);
}
