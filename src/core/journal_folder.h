/* Where journals are: one folder a user, one file a user, host, server and prefix.
 *
 * A file FOLDER/NAME is locked (flock) by who holds it, from before it appears until it goes: it is
 * written aside and renamed, so a reader sees all of it or the one before. FOLDER/lock is held for
 * the moment of every look or change, so that two clients never decide at once; in it is how many
 * files were removed. Who holds a file is in it: a child that its owner forked may hold the lock
 * long after the owner was killed. */
#ifndef CORE_JOURNAL_FOLDER_H
#define CORE_JOURNAL_FOLDER_H

#include "core/journal_text.h"

struct stat;

enum { OPH__JOURNAL_PATH = 800 }; /* room for a folder and a name in it */

struct oph__journal_folder {
    char path[512];
    int lock;
    char mine[160]; /* "UID@HOST,": how the names of this user's files of this host begin */
};

/* Whether nobody but this user (and root) can take files out of it or put others in their place:
 * its group counts as friends. */
bool oph__journal_folder_is_safe(const struct stat *st, uint32_t user);

/* Locks it for a moment, 5 s at most (OPH_EBUSY); made (mode 0700) where it is absent and `create`
 * says so, else OPH_ENOTFOUND. OPH_EFILE where it cannot be, or is not safe. */
int oph__journal_folder_enter(struct oph__journal_folder *folder, bool create, oph_error *err);
void oph__journal_folder_leave(struct oph__journal_folder *folder);

/* Those with the folder entered. */

/* "UID@HOST,SERVER,PREFIX.journal", escaped and bounded; without a prefix, a PV's name. */
int oph__journal_name(const struct oph__journal_folder *folder, const char *server,
                      const char *prefix, char *dst, size_t size, oph_error *err);
/* Whether a file of that name is of that prefix, on whatever server. */
bool oph__journal_is_of(const char *name, const char *prefix);

/* Puts a file in place, in the place of the one before, and locks it: *ret_fd. On an error what was
 * there before is, and *ret_fd is not set. `sync`: it is on the disk when it returns; where that
 * alone failed it is in place all the same, and *ret_fd is set. */
int oph__journal_publish(const struct oph__journal_folder *folder, const char *name,
                         const struct oph__buf *text, bool sync, int *ret_fd, oph_error *err);
/* Counts it, too. */
int oph__journal_remove(const struct oph__journal_folder *folder, const char *name, oph_error *err);
/* Whether the file of that name is the open one: somebody may have removed it. */
int oph__journal_is_there(const struct oph__journal_folder *folder, const char *name, int fd,
                          bool *ret, oph_error *err);
/* How many were removed in this folder so far. */
uint64_t oph__journal_folder_gone(const struct oph__journal_folder *folder);
/* The same at a glance, with no folder entered; 0 where there is none. While one is being removed
 * it is another number, or not yet. */
uint64_t oph__journal_gone(void);

/* One file that is there. */
struct oph__journal_found {
    const char *name;
    char file[OPH__JOURNAL_PATH];
    int rc; /* 0, or why it cannot be used: OPH_EPARSE, OPH_EFILE; then `why` says it */
    oph_error why;
    struct oph__journal_content content;
    bool lives; /* who holds it lives */
};
/* Calls fn for each file of this user and host, in the order of their names, until one call does
 * not return 0, or there is no memory to read one. fn may take the content over, leaving zeros.
 * Not for those of which `matters`, where it is not NULL, says by name, device and prefix that they
 * do not matter: no more of them is read. One whose head cannot be read goes to fn. */
typedef int oph__journal_fn(struct oph__journal_found *found, void *user, oph_error *err);
typedef bool oph__journal_matters(const struct oph__journal_found *found, const void *user);
int oph__journal_each(const struct oph__journal_folder *folder, oph__journal_matters *matters,
                      oph__journal_fn *fn, void *user, oph_error *err);

#endif
