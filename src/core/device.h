/* A device, inside. */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include "core/context.h"
#include "core/pv.h"
#include "core/settings.h"
#include "core/states.h"
#include <cophyd/acquire.h>
#include <cophyd/device.h>
#include <cophyd/signal.h>
#include <cophyd/status.h>

/* One signal; made when first asked for, freed with its device. */
struct oph_signal {
    oph_context *ctx; /* its device's */
    oph_device *dev;
    /* As a device's class: connecting changes it while others read it. */
    const struct oph__row *_Atomic row;
    char *path;
    struct oph__pv *set;  /* the setpoint, or the only PV */
    struct oph__pv *read; /* the readback; the same as `set` where there is one PV */
    atomic_int kind;      /* enum oph_kind as chosen, and 1; 0: as the row says */
    double slow;          /* without a device: seconds that its sources' rows say */
};

/* What its row says that a put takes beyond the usual, seconds. */
static inline double oph__signal_slow(const oph_signal *sig)
{
    return sig->dev ? sig->row->slow : sig->slow;
}

struct oph__hook {
    const struct oph__hook_ops *ops;
    void *data;
};

/* A series that was prepared, as the newest call of oph_prepare wants it. */
struct oph__series {
    bool prepared;      /* these are of the thread that triggers or prepares */
    oph_series want;    /* its zeros filled in */
    int64_t kickoffs;   /* that it takes in all */
    int64_t done;       /* kicked off so far */
    oph_status *status; /* of the latest; a reference, under m */
};

/* What a whole tree shares: one device of it, and what is below, is staged at a time. */
struct oph__tree {
    struct oph__monitor m; /* of state, staged, status, starting, staging */
    int32_t state;
    oph_device *staged;     /* the device that stage was called on */
    struct oph__plan *plan; /* of the thread that stages or unstages, and of nobody else */
    oph_status *status;     /* of the acquisition that runs, or ran last; a reference */
    bool unfinished;        /* an acquisition of ours was started, and has not succeeded since */
    bool starting;    /* a call that triggers or prepares is under way: it has the plan, and may put
                         Acquire */
    pthread_t holder; /* the thread of that call, or of the one that stages */
    struct oph__call *staging; /* the call that stages, as long as it can be cancelled */
    struct oph__series series;
};

struct oph_device {
    oph_context *ctx;
    oph_device *parent;
    struct oph__tree *tree; /* the root's */
    /* Set under ctx->lock when connecting learns the release, and read without it: classes live as
     * long as the context. */
    const struct oph__class *_Atomic cls;
    /* The class as it was asked for, to be resolved again for the IOC's release. */
    char *expression;
    atomic_int version;  /* of the IOC, 1000 * major + minor; 0: not known */
    char other_type[64]; /* what the IOC's plugin says that it is, where the class says another;
                            under ctx->lock */
    char *attr, *name, *path, *prefix;
    struct oph__vec children;
    struct oph__vec signals; /* struct oph_signal; under ctx->lock, as the map */
    struct oph__map by_attr;
    struct oph__settings settings;
    struct oph__vec hooks; /* struct oph__hook */
    const struct oph__trigger_ops *trigger;
    _Atomic int64_t frames;   /* that a writer is to get from an acquisition; 0: as many as taken */
    atomic_int kind;          /* as a signal's; 0: as the class says */
    atomic_bool kinds_chosen; /* of a signal: else the class says all of them */
};

/* The device at the top of its tree. */
oph_device *oph__device_root(oph_device *dev);
/* The nearest that has a trigger, itself or above it; else the root. */
oph_device *oph__device_detector(oph_device *dev);
/* The device a path's start leads to, through children and "parent."; *ret_rest is what is left. */
oph_device *oph__device_walk(oph_device *dev, const char *path, const char **ret_rest);

/* The signal of an attribute of this very device, made if need be. */
int oph__device_signal(oph_device *dev, const char *attr, oph_signal **ret, oph_error *err);

/* Calls fn for dev and all below it, parents first; stops at the first error. */
typedef int oph__device_fn(oph_device *dev, void *user, oph_error *err);
int oph__device_each(oph_device *dev, oph__device_fn *fn, void *user, oph_error *err);

/* Where the setpoint and the readback of an attribute are. */
int oph__signal_new(oph_device *dev, const struct oph__row *row, oph_signal **ret, oph_error *err);
void oph__signal_free(oph_signal *sig);
struct oph__target oph__signal_target(const oph_signal *sig, const struct oph__chan_info *info);
/* Makes a literal ready for the setpoint as it is now, which *ret_info tells; OPH_EDISCONN while
 * that is down. */
int oph__signal_encode(const oph_signal *sig, const struct oph__literal *value,
                       struct oph__chan_info *ret_info, struct oph__wire *ret, oph_error *err);
static inline bool oph__signal_is_start(const oph_signal *sig)
{
    return sig->row->how == OPH__START;
}

/* Enters a verb: 0 and the rule, or OPH_ESTATE in one sentence. */
int oph__tree_enter(oph_device *dev, enum oph__verb verb, const struct oph__rule **ret,
                    oph_error *err);
void oph__tree_set(struct oph__tree *tree, int32_t state);

#endif
