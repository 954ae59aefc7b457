/* base/loop: order, timers, waking, ending. */
#include "base/clock.h"
#include "base/loop.h"

#include <epicsUnitTest.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>

enum { MANY = 20000, POSTERS = 4 };

struct counted {
    struct oph__job job;
    int number;
};
static struct {
    int seen[POSTERS];
    int disorder, total;
} order;
static struct counted counted[POSTERS][MANY];

static void count(struct oph__job *job)
{
    struct counted *c = (struct counted *)job;
    int poster = (int)((c - &counted[0][0]) / MANY);

    order.disorder += c->number != order.seen[poster]++;
    order.total++;
}

struct poster {
    struct oph__loop *loop;
    int number;
};

static void *post_many(void *arg)
{
    struct poster *poster = arg;

    for (int i = 0; i < MANY; i++) {
        counted[poster->number][i] = (struct counted){{count, NULL}, i};
        oph__loop_post(poster->loop, &counted[poster->number][i].job);
    }
    return NULL;
}

static void test_jobs(struct oph__loop *loop)
{
    pthread_t threads[POSTERS];
    struct poster posters[POSTERS];

    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){loop, i};
        pthread_create(&threads[i], NULL, post_many, &posters[i]);
    }
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    oph__loop_drain(loop);
    testOk(order.total == POSTERS * MANY && order.disorder == 0, "%d jobs, each poster's in order",
           order.total);
}

struct again {
    struct oph__job job;
    struct oph__loop *loop;
    int left;
    bool self, named, blocked;
    sem_t done;
};

static void post_again(struct oph__job *job)
{
    struct again *again = (struct again *)job;
    char name[16] = "";
    sigset_t set;

    oph__loop_drain(again->loop); /* returns at once here */
    again->self = oph__loop_is_self(again->loop);
    pthread_getname_np(pthread_self(), name, sizeof name);
    again->named = strcmp(name, "a name that is ") == 0;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    again->blocked = sigismember(&set, SIGINT) && sigismember(&set, SIGTERM);
    if (again->left-- > 0)
        oph__loop_post(again->loop, job);
    else
        sem_post(&again->done);
}

static void test_self(struct oph__loop *loop)
{
    struct again again = {.job.run = post_again, .loop = loop, .left = 100};

    sem_init(&again.done, 0, 0);
    testOk1(!oph__loop_is_self(loop));
    oph__loop_post(loop, &again.job);
    sem_wait(&again.done);
    testOk(again.self && again.left == -1, "a job may post itself again");
    testOk(again.named, "the thread has a name, cut to 15 characters");
    testOk(again.blocked, "the thread blocks signals");
    sem_destroy(&again.done);
}

static struct {
    int runs, disorder;
    sem_t last;
} late;

static void run_late(struct oph__job *job)
{
    struct counted *c = (struct counted *)job;

    late.disorder += c->number != late.runs++;
    if (c->number == 2) sem_post(&late.last);
}

static void post_late(struct oph__loop *loop, struct counted *jobs, double when)
{
    late.runs = 0;
    for (int i = 0; i < 3; i++)
        jobs[i] = (struct counted){{run_late, NULL}, i};
    oph__loop_post_by(loop, &jobs[0].job, when);
    oph__loop_post_by(loop, &jobs[1].job, when + 1);
}

static void test_late(struct oph__loop *loop)
{
    struct counted jobs[3];
    double start = oph__now();

    sem_init(&late.last, 0, 0);
    post_late(loop, jobs, start + 1000);
    oph__loop_drain(loop);
    testOk(late.runs == 2 && !late.disorder, "late jobs run before the next one, in order");
    post_late(loop, jobs, start + 1000);
    oph__loop_post_by(loop, &jobs[2].job, start + 0.02);
    sem_wait(&late.last);
    testOk(late.runs == 3 && !late.disorder && oph__now() >= start + 0.02,
           "all run when the first of them is due");
    struct oph__loop *ending = NULL;
    oph__loop_new("ending", &ending, NULL);
    post_late(ending, jobs, start + 1000);
    oph__loop_free(ending);
    testOk(late.runs == 2 && !late.disorder, "and at the end of the loop");
    sem_destroy(&late.last);
}

enum { TIMERS = 200 };

struct timed {
    struct oph__timer timer;
    double wanted;
};
static struct timed timed[TIMERS];
static struct {
    double last;
    int runs, early, disorder;
    sem_t all;
} fired;

static void fire(struct oph__timer *timer)
{
    struct timed *t = (struct timed *)timer;

    fired.early += oph__now() < t->wanted;
    fired.disorder += t->wanted < fired.last;
    fired.last = t->wanted;
    if (++fired.runs == TIMERS / 2) sem_post(&fired.all);
}

static void test_timers(struct oph__loop *loop)
{
    double start = oph__now();

    sem_init(&fired.all, 0, 0);
    for (int i = 0; i < TIMERS; i++) {
        timed[i].timer.run = fire;
        oph__timer_start(loop, &timed[i].timer, start + 50);
    }
    /* Moved to other times, in a mixed order; each second one is stopped. */
    for (int i = 0; i < TIMERS; i++) {
        timed[i].wanted = start + 0.05 + 1e-4 * (i * 77 % TIMERS);
        oph__timer_start(loop, &timed[i].timer, timed[i].wanted);
    }
    for (int i = 1; i < TIMERS; i += 2)
        oph__timer_stop(loop, &timed[i].timer);
    sem_wait(&fired.all);
    oph__loop_drain(loop);
    testOk(fired.runs == TIMERS / 2, "the timers that were not stopped ran");
    testOk(fired.early == 0 && fired.disorder == 0, "none early, in order");
    oph__timer_stop(loop, &timed[1].timer);
    testOk(timed[1].timer.place == 0, "stopping twice is harmless");
    sem_destroy(&fired.all);
}

struct slow {
    struct oph__timer timer;
    struct oph__loop *loop;
    sem_t inside, go_on;
    atomic_int runs;
    atomic_bool stopped;
};

static void restart_slowly(struct oph__timer *timer)
{
    struct slow *slow = (struct slow *)timer;

    sem_post(&slow->inside);
    sem_wait(&slow->go_on);
    oph__timer_stop(slow->loop, timer); /* in its own run: does not wait */
    oph__timer_start(slow->loop, timer, oph__now());
    atomic_fetch_add(&slow->runs, 1);
}

static void *let_go(void *arg)
{
    struct slow *slow = arg;

    while (!atomic_load(&slow->stopped)) {
        sem_post(&slow->go_on);
        sched_yield();
    }
    return NULL;
}

static void test_stop_waits(struct oph__loop *loop)
{
    struct slow slow = {.timer.run = restart_slowly, .loop = loop};
    pthread_t thread;

    sem_init(&slow.inside, 0, 0);
    sem_init(&slow.go_on, 0, 0);
    oph__timer_start(loop, &slow.timer, 0);
    sem_wait(&slow.inside);
    pthread_create(&thread, NULL, let_go, &slow);
    oph__timer_stop(loop, &slow.timer);
    int runs = atomic_load(&slow.runs);
    atomic_store(&slow.stopped, true);
    pthread_join(thread, NULL);
    oph__loop_drain(loop);
    testOk(runs >= 1 && atomic_load(&slow.runs) == runs && slow.timer.place == 0,
           "stop waits for a run and ends a timer that restarts itself");
    sem_destroy(&slow.inside);
    sem_destroy(&slow.go_on);
}

static struct oph__loop *woken_loop;

static void on_signal(int number)
{
    (void)number;
    oph__loop_wake(woken_loop);
}

static void note_wake(void *arg)
{
    sem_post(arg);
}

static void test_wake(struct oph__loop *loop)
{
    struct sigaction action = {.sa_handler = on_signal};
    sem_t woken;

    sem_init(&woken, 0, 0);
    woken_loop = loop;
    oph__loop_on_wake(loop, note_wake, &woken);
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 100; i++) {
        raise(SIGUSR1);
        while (sem_wait(&woken)) {
        }
    }
    testPass("100 signals woke the loop, each");
    oph__loop_on_wake(loop, NULL, NULL);
    oph__loop_drain(loop);
    sem_destroy(&woken);
}

static void test_end(void)
{
    struct oph__loop *loop = NULL;
    struct oph__timer never = {.run = fire};
    int before = order.total, seen = order.seen[0];

    testOk1(oph__loop_new("end", &loop, NULL) == 0);
    oph__timer_start(loop, &never, INFINITY);
    for (int i = 0; i < 1000; i++) {
        counted[0][i].number = seen + i;
        oph__loop_post(loop, &counted[0][i].job);
    }
    oph__loop_free(loop);
    testOk(order.total == before + 1000, "what was posted runs before the end");
    testOk(never.place == 0, "timers are dropped");
    oph__loop_free(NULL);
}

int main(void)
{
    struct oph__loop *loop = NULL;
    oph_error err = OPH_ERROR_INIT;

    testPlan(0);
    testOk1(oph__loop_new("a name that is too long", &loop, &err) == 0);
    test_jobs(loop);
    test_self(loop);
    test_late(loop);
    test_timers(loop);
    test_stop_waits(loop);
    test_wake(loop);
    oph__loop_free(loop);
    test_end();
    return testDone();
}
