/* Requests that go out together: connects, gets and puts in one flush, waited for as one.
 *
 * A group belongs to its maker and to each request under way, so that a caller may give up while
 * libca still holds requests. Results are read after the wait; those that are not done say
 * OPH_ETIMEOUT. A put with completion that is given up makes its channel anew (see ca/link.h). */
#ifndef CORE_OPS_H
#define CORE_OPS_H

#include "core/pv.h"

enum oph__op_kind {
    OPH__OP_NONE,
    OPH__OP_CONNECT,
    OPH__OP_GET,
    OPH__OP_PUT,
    OPH__OP_DESCRIBE,
    OPH__OP_WATCH /* until oph__op_unwatch */
};

/* How to read; zeros: the native type, all that there is, into the op's own value. */
struct oph__how_to_get {
    int32_t dtype;
    uint32_t count; /* at most */
    void *into;     /* the caller's memory, which must live until the wait ends */
    size_t into_bytes;
};

enum { OPH__CACHE_LINE = 64 };

struct oph__op {
    /* What a read touches comes first: two cache lines. */
    _Alignas(OPH__CACHE_LINE) struct oph__ops *group;
    struct oph__pv *pv;
    struct oph__op *next; /* in the PV's list, as long as it is under way; but for gets */
    void *owner;          /* the maker's own */
    enum oph__op_kind kind;
    int32_t code; /* when done: 0, or why it failed */
    bool ended;   /* its PV may be gone */
    bool done;    /* and it has a result */
    char *why;    /* the words for the code; NULL: its own */
    void *into;
    struct oph_value value; /* of a get; without data where the caller's memory took it */
    size_t into_bytes;
    struct oph__chanmon *mon; /* of a watch */
};

struct oph__ops;
typedef void oph__ops_fn(struct oph__ops *group, void *user);

/* Room for `count` requests. */
int oph__ops_new(oph_context *ctx, size_t count, struct oph__ops **ret, oph_error *err);
/* Empties them, to be used again. False where a request is still under way, or there is no room for
 * so many. */
bool oph__ops_renew(struct oph__ops *group, size_t count);
/* Gives up what is still under way: results stand as they are, and neither on_done nor on_each will
 * run any more (not from inside it). */
void oph__ops_give_up(struct oph__ops *group);
void oph__ops_free(struct oph__ops *group); /* that too; NULL allowed */

/* Called once when all are done, instead of a wait: on a libca thread, or on that of _send. It must
 * be quick. */
void oph__ops_on_done(struct oph__ops *group, oph__ops_fn *fn, void *user);

/* Called for each request that ends before it is given up, with the monitor's lock held, on the
 * thread that ended it. It must be quick. */
typedef void oph__op_fn(struct oph__op *op);
void oph__ops_on_each(struct oph__ops *group, oph__op_fn *fn);
struct oph__monitor *oph__ops_monitor(struct oph__ops *group);

/* Adds a request; a failure to send is its result. NULL pv: not added, returns NULL. `owner` is
 * there before its end is told. */
struct oph__op *oph__ops_connect(struct oph__ops *group, struct oph__pv *pv, void *owner);
struct oph__op *oph__ops_get(struct oph__ops *group, struct oph__pv *pv,
                             const struct oph__how_to_get *how, void *owner);
struct oph__op *oph__ops_put(struct oph__ops *group, struct oph__pv *pv,
                             const struct oph__wire *wire, bool completion, void *owner);
/* What the PV is, as the IOC says now; from then on it follows. */
struct oph__op *oph__ops_describe(struct oph__ops *group, struct oph__pv *pv, void *owner);
/* Follows values: fn(owner, event) on a libca thread. */
struct oph__op *oph__ops_watch(struct oph__ops *group, struct oph__pv *pv, oph__event_fn *fn,
                               void *owner);
void oph__op_unwatch(struct oph__op *op); /* then fn does not run any more; NULL allowed */

/* Gives up one request that is under way: a put's channel is made anew. */
void oph__op_give_up(struct oph__op *op);

/* The requests, in the order in which they were added. */
size_t oph__ops_count(const struct oph__ops *group);
const struct oph__op *oph__ops_at(const struct oph__ops *group, size_t index);

/* Sends what was added. */
int oph__ops_send(struct oph__ops *group, oph_error *err);

/* Sends and waits until all are done. 0 also when requests failed: look at each. OPH_ETIMEOUT and
 * OPH_EINTR leave some undone. `interruptible`: oph_interrupt ends the wait, and a cancel of the
 * call that it is part of (OPH_ECANCEL). */
int oph__ops_wait(struct oph__ops *group, double deadline, bool interruptible, oph_error *err);

/* From now on results stand as they are: for a look at a group that is not done. */
void oph__ops_freeze(struct oph__ops *group);

/* The error of a request that is not done in time. */
int oph__op_late(const struct oph__op *op, const char *wanted, double waited, oph_error *err);
/* The result of a request as an error that names path and PV; `wanted` as "a value". 0 when it
 * worked. */
int oph__op_error(const struct oph__op *op, const char *wanted, double waited, oph_error *err);

#endif
