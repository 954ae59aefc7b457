#include "ca/client.h"

#include "base/err.h"
#include "base/str.h"

#include <limits.h>
#include <stdlib.h>

static int refuse(const char *name, const char *wanted, oph_error *err)
{
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = name}, wanted, "'%s'",
                     getenv(name));
}

static bool is_set(const char *name)
{
    const char *text = getenv(name);

    return text && *text;
}

static int check_seconds(const char *name, double low, const char *wanted, oph_error *err)
{
    double value;

    if (!is_set(name) || (oph__to_double(getenv(name), &value) && value >= low && value <= 1e9))
        return 0;
    return refuse(name, wanted, err);
}

/* libca reads what comes before a point or an exponent, and takes 1e7 for 1. */
static int check_whole(const char *name, int64_t low, int64_t high, const char *wanted,
                       oph_error *err)
{
    int64_t value;

    if (!is_set(name) || (oph__to_int(getenv(name), &value) && value >= low && value <= high))
        return 0;
    return refuse(name, wanted, err);
}

/* libca prints to the terminal about these and goes on with a number of its own; but with no time
 * at all to answer in, or more than it can add to a clock, it takes every server for lost. */
int oph__ca_check_environment(oph_error *err)
{
    static const char *const seconds[] = {"EPICS_CA_BEACON_PERIOD", "EPICS_CA_MAX_SEARCH_PERIOD"};
    static const char *const ports[] = {"EPICS_CA_SERVER_PORT", "EPICS_CA_REPEATER_PORT"};
    int code =
        check_seconds("EPICS_CA_CONN_TMO", 1e-3, "a number of seconds from 0.001 to 1e9", err);

    for (size_t i = 0; !code && i < sizeof seconds / sizeof *seconds; i++)
        code = check_seconds(seconds[i], 0, "a number of seconds from 0 to 1e9", err);
    for (size_t i = 0; !code && i < sizeof ports / sizeof *ports; i++)
        code = check_whole(ports[i], 5001, 65535, "a port from 5001 to 65535", err);
    return code ? code
                : check_whole("EPICS_CA_MAX_ARRAY_BYTES", 0, LONG_MAX, "a whole number of bytes",
                              err);
}
