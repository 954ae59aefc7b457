/* core/group: requests that go out in one flush; results, timeouts, and answers that come too late.
 */
#include "core/ops.h"
#include "core/pv.h"
#include "lib/fake_link.h"

#include <epicsUnitTest.h>
#include <semaphore.h>
#include <string.h>

enum { A, B, TEXT, LOCKED, AWAY, PVS };

static oph_context *ctx;
static struct oph__pv *pvs[PVS];

static void add_pvs(void)
{
    static const char *const names[PVS] = {"A", "B", "TEXT", "LOCKED", "AWAY"};
    fake_pv("A", OPH_INT32, 1, "", "1");
    fake_pv("B", OPH_FLOAT64, 1, "", "2.5");
    fake_pv("TEXT", OPH_UINT8, 100, "",
            "a text that does not fit into the value itself, which holds 48");
    fake_pv("LOCKED", OPH_INT32, 1, "", "3");
    fake_read_only("LOCKED");
    for (int i = 0; i < PVS; i++)
        if (oph__pv_new(ctx, names[i], "det.x", &pvs[i], NULL)) testAbort("no memory");
}

static struct oph__ops *new_group(size_t room)
{
    struct oph__ops *g = NULL;
    if (oph__ops_new(ctx, room, &g, NULL)) testAbort("no memory");
    return g;
}

static struct oph__wire wire(int32_t value)
{
    struct oph__wire w = {.dtype = OPH_INT32, .count = 1};
    memcpy(w.small, &value, sizeof value);
    return w;
}

static struct oph__op *put(struct oph__ops *g, int pv, int32_t value, bool completion)
{
    struct oph__wire w = wire(value);
    w.data = w.small;
    return oph__ops_put(g, pvs[pv], &w, completion, NULL);
}

static int wait_for(struct oph__ops *g, double seconds, oph_error *err)
{
    return oph__ops_wait(g, oph__now() + seconds, true, err);
}

/* The error of a request that did not work. */
static void is_error(const struct oph__op *op, int code, const char *part)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph__op_error(op, "a thing", 1.5, &err);
    fake_code(rc, code, &err, part);
    testOk(strstr(err.text, part) && !strncmp(err.text, "det.x (", 7), "%s", err.text);
}

static void test_connect(void)
{
    struct oph__ops *g = new_group(PVS + 1);
    oph_error err = OPH_ERROR_INIT;
    int flushes = fake_flushes();
    for (int i = 0; i < PVS; i++)
        oph__ops_connect(g, pvs[i], NULL);
    testOk1(!oph__ops_connect(g, NULL, NULL) && oph__ops_count(g) == PVS);
    fake_code(wait_for(g, 0.1, &err), OPH_ETIMEOUT, &err, "one PV is not there");
    testOk(fake_flushes() == flushes + 1, "one flush for all");
    int good = 0;
    for (int i = 0; i < AWAY; i++)
        good += oph__op_error(oph__ops_at(g, (size_t)i), "a connection", 0, NULL) == 0;
    testOk1(good == AWAY);
    is_error(oph__ops_at(g, AWAY), OPH_EDISCONN, "(AWAY): wanted a thing, found the PV is not");
    oph__ops_free(g);

    err = (oph_error)OPH_ERROR_INIT;
    g = new_group(1);
    oph__ops_connect(g, pvs[A], NULL);
    fake_code(wait_for(g, 0, &err), 0, &err, "what is up is done at once");
    oph__ops_free(g);
}

static void test_results(void)
{
    struct oph__ops *g = new_group(6);
    oph_error err = OPH_ERROR_INIT;
    char text[100] = "", small[4] = "abc";
    double d = 0;
    const struct oph__op *a = oph__ops_get(g, pvs[A], NULL, NULL),
                         *b = oph__ops_get(g, pvs[B], NULL, NULL);
    const struct oph__op *t = oph__ops_get(
        g, pvs[TEXT],
        &(struct oph__how_to_get){.dtype = OPH_UINT8, .into = text, .into_bytes = sizeof text},
        NULL);
    const struct oph__op *s = oph__ops_get(
        g, pvs[TEXT],
        &(struct oph__how_to_get){.dtype = OPH_UINT8, .into = small, .into_bytes = sizeof small},
        NULL);
    const struct oph__op *away = oph__ops_get(g, pvs[AWAY], NULL, NULL),
                         *p = put(g, LOCKED, 1, true);
    fake_code(wait_for(g, 5, &err), 0, &err, "all are done, some in vain");
    testOk1(oph__value_double(&a->value, &d) && d == 1);
    testOk1(oph__value_double(&b->value, &d) && d == 2.5);
    testOk1(!t->code && t->value.count == 100 && !strncmp(text, "a text that", 11));
    testOk1(s->code == OPH_ERANGE && !strcmp(small, "abc"));
    is_error(away, OPH_EDISCONN, "(AWAY): wanted a thing, found the PV is not connected");
    is_error(p, OPH_EACCESS, "the fake IOC allows no write");
    oph__ops_free(g);
}

static void test_puts(void)
{
    struct oph__ops *g = new_group(3);
    oph_error err = OPH_ERROR_INIT;
    int abandoned = fake_abandoned();
    fake_forget_puts();
    put(g, A, 5, true);
    put(g, A, 6, false);
    const struct oph__op *again = put(g, A, 7, true);
    fake_code(wait_for(g, 5, &err), 0, &err, "puts");
    testOk(!strcmp(fake_puts(), "A=5 A~6"), "one with completion at a time: %s", fake_puts());
    is_error(again, OPH_EBUSY, "in flight");
    oph__ops_free(g);

    fake_rule("A", FAKE_REFUSE);
    g = new_group(1);
    const struct oph__op *refused = put(g, A, 8, true);
    testOk1(wait_for(g, 5, &err) == 0);
    is_error(refused, OPH_EPUT, "the fake IOC refused it");
    oph__ops_free(g);
    testOk(fake_abandoned() == abandoned, "nothing was given up");
    fake_rule("A", FAKE_FOLLOW);
}

static void test_late(void)
{
    struct oph__ops *g = new_group(2);
    oph_error err = OPH_ERROR_INIT;
    int abandoned = fake_abandoned();
    fake_rule("A", FAKE_WITHHOLD);
    const struct oph__op *late = put(g, A, 9, true), *good = oph__ops_get(g, pvs[B], NULL, NULL);
    fake_code(wait_for(g, 0.05, &err), OPH_ETIMEOUT, &err, "a completion that does not come");
    testOk1(!late->done && good->done && !good->code);
    is_error(late, OPH_ETIMEOUT, "no answer from the IOC, after 1.5 s");
    fake_release("A"); /* too late: the result stands */
    testOk1(!late->done);
    oph__ops_free(g);
    testOk(fake_abandoned() == abandoned, "it came before the group was freed");

    g = new_group(1);
    put(g, A, 10, true);
    testOk1(wait_for(g, 0.05, NULL) == OPH_ETIMEOUT);
    oph__ops_free(g);
    testOk(fake_abandoned() == abandoned + 1, "a put that is given up is abandoned");
    fake_release("A"); /* to nobody */
    fake_rule("A", FAKE_FOLLOW);
    g = new_group(1);
    const struct oph__op *next = put(g, A, 11, true);
    testOk(wait_for(g, 5, NULL) == 0 && !next->code, "then the channel takes the next put");
    oph__ops_free(g);

    /* A get that nobody waits for any more must not touch freed memory. */
    for (int i = 0; i < 50; i++) {
        g = new_group(2);
        oph__ops_get(g, pvs[TEXT], NULL, NULL);
        oph__ops_get(g, pvs[A], NULL, NULL);
        oph__ops_send(g, NULL);
        oph__ops_free(g);
    }
    g = new_group(1);
    const struct oph__op *last = oph__ops_get(g, pvs[A], NULL, NULL);
    testOk(wait_for(g, 5, NULL) == 0 && !last->code,
           "answers to groups that were freed do no harm");
    oph__ops_free(g);
}

/* on_done */

struct seen {
    sem_t ran;
    atomic_int calls;
};

static void on_done(struct oph__ops *g, void *user)
{
    (void)g;
    struct seen *seen = user;
    atomic_fetch_add(&seen->calls, 1);
    sem_post(&seen->ran);
}

static void test_on_done(void)
{
    struct seen seen = {.calls = 0};
    sem_init(&seen.ran, 0, 0);
    for (int round = 0; round < 300; round++) {
        struct oph__ops *g = new_group(3);
        oph__ops_on_done(g, on_done, &seen);
        for (int i = 0; i < round % 4; i++)
            oph__ops_get(g, pvs[i], NULL, NULL);
        oph__ops_send(g, NULL);
        sem_wait(&seen.ran);
        oph__ops_free(g);
    }
    testOk(atomic_load(&seen.calls) == 300, "on_done is called once: %d of 300",
           atomic_load(&seen.calls));

    struct oph__ops *g = new_group(1);
    oph__ops_on_done(g, on_done, &seen);
    fake_rule("A", FAKE_WITHHOLD);
    put(g, A, 12, true);
    oph__ops_send(g, NULL);
    fake_wait_put("A");
    oph__ops_free(g);
    fake_release("A");
    testOk(atomic_load(&seen.calls) == 300, "after a free it is not");
    fake_rule("A", FAKE_FOLLOW);
    sem_destroy(&seen.ran);
}

static void test_lost(void)
{
    struct oph__ops *g = new_group(2);
    oph_error err = OPH_ERROR_INIT;
    fake_rule("A", FAKE_LOSE);
    const struct oph__op *lost = put(g, A, 13, true), *get = oph__ops_get(g, pvs[A], NULL, NULL);
    fake_code(wait_for(g, 5, &err), 0, &err, "a PV that goes down");
    is_error(lost, OPH_EDISCONN, "not connected");
    testOk1(get->done); /* it was asked for before the PV went */
    oph__ops_free(g);
    fake_rule("A", FAKE_FOLLOW);
    g = new_group(1);
    oph__ops_connect(g, pvs[A], NULL);
    oph__ops_send(g, NULL);
    fake_up("A");
    fake_code(wait_for(g, 5, &err), 0, &err, "and comes up");
    oph__ops_free(g);
    testOk1(oph__pv_ups(pvs[A]) == 2);
}

static void *interrupt(void *arg)
{
    (void)arg;
    fake_wait_put("A");
    oph_interrupt(ctx);
    return NULL;
}

static void test_interrupt(void)
{
    struct oph__ops *g = new_group(1);
    oph_error err = OPH_ERROR_INIT;
    pthread_t thread;
    fake_forget_puts();
    fake_rule("A", FAKE_WITHHOLD);
    const struct oph__op *op = put(g, A, 14, true);
    pthread_create(&thread, NULL, interrupt, NULL);
    fake_code(wait_for(g, 20, &err), OPH_EINTR, &err, "an interrupt");
    testOk1(!op->done);
    pthread_join(thread, NULL);
    oph__ops_free(g);
    fake_rule("A", FAKE_FOLLOW);
}

/* The PVs go first: their requests end, and the groups can still be looked at. */
static void test_freed_first(void)
{
    struct oph__ops *g = new_group(2);
    const struct oph__op *get = oph__ops_get(g, pvs[A], NULL, NULL);
    const struct oph__op *connect = oph__ops_connect(g, pvs[AWAY], NULL);
    for (int i = 0; i < PVS; i++)
        oph__pv_free(pvs[i]);
    testOk1(oph__ops_send(g, NULL) == 0 && get->done && connect->done);
    testOk1(get->code == OPH_ECANCEL && connect->code == OPH_ECANCEL);
    testOk1(wait_for(g, 0, NULL) == 0);
    oph__ops_free(g);
    oph__ops_free(NULL);
}

int main(void)
{
    testPlan(0);
    fake_begin();
    ctx = fake_context(NULL, NULL);
    add_pvs();
    test_connect();
    test_results();
    test_puts();
    test_late();
    test_on_done();
    test_lost();
    test_interrupt();
    test_freed_first();
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
