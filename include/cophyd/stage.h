/* stage -> trigger -> wait -> unstage.
 *
 * ret_report may be NULL; else the report is yours, on success (then usually empty) and on failure.
 * It is not written when the device's state forbids the verb (OPH_ESTATE): begin with NULL. */
#ifndef COPHYD_STAGE_H
#define COPHYD_STAGE_H

#include <cophyd/device.h>
#include <cophyd/status.h>

OPH_BEGIN_DECLS

/* Saves the originals of all settings of the device and its children, then writes the settings in
 * order and checks each. On any failure everything touched is put back, in reverse, and the device
 * is idle: the first cause is in err; the report lists all wrong settings, and what could not be
 * put back. OPH_EUNPRIMED: oph_warmup helps. OPH_EFILE: the IOC has no such folder. */
OPH_API int oph_stage(oph_device *dev, oph_report **ret_report, oph_error *err);

/* Starts one acquisition, after a look whether it can work; refused, the device is in state failed,
 * which is staged. Done means: the put's completion, the detector's state, and the writer's frames
 * say so; if they do not the status fails with OPH_EACQUIRE. It fails with OPH_ETIMEOUT after
 * NumImages * AcquirePeriod, ImageFileTmot and 10 s, and one hour more with an external trigger. */
OPH_API int oph_trigger(oph_device *dev, oph_status **ret_status, oph_error *err);

/* Puts back what stage changed, in reverse: always possible, also twice or after a failure; an
 * acquisition that still runs is stopped first. A setting that somebody else changed meanwhile is
 * kept and named in the report; so is all that could not be put back, and then the first such error
 * is returned. Idle: returns 0, and the report is NULL. */
OPH_API int oph_unstage(oph_device *dev, oph_report **ret_report, oph_error *err);

/* Stage, trigger, wait, and always unstage. timeout: of the acquisition, OPH_DEFAULT from its
 * settings. The first error counts; the report is that of unstage, or of a stage which failed. */
OPH_API int oph_acquire(oph_device *dev, double timeout, oph_report **ret_report, oph_error *err);

OPH_END_DECLS

#endif
