/* The link when things go wrong: a killed, stopped or restarted IOC, foreign contexts, fork,
 * closing in the middle of traffic. */
#include "lib/link_pv.h"

#include <cadef.h>
#include <epicsUnitTest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 50 };

static struct oph__link *open_link(struct oph__log *log)
{
    struct oph__link *link = NULL;
    oph_error err = OPH_ERROR_INIT;

    if (oph__ca_ops()->open(log, &link, &err)) testAbort("%s", err.text);
    return link;
}

/* What a thread with a libca context of its own does with the link, and then with its context. */
struct guest {
    struct oph__link *link;
    enum ca_preemptive_callback_select select;
    double own, ours;
    int code, status;
    bool same;
};

static void *visit(void *arg)
{
    struct guest *guest = arg;
    struct pv pv;
    chid id;

    ca_context_create(guest->select);
    struct ca_client_context *context = ca_current_context();
    ca_create_channel("m:ao", NULL, NULL, 0, &id);
    if (pv_open(&pv, guest->link, "m:ai")) guest->code = pv_get(&pv, OPH_NONE, 0);
    guest->ours = *(double *)pv.bytes;
    pv_free(&pv);
    guest->same = ca_current_context() == context;
    ca_pend_io(5);
    ca_get(DBR_DOUBLE, id, &guest->own);
    guest->status = ca_pend_io(5);
    ca_clear_channel(id);
    ca_context_destroy();
    return NULL;
}

static void test_guests(struct oph__link *link)
{
    static const enum ca_preemptive_callback_select selects[] = {ca_enable_preemptive_callback,
                                                                 ca_disable_preemptive_callback};

    for (int i = 0; i < 2; i++) {
        struct guest guest = {.link = link, .select = selects[i], .code = 1};
        pthread_t thread;
        pthread_create(&thread, NULL, visit, &guest);
        pthread_join(thread, NULL);
        testOk(guest.code == 0 && guest.ours == 1.5, "from a context with%s preemptive callbacks",
               i ? "out" : "");
        testOk(guest.same && guest.status == ECA_NORMAL && guest.own == 2.5,
               "that context works afterwards");
    }
}

static int in_child(struct oph__link *link, struct pv *pv, struct oph__chanmon *mon)
{
    const struct oph__link_ops *ops = pv->ops;
    struct oph__chan *chan;
    struct oph__chanmon *other;
    double value = 1;
    int wrong = 0;

    wrong += ops->chan_new(link, "m:ao", pv_on_state, pv, &chan, NULL) != OPH_EFORK;
    wrong += ops->get(pv->chan, OPH_NONE, 0, pv_on_get, pv, NULL) != OPH_EFORK;
    wrong += ops->put(pv->chan, OPH_FLOAT64, 1, &value, NULL, NULL, NULL) != OPH_EFORK;
    wrong += ops->put(pv->chan, OPH_FLOAT64, 1, &value, pv_on_put, pv, NULL) != OPH_EFORK;
    wrong += ops->subscribe(pv->chan, OPH_NONE, 0, OPH__UPDATES, pv_on_event, pv, &other, NULL) !=
             OPH_EFORK;
    wrong += ops->flush(link, NULL) != OPH_EFORK;
    ops->put_abandon(pv->chan, pv);
    ops->unsubscribe(mon);
    ops->chan_free(pv->chan);
    ops->close(link);
    return wrong;
}

static void test_fork(struct oph__link *link)
{
    struct oph__chanmon *mon = NULL;
    struct pv pv;
    int status = -1;

    pv_open(&pv, link, "m:ao");
    pv.ops->subscribe(pv.chan, OPH_NONE, 0, OPH__UPDATES, pv_on_event, &pv, &mon, NULL);
    pv.ops->flush(link, NULL);
    pv_wait(&pv, &pv.events, 1, 5);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(10);
        _exit(in_child(link, &pv, mon)); /* libCom's exit handlers wait for the parent's threads */
    }
    waitpid(child, &status, 0);
    testOk(WIFEXITED(status) && WEXITSTATUS(status) == 0, "every call in a forked child fails: %x",
           (unsigned)status);
    testOk(pv_get(&pv, OPH_NONE, 0) == 0, "the parent's link still works");
    pv_free(&pv);
}

static void test_close_in_traffic(struct oph__log *log)
{
    static struct pv pvs[MANY];
    struct oph__link *link = open_link(log);
    struct oph__chanmon *mon;
    double value = 1;
    int up = 0;

    for (int i = 0; i < MANY; i++) {
        pv_init(&pvs[i], link, i % 2 ? "m:ticks" : "m:slowest.A");
        pvs[i].ops->subscribe(pvs[i].chan, OPH_NONE, 0, OPH__UPDATES, pv_on_event, &pvs[i], &mon,
                              NULL);
    }
    pvs[0].ops->flush(link, NULL);
    for (int i = 0; i < MANY; i++)
        up += pv_wait(&pvs[i], &pvs[i].events, 1, 10);
    testOk1(up == MANY);
    for (int i = 0; i < MANY; i++) {
        pvs[i].ops->get(pvs[i].chan, OPH_NONE, 0, pv_on_get, &pvs[i], NULL);
        pvs[i].ops->put(pvs[i].chan, OPH_FLOAT64, 1, &value, pv_on_put, &pvs[i], NULL);
    }
    pvs[0].ops->flush(link, NULL);
    double start = oph__now();
    for (int i = 1; i < MANY; i++)
        pv_free(&pvs[i]);
    pvs[0].ops->close(link); /* with a channel left */
    testOk(oph__now() - start < 2, "closed in %.3f s", oph__now() - start);
    oph__monitor_destroy(&pvs[0].m);
}

/* A stopped IOC does not read: libca would wait for half a minute. */
static void test_close_stuck(struct oph__log *log, struct sim *mini)
{
    struct oph__link *link = open_link(log);
    struct pv pv;

    pv_open(&pv, link, "m:ai");
    sim_pause(mini);
    pv.ops->get(pv.chan, OPH_NONE, 0, pv_on_get, &pv, NULL);
    pv.ops->flush(link, NULL);
    double start = oph__now();
    pv_free(&pv);
    pv.ops->close(link);
    testOk(oph__now() - start < 4, "closed beside a stopped IOC in %.1f s", oph__now() - start);
    sim_resume(mini);
}

static void test_kill(struct oph__link *link, struct sim *mini)
{
    struct pv pv, slow;
    struct oph__chanmon *mon = NULL;
    double value = 1;

    pv_open(&pv, link, "m:ticks");
    pv_open(&slow, link, "m:slowest.A");
    pv.ops->subscribe(pv.chan, OPH_NONE, 0, OPH__UPDATES, pv_on_event, &pv, &mon, NULL);
    slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, NULL);
    pv.ops->flush(link, NULL);
    pv_wait(&pv, &pv.events, 2, 5);
    sim_pause(mini);
    pv.ops->get(pv.chan, OPH_NONE, 0, pv_on_get, &pv, NULL);
    pv.ops->flush(link, NULL);
    sim_kill(mini);
    testOk1(pv_wait(&pv, &pv.downs, 1, 1) && pv_wait(&slow, &slow.downs, 1, 1));
    testOk1(pv_wait(&pv, &pv.gets, 1, 1) && pv.got.code == OPH_EDISCONN);
    testOk1(pv_wait(&slow, &slow.puts, 1, 1) && slow.put_code == OPH_EDISCONN);
    testOk1(slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, NULL) ==
            OPH_EDISCONN);
    testOk1(pv.ops->get(pv.chan, OPH_NONE, 0, pv_on_get, &pv, NULL) == OPH_EDISCONN);

    int events = pv_count(&pv, &pv.events);
    sim_restart(mini);
    testOk(pv_wait(&pv, &pv.ups, 2, 60), "up again after a restart");
    testOk(pv_wait(&pv, &pv.events, events + 3, 10) && pv.got.code == 0,
           "the subscription goes on");
    testOk1(pv_wait(&slow, &slow.ups, 2, 20));
    testOk1(slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, NULL) == 0);
    slow.ops->flush(link, NULL);
    testOk1(pv_get(&pv, OPH_NONE, 0) == 0 && pv_count(&slow, &slow.puts) == 1);
    pv_free(&slow);
    pv_free(&pv);
}

/* An IOC that stops for longer than EPICS_CA_CONN_TMO: its clients give up, the server does not. */
static void test_unresponsive(struct oph__link *link, struct sim *mini)
{
    struct pv slow, slowest, other;
    double value = 21;

    pv_open(&slow, link, "m:slower.A");
    pv_open(&slowest, link, "m:slowest.A"); /* which is not over when the IOC goes on */
    pv_open(&other, link, "m:ai");
    slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, NULL);
    slowest.ops->put(slowest.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slowest, NULL);
    slow.ops->flush(link, NULL);
    pv_get(&other, OPH_NONE, 0); /* the server has the put */
    sim_pause(mini);
    testOk(pv_wait(&slow, &slow.puts, 1, 30) && slow.put_code == OPH_EDISCONN, "given up");
    testOk1(pv_wait(&slowest, &slowest.puts, 1, 5) && slowest.put_code == OPH_EDISCONN);
    testOk1(pv_wait(&other, &other.downs, 1, 5) && pv_wait(&slow, &slow.downs, 1, 5));
    sim_resume(mini);
    testOk1(pv_wait(&slow, &slow.ups, 2, 30) && pv_wait(&other, &other.ups, 2, 30));
    testOk1(pv_wait(&slowest, &slowest.ups, 2, 30));
    value = 22;
    testOk1(slow.ops->put(slow.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slow, NULL) == 0);
    testOk1(slowest.ops->put(slowest.chan, OPH_FLOAT64, 1, &value, pv_on_put, &slowest, NULL) == 0);
    slow.ops->flush(link, NULL);
    testOk(pv_get(&other, OPH_NONE, 0) == 0 && pv_count(&slowest, &slowest.puts) == 1,
           "a new put does not freeze the circuit");
    testOk1(pv_wait(&slow, &slow.puts, 2, 10) && slow.put_code == 0);
    testOk1(pv_get(&slow, OPH_NONE, 0) == 0 && *(double *)slow.bytes == 22);
    pv_free(&other);
    pv_free(&slowest);
    pv_free(&slow);
}

int main(void)
{
    struct oph__log log;

    testPlan(0);
    struct sim *mini = mini_start();
    oph__log_init(&log);
    setenv("EPICS_CA_CONN_TMO", "2", 1);
    struct oph__link *link = open_link(&log);
    test_guests(link);
    test_fork(link);
    test_close_in_traffic(&log);
    test_close_stuck(&log, mini);
    test_unresponsive(link, mini);
    test_kill(link, mini);
    oph__ca_ops()->close(link);
    sim_stop(mini);
    oph__log_destroy(&log);
    return testDone();
}
