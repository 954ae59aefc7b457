/* Signals that are no PV's: kept in memory, computed from others, or an array given its shape.
 *
 * All that works on a device's signal works on them: get, put, subscribe, queues. They have no
 * device: path and PV are their name. Those here are yours; free them with oph_signal_free. They
 * hold their context, which may be freed before them. */
#ifndef COPHYD_SOFT_H
#define COPHYD_SOFT_H

#include <cophyd/signal.h>

OPH_BEGIN_DECLS

/* Frees a signal that one of the calls below made. Its subscriptions end, and stay yours to free.
 * No other thread may use it any more. From any thread, also in a callback. A device's own signal
 * is left alone: it goes with its device. NULL allowed. */
OPH_API void oph_signal_free(oph_signal *sig);

/* A signal in memory. Needs no network, and is connected at once. A put completes when it returns,
 * and each one is an update, with the time of the put.
 *
 * `initial` is its first value, and gives its type, where the properties have no dtype: any of enum
 * oph_dtype. OPH_STRING makes a text of up to 4095 bytes, or one less than the properties' count;
 * its values are arrays of UINT8 that end in a NUL, as the IOC's long texts are; several strings
 * make an array of OPH_TEXT. Anything else with room for more than one element is an array.
 *
 * `properties` may be NULL: then it is writable, without units, limits and labels, and has room for
 * as many elements as `initial` has. Else its dtype, count, precision, units, limits, labels and
 * writable are used; writable 0 means that only oph_soft_set changes it. */
OPH_API int oph_soft_new(oph_context *ctx, const char *name, const oph_data *initial,
                         const oph_properties *properties, oph_signal **ret, oph_error *err);
/* What its owner sets: not held to limits, and also where it is not writable. `severity` and
 * `alarm` are as oph_value_severity and oph_value_alarm tell. OPH_EINVAL for any other signal;
 * OPH_ETYPE, OPH_ERANGE where the value does not fit. */
OPH_API int oph_soft_set(oph_signal *sig, const oph_data *data, int32_t severity, int32_t alarm,
                         oph_error *err);

/* Where a function below puts what it computed. */
typedef struct oph_output oph_output;
/* Copies `count` elements; `index` is 0 in a forward function, and that of the signal in an
 * inverse one. Called again it replaces. OPH_EINVAL, OPH_ENOMEM, to be returned by the function. */
OPH_API int oph_output_set(oph_output *to, size_t index, int32_t dtype, uint64_t count,
                           const void *data);
/* Gives what was set its axes, slowest first; at most 10, whose product is its count. */
OPH_API int oph_output_shape(oph_output *to, size_t index, uint32_t rank, const int64_t *shape);
/* Says why there is no result, for the error's sentence; returns code. `why` is copied. */
OPH_API int oph_output_fail(oph_output *to, int code, const char *why);

/* Computes the value from those of `from`: returns 0, or why not, as a code of enum
 * oph_code.
 *
 * This and the next run on any thread, of yours or of the library, and several at a time. They must
 * be quick, depend on nothing but their arguments and call nothing of the library but oph_value_*
 * and oph_output_*. */
typedef int oph_forward_fn(const oph_value *const *from, size_t count, oph_output *to, void *user);
/* Computes what to put to which of `from`, so that the value becomes `wanted`. A signal for which
 * nothing is set is not put to. */
typedef int oph_inverse_fn(const oph_value *wanted, oph_output *to, void *user);

/* Set `size` to sizeof(oph_derived). */
typedef struct oph_derived {
    uint32_t size;
    int32_t dtype; /* of the value, as for oph_soft_new: enum oph_dtype */
    const char *name;
    const oph_properties *properties; /* as for oph_soft_new; NULL: a single element */
    oph_signal *const *from;          /* `count` signals of any kind, of the same context */
    uint64_t count;
    oph_forward_fn *forward;
    oph_inverse_fn *inverse; /* NULL: read-only */
    void *user;              /* for both */
} oph_derived;

/* A signal that is computed from others, which must outlive it; the array `from` and the properties
 * are copied.
 *
 * A get reads all of `from` in one flush and computes. A subscription follows them and computes at
 * each update, once all have a value. It is connected while all are. The alarm is the worst of
 * theirs, the time the newest. A forward function that fails is the error of the get, or an
 * OPH_EVENT_FAILED.
 *
 * With an inverse function it can be put to. Each result is checked against what its signal takes
 * before any is sent; then all are put in one flush, and the put is complete when all are. When one
 * fails the first failure is the error, and the others may have been done. Where a signal has a
 * setpoint and a readback, the value is computed from the readbacks, and a read of
 * OPH_PART_SETPOINT computes it from the setpoints. */
OPH_API int oph_derived_new(oph_context *ctx, const oph_derived *what, oph_signal **ret,
                            oph_error *err);

/* An array with its axes, which oph_value_shape tells: `array` (ArrayData) cut to the product of
 * `sizes`, fastest axis first (ArraySize0_RBV, ArraySize1_RBV, ArraySize2_RBV). `rank`
 * (NDimensions_RBV) tells how many of them count; NULL: all but trailing zeros. Mono images become
 * [y, x], RGB1 [y, x, 3], RGB2 [y, 3, x], RGB3 [3, y, x]. A plugin that has had no frame yet gives
 * no elements, of shape [0].
 *
 * Read-only; has the array's type and properties. A get reads all in one flush. OPH_ERANGE when the
 * sizes want more elements than the array has, or are negative. A subscription gives a value at
 * each update of the array. An IOC posts array and sizes one after the other: when a frame's shape
 * changes, its first update may come with the former sizes, and once more when they have come. */
OPH_API int oph_shaped_new(oph_context *ctx, const char *name, oph_signal *array,
                           oph_signal *const *sizes, size_t count, oph_signal *rank,
                           oph_signal **ret, oph_error *err);

OPH_END_DECLS

#endif
