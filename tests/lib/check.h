/* Checks of calls of the library that say what went wrong. Each is one testOk. */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include <cophyd/error.h>

/* The call returned 0. */
int check_done(int rc, const oph_error *err, const char *what);

/* The call returned `code`, and its error says so: the device's path and the PV are these (NULL:
 * none), what was wanted and what was found contain these, and the sentence has all four. */
int check_refused(int rc, const oph_error *err, int code, const char *device, const char *pv,
                  const char *wanted, const char *found);

#endif
