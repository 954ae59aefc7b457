/* Device classes as text: the registry, the parser, and a class made whole from its bases.
 *
 * One statement a line. Words are separated by blanks; "quotes" hold text with blanks, and in them
 * \" and \\ a quote and a backslash; a # where a word could begin starts a comment.
 *
 *   class NAME [: BASE[@VERSION] ...]     NAME_V34 is NAME@3.4 unless there is a class of that name
 *   doc TEXT
 *   row ATTR SUFFIX HOW TYPE KIND [SINCE|-] [OPTION...] ["DOC"]
 *   row ATTR SUFFIX|- gone SINCE ["DOC"]
 *       HOW ro rw rbv path start; TYPE any int float enum text array; KIND normal config hinted
 *       omitted; OPTION slow=SECONDS after=ATTR[,ATTR...] busy counter moves
 *       main labels=A|B|... readback=A|B|... length=N of=int|float
 *       A row without a doc has that of the row of its attribute that stands before it.
 *   dev ATTR SUFFIX CLASS[@VERSION] [MIXIN...] ["DOC"]
 *   files CHILD|. write=TEMPLATE [read=TEMPLATE] [semantics=posix|windows]
 *         [name=uuid|counter|"TEXT"] [overwrite=no|yes]
 *   stage CHILD|. KEY=VALUE ...           several lines add up
 *   cycle STEP KEY=VALUE ...              what a trigger with a cycle sets before an acquisition;
 *                                         steps in the order in which they first stand
 *   trigger NAME
 *   hook NAME
 *   plugin TYPE
 *   kind KIND [KIND]                      of its devices in the device that has them: normal config
 *       hinted omitted; the most derived class that says so counts, mixins last
 *
 * Which definition wins: a row without SINCE is for every version and replaces the rows of all
 * ancestors; of what is left the newest SINCE not above the wanted version; on a tie the most
 * derived class. Bases that then still contradict each other are a mistake, unless the class
 * defines the thing itself. A common ancestor counts once.
 *
 * Settings of ancestors come before those of descendants; a known key keeps its place and takes the
 * new value. Bases come in the order written, but mixins (which have no rows and no devices, nor
 * has any ancestor of theirs) come after all others: so it makes no difference where a mixin is
 * written. */
#ifndef CORE_CLASSTEXT_H
#define CORE_CLASSTEXT_H

#include "base/vec.h"
#include <cophyd/class.h>
#include <cophyd/reading.h>
#include <stdbool.h>
#include <stdint.h>

enum { OPH__LONGEST_PV = 60 }; /* the longest record name in EPICS Base; a field may follow */

enum oph__how { OPH__RO, OPH__RW, OPH__RBV, OPH__PATH, OPH__START, OPH__GONE };
enum oph__rowtype { OPH__ANY, OPH__INT, OPH__FLOAT, OPH__ENUM, OPH__TEXT, OPH__ARRAY };
enum oph__kind { OPH__NORMAL, OPH__CONFIG, OPH__HINTED, OPH__OMITTED };
int32_t oph__kind_flags(enum oph__kind kind); /* of enum oph_kind */

/* The labels of an enum record. */
struct oph__labels {
    uint32_t count; /* 0: the text says none */
    const char *const *at;
};

/* One signal of a class. RBV, PATH and START rows have the setpoint at `suffix` and the readback at
 * `suffix`_RBV; RO and RW rows have one PV. */
struct oph__row {
    const char *owner;  /* the class that has it */
    const char *attr;   /* "acquire_time", "size.size_x" */
    const char *suffix; /* "AcquireTime", "ArraySizeX_RBV" */
    const char *doc;    /* "" where there is none */
    const char *after;  /* "a,b": attributes of the same device to be staged before it; or NULL */
    enum oph__how how;
    enum oph__rowtype type;
    enum oph__kind kind;
    int since;    /* 1000 * major + minor; 0: always */
    double slow;  /* seconds its put may take; 0: no more than others */
    bool busy;    /* its put completes when the action ends */
    bool counter; /* counted by the IOC: set when staged, never restored */
    bool moves;   /* the IOC moves it while acquiring: restored without asking who changed it */
    bool main;    /* read under its device's name */
    struct oph__labels labels;   /* of the setpoint, or of the only PV */
    struct oph__labels readback; /* where the readback's are others */
    uint32_t length;             /* elements of a waveform; 0: a text is a string, else not said */
    enum oph__rowtype of;        /* type of an array's elements; ANY: not said */
    const char *origin;
    int line;
};

/* A setting's value as it was written: 1, 0.105, Yes, "%s%s_%3.3d.h5". */
enum oph__lit_kind { OPH__LIT_INT, OPH__LIT_FLOAT, OPH__LIT_TEXT };
struct oph__literal {
    enum oph__lit_kind kind;
    int64_t i;
    double f;
    const char *text; /* always there: as a person would write it, without quotes */
};

/* One word of a `stage` or a `cycle` line. `child` is "" for the class itself. */
struct oph__stageword {
    const char *child;
    const char *step; /* of a cycle; "" of a stage line */
    const char *key;  /* "image_mode", "parent.cam.array_callbacks" */
    struct oph__literal value;
    const char *origin;
    int line;
};

struct oph__devrow {
    const char *attr;    /* "cam" */
    const char *suffix;  /* "cam1:" */
    const char *classes; /* "HDF5Plugin@3.4 FileStoreHDF5IterativeWrite" */
    const char *doc;
    const char *origin;
    int line;
};

/* How files are named, where a `files` row says so. */
enum oph__naming { OPH__NAMING_UNSAID, OPH__NAMING_UUID, OPH__NAMING_COUNTER, OPH__NAMING_FIXED };

struct oph__filesrow {
    const char *child; /* "hdf1", or "" */
    const char *write; /* template, as the IOC sees it; NULL where not given */
    const char *read;
    bool windows; /* semantics=windows */
    enum oph__naming naming;
    const char *name; /* of FIXED */
    int overwrite;    /* 1 or 0; -1: not said */
    const char *origin;
    int line;
};

/* A class made whole: bases joined, the rows of one version chosen. Owned by the registry, never
 * changes, lives as long as it. Pointers below point to structs of the kinds above. */
struct oph__class {
    const char *name;        /* the expression, aliases resolved: "HDF5Plugin@3.4 FileStore" */
    const char *doc;         /* of the most derived class that has one; "" */
    int version;             /* of its rows: as the class says, else as asked for; 0: newest */
    struct oph__vec rows;    /* struct oph__row, in order of first definition, GONE rows left out */
    struct oph__map by_attr; /* the same by attribute */
    struct oph__vec others; /* rows that this version lacks (newer, or gone), for error sentences */
    struct oph__vec devs;   /* struct oph__devrow */
    struct oph__vec stage;  /* struct oph__stageword, in order, each key once */
    struct oph__vec cycle;  /* the same, each key once a step */
    struct oph__vec files;  /* struct oph__filesrow */
    const char *trigger;    /* name of the trigger, or NULL */
    struct oph__vec hooks;  /* const char *: names of stage hooks, in order */
    struct oph__vec names;  /* const char *: its ancestors and itself, for "is a" */
    const char *plugin_type; /* start of PluginType_RBV: "NDFileHDF5"; or NULL */
    int32_t kind;            /* flags of enum oph_kind */
};

struct oph__classes; /* the registry; has its own lock, so any thread may call */

/* Says whether a trigger or a hook of that name exists; asked while a text is read, with the
 * registry locked. Without one every name is good. */
typedef bool oph__known_fn(void *user, const char *kind /* "trigger", "hook" */, const char *name);

int oph__classes_new(oph__known_fn *known, void *user, struct oph__classes **ret, oph_error *err);
void oph__classes_free(struct oph__classes *classes);

/* A text that comes with the library, and its name, as "camera.class". */
struct oph__class_text {
    const char *name;
    const char *text;
};
/* Has the classes of these texts from now on, each text read when a class of it is first asked for.
 * Once, before all else; the texts end with a NULL and live as long as the registry. */
int oph__classes_shelve(struct oph__classes *classes, const struct oph__class_text *texts,
                        oph_error *err);
/* How many of them were read so far. */
size_t oph__classes_texts_read(struct oph__classes *classes);

/* Adds the classes of a text. It is checked whole: on any mistake nothing is added, every mistake
 * is in the report ("ORIGIN:LINE: ..."; after 100 it only counts), and the first is in err. The
 * report is given in any case, ret_report may be NULL. A text without a class is a mistake. A
 * setting that begins with `parent.` is checked where a class is a device of another. OPH_EPARSE,
 * OPH_EINVAL for NULL, OPH_ENOMEM. */
int oph__classes_parse(struct oph__classes *classes, const char *text, const char *origin,
                       oph_report **ret_report, oph_error *err);

/* A class expression made whole: one name or several ("A@3.4 B"). `version` (0: newest) is for
 * names that have no @, and bases that have none. Borrowed; the same pointer for the same question.
 * OPH_ENOTFOUND names the nearest. OPH_EPARSE: names that do not go together, or, where no version
 * is given, settings that name no row. */
int oph__classes_get(struct oph__classes *classes, const char *expression, int version,
                     const struct oph__class **ret, oph_error *err);

/* True when `name` is the class or one of its ancestors. */
bool oph__class_is(const struct oph__class *cls, const char *name);
const struct oph__row *oph__class_row(const struct oph__class *cls, const char *attr);

/* What oph_row says of it. */
uint32_t oph__row_capacity(const struct oph__row *row);
oph_row oph__row_public(const struct oph__row *row, int since, int until);

/* Finds the name that a mistyped word may have meant. */
struct oph__near {
    const char *word;
    const char *best; /* NULL: none is near */
    size_t distance;
};
void oph__near_try(struct oph__near *near, const char *name);
/* "; the nearest is BEST", or nothing. Returns dst. */
char *oph__near_text(const struct oph__near *near, char *dst, size_t size);

/* "3.14", "3.14.0", "R3-4" -> 3014, 3014, 3004; -1 when it is none. */
int oph__version_parse(const char *text);

/* A word as a setting's value: quoted is text, else int, else float, else text. */
struct oph__literal oph__literal_of(const char *word, bool quoted);

#endif
