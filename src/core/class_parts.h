/* What the files of the class text share; only settings_text.c, which has its words, includes it
 * too.
 *
 * A text becomes definitions (class_read.c), which are classes as written. A scope finds them by
 * name. A class and its ancestors in order are a lineage (class_lineage.c); joined they are a class
 * made whole (class_make.c). A new text is checked by making its classes (class_check.c). */
#ifndef CORE_CLASS_PARTS_H
#define CORE_CLASS_PARTS_H

#include "base/err.h"
#include "base/str.h"
#include "core/classtext.h"
#include <pthread.h>

/* Memory that is given back all at once: what one text, or the making of one class, needs. */
struct oph__arena {
    struct oph__arena_block *block;
};
void *oph__arena_get(struct oph__arena *arena, size_t size); /* zeroed; NULL: no memory */
char *oph__arena_dup(struct oph__arena *arena, const char *text, size_t n);
void oph__arena_free(struct oph__arena *arena);

/* Where in a text. Without an origin a sentence has no place before it. */
struct oph__place {
    const char *origin;
    int line;
};

/* The mistakes of one text. Only so many are listed, and then the report says how many more. */
struct oph__mistakes {
    oph_report *report;
    oph_error first;
    size_t count;
    bool memory; /* memory was short: what was found is not all */
};
void oph__mistake(struct oph__mistakes *m, struct oph__place at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void oph__mistakes_end(struct oph__mistakes *m, const char *origin);

/* One word. `text` is without quotes and escapes; `eq` points to the = in it that stood outside
 * quotes, or is NULL; `quoted` says that it, or what follows the =, was in quotes. */
struct oph__word {
    char *text;
    char *eq;
    bool quoted;
};
enum { OPH__MAX_WORDS = 64 };
struct oph__line_words {
    struct oph__word at[OPH__MAX_WORDS];
    size_t count;
};

/* Splits a line in place. Returns NULL, or a sentence that says what is wrong. */
const char *oph__words_split(char *line, struct oph__line_words *ret);
/* Writes a word so that it is read back as the same: in quotes where it must be, or is to be. */
void oph__word_add(struct oph__buf *buf, const char *text, bool quoted);
/* NULL, or what is wrong with the line's characters. */
const char *oph__line_wrong(const char *line, size_t len);

enum { OPH__MAX_ATTR = 120 };
bool oph__is_attr(const char *text); /* "size.size_x" */
bool oph__is_name(const char *text); /* the same without dots */
bool oph__is_class_name(const char *text);

/* "NAME" or "NAME@3.4". */
struct oph__ref {
    const char *name;
    int version; /* 0: none was written */
};

struct oph__classdef {
    const char *name;
    const char *doc;
    const char *base_names; /* as written; "" */
    struct oph__place at;
    struct oph__vec bases; /* struct oph__ref, as written */
    struct oph__vec rows;  /* struct oph__row */
    struct oph__vec devs;  /* struct oph__devrow */
    struct oph__vec stage; /* struct oph__stageword */
    struct oph__vec cycle; /* the same */
    struct oph__vec files; /* struct oph__filesrow */
    struct oph__vec hooks; /* const char * */
    const char *trigger;
    const char *plugin_type;
    const int32_t *kind; /* flags of enum oph_kind; NULL: it says nothing */
    enum {
        OPH__UNCHECKED,
        OPH__CHECKING,
        OPH__GOOD,
        OPH__BAD
    } state; /* bad ones are reported once */
    enum { OPH__MIX_UNKNOWN, OPH__MIX_YES, OPH__MIX_NO } mixin;
};

/* A text that was read. */
struct oph__class_source {
    struct oph__arena arena;
    struct oph__vec defs; /* struct oph__classdef */
};
void oph__class_source_read(struct oph__class_source *source, const char *text, const char *origin,
                            oph__known_fn *known, void *user, struct oph__mistakes *m);
void oph__class_source_free(struct oph__class_source *source);

/* Texts of which one is read when a class of it is first asked for (class_shelf.c). Not locked. */
struct oph__shelf;
struct oph__shelf *oph__shelf_new(const struct oph__class_text *texts, oph__known_fn *known,
                                  void *user); /* NULL: no memory */
void oph__shelf_free(struct oph__shelf *shelf);
/* NULL: it has no such class, or its text could not be read, as oph__shelf_failed then says. The
 * shelf may be NULL here and below. */
struct oph__classdef *oph__shelf_find(struct oph__shelf *shelf, const char *name);
int oph__shelf_failed(const struct oph__shelf *shelf, oph_error *err);
size_t oph__shelf_count(struct oph__shelf *shelf); /* of its classes, whose names need no reading */
const char *oph__shelf_name(const struct oph__shelf *shelf, size_t index);
size_t oph__shelf_read(const struct oph__shelf *shelf); /* texts that were read so far */

struct oph__scope {
    struct oph__shelf *shelf; /* classes that come before all others; or NULL */
    struct oph__map by_name;
    struct oph__vec defs;
};
/* The definition of that very name, or NULL. */
struct oph__classdef *oph__scope_get(const struct oph__scope *scope, const char *name);
/* The definition a name means, and the version it asks for: NAME_V34 is NAME@3.4 unless there is a
 * class of that name. NULL: there is none. */
struct oph__classdef *oph__scope_find(const struct oph__scope *scope, struct oph__ref ref,
                                      int *ret_version);
void oph__scope_near(const struct oph__scope *scope, struct oph__near *near);

/* Classes joined: ancestors before descendants, bases in the order written, but those that have no
 * rows and no devices (nor has any ancestor of theirs) after those that do. So it makes no
 * difference whether a mixin is written first or last. */
enum { OPH__MAX_KIN = 64 }; /* a bit each in `above` */
struct oph__kin {
    struct oph__classdef *def;
    int version;    /* wanted of it; 0: newest */
    uint64_t above; /* its ancestors, a bit for each index */
};
struct oph__lineage {
    struct oph__kin kin[OPH__MAX_KIN];
    size_t count;
};
/* Fills the lineage of classes joined by `refs` (struct oph__ref). `version` is for refs without
 * one. OPH_ENOTFOUND, or OPH_EPARSE: a cycle, too many, one class at two versions. An error without
 * text was reported before, where the part that has the mistake was checked. */
int oph__lineage_build(const struct oph__scope *scope, const struct oph__vec *refs, int version,
                       struct oph__lineage *ret, oph_error *err);

/* Joins a lineage. OPH_EPARSE: bases that contradict each other at the version wanted. */
int oph__class_make(const struct oph__lineage *lin, const char *name, struct oph__class **ret,
                    oph_error *err);
void oph__class_free(struct oph__class *cls);
/* What bases define differently, at whatever version, and the class does not define itself. */
void oph__class_conflicts(const struct oph__lineage *lin, const char *name, struct oph__place at,
                          struct oph__mistakes *m);

/* A row as it stands from one release on, until another takes its place or it is gone. */
struct oph__form {
    const struct oph__row *row;
    int since; /* 0: always */
    int until; /* 0: to this day */
};
/* All forms that the rows of a lineage ever had, in the order of their attributes. They live in the
 * arena. False: no memory. */
bool oph__class_forms(const struct oph__lineage *lin, struct oph__arena *arena,
                      struct oph__vec *ret);

/* Makes classes of one scope, each once. */
struct oph__maker {
    const struct oph__scope *scope;
    struct oph__map by_key; /* expression and version -> struct oph__class */
    struct oph__vec all;
};
/* Errors as of oph__refs_read, oph__lineage_build and oph__class_make. */
int oph__maker_get(struct oph__maker *maker, const char *expression, int version,
                   const struct oph__class **ret, oph_error *err);
void oph__maker_free(struct oph__maker *maker);

/* Checks the classes of a new text, each whole; the maker's scope has them and all older ones. */
void oph__class_source_check(const struct oph__class_source *source, struct oph__maker *maker,
                             struct oph__mistakes *m);
/* Checks one class and the devices in it: settings, orders, names. */
void oph__class_check(struct oph__maker *maker, const struct oph__class *cls,
                      struct oph__mistakes *m);

struct oph__classes {
    pthread_mutex_t lock;
    oph__known_fn *known;
    void *user;
    struct oph__scope scope;
    struct oph__maker maker;
    struct oph__vec sources; /* struct oph__class_source: they own what the scope names */
};

/* The words of a row, in the order of the enums, with NULL at the end. */
extern const char *const oph__hows[];
extern const char *const oph__rowtypes[];
extern const char *const oph__kinds[];

/* A list of rows to be given to the user. NULL, false: no memory. */
struct oph_rows *oph__rows_new(void);
bool oph__rows_add(struct oph_rows *rows, const struct oph__row *row, int since, int until);

/* Reads "A@3.4 B" into refs that live in the arena. Returns 0, OPH_EPARSE or OPH_ENOMEM. */
int oph__refs_read(struct oph__arena *arena, const char *expression, struct oph__vec *refs,
                   oph_error *err);

#endif
