/* A signal that is computed from others, inside.
 *
 * Its link is the recipe, which never changes. A channel of it carries it out: it has channels of
 * its own to the PVs of the sources, so that neither depends on what else the sources are used for.
 * There is one recipe for readbacks, and one for setpoints where a source has both.
 *
 * derived.c makes recipes, derived_result.c computes, derived_chan.c has the channel and its state,
 * derived_request.c gets and puts, derived_follow.c the subscriptions. */
#ifndef CORE_DERIVED_H
#define CORE_DERIVED_H

#include "core/local.h"
#include <cophyd/soft.h>

/* The PV of a source, which need not be there any more. */
struct oph__derived_source {
    char *path, *pv;
    const struct oph__row *row;
    const struct oph__link_ops *ops;
    struct oph__link *link; /* a reference; NULL: the network */
};

struct oph__derived {
    struct oph__link base;
    oph_context *ctx; /* its signal's, which holds it */
    char *name;
    struct oph__local what; /* the value */
    bool shaped;            /* type and properties are the first source's, which leads */
    oph_forward_fn *forward;
    oph_inverse_fn *inverse;
    void *user;
    size_t count;
    struct oph__derived_source from[];
};

/* Computing */

struct oph__piece {
    oph_data data;
    bool set;
    uint32_t rank;
    uint32_t shape[OPH__AXES];
    void *owned; /* the data, where it is not borrowed */
};

struct oph_output {
    size_t count;
    struct oph__piece *pieces;
    char why[256];
};
/* As oph_output_set, without a copy: elements of a source. */
void oph__output_borrow(struct oph_output *result, const oph_value *value, uint32_t count);

/* More than UINT32_MAX for what no array has, negative axes among it. */
uint64_t oph__axes_product(const int64_t *axes, uint32_t rank);

/* What a forward function made, as an event. */
struct oph__computed {
    struct oph__event event;
    struct oph__piece piece;
    struct oph__wire wire, converted;
    oph_error why;
};
void oph__compute(const struct oph__derived *d, const oph_value *const *from, int32_t dtype,
                  uint32_t count, struct oph__computed *ret);
void oph__computed_clear(struct oph__computed *computed);
/* What the inverse function wants put, made ready; `ret` has room for one wire a source, and those
 * without data are not to be put. */
int oph__compute_inverse(const struct oph__derived *d, const struct oph__wire *wanted,
                         struct oph__chan *const *sources, struct oph__wire *ret, oph_error *err);

/* The channel */

struct oph__leg {
    struct oph__dchan *chan;
    struct oph__chan *source; /* set once; under the lock until the channel is made */
    bool up;                  /* in turns */
};

struct oph__teller {
    pthread_t by;
    struct oph__teller *next;
};

struct oph__dchan {
    atomic_int refs; /* its owner's, and one a callback under way */
    struct oph__derived *of;
    oph__state_fn *state;
    void *user;
    struct oph__monitor m;       /* of what follows */
    struct oph__local_turn turn; /* of callbacks about state and updates */
    bool closed;
    bool up, readable, writable; /* as told; written in turns */
    struct oph__dreq *requests;  /* under way */
    struct oph__dreq *putting;   /* the one of them that is a put with completion */
    struct oph__teller *tellers; /* threads that tell of one that is complete */
    struct oph__dmon *mons;      /* changed in turns */
    struct oph__leg legs[];
};

static inline struct oph__dchan *oph__dchan_of(const struct oph__chan *chan)
{
    return (struct oph__dchan *)(uintptr_t)chan;
}
const struct oph__link_ops *oph__derived_ops(void);

struct oph__dchan *oph__dchan_ref(struct oph__dchan *chan);
void oph__dchan_unref(struct oph__dchan *chan);
/* Takes a turn, or returns false: the channel is closed, or *gone (under its lock; NULL allowed),
 * or this is a call from inside the turn. */
bool oph__dchan_begin(struct oph__dchan *chan, const bool *gone);
void oph__dchan_end(struct oph__dchan *chan);

/* "det.x (X:Number): the PV is not connected" for a source. */
void oph__derived_source_says(const struct oph__derived_source *source, int code, const char *why,
                              oph_error *err);
/* The same for the first that is missing. */
int oph__dchan_lacks(struct oph__dchan *chan, oph_error *err);

int oph__derived_get(struct oph__chan *chan, int32_t dtype, uint32_t count, oph__event_fn *fn,
                     void *user, oph_error *err);
int oph__derived_put(struct oph__chan *chan, int32_t dtype, uint32_t count, const void *data,
                     oph__put_fn *fn, void *user, oph_error *err);
void oph__derived_put_abandon(struct oph__chan *chan, const void *user);
void oph__dreqs_drop(struct oph__dchan *chan); /* when no source calls back any more */

int oph__derived_subscribe(struct oph__chan *chan, int32_t dtype, uint32_t count, uint32_t mask,
                           oph__event_fn *fn, void *user, struct oph__chanmon **ret,
                           oph_error *err);
void oph__derived_unsubscribe(struct oph__chanmon *mon);
/* In a turn: a source went down, and what it told is old; the channel has come up. */
void oph__dmons_forget(struct oph__dchan *chan, size_t source);
void oph__dmons_come_up(struct oph__dchan *chan);
struct oph__dmon *oph__dmons_sweep(struct oph__dchan *chan); /* with the lock: those that ended */
void oph__dmons_free(struct oph__dmon *mons);

/* Making one */

struct oph__recipe {
    const struct oph__local *what;
    bool shaped;
    oph_forward_fn *forward;
    oph_inverse_fn *inverse;
    void *user;
    oph_signal *const *from;
    size_t count;
};
int oph__derived_make(oph_context *ctx, const struct oph__recipe *recipe, oph_signal **ret,
                      oph_error *err);

#endif
