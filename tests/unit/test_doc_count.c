/* Runs of signals in memory: the documents, what is refused, what a sink can do to a run. */
#include "lib/documents.h"

#include <cophyd/reading.h>
#include <cophyd/soft.h>
#include <epicsUnitTest.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static oph_context *ctx;
static oph_signal *signals[3]; /* temperature, mode, profile */
static struct documents docs;

static oph_signal *soft(const char *name, const oph_data *initial, const oph_properties *properties)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = NULL;
    if (oph_soft_new(ctx, name, initial, properties, &sig, &err)) testAbort("%s", err.text);
    return sig;
}

static void make_signals(void)
{
    static const double profile[] = {1, (double)NAN, 3};
    oph_error err = OPH_ERROR_INIT;
    oph_properties warm = {.size = sizeof warm,
                           .dtype = OPH_FLOAT64,
                           .count = 1,
                           .writable = 1,
                           .precision = 2,
                           .units = "\xb0"
                                    "C",
                           .control_low = -10,
                           .control_high = 90,
                           .display_low = -1e300,
                           .display_high = 1e300,
                           .warning_low = (double)NAN,
                           .warning_high = 50,
                           .alarm_low = (double)NAN,
                           .alarm_high = (double)NAN};
    oph_properties mode = {.size = sizeof mode,
                           .dtype = OPH_ENUM,
                           .count = 1,
                           .label_count = 2,
                           .labels = {"Off", "On"}};
    signals[0] = soft("temperature", OPH_DOUBLE(21.5), &warm);
    signals[1] = soft("mode", &(const oph_data){OPH_ENUM, 0, 1, &(const uint16_t){1}}, &mode);
    signals[2] = soft("profile", &(const oph_data){OPH_FLOAT64, 0, 3, profile}, NULL);
    if (oph_signal_set_kind(signals[0], OPH_KIND_HINTED, &err)) testAbort("%s", err.text);
}

static oph_count_options with_signals(size_t count)
{
    return (oph_count_options){
        .size = sizeof(oph_count_options), .signals = signals, .signal_count = count};
}

static int count(int64_t points, const oph_count_options *opt, oph_error *err)
{
    *err = (oph_error)OPH_ERROR_INIT;
    return oph_count(ctx, NULL, 0, points, documents_take, &docs, opt, err);
}

/* A member of one document is that of another. */
static void same(const json_t *a, const char *a_path, const json_t *b, const char *b_path)
{
    json_t *x = documents_at(a, a_path), *y = documents_at(b, b_path);
    testOk(x && y && json_equal(x, y), "%s is the %s", a_path, b_path);
}

static int is_uid(const json_t *doc)
{
    const char *uid = json_string_value(json_object_get(doc, "uid"));
    return uid && strlen(uid) == 36 && uid[14] == '4' && strchr("89ab", uid[19]);
}

static void tells_of_signals(void)
{
    oph_error err;
    oph_count_options opt = with_signals(3);
    opt.scan_id = 42;
    opt.metadata = "{\"sample\":{\"name\":\"x\"},\"plan_name\":\"mine\",\"n\":[1,2.5,null]}";
    testOk1(count(2, &opt, &err) == 0);
    documents_are(&docs, "start descriptor event event stop");
    const json_t *start = documents_nth(&docs, "start", 0), *stop = documents_nth(&docs, "stop", 0);
    const json_t *descriptor = documents_nth(&docs, "descriptor", 0);
    const json_t *event = documents_nth(&docs, "event", 0);
    for (int i = 0; i < docs.count; i++)
        testOk(is_uid(docs.docs[i]) && json_real_value(json_object_get(docs.docs[i], "time")) > 1e9,
               "%s has a random UUID and the time", docs.names[i]);
    documents_say(start, "plan_name", "\"mine\"");
    documents_say(start, "sample", "{\"name\":\"x\"}");
    documents_say(start, "n", "[1,2.5,null]");
    documents_say(start, "scan_id", "42");
    documents_say(start, "num_points", "2");
    documents_say(start, "num_intervals", "1");
    documents_say(start, "detectors", "[\"temperature\",\"mode\",\"profile\"]");
    documents_say(start, "plan_args",
                  "{\"detectors\":[\"temperature\",\"mode\",\"profile\"],\"num\":2,"
                  "\"delay\":0.0}");
    documents_say(start, "hints", "{\"dimensions\":[[[\"time\"],\"primary\"]]}");
    same(descriptor, "run_start", start, "uid");
    documents_say(descriptor, "name", "\"primary\"");
    documents_say(descriptor, "data_keys/temperature",
                  "{\"source\":\"SIM:temperature\",\"dtype\":\"number\",\"dtype_numpy\":\"<f8\","
                  "\"shape\":[],\"object_name\":\"temperature\",\"units\":\"\xc2\xb0"
                  "C\",\"precision\":2,\"limits\":{\"control\":{\"low\":-10.0,\"high\":90.0},"
                  "\"warning\":{\"low\":null,\"high\":50.0}}}");
    documents_say(descriptor, "data_keys/mode",
                  "{\"source\":\"SIM:mode\",\"dtype\":\"integer\",\"dtype_numpy\":\"<u2\","
                  "\"shape\":[],\"object_name\":\"mode\",\"choices\":[\"Off\",\"On\"]}");
    documents_say(descriptor, "data_keys/profile/shape", "[3]");
    documents_say(descriptor, "object_keys",
                  "{\"temperature\":[\"temperature\"],\"mode\":[\"mode\"],"
                  "\"profile\":[\"profile\"]}");
    documents_say(descriptor, "hints",
                  "{\"temperature\":{\"fields\":[\"temperature\"]},\"mode\":{\"fields\":[]},"
                  "\"profile\":{\"fields\":[]}}");
    documents_say(descriptor, "configuration/mode",
                  "{\"data\":{},\"timestamps\":{},\"data_keys\":{}}");
    documents_say(event, "seq_num", "1");
    documents_say(event, "data", "{\"temperature\":21.5,\"mode\":1,\"profile\":[1.0,null,3.0]}");
    documents_say(event, "filled", "{}");
    same(event, "descriptor", descriptor, "uid");
    testOk1(json_object_size(json_object_get(event, "timestamps")) == 3);
    documents_say(documents_nth(&docs, "event", 1), "seq_num", "2");
    same(stop, "run_start", start, "uid");
    documents_say(stop, "exit_status", "\"success\"");
    documents_say(stop, "reason", "\"\"");
    documents_say(stop, "num_events", "{\"primary\":2}");
    documents_clear(&docs);
}

static void refuses(int code, const char *found, int64_t points, const oph_count_options *opt)
{
    oph_error err;
    int rc = count(points, opt, &err);
    testOk(rc == code && err.code == code && strstr(err.text, found) && !docs.count, "%s: %s",
           oph_code_name(code), err.text);
    documents_clear(&docs);
}

static void refuses_metadata(int code, const char *found, const char *metadata)
{
    oph_count_options opt = with_signals(1);
    opt.metadata = metadata;
    refuses(code, found, 1, &opt);
}

static void refuses_what_is_wrong(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_count_options opt = with_signals(1);
    oph_signal *twice[] = {signals[0], signals[0]};
    refuses(OPH_EINVAL, "1 point or more", 0, &opt);
    refuses(OPH_EINVAL, "a detector or a signal", 1, NULL);
    opt.size = 2;
    refuses(OPH_EINVAL, "the size of oph_count_options", 1, &opt);
    opt = with_signals(1);
    opt.form = 2;
    refuses(OPH_EINVAL, "a form of documents", 1, &opt);
    opt = with_signals(1);
    opt.timeout = -1;
    refuses(OPH_EINVAL, "a timeout of 0 or more", 1, &opt);
    opt = with_signals(1);
    opt.root = "data";
    refuses(OPH_EINVAL, "an absolute root, found data", 1, &opt);
    opt = with_signals(2);
    opt.signals = twice;
    refuses(OPH_EINVAL, "temperature: wanted a detector or a signal once", 1, &opt);
    opt = with_signals(1);
    testOk1(oph_count(ctx, NULL, 0, 1, NULL, NULL, &opt, &err) == OPH_EINVAL);
    refuses_metadata(OPH_EPARSE, "metadata:1:", "{\"a\":");
    refuses_metadata(OPH_EPARSE, "a JSON object", "[1]");
    refuses_metadata(OPH_EPARSE, "metadata:1:", "{\"a\":1,\"a\":2}");
    refuses_metadata(OPH_EINVAL, "\"uid\"", "{\"uid\":\"x\"}");
    refuses_metadata(OPH_EINVAL, "\"time\"", "{\"time\":0}");
    refuses_metadata(OPH_EINVAL, "\"a.b\"", "{\"a.b\":0}");
    refuses_metadata(OPH_EINVAL, "\"c/d\"", "{\"a\":{\"c/d\":0}}");
    refuses_metadata(OPH_EINVAL, "\"e.f\"", "{\"a\":[1,[{\"b\":{\"e.f\":0}}]]}");
    refuses_metadata(OPH_EINVAL, "\"scan_id\" to be an integer", "{\"scan_id\":\"1\"}");
    refuses_metadata(OPH_EINVAL, "\"sample\" to be a string or an object", "{\"sample\":1}");
    refuses_metadata(OPH_EINVAL, "\"data_groups\" to be an array of strings",
                     "{\"data_groups\":[\"a\",1]}");
    refuses_metadata(OPH_EINVAL, "\"owner\" to be a string", "{\"owner\":{}}");
    refuses_metadata(OPH_EINVAL, "\"hints\" to be an object", "{\"hints\":[]}");
    refuses_metadata(OPH_EINVAL, "with dimensions as", "{\"hints\":{\"dimensions\":3}}");
    refuses_metadata(OPH_EINVAL, "with dimensions as",
                     "{\"hints\":{\"dimensions\":[[[\"x\"],0]]}}");
    refuses_metadata(OPH_EINVAL, "\"projections\" to be an array of objects",
                     "{\"projections\":[\"x\"]}");
}

/* A sink that refuses is not asked again. */
static void ends_where_a_sink_refuses(void)
{
    static const char *const before[] = {"", "start", "start descriptor", "start descriptor event",
                                         "start descriptor event event"};
    static const char *const refused[] = {"start", "descriptor", "event", "event", "stop"};
    for (int i = 0; i < 5; i++) {
        char wanted[80];
        oph_error err;
        oph_count_options opt = with_signals(3);
        docs.refuse = i + 1;
        int rc = count(2, &opt, &err);
        snprintf(wanted, sizeof wanted, "the sink refused the document \"%s\" (7)", refused[i]);
        testOk(rc == OPH_EFILE && !strcmp(err.text, wanted), "%s", err.text);
        documents_are(&docs, before[i]);
        documents_clear(&docs);
    }
}

static int32_t fail_well(void *user, const char *name, const char *json, size_t length,
                         oph_error *err)
{
    (void)name, (void)json, (void)length;
    ++*(int *)user;
    *err = (oph_error){.code = OPH_EBUSY, .text = "the broker is away"};
    return OPH_EBUSY;
}

static void keeps_the_sinks_error(void)
{
    int calls = 0;
    oph_error err = OPH_ERROR_INIT;
    oph_count_options opt = with_signals(1);
    int rc = oph_count(ctx, NULL, 0, 3, fail_well, &calls, &opt, &err);
    testOk(rc == OPH_EBUSY && !strcmp(err.text, "the broker is away") && calls == 1,
           "the error is the sink's");
}

static void interrupt(struct documents *d, void *user)
{
    if (!strcmp(d->names[d->count - 1], "event")) oph_interrupt(user);
}

static void change_type(struct documents *d, void *user)
{
    (void)user;
    if (d->count == 3) oph_signal_set_kind(signals[1], OPH_KIND_OMITTED, NULL);
}

/* A signal that nobody hints, and kinds that change meanwhile, make no difference to the keys. */
static void keeps_its_keys(void)
{
    oph_error err;
    oph_count_options opt = with_signals(3);
    docs.on = change_type;
    testOk1(count(2, &opt, &err) == 0);
    documents_say(documents_nth(&docs, "event", 1), "data",
                  "{\"temperature\":21.5,\"mode\":1,\"profile\":[1.0,null,3.0]}");
    documents_clear(&docs);
}

/* After the last point nothing is left to end: the interrupt is for the next call that blocks. */
static void leaves_an_interrupt(void)
{
    oph_error err;
    oph_count_options opt = with_signals(1);
    oph_status *status = NULL;
    docs.on = interrupt;
    docs.user = ctx;
    testOk1(count(1, &opt, &err) == 0);
    documents_say(documents_nth(&docs, "stop", 0), "exit_status", "\"success\"");
    documents_clear(&docs);
    if (oph_status_new(ctx, "test", 20, &status, &err)) testAbort("%s", err.text);
    testOk(oph_status_wait(status, OPH_DEFAULT, &err) == OPH_EINTR,
           "the interrupt is for who waits next");
    oph_status_finish(status, NULL);
    oph_status_unref(status);
}

struct endless {
    int events;
    bool stopped, aborted;
};

static int32_t interrupt_once(void *user, const char *name, const char *json, size_t length,
                              oph_error *err)
{
    struct endless *e = user;
    (void)length, (void)err;
    if (!strcmp(name, "event") && e->events++ == 2) oph_interrupt(ctx);
    if (strcmp(name, "stop") != 0) return 0;
    e->stopped = true;
    e->aborted = strstr(json, "\"exit_status\":\"abort\"") != NULL;
    return 0;
}

/* Nothing in it ever blocks. */
static void ends_at_an_interrupt(void)
{
    oph_error err = OPH_ERROR_INIT;
    struct endless e = {0};
    oph_count_options opt = with_signals(1);
    int rc = oph_count(ctx, NULL, 0, INT64_MAX, interrupt_once, &e, &opt, &err);
    testOk(rc == OPH_EINTR && e.events > 2 && strstr(err.text, " of 9223372036854775807: "), "%s",
           err.text);
    testOk(e.stopped && e.aborted, "the stop document says abort");
}

static void refuses_in_a_fork(void)
{
    oph_error err;
    int status = 0;
    oph_count_options opt = with_signals(1);
    pid_t child = fork();
    if (!child) _exit(count(1, &opt, &err) == OPH_EFORK && !docs.count ? 0 : 1);
    testOk(waitpid(child, &status, 0) == child && !status, "a forked child is refused");
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    if (oph_context_new(NULL, &ctx, &err)) testAbort("%s", err.text);
    make_signals();
    tells_of_signals();
    refuses_what_is_wrong();
    ends_where_a_sink_refuses();
    keeps_the_sinks_error();
    keeps_its_keys();
    leaves_an_interrupt();
    ends_at_an_interrupt();
    refuses_in_a_fork();
    for (int i = 0; i < 3; i++)
        oph_signal_free(signals[i]);
    oph_context_free(ctx);
    return testDone();
}
