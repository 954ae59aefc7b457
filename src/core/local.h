/* Signals that are not on the network: what soft, derived and shaped ones have in common.
 *
 * Each has PVs like any other, but with a link of its own, which is its memory or its recipe. So
 * all that is above the link's table of operations works on them as it is. They have no thread:
 * their callbacks run in the call that brought the news, or in a callback of their sources. */
#ifndef CORE_LOCAL_H
#define CORE_LOCAL_H

#include "base/clock.h"
#include "core/device.h"

/* What their links begin with. */
struct oph__link {
    atomic_int refs; /* the signal's PVs', and one for each that is derived from it */
    void (*destroy)(struct oph__link *link);
};
struct oph__link *oph__local_ref(struct oph__link *link);
void oph__local_unref(struct oph__link *link); /* NULL allowed; `close` of their tables */
int oph__local_open(struct oph__log *log, struct oph__link **ret, oph_error *err); /* refused */

/* What a signal without a device is: its row's type, and what its PV says of itself. */
struct oph__local {
    const char *name;
    enum oph__rowtype type;
    struct oph__chan_info info;
};
/* dtype and count where the properties do not say. OPH_STRING: a text of any length, which its PV
 * has as an array of characters; several are an array of short texts. */
int oph__local_describe(const char *name, int32_t dtype, uint64_t count,
                        const oph_properties *properties, struct oph__local *ret, oph_error *err);

/* The signal over its links, of which there may be one; takes over their references in any case. */
int oph__local_signal(oph_context *ctx, const struct oph__local *what,
                      const struct oph__link_ops *ops, struct oph__link *set,
                      struct oph__link *read, oph_signal **ret, oph_error *err);

/* Makes what its owner gives ready to be its value: not held to access and limits, as a put is. */
int oph__local_take(const struct oph__local *what, const oph_data *data, struct oph__wire *ret,
                    oph_error *err);
/* Moves what the wire has into a value. */
void oph__local_value(struct oph__wire *from, struct oph_value *to);
/* An event as a get or a subscription wants it, in another type or shorter; `info` is that of its
 * PV. `into` is to be cleared when the event has been used. */
int oph__local_convert(struct oph__event *event, const struct oph__chan_info *info, int32_t dtype,
                       uint32_t count, struct oph__wire *into, oph_error *err);

/* A turn: one thread at a time has it, with no lock held, so that callbacks come one at a time and
 * in order. Those below with the monitor's lock held. */
struct oph__local_turn {
    bool taken;
    pthread_t by;
};
static inline bool oph__local_turn_is_mine(const struct oph__local_turn *turn)
{
    return turn->taken && pthread_equal(turn->by, pthread_self());
}
static inline void oph__local_turn_take(struct oph__local_turn *turn)
{
    turn->taken = true;
    turn->by = pthread_self();
}
static inline void oph__local_turn_leave(struct oph__local_turn *turn, struct oph__monitor *m)
{
    turn->taken = false;
    pthread_cond_broadcast(&m->changed);
}

#endif
