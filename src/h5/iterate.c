/* Frames one after the other: a ring of slots, each with the frames of one row of chunks. All but
 * the one that the caller looks at are being read, or are read already. */
#include "h5/h5.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

/* A slot holds no more than this, but for one frame; a row of chunks that is larger is decoded
 * again for each of its frames. */
static const uint64_t largest_slot = 64 << 20;

struct slot {
    struct oph__read read;
    bool pending;       /* the read was begun and not finished */
    bool one_by_one;    /* a frame of it failed: the others may be sound */
    hsize_t first, end; /* its frames */
    unsigned char *buffer;
};

struct oph_frames_iter {
    oph_frames *frames; /* held */
    struct oph__image image;
    struct oph__region part; /* of each frame */
    uint64_t frame_bytes;    /* of the part */
    hsize_t run;             /* frames a slot */
    hsize_t now;             /* the frame to be given next */
    hsize_t begun;           /* the first frame that no slot has */
    hsize_t end;
    void *memory;
    int at, count;
    struct slot slots[];
};

static void begin_slot(oph_frames_iter *iter, struct slot *slot)
{
    struct oph__region region = iter->part;

    if (iter->begun >= iter->end) return;
    slot->first = iter->begun;
    slot->end = slot->first - slot->first % iter->run + iter->run;
    if (slot->end > iter->end) slot->end = iter->end;
    iter->begun = slot->end;
    region.low[0] = slot->first;
    region.high[0] = slot->end;
    slot->pending = true;
    slot->one_by_one = false;
    oph__read_begin(&slot->read, iter->frames, &iter->image, &region, slot->buffer, true);
}

static int take_options(oph_frames *frames, const oph_frames_iter_options *given,
                        oph_frames_iter_options *ret, oph_error *err)
{
    oph_frames_iter_options all = {.size = sizeof all};

    if (given && given->size < sizeof *given)
        return oph__fail_text(err, OPH_EINVAL,
                              "oph_frames_iter_new: wanted size %zu, found %u: set it to "
                              "sizeof(oph_frames_iter_options)",
                              sizeof *given, given->size);
    *ret = given ? *given : all;
    if (ret->ahead < 0 || ret->ahead > 1024)
        return oph__fail_text(err, OPH_ERANGE,
                              "oph_frames_iter_new: wanted 0 to 1024 frames ahead, found %d",
                              ret->ahead);
    if (ret->count == 0) {
        struct oph__image image;
        int rc = oph__frames_now(frames, &image, err);
        if (rc) return rc;
        if (ret->first >= 0 && ret->first < (int64_t)image.dims[0])
            ret->count = (int64_t)image.dims[0] - ret->first;
    }
    return 0;
}

/* As many as keep the threads at work while the caller has one. */
static int slots_for(const oph_frames_iter_options *options, hsize_t run, int threads)
{
    int64_t ahead =
        options->ahead > 0 ? (options->ahead + (int64_t)run - 1) / (int64_t)run : threads + 1;

    return 1 + (int)ahead;
}

int oph_frames_iter_new(oph_frames *frames, const oph_frames_iter_options *given,
                        oph_frames_iter **ret, oph_error *err)
{
    oph_frames_iter_options options = {0};
    struct oph__image image;
    struct oph__region part;
    uint64_t bytes, total;
    int rc = oph__frames_usable(frames, "oph_frames_iter_new", err);

    if (rc == 0 && !ret)
        rc = oph__fail_text(err, OPH_EINVAL,
                            "oph_frames_iter_new: wanted a place for the iterator, found NULL");
    if (rc == 0) rc = take_options(frames, given, &options, err);
    if (rc == 0)
        rc = oph__frames_region(frames, options.first, options.count, options.from, options.extent,
                                &image, &part, err);
    if (rc) return rc;
    part.low[0] = 0;
    part.high[0] = 1;
    bytes = oph__region_items(&image, &part) * image.item_bytes;
    hsize_t run = image.layout == H5D_CHUNKED ? image.chunk[0] : 1;
    if (run > largest_slot / bytes) run = 1;
    int count = slots_for(&options, run, oph__pool_most(&frames->pool));
    oph_frames_iter *iter = calloc(1, sizeof *iter + (size_t)count * sizeof *iter->slots);
    if (!iter || __builtin_mul_overflow(bytes, run * (unsigned)count, &total) ||
        oph_frames_buffer_new(total, &iter->memory, NULL)) {
        free(iter);
        return oph__fail_memory(err, "frames to be read ahead");
    }
    iter->frames = frames;
    atomic_fetch_add(&frames->holders, 1);
    iter->image = image;
    iter->part = part;
    iter->frame_bytes = bytes;
    iter->run = run;
    iter->now = iter->begun = (hsize_t)options.first;
    iter->end = iter->now + (hsize_t)options.count;
    iter->count = count;
    for (int i = 0; i < count; i++) {
        iter->slots[i].buffer = (unsigned char *)iter->memory + (uint64_t)i * run * bytes;
        begin_slot(iter, &iter->slots[i]);
    }
    *ret = iter;
    return 0;
}

/* Reads a frame whose slot has a damaged one. */
static int read_one(oph_frames_iter *iter, struct slot *slot, unsigned char *to, oph_error *err)
{
    struct oph__region region = iter->part;

    region.low[0] = iter->now;
    region.high[0] = iter->now + 1;
    oph__read_begin(&slot->read, iter->frames, &iter->image, &region, to, false);
    return oph__read_finish(&slot->read, err);
}

int oph_frames_iter_next(oph_frames_iter *iter, const void **ret_pixels, int64_t *ret_number,
                         oph_error *err)
{
    int rc = 0;

    if (!iter || !ret_pixels)
        return oph__fail_text(err, OPH_EINVAL, "oph_frames_iter_next: wanted %s, found NULL",
                              iter ? "a place for the frame" : "an iterator");
    rc = oph__frames_usable(iter->frames, "oph_frames_iter_next", err);
    if (rc) return rc;
    if (iter->now >= iter->end) {
        *ret_pixels = NULL;
        return 0;
    }
    struct slot *slot = &iter->slots[iter->at];
    if (iter->now >= slot->end) { /* the caller is done with it */
        begin_slot(iter, slot);
        iter->at = (iter->at + 1) % iter->count;
        slot = &iter->slots[iter->at];
    }
    unsigned char *pixels = slot->buffer + (iter->now - slot->first) * iter->frame_bytes;
    if (slot->pending) {
        slot->pending = false;
        rc = oph__read_finish(&slot->read, err);
        slot->one_by_one = rc && slot->end - slot->first > 1;
    }
    if (slot->one_by_one) rc = read_one(iter, slot, pixels, err);
    if (ret_number) *ret_number = (int64_t)iter->now;
    if (rc == 0) *ret_pixels = pixels;
    iter->now++;
    return rc;
}

void oph_frames_iter_free(oph_frames_iter *iter)
{
    if (!iter || !oph__is_alive(&iter->frames->pool.alive)) return;
    for (int i = 0; i < iter->count; i++)
        if (iter->slots[i].pending) oph__read_cancel(&iter->slots[i].read);
    oph_frames *frames = iter->frames;
    oph_frames_buffer_free(iter->memory);
    free(iter);
    oph__frames_release(frames);
}
