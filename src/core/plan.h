/* What one stage will write: every setting of the device and its children, in the order of writing.
 *
 * A stage takes four round trips, and putting back two, whatever the number of settings and ports:
 * originals; settings; what hooks ask then and the readbacks; start rows. Start rows go last and
 * alone: a Capture with LazyOpen off opens a file under whatever name it finds, so nothing but what
 * was read as wanted may stand before it. */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "core/device.h"
#include "core/write.h"
#include <cophyd/stage.h>
#include <time.h>

enum oph__fate {
    OPH__STAYED, /* nothing was to be done */
    OPH__WENT_BACK,
    OPH__KEPT, /* somebody changed it since */
    OPH__LEFT  /* it could not be put back */
};

struct oph__item {
    oph_signal *sig;
    oph_device *list;           /* whose list (or hook) it came from */
    struct oph__literal value;  /* its text is the item's own */
    struct oph__wire wire;      /* the value, encoded */
    struct oph__vec later;      /* struct oph__wire: others that the trigger writes: ours too */
    struct oph_value set, read; /* originals */
    /* Of the setpoint when it was staged: for labels, when it is gone. */
    struct oph__chan_info info;
    bool where_zero;     /* written only where the original is 0 */
    bool skipped;        /* already as wanted: neither written nor put back */
    bool touched;        /* was put, or may have been */
    bool unseen;         /* was started, and interrupted before it was seen to run */
    enum oph__fate fate; /* what came of putting it back, when that was last tried */
    size_t waits;        /* while a plan is put in order: for how many items before it */
    size_t place;        /* among the items, before it was set aside */
};

enum oph__when {
    OPH__WITH_ORIGINALS, /* before anything is written */
    OPH__ONCE_WRITTEN    /* all but the start rows is written */
};

struct oph__plan {
    oph_device *dev;
    oph_stage_options options;
    struct oph__vec items;    /* struct oph__item */
    struct oph__map by_pv;    /* the same, by their setpoint's PV */
    struct oph__vec asked;    /* struct oph__asked */
    struct oph__vec unneeded; /* items that were set aside, the last one first */
    time_t when;              /* the instant of its folders' names */
    bool whole; /* filled from hooks and lists: hooks are asked before and while it is written */
    bool dry;   /* only to be looked at: hooks keep nothing of it */
    bool recovered;               /* from a journal: putting it back may have been tried before */
    struct oph__journal *journal; /* from before the first put on; NULL: none */
    uint64_t gone;                /* oph__journal_gone, before originals were read */
    bool overtaken; /* another journal has gone since: they may be what that one had staged */
    unsigned ups;   /* connections of all its PVs together, when it was staged */
};

int oph__plan_new(oph_device *dev, struct oph__plan **ret, oph_error *err);
void oph__plan_free(struct oph__plan *plan);

/* Adds a setting at the end; one that is there already moves to the end with the new value. */
int oph__plan_add(struct oph__plan *plan, oph_device *list, const char *key,
                  const struct oph__literal *value, oph_error *err);
/* The same, of one that is written only where the PV holds 0. */
int oph__plan_add_where_zero(struct oph__plan *plan, oph_device *list, const char *key,
                             const struct oph__literal *value, oph_error *err);

/* Adds the hooks' settings and the lists of dev and all below it, then puts them into the order
 * that the IOC needs: `after` rows, then start rows that start something. */
int oph__plan_fill(struct oph__plan *plan, oph_error *err);

/* What a hook must know besides: it is read together with the rest, at no round trip of its own.
 * The hook asks when it plans, and takes the answer when it checks (or is ready): NULL where nobody
 * asked. The signal must be among what the hook needs. */
int oph__plan_ask(struct oph__plan *plan, oph_device *dev, const char *key, enum oph__when when,
                  oph_error *err);
const struct oph__read *oph__plan_answer(const struct oph__plan *plan, const oph_device *dev,
                                         const char *key, enum oph__when when);
/* Says that the trigger will write this value too, so that it is ours when it is found at unstage.
 * One that no list sets is added, with its original as it is now, which blocks. Before the value is
 * put. */
int oph__plan_claim(struct oph__plan *plan, oph_signal *sig, const struct oph__literal *value,
                    oph_error *err);

/* The item that writes an attribute of a device; NULL when none does. */
const struct oph__item *oph__plan_find(const struct oph__plan *plan, const oph_device *dev,
                                       const char *attr);

/* Waits until the signals of all items are there. */
int oph__plan_connect(const struct oph__plan *plan, oph_report *report, oph_error *err);
/* Connects, reads originals and encodes: everything is checked here, nothing is sent. Does it all
 * again when it is called again. */
int oph__plan_prepare(struct oph__plan *plan, oph_report *report, oph_error *err);
/* Then: what runs already is refused, unless it is to be taken over. */
int oph__plan_refuse_running(const struct oph__plan *plan, oph_report *report, oph_error *err);

/* Writes in order, start rows last. `ready` is called before those. */
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
/* True where what it starts or stops was running. */
bool oph__item_ran(const struct oph__item *item);
/* What is put back: the setpoint; the readback where the setpoint was never defined. */
const struct oph_value *oph__item_former(const struct oph__item *item);
/* False for counters, and for what starts or stops something: that is only stopped. */
bool oph__item_comes_back(const struct oph__item *item);
/* 0, as its setpoint takes it. */
int oph__item_zero(const struct oph__item *item, struct oph__wire *wire, oph_error *err);
bool oph__item_is(const struct oph__item *item, const struct oph_value *value, struct oph__pv *pv,
                  const struct oph__wire *wire);
/* The same of a setpoint, to its last digit: a readback may be rounded to its PREC, but what
 * differs from the former value by less than that is another setting. */
bool oph__item_is_set(const struct oph__item *item, const struct oph_value *value,
                      const struct oph__wire *wire);

#endif
