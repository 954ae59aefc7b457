#include "core/journal.h"
#include "base/err.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

struct oph__journal {
    int fd; /* locked */
    pid_t owner;
    char name[256];
    struct oph__journal_head head;
};

bool oph__journal_overlaps(const char *prefix, const char *other)
{
    return *prefix && *other && (oph__starts(prefix, other) || oph__starts(other, prefix));
}

char *oph__journal_who(const struct oph__journal_head *head, char *dst, size_t size)
{
    char when[32] = "";
    time_t since = (time_t)head->since;
    struct tm local;
    if (localtime_r(&since, &local)) strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local);
    return oph__format(
        dst, size, "process %" PRId64 " (%s) of user %" PRIu32 " on %s, which staged %s at %s",
        head->staged_by.pid, head->staged_by.program, head->uid, head->host, head->device, when);
}

/* Writing */

/* AcquireBusy of Acquire: plugins may still work when the camera has ended. */
static const char *busy_pv(const oph_signal *sig)
{
    char attr[128];
    oph_signal *busy;
    if (!oph__signal_is_start(sig) || !sig->dev->cls) return "";
    oph__format(attr, sizeof attr, "%s_busy", sig->row->attr);
    if (oph__device_signal(sig->dev, attr, &busy, NULL) || !oph__pv_is_up(busy->set)) return "";
    return busy->set->name;
}

static struct oph__record record_of(const struct oph__item *item)
{
    const oph_signal *sig = item->sig;
    const struct oph__row *row = sig->row;
    return (struct oph__record){
        .device = sig->dev->path,
        .attr = row->attr,
        .pv = sig->set->name,
        .readback = sig->read == sig->set ? "" : sig->read->name,
        .busy = busy_pv(sig),
        .server = item->info.host,
        .how = row->how,
        .type = row->type,
        .counter = row->counter,
        .moves = row->moves,
        .starts = oph__item_starts(item),
        .slow = row->slow,
        .text = item->value.text,
        .staged = oph__wire_value(&item->wire),
        .set = item->set,
        .read = item->read,
        .info = &item->info,
    };
}

static void add_item(const struct oph__item *item, struct oph__buf *buf)
{
    struct oph__record record = record_of(item);
    size_t count = item->later.count;
    record.later = calloc(count ? count : 1, sizeof *record.later);
    if (!record.later) {
        buf->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        record.later[record.later_count++] = oph__wire_value(item->later.at[i]);
    oph__journal_text_add(buf, &record);
    free(record.later);
}

static void write_text(const struct oph__plan *plan, const struct oph__journal_head *head,
                       bool only_left, struct oph__buf *buf)
{
    size_t count = 0;
    oph__journal_text_begin(buf, head);
    for (size_t i = 0; i < plan->items.count; i++) {
        const struct oph__item *item = plan->items.at[i];
        if (item->skipped || (only_left && item->fate != OPH__LEFT)) continue;
        add_item(item, buf);
        count++;
    }
    oph__journal_text_end(buf, count);
}

static void write_head(const struct oph__plan *plan, const struct oph__journal_folder *folder,
                       struct oph__journal_head *head)
{
    const struct oph__item *first = plan->items.at[0];
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    *head = (struct oph__journal_head){.uid = geteuid(), .since = now.tv_sec};
    oph__process_self(&head->staged_by);
    head->held_by = head->staged_by;
    const char *host = strchr(folder->mine, '@') + 1;
    oph__format(head->host, sizeof head->host, "%.*s", (int)strcspn(host, ","), host);
    oph__copy(head->device, sizeof head->device, plan->dev->path);
    oph__copy(head->prefix, sizeof head->prefix, plan->dev->prefix);
    oph__copy(head->server, sizeof head->server, first->info.host);
}

/* Beginning */

struct wish {
    const struct oph__plan *plan;
    const struct oph__journal *journal;
    struct oph__hosts asked;
    const char *moved_from, *moved_to; /* servers, where the IOC has another port now; or NULL */
};

/* An IOC that was started anew may have another port, and what somebody left there in its autosave:
 * then that is still to be put back. Who lives is on another IOC of the same names. */
static bool is_same_ioc(struct wish *wish, const struct oph__journal_found *found,
                        const char *theirs, const char *ours)
{
    if (oph__journal_same_server(&wish->asked, theirs, ours)) return true;
    if (found->lives || !oph__journal_same_host(&wish->asked, theirs, ours)) return false;
    wish->moved_from = theirs;
    wish->moved_to = ours;
    return true;
}

static bool shares_setting(struct wish *wish, const struct oph__journal_found *found)
{
    const struct oph__plan *plan = wish->plan;
    for (size_t i = 0; i < found->content.records.count; i++) {
        const struct oph__record *theirs = found->content.records.at[i];
        for (size_t j = 0; j < plan->items.count; j++) {
            const struct oph__item *ours = plan->items.at[j];
            if (oph__equal(theirs->pv, ours->sig->set->name) &&
                is_same_ioc(wish, found, theirs->server, ours->info.host))
                return true;
        }
    }
    return false;
}

/* Whether all its PVs begin with its prefix: a child, "det.cam", may have set some of its parent's.
 * What fills its room, but for a part of a character, may have been cut. */
static bool is_root(const struct oph__journal_head *head)
{
    return !strchr(head->device, '.') && strlen(head->device) < sizeof head->device - 4 &&
           strlen(head->prefix) < sizeof head->prefix - 4;
}

/* Most are of other prefixes, so that neither prefix nor PV can be the same. */
static bool may_be_in_the_way(const struct oph__journal_found *found, const void *user)
{
    const struct wish *wish = user;
    const struct oph__journal_head *theirs = &found->content.head, *ours = &wish->journal->head;
    return oph__equal(found->name, wish->journal->name) || !is_root(theirs) || !is_root(ours) ||
           oph__starts(theirs->prefix, ours->prefix) || oph__starts(ours->prefix, theirs->prefix);
}

static bool in_the_way(struct wish *wish, const struct oph__journal_found *found)
{
    const struct oph__journal_head *theirs = &found->content.head, *ours = &wish->journal->head;
    if (oph__equal(found->name, wish->journal->name)) return true; /* ours would take its place */
    if (found->rc) return false;
    if (oph__journal_overlaps(theirs->prefix, ours->prefix) &&
        oph__journal_same_server(&wish->asked, theirs->server, ours->server))
        return true;
    return shares_setting(wish, found);
}

static int look(struct oph__journal_found *found, void *user, oph_error *err)
{
    struct wish *wish = user;
    const struct oph__at at = {.device = wish->plan->dev->path};
    char who[512], moved[256] = "";
    if (!in_the_way(wish, found)) return 0;
    if (found->rc) {
        if (err) *err = found->why;
        return found->rc;
    }
    oph__journal_who(&found->content.head, who, sizeof who);
    if (found->lives)
        return oph__fail(err, OPH_EBUSY, at, "to stage", "that it is held by %s (%s)", who,
                         found->file);
    if (wish->moved_from)
        oph__format(moved, sizeof moved, ", with OPH_RECOVER_ANY_SERVER, as %s is %s now",
                    wish->moved_from, wish->moved_to);
    return oph__fail(err, OPH_ESTATE, at, "to stage",
                     "that settings are not put back (%zu), by %s: oph_recover does that%s (%s)",
                     found->content.records.count, who, moved, found->file);
}

/* Devices without a prefix, whose rows have whole names, have one PV each that is theirs alone. */
static int write_name(const struct oph__plan *plan, const struct oph__journal_folder *folder,
                      struct oph__journal *j, oph_error *err)
{
    const struct oph__item *first = plan->items.at[0];
    const char *prefix = *j->head.prefix ? j->head.prefix : first->sig->set->name;
    return oph__journal_name(folder, j->head.server, prefix, j->name, sizeof j->name, err);
}

static int begin(struct oph__plan *plan, const struct oph__journal_folder *folder,
                 struct oph__journal *j, oph_error *err)
{
    struct wish wish = {.plan = plan, .journal = j};
    struct oph__buf text = {0};
    write_head(plan, folder, &j->head);
    int rc = write_name(plan, folder, j, err);
    if (!rc) rc = oph__journal_each(folder, may_be_in_the_way, look, &wish, err);
    if (rc || plan->dry) return rc;
    plan->overtaken = oph__journal_folder_gone(folder) != plan->gone;
    /* Originals that may be wrong are not written down. */
    write_text(plan, &j->head, plan->overtaken, &text);
    rc = oph__journal_publish(folder, j->name, &text, plan->options.sync, &j->fd, err);
    oph__buf_free(&text);
    /* Nothing was put yet. */
    if (rc && j->fd >= 0) oph__journal_remove(folder, j->name, NULL);
    return rc;
}

static struct oph__journal *journal_new(oph_error *err)
{
    struct oph__journal *j = calloc(1, sizeof *j);
    if (!j) {
        oph__fail_memory(err, "a journal");
        return NULL;
    }
    j->fd = -1;
    j->owner = getpid();
    return j;
}

int oph__journal_begin(struct oph__plan *plan, oph_error *err)
{
    struct oph__journal_folder folder;
    if (!plan->items.count) return 0;
    struct oph__journal *j = journal_new(err);
    if (!j) return OPH_ENOMEM;
    oph_error why = OPH_ERROR_INIT;
    int rc = oph__journal_folder_enter(&folder, !plan->dry, &why);
    if (!rc) {
        rc = begin(plan, &folder, j, &why);
        oph__journal_folder_leave(&folder);
    } else if (rc == OPH_ENOTFOUND) { /* nobody has staged yet */
        rc = 0;
    }
    if (rc || plan->dry)
        oph__journal_close(j);
    else
        plan->journal = j;
    if (rc && err) *err = why;
    return rc;
}

/* Ending */

/* Unlocked by word, for a child that was forked meanwhile has the descriptor too; and not by such a
 * child. */
static void let_go(const struct oph__journal *j)
{
    if (j->fd < 0) return;
    if (j->owner == getpid()) flock(j->fd, LOCK_UN);
    close(j->fd);
}

void oph__journal_close(struct oph__journal *j)
{
    if (!j) return;
    let_go(j);
    free(j);
}

/* In the place of what it was. */
static int write_again(const struct oph__plan *plan, const struct oph__journal_folder *folder,
                       bool only_left, oph_error *err)
{
    struct oph__journal *j = plan->journal;
    struct oph__buf text = {0};
    int fd = -1;
    write_text(plan, &j->head, only_left, &text);
    int rc = oph__journal_publish(folder, j->name, &text, plan->options.sync, &fd, err);
    oph__buf_free(&text);
    if (fd < 0) return rc;
    let_go(j);
    j->fd = fd; /* the one that is there now, also where it may not be on the disk yet */
    return rc;
}

/* Nothing was staged until now, and nobody kept from staging: originals that may be what somebody
 * else had staged are none to go back to. */
static int begin_late(struct oph__plan *plan, oph_error *err)
{
    int rc = oph__journal_begin(plan, err);
    if (rc || !plan->overtaken) return rc;
    oph__journal_close(plan->journal);
    plan->journal = NULL;
    return oph__fail(err, OPH_EBUSY, (struct oph__at){.device = plan->dev->path},
                     "settings that nobody else had staged",
                     "that some were put back since this was staged: unstage and stage again");
}

/* Where somebody removed it, another client may have begun since. */
int oph__journal_renew(struct oph__plan *plan, oph_error *err)
{
    struct oph__journal_folder folder;
    struct oph__journal *j = plan->journal;
    struct wish wish = {.plan = plan, .journal = j};
    if (!j) return begin_late(plan, err);
    bool there = false;
    int rc = oph__journal_folder_enter(&folder, true, err);
    if (rc) return rc;
    rc = oph__journal_is_there(&folder, j->name, j->fd, &there, err);
    if (!rc && !there) rc = oph__journal_each(&folder, may_be_in_the_way, look, &wish, err);
    if (!rc) rc = write_again(plan, &folder, false, err);
    oph__journal_folder_leave(&folder);
    return rc;
}

static int settle(const struct oph__plan *plan, const struct oph__journal_folder *folder,
                  oph_error *err)
{
    struct oph__journal *j = plan->journal;
    size_t left = 0;
    bool there = false;
    for (size_t i = 0; i < plan->items.count; i++)
        left += ((const struct oph__item *)plan->items.at[i])->fate == OPH__LEFT;
    int rc = oph__journal_is_there(folder, j->name, j->fd, &there, err);
    if (rc) return rc;
    if (!there)
        return left ? oph__fail_text(err, OPH_EFILE,
                                     "%s/%s: wanted this journal, for %zu settings that are not "
                                     "put back, found that somebody removed it",
                                     folder->path, j->name, left)
                    : 0;
    if (!left) return oph__journal_remove(folder, j->name, err);
    atomic_store(&plan->dev->ctx->left, true);
    return write_again(plan, folder, true, err);
}

int oph__journal_settle(struct oph__plan *plan, oph_error *err)
{
    struct oph__journal_folder folder;
    if (!plan->journal) return 0;
    int rc = oph__journal_folder_enter(&folder, false, err);
    if (!rc) {
        rc = settle(plan, &folder, err);
        oph__journal_folder_leave(&folder);
    }
    if (rc) atomic_store(&plan->dev->ctx->left, true);
    return rc;
}

/* Taking over */

int oph__journal_claim(const struct oph__journal_folder *folder,
                       const struct oph__journal_found *found, struct oph__journal **ret,
                       oph_error *err)
{
    struct oph__journal *j = journal_new(err);
    struct oph__buf text = {0};
    const struct oph__vec *records = &found->content.records;
    if (!j) return OPH_ENOMEM;
    oph__copy(j->name, sizeof j->name, found->name);
    j->head = found->content.head;
    oph__process_self(&j->head.held_by);
    oph__journal_text_begin(&text, &j->head);
    for (size_t i = 0; i < records->count; i++)
        oph__journal_text_add(&text, records->at[i]);
    oph__journal_text_end(&text, records->count);
    int rc = oph__journal_publish(folder, j->name, &text, false, &j->fd, err);
    oph__buf_free(&text);
    if (rc)
        oph__journal_close(j);
    else
        *ret = j;
    return rc;
}
