/* Programs that have Channel Access contexts of their own, that fork, and whose environment is odd.
 */
#include "lib/check.h"
#include "lib/events.h"
#include "lib/link_pv.h"
#include "lib/plain.h"

#include <cadef.h>
#include <epicsUnitTest.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char device_text[] = "row ai ai rw any config\n"
                                  "row ao ao rw any config\n"
                                  "row text lso.VAL$ rw text config\n"
                                  "row double of:DOUBLE rw array config\n"
                                  "row slow slow.A rw any config\n"
                                  "stage . ao=1.5\n";

/* What calls share. In a forked child all of it is the parent's. */
struct shared {
    oph_context *ctx;
    oph_device *dev;
    oph_signal *sig, *slow, *array;
    oph_queue *queue;
    oph_subscription *sub;
    oph_group *group;
    oph_status *status;
    struct events *said;
};

static void share(struct shared *s)
{
    oph_error err = OPH_ERROR_INIT;

    *s = (struct shared){.ctx = plain_context(0, 0, 0), .said = calloc(1, sizeof *s->said)};
    s->dev = plain_device(s->ctx, device_text);
    s->sig = plain_signal(s->dev, "ao");
    s->slow = plain_signal(s->dev, "slow");
    s->array = plain_signal(s->dev, "double");
    events_init(s->said);
    if (oph_queue_new(s->ctx, &s->queue, &err) ||
        oph_subscribe_queue(s->sig, NULL, s->queue, NULL, &s->sub, &err) ||
        oph_group_new(s->ctx, &s->group, &err) || oph_group_read(s->group, s->sig, NULL, &err) ||
        oph_status_new(s->ctx, "host", OPH_FOREVER, &s->status, &err))
        testAbort("%s", err.text);
}

static void free_shared(struct shared *s)
{
    oph_status_unref(s->status);
    oph_group_free(s->group);
    oph_subscription_free(s->sub);
    oph_queue_free(s->queue);
    oph_device_free(s->dev);
    oph_context_free(s->ctx);
    events_free(s->said);
    free(s->said);
}

/* Each call of the library that may reach libca, or wait. */

static int do_connect(struct shared *s, oph_error *err)
{
    return oph_connect(s->dev, OPH_DEFAULT, NULL, err);
}

static int do_device(struct shared *s, oph_error *err)
{
    oph_device *dev = NULL;
    oph_signal *sig = NULL;
    double value;
    int rc =
        oph_class_parse(s->ctx, "class Another\nrow calc calc ro any config\n", "test", NULL, NULL);

    (void)rc; /* known from the second time on */
    rc = oph_device_new(s->ctx, "Another", "p:", "another", &dev, err);
    if (!rc) rc = oph_signal_find(dev, "calc", &sig, err);
    if (!rc) rc = oph_signal_get_double(sig, &value, err);
    oph_device_free(dev);
    return rc;
}

static int do_get(struct shared *s, oph_error *err)
{
    double value;
    int64_t integer;
    char text[200];
    int rc = oph_get_double(s->dev, "ai", &value, err);

    if (!rc) rc = oph_get_text(s->dev, "text", text, sizeof text, err);
    if (!rc) rc = oph_put(s->dev, "ao", 3, err);
    return rc ? rc : oph_get_int(s->dev, "ao", &integer, err);
}

static int do_read(struct shared *s, oph_error *err)
{
    const oph_read_options cached = {.size = sizeof cached, .source = OPH_SOURCE_CACHE};
    oph_value *value = NULL;
    double numbers[16];
    size_t count;
    int rc = oph_signal_read(s->sig, NULL, &value, err);

    oph_value_free(value);
    value = NULL;
    if (!rc) rc = oph_signal_read(s->sig, &cached, &value, err);
    oph_value_free(value);
    if (rc) return rc;
    return oph_signal_read_into(s->array, NULL, numbers, sizeof numbers, &count, err);
}

static int do_properties(struct shared *s, oph_error *err)
{
    oph_properties p = {.size = sizeof p};

    return oph_signal_properties(s->sig, OPH_PART_READBACK, OPH_DEFAULT, &p, err);
}

static int do_put(struct shared *s, oph_error *err)
{
    int rc = oph_put(s->dev, "ao", 2.5, err);

    return rc ? rc : oph_put(s->dev, "text", "/another/path", err);
}

static int do_put_start(struct shared *s, oph_error *err)
{
    oph_status *status = NULL;
    int rc = oph_signal_put_start(s->slow, OPH_DOUBLE(1), NULL, &status, err);

    if (!rc) rc = oph_status_wait(status, 10, err);
    oph_status_unref(status);
    return rc;
}

static int do_wait(struct shared *s, oph_error *err)
{
    const oph_condition any = {.size = sizeof any};
    oph_status *status = NULL;
    int rc = oph_signal_wait(s->sig, &any, 10, err);

    if (!rc) rc = oph_signal_wait_start(s->sig, &any, 10, &status, err);
    if (!rc) rc = oph_status_wait(status, 10, err);
    oph_status_unref(status);
    return rc;
}

static int do_group(struct shared *s, oph_error *err)
{
    oph_status *status = NULL;
    int rc = oph_group_run(s->group, OPH_DEFAULT, NULL, err);

    if (!rc) rc = oph_group_start(s->group, OPH_DEFAULT, &status, err);
    if (!rc) rc = oph_status_wait(status, 10, err);
    oph_status_unref(status);
    return rc;
}

static int do_subscribe(struct shared *s, oph_error *err)
{
    oph_subscription *sub = NULL;
    int rc = oph_subscribe(s->sig, NULL, events_on, s->said, &sub, err);

    if (!rc && !events_wait(s->said, 2, 10)) rc = OPH_ETIMEOUT;
    oph_subscription_free(sub);
    return rc;
}

static int do_queue(struct shared *s, oph_error *err)
{
    oph_subscription *sub = NULL;
    oph_event *event = NULL;
    int rc = oph_subscribe_queue(s->sig, NULL, s->queue, NULL, &sub, err);

    if (!rc) rc = oph_queue_next(s->queue, 10, &event, err);
    oph_event_free(event);
    oph_subscription_free(sub);
    return rc;
}

static int do_stage(struct shared *s, oph_error *err)
{
    int rc = oph_stage(s->dev, NULL, err);

    return rc ? rc : oph_unstage(s->dev, NULL, err);
}

static int do_context(struct shared *s, oph_error *err)
{
    struct shared own;

    (void)s, (void)err;
    share(&own);
    free_shared(&own);
    return 0;
}

static const struct {
    const char *name;
    int (*call)(struct shared *s, oph_error *err);
    int in_child; /* what a forked child gets */
} calls[] = {
    {"connect a device", do_connect, OPH_EFORK},
    {"a new device", do_device, OPH_EFORK},
    {"get", do_get, OPH_EFORK},
    {"read", do_read, OPH_EFORK},
    {"properties", do_properties, OPH_EFORK},
    {"put", do_put, OPH_EFORK},
    {"start a put", do_put_start, OPH_EFORK},
    {"wait for a value", do_wait, OPH_EFORK},
    {"run a group", do_group, OPH_EFORK},
    {"subscribe", do_subscribe, OPH_EFORK},
    {"wait for an event", do_queue, OPH_EFORK},
    {"stage and unstage", do_stage, OPH_EFORK},
    {"a new context", do_context, 0},
};
enum { CALLS = sizeof calls / sizeof *calls };

/* A thread with a context of its own, in which callbacks run when they please or never (-1: none):
 * the library gives it back after each call, and it works. */
struct guest {
    struct shared *s;
    int preemptive;
};

static void check_own(chid id, struct ca_client_context *context, const char *when)
{
    double value = 0;

    testOk(ca_current_context() == context, "the thread's own context is there after: %s", when);
    if (!context) return;
    int status = ca_array_get(DBR_DOUBLE, 1, id, &value);
    if (status == ECA_NORMAL) status = ca_pend_io(10);
    testOk(status == ECA_NORMAL && value == 42, "and works: %s", ca_message(status));
}

static void *visit(void *arg)
{
    struct guest *guest = arg;
    chid id = NULL;

    if (guest->preemptive >= 0) {
        ca_context_create(guest->preemptive ? ca_enable_preemptive_callback
                                            : ca_disable_preemptive_callback);
        ca_create_channel("p:sub", NULL, NULL, 0, &id);
        ca_pend_io(10);
    }
    struct ca_client_context *context = ca_current_context();
    for (int i = 0; i < CALLS; i++) {
        oph_error err = OPH_ERROR_INIT;
        check_done(calls[i].call(guest->s, &err), &err, calls[i].name);
        check_own(id, context, calls[i].name);
    }
    if (context) {
        ca_clear_channel(id);
        ca_context_destroy();
    }
    return NULL;
}

static void test_guests(void)
{
    for (int preemptive = -1; preemptive <= 1; preemptive++) {
        struct shared s;
        struct guest guest = {.s = &s, .preemptive = preemptive};
        pthread_t thread;

        testDiag("a thread %s", preemptive < 0 ? "without a context"
                                : preemptive   ? "with preemptive callbacks"
                                               : "without preemptive callbacks");
        share(&s);
        pthread_create(&thread, NULL, visit, &guest);
        pthread_join(thread, NULL);
        free_shared(&s);
    }
}

/* ThreadSanitizer lets no forked child make threads. */
#ifdef __SANITIZE_THREAD__
enum { CHILD_MAKES_THREADS = 0 };
#else
enum { CHILD_MAKES_THREADS = 1 };
#endif

/* In a forked child libca would say that it sends, and would not; it would wait for the parent's
 * threads. Its words go to the pipe; how many calls were wrong is its exit code. */
static int in_child(struct shared *s, int words)
{
    struct shared own;
    double value = 0;
    int wrong = 0;

    for (int i = 0; i < CALLS; i++) {
        oph_error err = OPH_ERROR_INIT;
        if (calls[i].in_child != OPH_EFORK && !CHILD_MAKES_THREADS) continue;
        int rc = calls[i].call(s, &err);
        if (rc == calls[i].in_child) continue;
        dprintf(words, "%s: %s %s\n", calls[i].name, oph_code_name(rc), err.text);
        wrong++;
    }
    oph_interrupt(s->ctx);
    oph_status_cancel(s->status, NULL);
    free_shared(s);
    if (!CHILD_MAKES_THREADS) return wrong;
    share(&own); /* a child may have a context of its own */
    int rc = oph_get_double(own.dev, "ai", &value, NULL);
    if (rc) dprintf(words, "its own context: %s\n", oph_code_name(rc));
    free_shared(&own);
    return wrong + (rc != 0);
}

static void test_fork(void)
{
    struct shared s;
    char said[2048] = "", *rest = said, *line;
    size_t used = 0;
    int words[2], status = -1;
    oph_error err = OPH_ERROR_INIT;

    share(&s);
    do_connect(&s, &err);
    do_subscribe(&s, &err);
    if (pipe(words)) testAbort("no pipe");
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(30);
        dup2(words[1], STDERR_FILENO); /* libCom does not like forks, and says so once */
        _exit(in_child(&s, words[1])); /* libCom's exit handlers wait for the parent's threads */
    }
    close(words[1]);
    for (ssize_t got;
         used < sizeof said - 1 && (got = read(words[0], said + used, sizeof said - 1 - used)) > 0;)
        used += (size_t)got;
    close(words[0]);
    waitpid(child, &status, 0);
    testOk(WIFEXITED(status) && WEXITSTATUS(status) == 0,
           "a forked child is refused, and may have a context of its own: %x", (unsigned)status);
    while ((line = strsep(&rest, "\n")))
        if (*line) testDiag("%s", line);
    for (int i = 0; i < CALLS; i++)
        check_done(calls[i].call(&s, &err), &err, calls[i].name);
    free_shared(&s);
}

/* libca never returns from ending a context that has a name server and never had a channel. */
static void test_no_channel(void)
{
    struct oph__link *link = NULL;
    oph_error err = OPH_ERROR_INIT;

    check_done(oph__ca_ops()->open(NULL, &link, &err), &err, "a link without a channel");
    if (link) oph__ca_ops()->close(link);
    check_done(oph__ca_ops()->open(NULL, &link, &err), &err, "is closed, and another one opened");
    struct pv pv;
    testOk1(pv_open(&pv, link, "p:sub") && pv_get(&pv, OPH_NONE, 0) == 0);
    pv_free(&pv);
    oph__ca_ops()->close(link);
}

int main(void)
{
    testPlan(0);
    quiet_begin();
    struct sim *plain = plain_start();
    test_guests();
    test_fork();
    test_no_channel();
    sim_stop(plain);
    quiet_end();
    return testDone();
}
