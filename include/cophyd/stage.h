/* stage -> trigger -> wait -> unstage. */
#ifndef COPHYD_STAGE_H
#define COPHYD_STAGE_H

#include <cophyd/device.h>
#include <cophyd/status.h>

OPH_BEGIN_DECLS

/* Saves the originals of all settings of the device and its children, then writes the settings in
 * order and checks each. On any failure everything touched is put back, in reverse: the first cause is
 * in err; the report lists it and what could not be put back. ret_report may be NULL. */
OPH_API int oph_stage(oph_device *dev, oph_report **ret_report, oph_error *err);

/* Starts one acquisition. Done means: the put's completion, the detector's state, and the writer's
 * frames say so. */
OPH_API int oph_trigger(oph_device *dev, oph_status **ret_status, oph_error *err);

/* Puts back what stage changed, in reverse: always possible, also twice or after a failure; an
 * acquisition that still runs is stopped first. A setting that somebody else changed meanwhile is kept
 * and named in the report; so is all that could not be put back, and then the first such error is
 * returned. */
OPH_API int oph_unstage(oph_device *dev, oph_report **ret_report, oph_error *err);

/* Stage, trigger, wait, and always unstage. timeout: of the acquisition, OPH_DEFAULT from its settings. */
OPH_API int oph_acquire(oph_device *dev, double timeout, oph_report **ret_report, oph_error *err);

OPH_END_DECLS

#endif
