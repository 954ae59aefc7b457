/* Devices: trees of signals made from a class and a PV prefix. */
#ifndef COPHYD_DEVICE_H
#define COPHYD_DEVICE_H

#include <cophyd/context.h>

OPH_BEGIN_DECLS

typedef struct oph_device oph_device;

/* Makes a device. `class_name`: a class that the context knows, or several to join
 * ("HDF5Plugin@3.4 MyMixin"). Needs no network. The device is yours; its children belong to it. */
OPH_API int oph_device_new(oph_context *ctx, const char *class_name, const char *prefix,
                           const char *name, oph_device **ret, oph_error *err);
/* A device that is still staged is unstaged first, and what fails then goes to the log. NULL
 * allowed; a child is not freed. No other thread and no callback may use the device any more. */
OPH_API void oph_device_free(oph_device *dev);

/* The child at a path such as "hdf1"; borrowed. */
OPH_API int oph_device_child(oph_device *dev, const char *path, oph_device **ret, oph_error *err);
OPH_API size_t oph_device_child_count(const oph_device *dev);
OPH_API oph_device *oph_device_child_at(oph_device *dev, size_t index); /* NULL past the end */
/* The device above; NULL for the root. */
OPH_API oph_device *oph_device_parent(oph_device *dev);

/* What a device is called, for one that was made as "det"; borrowed. */
OPH_API const char *oph_device_name(const oph_device *dev);   /* "det_hdf1" */
OPH_API const char *oph_device_path(const oph_device *dev);   /* "det.hdf1" */
OPH_API const char *oph_device_prefix(const oph_device *dev); /* "Pilatus:HDF1:" */
OPH_API const char *oph_device_attr(const oph_device *dev);   /* "hdf1"; the name for the root */
/* As it was asked for, by oph_device_new or the class's text: "HDF5Plugin@3.4 MyMixin". */
OPH_API const char *oph_device_class(const oph_device *dev);
/* Whether a class is the device's, or an ancestor of that. */
OPH_API int oph_device_is(const oph_device *dev, const char *class_name); /* 1 or 0 */

/* The device's own attributes, in the class's order; NULL past the end. A class without a version
 * has its newest release's until oph_connect learns the IOC's. */
OPH_API size_t oph_device_attr_count(const oph_device *dev);
OPH_API const char *oph_device_attr_at(const oph_device *dev, size_t index);

/* Connects what staging and triggering need, in one round, and learns the IOC's release. oph_stage
 * does so too; other PVs connect at their first use. timeout: OPH_DEFAULT is the context's
 * connect_timeout. On failure (OPH_EDISCONN) the report, which is yours, lists each PV that was not
 * found. On success it lists what is otherwise than the class says and does no harm by itself: a
 * release asked for that is above the IOC's, a plugin of another type (OPH_EMISMATCH), records that
 * are used where an IOC has them and this one lacks (OPH_EABSENT). ret_report may be NULL, and is
 * not written when the device's state forbids connecting (OPH_ESTATE). */
OPH_API int oph_connect(oph_device *dev, double timeout, oph_report **ret_report, oph_error *err);

/* What a device is doing; enum oph_state. */
enum oph_state {
    OPH_STATE_IDLE = 0,
    OPH_STATE_STAGING = 1,
    OPH_STATE_STAGED = 2,
    OPH_STATE_TRIGGERING = 3,
    OPH_STATE_FAILED = 4, /* staged, and the last trigger failed: unstage, or trigger again */
    OPH_STATE_UNSTAGING = 5,
    OPH_STATE_PIN_ = INT32_MIN
};
OPH_API int32_t oph_device_state(oph_device *dev);
OPH_API const char *oph_state_name(int32_t state); /* "idle", "staging" ...; static */

OPH_END_DECLS

#endif
