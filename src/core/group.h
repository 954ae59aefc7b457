/* Requests that go out together: connects, gets and puts in one flush, waited for as one.
 *
 * A group belongs to its maker and to each request under way, so that a caller may give up while
 * libca still holds requests. Results are read after the wait; those that are not done say
 * OPH_ETIMEOUT. A put with completion that is given up makes its channel anew (see ca/link.h). */
#ifndef CORE_GROUP_H
#define CORE_GROUP_H

#include "core/pv.h"

enum oph__op_kind { OPH__OP_NONE, OPH__OP_CONNECT, OPH__OP_GET, OPH__OP_PUT };

struct oph__op {
    struct oph__group *group;
    struct oph__pv *pv;
    struct oph__op *next; /* in the PV's list, as long as it is under way */
    enum oph__op_kind kind;
    bool ended;             /* its PV has let go of it, and may be gone */
    bool done;              /* and it has a result */
    int32_t code;           /* when done: 0, or why it failed */
    char why[96];           /* libca's words */
    struct oph_value value; /* of a get */
    void *into;             /* a get that copies into the caller's memory instead */
    size_t into_bytes;
};

struct oph__group;
typedef void oph__group_fn(struct oph__group *group, void *user);

/* Room for `count` requests. */
int oph__group_new(oph_context *ctx, size_t count, struct oph__group **ret, oph_error *err);
/* Gives up what is still under way; after it on_done neither runs nor will run (not from inside
 * it). NULL allowed. */
void oph__group_free(struct oph__group *group);

/* Called once when all are done, instead of a wait: on a libca thread, or on that of _send. It must
 * be quick. */
void oph__group_on_done(struct oph__group *group, oph__group_fn *fn, void *user);

/* Adds a request; a failure to send is its result. NULL pv: not added, returns NULL. */
struct oph__op *oph__group_connect(struct oph__group *group, struct oph__pv *pv);
struct oph__op *oph__group_get(struct oph__group *group, struct oph__pv *pv);
/* Copies elements of dtype straight into the caller's memory, which must live until the wait ends.
 */
struct oph__op *oph__group_get_into(struct oph__group *group, struct oph__pv *pv, int32_t dtype,
                                    void *into, size_t into_bytes);
struct oph__op *oph__group_put(struct oph__group *group, struct oph__pv *pv,
                               const struct oph__wire *wire, bool completion);

/* The requests, in the order in which they were added. */
size_t oph__group_count(const struct oph__group *group);
const struct oph__op *oph__group_at(const struct oph__group *group, size_t index);

/* Sends what was added. */
int oph__group_send(struct oph__group *group, oph_error *err);

/* Sends and waits until all are done. 0 also when requests failed: look at each. OPH_ETIMEOUT and
 * OPH_EINTR leave some undone. `interruptible`: oph_interrupt ends the wait. */
int oph__group_wait(struct oph__group *group, double deadline, bool interruptible, oph_error *err);

/* From now on results stand as they are: for a look at a group that is not done. */
void oph__group_freeze(struct oph__group *group);

/* The result of a request as an error that names path and PV; `wanted` as "a value". 0 when it
 * worked. */
int oph__op_error(const struct oph__op *op, const char *wanted, double waited, oph_error *err);

#endif
