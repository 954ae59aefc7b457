/* The IOC of tests/ioc/plain, and devices of its records. */
#ifndef TEST_PLAIN_H
#define TEST_PLAIN_H

#include "lib/sim.h"

#include <cophyd/cophyd.h>

/* Starts it: it lies beside the running test. */
struct sim *plain_start(void);

/* A device "dev" of a class with these lines ("row ...\n"), whose PVs begin with "p:". Ends the
 * test when it cannot be made. */
oph_device *plain_device(oph_context *ctx, const char *lines);
oph_signal *plain_signal(oph_device *dev, const char *attr);

#endif
