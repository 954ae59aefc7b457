#include "lib/events.h"

#include "core/value.h"

#include <epicsUnitTest.h>
#include <inttypes.h>
#include <string.h>

enum { PATIENCE = 10 };

void events_init(struct events *e)
{
    memset(e, 0, sizeof *e);
    if (oph__monitor_init(&e->m)) testAbort("no lock");
}

void events_free(struct events *e)
{
    oph__buf_free(&e->text);
    oph__monitor_destroy(&e->m);
}

void events_forget(struct events *e)
{
    pthread_mutex_lock(&e->m.lock);
    oph__buf_free(&e->text);
    e->text = (struct oph__buf){0};
    e->count = 0;
    pthread_mutex_unlock(&e->m.lock);
}

static void add_value(struct oph__buf *buf, const oph_value *value)
{
    char number[32];
    const char *text;
    size_t length;
    double d;

    oph__value_text(value, &text, &length);
    if (length && (oph_value_dtype(value) == OPH_TEXT || oph_value_count(value) > 1))
        oph__buf_add_n(buf, text, length);
    else if (oph__value_double(value, &d))
        oph__buf_add(buf, oph__from_double(number, sizeof number, d));
    else
        oph__buf_add(buf, "?");
    if (oph_value_severity(value)) oph__buf_addf(buf, "!%d", (int)oph_value_severity(value));
}

static void add_event(struct oph__buf *buf, const oph_event *event)
{
    static const char *const names[] = {"?",      "",         "connected", "disconnected",
                                        "access", "metadata", "failed"};
    int32_t kind = oph_event_kind(event);

    if (buf->len) oph__buf_add(buf, " ");
    if (oph_event_dropped(event)) oph__buf_addf(buf, "+%" PRIu64 ",", oph_event_dropped(event));
    oph__buf_add(buf, names[kind]);
    if (kind == OPH_EVENT_CONNECTED || kind == OPH_EVENT_ACCESS)
        oph__buf_addf(buf, ":%s%s", oph_event_readable(event) ? "r" : "",
                      oph_event_writable(event) ? "w" : "");
    if (oph_event_value(event)) add_value(buf, oph_event_value(event));
}

void events_on(const oph_event *event, void *user)
{
    struct events *e = user;
    char name[16] = "";

    pthread_getname_np(pthread_self(), name, sizeof name);
    pthread_mutex_lock(&e->m.lock);
    e->overlaps += e->inside++ > 0;
    e->elsewhere += strcmp(name, "oph-dispatch") != 0;
    add_event(&e->text, event);
    e->count++;
    pthread_cond_broadcast(&e->m.changed);
    pthread_mutex_unlock(&e->m.lock);
    pthread_mutex_lock(&e->m.lock); /* a moment in which another one would show */
    e->inside--;
    pthread_mutex_unlock(&e->m.lock);
}

struct goal {
    const struct events *e;
    int count;        /* of events */
    const char *word; /* or this one */
};

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = text; at && (at = strstr(at, word)); at++)
        if ((at == text || at[-1] == ' ') && (!at[length] || at[length] == ' ')) return true;
    return false;
}

static bool reached(void *arg)
{
    const struct goal *goal = arg;

    if (goal->word) return has_word(goal->e->text.text, goal->word);
    return goal->e->count >= goal->count;
}

static bool await(struct events *e, struct goal goal, double seconds)
{
    return oph__wait(NULL, &e->m, oph__now() + seconds, reached, &goal) == 0;
}

int events_are(struct events *e, const char *text, const char *what)
{
    int words = *text != '\0';

    for (const char *c = text; *c; c++)
        words += *c == ' ';
    pthread_mutex_lock(&e->m.lock);
    await(e, (struct goal){.e = e, .count = words}, PATIENCE);
    const char *found = e->text.text ? e->text.text : "";
    int good = strcmp(found, text) == 0;
    testOk(good, "%s: %s", what, text);
    if (!good) testDiag("found %s", found);
    pthread_mutex_unlock(&e->m.lock);
    return good;
}

bool events_have(struct events *e, const char *word, double seconds)
{
    pthread_mutex_lock(&e->m.lock);
    bool good = await(e, (struct goal){.e = e, .word = word}, seconds);
    if (!good) testDiag("no %s in: %s", word, e->text.text ? e->text.text : "");
    pthread_mutex_unlock(&e->m.lock);
    return good;
}

bool events_wait(struct events *e, int count, double seconds)
{
    pthread_mutex_lock(&e->m.lock);
    bool good = await(e, (struct goal){.e = e, .count = count}, seconds);
    if (!good) testDiag("only %d events: %s", e->count, e->text.text ? e->text.text : "");
    pthread_mutex_unlock(&e->m.lock);
    return good;
}

oph_subscription *events_follow(struct events *e, oph_device *dev, const char *path,
                                const oph_subscribe_options *opt)
{
    oph_signal *sig;
    oph_subscription *sub = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph_signal_find(dev, path, &sig, &err) || oph_subscribe(sig, opt, events_on, e, &sub, &err))
        testAbort("%s", err.text);
    return sub;
}

void events_lose(oph_device *dev, const char *path, void (*cut)(void *user), void *user)
{
    struct events seen;
    events_init(&seen);
    oph_subscription *sub = events_follow(&seen, dev, path, NULL);
    if (!events_have(&seen, "connected:rw", 10)) testAbort("there is no connection to be lost");
    cut(user);
    if (!events_have(&seen, "disconnected", 10)) testAbort("no connection was lost");
    oph_subscription_free(sub);
    events_free(&seen);
}
