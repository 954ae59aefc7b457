/* A device's ordered settings, inside. */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include "core/classtext.h"
#include <cophyd/settings.h>

struct oph__setting {
    char *key;
    struct oph__literal value; /* its text is this setting's own */
};

struct oph__settings {
    struct oph__vec list;        /* struct oph__setting */
    struct oph__map by_key;      /* the same */
    struct oph__setting *popped; /* what its caller still reads; NULL: nothing */
};

int oph__settings_put(struct oph__settings *settings, const char *key,
                      const struct oph__literal *value, oph_error *err);
/* Puts all of `from`; on an error some may have been put. */
int oph__settings_put_all(struct oph__settings *settings, const struct oph__settings *from,
                          oph_error *err);
/* Whether a device has that key and may write it; else why not. */
int oph__settings_check(const oph_device *dev, const char *key, const char *value, oph_error *err);
const struct oph__setting *oph__settings_at(const struct oph__settings *settings, size_t index);
/* Frees what is there, and takes over what is in *by. */
void oph__settings_become(struct oph__settings *settings, struct oph__settings *by);
void oph__settings_free(struct oph__settings *settings);

#endif
