/* Events on their way to the user, in the order in which they came.
 *
 * Each comes from a source, which has room for so many: what does not fit is dropped, oldest first,
 * and counted on the event that follows. A queue is the user's, who pulls from it, or the context's
 * own, which the dispatcher empties into callbacks. Its lock comes after the context's. */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include "core/context.h"
#include "core/value.h"
#include <cophyd/subscription.h>

enum {
    OPH__OTHER_EVENTS = 32,     /* room for those that are no values */
    OPH__VALUE_BYTES = 64 << 20 /* of values that wait; one may wait whatever its size */
};

/* Whose event it is. */
struct oph__origin {
    oph_subscription *sub;
    oph_signal *sig;
    void *user;
};

struct oph_event {
    struct oph_event *prev, *next; /* in the queue */
    struct oph_event *behind;      /* of the same lane */
    struct oph__source *source;    /* while it is in the queue */
    struct oph__origin from;
    int32_t kind;
    bool readable, writable;
    uint64_t dropped; /* just before it */
    oph_error *error;
    struct oph_value value;
};

/* The events of a source that wait: its values, or all others. */
struct oph__lane {
    struct oph_event *first, **last;
    uint32_t count, room;
    size_t bytes;
};

/* What a subscription is to its queue; part of it. All of it under the queue's lock. */
struct oph__source {
    oph_queue *queue; /* a reference */
    struct oph__origin from;
    oph_event_fn *fn; /* NULL: the user pulls */
    struct oph__lane values, others;
    uint64_t dropped; /* so far */
    uint64_t missed;  /* since the last event, for want of memory */
    bool ended;
};

/* Without `dispatch` it is the user's, and holds the context. */
int oph__queue_make(oph_context *ctx, struct oph__loop *dispatch, oph_queue **ret, oph_error *err);
void oph__queue_unref(oph_queue *queue); /* NULL allowed */

/* `depth` values may wait. */
void oph__source_init(struct oph__source *source, oph_queue *queue, struct oph__origin from,
                      oph_event_fn *fn, uint32_t depth);
/* Its callback does not run after that, but for the one that this is called from; what waits is
 * dropped. May be called twice. */
void oph__source_end(struct oph__source *source);
void oph__source_release(struct oph__source *source); /* after that: the reference to its queue */
uint64_t oph__source_dropped(struct oph__source *source);

/* From any thread; quick. */
void oph__source_value(struct oph__source *source, const struct oph__event *event);
void oph__source_tell(struct oph__source *source, int32_t kind, bool readable, bool writable);
void oph__source_fail(struct oph__source *source, const oph_error *error);

#endif
