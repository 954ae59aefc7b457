/* Signals by themselves: what a PV is, reading many at once, putting with care, waiting, following.
 *
 *     signals [PREFIX] */
#include <cophyd/cophyd.h>

static int show_properties(oph_signal *sig, oph_error *err)
{
    oph_properties p = {.size = sizeof p};
    int rc = oph_signal_properties(sig, OPH_PART_SETPOINT, OPH_DEFAULT, &p, err);
    if (rc) return rc;
    printf("%s: %s, %u element, %d digits, %s\n", oph_signal_path(sig), oph_dtype_name(p.dtype),
           p.count, p.precision, p.writable ? "writable" : "read-only");
    return 0;
}

/* One flush for all, and a report that names each PV which did not answer. */
static int show_many(oph_context *ctx, oph_device *det, oph_error *err)
{
    static const char *const paths[] = {"cam.manufacturer", "cam.model", "cam.acquire_time",
                                        "cam.detector_state"};
    const oph_read_options as_text = {.size = sizeof as_text, .dtype = OPH_TEXT};
    oph_signal *sigs[4];
    oph_group *group = NULL;
    oph_report *report = NULL;
    int rc = oph_group_new(ctx, &group, err);
    for (int i = 0; !rc && i < 4; i++) {
        rc = oph_signal_find(det, paths[i], &sigs[i], err);
        if (!rc) rc = oph_group_read(group, sigs[i], &as_text, err);
    }
    if (!rc) rc = oph_group_run(group, OPH_DEFAULT, &report, err);
    for (size_t i = 0; !rc && i < oph_group_count(group); i++) {
        const oph_value *value = oph_group_value(group, i);
        printf("%s: %s\n", paths[i], (const char *)oph_value_data(value));
    }
    oph_report_print(report, stderr);
    oph_report_free(report);
    oph_group_free(group);
    return rc;
}

static int put_carefully(oph_device *det, oph_error *err)
{
    oph_signal *period;
    const oph_put_options options = {.size = sizeof options,
                                     .flags = OPH_PUT_CHECK_LIMITS, /* where the record has any */
                                     .absolute = 1e-6, /* so near must the readback come */
                                     .timeout = 5};
    int rc = oph_signal_find(det, "cam.acquire_period", &period, err);
    return rc ? rc : oph_signal_put(period, OPH_DOUBLE(0.25), &options, err);
}

static int wait_until_idle(oph_device *det, oph_error *err)
{
    oph_signal *state;
    const oph_condition idle = {.size = sizeof idle, .equals = OPH_CSTR("Idle"), .stable = 0.1};
    int rc = oph_signal_find(det, "cam.detector_state", &state, err);
    if (!rc) rc = oph_signal_wait(state, &idle, 10, err);
    if (!rc) puts("the detector is idle, and stays so");
    return rc;
}

static void show_event(const oph_event *event)
{
    if (oph_event_kind(event) == OPH_EVENT_CONNECTED) puts("connected");
    if (oph_event_kind(event) == OPH_EVENT_VALUE)
        printf("now %g s\n", *(const double *)oph_value_data(oph_event_value(event)));
}

/* Another thread, or a loop with poll(2) on oph_queue_fd, would pull as well. */
static int follow(oph_context *ctx, oph_signal *sig, oph_error *err)
{
    oph_queue *queue = NULL;
    oph_subscription *sub = NULL;
    oph_event *event = NULL;
    int rc = oph_queue_new(ctx, &queue, err);
    if (!rc) rc = oph_subscribe_queue(sig, NULL, queue, NULL, &sub, err);
    for (int i = 0; !rc && i < 4; i++) {
        if (i >= 2) rc = oph_signal_put_double(sig, (i - 1) * 0.5, err);
        if (!rc) rc = oph_queue_next(queue, 5, &event, err);
        if (rc) break;
        show_event(event);
        oph_event_free(event);
    }
    oph_subscription_free(sub);
    oph_queue_free(queue);
    return rc;
}

int main(int argc, char **argv)
{
    oph_context *ctx = NULL;
    oph_device *det = NULL;
    oph_signal *exposure = NULL;
    oph_error err = OPH_ERROR_INIT;
    int rc = oph_context_new(NULL, &ctx, &err);
    if (!rc)
        rc = oph_device_new(ctx, "PilatusDetector", argc > 1 ? argv[1] : "Pilatus:", "det", &det,
                            &err);
    if (!rc) rc = oph_signal_find(det, "cam.acquire_time", &exposure, &err);
    if (!rc) rc = show_properties(exposure, &err);
    if (!rc) rc = show_many(ctx, det, &err);
    if (!rc) rc = put_carefully(det, &err);
    if (!rc) rc = wait_until_idle(det, &err);
    if (!rc) rc = follow(ctx, exposure, &err);
    oph_error_print(&err, stderr);
    oph_device_free(det);
    oph_context_free(ctx);
    return rc != 0;
}
