/* Scans of signals in memory: where they go and what is told of it, what is refused, delays and
 * progress. */
#include "lib/documents.h"

#include <cophyd/reading.h>
#include <cophyd/soft.h>
#include <epicsUnitTest.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static oph_context *ctx;
static oph_signal *x, *n, *locked, *sum; /* sum: of x and n */
static struct documents docs;

static oph_signal *soft(const char *name, const oph_data *initial, int writable, double low,
                        double high)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = NULL;
    oph_properties is = {.size = sizeof is,
                         .count = 1,
                         .writable = writable,
                         .precision = 3,
                         .control_low = low,
                         .control_high = high};
    if (oph_soft_new(ctx, name, initial, &is, &sig, &err)) testAbort("%s", err.text);
    return sig;
}

static int add(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    double a = 0, b = 0;
    (void)user;
    if (oph_value_get_double(from[0], &a, NULL) || oph_value_get_double(from[count - 1], &b, NULL))
        return OPH_ETYPE;
    return oph_output_set(to, 0, OPH_FLOAT64, 1, &(double){a + b});
}

static void make_signals(void)
{
    oph_error err = OPH_ERROR_INIT;
    x = soft("x", OPH_DOUBLE(0), 1, -10, 10);
    n = soft("n", OPH_INT(0), 1, 0, 0);
    locked = soft("locked", OPH_DOUBLE(0), 0, 0, 0);
    const oph_derived what = {.size = sizeof what,
                              .dtype = OPH_FLOAT64,
                              .name = "sum",
                              .from = (oph_signal *const[]){x, n},
                              .count = 2,
                              .forward = add};
    if (oph_derived_new(ctx, &what, &sum, &err)) testAbort("%s", err.text);
}

static int scan(const oph_scan_axis *axes, size_t count, int64_t points,
                const oph_count_options *opt, oph_error *err)
{
    *err = (oph_error)OPH_ERROR_INIT;
    return oph_scan(ctx, NULL, 0, axes, count, points, documents_take, &docs, opt, err);
}

static void goes_in_equal_steps(void)
{
    oph_error err;
    const oph_scan_axis axes[] = {{.signal = x, .start = -1, .stop = 1},
                                  {.signal = n, .start = 10, .stop = 2}};
    oph_count_options opt = {.size = sizeof opt, .signals = &sum, .signal_count = 1};
    int rc = scan(axes, 2, 5, &opt, &err);
    testOk(rc == 0, "a scan of two signals: %s", err.text);
    documents_are(&docs, "start descriptor event event event event event stop");
    const json_t *start = documents_nth(&docs, "start", 0);
    const json_t *descriptor = documents_nth(&docs, "descriptor", 0);
    documents_say(start, "plan_name", "\"scan\"");
    documents_say(start, "detectors", "[\"sum\"]");
    documents_say(start, "motors", "[\"x\",\"n\"]");
    documents_say(start, "num_points", "5");
    documents_say(start, "num_intervals", "4");
    documents_say(start, "plan_args",
                  "{\"detectors\":[\"sum\"],\"num\":5,\"args\":[\"x\",-1.0,1.0,\"n\",10.0,2.0],"
                  "\"per_step\":\"None\"}");
    documents_say(start, "plan_pattern", "\"inner_product\"");
    documents_say(start, "plan_pattern_module", "\"bluesky.plan_patterns\"");
    documents_say(start, "plan_pattern_args",
                  "{\"num\":5,\"args\":[\"x\",-1.0,1.0,\"n\",10.0,2.0]}");
    documents_say(start, "hints", "{\"dimensions\":[[[\"x\",\"n\"],\"primary\"]]}");
    documents_say(descriptor, "object_keys", "{\"sum\":[\"sum\"],\"x\":[\"x\"],\"n\":[\"n\"]}");
    documents_say(descriptor, "hints/x", "{\"fields\":[\"x\"]}");
    documents_say(descriptor, "hints/sum", "{\"fields\":[]}");
    static const char *const data[] = {
        "{\"sum\":9.0,\"x\":-1.0,\"n\":10}", "{\"sum\":7.5,\"x\":-0.5,\"n\":8}",
        "{\"sum\":6.0,\"x\":0.0,\"n\":6}", "{\"sum\":4.5,\"x\":0.5,\"n\":4}",
        "{\"sum\":3.0,\"x\":1.0,\"n\":2}"};
    for (int i = 0; i < 5; i++)
        documents_say(documents_nth(&docs, "event", i), "data", data[i]);
    documents_say(documents_nth(&docs, "stop", 0), "exit_status", "\"success\"");
    documents_clear(&docs);
}

static void takes_one_point_at_the_start(void)
{
    oph_error err;
    const oph_scan_axis axis = {.signal = x, .start = 3, .stop = 4};
    testOk1(scan(&axis, 1, 1, NULL, &err) == 0);
    documents_say(documents_nth(&docs, "event", 0), "data", "{\"x\":3.0}");
    documents_say(documents_nth(&docs, "start", 0), "num_intervals", "0");
    documents_clear(&docs);
}

static void ends_where_it_says(void)
{
    oph_error err;
    const oph_scan_axis axis = {.signal = x, .start = 0, .stop = 0.3};
    double last = 0;
    testOk1(scan(&axis, 1, 4, NULL, &err) == 0);
    oph_signal_get_double(x, &last, &err);
    testOk(last == 0.3, "the last point is at %.17g", last);
    documents_clear(&docs);
}

/* Metadata have the last word, as in a count. */
static void takes_metadata(void)
{
    oph_error err;
    const oph_scan_axis axis = {.signal = x, .start = 0, .stop = 1};
    oph_count_options opt = {.size = sizeof opt};
    opt.metadata = "{\"plan_name\":\"ascan\",\"hints\":{}}";
    testOk1(scan(&axis, 1, 2, &opt, &err) == 0);
    documents_say(documents_nth(&docs, "start", 0), "plan_name", "\"ascan\"");
    documents_say(documents_nth(&docs, "start", 0), "hints", "{}");
    documents_say(documents_nth(&docs, "start", 0), "motors", "[\"x\"]");
    documents_clear(&docs);
}

static void refuses(const oph_scan_axis *axes, size_t count, int64_t points, int code,
                    const char *found)
{
    oph_error err;
    double before, after;
    oph_signal_get_double(x, &before, &err);
    int rc = scan(axes, count, points, NULL, &err);
    oph_signal_get_double(x, &after, &err);
    testOk(rc == code && strstr(err.text, found) && !docs.count && before == after, "%s: %s",
           oph_code_name(rc), err.text);
    documents_clear(&docs);
}

static void refuses_what_is_wrong(void)
{
    oph_error err;
    const oph_scan_axis good = {.signal = x, .start = 0, .stop = 1};
    const oph_scan_axis none = {.start = 0, .stop = 1};
    const oph_scan_axis beyond = {.signal = x, .start = 0, .stop = 10.5};
    const oph_scan_axis early = {.signal = x, .start = -11, .stop = 0};
    const oph_scan_axis nowhere = {.signal = n, .start = 0, .stop = (double)NAN};
    const oph_scan_axis read_only = {.signal = locked, .start = 0, .stop = 1};
    refuses(NULL, 0, 3, OPH_EINVAL, "a scan: wanted an axis, found none");
    refuses(&good, 1, 0, OPH_EINVAL, "a scan: wanted 1 point or more");
    refuses(&none, 1, 3, OPH_EINVAL, "a motor or a signal in each axis, found neither");
    refuses(&beyond, 1, 3, OPH_ERANGE, "x: wanted a number from -10 to 10, found 10.5");
    refuses(&early, 1, 3, OPH_ERANGE, "found -11");
    refuses((const oph_scan_axis[]){good, nowhere}, 2, 3, OPH_ERANGE, "n: wanted a finite number");
    refuses((const oph_scan_axis[]){good, read_only}, 2, 3, OPH_EACCESS, "locked");
    refuses((const oph_scan_axis[]){good, good}, 2, 3, OPH_EINVAL, "two of that name");
    oph_count_options opt = {.size = sizeof opt, .signals = &x, .signal_count = 1};
    testOk1(scan(&good, 1, 3, &opt, &err) == OPH_EINVAL && !docs.count);
    opt = (oph_count_options){.size = sizeof opt, .delay = -1};
    testOk(scan(&good, 1, 3, &opt, &err) == OPH_EINVAL && !docs.count, "%s", err.text);
    opt = (oph_count_options){.size = sizeof opt, .move_timeout = -1};
    testOk(scan(&good, 1, 3, &opt, &err) == OPH_EINVAL && !docs.count, "%s", err.text);
}

/* 5/2 is no integer: the second move is what fails. */
static void fails_with_a_move(void)
{
    oph_error err;
    const oph_scan_axis axis = {.signal = n, .start = 0, .stop = 5};
    int rc = scan(&axis, 1, 3, NULL, &err);
    testOk(rc < 0 && err.code == rc && !strncmp(err.text, "point 2 of 3, n at 2.5: n: ", 27), "%s",
           err.text);
    documents_are(&docs, "start descriptor event stop");
    documents_say(documents_nth(&docs, "stop", 0), "exit_status", "\"fail\"");
    const char *reason = json_string_value(documents_at(documents_nth(&docs, "stop", 0), "reason"));
    testOk(reason && !strcmp(reason, err.text), "that is the reason, too");
    documents_say(documents_nth(&docs, "stop", 0), "num_events", "{\"primary\":1}");
    documents_clear(&docs);
}

/* Delays and progress */

struct told {
    int count;
    oph_run_point last;
    int in_order;
};

static void tell(void *user, const oph_run_point *at)
{
    struct told *told = user;
    told->count++;
    told->in_order += at->done == told->count && at->elapsed >= told->last.elapsed;
    told->last = *at;
}

static double time_of(const char *name, int index)
{
    return json_real_value(json_object_get(documents_nth(&docs, name, index), "time"));
}

static void waits_between_points(void)
{
    oph_error err;
    struct told told = {0};
    const oph_scan_axis axis = {.signal = x, .start = 0, .stop = 1};
    oph_count_options opt = {
        .size = sizeof opt, .delay = 0.05, .progress = tell, .progress_user = &told};
    testOk1(scan(&axis, 1, 3, &opt, &err) == 0);
    testOk(told.count == 3 && told.in_order == 3, "the progress was told %d times", told.count);
    testOk1(told.last.done == 3 && told.last.points == 3 && told.last.remaining == 0 &&
            !told.last.file);
    testOk(time_of("stop", 0) - time_of("start", 0) >= 0.1, "two delays were waited for");
    documents_clear(&docs);
    opt =
        (oph_count_options){.size = sizeof opt, .delay = 0.05, .signals = &sum, .signal_count = 1};
    testOk1(oph_count(ctx, NULL, 0, 3, documents_take, &docs, &opt, &err) == 0);
    testOk(time_of("stop", 0) - time_of("start", 0) >= 0.1, "a count waits, too");
    documents_clear(&docs);
}

static void interrupt(struct documents *d, void *user)
{
    if (!strcmp(d->names[d->count - 1], "event")) oph_interrupt(user);
}

static void ends_a_delay(void)
{
    oph_error err;
    const oph_scan_axis axis = {.signal = x, .start = 0, .stop = 1};
    oph_count_options opt = {.size = sizeof opt, .delay = 1000};
    docs.on = interrupt;
    docs.user = ctx;
    testOk(scan(&axis, 1, 3, &opt, &err) == OPH_EINTR, "%s", err.text);
    documents_are(&docs, "start descriptor event stop");
    documents_say(documents_nth(&docs, "stop", 0), "exit_status", "\"abort\"");
    documents_clear(&docs);
}

int main(void)
{
    oph_error err;
    testPlan(0);
    if (oph_context_new(NULL, &ctx, &err)) testAbort("%s", err.text);
    make_signals();
    goes_in_equal_steps();
    takes_one_point_at_the_start();
    ends_where_it_says();
    takes_metadata();
    refuses_what_is_wrong();
    fails_with_a_move();
    waits_between_points();
    ends_a_delay();
    oph_signal_free(sum);
    oph_signal_free(x);
    oph_signal_free(n);
    oph_signal_free(locked);
    oph_context_free(ctx);
    return testDone();
}
