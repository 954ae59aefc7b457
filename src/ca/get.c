#include "ca/client.h"

#include "base/err.h"

#include <stdlib.h>

/* With lock held. */
static void add(struct oph__request *request)
{
    struct oph__chan *chan = request->chan;

    request->next = chan->requests;
    request->link = &chan->requests;
    if (request->next) request->next->link = &request->next;
    chan->requests = request;
}

/* Whoever takes it out ends it. */
static void take_out(struct oph__request *request)
{
    struct oph__chan *chan = request->chan;

    pthread_mutex_lock(&chan->lock);
    *request->link = request->next;
    if (request->next) request->next->link = request->link;
    pthread_mutex_unlock(&chan->lock);
}

static void end(struct oph__request *request, const struct oph__event *event)
{
    take_out(request);
    if (!atomic_load(&request->chan->silent)) request->fn(request->user, event);
    free(request);
}

static void got(struct event_handler_args args)
{
    struct oph__request *request = args.usr;
    const struct oph__link *before = oph__ca_enter(request->chan->link);
    struct oph__event event;

    oph__ca_event(&event, &args);
    end(request, &event);
    oph__ca_leave(before);
}

static int ask(struct oph__request *request)
{
    return ca_array_get_callback(request->type, request->count, request->chan->route->id, got,
                                 request);
}

/* Adds it, with the native type where `dtype` is OPH_NONE. 0, OPH_EDISCONN or OPH_ETYPE. */
static int begin(struct oph__request *request, int32_t dtype)
{
    struct oph__chan *chan = request->chan;

    pthread_mutex_lock(&chan->lock);
    bool up = chan->route->up;
    request->type = oph__ca_time_type(dtype ? dtype : chan->route->dtype);
    bool good = up && request->type >= 0;
    if (good) add(request);
    pthread_mutex_unlock(&chan->lock);
    if (good) return 0;
    return up ? OPH_ETYPE : OPH_EDISCONN;
}

static int refuse(struct oph__chan *chan, int code, int32_t dtype, int status, oph_error *err)
{
    struct oph__at at = {.pv = chan->name};

    if (status != ECA_NORMAL)
        return oph__fail(err, oph__ca_code(status), at, "a value", "%s", ca_message(status));
    if (code == OPH_EDISCONN) return oph__fail(err, code, at, "a value", "the PV is not connected");
    return oph__fail(err, code, at, "a type that Channel Access carries", "%s",
                     oph_dtype_name(dtype));
}

int oph__ca_get(struct oph__chan *chan, int32_t dtype, uint32_t count, oph__event_fn *fn,
                void *user, oph_error *err)
{
    int status = ECA_NORMAL, code = oph__ca_may_call(chan->link, chan->name, err);

    if (code) return code;
    struct oph__request *request = malloc(sizeof *request);
    if (!request) return oph__fail_memory(err, "a read");
    *request = (struct oph__request){.chan = chan, .count = count, .fn = fn, .user = user};

    pthread_mutex_lock(&chan->order);
    code = begin(request, dtype);
    if (!code) status = ask(request);
    if (status != ECA_NORMAL) take_out(request);
    pthread_mutex_unlock(&chan->order);
    if (!code && status == ECA_NORMAL) return 0;
    free(request);
    return refuse(chan, code, dtype, status, err);
}

void oph__ca_get_again(struct oph__chan *chan)
{
    pthread_mutex_lock(&chan->lock);
    struct oph__request *request = chan->requests;
    chan->requests = NULL;
    pthread_mutex_unlock(&chan->lock);

    for (struct oph__request *next; request; request = next) {
        next = request->next;
        pthread_mutex_lock(&chan->lock);
        add(request);
        pthread_mutex_unlock(&chan->lock);
        int status = ask(request);
        if (status != ECA_NORMAL) {
            struct oph__event failure = oph__ca_failure(status);
            end(request, &failure);
        }
    }
}
