#include "ca/client.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

/* Ends the put and calls its function, with m.lock held on entry and on return. */
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
    put->telling++;
    pthread_mutex_unlock(&chan->m.lock);
    if (fn && !atomic_load(&chan->silent))
        fn(user, code == OPH_ECA ? OPH_EPUT : code, code ? ca_message(status) : NULL);
    pthread_mutex_lock(&chan->m.lock);
    put->telling--;
    pthread_cond_broadcast(&chan->m.changed);
}

static void completed(struct event_handler_args args)
{
    struct oph__chan *chan = args.usr;
    struct oph__link *link = chan->link;
    pthread_t before = oph__ca_enter(link);

    pthread_mutex_lock(&chan->m.lock);
    bool was_stuck = chan->put.stuck;
    /* A server that does not answer counts as lost; when it comes back it may still be at the put.
     */
    chan->put.stuck = args.status == ECA_DISCONN;
    if (!was_stuck) tell(chan, args.status);
    bool mend = was_stuck != chan->put.stuck;
    pthread_mutex_unlock(&chan->m.lock);
    if (mend) oph__ca_post_settle(chan);
    oph__ca_leave(link, before);
}

static int refuse(struct oph__chan *chan, int status, oph_error *err)
{
    return oph__fail(err, oph__ca_code(status), (struct oph__at){.pv = chan->name}, "to write",
                     "%s", ca_message(status));
}

static int check(struct oph__chan *chan, int32_t dtype, uint32_t count, oph_error *err)
{
    struct oph__at at = {.pv = chan->name};
    struct oph__chan_info info;

    if (oph__ca_plain_type(dtype) < 0)
        return oph__fail(err, OPH_ETYPE, at, "a type that Channel Access carries", "%s",
                         oph_dtype_name(dtype));
    if (!oph__ca_chan_info(chan, &info))
        return oph__fail(err, OPH_EDISCONN, at, "to write", "the PV is not connected");
    if (count < 1 || count > info.count)
        return oph__fail(err, OPH_ERANGE, at, NULL, "wanted 1 to %u elements, found %u", info.count,
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

/* One at a time on a channel; a put that has no data yet is not sent by others. */
static int claim(struct oph__chan *chan, oph__put_fn *fn, void *user, oph_error *err)
{
    struct oph__put *put = &chan->put;

    pthread_mutex_lock(&chan->m.lock);
    bool idle = put->state == OPH__PUT_IDLE;
    if (idle) {
        put->state = OPH__PUT_HELD;
        put->fn = fn;
        put->user = user;
    }
    pthread_mutex_unlock(&chan->m.lock);
    if (idle) return 0;
    return oph__fail(err, OPH_EBUSY, (struct oph__at){.pv = chan->name},
                     "one put with completion at a time", "another one under way");
}

static void unclaim(struct oph__chan *chan)
{
    pthread_mutex_lock(&chan->m.lock);
    chan->put.state = OPH__PUT_IDLE;
    chan->put.fn = NULL;
    pthread_mutex_unlock(&chan->m.lock);
}

/* Keeps a copy for the new route; whoever ends the put frees it. */
static int hold(struct oph__chan *chan, chtype type, uint32_t count, const void *data,
                oph_error *err)
{
    size_t bytes = (size_t)count * dbr_value_size[type];
    void *copy = malloc(bytes);

    if (!copy) return oph__fail_memory(err, "a put");
    memcpy(copy, data, bytes);
    pthread_mutex_lock(&chan->m.lock);
    bool wanted = chan->put.state == OPH__PUT_HELD;
    if (wanted) {
        void *before = chan->put.data; /* of one that was abandoned on its way here */
        chan->put.type = type;
        chan->put.count = count;
        chan->put.data = copy;
        copy = before;
    }
    pthread_mutex_unlock(&chan->m.lock);
    free(copy);
    oph__ca_post_settle(chan);
    return 0;
}

static int send(struct oph__chan *chan, chtype type, unsigned long count, const void *data)
{
    return ca_array_put_callback(type, count, chan->route->id, data, completed, chan);
}

static int send_or_hold(struct oph__chan *chan, chtype type, uint32_t count, const void *data,
                        oph_error *err)
{
    struct oph__put *put = &chan->put;

    pthread_mutex_lock(&chan->m.lock);
    bool wanted = put->state == OPH__PUT_HELD; /* not abandoned yet, by another thread */
    bool stuck = put->stuck;
    if (wanted && !stuck) put->state = OPH__PUT_SENT;
    pthread_mutex_unlock(&chan->m.lock);
    if (!wanted) return 0;
    if (stuck) return hold(chan, type, count, data, err);
    int status = send(chan, type, count, data);
    return status == ECA_NORMAL ? 0 : refuse(chan, status, err);
}

int oph__ca_put(struct oph__chan *chan, int32_t dtype, uint32_t count, const void *data,
                oph__put_fn *fn, void *user, oph_error *err)
{
    chtype type = oph__ca_plain_type(dtype);
    int code = oph__ca_may_call(chan->link, chan->name, err);

    if (!code) code = check(chan, dtype, count, err);
    if (code) return code;
    if (!fn) return put_plain(chan, type, count, data, err);
    code = claim(chan, fn, user, err);
    if (code) return code;
    pthread_mutex_lock(&chan->order);
    code = send_or_hold(chan, type, count, data, err);
    if (code) unclaim(chan);
    pthread_mutex_unlock(&chan->order);
    return code;
}

void oph__ca_put_send_held(struct oph__chan *chan)
{
    struct oph__put *put = &chan->put;

    pthread_mutex_lock(&chan->m.lock);
    bool due = put->state == OPH__PUT_HELD && put->data && !put->stuck;
    void *data = put->data;
    if (due) {
        put->data = NULL;
        put->state = OPH__PUT_SENT;
    }
    pthread_mutex_unlock(&chan->m.lock);
    if (!due) return;
    int status = send(chan, put->type, put->count, data);
    free(data);
    if (status == ECA_NORMAL) return;
    pthread_mutex_lock(&chan->m.lock);
    if (put->state == OPH__PUT_SENT) /* it may have been abandoned meanwhile */
        tell(chan, status);
    pthread_mutex_unlock(&chan->m.lock);
}

void oph__ca_put_fail_held(struct oph__chan *chan, int status)
{
    pthread_mutex_lock(&chan->m.lock);
    if (chan->put.state == OPH__PUT_HELD && chan->put.data) tell(chan, status);
    pthread_mutex_unlock(&chan->m.lock);
}

void oph__ca_put_abandon(struct oph__chan *chan)
{
    struct oph__put *put = &chan->put;

    if (oph__ca_in_child(chan->link)) return;
    pthread_mutex_lock(&chan->m.lock);
    if (put->state == OPH__PUT_SENT) put->stuck = true;
    free(put->data);
    put->data = NULL;
    put->fn = NULL;
    put->state = OPH__PUT_IDLE;
    bool mend = put->stuck;
    while (put->telling && !oph__ca_inside(chan->link))
        pthread_cond_wait(&chan->m.changed, &chan->m.lock);
    pthread_mutex_unlock(&chan->m.lock);
    if (mend) oph__ca_post_settle(chan);
}
