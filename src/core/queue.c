#include "core/queue.h"
#include "base/err.h"
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct oph_queue {
    atomic_int refs; /* the user's or the context's, and one a source */
    oph_context *ctx;
    struct oph__loop *dispatch; /* NULL: the user pulls */
    struct oph__monitor m;      /* of all below, and of what the sources have here */
    struct oph_event *first, *last;
    size_t count;
    struct oph__job job; /* runs the callbacks */
    bool posted;
    const struct oph__source *running; /* whose callback the dispatcher is in */
    unsigned waiting;                  /* threads in oph_queue_next */
    bool closed;
    int fd;      /* an eventfd; -1: none */
    bool polled; /* somebody looks at fd */
    bool lit;    /* fd is readable */
};

/* Lanes. All of this with the queue's lock held. */

static struct oph__lane *lane_of(const struct oph_event *ev)
{
    return ev->kind == OPH_EVENT_VALUE ? &ev->source->values : &ev->source->others;
}

static size_t bytes_of(const struct oph_event *ev)
{
    return ev->value.count * oph_dtype_size(ev->value.dtype);
}

static void add(oph_queue *q, struct oph_event *ev)
{
    struct oph__lane *lane = lane_of(ev);

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

/* The oldest of a lane, which is thereby out of the queue too. */
static struct oph_event *take(oph_queue *q, struct oph__lane *lane)
{
    struct oph_event *ev = lane->first;

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

static bool is_over(const struct oph__lane *lane)
{
    return lane->count > lane->room || (lane->count > 1 && lane->bytes > OPH__VALUE_BYTES);
}

/* Makes room in a lane. Returns what must go, to be freed without the lock. */
static struct oph_event *shed(oph_queue *q, struct oph__lane *lane)
{
    struct oph_event *gone = NULL;

    while (is_over(lane)) {
        struct oph_event *ev = take(q, lane);
        lane->first->dropped += ev->dropped + 1;
        ev->source->dropped++;
        ev->next = gone;
        gone = ev;
    }
    return gone;
}

static struct oph_event *empty(oph_queue *q, struct oph__lane *lane, struct oph_event *gone)
{
    while (lane->first) {
        struct oph_event *ev = take(q, lane);
        ev->next = gone;
        gone = ev;
    }
    return gone;
}

static void free_all(struct oph_event *ev)
{
    while (ev) {
        struct oph_event *next = ev->next;
        oph_event_free(ev);
        ev = next;
    }
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

/* The dispatcher */

/* Runs the callbacks of what waits now. What comes meanwhile posts the job anew, and so has its
 * turn before later jobs and after earlier ones. */
static void run_callbacks(struct oph__job *job)
{
    oph_queue *q = (oph_queue *)((char *)job - offsetof(oph_queue, job));

    pthread_mutex_lock(&q->m.lock);
    q->posted = false;
    for (size_t left = q->count; left && q->first; left--) {
        struct oph_event *ev = take(q, lane_of(q->first));
        oph_event_fn *fn = ev->source->fn;
        q->running = ev->source;
        pthread_mutex_unlock(&q->m.lock);
        fn(ev, ev->from.user); /* the source may be gone after it */
        oph_event_free(ev);
        pthread_mutex_lock(&q->m.lock);
        q->running = NULL;
        pthread_cond_broadcast(&q->m.changed);
    }
    pthread_mutex_unlock(&q->m.lock);
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
    struct oph_event *gone = empty(q, &source->values, NULL);
    gone = empty(q, &source->others, gone);
    announce(q);
    while (q->running == source && !oph__loop_is_self(q->dispatch))
        pthread_cond_wait(&q->m.changed, &q->m.lock);
    pthread_mutex_unlock(&q->m.lock);
    free_all(gone);
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

static struct oph_event *new_event(const struct oph__source *source, int32_t kind)
{
    struct oph_event *ev = malloc(sizeof *ev);

    if (!ev) return NULL;
    ev->next = ev->behind = NULL;
    ev->from = source->from;
    ev->kind = kind;
    ev->readable = ev->writable = false;
    ev->error = NULL;
    ev->value.data = NULL;
    ev->value.count = 0;
    ev->value.dtype = OPH_NONE;
    return ev;
}

/* ev NULL: there was no memory for it, which the next event says. */
static void push(struct oph__source *source, struct oph_event *ev)
{
    oph_queue *q = source->queue;
    struct oph_event *gone = ev;

    pthread_mutex_lock(&q->m.lock);
    if (!ev) {
        source->missed++;
        source->dropped++;
    } else if (!source->ended && !q->closed) {
        ev->source = source;
        ev->dropped = source->missed;
        source->missed = 0;
        add(q, ev);
        gone = shed(q, lane_of(ev));
        announce(q);
    }
    pthread_mutex_unlock(&q->m.lock);
    free_all(gone);
}

void oph__source_value(struct oph__source *source, const struct oph__event *event)
{
    struct oph_event *ev = new_event(source, OPH_EVENT_VALUE);

    if (ev && !oph__value_take(&ev->value, event)) {
        oph_event_free(ev);
        ev = NULL;
    }
    push(source, ev);
}

void oph__source_tell(struct oph__source *source, int32_t kind, bool readable, bool writable)
{
    struct oph_event *ev = new_event(source, kind);

    if (ev) {
        ev->readable = readable;
        ev->writable = writable;
    }
    push(source, ev);
}

void oph__source_fail(struct oph__source *source, const oph_error *error)
{
    struct oph_event *ev = new_event(source, OPH_EVENT_FAILED);

    if (ev && (ev->error = malloc(sizeof *error))) {
        *ev->error = *error;
    } else {
        oph_event_free(ev);
        ev = NULL;
    }
    push(source, ev);
}

/* Queues */

int oph__queue_make(oph_context *ctx, struct oph__loop *dispatch, oph_queue **ret, oph_error *err)
{
    oph_queue *q = calloc(1, sizeof *q);

    if (!q) return oph__fail_memory(err, "a queue");
    q->fd = dispatch ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool good = dispatch || q->fd >= 0;
    if (!good || oph__monitor_init(&q->m)) {
        if (q->fd >= 0) close(q->fd);
        free(q);
        return oph__fail_text(err, OPH_ESYSTEM, "a queue: the system refused a %s",
                              good ? "lock" : "descriptor");
    }
    atomic_init(&q->refs, 1);
    q->job.run = run_callbacks;
    q->dispatch = dispatch;
    q->ctx = dispatch ? ctx : oph__context_ref(ctx);
    *ret = q;
    return 0;
}

void oph__queue_unref(oph_queue *q)
{
    if (!q || atomic_fetch_sub(&q->refs, 1) != 1) return;
    if (q->fd >= 0) close(q->fd);
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
        ev = take(q, lane_of(q->first));
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
        struct oph_event *ev = take(q, lane_of(q->first));
        ev->next = gone;
        gone = ev;
    }
    announce(q);
    pthread_cond_broadcast(&q->m.changed);
    while (q->waiting)
        pthread_cond_wait(&q->m.changed, &q->m.lock);
    pthread_mutex_unlock(&q->m.lock);
    free_all(gone);
    oph__queue_unref(q);
}
