/* Dangers of Channel Access, at the level of devices. Where each danger is tested, FILE (TEST)
 * where it is not here; u/ is tests/unit, all else tests/ioc:
 *
 * a second put with completion on a channel stops the server reading this client for a minute
 *     test_again_after_timeout, test_two_threads, link (busy, abandon), link_threads,
 *     link_loss (unresponsive)
 * ... on another channel, or of another client, it waits on the record: test_other_channel
 * a put with completion is pending when the action is to be stopped: stop, sim_acquire
 * a thread's own context is lost, or is in the way: danger_host (guests), link_loss (guests)
 * a forked child: danger_host (fork), link_loss (fork), u/subscription (fork)
 * ending takes half a minute beside a server that stands still
 *     danger_loss (leaving), link_loss (close_stuck)
 * ... never returns without a channel: danger_host (no_channel)
 * ... in the middle of traffic: link_loss (close_in_traffic), life_cycles
 * ... from callbacks: u/subscription (orders)
 * a slow callback holds up libca: test_slow_callback
 * calls from callbacks: link (subscriptions), u/subscription (inside)
 * a call waits where the server does not read: danger_loss (full)
 * what is said to be lost is done later: danger_loss (long)
 * lines on the standard error: all danger tests; danger_environment (numbers),
 *     link (environment); what libca has to say: link (puts)
 * order of puts: test_order
 * access rights, as they are and as they change: danger_access (write_access,
 *     changing_access), link (rights, no_read_access), subscription (rights)
 * ... after a circuit recovers, where no event tells them: danger_loss (long)
 * DISP is no access right: danger_access (write_access), link (puts)
 * $ needs a dot: danger_access (dollar); long texts: plain_types
 * texts and arrays of one element too many: plain_values (refusals), plain_arrays (refusals)
 * lengths, as they are and as they could be: danger_access (length), plain_arrays (lengths)
 * limits of size, of the client and of the IOC: danger_environment (small_client, small_server)
 * integers that come as doubles: plain_values (integers)
 * connecting takes a moment each: counts (stage), link (connect_many)
 * several servers, and places where nobody is: danger_environment (several_servers), lost
 * an IOC stands still for a moment: danger_loss (moment)
 * ... for long: danger_loss (long), link_loss (unresponsive)
 * ... is killed: danger_loss (death), link_loss (kill)
 * ... and comes back, perhaps another: restarted, subscription (restart),
 *     link_properties (reconnection)
 */
#include "lib/check.h"
#include "lib/events.h"
#include "lib/plain.h"

#include "base/str.h"

#include <epicsUnitTest.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Another PV of the same IOC, on the same circuit: it answers, well within a get's timeout. */
static void others_answer(oph_device *dev, const char *when)
{
    oph_error err = OPH_ERROR_INIT;
    double value = 0;
    int rc = oph_get_double(dev, "other", &value, &err);

    testOk(rc == 0 && value == 42, "another PV answers %s", when);
    if (rc) testDiag("%s", err.text);
}

/* The server would stop reading this client for a minute if it got a second put with completion on
 * a channel: neither after our own timeout ... */
static void test_again_after_timeout(void)
{
    oph_context *ctx = plain_context(0, 0, 0.3);
    oph_device *dev = plain_device(ctx, "row endless endless.A rw any config\n"
                                        "row other sub ro any config\n");
    oph_error err = OPH_ERROR_INIT;

    for (int i = 1; i <= 3; i++) {
        int rc = oph_put(dev, "endless", i, &err);
        check_refused(rc, &err, OPH_ETIMEOUT, "dev.endless", "p:endless.A", NULL, NULL);
        others_answer(dev, "after a put that did not end");
    }
    oph_device_free(dev);
    oph_context_free(ctx);
}

struct putter {
    oph_device *dev;
    atomic_int *stop;
    atomic_int timeouts;
    int refused, wrong;
};

static void *put_on_and_on(void *arg)
{
    struct putter *p = arg;

    for (int i = 0; !atomic_load(p->stop); i++) {
        int rc = oph_put(p->dev, "endless", i, NULL);
        p->timeouts += rc == OPH_ETIMEOUT;
        p->refused += rc == OPH_EBUSY;
        p->wrong += rc != OPH_ETIMEOUT && rc != OPH_EBUSY;
        if (rc == OPH_EBUSY) sched_yield();
    }
    return NULL;
}

static int timeouts_of(const struct putter *putters, int count)
{
    int timeouts = 0;

    for (int i = 0; i < count; i++)
        timeouts += atomic_load(&putters[i].timeouts);
    return timeouts;
}

/* ... nor from two threads. */
static void test_two_threads(void)
{
    enum { PUTTERS = 2, TIMEOUTS = 10, READS = 1000000 };
    oph_context *ctx = plain_context(0, 0, 0.05);
    oph_device *dev = plain_device(ctx, "row endless endless.A rw any config\n"
                                        "row other sub ro any config\n");
    oph_error err = OPH_ERROR_INIT;
    struct putter putters[PUTTERS];
    pthread_t threads[PUTTERS];
    atomic_int stop = 0;
    double value;
    int rc = 0, wrong = 0;

    plain_connect(ctx, dev);
    for (int i = 0; i < PUTTERS; i++) {
        putters[i] = (struct putter){.dev = dev, .stop = &stop};
        pthread_create(&threads[i], NULL, put_on_and_on, &putters[i]);
    }
    for (int i = 0; i < READS && !rc && timeouts_of(putters, PUTTERS) < TIMEOUTS; i++)
        rc = oph_get_double(dev, "other", &value, &err);
    check_done(rc, &err, "another PV answers all the while");
    atomic_store(&stop, 1);
    for (int i = 0; i < PUTTERS; i++) {
        pthread_join(threads[i], NULL);
        wrong += putters[i].wrong;
    }
    testOk(timeouts_of(putters, PUTTERS) >= TIMEOUTS, "meanwhile %d puts timed out",
           timeouts_of(putters, PUTTERS));
    testOk(wrong == 0, "a put times out, or another one is under way");
    oph_device_free(dev);
    oph_context_free(ctx);
}

struct first {
    oph_device *dev;
    int rc;
};

static void *put_first(void *arg)
{
    struct first *first = arg;

    first->rc = oph_put(first->dev, "slower", 1, NULL);
    return NULL;
}

/* Whether each value of one digit came before any of the other; alarms do not count. */
static bool is_before(struct events *said, char first, char second)
{
    const char *at = strchr(said->text.text, ' '), *last = NULL, *next = NULL;

    for (; at; at = strchr(at + 1, ' ')) {
        if (at[1] == first) last = at;
        if (at[1] == second && !next) next = at;
    }
    return last && next && last < next;
}

/* On another channel to the same record a second put with completion freezes nothing: the record
 * takes it when the first has ended. */
static void test_other_channel(void)
{
    static const char rows[] = "row slower slower.A rw any config\nrow other sub ro any config\n";
    oph_context *ctx = plain_context(0, 0, 0);
    oph_device *one = plain_device(ctx, rows), *two = plain_device(ctx, rows);
    struct first first = {.dev = one, .rc = 1};
    struct events said;
    pthread_t thread;
    oph_error err = OPH_ERROR_INIT;

    events_init(&said);
    oph_subscription *sub = events_follow(&said, two, "slower", NULL);
    events_wait(&said, 2, 10);
    pthread_create(&thread, NULL, put_first, &first);
    testOk(events_have(&said, "1", 10), "a put is under way");
    others_answer(two, "while a put is under way");
    check_done(oph_put(two, "slower", 2, &err), &err, "a second put, on another channel");
    pthread_join(thread, NULL);
    testOk(first.rc == 0, "the first has ended as well");
    events_have(&said, "2", 10);
    testOk(is_before(&said, '1', '2'), "one after the other");
    oph_subscription_free(sub);
    events_free(&said);
    oph_device_free(one);
    oph_device_free(two);
    oph_context_free(ctx);
}

/* Puts to one IOC go out, and are carried out, in the order in which they were asked for; a slow
 * one among them does not delay the rest. */
static void test_order(void)
{
    enum { MANY = 100, PUTS = 50 };
    const oph_put_options plain = {.size = sizeof plain, .policy = OPH_PUT_SEND},
                          completed = {.size = sizeof completed, .policy = OPH_PUT_COMPLETE};
    oph_context *ctx = plain_context(0, 0, 0);
    struct oph__buf text = {0};
    oph_group *puts = NULL, *turns = NULL;
    char attr[16];
    oph_error err = OPH_ERROR_INIT;
    int rc = 0, wrong = 0;

    oph__buf_add(&text, "row slow slow.A rw any config\n");
    for (int i = 0; i < MANY; i++)
        oph__buf_addf(&text, "row many%d many:%d rw any config\nrow turn%d turn:%d ro any config\n",
                      i, i, i, i);
    oph_device *dev = plain_device(ctx, text.text);
    oph__buf_free(&text);
    plain_connect(ctx, dev);
    oph_group_new(ctx, &puts, &err);
    oph_group_new(ctx, &turns, &err);
    for (int i = 0; i < PUTS && !rc; i++) {
        snprintf(attr, sizeof attr, "many%d", i * 37 % MANY);
        rc = oph_group_put(puts, plain_signal(dev, attr), OPH_INT(i), i % 2 ? &plain : &completed,
                           &err);
        snprintf(attr, sizeof attr, "turn%d", i * 37 % MANY);
        if (!rc) rc = oph_group_read(turns, plain_signal(dev, attr), NULL, &err);
        if (!rc && i == PUTS / 4)
            rc = oph_group_put(puts, plain_signal(dev, "slow"), OPH_INT(i), &completed, &err);
    }
    if (!rc) rc = oph_group_run(puts, OPH_DEFAULT, NULL, &err);
    if (!rc) rc = oph_group_run(turns, OPH_DEFAULT, NULL, &err);
    check_done(rc, &err, "puts in permuted order, and the turns in which they came");
    for (int i = 0; i < PUTS; i++) {
        const oph_value *turn = oph_group_value(turns, (size_t)i);
        const oph_value *last = i ? oph_group_value(turns, (size_t)i - 1) : NULL;
        wrong += !turn || (last && *(const double *)oph_value_data(turn) !=
                                       *(const double *)oph_value_data(last) + 1);
    }
    testOk(wrong == 0, "each comes right after the one before");
    oph_group_free(puts);
    oph_group_free(turns);
    oph_device_free(dev);
    oph_context_free(ctx);
}

/* What a callback of ours waits for: the test. */
struct gate {
    sem_t inside, open;
};

static void wait_at_gate(const oph_event *event, void *user)
{
    struct gate *gate = user;

    if (!oph_event_value(event)) return;
    sem_post(&gate->inside);
    while (sem_wait(&gate->open)) {
    }
}

/* libca waits for running callbacks before it clears anything; ours run elsewhere. */
static void test_slow_callback(void)
{
    oph_context *ctx = plain_context(0, 0, 0);
    oph_device *dev = plain_device(ctx, "row ao ao rw any config\n"
                                        "row other sub ro any config\n");
    oph_device *gone = plain_device(ctx, "row ai ai ro any config\n");
    oph_subscription *slow = NULL, *sub = NULL;
    struct events said;
    struct gate gate;
    oph_error err = OPH_ERROR_INIT;
    double value;

    events_init(&said);
    sem_init(&gate.inside, 0, 0);
    sem_init(&gate.open, 0, 0);
    check_done(oph_subscribe(plain_signal(dev, "ao"), NULL, wait_at_gate, &gate, &slow, &err), &err,
               "a slow callback");
    while (sem_wait(&gate.inside)) {
    }
    others_answer(dev, "while it runs");
    check_done(oph_subscribe(plain_signal(dev, "other"), NULL, events_on, &said, &sub, &err), &err,
               "another subscription");
    check_done(oph_get_double(gone, "ai", &value, &err), &err, "another device is read");
    oph_device_free(gone);
    check_done(oph_put(dev, "ao", 0.75, &err), &err, "a put completes");
    testOk(said.count == 0, "no other callback has run");
    for (int i = 0; i < 10; i++) /* more than there are values */
        sem_post(&gate.open);
    testOk1(events_have(&said, "42", 10));
    oph_subscription_free(sub);
    oph_subscription_free(slow);
    events_free(&said);
    oph_device_free(dev);
    oph_context_free(ctx);
}

int main(void)
{
    testPlan(0);
    quiet_begin();
    struct sim *plain = plain_start();
    test_again_after_timeout();
    test_two_threads();
    test_other_channel();
    test_order();
    test_slow_callback();
    sim_stop(plain);
    quiet_end();
    return testDone();
}
