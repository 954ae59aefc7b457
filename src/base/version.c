#include <cophyd/version.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const char *oph_version(void)
{
    return TEXT(OPH_VERSION_MAJOR) "." TEXT(OPH_VERSION_MINOR) "." TEXT(OPH_VERSION_PATCH);
}
