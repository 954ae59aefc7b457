/* A thread that runs jobs in the order in which they were posted, and timers when they are due.
 *
 * A context has two: one for the library's own deadlines and one, the dispatcher, for the user's
 * callbacks. No lock is held while a job or a timer runs. Jobs and timers are part of the structs
 * that use them, so posting cannot fail for want of memory. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <cophyd/error.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct oph__loop;

struct oph__job {
    void (*run)(struct oph__job *job);
    struct oph__job *next; /* the loop's */
};

struct oph__timer {
    void (*run)(struct oph__timer *timer);
    double when;  /* the loop's, as all below */
    size_t place; /* in the heap, from 1; 0: not started */
};

/* The struct of which the job or the timer `part` is that member. */
#define OPH__AROUND(type, member, part) ((type *)((char *)(part)-offsetof(type, member)))

/* `name` shows in ps -T. */
int oph__loop_new(const char *name, struct oph__loop **ret, oph_error *err);
/* Runs what was posted, drops timers, joins. Not from the loop's own thread. */
void oph__loop_free(struct oph__loop *loop);
bool oph__loop_is_self(const struct oph__loop *loop);

/* The job must stay alive until it has run; it may be freed or posted again from within run(). */
void oph__loop_post(struct oph__loop *loop, struct oph__job *job);
/* The same, but the thread need not wake up for it before `when`: the job runs then, or before the
 * next one. */
void oph__loop_post_by(struct oph__loop *loop, struct oph__job *job, double when);
/* Waits until every job posted so far has run; at once on the loop's own thread. */
void oph__loop_drain(struct oph__loop *loop);

/* Starts, or moves, a timer. Returns false only when memory is short. */
bool oph__timer_start(struct oph__loop *loop, struct oph__timer *timer, double when);
/* After it the timer is not running and will not run; on the loop's own thread a run() that is
 * under way is not waited for. True when it was still to run. */
bool oph__timer_stop(struct oph__loop *loop, struct oph__timer *timer);

/* Wakes the loop from a signal handler: it then calls what oph__loop_on_wake set. */
void oph__loop_wake(struct oph__loop *loop);
void oph__loop_on_wake(struct oph__loop *loop, void (*fn)(void *arg), void *arg);

#endif
