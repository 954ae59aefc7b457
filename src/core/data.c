#include "core/data.h"
#include "base/err.h"
#include <stdlib.h>
#include <string.h>

int oph__data_check(const oph_data *d, const char *what, oph_error *err)
{
    const struct oph__at at = {.device = what};
    if (!d) return oph__fail(err, OPH_EINVAL, at, "a value", "NULL");
    if (d->dtype <= OPH_NONE || d->dtype > OPH_STRING)
        return oph__fail(err, OPH_EINVAL, at, "one of enum oph_dtype", "%d", d->dtype);
    if (d->count && !d->data) return oph__fail(err, OPH_EINVAL, at, "elements", "NULL");
    if (d->count > UINT32_MAX)
        return oph__fail(err, OPH_ERANGE, at, "at most 2^32 - 1 elements", "%llu",
                         (unsigned long long)d->count);
    for (uint64_t i = 0; d->dtype == OPH_STRING && i < d->count; i++)
        if (!((const char *const *)d->data)[i])
            return oph__fail(err, OPH_EINVAL, at, "a text", "NULL");
    return 0;
}

/* Pointers first, then what they point to. */
static void *copy_strings(const char *const *strings, size_t count)
{
    size_t pointers = count * sizeof(char *), bytes = pointers;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(strings[i]) + 1;
    char **copy = malloc(bytes ? bytes : 1);
    char *at = copy ? (char *)copy + pointers : NULL;
    for (size_t i = 0; copy && i < count; i++) {
        size_t size = strlen(strings[i]) + 1;
        memcpy(at, strings[i], size);
        copy[i] = at;
        at += size;
    }
    return copy;
}

int oph__data_copy(const oph_data *d, oph_data *ret, oph_error *err)
{
    size_t bytes = (size_t)d->count * oph_dtype_size(d->dtype);
    void *copy = d->dtype == OPH_STRING ? copy_strings(d->data, (size_t)d->count)
                                        : malloc(bytes ? bytes : 1);
    if (!copy) return oph__fail_memory(err, "a value to put");
    if (bytes) memcpy(copy, d->data, bytes);
    *ret = *d;
    ret->data = copy;
    return 0;
}
