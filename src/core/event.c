/* What an event tells its reader. */
#include "core/queue.h"
#include <stdlib.h>

void oph__event_clear(struct oph_event *event)
{
    oph__value_clear(&event->value);
    free(event->error);
    event->error = NULL;
}

void oph__events_free(struct oph_event *first)
{
    while (first) {
        struct oph_event *next = first->next;
        oph_event_free(first);
        first = next;
    }
}

void oph_event_free(oph_event *event)
{
    if (!event) return;
    oph__event_clear(event);
    free(event);
}

int32_t oph_event_kind(const oph_event *event)
{
    return event->kind;
}

oph_signal *oph_event_signal(const oph_event *event)
{
    return event->from.sig;
}

oph_subscription *oph_event_subscription(const oph_event *event)
{
    return event->from.sub;
}

void *oph_event_user(const oph_event *event)
{
    return event->from.user;
}

const oph_value *oph_event_value(const oph_event *event)
{
    return event->kind == OPH_EVENT_VALUE ? &event->value : NULL;
}

const oph_error *oph_event_error(const oph_event *event)
{
    return event->error;
}

uint64_t oph_event_dropped(const oph_event *event)
{
    return event->dropped;
}

int oph_event_readable(const oph_event *event)
{
    return event->readable;
}

int oph_event_writable(const oph_event *event)
{
    return event->writable;
}
