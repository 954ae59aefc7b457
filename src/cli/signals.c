/* The signals that a command line names. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

int cli_signal(oph_device *det, const char *path, oph_signal **ret)
{
    oph_error err = OPH_ERROR_INIT;
    return oph_signal_find(det, path, ret, &err) ? cli_fail(&err) : 0;
}

const char *cli_path(const oph_signal *sig)
{
    const char *path = oph_signal_path(sig), *dot = strchr(path, '.');
    return dot ? dot + 1 : path;
}

static int add(struct cli_signals *to, oph_signal *sig, bool named)
{
    size_t room = to->count + 1;
    if ((room & to->count) == 0) { /* at 1, 2, 4, 8 ...: twice as much */
        oph_signal **at = realloc(to->at, 2 * room * sizeof *at);
        bool *flags = realloc(to->named, 2 * room * sizeof *flags);
        if (at) to->at = at;
        if (flags) to->named = flags;
        if (!at || !flags) return cli_no_memory();
    }
    to->at[to->count] = sig;
    to->named[to->count++] = named;
    return 0;
}

static int add_all(struct cli_signals *to, oph_device *dev)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < oph_device_attr_count(dev); i++) {
        oph_signal *sig;
        if (oph_signal_find(dev, oph_device_attr_at(dev, i), &sig, NULL) == 0)
            rc = add(to, sig, false);
    }
    for (size_t i = 0; !rc && i < oph_device_child_count(dev); i++)
        rc = add_all(to, oph_device_child_at(dev, i));
    return rc;
}

int cli_signals(oph_device *det, int count, char **paths, struct cli_signals *ret)
{
    int rc = 0;
    for (int i = 0; !rc && i < count; i++) {
        oph_device *dev = NULL;
        oph_signal *sig = NULL;
        if (!strcmp(paths[i], "."))
            rc = add_all(ret, det);
        else if (oph_device_child(det, paths[i], &dev, NULL) == 0)
            rc = add_all(ret, dev);
        else if ((rc = cli_signal(det, paths[i], &sig)) == 0)
            rc = add(ret, sig, true);
    }
    return rc;
}

void cli_signals_free(struct cli_signals *signals)
{
    free(signals->at);
    free(signals->named);
}
