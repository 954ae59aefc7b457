#include "ca/client.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

static void count_telling(struct oph__chan *chan, int more)
{
    struct oph__monitor *m = &chan->link->m;

    pthread_mutex_lock(&m->lock);
    chan->put.telling += (unsigned)more;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

static void await_told(struct oph__chan *chan)
{
    struct oph__monitor *m = &chan->link->m;

    pthread_mutex_lock(&m->lock);
    while (chan->put.telling)
        pthread_cond_wait(&m->changed, &m->lock);
    pthread_mutex_unlock(&m->lock);
}

/* Ends the put and calls its function, with lock held on entry and on return. */
static void tell(struct oph__chan *chan, int status)
{
    struct oph__put *put = &chan->put;
    oph__put_fn *fn = put->fn;
    void *user = put->user;
    int code = oph__ca_code(status);

    free(put->data);
    put->data = NULL;
    put->fn = NULL;
    put->state = OPH__PUT_IDLE;
    count_telling(chan, 1);
    pthread_mutex_unlock(&chan->lock);
    if (fn && !atomic_load(&chan->silent))
        fn(user, code == OPH_ECA ? OPH_EPUT : code, code ? ca_message(status) : NULL);
    count_telling(chan, -1);
    pthread_mutex_lock(&chan->lock);
}

static void completed(struct event_handler_args args)
{
    struct oph__chan *chan = args.usr;
    const struct oph__link *before = oph__ca_enter(chan->link);

    pthread_mutex_lock(&chan->lock);
    bool was_stuck = chan->put.stuck;
    /* A server that does not answer counts as lost; when it comes back it may still be at the put.
     */
    chan->put.stuck = args.status == ECA_DISCONN;
    if (!was_stuck) tell(chan, args.status);
    bool mend = was_stuck != chan->put.stuck;
    pthread_mutex_unlock(&chan->lock);
    if (mend) oph__ca_post_settle(chan);
    oph__ca_leave(before);
}

static int refuse(struct oph__chan *chan, int status, oph_error *err)
{
    return oph__fail(err, oph__ca_code(status), (struct oph__at){.pv = chan->name}, "to write",
                     "%s", ca_message(status));
}

static int check(struct oph__chan *chan, int32_t dtype, uint32_t count, oph_error *err)
{
    struct oph__at at = {.pv = chan->name};
    int32_t native;
    uint32_t room;

    if (oph__ca_plain_type(dtype) < 0)
        return oph__fail(err, OPH_ETYPE, at, "a type that Channel Access carries", "%s",
                         oph_dtype_name(dtype));
    if (!oph__ca_chan_type(chan, &native, &room))
        return oph__fail(err, OPH_EDISCONN, at, "to write", "the PV is not connected");
    if (count < 1 || count > room)
        return oph__fail(err, OPH_ERANGE, at, NULL, "wanted 1 to %u elements, found %u", room,
                         count);
    return 0;
}

static int put_plain(struct oph__chan *chan, chtype type, uint32_t count, const void *data,
                     oph_error *err)
{
    pthread_mutex_lock(&chan->order);
    int status = ca_array_put(type, count, chan->route->id, data);
    pthread_mutex_unlock(&chan->order);
    return status == ECA_NORMAL ? 0 : refuse(chan, status, err);
}

/* One at a time on a channel. Under order, so that nobody but an abandoner comes between this and
 * what follows. */
static int claim(struct oph__chan *chan, oph__put_fn *fn, void *user, bool *ret_stuck,
                 oph_error *err)
{
    struct oph__put *put = &chan->put;

    pthread_mutex_lock(&chan->lock);
    bool idle = put->state == OPH__PUT_IDLE;
    *ret_stuck = put->stuck;
    if (idle) {
        put->state = put->stuck ? OPH__PUT_HELD : OPH__PUT_SENT;
        put->fn = fn;
        put->user = user;
    }
    pthread_mutex_unlock(&chan->lock);
    if (idle) return 0;
    return oph__fail(err, OPH_EBUSY, (struct oph__at){.pv = chan->name},
                     "one put with completion at a time", "another one under way");
}

static void unclaim(struct oph__chan *chan)
{
    pthread_mutex_lock(&chan->lock);
    chan->put.state = OPH__PUT_IDLE;
    chan->put.fn = NULL;
    pthread_mutex_unlock(&chan->lock);
}

/* Keeps a copy for the new route; whoever ends the put frees it. It is ended when the channel goes
 * down, so it may not begin when that has been told. */
static int hold(struct oph__chan *chan, chtype type, uint32_t count, const void *data,
                oph_error *err)
{
    size_t bytes = (size_t)count * dbr_value_size[type];
    struct oph__put *put = &chan->put;
    void *copy = malloc(bytes);

    if (!copy) return oph__fail_memory(err, "a put");
    memcpy(copy, data, bytes);
    pthread_mutex_lock(&chan->lock);
    bool wanted = put->state == OPH__PUT_HELD; /* not abandoned yet, by another thread */
    bool up = chan->route->up;
    if (wanted && up) {
        put->type = type;
        put->count = count;
        put->data = copy;
        copy = NULL;
    }
    pthread_mutex_unlock(&chan->lock);
    free(copy);
    if (!up) return refuse(chan, ECA_DISCONN, err);
    oph__ca_post_settle(chan);
    return 0;
}

static int send(struct oph__chan *chan, chtype type, unsigned long count, const void *data)
{
    return ca_array_put_callback(type, count, chan->route->id, data, completed, chan);
}

static int put_with_completion(struct oph__chan *chan, chtype type, uint32_t count,
                               const void *data, oph__put_fn *fn, void *user, oph_error *err)
{
    bool stuck;

    pthread_mutex_lock(&chan->order);
    int code = claim(chan, fn, user, &stuck, err);
    if (!code) {
        int status = ECA_NORMAL;
        if (stuck)
            code = hold(chan, type, count, data, err);
        else if ((status = send(chan, type, count, data)) != ECA_NORMAL)
            code = refuse(chan, status, err);
        if (code) unclaim(chan);
    }
    pthread_mutex_unlock(&chan->order);
    return code;
}

int oph__ca_put(struct oph__chan *chan, int32_t dtype, uint32_t count, const void *data,
                oph__put_fn *fn, void *user, oph_error *err)
{
    chtype type = oph__ca_plain_type(dtype);
    int code = oph__ca_may_call(chan->link, chan->name, err);

    if (!code) code = check(chan, dtype, count, err);
    if (code) return code;
    if (!fn) return put_plain(chan, type, count, data, err);
    return put_with_completion(chan, type, count, data, fn, user, err);
}

void oph__ca_put_send_held(struct oph__chan *chan)
{
    struct oph__put *put = &chan->put;

    pthread_mutex_lock(&chan->lock);
    bool due = put->state == OPH__PUT_HELD && put->data && !put->stuck;
    void *data = put->data;
    if (due) {
        put->data = NULL;
        put->state = OPH__PUT_SENT;
    }
    pthread_mutex_unlock(&chan->lock);
    if (!due) return;
    int status = send(chan, put->type, put->count, data);
    free(data);
    if (status == ECA_NORMAL) return;
    pthread_mutex_lock(&chan->lock);
    if (put->state == OPH__PUT_SENT) /* it may have been abandoned meanwhile */
        tell(chan, status);
    pthread_mutex_unlock(&chan->lock);
}

void oph__ca_put_fail_held(struct oph__chan *chan, int status)
{
    pthread_mutex_lock(&chan->lock);
    if (chan->put.state == OPH__PUT_HELD && chan->put.data) tell(chan, status);
    pthread_mutex_unlock(&chan->lock);
}

void oph__ca_put_abandon(struct oph__chan *chan, const void *user)
{
    struct oph__put *put = &chan->put;

    if (oph__ca_in_child(chan->link)) return;
    pthread_mutex_lock(&chan->lock);
    bool mend = put->state != OPH__PUT_IDLE && put->user == user;
    if (mend) {
        put->stuck = true;
        free(put->data);
        put->data = NULL;
        put->fn = NULL;
        put->state = OPH__PUT_IDLE;
    }
    pthread_mutex_unlock(&chan->lock);
    if (!oph__ca_inside(chan->link)) await_told(chan);
    if (mend) oph__ca_post_settle(chan);
}
