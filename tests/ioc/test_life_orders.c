/* A context, a device, subscriptions, a queue and a status are freed in every order, from this
 * thread, from others and in callbacks, while events come in. */
#include "lib/await.h"
#include "lib/mini.h"
#include "lib/process.h"

#include <epicsUnitTest.h>
#include <string.h>

enum thing { CONTEXT, DEVICE, SUBSCRIPTION, PULLED, QUEUE, STATUS, THINGS };
enum { ORDERS = 720, THREADS = 4, LIBCOM = 2 };

#ifdef __SANITIZE_THREAD__
enum { STEP = 7 }; /* ten times slower: some of the orders */
#else
enum { STEP = 1 };
#endif

enum place { HERE, ELSEWHERE, IN_EVENT, IN_STATUS };
static const struct {
    enum place place;
    bool values; /* they are coming in */
    const char *what;
} places[] = {
    {HERE, true, "while values come in"},
    {ELSEWHERE, false, "each by another thread, while it connects"},
    {IN_EVENT, false, "in the subscription's own callback"},
    {IN_STATUS, false, "in the status's own callback"},
};
enum { PLACES = sizeof places / sizeof places[0] };

static const char *const names[THINGS] = {"context", "device", "subscription",
                                          "pulled",  "queue",  "status"};

struct life {
    const int *order;
    enum place place;
    oph_context *ctx;
    oph_device *dev;
    oph_subscription *sub, *pulled;
    oph_queue *queue;
    oph_status *status;
    sem_t value, freed;
    pthread_mutex_t lock; /* of what follows */
    bool started;         /* all is made: a callback may free it */
    bool over;            /* the subscription has ended */
    bool freeing;
    int late, done;
};

static void free_one(struct life *life, int thing)
{
    switch (thing) {
    case CONTEXT: oph_context_free(life->ctx); break;
    case DEVICE: oph_device_free(life->dev); break;
    case SUBSCRIPTION: oph_subscription_free(life->sub); break;
    case PULLED: oph_subscription_free(life->pulled); break;
    case QUEUE: oph_queue_free(life->queue); break;
    case STATUS: oph_status_unref(life->status); break;
    }
    if (thing != DEVICE && thing != SUBSCRIPTION) return;
    pthread_mutex_lock(&life->lock);
    life->over = true;
    pthread_mutex_unlock(&life->lock);
}

static void free_all(struct life *life)
{
    for (int i = 0; i < THINGS; i++)
        free_one(life, life->order[i]);
    sem_post(&life->freed);
}

static void on_event(const oph_event *event, void *user)
{
    struct life *life = user;
    pthread_mutex_lock(&life->lock);
    life->late += life->over;
    bool mine = life->place == IN_EVENT && life->started && !life->freeing;
    if (mine) life->freeing = true;
    pthread_mutex_unlock(&life->lock);
    if (oph_event_value(event)) sem_post(&life->value);
    if (mine) free_all(life);
}

static void on_done(oph_status *st, void *user)
{
    struct life *life = user;
    (void)st;
    pthread_mutex_lock(&life->lock);
    life->done++;
    pthread_mutex_unlock(&life->lock);
    if (life->place == IN_STATUS) free_all(life);
}

static void begin(struct life *life)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *ticks = NULL, *ai = NULL;
    sem_init(&life->value, 0, 0);
    sem_init(&life->freed, 0, 0);
    pthread_mutex_init(&life->lock, NULL);
    life->ctx = mini_context(NULL);
    life->dev = mini_device(life->ctx, "dev");
    if (oph_signal_find(life->dev, "ticks", &ticks, &err) ||
        oph_signal_find(life->dev, "ai", &ai, &err) ||
        oph_queue_new(life->ctx, &life->queue, &err) ||
        oph_status_new(life->ctx, "own", OPH_FOREVER, &life->status, &err) ||
        oph_status_on_done(life->status, on_done, life, &err) ||
        oph_subscribe_queue(ai, NULL, life->queue, NULL, &life->pulled, &err) ||
        oph_subscribe(ticks, NULL, on_event, life, &life->sub, &err))
        testAbort("%s", err.text);
}

struct errand {
    struct life *life;
    int thing;
};

static void *free_elsewhere(void *arg)
{
    const struct errand *errand = arg;
    free_one(errand->life, errand->thing);
    return NULL;
}

static void free_by_others(struct life *life)
{
    for (int i = 0; i < THINGS; i++) {
        struct errand errand = {life, life->order[i]};
        pthread_t thread;
        pthread_create(&thread, NULL, free_elsewhere, &errand);
        pthread_join(thread, NULL);
    }
}

/* Whether all went well. */
static bool live(const int *order, int at)
{
    struct life life = {.order = order, .place = places[at].place};
    begin(&life);
    if (places[at].values) await(&life.value, "a value");
    pthread_mutex_lock(&life.lock);
    life.started = true;
    pthread_mutex_unlock(&life.lock);
    switch (places[at].place) {
    case HERE: free_all(&life); break;
    case ELSEWHERE: free_by_others(&life); break;
    case IN_EVENT: await(&life.freed, "an event that frees"); break;
    case IN_STATUS:
        oph_status_finish(life.status, NULL);
        await(&life.freed, "a status that frees");
        break;
    }
    pthread_mutex_lock(&life.lock);
    bool good = !life.late && life.done == (places[at].place == IN_STATUS);
    pthread_mutex_unlock(&life.lock);
    return good;
}

/* The number-th of all orders. */
static void make_order(int *order, int number)
{
    int left[THINGS] = {0, 1, 2, 3, 4, 5}, count = ORDERS / THINGS;
    for (int i = 0; i < THINGS; i++) {
        int at = number / count;
        order[i] = left[at];
        memmove(left + at, left + at + 1, sizeof(int) * (size_t)(THINGS - i - 1 - at));
        number %= count;
        if (THINGS - i > 2) count /= THINGS - i - 1;
    }
}

struct worker {
    pthread_t thread;
    int first, place, good;
};

static void *work(void *arg)
{
    struct worker *me = arg;
    for (int n = me->first * STEP; n < ORDERS; n += THREADS * STEP) {
        int order[THINGS];
        make_order(order, n);
        if (live(order, me->place))
            me->good++;
        else
            testDiag("%s, %s, %s, %s, %s, %s", names[order[0]], names[order[1]], names[order[2]],
                     names[order[3]], names[order[4]], names[order[5]]);
    }
    return NULL;
}

static void test(int place)
{
    struct worker workers[THREADS];
    int good = 0;
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.first = i, .place = place};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        good += workers[i].good;
    }
    int wanted = (ORDERS + STEP - 1) / STEP;
    testOk(good == wanted, "%d of %d orders, %s", good, wanted, places[place].what);
}

int main(void)
{
    testPlan(0);
    int threads = process_threads();
    mini_hold_repeater_port();
    struct sim *mini = mini_start();
    for (int i = 0; i < PLACES; i++)
        test(i);
    testOk(process_calms(threads + LIBCOM), "no thread is left");
    sim_stop(mini);
    return testDone();
}
