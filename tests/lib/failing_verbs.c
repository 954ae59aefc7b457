#include "lib/failing_verbs.h"

#include "base/clock.h"
#include "base/err.h"
#include "core/stage.h"
#include "lib/failing.h"

#include <poll.h>
#include <sched.h>
#include <string.h>

/* Classes */

static int rows(oph_device *dev, oph_error *err)
{
    oph_rows *all = NULL, *old = NULL, *joined = NULL;
    int rc = oph_class_rows(dev->ctx, "More", 0, &all, err);
    if (!rc) rc = oph_class_rows(dev->ctx, "More", OPH_ROWS_HISTORY, &old, err);
    if (!rc) rc = oph_class_rows(dev->ctx, "Whole Part", 0, &joined, err);
    oph_rows_free(all);
    oph_rows_free(old);
    oph_rows_free(joined);
    return rc;
}

static int classes(oph_device *dev, oph_error *err)
{
    oph_class_info info = {.size = sizeof info};
    char text[4096];
    int rc = oph_class_describe(dev->ctx, "More Part", &info, err);
    if (!rc) rc = oph_class_text(dev->ctx, "Whole", 0, text, sizeof text, NULL, err);
    if (!rc) rc = oph_class_text(dev->ctx, "More", OPH_CLASS_FLAT, text, sizeof text, NULL, err);
    if (!rc) rc = oph_class_count(dev->ctx) && oph_class_name_at(dev->ctx, 0) ? 0 : OPH_EINVAL;
    return rc;
}

static int find(oph_device *dev, oph_error *err)
{
    oph_rows *found = NULL;
    int rc = oph_class_find(dev->ctx, "number many", &found, err);
    if (!rc && oph_rows_count(found) != 1) rc = OPH_EINVAL;
    oph_rows_free(found);
    return rc;
}

static int compare(oph_device *dev, oph_error *err)
{
    oph_report *report = NULL;
    int rc = oph_differences(dev, OPH_DEFAULT, &report, err);
    for (size_t i = 0; !rc && i < oph_report_count(report); i++)
        if (!*oph_report_at(report, i)->text) rc = OPH_ESTATE; /* each line says something */
    oph_report_free(report);
    return rc;
}

/* Settings and plans */

static int settings(oph_device *dev, oph_error *err)
{
    oph_setting set = {.size = sizeof set};
    oph_report *report = NULL;
    oph_device *part;
    char text[1024];
    int rc = oph_device_child(dev, "part", &part, err);
    if (!rc) rc = oph_settings_set_text(part, "name", "long enough to need memory of its own", err);
    if (!rc) rc = oph_settings_set_int(dev, "other.number", 3, err);
    if (!rc) rc = oph_settings_set_double(part, "real", 0.25, err);
    if (!rc) rc = oph_settings_get(part, "name", &set, err);
    if (!rc) rc = oph_settings_move(part, "name", "real", err);
    if (!rc) rc = oph_settings_print(dev, text, sizeof text, NULL, err);
    if (!rc)
        rc = oph_settings_parse(dev, "other.name=a part.number=4", "test", OPH_SETTINGS_REPLACE,
                                &report, err);
    oph_report_free(report);
    report = NULL;
    if (!rc) rc = oph_settings_copy(dev, dev, &report, err);
    if (!rc) rc = oph_settings_pop(dev, NULL, &set, err);
    if (!rc) rc = oph_settings_delete(dev, "other.name", err);
    oph_report_free(report);
    return rc;
}

static int plan(oph_device *dev, oph_error *err)
{
    oph_plan *shown = NULL;
    oph_report *report = NULL;
    char text[4096];
    int rc = oph_plan_new(dev, NULL, &shown, &report, err);
    if (!rc) oph_plan_text(shown, text, sizeof text); /* "" without memory */
    oph_plan_free(shown);
    oph_report_free(report);
    return rc;
}

/* Signals and groups */

static int signals(oph_device *dev, oph_error *err)
{
    const oph_read_options cached = {.size = sizeof cached, .source = OPH_SOURCE_CACHE};
    oph_properties properties = {.size = sizeof properties};
    oph_value *value = NULL, *again = NULL, *kept = NULL, *first = NULL;
    char name[64];
    size_t count;
    oph_signal *choice, *sig, *other;
    int rc = oph_signal_find(dev, "part.choice", &choice, err);
    if (!rc) rc = oph_signal_find(dev, "part.name", &sig, err);
    if (!rc) rc = oph_signal_find(dev, "other.choice", &other, err);
    if (!rc) rc = oph_signal_read(other, &cached, &first, err); /* which opens its channel */
    if (!rc) rc = oph_signal_read(choice, NULL, &value, err);
    if (!rc) rc = oph_signal_read(choice, &cached, &again, err);
    if (!rc) rc = oph_signal_read(choice, &cached, &kept, err);
    if (!rc) rc = oph_signal_read_into(sig, NULL, name, sizeof name, &count, err);
    if (!rc) rc = oph_signal_get_text(sig, name, sizeof name, err);
    if (!rc) rc = oph_signal_put_text(sig, name, err);
    if (!rc) rc = oph_signal_get_text(choice, name, sizeof name, err);
    if (!rc && strcmp(name, "Zero") != 0) rc = OPH_ESTATE; /* and not its index */
    if (!rc) rc = oph_signal_put_text(choice, "Zero", err);
    if (!rc) rc = oph_signal_properties(choice, OPH_PART_SETPOINT, OPH_DEFAULT, &properties, err);
    oph_value_free(first);
    oph_value_free(value);
    oph_value_free(again);
    oph_value_free(kept);
    return rc;
}

static int wait_for(oph_status *status, oph_error *err)
{
    int rc = oph_status_wait(status, OPH_DEFAULT, err);
    oph_status_unref(status);
    return rc;
}

static const int32_t seven = 7;
static const oph_data is_seven = {.dtype = OPH_INT32, .count = 1, .data = &seven};
static const oph_condition until_seven = {.size = sizeof until_seven, .equals = &is_seven};

static int start(oph_device *dev, oph_error *err)
{
    oph_status *put = NULL, *wait = NULL;
    oph_signal *number;
    int rc = oph_signal_find(dev, "part.number", &number, err);
    if (!rc) rc = oph_signal_put_start(number, &is_seven, NULL, &put, err);
    if (!rc) rc = wait_for(put, err);
    if (!rc) rc = oph_signal_wait_start(number, &until_seven, OPH_DEFAULT, &wait, err);
    if (!rc) rc = wait_for(wait, err);
    return rc ? rc : oph_signal_wait(number, &until_seven, OPH_DEFAULT, err);
}

static int add_entries(oph_device *dev, oph_group *group, oph_error *err)
{
    const oph_put_options opt = {
        .size = sizeof opt, .policy = OPH_PUT_AWAIT, .until = &until_seven, .settle = 0.001};
    oph_signal *number, *choice, *name;
    int rc = oph_signal_find(dev, "part.number", &number, err);
    if (!rc) rc = oph_signal_find(dev, "part.choice", &choice, err);
    if (!rc) rc = oph_signal_find(dev, "other.name", &name, err);
    if (!rc) rc = oph_group_connect(group, name, err);
    if (!rc) rc = oph_group_read(group, choice, NULL, err);
    if (!rc) rc = oph_group_put(group, number, &is_seven, &opt, err);
    if (!rc) rc = oph_group_wait(group, number, &until_seven, OPH_DEFAULT, err);
    return rc;
}

static int group(oph_device *dev, oph_error *err)
{
    oph_group *g = NULL;
    oph_report *report = NULL;
    oph_status *status = NULL;
    int rc = oph_group_new(dev->ctx, &g, err);
    if (!rc) rc = add_entries(dev, g, err);
    if (!rc) rc = oph_group_run(g, OPH_DEFAULT, &report, err);
    if (!rc) rc = oph_group_start(g, OPH_DEFAULT, &status, err);
    if (!rc) rc = wait_for(status, err);
    oph_report_free(report);
    oph_group_free(g);
    return rc;
}

/* Signals that are no PV's */

static int twice(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    double x;
    (void)count, (void)user;
    if (oph_value_get_double(from[0], &x, NULL)) return oph_output_fail(to, OPH_ETYPE, "no number");
    x *= 2;
    return oph_output_set(to, 0, OPH_FLOAT64, 1, &x);
}

static int half(const oph_value *wanted, oph_output *to, void *user)
{
    double x;
    (void)user;
    if (oph_value_get_double(wanted, &x, NULL)) return oph_output_fail(to, OPH_ETYPE, "no number");
    x /= 2;
    return oph_output_set(to, 0, OPH_FLOAT64, 1, &x);
}

/* An event, or word that one was lost. */
static int next_event(oph_queue *queue, oph_subscription *sub, double patience, oph_error *err)
{
    double until = oph__now() + patience;
    oph_event *event = NULL;
    int rc;
    do
        rc = oph_queue_next(queue, 0.01, &event, err);
    while (rc == OPH_ETIMEOUT && !oph_subscription_dropped(sub) && oph__now() < until);
    if (oph_subscription_dropped(sub)) rc = oph__fail_memory(err, "an event");
    if (!rc && oph_event_error(event)) {
        rc = oph_event_error(event)->code;
        *err = *oph_event_error(event);
    }
    oph_event_free(event);
    return rc;
}

static int follow(oph_signal *sig, int count, oph_error *err)
{
    const oph_subscribe_options every = {.size = sizeof every,
                                         .mask = OPH_ON_VALUE | OPH_ON_ALARM | OPH_ON_PROPERTY};
    oph_queue *queue = NULL;
    oph_subscription *sub = NULL;
    int rc = oph_queue_new(sig->ctx, &queue, err);
    if (!rc) rc = oph_subscribe_queue(sig, &every, queue, NULL, &sub, err);
    for (int i = 0; !rc && i < count; i++)
        rc = next_event(queue, sub, 4 * sig->ctx->options.get_timeout, err);
    oph_subscription_free(sub);
    oph_queue_free(queue);
    return rc;
}

static int derived(oph_device *dev, oph_error *err)
{
    static const double three = 3;
    static const oph_data is_three = {.dtype = OPH_FLOAT64, .count = 1, .data = &three};
    oph_signal *soft = NULL, *real = NULL, *sum = NULL;
    oph_value *value = NULL;
    oph_properties properties = {.size = sizeof properties};
    int rc = oph_signal_find(dev, "part.real", &real, err);
    if (!rc) rc = oph_soft_new(dev->ctx, "soft", &is_three, NULL, &soft, err);
    if (!rc) {
        const oph_derived what = {.size = sizeof what,
                                  .dtype = OPH_FLOAT64,
                                  .name = "sum",
                                  .from = (oph_signal *[]){soft, real},
                                  .count = 2,
                                  .forward = twice,
                                  .inverse = half};
        rc = oph_derived_new(dev->ctx, &what, &sum, err);
    }
    if (!rc) rc = oph_signal_read(sum, NULL, &value, err);
    if (!rc) rc = oph_signal_put_double(sum, 8, err);
    if (!rc) rc = oph_soft_set(soft, &is_three, 0, 0, err);
    if (!rc) rc = oph_signal_properties(sum, OPH_PART_READBACK, OPH_DEFAULT, &properties, err);
    if (!rc) rc = follow(sum, 3, err); /* connected, metadata, value */
    if (!rc) rc = follow(soft, 3, err);
    oph_value_free(value);
    oph_signal_free(sum);
    oph_signal_free(soft);
    return rc;
}

static int subscribe(oph_device *dev, oph_error *err)
{
    oph_signal *choice;
    int rc = oph_signal_find(dev, "part.choice", &choice, err);
    return rc ? rc : follow(choice, 3, err);
}

/* Readings */

static int readings(oph_device *dev, oph_error *err)
{
    oph_readings *values = NULL, *configuration = NULL;
    oph_descriptions *keys = NULL, *configured = NULL;
    oph_keys *hints = NULL;
    int rc = oph_read(dev, OPH_DEFAULT, &values, NULL, err);
    for (size_t i = 0; !rc && i < oph_readings_count(values); i++) {
        const oph_reading *reading = oph_readings_at(values, i);
        if (oph_value_dtype(reading->value) == OPH_ENUM && !reading->text) rc = OPH_ESTATE;
    }
    if (!rc) rc = oph_read_configuration(dev, OPH_DEFAULT, &configuration, NULL, err);
    if (!rc) rc = oph_describe(dev, OPH_DEFAULT, &keys, NULL, err);
    for (size_t i = 0; !rc && i < oph_descriptions_count(keys); i++) {
        const oph_description *key = oph_descriptions_at(keys, i);
        if (!strcmp(key->dtype, "array") != (key->rank > 0)) rc = OPH_ESTATE;
    }
    if (!rc) rc = oph_describe_configuration(dev, OPH_DEFAULT, &configured, NULL, err);
    if (!rc) rc = oph_hints(dev, &hints, err);
    oph_readings_free(values);
    oph_readings_free(configuration);
    oph_descriptions_free(keys);
    oph_descriptions_free(configured);
    oph_keys_free(hints);
    return rc;
}

/* Statuses */

static void note(oph_status *status, void *user)
{
    (void)status, (void)user;
}

static void note_progress(oph_status *status, const oph_progress *progress, void *user)
{
    (void)status, (void)progress, (void)user;
}

static int statuses(oph_device *dev, oph_error *err)
{
    oph_status *own[2] = {NULL, NULL}, *all = NULL, *any = NULL, *bound = NULL;
    oph_watch *watch = NULL;
    struct pollfd ready = {.events = POLLIN};
    int rc = oph_status_new(dev->ctx, "one", 30, &own[0], err);
    if (!rc) rc = oph_status_new(dev->ctx, "two", OPH_FOREVER, &own[1], err);
    if (!rc) rc = oph_status_all(own, 2, &all, err);
    if (!rc) rc = oph_status_any(own, 2, &any, err);
    if (!rc) rc = oph_status_bound(all, 30, 0.001, &bound, err);
    if (!rc) rc = oph_status_on_done(all, note, NULL, err);
    if (!rc) rc = oph_status_watch(any, note_progress, NULL, &watch, err);
    if (!rc) rc = oph_status_fd(bound, &ready.fd, err);
    if (own[0]) oph_status_report(own[0], 0, 1, 2, "frames");
    for (int i = 0; i < 2; i++)
        if (own[i]) oph_status_finish(own[i], NULL);
    if (!rc) rc = oph_status_wait(bound, OPH_DEFAULT, err);
    if (!rc && poll(&ready, 1, 0) != 1) rc = OPH_EINVAL;
    oph_watch_free(watch);
    oph_status_unref(bound);
    oph_status_unref(any);
    oph_status_unref(all);
    oph_status_unref(own[1]);
    oph_status_unref(own[0]);
    return rc;
}

/* A value that cannot be put back stays in a journal, by which it is put back later. */
static int recover(oph_device *dev, oph_error *err)
{
    oph_journals *journals = NULL;
    oph_recovery *recovery = NULL;
    oph_report *report = NULL;
    oph_error late = OPH_ERROR_INIT;
    int rc = oph_stage(dev, NULL, err);
    fake_down("X:H:Number");
    if (!rc && oph_unstage(dev, NULL, &late) != OPH_EDISCONN) rc = late.code;
    if (rc == OPH_ENOMEM && late.code) *err = late;
    fake_up("X:H:Number");
    if (!rc) rc = oph_journals_find(&journals, err);
    if (!rc) rc = oph_recover(dev->ctx, "X:", NULL, &recovery, &report, err);
    oph_journals_free(journals);
    oph_recovery_free(recovery);
    oph_report_free(report);
    failing_end();
    return failing_look(dev, rc, err);
}

static int acquire(oph_device *dev, oph_error *err)
{
    return failing_acquisition(dev, NULL, err);
}

/* A part of it is another's, who has it staged: it is refused, whatever fails. */
static int stage_anothers(oph_device *dev, oph_error *err)
{
    oph_device *other = NULL;
    int rc = oph_device_new(dev->ctx, "More@3.4", "X:H:", "other", &other, err);
    if (!rc) rc = oph_settings_set_int(other, "number", 8, err);
    if (!rc) rc = oph_stage(other, NULL, err);
    if (!rc) rc = oph_stage(dev, NULL, err) == OPH_EBUSY ? 0 : err->code;
    failing_end();
    if (oph_device_state(dev) != OPH_STATE_IDLE) rc = OPH_ESTATE;
    oph_unstage(dev, NULL, NULL);
    if (other) oph_unstage(other, NULL, NULL);
    oph_device_free(other);
    return failing_look(dev, rc, err);
}

struct failing_verb failing_verbs[FAILING_VERBS] = {
    {"rows of classes", rows, false},
    {"classes", classes, false},
    {"a search of rows", find, false},
    {"settings", settings, false},
    {"statuses", statuses, false},
    {"differences", compare, true},
    {"a plan", plan, true},
    {"signals", signals, true},
    {"puts and waits", start, true},
    {"a group", group, true},
    {"derived signals", derived, true},
    {"a subscription", subscribe, true},
    {"readings", readings, true},
    {"recovering", recover, true},
    {"an acquisition", acquire, true},
    {"what another has staged", stage_anothers, false}, /* the other's would be left in a journal */
};

int failing_verb_run(void *user, oph_error *err)
{
    const struct failing_verb *verb = user;
    long before = failing_blocks();
    int rc = failing_with_device(verb->fn, err);
    for (double until = oph__now() + 20; failing_blocks() != before && oph__now() < until;)
        sched_yield();
    return rc;
}
