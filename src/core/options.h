/* Options as they were given, checked: unknown ones are errors, and what an older caller's struct
 * lacks is the default. */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include "core/device.h"

int oph__read_options(const oph_signal *sig, const oph_read_options *opt, oph_read_options *ret,
                      oph_error *err);
int oph__put_options(const oph_signal *sig, const oph_put_options *opt, oph_put_options *ret,
                     oph_error *err);
int oph__condition(const oph_signal *sig, const oph_condition *until, oph_condition *ret,
                   oph_error *err);

/* OPH_EINVAL for what is no part of a signal. */
int oph__check_part(const oph_signal *sig, int32_t part, oph_error *err);

#endif
