/* The dispatcher's side of a queue: it takes a few events at a time, and then runs their callbacks
 * without a lock that the threads who add events take. */
#include "core/queue.h"

enum {
    TAKEN = 64,   /* events at a time */
    SPARES = 1024 /* events that are kept to be used again */
};

/* In a burst the dispatcher runs dry again and again, and waking it for each event would cost more
 * than all the rest. So where more than one came, it looks again by itself after this many seconds.
 */
static const double PAUSE = 500e-6;

int oph__turn_init(struct oph__turn *turn)
{
    return oph__monitor_init(&turn->m);
}

void oph__turn_destroy(struct oph__turn *turn)
{
    oph__monitor_destroy(&turn->m);
}

static bool is_short(const struct oph_event *ev)
{
    return !ev->value.data || ev->value.data == ev->value.small;
}

/* With the queue's lock held. A long value is taken alone, so that no more than one is out of what
 * its lane has room for. Returns how many. */
static size_t take(oph_queue *q, size_t most)
{
    struct oph_event **end = &q->turn.taken;
    size_t count = 0;
    bool more = true;

    pthread_mutex_lock(&q->turn.m.lock);
    while (more && q->first && count < most) {
        if (count && !is_short(q->first)) break;
        struct oph__lane *lane = oph__lane_of(q->first);
        struct oph_event *ev = oph__lane_take(lane);
        lane->taken++;
        *end = ev;
        end = &ev->next;
        more = is_short(ev);
        count++;
    }
    pthread_mutex_unlock(&q->turn.m.lock);
    return count;
}

/* The next one to run, or NULL; the one before it has run. */
static struct oph_event *next_turn(struct oph__turn *turn)
{
    pthread_mutex_lock(&turn->m.lock);
    struct oph_event *ev = turn->taken;
    if (ev) {
        turn->taken = ev->next;
        oph__lane_of(ev)->taken--;
    }
    turn->running = ev ? ev->source : NULL;
    if (turn->waiting) pthread_cond_broadcast(&turn->m.changed);
    pthread_mutex_unlock(&turn->m.lock);
    return ev;
}

/* Returns them, newest first. */
static struct oph_event *run(struct oph__turn *turn)
{
    struct oph_event *ran = NULL;

    for (struct oph_event *ev; (ev = next_turn(turn));) {
        ev->source->fn(ev, ev->from.user); /* the source may be gone after it */
        oph__event_clear(ev);
        ev->next = ran;
        ran = ev;
    }
    return ran;
}

/* With the queue's lock held. Returns what there are too many of. */
static struct oph_event *keep(oph_queue *q, struct oph_event *ran)
{
    while (ran && q->spare_count < SPARES) {
        struct oph_event *next = ran->next;
        ran->next = q->spares;
        q->spares = ran;
        q->spare_count++;
        ran = next;
    }
    return ran;
}

/* Runs the callbacks of what waits now. What comes meanwhile posts the job anew, and so has its
 * turn before later jobs and after earlier ones. */
void oph__dispatch(struct oph__job *job)
{
    oph_queue *q = OPH__AROUND(oph_queue, job, job);

    pthread_mutex_lock(&q->m.lock);
    size_t left = q->count;
    q->posted = left > 1;
    if (q->posted) oph__loop_post_by(q->dispatch, &q->job, oph__now() + PAUSE);
    while (left && q->first) {
        left -= take(q, left < TAKEN ? left : TAKEN);
        pthread_mutex_unlock(&q->m.lock);
        struct oph_event *ran = run(&q->turn);
        pthread_mutex_lock(&q->m.lock);
        ran = keep(q, ran);
        if (!ran) continue;
        pthread_mutex_unlock(&q->m.lock);
        oph__events_free(ran);
        pthread_mutex_lock(&q->m.lock);
    }
    pthread_mutex_unlock(&q->m.lock);
}

/* Of others: with the queue's lock and the turn's. */

static struct oph_event **find(struct oph__turn *turn, const struct oph__lane *lane)
{
    struct oph_event **at = &turn->taken;

    while (*at && oph__lane_of(*at) != lane)
        at = &(*at)->next;
    return at;
}

static struct oph_event *drop_oldest(struct oph__turn *turn, struct oph__lane *lane)
{
    struct oph_event **at = find(turn, lane), *ev = *at;

    if (ev) {
        *at = ev->next;
        lane->taken--;
    } else {
        ev = oph__lane_take(lane);
    }
    struct oph_event *next = *find(turn, lane);
    if (!next) next = lane->first;
    next->dropped += ev->dropped + 1;
    ev->source->dropped++;
    return ev;
}

static bool is_over(const struct oph__lane *lane)
{
    return lane->count + lane->taken > lane->room ||
           (lane->count > 1 && lane->bytes > OPH__VALUE_BYTES);
}

struct oph_event *oph__lane_shed(struct oph__lane *lane)
{
    struct oph__turn *turn = &lane->first->source->queue->turn;
    struct oph_event *gone = NULL;

    if (lane->count + TAKEN <= lane->room && lane->bytes <= OPH__VALUE_BYTES) return NULL;
    pthread_mutex_lock(&turn->m.lock);
    while (is_over(lane)) {
        struct oph_event *ev = drop_oldest(turn, lane);
        ev->next = gone;
        gone = ev;
    }
    pthread_mutex_unlock(&turn->m.lock);
    return gone;
}

struct oph_event *oph__turn_empty(struct oph__turn *turn, const struct oph__source *source,
                                  struct oph_event *list)
{
    pthread_mutex_lock(&turn->m.lock);
    for (struct oph_event **at = &turn->taken; *at;) {
        struct oph_event *ev = *at;
        if (ev->source != source) {
            at = &ev->next;
            continue;
        }
        *at = ev->next;
        oph__lane_of(ev)->taken--;
        ev->next = list;
        list = ev;
    }
    pthread_mutex_unlock(&turn->m.lock);
    return list;
}

void oph__turn_await(oph_queue *q, const struct oph__source *source)
{
    struct oph__turn *turn = &q->turn;

    if (!q->dispatch || oph__loop_is_self(q->dispatch)) return;
    pthread_mutex_lock(&turn->m.lock);
    turn->waiting++;
    while (turn->running == source)
        pthread_cond_wait(&turn->m.changed, &turn->m.lock);
    turn->waiting--;
    pthread_mutex_unlock(&turn->m.lock);
}
