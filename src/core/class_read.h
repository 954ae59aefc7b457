/* The reader of a class text: what the statements have in common. */
#ifndef CORE_CLASS_READ_H
#define CORE_CLASS_READ_H

#include "core/class_parts.h"

struct oph__reader {
    struct oph__class_source *source;
    struct oph__mistakes *m;
    oph__known_fn *known;
    void *user;
    struct oph__place at;
    struct oph__classdef *def; /* NULL before the first class */
    struct oph__map seen;      /* what the class has: "row x since 3.4", "dev cam" -> its place */
    struct oph__map docs;      /* attribute -> the doc of its newest row that has one */
    struct oph__line_words words; /* of the line; the first is the statement */
};

/* Zeroed memory that lives as long as the text. NULL is remembered in r->m. */
void *oph__read_get(struct oph__reader *r, size_t size);
void oph__read_keep(struct oph__reader *r, struct oph__vec *vec, const void *item);
/* False, and a mistake, when the class had this thing before. `what` is "row", "dev" ... */
bool oph__read_once(struct oph__reader *r, const char *what, const char *name, int since);
/* The word's index in a list that ends with NULL; -1 after a mistake. */
int oph__read_lookup(struct oph__reader *r, const char *what, const char *const *list,
                     const char *word);
/* Whether the suffix alone, with what the readback adds, can be a PV's name. */
void oph__read_suffix(struct oph__reader *r, const char *suffix, bool readback);

void oph__read_row(struct oph__reader *r);
void oph__read_kind(struct oph__reader *r);

#endif
