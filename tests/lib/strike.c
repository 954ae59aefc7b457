#include "lib/strike.h"

#include "core/context.h"
#include "lib/await.h"
#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>

static struct {
    pthread_mutex_t lock; /* of all below */
    const char *pv;       /* NULL: no trap is set */
    int after, struck;
    void (*fn)(void *user);
    void *user;
    struct oph__link *link;
} trap = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct oph__link_ops ops;

static int trapped_open(struct oph__log *log, struct oph__link **ret, oph_error *err)
{
    int rc = oph__ca_ops()->open(log, ret, err);
    pthread_mutex_lock(&trap.lock);
    if (!rc) trap.link = *ret;
    pthread_mutex_unlock(&trap.lock);
    return rc;
}

static void *run(void *unused)
{
    (void)unused;
    trap.fn(trap.user);
    return NULL;
}

static void on_seen(void *user, const struct oph__event *event)
{
    (void)event;
    sem_post(user);
}

/* What was asked for before has been seen by the IOC: it has answered what came after that. */
static void catch_up(struct oph__link *link, struct oph__chan *chan)
{
    sem_t seen;
    sem_init(&seen, 0, 0);
    int rc = ops.get(chan, OPH_NONE, 1, on_seen, &seen, NULL);
    ops.flush(link, NULL);
    if (!rc) await(&seen, "an answer before the strike");
    sem_destroy(&seen);
}

static void strike(struct oph__link *link, struct oph__chan *chan)
{
    pthread_t thread;
    catch_up(link, chan);
    if (pthread_create(&thread, NULL, run, NULL)) testAbort("no thread");
    pthread_join(thread, NULL);
}

/* The link when the trap closes here, else NULL. */
static struct oph__link *springs(const char *name)
{
    struct oph__link *link = NULL;
    size_t length = strlen(name);
    pthread_mutex_lock(&trap.lock);
    if (trap.pv && length >= strlen(trap.pv) &&
        strcmp(name + length - strlen(trap.pv), trap.pv) == 0) {
        link = trap.link;
        trap.pv = NULL;
        trap.struck = 1;
    }
    pthread_mutex_unlock(&trap.lock);
    return link;
}

static int trapped_put(struct oph__chan *chan, int32_t dtype, uint32_t count, const void *data,
                       oph__put_fn *fn, void *user, oph_error *err)
{
    struct oph__link *link = springs(ops.chan_name(chan));
    if (link && !trap.after) strike(link, chan);
    int rc = oph__ca_ops()->put(chan, dtype, count, data, fn, user, err);
    if (link && trap.after) strike(link, chan);
    return rc;
}

oph_context *strike_context(const oph_context_options *options)
{
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx;
    if (oph_context_new(options, &ctx, &err)) testAbort("%s", err.text);
    ops = *oph__ca_ops();
    ops.open = trapped_open;
    ops.put = trapped_put;
    ctx->ops = &ops; /* nothing was opened yet */
    return ctx;
}

void strike_at(const char *pv, int after, void (*fn)(void *user), void *user)
{
    pthread_mutex_lock(&trap.lock);
    trap.pv = pv;
    trap.after = after;
    trap.struck = 0;
    trap.fn = fn;
    trap.user = user;
    pthread_mutex_unlock(&trap.lock);
}

int strike_done(void)
{
    pthread_mutex_lock(&trap.lock);
    int struck = trap.struck;
    trap.pv = NULL;
    pthread_mutex_unlock(&trap.lock);
    return struck;
}
