#include "h5/h5.h"

#include "base/err.h"
#include "base/str.h"

#include <pthread.h>

/* The one mutable global of this folder: what it guards, libhdf5, is one per process too. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void oph__h5_lock(void)
{
    pthread_mutex_lock(&lock);
}

void oph__h5_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

static herr_t take_first(unsigned n, const H5E_error2_t *error, void *arg)
{
    struct oph__h5_why *why = arg;

    if (n == 0 && error->desc) oph__format(why->text, sizeof why->text, " (HDF5: %s)", error->desc);
    return 0;
}

struct oph__h5_why oph__h5_why(void)
{
    struct oph__h5_why why = {""};

    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &why);
    return why;
}

int oph__h5_fail(oph_error *err, int code, const char *file, const char *wanted, const char *found,
                 ...)
{
    char want[sizeof err->wanted], have[sizeof err->found];
    va_list args;

    oph__format(want, sizeof want, "%s in %s", wanted, file);
    va_start(args, found);
    oph__vcut(have, sizeof have, found, args);
    va_end(args);
    return oph__fail(err, code, (struct oph__at){0}, want, "%s", have);
}
