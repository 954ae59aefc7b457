/* Opening, with the wait for a file that is not there yet or still being written. */
#include "h5/flat.h"
#include "h5/isolate.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static const double default_timeout = 5;
/* Between two looks, doubling. A file system over the network tells of no change by itself. */
static const double first_pause = 0.002, longest_pause = 0.05;

int oph__hdf5_attach(oph_frames *frames, oph_error *err)
{
    struct oph__h5_why why = {""};

    frames->h5 = oph__source_h5(&frames->source, &why);
    if (frames->h5 < 0 && frames->source.no_room) return oph__fail_memory(err, frames->file);
    if (frames->h5 < 0)
        return oph__fail(err, OPH_EFILE, (struct oph__at){0}, frames->file,
                         "a damaged or cut file%s", why.text);
    frames->dataset = H5Dopen2(frames->h5, frames->name, H5P_DEFAULT);
    if (frames->dataset < 0)
        return oph__h5_fail(err, OPH_EFILE, frames->file, frames->name, "no such dataset%s",
                            oph__h5_why().text);
    return oph__image_read(frames->dataset, &frames->source, frames->name, &frames->image, err);
}

static void detach_in_lock(oph_frames *frames)
{
    if (frames->is_apart) oph__child_detach(frames);
    if (frames->dataset >= 0) H5Dclose(frames->dataset);
    if (frames->h5 >= 0) H5Fclose(frames->h5);
    frames->dataset = frames->h5 = -1;
}

static void detach(oph_frames *frames)
{
    oph__h5_lock();
    H5E_BEGIN_TRY
    {
        detach_in_lock(frames);
    }
    H5E_END_TRY;
    oph__h5_unlock();
}

/* Takes the dataset out of a file that was found ready. */
static int attach(oph_frames *frames, oph_error *err)
{
    int rc;

    oph__h5_lock();
    H5E_BEGIN_TRY
    {
        rc = frames->is_apart ? oph__child_attach(frames, err) : oph__hdf5_attach(frames, err);
        if (rc) detach_in_lock(frames);
    }
    H5E_END_TRY;
    oph__h5_unlock();
    return rc;
}

/* Fewer frames than are wanted: a file that others wrote into a file system without locks, which is
 * not all here yet. One with a SWMR writer is followed. */
static bool is_short(oph_frames *frames, int64_t wanted, char *found, size_t size)
{
    int64_t count = (int64_t)frames->image.dims[0];

    if (frames->source.swmr || count >= wanted) return false;
    oph__format(found, size, "%lld frames of %lld: the IOC still writes this file",
                (long long)count, (long long)wanted);
    return true;
}

static int follow_until(oph_frames *frames, int64_t wanted, double deadline, oph_error *err)
{
    int64_t count = (int64_t)frames->image.dims[0];
    int32_t ended = 0;
    char text[64];

    while (count < wanted && !ended) {
        int rc = oph_frames_follow(frames, count, -1, deadline - oph__now(), &count, &ended, err);
        if (rc) return rc;
    }
    if (count >= wanted) return 0;
    oph__format(text, sizeof text, "%lld frames", (long long)wanted);
    return oph__h5_fail(err, OPH_EFILE, frames->file, text, "%lld in a file that was closed",
                        (long long)count);
}

static int open_in_time(oph_frames *frames, int64_t wanted, bool isolate, double timeout,
                        oph_error *err)
{
    const double begin = oph__now(), deadline = oph__deadline(timeout, default_timeout);
    char found[256];

    for (double pause = first_pause;; pause = fmin(2 * pause, longest_pause)) {
        enum oph__h5_seen seen = oph__source_open(&frames->source, found, sizeof found);
        int rc = 0;
        frames->is_apart = isolate && frames->source.form == OPH__FORM_HDF5;
        if (seen == OPH__H5_READY && frames->source.form != OPH__FORM_HDF5) {
            seen = oph__flat_look(&frames->source, &frames->image, found, sizeof found);
            if (seen == OPH__H5_READY && !is_short(frames, wanted, found, sizeof found)) return 0;
            if (seen == OPH__H5_READY) seen = OPH__H5_BUSY;
            oph__source_close(&frames->source);
        } else if (seen == OPH__H5_READY) {
            rc = attach(frames, err);
            if (rc == 0 && is_short(frames, wanted, found, sizeof found)) {
                detach(frames);
                seen = OPH__H5_BUSY;
            } else if (rc == 0) {
                if (frames->source.swmr) rc = oph__wake_begin(&frames->wake, &frames->source, err);
                return rc ? rc : follow_until(frames, wanted, deadline, err);
            }
            /* A writer that came in between makes a sound file look damaged, and so does a file
             * system that has not got all of it. */
            if (rc && wanted == 0 && oph__source_is_steady(&frames->source)) return rc;
            oph__source_close(&frames->source);
        }
        double left = deadline - oph__now();
        if (seen == OPH__H5_BROKEN || !(left > 0)) {
            struct oph__at at = {.waited = oph__now() - begin};
            if (rc) return rc;
            return oph__fail(err, seen == OPH__H5_BUSY ? OPH_EBUSY : OPH_EFILE,
                             seen == OPH__H5_BROKEN ? (struct oph__at){0} : at, frames->file, "%s",
                             found);
        }
        struct timespec rest = oph__timespec(fmin(pause, left));
        nanosleep(&rest, NULL);
    }
}

static void free_memory(oph_frames *frames)
{
    free(frames->file);
    free(frames->name);
    free(frames);
}

static int open_frames(const char *file, const char *dataset, int64_t count, bool isolate,
                       double timeout, oph_frames **ret, oph_error *err)
{
    if (!file || !*file || !ret)
        return oph__fail_text(err, OPH_EINVAL, "oph_frames_open: wanted %s, found none",
                              ret ? "the name of a file" : "a place for the frames");
    oph_frames *frames = calloc(1, sizeof *frames);
    if (!frames) return oph__fail_memory(err, file);
    frames->source.fd = -1;
    frames->h5 = frames->dataset = -1;
    frames->child = (struct oph__child){.line = -1, .data = -1, .patience = 10};
    oph__wake_init(&frames->wake);
    frames->file = oph__dup(file);
    frames->name = oph__dup(dataset ? dataset : "/entry/data/data");
    frames->source.path = frames->file;
    atomic_init(&frames->holders, 1);
    int rc = frames->file && frames->name ? oph__pool_init(&frames->pool, err)
                                          : oph__fail_memory(err, file);
    if (rc) {
        free_memory(frames);
        return rc;
    }
    rc = open_in_time(frames, count, isolate, timeout, err);
    if (rc == 0)
        *ret = frames;
    else
        oph_frames_free(frames);
    return rc;
}

int oph_frames_open(const char *file, const char *dataset, double timeout, oph_frames **ret,
                    oph_error *err)
{
    return oph_frames_open_whole(file, dataset, 0, timeout, ret, err);
}

int oph_frames_open_whole(const char *file, const char *dataset, int64_t count, double timeout,
                          oph_frames **ret, oph_error *err)
{
    return open_frames(file, dataset, count, false, timeout, ret, err);
}

int oph_frames_open_isolated(const char *file, const char *dataset, int64_t count, double timeout,
                             oph_frames **ret, oph_error *err)
{
    return open_frames(file, dataset, count, true, timeout, ret, err);
}

void oph__frames_release(oph_frames *frames)
{
    if (atomic_fetch_sub(&frames->holders, 1) > 1) return;
    oph__pool_end(&frames->pool);
    detach(frames);
    oph__wake_end(&frames->wake);
    oph__source_close(&frames->source);
    free_memory(frames);
}

void oph_frames_free(oph_frames *frames)
{
    /* A forked child has neither the threads nor, maybe, the locks. */
    if (frames && oph__is_alive(&frames->pool.alive)) oph__frames_release(frames);
}
