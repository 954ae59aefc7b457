/* Subscriptions: a signal's values, connection, access rights and properties as they change. */
#ifndef COPHYD_SUBSCRIPTION_H
#define COPHYD_SUBSCRIPTION_H

#include <cophyd/signal.h>

OPH_BEGIN_DECLS

typedef struct oph_subscription oph_subscription;
typedef struct oph_queue oph_queue;
typedef struct oph_event oph_event;

/* What the IOC is asked to report. */
enum oph_mask {
    OPH_ON_VALUE = 1,    /* a value that differs by more than the record's MDEL */
    OPH_ON_LOG = 2,      /* ... by more than its ADEL */
    OPH_ON_ALARM = 4,    /* a change of alarm status or severity */
    OPH_ON_PROPERTY = 8, /* labels, units, limits or precision: OPH_EVENT_METADATA */
    OPH_MASK_PIN_ = INT32_MIN
};

enum oph_delivery {
    OPH_DELIVER_EVERY = 0,  /* each value that arrives */
    OPH_DELIVER_NEWEST = 1, /* the newest that arrived when you get to it */
    OPH_DELIVERY_PIN_ = INT32_MIN
};

enum oph_event_kind {
    OPH_EVENT_VALUE = 1,
    OPH_EVENT_CONNECTED = 2,    /* before any value of that connection */
    OPH_EVENT_DISCONNECTED = 3, /* the subscription goes on by itself when the PV is back */
    OPH_EVENT_ACCESS = 4,       /* read or write access changed */
    OPH_EVENT_METADATA = 5,     /* with OPH_ON_PROPERTY: first when connected, then at changes */
    OPH_EVENT_FAILED = 6,       /* an update could not be had: oph_event_error */
    OPH_EVENT_KIND_PIN_ = INT32_MIN
};

/* Set `size` to sizeof(oph_subscribe_options). Zero means the default that is named here. */
typedef struct oph_subscribe_options {
    uint32_t size;
    uint32_t mask;    /* of OPH_ON_...; OPH_ON_VALUE | OPH_ON_ALARM */
    int32_t part;     /* enum oph_part */
    int32_t delivery; /* enum oph_delivery */
    uint32_t depth;   /* values that may wait for you; 1000, and always 1 for the newest only */
    uint32_t count;   /* at most so many elements of an array; all that there are */
} oph_subscribe_options;

/* Follows a signal. Needs no IOC: what comes first is OPH_EVENT_CONNECTED, at once or when the PV
 * is found, then the first value.
 *
 * Events come in the order in which they arrived. At most `depth` values, and 64 MiB of them, wait
 * for you; beyond that the oldest is dropped and counted on the event that follows. 32 events of
 * the other kinds have room of their own. What the IOC itself skips, since it reports no faster
 * than the network takes it, nobody can count.
 *
 * fn runs on the context's dispatcher thread, as all callbacks: one at a time with no lock held.
 * It may call the library, free its own subscription and block, and then the others wait. It may
 * run before this call returns. The event is borrowed, until fn returns.
 *
 * The subscription is yours. It ends with its device, and stays yours to free. */
typedef void oph_event_fn(const oph_event *event, void *user);
OPH_API int oph_subscribe(oph_signal *sig, const oph_subscribe_options *opt, oph_event_fn *fn,
                          void *user, oph_subscription **ret, oph_error *err);
/* The same, for a thread of yours that pulls events from a queue. */
OPH_API int oph_subscribe_queue(oph_signal *sig, const oph_subscribe_options *opt, oph_queue *queue,
                                void *user, oph_subscription **ret, oph_error *err);
/* After it fn does not run any more, and none of its events is in the queue: a running fn is waited
 * for, but not from inside a callback. From any thread, before or after its device, its queue and
 * its context. NULL allowed. */
OPH_API void oph_subscription_free(oph_subscription *sub);
/* Events dropped so far. */
OPH_API uint64_t oph_subscription_dropped(oph_subscription *sub);

/* What an event tells. All is the event's own, but for the signal, which is its device's, and the
 * subscription. */
OPH_API int32_t oph_event_kind(const oph_event *event); /* enum oph_event_kind */
OPH_API oph_signal *oph_event_signal(const oph_event *event);
OPH_API oph_subscription *oph_event_subscription(const oph_event *event);
OPH_API void *oph_event_user(const oph_event *event);
/* Borrowed; NULL for all but OPH_EVENT_VALUE, OPH_EVENT_FAILED. */
OPH_API const oph_value *oph_event_value(const oph_event *event);
OPH_API const oph_error *oph_event_error(const oph_event *event);
/* How many events of this subscription were dropped just before this one. */
OPH_API uint64_t oph_event_dropped(const oph_event *event);
/* 1 or 0, with OPH_EVENT_CONNECTED and OPH_EVENT_ACCESS; 0 for the others. */
OPH_API int oph_event_readable(const oph_event *event);
OPH_API int oph_event_writable(const oph_event *event);

/* A queue of the events of any number of subscriptions, for any number of threads. Yours. */
OPH_API int oph_queue_new(oph_context *ctx, oph_queue **ret, oph_error *err);
/* A descriptor for poll(2), readable while events wait: the queue's, not to be read or closed. */
OPH_API int oph_queue_fd(oph_queue *queue);
/* The oldest event, which is yours to free. Waits for one: OPH_ETIMEOUT when none came. timeout:
 * OPH_DEFAULT is the context's get_timeout; with 0 it does not wait. */
OPH_API int oph_queue_next(oph_queue *queue, double timeout, oph_event **ret, oph_error *err);
OPH_API void oph_event_free(oph_event *event); /* NULL allowed */
/* Drops what is in it. Its subscriptions stay yours to free, and say nothing more; a call that
 * waits for an event returns OPH_ECANCEL. NULL allowed. */
OPH_API void oph_queue_free(oph_queue *queue);

OPH_END_DECLS

#endif
