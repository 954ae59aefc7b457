/* Device classes as text. The grammar is in examples/README.md. */
#ifndef COPHYD_CLASS_H
#define COPHYD_CLASS_H

#include <cophyd/device.h>
#include <cophyd/signal.h>

OPH_BEGIN_DECLS

/* Adds the classes of a text to the context. It is checked whole: on any mistake nothing is added
 * (OPH_EPARSE), each mistake is in the report as "ORIGIN:LINE: ...", and the first one is in err.
 * `origin` is the text's name in such messages, as "pilatus.c". ret_report may be NULL; else the
 * report is yours, also on failure. Needs no network. */
OPH_API int oph_class_parse(oph_context *ctx, const char *text, const char *origin,
                            oph_report **ret_report, oph_error *err);

/* The same for a file, whose name is the origin. OPH_EFILE, without a report, when it cannot be
 * read. */
OPH_API int oph_class_load(oph_context *ctx, const char *file, oph_report **ret_report,
                           oph_error *err);

/* The names of all classes that the context knows: the built-in ones, then those that were added,
 * in their order. They stay; more may come. "" and 0 in a forked child. */
OPH_API size_t oph_class_count(oph_context *ctx);
OPH_API const char *oph_class_name_at(oph_context *ctx, size_t index); /* NULL past the end */

/* A class, as its text says. Texts are the context's and live as long as it; "" where there is
 * none. Set `size` to sizeof(oph_class_info). Releases are numbers: 3004 is 3.4. */
typedef struct oph_class_info {
    uint32_t size;
    int32_t version;   /* that was asked for, or that it has by its text; 0: the newest */
    int32_t kind;      /* flags of enum oph_kind (<cophyd/reading.h>) */
    int32_t line;      /* where it begins in `origin`; 0 for several classes joined */
    const char *name;  /* aliases resolved: "HDF5Plugin@3.4" */
    const char *bases; /* as written: "FilePlugin" */
    const char *doc;
    const char *plugin_type; /* what PluginType_RBV begins with: "NDFileHDF5" */
    const char *trigger;     /* "single" */
    const char *origin;      /* its text: "hdf5.class", or a file's name */
} oph_class_info;

/* `class_name` as for oph_device_new: one class or several, with releases or without. OPH_ENOTFOUND
 * names the nearest; OPH_EPARSE when they do not go together. */
OPH_API int oph_class_describe(oph_context *ctx, const char *class_name, oph_class_info *ret,
                               oph_error *err);

enum oph_how {
    OPH_HOW_RO = 0,    /* one PV, read only */
    OPH_HOW_RW = 1,    /* one PV */
    OPH_HOW_RBV = 2,   /* the setpoint at `suffix`, the readback at `suffix`_RBV */
    OPH_HOW_PATH = 3,  /* the same, of a folder */
    OPH_HOW_START = 4, /* the same, of an action that is started and stopped */
    OPH_HOW_PIN_ = INT32_MIN
};
OPH_API const char *oph_how_name(int32_t how); /* as in a class text: "rbv"; static */

enum oph_row_type {
    OPH_ROW_ANY = 0,
    OPH_ROW_INT = 1,
    OPH_ROW_FLOAT = 2,
    OPH_ROW_ENUM = 3,
    OPH_ROW_TEXT = 4,
    OPH_ROW_ARRAY = 5,
    OPH_ROW_TYPE_PIN_ = INT32_MIN
};
OPH_API const char *oph_row_type_name(int32_t type); /* as in a class text: "enum"; static */

enum oph_row_flags {
    OPH_ROW_BUSY = 1,    /* its put completes when the action ends */
    OPH_ROW_COUNTER = 2, /* the IOC counts it: it is set when staged and never restored */
    OPH_ROW_MOVES = 4,   /* the IOC moves it while acquiring */
    OPH_ROW_MAIN = 8,    /* the key of its readings is its device's name */
    OPH_ROW_FLAGS_PIN_ = INT32_MIN
};

/* What is known of an attribute without an IOC. A connected IOC's own word counts
 * (oph_signal_properties); oph_differences lists where it is another. */
typedef struct oph_row {
    const char *class_name; /* the class that has the row: "FileBase" */
    const char *attr;       /* "file_path" */
    const char *suffix;     /* "FilePath" */
    const char *doc;
    const char *after; /* attributes that are written before it, "a,b"; "" */
    int32_t how;       /* enum oph_how */
    int32_t type;      /* enum oph_row_type */
    int32_t elements;  /* the same, of an array's elements; OPH_ROW_ANY: not known */
    int32_t kind;      /* flags of enum oph_kind (<cophyd/reading.h>) */
    uint32_t flags;    /* of enum oph_row_flags */
    int32_t since;     /* the release from which it is as told here; 0: always */
    int32_t until;     /* from which it is gone, or otherwise; 0: to this day */
    uint32_t capacity; /* text: bytes with the NUL at its end; array: elements; 0: not known */
    double slow;       /* seconds that a put may take beyond others */
    uint32_t label_count;
    uint32_t readback_label_count;
    const char *const *labels;          /* of an enum; NULL: not known, or none */
    const char *const *readback_labels; /* of its readback: often the same */
    const char *origin;                 /* of its text: "file.class" */
    int32_t line;
    int32_t reserved;
} oph_row;

/* The row of a signal, at the release that its device has now; `until` is 0. A signal that is no
 * device's has one as well, with little in it. What it points to lives as long as the signal. */
OPH_API void oph_signal_row(const oph_signal *sig, oph_row *ret);

/* A list of rows, yours. What the rows point to is the context's. */
typedef struct oph_rows oph_rows;
OPH_API size_t oph_rows_count(const oph_rows *rows);
OPH_API const oph_row *oph_rows_at(const oph_rows *rows, size_t index); /* NULL past the end */
/* The first one of an attribute; NULL where there is none. */
OPH_API const oph_row *oph_rows_find(const oph_rows *rows, const char *attr);
OPH_API void oph_rows_free(oph_rows *rows); /* NULL allowed */

enum oph_rows_flags {
    OPH_ROWS_HISTORY = 1, /* all that there ever were: an attribute that changed is there several
                             times, the oldest first, and one that is gone too */
    OPH_ROWS_FLAGS_PIN_ = INT32_MIN
};

/* The rows of a class, and of what it derives from, at the release that it is asked for with
 * ("HDF5Plugin@3.4"), else the newest. Errors as of oph_class_describe; OPH_EINVAL for the history
 * of a class at one release. Needs no network. */
OPH_API int oph_class_rows(oph_context *ctx, const char *class_name, uint32_t flags, oph_rows **ret,
                           oph_error *err);

/* Rows in whose class, attribute, PV suffix, doc or labels all words of a text occur, as parts and
 * in any case: "hdf5 compress". In the order of the classes; each row once, where it is defined, in
 * its newest form. "" finds all. */
OPH_API int oph_class_find(oph_context *ctx, const char *text, oph_rows **ret, oph_error *err);

enum oph_class_flags {
    OPH_CLASS_FLAT = 1, /* with all that it derives from, at its release: a class without bases */
    OPH_CLASS_FLAGS_PIN_ = INT32_MIN
};

/* A class as text that oph_class_parse reads: as it was defined, without comments; or flat. A flat
 * one's name says the release, as HDF5Plugin_V34; it is not a FilePlugin any more, and what it
 * stages of rows that the release lacks is left out. OPH_EINVAL for several classes or a release
 * without OPH_CLASS_FLAT; OPH_ERANGE when buffer[size] is too small. *ret_length is the text's
 * length; with size 0 there is nothing else. */
OPH_API int oph_class_text(oph_context *ctx, const char *class_name, uint32_t flags, char *buffer,
                           size_t size, size_t *ret_length, oph_error *err);

/* Compares all rows of a device and of those below it with the IOC: records that it lacks
 * (OPH_EABSENT); other types, labels and lengths than the text says for its release, a release
 * asked for that is above its own, another plugin (OPH_EMISMATCH). Each is a line of the report,
 * which is yours and empty where all is as it says; wanted is the text's, found the IOC's. It
 * connects to every record, by channels that are closed again, and so costs more than all else
 * here. In any state. timeout: for the first record to be there; OPH_DEFAULT is the context's
 * connect_timeout. OPH_EDISCONN when none is. */
OPH_API int oph_differences(oph_device *dev, double timeout, oph_report **ret, oph_error *err);

OPH_END_DECLS

#endif
