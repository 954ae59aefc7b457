/* Two thousand signals of one device connect, are read and followed: the process has as many
 * threads and descriptors as for ten. */
#include "lib/mini.h"
#include "lib/process.h"

#include "base/str.h"
#include <epicsUnitTest.h>
#include <semaphore.h>

enum { FEW = 10, MANY = 2000, PATIENCE = 60, LIBCOM = 2 };

static oph_context *ctx;
static oph_device *dev;
static oph_signal *signals[MANY];

static void make_device(void)
{
    struct oph__buf text = {0};
    oph_error err = OPH_ERROR_INIT;
    oph__buf_add(&text, "class Many\n");
    for (int i = 0; i < MANY; i++)
        oph__buf_addf(&text, "row s%d many%d rw int config\n", i, i);
    if (text.failed || oph_context_new(NULL, &ctx, &err) ||
        oph_class_parse(ctx, text.text, "test", NULL, &err) ||
        oph_device_new(ctx, "Many", "m:", "many", &dev, &err))
        testAbort("%s", err.text);
    oph__buf_free(&text);
    for (int i = 0; i < MANY; i++) {
        char attr[16];
        snprintf(attr, sizeof attr, "s%d", i);
        if (oph_signal_find(dev, attr, &signals[i], &err)) testAbort("%s", err.text);
    }
}

/* First values, as they come in. */
struct values {
    struct oph__monitor m;
    int right, wrong;
};

static void on_event(const oph_event *event, void *user)
{
    struct values *v = user;
    const oph_value *value = oph_event_value(event);
    if (!value) return;
    const oph_signal *sig = oph_event_signal(event);
    int number = *(const int32_t *)oph_value_data(value);
    pthread_mutex_lock(&v->m.lock);
    if (number >= 0 && number < MANY && signals[number] == sig)
        v->right++;
    else
        v->wrong++;
    pthread_cond_broadcast(&v->m.changed);
    pthread_mutex_unlock(&v->m.lock);
}

static bool all_there(void *arg)
{
    const struct values *v = arg;
    return v->right + v->wrong >= MANY;
}

static void test_followed(void)
{
    static oph_subscription *subs[MANY];
    struct values values = {.right = 0};
    oph_error err = OPH_ERROR_INIT;
    int threads = 0, descriptors = 0;
    oph__monitor_init(&values.m);
    for (int i = 0; i < MANY; i++) {
        if (oph_subscribe(signals[i], NULL, on_event, &values, &subs[i], &err))
            testAbort("%s", err.text);
        if (i + 1 != FEW) continue;
        int64_t first;
        oph_signal_get_int(signals[i], &first, NULL); /* the circuit is there */
        threads = process_threads();
        descriptors = process_descriptors();
    }
    pthread_mutex_lock(&values.m.lock);
    oph__wait(NULL, &values.m, oph__now() + PATIENCE, all_there, &values);
    testOk(values.right == MANY && !values.wrong, "%d first values came, each of its own signal",
           values.right);
    pthread_mutex_unlock(&values.m.lock);
    testOk(process_threads() <= threads, "%d threads for %d signals, %d for %d", process_threads(),
           MANY, threads, FEW);
    testOk(process_descriptors() <= descriptors, "%d descriptors, and %d", process_descriptors(),
           descriptors);
    for (int i = 0; i < MANY; i++)
        oph_subscription_free(subs[i]);
    oph__monitor_destroy(&values.m);
}

static void test_read(void)
{
    oph_error err = OPH_ERROR_INIT;
    int good = 0, threads = process_threads();
    for (int i = 0; i < MANY; i++) {
        int64_t value = -1;
        if (oph_signal_get_int(signals[i], &value, &err)) testDiag("%s", err.text);
        good += value == i;
    }
    testOk(good == MANY && process_threads() <= threads, "%d signals were read", good);
}

int main(void)
{
    static const char *const arguments[] = {"--many", "2000", NULL};
    testPlan(0);
    int threads = process_threads();
    mini_hold_repeater_port();
    struct sim *mini = mini_start_with(arguments);
    make_device();
    test_followed();
    test_read();
    oph_device_free(dev);
    oph_context_free(ctx);
    testOk(process_calms(threads + LIBCOM), "all threads but libCom's own end with the context");
    sim_stop(mini);
    return testDone();
}
