#include "ca/client.h"

#include <semaphore.h>

struct errand {
    struct oph__job job;
    void (*fn)(void *arg);
    void *arg;
    sem_t done;
};

static void run_errand(struct oph__job *job)
{
    struct errand *errand = (struct errand *)job;

    errand->fn(errand->arg);
    sem_post(&errand->done);
}

void oph__ca_run_on_own(struct oph__link *link, void (*fn)(void *arg), void *arg)
{
    struct errand errand = {.job.run = run_errand, .fn = fn, .arg = arg};

    sem_init(&errand.done, 0, 0);
    oph__loop_post(link->own, &errand.job);
    while (sem_wait(&errand.done)) {
    }
    sem_destroy(&errand.done);
}

void oph__ca_run(struct oph__link *link, void (*fn)(void *arg), void *arg)
{
    struct ca_client_context *before = ca_current_context();

    if (before == link->context) {
        fn(arg);
    } else if (before && !ca_preemtive_callback_is_enabled()) {
        /* libca would not let the thread back into a context without preemptive callbacks. */
        oph__ca_run_on_own(link, fn, arg);
    } else {
        if (before) ca_detach_context();
        ca_attach_context(link->context);
        fn(arg);
        ca_detach_context();
        if (before) ca_attach_context(before);
    }
}
