#include "lib/failing_link.h"

#include "base/err.h"
#include "base/str.h"
#include "lib/fake_link.h"

#include <epicsUnitTest.h>
#include <pthread.h>
#include <string.h>

static const struct oph__link_ops *fake;
static struct oph__link_ops fake_table;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all below; the last one taken */
static const char *name_of_call = "";
static int left;                           /* until one fails; 0: none will */
static bool stays, came, strikes, refuses; /* refuses: all channels from now on */
static char struck[80];
static pthread_t thread; /* that takes the channel down, while strikes */

static void *take_down(void *arg)
{
    (void)arg;
    fake_down(struck);
    if (!stays) fake_up(struck);
    return NULL;
}

/* Whether this call is the one. */
static bool fails(const char *name, const struct oph__chan *chan)
{
    pthread_mutex_lock(&lock);
    bool now = left > 0 && !strcmp(name, name_of_call) && --left == 0;
    if (now) came = true;
    if (now && !chan) refuses = stays;
    if (now && chan) {
        oph__copy(struck, sizeof struck, fake->chan_name(chan));
        strikes = !pthread_create(&thread, NULL, take_down, NULL);
    }
    if (!chan) now = now || refuses;
    pthread_mutex_unlock(&lock);
    return now;
}

static int refuse(const char *name, oph_error *err)
{
    return oph__fail_text(err, OPH_EDISCONN, "%s: it is down", name);
}

static int chan_new(struct oph__link *link, const char *pv, oph__state_fn *state, void *user,
                    struct oph__chan **ret, oph_error *err)
{
    return fails("chan_new", NULL) ? refuse(pv, err)
                                   : fake->chan_new(link, pv, state, user, ret, err);
}

static bool chan_info(struct oph__chan *chan, struct oph__chan_info *ret)
{
    return !fails("chan_info", chan) && fake->chan_info(chan, ret);
}

static bool chan_type(struct oph__chan *chan, int32_t *ret_dtype, uint32_t *ret_count)
{
    return !fails("chan_type", chan) && fake->chan_type(chan, ret_dtype, ret_count);
}

static int describe(struct oph__chan *chan, oph__described_fn *fn, void *user, oph_error *err)
{
    return fails("describe", chan) ? refuse("describe", err) : fake->describe(chan, fn, user, err);
}

static int get(struct oph__chan *chan, int32_t dtype, uint32_t count, oph__event_fn *fn, void *user,
               oph_error *err)
{
    return fails("get", chan) ? refuse("get", err) : fake->get(chan, dtype, count, fn, user, err);
}

static int put(struct oph__chan *chan, int32_t dtype, uint32_t count, const void *data,
               oph__put_fn *fn, void *user, oph_error *err)
{
    return fails("put", chan) ? refuse("put", err)
                              : fake->put(chan, dtype, count, data, fn, user, err);
}

static int subscribe(struct oph__chan *chan, int32_t dtype, uint32_t count, uint32_t mask,
                     oph__event_fn *fn, void *user, struct oph__chanmon **ret, oph_error *err)
{
    return fails("subscribe", chan) ? refuse("subscribe", err)
                                    : fake->subscribe(chan, dtype, count, mask, fn, user, ret, err);
}

void failing_link_wrap(struct oph__link_ops *ops)
{
    fake_table = *ops;
    fake = &fake_table;
    ops->chan_new = chan_new;
    ops->chan_info = chan_info;
    ops->chan_type = chan_type;
    ops->describe = describe;
    ops->get = get;
    ops->put = put;
    ops->subscribe = subscribe;
}

void failing_link(const char *name, int nth, bool for_good)
{
    pthread_mutex_lock(&lock);
    name_of_call = name;
    left = nth;
    stays = for_good;
    came = strikes = refuses = false;
    pthread_mutex_unlock(&lock);
}

bool failing_link_end(void)
{
    pthread_mutex_lock(&lock);
    bool it_did = came, struck_one = strikes;
    left = 0;
    strikes = refuses = false;
    pthread_mutex_unlock(&lock);
    if (struck_one) pthread_join(thread, NULL);
    if (struck_one && stays) fake_up(struck);
    return it_did;
}
