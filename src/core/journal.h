/* The journal of a stage: what it changes, on disk before the first put, until all of it is back.
 */
#ifndef CORE_JOURNAL_H
#define CORE_JOURNAL_H

#include "core/journal_folder.h"
#include "core/plan.h"

struct oph__journal;

/* Before the first put: writes originals and staged values of all items, and keeps the file locked:
 * plan->journal. OPH_EBUSY names who holds settings that these are among, or whose prefix they
 * share; OPH_ESTATE names a journal of such settings that nobody holds: they are not back.
 * OPH_EFILE when it cannot be written. A plan that is only looked at writes none. Where a journal
 * has gone since plan->gone was asked for it is written without settings: plan->overtaken. */
int oph__journal_begin(struct oph__plan *plan, oph_error *err);

/* Writes it again, before the trigger puts values that it has claimed since. Errors likewise. */
int oph__journal_renew(struct oph__plan *plan, oph_error *err);

/* After restoring: the file goes, or keeps those items that are `left`. An error leaves it as it
 * was, which is harmless: what is back is found so. */
int oph__journal_settle(struct oph__plan *plan, oph_error *err);

/* Lets go of it; a file that is still there is then one that was left. NULL allowed. */
void oph__journal_close(struct oph__journal *journal);

/* Takes a file over, with its folder entered: who holds it is then this process. */
int oph__journal_claim(const struct oph__journal_folder *folder,
                       const struct oph__journal_found *found, struct oph__journal **ret,
                       oph_error *err);

/* Whether settings of one client stand in another's way: one prefix is the start of the other's, on
 * one server. */
bool oph__journal_overlaps(const char *prefix, const char *other);
/* Servers, "HOST:PORT", as libca names them: "ioc.beamline:5064" is "10.0.0.7:5064" as long as it
 * has not found the address's name, for which it asks beside. */
struct oph__hosts {
    char name[64], number[64]; /* what was asked last, for a name server may take its time */
    bool same;
};
/* Whether both are on one host. */
bool oph__journal_same_host(struct oph__hosts *asked, const char *a, const char *b);
/* Whether both are one server. */
bool oph__journal_same_server(struct oph__hosts *asked, const char *a, const char *b);
/* "process 4711 (pilatus) of user 1000 on bl7, which staged det at 2026-11-25 22:52:42". */
char *oph__journal_who(const struct oph__journal_head *head, char *dst, size_t size);

#endif
