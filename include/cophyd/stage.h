/* Staging and unstaging; what is between them is in acquire.h.
 *
 * Both block, each step at most for the context's timeout; any thread, but OPH_ESTATE while another
 * one stages or unstages the same tree.
 *
 * ret_report may be NULL; else the report is yours, on success (then usually empty) and on failure,
 * where it has the cause too. It is not written when the device's own state forbids the verb
 * (OPH_ESTATE), nor when the options are wrong (OPH_EINVAL): begin with NULL. */
#ifndef COPHYD_STAGE_H
#define COPHYD_STAGE_H

#include <cophyd/device.h>

OPH_BEGIN_DECLS

/* Saves the originals of all settings of the device and its children, then writes the settings in
 * order and checks each. On any failure everything touched is put back, in reverse, and the device
 * is idle: the first cause is in err; the report lists all wrong settings, and what could not be
 * put back. OPH_EUNPRIMED: oph_warmup helps. OPH_EFILE: the IOC has no such folder, a file of that
 * name exists, or the journal (recover.h) cannot be written. OPH_EBUSY: an acquisition or a capture
 * that the settings would stop or start runs already, or another client has one of the settings
 * staged; OPH_ESTATE: it is staged already, or a killed client left one of the settings staged
 * (oph_recover). But for a folder, nothing was written then. */
OPH_API int oph_stage(oph_device *dev, oph_report **ret_report, oph_error *err);

/* Set `size` to sizeof(oph_stage_options). Each is 1 or 0; 0 is what oph_stage does. */
typedef struct oph_stage_options {
    uint32_t size;
    /* A setting is not written where setpoint and readback both are as wanted already; nor is it
     * put back then, whoever changes it meanwhile. Where only one of them is as wanted, or the
     * setpoint was never set since the IOC started, it is written: a setpoint whose readback stands
     * elsewhere did not take effect, and a readback alone says nothing of what the next write to
     * its port will make of it. Paths are always written, since the IOC looks for the folder when
     * they are; so is what the IOC moves, as FileNumber, and what starts something. */
    int32_t skip_unchanged;
    /* What runs already is stopped first, and waited for, at most the context's stop_timeout. It is
     * not started again when the rest is put back. */
    int32_t takeover;
    int32_t sync; /* the journal is on the disk, not only with the system, before the first put */
} oph_stage_options;

/* The same with options; NULL: none. */
OPH_API int oph_stage_with(oph_device *dev, const oph_stage_options *opt, oph_report **ret_report,
                           oph_error *err);

/* Puts back what stage changed, in reverse: always possible, also twice or after a failure; an
 * acquisition that still runs is stopped first. A setting that was changed meanwhile, by anybody
 * and by a put of this program too, is kept and named in the report; that alone is no error. What
 * could not be put back is in the report, and the first of it is returned: it stays in the journal,
 * for the next stage by this context or for oph_recover. The device is idle in any case. Idle:
 * returns 0, and the report is NULL. */
OPH_API int oph_unstage(oph_device *dev, oph_report **ret_report, oph_error *err);

/* Set `size` to sizeof(oph_unstage_options). */
typedef struct oph_unstage_options {
    uint32_t size;
    int32_t force; /* 1: what somebody else changed meanwhile is put back too, and not reported */
} oph_unstage_options;

/* The same with options; NULL: none. */
OPH_API int oph_unstage_with(oph_device *dev, const oph_unstage_options *opt,
                             oph_report **ret_report, oph_error *err);

OPH_END_DECLS

#endif
