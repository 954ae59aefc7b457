/* What a subscription said, as text: "connected:rw 1 2 +3,6 disconnected". A value is its number,
 * its label's index or its text; "!2" after it is an alarm's severity, "+3," before an event says
 * that 3 were dropped there. */
#ifndef TEST_EVENTS_H
#define TEST_EVENTS_H

#include "base/str.h"
#include "base/wait.h"

#include <cophyd/cophyd.h>

struct events {
    struct oph__monitor m;
    struct oph__buf text;
    int count;
    int inside, overlaps,
        elsewhere; /* callbacks: now, two at once, not on the dispatcher's thread */
};

void events_init(struct events *e);
void events_free(struct events *e);
void events_forget(struct events *e);

/* The callback, and the same for an event of a queue. */
void events_on(const oph_event *event, void *events);

/* One testOk: what was said since the start or events_forget becomes this, within ten seconds. */
int events_are(struct events *e, const char *text, const char *what);
/* Waits until an event looks like this; false after so many seconds. */
bool events_have(struct events *e, const char *word, double seconds);
/* Waits until there were so many since the start or events_forget. */
bool events_wait(struct events *e, int count, double seconds);

/* Ends the test when it cannot be made. opt NULL: defaults. */
oph_subscription *events_follow(struct events *e, oph_device *dev, const char *path,
                                const oph_subscribe_options *opt);

/* Calls cut(user), and returns when the library has noticed that this signal's connection is lost;
 * ends the test when there was none, or it was not. */
void events_lose(oph_device *dev, const char *path, void (*cut)(void *user), void *user);

#endif
