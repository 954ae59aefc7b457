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
    struct oph__vec list; /* struct oph__setting */
};

int oph__settings_put(struct oph__settings *settings, const char *key,
                      const struct oph__literal *value, oph_error *err);
const struct oph__setting *oph__settings_at(const struct oph__settings *settings, size_t index);
void oph__settings_free(struct oph__settings *settings);

#endif
