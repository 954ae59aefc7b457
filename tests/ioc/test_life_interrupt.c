/* oph_interrupt, called by a handler of a real signal, ends each call that blocks, and so does the
 * function of oph_context_on_wait: a table of them. A call that is new goes there. */
#include "lib/detector.h"

#include "base/clock.h"
#include <epicsUnitTest.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <unistd.h>

enum { LONG = 60, MOST = 5, SOON_US = 50000, WAYS = 4, ASKED = WAYS };

static struct detector d;
static oph_device *nowhere;
static _Atomic(oph_context *) interrupted; /* by the handler */
static oph_status *own;
static oph_queue *queue;

static void on_signal(int number)
{
    (void)number;
    oph_interrupt(atomic_load(&interrupted));
}

static int wanted; /* an end, by whom the calls ask */
static bool holds; /* a call that nothing on its own thread can stop */
static int stopped, unstaged;

static int32_t on_wait(void *user)
{
    (void)user;
    int end = wanted;
    wanted = 0;
    if (!end || !holds) return end;
    stopped = oph_stop(d.det, NULL);
    unstaged = oph_unstage(d.det, NULL, NULL);
    return end;
}

/* The calls */

#define CALL(name, code)                                                                           \
    static int name(oph_error *err)                                                                \
    {                                                                                              \
        return code;                                                                               \
    }

static oph_signal *find(oph_device *dev, const char *path)
{
    oph_signal *sig = NULL;
    oph_error err = OPH_ERROR_INIT;
    if (oph_signal_find(dev, path, &sig, &err)) testAbort("%s", err.text);
    return sig;
}

static int64_t whole;
static double number;
static char text[64];
static oph_value *value;
static oph_event *event;
static oph_status *st;
static oph_plugins *plugins;
static oph_graph *graph;
static oph_findings *findings;
static int32_t pixels[64 * 48];
static size_t count;
static oph_group *group;
static oph_properties what = {.size = sizeof what};
static const oph_read_options patient = {.size = sizeof patient, .timeout = LONG};
static const oph_put_options completed = {
    .size = sizeof completed, .policy = OPH_PUT_COMPLETE, .timeout = LONG};

static int is_never(const oph_value *seen, void *user)
{
    (void)seen, (void)user;
    return 0;
}
static const oph_condition never = {.size = sizeof never, .test = is_never};
static oph_image_info info = {.size = sizeof info};
static const oph_series series = {.size = sizeof series, .frames = 2, .exposure = 0.02};

CALL(connect_nowhere, oph_connect(nowhere, LONG, NULL, err))
CALL(read_nowhere, oph_signal_read(find(nowhere, "cam.num_images"), &patient, &value, err))
CALL(put_nowhere, oph_put_int(nowhere, "cam.num_images", 2, err))
CALL(stage_nowhere, oph_stage(nowhere, NULL, err))
CALL(acquire_nowhere, oph_acquire(nowhere, LONG, NULL, err))
CALL(warmup_nowhere, oph_warmup(nowhere, LONG, err))
CALL(signal_read, oph_signal_read(find(d.cam, "num_images"), &patient, &value, err))
CALL(read_into,
     oph_signal_read_into(find(d.cam, "num_images"), &patient, pixels, sizeof pixels, &count, err))
/* Of a signal that was not asked before, for which alone it waits. */
CALL(properties, oph_signal_properties(find(d.cam, wanted ? "num_exposures" : "acquire_period"),
                                       OPH_PART_READBACK, LONG, &what, err))
CALL(signal_put, oph_signal_put(find(d.cam, "num_images"), OPH_INT(2), &completed, err))
CALL(signal_wait, oph_signal_wait(find(d.cam, "num_images"), &never, LONG, err))
CALL(group_run, oph_group_run(group, LONG, NULL, err))
CALL(get_int, oph_get_int(d.cam, "num_images", &whole, err))
CALL(get_double, oph_get_double(d.cam, "acquire_time", &number, err))
CALL(get_text, oph_get_text(d.hdf1, "file_template", text, sizeof text, err))
CALL(put_int, oph_put_int(d.cam, "num_images", 2, err))
CALL(put_double, oph_put_double(d.cam, "acquire_time", 0.02, err))
CALL(put_text, oph_put_text(d.cam, "image_mode", "Multiple", err))
CALL(start, oph_put_int(d.cam, "acquire", 1, err))
CALL(stage, oph_stage(d.det, NULL, err))
CALL(acquire, oph_acquire(d.det, OPH_DEFAULT, NULL, err))
CALL(warmup, oph_warmup(d.det, LONG, err))
CALL(prepare, oph_prepare(d.det, &series, NULL, err))
CALL(trigger, oph_trigger(d.det, &st, err))
CALL(image_read, oph_image_read(d.image, LONG, pixels, sizeof pixels, &info, err))
CALL(missing_plugins, oph_missing_plugins(d.det, LONG, &plugins, err))
CALL(graph_new, oph_graph_new(d.det, LONG, &graph, err))
CALL(validate, oph_validate(d.det, LONG, &findings, err))
CALL(status_wait, oph_status_wait(own, LONG, err))
CALL(status_wait_for_ever, oph_status_wait(own, OPH_FOREVER, err))
CALL(trigger_wait, oph_status_wait(st, OPH_DEFAULT, err))
CALL(queue_next, oph_queue_next(queue, LONG, &event, err))

enum place { ANYWHERE, PAUSED, STAGED, RUNNING };

static const struct row {
    const char *name;
    int (*call)(oph_error *err);
    enum place place;
} rows[] = {
    {"oph_connect, no IOC", connect_nowhere, ANYWHERE},
    {"oph_signal_read, no IOC", read_nowhere, ANYWHERE},
    {"oph_put_int, no IOC", put_nowhere, ANYWHERE},
    {"oph_stage, no IOC", stage_nowhere, ANYWHERE},
    {"oph_acquire, no IOC", acquire_nowhere, ANYWHERE},
    {"oph_warmup, no IOC", warmup_nowhere, ANYWHERE},
    {"oph_status_wait", status_wait, ANYWHERE},
    {"oph_status_wait, for ever", status_wait_for_ever, ANYWHERE},
    {"oph_queue_next", queue_next, ANYWHERE},
    {"oph_signal_read", signal_read, PAUSED},
    {"oph_signal_read_into", read_into, PAUSED},
    {"oph_signal_properties", properties, PAUSED},
    {"oph_signal_put", signal_put, PAUSED},
    {"oph_signal_wait", signal_wait, ANYWHERE},
    {"oph_signal_wait, an IOC that stands still", signal_wait, PAUSED},
    {"oph_group_run", group_run, PAUSED},
    {"oph_get_int", get_int, PAUSED},
    {"oph_get_double", get_double, PAUSED},
    {"oph_get_text", get_text, PAUSED},
    {"oph_put_int", put_int, PAUSED},
    {"oph_put_double", put_double, PAUSED},
    {"oph_put_text", put_text, PAUSED},
    {"oph_put_int, of a start row", start, PAUSED},
    {"oph_stage", stage, PAUSED},
    {"oph_acquire", acquire, PAUSED},
    {"oph_warmup", warmup, PAUSED},
    {"oph_image_read", image_read, PAUSED},
    {"oph_missing_plugins", missing_plugins, PAUSED},
    {"oph_graph_new", graph_new, PAUSED},
    {"oph_validate", validate, PAUSED},
    {"oph_trigger", trigger, STAGED},
    {"oph_prepare", prepare, STAGED},
    {"oph_status_wait, of an acquisition", trigger_wait, RUNNING},
    {"oph_acquire, while it exposes", acquire, ANYWHERE},
};

/* How the signal comes. Too early is no harm: then the next call that blocks is ended. */

static pthread_t main_thread;
static sem_t shoot;

static void *shooter(void *unused)
{
    (void)unused;
    for (;;) {
        while (sem_wait(&shoot)) {
        }
        if (!atomic_load(&interrupted)) return NULL;
        pthread_kill(main_thread, SIGINT);
    }
}

static void aim(int way)
{
    const struct itimerval soon = {.it_value.tv_usec = SOON_US};
    switch (way) {
    case 0: raise(SIGINT); break; /* before the call */
    case 1: setitimer(ITIMER_REAL, &soon, NULL); break;
    case 2: sem_post(&shoot); break;
    case 3: kill(getpid(), SIGINT); break; /* whichever thread takes it */
    case ASKED: wanted = 1; break;
    }
}

static void set_up(enum place place)
{
    oph_error err = OPH_ERROR_INIT;
    int rc = 0;
    if (place == STAGED || place == RUNNING) rc = oph_stage(d.det, NULL, &err);
    if (!rc && place == RUNNING) rc = oph_trigger(d.det, &st, &err);
    if (rc) testAbort("%s", err.text);
    if (place == PAUSED || place == STAGED) sim_pause(d.sim);
}

/* What was sent to an IOC that stood still it does when it goes on: it may have started. */
static void clean_up(enum place place)
{
    oph_error err = OPH_ERROR_INIT;
    if (place == PAUSED || place == STAGED) sim_resume(d.sim);
    if (place == PAUSED) oph_put_int(d.cam, "acquire", 0, &err);
    if (place == STAGED || place == RUNNING) oph_unstage(d.det, NULL, &err);
    oph_status_unref(st);
    st = NULL;
    if (err.code) testDiag("%s", err.text);
}

static void test(const struct row *row, int way)
{
    oph_error err = OPH_ERROR_INIT;
    set_up(row->place);
    double start = oph__now();
    holds =
        row->call == stage || row->call == warmup || row->call == trigger || row->call == prepare;
    stopped = unstaged = 0;
    aim(way);
    int rc = row->call(&err);
    testOk(rc == OPH_EINTR && err.code == rc, "%s: %s", row->name, err.text);
    if (way == ASKED) testOk(oph__now() - start < MOST, "after %.2f s", oph__now() - start);
    if (way == ASKED && holds)
        testOk(stopped == OPH_EDEADLK && unstaged == OPH_EDEADLK, "not stopped from inside: %s",
               oph_code_name(stopped));
    testOk(err.device[0] || row->call == queue_next, "it names what was interrupted");
    if (rc != OPH_EINTR) testDiag("%s after %.1f s", oph_code_name(rc), oph__now() - start);
    clean_up(row->place);
    /* What was aimed has hit. */
    err = (oph_error)OPH_ERROR_INIT;
    rc = oph_status_wait(own, 0.001, &err);
    testOk(rc == OPH_ETIMEOUT, "and no other call after it");
}

int main(void)
{
    const oph_context_options slow = {.size = sizeof slow,
                                      .connect_timeout = LONG,
                                      .get_timeout = LONG,
                                      .put_timeout = LONG,
                                      .grace = LONG,
                                      .stop_timeout = LONG};
    oph_error err = OPH_ERROR_INIT;
    pthread_t thread;
    testPlan(0);
    detector_start(&d, NULL, &slow);
    int rc = oph_settings_set(d.cam, "acquire_time", 30, &err);
    if (!rc) rc = oph_device_new(d.ctx, "MyPilatusDetector", "nowhere:", "det", &nowhere, &err);
    if (!rc) rc = oph_status_new(d.ctx, "own", OPH_FOREVER, &own, &err);
    if (!rc) rc = oph_queue_new(d.ctx, &queue, &err);
    if (!rc) rc = oph_group_new(d.ctx, &group, &err);
    if (!rc) rc = oph_group_read(group, find(d.cam, "num_images"), NULL, &err);
    if (!rc) rc = oph_group_put(group, find(d.cam, "acquire_time"), OPH_DOUBLE(0.02), NULL, &err);
    if (rc) testAbort("%s", err.text);
    atomic_store(&interrupted, d.ctx);
    main_thread = pthread_self();
    sem_init(&shoot, 0, 0);
    signal(SIGINT, on_signal);
    signal(SIGALRM, on_signal);
    pthread_create(&thread, NULL, shooter, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        test(&rows[i], (int)(i % WAYS));
    oph_context_on_wait(d.ctx, on_wait, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        test(&rows[i], ASKED);
    atomic_store(&interrupted, NULL);
    sem_post(&shoot);
    pthread_join(thread, NULL);
    oph_device_free(nowhere);
    oph_status_unref(own);
    oph_queue_free(queue);
    oph_group_free(group);
    detector_end(&d);
    return testDone();
}
