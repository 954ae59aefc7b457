/* What one stage will write: every setting of the device and its children, in the order of writing.
 */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "core/device.h"
#include "core/write.h"

struct oph__item {
    oph_signal *sig;
    oph_device *list;           /* whose list (or hook) it came from */
    struct oph__literal value;  /* its text is the item's own */
    struct oph__wire wire;      /* the value, encoded */
    struct oph__vec later;      /* struct oph__wire: others that the trigger writes: ours too */
    struct oph_value set, read; /* originals */
    struct oph__chan_info
        info;     /* of the setpoint when it was staged: for labels, when it is gone */
    bool touched; /* was put, or may have been */
};

struct oph__plan {
    oph_device *dev;
    struct oph__vec items; /* struct oph__item */
    bool whole;   /* filled from hooks and lists: hooks are asked before and while it is written */
    unsigned ups; /* connections of all its PVs together, when it was staged */
};

int oph__plan_new(oph_device *dev, struct oph__plan **ret, oph_error *err);
void oph__plan_free(struct oph__plan *plan);

/* Adds a setting at the end; one that is there already moves to the end with the new value. */
int oph__plan_add(struct oph__plan *plan, oph_device *list, const char *key,
                  const struct oph__literal *value, oph_error *err);

/* Adds the hooks' settings and the lists of dev and all below it, then puts them into the order
 * that the IOC needs: `after` rows, then start rows that start something. */
int oph__plan_fill(struct oph__plan *plan, oph_error *err);

/* Says that the trigger will write this value too, so that it is ours when it is found at unstage.
 * One that no list sets is added, with its original as it is now, which blocks. Before the value is
 * put. */
int oph__plan_claim(struct oph__plan *plan, oph_signal *sig, const struct oph__literal *value,
                    oph_error *err);

/* The item that writes an attribute of a device; NULL when none does. */
const struct oph__item *oph__plan_find(const struct oph__plan *plan, const oph_device *dev,
                                       const char *attr);

/* Reads originals and encodes: everything is checked here, nothing is sent. */
int oph__plan_prepare(struct oph__plan *plan, oph_report *report, oph_error *err);

/* Writes in order; a barrier stands between ports and before start rows. `ready` is called before
 * the first start row. */
int oph__plan_apply(struct oph__plan *plan, oph_error *err);

/* Puts back what was touched, in reverse, past errors, never interrupted. What somebody else
 * changed since is kept and reported, which is no error, unless `force`: after a failed stage a
 * value that is neither ours nor the former one is the failure's own. */
int oph__plan_restore(struct oph__plan *plan, bool force, oph_report *report, oph_error *err);

/* How often the plan's PVs have connected in all: it changes when the IOC was away. */
unsigned oph__plan_ups(const struct oph__plan *plan);
/* 0, or OPH_EDISCONN naming the first PV that is down. */
int oph__plan_connected(const struct oph__plan *plan, oph_error *err);

/* True for an item that starts something (Capture=1). */
bool oph__item_starts(const struct oph__item *item);

#endif
