/* Each thing that a program asks of a device, to be failed in turn. */
#ifndef TESTS_FAILING_VERBS_H
#define TESTS_FAILING_VERBS_H

#include "lib/failing_device.h"

enum { FAILING_VERBS = 16, FAILING_STATUSES = 4, FAILING_RECOVERY = 13 }; /* two of them */
struct failing_verb {
    const char *name;
    failing_device_fn *fn;
    bool asks; /* the IOC */
};
extern struct failing_verb failing_verbs[FAILING_VERBS];

/* A failing_fn: does it with a device of its own. A thread that has just told of an end may still
 * hold the context when it is no more needed: this waits for it. */
int failing_verb_run(void *verb, oph_error *err);

#endif
