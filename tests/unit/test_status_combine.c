/* Several statuses as one, and a status as a descriptor. */
#include "base/err.h"
#include "core/status.h"
#include "lib/await.h"
#include "lib/fake_link.h"
#include "lib/process.h"

#include <epicsUnitTest.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { PARTS = 4, ROUNDS = 3000 };

static oph_context *ctx;
static oph_status *parts[PARTS], *whole;

typedef int combine(oph_status *const *, size_t, oph_status **, oph_error *);

static void begin(combine *how)
{
    oph_error err = OPH_ERROR_INIT;
    for (int i = 0; i < PARTS; i++) {
        if (oph_status_new(ctx, "part", OPH_FOREVER, &parts[i], &err)) testAbort("%s", err.text);
    }
    if (how(parts, PARTS, &whole, &err)) testAbort("%s", err.text);
}

static void end(void)
{
    for (int i = 0; i < PARTS; i++) {
        oph_status_finish(parts[i], NULL);
        oph_status_unref(parts[i]);
    }
    oph_status_unref(whole);
}

static void finish(int part, int code)
{
    oph_error err = OPH_ERROR_INIT;
    if (code) oph__fail_text(&err, code, "part %d failed", part);
    testOk(oph_status_finish(parts[part], &err) == 1, "part %d ends with %d", part, code);
}

static void is(int done, int code, const char *text)
{
    oph_error err = OPH_ERROR_INIT;
    int found = oph_status_error(whole, &err);
    testOk(oph_status_done(whole) == done && found == code && !strcmp(err.text, text),
           "the whole is %s with %d", done ? "done" : "not done", code);
    if (found != code || strcmp(err.text, text) != 0) testDiag("found %d: %s", found, err.text);
}

static void test_all(void)
{
    begin(oph_status_all);
    for (int i = 0; i < PARTS; i++) {
        is(0, 0, "");
        finish(i, 0);
    }
    is(1, 0, "");
    end();

    begin(oph_status_all);
    finish(2, 0);
    finish(1, OPH_EACQUIRE);
    is(1, OPH_EACQUIRE, "part 1 failed");
    finish(0, OPH_EDISCONN);
    is(1, OPH_EACQUIRE, "part 1 failed");
    end();
}

static void test_any(void)
{
    begin(oph_status_any);
    finish(3, OPH_EACQUIRE);
    is(0, 0, "");
    finish(1, 0);
    is(1, 0, "");
    end();

    begin(oph_status_any);
    for (int i = PARTS - 1; i >= 0; i--) {
        is(0, 0, "");
        finish(i, OPH_EACQUIRE);
    }
    is(1, OPH_EACQUIRE, "part 3 failed");
    end();
}

static void test_edges(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *none = NULL;
    fake_code(oph_status_all(parts, 0, &none, &err), OPH_EINVAL, &err, "no parts");
    fake_code(oph_status_any(&none, 1, &none, &err), OPH_EINVAL, &err, "a part that is NULL");

    begin(oph_status_all);
    testOk1(oph_status_cancel(whole, &err) == 0 && oph_status_done(whole));
    testOk(oph_status_error(parts[0], NULL) == OPH_ECANCEL &&
               oph_status_error(parts[PARTS - 1], NULL) == OPH_ECANCEL,
           "cancelling the whole cancels each part");
    testOk1(oph_status_error(whole, NULL) == OPH_ECANCEL);
    testOk(oph_status_finish(whole, NULL) == 0, "only its parts finish it");
    end();

    begin(oph_status_any);
    oph_status_unref(whole); /* before its parts */
    finish(0, 0);
    whole = NULL;
    end();

    begin(oph_status_all);
    for (int i = 0; i < PARTS; i++)
        finish(i, 0);
    oph_status_unref(whole);
    err = (oph_error)OPH_ERROR_INIT;
    fake_code(oph_status_all(parts, PARTS, &whole, &err), 0, &err, "of parts that are done");
    is(1, 0, "");
    end();
}

static int readable(int fd, int milliseconds)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, milliseconds);
}

static void test_descriptor(void)
{
    oph_error err = OPH_ERROR_INIT;
    int fd = -1, again = -1;
    begin(oph_status_all);
    fake_code(oph_status_fd(whole, &fd, &err), 0, &err, "a descriptor");
    testOk(readable(fd, 0) == 0, "it is not readable while the status runs");
    for (int i = 0; i < PARTS; i++)
        finish(i, 0);
    testOk(readable(fd, 5000) == 1, "it is once the status is done");
    testOk(oph_status_fd(whole, &again, &err) == 0 && again == fd, "it is always the same");
    fake_code(oph_status_fd(parts[0], &again, &err), 0, &err, "one of a status that is done");
    testOk(readable(again, 0) == 1, "it is readable at once");
    end();
    testOk(readable(fd, 0) == 1, "it goes with its status"); /* POLLNVAL */
}

/* Found by level and by edge, whether it was asked for before the end or after. */
static void test_epoll(void)
{
    static const uint32_t triggers[] = {EPOLLIN, EPOLLIN | EPOLLET};
    for (int i = 0; i < 4; i++) {
        struct epoll_event want = {.events = triggers[i % 2]}, found = {.events = 0};
        int fd = -1, set = epoll_create1(EPOLL_CLOEXEC), early = 0;
        begin(oph_status_any);
        if (i / 2) oph_status_finish(parts[0], NULL);
        oph_status_fd(whole, &fd, NULL);
        epoll_ctl(set, EPOLL_CTL_ADD, fd, &want);
        if (i / 2 == 0) {
            early = epoll_wait(set, &found, 1, 0);
            oph_status_finish(parts[0], NULL);
        }
        testOk(!early && epoll_wait(set, &found, 1, 5000) == 1 && found.events == EPOLLIN,
               "epoll by %s, asked for %s the end", i % 2 ? "edge" : "level",
               i / 2 ? "after" : "before");
        testOk1(epoll_wait(set, &found, 1, 0) == !(i % 2)); /* an edge is told once */
        close(set);
        end();
    }
}

/* Two parts end at the same moment: whichever thread is quicker, the verdict is the same. */

struct ender {
    pthread_barrier_t *ready;
    oph_status *part;
    int code;
};

static void *end_part(void *arg)
{
    const struct ender *me = arg;
    oph_error err = OPH_ERROR_INIT;
    if (me->code) oph__fail_text(&err, me->code, "failed");
    pthread_barrier_wait(me->ready);
    oph_status_finish(me->part, &err);
    return NULL;
}

static void test_race(combine *how, int wanted, const char *what)
{
    pthread_barrier_t ready;
    int good = 0;
    pthread_barrier_init(&ready, NULL, PARTS);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[PARTS];
        struct ender enders[PARTS];
        begin(how);
        for (int i = 0; i < PARTS; i++) {
            enders[i] = (struct ender){&ready, parts[i], i == round % PARTS ? 0 : OPH_EACQUIRE};
            if (how == oph_status_all) enders[i].code = OPH_EACQUIRE - enders[i].code;
            pthread_create(&threads[i], NULL, end_part, &enders[i]);
        }
        for (int i = 0; i < PARTS; i++)
            pthread_join(threads[i], NULL);
        good += oph_status_done(whole) && oph_status_error(whole, NULL) == wanted;
        end();
    }
    testOk(good == ROUNDS, "%s: %d of %d", what, good, ROUNDS);
    pthread_barrier_destroy(&ready);
}

/* Nested */

static void test_nested(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *inner = NULL, *outer = NULL, *both[2];
    for (int round = 0; round < 3; round++) { /* inner fails, succeeds, is cancelled */
        begin(oph_status_all);
        oph_status_any(parts, 2, &inner, NULL);
        both[0] = inner;
        both[1] = parts[3];
        oph_status_all(both, 2, &outer, NULL);
        if (round == 2) {
            oph_status_cancel(outer, NULL);
            testOk(oph_status_error(parts[0], NULL) == OPH_ECANCEL &&
                       oph_status_error(parts[1], NULL) == OPH_ECANCEL &&
                       oph_status_error(parts[3], NULL) == OPH_ECANCEL &&
                       !oph_status_done(parts[2]),
                   "cancelling goes down to the parts of parts");
            testOk1(oph_status_error(outer, NULL) == OPH_ECANCEL);
        } else {
            finish(1, OPH_EACQUIRE);
            testOk1(!oph_status_done(inner) && !oph_status_done(outer));
            finish(0, round ? 0 : OPH_EDISCONN);
            testOk(oph_status_done(inner) && oph_status_done(outer) == !round,
                   "any of all fails with its parts, or waits for the others");
            finish(3, 0);
            oph_status_error(outer, &err);
            testOk(oph_status_done(outer) && err.code == (round ? 0 : OPH_EACQUIRE) &&
                       !strcmp(err.text, round ? "" : "part 1 failed"),
                   "the first cause comes up: \"%s\"", err.text);
        }
        oph_status_unref(outer);
        oph_status_unref(inner);
        end();
    }
}

/* Lives */

static void post_it(oph_status *st, void *user)
{
    (void)st;
    sem_post(user);
}

static void finish_other(oph_status *st, void *user)
{
    (void)st;
    oph_status_finish(user, NULL);
}

/* Each part has a context of its own, which the user drops at once; each is finished in a callback
 * of another's dispatcher. */
static void test_contexts(void)
{
    int threads = process_threads();
    sem_t done;
    sem_init(&done, 0, 0);
    for (int i = 0; i < PARTS; i++) {
        oph_context *own = fake_context(NULL, NULL);
        if (oph_status_new(own, "part", OPH_FOREVER, &parts[i], NULL)) testAbort("no status");
        oph_context_free(own);
    }
    for (int i = 1; i < PARTS; i++)
        oph_status_on_done(parts[i - 1], finish_other, parts[i], NULL);
    oph_status_all(parts, PARTS, &whole, NULL);
    oph_status_on_done(whole, post_it, &done, NULL);
    oph_status_finish(parts[0], NULL);
    await(&done, "a callback");
    testOk(oph_status_success(whole), "parts of four contexts");
    end();
    testOk(process_calms(threads), "which are gone with the last status");
    sem_destroy(&done);
}

enum { THINGS = 5 };

/* Part 0, part 1, any of them, all of that and part 2, and the context; a callback waits. What is
 * dropped after `end` of them were is finished. */
static void live_and_drop(const int *order, int end, atomic_int *calls)
{
    oph_context *own = fake_context(NULL, NULL);
    oph_status *things[THINGS] = {NULL}, *two[2];
    sem_t done;
    sem_init(&done, 0, 0);
    for (int i = 0; i < 2; i++)
        oph_status_new(own, "part", OPH_FOREVER, &things[i], NULL);
    oph_status_any(things, 2, &things[2], NULL);
    two[0] = things[2];
    two[1] = things[1];
    oph_status_all(two, 2, &things[3], NULL);
    oph_status_on_done(things[3], post_it, &done, NULL);
    for (int n = 0; n < THINGS; n++) {
        int at = order[n];
        if (n == end)
            for (int i = 0; i < 2; i++)
                if (things[i]) oph_status_finish(things[i], NULL);
        if (n == end && things[0] && things[1]) {
            await(&done, "a callback");
            atomic_fetch_add(calls, 1);
        }
        if (at < THINGS - 1)
            oph_status_unref(things[at]);
        else
            oph_context_free(own);
        if (at < THINGS - 1) things[at] = NULL;
    }
    sem_destroy(&done);
}

static int permute(int *order, int fixed, atomic_int *calls)
{
    if (fixed == THINGS) {
        for (int end = 0; end <= THINGS; end++)
            live_and_drop(order, end, calls);
        return 1;
    }
    int count = 0;
    for (int i = fixed; i < THINGS; i++) {
        int swapped = order[fixed];
        order[fixed] = order[i];
        order[i] = swapped;
        count += permute(order, fixed + 1, calls);
        order[i] = order[fixed];
        order[fixed] = swapped;
    }
    return count;
}

/* A context lives as long as any status of it: threads that are left are a leak. */
static void test_orders(void)
{
    int order[THINGS] = {0, 1, 2, 3, 4}, threads = process_threads();
    atomic_int calls = 0;
    testOk1(permute(order, 0, &calls) == 120);
    testOk(process_calms(threads), "dropped in every order, finished or not: nothing is left");
    testOk(atomic_load(&calls) > 200, "%d were called back", atomic_load(&calls));
}

/* A long part of many short wholes does not remember them. */
static void test_forgotten(void)
{
    begin(oph_status_all);
    oph_status *two[2] = {parts[0], NULL};
    size_t before = 0;
    for (int i = 0; i < 2000; i++) {
        oph_status *one = NULL;
        oph_status_new(ctx, "short", OPH_FOREVER, &two[1], NULL);
        if (oph_status_any(two, 2, &one, NULL)) testAbort("no status");
        oph_status_finish(two[1], NULL);
        oph_status_unref(one);
        oph_status_unref(two[1]);
        if (i == 1000) before = process_heap();
    }
    testOk(process_heap() < before + 100000, "%zd bytes more after 1,000 wholes",
           process_heap() - before);
    end();
}

int main(void)
{
    testPlan(0);
    fake_begin();
    ctx = fake_context(NULL, NULL);
    test_all();
    test_any();
    test_edges();
    test_descriptor();
    test_epoll();
    test_race(oph_status_all, OPH_EACQUIRE, "one of all fails while the others succeed");
    test_race(oph_status_any, 0, "one of any succeeds while the others fail");
    test_nested();
    test_contexts();
    test_orders();
    test_forgotten();
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
