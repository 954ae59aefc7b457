/* Records of tests/ioc/plain/mini.db as a device, over the public headers. */
#ifndef TEST_MINI_H
#define TEST_MINI_H

#include "lib/link_pv.h"
#include "lib/sim.h"

#include <cophyd/cophyd.h>

/* A context that knows the class Mini, of which connecting needs ao. Ends the test when it fails,
 * as all here. opt NULL: defaults. */
oph_context *mini_context(const oph_context_options *opt);
oph_device *mini_device(oph_context *ctx, const char *name);

/* No process on this machine is this one's CA repeater, and it does not become one: the threads and
 * descriptors of that would be counted with ours. Before the first context. */
void mini_hold_repeater_port(void);

#endif
