/* Calls of the system failed in turn under a journal, a context and its threads: a device is staged
 * with a journal, or refused before the first put; and nothing that was changed is lost. */
#include "lib/failing.h"
#include "lib/failing_verbs.h"

#include <epicsUnitTest.h>
#include <errno.h>

static int acquire(oph_device *dev, oph_error *err)
{
    const oph_stage_options options = {.size = sizeof options, .sync = 1};
    return failing_acquisition(dev, &options, err);
}

static int with_device(void *user, oph_error *err)
{
    (void)user;
    return failing_with_device(acquire, err);
}

static const struct {
    const char *name;
    int number;
} calls[] = {
    {"open", ENOSPC},   {"open", EMFILE},  {"write", ENOSPC},  {"write", EIO},
    {"write", EINTR},   {"write", 0},      {"fsync", EIO},     {"fsync", ENOSPC},
    {"fsync", EINTR},   {"rename", EIO},   {"rename", ENOSPC}, {"flock", ENOLCK},
    {"flock", EINTR},   {"flock", EAGAIN}, {"unlink", EIO},    {"fstat", EIO},
    {"read", EIO},      {"read", EINTR},   {"read", 0},        {"pthread_create", EAGAIN},
    {"pwrite", ENOSPC}, {"pwrite", 0},     {"stat", EIO},      {"pthread_mutex_init", EAGAIN},
    {"pread", EIO},     {"pread", EINTR},  {"pread", 0},
};

/* Those of finding the journal that was left, and putting back what is in it. */
static const struct {
    const char *name;
    int number;
} calls_of_recovering[] = {
    {"open", EACCES},   {"read", EIO},     {"read", EINTR},   {"read", 0},         {"fstat", EIO},
    {"stat", EIO},      {"flock", ENOLCK}, {"unlink", EROFS}, {"opendir", EMFILE}, {"readdir", EIO},
    {"pwrite", ENOSPC}, {"pwrite", EINTR}, {"pread", EIO},    {"pread", EINTR},    {"pread", 0},
};

/* A group goes on without what cannot be watched. */
static void refuse_subscriptions(void)
{
    int refused = 0, wrong = 0;
    for (int nth = 1; failing_subscriptions_left() <= 0; nth++) {
        oph_error err = OPH_ERROR_INIT;
        failing_subscription(nth);
        int rc = with_device(NULL, &err);
        bool it_was = failing_subscriptions_left() == 0;
        if (it_was ? rc == OPH_ESTATE : rc != 0) {
            testDiag("subscription %d: %s", nth, err.text);
            wrong++;
        }
        refused += it_was;
    }
    failing_subscription(0);
    testOk(refused > 0 && !wrong, "%d subscriptions refused in turn", refused);
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    failing_device_begin();
    if (with_device(NULL, &err)) testAbort("%s", err.text);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        failing_calls_in_turn(calls[i].name, calls[i].number, with_device, NULL);
    struct failing_verb *recovering = &failing_verbs[FAILING_RECOVERY];
    for (size_t i = 0; i < sizeof calls_of_recovering / sizeof calls_of_recovering[0]; i++)
        failing_calls_in_turn(calls_of_recovering[i].name, calls_of_recovering[i].number,
                              failing_verb_run, recovering);
    failing_calls_in_turn("eventfd", EMFILE, failing_verb_run, &failing_verbs[FAILING_STATUSES]);
    for (size_t i = 0; i < FAILING_VERBS; i++)
        failing_calls_in_turn("pthread_mutex_init", EAGAIN, failing_verb_run, &failing_verbs[i]);
    refuse_subscriptions();
    failing_device_end();
    return testDone();
}
