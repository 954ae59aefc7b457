/* The record database: EPICS Base's definitions, ours, and the records of the simulated devices. */
#ifndef SIM_DATABASE_H
#define SIM_DATABASE_H

#include <stddef.h>

#include "sim/release.h"

/* Both return 0, or -1 with one sentence in why. */
int sim_database_start(char *why, size_t why_size);

/* Loads records from the text of a database file. */
int sim_database_text(const char *what, const char *text, const char *macros, char *why,
                      size_t why_size);

/* Loads one template's records, as a release has them, with macros such as
 * "P=Pilatus:,R=cam1:,PORT=PIL". */
int sim_database_load(const char *template_name, const char *macros,
                      const struct sim_release *release, char *why, size_t why_size);

#endif
