/* The threads that read and decode frames. */
#ifndef H5_POOL_H
#define H5_POOL_H

#include "base/alive.h"
#include "base/clock.h"

#include <stddef.h>

struct oph__room {
    unsigned char *at;
    size_t size;
};
/* Memory of at least this size, whose contents do not matter; NULL when it is short. */
unsigned char *oph__room(struct oph__room *room, size_t size);

/* What one thread works with at a time. */
struct oph__lane {
    struct oph__lane *next;
    struct oph__room stored; /* a chunk as the file has it */
    struct oph__room middle; /* between two filters */
    struct oph__room block;  /* of bitshuffle */
    struct oph__room plain;  /* a chunk that is only partly wanted */
    void *inflater;          /* libdeflate's, or NULL */
};

/* Something to do in many steps, by as many threads as care to. */
struct oph__work {
    bool (*step)(struct oph__work *work, struct oph__lane *lane); /* false: nothing left to begin */
    /* The pool's: */
    struct oph__work *next;
    int busy;   /* threads that are in a step */
    bool begun; /* all steps are */
};

enum { OPH__POOL_MOST = 64 };

struct oph__pool {
    struct oph__monitor m;
    struct oph__alive alive;
    struct oph__work *first; /* in the order of posting */
    struct oph__lane *lanes; /* that nobody uses now */
    pthread_t threads[OPH__POOL_MOST];
    int count;  /* of threads */
    int active; /* of them, in a step */
    int most;   /* that work together, with the one that waits */
    bool ends;
};

int oph__pool_init(struct oph__pool *pool, oph_error *err);
/* 0: as many as this process may use cores. Threads that there are already stay, and rest. */
void oph__pool_limit(struct oph__pool *pool, int most);
int oph__pool_most(struct oph__pool *pool);
/* No work may be left in it. Joins. */
void oph__pool_end(struct oph__pool *pool);

/* Lets the pool begin. Its threads are made when first needed; without any, finishing does it all.
 */
void oph__pool_post(struct oph__pool *pool, struct oph__work *work);
/* Works too, until all steps of this work are done. */
void oph__pool_finish(struct oph__pool *pool, struct oph__work *work);
/* Both, for work that is too little for several threads. */
void oph__pool_alone(struct oph__pool *pool, struct oph__work *work);

#endif
