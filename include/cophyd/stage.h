/* Staging and unstaging; what is between them is in acquire.h.
 *
 * ret_report may be NULL; else the report is yours, on success (then usually empty) and on failure.
 * It is not written when the device's state forbids the verb (OPH_ESTATE): begin with NULL. */
#ifndef COPHYD_STAGE_H
#define COPHYD_STAGE_H

#include <cophyd/device.h>

OPH_BEGIN_DECLS

/* Saves the originals of all settings of the device and its children, then writes the settings in
 * order and checks each. On any failure everything touched is put back, in reverse, and the device
 * is idle: the first cause is in err; the report lists all wrong settings, and what could not be
 * put back. OPH_EUNPRIMED: oph_warmup helps. OPH_EFILE: the IOC has no such folder. */
OPH_API int oph_stage(oph_device *dev, oph_report **ret_report, oph_error *err);

/* Puts back what stage changed, in reverse: always possible, also twice or after a failure; an
 * acquisition that still runs is stopped first. A setting that somebody else changed meanwhile is
 * kept and named in the report; so is all that could not be put back, and then the first such error
 * is returned. Idle: returns 0, and the report is NULL. */
OPH_API int oph_unstage(oph_device *dev, oph_report **ret_report, oph_error *err);

OPH_END_DECLS

#endif
