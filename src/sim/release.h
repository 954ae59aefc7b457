/* Releases of ADCore: records.csv is that of the newest, releases.csv what was other before. */
#ifndef SIM_RELEASE_H
#define SIM_RELEASE_H

#include <stdbool.h>

#include "sim/table.h"

enum { SIM_RELEASE_NEWEST = 14 }; /* of 3.0 to 3.14; a release is its second number */

/* The minor number of "3.4", or -1. */
int sim_release_parse(const char *text);

struct sim_release;
struct sim_release *sim_release_new(int minor);
void sim_release_free(struct sim_release *release);

/* Whether ADCore had the template yet. */
bool sim_release_has_template(const struct sim_release *release, const char *template_name);
/* For a row that tells since when and until when it holds, as "3.3" and "3.4"; empty: always. */
bool sim_release_within(const struct sim_release *release, const char *first, const char *last);

enum sim_form {
    SIM_FORM_NEWEST, /* as in records.csv */
    SIM_FORM_OLD,    /* as in ret */
    SIM_FORM_NONE    /* the release lacks it */
};

/* The form of a record, where templates[0] to templates[count - 1] include each other, the
 * innermost first: the outermost that says something about the record is right. */
enum sim_form sim_release_form(const struct sim_release *release, const char *const *templates,
                               int count, const char *record, const struct sim_row **ret);

/* Calls found for each record of the release that the newest release lacks. */
void sim_release_gone(const struct sim_release *release, const char *template_name,
                      void (*found)(const struct sim_row *row, void *user), void *user);

#endif
