/* A channel of a link and all that its callbacks said, for tests of the link. */
#ifndef TEST_LINK_PV_H
#define TEST_LINK_PV_H

#include "base/wait.h"
#include "ca/link.h"
#include "lib/sim.h"

/* Starts the IOC of tests/ioc/plain, for its records in mini.db. */
struct sim *mini_start(void);
struct sim *mini_start_with(const char *const *arguments); /* see there; ended by NULL */

enum { PV_BYTES = 8192, PV_LOG = 256 };

struct pv {
    const struct oph__link_ops *ops;
    struct oph__link *link;
    struct oph__chan *chan;
    struct oph__monitor m; /* of what follows */
    int ups, downs;
    int gets, events, puts; /* callbacks so far */
    struct oph__event got;  /* the last of gets or events; data points to bytes */
    unsigned char bytes[PV_BYTES];
    int put_code;
    int log[PV_LOG]; /* the first events, as int32 */
};

/* One channel; the test ends when it cannot be made. */
void pv_init(struct pv *pv, struct oph__link *link, const char *name);
void pv_free(struct pv *pv);

/* Waits until *counter, one of pv's, is at least `wanted`; false after `seconds`. */
bool pv_wait(struct pv *pv, const int *counter, int wanted, double seconds);
int pv_count(struct pv *pv, const int *counter);

/* Makes and connects a channel. */
bool pv_open(struct pv *pv, struct oph__link *link, const char *name);
/* Gets and waits: 0, or the code of the call or of the event. */
int pv_get(struct pv *pv, int32_t dtype, uint32_t count);
/* Puts with completion and waits: 0, or the code of the call or of the completion. */
int pv_put(struct pv *pv, int32_t dtype, uint32_t count, const void *data);
int pv_put_double(struct pv *pv, double value);
int pv_put_text(struct pv *pv, const char *text);

/* The callbacks, for calls that the test makes itself. */
void pv_on_state(void *pv, int32_t state);
void pv_on_get(void *pv, const struct oph__event *event);
void pv_on_event(void *pv, const struct oph__event *event);
void pv_on_put(void *pv, int32_t code, const char *why);

#endif
