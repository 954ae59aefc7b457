/* Values as JSON. */
#include "doc/json.h"

#include <cophyd/soft.h>
#include <epicsUnitTest.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static oph_context *ctx;

static oph_value *value_of(int32_t dtype, uint64_t count, const void *data)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *sig = NULL;
    oph_value *value = NULL;
    const oph_data initial = {.dtype = dtype, .count = count, .data = data};
    int rc = oph_soft_new(ctx, "soft", &initial, NULL, &sig, &err);
    if (!rc) rc = oph_signal_read(sig, NULL, &value, &err);
    if (rc) testAbort("%s", err.text);
    oph_signal_free(sig);
    return value;
}

static void becomes(oph_value *value, const char *dtype, const char *wanted)
{
    oph_error err = OPH_ERROR_INIT;
    json_t *json = NULL;
    int rc = oph__json_value(value, dtype, "soft", &json, &err);
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    testOk(!rc && text && !strcmp(text, wanted), "%s of %s is %s", dtype,
           oph_dtype_name(oph_value_dtype(value)), wanted);
    if (!text || strcmp(text, wanted)) testDiag("found %s", text ? text : err.text);
    free(text);
    json_decref(json);
    oph_value_free(value);
}

#define ONE(dtype, type, number, wanted)                                                           \
    becomes(value_of(dtype, 1, &(type){number}), "integer", wanted)

static void numbers(void)
{
    ONE(OPH_INT8, int8_t, -128, "-128");
    ONE(OPH_UINT8, uint8_t, 255, "255");
    ONE(OPH_INT16, int16_t, -32768, "-32768");
    ONE(OPH_UINT16, uint16_t, 65535, "65535");
    ONE(OPH_INT32, int32_t, INT32_MIN, "-2147483648");
    ONE(OPH_UINT32, uint32_t, UINT32_MAX, "4294967295");
    ONE(OPH_INT64, int64_t, INT64_MIN, "-9223372036854775808");
    ONE(OPH_UINT64, uint64_t, INT64_MAX, "9223372036854775807");
    ONE(OPH_FLOAT32, float, 0.5f, "0.5");
    ONE(OPH_FLOAT64, double, -1e300, "-1.0000000000000001e300");
}

/* A reader of JSON knows neither. */
static void what_is_not_finite(void)
{
    static const double several[] = {1, (double)NAN, 2, (double)INFINITY, -(double)INFINITY};
    becomes(value_of(OPH_FLOAT64, 1, several + 1), "number", "null");
    becomes(value_of(OPH_FLOAT32, 1, &(float){NAN}), "number", "null");
    becomes(value_of(OPH_FLOAT64, 5, several), "array", "[1.0,null,2.0,null,null]");
}

static void too_large(void)
{
    static const uint64_t several[] = {1, 1ull << 63};
    oph_error err = OPH_ERROR_INIT;
    json_t *json = NULL;
    oph_value *value = value_of(OPH_UINT64, 2, several);
    int rc = oph__json_value(value, "array", "det.soft", &json, &err);
    testOk(rc == OPH_ERANGE && !json &&
               !strcmp(err.text, "det.soft: wanted an integer below 2^63, as documents can have, "
                                 "found 9223372036854775808"),
           "%s", err.text);
    oph_value_free(value);
}

static void texts(void)
{
    static const char *const strings[] = {"a", "", "\xe4\xb5"};
    becomes(value_of(OPH_STRING, 1, &(const char *){"hello \"you\""}), "string",
            "\"hello \\\"you\\\"\"");
    becomes(value_of(OPH_STRING, 1, &(const char *){""}), "string", "\"\"");
    becomes(value_of(OPH_STRING, 1, &(const char *){"\xc3\xa4 \xe2\x82\xac"}), "string",
            "\"\xc3\xa4 \xe2\x82\xac\"");
    becomes(value_of(OPH_STRING, 1, &(const char *){"\xb5m"}), "string", "\"\xc2\xb5m\"");
    becomes(value_of(OPH_STRING, 3, strings), "array", "[\"a\",\"\",\"\xc3\xa4\xc2\xb5\"]");
    becomes(value_of(OPH_STRING, 1, &(const char *){"hi"}), "array", "[104,105,0]");
}

static int two_by_three(const oph_value *const *from, size_t count, oph_output *to, void *user)
{
    static const int32_t numbers[] = {1, 2, 3, 4, 5, 6};
    static const int64_t shape[] = {2, 3};
    (void)from, (void)count, (void)user;
    int rc = oph_output_set(to, 0, OPH_INT32, 6, numbers);
    return rc ? rc : oph_output_shape(to, 0, 2, shape);
}

static void shapes(void)
{
    oph_error err = OPH_ERROR_INIT;
    oph_signal *one = NULL, *made = NULL;
    oph_value *value = NULL;
    oph_properties room = {.size = sizeof room, .dtype = OPH_INT32, .count = 6};
    oph_derived derived = {.size = sizeof derived, .dtype = OPH_INT32, .name = "made"};
    int rc = oph_soft_new(ctx, "one", OPH_INT(1), NULL, &one, &err);
    derived.from = &one;
    derived.count = 1;
    derived.forward = two_by_three;
    derived.properties = &room;
    if (!rc) rc = oph_derived_new(ctx, &derived, &made, &err);
    if (!rc) rc = oph_signal_read(made, NULL, &value, &err);
    if (rc) testAbort("%s", err.text);
    becomes(value, "array", "[[1,2,3],[4,5,6]]");
    becomes(value_of(OPH_INT32, 1, &(int32_t){9}), "array", "[9]");
    oph_signal_free(made);
    oph_signal_free(one);
}

int main(void)
{
    oph_error err = OPH_ERROR_INIT;
    testPlan(0);
    if (oph_context_new(NULL, &ctx, &err)) testAbort("%s", err.text);
    numbers();
    what_is_not_finite();
    too_large();
    texts();
    shapes();
    oph_context_free(ctx);
    return testDone();
}
