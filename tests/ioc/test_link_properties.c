/* The link's descriptions: what they hold, that they follow the IOC where that was asked for, and
 * what becomes of those that wait when that cannot be. */
#include "lib/ca_proxy.h"
#include "lib/link_pv.h"

#include "base/log.h"
#include "base/str.h"

#include <epicsUnitTest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 10 };

/* Who was told that a description is up to date. */
struct told {
    struct oph__monitor m;
    int count;
    int32_t code;
    bool has_words;
};

static void on_described(void *user, int32_t code, const char *why)
{
    struct told *told = user;

    pthread_mutex_lock(&told->m.lock);
    told->count++;
    told->code = code;
    told->has_words = why != NULL;
    pthread_cond_broadcast(&told->m.changed);
    pthread_mutex_unlock(&told->m.lock);
}

static bool is_told(void *arg)
{
    return ((struct told *)arg)->count > 0;
}

/* Asks, and returns how often it was told before anything was sent. */
static int ask(struct pv *pv, struct told *told)
{
    oph_error err = OPH_ERROR_INIT;

    *told = (struct told){.code = 1};
    oph__monitor_init(&told->m);
    if (pv->ops->describe(pv->chan, on_described, told, &err)) testAbort("%s", err.text);
    pthread_mutex_lock(&told->m.lock);
    int count = told->count;
    pthread_mutex_unlock(&told->m.lock);
    return count;
}

static bool await(struct told *told, int32_t code)
{
    pthread_mutex_lock(&told->m.lock);
    bool good = oph__wait(NULL, &told->m, oph__now() + SECONDS, is_told, told) == 0 &&
                told->count == 1 && told->code == code && told->has_words == (code != 0);
    pthread_mutex_unlock(&told->m.lock);
    return good;
}

static bool described(struct pv *pv, int32_t code)
{
    struct told told;

    ask(pv, &told);
    pv->ops->flush(pv->link, NULL);
    bool good = await(&told, code);
    oph__monitor_destroy(&told.m);
    return good;
}

/* As another client. */
static void put_field(struct oph__link *other, const char *record, const char *field,
                      const char *text)
{
    struct pv pv;
    char name[64];

    snprintf(name, sizeof name, "%s.%s", record, field);
    if (!pv_open(&pv, other, name) || pv_put_text(&pv, text)) testAbort("no put to %s", name);
    pv_free(&pv);
}

/* A round trip. */
static void settle(struct pv *pv)
{
    if (pv_get(pv, OPH_NONE, 1)) testAbort("no value");
}

/* One testOk: within ten seconds the description is "units digits display_high alarm_high", or an
 * enum's labels. Each look takes a round trip. */
static void info_becomes(struct pv *pv, const char *text, const char *what)
{
    struct oph__chan_info i = {0};
    char found[256];
    double end = oph__now() + SECONDS;

    do {
        settle(pv);
        pv->ops->chan_info(pv->chan, &i);
        oph__format(found, sizeof found, "%s %d %g %g", i.units, i.precision, i.display_high,
                    i.alarm_high);
        if (i.dtype == OPH_ENUM)
            oph__format(found, sizeof found, "%d: %s %s %s %s", i.label_count, i.labels[0],
                        i.labels[1], i.labels[2], i.labels[3]);
    } while (strcmp(found, text) != 0 && oph__now() < end);
    testOk(strcmp(found, text) == 0, "%s: %s", what, found);
}

static void keep_line(void *user, int32_t level, const char *line)
{
    struct oph__buf *logged = user;

    if (level == OPH_LOG_WARNING) oph__buf_addf(logged, "%s\n", line);
}

/* Every limit of every type. */

struct setting {
    const char *field, *value;
};
static const struct setting of_number[] = {
    {"EGU", "mm/s"},  {"LOPR", "-90"},  {"HOPR", "90"},   {"DRVL", "-80"}, {"DRVH", "80"},
    {"HIHI", "70"},   {"HIGH", "60"},   {"LOW", "-60"},   {"LOLO", "-70"}, {"HHSV", "MAJOR"},
    {"HSV", "MINOR"}, {"LSV", "MINOR"}, {"LLSV", "MAJOR"}};
static const struct setting of_array[] = {{"EGU", "mm/s"}, {"LOPR", "10"}, {"HOPR", "90"}};

static void set(struct oph__link *other, const char *name, const struct setting *settings,
                size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_field(other, name, settings[i].field, settings[i].value);
}

static bool read_info(struct oph__link *other, const char *name, struct oph__chan_info *ret)
{
    struct pv pv;
    int32_t dtype = 0;
    uint32_t count = 0;

    pv_open(&pv, other, name);
    bool good = pv.ops->chan_info(pv.chan, ret) && pv.ops->chan_type(pv.chan, &dtype, &count) &&
                dtype == ret->dtype && count == ret->count;
    pv_free(&pv);
    return good;
}

static void test_number(struct oph__link *other, const char *name)
{
    struct oph__chan_info i = {0};

    set(other, name, of_number, sizeof of_number / sizeof *of_number);
    testOk1(read_info(other, name, &i));
    testOk(strcmp(i.units, "mm/s") == 0 && i.display_low == -90 && i.display_high == 90 &&
               i.control_low == -80 && i.control_high == 80,
           "%s: %s, display %g to %g, control %g to %g", name, i.units, i.display_low,
           i.display_high, i.control_low, i.control_high);
    testOk(i.warning_low == -60 && i.warning_high == 60 && i.alarm_low == -70 && i.alarm_high == 70,
           "%s: warning %g to %g, alarm %g to %g", name, i.warning_low, i.warning_high, i.alarm_low,
           i.alarm_high);
}

static void test_array(struct oph__link *other, const char *name, int32_t dtype)
{
    struct oph__chan_info i = {0};
    bool is_real = dtype == OPH_FLOAT32 || dtype == OPH_FLOAT64;

    set(other, name, of_array, sizeof of_array / sizeof *of_array);
    testOk(read_info(other, name, &i) && i.dtype == dtype, "%s: %s", name, oph_dtype_name(i.dtype));
    testOk(strcmp(i.units, "mm/s") == 0 && i.display_low == 10 && i.display_high == 90 &&
               i.control_low == 10 && i.control_high == 90,
           "%s: %s, display %g to %g, control %g to %g", name, i.units, i.display_low,
           i.display_high, i.control_low, i.control_high);
    testOk(is_real ? isnan(i.warning_low) && isnan(i.alarm_high)
                   : i.warning_low == 0 && i.alarm_high == 0,
           "%s: warning from %g, alarm from %g: there are none", name, i.warning_low, i.alarm_high);
}

static void test_limits(struct oph__link *other)
{
    test_number(other, "m:ao");
    test_number(other, "m:longout");
    test_array(other, "m:chars", OPH_UINT8);
    test_array(other, "m:shorts", OPH_INT16);
    test_array(other, "m:longs", OPH_INT32);
    test_array(other, "m:floats", OPH_FLOAT32);
    test_array(other, "m:doubles", OPH_FLOAT64);
}

/* Following */

static void test_follow(struct oph__link *link, struct ca_proxy *proxy, struct oph__link *other)
{
    struct oph__chan_info info;
    struct oph__chanmon *mon = NULL;
    struct told first, second;
    struct pv pv, seen;
    int before = ca_proxy_subscribed(proxy);

    pv_open(&pv, link, "m:ai");
    pv_open(&seen, link, "m:ai");
    seen.ops->subscribe(seen.chan, OPH_NONE, 0, OPH_ON_PROPERTY, pv_on_event, &seen, &mon, NULL);
    seen.ops->flush(link, NULL);
    pv_wait(&seen, &seen.events, 1, SECONDS);
    put_field(other, "m:ai", "EGU", "deg");
    info_becomes(&seen, "deg 3 0 10", "who subscribes has it");
    testOk(pv.ops->chan_info(pv.chan, &info) && strcmp(info.units, "mm") == 0,
           "another channel does not until that is asked for: %s", info.units);
    testOk(ask(&pv, &first) == 0 && ask(&pv, &second) == 0, "not told before the IOC has answered");
    pv.ops->flush(link, NULL);
    testOk(await(&first, 0) && await(&second, 0), "each is told once");
    testOk(pv.ops->chan_info(pv.chan, &info) && strcmp(info.units, "deg") == 0,
           "what is new is there then: %s", info.units);
    testOk(ask(&pv, &first) == 1 && await(&first, 0), "later at once");
    put_field(other, "m:ai", "PREC", "5");
    put_field(other, "m:ai", "HOPR", "33");
    put_field(other, "m:ai", "HIHI", "30");
    info_becomes(&pv, "deg 5 33 30", "it follows");
    testOk(ca_proxy_subscribed(proxy) == before + 2, "by one subscription");
    pv_free(&seen);
    pv_free(&pv);
}

/* Nobody asks for an enum: its labels are checked before a put. */
static void test_labels(struct oph__link *link, struct ca_proxy *proxy, struct oph__link *other)
{
    struct pv pv;
    int before = ca_proxy_subscribed(proxy);

    pv_open(&pv, link, "m:mbbo");
    put_field(other, "m:mbbo", "ZRST", "Once");
    info_becomes(&pv, "3: Once Multiple Continuous ", "a label that the IOC changed");
    put_field(other, "m:mbbo", "ZRST", "Alone");
    put_field(other, "m:mbbo", "THST", "Fourth");
    info_becomes(&pv, "4: Alone Multiple Continuous Fourth", "and again, with one more");
    testOk(described(&pv, 0), "described");
    testOk(ca_proxy_subscribed(proxy) == before + 1, "by one subscription");
    pv_free(&pv);
}

static void test_nothing_to_follow(struct oph__link *link, struct oph__link *other)
{
    struct pv text, closed, nothing;
    struct told told;
    oph_error err = OPH_ERROR_INIT;

    pv_open(&text, link, "m:stringout");
    testOk(ask(&text, &told) == 1 && await(&told, 0), "text has nothing to follow");
    pv_free(&text);

    pv_init(&nothing, link, "m:nothing");
    testOk(nothing.ops->describe(nothing.chan, on_described, &told, &err) == OPH_EDISCONN &&
               told.count == 1,
           "%s", err.text);
    pv_free(&nothing);

    struct oph__chan_info info;
    pv_open(&closed, link, "m:closed");
    testOk(described(&closed, OPH_EACCESS), "without read access");
    testOk(ask(&closed, &told) == 1 && await(&told, OPH_EACCESS), "and at once from then on");
    put_field(other, "m:opener", "VAL", "DEFAULT");
    pv_wait(&closed, &closed.ups, 2, SECONDS);
    testOk(described(&closed, 0) && closed.ops->chan_info(closed.chan, &info) &&
               info.precision == 4,
           "with access it is followed");
    put_field(other, "m:closed", "PREC", "6");
    info_becomes(&closed, " 6 0 nan", "it follows");
    put_field(other, "m:opener", "VAL", "NONE");
    pv_free(&closed);
}

struct caller {
    struct pv pv;
    int code;
};

static void describe_inside(void *user, const struct oph__event *event)
{
    struct caller *caller = user;

    caller->code = caller->pv.ops->describe(caller->pv.chan, on_described, NULL, NULL);
    pv_on_event(&caller->pv, event);
}

static void test_free_while_waiting(struct oph__link *link, struct ca_proxy *proxy)
{
    struct caller caller = {.code = 0};
    struct told told, never;
    struct pv pv;

    ca_proxy_rule(proxy, PROXY_SWALLOW);
    pv_open(&pv, link, "m:many1");
    ask(&pv, &told);
    pv_free(&pv);
    testOk1(told.count == 0);
    pv_open(&pv, link, "m:many1");
    int before = ca_proxy_subscribed(proxy);
    ask(&pv, &never);
    pv.ops->flush(link, NULL);
    settle(&pv);
    testOk(ca_proxy_subscribed(proxy) == before + 1 && never.count == 0, "no answer");
    pv_free(&pv);
    ca_proxy_rule(proxy, PROXY_PASS);

    pv_open(&caller.pv, link, "m:many1");
    struct oph__chanmon *mon = NULL;
    caller.pv.ops->subscribe(caller.pv.chan, OPH_NONE, 0, OPH__UPDATES, describe_inside, &caller,
                             &mon, NULL);
    caller.pv.ops->flush(link, NULL);
    testOk(pv_wait(&caller.pv, &caller.pv.events, 1, SECONDS) && caller.code == OPH_EDEADLK,
           "not in a callback");
    pv_free(&caller.pv);
    testOk(told.count == 0 && never.count == 0, "freed, they are not told");
}

static void test_reconnection(struct oph__link *link, struct ca_proxy *proxy,
                              struct oph__link *other)
{
    struct oph__chan_info info;
    struct told told;
    struct pv pv, silent;

    pv_open(&pv, link, "m:ai");
    testOk1(described(&pv, 0));
    ca_proxy_rule(proxy, PROXY_SWALLOW);
    pv_open(&silent, link, "m:longout");
    ask(&silent, &told);
    silent.ops->flush(link, NULL);
    settle(&silent);
    ca_proxy_cut(proxy);
    testOk1(pv_wait(&pv, &pv.downs, 1, SECONDS) && pv_wait(&silent, &silent.downs, 1, SECONDS));
    testOk(await(&told, OPH_EDISCONN), "disconnected while waiting");
    put_field(other, "m:ai", "EGU", "rad");
    ca_proxy_rule(proxy, PROXY_PASS);
    ca_proxy_mend(proxy);
    testOk1(pv_wait(&pv, &pv.ups, 2, 30) && pv_wait(&silent, &silent.ups, 2, 30));
    testOk(pv.ops->chan_info(pv.chan, &info) && strcmp(info.units, "rad") == 0,
           "what changed meanwhile is there");
    testOk(described(&pv, 0) && described(&silent, 0), "followed again");
    put_field(other, "m:ai", "EGU", "mm");
    info_becomes(&pv, "mm 5 33 30", "it follows");
    pv_free(&silent);
    pv_free(&pv);
}

static void test_refused(struct oph__link *link, struct ca_proxy *proxy, struct oph__buf *logged)
{
    struct oph__chan_info info;
    struct pv number, labels;
    int lines = 0;

    ca_proxy_rule(proxy, PROXY_REFUSE);
    pv_open(&number, link, "m:ai");
    pv_open(&labels, link, "m:mbbo");
    testOk(described(&number, 0) && described(&labels, 0), "an IOC that knows no properties");
    testOk(number.ops->chan_info(number.chan, &info) && strcmp(info.units, "mm") == 0 &&
               labels.ops->chan_info(labels.chan, &info) && info.label_count == 4,
           "what was read at connection stands");
    pv_free(&labels);
    pv_free(&number);
    ca_proxy_rule(proxy, PROXY_PASS);
    const char *text = logged->text ? logged->text : "";
    for (const char *at = text; (at = strstr(at, "does not report changes")); at++)
        lines++;
    testOk(lines == 1, "logged once a server: %s", text);
}

static struct oph__link *open_link(struct oph__log *log)
{
    struct oph__link *link = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph__ca_ops()->open(log, &link, &err)) testAbort("%s", err.text);
    return link;
}

int main(void)
{
    struct oph__buf logged = {0};
    struct oph__log log;

    testPlan(0);
    struct sim *mini = mini_start();
    oph__log_init(&log);
    oph__log_set(&log, keep_line, &logged);
    struct oph__link *other = open_link(&log);
    struct ca_proxy *proxy = ca_proxy_start(sim_port(mini));
    struct oph__link *link = open_link(&log); /* the one that is looked at */
    test_limits(other);
    test_follow(link, proxy, other);
    test_labels(link, proxy, other);
    test_nothing_to_follow(link, other);
    test_free_while_waiting(link, proxy);
    test_reconnection(link, proxy, other);
    test_refused(link, proxy, &logged);
    oph__ca_ops()->close(link);
    oph__ca_ops()->close(other);
    ca_proxy_stop(proxy);
    sim_stop(mini);
    oph__log_destroy(&log);
    oph__buf_free(&logged);
    return testDone();
}
