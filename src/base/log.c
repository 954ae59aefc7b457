#include "base/log.h"

#include "base/str.h"

#include <string.h>

int oph__log_init(struct oph__log *log)
{
    *log = (struct oph__log){0};
    return pthread_mutex_init(&log->lock, NULL) ? OPH_ESYSTEM : 0;
}

void oph__log_destroy(struct oph__log *log)
{
    pthread_mutex_destroy(&log->lock);
}

void oph__log_set(struct oph__log *log, oph_log_fn *fn, void *user)
{
    pthread_mutex_lock(&log->lock);
    log->fn = fn;
    log->user = user;
    atomic_store(&log->on, fn != NULL);
    pthread_mutex_unlock(&log->lock);
}

void oph__log(struct oph__log *log, int32_t level, const char *format, ...)
{
    char text[1024];
    va_list args;

    if (!atomic_load_explicit(&log->on, memory_order_relaxed)) return;
    va_start(args, format);
    oph__vcut(text, sizeof text, format, args);
    va_end(args);

    pthread_mutex_lock(&log->lock);
    for (char *line = text, *next; line && log->fn; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        if (*line) log->fn(log->user, level, oph__clean(line));
    }
    pthread_mutex_unlock(&log->lock);
}
