/* What calls refuse before anything is sent, each in one sentence that says what was wanted. */
#include "lib/check.h"
#include "lib/derive.h"
#include "lib/fake_link.h"

#include <cophyd/cophyd.h>
#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>

static const char classes[] = "class Det\n"
                              "row number Number rbv int   config\n"
                              "row text   Text   rw  text  config\n"
                              "row mode   Mode   rw  enum  config\n";

static oph_context *ctx;
static oph_device *det;

/* One testOk: that code, and a sentence with this in it. */
static void refused(int rc, const oph_error *err, int code, const char *with)
{
    testOk(rc == code && err->code == code && strstr(err->text, with), "%s: %s", oph_code_name(rc),
           err->text);
}

static void statuses(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_status *status = NULL, *bound = NULL;
    refused(oph_status_new(ctx, NULL, 1, &status, &err), &err, OPH_EINVAL, "found no name");
    refused(oph_status_new(ctx, "mine", OPH_DEFAULT, &status, &err), &err, OPH_EINVAL,
            "found no timeout");
    testOk1(!status);
    check_done(oph_status_new(ctx, "mine", 30, &status, &err), &err, "a status");
    check_refused(oph_status_on_done(status, NULL, NULL, &err), &err, OPH_EINVAL, "mine", NULL,
                  "a callback", "NULL");
    check_refused(oph_status_bound(status, 1, -1, &bound, &err), &err, OPH_EINVAL, "mine", NULL,
                  "a time to settle of zero or more seconds", "-1");
    check_refused(oph_status_bound(status, 1, (double)INFINITY, &bound, &err), &err, OPH_EINVAL,
                  "mine", NULL, "a time to settle", "inf");
    refused(oph_status_all(NULL, 1, &bound, &err), &err, OPH_EINVAL, "found none");
    refused(oph_status_any(&bound, 1, &bound, &err), &err, OPH_EINVAL, "found NULL");
    testOk1(!bound && oph_status_finish(status, NULL) == 1);
    oph_status_unref(status);
}

static int sets_nothing(const oph_value *wanted, oph_output *to, void *user)
{
    (void)wanted, (void)to, (void)user;
    return 0;
}

static void local_signals(void)
{
    static const double one = 1;
    const oph_data data = {.dtype = OPH_FLOAT64, .count = 1, .data = &one};
    const oph_properties fixed = {.size = sizeof fixed, .count = 1, .readable = 1, .precision = 3};
    oph_error err = OPH_ERROR_INIT;
    oph_signal *source = derive_soft(ctx, "source", &data), *soft = NULL;
    oph_signal *rate = derive(ctx, "rate", &source, 1, derive_rate, NULL);
    oph_signal *lost = derive(ctx, "lost", &source, 1, derive_rate, sets_nothing);
    check_done(oph_soft_new(ctx, "fixed", &data, &fixed, &soft, &err), &err, "a fixed signal");
    check_refused(oph_signal_put_double(soft, 2, &err), &err, OPH_EACCESS, "fixed", "fixed", "2",
                  "read-only");
    check_refused(oph_signal_put_double(rate, 2, &err), &err, OPH_EACCESS, "rate", "rate", "2",
                  "read-only");
    refused(oph_signal_put_double(lost, 2, &err), &err, OPH_EINVAL,
            "its inverse function set nothing");
    derive_is(source, 1);
    oph_signal_free(lost);
    oph_signal_free(rate);
    oph_signal_free(soft);
    oph_signal_free(source);
}

static void shapes(void)
{
    static const double pixels[6] = {0}, two = 2, half = 0.5;
    const oph_data array = {.dtype = OPH_FLOAT64, .count = 6, .data = pixels};
    oph_error err = OPH_ERROR_INIT;
    oph_value *value = NULL;
    oph_signal *sizes[2], *shaped = NULL;
    oph_signal *from = derive_soft(ctx, "pixels", &array);
    oph_signal *rank =
        derive_soft(ctx, "rank", &(oph_data){.dtype = OPH_FLOAT64, .count = 1, .data = &half});
    for (int i = 0; i < 2; i++)
        sizes[i] = derive_soft(ctx, i ? "rows" : "cols",
                               &(oph_data){.dtype = OPH_FLOAT64, .count = 1, .data = &two});
    refused(oph_shaped_new(ctx, NULL, from, sizes, 2, rank, &shaped, &err), &err, OPH_EINVAL,
            "wanted a name, found NULL");
    check_refused(oph_shaped_new(ctx, "image", from, sizes, 0, rank, &shaped, &err), &err,
                  OPH_EINVAL, "image", NULL, "1 to 10 sizes", "0");
    check_refused(oph_shaped_new(ctx, "image", from, NULL, 2, rank, &shaped, &err), &err,
                  OPH_EINVAL, "image", NULL, "an array and its sizes", "NULL");
    testOk1(!shaped);
    check_done(oph_shaped_new(ctx, "image", from, sizes, 2, rank, &shaped, &err), &err, "an image");
    refused(oph_signal_read(shaped, NULL, &value, &err), &err, OPH_ETYPE,
            "the number of its axes is no whole number");
    testOk1(!value);
    oph_signal_free(shaped);
    oph_signal_free(rank);
    oph_signal_free(sizes[0]);
    oph_signal_free(sizes[1]);
    oph_signal_free(from);
}

static void values(void)
{
    static const char *const texts[2] = {"a", NULL};
    static const uint64_t large = UINT64_MAX;
    const oph_data no_text = {.dtype = OPH_STRING, .count = 2, .data = texts};
    const oph_data most = {.dtype = OPH_UINT64, .count = 1, .data = &large};
    oph_error err = OPH_ERROR_INIT;
    oph_signal *text = NULL, *mode = NULL;
    int rc = oph_signal_find(det, "text", &text, &err);
    if (!rc) rc = oph_signal_find(det, "mode", &mode, &err);
    check_done(rc, &err, "the signals");
    check_refused(oph_signal_put(text, &no_text, NULL, &err), &err, OPH_EINVAL, "det.text", NULL,
                  "a text", "NULL");
    check_refused(oph_signal_put(text, &most, NULL, &err), &err, OPH_ERANGE, "det.text", "X:Text",
                  NULL, NULL);
    check_refused(oph_signal_put(mode, &most, NULL, &err), &err, OPH_ERANGE, "det.mode", "X:Mode",
                  NULL, NULL);
    testOk(!*fake_puts(), "nothing was put: %s", fake_puts());
}

static void subscriptions(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *number = NULL;
    oph_subscription *sub = NULL;
    check_done(oph_signal_find(det, "number", &number, &err), &err, "the signal");
    check_refused(oph_subscribe(number, NULL, NULL, NULL, &sub, &err), &err, OPH_EINVAL,
                  "det.number", NULL, "a callback", "NULL");
    check_refused(oph_subscribe_queue(number, NULL, NULL, NULL, &sub, &err), &err, OPH_EINVAL,
                  "det.number", NULL, "a queue", "NULL");
    testOk1(!sub);
}

/* A device without a trigger. */
static void series(void)
{
    oph_error err = OPH_ERROR_INIT;
    const oph_series some = {.size = sizeof some};
    int64_t kickoffs = 77;
    int rc = oph_prepare(det, &some, &kickoffs, &err);
    testOk(rc < 0 && err.code == rc && strstr(err.text, "det: wanted to prepare a series"), "%s",
           err.text);
    testOk1(kickoffs == 77);
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    fake_begin();
    fake_pv("X:Number", OPH_INT32, 1, "", "7");
    fake_pv("X:Number_RBV", OPH_INT32, 1, "", "7");
    fake_pv("X:Text", OPH_TEXT, 1, "", "old");
    fake_pv("X:Mode", OPH_ENUM, 1, "Single,Multiple", "0");
    ctx = fake_context(classes, NULL);
    if (oph_device_new(ctx, "Det", "X:", "det", &det, &err)) testAbort("%s", err.text);
    statuses();
    local_signals();
    shapes();
    values();
    subscriptions();
    series();
    oph_device_free(det);
    oph_context_free(ctx);
    testOk1(fake_end() == 0);
    return testDone();
}
