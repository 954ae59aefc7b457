/* core/queue: order, bounds, what is dropped is counted; pulled, polled or called back. */
#include "core/queue.h"
#include "lib/fake_link.h"

#include <epicsUnitTest.h>
#include <inttypes.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 20000, BIG = 30 << 20 };

static oph_context *ctx;

static oph_queue *new_queue(void)
{
    oph_queue *q = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_queue_new(ctx, &q, &err)) testAbort("%s", err.text);
    return q;
}

static void begin(struct oph__source *source, oph_queue *q, void *user, uint32_t depth)
{
    oph__source_init(source, q, (struct oph__origin){.user = user}, NULL, depth);
}

static void end(struct oph__source *source)
{
    oph__source_end(source);
    oph__source_release(source);
}

static void push(struct oph__source *source, int32_t value)
{
    oph__source_value(source, &(struct oph__event){.dtype = OPH_INT32, .count = 1, .data = &value});
}

static int32_t number(const oph_event *event)
{
    return *(const int32_t *)oph_value_data(oph_event_value(event));
}

/* The next event is of this source, has this value and says that so many were dropped. */
static void is_next(oph_queue *q, const void *user, int32_t value, uint64_t dropped)
{
    oph_event *event = NULL;
    int rc = oph_queue_next(q, 0, &event, NULL);
    testOk(!rc && oph_event_user(event) == user && oph_event_kind(event) == OPH_EVENT_VALUE &&
               number(event) == value && oph_event_dropped(event) == dropped,
           "%d comes, %" PRIu64 " dropped before it", (int)value, dropped);
    oph_event_free(event);
}

static void is_empty(oph_queue *q)
{
    oph_event *event = NULL;
    oph_error err = OPH_ERROR_INIT;
    fake_code(oph_queue_next(q, 0, &event, &err), OPH_ETIMEOUT, &err, "nothing more");
    testOk1(!event);
}

static void test_order(void)
{
    struct oph__source a, b;
    oph_queue *q = new_queue();
    begin(&a, q, &a, 10);
    begin(&b, q, &b, 10);
    is_empty(q);
    push(&a, 1);
    push(&b, 2);
    push(&b, 3);
    push(&a, 4);
    is_next(q, &a, 1, 0);
    is_next(q, &b, 2, 0);
    is_next(q, &b, 3, 0);
    is_next(q, &a, 4, 0);
    is_empty(q);
    push(&a, 5);
    push(&b, 6);
    push(&a, 7);
    oph__source_end(&a);
    push(&a, 8);
    is_next(q, &b, 6, 0);
    is_empty(q);
    end(&a);
    end(&b);
    oph_queue_free(q);
}

static void test_bounds(void)
{
    struct oph__source a, b;
    oph_queue *q = new_queue();
    begin(&a, q, &a, 3);
    begin(&b, q, &b, 1);
    for (int32_t i = 0; i < 10; i++) {
        push(&a, i);
        push(&b, i);
    }
    is_next(q, &a, 7, 7);
    is_next(q, &a, 8, 0);
    is_next(q, &a, 9, 0);
    is_next(q, &b, 9, 9);
    push(&b, 10);
    is_next(q, &b, 10, 0);
    testOk1(oph__source_dropped(&a) == 7 && oph__source_dropped(&b) == 9);

    push(&a, 1);
    for (int i = 0; i < OPH__OTHER_EVENTS + 8; i++)
        oph__source_tell(&a, OPH_EVENT_CONNECTED, true, i % 2 == 0);
    push(&a, 2);
    is_next(q, &a, 1, 0);
    int right = 0;
    for (int i = 0; i < OPH__OTHER_EVENTS; i++) {
        oph_event *event = NULL;
        oph_queue_next(q, 0, &event, NULL);
        right += event && oph_event_kind(event) == OPH_EVENT_CONNECTED && !oph_event_value(event) &&
                 oph_event_readable(event) && oph_event_writable(event) == (i % 2 == 0) &&
                 oph_event_dropped(event) == (i ? 0 : 8);
        oph_event_free(event);
    }
    testOk(right == OPH__OTHER_EVENTS, "%d connections, the first after 8 dropped", right);
    is_next(q, &a, 2, 0);
    is_empty(q);
    end(&a);
    end(&b);
    oph_queue_free(q);
}

static void test_bytes(void)
{
    struct oph__source a;
    oph_queue *q = new_queue();
    char *big = calloc(1, (size_t)4 * BIG);
    if (!big) testAbort("no memory");
    begin(&a, q, &a, 1000);
    for (int i = 0; i < 5; i++) {
        big[0] = (char)i;
        oph__source_value(&a, &(struct oph__event){.dtype = OPH_UINT8, .count = BIG, .data = big});
    }
    testOk(oph__source_dropped(&a) == 3, "two of 30 MiB may wait");
    oph_event *event = NULL;
    oph_queue_next(q, 0, &event, NULL);
    testOk1(oph_event_dropped(event) == 3 && oph_value_count(oph_event_value(event)) == BIG &&
            *(const char *)oph_value_data(oph_event_value(event)) == 3);
    oph_event_free(event);
    oph__source_value(&a, &(struct oph__event){.dtype = OPH_UINT8, .count = 4 * BIG, .data = big});
    testOk(oph__source_dropped(&a) == 4, "the newest waits whatever its size");
    oph_queue_next(q, 0, &event, NULL);
    testOk1(oph_event_dropped(event) == 1 && oph_value_count(oph_event_value(event)) == 4 * BIG);
    oph_event_free(event);
    is_empty(q);
    free(big);
    end(&a);
    oph_queue_free(q);
}

static void test_failure(void)
{
    struct oph__source a;
    oph_queue *q = new_queue();
    oph_event *event = NULL;
    oph_error why = {.code = OPH_ECA, .text = "why"};
    begin(&a, q, &a, 1);
    oph__source_fail(&a, &why);
    testOk1(oph_queue_next(q, 0, &event, NULL) == 0 && oph_event_kind(event) == OPH_EVENT_FAILED &&
            !oph_event_value(event) && oph_event_error(event)->code == OPH_ECA &&
            !strcmp(oph_event_error(event)->text, "why"));
    oph_event_free(event);
    oph_event_free(NULL);
    end(&a);
    oph_queue_free(q);
    oph_queue_free(NULL);
}

static bool is_readable(int fd, int milliseconds)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, milliseconds) == 1 && p.revents == POLLIN;
}

static void test_descriptor(void)
{
    struct oph__source a;
    oph_queue *q = new_queue();
    begin(&a, q, &a, 2);
    push(&a, 1);
    int fd = oph_queue_fd(q);
    testOk(is_readable(fd, 0), "readable for what was there before");
    is_next(q, &a, 1, 0);
    testOk1(!is_readable(fd, 0));
    push(&a, 2);
    push(&a, 3);
    testOk1(is_readable(fd, 0) && oph_queue_fd(q) == fd);
    is_next(q, &a, 2, 0);
    testOk1(is_readable(fd, 0));
    is_next(q, &a, 3, 0);
    testOk1(!is_readable(fd, 0));
    push(&a, 4);
    end(&a);
    testOk(!is_readable(fd, 0), "nothing is left of a source that ended");
    oph_queue_free(q);
}

/* Waiting */

struct waiter {
    oph_queue *q;
    pthread_t thread;
    double timeout;
    int rc;
    oph_event *event;
    oph_error err;
};

static void *wait_for_event(void *arg)
{
    struct waiter *w = arg;
    w->rc = oph_queue_next(w->q, w->timeout, &w->event, &w->err);
    return NULL;
}

static struct waiter *start_waiter(struct waiter *w, oph_queue *q, double timeout)
{
    *w = (struct waiter){.q = q, .timeout = timeout};
    if (pthread_create(&w->thread, NULL, wait_for_event, w)) testAbort("no thread");
    return w;
}

/* Until a call is blocking. */
static void await_block(void)
{
    for (bool blocks = false; !blocks; sched_yield()) {
        pthread_mutex_lock(&ctx->waits.lock);
        blocks = ctx->waits.first != NULL;
        pthread_mutex_unlock(&ctx->waits.lock);
    }
}

static void test_waiting(void)
{
    struct oph__source a;
    struct waiter w;
    oph_queue *q = new_queue();
    oph_event *event = NULL;
    oph_error err = OPH_ERROR_INIT;
    begin(&a, q, &a, 2);
    fake_code(oph_queue_next(q, 0.02, &event, &err), OPH_ETIMEOUT, &err, "none in time");
    testOk1(err.waited >= 0.02);

    start_waiter(&w, q, OPH_FOREVER);
    await_block();
    push(&a, 1);
    pthread_join(w.thread, NULL);
    testOk1(w.rc == 0 && number(w.event) == 1);
    oph_event_free(w.event);

    start_waiter(&w, q, OPH_DEFAULT);
    await_block();
    oph_interrupt(ctx);
    pthread_join(w.thread, NULL);
    fake_code(w.rc, OPH_EINTR, &w.err, "interrupted");

    oph_interrupt(ctx);
    oph__loop_drain(ctx->engine);
    is_empty(q);
    fake_code(oph_queue_next(q, 10, &event, NULL), OPH_EINTR, NULL,
              "a look that does not wait leaves the interrupt to one that does");

    start_waiter(&w, q, OPH_FOREVER);
    await_block();
    oph_queue_free(q);
    pthread_join(w.thread, NULL);
    fake_code(w.rc, OPH_ECANCEL, &w.err, "freed while a thread waits");
    push(&a, 2);
    end(&a);
}

static void test_fork(void)
{
    struct oph__source a;
    oph_queue *q = new_queue();
    oph_event *event = NULL;
    int status = -1;
    begin(&a, q, &a, 2);
    push(&a, 1);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(10);
        int rc = oph_queue_next(q, 1, &event, NULL);
        oph_queue_free(q);
        _exit(rc == OPH_EFORK ? 0 : 1);
    }
    waitpid(child, &status, 0);
    testOk(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a forked child may not pull");
    is_next(q, &a, 1, 0);
    end(&a);
    oph_queue_free(q);
}

/* Two threads that poll and pull. */

struct reader {
    oph_queue *q;
    pthread_t thread;
    int count, disorder;
};

static void *read_all(void *arg)
{
    struct reader *r = arg;
    int32_t last = -1;
    while (last >= -1 && is_readable(oph_queue_fd(r->q), 10000)) {
        oph_event *event = NULL;
        if (oph_queue_next(r->q, 0, &event, NULL)) continue; /* the other one was quicker */
        int32_t value = number(event);
        oph_event_free(event);
        if (value == MANY) break;
        r->disorder += value <= last;
        r->count++;
        last = value;
    }
    return NULL;
}

static void test_two_readers(void)
{
    struct oph__source a;
    struct reader readers[2] = {{0}};
    oph_queue *q = new_queue();
    begin(&a, q, &a, 2 * MANY);
    for (int i = 0; i < 2; i++) {
        readers[i].q = q;
        if (pthread_create(&readers[i].thread, NULL, read_all, &readers[i])) testAbort("no thread");
    }
    for (int32_t i = 0; i < MANY; i++)
        push(&a, i);
    push(&a, MANY);
    push(&a, MANY); /* one end for each */
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i].thread, NULL);
    int total = readers[0].count + readers[1].count;
    testOk(total == MANY && !readers[0].disorder && !readers[1].disorder,
           "two threads got %d of %d, each in order", total, MANY);
    end(&a);
    oph_queue_free(q);
}

/* Callbacks */

struct calls {
    struct oph__source source;
    sem_t entered; /* of a callback that stays inside */
    int count, disorder;
    atomic_bool asked, left;
};

static void count_call(const oph_event *event, void *user)
{
    struct calls *c = user;
    c->disorder += number(event) != c->count++;
}

static void linger(const oph_event *event, void *user)
{
    struct calls *c = user;
    count_call(event, user);
    sem_post(&c->entered);
    while (!atomic_load(&c->asked))
        sched_yield();
    for (int i = 0; i < 1000; i++)
        sched_yield(); /* time in which who should wait could fail to */
    atomic_store(&c->left, true);
}

static void end_self(const oph_event *event, void *user)
{
    struct calls *c = user;
    count_call(event, user);
    oph__source_end(&c->source);
}

static void begin_calls(struct calls *c, oph_event_fn *fn)
{
    memset(c, 0, sizeof *c);
    sem_init(&c->entered, 0, 0);
    oph__source_init(&c->source, ctx->events, (struct oph__origin){.user = c}, fn, MANY);
}

static void test_callbacks(void)
{
    static struct calls c;
    begin_calls(&c, count_call);
    for (int32_t i = 0; i < MANY; i++)
        push(&c.source, i);
    oph__loop_drain(ctx->dispatch);
    testOk(c.count == MANY && !c.disorder, "%d callbacks in order", c.count);
    end(&c.source);

    begin_calls(&c, end_self);
    push(&c.source, 0);
    push(&c.source, 1);
    oph__loop_drain(ctx->dispatch);
    push(&c.source, 2);
    oph__loop_drain(ctx->dispatch);
    testOk(c.count == 1, "ended in its own callback");
    end(&c.source);

    begin_calls(&c, linger);
    push(&c.source, 0);
    push(&c.source, 1);
    while (sem_wait(&c.entered)) {
    }
    atomic_store(&c.asked, true);
    oph__source_end(&c.source);
    testOk(atomic_load(&c.left), "ending waits for a running callback");
    oph__loop_drain(ctx->dispatch);
    testOk1(c.count == 1);
    end(&c.source);
}

/* What the dispatcher has taken still waits. */

static struct {
    sem_t entered, go;
} gate;

static void hold_dispatcher(struct oph__job *job)
{
    (void)job;
    sem_post(&gate.entered);
    while (sem_wait(&gate.go)) {
    }
}

static void hold_inside(const oph_event *event, void *user)
{
    (void)event, (void)user;
    hold_dispatcher(NULL);
}

static void await(sem_t *sem)
{
    while (sem_wait(sem)) {
    }
}

/* The dispatcher is in the callback of `first`, after it has taken all that `fill` pushed. */
static void take_all(struct calls *first, struct calls *others, int count,
                     void (*fill)(struct calls *))
{
    struct oph__job hold = {.run = hold_dispatcher};

    begin_calls(first, hold_inside);
    for (int i = 0; i < count; i++)
        begin_calls(&others[i], count_call);
    oph__loop_post(ctx->dispatch, &hold);
    await(&gate.entered);
    push(&first->source, 0);
    fill(others);
    sem_post(&gate.go);
    await(&gate.entered);
}

static void push_ten_each(struct calls *others)
{
    for (int32_t i = 0; i < 10; i++) {
        push(&others[0].source, i);
        push(&others[1].source, i);
    }
}

static void count_dropped(const oph_event *event, void *user)
{
    struct calls *c = user;
    c->count++;
    c->disorder +=
        number(event) != 20 + c->count || oph_event_dropped(event) != (c->count == 1 ? 15 : 0);
}

static void test_taken(void)
{
    static struct calls first, others[2];

    sem_init(&gate.entered, 0, 0);
    sem_init(&gate.go, 0, 0);
    take_all(&first, others, 2, push_ten_each);
    oph__source_end(&others[0].source);
    sem_post(&gate.go);
    oph__loop_drain(ctx->dispatch);
    testOk(others[0].count == 0, "ended while the dispatcher had them");
    testOk(others[1].count == 10 && !others[1].disorder, "those of another source run");
    end(&others[0].source);
    end(&others[1].source);
    end(&first.source);

    take_all(&first, others, 2, push_ten_each);
    others[1].source.values.room = 3;
    others[1].source.fn = count_dropped;
    others[1].count = 0;
    for (int32_t i = 16; i < 24; i++)
        push(&others[1].source, i);
    testOk(oph__source_dropped(&others[1].source) == 15, "what was taken counts, and is dropped");
    sem_post(&gate.go);
    oph__loop_drain(ctx->dispatch);
    testOk(others[1].count == 3 && !others[1].disorder, "%d are left, the newest", others[1].count);
    testOk(others[0].count == 10 && !others[0].disorder, "the other source has lost none");
    end(&others[0].source);
    end(&others[1].source);
    end(&first.source);
    sem_destroy(&gate.entered);
    sem_destroy(&gate.go);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    ctx = fake_context(NULL, NULL);
    test_order();
    test_bounds();
    test_bytes();
    test_failure();
    test_descriptor();
    test_waiting();
    test_fork();
    test_two_readers();
    test_callbacks();
    test_taken();
    oph_context_free(ctx);
    fake_end();
    return testDone();
}
