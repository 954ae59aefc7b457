/* A context over Channel Access with a trap in it: something befalls the IOC between two requests
 * of the library, at a point that is the same in each run. */
#ifndef TEST_STRIKE_H
#define TEST_STRIKE_H

#include <cophyd/context.h>

/* Ends the test when there is none. One at a time has the trap. */
oph_context *strike_context(const oph_context_options *options);

/* At the next put to a PV whose name ends so: what was asked for before has reached the IOC, fn
 * runs on a thread of its own while the library stands still, then the put goes its way. `after`:
 * the put is sent first. */
void strike_at(const char *pv, int after, void (*fn)(void *user), void *user);
/* Whether it has run; takes the trap away. */
int strike_done(void);

#endif
