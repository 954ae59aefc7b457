/* Several threads on a few channels: every get is answered, nothing freezes, nothing is torn down.
 */
#include "lib/link_pv.h"

#include <epicsUnitTest.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 6, CHANNELS = 4, ROUNDS = 1500, KINDS = 6 };

struct shared {
    const struct oph__link_ops *ops;
    struct oph__link *link;
    struct pv pvs[CHANNELS];
    struct oph__monitor m;
    int asked, answered; /* gets; under m.lock */
    atomic_int completed, refused, wrong;
};

struct worker {
    struct shared *shared;
    unsigned seed;
};

static void on_get(void *user, const struct oph__event *event)
{
    struct shared *shared = user;

    if (event->code) atomic_fetch_add(&shared->wrong, 1);
    pthread_mutex_lock(&shared->m.lock);
    shared->answered++;
    pthread_cond_broadcast(&shared->m.changed);
    pthread_mutex_unlock(&shared->m.lock);
}

static void on_put(void *user, int32_t code, const char *why)
{
    struct shared *shared = user;

    atomic_fetch_add(code || why ? &shared->wrong : &shared->completed, 1);
}

static void on_event(void *user, const struct oph__event *event)
{
    struct shared *shared = user;

    if (event->code) atomic_fetch_add(&shared->wrong, 1);
}

static void get(struct shared *s, struct pv *pv)
{
    pthread_mutex_lock(&s->m.lock);
    s->asked++;
    pthread_mutex_unlock(&s->m.lock);
    if (s->ops->get(pv->chan, OPH_NONE, 0, on_get, s, NULL)) atomic_fetch_add(&s->wrong, 1);
}

static void put(struct shared *s, struct pv *pv)
{
    double value = 1;
    int code = s->ops->put(pv->chan, OPH_FLOAT64, 1, &value, on_put, s, NULL);

    if (code) atomic_fetch_add(code == OPH_EBUSY ? &s->refused : &s->wrong, 1);
}

static void subscribe_shortly(struct shared *s, struct pv *pv)
{
    struct oph__chanmon *mon;

    if (s->ops->subscribe(pv->chan, OPH_NONE, 0, OPH__UPDATES, on_event, s, &mon, NULL)) {
        atomic_fetch_add(&s->wrong, 1);
        return;
    }
    s->ops->flush(s->link, NULL);
    sched_yield();
    s->ops->unsubscribe(mon);
}

static void open_shortly(struct shared *s, int number)
{
    struct pv pv;
    char name[32];

    snprintf(name, sizeof name, "m:many%d", number % 100);
    pv_init(&pv, s->link, name);
    s->ops->flush(s->link, NULL);
    pv_free(&pv);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct shared *s = worker->shared;
    double value = 1;

    for (int i = 0; i < ROUNDS; i++) {
        int random = rand_r(&worker->seed);
        struct pv *pv = &s->pvs[random % CHANNELS];
        switch (random / CHANNELS % KINDS) {
        case 0: get(s, pv); break;
        case 1: put(s, pv); break;
        case 2: s->ops->put_abandon(pv->chan, s); break;
        case 3: subscribe_shortly(s, pv); break;
        case 4: open_shortly(s, random / CHANNELS / KINDS); break;
        case 5: s->ops->put(pv->chan, OPH_FLOAT64, 1, &value, NULL, NULL, NULL); break;
        }
        s->ops->flush(s->link, NULL);
    }
    return NULL;
}

static bool all_answered(void *arg)
{
    const struct shared *s = arg;

    return s->answered == s->asked;
}

static void test_hammer(struct shared *s)
{
    pthread_t threads[THREADS];
    struct worker workers[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){s, i + 1};
        pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    s->ops->flush(s->link, NULL);
    pthread_mutex_lock(&s->m.lock);
    int code = oph__wait(NULL, &s->m, oph__now() + 20, all_answered, s);
    testOk(code == 0, "%d of %d gets were answered", s->answered, s->asked);
    pthread_mutex_unlock(&s->m.lock);
    testOk(atomic_load(&s->wrong) == 0, "%d failures; %d puts completed, %d refused",
           atomic_load(&s->wrong), atomic_load(&s->completed), atomic_load(&s->refused));
    for (int i = 0; i < CHANNELS; i++) {
        struct pv *pv = &s->pvs[i];
        testOk(pv->ups == 1 && pv->downs == 0, "%s stayed up", s->ops->chan_name(pv->chan));
        s->ops->put_abandon(pv->chan, s);
        testOk(pv_put_double(pv, 2) == 0, "and can be put to");
    }
}

int main(void)
{
    static const char *const names[CHANNELS] = {"m:slow.A", "m:slower.A", "m:ao", "m:many7"};
    static struct shared s;
    struct oph__log log;
    oph_error err = OPH_ERROR_INIT;

    testPlan(0);
    struct sim *mini = mini_start();
    oph__log_init(&log);
    oph__monitor_init(&s.m);
    s.ops = oph__ca_ops();
    if (s.ops->open(&log, &s.link, &err)) testAbort("%s", err.text);
    for (int i = 0; i < CHANNELS; i++)
        testOk1(pv_open(&s.pvs[i], s.link, names[i]));
    test_hammer(&s);
    for (int i = 0; i < CHANNELS; i++)
        pv_free(&s.pvs[i]);
    s.ops->close(s.link);
    sim_stop(mini);
    oph__monitor_destroy(&s.m);
    oph__log_destroy(&log);
    return testDone();
}
