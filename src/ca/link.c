#include "ca/client.h"

#include "base/err.h"
#include "base/thread.h"

#include <stdlib.h>

enum { CLOSE_SECONDS = 2 };

/* Whose callback the thread is in. */
static _Thread_local const struct oph__link *inside;

bool oph__ca_in_child(const struct oph__link *link)
{
    return !oph__is_alive(&link->alive);
}

bool oph__ca_inside(const struct oph__link *link)
{
    return inside == link || oph__loop_is_self(link->own);
}

const struct oph__link *oph__ca_enter(const struct oph__link *link)
{
    const struct oph__link *before = inside;

    inside = link;
    return before;
}

void oph__ca_leave(const struct oph__link *before)
{
    inside = before;
}

int oph__ca_may_call(struct oph__link *link, const char *pv, oph_error *err)
{
    struct oph__at at = {.pv = pv};

    if (oph__ca_in_child(link))
        return oph__fail(err, OPH_EFORK, at, "the process that opened the channel",
                         "a child that it forked");
    if (oph__ca_inside(link))
        return oph__fail(err, OPH_EDEADLK, at, "a call from outside Channel Access callbacks",
                         "one from inside");
    return 0;
}

static void begin(void *arg)
{
    struct oph__link *link = arg;

    oph__ca_words_begin(&link->words);
    if (ca_context_create(ca_enable_preemptive_callback) == ECA_NORMAL) {
        link->context = ca_current_context();
        oph__ca_exit_begin();
        oph__ca_words_hook(&link->words);
    } else {
        oph__ca_words_mute(&link->words);
        oph__ca_words_end();
    }
}

static int make_context(struct oph__link *link, oph_error *err)
{
    oph__ca_run_on_own(link, begin, link);
    return link->context ? 0 : oph__fail_text(err, OPH_ECA, "libca could not make a context");
}

static void free_link(struct oph__link *link)
{
    oph__loop_free(link->own);
    oph__alive_end(&link->alive);
    oph__ca_chans_forget(link);
    while (link->hosts) {
        struct oph__host *host = link->hosts;
        link->hosts = host->next;
        free(host);
    }
    oph__monitor_destroy(&link->m);
    free(link);
}

static int open_link(struct oph__log *log, struct oph__link **ret, oph_error *err)
{
    int code = oph__ca_check_environment(err);
    if (code) return code;
    struct oph__link *link = calloc(1, sizeof *link);
    if (!link) return oph__fail_memory(err, "a Channel Access link");
    if (oph__monitor_init(&link->m)) {
        free(link);
        return oph__fail_text(err, OPH_ESYSTEM, "the system refused a lock");
    }
    link->words.log = log;
    link->new_end = &link->new_ones;
    oph__ca_flush_init(link);
    oph__ca_ask_init(link);
    code = oph__alive_init(&link->alive, err);
    if (!code) code = oph__loop_new("oph-ca", &link->own, err);
    if (!code) code = make_context(link, err);
    if (code)
        free_link(link);
    else
        *ret = link;
    return code;
}

static void *bury(void *link)
{
    free_link(link);
    return NULL;
}

/* Takes 30 s where a server does not read. Nobody waits for that; the thread cannot join itself. */
static void end_context(struct oph__job *job)
{
    struct oph__link *link = OPH__AROUND(struct oph__link, ending, job);
    pthread_t thread;

    oph__ca_flush_end(link); /* they need the context */
    oph__ca_ask_end(link);
    oph__ca_hosts_leave(link);
    ca_context_destroy();
    oph__ca_words_end();
    pthread_mutex_lock(&link->m.lock);
    link->ended = true;
    bool left_alone = link->left_alone;
    pthread_cond_broadcast(&link->m.changed);
    pthread_mutex_unlock(&link->m.lock);
    if (left_alone && !oph__thread_start(&thread, bury, link)) pthread_detach(thread);
}

static void close_link(struct oph__link *link)
{
    if (oph__ca_in_child(link))
        return; /* its threads are the parent's, and ca_context_destroy would wait for them */
    oph__ca_chans_end(link);
    oph__loop_drain(link->own); /* which ends those that callbacks freed */

    double deadline = oph__now() + CLOSE_SECONDS;
    struct timespec until = oph__timespec(deadline);
    link->ending.run = end_context;
    oph__loop_post(link->own, &link->ending);
    pthread_mutex_lock(&link->m.lock);
    while (!link->ended && oph__now() < deadline)
        pthread_cond_timedwait(&link->m.changed, &link->m.lock, &until);
    pthread_mutex_unlock(&link->m.lock);
    oph__ca_words_mute(&link->words); /* the log is the caller's, and may go now */
    pthread_mutex_lock(&link->m.lock);
    bool ended = link->ended;
    link->left_alone = !ended;
    pthread_mutex_unlock(&link->m.lock);
    if (ended) free_link(link);
}

const struct oph__link_ops *oph__ca_ops(void)
{
    static const struct oph__link_ops ops = {
        .open = open_link,
        .close = close_link,
        .chan_new = oph__ca_chan_new,
        .chan_free = oph__ca_chan_free,
        .chan_name = oph__ca_chan_name,
        .chan_info = oph__ca_chan_info,
        .chan_type = oph__ca_chan_type,
        .describe = oph__ca_follow,
        .get = oph__ca_get,
        .put = oph__ca_put,
        .put_abandon = oph__ca_put_abandon,
        .subscribe = oph__ca_subscribe,
        .unsubscribe = oph__ca_unsubscribe,
        .flush = oph__ca_flush,
    };
    return &ops;
}
