/* The journals that there are, for those who look. */
#include "base/err.h"
#include "core/journal.h"
#include <cophyd/recover.h>
#include <stdlib.h>

struct oph_journals {
    struct oph__vec list; /* oph_journal */
};

static int add(struct oph__journal_found *found, void *user, oph_error *err)
{
    oph_journals *journals = user;
    const struct oph__journal_head *head = &found->content.head;
    oph_journal *j = calloc(1, sizeof *j);
    if (!j || !oph__vec_add(&journals->list, j)) {
        free(j);
        return oph__fail_memory(err, "a list of journals");
    }
    oph__copy(j->file, sizeof j->file, found->file);
    j->alive = found->lives;
    if (found->rc) {
        j->broken = 1;
        oph__copy(j->why, sizeof j->why, found->why.text);
        return 0;
    }
    oph__copy(j->device, sizeof j->device, head->device);
    oph__copy(j->prefix, sizeof j->prefix, head->prefix);
    oph__copy(j->server, sizeof j->server, head->server);
    oph__copy(j->program, sizeof j->program, head->staged_by.program);
    j->pid = (int32_t)head->staged_by.pid;
    j->since = head->since;
    j->count = (uint32_t)found->content.records.count;
    return 0;
}

int oph_journals_find(oph_journals **ret, oph_error *err)
{
    struct oph__journal_folder folder;
    oph_journals *journals = calloc(1, sizeof *journals);
    if (!journals) return oph__fail_memory(err, "a list of journals");
    oph_error why = OPH_ERROR_INIT;
    int rc = oph__journal_folder_enter(&folder, false, &why);
    if (!rc) {
        rc = oph__journal_each(&folder, NULL, add, journals, &why);
        oph__journal_folder_leave(&folder);
    } else if (rc == OPH_ENOTFOUND) { /* nobody has staged yet */
        rc = 0;
    }
    if (!rc) {
        *ret = journals;
        return 0;
    }
    oph_journals_free(journals);
    if (err) *err = why;
    return rc;
}

size_t oph_journals_count(const oph_journals *journals)
{
    return journals ? journals->list.count : 0;
}

const oph_journal *oph_journals_at(const oph_journals *journals, size_t index)
{
    return index < oph_journals_count(journals) ? journals->list.at[index] : NULL;
}

void oph_journals_free(oph_journals *journals)
{
    if (!journals) return;
    for (size_t i = 0; i < journals->list.count; i++)
        free(journals->list.at[i]);
    oph__vec_free(&journals->list);
    free(journals);
}
