/* core/subscription: what is told and in which order, bounds, and ending from everywhere. */
#include "core/device.h"
#include "lib/events.h"
#include "lib/fake_link.h"

#include <dirent.h>
#include <epicsUnitTest.h>
#include <semaphore.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char classes[] = "class Thing\n"
                              "row number Number rbv int  config\n"
                              "row single Single rw  int  config\n"
                              "row locked Locked rw  int  config\n"
                              "row text   Text   rw  text config\n"
                              "row other  Other  rw  int  config\n";

enum { UPDATES = 20000, MANY = 2000, ROUNDS = 200, ORDERS = 24 };

static oph_context *ctx;
static oph_device *dev;
static struct events said;

static oph_device *new_device(oph_context *of)
{
    oph_device *made = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_device_new(of, "Thing", "X:", "dev", &made, &err)) testAbort("%s", err.text);
    return made;
}

static oph_signal *find(oph_device *of, const char *attr)
{
    oph_signal *sig = NULL;
    if (oph_signal_find(of, attr, &sig, NULL)) testAbort("no %s", attr);
    return sig;
}

static oph_subscription *follow(const char *attr, const oph_subscribe_options *opt)
{
    return events_follow(&said, dev, attr, opt);
}

/* One testOk: this was said, and nothing else, and it is forgotten. */
static void is_said(const char *text, const char *what)
{
    oph__loop_drain(ctx->dispatch);
    events_are(&said, text, what);
    events_forget(&said);
}

static void test_what_is_told(void)
{
    oph_subscription *sub = follow("number", NULL);
    events_have(&said, "1", 10);
    is_said("connected:rw 1", "at once");
    fake_set("X:Number_RBV", "2");
    fake_set("X:Number", "3");
    is_said("2", "the readback alone");
    fake_down("X:Number_RBV");
    is_said("disconnected", "gone");
    fake_set("X:Number_RBV", "4");
    fake_up("X:Number_RBV");
    is_said("connected:rw 4", "back");
    oph_subscription_free(sub);
    fake_set("X:Number_RBV", "5");
    fake_down("X:Number_RBV");
    is_said("", "nothing after the end");

    const oph_subscribe_options setpoint = {.size = sizeof setpoint, .part = OPH_PART_SETPOINT};
    sub = follow("number", &setpoint);
    events_have(&said, "3", 10);
    is_said("connected:rw 3", "the setpoint");
    fake_set("X:Number", "6");
    is_said("6", "its change");
    oph_subscription_free(sub);

    sub = follow("number", NULL);
    is_said("", "an IOC that is not there");
    fake_up("X:Number_RBV");
    is_said("connected:rw 5", "there it is");
    oph_subscription_free(sub);

    sub = follow("locked", NULL);
    oph_subscription *text = follow("text", NULL);
    events_have(&said, "hello", 10);
    is_said("connected:r 8 connected:rw hello", "rights, and text");
    oph_subscription_free(sub);
    oph_subscription_free(text);
}

static void test_masks(void)
{
    const oph_subscribe_options property = {.size = sizeof property, .mask = OPH_ON_PROPERTY};
    const oph_subscribe_options both = {.size = sizeof both,
                                        .mask = OPH_ON_PROPERTY | OPH_ON_VALUE};
    oph_subscription *sub = follow("single", &property);
    events_have(&said, "metadata", 10);
    fake_set("X:Single", "11");
    is_said("connected:rw metadata", "properties alone");
    fake_limits("X:Single", -9, 9);
    is_said("metadata", "a limit that changed");
    oph_subscription_free(sub);
    sub = follow("single", &both);
    events_have(&said, "11", 10);
    fake_set("X:Single", "12");
    is_said("connected:rw metadata 11 12", "values too");
    oph_subscription_free(sub);
}

static void test_refusals(void)
{
    static const struct {
        oph_subscribe_options opt;
        const char *why;
    } rows[] = {
        {{.size = sizeof rows[0].opt, .mask = 16}, "mask"},
        {{.size = sizeof rows[0].opt, .part = 2}, "part"},
        {{.size = sizeof rows[0].opt, .delivery = -1}, "delivery"},
        {{.size = sizeof rows[0].opt, .delivery = OPH_DELIVER_NEWEST, .depth = 2}, "depth"},
        {{.size = 0}, "size"},
    };
    oph_signal *sig = find(dev, "single");
    oph_subscription *sub = NULL;
    oph_error err = OPH_ERROR_INIT;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        fake_code(oph_subscribe(sig, &rows[i].opt, events_on, NULL, &sub, &err), OPH_EINVAL, &err,
                  rows[i].why);
    fake_code(oph_subscribe(sig, NULL, NULL, NULL, &sub, &err), OPH_EINVAL, &err, "no callback");
    fake_code(oph_subscribe_queue(sig, NULL, NULL, NULL, &sub, &err), OPH_EINVAL, &err, "no queue");
    testOk1(!sub);
    oph_subscription_free(NULL);
}

/* Delivery */

struct counter {
    int32_t next;
    int wrong;
    uint64_t dropped;
    sem_t entered, go; /* the first value's callback posts one, and waits for the other */
    bool entered_once;
};

static void count(const oph_event *event, void *user)
{
    struct counter *c = user;
    const oph_value *value = oph_event_value(event);
    if (!value) return;
    int32_t number = *(const int32_t *)oph_value_data(value);
    c->dropped += oph_event_dropped(event);
    c->wrong += number != c->next + (int32_t)oph_event_dropped(event);
    c->next = number + 1;
    if (c->entered_once) return;
    c->entered_once = true;
    sem_post(&c->entered);
    while (sem_wait(&c->go)) {
    }
}

static oph_subscription *start_count(struct counter *c, const oph_subscribe_options *opt)
{
    oph_subscription *sub = NULL;
    oph_error err = OPH_ERROR_INIT;
    sem_init(&c->entered, 0, 0);
    sem_init(&c->go, 0, 0);
    fake_set("X:Single", "0");
    if (oph_subscribe(find(dev, "single"), opt, count, c, &sub, &err)) testAbort("%s", err.text);
    while (sem_wait(&c->entered)) {
    }
    return sub;
}

static void set_numbers(int from, int to)
{
    char text[16];
    for (int i = from; i <= to; i++)
        fake_set("X:Single", oph__format(text, sizeof text, "%d", i));
}

static void test_every(void)
{
    const oph_subscribe_options every = {.size = sizeof every, .depth = UPDATES};
    static struct counter c;
    oph_subscription *sub = start_count(&c, &every);
    sem_post(&c.go);
    set_numbers(1, UPDATES);
    oph__loop_drain(ctx->dispatch);
    testOk(c.next == UPDATES + 1 && !c.wrong, "%d updates, in order", UPDATES);
    testOk(!c.dropped && !oph_subscription_dropped(sub), "none dropped");
    oph_subscription_free(sub);
}

static void test_slow_reader(int32_t delivery, int room, const char *what)
{
    const oph_subscribe_options opt = {.size = sizeof opt, .delivery = delivery};
    static struct counter c;
    c = (struct counter){0};
    oph_subscription *sub = start_count(&c, &opt);
    set_numbers(1, MANY);
    testOk(oph_subscription_dropped(sub) == (uint64_t)(MANY - room), "%s: %d of %d are kept", what,
           room, MANY);
    sem_post(&c.go);
    oph__loop_drain(ctx->dispatch);
    testOk(c.next == MANY + 1 && !c.wrong && c.dropped == (uint64_t)(MANY - room),
           "the newest comes, and the gap is told");
    oph_subscription_free(sub);
}

static int threads(void)
{
    int n = 0;
    DIR *tasks = opendir("/proc/self/task");
    while (tasks && readdir(tasks))
        n++;
    if (tasks) closedir(tasks);
    return n;
}

static void test_many(void)
{
    static oph_subscription *subs[MANY];
    oph_signal *sig = find(dev, "single");
    int before = threads(), good = 0;
    for (int i = 0; i < MANY; i++)
        good += oph_subscribe(sig, NULL, events_on, &said, &subs[i], NULL) == 0;
    testOk(good == MANY && threads() == before, "%d subscriptions, no thread more", good);
    fake_set("X:Single", "0");
    oph__loop_drain(ctx->dispatch);
    testOk(said.count >= 2 * MANY && !said.overlaps && !said.elsewhere,
           "%d callbacks, one at a time, on the dispatcher", said.count);
    for (int i = 0; i < MANY; i++)
        oph_subscription_free(subs[i]);
    events_forget(&said);
}

/* Inside a callback */

struct inside {
    oph_subscription *other;
    int calls, rc;
    int64_t value;
    oph_error err;
};

static void read_inside(const oph_event *event, void *user)
{
    struct inside *in = user;
    in->calls++;
    in->rc = oph_signal_get_int(oph_event_signal(event), &in->value, &in->err);
}

static void free_inside(const oph_event *event, void *user)
{
    struct inside *in = user;
    in->calls++;
    oph_subscription_free(oph_event_subscription(event));
    oph_subscription_free(in->other);
    in->other = NULL;
}

static void test_inside(void)
{
    struct inside in = {.rc = 1};
    oph_signal *sig = find(dev, "single");
    oph_subscription *sub = NULL;
    const oph_subscribe_options newest = {.size = sizeof newest, .delivery = OPH_DELIVER_NEWEST};
    oph_subscribe(sig, &newest, read_inside, &in, &sub, NULL);
    fake_set("X:Single", "77");
    oph__loop_drain(ctx->dispatch);
    testOk(in.calls && !in.rc && in.value == 77, "a callback may read: %s", in.err.text);
    oph_subscription_free(sub);

    in = (struct inside){0};
    oph_subscribe(sig, NULL, events_on, &said, &in.other, NULL);
    oph_subscribe(sig, NULL, free_inside, &in, &sub, NULL);
    fake_set("X:Single", "78");
    oph__loop_drain(ctx->dispatch);
    testOk(in.calls == 1 && !in.other, "freed in its own callback, and another one with it");
    events_forget(&said);
    fake_set("X:Single", "79");
    is_said("", "both are silent");
}

struct freeing {
    oph_subscription *sub;
    sem_t entered;
    atomic_bool asked, left, freed_first;
};

static void linger(const oph_event *event, void *user)
{
    struct freeing *f = user;
    (void)event;
    sem_post(&f->entered);
    while (!atomic_load(&f->asked))
        sched_yield();
    for (int i = 0; i < 1000; i++)
        sched_yield(); /* time in which who should wait could fail to */
    atomic_store(&f->left, true);
}

static void test_free_waits(void)
{
    static struct freeing f;
    sem_init(&f.entered, 0, 0);
    oph_subscribe(find(dev, "single"), NULL, linger, &f, &f.sub, NULL);
    while (sem_wait(&f.entered)) {
    }
    atomic_store(&f.asked, true);
    oph_subscription_free(f.sub);
    testOk(atomic_load(&f.left), "freeing waits for a running callback");

    static struct freeing d;
    oph_device *other = new_device(ctx);
    sem_init(&d.entered, 0, 0);
    oph_subscribe(find(other, "single"), NULL, linger, &d, &d.sub, NULL);
    while (sem_wait(&d.entered)) {
    }
    atomic_store(&d.asked, true);
    oph_device_free(other);
    testOk(atomic_load(&d.left), "and so does freeing the device");
    testOk1(oph_subscription_dropped(d.sub) == 0);
    oph_subscription_free(d.sub);
}

/* Every order */

struct all {
    oph_context *ctx;
    oph_device *dev;
    oph_queue *queue;
    oph_subscription *called, *pulled;
    struct events said;
};

static struct all *make_all(struct all *a)
{
    memset(a, 0, sizeof *a);
    events_init(&a->said);
    a->ctx = fake_context(classes, NULL);
    a->dev = new_device(a->ctx);
    oph_signal *sig = find(a->dev, "other");
    if (oph_queue_new(a->ctx, &a->queue, NULL) ||
        oph_subscribe(sig, NULL, events_on, &a->said, &a->called, NULL) ||
        oph_subscribe_queue(sig, NULL, a->queue, a, &a->pulled, NULL))
        testAbort("no subscription");
    return a;
}

static void free_one(struct all *a, int which)
{
    switch (which) {
    case 0: oph_subscription_free(a->called); break;
    case 1: oph_subscription_free(a->pulled); break;
    case 2: oph_device_free(a->dev); break;
    case 3: oph_queue_free(a->queue); break;
    default: oph_context_free(a->ctx);
    }
}

static void test_orders(void)
{
    int orders = 0;
    for (int n = 0; n < 5 * ORDERS; n++) {
        struct all a;
        int left[5] = {0, 1, 2, 3, 4}, code = n;
        make_all(&a);
        for (int i = 5; i > 0; i--) {
            int at = code % i;
            code /= i;
            fake_set("X:Other", "1");
            free_one(&a, left[at]);
            left[at] = left[i - 1];
        }
        events_free(&a.said);
        orders++;
    }
    testOk(orders == 5 * ORDERS, "freed in each of %d orders, with events on their way", orders);
}

static void *free_both(void *arg)
{
    struct all *a = arg;
    oph_subscription_free(a->called);
    oph_subscription_free(a->pulled);
    return NULL;
}

static void *keep_setting(void *arg)
{
    const atomic_bool *end = arg;
    while (!atomic_load(end))
        fake_set("X:Other", "2");
    return NULL;
}

static void free_in_callback(const oph_event *event, void *user)
{
    atomic_bool *freed = user;
    if (!oph_event_value(event)) return;
    if (!atomic_exchange(freed, true)) oph_subscription_free(oph_event_subscription(event));
}

/* The device, its subscriptions and a callback end the same thing at the same time. */
static void test_races(void)
{
    atomic_bool stop = false;
    pthread_t setter, freer;
    if (pthread_create(&setter, NULL, keep_setting, &stop)) testAbort("no thread");
    for (int i = 0; i < ROUNDS; i++) {
        struct all a;
        oph_subscription *own = NULL;
        atomic_bool freed = false;
        make_all(&a);
        oph_subscribe(find(a.dev, "other"), NULL, free_in_callback, &freed, &own, NULL);
        events_have(&a.said, "2", 10);
        if (pthread_create(&freer, NULL, free_both, &a)) testAbort("no thread");
        oph_device_free(a.dev);
        if (!atomic_exchange(&freed, true)) oph_subscription_free(own);
        pthread_join(freer, NULL);
        oph_queue_free(a.queue);
        oph_context_free(a.ctx);
        events_free(&a.said);
    }
    atomic_store(&stop, true);
    pthread_join(setter, NULL);
    testPass("freed by its device and from another thread at once, %d times", ROUNDS);
}

struct opener {
    oph_signal *sig;
    pthread_t thread;
    oph_subscription *sub;
    int rc;
};

static void *open_it(void *arg)
{
    struct opener *o = arg;
    o->rc = oph_subscribe(o->sig, NULL, events_on, &said, &o->sub, NULL);
    return NULL;
}

static void test_first_use(void)
{
    int wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        oph_device *other = new_device(ctx);
        struct opener two[2];
        for (int t = 0; t < 2; t++) {
            two[t] = (struct opener){.sig = find(other, "other"), .rc = 1};
            pthread_create(&two[t].thread, NULL, open_it, &two[t]);
        }
        for (int t = 0; t < 2; t++) {
            pthread_join(two[t].thread, NULL);
            wrong += two[t].rc != 0;
        }
        oph_device_free(other);
        for (int t = 0; t < 2; t++)
            oph_subscription_free(two[t].sub);
    }
    testOk(!wrong, "two threads subscribe to a new signal at once, %d times", ROUNDS);
    oph__loop_drain(ctx->dispatch);
    events_forget(&said);
}

static void test_queue(void)
{
    oph_queue *queue = NULL;
    oph_subscription *a, *b;
    oph_event *event = NULL;
    int user;
    oph_device *other = new_device(ctx);
    oph_queue_new(ctx, &queue, NULL);
    oph_subscribe_queue(find(other, "single"), NULL, queue, &user, &a, NULL);
    testOk1(oph_queue_next(queue, 10, &event, NULL) == 0 &&
            oph_event_kind(event) == OPH_EVENT_CONNECTED);
    oph_event_free(event);
    testOk1(oph_queue_next(queue, 10, &event, NULL) == 0 &&
            oph_event_kind(event) == OPH_EVENT_VALUE);
    testOk1(oph_event_subscription(event) == a && oph_event_user(event) == &user &&
            oph_event_signal(event) == find(other, "single"));
    oph_subscribe_queue(find(dev, "single"), NULL, queue, NULL, &b, NULL);
    fake_set("X:Single", "5");
    oph_device_free(other);
    int of_b = 0, of_a = 0;
    for (oph_event *next = NULL; oph_queue_next(queue, 0, &next, NULL) == 0; oph_event_free(next)) {
        of_a += oph_event_subscription(next) == a;
        of_b += oph_event_subscription(next) == b;
    }
    testOk(of_a == 0 && of_b >= 2, "nothing waits of a device that was freed");
    testOk(oph_value_count(oph_event_value(event)) == 1, "what was pulled stays");
    oph_event_free(event);
    oph_subscription_free(a);
    oph_subscription_free(b);
    oph_queue_free(queue);
}

static void test_fork(void)
{
    int status = -1;
    oph_subscription *sub = follow("single", NULL), *other = NULL;
    oph_signal *sig = find(dev, "single");
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(10);
        int rc = oph_subscribe(sig, NULL, events_on, &said, &other, NULL);
        oph_subscription_free(sub);
        _exit(rc == OPH_EFORK ? 0 : 1);
    }
    waitpid(child, &status, 0);
    testOk(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a forked child may not subscribe");
    oph_subscription_free(sub);
    events_forget(&said);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    fake_pv("X:Number", OPH_INT32, 1, "", "1");
    fake_pv("X:Number_RBV", OPH_INT32, 1, "", "1");
    fake_pv("X:Single", OPH_INT32, 1, "", "0");
    fake_pv("X:Locked", OPH_INT32, 1, "", "8");
    fake_read_only("X:Locked");
    fake_pv("X:Text", OPH_UINT8, 100, "", "hello");
    fake_pv("X:Other", OPH_INT32, 1, "", "2");
    ctx = fake_context(classes, NULL);
    dev = new_device(ctx);
    events_init(&said);
    test_what_is_told();
    test_masks();
    test_refusals();
    test_every();
    test_slow_reader(OPH_DELIVER_NEWEST, 1, "the newest only");
    test_slow_reader(OPH_DELIVER_EVERY, 1000, "a slow reader");
    test_many();
    test_inside();
    test_free_waits();
    test_queue();
    test_orders();
    test_races();
    test_first_use();
    test_fork();
    testOk(!said.overlaps && !said.elsewhere, "callbacks ran one at a time, on the dispatcher");
    oph_device_free(dev);
    oph_context_free(ctx);
    events_free(&said);
    testOk(fake_end() == 0, "no channel is left");
    return testDone();
}
