/* What the probe finds, each told with testOk. */
#include "lib/probe.h"

#include <string.h>

#include <epicsUnitTest.h>

static int went(struct probe *p, int index, const char *name, const char *const *wanted)
{
    struct probe_event e;
    int at = index, i = 0;
    for (; wanted[i]; i++, at++) {
        at = probe_wait(p, at, name, wanted[i], 5);
        if (at < 0) return 0;
    }
    int seen = 0;
    for (at = index; probe_event(p, at, &e); at++)
        seen += strcmp(e.name, name) == 0;
    return seen == i;
}

void probe_went(struct probe *p, int index, const char *name, const char *const *wanted)
{
    int ok = went(p, index, name, wanted);
    testOk(ok, "%s went through what the real one does", name);
    if (!ok) probe_tell(p, index);
}

void probe_is(struct probe *p, const char *name, const char *wanted)
{
    char found[600] = "(unread)";
    int rc = probe_get(p, name, found, sizeof found);
    testOk(rc == 0 && strcmp(found, wanted) == 0, "%s is '%s', wanted '%s'", name, found, wanted);
}

void probe_is_number(struct probe *p, const char *name, double wanted)
{
    double found = probe_get_number(p, name);
    testOk(found == wanted, "%s is %g, wanted %g", name, found, wanted);
}

void probe_becomes(struct probe *p, const char *name, const char *wanted)
{
    testOk(probe_until(p, name, wanted, 10) == 0, "%s becomes '%s'", name, wanted);
}

void probe_set(struct probe *p, const char *name, const char *value)
{
    testOk(probe_put_complete(p, name, value, 5) == 0, "%s = %s completes", name, value);
}
