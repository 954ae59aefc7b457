/* The link against a small IOC: connecting, reading, writing, subscribing, access rights. */
#include "lib/link_pv.h"

#include "base/log.h"

#include <epicsUnitTest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MANY = 100 };

static void test_connect_many(struct oph__link *link)
{
    static struct pv pvs[MANY];
    char name[32];
    int up = 0, right = 0;

    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "m:many%d", i);
        pv_init(&pvs[i], link, name);
    }
    testOk1(pvs[0].ops->flush(link, NULL) == 0);
    for (int i = 0; i < MANY; i++)
        up += pv_wait(&pvs[i], &pvs[i].ups, 1, 10);
    testOk(up == MANY, "%d of %d channels came up after one flush", up, MANY);
    for (int i = 0; i < MANY; i++)
        pvs[i].ops->get(pvs[i].chan, OPH_NONE, 0, pv_on_get, &pvs[i], NULL);
    pvs[0].ops->flush(link, NULL);
    for (int i = 0; i < MANY; i++)
        right += pv_wait(&pvs[i], &pvs[i].gets, 1, 10) && *(int32_t *)pvs[i].bytes == i;
    testOk(right == MANY, "%d of %d values were read after one flush", right, MANY);
    for (int i = 0; i < MANY; i++)
        pv_free(&pvs[i]);
}

static void test_infos(struct oph__link *link)
{
    static const struct {
        const char *name;
        int32_t dtype;
        uint32_t count;
        int precision;
        const char *units;
        double low, high;
    } rows[] = {
        {"m:ai", OPH_FLOAT64, 1, 3, "mm", 0, 0},
        {"m:ao", OPH_FLOAT64, 1, 2, "s", -5, 5},
        {"m:longout", OPH_INT32, 1, 0, "", 0, 100},
        {"m:stringout", OPH_TEXT, 1, 0, "", 0, 0},
        {"m:chars", OPH_UINT8, 256, 0, "", 0, 0},
        {"m:doubles", OPH_FLOAT64, 1000, 0, "", 0, 0},
        {"m:longs", OPH_INT32, 1000, 0, "", 0, 0},
        {"m:floats", OPH_FLOAT32, 10, 0, "", 0, 0},
        {"m:shorts", OPH_INT16, 10, 0, "", 0, 0},
        {"m:mbbo", OPH_ENUM, 1, 0, "", 0, 0},
        {"m:stringout.VAL$", OPH_UINT8, 40, 0, "", 0, 0},
    };
    struct oph__chan_info info;
    char host[64];

    snprintf(host, sizeof host, ":%s", strrchr(getenv("EPICS_CA_NAME_SERVERS"), ':') + 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pv pv;
        pv_init(&pv, link, rows[i].name);
        testOk(!pv.ops->chan_info(pv.chan, &info), "%s: no info yet", rows[i].name);
        pv.ops->flush(link, NULL);
        pv_wait(&pv, &pv.ups, 1, 10);
        testOk(pv.ops->chan_info(pv.chan, &info) && info.dtype == rows[i].dtype &&
                   info.count == rows[i].count && info.precision == rows[i].precision &&
                   strcmp(info.units, rows[i].units) == 0 && info.control_low == rows[i].low &&
                   info.control_high == rows[i].high && info.readable && info.writable,
               "%s: %s[%u] prec %d units '%s' %g to %g", rows[i].name, oph_dtype_name(info.dtype),
               info.count, info.precision, info.units, info.control_low, info.control_high);
        testOk(strstr(info.host, host) != NULL, "%s: host %s", rows[i].name, info.host);
        if (info.dtype == OPH_ENUM)
            testOk1(info.label_count == 3 && strcmp(info.labels[0], "Single") == 0 &&
                    strcmp(info.labels[2], "Continuous") == 0);
        testOk1(strcmp(pv.ops->chan_name(pv.chan), rows[i].name) == 0);
        pv_free(&pv);
    }
}

static void test_gets(struct oph__link *link)
{
    struct pv ai, mbbo, array, nothing;
    double numbers[10], *back = (double *)array.bytes;
    time_t now = time(NULL);
    oph_error err = OPH_ERROR_INIT;

    pv_open(&ai, link, "m:ai");
    pv_open(&mbbo, link, "m:mbbo");
    pv_open(&array, link, "m:doubles");
    testOk1(pv_get(&ai, OPH_NONE, 0) == 0 && *(double *)ai.bytes == 1.5);
    testOk1(ai.got.dtype == OPH_FLOAT64 && ai.got.count == 1 && ai.got.severity == 0);
    testOk(ai.got.seconds <= now + 1 && ai.got.seconds > now - 60, "a Unix time");
    testOk1(pv_get(&ai, OPH_TEXT, 0) == 0 && strcmp((char *)ai.bytes, "1.500") == 0);
    testOk1(pv_get(&ai, OPH_INT32, 1) == 0 && *(int32_t *)ai.bytes == 1);
    testOk1(pv_get(&mbbo, OPH_NONE, 0) == 0 && *(uint16_t *)mbbo.bytes == 1);
    testOk1(pv_get(&mbbo, OPH_TEXT, 0) == 0 && strcmp((char *)mbbo.bytes, "Multiple") == 0);

    for (int i = 0; i < 10; i++)
        numbers[i] = i / 8.0;
    testOk1(pv_put(&array, OPH_FLOAT64, 10, numbers) == 0);
    testOk(pv_get(&array, OPH_NONE, 0) == 0 && array.got.count == 10, "0 is the current length");
    testOk1(back[0] == 0 && back[9] == 9 / 8.0);
    testOk1(pv_get(&array, OPH_INT16, 3) == 0 && array.got.count == 3 &&
            array.got.dtype == OPH_INT16 && *(int16_t *)array.bytes == 0);

    testOk1(ai.ops->get(ai.chan, OPH_UINT64, 0, pv_on_get, &ai, &err) == OPH_ETYPE);
    testOk1(strcmp(err.text, "m:ai: wanted a type that Channel Access carries, found uint64") == 0);
    pv_init(&nothing, link, "m:nothing");
    nothing.ops->flush(link, NULL);
    testOk1(nothing.ops->get(nothing.chan, OPH_NONE, 0, pv_on_get, &nothing, &err) == OPH_EDISCONN);
    testOk1(nothing.ops->put(nothing.chan, OPH_INT32, 1, numbers, NULL, NULL, NULL) ==
            OPH_EDISCONN);
    pv_free(&nothing);
    pv_free(&array);
    pv_free(&mbbo);
    pv_free(&ai);
}

static void test_names(struct oph__link *link)
{
    struct pv pv, other;
    char name[1009];
    oph_error err = OPH_ERROR_INIT;

    memset(name, 'n', sizeof name);
    name[1008] = 0;
    pv_init(&pv, link, name + 1);
    testOk(pv.ops->flush(link, &err) == 0, "libca searches for a name of 1,007 characters");
    testOk(pv.ops->chan_new(link, name, pv_on_state, &other, &other.chan, &err) == OPH_EINVAL,
           "one more is refused");
    testOk1(strstr(err.text, "wanted a PV name of 1 to 1007 characters, found 1008") != NULL);
    testOk1(pv.ops->chan_new(link, "", pv_on_state, &other, &other.chan, &err) == OPH_EINVAL);
    pv_free(&pv);

    pv_init(&pv, link, "m:ai");
    pv_free(&pv); /* before anybody searched for it */
    pv_init(&other, link, "m:ai");
    testOk1(other.ops->flush(link, &err) == 0 && pv_wait(&other, &other.ups, 1, 10));
    pv_free(&other);
}

static void test_puts(struct oph__link *link, const char *logged)
{
    struct pv ao, mbbo, text, disp, name;
    double value = 3.25, two[2] = {1, 2};
    uint16_t index = 2;
    char cells[OPH__STRING_BYTES] = "new";
    oph_error err = OPH_ERROR_INIT;

    pv_open(&ao, link, "m:ao");
    pv_open(&mbbo, link, "m:mbbo");
    pv_open(&text, link, "m:stringout");
    pv_open(&disp, link, "m:ao.DISP");
    pv_open(&name, link, "m:ao.NAME");
    testOk1(ao.ops->put(ao.chan, OPH_FLOAT64, 1, &value, NULL, NULL, NULL) == 0);
    testOk(pv_get(&ao, OPH_NONE, 0) == 0 && *(double *)ao.bytes == 3.25, "plain put, then get");
    testOk1(pv_put_double(&ao, 4.5) == 0 && pv_get(&ao, OPH_NONE, 0) == 0 &&
            *(double *)ao.bytes == 4.5);
    testOk1(pv_put(&mbbo, OPH_ENUM, 1, &index) == 0 && pv_get(&mbbo, OPH_NONE, 0) == 0 &&
            *(uint16_t *)mbbo.bytes == 2);
    testOk1(pv_put_text(&mbbo, "Single") == 0 && pv_get(&mbbo, OPH_NONE, 0) == 0 &&
            *(uint16_t *)mbbo.bytes == 0);
    testOk1(pv_put(&text, OPH_TEXT, 1, cells) == 0 && pv_get(&text, OPH_NONE, 0) == 0 &&
            strcmp((char *)text.bytes, "new") == 0);

    testOk1(ao.ops->put(ao.chan, OPH_FLOAT64, 2, two, NULL, NULL, &err) == OPH_ERANGE);
    testOk(strcmp(err.text, "m:ao: wanted 1 to 1 elements, found 2") == 0, "%s", err.text);
    testOk1(ao.ops->put(ao.chan, OPH_UINT32, 1, two, NULL, NULL, NULL) == OPH_ETYPE);
    testOk1(name.ops->put(name.chan, OPH_TEXT, 1, cells, NULL, NULL, &err) == OPH_EACCESS);
    testOk(pv_put_text(&mbbo, "No such label") == OPH_EPUT, "the IOC refused a label");

    testOk1(pv_put_double(&disp, 1) == 0);
    testOk(pv_put_double(&ao, 1) == OPH_EPUT, "a put that the IOC refuses, with completion");
    testOk1(ao.ops->put(ao.chan, OPH_FLOAT64, 1, &value, NULL, NULL, NULL) == 0);
    testOk1(pv_get(&ao, OPH_NONE, 0) == 0 && *(double *)ao.bytes == 4.5);
    testOk(strncmp(logged, "m:ao: ", 6) == 0, "a plain one is in the log: %s", logged);
    testOk1(pv_put_double(&disp, 0) == 0);
    pv_free(&name);
    pv_free(&disp);
    pv_free(&text);
    pv_free(&mbbo);
    pv_free(&ao);
}

static void test_busy(struct oph__link *link)
{
    struct pv slow, other;
    double value = 1;
    oph_error err = OPH_ERROR_INIT;

    pv_open(&slow, link, "m:slow.A");
    pv_open(&other, link, "m:ai");
    testOk1(slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, NULL) == 0);
    testOk1(slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, &err) == OPH_EBUSY);
    testOk(strstr(err.text, "one put with completion at a time") != NULL, "%s", err.text);
    testOk(slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, NULL, NULL, NULL) == 0,
           "a plain put is not refused");
    slow.ops->flush(link, NULL);
    testOk(pv_get(&other, OPH_NONE, 0) == 0 && pv_count(&slow, &slow.puts) == 0,
           "the circuit answers while the put is under way");
    testOk1(pv_wait(&slow, &slow.puts, 1, 5) && slow.put_code == 0);
    testOk(pv_put_double(&slow, 2) == 0 && pv_count(&slow, &slow.puts) == 2, "and again");
    pv_free(&other);
    pv_free(&slow);
}

static void test_abandon(struct oph__link *link)
{
    struct pv slow, other;
    struct oph__chanmon *mon = NULL;
    double value = 11;
    oph_error err = OPH_ERROR_INIT;

    pv_open(&slow, link, "m:slower.A");
    pv_open(&other, link, "m:ai");
    slow.ops->subscribe(slow.chan, OPH_NONE, 0, OPH__UPDATES, pv_on_event, &slow, &mon, NULL);
    slow.ops->flush(link, NULL);
    testOk1(pv_wait(&slow, &slow.events, 1, 5));
    testOk1(slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, NULL) == 0);
    slow.ops->flush(link, NULL);
    testOk1(pv_wait(&slow, &slow.events, 2, 5));
    slow.ops->put_abandon(slow.chan, &other);
    testOk(slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, &err) == OPH_EBUSY,
           "only who began a put gives it up");
    slow.ops->put_abandon(slow.chan, &slow);
    value = 12;
    testOk1(slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, &err) == 0);
    testOk(slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, &err) == OPH_EBUSY,
           "the held one counts");
    testOk(pv_get(&slow, OPH_NONE, 0) == 0, "the channel can be read meanwhile");
    testOk1(pv_get(&other, OPH_NONE, 0) == 0 && pv_count(&slow, &slow.puts) == 0);
    testOk(pv_wait(&slow, &slow.puts, 1, 8) && slow.put_code == 0, "the second put completed");
    testOk1(pv_get(&slow, OPH_NONE, 0) == 0 && *(double *)slow.bytes == 12);
    testOk(pv_count(&slow, &slow.ups) == 1 && pv_count(&slow, &slow.downs) == 0,
           "the channel never went down");
    int events = pv_count(&slow, &slow.events);
    value = 13;
    slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, NULL, NULL, NULL);
    slow.ops->flush(link, NULL);
    testOk(pv_wait(&slow, &slow.events, events + 1, 5) && *(double *)slow.bytes == 13,
           "the subscription goes on");

    slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, NULL);
    slow.ops->put_abandon(slow.chan, &slow);
    slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, NULL);
    slow.ops->put_abandon(slow.chan, &slow);
    slow.ops->put_abandon(slow.chan, &slow);
    testOk(slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, NULL) == 0,
           "abandoned at once, and the held one too");
    testOk1(pv_wait(&slow, &slow.puts, 2, 8) && pv_count(&slow, &slow.puts) == 2);
    slow.ops->unsubscribe(mon);
    pv_free(&other);
    pv_free(&slow);
}

struct leaver {
    struct pv pv;
    struct oph__chanmon *mon;
    int calls, code;
};

static void leave(void *user, const struct oph__event *event)
{
    struct leaver *leaver = user;
    struct pv *pv = &leaver->pv;

    leaver->code = pv->ops->get(pv->chan, OPH_NONE, 0, pv_on_get, pv, NULL);
    pv->ops->unsubscribe(leaver->mon);
    leaver->calls++;
    pv_on_event(pv, event);
}

static void leave_channel(void *user, const struct oph__event *event)
{
    struct pv *pv = user;

    pv->ops->chan_free(pv->chan);
    pv_on_event(pv, event);
}

static void test_subscriptions(struct oph__link *link)
{
    struct pv pv, ticks;
    struct leaver leaver = {0};
    struct oph__chanmon *mon = NULL, *text = NULL;
    int wrong = 0;

    pv_init(&pv, link, "m:longout");
    testOk(pv.ops->subscribe(pv.chan, OPH_NONE, 0, OPH__UPDATES, pv_on_event, &pv, &mon, NULL) == 0,
           "subscribed before the channel is up");
    pv.ops->flush(link, NULL);
    testOk1(pv_wait(&pv, &pv.events, 1, 10));
    for (int32_t i = 0; i < MANY; i++)
        pv_put(&pv, OPH_INT32, 1, &i);
    testOk1(pv_wait(&pv, &pv.events, 1 + MANY, 10));
    for (int i = 0; i < MANY; i++)
        wrong += pv.log[1 + i] != i;
    testOk(wrong == 0, "%d updates in order", MANY);
    pv.ops->unsubscribe(mon);
    pv_put_double(&pv, 50);
    testOk1(pv_count(&pv, &pv.events) == 1 + MANY);
    testOk1(pv.ops->subscribe(pv.chan, OPH_TEXT, 0, OPH__UPDATES, pv_on_event, &pv, &text, NULL) ==
            0);
    pv.ops->flush(link, NULL);
    testOk1(pv_wait(&pv, &pv.events, 2 + MANY, 10) && strcmp((char *)pv.bytes, "50") == 0);
    testOk1(pv.ops->subscribe(pv.chan, OPH_INT64, 0, OPH__UPDATES, pv_on_event, &pv, &mon, NULL) ==
            OPH_ETYPE);
    pv_free(&pv); /* with a subscription */

    pv_open(&leaver.pv, link, "m:ticks");
    pv_open(&ticks, link, "m:ticks");
    leaver.pv.ops->subscribe(leaver.pv.chan, OPH_NONE, 0, OPH__UPDATES, leave, &leaver, &leaver.mon,
                             NULL);
    ticks.ops->subscribe(ticks.chan, OPH_NONE, 0, OPH__UPDATES, pv_on_event, &ticks, &mon, NULL);
    ticks.ops->flush(link, NULL);
    testOk1(pv_wait(&ticks, &ticks.events, 5, 10));
    testOk(leaver.calls == 1, "unsubscribed in its own callback: %d call", leaver.calls);
    testOk(leaver.code == OPH_EDEADLK, "a get in a callback is refused");
    pv_free(&leaver.pv);
    pv_open(&leaver.pv, link, "m:ticks");
    leaver.pv.ops->subscribe(leaver.pv.chan, OPH_NONE, 0, OPH__UPDATES, leave_channel, &leaver.pv,
                             &mon, NULL);
    ticks.ops->flush(link, NULL);
    int events = pv_count(&ticks, &ticks.events);
    testOk1(pv_wait(&ticks, &ticks.events, events + 5, 10));
    testOk(pv_count(&leaver.pv, &leaver.pv.events) == 1, "a channel freed in its own callback");
    pv_free(&ticks);
}

static void test_rights(struct oph__link *link)
{
    struct pv guarded, guard;
    struct oph__chan_info info;

    pv_open(&guarded, link, "m:guarded");
    pv_open(&guard, link, "m:guard");
    testOk1(pv_put_text(&guard, "RO") == 0);
    testOk1(pv_wait(&guarded, &guarded.ups, 2, 5));
    testOk1(guarded.ops->chan_info(guarded.chan, &info) && info.readable && !info.writable);
    testOk1(pv_put_double(&guarded, 5) == OPH_EACCESS);
    testOk1(pv_get(&guarded, OPH_NONE, 0) == 0);
    testOk1(pv_put_text(&guard, "DEFAULT") == 0 && pv_wait(&guarded, &guarded.ups, 3, 5));
    testOk1(guarded.ops->chan_info(guarded.chan, &info) && info.writable);
    testOk1(pv_put_double(&guarded, 5) == 0 && pv_count(&guarded, &guarded.downs) == 0);
    pv_free(&guard);
    pv_free(&guarded);
}

static void test_no_read_access(struct oph__link *link)
{
    struct pv closed, opener;
    struct oph__chan_info info;
    struct oph__chanmon *mon = NULL;

    testOk(pv_open(&closed, link, "m:closed"), "what cannot be read is up all the same");
    testOk1(closed.ops->chan_info(closed.chan, &info) && !info.readable && !info.writable);
    testOk1(info.dtype == OPH_FLOAT64 && info.precision == 0);
    testOk1(pv_get(&closed, OPH_NONE, 0) == OPH_EACCESS && closed.gets == 0);
    testOk1(closed.ops->subscribe(closed.chan, OPH_NONE, 0, OPH__UPDATES, pv_on_event, &closed,
                                  &mon, NULL) == 0);
    closed.ops->flush(link, NULL);
    testOk1(pv_wait(&closed, &closed.events, 1, 5) && closed.got.code == OPH_EACCESS);
    pv_open(&opener, link, "m:opener");
    testOk1(pv_put_text(&opener, "DEFAULT") == 0 && pv_wait(&closed, &closed.ups, 2, 5));
    testOk(closed.ops->chan_info(closed.chan, &info) && info.readable && info.precision == 4,
           "what it is was read as soon as that was allowed");
    testOk1(pv_wait(&closed, &closed.events, 2, 5) && closed.got.code == 0);
    testOk1(pv_get(&closed, OPH_NONE, 0) == 0);
    testOk1(pv_put_text(&opener, "NONE") == 0);
    pv_free(&opener);
    pv_free(&closed);
}

static void keep_line(void *user, int32_t level, const char *line)
{
    char *logged = user;

    if (level == OPH_LOG_WARNING) snprintf(logged, 1200, "%s", line);
}

static void test_environment(struct oph__log *log)
{
    struct oph__link *link = NULL;
    oph_error err = OPH_ERROR_INIT;

    setenv("EPICS_CA_CONN_TMO", "thirty", 1);
    testOk1(oph__ca_ops()->open(log, &link, &err) == OPH_EINVAL && !link);
    testOk(strcmp(err.text,
                  "EPICS_CA_CONN_TMO: wanted a number of seconds from 0.001 to 1e9, found "
                  "'thirty'") == 0,
           "%s", err.text);
    unsetenv("EPICS_CA_CONN_TMO");
    setenv("EPICS_CA_SERVER_PORT", "80", 1);
    testOk1(oph__ca_ops()->open(log, &link, &err) == OPH_EINVAL);
    unsetenv("EPICS_CA_SERVER_PORT");
}

int main(void)
{
    static char logged[1200];
    struct oph__log log;
    struct oph__link *link = NULL;
    oph_error err = OPH_ERROR_INIT;

    testPlan(0);
    struct sim *mini = mini_start();
    oph__log_init(&log);
    oph__log_set(&log, keep_line, logged);
    test_environment(&log);
    if (oph__ca_ops()->open(&log, &link, &err)) testAbort("%s", err.text);
    test_connect_many(link);
    test_infos(link);
    test_gets(link);
    test_names(link);
    test_puts(link, logged);
    test_busy(link);
    test_abandon(link);
    test_subscriptions(link);
    test_rights(link);
    test_no_read_access(link);
    oph__ca_ops()->close(link);
    sim_stop(mini);
    oph__log_destroy(&log);
    return testDone();
}
