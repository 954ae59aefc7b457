/* What a stage would write, without writing it. */
#ifndef COPHYD_PLAN_H
#define COPHYD_PLAN_H

#include <cophyd/stage.h>

OPH_BEGIN_DECLS

/* A picture of one moment; the IOC, the settings and the device may change after it. It lives until
 * it is freed, also longer than the device. Any thread may read it. */
typedef struct oph_plan oph_plan;

/* Connects, reads and checks as oph_stage_with with these options would (NULL: none), and fails
 * with what that would fail with before its first write: OPH_EBUSY too where another client has it
 * staged, and OPH_ESTATE where a killed one left it changed. The report, which is yours, lists all
 * that is wrong; ret_report may be NULL. Only an idle device (OPH_ESTATE): of a staged one it would
 * list as originals what was staged. What is drawn or expanded anew at each
 * stage (a random file name, one by a function, the date in a path) is shown as one stage would
 * write it: the next one writes another. */
OPH_API int oph_plan_new(oph_device *dev, const oph_stage_options *opt, oph_plan **ret,
                         oph_report **ret_report, oph_error *err);
OPH_API void oph_plan_free(oph_plan *plan); /* NULL allowed */

enum oph_plan_flags {
    OPH_PLAN_STARTS = 1,  /* it starts something, as Capture=1, once all else is written */
    OPH_PLAN_SKIPPED = 2, /* not written: already as wanted (skip_unchanged) */
    OPH_PLAN_DIFFERS = 4, /* setpoint and readback were found apart */
    OPH_PLAN_STOPPED = 8, /* it runs, and is stopped before all else (takeover) */
    OPH_PLAN_FLAGS_PIN_ = INT32_MIN
};

/* One setting. Texts are as a person reads values, labels for enums; they are the plan's. */
typedef struct oph_plan_row {
    const char *device;         /* "det.cam.acquire_time" */
    const char *pv;             /* that is written */
    const char *readback_pv;    /* that is checked after it; the same where there is one PV */
    const char *setpoint_found; /* before it */
    const char *readback_found;
    const char *value;   /* that it gets */
    const char *restore; /* what unstage puts back; NULL: nothing, as for counters, for what is
                            started (that is stopped) or stopped, and for what is skipped */
    int32_t step;        /* those of one step are sent together, in this order; 0: skipped */
    uint32_t flags;      /* of enum oph_plan_flags */
} oph_plan_row;

/* In the order of writing. */
OPH_API size_t oph_plan_count(const oph_plan *plan);
OPH_API const oph_plan_row *oph_plan_at(const oph_plan *plan, size_t index); /* NULL past the end */

/* A table of it, a line a setting, into buffer[size]; returns the length that the whole text has,
 * as snprintf does. A text that was cut ends in "[cut]". */
OPH_API size_t oph_plan_text(const oph_plan *plan, char *buffer, size_t size);

OPH_END_DECLS

#endif
