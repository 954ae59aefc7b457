/* The IOC of tests/ioc/plain, and devices of its records. */
#ifndef TEST_PLAIN_H
#define TEST_PLAIN_H

#include "lib/sim.h"

#include <cophyd/cophyd.h>

/* Starts it: it lies beside the running test. Arguments as in tests/ioc/plain/plain_ioc.c, ended by
 * NULL. */
struct sim *plain_start(void);
struct sim *plain_start_with(const char *const *arguments);

/* A context with these timeouts in seconds; 0: 20, for a busy machine. Ends the test when there is
 * none. */
oph_context *plain_context(double connect, double get, double put);

/* A device "dev" of a class with these lines ("row ...\n"), whose PVs begin with "p:". Ends the
 * test when it cannot be made. */
oph_device *plain_device(oph_context *ctx, const char *lines);
oph_signal *plain_signal(oph_device *dev, const char *attr);
/* Connects all of them at once; ends the test when one is not there. */
void plain_connect(oph_context *ctx, oph_device *dev);
/* The same, and asks what each is: afterwards the library sends nothing by itself. */
void plain_settle(oph_context *ctx, oph_device *dev);

/* The type that libca names so, "DOUBLE". */
int32_t plain_dtype(const char *type);

/* A value as text: "1.5", "the text", the index of an enumeration, arrays as "[1 2 3]" or
 * "[one|two]". */
char *plain_show(const oph_value *value, char *dst, size_t size);

/* Two testOks: the put is refused with this code, for this PV, having found this; and nothing is
 * sent. */
void plain_refused(oph_signal *sig, const oph_data *data, const oph_put_options *opt, int code,
                   const char *pv, const char *found);

/* What is written to the standard error from here on, which should be nothing: one testOk. */
void quiet_begin(void);
void quiet_end(void);

#endif
