/* What a program gives to be put, kept for later. */
#ifndef CORE_DATA_H
#define CORE_DATA_H

#include <cophyd/error.h>
#include <cophyd/value.h>

/* OPH_EINVAL for what is no data: an unknown type, NULL where there are elements. `what` is who was
 * given it: a signal's path. */
int oph__data_check(const oph_data *data, const char *what, oph_error *err);

/* A copy, in one block, which is *ret's data: free(ret->data). 0 or OPH_ENOMEM. */
int oph__data_copy(const oph_data *data, oph_data *ret, oph_error *err);

#endif
