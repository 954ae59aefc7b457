/* The built-in classes as text: the files of src/ad/classes, embedded. */
#ifndef AD_BUILTIN_CLASSES_H
#define AD_BUILTIN_CLASSES_H

struct oph__builtin_classes {
    const char *name; /* "camera.class"; NULL ends the table */
    const char *text;
};

/* In the order in which they can be parsed: bases first. */
extern const struct oph__builtin_classes oph__builtin_classes[];

#endif
