/* Monotonic time, and locks and conditions that use it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

double oph__now(void); /* seconds, CLOCK_MONOTONIC */

/* The moment `timeout` seconds from now; `fallback` where timeout is OPH_DEFAULT; infinity for
 * OPH_FOREVER. */
double oph__deadline(double timeout, double fallback);

struct timespec oph__timespec(double when); /* infinity is capped at some years from now */

/* A lock with the condition that says its data changed. */
struct oph__monitor {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* CLOCK_MONOTONIC */
};
int oph__monitor_init(struct oph__monitor *m); /* 0 or OPH_ESYSTEM */
void oph__monitor_destroy(struct oph__monitor *m);

#endif
