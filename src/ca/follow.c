#include "ca/client.h"

#include "base/err.h"
#include "base/str.h"

#include <stdlib.h>

void oph__ca_tell_wishes(struct oph__chan *chan, struct oph__wish *wishes, int32_t code,
                         const char *why)
{
    while (wishes) {
        struct oph__wish *next = wishes->next;
        if (!atomic_load(&chan->silent)) wishes->fn(wishes->user, code, why);
        free(wishes);
        wishes = next;
    }
}

/* Once a server: it may have thousands of channels. */
static void warn(struct oph__chan *chan, const char *why)
{
    struct oph__link *link = chan->link;
    char sentence[256];

    pthread_mutex_lock(&chan->lock);
    struct oph__host *host = chan->route ? chan->route->host : NULL;
    pthread_mutex_unlock(&chan->lock);
    if (!host) return;
    pthread_mutex_lock(&link->m.lock);
    bool told = host->told;
    host->told = true;
    pthread_mutex_unlock(&link->m.lock);
    if (told) return;
    oph__ca_warn(&link->words,
                 oph__format(sentence, sizeof sentence,
                             "%s: the IOC at %s does not report changes of labels, units and "
                             "limits (%s): they stay as they were at connection",
                             chan->name, host->name, why));
}

/* An IOC that refuses leaves the description made at connection, and nothing to wait for. */
static void properties_came(void *user, const struct oph__event *event)
{
    struct oph__chan *chan = user;
    int32_t code = event->code;

    if (code && code != OPH_EACCESS) {
        warn(chan, event->why);
        code = 0;
    }
    pthread_mutex_lock(&chan->lock);
    chan->followed = code;
    struct oph__wish *wishes = chan->wishes;
    chan->wishes = NULL;
    pthread_mutex_unlock(&chan->lock);
    oph__ca_tell_wishes(chan, wishes, code, code ? event->why : NULL);
}

/* Under order, on a channel without one. Not installed yet; NULL: no memory. */
static struct oph__chanmon *add_follower(struct oph__chan *chan)
{
    struct oph__chanmon *mon =
        oph__ca_mon_new(chan, OPH_NONE, 1, OPH_ON_PROPERTY, properties_came, chan);

    if (!mon) return NULL;
    pthread_mutex_lock(&chan->lock);
    chan->follower = mon;
    pthread_mutex_unlock(&chan->lock);
    return mon;
}

bool oph__ca_wants_labels(const struct oph__chan *chan)
{
    return chan->route->dtype == OPH_ENUM && !chan->follower;
}

void oph__ca_follow_labels(struct oph__chan *chan)
{
    pthread_mutex_lock(&chan->lock);
    bool wanted = chan->route->up && !atomic_load(&chan->silent) && oph__ca_wants_labels(chan);
    pthread_mutex_unlock(&chan->lock);
    if (wanted) add_follower(chan);
}

struct oph__wish *oph__ca_follow_lost(struct oph__chan *chan)
{
    struct oph__wish *wishes = chan->wishes;

    chan->wishes = NULL;
    chan->followed = OPH__NOT_YET;
    return wishes;
}

void oph__ca_follow_anew(struct oph__chan *chan)
{
    chan->followed = OPH__NOT_YET;
    if (chan->follower) oph__ca_mon_anew(chan->follower);
}

/* Leaves the wish with the channel, unless the answer is known. Under order. */
static int wait_or_answer(struct oph__chan *chan, struct oph__wish *wish, int32_t *ret_answer)
{
    pthread_mutex_lock(&chan->lock);
    bool up = chan->route->up;
    *ret_answer = chan->route->dtype == OPH_TEXT ? 0 : chan->followed;
    if (up && *ret_answer == OPH__NOT_YET) {
        wish->next = chan->wishes;
        chan->wishes = wish;
    }
    pthread_mutex_unlock(&chan->lock);
    return up ? 0 : OPH_EDISCONN;
}

/* Under order; returns libca's status. */
static int follow(struct oph__chan *chan, struct oph__wish *wish, int32_t *ret_answer,
                  int *ret_code)
{
    struct oph__chanmon *made = NULL;
    int32_t dtype;
    uint32_t count;

    if (!oph__ca_chan_type(chan, &dtype, &count)) {
        *ret_code = OPH_EDISCONN;
    } else if (dtype != OPH_TEXT && !chan->follower && !(made = add_follower(chan))) {
        *ret_code = OPH_ENOMEM;
    } else {
        *ret_code = wait_or_answer(chan, wish, ret_answer);
    }
    return made ? oph__ca_mon_install(made) : ECA_NORMAL;
}

int oph__ca_follow(struct oph__chan *chan, oph__described_fn *fn, void *user, oph_error *err)
{
    int32_t answer = OPH__NOT_YET;
    int code = oph__ca_may_call(chan->link, chan->name, err);

    if (code) return code;
    struct oph__wish *wish = malloc(sizeof *wish);
    if (!wish) return oph__fail_memory(err, "a description");
    *wish = (struct oph__wish){.fn = fn, .user = user};

    pthread_mutex_lock(&chan->order);
    int status = follow(chan, wish, &answer, &code);
    pthread_mutex_unlock(&chan->order);
    if (status != ECA_NORMAL) {
        struct oph__event failure = oph__ca_failure(status);
        properties_came(chan, &failure);
    }
    if (code || answer != OPH__NOT_YET) free(wish);
    if (code == OPH_ENOMEM) return oph__fail_memory(err, "a description");
    if (code)
        return oph__fail(err, code, (struct oph__at){.pv = chan->name}, "a description",
                         "the PV is not connected");
    if (answer != OPH__NOT_YET) fn(user, answer, answer ? ca_message(ECA_NORDACCESS) : NULL);
    return 0;
}
