/* What the files of the file store share; no other file includes it.
 *
 * What the user sets are choices (files.c, file_root.c). A stage makes folders and a name of them
 * (file_store.c, file_name.c), looks at what will be staged and refuses what would lose frames
 * (file_check.c). The trigger notes what was written (file_written.c). */
#ifndef AD_FILE_PARTS_H
#define AD_FILE_PARTS_H

#include "ad/file_store.h"
#include "core/device.h"
#include "core/plan.h"
#include <cophyd/files.h>

enum { OPH__NAME_MAX = 256 }; /* FileName and FileTemplate, with the end */

/* Which template was set since both held together. */
enum { OPH__SET_WRITE = 1, OPH__SET_READ = 2 };

/* What a stage makes of the choices. */
struct oph__files {
    char write_dir[OPH__PATH_MAX], read_dir[OPH__PATH_MAX];
    int32_t naming;           /* what the choice was then */
    char made[OPH__NAME_MAX]; /* the FileName that the policy gave; "": it stays as it stands */
    enum oph__writing writing;
    char folder[OPH__PATH_MAX], name[OPH__NAME_MAX], format[OPH__NAME_MAX]; /* as they will be */
    int64_t number;             /* FileNumber when it is staged */
    bool is_random;             /* so no file has that name yet */
    char first[OPH__PATH_MAX];  /* the first file's name where the format is understood; or "" */
    char former[OPH__PATH_MAX]; /* FullFileName_RBV before it */
};

struct oph__store {
    pthread_mutex_t lock; /* of all below: it may be set and asked from any thread */
    /* Choices */
    char *write, *read; /* templates; NULL: not set; no `read`: as `write` */
    unsigned alone;     /* of the two; 0: they hold together */
    bool windows, overwrite;
    int32_t naming;
    char *text; /* of OPH_NAME_FIXED and _COUNTER; or NULL */
    char *root; /* of this machine, or NULL */
    oph_file_name_fn *fn;
    void *user;
    struct oph__files next;   /* of a plan that is being made */
    struct oph__files latest; /* of the latest stage */
    bool fresh;               /* nothing was acquired since Capture was staged */
    bool left;                /* frames of an acquisition that failed may still come */
    /* The latest acquisition */
    char file[OPH__PATH_MAX]; /* as the IOC names it, or "" */
    int64_t points, frames, first_number, captured;
};

/* NULL where the device has none. */
struct oph__store *oph__store_of(const oph_device *dev);

/* The device's store for a public call: OPH_EFORK, or OPH_EINVAL where it has none. */
int oph__store_get(const oph_device *dev, struct oph__store **ret, oph_error *err);

/* Class text */
int oph__store_files(oph_device *dev, void *data, const struct oph__filesrow *row, oph_error *err);

int oph__store_set_naming(struct oph__store *s, int32_t naming, const char *text, oph_error *err);
/* The FileName that the policy gives for this plan, into s->next. */
int oph__store_make_name(oph_device *dev, struct oph__store *s, oph_error *err);
/* 0 for a text that can be a FileName. */
int oph__file_name_check(const oph_device *dev, const char *text, bool windows, oph_error *err);

/* 0 where no root was set or it holds the local path. Touches the disk, with no lock held. */
int oph__store_hold(const oph_device *dev, struct oph__store *s, const char *path, oph_error *err);

/* Has the plan ask for what it needs to know (oph__hook_ops.plan). */
int oph__store_ask(oph_device *dev, struct oph__plan *plan, oph_error *err);
/* The stage's look at what it will write: oph__hook_ops.check. */
int oph__store_check(oph_device *dev, void *data, const struct oph__plan *plan, oph_error *err);

#endif
