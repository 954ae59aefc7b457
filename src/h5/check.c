/* What is missing in a file, and what is wrong with it, as a report. */
#include "h5/h5.h"

#include "base/err.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* A run of frames with the same thing the matter is one line. */
struct findings {
    const oph_frames *frames;
    oph_report *report;
    oph_error first;
    int64_t from, to; /* the run: from to `to`; empty where to < from */
    char found[256];  /* of the run */
};

static void add(struct findings *f, const oph_error *err)
{
    if (!f->first.code) f->first = *err;
    oph__report_add(f->report, err);
}

static void end_run(struct findings *f)
{
    oph_error err;
    char wanted[80];

    if (f->to < f->from) return;
    if (f->to == f->from)
        oph__format(wanted, sizeof wanted, "frame %lld", (long long)f->from);
    else
        oph__format(wanted, sizeof wanted, "frames %lld to %lld", (long long)f->from,
                    (long long)f->to);
    oph__h5_fail(&err, OPH_EFILE, f->frames->file, wanted, "%s", f->found);
    add(f, &err);
    f->to = f->from - 1;
}

static void note(struct findings *f, int64_t frame, const char *found)
{
    if (f->to >= f->from && (f->to + 1 != frame || !oph__equal(f->found, found))) end_run(f);
    if (f->to < f->from) {
        f->from = frame;
        oph__copy(f->found, sizeof f->found, found);
    }
    f->to = frame;
}

static void compare(struct findings *f, int64_t frame, int64_t before, int64_t now)
{
    oph_error err;
    char wanted[96];

    if (now == before + 1) return;
    oph__format(wanted, sizeof wanted, "NDArrayUniqueId %lld of frame %lld", (long long)before + 1,
                (long long)frame);
    if (now > before)
        oph__h5_fail(&err, OPH_EFILE, f->frames->file, wanted, "%lld: %lld arrays were lost",
                     (long long)now, (long long)(now - before - 1));
    else
        oph__h5_fail(&err, OPH_EFILE, f->frames->file, wanted, "%lld, %s", (long long)now,
                     now == before ? "the one before again" : "which is before it");
    add(f, &err);
}

/* A frame that was never written has no id: what is there is the fill value. */
static int check_ids(struct findings *f, oph_frames *frames, int64_t first, int64_t count,
                     oph_error *err)
{
    oph_frame_stamp *stamps = calloc((size_t)count + 1, sizeof *stamps);
    int rc = stamps ? oph__stamps_read(frames, first, count, stamps, err)
                    : oph__fail_memory(err, "the stamps of frames");

    for (int64_t i = 1; rc == 0 && i < count; i++) {
        if (stamps[i].unique_id < 0 && stamps[i - 1].unique_id >= 0)
            note(f, first + i, "no NDArrayUniqueId");
        else if (stamps[i].unique_id >= 0 && stamps[i - 1].unique_id >= 0)
            compare(f, first + i, stamps[i - 1].unique_id, stamps[i].unique_id);
    }
    end_run(f);
    free(stamps);
    return rc;
}

/* Whether all chunks of each frame are in the file; those of several frames count for each. */
static void check_places(struct findings *f, oph_frames *frames, const struct oph__image *image,
                         int64_t first, int64_t end)
{
    struct oph__region region = {{0}, {0}};
    struct oph__piece piece;
    struct oph__place place;

    if (image->layout == H5D_COMPACT) return;
    memcpy(region.high, image->dims, sizeof region.high);
    for (int64_t i = first; i < end; i++) {
        const char *found;
        region.low[0] = (hsize_t)i;
        region.high[0] = (hsize_t)i + 1;
        oph__piece_start(image, &region, &piece);
        oph__h5_lock();
        H5E_BEGIN_TRY
        {
            do
                found = oph__locate(frames, image, &piece, &place);
            while (!found && oph__piece_advance(image, &region, &piece));
        }
        H5E_END_TRY;
        oph__h5_unlock();
        if (found) note(f, i, found);
    }
    end_run(f);
}

static int check_pixels(struct findings *f, oph_frames *frames, int64_t first, int64_t count,
                        oph_error *err)
{
    oph_frames_iter_options some = {.size = sizeof some, .first = first, .count = count};
    oph_frames_iter *iter;
    oph_error why;
    int64_t number;
    int rc = oph_frames_iter_new(frames, &some, &iter, err);

    if (rc) return rc;
    for (const void *pixels = iter; pixels;) {
        int bad = oph_frames_iter_next(iter, &pixels, &number, &why);
        if (bad && bad != OPH_EFILE) {
            if (err) *err = why;
            rc = bad;
            break;
        }
        if (bad) note(f, number, oph__error_found(&why));
    }
    end_run(f);
    oph_frames_iter_free(iter);
    return rc;
}

int oph_frames_check(oph_frames *frames, int64_t first, int64_t count, int32_t pixels,
                     oph_report **ret_report, oph_error *err)
{
    struct findings f = {.frames = frames, .to = -1};
    struct oph__image image;
    struct oph__region region;
    int rc = oph__frames_usable(frames, "oph_frames_check", err);

    if (rc == 0) rc = oph__frames_region(frames, first, count, NULL, NULL, &image, &region, err);
    if (rc) return rc;
    f.report = oph__report_new();
    if (!f.report) return oph__fail_memory(err, "the report");
    if (count > 0) rc = check_ids(&f, frames, first, count, err);
    if (rc == 0 && pixels && count > 0)
        rc = check_pixels(&f, frames, first, count, err);
    else if (rc == 0)
        check_places(&f, frames, &image, first, first + count);
    if (rc == 0 && f.first.code) {
        if (err) *err = f.first;
        rc = f.first.code;
    }
    oph__report_give(f.report, ret_report);
    return rc;
}
