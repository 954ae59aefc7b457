/* A device over the link in memory, for tests of what fails: with each sort of setting, a hook that
 * adds one, and a trigger that is done at once and claims one. */
#ifndef TESTS_FAILING_DEVICE_H
#define TESTS_FAILING_DEVICE_H

#include "lib/fake_link.h"

#include <cophyd/cophyd.h>

extern const char failing_classes[];

/* Starts the fake IOC and the folder of journals; ends them: testOk that no channel is left. */
void failing_device_begin(void);
void failing_device_end(void);
/* All PVs are as they were at first. */
bool failing_device_is_as_before(void);
void failing_device_set_back(void);

/* The `nth` subscription from now on is refused, once; 0: none is. How many are left until then. */
void failing_subscription(int nth);
int failing_subscriptions_left(void);

/* All timeouts of the contexts that are made from now on; 5 s at first, and for failing_look. */
void failing_patience(double seconds);

int failing_context(oph_context **ret, oph_error *err);
/* A context and a device of its own for one call of fn. */
typedef int failing_device_fn(oph_device *dev, oph_error *err);
int failing_with_device(failing_device_fn *fn, oph_error *err);

/* Looks at what is there after a stage and its end gave rc, when nothing fails any more: all is as
 * before; or, where that failed, a journal is there, by which it is put back. Returns rc; or
 * OPH_ESTATE, and says what was wrong. */
int failing_look(oph_device *dev, int rc, oph_error *err);
/* Stages, triggers, unstages, and looks. */
int failing_acquisition(oph_device *dev, const oph_stage_options *opt, oph_error *err);

#endif
