/* Calls of libca refused in turn, from the context to its end: what was asked for works all the
 * same, or says why not within its time; nothing is left, and the next context works. */
#include "lib/failing.h"
#include "lib/plain.h"

#include <cadef.h>
#include <epicsUnitTest.h>

static const struct {
    const char *name;
    int status;
} calls[] = {
    {"ca_context_create", ECA_ALLOCMEM},
    {"ca_create_channel", ECA_ALLOCMEM},
    {"ca_create_channel", ECA_STRTOBIG},
    {"ca_array_get_callback", ECA_ALLOCMEM},
    {"ca_array_get_callback", ECA_DISCONN},
    {"ca_array_put", ECA_DISCONN},
    {"ca_array_put_callback", ECA_ALLOCMEM},
    {"ca_array_put_callback", ECA_DISCONN},
    {"ca_create_subscription", ECA_ALLOCMEM},
    {"ca_create_subscription", ECA_DISCONN},
    {"ca_flush_io", ECA_INTERNAL},
};

static const char class[] = "class Few\n"
                            "row number longout rw any config\n"
                            "row choice mbbo    rw any config\n";

/* Until it has come: the connection, the properties and a value. */
static int follow(oph_context *ctx, oph_signal *sig, oph_error *err)
{
    const oph_subscribe_options all = {.size = sizeof all, .mask = OPH_ON_VALUE | OPH_ON_PROPERTY};
    oph_queue *queue = NULL;
    oph_subscription *sub = NULL;
    int rc = oph_queue_new(ctx, &queue, err);
    if (!rc) rc = oph_subscribe_queue(sig, &all, queue, NULL, &sub, err);
    for (int i = 0; !rc && i < 3; i++) {
        oph_event *event = NULL;
        rc = oph_queue_next(queue, OPH_DEFAULT, &event, err);
        if (!rc && oph_event_kind(event) == OPH_EVENT_FAILED) {
            *err = *oph_event_error(event);
            rc = err->code;
        }
        oph_event_free(event);
    }
    oph_subscription_free(sub);
    oph_queue_free(queue);
    return rc;
}

static int use(oph_context *ctx, oph_device *dev, oph_error *err)
{
    static const int32_t six = 6;
    const oph_data data = {.dtype = OPH_INT32, .count = 1, .data = &six};
    const oph_put_options send = {.size = sizeof send, .policy = OPH_PUT_SEND};
    oph_properties properties = {.size = sizeof properties};
    oph_signal *number, *choice;
    int64_t value = 0;
    char text[40];
    int rc = oph_signal_find(dev, "number", &number, err);
    if (!rc) rc = oph_signal_find(dev, "choice", &choice, err);
    if (!rc) rc = oph_signal_put_int(number, 5, err);
    if (!rc) rc = oph_signal_put(number, &data, &send, err);
    if (!rc) rc = oph_signal_get_int(number, &value, err);
    if (!rc && value != six) return OPH_ESTATE; /* it was told that it had been sent */
    if (!rc) rc = oph_signal_get_text(choice, text, sizeof text, err);
    if (!rc) rc = oph_signal_properties(number, OPH_PART_READBACK, OPH_DEFAULT, &properties, err);
    return rc ? rc : follow(ctx, number, err);
}

static int run(void *user, oph_error *err)
{
    const oph_context_options options = {.size = sizeof options,
                                         .connect_timeout = 3,
                                         .get_timeout = 3,
                                         .put_timeout = 3,
                                         .grace = 3,
                                         .stop_timeout = 3};
    oph_context *ctx = NULL;
    oph_device *dev = NULL;
    (void)user;
    int rc = oph_context_new(&options, &ctx, err);
    if (!rc) rc = oph_class_parse(ctx, class, "test", NULL, err);
    if (!rc) rc = oph_device_new(ctx, "Few", "p:", "dev", &dev, err);
    if (!rc) rc = use(ctx, dev, err);
    oph_device_free(dev);
    oph_context_free(ctx);
    return rc;
}

int main(void)
{
    char what[80];
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    struct sim *sim = plain_start();
    if (run(NULL, &err)) testAbort("%s", err.text);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        snprintf(what, sizeof what, "%s, \"%s\"", calls[i].name, ca_message(calls[i].status));
        failing_these_in_turn(what, calls[i].name, calls[i].status, run, NULL);
    }
    testOk(run(NULL, &err) == 0, "and then it works: %s", err.text);
    sim_stop(sim);
    return testDone();
}
