/* Staging, for other verbs that change settings for a while. */
#ifndef CORE_STAGE_H
#define CORE_STAGE_H

#include "core/plan.h"

/* Prepares a plan, and asks hooks: all that is done before anything is written. */
int oph__plan_check(struct oph__plan *plan, oph_report *report, oph_error *err);

/* That, and writes it. After an error the caller restores it. */
int oph__stage_plan(struct oph__plan *plan, oph_report *report, oph_error *err);

/* Ends a staging that is under way, in whatever thread: it returns OPH_ECANCEL once everything is
 * put back, and the device is idle. Does not wait for that. False where there is none, or it ends
 * already. */
bool oph__staging_cancel(struct oph__tree *tree);
/* A call that can be cancelled so, in state staging; at its end the tree is idle. */
void oph__staging_begin(struct oph__tree *tree, struct oph__call *call);
void oph__staging_end(struct oph__tree *tree);

/* Options as they were given, checked. */
int oph__stage_options(const oph_device *dev, const oph_stage_options *opt, oph_stage_options *ret,
                       oph_error *err);

/* Cancels an acquisition that runs and brings the camera to a halt, bounded, not to be interrupted.
 * `anybodys`: also where no acquisition of this device can be running. */
int oph__trigger_stop(oph_device *dev, bool anybodys, oph_error *err);

/* Runs the device's trigger in whatever state the tree is and waits for its end; stops it when the
 * wait ends before. */
int oph__trigger_and_wait(oph_device *dev, double timeout, oph_error *err);

#endif
