#include "ca/client.h"

#include "base/err.h"

#include <stdlib.h>

/* With m.lock held. */
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

    pthread_mutex_lock(&chan->m.lock);
    *request->link = request->next;
    if (request->next) request->next->link = request->link;
    pthread_mutex_unlock(&chan->m.lock);
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
    struct oph__link *link = request->chan->link;
    pthread_t before = oph__ca_enter(link);
    struct oph__event event;

    oph__ca_event(&event, &args);
    end(request, &event);
    oph__ca_leave(link, before);
}

static int ask(struct oph__request *request)
{
    return ca_array_get_callback(request->type, request->count, request->chan->route->id, got,
                                 request);
}

/* The native type where `dtype` is OPH_NONE. */
static int check(struct oph__chan *chan, int32_t dtype, chtype *type, oph_error *err)
{
    struct oph__at at = {.pv = chan->name};
    struct oph__chan_info info;

    if (!oph__ca_chan_info(chan, &info))
        return oph__fail(err, OPH_EDISCONN, at, "a value", "the PV is not connected");
    *type = oph__ca_time_type(dtype ? dtype : info.dtype);
    if (*type < 0)
        return oph__fail(err, OPH_ETYPE, at, "a type that Channel Access carries", "%s",
                         oph_dtype_name(dtype));
    return 0;
}

int oph__ca_get(struct oph__chan *chan, int32_t dtype, uint32_t count, oph__event_fn *fn,
                void *user, oph_error *err)
{
    chtype type;
    int code = oph__ca_may_call(chan->link, chan->name, err);

    if (!code) code = check(chan, dtype, &type, err);
    if (code) return code;
    struct oph__request *request = malloc(sizeof *request);
    if (!request) return oph__fail_memory(err, "a read");
    *request =
        (struct oph__request){.chan = chan, .type = type, .count = count, .fn = fn, .user = user};

    pthread_mutex_lock(&chan->order);
    pthread_mutex_lock(&chan->m.lock);
    add(request);
    pthread_mutex_unlock(&chan->m.lock);
    int status = ask(request);
    pthread_mutex_unlock(&chan->order);
    if (status == ECA_NORMAL) return 0;
    take_out(request);
    free(request);
    return oph__fail(err, oph__ca_code(status), (struct oph__at){.pv = chan->name}, "a value", "%s",
                     ca_message(status));
}

void oph__ca_get_again(struct oph__chan *chan)
{
    pthread_mutex_lock(&chan->m.lock);
    struct oph__request *request = chan->requests;
    chan->requests = NULL;
    pthread_mutex_unlock(&chan->m.lock);

    for (struct oph__request *next; request; request = next) {
        next = request->next;
        pthread_mutex_lock(&chan->m.lock);
        add(request);
        pthread_mutex_unlock(&chan->m.lock);
        int status = ask(request);
        if (status != ECA_NORMAL) {
            struct oph__event failure = oph__ca_failure(status);
            end(request, &failure);
        }
    }
}
