/* A staged device, its context and the status of its acquisition are freed in every order: while it
 * acquires, when it is told of progress, and at its end. The camera stops, the settings are back.
 */
#include "lib/await.h"
#include "lib/detector.h"
#include "lib/mini.h"
#include "lib/process.h"

#include <epicsUnitTest.h>

static struct detector d;

enum thing { CONTEXT, DEVICE, STATUS, THINGS };
static const int orders[6][THINGS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                      {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
static const char *const names[THINGS] = {"context", "device", "status"};

enum place { RUNNING, DONE, PROGRESS, PLACES };
static const char *const places[PLACES] = {"while it acquires", "in a callback of its end",
                                           "in a callback of its progress"};

struct life {
    const int *order;
    oph_status *status;
    sem_t freed, done;
    int told;
};

static void free_all(struct life *life)
{
    for (int i = 0; i < THINGS; i++) {
        switch (life->order[i]) {
        case CONTEXT: oph_context_free(d.ctx); break;
        case DEVICE: oph_device_free(d.det); break;
        case STATUS: oph_status_unref(life->status); break;
        }
    }
    d.ctx = NULL;
    d.det = NULL;
    sem_post(&life->freed);
}

static void at_progress(oph_status *st, const oph_progress *p, void *user)
{
    struct life *life = user;
    (void)st, (void)p;
    if (!life->told++) free_all(life);
}

static void at_end(oph_status *st, void *user)
{
    (void)st;
    free_all(user);
}

static void note_end(oph_status *st, void *user)
{
    struct life *life = user;
    (void)st;
    sem_post(&life->done);
}

static void make(struct life *life, double exposure)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &d.ctx, &err);
    if (rc) testAbort("%s", err.text);
    detector_add_class(d.ctx);
    detector_make(&d);
    rc = oph_settings_set(d.cam, "acquire_time", exposure, &err);
    if (!rc) rc = oph_stage(d.det, NULL, &err);
    if (!rc) rc = oph_trigger(d.det, &life->status, &err);
    if (rc) testAbort("%s", err.text);
}

static void live(const int *order, enum place place)
{
    struct life life = {.order = order};
    sem_init(&life.freed, 0, 0);
    sem_init(&life.done, 0, 0);
    make(&life, place == RUNNING ? 30 : 0.02);
    oph_status_on_done(life.status, note_end, &life, NULL);
    /* A reference of the test's, lest the status is freed before the callback is added. */
    oph_status *st = oph_status_ref(life.status);
    switch (place) {
    case RUNNING: free_all(&life); break;
    case PROGRESS: oph_status_watch(st, at_progress, &life, NULL, NULL); break;
    case DONE: oph_status_on_done(st, at_end, &life, NULL); break;
    case PLACES: break;
    }
    await(&life.freed, "the end");
    await(&life.done, "the end");
    testOk(oph_status_done(st), "%s, %s, %s were freed %s", names[order[0]], names[order[1]],
           names[order[2]], places[place]);
    oph_status_unref(st);
    detector_unchanged(&d, "that");
}

int main(void)
{
    testPlan(0);
    mini_hold_repeater_port();
    detector_start(&d, NULL, NULL);
    oph_device_free(d.det);
    oph_context_free(d.ctx);
    d.det = NULL;
    d.ctx = NULL;
    int threads = process_threads();
    for (int place = 0; place < PLACES; place++)
        for (int i = 0; i < (place == PROGRESS ? 2 : 6); i++)
            live(orders[i], place);
    testOk(process_calms(threads), "no thread is left");
    detector_end(&d);
    return testDone();
}
