/* The built-in classes as text: the files of src/ad/classes, embedded. */
#ifndef AD_BUILTIN_CLASSES_H
#define AD_BUILTIN_CLASSES_H

#include "core/behaviour.h"

struct oph__builtin_classes {
    const char *name; /* "camera.class"; NULL ends the table */
    const char *text;
};

/* In the order in which they can be parsed: bases first. */
extern const struct oph__builtin_classes oph__builtin_classes[];

/* The triggers and hooks that they name. */
extern const struct oph__behaviours oph__builtin_behaviours;

#endif
