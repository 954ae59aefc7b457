#include "ca/client.h"

#include "base/str.h"

#include <errlog.h>
#include <unistd.h>

/* libca speaks in three ways: exceptions, which have an argument; a print hook, which has none, so
 * that whose words they are is found by the thread's context; and the process's error log, where
 * they are anybody's. That log writes to the terminal unless it is told not to, which holds while a
 * link is open. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list */
static struct oph__words *first;

static pthread_mutex_t listening_lock = PTHREAD_MUTEX_INITIALIZER; /* no listener takes it */
static unsigned listening;
static pid_t with_errlog; /* the process whose error log has a thread, which a fork leaves behind */

static void take_errlog(void *unused, const char *text)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    for (const struct oph__words *w = first; w; w = w->next)
        oph__log(w->log, OPH_LOG_WARNING, "%s", text);
    pthread_mutex_unlock(&lock);
}

static void listen_to_errlog(void)
{
    pthread_mutex_lock(&listening_lock);
    if (!with_errlog) with_errlog = getpid();
    if (listening++ == 0) {
        errlogAddListener(take_errlog, NULL);
        eltc(0);
    }
    pthread_mutex_unlock(&listening_lock);
}

static void flush_errlog(void)
{
    pthread_mutex_lock(&listening_lock);
    if (with_errlog == getpid()) errlogFlush(); /* waits for that thread */
    pthread_mutex_unlock(&listening_lock);
}

void oph__ca_words_end(void)
{
    flush_errlog();
    pthread_mutex_lock(&listening_lock);
    if (--listening == 0) {
        eltc(1);
        errlogRemoveListeners(take_errlog, NULL);
    }
    pthread_mutex_unlock(&listening_lock);
}

static int print(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
static int print(const char *format, va_list args)
{
    struct ca_client_context *context = ca_current_context();
    char text[1024];

    oph__vcut(text, sizeof text, format, args);
    pthread_mutex_lock(&lock);
    for (const struct oph__words *w = first; w; w = w->next)
        if (w->context == context) oph__log(w->log, OPH_LOG_WARNING, "%s", text);
    pthread_mutex_unlock(&lock);
    return 0;
}

static void take_exception(struct exception_handler_args args)
{
    struct oph__words *words = args.usr;
    char pv[128] = "";

    if (args.chid) oph__format(pv, sizeof pv, "%s: ", ca_name(args.chid));
    pthread_mutex_lock(&lock);
    if (words->log)
        oph__log(words->log, OPH_LOG_WARNING, "%s%s%s%s", pv, ca_message(args.stat),
                 args.ctx && *args.ctx ? ": " : "", args.ctx ? args.ctx : "");
    pthread_mutex_unlock(&lock);
}

void oph__ca_warn(struct oph__words *words, const char *sentence)
{
    pthread_mutex_lock(&lock);
    if (words->log) oph__log(words->log, OPH_LOG_WARNING, "%s", sentence);
    pthread_mutex_unlock(&lock);
}

void oph__ca_words_begin(struct oph__words *words)
{
    pthread_mutex_lock(&lock);
    words->next = first;
    first = words;
    pthread_mutex_unlock(&lock);
    listen_to_errlog();
}

void oph__ca_words_hook(struct oph__words *words)
{
    pthread_mutex_lock(&lock);
    words->context = ca_current_context();
    pthread_mutex_unlock(&lock);
    ca_add_exception_event(take_exception, words);
    ca_replace_printf_handler(print);
}

void oph__ca_words_mute(struct oph__words *words)
{
    flush_errlog();
    pthread_mutex_lock(&lock);
    for (struct oph__words **link = &first; *link; link = &(*link)->next) {
        if (*link == words) {
            *link = words->next;
            break;
        }
    }
    words->log = NULL;
    pthread_mutex_unlock(&lock);
}
