/* core/derived_result: what the functions may give, and what they may do wrong. */
#include "base/str.h"
#include "lib/check.h"
#include "lib/derive.h"
#include "lib/things.h"

#include <epicsUnitTest.h>
#include <math.h>
#include <string.h>

static oph_context *ctx;

/* What a function may do wrong. */

static int wrong(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    static const int32_t numbers[] = {1, 2, 3};
    static const int64_t square[] = {2, 2}, deep[11] = {1}, behind[] = {-1, 0};
    const double half = 0.5;
    (void)from, (void)count;
    switch (*(const int *)user) {
    case 0: return 0;
    case 1: return oph_output_set(to, 1, OPH_INT32, 1, numbers);
    case 2: return oph_output_set(to, 0, 77, 1, numbers);
    case 3: return oph_output_set(to, 0, OPH_INT32, 1, NULL);
    case 4: return oph_output_set(to, 0, OPH_INT32, 3, numbers);
    case 5: return oph_output_set(to, 0, OPH_FLOAT64, 1, &half);
    case 6: oph_output_set(to, 0, OPH_INT32, 3, numbers); return oph_output_shape(to, 0, 2, square);
    case 7: oph_output_set(to, 0, OPH_INT32, 1, numbers); return oph_output_shape(to, 0, 11, deep);
    case 8: return oph_output_shape(to, 0, 1, square);
    case 9: return 12345;
    case 11: oph_output_set(to, 0, OPH_INT32, 0, NULL); return oph_output_shape(to, 0, 2, behind);
    case 10: return OPH_EFILE;
    default:
        oph_output_set(to, 0, OPH_INT32, 3, numbers);
        return oph_output_set(to, 0, OPH_INT8, 1, "x");
    }
}

static void test_wrong_functions(void)
{
    static const struct {
        int code;
        const char *found;
    } rows[] = {{OPH_EINVAL, "its forward function set nothing"},
                {OPH_EINVAL, "it set a result too many"},
                {OPH_EINVAL, "found 77"},
                {OPH_EINVAL, "wanted elements, found NULL"},
                {OPH_ERANGE, "3 elements does not fit: a PV that holds 1 to 1"},
                {OPH_ETYPE, "0.5 does not fit: a PV that holds whole numbers"},
                {OPH_EINVAL, "a shape that is not its result's"},
                {OPH_EINVAL, "more than 10 axes"},
                {OPH_EINVAL, "a shape to what it has not set"},
                {OPH_EINVAL, "its forward function failed: it returned 12345"},
                {OPH_EFILE, "its forward function failed: OPH_EFILE"},
                {OPH_EINVAL, "a shape that is not its result's"}};
    int which;
    oph_signal *from = thing("number"), *sig = NULL;
    const oph_derived what = {.size = sizeof what,
                              .dtype = OPH_INT32,
                              .name = "x",
                              .from = &from,
                              .count = 1,
                              .forward = wrong,
                              .user = &which};
    oph_error err = OPH_ERROR_INIT;
    int64_t value = 5;
    derive_did(oph_derived_new(ctx, &what, &sig, &err), &err);
    for (which = 0; which < (int)(sizeof rows / sizeof rows[0]); which++)
        check_refused(oph_signal_get_int(sig, &value, &err), &err, rows[which].code, "x", "x",
                      "a value", rows[which].found);
    testOk1(value == 5);
    testOk(oph_signal_get_int(sig, &value, &err) == 0 && value == 'x', "the last result counts");
    oph_signal_free(sig);
}

/* What it may give. */

static int to_text(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    char text[80];
    const char *at = text;
    int64_t n;
    (void)count, (void)user;
    int rc = oph_value_get_int(from[0], &n, NULL);
    oph__format(text, sizeof text, "this is number %lld of a great many numbers", (long long)n);
    return rc ? rc : oph_output_set(to, 0, OPH_STRING, 1, &at);
}

static int to_parity(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    static const char *const labels[] = {"Even", "Odd"};
    int64_t n;
    (void)count, (void)user;
    int rc = oph_value_get_int(from[0], &n, NULL);
    return rc ? rc : oph_output_set(to, 0, OPH_STRING, 1, &labels[n % 2]);
}

/* Ten times as much, element by element. */
static int times(const oph_value *value, double factor, oph_output *to)
{
    double scaled[16];
    size_t count = oph_value_count(value);
    for (size_t i = 0; i < count && i < 16; i++)
        scaled[i] = factor * ((const double *)oph_value_data(value))[i];
    return oph_output_set(to, 0, OPH_FLOAT64, count, scaled);
}

static int ten_times(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    (void)count, (void)user;
    return times(from[0], 10, to);
}

static int a_tenth(const oph_value *wanted, oph_output *to, void *user)
{
    (void)user;
    return times(wanted, 0.1, to);
}

static int halves(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    int64_t n;
    (void)count, (void)user;
    int rc = oph_value_get_int(from[0], &n, NULL);
    const int64_t grid[6] = {n, n + 1, n + 2, n + 3, n + 4, n + 5}, axes[] = {2, 3};
    if (!rc) rc = oph_output_set(to, 0, OPH_INT64, 6, grid);
    return rc ? rc : oph_output_shape(to, 0, 2, axes);
}

static void test_types(void)
{
    const oph_properties labels = {
        .size = sizeof labels, .label_count = 2, .labels = {"Even", "Odd"}};
    const oph_properties room = {.size = sizeof room, .count = 10};
    oph_signal *number = derive_soft(ctx, "number", OPH_INT(5)), *text = NULL, *grid = NULL,
               *bad = NULL;
    oph_derived what = {.size = sizeof what,
                        .dtype = OPH_STRING,
                        .name = "text",
                        .from = &number,
                        .count = 1,
                        .forward = to_text};
    oph_error err = OPH_ERROR_INIT;
    char buffer[100] = "";
    derive_did(oph_derived_new(ctx, &what, &text, &err), &err);
    check_done(oph_signal_get_text(text, buffer, sizeof buffer, &err), &err, "a long text");
    testOk1(!strcmp(buffer, "this is number 5 of a great many numbers"));
    oph_signal_free(text);

    what.name = "grid";
    what.dtype = OPH_INT32;
    what.properties = &room;
    what.forward = halves;
    derive_did(oph_derived_new(ctx, &what, &grid, &err), &err);
    oph_value *value = NULL;
    int64_t shape[3] = {0};
    check_done(oph_signal_read(grid, NULL, &value, &err), &err, "an array with axes");
    testOk1(value && oph_value_dtype(value) == OPH_INT32 && oph_value_count(value) == 6 &&
            ((const int32_t *)oph_value_data(value))[5] == 10);
    testOk1(value && oph_value_shape(value, shape, 3) == 2 && shape[0] == 2 && shape[1] == 3);
    testOk1(value && oph_value_shape(value, shape, 0) == 2);
    oph_value_free(value);
    value = NULL;
    const oph_read_options four = {.size = sizeof four, .count = 4};
    check_done(oph_signal_read(grid, &four, &value, &err), &err, "four of its elements");
    testOk1(value && oph_value_shape(value, shape, 3) == 1 && shape[0] == 4);
    oph_value_free(value);
    oph_signal_free(grid);

    what.name = "bad";
    what.dtype = OPH_ENUM;
    what.properties = &labels;
    what.forward = derive_sum;
    derive_did(oph_derived_new(ctx, &what, &bad, &err), &err);
    check_refused(oph_signal_get_text(bad, buffer, sizeof buffer, &err), &err, OPH_ETYPE, "bad",
                  "bad", "a value", "5 does not fit");
    oph_signal_free(bad);
    oph_signal_free(number);
}

static void test_labels(void)
{
    const oph_properties labels = {
        .size = sizeof labels, .label_count = 2, .labels = {"Even", "Odd"}};
    oph_signal *number = derive_soft(ctx, "number", OPH_INT(5)), *parity = NULL;
    const oph_derived what = {.size = sizeof what,
                              .dtype = OPH_ENUM,
                              .name = "parity",
                              .properties = &labels,
                              .from = &number,
                              .count = 1,
                              .forward = to_parity};
    char text[10] = "";
    oph_error err = OPH_ERROR_INIT;
    derive_did(oph_derived_new(ctx, &what, &parity, &err), &err);
    check_done(oph_signal_get_text(parity, text, sizeof text, &err), &err, "a label");
    testOk1(!strcmp(text, "Odd"));
    oph_signal_put_int(number, 6, NULL);
    const oph_read_options as_text = {.size = sizeof as_text, .dtype = OPH_TEXT};
    oph_value *value = NULL;
    check_done(oph_signal_read(parity, &as_text, &value, &err), &err, "as text");
    testOk1(value && !strcmp(oph_value_data(value), "Even"));
    oph_value_free(value);
    oph_signal_free(parity);
    oph_signal_free(number);
}

static void test_arrays(void)
{
    static const double elements[] = {10, 20, 30}, odd[] = {1, (double)NAN};
    const oph_data three = {.dtype = OPH_FLOAT64, .count = 3, .data = elements};
    const oph_data bad = {.dtype = OPH_FLOAT64, .count = 2, .data = odd};
    const oph_put_options any = {.size = sizeof any, .flags = OPH_PUT_NONFINITE};
    const oph_properties room = {.size = sizeof room, .count = 4};
    oph_signal *from = thing("array"), *tens = NULL;
    const oph_derived what = {.size = sizeof what,
                              .dtype = OPH_FLOAT64,
                              .name = "tens",
                              .properties = &room,
                              .from = &from,
                              .count = 1,
                              .forward = ten_times,
                              .inverse = a_tenth};
    oph_error err = OPH_ERROR_INIT;
    const oph_put_options complete = {.size = sizeof complete, .policy = OPH_PUT_COMPLETE};
    derive_did(oph_derived_new(ctx, &what, &tens, &err), &err);
    check_done(oph_signal_put(tens, &three, &complete, &err), &err, "an array is put through");
    oph_value *value = NULL;
    check_done(oph_signal_read(from, NULL, &value, &err), &err, "read");
    const double *found = value ? oph_value_data(value) : NULL;
    testOk1(found && found[0] == 1 && found[1] == 2 && fabs(found[2] - 3) < 1e-9);
    oph_value_free(value);
    check_refused(oph_signal_put(tens, &bad, &any, &err), &err, OPH_ERANGE, "tens", "tens", NULL,
                  "dev.array (X:Array): wanted nan, found a number that is not finite");
    oph_signal_free(tens);
}

static void test_wrong_calls(void)
{
    oph_context *other = fake_context(NULL, NULL);
    oph_signal *here = derive_soft(ctx, "here", OPH_INT(1)), *none = NULL, *sig = NULL;
    oph_derived what = {.size = sizeof what,
                        .dtype = OPH_INT32,
                        .name = "x",
                        .from = &here,
                        .count = 1,
                        .forward = derive_sum};
    oph_error err = OPH_ERROR_INIT;
    check_refused(oph_derived_new(other, &what, &sig, &err), &err, OPH_EINVAL, "x", NULL,
                  "the same context", "here");
    what.from = &none;
    check_refused(oph_derived_new(ctx, &what, &sig, &err), &err, OPH_EINVAL, "x", NULL, "signals",
                  "NULL");
    what.from = NULL;
    check_refused(oph_derived_new(ctx, &what, &sig, &err), &err, OPH_EINVAL, "x", NULL, "signals",
                  "no signals");
    what.from = &here;
    what.forward = NULL;
    check_refused(oph_derived_new(ctx, &what, &sig, &err), &err, OPH_EINVAL, "x", NULL, "function",
                  "no function");
    what.forward = derive_sum;
    what.dtype = OPH_NONE;
    check_refused(oph_derived_new(ctx, &what, &sig, &err), &err, OPH_EINVAL, "x", NULL,
                  "enum oph_dtype", "0");
    what.name = NULL;
    check_refused(oph_derived_new(ctx, &what, &sig, &err), &err, OPH_EINVAL, NULL, NULL, NULL,
                  NULL);
    check_refused(oph_soft_set(thing("number"), OPH_INT(1), 0, 0, &err), &err, OPH_EINVAL,
                  "dev.number", NULL, "oph_soft_new", "another");
    testOk1(!sig);
    oph_signal_free(here);
    oph_context_free(other);
}

int main(void)
{
    testPlan(0);
    things_begin();
    ctx = things_context();
    test_wrong_functions();
    test_types();
    test_labels();
    test_arrays();
    test_wrong_calls();
    things_end();
    return testDone();
}
