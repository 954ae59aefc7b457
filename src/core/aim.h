/* What a watched PV must come to: a value, what passes a test, or one that stays. */
#ifndef CORE_AIM_H
#define CORE_AIM_H

#include "core/value.h"

struct oph__aim {
    const struct oph__wire *expect; /* NULL: any value */
    bool differ;                    /* anything but that */
    struct oph__alike how;
    oph_test_fn *test; /* NULL: none */
    void *user;
    double stable; /* seconds for which it must hold */
    /* how far it has come */
    struct oph_value last, anchor; /* newest; and what it has stayed near, where it must stay */
    bool holds;
    bool reached; /* and it stays so: what comes after does not count */
    double since; /* when it began to hold, on the monotonic clock */
};

/* Whether a value would do. It calls the user's test: with no lock held. */
bool oph__aim_likes(const struct oph__aim *aim, const struct oph_value *value);
/* Takes the next value; `likes` is what oph__aim_likes said of it. */
void oph__aim_see(struct oph__aim *aim, const struct oph__event *event, bool likes, double now);
/* When it is reached, if nothing changes; infinity while it does not hold. */
double oph__aim_due(const struct oph__aim *aim);
/* "0.5", "anything but 1", "a value that stays for 2 s". */
char *oph__aim_show(const struct oph__aim *aim, const struct oph__chan_info *info, char *dst,
                    size_t size);
void oph__aim_clear(struct oph__aim *aim);

#endif
