#include "ca/client.h"

#include "base/err.h"
#include "base/str.h"

#include <stdlib.h>

static int check_number(const char *name, double low, double high, const char *wanted,
                        oph_error *err)
{
    const char *text = getenv(name);
    double value;

    if (!text || !*text || (oph__to_double(text, &value) && value >= low && value <= high))
        return 0;
    return oph__fail(err, OPH_EINVAL, (struct oph__at){.device = name}, wanted, "'%s'", text);
}

/* libca prints to the terminal about these and goes on with a number of its own. */
int oph__ca_check_environment(oph_error *err)
{
    static const char *const seconds[] = {"EPICS_CA_CONN_TMO", "EPICS_CA_BEACON_PERIOD",
                                          "EPICS_CA_MAX_SEARCH_PERIOD"};
    static const char *const ports[] = {"EPICS_CA_SERVER_PORT", "EPICS_CA_REPEATER_PORT"};
    int code = 0;

    for (size_t i = 0; !code && i < sizeof seconds / sizeof *seconds; i++)
        code = check_number(seconds[i], 0, HUGE_VAL, "a number of seconds", err);
    for (size_t i = 0; !code && i < sizeof ports / sizeof *ports; i++)
        code = check_number(ports[i], 5001, 65535, "a port from 5001 to 65535", err);
    return code ? code
                : check_number("EPICS_CA_MAX_ARRAY_BYTES", 0, HUGE_VAL, "a number of bytes", err);
}
