/* Events on their way to the user, in the order in which they came.
 *
 * Each comes from a source, which has room for so many: what does not fit is dropped, oldest first,
 * and counted on the event that follows. A queue is the user's, who pulls from it, or the context's
 * own, which the dispatcher empties into callbacks (dispatch.c). Its lock comes after the
 * context's. */
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
    struct oph__source *source;    /* while it waits */
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
    uint32_t taken; /* before those: they wait for the dispatcher's turn; under its lock */
    size_t bytes;   /* of the others */
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

/* What the dispatcher has taken out of the queue, to run without the queue's lock. Those events
 * still wait: they count as their source's, and go where it has too many or ends. */
struct oph__turn {
    struct oph__monitor m;   /* comes after the queue's; changed, if somebody waits, at each turn */
    struct oph_event *taken; /* by next */
    const struct oph__source *running; /* whose callback the dispatcher is in */
    unsigned waiting;                  /* threads */
};

struct oph_queue {
    atomic_int refs; /* the user's or the context's, and one a source */
    oph_context *ctx;
    struct oph__loop *dispatch; /* NULL: the user pulls */
    struct oph__turn turn;
    struct oph__monitor m; /* of all below, and of what the sources have here */
    struct oph_event *first, *last;
    size_t count;
    struct oph_event *spares; /* by next: to be used again */
    size_t spare_count;
    struct oph__job job; /* runs the callbacks */
    bool posted;
    unsigned waiting; /* threads in oph_queue_next */
    bool closed;
    int fd;      /* an eventfd; -1: none */
    bool polled; /* somebody looks at fd */
    bool lit;    /* fd is readable */
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

/* event.c: frees what an event has, and the events of a list too */
void oph__event_clear(struct oph_event *event);
void oph__events_free(struct oph_event *first);

/* For queue.c and dispatch.c. With the queue's lock held. */
struct oph__lane *oph__lane_of(const struct oph_event *event);
struct oph_event *oph__lane_take(struct oph__lane *lane); /* its oldest, out of the queue too */

/* dispatch.c */
int oph__turn_init(struct oph__turn *turn); /* 0 or OPH_ESYSTEM */
void oph__turn_destroy(struct oph__turn *turn);
void oph__dispatch(struct oph__job *job); /* the queue's */
/* Makes room in a lane that has got an event. Returns what must go. With the queue's lock held. */
struct oph_event *oph__lane_shed(struct oph__lane *lane);
/* Adds those of a source to a list. With the queue's lock held. */
struct oph_event *oph__turn_empty(struct oph__turn *turn, const struct oph__source *source,
                                  struct oph_event *list);
/* Waits for a running callback of the source. With no lock held. */
void oph__turn_await(oph_queue *queue, const struct oph__source *source);

#endif
