/* What the two halves of the fake link share: its PVs (fake_ioc.c), and its channels, requests and
 * thread (fake_link.c). No other file includes it. */
#ifndef TESTS_FAKE_IOC_H
#define TESTS_FAKE_IOC_H

#include "base/str.h"
#include "lib/fake_link.h"

enum { PVS = 512, BYTES = 512, ALARM_UDF = 17 };

struct value {
    uint32_t count;
    _Alignas(16) unsigned char data[BYTES];
};

struct pv {
    char name[80];
    struct oph__chan_info info;
    struct value value;
    bool up, undefined;
    enum fake_rule rule;
    struct value next; /* what it becomes once it was read */
    bool has_next;
};

struct oph__chanmon {
    struct oph__chanmon *next;
    struct oph__chan *chan;
    oph__event_fn *fn;
    void *user;
    uint32_t mask;
    bool on; /* its first value is out */
};

struct oph__chan {
    struct oph__chan *next;
    char name[80];
    struct pv *pv; /* NULL: no such PV */
    oph__state_fn *state;
    void *user;
    struct oph__chan_info info; /* as it was told; pv->info is as it is */
    bool up, busy;              /* busy: a put with completion is in flight */
    const void *busy_user;      /* of that put */
    bool follows, described;    /* the IOC's properties; and has them */
    struct oph__chanmon *mons;
    oph__put_fn *held; /* of a completion that is withheld */
    void *held_user;
};

enum kind { STATE, GET, PUT, DONE, FIRST, EVENT, PROPERTY, DESCRIBE };

struct task {
    struct task *next;
    enum kind kind;
    struct oph__chan *chan;
    struct oph__chanmon *mon;
    oph__event_fn *event;
    oph__put_fn *done; /* or an oph__described_fn, which is the same */
    void *user;
    int32_t code; /* or a channel's state */
    struct value value;
};

struct queue {
    struct task *first;
};

struct oph__link {
    struct oph__monitor m; /* of all below */
    pthread_t thread;
    struct queue unsent, sent;
    bool calling, ending;
    struct pv pvs[PVS];
    size_t pv_count;
    struct oph__chan *chans;
    int nth;
    enum fake_rule nth_rule;
    struct oph__buf puts;
    int opened, flushes, gets, abandoned;
};
extern struct oph__link fake_ioc;

/* The lock of all that; letting go of it wakes who waits for a change. */
void fake_lock(void);
void fake_unlock(void);

/* These with the lock held. */
struct pv *fake_find(const char *name); /* NULL: there is none */
char *fake_show(const struct value *v, const struct oph__chan_info *info, char *dst, size_t size);
/* Carries out a put, as the rule says. */
void fake_apply(struct pv *pv, const struct value *v, enum fake_rule rule);
/* Tells those that follow them of new properties. */
void fake_post_properties(const struct pv *pv);
/* Tells subscribers of a new value, and channels that they came up or went down. */
void fake_post(const struct pv *pv);
/* Becomes what it should once it was read: its monitors know before the next request is served. */
void fake_take_next(struct pv *pv);
void fake_change_state(const struct pv *pv, int32_t state);
/* The completion of a put; nothing where fn is NULL. */
void fake_complete(struct oph__chan *chan, oph__put_fn *fn, void *user, int32_t code);
/* Until no callback runs or is due. */
void fake_drain(void);

#endif
