/* One PV of a device: its channel, and the requests that are under way on it. */
#ifndef CORE_PV_H
#define CORE_PV_H

#include "core/context.h"
#include "core/value.h"

struct oph__op;
struct oph_subscription;

struct oph__pv {
    const struct oph__link_ops *ops; /* of its link */
    struct oph__chan *_Atomic chan;  /* set under ctx->lock, as `up`; both are read without it */
    atomic_bool up;                  /* the state is OPH__CHAN_UP, and chan is there */
    bool opened;              /* or being opened, at the first use; under ctx->lock, as all below */
    int32_t state;            /* OPH__CHAN_UP or _DOWN */
    pthread_mutex_t *lock;    /* the last to be taken; one of the context's */
    struct oph__op *requests; /* under way; under that lock */
    oph_context *ctx;
    struct oph__link *link; /* of its own; NULL: the context's, to the network */
    char *name;             /* "Pilatus:cam1:AcquireTime" */
    const char *path;       /* of the signal; borrowed */
    atomic_uint ups;        /* times it came up, read without it: above one the IOC was away */
    atomic_bool absent; /* this IOC does not have it, as connecting found; read without the lock */
    struct oph_subscription *subs;
    struct oph__cache *cache; /* NULL: nobody asked for one */
    struct oph_value *seen;   /* last read or written, for who is told of puts; under `lock` */
};

int oph__pv_new(oph_context *ctx, const char *name, const char *path, struct oph__pv **ret,
                oph_error *err);
void oph__pv_free(struct oph__pv *pv);

/* As errors name it. */
struct oph__at oph__pv_at(const struct oph__pv *pv);

bool oph__pv_is_up(struct oph__pv *pv);
unsigned oph__pv_ups(struct oph__pv *pv);
/* False while it is down. */
bool oph__pv_info(struct oph__pv *pv, struct oph__chan_info *ret);

/* Why it is down, for a sentence; returns dst. */
char *oph__pv_lacks(struct oph__pv *pv, char *dst, size_t size);

/* A subscription for the library's own use: fn runs on a libca thread, copies and returns. */
int oph__pv_subscribe(struct oph__pv *pv, oph__event_fn *fn, void *user, struct oph__chanmon **ret,
                      oph_error *err);
/* The same, of this type. */
int oph__pv_subscribe_as(struct oph__pv *pv, int32_t dtype, oph__event_fn *fn, void *user,
                         struct oph__chanmon **ret, oph_error *err);

#endif
