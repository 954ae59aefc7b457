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
 * over a thread of the library would cost as many. */
enum { SWITCHES = 5 };

static oph_context *ctx;

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
    testOk(gets.sends == ROUNDS && gets.datagrams == 0, "a read is one message");
    testOk(gets.switches <= SWITCHES * ROUNDS, "%.2f times asleep a read, at most %d",
           (double)gets.switches / ROUNDS, SWITCHES);
    count_tell("reads", &gets);

    before = count_now();
    for (int i = 0; i < ROUNDS && !rc; i++)
        rc = oph_signal_put_int(sig, i, &err);
    struct counts puts = count_since(&before);
    check_done(rc, &err, "and written");
    testOk(puts.sends == 2 * ROUNDS && puts.datagrams == 0,
           "a put that completes and is read back is two messages");
    testOk(puts.switches <= 2 * SWITCHES * ROUNDS, "%.2f times asleep a put, at most %d",
           (double)puts.switches / ROUNDS, 2 * SWITCHES);
    count_tell("puts", &puts);
    oph_device_free(dev);
}

struct costs {
    struct counts connect, stage, unstage;
};

/* The first stage connects; the second is measured alone. */
static struct costs costs_of(int count)
{
    struct costs costs;
    oph_error err = OPH_ERROR_INIT;
    oph_device *dev = device_of(count);
    int rc = 0;

    set_all(dev, count, 5);
    struct counts before = count_now();
    rc = oph_stage(dev, NULL, &err);
    costs.connect = count_since(&before);
    if (!rc) rc = oph_unstage(dev, NULL, &err);
    before = count_now();
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

    testOk(one.stage.sends == 3 && many.stage.sends == 3,
           "to stage is to read all, write all, read all back");
    testOk(one.unstage.sends == 3 && many.unstage.sends == 3, "to unstage as well");
    testOk(many.stage.switches <= 3 * SWITCHES, "%ld times asleep while staging, at most %d",
           many.stage.switches, 3 * SWITCHES);
    count_tell("staging many", &many.stage);
    /* Searching, creating and describing: libca sends in as many pieces as it likes, but one by one
     * it would be three for each. */
    testOk(many.connect.sends < 2 * MANY, "%d signals connect together", MANY);
    count_tell("connecting one", &one.connect);
    count_tell("connecting many", &many.connect);
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
    testOk(came == SIGNALS && updates.sends == 0, "%d updates, and nothing sent for them",
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

static struct counts stage_detector(struct detector *d, const char *what)
{
    oph_error err = OPH_ERROR_INIT;
    struct counts before = count_now();
    int rc = oph_stage(d->det, NULL, &err);
    struct counts costs = count_since(&before);

    if (!rc) rc = oph_unstage(d->det, NULL, &err);
    check_done(rc, &err, what);
    count_tell(what, &costs);
    return costs;
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

    detector_start(&d, NULL, NULL);
    stage_detector(&d, "a detector is staged");
    struct counts few = stage_detector(&d, "and again");
    set_more(&d);
    struct counts more = stage_detector(&d, "with more settings");
    testOk(more.sends < few.sends + MORE, "%d more settings cost no more messages: %ld, %ld", MORE,
           few.sends, more.sends);
    detector_end(&d);
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;

    testPlan(0);
    test_detector();
    struct sim *plain = plain_start();
    if (oph_context_new(NULL, &ctx, &err)) testAbort("%s", err.text);
    test_one();
    test_stage();
    test_updates();
    oph_context_free(ctx);
    sim_stop(plain);
    return testDone();
}
