/* Devices that are there before their IOC, or never have one; an IOC that goes and comes back. */
#include "lib/check.h"
#include "lib/events.h"
#include "lib/mini.h"

#include <epicsUnitTest.h>
#include <stdlib.h>
#include <string.h>

enum { LONG = 60, SOON = 5 };

static const oph_read_options patient = {.size = sizeof patient, .timeout = LONG};

static struct sim *mini;

static const oph_context_options quick = {
    .size = sizeof quick, .connect_timeout = 0.3, .get_timeout = 1, .put_timeout = 20, .grace = 1};

/* By broadcast, as on a beamline: a search is repeated soon, a lost name server is not. */
static void search_by_udp(void)
{
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", sim_port(mini));
    setenv("EPICS_CA_ADDR_LIST", address, 1);
    unsetenv("EPICS_CA_NAME_SERVERS");
}

static oph_signal *find(oph_device *dev, const char *path)
{
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_signal_find(dev, path, &sig, &err)) testAbort("%s", err.text);
    return sig;
}

/* Connected, however long that takes on a busy machine. */
static void ready(oph_device *dev, const char *path)
{
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_signal_read(find(dev, path), &patient, &value, &err)) testAbort("%s", err.text);
    oph_value_free(value);
}

/* A call in a thread of its own. */
struct call {
    pthread_t thread;
    oph_device *dev;
    const char *path;
    double value;
    int rc;
    oph_error err;
};

static void *connect_patiently(void *arg)
{
    struct call *call = arg;
    call->rc = oph_connect(call->dev, LONG, NULL, &call->err);
    return NULL;
}

static void *read_patiently(void *arg)
{
    struct call *call = arg;
    oph_value *value = NULL;
    call->rc = oph_signal_read(find(call->dev, call->path), &patient, &value, &call->err);
    if (!call->rc) call->value = *(const double *)oph_value_data(value);
    oph_value_free(value);
    return NULL;
}

static void *put(void *arg)
{
    struct call *call = arg;
    call->rc = oph_put_double(call->dev, call->path, call->value, &call->err);
    return NULL;
}

static int next_kind(oph_queue *queue)
{
    oph_event *event = NULL;
    int kind = oph_queue_next(queue, LONG, &event, NULL) ? -1 : oph_event_kind(event);
    oph_event_free(event);
    return kind;
}

static void test_before(oph_context *ctx, oph_device *dev)
{
    struct events said;
    struct call connect = {.dev = dev}, read = {.dev = dev, .path = "ai"};
    oph_error err = OPH_ERROR_INIT;
    oph_report *report = NULL;
    oph_queue *queue = NULL;
    oph_subscription *pulled = NULL;
    events_init(&said);
    oph_subscription *sub = events_follow(&said, dev, "ai", NULL);
    oph_queue_new(ctx, &queue, &err);
    oph_subscribe_queue(find(dev, "ao"), NULL, queue, NULL, &pulled, &err);
    check_refused(oph_connect(dev, OPH_DEFAULT, &report, &err), &err, OPH_EDISCONN, "dev.ao",
                  "m:ao", "a connection", "not connected");
    testOk1(oph_report_count(report) == 1);
    oph_report_free(report);
    double value;
    testOk(oph_get_double(dev, "longout", &value, &err) == OPH_EDISCONN, "%s", err.text);
    testOk(oph_put(dev, "ao", 1.5, &err) == OPH_EDISCONN, "%s", err.text);
    pthread_create(&connect.thread, NULL, connect_patiently, &connect);
    pthread_create(&read.thread, NULL, read_patiently, &read);

    sim_restart(mini);
    events_are(&said, "connected:rw 1.5", "a subscription from before the IOC starts");
    testOk(next_kind(queue) == OPH_EVENT_CONNECTED && next_kind(queue) == OPH_EVENT_VALUE,
           "and one that is pulled");
    pthread_join(connect.thread, NULL);
    pthread_join(read.thread, NULL);
    check_done(connect.rc, &connect.err, "who was waiting to connect is connected");
    testOk(read.rc == 0 && read.value == 1.5, "and who was waiting to read has a value");
    check_done(oph_put(dev, "ao", 2, &err), &err, "a put works");
    oph_subscription_free(sub);
    oph_subscription_free(pulled);
    oph_queue_free(queue);
    events_free(&said);
}

/* A device whose PVs are nowhere, with an IOC and without. */
static void test_never(const char *when)
{
    struct events said;
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = mini_context(&quick);
    oph_device *dev = NULL;
    events_init(&said);
    if (oph_device_new(ctx, "Mini", "nowhere:", "never", &dev, &err)) testAbort("%s", err.text);
    oph_subscription *sub = events_follow(&said, dev, "ai", NULL);
    testOk(oph_connect(dev, OPH_DEFAULT, NULL, &err) == OPH_EDISCONN, "%s", err.text);
    double start = oph__now();
    oph_device_free(dev);
    oph_subscription_free(sub);
    oph_context_free(ctx);
    testOk(oph__now() - start < SOON && said.count == 0,
           "what never connected says nothing and is freed in %.3f s, %s", oph__now() - start,
           when);
    events_free(&said);
}

static void test_back(oph_device *dev)
{
    struct events said;
    struct call read = {.dev = dev, .path = "ai"};
    oph_error err = OPH_ERROR_INIT;
    double value;
    events_init(&said);
    oph_subscription *sub = events_follow(&said, dev, "guarded", NULL);
    events_have(&said, "1", LONG);
    ready(dev, "guard");
    check_done(oph_put(dev, "guard", "RO", &err), &err, "the IOC takes away the right to write");
    events_have(&said, "access:r", LONG);
    check_refused(oph_put(dev, "guarded", 5, &err), &err, OPH_EACCESS, "dev.guarded", "m:guarded",
                  "5", "write");
    sim_kill(mini);
    events_have(&said, "disconnected", LONG);
    testOk(oph_get_double(dev, "guarded", &value, &err) == OPH_EDISCONN, "%s", err.text);
    testOk(oph_put(dev, "guarded", 5, &err) == OPH_EDISCONN, "%s", err.text);
    pthread_create(&read.thread, NULL, read_patiently, &read);
    events_forget(&said);

    sim_restart(mini);
    testOk(events_have(&said, "connected:rw", LONG), "it comes back, with that right");
    testOk(events_have(&said, "1", LONG), "and its values");
    pthread_join(read.thread, NULL);
    testOk(read.rc == 0 && read.value == 1.5, "who was waiting to read has a value");
    check_done(oph_put(dev, "guarded", 5, &err), &err, "a put works again");
    oph_subscription_free(sub);
    events_free(&said);
}

/* The IOC took the put and died before it was done. */
static void test_lost(oph_device *dev)
{
    struct events said;
    struct call lost = {.dev = dev, .path = "slowest", .value = 7};
    oph_error err = OPH_ERROR_INIT;
    events_init(&said);
    oph_subscription *sub = events_follow(&said, dev, "slowest", NULL);
    testOk1(events_have(&said, "0!3", LONG));
    pthread_create(&lost.thread, NULL, put, &lost);
    testOk(events_have(&said, "7!3", LONG), "the IOC is at a put");
    sim_kill(mini);
    pthread_join(lost.thread, NULL);
    check_refused(lost.rc, &lost.err, OPH_EDISCONN, "dev.slowest", "m:slowest.A", "7", "");
    events_forget(&said);
    sim_restart(mini);
    testOk(events_have(&said, "0!3", LONG), "it comes back without it");
    ready(dev, "slow");
    check_done(oph_put(dev, "slow", 8, &err), &err, "the next put works");
    oph_subscription_free(sub);
    events_free(&said);
}

/* The IOC stands still in the middle of a put, for longer than the put may take. */
static void test_late(void)
{
    oph_context_options o = quick;
    o.put_timeout = 0.5;
    struct events said;
    struct call late = {.path = "slower", .value = 9};
    oph_error err = OPH_ERROR_INIT;
    oph_context *ctx = mini_context(&o);
    oph_device *dev = late.dev = mini_device(ctx, "dev");
    events_init(&said);
    oph_subscription *sub = events_follow(&said, dev, "slower", NULL);
    testOk1(events_have(&said, "0!3", LONG));
    pthread_create(&late.thread, NULL, put, &late);
    testOk(events_have(&said, "9!3", LONG), "the IOC is at a put");
    sim_pause(mini);
    pthread_join(late.thread, NULL);
    check_refused(late.rc, &late.err, OPH_ETIMEOUT, "dev.slower", "m:slower.A", "9", "no answer");
    sim_resume(mini);
    ready(dev, "ao");
    check_done(oph_put(dev, "ao", 1, &err), &err, "other puts work when it goes on");
    testOk(oph_put(dev, "slower", 10, &err) == OPH_ETIMEOUT, "0.8 s are still too long: %s",
           err.text);
    oph_subscription_free(sub);
    oph_device_free(dev);
    oph_context_free(ctx);
    events_free(&said);
}

int main(void)
{
    testPlan(0);
    mini = mini_start();
    search_by_udp();
    sim_kill(mini);
    oph_context *ctx = mini_context(&quick);
    oph_device *dev = mini_device(ctx, "dev");
    test_never("without an IOC");
    test_before(ctx, dev);
    test_never("with one");
    test_back(dev);
    test_lost(dev);
    test_late();
    oph_device_free(dev);
    oph_context_free(ctx);
    sim_stop(mini);
    return testDone();
}
