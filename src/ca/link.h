/* Channel Access as the rest of the library sees it: one table of operations.
 *
 * Threads: every operation may be called from any thread, also one that is attached to another CA
 * context, but (chan_info, chan_type and chan_name excepted) with no lock held that a callback
 * takes. Callbacks run on libca's threads, one at a time; what fails when the link tries again by
 * itself is told on its own thread. They copy and return, and may call chan_free, unsubscribe,
 * put_abandon, chan_info, chan_type and flush only: the others return OPH_EDEADLK there. In a
 * forked child every call returns OPH_EFORK, or does nothing.
 */
#ifndef CA_LINK_H
#define CA_LINK_H

#include "base/log.h"
#include <cophyd/dtype.h>
#include <cophyd/error.h>
#include <cophyd/subscription.h>
#include <stdbool.h>

struct oph__link;    /* one Channel Access client */
struct oph__chan;    /* one channel of it */
struct oph__chanmon; /* one subscription to a channel */

enum { OPH__LABELS = 16, OPH__LABEL_BYTES = 26, OPH__STRING_BYTES = 40 };

/* A type to ask for: an enum's label, as OPH_TEXT, and of all else the native type. */
enum { OPH__OR_LABEL = -1 };

static inline int32_t oph__dtype_to_ask(int32_t dtype, int32_t native)
{
    if (dtype != OPH__OR_LABEL) return dtype ? dtype : native;
    return native == OPH_ENUM ? OPH_TEXT : native;
}

/* The updates that most want. */
enum { OPH__UPDATES = OPH_ON_VALUE | OPH_ON_ALARM };

/* What a channel is; valid while it is up. From a DBR_CTRL read made at each connection. An enum's
 * follows the IOC from then on, and so does any that was asked to by describe. */
struct oph__chan_info {
    int32_t dtype;  /* UINT8 (DBR_CHAR), INT16, INT32, FLOAT32, FLOAT64, ENUM, TEXT */
    uint32_t count; /* native element count */
    bool readable, writable;
    int16_t precision;
    uint16_t label_count;
    char labels[OPH__LABELS][OPH__LABEL_BYTES];
    char units[8];
    /* Limits as the IOC says them: both of a pair 0 where the record has none, and NaN (0 for
     * integers) for an alarm limit without a severity. */
    double control_low, control_high; /* DRVL, DRVH */
    double display_low, display_high; /* LOPR, HOPR */
    double warning_low, warning_high; /* LOW, HIGH */
    double alarm_low, alarm_high;     /* LOLO, HIHI */
    char host[64];                    /* "127.0.0.1:5064" */
};

enum oph__chan_state { OPH__CHAN_DOWN, OPH__CHAN_UP };

/* One value as it came in; `data` is libca's and valid during the callback only. Strings are
 * count × 40 bytes. Times are Unix, from the IOC. */
struct oph__event {
    int32_t code; /* 0, or OPH_EDISCONN, OPH_EACCESS, OPH_ECA...: then there is no data */
    int32_t dtype;
    uint32_t count;
    const void *data;
    int16_t status, severity;
    int64_t seconds;
    int32_t nanoseconds;
    const char *why;       /* libca's words for a failure, or NULL */
    uint32_t rank;         /* 0: a scalar, or one axis of `count` */
    const uint32_t *shape; /* slowest axis first */
};

typedef void oph__event_fn(void *user, const struct oph__event *event);
/* A put completed: code 0, OPH_EPUT (the IOC refused it) or OPH_EDISCONN (it may still be applied).
 */
typedef void oph__put_fn(void *user, int32_t code, const char *why);
/* chan_info is up to date, or why it is not. */
typedef void oph__described_fn(void *user, int32_t code, const char *why);
/* The channel came up (its info is there), went down, or its access rights changed (state again).
 */
typedef void oph__state_fn(void *user, int32_t state);

struct oph__link_ops {
    int (*open)(struct oph__log *log, struct oph__link **ret, oph_error *err);
    /* Ends every callback, then frees what is left. Bounded: a stuck circuit is left to a detached
     * thread. Free the channels first. */
    void (*close)(struct oph__link *link);

    /* Searched for from the next flush on. `pv` is copied. OPH_EINVAL: no name of a PV. */
    int (*chan_new)(struct oph__link *link, const char *pv, oph__state_fn *state, void *user,
                    struct oph__chan **ret, oph_error *err);
    /* After it none of the channel's callbacks runs or will run. Pending gets end with OPH_ECANCEL
     * before it returns; of all else that is pending nothing more is said. From inside a callback
     * it returns at once, and all that comes later. */
    void (*chan_free)(struct oph__chan *chan);
    const char *(*chan_name)(const struct oph__chan *chan);
    /* What keeps the channel down, where that is not itself. NULL: there is no more to say. */
    void (*chan_lacks)(struct oph__chan *chan, char *dst, size_t size);
    /* False, and *ret untouched, while the channel is down. */
    bool (*chan_info)(struct oph__chan *chan, struct oph__chan_info *ret);
    /* The same, of type and count alone. */
    bool (*chan_type)(struct oph__chan *chan, int32_t *ret_dtype, uint32_t *ret_count);
    /* From now on, until the channel is freed, chan_info follows the IOC's properties: by one
     * subscription a channel, which the link keeps. Sent at the next flush. fn is called once,
     * unless the channel is freed first, when chan_info is no older than this call: after the
     * subscription's first event, or at once in the calling thread. code 0: it is, also where there
     * is nothing to follow (text, or an IOC that does not report properties); OPH_EACCESS: it
     * cannot be read; OPH_EDISCONN: it went down meanwhile. OPH_EDISCONN is returned, and nothing
     * follows, while it is down. */
    int (*describe)(struct oph__chan *chan, oph__described_fn *fn, void *user, oph_error *err);

    /* Sent at the next flush. The callback comes exactly once unless the channel is freed first.
     * count 0: the current length. dtype OPH_NONE: the native type; OPH__OR_LABEL may stand. */
    int (*get)(struct oph__chan *chan, int32_t dtype, uint32_t count, oph__event_fn *fn, void *user,
               oph_error *err);
    /* `data`: count elements of dtype, copied. fn NULL: no completion. With fn, while another put
     * with completion is in flight on this channel: OPH_EBUSY, nothing sent (the server would stop
     * reading this client for a minute). */
    int (*put)(struct oph__chan *chan, int32_t dtype, uint32_t count, const void *data,
               oph__put_fn *fn, void *user, oph_error *err);
    /* Gives up the put with completion that was begun with this user; nothing where it is over. Its
     * callback will not be called, and the channel may be put to again. It is made anew behind the
     * caller's back: the old one serves until the new one is up and only a put with completion is
     * held until then. */
    void (*put_abandon)(struct oph__chan *chan, const void *user);
    /* First value at once, and never before the state callback has said that the channel is up.
     * dtype and count are as those of get. `mask` is of enum oph_mask;
     * OPH_ON_PROPERTY stands alone, and its events have no data: chan_info is new then. Goes on by
     * itself after a disconnection, which it does not report: the channel's state callback does. */
    int (*subscribe)(struct oph__chan *chan, int32_t dtype, uint32_t count, uint32_t mask,
                     oph__event_fn *fn, void *user, struct oph__chanmon **ret, oph_error *err);
    /* As chan_free, for one subscription. */
    void (*unsubscribe)(struct oph__chanmon *mon);
    /* Sends what was asked for, from any thread. */
    int (*flush)(struct oph__link *link, oph_error *err);
};

/* The table that talks to libca. */
const struct oph__link_ops *oph__ca_ops(void);

#endif
