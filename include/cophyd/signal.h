/* Signals: one attribute of a device, bound to a PV or to a setpoint and its readback. */
#ifndef COPHYD_SIGNAL_H
#define COPHYD_SIGNAL_H

#include <cophyd/device.h>
#include <cophyd/value.h>

OPH_BEGIN_DECLS

typedef struct oph_signal oph_signal;

/* `path` starts at `dev`: "cam.acquire_time", "parent.cam.acquire". Borrowed from the device, which
 * it lives as long as. Connecting may choose another release's PV for an attribute of a class
 * without a version; then ask again. OPH_ENOTFOUND, or OPH_EABSENT where another release has the
 * attribute. */
OPH_API int oph_signal_find(oph_device *dev, const char *path, oph_signal **ret, oph_error *err);
OPH_API const char *oph_signal_path(const oph_signal *sig); /* "det.cam.acquire_time" */
OPH_API const char *oph_signal_doc(const oph_signal *sig);
/* The setpoint's PV and the readback's; the same where there is one. */
OPH_API const char *oph_signal_pv(const oph_signal *sig);
OPH_API const char *oph_signal_readback_pv(const oph_signal *sig);

/* Every get is a fresh read of the readback PV, or of the setpoint with the _setpoint form.
 * timeout: for connecting, where need be, and again for reading; without one the context's. */
OPH_API int oph_signal_read(oph_signal *sig, double timeout, oph_value **ret, oph_error *err);
OPH_API int oph_signal_read_setpoint(oph_signal *sig, double timeout, oph_value **ret,
                                     oph_error *err);
OPH_API int oph_signal_get_int(oph_signal *sig, int64_t *ret, oph_error *err);
OPH_API int oph_signal_get_double(oph_signal *sig, double *ret, oph_error *err);
/* Text, an enum's label, or a number as text; OPH_ERANGE when buffer[size] is too small. */
OPH_API int oph_signal_get_text(oph_signal *sig, char *buffer, size_t size, oph_error *err);

/* Labels, ranges and lengths are checked before anything is sent (OPH_ERANGE, OPH_ETYPE,
 * OPH_EACCESS). Then puts with completion, and waits for the readback to become the value:
 * OPH_EMISMATCH when it does not, and then the IOC may hold another value than before. Start rows
 * (Acquire, Capture ...) are put without completion. Arrays of numbers cannot be put. */
OPH_API int oph_signal_put_int(oph_signal *sig, int64_t value, oph_error *err);
OPH_API int oph_signal_put_double(oph_signal *sig, double value, oph_error *err);
OPH_API int oph_signal_put_text(oph_signal *sig, const char *value, oph_error *err);

/* The same by path. */
OPH_API int oph_get_int(oph_device *dev, const char *path, int64_t *ret, oph_error *err);
OPH_API int oph_get_double(oph_device *dev, const char *path, double *ret, oph_error *err);
OPH_API int oph_get_text(oph_device *dev, const char *path, char *buffer, size_t size,
                         oph_error *err);
OPH_API int oph_put_int(oph_device *dev, const char *path, int64_t value, oph_error *err);
OPH_API int oph_put_double(oph_device *dev, const char *path, double value, oph_error *err);
OPH_API int oph_put_text(oph_device *dev, const char *path, const char *value, oph_error *err);

OPH_END_DECLS

#ifndef __cplusplus
/* oph_put(det, "cam.num_images", 1, &err): picks the function by the value's type. */
#define oph_put(dev, path, value, err)                                                             \
    _Generic((value),                  \
        signed char: oph_put_int,      \
        short: oph_put_int,            \
        int: oph_put_int,              \
        long: oph_put_int,             \
        long long: oph_put_int,        \
        unsigned char: oph_put_int,    \
        unsigned short: oph_put_int,   \
        unsigned int: oph_put_int,     \
        float: oph_put_double,         \
        double: oph_put_double,        \
        char *: oph_put_text,          \
        const char *: oph_put_text)(dev, path, value, err)
#endif

#endif
