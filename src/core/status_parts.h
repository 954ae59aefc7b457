/* The inside of a status, for the files that make it up. */
#ifndef CORE_STATUS_PARTS_H
#define CORE_STATUS_PARTS_H

#include "core/status.h"

struct oph__callback {
    struct oph__job job; /* first: the loop gives it back */
    oph_status *status;
    oph_status_fn *fn;
    void *user;
    /* Of a status around this one, a reference: then the thread that finishes this one calls. */
    oph_status *outer;
    bool follow; /* it takes over what is reported */
    struct oph__callback *next;
};

/* What was reported last. */
struct oph__steps {
    double since; /* when the action began, on the monotonic clock; known without a report */
    double at;    /* when this was said */
    double initial, current, target;
    int32_t precision;
    char unit[sizeof((oph_progress *)0)->unit];
};

struct oph_status {
    atomic_int refs, held; /* held: how many of refs its parts have */
    oph_context *ctx;
    const char *kind;
    char *name;
    double limit;
    struct oph__timer timer; /* of the limit; has a reference while it is started */
    void *action;            /* set before anybody else has the status */
    oph__cancel_fn *cancel;
    void (*destroy)(void *action);
    struct oph__monitor m;
    /* These stand once done is set, which is done under the lock and read without. */
    oph_error error;
    double ended;
    atomic_bool done;
    /* Under the lock. */
    bool cancelled; /* the user asked; the action may still be ending */
    bool reported;
    struct oph__steps steps;
    oph_watch *watches;
    struct oph__callback *callbacks; /* not yet called, newest first */
    oph_status **parts;              /* references; none once done, or when nobody has it */
    size_t part_count;
    int fd; /* an eventfd, readable once done; -1 until asked for */
};

/* Adds a copy of it, or calls at once what is done. */
int oph__status_add_callback(oph_status *status, struct oph__callback callback, oph_error *err);

/* Gives up a part's reference to its outer status. */
void oph__status_release(oph_status *outer);
/* Done: it hears of its parts no more, and gives them up. */
void oph__status_let_go(oph_status *outer);
/* Only its parts have it: it gives them up, and is gone when they are. */
void oph__status_abandon(oph_status *outer);

/* Gives the reports of a part to the status around it; with the lock of the part held. */
void oph__status_pass_on(const oph_status *part, oph_status *outer);
/* Frees the watches of a status that nobody refers to. */
void oph__watches_free(oph_status *status);

#endif
