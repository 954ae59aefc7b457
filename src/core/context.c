#include "core/context.h"
#include "base/err.h"
#include "base/thread.h"
#include "core/queue.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void use_defaults(oph_context_options *o)
{
    if (o->connect_timeout <= 0) o->connect_timeout = 5.0;
    if (o->get_timeout <= 0) o->get_timeout = 3.0;
    if (o->put_timeout <= 0) o->put_timeout = 10.0;
    if (o->grace <= 0) o->grace = 1.0;
    if (o->stop_timeout <= 0) o->stop_timeout = 15.0;
}

static int check_options(const oph_context_options *o, oph_error *err)
{
    if (o->size < sizeof o->size)
        return oph__fail_text(err, OPH_EINVAL,
                              "oph_context_new: wanted the size of oph_context_options, found %u",
                              (unsigned)o->size);
    const double times[] = {o->connect_timeout, o->get_timeout, o->put_timeout, o->grace,
                            o->stop_timeout};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (!(times[i] >= 0))
            return oph__fail_text(
                err, OPH_EINVAL,
                "oph_context_new: wanted timeouts of zero or more seconds, found %g", times[i]);
    }
    return 0;
}

static bool behaviour_known(void *user, const char *kind, const char *name)
{
    const struct oph__behaviours *b = user;
    return !strcmp(kind, "trigger") ? oph__trigger_named(b, name) != NULL
                                    : oph__hook_named(b, name) != NULL;
}

static void interrupt_on_engine(void *arg)
{
    oph_context *ctx = arg;
    oph__waits_interrupt(&ctx->waits);
}

static void destroy(oph_context *ctx)
{
    /* The link first: after it nothing posts to the loops. */
    if (ctx->link) ctx->ops->close(ctx->link);
    if (ctx->engine) oph__loop_free(ctx->engine);
    if (ctx->dispatch) oph__loop_free(ctx->dispatch);
    oph__queue_unref(ctx->events);
    oph__classes_free(ctx->classes);
    oph__waits_destroy(&ctx->waits);
    oph__puts_destroy(&ctx->puts);
    oph__log_destroy(&ctx->log);
    oph__alive_end(&ctx->alive);
    for (int i = 0; i < OPH__PV_LOCKS; i++)
        pthread_mutex_destroy(&ctx->pv_locks[i]);
    pthread_cond_destroy(&ctx->changed);
    pthread_mutex_destroy(&ctx->lock);
    free(ctx);
}

static int fill(oph_context *ctx, oph_error *err)
{
    int rc = oph__loop_new("oph-engine", &ctx->engine, err);
    if (!rc) rc = oph__loop_new("oph-dispatch", &ctx->dispatch, err);
    if (!rc) rc = oph__queue_make(ctx, ctx->dispatch, &ctx->events, err);
    if (!rc) {
        void *behaviours = (void *)(uintptr_t)ctx->behaviours;
        rc = oph__classes_new(behaviour_known, behaviours, &ctx->classes, err);
    }
    if (!rc) oph__loop_on_wake(ctx->engine, interrupt_on_engine, ctx);
    return rc;
}

int oph__context_make(const oph_context_options *options, const struct oph__link_ops *ops,
                      const struct oph__behaviours *behaviours, oph_context **ret, oph_error *err)
{
    oph_context *ctx = calloc(1, sizeof *ctx);
    if (!ctx) return oph__fail_memory(err, "a context");
    ctx->options.size = sizeof ctx->options;
    if (options) {
        size_t n = options->size < sizeof ctx->options ? options->size : sizeof ctx->options;
        ctx->options.size = options->size;
        memcpy(&ctx->options, options, n);
    }
    int rc = check_options(&ctx->options, err);
    if (rc) {
        free(ctx);
        return rc;
    }
    use_defaults(&ctx->options);
    ctx->ops = ops;
    ctx->behaviours = behaviours;
    ctx->owner = getpid();
    atomic_init(&ctx->refs, 1);
    if (pthread_mutex_init(&ctx->lock, NULL) || pthread_cond_init(&ctx->changed, NULL) ||
        oph__log_init(&ctx->log) || oph__puts_init(&ctx->puts) || oph__waits_init(&ctx->waits)) {
        free(ctx);
        return oph__fail_text(err, OPH_ESYSTEM, "oph_context_new: the system refused a lock");
    }
    for (int i = 0; i < OPH__PV_LOCKS; i++)
        pthread_mutex_init(&ctx->pv_locks[i], NULL);
    rc = oph__alive_init(&ctx->alive, err);
    if (!rc) rc = fill(ctx, err);
    if (rc) {
        destroy(ctx);
        return rc;
    }
    *ret = ctx;
    return 0;
}

oph_context *oph__context_ref(oph_context *ctx)
{
    atomic_fetch_add(&ctx->refs, 1);
    return ctx;
}

/* The last reference may go in one of the context's own threads, which cannot join itself. */
static void *destroy_elsewhere(void *arg)
{
    destroy(arg);
    return NULL;
}

/* In a forked child its threads are the parent's: leak rather than hang. */
void oph_context_free(oph_context *ctx)
{
    if (!ctx || atomic_fetch_sub(&ctx->refs, 1) != 1 || oph__context_check(ctx, NULL)) return;
    if (!oph__loop_is_self(ctx->engine) && !oph__loop_is_self(ctx->dispatch)) {
        destroy(ctx);
        return;
    }
    pthread_t thread;
    if (!oph__thread_start(&thread, destroy_elsewhere, ctx)) pthread_detach(thread);
}

void oph_interrupt(oph_context *ctx)
{
    int before = errno; /* a signal handler's caller looks at it */
    oph__loop_wake(ctx->engine);
    errno = before;
}

void oph_context_log(oph_context *ctx, oph_log_fn *fn, void *user)
{
    if (oph__context_check(ctx, NULL)) return;
    oph__log_set(&ctx->log, fn, user);
}

void oph_context_on_put(oph_context *ctx, oph_put_fn *fn, void *user)
{
    if (oph__context_check(ctx, NULL)) return;
    oph__puts_set(&ctx->puts, fn, user);
}

void oph_context_on_wait(oph_context *ctx, oph_wait_fn *fn, void *user)
{
    if (oph__context_check(ctx, NULL)) return;
    oph__waits_ask(&ctx->waits, fn, user);
}

int oph__context_link(oph_context *ctx, struct oph__link **ret, oph_error *err)
{
    int rc = 0;
    pthread_mutex_lock(&ctx->lock);
    if (!ctx->link) rc = ctx->ops->open(&ctx->log, &ctx->link, err);
    if (!rc) *ret = ctx->link;
    pthread_mutex_unlock(&ctx->lock);
    return rc;
}

pthread_mutex_t *oph__context_pv_lock(oph_context *ctx)
{
    return &ctx->pv_locks[atomic_fetch_add(&ctx->pvs, 1) % OPH__PV_LOCKS];
}

int oph__context_flush(oph_context *ctx, oph_error *err)
{
    pthread_mutex_lock(&ctx->lock);
    struct oph__link *link = ctx->link;
    pthread_mutex_unlock(&ctx->lock);
    return link ? ctx->ops->flush(link, err) : 0;
}

int oph__context_check(const oph_context *ctx, oph_error *err)
{
    if (oph__is_alive(&ctx->alive)) return 0;
    return oph__fail_text(err, OPH_EFORK,
                          "this context belongs to process %ld: wanted a context made after the "
                          "fork, found process %ld",
                          (long)ctx->owner, (long)getpid());
}

int oph__context_may_block(oph_context *ctx, oph_error *err)
{
    int rc = oph__context_check(ctx, err);
    if (rc || !oph__loop_is_self(ctx->engine)) return rc;
    return oph__fail_text(err, OPH_EDEADLK,
                          "a call that blocks was made on the library's own thread");
}
