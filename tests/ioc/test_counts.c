/* What operations cost the system: messages sent, and threads put to sleep. Many in one call cost
 * no more messages than one. */
#include "lib/count.h"
#include "lib/detector.h"
#include "lib/events.h"
#include "lib/plain.h"

#include "base/str.h"

#include <epicsUnitTest.h>
#include <stdio.h>
#include <stdlib.h>

enum { MANY = 100, ROUNDS = 100 };

/* A round trip wakes libca's sending thread, its receiving one and the caller: three. Where a
 * thread is woken up before the lock is free it sleeps once more, so there is room for two; a way
 * over a thread of the library would cost as many. While many go out and come in, one thread waits
 * for another's lock now and then, on a loaded machine more often: at one in four, where each by
 * itself would cost three. */
enum { SWITCHES = 5, CONTENTION = MANY / 4 };

/* Messages of libca's or the library's own, as when the IOC's rights change: a few at any time,
 * none for each of many. */
enum { STRAY = 2 };

static oph_context *ctx;

static bool is_about(long sends, long wanted)
{
    return sends >= wanted && sends <= wanted + STRAY;
}

static oph_device *device_of(int count)
{
    struct oph__buf text = {0};

    for (int i = 0; i < count; i++)
        oph__buf_addf(&text, "row many%d many:%d rw int config\n", i, i);
    oph_device *dev = plain_device(ctx, text.text);
    oph__buf_free(&text);
    return dev;
}

static void set_all(oph_device *dev, int count, int value)
{
    char key[16];

    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "many%d", i);
        oph_settings_set(dev, key, value + i, NULL);
    }
}

static void test_one(void)
{
    oph_device *dev = device_of(1);
    oph_signal *sig = plain_signal(dev, "many0");
    oph_error err = OPH_ERROR_INIT;
    int64_t value = -1;
    int rc = oph_signal_get_int(sig, &value, &err); /* connects */

    struct counts before = count_now();
    for (int i = 0; i < ROUNDS && !rc; i++)
        rc = oph_signal_get_int(sig, &value, &err);
    struct counts gets = count_since(&before);
    check_done(rc, &err, "a signal is read again and again");
    testOk(is_about(gets.sends, ROUNDS), "a read is one message");
    testOk(gets.switches <= SWITCHES * ROUNDS, "%.2f times asleep a read, at most %d",
           (double)gets.switches / ROUNDS, SWITCHES);
    count_tell("reads", &gets);

    before = count_now();
    for (int i = 0; i < ROUNDS && !rc; i++)
        rc = oph_signal_put_int(sig, i, &err);
    struct counts puts = count_since(&before);
    check_done(rc, &err, "and written");
    testOk(is_about(puts.sends, 2 * ROUNDS),
           "a put that completes and is read back is two messages");
    testOk(puts.switches <= 2 * SWITCHES * ROUNDS, "%.2f times asleep a put, at most %d",
           (double)puts.switches / ROUNDS, 2 * SWITCHES);
    count_tell("puts", &puts);
    oph_device_free(dev);
}

struct costs {
    struct counts stage, unstage;
};

/* The first stage connects; the second is measured alone. */
static struct costs costs_of(int count)
{
    struct costs costs;
    oph_error err = OPH_ERROR_INIT;
    oph_device *dev = device_of(count);
    int rc = 0;

    set_all(dev, count, 5);
    rc = oph_stage(dev, NULL, &err);
    if (!rc) rc = oph_unstage(dev, NULL, &err);
    struct counts before = count_now();
    if (!rc) rc = oph_stage(dev, NULL, &err);
    costs.stage = count_since(&before);
    before = count_now();
    if (!rc) rc = oph_unstage(dev, NULL, &err);
    costs.unstage = count_since(&before);
    testOk(rc == 0, "%d settings are staged and put back", count);
    if (rc) testDiag("%s", err.text);
    oph_device_free(dev);
    return costs;
}

static void test_stage(void)
{
    struct costs one = costs_of(1), many = costs_of(MANY);

    testOk(is_about(one.stage.sends, 3) && is_about(many.stage.sends, 3),
           "to stage is to read all, write all, read all back");
    testOk(is_about(one.unstage.sends, 2) && is_about(many.unstage.sends, 2),
           "to unstage is to read all, write all while watching; to end that may take one more");
    testOk(many.stage.switches <= 3 * (SWITCHES + CONTENTION),
           "%ld times asleep while staging, at most %d", many.stage.switches,
           3 * (SWITCHES + CONTENTION));
    count_tell("staging many", &many.stage);
    count_tell("unstaging one", &one.unstage);
    count_tell("unstaging many", &many.unstage);
}

/* Searching, creating and describing: libca sends in a few pieces, in more where its threads get
 * their turn late. The cheapest of several times. */
static void test_connect(void)
{
    enum { TIMES = 6 };
    struct counts least = {0};

    for (int i = 0; i < TIMES && (i == 0 || least.sends >= MANY / 2); i++) {
        oph_device *dev = device_of(MANY);
        struct counts before = count_now();
        plain_connect(ctx, dev);
        struct counts costs = count_since(&before);
        if (i == 0 || costs.sends < least.sends) least = costs;
        oph_device_free(dev);
    }
    testOk(least.sends < MANY / 2, "%d signals connect together", MANY);
    count_tell("connecting many", &least);
}

/* Groups: one message, or one and the readbacks', however many signals there are. */

enum kind { CONNECT, READ, SEND, COMPLETE, VERIFY, WAIT, CACHED, KINDS };

static int add(oph_group *group, enum kind kind, oph_signal *sig, int64_t value, oph_error *err)
{
    static const int32_t policies[] = {
        [SEND] = OPH_PUT_SEND, [COMPLETE] = OPH_PUT_COMPLETE, [VERIFY] = OPH_PUT_VERIFY};
    const oph_read_options cached = {.size = sizeof cached, .source = OPH_SOURCE_CACHE};
    const oph_condition any = {.size = sizeof any};

    if (kind == CONNECT) return oph_group_connect(group, sig, err);
    if (kind == READ) return oph_group_read(group, sig, NULL, err);
    if (kind == CACHED) return oph_group_read(group, sig, &cached, err);
    if (kind == WAIT) return oph_group_wait(group, sig, &any, 10, err);
    const oph_put_options opt = {.size = sizeof opt, .policy = policies[kind]};
    return oph_group_put(group, sig, OPH_INT(value), &opt, err);
}

/* What it costs to run a group of so many, once all are connected; ROUNDS times over. */
static struct counts group_costs(oph_device *dev, enum kind kind, int count)
{
    struct counts costs = {0};
    oph_group *group = NULL;
    int64_t value;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_group_new(ctx, &group, &err);

    for (int i = 0; i < count && !rc; i++)
        rc = add(group, kind, plain_signal(dev, oph_device_attr_at(dev, (size_t)i)), i, &err);
    if (!rc) rc = oph_group_run(group, OPH_DEFAULT, NULL, &err); /* connects, fills the cache */
    if (!rc) rc = oph_get_int(dev, "many0", &value, &err);       /* after what was sent before */
    struct counts before = count_now();
    for (int i = 0; i < ROUNDS && !rc; i++)
        rc = oph_group_run(group, OPH_DEFAULT, NULL, &err);
    costs = count_since(&before);
    if (rc) testDiag("%s", err.text);
    oph_group_free(group);
    return rc ? (struct counts){.sends = -1} : costs;
}

static void test_groups(void)
{
    static const struct {
        const char *name;
        int messages; /* at most. What nobody waits for, as the end of a wait's subscription, libca
                         may send in two pieces */
    } wanted[KINDS] = {
        [CONNECT] = {"connects of what is connected", 0},
        [READ] = {"reads", 1},
        [SEND] = {"puts, just sent", 2},
        [COMPLETE] = {"puts with completion", 1},
        [VERIFY] = {"puts that are read back", 2},
        [WAIT] = {"waits for a value", 4},
        [CACHED] = {"cached reads", 0},
    };
    oph_device *dev = device_of(MANY);

    plain_settle(ctx, dev);
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct counts one = group_costs(dev, kind, 1), many = group_costs(dev, kind, MANY);
        int sends = wanted[kind].messages * ROUNDS, sleeps = sends * SWITCHES + CONTENTION;
        count_tell("one", &one);
        count_tell("many", &many);
        testOk(one.sends >= 0 && one.sends <= sends + STRAY && many.sends >= 0 &&
                   many.sends <= sends + STRAY,
               "%d %s are at most %d messages, as one is", MANY, wanted[kind].name,
               wanted[kind].messages);
        testOk(one.switches <= sleeps && many.switches <= sleeps + sends * CONTENTION,
               "%.2f times asleep, of one %.2f", (double)many.switches / ROUNDS,
               (double)one.switches / ROUNDS);
    }
    oph_device_free(dev);
}

/* Updates cost nothing to get. */
static void test_updates(void)
{
    enum { SIGNALS = 30, UPDATES = 5 };
    struct oph__buf text = {0};
    struct events said[SIGNALS];
    oph_subscription *subs[SIGNALS];
    char attr[16];

    for (int i = 0; i < SIGNALS; i++)
        oph__buf_addf(&text, "row ticks%d ticks rw float config\n", i);
    oph_device *dev = plain_device(ctx, text.text);
    oph__buf_free(&text);
    for (int i = 0; i < SIGNALS; i++) {
        snprintf(attr, sizeof attr, "ticks%d", i);
        events_init(&said[i]);
        subs[i] = events_follow(&said[i], dev, attr, NULL);
    }
    for (int i = 0; i < SIGNALS; i++)
        events_wait(&said[i], 3, 10); /* connected, the first value, a change */
    for (int i = 0; i < SIGNALS; i++)
        events_forget(&said[i]);
    struct counts before = count_now();
    int came = 0;
    for (int i = 0; i < SIGNALS; i++)
        came += events_wait(&said[i], UPDATES, 10);
    struct counts updates = count_since(&before);
    testOk(came == SIGNALS && updates.sends <= STRAY, "%d updates, and nothing sent for them",
           SIGNALS * UPDATES);
    count_tell("updates", &updates);
    for (int i = 0; i < SIGNALS; i++) {
        oph_subscription_free(subs[i]);
        events_free(&said[i]);
    }
    oph_device_free(dev);
}

static const char *const settings_of_cam[] = {"array_callbacks", "num_exposures",  "min_x",
                                              "min_y",           "size.size_x",    "size.size_y",
                                              "delay_time",      "min_flat_field", "trigger_mode"};
enum { MORE = sizeof settings_of_cam / sizeof *settings_of_cam };

/* The cheapest of several times: a readback that is late is watched, which takes messages more. */
static struct counts stage_detector(struct detector *d, const char *what)
{
    enum { TIMES = 4 };
    struct counts least = {0};
    oph_error err = OPH_ERROR_INIT;
    int rc = 0;

    for (int i = 0; i < TIMES && !rc; i++) {
        struct counts before = count_now();
        rc = oph_stage(d->det, NULL, &err);
        struct counts costs = count_since(&before);
        if (!rc) rc = oph_unstage(d->det, NULL, &err);
        if (i == 0 || costs.sends < least.sends) least = costs;
    }
    check_done(rc, &err, what);
    count_tell(what, &least);
    return least;
}

/* As they are: that changes nothing, and each is written, completed and read back all the same. */
static void set_more(struct detector *d)
{
    oph_error err = OPH_ERROR_INIT;
    int64_t value;
    int rc = 0;

    for (int i = 0; i < MORE && !rc; i++) {
        rc = oph_get_int(d->cam, settings_of_cam[i], &value, &err);
        if (!rc) rc = oph_settings_set(d->cam, settings_of_cam[i], value, &err);
    }
    check_done(rc, &err, "more settings of the camera");
}

static void test_detector(void)
{
    struct detector d;

    const oph_context_options patient = {.size = sizeof patient,
                                         .connect_timeout = 20,
                                         .get_timeout = 20,
                                         .put_timeout = 20,
                                         .grace = 20};
    detector_start(&d, NULL, &patient);
    struct counts few = stage_detector(&d, "a detector is staged");
    set_more(&d);
    struct counts more = stage_detector(&d, "with more settings");
    testOk(more.sends < few.sends + MORE, "%d more settings cost no more messages: %ld, %ld", MORE,
           few.sends, more.sends);
    detector_end(&d);
}

int main(void)
{
    testPlan(0);
    test_detector();
    struct sim *plain = plain_start();
    ctx = plain_context(0, 0, 0);
    test_one();
    test_stage();
    test_connect();
    test_groups();
    test_updates();
    oph_context_free(ctx);
    sim_stop(plain);
    return testDone();
}
