/* Each thing that a program asks of a device, to be failed in turn. */
#ifndef TESTS_FAILING_VERBS_H
#define TESTS_FAILING_VERBS_H

#include "lib/failing_device.h"

enum { FAILING_VERBS = 15, FAILING_STATUSES = 4, FAILING_RECOVERY = 13 }; /* two of them */
struct failing_verb {
    const char *name;
    failing_device_fn *fn;
    bool asks; /* the IOC */
};
extern const struct failing_verb failing_verbs[FAILING_VERBS];

#endif
