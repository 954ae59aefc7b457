/* Following a file that a SWMR writer makes longer: looked at when something wakes us, not all the
 * time. */
#include "h5/h5.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

static const double default_timeout = 10;
/* A file system over the network does not tell of others' writing. */
static const double pause_told = 0.05, pause_untold = 0.005;

void oph__wake_init(struct oph__wake *wake)
{
    wake->event = wake->changes = -1;
}

void oph__wake_end(struct oph__wake *wake)
{
    if (wake->event >= 0) close(wake->event);
    if (wake->changes >= 0) close(wake->changes);
}

/* When the file is opened, so that oph_frames_wake needs no lock. Without inotify we look often. */
int oph__wake_begin(struct oph__wake *wake, const struct oph__source *source, oph_error *err)
{
    char self[40];

    wake->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake->event < 0)
        return oph__fail_text(err, OPH_ESYSTEM,
                              "%s: the system gives no descriptor to follow it: %s", source->path,
                              strerror(errno));
    wake->changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    /* That very file, whatever its name means by now. */
    oph__format(self, sizeof self, "/proc/self/fd/%d", source->fd);
    if (wake->changes >= 0 &&
        inotify_add_watch(wake->changes, self, IN_MODIFY | IN_CLOSE_WRITE) < 0) {
        close(wake->changes);
        wake->changes = -1;
    }
    return 0;
}

void oph_frames_wake(oph_frames *frames)
{
    const uint64_t one = 1;

    if (frames && frames->wake.event >= 0 && write(frames->wake.event, &one, sizeof one) < 0)
        return; /* it is full of wakes already */
}

/* Empties what said that there is something to see, before that is looked at. */
static void drain(const struct oph__wake *wake)
{
    char events[4096];
    uint64_t count;

    while (read(wake->event, &count, sizeof count) > 0)
        continue;
    while (wake->changes >= 0 && read(wake->changes, events, sizeof events) > 0)
        continue;
}

/* Until something happened, or `seconds` are over. True: it was the caller's descriptor. */
static bool rest(const struct oph__wake *wake, int fd, double seconds)
{
    struct pollfd polled[] = {
        {wake->event, POLLIN, 0}, {wake->changes, POLLIN, 0}, {fd, POLLIN, 0}};
    struct timespec most = oph__timespec(seconds);

    return ppoll(polled, 3, &most, NULL) > 0 && polled[2].revents != 0;
}

static int check_arguments(oph_frames *frames, int64_t known, const int64_t *ret_count,
                           const int32_t *ret_ended, oph_error *err)
{
    int rc = oph__frames_usable(frames, "oph_frames_follow", err);

    if (rc == 0 && (!ret_count || !ret_ended))
        rc = oph__fail_text(err, OPH_EINVAL,
                            "oph_frames_follow: wanted places for the answer, found NULL");
    if (rc == 0 && known < 0)
        rc = oph__fail_text(err, OPH_ERANGE,
                            "oph_frames_follow: wanted 0 frames or more that are known, found %lld",
                            (long long)known);
    return rc;
}

int oph_frames_follow(oph_frames *frames, int64_t known, int32_t fd, double timeout,
                      int64_t *ret_count, int32_t *ret_ended, oph_error *err)
{
    const double begin = oph__now(), deadline = oph__deadline(timeout, default_timeout);
    int rc = check_arguments(frames, known, ret_count, ret_ended, err);

    for (bool is_told = false; rc == 0;) {
        struct oph__image image;
        if (frames->source.swmr) drain(&frames->wake);
        /* In this order: what the writer wrote before it closed the file is seen after that. */
        bool ended = !frames->source.swmr || oph__source_is_closed(&frames->source);
        rc = oph__frames_now(frames, &image, err);
        if (rc) break;
        int64_t count = (int64_t)image.dims[0];
        if (count > known || ended || is_told) {
            *ret_count = count;
            *ret_ended = ended;
            break;
        }
        double left = deadline - oph__now();
        if (!(left > 0)) {
            char wanted[sizeof err->wanted];
            oph__format(wanted, sizeof wanted, "more than %lld frames in %s", (long long)known,
                        frames->file);
            return oph__fail(err, OPH_ETIMEOUT, (struct oph__at){.waited = oph__now() - begin},
                             wanted, "%lld, and that the IOC writes no more, or was killed",
                             (long long)count);
        }
        is_told = rest(&frames->wake, fd,
                       fmin(left, frames->wake.changes >= 0 ? pause_told : pause_untold));
    }
    return rc;
}
