/* A forked child has neither the threads nor, it may be, the locks of its parent: every call says
 * so or returns, and the parent goes on. */
#include "lib/detector.h"

#include "core/device.h"
#include "core/status_parts.h"

#include <epicsUnitTest.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS = 20, HUNG = 200, RETURNS = 1 };

static struct detector d;
static oph_signal *sig;
static oph_status *running, *ended;
static oph_queue *queue;
static oph_subscription *sub, *pulled;
static oph_watch *watch;
static oph_event *event;
static oph_error err;

static void on_event(const oph_event *ev, void *user)
{
    (void)ev, (void)user;
}

static void on_done(oph_status *st, void *user)
{
    (void)st, (void)user;
}

static void on_progress(oph_status *st, const oph_progress *p, void *user)
{
    (void)st, (void)p, (void)user;
}

static void on_log(void *user, int32_t level, const char *line)
{
    (void)user, (void)level, (void)line;
}

static int is_any(const oph_value *seen, void *user)
{
    (void)seen, (void)user;
    return 1;
}

/* The calls. One that has no code of its own returns RETURNS. */

#define CALL(name, code)                                                                           \
    static int name(void)                                                                          \
    {                                                                                              \
        return code;                                                                               \
    }
#define VOID_CALL(name, call)                                                                      \
    static int name(void)                                                                          \
    {                                                                                              \
        call;                                                                                      \
        return RETURNS;                                                                            \
    }

static char text[256];
static double number;
static int64_t whole;
static oph_value *value;
static oph_status *st;
static oph_device *dev;
static oph_plugins *plugins;
static oph_graph *graph;
static oph_findings *findings;
static oph_progress progress = {.size = sizeof progress};
static oph_image_info info = {.size = sizeof info};
static int fd;
static size_t count;
static oph_properties properties = {.size = sizeof properties};
static oph_group *group, *new_group;
static oph_condition one = {.size = sizeof one, .test = is_any};

CALL(connect_it, oph_connect(d.det, 1, NULL, &err))
CALL(stage, oph_stage(d.det, NULL, &err))
CALL(trigger, oph_trigger(d.det, &st, &err))
CALL(trigger_set_frames, oph_trigger_set_frames(d.det, 1, &err))
CALL(stop, oph_stop(d.det, &err))
CALL(prepare, oph_prepare(d.det, &(oph_series){.size = sizeof(oph_series)}, NULL, &err))
CALL(kickoff, oph_kickoff(d.det, &st, &err))
CALL(complete, oph_complete(d.det, &st, &err))
CALL(series_index, oph_series_index(d.det, &whole, &err))
CALL(unstage, oph_unstage(d.det, NULL, &err))
CALL(acquire, oph_acquire(d.det, 1, NULL, &err))
CALL(warmup, oph_warmup(d.det, 1, &err))
CALL(recover, oph_recover(d.ctx, NULL, NULL, NULL, NULL, &err))
CALL(image_read, oph_image_read(d.image, 1, text, sizeof text, &info, &err))
CALL(missing_plugins, oph_missing_plugins(d.det, 1, &plugins, &err))
CALL(graph_new, oph_graph_new(d.det, 1, &graph, &err))
CALL(validate, oph_validate(d.det, 1, &findings, &err))
CALL(files_set, oph_files_set(d.hdf1, "/data/", NULL, &err))
CALL(files_set_semantics, oph_files_set_semantics(d.hdf1, OPH_PATH_POSIX, &err))
CALL(file_name, oph_file_name(d.hdf1, OPH_SIDE_IOC, text, sizeof text, &err))
CALL(get_int, oph_get_int(d.det, "cam.num_images", &whole, &err))
CALL(get_double, oph_get_double(d.det, "cam.acquire_time", &number, &err))
CALL(get_text, oph_get_text(d.det, "hdf1.file_name", text, sizeof text, &err))
CALL(put_int, oph_put_int(d.det, "cam.num_images", 1, &err))
CALL(put_double, oph_put_double(d.det, "cam.acquire_time", 0.1, &err))
CALL(put_text, oph_put_text(d.det, "hdf1.file_name", "scan", &err))
CALL(signal_find, oph_signal_find(d.det, "cam.acquire_time", &sig, &err))
CALL(signal_read, oph_signal_read(sig, NULL, &value, &err))
CALL(signal_read_into, oph_signal_read_into(sig, NULL, &number, sizeof number, &count, &err))
CALL(signal_properties, oph_signal_properties(sig, OPH_PART_READBACK, 1, &properties, &err))
CALL(signal_put, oph_signal_put(sig, OPH_INT(1), NULL, &err))
CALL(signal_put_start, oph_signal_put_start(sig, OPH_INT(1), NULL, &st, &err))
CALL(signal_wait, oph_signal_wait(sig, &one, 1, &err))
CALL(signal_wait_start, oph_signal_wait_start(sig, &one, 1, &st, &err))
CALL(group_new, oph_group_new(d.ctx, &new_group, &err))
CALL(group_connect, oph_group_connect(group, sig, &err))
CALL(group_read, oph_group_read(group, sig, NULL, &err))
CALL(group_put, oph_group_put(group, sig, OPH_INT(1), NULL, &err))
CALL(group_wait, oph_group_wait(group, sig, &one, 1, &err))
CALL(group_run, oph_group_run(group, 1, NULL, &err))
CALL(group_start, oph_group_start(group, 1, &st, &err))
CALL(group_result, oph_group_result(group, 0, &err))
CALL(signal_get_int, oph_signal_get_int(sig, &whole, &err))
CALL(signal_get_double, oph_signal_get_double(sig, &number, &err))
CALL(signal_get_text, oph_signal_get_text(sig, text, sizeof text, &err))
CALL(signal_put_int, oph_signal_put_int(sig, 1, &err))
CALL(signal_put_double, oph_signal_put_double(sig, 1, &err))
CALL(signal_put_text, oph_signal_put_text(sig, "1", &err))
CALL(subscribe, oph_subscribe(sig, NULL, on_event, NULL, &sub, &err))
CALL(subscribe_queue, oph_subscribe_queue(sig, NULL, queue, NULL, &sub, &err))
CALL(queue_next, oph_queue_next(queue, 1, &event, &err))
CALL(status_new, oph_status_new(d.ctx, "own", 1, &st, &err))
CALL(status_wait, oph_status_wait(running, 1, &err))
CALL(status_on_done, oph_status_on_done(running, on_done, NULL, &err))
CALL(status_cancel, oph_status_cancel(running, &err))
CALL(status_fd, oph_status_fd(running, &fd, &err))
CALL(status_all, oph_status_all(&running, 1, &st, &err))
CALL(status_any, oph_status_any(&running, 1, &st, &err))
CALL(status_bound, oph_status_bound(running, 1, 1, &st, &err))
CALL(status_progress, oph_status_progress(running, &progress, &err))
CALL(status_watch, oph_status_watch(running, on_progress, NULL, NULL, &err))
CALL(class_parse, oph_class_parse(d.ctx, "class New\n", "test", NULL, &err))
CALL(class_load, oph_class_load(d.ctx, "examples/beamline.class", NULL, &err))
CALL(device_new, oph_device_new(d.ctx, "CamBase", "X:", "new", &dev, &err))
CALL(settings_set, oph_settings_set_int(d.det, "cam.num_images", 1, &err))
CALL(wait_for_ended, oph_status_wait(ended, 1, &err))
CALL(status_finish, oph_status_finish(running, NULL))
CALL(status_report, oph_status_report(running, 0, 1, 2, "mm"))
VOID_CALL(status_looks,
          (oph_status_done(running), oph_status_success(running), oph_status_error(running, &err)))
VOID_CALL(status_text, oph_status_text(running, text, sizeof text))
CALL(device_state, oph_device_state(d.det))
VOID_CALL(interrupt, oph_interrupt(d.ctx))
VOID_CALL(context_log, oph_context_log(d.ctx, on_log, NULL))
VOID_CALL(context_on_wait, oph_context_on_wait(d.ctx, NULL, NULL))
VOID_CALL(event_free, oph_event_free(event))
VOID_CALL(subscription_free, oph_subscription_free(sub))
VOID_CALL(pulled_free, oph_subscription_free(pulled))
VOID_CALL(group_free, oph_group_free(group))
VOID_CALL(queue_free, oph_queue_free(queue))
VOID_CALL(watch_free, oph_watch_free(watch))
VOID_CALL(status_unref, oph_status_unref(running))
VOID_CALL(device_free, oph_device_free(d.det))
VOID_CALL(context_free, oph_context_free(d.ctx))

static const struct row {
    const char *name;
    int (*call)(void);
    int wanted;
} rows[] = {
    {"oph_connect", connect_it, OPH_EFORK},
    {"oph_stage", stage, OPH_EFORK},
    {"oph_trigger", trigger, OPH_EFORK},
    {"oph_trigger_set_frames", trigger_set_frames, OPH_EFORK},
    {"oph_stop", stop, OPH_EFORK},
    {"oph_prepare", prepare, OPH_EFORK},
    {"oph_kickoff", kickoff, OPH_EFORK},
    {"oph_complete", complete, OPH_EFORK},
    {"oph_series_index", series_index, OPH_EFORK},
    {"oph_unstage", unstage, OPH_EFORK},
    {"oph_acquire", acquire, OPH_EFORK},
    {"oph_warmup", warmup, OPH_EFORK},
    {"oph_recover", recover, OPH_EFORK},
    {"oph_image_read", image_read, OPH_EFORK},
    {"oph_missing_plugins", missing_plugins, OPH_EFORK},
    {"oph_graph_new", graph_new, OPH_EFORK},
    {"oph_validate", validate, OPH_EFORK},
    {"oph_files_set", files_set, OPH_EFORK},
    {"oph_files_set_semantics", files_set_semantics, OPH_EFORK},
    {"oph_file_name", file_name, OPH_EFORK},
    {"oph_get_int", get_int, OPH_EFORK},
    {"oph_get_double", get_double, OPH_EFORK},
    {"oph_get_text", get_text, OPH_EFORK},
    {"oph_put_int", put_int, OPH_EFORK},
    {"oph_put_double", put_double, OPH_EFORK},
    {"oph_put_text", put_text, OPH_EFORK},
    {"oph_signal_find", signal_find, OPH_EFORK},
    {"oph_signal_read", signal_read, OPH_EFORK},
    {"oph_signal_read_into", signal_read_into, OPH_EFORK},
    {"oph_signal_properties", signal_properties, OPH_EFORK},
    {"oph_signal_put", signal_put, OPH_EFORK},
    {"oph_signal_put_start", signal_put_start, OPH_EFORK},
    {"oph_signal_wait", signal_wait, OPH_EFORK},
    {"oph_signal_wait_start", signal_wait_start, OPH_EFORK},
    {"oph_group_new", group_new, OPH_EFORK},
    {"oph_group_connect", group_connect, OPH_EFORK},
    {"oph_group_read", group_read, OPH_EFORK},
    {"oph_group_put", group_put, OPH_EFORK},
    {"oph_group_wait", group_wait, OPH_EFORK},
    {"oph_group_run", group_run, OPH_EFORK},
    {"oph_group_start", group_start, OPH_EFORK},
    {"oph_group_result", group_result, OPH_EFORK},
    {"oph_signal_get_int", signal_get_int, OPH_EFORK},
    {"oph_signal_get_double", signal_get_double, OPH_EFORK},
    {"oph_signal_get_text", signal_get_text, OPH_EFORK},
    {"oph_signal_put_int", signal_put_int, OPH_EFORK},
    {"oph_signal_put_double", signal_put_double, OPH_EFORK},
    {"oph_signal_put_text", signal_put_text, OPH_EFORK},
    {"oph_subscribe", subscribe, OPH_EFORK},
    {"oph_subscribe_queue", subscribe_queue, OPH_EFORK},
    {"oph_queue_next", queue_next, OPH_EFORK},
    {"oph_status_new", status_new, OPH_EFORK},
    {"oph_status_wait", status_wait, OPH_EFORK},
    {"oph_status_on_done", status_on_done, OPH_EFORK},
    {"oph_status_cancel", status_cancel, OPH_EFORK},
    {"oph_status_fd", status_fd, OPH_EFORK},
    {"oph_status_all", status_all, OPH_EFORK},
    {"oph_status_any", status_any, OPH_EFORK},
    {"oph_status_bound", status_bound, OPH_EFORK},
    {"oph_status_progress", status_progress, OPH_EFORK},
    {"oph_status_watch", status_watch, OPH_EFORK},
    {"oph_class_parse", class_parse, OPH_EFORK},
    {"oph_class_load", class_load, OPH_EFORK},
    {"oph_device_new", device_new, OPH_EFORK},
    {"oph_settings_set_int", settings_set, OPH_EFORK},
    {"oph_status_wait, for one that is done", wait_for_ended, 0},
    {"oph_status_finish", status_finish, 0},
    {"oph_status_report", status_report, 0},
    {"oph_status_done, _success, _error", status_looks, RETURNS},
    {"oph_status_text", status_text, RETURNS},
    {"oph_device_state", device_state, OPH_STATE_IDLE},
    {"oph_interrupt", interrupt, RETURNS},
    {"oph_context_log", context_log, RETURNS},
    {"oph_context_on_wait", context_on_wait, RETURNS},
    {"oph_event_free", event_free, RETURNS},
    {"oph_subscription_free", subscription_free, RETURNS},
    {"oph_subscription_free, of a queue", pulled_free, RETURNS},
    {"oph_group_free", group_free, RETURNS},
    {"oph_queue_free", queue_free, RETURNS},
    {"oph_watch_free", watch_free, RETURNS},
    {"oph_status_unref", status_unref, RETURNS},
    {"oph_device_free", device_free, RETURNS},
    {"oph_context_free", context_free, RETURNS},
};

/* Threads of the parent that block, and are no more in the child. */

static void *wait_for_status(void *unused)
{
    (void)unused;
    oph_status_wait(running, OPH_FOREVER, NULL);
    return NULL;
}

static void *wait_for_event(void *unused)
{
    oph_event *ev = NULL;
    (void)unused;
    while (oph_queue_next(queue, OPH_FOREVER, &ev, NULL) == 0)
        oph_event_free(ev);
    return NULL;
}

/* As if another thread was just in the middle of something. The lock of the classes is what they
 * begin with. */
static void hold(bool holds)
{
    pthread_mutex_t *const locks[] = {
        &d.det->tree->m.lock, &d.ctx->lock,     (pthread_mutex_t *)d.ctx->classes,
        &d.ctx->waits.lock,   &running->m.lock, &d.ctx->log.lock};
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++)
        (holds ? pthread_mutex_lock : pthread_mutex_unlock)(locks[i]);
}

/* What the call returned in a child: its code, or -HUNG. */
static int in_child(const struct row *row)
{
    int status = -1, pipe_fds[2], code = -HUNG;
    if (pipe(pipe_fds)) testAbort("no pipe");
    hold(true);
    pid_t child = fork();
    if (child == 0) {
        alarm(SECONDS);
        code = row->call();
        if (code == OPH_EFORK && (err.code != code || !err.text[0])) code = OPH_EFORK - HUNG;
        _exit(write(pipe_fds[1], &code, sizeof code) != sizeof code);
    }
    hold(false);
    close(pipe_fds[1]);
    waitpid(child, &status, 0);
    if (read(pipe_fds[0], &code, sizeof code) != sizeof code)
        testDiag("%s ended by signal %d", row->name, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    close(pipe_fds[0]);
    return code;
}

int main(void)
{
    pthread_t waiters[2];
    testPlan(0);
    detector_start(&d, NULL, NULL);
    if (oph_signal_find(d.det, "cam.acquire_time", &sig, &err) ||
        oph_status_new(d.ctx, "own", OPH_FOREVER, &running, &err) ||
        oph_status_new(d.ctx, "own", OPH_FOREVER, &ended, &err) ||
        oph_status_watch(running, on_progress, NULL, &watch, &err) ||
        oph_group_new(d.ctx, &group, &err) || oph_queue_new(d.ctx, &queue, &err) ||
        oph_subscribe(sig, NULL, on_event, NULL, &sub, &err) ||
        oph_subscribe_queue(sig, NULL, queue, NULL, &pulled, &err) ||
        oph_queue_next(queue, SECONDS, &event, &err))
        testAbort("%s", err.text);
    oph_status_finish(ended, NULL);
    pthread_create(&waiters[0], NULL, wait_for_status, NULL);
    pthread_create(&waiters[1], NULL, wait_for_event, NULL);
    fflush(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        err = (oph_error)OPH_ERROR_INIT;
        int code = in_child(&rows[i]);
        testOk(code == rows[i].wanted, "%s", rows[i].name);
        if (code != rows[i].wanted) testDiag("%d where %d was wanted", code, rows[i].wanted);
        fflush(NULL);
    }
    detector_works(&d, "in the parent");
    oph_status_finish(running, NULL);
    pthread_join(waiters[0], NULL);
    oph_group_free(group);
    oph_queue_free(queue);
    pthread_join(waiters[1], NULL);
    oph_subscription_free(sub);
    oph_subscription_free(pulled);
    oph_watch_free(watch);
    oph_status_unref(running);
    oph_status_unref(ended);
    oph_event_free(event);
    detector_end(&d);
    return testDone();
}
