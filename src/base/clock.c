#include "base/clock.h"

#include <cophyd/error.h>

double oph__now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double oph__deadline(double timeout, double fallback)
{
    return oph__now() + (isnan(timeout) ? fallback : timeout);
}

struct timespec oph__timespec(double when)
{
    const double longest = 2e9; /* fits a 32-bit time_t */

    if (!(when > 0)) return (struct timespec){0};
    if (when > longest) when = longest;
    time_t seconds = (time_t)when;
    return (struct timespec){seconds, (long)(1e9 * (when - (double)seconds))};
}

int oph__monitor_init(struct oph__monitor *m)
{
    pthread_condattr_t attr;

    if (pthread_mutex_init(&m->lock, NULL)) return OPH_ESYSTEM;
    if (!pthread_condattr_init(&attr)) {
        int failed = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) ||
                     pthread_cond_init(&m->changed, &attr);
        pthread_condattr_destroy(&attr);
        if (!failed) return 0;
    }
    pthread_mutex_destroy(&m->lock);
    return OPH_ESYSTEM;
}

void oph__monitor_destroy(struct oph__monitor *m)
{
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->lock);
}
