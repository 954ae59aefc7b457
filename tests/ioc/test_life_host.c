/* Threads that use libca for themselves call the library, and go on with libca. */
#include "core/context.h"
#include "lib/detector.h"

#include <cadef.h>
#include <epicsUnitTest.h>
#include <stdatomic.h>
#include <stdbool.h>

static struct detector d;

/* The host's own use of libca: a channel, a subscription. */
struct host {
    const struct kind *kind;
    oph_context *given; /* the library's context, made by another thread; NULL: one of its own */
    struct ca_client_context *context, *lent;
    chid channel;
    evid monitor;
    atomic_int updates;
};

static const struct kind {
    const char *what;
    bool uses_libca, preemptive;
    int (*begin)(void);
} kinds[] = {
    {"that uses no libca", false, false, NULL},
    {"with a preemptive context", true, true, NULL},
    {"with a context that is not preemptive", true, false, NULL},
    {"that called ca_task_initialize", true, false, ca_task_initialize},
    {"that is attached to another's context", true, true, NULL},
    {"that is the library's own, in a callback", false, false, NULL},
};
enum { KINDS = sizeof kinds / sizeof kinds[0], ATTACHED = KINDS - 2, DISPATCHER = KINDS - 1 };

static void on_update(struct event_handler_args args)
{
    struct host *host = args.usr;
    if (args.status == ECA_NORMAL) atomic_fetch_add(&host->updates, 1);
}

static void need(int status, const char *what)
{
    if (status != ECA_NORMAL) testAbort("%s: %s", what, ca_message(status));
}

static void host_begin(struct host *host)
{
    const struct kind *kind = host->kind;
    if (!kind->uses_libca) return;
    if (host->lent)
        need(ca_attach_context(host->lent), "attach");
    else if (kind->begin)
        need(kind->begin(), "begin");
    else
        need(ca_context_create(kind->preemptive ? ca_enable_preemptive_callback
                                                : ca_disable_preemptive_callback),
             "create");
    host->context = ca_current_context();
    need(ca_create_channel("Pilatus:cam1:NumExposures", NULL, NULL, 0, &host->channel), "channel");
    need(ca_pend_io(20), "connect");
    need(ca_create_subscription(DBR_LONG, 1, host->channel, DBE_VALUE, on_update, host,
                                &host->monitor),
         "subscribe");
    need(ca_flush_io(), "flush");
}

/* A put of something new, a get, and the update of the subscription: all in the host's context. */
static bool host_works(struct host *host)
{
    dbr_long_t value = 0, found = 0;
    if (!host->kind->uses_libca) return true;
    if (ca_current_context() != host->context) return false;
    int before = atomic_load(&host->updates);
    ca_get(DBR_LONG, host->channel, &value);
    if (ca_pend_io(20) != ECA_NORMAL) return false;
    value++;
    ca_put(DBR_LONG, host->channel, &value);
    ca_get(DBR_LONG, host->channel, &found);
    if (ca_pend_io(20) != ECA_NORMAL || found != value) return false;
    for (int i = 0; i < 200; i++) {
        if (atomic_load(&host->updates) > before) return true;
        ca_pend_event(0.05);
    }
    return false;
}

static void host_end(struct host *host)
{
    if (!host->kind->uses_libca) return;
    ca_clear_subscription(host->monitor);
    ca_clear_channel(host->channel);
    ca_context_destroy();
}

/* Every call that blocks, or goes to libca. */

static oph_device *sub_device(oph_device *det, const char *name)
{
    oph_device *dev = NULL;
    oph_device_child(det, name, &dev, NULL);
    return dev;
}

static int call_queue(oph_context *ctx, oph_device *det, oph_error *err)
{
    oph_queue *queue = NULL;
    oph_subscription *sub = NULL;
    oph_signal *sig = NULL;
    oph_event *event = NULL;
    int rc = oph_signal_find(det, "cam.acquire_time", &sig, err);
    if (!rc) rc = oph_queue_new(ctx, &queue, err);
    if (!rc) rc = oph_subscribe_queue(sig, NULL, queue, NULL, &sub, err);
    for (int i = 0; !rc && i < 2; i++) {
        oph_event_free(event);
        event = NULL;
        rc = oph_queue_next(queue, 20, &event, err);
    }
    if (!rc && oph_event_kind(event) != OPH_EVENT_VALUE) rc = OPH_ESTATE;
    oph_event_free(event);
    oph_subscription_free(sub);
    oph_queue_free(queue);
    return rc;
}

static int call_image(oph_device *det, oph_error *err)
{
    static int32_t pixels[64 * 48];
    oph_image_info info = {.size = sizeof info};
    return oph_image_read(sub_device(det, "image"), 20, pixels, sizeof pixels, &info, err);
}

static int call_trigger(oph_device *det, oph_error *err)
{
    oph_status *st = NULL;
    int rc = oph_stage(det, NULL, err);
    if (!rc) rc = oph_trigger(det, &st, err);
    if (!rc) rc = oph_status_wait(st, OPH_DEFAULT, err);
    oph_status_unref(st);
    oph_error late = OPH_ERROR_INIT;
    int unstaged = oph_unstage(det, NULL, &late);
    return rc ? rc : unstaged;
}

static int call_all(oph_context *ctx, oph_device *det, oph_error *err)
{
    double number;
    oph_plugins *plugins = NULL;
    int rc = oph_connect(det, 20, NULL, err);
    if (!rc) rc = oph_get_double(det, "cam.acquire_time", &number, err);
    if (!rc) rc = oph_put(det, "cam.acquire_time", number, err);
    if (!rc) rc = call_queue(ctx, det, err);
    if (!rc) rc = oph_warmup(det, 20, err);
    if (!rc) rc = call_trigger(det, err);
    if (!rc) rc = oph_acquire(det, OPH_DEFAULT, NULL, err);
    if (!rc) rc = call_image(det, err);
    if (!rc) rc = oph_missing_plugins(det, OPH_DEFAULT, &plugins, err);
    oph_plugins_free(plugins);
    return rc;
}

static void *visit(void *arg)
{
    struct host *host = arg;
    struct detector own = d;
    oph_error err = OPH_ERROR_INIT;
    bool working = true;
    host_begin(host);
    own.det = NULL;
    own.ctx = host->given;
    if (!host->given) {
        if (oph_context_new(NULL, &own.ctx, &err)) testAbort("%s", err.text);
        detector_add_class(own.ctx);
    }
    detector_make(&own);
    working = host_works(host);
    int rc = call_all(own.ctx, own.det, &err);
    testOk(rc == 0, "all calls work in a thread %s, with a context of %s", host->kind->what,
           host->given ? "another's" : "its own");
    if (rc) testDiag("%s: %s", oph_code_name(rc), err.text);
    working = working && host_works(host);
    oph_device_free(own.det);
    if (!host->given) oph_context_free(own.ctx);
    testOk(working && host_works(host), "and its libca works on");
    host_end(host);
    return NULL;
}

/* The thread that made a context need not stay with it. */
static void *lend(void *arg)
{
    struct host *host = arg;
    need(ca_context_create(ca_enable_preemptive_callback), "create");
    host->lent = ca_current_context();
    ca_detach_context();
    return NULL;
}

/* Nothing that a call waits for needs the dispatcher. */
static void on_done(oph_status *st, void *user)
{
    (void)st;
    visit(user);
}

static void in_callback(struct host *host)
{
    oph_status *st = NULL;
    if (oph_status_new(d.ctx, "own", OPH_FOREVER, &st, NULL) ||
        oph_status_on_done(st, on_done, host, NULL))
        testAbort("no status");
    oph_status_finish(st, NULL);
    oph_status_unref(st);
    oph__loop_drain(d.ctx->dispatch);
}

static void test(int kind, oph_context *given)
{
    struct host host = {.kind = &kinds[kind], .given = given};
    pthread_t thread;
    if (kind == DISPATCHER) {
        in_callback(&host);
        return;
    }
    if (kind == ATTACHED) {
        pthread_create(&thread, NULL, lend, &host);
        pthread_join(thread, NULL);
    }
    pthread_create(&thread, NULL, visit, &host);
    pthread_join(thread, NULL);
}

int main(void)
{
    testPlan(0);
    detector_start(&d, NULL, NULL);
    for (int i = 0; i < KINDS; i++)
        test(i, i % 2 ? d.ctx : NULL);
    test(2, d.ctx);
    detector_remember(&d);
    detector_works(&d, "from the thread that made it");
    detector_end(&d);
    return testDone();
}
