/* Which cophyd this is. */
#ifndef COPHYD_VERSION_H
#define COPHYD_VERSION_H

#include <cophyd/api.h>

OPH_BEGIN_DECLS

/* Of the headers. */
#define OPH_VERSION_MAJOR 0
#define OPH_VERSION_MINOR 1
#define OPH_VERSION_PATCH 0

/* Of the library that runs, as "0.1.0". Static. */
OPH_API const char *oph_version(void);

OPH_END_DECLS

#endif
