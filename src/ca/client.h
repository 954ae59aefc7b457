/* The inside of a link. Who may take which lock:
 *
 * - chan->order: the calls on a channel, one at a time. Held across ca_* calls, some of which wait
 * for running callbacks; so no callback takes it.
 * - chan->m.lock: what callbacks share with calls. Never held across a ca_* call or a user's
 * function.
 *
 * What a callback wants done that needs `order`, the link's own thread does: oph__ca_settle. */
#ifndef CA_CLIENT_H
#define CA_CLIENT_H

#include "base/clock.h"
#include "base/loop.h"
#include "ca/link.h"

#include <cadef.h>
#include <stdatomic.h>

/* What libca has to say goes to the log, until the link is closed. */
struct oph__words {
    struct ca_client_context *context;
    struct oph__log *log;
    struct oph__words *next;
};

struct oph__link {
    struct oph__loop *own; /* the thread that made the context */
    struct ca_client_context *context;
    struct oph__words words;
    const unsigned char *alive;    /* a page that a fork wipes */
    _Atomic pthread_t in_callback; /* the thread that runs one now, or 0 */
    struct oph__job ending;
    struct oph__timer flush; /* of what callbacks and the own thread ask for */
    atomic_bool flush_due;
    struct oph__monitor m;   /* of what follows */
    struct oph__chan *first; /* all channels */
    bool ended;              /* the context is destroyed */
    bool left_alone;         /* close did not wait for that */
};

/* One libca channel. Making a channel anew gives it a second one for a while. */
struct oph__route {
    struct oph__chan *chan;
    chid id;
    bool up;        /* connected, and info is filled; under m.lock, as all below */
    bool described; /* with labels, limits and so on: they need read access */
    struct oph__chan_info info;
};

struct oph__request { /* a get under way */
    struct oph__request *next, **link;
    struct oph__chan *chan;
    chtype type;
    unsigned long count;
    oph__event_fn *fn;
    void *user;
};

struct oph__chanmon {
    struct oph__chanmon *next;
    struct oph__chan *chan;
    evid id; /* NULL: not installed; under order */
    chtype type;
    int32_t dtype;
    uint32_t count, mask;
    oph__event_fn *fn;
    void *user;
    atomic_bool early;  /* its first value came before the channel was up: to be installed anew */
    atomic_bool silent; /* unsubscribed in a callback: the own thread removes it */
};

enum oph__put_state {
    OPH__PUT_IDLE,
    OPH__PUT_HELD, /* not sent yet */
    OPH__PUT_SENT
};

struct oph__put { /* the put with completion */
    enum oph__put_state state;
    oph__put_fn *fn;
    void *user;
    chtype type; /* while held: what to send */
    unsigned long count;
    void *data;
    unsigned telling; /* threads that are in fn */
    /* An earlier one may still be pending in the server: a second one on the same libca channel
     * would stop the server from reading this client for a minute. */
    bool stuck;
};

struct oph__chan {
    struct oph__link *link;
    struct oph__chan *next, **in_link;
    char *name;
    oph__state_fn *state;
    void *user;
    atomic_bool silent; /* freed: says nothing more */
    pthread_mutex_t order;
    struct oph__monitor m;
    struct oph__route *route; /* NULL once ended; set under both locks, as spare */
    struct oph__route *spare; /* the one to come, while the put is stuck */
    struct oph__request *requests;
    struct oph__chanmon *mons; /* the list changes under both locks */
    struct oph__put put;
    struct oph__job settle;
    bool settle_posted, freed_in_callback;
    unsigned refs; /* the owner's and the posted job's */
};

/* link.c */
int oph__ca_may_call(struct oph__link *link, const char *pv, oph_error *err);
bool oph__ca_in_child(const struct oph__link *link);
bool oph__ca_inside(const struct oph__link *link); /* in a callback, or on the own thread */
/* Around what a libca callback does. */
pthread_t oph__ca_enter(struct oph__link *link);
void oph__ca_leave(struct oph__link *link, pthread_t before);

/* What is asked for in callbacks and on the own thread is sent together, a moment later: sent one
 * by one, it would be answered one by one. */
void oph__ca_flush_soon(struct oph__link *link);

/* attach.c: runs fn(arg) with the link's context attached, and gives the thread back its own. With
 * no channel's `order` held. */
void oph__ca_run(struct oph__link *link, void (*fn)(void *arg), void *arg);

/* words.c */
void oph__ca_words_begin(struct oph__words *words, struct oph__log *log);
void oph__ca_words_end(struct oph__words *words);

/* environment.c: what libca would only print. */
int oph__ca_check_environment(oph_error *err);

/* route.c: callbacks of connection and access rights */
int oph__ca_route_new(struct oph__chan *chan, struct oph__route **ret, oph_error *err);
void oph__ca_route_free(struct oph__route *route); /* waits for its callbacks */
void oph__ca_describe_anew(struct oph__route *route, chtype type, const void *dbr);

/* describe.c: from a DBR_CTRL value, or from the channel alone where there is none */
chtype oph__ca_describing_type(chid id); /* -1: none for this type */
void oph__ca_describe(struct oph__chan_info *info, chid id, chtype type, const void *dbr);

/* channel.c */
int oph__ca_chan_new(struct oph__link *link, const char *pv, oph__state_fn *state, void *user,
                     struct oph__chan **ret, oph_error *err);
void oph__ca_chan_free(struct oph__chan *chan);
const char *oph__ca_chan_name(const struct oph__chan *chan);
bool oph__ca_chan_info(struct oph__chan *chan, struct oph__chan_info *ret);
void oph__ca_chan_end(struct oph__chan *chan); /* chan_free, on a thread where it may wait */
void oph__ca_chan_unref(struct oph__chan *chan);
void oph__ca_tell_state(struct oph__chan *chan, int32_t state);

/* settle.c: brings libca's side of a channel in line with what is wanted */
void oph__ca_post_settle(struct oph__chan *chan);

/* get.c */
int oph__ca_get(struct oph__chan *chan, int32_t dtype, uint32_t count, oph__event_fn *fn,
                void *user, oph_error *err);
/* Asks again, on the new route, for what the old one has not answered. Under order. */
void oph__ca_get_again(struct oph__chan *chan);

/* put.c */
int oph__ca_put(struct oph__chan *chan, int32_t dtype, uint32_t count, const void *data,
                oph__put_fn *fn, void *user, oph_error *err);
void oph__ca_put_abandon(struct oph__chan *chan);
void oph__ca_put_send_held(struct oph__chan *chan);           /* under order */
void oph__ca_put_fail_held(struct oph__chan *chan, int code); /* tells it, if one is held */

/* monitor.c */
int oph__ca_subscribe(struct oph__chan *chan, int32_t dtype, uint32_t count, uint32_t mask,
                      oph__event_fn *fn, void *user, struct oph__chanmon **ret, oph_error *err);
void oph__ca_unsubscribe(struct oph__chanmon *mon);
void oph__ca_mons_install(struct oph__chan *chan); /* under order: those that are not */
void oph__ca_mons_sweep(struct oph__chan *chan);   /* under order: frees the silent ones */

/* convert.c */
chtype oph__ca_plain_type(int32_t dtype); /* DBR_DOUBLE ...; -1: CA cannot carry it */
chtype oph__ca_time_type(int32_t dtype);  /* DBR_TIME_DOUBLE ...; -1 */
int32_t oph__ca_dtype(chtype plain);
int oph__ca_code(int status);
void oph__ca_event(struct oph__event *event, const struct event_handler_args *args);
/* An event that carries a failure only. */
struct oph__event oph__ca_failure(int status);

#endif
