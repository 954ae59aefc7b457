/* Everything that can be written in cam1:, image1:, HDF1: and TIFF1:, as the probe reads it: an
 * independent witness of what staging left behind. */
#ifndef TEST_SETPOINTS_H
#define TEST_SETPOINTS_H

#include "lib/probe.h"

#include <stdio.h>

struct setpoints;

/* The names come from the built-in classes. NULL when it cannot be read. */
struct setpoints *setpoints_read(struct probe *probe, const char *prefix);
void setpoints_free(struct setpoints *setpoints);

/* One line "NAME VALUE" each. */
void setpoints_print(const struct setpoints *setpoints, FILE *out);

/* How many differ, but for counters and what an acquisition moves by itself; each is told. */
int setpoints_differ(const struct setpoints *before, const struct setpoints *after);
/* Of those, how many the function does not know; only these are told. Names have no prefix. */
int setpoints_unknown(const struct setpoints *before, const struct setpoints *after,
                      int (*is_known)(const char *name, void *user), void *user);

#endif
