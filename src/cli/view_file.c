/* Frames of a file: one of them, or each new one. */
#include "cli/view.h"

#include <cophyd/frames.h>

#include <string.h>
#include <unistd.h>

/* Seconds: how soon an interrupt ends waiting for a file, or for its frames. */
static const double SLICE = 0.25;
/* As oph_frames_open has it. */
static const double DEFAULT_PATIENCE = 5;

/* Reads the whole frame, or the part of it that is wanted, so that view->frame has it. */
static int read_frame(struct view *view, oph_frames *frames, const oph_frames_info *info,
                      int64_t number)
{
    oph_error err = OPH_ERROR_INIT;
    uint32_t rank = info->rank - 1;
    const int64_t *shape = info->shape + 1;
    int64_t from[10] = {0}, size[10], bytes = info->item_bytes;
    if (!frame_find(&view->frame, info->dtype, rank, shape))
        return view_not_a_picture(info->dtype, rank, shape);
    memcpy(size, shape, sizeof size - sizeof *size);
    if (view->region) {
        if (!frame_has(&view->frame, view->x, view->y, view->width, view->height))
            return view_no_such_region(view);
        from[view->frame.column_axis] = view->x;
        size[view->frame.column_axis] = view->width;
        if (view->frame.row_axis >= 0) from[view->frame.row_axis] = view->y;
        if (view->frame.row_axis >= 0) size[view->frame.row_axis] = view->height;
    }
    for (uint32_t i = 0; i < rank; i++)
        bytes = size[i] && bytes > INT64_MAX / size[i] ? INT64_MAX : bytes * size[i];
    int rc = view_make_room(view, bytes);
    if (rc) return rc;
    if (bytes &&
        oph_frames_read_region(frames, number, 1, from, size, view->pixels, view->room, &err))
        return cli_fail(&err);
    frame_lay(&view->frame, view->pixels, rank, size);
    return 0;
}

static int show_frame(struct view *view, oph_frames *frames, const char *file, int64_t *ret_count)
{
    oph_frames_info info = {.size = sizeof info};
    oph_frame_stamp stamp = {-1, -1, (double)NAN};
    oph_error err = OPH_ERROR_INIT;
    if (oph_frames_describe(frames, &info, &err)) return cli_fail(&err);
    int64_t number = view->number < 0 ? info.shape[0] + view->number : view->number;
    *ret_count = info.shape[0];
    if (info.shape[0] == 0 && view->follow) return 0;
    if (number < 0 || number >= info.shape[0]) {
        cli_say("%s: it has %lld frames, no frame %lld", file, (long long)info.shape[0],
                (long long)view->number);
        return CLI_FAILED;
    }
    int rc = read_frame(view, frames, &info, number);
    oph_frames_stamps(frames, number, 1, &stamp, NULL); /* a file without any has a picture, too */
    const struct view_source source = {.file = file,
                                       .filters = info.filters,
                                       .number = number,
                                       .count = info.shape[0],
                                       .unique_id = stamp.unique_id,
                                       .time_ns = stamp.time_ns};
    return rc ? rc : view_show(view, &source);
}

/* Until there are more frames than `known`; *ended: there will be none. */
static int wait_for_frames(struct view *view, oph_frames *frames, int64_t known, int32_t *ended)
{
    oph_error err = OPH_ERROR_INIT;
    double patience = isnan(view->cli->timeout) ? OPH_FOREVER : view->cli->timeout;
    int64_t count = known;
    int rc = OPH_ETIMEOUT;
    *ended = 0;
    while (rc == OPH_ETIMEOUT && patience > 0 && !cli_interrupted()) {
        double slice = patience < SLICE ? patience : SLICE;
        rc = oph_frames_follow(frames, known, -1, slice, &count, ended, &err);
        patience -= slice;
    }
    if (cli_interrupted()) return CLI_INTERRUPTED;
    if (!rc && *ended && count > known) *ended = 0;
    return rc ? cli_fail(&err) : 0;
}

/* A file that is there, or will be, may also be one that the IOC still writes. */
static int open_frames(struct view *view, const char *file, oph_frames **ret)
{
    double patience = access(file, F_OK) == 0 || view->follow ? DEFAULT_PATIENCE : 0, slice;
    double begin = cli_now(), last;
    const char *dataset = cli_option(view->cli, "--dataset");
    oph_error err = OPH_ERROR_INIT;
    int rc;
    if (!isnan(view->cli->timeout)) patience = view->cli->timeout;
    do { /* what takes less than its time has not failed for want of it */
        last = cli_now();
        slice = fmax(0, fmin(SLICE, begin + patience - last));
        rc = oph_frames_open(file, dataset, slice, ret, &err);
    } while (rc && slice == SLICE && cli_now() - last >= slice && !cli_interrupted());
    if (rc && cli_interrupted()) return CLI_INTERRUPTED;
    if (rc && err.waited > 0 && cli_now() - begin > SLICE) /* it knows of the last slice alone */
        snprintf(err.text, sizeof err.text, "wanted %s, found %s, after %.1f s", file, err.found,
                 cli_now() - begin);
    return rc ? cli_fail(&err) : 0;
}

int view_file(struct view *view, const char *file)
{
    oph_frames *frames = NULL;
    int32_t ended = 0;
    int64_t count = 0;
    if (view->follow && cli_option(view->cli, "--frame"))
        return cli_usage("--follow shows the newest frame: --frame does not go with it");
    /* Which an interrupt needs that is to leave the terminal, or a folder, as it was. */
    int rc = view->follow || view->png ? cli_context(view->cli) : 0;
    if (!rc) rc = open_frames(view, file, &frames);
    if (rc) return rc;
    view_screen(view, true);
    rc = show_frame(view, frames, file, &count);
    while (!rc && !view_enough(view)) {
        rc = wait_for_frames(view, frames, count, &ended);
        if (rc || ended) break;
        rc = show_frame(view, frames, file, &count);
    }
    view_screen(view, false);
    oph_frames_free(frames);
    return !rc && cli_interrupted() ? CLI_INTERRUPTED : rc;
}
