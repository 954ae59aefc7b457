/* Puts whose completion is lost with the circuit: each channel is made anew, says once that it is
 * back, and goes on as before. Puts that are given up while the IOC hangs. And channels that are
 * freed in callbacks while the link closes. */
#include "lib/ca_proxy.h"
#include "lib/count.h"
#include "lib/link_pv.h"

#include "base/log.h"

#include <epicsUnitTest.h>
#include <stdio.h>

enum { CHANNELS = 40, ROUNDS = 3, SECONDS = 30 };

static struct pv pvs[CHANNELS];

static int count_all(int (*what)(struct pv *pv, int wanted), int wanted)
{
    int good = 0;

    for (int i = 0; i < CHANNELS; i++)
        good += what(&pvs[i], wanted);
    return good;
}

static int came_up(struct pv *pv, int wanted)
{
    return pv_wait(pv, &pv->ups, wanted, SECONDS);
}

static int went_down(struct pv *pv, int wanted)
{
    return pv_wait(pv, &pv->downs, wanted, SECONDS);
}

static int lost_put(struct pv *pv, int wanted)
{
    return pv_wait(pv, &pv->puts, wanted, SECONDS) && pv->put_code == OPH_EDISCONN;
}

static int has_news(struct pv *pv, int wanted)
{
    return pv_wait(pv, &pv->events, wanted, SECONDS) && pv->got.code == 0;
}

static int answers(struct pv *pv, int wanted)
{
    return pv_get(pv, OPH_NONE, 0) == wanted;
}

static int stayed(struct pv *pv, int downs)
{
    return pv_get(pv, OPH_NONE, 0) == 0 && pv_count(pv, &pv->downs) == downs &&
           pv_count(pv, &pv->ups) == downs + 1;
}

static void put_all(struct oph__link *link)
{
    double value = 1;

    for (int i = 0; i < CHANNELS; i++)
        pvs[i].ops->put(pvs[i].chan, OPH_FLOAT64, 1, &value, pv_on_put, &pvs[i], NULL);
    pvs[0].ops->flush(link, NULL);
    count_all(answers, 0); /* the server has them */
}

static void test_lost_puts(struct oph__link *link, struct ca_proxy *proxy)
{
    struct oph__chanmon *mon;

    for (int i = 0; i < CHANNELS; i++) {
        pv_init(&pvs[i], link, "m:slowest.A");
        pvs[i].ops->subscribe(pvs[i].chan, OPH_NONE, 0, OPH__UPDATES, pv_on_event, &pvs[i], &mon,
                              NULL);
    }
    pvs[0].ops->flush(link, NULL);
    testOk1(count_all(came_up, 1) == CHANNELS && count_all(has_news, 1) == CHANNELS);
    for (int round = 1; round <= ROUNDS; round++) {
        put_all(link);
        int before = pv_count(&pvs[0], &pvs[0].events);
        ca_proxy_cut(proxy);
        testOk(count_all(went_down, round) == CHANNELS && count_all(lost_put, round) == CHANNELS,
               "all are down, and their puts lost");
        ca_proxy_mend(proxy);
        testOk(count_all(came_up, round + 1) == CHANNELS, "all are back");
        testOk(count_all(has_news, before + 1) == CHANNELS, "their subscriptions go on");
        testOk(count_all(stayed, round) == CHANNELS, "each said so once");
    }
    for (int i = 0; i < CHANNELS; i++)
        pv_free(&pvs[i]);
}

static void free_channel(void *user, const struct oph__event *event)
{
    struct pv *pv = user;

    pv->ops->chan_free(pv->chan);
    pv_on_event(pv, event);
}

static void test_close_after_free(struct oph__log *log)
{
    struct oph__link *link = NULL;
    struct oph__chanmon *mon;

    if (oph__ca_ops()->open(log, &link, NULL)) testAbort("no link");
    for (int i = 0; i < CHANNELS; i++) {
        pv_init(&pvs[i], link, "m:ticks");
        pvs[i].ops->subscribe(pvs[i].chan, OPH_NONE, 0, OPH__UPDATES, free_channel, &pvs[i], &mon,
                              NULL);
    }
    pvs[0].ops->flush(link, NULL);
    testOk(pv_wait(&pvs[0], &pvs[0].events, 1, SECONDS), "the first of %d frees its channel",
           CHANNELS);
    oph__ca_ops()->close(link); /* while the others do, or have not yet */
    int freed = 0;
    for (int i = 0; i < CHANNELS; i++) {
        freed += pvs[i].events;
        oph__monitor_destroy(&pvs[i].m);
    }
    testOk(freed >= 1 && freed <= CHANNELS, "%d did, each once", freed);
}

/* libca takes how long a search lasted for the time of a round trip, and searches for a new channel
 * only that much later: so none may be under way while the server hangs. */
static void test_hang(struct oph__log *log, struct sim *mini)
{
    struct oph__link *link = NULL;
    struct pv pv, fresh;
    double value = 1;

    if (oph__ca_ops()->open(log, &link, NULL)) testAbort("no link");
    if (!pv_open(&pv, link, "m:many0")) testAbort("m:many0 is not there");
    if (!pv_open(&fresh, link, "m:many1")) testAbort("m:many1 is not there");
    pv_free(&fresh); /* by now the link's own channel is there, too */
    sim_pause(mini);
    pv.ops->put(pv.chan, OPH_FLOAT64, 1, &value, pv_on_put, &pv, NULL);
    pv.ops->flush(link, NULL);
    pv.ops->put_abandon(pv.chan, &pv);
    pv_wait(&pv, &pv.downs, 1, 0.5); /* the last is sent */
    struct counts before = count_now();
    testOk(!pv_wait(&pv, &pv.downs, 1, 2), "a hang is no disconnection");
    struct counts counts = count_since(&before);
    testOk(count_is_quiet(&counts), "nothing is searched for while the IOC hangs");
    sim_resume(mini);
    testOk(pv_put_double(&pv, 2) == 0, "then it can be put to again");
    testOk(pv_open(&fresh, link, "m:many50"), "and a new channel is found");
    pv_free(&fresh);
    pv_free(&pv);
    oph__ca_ops()->close(link);
}

int main(void)
{
    struct oph__link *link = NULL;
    struct oph__log log;

    testPlan(0);
    struct sim *mini = mini_start();
    oph__log_init(&log);
    for (int i = 0; i < 20; i++)
        test_close_after_free(&log);
    test_hang(&log, mini);
    struct ca_proxy *proxy = ca_proxy_start(sim_port(mini));
    if (oph__ca_ops()->open(&log, &link, NULL)) testAbort("no link");
    test_lost_puts(link, proxy);
    oph__ca_ops()->close(link);
    ca_proxy_stop(proxy);
    sim_stop(mini);
    oph__log_destroy(&log);
    return testDone();
}
