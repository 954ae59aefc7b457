/* Threads that take steps of whatever work was posted first. Who waits for work takes steps, too,
 * so that a pool without threads, or in a forked child, which has none, is as correct and only
 * slower.
 */
#include "h5/pool.h"

#include "base/err.h"
#include "base/thread.h"

#ifdef OPH_HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#include <sched.h>
#include <stdlib.h>

unsigned char *oph__room(struct oph__room *room, size_t size)
{
    if (room->size < size) {
        free(room->at);
        room->at = malloc(size);
        room->size = room->at ? size : 0;
    }
    return room->at;
}

static void empty_lane(struct oph__lane *lane)
{
    free(lane->stored.at);
    free(lane->middle.at);
    free(lane->block.at);
    free(lane->plain.at);
#ifdef OPH_HAVE_LIBDEFLATE
    if (lane->inflater) libdeflate_free_decompressor(lane->inflater);
#endif
}

/* As many as this process may use. */
static int cores(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return count < 1 ? 1 : count > OPH__POOL_MOST ? OPH__POOL_MOST : count;
}

int oph__pool_init(struct oph__pool *pool, oph_error *err)
{
    if (oph__monitor_init(&pool->m))
        return oph__fail_text(err, OPH_ESYSTEM, "frames: the system has no lock left");
    int rc = oph__alive_init(&pool->alive, err);
    if (rc) oph__monitor_destroy(&pool->m);
    pool->most = cores();
    return rc;
}

void oph__pool_limit(struct oph__pool *pool, int most)
{
    pthread_mutex_lock(&pool->m.lock);
    pool->most = most > 0 ? most : cores();
    pthread_cond_broadcast(&pool->m.changed);
    pthread_mutex_unlock(&pool->m.lock);
}

int oph__pool_most(struct oph__pool *pool)
{
    pthread_mutex_lock(&pool->m.lock);
    int most = pool->most;
    pthread_mutex_unlock(&pool->m.lock);
    return most;
}

/* With the lock held, which is free while the step runs. */
static void take_step(struct oph__pool *pool, struct oph__work *work)
{
    struct oph__lane *lane = pool->lanes, spare = {0};
    bool more;

    if (lane) pool->lanes = lane->next;
    work->busy++;
    pthread_mutex_unlock(&pool->m.lock);
    if (!lane) lane = calloc(1, sizeof *lane);
    more = work->step(work, lane ? lane : &spare);
    pthread_mutex_lock(&pool->m.lock);
    if (lane) {
        lane->next = pool->lanes;
        pool->lanes = lane;
    } else {
        empty_lane(&spare);
    }
    if (!more && !work->begun) {
        struct oph__work **at = &pool->first;
        work->begun = true;
        while (*at && *at != work)
            at = &(*at)->next;
        if (*at) *at = work->next;
    }
    if (--work->busy == 0 && work->begun) pthread_cond_broadcast(&pool->m.changed);
}

static void *run_thread(void *arg)
{
    struct oph__pool *pool = arg;

    pthread_mutex_lock(&pool->m.lock);
    while (!pool->ends)
        if (pool->first && pool->active < pool->most - 1) {
            pool->active++;
            take_step(pool, pool->first);
            pool->active--;
        } else {
            pthread_cond_wait(&pool->m.changed, &pool->m.lock);
        }
    pthread_mutex_unlock(&pool->m.lock);
    return NULL;
}

/* With the lock held. Where the system has no thread left, those that there are do all. */
static void start_threads(struct oph__pool *pool)
{
    while (pool->count < pool->most - 1 &&
           oph__thread_start(&pool->threads[pool->count], run_thread, pool) == 0)
        pthread_setname_np(pool->threads[pool->count++], "oph-frames");
}

void oph__pool_end(struct oph__pool *pool)
{
    pthread_mutex_lock(&pool->m.lock);
    pool->ends = true;
    pthread_cond_broadcast(&pool->m.changed);
    pthread_mutex_unlock(&pool->m.lock);
    for (int i = 0; i < pool->count; i++)
        pthread_join(pool->threads[i], NULL);
    for (struct oph__lane *lane = pool->lanes, *next; lane; lane = next) {
        next = lane->next;
        empty_lane(lane);
        free(lane);
    }
    oph__alive_end(&pool->alive);
    oph__monitor_destroy(&pool->m);
}

void oph__pool_post(struct oph__pool *pool, struct oph__work *work)
{
    struct oph__work **at = &pool->first;

    pthread_mutex_lock(&pool->m.lock);
    work->next = NULL;
    work->busy = 0;
    work->begun = false;
    while (*at)
        at = &(*at)->next;
    *at = work;
    start_threads(pool);
    pthread_cond_broadcast(&pool->m.changed);
    pthread_mutex_unlock(&pool->m.lock);
}

void oph__pool_finish(struct oph__pool *pool, struct oph__work *work)
{
    pthread_mutex_lock(&pool->m.lock);
    while (!work->begun || work->busy > 0)
        if (!work->begun)
            take_step(pool, work);
        else if (pool->first && pool->count > 0)
            take_step(pool, pool->first); /* rather than to wait for another thread */
        else
            pthread_cond_wait(&pool->m.changed, &pool->m.lock);
    pthread_mutex_unlock(&pool->m.lock);
}

void oph__pool_alone(struct oph__pool *pool, struct oph__work *work)
{
    pthread_mutex_lock(&pool->m.lock);
    work->busy = 0;
    work->begun = false;
    while (!work->begun)
        take_step(pool, work);
    pthread_mutex_unlock(&pool->m.lock);
}
