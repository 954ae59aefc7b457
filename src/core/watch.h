/* Following PVs by monitor until they are as wanted. */
#ifndef CORE_WATCH_H
#define CORE_WATCH_H

#include "core/device.h"

struct oph__watch {
    oph_signal *sig;
    const struct oph__wire *expect;
    bool differ;     /* the readback must become anything else */
    double deadline; /* on the monotonic clock */
    /* out, and the watch's own */
    struct oph__monitor *m;
    struct oph__chanmon *on_read, *on_set;
    struct oph_value last; /* newest readback */
    bool reached;
    bool rose, fell; /* a start row's setpoint went to 1, and back to 0: the IOC refused to start */
};

/* Starts: the first value of each comes at once. */
int oph__watch_begin(oph_context *ctx, struct oph__monitor *m, struct oph__watch *watches,
                     size_t count, oph_error *err);
/* Waits until each has reached what is expected, has fallen back, or is late. 0, or OPH_EINTR. */
int oph__watch_wait(oph_context *ctx, struct oph__monitor *m, struct oph__watch *watches,
                    size_t count, bool interruptible);
void oph__watch_end(struct oph__watch *watches, size_t count);

#endif
