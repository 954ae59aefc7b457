/* What classes can do besides holding signals: triggers and stage hooks, found by name.
 * The layer that knows the hardware gives the tables; core only calls them. */
#ifndef CORE_BEHAVIOUR_H
#define CORE_BEHAVIOUR_H

#include "base/vec.h"
#include <cophyd/acquire.h>
#include <cophyd/device.h>
#include <cophyd/signal.h>
#include <cophyd/status.h>

struct oph__plan;
struct oph__filesrow;
struct oph__describing;

/* The signals that a behaviour reads, put into two lists of oph_signal. The optional ones may be
 * absent from the IOC. A path that the class does not have goes unmentioned. */
struct oph__needs {
    struct oph__vec required;
    struct oph__vec optional;
};

/* Adds the signal at a path to one of the lists. OPH_ENOTFOUND only for required ones. */
int oph__need(struct oph__needs *needs, oph_device *dev, const char *path, bool required,
              oph_error *err);

struct oph__trigger_ops {
    const char *name; /* as in the class text: `trigger NAME` */
    int (*needs)(oph_device *dev, struct oph__needs *needs, oph_error *err);
    /* Checks that the device may be triggered, starts it, and returns; calls oph__trigger_finish
     * later. On an error nothing was started. */
    int (*start)(oph_device *dev, oph_status *status, oph_error *err);
    /* NULL where there is nothing to add: settings of its own, ahead of the device's; and, when all
     * are encoded and nothing was sent yet, the values that it will write to them later. */
    int (*plan)(oph_device *dev, struct oph__plan *plan, oph_error *err);
    int (*check)(oph_device *dev, struct oph__plan *plan, oph_error *err);
    /* NULL where it takes no series. `prepare` fills in what *want leaves open, and how many
     * kickoffs it takes; `kickoff` starts one as start does, and finishes `begun` when the camera
     * has begun, or with the error that ends it; then it gives up its reference. */
    int (*prepare)(oph_device *dev, oph_series *want, int64_t *ret_kickoffs, oph_error *err);
    int (*kickoff)(oph_device *dev, oph_status *status, oph_status *begun, oph_error *err);
    /* Stops what may be running and waits, bounded, until it has stopped. Nothing running: 0 at
     * once. */
    int (*stop)(oph_device *dev, oph_error *err);
};

/* How a trigger ends its acquisition: the device's state first, then the status. */
void oph__trigger_finish(oph_device *dev, oph_status *status, const oph_error *error);

struct oph__hook_ops {
    const char *name; /* `hook NAME` */
    /* The hook's own data for one device; NULL and err when memory is short. */
    void *(*create)(oph_device *dev, oph_error *err);
    void (*destroy)(void *data);
    /* One `files` row of the class: templates as the text gives them. */
    int (*files)(oph_device *dev, void *data, const struct oph__filesrow *row, oph_error *err);
    int (*needs)(oph_device *dev, void *data, struct oph__needs *needs, oph_error *err);
    /* Before anything is sent: adds settings to the plan, ahead of the device's own, and asks for
     * what it must know (core/plan.h). It sends and waits for nothing itself, and keeps nothing
     * where the plan is dry. */
    int (*plan)(oph_device *dev, void *data, struct oph__plan *plan, oph_error *err);
    /* Originals are known, nothing was sent yet: may refuse. It too keeps nothing of a dry plan. */
    int (*check)(oph_device *dev, void *data, const struct oph__plan *plan, oph_error *err);
    /* All but the start rows is written: may still refuse, and everything is then put back. */
    int (*ready)(oph_device *dev, void *data, const struct oph__plan *plan, oph_error *err);
    /* A start row of the device fell back: adds to *err what the IOC says about it. */
    void (*explain)(oph_device *dev, void *data, oph_error *err);
    /* What oph_describe says of the device beside its signals, by oph__describe_add. */
    int (*describe)(oph_device *dev, void *data, struct oph__describing *to, oph_error *err);
    /* Stops what the hook has set in motion, or anybody else, and waits, bounded: for oph_stop. */
    int (*stop)(oph_device *dev, void *data, oph_error *err);
};

struct oph__behaviours {
    const struct oph__trigger_ops *const *triggers; /* both end with NULL */
    const struct oph__hook_ops *const *hooks;
};

const struct oph__trigger_ops *oph__trigger_named(const struct oph__behaviours *b,
                                                  const char *name);
const struct oph__hook_ops *oph__hook_named(const struct oph__behaviours *b, const char *name);

/* The data that hook `ops` keeps for a device; NULL when the device has no such hook. */
void *oph__hook_data(const oph_device *dev, const struct oph__hook_ops *ops);

#endif
