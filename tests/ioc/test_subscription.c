/* Subscriptions against an IOC: masks, properties, access rights, a flood, a restart. */
#include "lib/events.h"
#include "lib/link_pv.h"
#include "lib/probe.h"

#include <epicsUnitTest.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UPDATES = 20000, MANY = 100, EACH = 20 };

static struct sim *mini;
static struct probe *probe;
static oph_context *ctx;
static oph_device *dev;

static void make_device(void)
{
    struct oph__buf text = {0};
    oph_error err = OPH_ERROR_INIT;

    oph__buf_add(&text, "class Mini\n"
                        "row ai ai rw float config\n"
                        "row mbbo mbbo rw enum config\n"
                        "row text stringout rw text config\n"
                        "row chars chars rw text config\n"
                        "row doubles doubles rw array config\n"
                        "row sized sized rw array config\n"
                        "row guarded guarded rw float config\n"
                        "row closed closed rw float config\n"
                        "row missing missing rw float config\n");
    for (int i = 0; i < MANY; i++)
        oph__buf_addf(&text, "row many%d many%d rw int config\n", i, i);
    if (text.failed || oph_context_new(NULL, &ctx, &err) ||
        oph_class_parse(ctx, text.text, "test", NULL, &err) ||
        oph_device_new(ctx, "Mini", "m:", "dev", &dev, &err))
        testAbort("%s", err.text);
    oph__buf_free(&text);
}

static oph_subscription *follow(struct events *e, const char *attr, uint32_t mask)
{
    const oph_subscribe_options opt = {.size = sizeof opt, .mask = mask};
    return events_follow(e, dev, attr, &opt);
}

static void put(const char *name, const char *value)
{
    if (probe_put_complete(probe, name, value, 10)) testAbort("%s was not put", name);
}

static void test_masks(void)
{
    static const struct {
        uint32_t mask;
        const char *said, *name;
    } rows[] = {
        {OPH_ON_VALUE, "connected:rw 1.5 4 4.5 11!2 12!2 7 8", "VALUE"},
        {OPH_ON_LOG, "connected:rw 1.5 11!2 7", "LOG, by an ADEL of 3"},
        {OPH_ON_ALARM, "connected:rw 1.5 11!2 7", "ALARM"},
        {0, "connected:rw 1.5 4 4.5 11!2 12!2 7 8", "the default, VALUE and ALARM"},
    };
    enum { ROWS = sizeof rows / sizeof rows[0] };
    static const char *const values[] = {"4", "4.5", "11", "12", "7", "8"};
    struct events said[ROWS];
    oph_subscription *subs[ROWS];

    put("ai", "1.5");
    put("ai.ADEL", "3");
    for (int i = 0; i < ROWS; i++) {
        events_init(&said[i]);
        subs[i] = follow(&said[i], "ai", rows[i].mask);
        events_have(&said[i], "1.5", 10);
    }
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        put("ai", values[i]);
    for (int i = 0; i < ROWS; i++) {
        events_are(&said[i], rows[i].said, rows[i].name);
        oph_subscription_free(subs[i]);
        events_free(&said[i]);
    }
    put("ai.ADEL", "0");
    put("ai", "1.5");
}

/* Of several to one PV some end, from the middle, from both ends, and the rest go on. */
static void test_ends(void)
{
    enum { SUBS = 7 };
    static const int order[SUBS] = {3, 0, 6, 2, 4, 5, 1};
    struct events said[SUBS];
    oph_subscription *subs[SUBS];
    char value[16], what[64];

    put("ai", "1.5");
    for (int i = 0; i < SUBS; i++) {
        events_init(&said[i]);
        subs[i] = follow(&said[i], "ai", OPH_ON_VALUE);
        events_have(&said[i], "1.5", 10);
    }
    for (int k = 0; k < SUBS; k++) {
        oph_subscription_free(subs[order[k]]);
        for (int i = 0; i < SUBS; i++)
            events_forget(&said[i]);
        snprintf(value, sizeof value, "%d", k + 2);
        put("ai", value);
        for (int i = k + 1; i < SUBS; i++) {
            snprintf(what, sizeof what, "number %d goes on without number %d", order[i], order[k]);
            events_are(&said[order[i]], value, what);
        }
        for (int i = 0; i <= k; i++)
            testOk(said[order[i]].count == 0, "number %d has ended", order[i]);
    }
    for (int i = 0; i < SUBS; i++)
        events_free(&said[i]);
    put("ai", "1.5");
}

static void test_properties(void)
{
    struct events number, labels, text;
    char label[32] = "";
    oph_error err = OPH_ERROR_INIT;

    events_init(&number);
    events_init(&labels);
    events_init(&text);
    oph_subscription *on_number = follow(&number, "ai", OPH_ON_PROPERTY);
    oph_subscription *on_labels = follow(&labels, "mbbo", OPH_ON_PROPERTY | OPH_ON_VALUE);
    oph_subscription *on_text = follow(&text, "text", OPH_ON_PROPERTY);
    events_are(&number, "connected:rw metadata", "at first");
    events_are(&text, "connected:rw metadata", "of a text");
    events_have(&labels, "1", 10);
    put("ai", "2");
    put("ai.HOPR", "50");
    events_are(&number, "connected:rw metadata metadata",
               "a limit changed, the value does not count");
    events_forget(&labels);
    put("mbbo.ZRST", "Sole");
    events_are(&labels, "metadata", "a label changed");
    oph_put(dev, "mbbo", 0, &err);
    testOk(oph_get_text(dev, "mbbo", label, sizeof label, &err) == 0 && !strcmp(label, "Sole"),
           "and is used: %s%s", label, err.text);
    testOk(oph_put(dev, "mbbo", "Single", &err) == OPH_ERANGE, "%s", err.text);
    put("mbbo.ZRST", "Single");
    testOk(events_have(&labels, "0", 10), "and back");
    oph_subscription_free(on_number);
    oph_subscription_free(on_labels);
    oph_subscription_free(on_text);
    events_free(&number);
    events_free(&labels);
    events_free(&text);
    put("ai", "1.5");
}

static void test_arrays(void)
{
    struct events said;
    oph_queue *queue = NULL;
    oph_subscription *sub = NULL;
    oph_signal *sig = NULL;
    struct oph__link *link = NULL;
    struct pv doubles;
    static double values[1000];

    events_init(&said);
    sub = follow(&said, "chars", 0);
    events_have(&said, "connected:rw", 10);
    put("chars", "a text of more than forty characters: a path of the IOC");
    testOk(events_have(&said, "forty", 10), "a text in an array of characters");
    oph_subscription_free(sub);
    events_free(&said);

    for (int i = 0; i < 1000; i++)
        values[i] = i;
    oph__ca_ops()->open(NULL, &link, NULL);
    testOk1(pv_open(&doubles, link, "m:doubles") &&
            pv_put(&doubles, OPH_FLOAT64, 1000, values) == 0);
    const oph_subscribe_options few = {.size = sizeof few, .count = 10};
    oph_queue_new(ctx, &queue, NULL);
    oph_signal_find(dev, "doubles", &sig, NULL);
    for (int all = 0; all < 2; all++) {
        oph_event *event = NULL;
        uint32_t wanted = all ? 1000 : 10;
        oph_subscribe_queue(sig, all ? NULL : &few, queue, NULL, &sub, NULL);
        oph_queue_next(queue, 10, &event, NULL);
        oph_event_free(event);
        event = NULL;
        oph_queue_next(queue, 10, &event, NULL);
        const oph_value *value = event ? oph_event_value(event) : NULL;
        testOk(value && oph_value_count(value) == wanted &&
                   ((const double *)oph_value_data(value))[wanted - 1] == wanted - 1,
               "%" PRIu32 " elements", wanted);
        oph_event_free(event);
        oph_subscription_free(sub);
    }
    pv_free(&doubles);
    oph__ca_ops()->close(link);
    oph_queue_free(queue);
}

static void test_rights(void)
{
    struct events said, closed;

    events_init(&said);
    events_init(&closed);
    oph_subscription *sub = follow(&said, "guarded", 0), *of_closed = follow(&closed, "closed", 0);
    events_have(&said, "1", 10);
    put("guard", "RO");
    testOk(events_have(&said, "access:r", 10), "no longer to be written");
    put("guard", "DEFAULT");
    testOk(events_have(&said, "access:rw", 10), "to be written again");
    put("guard", "NONE");
    testOk(events_have(&said, "access:", 10), "not even read");
    events_forget(&said);
    put("guard", "DEFAULT");
    testOk(events_have(&said, "access:rw", 10) && events_have(&said, "1", 10),
           "a value as soon as it may be read");
    events_are(&closed, "connected:", "connected, and may not be read");
    put("opener", "DEFAULT");
    testOk1(events_have(&closed, "access:rw", 10) && events_have(&closed, "1", 10));
    put("opener", "NONE");
    oph_subscription_free(sub);
    oph_subscription_free(of_closed);
    events_free(&said);
    events_free(&closed);
}

/* A flood */

struct flood {
    atomic_int next, wrong;
    _Atomic uint64_t dropped, received;
    sem_t last;
    bool reads;
};

static void on_flood(const oph_event *event, void *user)
{
    struct flood *f = user;
    int64_t now;

    if (!oph_event_value(event)) return;
    int value = *(const int32_t *)oph_value_data(oph_event_value(event));
    f->wrong += value != f->next + (int)oph_event_dropped(event);
    f->next = value + 1;
    f->dropped += oph_event_dropped(event);
    f->received++;
    if (f->reads && oph_signal_get_int(oph_event_signal(event), &now, NULL)) f->wrong++;
    if (value == UPDATES) sem_post(&f->last);
}

/* A value that nobody may read is not one that does not come. */
static void test_closed(void)
{
    const oph_condition any = {.size = sizeof any};
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;

    oph_signal_find(dev, "closed", &sig, NULL);
    int rc = oph_signal_wait(sig, &any, 0.5, &err);
    for (double timeout = 1; rc == OPH_EDISCONN && timeout < 60; timeout *= 4)
        rc = oph_signal_wait(sig, &any, timeout, &err);
    testOk(rc == OPH_EACCESS && strstr(err.text, "found no read access"), "%s", err.text);
}

static void test_flood(void)
{
    static struct flood every, newest;
    struct oph__link *link = NULL;
    struct pv many;
    oph_signal *sig = NULL;
    oph_subscription *on_every = NULL, *on_newest = NULL;
    const oph_subscribe_options options[] = {
        {.size = sizeof options[0], .depth = UPDATES},
        {.size = sizeof options[0], .delivery = OPH_DELIVER_NEWEST},
    };
    int32_t value = 0;

    newest.reads = true;
    sem_init(&every.last, 0, 0);
    sem_init(&newest.last, 0, 0);
    oph__ca_ops()->open(NULL, &link, NULL);
    testOk1(pv_open(&many, link, "m:many0") && pv_put(&many, OPH_INT32, 1, &value) == 0);
    oph_signal_find(dev, "many0", &sig, NULL);
    oph_subscribe(sig, &options[0], on_flood, &every, &on_every, NULL);
    oph_subscribe(sig, &options[1], on_flood, &newest, &on_newest, NULL);
    while (!every.received || !newest.received)
        sched_yield();
    double start = oph__now();
    for (value = 1; value <= UPDATES; value++)
        pv_put(&many, OPH_INT32, 1, &value);
    while (sem_wait(&every.last)) {
    }
    while (sem_wait(&newest.last)) {
    }
    testOk(!every.wrong && !every.dropped && every.received == UPDATES + 1,
           "%d updates, every one, in order (%.1f s)", UPDATES, oph__now() - start);
    testOk(!newest.wrong && newest.received + newest.dropped == UPDATES + 1 &&
               newest.dropped == oph_subscription_dropped(on_newest),
           "the newest only, of a slow callback that reads: %" PRIu64 " came, %" PRIu64
           " were dropped",
           newest.received, newest.dropped);
    value = 0;
    pv_put(&many, OPH_INT32, 1, &value);
    oph_subscription_free(on_every);
    oph_subscription_free(on_newest);
    pv_free(&many);
    oph__ca_ops()->close(link);
}

/* An array of 3 that comes back with 6, of which 4 are wanted. */
struct sized {
    oph_queue *queue;
    oph_subscription *sub;
};

static size_t next_count(struct sized *sized, double timeout)
{
    oph_event *event = NULL;
    size_t count = 0;

    while (!count && !oph_queue_next(sized->queue, timeout, &event, NULL)) {
        if (oph_event_value(event)) count = oph_value_count(oph_event_value(event));
        oph_event_free(event);
    }
    return count;
}

static void sized_begin(struct sized *sized)
{
    const oph_subscribe_options four = {.size = sizeof four, .count = 4};
    oph_signal *sig = NULL;

    oph_queue_new(ctx, &sized->queue, NULL);
    oph_signal_find(dev, "sized", &sig, NULL);
    oph_subscribe_queue(sig, &four, sized->queue, NULL, &sized->sub, NULL);
    testOk(next_count(sized, 10) == 3, "an array that has no more");
    setenv("COPHYD_SIZED", "6", 1);
}

static void sized_end(struct sized *sized)
{
    size_t count = next_count(sized, 60);

    testOk(count == 4, "no more than were wanted of an array that has grown, found %zu", count);
    oph_subscription_free(sized->sub);
    oph_queue_free(sized->queue);
}

/* Many signals, and an IOC that goes and comes back. */
static void test_restart(void)
{
    static struct events said[MANY];
    static oph_subscription *subs[MANY][EACH];
    struct events nobody, late;
    struct sized sized;
    char name[16], text[128];
    int good = 0;

    events_init(&nobody);
    events_init(&late);
    oph_subscription *of_nobody = follow(&nobody, "missing", 0);
    for (int i = 0; i < MANY; i++) {
        events_init(&said[i]);
        snprintf(name, sizeof name, "many%d", i);
        subs[i][0] = follow(&said[i], name, 0);
        for (int k = 1; k < EACH; k++)
            subs[i][k] = follow(&nobody, name, OPH_ON_ALARM);
    }
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "%d", i);
        good += events_have(&said[i], text, 20);
        events_forget(&said[i]);
    }
    testOk(good == MANY, "%d signals with %d subscriptions each", good, EACH);
    sized_begin(&sized);
    sim_kill(mini);
    for (int i = good = 0; i < MANY; i++)
        good += events_have(&said[i], "disconnected", 5);
    testOk(good == MANY, "%d are disconnected", good);
    oph_subscription *sub = follow(&late, "ai", OPH_ON_VALUE | OPH_ON_PROPERTY);
    sim_restart(mini);
    for (int i = good = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "%d", i);
        if (!events_have(&said[i], text, 60)) break;
        snprintf(text, sizeof text, "disconnected connected:rw %d", i);
        pthread_mutex_lock(&said[i].m.lock);
        if (!strcmp(said[i].text.text, text))
            good++;
        else
            testDiag("many%d: %s", i, said[i].text.text);
        pthread_mutex_unlock(&said[i].m.lock);
    }
    testOk(good == MANY, "%d go on: connected, then one value", good);
    testOk(events_have(&late, "1.5", 10) && events_have(&late, "metadata", 10),
           "one that began while the IOC was away");
    sized_end(&sized);
    oph_subscription_free(sub);
    for (int i = 0; i < MANY; i++) {
        for (int k = 0; k < EACH; k++)
            oph_subscription_free(subs[i][k]);
        events_free(&said[i]);
    }
    oph_subscription_free(of_nobody);
    testOk(!nobody.elsewhere && !nobody.overlaps, "callbacks one at a time, on the dispatcher");
    events_free(&late);
    events_free(&nobody);
}

int main(void)
{
    testPlan(0);
    setenv("EPICS_CA_CONN_TMO", "3", 1); /* how long libca leaves a dead IOC alone */
    mini = mini_start();
    probe = probe_new("m:");
    make_device();
    test_masks();
    test_ends();
    test_properties();
    test_arrays();
    test_closed();
    test_rights();
    test_flood();
    probe_free(probe);
    test_restart();
    oph_device_free(dev);
    oph_context_free(ctx);
    sim_stop(mini);
    return testDone();
}
