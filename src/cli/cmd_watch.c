/* cophyd watch: signals as they change, a line a change. */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

/* One signal that is followed. */
struct watched {
    oph_signal *sig;
    oph_subscription *sub;
    oph_descriptions *told; /* NULL: to be asked for */
    bool seen;
    double last;  /* seconds, when its newest value came */
    double every; /* seconds from one to the next, averaged; 0: not known */
};

enum { ARRAY = 16 }; /* from so many elements on it is told as size and rate */

static void take_rate(struct watched *w)
{
    double time = cli_now(), since = time - w->last;
    if (w->seen) w->every = w->every > 0 ? 0.7 * w->every + 0.3 * since : since;
    w->last = time;
    w->seen = true;
}

static int show_array(struct cli *cli, const struct watched *w, const oph_value *value)
{
    char when[64];
    size_t count = oph_value_count(value);
    const char *type = oph_dtype_name(oph_value_dtype(value));
    double rate = w->every > 0 ? 1 / w->every : 0;
    size_t bytes = count * oph_dtype_size(oph_value_dtype(value));
    if (cli->json)
        return cli_json(
            cli, json_pack("{s:s, s:s, s:I, s:s, s:I, s:f, s:s, s:s, s:f}", "path",
                           cli_path(w->sig), "pv", oph_signal_readback_pv(w->sig), "count",
                           (json_int_t)count, "dtype", type, "bytes", (json_int_t)bytes, "rate",
                           rate, "severity", cli_severity_name(oph_value_severity(value)), "alarm",
                           cli_alarm_name(oph_value_alarm(value)), "time", cli_time(value)));
    cli_print(cli, "%-26s %zu %s, %.1f MB, %.1f a second  %s\n", cli_path(w->sig), count, type,
              1e-6 * (double)bytes, rate, cli_time_text(value, when, sizeof when));
    return 0;
}

static bool is_text(const oph_description *told)
{
    return told && !strcmp(told->dtype, "string");
}

static int show_value(struct cli *cli, struct watched *w, const oph_value *value)
{
    if (!w->told) oph_signal_describe(w->sig, OPH_DEFAULT, &w->told, NULL);
    const oph_description *told = oph_descriptions_at(w->told, 0);
    take_rate(w);
    if (oph_value_count(value) >= ARRAY && !is_text(told)) return show_array(cli, w, value);
    return cli_show(cli, w->sig, value, told);
}

static int show_event(struct cli *cli, const oph_event *event, int64_t *ret_changes)
{
    struct watched *w = oph_event_user(event);
    switch (oph_event_kind(event)) {
    case OPH_EVENT_VALUE:
        (*ret_changes)++;
        if (oph_event_dropped(event))
            cli_say("%s: %llu changes were dropped", cli_path(w->sig),
                    (unsigned long long)oph_event_dropped(event));
        return show_value(cli, w, oph_event_value(event));
    case OPH_EVENT_DISCONNECTED:
        oph_descriptions_free(w->told); /* it may come back as another */
        w->told = NULL;
        cli_say("%s (%s): disconnected", cli_path(w->sig), oph_signal_readback_pv(w->sig));
        return 0;
    case OPH_EVENT_METADATA:
        oph_descriptions_free(w->told);
        w->told = NULL;
        return 0;
    case OPH_EVENT_FAILED: cli_fail(oph_event_error(event)); return 0;
    default: return 0;
    }
}

/* Until somebody ends it, or `most` changes are told. */
static int follow(struct cli *cli, oph_queue *queue, int64_t most)
{
    int64_t changes = 0;
    int rc = 0;
    while (!rc && !cli->closed && (most == 0 || changes < most)) {
        oph_event *event = NULL;
        oph_error err = OPH_ERROR_INIT;
        if (oph_queue_next(queue, OPH_FOREVER, &event, &err))
            return err.code == OPH_EINTR ? CLI_INTERRUPTED : cli_fail(&err);
        rc = show_event(cli, event, &changes);
        oph_event_free(event);
        if (!rc) rc = cli_flush(cli);
        if (cli_interrupted()) return CLI_INTERRUPTED; /* which a call in between may have taken */
    }
    return cli->closed ? CLI_FAILED : rc;
}

static int connect_all(struct cli *cli, const struct cli_signals *signals)
{
    oph_group *group = NULL;
    oph_report *report = NULL;
    oph_error err = OPH_ERROR_INIT;
    size_t there = 0;
    int rc = oph_group_new(cli->ctx, &group, &err);
    for (size_t i = 0; !rc && i < signals->count; i++)
        rc = oph_group_connect(group, signals->at[i], &err);
    if (!rc) rc = oph_group_run(group, OPH_DEFAULT, &report, &err);
    for (size_t i = 0; rc && i < signals->count; i++)
        there += oph_group_result(group, i, NULL) == 0;
    oph_group_free(group);
    if (!rc || (there && rc != OPH_EINTR)) { /* empty where all are there */
        cli_warn_report(report);             /* those may come later */
        return 0;
    }
    return cli_fail_report(&err, report);
}

static int subscribe_all(const struct cli_signals *signals, struct watched *list, oph_queue *queue)
{
    const oph_subscribe_options options = {.size = sizeof options,
                                           .mask = OPH_ON_VALUE | OPH_ON_ALARM | OPH_ON_PROPERTY};
    oph_error err = OPH_ERROR_INIT;
    int rc = 0;
    for (size_t i = 0; !rc && i < signals->count; i++) {
        list[i].sig = signals->at[i];
        rc = oph_subscribe_queue(signals->at[i], &options, queue, &list[i], &list[i].sub, &err);
    }
    return rc ? cli_fail(&err) : 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct cli_signals signals = {0};
    struct watched *list = NULL;
    oph_device *det = NULL;
    oph_queue *queue = NULL;
    oph_error err = OPH_ERROR_INIT;
    int64_t most;
    int rc = cli_option_int(cli, "-n", 1, 0, &most);
    if (!rc) rc = cli_device(cli, argv[0], &det);
    if (!rc) rc = cli_signals(det, argc - 1, argv + 1, &signals);
    if (!rc && !(list = calloc(signals.count + 1, sizeof *list))) rc = cli_no_memory();
    if (!rc) rc = connect_all(cli, &signals);
    if (!rc && oph_queue_new(cli->ctx, &queue, &err)) rc = cli_fail(&err);
    if (!rc) rc = subscribe_all(&signals, list, queue);
    if (!rc) rc = follow(cli, queue, most);
    for (size_t i = 0; list && i < signals.count; i++) {
        oph_subscription_free(list[i].sub);
        oph_descriptions_free(list[i].told);
    }
    oph_queue_free(queue);
    free(list);
    cli_signals_free(&signals);
    return rc;
}

static const struct cli_option options[] = {
    {"-n", "COUNT", "ends after so many changes; at first when it is interrupted"},
    {NULL, NULL, NULL},
};

const struct cli_command cli_watch = {
    .name = "watch",
    .line = "follows signals, a line a change",
    .usage = "PREFIX PATH...",
    .operands_min = 2,
    .operands_max = -1,
    .uses = CLI_USES_DEVICE | CLI_USES_JSON,
    .run = run,
    .options = options,
    .text = "The first line of each is its value now. An array is told as its size and how\n"
            "often it comes. The path of a device, as hdf1, means all its signals. A lost\n"
            "connection is told, and followed until it is back.",
    .examples = "cophyd watch Pilatus: cam.detector_state hdf1.num_captured\n"
                "cophyd watch Pilatus: image.array_data\n"
                "cophyd watch --json -n 10 Pilatus: cam.temp0",
};
