/* The inside of a link. Who may take which lock:
 *
 * - chan->order: the calls on a channel, one at a time. Held across ca_* calls, some of which wait
 * for running callbacks; so no callback takes it.
 * - chan->lock: what callbacks share with calls. Never held across a ca_* call or a user's
 * function.
 * - link->m.lock comes after both, and is held as shortly.
 *
 * What a callback wants done that needs `order`, the link's own thread does: oph__ca_settle. */
#ifndef CA_CLIENT_H
#define CA_CLIENT_H

#include "base/alive.h"
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

struct oph__host { /* a server that channels are on */
    struct oph__host *next;
    chid stays;    /* the link's own channel there; NULL: none */
    bool told;     /* the log says that it does not report properties; under m.lock */
    char name[64]; /* "127.0.0.1:5064" */
};

/* When to ask what channels are: ask.c. Under the link's m.lock. */
struct oph__asking {
    struct oph__route *first, **end; /* those that arrived and are to be asked, in order */
    unsigned awaited;                /* those that libca searches for */
    unsigned listed, listed_before;  /* so far, and when it was last looked at */
    double by;
    bool timed; /* the timer runs, in which somebody looks */
    struct oph__timer timer;
};

struct oph__link {
    struct oph__loop *own; /* the thread that made the context */
    struct ca_client_context *context;
    struct oph__words words;
    struct oph__alive alive; /* not in a forked child */
    struct oph__timer flush; /* of what callbacks and the own thread ask for */
    atomic_bool flush_due;
    atomic_uint asked;     /* so far */
    unsigned asked_before; /* when it was last looked at; of who made the flush due */
    double flush_by;
    struct oph__job ending;
    struct oph__monitor m;   /* of what follows; changed at the end, and when a put was told */
    struct oph__chan *first; /* all channels */
    struct oph__chan *new_ones, **new_end; /* those that libca does not have yet, in order */
    atomic_bool any_new;                   /* there are some; set under m.lock */
    struct oph__asking asking;
    struct oph__host *hosts; /* all so far */
    bool ended;              /* the context is destroyed */
    bool left_alone;         /* close did not wait for that */
    atomic_bool had_channel; /* in libca */
};

/* What the IOC says of a channel besides its value. */
struct oph__description {
    int16_t precision;
    uint16_t label_count;
    char (*labels)[OPH__LABEL_BYTES]; /* malloc'ed; an enum's */
    char units[8];
    double control_low, control_high, display_low, display_high;
    double warning_low, warning_high, alarm_low, alarm_high;
};

/* One libca channel. Making a channel anew gives it a second one for a while. */
struct oph__route {
    struct oph__chan *chan;
    chid id;        /* NULL until it is searched for; under order */
    bool up;        /* connected, and all below is filled; under lock, as all below */
    bool described; /* there is no more to know: without read access there is */
    bool readable, writable;
    int32_t dtype;
    uint32_t count;
    struct oph__host *host; /* NULL: no memory */
    struct oph__description description;
    bool awaited, forgotten;               /* ask.c's, as the next */
    struct oph__route *next_due, **in_due; /* NULL: it is not to be asked */
};

struct oph__request { /* a get under way */
    struct oph__request *next, **link;
    struct oph__chan *chan;
    chtype type;
    unsigned long count;
    oph__event_fn *fn;
    void *user;
};

/* What becomes of an event. After a reconnection libca may have a value before the channel's owner
 * knows that it is up: then the subscription begins anew once he does. */
enum oph__gate {
    OPH__GATE_OPEN,
    OPH__GATE_SHUT,  /* the channel is down */
    OPH__GATE_EARLY, /* an event came meanwhile: to be installed anew */
    OPH__GATE_GONE   /* unsubscribed in a callback, or the channel is freed */
};

struct oph__chanmon {
    oph__event_fn *fn; /* what each event needs comes first */
    void *user;
    struct oph__link *link;
    atomic_int gate; /* enum oph__gate; to open and to shut it, under lock */
    uint32_t mask;
    struct oph__chan *chan;
    struct oph__chanmon *next, **at; /* what points to it: ending one walks no list */
    evid id;                         /* NULL: not installed; under order, as all below */
    chtype type;
    int32_t dtype;
    uint32_t count;
};

struct oph__wish { /* to be told when the description is up to date */
    struct oph__wish *next;
    oph__described_fn *fn;
    void *user;
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
    unsigned telling; /* threads that are in fn; under the link's lock */
    /* An earlier one may still be pending in the server: a second one on the same libca channel
     * would stop the server from reading this client for a minute. */
    bool stuck;
};

/* Whether a channel's server still answers. */
enum oph__asked { OPH__NOT_ASKED, OPH__ASKED, OPH__ANSWERED };

struct oph__chan { /* what a read touches comes first */
    struct oph__link *link;
    struct oph__route *route; /* NULL once ended; set under both locks, as spare */
    struct oph__request *requests;
    struct oph__request *spare_request; /* to be used again; NULL: none */
    atomic_bool silent;                 /* freed: says nothing more */
    pthread_mutex_t order, lock;
    oph__state_fn *state;
    void *user;
    struct oph__route *spare;      /* the one to come, while the put is stuck */
    enum oph__asked asked;         /* before there is one; under lock */
    struct oph__chanmon *mons;     /* the list changes under both locks */
    struct oph__chanmon *follower; /* of its properties, one of mons; set under both */
    struct oph__wish *wishes;
    int32_t followed; /* what they would be told now; OPH__NOT_YET: they must wait */
    struct oph__put put;
    bool settle_posted, freed_in_callback;
    atomic_uint refs; /* the owner's, the posted job's, that of the new ones, and that of who
                         closes the link */
    struct oph__job settle;
    struct oph__chan *next, **in_link;
    struct oph__chan *next_new;
    char name[];
};
enum { OPH__NOT_YET = 1 };

/* link.c */
int oph__ca_may_call(struct oph__link *link, const char *pv, oph_error *err);
bool oph__ca_in_child(const struct oph__link *link);
bool oph__ca_inside(const struct oph__link *link); /* in a callback, or on the own thread */
/* Around what a libca callback does. */
const struct oph__link *oph__ca_enter(const struct oph__link *link);
void oph__ca_leave(const struct oph__link *before);

/* attach.c: runs fn(arg) with the link's context attached, and gives the thread back its own. With
 * no channel's `order` held. */
void oph__ca_run(struct oph__link *link, void (*fn)(void *arg), void *arg);
/* The same on the link's own thread, and waits for it; not from that thread. */
void oph__ca_run_on_own(struct oph__link *link, void (*fn)(void *arg), void *arg);

/* flush.c */
int oph__ca_flush(struct oph__link *link, oph_error *err);
/* What is asked for in callbacks and on the own thread is sent together, a moment later: sent one
 * by one, it would be answered one by one. */
void oph__ca_flush_soon(struct oph__link *link);
void oph__ca_flush_init(struct oph__link *link);
void oph__ca_flush_end(struct oph__link *link); /* on the own thread */

/* words.c */
/* Before the context is made, whose threads may speak at once; their log is set. Then with it
 * attached. */
void oph__ca_words_begin(struct oph__words *words);
void oph__ca_words_hook(struct oph__words *words);
void oph__ca_words_mute(struct oph__words *words); /* their log may go after it */
/* Once the context has said its last: the error log is the process's again. */
void oph__ca_words_end(void);
void oph__ca_warn(struct oph__words *words, const char *sentence);

/* exit.c */
/* Once libCom's threads may be there; again and again. */
void oph__ca_exit_begin(void);

/* environment.c: what libca would only print. */
int oph__ca_check_environment(oph_error *err);

/* route.c: callbacks of connection and access rights */
struct oph__route *oph__ca_route_new(struct oph__chan *chan); /* NULL: no memory */
/* Makes libca's channel; its status. Under order, with the link's context attached. */
int oph__ca_route_search(struct oph__route *route);
void oph__ca_route_free(struct oph__route *route); /* waits for its callbacks */
/* Asks the IOC what the channel is; the answer tells that it is up. In a callback, or under order;
 * a flush sends it. */
void oph__ca_route_ask(struct oph__route *route);

/* ask.c: when to do that */
void oph__ca_ask_init(struct oph__link *link);
void oph__ca_ask_end(struct oph__link *link);     /* on the own thread */
void oph__ca_ask_await(struct oph__route *route); /* it went down, or is searched for */
/* In its connection callback; `ask`: there is something to ask. */
void oph__ca_ask_arrived(struct oph__route *route, bool ask);
void oph__ca_ask_forget(struct oph__route *route); /* before libca clears it */

/* host.c */
/* The server that a channel is on; in a callback. NULL: no memory. */
struct oph__host *oph__ca_host_of(struct oph__link *link, chid id);
void oph__ca_hosts_leave(struct oph__link *link); /* the link's last channels; on the own thread */

/* describe.c: from a DBR_CTRL value; dbr NULL: nothing is known */
chtype oph__ca_describing_type(int32_t dtype); /* -1: none for this type */
void oph__ca_describe(struct oph__description *ret, chtype type, const void *dbr);
/* Gives a route the newer description, if dbr is one; false when it does not serve its channel any
 * more. */
bool oph__ca_describe_anew(struct oph__route *route, chtype type, const void *dbr);

/* follow.c: chan_info kept up to date */
int oph__ca_follow(struct oph__chan *chan, oph__described_fn *fn, void *user, oph_error *err);
void oph__ca_follow_labels(struct oph__chan *chan);            /* under order: an enum's */
bool oph__ca_wants_labels(const struct oph__chan *chan);       /* under lock */
struct oph__wish *oph__ca_follow_lost(struct oph__chan *chan); /* under lock: to be told */
void oph__ca_follow_anew(struct oph__chan *chan);              /* under lock: settle does */
void oph__ca_tell_wishes(struct oph__chan *chan, struct oph__wish *wishes, int32_t code,
                         const char *why); /* frees them */

/* channel.c */
int oph__ca_chan_new(struct oph__link *link, const char *pv, oph__state_fn *state, void *user,
                     struct oph__chan **ret, oph_error *err);
void oph__ca_chan_free(struct oph__chan *chan);
const char *oph__ca_chan_name(const struct oph__chan *chan);
bool oph__ca_chan_info(struct oph__chan *chan, struct oph__chan_info *ret);
bool oph__ca_chan_type(struct oph__chan *chan, int32_t *ret_dtype, uint32_t *ret_count);
/* Searches for the new ones. With the link's context attached, not in a callback. What libca
 * refuses stays new: its status, and the name of one. */
int oph__ca_chans_search(struct oph__link *link, char *ret_failed, size_t size);
void oph__ca_chans_forget(struct oph__link *link); /* the new ones that nobody searched for */
void oph__ca_chan_end(struct oph__chan *chan);     /* chan_free, on a thread where it may wait */
void oph__ca_chans_end(struct oph__link *link);    /* all that are left */
void oph__ca_chan_unref(struct oph__chan *chan);
void oph__ca_tell_state(struct oph__chan *chan, int32_t state);

/* settle.c: brings libca's side of a channel in line with what is wanted */
void oph__ca_post_settle(struct oph__chan *chan);

/* get.c */
int oph__ca_get(struct oph__chan *chan, int32_t dtype, uint32_t count, oph__event_fn *fn,
                void *user, oph_error *err);
/* Asks again, on the new route, for what the old one has not answered. Under order. */
void oph__ca_get_again(struct oph__chan *chan);
void oph__ca_gets_end(struct oph__chan *chan); /* of a silent channel without routes */

/* put.c */
int oph__ca_put(struct oph__chan *chan, int32_t dtype, uint32_t count, const void *data,
                oph__put_fn *fn, void *user, oph_error *err);
void oph__ca_put_abandon(struct oph__chan *chan, const void *user);
void oph__ca_put_send_held(struct oph__chan *chan);             /* under order */
void oph__ca_put_fail_held(struct oph__chan *chan, int status); /* tells it, if one is held */

/* monitor.c */
int oph__ca_subscribe(struct oph__chan *chan, int32_t dtype, uint32_t count, uint32_t mask,
                      oph__event_fn *fn, void *user, struct oph__chanmon **ret, oph_error *err);
void oph__ca_unsubscribe(struct oph__chanmon *mon);
/* Adds one that is not installed. Under order; NULL: no memory. */
struct oph__chanmon *oph__ca_mon_new(struct oph__chan *chan, int32_t dtype, uint32_t count,
                                     uint32_t mask, oph__event_fn *fn, void *user);
int oph__ca_mon_install(struct oph__chanmon *mon); /* under order: libca's status */
void oph__ca_mon_anew(struct oph__chanmon *mon);   /* under lock: to be installed anew */
void oph__ca_mons_install(struct oph__chan *chan); /* under order: those that are not */
void oph__ca_mons_sweep(struct oph__chan *chan);   /* under order: frees those that are gone */
/* Under lock: their channel came up, went down, or is freed. */
void oph__ca_mons_open(struct oph__chan *chan);
void oph__ca_mons_shut(struct oph__chan *chan);
void oph__ca_mons_silence(struct oph__chan *chan);

/* convert.c */
chtype oph__ca_plain_type(int32_t dtype); /* DBR_DOUBLE ...; -1: CA cannot carry it */
chtype oph__ca_time_type(int32_t dtype);  /* DBR_TIME_DOUBLE ...; -1 */
int32_t oph__ca_dtype(chtype plain);
/* What to ask for where at most so many elements are wanted: a channel that has no more is asked
 * for its current length, since libca refuses more and a server fills up what is missing. */
unsigned long oph__ca_count(chid id, uint32_t wanted);
int oph__ca_code(int status);
void oph__ca_event(struct oph__event *event, const struct event_handler_args *args);
/* An event that carries a failure only. */
struct oph__event oph__ca_failure(int status);

#endif
