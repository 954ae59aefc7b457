#include "sim/trigger.h"

#include <math.h>
#include <time.h>

#include "sim/clock.h"

void sim_trigger_init(struct sim_trigger *t)
{
    pthread_condattr_t attributes;
    *t = (struct sim_trigger){.stopped = false};
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&t->changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

void sim_trigger_pulse(struct sim_trigger *t)
{
    pthread_mutex_lock(&t->lock);
    if (t->count == SIM_PULSES) {
        t->first = (t->first + 1) % SIM_PULSES;
        t->count--;
    }
    t->pulse[(t->first + t->count++) % SIM_PULSES] = sim_now();
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

void sim_trigger_gate(struct sim_trigger *t, bool high)
{
    pthread_mutex_lock(&t->lock);
    if (high && !t->high) t->gates_begun++;
    if (!high && t->high) t->gates_ended++;
    t->high = high;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

void sim_trigger_stop(struct sim_trigger *t)
{
    pthread_mutex_lock(&t->lock);
    t->stopped = true;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

void sim_trigger_clear_stop(struct sim_trigger *t)
{
    pthread_mutex_lock(&t->lock);
    t->stopped = false;
    pthread_mutex_unlock(&t->lock);
}

void sim_trigger_arm(struct sim_trigger *t)
{
    pthread_mutex_lock(&t->lock);
    t->count = 0;
    t->gates_begun = t->high;
    t->gates_ended = 0;
    pthread_mutex_unlock(&t->lock);
}

/* With the lock held: until something changes. False when then has passed. */
static bool wait_change(struct sim_trigger *t, double then)
{
    struct timespec until = {.tv_sec = (time_t)then};
    until.tv_nsec = (long)((then - floor(then)) * 1e9);
    return pthread_cond_timedwait(&t->changed, &t->lock, &until) == 0;
}

/* With the lock held. */
static bool take_pulse(struct sim_trigger *t, double ready, double *ret_when)
{
    while (t->count > 0) {
        *ret_when = t->pulse[t->first];
        t->first = (t->first + 1) % SIM_PULSES;
        t->count--;
        if (*ret_when >= ready) return true;
    }
    return false;
}

enum sim_woken sim_trigger_sleep(struct sim_trigger *t, double then)
{
    pthread_mutex_lock(&t->lock);
    while (!t->stopped && wait_change(t, then))
        continue;
    enum sim_woken woken = t->stopped ? SIM_STOPPED : SIM_TIMEOUT;
    pthread_mutex_unlock(&t->lock);
    return woken;
}

enum sim_woken sim_trigger_wait_pulse(struct sim_trigger *t, double ready, double then,
                                      double *ret_when)
{
    pthread_mutex_lock(&t->lock);
    bool taken = false;
    while (!t->stopped && !(taken = take_pulse(t, ready, ret_when)) && wait_change(t, then))
        continue;
    enum sim_woken woken = t->stopped ? SIM_STOPPED : taken ? SIM_HAPPENED : SIM_TIMEOUT;
    pthread_mutex_unlock(&t->lock);
    return woken;
}

enum sim_woken sim_trigger_wait_gate(struct sim_trigger *t, int count, bool ended, double then)
{
    const int *found = ended ? &t->gates_ended : &t->gates_begun;
    pthread_mutex_lock(&t->lock);
    while (!t->stopped && *found <= count && wait_change(t, then))
        continue;
    enum sim_woken woken = t->stopped ? SIM_STOPPED : *found > count ? SIM_HAPPENED : SIM_TIMEOUT;
    pthread_mutex_unlock(&t->lock);
    return woken;
}
