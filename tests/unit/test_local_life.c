/* Signals without a device: their end, from everywhere and in every order; many threads at once;
 * and what their links promise to whoever calls them. */
#include "base/loop.h"
#include "core/device.h"
#include "lib/check.h"
#include "lib/derive.h"
#include "lib/events.h"
#include "lib/things.h"

#include <epicsUnitTest.h>
#include <semaphore.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, STEPS = 2000, ROUNDS = 200 };

static oph_context *ctx;

static void wait_sem(sem_t *sem)
{
    while (sem_wait(sem)) {
    }
}

static void start(pthread_t *thread, void *(*fn)(void *), void *arg)
{
    if (pthread_create(thread, NULL, fn, arg)) testAbort("no thread");
}

/* In every order */

struct all {
    oph_context *ctx;
    oph_queue *queue;
    oph_signal *soft, *derived;
    oph_subscription *called, *pulled;
    struct events said;
};

static void make_all(struct all *a)
{
    memset(a, 0, sizeof *a);
    events_init(&a->said);
    a->ctx = fake_context(NULL, NULL);
    a->soft = derive_soft(a->ctx, "x", OPH_DOUBLE(1));
    a->derived = derive(a->ctx, "y", &a->soft, 1, derive_sum, NULL);
    if (oph_queue_new(a->ctx, &a->queue, NULL) ||
        oph_subscribe(a->derived, NULL, events_on, &a->said, &a->called, NULL) ||
        oph_subscribe_queue(a->soft, NULL, a->queue, a, &a->pulled, NULL))
        testAbort("no subscription");
}

static void free_one(struct all *a, int which)
{
    switch (which) {
    case 0: oph_subscription_free(a->called); break;
    case 1: oph_subscription_free(a->pulled); break;
    case 2: oph_signal_free(a->derived); break;
    case 3: oph_queue_free(a->queue); break;
    case 4: oph_context_free(a->ctx); break;
    default: oph_signal_free(a->soft); a->soft = NULL;
    }
}

/* Even the source before what is derived from it. */
static void test_orders(void)
{
    enum { PARTS = 6, ORDERS = 720 };
    int orders = 0;
    for (int n = 0; n < ORDERS; n++) {
        struct all a;
        int left[PARTS] = {0, 1, 2, 3, 4, 5}, code = n;
        make_all(&a);
        for (int i = PARTS; i > 0; i--) {
            int at = code % i;
            code /= i;
            if (a.soft) oph_signal_put_double(a.soft, i, NULL);
            free_one(&a, left[at]);
            left[at] = left[i - 1];
        }
        events_free(&a.said);
        orders++;
    }
    testOk(orders == ORDERS, "freed in each of %d orders, with events on their way", orders);
    oph_signal_free(NULL);
}

static void test_device_first(void)
{
    oph_device *dev = NULL;
    oph_signal *from = NULL;
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_device_new(ctx, "Things", "X:", "other", &dev, &err), &err);
    derive_did(oph_signal_find(dev, "number", &from, &err), &err);
    oph_signal *sum = derive(ctx, "sum", &from, 1, derive_sum, NULL);
    oph_signal_free(from);
    derive_is(sum, 7);
    derive_is(from, 7); /* a device's own signal is not freed */
    oph_device_free(dev);
    derive_is(sum, 7);
    oph_signal_free(sum);
}

/* Under way */

static void test_wait_ends(void)
{
    oph_signal *x = derive_soft(ctx, "x", OPH_INT(1));
    const oph_condition until = {.size = sizeof until, .equals = OPH_INT(2)};
    oph_status *status = NULL;
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_signal_wait_start(x, &until, 60, &status, &err), &err);
    oph_signal_free(x);
    fake_code(oph_status_wait(status, 20, &err), OPH_ECANCEL, &err, "its end ends a wait");
    oph_status_unref(status);
}

static void test_put_ends(void)
{
    oph_signal *from = thing("real");
    oph_signal *rate = derive(ctx, "rate", &from, 1, derive_rate, derive_period);
    oph_status *status = NULL;
    oph_error err = OPH_ERROR_INIT;
    const oph_put_options patient = {.size = sizeof patient, .timeout = 60};
    derive_is(rate, 2);
    fake_rule("X:Real", FAKE_WITHHOLD);
    derive_did(oph_signal_put_start(rate, OPH_DOUBLE(4), &patient, &status, &err), &err);
    fake_wait_put("X:Real");
    oph_signal_free(rate);
    fake_code(oph_status_wait(status, 20, &err), OPH_ECANCEL, &err, "its end ends a put");
    oph_status_unref(status);
    fake_rule("X:Real", FAKE_FOLLOW);
    oph_signal_put_double(from, 0.5, NULL);
}

/* A PV whose callback holds up the whole IOC. */

struct held {
    sem_t entered, go;
    atomic_bool once;
};

static void hold_up(void *user, const struct oph__event *event)
{
    struct held *h = user;
    (void)event;
    if (atomic_exchange(&h->once, true)) return;
    sem_post(&h->entered);
    wait_sem(&h->go);
}

static void *release_soon(void *arg)
{
    struct held *h = arg;
    for (int i = 0; i < 1000; i++)
        sched_yield(); /* time in which who should wait could fail to */
    sem_post(&h->go);
    return NULL;
}

static void test_late_answers(void)
{
    static struct held h;
    oph_signal *two[] = {thing("number"), thing("real")};
    oph_signal *sum = derive(ctx, "sum", two, 2, derive_sum, NULL);
    struct oph__chanmon *mon = NULL;
    const oph_read_options soon = {.size = sizeof soon, .timeout = 0.05};
    oph_value *value = NULL;
    oph_error err = OPH_ERROR_INIT;
    pthread_t thread;
    derive_is(sum, 7.5);
    sem_init(&h.entered, 0, 0);
    sem_init(&h.go, 0, 0);
    struct oph__pv *pv = thing("choice")->read;
    derive_did(oph__pv_subscribe(pv, hold_up, &h, &mon, &err), &err);
    oph__context_flush(ctx, NULL);
    wait_sem(&h.entered);
    check_refused(oph_signal_read(sum, &soon, &value, &err), &err, OPH_ETIMEOUT, "sum", "sum",
                  "a value", "no answer");
    start(&thread, release_soon, &h);
    oph_signal_free(sum); /* with both answers still to come */
    pthread_join(thread, NULL);
    pv->ops->unsubscribe(mon);
    testOk1(!value);

    sum = derive(ctx, "sum", two, 2, derive_sum, NULL);
    derive_is(sum, 7.5);
    atomic_store(&h.once, false);
    derive_did(oph__pv_subscribe(pv, hold_up, &h, &mon, &err), &err);
    oph__context_flush(ctx, NULL);
    wait_sem(&h.entered);
    check_refused(oph_signal_read(sum, &soon, &value, &err), &err, OPH_ETIMEOUT, "sum", "sum",
                  "a value", "no answer");
    sem_post(&h.go);
    derive_is(sum, 7.5);
    pv->ops->unsubscribe(mon);
    oph_signal_free(sum);
}

/* In callbacks, and from other threads */

struct inside {
    oph_signal *sig, *other;
    oph_subscription *sub;
    int calls, rc;
    double value;
    sem_t done;
};

static void free_inside(const oph_event *event, void *user)
{
    struct inside *in = user;
    if (!oph_event_value(event)) return;
    in->calls++;
    in->rc = oph_signal_get_double(in->sig, &in->value, NULL);
    if (!in->rc) in->rc = oph_signal_put_double(in->other, 5, NULL);
    oph_signal_free(in->sig);
    oph_subscription_free(oph_event_subscription(event));
    sem_post(&in->done);
}

static void test_inside(void)
{
    static struct inside in;
    sem_init(&in.done, 0, 0);
    in.other = derive_soft(ctx, "other", OPH_DOUBLE(1));
    in.sig = derive(ctx, "sum", &in.other, 1, derive_sum, NULL);
    derive_did(oph_subscribe(in.sig, NULL, free_inside, &in, &in.sub, NULL), NULL);
    wait_sem(&in.done);
    oph__loop_drain(ctx->dispatch);
    testOk(in.calls == 1 && !in.rc && in.value == 1,
           "a callback reads, puts, and frees signal and subscription");
    derive_is(in.other, 5);
    oph_signal_free(in.other);
}

static void *free_both(void *arg)
{
    struct all *a = arg;
    oph_subscription_free(a->called);
    oph_subscription_free(a->pulled);
    return NULL;
}

static void *keep_putting(void *arg)
{
    struct all *a = arg;
    for (int i = 0; i < 20; i++)
        oph_signal_put_double(a->soft, i, NULL);
    return NULL;
}

static void test_races(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct all a;
        pthread_t freer, putter;
        make_all(&a);
        start(&putter, keep_putting, &a);
        start(&freer, free_both, &a);
        oph_signal_free(a.derived);
        pthread_join(putter, NULL);
        oph_signal_free(a.soft); /* its subscription may be at its end at the same time */
        pthread_join(freer, NULL);
        oph_queue_free(a.queue);
        oph_context_free(a.ctx);
        events_free(&a.said);
    }
    testPass("%d times ended by two threads under a third's puts", ROUNDS);
}

/* Each thread counts its own signal up; the sum of all follows. */

struct counting {
    oph_signal *sigs[THREADS], *sum;
    double last;
    int backwards, values;
};

struct counter {
    struct counting *all;
    int which;
};

static void *count_up(void *arg)
{
    const struct counter *c = arg;
    for (int i = 1; i <= STEPS; i++)
        if (oph_signal_put_double(c->all->sigs[c->which], i, NULL)) return arg;
    return NULL;
}

static void *come_and_go(void *arg)
{
    struct counting *c = arg;
    double before = 0, now;
    for (int i = 0; i < ROUNDS; i++) {
        struct events e;
        oph_subscription *sub = NULL;
        events_init(&e);
        if (oph_subscribe(c->sum, NULL, events_on, &e, &sub, NULL)) return arg;
        if (oph_signal_get_double(c->sum, &now, NULL) || now < before) return arg;
        before = now;
        oph_subscription_free(sub);
        events_free(&e);
    }
    return NULL;
}

static void count_event(const oph_event *event, void *user)
{
    struct counting *c = user;
    double value;
    if (!oph_event_value(event) || oph_value_get_double(oph_event_value(event), &value, NULL))
        return;
    c->backwards += value < c->last;
    c->last = value;
    c->values++;
}

static void test_threads(void)
{
    static struct counting c;
    static struct counter counters[THREADS];
    const oph_subscribe_options all = {.size = sizeof all, .depth = THREADS * STEPS + 1};
    char name[16];
    pthread_t threads[THREADS], guest;
    oph_subscription *sub = NULL;
    void *failed, *guest_failed;
    int bad = 0;
    for (int i = 0; i < THREADS; i++)
        c.sigs[i] = derive_soft(ctx, oph__format(name, sizeof name, "s%d", i), OPH_DOUBLE(0));
    c.sum = derive(ctx, "sum", c.sigs, THREADS, derive_sum, NULL);
    derive_did(oph_subscribe(c.sum, &all, count_event, &c, &sub, NULL), NULL);
    for (int i = 0; i < THREADS; i++) {
        counters[i] = (struct counter){.all = &c, .which = i};
        start(&threads[i], count_up, &counters[i]);
    }
    start(&guest, come_and_go, &c);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &failed);
        bad += failed != NULL;
    }
    pthread_join(guest, &guest_failed);
    oph__loop_drain(ctx->dispatch);
    testOk(!bad && !guest_failed, "%d threads put, one comes and goes", THREADS);
    testOk(c.values == THREADS * STEPS + 1 && !c.backwards && c.last == THREADS * STEPS,
           "%d updates, in order, none lost: %d backwards", c.values, c.backwards);
    oph_subscription_free(sub);
    oph_signal_free(c.sum);
    for (int i = 0; i < THREADS; i++)
        oph_signal_free(c.sigs[i]);
}

static void test_fork(void)
{
    oph_signal *x = derive_soft(ctx, "x", OPH_INT(1));
    oph_signal *y = derive(ctx, "y", &x, 1, derive_sum, NULL);
    derive_is(y, 1);
    pid_t pid = fork();
    if (!pid) {
        int64_t value;
        oph_signal *z = NULL;
        const oph_derived what = {.size = sizeof what};
        bool good = oph_signal_get_int(y, &value, NULL) == OPH_EFORK &&
                    oph_soft_set(x, OPH_INT(2), 0, 0, NULL) == OPH_EFORK &&
                    oph_soft_new(ctx, "z", OPH_INT(2), NULL, &z, NULL) == OPH_EFORK &&
                    oph_derived_new(ctx, &what, &z, NULL) == OPH_EFORK &&
                    oph_shaped_new(ctx, "z", x, &x, 1, NULL, &z, NULL) == OPH_EFORK;
        oph_signal_free(y);
        oph_signal_free(x);
        _exit(good && !z ? 0 : 1);
    }
    int status = -1;
    testOk(waitpid(pid, &status, 0) == pid && status == 0, "a child is refused");
    derive_is(y, 1);
    oph_signal_free(y);
    oph_signal_free(x);
}

/* The links' own contract */

struct linked {
    const struct oph__link_ops *ops;
    struct oph__chan *chan;
    struct oph__chanmon *mon;
    int states, events, puts, rc[3];
    int end_at; /* that event frees: 1 the subscription, 2 the channel */
};

static void on_state(void *user, int32_t state)
{
    struct linked *l = user;
    l->states += state == OPH__CHAN_UP;
}

static void on_get(void *user, const struct oph__event *event)
{
    (void)user, (void)event;
}

static void on_event(void *user, const struct oph__event *event)
{
    struct linked *l = user;
    const double nine = 9;
    l->events += event->code == 0;
    if (l->events != 2) return;
    if (l->end_at == 1) l->ops->unsubscribe(l->mon);
    if (l->end_at == 2) l->ops->chan_free(l->chan);
    if (l->end_at) return;
    struct oph__chanmon *other;
    l->rc[0] = l->ops->put(l->chan, OPH_FLOAT64, 1, &nine, NULL, NULL, NULL);
    l->rc[1] = l->ops->subscribe(l->chan, OPH_NONE, 0, OPH__UPDATES, on_get, l, &other, NULL);
}

static void on_put(void *user, int32_t code, const char *why)
{
    struct linked *l = user;
    (void)why;
    l->puts += code == 0;
}

static void open_channel(struct linked *l, oph_signal *sig, int end_at)
{
    oph_error err = OPH_ERROR_INIT;
    *l = (struct linked){.ops = sig->set->ops, .end_at = end_at};
    derive_did(l->ops->chan_new(sig->set->link, "x", on_state, l, &l->chan, &err), &err);
    derive_did(l->ops->subscribe(l->chan, OPH_NONE, 0, OPH__UPDATES, on_event, l, &l->mon, &err),
               &err);
}

static int put_there(struct linked *l, double value)
{
    return l->ops->put(l->chan, OPH_FLOAT64, 1, &value, on_put, l, NULL);
}

static void test_link(oph_signal *x, oph_signal *sig)
{
    struct linked l;
    const char *name = oph_signal_path(sig);
    int32_t dtype = 0;
    uint32_t count = 0;
    open_channel(&l, sig, 1);
    testOk1(l.ops->chan_type(l.chan, &dtype, &count) && dtype == OPH_FLOAT64 && count == 1);
    testOk1(l.ops->describe(l.chan, on_put, &l, NULL) == 0 && l.puts == 1);
    l.puts = 0;
    testOk(l.states == 1 && l.events == 1, "%s: up, and a value, at once", name);
    testOk1(!strcmp(l.ops->chan_name(l.chan), name));
    testOk1(put_there(&l, 2) == 0 && l.puts == 1 && put_there(&l, 3) == 0 && l.puts == 2);
    testOk(l.events == 2, "%s: a subscription ends in its own callback", name);
    l.ops->put_abandon(l.chan, &l);
    l.ops->chan_free(l.chan);

    open_channel(&l, sig, 2);
    testOk1(oph_signal_put_double(x, 4, NULL) == 0 && oph_signal_put_double(x, 5, NULL) == 0);
    testOk(l.events == 2, "%s: and so does a channel", name);

    open_channel(&l, sig, 0);
    oph_signal_put_double(x, 6, NULL);
    testOk(l.events == 2 && l.rc[0] == OPH_EDEADLK && l.rc[1] == OPH_EDEADLK,
           "%s: no put and no subscription from inside", name);
    l.ops->chan_free(l.chan);
    oph_signal_put_double(x, 7, NULL);
    testOk(l.events == 2, "%s: nothing after the end", name);
}

static int same(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    (void)count, (void)user;
    return oph_output_set(to, 0, OPH_FLOAT64, 1, oph_value_data(from[0]));
}

static int same_back(const oph_value *wanted, oph_output *to, void *user)
{
    (void)user;
    return oph_output_set(to, 0, OPH_FLOAT64, 1, oph_value_data(wanted));
}

static void test_links(void)
{
    oph_signal *x = derive_soft(ctx, "x", OPH_DOUBLE(1));
    oph_signal *y = derive(ctx, "y", &x, 1, same, same_back);
    test_link(x, x);
    test_link(x, y);
    oph_signal_free(y);
    oph_signal_free(x);
}

int main(void)
{
    testPlan(0);
    things_begin();
    ctx = things_context();
    test_orders();
    test_device_first();
    test_wait_ends();
    test_put_ends();
    test_late_answers();
    test_inside();
    test_races();
    test_threads();
    test_fork();
    test_links();
    things_end();
    return testDone();
}
