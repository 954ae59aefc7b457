/* A status around others. It has a reference to each part until it is done, so that it can be
 * cancelled; a part that runs has one to it, so that it may be dropped and still calls back. When
 * nobody else has it any more it lets its parts go, or they would keep each other alive for ever.
 */
#include "base/err.h"
#include "core/status_parts.h"
#include <stdlib.h>

struct parts {
    oph_status **at;
    size_t count;
};

static struct parts take_parts(oph_status *outer)
{
    pthread_mutex_lock(&outer->m.lock);
    struct parts parts = {outer->parts, outer->part_count};
    outer->parts = NULL;
    outer->part_count = 0;
    pthread_mutex_unlock(&outer->m.lock);
    return parts;
}

static void drop(struct parts parts)
{
    for (size_t i = 0; i < parts.count; i++)
        oph_status_unref(parts.at[i]);
    free(parts.at);
}

/* First out of the count: whoever then gives up the last other reference sees that it is that. */
void oph__status_release(oph_status *outer)
{
    atomic_fetch_sub(&outer->held, 1);
    oph_status_unref(outer);
}

static bool unlisten(oph_status *part, const oph_status *outer)
{
    pthread_mutex_lock(&part->m.lock);
    struct oph__callback **at = &part->callbacks;
    while (*at && (*at)->outer != outer)
        at = &(*at)->next;
    struct oph__callback *cb = *at;
    if (cb) *at = cb->next;
    pthread_mutex_unlock(&part->m.lock);
    free(cb);
    return cb != NULL;
}

static void unlisten_all(oph_status *outer, oph_status *const *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (unlisten(parts[i], outer)) oph__status_release(outer);
}

void oph__status_let_go(oph_status *outer)
{
    struct parts parts = take_parts(outer);
    unlisten_all(outer, parts.at, parts.count);
    drop(parts);
}

void oph__status_abandon(oph_status *outer)
{
    drop(take_parts(outer));
}

/* False when it is done: it has no use for them any more. */
static bool give_parts(oph_status *outer, struct parts parts)
{
    pthread_mutex_lock(&outer->m.lock);
    bool runs = !outer->done;
    if (runs) {
        outer->parts = parts.at;
        outer->part_count = parts.count;
    }
    pthread_mutex_unlock(&outer->m.lock);
    return runs;
}

/* One part may finish the outer status, which must not keep the others from being cancelled: so
 * they are out of its reach meanwhile. */
void oph__status_cancel_parts(oph_status *outer)
{
    struct parts parts = take_parts(outer);
    for (size_t i = 0; i < parts.count; i++)
        oph_status_cancel(parts.at[i], NULL);
    if (give_parts(outer, parts)) return;
    unlisten_all(outer, parts.at, parts.count);
    drop(parts);
}

/* The outer one may end at any moment: by its limit, or by a part before we have listened to all.
 */
int oph__status_around(oph_status *outer, oph_status *const *parts, size_t count, bool follow,
                       oph_status_fn *fn, void *user, oph_error *err)
{
    oph__status_let_go(outer); /* of those of an earlier call, which are done */
    struct parts held = {.at = calloc(count, sizeof(oph_status *))};
    if (!held.at) return oph__fail_memory(err, "a status");
    for (; held.count < count; held.count++)
        held.at[held.count] = oph_status_ref(parts[held.count]);
    if (!give_parts(outer, held)) {
        drop(held);
        return 0;
    }
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        oph_status_ref(outer);
        atomic_fetch_add(&outer->held, 1);
        const struct oph__callback cb = {.fn = fn, .user = user, .outer = outer, .follow = follow};
        rc = oph__status_add_callback(parts[i], cb, err);
        if (rc) oph__status_release(outer);
    }
    if (rc || oph_status_done(outer)) unlisten_all(outer, parts, count);
    if (rc) oph__status_let_go(outer);
    return rc;
}
