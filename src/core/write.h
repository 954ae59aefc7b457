/* Writing several PVs in order, and seeing each arrive. */
#ifndef CORE_WRITE_H
#define CORE_WRITE_H

#include "core/device.h"

struct oph__write {
    oph_signal *sig;
    const struct oph__wire *wire;   /* what is put */
    const struct oph__wire *expect; /* what the readback must become; NULL: not checked */
    bool differ;                    /* the readback must be anything but `expect` */
    double patience;                /* for the readback, seconds; 0: the context's grace */
    bool watched;    /* from before the put: saves the round trip of reading what has moved */
    int32_t rc;      /* out: 0, or the code of `error` */
    oph_error error; /* out */
};

/* The setpoint and readback of a signal that is read. NULL signals are passed over. */
struct oph__read {
    oph_signal *sig;
    bool setpoint_only;
    struct oph_value set, read;
    int32_t rc; /* out: of the setpoint, else of the readback */
    oph_error error;
};

/* What goes out together. */
struct oph__exchange {
    struct oph__write *writes;
    size_t write_count;
    struct oph__read *reads;
    size_t read_count;
    bool reads_last; /* when no put is under way any more; else with the puts */
    double timeout;  /* of a read */
};

/* Puts all in one flush, in order, waits for their completions, then for their readbacks: read
 * once, then watched by monitor until the patience ends (core/group.h). Start rows (Acquire,
 * Capture) are put without completion: theirs would come only when the action ends, and stop the
 * server reading meanwhile. Each write and read has its own result; returned is only what ended
 * them all, as OPH_EINTR, and then each has that. */
int oph__exchange(oph_context *ctx, const struct oph__exchange *x, bool interruptible,
                  oph_error *err);

/* Writes alone. Returns 0, or the first write's error. */
int oph__write_all(oph_context *ctx, struct oph__write *writes, size_t count, bool interruptible,
                   oph_error *err);

/* Waits until a signal's readback is `expect`, or no longer is (`differ`). */
int oph__write_await(oph_signal *sig, const struct oph__wire *expect, bool differ, double patience,
                     bool interruptible, oph_error *err);

/* Reads alone. Returns 0, or the first read's error. */
int oph__read_all(oph_context *ctx, struct oph__read *reads, size_t count, double timeout,
                  bool interruptible, oph_error *err);
void oph__reads_clear(struct oph__read *reads, size_t count);
/* What a signal reads: its readback, or the only PV that it has. */
static inline const oph_value *oph__read_value(const struct oph__read *read)
{
    return read->read.data ? &read->read : &read->set;
}

/* Waits until the PVs of all signals are connected. Each failure goes to the report; the first to
 * err. */
struct oph__patience {
    double since, until; /* on the monotonic clock */
};
struct oph__patience oph__patience(double timeout, double fallback);
int oph__connect_signals(oph_context *ctx, const struct oph__vec *signals,
                         struct oph__patience patience, oph_report *report, oph_error *err);

#endif
