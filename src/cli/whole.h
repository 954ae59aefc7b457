/* A detector with all plugins that its IOC has. */
#ifndef CLI_WHOLE_H
#define CLI_WHOLE_H

#include "cli/cli.h"

/* The same detector, of a class that declares the plugins that are missing in det's, too. *ret is
 * det where none is missing, else yours. */
int whole_device(struct cli *cli, oph_device *det, oph_device **ret);

/* The attribute that a plugin of this prefix has in it: "Pilatus:HDF1:" is hdf1. */
void whole_attr(const char *prefix, char *attr, size_t size);

#endif
