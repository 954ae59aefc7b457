/* The context's one log callback. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <cophyd/context.h>
#include <pthread.h>
#include <stdatomic.h>

struct oph__log {
    pthread_mutex_t lock;
    oph_log_fn *fn;
    void *user;
    atomic_int on;
};
int oph__log_init(struct oph__log *log); /* 0 or OPH_ESYSTEM */
void oph__log_destroy(struct oph__log *log);
void oph__log_set(struct oph__log *log, oph_log_fn *fn, void *user);
/* Costs one load when the log is off. A text of several lines is several calls, without newlines.
 */
void oph__log(struct oph__log *log, int32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
