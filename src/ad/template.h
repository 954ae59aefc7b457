/* File path templates: strftime fields, separators, and the way from the IOC's name to ours. */
#ifndef AD_TEMPLATE_H
#define AD_TEMPLATE_H

#include <cophyd/error.h>
#include <stdbool.h>
#include <time.h>

/* Checks a template: not empty, absolute, known % fields only. */
int oph__template_check(const char *device, const char *text, bool windows, oph_error *err);

/* Expands it for one instant (in local time) into dst[size], with a separator at the end. */
int oph__template_expand(const char *device, const char *text, const struct tm *when, bool windows,
                         char *dst, size_t size, oph_error *err);

/* Adds the separator at the end where there is none, as the IOC does. False: no room, or empty. */
bool oph__folder_end(char *folder, size_t size, bool windows);

/* Where in the name of a file, of the IOC, that lies under `folder` the rest begins; NULL:
 * elsewhere. Windows: either separator, letters of either case. */
const char *oph__path_rest(const char *file, const char *folder, bool windows);

/* The local name of a file that the IOC names: `file` must lie under the folder `write`; what comes
 * after is put under `read`. Windows: as above. */
int oph__path_to_local(const char *device, const char *file, const char *write, const char *read,
                       bool windows, char *dst, size_t size, oph_error *err);

/* Whether two names are of one file. Windows: as above. */
bool oph__path_same(const char *a, const char *b, bool windows);

/* A random UUID (version 4) without its last group: 23 characters. */
enum { OPH__UUID_NAME = 24 };
void oph__uuid_name(char dst[OPH__UUID_NAME]);

#endif
