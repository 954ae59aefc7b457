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

/* Whoever takes it out ends it. One is kept for the next read: memory that is freed on another
 * thread than it came from costs more than all the rest of a read. */
static void take_out(struct oph__request *request)
{
    struct oph__chan *chan = request->chan;

    pthread_mutex_lock(&chan->lock);
    *request->link = request->next;
    if (request->next) request->next->link = request->link;
    struct oph__request *spare = chan->spare_request;
    chan->spare_request = request;
    pthread_mutex_unlock(&chan->lock);
    free(spare);
}

static void end(struct oph__request *request, const struct oph__event *event)
{
    static const struct oph__event freed = {.code = OPH_ECANCEL, .why = "the channel was freed"};
    const struct oph__chan *chan = request->chan;
    oph__event_fn *fn = request->fn;
    void *user = request->user;

    take_out(request);
    fn(user, atomic_load(&chan->silent) ? &freed : event);
}

void oph__ca_gets_end(struct oph__chan *chan)
{
    pthread_mutex_lock(&chan->lock);
    struct oph__request *request = chan->requests;
    pthread_mutex_unlock(&chan->lock);
    for (struct oph__request *next; request; request = next) {
        next = request->next; /* no other thread takes one out any more */
        end(request, NULL);
    }
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
    chid id = request->chan->route->id;

    return ca_array_get_callback(request->type, oph__ca_count(id, request->count), id, got,
                                 request);
}

/* Adds what `wanted` says, of the type that `dtype` asks for. NULL, and the reason in *ret_code:
 * OPH_EDISCONN, OPH_ETYPE or OPH_ENOMEM. */
static struct oph__request *begin(const struct oph__request *wanted, int32_t dtype, int *ret_code)
{
    struct oph__chan *chan = wanted->chan;
    struct oph__request *request = NULL;

    pthread_mutex_lock(&chan->lock);
    chtype type = oph__ca_time_type(oph__dtype_to_ask(dtype, chan->route->dtype));
    *ret_code = !chan->route->up ? OPH_EDISCONN : type < 0 ? OPH_ETYPE : 0;
    if (!*ret_code) {
        request = chan->spare_request ? chan->spare_request : malloc(sizeof *request);
        chan->spare_request = NULL;
        if (!request) *ret_code = OPH_ENOMEM;
    }
    if (request) {
        *request = *wanted;
        request->type = type;
        add(request);
    }
    pthread_mutex_unlock(&chan->lock);
    return request;
}

static int refuse(struct oph__chan *chan, int code, int32_t dtype, int status, oph_error *err)
{
    struct oph__at at = {.pv = chan->name};

    if (status != ECA_NORMAL)
        return oph__fail(err, oph__ca_code(status), at, "a value", "%s", ca_message(status));
    if (code == OPH_EDISCONN) return oph__fail(err, code, at, "a value", "the PV is not connected");
    if (code == OPH_ENOMEM) return oph__fail_memory(err, "a read");
    return oph__fail(err, code, at, "a type that Channel Access carries", "%s",
                     oph_dtype_name(dtype));
}

int oph__ca_get(struct oph__chan *chan, int32_t dtype, uint32_t count, oph__event_fn *fn,
                void *user, oph_error *err)
{
    int status = ECA_NORMAL, code = oph__ca_may_call(chan->link, chan->name, err);

    if (code) return code;
    const struct oph__request wanted = {.chan = chan, .count = count, .fn = fn, .user = user};
    pthread_mutex_lock(&chan->order);
    struct oph__request *request = begin(&wanted, dtype, &code);
    if (request) status = ask(request);
    if (status != ECA_NORMAL) take_out(request);
    pthread_mutex_unlock(&chan->order);
    return !code && status == ECA_NORMAL ? 0 : refuse(chan, code, dtype, status, err);
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
