/* A group, inside: entries that each go their way from connecting to an end.
 *
 * What an entry waits for ends on libca's threads, which note it and, where there is a next step,
 * wake whoever runs the group: the thread in oph_group_run, or the engine. That one takes the steps
 * that are due and flushes once. Reads, and puts that are not verified, end without a step.
 *
 * Readbacks are asked when no put of the group is under way any more: all in one flush, and as they
 * stand after the last of them. One that is watched from before its put need not be asked where the
 * watch has shown it as wanted since: that saves a round trip. */
#ifndef CORE_GROUP_H
#define CORE_GROUP_H

#include "core/aim.h"
#include "core/device.h"
#include "core/ops.h"
#include "core/write.h"
#include <cophyd/group.h>

enum oph__entry_kind { OPH__CONNECT, OPH__DESCRIBE, OPH__READ, OPH__PUT, OPH__WAIT };

/* Where an entry stands: what it waits for. */
enum oph__entry_step {
    OPH__NOT_BEGUN,
    OPH__CONNECTING,
    OPH__DESCRIBING, /* a put that is to keep the limits */
    OPH__ASKING,     /* a get, a put or a description */
    OPH__IN_TURN,    /* until no put of the group is under way */
    OPH__READING_BACK,
    OPH__WATCHING,
    OPH__SETTLING,
    OPH__ENDED
};

/* What is put, and how. */
struct oph__putting {
    const struct oph__wire *wire; /* ready; else `literal` or `given` is encoded in `own` */
    const struct oph__literal *literal;
    const oph_data *given;
    struct oph__wire own;
    oph_data copy; /* of `given`, where the entry keeps it */
    bool completion, within_limits, nonfinite;
    double settle;
};

/* What the readback must become. */
struct oph__wanting {
    const struct oph__wire *expect; /* as oph__aim's; or `given` is encoded in `own` */
    const oph_data *given;
    struct oph__wire own;
    oph_data copy;
    double patience; /* seconds, once it is watched */
    bool from_first; /* or rather once the watch shows a value, for which there is get_timeout: how
                        far away an IOC is tells nothing of how soon its readbacks follow */
    bool answered;   /* it has */
    bool read_first; /* a read before it is watched: after a put the readback is there mostly */
    bool beforehand; /* watched from before the put: `watch` stands when the put is done */
    struct oph__aim aim;
    struct oph__op *watch, *watch_start;
    unsigned seen;   /* values that the watch has shown; the first may be older than the put */
    bool shown;      /* the newest of them is as wanted */
    unsigned ups;    /* times that its PV had come up then */
    bool rose, fell; /* a start row's setpoint went to 1, and back to 0: it did not start */
};

/* What a read touches comes first: two cache lines. */
struct oph__entry {
    oph_group *group;
    struct oph__entry *next_slow;
    struct oph__pv *pv; /* the one to be read or watched */
    enum oph__entry_kind kind;
    enum oph__entry_step step;
    int32_t code; /* once ended */
    bool has_news;
    bool cached;            /* a read that need not be fresh */
    bool in_turn;           /* a read that waits until no put of the group is under way */
    struct oph__op *op;     /* that ended last, or the first connect that failed */
    struct oph__op *asked;  /* under way: the runner's */
    double since, deadline; /* of its step */
    double due;             /* when something is to be done before that; infinity: nothing */
    double timeout;         /* seconds of its main step; NaN: the context's */
    struct oph__how_to_get how;
    oph_error *error;          /* NULL: `op` tells it, or there was no memory */
    struct oph__wanting *want; /* of a wait, and of a put that is verified or waits */
    struct oph__putting *put;  /* of a put */
    oph_signal *sig;
    struct oph__entry *next_news;
    unsigned pending;            /* connects under way */
    struct oph__op *connects[2]; /* the runner's */
    struct oph_value value;      /* of a cached read */
};

struct oph_group {
    atomic_int refs; /* the user's, and that of a run on the engine */
    oph_context *ctx;
    struct oph__vec entries; /* struct oph__entry */
    struct oph__ops *ops;    /* of the newest run */
    struct oph__monitor *m;  /* theirs; of news, left, puts, in_turn, step, and what is below */
    struct oph__entry *news;
    size_t left;    /* entries that have not ended */
    size_t puts;    /* with a put under way */
    size_t in_turn; /* that wait for those */
    bool on_engine, posted, cancelled;
    double next;             /* the first deadline; the runner's alone, as the rest of these */
    bool unsent;             /* something waits for a flush */
    double tell_by;          /* when the IOC is told what is followed no more; INFINITY: nothing */
    double begun, now;       /* and as of the newest look at the clock */
    struct oph__entry *slow; /* the puts whose rows say how long they take, by next_slow */
    /* A run on the engine. Under lock, which comes before *m. */
    pthread_mutex_t lock;
    pthread_cond_t idle;
    bool running;
    unsigned ending; /* runs whose status is being told */
    double until;
    oph_status *status;
    struct oph__job job;
    struct oph__timer timer;
    struct oph_group *next_running; /* in the context's list */
};

/* entry.c: the steps of one entry, taken by the runner */
void oph__entry_begin(struct oph__entry *entry);
void oph__entry_step(struct oph__entry *entry);
void oph__entry_late(struct oph__entry *entry, double now); /* its deadline has passed */
void oph__entry_turn(struct oph__entry *entry); /* no put of the group is under way any more */
/* Ends it; error NULL: with what its op says. */
void oph__entry_end(struct oph__entry *entry, const oph_error *error);
void oph__entry_op_ended(struct oph__op *op); /* noted, with *m's lock */
void oph__entry_reset(struct oph__entry *entry);
void oph__entry_free(struct oph__entry *entry);
int oph__entry_error(const struct oph__entry *entry, oph_error *err);

/* entry_want.c: reading back and watching */
int oph__want_check(struct oph__entry *entry, oph_error *err);      /* whether it can be at all */
int oph__want_beforehand(struct oph__entry *entry, oph_error *err); /* ahead of the put */
bool oph__want_begin(struct oph__entry *entry); /* once its PV is connected; true: it is there */
bool oph__want_turn(struct oph__entry *entry);  /* no put is under way; true: it is there */
bool oph__want_step(struct oph__entry *entry);  /* true: it is there */
void oph__want_late(struct oph__entry *entry, double now);

/* group_run.c: with *m's lock, that an entry has news */
void oph__group_news(struct oph__entry *entry);
void oph__group_wake(oph_group *group);
void oph__group_due(oph_group *group, double when);
void oph__group_unfollowed(oph_group *group); /* the IOC is to be told, but not at once */

/* The step of an entry that others may change meanwhile. */
enum oph__entry_step oph__entry_where(const struct oph__entry *entry);

/* group.c: adding, for the library's own calls. Without `copy` what is given must outlive the run.
 * NULL, or a code, with the reason in err. */
struct oph__entry *oph__group_add(oph_group *group, enum oph__entry_kind kind, oph_signal *sig,
                                  struct oph__pv *pv, oph_error *err);
struct oph__entry *oph__group_add_read(oph_group *group, oph_signal *sig,
                                       const oph_read_options *opt, oph_error *err);
int oph__group_add_put(oph_group *group, oph_signal *sig, const oph_data *value,
                       const struct oph__literal *literal, const oph_put_options *opt, bool copy,
                       oph_error *err); /* a literal is never copied */
int oph__group_add_wait(oph_group *group, oph_signal *sig, const oph_condition *until,
                        double timeout, bool copy, oph_error *err);
int oph__group_add_write(oph_group *group, const struct oph__write *write, oph_error *err);
int oph__group_add_await(oph_group *group, const struct oph__write *write, oph_error *err);
oph_group *oph__group_ref(oph_group *group);
void oph__group_unref(oph_group *group);

/* group_run.c: runs to the end or the deadline; 0 also when entries failed. OPH_EINTR, OPH_ECANCEL:
 * those that were not done have that error. */
int oph__group_run(oph_group *group, double deadline, bool interruptible, oph_error *err);
/* On the engine. `kind` is static. */
int oph__group_start(oph_group *group, const char *kind, const char *name, double deadline,
                     oph_status **ret_status, oph_error *err);
void oph__group_stop(oph_group *group); /* ends such a run, and waits for that */
/* Ends those that concern signals of a device and those below it. */
void oph__groups_end(oph_device *dev);
void oph__groups_end_signal(const oph_signal *sig); /* or this one */

#endif
