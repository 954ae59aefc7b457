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

OPH_END_DECLS

#endif
