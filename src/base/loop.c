#include "base/loop.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/thread.h"

#include <linux/futex.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct oph__loop {
    pthread_t thread;
    atomic_uint wake;  /* 1: the thread is to look again */
    atomic_bool woken; /* by oph__loop_wake */
    char name[16];

    struct oph__monitor m; /* protects what follows; changed when a timer has run */
    struct oph__job *first, **last;
    double jobs_due;          /* the time by which to run them; INFINITY: there are none */
    struct oph__timer **heap; /* from 1, the next due first */
    size_t count, room;
    struct oph__timer *running;
    bool asleep, ending;
    void (*on_wake)(void *arg);
    void *on_wake_arg;
};

/* The heap */

static void place(struct oph__loop *loop, struct oph__timer *timer, size_t at)
{
    loop->heap[at] = timer;
    timer->place = at;
}

/* Puts a timer where it belongs, from the free place `at`. */
static void sift(struct oph__loop *loop, struct oph__timer *timer, size_t at)
{
    struct oph__timer **heap = loop->heap;

    while (at > 1 && timer->when < heap[at / 2]->when) {
        place(loop, heap[at / 2], at);
        at /= 2;
    }
    for (size_t child; (child = 2 * at) <= loop->count; at = child) {
        if (child < loop->count && heap[child + 1]->when < heap[child]->when) child++;
        if (timer->when <= heap[child]->when) break;
        place(loop, heap[child], at);
    }
    place(loop, timer, at);
}

static void take_out(struct oph__loop *loop, struct oph__timer *timer)
{
    struct oph__timer *moved = loop->heap[loop->count--];

    if (moved != timer) sift(loop, moved, timer->place);
    timer->place = 0;
}

static bool heap_has_room(struct oph__loop *loop)
{
    if (loop->count + 1 < loop->room) return true;
    size_t room = loop->room ? 2 * loop->room : 16;
    struct oph__timer **heap = realloc(loop->heap, room * sizeof(struct oph__timer *));
    if (!heap) return false;
    loop->heap = heap;
    loop->room = room;
    return true;
}

/* The thread. Each of these is called with the lock held, and lets go of it for the callback. */

static void run_jobs(struct oph__loop *loop)
{
    struct oph__job *job = loop->first;

    loop->first = NULL;
    loop->last = &loop->first;
    loop->jobs_due = INFINITY;
    pthread_mutex_unlock(&loop->m.lock);
    while (job) {
        struct oph__job *next = job->next; /* run may free it */
        job->run(job);
        job = next;
    }
    pthread_mutex_lock(&loop->m.lock);
}

static void run_timer(struct oph__loop *loop)
{
    struct oph__timer *timer = loop->heap[1];

    take_out(loop, timer);
    loop->running = timer;
    pthread_mutex_unlock(&loop->m.lock);
    timer->run(timer);
    pthread_mutex_lock(&loop->m.lock);
    loop->running = NULL;
    pthread_cond_broadcast(&loop->m.changed);
}

static void run_on_wake(struct oph__loop *loop)
{
    void (*fn)(void *) = loop->on_wake;
    void *arg = loop->on_wake_arg;

    pthread_mutex_unlock(&loop->m.lock);
    if (fn) fn(arg);
    pthread_mutex_lock(&loop->m.lock);
}

/* A semaphore that counts to one. That of the C library waits by this clock since glibc 2.30 only.
 * Waking is for signal handlers, too. */
static void doze(atomic_uint *which, const struct timespec *until)
{
    if (!atomic_load(which))
        syscall(SYS_futex, which, FUTEX_WAIT_BITSET_PRIVATE, 0, until, NULL,
                FUTEX_BITSET_MATCH_ANY); /* CLOCK_MONOTONIC; who wakes too early looks again */
    atomic_store(which, 0);
}

static void wake(atomic_uint *which)
{
    if (!atomic_exchange(which, 1)) syscall(SYS_futex, which, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void sleep_till(struct oph__loop *loop, double when)
{
    struct timespec until = oph__timespec(when);

    loop->asleep = true;
    pthread_mutex_unlock(&loop->m.lock);
    doze(&loop->wake, &until);
    pthread_mutex_lock(&loop->m.lock);
    loop->asleep = false;
}

/* With no look at the clock for jobs that are due at once. */
static bool is_due(double when)
{
    return when <= 0 || when <= oph__now();
}

static void *run_loop(void *arg)
{
    struct oph__loop *loop = arg;

    pthread_setname_np(pthread_self(), loop->name);
    pthread_mutex_lock(&loop->m.lock);
    for (;;) {
        double due = loop->count ? loop->heap[1]->when : INFINITY;
        if (atomic_exchange(&loop->woken, false))
            run_on_wake(loop);
        else if (loop->count && !loop->ending && is_due(due))
            run_timer(loop);
        else if (loop->first && (loop->ending || is_due(loop->jobs_due)))
            run_jobs(loop);
        else if (loop->ending)
            break;
        else
            sleep_till(loop, loop->jobs_due < due ? loop->jobs_due : due);
    }
    pthread_mutex_unlock(&loop->m.lock);
    return NULL;
}

static void rouse(struct oph__loop *loop)
{
    if (loop->asleep) {
        loop->asleep = false; /* one post is enough */
        wake(&loop->wake);
    }
}

/* The calls */

int oph__loop_new(const char *name, struct oph__loop **ret, oph_error *err)
{
    struct oph__loop *loop = calloc(1, sizeof *loop);

    if (!loop) return oph__fail_memory(err, "a thread");
    for (size_t i = 0; i + 1 < sizeof loop->name && name[i]; i++)
        loop->name[i] = name[i];
    loop->last = &loop->first;
    loop->jobs_due = INFINITY;
    atomic_init(&loop->wake, 0);
    if (oph__monitor_init(&loop->m)) {
        free(loop);
        return oph__fail_text(err, OPH_ESYSTEM, "the system refused a lock for thread %s", name);
    }
    if (oph__thread_start(&loop->thread, run_loop, loop)) {
        oph__monitor_destroy(&loop->m);
        free(loop);
        return oph__fail_text(err, OPH_ESYSTEM, "the system refused to start thread %s", name);
    }
    *ret = loop;
    return 0;
}

void oph__loop_free(struct oph__loop *loop)
{
    if (!loop) return;
    pthread_mutex_lock(&loop->m.lock);
    loop->ending = true;
    rouse(loop);
    pthread_mutex_unlock(&loop->m.lock);
    pthread_join(loop->thread, NULL);

    while (loop->count)
        take_out(loop, loop->heap[1]);
    free(loop->heap);
    oph__monitor_destroy(&loop->m);
    free(loop);
}

bool oph__loop_is_self(const struct oph__loop *loop)
{
    return pthread_equal(loop->thread, pthread_self());
}

void oph__loop_post_by(struct oph__loop *loop, struct oph__job *job, double when)
{
    job->next = NULL;
    pthread_mutex_lock(&loop->m.lock);
    *loop->last = job;
    loop->last = &job->next;
    if (when < loop->jobs_due) {
        loop->jobs_due = when;
        rouse(loop);
    }
    pthread_mutex_unlock(&loop->m.lock);
}

void oph__loop_post(struct oph__loop *loop, struct oph__job *job)
{
    oph__loop_post_by(loop, job, 0);
}

struct drain {
    struct oph__job job;
    sem_t reached;
};

static void drain_reached(struct oph__job *job)
{
    sem_post(&((struct drain *)job)->reached);
}

void oph__loop_drain(struct oph__loop *loop)
{
    struct drain drain = {.job.run = drain_reached};

    if (oph__loop_is_self(loop)) return;
    sem_init(&drain.reached, 0, 0);
    oph__loop_post(loop, &drain.job);
    while (sem_wait(&drain.reached)) {
    }
    sem_destroy(&drain.reached);
}

bool oph__timer_start(struct oph__loop *loop, struct oph__timer *timer, double when)
{
    pthread_mutex_lock(&loop->m.lock);
    bool ok = timer->place || heap_has_room(loop);
    if (ok) {
        timer->when = when;
        sift(loop, timer, timer->place ? timer->place : ++loop->count);
        if (timer->place == 1) rouse(loop);
    }
    pthread_mutex_unlock(&loop->m.lock);
    return ok;
}

bool oph__timer_stop(struct oph__loop *loop, struct oph__timer *timer)
{
    bool was_due = false;

    pthread_mutex_lock(&loop->m.lock);
    for (;;) {
        if (timer->place) {
            take_out(loop, timer);
            was_due = true;
        }
        if (loop->running != timer || oph__loop_is_self(loop)) break;
        pthread_cond_wait(&loop->m.changed, &loop->m.lock); /* run may start it anew */
    }
    pthread_mutex_unlock(&loop->m.lock);
    return was_due;
}

void oph__loop_wake(struct oph__loop *loop)
{
    atomic_store(&loop->woken, true);
    wake(&loop->wake);
}

void oph__loop_on_wake(struct oph__loop *loop, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&loop->m.lock);
    loop->on_wake = fn;
    loop->on_wake_arg = arg;
    pthread_mutex_unlock(&loop->m.lock);
}
