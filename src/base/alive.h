/* Whether this is still the process that made something: a forked child has neither its threads nor
 * its locks. A load, where getpid() would be a system call. */
#ifndef BASE_ALIVE_H
#define BASE_ALIVE_H

#include <cophyd/error.h>
#include <stdbool.h>

struct oph__alive {
    const unsigned char *page; /* which a fork wipes in the child */
};
int oph__alive_init(struct oph__alive *alive, oph_error *err);
void oph__alive_end(struct oph__alive *alive);

static inline bool oph__is_alive(const struct oph__alive *alive)
{
    return *alive->page != 0;
}

#endif
