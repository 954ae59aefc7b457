/* Signals: one attribute of a device, bound to a PV or to a setpoint and its readback. */
#ifndef COPHYD_SIGNAL_H
#define COPHYD_SIGNAL_H

#include <cophyd/device.h>
#include <cophyd/status.h>
#include <cophyd/value.h>

OPH_BEGIN_DECLS

typedef struct oph_signal oph_signal;

/* Finds a signal. `path` starts at `dev`: "cam.acquire_time", "parent.cam.acquire". Borrowed from
 * the device, which it lives as long as. Connecting may choose another release's PV for an
 * attribute of a class without a version; then ask again. OPH_ENOTFOUND, or OPH_EABSENT where
 * another release has the attribute. */
OPH_API int oph_signal_find(oph_device *dev, const char *path, oph_signal **ret, oph_error *err);
/* What a signal is called, and what its row says of it; borrowed. */
OPH_API const char *oph_signal_path(const oph_signal *sig); /* "det.cam.acquire_time" */
OPH_API const char *oph_signal_doc(const oph_signal *sig);
/* The setpoint's PV and the readback's; the same where there is one. */
OPH_API const char *oph_signal_pv(const oph_signal *sig);
OPH_API const char *oph_signal_readback_pv(const oph_signal *sig);
/* Whether its values are text that comes as an array of bytes, ended by a NUL or by the array: 1 or
 * 0, by its class and the PV's type; 0 as long as that is not known. Of a text of another form the
 * value itself says so (OPH_TEXT). */
OPH_API int oph_signal_is_text(oph_signal *sig);
/* Whether its values are arrays, of one element now or of any other number: likewise. */
OPH_API int oph_signal_is_array(oph_signal *sig);

enum oph_part {
    OPH_PART_READBACK = 0, /* the readback PV; the only one where there is one */
    OPH_PART_SETPOINT = 1,
    OPH_PART_PIN_ = INT32_MIN
};

/* What the PV is, as the IOC says now: the first call asks it, and from then on the IOC reports
 * changes. timeout: for connecting, and again for asking. `ret->size` is set before the call. */
OPH_API int oph_signal_properties(oph_signal *sig, int32_t part, double timeout,
                                  oph_properties *ret, oph_error *err);

enum oph_source {
    OPH_SOURCE_IOC = 0,   /* a fresh read */
    OPH_SOURCE_CACHE = 1, /* the newest that the IOC reported; the first such read asks it, and
                             subscribes */
    OPH_SOURCE_PIN_ = INT32_MIN
};

/* Set `size` to sizeof(oph_read_options). Zero means the default that is named here. */
typedef struct oph_read_options {
    uint32_t size;
    int32_t part;   /* enum oph_part: the readback */
    int32_t source; /* enum oph_source: a fresh read */
    int32_t dtype; /* enum oph_dtype, which the IOC converts to; the PV's own, and nothing else from
                      the cache. OPH_TEXT of an enum is its label, of a number what the record's
                      PREC makes of it */
    uint32_t count; /* at most so many elements; all that there are. Where the record has fewer a
                       server fills up with zeros */
    uint32_t reserved;
    double timeout; /* seconds, for connecting and again for reading; the context's */
} oph_read_options;

/* Reads a signal. opt NULL: a fresh read of the readback. The value is yours. */
OPH_API int oph_signal_read(oph_signal *sig, const oph_read_options *opt, oph_value **ret,
                            oph_error *err);
/* The same into buffer[bytes], in one copy; *ret_count elements. OPH_ERANGE when they do not fit:
 * err says how many bytes it takes. After an error the buffer may hold anything. */
OPH_API int oph_signal_read_into(oph_signal *sig, const oph_read_options *opt, void *buffer,
                                 size_t bytes, size_t *ret_count, oph_error *err);

/* Fresh reads of the readback as one C value. What came as a floating-point number of 2^53 or more
 * may have been another integer in the record: OPH_ERANGE. */
OPH_API int oph_signal_get_int(oph_signal *sig, int64_t *ret, oph_error *err);
OPH_API int oph_signal_get_double(oph_signal *sig, double *ret, oph_error *err);
/* Text, an enum's label, or a number as text; OPH_ERANGE when buffer[size] is too small. */
OPH_API int oph_signal_get_text(oph_signal *sig, char *buffer, size_t size, oph_error *err);

/* Whether a value is the one that is waited for, 1 or 0. It runs on a thread of the library's,
 * while others wait for it: quick, and without calls of the library. */
typedef int oph_test_fn(const oph_value *value, void *user);

/* A value that is waited for. Set `size` to sizeof(oph_condition). With neither `equals` nor `test`
 * any value will do, which makes sense with `stable`. */
typedef struct oph_condition {
    uint32_t size;
    int32_t part;           /* enum oph_part */
    const oph_data *equals; /* copied; a label for an enum */
    oph_test_fn *test;
    void *user;
    double absolute, relative; /* how far from `equals`, or from itself while it is stable; both 0:
                                  10^-PREC, where the record has one */
    double stable;             /* seconds for which it must hold without a break */
} oph_condition;

/* Waits until the condition holds, by monitor. timeout: OPH_DEFAULT is the context's put_timeout.
 * OPH_EMISMATCH when it does not come true: err tells the last value. */
OPH_API int oph_signal_wait(oph_signal *sig, const oph_condition *until, double timeout,
                            oph_error *err);
OPH_API int oph_signal_wait_start(oph_signal *sig, const oph_condition *until, double timeout,
                                  oph_status **ret_status, oph_error *err);

enum oph_policy {
    OPH_PUT_VERIFY = 0,   /* with completion, then the readback must become the value */
    OPH_PUT_SEND = 1,     /* nothing is waited for: a refusal of the IOC goes to the log */
    OPH_PUT_COMPLETE = 2, /* with completion */
    OPH_PUT_AWAIT = 3,    /* with completion, then `until` must hold */
    OPH_POLICY_PIN_ = INT32_MIN
};

enum oph_put_flags {
    OPH_PUT_CHECK_LIMITS = 1, /* the control limits, where there are any: OPH_ERANGE outside */
    OPH_PUT_NONFINITE = 2,    /* NaN and infinities are sent */
    OPH_PUT_FLAGS_PIN_ = INT32_MIN
};

/* Set `size` to sizeof(oph_put_options). Zero means the default that is named here. */
typedef struct oph_put_options {
    uint32_t size;
    int32_t policy; /* enum oph_policy */
    uint32_t flags; /* of enum oph_put_flags */
    uint32_t reserved;
    double timeout;  /* for the completion; the context's put_timeout and the row's slow */
    double patience; /* for the readback after it; the context's grace, for a start row's its
                        stop_timeout. For `until`; the context's put_timeout */
    double absolute, relative; /* tolerance of the readback; both 0: 10^-PREC of the readback, and
                                  a millionth where it has no PREC */
    double settle;             /* seconds to wait after all that */
    const oph_condition *until;
} oph_put_options;

/* Puts a value. Labels, indices, ranges, lengths, types and access are checked before anything is
 * sent (OPH_ERANGE, OPH_ETYPE, OPH_EACCESS). OPH_EMISMATCH when the readback does not follow, and
 * then the IOC may hold another value than before. Two puts with completion to one PV are never
 * under way: OPH_EBUSY. Start rows (Acquire, Capture ...) are put without completion, unless it is
 * asked for by OPH_PUT_COMPLETE or _AWAIT. opt NULL: OPH_PUT_VERIFY. */
OPH_API int oph_signal_put(oph_signal *sig, const oph_data *value, const oph_put_options *opt,
                           oph_error *err);
/* The same, not waited for: sent before it returns where the PV is connected, else when it is. */
OPH_API int oph_signal_put_start(oph_signal *sig, const oph_data *value, const oph_put_options *opt,
                                 oph_status **ret_status, oph_error *err);
/* Puts of one C value, by OPH_PUT_VERIFY. */
OPH_API int oph_signal_put_int(oph_signal *sig, int64_t value, oph_error *err);
OPH_API int oph_signal_put_double(oph_signal *sig, double value, oph_error *err);
OPH_API int oph_signal_put_text(oph_signal *sig, const char *value, oph_error *err);

/* By path from a device: as oph_signal_get_int, oph_signal_put_int and so on of its signal. */
OPH_API int oph_get_int(oph_device *dev, const char *path, int64_t *ret, oph_error *err);
OPH_API int oph_get_double(oph_device *dev, const char *path, double *ret, oph_error *err);
OPH_API int oph_get_text(oph_device *dev, const char *path, char *buffer, size_t size,
                         oph_error *err);
OPH_API int oph_put_int(oph_device *dev, const char *path, int64_t value, oph_error *err);
OPH_API int oph_put_double(oph_device *dev, const char *path, double value, oph_error *err);
OPH_API int oph_put_text(oph_device *dev, const char *path, const char *value, oph_error *err);

OPH_END_DECLS

#ifndef __cplusplus
/* One value as oph_data, which lives as long as the block: oph_signal_put(sig, OPH_INT(5), ...). */
#define OPH_INT(value) (&(const oph_data){OPH_INT64, 0, 1, &(const int64_t){value}})
#define OPH_DOUBLE(value) (&(const oph_data){OPH_FLOAT64, 0, 1, &(const double){value}})
#define OPH_CSTR(text) (&(const oph_data){OPH_STRING, 0, 1, &(const char *const){text}})

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
