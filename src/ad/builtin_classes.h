/* The built-in classes as text: the files of src/ad/classes, embedded. */
#ifndef AD_BUILTIN_CLASSES_H
#define AD_BUILTIN_CLASSES_H

#include "core/behaviour.h"
#include "core/classtext.h"

/* In the order in which they can be parsed: bases first. */
extern const struct oph__class_text oph__builtin_classes[];

/* The triggers and hooks that they name. */
extern const struct oph__behaviours oph__builtin_behaviours;

#endif
