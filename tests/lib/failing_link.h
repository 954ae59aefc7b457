/* A link whose channels go down at a point that is the same in each run: between being looked at
 * and being used. */
#ifndef TESTS_FAILING_LINK_H
#define TESTS_FAILING_LINK_H

#include "ca/link.h"

/* Puts itself between a table of operations of the fake link and who calls it. One a process. */
void failing_link_wrap(struct oph__link_ops *ops);

/* The `nth` call from now on of that operation ("get") finds its channel down, which is told soon
 * after; it comes up again at once, unless it stays so. Of chan_new: is refused,
 * and where it stays so are all that come after it. */
void failing_link(const char *name, int nth, bool stays);
/* None does any more; all PVs are up. Whether it came to that. */
bool failing_link_end(void);

#endif
