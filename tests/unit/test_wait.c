/* base/wait: ready before interrupt before deadline; no deadlock and no lost wake-up. */
#include "base/wait.h"

#include <epicsUnitTest.h>
#include <semaphore.h>
#include <stdatomic.h>

struct box {
    struct oph__monitor m;
    int value;
};

static bool has_value(void *arg)
{
    return ((struct box *)arg)->value > 0;
}

static void box_init(struct box *box)
{
    *box = (struct box){0};
    oph__monitor_init(&box->m);
}

static int wait_for(struct oph__waits *waits, struct box *box, double deadline)
{
    pthread_mutex_lock(&box->m.lock);
    int code = oph__wait(waits, &box->m, deadline, has_value, box);
    if (code == 0) box->value--;
    pthread_mutex_unlock(&box->m.lock);
    return code;
}

static void test_clock(void)
{
    double now = oph__now();

    testOk1(oph__deadline(OPH_FOREVER, 1) == INFINITY);
    testOk1(oph__deadline(OPH_DEFAULT, 100) >= now + 100 &&
            oph__deadline(OPH_DEFAULT, 100) < now + 150);
    testOk1(oph__deadline(0, 100) >= now && oph__deadline(0, 100) < now + 50);
    testOk1(oph__timespec(1.25).tv_sec == 1 && oph__timespec(1.25).tv_nsec == 250000000);
    testOk1(oph__timespec(INFINITY).tv_sec > 1000000000 && oph__timespec(-1).tv_sec == 0);
}

static void test_single(struct oph__waits *waits)
{
    struct box box;
    double start = oph__now();

    box_init(&box);
    testOk1(wait_for(waits, &box, start + 0.05) == OPH_ETIMEOUT);
    testOk1(oph__now() >= start + 0.05);
    testOk1(wait_for(waits, &box, 0) == OPH_ETIMEOUT && wait_for(NULL, &box, 0) == OPH_ETIMEOUT);

    oph__waits_interrupt(waits);
    box.value = 1;
    testOk(wait_for(waits, &box, 0) == 0, "what is ready wins over an interrupt");
    testOk(wait_for(waits, &box, 0) == OPH_EINTR,
           "the interrupt was kept, and wins over a deadline");
    testOk(wait_for(waits, &box, 0) == OPH_ETIMEOUT, "it is delivered once");
    oph__waits_interrupt(waits);
    testOk1(wait_for(NULL, &box, 0) == OPH_ETIMEOUT);
    testOk1(wait_for(waits, &box, INFINITY) == OPH_EINTR);
    oph__monitor_destroy(&box.m);
}

enum { WAITERS = 8, ROUNDS = 20000 };

struct group {
    struct oph__waits waits;
    struct box boxes[2];
    atomic_int blocked, interrupted, got, other;
    atomic_bool end;
};

static bool counts_itself(void *arg)
{
    struct group *group = arg;

    atomic_fetch_add(&group->blocked, 1);
    return false;
}

static void *block_once(void *arg)
{
    struct group *group = arg;
    struct box *box = &group->boxes[0];

    pthread_mutex_lock(&box->m.lock);
    if (oph__wait(&group->waits, &box->m, INFINITY, counts_itself, group) == OPH_EINTR)
        atomic_fetch_add(&group->interrupted, 1);
    pthread_mutex_unlock(&box->m.lock);
    return NULL;
}

/* Each waiter asks once before it registers and once after. */
static void test_all(struct group *group)
{
    pthread_t threads[WAITERS];

    for (int i = 0; i < WAITERS; i++)
        pthread_create(&threads[i], NULL, block_once, group);
    while (atomic_load(&group->blocked) < 2 * WAITERS)
        sched_yield();
    oph__waits_interrupt(&group->waits);
    for (int i = 0; i < WAITERS; i++)
        pthread_join(threads[i], NULL);
    testOk(atomic_load(&group->interrupted) == WAITERS, "one interrupt ends all that block");
    testOk1(wait_for(&group->waits, &group->boxes[0], 0) == OPH_ETIMEOUT);
}

/* An interrupt that comes between two waits of a call, while another call blocks, is for both. */
static void test_call(struct group *group)
{
    struct oph__call call, inner;
    struct box *box = &group->boxes[1];
    pthread_t thread;
    for (int i = 0; i < 2; i++) {
        atomic_store(&group->blocked, 0);
        oph__call_begin(&group->waits, &call);
        pthread_create(&thread, NULL, block_once, group);
        while (atomic_load(&group->blocked) < 2)
            sched_yield();
        oph__waits_interrupt(&group->waits);
        pthread_join(thread, NULL);
        box->value = 1;
        testOk(wait_for(&group->waits, box, 0) == 0, "what is ready wins");
        oph__call_begin(&group->waits, &inner);
        if (i == 0)
            testOk(wait_for(&group->waits, box, 0) == OPH_EINTR,
                   "the next wait is ended, also of a call within the call");
        oph__call_end(&group->waits, &inner);
        testOk1(i || wait_for(&group->waits, box, 0) == OPH_ETIMEOUT);
        oph__call_end(&group->waits, &call);
        testOk(wait_for(&group->waits, box, 0) == OPH_ETIMEOUT, "what came is not for later calls");
    }
    oph__call_begin(&group->waits, &call);
    oph__waits_interrupt(&group->waits);
    oph__call_end(&group->waits, &call);
    testOk(wait_for(&group->waits, box, 0) == OPH_EINTR,
           "what a call did not take is left for the next");
}

struct cancel {
    struct group *group;
    struct oph__call *call;
};

static void *cancel_blocked(void *arg)
{
    const struct cancel *c = arg;

    while (atomic_load(&c->group->blocked) < 2)
        sched_yield();
    oph__call_cancel(&c->group->waits, c->call);
    return NULL;
}

/* Of the thread's whole call, by the part of it that is to be cancelled; until it is taken back. */
static void test_cancel(struct group *group)
{
    struct oph__call call, inner;
    struct box *box = &group->boxes[1];
    struct cancel cancel = {group, &inner};
    pthread_t thread;

    atomic_store(&group->blocked, 0);
    oph__call_begin(&group->waits, &call);
    oph__call_begin(&group->waits, &inner);
    pthread_create(&thread, NULL, cancel_blocked, &cancel);
    pthread_mutex_lock(&box->m.lock);
    int code = oph__wait(&group->waits, &box->m, INFINITY, counts_itself, group);
    pthread_mutex_unlock(&box->m.lock);
    pthread_join(thread, NULL);
    testOk(code == OPH_ECANCEL, "a wait is cancelled");
    oph__waits_interrupt(&group->waits);
    testOk(wait_for(&group->waits, box, INFINITY) == OPH_ECANCEL, "so is every wait after it");
    testOk(wait_for(NULL, box, 0) == OPH_ETIMEOUT, "but for one that cannot be");
    box->value = 1;
    testOk(wait_for(&group->waits, box, INFINITY) == 0, "what is ready wins");
    testOk1(oph__call_is_cancelled(&group->waits));
    testOk1(oph__call_uncancel(&group->waits, &inner));
    testOk1(!oph__call_is_cancelled(&group->waits));
    testOk1(!oph__call_uncancel(&group->waits, &inner));
    testOk(wait_for(&group->waits, box, INFINITY) == OPH_EINTR, "an interrupt is kept meanwhile");
    testOk1(wait_for(&group->waits, box, 0) == OPH_ETIMEOUT);
    oph__call_end(&group->waits, &inner);
    oph__call_end(&group->waits, &call);
}

static void *take(void *arg)
{
    struct group *group = arg;

    for (int i = 0; !atomic_load(&group->end); i++) {
        switch (wait_for(&group->waits, &group->boxes[i % 2], oph__now() + (i % 3 ? 60 : 1e-5))) {
        case 0: atomic_fetch_add(&group->got, 1); break;
        case OPH_EINTR: atomic_fetch_add(&group->interrupted, 1); break;
        case OPH_ETIMEOUT: atomic_fetch_add(&group->other, 1); break;
        }
    }
    return NULL;
}

static void give(struct group *group, struct box *box)
{
    (void)group;
    pthread_mutex_lock(&box->m.lock);
    box->value++;
    pthread_cond_broadcast(&box->m.changed);
    pthread_mutex_unlock(&box->m.lock);
}

static void *interrupt_often(void *arg)
{
    struct group *group = arg;

    for (int i = 0; i < ROUNDS / 20; i++)
        oph__waits_interrupt(&group->waits);
    return NULL;
}

static void test_hammer(struct group *group)
{
    pthread_t threads[WAITERS], hand;

    for (int i = 0; i < WAITERS; i++)
        pthread_create(&threads[i], NULL, take, group);
    pthread_create(&hand, NULL, interrupt_often, group);
    for (int i = 0; i < ROUNDS; i++)
        give(group, &group->boxes[i % 2]);
    pthread_join(hand, NULL);
    atomic_store(&group->end, true);
    /* The last waiters leave by what they are given now. */
    for (int i = 0; i < 2 * WAITERS; i++)
        give(group, &group->boxes[i % 2]);
    for (int i = 0; i < WAITERS; i++)
        pthread_join(threads[i], NULL);
    int left = group->boxes[0].value + group->boxes[1].value;
    testOk(atomic_load(&group->got) + left == ROUNDS + 2 * WAITERS,
           "8 threads: %d taken, %d left, %d interrupts, %d timeouts", atomic_load(&group->got),
           left, atomic_load(&group->interrupted), atomic_load(&group->other));
}

int main(void)
{
    static struct group group;

    testPlan(0);
    testOk1(oph__waits_init(&group.waits) == 0);
    box_init(&group.boxes[0]);
    box_init(&group.boxes[1]);
    test_clock();
    test_single(&group.waits);
    test_all(&group);
    test_call(&group);
    test_cancel(&group);
    test_hammer(&group);
    oph__waits_destroy(&group.waits);
    return testDone();
}
