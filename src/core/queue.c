#include "core/queue.h"
#include "base/err.h"
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Lanes. All of this with the queue's lock held. */

struct oph__lane *oph__lane_of(const struct oph_event *ev)
{
    return ev->kind == OPH_EVENT_VALUE ? &ev->source->values : &ev->source->others;
}

static size_t bytes_of(const struct oph_event *ev)
{
    return ev->value.count * oph_dtype_size(ev->value.dtype);
}

static void add(oph_queue *q, struct oph_event *ev)
{
    struct oph__lane *lane = oph__lane_of(ev);

    ev->next = ev->behind = NULL;
    *lane->last = ev;
    lane->last = &ev->behind;
    lane->count++;
    lane->bytes += bytes_of(ev);
    ev->prev = q->last;
    if (q->last)
        q->last->next = ev;
    else
        q->first = ev;
    q->last = ev;
    q->count++;
}

struct oph_event *oph__lane_take(struct oph__lane *lane)
{
    struct oph_event *ev = lane->first;
    oph_queue *q = ev->source->queue;

    lane->first = ev->behind;
    if (!lane->first) lane->last = &lane->first;
    lane->count--;
    lane->bytes -= bytes_of(ev);
    if (ev->prev)
        ev->prev->next = ev->next;
    else
        q->first = ev->next;
    if (ev->next)
        ev->next->prev = ev->prev;
    else
        q->last = ev->prev;
    q->count--;
    ev->next = NULL;
    return ev;
}

static struct oph_event *empty(struct oph__lane *lane, struct oph_event *gone)
{
    while (lane->first) {
        struct oph_event *ev = oph__lane_take(lane);
        ev->next = gone;
        gone = ev;
    }
    return gone;
}

/* Tells who waits, after each change. */
static void announce(oph_queue *q)
{
    bool any = q->first != NULL;
    eventfd_t count;

    if (any && q->dispatch && !q->posted) {
        q->posted = true;
        oph__loop_post(q->dispatch, &q->job);
    }
    if (any && q->waiting) pthread_cond_broadcast(&q->m.changed);
    if (q->polled && any != q->lit) {
        q->lit = any;
        if (any)
            eventfd_write(q->fd, 1);
        else
            eventfd_read(q->fd, &count);
    }
}

/* Sources */

void oph__source_init(struct oph__source *source, oph_queue *q, struct oph__origin from,
                      oph_event_fn *fn, uint32_t depth)
{
    *source = (struct oph__source){.queue = q, .from = from, .fn = fn};
    source->values.last = &source->values.first;
    source->values.room = depth;
    source->others.last = &source->others.first;
    source->others.room = OPH__OTHER_EVENTS;
    atomic_fetch_add(&q->refs, 1);
}

void oph__source_end(struct oph__source *source)
{
    oph_queue *q = source->queue;

    pthread_mutex_lock(&q->m.lock);
    source->ended = true;
    struct oph_event *gone = oph__turn_empty(&q->turn, source, NULL);
    gone = empty(&source->values, gone);
    gone = empty(&source->others, gone);
    announce(q);
    pthread_mutex_unlock(&q->m.lock);
    oph__turn_await(q, source);
    oph__events_free(gone);
}

void oph__source_release(struct oph__source *source)
{
    oph__queue_unref(source->queue);
}

uint64_t oph__source_dropped(struct oph__source *source)
{
    pthread_mutex_lock(&source->queue->m.lock);
    uint64_t dropped = source->dropped;
    pthread_mutex_unlock(&source->queue->m.lock);
    return dropped;
}

/* What an event says; push takes over value and error. */
struct news {
    int32_t kind;
    bool readable, writable;
    oph_error *error;
    struct oph_value *value;
};

/* With the lock held. */
static struct oph_event *new_event(oph_queue *q)
{
    struct oph_event *ev = q->spares;

    if (ev) {
        q->spares = ev->next;
        q->spare_count--;
    } else if ((ev = malloc(sizeof *ev))) {
        ev->value.data = NULL;
    }
    return ev;
}

static void fill(struct oph_event *ev, struct oph__source *source, const struct news *news)
{
    ev->source = source;
    ev->from = source->from;
    ev->kind = news->kind;
    ev->readable = news->readable;
    ev->writable = news->writable;
    ev->error = news->error;
    if (news->value)
        oph__value_move(&ev->value, news->value);
    else
        oph__value_clear(&ev->value);
    ev->dropped = source->missed;
    source->missed = 0;
}

/* news NULL: there was no memory for it, which the next event says. */
static void push(struct oph__source *source, const struct news *news)
{
    oph_queue *q = source->queue;
    struct oph_event *ev = NULL, *gone = NULL;

    pthread_mutex_lock(&q->m.lock);
    bool wanted = !source->ended && !q->closed;
    if (wanted && news) ev = new_event(q);
    if (ev) {
        fill(ev, source, news);
        add(q, ev);
        gone = oph__lane_shed(oph__lane_of(ev));
        announce(q);
    } else if (wanted) {
        source->missed++;
        source->dropped++;
    }
    pthread_mutex_unlock(&q->m.lock);
    oph__events_free(gone);
    if (ev || !news) return;
    if (news->value) oph__value_clear(news->value);
    free(news->error);
}

void oph__source_value(struct oph__source *source, const struct oph__event *event)
{
    struct oph_value value;

    value.data = NULL;
    bool good = oph__value_take(&value, event);
    push(source, good ? &(struct news){.kind = OPH_EVENT_VALUE, .value = &value} : NULL);
}

void oph__source_tell(struct oph__source *source, int32_t kind, bool readable, bool writable)
{
    push(source, &(struct news){.kind = kind, .readable = readable, .writable = writable});
}

void oph__source_fail(struct oph__source *source, const oph_error *error)
{
    oph_error *copy = malloc(sizeof *copy);

    if (copy) *copy = *error;
    push(source, copy ? &(struct news){.kind = OPH_EVENT_FAILED, .error = copy} : NULL);
}

/* Queues */

static int init_locks(oph_queue *q)
{
    if (oph__monitor_init(&q->m)) return OPH_ESYSTEM;
    if (!oph__turn_init(&q->turn)) return 0;
    oph__monitor_destroy(&q->m);
    return OPH_ESYSTEM;
}

int oph__queue_make(oph_context *ctx, struct oph__loop *dispatch, oph_queue **ret, oph_error *err)
{
    oph_queue *q = calloc(1, sizeof *q);

    if (!q) return oph__fail_memory(err, "a queue");
    q->fd = dispatch ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool good = dispatch || q->fd >= 0;
    if (!good || init_locks(q)) {
        if (q->fd >= 0) close(q->fd);
        free(q);
        return oph__fail_text(err, OPH_ESYSTEM, "a queue: the system refused a %s",
                              good ? "lock" : "descriptor");
    }
    atomic_init(&q->refs, 1);
    q->job.run = oph__dispatch;
    q->dispatch = dispatch;
    q->ctx = dispatch ? ctx : oph__context_ref(ctx);
    *ret = q;
    return 0;
}

void oph__queue_unref(oph_queue *q)
{
    if (!q || atomic_fetch_sub(&q->refs, 1) != 1) return;
    if (q->fd >= 0) close(q->fd);
    oph__events_free(q->spares);
    oph__turn_destroy(&q->turn);
    oph__monitor_destroy(&q->m);
    if (!q->dispatch) oph_context_free(q->ctx);
    free(q);
}

int oph_queue_new(oph_context *ctx, oph_queue **ret, oph_error *err)
{
    return oph__queue_make(ctx, NULL, ret, err);
}

int oph_queue_fd(oph_queue *q)
{
    if (!oph__is_alive(&q->ctx->alive))
        return q->fd; /* its lock may be another thread's for ever */
    pthread_mutex_lock(&q->m.lock);
    q->polled = true;
    announce(q);
    pthread_mutex_unlock(&q->m.lock);
    return q->fd;
}

static bool has_news(void *arg)
{
    const oph_queue *q = arg;
    return q->first || q->closed;
}

/* With the lock held. A look that may not wait takes no interrupt away from a call that does. */
static int await_event(oph_queue *q, double timeout)
{
    if (q->first) return 0;
    if (timeout <= 0) return OPH_ETIMEOUT;
    double deadline = oph__deadline(timeout, q->ctx->options.get_timeout);
    q->waiting++;
    int rc = oph__wait(&q->ctx->waits, &q->m, deadline, has_news, q);
    q->waiting--;
    if (!q->closed) return rc;
    pthread_cond_broadcast(&q->m.changed); /* oph_queue_free waits for us to leave */
    return OPH_ECANCEL;
}

int oph_queue_next(oph_queue *q, double timeout, oph_event **ret, oph_error *err)
{
    int rc = oph__context_may_block(q->ctx, err);
    if (rc) return rc;
    double started = oph__now();
    struct oph_event *ev = NULL;

    pthread_mutex_lock(&q->m.lock);
    rc = await_event(q, timeout);
    if (!rc) {
        ev = oph__lane_take(oph__lane_of(q->first));
        announce(q);
    }
    pthread_mutex_unlock(&q->m.lock);
    if (!rc) {
        *ret = ev;
        return 0;
    }
    const char *found = rc == OPH_EINTR     ? "interrupted"
                        : rc == OPH_ECANCEL ? "the queue is freed"
                                            : "none";
    return oph__fail(err, rc, (struct oph__at){.waited = oph__now() - started}, "an event", "%s",
                     found);
}

void oph_queue_free(oph_queue *q)
{
    if (!q || !oph__is_alive(&q->ctx->alive))
        return; /* a child has neither its threads nor its locks */
    struct oph_event *gone = NULL;

    pthread_mutex_lock(&q->m.lock);
    q->closed = true;
    while (q->first) {
        struct oph_event *ev = oph__lane_take(oph__lane_of(q->first));
        ev->next = gone;
        gone = ev;
    }
    announce(q);
    pthread_cond_broadcast(&q->m.changed);
    while (q->waiting)
        pthread_cond_wait(&q->m.changed, &q->m.lock);
    pthread_mutex_unlock(&q->m.lock);
    oph__events_free(gone);
    oph__queue_unref(q);
}
